"""From nothing to a deployment that exists: facts, decision, version, revision, creation.

Creation is never repeated blindly (facts.md A3: no idempotency token). While it is in doubt whether a call had its
effect, the marker is looked for first; the group's limit of one active deployment guards what remains.
"""

from __future__ import annotations

from . import appspec as appspecs
from . import events as e
from . import marker as markers
from .actions import Create, Find, Gather, Look, LookVersion, Publish, Stop, Upload
from .errors import AwsError, CiDeployError, ErrorKind
from .marker import Marker
from .model import (
    CreateRequest,
    Deployment,
    DeploymentStatus,
    FunctionVersion,
    InlineContent,
    Outcome,
    Revision,
    Rollback,
)
from .planning import Plan, appspec_of, bind, marker_key, plan
from .rollout import Rollout, Stage, Turn, kind_of

# How long we insist, in seconds of the product's clock.
BUSY_FOR = 300.0  # a function whose update is in progress (Lambda: seconds; with a VPC or an image minutes)
ACTIVE_FOR = 26 * 60.0  # a new version that is pending; botocore's own waiter gives it as long (facts.md A12)
CREATE_FOR = 300.0  # creation that is throttled
FIND_FOR = 600.0  # an answer that was lost, while AWS cannot be reached
ROLLBACK_APPEARS_WITHIN = 60.0  # facts.md A7 [U]
WAIT_FOR = 3600.0  # a conflicting deployment, when no timeout is given and ours would be shorter

# --- Facts and decision ------------------------------------------------------------------------------------------


def gathering(turn: Turn) -> None:
    r = turn.r
    if not turn.asked(Gather) and turn.due():
        turn.ask(
            Gather(
                key=r.key,
                inputs=r.inputs,
                run_id=r.context.run_id,
                subject=r.subject,
                marker_id=r.marker_id if r.search else "",
            )
        )


# --- Another deployment of the group is running ------------------------------------------------------------------


def is_rollback(deployment: Deployment) -> bool:
    marker = markers.parse(deployment.description)
    return deployment.automatic_rollback or (marker is not None and marker.kind == "rollback")


def give_way(turn: Turn, made: Plan, other: Deployment, policy: str) -> None:
    """Conflict: wait for it, fail, or supersede it; a rollback in progress is never superseded."""
    r = turn.r
    what = f"Deployment {other.id} is running in group `{made.group}`" + (" (a rollback)" if is_rollback(other) else "")
    if policy == "fail":
        turn.end(
            Outcome.REFUSED,
            reason=f"{what}, and `on-conflict` is `fail`.",
            remedy="Run again when it is over, or use `on-conflict: wait`.",
        )
        return
    until = r.waiting_until
    if until is None:
        until = turn.now + max(made.timeout, 0.0 if r.inputs.timeout else WAIT_FOR)
    if turn.now >= until:
        turn.end(
            Outcome.REFUSED,
            reason=f"{what}, and is still running after the time to wait for it.",
            remedy="Look at that deployment; a longer `timeout` waits longer.",
        )
        return
    fresh = other.id != r.waiting_for
    turn.set(waiting_for=other.id, waiting_until=until, waited=True)
    turn.to(Stage.WAITING, after=2.0)
    if policy == "supersede" and not is_rollback(other) and other.id not in r.superseded:
        turn.set(superseded=r.superseded | {other.id})
        turn.say(e.StopRequested, deployment_id=other.id, rollback=True, why=f"{r.key} supersedes it")
        turn.ask(Stop(key=r.key, deployment_id=other.id, rollback=True))
    if fresh:
        turn.say(e.Waiting, what=f"{what}; waiting for its end", deployment_id=other.id, until=until)


def waiting(turn: Turn) -> None:
    r = turn.r
    if not turn.asked(Look) and turn.due():
        turn.ask(Look(key=r.key, ids=(r.waiting_for,), with_targets=frozenset()))


