"""`$LATEST` gets the code: what is waited for, asked for and compared, and what is said when it cannot be done.

Every answer takes a tenth of a second here, and one that fails a second more; so the first thing is asked for at 0.1 s.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest

from ci_deploy.core.aws import FunctionVersion, S3Location
from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.given.package.packaging import DIRECT_LIMIT, StoredPackage
from ci_deploy.core.given.source import Image
from ci_deploy.core.machine import actions as a
from ci_deploy.core.reasons.aws import AwsUnreachable
from ci_deploy.core.reasons.ending.deploying import (
    ChangedMeanwhile,
    ForeignObject,
    FunctionUpdating,
    NeverSettles,
    OtherCode,
    SameCode,
    UpdateFailed,
    UpdateTooLong,
    UpdateWithoutEffect,
)
from ci_deploy.core.reasons.reason import Reason
from ci_deploy.core.run import Outcome
from ci_deploy.core.story import events as e
from ci_deploy.core.story.events import Waiting
from tests.support.machine.codeworld import OURS, PACKAGE, CodeWorld
from tests.support.machine.playing import STEADY, Run, Weather, first, play, play_together
from tests.support.machine.world import AT_ONCE, context, inputs
from tests.support.reasons import aws, refused, saying

KEY = "checkout:live"
WRITES = (a.StoreCode, a.UpdateCode, a.Publish, a.CreateAlias, a.Create)
BUILD = {"code": "build"}
ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/app"
CODE_CHANGED = "its code is not what this run is to publish"


def at_once(**changes: object) -> CodeWorld:
    return CodeWorld(routing=AT_ONCE, **changes)  # type: ignore[arg-type]


def storm(kind: ErrorKind, until: float = 1e12, **rates: float) -> Weather:
    return replace(STEADY, rates=rates, kinds=(kind,), until=until, lost_answers=0.0)


def writes(run: Run) -> list[str]:
    return [type(action).__name__ for _, action in run.actions if isinstance(action, WRITES)]


def moments(run: Run, kind: type[a.Action]) -> list[float]:
    return [round(at, 3) for at, _ in run.asked(kind)]


def end(run: Run) -> tuple[Outcome, tuple[Reason, ...]]:
    return run.result.outcome, run.result.reasons


def waited_for(run: Run) -> list[Reason]:
    return [event.what for event in run.said(e.Waiting)]  # type: ignore[attr-defined]


# --- somebody else's update ---


def test_an_update_in_progress_is_waited_for_and_what_is_there_then_is_planned_anew() -> None:
    world = at_once(busy_until=10.0)
    run = play(world, inputs(**BUILD), weather=STEADY)
    assert run.said(e.Waiting) == [Waiting(at=0.1, key="checkout:live", what=FunctionUpdating(function="checkout"))]
    settling = [(at, action) for at, action in run.asked(a.LookVersion) if at < 11.0]
    assert [round(at, 3) for at, _ in settling] == [1.1, 3.2, 5.3, 7.4, 9.5, 11.6][:5]
    assert {action for _, action in settling} == {a.LookVersion(key=KEY, function="checkout", version="$LATEST")}
    assert moments(run, a.Gather) == [0.0, 11.7]
    assert writes(run) == ["UpdateCode", "Publish", "Create"]
    assert run.result.outcome is Outcome.SUCCEEDED


def test_there_is_one_look_at_a_time_however_long_its_answer_takes() -> None:
    world = at_once(busy_until=80.0, update_takes=80.0)
    run = play(world, inputs(**BUILD), weather=Weather(delays=(70.0, 70.0)))
    looks = moments(run, a.LookVersion)
    assert all(later - earlier >= 70.0 for earlier, later in pairwise(looks))
    assert len(looks) == 4
    assert run.result.outcome is Outcome.SUCCEEDED


def test_a_function_that_does_not_come_to_rest_is_left_alone() -> None:
    run = play(at_once(busy_until=1e6), inputs(**BUILD), weather=STEADY)
    assert 300.1 < run.now < 302.3
    assert writes(run) == []
    assert end(run) == (Outcome.REFUSED, (NeverSettles(function="checkout"),))


def test_the_five_minutes_are_those_of_the_waiting_itself() -> None:
    """A wait that begins late has as much time as one that begins early."""
    run = play(at_once(busy_until=300.0), inputs(**BUILD), weather=Weather(delays=(20.0, 20.0)))
    assert moments(run, a.LookVersion)[0] == 21.0
    assert run.result.outcome is Outcome.SUCCEEDED


@dataclass(kw_only=True)
class Contended(CodeWorld):
    """Each update so many times meets one of somebody else's, which is over when it is looked for."""

    meets: int = 1

    def update(self, action: a.UpdateCode) -> FunctionVersion:
        if self.meets:
            self.meets -= 1
            raise AwsError(
                ErrorKind.CONFLICT,
                operation="lambda:UpdateFunctionCode",
                code="ResourceConflictException",
                message="An update is in progress",
            )
        return super().update(action)


