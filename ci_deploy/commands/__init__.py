"""One file a command. Each has `run(call) -> Concluded`: its facts, its plan, its first state."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..core.events import Concluded
from ..core.model import Command
from . import deploy, plan, validate
from .call import Call

COMMANDS: Mapping[Command, Callable[[Call], Concluded]] = {
    Command.DEPLOY: deploy.run,
    Command.PLAN: plan.run,
    Command.VALIDATE: validate.run,
}