def waited(turn: Turn, snapshots: tuple[Deployment, ...]) -> None:
    """Look at the conflicting deployment; when it is over everything is read and decided anew."""
    r = turn.r
    other = next((snapshot for snapshot in snapshots if snapshot.id == r.waiting_for), None)
    turn.set(tries=0)
    if other is not None and not other.status.terminal:
        if r.waiting_until is not None and turn.now >= r.waiting_until:
            turn.to(Stage.GATHERING)  # decides that it took too long
            return
        turn.set(again_at=turn.now + min(15.0, max(2.0, (turn.now - r.since) / 4)))
        return
    # What ended badly is usually followed by a rollback deployment a moment later.
    good = other is not None and other.status is DeploymentStatus.SUCCEEDED
    turn.set(rounds=r.rounds + 1)
    turn.to(Stage.GATHERING, after=0.5 if good else 5.0)


# --- Version, revision -------------------------------------------------------------------------------------------


def publishing(turn: Turn) -> None:
    r = turn.r
    if r.plan is not None and not turn.asked(Publish) and turn.due():
        commit = f" from {r.context.commit[:12]}" if r.context.commit else ""
        by = f" ({r.context.repository})" if r.context.repository else ""
        turn.ask(Publish(key=r.key, plan=r.plan, description=f"ci-deploy{commit}{by}"[:256]))


def published(turn: Turn, version: FunctionVersion) -> None:
    r = turn.r
    if r.stage is not Stage.PUBLISHING or r.plan is None:
        return
    made = bind(r.plan, version)
    turn.set(plan=made)
    turn.say(e.VersionPublished, version=version.version, code_sha256=version.code_sha256)
    if version.version == made.current_version:
        reason = f"Lambda published nothing new: version {version.version} is served already."
        turn.end(Outcome.UNCHANGED, reason=reason)
        return
    bound(turn, made)


def bound(turn: Turn, made: Plan) -> None:
    """The plan names its version: wait until that is ready, or go on."""
    turn.set(plan=made)
    if made.new is not None and made.new.state == "Pending":
        turn.say(e.Waiting, what=f"Version {made.target_version} is being prepared by Lambda")
        turn.to(Stage.ACTIVATING, after=2.0)
        return
    _write_appspec(turn, made)


def activating(turn: Turn) -> None:
    r = turn.r
    if turn.now - r.since > ACTIVE_FOR:
        turn.end(Outcome.FAILED, reason=f"Version {r.target_version} is still pending after 26 minutes.")
    elif not turn.asked(LookVersion) and turn.due():
        turn.ask(LookVersion(key=r.key, function=r.function, version=r.target_version))


def looked_at_version(turn: Turn, version: FunctionVersion | None) -> None:
    r = turn.r
    if r.stage is not Stage.ACTIVATING or r.plan is None:
        return
    if version is not None and version.state == "Pending":
        turn.set(again_at=turn.now + 5.0, tries=0)
    elif version is None or version.state != "Active":
        state = version.state if version else "gone"
        why = f": {version.state_reason}" if version and version.state_reason else "."
        turn.end(Outcome.FAILED, reason=f"Version {r.target_version} became {state}{why} Nothing was deployed.")
    else:
        _write_appspec(turn, bind(r.plan, version))


def _write_appspec(turn: Turn, made: Plan) -> None:
    text = appspecs.write(appspec_of(made))
    r = turn.r
    kind = "rollback" if made.reverses else "deploy"
    marker = Marker(
        id=r.marker_id,
        key=marker_key(r.inputs.command, _unbound(r, made)),
        run_id=r.context.run_id,
        attempt=r.context.run_attempt,
        sha=r.context.commit,
        kind=kind,
        by=r.context.actor if made.reverses else "",
        reason=r.inputs.reason or "",
    )
    turn.set(plan=made, appspec=text, appspec_sha256=appspecs.sha256(text), marker=marker)
    turn.to(Stage.STORING)


def _unbound(r: Rollout, made: Plan) -> Plan:
    """The plan as it was before a version was published for it: what a re-run will compute its key from."""
    return plan(r.inputs, r.facts) if r.facts is not None and not made.reverses else made


def storing(turn: Turn) -> None:
    r = turn.r
    made, facts = r.plan, r.facts
    if made is None or facts is None:
        return
    if not made.bucket:
        stored(turn, InlineContent(content=r.appspec, sha256=r.appspec_sha256))
    elif not turn.asked(Upload) and turn.due():
        turn.ask(
            Upload(
                key=r.key,
                bucket=made.bucket,
                path=f"{made.prefix}/{made.function}/{made.alias}/{r.appspec_sha256}.json",
                content=r.appspec,
                account=facts.identity.account,
                # CodeDeploy's managed service role reads `CodeDeploy/` or what carries this tag (facts.md A2).
                tag=made.prefix.split("/")[0] != "CodeDeploy",
            )
        )


