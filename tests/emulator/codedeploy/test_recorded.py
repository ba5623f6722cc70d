"""What recordings of real accounts settled about CodeDeploy for Lambda: a test a fact (facts, section G)."""

from __future__ import annotations

import base64
import json

import pytest

from codedeploy_emulator.seed import zip_of
from tests.emulator.world import APP, AT_ONCE, GROUP, World, appspec

EVENTS = ["BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic"]
GIVEN = {"applicationName": APP, "deploymentGroupName": GROUP}


def _seconds(shop: World, deployment: str) -> float:
    info = shop.info(deployment)
    return round((info["completeTime"] - info["startTime"]).total_seconds(), 3)


def _watched(shop: World, *alarms: str) -> str:
    for name in alarms:
        shop.alarm(name)
    deployment = shop.deploy(
        overrideAlarmConfiguration={"enabled": True, "alarms": [{"name": name} for name in alarms]}
    )
    shop.emulator.advance(60)
    return deployment


def test_g1_the_lifecycle_events_are_three(shop: World) -> None:
    deployment = shop.deploy()
    shop.emulator.advance(400)
    assert list(shop.events(deployment)) == EVENTS


def test_g2_a_weight_is_a_fraction_of_one(shop: World) -> None:
    routing = {"type": "TimeBasedCanary", "timeBasedCanary": {"canaryPercentage": 1, "canaryInterval": 1}}
    shop.codedeploy.create_deployment_config(
        deploymentConfigName="one", computePlatform="Lambda", trafficRoutingConfig=routing
    )
    deployment = shop.deploy(deploymentConfigName="one")
    shop.emulator.advance(20)
    assert shop.target(deployment)["lambdaFunctionInfo"]["targetVersionWeight"] == 0.01
    shop.emulator.advance(60)
    assert shop.target(deployment)["lambdaFunctionInfo"]["targetVersionWeight"] == 1.0


