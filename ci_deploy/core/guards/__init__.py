"""Guards: what a new version must hold while it gets traffic. Pure; docs/guards.md has the rules in words.

How a run uses it, in order:

1. `grammar.parse(text)` -> `Guards(lines, off)`; `BadGuards.problems` has every mistake with what to write instead.
   Nothing given is `DEFAULT` (shown only), `off` reads no metrics. `Guards.counting` are those that stop.
2. At planning: `judging.level(functions, len(guards.counting), judging.planned_tests(shift_seconds, bake_seconds))`
   is the level of each single test. It is frozen at creation; a second attempt keeps it.
   `power.foresee(guard, schedule.steps(routing), bake, calls_per_minute, old_error_share, level)` and
   `texts.foreseen` say what this deployment will be able to see.
3. At the first look (`queries.next_ripe(first shift)`): `queries.hour(subject, guards, began, known)` until it asks
   nothing more. Its answers are the baseline, kept as they are to the end.
4. At each look (once a minute, `queries.next_ripe(now)`, and once at the end): `queries.look(subject, guards, shifts,
   hour_answers, now)`, all minutes since the first shift again. `queries.batches` makes calls of them: each batch has
   one window and at most 500 metrics, for the functions of a release together. A `Question` has `dimensions`; its
   points come back as `Answers`: question -> {start of the period in epoch seconds: value}, no point for zero.
   `now` and the shifts are AWS's time. `shifts` are those that happened: `Shift(at, share in percent)`.
5. `series.series(subject, guard, shifts, hour_answers, answers)` -> the judged minutes of one guard. None instead of
   answers: CloudWatch could not be read. A look that failed is judged with the last answers that came.
6. `judging.judge(guard, series, level)` -> `Judgment`: verdict, why, both versions' counts, phase.
   `judging.overall(judgments)` -> the worst of the counting ones: violated, inconclusive, held, or None.
7. `series.shown(subject, shifts, answers)` -> both versions' errors by minute, p50, p99 and throttles, for reports.
8. `texts.verdict`, `texts.numbers`, `texts.minute`, `texts.versions` say it.

What is judged, and how, stands at the top of `judging`.
"""