def stored(turn: Turn, revision: Revision) -> None:
    r = turn.r
    if r.stage is not Stage.STORING:
        return
    turn.set(revision=revision)
    turn.say(e.RevisionStored, location=str(revision), sha256=r.appspec_sha256, content=r.appspec)
    turn.to(Stage.CREATING)


# --- Creation ----------------------------------------------------------------------------------------------------


def creating(turn: Turn) -> None:
    r = turn.r
    if r.plan is None or r.revision is None or r.marker is None:
        return
    if turn.asked(Create) or not turn.due():
        return
    turn.say(
        e.Creating,
        application=r.plan.application,
        group=r.plan.group,
        marker_id=r.marker_id,
        current_version=r.previous_version,
        target_version=r.target_version,
    )
    turn.set(creations=r.creations + 1)
    turn.ask(
        Create(
            key=r.key,
            request=CreateRequest(
                application=r.plan.application,
                group=r.plan.group,
                revision=r.revision,
                description=markers.write(r.marker),
                config_name=r.plan.config_name,
                auto_rollback=r.plan.auto_rollback,
                override_alarms=r.plan.override_alarms,
            ),
        )
    )


def created(turn: Turn, deployment_id: str) -> None:
    r = turn.r
    if r.stage not in (Stage.CREATING, Stage.FINDING) or r.deployment_id:
        return
    follow(turn, deployment_id)


def not_created(turn: Turn, error: CiDeployError) -> None:
    """CreateDeployment failed: what that means depends on whether it can have had an effect."""
    r = turn.r
    if r.stage is not Stage.CREATING:
        return
    kind = kind_of(error)
    if kind is ErrorKind.UNREACHABLE:
        turn.set(doubtful=True)
        turn.to(Stage.FINDING, after=1.0)
    elif kind in (ErrorKind.THROTTLED, ErrorKind.EXPIRED) and turn.now - r.since < CREATE_FOR and not r.cancelled:
        turn.retry()
    elif kind is ErrorKind.CONFLICT:
        _conflict(turn, error)
    elif r.doubtful:
        turn.to(Stage.FINDING, after=1.0)
    else:
        turn.fail(error)


def _conflict(turn: Turn, error: CiDeployError) -> None:
    """Another deployment holds the group, or it is ours whose answer was lost."""
    r = turn.r
    if r.doubtful:
        turn.to(Stage.FINDING, after=0.5)
    elif r.rounds > 30:
        # Over and over refused though nothing is active: the account's limit, not the group's.
        turn.fail(error)
    else:
        turn.set(rounds=r.rounds + 1)
        turn.to(Stage.GATHERING, after=2.0)


def finding(turn: Turn) -> None:
    r = turn.r
    if r.plan is not None and not turn.asked(Find) and turn.due():
        turn.ask(Find(key=r.key, application=r.plan.application, group=r.plan.group, marker_id=r.marker_id))


def found(turn: Turn, deployment: Deployment | None) -> None:
    """The search for our marker: found it is followed, three times not found it was not created."""
    r = turn.r
    if r.stage is not Stage.FINDING:
        return
    if deployment is not None:
        turn.set(doubtful=False)
        attach(turn, deployment, attached=False)
    elif r.tries < 3:
        turn.retry(base=1.0)
    elif r.cancelled or r.creations >= 4:
        turn.set(doubtful=False)
        reason = "CreateDeployment did not answer, and no deployment of ours is in the group."
        turn.end(Outcome.CANCELLED if r.cancelled else Outcome.ERROR, reason=reason, remedy="Run it again.")
    else:
        turn.to(Stage.CREATING)


def not_found(turn: Turn, error: CiDeployError) -> None:
    r = turn.r
    if r.stage is not Stage.FINDING:
        return
    kind = kind_of(error)
    if kind is not None and kind.transient and turn.now - r.since < FIND_FOR:
        turn.retry()
        return
    group = f"{r.plan.application}/{r.plan.group}" if r.plan else ""
    turn.end(
        Outcome.LOST_CONTACT,
        reason="CreateDeployment did not answer, and whether it created a deployment could not be found out: "
        f"{error.what}",
        remedy=f"Look in group {group} for a deployment whose description has id={r.marker_id}; running again is safe.",
        rollback=Rollback.UNKNOWN,
    )


