"""Addresses: in the AWS console, by partition (facts.md A15; anchors.md 5.26), and those that others gave."""

from __future__ import annotations

import re
from urllib.parse import quote

PAGES = "https://github.com/your-org/ci-deploy/blob/main/docs/"
ISSUES = "https://github.com/your-org/ci-deploy/issues"
AWS_STATUS = "https://health.aws.amazon.com/"
GITHUB_STATUS = "https://www.githubstatus.com/"
# Those that our own sentences name: whoever wrote one of them, it leads to nothing but these.
NAMED = re.compile(
    rf"{re.escape(PAGES)}[A-Za-z0-9/-]+\.(?:md|json)|" + "|".join(map(re.escape, (ISSUES, AWS_STATUS, GITHUB_STATUS)))
)
MASK = "***"
_LOGIN = re.compile(r"(?<=://)[^\s/?#]*@")

_CONSOLES = {
    "aws-cn": "{region}.console.amazonaws.cn",
    "aws-us-gov": "{region}.console.amazonaws-us-gov.com",
    "aws-eusc": "{region}.console.amazonaws-eusc.eu",
}


def without_login(text: str) -> str:
    """The text, each address in it without user name and password: `https://***@host`."""
    return _LOGIN.sub(f"{MASK}@", text) if "://" in text else text


def _console(partition: str, region: str) -> str:
    return "https://" + _CONSOLES.get(partition, "{region}.console.aws.amazon.com").format(region=region)


def deployment(partition: str, region: str, deployment_id: str) -> str:
    if not (region and deployment_id):
        return ""
    return f"{_console(partition, region)}/codesuite/codedeploy/deployments/{quote(deployment_id)}?region={region}"


def alias(partition: str, region: str, function: str, name: str) -> str:
    return (
        f"{_console(partition, region)}/lambda/home?region={region}#/functions/{quote(function)}/aliases/{quote(name)}"
    )


def page(name: str) -> str:
    """A page of our documentation, for readers who have a report and not the repository."""
    return f"{PAGES}{name}"
