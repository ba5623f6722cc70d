"""Real signals to a real process, as the runner sends them, and the post step after it (facts.md B3)."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from codedeploy_emulator import Emulator
from tests.support.account import Account
from tests.support.action import CHECKOUT, SIGINT, SIGTERM, Runner

LINEAR = {**CHECKOUT, "deployment-config": "CodeDeployDefault.LambdaLinear10PercentEvery3Minutes"}
GRACE = (7.5, 2.5)  # seconds: SIGINT, then SIGTERM, then the kill
pytestmark = pytest.mark.usefixtures("paced")

ROLE = "arn:aws:iam::123456789012:role/codedeploy"
CODE = "# {}\ndef handler(event, context):\n    return event\n"


def stops(emulator: Emulator) -> int:
    return sum(call["operation"] == "StopDeployment" for call in emulator.calls)


@pytest.fixture
def served(account: Account) -> str:
    """Version 2 is served and is the group's last successful revision; $LATEST has new code."""
    version = account.served(CODE.format("two"))
    account.code(CODE.format("three"))
    return version


@pytest.mark.parametrize("number", [SIGINT, pytest.param(SIGTERM, marks=pytest.mark.full)])
def test_a_signal_stops_it_with_rollback_and_the_post_step_confirms(
    runner: Runner, account: Account, emulator: Emulator, served: str, number: int
) -> None:
    """One StopDeployment from the main step, un-retried; in the end the version before serves everything."""
    step = runner.start(LINEAR, run=(101, 1))
    step.wait_for("» Traffic")
    before = stops(emulator)
    step.signal(number)
    done = step.wait()
    done.check(130, outcome="cancelled", deployed="false")
    assert stops(emulator) - before == 1
    post = runner.finish(done, LINEAR, run=(101, 1))
    assert account.serves() == {served: 100.0}, post.log
    assert account.deployment(done.outputs["deployment-id"])["status"] == "Stopped"


def test_a_signal_before_the_creation_creates_nothing(runner: Runner, account: Account, emulator: Emulator) -> None:
    """Held up in its first reads, it ends at once: nothing waits for the thread that reads."""
    emulator.faults([{"service": "lambda", "operation": "GetFunction", "fault": "slow", "seconds": 20}])
    step = runner.start(LINEAR)
    step.wait_for("::endgroup::")
    step.signal(SIGINT)
    step.wait(15).check(130, outcome="cancelled", rollback="none")
    emulator.faults([])
    assert account.deployments() == []


@pytest.mark.parametrize("number", [SIGINT, SIGTERM])
@pytest.mark.parametrize(
    "given",
    [
        {**CHECKOUT, "command": "setup", "apply": "true"},
        {**CHECKOUT, "command": "prune", "apply": "true"},
        {"command": "watch", "function": "checkout"},
        {**CHECKOUT, "appspec": "s3://demo-deployments/appspec.json"},
    ],
    ids=["setup", "prune", "watch", "an AppSpec in S3"],
)
def test_a_signal_ends_what_is_read_before_anything_begins(
    runner: Runner, account: Account, emulator: Emulator, given: dict[str, str], number: int
) -> None:
    """AWS does not answer, which may take more than a minute; and the kill comes ten seconds after the signal."""
    emulator.faults([{"service": "sts", "operation": "GetCallerIdentity", "fault": "timeout"}])
    step = runner.start(given)
    step.wait_for("Every request goes to")
    step.signal(number)
    done = step.wait(15).check(130, outcome="cancelled", reason_code="cancelled-reading")
    emulator.faults([])
    assert account.writes() == []
    assert signal.Signals(number).name in done.log


