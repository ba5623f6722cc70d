"""From code to a version that can be deployed: it is published, becomes active, and is an alias's first one if need be.

How `$LATEST` gets its code is in updating.py. Publishing is guarded by CodeSha256 and RevisionId, so that what somebody
else did in between is not published. Settings, layers and environment are never touched. Each write has its own rule
for failing. Pure. Sources: facts.md A12 (states, guards, what waits for what).
"""

from __future__ import annotations

from ...aws import Alias, FunctionVersion
from ...errors import AwsError, CiDeployError, ErrorKind
from ...given.package.packaging import DIRECT_LIMIT, Package
from ...plan.planning import Existing, Plan, bind
from ...reasons.ending import deploying as why
from ...reasons.preflight.versions import TargetInactive, VersionGone, VersionNotActive, VersionNotReady
from ...run import Outcome
from ...story import events as e
from ..actions import CreateAlias, Invoke, LookAlias, LookVersion, Publish, StoreCode, UpdateCode
from ..rollout import Rollout, Turn, kind_of
from ..state.place import Stage
from .preparing import write_appspec
from .updating import REPEATS, WRITE_FOR, by_reference, concurrent, look_at_latest, not_updated, settled

ACTIVE_FOR = 26 * 60.0  # a new version that is pending; botocore's own waiter gives it as long (facts.md A12)
MANAGED_FOR = 60 * 60.0  # on managed instances three have to start first, 15 minutes and more (facts.md H)
WAKES_WITHIN = 60.0  # until the invocation that wakes it shows in its state
TOLD_EVERY = 120.0  # while it is pending


def begin(turn: Turn, made: Plan) -> None:
    """The plan is decided: deploy the version there is, or make one."""
    target, latest = made.target, turn.r.facts.latest if turn.r.facts else None
    if isinstance(target, Existing):
        bound(turn, made)
    elif latest is not None and latest.busy:
        turn.say(e.Waiting(at=turn.now, key=turn.r.key, what=why.FunctionUpdating(function=made.function)))
        turn.to(Stage.SETTLING, after=1.0)
    elif not target.updates:
        turn.to(Stage.PUBLISHING)
    elif isinstance(target.code, Package) and (target.code.size > DIRECT_LIMIT or by_reference(turn.r)):
        turn.to(Stage.STORING_CODE)
    else:
        turn.to(Stage.UPDATING)


# --- The version ---------------------------------------------------------------------------------------------------


def publishing(turn: Turn) -> None:
    r = turn.r
    if not turn.asked(Publish) and turn.due():
        turn.ask(Publish(key=r.key, plan=r.planned, description=description(r)))


def description(r: Rollout) -> str:
    """The published version's: which commit of what it was made from, for people and for the link to what changed."""
    commit = f" commit {r.context.commit}" if r.context.commit else ""
    source = f" of {r.context.repository}" if r.context.repository else ""
    run = f", run {r.context.run_id}" if r.context.run_id else ""
    return f"ci-deploy{commit}{source}{run}"[:256]


def published(turn: Turn, version: FunctionVersion) -> None:
    r = turn.r
    if r.stage is not Stage.PUBLISHING:
        return
    turn.say(e.VersionPublished(at=turn.now, key=turn.r.key, version=version.version, code_sha256=version.code_sha256))
    made = bind(r.planned, version)
    if version.version == made.current_version:
        turn.put(turn.r.decision.decide(made))
        turn.end(Outcome.UNCHANGED, why.NothingNew(version=version.version))
        return
    bound(turn, made)


def _not_published(turn: Turn, error: CiDeployError) -> None:
    r = turn.r
    kind, code = kind_of(error), error.code if isinstance(error, AwsError) else ""
    # A few times in any case: one answer that never came may have taken all of that time.
    within = turn.now - r.place.since < WRITE_FOR or r.place.tries < 3
    if kind is not None and kind.transient and within:
        turn.retry()  # also where the answer was lost: what is published already is returned as the same version
    elif code == "ResourceConflictException" and within:
        if r.place.tries == 0:
            turn.say(e.Waiting(at=turn.now, key=turn.r.key, what=why.FunctionUpdating(function=r.function)))
        turn.retry(most=5.0)
    elif (kind is ErrorKind.CONFLICT or _other_code(error)) and r.code.repeats < REPEATS:
        # Something moved RevisionId: our own lost publishing, Lambda itself, or somebody. What is there tells.
        turn.put(turn.r.code.repeat())
        turn.to(Stage.UPDATED, after=1.0)
    elif kind is ErrorKind.CONFLICT or _other_code(error):
        concurrent(turn, error.what)
    else:
        turn.fail(error)


