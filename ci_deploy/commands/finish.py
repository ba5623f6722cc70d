"""`finish`: the action's post step. It takes its ids from the state, confirms stop and rollback, and reports.

It can stop and repair, and never create: its rollouts begin with a deployment that exists, or end without one. Some
runners (on Kubernetes) lose the state even of green runs: then it looks for what this very step of this run created, by
the marker, and stops only what was not meant to go on (design.md 4, "Cancelling").
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..core import marker as markers
from ..core.aws import Deployment
from ..core.errors import CiDeployError, InvalidInput, Problem
from ..core.given.files.manifest import Entry
from ..core.given.inputs import Inputs
from ..core.machine.release import Release
from ..core.machine.rollout import Job, Rollout
from ..core.plan.whose import Place, ours
from ..core.reasons import finish as reasons
from ..core.reasons.reason import Reason
from ..core.result import Finding, Severity
from ..core.run import Command, Context, Outcome
from ..core.story.events import Concluded, Noticed
from ..perform.facts import identify, or_none
from ..perform.owners import Owners
from .call import Call, conclude, ended

STATE, FINISHED, FUNCTIONS = (
    "deployment-",
    "finished",
    "functions",
)  # `deployment-0`, `deployment-1`, …: one name for each function
# Real seconds: GitHub gives the steps of a cancelled job five minutes, reports and a slow start included.
FINISH_WITHIN = 240.0
LOOKED_AT = 50  # of a group's newest deployments, where the state is lost
_CREATING = (Command.DEPLOY, Command.ROLLBACK)


def run(call: Call) -> Concluded:
    if call.state.get(FINISHED) == "true":
        return _nothing(call, reasons.MainStepFinished())
    known, unreadable = deployments(call.state)
    if not (known or unreadable or FUNCTIONS in call.state):
        return _without_state(call)
    if unreadable:
        state = reasons.StateUnreadable(count=unreadable, of_all=unreadable + len(known))
        if not known:
            where = "environment variable `STATE_deployment-…`"
            raise InvalidInput((Problem(where=where, what=state.text, remedy=state.remedy),))
        call.report(Noticed(at=call.now(), finding=Finding(severity=Severity.WARNING, reason=state)))
    if not known:
        return _nothing(call, reasons.NothingBegun())
    return call.drive(Release(command=call.command, rollouts=tuple(_rollout(call, entry) for entry in known)))


def _without_state(call: Call) -> Concluded:
    """Nothing was remembered: the runner lost it, or the main step was killed before it could write anything."""
    try:
        found = _created_by_this_step(call)
    except CiDeployError as error:
        return _nothing(call, reasons.MainStepUnknown(), error.reason)
    if not found:
        return _nothing(call, reasons.NothingLeft())
    going_on = [(entry, one) for entry, one in found if not one.status.terminal]
    if not going_on:
        return _nothing(call, reasons.AllOver(deployments=tuple(one.id for _, one in found)))
    meant = [(entry, one) for entry, one in going_on if _ends_with_the_job(entry.inputs)]
    if not meant:
        return _nothing(call, reasons.Continues(deployments=tuple(one.id for _, one in going_on)))
    return call.drive(
        Release(
            command=call.command,
            rollouts=tuple(
                _rollout(
                    replace(call, inputs=replace(entry.inputs, command=call.inputs.command)),
                    {
                        "function": entry.inputs.function,
                        "alias": entry.inputs.alias,
                        "application": entry.inputs.application,
                        "group": entry.inputs.deployment_group,
                        "deployment-id": one.id,
                    },
                )
                for entry, one in meant
            ),
        )
    )


def _nothing(call: Call, *why: Reason) -> Concluded:
    """The end of a post step that has nothing to do."""
    return conclude(call, ended(call, Outcome.REPORTED, *why))


def _ends_with_the_job(inputs: Inputs) -> bool:
    """Whether the main step would have stopped it: by a cancel, or at its time limit."""
    return inputs.command == Command.DEPLOY and inputs.wait and "leave" not in (inputs.on_cancel, inputs.on_timeout)


def _created_by_this_step(call: Call) -> list[tuple[Entry, Deployment]]:
    """The deployments that this step of this run and attempt created, with the functions that they are of."""
    context = call.context
    creating = [entry for entry in call.entries if entry.inputs.command in _CREATING and entry.inputs.function]
    if not (creating and context.run_id and context.step):
        return []
    ports = call.ports()
    identify(creating[0].inputs, ports)
    found: list[tuple[Entry, Deployment]] = []
    for entry in creating:
        function, alias = entry.inputs.function or "", entry.inputs.alias
        application, group = entry.inputs.application or "", entry.inputs.deployment_group or ""
        recent = or_none(lambda a=application, g=group: ports.codedeploy.recent(a, g, LOOKED_AT)) or ()  # type: ignore[misc]
        mine = tuple(one for one in recent if _of_this_step(context, one))
        judged = Owners(ports, application, Place(function=function, alias=alias)).judged(mine)
        found += [(entry, owner.deployment) for owner in ours(judged, function, alias)]
    return found


def _of_this_step(context: Context, deployment: Deployment) -> bool:
    marker = markers.parse(deployment.description)
    return marker is not None and (marker.run_id, marker.attempt, marker.step) == (
        context.run_id,
        context.run_attempt,
        context.step,
    )


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
