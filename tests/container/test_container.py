"""The built container does the whole job, started as GitHub's runner starts it, in a workspace that means harm."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ci_deploy.commands import COMMANDS
from ci_deploy.core.run import Command
from scripts import demo

from .conftest import POST_ENTRYPOINT, Emulator, Runner

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("container")]

INPUTS = demo.INPUTS
TOUCH = 'import pathlib; pathlib.Path("/github/workspace/was-imported").touch()\n'
HOSTILE = TOUCH + 'raise SystemExit("imported from the workspace")\n'


def make_hostile(folder: Path) -> None:
    """Everything that Python might import instead of ours, if it looked into the workspace, HOME or PYTHONPATH."""
    for name in ("yaml", "boto3", "jsonschema", "requests", "ci_deploy", "sitecustomize", "usercustomize", "json"):
        (folder / "workspace" / f"{name}.py").write_text(HOSTILE)
    for version in ("3.13", "3.14"):
        site = folder / "home" / ".local" / "lib" / f"python{version}" / "site-packages"
        site.mkdir(parents=True)
        (site / "usercustomize.py").write_text(HOSTILE)
        (site / "evil.pth").write_text(TOUCH)


def test_it_deploys_in_a_hostile_workspace(runner: Runner, emulator: Emulator) -> None:
    """Inputs with hyphens arrive, the files are written, the alias serves the target, and nothing foreign is run."""
    make_hostile(runner.folder)
    inputs = {**INPUTS, "github-token": emulator.variables["GITHUB_TOKEN"]}
    hostile = {"PYTHONPATH": "/github/workspace", "PYTHONSTARTUP": "/github/workspace/yaml.py", "PYTHONHOME": "/github"}

    step = runner.start(inputs, **hostile)

    assert step.wait() == 0, step.log
    assert not (runner.workspace / "was-imported").exists()
    assert step.outputs["outcome"] == "succeeded"
    assert step.outputs["deployed"] == "true"
    assert (step.outputs["previous-version"], step.outputs["live-version"]) == ("1", "2")
    assert step.outputs["live-weights"] == ""
    assert json.loads(step.outputs["result"])["functions"][0]["function"] == "checkout"
    assert step.state["finished"] == "true"
    assert step.outputs["deployment-id"] in step.summary
    assert step.outputs["deployment-id"] in emulator.comment()
    alias = emulator.alias()
    assert (alias["FunctionVersion"], alias.get("RoutingConfig", {}).get("AdditionalVersionWeights") or {}) == ("2", {})
    assert f"::add-mask::{emulator.variables['GITHUB_TOKEN']}" in step.log


def test_mistakes_end_with_2_and_ask_nothing_of_aws(runner: Runner, emulator: Emulator) -> None:
    step = runner.start({"function": "checkout", "deployment-grup": "x", "timeout": "soon"})
    assert step.wait() == 2, step.log
    assert step.outputs["outcome"] == "invalid"
    assert "deployment-grup" in step.log
    assert "timeout" in step.log
    assert emulator.calls() == []


def test_a_cancelled_job_rolls_back_before_it_ends(runner: Runner, emulator: Emulator) -> None:
    """As process 1: SIGINT through the client, and StopDeployment with rollback goes out in the grace that there is."""
    step = runner.start(INPUTS)
    step.until_output("deployment-id")
    assert step.cancel() == 130, step.log
    assert "StopDeployment" in emulator.operations()
    assert step.outputs["outcome"] == "cancelled"
    assert step.outputs["deployed"] == "false"


def test_the_post_step_has_nothing_to_do_after_a_good_end(runner: Runner, emulator: Emulator) -> None:
    state = {"STATE_finished": "true", "STATE_deployment-0": '{"function":"checkout","alias":"live"}'}
    step = runner.start(INPUTS, entrypoint=POST_ENTRYPOINT, **state)
    assert step.wait() == 0, step.log
    assert emulator.calls() == []


def test_the_post_step_has_nothing_to_do_without_a_deployment(runner: Runner, emulator: Emulator) -> None:
    """It runs after every failure, also when the main step refused its inputs; it may not even begin."""
    step = runner.start(INPUTS, entrypoint=POST_ENTRYPOINT)
    assert step.wait() == 0, step.log
    assert emulator.calls() == []


@pytest.mark.skipif(Command.FINISH not in COMMANDS, reason="the command `finish` is not there yet")
def test_the_post_step_finishes_what_a_killed_step_left(runner: Runner, emulator: Emulator) -> None:
    """The main step is killed in the middle; the post step, a second container, stops it and sees the rollback."""
    main = runner.start(INPUTS)
    main.until_output("deployment-id")
    state = main.state
    main.kill()
    main.wait()
    before = emulator.operations().count("CreateDeployment")

    post = runner.start(INPUTS, entrypoint=POST_ENTRYPOINT, **{f"STATE_{name}": value for name, value in state.items()})

    post.wait()
    operations = emulator.operations()
    assert "StopDeployment" in operations, post.log
    assert operations.count("CreateDeployment") == before
    alias = emulator.alias()
    assert (alias["FunctionVersion"], alias.get("RoutingConfig", {}).get("AdditionalVersionWeights") or {}) == ("1", {})


def test_the_image_is_what_the_runner_needs(image: str) -> None:
    """Exec-form entry point with an absolute path, root, no working directory, labels."""
    inspected = subprocess.run(["docker", "inspect", image], capture_output=True, text=True, check=True)
    config = json.loads(inspected.stdout)[0]["Config"]
    assert config["Entrypoint"] == ["/opt/ci-deploy/entrypoint"]
    assert config.get("User", "") in ("", "root")
    assert config.get("WorkingDir", "") in ("", "/")
    assert "PATH=/usr/local/bin:/usr/bin:/bin" in config["Env"]
    assert config["Labels"]["org.opencontainers.image.licenses"] == "MIT"
    assert {"title", "description", "source", "version", "revision"} <= {
        name.removeprefix("org.opencontainers.image.") for name in config["Labels"]
    }
