"""Who gets which report: events, tokens and inputs, as a process against the emulator."""

from __future__ import annotations

import re
from typing import Any

import pytest

from codedeploy_emulator import Emulator
from tests.support.account import Account
from tests.support.action import CHECKOUT, HOOKS, REPOSITORY, Runner, event

pytestmark = pytest.mark.full

QUEUE = "refs/heads/gh-readonly-queue/main/pr-42-0123456789abcdef0123456789abcdef01234567"


def fork() -> dict[str, Any]:
    payload = event()
    payload["pull_request"]["head"]["repo"] = {"full_name": "somebody/checkout"}
    return payload


def notices(log: str) -> list[str]:
    return re.findall(r"^::notice.*$", log, re.MULTILINE)


def commented(emulator: Emulator) -> list[int]:
    """The pull requests that have a comment."""
    comments = emulator.github.repository(*REPOSITORY.split("/")).comments.values()
    return [int(comment["issue"]) for comment in comments]


@pytest.mark.parametrize(
    ("how", "number"),
    [
        ({}, 7),
        ({"event_name": "merge_group", "payload": event(None), "environ": {"GITHUB_REF": QUEUE}}, 42),
        ({"event_name": "workflow_dispatch", "payload": event(None)}, None),
        ({"event_name": "push", "payload": event(None)}, None),
        ({"event_name": "schedule", "payload": event(None)}, None),
    ],
    ids=["pull request", "merge queue", "dispatch", "a push of no pull request", "schedule"],
)
def test_where_the_comment_is(runner: Runner, emulator: Emulator, how: dict[str, Any], number: int | None) -> None:
    """On the pull request that the event is about; where there is none, no comment and no word."""
    done = runner.run(CHECKOUT, **how).check(0, outcome="succeeded")
    assert commented(emulator) == ([number] if number else [])
    assert notices(done.log) == []


def test_a_fork_gets_one_notice_and_no_request(runner: Runner, account: Account) -> None:
    done = runner.run(CHECKOUT, payload=fork()).check(0)
    assert len(notices(done.log)) == 1
    assert not [call for call in account.operations() if call.startswith("github:")]


def test_a_token_that_may_only_read_gets_one_notice(runner: Runner, emulator: Emulator, account: Account) -> None:
    """As Dependabot's: what was tried is refused, and not tried again."""
    emulator.switches(github_token="read")
    done = runner.run(CHECKOUT, environ={"GITHUB_ACTOR": "dependabot[bot]"}).check(0)
    assert len(notices(done.log)) == 1
    assert "pull-requests: write" in notices(done.log)[0]
    assert sum("POST /repos" in call for call in account.operations() if call.startswith("github:")) == 1


def test_on_failure_tells_failures_and_their_repair(runner: Runner, account: Account, emulator: Emulator) -> None:
    quiet = {**CHECKOUT, "comment": "on-failure"}
    runner.run(quiet).check(0)
    assert account.comments() == []
    account.code("# three\ndef handler(event, context):\n    return 3\n")
    emulator.scripts(CodeDeployHook_checkout_before="fail")
    runner.run({**quiet, **HOOKS}, run=(101, 1)).check(1)
    assert "Rolled back" in account.comments()[0]
    emulator.scripts(CodeDeployHook_checkout_before="succeed")
    runner.run(quiet, run=(102, 1)).check(0)
    [comment] = account.comments()
    assert "Deployed" in comment


def test_off_is_off(runner: Runner, account: Account) -> None:
    runner.run({**CHECKOUT, "comment": "off"}).check(0)
    assert not [call for call in account.operations() if call.startswith("github:")]


def test_a_job_with_an_environment_has_one_deployment(
    runner: Runner, emulator: Emulator, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub's own, which the job's token tells of; without that claim, ours is made."""
    given = {**CHECKOUT, "github-deployment": "production"}
    create = "github:POST /repos/{owner}/{repo}/deployments"
    monkeypatch.setattr(Emulator, "claims", property(lambda _: {"environment": "production"}))
    done = runner.run(given).check(0)
    assert create not in account.operations()
    assert any("`environment: production`" in notice for notice in notices(done.log))
    monkeypatch.undo()
    account.code("# three\ndef handler(event, context):\n    return 3\n")
    runner.run(given, run=(101, 1)).check(0)
    assert create in account.operations()


def test_the_comment_links_to_the_rollback_workflow(runner: Runner, account: Account) -> None:
    runner.run({**CHECKOUT, "rollback-workflow": "rollback.yml"}).check(0)
    assert f"/{REPOSITORY}/actions/workflows/rollback.yml" in account.comments()[0]
