"""Deployments over the API: what happens to the alias, and why a deployment fails (facts A1 to A9)."""

from __future__ import annotations

import re
import threading

import pytest
import requests
from botocore.exceptions import ClientError, WaiterError

from codedeploy_emulator.codedeploy.model import preparation
from codedeploy_emulator.codedeploy.model.engine import execution_id
from codedeploy_emulator.lambda_ import processes as functions
from codedeploy_emulator.seed import zip_of
from tests.emulator.world import APP, AT_ONCE, CANARY, GROUP, LINEAR, World, appspec, content


def test_a_canary_moves_the_real_alias_step_by_step(shop: World) -> None:
    deployment = shop.deploy()
    assert (shop.status(deployment), shop.traffic()) == ("Created", {"1": 1.0})
    shop.emulator.advance(5)
    assert (shop.status(deployment), shop.traffic()) == ("InProgress", {"1": 0.9, "2": 0.1})
    assert shop.target(deployment)["lambdaFunctionInfo"]["targetVersionWeight"] == 0.1
    shop.emulator.advance(290)
    assert shop.traffic() == {"1": 0.9, "2": 0.1}
    shop.emulator.advance(20)
    assert (shop.status(deployment), shop.traffic()) == ("Succeeded", {"2": 1.0})
    assert list(shop.events(deployment).values()) == ["Succeeded", "Succeeded", "Succeeded"]


def test_get_alias_alone_shows_the_weight_of_this_moment(shop: World) -> None:
    shop.deploy(deploymentConfigName=LINEAR)
    seen = []
    for _ in range(11):
        shop.emulator.advance(60)
        seen.append(shop.traffic().get("2", 0.0))
    assert seen == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.0]


def test_the_alias_has_a_new_revision_id_after_each_shift(shop: World) -> None:
    shop.deploy()
    seen = set()
    for seconds in (0, 5, 320):
        shop.emulator.advance(seconds)
        seen.add(shop.functions.get_alias(FunctionName="checkout", Name="live")["RevisionId"])
    assert len(seen) == 3


def test_ids_are_d_and_nine_capitals_or_digits(shop: World) -> None:
    assert re.fullmatch(r"d-[A-Z0-9]{9}", shop.deploy())


def test_a_group_has_one_active_deployment_and_says_which(shop: World) -> None:
    first = shop.deploy()
    with pytest.raises(shop.codedeploy.exceptions.DeploymentLimitExceededException) as refused:
        shop.deploy()
    assert f"The Deployment Group '{GROUP}' already has an active Deployment '{first}'" in str(refused.value)
    shop.emulator.advance(400)
    shop.deploy("2", "1")


def test_the_older_wording_of_the_conflict_can_be_played(shop: World) -> None:
    shop.emulator.switches(conflict_message="older")
    first = shop.deploy()
    with pytest.raises(ClientError, match=f"is already deploying deployment '{first}'"):
        shop.deploy()


def test_a_revision_in_s3_is_read_when_the_deployment_starts(shop: World) -> None:
    s3 = shop.client("s3")
    s3.create_bucket(Bucket="specs")
    stored = s3.put_object(Bucket="specs", Key="CodeDeploy/a.json", Body=appspec("1", "2"))
    location = {"bucket": "specs", "key": "CodeDeploy/a.json", "bundleType": "JSON", "eTag": stored["ETag"]}
    deployment = shop.codedeploy.create_deployment(
        applicationName=APP, deploymentGroupName=GROUP, revision={"revisionType": "S3", "s3Location": location}
    )["deploymentId"]
    shop.emulator.advance(400)
    assert shop.status(deployment) == "Succeeded"


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ({"bucket": "specs", "key": "none"}, "REVISION_MISSING"),
        ({"bucket": "none", "key": "a"}, "REVISION_MISSING"),
        ({"bucket": "specs", "key": "a", "eTag": "0123"}, "INVALID_REVISION"),
    ],
)
def test_a_revision_that_is_not_there_fails_the_deployment(shop: World, location: dict, code: str) -> None:
    shop.client("s3").create_bucket(Bucket="specs")
    shop.client("s3").put_object(Bucket="specs", Key="a", Body=appspec("1", "2"))
    revision = {"revisionType": "S3", "s3Location": {**location, "bundleType": "YAML"}}
    deployment = shop.codedeploy.create_deployment(applicationName=APP, deploymentGroupName=GROUP, revision=revision)[
        "deploymentId"
    ]
    shop.emulator.advance(5)
    assert (shop.status(deployment), shop.error(deployment)) == ("Failed", code)


