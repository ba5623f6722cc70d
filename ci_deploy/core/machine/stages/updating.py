"""`$LATEST` gets the code: others' updates are waited for; ours is guarded, waited for, and looked for if in doubt.

The update is guarded by RevisionId, so that what somebody else did in between is refused and not overwritten; settings
are compared before and after. Pure. Sources: facts.md A12 (states, guards, what waits for what).
"""

from __future__ import annotations

from dataclasses import replace

from ...aws import FunctionVersion, S3Location
from ...errors import AwsError, CiDeployError, ErrorKind
from ...given.package.packaging import Package, StoredPackage, object_key, same_sha256, sha256_of
from ...given.source import Image
from ...plan.comparing import changes, differences
from ...plan.planning import ToPublish
from ...plan.surroundings import bucket_owner
from ...reasons.ending import deploying as why
from ...run import Outcome
from ...story import events as e
from ..actions import LookVersion, StoreCode, UpdateCode
from ..rollout import Rollout, Turn, kind_of
from ..state.place import Stage

BUSY_FOR = 300.0  # a function whose update is in progress (Lambda: seconds; with a VPC or an image minutes)
WRITE_FOR = 300.0  # a write that is throttled, or whose answers are lost
REPEATS = 4  # writes that had no effect, though nobody changed anything
SETTLINGS = 10  # how often `$LATEST` may be found in the middle of somebody's update
LATEST = "$LATEST"


# --- Somebody else's update ----------------------------------------------------------------------------------------


def settling(turn: Turn) -> None:
    """Everything waits for an update in progress; what is there after it is planned anew."""
    r = turn.r
    if turn.now - r.place.since > BUSY_FOR or r.code.settlings > SETTLINGS:
        turn.end(Outcome.REFUSED, why.NeverSettles(function=r.function))
    elif not turn.asked(LookVersion) and turn.due():
        turn.ask(LookVersion(key=r.key, function=r.function, version=LATEST))


def _settle(turn: Turn) -> None:
    turn.put(turn.r.code.settle())
    turn.say(e.Waiting(at=turn.now, key=turn.r.key, what=why.FunctionUpdating(function=turn.r.function)))
    turn.to(Stage.SETTLING, after=1.0)


def settled(turn: Turn, latest: FunctionVersion) -> None:
    """What began before our plan is planned with anew; what began after it and changed something is not overwritten."""
    r = turn.r
    if r.code.disturbed and (changed := changes(_planned_with(r), latest)):
        concurrent(turn, f"{', '.join(changed)} changed")
        return
    turn.put(turn.r.code.settled())
    turn.to(Stage.GATHERING)


# --- `$LATEST` gets the code ---------------------------------------------------------------------------------------


def storing_code(turn: Turn) -> None:
    r = turn.r
    made, package, facts = r.planned, target_of(r).code, r.facts
    assert isinstance(package, Package)
    assert facts is not None
    if not turn.asked(StoreCode):
        turn.ask(
            StoreCode(
                key=r.key,
                package=package,
                bucket=made.bucket,
                path=object_key(made.prefix, made.function, package),
                owner=bucket_owner(r.inputs, facts.identity),
            )
        )


def code_stored(turn: Turn, stored: StoredPackage) -> None:
    r = turn.r
    if r.stage is Stage.STORING_CODE:
        package = target_of(r).code
        assert isinstance(package, Package)
        turn.put(turn.r.code.store(stored))
        warn_of_foreign_object(turn, stored.location, object_key(r.planned.prefix, r.planned.function, package))
        turn.to(Stage.UPDATING)


def warn_of_foreign_object(turn: Turn, location: S3Location, wanted: str) -> None:
    """Somebody else's object is under the hash of our content: it was left alone, and its owner should be asked for."""
    if location.key != wanted:
        turn.warn(why.ForeignObject(wanted=f"s3://{location.bucket}/{wanted}", location=str(location)))


def updating(turn: Turn) -> None:
    r = turn.r
    target = target_of(r)
    code = r.code.stored or target.code
    assert code is not None
    if not turn.asked(UpdateCode) and turn.due():
        turn.ask(
            UpdateCode(
                key=r.key,
                function=r.function,
                code=code,
                revision_id=target.revision_id,
                by_reference=by_reference(r),
            )
        )


def by_reference(r: Rollout) -> bool:
    """Whether Lambda reads the function's code from S3: an update that does not say so again would make it a copy."""
    return _planned_with(r).code_by_reference


def updated(turn: Turn, latest: FunctionVersion) -> None:
    r = turn.r
    if r.stage is Stage.UPDATING:
        turn.to(Stage.UPDATED)
        look_at_latest(turn, latest)


