"""What the functions of a release do for each other: planned together, begun in waves, undone together.

Nothing is written before every function is planned and none of them is refused. Then the waves go one after the other,
side by side inside a wave. When one fails, the policy says what becomes of the others. Pure, like all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .model import Outcome, Routing, RoutingType
from .planning import Existing, Plan
from .publishing import begin, bound
from .rollout import Cause, Rollout, Stage, Turn
from .stopping import request_stop

AT_WORK = 8  # rollouts that publish, upload or create at the same time; baking costs nothing and has no limit
# Seconds after which facts are read again before a planned rollout begins. Planning hundreds takes minutes, and reading
# all of them twice would take as long again; a publish is guarded by RevisionId, a creation by CurrentVersion.
FRESH = 300.0

GOOD = (Outcome.SUCCEEDED, Outcome.UNCHANGED, Outcome.DETACHED)
_RUNNING = (Stage.FOLLOWING, Stage.ROLLBACK_DUE, Stage.FOLLOWING_ROLLBACK, Stage.VERIFYING)


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
    if not r.cleared:
        return "planning"
    return "running" if r.stage in _RUNNING or r.stage is Stage.RESTORING else "work"


def coordinate(rollouts: Sequence[Rollout], policy: Policy, now: float) -> dict[int, Turn]:
    """The turns that follow from what the others did; only rollouts that change are in it."""
    classes = [_class(r) for r in rollouts]
    if "planning" in classes:
        return {}
    refused = next((r for r in rollouts if not r.cleared and r.stage is Stage.DONE and not _good(r)), None)
    if refused is not None:
        reason = f"Nothing was deployed: {refused.key} was refused, and a release begins with all or with none."
        return _end_ready(rollouts, now, Outcome.REFUSED, reason)
    failed = next((r for r in rollouts if r.cleared and r.stage is Stage.DONE and not _good(r) and not r.undone), None)
    if failed is not None and policy.on_failure == "rollback-all":
        return _roll_all_back(rollouts, failed, now)
    if failed is not None and policy.on_failure == "stop-wave":
        last = max(r.wave for r in rollouts if r.cleared)
        held_back = [r.wave > last for r in rollouts]
        reason = f"Not deployed: {failed.key} failed in an earlier wave (`release-policy: stop-wave`)."
        turns = _end_ready(rollouts, now, Outcome.STOPPED, reason, which=held_back)
        return turns or _begin_more(rollouts, classes, policy, now)
    return _begin_more(rollouts, classes, policy, now)


def _good(r: Rollout) -> bool:
    return r.result is not None and r.result.outcome in (*GOOD, Outcome.PLANNED, Outcome.REPORTED)


def _end_ready(
    rollouts: Sequence[Rollout], now: float, outcome: Outcome, reason: str, which: Sequence[bool] | None = None
) -> dict[int, Turn]:
    turns = {}
    for number, r in enumerate(rollouts):
        if r.stage is Stage.READY and (which is None or which[number]):
            turn = turns[number] = Turn(r, now)
            turn.end(outcome, reason=reason)
    return turns


def _begin_more(rollouts: Sequence[Rollout], classes: Sequence[str], policy: Policy, now: float) -> dict[int, Turn]:
    """Begin planned rollouts of the current wave, as many as may be at work and deploying at the same time."""
    waiting = [r.wave for r in rollouts if r.stage is Stage.READY]
    if not waiting:
        return {}
    wave = min(waiting)
    if any(r.wave < wave and r.stage is not Stage.DONE for r in rollouts):
        return {}
    at_work = classes.count("work")
    deploying = at_work + classes.count("running")
    turns = {}
    for number, r in enumerate(rollouts):
        full = at_work >= AT_WORK or (policy.max_parallel and deploying >= policy.max_parallel)
        if full:
            break
        if r.stage is Stage.READY and r.wave == wave:
            turns[number] = _begun(r, now)
            at_work, deploying = at_work + 1, deploying + 1
    return turns


def _begun(r: Rollout, now: float) -> Turn:
    turn = Turn(r, now)
    turn.set(cleared=True)
    if r.stale or now - r.since > FRESH or r.plan is None:
        turn.to(Stage.GATHERING)
    else:
        begin(turn, r.plan)
    return turn


# --- All or nothing ----------------------------------------------------------------------------------------------


def _roll_all_back(rollouts: Sequence[Rollout], failed: Rollout, now: float) -> dict[int, Turn]:
    """Stop with rollback what runs, undo what succeeded, begin nothing more."""
    why = f"{failed.key} failed, and the release is all or nothing"
    turns: dict[int, Turn] = {}
    for number, r in enumerate(rollouts):
        turn = Turn(r, now)
        succeeded = r.result is not None and r.result.outcome is Outcome.SUCCEEDED
        if r.stage is Stage.READY or (_class(r) == "work" and not r.undone and not r.creations):
            turn.end(Outcome.STOPPED, reason=f"Not deployed: {why}.")
        elif r.stage is Stage.FOLLOWING and not r.stop_sent and not r.undone:
            request_stop(turn, Cause.RELEASE, why, rollback=True)
        elif r.stage is Stage.DONE and succeeded and not r.undone and r.plan is not None:
            _undo(turn, r.plan, why)
        if turn.r is not r:
            turns[number] = turn
    return turns


def _undo(turn: Turn, done: Plan, why: str) -> None:
    """A deployment that has succeeded cannot be stopped any more: deploy the version before, at once, without hooks."""
    r = turn.r
    reverse = replace(
        done,
        current_version=r.target_version,
        target=Existing(version=r.previous_version),
        config_name="CodeDeployDefault.LambdaAllAtOnce",
        routing=Routing(kind=RoutingType.ALL_AT_ONCE),
        before_hook="",
        after_hook="",
        auto_rollback=(),
        rollback_events=(),
        timeout=600.0,
        reverses=True,
        unchanged="",
        current=done.new,
        new=done.current,
        findings=(),
    )
    fresh = r.afresh(f"{r.marker_id} undone")
    # A reversal is not undone by losing patience or the job.
    patient = replace(r.inputs, on_cancel="leave", on_timeout="leave", on_conflict="wait", reason=why, wait=True)
    turn.set(**{**fresh, "inputs": patient, "undone": r.result})
    bound(turn, reverse)
