"""One rollout's part of a step: which answer goes to which function, and which stage acts when.

The table of stages and the table of answers; what they do is in `preparing`, `publishing`, `following`, `verdict`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..aws import Alias, Deployment, FunctionVersion, Invocation, StopAnswer
from ..given.package.packaging import StoredPackage
from ..guards.queries import Readings
from ..plan.planning import Facts
from ..reasons.ending.verdict import DiagnosisIncomplete
from ..result import Diagnosis
from ..story import events as e
from .actions import (
    Action,
    Cancelled,
    Confirm,
    Create,
    CreateAlias,
    Describe,
    Diagnose,
    Done,
    Failed,
    Find,
    Gather,
    Invoke,
    Look,
    LookAlarms,
    LookAlias,
    LookVersion,
    Measure,
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
from .rollout import Rollout, Turn
from .stages import (
    baking,
    confirming,
    deciding,
    following,
    guarding,
    looking,
    preparing,
    publishing,
    reversing,
    smoking,
    stopping,
    updating,
    verdict,
)
from .state.place import Stage

_STAGES: Mapping[Stage, Callable[[Turn], None]] = {
    Stage.READY: lambda _: None,  # waves begins it
    Stage.CONFIRMING: lambda _: None,  # one question for all of a run
    Stage.GATHERING: preparing.gathering,
    Stage.WAITING: preparing.waiting,
    Stage.HOLDING: preparing.holding,
    Stage.SETTLING: updating.settling,
    Stage.STORING_CODE: updating.storing_code,
    Stage.UPDATING: updating.updating,
    Stage.UPDATED: updating.await_update,
    Stage.PUBLISHING: publishing.publishing,
    Stage.ACTIVATING: publishing.activating,
    Stage.SMOKING: smoking.smoking,
    Stage.CREATING_ALIAS: publishing.creating_alias,
    Stage.STORING: preparing.storing,
    Stage.CREATING: preparing.creating,
    Stage.FINDING: preparing.finding,
    Stage.FOLLOWING: following.following,
    Stage.ROLLBACK_DUE: following.rollback_due,
    Stage.FOLLOWING_ROLLBACK: following.following_rollback,
    Stage.VERIFYING: verdict.verifying,
    Stage.BAKING: baking.baking,
    Stage.RESTORING: verdict.restoring,
}


def _is_late(r: Rollout, action: Action) -> bool:
    """Whether what asked for it is over. A stop's answer is always told, a diagnosis where its deployment matters."""
    match action:
        case Stop():
            return False
        case Diagnose(deployment=deployment):
            return deployment.id not in (r.deployment_id, r.undone.deployment_id if r.undone is not None else "")
    return type(action).__name__ in r.flight.late


def observe(turn: Turn, observation: Observation) -> None:
    late = False
    if isinstance(observation, Done | Failed):
        late = _is_late(turn.r, observation.action)
        turn.put(turn.r.flight.answered(type(observation.action).__name__))
    if late or turn.r.stage is Stage.DONE:
        return
    match observation:
        case Cancelled():
            stopping.cancelled(turn, observation)
        case Progressed():
            turn.say(
                e.Progress(
                    at=turn.now, key=turn.r.key, what=observation.what, done=observation.done, total=observation.total
                )
            )
        case Done(action=action, answer=answer):
            _answered(turn, action, answer)
        case Failed():
            _failed(turn, observation)


def _answered(turn: Turn, action: Action, answer: object) -> None:
    match action, answer:
        case Confirm(), str() | None:
            confirming.answered(turn, answer)
        case Gather(), Facts() if turn.r.undone:
            reversing.resume(turn, answer)
        case Gather(), Facts() if turn.r.stage is Stage.BAKING:
            baking.gathered(turn, answer)
        case Gather(), Facts():
            deciding.gathered(turn, answer)
        case StoreCode(), StoredPackage():
            updating.code_stored(turn, answer)
        case UpdateCode(), FunctionVersion():
            updating.updated(turn, answer)
        case Publish(), FunctionVersion():
            publishing.published(turn, answer)
        case LookVersion(), FunctionVersion() | None:
            publishing.looked(turn, answer)
        case Invoke(wakes=True), Invocation():
            pass  # the version's state tells what came of it
        case Invoke(), Invocation():
            smoking.answered(turn, answer)
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
        case Stop(), StopAnswer():
            stopping.stop_answered(turn, action, answer)
        case CreateAlias(), _:
            publishing.alias_created(turn)
        case LookAlias(), Alias() | None if turn.r.stage is Stage.CREATING_ALIAS:
            publishing.first_read(turn, answer)
        case LookAlias(), Alias() | None if turn.r.stage is Stage.FOLLOWING:
            following.saw_alias(turn, answer)
        case LookAlias(), Alias() | None if turn.r.stage is Stage.BAKING:
            baking.saw_alias(turn, answer)
        case LookAlarms(), tuple():
            baking.saw_alarms(turn, answer)
        case Measure(), Readings():
            guarding.measured(turn, action, answer)
        case LookAlias(), Alias() | None:
            verdict.alias_read(turn, answer)
        case RepairAlias(), Alias():
            verdict.restored(turn, answer)
        case Describe(), Alias():
            verdict.traced(turn)
        case Tag(), None:
            preparing.held(turn, action)
        case Diagnose(), Diagnosis():
            if action.deployment.status.terminal and action.deployment.id == turn.r.deployment_id:
                turn.put(turn.r.watch.explain(answer))
            turn.say(e.Diagnosed(at=turn.now, key=turn.r.key, diagnosis=answer))
        case _:  # it would be asked for without end
            raise TypeError(f"{type(action).__name__} was answered by {answer!r}")


