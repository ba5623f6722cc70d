"""What so many calls can show: the smallest share of bad calls that a guard would have seen, and what a plan will meet.

Pure. Power is 90% throughout, at the level at which the guard is really tested. Exact binomials; the old version's
numbers are taken as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, floor

from ..lazy import dataclass
from ..schedule import Step
from .exact import binomial_tail
from .grammar import Guard
from .queries import COLD_MINUTES, LATE, MINUTE

POWER = 0.9
BAD = 0.2  # a version that fails so many of its calls must be seen before "held" is said
LEAST_MINUTES = 2  # with calls, before anything is proved: one minute may be a burst
VERDICT_SECONDS = 240  # at most from a shift to the judgment of its second minute: two minutes, and 120 s of delay


def bad_share(guard: Guard, old_share: float) -> float:
    """The share of bad calls (0 to 1) that must have been visible for `held`: 20%, or well past a laxer limit."""
    limit = guard.allowed if guard.allowed is not None else min(1.0, guard.value * old_share)
    return max(BAD, min(2 * limit, (1 + limit) / 2))


def critical(guard: Guard, new_calls: float, old_calls: float, old_bad: int, level: float) -> int | None:
    """The fewest bad calls among `new_calls` that violate the guard; None when not even all of them would.

    Calls are divided by the dispersion, so they need not be whole.
    """
    calls = floor(new_calls)
    if calls < 1:
        return None
    factor = guard.value if guard.allowed is None else 1.0
    part = factor * new_calls / (factor * new_calls + old_calls)

    def violates(bad: int) -> bool:
        # So improbable a number is past the limit itself, too.
        if guard.allowed is not None and binomial_tail(bad, ceil(new_calls), guard.allowed) >= level:
            return False
        return binomial_tail(bad, bad + old_bad, part) < level

    if not violates(calls):
        return None
    low, high = 0, calls  # `high` violates, `low` does not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if violates(middle) else (middle, high)
    return high


def sees(guard: Guard, new_calls: float, old_calls: float, old_bad: int, level: float, share: float) -> bool:
    """Whether a version with so large a share of bad calls is stopped with 90% power."""
    least = critical(guard, new_calls, old_calls, old_bad, level)
    return least is not None and binomial_tail(least, floor(new_calls), share) >= POWER


def visible(guard: Guard, new_calls: float, old_calls: float, old_bad: int, level: float) -> float | None:
    """The smallest share of bad calls (0 to 1, to a thousandth above) that is seen with 90% power; None: none is."""
    least = critical(guard, new_calls, old_calls, old_bad, level)
    if least is None:
        return None
    low, high = 0.0, 1.0
    while high - low > 0.0005:
        middle = (low + high) / 2
        enough = binomial_tail(least, floor(new_calls), middle) >= POWER
        low, high = (low, middle) if enough else (middle, high)
    return high


def after_minutes(bake_seconds: float) -> int:
    """How many whole minutes of a bake can be judged: none younger than two minutes, and never a single one."""
    minutes = floor((bake_seconds - LATE) / MINUTE)
    return minutes if minutes >= LEAST_MINUTES else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """What a deployment's guards will meet at the traffic of the last day.

    `minutes` are those that are judged, `new_calls` and `old_calls` the calls in them while traffic is split,
    `after_calls` those of the bake. `visible` as in `visible`, of whichever phase shows more. `moved`: the new
    version's share of the traffic (percent) when the first step's data are judged; 100 is too late for a stop, and
    early enough for a bake.
    """

    minutes: int
    new_calls: float
    old_calls: float
    after_calls: float
    visible: float | None
    moved: float


def foresee(
    guard: Guard, steps: Sequence[Step], bake_seconds: float, per_minute: float, old_share: float, level: float
) -> Foresight:
    """Foresee one guard: `steps` of `schedule.steps`, the alias's calls `per_minute`, the old version's bad share."""
    cold = COLD_MINUTES if guard.percentile else 0
    minutes = new = old = 0.0
    for step, following in pairwise(steps):
        # The minute of the increase is skipped with those behind it.
        judged = max(0.0, (following.offset - step.offset) / MINUTE - (cold + 1 if cold else 0))
        minutes += judged
        new += per_minute * judged * step.share / 100
        old += per_minute * judged * (100 - step.share) / 100
    if minutes < LEAST_MINUTES:
        minutes = new = old = 0.0
    late = after_minutes(bake_seconds - cold * MINUTE)
    after, hour = per_minute * late, per_minute * 60
    seen = [
        visible(guard, new, old, round(old * old_share), level),
        visible(guard, after, hour, round(hour * old_share), level),
    ]
    return Foresight(
        minutes=floor(minutes) + late,
        new_calls=new,
        old_calls=old,
        after_calls=after,
        visible=min((each for each in seen if each is not None), default=None),
        moved=max(step.share for step in steps if step.offset <= VERDICT_SECONDS),
    )
