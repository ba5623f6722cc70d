"""How a guard is judged: which counts prove that a new version is worse, and which prove that it would have been seen.

Pure; the same series gives the same judgment. The rules, each the answer to a fault that simulation showed
(docs/guards.md has the figures):

- **Level.** 1% for a release, divided by its functions, its counting guards and the planned tests.
- **Minutes keep their weights.** Versions are compared within each minute, and the minutes' chances are convolved.
- **Bursts.** Counts are divided by the dispersion of bad calls from minute to minute, the larger of two: that of the
  alias in the hour before (without its worst minutes, for an outage is no habit), and that of the new version itself.
  So one bad minute proves nothing, and nothing is proved by fewer than two.
- **Both.** A fixed limit is violated only by a version that is also worse than the old one, at the same level.
- **The estimate too.** Beside significance the observed share itself is past the limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from math import ceil, floor

from ..lazy import dataclass
from . import power
from .exact import binomial_tail, convolved
from .grammar import Guard
from .series import NOTHING, Count, Minute, Series, together

LEVEL = 0.01  # the chance of a false alarm, for a whole release
SUSPICIOUS = 0.05  # at a single look: not enough to stop, too much to say "held"
_ONE_IN_TEN = 1.2816  # the normal quantile
TRIMMED = 0.1  # of the hour's minutes, the worst ones, that its dispersion leaves out


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
    has to stay below; `bursts` the dispersion that counts were divided by. `why` only when inconclusive.
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
    tried = [_try(guard, series, phase, at_level) for phase in Phase]
    order = (Verdict.VIOLATED, Why.BOTH_FAIL, Why.SUSPECT, Verdict.HELD, Why.FEW_CALLS, Why.NO_BASELINE)
    ranked = [(order.index(each.why or each.verdict), each) for each in tried if (each.why or each.verdict) in order]
    if ranked:
        # The earlier phase of two alike: there both versions met the same minutes.
        return min(ranked, key=lambda pair: pair[0])[1]
    return next((each for each in tried if each.why is Why.NO_CALLS), tried[0])


def overall(judgments: Iterable[Judgment]) -> Verdict | None:
    """The verdict of all guards that count: the worst; None when none counts."""
    verdicts = {judgment.verdict for judgment in judgments if not judgment.guard.observe}
    return next((verdict for verdict in Verdict if verdict in verdicts), None)


def dispersion(minutes: Sequence[Count], trimmed: float = 0.0) -> float:
    """How much more the minutes' bad calls vary than chance alone makes them: 1, or more where that is certain.

    Pearson's statistic over its degrees of freedom, with the minutes' calls as weights, after the share `trimmed` of
    the worst minutes was left out; 1 where chance alone would reach it in one case of ten (Wilson and Hilferty's
    quantile). Five bad calls in one minute and none in the others give 5.
    """
    counted = sorted((each for each in minutes if each.calls), key=lambda each: each.bad)
    counted = counted[: len(counted) - floor(len(counted) * trimmed)]
    total = together(counted)
    share = total.share
    free = len(counted) - 1
    if free < 1 or not 0 < total.bad < total.calls:
        return 1.0
    spread = sum((each.bad - each.calls * share) ** 2 / (each.calls * share) for each in counted) / free
    part = 2 / (9 * free)
    return spread if spread > (1 - part + _ONE_IN_TEN * part**0.5) ** 3 else 1.0


def _try(guard: Guard, series: Series, phase: Phase, at_level: float) -> Judgment:
    split = phase is Phase.SPLIT
    minutes = [minute.new for minute in series.split] if split else list(series.after)
    old = together([minute.old for minute in series.split] if split else series.hour)
    new = together(minutes)

    bursts = max(dispersion(series.hour, TRIMMED), dispersion(minutes))

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
    proof = _Proof(guard=guard, rows=rows, new=new, bursts=bursts)
    chance = proof.over_limit() if proof.past_limit() else 1.0
    if chance < at_level and sum(1 for each in minutes if each.calls) >= power.LEAST_MINUTES:
        worse = proof.worse()
        if worse >= at_level:
            return said(Verdict.INCONCLUSIVE, Why.BOTH_FAIL, worse)
        return said(Verdict.VIOLATED, None, max(chance, worse))
    if chance < SUSPICIOUS:
        return said(Verdict.INCONCLUSIVE, Why.SUSPECT, chance)
    if power.sees(guard, *_divided(new, old, bursts), at_level, power.bad_share(guard, old.share)):
        return said(Verdict.HELD, None, chance)
    return said(Verdict.INCONCLUSIVE, Why.FEW_CALLS, chance)


def _divided(new: Count, old: Count, bursts: float) -> tuple[float, float, int]:
    return new.calls / bursts, old.calls / bursts, floor(old.bad / bursts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proof:
    """The tests of one phase's numbers."""

    guard: Guard
    rows: Sequence[Minute]
    new: Count
    bursts: float

    @property
    def factor(self) -> float:
        """How many times the old version's share is allowed; a fixed limit compares with the share itself."""
        return self.guard.value if self.guard.allowed is None else 1.0

    def past_limit(self) -> bool:
        """Whether the observed share, or ratio, itself is past the limit."""
        allowed = self.guard.allowed
        return self._ratio_above(self.factor) if allowed is None else self.new.share > allowed

    def over_limit(self) -> float:
        """The chance of so many bad calls in a version that is just within the limit."""
        allowed = self.guard.allowed
        if allowed is None:
            return self._compared()
        return binomial_tail(floor(self.new.bad / self.bursts), ceil(self.new.calls / self.bursts), allowed)

    def worse(self) -> float:
        """The chance of so many bad calls in a version that is as good as the old one."""
        return self._compared() if self._ratio_above(1.0) else 1.0

    def _ratio_above(self, factor: float) -> bool:
        """Whether Mantel and Haenszel's estimate of the ratio of both shares over the minutes is above `factor`."""
        above = below = 0.0
        for row in self.rows:
            together = row.exposure + row.old.calls
            if together:
                above += row.new.bad * row.old.calls / together
                below += row.old.bad * row.exposure / together
        return above > factor * below

    def _compared(self) -> float:
        """Given each minute's bad calls: the chance that the new version has so many of them, minute by minute."""
        strata, before, bad = [], 0, 0
        for row in self.rows:
            # Whole clusters: of the bad calls so far, one in `bursts` counts.
            bad += row.new.bad + row.old.bad
            clusters = floor(bad / self.bursts) - before
            before += clusters
            weight = self.factor * row.exposure
            if clusters and weight + row.old.calls:
                strata.append((clusters, weight / (weight + row.old.calls)))
        return convolved(floor(self.new.bad / self.bursts), strata)
