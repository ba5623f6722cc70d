"""From a deployment that exists to one that is over, its automatic rollback included.

Polling never turns a success into a failure: looks that fail are counted and said, and only the time limit ends the
following (`lost-contact`, with the deployment left alone). A stop is asked for once and its answer told apart.
"""

from __future__ import annotations

from ... import schedule
from ...aws import (
    Alias,
    Deployment,
    DeploymentStatus,
    DeploymentTarget,
    EventStatus,
    RollbackEvent,
    Routing,
    RoutingType,
)
from ...change import replace
from ...errors import CiDeployError
from ...plan import whose
from ...reasons.ending.stopping import StrayedFromPlan
from ...reasons.ending.verdict import OffPlan
from ...run import Command
from ...story import events as e
from ...story.timeline import changes
from ..actions import Diagnose, Look, LookAlias
from ..rollout import Rollout, Turn, jittered, pause
from ..state.attempt.ending import Cause
from ..state.place import Stage
from . import guarding
from .looking import (
    LOOK_AT_MOST,
    ends_at,
    heartbeat_every,
    next_look,
    next_shift_at,
    surely_running,
    targets_matter,
    told,
)
from .stopping import STOP_TAKES, keep_time, request_stop, stop_again, stop_for_cancel

ROLLBACK_APPEARS_WITHIN = 60.0  # facts.md A7 [U]
_LOOKING = (Stage.FOLLOWING, Stage.ROLLBACK_DUE, Stage.FOLLOWING_ROLLBACK)

# --- Looking -----------------------------------------------------------------------------------------------------


def following(turn: Turn) -> None:
    r = turn.r
    if r.cancelled and r.cause is Cause.NONE:
        stop_for_cancel(turn)
    else:
        keep_time(turn)
    if turn.r.stage is Stage.FOLLOWING:
        stop_again(turn)
        _look(turn, turn.r.deployment_id)
        guarding.measure(turn)
        _heartbeat(turn)


def following_rollback(turn: Turn) -> None:
    r = turn.r
    assert r.watch.until is not None
    if turn.now >= r.watch.until:
        turn.to(Stage.VERIFYING)
        return
    _look(turn, r.rollback_id)
    _heartbeat(turn)


def rollback_due(turn: Turn) -> None:
    """CodeDeploy makes the rollback a moment after the end of the deployment (facts.md A7), if it makes one."""
    r = turn.r
    within = ROLLBACK_APPEARS_WITHIN if rollback_expected(r) else ROLLBACK_APPEARS_WITHIN / 4
    silent = r.contact.failures > 0 and turn.now - r.place.since < STOP_TAKES
    if turn.now - r.place.since >= within and not silent and not turn.asked(Look):
        turn.to(Stage.VERIFYING)
        return
    _look(turn, r.deployment_id)


def _look(turn: Turn, deployment_id: str) -> None:
    r = turn.r
    if not turn.asked(Look) and turn.due(together=True):
        _ask_look(turn, deployment_id, with_targets=targets_matter(r, turn.now))


def _ask_look(turn: Turn, deployment_id: str, *, with_targets: bool) -> None:
    running = surely_running(turn.r, deployment_id, turn.now) if with_targets else ()
    turn.put(turn.r.contact.look(turn.now, targets=with_targets, status=not running))
    wanted = frozenset({deployment_id} if with_targets else ())
    turn.ask(Look(key=turn.r.key, ids=(deployment_id,), with_targets=wanted, running=running))


def looked(turn: Turn, action: Look, snapshots: tuple[Deployment, ...]) -> None:
    r = turn.r
    if r.contact.failures:
        turn.say(e.ContactRestored(at=turn.now, key=turn.r.key, failures=r.contact.failures))
    turn.put(turn.r.contact.heard(turn.now))
    by_id = {snapshot.id: snapshot for snapshot in snapshots}
    if r.stage is Stage.FOLLOWING_ROLLBACK:
        _saw_rollback(turn, by_id.get(r.rollback_id))
    elif r.stage in (Stage.FOLLOWING, Stage.ROLLBACK_DUE):
        _saw_deployment(turn, by_id.get(r.deployment_id), r.deployment_id in action.with_targets)
    else:
        return  # it came too late
    if turn.r.stage is r.stage:
        turn.put(turn.r.place.act(next_look(turn.r, turn.now, turn.last_shift)))
        if r.stage is Stage.FOLLOWING and r.deployment_id in action.with_targets:
            _ask_alias(turn)


