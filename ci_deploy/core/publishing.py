"""From code to a version that can be deployed: `$LATEST` gets the code, a version is published, it becomes active.

Every write is guarded: the update by RevisionId, the publishing by CodeSha256 and RevisionId, so that what somebody
else did in between is refused and not overwritten. Settings, layers and environment are never touched. Each write has
its own rule for failing: an update whose answer was lost is looked for before it is repeated. Pure. Sources: facts.md
A12 (states, guards, what waits for what).
"""

from __future__ import annotations

from dataclasses import replace

from . import events as e
from .actions import CreateAlias, LookAlias, LookVersion, Publish, StoreCode, UpdateCode
from .errors import AwsError, CiDeployError, ErrorKind
from .model import Alias, FunctionVersion, Outcome
from .packaging import DIRECT_LIMIT, Image, Package, StoredPackage, object_key, same_sha256, sha256_of
from .planning import Existing, Plan, ToPublish, bind, differences
from .preparing import write_appspec
from .rollout import Rollout, Stage, Turn, kind_of

BUSY_FOR = 300.0  # a function whose update is in progress (Lambda: seconds; with a VPC or an image minutes)
ACTIVE_FOR = 26 * 60.0  # a new version that is pending; botocore's own waiter gives it as long (facts.md A12)
WRITE_FOR = 300.0  # a write that is throttled, or whose answers are lost
REPEATS = 4  # writes that had no effect, though nobody changed anything
SETTLINGS = 10  # how often `$LATEST` may be found in the middle of somebody's update
LATEST = "$LATEST"


def begin(turn: Turn, made: Plan) -> None:
    """The plan is decided: deploy the version there is, or make one."""
    target, latest = made.target, turn.r.facts.latest if turn.r.facts else None
    if isinstance(target, Existing):
        bound(turn, made)
    elif latest is not None and latest.busy:
        turn.say(e.Waiting, what=f"Lambda is still updating {made.function}")
        turn.to(Stage.SETTLING, after=1.0)
    elif not target.updates:
        turn.to(Stage.PUBLISHING)
    elif isinstance(target.code, Package) and target.code.size > DIRECT_LIMIT:
        turn.to(Stage.STORING_CODE)
    else:
        turn.to(Stage.UPDATING)


# --- Somebody else's update ----------------------------------------------------------------------------------------


def settling(turn: Turn) -> None:
    """Everything waits for an update in progress; what is there after it is planned anew."""
    r = turn.r
    if turn.now - r.since > BUSY_FOR or r.settlings > SETTLINGS:
        turn.end(
            Outcome.REFUSED,
            reason=f"{r.function} is being updated by something else, and does not come to rest.",
            remedy="See who updates it (CloudTrail: UpdateFunctionCode, UpdateFunctionConfiguration), then run again.",
        )
    elif not turn.asked(LookVersion) and turn.due():
        turn.ask(LookVersion(key=r.key, function=r.function, version=LATEST))


def _settle(turn: Turn) -> None:
    turn.set(settlings=turn.r.settlings + 1, disturbed=True)
    turn.say(e.Waiting, what=f"Lambda is still updating {turn.r.function}")
    turn.to(Stage.SETTLING, after=1.0)


def _settled(turn: Turn, latest: FunctionVersion) -> None:
    """What began before our plan is planned with anew; what began after it and changed something is not overwritten."""
    r = turn.r
    before = r.facts.latest if r.facts else None
    if r.disturbed and before is not None and (changed := differences(before, latest)):
        _concurrent(turn, f"{', '.join(changed)} changed")
        return
    turn.set(disturbed=False)
    turn.to(Stage.GATHERING)


# --- `$LATEST` gets the code ---------------------------------------------------------------------------------------


def storing_code(turn: Turn) -> None:
    r = turn.r
    made, target = r.plan, _target(r)
    if made is None or r.facts is None or target is None or not isinstance(target.code, Package):
        return
    if not turn.asked(StoreCode) and turn.due():
        turn.ask(
            StoreCode(
                key=r.key,
                package=target.code,
                bucket=made.bucket,
                path=object_key(made.prefix, made.function, target.code),
                account=r.facts.identity.account,
            )
        )


def code_stored(turn: Turn, stored: StoredPackage) -> None:
    if turn.r.stage is Stage.STORING_CODE:
        turn.set(stored=stored)
        turn.to(Stage.UPDATING)


def updating(turn: Turn) -> None:
    r = turn.r
    target = _target(r)
    if target is None or target.code is None or turn.asked(UpdateCode) or not turn.due():
        return
    code = r.stored or target.code
    turn.ask(UpdateCode(key=r.key, function=r.function, code=code, revision_id=target.revision_id))


