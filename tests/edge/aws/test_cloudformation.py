"""A stack as CloudFormation describes it, nested stacks included."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ci_deploy.core.errors import AwsError
from ci_deploy.core.stacks import Stack, StackEvent
from ci_deploy.edge.aws.cloudformation import CloudFormationStacks
from tests.edge.fakes import StubbedAws

ALIAS = "arn:aws:lambda:eu-central-1:123456789012:function:checkout:live"
NESTED = "arn:aws:cloudformation:eu-central-1:123456789012:stack/shop-Functions-1/x"


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def described(status: str = "UPDATE_COMPLETE", **more: Any) -> dict[str, Any]:
    return {"Stacks": [{"StackName": "shop", "CreationTime": at(100), "StackStatus": status, **more}]}


def resource(kind: str, physical: str = "") -> dict[str, Any]:
    sent = {
        "LogicalResourceId": "X",
        "ResourceType": f"AWS::{kind}",
        "LastUpdatedTimestamp": at(100),
        "ResourceStatus": "CREATE_COMPLETE",
    }
    return sent | ({"PhysicalResourceId": physical} if physical else {})


def event(name: str, status: str, seconds: int, said: str = "", kind: str = "AWS::Lambda::Alias") -> dict[str, Any]:
    sent = {
        "StackId": "s",
        "EventId": f"{name}{seconds}",
        "StackName": "shop",
        "LogicalResourceId": name,
        "ResourceType": kind,
        "Timestamp": at(seconds),
        "ResourceStatus": status,
    }
    return sent | ({"ResourceStatusReason": said} if said else {})


def test_groups_applications_and_aliases_are_read_in_nested_stacks_too(aws: StubbedAws) -> None:
    aws.expect("cloudformation", "describe_stacks", described(LastUpdatedTime=at(500)), StackName="shop")
    first = {
        "StackResourceSummaries": [
            resource("CloudFormation::Stack", NESTED),
            resource("CodeDeploy::Application", "shop-app"),
            resource("CodeDeploy::DeploymentGroup"),  # not made yet
        ],
        "NextToken": "more",
    }
    second = {"StackResourceSummaries": [resource("CodeDeploy::DeploymentGroup", "shop-group")]}
    inner = {"StackResourceSummaries": [resource("Lambda::Alias", ALIAS), resource("CloudFormation::Stack", NESTED)]}
    aws.expect("cloudformation", "list_stack_resources", first, StackName="shop")
    aws.expect("cloudformation", "list_stack_resources", second, StackName="shop", NextToken="more")
    aws.expect("cloudformation", "list_stack_resources", inner, StackName=NESTED)
    assert CloudFormationStacks(aws).stack("shop") == Stack(
        name="shop",
        status="UPDATE_COMPLETE",
        updated=500.0,
        applications=frozenset({"shop-app"}),
        groups=frozenset({"shop-group"}),
        aliases=frozenset({("checkout", "live")}),
    )


def test_what_failed_since_the_update_began_is_told_oldest_first(aws: StubbedAws) -> None:
    status = "UPDATE_ROLLBACK_IN_PROGRESS"
    aws.expect("cloudformation", "describe_stacks", described(status, LastUpdatedTime=at(500)), StackName="shop")
    aws.expect("cloudformation", "list_stack_resources", {"StackResourceSummaries": []}, StackName="shop")
    events = [
        event("shop", status, 560, "one failed", "AWS::CloudFormation::Stack"),
        event("Queue", "UPDATE_FAILED", 551, "Resource update cancelled"),
        event("Other", "CREATE_FAILED", 552, "no room"),
        event("Alias", "UPDATE_FAILED", 550, "Rollback successful"),
        event("Alias", "UPDATE_FAILED", 549),
        event("Alias", "UPDATE_FAILED", 400, "the time before"),
    ]
    aws.expect("cloudformation", "describe_stack_events", {"StackEvents": events}, StackName="shop")
    found = CloudFormationStacks(aws).stack("shop")
    assert found is not None
    assert found.busy
    assert found.rolls_back_since == 560.0
    assert found.failed == (
        StackEvent(
            stack="shop",
            resource="Alias",
            kind="AWS::Lambda::Alias",
            status="UPDATE_FAILED",
            said="Rollback successful",
            at=550.0,
        ),
        StackEvent(
            stack="shop", resource="Other", kind="AWS::Lambda::Alias", status="CREATE_FAILED", said="no room", at=552.0
        ),
    )


def test_a_stack_that_is_not_there_yet_is_none_and_a_denial_is_an_error(aws: StubbedAws) -> None:
    aws.refuse("cloudformation", "describe_stacks", "ValidationError", message="Stack with id shop does not exist")
    assert CloudFormationStacks(aws).stack("shop") is None
    aws.refuse("cloudformation", "describe_stacks", "AccessDenied", status=403)
    with pytest.raises(AwsError, match="AccessDenied"):
        CloudFormationStacks(aws).stack("shop")


def test_a_nested_stack_that_the_update_has_deleted_has_nothing_more_to_say(aws: StubbedAws) -> None:
    status = "UPDATE_ROLLBACK_IN_PROGRESS"
    aws.expect("cloudformation", "describe_stacks", described(status), StackName="shop")
    nested = {"StackResourceSummaries": [resource("CloudFormation::Stack", NESTED)]}
    aws.expect("cloudformation", "list_stack_resources", nested, StackName="shop")
    aws.expect("cloudformation", "describe_stack_events", {"StackEvents": []}, StackName="shop")
    gone = f"Stack with id {NESTED} does not exist"
    aws.refuse("cloudformation", "list_stack_resources", "ValidationError", message=gone)
    aws.refuse("cloudformation", "describe_stack_events", "ValidationError", message=gone)
    assert CloudFormationStacks(aws).stack("shop") == Stack(name="shop", status=status, updated=100.0)
