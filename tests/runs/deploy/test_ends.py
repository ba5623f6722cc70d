"""Time limits, hooks that hang, rollbacks that go elsewhere or never come, aliases moved by hand."""

from __future__ import annotations

import re

import pytest

from codedeploy_emulator import Emulator
from tests.support.account import Account
from tests.support.action import HOOKS

from ..conftest import CODE, Theatre

LINEAR = {"deployment-config": "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"}
BEFORE = {"before-allow-traffic": HOOKS["before-allow-traffic"]}


@pytest.mark.parametrize(
    ("policy", "rollback", "status"),
    [("rollback", "succeeded", "Stopped"), ("stop", "none", "Stopped"), ("leave", "none", "InProgress")],
)
def test_the_time_limit_does_as_its_policy_says(
    theatre: Theatre, account: Account, policy: str, rollback: str, status: str
) -> None:
    theatre.history()
    theatre.group(autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_FAILURE"]})
    done = theatre.run({**LINEAR, "timeout": "2m", "on-timeout": policy}, run=(101, 1))
    done.check(5, outcome="timed-out", deployed="false", rollback=rollback)
    assert account.deployment(done.outputs["deployment-id"])["status"] == status
    assert (done.outputs["live-weights"] == "") == (policy == "rollback")
    assert "2 minutes" in done.log()


def test_without_one_the_time_limit_is_long_enough_for_config_and_hooks(theatre: Theatre) -> None:
    theatre.run({**LINEAR, **HOOKS}).check(0, outcome="succeeded")


def test_a_hook_that_hangs_is_told_with_its_name_and_left_to_codedeploy(theatre: Theatre, emulator: Emulator) -> None:
    """After its own time limit and a minute: a warning; CodeDeploy gives up after its hour."""
    theatre.history()
    emulator.scripts({HOOKS["before-allow-traffic"]: {"outcome": "silent", "log": ["about to hang"]}})
    done = theatre.run({**LINEAR, **BEFORE}, run=(101, 1)).check(1, outcome="rolled-back", live_version="2")
    log = done.log()
    assert "PutLifecycleEventHookExecutionStatus" in log and "about to hang" in log
    assert float(done.outputs["duration-seconds"]) > 3600


@pytest.mark.parametrize("info", ["after-the-first-hook", "always", "never"])
def test_with_hook_timeout_it_is_stopped_and_rolled_back(theatre: Theatre, emulator: Emulator, info: str) -> None:
    """Whether or not the target says whose hook it is."""
    emulator.switches(function_info=info)
    theatre.history()
    emulator.scripts({HOOKS["before-allow-traffic"]: "silent"})
    done = theatre.run({**LINEAR, **BEFORE, "hook-timeout": "3m"}, run=(101, 1))
    done.check(1, outcome="rolled-back", live_version="2", live_weights="")
    assert "hook-timeout" in done.outputs["reason"]
    assert float(done.outputs["duration-seconds"]) < 600


def test_an_alarm_is_named_with_its_reason(theatre: Theatre, account: Account) -> None:
    theatre.history()
    theatre.at(100, account.ring)
    done = theatre.run(LINEAR, run=(101, 1)).check(1, outcome="rolled-back", rollback="succeeded", live_version="2")
    assert "checkout-errors" in done.outputs["reason"] and "5 errors in 1 minute" in done.outputs["reason"]
    assert "ALARM since " in done.log() and "ALARM since " in done.summary


def test_in_a_fresh_group_without_rollback_the_alias_is_set_back(theatre: Theatre, emulator: Emulator) -> None:
    """No successful revision: CodeDeploy has nothing to go back to, and we put the alias right."""
    emulator.switches(rollback_without_history="none")
    theatre.at(100, theatre.account.ring)
    done = theatre.run(LINEAR).check(1, outcome="rolled-back", rollback="succeeded", live_version="1", live_weights="")
    assert done.outputs["rollback-deployment-id"] == ""
    assert theatre.account.serves() == {"1": 100.0}


@pytest.mark.parametrize("wanted", ["never", "not permitted"])
def test_where_it_may_not_be_set_back_the_command_that_repairs_it_is_said(
    theatre: Theatre, emulator: Emulator, wanted: str
) -> None:
    emulator.switches(rollback_without_history="none")
    theatre.at(100, theatre.account.ring)
    extra = {"repair-alias": "never"} if wanted == "never" else {}
    if wanted == "not permitted":
        emulator.faults([{"service": "lambda", "operation": "UpdateAlias", "fault": "access-denied"}])
    done = theatre.run({**LINEAR, **extra})
    done.check(1, outcome="rollback-failed", rollback="failed", live_version="1", live_weights="1=80,2=20")
    assert "aws lambda update-alias" in done.log()
    if wanted == "not permitted":
        assert "lambda:UpdateAlias" in done.log()


def test_a_rollback_to_another_version_than_the_alias_had_is_put_right(theatre: Theatre, account: Account) -> None:
    """The group's last successful revision is version 2, but the alias had been moved by hand to 1."""
    theatre.history()
    account.lambda_.update_alias(FunctionName="checkout", Name="live", FunctionVersion="1")
    theatre.at(100, account.ring)
    done = theatre.run(LINEAR, run=(101, 1))
    done.check(1, outcome="rolled-back", rollback="succeeded", previous_version="1", live_version="1", live_weights="")
    assert account.serves() == {"1": 100.0}


def test_a_rollback_that_comes_late_is_waited_for(theatre: Theatre, emulator: Emulator) -> None:
    theatre.history()
    emulator.switches(rollback_delay_seconds=50)
    theatre.at(100, theatre.account.ring)
    done = theatre.run(LINEAR, run=(101, 1)).check(1, outcome="rolled-back", live_version="2")
    assert done.outputs["rollback-deployment-id"]


def test_a_failed_rollback_is_not_called_rolled_back(theatre: Theatre, emulator: Emulator) -> None:
    theatre.history()
    emulator.switches(rollback_fails="INTERNAL_ERROR")
    theatre.at(100, theatre.account.ring)
    done = theatre.run({**LINEAR, "repair-alias": "never"}, run=(101, 1))
    done.check(1, outcome="rollback-failed", rollback="failed")
    assert done.outputs["live-weights"]


def test_no_rollback_is_told_apart(theatre: Theatre, emulator: Emulator) -> None:
    theatre.at(100, theatre.account.ring)
    done = theatre.run({**LINEAR, "auto-rollback": "off"}).check(1, rollback="none", deployed="false")
    assert "No rollback was configured" in done.outputs["reason"] and done.outputs["live-weights"]
    assert "aws lambda update-alias" in done.log()


def test_an_alias_that_somebody_moves_meanwhile_is_no_success(theatre: Theatre, account: Account) -> None:
    theatre.history()

    def move() -> None:
        account.lambda_.update_alias(
            FunctionName="checkout",
            Name="live",
            FunctionVersion="1",
            RoutingConfig={"AdditionalVersionWeights": {}},
        )

    emulator_end = 9 * 60 + 2.5  # the last shift is done, its end is not told yet
    theatre.at(emulator_end, move)
    done = theatre.run({**LINEAR, **HOOKS}, run=(101, 1))
    assert done.outputs["live-version"] == next(iter(account.serves()))
    assert (done.code == 0) == (account.serves() == {"3": 100.0})


def test_a_split_alias_is_refused_and_repaired_when_asked(theatre: Theatre, account: Account) -> None:
    account.lambda_.publish_version(FunctionName="checkout")
    account.lambda_.update_alias(
        FunctionName="checkout",
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.3}},
    )
    account.code(CODE.format("fix"))
    done = theatre.run(LINEAR).check(3, outcome="refused", live_version="1", live_weights="1=70,2=30")
    assert "repair-alias: always" in done.log()
    theatre.run({**LINEAR, "repair-alias": "always"}).check(0, outcome="succeeded", live_version="3", live_weights="")