def updated(turn: Turn, latest: FunctionVersion) -> None:
    r = turn.r
    if r.stage is Stage.UPDATING:
        turn.to(Stage.UPDATED)
        _look_at_latest(turn, latest)


def await_update(turn: Turn) -> None:
    """Look at `$LATEST` until its update is over, or until it is known whether there was one."""
    r = turn.r
    if turn.now - r.since > BUSY_FOR:
        turn.end(
            Outcome.FAILED,
            reason=f"The update of {r.function}'s code is still in progress after {BUSY_FOR / 60:g} minutes. "
            "No version was published.",
            remedy="Run again: what is there by then is planned anew.",
        )
    elif not turn.asked(LookVersion) and turn.due():
        turn.ask(LookVersion(key=r.key, function=r.function, version=LATEST))


def _look_at_latest(turn: Turn, latest: FunctionVersion) -> None:
    """What `$LATEST` is by now: as it is to be published, not ready yet, without our code, or somebody else's."""
    r = turn.r
    made, target = r.plan, _target(r)
    if made is None or target is None or r.facts is None or r.facts.latest is None:
        return
    before = r.facts.latest
    there = _is_ours(target, latest) if target.updates else latest.code_sha256 == target.code_sha256
    if latest.busy:
        turn.set(again_at=turn.now + 2.0, tries=0)
    elif not there and r.update_lost and target.updates and not differences(before, latest):
        _update_again(turn, made, target, latest)
    elif not there:
        _concurrent(turn, "its code is not what this run sent")
    elif latest.last_update_status == "Failed":
        why = latest.last_update_reason or "Lambda gives no reason"
        turn.end(Outcome.FAILED, reason=f"The update of {r.function}'s code failed: {why}. No version was published.")
    elif changed := _settings_changed(before, latest):
        _concurrent(turn, f"its settings were changed ({', '.join(changed)})")
    elif r.inputs.expect_code_sha256 and not same_sha256(r.inputs.expect_code_sha256, latest.code_sha256):
        turn.end(
            Outcome.REFUSED,
            reason=f"`$LATEST` of {r.function} has CodeSha256 {latest.code_sha256} now, not "
            f"{r.inputs.expect_code_sha256}. No version was published.",
            remedy="Name the image by its digest, or correct `expect-code-sha256`.",
        )
    else:
        _code_is_there(turn, made, target, latest)


def _update_again(turn: Turn, made: Plan, target: ToPublish, latest: FunctionVersion) -> None:
    """It had no effect, and nobody changed anything: RevisionId alone may have moved, as it does when Lambda itself
    has been at work."""
    if turn.r.repeats >= REPEATS:
        turn.end(Outcome.ERROR, reason="UpdateFunctionCode has no effect, again and again.", remedy="Run it again.")
        return
    again = replace(made, target=replace(target, revision_id=latest.revision_id))
    turn.set(plan=again, update_lost=False, repeats=turn.r.repeats + 1)
    turn.to(Stage.UPDATING)


def _code_is_there(turn: Turn, made: Plan, target: ToPublish, latest: FunctionVersion) -> None:
    r = turn.r
    guarded = replace(target, code_sha256=latest.code_sha256, revision_id=latest.revision_id, updates=False)
    turn.set(plan=replace(made, target=guarded, new=latest), update_lost=False)
    if target.updates:
        turn.say(e.CodeUploaded, code_sha256=latest.code_sha256, size=latest.code_size)
    alias, current = r.facts.alias if r.facts else None, made.current
    if alias is not None and not alias.split and current is not None and not differences(current, latest):
        # Known only now: a tag that leads to the image which is served.
        turn.end(Outcome.UNCHANGED, reason=f"Version {current.version}, which the alias serves, has the same code.")
        return
    turn.to(Stage.PUBLISHING)


def _is_ours(target: ToPublish, latest: FunctionVersion) -> bool:
    code = target.code
    if isinstance(code, Image) and not (code.digest and same_sha256(code.digest, latest.code_sha256)):
        # By a tag, or where Lambda's hash is not the image's digest: the address it was given says whose it is. The
        # same address may have been there before, with what the tag led to then.
        return latest.image_uri == code.uri and latest.revision_id != target.revision_id
    return code is not None and same_sha256(sha256_of(code), latest.code_sha256)


def _settings_changed(before: FunctionVersion, now: FunctionVersion) -> tuple[str, ...]:
    return tuple(name for name in differences(before, now) if name != "Code")


def _concurrent(turn: Turn, what: str) -> None:
    turn.end(
        Outcome.REFUSED,
        reason=f"{turn.r.function} was changed by someone else during this run: {what}. No version was published.",
        remedy="Run again: what is there now is planned anew. Let one workflow at a time deploy (`concurrency`).",
    )


