"""The commands of docs/getting-started.md, hooks.md and alarms.md, pasted in the clone of an empty repository.

What follows is what the pages promise: each push runs the workflow that `init` wrote, with hook and alarm in the end.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from codedeploy_emulator import Emulator
from tests.support.workflow import Event, Job, Workflow
from tests.workflows.test_workflows import log, outcomes

ROOT = Path(__file__).resolve().parents[3]
AWSCLI = ROOT / ".venv-awscli" / "bin"
REMOTE = "git@github.com:your-org/checkout.git"
# The package comes from the index on a reader's machine; here it is the one under test.
PIP = """#!/bin/sh
[ "$*" = "install ci-deploy[cli]" ]
"""
ZIP = f"""#!{sys.executable}
import pathlib, sys, zipfile
quiet, *junk, target, source = sys.argv[1:]
with zipfile.ZipFile(target, "w") as archive:
    archive.write(source, pathlib.Path(source).name)
"""

pytestmark = pytest.mark.full


def commands(page: str, kind: str = "```") -> list[str]:
    """The blocks of a page that a reader would paste into a terminal."""
    blocks: list[list[str]] = []
    fence = ""
    for line in (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            fence = "" if fence else line
            blocks.append([])
        elif fence == kind:
            blocks[-1].append(line)
    return ["\n".join(block) for block in blocks if block]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(speed=120, seed={"region": "eu-central-1"}) as emulator:
        yield emulator


@pytest.fixture
def environ(emulator: Emulator, tmp_path: Path) -> dict[str, str]:
    """A reader's machine: the AWS CLI with an account, Git with a remote on GitHub."""
    assert AWSCLI.exists(), "no AWS CLI: run `make test-full`, which installs it into .venv-awscli"
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"pip": PIP, "zip": ZIP}.items():  # zip is not on every machine
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (programs / "ci-deploy").symlink_to(Path(sys.executable).parent / "ci-deploy")
    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path / "remote.git"], check=True)
    (tmp_path / ".gitconfig").write_text(
        f'[user]\nname = x\nemail = x@y\n[url "{tmp_path}/remote.git"]\npushInsteadOf = {REMOTE}\n'
    )
    (tmp_path / "ci-deploy").symlink_to(ROOT)
    return {
        "PATH": f"{programs}:{AWSCLI}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "AWS_PAGER": "",
        "AWS_EC2_METADATA_DISABLED": "true",
        **emulator.env,
    }


def test_a_reader_who_pastes_every_command_gets_canaries(
    emulator: Emulator, environ: dict[str, str], tmp_path: Path
) -> None:
    project = tmp_path / "project"
    pasted: list[str] = []

    def paste(block: str) -> str:
        pasted.append(block)
        done = subprocess.run(["bash", "-euc", block], env=environ, cwd=project, capture_output=True, text=True)
        assert done.returncode == 0, block + "\n" + done.stdout + done.stderr
        return done.stdout

    def deployed(run_id: int) -> Job:
        """What GitHub does with a push to main."""
        pushed, place = tmp_path / f"pushed-{run_id}", tmp_path / f"run-{run_id}"
        clone = ["git", "clone", "--quiet", "--branch", "main", f"{tmp_path}/remote.git", str(pushed)]
        subprocess.run(clone, check=True)
        place.mkdir()
        workflow = Workflow(pushed / ".github" / "workflows" / "deploy.yml", emulator, place)
        (job,) = workflow.run(Event(name="push", folder=pushed), run_id)
        assert outcomes([job]) == ["succeeded"], log([job])
        return job

    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", project], check=True)
    subprocess.run(["git", "remote", "add", "origin", REMOTE], cwd=project, check=True)

    install, init, push = commands("getting-started.md")
    paste(install)
    printed = paste(init)
    paste(next(block for block in printed.split("\n\n") if block.startswith("aws cloudformation deploy")))
    paste(push)
    assert sum(len(block.replace("\\\n", "").splitlines()) for block in pasted) == 6, "six commands"
    first = deployed(1)
    assert first.steps[0]["live-version"] == "1"

    app = project / "src" / "index.py"
    app.write_text(app.read_text().replace("one", "two"))
    for page in ("hooks.md", "alarms.md"):
        for block in commands(page):
            paste(block)
    file = project / "ci-deploy.yml"
    file.write_text(file.read_text() + "    before-allow-traffic: CodeDeployHook_checkout_before\n")
    paste("git commit --quiet --all --message two; git push --quiet")
    second = deployed(2)
    assert second.steps[0]["live-version"] == "2"
    assert second.steps[0]["deployment-id"]
    assert "BeforeAllowTraffic" in second.log

    group = "--application-name checkout --deployment-group-name live"
    alarms = "deploymentGroupInfo.alarmConfiguration.alarms[].name"
    assert json.loads(paste(f"aws deploy get-deployment-group {group} --query '{alarms}'")) == ["checkout-errors"]


def test_without_an_account_the_emulator_stands_in(tmp_path: Path) -> None:
    served, pointed = commands("getting-started.md", "```console")
    install, serve = served.splitlines()
    assert install == "pip install 'ci-deploy[cli,emulator]'"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environ = {"PATH": f"{Path(sys.executable).parent}:{AWSCLI}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    command = [*shlex.split(serve), "--port", port]
    with subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as emulator:
        try:
            assert emulator.stdout is not None
            assert port in emulator.stdout.readline()
            ask = "aws sts get-caller-identity --query Account --output text"
            command = ["bash", "-euc", f"{pointed.replace('4599', port)}\n{ask}"]
            done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True)
            assert done.stdout.strip() == "123456789012", done.stderr
        finally:
            emulator.terminate()
