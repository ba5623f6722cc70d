"""A person on call at a terminal: shown what would happen, asked once, obeyed."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.account import Account

from .test_command_line import COMMON, command

QUESTION = "Roll back checkout:live to version 1? [y/N] "
ROLLBACK = ["rollback", *COMMON, "--reason", "prices are wrong"]
WRITES = {"CreateDeployment", "StopDeployment", "UpdateAlias", "TagResource", "PutObject"}


def at_terminal(account: Account, folder: Path, *arguments: str, answers: Sequence[tuple[str, str]]) -> tuple[int, str]:
    """Type each answer when its question is on the screen. The exit code, and the screen without colors."""
    ours, theirs = pty.openpty()
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm", **account.emulator.env}
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "ci_deploy", *arguments],
        env=env,
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    screen, left = "", list(answers)
    try:
        while chunk := _read(ours):
            screen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", chunk.decode(errors="replace"))
            if left and left[0][0] in screen:
                os.write(ours, f"{left.pop(0)[1]}\n".encode())
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
def deployed(account: Account, tmp_path: Path) -> Account:
    done = command(account, tmp_path, "deploy", *COMMON, "--code", "$LATEST", "--deployment-config", "all-at-once")
    assert done.returncode == 0, done.stdout
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


def test_yes_is_said_beforehand_in_scripts(deployed: Account, tmp_path: Path) -> None:
    code, screen = at_terminal(deployed, tmp_path, *ROLLBACK, "--yes", answers=[])
    assert code == 0, screen
    assert "[y/N]" not in screen
    assert deployed.serves() == {"1": 100.0}


def test_of_a_file_with_several_functions_one_is_chosen(deployed: Account, tmp_path: Path) -> None:
    (tmp_path / "ci-deploy.yml").write_text(
        "functions:\n  checkout: {application: checkout-app, deployment-group: checkout-live}\n"
        "  other: {application: checkout-app, deployment-group: checkout-live}\n",
        encoding="utf-8",
    )
    answers = [("Roll back which? ", "checkout"), (QUESTION, "y")]
    code, screen = at_terminal(deployed, tmp_path, "rollback", "--reason", "bad", answers=answers)
    assert code == 0, screen
    assert screen.index("  checkout") < screen.index("  other") < screen.index("Roll back which? ")
    assert deployed.serves() == {"1": 100.0}
