"""From a deployment that exists to one that is over, its automatic rollback included.

Polling never turns a success into a failure: looks that fail are counted and said, and only the time limit ends the
following (`lost-contact`, with the deployment left alone). A stop is asked for once and its answer told apart.
"""

from __future__ import annotations

import math
from dataclasses import replace

from . import events as e
from . import schedule
from .actions import Cancelled, Create, Diagnose, Look, Stop
from .checks import HOOK_PREFIX
from .errors import AwsError, CiDeployError, ErrorKind
from .model import (
    Command,
    Deployment,
    DeploymentStatus,
    DeploymentTarget,
    EventStatus,
    Known,
    Outcome,
    Rollback,
    RollbackEvent,
    Routing,
    RoutingType,
    StopAnswer,
)
from .planning import Existing
from .rollout import Cause, Rollout, Stage, Turn, jittered, kind_of
from .timeline import changes

STOP_TAKES = 600.0  # a stop, its rollback included, before we say that we do not know
STOP_AGAIN_AFTER = 5.0
ROLLBACK_APPEARS_WITHIN = 60.0  # facts.md A7 [U]
LOST_AFTER = 3  # looks failed in a row at the time limit: that is no contact
HEARTBEAT = 60.0
QUIET = 20.0  # between looks while nothing is due (facts.md A11)
BEAT = 3.0  # seconds from one common moment of looking to the next, in a large release
FEW = 10  # functions of a release that are each followed as closely as one
MANY = 100  # and from here on a success is not looked at once more for its lifecycle
LOOK_AT_MOST = 25  # deployments in a BatchGetDeployments (facts.md A4)
LOOKS_A_SECOND = 2.0  # that a whole release may make; AWS throttles somewhere above (facts.md A11)
TARGETS_A_SECOND = 1.25  # the same for looks with a target, which are a call for each function
GRACE = 6.0  # real seconds from the first signal to our own end; the runner sends SIGTERM after 7.5 (facts.md B3)
ANSWER_GRACE = 3.0  # real seconds that CreateDeployment's answer is awaited after a signal
ON_TERMINAL = 600.0  # the same grace where nobody kills us: a person at a terminal, who can press Ctrl-C again


# --- Looking -----------------------------------------------------------------------------------------------------


def following(turn: Turn) -> None:
    r = turn.r
    if r.cancelled and r.cause is Cause.NONE:
        _stop_for_cancel(turn)
    elif _out_of_time(turn):
        return
    if turn.r.stage is Stage.FOLLOWING:
        _stop_again(turn)
        _look(turn, turn.r.deployment_id)
        _heartbeat(turn)


def _stop_again(turn: Turn) -> None:
    """A stop that is Pending, or did not arrive, is asked for again until it is done or the deployment is over."""
    r = turn.r
    if not r.stop_pending or turn.asked(Stop) or turn.now < r.stop_asked_at + STOP_AGAIN_AFTER:
        return
    if not (r.cancelled and r.context.actions):
        turn.ask(Stop(key=r.key, deployment_id=r.deployment_id, rollback=r.stop_rollback))


def following_rollback(turn: Turn) -> None:
    r = turn.r
    if r.deadline is not None and turn.now >= r.deadline:
        turn.to(Stage.VERIFYING)
        return
    _look(turn, r.rollback_id)
    _heartbeat(turn)


def rollback_due(turn: Turn) -> None:
    """CodeDeploy makes the rollback a moment after the end of the deployment (facts.md A7), if it makes one."""
    r = turn.r
    within = ROLLBACK_APPEARS_WITHIN if rollback_expected(r) else ROLLBACK_APPEARS_WITHIN / 4
    silent = r.failures > 0 and turn.now - r.since < STOP_TAKES
    if turn.now - r.since >= within and not silent and not turn.asked(Look):
        turn.to(Stage.VERIFYING)
        return
    _look(turn, r.deployment_id)


def _look(turn: Turn, deployment_id: str) -> None:
    r = turn.r
    if turn.asked(Look) or not turn.due(together=True):
        return
    with_targets = frozenset({deployment_id}) if _targets_matter(r, turn.now) else frozenset()
    if with_targets:
        turn.set(targets_at=turn.now)
    turn.set(looks=r.looks + 1)
    turn.ask(Look(key=r.key, ids=(deployment_id,), with_targets=with_targets))


