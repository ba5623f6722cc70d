"""`watch`: deployments that another tool starts, followed; around a command and beside it."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ci_deploy.edge.aws.errors import iam_action
from codedeploy_emulator import Emulator
from tests.support.account import Account
from tests.support.action import CHECKOUT, Runner, event, pairs
from tests.support.program import Program

ROOT = Path(__file__).parents[2]
GOOD = "def handler(event, context):\n    return {'total': 99}\n"
SAM = ["--stack", "shop", "--", sys.executable, str(ROOT / "scripts" / "sam.py"), "deploy", "--code", "app.py"]
pytestmark = pytest.mark.usefixtures("paced")

PREFIX = "ci-deploy | "
POLICIES = ("watch", "feature-guards")


@dataclass(kw_only=True)
class Watching:
    """A process that watches, with a file for each of its streams."""

    process: Program
    folder: Path

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def wait_for(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not happened():
            assert self.process.poll() is None and time.monotonic() < deadline, self.read("err")
            time.sleep(0.02)

    def end(self) -> tuple[int, str, str]:
        code = self.process.wait(120)
        return code, self.read("out"), self.read("err")


def start(account: Account, folder: Path, *arguments: str, stdin: int | None = None, **environ: str) -> Watching:
    """A session of its own: without a terminal as stdin, what signals us signals us alone."""
    (folder / "app.py").write_text(GOOD, encoding="utf-8")
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), **account.emulator.env, **environ}
    words = ("watch", *arguments)
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = Program(words, env=env, cwd=folder, stdin=stdin, stdout=out, stderr=err, leading=True)
    return Watching(process=process, folder=folder)


def watch(account: Account, folder: Path, *arguments: str, **environ: str) -> tuple[int, str, str]:
    return start(account, folder, *arguments, **environ).end()


def ring_in_the_canary(account: Account, watching: Watching) -> None:
    watching.wait_for(lambda: account.serves() != {"1": 100.0})
    account.ring()


def test_around_sam_its_output_is_its_own_and_ours_stands_beside_it(account: Account, tmp_path: Path) -> None:
    code, out, err = watch(account, tmp_path, *SAM)
    assert code == 0, err
    assert out.splitlines()[-1] == "Successfully created/updated stack - shop"
    assert "ci-deploy" not in out
    assert all(line.startswith(PREFIX) for line in err.splitlines()), err
    assert "found, 1 → 2" in err
    assert "✓ DEPLOYED" in err
    assert account.serves() == {"2": 100.0}
    created = [name for name in account.operations() if name == "codedeploy:CreateDeployment"]
    assert created == ["codedeploy:CreateDeployment"]  # the tool's own
    ours = {
        iam_action(call["service"], call["operation"])
        for call in account.emulator.calls
        if "ci-deploy/" in call["agent"] and call["service"] != "sts"
    }
    policies = [json.loads((ROOT / "docs" / "iam" / f"{name}.json").read_text(encoding="utf-8")) for name in POLICIES]
    allowed = {action for policy in policies for statement in policy["Statement"] for action in statement["Action"]}
    assert "cloudformation:ListStackResources" in ours
    assert ours - allowed == set()


def test_in_a_run_step_summary_and_comment_come_from_the_environment(account: Account, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text(json.dumps(event()), encoding="utf-8")
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "your-org/checkout",
        "GITHUB_RUN_ID": "100",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_SHA": "3f1c0ffee0ddba11cafe0123456789abcdef0007",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    code, _, err = watch(account, tmp_path, *SAM, **environ)
    assert code == 0, err
    assert not [line for line in err.splitlines() if line.startswith("::")]  # the runner would obey
    assert "Deployed" in (tmp_path / "summary").read_text(encoding="utf-8")
    assert pairs((tmp_path / "output").read_text(encoding="utf-8"))["outcome"] == "succeeded"
    (comment,) = account.comments()
    assert "checkout:live" in comment


def test_in_a_run_step_without_a_token_a_line_says_what_is_missing(account: Account, tmp_path: Path) -> None:
    code, _, err = watch(
        account, tmp_path, "--function", "checkout", "--", "true", GITHUB_ACTIONS="true", GITHUB_TOKEN=""
    )
    assert code == 0
    assert 'GITHUB_TOKEN: "${{ github.token }}"' in err
    _, _, quiet = watch(
        account,
        tmp_path,
        "--function",
        "checkout",
        "--comment",
        "off",
        "--",
        "true",
        GITHUB_ACTIONS="true",
        GITHUB_TOKEN="",
    )
    assert "GITHUB_TOKEN" not in quiet


def test_a_bad_version_has_its_alarm_and_cloudformations_words_in_one_verdict(account: Account, tmp_path: Path) -> None:
    watching = start(account, tmp_path, *SAM)
    ring_in_the_canary(account, watching)
    code, out, err = watching.end()
    assert code == 1, err
    assert "UPDATE_ROLLBACK_COMPLETE" in out
    assert "checkout-errors" in err
    assert "CheckoutAliaslive UPDATE_FAILED: Rollback successful" in err
    assert account.serves() == {"1": 100.0}


def test_our_red_verdict_fails_a_command_that_went_well(account: Account, tmp_path: Path) -> None:
    """A tool that does not look at its own deployment, or a script that forgets its exit code."""
    sam = shlex.join(SAM[SAM.index("--") + 1 :])
    watching = start(account, tmp_path, "--stack", "shop", "--", "sh", "-c", f"{sam}; exit 0")
    ring_in_the_canary(account, watching)
    code, _, err = watching.end()
    assert code == 1, err
    assert "ROLLED BACK" in err


@pytest.mark.parametrize(
    ("words", "code"),
    [(["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -TERM $$"], 143), (["true"], 0)],
    ids=["its own exit code", "a signal that ended it", "nothing deployed"],
)
def test_the_commands_exit_code_is_ours(account: Account, tmp_path: Path, words: list[str], code: int) -> None:
    got, _, err = watch(account, tmp_path, "--function", "checkout", "--", *words)
    assert got == code, err


def test_our_own_trouble_does_not_fail_a_command_that_went_well(
    account: Account, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.faults(service="codedeploy", operation="ListDeployments", fault="access-denied")
    code, _, err = watch(account, tmp_path, "--function", "checkout", "--", "true")
    assert "codedeploy:ListDeployments" in err
    assert code == 0


def test_a_command_that_does_not_exist_is_said_so(account: Account, tmp_path: Path) -> None:
    output = tmp_path / "output"
    code, _, err = watch(account, tmp_path, "--stack", "shop", "--", "no-such-tool", GITHUB_OUTPUT=str(output))
    assert code == 3
    assert pairs(output.read_text(encoding="utf-8"))["reason-code"] == "command-not-started"
    assert "The command could not be started: No such file or directory" in err


COUNTS = """
import signal, sys, time
seen = []
def handle(number, frame):
    seen.append(number)
