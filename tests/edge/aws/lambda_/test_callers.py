"""Who may invoke the function itself: GetPolicy, ListEventSourceMappings, GetFunctionUrlConfig, read as they come."""

from __future__ import annotations

import json

import pytest

from ci_deploy.core.callers import EventSource, Permission, Url
from ci_deploy.core.errors import AwsError
from ci_deploy.edge.aws.lambda_.callers import LambdaCallers
from tests.edge.fakes import StubbedAws

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:checkout"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:orders"
IDS = [f"14e0db71-3f0e-4f2a-9c1e-0d1b2c3d4e5{number}" for number in range(5)]
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:orders"
NOTHING = {"EventSourceMappings": []}


def policy(*statements: dict[str, object]) -> dict[str, object]:
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": list(statements)})}


def allow(**changes: object) -> dict[str, object]:
    return {
        "Sid": "one",
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": ARN,
    } | changes


def test_the_policy_is_that_of_the_function_without_a_qualifier(aws: StubbedAws) -> None:
    aws.expect("lambda", "get_policy", policy(allow(Condition={"ArnLike": {"AWS:SourceArn": TOPIC}})), FunctionName="f")
    assert LambdaCallers(aws).permissions("f", published=False) == (
        Permission(statement="one", principal="sns.amazonaws.com", source=TOPIC),
    )


def test_principals_actions_and_sources_come_in_every_form_that_iam_allows(aws: StubbedAws) -> None:
    aws.expect(
        "lambda",
        "get_policy",
        policy(
            allow(Sid="any", Principal="*", Action=["lambda:InvokeFunction", "lambda:GetFunction"]),
            allow(Sid="account", Principal={"AWS": ["arn:aws:iam::210987654321:root", "arn:aws:iam::1:role/x"]}),
            allow(Sid="two", Condition={"ArnLike": {"aws:SourceArn": [TOPIC, TOPIC + "2"]}, "Odd": "no object"}),
            allow(Sid="url", Principal="*", Condition={"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}),
            allow(Sid="no", Effect="Deny"),
        ),
        FunctionName="f",
    )
    assert LambdaCallers(aws).permissions("f", published=False) == (
        Permission(statement="any", principal="*"),
        Permission(statement="any", principal="*", action="lambda:GetFunction"),
        Permission(statement="account", principal="210987654321"),
        Permission(statement="account", principal="arn:aws:iam::1:role/x"),
        Permission(statement="two", principal="sns.amazonaws.com", source=TOPIC),
        Permission(statement="two", principal="sns.amazonaws.com", source=TOPIC + "2"),
        Permission(statement="url", principal="*", by_url=True),
    )


def test_one_statement_may_come_without_a_list(aws: StubbedAws) -> None:
    sent = {"Policy": json.dumps({"Statement": allow()})}
    aws.expect("lambda", "get_policy", sent, FunctionName="f")
    assert [each.statement for each in LambdaCallers(aws).permissions("f", published=False)] == ["one"]


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "[" * 100_000])
def test_a_policy_that_is_none_is_an_error_and_no_crash(aws: StubbedAws, text: str) -> None:
    aws.expect("lambda", "get_policy", {"Policy": text}, FunctionName="f")
    with pytest.raises(AwsError, match="Policy"):
        LambdaCallers(aws).permissions("f", published=False)


def test_a_function_without_policy_and_url_has_no_callers_by_them(aws: StubbedAws) -> None:
    aws.refuse("lambda", "get_policy", "ResourceNotFoundException", status=404)
    aws.refuse("lambda", "get_function_url_config", "ResourceNotFoundException", status=404)
    assert LambdaCallers(aws).permissions("f", published=False) == ()
    assert LambdaCallers(aws).url("f") is None


@pytest.mark.parametrize("operation", ["get_policy", "get_function_url_config"])
def test_a_denial_is_not_taken_for_nobody(aws: StubbedAws, operation: str) -> None:
    aws.refuse("lambda", operation, "AccessDeniedException", status=403)
    callers = LambdaCallers(aws)
    with pytest.raises(AwsError, match="AccessDenied"):
        callers.permissions("f", published=False) if operation == "get_policy" else callers.url("f")


def test_on_managed_instances_the_published_latest_is_asked_for_too(aws: StubbedAws) -> None:
    aws.expect("lambda", "get_policy", policy(allow()), FunctionName="f")
    aws.expect("lambda", "get_policy", policy(allow(Sid="two")), FunctionName="f", Qualifier="$LATEST.PUBLISHED")
    aws.expect("lambda", "list_event_source_mappings", NOTHING, FunctionName="f")
    mapping = {"UUID": IDS[0], "FunctionArn": f"{ARN}:$LATEST.PUBLISHED", "State": "Enabled"}
    aws.expect(
        "lambda",
        "list_event_source_mappings",
        {"EventSourceMappings": [mapping]},
        FunctionName="f:$LATEST.PUBLISHED",
    )
    callers = LambdaCallers(aws)
    assert [each.statement for each in callers.permissions("f", published=True)] == ["one", "two"]
    assert callers.event_sources("f", published=True) == (EventSource(uuid=IDS[0]),)


def test_mappings_of_the_alias_and_disabled_ones_are_left_out(aws: StubbedAws) -> None:
    first = {
        "EventSourceMappings": [
            {"UUID": IDS[1], "FunctionArn": ARN, "EventSourceArn": QUEUE, "State": "Enabled"},
            {"UUID": IDS[2], "FunctionArn": f"{ARN}:live", "EventSourceArn": QUEUE, "State": "Enabled"},
        ],
        "NextMarker": "m",
    }
    second = {
        "EventSourceMappings": [
            {"UUID": IDS[3], "FunctionArn": ARN, "EventSourceArn": QUEUE, "State": "Disabled"},
            {"UUID": IDS[4], "FunctionArn": f"{ARN}:$LATEST", "State": "Creating"},
        ]
    }
    aws.expect("lambda", "list_event_source_mappings", first, FunctionName="f")
    aws.expect("lambda", "list_event_source_mappings", second, FunctionName="f", Marker="m")
    assert LambdaCallers(aws).event_sources("f", published=False) == (
        EventSource(uuid=IDS[1], source=QUEUE),
        EventSource(uuid=IDS[4]),
    )


def test_a_url_has_an_address_and_says_who_may_use_it(aws: StubbedAws) -> None:
    sent = {
        "FunctionUrl": "https://abc.lambda-url.eu-central-1.on.aws/",
        "FunctionArn": ARN,
        "AuthType": "NONE",
        "CreationTime": "x",
        "LastModifiedTime": "x",
    }
    aws.expect("lambda", "get_function_url_config", sent, FunctionName="f")
    assert LambdaCallers(aws).url("f") == Url(address="https://abc.lambda-url.eu-central-1.on.aws/", auth="NONE")
