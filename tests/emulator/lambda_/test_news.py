"""Lambda's news: managed instances, durable executions, code that stays in S3, settings that cannot be decrypted.

Sources: botocore's Lambda model and Lambda's guide; what neither says is assumed, and listed so in the README.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from codedeploy_emulator.seed import zip_of
from tests.emulator.world import World

NAME = "checkout"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:checkout"
PROVIDER = "arn:aws:lambda:us-east-1:123456789012:capacity-provider:main"
CAPACITY = {"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": PROVIDER}}


def state(world: World, qualifier: str = "$LATEST") -> str:
    return str(world.functions.get_function_configuration(FunctionName=NAME, Qualifier=qualifier)["State"])


# --- Managed instances ---------------------------------------------------------------------------------------------


@pytest.fixture
def managed(world: World) -> World:
    """A function on managed instances with version 1, a minute old."""
    world.function(NAME, CapacityProviderConfig=CAPACITY)
    world.functions.publish_version(FunctionName=NAME)
    world.emulator.advance(60)
    return world


def test_a_version_is_pending_until_its_instances_have_started(managed: World) -> None:
    assert (state(managed), state(managed, "1")) == ("ActiveNonInvocable", "Pending")
    managed.emulator.advance(800)
    assert state(managed, "1") == "Pending"
    managed.emulator.advance(60)
    assert (state(managed), state(managed, "1")) == ("ActiveNonInvocable", "Active")
    shown = managed.functions.get_function_configuration(FunctionName=NAME, Qualifier="1")
    assert shown["CapacityProviderConfig"] == CAPACITY


def test_latest_is_never_invoked_and_a_bare_name_means_what_was_published_last(managed: World) -> None:
    managed.emulator.advance(900)
    with pytest.raises(ClientError, match="ActiveNonInvocable"):
        managed.functions.invoke(FunctionName=NAME, Qualifier="$LATEST")
    for name in (NAME, f"{NAME}:$LATEST.PUBLISHED"):
        assert managed.functions.invoke(FunctionName=name)["ExecutedVersion"] == "1"


def test_a_version_without_instances_comes_back_by_its_scaling_config(managed: World) -> None:
    managed.emulator.advance(900)
    none = {"MinExecutionEnvironments": 0, "MaxExecutionEnvironments": 0}
    where = {"FunctionName": NAME, "Qualifier": "1"}
    assert "RequestedFunctionScalingConfig" not in managed.functions.get_function_scaling_config(**where)
    managed.functions.put_function_scaling_config(**where, FunctionScalingConfig=none)
    assert managed.functions.get_function_scaling_config(**where)["RequestedFunctionScalingConfig"] == none
    assert state(managed, "1") == "Deactivated"
    with pytest.raises(ClientError, match="Deactivated"):
        managed.functions.invoke(**where)
    managed.functions.put_function_scaling_config(**where, FunctionScalingConfig={"MinExecutionEnvironments": 3})
    assert state(managed, "1") == "Pending"
    managed.emulator.advance(901)
    assert state(managed, "1") == "Active"


def test_a_version_may_fail_for_a_reason(world: World) -> None:
    world.emulator.switches(versions_fail="FunctionError.InitTimeout")
    world.function(NAME)
    world.publish(NAME, 1)
    shown = world.functions.get_function_configuration(FunctionName=NAME, Qualifier="1")
    assert (shown["State"], shown["StateReasonCode"]) == ("Failed", "FunctionError.InitTimeout")
    assert state(world) == "Active"


@pytest.mark.parametrize("qualifier", ["$LATEST", "1"])
def test_only_a_version_on_instances_has_a_scaling_config(world: World, qualifier: str) -> None:
    world.served()
    with pytest.raises(ClientError, match="published version on managed instances"):
        world.functions.get_function_scaling_config(FunctionName=NAME, Qualifier=qualifier)


# --- Durable executions --------------------------------------------------------------------------------------------


@pytest.fixture
def durable(world: World) -> World:
    world.function(NAME, DurableConfig={"ExecutionTimeout": 3600})
    world.publish(NAME, 1)
    world.publish(NAME, 2)
    return world


def executions(world: World, **asked: Any) -> list[tuple[str, str]]:
    found = world.functions.list_durable_executions_by_function(FunctionName=NAME, **asked)["DurableExecutions"]
    return [(one["FunctionArn"].rpartition(":")[2], one["Status"]) for one in found]


def test_an_execution_stays_on_its_version_until_it_is_stopped(durable: World) -> None:
    for version in ("1", "2"):
        durable.functions.invoke(
            FunctionName=NAME, Qualifier=version, InvocationType="Event", DurableExecutionName=f"order-{version}"
        )
    assert executions(durable) == [("1", "RUNNING"), ("2", "RUNNING")]
    (first,) = durable.functions.list_durable_executions_by_function(FunctionName=NAME, Qualifier="1")[
        "DurableExecutions"
    ]
    assert first["DurableExecutionName"] == "order-1"
    arn = first["DurableExecutionArn"]
    for operation, status in (
        (durable.functions.pause_durable_execution, "PAUSED"),
        (durable.functions.resume_durable_execution, "RUNNING"),
        (durable.functions.stop_durable_execution, "STOPPED"),
    ):
        operation(DurableExecutionArn=arn)
        assert executions(durable, Qualifier="1") == [("1", status)]
    assert executions(durable, Statuses=["RUNNING", "PAUSED"]) == [("2", "RUNNING")]
    with pytest.raises(ClientError, match="Durable execution not found"):
        durable.functions.stop_durable_execution(DurableExecutionArn=arn.replace("order-1", "order-9"))


def test_an_answered_invocation_and_a_usual_function_leave_no_execution(durable: World) -> None:
    durable.functions.invoke(FunctionName=NAME, Qualifier="1")
    assert executions(durable) == []
    assert durable.functions.get_function_configuration(FunctionName=NAME, Qualifier="2")["DurableConfig"]


# --- Code and settings ---------------------------------------------------------------------------------------------


@pytest.fixture
def referring(world: World) -> World:
    """A function whose code is an object in S3 that Lambda keeps no copy of."""
    s3 = world.client("s3", s3={"addressing_style": "path"})
    s3.create_bucket(Bucket="artifacts")
    s3.put_bucket_versioning(Bucket="artifacts", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="artifacts", Key="a.zip", Body=zip_of({"app.py": "x = 1\n"}))
    world.function(NAME)
    world.functions.update_function_code(
        FunctionName=NAME, S3Bucket="artifacts", S3Key="a.zip", S3ObjectStorageMode="REFERENCE"
    )
    world.functions.publish_version(FunctionName=NAME)
    return world


def code(world: World, qualifier: str = "$LATEST") -> dict[str, Any]:
    return dict(world.functions.get_function(FunctionName=NAME, Qualifier=qualifier)["Code"])


def test_code_by_reference_is_told_and_its_loss_too(referring: World) -> None:
    place = code(referring, "1")["ResolvedS3Object"]
    assert (place["S3Bucket"], place["S3Key"]) == ("artifacts", "a.zip")
    s3 = referring.client("s3", s3={"addressing_style": "path"})
    s3.delete_object(Bucket="artifacts", Key="a.zip", VersionId=place["S3ObjectVersion"])
    assert code(referring, "1")["Error"]["ErrorCode"] == "NoSuchKey"


def test_who_does_not_ask_for_a_reference_again_gets_a_copy(referring: World) -> None:
    referring.functions.update_function_code(FunctionName=NAME, S3Bucket="artifacts", S3Key="a.zip")
    assert "ResolvedS3Object" not in code(referring)
    assert "ResolvedS3Object" in code(referring, "1")


@pytest.mark.parametrize("mode", ["REFERENCE", "MOVE"])
def test_a_reference_needs_an_object(world: World, mode: str) -> None:
    world.function(NAME)
    with pytest.raises(ClientError, match=r"S3ObjectStorageMode|s3ObjectStorageMode"):
        world.functions.update_function_code(
            FunctionName=NAME, ZipFile=zip_of({"app.py": "x = 2\n"}), S3ObjectStorageMode=mode
        )


def test_who_may_not_use_the_key_gets_an_error_for_an_environment(world: World) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/one"
    world.function(NAME, KMSKeyArn=key, Environment={"Variables": {"A": "1"}})
    world.function("open", Environment={"Variables": {"A": "1"}})
    world.emulator.switches(kms_denied=True)
    shown = world.functions.get_function_configuration(FunctionName=NAME)
    assert shown["Environment"]["Error"]["ErrorCode"] == "AccessDeniedException"
    assert world.functions.get_function_configuration(FunctionName="open")["Environment"] == {"Variables": {"A": "1"}}
    world.emulator.switches(kms_denied=False)
    assert world.functions.get_function_configuration(FunctionName=NAME)["Environment"] == {"Variables": {"A": "1"}}


# --- What invokes a version ----------------------------------------------------------------------------------------


def test_event_invoke_configs_belong_to_a_qualifier(world: World) -> None:
    world.served()
    api, two = world.functions, {"FunctionName": NAME, "Qualifier": "2"}
    with pytest.raises(ClientError, match="ResourceNotFound"):
        api.get_function_event_invoke_config(**two)
    api.put_function_event_invoke_config(**two, MaximumRetryAttempts=1)
    api.put_function_event_invoke_config(FunctionName=NAME, MaximumRetryAttempts=0)
    api.update_function_event_invoke_config(**two, MaximumEventAgeInSeconds=60)
    shown = api.get_function_event_invoke_config(**two)
    assert (shown["MaximumRetryAttempts"], shown["MaximumEventAgeInSeconds"]) == (1, 60)
    found = api.list_function_event_invoke_configs(FunctionName=NAME)["FunctionEventInvokeConfigs"]
    assert [one["FunctionArn"] for one in found] == [f"{ARN}:2", f"{ARN}:$LATEST"]
    api.delete_function_event_invoke_config(FunctionName=NAME)
    api.delete_function(**two)
    assert api.list_function_event_invoke_configs(FunctionName=NAME)["FunctionEventInvokeConfigs"] == []


def test_function_urls_belong_to_the_function_or_an_alias(world: World) -> None:
    world.served()
    api, live = world.functions, {"FunctionName": NAME, "Qualifier": "live"}
    url = api.create_function_url_config(**live, AuthType="NONE")["FunctionUrl"]
    with pytest.raises(ClientError, match="ResourceConflict"):
        api.create_function_url_config(**live, AuthType="NONE")
    with pytest.raises(ClientError, match="alias or to the function"):
        api.create_function_url_config(FunctionName=NAME, Qualifier="1", AuthType="NONE")
    assert api.get_function_url_config(**live)["FunctionUrl"] == url
    found = api.list_function_url_configs(FunctionName=NAME)["FunctionUrlConfigs"]
    assert [(one["FunctionArn"], one["FunctionUrl"]) for one in found] == [(f"{ARN}:live", url)]
    api.delete_function_url_config(**live)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        api.get_function_url_config(**live)


def test_a_version_with_replicas_cannot_be_deleted(world: World) -> None:
    world.served()
    world.emulator.switches(replicated_versions="checkout:2")
    with pytest.raises(ClientError, match="because it is a replicated function"):
        world.functions.delete_function(FunctionName=NAME, Qualifier="2")
    assert world.functions.get_function_configuration(FunctionName=NAME, Qualifier="2")["Version"] == "2"


# --- Alarms --------------------------------------------------------------------------------------------------------


def test_alarms_come_by_the_kinds_that_are_asked_for(world: World) -> None:
    alarms = [
        {"name": "errors", "evaluation": "EVALUATION_ERROR"},
        {"name": "panics", "kind": "log", "state": "ALARM"},
    ]
    cloudwatch = world.client("cloudwatch")
    world.emulator._seeder.apply({"alarms": alarms})

    def described(**asked: Any) -> dict[str, list[str]]:
        found = cloudwatch.describe_alarms(**asked)
        return {
            kind: [one["AlarmName"] for one in found.get(kind) or []]
            for kind in ("MetricAlarms", "CompositeAlarms", "LogAlarms")
        }

    assert described() == {"MetricAlarms": ["errors"], "CompositeAlarms": [], "LogAlarms": []}
    everything = described(AlarmTypes=["MetricAlarm", "CompositeAlarm", "LogAlarm"])
    assert everything == {"MetricAlarms": ["errors"], "CompositeAlarms": [], "LogAlarms": ["panics"]}
    (errors,) = cloudwatch.describe_alarms(AlarmNames=["errors"])["MetricAlarms"]
    assert errors["EvaluationState"] == "EVALUATION_ERROR"
    (panics,) = cloudwatch.describe_alarms(AlarmTypes=["LogAlarm"])["LogAlarms"]
    assert panics["StateValue"] == "ALARM"