def test_g3_the_events_of_hooks_that_nobody_declared_succeed_in_a_moment(shop: World) -> None:
    deployment = shop.deploy(deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    for event in shop.target(deployment)["lifecycleEvents"]:
        assert event["status"] == "Succeeded"
        if event["lifecycleEventName"] != "AllowTraffic":
            assert round((event["endTime"] - event["startTime"]).total_seconds(), 3) == 0.4


def test_g4_g5_g6_a_rollback_is_made_at_once_runs_no_hook_and_is_over_in_seconds(shop: World) -> None:
    shop.function("CodeDeployHook_before")
    shop.function("CodeDeployHook_after")
    shop.emulator.scripts(CodeDeployHook_after="fail")
    deployment = shop.deploy(before="CodeDeployHook_before", after="CodeDeployHook_after", deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    rollback = shop.rollback_of(deployment)
    began = shop.info(rollback)["createTime"] - shop.info(deployment)["completeTime"]
    assert round(began.total_seconds(), 3) <= 0.5
    assert list(shop.events(rollback).items()) == [(name, "Succeeded") for name in EVENTS]
    assert 2 <= _seconds(shop, rollback) <= 3
    streams = shop.client("logs").describe_log_streams(logGroupName="/aws/lambda/CodeDeployHook_after")["logStreams"]
    assert len(streams) == 1, "the hook ran once: for the deployment, not for its rollback"


def test_g7_the_messages_of_a_rollback_name_both_sides_and_never_change(shop: World) -> None:
    shop.function("CodeDeployHook_after")
    shop.emulator.scripts(CodeDeployHook_after="fail")
    shop.emulator.switches(start_delay_seconds=5)
    deployment = shop.deploy(after="CodeDeployHook_after", deploymentConfigName=AT_ONCE)
    shop.emulator.advance(10)
    for seconds in (0, 100):
        shop.emulator.advance(seconds)
        rollback = shop.rollback_of(deployment)
        assert shop.info(deployment)["rollbackInfo"]["rollbackMessage"] == (
            f"Deployment {deployment} terminated. Automatic rollback is triggered with a DeploymentId {rollback}."
        )
        assert shop.info(rollback)["rollbackInfo"] == {
            "rollbackTriggeringDeploymentId": deployment,
            "rollbackMessage": f"Deployment {rollback} is triggered to roll back deployment {deployment}.",
        }
    assert shop.status(rollback) == "Succeeded"


def test_g8_a_groups_first_deployment_is_rolled_back_too(shop: World) -> None:
    shop.function("CodeDeployHook_after")
    shop.emulator.scripts(CodeDeployHook_after="fail")
    deployment = shop.deploy(after="CodeDeployHook_after", deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    assert shop.status(shop.rollback_of(deployment)) == "Succeeded"
    assert shop.traffic() == {"1": 1.0}


def test_g9_a_rollback_is_made_even_when_the_alarm_came_before_any_traffic(shop: World) -> None:
    shop.alarm("errors", "ALARM")
    deployment = shop.deploy(overrideAlarmConfiguration={"enabled": True, "alarms": [{"name": "errors"}]})
    shop.emulator.advance(60)
    assert (shop.status(deployment), shop.error(deployment)) == ("Stopped", "ALARM_ACTIVE")
    assert shop.status(shop.rollback_of(deployment)) == "Succeeded"


def test_g10_an_alarm_is_acted_on_after_eleven_seconds(shop: World) -> None:
    deployment = _watched(shop, "errors")
    shop.alarm("errors", "ALARM")
    shop.emulator.advance(10.9)
    assert shop.status(deployment) == "InProgress"
    shop.emulator.advance(0.2)
    assert (shop.status(deployment), shop.error(deployment)) == ("Stopped", "ALARM_ACTIVE")
    assert list(shop.events(deployment).values()) == ["Succeeded", "Failed", "Skipped"]


def test_g10_several_alarms_are_named_each_in_its_own_brackets(shop: World) -> None:
    deployment = _watched(shop, "errors", "latency")
    shop.alarm("errors", "ALARM")
    shop.alarm("latency", "ALARM")
    shop.emulator.advance(20)
    assert shop.info(deployment)["errorInformation"]["message"] == (
        "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and the "
        "affected deployments have been stopped. Activated alarms: <errors> <latency>"
    )


def test_g11_a_hook_that_failed_is_not_named(shop: World) -> None:
    shop.function("CodeDeployHook_before")
    shop.emulator.scripts(CodeDeployHook_before="fail")
    deployment = shop.deploy(before="CodeDeployHook_before")
    shop.emulator.advance(60)
    assert shop.status(deployment) == "Failed"
    assert shop.info(deployment)["errorInformation"] == {
        "code": "HOOK_EXECUTION_FAILURE",
        "message": "The deployment failed because one or more of the lifecycle event validation functions failed.",
    }
    assert shop.events(deployment) == dict(zip(EVENTS, ("Failed", "Skipped", "Skipped"), strict=True))


def test_g12_a_hook_that_never_answers_times_out(shop: World) -> None:
    shop.function("CodeDeployHook_before")
    shop.emulator.scripts(CodeDeployHook_before="silent")
    deployment = shop.deploy(before="CodeDeployHook_before")
    shop.emulator.advance(3700)
    assert shop.info(deployment)["errorInformation"]["message"] == (
        "The deployment timed out while waiting for a status callback. CodeDeploy expects a status callback within one "
        "hour after a deployment hook is invoked."
    )


@pytest.mark.parametrize("text", ["{", "a: [b", "version: 0.0 Resources: - f: x: y"])
def test_g13_an_appspec_that_cannot_be_parsed_is_accepted_and_fails_then(shop: World, text: str) -> None:
    revision = {"revisionType": "AppSpecContent", "appSpecContent": {"content": text}}
    deployment = shop.codedeploy.create_deployment(**GIVEN, revision=revision)["deploymentId"]
    assert shop.status(deployment) == "Created"
    shop.emulator.advance(5)
    assert shop.status(deployment) == "Failed"
    assert shop.info(deployment)["errorInformation"]["message"].endswith(
        " The input AppSpec file is a not well-formed yaml. The template cannot be parsed."
    )


@pytest.mark.parametrize("name", ["appspec.yml", "appspec.yaml", "appspec.json"])
def test_g14_a_revision_may_be_a_zip(shop: World, name: str) -> None:
    deployment = _zipped(shop, zip_of({name: appspec("1", "2")}))
    shop.emulator.advance(400)
    assert shop.status(deployment) == "Succeeded"


@pytest.mark.parametrize("body", [b"no zip", zip_of({"readme.txt": ""})])
def test_g14_a_zip_without_an_appspec_fails_the_deployment(shop: World, body: bytes) -> None:
    deployment = _zipped(shop, body)
    shop.emulator.advance(5)
    assert shop.error(deployment) == "INVALID_REVISION"


def test_g14_the_answer_of_2018_to_a_zip_is_a_switch(shop: World) -> None:
    shop.emulator.switches(zip_bundles=False)
    with pytest.raises(shop.codedeploy.exceptions.InvalidRevisionException, match="must be either YAML or JSON"):
        _zipped(shop, zip_of({"appspec.yml": appspec("1", "2")}))


def _zipped(shop: World, body: bytes) -> str:
    s3 = shop.client("s3")
    s3.create_bucket(Bucket="revisions")
    s3.put_object(Bucket="revisions", Key="bundle.zip", Body=body)
    place = {"bucket": "revisions", "key": "bundle.zip", "bundleType": "zip"}
    found = shop.codedeploy.create_deployment(**GIVEN, revision={"revisionType": "S3", "s3Location": place})
    return str(found["deploymentId"])


ECHO = """
import json


def handler(event, context):
    print(json.dumps(event))
"""


def test_g15_a_hooks_event_has_two_members_and_an_opaque_id(shop: World) -> None:
    shop.emulator.switches(hooks="run")
    shop.function("CodeDeployHook_echo", ECHO, Timeout=30)
    deployment = shop.deploy(before="CodeDeployHook_echo", deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    logged = shop.client("logs").filter_log_events(logGroupName="/aws/lambda/CodeDeployHook_echo")["events"]
    event = json.loads(next(line["message"] for line in logged if line["message"].startswith("{")))
    identity = event.pop("LifecycleEventHookExecutionId")
    assert event == {"DeploymentId": deployment}
    assert len(base64.b64decode(identity, validate=True)) > 100
    assert deployment not in identity


def test_g16_a_stop_may_be_forced(shop: World) -> None:
    shop.emulator.switches(stop_answer="Forced")
    deployment = shop.deploy()
    shop.emulator.advance(60)
    assert shop.codedeploy.stop_deployment(deploymentId=deployment)["status"] == "Forced"
    assert (shop.status(deployment), shop.error(deployment)) == ("Stopped", "MANUAL_STOP")


def test_g18_a_canary_of_five_minutes_takes_302_seconds(shop: World) -> None:
    deployment = shop.deploy()
    shop.emulator.advance(400)
    assert _seconds(shop, deployment) == 302.3


@pytest.mark.parametrize(
    ("when", "early", "late"),
    [
        ("after-the-first-hook", {}, {"targetVersion": "2"}),
        ("always", {"targetVersion": "2"}, {"targetVersion": "2"}),
        ("never", None, None),
    ],
)
def test_g19_the_functions_data_may_be_missing(
    shop: World, when: str, early: dict[str, str] | None, late: dict[str, str] | None
) -> None:
    shop.function("CodeDeployHook_before")
    shop.emulator.switches(function_info=when, hook_seconds=50)
    deployment = shop.deploy(before="CodeDeployHook_before")
    seen = []
    for _ in range(2):
        shop.emulator.advance(40)
        info = shop.target(deployment).get("lambdaFunctionInfo")
        seen.append(info if info is None else {key: info[key] for key in info if key == "targetVersion"})
    assert seen == [early, late]


def test_g20_one_function_may_serve_both_hooks(shop: World) -> None:
    shop.function("CodeDeployHook_both")
    deployment = shop.deploy(before="CodeDeployHook_both", after="CodeDeployHook_both", deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    assert shop.status(deployment) == "Succeeded"


def test_g21_an_appspec_in_json_may_be_indented_with_tabs(shop: World) -> None:
    text = json.dumps(json.loads(appspec("1", "2")), indent="\t")
    revision = {"revisionType": "AppSpecContent", "appSpecContent": {"content": text}}
    deployment = shop.codedeploy.create_deployment(**GIVEN, revision=revision)["deploymentId"]
    shop.emulator.advance(400)
    assert shop.status(deployment) == "Succeeded"
