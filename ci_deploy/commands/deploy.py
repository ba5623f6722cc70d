"""`deploy`: read the facts, plan, publish, upload, create, follow to the end, verify on the alias."""

from __future__ import annotations

from ..core.events import Concluded
from ..core.release import Release
from .call import Call, first_rollout


def run(call: Call) -> Concluded:
    return call.drive(Release(command=call.command, rollouts=(first_rollout(call),)))