def await_update(turn: Turn) -> None:
    """Look at `$LATEST` until its update is over, or until it is known whether there was one."""
    r = turn.r
    if turn.now - r.place.since > BUSY_FOR:
        turn.end(Outcome.FAILED, why.UpdateTooLong(function=r.function, minutes=BUSY_FOR / 60))
    elif not turn.asked(LookVersion) and turn.due():
        turn.ask(LookVersion(key=r.key, function=r.function, version=LATEST))


def look_at_latest(turn: Turn, latest: FunctionVersion) -> None:
    """What `$LATEST` is by now: as it is to be published, not ready yet, without our code, or somebody else's."""
    r = turn.r
    target, before = target_of(r), _planned_with(r)
    there = _is_ours(target, latest) if target.updates else latest.code_sha256 == target.code_sha256
    if latest.busy:
        turn.put(turn.r.place.pause(turn.now + 2.0))
    elif not there and r.code.lost and not changes(before, latest):
        _update_again(turn, target, latest)
    elif not there:
        concurrent(turn, "its code is not what this run is to publish")
    elif latest.last_update_status == "Failed":
        turn.end(Outcome.FAILED, why.UpdateFailed(function=r.function, said=latest.last_update_reason))
    elif changed := _settings_changed(before, latest):
        concurrent(turn, f"its settings were changed ({', '.join(changed)})")
    elif r.inputs.expect_code_sha256 and not same_sha256(r.inputs.expect_code_sha256, latest.code_sha256):
        found, expected = latest.code_sha256, r.inputs.expect_code_sha256
        turn.end(Outcome.REFUSED, why.OtherCode(function=r.function, found=found, expected=expected))
    else:
        _code_is_there(turn, target, latest)


def _update_again(turn: Turn, target: ToPublish, latest: FunctionVersion) -> None:
    """It had no effect, and nobody changed anything: RevisionId alone may have moved, as it does when Lambda itself
    has been at work."""
    if turn.r.code.repeats >= REPEATS:
        lost = turn.r.code.lost
        assert lost is not None, "an update that is made again though nothing was lost"
        turn.end(Outcome.ERROR, why.UpdateWithoutEffect(times=REPEATS + 1), lost.reason)
        return
    turn.put(turn.r.decision.guard(replace(target, revision_id=latest.revision_id)))
    turn.put(turn.r.code.found().repeat())
    turn.to(Stage.UPDATING)


def _code_is_there(turn: Turn, target: ToPublish, latest: FunctionVersion) -> None:
    made = turn.r.planned
    guarded = replace(target, code_sha256=latest.code_sha256, revision_id=latest.revision_id, updates=False)
    turn.put(turn.r.decision.guard(guarded))
    turn.put(turn.r.code.found())
    if target.updates:
        turn.say(e.CodeUploaded(at=turn.now, key=turn.r.key, code_sha256=latest.code_sha256, size=latest.code_size))
    if made.current is not None and not differences(made.current, latest):
        # Known only now: a tag that leads to the image which is served.
        turn.end(Outcome.UNCHANGED, why.SameCode(version=made.current.version))
        return
    turn.to(Stage.PUBLISHING)


def _is_ours(target: ToPublish, latest: FunctionVersion) -> bool:
    code = target.code
    assert code is not None
    if same_sha256(sha256_of(code), latest.code_sha256):
        return True
    # By a tag, or where Lambda's hash is not the image's digest: the address it was given says whose it is. The same
    # address may have been there before, with what the tag led to then.
    return isinstance(code, Image) and latest.image_uri == code.uri and latest.revision_id != target.revision_id


def _settings_changed(before: FunctionVersion, now: FunctionVersion) -> tuple[str, ...]:
    return tuple(name for name in changes(before, now) if name != "Code")


def concurrent(turn: Turn, what: str) -> None:
    turn.end(Outcome.REFUSED, why.ChangedMeanwhile(function=turn.r.function, changed=what.rstrip(".")))


def not_updated(turn: Turn, error: CiDeployError) -> None:
    """UpdateFunctionCode failed: repeated where it had no effect, looked for where that is not known."""
    r = turn.r
    kind, code = kind_of(error), error.code if isinstance(error, AwsError) else ""
    if kind is ErrorKind.UNREACHABLE or (kind is ErrorKind.CONFLICT and code != "ResourceConflictException"):
        turn.put(turn.r.code.lose(error))
        turn.to(Stage.UPDATED, after=1.0)  # what is there tells
    elif kind in (ErrorKind.THROTTLED, ErrorKind.EXPIRED) and turn.now - r.place.since < WRITE_FOR:
        turn.retry()
    elif code == "ResourceConflictException":
        _settle(turn)
    else:
        turn.fail(error)


def target_of(r: Rollout) -> ToPublish:
    """What is published, in the stages that are about it."""
    target = r.planned.target
    assert isinstance(target, ToPublish)
    return target


def _planned_with(r: Rollout) -> FunctionVersion:
    """`$LATEST` as it was when the plan was made."""
    assert r.facts is not None
    assert r.facts.latest is not None
    return r.facts.latest