@pytest.mark.parametrize(
    ("given", "service", "operation", "what"),
    [
        (
            {**CHECKOUT, "command": "setup", "application": "shop", "service-role-arn": ROLE, "apply": "true"},
            "codedeploy",
            "CreateApplication",
            "application shop created",
        ),
        (
            {**CHECKOUT, "command": "prune", "keep": "1", "apply": "true"},
            "lambda",
            "DeleteFunction",
            "version 2 deleted",
        ),
    ],
    ids=["setup", "prune"],
)
def test_a_signal_does_not_wait_for_a_write_that_gets_no_answer(
    runner: Runner, account: Account, emulator: Emulator, given: dict[str, str], service: str, operation: str, what: str
) -> None:
    for number in range(3):
        account.publish(CODE.format(number))
    emulator.faults([{"service": service, "operation": operation, "fault": "timeout"}])
    step = runner.start(given)
    deadline = time.monotonic() + 60
    while not any(call["operation"] == operation for call in emulator.calls):
        assert step.process.poll() is None and time.monotonic() < deadline, step.log
        time.sleep(0.02)
    step.signal(SIGINT)
    done = step.wait(15).check(130, outcome="cancelled", reason_code="cancelled-writing")
    assert what in done.outputs["reason"]


@pytest.mark.parametrize(
    "moment",
    # Killed before there is a deployment, the post step looks for one for a minute.
    [pytest.param(moment, marks=pytest.mark.full) for moment in ("::endgroup::", "✓ Deployment")] + ["» Traffic"],
)
def test_killed_the_post_step_and_the_next_run_recover(
    runner: Runner, account: Account, emulator: Emulator, served: str, moment: str
) -> None:
    emulator.scripts({"CodeDeployHook_checkout_before": {"outcome": "succeed", "seconds": 60}})
    step = runner.start({**LINEAR, "before-allow-traffic": "CodeDeployHook_checkout_before"}, run=(101, 1))
    step.wait_for(moment)
    step.kill()
    done = step.wait()
    assert done.code == -9
    runner.finish(done, LINEAR, run=(101, 1))
    assert account.serves() == {served: 100.0}
    at_once = {**CHECKOUT, "deployment-config": "CodeDeployDefault.LambdaAllAtOnce"}
    runner.run(at_once, run=(102, 1)).check(0, outcome="succeeded", live_version="3")


def test_killed_while_the_creation_is_under_way_its_marker_is_searched_for(
    runner: Runner, account: Account, emulator: Emulator, served: str
) -> None:
    """The effect has happened, no answer came, and the process is gone: the post step stops what it finds."""
    emulator.faults(
        [{"service": "codedeploy", "operation": "CreateDeployment", "fault": "slow", "when": "after", "seconds": 10}]
    )
    step = runner.start(LINEAR, run=(101, 1))
    deadline = time.monotonic() + 30
    while len(account.deployments()) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    step.kill()
    done = step.wait()
    emulator.faults([])
    assert done.outputs["deployment-id"] == ""
    post = runner.finish(done, LINEAR, run=(101, 1)).check(130, outcome="cancelled", live_version=served)
    assert post.outputs["deployment-id"].startswith("d-")
    assert account.serves() == {served: 100.0}


@pytest.mark.full
def test_with_the_runners_own_timing(runner: Runner, account: Account, emulator: Emulator, served: str) -> None:
    """SIGINT, 7.5 s, SIGTERM, 2.5 s, kill: it has ended by itself before the second signal, its stop long since out."""
    step = runner.start(LINEAR, run=(101, 1))
    step.wait_for("» Traffic")
    step.signal(SIGINT)
    for pause, number in zip(GRACE, (SIGTERM, None), strict=True):
        deadline = time.monotonic() + pause
        while step.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        if step.process.poll() is None and number is not None:
            step.signal(number)
    assert step.process.poll() == 130, "it would have been killed"
    done = step.wait()
    runner.finish(done, LINEAR, run=(101, 1))
    assert account.serves() == {served: 100.0}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells by /proc when the handlers are there")
def test_a_signal_while_it_still_imports_is_a_cancel_and_no_traceback(runner: Runner, account: Account) -> None:
    """The handlers are there before anything that takes time; what arrived meanwhile is acted on first."""
    step = runner.start_anew(LINEAR)
    status = Path(f"/proc/{step.process.pid}/status")
    while not _caught(status.read_text()) & (1 << (SIGTERM - 1)):
        pass
    step.signal(SIGTERM)
    done = step.wait().check(130, outcome="cancelled", deployed="false", rollback="none")
    assert "Traceback" not in done.log
    assert account.deployments() == []


def _caught(status: str) -> int:
    """The mask of the signals that a process handles (proc(5), SigCgt)."""
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), 16)
