"""`validate`: inputs and AppSpec against their schemas, without AWS; works in a fork's pull request."""

from __future__ import annotations

from ..core.reasons.run import Valid
from ..core.run import Outcome
from ..core.story.events import Concluded
from .call import Call, completed_inputs, conclude, ended, smoke_cases


def run(call: Call) -> Concluded:
    for entry in call.entries:
        completed_inputs(call, entry)  # raises with everything that is wrong
        smoke_cases(call, entry)
    checked = ["inputs"] + ["file"] * any(entry.name for entry in call.entries)
    checked += ["AppSpec"] * any(entry.inputs.appspec for entry in call.entries)
    checked += ["smoke cases"] * any(entry.inputs.smoke for entry in call.entries)
    return conclude(call, ended(call, Outcome.VALID, Valid(checked=tuple(checked))))
