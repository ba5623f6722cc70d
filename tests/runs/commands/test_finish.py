"""The post step where the state that the main step left says little: nothing is stopped, and nothing is made up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ci_deploy.core.reasons import finish as reasons
from ci_deploy.core.reasons.reason import Reason
from tests.support.account import Account

from ..conftest import Step, Theatre

LINEAR = {"deployment-config": "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"}


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"finished": "true"}, reasons.MainStepFinished()),
        ({"functions": '["checkout:live"]'}, reasons.NothingBegun()),
        ({"functions": "?", "deployment-x": "{}"}, reasons.NothingBegun()),
        # Lost, in a run that names no step: what it created could not be told from what others did.
        ({}, reasons.NothingLeft()),
    ],
)
def test_without_anything_to_do_it_asks_nobody(
    theatre: Theatre, account: Account, state: dict[str, str], reason: Reason
) -> None:
    post = theatre.run(command="finish", state=state).check(
        0, outcome="reported", reason=reason.text, reason_code=reason.code
    )
    assert "✓ NOTHING TO CLEAN UP" in post.log()
    assert "could not be read" not in post.log() + post.summary
    assert account.operations() == []


DEEP = "[" * 100_000


@pytest.mark.parametrize("text", ["", "{", "[]", "null", DEEP], ids=lambda text: text[:5])
def test_a_state_that_cannot_be_read_is_not_taken_for_none(theatre: Theatre, account: Account, text: str) -> None:
    """Exit code 2, with the variable's name: a state that is nested too deep is no bug of ours either."""
    post = theatre.run(command="finish", state={"deployment-0": text}).check(2, outcome="invalid")
    unread = reasons.StateUnreadable(count=1, of_all=1)
    assert unread.text in post.outputs["reason"]
    assert "`STATE_deployment-…`" in post.outputs["reason"]
    assert unread.remedy in post.log()
    assert "Nothing was deployed" not in post.log() + post.summary
    assert account.operations() == []


def test_what_can_be_read_is_finished_all_the_same(theatre: Theatre, account: Account) -> None:
    theatre.history()
    main = theatre.run(LINEAR, killed_at=100, run=(101, 1))
    assert main.killed
    post = theatre.run(LINEAR, command="finish", state={**main.state, "deployment-1": "{"})
    post.check(130, outcome="cancelled", rollback="succeeded", live_version="2")
    assert reasons.StateUnreadable(count=1, of_all=2).text in post.log()


def test_in_another_account_it_does_not_say_that_nothing_was_deployed(theatre: Theatre, account: Account) -> None:
    main = theatre.run(LINEAR, killed_at=100)
    given = {**LINEAR, "account-id": "999999999999"}
    post = theatre.run(given, command="finish", state=main.state).check(3, outcome="refused")
    assert "Nothing was deployed" not in post.log() + post.summary
    assert post.outputs["reason-code"] == "other-account"


# --- Without any state: runners on Kubernetes lose it even of green runs ------------------------------------------

STEP = {"GITHUB_JOB": "deploy", "GITHUB_ACTION": "__your-org_ci-deploy"}


def killed(theatre: Theatre, given: dict[str, str], environ: dict[str, str] = STEP) -> Step:
    """A main step that was killed while its deployment runs; the runner lost what it had left."""
    main = theatre.run(given, killed_at=100, run=(101, 1), environ=environ)
    assert main.killed
    return main


def lost(theatre: Theatre, given: dict[str, str], **how: Any) -> Step:
    return theatre.run(given, command="finish", state={}, **{"run": (101, 1), "environ": STEP, **how})


def test_a_deployment_that_was_to_end_with_the_job_is_found_by_its_marker_and_stopped(
    theatre: Theatre, account: Account
) -> None:
    theatre.history()
    killed(theatre, LINEAR)
    post = lost(theatre, LINEAR).check(130, outcome="cancelled", rollback="succeeded", live_version="2")
    assert theatre.calls("StopDeployment") == 1
    assert post.outputs["deployment-id"] == account.deployments()[1]


@pytest.mark.parametrize("more", [{"wait": "false"}, {"on-cancel": "leave"}, {"on-timeout": "leave"}])
def test_what_was_meant_to_go_on_goes_on(theatre: Theatre, account: Account, more: dict[str, str]) -> None:
    theatre.history()
    theatre.run({**LINEAR, "wait": "false", **more}, run=(101, 1), environ=STEP).check(0, outcome="detached")
    (newest, *_) = account.deployments()
    post = lost(theatre, {**LINEAR, **more}).check(0, outcome="reported")
    assert post.outputs["reason"] == reasons.Continues(deployments=(newest,)).text
    assert theatre.calls("StopDeployment") == 0


def test_what_is_over_is_left_as_it_is(theatre: Theatre, account: Account) -> None:
    given = {"deployment-config": "CodeDeployDefault.LambdaAllAtOnce"}
    theatre.run(given, run=(101, 1), environ=STEP).check(0, outcome="succeeded")
    post = lost(theatre, given).check(0, outcome="reported")
    assert post.outputs["reason"] == reasons.AllOver(deployments=tuple(account.deployments())).text


@pytest.mark.parametrize(
    "how",
    [
        {"run": (102, 1)},
        {"run": (101, 2)},
        {"environ": {**STEP, "GITHUB_ACTION": "__another"}},
        {"environ": {**STEP, "GITHUB_JOB": "another"}},
        {"environ": {"GITHUB_JOB": "deploy"}},
    ],
)
def test_what_another_run_attempt_job_or_step_created_is_not_this_steps(theatre: Theatre, how: dict[str, Any]) -> None:
    theatre.history()
    killed(theatre, LINEAR)
    post = lost(theatre, LINEAR, **how).check(0, outcome="reported")
    assert post.outputs["reason-code"] == "nothing-left"
    assert theatre.calls("StopDeployment") == 0


def test_where_aws_cannot_be_asked_it_says_so_and_the_job_is_none_the_redder(theatre: Theatre) -> None:
    theatre.history()
    killed(theatre, LINEAR)
    theatre.emulator.faults([{"service": "codedeploy", "operation": "ListDeployments", "fault": "access-denied"}])
    post = lost(theatre, LINEAR).check(0, outcome="reported")
    assert [each["code"] for each in json.loads(post.outputs["result"])["reasons"]] == [
        "main-step-unknown",
        "aws-denied",
    ]
    assert theatre.calls("StopDeployment") == 0


def test_a_command_that_creates_nothing_left_nothing(theatre: Theatre, account: Account) -> None:
    lost(theatre, {"command": "status"}).check(0, outcome="reported")
    assert account.operations() == []
