"""Preflight's checks of smoke cases: what they will do, and whether the function can be invoked with them. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ...given.inputs import Inputs
from ...given.meant import names
from ...reasons.ending import smoke as why
from ...result import Finding
from ..planning import Facts, Plan
from .checking import Check, adder
from .checking import note as _note
from .checking import refusal as _refusal

CHECKS: list[Check] = []
check = adder(CHECKS)


@check("smoke", "Can the new version be invoked with the smoke cases?")
def _smoke(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if not plan.smoke or plan.new is None:
        return
    settings = plan.new.configuration
    durable = [case.name for case in plan.smoke if not case.durable]
    function = plan.function
    if "DurableConfig" in settings and durable:
        yield _refusal(why.SmokeDurable(function=function, cases=names(durable)))
    without = [case.name for case in plan.smoke if not case.tenant]
    within = [case.name for case in plan.smoke if case.tenant]
    if "TenancyConfig" in settings and without:
        yield _refusal(why.SmokeTenantMissing(function=function, cases=names(without)))
    if "TenancyConfig" not in settings and within:
        yield _refusal(why.SmokeTenantUnused(function=function, cases=names(within)))
    if not plan.unchanged:
        yield _note(why.SmokeCases(cases=names(case.name for case in plan.smoke)))
