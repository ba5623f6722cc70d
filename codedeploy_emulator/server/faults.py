"""Faults: the weather that a test orders, on any call of any service.

A fault strikes before its call has any effect, or, with `"when": "after"`, after the effect and instead of the answer:
that is how "the deployment was created but its answer was lost" is played. Probabilities come from a seeded generator
that starts again whenever the list is replaced.
"""

from __future__ import annotations

import fnmatch
import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import ApiError, SeedError
from .wire import SERVICE_OF_SIGNING_NAME, Response, json_response

KINDS = ("throttle", "error500", "reset", "timeout", "access-denied", "expired-token", "slow")
_KEYS = ("service", "operation", "fault", "times", "probability", "when", "seconds", "retry-after")
_IAM_ACTIONS = {
    "HeadObject": "GetObject",
    "ListObjectsV2": "ListBucket",
    "ListObjects": "ListBucket",
    "HeadBucket": "ListBucket",
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One entry of the list. `times` None: for ever. `seconds` is real time: how long slow and timeout take."""

    fault: str
    service: str | None = None
    operation: str | None = None
    times: int | None = None
    probability: float = 1.0
    when: str = "before"
    seconds: float | None = None
    retry_after: float | None = None

    def json(self) -> dict[str, Any]:
        """The entry as it was given."""
        values = {
            "service": self.service,
            "operation": self.operation,
            "fault": self.fault,
            "times": self.times,
            "probability": self.probability,
            "when": self.when,
            "seconds": self.seconds,
            "retry-after": self.retry_after,
        }
        return {key: value for key, value in values.items() if value is not None}

    def matches(self, service: str, operation: str, plain: str) -> bool:
        """Whether the fault is meant for this call; an operation may hold `*`, and a GitHub path its real values."""
        if self.service is not None and self.service != service:
            return False
        return (
            self.operation is None
            or self.operation in (operation, plain)
            or (
                "*" in self.operation
                and (fnmatch.fnmatchcase(operation, self.operation) or fnmatch.fnmatchcase(plain, self.operation))
            )
        )


@dataclass(slots=True)
class Faults:
    """The present list."""

    seed: int = 0
    _faults: list[Fault] = field(default_factory=list)
    _random: random.Random = field(default_factory=random.Random)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def replace(self, entries: Sequence[object]) -> None:
        """Put a new list in place of the old one; SeedError says what is wrong, and then the old one stays."""
        faults = [_fault(entry) for entry in entries]
        with self._lock:
            self._faults = faults
            self._random = random.Random(f"faults {self.seed}")

    def strike(self, service: str, operation: str, plain: str = "") -> Fault | None:
        """The fault that this call meets; the first one of the list that matches, is left over, and has its chance."""
        with self._lock:
            for fault in self._faults:
                if fault.times == 0 or not fault.matches(service, operation, plain):
                    continue
                if fault.probability < 1 and self._random.random() >= fault.probability:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def json(self) -> list[dict[str, Any]]:
        """The list, with what is left of `times`."""
        with self._lock:
            return [fault.json() for fault in self._faults]


def _fault(entry: object) -> Fault:
    if not isinstance(entry, Mapping):
        raise SeedError("a fault must be an object")
    values = {str(key).replace("_", "-"): value for key, value in entry.items()}
    unknown = set(values) - set(_KEYS)
    if unknown:
        raise SeedError(f"a fault has no {', '.join(sorted(unknown))}; it has {', '.join(_KEYS)}")
    if values.get("fault") not in KINDS:
        raise SeedError(f"a fault is one of {', '.join(KINDS)}")
    times, probability = values.get("times"), values.get("probability")
    if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 0):
        raise SeedError("'times' must be a whole number that is not negative")
    if probability is not None and (not isinstance(probability, int | float) or not 0 <= probability <= 1):
        raise SeedError("'probability' must be a number from 0 to 1")
    if values.get("when", "before") not in ("before", "after"):
        raise SeedError("'when' is before or after")
    service = values.get("service")
    return Fault(
        fault=values["fault"],
        service=SERVICE_OF_SIGNING_NAME.get(str(service), str(service)) if service is not None else None,
        operation=None if values.get("operation") is None else str(values["operation"]),
        times=times,
        probability=1.0 if probability is None else float(probability),
        when=values.get("when", "before"),
        seconds=values.get("seconds"),
        retry_after=values.get("retry-after"),
    )


def aws_error(fault: Fault, service: str, operation: str, account: str) -> tuple[ApiError, list[tuple[str, str]]]:
    """The error that a service gives for a fault, and the headers that go with it."""
    headers: list[tuple[str, str]] = []
    if fault.fault == "throttle":
        if fault.retry_after is not None:
            headers = [
                ("Retry-After", f"{max(1, round(fault.retry_after))}"),
                ("x-amz-retry-after", f"{round(fault.retry_after * 1000)}"),
            ]
        if service == "lambda":
            return ApiError("TooManyRequestsException", "Rate exceeded", 429), headers
        if service == "s3":
            return ApiError("SlowDown", "Please reduce your request rate.", 503), headers
        code = "Throttling" if service in ("sts", "iam") else "ThrottlingException"
        return ApiError(code, "Rate exceeded"), headers
    if fault.fault == "error500":
        codes = {
            "lambda": "ServiceException",
            "s3": "InternalError",
            "sts": "InternalFailure",
            "iam": "InternalFailure",
        }
        code = codes.get(service, "InternalServerException")
        return ApiError(code, "An internal error occurred.", 500), headers
    if fault.fault == "expired-token":
        old = service in ("s3", "sts", "iam")
        status = 403 if service in ("lambda", "sts", "iam") else 400
        code = "ExpiredToken" if old else "ExpiredTokenException"
        return ApiError(code, "The security token included in the request is expired", status), headers
    action = f"{service}:{_IAM_ACTIONS.get(operation, operation)}"
    user = f"arn:aws:sts::{account}:assumed-role/ci/session"
    text = (
        f"User: {user} is not authorized to perform: {action} on resource: * because no identity-based policy allows "
        f"the {action} action"
    )
    code = "AccessDenied" if service in ("s3", "sts", "iam") else "AccessDeniedException"
    return ApiError(code, text, 403 if service in ("lambda", "s3", "sts", "iam") else 400), headers


def github_response(fault: Fault, now: float) -> Response:
    """GitHub's answer to a fault: a throttle with `retry-after` is the secondary limit, one without it the primary."""
    if fault.fault == "throttle":
        if fault.retry_after is not None:
            text = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
            return json_response(
                {"message": text}, 403, headers=[("Retry-After", f"{max(1, round(fault.retry_after))}")]
            )
        headers = [
            ("X-RateLimit-Limit", "1000"),
            ("X-RateLimit-Remaining", "0"),
            ("X-RateLimit-Reset", str(int(now) + 60)),
        ]
        return json_response({"message": "API rate limit exceeded for installation."}, 403, headers=headers)
    if fault.fault == "error500":
        return json_response({"message": "Server Error"}, 500)
    if fault.fault == "expired-token":
        return json_response({"message": "Bad credentials", "status": "401"}, 401)
    return json_response({"message": "Resource not accessible by integration", "status": "403"}, 403)
