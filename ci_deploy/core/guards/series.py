"""What came: CloudWatch's points as minutes of two versions, ready to be judged.

Pure. A minute without a point had no calls. Points are partial at first and revised later, so a series is always made
anew from everything since the beginning, and nothing of an earlier look is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, floor

from ..lazy import dataclass
from .grammar import Guard
from .queries import (
    COLD_MINUTES,
    HOUR,
    MINUTE,
    SHOWN,
    Answers,
    Question,
    Shift,
    Subject,
    after_start,
    percentile_of_hour,
    rank,
    threshold,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Calls, and how many of them were bad: failed, or took longer than the guard's threshold."""

    calls: int = 0
    bad: int = 0

    @property
    def share(self) -> float:
        """The bad calls' share, 0 to 1; 0 without calls."""
        return self.bad / self.calls if self.calls else 0.0


NOTHING = Count()


def together(counts: Iterable[Count]) -> Count:
    """The sum of several counts."""
    pairs = [(each.calls, each.bad) for each in counts]
    return Count(calls=sum(calls for calls, _ in pairs), bad=sum(bad for _, bad in pairs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """One minute in which both versions may have had calls.

    `share`: the highest share of the traffic (0 to 1) that the new version had at any moment of it.
    """

    at: int
    new: Count
    old: Count
    share: float

    @property
    def exposure(self) -> float:
        """The new version's calls, or as many as it would have had with its highest share all the minute long.

        In a minute in which traffic shifts, an outage of both versions may lie wholly behind the shift: then the new
        version has a larger part of the errors than of the calls, and is as good as the old one.
        """
        return max(float(self.new.calls), self.old.calls * self.share / (1 - self.share))


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The judged minutes of one guard.

    `split`: while both versions served. `after`: whole minutes with all traffic on the new version. `hour`: the alias
    before the first shift, the baseline of `after` and the measure of how much its bad calls come in bursts.
    `threshold`: milliseconds above which a call is bad, None for errors or when the hour had no calls to say it.
    `readable` is false when CloudWatch did not answer.
    """

    split: tuple[Minute, ...] = ()
    after: tuple[Count, ...] = ()
    hour: tuple[Count, ...] = ()
    threshold: float | None = None
    readable: bool = True

    @property
    def minutes(self) -> int:
        """How many minutes are judged."""
        return len(self.split) + len(self.after)


def series(
    subject: Subject, guard: Guard, shifts: Sequence[Shift], hour_answers: Answers | None, answers: Answers | None
) -> Series:
    """The series of one guard, from the answers about the hour before and those of the last look that was answered.

    None for either: CloudWatch could not be read. Empty `answers`: no minute was ripe yet. Points that were asked for
    and are missing are zeros; a question that was never answered makes the series unreadable.
    """
    if hour_answers is None or answers is None:
        return Series(readable=False)
    began = shifts[0].at
    limit = threshold(subject, guard, began, hour_answers)
    if guard.percentile and limit is None:
        # Answered, and no point: the hour had no calls.
        return Series(readable=percentile_of_hour(subject, guard, began) in hour_answers)
    first = floor(began / MINUTE) * MINUTE
    past, now = _Table(subject, hour_answers, limit), _Table(subject, answers, limit)
    moved = after_start(shifts)
    needed = [subject.new, subject.old, *([""] if moved is not None and moved < now.end else [])]
    if not past.has("") or (now.end and not all(now.has(version) for version in needed)):
        return Series(readable=False, threshold=limit)
    skipped = _cold(shifts) if guard.percentile else frozenset()
    judged = [at for at in range(first, now.end, MINUTE) if at not in skipped]
    split = (
        Minute(at=at, new=now.count(subject.new, at), old=now.count(subject.old, at), share=highest(shifts, at))
        for at in judged
    )
    return Series(
        split=tuple(minute for minute in split if minute.share < 1),
        after=tuple(now.count("", at) for at in judged if moved is not None and at >= moved),
        hour=tuple(past.count("", at) for at in range(first - HOUR, first, MINUTE)),
        threshold=limit,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How long calls took, in milliseconds: half of them less than `p50`, 99 of 100 less than `p99`."""

    p50: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What reports show of one look, whatever the guards are: errors by minute, durations, throttles.

    `minutes` are all while traffic is split; `after` those of the alias since then, with their moments. Durations are
    of the whole time since the first shift, None without calls. Throttled calls have no version.
    """

    minutes: tuple[Minute, ...] = ()
    after: tuple[tuple[int, Count], ...] = ()
    new_durations: Durations | None = None
    old_durations: Durations | None = None
    throttles: int = 0

    @property
    def new(self) -> Count:
        """The new version's calls and errors while traffic was split."""
        return together(minute.new for minute in self.minutes)

    @property
    def old(self) -> Count:
        """The old version's, in the same minutes."""
        return together(minute.old for minute in self.minutes)


def shown(subject: Subject, shifts: Sequence[Shift], answers: Answers) -> Shown:
    """What to show of a look. Questions that were not answered count as zero: nothing is decided by this."""
    table, moved = _Table(subject, answers, None), after_start(shifts)
    minutes = range(floor(shifts[0].at / MINUTE) * MINUTE, table.end, MINUTE)
    split = (
        Minute(at=at, new=table.count(subject.new, at), old=table.count(subject.old, at), share=highest(shifts, at))
        for at in minutes
    )

    def durations(version: str) -> Durations | None:
        found = {
            each.statistic: max(points.values())
            for each, points in answers.items()
            if _about(each, subject) and each.version == version and each.statistic in SHOWN and points
        }
        return Durations(**found) if len(found) == len(SHOWN) else None

    return Shown(
        minutes=tuple(minute for minute in split if minute.share < 1),
        after=tuple((at, table.count("", at)) for at in minutes if moved is not None and at >= moved),
        new_durations=durations(subject.new),
        old_durations=durations(subject.old),
        throttles=round(sum(table.points("", "Throttles", "Sum").values())),
    )


def highest(shifts: Sequence[Shift], at: int) -> float:
    """The new version's highest share of the traffic (0 to 1) in the minute that starts at `at`."""
    before = [shift.share for shift in shifts if shift.at < at + MINUTE]
    return max(before, default=0.0) / 100


def _cold(shifts: Sequence[Shift]) -> frozenset[int]:
    """The minutes that duration guards skip: that of each increase, and two whole ones behind it."""
    return frozenset(
        at
        for shift in shifts
        for at in range(floor(shift.at / MINUTE) * MINUTE, (ceil(shift.at / MINUTE) + COLD_MINUTES) * MINUTE, MINUTE)
    )


def _about(question: Question, subject: Subject) -> bool:
    """Whether a question is about this function's alias: a release's answers come together."""
    return (question.function, question.alias) == (subject.function, subject.alias)


class _Table:
    """The points of one subject by minute, and how they become counts."""

    def __init__(self, subject: Subject, answers: Answers, limit: float | None) -> None:
        own = {each: points for each, points in answers.items() if _about(each, subject) and each.period == MINUTE}
        self._points = {(each.version, each.metric, each.statistic): points for each, points in own.items()}
        self.end = max((each.end for each in own), default=0)
        self._calls = ("Invocations", "Sum") if limit is None else ("Duration", "SampleCount")
        self._bad = ("Errors", "Sum") if limit is None else ("Duration", rank(limit))
        self._ranked = limit is not None

    def has(self, version: str) -> bool:
        """Whether both metrics of a version were answered."""
        return (version, *self._calls) in self._points and (version, *self._bad) in self._points

    def points(self, version: str, metric: str, statistic: str) -> Mapping[int, float]:
        """The points of one metric; none where nothing was answered."""
        return self._points.get((version, metric, statistic), {})

    def count(self, version: str, at: int) -> Count:
        """One minute of a version. Metrics arrive one by one: there are never fewer calls than bad ones."""
        calls = round(self.points(version, *self._calls).get(at, 0))
        points = self.points(version, *self._bad)
        if self._ranked:
            # The rank is what share of the calls stayed within the threshold; no point, nothing known, nothing bad.
            bad = round(calls * (1 - points.get(at, 100.0) / 100))
        else:
            bad = round(points.get(at, 0))
        return Count(calls=max(calls, bad), bad=bad)
