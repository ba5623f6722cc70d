"""The commands of docs/getting-started.md, hooks.md and alarms.md, pasted into a terminal in an empty folder.

What follows is what the pages promise: a deployment with hook and alarm. The emulator has no CloudFormation, so here
`setup` makes what the template makes (which cfn-lint reads, and a test compares with docs/iam).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import demo

ROOT = Path(__file__).resolve().parents[2]
AWSCLI = ROOT / ".venv-awscli" / "bin"
GROUP = ["--function", "checkout", "--application", "checkout", "--deployment-group", "live"]
ZIP = f"""#!{sys.executable}
import pathlib, sys, zipfile
quiet, *junk, target, source = sys.argv[1:]
with zipfile.ZipFile(target, "w") as archive:
    archive.write(source, pathlib.Path(source).name)
"""

pytestmark = pytest.mark.full


def commands(page: str) -> str:
    """The blocks of a page that a reader would paste into a terminal."""
    blocks: list[list[str]] = []
    fence = ""
    for line in (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            fence = "" if fence else line
            blocks.append([])
        elif fence == "```":
            blocks[-1].append(line)
    texts = ["\n".join(block) for block in blocks]
    return "\n".join(text for text in texts if not text.startswith(("git clone", "aws cloudformation")))


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    assert AWSCLI.exists(), "no AWS CLI: run `make test-full`, which installs it into .venv-awscli"
    (tmp_path / "ci-deploy").symlink_to(ROOT)
    (tmp_path / "project").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "zip").write_text(ZIP)  # not on every machine
    (tmp_path / "bin" / "zip").chmod(0o755)
    (tmp_path / "seed.yaml").write_text("{}")
    with demo.emulator(120, tmp_path / "seed.yaml") as url:
        yield {
            "PATH": f"{AWSCLI}:{tmp_path / 'bin'}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "AWS_PAGER": "",
            "AWS_EC2_METADATA_DISABLED": "true",
            **demo.variables(url),
        }


def test_a_reader_who_pastes_every_command_gets_a_deployment(environ: dict[str, str], tmp_path: Path) -> None:
    def run(command: list[str]) -> str:
        done = subprocess.run(command, env=environ, cwd=tmp_path / "project", capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def paste(page: str) -> None:
        run(["bash", "-euc", commands(page).replace("eu-central-1", environ["AWS_REGION"])])

    paste("getting-started.md")
    trust = ["--assume-role-policy-document", "file://../ci-deploy/docs/iam/trust-service-role.json"]
    made = json.loads(run(["aws", "iam", "create-role", "--role-name", "service", *trust]))
    run(["aws", "s3api", "create-bucket", "--bucket", "my-deployments"])
    ours = [sys.executable, "-I", "-m", "ci_deploy"]
    config = ["--deployment-config", "CodeDeployDefault.LambdaCanary10Percent5Minutes"]
    run([*ours, "setup", *GROUP, *config, "--service-role-arn", made["Role"]["Arn"], "--apply"])
    paste("hooks.md")
    paste("alarms.md")

    app = tmp_path / "project" / "src" / "app.py"
    app.write_text(app.read_text().replace("one", "two"))
    hook = ["--before-allow-traffic", "CodeDeployHook_checkout_before"]
    done = run([*ours, "deploy", *GROUP, "--code", "src", *hook, "--bucket", "my-deployments", "--json"])
    result = json.loads(done)
    assert result["outcome"] == "succeeded"
    assert result["live-version"] == "2"
    assert "deploy.yml" in str(sorted((tmp_path / "project" / ".github" / "workflows").iterdir()))
    group = ["--application-name", "checkout", "--deployment-group-name", "live"]
    alarms = "deploymentGroupInfo.alarmConfiguration.alarms[].name"
    assert json.loads(run(["aws", "deploy", "get-deployment-group", *group, "--query", alarms])) == ["checkout-errors"]
