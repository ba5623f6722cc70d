"""Facts of reasons that most tests of the machine share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ci_deploy.core.errors import AwsError, ErrorKind, Refused
from ci_deploy.core.reasons.aws import AwsFailed
from ci_deploy.core.reasons.commands import PutBack, Where
from ci_deploy.core.reasons.reason import Reason


def where(function: str = "checkout") -> Where:
    return Where(
        function=function,
        alias="live",
        application="app",
        group="group",
        region="eu-central-1",
        account="123456789012",
    )


def put_back(version: str = "1") -> PutBack:
    return PutBack(where=where(), version=version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Reason):
    """A reason whose words are the test's own: tests of what is done with a reason need none of the product's."""

    means: ClassVar = "Whatever the test says."
    code: str  # type: ignore[misc]
    said: str
    advice: str = ""
    urgent: bool = False  # type: ignore[misc]

    @property
    def text(self) -> str:
        return self.said

    @property
    def remedy(self) -> str:
        return self.advice


def saying(code: str, text: str, remedy: str = "") -> Said:
    return Said(code=code, said=text, advice=remedy)


def refused(text: str, remedy: str = "") -> Refused:
    """A refusal in the test's own words."""
    return Refused(saying("refused", text, remedy))


def aws(kind: ErrorKind, operation: str, error: str = "Fault", message: str = "weather") -> AwsFailed:
    """A call that failed, as the weather of `playing` fails it unless the test says more."""
    return AwsError(kind, operation=operation, code=error, message=message).reason
