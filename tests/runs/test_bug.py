"""A bug of our own: exit 70, a report to paste, and no word lost of what was created before it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ci_deploy import app, drive
from ci_deploy.core.reasons.run import Bug
from ci_deploy.edge.aws.codedeploy.calls import CodeDeployApi
from tests.support.account import Account
from tests.support.machine.stage import Step

from .conftest import Theatre

LINEAR = {"deployment-config": "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"}
REPORT = Bug(error="").remedy


def breaks(*_: Any, **__: Any) -> Any:
    raise RuntimeError("this cannot be\n::error::and is not obeyed")


def bug_report(step: Step) -> list[str]:
    """The bug report's lines in the log."""
    lines = step.log().splitlines()
    start = lines.index("::group::Bug report: ci-deploy 0.1.0")
    return lines[start + 1 : lines.index("::endgroup::", start)]


def test_a_bug_while_following_leaves_the_id_and_the_post_step_puts_it_right(
    theatre: Theatre, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    theatre.history()
    with monkeypatch.context() as broken:
        broken.setattr(CodeDeployApi, "look", breaks)
        done = theatre.run(LINEAR, run=(101, 1)).check(70, outcome="bug", deployed="false")
    created = done.outputs["deployment-id"]
    assert created in account.deployments()
    assert json.loads(done.outputs["result"])["functions"][0]["deployment-id"] == created
    assert done.outputs["console-url"].endswith(f"deployments/{created}?region=us-east-1")
    assert f"Deployment {created} may still be running: ci-deploy no longer follows it." in done.summary
    place = " --aws-region us-east-1 --account-id 123456789012"
    attach = "ci-deploy status --function checkout --alias live --application checkout-app --deployment-group"
    assert f"→ Follow it: {attach} checkout-live{place} --deployment-id {created} --wait true" in done.log()
    assert f"→ {REPORT}" in done.log()
    theatre.post(done).check(130, rollback="succeeded", live_version="2", live_weights="")
    assert account.serves() == {"2": 100.0}


def test_the_report_has_the_traceback_and_obeys_nothing(
    theatre: Theatre, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here it is the state machine itself that breaks: nothing had been done."""
    monkeypatch.setattr(drive, "step", breaks)
    done = theatre.run().check(70, outcome="bug", deployed="false", deployment_id="")
    assert bug_report(done)[0] == "Traceback (most recent call last):"
    assert bug_report(done)[-2:] == ["RuntimeError: this cannot be", ": :error::and is not obeyed"]
    assert "Nothing was deployed." in done.log()
    assert account.operations() == []
    assert "finished" not in done.state


def test_a_bug_before_anything_is_known_is_told_as_well(theatre: Theatre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "files_for", breaks)
    done = theatre.run().check(70, outcome="bug", deployment_id="")
    assert "## 🐞 Bug in ci-deploy" in done.summary
    assert REPORT.rpartition(": ")[0] in done.summary
    assert bug_report(done)


def test_a_machine_without_a_clock_is_told_too(theatre: Theatre, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first thing that a run asks for: reports have no time to give then."""
    step = theatre.step()
    monkeypatch.setattr("tests.support.machine.stage._Hand.clock", breaks)
    theatre.play(step)
    step.check(70, outcome="bug", duration_seconds="0")