def _other_code(error: CiDeployError) -> bool:
    """Where CodeSha256 is no longer `$LATEST`'s, Lambda answers with an invalid parameter, not a conflict."""
    return isinstance(error, AwsError) and "sha256" in error.message.lower() and error.kind is ErrorKind.REJECTED


def bound(turn: Turn, made: Plan) -> None:
    """The plan names its version: wait until that is ready, or continue."""
    turn.put(turn.r.decision.decide(made))
    if made.new is not None and made.new.state == "Pending":
        turn.say(e.Waiting(at=turn.now, key=turn.r.key, what=why.VersionPreparing(version=made.target_version)))
        turn.to(Stage.ACTIVATING, after=2.0)
    elif made.new is not None and made.new.state == "Inactive" and turn.r.stage is not Stage.ACTIVATING:
        _wake(turn, made, made.new)
    elif made.new is not None and made.new.state != "Active":
        # Lambda publishes the same code once: the version that failed before is its answer to every further run.
        turn.end(
            Outcome.FAILED,
            VersionNotActive(
                function=made.function,
                version=made.target_version,
                state=made.new.state,
                state_code=made.new.state_reason_code,
                why=made.new.state_reason,
                region=turn.r.where.region,
            ),
        )
    else:
        ready(turn, made)


def _wake(turn: Turn, made: Plan, new: FunctionVersion) -> None:
    """Lambda refuses the call to a version that is Inactive, runs nothing, and prepares the version anew."""
    turn.put(turn.r.code.wake(turn.now))
    turn.say(e.Waiting(at=turn.now, key=turn.r.key, what=why.VersionWaking(version=made.target_version)))
    turn.ask(
        Invoke(
            key=turn.r.key,
            function=made.function,
            version=made.target_version,
            payload="{}",
            tenant="",
            timeout=float(new.timeout_s),
            wakes=True,
        )
    )
    turn.to(Stage.ACTIVATING, after=2.0)


def not_woken(turn: Turn, error: CiDeployError) -> None:
    """Whatever Lambda says to the call, the version's state tells what came of it, unless nobody may call it."""
    if turn.r.stage is not Stage.ACTIVATING or kind_of(error) is not ErrorKind.DENIED:
        return
    new = turn.r.planned.new
    assert new is not None, "what sleeps was read"
    turn.end(
        Outcome.REFUSED,
        TargetInactive(
            function=turn.r.function,
            version=turn.r.target_version,
            state=new.state,
            state_code=new.state_reason_code,
            why=new.state_reason,
            region=turn.r.where.region,
        ),
        error.reason,
    )


def activating(turn: Turn) -> None:
    r = turn.r
    limit = _active_for(r)
    if turn.now - r.place.since > limit:
        turn.end(Outcome.FAILED, VersionNotReady(version=r.target_version, minutes=limit / 60))
    elif not turn.asked(LookVersion) and turn.due():
        turn.ask(LookVersion(key=r.key, function=r.function, version=r.target_version))


def _active_for(r: Rollout) -> float:
    new = r.planned.new
    return MANAGED_FOR if new is not None and new.capacity_provider else ACTIVE_FOR


def _look_at_version(turn: Turn, version: FunctionVersion | None) -> None:
    r = turn.r
    woken = r.code.woken is not None and turn.now - r.code.woken < WAKES_WITHIN
    if version is not None and (version.state == "Pending" or (version.state == "Inactive" and woken)):
        if turn.now - r.place.said_at >= TOLD_EVERY:
            _tell_pending(turn, version)
        turn.put(turn.r.place.pause(turn.now + 5.0))
    elif version is None:
        turn.end(Outcome.FAILED, VersionGone(version=r.target_version))
    else:
        bound(turn, bind(r.planned, version))


def _tell_pending(turn: Turn, version: FunctionVersion) -> None:
    """It is still pending: managed instances take a quarter of an hour to start, and more."""
    r = turn.r
    minutes = round((turn.now - r.place.since) / 60)
    what = why.VersionPending(version=version.version, minutes=minutes, instances=bool(version.capacity_provider))
    turn.say(e.Waiting(at=turn.now, key=r.key, what=what, until=r.place.since + _active_for(r)))