signal.signal(signal.SIGINT, handle)
signal.signal(signal.SIGTERM, handle)
print("ready", flush=True)
end = time.monotonic() + 60
while not seen and time.monotonic() < end:
    time.sleep(0.05)
time.sleep(0.5)
print(seen, flush=True)
sys.exit(130)
"""
COUNTING = (sys.executable, "-I", "-S", "-c", COUNTS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_goes_to_the_command_once_and_as_an_interrupt(
    account: Account, tmp_path: Path, number: signal.Signals
) -> None:
    watching = start(account, tmp_path, "--function", "checkout", "--", *COUNTING)
    watching.wait_for(lambda: watching.read("out") == "ready\n")
    watching.process.send_signal(number)
    code, out, err = watching.end()
    assert out == f"ready\n[{signal.SIGINT:d}]\n", err
    assert code == 130


@pytest.mark.parametrize(
    "numbers",
    [(), (signal.SIGTERM,), (signal.SIGINT, signal.SIGTERM)],
    ids=["Ctrl-C", "kill", "kill -INT, which looks like Ctrl-C, and kill"],
)
def test_at_a_terminal_the_command_is_interrupted_once(
    account: Account, tmp_path: Path, numbers: tuple[signal.Signals, ...]
) -> None:
    """Ctrl-C reaches the whole foreground group, and so the command without us; `kill` reaches us alone."""
    keyboard, terminal = pty.openpty()
    watching = start(account, tmp_path, "--function", "checkout", "--", *COUNTING, stdin=terminal)
    os.close(terminal)
    watching.wait_for(lambda: watching.read("out") == "ready\n")
    if not numbers:
        os.write(keyboard, b"\x03")
    for number in numbers:
        watching.process.send_signal(number)
    code, out, err = watching.end()
    os.close(keyboard)
    assert out == f"ready\n[{signal.SIGINT:d}]\n", err
    assert code == 130


def test_as_a_step_it_follows_what_somebody_else_deploys_and_ends_by_itself(runner: Runner, account: Account) -> None:
    given = {"command": "watch", "function": "checkout", "appear-within": "2h"}
    step = runner.start(given)
    while "codedeploy:ListDeployments" not in account.operations():  # what began before it looked is not meant
        assert step.process.poll() is None, step.log()
        time.sleep(0.02)
    account.publish(GOOD)
    account.deploy("1", "2")
    done = step.wait().check(0, outcome="succeeded", live_version="2", deployed="true", target_version="2")
    assert done.state["finished"] == "true"
    assert "checkout:live" in account.comments()[0]


def test_a_step_after_the_tools_reports_what_the_job_has_deployed(runner: Runner, account: Account) -> None:
    """An all-at-once deployment is over before anybody can look: the job's beginning is what counts."""
    workflow = runner.folder / "_github_workflow"
    workflow.mkdir()
    (workflow / "event.json").write_text(json.dumps(event()), encoding="utf-8")
    os.utime(workflow, (time.time() - 5, time.time() - 5))
    account.publish(GOOD)
    account.deploy("1", "2", "CodeDeployDefault.LambdaAllAtOnce")
    while account.serves() != {"2": 100.0}:
        time.sleep(0.02)
    given = {"command": "watch", "function": "checkout"}
    done = runner.run(given, environ={"GITHUB_EVENT_PATH": str(workflow / "event.json")})
    done.check(0, outcome="succeeded", live_version="2", deployed="true")