def looked(turn: Turn, action: Look, snapshots: tuple[Deployment, ...]) -> None:
    r = turn.r
    if r.failures:
        turn.say(e.ContactRestored, failures=r.failures)
    turn.set(failures=0, seen_at=turn.now)
    by_id = {snapshot.id: snapshot for snapshot in snapshots}
    if r.stage is Stage.FOLLOWING_ROLLBACK:
        _saw_rollback(turn, by_id.get(r.rollback_id), r.rollback_id in action.with_targets)
    elif r.stage in (Stage.FOLLOWING, Stage.ROLLBACK_DUE):
        _saw_deployment(turn, by_id.get(r.deployment_id), r.deployment_id in action.with_targets)
    if turn.r.stage is not Stage.DONE and turn.r.stage is r.stage and turn.now >= turn.r.again_at:
        turn.set(again_at=_next_look(turn.r, turn.now))


def _saw_deployment(turn: Turn, snapshot: Deployment | None, with_targets: bool) -> None:
    if snapshot is None:
        return  # created a moment ago and not visible everywhere yet
    _complete_plan(turn, snapshot)
    r = turn.r
    if r.stage is Stage.FOLLOWING:
        unseen = snapshot.status is not DeploymentStatus.SUCCEEDED or len(r.siblings) <= MANY
        if snapshot.status.terminal and not with_targets and snapshot.targets is None and unseen:
            # Over: look once more, with the lifecycle, so that people read the events in their order.
            turn.set(targets_at=-1e9, again_at=turn.now)
            _look(turn, snapshot.id)
            return
        turn.set(deployment=_told(turn, r.deployment, snapshot, of_rollback=False))
        if snapshot.status.terminal:
            _over(turn)
    elif snapshot.rollback_id:
        turn.set(deployment=_keeping_targets(snapshot, r.deployment))
    r = turn.r
    if r.stage is Stage.ROLLBACK_DUE and r.deployment is not None and r.deployment.rollback_id:
        _rollback_appeared(turn, r.deployment)


def _complete_plan(turn: Turn, snapshot: Deployment) -> None:
    """What an attached deployment does may be known only now: before it starts it has no target."""
    r = turn.r
    target = snapshot.target_of(r.function, r.inputs.alias)
    if target is None or r.plan is None or r.target_version:
        return
    current = target.current_version or r.plan.current_version
    turn.set(plan=replace(r.plan, target=Existing(version=target.target_version), current_version=current))


def _keeping_targets(snapshot: Deployment, before: Deployment | None) -> Deployment:
    return replace(snapshot, targets=before.targets) if snapshot.targets is None and before else snapshot


def _told(turn: Turn, before: Deployment | None, snapshot: Deployment, *, of_rollback: bool) -> Deployment:
    """Say what is new in a snapshot; returns it with the last known targets if it came without."""
    r = turn.r
    now = _keeping_targets(snapshot, before)
    target = now.target_of(r.function, r.inputs.alias)
    _follow_events(turn, now, target)
    news = list(
        changes(before, now, function=r.function, alias=r.inputs.alias, at=turn.now, key=r.key, of_rollback=of_rollback)
    )
    lifecycle = [event for event in news if isinstance(event, e.LifecycleChanged)]
    shifted_before_end = any(event.event.name == "AllowTraffic" and event.status.terminal for event in lifecycle)
    if shifted_before_end or not lifecycle:
        _traffic(turn, now, target, of_rollback)
    turn.events += news
    if news:
        turn.set(said_at=turn.now)
    if lifecycle and not shifted_before_end:
        _traffic(turn, now, target, of_rollback)
    return now


def _follow_events(turn: Turn, deployment: Deployment, target: DeploymentTarget | None) -> None:
    """Remember which lifecycle event runs, and when (on our clock) traffic began to shift."""
    r = turn.r
    running = next(
        (event for event in (target.events if target else ()) if event.status is EventStatus.IN_PROGRESS), None
    )
    name = running.name if running else ""
    if name != r.stage_event:
        turn.set(stage_event=name, stage_event_at=turn.now)
    if running is None or running.name != "AllowTraffic" or r.stage is not Stage.FOLLOWING:
        return
    if r.shift_began is None:
        began = turn.now
        if running.start is not None and deployment.create_time and not r.attached:
            # Both stamps are AWS's; our clock comes in only through the moment of creation.
            began = min(turn.now, r.started_at + max(0.0, running.start - deployment.create_time))
        turn.set(shift_began=began)


def _routing(r: Rollout, of_rollback: bool) -> Routing:
    if of_rollback or r.plan is None:
        return Routing(kind=RoutingType.ALL_AT_ONCE)
    return r.plan.routing