def _saw_deployment(turn: Turn, snapshot: Deployment | None, with_targets: bool) -> None:
    if snapshot is None:
        return  # created a moment ago and not visible everywhere yet
    if _is_not_as_planned(turn, snapshot):
        return
    snapshot = _named(turn.r, snapshot)
    _complete_plan(turn, snapshot)
    r = turn.r
    if r.stage is Stage.FOLLOWING:
        unseen = snapshot.status is not DeploymentStatus.SUCCEEDED or len(r.part.siblings) <= LOOK_AT_MOST
        if snapshot.status.terminal and not with_targets and unseen:
            # Over: look once more, with the lifecycle, so that people read the events in their order.
            _ask_look(turn, snapshot.id, with_targets=True)
            return
        seen = _told(turn, r.deployment, snapshot, of_rollback=False)
        turn.put(turn.r.seen.saw(seen))
        if snapshot.status.terminal:
            _over(turn)
    else:
        turn.put(turn.r.seen.saw(_keeping_targets(snapshot, r.deployment)))
        if snapshot.rollback_id:
            _rollback_appeared(turn, snapshot)


def _named(r: Rollout, snapshot: Deployment) -> Deployment:
    """What CodeDeploy leaves out of a deployment that is ours (facts.md G19) is what was planned."""
    made = r.planned
    planned = DeploymentTarget(
        target_id="",
        function=r.function,
        alias=r.inputs.alias,
        current_version=made.current_version,
        target_version=made.target_version,
    )
    return whose.followed(snapshot, planned)


def _is_not_as_planned(turn: Turn, snapshot: Deployment) -> bool:
    """The first look at a deployment of ours compares it with the plan: what shifts something else is stopped at once.

    Whoever can write to the bucket could have changed the AppSpec between its upload and the creation.
    """
    r = turn.r
    if r.watch.attached or not snapshot.targets or r.stage is not Stage.FOLLOWING or r.ending.sent:
        return False
    planned = _named(r, replace(snapshot, targets=snapshot.targets[:1])).targets or ()
    (seen,) = planned
    # A version that CodeDeploy does not name is no other one.
    as_planned = seen.target_version == r.target_version and seen.current_version in ("", r.previous_version)
    if as_planned and isinstance(whose.whose(snapshot, r.function, r.inputs.alias), whose.Ours | whose.Unknown):
        return False
    turn.warn(
        OffPlan(
            deployment=snapshot.id,
            shifts=(f"{seen.function}:{seen.alias}", seen.current_version, seen.target_version),
            planned=(r.key, r.previous_version, r.target_version),
        )
    )
    turn.put(turn.r.seen.saw(snapshot))
    request_stop(turn, Cause.NOT_AS_PLANNED, StrayedFromPlan(deployment=snapshot.id), rollback=True)
    return True


def _complete_plan(turn: Turn, snapshot: Deployment) -> None:
    """What an attached deployment does may be known only now: before it starts it has no target."""
    r = turn.r
    target = snapshot.target_of(r.function, r.inputs.alias)
    if target is None or r.target_version:
        return
    current = target.current_version or r.previous_version
    turn.put(turn.r.decision.complete(target.target_version, current))


def _keeping_targets(snapshot: Deployment, before: Deployment | None) -> Deployment:
    return replace(snapshot, targets=before.targets) if snapshot.targets is None and before else snapshot


def _told(turn: Turn, before: Deployment | None, snapshot: Deployment, *, of_rollback: bool) -> Deployment:
    """Say what is new in a snapshot; returns it with the last known targets if it came without."""
    r = turn.r
    now = _keeping_targets(snapshot, before)
    target = now.target_of(r.function, r.inputs.alias)
    _follow_events(turn, now, target)
    news = list(
        changes(
            before,
            now,
            function=r.function,
            alias=r.inputs.alias,
            at=turn.now,
            key=r.key,
            declared=frozenset() if of_rollback else r.planned.hook_events,
            declared_by_us=not (of_rollback or r.watch.attached),
            of_rollback=of_rollback,
        )
    )
    # In the order in which it happened: traffic has shifted before its lifecycle event is over, and after it began.
    place = next((number for number, event in enumerate(news) if _shift_over(event)), len(news))
    turn.events += news[:place]
    _traffic(turn, now, target, of_rollback)
    turn.events += news[place:]
    if news:
        turn.told()
    return now


