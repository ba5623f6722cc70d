"""What `init` writes, run: each workflow against the emulator, under the roles that its printed command makes."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from codedeploy_emulator import Emulator
from tests.project.account.cloudformation import Stack
from tests.support import program
from tests.support.account import Account
from tests.support.action import REPOSITORY
from tests.support.workflow import Event, Job, Workflow, held_to_their_roles
from tests.workflows.conftest import NEW
from tests.workflows.test_workflows import PULL, log, outcomes

HOSTILE = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"}
PLACE = ["--aws-region", "eu-central-1", "--account-id", "123456789012"]
BUCKET = "ci-deploy-{}-123456789012-eu-central-1"


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    return clone(folder)


def clone(folder: Path) -> Path:
    """Of an empty repository, with code in it."""
    for name in ("src", "lib"):
        (folder / name).mkdir()
        (folder / name / "app.py").write_text(NEW)
    commands = (
        ["init", "--quiet", "--initial-branch=main"],
        ["remote", "add", "origin", f"git@github.com:{REPOSITORY}"],
    )
    for command in commands:
        subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)
    return folder


def init(emulator: Emulator, folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """The command as a person starts it, without credentials of AWS."""
    env = {name: value for name, value in emulator.env.items() if name not in HOSTILE}
    return program.run(
        ["init", *flags], env={"PATH": os.environ["PATH"], "HOME": str(folder.parent), **env}, cwd=folder
    )


def parameters(printed: str) -> dict[str, str]:
    """Those of the printed command; in an account without a provider."""
    command = next(each for each in printed.split("\n\n") if each.startswith("aws cloudformation deploy"))
    words = shlex.split(re.sub(r'"\$\(.*?\)"(?= \\)', "", command).replace("\\\n", " "))
    return dict(word.split("=", 1) for word in words[words.index("--parameter-overrides") + 1 :])


def play(emulator: Emulator, folder: Path, name: str, event: Event, stacks: dict[str, Stack], run_id: int) -> list[Job]:
    place = folder.parent / f"{name}-{run_id}"
    place.mkdir()
    jobs = Workflow(folder / ".github" / "workflows" / name, emulator, place).run(event, run_id)
    held_to_their_roles(name, jobs, stacks)
    return jobs


@pytest.mark.parametrize(
    "flags",
    [[], ["--environment", "production"], ["--application", "shop", "--deployment-group", "checkout"]],
    ids=["defaults", "environment", "names of one's own"],
)
def test_deploy_plan_and_rollback_are_green(
    emulator: Emulator, account: Account, empty: Path, flags: list[str]
) -> None:
    done = init(emulator, empty, "--function", "checkout", "--code", "src", *PLACE, *flags)
    assert done.returncode == 0, done.stderr
    given = parameters(done.stdout)
    assert given["BucketName"] == BUCKET.format("checkout")
    account.s3.create_bucket(
        Bucket=given["BucketName"], CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    stacks = {"checkout": Stack(given)}
    if application := given.get("Application"):
        there = account.codedeploy.get_deployment_group(applicationName="checkout", deploymentGroupName="live")
        account.codedeploy.create_application(applicationName=application, computePlatform="Lambda")
        account.codedeploy.create_deployment_group(
            applicationName=application,
            deploymentGroupName=given["DeploymentGroup"],
            serviceRoleArn=there["deploymentGroupInfo"]["serviceRoleArn"],
            deploymentConfigName=there["deploymentGroupInfo"]["deploymentConfigName"],
            deploymentStyle=there["deploymentGroupInfo"]["deploymentStyle"],
        )
    prepared = account.writes()

    pull = Event(name="pull_request", folder=empty, ref="refs/pull/7/merge", payload=PULL)
    planned = play(emulator, empty, "plan.yml", pull, stacks, 100)
    assert outcomes(planned) == ["planned"], log(planned)
    assert account.writes() == prepared
    pushed = play(emulator, empty, "deploy.yml", Event(name="push", folder=empty), stacks, 101)
    assert outcomes(pushed) == ["succeeded"], log(pushed)
    assert account.serves() == {"2": 100}
    assert pushed[0].steps[0]["appspec-location"].startswith(f"s3://{given['BucketName']}/")
    inputs = {"version": "", "reason": "prices are wrong", "hold": False}
    button = Event(name="workflow_dispatch", folder=empty, inputs=inputs)
    back = play(emulator, empty, "rollback.yml", button, stacks, 102)
    assert outcomes(back) == ["succeeded"], log(back)
    assert account.serves() == {"1": 100}


def test_the_first_deployment_makes_the_alias(emulator: Emulator, account: Account, empty: Path) -> None:
    account.lambda_.delete_alias(FunctionName="checkout", Name="live")
    done = init(emulator, empty, "--function", "checkout", "--code", "src", *PLACE)
    given = parameters(done.stdout)
    account.s3.create_bucket(
        Bucket=given["BucketName"], CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    stacks = {"checkout": Stack(given)}
    first = play(emulator, empty, "deploy.yml", Event(name="push", folder=empty), stacks, 100)
    assert outcomes(first) == ["succeeded"], log(first)
    assert account.serves() == {"2": 100}


def test_several_functions_deploy_and_roll_back_together(emulator: Emulator, account: Account, empty: Path) -> None:
    done = init(
        emulator, empty, "--function", "cart", "--code", "src", "--function", "checkout", "--code", "lib", *PLACE
    )
    assert done.returncode == 0, done.stderr
    given = parameters(done.stdout)
    account.s3.create_bucket(
        Bucket=given["BucketName"], CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    stacks = {"checkout": Stack(given)}  # the repository is your-org/checkout
    pushed = play(emulator, empty, "deploy.yml", Event(name="push", folder=empty), stacks, 100)
    assert outcomes(pushed) == ["succeeded"], log(pushed)
    assert account.serves("cart") == account.serves("checkout") == {"2": 100}
    button = Event(name="workflow_dispatch", folder=empty, inputs={"only": "cart", "reason": "a test", "hold": False})
    back = play(emulator, empty, "rollback.yml", button, stacks, 101)
    assert outcomes(back) == ["succeeded"], log(back)
    assert (account.serves("cart"), account.serves("checkout")) == ({"1": 100}, {"2": 100})


def test_a_second_run_writes_what_is_missing_and_changes_nothing(emulator: Emulator, empty: Path) -> None:
    flags = ["--function", "checkout", "--code", "src", *PLACE, "--name", "shop"]
    first = init(emulator, empty, *flags)
    workflows = empty / ".github" / "workflows"
    kept = {path: path.read_text() for path in empty.rglob("*.yml")}
    (workflows / "rollback.yml").unlink()
    (workflows / "plan.yml").write_text("# mine\n" + kept[workflows / "plan.yml"])
    again = init(emulator, empty)
    assert again.returncode == 0, again.stderr
    assert (workflows / "rollback.yml").read_text() == kept[workflows / "rollback.yml"]
    assert (workflows / "plan.yml").read_text().startswith("# mine\n")
    said = {line.split()[1]: line.split()[0] for line in again.stdout.split("\n\n")[0].splitlines()}
    assert said == {
        ".github/workflows/rollback.yml": "wrote", "ci-deploy.yml": "kept", ".github/workflows/deploy.yml": "kept",
        ".github/workflows/plan.yml": "kept", ".github/ci-deploy-roles.yml": "kept",
    }  # fmt: skip
    assert parameters(again.stdout) == parameters(first.stdout)


def test_in_a_folder_of_a_monorepo_paths_and_commands_are_for_the_root(emulator: Emulator, empty: Path) -> None:
    done = init(emulator, empty / "lib", "--function", "checkout", "--code", ".", *PLACE)
    assert done.returncode == 0, done.stderr
    assert (empty / "ci-deploy.yml").read_text().endswith("functions:\n  checkout:\n    code: lib\n")
    assert done.stdout.index("\ncd ..\n") < done.stdout.index("aws cloudformation deploy")


def test_without_a_terminal_everything_that_is_missing_is_told(emulator: Emulator, empty: Path) -> None:
    done = init(emulator, empty)
    assert done.returncode == 2
    assert [line.split(" is ")[0] for line in done.stderr.splitlines()] == [
        f"flag `--{name}`" for name in ("function", "code", "aws-region", "account-id")
    ]
    assert not (empty / ".github").exists()


def test_the_form_with_ids_is_there_where_github_tells_them(emulator: Emulator, empty: Path) -> None:
    done = init(emulator, empty, "--function", "checkout", "--code", "src", *PLACE)
    classic, ids = parameters(done.stdout)["DeploySubjects"].split(",")
    assert classic == f"repo:{REPOSITORY}:ref:refs/heads/main"
    assert re.fullmatch(r"repo:your-org@\d+/checkout@\d+:ref:refs/heads/main", ids)


BIN = Path(sys.executable).parent
# actionlint is a program of Go's: `make check` installs it where there is Go.
CHECKERS = ("check-jsonschema", "zizmor", *(["actionlint"] if (BIN / "actionlint").exists() else []))


@pytest.fixture(scope="module")
def written(_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What is written for one function, and for two in an environment."""
    found = []
    for flags in ([], ["--environment", "production", "--function", "cart", "--code", "lib"]):
        folder = clone(tmp_path_factory.mktemp("clone"))
        init(_emulator, folder, "--function", "checkout", "--code", "src", *PLACE, *flags)
        found.append(folder)
    return found


@pytest.mark.parametrize("checker", CHECKERS)
def test_the_files_pass_the_checkers(written: list[Path], checker: str) -> None:
    root = Path(__file__).parents[2]
    workflows = [str(path) for each in written for path in sorted((each / ".github" / "workflows").glob("*.yml"))]
    assert len(workflows) == 6
    manifests = [str(each / "ci-deploy.yml") for each in written]
    commands = {
        "check-jsonschema": [
            ["--builtin-schema", "vendor.github-workflows", *workflows],
            ["--schemafile", str(root / "docs" / "ci-deploy.schema.json"), *manifests],
        ],
        "zizmor": [["--offline", "--no-progress", "--config", str(root / ".github" / "zizmor.yml"), *workflows]],
        "actionlint": [workflows],
    }
    for command in commands[checker]:
        done = subprocess.run([BIN / checker, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