def _traffic(turn: Turn, deployment: Deployment, target: DeploymentTarget | None, of_rollback: bool) -> None:
    """Say the new share of traffic, if there is one. A finished deployment without weights shifted everything."""
    r = turn.r
    if target is None:
        return
    routing = _routing(r, of_rollback)
    share = schedule.percent(target.raw_weight, routing)
    if of_rollback and target.target_version != r.previous_version and target.current_version == r.previous_version:
        share = 100.0 - share  # [U] a rollback that names the versions as the deployment did
        new = target.current_version
    else:
        new = target.target_version
    old = r.target_version if of_rollback else target.current_version
    new_share = share if not of_rollback else 100.0 - share
    # A rollback that has not shifted yet says nothing of what is served: that is where the deployment had left it.
    if new_share == r.share or (of_rollback and share == 0.0):
        return
    began = r.shift_began
    if began is not None and not of_rollback:
        reached = next((step.offset for step in schedule.steps(routing) if step.share >= share - 1e-6), 0.0)
        turn.set(shift_began=min(began, turn.now - reached))
    turn.set(share=new_share)
    shares = {version: part for version, part in ((old, 100.0 - share), (new, share)) if part > 0 and version}
    turn.say(
        e.TrafficShifted,
        deployment_id=deployment.id,
        shares=shares,
        next_shift_at=None if of_rollback else next_shift_at(turn.r),
        ends_at=None if of_rollback else ends_at(turn.r),
        of_rollback=of_rollback,
    )


def next_shift_at(r: Rollout) -> float | None:
    if r.plan is None or r.shift_began is None or r.stop_sent:
        return None
    offset = schedule.next_shift(r.plan.routing, r.share)
    return None if offset is None else r.shift_began + offset


def ends_at(r: Rollout) -> float | None:
    """When the last shift is due; hooks after it take what they take."""
    if r.plan is None or r.shift_began is None or r.stop_sent:
        return None
    return r.shift_began + r.plan.shift_seconds


def _targets_matter(r: Rollout, now: float) -> bool:
    """Whether lifecycle or traffic can have changed: always, except in the quiet between two shifts.

    A target is a call of its own, so in a large release only shifts and ends are worth it.
    """
    due = next_shift_at(r)
    if len(r.siblings) > FEW and r.stage is Stage.FOLLOWING:
        if r.deployment is None or r.deployment.status in (DeploymentStatus.CREATED, DeploymentStatus.QUEUED):
            return False  # it has no target yet
        every = max(QUIET, len(r.siblings) / TARGETS_A_SECOND)
        if r.shift_began is None:
            # What is not known yet is found out once in that time, each at another moment.
            began = r.started_at + every * (jittered(5.0, r.marker_id, "targets") - 4.5)
            return now >= began and now - r.targets_at >= every
        last = ends_at(r)
        # The last shift is the end, which is looked at with its lifecycle anyway.
        shifts = due is not None and last is not None and due < last and now >= due
        return now - r.targets_at >= (every if shifts else max(2 * HEARTBEAT, every))
    quiet = r.stage is Stage.FOLLOWING and r.stage_event == "AllowTraffic" and due is not None and now < due
    return not quiet or now - r.targets_at >= 2 * HEARTBEAT


def _next_look(r: Rollout, now: float) -> float:
    """When to look again. The functions of a large release look at the same moments, so that one call serves 25."""
    at = now + _pause(r, now)
    if len(r.siblings) <= FEW or r.cancelled:
        return at
    beat = max(BEAT, len(r.siblings) / LOOK_AT_MOST / LOOKS_A_SECOND)
    return math.ceil(at / beat) * beat


def _pause(r: Rollout, now: float) -> float:
    """Seconds until the next look: short where something is about to happen, long in the quiet (facts.md A11)."""
    if r.stage is Stage.ROLLBACK_DUE:
        pause = 3.0
    elif r.stop_sent:
        pause = 2.0
    elif r.stage_event == "AllowTraffic" and r.stage is Stage.FOLLOWING:
        due = next_shift_at(r)
        if due is not None and now < due:
            return min(due + 0.7 - now, jittered(QUIET, r.marker_id, r.looks))
        overdue = now - (due if due is not None else r.stage_event_at)
        pause = min(5.0, max(1.5, overdue / 10))
    elif r.stage_event:
        pause = min(10.0, max(2.0, (now - r.stage_event_at) / 4))
    else:
        pause = 1.5 if now - r.said_at < 30 else 5.0
    if r.cancelled:
        pause = min(pause, 0.7 * r.second) if r.second == 1.0 else 0.7 * r.second
    return jittered(pause, r.marker_id, r.looks)


