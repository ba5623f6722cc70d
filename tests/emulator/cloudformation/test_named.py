"""CloudFormation as far as somebody looks on: stacks that were named, their resources, and events of what changed."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError

from tests.emulator.world import World

ALIAS = "arn:aws:lambda:us-east-1:123456789012:function:checkout:live"


def stack(
    status: str = "CREATE_COMPLETE", *resources: dict[str, str], name: str = "shop", **more: str
) -> dict[str, Any]:
    return {"name": name, "status": status, "resources": list(resources), **more}


def alias(status: str = "CREATE_COMPLETE", reason: str = "") -> dict[str, str]:
    return {"logical": "Alias", "type": "AWS::Lambda::Alias", "physical": ALIAS, "status": status, "reason": reason}


def test_a_stack_is_described_with_its_resources(world: World) -> None:
    world.emulator.stacks([stack("CREATE_COMPLETE", alias())])
    cloudformation = world.client("cloudformation")
    (described,) = cloudformation.describe_stacks(StackName="shop")["Stacks"]
    assert (described["StackName"], described["StackStatus"]) == ("shop", "CREATE_COMPLETE")
    assert described["CreationTime"].timestamp() == pytest.approx(world.emulator.now, abs=0.01)
    assert "LastUpdatedTime" not in described
    (resource,) = cloudformation.list_stack_resources(StackName="shop")["StackResourceSummaries"]
    assert (resource["ResourceType"], resource["PhysicalResourceId"]) == ("AWS::Lambda::Alias", ALIAS)


def test_what_changes_becomes_an_event_newest_first(world: World) -> None:
    world.emulator.stacks([stack("CREATE_COMPLETE", alias())])
    world.emulator.advance(60)
    world.emulator.stacks([stack("UPDATE_IN_PROGRESS", alias("UPDATE_IN_PROGRESS"))])
    world.emulator.advance(30)
    world.emulator.stacks([stack("UPDATE_ROLLBACK_COMPLETE", alias("UPDATE_FAILED", "Rollback successful"))])
    cloudformation = world.client("cloudformation")
    events = cloudformation.describe_stack_events(StackName="shop")["StackEvents"]
    assert [(each["LogicalResourceId"], each["ResourceStatus"]) for each in events] == [
        ("shop", "UPDATE_ROLLBACK_COMPLETE"),
        ("Alias", "UPDATE_FAILED"),
        ("Alias", "UPDATE_IN_PROGRESS"),
        ("shop", "UPDATE_IN_PROGRESS"),
        ("shop", "CREATE_COMPLETE"),
        ("Alias", "CREATE_COMPLETE"),
    ]
    assert events[1]["ResourceStatusReason"] == "Rollback successful"
    assert events[1]["Timestamp"].timestamp() - events[2]["Timestamp"].timestamp() == pytest.approx(30, abs=0.01)
    (described,) = cloudformation.describe_stacks(StackName="shop")["Stacks"]
    assert described["LastUpdatedTime"].timestamp() == pytest.approx(world.emulator.now - 30, abs=0.01)


def test_a_nested_stack_is_a_resource_that_has_its_id(world: World) -> None:
    nested = {"logical": "Functions", "type": "AWS::CloudFormation::Stack", "physical": "shop-functions"}
    world.emulator.stacks([
        stack("CREATE_COMPLETE", nested),
        stack("CREATE_COMPLETE", alias(), name="shop-functions", parent="shop"),
    ])  # fmt: skip
    cloudformation = world.client("cloudformation")
    (resource,) = cloudformation.list_stack_resources(StackName="shop")["StackResourceSummaries"]
    (described,) = cloudformation.describe_stacks(StackName=resource["PhysicalResourceId"])["Stacks"]
    assert described["StackName"] == "shop-functions"
    assert described["ParentId"].split("/")[1] == "shop"


def test_many_resources_come_by_pages(world: World) -> None:
    many = [{"logical": f"Q{number}", "type": "AWS::SQS::Queue"} for number in range(130)]
    world.emulator.stacks([stack("CREATE_COMPLETE", *many)])
    pages = list(world.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName="shop"))
    assert [len(page["StackResourceSummaries"]) for page in pages] == [100, 30]


@pytest.mark.parametrize("operation", ["describe_stacks", "list_stack_resources", "describe_stack_events"])
def test_a_stack_that_does_not_exist_is_a_validation_error(world: World, operation: str) -> None:
    with pytest.raises(ClientError, match="does not exist") as refused:
        getattr(world.client("cloudformation"), operation)(StackName="nowhere")
    assert refused.value.response["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({}, "a JSON array"),
        ([{"status": "CREATE_COMPLETE"}], "a stack has a name"),
        ([{"name": "shop", "colour": "red"}], "a stack has a name"),
        ([{"name": "shop", "resources": [{"logical": "A"}]}], "has logical and type"),
    ],
)
def test_the_control_endpoint_says_what_it_does_not_understand(world: World, entries: object, says: str) -> None:
    url = f"{world.emulator.url}/_emulator/stacks"
    with urlopen(Request(url, json.dumps([stack()]).encode(), method="POST")) as answer:
        assert json.load(answer) == [stack()]
    with pytest.raises(HTTPError) as refused:
        urlopen(Request(url, json.dumps(entries).encode(), method="POST"))
    assert says in json.load(refused.value)["message"]
    with urlopen(url) as answer:
        assert json.load(answer) == [stack()]


def test_aws_answers_with_its_own_time(world: World) -> None:
    """Clients compare AWS's stamps with AWS's clock, which is the Date of an answer."""
    from email.utils import parsedate_to_datetime

    world.emulator.advance(7200)
    answer = world.codedeploy.list_deployments()["ResponseMetadata"]["HTTPHeaders"]
    assert parsedate_to_datetime(answer["date"]).timestamp() == pytest.approx(world.emulator.now, abs=1)