def test_several_functions_of_one_group_do_not_mix(theatre: Theatre, account: Account, emulator: Emulator) -> None:
    """The group's last successful revision is another function's: the rollback does nothing for ours, so we do."""
    account.publish("def handler(e, c):\n    return 1\n", "CodeDeployHook_checkout_before")
    account.publish("def handler(e, c):\n    return 2\n", "CodeDeployHook_checkout_before")
    account.lambda_.create_alias(FunctionName="CodeDeployHook_checkout_before", Name="live", FunctionVersion="1")
    other = {"function": "CodeDeployHook_checkout_before", "version": "2"}
    theatre.run({**other, "deployment-config": "CodeDeployDefault.LambdaAllAtOnce"}).check(0, live_version="2")
    theatre.at(100, account.ring)
    done = theatre.run(LINEAR, run=(101, 1))
    done.check(1, outcome="rolled-back", previous_version="1", live_version="1", live_weights="")
    assert account.serves() == {"1": 100.0}


@pytest.mark.parametrize(
    "switch",
    [
        {"weight_scale": "percent"},
        {"lifecycle_events": "all"},
        {"undeclared_hooks": "Skipped"},
        {"function_info": "always"},
        {"function_info": "never"},
        {"deployments_order": "newest-first"},
        {"deployments_order": "oldest-first"},
        {"rollback_message": "progress"},
        {"rollback_delay_seconds": 20},
        {"alarm_reaction_seconds": 23},
        {"target_id": "arn"},
        {"target_id": "function-and-alias"},
        {"rollback_appspec": "swapped"},
    ],
)
def test_what_nobody_could_confirm_makes_no_difference(
    theatre: Theatre, emulator: Emulator, switch: dict[str, str]
) -> None:
    emulator.switches(switch)
    theatre.history()
    theatre.at(100, theatre.account.ring)
    theatre.run(LINEAR, run=(101, 1)).check(1, outcome="rolled-back", live_version="2")


