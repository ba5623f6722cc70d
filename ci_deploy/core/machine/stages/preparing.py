"""From nothing to a deployment that exists: facts, decision, revision, creation (publishing.py makes the version).

Creation is never repeated blindly (facts.md A3: no idempotency token). While it is in doubt whether a call had its
effect, the marker is looked for first; the group's limit of one active deployment guards what remains.
"""

from __future__ import annotations

import math

from ... import hold as holds
from ... import marker as markers
from ...aws import CreateRequest, Deployment, DeploymentStatus, InlineContent, Revision, S3Location
from ...errors import CiDeployError, ErrorKind
from ...given.files import appspec as appspecs
from ...marker import Marker
from ...plan.planning import Facts, Plan, appspec_of, marker_key, plan
from ...plan.surroundings import bucket_owner
from ...plan.whose import Others, Ours, whose
from ...reasons.ending import deploying as why
from ...reasons.ending.stopping import Superseded
from ...reasons.preflight import deciding as waits
from ...run import Command, Outcome, Rollback
from ...story import events as e
from ..actions import Create, Find, Gather, Look, Stop, Tag, Upload
from ..rollout import Rollout, Turn, kind_of
from ..state.place import Stage
from .looking import first_look
from .updating import warn_of_foreign_object

# How long we insist, in seconds of the product's clock.
CREATE_FOR = 300.0  # creation that is throttled
A_MOMENT = 0.001  # so that a stage acts in a step of its own
FIND_FOR = 600.0  # an answer that was lost, while AWS cannot be reached
PATIENCE = 120  # failed looks in a row, half a minute apart: about an hour without an answer
RACES = 3  # creations that are refused for a deployment which nobody sees, before it is not the group's limit
# A conflicting deployment, when no timeout is given and ours would be shorter; the account's limit, without a timeout.
WAIT_FOR = 3600.0

# --- Facts and decision ------------------------------------------------------------------------------------------


def _facts(r: Rollout) -> Facts:
    """What was gathered: everything here is after that."""
    assert r.facts is not None, f"{r.stage} before anything was gathered"
    return r.facts


def gathering(turn: Turn) -> None:
    r = turn.r
    if not turn.asked(Gather) and turn.due():
        turn.ask(
            Gather(
                key=r.key,
                inputs=r.inputs,
                run_id=r.context.run_id,
                subject=r.job.subject,
                marker_id=r.marker_id if r.job.search else "",
                brief=r.undone is not None,  # a rollback waits for no package
                refused=r.wait.refused > 0,
            )
        )


# --- Another deployment of the group is running ------------------------------------------------------------------


def is_rollback(deployment: Deployment) -> bool:
    marker = markers.parse(deployment.description)
    return deployment.automatic_rollback or (marker is not None and marker.kind == "rollback")


def of_this_release(r: Rollout, other: Deployment) -> bool:
    """Whether a running deployment is this very release's, of another function in the same group.

    CodeDeploy's own rollback of one is, too: it carries no marker, and names what it rolls back.
    """
    facts = _facts(r)
    described = [other, *(one for one in (*facts.active, *facts.recent) if one.id == other.rollback_of)]
    found = [markers.parse(one.description) for one in described]
    return any(marker is not None and marker.id in r.part.siblings for marker in found)


def give_way(turn: Turn, made: Plan, other: Deployment, policy: str) -> None:
    """Conflict: wait for it, fail, or supersede it.

    A rollback in progress is never superseded, and neither is what is not known to be of this function and alias: the
    group's last revision is what CodeDeploy would roll back to, whoever's it is.
    """
    r = turn.r
    owner = whose(other, r.function, r.inputs.alias)
    whose_it_is = f"{owner.function}:{owner.alias}" if isinstance(owner, Others) else ""

    def occupied(reason: type[waits.Occupied]) -> waits.Occupied:
        return reason(deployment=other.id, group=made.group, other=whose_it_is, rollback=is_rollback(other))

    if of_this_release(r, other):
        policy = "wait"
    if policy == "fail":
        turn.end(Outcome.REFUSED, occupied(waits.GroupBusy))
        return
    until = None  # functions of a release take turns in their group; each of them ends by its own time limit
    if not of_this_release(r, other):
        until = r.wait.until or turn.now + (r.inputs.timeout or max(made.timeout, WAIT_FOR))
    if until is not None and turn.now >= until:
        turn.end(Outcome.REFUSED, occupied(waits.GroupBusyTooLong))
        return
    fresh = other.id != r.wait.other
    turn.put(turn.r.wait.give_way(other.id, until))
    turn.to(Stage.WAITING, after=2.0)
    if policy == "supersede" and isinstance(owner, Ours):
        _supersede(turn, owner)
    if fresh:
        turn.say(
            e.Waiting(
                at=turn.now,
                key=turn.r.key,
                what=occupied(waits.WaitingForGroup),
                deployment_id=other.id,
                until=until,
            )
        )


