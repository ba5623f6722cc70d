"""`plan`: all of deploy's reads and checks, and the very plan that deploy would execute; writes nothing."""

from __future__ import annotations

from ..core.events import Concluded
from .call import Call
from .deploy import run as deploy


def run(call: Call) -> Concluded:
    # The rollout itself ends after planning, because its inputs say that the command is `plan`.
    return deploy(call)