def test_of_hooks_that_nobody_declared_no_report_says_a_word(theatre: Theatre) -> None:
    """CodeDeploy lists their events as Succeeded, in the deployment and in its rollback."""
    theatre.history()
    theatre.at(100, theatre.account.ring)
    done = theatre.run(LINEAR, run=(101, 1)).check(1, outcome="rolled-back", live_version="2")
    assert "AllowTraffic" in done.summary
    for text in (done.log(), done.summary):
        assert "BeforeAllowTraffic" not in text and "AfterAllowTraffic" not in text


def test_a_first_step_of_one_percent_is_one_percent(theatre: Theatre, account: Account) -> None:
    theatre.history()
    routing = {"type": "TimeBasedCanary", "timeBasedCanary": {"canaryPercentage": 1, "canaryInterval": 5}}
    account.codedeploy.create_deployment_config(
        deploymentConfigName="one", computePlatform="Lambda", trafficRoutingConfig=routing
    )
    log = theatre.run({**LINEAR, "deployment-config": "one"}, run=(101, 1)).check(0, live_version="3").log()
    assert log.index(" 1% → 3") < log.index("100% → 3")


@pytest.mark.parametrize("which", ["before", "after"])
def test_the_hook_that_failed_is_found_though_codedeploy_names_none(
    theatre: Theatre, emulator: Emulator, which: str
) -> None:
    theatre.history()
    hook = f"CodeDeployHook_checkout_{which}"
    emulator.scripts({hook: "fail"})
    given = {**LINEAR, f"{which}-allow-traffic": hook, "deployment-config": "CodeDeployDefault.LambdaAllAtOnce"}
    done = theatre.run(given, run=(101, 1)).check(1, outcome="rolled-back", live_version="2")
    assert re.match(rf"Hook `{hook}` \(\w+AllowTraffic\) reported `Failed`", done.outputs["reason"])
    assert "one or more of the lifecycle event validation functions failed" in done.log(), "AWS's own words, once"
    assert f"/aws/lambda/{hook}" in done.log()


@pytest.mark.parametrize("answer", ["Pending", "Succeeded", "Forced"])
def test_whatever_a_stop_is_answered_it_is_followed_to_its_end(
    theatre: Theatre, emulator: Emulator, answer: str
) -> None:
    emulator.switches(stop_answer=answer)
    theatre.history()
    done = theatre.run({**LINEAR, "timeout": "1m"}, run=(101, 1))
    done.check(5, outcome="timed-out", rollback="succeeded", live_version="2", live_weights="")


def test_an_appspec_from_and_to_the_version_that_is_served_leaves_nothing_to_deploy(
    theatre: Theatre, account: Account
) -> None:
    step = theatre.run({"current-version": "1", "version": "1"})
    step.check(0, outcome="unchanged", live_version="1")
    assert account.writes() == []


def test_one_function_may_be_both_hooks(theatre: Theatre, account: Account) -> None:
    hook = "CodeDeployHook_checkout_before"
    step = theatre.run({"before-allow-traffic": hook, "after-allow-traffic": hook})
    step.check(0, outcome="succeeded")
    assert "AfterAllowTraffic" in step.log()
