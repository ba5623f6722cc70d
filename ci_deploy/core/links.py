"""Addresses in the AWS console, by partition (facts.md A15; anchors.md 5.26)."""

from __future__ import annotations

from urllib.parse import quote

_CONSOLES = {
    "aws-cn": "{region}.console.amazonaws.cn",
    "aws-us-gov": "{region}.console.amazonaws-us-gov.com",
    "aws-eusc": "{region}.console.amazonaws-eusc.eu",
}


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
