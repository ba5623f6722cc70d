"""The AWS CLI, in its own process with its own botocore, drives whole scenarios."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

import codedeploy_emulator

ROOT = Path(__file__).parents[2]
AWS = ROOT / ".venv-awscli" / "bin" / "aws"
DEMO = Path(codedeploy_emulator.__file__).parent / "seeds" / "demo.yaml"
GROUP = ["--application-name", "checkout-app", "--deployment-group-name", "checkout-live"]

pytestmark = pytest.mark.full
Cli = Callable[..., dict]


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Cli]:
    """`aws …` against an emulator of its own: returns the JSON it prints, or its error under "error"."""
    assert AWS.exists(), "no AWS CLI: run `make test-full`, which installs it into .venv-awscli"
    command = [
        sys.executable,
        "-m",
        "codedeploy_emulator",
        "serve",
        "--port",
        "0",
        "--speed",
        "300",
        "--seed",
        str(DEMO),
    ]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    match = re.search(r"http://\S+", server.stdout.readline())
    assert match
    lines = requests.get(f"{match[0]}/_emulator/env", timeout=5).text.splitlines()
    env = {**os.environ, **dict(line.split("=", 1) for line in lines)}
    env |= {"AWS_PAGER": "", "AWS_CONFIG_FILE": str(tmp_path / "none"), "AWS_EC2_METADATA_DISABLED": "true"}

    def run(*arguments: str) -> dict:
        done = subprocess.run(
            [str(AWS), *arguments, "--output", "json"],
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            return {"error": done.stderr.strip(), "code": done.returncode}
        return dict(json.loads(done.stdout)) if done.stdout.strip() else {}

    try:
        yield run
    finally:
        server.terminate()
        server.communicate(timeout=10)


def _revision(current: str, target: str, *hooks: dict[str, str]) -> str:
    properties = {"Name": "checkout", "Alias": "live", "CurrentVersion": current, "TargetVersion": target}
    spec = {
        "version": 0.0,
        "Resources": [{"checkout": {"Type": "AWS::Lambda::Function", "Properties": properties}}],
        "Hooks": list(hooks),
    }
    return json.dumps({"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(spec)}})


def _create(aws: Cli, *arguments: str) -> str:
    return str(aws("deploy", "create-deployment", *GROUP, *arguments)["deploymentId"])


def test_create_follow_and_wait_for_success(aws: Cli) -> None:
    version = aws("lambda", "publish-version", "--function-name", "checkout")["Version"]
    deployment = _create(
        aws,
        "--revision",
        _revision(
            "1",
            version,
            {"BeforeAllowTraffic": "CodeDeployHook_checkout_before"},
            {"AfterAllowTraffic": "CodeDeployHook_checkout_after"},
        ),
    )
    refused = aws("deploy", "create-deployment", *GROUP, "--revision", _revision("1", version))
    assert f"already has an active Deployment '{deployment}'" in refused["error"]
    assert aws("deploy", "wait", "deployment-successful", "--deployment-id", deployment) == {}
    info = aws("deploy", "get-deployment", "--deployment-id", deployment)["deploymentInfo"]
    assert info["status"] == "Succeeded"
    (identity,) = aws("deploy", "list-deployment-targets", "--deployment-id", deployment)["targetIds"]
    target = aws("deploy", "get-deployment-target", "--deployment-id", deployment, "--target-id", identity)
    events = target["deploymentTarget"]["lambdaTarget"]["lifecycleEvents"]
    assert {event["status"] for event in events} == {"Succeeded"}
    alias = aws("lambda", "get-alias", "--function-name", "checkout", "--name", "live")
    assert (alias["FunctionVersion"], "RoutingConfig" in alias) == (version, False)
    logs = aws("logs", "filter-log-events", "--log-group-name", "/aws/lambda/CodeDeployHook_checkout_before")
    assert any("smoke test: Succeeded" in event["message"] for event in logs["events"])


def test_stop_with_rollback_and_a_waiter_that_fails(aws: Cli) -> None:
    version = aws("lambda", "publish-version", "--function-name", "checkout")["Version"]
    deployment = _create(
        aws,
        "--revision",
        _revision("1", version),
        "--deployment-config-name",
        "CodeDeployDefault.LambdaLinear10PercentEvery10Minutes",
    )
    answer = aws("deploy", "stop-deployment", "--deployment-id", deployment, "--auto-rollback-enabled")
    assert answer["status"] in ("Succeeded", "Pending")
    waited = aws("deploy", "wait", "deployment-successful", "--deployment-id", deployment)
    assert (waited["code"], "terminal failure state" in waited["error"]) == (255, True)
    information = aws("deploy", "get-deployment", "--deployment-id", deployment)["deploymentInfo"]
    assert (information["status"], information["errorInformation"]["code"]) == ("Stopped", "MANUAL_STOP")
    rollback = information["rollbackInfo"]["rollbackDeploymentId"]
    assert aws("deploy", "wait", "deployment-successful", "--deployment-id", rollback) == {}
    alias = aws("lambda", "get-alias", "--function-name", "checkout", "--name", "live")
    assert (alias["FunctionVersion"], "RoutingConfig" in alias) == ("1", False)


def test_an_alarm_stops_a_deployment_that_is_read_from_s3(aws: Cli, tmp_path: Path) -> None:
    version = aws("lambda", "publish-version", "--function-name", "checkout")["Version"]
    spec = tmp_path / "spec.json"
    spec.write_text(json.loads(_revision("1", version))["appSpecContent"]["content"], encoding="utf-8")
    key = ("--bucket", "demo-deployments", "--key", "CodeDeploy/spec.json")
    stored = aws("s3api", "put-object", *key, "--body", str(spec), "--if-none-match", "*")
    assert (
        "PreconditionFailed" in aws("s3api", "put-object", *key, "--body", str(spec), "--if-none-match", "*")["error"]
    )
    location = f"bucket=demo-deployments,key=CodeDeploy/spec.json,bundleType=JSON,version={stored['VersionId']}"
    deployment = _create(
        aws,
        "--s3-location",
        location,
        "--deployment-config-name",
        "CodeDeployDefault.LambdaLinear10PercentEvery10Minutes",
    )
    state = ("--state-value", "ALARM", "--state-reason", "test")
    assert aws("cloudwatch", "set-alarm-state", "--alarm-name", "checkout-errors", *state) == {}
    alarms = aws("cloudwatch", "describe-alarms", "--alarm-names", "checkout-errors")["MetricAlarms"]
    assert alarms[0]["StateValue"] == "ALARM"
    waited = aws("deploy", "wait", "deployment-successful", "--deployment-id", deployment)
    assert waited["code"] == 255
    information = aws("deploy", "get-deployment", "--deployment-id", deployment)["deploymentInfo"]
    assert (information["status"], information["errorInformation"]["code"]) == ("Stopped", "ALARM_ACTIVE")


def test_everything_can_be_set_up_by_the_cli_alone(aws: Cli) -> None:
    trust = '{"Version":"2012-10-17","Statement":[]}'
    role = aws("iam", "create-role", "--role-name", "service", "--assume-role-policy-document", trust)["Role"]["Arn"]
    policy = "arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"
    assert aws("iam", "attach-role-policy", "--role-name", "service", "--policy-arn", policy) == {}
    created = aws("deploy", "create-application", "--application-name", "mine", "--compute-platform", "Lambda")
    assert created["applicationId"]
    routing = "type=TimeBasedCanary,timeBasedCanary={canaryPercentage=15,canaryInterval=7}"
    config = ("--deployment-config-name", "mine-15")
    made = aws(
        "deploy",
        "create-deployment-config",
        *config,
        "--compute-platform",
        "Lambda",
        "--traffic-routing-config",
        routing,
    )
    assert made["deploymentConfigId"]
    group = ("--application-name", "mine", "--deployment-group-name", "live")
    rollback = "enabled=true,events=DEPLOYMENT_FAILURE,DEPLOYMENT_STOP_ON_REQUEST"
    made = aws(
        "deploy",
        "create-deployment-group",
        *group,
        *config,
        "--service-role-arn",
        role,
        "--auto-rollback-configuration",
        rollback,
        "--deployment-style",
        "deploymentType=BLUE_GREEN,deploymentOption=WITH_TRAFFIC_CONTROL",
    )
    assert made["deploymentGroupId"]
    shown = aws("deploy", "get-deployment-group", *group)["deploymentGroupInfo"]
    assert (shown["deploymentConfigName"], shown["serviceRoleArn"]) == ("mine-15", role)
    assert aws("s3api", "create-bucket", "--bucket", "mine-bucket")["Location"] == "/mine-bucket"
    assert aws("sts", "get-caller-identity")["Account"] == "123456789012"