@pytest.mark.parametrize("meets", [1, 10])
def test_an_update_that_meets_anothers_is_planned_anew_and_repeated(meets: int) -> None:
    run = play(Contended(routing=AT_ONCE, meets=meets), inputs(**BUILD), weather=STEADY)
    assert writes(run) == [*["UpdateCode"] * (meets + 1), "Publish", "Create"]
    assert waited_for(run) == [FunctionUpdating(function="checkout")] * meets
    assert moments(run, a.LookVersion)[0] == pytest.approx(0.2 + 1.0)
    assert run.count(a.Gather) == 1 + meets
    assert run.result.outcome is Outcome.SUCCEEDED


def test_a_function_that_is_always_found_in_the_middle_of_an_update_is_left_alone() -> None:
    run = play(Contended(routing=AT_ONCE, meets=99), inputs(**BUILD), weather=STEADY)
    assert writes(run) == ["UpdateCode"] * 11
    assert end(run)[:2] == (Outcome.REFUSED, (NeverSettles(function="checkout"),))


def test_what_changed_while_ours_met_anothers_update_is_not_overwritten() -> None:
    world = at_once(update_takes=5.0, others=[(0.15, "settings")])
    run = play(world, inputs(**BUILD), weather=replace(STEADY, delays=(0.2, 0.2)))
    assert writes(run) == ["UpdateCode"]
    assert end(run) == (Outcome.REFUSED, (ChangedMeanwhile(function="checkout", changed="MemorySize changed"),))


def test_what_changes_while_a_new_plan_is_waited_for_is_no_refusal() -> None:
    """The first meeting changed nothing, so everything was read anew; what somebody changes then is read once more."""
    world = Contended(routing=AT_ONCE, update_takes=4.0, others=[(1.25, "settings"), (3.0, "settings")])
    run = play(world, inputs(**BUILD), weather=STEADY)
    assert writes(run) == ["UpdateCode", "UpdateCode", "Publish", "Create"]
    assert run.count(a.Gather) == 3
    assert run.result.outcome is Outcome.SUCCEEDED


# --- the code ---


LARGE = replace(PACKAGE, size=DIRECT_LIMIT + 1)
KEY_OF_OURS = f"CodeDeploy/checkout/code/{b64decode(OURS).hex()}.zip"


def test_a_package_that_is_too_large_for_a_request_is_put_where_it_is_named_by_its_content() -> None:
    run = play(at_once(code=LARGE), inputs(**BUILD, bucket="artifacts"), weather=STEADY)
    ((_, stored),) = run.asked(a.StoreCode)
    ((_, updated),) = run.asked(a.UpdateCode)
    assert isinstance(stored, a.StoreCode)
    assert stored == a.StoreCode(key=KEY, package=LARGE, bucket="artifacts", path=stored.path, owner="123456789012")
    assert stored.path.startswith("CodeDeploy/checkout/code/6f757273")
    place = S3Location(bucket="artifacts", key=stored.path, version="v1", bundle_type="zip")
    assert updated == a.UpdateCode(
        key=KEY,
        function="checkout",
        code=StoredPackage(location=place, sha256=OURS, size=DIRECT_LIMIT + 1),
        revision_id="r1",
    )
    assert run.result.outcome is Outcome.SUCCEEDED


@dataclass
class Elsewhere(CodeWorld):
    """Something else is under the package's key: ours is stored beside it."""

    def perform(self, action: a.Action) -> a.Answer:
        if isinstance(action, a.StoreCode):
            place = S3Location(bucket="artifacts", key="else.zip", version="v1", bundle_type="zip")
            return StoredPackage(location=place, sha256=action.package.sha256, size=action.package.size)
        return super().perform(action)


