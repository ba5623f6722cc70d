"""Smoke cases against real code: a new version that works, fails, or answers otherwise.

One that is too slow takes real time: tests/e2e/test_smoke.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci_deploy.core.reasons.ending.smoke import SmokeCases
from codedeploy_emulator import Emulator
from tests.support.account import Account
from tests.support.action import CHECKOUT
from tests.support.golden import Told

from ..conftest import Played

CASES = """\
- name: health
  event: {path: /health}
  expect: {statusCode: 200, body: {status: ok}}
  within: 5s
- name: order
  event: {path: /order}
  expect: {statusCode: {matches: "^2"}}
"""
GOOD = """
import json
def handler(event, context):
    print("asked for", event["path"])
    if event["path"] == "/health":
        return {"statusCode": 200, "body": json.dumps({"status": "ok", "more": 1})}
    return {"statusCode": "201"}
"""
BAD = {
    "fails": GOOD.replace("return {", "raise KeyError('secret') or {", 1),
    "differs": GOOD.replace('"201"', '"500"'),
}


@pytest.fixture(autouse=True)
def _code_runs(emulator: Emulator) -> None:
    emulator.switches(hooks="run")


def given(runner: Played, code: str, cases: str = CASES) -> dict[str, str]:
    build = runner.folder / "build"
    build.mkdir()
    (build / "app.py").write_text(code, encoding="utf-8")
    Path(runner.folder / "smoke.yml").write_text(cases, encoding="utf-8")
    return {**CHECKOUT, "code": "build", "smoke": "smoke.yml", "timeout": "10h"}  # the function's seconds are real ones


def test_a_version_that_answers_is_deployed(runner: Played, account: Account) -> None:
    done = runner.run(given(runner, GOOD)).check(0, outcome="succeeded", live_version="2")
    assert [line for line in ("health passed in", "order passed in") if line not in done.log] == []
    operations = account.operations()
    assert operations.index("lambda:Invoke") < operations.index("codedeploy:CreateDeployment")
    assert operations.count("lambda:Invoke") == 2


@pytest.mark.parametrize("kind", list(BAD))
def test_a_version_that_does_not_gets_no_traffic(kind: str, runner: Played, account: Account, told: Told) -> None:
    done = runner.run({**given(runner, BAD[kind]), "hook-logs": "on"}).check(
        1, outcome="failed", deployed="false", deployment_id="", target_version="2"
    )
    assert done.outputs["reason"] == told
    assert "asked for /" in done.log
    assert account.serves() == {"1": 100.0}
    assert "codedeploy:CreateDeployment" not in account.operations()


def test_answers_and_logs_are_kept_from_the_public(runner: Played, account: Account, told: Told) -> None:
    done = runner.run({**given(runner, BAD["fails"]), "hook-logs": "off"}).check(1, outcome="failed")
    assert done.outputs["reason"] == told
    assert "secret" not in done.log + done.summary
    assert "asked for" not in done.log + done.summary


def test_plan_lists_the_cases_and_runs_none(runner: Played, account: Account) -> None:
    done = runner.run({**given(runner, BAD["fails"]), "command": "plan"}).check(0, outcome="planned")
    assert "health, order" in done.log
    assert SmokeCases(cases="`health`, `order`").text in done.log
    assert "lambda:Invoke" not in account.operations()


@pytest.mark.parametrize("command", ["validate", "plan", "deploy"])
def test_a_mistake_in_the_file_is_told_with_its_line(
    command: str, runner: Played, account: Account, told: Told
) -> None:
    wrong = given(runner, GOOD, CASES.replace("within", "whithin"))
    done = runner.run({**wrong, "command": command}).check(2)
    assert done.outputs["reason"] == told
    assert account.writes() == []


def test_validate_says_that_the_cases_are_valid(runner: Played) -> None:
    done = runner.run({**given(runner, GOOD), "command": "validate"}).check(0, outcome="valid")
    assert "smoke cases" in done.log


def test_a_file_that_is_not_there_is_told(runner: Played) -> None:
    missing = {**given(runner, GOOD), "smoke": "none.yml", "command": "validate"}
    assert "`smoke`" in runner.run(missing).check(2).log
