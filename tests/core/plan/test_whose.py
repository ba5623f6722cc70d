"""Whose a deployment is, clue by clue: who wins, what is read next, and what stays unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_deploy.core import marker as markers
from ci_deploy.core.aws import (
    CREATOR_ROLLBACK,
    Alias,
    Deployment,
    DeploymentStatus,
    DeploymentTarget,
    EventStatus,
    InlineContent,
    Known,
    LambdaName,
    NotPermitted,
    Unavailable,
)
from ci_deploy.core.given.files.appspec import AppSpec
from ci_deploy.core.plan.whose import (
    Clue,
    Clues,
    Need,
    Others,
    Ours,
    Place,
    Unknown,
    followed,
    group_is_ours,
    judge,
    keys,
    ours,
    settled,
    whose,
)

PLACE = Place(function="checkout", alias="live", region="eu-central-1", account="123456789012")
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:"
DENIED = NotPermitted("codedeploy:BatchGetDeploymentTargets")
REVISION = InlineContent(content="", sha256="ab")


def deployment(**more: object) -> Deployment:
    return replace(Deployment(id="d-AAAAAAAA1", status=DeploymentStatus.IN_PROGRESS, revision=REVISION), **more)  # type: ignore[arg-type]


def target(
    function: str = "", alias: str = "", *, target_id: str = "", arn: str = "", new: str = "2"
) -> DeploymentTarget:
    return DeploymentTarget(
        target_id=target_id, target_arn=arn, function=function, alias=alias, current_version="1", target_version=new
    )


def seen(*targets: DeploymentTarget) -> Clues:
    return Clues(targets=Known(targets))


@pytest.mark.parametrize(
    "found",
    [
        target("checkout", "live"),
        target("checkout:live"),
        target(f"{ARN}checkout", "live"),
        target(f"{ARN}checkout:live"),
        target("123456789012:function:checkout:live"),
        target(target_id="checkout:live"),
        target(target_id=f"{ARN}checkout:live"),
        target(arn=f"{ARN}checkout:live", target_id="0f1e2d"),
    ],
    ids=str,
)
def test_a_target_is_ours_however_it_is_named(found: DeploymentTarget) -> None:
    owner = judge(deployment(), PLACE, seen(found))
    assert isinstance(owner, Ours)
    assert LambdaName.parse(owner.target.function) is not None
    assert owner.target.alias == "live"
    assert owner.deployment.targets == (owner.target,)


@pytest.mark.parametrize(
    "found",
    [
        target("billing", "live"),
        target("checkout", "test"),
        target("checkout:test"),
        target("live", "live"),
        target(f"{ARN}live:live"),
        target("arn:aws:lambda:us-east-1:123456789012:function:checkout", "live"),
        target("arn:aws:lambda:eu-central-1:999999999999:function:checkout", "live"),
        target(target_id="billing:live"),
        target(target_id="checkout-2:live"),
        target(arn=f"{ARN}billing:live", target_id="0f1e2d"),
    ],
    ids=str,
)
@pytest.mark.parametrize("forged", [False, True])
def test_a_target_of_another_function_is_others_whatever_the_marker_says(found: DeploymentTarget, forged: bool) -> None:
    key = markers.key_of("deploy", "checkout", "live", "2")
    description = markers.write(markers.Marker(id="0a1b2c3d", key=key, run_id=7)) if forged else ""
    place = replace(PLACE, keys=frozenset({key}), group_is_ours=True)
    assert isinstance(judge(deployment(description=description), place, seen(found)), Others)


def test_targets_are_read_first_and_the_revision_only_where_they_do_not_say_it() -> None:
    assert judge(deployment(), PLACE, Clues()) == Need(clue=Clue.TARGETS)
    for unread in (
        DENIED,
        Unavailable("odd"),
        Known(()),
        Known((target(),)),
        Known((target("checkout"),)),
        Known((target(target_id="0f1e2d"),)),
    ):
        assert judge(deployment(), PLACE, Clues(targets=unread)) == Need(clue=Clue.REVISION)
    assert isinstance(judge(deployment(revision=None), PLACE, Clues(targets=DENIED)), Unknown)


def test_targets_that_came_with_the_deployment_need_not_be_read() -> None:
    mine = target("checkout", "live")
    known = deployment(targets=(mine,))
    assert judge(known, PLACE, Clues()) == Ours(deployment=known, target=mine)


def test_the_revision_names_function_alias_and_versions() -> None:
    said = AppSpec(function="checkout", alias="live", current_version="4", target_version="5")
    owner = judge(deployment(), PLACE, Clues(targets=DENIED, revision=Known(said)))
    assert isinstance(owner, Ours)
    assert (owner.target.current_version, owner.target.target_version) == ("4", "5")
    other = judge(deployment(), PLACE, Clues(targets=DENIED, revision=Known(replace(said, function="billing"))))
    assert other == Others(deployment=other.deployment, function="billing", alias="live")  # type: ignore[union-attr]


def test_a_target_without_a_name_stays_the_one_that_codedeploy_knows() -> None:
    bare = replace(target(target_id="0f1e2d", new=""), current_version="")
    said = AppSpec(function="checkout", alias="live", current_version="4", target_version="5")
    by_revision = judge(deployment(), PLACE, Clues(targets=Known((bare,)), revision=Known(said)))
    full = replace(bare, function="checkout", alias="live", current_version="4", target_version="5")
    assert by_revision == Ours(deployment=deployment(targets=(full,)), target=full)
    nameless = Clues(targets=Known((bare,)), revision=Known(AppSpec(current_version="4", target_version="5")))
    by_group = judge(deployment(), replace(PLACE, group_is_ours=True), nameless)
    named = replace(bare, function="checkout", alias="live")
    assert by_group == Ours(deployment=deployment(targets=(named,)), target=named)


def test_the_revision_of_an_automatic_rollback_has_other_versions_than_it_shifts() -> None:
    said = AppSpec(function="checkout", alias="live", current_version="4", target_version="5")
    rollback = deployment(creator=CREATOR_ROLLBACK)
    owner = judge(rollback, PLACE, Clues(targets=DENIED, revision=Known(said)))
    assert isinstance(owner, Ours)
    assert (owner.target.current_version, owner.target.target_version) == ("", "")


def test_a_marker_of_our_own_work_counts_where_nothing_can_be_read() -> None:
    alias = Alias(arn="a", function="checkout", name="live", version="41", weights={"42": 10.0}, revision_id="r")
    known = keys("checkout", alias, "live", ())
    place = replace(PLACE, keys=known)
    nothing = Clues(targets=DENIED, revision=NotPermitted("codedeploy:GetApplicationRevision"))
    for version, function, expected in (
        ("42", "checkout", Ours),
        ("42", "billing", Unknown),
        ("43", "checkout", Unknown),
    ):
        key = markers.key_of("deploy", function, "live", version)
        marked = deployment(description=markers.write(markers.Marker(id="0a1b2c3d", key=key, run_id=7)))
        assert isinstance(judge(marked, place, nothing), expected)


def test_markers_of_our_own_work_are_of_every_version_up_to_the_newest_that_the_alias_serves() -> None:
    alias = Alias(arn="a", function="checkout", name="live", version="2", weights={"4": 10.0}, revision_id="r")
    assert keys("checkout", alias, "live", ()) == {
        markers.key_of(command, "checkout", "live", version)
        for command in ("deploy", "rollback")
        for version in ("1", "2", "3", "4")
    }
    assert keys("checkout", None, "live", ()) == frozenset()


def test_a_group_that_only_held_our_function_holds_no_other() -> None:
    nothing = Clues(targets=DENIED, revision=NotPermitted("codedeploy:GetApplicationRevision"))
    unknown = judge(deployment(), PLACE, nothing)
    assert unknown == Unknown(deployment=deployment(), why="not permitted: codedeploy:BatchGetDeploymentTargets")
    mine = judge(deployment(), PLACE, seen(target("checkout", "live")))
    theirs = judge(deployment(), PLACE, seen(target("billing", "live")))
    assert isinstance(mine, Ours)
    assert isinstance(theirs, Others)
    assert isinstance(unknown, Unknown)
    assert group_is_ours([mine, unknown])
    assert not group_is_ours([unknown])
    assert not group_is_ours([mine, unknown, theirs])
    assert isinstance(settled(deployment(), replace(PLACE, group_is_ours=True)), Ours)


def test_a_deployment_that_has_not_started_is_told_from_one_that_is_kept_from_us() -> None:
    starting = judge(deployment(), PLACE, Clues(targets=Known(()), revision=Unavailable("odd")))
    why = "CodeDeploy names no function for it"
    assert starting == Unknown(deployment=deployment(targets=()), why=why, starting=True)
    assert starting == whose(deployment(targets=()), "checkout", "live")
    assert whose(deployment(targets=None), "checkout", "live") == Unknown(deployment=deployment(), why=why)
    over = deployment(status=DeploymentStatus.FAILED)
    assert judge(over, PLACE, Clues(targets=Known(()), revision=Unavailable("odd"))) == Unknown(
        deployment=replace(over, targets=()), why=why
    )


def test_of_several_targets_one_of_ours_makes_it_ours() -> None:
    owner = judge(deployment(), PLACE, seen(target("billing", "live"), target("checkout", "live", new="9")))
    assert isinstance(owner, Ours)
    assert owner.target.target_version == "9"
    assert [found.target.target_version for found in ours([owner.deployment], "checkout", "live")] == ["9"]
    assert isinstance(whose(owner.deployment, "checkout", "test"), Others)


def test_what_is_followed_keeps_its_name_when_codedeploy_leaves_it_out() -> None:
    own = target("checkout", "live")
    sent = replace(target(new=""), current_version="", target_id="0f1e", raw_weight=0.1, status=EventStatus.IN_PROGRESS)
    (found,) = followed(deployment(targets=(sent,)), own).targets or ()
    assert found == replace(own, target_id="0f1e", raw_weight=0.1, status=EventStatus.IN_PROGRESS)
    assert followed(deployment(targets=()), own) == deployment(targets=())
    named = deployment(targets=(target("checkout", "live", new="7"),))
    assert followed(named, own) == named
    several = deployment(targets=(sent, own))
    assert followed(several, own) == several


@given(
    st.lists(
        st.builds(
            target,
            st.sampled_from(["", "checkout", "billing", f"{ARN}checkout:live", "checkout:test"]),
            st.sampled_from(["", "live", "test"]),
            target_id=st.sampled_from(["", "checkout:live", "billing:live", "x y"]),
        ),
        max_size=2,
    ),
    st.sampled_from([None, Known(AppSpec(function="checkout", alias="live")), Known(AppSpec(function="billing"))]),
    st.booleans(),
)
def test_nothing_of_another_is_ever_ours(
    targets: list[DeploymentTarget], revision: Known[AppSpec] | None, marked: bool
) -> None:
    """Whatever the other clues say: where any target names a function and none of them is ours, it is not ours."""
    key = markers.key_of("deploy", "checkout", "live", "2")
    description = markers.write(markers.Marker(id="0a1b2c3d", key=key, run_id=7)) if marked else ""
    place = replace(PLACE, keys=frozenset({key}), group_is_ours=True)
    said = revision or Unavailable("odd")
    owner = judge(deployment(description=description), place, Clues(targets=Known(tuple(targets)), revision=said))
    names = [LambdaName.parse(one.function or one.target_id) for one in targets if one.function or one.target_id]
    if names and all(name is not None and name.name == "billing" for name in names):
        assert isinstance(owner, Others)
    assert not isinstance(owner, Need)


@pytest.mark.parametrize("text", ["", "x y", "$LATEST", "arn:aws:s3:::bucket", "a:b:c:d"])
def test_what_names_no_function_is_none(text: str) -> None:
    assert LambdaName.parse(text) is None
