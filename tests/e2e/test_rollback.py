"""`rollback`, `stop` and `status`: every case of the table in docs/rollback.md, as a process against the emulator."""

from __future__ import annotations

import json
import re

import pytest

from codedeploy_emulator import Emulator
from tests.support.account import Account
from tests.support.action import CHECKOUT, Runner

CANARY = "CodeDeployDefault.LambdaCanary10Percent30Minutes"
AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"
ROLLBACK = {**CHECKOUT, "command": "rollback", "reason": "prices are wrong"}
STOP = {**CHECKOUT, "command": "stop"}
STATUS = {**CHECKOUT, "command": "status"}


@pytest.fixture
def served(runner: Runner, account: Account) -> None:
    """Version 1, then 2, then 3 were served, each by a deployment of ours."""
    for number in (2, 3):
        account.code(f"# version {number}\ndef handler(event, context):\n    return {number}\n")
        runner.run({**CHECKOUT, "deployment-config": AT_ONCE}, run=(number, 1)).check(0, live_version=str(number))


@pytest.mark.usefixtures("served")
def test_nothing_runs_so_what_was_served_before_is_deployed(runner: Runner, account: Account) -> None:
    """All at once, with a marker that says who, which run and why; CodeDeploy may not roll it back by itself."""
    done = runner.run(ROLLBACK, run=(10, 1), event_name="workflow_dispatch", payload={}).check(
        0, outcome="succeeded", deployed="true", previous_version="3", target_version="2", live_version="2"
    )
    assert account.serves() == {"2": 100.0}
    deployment = account.deployment(done.outputs["deployment-id"])
    assert "kind=rollback by=alice prices are wrong" in deployment["description"]
    assert " run=10.1 " in deployment["description"]
    assert deployment["deploymentConfigName"] == AT_ONCE
    assert not deployment.get("autoRollbackConfiguration", {}).get("enabled")
    assert "version 2 was served before version 3" in done.log
    assert "prices are wrong" in done.summary


@pytest.mark.usefixtures("served")
def test_rolling_back_twice_goes_further_back(runner: Runner, account: Account) -> None:
    runner.run(ROLLBACK, run=(10, 1)).check(0, live_version="2")
    runner.run(ROLLBACK, run=(11, 1)).check(0, live_version="1")
    runner.run(ROLLBACK, run=(12, 1)).check(3, outcome="refused", live_version="1")


@pytest.mark.usefixtures("served")
def test_a_re_run_of_a_rollback_goes_no_further_back(runner: Runner, account: Account) -> None:
    runner.run(ROLLBACK, run=(10, 1)).check(0, live_version="2")
    runner.run(ROLLBACK, run=(10, 2)).check(0, outcome="unchanged", live_version="2")
    assert account.serves() == {"2": 100.0}


@pytest.mark.usefixtures("served")
def test_rolling_back_a_rollback_by_naming_its_deployment(runner: Runner, account: Account) -> None:
    """`deployment-id` names the deployment whose version comes back, by a fresh AppSpec."""
    brought_three = account.deployments()[0]
    runner.run(ROLLBACK, run=(10, 1)).check(0, live_version="2")
    runner.run({**ROLLBACK, "deployment-id": brought_three}, run=(11, 1)).check(0, live_version="3")


@pytest.mark.usefixtures("served")
def test_a_running_deployment_is_stopped_and_its_rollback_followed(runner: Runner, account: Account) -> None:
    account.code("# version 4\ndef handler(event, context):\n    return 4\n")
    started = runner.run({**CHECKOUT, "wait": "false", "deployment-config": CANARY}, run=(4, 1)).check(
        0, outcome="detached"
    )
    done = runner.run(ROLLBACK, run=(10, 1)).check(
        0, outcome="succeeded", deployed="true", target_version="3", live_version="3", rollback="succeeded"
    )
    assert done.outputs["deployment-id"] == started.outputs["deployment-id"]
    assert account.deployment(started.outputs["deployment-id"])["status"] == "Stopped"
    assert account.serves() == {"3": 100.0}


