"""A clock that jumps while every client waits, kept to with real processes. All times are the emulator's.

A moment of the model is hours away where it must come by a jump, and minutes are what processes may take in real time.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest
import requests

from codedeploy_emulator import Emulator
from codedeploy_emulator.client import Client
from codedeploy_emulator.clock import Clock

HOUR, REAL = 3600.0, 1800.0  # what processes take stays below REAL seconds
HOOK = "CodeDeployHook_slow"
SLOW = """import boto3, time
def handler(event, context):
    time.sleep(0.3)
    boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status="Succeeded",
    )
"""
SEED: dict[str, Any] = {
    "functions": [
        {"name": "checkout", "versions": ["x = 1", "x = 2"], "aliases": {"live": 1}},
        {"name": HOOK, "code": {"app.py": SLOW}, "timeout": 60},
    ],
    "applications": [
        {"name": "shop", "groups": [{"name": "live", "config": "CodeDeployDefault.LambdaCanary10Percent30Minutes"}]}
    ],
}
# Says when it is there, waits as its arguments say, and reports the end of each wait; then it works forever.
WAITS = """
import sys, time
from codedeploy_emulator.client import Client
from codedeploy_emulator.clock import Clock
us = Client(sys.argv[1])
print(us.now, flush=True)
for seconds in sys.argv[2:]:
    print(us.wait(float(seconds)), flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def _emulator() -> Iterator[Emulator]:
    with Emulator(speed="jump", seed=SEED) as emulator:
        yield emulator


@pytest.fixture
def emulator(_emulator: Emulator) -> Emulator:
    _emulator.reset()
    until(lambda: _emulator.present_clients() == [])
    return _emulator


class Process:
    """A client in a process of its own."""

    def __init__(self, emulator: Emulator, *waits: float) -> None:
        command = [sys.executable, "-c", WAITS, emulator.url, *map(str, waits)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.joined = self.told()

    def told(self) -> float:
        assert self.process.stdout is not None
        return float(self.process.stdout.readline())

    def close(self) -> None:
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def started(emulator: Emulator) -> Iterator[Callable[..., Process]]:
    """Starts processes, which are gone after the test."""
    processes: list[Process] = []

    def start(*waits: float) -> Process:
        processes.append(Process(emulator, *waits))
        return processes[-1]

    yield start
    for process in processes:
        process.close()
    until(lambda: emulator.present_clients() == [])


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def waiting(emulator: Emulator) -> int:
    return sum(each["until"] is not None for each in emulator.present_clients())


def test_a_lone_client_s_wait_is_a_jump(emulator: Emulator, started: Callable[..., Process]) -> None:
    process = started(HOUR, 24 * HOUR)
    first, second = process.told(), process.told()
    assert 0 <= first - process.joined - HOUR < REAL
    assert 0 <= second - first - 24 * HOUR < REAL


def test_two_clients_meet_every_moment_of_each_other(emulator: Emulator, started: Callable[..., Process]) -> None:
    """Neither is carried past its own moment, however the other's lie between."""
    with closing(Client(emulator.url)) as holding:
        often, seldom = started(*[HOUR] * 6), started(4 * HOUR)
        until(lambda: waiting(emulator) == 2)
        assert emulator.now - often.joined < REAL, "whoever has joined and works holds time for the others"
        begin = holding.now
    for number in range(1, 5):
        assert 0 <= often.told() - begin - number * HOUR < REAL
    assert 0 <= seldom.told() - begin - 4 * HOUR < REAL
    seldom.close()
    assert [0 <= often.told() - begin - number * HOUR < REAL for number in (5, 6)] == [True, True]


def test_a_client_that_works_holds_time_and_a_killed_one_no_longer(
    emulator: Emulator, started: Callable[..., Process]
) -> None:
    works = started()
    waits = started(HOUR)
    until(lambda: waiting(emulator) == 1)
    time.sleep(0.2)
    assert emulator.now - waits.joined < REAL
    works.process.kill()
    assert 0 <= waits.told() - waits.joined - HOUR < REAL


def test_a_stopped_client_holds_time_until_it_goes_on(emulator: Emulator, started: Callable[..., Process]) -> None:
    stopped = started()
    os.kill(stopped.process.pid, signal.SIGSTOP)
    waits = started(HOUR)
    until(lambda: waiting(emulator) == 1)
    time.sleep(0.2)
    assert emulator.now - waits.joined < REAL
    os.kill(stopped.process.pid, signal.SIGCONT)
    stopped.process.kill()
    assert waits.told() - waits.joined >= HOUR


def test_one_killed_while_it_waits_keeps_nobody(emulator: Emulator, started: Callable[..., Process]) -> None:
    with closing(Client(emulator.url)):
        killed, waits = started(HOUR), started(24 * HOUR)
        until(lambda: waiting(emulator) == 2)
        killed.process.kill()
    assert 0 <= waits.told() - waits.joined - 24 * HOUR < REAL


def test_clients_that_say_nothing_have_real_time(emulator: Emulator) -> None:
    began = emulator.now
    deploy(emulator)
    for _ in range(5):
        assert serves(emulator)[0] == "1"
        time.sleep(0.02)
    assert emulator.now - began < REAL


def deploy(emulator: Emulator, hook: str = "") -> str:
    names = {"Name": "checkout", "Alias": "live", "CurrentVersion": "1", "TargetVersion": "2"}
    spec: dict[str, Any] = {
        "version": 0.0,
        "Resources": [{"it": {"Type": "AWS::Lambda::Function", "Properties": names}}],
    }
    if hook:
        spec["Hooks"] = [{"BeforeAllowTraffic": hook}]
    made = client(emulator, "codedeploy").create_deployment(
        applicationName="shop",
        deploymentGroupName="live",
        revision={"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(spec)}},
    )
    return str(made["deploymentId"])


def client(emulator: Emulator, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=emulator.url,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def serves(emulator: Emulator) -> tuple[str, dict[str, float]]:
    alias = client(emulator, "lambda").get_alias(FunctionName="checkout", Name="live")
    return alias["FunctionVersion"], (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}


def test_what_is_due_on_the_way_happens_on_the_way(emulator: Emulator) -> None:
    with Client(emulator.url) as us:
        deployment = deploy(emulator)
        us.wait(20 * 60)
        assert serves(emulator) == ("1", {"2": 0.1})
        us.wait(20 * 60)
        assert serves(emulator) == ("2", {})
        us.wait(24 * HOUR)
        info = client(emulator, "codedeploy").get_deployment(deploymentId=deployment)["deploymentInfo"]
        assert info["status"] == "Succeeded"
        assert 1800 <= (info["completeTime"] - info["createTime"]).total_seconds() < 1800 + REAL


def test_a_hook_runs_its_own_real_time(emulator: Emulator) -> None:
    """It is a process too: whatever its client waits for, no time is jumped over while it runs."""
    emulator.switches({"hook-timeout-seconds": HOUR})
    with Client(emulator.url) as us:
        deployment = deploy(emulator, HOOK)
        us.wait(24 * HOUR)
        codedeploy = client(emulator, "codedeploy")
        (name,) = codedeploy.list_deployment_targets(deploymentId=deployment)["targetIds"]
        found = codedeploy.get_deployment_target(deploymentId=deployment, targetId=name)
        target = found["deploymentTarget"]["lambdaTarget"]
        event = next(each for each in target["lifecycleEvents"] if each["lifecycleEventName"] == "BeforeAllowTraffic")
        assert event["status"] == "Succeeded"
        assert (event["endTime"] - event["startTime"]).total_seconds() < REAL


def test_a_client_may_be_woken_before_its_moment(emulator: Emulator, started: Callable[..., Process]) -> None:
    with closing(Client(emulator.url)):
        process = started(HOUR)
        until(lambda: waiting(emulator) == 1)
        name = next(each["client"] for each in emulator.present_clients() if each["until"] is not None)
        assert requests.post(f"{emulator.url}/_emulator/wait", json={"client": name}, timeout=5).status_code == 200
        assert process.told() - process.joined < REAL
        assert waiting(emulator) == 0
    # Nobody waits who was never known.
    requests.post(f"{emulator.url}/_emulator/wait", json={"client": "nobody"}, timeout=5)
    assert [each["client"] for each in emulator.present_clients()] == [name]


def test_a_reset_ends_every_wait(emulator: Emulator, started: Callable[..., Process]) -> None:
    with closing(Client(emulator.url)):
        process = started(HOUR)
        until(lambda: waiting(emulator) == 1)
        emulator.reset()
        process.told()
        assert waiting(emulator) == 0


@pytest.mark.parametrize(
    "body", [[], {}, {"client": ""}, {"client": 1}, {"client": "x", "seconds": -1}, {"client": "x", "seconds": "1"}]
)
def test_a_wait_that_is_not_understood_is_refused(emulator: Emulator, body: object) -> None:
    answer = requests.post(f"{emulator.url}/_emulator/wait", json=body, timeout=5)
    assert (answer.status_code, "client" in answer.json()["message"]) == (400, True)
    assert emulator.present_clients() == []


def test_it_says_that_it_jumps(emulator: Emulator) -> None:
    assert requests.get(f"{emulator.url}/_emulator/clock", timeout=5).json()["speed"] == "jump"
    assert emulator.env["CI_DEPLOY_CLOCK_SPEED"] == "jump"
    with Client(emulator.url) as us:
        assert requests.get(f"{emulator.url}/_emulator/wait", timeout=5).json() == emulator.present_clients()
        assert [each["until"] for each in emulator.present_clients()] == [None]
        assert us.now <= emulator.now


def test_its_speed_changes_until_a_reset(emulator: Emulator, started: Callable[..., Process]) -> None:
    def ask(**body: object) -> Any:
        return requests.post(f"{emulator.url}/_emulator/clock", json=body, timeout=5).json()

    with closing(Client(emulator.url)):
        waits = started(HOUR)
        until(lambda: waiting(emulator) == 1)
        before = emulator.now
        assert ask(speed=100_000)["speed"] == 100_000
        assert emulator.env["CI_DEPLOY_CLOCK_SPEED"] == "100000"
        assert waits.told() >= waits.joined, "nobody waits at a clock that does not jump"
        until(lambda: emulator.now > before + 2 * HOUR)
        with pytest.raises(RuntimeError, match="does not jump"):
            Client(emulator.url)
        assert ask(speed="jump")["speed"] == "jump"
        after = emulator.now
        time.sleep(0.1)
        assert emulator.now - after < REAL, "time continues where it was"
        ask(speed=20)
        emulator.reset()
        assert emulator.speed == "jump"


@pytest.mark.parametrize("speed", [0, -1, "fast", True, None])
def test_a_speed_that_is_none_is_refused(emulator: Emulator, speed: object) -> None:
    answer = requests.post(f"{emulator.url}/_emulator/clock", json={"speed": speed}, timeout=5)
    assert (answer.status_code, "more than 0" in answer.json()["message"]) == (400, True)
    assert emulator.speed == "jump"


@pytest.mark.parametrize(("first", "then"), [(0.0, "jump"), (0.0, 1.0), (1.0, 0.0), ("jump", 0.0), (1.0, -1.0)])
def test_a_clock_that_stands_still_is_another_one(first: float | str, then: float | str) -> None:
    clock = Clock(first, start=0.0)
    with pytest.raises(ValueError, match="clock"):
        clock.run_at(then)
    with pytest.raises(ValueError, match="negative"):
        Clock(-1.0)
