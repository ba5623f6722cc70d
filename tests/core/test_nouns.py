"""The nouns: what follows from what they hold, and that values which AWS adds later are visible and harmless."""

from __future__ import annotations

import pytest

from ci_deploy.core.aws import (
    Alias,
    Deployment,
    DeploymentStatus,
    DeploymentTarget,
    EventStatus,
    FunctionVersion,
    InlineContent,
    RoutingType,
    S3Location,
    shares_text,
)
from ci_deploy.core.result import Result
from ci_deploy.core.run import Command, Context, Outcome, exit_code

# --- exit codes ---


@pytest.mark.parametrize(
    ("code", "outcomes"),
    [
        (0, "succeeded unchanged planned valid reported detached"),
        (1, "failed rolled-back rollback-failed stopped"),
        (2, "invalid"),
        (3, "refused"),
        (4, "error"),
        (5, "timed-out"),
        (6, "lost-contact"),
        (130, "cancelled"),
        (70, "bug"),
    ],
)
def test_the_exit_code_is_a_function_of_the_outcome(code: int, outcomes: str) -> None:
    found = [str(outcome) for outcome in Outcome if exit_code(Command.DEPLOY, outcome) == code]
    assert found == outcomes.split()


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_stopped_is_told_apart_by_the_command_as_it_is_what_stop_is_for(outcome: Outcome) -> None:
    codes = {command: exit_code(command, outcome) for command in Command}
    usual = codes[Command.DEPLOY]
    assert codes == {command: 0 if (command, outcome) == ("stop", "stopped") else usual for command in Command}


# --- enumerations that AWS may extend ---


@pytest.mark.parametrize("kind", [DeploymentStatus, EventStatus, RoutingType])
def test_a_value_that_aws_adds_later_is_unknown(
    kind: type[DeploymentStatus] | type[EventStatus] | type[RoutingType],
) -> None:
    assert kind("Teleported") is kind.UNKNOWN
    assert kind(kind.UNKNOWN.value) is kind.UNKNOWN
    assert [kind(each.value) for each in kind] == list(kind)


def test_a_deployment_is_over_when_it_succeeded_failed_or_was_stopped_and_an_unknown_status_is_not_an_end() -> None:
    assert [str(status) for status in DeploymentStatus if status.terminal] == ["Succeeded", "Failed", "Stopped"]


def test_a_lifecycle_event_is_over_when_it_succeeded_failed_or_was_skipped() -> None:
    assert [str(status) for status in EventStatus if status.terminal] == ["Succeeded", "Failed", "Skipped"]


# --- aliases ---


@pytest.mark.parametrize(
    ("weights", "shares", "text", "split", "only"),
    [
        ({}, {"1": 100.0}, "1=100", False, True),
        ({"2": 10.0}, {"1": 90.0, "2": 10.0}, "1=90,2=10", True, False),
        ({"2": 0.1}, {"1": 99.9, "2": 0.1}, "1=99.9,2=0.1", True, False),
        ({"2": 33.3333334}, {"1": 66.666667, "2": 33.3333334}, "1=66.6667,2=33.3333", True, False),
        ({"2": 99.5}, {"1": 0.5, "2": 99.5}, "1=0.5,2=99.5", True, False),
        ({"2": 100.0}, {"2": 100.0}, "2=100", True, False),
        ({"2": 0.0}, {"1": 100.0}, "1=100", True, False),
    ],
)
def test_an_alias_serves_its_primary_version_with_what_the_others_leave(
    weights: dict[str, float], shares: dict[str, float], text: str, split: bool, only: bool
) -> None:
    """A routing entry of 0 % that was left behind is still one: CodeDeploy refuses such an alias."""
    alias = Alias(function="checkout", name="live", version="1", weights=weights)
    assert list(alias.shares.items()) == list(shares.items())
    assert (shares_text(alias.shares), alias.split, alias.serves_only("1")) == (text, split, only)
    assert not alias.serves_only("2")


# --- versions, revisions, deployments ---


@pytest.mark.parametrize(
    ("state", "update", "busy"),
    [
        ("Active", "Successful", False),
        ("Pending", "Successful", True),
        ("Active", "InProgress", True),
        ("Inactive", "Failed", False),
    ],
)
def test_a_function_that_is_created_or_updated_is_busy(state: str, update: str, busy: bool) -> None:
    version = FunctionVersion(
        function="checkout", version="$LATEST", code_sha256="", state=state, last_update_status=update
    )
    assert version.busy is busy


def test_a_revision_is_written_as_its_address() -> None:
    assert str(S3Location(bucket="b", key="CodeDeploy/x.json")) == "s3://b/CodeDeploy/x.json"
    assert str(S3Location(bucket="b", key="x.json", version="v7")) == "s3://b/x.json?versionId=v7"
    assert str(InlineContent(content="{}", sha256="0" * 64)) == "inline"


@pytest.mark.parametrize(
    ("creator", "rollback_of", "automatic"),
    [("user", "", False), ("codeDeployRollback", "", True), ("", "d-OLD", True), ("autoscaling", "", False)],
)
def test_a_rollback_of_codedeploy_is_known_by_its_creator_or_by_what_it_rolls_back(
    creator: str, rollback_of: str, automatic: bool
) -> None:
    made = Deployment(id="d-1", status=DeploymentStatus.CREATED, creator=creator, rollback_of=rollback_of)
    assert made.automatic_rollback is automatic


def target(function: str, alias: str = "live") -> DeploymentTarget:
    return DeploymentTarget(target_id=function, function=function, alias=alias, current_version="1", target_version="2")


@pytest.mark.parametrize(
    ("targets", "found"),
    [
        (None, None),
        ((), None),
        ((target("other"), target("checkout")), 1),
        ((target("arn:aws:lambda:eu-central-1:123456789012:function:checkout"),), 0),
        ((target("checkout", "beta"), target("checkout")), 1),
        ((target("checkout", "beta"),), None),
        ((target("checkout", ""),), 0),
        ((target("checkout-beta"),), None),
        ((target("checkout:beta", ""),), None),
        ((target("checkout:live", ""),), 0),
    ],
)
def test_a_functions_target_is_found_by_name_or_arn_and_by_its_alias_where_that_is_told(
    targets: tuple[DeploymentTarget, ...] | None, found: int | None
) -> None:
    deployment = Deployment(id="d-1", status=DeploymentStatus.CREATED, targets=targets)
    wanted = None if found is None or targets is None else targets[found]
    assert deployment.target_of("checkout", "live") is wanted


# --- the run ---


def test_of_a_pull_request_the_commit_is_its_own_head_not_the_merge() -> None:
    assert Context(sha="merge", head_sha="head").commit == "head"
    assert Context(sha="merge").commit == "merge"


@pytest.mark.parametrize(
    ("context", "url"),
    [
        (Context(repository="octo/shop", run_id=7), "https://github.com/octo/shop/actions/runs/7"),
        (
            Context(server_url="https://ghe.example", repository="octo/shop", run_id=7),
            "https://ghe.example/octo/shop/actions/runs/7",
        ),
        (Context(repository="octo/shop"), ""),
        (Context(run_id=7), ""),
        (Context(), ""),
    ],
)
def test_a_run_has_an_address_only_under_a_runner(context: Context, url: str) -> None:
    assert context.run_url == url


def test_a_result_is_that_of_a_function_and_an_alias() -> None:
    assert Result(function="checkout", alias="live", outcome=Outcome.FAILED).key == "checkout:live"