def test_a_current_version_that_the_alias_does_not_serve_fails_with_awss_text(shop: World) -> None:
    deployment = shop.deploy("2", "1")
    assert shop.status(deployment) == "Created"
    shop.emulator.advance(5)
    information = shop.info(deployment)["errorInformation"]
    assert information["code"] == "INVALID_LAMBDA_CONFIGURATION"
    assert "alias version does not match the current version in AppSpec file" in information["message"]


def test_equal_versions_fail_under_canary_and_pass_all_at_once(shop: World) -> None:
    deployment = shop.deploy("1", "1")
    shop.emulator.advance(60)
    assert shop.error(deployment) == "INVALID_LAMBDA_CONFIGURATION"
    deployment = shop.deploy("1", "1", deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    assert shop.status(deployment) == "Succeeded"


def test_an_alias_that_is_already_split_fails_every_deployment_until_it_is_mended(shop: World) -> None:
    split = {"AdditionalVersionWeights": {"2": 0.1}}
    shop.functions.update_alias(FunctionName="checkout", Name="live", RoutingConfig=split)
    deployment = shop.deploy()
    shop.emulator.advance(60)
    assert shop.error(deployment) == "INVALID_LAMBDA_CONFIGURATION"
    shop.emulator.switches(split_alias_with_matching_primary="accept")
    deployment = shop.deploy()
    shop.emulator.advance(400)
    assert shop.status(deployment) == "Succeeded"


def test_an_alias_at_latest_cannot_be_deployed_to(shop: World) -> None:
    shop.functions.update_alias(FunctionName="checkout", Name="live", FunctionVersion="$LATEST")
    deployment = shop.deploy()
    shop.emulator.advance(60)
    assert shop.error(deployment) == "INVALID_LAMBDA_CONFIGURATION"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"function": "nobody"}, "INVALID_LAMBDA_FUNCTION"),
        ({"target": "9"}, "INVALID_LAMBDA_FUNCTION"),
        ({"alias": "none"}, "INVALID_LAMBDA_CONFIGURATION"),
        ({"current": "$LATEST"}, "INVALID_LAMBDA_CONFIGURATION"),
        ({"target": "two"}, "INVALID_LAMBDA_CONFIGURATION"),
    ],
)
def test_missing_functions_versions_and_aliases_fail_the_deployment(shop: World, arguments: dict, code: str) -> None:
    deployment = shop.deploy(**arguments)
    shop.emulator.advance(60)
    assert (shop.status(deployment), shop.error(deployment)) == ("Failed", code)


RESOURCE = "version: 0.0\nResources:\n  - f:\n      "
HOOKS = appspec("1", "2", before="x")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("just a text", "it is not a mapping"),
        ("{unclosed", "The input AppSpec file is a not well-formed yaml. The template cannot be parsed."),
        ("a: [b", "The input AppSpec file is a not well-formed yaml. The template cannot be parsed."),
        ("version: 1.0\nResources: []", "its version is 1.0 and must be 0.0"),
        ("Resources: []", "its version is None and must be 0.0"),
        ("version: 0.0\nResources: []", "Resources must be a list of exactly one function"),
        ("version: 0.0\nResources:\n  f: {}", "Resources must be a list of exactly one function"),
        ("version: 0.0\nResources:\n  - f", "a resource must be a mapping with one logical name"),
        ("version: 0.0\nResources:\n  - f: {}\n    g: {}", "a resource must be a mapping with one logical name"),
        ("version: 0.0\nResources:\n  - f: text", "the resource has no content"),
        (RESOURCE + "Type: AWS::EC2::Instance", "Type is 'AWS::EC2::Instance' and must be AWS::Lambda::Function"),
        (RESOURCE + "Type: AWS::Lambda::Function", "the resource has no Properties"),
        (appspec("1", "2").replace('"Name": "checkout", ', ""), "Name is missing"),
        (appspec("1", "2", alias=""), "Alias is missing"),
        (appspec("$LATEST", "2"), "CurrentVersion is '$LATEST' and must be a positive whole number"),
        (appspec("1", "0"), "TargetVersion is '0' and must be a positive whole number"),
        (HOOKS.replace("BeforeAllowTraffic", "BeforeInstall"), "the hook 'BeforeInstall' does not exist for Lambda"),
        (HOOKS.replace('[{"BeforeAllowTraffic": "x"}]', '{"BeforeAllowTraffic": "x"}'), "Hooks must be a list"),
        (HOOKS.replace('{"BeforeAllowTraffic": "x"}', '"x"'), "each hook must be a mapping with one key"),
        (HOOKS.replace('"x"', '""'), "the hook 'BeforeAllowTraffic' names no function"),
        (
            appspec("1", "2", before="x", after="y").replace("AfterAllow", "beforeAllow"),
            "the hook 'beforeAllowTraffic' is named twice",
        ),
    ],
)
def test_an_appspec_that_makes_no_sense_fails_the_deployment_and_names_no_target(
    shop: World, text: str, reason: str
) -> None:
    deployment = shop.codedeploy.create_deployment(
        applicationName=APP, deploymentGroupName=GROUP, revision=content(text)
    )["deploymentId"]
    shop.emulator.advance(5)
    info = shop.info(deployment)
    assert (info["status"], info["errorInformation"]["code"]) == ("Failed", "INVALID_LAMBDA_CONFIGURATION")
    assert info["errorInformation"]["message"].startswith(
        "The deployment failed because the AppSpec file that specifies the AWS Lambda deployment configuration is "
        "missing or has an invalid configuration. "
    )
    assert reason in info["errorInformation"]["message"]
    assert shop.traffic() == {"1": 1.0}


