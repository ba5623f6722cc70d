"""Addresses in the AWS console."""

from __future__ import annotations

import pytest

from ci_deploy.core.links import alias, deployment

ID = "d-A1B2C3D4E"


@pytest.mark.parametrize(
    ("partition", "region", "console"),
    [
        ("aws", "eu-central-1", "https://eu-central-1.console.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com"),
        ("aws-eusc", "eusc-de-east-1", "https://eusc-de-east-1.console.amazonaws-eusc.eu"),
        ("aws-new", "xx-east-1", "https://xx-east-1.console.aws.amazon.com"),
    ],
)
def test_every_partition_has_its_console(partition: str, region: str, console: str) -> None:
    assert deployment(partition, region, ID) == f"{console}/codesuite/codedeploy/deployments/{ID}?region={region}"
    assert alias(partition, region, "checkout", "live") == (
        f"{console}/lambda/home?region={region}#/functions/checkout/aliases/live"
    )


@pytest.mark.parametrize(("region", "deployment_id"), [("", ID), ("eu-central-1", ""), ("", "")])
def test_what_is_not_known_yet_has_no_address(region: str, deployment_id: str) -> None:
    assert deployment("aws", region, deployment_id) == ""


def test_a_name_cannot_break_out_of_its_address() -> None:
    assert deployment("aws", "eu-central-1", "d-?x#y").endswith("/deployments/d-%3Fx%23y?region=eu-central-1")
    assert alias("aws", "eu-central-1", "a#b", "c?d").endswith("#/functions/a%23b/aliases/c%3Fd")
