"""Before a rollback from a terminal changes anything, its person is asked: one question for all functions of the run.

What was agreed to is where each function goes. Facts are read again after the answer, because a person takes time; what
leads elsewhere by then is asked about again.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...reasons.run import NotConfirmed
from ...run import Outcome
from ..actions import Confirm
from ..rollout import Rollout, Turn
from ..state.place import Stage

READING = 0.1  # what a step asks for goes out before what it says is shown; people read first, and are then asked


def must_ask(turn: Turn, goal: str) -> bool:
    """Whether the person has to be asked before this function goes to version `goal`; if so, it waits for that."""
    r = turn.r
    if not r.job.confirm or r.decision.agreed == goal:
        return False
    turn.put(turn.r.decision.propose(goal))
    turn.to(Stage.CONFIRMING, after=READING)
    return True


def may_write(r: Rollout) -> bool:
    return not r.job.confirm or bool(r.decision.agreed)


def together(rollouts: Sequence[Rollout], now: float) -> dict[int, Turn]:
    """The turns of those to ask about, once it is known of every function where it would go."""
    open_ = [r for r in rollouts if not may_write(r) and r.stage is not Stage.DONE]
    if any(r.stage is not Stage.CONFIRMING or now < r.place.again_at for r in open_):
        return {}
    turns = {number: Turn(r, now) for number, r in enumerate(rollouts) if r.stage is Stage.CONFIRMING}
    asking = {number: turn for number, turn in turns.items() if not turn.asked(Confirm)}
    for turn in asking.values():
        turn.ask(Confirm(key=turn.r.key, goals=((turn.r.key, turn.r.decision.proposed),)))
    return asking


def answered(turn: Turn, why: str | None) -> None:
    """The reason that came with a yes, which may be empty; None: no."""
    if turn.r.stage is not Stage.CONFIRMING:
        return
    if why is None:
        turn.end(Outcome.CANCELLED, NotConfirmed())
    else:
        turn.put(turn.r.decision.agree(why))
        turn.to(Stage.GATHERING)
