"""The command line: the same program, by hand."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from ci_deploy import command_line
from ci_deploy.commands import COMMANDS
from ci_deploy.core.given.inputs import table
from ci_deploy.core.run import Command
from tests.support import program
from tests.support.account import Account
from tests.support.golden import Told

COMMON = ["--function", "checkout", "--application", "checkout-app", "--deployment-group", "checkout-live"]


def command(account: Account, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), **account.emulator.env}
    return program.run(arguments, env=env, cwd=folder)


def test_deploy_by_flags(account: Account, tmp_path: Path) -> None:
    done = command(
        account,
        tmp_path,
        "deploy",
        *COMMON,
        "--code",
        "$LATEST",
        "--deployment-config",
        "CodeDeployDefault.LambdaAllAtOnce",
    )
    assert done.returncode == 0, done.stdout
    assert account.serves() == {"2": 100.0}
    assert not any(line.startswith("::") for line in done.stdout.splitlines()), "those are for the runner"
    assert "\x1b[" not in done.stdout, "no colours into a pipe"


def test_json_has_stdout_for_itself(account: Account, tmp_path: Path) -> None:
    """`ci-deploy status --json | jq` works: the log goes to stderr then."""
    done = command(account, tmp_path, "status", *COMMON, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["status"]["checkout:live"]["version"] == "1"
    assert "Serves" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["depoy"],
        ["deploy", "--functon", "checkout"],
        ["deploy", "--reason=x"],
        ["plan", "--zzz", "--yyy", "1"],
        ["plan", "stray"],
        ["--function", "checkout"],
    ],
    ids=" ".join,
)
def test_a_word_that_is_not_known_is_named_with_what_was_meant(
    arguments: list[str], capsys: pytest.CaptureFixture[str], told: Told
) -> None:
    with pytest.raises(SystemExit) as end:
        command_line.parse(arguments, command_line.offered(Command))
    assert end.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == told


def test_a_bad_value_is_named_as_the_flag_that_it_came_by(account: Account, tmp_path: Path) -> None:
    done = command(account, tmp_path, "deploy", *COMMON, "--code", "$LATEST", "--timeout", "5")
    assert done.returncode == 2
    assert "`--timeout`: `5` " in done.stdout
    assert account.operations() == []


def test_a_switch_needs_no_value(account: Account, tmp_path: Path) -> None:
    done = command(account, tmp_path, "plan", *COMMON, "--code", "$LATEST", "--force")
    assert done.returncode == 0, done.stdout
    assert re.search(r"^ *force +true$", done.stdout, re.MULTILINE)


def test_without_region_or_credentials_it_says_what_to_do(account: Account, tmp_path: Path) -> None:
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    env = {name: value for name, value in account.emulator.env.items() if "REGION" not in name}
    done = program.run(["status", *COMMON], env={**bare, **env}, cwd=tmp_path)
    assert done.returncode == 2
    assert "Flag `--aws-region` is missing" in done.stdout
    blank = {"AWS_ENDPOINT_URL": env["AWS_ENDPOINT_URL"], "AWS_REGION": "us-east-1"}
    done = program.run(["status", *COMMON], env={**bare, **blank}, cwd=tmp_path)
    assert done.returncode == 4
    assert "configure-aws-credentials" in done.stdout and "aws sso login" in done.stdout


def test_without_a_command_the_help_is_what_was_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        command_line.parse([], command_line.offered(Command))
    assert end.value.code == 0
    assert "  rollback  go back to the previous version" in capsys.readouterr().out


@pytest.mark.parametrize("each", command_line.offered(COMMANDS))
def test_the_help_has_choices_defaults_and_examples_that_are_understood(
    each: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    offered = command_line.offered(COMMANDS)
    with pytest.raises(SystemExit) as end:
        command_line.parse([each.value, "--help"], offered)
    text = capsys.readouterr().out
    assert end.value.code == 0
    assert text.index("Common flags:") < text.index("--alias ALIAS")
    for spec in table():
        if each in spec.commands and spec.name != "command":
            assert all(choice in text for choice in spec.kind.choices), spec.name
    assert not re.search(r"^  --[a-z-]+ [A-Z]+ [A-Z]", text, re.MULTILINE), "a metavar is one word"
    examples = text.partition("examples:\n")[2].splitlines()
    assert examples
    for line in examples:
        program, *arguments = shlex.split(line)
        assert (program, command_line.parse(arguments, offered).given["command"]) == ("ci-deploy", each.value)