def _shift_over(event: e.Event) -> bool:
    return isinstance(event, e.LifecycleChanged) and event.event.name == "AllowTraffic" and event.status.terminal


def _follow_events(turn: Turn, deployment: Deployment, target: DeploymentTarget | None) -> None:
    """Remember which lifecycle event runs, and when (on our clock) traffic began to shift."""
    r = turn.r
    running = next(
        (event for event in (target.events if target else ()) if event.status is EventStatus.IN_PROGRESS), None
    )
    name = running.name if running else ""
    if name != r.watch.event:
        turn.put(turn.r.watch.enter(name, turn.now))
    if running is None or running.name != "AllowTraffic" or r.stage is not Stage.FOLLOWING:
        return
    began = turn.now
    if running.start is not None and not r.watch.attached:
        # Both stamps are AWS's; our clock comes in only through the moment of creation, or that of an answer.
        zero = deployment.create_time - r.watch.began if deployment.create_time else guarding.epoch(r)
        began = turn.now if zero is None else min(turn.now, running.start - zero)
    if r.watch.shift_began is None:
        turn.put(turn.r.watch.shifts_since(began, guessed=r.watch.attached and r.deployment is None))
    elif began < r.watch.shift_began:
        turn.put(turn.r.watch.shifts_since(began, guessed=r.watch.guessed))


def _traffic(turn: Turn, deployment: Deployment, target: DeploymentTarget | None, of_rollback: bool) -> None:
    """Say the new share of traffic, if there is one."""
    r = turn.r
    if target is None:
        return
    routing = Routing(kind=RoutingType.ALL_AT_ONCE) if of_rollback else r.planned.routing
    share = schedule.percent(target.raw_weight)
    if of_rollback and target.target_version != r.previous_version and target.current_version == r.previous_version:
        share = 100.0 - share  # [U] a rollback that names the versions as the deployment did
        new = target.current_version
    else:
        new = target.target_version
    old = r.target_version if of_rollback else target.current_version
    new_share = share if not of_rollback else 100.0 - share
    # A rollback that has not shifted yet says nothing of what is served: that is where the deployment had left it.
    if new_share == r.watch.share or share == 0.0:
        return
    if r.watch.shift_began is not None:
        reached = next(step.offset for step in schedule.steps(routing) if step.share >= share - 1e-6)
        turn.put(turn.r.watch.shifts_since(min(r.watch.shift_began, turn.now - reached), guessed=r.watch.guessed))
    turn.put(turn.r.watch.shifted(new_share))
    shares = {version: part for version, part in ((old, 100.0 - share), (new, share)) if part > 0 and version}
    turn.say(
        e.TrafficShifted(
            at=turn.now,
            key=turn.r.key,
            deployment_id=deployment.id,
            shares=shares,
            next_shift_at=told(turn.r, next_shift_at),
            ends_at=told(turn.r, ends_at),
            of_rollback=of_rollback,
        )
    )


def _ask_alias(turn: Turn) -> None:
    """Where no target can be read, what the alias serves is the only news of the traffic."""
    r = turn.r
    if r.deployment is None or r.deployment.status is not DeploymentStatus.IN_PROGRESS or turn.asked(LookAlias):
        return
    target = r.deployment.target_of(r.function, r.inputs.alias)
    if target is None or target.status is EventStatus.UNKNOWN:
        turn.ask(LookAlias(key=r.key, function=r.function, alias=r.inputs.alias))


def saw_alias(turn: Turn, alias: Alias | None) -> None:
    r = turn.r
    if alias is None:
        return
    share = alias.shares.get(r.target_version, 0.0)
    if share in (r.watch.share, 0.0):
        return
    turn.put(turn.r.watch.shifted(share))
    turn.say(
        e.TrafficShifted(
            at=turn.now,
            key=turn.r.key,
            deployment_id=r.deployment_id,
            shares=dict(alias.shares),
            next_shift_at=told(turn.r, next_shift_at),
            ends_at=told(turn.r, ends_at),
        )
    )


