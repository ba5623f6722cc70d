"""Faults on every call, before, during and after: nothing is created twice, and no success becomes a failure."""

from __future__ import annotations

from typing import Any

import pytest

from codedeploy_emulator import Emulator
from tests.support.account import Account
from tests.support.action import HOOKS

from .conftest import Theatre

DEPLOY = {**HOOKS, "bucket": "demo-deployments"}
# Every call of a deployment, and whether the deployment can do without its answer.
CALLS = {
    "sts:GetCallerIdentity": "needed",
    "lambda:GetFunction": "needed",
    "lambda:GetAlias": "needed",
    "lambda:PublishVersion": "needed",
    "s3:PutObject": "needed",
    "codedeploy:GetDeploymentGroup": "needed",
    "codedeploy:GetDeploymentConfig": "needed",
    "codedeploy:ListDeployments": "needed",
    "codedeploy:CreateDeployment": "needed",
    "codedeploy:BatchGetDeployments": "optional",
    "codedeploy:ListDeploymentTargets": "optional",
    "codedeploy:BatchGetDeploymentTargets": "optional",
    "cloudwatch:DescribeAlarms": "optional",
}


FULL = ("error500", "reset", "expired-token", "error500 after")


def fault(call: str, kind: str, **more: Any) -> dict[str, Any]:
    service, operation = call.split(":")
    return {"service": service, "operation": operation, "fault": kind, **more}


def lived_in(theatre: Theatre) -> None:
    """A group with a past, and a config that is not AWS's own: then all is read that there is to read."""
    theatre.history()
    theatre.account.codedeploy.create_deployment_config(
        deploymentConfigName="mine",
        computePlatform="Lambda",
        trafficRoutingConfig={
            "type": "TimeBasedCanary",
            "timeBasedCanary": {"canaryPercentage": 10, "canaryInterval": 5},
        },
    )
    theatre.account.set_config("mine")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "kind",
    ["throttle", "reset after", *(pytest.param(kind, marks=pytest.mark.full) for kind in FULL)],
)
def test_a_fault_or_two_on_any_call_costs_nothing(theatre: Theatre, call: str, kind: str) -> None:
    """Throttled, broken, cut off, expired, with the effect and without: the deployment succeeds, and there is one."""
    name, _, when = kind.partition(" ")
    lived_in(theatre)
    theatre.emulator.faults([fault(call, name, times=2, when=when or "before")])
    theatre.run(DEPLOY).check(0, outcome="succeeded", deployed="true", live_version="3")
    assert len(theatre.account.deployments()) == 2


# What the commands read, each once in a while without an answer.
READS = (
    *(call for call in CALLS if not call.startswith(("lambda:Publish", "s3:Put", "codedeploy:Create"))),
    "lambda:ListVersionsByFunction",
    "lambda:ListAliases",
    "lambda:ListProvisionedConcurrencyConfigs",
    "lambda:ListEventSourceMappings",
    "lambda:ListFunctionEventInvokeConfigs",
    "lambda:ListFunctionUrlConfigs",
    "lambda:GetPolicy",
    "codedeploy:GetApplication",
    "codedeploy:GetApplicationRevision",
)


@pytest.mark.parametrize("kind", ["throttle", *(pytest.param(kind, marks=pytest.mark.full) for kind in FULL[:2])])
@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        ({"command": "status", "deployment-id": "{}"}, "reported"),
        ({"command": "rollback", "deployment-id": "{}", "reason": "slow", "force": "true"}, "succeeded"),
        ({"command": "stop", "deployment-id": "{}"}, "stopped"),
        ({"command": "plan"}, "planned"),
        ({"command": "setup"}, "unchanged"),
        ({"command": "prune"}, "unchanged"),
    ],
    ids=lambda given: given["command"] if isinstance(given, dict) else "",
)
def test_a_fault_on_each_read_changes_nothing_of_what_a_command_does(
    theatre: Theatre, account: Account, kind: str, given: dict[str, str], outcome: str
) -> None:
    """In an emergency above all: one throttled look would be the end of a stop."""
    theatre.history()
    (last,) = account.deployments()
    if given["command"] == "rollback":
        account.lambda_.update_alias(FunctionName="checkout", Name="live", FunctionVersion="1")
    if given["command"] == "stop":
        account.publish("# bad")
        last = account.deploy("2", "3", "CodeDeployDefault.LambdaLinear10PercentEvery10Minutes")
    theatre.emulator.faults([fault(call, kind, times=1) for call in READS])
    inputs = {name: value.format(last) for name, value in given.items()}
    theatre.run(inputs).check(0, outcome=outcome)