def _not_updated(turn: Turn, error: CiDeployError) -> None:
    """UpdateFunctionCode failed: repeated where it had no effect, looked for where that is not known."""
    r = turn.r
    kind, code = kind_of(error), error.code if isinstance(error, AwsError) else ""
    if kind is ErrorKind.UNREACHABLE or (kind is ErrorKind.CONFLICT and code != "ResourceConflictException"):
        turn.set(update_lost=True)
        turn.to(Stage.UPDATED, after=1.0)  # what is there tells
    elif kind in (ErrorKind.THROTTLED, ErrorKind.EXPIRED) and turn.now - r.since < WRITE_FOR:
        turn.retry()
    elif code == "ResourceConflictException":
        _settle(turn)
    else:
        turn.fail(error)


# --- The version ---------------------------------------------------------------------------------------------------


def publishing(turn: Turn) -> None:
    r = turn.r
    if r.plan is not None and not turn.asked(Publish) and turn.due():
        turn.ask(Publish(key=r.key, plan=r.plan, description=description(r)))


def description(r: Rollout) -> str:
    """The published version's: which commit of what it was made from, for people and for the link to what changed."""
    commit = f" commit {r.context.commit}" if r.context.commit else ""
    source = f" of {r.context.repository}" if r.context.repository else ""
    run = f", run {r.context.run_id}" if r.context.run_id else ""
    return f"ci-deploy{commit}{source}{run}"[:256]


def published(turn: Turn, version: FunctionVersion) -> None:
    r = turn.r
    if r.stage is not Stage.PUBLISHING or r.plan is None:
        return
    made = bind(r.plan, version)
    turn.set(plan=made, doubtful=False)
    turn.say(e.VersionPublished, version=version.version, code_sha256=version.code_sha256)
    if version.version == made.current_version:
        reason = f"Lambda published nothing new: version {version.version} is served already."
        turn.end(Outcome.UNCHANGED, reason=reason)
        return
    bound(turn, made)


def _not_published(turn: Turn, error: CiDeployError) -> None:
    r = turn.r
    kind, code = kind_of(error), error.code if isinstance(error, AwsError) else ""
    within = turn.now - r.since < WRITE_FOR
    if kind is ErrorKind.UNREACHABLE and within:
        # Publishing what is published already returns the same version, so repeating it is safe.
        turn.set(doubtful=True)
        turn.retry()
    elif kind in (ErrorKind.THROTTLED, ErrorKind.EXPIRED) and within:
        turn.retry()
    elif code == "ResourceConflictException" and within:
        if r.tries == 0:
            turn.say(e.Waiting, what=f"Lambda is still updating {r.function}")
        turn.retry(base=1.0, most=5.0)
    elif (kind is ErrorKind.CONFLICT or _other_code(error)) and r.repeats < REPEATS:
        # Something moved RevisionId: our own lost publishing, Lambda itself, or somebody. What is there tells.
        turn.set(repeats=r.repeats + 1, doubtful=False)
        turn.to(Stage.UPDATED, after=1.0)
    elif kind is ErrorKind.CONFLICT or _other_code(error):
        _concurrent(turn, error.what)
    else:
        turn.fail(error)


def _other_code(error: CiDeployError) -> bool:
    """Lambda's answer where CodeSha256 is not `$LATEST`'s any more is an invalid parameter, not a conflict."""
    return isinstance(error, AwsError) and "sha256" in error.message.lower() and error.kind is ErrorKind.REJECTED


def bound(turn: Turn, made: Plan) -> None:
    """The plan names its version: wait until that is ready, or go on."""
    turn.set(plan=made)
    if made.new is not None and made.new.state == "Pending":
        turn.say(e.Waiting, what=f"Version {made.target_version} is being prepared by Lambda")
        turn.to(Stage.ACTIVATING, after=2.0)
        return
    _ready(turn, made)


def activating(turn: Turn) -> None:
    r = turn.r
    if turn.now - r.since > ACTIVE_FOR:
        turn.end(Outcome.FAILED, reason=f"Version {r.target_version} is still pending after 26 minutes.")
    elif not turn.asked(LookVersion) and turn.due():
        turn.ask(LookVersion(key=r.key, function=r.function, version=r.target_version))


def _look_at_version(turn: Turn, version: FunctionVersion | None) -> None:
    r = turn.r
    if r.plan is None:
        return
    if version is not None and version.state == "Pending":
        turn.set(again_at=turn.now + 5.0, tries=0)
    elif version is None or version.state != "Active":
        state = version.state if version else "gone"
        why = f": {version.state_reason}" if version and version.state_reason else "."
        turn.end(Outcome.FAILED, reason=f"Version {r.target_version} became {state}{why} Nothing was deployed.")
    else:
        _ready(turn, bind(r.plan, version))