def test_as_a_step_a_cancel_leaves_the_deployment_and_the_post_step_too(runner: Runner, account: Account) -> None:
    account.publish(GOOD)
    account.deploy("1", "2", "CodeDeployDefault.LambdaLinear10PercentEvery10Minutes")
    given = {"command": "watch", **CHECKOUT}
    step = runner.start(given)
    step.wait_for("→ 2 · ")
    step.signal(signal.SIGINT)
    done = step.wait().check(130, outcome="cancelled")
    runner.finish(done, given)
    assert "codedeploy:StopDeployment" not in account.operations()


def test_nothing_appeared_is_green_with_a_warning(runner: Runner, account: Account) -> None:
    done = runner.run({"command": "watch", "stack": "shop", "appear-within": "2m"})
    done.check(0, outcome="unchanged", reason_code="nothing-appeared")
    warnings = [line for line in done.log.splitlines() if line.startswith("::warning")]
    assert len([line for line in warnings if "No deployment of the stack `shop`" in line]) == 1


def test_a_mistake_in_the_flags_comes_before_the_command(account: Account, tmp_path: Path) -> None:
    code, out, err = watch(account, tmp_path, "--appear-within", "soon", "--stack", "shop", "--", "echo", "ran")
    assert (code, out) == (2, "")
    assert "`soon`" in err


def test_only_watch_runs_a_command_and_stdout_is_the_commands(account: Account, tmp_path: Path) -> None:
    code, _, err = watch(account, tmp_path, "--stack", "shop", "--json", "--", "true")
    assert code == 2
    assert "stdout" in err