@pytest.mark.parametrize("kind", ["throttle", "reset", "expired-token"])
def test_a_minute_without_aws_while_it_runs_is_survived(theatre: Theatre, kind: str) -> None:
    theatre.weather(40, {"fault": kind})
    theatre.weather(100, *())
    done = theatre.run(DEPLOY).check(0, outcome="succeeded", live_version="2")
    assert len(theatre.account.deployments()) == 1
    assert "No contact" in done.log() and "restored after" in done.log()


def test_a_lost_answer_to_the_creation_is_found_by_its_marker(theatre: Theatre) -> None:
    theatre.emulator.faults([fault("codedeploy:CreateDeployment", "reset", when="after", times=1)])
    theatre.run(DEPLOY).check(0, outcome="succeeded")
    assert theatre.calls("CreateDeployment") == 1
    assert len(theatre.account.deployments()) == 1


def test_with_aws_gone_for_good_it_is_lost_contact_and_left_alone(theatre: Theatre) -> None:
    """Exit 6, how to re-attach, and no stop: the deployment goes on to its end."""
    theatre.weather(20, {"fault": "reset", "service": "codedeploy"})
    done = theatre.run(DEPLOY).check(6, outcome="lost-contact", deployed="false", rollback="unknown")
    theatre.emulator.faults([])
    assert "ci-deploy status" in done.log() and done.outputs["deployment-id"] in done.log()
    assert theatre.calls("StopDeployment") == 0
    assert theatre.account.deployment(done.outputs["deployment-id"])["status"] == "Succeeded"
    follow = {"command": "status", "deployment-id": done.outputs["deployment-id"], "wait": "true"}
    theatre.run(follow).check(0, outcome="succeeded", deployed="true", live_version="2")


@pytest.mark.parametrize("call", [call for call, need in CALLS.items() if need == "needed"])
def test_a_denial_names_the_iam_action_and_creates_nothing(theatre: Theatre, call: str) -> None:
    lived_in(theatre)
    theatre.emulator.faults([fault(call, "access-denied")])
    done = theatre.run(DEPLOY).check(4, outcome="error", deployed="false")
    assert call in done.outputs["reason"] or call.replace("Head", "Get") in done.outputs["reason"]
    theatre.emulator.faults([])
    assert len(theatre.account.deployments()) == 1


@pytest.mark.parametrize("call", ["codedeploy:BatchGetDeploymentTargets", "cloudwatch:DescribeAlarms"])
def test_a_denied_optional_read_costs_detail_and_no_more(theatre: Theatre, call: str) -> None:
    theatre.emulator.faults([fault(call, "access-denied")])
    theatre.run(DEPLOY).check(0, outcome="succeeded", live_version="2")


def test_hook_logs_that_may_not_be_read_are_one_line(theatre: Theatre, emulator: Emulator) -> None:
    theatre.history()
    emulator.scripts({HOOKS["before-allow-traffic"]: "fail"})
    emulator.faults([fault("logs:FilterLogEvents", "access-denied")])
    done = theatre.run(DEPLOY).check(1, outcome="rolled-back")
    assert "Hook logs not read (needs logs:FilterLogEvents)." in done.log()


@pytest.mark.parametrize("kind", ["access-denied", "error500", "throttle", "reset"])
def test_githubs_faults_cost_a_warning_and_never_the_deployment(
    theatre: Theatre, account: Account, emulator: Emulator, kind: str
) -> None:
    emulator.faults([{"service": "github", "fault": kind}])
    event = theatre.folder / "event.json"
    event.write_text('{"pull_request": {"number": 7}, "repository": {"private": true}}')
    more = {
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_EVENT_NAME": "pull_request",
        "INPUT_GITHUB-TOKEN": emulator.env["GITHUB_TOKEN"],
    }
    done = theatre.run({"deployment-config": "CodeDeployDefault.LambdaAllAtOnce"}, environ=more)
    done.check(0, outcome="succeeded")
    assert done.log().count("title=Reports") <= 2, done.log()
