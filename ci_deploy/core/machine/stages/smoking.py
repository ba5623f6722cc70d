"""The new version answers the smoke cases, before a deployment is created and with no customer involved.

In order, one after the other. An error, an answer that differs, or one that comes late ends the run with nothing
shifted. A case is invoked once: it may have side effects, so only a throttled invocation is repeated, which Lambda has
not begun. What was answered is told only where logs may be shown. Pure. Contract: design.md 8, smoke.
"""

from __future__ import annotations

import json

from ...aws import Invocation, LogLines
from ...errors import AwsError, CiDeployError, ErrorKind
from ...given.files.smoke import Case, differs
from ...given.meant import shorten
from ...plan.planning import case_seconds
from ...reasons.ending import smoke as why
from ...result import Diagnosis
from ...run import Outcome
from ...story import events as e
from ..actions import Invoke
from ..rollout import Rollout, Turn, kind_of, outcome_of
from .publishing import ready

THROTTLED_FOR = 300.0  # seconds that an invocation is tried again while Lambda throttles it
DIFFERENCES = 5  # of one answer that are told

# Lambda's answers where the version itself cannot be started (botocore's Lambda model, Invoke).
CANNOT_START = frozenset({
    "CodeArtifactUserDeletedException",
    "CodeArtifactUserFailedException",
    "EC2AccessDeniedException",
    "EFSIOException",
    "EFSMountConnectivityException",
    "EFSMountFailureException",
    "EFSMountTimeoutException",
    "ENILimitReachedException",
    "InvalidRuntimeException",
    "InvalidSecurityGroupIDException",
    "InvalidSubnetIDException",
    "InvalidZipFileException",
    "KMSAccessDeniedException",
    "KMSDisabledException",
    "KMSInvalidStateException",
    "KMSNotFoundException",
    "RuntimeVersionDeletedException",
    "S3FilesMountConnectivityException",
    "S3FilesMountFailureException",
    "S3FilesMountTimeoutException",
    "SnapStartException",
    "SnapStartRegenerationFailureException",
    "SnapStartTimeoutException",
    "SubnetIPAddressLimitReachedException",
})  # fmt: skip


def left(r: Rollout) -> float:
    """Seconds of the run's time limit that the cases may take, from their beginning."""
    return max(0.0, r.planned.timeout - r.smoke.took)


def smoking(turn: Turn) -> None:
    r, made = turn.r, turn.r.planned
    assert r.smoke.began is not None, "cases that were not begun"
    if turn.now >= r.smoke.began + left(r):
        turn.end(
            Outcome.TIMED_OUT,
            why.SmokeTimedOut(minutes=made.timeout / 60, version=r.target_version),
        )
    elif r.smoke.done == len(made.smoke):
        turn.put(turn.r.smoke.passes(r.target_version, turn.now))
        ready(turn, made)
    elif not turn.asked(Invoke) and turn.due():
        case = made.smoke[r.smoke.done]
        turn.ask(
            Invoke(
                key=r.key,
                function=made.function,
                version=r.target_version,
                payload=case.payload,
                tenant=case.tenant,
                timeout=case_seconds(made, Case(name="", payload="")),
            )
        )


def answered(turn: Turn, answer: Invocation) -> None:
    r = turn.r
    case = r.planned.smoke[r.smoke.done]
    wrong = _wrong(case, answer, openly=r.quotes_logs)
    if wrong:
        _fail(turn, case, wrong, answer.log)
        return
    turn.put(turn.r.smoke.answered())
    turn.put(turn.r.place.pause(turn.now))
    turn.say(
        e.SmokePassed(
            at=turn.now,
            key=turn.r.key,
            case=case.name,
            number=turn.r.smoke.done,
            total=len(r.planned.smoke),
            seconds=answer.seconds,
            init_seconds=answer.init_seconds,
        )
    )


def _wrong(case: Case, answer: Invocation, *, openly: bool) -> str:
    """What is wrong with an answer, as the end of a sentence about the case; empty where nothing is."""
    if answer.error:
        return "ended with an error" + (_error(answer.payload) if openly else "")
    found = differs(case, answer.payload)
    if found:
        said = [difference.told(openly=openly) for difference in found[:DIFFERENCES]]
        more = f" and {len(found) - DIFFERENCES} more differences" if len(found) > DIFFERENCES else ""
        return f"got an unexpected answer: {'; '.join(said)}{more}"
    if case.within is not None and answer.seconds > case.within:
        start = "" if answer.reported else ", its start included"
        return f"answered after {answer.seconds:.3g} s{start}, and has {case.within:g} s (`within`)"
    return ""


def _error(payload: str) -> str:
    """Lambda's error object in words."""
    try:
        error = json.loads(payload)
    except (ValueError, RecursionError):
        error = None
    if not isinstance(error, dict):
        return f": {shorten(payload)}" if payload else ""
    parts = [str(error[name]) for name in ("errorType", "errorMessage") if error.get(name)]
    return f": {shorten(': '.join(parts))}" if parts else ""


def _fail(turn: Turn, case: Case, wrong: str, log: str = "") -> None:
    r = turn.r
    reason = why.SmokeFailed(case=case.name, wrong=wrong, version=r.target_version)
    logs: tuple[LogLines, ...] = ()
    if log and r.quotes_logs:
        group = f"/aws/lambda/{r.function}"
        logs = (LogLines(function=r.function, group=group, lines=tuple(log.splitlines())),)
    turn.say(
        e.Diagnosed(
            at=turn.now,
            key=turn.r.key,
            diagnosis=Diagnosis(reason=reason, logs=logs),
        )
    )
    turn.end(Outcome.FAILED, reason)


def failed(turn: Turn, error: CiDeployError) -> None:
    """The invocation itself failed: throttles are waited out, and what says that the version is bad is its failure."""
    r = turn.r
    case = r.planned.smoke[r.smoke.done]
    code = error.code if isinstance(error, AwsError) else ""
    # EC2ThrottledException is a 502 of a start that was under way.
    throttled = kind_of(error) is ErrorKind.THROTTLED and code != "EC2ThrottledException"
    if throttled and turn.now - (r.smoke.began or 0.0) < THROTTLED_FOR:
        turn.retry()
    elif code in CANNOT_START:
        _fail(
            turn, case, f"could not be run, because version {r.target_version} cannot start: {error.what.rstrip('.')}"
        )
    else:
        turn.end(outcome_of(error), why.SmokeNotRun(case=case.name), error.reason)
