"""Which deployments a run that watches means."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_deploy.core.aws import Deployment, DeploymentStatus, DeploymentTarget
from ci_deploy.core.given.files.appspec import AppSpec
from ci_deploy.core.plan.sought import Spot, means, rolled_back_to, spot_of, with_revision
from ci_deploy.core.stacks import Stack

TARGET = DeploymentTarget(
    target_id="checkout:live", function="checkout", alias="live", current_version="1", target_version="2"
)
BARE = replace(TARGET, target_id="t", function="", alias="", current_version="", target_version="")
DEPLOYMENT = Deployment(
    id="d-1",
    status=DeploymentStatus.IN_PROGRESS,
    application="shop-app",
    group="shop-group",
    create_time=100.0,
    targets=(TARGET,),
)
SPOT = Spot(function="checkout", alias="live", application="shop-app", group="shop-group")
STACK = Stack(name="shop", status="UPDATE_IN_PROGRESS")
SAID = AppSpec(function="checkout", alias="live", current_version="1", target_version="2")


@pytest.mark.parametrize(
    ("targets", "spot"),
    [
        ((TARGET,), SPOT),
        ((replace(TARGET, function="arn:aws:lambda:eu-central-1:123456789012:function:checkout"),), SPOT),
        ((replace(TARGET, function="", alias=""),), SPOT),
        ((replace(BARE, target_arn="arn:aws:lambda:eu-central-1:123456789012:function:checkout:live"),), SPOT),
        ((BARE,), None),
        ((replace(BARE, target_id="no name!"),), None),
        ((), None),
        (None, None),
    ],
    ids=["plain", "an ARN", "only its id", "only its ARN", "nothing", "an id that is no name", "not started", "unread"],
)
def test_where_a_deployment_shifts_traffic_its_target_says(
    targets: tuple[DeploymentTarget, ...] | None, spot: Spot | None
) -> None:
    assert spot_of(replace(DEPLOYMENT, targets=targets)) == spot


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        (Spot(function="checkout", alias="live"), True),
        (SPOT, True),
        (Spot(function="checkout", alias="live", application="other"), False),
        (Spot(function="checkout", alias="live", group="other"), False),
        (Spot(function="checkout", alias="blue"), False),
        (Spot(function="search", alias="live"), False),
    ],
)
def test_a_function_is_meant_with_its_alias_and_with_the_group_where_one_is_named(wanted: Spot, meant: bool) -> None:
    assert means((wanted,), None, DEPLOYMENT) == (SPOT if meant else None)


@pytest.mark.parametrize(
    ("stack", "meant"),
    [
        (STACK, False),
        (replace(STACK, groups=frozenset({"shop-group"})), True),
        (replace(STACK, groups=frozenset({"shop-group"}), applications=frozenset({"shop-app"})), True),
        (replace(STACK, groups=frozenset({"shop-group"}), applications=frozenset({"other"})), False),
        (replace(STACK, groups=frozenset({"other"})), False),
        (replace(STACK, aliases=frozenset({("checkout", "live")})), True),
        (replace(STACK, aliases=frozenset({("checkout", "blue")})), False),
        (None, False),
    ],
)
def test_a_stack_means_its_groups_and_its_aliases(stack: Stack | None, meant: bool) -> None:
    assert means((), stack, DEPLOYMENT) == (SPOT if meant else None)


def test_a_deployment_that_has_not_started_is_not_meant_yet() -> None:
    assert means((Spot(function="checkout", alias="live"),), STACK, replace(DEPLOYMENT, targets=())) is None


def test_what_codedeploy_leaves_out_of_a_target_its_appspec_says() -> None:
    found = with_revision(replace(DEPLOYMENT, targets=(BARE,)), SAID)
    assert found.targets == (replace(TARGET, target_id="t"),)
    back = with_revision(replace(DEPLOYMENT, targets=(BARE,), creator="codeDeployRollback"), SAID)
    assert back.targets == (replace(TARGET, target_id="t", current_version="", target_version=""),)


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (None, SAID),
        ((), SAID),
        ((BARE, BARE), SAID),
        ((BARE,), replace(SAID, alias="")),
        ((BARE,), replace(SAID, function="")),
    ],
)
def test_nothing_is_made_up_for_a_target(targets: tuple[DeploymentTarget, ...] | None, said: AppSpec) -> None:
    assert with_revision(replace(DEPLOYMENT, targets=targets), said).targets == targets


@pytest.mark.parametrize(
    ("stack", "creator", "back"),
    [
        (None, "user", False),
        (None, "CloudFormationRollback", True),
        (STACK, "user", False),
        (replace(STACK, rolls_back_since=100.0), "user", True),
        (replace(STACK, rolls_back_since=100.5), "user", False),
    ],
)
def test_cloudformation_rolls_back_to_what_it_creates_after_it_began_to(
    stack: Stack | None, creator: str, back: bool
) -> None:
    assert rolled_back_to(stack, replace(DEPLOYMENT, creator=creator)) is back