def _failed(turn: Turn, failed: Failed) -> None:
    stage = turn.r.stage
    match failed.action:
        case Look() if stage is not Stage.WAITING:
            following.look_failed(turn, failed.error)
        case Stop() if failed.action.deployment_id == turn.r.deployment_id:
            stopping.stop_failed(turn, failed.action, failed.error)
        case StoreCode() | UpdateCode() | Publish() | LookVersion() | CreateAlias():
            publishing.failed(turn, failed.action, failed.error)
        case Invoke(wakes=True):
            publishing.not_woken(turn, failed.error)
        case Invoke():
            smoking.failed(turn, failed.error)
        case LookAlias() if stage is Stage.CREATING_ALIAS:
            publishing.failed(turn, failed.action, failed.error)
        case LookAlias():
            verdict.alias_unread(turn, failed.error)
        case RepairAlias():
            verdict.not_restored(turn, failed.error)
        case Describe():
            verdict.not_traced(turn, failed.error.reason)
        case Measure():
            guarding.failed(turn, failed.error)
        case LookAlarms():
            baking.alarms_unread(turn, failed.error)
        case Gather() if stage is Stage.BAKING:
            baking.not_gathered(turn, failed.error)
        case Tag():
            preparing.not_held(turn, failed.action, failed.error)
        case Diagnose():
            turn.warn(DiagnosisIncomplete(problem=failed.error.what))
        case _:
            preparing.failed(turn, failed.action, failed.error)


def proceed(turn: Turn) -> None:
    """Let the stage act, and the stages that it enters, until nothing more follows."""
    for _ in range(2 * len(Stage)):
        stage = turn.r.stage
        if stage is Stage.DONE:
            return
        if turn.r.grace.until is not None:
            _limit_ending(turn, turn.r.grace.until)
            if turn.r.stage is Stage.DONE:
                return
        _STAGES[turn.r.stage](turn)
        if turn.r.stage is stage:
            return
    raise RuntimeError(f"stages chase each other: {turn.r.stage}")


def _limit_ending(turn: Turn, until: float) -> None:
    """After a signal, and in the post step, the time that is left is the runner's to give."""
    if turn.now >= until:
        stopping.end_cancelled(turn, "the time of grace is over")
    elif turn.r.stage is Stage.CREATING:
        stopping.await_creation(turn)


def wake(r: Rollout, now: float) -> float:
    """When this rollout has something to do by itself. Answers wake it anyway."""
    times = [r.place.again_at, r.grace.until, r.watch.until, r.wait.until]
    if r.stage in (Stage.FOLLOWING, Stage.FOLLOWING_ROLLBACK):
        times.append(r.place.said_at + looking.heartbeat_every(r))
        if r.inputs.hook_timeout is not None and r.watch.event:
            times.append(r.watch.event_at + r.inputs.hook_timeout)
    if r.stage is Stage.BAKING:
        times += [*baking.next_at(r), r.place.said_at + looking.heartbeat_every(r)]
    times.append(guarding.due_at(r))
    if r.smoke.began is not None:
        times.append(r.smoke.began + smoking.left(r))
    if r.grace.at is not None:
        times.append(r.grace.at + stopping.ANSWER_GRACE * r.grace.second)
    if r.stage is Stage.ROLLBACK_DUE:
        times.append(r.place.since + following.ROLLBACK_APPEARS_WITHIN)
    if r.stage is Stage.VERIFYING:
        times.append(r.place.since + verdict.DIAGNOSIS_TAKES)
    ahead = [time for time in times if time is not None and time > now]
    return min(ahead, default=now + looking.HEARTBEAT)
