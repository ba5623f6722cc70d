"""What was given as text: what is read, what is wrong with it, and what depends on the command."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_deploy.core.aws import RollbackEvent
from ci_deploy.core.errors import InvalidInput
from ci_deploy.core.given.inputs import Inputs
from ci_deploy.core.given.meant import shorten
from ci_deploy.core.given.parsing import given_text, of_arn, parse, placed, unused
from ci_deploy.core.given.source import Image, Latest, Local, s3_location
from ci_deploy.core.run import Command
from tests.support.golden import Told, shown

NAMED = {"function": "checkout", "application": "shop", "deployment-group": "checkout-live"}
GOOD = {**NAMED, "code": "$LATEST"}
BACK = {**NAMED, "command": "rollback", "reason": "prices are wrong"}
DEPLOYED = Inputs(
    function="checkout",
    application="shop",
    deployment_group="checkout-live",
    code=Latest(),
    on_timeout="rollback",
    on_cancel="rollback",
)
BACKED = replace(DEPLOYED, command="rollback", reason="prices are wrong", code=None)
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:checkout"
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a:1"


def problems(given: dict[str, str], where: str = "input `{}`") -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        parse(given, where=where)
    return [str(problem) for problem in caught.value.problems]


def without(given: dict[str, str], *names: str) -> dict[str, str]:
    return {name: text for name, text in given.items() if name not in names}


# What is read


def test_a_name_and_code_are_enough_and_everything_else_has_its_default() -> None:
    """The application has the function's name, and the deployment group the alias's."""
    assert parse({"function": "checkout", "code": "$LATEST"}) == replace(
        DEPLOYED, application="checkout", deployment_group="live"
    )
    assert parse(GOOD) == DEPLOYED
    assert (DEPLOYED.command, DEPLOYED.alias, DEPLOYED.repair_alias) == ("deploy", "live", "auto")
    assert (DEPLOYED.wait, DEPLOYED.on_conflict, DEPLOYED.auto_rollback) == (True, "wait", "default")
    assert (DEPLOYED.alarms, DEPLOYED.bucket, DEPLOYED.hold) == (None, None, None)


@pytest.mark.parametrize(
    ("given", "application", "group"),
    [
        ({"function": "checkout"}, "checkout", "live"),
        ({"function": "checkout", "alias": "blue"}, "checkout", "blue"),
        ({"function": ARN}, "checkout", "live"),
        ({"function": "checkout", "application": "shop"}, "shop", "live"),
        ({"function": "checkout", "deployment-group": "g", "alias": "blue"}, "checkout", "g"),
    ],
)
def test_application_and_group_have_the_names_of_function_and_alias_unless_they_are_named(
    given: dict[str, str], application: str, group: str
) -> None:
    found = parse({"code": "dist", **given})
    assert (found.application, found.deployment_group) == (application, group)


def test_without_a_function_nothing_is_made_up() -> None:
    assert placed(Inputs(alias="blue")) == Inputs(alias="blue", deployment_group="blue")
    assert placed(Inputs(application="a", deployment_group="g")) == Inputs(application="a", deployment_group="g")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("dist", Local(path="dist")),
        ("s3://b-1/k?versionId=v", s3_location("s3://b-1/k?versionId=v")),
        (ECR, Image(uri=ECR)),
        ("$LATEST", Latest()),
    ],
)
@pytest.mark.parametrize("command", ["deploy", "plan", "validate"])
def test_code_is_any_of_its_forms(command: str, text: str, code: object) -> None:
    assert parse({**NAMED, "command": command, "code": text}) == replace(DEPLOYED, command=command, code=code)


def test_what_is_empty_counts_as_not_given_and_space_around_a_value_as_nothing() -> None:
    assert parse({"alias": "", **GOOD, "bucket": " \n", "timeout": "\t"}) == DEPLOYED
    assert parse({**GOOD, "alias": " beta\n"}) == replace(DEPLOYED, alias="beta")


def test_a_function_that_is_given_as_an_arn_is_known_by_its_name() -> None:
    there = {"aws_region": "eu-central-1", "account_id": "123456789012"}
    assert parse({**GOOD, "function": ARN}) == replace(DEPLOYED, **there)
    said = {name.replace("_", "-"): value for name, value in there.items()}
    assert parse({**GOOD, **said, "function": ARN}) == replace(DEPLOYED, **there)


@pytest.mark.parametrize("text", [None, "", "checkout", "checkout:live", "a:b:c", "a:b:c:d:e", ARN + ":live"])
def test_only_a_functions_arn_says_where_it_is(text: str | None) -> None:
    assert of_arn(text) == {}


def test_an_arn_is_not_taken_for_the_function_of_that_name_somewhere_else(told: Told) -> None:
    elsewhere = {"aws-region": "eu-west-1", "account-id": "210987654321"}
    assert problems({**GOOD, **elsewhere, "function": ARN}) == told


def test_every_input_is_read_into_its_own_field() -> None:
    given = {"deployment-config": "Slow", "max-parallel": "3", "alarms": "a, b\nc", "auto-rollback": "alarm"}
    assert parse({**GOOD, **given}) == replace(
        DEPLOYED,
        deployment_config="Slow",
        max_parallel=3,
        alarms=("a, b", "c"),
        auto_rollback=(RollbackEvent.ALARM,),
    )


@pytest.mark.parametrize(("text", "alarms"), [("", None), ("off", ()), ("errors\nslow", ("errors", "slow"))])
def test_alarms_are_the_groups_or_none_or_those_that_are_named(text: str, alarms: tuple[str, ...] | None) -> None:
    assert parse({**GOOD, "alarms": text}).alarms == alarms


# What depends on the command


def test_a_manual_rollback_is_not_undone_by_losing_patience_or_the_job_and_shifts_all_at_once() -> None:
    assert parse(BACK) == replace(
        BACKED,
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
        BACKED, on_timeout="stop", auto_rollback="default", deployment_config="Slow"
    )


@pytest.mark.parametrize(("given", "waits"), [({}, False), ({"wait": "true"}, True), ({"wait": "false"}, False)])
def test_status_only_looks_whatever_it_shares_its_inputs_with(given: dict[str, str], waits: bool) -> None:
    shared = {"on-timeout": "rollback", "on-cancel": "stop", "hook-timeout": "5m", "repair-alias": "always"}
    assert parse({**NAMED, **shared, **given, "command": "status"}) == replace(
        DEPLOYED, command="status", code=None, on_timeout="leave", on_cancel="leave", repair_alias="never", wait=waits
    )


@pytest.mark.parametrize("command", ["stop", "setup", "prune", "validate"])
def test_every_other_command_waits_and_rolls_back(command: str) -> None:
    assert parse({**NAMED, "command": command}) == replace(DEPLOYED, command=command, code=None)
    assert parse({**GOOD, "command": "plan"}) == replace(DEPLOYED, command="plan")


@pytest.mark.parametrize(
    "given",
    [
        {"command": "setup", "application": "shop"},
        {"command": "setup", "function": "checkout"},
        {**NAMED, "command": "setup", "deployment-config": "canary 10% 5m"},
        {"command": "prune", "function": "checkout"},
        {"command": "stop", "function": "checkout"},
        {"command": "status", "function": "checkout"},
        {"command": "validate", "function": "checkout"},
        {"command": "validate", "appspec": "appspec.yaml"},
        without(NAMED, "function") | {"appspec": "appspec.yaml"},
        {"appspec": "appspec.yaml"},
        {"command": "plan", "appspec": "appspec.yaml"},
        {**BACK, "hold": "release"},
        {**BACK, "version": "3", "hold": "release"},
        {**BACK, "deployment-id": "d-ABCDEFGHI", "hold": "set"},
        {**NAMED, "command": "stop", "deployment-id": "d-ABCDEFGHI", "hold": "set"},
        {**GOOD, "hold": "release"},
        {**GOOD, "command": "plan", "code": "dist"},
        {**NAMED, "current-version": "1", "version": "2"},
        {**GOOD, "github-deployment": "production", "github-token": "x"},
        {**GOOD, "environment-url": "https://shop.example"},
        {**GOOD, "before-allow-traffic": "a", "after-allow-traffic": "b"},
        {**GOOD, "before-allow-traffic": "a", "after-allow-traffic": "a"},
        {**GOOD, "alarms": "slow"},
        {**GOOD, "alarms": "off"},
        {**GOOD, "version": " ", "hold": ""},
        {**GOOD, "config": "none"},
        {**NAMED, "command": "status", "on-inconclusive": "rollback"},
        {"command": "watch", "stack": "shop"},
        {"command": "watch", "function": "checkout"},
    ],
)
def test_what_is_enough_for_a_command_is_accepted(given: dict[str, str]) -> None:
    assert parse(given).command == given.get("command", "deploy")


def test_where_a_file_says_what_is_deployed_the_run_need_not() -> None:
    assert parse({"config": "functions.yml"}, several=True).config == "functions.yml"
    assert parse({"command": "setup"}, several=True) == replace(
        Inputs(command="setup"), on_timeout="rollback", on_cancel="rollback", deployment_group="live"
    )
    with pytest.raises(InvalidInput, match="reason"):
        parse({"command": "rollback"}, several=True)


# What is wrong

WRONG: list[dict[str, str]] = [
    without(GOOD, "function"),
    {"command": "validate"},
    {"command": "prune"},
    {"command": "watch"},
    {"command": "status", "application": "shop"},
    {"command": "stop", "application": "shop"},
    {"command": "setup"},
    {"command": "setup", "deployment-group": "g"},
    {"command": "prune", "appspec": "a.yaml"},
    # An expression that turned out empty never deploys whatever the function holds.
    NAMED,
    {"function": "checkout"},
    {**NAMED, "code": " ", "version": ""},
    {**NAMED, "appspec": ""},
    {**NAMED, "command": "plan"},
    {},
    {**NAMED, "version": "2", "code": "dist"},
    {**NAMED, "version": "2", "code": "$LATEST"},
    {**NAMED, "version": "2", "code": "s3://bucket/key", "command": "plan"},
    {**NAMED, "version": "2", "code": ECR, "command": "validate"},
    without(BACK, "reason"),
    without(BACK, "reason") | {"version": "3", "hold": "release"},
    {**BACK, "version": "1", "deployment-id": "d-ABCDEFGHI"},
    {**GOOD, "hold": "set"},
    {**GOOD, "alarms": "off\nslow"},
    {**GOOD, "github-deployment": "production"},
    # What is meant for another command would be lost in silence
    {**GOOD, "deployment-id": "d-ABCDEFGHI"},
    {**BACK, "code": "dist"},
    {**NAMED, "command": "stop", "version": "1"},
    {**GOOD, "command": "plan", "hold": "release"},
    # Names that nobody knows
    {**GOOD, "functon": "checkout"},
    {**GOOD, "deployment_group": "x"},
    {**GOOD, "dry-run": "true"},
    {**GOOD, "command": "deplyo"},
    {**GOOD, "command": "finish"},
    # Values
    {**GOOD, "timeout": "10"},
    {**GOOD, "wait": "yes"},
    {**GOOD, "max-parallel": "0"},
    {**GOOD, "command": "plan", "shard-size": "1001"},
    {**NAMED, "command": "prune", "keep": "10001"},
    {**GOOD, "account-id": "12345678901"},
    {**GOOD, "repair-alias": "sometimes"},
    {**GOOD, "hold": "true"},
    {**GOOD, "rollback-workflow": "../rollback.yml"},
]  # fmt: skip


@pytest.mark.parametrize("given", WRONG, ids=shown)
def test_what_is_wrong_is_told_with_its_input_the_reason_and_the_remedy(given: dict[str, str], told: Told) -> None:
    assert problems(given) == told


def test_everything_that_is_wrong_is_told_at_once() -> None:
    given = {"functon": "x", "alias": "7", "timeout": "soon", "wait": "1", "code": "dist",
             "version": "7", "deployment-id": "d-ABCDEFGHI", "github-deployment": "p"}  # fmt: skip
    assert [" ".join(each.split()[:2]).rstrip(":") for each in problems(given)] == [
        "input `functon`",
        "input `alias`",
        "input `timeout`",
        "input `wait`",
        "input `deployment-id`",
        "input `function`",
        "input `version`",
        "input `github-token`",
    ]


def test_an_input_is_named_as_the_user_wrote_it(told: Told) -> None:
    given = {**GOOD, "wait": "1", "deployment-id": "d-ABCDEFGHI", "dry-run": "1"}
    assert problems(given, where="flag `--{}`") == told


@pytest.mark.parametrize(
    ("name", "text", "given"),
    [
        ("function", "check out", without(BACK, "function")),
        ("reason", "two\nlines", without(BACK, "reason")),
        ("application", "a/b", {"command": "setup"}),
        ("function", "a b", {"command": "setup", "application": "shop"}),
        ("code", "s3://nothing", NAMED),
        ("version", "newest", NAMED),
        ("appspec", "s3://nothing", {}),
        ("appspec", "a\x00b", {"command": "validate"}),
        ("config", "a\x00b", GOOD),
        ("deployment-group", "a/b", GOOD),
        ("github-deployment", "two\nlines", GOOD),
        ("github-token", "two\nlines", {**GOOD, "github-deployment": "production"}),
        ("version", "0", {**BACK, "deployment-id": "d-ABCDEFGHI"}),
        ("version", "0", GOOD),
        ("hold", "yes", GOOD),
    ],
)
def test_what_is_malformed_is_not_called_missing_too(name: str, text: str, given: dict[str, str]) -> None:
    """Whoever wrote a name wrongly has given it."""
    (found,) = problems(given | {name: text})
    assert found.startswith(f"input `{name}`: `{shorten(text)}`" if name != "github-token" else f"input `{name}` ")


def test_a_command_that_nobody_knows_says_nothing_about_the_other_inputs(told: Told) -> None:
    """`deploy` was not meant, so what it needs and what it has no use for is not told."""
    given = {"command": "rolback", "deployment-id": "d-ABCDEFGHI", "hold": "set", "version": "3", "code": "dist"}
    assert problems(given) == told


def test_a_secret_is_not_repeated(told: Told) -> None:
    (found,) = problems({**GOOD, "github-token": "hush\nhush"})
    assert "hush" not in found
    assert found == told


@pytest.mark.parametrize("text", ["x" * 80, "x" * 81, "a\tb\x1b[0m", "für €"])
def test_a_value_is_shown_in_one_line_that_can_be_seen(text: str) -> None:
    (found,) = problems({**GOOD, "comment": text})
    assert found.startswith(f"input `comment`: `{shorten(text)}` ")


# What was given


def test_inputs_that_a_command_does_not_use_are_known_for_a_note() -> None:
    given = {**GOOD, "keep": "3", "bucket": "b", "triggers": " ", "nonsense": "x"}
    assert unused(given, Command.DEPLOY) == ("keep",)
    assert unused(given, Command.PRUNE) == ("code", "bucket")


def test_reports_show_what_was_given_without_secrets_and_empty_ones() -> None:
    given = {**GOOD, "github-token": "hush", "alias": "", "reason": " why ", "nonsense": "x"}
    assert given_text(given) == {**GOOD, "reason": "why", "nonsense": "x"}
    assert given_text({"environment-url": "https://me:hush@shop.example/"}) == {
        "environment-url": "https://***@shop.example/"
    }
