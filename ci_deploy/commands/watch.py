"""`watch`: follow the deployments that another tool starts. Nothing is created; what is found joins the release."""

from __future__ import annotations

from dataclasses import replace

from ..core.machine.release import Release
from ..core.machine.state.search import Search
from ..core.plan.sought import Spot
from ..core.story.events import Concluded
from ..perform.facts import identify
from .call import Call


def run(call: Call) -> Concluded:
    ports = call.ports()
    with call.reading():
        identify(call.inputs, ports)
    around = call.start_command()
    inputs = call.inputs
    spots = tuple(
        Spot(
            function=entry.inputs.function,
            alias=entry.inputs.alias,
            application=(entry.inputs.application or "") if "application" in entry.given else "",
            group=(entry.inputs.deployment_group or "") if "deployment-group" in entry.given else "",
        )
        for entry in call.entries
        if entry.inputs.function and inputs.stack is None
    )
    search = Search.first(
        replace(inputs, function=None, deployment_id=None),
        call.context,
        spots,
        around=around,
        # A command starts its deployments itself; a step may stand after the tool's.
        age=(0.0 if around else call.age) + call.behind(),
    )
    return call.drive(Release(command=call.command, rollouts=(), search=search))