def look_failed(turn: Turn, error: CiDeployError) -> None:
    """The deployment goes on, and so do we: try again, ever more slowly, until the time limit."""
    r = turn.r
    failures = r.failures + 1
    turn.set(failures=failures)
    if failures & (failures - 1) == 0:  # 1st, 2nd, 4th, 8th, …: said, not repeated
        turn.say(e.ContactTroubled, error=error.what, failures=failures, until=r.deadline)
    pause = min(30.0, 2.0 ** min(failures, 5))
    if r.cancelled:
        pause = min(pause, r.second)
    turn.set(again_at=turn.now + jittered(pause, r.marker_id, failures))


def heartbeat_every(r: Rollout) -> float:
    """Seconds: a release says something twice a second at most, however many functions it has."""
    return max(HEARTBEAT, len(r.siblings) / 2)


def _heartbeat(turn: Turn) -> None:
    r = turn.r
    if turn.now - r.said_at < heartbeat_every(r) or r.failures:
        return
    current = {r.previous_version: 100.0 - r.share, r.target_version: r.share}
    turn.say(
        e.Heartbeat,
        what=r.stage_event or "the deployment",
        shares={version: part for version, part in current.items() if part > 0 and version},
        next_shift_at=next_shift_at(r),
        ends_at=ends_at(r),
    )


# --- The end of the deployment, and its rollback -----------------------------------------------------------------


def _over(turn: Turn) -> None:
    r = turn.r
    deployment = r.deployment
    if deployment is None or r.plan is None:
        return
    if deployment.status is DeploymentStatus.SUCCEEDED:
        turn.to(Stage.VERIFYING)
        return
    if not r.cancelled and r.cause in (Cause.NONE, Cause.HOOK_TIMEOUT):
        turn.ask(Diagnose(key=r.key, deployment=deployment, plan=r.plan, logs=wants_logs(r)))
    turn.to(Stage.ROLLBACK_DUE, after=1.0)
    if deployment.rollback_id:
        _rollback_appeared(turn, deployment)


def wants_logs(r: Rollout) -> bool:
    """Whether raw hook logs may be quoted: not in public repositories unless asked for."""
    return r.inputs.hook_logs == "on" or (r.inputs.hook_logs == "auto" and not r.context.public)


def rollback_expected(r: Rollout) -> bool:
    """Whether a rollback was configured for this kind of end, or asked for with the stop."""
    deployment = r.deployment
    if deployment is None or r.plan is None:
        return False
    if deployment.rollback_id:
        return True
    stopped = deployment.error_code == "MANUAL_STOP" and (r.stop_sent or r.command is Command.FINISH)  # by main or us
    if stopped or (r.stop_sent and not r.stop_refused):
        return r.stop_rollback  # the stop says it, whatever the group says
    events = set(r.plan.rollback_events)
    if deployment.error_code == "ALARM_ACTIVE":
        return RollbackEvent.ALARM in events
    if deployment.status is DeploymentStatus.STOPPED:
        return RollbackEvent.STOP_REQUEST in events
    return RollbackEvent.FAILURE in events


def _rollback_appeared(turn: Turn, deployment: Deployment) -> None:
    r = turn.r
    limit = r.plan.timeout if r.plan else STOP_TAKES
    turn.set(rollback_id=deployment.rollback_id, stage_event="", deadline=turn.now + max(limit, STOP_TAKES))
    turn.to(Stage.FOLLOWING_ROLLBACK)
    turn.say(
        e.RollbackStarted,
        deployment_id=deployment.rollback_id,
        rollback_of=deployment.id,
        console_url=turn.url(deployment.rollback_id),
        message=deployment.rollback_message,
    )


def _saw_rollback(turn: Turn, snapshot: Deployment | None, with_targets: bool) -> None:
    r = turn.r
    if snapshot is None:
        return
    turn.set(rollback=_told(turn, r.rollback, snapshot, of_rollback=True))
    if snapshot.status.terminal:
        turn.to(Stage.VERIFYING)


# --- Ending it ourselves -----------------------------------------------------------------------------------------


def request_stop(turn: Turn, cause: Cause, why: str, *, rollback: bool, urgent: bool = False) -> None:
    r = turn.r
    turn.set(cause=cause, stop_sent=True, stop_rollback=rollback)
    if cause is not Cause.CANCELLED:
        turn.set(deadline=turn.now + STOP_TAKES)
    turn.say(e.StopRequested, deployment_id=r.deployment_id, rollback=rollback, why=why)
    turn.ask(Stop(key=r.key, deployment_id=r.deployment_id, rollback=rollback, urgent=urgent))


