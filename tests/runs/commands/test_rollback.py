"""`rollback`, `stop` and `status`: every case of the table in docs/rollback.md, by the real program."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.marker import Marker, write
from ci_deploy.core.reasons.ending.verdict import StoppedByRun
from codedeploy_emulator import Emulator
from tests.support.account import Account
from tests.support.action import CHECKOUT

from ..conftest import CODE, Theatre

CANARY = "CodeDeployDefault.LambdaCanary10Percent30Minutes"
FIVE_MINUTES = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"
ROLLBACK = {**CHECKOUT, "command": "rollback", "reason": "prices are wrong"}
STOP = {**CHECKOUT, "command": "stop"}
STATUS = {**CHECKOUT, "command": "status"}


@pytest.fixture
def served(account: Account, emulator: Emulator) -> None:
    """Version 1, then 2, then 3 were served, each by a deployment of ours."""
    for number in (2, 3):
        mark = Marker(id=f"{number:08}", key="0" * 16, run_id=number, attempt=1, sha="abc123")
        account.deploy(str(number - 1), account.publish(CODE.format(number)), description=write(mark))
        emulator.advance(10)
    assert account.serves() == {"3": 100.0}


@pytest.mark.usefixtures("served")
def test_nothing_runs_so_what_was_served_before_is_deployed(theatre: Theatre, account: Account) -> None:
    """All at once, with a marker that says who, which run and why; CodeDeploy may not roll it back by itself."""
    done = theatre.run(ROLLBACK, run=(10, 1), environ={"GITHUB_EVENT_NAME": "workflow_dispatch"}).check(
        0, outcome="succeeded", deployed="true", previous_version="3", target_version="2", live_version="2"
    )
    assert account.serves() == {"2": 100.0}
    deployment = account.deployment(done.outputs["deployment-id"])
    assert "kind=rollback by=alice prices are wrong" in deployment["description"]
    assert " run=10.1 " in deployment["description"]
    assert deployment["deploymentConfigName"] == AT_ONCE
    assert not deployment.get("autoRollbackConfiguration", {}).get("enabled")
    assert "version 2, the one before version 3" in done.log()
    assert "prices are wrong" in done.summary


@pytest.mark.usefixtures("served")
def test_rolling_back_twice_goes_further_back(theatre: Theatre, account: Account) -> None:
    theatre.run(ROLLBACK, run=(10, 1)).check(0, live_version="2")
    theatre.run(ROLLBACK, run=(11, 1)).check(0, live_version="1")
    theatre.run(ROLLBACK, run=(12, 1)).check(3, outcome="refused", live_version="1")


@pytest.mark.usefixtures("served")
def test_a_re_run_of_a_rollback_goes_no_further_back(theatre: Theatre, account: Account) -> None:
    theatre.run(ROLLBACK, run=(10, 1)).check(0, live_version="2")
    theatre.run(ROLLBACK, run=(10, 2)).check(0, outcome="unchanged", live_version="2")
    assert account.serves() == {"2": 100.0}


@pytest.mark.usefixtures("served")
def test_rolling_back_a_rollback_by_naming_its_deployment(theatre: Theatre, account: Account) -> None:
    """`deployment-id` names the deployment whose version comes back, by a fresh AppSpec."""
    brought_three = account.deployments()[0]
    theatre.run(ROLLBACK, run=(10, 1)).check(0, live_version="2")
    theatre.run({**ROLLBACK, "deployment-id": brought_three}, run=(11, 1)).check(0, live_version="3")


@pytest.mark.usefixtures("served")
def test_a_running_deployment_is_stopped_and_its_rollback_followed(theatre: Theatre, account: Account) -> None:
    account.code(CODE.format(4))
    started = theatre.run({**CHECKOUT, "wait": "false", "deployment-config": CANARY}, run=(4, 1)).check(
        0, outcome="detached"
    )
    done = theatre.run(ROLLBACK, run=(10, 1)).check(
        0, outcome="succeeded", deployed="true", target_version="3", live_version="3", rollback="succeeded"
    )
    assert done.outputs["deployment-id"] == started.outputs["deployment-id"]
    assert account.deployment(started.outputs["deployment-id"])["status"] == "Stopped"
    assert account.serves() == {"3": 100.0}
    # Run 10 created nothing, and keeps older runs away all the same: the one that it took back is one.
    theatre.run({**CHECKOUT, "deployment-config": AT_ONCE}, run=(4, 2)).check(3, outcome="refused", live_version="3")
    theatre.run({**CHECKOUT, "deployment-config": AT_ONCE}, run=(11, 1)).check(0, outcome="succeeded")


@pytest.mark.usefixtures("served")
def test_the_job_whose_deployment_a_rollback_stops_names_that_run(theatre: Theatre, account: Account) -> None:
    account.code(CODE.format(4))
    job = theatre.step({**CHECKOUT, "deployment-config": CANARY}, run=(4, 1))
    rollback = theatre.step(ROLLBACK, run=(10, 1), starts=90.0)
    theatre.play(job, rollback)
    rollback.check(0, outcome="succeeded", live_version="3")
    job.check(1, outcome="rolled-back", reason_code="stopped-by-run", live_version="3")
    assert StoppedByRun(run=10, url="").text in job.outputs["reason"]
    for text in (job.log(), job.summary):
        assert "/actions/runs/10" in text
    assert "StopDeployment" not in job.summary


@pytest.mark.usefixtures("served")
def test_after_an_automatic_rollback_it_goes_before_what_is_served(
    theatre: Theatre, account: Account, emulator: Emulator
) -> None:
    """The failed deployment and its automatic rollback changed nothing: 3 is served, 2 was before it."""
    emulator.scripts(CodeDeployHook_checkout_before="fail")
    account.code(CODE.format(4))
    failing = {**CHECKOUT, "before-allow-traffic": "CodeDeployHook_checkout_before"}
    theatre.run(failing, run=(4, 1)).check(1, outcome="rolled-back", live_version="3")
    theatre.run(ROLLBACK, run=(10, 1)).check(0, live_version="2")


@pytest.mark.usefixtures("served")
def test_an_alias_moved_by_hand_is_not_guessed_about(theatre: Theatre, account: Account) -> None:
    account.lambda_.update_alias(FunctionName="checkout", Name="live", FunctionVersion="1")
    done = theatre.run(ROLLBACK, run=(10, 1)).check(3, outcome="refused", live_version="1")
    assert "moved the alias manually" in done.outputs["reason"]
    shown = theatre.run({**ROLLBACK, "command": "status"}, run=(10, 1))
    for said in (done.log(), shown.log()):
        assert "Choose a version that was deployed (3, 2): `ci-deploy rollback --function checkout" in said
        assert "--version 3`." in said
    theatre.run({**ROLLBACK, "version": "3"}, run=(11, 1)).check(0, live_version="3")


@pytest.mark.usefixtures("served")
def test_a_split_alias_is_put_back_on_its_primary_version(theatre: Theatre, account: Account) -> None:
    """What a stop without rollback leaves behind; CodeDeploy itself would fail every deployment."""
    account.lambda_.update_alias(
        FunctionName="checkout",
        Name="live",
        FunctionVersion="2",
        RoutingConfig={"AdditionalVersionWeights": {"3": 0.1}},
    )
    theatre.run(ROLLBACK, run=(10, 1)).check(0, outcome="succeeded", live_version="2", live_weights="")
    assert account.serves() == {"2": 100.0}


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"version": "77"}, "never deployed"),
        ({"version": "77", "force": "true"}, "no version 77"),
        ({"version": "3"}, "version 3 already"),
        ({"deployment-id": "d-AAAAAAAAA"}, "d-AAAAAAAAA"),
    ],
)
def test_it_refuses_with_a_reason(theatre: Theatre, account: Account, extra: dict[str, str], says: str) -> None:
    before = len(account.writes())
    done = theatre.run({**ROLLBACK, **extra}, run=(10, 1)).check(3, outcome="refused", live_version="3")
    assert says in done.outputs["reason"]
    assert len(account.writes()) == before


def test_without_history_there_is_no_way_back(theatre: Theatre, account: Account) -> None:
    done = theatre.run(ROLLBACK).check(3, outcome="refused")
    assert "No deployment" in done.outputs["reason"]


def test_a_rollback_needs_a_reason(theatre: Theatre, account: Account) -> None:
    done = theatre.run({**ROLLBACK, "reason": ""}).check(2, outcome="invalid")
    assert "`reason`" in done.outputs["reason"]
    assert account.operations() == []


@pytest.mark.usefixtures("served")
def test_ringing_alarms_do_not_block_the_rescue(theatre: Theatre, account: Account) -> None:
    account.ring()
    done = theatre.run(ROLLBACK, run=(10, 1)).check(0, live_version="2")
    override = account.deployment(done.outputs["deployment-id"]).get("overrideAlarmConfiguration")
    assert override is not None and override["enabled"] is False


@pytest.mark.usefixtures("served")
def test_quiet_alarms_are_left_on(theatre: Theatre, account: Account) -> None:
    """The override needs codedeploy:UpdateDeploymentGroup, so it is sent only where it is needed."""
    done = theatre.run(ROLLBACK, run=(10, 1)).check(0, live_version="2")
    assert "overrideAlarmConfiguration" not in account.deployment(done.outputs["deployment-id"])


@pytest.mark.usefixtures("served")
def test_hooks_run_only_if_asked_for(theatre: Theatre, account: Account, emulator: Emulator) -> None:
    emulator.scripts(CodeDeployHook_checkout_before="succeed")
    hooked = {**ROLLBACK, "before-allow-traffic": "CodeDeployHook_checkout_before"}
    done = theatre.run(hooked, run=(10, 1)).check(0, live_version="2")
    assert not re.search(r"BeforeAllowTraffic +succeeded", done.log())
    done = theatre.run({**hooked, "run-hooks": "true"}, run=(11, 1)).check(0, live_version="1")
    assert re.search(r"BeforeAllowTraffic +succeeded", done.log())


@pytest.mark.usefixtures("served")
def test_a_hold_keeps_deployments_out_until_it_is_released(theatre: Theatre, account: Account) -> None:
    theatre.run({**ROLLBACK, "hold": "set"}, run=(10, 1)).check(0, live_version="2")
    done = theatre.run(CHECKOUT, run=(11, 1)).check(3, outcome="refused", live_version="2")
    assert "alice" in done.outputs["reason"] and "prices are wrong" in done.outputs["reason"]
    theatre.run({**CHECKOUT, "hold": "release"}, run=(12, 1)).check(0, outcome="succeeded", live_version="3")
    theatre.run(CHECKOUT, run=(13, 1)).check(0, outcome="unchanged")


def test_two_functions_of_one_group_have_histories_of_their_own(theatre: Theatre, account: Account) -> None:
    """The group's last deployment was another function's: it is not taken for this one's."""
    account.code(CODE.format("two"))
    theatre.run({**CHECKOUT, "deployment-config": AT_ONCE}, run=(1, 1)).check(0, live_version="2")
    account.lambda_.publish_version(FunctionName="CodeDeployHook_checkout_before")
    account.lambda_.create_alias(FunctionName="CodeDeployHook_checkout_before", Name="live", FunctionVersion="1")
    other = {**CHECKOUT, "function": "CodeDeployHook_checkout_before", "deployment-config": AT_ONCE}
    account.lambda_.update_function_configuration(FunctionName="CodeDeployHook_checkout_before", Timeout=31)
    theatre.run(other, run=(2, 1)).check(0, live_version="2")
    theatre.run(ROLLBACK, run=(10, 1)).check(0, previous_version="2", live_version="1")


