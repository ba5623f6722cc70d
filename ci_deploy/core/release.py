"""The heart: `step(release, observation, now) -> Step`. Pure; every command of the product is a first state of it.

A release is one or many rollouts (one for each function) that share one stream of observations. Here answers find
their rollouts, looks are put together, and the whole gets its verdict; what a rollout does is in its stages
(`preparing`, `following`, `verdict`). Times are seconds since the run began.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from . import deciding, following, preparing, publishing, verdict
from . import events as e
from .actions import (
    Action,
    Cancelled,
    Create,
    CreateAlias,
    Diagnose,
    Done,
    Failed,
    Find,
    Gather,
    Look,
    LookAlias,
    LookVersion,
    Observation,
    Progressed,
    Publish,
    RepairAlias,
    Stop,
    StoreCode,
    Tag,
    UpdateCode,
    Upload,
)
from .model import Alias, Command, Deployment, Diagnosis, FunctionVersion, Outcome, Result, Rollback, exit_code
from .packaging import StoredPackage
from .planning import Facts
from .rollout import Rollout, Stage, Turn

LOOK_TOGETHER = 1.0  # looks that are due within so many seconds are made in one call
LOOK_AT_MOST = 25  # BatchGetDeployments' limit (facts.md A4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    command: Command
    rollouts: tuple[Rollout, ...]
    concluded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    release: Release
    actions: tuple[Action, ...]
    events: tuple[e.Event, ...]
    look_again_at: float | None  # None: the release is over


_STAGES: Mapping[Stage, Callable[[Turn], None]] = {
    Stage.GATHERING: preparing.gathering,
    Stage.WAITING: preparing.waiting,
    Stage.HOLDING: preparing.holding,
    Stage.SETTLING: publishing.settling,
    Stage.STORING_CODE: publishing.storing_code,
    Stage.UPDATING: publishing.updating,
    Stage.UPDATED: publishing.await_update,
    Stage.PUBLISHING: publishing.publishing,
    Stage.ACTIVATING: publishing.activating,
    Stage.CREATING_ALIAS: publishing.creating_alias,
    Stage.STORING: preparing.storing,
    Stage.CREATING: preparing.creating,
    Stage.FINDING: preparing.finding,
    Stage.FOLLOWING: following.following,
    Stage.ROLLBACK_DUE: following.rollback_due,
    Stage.FOLLOWING_ROLLBACK: following.following_rollback,
    Stage.VERIFYING: verdict.verifying,
    Stage.RESTORING: verdict.restoring,
}


def step(release: Release, observation: Observation, now: float) -> Step:
    """One observation, and what follows from it."""
    if release.concluded:
        return Step(release=release, actions=(), events=(), look_again_at=None)
    turns = [Turn(rollout, now) for rollout in release.rollouts]
    for turn in turns:
        if turn.r.stage is not Stage.DONE and concerns(turn.r, observation):
            _observe(turn, observation)
        if turn.r.stage is not Stage.DONE:
            _proceed(turn)
    release = replace(release, rollouts=tuple(turn.r for turn in turns))
    actions = _together([action for turn in turns for action in turn.actions])
    events = [event for turn in turns for event in turn.events]
    if all(rollout.stage is Stage.DONE for rollout in release.rollouts):
        release = replace(release, concluded=True)
        events.append(_conclusion(release, now))
        return Step(release=release, actions=actions, events=tuple(events), look_again_at=None)
    wake = min(_wake(rollout, now) for rollout in release.rollouts if rollout.stage is not Stage.DONE)
    return Step(release=release, actions=actions, events=tuple(events), look_again_at=wake)


def concerns(rollout: Rollout, observation: Observation) -> bool:
    match observation:
        case Done(action=Look() as look) | Failed(action=Look() as look):
            # One that several share is for whoever watches what it looks at; one's own is over, whatever is watched now.
            return "Look" in rollout.busy and (look.key == rollout.key or _watched(rollout) in look.ids)
        case Done() | Failed() | Progressed():
            return observation.action.key == rollout.key
    return True


def _watched(rollout: Rollout) -> str:
    if rollout.stage is Stage.WAITING:
        return rollout.waiting_for
    return rollout.rollback_id if rollout.stage is Stage.FOLLOWING_ROLLBACK else rollout.deployment_id


def _observe(turn: Turn, observation: Observation) -> None:
    match observation:
        case Cancelled():
            following.cancelled(turn, observation)
        case Progressed():
            turn.say(e.Progress, what=observation.what, done=observation.done, total=observation.total)
        case Done(action=action, answer=answer):
            turn.set(busy=turn.r.busy - {type(action).__name__})
            _answered(turn, action, answer)
        case Failed(action=action):
            turn.set(busy=turn.r.busy - {type(action).__name__})
            _failed(turn, observation)


def _answered(turn: Turn, action: Action, answer: object) -> None:
    match action, answer:
        case Gather(), Facts():
            deciding.gathered(turn, answer)
        case StoreCode(), StoredPackage():
            publishing.code_stored(turn, answer)
        case UpdateCode(), FunctionVersion():
            publishing.updated(turn, answer)
        case Publish(), FunctionVersion():
            publishing.published(turn, answer)
        case LookVersion(), FunctionVersion() | None:
            publishing.looked(turn, answer)
        case Upload(), _:
            preparing.stored(turn, answer)  # type: ignore[arg-type]
        case Create(), str():
            preparing.created(turn, answer)
        case Find(), Deployment() | None:
            preparing.found(turn, answer)
        case Look(), tuple() if turn.r.stage is Stage.WAITING:
            preparing.waited(turn, action, answer)
        case Look(), tuple():
            following.looked(turn, action, answer)
        case Stop(), _:
            following.stop_answered(turn, action, answer)  # type: ignore[arg-type]
        case CreateAlias(), _:
            publishing.alias_created(turn)
        case LookAlias(), Alias() | None if turn.r.stage is Stage.CREATING_ALIAS:
            publishing.first_read(turn, answer)
        case LookAlias(), Alias() | None:
            verdict.alias_read(turn, answer)
        case RepairAlias(), Alias() | None:
            verdict.restored(turn, answer)
        case Tag(), None:
            preparing.held(turn, action)
        case Diagnose(), Diagnosis():
            if action.deployment.status.terminal:
                turn.set(diagnosis=answer)
            turn.say(e.Diagnosed, diagnosis=answer)


def _failed(turn: Turn, failed: Failed) -> None:
    stage = turn.r.stage
    match failed.action:
        case Look() if stage is not Stage.WAITING:
            following.look_failed(turn, failed.error)
        case Stop() if failed.action.deployment_id == turn.r.deployment_id:
            following.stop_failed(turn, failed.action, failed.error)
        case StoreCode() | UpdateCode() | Publish() | LookVersion() | CreateAlias():
            publishing.failed(turn, failed.action, failed.error)
        case LookAlias() if stage is Stage.CREATING_ALIAS:
            publishing.failed(turn, failed.action, failed.error)
        case LookAlias():
            verdict.alias_unread(turn, failed.error)
        case RepairAlias():
            verdict.not_restored(turn, failed.error)
        case Tag():
            preparing.not_held(turn, failed.action, failed.error)
        case Diagnose():
            turn.warn("diagnosis", f"The diagnosis is incomplete: {failed.error.what}")
        case _:
            preparing.failed(turn, failed.action, failed.error)


def _proceed(turn: Turn) -> None:
    """Let the stage act, and the stages that it enters, until nothing more follows."""
    for _ in range(2 * len(Stage)):
        stage = turn.r.stage
        if stage is Stage.DONE:
            return
        if turn.r.cancel_until is not None:
            _limit_ending(turn, turn.r.cancel_until)
            if turn.r.stage is Stage.DONE:
                return
        _STAGES[turn.r.stage](turn)
        if turn.r.stage is stage:
            return
    raise RuntimeError(f"stages chase each other: {turn.r.stage}")


def _limit_ending(turn: Turn, until: float) -> None:
    """After a signal, and in the post step, the time that is left is the runner's to give."""
    if turn.now >= until:
        following.end_cancelled(turn, "the time of grace is over")
    elif turn.r.stage is Stage.CREATING:
        following.await_creation(turn)