def stop_answered(turn: Turn, action: Stop, answer: StopAnswer) -> None:
    r = turn.r
    pending = answer.status == "Pending"
    if not (pending and r.stop_pending):  # said once, not with every repetition
        turn.say(e.StopAnswered, deployment_id=action.deployment_id, status=answer.status, message=answer.message)
    if action.deployment_id == r.deployment_id:
        turn.set(again_at=turn.now, stop_pending=pending, stop_asked_at=turn.now)


def stop_failed(turn: Turn, action: Stop, error: CiDeployError) -> None:
    """Too late is no error; a transient failure is repeated, unless the runner is about to kill us."""
    r = turn.r
    kind = kind_of(error)
    code = error.code if isinstance(error, AwsError) else ""
    if kind is not None and kind.transient and not (r.cancelled and r.context.actions):
        turn.set(stop_pending=True, stop_asked_at=turn.now)
        return
    message = "it was over already" if code == "DeploymentAlreadyCompletedException" else error.what
    turn.set(stop_refused=message, stop_pending=False, again_at=turn.now)
    turn.say(e.StopAnswered, deployment_id=action.deployment_id, status="refused", message=message)
    if code != "DeploymentAlreadyCompletedException" and kind is not ErrorKind.UNREACHABLE and not r.cancelled:
        turn.to(Stage.VERIFYING)  # it goes on without us; say what is served now


def _out_of_time(turn: Turn) -> bool:
    """The time limit, and hooks that hang. Returns whether the stage was left."""
    r = turn.r
    if r.plan is None or r.deadline is None:
        return False
    if turn.now < r.deadline:
        _watch_hook(turn)
        return False
    if r.failures >= LOST_AFTER or r.stop_sent:
        turn.end(
            Outcome.LOST_CONTACT if not r.stop_sent or r.cause is Cause.HOOK_TIMEOUT else _outcome_of_cause(r.cause),
            reason=f"Deployment {r.deployment_id} was not heard of any more"
            + (" after it was stopped." if r.stop_sent else ": it goes on by itself, and was left alone."),
            remedy=reattach_command(r),
            rollback=Rollback.UNKNOWN,
            settled=not r.stop_sent,
        )
        return True
    policy = r.inputs.on_timeout
    limit = f"The time limit of {r.plan.timeout / 60:g} minutes has passed"
    if policy == "leave":
        turn.set(cause=Cause.TIMED_OUT)
        turn.warn("time-limit", f"{limit}; deployment {r.deployment_id} goes on (`on-timeout: leave`).")
        turn.to(Stage.VERIFYING)
        return True
    request_stop(turn, Cause.TIMED_OUT, limit, rollback=policy == "rollback")
    return False


def _outcome_of_cause(cause: Cause) -> Outcome:
    return {Cause.TIMED_OUT: Outcome.TIMED_OUT, Cause.CANCELLED: Outcome.CANCELLED}.get(cause, Outcome.LOST_CONTACT)


def reattach_command(r: Rollout) -> str:
    if r.plan is None:
        return ""
    return (
        f"Re-attach with `ci-deploy status --function {r.function} --alias {r.inputs.alias} --application "
        f"{r.plan.application} --deployment-group {r.plan.group} --deployment-id {r.deployment_id} --wait true`."
    )


def _watch_hook(turn: Turn) -> None:
    """A hook that crashed, or may not call back, hangs for an hour in CodeDeploy (facts.md A8)."""
    r = turn.r
    hooks = {"BeforeAllowTraffic": r.plan.before_hook, "AfterAllowTraffic": r.plan.after_hook} if r.plan else {}
    hook = hooks.get(r.stage_event, "")
    if not hook or r.stop_sent:
        return
    ran = turn.now - r.stage_event_at
    if r.inputs.hook_timeout is not None and ran >= r.inputs.hook_timeout:
        request_stop(
            turn,
            Cause.HOOK_TIMEOUT,
            f"Hook {hook} has not reported after {r.inputs.hook_timeout:g} s (`hook-timeout`)",
            rollback=True,
        )
        return
    fact = r.plan.hooks.get(hook) if r.plan else None
    own = fact.value.timeout_s if isinstance(fact, Known) and fact.value else 900
    if ran >= own + 60 and r.hook_warned != r.stage_event:
        turn.set(hook_warned=r.stage_event)
        name = hook.split(":")[-1]
        turn.warn(
            "hook-silent",
            f"Hook {name} has run out of its own time limit of {own} s and has not reported to CodeDeploy: "
            "it crashed, or may not call codedeploy:PutLifecycleEventHookExecutionStatus. "
            "CodeDeploy waits for it for an hour.",
            f"Look at the log group /aws/lambda/{name}; `hook-timeout` ends such a deployment early."
            + ("" if name.startswith(HOOK_PREFIX) else f" Its name should begin with {HOOK_PREFIX}."),
        )
        if r.deployment is not None and r.plan is not None and wants_logs(r):
            turn.ask(Diagnose(key=r.key, deployment=r.deployment, plan=r.plan, logs=True))