@pytest.mark.usefixtures("served")
def test_a_rollback_that_runs_already_is_followed_and_not_disturbed(
    theatre: Theatre, account: Account, emulator: Emulator
) -> None:
    """A manual one, started by somebody else a moment ago."""
    slow = {**ROLLBACK, "deployment-config": CANARY, "wait": "false"}
    first = theatre.run(slow, run=(10, 1)).check(0, outcome="detached")
    emulator.advance(20)
    theatre.run(ROLLBACK, run=(11, 1)).check(
        0, outcome="succeeded", live_version="2", deployment_id=first.outputs["deployment-id"]
    )
    assert "StopDeployment" not in [call["operation"] for call in emulator.calls]


@pytest.mark.usefixtures("served")
def test_codedeploys_own_rollback_under_way_is_followed(theatre: Theatre, account: Account, emulator: Emulator) -> None:
    """It redeploys the group's last successful revision, whose hook takes its time."""
    hook = {"before-allow-traffic": "CodeDeployHook_checkout_before"}
    account.code(CODE.format(4))
    theatre.run({**hook, "deployment-config": AT_ONCE}, run=(4, 1)).check(0, live_version="4")
    account.code(CODE.format(5))
    started = theatre.run({**hook, "deployment-config": CANARY, "wait": "false"}, run=(5, 1))
    emulator.advance(20)
    emulator.switches(rollback_runs_hooks=True, rollback_delay_seconds=1, hook_seconds=600)
    account.codedeploy.stop_deployment(deploymentId=started.outputs["deployment-id"], autoRollbackEnabled=True)
    emulator.advance(5)
    rollback = account.deployment(started.outputs["deployment-id"])["rollbackInfo"]["rollbackDeploymentId"]
    theatre.run(ROLLBACK, run=(10, 1)).check(0, outcome="succeeded", live_version="4", deployment_id=rollback)
    assert account.serves() == {"4": 100.0}