def _supersede(turn: Turn, found: Ours) -> None:
    r, other = turn.r, found.deployment
    if not is_rollback(other) and other.id not in r.wait.superseded:
        turn.put(turn.r.wait.supersede(other.id))
        turn.say(
            e.StopRequested(
                at=turn.now, key=turn.r.key, deployment_id=other.id, rollback=True, why=Superseded(of=r.key)
            )
        )
        turn.ask(Stop(key=r.key, deployment_id=other.id, rollback=True))


def waiting(turn: Turn) -> None:
    r = turn.r
    if not turn.asked(Look) and turn.due():
        turn.ask(Look(key=r.key, ids=(r.wait.other,), with_targets=frozenset()))


def waited(turn: Turn, action: Look, snapshots: tuple[Deployment, ...]) -> None:
    """Look at the conflicting deployment; when it is over everything is read and decided anew."""
    r = turn.r
    if r.wait.other not in action.ids:
        return  # asked for before something else was waited for
    other = next((snapshot for snapshot in snapshots if snapshot.id == r.wait.other), None)
    if other is not None and not other.status.terminal:
        until = r.wait.until if r.wait.until is not None else math.inf
        if turn.now >= until:
            turn.to(Stage.GATHERING)  # decides that it took too long
            return
        turn.put(turn.r.place.pause(min(until, turn.now + min(15.0, max(2.0, (turn.now - r.place.since) / 4)))))
        return
    # What ended badly is usually followed by a rollback deployment a moment later.
    good = other is not None and other.status is DeploymentStatus.SUCCEEDED
    turn.to(Stage.GATHERING, after=0.5 if good else 5.0)


# --- The hold ----------------------------------------------------------------------------------------------------


def holding(turn: Turn) -> None:
    """Set or release the function's hold, then decide anew; a rescue does not fail for want of it."""
    r = turn.r
    if turn.asked(Tag) or not turn.due():
        return
    latest = _facts(r).latest
    assert latest is not None, "a hold on a function that does not exist"
    text = holds.value(r.context, r.reason) if r.inputs.hold == "set" else None
    arn = latest.arn.removesuffix(":$LATEST")
    turn.ask(Tag(key=r.key, function_arn=arn, name=holds.tag(r.inputs.alias), value=text))


def held(turn: Turn, action: Tag) -> None:
    r = turn.r
    if r.stage is not Stage.HOLDING:
        return
    turn.put(turn.r.decision.hold_done())
    turn.say(e.HoldChanged(at=turn.now, key=turn.r.key, text=action.value or ""))
    turn.to(Stage.GATHERING)


def not_held(turn: Turn, action: Tag, error: CiDeployError) -> None:
    r = turn.r
    if r.stage is not Stage.HOLDING:
        return
    if _transient(error) and r.place.tries < 5:
        turn.retry()
    elif action.value is None:
        turn.fail(error)
    else:
        turn.put(turn.r.decision.hold_done())
        turn.warn(why.HoldNotSet(problem=error.what, advice=error.remedy))
        turn.to(Stage.GATHERING)


# --- Revision ----------------------------------------------------------------------------------------------------


def write_appspec(turn: Turn, made: Plan) -> None:
    """The version is ready: write down what is to be done."""
    text = appspecs.write(appspec_of(made))
    r = turn.r
    kind = "rollback" if made.reverses else "deploy"
    marker = Marker(
        id=r.marker_id,
        key=marker_key(r.inputs.command, _unbound(r, made)),
        run_id=r.context.run_id,
        attempt=r.context.run_attempt,
        step=r.context.step,
        sha=r.context.commit,
        kind=kind,
        by=r.context.actor if made.reverses else "",
        reason=r.reason,
    )
    turn.put(turn.r.creation.write(text, appspecs.sha256(text), marker))
    turn.to(Stage.STORING)


def _unbound(r: Rollout, made: Plan) -> Plan:
    """The plan as it was before a version was published for it: what a re-run will compute its key from."""
    return made if made.reverses else plan(r.inputs, _facts(r))


def storing(turn: Turn) -> None:
    r = turn.r
    made = r.planned
    if not made.bucket:
        stored(turn, InlineContent(content=r.creation.appspec, sha256=r.creation.sha256))
    elif not turn.asked(Upload):
        turn.ask(
            Upload(
                key=r.key,
                bucket=made.bucket,
                path=_appspec_key(r),
                content=r.creation.appspec,
                owner=bucket_owner(r.inputs, _facts(r).identity),
                # CodeDeploy's managed service role reads `CodeDeploy/` or what carries this tag (facts.md A2).
                tag=made.prefix.split("/")[0] != "CodeDeploy",
            )
        )


