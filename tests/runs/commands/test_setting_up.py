"""`setup`: what is missing is shown, created, and then there; drift is shown and changed only if that is asked for."""

from __future__ import annotations

import json

import pytest

from codedeploy_emulator import Emulator
from tests.support.account import Account
from tests.support.action import CHECKOUT

from ..conftest import Played

NEW = {
    "command": "setup",
    "function": "checkout",
    "application": "shop",
    "deployment-group": "shop-live",
    "service-role-arn": "arn:aws:iam::123456789012:role/codedeploy",
    "deployment-config": "linear 20% every 3m",
    "alarms": "checkout-errors",
}
CREATIONS = [
    "codedeploy:CreateApplication",
    "codedeploy:CreateDeploymentConfig",
    "codedeploy:CreateDeploymentGroup",
]


def group(account: Account) -> dict[str, object]:
    found: dict[str, object] = account.codedeploy.get_deployment_group(
        applicationName="shop", deploymentGroupName="shop-live"
    )["deploymentGroupInfo"]
    return found


def test_what_is_missing_is_shown_then_created_then_there(runner: Played, account: Account) -> None:
    shown = runner.run(NEW).check(0, outcome="reported")
    assert account.writes() == []
    statuses = {item["what"]: item["status"] for item in json.loads(shown.outputs["result"])["setup"]}
    assert statuses == {
        "application": "create",
        "deployment config": "create",
        "deployment group": "create",
        "alias": "there",
    }
    done = runner.run({**NEW, "apply": "true"}).check(0, outcome="succeeded", deployed="false")
    assert account.writes() == CREATIONS
    assert "ci-deploy-linear-20-3" in done.log
    made = group(account)
    assert made["deploymentConfigName"] == "ci-deploy-linear-20-3"
    assert made["autoRollbackConfiguration"] == {
        "enabled": True,
        "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
    }
    assert made["alarmConfiguration"]["alarms"] == [{"name": "checkout-errors"}]  # type: ignore[index]
    runner.run({**NEW, "apply": "true"}).check(0, outcome="unchanged")
    assert account.writes() == CREATIONS


def test_what_was_set_up_can_be_deployed_with(runner: Played, account: Account) -> None:
    """From a function without an alias to a version that serves."""
    account.lambda_.delete_alias(FunctionName="checkout", Name="live")
    runner.run({**NEW, "create-alias": "true", "apply": "true"}).check(0, outcome="succeeded")
    assert account.serves() == {"1": 100.0}
    given = {"function": "checkout", "application": "shop", "deployment-group": "shop-live"}
    runner.run(given).check(0, outcome="succeeded", live_version="2")


def test_drift_is_shown_and_changed_only_when_asked(runner: Played, account: Account) -> None:
    topic = "arn:aws:sns:us-east-1:123456789012:releases"
    given = {
        **CHECKOUT,
        "command": "setup",
        "deployment-config": "CodeDeployDefault.LambdaAllAtOnce",
        "triggers": topic,
        "apply": "true",
    }
    done = runner.run(given).check(0, outcome="unchanged")
    assert "LambdaCanary10Percent5Minutes → CodeDeployDefault.LambdaAllAtOnce" in done.log
    assert account.writes() == []
    runner.run({**given, "update-group": "true"}).check(0, outcome="succeeded")
    assert account.writes() == ["codedeploy:UpdateDeploymentGroup"]
    found = account.codedeploy.get_deployment_group(
        applicationName="checkout-app", deploymentGroupName="checkout-live"
    )["deploymentGroupInfo"]
    assert found["deploymentConfigName"] == "CodeDeployDefault.LambdaAllAtOnce"
    assert [trigger["triggerTargetArn"] for trigger in found["triggerConfigurations"]] == [topic]
    # What the inputs do not speak of stays.
    assert found["alarmConfiguration"]["alarms"] == [{"name": "checkout-errors"}]
    runner.run({**given, "update-group": "true"}).check(0, outcome="unchanged")


def test_an_application_for_another_platform_is_refused(runner: Played, account: Account) -> None:
    account.codedeploy.create_application(applicationName="shop", computePlatform="Server")
    before = account.writes()
    done = runner.run({**NEW, "apply": "true"}).check(3, outcome="refused")
    assert "Server" in done.outputs["reason"]
    assert account.writes() == before


@pytest.mark.parametrize(
    "fault",
    [
        {"operation": "CreateApplication", "fault": "throttle"},
        {"operation": "CreateDeploymentGroup", "fault": "reset", "when": "after"},
    ],
)
def test_a_write_whose_answer_was_lost_is_looked_for(
    runner: Played, account: Account, emulator: Emulator, fault: dict[str, str]
) -> None:
    emulator.faults([{"service": "codedeploy", "times": 1, **fault}])
    runner.run({**NEW, "apply": "true"}).check(0, outcome="succeeded")
    assert group(account)["computePlatform"] == "Lambda"


def test_a_denial_says_what_was_done_before_it(runner: Played, account: Account, emulator: Emulator) -> None:
    emulator.faults(service="codedeploy", operation="CreateDeploymentGroup", fault="access-denied")
    done = runner.run({**NEW, "apply": "true"}).check(4, outcome="error")
    assert "codedeploy:CreateDeploymentGroup" in done.outputs["reason"]
    assert "application shop created" in done.outputs["reason"]
