"""How a guard is judged: which counts prove that a new version is worse, and which prove that it would have been seen.

Pure; the same series gives the same judgment. The rules, each the answer to a fault that simulation showed
(docs/guards.md has the figures):

- **Level.** 1% for a release, divided by its functions, its counting guards and the planned tests.
- **Minutes keep their weights.** Versions are compared within each minute, and the minutes' chances are convolved.
- **Bursts.** Counts are divided by the dispersion of bad calls from minute to minute, the larger of two: that of the
  alias in the hour before (without its worst half hour, for an incident is no habit), and that of the new version
  itself. So one bad minute proves nothing, and nothing is proved by fewer than two.
- **No burst is larger than what it did.** In a minute in which both versions served, a burst is at most as large as the
  new version's bad calls. So each minute in which it fails counts once at least, however large bursts were before: a
  version that fails minute after minute, beside one that does not, is stopped in any case.
- **Both.** A fixed limit is violated only by a version that is also worse than the old one, at the same level.
- **The estimate too.** Beside significance the observed share itself is past the limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import accumulate
from math import ceil, floor

from ..lazy import dataclass
from . import power
from .exact import binomial_tail, convolved
from .grammar import Guard
from .series import NOTHING, Count, Minute, Series, together

LEVEL = 0.01  # the chance of a false alarm, for a whole release
SUSPICIOUS = 0.05  # at a single look: not enough to stop, too much to say "held"
_ONE_IN_TEN = 1.2816  # the normal quantile


class Verdict(StrEnum):
    """How a guard ended, worst first."""

    VIOLATED = "violated"
    INCONCLUSIVE = "inconclusive"
    HELD = "held"


class Why(StrEnum):
    """Why a guard is inconclusive."""

    UNREADABLE = "unreadable"  # CloudWatch could not be read
    NO_MINUTE = "no-minute"  # no minute is old enough
    NO_HOUR = "no-hour"  # the old version had no calls in the hour before to say what `1.5x` is
    NO_CALLS = "no-calls"  # the new version had no (finished) call
    NO_BASELINE = "no-baseline"  # the old version had no calls to compare with
    BOTH_FAIL = "both-fail"  # past the limit, and the old version as well
    BURSTS = "bursts"  # past the limit, and sure if bad calls came singly: they come in bursts
    SUSPECT = "suspect"  # past the limit, more than chance explains in one case of twenty, and too little to be sure
    FEW_CALLS = "few-calls"  # too few calls to see 20% of them fail


class Phase(StrEnum):
    """Which minutes the numbers of a judgment are of."""

    SPLIT = "split"  # both versions, side by side
    AFTER = "after"  # all traffic on the new version; the old one's numbers are the hour before the first shift


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """One guard, judged. `new` and `old` are the numbers of `phase`.

    `chance`: how probable such numbers are for a version within the limit (1 when nothing was tested), `level` what it
    has to stay below; `bursts` the dispersion that counts were divided by, and `habitual` whether it is that of the
    hour before, not of the new version itself. `why` only when inconclusive.
    """

    guard: Guard
    verdict: Verdict
    why: Why | None = None
    phase: Phase = Phase.SPLIT
    new: Count = NOTHING
    old: Count = NOTHING
    minutes: int = 0
    threshold: float | None = None
    chance: float = 1.0
    level: float = LEVEL
    bursts: float = 1.0
    habitual: bool = False

    @property
    def visible(self) -> float | None:
        """The smallest share of bad calls (0 to 1) that these calls would have shown; None when none would."""
        return power.visible(self.guard, *_divided(self.new, self.old, self.bursts), self.level)


def planned_tests(shift_seconds: float, bake_seconds: float) -> int:
    """How often a guard is tested, at least once: every minute, and twice where both phases can be judged."""
    return max(1, ceil((shift_seconds + bake_seconds) / 60) + max(0, power.after_minutes(bake_seconds) - 1))


def level(functions: int, counting: int, tests: int) -> float:
    """The level of one test; frozen when the release begins, and not renewed by a second attempt."""
    return LEVEL / (max(1, functions) * max(1, counting) * max(1, tests))


def judge(guard: Guard, series: Series, at_level: float) -> Judgment:
    """Judge one guard from its series. `at_level` is `level(…)`."""
    before = habit(series.hour)
    tried = [_try(guard, series, phase, before, at_level) for phase in Phase]
    order = (
        Verdict.VIOLATED,
        Why.BOTH_FAIL,
        Why.BURSTS,
        Why.SUSPECT,
        Verdict.HELD,
        Why.FEW_CALLS,
        Why.NO_BASELINE,
    )
    ranked = [(order.index(each.why or each.verdict), each) for each in tried if (each.why or each.verdict) in order]
    if ranked:
        # The earlier phase of two alike: there both versions met the same minutes.
        return min(ranked, key=lambda pair: pair[0])[1]
    return next((each for each in tried if each.why is Why.NO_CALLS), tried[0])


def overall(judgments: Iterable[Judgment]) -> Verdict | None:
    """The verdict of all guards that count: the worst; None when none counts."""
    verdicts = {judgment.verdict for judgment in judgments if not judgment.guard.observe}
    return next((verdict for verdict in Verdict if verdict in verdicts), None)


def habit(hour: Sequence[Count]) -> float:
    """The dispersion of the hour before, without the half of it, in a row, that adds most: an incident is no habit.

    A dependency that was down for a quarter of an hour, or a bad version that was rolled back, is one stretch of bad
    minutes. Functions whose errors come in bursts have them in the other half as well.
    """
    half = len(hour) // 2
    before = _sums(hour)
    behind = _sums(hour[::-1])[::-1]
    return min(_dispersed(_added(before[at], behind[at + half])) for at in range(len(hour) - half + 1))


def dispersion(minutes: Sequence[Count]) -> float:
    """How much more the minutes' bad calls vary than chance alone makes them: 1, or more where that is certain.

    Pearson's statistic over its degrees of freedom, with the minutes' calls as weights; 1 where chance alone would
    reach it in one case of ten (Wilson and Hilferty's quantile). Five bad calls in one minute and none in the others
    give 5.
    """
    return _dispersed(_sums(minutes)[-1])


_Sums = tuple[int, int, int, float]  # minutes with calls, calls, bad calls, and each minute's (bad calls)² / calls


def _sums(minutes: Sequence[Count]) -> list[_Sums]:
    """What the dispersion is made of, of no minute, of the first, of the first two and so on."""
    each = ((1, count.calls, count.bad, count.bad**2 / count.calls) if count.calls else _NO_MINUTE for count in minutes)
    return list(accumulate(each, _added, initial=_NO_MINUTE))


_NO_MINUTE: _Sums = (0, 0, 0, 0.0)


def _added(some: _Sums, more: _Sums) -> _Sums:
    return some[0] + more[0], some[1] + more[1], some[2] + more[2], some[3] + more[3]


def _dispersed(sums: _Sums) -> float:
    minutes, calls, bad, squares = sums
    free = minutes - 1
    if free < 1 or not 0 < bad < calls:
        return 1.0
    # Pearson's Σ(x - e)²/e, multiplied out: every e is its minute's calls by bad / calls.
    spread = (squares * calls / bad - bad) / free
    part = 2 / (9 * free)
    return spread if spread > (1 - part + _ONE_IN_TEN * part**0.5) ** 3 else 1.0


def _try(guard: Guard, series: Series, phase: Phase, before: float, at_level: float) -> Judgment:
    split = phase is Phase.SPLIT
    minutes = [minute.new for minute in series.split] if split else list(series.after)
    old = together([minute.old for minute in series.split] if split else series.hour)
    new = together(minutes)

    own = dispersion(minutes)
    bursts = max(before, own)

    def said(verdict: Verdict, why: Why | None = None, chance: float = 1.0) -> Judgment:
        return Judgment(
            guard=guard,
            verdict=verdict,
            why=why,
            phase=phase,
            new=new,
            old=old,
            minutes=len(minutes),
            threshold=series.threshold,
            chance=chance,
            level=at_level,
            bursts=bursts,
            habitual=before > own,
        )

    for why, holds in (
        (Why.UNREADABLE, not series.readable),
        (Why.NO_HOUR, guard.percentile and series.threshold is None),
        (Why.NO_MINUTE, not minutes),
        (Why.NO_CALLS, not new.calls),
        (Why.NO_BASELINE, not old.calls),
    ):
        if holds:
            return said(Verdict.INCONCLUSIVE, why)
    rows = series.split if split else (Minute(at=0, new=new, old=old, share=0.0),)
    enough = sum(1 for each in minutes if each.calls) >= power.LEAST_MINUTES
    chance, worse = _Proof(guard=guard, rows=rows, bursts=bursts).chances()
    if enough and max(chance, worse) < at_level:
        return said(Verdict.VIOLATED, None, max(chance, worse))
    sees = power.sees(guard, *_divided(new, old, bursts), at_level, power.bad_share(guard, old.share))
    if sees and chance >= SUSPICIOUS:
        return said(Verdict.HELD, None, chance)
    over, also_worse = _Proof(guard=guard, rows=rows, bursts=1.0).chances()
    if enough and max(over, also_worse) < at_level:
        return said(Verdict.INCONCLUSIVE, Why.BURSTS, chance)
    if enough and over < at_level and guard.allowed is not None and old.share > guard.allowed:
        return said(Verdict.INCONCLUSIVE, Why.BOTH_FAIL, worse)
    return said(Verdict.INCONCLUSIVE, Why.SUSPECT if chance < SUSPICIOUS else Why.FEW_CALLS, chance)


def _divided(new: Count, old: Count, bursts: float) -> tuple[float, float, int]:
    return new.calls / bursts, old.calls / bursts, floor(old.bad / bursts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proof:
    """The tests of one phase's numbers."""

    guard: Guard
    rows: Sequence[Minute]
    bursts: float

    def chances(self) -> tuple[float, float]:
        """The chance of so many bad calls in a version just within the limit, and in one as good as the old one.

        1 where the share, or the ratio, is not past the limit itself.
        """
        allowed = self.guard.allowed
        if allowed is None:
            ratio = self._compared(self.guard.value)
            return ratio, ratio
        new = together(row.new for row in self.rows)
        return (self._over(allowed), self._compared(1.0)) if new.share > allowed else (1.0, 1.0)

    def _over(self, allowed: float) -> float:
        bad = sum(row.new.bad / self._burst(row) for row in self.rows)
        calls = sum(row.new.calls / self._burst(row) for row in self.rows)
        return binomial_tail(floor(bad), ceil(calls), allowed)

    def _burst(self, row: Minute) -> float:
        """How many bad calls of these minutes are one: no burst is larger than the new version's part in it."""
        return min(self.bursts, float(max(1, row.new.bad)))

    def _ratio_above(self, factor: float) -> bool:
        """Whether Mantel and Haenszel's estimate of the ratio of both shares over the minutes is above `factor`."""
        above = below = 0.0
        for row in self.rows:
            together = row.exposure + row.old.calls
            if together:
                above += row.new.bad * row.old.calls / together
                below += row.old.bad * row.exposure / together
        return above > factor * below

    def _compared(self, factor: float) -> float:
        """Given each minute's bad calls: the chance that the new version has so many of them, minute by minute."""
        if not self._ratio_above(factor):
            return 1.0
        strata, before, bad, of_new = [], 0, 0.0, 0.0
        for row in self.rows:
            # Whole bursts, of those so far.
            bad += (row.new.bad + row.old.bad) / self._burst(row)
            of_new += row.new.bad / self._burst(row)
            clusters = floor(bad) - before
            before += clusters
            weight = factor * row.exposure
            if clusters and weight + row.old.calls:
                strata.append((clusters, weight / (weight + row.old.calls)))
        return convolved(floor(of_new), strata)