def _appspec_key(r: Rollout) -> str:
    made = r.planned
    return f"{made.prefix}/{made.function}/{made.alias}/{r.creation.sha256}.json"


def stored(turn: Turn, revision: Revision) -> None:
    r = turn.r
    if r.stage is not Stage.STORING:
        return
    if isinstance(revision, S3Location):
        warn_of_foreign_object(turn, revision, _appspec_key(r))
    turn.put(turn.r.creation.store(revision))
    turn.say(
        e.RevisionStored(
            at=turn.now, key=turn.r.key, location=str(revision), sha256=r.creation.sha256, content=r.creation.appspec
        )
    )
    _announce(turn)


# --- Creation ----------------------------------------------------------------------------------------------------


def not_stored(turn: Turn, error: CiDeployError) -> None:
    """The AppSpec could not be stored: a way back needs no bucket, for its AppSpec can be sent with the creation."""
    r = turn.r
    if r.stage is not Stage.STORING:
        return
    if not r.planned.reverses:
        turn.fail(error)
        return
    turn.warn(why.AppSpecNotStored(problem=error.what, advice=error.remedy))
    stored(turn, InlineContent(content=r.creation.appspec, sha256=r.creation.sha256))


def _announce(turn: Turn) -> None:
    """Say the marker one step before the creation goes out, so that it is written down whatever kills us then."""
    r = turn.r
    turn.say(
        e.Creating(
            at=turn.now,
            key=turn.r.key,
            application=r.planned.application,
            group=r.planned.group,
            marker_id=r.marker_id,
            current_version=r.previous_version,
            target_version=r.target_version,
        )
    )
    turn.to(Stage.CREATING, after=A_MOMENT)


def creating(turn: Turn) -> None:
    r = turn.r
    if turn.asked(Create):
        return
    if r.cancelled and (r.creation.calls or r.part.ends is not Outcome.CANCELLED):
        turn.to(Stage.FINDING)  # an earlier one is in doubt; there is no further one after a signal
        return
    if not turn.due():
        return
    made = r.planned
    assert r.creation.revision is not None, "a creation before its revision is stored"
    assert r.creation.marker is not None, "a creation without a marker"
    turn.put(turn.r.creation.sent())
    turn.ask(
        Create(
            key=r.key,
            request=CreateRequest(
                application=made.application,
                group=made.group,
                function=made.function,
                revision=r.creation.revision,
                description=markers.write(r.creation.marker),
                config_name=made.config_name,
                auto_rollback=made.auto_rollback,
                override_alarms=made.override_alarms,
            ),
        )
    )


def created(turn: Turn, deployment_id: str) -> None:
    r = turn.r
    if r.stage not in (Stage.CREATING, Stage.FINDING):
        return
    follow(turn, deployment_id)


def not_created(turn: Turn, error: CiDeployError) -> None:
    """CreateDeployment failed: what that means depends on whether it can have had an effect."""
    r = turn.r
    if r.stage is not Stage.CREATING:
        return
    kind = kind_of(error)
    if kind is ErrorKind.UNREACHABLE:
        turn.put(turn.r.creation.in_doubt(error))
        turn.to(Stage.FINDING, after=1.0)
    elif kind in (ErrorKind.THROTTLED, ErrorKind.EXPIRED) and turn.now - r.place.since < CREATE_FOR and not r.cancelled:
        turn.retry()
    elif r.cancelled and not r.creation.doubtful:
        turn.end(Outcome.CANCELLED, why.CancelledBefore(), error.reason)
    elif kind is ErrorKind.CONFLICT:
        _conflict(turn, error)
    elif kind is ErrorKind.DENIED and r.planned.reverses and r.planned.override_alarms is not None:
        # Ringing alarms must not block a rescue, and neither must the permission to silence them.
        turn.warn(why.AlarmsStayOn(problem=error.what, advice=error.remedy))
        turn.put(turn.r.decision.keep_alarms())
    elif r.creation.doubtful:
        turn.to(Stage.FINDING, after=1.0)
    else:
        turn.fail(error)


def _conflict(turn: Turn, error: CiDeployError) -> None:
    """Another deployment holds the group, or it is ours whose answer was lost."""
    r = turn.r
    if r.creation.doubtful:
        turn.to(Stage.FINDING, after=0.5)
    elif r.wait.refused < RACES:
        turn.put(turn.r.wait.was_refused())
        turn.to(Stage.GATHERING, after=2.0)
    else:
        _await_place(turn, error)


def _await_place(turn: Turn, error: CiDeployError) -> None:
    """Refused over and over though nothing is active in the group: the account has as many deployments as it may.

    Others of them end, so this waits, ever more patiently. Nothing is read again: CurrentVersion guards the creation.
    """
    r = turn.r
    until = r.place.since + (r.inputs.timeout or WAIT_FOR)
    if turn.now >= until:
        turn.fail(error)
        return
    if r.wait.refused == RACES:
        turn.put(turn.r.wait.was_refused())
        turn.say(
            e.Waiting(at=turn.now, key=turn.r.key, what=waits.WaitingForAccount(group=r.planned.group), until=until)
        )
    turn.retry(base=5.0, most=60.0)


