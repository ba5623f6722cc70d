"""What the functions of a release do for each other: planned together, begun in waves, undone together.

Nothing is written before every function is planned and none of them is refused. Then the waves go one after the other,
side by side inside a wave. When one fails, the policy says what becomes of the others. After a signal nothing more
begins, and what has succeeded is not reversed: the job would not live to the end of that. Pure, like all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..lazy import dataclass
from ..reasons.ending.release import AllOrNone, EarlierWaveFailed, NotBegun, Stays
from ..reasons.ending.stopping import ReleaseFailed
from ..reasons.reason import Reason
from ..result import Result
from ..run import Outcome
from .rollout import Rollout, Turn
from .stages import baking
from .stages.publishing import begin
from .stages.reversing import take_back
from .stages.stopping import request_stop
from .state.attempt.ending import Cause
from .state.place import Stage

AT_WORK = 8  # rollouts that publish, upload or create at the same time; baking costs nothing and has no limit
# Seconds after which facts are read again before a planned rollout begins. Planning hundreds takes minutes, and reading
# all of them twice would take as long again; a publish is guarded by RevisionId, a creation by CurrentVersion.
FRESH = 300.0

GOOD = (Outcome.SUCCEEDED, Outcome.UNCHANGED, Outcome.DETACHED)
_RUNNING = (
    Stage.FOLLOWING,
    Stage.ROLLBACK_DUE,
    Stage.FOLLOWING_ROLLBACK,
    Stage.VERIFYING,
    Stage.BAKING,
    Stage.RESTORING,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`on_failure`: `rollback-all`, `rollback-failed` or `stop-wave`. `max_parallel`: deployments at once, 0: all."""

    on_failure: str = "rollback-all"
    max_parallel: int = 0


ALL_OR_NOTHING = Policy()


def moved(before: Rollout, after: Rollout) -> bool:
    """Whether a rollout went from one class of stages to another, so that the others may have to act."""
    return _class(before) != _class(after)


def _class(r: Rollout) -> str:
    if r.stage in (Stage.DONE, Stage.READY):
        return r.stage
    if not r.part.cleared:
        return "planning"
    return "running" if r.stage in _RUNNING else "work"


def coordinate(rollouts: Sequence[Rollout], policy: Policy, now: float) -> dict[int, Turn]:
    """The turns that follow from what the others did; only rollouts that change are in it."""
    if any(r.cancelled or _class(r) == "planning" for r in rollouts):
        return {}
    refused = next((r for r in rollouts if _failed(r)), None)
    if refused is not None and not any(r.part.cleared for r in rollouts):
        reason = AllOrNone(other=refused.key, refused=_outcome(refused) is Outcome.REFUSED)
        return _end_ready(rollouts, now, Outcome.REFUSED, reason)
    # One that was never begun has not failed, however it ended.
    failed = next((r for r in rollouts if r.part.cleared and _failed(r) and not r.part.for_others), None)
    if failed is not None and policy.on_failure == "rollback-all":
        return _roll_all_back(rollouts, failed, now)
    if failed is not None and policy.on_failure == "stop-wave":
        earlier = EarlierWaveFailed(other=failed.key)
        ended = _end_ready(rollouts, now, Outcome.STOPPED, earlier, after=failed.job.wave)
        left = [ended[number].r if number in ended else r for number, r in enumerate(rollouts)]
        return ended | _begin_more(left, policy, now)
    return _begin_more(rollouts, policy, now)


def _outcome(r: Rollout) -> Outcome | None:
    return r.result.outcome if r.result else None


def _failed(r: Rollout) -> bool:
    return _outcome(r) not in (None, *GOOD)


def _end_ready(
    rollouts: Sequence[Rollout], now: float, outcome: Outcome, reason: Reason, after: int = -1
) -> dict[int, Turn]:
    """End what has not begun, in the waves after `after`."""
    turns = {}
    for number, r in enumerate(rollouts):
        if r.stage is Stage.READY and r.job.wave > after:
            turn = turns[number] = Turn(r, now)
            turn.end(outcome, reason)
    return turns


def _begin_more(rollouts: Sequence[Rollout], policy: Policy, now: float) -> dict[int, Turn]:
    """Begin planned rollouts of the current wave, as many as may be at work and deploying at the same time.

    The functions of one group take turns, each from its beginning until its alias is whole again: while one is rolled
    back, another's deployment would keep CodeDeploy from making the rollback.
    """
    wave = min((r.job.wave for r in rollouts if r.stage is not Stage.DONE), default=0)
    leased = {_group(r) for r in rollouts if r.stage not in (Stage.READY, Stage.DONE)}
    ready = []
    for number, r in enumerate(rollouts):
        if r.stage is Stage.READY and r.job.wave == wave and _group(r) not in leased:
            leased.add(_group(r))
            ready.append(number)
    classes = [_class(r) for r in rollouts]
    room = AT_WORK - classes.count("work")
    if policy.max_parallel:
        room = min(room, policy.max_parallel - classes.count("work") - classes.count("running"))
    return {number: _begun(rollouts[number], now) for number in ready[: max(room, 0)]}


def _begun(r: Rollout, now: float) -> Turn:
    turn = Turn(r, now)
    turn.put(turn.r.part.clear())
    if r.part.stale or now - r.place.since > FRESH:
        turn.to(Stage.GATHERING)
    else:
        begin(turn, r.planned)
    return turn


# --- All or nothing ----------------------------------------------------------------------------------------------


def _roll_all_back(rollouts: Sequence[Rollout], failed: Rollout, now: float) -> dict[int, Turn]:
    """Stop with rollback what runs, undo what succeeded, begin nothing more."""
    why = ReleaseFailed(other=failed.key)
    turns = [Turn(r, now) for r in rollouts]
    for turn in turns:
        r = turn.r
        if r.stage is Stage.READY or (_class(r) == "work" and not r.undone and not turn.may_exist):
            turn.end(Outcome.STOPPED, NotBegun(other=failed.key))
        elif r.stage is Stage.FOLLOWING and not r.undone and not r.ending.sent:
            request_stop(turn, Cause.RELEASE, why, rollback=True)
    # A group runs one deployment at a time: whoever is over lets the next one begin.
    busy = {_group(turn.r) for turn in turns if turn.r.stage not in (Stage.DONE, Stage.BAKING)}
    for turn in turns:
        done, where = turn.r.result or baking.so_far(turn), _group(turn.r)
        if done is not None and done.outcome is Outcome.SUCCEEDED and not turn.r.undone and where not in busy:
            _undo(turn, done, failed.key, why)
            busy |= {where} if turn.r.stage is not Stage.DONE else set()
    return {number: turn for number, turn in enumerate(turns) if turn.r is not rollouts[number]}


def _group(r: Rollout) -> tuple[str | None, str | None]:
    return r.inputs.application, r.inputs.deployment_group


def _undo(turn: Turn, done: Result, other: str, why: Reason) -> None:
    """A successful deployment can no longer be stopped: deploy the previous version, all at once, without hooks."""
    r = turn.r
    made = r.planned
    if made.creates_alias:
        stays = replace(done, reasons=(*done.reasons, Stays(other=other)))
        turn.put(turn.r.part.take_back(done))
        turn.conclude(stays)
        return
    take_back(turn, done, why.text)