@pytest.mark.usefixtures("served")
def test_after_an_automatic_rollback_it_goes_before_what_is_served(
    runner: Runner, account: Account, emulator: Emulator
) -> None:
    """The failed deployment and its automatic rollback changed nothing: 3 is served, 2 was before it."""
    emulator.scripts(CodeDeployHook_checkout_before="fail")
    account.code("# version 4\ndef handler(event, context):\n    return 4\n")
    failing = {**CHECKOUT, "before-allow-traffic": "CodeDeployHook_checkout_before"}
    runner.run(failing, run=(4, 1)).check(1, outcome="rolled-back", live_version="3")
    runner.run(ROLLBACK, run=(10, 1)).check(0, live_version="2")


@pytest.mark.usefixtures("served")
def test_an_alias_moved_by_hand_is_not_guessed_about(runner: Runner, account: Account) -> None:
    account.lambda_.update_alias(FunctionName="checkout", Name="live", FunctionVersion="1")
    done = runner.run(ROLLBACK, run=(10, 1)).check(3, outcome="refused", live_version="1")
    assert "by hand" in done.outputs["reason"]
    assert "`to-version`" in done.log
    runner.run({**ROLLBACK, "to-version": "3"}, run=(11, 1)).check(0, live_version="3")


@pytest.mark.usefixtures("served")
def test_a_split_alias_is_put_back_on_its_primary_version(runner: Runner, account: Account) -> None:
    """What a stop without rollback leaves behind; CodeDeploy itself would fail every deployment."""
    account.lambda_.update_alias(
        FunctionName="checkout",
        Name="live",
        FunctionVersion="2",
        RoutingConfig={"AdditionalVersionWeights": {"3": 0.1}},
    )
    runner.run(ROLLBACK, run=(10, 1)).check(0, outcome="succeeded", live_version="2", live_weights="")
    assert account.serves() == {"2": 100.0}


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"to-version": "77"}, "never deployed"),
        ({"to-version": "77", "force": "true"}, "no version 77"),
        ({"to-version": "3"}, "serves version 3 already"),
        ({"deployment-id": "d-AAAAAAAAA"}, "d-AAAAAAAAA"),
    ],
)
def test_it_refuses_with_a_reason(runner: Runner, account: Account, extra: dict[str, str], says: str) -> None:
    before = len(account.writes())
    done = runner.run({**ROLLBACK, **extra}, run=(10, 1)).check(3, outcome="refused", live_version="3")
    assert says in done.outputs["reason"]
    assert len(account.writes()) == before


def test_without_history_there_is_no_way_back(runner: Runner, account: Account) -> None:
    done = runner.run(ROLLBACK).check(3, outcome="refused")
    assert "No deployment" in done.outputs["reason"]


def test_a_rollback_needs_a_reason(runner: Runner, account: Account) -> None:
    done = runner.run({**ROLLBACK, "reason": ""}).check(2, outcome="invalid")
    assert "`reason`" in done.outputs["reason"]
    assert account.operations() == []


@pytest.mark.usefixtures("served")
def test_ringing_alarms_do_not_block_the_rescue(runner: Runner, account: Account) -> None:
    account.ring()
    done = runner.run(ROLLBACK, run=(10, 1)).check(0, live_version="2")
    override = account.deployment(done.outputs["deployment-id"]).get("overrideAlarmConfiguration")
    assert override is not None and override["enabled"] is False


@pytest.mark.usefixtures("served")
def test_quiet_alarms_are_left_on(runner: Runner, account: Account) -> None:
    """The override needs codedeploy:UpdateDeploymentGroup, so it is sent only where it is needed."""
    done = runner.run(ROLLBACK, run=(10, 1)).check(0, live_version="2")
    assert "overrideAlarmConfiguration" not in account.deployment(done.outputs["deployment-id"])


@pytest.mark.usefixtures("served")
def test_hooks_run_only_if_asked_for(runner: Runner, account: Account, emulator: Emulator) -> None:
    emulator.scripts(CodeDeployHook_checkout_before="succeed")
    hooked = {**ROLLBACK, "before-allow-traffic": "CodeDeployHook_checkout_before"}
    done = runner.run(hooked, run=(10, 1)).check(0, live_version="2")
    assert not re.search(r"BeforeAllowTraffic +succeeded", done.log)
    done = runner.run({**hooked, "run-hooks": "true"}, run=(11, 1)).check(0, live_version="1")
    assert re.search(r"BeforeAllowTraffic +succeeded", done.log)