def finding(turn: Turn) -> None:
    r = turn.r
    if not turn.asked(Find) and turn.due():
        made = r.planned
        turn.ask(Find(key=r.key, application=made.application, group=made.group, marker_id=r.marker_id))


def found(turn: Turn, deployment: Deployment | None) -> None:
    """The search for our marker: found it is followed; not found four times, and not on its way, it was not created."""
    r = turn.r
    if r.stage is not Stage.FINDING:
        return
    if deployment is not None:
        attach(turn, deployment, attached=False)
    elif r.place.tries < 3 or turn.asked(Create):
        turn.retry()
    elif r.cancelled or r.creation.calls >= 4:
        lost = (r.creation.lost.reason,) if r.creation.lost else ()
        turn.put(turn.r.creation.settled())
        turn.end(Outcome.CANCELLED if r.cancelled else Outcome.ERROR, why.NotCreated(), *lost)
    else:
        _announce(turn)


def not_found(turn: Turn, error: CiDeployError) -> None:
    r = turn.r
    if r.stage is not Stage.FINDING:
        return
    if _transient(error) and turn.now - r.place.since < FIND_FOR:
        turn.retry()
        return
    turn.end(
        Outcome.LOST_CONTACT,
        why.CreationInDoubt(application=r.planned.application, group=r.planned.group, marker=r.marker_id),
        error.reason,
        rollback=Rollback.UNKNOWN,
    )


# --- Following begins --------------------------------------------------------------------------------------------


def attach(turn: Turn, deployment: Deployment, *, attached: bool = True) -> None:
    """Follow a deployment that exists already."""
    follow(turn, deployment.id, attached=attached)


def follow(turn: Turn, deployment_id: str, *, attached: bool = False) -> None:
    know(turn, deployment_id, attached=attached)
    r = turn.r
    if not r.inputs.wait and not r.cancelled:
        turn.end(Outcome.DETACHED, why.NotWaitedFor(deployment=deployment_id, where=r.where))
        return
    turn.to(Stage.FOLLOWING, after=first_look(turn.r, turn.now) - turn.now)


def know(turn: Turn, deployment_id: str, *, attached: bool) -> None:
    """This is the deployment: from here on it is what the run is about."""
    r, made = turn.r, turn.r.planned
    until = turn.now + made.timeout - r.smoke.took
    turn.put(turn.r.watch.begin(deployment_id, turn.now, until, attached=attached))
    turn.put(turn.r.contact.begin(turn.now))
    turn.put(turn.r.creation.settled())
    turn.put(turn.r.wait.over())
    turn.put(turn.r.reading.forget())
    turn.say(
        e.DeploymentStarted(
            at=turn.now,
            key=turn.r.key,
            deployment_id=deployment_id,
            console_url=turn.url(deployment_id),
            application=made.application,
            group=made.group,
            current_version=r.previous_version,
            target_version=r.target_version,
            attached=attached,
            reverses=made.reverses,
            # Of what exists already it is how long we would look: hooks that it may not have are counted in.
            until=None if made.found and not r.inputs.timeout else until,
        )
    )


def failed(turn: Turn, action: object, error: CiDeployError) -> None:
    """What failing means for each action of this part; transient failures are repeated inside their bounds."""
    r, transient = turn.r, _transient(error)
    match action:
        case Gather() if r.stage is Stage.GATHERING and transient and r.command is Command.FINISH:
            turn.retry(base=2.0)  # nobody comes after the post step: it tries as long as it may live
        case Gather() if r.stage is Stage.GATHERING:
            turn.fail(error)  # the reads were repeated already, by the reading policy
        case Upload():
            not_stored(turn, error)
        case Create():
            not_created(turn, error)
        case Find():
            not_found(turn, error)
        case Look():
            waits = r.place.tries < PATIENCE if r.wait.until is None else turn.now < r.wait.until
            if transient and waits:
                turn.retry(base=2.0)
            else:
                turn.fail(error)
        case Stop():
            if transient and r.stage is Stage.WAITING:
                turn.put(turn.r.wait.spare(action.deployment_id))
                turn.to(Stage.GATHERING, after=2.0)  # where it is decided anew whom to stop
            else:
                turn.say(
                    e.StopAnswered(
                        at=turn.now,
                        key=turn.r.key,
                        deployment_id=action.deployment_id,
                        status="refused",
                        message=error.what,
                    )
                )


def _transient(error: CiDeployError) -> bool:
    kind = kind_of(error)
    return kind is not None and kind.transient