def _ready(turn: Turn, made: Plan) -> None:
    turn.set(plan=made)
    if made.creates_alias:
        turn.to(Stage.CREATING_ALIAS)
    else:
        write_appspec(turn, made)


def looked(turn: Turn, version: FunctionVersion | None) -> None:
    """The answer to LookVersion, by what was looked for."""
    match turn.r.stage:
        case Stage.ACTIVATING:
            _look_at_version(turn, version)
        case Stage.SETTLING if version is not None and version.busy:
            turn.set(again_at=turn.now + 2.0, tries=0)
        case Stage.SETTLING if version is not None:
            _settled(turn, version)
        case Stage.SETTLING:
            turn.to(Stage.GATHERING)  # where it is found missing
        case Stage.UPDATED if version is None:
            turn.end(Outcome.ERROR, reason=f"Function {turn.r.function} does not exist any more.")
        case Stage.UPDATED if version is not None:
            _look_at_latest(turn, version)


# --- The first deployment ------------------------------------------------------------------------------------------


def creating_alias(turn: Turn) -> None:
    """There is nothing to shift traffic from: the alias is created on the version, and read."""
    r = turn.r
    if turn.asked(CreateAlias) or turn.asked(LookAlias) or not turn.due():
        return
    if r.alias_created:
        turn.ask(LookAlias(key=r.key, function=r.function, alias=r.inputs.alias))
    else:
        turn.ask(CreateAlias(key=r.key, function=r.function, alias=r.inputs.alias, version=r.target_version))


def alias_created(turn: Turn) -> None:
    if turn.r.stage is Stage.CREATING_ALIAS:
        turn.set(alias_created=True)


def first_read(turn: Turn, alias: Alias | None) -> None:
    """Truth, not inference: what the new alias serves."""
    r = turn.r
    if r.stage is not Stage.CREATING_ALIAS:
        return
    if alias is None:
        if r.tries < 5:
            turn.set(alias_created=False)  # its creation had no effect, or is not visible yet
            turn.retry()
        else:
            turn.end(Outcome.ERROR, reason=f"Alias {r.inputs.alias} was created and cannot be found.")
        return
    turn.set(alias=alias, alias_at=turn.now)
    turn.say(e.AliasRead, alias=alias)
    if not alias.serves_only(r.target_version):
        turn.end(
            Outcome.REFUSED,
            reason=f"Somebody else created alias {r.inputs.alias} in the meantime, on version {alias.version}.",
            remedy="Run again: traffic is then shifted from that version.",
        )
        return
    said = f"First deployment: alias `{alias.name}` was created on version {alias.version} and serves it. "
    said += "There was nothing to shift traffic from, so CodeDeploy was not asked."
    if r.cancelled:
        turn.end(Outcome.CANCELLED, reason=f"Cancelled too late. {said}")
    else:
        turn.end(Outcome.SUCCEEDED, deployed=True, reason=said)


def _alias_not_created(turn: Turn, error: CiDeployError) -> None:
    r = turn.r
    kind = kind_of(error)
    if kind in (ErrorKind.UNREACHABLE, ErrorKind.CONFLICT):
        turn.set(alias_created=True, again_at=turn.now + 1.0)  # it may be there: look
    elif kind in (ErrorKind.THROTTLED, ErrorKind.EXPIRED) and turn.now - r.since < WRITE_FOR and not r.cancelled:
        turn.retry()
    else:
        turn.fail(error)


# --- What fails ----------------------------------------------------------------------------------------------------


def failed(turn: Turn, action: object, error: CiDeployError) -> None:
    """What failing means for each action of this part."""
    stage, kind = turn.r.stage, kind_of(error)
    transient = kind is not None and kind.transient
    match action:
        case StoreCode() if stage is Stage.STORING_CODE:
            turn.fail(error)  # it was repeated already: the key is the content's hash
        case UpdateCode() if stage is Stage.UPDATING:
            _not_updated(turn, error)
        case Publish() if stage is Stage.PUBLISHING:
            _not_published(turn, error)
        case CreateAlias() if stage is Stage.CREATING_ALIAS:
            _alias_not_created(turn, error)
        case LookVersion() | LookAlias() if stage in _LOOKING:
            if transient and turn.now - turn.r.since < ACTIVE_FOR:
                turn.retry(base=2.0)
            else:
                turn.fail(error)


_LOOKING = (Stage.SETTLING, Stage.UPDATED, Stage.ACTIVATING, Stage.CREATING_ALIAS)


def _target(r: Rollout) -> ToPublish | None:
    return r.plan.target if r.plan is not None and isinstance(r.plan.target, ToPublish) else None
