"""From a deployment that is over to the truth: what the alias serves now, read after the end, and what that means.

Truth, not inference: `deployed` is true only if the alias was read at 100% on the target version, `rolled-back` is
said only if it was read at 100% on the version before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from ... import trace as traces
from ...aws import Alias, Deployment, DeploymentStatus
from ...errors import AwsError, CiDeployError, ErrorKind, Refused
from ...reasons.commands import PutBack
from ...reasons.ending import guards as guard_reasons
from ...reasons.ending import verdict as why
from ...reasons.ending.codedeploy import CodeDeployEnded
from ...reasons.ending.watching import StackTookBack
from ...reasons.phrases import Shares, serves
from ...reasons.reason import Reason
from ...result import Diagnosis
from ...run import Command, Outcome, Rollback
from ...story import events as e
from ...story.diagnosis import failed_event, hook_of
from ..actions import Describe, Diagnose, LookAlias, RepairAlias
from ..rollout import Rollout, Turn, jittered, kind_of
from ..state.attempt.ending import Cause
from ..state.place import Stage
from . import baking, guarding
from .following import rollback_expected
from .stopping import STOP_TAKES

READ_AGAIN = 4  # readings, 2 s apart, before "CodeDeploy says so but the alias does not" is believed
DIAGNOSIS_TAKES = 30.0
READ_FOR_TRACE = 5  # further readings, 2 s apart, for the trace of the rollback that stopped it
THROTTLED_PAUSE = 20.0  # seconds before a deployment that was only throttled is tried once more
LATE_ROLLBACKS = 3  # how often we go back to waiting for a rollback because something runs in the group


def verifying(turn: Turn) -> None:
    r = turn.r
    if turn.asked(Diagnose) and not r.cancelled and turn.now - r.place.since < DIAGNOSIS_TAKES:
        return  # its answer belongs into the verdict
    if not (turn.asked(LookAlias) or turn.asked(Describe)) and turn.due():
        turn.ask(LookAlias(key=r.key, function=r.function, alias=r.inputs.alias))


def alias_read(turn: Turn, alias: Alias | None) -> None:
    r = turn.r
    if r.stage is not Stage.VERIFYING:
        return
    if alias is None:
        turn.end(Outcome.FAILED, why.AliasGone(alias=r.inputs.alias, function=r.function))
        return
    if r.alias is None or alias.shares != r.alias.shares:
        turn.say(e.AliasRead(at=turn.now, key=turn.r.key, alias=alias))
    turn.put(turn.r.reading.read(alias, turn.now))
    deployment = r.deployment
    if r.undone is not None and _reversal_came_to_nothing(r):
        _not_reversed(turn, alias)
    elif deployment is None or not deployment.status.terminal:
        _left_running(turn, alias)
    elif deployment.status is DeploymentStatus.SUCCEEDED:
        _succeeded(turn, alias)
    else:
        _not_succeeded(turn, alias, deployment)


def alias_unread(turn: Turn, error: CiDeployError) -> None:
    """Without a reading nothing is claimed."""
    r = turn.r
    kind = kind_of(error)
    if r.stage is not Stage.VERIFYING:
        return
    if kind is not None and kind.transient and turn.now - r.place.since < STOP_TAKES:
        turn.retry(most=20.0)
        return
    turn.put(turn.r.reading.forget())
    turn.end(
        _by_cause(r) or Outcome.LOST_CONTACT,
        *((r.creation.problem,) if r.creation.problem and not r.deployment_id else ()),
        why.ServesUnread(
            deployment=r.deployment_id,
            where=r.where,
            status=r.deployment.status.value if r.deployment else "unknown",
            put_back=None if r.deployment_id else _put_back(r, r.target_version),
        ),
        error.reason,
        rollback=Rollback.UNKNOWN,
        # The post step tries again, but what was left at the time limit is left for good.
        settled=not r.ending.sent and _by_cause(r) is not Outcome.CANCELLED,
    )


def _reversal_came_to_nothing(r: Rollout) -> bool:
    """It could not be created, or did not succeed; one that was left running is another matter."""
    if r.deployment is None:
        return not r.deployment_id
    return r.deployment.status.terminal and r.deployment.status is not DeploymentStatus.SUCCEEDED


def _not_reversed(turn: Turn, alias: Alias) -> None:
    """The truth is the alias, and where it is to be again is the version that the release began with."""
    r = turn.r
    if alias.serves_only(r.target_version):
        turn.end(Outcome.SUCCEEDED, why.Serves(serves=serves(alias)), deployed=True)
        return
    may = r.inputs.repair_alias != "never" and not (r.repair.restored or r.repair.problem or r.cancelled)
    if r.part.ends is not None and not set(alias.shares) <= {r.previous_version, r.target_version}:
        may = False  # somebody else has moved it on
    if may:
        turn.put(turn.r.repair.stray())
        turn.to(Stage.RESTORING)
        return
    ended = r.creation.problem
    if r.watch.diagnosis is not None:
        ended = r.watch.diagnosis.reason
    elif r.deployment is not None:
        ended = why.ReversalEnded(deployment=r.deployment_id, status=r.deployment.status.value)
    put_back = _put_back(r, r.target_version)
    turn.end(
        _by_cause(r) or Outcome.FAILED,
        *((ended,) if ended else ()),
        why.NotReversed(serves=serves(alias), problem=r.repair.problem, put_back=put_back),
    )


def _put_back(r: Rollout, version: str) -> PutBack:
    return PutBack(where=r.where, version=version)


def _by_cause(r: Rollout) -> Outcome | None:
    """The outcome where why it ended matters more than how."""
    if r.cancelled or r.cause is Cause.CANCELLED:
        return Outcome.CANCELLED
    return Outcome.TIMED_OUT if r.cause is Cause.TIMED_OUT else None


def _left_running(turn: Turn, alias: Alias) -> None:
    """We leave a deployment that is not over: by policy, or because it could not be stopped."""
    r = turn.r
    going_on = why.LeftRunning(
        deployment=r.deployment_id, where=r.where, serves=serves(alias), refused=r.ending.refused
    )
    found = guarding.violation(r) if r.cause is Cause.GUARD else None
    turn.end(
        _by_cause(r) or Outcome.FAILED,
        *((found, going_on) if found else (going_on,)),
        rollback=Rollback.UNKNOWN if r.ending.sent else Rollback.NONE,
        settled=not r.ending.sent,
    )


def _succeeded(turn: Turn, alias: Alias) -> None:
    r = turn.r
    if r.job.taken_back_by and alias.serves_only(r.previous_version):
        reason = StackTookBack(stack=r.job.taken_back_by, version=r.target_version, previous=r.previous_version)
        turn.end(Outcome.ROLLED_BACK, reason, rollback=Rollback.SUCCEEDED)
    elif not alias.serves_only(r.target_version):
        if r.place.tries < READ_AGAIN and not r.cancelled:
            turn.put(turn.r.place.retry(turn.now + 2.0))
            return
        if r.bake.over:
            moved = guard_reasons.BakeOvertaken(version=r.target_version, other="", serves=serves(alias))
            turn.end(_by_cause(r) or Outcome.FAILED, moved)
            return
        turn.end(
            _by_cause(r) or Outcome.FAILED,
            why.MovedElsewhere(deployment=r.deployment_id, serves=serves(alias), version=r.target_version),
            settled=not r.cancelled,  # the post step has the time to read it again
        )
    elif r.part.ends is not None:
        turn.end(Outcome.SUCCEEDED, why.Serves(serves=serves(alias)), deployed=True)
    elif _by_cause(r) is Outcome.CANCELLED:
        late = why.CancelledTooLate(deployment=r.deployment_id, serves=serves(alias))
        turn.end(Outcome.CANCELLED, *r.bake.blamed, late)
    elif r.command is Command.STOP:
        turn.end(Outcome.UNCHANGED, why.StopTooLate(deployment=r.deployment_id, serves=serves(alias), again=False))
    elif r.cause is Cause.ASKED:
        turn.end(Outcome.FAILED, why.StopTooLate(deployment=r.deployment_id, serves=serves(alias), again=True))
    elif r.bake.cut:
        limit = guard_reasons.BakeTimedOut(minutes=r.planned.timeout / 60)
        turn.end(Outcome.TIMED_OUT, limit, why.Serves(serves=serves(alias)))
    elif baking.wanted(r):
        baking.begin(turn)
    else:
        found = (baking.stays(r), why.Serves(serves=serves(alias)), guarding.inconclusive(r))
        turn.end(Outcome.SUCCEEDED, *(reason for reason in found if reason is not None), deployed=True)


def _not_succeeded(turn: Turn, alias: Alias, deployment: Deployment) -> None:
    r = turn.r
    back = alias.serves_only(r.previous_version)
    expected = rollback_expected(r)
    if not back and expected and _may_restore(r):
        turn.put(turn.r.repair.stray())
        turn.to(Stage.RESTORING)
        return
    if back and _only_throttled(r, deployment):
        _try_once_more(turn)
        return
    if back and _leaves_trace(r):
        _leave_trace(turn, alias)
        return
    if back and _awaits_trace(r, deployment):
        by = _rolled_back_by(r, alias)
        if by is None and r.place.tries < READ_FOR_TRACE and not r.cancelled:
            turn.put(turn.r.place.retry(turn.now + 2.0))
            return
        if by is not None:
            _explain(turn, by)
    if back:
        rollback = Rollback.SUCCEEDED if r.rollback_id or r.repair.strayed else Rollback.NONE
    elif rollback_runs(r):
        rollback = Rollback.UNKNOWN
    else:
        rollback = Rollback.FAILED if expected else Rollback.NONE
    unfinished = r.cancelled and r.context.actions and expected and not back  # the post step sets it back
    outcome = _outcome(r, deployment, back, rollback)
    turn.end(
        outcome,
        _cause(turn.r, deployment),
        _traffic(r, deployment, serves(alias), back, rollback),
        rollback=Rollback.UNKNOWN if unfinished else rollback,
        deployed=outcome is Outcome.SUCCEEDED,
        settled=not unfinished,
    )


def _only_throttled(r: Rollout, deployment: Deployment) -> bool:
    """Lambda throttled CodeDeploy itself before any traffic moved: that says nothing about the version."""
    ours = r.command in (Command.DEPLOY, Command.ROLLBACK) and r.cause is Cause.NONE and not r.cancelled
    # What had moved a rollback may have brought back by now, but not in the deployment's own target.
    target = deployment.target_of(r.function, r.inputs.alias)
    unmoved = target is not None and target.raw_weight == 0.0
    return ours and deployment.error_code == "THROTTLED" and unmoved and not r.attempt.repeated


def _try_once_more(turn: Turn) -> None:
    r = turn.r
    turn.warn(why.TriedOnceMore(deployment=r.deployment_id))
    turn.begin_again(r.attempt.once_more())
    turn.to(Stage.GATHERING, after=jittered(THROTTLED_PAUSE, r.marker_id))


def _outcome(r: Rollout, deployment: Deployment, back: bool, rollback: Rollback) -> Outcome:
    """The cause first; then what became of the traffic."""
    if (cause := _by_cause(r)) is not None:
        return cause
    if r.cause is Cause.ASKED:
        if r.command is Command.STOP:
            return Outcome.ROLLBACK_FAILED if rollback in (Rollback.FAILED, Rollback.UNKNOWN) else Outcome.STOPPED
        return Outcome.SUCCEEDED if back else Outcome.ROLLBACK_FAILED
    if rollback is Rollback.SUCCEEDED:
        return Outcome.ROLLED_BACK
    if rollback in (Rollback.FAILED, Rollback.UNKNOWN):
        return Outcome.ROLLBACK_FAILED
    stopped = deployment.status is DeploymentStatus.STOPPED and deployment.error_code != "ALARM_ACTIVE"
    return Outcome.STOPPED if stopped else Outcome.FAILED


def _cause(r: Rollout, deployment: Deployment) -> Reason:
    """Why it ended: what we did, else what CodeDeploy says."""
    deployed, stopped = r.deployment_id, r.ending.sent and not r.ending.refused
    if r.cause is Cause.GUARD and (violated := guarding.violation(r)) is not None:
        return violated
    if r.cause is Cause.TIMED_OUT:
        minutes, shift = r.planned.timeout / 60, r.planned.shift_seconds
        return why.TimeLimitPassed(deployment=deployed, stopped=stopped, minutes=minutes, shift=shift)
    if r.cause is Cause.HOOK_TIMEOUT:
        hook = hook_of(failed_event(deployment, r.planned), r.planned)
        return why.HookTimeoutPassed(deployment=deployed, stopped=stopped, hook=hook)
    if (ours := _OURS.get(r.cause)) is not None:
        return ours(deployment=deployed, stopped=stopped)
    if r.watch.diagnosis is not None:
        return r.watch.diagnosis.reason
    said, code = deployment.error_message, deployment.error_code
    if hook := hook_of(failed_event(deployment, r.planned), r.planned):
        return why.HookFailed(hook=hook, said=said or code)
    return CodeDeployEnded(deployment=deployment.id, status=deployment.status.value, aws_code=code, said=said)


_OURS: Mapping[Cause, type[why.Ended]] = {
    Cause.CANCELLED: why.Cancelled,
    Cause.ASKED: why.AsAsked,
    Cause.NOT_AS_PLANNED: why.NotAsPlanned,
    Cause.RELEASE: why.AnotherFailed,
}


class _Told(TypedDict):
    serves: Shares
    put_back: PutBack | None


def _traffic(r: Rollout, deployment: Deployment, served: Shares, back: bool, rollback: Rollback) -> why.Traffic:
    """What became of the traffic, and what to do."""
    # Of a deployment that is followed without its target the version before is not known.
    told = _Told(serves=served, put_back=None if back else _put_back(r, r.previous_version or "VERSION"))
    if rollback is Rollback.SUCCEEDED:
        if r.repair.restored or not r.rollback_id:
            return why.AliasSetBack(**told)
        return why.RolledBackBy(rollback=r.rollback_id, **told)
    if rollback is Rollback.UNKNOWN:
        return why.RollbackRunning(rollback=r.rollback_id, **told)
    if not r.previous_version:
        return why.PreviousUnknown(**told)
    if rollback is Rollback.FAILED:
        said = "" if r.rollback_id else deployment.rollback_message
        return why.NotRolledBack(
            previous=r.previous_version, rollback=r.rollback_id, said=said, problem=r.repair.problem, **told
        )
    if back:
        return why.StillServes(**told) if r.planned.reverses else why.NothingMoved(**told)
    return why.NoRollback(**told)


# --- The trace of a rollback that created nothing ---------------------------------------------------------------------


def _leaves_trace(r: Rollout) -> bool:
    """The command `rollback` has stopped what ran, and created nothing that would tell older runs."""
    asked = r.command is Command.ROLLBACK and r.cause is Cause.ASKED
    return asked and bool(r.context.run_id) and not (r.repair.traced or r.cancelled)


def _leave_trace(turn: Turn, alias: Alias) -> None:
    r = turn.r
    turn.put(turn.r.repair.trace())
    text = traces.write(alias.description, r.context.run_id)
    if text is None:
        not_traced(turn, why.NoRoom())
    elif text != alias.description:
        turn.ask(Describe(key=r.key, alias=alias, description=text))


def traced(turn: Turn) -> None:
    """What is served is read once more for the verdict."""
    turn.put(turn.r.place.act(turn.now))


def not_traced(turn: Turn, because: Reason) -> None:
    turn.warn(why.NoTrace(problem=because.text, advice=because.remedy))


def _awaits_trace(r: Rollout, deployment: Deployment) -> bool:
    """Somebody else's request stopped it while we followed it: a rollback's trace comes a moment after its success."""
    ours = r.ending.sent or r.cause is not Cause.NONE or r.command is Command.FINISH
    subject = r.facts.subject if r.facts else None
    seen = subject is None or not subject.status.terminal
    return deployment.error_code == "MANUAL_STOP" and seen and not ours


def _rolled_back_by(r: Rollout, alias: Alias) -> why.StoppedByRun | None:
    """The run whose trace is in the description now, and was not when our facts were read."""
    before = traces.read(r.facts.alias.description) if r.facts and r.facts.alias else 0
    run = traces.read(alias.description)
    return why.StoppedByRun(run=run, url=r.context.url_of(run)) if run not in (0, before) else None


def _explain(turn: Turn, by: why.StoppedByRun) -> None:
    """At the stop only the request was known."""
    found = Diagnosis(reason=by)
    turn.put(turn.r.watch.explain(found))
    turn.say(e.Diagnosed(at=turn.now, key=turn.r.key, diagnosis=found))


# --- Setting the alias back ourselves ----------------------------------------------------------------------------


def rollback_runs(r: Rollout) -> bool:
    """Whether the rollback deployment was left before its end."""
    return bool(r.rollback_id) and (r.seen.rollback is None or not r.seen.rollback.status.terminal)


def _may_restore(r: Rollout) -> bool:
    """A rollback was due and left something else; nobody forbids that we repair it."""
    return (
        r.inputs.repair_alias != "never"
        and bool(r.previous_version)
        and not (rollback_runs(r) or r.repair.restored or r.repair.problem)
        and not (r.cancelled and r.context.actions)
    )


def restoring(turn: Turn) -> None:
    r = turn.r
    if turn.asked(RepairAlias) or not turn.due():
        return
    version = _restores_to(r)
    assert r.alias is not None
    turn.ask(
        RepairAlias(
            key=r.key,
            alias=r.alias,
            version=version,
            application=r.planned.application,
            group=r.planned.group,
        )
    )


def _restores_to(r: Rollout) -> str:
    """After a deployment the version before it; after a reversal the release's; else what the alias mostly serves."""
    assert r.alias is not None, "restoring what was not read"
    if r.undone is not None:
        return r.target_version
    return r.previous_version if r.deployment_id else r.alias.version