def test_an_object_of_others_under_a_packages_key_is_told() -> None:
    run = play(Elsewhere(routing=AT_ONCE, code=LARGE), inputs(**BUILD, bucket="artifacts"), weather=STEADY)
    (said,) = run.said(e.Noticed)
    assert isinstance(said, e.Noticed)
    assert said.finding.code == "foreign-object"
    location = "s3://artifacts/else.zip?versionId=v1"
    assert said.finding.reason == ForeignObject(wanted=f"s3://artifacts/{KEY_OF_OURS}", location=location)
    assert run.result.outcome is Outcome.SUCCEEDED


def test_a_package_is_sent_with_the_revision_that_was_planned_with_and_said_when_it_is_there() -> None:
    run = play(at_once(), inputs(**BUILD), weather=STEADY)
    assert run.asked(a.UpdateCode) == [
        (pytest.approx(0.1), a.UpdateCode(key=KEY, function="checkout", code=PACKAGE, revision_id="r1"))
    ]
    assert run.said(e.CodeUploaded) == [e.CodeUploaded(at=pytest.approx(0.2), key=KEY, code_sha256=OURS, size=0)]


@pytest.mark.parametrize("code", [PACKAGE, LARGE])
def test_an_answer_that_comes_a_second_time_sends_nothing_again(code: object) -> None:
    world = at_once(code=code, update_takes=5.0)
    run = Run(world, first(inputs(**BUILD, bucket="artifacts"), context()), weather=STEADY)
    answer: Callable[[a.Action], tuple[float, a.Observation]] = run._answer

    def twice(action: a.Action) -> tuple[float, a.Observation]:
        at, observation = answer(action)
        if isinstance(action, a.StoreCode | a.UpdateCode):
            run._expect(at + 0.05, observation)
        return at, observation

    run._answer = twice  # type: ignore[method-assign]
    play_together(world, run)
    assert writes(run) == [*(["StoreCode"] if code is LARGE else []), "UpdateCode", "Publish", "Create"]
    assert run.result.outcome is Outcome.SUCCEEDED


def test_a_transfer_that_takes_long_is_begun_once() -> None:
    run = play(at_once(code=LARGE), inputs(**BUILD, bucket="artifacts"), weather=Weather(delays=(90.0, 90.0)))
    assert writes(run) == ["StoreCode", "UpdateCode", "Publish", "Create"]


# --- until the update is over ---


def test_our_update_is_waited_for_looking_every_other_second() -> None:
    run = play(at_once(update_takes=10.0), inputs(**BUILD), weather=STEADY)
    assert [action for _, action in run.asked(a.LookVersion)][:1] == [
        a.LookVersion(key=KEY, function="checkout", version="$LATEST")
    ]
    assert moments(run, a.LookVersion) == [2.2, 4.3, 6.4, 8.5, 10.6]
    assert moments(run, a.Publish) == [10.7]
    assert len(run.said(e.CodeUploaded)) == 1


@dataclass(kw_only=True)
class Flaky(CodeWorld):
    """It cannot be looked at between these moments."""

    unseen: tuple[tuple[float, float], ...] = ()

    def perform(self, action: a.Action) -> a.Answer:
        if isinstance(action, a.LookVersion) and any(since <= self.now < until for since, until in self.unseen):
            raise AwsError(ErrorKind.THROTTLED, operation="lambda:GetFunction", code="X", message="slow down")
        return super().perform(action)


def test_a_look_that_fails_is_repeated_after_a_pause_that_begins_anew_with_each_answer() -> None:
    world = Flaky(routing=AT_ONCE, update_takes=60.0, unseen=((2.0, 20.0), (37.0, 40.0)))
    run = play(world, inputs(**BUILD), weather=STEADY)
    looks = moments(run, a.LookVersion)
    first_fault = [later - earlier - 0.1 for earlier, later in pairwise(looks) if earlier < 20.0]
    assert [round(pause / base, 1) for pause, base in zip(first_fault, (2.0, 4.0, 8.0, 16.0), strict=True)] == [1.0] * 4
    second_fault = [later - earlier - 0.1 for earlier, later in pairwise(looks) if 37.0 <= earlier < 40.0]
    assert [round(pause / base, 1) for pause, base in zip(second_fault, (2.0,), strict=True)] == [1.0]
    usual = [later - earlier for earlier, later in pairwise(looks) if 20.0 <= earlier < 37.0]
    assert usual == pytest.approx([2.1] * len(usual))
    assert run.result.outcome is Outcome.SUCCEEDED