@pytest.mark.usefixtures("served")
def test_another_functions_deployment_in_the_group_is_waited_for(
    theatre: Theatre, account: Account, emulator: Emulator
) -> None:
    name = "CodeDeployHook_checkout_before"
    account.lambda_.publish_version(FunctionName=name)
    account.lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    account.lambda_.update_function_configuration(FunctionName=name, Timeout=31)
    other = {**CHECKOUT, "function": name, "deployment-config": CANARY, "wait": "false"}
    theirs = theatre.run(other, run=(4, 1)).check(0, outcome="detached").outputs["deployment-id"]
    emulator.advance(20)
    done = theatre.run({**ROLLBACK, "timeout": "1h"}, run=(10, 1)).check(0, outcome="succeeded", live_version="2")
    assert account.deployment(theirs)["status"] == "Succeeded"
    assert theirs in done.log()


@pytest.mark.usefixtures("served")
def test_a_stop_that_comes_too_late_says_so_and_the_next_rollback_goes_back(
    theatre: Theatre, account: Account, emulator: Emulator
) -> None:
    """The deployment succeeds between our reading and our StopDeployment."""
    account.code(CODE.format(4))
    theatre.run({**CHECKOUT, "deployment-config": FIVE_MINUTES, "wait": "false"}, run=(4, 1)).check(0)
    step = theatre.step(ROLLBACK, run=(10, 1))
    submit = step.submit

    def late(perform, action):  # type: ignore[no-untyped-def]
        if type(action).__name__ == "Stop":
            emulator.advance(400)
        return submit(perform, action)

    step.submit = late  # type: ignore[method-assign]
    theatre.play(step)
    step.check(1, outcome="failed", live_version="4")
    assert "had succeeded before it could be stopped" in step.outputs["reason"]
    theatre.run(ROLLBACK, run=(11, 1)).check(0, live_version="3")


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("state", "code", "outcome", "live"), [("Inactive", 0, "succeeded", "2"), ("Deactivated", 3, "refused", "3")]
)
def test_a_version_that_lambda_has_put_to_sleep_is_woken_and_one_without_instances_refused(
    theatre: Theatre,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    code: int,
    outcome: str,
    live: str,
) -> None:
    """In the middle of an incident; the alias would serve errors without it."""
    from ci_deploy.edge.aws.lambda_.functions import LambdaApi

    real, called = LambdaApi.version, []

    def idle(self, function, version):  # type: ignore[no-untyped-def]
        found = real(self, function, version)
        if found is not None and version == "2" and not called:
            return replace(found, state=state, state_reason="The function has not been invoked for weeks")
        return found

    def invoke(self, function, version, *_, **__):  # type: ignore[no-untyped-def]
        called.append(version)
        raise AwsError(ErrorKind.CONFLICT, operation="lambda:Invoke", code="ResourceConflictException", message="Idle")

    monkeypatch.setattr(LambdaApi, "version", idle)
    monkeypatch.setattr(LambdaApi, "invoke", invoke)
    done = theatre.run(ROLLBACK, run=(10, 1)).check(code, outcome=outcome, live_version=live)
    assert called == (["2"] if state == "Inactive" else [])
    assert "not been invoked for weeks" in (done.log() if code == 0 else done.outputs["reason"])


