"""Facts of reasons that most tests of the machine share."""

from __future__ import annotations

from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.reasons.aws import AwsFailed
from ci_deploy.core.reasons.commands import PutBack, Where
from ci_deploy.core.reasons.reason import Said


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


def saying(code: str, text: str, remedy: str = "") -> Said:
    """A reason whose words are the test's own."""
    return Said(code=code, said=text, advice=remedy)


def aws(kind: ErrorKind, operation: str, error: str = "Fault", message: str = "weather") -> AwsFailed:
    """A call that failed, as the weather of `playing` fails it unless the test says more."""
    return AwsError(kind, operation=operation, code=error, message=message).reason