def test_an_update_that_takes_longer_than_five_minutes_is_given_up_without_a_version() -> None:
    run = play(at_once(update_takes=1e6), inputs(**BUILD), weather=STEADY)
    assert 300.2 < run.now < 302.4
    assert writes(run) == ["UpdateCode"]
    assert end(run) == (Outcome.FAILED, (UpdateTooLong(function="checkout", minutes=5.0),))


def test_its_five_minutes_are_those_of_the_update_itself() -> None:
    run = play(at_once(busy_until=100.0, update_takes=250.0), inputs(**BUILD), weather=STEADY)
    assert run.result.outcome is Outcome.SUCCEEDED


@dataclass(kw_only=True)
class Failing(CodeWorld):
    why: str = ""

    def latest(self) -> FunctionVersion:
        return replace(super().latest(), last_update_reason=self.why)


@pytest.mark.parametrize("why", ["", "The image has no manifest"])
def test_an_update_that_failed_is_said_with_lambdas_reason(why: str) -> None:
    run = play(Failing(routing=AT_ONCE, update_fails=True, why=why), inputs(**BUILD), weather=STEADY)
    assert writes(run) == ["UpdateCode"]
    assert end(run) == (Outcome.FAILED, (UpdateFailed(function="checkout", said=why),))


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("code", CODE_CHANGED),
        ("settings", "its settings were changed (MemorySize)"),
    ],
)
def test_what_somebody_changed_after_our_update_is_not_published(kind: str, what: str) -> None:
    run = play(at_once(update_takes=10.0, others=[(5.0, kind)]), inputs(**BUILD), weather=STEADY)
    assert writes(run) == ["UpdateCode"]
    assert end(run) == (Outcome.REFUSED, (ChangedMeanwhile(function="checkout", changed=what),))


# --- what Lambda made of an image ---