def restored(turn: Turn, alias: Alias) -> None:
    r = turn.r
    if r.stage is not Stage.RESTORING:
        return
    if not r.deployment_id and r.undone is None:
        _repaired(turn, alias)
        return
    turn.put(turn.r.repair.restore())
    because = why.RollbackStrayed(rolled_back=bool(r.rollback_id), reversal=r.undone is not None)
    turn.say(e.AliasRestored(at=turn.now, key=turn.r.key, alias=alias, why=because))
    turn.to(Stage.VERIFYING)


def _repaired(turn: Turn, alias: Alias) -> None:
    """The split that an earlier stop had left is gone: continue with what was asked for."""
    r = turn.r
    turn.say(e.AliasRestored(at=turn.now, key=turn.r.key, alias=alias, why=why.SplitRepaired()))
    turn.put(turn.r.reading.read(alias, turn.now))
    here = r.inputs.version in (None, alias.version) and not r.inputs.deployment_id
    if r.command is Command.ROLLBACK and here:
        turn.end(Outcome.SUCCEEDED, why.Serves(serves=serves(alias)), deployed=True)
    else:
        turn.to(Stage.GATHERING)


def not_restored(turn: Turn, error: CiDeployError) -> None:
    r = turn.r
    if r.stage is not Stage.RESTORING:
        return
    kind = kind_of(error)
    if kind is not None and kind.transient and r.place.tries < 8:
        turn.retry()
        return
    meddled = isinstance(error, Refused) or kind is ErrorKind.CONFLICT
    if not r.deployment_id and r.undone is None:
        if meddled and r.repair.returns < LATE_ROLLBACKS:
            turn.put(turn.r.repair.postpone())
            turn.to(Stage.GATHERING, after=2.0)  # where it is waited for, or its work is what is there now
            return
        turn.end(Outcome.REFUSED, why.SplitNotRepaired(), error.reason)
        return
    if isinstance(error, Refused) and r.undone is None and not r.rollback_id and r.repair.returns < LATE_ROLLBACKS:
        # Something runs in the group: it may be our rollback, later than we thought.
        turn.put(turn.r.repair.postpone())
        turn.to(Stage.ROLLBACK_DUE)
        return
    brief = f"{error.operation}: {error.code}" if isinstance(error, AwsError) else error.what.rstrip(".")
    turn.put(turn.r.repair.fail(brief))
    turn.warn(why.NotSetBack(problem=error.what, advice=error.remedy))
    turn.to(Stage.VERIFYING)
