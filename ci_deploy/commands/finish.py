"""`finish`: the action's post step. It takes its ids from the state, confirms stop and rollback, and reports.

It can stop and repair, and never create: its rollouts begin with a deployment that exists, or end without one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..core.errors import Refused
from ..core.machine.release import Release
from ..core.machine.rollout import Job, Rollout
from ..core.result import Finding, Severity
from ..core.run import Outcome
from ..core.story.events import Concluded, Noticed
from .call import Call, conclude, ended

STATE, FINISHED = "deployment-", "finished"  # `deployment-0`, `deployment-1`, …: one name for each function
# Real seconds: GitHub gives the steps of a cancelled job five minutes, reports and a slow start included.
FINISH_WITHIN = 240.0


def run(call: Call) -> Concluded:
    if call.state.get(FINISHED) == "true":
        return conclude(
            call, ended(call, Outcome.REPORTED, reason="The main step had finished: nothing is left to do.")
        )
    known, unreadable = deployments(call.state)
    if unreadable:
        text = f"What the main step left of {unreadable} of {unreadable + len(known)} functions cannot be read."
        remedy = "See what their aliases serve, and whether their deployments still run: the command `status`."
        if not known:
            raise Refused(text, remedy)
        finding = Finding(severity=Severity.WARNING, code="state", text=text, remedy=remedy)
        call.report(Noticed(at=call.now(), finding=finding))
    if not known:
        return conclude(
            call, ended(call, Outcome.REPORTED, reason="No deployment had been begun: nothing is left to do.")
        )
    return call.drive(Release(command=call.command, rollouts=tuple(_rollout(call, entry) for entry in known)))


def deployments(state: Mapping[str, str]) -> tuple[list[dict[str, Any]], int]:
    """The functions in the state that the main step left, in its order; and how many more cannot be read."""
    numbers = [int(name.removeprefix(STATE)) for name in state if re.fullmatch(STATE + "[0-9]{1,9}", name)]
    found = [_read(state[f"{STATE}{number}"]) for number in sorted(numbers)]
    known = [entry for entry in found if isinstance(entry, dict)]
    return known, len(found) - len(known)


def _read(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _rollout(call: Call, entry: dict[str, Any]) -> Rollout:
    def of(name: str) -> str:
        return str(entry.get(name) or "")

    policy = of("stopping") or call.inputs.on_cancel
    inputs = replace(
        call.inputs,
        appspec=None,  # whatever became of it, what is deployed is known
        function=of("function"),
        alias=of("alias"),
        application=of("application"),
        deployment_group=of("group"),
        on_cancel=policy,
        wait=True,
    )
    job = Job(
        inputs=inputs,
        context=call.context,
        subject=of("deployment-id"),
        search=not of("deployment-id"),
        known_previous=of("previous-version"),
        known_target=of("target-version"),
        began=call.now(),
    )
    until = call.now() + FINISH_WITHIN * call.second
    return Rollout.first(job, of("marker-id"), second=call.second, until=until)