@pytest.mark.parametrize(
    ("expected", "outcome"),
    [(OURS, Outcome.SUCCEEDED), ("a" * 64, Outcome.REFUSED)],
    ids=["as expected", "another"],
)
def test_an_image_by_tag_is_held_to_the_expected_hash_once_it_is_known(expected: str, outcome: Outcome) -> None:
    tag = Image(uri=f"{ECR}:v1")
    run = play(at_once(code=tag), inputs(code=tag.uri, expect_code_sha256=expected), weather=STEADY)
    assert run.result.outcome is outcome
    if outcome is Outcome.REFUSED:
        assert writes(run) == ["UpdateCode"]
        assert end(run)[1:] == (
            (
                OtherCode(
                    function="checkout",
                    found="b3VycyBvdXJzIG91cnMgb3VycyBvdXJzIG91cnMgISE=",
                    expected="aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                ),
            ),
        )


def test_a_tag_that_leads_to_the_image_that_is_served_publishes_nothing() -> None:
    tag = Image(uri=f"{ECR}:v1")
    run = play(at_once(code=tag, versions={"1": OURS}, latest_sha="older"), inputs(code=tag.uri), weather=STEADY)
    assert writes(run) == ["UpdateCode"]
    assert end(run) == (Outcome.UNCHANGED, (SameCode(version="1"),))
    assert len(run.said(e.CodeUploaded)) == 1


def test_a_tag_that_leads_where_it_led_before_is_known_by_the_revision_that_moved() -> None:
    """Its update was lost, and had its effect: it is not sent again."""
    tag = Image(uri=f"{ECR}:stable")
    weather = replace(storm(ErrorKind.UNREACHABLE, 1.0, UpdateCode=1.0), lost_answers=1.0)
    run = play(at_once(code=tag, image_uri=tag.uri, latest_sha=OURS), inputs(code=tag.uri), weather=weather)
    assert writes(run) == ["UpdateCode", "Publish", "Create"]
    assert run.result.outcome is Outcome.SUCCEEDED


def test_the_first_deployment_of_an_image_by_tag_has_nothing_to_compare_it_with() -> None:
    tag = Image(uri=f"{ECR}:v1")
    run = play(at_once(code=tag, alias_exists=False), inputs(code=tag.uri, create_alias="true"), weather=STEADY)
    assert writes(run) == ["UpdateCode", "Publish", "CreateAlias"]
    assert run.result.outcome is Outcome.SUCCEEDED


@dataclass(kw_only=True)
class Hashing(CodeWorld):
    """Lambda's hash of an image is not its digest."""

    def update(self, action: a.UpdateCode) -> FunctionVersion:
        super().update(action)
        self.latest_sha = OURS
        return self.latest()


@pytest.mark.parametrize("world", [CodeWorld, Hashing])
def test_an_image_by_its_digest_is_known_by_it_or_by_its_address(world: type[CodeWorld]) -> None:
    image = Image(uri=f"{ECR}@sha256:{'b' * 64}")
    run = play(world(routing=AT_ONCE, code=image), inputs(code=image.uri), weather=STEADY)
    assert writes(run) == ["UpdateCode", "Publish", "Create"]
    assert run.result.outcome is Outcome.SUCCEEDED


def test_an_image_that_was_there_by_another_tag_is_known_by_its_digest() -> None:
    """The update was lost; what is there has the digest, whatever its address and revision."""
    image = Image(uri=f"{ECR}@sha256:{'b' * 64}")

    @dataclass(kw_only=True)
    class ByTag(CodeWorld):
        def update(self, action: a.UpdateCode) -> FunctionVersion:
            super().update(action)
            self.image_uri = f"{ECR}:stable"
            return self.latest()

    weather = replace(storm(ErrorKind.UNREACHABLE, 1.0, UpdateCode=1.0), lost_answers=1.0)
    run = play(ByTag(routing=AT_ONCE, code=image), inputs(code=image.uri), weather=weather)
    assert writes(run) == ["UpdateCode", "Publish", "Create"]
    assert run.result.outcome is Outcome.SUCCEEDED


def test_somebody_elses_image_is_not_taken_for_ours() -> None:
    """Ours was lost without effect, and theirs moved the revision."""
    tag = Image(uri=f"{ECR}:v1")
    world = at_once(code=tag, image_uri=f"{ECR}:theirs", others=[(0.5, "code")])
    run = play(world, inputs(code=tag.uri), weather=storm(ErrorKind.UNREACHABLE, 1.0, UpdateCode=1.0))
    assert writes(run) == ["UpdateCode"]
    assert end(run)[1] == (ChangedMeanwhile(function="checkout", changed=CODE_CHANGED),)


# --- an update that fails ---


@pytest.mark.parametrize("kind", [ErrorKind.THROTTLED, ErrorKind.EXPIRED])
def test_an_update_that_was_turned_away_is_repeated_for_five_minutes(kind: ErrorKind) -> None:
    soon = play(at_once(), inputs(**BUILD), weather=storm(kind, 250.0, UpdateCode=1.0))
    assert soon.result.outcome is Outcome.SUCCEEDED
    pauses = [later - earlier - 1.1 for earlier, later in pairwise(moments(soon, a.UpdateCode))]
    wanted = [1.0, 2.0, 4.0, 8.0, 16.0, *[30.0] * 20]
    assert all(0.9 <= pause / base <= 1.1 for pause, base in zip(pauses, wanted, strict=False))
    never = play(at_once(), inputs(**BUILD), weather=storm(kind, UpdateCode=1.0))
    assert 300.1 < never.now < 335.0
    assert end(never) == (Outcome.ERROR, (aws(kind, "test:UpdateCode"),))


def test_the_five_minutes_are_those_of_the_update_itself() -> None:
    """However long somebody else's was waited for before."""
    weather = storm(ErrorKind.THROTTLED, 500.0, UpdateCode=1.0)
    run = play(at_once(busy_until=280.0), inputs(**BUILD), weather=weather)
    assert run.result.outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (refused("Not now.", "Wait."), Outcome.REFUSED),
        (AwsError(ErrorKind.DENIED, operation="lambda:UpdateFunctionCode", code="X", message="no"), Outcome.ERROR),
    ],
)
def test_an_update_that_is_refused_ends_the_run_with_why(error: Any, outcome: Outcome) -> None:
    class Refusing(CodeWorld):
        def update(self, action: a.UpdateCode) -> FunctionVersion:
            raise error

    run = play(Refusing(routing=AT_ONCE), inputs(**BUILD), weather=STEADY)
    assert writes(run) == ["UpdateCode"]
    assert end(run) == (outcome, (error.reason,))


