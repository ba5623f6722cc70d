"""The table of inputs: what each row says to action.yml, flags, docs and the repository's file."""

from __future__ import annotations

from dataclasses import fields

from ci_deploy.core.given.inputs import ALL, InFile, Inputs, table
from ci_deploy.core.guards.grammar import DEFAULT
from ci_deploy.core.run import Command

ROWS = {spec.name: spec for spec in table()}
# What decides that something is written, or with whose rights, is said where the run is started: never in a file.
NEVER_IN_A_FILE = {
    "command", "config", "target", "role-to-assume", "github-token", "allow-untrusted-event", "force", "deployment-id",
    "reason", "hold", "rollback", "only", "shard-size", "update-group", "apply",
    "stack", "appear-within", "on-violation",
}  # fmt: skip
OF_THE_RUN = {
    "account-id", "wait", "release-policy", "max-parallel", "aws-region", "comment", "comment-key", "hook-logs",
    "github-deployment", "environment-url", "rollback-workflow",
}  # fmt: skip


def test_the_row_of_an_input_is_what_generators_read() -> None:
    assert [name for name, row in ROWS.items() if row.secret] == ["github-token"]
    config = ROWS["deployment-config"]
    assert config.field_name == "deployment_config"
    assert config.commands == (
        Command.DEPLOY, Command.PLAN, Command.VALIDATE, Command.ROLLBACK, Command.SETUP,
    )  # fmt: skip
    assert (config.default, config.group, ROWS["alias"].default) == ("", "Where", "live")
    assert all(Command.FINISH not in row.commands for row in ROWS.values())


def test_there_is_a_row_for_every_field_and_in_their_order() -> None:
    assert [spec.field_name for spec in table()] == [row.name for row in fields(Inputs)]


def test_a_default_is_written_as_a_user_would_write_it() -> None:
    for spec in table():
        default = getattr(Inputs(), spec.field_name)
        assert default == (spec.kind.parse(spec.default) if spec.default else default), spec.name
        assert bool(spec.default) == (default not in (None, (), DEFAULT)), spec.name


def test_a_row_says_what_it_is_for_and_who_uses_it() -> None:
    for spec in table():
        assert spec.text.endswith("."), spec.name
        assert spec.kind.hint, spec.name
        assert spec.commands, spec.name
        assert set(spec.commands) <= set(ALL), spec.name


def test_the_file_never_says_what_is_done_and_with_whose_rights() -> None:
    assert {name for name, row in ROWS.items() if row.file is InFile.NO} == NEVER_IN_A_FILE
    assert {name for name, row in ROWS.items() if row.file is InFile.RUN} == OF_THE_RUN


def test_a_new_input_is_not_in_the_file_unless_its_row_says_so() -> None:
    """The default is no: whoever adds a row has to think of the file."""
    assert {row.file for row in ROWS.values()} == set(InFile)
    assert all(row.metadata["file"] is InFile.NO for row in fields(Inputs) if row.name in ("command", "apply", "only"))
