"""Parts of sentences that several reasons share."""

from __future__ import annotations

from typing import TypeAlias

from ..aws import NotPermitted, Unavailable

Unread: TypeAlias = NotPermitted | Unavailable


def unread(fact: Unread) -> str:
    """Why something could not be read."""
    return f"not permitted, needs {fact.action}" if isinstance(fact, NotPermitted) else fact.why


def repair_command(function: str, alias: str, version: str) -> str:
    """The command that puts all traffic of an alias on one version."""
    return (
        f"`aws lambda update-alias --function-name {function} --name {alias} --function-version {version} "
        "--routing-config AdditionalVersionWeights={}`"
    )


def role_name(arn: str) -> str:
    """The deployment group's service role, as people call it."""
    return arn.split("/")[-1] or "the service role"


def instead(groups: str, applications: str) -> str:
    """What to do about a deployment group that does not exist: what there is, where that may be listed."""
    setup = "Check `aws-region`, or run `setup` to create it."
    if groups:
        return f"The application has {groups}. {setup}"
    if applications:
        return f"Lambda applications in this account: {applications}. {setup}"
    return f"Check `application` and `deployment-group`. {setup}"


def counted(files: int) -> str:
    return "one file" if files == 1 else f"{files:,} files"
