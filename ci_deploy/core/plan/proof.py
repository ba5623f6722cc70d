"""How a plan proves that the new version works: its guards, its bake, and what they will be able to see. Pure.

Counting guards imply a bake of three minutes: metrics arrive two minutes late, and it judges the canary's last ones.
"""

from __future__ import annotations

from dataclasses import replace

from ..aws import Known
from ..given.inputs import Inputs
from ..guards import judging, power
from ..guards.grammar import OFF, Guard, Guards
from ..lazy import dataclass
from .planning import Plan

IMPLIED_BAKE = 180.0
OLD_SHARE_OF_SLOW = 0.5  # of the calls that a percentile allows to be slow: what the old version is taken to have


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was asked for; `functions` of the release share the chance of a false alarm."""

    guards: Guards = OFF
    bake: float | None = None
    on_inconclusive: str = "pass"
    functions: int = 1


NOTHING = Proof()


def with_proof(inputs: Inputs, plan: Plan, proof: Proof) -> Plan:
    """The plan with its guards. What goes back to another version is watched, and never stopped.

    A first alias has no old version to be compared with.
    """
    if plan.creates_alias:
        return plan
    if plan.reverses:
        lines = tuple(replace(guard, observe=True) for guard in proof.guards.lines)
        return replace(plan, guards=replace(proof.guards, lines=lines))
    counting = len(proof.guards.counting)
    bake = max(proof.bake or 0.0, IMPLIED_BAKE if counting and len(plan.steps) > 1 else 0.0)
    return replace(
        plan,
        guards=proof.guards,
        bake=bake,
        on_inconclusive=proof.on_inconclusive,
        level=judging.level(proof.functions, counting, judging.planned_tests(plan.shift_seconds, bake)),
        timeout=inputs.timeout or plan.timeout + bake,
    )


def foresee(plan: Plan, guard: Guard) -> power.Foresight | None:
    """What one guard of a plan will meet at the traffic of the last day; None where that is not known."""
    if not isinstance(plan.calls, Known):
        return None
    day = plan.calls.value
    share = day.errors if guard.allowed is None or not guard.percentile else guard.allowed * OLD_SHARE_OF_SLOW
    return power.foresee(guard, plan.steps, plan.bake, day.per_minute, share, plan.level)