def look_failed(turn: Turn, error: CiDeployError) -> None:
    """The deployment continues, and so do we: try again, ever more slowly, until the time limit."""
    r = turn.r
    if r.stage not in _LOOKING:
        return  # it came too late
    turn.put(turn.r.contact.missed(error.what))
    failures = turn.r.contact.failures
    if failures & (failures - 1) == 0:  # 1st, 2nd, 4th, 8th, …: said, not repeated
        turn.say(
            e.ContactTroubled(at=turn.now, key=turn.r.key, error=error.what, failures=failures, until=r.watch.until)
        )
    wait = pause(failures, most=r.grace.second if r.cancelled else 30.0)
    turn.put(turn.r.place.act(turn.now + jittered(wait, r.marker_id, failures)))


def _heartbeat(turn: Turn) -> None:
    r = turn.r
    if turn.now - r.place.said_at < heartbeat_every(r) or r.contact.failures:
        return
    what = "the rollback" if r.rollback_id else "the deployment"
    current = {r.previous_version: 100.0 - r.watch.share, r.target_version: r.watch.share}
    turn.say(
        e.Heartbeat(
            at=turn.now,
            key=turn.r.key,
            what=r.watch.event or what,
            shares={version: part for version, part in current.items() if part > 0 and version},
            next_shift_at=told(r, next_shift_at),
            ends_at=told(r, ends_at),
        )
    )


# --- The end of the deployment, and its rollback -----------------------------------------------------------------


def _over(turn: Turn) -> None:
    r = turn.r
    deployment = r.deployment
    assert deployment is not None
    if deployment.status is DeploymentStatus.SUCCEEDED:
        turn.to(Stage.VERIFYING)
        return
    if r.cause in (Cause.NONE, Cause.HOOK_TIMEOUT, Cause.GUARD):
        # That we stopped it explains nothing: then the hook is what is asked about.
        subject = replace(deployment, error_code="") if r.cause is Cause.HOOK_TIMEOUT else deployment
        why = guarding.violation(r) if r.cause is Cause.GUARD else None
        turn.ask(
            Diagnose(key=r.key, deployment=subject, plan=r.planned, logs=r.quotes_logs, region=r.where.region, why=why)
        )
    turn.to(Stage.ROLLBACK_DUE, after=1.0)
    if deployment.rollback_id:
        _rollback_appeared(turn, deployment)


def rollback_expected(r: Rollout) -> bool:
    """Whether a rollback was configured for this kind of end, or asked for with the stop."""
    deployment = r.deployment
    assert deployment is not None
    if deployment.rollback_id:
        return True
    if deployment.error_code == "MANUAL_STOP" and (r.ending.sent or r.command is Command.FINISH):  # by us, or by main
        return r.ending.rollback  # the stop says it, whatever the group says
    if r.ending.heard and r.ending.rollback:
        return True  # it ended by itself before the stop had its effect, which CodeDeploy had promised
    events = r.planned.rollback_events
    if deployment.error_code == "ALARM_ACTIVE":
        return RollbackEvent.ALARM in events
    if deployment.status is DeploymentStatus.STOPPED:
        return RollbackEvent.STOP_REQUEST in events
    return RollbackEvent.FAILURE in events


def _rollback_appeared(turn: Turn, deployment: Deployment) -> None:
    limit = max(turn.r.planned.timeout, STOP_TAKES)
    turn.put(turn.r.watch.rollback_appeared(deployment.rollback_id, turn.now + limit))
    turn.to(Stage.FOLLOWING_ROLLBACK)
    turn.say(
        e.RollbackStarted(
            at=turn.now,
            key=turn.r.key,
            deployment_id=deployment.rollback_id,
            rollback_of=deployment.id,
            console_url=turn.url(deployment.rollback_id),
        )
    )


def _rollback_named(r: Rollout, snapshot: Deployment) -> Deployment:
    """Its versions are not documented (facts.md E); who it is of is known."""
    own = DeploymentTarget(
        target_id="", function=r.function, alias=r.inputs.alias, current_version="", target_version=r.previous_version
    )
    return whose.followed(snapshot, own)


def _saw_rollback(turn: Turn, snapshot: Deployment | None) -> None:
    r = turn.r
    if snapshot is None:
        return
    seen = _told(turn, r.seen.rollback, _rollback_named(r, snapshot), of_rollback=True)
    turn.put(turn.r.seen.saw_rollback(seen))
    if snapshot.status.terminal:
        turn.to(Stage.VERIFYING)
