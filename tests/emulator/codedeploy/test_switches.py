"""Each behaviour that AWS does not document can be played either way."""

from __future__ import annotations

import pytest

from tests.emulator.world import APP, AT_ONCE, GROUP, World


def test_the_start_can_be_delayed(shop: World) -> None:
    shop.emulator.switches(start_delay_seconds=30)
    deployment = shop.deploy()
    shop.emulator.advance(29)
    assert shop.status(deployment) == "Created"
    shop.emulator.advance(2)
    assert shop.status(deployment) == "InProgress"


def test_events_can_take_longer(shop: World) -> None:
    shop.emulator.switches(event_seconds=20)
    deployment = shop.deploy(deploymentConfigName=AT_ONCE)
    shop.emulator.advance(50)
    assert shop.status(deployment) == "InProgress"
    shop.emulator.advance(15)
    assert shop.status(deployment) == "Succeeded"


def test_hooks_can_take_their_time_and_the_hour_can_be_shorter(shop: World) -> None:
    shop.function("CodeDeployHook_a")
    shop.emulator.switches(hook_seconds=100, hook_timeout_seconds=50, hook_timeout_code="TIMEOUT")
    deployment = shop.deploy(before="CodeDeployHook_a")
    shop.emulator.advance(60)
    assert shop.error(deployment) == "TIMEOUT"


@pytest.mark.parametrize(
    ("answer", "status"), [("Pending", "InProgress"), ("Succeeded", "Stopped"), ("Forced", "Stopped")]
)
def test_the_answer_to_a_stop_can_be_forced(shop: World, answer: str, status: str) -> None:
    shop.emulator.switches(stop_answer=answer, stop_pending_seconds=40)
    deployment = shop.deploy()
    shop.emulator.advance(10)
    assert shop.codedeploy.stop_deployment(deploymentId=deployment)["status"] == answer
    shop.emulator.advance(30)
    assert shop.status(deployment) == status
    shop.emulator.advance(20)
    assert shop.status(deployment) == "Stopped"


def test_an_alarm_can_take_longer_and_leave_another_status(shop: World) -> None:
    shop.emulator.switches(alarm_reaction_seconds=30, alarm_status="Failed")
    shop.alarm("mine")
    deployment = shop.deploy(overrideAlarmConfiguration={"enabled": True, "alarms": [{"name": "mine"}]})
    shop.emulator.advance(10)
    shop.alarm("mine", "ALARM")
    shop.emulator.advance(25)
    assert shop.status(deployment) == "InProgress"
    shop.emulator.advance(10)
    assert (shop.status(deployment), shop.error(deployment)) == ("Failed", "ALARM_ACTIVE")


@pytest.mark.parametrize(("ignore", "status"), [(False, "Stopped"), (True, "InProgress")])
def test_alarms_that_cannot_be_read_stop_a_deployment_unless_that_is_ignored(
    shop: World, ignore: bool, status: str
) -> None:
    shop.emulator.switches(alarm_poll_fails=True)
    alarms = {"enabled": True, "ignorePollAlarmFailure": ignore, "alarms": [{"name": "mine"}]}
    deployment = shop.deploy(overrideAlarmConfiguration=alarms)
    shop.emulator.advance(10)
    assert shop.status(deployment) == status


def test_the_texts_of_errors_can_be_others(shop: World) -> None:
    shop.function("CodeDeployHook_a")
    shop.emulator.scripts(CodeDeployHook_a="fail")
    shop.emulator.switches(
        manual_stop_message="stopped!", hook_failure_message="{event}!", alarm_active_message="{alarms}!"
    )
    deployment = shop.deploy(before="CodeDeployHook_a")
    shop.emulator.advance(60)
    assert shop.info(deployment)["errorInformation"]["message"] == "BeforeAllowTraffic!"
    deployment = shop.deploy()
    shop.codedeploy.stop_deployment(deploymentId=deployment)
    assert shop.info(deployment)["errorInformation"]["message"] == "stopped!"


def test_a_group_may_be_allowed_more_alarms(shop: World) -> None:
    shop.emulator.switches(alarms_per_group=50)
    alarms = {"enabled": True, "alarms": [{"name": f"a{number}"} for number in range(50)]}
    shop.codedeploy.update_deployment_group(
        applicationName=APP, currentDeploymentGroupName=GROUP, alarmConfiguration=alarms
    )


def test_an_alias_at_latest_can_be_let_pass(shop: World) -> None:
    shop.emulator.switches(alias_at_latest="accept")
    shop.functions.update_alias(FunctionName="checkout", Name="live", FunctionVersion="$LATEST")
    deployment = shop.deploy(deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    assert (shop.status(deployment), shop.traffic()) == ("Succeeded", {"2": 1.0})