def test_a_deployment_whose_appspec_names_no_function_has_no_target(shop: World) -> None:
    revision = content("version: 0.0")
    given = {"applicationName": APP, "deploymentGroupName": GROUP, "revision": revision}
    deployment = shop.codedeploy.create_deployment(**given)["deploymentId"]
    shop.emulator.advance(5)
    assert shop.codedeploy.list_deployment_targets(deploymentId=deployment)["targetIds"] == []
    with pytest.raises(shop.codedeploy.exceptions.DeploymentTargetDoesNotExistException):
        shop.codedeploy.get_deployment_target(deploymentId=deployment, targetId="checkout")


def test_appspec_keys_may_have_any_case_and_version_may_be_a_text(shop: World) -> None:
    text = """
version: "0.0"
resources:
  - f:
      type: AWS::Lambda::Function
      properties: {name: checkout, alias: live, currentversion: 1, targetversion: 2}
"""
    deployment = shop.codedeploy.create_deployment(
        applicationName=APP,
        deploymentGroupName=GROUP,
        revision={"revisionType": "String", "string": {"content": text}},
    )["deploymentId"]
    shop.emulator.advance(400)
    assert shop.status(deployment) == "Succeeded"


def test_targets_are_not_there_before_the_deployment_starts(shop: World) -> None:
    deployment = shop.deploy()
    for ask in (
        lambda: shop.codedeploy.list_deployment_targets(deploymentId=deployment),
        lambda: shop.codedeploy.get_deployment_target(deploymentId=deployment, targetId="checkout"),
        lambda: shop.codedeploy.batch_get_deployment_targets(deploymentId=deployment, targetIds=["checkout"]),
    ):
        with pytest.raises(shop.codedeploy.exceptions.DeploymentNotStartedException):
            ask()


def test_get_deployment_never_shows_the_appspec_and_get_application_revision_does(shop: World) -> None:
    deployment = shop.deploy()
    revision = shop.info(deployment)["revision"]
    assert "content" not in revision["appSpecContent"]
    found = shop.codedeploy.get_application_revision(applicationName=APP, revision=revision)
    assert found["revision"]["appSpecContent"]["content"] == appspec("1", "2")
    again = shop.codedeploy.create_deployment
    shop.emulator.advance(400)
    shop.functions.update_alias(FunctionName="checkout", Name="live", FunctionVersion="1")
    second = again(applicationName=APP, deploymentGroupName=GROUP, revision=revision)["deploymentId"]
    shop.emulator.advance(400)
    assert shop.status(second) == "Succeeded"


# Hooks


def test_hooks_run_in_their_events_and_a_failing_one_fails_the_deployment(shop: World) -> None:
    shop.function("CodeDeployHook_a")
    shop.emulator.scripts(CodeDeployHook_a={"outcome": "fail", "log": ["the basket was empty"]})
    deployment = shop.deploy(before="CodeDeployHook_a")
    shop.emulator.advance(60)
    assert (shop.status(deployment), shop.error(deployment)) == ("Failed", "HOOK_EXECUTION_FAILURE")
    event = shop.target(deployment)["lifecycleEvents"][0]
    assert (event["status"], event["diagnostics"]["errorCode"]) == ("Failed", "ScriptFailed")
    assert "the basket was empty" in event["diagnostics"]["logTail"]
    assert shop.traffic() == {"1": 1.0}


@pytest.mark.parametrize("outcome", ["crash", "silent"])
def test_a_hook_that_does_not_call_back_hangs_for_an_hour(shop: World, outcome: str) -> None:
    shop.function("CodeDeployHook_a")
    shop.emulator.scripts(CodeDeployHook_a=outcome)
    deployment = shop.deploy(before="CodeDeployHook_a")
    shop.emulator.advance(3590)
    assert shop.status(deployment) == "InProgress"
    shop.emulator.advance(20)
    assert shop.error(deployment) == "HOOK_EXECUTION_FAILURE"
    assert shop.target(deployment)["lifecycleEvents"][0]["diagnostics"]["errorCode"] == "ScriptTimedOut"


