"""Invoke: one synchronous invocation of a version, with the tail of its log; cold starts are told by its REPORT.

Sources: botocore's Lambda model (Invoke); Lambda's log lines: `REPORT RequestId: … Duration: 1.23 ms … Init Duration:
4.56 ms` (SnapStart: `Restore Duration`); as JSON, `platform.report` with `durationMs` and `initDurationMs`.
"""

from __future__ import annotations

import base64
import json
import re
from contextlib import closing
from typing import Any

from ....core.aws import Invocation
from ....ports import Clock
from ..client import Aws
from ..errors import CALL_ERRORS, translate

# Seconds for a start, beside the function's own timeout: ten for init, more for an image or a snapshot that is read.
START_SECONDS = 60.0
_DURATION = re.compile(r"\b(?P<what>(?:Billed |Init |Restore |Billed Restore )?)Duration: (?P<ms>[0-9.]+) ms")


def _real(clock: Clock) -> float:
    """Real seconds: a rehearsal's clock may be as slow as they are, or faster, and a function is neither."""
    return (clock.now() + clock.behind()) / clock.real(1.0)


def invoke(aws: Aws, function: str, version: str, payload: str, *, tenant: str, timeout: float) -> Invocation:
    """One attempt; raises AwsError where Lambda did not run the function, or its answer was lost."""
    resource = f"function {function}:{version}"
    began = _real(aws.clock)
    answer = aws.call(
        "lambda",
        "Invoke",
        resource,
        expects="Payload",
        patience=timeout + START_SECONDS,
        rate="lambda:Invoke",
        FunctionName=function,
        Qualifier=version,
        InvocationType="RequestResponse",
        LogType="Tail",
        TenantId=tenant or None,
        Payload=payload.encode(),
    )
    try:
        with closing(answer["Payload"]) as body:
            content = body.read()
    except CALL_ERRORS as error:
        raise translate(error, service="lambda", operation="Invoke", resource=resource) from error
    log = _decoded(answer.get("LogResult") or "")
    reported = report(log)
    return Invocation(
        payload=content.decode("utf-8", "replace"),
        error=str(answer.get("FunctionError") or ""),
        log=log,
        seconds=reported[0] if reported else _real(aws.clock) - began,
        init_seconds=reported[1] if reported else 0.0,
        reported=reported is not None,
    )


def _decoded(log: str) -> str:
    """The log's tail; empty where it cannot be read: the answer counts, and was given."""
    try:
        return base64.b64decode(log).decode("utf-8", "replace")
    except ValueError:
        return ""


def report(log: str) -> tuple[float, float] | None:
    """Seconds of the run and of its start, by the last REPORT of a log; None where there is none."""
    for line in reversed(log.splitlines()):
        if line.startswith("REPORT "):
            found = {match["what"].strip(): match["ms"] for match in _DURATION.finditer(line)}
            return _seconds(found.get(""), found.get("Init") or found.get("Restore"))
        if line.startswith("{") and "platform.report" in line:
            metrics = _metrics(line)
            return _seconds(
                metrics.get("durationMs"), metrics.get("initDurationMs") or metrics.get("restoreDurationMs")
            )
    return None


def _metrics(line: str) -> dict[str, Any]:
    try:
        sent = json.loads(line)
        metrics = sent["record"]["metrics"] if sent["type"] == "platform.report" else {}
    except (ValueError, TypeError, LookupError, RecursionError):
        return {}
    return metrics if isinstance(metrics, dict) else {}


def _seconds(duration: object, start: object) -> tuple[float, float] | None:
    try:
        return float(str(duration)) / 1000, float(str(start)) / 1000 if start else 0.0
    except ValueError:
        return None
