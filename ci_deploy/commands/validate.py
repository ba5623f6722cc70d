"""`validate`: inputs and AppSpec against their schemas, without AWS; works in a fork's pull request."""

from __future__ import annotations

from ..core.events import Concluded
from ..core.model import Outcome
from .call import Call, completed_inputs, conclude


def run(call: Call) -> Concluded:
    completed_inputs(call)  # raises with everything that is wrong
    what = "Inputs and AppSpec are" if call.inputs.appspec else "Inputs are"
    return conclude(call, Outcome.VALID, reason=f"{what} valid. AWS was not asked anything.")
