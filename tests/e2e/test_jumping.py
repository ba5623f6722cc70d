"""The action as a process against an emulator that jumps while every client waits: what it tells is true to life.

In one test the emulator is a process too, as people start it. Where this process acts in a run's middle, it is a client
of the emulator as the run is.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from codedeploy_emulator import Emulator
from codedeploy_emulator.client import Client
from scripts import demo
from tests.support.action import CHECKOUT, HOOKS, SIGINT, Runner, Step
from tests.support.program import Program

from .conftest import SPEED

CANARY = "CodeDeployDefault.LambdaCanary10Percent{}Minutes"
HALF_AN_HOUR, TEN_MINUTES = ({**CHECKOUT, "deployment-config": CANARY.format(minutes)} for minutes in (30, 10))


@pytest.fixture
def us(emulator: Emulator) -> Iterator[Client]:
    with Client(emulator.url) as client:
        yield client


def wait_for(us: Client, step: Step, text: str) -> None:
    """Until the log says so; time does not jump on from there before we wait again."""
    deadline = time.monotonic() + 60
    while text not in step.log():
        assert time.monotonic() < deadline, step.log()
        us.wait(1.0)
        time.sleep(0.005)


def joined(url: str, count: int) -> None:
    """Until so many clients are known; one that is gone is not at once forgotten."""
    deadline = time.monotonic() + 60
    while len(requests.get(f"{url}/_emulator/wait", timeout=5).json()) != count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def at(log: str, text: str) -> int:
    """The second of the run in which a line came that has this text."""
    found = re.search(rf"\[ *(\d+):(\d\d):(\d\d)\] [^\n]*{re.escape(text)}", log)
    assert found, log
    return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3])


def test_a_canary_of_half_an_hour_is_told_as_in_life(tmp_path: Path) -> None:
    with demo.emulator("jump") as url:
        requests.post(f"{url}/_emulator/scripts", json=dict.fromkeys(HOOKS.values(), "succeed"), timeout=5)
        done = Runner(env=demo.variables(url), folder=tmp_path).run({**HALF_AN_HOUR, **HOOKS})
        joined(url, 0)
    done.check(0, outcome="succeeded", live_version="2")
    split, whole = at(done.log, "10% → 2"), at(done.log, "100% → 2")
    assert 1770 <= whole - split < 1830, done.log  # one is seen when it is looked for
    assert at(done.log, "AfterAllowTraffic    succeeded") < whole + 60, done.log


def test_a_signal_is_heard_at_the_moment_it_is_sent(runner: Runner, us: Client) -> None:
    step = runner.start(TEN_MINUTES)
    wait_for(us, step, "» Traffic")
    us.wait(300)
    step.signal(SIGINT)
    step.wait_for("■ CANCELLED")
    us.close()
    done = step.wait().check(130, outcome="cancelled", deployed="false")
    assert 300 <= at(done.log, "■ CANCELLED") - at(done.log, "» Traffic") < 320, done.log
    runner.finish(done, TEN_MINUTES)


def test_a_killed_run_leaves_time_to_the_next(runner: Runner, us: Client, emulator: Emulator) -> None:
    """Which attaches to the deployment where it is."""
    step = runner.start(TEN_MINUTES)
    wait_for(us, step, "» Traffic")
    step.kill()
    step.wait()
    us.wait(60.0)  # by when it would have looked again
    joined(emulator.url, 1)
    again = runner.start(TEN_MINUTES, run=(100, 2))
    joined(emulator.url, 2)
    us.close()
    done = again.wait().check(0, outcome="succeeded", live_version="2")
    assert 500 < at(done.log, "100% → 2") < 630, done.log


def test_one_run_waits_for_another(runner: Runner, us: Client, emulator: Emulator) -> None:
    first = runner.start(TEN_MINUTES)
    wait_for(us, first, "» Traffic")
    second = runner.start(TEN_MINUTES, run=(200, 1))
    joined(emulator.url, 3)
    us.close()
    first.wait().check(0, outcome="succeeded", live_version="2")
    done = second.wait().check(0)
    assert done.outcome == "unchanged", done.log
    assert "2h" not in done.log.splitlines()[-1]


def test_a_command_around_which_it_watches_has_real_time(emulator: Emulator, tmp_path: Path) -> None:
    """It says nothing to the emulator: the two minutes of silence after it begin when it is over."""
    (tmp_path / "log").touch()
    command = [sys.executable, "-c", "import time; time.sleep(0.5); print('made')"]
    arguments = ["watch", "--function", "checkout", "--application", "checkout-app"]
    arguments += ["--deployment-group", "checkout-live", "--", *command]
    with (tmp_path / "log").open("wb") as log:
        program = Program(arguments, env={"PATH": "", **emulator.env}, cwd=tmp_path, stdout=log)
        code = program.wait(60)
    text = (tmp_path / "log").read_text(encoding="utf-8")
    assert "made" in text, text
    assert code == 0, text
    assert 120 <= at(text, "Warning") < 180, text


def test_with_an_emulator_that_does_not_jump_time_is_real(emulator: Emulator, tmp_path: Path) -> None:
    emulator.run_at(SPEED)
    env = {**emulator.env, "CI_DEPLOY_CLOCK_SPEED": "jump"}
    given = {**CHECKOUT, "deployment-config": "CodeDeployDefault.LambdaAllAtOnce"}
    Runner(env=env, folder=tmp_path).run(given).check(0, outcome="succeeded", live_version="2")