def ready(turn: Turn, made: Plan) -> None:
    """The version can serve: it answers the smoke cases, unless it has, and is then deployed."""
    if made.smoke and turn.r.smoke.passed != made.target_version:
        turn.put(turn.r.smoke.begin(turn.now))
        turn.to(Stage.SMOKING)
    elif made.creates_alias:
        turn.to(Stage.CREATING_ALIAS)
    else:
        write_appspec(turn, made)


def looked(turn: Turn, version: FunctionVersion | None) -> None:
    """The answer to LookVersion, by what was looked for."""
    stage = turn.r.stage
    if stage is Stage.ACTIVATING:
        _look_at_version(turn, version)
    elif stage is Stage.SETTLING:
        if version is None:
            turn.to(Stage.GATHERING)  # where it is found missing
        elif version.busy:
            turn.put(turn.r.place.pause(turn.now + 2.0))
        else:
            settled(turn, version)
    elif stage is Stage.UPDATED:
        if version is None:
            turn.end(Outcome.ERROR, why.FunctionGone(function=turn.r.function))
        else:
            look_at_latest(turn, version)


# --- The first deployment ------------------------------------------------------------------------------------------


def creating_alias(turn: Turn) -> None:
    """There is nothing to shift traffic from: the alias is created on the version, and read."""
    r = turn.r
    if turn.asked(CreateAlias) or turn.asked(LookAlias) or not turn.due():
        return
    if r.creation.alias_asked:
        turn.ask(LookAlias(key=r.key, function=r.function, alias=r.inputs.alias))
    else:
        turn.ask(CreateAlias(key=r.key, function=r.function, alias=r.inputs.alias, version=r.target_version))


def alias_created(turn: Turn) -> None:
    turn.put(turn.r.creation.alias_sent())


def first_read(turn: Turn, alias: Alias | None) -> None:
    """Truth, not inference: what the new alias serves."""
    r = turn.r
    if alias is None:
        if r.place.tries < 5:
            # Its creation had no effect, or is not visible yet; nothing is created after a signal.
            turn.put(turn.r.creation.alias_missing(final=r.cancelled))
            turn.retry()
        elif r.cancelled:
            turn.end(Outcome.CANCELLED, why.AliasNotFound(alias=r.inputs.alias, cancelled=True))
        else:
            lost = (r.creation.lost.reason,) if r.creation.lost else ()
            turn.end(Outcome.ERROR, why.AliasNotFound(alias=r.inputs.alias), *lost)
        return
    turn.put(turn.r.reading.read(alias, turn.now))
    turn.say(e.AliasRead(at=turn.now, key=turn.r.key, alias=alias))
    if not alias.serves_only(r.target_version):
        turn.end(Outcome.REFUSED, why.AliasOfAnother(alias=r.inputs.alias, version=alias.version))
        return
    said = why.FirstDeployment(alias=alias.name, version=alias.version, late=r.cancelled)
    if r.cancelled:
        turn.end(Outcome.CANCELLED, said)
    else:
        turn.end(Outcome.SUCCEEDED, said, deployed=True)


def _alias_not_created(turn: Turn, error: CiDeployError) -> None:
    r = turn.r
    kind = kind_of(error)
    if kind in (ErrorKind.UNREACHABLE, ErrorKind.CONFLICT):
        # It may be there: look.
        turn.put(turn.r.creation.alias_sent(error if kind is ErrorKind.UNREACHABLE else None))
        turn.put(turn.r.place.act(turn.now + 1.0))
    elif kind in (ErrorKind.THROTTLED, ErrorKind.EXPIRED) and turn.now - r.place.since < WRITE_FOR and not r.cancelled:
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
            not_updated(turn, error)
        case Publish() if stage is Stage.PUBLISHING:
            _not_published(turn, error)
        case CreateAlias():
            _alias_not_created(turn, error)
        case LookVersion() | LookAlias() if stage in _LOOKING:
            if transient and turn.now - turn.r.place.since < _patience(turn.r):
                turn.retry(base=2.0)
            else:
                turn.fail(error)


def _patience(r: Rollout) -> float:
    return _active_for(r) if r.stage is Stage.ACTIVATING else ACTIVE_FOR


_LOOKING = (Stage.SETTLING, Stage.UPDATED, Stage.ACTIVATING, Stage.CREATING_ALIAS)
