"""The emulator as people start it: a process, a port, a speed, a seed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

import codedeploy_emulator
from codedeploy_emulator.__main__ import main

DEMO = Path(codedeploy_emulator.__file__).parent / "seeds" / "demo.yaml"
SERVE = [sys.executable, "-m", "codedeploy_emulator", "serve", "--port", "0"]


@pytest.fixture
def serving() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that are ended after the test."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)


def _start(serving: list[subprocess.Popen[str]], *arguments: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen([*SERVE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    serving.append(process)
    assert process.stdout is not None
    match = re.search(r"listens on (http://127\.0\.0\.1:\d+)", process.stdout.readline())
    assert match, process.stderr.read() if process.stderr else ""
    return process, match[1]


def test_a_canary_with_real_hooks_runs_in_emulated_time(
    serving: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At first nobody looks, and its hook is invoked in time all the same."""
    _, url = _start(serving, "--speed", "300", "--seed", str(DEMO))
    for line in requests.get(f"{url}/_emulator/env", timeout=5).text.splitlines():
        monkeypatch.setenv(*line.split("=", 1))
    assert os.environ["CI_DEPLOY_CLOCK_SPEED"] == "300"
    session = boto3.Session()
    codedeploy, functions = session.client("codedeploy"), session.client("lambda")
    version = functions.publish_version(FunctionName="checkout")["Version"]
    properties = {"Name": "checkout", "Alias": "live", "CurrentVersion": "1", "TargetVersion": version}
    spec = {
        "version": 0.0,
        "Resources": [{"f": {"Type": "AWS::Lambda::Function", "Properties": properties}}],
        "Hooks": [
            {"BeforeAllowTraffic": "CodeDeployHook_checkout_before"},
            {"AfterAllowTraffic": "CodeDeployHook_checkout_after"},
        ],
    }
    deployment = codedeploy.create_deployment(
        applicationName="checkout-app",
        deploymentGroupName="checkout-live",
        revision={"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(spec)}},
    )["deploymentId"]

    until = time.monotonic() + 20
    operations: list[str] = []
    while "PutLifecycleEventHookExecutionStatus" not in operations and time.monotonic() < until:
        # Only the record is read, which settles nothing.
        operations = [call["operation"] for call in requests.get(f"{url}/_emulator/calls", timeout=5).json()]
        time.sleep(0.1)
    assert "PutLifecycleEventHookExecutionStatus" in operations

    weights: list[float | None] = []
    info: dict[str, Any] = {"status": "Created"}
    while info["status"] not in ("Succeeded", "Failed", "Stopped"):
        info = codedeploy.get_deployment(deploymentId=deployment)["deploymentInfo"]
        alias = functions.get_alias(FunctionName="checkout", Name="live")
        weight = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}).get(version)
        weights += [weight] if weight not in weights else []
        time.sleep(0.1)
    assert (info["status"], alias["FunctionVersion"]) == ("Succeeded", "2")
    assert set(weights) == {None, 0.1}
    assert (info["completeTime"] - info["createTime"]).total_seconds() > 300


def test_another_host_than_loopback_is_warned_about_and_a_signal_ends_it(serving: list[subprocess.Popen[str]]) -> None:
    process, url = _start(serving, "--host", "0.0.0.0")
    port = url.rsplit(":", 1)[1]
    asked = requests.get(f"{url}/_emulator/env", headers={"Host": f"emulator:{port}"}, timeout=5).text
    assert f"AWS_ENDPOINT_URL=http://emulator:{port}" in asked
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    _, errors = process.communicate(timeout=10)
    assert errors.startswith("warning: listening on 0.0.0.0")


@pytest.mark.parametrize(
    "arguments", [("--speed", "-1"), ("--seed", "/none.yaml"), ("--port", "99999"), ("--speed", "fast")]
)
def test_what_cannot_be_done_is_exit_code_2(arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(["serve", *arguments])
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert "error" in capsys.readouterr().err


def test_a_port_in_use_is_exit_code_2_until_an_interrupt_frees_it(serving: list[subprocess.Popen[str]]) -> None:
    process, url = _start(serving)
    command = [*SERVE[:-1], url.rsplit(":", 1)[1]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, "Address already in use" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 0
