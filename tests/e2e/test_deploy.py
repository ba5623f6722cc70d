"""`deploy`, from inputs to verdict, as a process against the emulator."""

from __future__ import annotations

import json

import pytest

from codedeploy_emulator import Emulator
from tests.support.account import Account
from tests.support.action import CHECKOUT, HOOKS, Runner

DEPLOY = {**CHECKOUT, **HOOKS, "bucket": "demo-deployments"}


@pytest.fixture(autouse=True)
def _scripted_hooks(emulator: Emulator) -> None:
    """Hooks take no process of their own, except where a test lets them run."""
    emulator.scripts(dict.fromkeys(HOOKS.values(), "succeed"))


def test_a_canary_with_hooks_ends_on_the_new_version(runner: Runner, account: Account, emulator: Emulator) -> None:
    """The hooks' code really runs. The alias serves the target alone, the AppSpec in S3 names the right versions, and
    the outputs say so."""
    emulator.scripts(dict.fromkeys(HOOKS.values(), "run"))
    done = runner.run(DEPLOY).check(
        0,
        outcome="succeeded",
        deployed="true",
        previous_version="1",
        target_version="2",
        live_version="2",
        live_weights="",
        rollback="none",
    )
    assert account.serves() == {"2": 100.0}
    appspec = account.appspec(done.outputs["appspec-location"])
    assert appspec["Resources"][0]["checkout"]["Properties"] == {
        "Name": "checkout",
        "Alias": "live",
        "CurrentVersion": "1",
        "TargetVersion": "2",
    }
    assert appspec["Hooks"] == [
        {"BeforeAllowTraffic": "CodeDeployHook_checkout_before"},
        {"AfterAllowTraffic": "CodeDeployHook_checkout_after"},
    ]
    deployment = account.deployment(done.outputs["deployment-id"])
    assert deployment["description"].startswith("ci-deploy/1 id=")
    assert deployment["revision"]["s3Location"]["version"]
    assert done.state["finished"] == "true"
    result = json.loads(done.outputs["result"])
    assert [function["function"] for function in result["functions"]] == ["checkout"]


def test_one_comment_is_edited_and_the_summary_tells_the_same(runner: Runner, account: Account) -> None:
    done = runner.run(DEPLOY)
    comments = account.comments()
    assert len(comments) == 1
    assert "<!-- ci-deploy" in comments[0]
    assert done.outputs["deployment-id"] in comments[0]
    assert done.outputs["deployment-id"] in done.summary
    assert any("PATCH" in call for call in account.operations())


def test_all_problems_of_the_inputs_at_once_and_no_call(runner: Runner, account: Account) -> None:
    done = runner.run({"functon": "checkout", "timeout": "5", "alias": "7"}).check(2, outcome="invalid")
    for name in ("functon", "timeout", "alias", "function"):
        assert f"`{name}`" in done.log
    assert account.operations() == []


def test_without_waiting_the_run_ends_detached(runner: Runner, account: Account) -> None:
    done = runner.run({**DEPLOY, "wait": "false"}).check(0, outcome="detached", deployed="false")
    follow = {**CHECKOUT, "command": "status", "deployment-id": done.outputs["deployment-id"], "wait": "true"}
    runner.run(follow).check(0, outcome="succeeded", deployed="true", live_version="2")