def _wake(r: Rollout, now: float) -> float:
    """When this rollout has something to do by itself. Answers wake it anyway."""
    times = [r.again_at, r.cancel_until, r.deadline, r.waiting_until]
    if r.stage in (Stage.FOLLOWING, Stage.FOLLOWING_ROLLBACK):
        times.append(r.said_at + following.HEARTBEAT)
        if r.inputs.hook_timeout is not None and r.stage_event:
            times.append(r.stage_event_at + r.inputs.hook_timeout)
    if r.cancelled_at is not None:
        times.append(r.cancelled_at + following.ANSWER_GRACE * r.second)
    if r.stage is Stage.ROLLBACK_DUE:
        times.append(r.since + following.ROLLBACK_APPEARS_WITHIN)
    if r.stage is Stage.VERIFYING:
        times.append(r.since + verdict.DIAGNOSIS_TAKES)
    ahead = [time for time in times if time is not None and time > now]
    return min(ahead, default=now + following.HEARTBEAT)


def _together(actions: list[Action]) -> tuple[Action, ...]:
    """Looks of several rollouts become one call for each 25 deployments."""
    looks = [action for action in actions if isinstance(action, Look)]
    if len(looks) < 2:
        return tuple(actions)
    rest: list[Action] = [action for action in actions if not isinstance(action, Look)]
    ids = list(dict.fromkeys(deployment_id for look in looks for deployment_id in look.ids))
    wanted = frozenset[str]().union(*(look.with_targets for look in looks))
    for start in range(0, len(ids), LOOK_AT_MOST):
        part = tuple(ids[start : start + LOOK_AT_MOST])
        rest.append(Look(key="", ids=part, with_targets=wanted & set(part)))
    return tuple(rest)


# The worst of a release leads its summary; the order is how loudly a person should be told.
_WORST_FIRST = (
    Outcome.ROLLBACK_FAILED,
    Outcome.LOST_CONTACT,
    Outcome.CANCELLED,
    Outcome.TIMED_OUT,
    Outcome.FAILED,
    Outcome.STOPPED,
    Outcome.ROLLED_BACK,
    Outcome.ERROR,
    Outcome.INVALID,
    Outcome.REFUSED,
    Outcome.DETACHED,
    Outcome.SUCCEEDED,
)


def _conclusion(release: Release, now: float) -> e.Concluded:
    results = tuple(rollout.result for rollout in release.rollouts if rollout.result is not None)
    worst = min(results, key=_loudness)
    if len(results) > 1:
        worst = replace(
            worst,
            deployed=all(result.deployed for result in results),
            settled=all(result.settled for result in results),
            duration_seconds=round(now, 1),
        )
    return e.Concluded(
        at=now,
        command=release.command,
        result=worst,
        results=results,
        exit_code=exit_code(release.command, worst.outcome),
    )


def _loudness(result: Result) -> tuple[int, int]:
    order = list(_WORST_FIRST)
    place = order.index(result.outcome) if result.outcome in order else len(order)
    return place, 0 if result.rollback is Rollback.FAILED else 1