@pytest.mark.usefixtures("served")
def test_a_hold_keeps_deployments_out_until_it_is_released(runner: Runner, account: Account) -> None:
    runner.run({**ROLLBACK, "hold": "true"}, run=(10, 1)).check(0, live_version="2")
    done = runner.run(CHECKOUT, run=(11, 1)).check(3, outcome="refused", live_version="2")
    assert "alice" in done.outputs["reason"] and "prices are wrong" in done.outputs["reason"]
    runner.run({**CHECKOUT, "release-hold": "true"}, run=(12, 1)).check(0, outcome="succeeded", live_version="3")
    runner.run(CHECKOUT, run=(13, 1)).check(0, outcome="unchanged")


def test_two_functions_of_one_group_have_histories_of_their_own(runner: Runner, account: Account) -> None:
    """The group's last deployment was another function's: it is not taken for this one's."""
    account.code("# version 2\ndef handler(event, context):\n    return 2\n")
    runner.run({**CHECKOUT, "deployment-config": AT_ONCE}, run=(1, 1)).check(0, live_version="2")
    account.lambda_.publish_version(FunctionName="CodeDeployHook_checkout_before")
    account.lambda_.create_alias(FunctionName="CodeDeployHook_checkout_before", Name="live", FunctionVersion="1")
    other = {**CHECKOUT, "function": "CodeDeployHook_checkout_before", "deployment-config": AT_ONCE}
    account.lambda_.update_function_configuration(FunctionName="CodeDeployHook_checkout_before", Timeout=31)
    runner.run(other, run=(2, 1)).check(0, live_version="2")
    runner.run(ROLLBACK, run=(10, 1)).check(0, previous_version="2", live_version="1")


# --- stop --------------------------------------------------------------------------------------------------------


def test_stop_with_rollback_ends_on_the_version_before(runner: Runner, account: Account) -> None:
    account.set_config(AT_ONCE)
    runner.run(CHECKOUT, run=(1, 1)).check(0, live_version="2")
    account.code("# version 3\ndef handler(event, context):\n    return 3\n")
    runner.run({**CHECKOUT, "wait": "false", "deployment-config": CANARY}, run=(2, 1)).check(0)
    runner.run({**STOP, "reason": "wrong branch"}, run=(3, 1)).check(
        0, outcome="stopped", rollback="succeeded", live_version="2", live_weights=""
    )
    assert account.serves() == {"2": 100.0}


def test_stop_without_rollback_says_what_is_left(runner: Runner, account: Account, emulator: Emulator) -> None:
    begin = {**CHECKOUT, "wait": "false", "deployment-config": CANARY, "auto-rollback": "failure, alarm"}
    runner.run(begin).check(0, outcome="detached")
    while account.serves() == {"1": 100.0}:
        pass
    done = runner.run({**STOP, "rollback": "false", "restore-alias": "never"}).check(
        0, outcome="stopped", rollback="none", live_version="1", live_weights="1=90,2=10"
    )
    assert "update-alias" in done.log


def test_stop_with_nothing_running_is_a_success_that_says_so(runner: Runner, account: Account) -> None:
    done = runner.run(STOP).check(0, outcome="unchanged")
    assert "No deployment" in done.outputs["reason"]
    account.set_config(AT_ONCE)
    runner.run(CHECKOUT).check(0, outcome="succeeded")
    over = runner.run({**STOP, "deployment-id": account.deployments()[0]}).check(0, outcome="unchanged")
    assert "over already" in over.outputs["reason"]


# --- status ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("served")
def test_status_tells_what_is_served_and_marks_automatic_rollbacks(
    runner: Runner, account: Account, emulator: Emulator
) -> None:
    emulator.scripts(CodeDeployHook_checkout_before="fail")
    account.code("# version 4\ndef handler(event, context):\n    return 4\n")
    failing = {**CHECKOUT, "before-allow-traffic": "CodeDeployHook_checkout_before"}
    failed = runner.run(failing, run=(4, 1)).check(1, outcome="rolled-back")
    before = len(account.writes())
    done = runner.run(STATUS).check(0, outcome="reported", live_version="3")
    assert len(account.writes()) == before
    status = json.loads(done.outputs["result"])["status"]["checkout:live"]
    kinds = [(entry["kind"], entry["rollback-of"]) for entry in status["history"]]
    assert kinds[0] == ("automatic rollback", failed.outputs["deployment-id"])
    assert [entry["run-id"] for entry in status["history"][1:]] == [4, 3, 2]
    assert status["served-by"]["target-version"] == "3"
    assert "automatic rollback" in done.log and "automatic rollback" in done.summary
