"""A vocabulary for tests of guards: answers of CloudWatch made from minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ci_deploy.core.guards.grammar import Guard, Guards, parse
from ci_deploy.core.guards.queries import MINUTE, Question, Shift, Subject, hour, look
from ci_deploy.core.guards.series import Count, Minute, Series

SUBJECT = Subject(function="checkout", alias="live", old="41", new="42")
BEGAN = 1_790_000_040.0 - 1_790_000_040 % 60  # a whole minute
CANARY = (Shift(at=BEGAN, share=10.0),)
MOVED = (*CANARY, Shift(at=BEGAN + 600, share=100.0))


def guard(line: str) -> Guard:
    return parse(line).lines[0]


def guards(*lines: str) -> Guards:
    return parse("\n".join(lines))


Minutes = Sequence[tuple[int, int]]  # (calls, bad) of each minute


def answer(
    questions: Sequence[Question], counts: Mapping[str, Minutes], percentile: float = 200.0
) -> dict[Question, dict[int, float]]:
    """Answers by version (`""` is the alias): minutes from each question's start on; nothing for zero."""
    return {question: _points(question, counts.get(question.version, ()), percentile) for question in questions}


def _points(question: Question, minutes: Minutes, percentile: float) -> dict[int, float]:
    points = {}
    for number, (calls, bad) in enumerate(minutes):
        at = question.start + number * MINUTE
        if at >= question.end:
            break
        if question.statistic.startswith("PR"):
            value = 100 * (1 - bad / calls) if calls else 0.0
        elif question.metric == "Errors":
            value = bad
        elif question.metric == "Throttles" or question.statistic.startswith("p"):
            continue
        else:
            value = calls
        if calls and (value or question.statistic.startswith("PR")):
            points[at] = float(value)
    if question.statistic.startswith("p") and question.period > MINUTE and any(calls for calls, _ in minutes):
        points[question.start] = percentile
    return points


def hour_answers(line: str, minutes: Minutes, percentile: float = 200.0) -> dict[Question, dict[int, float]]:
    """The hour before, asked until nothing is left to ask."""
    known: dict[Question, dict[int, float]] = {}
    while wanted := hour(SUBJECT, guards(line), BEGAN, known):
        known |= answer(wanted, {"": minutes}, percentile)
    return known


def look_answers(
    line: str,
    shifts: Sequence[Shift],
    counts: Mapping[str, Minutes],
    hours: Mapping[Question, Mapping[int, float]],
    now: float,
) -> dict[Question, dict[int, float]]:
    """One look at `now`."""
    return answer(look(SUBJECT, guards(line), shifts, hours, now), counts)


def split(new: Minutes, old: Minutes, share: float = 0.1) -> tuple[Minute, ...]:
    """Minutes of both versions."""
    return tuple(
        Minute(at=at * MINUTE, new=Count(calls=n, bad=b), old=Count(calls=m, bad=c), share=share)
        for at, ((n, b), (m, c)) in enumerate(zip(new, old, strict=True))
    )


def counts(minutes: Minutes) -> tuple[Count, ...]:
    return tuple(Count(calls=calls, bad=bad) for calls, bad in minutes)


def made(
    new: Minutes = (), old: Minutes = (), after: Minutes = (), hours: Minutes = ((60, 0),) * 60, **more: float
) -> Series:
    """A series of minutes at 10%."""
    return Series(split=split(new, old), after=counts(after), hour=counts(hours), **more)
