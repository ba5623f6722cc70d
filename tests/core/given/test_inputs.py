"""The table of inputs: what is read, what is wrong with what was given, and what depends on the command."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_deploy.core.aws import RollbackEvent
from ci_deploy.core.errors import InvalidInput
from ci_deploy.core.given.inputs import Inputs, given_text, parse, shorten, table, unused
from ci_deploy.core.run import Command

GOOD = {"function": "checkout", "application": "shop", "deployment-group": "checkout-live"}
BACK = {**GOOD, "command": "rollback", "reason": "prices are wrong"}
DEPLOYED = Inputs(
    function="checkout",
    application="shop",
    deployment_group="checkout-live",
    on_timeout="rollback",
    on_cancel="rollback",
)
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a:1"
COMMANDS = "`deploy`, `rollback`, `stop`, `status`, `plan`, `setup`, `prune`, `validate`"
NAMES = "Every deployment belongs to an application and a deployment group."
NO_FUNCTION = "input `function`: is missing. Give the function's name, or `functions` with a manifest."


def problems(given: dict[str, str], where: str = "input `{}`") -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        parse(given, where=where)
    return [str(problem) for problem in caught.value.problems]


def without(given: dict[str, str], *names: str) -> dict[str, str]:
    return {name: text for name, text in given.items() if name not in names}


# What is read


def test_three_names_are_enough_and_everything_else_has_its_default() -> None:
    assert parse(GOOD) == DEPLOYED
    assert (DEPLOYED.command, DEPLOYED.alias, DEPLOYED.prefix) == ("deploy", "live", "CodeDeploy")
    assert (DEPLOYED.wait, DEPLOYED.on_conflict, DEPLOYED.auto_rollback) == (True, "wait", "default")


def test_what_is_empty_counts_as_not_given_and_space_around_a_value_as_nothing() -> None:
    assert parse({"alias": "", **GOOD, "bucket": " \n", "timeout": "\t"}) == DEPLOYED
    assert parse({**GOOD, "alias": " beta\n"}) == replace(DEPLOYED, alias="beta")


def test_a_function_that_is_given_as_an_arn_is_known_by_its_name() -> None:
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:checkout"
    there = {"aws_region": "eu-central-1", "account_id": "123456789012"}
    assert parse({**GOOD, "function": arn}) == replace(DEPLOYED, **there)
    said = {name.replace("_", "-"): value for name, value in there.items()}
    assert parse({**GOOD, **said, "function": arn}) == replace(DEPLOYED, **there)


def test_an_arn_is_not_taken_for_the_function_of_that_name_somewhere_else() -> None:
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:checkout"
    elsewhere = {"aws-region": "eu-west-1", "account-id": "210987654321"}
    with pytest.raises(InvalidInput) as caught:
        parse({**GOOD, **elsewhere, "function": arn})
    remedy = "Correct one of them, or give the function's name alone."
    assert [str(problem) for problem in caught.value.problems] == [
        f"input `function`: says `eu-central-1` in its ARN, and `aws-region` says `eu-west-1`. {remedy}",
        f"input `function`: says `123456789012` in its ARN, and `account-id` says `210987654321`. {remedy}",
    ]


def test_every_input_is_read_into_its_own_field() -> None:
    given = {"deployment-config": "Slow", "max-parallel": "3", "alarms": "a, b", "auto-rollback": "alarm"}
    assert parse({**GOOD, **given}) == replace(
        DEPLOYED,
        deployment_config="Slow",
        max_parallel=3,
        alarms=("a", "b"),
        auto_rollback=(RollbackEvent.ALARM,),
    )


def test_the_row_of_an_input_is_what_generators_read() -> None:
    rows = {spec.name: spec for spec in table()}
    assert [name for name, row in rows.items() if row.secret] == ["github-token"]
    config = rows["deployment-config"]
    assert config.field_name == "deployment_config"
    assert config.commands == (
        Command.DEPLOY, Command.PLAN, Command.VALIDATE, Command.ROLLBACK, Command.SETUP,
    )  # fmt: skip
    assert (config.default, config.group, rows["alias"].default) == ("", "Where", "live")
    assert all(Command.FINISH not in row.commands for row in rows.values())


# What depends on the command


def test_a_manual_rollback_is_not_undone_by_losing_patience_or_the_job_and_shifts_all_at_once() -> None:
    assert parse(BACK) == replace(
        DEPLOYED,
        command="rollback",
        reason="prices are wrong",
        on_timeout="leave",
        on_cancel="leave",
        auto_rollback=(),
        deployment_config="CodeDeployDefault.LambdaAllAtOnce",
    )


def test_a_manual_rollback_does_what_it_is_told() -> None:
    told = {
        "on-timeout": "stop",
        "on-cancel": "rollback",
        "auto-rollback": "default",
        "deployment-config": "Slow",
    }
    assert parse({**BACK, **told}) == replace(
        DEPLOYED,
        command="rollback",
        reason="prices are wrong",
        on_timeout="stop",
        auto_rollback="default",
        deployment_config="Slow",
    )


@pytest.mark.parametrize(("given", "waits"), [({}, False), ({"wait": "true"}, True), ({"wait": "false"}, False)])
def test_status_only_looks_whatever_it_shares_its_inputs_with(given: dict[str, str], waits: bool) -> None:
    shared = {"on-timeout": "rollback", "on-cancel": "stop", "hook-timeout": "5m", "restore-alias": "auto"}
    assert parse({**GOOD, **shared, **given, "command": "status"}) == replace(
        DEPLOYED, command="status", on_timeout="leave", on_cancel="leave", restore_alias="never", wait=waits
    )


@pytest.mark.parametrize("command", ["deploy", "stop", "plan", "setup", "prune", "validate"])
def test_every_other_command_waits_and_rolls_back(command: str) -> None:
    assert parse({**GOOD, "command": command}) == replace(DEPLOYED, command=command)


@pytest.mark.parametrize(
    "given",
    [
        {"command": "setup", "application": "shop", "deployment-group": "checkout-live"},
        {**GOOD, "command": "setup", "custom-config": "canary 10% 5m"},
        {"command": "prune", "function": "checkout"},
        {"command": "validate", "function": "checkout"},
        {"command": "validate", "appspec": "appspec.yaml"},
        {"functions": "functions.yml"},
        {"command": "status", "functions": "functions.yml"},
        without(GOOD, "function") | {"appspec": "appspec.yaml"},
        without(BACK, "reason") | {"release-hold": "true"},
        {**BACK, "to-version": "3", "release-hold": "true"},
        {**BACK, "deployment-id": "d-ABCDEFGHI", "hold": "true"},
        {**GOOD, "command": "stop", "deployment-id": "d-ABCDEFGHI"},
        {**GOOD, "command": "plan", "package": "dist"},
        {**GOOD, "current-version": "1", "target-version": "2"},
        {**GOOD, "github-deployment": "true", "environment": "production", "github-token": "x"},
        {**GOOD, "environment": "production", "environment-url": "https://shop.example"},
        {**GOOD, "before-allow-traffic": "a", "after-allow-traffic": "b"},
        {**GOOD, "ignore-alarms": "false", "alarms": "slow"},
        {**GOOD, "ignore-alarms": "true"},
        {**GOOD, "to-version": " ", "hold": ""},
    ],
)
def test_what_is_enough_for_a_command_is_accepted(given: dict[str, str]) -> None:
    assert parse(given).command == given.get("command", "deploy")


# What is wrong

WRONG: list[tuple[dict[str, str], list[str]]] = [
    (without(GOOD, "function"), [NO_FUNCTION]),
    ({"function": "checkout"},
     [f"input `application`: is missing. {NAMES}", f"input `deployment-group`: is missing. {NAMES}"]),
    ({"command": "validate"}, [NO_FUNCTION]),
    ({"command": "prune"}, [NO_FUNCTION]),
    ({"command": "setup", "application": "shop"}, [f"input `deployment-group`: is missing. {NAMES}"]),
    ({"command": "setup", "functions": "f.yml"},
     ["input `functions`: is not for the command `setup`. Run it for one function at a time."]),
    ({"command": "prune", "functions": "f.yml"},
     ["input `functions`: is not for the command `prune`. Run it for one function at a time."]),
    ({"function": "checkout", "functions": "f.yml"},
     ["input `functions`: cannot be given together with `function`. "
      "Name the function in the manifest, or leave the manifest out."]),
    ({**GOOD, "command": "setup", "custom-config": "canary 10% 5m", "deployment-config": "Slow"},
     ["input `custom-config`: cannot be given together with `deployment-config`. Make a config, or name one."]),
    ({**GOOD, "target-version": "2", "package": "dist"},
     ["input `package`: cannot be given together with `target-version`. Give one source of code."]),
    ({**GOOD, "package": "dist", "package-s3": "s3://bucket/key", "image-uri": ECR},
     ["input `package-s3`: cannot be given together with `package`. Give one source of code.",
      "input `image-uri`: cannot be given together with `package`. Give one source of code."]),
    ({**GOOD, "ignore-alarms": "true", "alarms": "slow"},
     ["input `ignore-alarms`: cannot be given together with `alarms`. Name the alarms to heed, or ignore all."]),
    (without(BACK, "reason"),
     ["input `reason`: is missing. A rollback is written into the history: say why in a few words."]),
    (without(BACK, "reason") | {"to-version": "3", "release-hold": "true"},
     ["input `reason`: is missing. A rollback is written into the history: say why in a few words."]),
    ({**BACK, "to-version": "1", "deployment-id": "d-ABCDEFGHI"},
     ["input `to-version`: cannot be given together with `deployment-id`. "
      "Give the version, or the deployment that deployed it."]),
    ({**BACK, "hold": "true", "release-hold": "true"},
     ["input `hold`: cannot be given together with `release-hold`. Set the hold, or release it."]),
    ({**GOOD, "github-deployment": "true"},
     ["input `environment`: is missing. A GitHub deployment needs an environment's name.",
      "input `github-token`: is missing. `github-deployment` needs it, and `deployments: write`."]),
    ({**GOOD, "to-version": "1", "hold": "true"},
     ["input `to-version`: is not used by the command `deploy`. It belongs to `rollback`.",
      "input `hold`: is not used by the command `deploy`. It belongs to `rollback`."]),
    ({**GOOD, "deployment-id": "d-ABCDEFGHI"},
     ["input `deployment-id`: is not used by the command `deploy`. It belongs to `rollback`, `stop`, `status`."]),
    ({**BACK, "target-version": "1"},
     ["input `target-version`: is not used by the command `rollback`. It belongs to `deploy`, `plan`, `validate`."]),
    ({**GOOD, "functon": "checkout"}, ["input `functon`: is not known. Did you mean `function`?"]),
    ({**GOOD, "deployment_group": "x"}, ["input `deployment_group`: is not known. Did you mean `deployment-group`?"]),
    ({**GOOD, "dry-run": "true"}, ["input `dry-run`: is not known. README.md lists all inputs."]),
    ({**GOOD, "command": "deplyo"},
     [f"input `command`: `deplyo` is not known (did you mean `deploy`?). Expected one of {COMMANDS}."]),
    ({**GOOD, "command": "finish"}, [f"input `command`: `finish` is not known. Expected one of {COMMANDS}."]),
    ({**GOOD, "timeout": "10"},
     ["input `timeout`: `10` is not a duration: it has no unit. Expected a duration such as `90s`, `10m` or `2h`."]),
    ({**GOOD, "wait": "yes"}, ["input `wait`: `yes` is not a boolean. Expected `true` or `false`."]),
    ({**GOOD, "max-parallel": "0"},
     ["input `max-parallel`: `0` is too low. Expected a whole number from 1 to 1000."]),
    ({**GOOD, "command": "plan", "shard-size": "1001"},
     ["input `shard-size`: `1001` is too high. Expected a whole number from 1 to 1000."]),
    ({**GOOD, "command": "prune", "keep": "10001"},
     ["input `keep`: `10001` is too high. Expected a whole number from 1 to 10000."]),
    ({**GOOD, "rollback-workflow": "../rollback.yml"},
     ["input `rollback-workflow`: `../rollback.yml` is not a workflow's file name such as `rollback.yml`. "
      "Expected a workflow's file name."]),
]  # fmt: skip


@pytest.mark.parametrize(("given", "told"), WRONG, ids=lambda part: str(part)[:70] if isinstance(part, dict) else "")
def test_what_is_wrong_is_told_with_its_input_the_reason_and_the_remedy(given: dict[str, str], told: list[str]) -> None:
    assert problems(given) == told


def test_everything_that_is_wrong_is_told_at_once() -> None:
    given = {"functon": "x", "alias": "7", "timeout": "soon", "wait": "1", "package": "dist",
             "target-version": "7", "application": "shop"}  # fmt: skip
    assert [told.split(": ")[0] for told in problems(given)] == [
        "input `functon`",
        "input `alias`",
        "input `timeout`",
        "input `wait`",
        "input `function`",
        "input `deployment-group`",
        "input `package`",
    ]


def test_an_input_is_named_as_the_user_wrote_it() -> None:
    assert problems({**GOOD, "wait": "1", "hold": "true", "dry-run": "1"}, where="flag `--{}`") == [
        "flag `--wait`: `1` is not a boolean. Expected `true` or `false`.",
        "flag `--dry-run`: is not known. README.md lists all inputs.",
        "flag `--hold`: is not used by the command `deploy`. It belongs to `rollback`.",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("function", "check out"),
        ("functions", "a\x00b"),
        ("appspec", "s3://nothing"),
        ("application", "a/b"),
        ("deployment-group", "a/b"),
        ("reason", "two\nlines"),
        ("environment", "two\nlines"),
        ("github-token", "two\nlines"),
    ],
)
def test_what_is_malformed_is_not_called_missing_too(name: str, text: str) -> None:
    """Whoever wrote a name wrongly has given it."""
    other = {"functions": "function", "appspec": "function"}.get(name, name)
    given = without(BACK, other) | {"github-deployment": "true", "environment": "production", "github-token": "t"}
    told = problems(given | {name: text})
    assert len(told) == 1
    assert told[0].startswith(f"input `{name}`: ")


def test_a_command_that_nobody_knows_says_nothing_about_the_other_inputs() -> None:
    """`deploy` was not meant, so what it needs and what it has no use for is not told."""
    given = {"command": "rolback", "to-version": "3", "hold": "true", "release-hold": "true"}
    assert problems(given) == [
        f"input `command`: `rolback` is not known (did you mean `rollback`?). Expected one of {COMMANDS}.",
        "input `hold`: cannot be given together with `release-hold`. Set the hold, or release it.",
    ]


def test_a_secret_is_not_repeated() -> None:
    assert problems({**GOOD, "github-token": "hush\nhush"}) == [
        "input `github-token`: has a line break, a blank or a character in it that is not ASCII."
        " Expected a token: letters, digits and marks, without blanks."
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
        ("a\tb\x1b[0m", "a�b�[0m"),
        ("für €", "für €"),
    ],
)
def test_a_value_is_shown_in_one_line_that_can_be_seen(text: str, shown: str) -> None:
    assert shorten(text) == shown
    assert problems({**GOOD, "comment": text})[0].startswith(f"input `comment`: `{shown}` is not known")


# What was given


def test_inputs_that_a_command_does_not_use_are_known_for_a_note() -> None:
    given = {**GOOD, "keep": "3", "bucket": "b", "triggers": " ", "nonsense": "x"}
    assert unused(given, Command.DEPLOY) == ("keep",)
    assert unused(given, Command.PRUNE) == ("bucket",)


def test_reports_show_what_was_given_without_secrets_and_empty_ones() -> None:
    given = {**GOOD, "github-token": "hush", "alias": "", "reason": " why ", "nonsense": "x"}
    assert given_text(given) == {**GOOD, "reason": "why", "nonsense": "x"}
