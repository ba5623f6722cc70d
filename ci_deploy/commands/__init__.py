"""One file a command. Each has `run(call) -> Concluded`: its facts, its plan, its first state.

A run imports the one that it needs: what only `setup` or `prune` knows costs a deployment nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from ..core.run import Command

if TYPE_CHECKING:
    from ..core.story.events import Concluded
    from .call import Call


def _run(command: Command) -> Callable[[Call], Concluded]:
    def run(call: Call) -> Concluded:
        concluded: Concluded = import_module(f".{command}", __name__).run(call)
        return concluded

    return run


COMMANDS: Mapping[Command, Callable[[Call], Concluded]] = {
    command: _run(command)
    for command in (
        Command.DEPLOY,
        Command.ROLLBACK,
        Command.STOP,
        Command.STATUS,
        Command.PLAN,
        Command.SETUP,
        Command.FINISH,
        Command.PRUNE,
        Command.VALIDATE,
        Command.WATCH,
    )
}