def test_a_hook_function_that_is_missing_fails_its_event(shop: World) -> None:
    deployment = shop.deploy(before="CodeDeployHook_nobody")
    shop.emulator.advance(60)
    assert shop.error(deployment) == "HOOK_EXECUTION_FAILURE"
    assert shop.target(deployment)["lifecycleEvents"][0]["diagnostics"]["errorCode"] == "ScriptMissing"


def test_under_the_managed_role_a_hook_must_have_the_name_that_its_policy_allows(shop: World) -> None:
    shop.function("smoke-test")
    iam = shop.client("iam")
    iam.create_role(RoleName="codedeploy", AssumeRolePolicyDocument='{"Version":"2012-10-17","Statement":[]}')
    policy = "arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"
    iam.attach_role_policy(RoleName="codedeploy", PolicyArn=policy)
    deployment = shop.deploy(before="smoke-test")
    shop.emulator.advance(60)
    assert shop.error(deployment) == "IAM_ROLE_PERMISSIONS"
    assert "does not give you permission to perform operations" in shop.info(deployment)["errorInformation"]["message"]
    shop.emulator.switches(hook_name_check="never")
    deployment = shop.deploy(before="smoke-test")
    shop.emulator.advance(400)
    assert shop.status(deployment) == "Succeeded"


HOOK = """
import boto3


def handler(event, context):
    print("checking", context.aws_request_id)
    boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status="Succeeded",
    )
"""


def test_a_hooks_python_code_really_runs_and_calls_back(shop: World) -> None:
    shop.emulator.switches(hooks="run")
    shop.function("CodeDeployHook_real", HOOK, Timeout=30)
    deployment = shop.deploy(before="CodeDeployHook_real", deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    assert shop.status(deployment) == "Succeeded"
    called = [call["operation"] for call in shop.emulator.calls]
    assert "PutLifecycleEventHookExecutionStatus" in called
    logged = shop.client("logs").filter_log_events(logGroupName="/aws/lambda/CodeDeployHook_real")["events"]
    lines = [event["message"] for event in logged]
    identity = lines[0].split()[2]
    assert lines[0].startswith(f"START RequestId: {identity} Version: $LATEST")
    assert lines[1] == f"checking {identity}\n"
    assert lines[2].startswith(f"END RequestId: {identity}")
    assert lines[3].startswith(f"REPORT RequestId: {identity}")
    started = shop.target(deployment)["lifecycleEvents"][0]["startTime"].timestamp()
    assert logged[0]["timestamp"] == round(started * 1000)


def test_a_hook_that_raises_leaves_its_trace_in_the_log_and_hangs(shop: World) -> None:
    shop.emulator.switches(hooks="run")
    shop.function("CodeDeployHook_bad", "def handler(event, context):\n    raise ValueError('no stock')\n")
    deployment = shop.deploy(before="CodeDeployHook_bad")
    shop.emulator.advance(3700)
    event = shop.target(deployment)["lifecycleEvents"][0]
    assert event["diagnostics"]["errorCode"] == "ScriptTimedOut"
    assert "[ERROR] ValueError: no stock" in event["diagnostics"]["logTail"]


def test_hook_status_errors_are_awss(shop: World) -> None:
    shop.function("CodeDeployHook_a")
    shop.emulator.scripts(CodeDeployHook_a="silent")
    deployment = shop.deploy(before="CodeDeployHook_a")
    shop.emulator.advance(10)
    put, errors = shop.codedeploy.put_lifecycle_event_hook_execution_status, shop.codedeploy.exceptions
    execution = execution_id(deployment, 1)
    with pytest.raises(errors.InvalidLifecycleEventHookExecutionStatusException):
        put(deploymentId=deployment, lifecycleEventHookExecutionId=execution, status="Skipped")
    with pytest.raises(errors.InvalidLifecycleEventHookExecutionIdException):
        put(deploymentId=deployment, lifecycleEventHookExecutionId="other", status="Succeeded")
    put(deploymentId=deployment, lifecycleEventHookExecutionId=execution, status="Succeeded")
    with pytest.raises(errors.LifecycleEventAlreadyCompletedException):
        put(deploymentId=deployment, lifecycleEventHookExecutionId=execution, status="Failed")
    shop.emulator.advance(400)
    assert shop.status(deployment) == "Succeeded"


# Alarms


def test_an_alarm_that_fires_stops_the_deployment_and_rolls_it_back(shop: World) -> None:
    shop.alarm("errors")
    alarms = {"enabled": True, "alarms": [{"name": "errors"}]}
    shop.codedeploy.update_deployment_group(
        applicationName=APP, currentDeploymentGroupName=GROUP, alarmConfiguration=alarms
    )
    deployment = shop.deploy()
    shop.emulator.advance(60)
    shop.alarm("errors", "ALARM")
    shop.emulator.advance(15)
    assert (shop.status(deployment), shop.error(deployment)) == ("Stopped", "ALARM_ACTIVE")
    assert "errors" in shop.info(deployment)["errorInformation"]["message"]
    shop.emulator.advance(60)
    assert shop.status(shop.rollback_of(deployment)) == "Succeeded"
    assert shop.traffic() == {"1": 1.0}


def test_an_alarm_already_active_blocks_a_new_deployment_unless_alarms_are_overridden(shop: World) -> None:
    shop.alarm("errors", "ALARM")
    shop.group("guarded", alarmConfiguration={"enabled": True, "alarms": [{"name": "errors"}]})
    deployment = shop.deploy(group="guarded")
    shop.emulator.advance(5)
    assert (shop.status(deployment), shop.error(deployment)) == ("Stopped", "ALARM_ACTIVE")
    shop.emulator.advance(60)
    override = {"enabled": False, "alarms": []}
    deployment = shop.deploy(group="guarded", overrideAlarmConfiguration=override)
    shop.emulator.advance(400)
    assert shop.status(deployment) == "Succeeded"
    assert shop.info(deployment)["overrideAlarmConfiguration"]["enabled"] is False


def test_an_alarm_of_the_deployment_alone_stops_it_too(shop: World) -> None:
    shop.alarm("mine")
    override = {"enabled": True, "alarms": [{"name": "mine"}]}
    deployment = shop.deploy(overrideAlarmConfiguration=override)
    shop.emulator.advance(60)
    shop.alarm("mine", "ALARM")
    shop.emulator.advance(15)
    assert shop.error(deployment) == "ALARM_ACTIVE"


def test_alarms_carry_emulated_time(shop: World) -> None:
    shop.emulator.advance(100_000)
    shop.alarm("errors", "ALARM")
    alarm = shop.client("cloudwatch").describe_alarms(AlarmNames=["errors"])["MetricAlarms"][0]
    assert alarm["StateUpdatedTimestamp"].timestamp() == shop.emulator.now


# Stopping


def test_stopping_without_rollback_leaves_the_alias_split(shop: World) -> None:
    deployment = shop.deploy()
    shop.emulator.advance(60)
    answer = shop.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=False)
    assert answer["status"] == "Succeeded"
    shop.emulator.advance(60)
    assert (shop.status(deployment), shop.error(deployment)) == ("Stopped", "MANUAL_STOP")
    assert shop.info(deployment)["rollbackInfo"] == {}
    assert shop.traffic() == {"1": 0.9, "2": 0.1}


