"""Untrusted events, public repositories, limits of job and credentials, `role-to-assume`: what is said, what is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from codedeploy_emulator import Emulator
from tests.support.account import Account
from tests.support.action import HOOKS

from .conftest import Theatre

LINEAR = {"deployment-config": "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"}
AT_ONCE = {"deployment-config": "CodeDeployDefault.LambdaAllAtOnce"}
ROLE = "arn:aws:iam::123456789012:role/deployer"
OURS, FORK = {"full_name": "your-org/checkout"}, {"full_name": "stranger/checkout"}


def event(theatre: Theatre, name: str, payload: dict[str, Any]) -> dict[str, str]:
    path = theatre.folder / "event.json"
    path.write_text(json.dumps(payload), encoding="utf-8")
    return {"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(path)}


UNTRUSTED = {
    "pull_request_target": {"pull_request": {"number": 7, "head": {"repo": FORK}, "base": {"repo": OURS}}},
    "workflow_run": {"workflow_run": {"head_repository": FORK, "repository": OURS}, "repository": OURS},
    "issue_comment": {"issue": {"number": 7, "pull_request": {"url": "https://x"}}, "repository": OURS},
    "discussion_comment": {"comment": {"author_association": "NONE"}, "repository": OURS},
}


@pytest.mark.parametrize("name", UNTRUSTED)
@pytest.mark.parametrize("command", ["deploy", "rollback", "stop"])
def test_an_untrusted_event_is_refused_with_the_safe_split(
    theatre: Theatre, account: Account, name: str, command: str
) -> None:
    """Before any call to AWS; the remedy says to build in the pull request and to deploy from a trusted event."""
    given = {"command": command, "reason": "x"} if command == "rollback" else {"command": command}
    done = theatre.run(given, environ=event(theatre, name, UNTRUSTED[name])).check(3, outcome="refused")
    assert name in done.outputs["reason"]
    assert "Build and test in `pull_request`" in done.log() and "allow-untrusted-event" in done.log()
    assert account.operations() == []


def test_it_may_be_allowed_loudly_and_reading_is_free(theatre: Theatre) -> None:
    untrusted = event(theatre, "pull_request_target", UNTRUSTED["pull_request_target"])
    theatre.run({"command": "plan"}, environ=untrusted).check(0, outcome="planned")
    done = theatre.run({**AT_ONCE, "allow-untrusted-event": "true"}, environ=untrusted).check(0, outcome="succeeded")
    assert "::warning" in done.log() and "pull_request_target" in done.log()


@pytest.mark.parametrize(("private", "mode", "shown"), [(False, "", False), (False, "on", True), (True, "", True)])
def test_a_public_repository_does_not_show_what_hooks_print(
    theatre: Theatre, emulator: Emulator, private: bool, mode: str, shown: bool
) -> None:
    theatre.history()
    emulator.scripts({HOOKS["before-allow-traffic"]: {"outcome": "fail", "log": ["customer 4711 is unhappy"]}})
    more = event(theatre, "push", {"repository": {**OURS, "private": private}})
    done = theatre.run({**LINEAR, **HOOKS, "hook-logs": mode}, run=(101, 1), environ=more).check(1)
    assert ("customer 4711" in done.log() + done.summary) is shown


def test_an_arn_says_which_account_and_which_region(theatre: Theatre, account: Account) -> None:
    """A function of the same name elsewhere is never deployed instead."""
    arn = "arn:aws:lambda:{}:function:checkout"
    done = theatre.run({**AT_ONCE, "function": arn.format("us-east-1:210987654321")}).check(3, outcome="refused")
    assert "not of 210987654321" in done.outputs["reason"]
    done = theatre.run({**AT_ONCE, "function": arn.format("eu-west-1:123456789012")}).check(3, outcome="refused")
    assert "region eu-west-1" in done.outputs["reason"]
    manifest = theatre.folder / "functions.yml"
    manifest.write_text(f"functions:\n  a: {{code: $LATEST, function: '{arn.format('eu-west-1:123456789012')}'}}\n")
    workspace = {"GITHUB_WORKSPACE": str(theatre.folder)}
    given = {"function": "", "config": "functions.yml"}
    done = theatre.run(given, environ=workspace).check(3, outcome="refused")
    assert "region eu-west-1" in done.outputs["reason"]
    assert account.writes() == []
    theatre.run({**AT_ONCE, "function": arn.format("us-east-1:123456789012")}).check(0, outcome="succeeded")


def test_a_time_limit_beyond_the_jobs_is_warned_of_before_anything_is_written(theatre: Theatre) -> None:
    given = {**LINEAR, "timeout": "8h", "command": "plan"}
    done = theatre.run(given, environ={"RUNNER_ENVIRONMENT": "github-hosted"}).check(0)
    assert "GitHub ends jobs on this runner after 6" in done.log()
    assert "GitHub ends jobs" not in theatre.run(given, environ={"RUNNER_ENVIRONMENT": "self-hosted"}).log()


def test_credentials_that_end_earlier_are_warned_of(theatre: Theatre, emulator: Emulator) -> None:
    end = datetime.fromtimestamp(emulator.now + 600, UTC).isoformat()
    done = theatre.run({**LINEAR, "command": "plan"}, environ={"AWS_CREDENTIAL_EXPIRATION": end}).check(0)
    assert "The credentials expire in 10 minutes" in done.log() and "role-to-assume" in done.log()


def test_a_session_that_ends_in_between_is_renewed_and_every_secret_masked(theatre: Theatre, account: Account) -> None:
    """AWS calls the credentials expired: assumed again by a new token, and the deployment goes on being followed."""
    account._client("iam").create_role(RoleName="deployer", AssumeRolePolicyDocument="{}")
    theatre.weather(100, {"service": "codedeploy", "fault": "expired-token", "times": 2})
    done = theatre.run({**LINEAR, "role-to-assume": ROLE}).check(0, outcome="succeeded", live_version="2")
    assert theatre.calls("AssumeRoleWithWebIdentity") == 2
    masks = [number for number, line in enumerate(done.log().splitlines()) if line.startswith("::add-mask::")]
    assert len(masks) >= 6, "token, secret and session of each"


def test_without_id_token_permission_it_says_which(theatre: Theatre) -> None:
    done = theatre.run(
        {"role-to-assume": ROLE}, environ={"ACTIONS_ID_TOKEN_REQUEST_URL": "", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": ""}
    )
    assert done.code == 2 and "id-token: write" in done.log()


def test_the_service_role_is_named_where_it_lacks_a_permission(theatre: Theatre, emulator: Emulator) -> None:
    emulator.switches(hook_name_check="always")
    account = theatre.account
    account.lambda_.create_function(
        FunctionName="my-hook",
        Runtime="python3.13",
        Handler="app.handler",
        Role=account.lambda_.get_function(FunctionName="checkout")["Configuration"]["Role"],
        Code={"ZipFile": b"PK\x05\x06" + b"\x00" * 18},
    )
    group = account.codedeploy.get_deployment_group(
        applicationName="checkout-app", deploymentGroupName="checkout-live"
    )["deploymentGroupInfo"]
    done = theatre.run({**AT_ONCE, "before-allow-traffic": "my-hook"})
    assert done.code == 1 and "IAM_ROLE_PERMISSIONS" in done.log()
    assert group["serviceRoleArn"].split("/")[-1] in done.log()


def test_how_the_container_was_started_is_no_input(theatre: Theatre) -> None:
    """Runners on Kubernetes pass `entryPoint` and `args` among the inputs; a misspelt input is still a mistake."""
    started = {"INPUT_ENTRYPOINT": "/opt/ci-deploy/entrypoint", "INPUT_ARGS": "--verbose"}
    theatre.run({"command": "plan"}, environ=started).check(0, outcome="planned")
    theatre.run({"command": "plan"}, environ={**started, "INPUT_ARG": "x"}).check(2, outcome="invalid")
