"""Automatic rollback: a new deployment of the group's last successful revision (facts A7, F)."""

from __future__ import annotations

import json

import pytest

from tests.emulator.world import APP, AT_ONCE, GROUP, LINEAR, World


def _fails_after_traffic(world: World, current: str = "1", target: str = "2", **more: object) -> str:
    if not any(f["FunctionName"] == "CodeDeployHook_after" for f in world.functions.list_functions()["Functions"]):
        world.function("CodeDeployHook_after")
    world.emulator.scripts(CodeDeployHook_after="fail")
    deployment = world.deploy(current, target, after="CodeDeployHook_after", deploymentConfigName=AT_ONCE, **more)
    world.emulator.advance(6)
    assert world.status(deployment) == "Failed"
    return deployment


def test_a_rollback_is_a_new_deployment_that_both_sides_name(shop: World) -> None:
    shop.emulator.switches(rollback_delay_seconds=10)
    deployment = _fails_after_traffic(shop)
    assert shop.traffic() == {"2": 1.0}
    shop.emulator.advance(10)
    rollback = shop.rollback_of(deployment)
    information = shop.info(rollback)
    assert information["creator"] == "codeDeployRollback"
    assert information["rollbackInfo"] == {
        "rollbackTriggeringDeploymentId": deployment,
        "rollbackMessage": f"Deployment {rollback} is triggered to roll back deployment {deployment}.",
    }
    assert information["deploymentConfigName"] == AT_ONCE
    shop.emulator.advance(55)
    assert shop.status(rollback) == "Succeeded"
    assert shop.traffic() == {"1": 1.0}
    assert shop.info(deployment)["rollbackInfo"] == {
        "rollbackDeploymentId": rollback,
        "rollbackMessage": (
            f"Deployment {deployment} terminated. Automatic rollback is triggered with a DeploymentId {rollback}."
        ),
    }


def test_the_rollback_appears_only_after_its_delay(shop: World) -> None:
    shop.emulator.switches(rollback_delay_seconds=100)
    deployment = _fails_after_traffic(shop)
    shop.emulator.advance(90)
    assert shop.info(deployment)["rollbackInfo"] == {}
    shop.emulator.advance(20)
    assert shop.rollback_of(deployment)