def test_an_update_that_is_lost_over_and_over_without_effect_is_given_up() -> None:
    run = play(at_once(), inputs(**BUILD), weather=storm(ErrorKind.UNREACHABLE, UpdateCode=1.0))
    assert writes(run) == ["UpdateCode"] * 5
    assert end(run) == (
        Outcome.ERROR,
        (UpdateWithoutEffect(times=5), AwsUnreachable(operation="test:UpdateCode", error="Fault", message="weather")),
    )


def test_what_aws_said_about_an_update_that_never_had_an_effect_is_told_with_its_remedy() -> None:
    """An error of theirs may be for good, whatever its status says."""
    said = AwsError(ErrorKind.UNREACHABLE, operation="lambda:UpdateFunctionCode", code="Odd", message="the key is gone")
    said.hint = saying("key", "", "Restore the key.")

    class Broken(CodeWorld):
        def update(self, action: a.UpdateCode) -> FunctionVersion:
            raise said

    run = play(Broken(routing=AT_ONCE), inputs(**BUILD), weather=STEADY)
    assert end(run) == (Outcome.ERROR, (UpdateWithoutEffect(times=5), said.reason))
    assert run.result.remedy.endswith("Restore the key.")


def test_a_lost_update_is_looked_for_a_second_later() -> None:
    run = play(at_once(), inputs(**BUILD), weather=storm(ErrorKind.UNREACHABLE, 1.0, UpdateCode=1.0))
    assert moments(run, a.UpdateCode) == [0.1, 2.3]
    assert moments(run, a.LookVersion) == [2.2]
    assert run.result.outcome is Outcome.SUCCEEDED


@dataclass(kw_only=True)
class Reverting(CodeWorld):
    """Somebody puts back what was there before, at these moments."""

    reverts: list[float] = field(default_factory=list)

    def _next(self) -> Any:
        found = super()._next()
        if self.reverts and (found is None or self.reverts[0] < found[0]):
            return self.reverts[0], self._revert, ()
        return found

    def _revert(self) -> None:
        self.reverts.pop(0)
        self.latest_sha = "new"
        self._touch()


@pytest.mark.parametrize(
    ("had_effect", "at", "sent"),
    [(0.0, 5.0, ["UpdateCode", "UpdateCode"]), (1.0, 10.75, ["UpdateCode", *["Publish"] * 5])],
    ids=["after the second update", "before the publishing"],
)
def test_code_that_was_there_and_was_put_back_is_not_overwritten_again(
    had_effect: float, at: float, sent: list[str]
) -> None:
    """An update was lost, and looked for; that it is in doubt is over then."""
    weather = replace(storm(ErrorKind.UNREACHABLE, 1.0, UpdateCode=1.0), lost_answers=had_effect)
    world = Reverting(routing=AT_ONCE, update_takes=10.0, reverts=[at])
    run = play(world, inputs(**BUILD), weather=replace(weather, delays=(0.5, 0.5)))
    assert writes(run) == sent
    assert end(run)[:2] == (
        Outcome.REFUSED,
        (ChangedMeanwhile(function="checkout", changed=CODE_CHANGED),),
    )


def test_what_is_published_from_latest_and_changes_meanwhile_is_refused_by_name() -> None:
    """Without a package nothing was sent; the publishing finds another code than was planned."""
    run = play(at_once(code=None, others=[(0.3, "code")]), inputs(), weather=Weather(delays=(0.5, 0.5)))
    assert writes(run) == ["Publish"]
    assert end(run) == (
        Outcome.REFUSED,
        (ChangedMeanwhile(function="checkout", changed=CODE_CHANGED),),
    )
    assert run.said(e.CodeUploaded) == []


@dataclass(kw_only=True)
class Restless(CodeWorld):
    """Lambda itself moves the revision once, between our update and the publishing."""

    moved: bool = False

    def publish_guarded(self, action: a.Publish) -> FunctionVersion:
        if not self.moved:
            self.moved = True
            self.revision += 1
        return super().publish_guarded(action)


@pytest.mark.parametrize("code", [PACKAGE, Image(uri=f"{ECR}:v1")])
def test_code_that_is_looked_at_again_before_it_is_published_is_said_once_to_be_there(code: Any) -> None:
    given = {"code": code.uri} if isinstance(code, Image) else BUILD
    run = play(Restless(routing=AT_ONCE, code=code), inputs(**given), weather=STEADY)
    assert writes(run) == ["UpdateCode", "Publish", "Publish", "Create"]
    assert len(run.said(e.CodeUploaded)) == 1
    assert run.result.outcome is Outcome.SUCCEEDED
