"""From code to a version: guarded, waited for, published once, and never over somebody else's change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ci_deploy.core import actions as a
from ci_deploy.core import events as e
from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.model import Outcome
from ci_deploy.core.packaging import DIRECT_LIMIT, Image, StoredPackage
from ci_deploy.core.publishing import description
from tests.support.codeworld import OURS, PACKAGE, CodeWorld
from tests.support.playing import FAIR, Run, Weather, first, play, play_together
from tests.support.world import AT_ONCE, context, inputs

WRITES = (a.StoreCode, a.UpdateCode, a.Publish, a.CreateAlias, a.Create)


def kinds(run: Run) -> list[str]:
    """The writes that were asked for, in order."""
    return [type(action).__name__ for kind in WRITES for _, action in run.asked(kind)]


def at_once(**changes: object) -> CodeWorld:
    return CodeWorld(routing=AT_ONCE, **changes)  # type: ignore[arg-type]


def test_code_goes_to_latest_then_a_version_is_published_and_deployed() -> None:
    world = at_once()
    run = play(world, inputs(package="build"))
    assert run.result.outcome is Outcome.SUCCEEDED
    assert kinds(run) == ["UpdateCode", "Publish", "Create"]
    assert (world.alias_version, world.versions["2"]) == ("2", OURS)


def test_code_that_latest_has_is_published_without_an_update() -> None:
    run = play(at_once(latest_sha=OURS), inputs(package="build"))
    assert kinds(run) == ["Publish", "Create"]


def test_code_that_is_served_is_unchanged_and_nothing_is_written() -> None:
    """Even if `$LATEST` holds something else by now."""
    world = at_once(versions={"1": OURS}, latest_sha="something else")
    run = play(world, inputs(package="build"))
    assert run.result.outcome is Outcome.UNCHANGED
    assert kinds(run) == []


def test_the_same_code_with_other_settings_is_a_new_version() -> None:
    world = at_once(versions={"1": OURS}, latest_sha=OURS, settings={"MemorySize": "512"})
    assert kinds(play(world, inputs(package="build"))) == ["Publish", "Create"]


def test_what_is_too_large_for_a_request_goes_by_s3() -> None:
    world = at_once(code=replace(PACKAGE, size=DIRECT_LIMIT + 1))
    run = play(world, inputs(package="build", appspec=""))
    assert run.result.outcome is Outcome.SUCCEEDED
    (_, stored), (_, update) = run.asked(a.StoreCode)[0], run.asked(a.UpdateCode)[0]
    assert isinstance(update, a.UpdateCode)
    assert isinstance(update.code, StoredPackage)
    assert isinstance(stored, a.StoreCode)
    assert stored.path.endswith(".zip")


@pytest.mark.parametrize("takes", [10.0, 200.0])
def test_everything_pending_is_waited_for_before_and_after(takes: float) -> None:
    world = at_once(update_takes=takes, activation_takes=takes)
    world.busy_until = takes
    run = play(world, inputs(package="build"))
    assert run.result.outcome is Outcome.SUCCEEDED
    assert kinds(run) == ["UpdateCode", "Publish", "Create"]
    assert run.said(e.Waiting)


def test_an_update_that_never_ends_is_given_up_without_a_version() -> None:
    run = play(at_once(update_takes=10_000.0), inputs(package="build"))
    assert run.result.outcome is Outcome.FAILED
    assert run.count(a.Publish) == 0


def test_an_update_that_fails_publishes_nothing() -> None:
    run = play(at_once(update_fails=True, update_takes=5.0), inputs(package="build"))
    assert run.result.outcome is Outcome.FAILED
    assert run.count(a.Publish) == 0


@pytest.mark.parametrize("kind", ["code", "settings"])
@pytest.mark.parametrize("at", [0.31, 0.7, 5.0])
def test_what_somebody_else_changes_meanwhile_is_not_published_or_overwritten(kind: str, at: float) -> None:
    """Between the plan and the update, and between the update and the publishing."""
    world = at_once(update_takes=10.0)
    world.others = [(at, kind)]
    slow = Weather(delays=(0.5, 0.5))
    run = play(world, inputs(package="build"), weather=slow)
    assert run.result.outcome is Outcome.REFUSED
    assert "someone else" in run.result.reason
    assert kinds(run)[-1:] == ["UpdateCode"]
    assert "2" not in world.versions


def lost(operation: str) -> Weather:
    return Weather(rates={operation: 1.0}, kinds=(ErrorKind.UNREACHABLE,), until=3.0)


@pytest.mark.parametrize("had_effect", [0.0, 1.0])
@pytest.mark.parametrize("operation", ["UpdateCode", "Publish"])
def test_an_answer_that_was_lost_is_looked_for_before_it_is_repeated(operation: str, had_effect: float) -> None:
    world = at_once()
    weather = replace(lost(operation), lost_answers=had_effect)
    run = play(world, inputs(package="build"), weather=weather)
    assert run.result.outcome is Outcome.SUCCEEDED, run.result.reason
    assert len(world.updates) == 1
    assert sorted(world.versions) == ["1", "2"]


class Restless(CodeWorld):
    """Lambda moves RevisionId by itself, once, without anybody changing anything."""

    def perform(self, action: a.Action) -> a.Answer:
        if isinstance(action, a.UpdateCode | a.Publish) and not self.moved:
            self.moved = True
            self.revision += 1
        return super().perform(action)

    moved: bool = False


@pytest.mark.parametrize("code", ["new", OURS])
def test_a_revision_that_moved_though_nothing_changed_is_no_refusal(code: str) -> None:
    """At the update, and at the publishing of what is there already."""
    world = Restless(routing=AT_ONCE, latest_sha=code)
    run = play(world, inputs(package="build"))
    assert run.result.outcome is Outcome.SUCCEEDED, run.result.reason
    assert world.versions["2"] == OURS


def test_a_tag_that_was_there_before_is_not_taken_for_the_new_image() -> None:
    """The update is lost without effect: the address is the same, so RevisionId tells."""
    tag = Image(uri="123456789012.dkr.ecr.eu-central-1.amazonaws.com/app:stable")
    world = at_once(code=tag, image_uri=tag.uri, latest_sha="what the tag was")
    run = play(world, inputs(image_uri=tag.uri), weather=replace(lost("UpdateCode"), lost_answers=0.0))
    assert run.result.outcome is Outcome.SUCCEEDED
    assert world.versions["2"] == OURS


def test_a_throttled_update_is_repeated() -> None:
    weather = Weather(rates={"UpdateCode": 1.0}, kinds=(ErrorKind.THROTTLED,), until=20.0)
    run = play(at_once(), inputs(package="build"), weather=weather)
    assert run.result.outcome is Outcome.SUCCEEDED
    assert run.count(a.UpdateCode) > 1


def test_a_refusal_with_a_remedy_ends_the_run_with_it() -> None:
    class Full(CodeWorld):
        def update(self, action: a.UpdateCode) -> object:  # type: ignore[override]
            error = AwsError(
                ErrorKind.REJECTED,
                operation="lambda:UpdateFunctionCode",
                code="CodeStorageExceededException",
                message="x",
            )
            error.remedy = "prune"
            raise error

    run = play(Full(routing=AT_ONCE), inputs(package="build"))
    assert (run.result.outcome, run.result.remedy) == (Outcome.ERROR, "prune")


def test_other_code_than_expected_is_refused_before_the_update() -> None:
    run = play(at_once(), inputs(package="build", expect_code_sha256="x" * 43 + "="))
    assert run.result.outcome is Outcome.REFUSED
    assert kinds(run) == []


def test_an_image_by_tag_is_compared_once_latest_has_it() -> None:
    """Only Lambda knows which image a tag leads to: if it is the one that is served, no version is published."""
    tag = Image(uri="123456789012.dkr.ecr.eu-central-1.amazonaws.com/app:v1")
    same = play(at_once(code=tag, versions={"1": OURS}, latest_sha="older"), inputs(image_uri=tag.uri))
    assert (same.result.outcome, kinds(same)) == (Outcome.UNCHANGED, ["UpdateCode"])
    new = play(at_once(code=tag), inputs(image_uri=tag.uri))
    assert (new.result.outcome, kinds(new)) == (Outcome.SUCCEEDED, ["UpdateCode", "Publish", "Create"])
    given_up = play(at_once(code=tag), inputs(image_uri=tag.uri, expect_code_sha256="a" * 64))
    assert (given_up.result.outcome, kinds(given_up)) == (Outcome.REFUSED, ["UpdateCode"])


@pytest.mark.parametrize("at", [0.01, 0.2, 0.5, 1.0, 2.0, 8.0, 15.0])
def test_a_signal_before_the_creation_creates_nothing(at: float) -> None:
    world = at_once(update_takes=5.0, activation_takes=15.0)
    run = play(world, inputs(package="build"), signals=[at])
    assert run.result.outcome is Outcome.CANCELLED
    assert world.deployments == []
    assert world.alias_version == "1"


def test_the_first_deployment_creates_the_alias_on_the_version() -> None:
    world = at_once(alias_exists=False)
    run = play(world, inputs(package="build", create_alias="true"))
    assert (run.result.outcome, run.result.deployed) == (Outcome.SUCCEEDED, True)
    assert kinds(run) == ["UpdateCode", "Publish", "CreateAlias"]
    assert world.alias_version == "2"
    assert "First deployment" in run.result.reason


@pytest.mark.parametrize("had_effect", [0.0, 1.0])
def test_an_alias_whose_creation_was_lost_is_read_before_it_is_created_again(had_effect: float) -> None:
    world = at_once(alias_exists=False)
    weather = replace(lost("CreateAlias"), until=20.0, lost_answers=had_effect)
    run = play(world, inputs(package="build", create_alias="true"), weather=weather)
    assert run.result.outcome in (Outcome.SUCCEEDED, Outcome.ERROR)
    assert (run.result.outcome is Outcome.SUCCEEDED) == (world.alias_exists and world.alias_version == "2")


def test_without_create_alias_a_missing_alias_is_refused() -> None:
    run = play(at_once(alias_exists=False), inputs(package="build"))
    assert (run.result.outcome, kinds(run)) == (Outcome.REFUSED, [])


def test_the_description_names_the_commit() -> None:
    rollout = first(inputs(), replace(context(7), sha="c0ffee" * 6 + "abcd", repository="o/r"))
    assert description(rollout) == f"ci-deploy commit {'c0ffee' * 6}abcd of o/r, run 7"


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    others=st.lists(st.tuples(st.floats(0, 40), st.sampled_from(["code", "settings"])), max_size=3),
    takes=st.sampled_from([0.0, 3.0, 20.0]),
    rate=st.sampled_from([0.0, 0.2, 0.6]),
    signals=st.lists(st.floats(0, 60), max_size=1),
    alias_exists=st.booleans(),
)
def test_whatever_happens_nothing_is_overwritten_and_the_verdict_is_true(
    seed: int,
    others: list[tuple[float, str]],
    takes: float,
    rate: float,
    signals: list[float],
    alias_exists: bool,
) -> None:
    world = at_once(update_takes=takes, activation_takes=takes, alias_exists=alias_exists, others=sorted(others))
    weather = Weather(rates={"UpdateCode": rate, "Publish": rate, "LookVersion": rate, "CreateAlias": rate}, until=80.0)
    given_inputs = inputs(package="build", create_alias="true")
    run = play(world, given_inputs, weather=weather, signals=signals, seed=seed)
    for _, action in run.asked(a.UpdateCode):
        assert isinstance(action, a.UpdateCode)
        assert action.revision_id, "an update without a guard"
    for _, version in world.publishings:
        assert world.versions[version] == OURS, "somebody else's code was published"
    serves_ours = world.alias_exists and not world.alias_weights and world.versions[world.alias_version] == OURS
    assert run.result.deployed == (run.result.outcome is Outcome.SUCCEEDED)
    if run.result.deployed:
        assert serves_ours
    if run.result.outcome in (Outcome.REFUSED, Outcome.UNCHANGED) and alias_exists:
        assert world.alias_version == "1"


def test_two_runs_at_once_end_with_one_of_them_refused_or_waiting() -> None:
    """The second one finds the function changed, or the first one's code there already."""
    world = at_once(update_takes=5.0)
    one = Run(world, first(inputs(package="build"), context(100), "0badcafe"), weather=FAIR)
    two = Run(world, first(inputs(package="build"), context(101), "0badbeef"), weather=FAIR, seed=1)
    play_together(world, one, two)
    assert {one.result.outcome, two.result.outcome} <= {Outcome.SUCCEEDED, Outcome.UNCHANGED, Outcome.REFUSED}
    assert Outcome.SUCCEEDED in (one.result.outcome, two.result.outcome)
    assert sorted(world.versions) == ["1", "2"]