def test_a_rollback_redeploys_the_last_successful_revision_not_what_the_alias_had(shop: World) -> None:
    shop.publish("checkout", 3)
    first = shop.deploy("1", "2", deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    assert shop.status(first) == "Succeeded"
    shop.functions.update_alias(FunctionName="checkout", Name="live", FunctionVersion="1")
    deployment = _fails_after_traffic(shop, "1", "3")
    shop.emulator.advance(60)
    assert shop.traffic() == {"2": 1.0}
    assert shop.info(shop.rollback_of(deployment))["revision"] == shop.info(first)["revision"]


def test_in_a_group_of_several_functions_a_rollback_may_redeploy_another_one(shop: World) -> None:
    shop.served("basket")
    shop.deploy("1", "2", "basket", deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    deployment = _fails_after_traffic(shop)
    shop.emulator.advance(60)
    assert shop.status(shop.rollback_of(deployment)) == "Succeeded"
    assert shop.traffic("checkout") == {"2": 1.0}
    assert shop.traffic("basket") == {"2": 1.0}


def test_without_any_successful_deployment_there_may_be_no_rollback_but_a_reason(shop: World) -> None:
    shop.emulator.switches(rollback_without_history="none")
    deployment = _fails_after_traffic(shop)
    shop.emulator.advance(60)
    information = shop.info(deployment)["rollbackInfo"]
    assert "rollbackDeploymentId" not in information
    assert "can't be rolled back" in information["rollbackMessage"]


@pytest.mark.parametrize(("fails", "verb"), [("INTERNAL_ERROR", "failed to roll back"), ("", "was rolled back")])
def test_the_message_of_a_rollback_may_say_how_it_went(shop: World, fails: str, verb: str) -> None:
    shop.emulator.switches(rollback_fails=fails, rollback_message="progress")
    deployment = _fails_after_traffic(shop)
    shop.emulator.advance(60)
    rollback = shop.rollback_of(deployment)
    assert shop.info(deployment)["rollbackInfo"]["rollbackMessage"] == (
        f"Deployment {deployment} {verb} by deployment {rollback}."
    )


def test_a_rollback_can_itself_fail(shop: World) -> None:
    shop.emulator.switches(rollback_fails="INTERNAL_ERROR")
    deployment = _fails_after_traffic(shop)
    shop.emulator.advance(60)
    rollback = shop.rollback_of(deployment)
    assert (shop.status(rollback), shop.error(rollback)) == ("Failed", "INTERNAL_ERROR")
    assert shop.traffic() == {"2": 1.0}
    assert "is triggered" in shop.info(deployment)["rollbackInfo"]["rollbackMessage"]


def test_a_rollback_undoes_a_split(shop: World) -> None:
    deployment = shop.deploy(deploymentConfigName=LINEAR)
    shop.emulator.advance(150)
    assert shop.traffic() == {"1": 0.7, "2": 0.3}
    shop.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
    shop.emulator.advance(60)
    assert shop.traffic() == {"1": 1.0}
    assert shop.status(shop.rollback_of(deployment)) == "Succeeded"


def test_a_rollback_can_replay_the_groups_config(shop: World) -> None:
    shop.emulator.switches(rollback_config="group")
    _fails_after_traffic(shop)
    shop.emulator.advance(10)
    assert shop.traffic() == {"2": 0.9, "1": 0.1}
    shop.emulator.advance(320)
    assert shop.traffic() == {"1": 1.0}


def test_a_rollback_with_the_groups_config_never_takes_back_what_the_good_version_has(shop: World) -> None:
    shop.emulator.switches(rollback_config="group")
    deployment = shop.deploy()
    shop.emulator.advance(60)
    shop.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
    for _ in range(10):
        shop.emulator.advance(1)
        assert shop.traffic()["1"] >= 0.9
    assert shop.traffic() == {"1": 1.0}


def test_a_rollback_can_run_the_hooks_again(shop: World) -> None:
    shop.emulator.switches(rollback_runs_hooks=True)
    deployment = _fails_after_traffic(shop)
    shop.emulator.advance(60)
    rollback = shop.rollback_of(deployment)
    assert shop.events(rollback)["AfterAllowTraffic"] == "Failed"


def test_a_rollbacks_revision_can_have_its_versions_swapped(shop: World) -> None:
    shop.emulator.switches(rollback_appspec="swapped")
    shop.publish("checkout", 3)
    shop.deploy("1", "2", deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    deployment = _fails_after_traffic(shop, "2", "3")
    shop.emulator.advance(60)
    target = shop.target(shop.rollback_of(deployment))["lambdaFunctionInfo"]
    assert (target["currentVersion"], target["targetVersion"]) == ("3", "2")


@pytest.mark.parametrize(
    ("configuration", "rolled_back"),
    [
        ({"enabled": False}, False),
        ({"enabled": True, "events": ["DEPLOYMENT_STOP_ON_ALARM"]}, False),
        ({"enabled": True, "events": ["DEPLOYMENT_FAILURE"]}, True),
    ],
)
def test_the_deployments_own_configuration_overrides_the_groups(
    shop: World, configuration: dict, rolled_back: bool
) -> None:
    deployment = _fails_after_traffic(shop, autoRollbackConfiguration=configuration)
    shop.emulator.advance(60)
    assert ("rollbackDeploymentId" in shop.info(deployment)["rollbackInfo"]) == rolled_back


def test_a_deployment_that_slips_in_before_the_rollback_prevents_it(shop: World) -> None:
    shop.emulator.switches(rollback_delay_seconds=30)
    deployment = _fails_after_traffic(shop)
    shop.deploy("2", "1")
    shop.emulator.advance(60)
    assert "is active in its group" in shop.info(deployment)["rollbackInfo"]["rollbackMessage"]


def test_the_group_remembers_what_was_attempted_and_what_succeeded(shop: World) -> None:
    good = shop.deploy("1", "2", deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    shop.emulator.switches(rollback_fails="INTERNAL_ERROR", rollback_delay_seconds=30)
    bad = _fails_after_traffic(shop, "2", "1")
    group = shop.codedeploy.get_deployment_group(applicationName=APP, deploymentGroupName=GROUP)["deploymentGroupInfo"]
    assert group["lastSuccessfulDeployment"]["deploymentId"] == good
    assert (group["lastAttemptedDeployment"]["deploymentId"], group["lastAttemptedDeployment"]["status"]) == (
        bad,
        "Failed",
    )
    assert group["targetRevision"] == shop.info(good)["revision"]


def test_a_rollbacks_versions_are_swapped_only_when_it_is_of_the_same_function(shop: World) -> None:
    shop.emulator.switches(rollback_appspec="swapped")
    shop.served("basket")
    good = shop.deploy("1", "2", "basket", deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    deployment = _fails_after_traffic(shop)
    shop.emulator.advance(60)
    rollback = shop.rollback_of(deployment)
    assert shop.info(rollback)["revision"] == shop.info(good)["revision"]
    assert (shop.status(rollback), shop.traffic(), shop.traffic("basket")) == ("Succeeded", {"2": 1.0}, {"2": 1.0})


@pytest.mark.parametrize("upper", [False, True])
def test_a_rollbacks_revision_is_registered_and_read_by_its_sha256(shop: World, upper: bool) -> None:
    """GetDeployment never shows the AppSpec; its sha256 is how anybody reads what a rollback deployed (facts A2)."""
    deployment = _fails_after_traffic(shop)
    shop.emulator.advance(60)
    rollback = shop.info(shop.rollback_of(deployment))
    sha256 = rollback["revision"]["appSpecContent"]["sha256"]
    found = shop.codedeploy.get_application_revision(
        applicationName=APP,
        revision={
            "revisionType": "AppSpecContent",
            "appSpecContent": {"sha256": sha256.upper() if upper else sha256},
        },
    )
    properties = json.loads(found["revision"]["appSpecContent"]["content"])["Resources"][0]["function"]["Properties"]
    assert properties == {"Name": "checkout", "Alias": "live", "CurrentVersion": "2", "TargetVersion": "1"}
    assert found["revision"]["appSpecContent"]["sha256"] == sha256
    assert found["revisionInfo"]["deploymentGroups"] == [GROUP]
    assert found["revisionInfo"]["firstUsedTime"] == found["revisionInfo"]["lastUsedTime"] == rollback["createTime"]


def test_a_rollback_uses_the_last_successful_revision_again(shop: World) -> None:
    good = shop.deploy("1", "2", deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    shop.publish("checkout", 3)
    deployment = _fails_after_traffic(shop, "2", "3")
    shop.emulator.advance(60)
    rollback = shop.info(shop.rollback_of(deployment))
    info = shop.codedeploy.get_application_revision(applicationName=APP, revision=shop.info(good)["revision"])[
        "revisionInfo"
    ]
    assert (info["firstUsedTime"], info["lastUsedTime"]) == (shop.info(good)["createTime"], rollback["createTime"])
