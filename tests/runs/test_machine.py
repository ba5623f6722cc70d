"""What a run stands on: a person's terminal, the signals that the system has, and GitHub where it is wanted."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ci_deploy import app
from ci_deploy.core.machine.actions import Cancelled
from ci_deploy.drive import QueueInbox
from ci_deploy.edge.runner.files import Stdout
from ci_deploy.edge.runner.terminal import LiveTerminal
from ci_deploy.ports import Clock
from tests.support.account import Account

from .conftest import Theatre

ROOT = Path(__file__).resolve().parents[2]
COMMON = ["--function", "checkout", "--application", "checkout-app", "--deployment-group", "checkout-live"]


class Desk(app.Machine):
    """A person at a terminal; signals are left alone."""

    def __init__(self, answer: str = "", *, attended: bool = False) -> None:
        self.answer = answer
        self.there = attended
        self.asked: list[str] = []
        self.screen = io.StringIO()
        self.piped = io.BytesIO()

    def inbox(self, clock: Clock, signalled: Callable[[int], None] = lambda _: None) -> QueueInbox:
        return QueueInbox(clock)

    def attended(self) -> bool:
        return self.there

    def stdout(self) -> Stdout:
        return Stdout(self.piped)

    def ask(self, question: str) -> str:
        self.asked.append(question)
        return self.answer

    def terminal(self, *, colour: bool, hide: Callable[[str], str]) -> LiveTerminal:
        return LiveTerminal(self.screen, colour=colour, hide=hide)


@pytest.mark.parametrize(("arguments", "code", "says"), [([], 0, "✓ VALID"), (["--alias", "7"], 2, "`--alias`")])
def test_on_a_terminal_the_log_is_drawn_and_the_terminal_given_back(
    tmp_path: Path, arguments: list[str], code: int, says: str
) -> None:
    """Whatever the end: what draws the live part would go on writing to the terminal."""
    desk, before = Desk(), threading.enumerate()
    assert app.run(["validate", *COMMON, *arguments], {}, tmp_path, machine=desk) == code
    assert says in desk.screen.getvalue()
    assert "::" not in desk.screen.getvalue(), "those are for the runner"
    assert desk.piped.getvalue() == b""
    for drawing in set(threading.enumerate()) - set(before):
        drawing.join(10)
        assert not drawing.is_alive()


@pytest.fixture
def handlers() -> Iterator[None]:
    """The signal handlers as they were."""
    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
def test_a_signal_is_an_observation_also_where_there_is_no_sighup(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has none."""
    monkeypatch.delattr(signal, "SIGHUP")
    inbox = app.Machine().inbox(app.clock_for({}))
    signal.raise_signal(signal.SIGTERM)
    assert inbox.take(0.0) == Cancelled(signal="SIGTERM", second=1.0)


@pytest.mark.parametrize(("comment", "asked"), [("auto", True), ("off", False)])
def test_with_the_comment_off_nobody_asks_github_anything(
    theatre: Theatre, account: Account, comment: str, asked: bool
) -> None:
    """A token alone is no wish: it may be there for `github-deployment`."""
    ours = {"full_name": "your-org/checkout"}
    pull_request = {"number": 7, "head": {"sha": "a" * 40, "repo": ours}, "base": {"repo": ours}}
    payload = theatre.folder / "event.json"
    payload.write_text(json.dumps({"pull_request": pull_request}), encoding="utf-8")
    environ = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(payload)}
    given = {"github-token": "ghs_not-a-real-token", "comment": comment, "command": "plan"}
    done = theatre.run(given, environ=environ).check(0, outcome="planned")
    assert any(call.startswith("github") for call in account.operations()) is asked
    assert "::add-mask::ghs_not-a-real-token" in done.log()


@pytest.mark.parametrize(
    ("attended", "given", "code", "says"),
    [
        (True, [], 4, "command     rollback"),
        (True, ["--yes"], 2, "Flag `--reason` is missing."),
        (False, [], 2, "Flag `--reason` is missing."),
        (False, ["--reason", "known"], 4, "reason    known"),
    ],
)
def test_a_reason_may_wait_where_a_person_will_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attended: bool, given: list[str], code: int, says: str
) -> None:
    """The commands in reports have no reason in them that could be pasted unread."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):  # without them nothing is asked, in vain and at length
        monkeypatch.delenv(name, raising=False)
    desk = Desk(attended=attended)
    environ = {"AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "HOME": str(tmp_path)}
    arguments = ["rollback", "--function", "checkout", *given]
    assert app.run(arguments, environ, tmp_path, machine=desk) == code, desk.screen.getvalue()
    assert desk.asked == []
    assert " ".join(says.split()) in " ".join(desk.screen.getvalue().split())


AHEAD = """
import sys
from ci_deploy import app
from pathlib import Path

LATER = ("ci_deploy.core.machine", "ci_deploy.perform", "ci_deploy.drive", "ci_deploy.edge.aws.lambda_")

class Machine(app.Machine):
    def ahead(self, ask):
        print("asked with", [name for name in sys.modules if name.startswith(LATER)])

inputs = {"INPUT_COMMAND": sys.argv[1], "INPUT_FUNCTION": "checkout", "INPUT_CODE": "$LATEST", "INPUT_ALIAS": "live"}
app.run([], {**inputs, "AWS_REGION": "us-east-1", "INPUT_APPSPEC": "none-such.yml"}, Path(), machine=Machine())
"""


@pytest.mark.parametrize(("command", "asks"), [("deploy", 1), ("plan", 1), ("validate", 0)])
def test_the_first_call_is_under_way_before_the_rest_is_imported(tmp_path: Path, command: str, asks: int) -> None:
    """What decides and deploys is half of the program. A command that needs no AWS asks nothing."""
    arguments = [sys.executable, "-c", AHEAD, command]
    done = subprocess.run(arguments, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.stdout.count("asked with []") == done.stdout.count("asked with") == asks, done.stdout + done.stderr
    assert "none-such.yml" in done.stdout
