"""Everything that can keep a run from starting or from finding out the truth.

A failed deployment is a *result* (core.result.Result), never one of these. The tree:

    CiDeployError            what happened, and what to do next
    ├── InvalidInput     2   every problem of the inputs, the manifest or the AppSpec, at once
    ├── Refused          3   the request is understood and must not be carried out now
    └── AwsError         4   AWS refused or could not be reached; says which call, and the IAM action if denied
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from .lazy import dataclass
from .reasons import aws
from .reasons.reason import Reason
from .reasons.run import InvalidInputs


class CiDeployError(Exception):
    """Base of the tree: why, as a reason; `what` and `remedy` are its words."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.text)
        self._reason = reason

    @property
    def reason(self) -> Reason:
        return self._reason

    @property
    def what(self) -> str:
        return self.reason.text

    @property
    def remedy(self) -> str:
        return self.reason.remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with what the user gave: `where` names the input, flag, file or key; `what` continues it."""

    where: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        """`input `x` is missing.`, but `input `x`: `y` is no number.`"""
        joint = " " if self.what[:1].islower() else ": "
        return f"{self.where}{joint}{self.what}" + (f" {self.remedy}" if self.remedy else "")


class InvalidInput(CiDeployError):  # noqa: N818 - named for what the user reads
    """Inputs that cannot be used; carries all problems, so that one run shows them all."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(InvalidInputs(problems=tuple(map(str, problems))))
        self.problems = problems


class Refused(CiDeployError):  # noqa: N818
    """Preflight said no: the wrong account, a conflict, an older run, a hold, an untrusted event."""


class ErrorKind(StrEnum):
    """What a failed call to AWS means for the caller. Only the first two say "it certainly had no effect"."""

    THROTTLED = "throttled"  # rejected before any effect: repeat after a pause
    EXPIRED = "expired"  # credentials no longer valid: rejected before any effect
    UNREACHABLE = "unreachable"  # 5xx, reset, time-out, DNS: the effect is unknown
    DENIED = "denied"  # an IAM permission is missing
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"  # something else holds the resource: active deployment, pending update, precondition
    NO_CREDENTIALS = "no-credentials"
    REJECTED = "rejected"  # any other 4xx: repeating it cannot help

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed later without anybody changing anything."""
        return self in (ErrorKind.THROTTLED, ErrorKind.EXPIRED, ErrorKind.UNREACHABLE)


class AwsError(CiDeployError):
    """A call to AWS that failed, translated once at the edge.

    `operation` is AWS's own name with its service prefix as IAM writes it (`codedeploy:CreateDeployment`),
    `code` AWS's error code (or the exception's name when no answer came), `resource` what it was about.
    `retry_after`: AWS asked to wait so many seconds, 0 if it did not say.
    """

    retry_after: float = 0.0
    hint: Reason | None = None  # what the edge knows to do about it

    def __init__(self, kind: ErrorKind, *, operation: str, code: str, message: str, resource: str = "") -> None:
        super().__init__(_REASONS[kind](operation=operation, resource=resource, error=code, message=message))
        self.kind = kind
        self.operation = operation
        self.code = code
        self.message = message
        self.resource = resource

    @property
    def reason(self) -> aws.AwsFailed:
        return _REASONS[self.kind](
            operation=self.operation,
            resource=self.resource,
            error=self.code,
            message=self.message,
            hint=self.hint,
        )


_REASONS: Mapping[ErrorKind, type[aws.AwsFailed]] = {
    ErrorKind.THROTTLED: aws.AwsThrottled,
    ErrorKind.EXPIRED: aws.AwsExpired,
    ErrorKind.UNREACHABLE: aws.AwsUnreachable,
    ErrorKind.DENIED: aws.AwsDenied,
    ErrorKind.NOT_FOUND: aws.AwsNotFound,
    ErrorKind.CONFLICT: aws.AwsConflict,
    ErrorKind.NO_CREDENTIALS: aws.AwsNoCredentials,
    ErrorKind.REJECTED: aws.AwsRejected,
}
