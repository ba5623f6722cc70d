"""Traffic shifts and polling as arithmetic: when traffic shifts next, how long it all takes, when to look again.

All durations are seconds. Source: UG deployment-configurations; facts.md A9, A11.
"""

from __future__ import annotations

from functools import lru_cache

from .aws import Routing, RoutingType
from .lazy import dataclass

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Step:
    """`share` percent of the traffic goes to the target `offset` seconds after traffic began to shift."""

    offset: float
    share: float


@lru_cache  # each look at a deployment asks for the steps of its one routing
def steps(routing: Routing) -> tuple[Step, ...]:
    """The planned shifts, first to last; the last one is always 100%. An unknown routing type: one step."""
    interval = routing.interval_minutes * MINUTE
    if routing.kind is RoutingType.CANARY:
        return (Step(0.0, float(routing.percentage)), Step(interval, 100.0))
    if routing.kind is RoutingType.LINEAR and routing.percentage > 0:
        count = -(-100 // routing.percentage)
        return tuple(Step(n * interval, min(100.0, (n + 1) * float(routing.percentage))) for n in range(count))
    return (Step(0.0, 100.0),)


def steepest(planned: tuple[Step, ...], within: float = 5 * MINUTE) -> tuple[float, float] | None:
    """The shares before and after the steepest rise that more than doubles the traffic in so many seconds.

    A first step counts where it is more than half of the traffic: it begins from nothing.
    """
    first = planned[0].share
    found = [(0.0, first)] if first > 50.0 else []
    for step in planned[1:]:
        before = max((earlier.share for earlier in planned if earlier.offset <= step.offset - within), default=first)
        if step.share > 2 * before:
            found.append((before, step.share))
    return max(found, key=lambda rise: rise[1] / rise[0] if rise[0] else 100.0, default=None)


def shift_seconds(routing: Routing) -> float:
    """From the first shift to the last."""
    return steps(routing)[-1].offset


def percent(raw: float) -> float:
    """targetVersionWeight as a percentage.

    AWS sends a fraction, and 1 is all traffic (facts.md G2). Its documentation says "percentage": more than 1 is one.
    """
    return min(raw, 100.0) if raw > 1 else round(raw * 100, 6)


def next_shift(routing: Routing, share: float) -> float | None:
    """Seconds after the beginning of the shift at which the share after `share` is due, None when all is shifted."""
    return next((step.offset for step in steps(routing) if step.share > share + 1e-6), None)


def default_timeout(routing: Routing, hooks: int) -> float:
    """The shift, an hour a declared hook (CodeDeploy's own limit of one), ten minutes of slack."""
    return shift_seconds(routing) + hooks * 60 * MINUTE + 10 * MINUTE
