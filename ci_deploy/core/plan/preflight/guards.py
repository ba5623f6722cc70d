"""Preflight's checks of guards and bake: whether there will be anything to judge, and time for it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ...aws import Known, NotPermitted
from ...given.inputs import Inputs
from ...guards import power
from ...reasons.ending import guards as why
from ...result import Finding
from ..planning import Facts, Plan
from .checking import Check, adder
from .checking import note as _note
from .checking import refusal as _refusal
from .checking import warning as _warning

CHECKS: list[Check] = []
check = adder(CHECKS)


@check("guards-unread", "Can the metrics be read that guards judge?")
def _metrics(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    counts = bool(plan.guards.counting) and not plan.unchanged
    if isinstance(facts.calls, Known) or not counts:
        return
    if plan.on_inconclusive == "rollback" and isinstance(facts.calls, NotPermitted):
        yield _refusal(why.MetricsNeeded(fact=facts.calls))
    else:
        yield _note(why.MetricsUnread(fact=facts.calls))


@check("guards-all-at-once", "Is there a minute that guards can judge?")
def _nothing_to_judge(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    at_once = len(plan.steps) == 1 and not power.after_minutes(plan.bake)
    if plan.guards.counting and at_once and not plan.unchanged:
        yield _warning(why.NothingToJudge())


@check("bake-cut", "Is there time for traffic shift and bake?")
def _bake(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    needed = plan.shift_seconds + plan.bake
    if plan.bake and plan.timeout < needed and not plan.unchanged:
        yield _warning(why.BakeTooLong(timeout=plan.timeout, limit=needed))