@pytest.mark.usefixtures("served")
def test_an_older_run_does_not_undo_a_rollback(theatre: Theatre, account: Account) -> None:
    theatre.run(ROLLBACK, run=(10, 1)).check(0, live_version="2")
    done = theatre.run({**CHECKOUT, "version": "3"}, run=(9, 2)).check(3, outcome="refused", live_version="2")
    assert "rolled back" in done.outputs["reason"]


# --- stop --------------------------------------------------------------------------------------------------------


def test_stop_with_rollback_ends_on_the_version_before(theatre: Theatre, account: Account) -> None:
    account.set_config(AT_ONCE)
    theatre.run(CHECKOUT, run=(1, 1)).check(0, live_version="2")
    account.code(CODE.format(3))
    theatre.run({**CHECKOUT, "wait": "false", "deployment-config": CANARY}, run=(2, 1)).check(0)
    theatre.run({**STOP, "reason": "wrong branch"}, run=(3, 1)).check(
        0, outcome="stopped", rollback="succeeded", live_version="2", live_weights=""
    )
    assert account.serves() == {"2": 100.0}


def test_stop_without_rollback_says_what_is_left(theatre: Theatre, account: Account, emulator: Emulator) -> None:
    begin = {**CHECKOUT, "wait": "false", "deployment-config": CANARY, "auto-rollback": "failure, alarm"}
    theatre.run(begin).check(0, outcome="detached")
    emulator.advance(20)
    done = theatre.run({**STOP, "rollback": "false", "repair-alias": "never"}).check(
        0, outcome="stopped", rollback="none", live_version="1", live_weights="1=90,2=10"
    )
    assert "update-alias" in done.log()