def test_stopping_while_a_hook_runs_is_pending_first_and_succeeded_after(shop: World) -> None:
    shop.function("CodeDeployHook_a")
    shop.emulator.scripts(CodeDeployHook_a="silent")
    deployment = shop.deploy(before="CodeDeployHook_a")
    shop.emulator.advance(10)
    stop = shop.codedeploy.stop_deployment
    assert stop(deploymentId=deployment, autoRollbackEnabled=True)["status"] == "Pending"
    assert shop.status(deployment) == "InProgress"
    shop.emulator.advance(10)
    assert shop.status(deployment) == "Stopped"
    assert stop(deploymentId=deployment)["status"] == "Succeeded"


def test_stopping_what_is_over_is_refused(shop: World) -> None:
    deployment = shop.deploy()
    shop.emulator.advance(400)
    with pytest.raises(shop.codedeploy.exceptions.DeploymentAlreadyCompletedException):
        shop.codedeploy.stop_deployment(deploymentId=deployment)


def test_a_deployment_can_be_stopped_before_it_starts(shop: World) -> None:
    deployment = shop.deploy()
    shop.codedeploy.stop_deployment(deploymentId=deployment)
    assert shop.status(deployment) == "Stopped"
    assert shop.traffic() == {"1": 1.0}


# Provisioned concurrency


def test_provisioned_concurrency_on_the_alias_can_delay_the_traffic(shop: World) -> None:
    shop.emulator.switches(provisioned_concurrency_seconds=120)
    shop.functions.put_provisioned_concurrency_config(
        FunctionName="checkout", Qualifier="live", ProvisionedConcurrentExecutions=1
    )
    shop.deploy()
    shop.emulator.advance(100)
    assert shop.traffic() == {"1": 1.0}
    shop.emulator.advance(30)
    assert shop.traffic() == {"1": 0.9, "2": 0.1}


def test_the_alias_serves_what_the_target_says_at_every_moment(shop: World) -> None:
    deployment = shop.deploy(deploymentConfigName=CANARY)
    for _ in range(40):
        shop.emulator.advance(10)
        weight = shop.target(deployment)["lambdaFunctionInfo"]["targetVersionWeight"]
        assert shop.traffic().get("2", 0.0) == weight


