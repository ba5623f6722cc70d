"""A person on call at a terminal: shown what would happen, asked once, obeyed."""

from __future__ import annotations

import os
import pty
import re
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.account import Account
from tests.support.program import Program

from .test_command_line import COMMON, command

QUESTION = "Roll back checkout:live to version 1? [y/N] "
WHY = "Roll back checkout:live to version 1? Answer y and why, or n: "
ROLLBACK = ["rollback", *COMMON, "--reason", "prices are wrong"]
TWO = """\
functions:
  checkout: {application: checkout-app, deployment-group: checkout-live}
  other: {application: checkout-app, deployment-group: checkout-live}
"""
WRITES = {"CreateDeployment", "StopDeployment", "UpdateAlias", "TagResource", "PutObject"}


def at_terminal(
    account: Account, folder: Path, *arguments: str, answers: Sequence[tuple[str, str | signal.Signals]]
) -> tuple[int, str]:
    """Type each answer, or send the signal, when its question is on the screen.

    The exit code, and the screen without colors.
    """
    ours, theirs = pty.openpty()
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm", **account.emulator.env}
    process = Program(arguments, env=env, cwd=folder, stdin=theirs, stdout=theirs)
    os.close(theirs)
    screen, left = "", list(answers)
    try:
        while chunk := _read(ours):
            screen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", chunk.decode(errors="replace"))
            if left and left[0][0] in screen:
                answer = left.pop(0)[1]
                if isinstance(answer, signal.Signals):
                    process.send_signal(answer)
                else:
                    os.write(ours, f"{answer}\n".encode())
        return process.wait(60), screen
    finally:
        os.close(ours)
        process.kill()
        process.wait()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other side is closed
        return b""


@pytest.fixture
def deployed(account: Account) -> Account:
    account.served("# two\ndef handler(event, context):\n    return 2\n")
    account.emulator._calls.clear()
    return account


def test_a_rollback_is_confirmed_once_after_it_was_shown(deployed: Account, tmp_path: Path) -> None:
    code, screen = at_terminal(deployed, tmp_path, *ROLLBACK, answers=[(QUESTION, "y")])
    assert code == 0, screen
    assert screen.count(QUESTION) == 1
    assert screen.index("live version") < screen.index(QUESTION)
    assert deployed.serves() == {"1": 100.0}


@pytest.mark.parametrize("answer", ["n", "", "what?"])
def test_anything_but_yes_changes_nothing(deployed: Account, tmp_path: Path, answer: str) -> None:
    code, screen = at_terminal(deployed, tmp_path, *ROLLBACK, answers=[(QUESTION, answer)])
    assert code == 130, screen
    assert "Nothing was changed." in screen
    assert not WRITES & set(deployed.operations())
    assert deployed.serves() == {"2": 100.0}


@pytest.mark.parametrize(("answer", "reason"), [("y prices are wrong", "prices are wrong"), ("Y", "")])
def test_the_answer_may_bring_the_reason_along(deployed: Account, tmp_path: Path, answer: str, reason: str) -> None:
    """Still one question, put after what it is about was shown."""
    code, screen = at_terminal(deployed, tmp_path, "rollback", *COMMON, answers=[(WHY, answer)])
    assert code == 0, screen
    assert screen.count("? ") == 1
    assert "Version 1 was live until 20" in " ".join(screen[: screen.index(WHY)].split())
    shown = command(deployed, tmp_path, "status", *COMMON)
    assert f"rollback, 2 → 1{reason and f', {reason}'}\n" in shown.stdout


def test_yes_is_said_beforehand_in_scripts(deployed: Account, tmp_path: Path) -> None:
    code, screen = at_terminal(deployed, tmp_path, *ROLLBACK, "--yes", answers=[])
    assert code == 0, screen
    assert "[y/N]" not in screen
    assert deployed.serves() == {"1": 100.0}


def test_of_a_file_with_several_functions_one_is_chosen(deployed: Account, tmp_path: Path) -> None:
    (tmp_path / "ci-deploy.yml").write_text(TWO, encoding="utf-8")
    answers = [("Roll back which? ", "checkout"), (QUESTION, "y")]
    code, screen = at_terminal(deployed, tmp_path, "rollback", "--reason", "bad", answers=answers)
    assert code == 0, screen
    assert screen.index("  checkout") < screen.index("  other") < screen.index("Roll back which? ")
    assert deployed.serves() == {"1": 100.0}


ENDS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@ENDS
@pytest.mark.parametrize(
    ("arguments", "question"),
    [
        (["rollback", "--reason", "bad"], "Roll back which? "),
        (["init"], "Lambda function (name or ARN): "),
    ],
    ids=["which", "init"],
)
def test_a_signal_ends_a_question_before_anything_is_under_way(
    account: Account, tmp_path: Path, arguments: list[str], question: str, number: signal.Signals
) -> None:
    if "which" in question:
        (tmp_path / "ci-deploy.yml").write_text(TWO, encoding="utf-8")
    before = set(tmp_path.rglob("*"))
    code, screen = at_terminal(account, tmp_path, *arguments, answers=[(question, number)])
    assert code == 128 + number, screen
    after = screen.replace("\r", "").partition(question)[2]
    assert set(after) == {"\n"}  # the shell's prompt begins a line of its own
    assert set(tmp_path.rglob("*")) == before
    assert account.operations() == []


@ENDS
def test_a_signal_at_the_confirmation_is_a_cancel(deployed: Account, tmp_path: Path, number: signal.Signals) -> None:
    code, screen = at_terminal(deployed, tmp_path, *ROLLBACK, answers=[(QUESTION, number)])
    assert code == 130, screen
    assert screen.replace("\r", "").count(f"{QUESTION}\n[") == 1, screen  # the log continues on a new line
    assert "■ CANCELLED" in screen
    assert not WRITES & set(deployed.operations())
