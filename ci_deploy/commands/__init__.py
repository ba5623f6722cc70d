"""One file a command. Each has `run(call) -> Concluded`: its facts, its plan, its first state."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..core.events import Concluded
from ..core.model import Command
from . import deploy, finish, plan, prune, rollback, setup, status, stop, validate
from .call import Call

COMMANDS: Mapping[Command, Callable[[Call], Concluded]] = {
    Command.DEPLOY: deploy.run,
    Command.ROLLBACK: rollback.run,
    Command.STOP: stop.run,
    Command.STATUS: status.run,
    Command.PLAN: plan.run,
    Command.SETUP: setup.run,
    Command.FINISH: finish.run,
    Command.PRUNE: prune.run,
    Command.VALIDATE: validate.run,
}
