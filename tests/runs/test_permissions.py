"""What each feature calls, held against the policies that its users are told to give."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest

from ci_deploy.edge.aws.errors import iam_action
from codedeploy_emulator import Emulator
from tests.support.account import Account, by_hand, zipped
from tests.support.action import CHECKOUT, HOOKS

from .conftest import Played

IAM = Path(__file__).parents[2] / "docs" / "iam"
SERVICES = ("codedeploy", "lambda", "s3", "cloudwatch", "logs", "iam")
BUCKET = {"bucket": "demo-deployments"}
AT_ONCE = {"deployment-config": "CodeDeployDefault.LambdaAllAtOnce"}

# What deploy and plan read where they may.
OPTIONAL = ("feature-preflight", "feature-callers", "feature-guards")


def allowed(*policies: str) -> set[str]:
    found: set[str] = set()
    for name in policies:
        for statement in json.loads((IAM / f"{name}.json").read_text(encoding="utf-8"))["Statement"]:
            action = statement["Action"]
            found |= {action} if isinstance(action, str) else set(action)
    return found


def called(emulator: Emulator, since: int) -> set[str]:
    """What was asked of AWS, as IAM names it; hooks, which have a role of their own, left out."""
    return {
        iam_action(call["service"], call["operation"])
        for call in emulator.calls[since:]
        if call["service"] in SERVICES and call["operation"] not in ("Invoke", "PutLifecycleEventHookExecutionStatus")
    }


CASES = {
    "a package": ({"code": "code.zip"}, ("deploy", "feature-package")),
    "a package in S3": ({"code": "s3://demo-deployments/code.zip"}, ("deploy", "feature-package")),
    "the first deployment": (
        {"code": "code.zip", "create-alias": "true"},
        ("deploy", "feature-package", "feature-create-alias"),
    ),
    "another prefix": ({"bucket": "demo-deployments/releases"}, ("deploy", "feature-prefix")),
    "ignored alarms": ({"alarms": "off"}, ("deploy", "feature-alarms")),
    "no bucket": ({"bucket": ""}, ("deploy",)),
}


@pytest.mark.parametrize("case", CASES)
def test_a_feature_calls_nothing_that_its_policies_lack(
    case: str, runner: Played, account: Account, emulator: Emulator
) -> None:
    content = zipped({"app.py": "# new\ndef handler(event, context):\n    return {'total': 120, 'discount': 0}\n"})
    (runner.folder / "code.zip").write_bytes(content)
    account.s3.put_object(Bucket="demo-deployments", Key="code.zip", Body=content)
    if case == "the first deployment":
        account.lambda_.delete_alias(FunctionName="checkout", Name="live")
    since = len(emulator.calls)
    inputs, policies = CASES[case]
    runner.run({**CHECKOUT, **BUCKET, **AT_ONCE, **inputs}).check(0, outcome="succeeded")
    assert called(emulator, since) - allowed(*policies, *OPTIONAL) == set()


def test_setup_and_prune_write_nothing_that_their_policies_lack(
    runner: Played, account: Account, emulator: Emulator
) -> None:
    account.publish("# 2")
    account.publish("# 3")
    since = len(emulator.calls)
    setup = {
        "command": "setup",
        "function": "checkout",
        "alias": "next",
        "create-alias": "true",
        "application": "shop",
        "deployment-group": "shop-live",
        "service-role-arn": "arn:aws:iam::123456789012:role/codedeploy",
        "deployment-config": "canary 5% 3m",
        "apply": "true",
    }
    runner.run(setup).check(0, outcome="succeeded")
    drifted = {**setup, "deployment-config": "canary 6% 3m", "update-group": "true"}
    runner.run(drifted).check(0, outcome="succeeded")
    assert called(emulator, since) - allowed("setup") == set()
    assert {"codedeploy:UpdateDeploymentGroup", "lambda:CreateAlias"} <= called(emulator, since)
    since = len(emulator.calls)
    runner.run({**CHECKOUT, "command": "prune", "keep": "1", "apply": "true"}).check(0, outcome="succeeded")
    assert called(emulator, since) - allowed("prune") == set()
    assert "lambda:DeleteFunction" in called(emulator, since)


@pytest.mark.full
def test_a_package_that_is_too_large_for_a_request_goes_by_s3(
    runner: Played, account: Account, emulator: Emulator
) -> None:
    """Uploaded once under its hash, pinned to its version; without a bucket refused before anything is sent."""
    with zipfile.ZipFile(runner.folder / "large.zip", "w") as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return {}\n")
        archive.writestr("model.bin", os.urandom(51 * 1024 * 1024))
    given = {**CHECKOUT, **AT_ONCE, "code": "large.zip"}
    refused = runner.run(given).check(2, outcome="invalid")
    assert "Set `bucket`" in refused.log
    assert account.writes() == []
    since = len(emulator.calls)
    runner.run({**given, **BUCKET}, run=(101, 1)).check(0, outcome="succeeded", live_version="2")
    assert called(emulator, since) - allowed("deploy", "feature-package", *OPTIONAL) == set()
    stored = [item["Key"] for item in account.s3.list_objects_v2(Bucket="demo-deployments")["Contents"]]
    assert len([key for key in stored if key.startswith("CodeDeploy/checkout/code/") and key.endswith(".zip")]) == 1


def test_a_hook_that_failed_costs_what_the_policy_for_its_logs_gives(
    runner: Played, account: Account, emulator: Emulator
) -> None:
    emulator.scripts({"CodeDeployHook_checkout_before": "fail"})
    since = len(emulator.calls)
    runner.run({**CHECKOUT, **HOOKS, **BUCKET}).check(1)
    assert called(emulator, since) - allowed("deploy", "feature-hook-logs", *OPTIONAL) == set()


@pytest.mark.parametrize(("command", "policy"), [("status", "read"), ("stop", "stop")])
def test_whose_a_deployment_is_may_be_read_where_its_appspec_alone_says_it(
    command: str, policy: str, runner: Played, account: Account, emulator: Emulator
) -> None:
    """Its target may lack the function's data (facts.md G19), and somebody else's has no marker."""
    account.publish("# 2")
    emulator.switches(function_info="never", target_id="function")
    location = {"bucket": "demo-deployments", "key": "CodeDeploy/checkout/by-hand.json", "bundleType": "JSON"}
    account.s3.put_object(Bucket=location["bucket"], Key=location["key"], Body=by_hand("1", "2"))
    revision = {"revisionType": "S3", "s3Location": location}
    account.deploy("1", "2", "CodeDeployDefault.LambdaCanary10Percent5Minutes", revision=revision)
    since = len(emulator.calls)
    given = {**CHECKOUT, "command": command}
    runner.run({**given, "force": "true"} if command == "stop" else given)
    assert "s3:GetObject" in called(emulator, since)
    assert called(emulator, since) - allowed(policy) == set()