# --- Following begins --------------------------------------------------------------------------------------------


def attach(turn: Turn, deployment: Deployment, *, attached: bool = True) -> None:
    """Follow a deployment that exists already."""
    turn.set(attached=attached)
    follow(turn, deployment.id)


def follow(turn: Turn, deployment_id: str) -> None:
    r = turn.r
    if r.plan is None:
        return
    until = turn.now + r.plan.timeout
    turn.set(
        deployment_id=deployment_id,
        started_at=turn.now,
        seen_at=turn.now,
        deadline=until,
        doubtful=False,
        waiting_for="",
        alias=None,  # the reading is of before: what the alias serves from now on must be read again
    )
    turn.say(
        e.DeploymentStarted,
        deployment_id=deployment_id,
        console_url=turn.url(deployment_id),
        application=r.plan.application,
        group=r.plan.group,
        current_version=r.previous_version,
        target_version=r.target_version,
        attached=r.attached,
        reverses=r.plan.reverses,
        until=until,
    )
    if not r.inputs.wait and not r.cancelled:
        turn.end(
            Outcome.DETACHED,
            reason=f"Deployment {deployment_id} goes on by itself; `wait` is `false`.",
            remedy=f"Follow it with `ci-deploy status --function {r.function} --alias {r.inputs.alias} --application "
            f"{r.plan.application} --deployment-group {r.plan.group} --deployment-id {deployment_id} --wait true`.",
        )
        return
    turn.to(Stage.FOLLOWING, after=1.0)


def failed(turn: Turn, action: object, error: CiDeployError) -> None:
    """What failing means for each action of this part; transient failures are repeated inside their bounds."""
    r = turn.r
    kind = kind_of(error)
    transient = kind is not None and kind.transient
    match action:
        case Gather() if r.stage is Stage.GATHERING:
            turn.fail(error)  # the reads were repeated already, by the reading policy
        case Publish() if r.stage is Stage.PUBLISHING:
            _not_published(turn, error)
        case LookVersion() if r.stage is Stage.ACTIVATING:
            if transient:
                turn.retry(base=2.0)
            else:
                turn.fail(error)
        case Upload() if r.stage is Stage.STORING:
            turn.fail(error)
        case Create():
            not_created(turn, error)
        case Find():
            not_found(turn, error)
        case Look() if r.stage is Stage.WAITING:
            if transient or (r.waiting_until is not None and turn.now < r.waiting_until):
                turn.retry(base=2.0)
            else:
                turn.fail(error)
        case Stop() if r.stage is Stage.WAITING:
            if transient:
                turn.set(superseded=r.superseded - {action.deployment_id})
            else:
                turn.say(e.StopAnswered, deployment_id=action.deployment_id, status="refused", message=error.what)


def _not_published(turn: Turn, error: CiDeployError) -> None:
    r = turn.r
    kind = kind_of(error)
    code = error.code if isinstance(error, AwsError) else ""
    within = turn.now - r.since < BUSY_FOR
    if kind is ErrorKind.UNREACHABLE and within:
        # Publishing what is published already returns the same version, so repeating it is safe.
        turn.set(doubtful=True)
        turn.retry()
    elif kind in (ErrorKind.THROTTLED, ErrorKind.EXPIRED) and within:
        turn.retry()
    elif kind is ErrorKind.CONFLICT and code == "ResourceConflictException" and within:
        if r.tries == 0:
            turn.say(e.Waiting, what=f"Lambda is still updating {r.function}")
        turn.retry(base=1.0, most=5.0)
    elif kind is ErrorKind.CONFLICT and r.doubtful and r.rounds < 3:
        # Our own lost publishing may have moved RevisionId: read again and compare what is there now.
        turn.set(rounds=r.rounds + 1, doubtful=False)
        turn.to(Stage.GATHERING, after=1.0)
    elif kind is ErrorKind.CONFLICT:
        turn.end(
            Outcome.REFUSED,
            reason=f"{r.function} was changed by someone else between planning and publishing: {error.what}",
            remedy="Run again: what is there now is planned anew.",
        )
    else:
        turn.fail(error)