# --- Cancelling --------------------------------------------------------------------------------------------------


def cancelled(turn: Turn, observation: Cancelled) -> None:
    """A signal. Before creation nothing is created; after it, one stop goes out, at once and un-retried."""
    r = turn.r
    if r.cancelled:
        end_cancelled(turn, "a second signal")
        return
    grace = GRACE * observation.second if r.context.actions else ON_TERMINAL
    turn.set(cancelled_at=turn.now, cancel_until=turn.now + grace, second=observation.second)
    turn.say(e.CancelReceived, signal=observation.signal, policy=r.inputs.on_cancel)
    in_flight = turn.asked(Create) or r.doubtful
    if r.stage in (Stage.CREATING, Stage.FINDING) and in_flight:
        return  # its answer comes first
    if not r.deployment_id:
        turn.end(Outcome.CANCELLED, reason=f"Cancelled ({observation.signal}) before a deployment was created.")
    elif r.stage is Stage.FOLLOWING:
        _stop_for_cancel(turn)


def await_creation(turn: Turn) -> None:
    """After a signal CreateDeployment's answer is awaited for 3 s; then its marker is looked for."""
    r = turn.r
    if r.cancelled_at is not None and turn.asked(Create) and turn.now >= r.cancelled_at + ANSWER_GRACE * r.second:
        turn.set(doubtful=True)
        turn.to(Stage.FINDING)


def _stop_for_cancel(turn: Turn) -> None:
    r = turn.r
    policy = r.inputs.on_cancel
    if policy == "leave" or r.stop_sent:
        turn.set(cause=Cause.CANCELLED)
        if policy == "leave":
            turn.to(Stage.VERIFYING)
        return
    request_stop(turn, Cause.CANCELLED, "The job was cancelled", rollback=policy == "rollback", urgent=True)


def end_cancelled(turn: Turn, why: str) -> None:
    """Our time is up: say what is known, and leave the rest to the post step."""
    r = turn.r
    if r.command is Command.FINISH and not r.deployment_id:
        turn.end(
            Outcome.CANCELLED,
            reason=f"What became of deployment {r.subject or f'with id={r.marker_id}'} could not be found out ({why}).",
            remedy="Look in the deployment group whether it runs, and stop it; `ci-deploy status` says what is served.",
            rollback=Rollback.UNKNOWN,
            settled=False,
        )
        return
    if r.doubtful or turn.asked(Create):
        turn.end(
            Outcome.CANCELLED,
            reason=f"Cancelled ({why}) while the deployment was being created; whether it exists is not known.",
            remedy=f"Look in the group for a deployment whose description has id={r.marker_id}, and stop it.",
            rollback=Rollback.UNKNOWN,
            settled=False,
        )
        return
    if not r.deployment_id:
        turn.end(Outcome.CANCELLED, reason=f"Cancelled ({why}) before a deployment was created.")
        return
    over = r.deployment is not None and r.deployment.status.terminal
    left = r.inputs.on_cancel == "leave" and not (over or r.stop_sent)
    turn.end(
        Outcome.CANCELLED,
        reason=f"Cancelled ({why}); deployment {r.deployment_id} {_doing(r, left)}.",
        remedy=reattach_command(r),
        rollback=Rollback.UNKNOWN,
        settled=left,
    )


def _doing(r: Rollout, left: bool) -> str:
    if r.rollback_id:
        return f"is rolled back by {r.rollback_id}; what the alias serves was not read after that"
    if r.deployment is not None and r.deployment.status.terminal:
        return f"is {r.deployment.status}; what the alias serves was not read after that"
    if left:
        return "was left to itself (`on-cancel: leave`); what the alias serves was not read"
    return "was told to stop" if r.stop_sent else "is not stopped yet"
