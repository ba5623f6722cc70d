"""The AWS CLI commands of docs/rollback.md, for a day when nothing else works: pasted, with the ids that they print."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.account import Account

from .test_command_line import command

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rollback.md").read_text(encoding="utf-8")
AWS = ROOT / ".venv-awscli" / "bin"


def commands() -> list[str]:
    blocks = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").strip().splitlines()]


def here(line: str, deployment_id: str) -> str:
    """The page's application and group have other names than the seed's."""
    line = line.replace("--application-name checkout ", "--application-name checkout-app ")
    line = line.replace("--deployment-group-name live", "--deployment-group-name checkout-live")
    return line.replace("d-XXXXXXXXX", deployment_id).replace("--function-version 41", "--function-version 1")


def test_the_page_stops_what_runs_and_moves_the_alias() -> None:
    lines = commands()
    operations = [re.findall(r"aws (\w+ [\w-]+)", line)[0] for line in lines]
    assert operations == [
        "deploy list-deployments",
        "deploy stop-deployment",
        "deploy get-deployment-group",
        "deploy get-deployment-target",
        "lambda update-alias",
    ]


@pytest.mark.full
def test_each_command_does_what_the_page_says(account: Account, tmp_path: Path) -> None:
    assert (AWS / "aws").exists(), "no AWS CLI: run `make test-full`, which installs it into .venv-awscli"
    env = {"PATH": f"{AWS}:{os.environ['PATH']}", "HOME": str(tmp_path), "AWS_PAGER": "", **account.emulator.env}

    def paste(line: str, deployment_id: str = "") -> str:
        done = subprocess.run(
            ["bash", "-c", here(line, deployment_id)], env=env, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    listing, stop, last, target, move = commands()
    names = ["--function", "checkout", "--application", "checkout-app", "--deployment-group", "checkout-live"]
    where = [*names, "--code", "$LATEST", "--wait", "false"]
    started = command(account, tmp_path, "deploy", *where, "--deployment-config", "linear 10% every 10m")
    assert started.returncode == 0, started.stdout
    running = paste(listing)
    assert running.startswith("d-")
    assert "Succeeded" in paste(stop, running)
    deployed = command(account, tmp_path, "deploy", *names, "--code", "$LATEST", "--deployment-config", "all-at-once")
    assert deployed.returncode == 0, deployed.stdout
    newest = paste(last)
    assert paste(target, newest).split() == ["1", "2"]
    paste(move)
    assert account.serves() == {"1": 100.0}
