"""What CloudWatch is asked: Lambda's metrics of two versions under one alias, by minute.

Pure: a `Question` is data, and answers come back under it (`Answers`). Facts: metrics of a version under an alias have
the dimensions FunctionName, Resource (`function:alias`) and ExecutedVersion; without the last one they are the alias's.
Zero is no data point. GetMetricData takes 500 metrics a call (facts.md H).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, floor

from ..lazy import dataclass
from .grammar import Guard, Guards, Unit

NAMESPACE = "AWS/Lambda"
MINUTE = 60
HOUR = 3600
LATE = 120  # no minute younger than this is judged: points arrive late
COLD_MINUTES = 2  # whole minutes that duration guards skip after each increase: a new version starts cold
MOST = 500  # metrics in one GetMetricData call
SHOWN = ("p50", "p99")  # percentiles of the durations


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose metrics: a function's plain name, its alias, and the version numbers before and after."""

    function: str
    alias: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """From `at` (epoch seconds, AWS's time) the new version has `share` percent of the traffic."""

    at: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One metric of GetMetricData: from `start` to before `end` (epoch seconds, whole minutes), a point per `period`.

    `version` empty: the alias's own metric, whatever version ran.
    """

    function: str
    alias: str
    version: str = ""
    metric: str
    statistic: str
    start: int
    end: int
    period: int = MINUTE

    @property
    def dimensions(self) -> tuple[tuple[str, str], ...]:
        """Names and values, as CloudWatch matches them: exactly these."""
        alias = (("FunctionName", self.function), ("Resource", f"{self.function}:{self.alias}"))
        return (*alias, ("ExecutedVersion", self.version)) if self.version else alias


# The points of each question that was answered: start of the period (epoch seconds) -> value. A question that is
# missing could not be read; one with no points was answered "nothing", which is zero.
Answers = Mapping[Question, Mapping[int, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What CloudWatch answered, and `at`, AWS's own time when it did (epoch seconds)."""

    answers: Answers
    at: float


def ripe_end(now: float) -> int:
    """The end of the last minute that may be judged at `now`; epoch seconds."""
    return floor((now - LATE) / MINUTE) * MINUTE


def next_ripe(now: float) -> float:
    """When the next minute may be judged; epoch seconds."""
    return float(ripe_end(now) + MINUTE + LATE)


def day(function: str, alias: str, now: float) -> tuple[Question, ...]:
    """The alias's calls and errors of the last day, by the hour: what a plan foresees from."""
    end = floor(now / HOUR) * HOUR
    return tuple(
        Question(
            function=function, alias=alias, metric=metric, statistic="Sum", start=end - 24 * HOUR, end=end, period=HOUR
        )
        for metric in ("Invocations", "Errors")
    )


def hour(subject: Subject, guards: Guards, began: float, known: Answers) -> tuple[Question, ...]:
    """What is still to be asked about the alias's hour before the first shift (`began`, epoch seconds).

    Ask, add the answers to `known`, and call again, until nothing comes: a limit like `p95 < 1.5x` needs the hour's
    percentile before the calls above it can be counted. Ask it once, at the first look; the answers stay frozen.
    """
    wanted = [_hour(subject, began, "Invocations", "Sum"), _hour(subject, began, "Errors", "Sum")]
    durations = [guard for guard in guards.lines if guard.percentile]
    if durations:
        wanted.append(_hour(subject, began, "Duration", "SampleCount"))
    for guard in durations:
        if guard.unit is Unit.TIMES:
            wanted.append(percentile_of_hour(subject, guard, began))
        limit = threshold(subject, guard, began, known)
        if limit is not None:
            wanted.append(_hour(subject, began, "Duration", rank(limit)))
    return () if guards.off else tuple(each for each in dict.fromkeys(wanted) if each not in known)


def percentile_of_hour(subject: Subject, guard: Guard, began: float) -> Question:
    """The old version's percentile over the whole hour, in one period: percentiles of minutes cannot be averaged."""
    return _hour(subject, began, "Duration", f"p{guard.percentile}", period=HOUR)


def threshold(subject: Subject, guard: Guard, began: float, known: Answers) -> float | None:
    """The duration in milliseconds that a guard counts calls above; None when there is none, or not yet.

    Where CloudWatch answers the hour in two periods the larger percentile counts, which stops less.
    """
    if not guard.percentile:
        return None
    if guard.unit is Unit.MILLISECONDS:
        return guard.value
    points = known.get(percentile_of_hour(subject, guard, began)) or {}
    return round(guard.value * max(points.values()), 3) if points else None


def rank(limit: float) -> str:
    """The percentile rank: what percentage of the calls took `limit` milliseconds or less."""
    return f"PR(:{limit:.10g})"


def look(
    subject: Subject, guards: Guards, shifts: Sequence[Shift], hour_answers: Answers, now: float
) -> tuple[Question, ...]:
    """What one look asks: all ripe minutes since the first shift, again and again, because points are revised.

    `shifts` in the order of time, the first is the beginning. Nothing before the first minute is ripe.
    """
    start, end = floor(shifts[0].at / MINUTE) * MINUTE, ripe_end(now)
    if guards.off or end <= start:
        return ()
    began = shifts[0].at
    limits = {threshold(subject, guard, began, hour_answers) for guard in guards.lines}
    ranks = [rank(limit) for limit in sorted(limit for limit in limits if limit is not None)]
    moved = after_start(shifts)
    wanted: list[Question] = []

    def ask(version: str, metric: str, *statistics: str, period: int = MINUTE) -> None:
        wanted.extend(
            Question(
                function=subject.function,
                alias=subject.alias,
                version=version,
                metric=metric,
                statistic=each,
                start=start,
                end=end,
                period=period,
            )
            for each in statistics
        )

    for version in (subject.new, subject.old):
        ask(version, "Invocations", "Sum")
        ask(version, "Errors", "Sum")
        ask(version, "Duration", *SHOWN, period=end - start)
        if ranks:
            ask(version, "Duration", "SampleCount", *ranks)
    ask("", "Throttles", "Sum")
    if moved is not None and moved < end:
        ask("", "Invocations", "Sum")
        ask("", "Errors", "Sum")
        if ranks:
            ask("", "Duration", "SampleCount", *ranks)
    return tuple(wanted)


def after_start(shifts: Sequence[Shift]) -> int | None:
    """The first whole minute after all traffic has moved; None while it has not."""
    last = shifts[-1]
    return ceil(last.at / MINUTE) * MINUTE if last.share >= 100 else None


def batches(questions: Iterable[Question]) -> tuple[tuple[Question, ...], ...]:
    """Questions as calls: one time window each, 500 at most. Functions with the same window share a call."""
    windows: dict[tuple[int, int], list[Question]] = {}
    for question in questions:
        windows.setdefault((question.start, question.end), []).append(question)
    return tuple(tuple(group[at : at + MOST]) for group in windows.values() for at in range(0, len(group), MOST))


def _hour(subject: Subject, began: float, metric: str, statistic: str, period: int = MINUTE) -> Question:
    end = floor(began / MINUTE) * MINUTE
    return Question(
        function=subject.function,
        alias=subject.alias,
        metric=metric,
        statistic=statistic,
        start=end - HOUR,
        end=end,
        period=period,
    )