def test_code_for_a_hook_may_come_from_s3(shop: World) -> None:
    shop.emulator.switches(hooks="run")
    s3 = shop.client("s3")
    s3.create_bucket(Bucket="code")
    s3.put_object(Bucket="code", Key="hook.zip", Body=zip_of({"app.py": HOOK}))
    shop.functions.create_function(
        FunctionName="CodeDeployHook_s3",
        Code={"S3Bucket": "code", "S3Key": "hook.zip"},
        Runtime="python3.12",
        Handler="app.handler",
        Role=shop.role(),
    )
    deployment = shop.deploy(after="CodeDeployHook_s3", deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    assert shop.status(deployment) == "Succeeded"


def _timeline(world: World, steps: int) -> list[object]:
    world.emulator.reset()
    world.served()
    world.group()
    world.function("CodeDeployHook_a")
    world.emulator.scripts(CodeDeployHook_a={"outcome": "succeed", "seconds": 33})
    start = world.emulator.now
    deployment = world.deploy(before="CodeDeployHook_a", after="CodeDeployHook_a", deploymentConfigName=LINEAR)
    for _ in range(steps):
        world.emulator.advance(900 / steps)
    return [
        (event["lifecycleEventName"], round(event[edge].timestamp() - start, 2))
        for event in world.target(deployment)["lifecycleEvents"]
        for edge in ("startTime", "endTime")
    ]


def test_the_timeline_over_the_api_is_the_same_in_one_step_and_in_hundreds(world: World) -> None:
    assert _timeline(world, 1) == _timeline(world, 300)


# What goes away under a deployment


def test_an_application_deleted_before_the_start_is_application_missing(shop: World) -> None:
    deployment = shop.deploy()
    shop.codedeploy.delete_application(applicationName=APP)
    shop.emulator.advance(5)
    assert (shop.status(deployment), shop.error(deployment)) == ("Failed", "APPLICATION_MISSING")
    assert shop.traffic() == {"1": 1.0}


def test_a_group_deleted_before_the_start_is_deployment_group_missing(shop: World) -> None:
    deployment = shop.deploy()
    shop.codedeploy.delete_deployment_group(applicationName=APP, deploymentGroupName=GROUP)
    # A new group of the same name is another group.
    shop.group()
    shop.emulator.advance(5)
    assert (shop.status(deployment), shop.error(deployment)) == ("Failed", "DEPLOYMENT_GROUP_MISSING")
    assert shop.traffic() == {"1": 1.0}


def test_a_config_deleted_before_the_start_is_a_resource_that_cannot_be_found(shop: World) -> None:
    shop.codedeploy.create_deployment_config(
        deploymentConfigName="mine", computePlatform="Lambda", trafficRoutingConfig={"type": "AllAtOnce"}
    )
    deployment = shop.deploy(deploymentConfigName="mine")
    shop.codedeploy.delete_deployment_config(deploymentConfigName="mine")
    shop.emulator.advance(5)
    assert (shop.status(deployment), shop.error(deployment)) == ("Failed", "CODEDEPLOY_RESOURCE_CANNOT_BE_FOUND")


def test_a_group_made_anew_knows_nothing_of_the_deployments_of_the_old_one(shop: World) -> None:
    codedeploy, group = shop.codedeploy, {"applicationName": APP, "deploymentGroupName": GROUP}
    deployment = shop.deploy()
    shop.emulator.advance(10)
    codedeploy.delete_deployment_group(**group)
    shop.group()
    with pytest.raises(codedeploy.exceptions.DeploymentGroupDoesNotExistException):
        codedeploy.stop_deployment(deploymentId=deployment)
    shop.emulator.advance(400)
    assert shop.status(deployment) == "Succeeded"
    found = codedeploy.get_deployment_group(**group)["deploymentGroupInfo"]
    assert not {"lastSuccessfulDeployment", "lastAttemptedDeployment", "targetRevision"} & set(found)
    assert codedeploy.list_deployments(**group)["deployments"] == []
    assert codedeploy.list_deployments()["deployments"] == [deployment]
    assert shop.deploy("2", "1") == codedeploy.list_deployments(**group)["deployments"][0]


def test_a_failed_deployment_whose_group_was_deleted_says_why_there_is_no_rollback(shop: World) -> None:
    deployment = shop.deploy()
    shop.emulator.advance(10)
    shop.codedeploy.stop_deployment(deploymentId=deployment)
    shop.codedeploy.delete_deployment_group(applicationName=APP, deploymentGroupName=GROUP)
    shop.emulator.advance(10)
    assert shop.info(deployment)["rollbackInfo"] == {
        "rollbackMessage": f"Deployment {deployment} can't be rolled back: its group was deleted."
    }


def test_an_alias_deleted_under_a_deployment_fails_it_and_its_rollback(shop: World) -> None:
    deployment = shop.deploy()
    shop.emulator.advance(10)
    shop.functions.delete_alias(FunctionName="checkout", Name="live")
    shop.emulator.advance(400)
    info = shop.info(deployment)
    assert info["errorInformation"] == {
        "code": "INVALID_LAMBDA_FUNCTION",
        "message": "The Lambda function checkout has no alias live any more.",
    }
    assert shop.events(deployment)["AllowTraffic"] == "Failed"
    rollback = shop.rollback_of(deployment)
    assert (shop.status(rollback), shop.error(rollback)) == ("Failed", "INVALID_LAMBDA_CONFIGURATION")


def test_a_version_deleted_before_its_traffic_comes_fails_the_deployment(shop: World) -> None:
    shop.function("CodeDeployHook_slow")
    shop.emulator.scripts(CodeDeployHook_slow={"outcome": "succeed", "seconds": 30})
    deployment = shop.deploy(before="CodeDeployHook_slow")
    shop.emulator.advance(10)
    shop.functions.delete_function(FunctionName="checkout", Qualifier="2")
    shop.emulator.advance(60)
    assert shop.info(deployment)["errorInformation"] == {
        "code": "INVALID_LAMBDA_FUNCTION",
        "message": "The Lambda function checkout has no version 2 any more.",
    }
    assert shop.traffic() == {"1": 1.0}


# What a client that only waits sees


def _wait(world: World, deployment: str) -> None:
    waiter = world.codedeploy.get_waiter("deployment_successful")
    waiter.wait(deploymentId=deployment, WaiterConfig={"Delay": 0, "MaxAttempts": 1})


def test_botocores_waiter_ends_well_badly_or_not_yet(shop: World) -> None:
    deployment = shop.deploy()
    shop.emulator.advance(10)
    with pytest.raises(WaiterError, match="Max attempts exceeded"):
        _wait(shop, deployment)
    shop.emulator.advance(400)
    _wait(shop, deployment)
    assert shop.status(deployment) == "Succeeded"
    stopped = shop.deploy("2", "1")
    shop.codedeploy.stop_deployment(deploymentId=stopped)
    with pytest.raises(WaiterError, match="Stopped"):
        _wait(shop, stopped)


def test_a_deployment_mode_is_shown_as_it_was_given(shop: World) -> None:
    assert "deploymentMode" not in shop.info(shop.deploy(group=GROUP))
    shop.group("second")
    assert shop.info(shop.deploy(group="second", deploymentMode="STANDARD"))["deploymentMode"] == "STANDARD"


def test_a_hand_moved_alias_is_overwritten_by_the_next_shift(shop: World) -> None:
    deployment = shop.deploy()
    shop.emulator.advance(10)
    revision = shop.functions.get_alias(FunctionName="checkout", Name="live")["RevisionId"]
    moved = shop.functions.update_alias(FunctionName="checkout", Name="live", RoutingConfig={}, RevisionId=revision)
    shop.emulator.advance(100)
    assert shop.traffic() == {"1": 1.0}
    shop.emulator.advance(300)
    after = shop.functions.get_alias(FunctionName="checkout", Name="live")
    assert (shop.status(deployment), shop.traffic()) == ("Succeeded", {"2": 1.0})
    assert len({revision, moved["RevisionId"], after["RevisionId"]}) == 3


def test_an_error_of_the_emulator_itself_fails_the_one_deployment_and_says_so(
    shop: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no order today")

    monkeypatch.setattr(preparation, "order_of", broken)
    deployment = shop.deploy()
    shop.emulator.advance(5)
    monkeypatch.undo()
    assert shop.info(deployment)["errorInformation"] == {
        "code": "INTERNAL_ERROR",
        "message": "The emulator failed; its own output says why.",
    }
    assert "RuntimeError: no order today" in capfd.readouterr().err
    later = shop.deploy()
    shop.emulator.advance(400)
    assert shop.status(later) == "Succeeded"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_hook_whose_process_cannot_even_start_hangs_like_one_that_never_answers(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_process(*_: object) -> None:
        raise OSError("no more processes")

    shop.emulator.switches(hooks="run")
    shop.function("CodeDeployHook_a")
    monkeypatch.setattr(functions.Functions, "run", no_process)
    deployment = shop.deploy(before="CodeDeployHook_a")
    shop.emulator.advance(60)
    for thread in threading.enumerate():
        if thread.name.startswith("emulator-hook"):
            thread.join(10)  # or its failure would be told during the next test
    assert shop.events(deployment)["BeforeAllowTraffic"] == "InProgress"
    shop.emulator.advance(3600)
    assert (shop.status(deployment), shop.error(deployment)) == ("Failed", "HOOK_EXECUTION_FAILURE")


def test_a_hook_that_is_due_at_once_has_answered_when_the_clock_has_moved(shop: World) -> None:
    shop.emulator.switches(hooks="run", start_delay_seconds=0, event_seconds=0, undeclared_hook_seconds=0)
    shop.function("CodeDeployHook_quick", HOOK, Timeout=30)
    deployment = shop.deploy(before="CodeDeployHook_quick", deploymentConfigName=AT_ONCE)
    shop.emulator.advance(0)
    assert (shop.status(deployment), shop.traffic()) == ("Succeeded", {"2": 1.0})


def test_a_hook_of_any_name_runs_when_iam_does_not_know_the_service_role(shop: World) -> None:
    shop.function("smoke")
    deployment = shop.deploy(before="smoke", deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    assert (shop.status(deployment), shop.events(deployment)["BeforeAllowTraffic"]) == ("Succeeded", "Succeeded")


# The form of answers


ALWAYS = {
    "applicationName",
    "deploymentGroupName",
    "deploymentConfigName",
    "deploymentId",
    "revision",
    "status",
    "createTime",
    "deploymentOverview",
    "creator",
    "ignoreApplicationStopFailures",
    "updateOutdatedInstancesOnly",
    "instanceTerminationWaitTimeStarted",
    "autoRollbackConfiguration",
    "rollbackInfo",
    "deploymentStyle",
    "fileExistsBehavior",
    "deploymentStatusMessages",
    "computePlatform",
}


def _wire(world: World, operation: str, **params: object) -> dict:
    """The answer as it is on the wire; no member may be null."""
    answer = requests.post(
        world.emulator.url,
        json=params,
        headers={
            "X-Amz-Target": f"CodeDeploy_20141006.{operation}",
            "Authorization": "AWS4-HMAC-SHA256 Credential=t/20260101/us-east-1/codedeploy/aws4_request, Signature=0",
        },
        timeout=5,
    )
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/x-amz-json-1.1")
    assert "null" not in answer.text
    return dict(answer.json())


def test_what_a_deployment_has_not_yet_is_absent_and_never_null(shop: World) -> None:
    deployment = shop.deploy()
    seen = []
    for seconds in (0, 10, 400):
        shop.emulator.advance(seconds)
        info = _wire(shop, "GetDeployment", deploymentId=deployment)["deploymentInfo"]
        batch = _wire(shop, "BatchGetDeployments", deploymentIds=[deployment])["deploymentsInfo"]
        assert batch == [info]
        assert sum(info["deploymentOverview"].values()) == 1
        seen.append((info["status"], set(info) - ALWAYS, ALWAYS - set(info)))
        times = [info[name] for name in ("createTime", "startTime", "completeTime") if name in info]
        assert all(isinstance(moment, float) for moment in times)
    assert seen == [
        ("Created", set(), set()),
        ("InProgress", {"startTime"}, set()),
        ("Succeeded", {"startTime", "completeTime"}, set()),
    ]
    failed = shop.deploy("1", "2", description="d")
    shop.emulator.advance(5)
    info = _wire(shop, "GetDeployment", deploymentId=failed)["deploymentInfo"]
    assert set(info) - ALWAYS == {"startTime", "completeTime", "errorInformation", "description", "previousRevision"}
    assert set(info["errorInformation"]) == {"code", "message"}


def test_lifecycle_events_have_times_and_diagnostics_only_when_there_is_something_to_say(shop: World) -> None:
    deployment = shop.deploy()
    shop.emulator.advance(10)
    target = _wire(shop, "GetDeploymentTarget", deploymentId=deployment, targetId="checkout")["deploymentTarget"]
    events = {event["lifecycleEventName"]: set(event) for event in target["lambdaTarget"]["lifecycleEvents"]}
    named = {"lifecycleEventName", "status"}
    assert events == {
        "BeforeAllowTraffic": named | {"startTime", "endTime", "diagnostics"},
        "AllowTraffic": named | {"startTime"},
        "AfterAllowTraffic": named,
    }
    assert list(target) == ["deploymentTargetType", "lambdaTarget"]
    batch = _wire(shop, "BatchGetDeploymentTargets", deploymentId=deployment, targetIds=["checkout"])
    assert batch["deploymentTargets"] == [target]


def test_a_list_that_ends_has_no_token(shop: World) -> None:
    shop.emulator.switches(page_size=5)
    first = _wire(shop, "ListDeploymentConfigs")
    assert (set(first), len(first["deploymentConfigsList"])) == ({"deploymentConfigsList", "nextToken"}, 5)
    assert _wire(shop, "ListDeployments") == {"deployments": []}
    assert _wire(shop, "ListApplications", nextToken=None) == {"applications": [APP]}