def test_stop_with_nothing_running_is_a_success_that_says_so(theatre: Theatre, account: Account) -> None:
    done = theatre.run(STOP).check(0, outcome="unchanged")
    assert "no deployment" in done.outputs["reason"]
    account.set_config(AT_ONCE)
    theatre.run(CHECKOUT).check(0, outcome="succeeded")
    over = theatre.run({**STOP, "deployment-id": account.deployments()[0]}).check(0, outcome="unchanged")
    assert "over already" in over.outputs["reason"]


# --- status ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("served")
def test_status_tells_what_is_served_and_marks_automatic_rollbacks(
    theatre: Theatre, account: Account, emulator: Emulator
) -> None:
    emulator.scripts(CodeDeployHook_checkout_before="fail")
    account.code(CODE.format(4))
    failing = {**CHECKOUT, "before-allow-traffic": "CodeDeployHook_checkout_before"}
    failed = theatre.run(failing, run=(4, 1)).check(1, outcome="rolled-back")
    before = len(account.writes())
    done = theatre.run(STATUS).check(0, outcome="reported", live_version="3")
    assert len(account.writes()) == before
    status = json.loads(done.outputs["result"])["status"]["checkout:live"]
    kinds = [(entry["kind"], entry["rollback-of"]) for entry in status["history"]]
    assert kinds[0] == ("automatic rollback", failed.outputs["deployment-id"])
    assert [entry["run-id"] for entry in status["history"][1:]] == [4, 3, 2]
    assert status["served-by"]["target-version"] == "3"
    assert "automatic rollback" in done.log() and "automatic rollback" in done.summary
