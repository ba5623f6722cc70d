"""From code to a version: guarded, waited for, published once, and never over somebody else's change."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ci_deploy.core.aws import Alias, FunctionVersion, Invocation
from ci_deploy.core.errors import AwsError, ErrorKind, Refused
from ci_deploy.core.given.package.packaging import DIRECT_LIMIT, StoredPackage
from ci_deploy.core.given.source import Image
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine.rollout import Turn
from ci_deploy.core.machine.stages.publishing import description, not_woken
from ci_deploy.core.reasons.aws import AwsDenied, AwsThrottled, AwsUnreachable
from ci_deploy.core.reasons.ending.deploying import (
    AliasNotFound,
    AliasOfAnother,
    CancelledBefore,
    ChangedMeanwhile,
    FirstDeployment,
    FunctionGone,
    FunctionUpdating,
    NothingNew,
    VersionPending,
    VersionPreparing,
    VersionWaking,
)
from ci_deploy.core.reasons.preflight.versions import TargetInactive, VersionGone, VersionNotActive, VersionNotReady
from ci_deploy.core.reasons.reason import Reason
from ci_deploy.core.run import Outcome
from ci_deploy.core.story import events as e
from ci_deploy.core.story.events import Waiting
from tests.support.machine.codeworld import OURS, PACKAGE, CodeWorld
from tests.support.machine.playing import FAIR, STEADY, Run, Weather, first, play, play_together
from tests.support.machine.world import AT_ONCE, context, inputs
from tests.support.reasons import refused, saying

NOT_READY = VersionNotReady(version="2", minutes=26)
NOT_ACTIVE = VersionNotActive(
    function="checkout", version="2", state="Inactive", state_code="", why="", region="eu-central-1"
)
WRITES = (a.StoreCode, a.UpdateCode, a.Publish, a.CreateAlias, a.Create)


def kinds(run: Run) -> list[str]:
    """The writes that were asked for, in order."""
    return [type(action).__name__ for kind in WRITES for _, action in run.asked(kind)]


@dataclass(kw_only=True)
class Managed(CodeWorld):
    """On managed instances, with code that Lambda reads from S3, or with settings that it cannot decrypt."""

    by_reference: bool = False
    unread: dict[str, str] = field(default_factory=dict)

    def _dressed(self, found: FunctionVersion) -> FunctionVersion:
        seen = {name: value for name, value in found.configuration.items() if name not in self.unread}
        return replace(
            found,
            capacity_provider="arn:provider",
            code_by_reference=self.by_reference,
            unread=self.unread,
            configuration=seen,
        )

    def latest(self) -> FunctionVersion:
        return self._dressed(super().latest())

    def version(self, number: str | None) -> FunctionVersion | None:
        found = super().version(number)
        return self._dressed(found) if found else None


def at_once(**changes: object) -> CodeWorld:
    return CodeWorld(routing=AT_ONCE, **changes)  # type: ignore[arg-type]


def test_code_goes_to_latest_then_a_version_is_published_and_deployed() -> None:
    world = at_once()
    run = play(world, inputs(code="build"))
    assert run.result.outcome is Outcome.SUCCEEDED
    assert kinds(run) == ["UpdateCode", "Publish", "Create"]
    assert (world.alias_version, world.versions["2"]) == ("2", OURS)


def test_code_that_latest_has_is_published_without_an_update() -> None:
    run = play(at_once(latest_sha=OURS), inputs(code="build"))
    assert kinds(run) == ["Publish", "Create"]


def test_code_that_is_served_is_unchanged_and_nothing_is_written() -> None:
    """Even if `$LATEST` holds something else by now."""
    world = at_once(versions={"1": OURS}, latest_sha="something else")
    run = play(world, inputs(code="build"))
    assert run.result.outcome is Outcome.UNCHANGED
    assert kinds(run) == []


def test_the_same_code_with_other_settings_is_a_new_version() -> None:
    world = at_once(versions={"1": OURS}, latest_sha=OURS, settings={"MemorySize": "512"})
    assert kinds(play(world, inputs(code="build"))) == ["Publish", "Create"]


def test_what_is_too_large_for_a_request_goes_by_s3() -> None:
    world = at_once(code=replace(PACKAGE, size=DIRECT_LIMIT + 1))
    run = play(world, inputs(code="build", appspec=""))
    assert run.result.outcome is Outcome.SUCCEEDED
    (_, stored), (_, update) = run.asked(a.StoreCode)[0], run.asked(a.UpdateCode)[0]
    assert isinstance(update, a.UpdateCode)
    assert isinstance(update.code, StoredPackage)
    assert isinstance(stored, a.StoreCode)
    assert stored.path.endswith(".zip")


def test_what_just_fits_into_a_request_is_sent_in_it() -> None:
    run = play(at_once(code=replace(PACKAGE, size=DIRECT_LIMIT)), inputs(code="build"))
    assert kinds(run) == ["UpdateCode", "Publish", "Create"]


def test_code_that_cannot_be_stored_ends_the_run_with_what_was_said() -> None:
    world = scripted(StoreCode=[failing(ErrorKind.THROTTLED, "SlowDown", "Reduce your request rate.")])
    world.code = replace(PACKAGE, size=DIRECT_LIMIT + 1)
    run = play(world, inputs(code="build"))
    assert end(run) == (
        Outcome.ERROR,
        (AwsThrottled(operation="lambda:Test", error="SlowDown", message="Reduce your request rate."),),
    )
    assert kinds(run) == ["StoreCode"]


@pytest.mark.parametrize("takes", [10.0, 200.0])
def test_everything_pending_is_waited_for_before_and_after(takes: float) -> None:
    world = at_once(update_takes=takes, activation_takes=takes)
    world.busy_until = takes
    run = play(world, inputs(code="build"))
    assert run.result.outcome is Outcome.SUCCEEDED
    assert kinds(run) == ["UpdateCode", "Publish", "Create"]
    assert [event.what for event in run.said(e.Waiting)] == [  # type: ignore[attr-defined]
        FunctionUpdating(function="checkout"),
        VersionPreparing(version="2"),
        *([VersionPending(version="2", minutes=2)] if takes > 120 else []),
    ]


def test_instances_that_take_a_quarter_of_an_hour_to_start_are_waited_for_and_heard_of() -> None:
    """A version on managed instances is Active after three of them have started (facts.md H)."""
    world = Managed(routing=AT_ONCE, activation_takes=1700.0)
    run = play(world, inputs(code="build"), weather=STEADY)
    assert run.result.outcome is Outcome.SUCCEEDED
    told = [event.what for event in run.said(e.Waiting)]  # type: ignore[attr-defined]
    assert told[0] == VersionPreparing(version="2")
    assert told[1] == VersionPending(version="2", minutes=2, instances=True)
    assert len(told) == 14


def test_instances_that_do_not_start_within_an_hour_are_given_up() -> None:
    run = play(Managed(routing=AT_ONCE, activation_takes=1e6), inputs(code="build"), weather=STEADY)
    assert run.result.reasons == (VersionNotReady(version="2", minutes=60),)
    assert 3600.0 < run.now < 3620.0


def test_code_that_lambda_reads_from_s3_stays_there() -> None:
    """A direct upload, or an update that does not ask for it, would make a copy of it (facts.md H)."""
    world = Managed(routing=AT_ONCE, by_reference=True)
    run = play(world, inputs(code="build", bucket="artifacts"))
    assert run.result.outcome is Outcome.SUCCEEDED
    assert kinds(run) == ["StoreCode", "UpdateCode", "Publish", "Create"]
    (_, update) = run.asked(a.UpdateCode)[0]
    assert isinstance(update, a.UpdateCode)
    assert update.by_reference


def test_settings_that_cannot_be_read_are_published_and_lambda_decides() -> None:
    """The very change may be in them: nothing is taken for unchanged, and nothing for somebody's hand."""
    sealed = {"Environment": "AccessDeniedException"}
    world = Managed(versions={"1": OURS}, latest_sha=OURS, routing=AT_ONCE, unread=sealed)
    run = play(world, inputs(code="build"))
    assert (run.result.outcome, kinds(run)) == (Outcome.UNCHANGED, ["Publish"])
    assert run.result.reasons == (NothingNew(version="1"),)
    world = Managed(
        versions={"1": OURS}, latest_sha=OURS, routing=AT_ONCE, unread=sealed, settings={"Environment": "2"}
    )
    run = play(world, inputs(code="build"))
    assert (run.result.outcome, kinds(run)) == (Outcome.SUCCEEDED, ["Publish", "Create"])
    world = Managed(routing=AT_ONCE, unread=sealed, update_takes=10.0)
    run = play(world, inputs(code="build"))
    assert (run.result.outcome, kinds(run)) == (Outcome.SUCCEEDED, ["UpdateCode", "Publish", "Create"])


def test_an_update_that_never_ends_is_given_up_without_a_version() -> None:
    run = play(at_once(update_takes=10_000.0), inputs(code="build"))
    assert run.result.outcome is Outcome.FAILED
    assert run.count(a.Publish) == 0


def test_an_update_that_fails_publishes_nothing() -> None:
    run = play(at_once(update_fails=True, update_takes=5.0), inputs(code="build"))
    assert run.result.outcome is Outcome.FAILED
    assert run.count(a.Publish) == 0


@pytest.mark.parametrize("kind", ["code", "settings"])
@pytest.mark.parametrize("at", [0.31, 0.7, 5.0])
def test_what_somebody_else_changes_meanwhile_is_not_published_or_overwritten(kind: str, at: float) -> None:
    """Between the plan and the update, and between the update and the publishing."""
    world = at_once(update_takes=10.0)
    world.others = [(at, kind)]
    slow = Weather(delays=(0.5, 0.5))
    run = play(world, inputs(code="build"), weather=slow)
    assert run.result.outcome is Outcome.REFUSED
    assert run.result.reason_code == "changed-meanwhile"
    assert kinds(run)[-1:] == ["UpdateCode"]
    assert "2" not in world.versions


def lost(operation: str) -> Weather:
    return Weather(rates={operation: 1.0}, kinds=(ErrorKind.UNREACHABLE,), until=3.0)


@pytest.mark.parametrize("had_effect", [0.0, 1.0])
@pytest.mark.parametrize("operation", ["UpdateCode", "Publish"])
def test_an_answer_that_was_lost_is_looked_for_before_it_is_repeated(operation: str, had_effect: float) -> None:
    world = at_once()
    weather = replace(lost(operation), lost_answers=had_effect)
    run = play(world, inputs(code="build"), weather=weather)
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
    run = play(world, inputs(code="build"))
    assert run.result.outcome is Outcome.SUCCEEDED, run.result.reason
    assert world.versions["2"] == OURS


def test_a_tag_that_was_there_before_is_not_taken_for_the_new_image() -> None:
    """The update is lost without effect: the address is the same, so RevisionId tells."""
    tag = Image(uri="123456789012.dkr.ecr.eu-central-1.amazonaws.com/app:stable")
    world = at_once(code=tag, image_uri=tag.uri, latest_sha="what the tag was")
    run = play(world, inputs(code=tag.uri), weather=replace(lost("UpdateCode"), lost_answers=0.0))
    assert run.result.outcome is Outcome.SUCCEEDED
    assert world.versions["2"] == OURS


def test_a_throttled_update_is_repeated() -> None:
    weather = Weather(rates={"UpdateCode": 1.0}, kinds=(ErrorKind.THROTTLED,), until=20.0)
    run = play(at_once(), inputs(code="build"), weather=weather)
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
            error.hint = saying("full", "", "prune")
            raise error

    run = play(Full(routing=AT_ONCE), inputs(code="build"))
    assert (run.result.outcome, run.result.remedy) == (Outcome.ERROR, "prune")


def test_other_code_than_expected_is_refused_before_the_update() -> None:
    run = play(at_once(), inputs(code="build", expect_code_sha256="x" * 43 + "="))
    assert run.result.outcome is Outcome.REFUSED
    assert kinds(run) == []


def test_an_image_by_tag_is_compared_once_latest_has_it() -> None:
    """Only Lambda knows which image a tag leads to: if it is the one that is served, no version is published."""
    tag = Image(uri="123456789012.dkr.ecr.eu-central-1.amazonaws.com/app:v1")
    same = play(at_once(code=tag, versions={"1": OURS}, latest_sha="older"), inputs(code=tag.uri))
    assert (same.result.outcome, kinds(same)) == (Outcome.UNCHANGED, ["UpdateCode"])
    new = play(at_once(code=tag), inputs(code=tag.uri))
    assert (new.result.outcome, kinds(new)) == (Outcome.SUCCEEDED, ["UpdateCode", "Publish", "Create"])
    given_up = play(at_once(code=tag), inputs(code=tag.uri, expect_code_sha256="a" * 64))
    assert (given_up.result.outcome, kinds(given_up)) == (Outcome.REFUSED, ["UpdateCode"])


@pytest.mark.parametrize("at", [0.01, 0.2, 0.5, 1.0, 2.0, 8.0, 15.0])
def test_a_signal_before_the_creation_creates_nothing(at: float) -> None:
    world = at_once(update_takes=5.0, activation_takes=15.0)
    run = play(world, inputs(code="build"), signals=[at])
    assert run.result.outcome is Outcome.CANCELLED
    assert world.deployments == []
    assert world.alias_version == "1"


def test_the_first_deployment_creates_the_alias_on_the_version() -> None:
    world = at_once(alias_exists=False)
    run = play(world, inputs(code="build", create_alias="true"))
    assert (run.result.outcome, run.result.deployed) == (Outcome.SUCCEEDED, True)
    assert kinds(run) == ["UpdateCode", "Publish", "CreateAlias"]
    assert world.alias_version == "2"
    assert run.result.reasons == (FirstDeployment(alias="live", version="2"),)


@pytest.mark.parametrize("had_effect", [0.0, 1.0])
def test_an_alias_whose_creation_was_lost_is_read_before_it_is_created_again(had_effect: float) -> None:
    world = at_once(alias_exists=False)
    weather = replace(lost("CreateAlias"), until=20.0, lost_answers=had_effect)
    run = play(world, inputs(code="build", create_alias="true"), weather=weather)
    assert run.result.outcome in (Outcome.SUCCEEDED, Outcome.ERROR)
    assert (run.result.outcome is Outcome.SUCCEEDED) == (world.alias_exists and world.alias_version == "2")


def test_without_create_alias_a_missing_alias_is_refused() -> None:
    run = play(at_once(alias_exists=False), inputs(code="build"))
    assert (run.result.outcome, kinds(run)) == (Outcome.REFUSED, [])


def test_the_description_names_the_commit() -> None:
    rollout = first(inputs(), replace(context(7), sha="c0ffee" * 6 + "abcd", repository="o/r"))
    assert description(rollout) == f"ci-deploy commit {'c0ffee' * 6}abcd of o/r, run 7"


# --- the version, call by call ---


@dataclass(kw_only=True)
class Scripted(CodeWorld):
    """`script`: by an action's name what comes of it one time after the other, instead of what usually would."""

    script: dict[str, list[object]] = field(default_factory=dict)

    def perform(self, action: a.Action) -> a.Answer:
        planned = self.script.get(type(action).__name__, [])
        if not planned:
            return super().perform(action)
        answer = planned.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[return-value]


def scripted(**script: list[object]) -> Scripted:
    return Scripted(routing=AT_ONCE, script=script)


def failing(kind: ErrorKind, code: str = "Fault", message: str = "") -> AwsError:
    return AwsError(kind, operation="lambda:Test", code=code, message=message)


def moments(run: Run, kind: type[a.Action]) -> list[float]:
    return [round(at, 1) for at, _ in run.asked(kind)]


def end(run: Run) -> tuple[Outcome, tuple[Reason, ...]]:
    return run.result.outcome, run.result.reasons


BUSY = ("ResourceConflictException", "An update is in progress")
MOVED = ("PreconditionFailedException", "")
OTHER_CODE = ("InvalidParameterValueException", "CodeSHA256 is different from the function's")


def test_what_was_looked_at_is_what_is_published() -> None:
    run = play(at_once(latest_sha=OURS), inputs(code="build"), weather=STEADY)
    ((_, publish),) = run.asked(a.Publish)
    (planned,) = run.said(e.Planned)
    assert publish == a.Publish(
        key="checkout:live",
        plan=planned.plan,  # type: ignore[attr-defined]
        description="ci-deploy commit abc123, run 100",
    )
    (published,) = run.said(e.VersionPublished)
    assert published == e.VersionPublished(at=published.at, key="checkout:live", version="2", code_sha256=OURS)
    assert run.result.target_version == "2"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"sha": "", "repository": "", "run_id": 0}, "ci-deploy"),
        ({"sha": "", "repository": "o/r", "run_id": 0}, "ci-deploy of o/r"),
        ({"sha": "c0ffee", "repository": "", "run_id": 0}, "ci-deploy commit c0ffee"),
        ({"sha": "", "repository": "", "run_id": 9}, "ci-deploy, run 9"),
        ({"sha": "c0ffee", "repository": "r" * 300, "run_id": 9}, ("ci-deploy commit c0ffee of " + "r" * 300)[:256]),
    ],
)
def test_a_version_says_what_is_known_of_where_it_comes_from_in_256_characters(
    changes: dict[str, object], text: str
) -> None:
    assert description(first(inputs(), replace(context(), **changes))) == text  # type: ignore[arg-type]


def test_where_lambda_publishes_nothing_new_there_is_nothing_to_deploy() -> None:
    """It finds `$LATEST` the same as what is served, whatever we think of its settings."""
    same = FunctionVersion(function="checkout", version="1", code_sha256="old")
    run = play(scripted(Publish=[same]), inputs(code="build"), weather=STEADY)
    assert end(run) == (Outcome.UNCHANGED, (NothingNew(version="1"),))
    assert kinds(run) == ["UpdateCode", "Publish"]
    assert len(run.said(e.VersionPublished)) == 1
    assert (run.result.previous_version, run.result.target_version) == ("1", "1")


@pytest.mark.parametrize(
    ("error", "times"),
    [
        (failing(ErrorKind.UNREACHABLE), [0.3, 1.3, 3.3]),
        (failing(ErrorKind.THROTTLED), [0.3, 1.3, 3.3]),
        (failing(ErrorKind.EXPIRED), [0.3, 1.3, 3.3]),
        (failing(ErrorKind.CONFLICT, *BUSY), [0.3, 1.3, 3.3]),
    ],
)
def test_a_publishing_that_may_succeed_later_is_repeated(error: AwsError, times: list[float]) -> None:
    run = play(scripted(Publish=[error, error]), inputs(code="build"), weather=STEADY)
    assert run.result.outcome is Outcome.SUCCEEDED
    assert moments(run, a.Publish) == pytest.approx(times, abs=0.5)
    waited = [event.what for event in run.said(e.Waiting)]  # type: ignore[attr-defined]
    assert waited == ([FunctionUpdating(function="checkout")] if error.code == BUSY[0] else [])


@pytest.mark.parametrize("error", [failing(ErrorKind.CONFLICT, *MOVED), failing(ErrorKind.REJECTED, *OTHER_CODE)])
def test_a_publishing_that_a_guard_refused_is_repeated_where_nothing_has_changed(error: AwsError) -> None:
    run = play(scripted(Publish=[error]), inputs(code="build"), weather=STEADY)
    assert run.result.outcome is Outcome.SUCCEEDED
    looks = [action.version for _, action in run.asked(a.LookVersion)]  # type: ignore[attr-defined]
    assert looks == ["$LATEST"]
    assert moments(run, a.LookVersion)[0] - moments(run, a.Publish)[0] == pytest.approx(1.1, abs=0.05)
    assert run.count(a.Publish) == 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (failing(ErrorKind.CONFLICT, *MOVED), "lambda:Test: PreconditionFailedException"),
        (failing(ErrorKind.REJECTED, *OTHER_CODE), f"lambda:Test: {': '.join(OTHER_CODE)}"),
    ],
)
def test_a_guard_that_refuses_again_and_again_is_somebody_elses_work(error: AwsError, said: str) -> None:
    run = play(scripted(Publish=[error] * 9), inputs(code="build"), weather=STEADY)
    assert end(run) == (Outcome.REFUSED, (ChangedMeanwhile(function="checkout", changed=said),))
    assert run.count(a.Publish) == 5


@pytest.mark.parametrize(
    "error",
    [
        failing(ErrorKind.REJECTED, "InvalidParameterValueException", "Description is too long"),
        failing(ErrorKind.DENIED, "AccessDeniedException", "CodeSha256"),
        failing(ErrorKind.NOT_FOUND, "ResourceNotFoundException", "no such function"),
        refused("sha256 is not what was expected."),
    ],
)
def test_a_publishing_that_cannot_succeed_ends_the_run_with_what_was_said(error: AwsError) -> None:
    run = play(scripted(Publish=[error]), inputs(code="build"), weather=STEADY)
    assert run.result.outcome is (Outcome.REFUSED if isinstance(error, Refused) else Outcome.ERROR)
    assert run.result.reasons == (error.reason,)
    assert run.count(a.Publish) == 1


@pytest.mark.parametrize("kind", [ErrorKind.UNREACHABLE, ErrorKind.THROTTLED, ErrorKind.EXPIRED])
def test_five_minutes_of_failing_are_enough_and_the_last_answer_is_told(kind: ErrorKind) -> None:
    run = play(scripted(Publish=[failing(kind)] * 99), inputs(code="build"), weather=STEADY)
    assert end(run) == (Outcome.ERROR, (failing(kind).reason,))
    assert 300.0 <= run.now < 340.0


@pytest.mark.parametrize("kind", [ErrorKind.UNREACHABLE, ErrorKind.THROTTLED])
def test_a_few_times_it_is_tried_however_long_an_answer_takes(kind: ErrorKind) -> None:
    world = scripted(Publish=[failing(kind)] * 99)
    run = Run(world, first(inputs(code="build"), context()), weather=STEADY)
    answer = run._answer

    def late(action: a.Action) -> tuple[float, a.Observation]:
        at, observation = answer(action)
        return (at + 400.0 if isinstance(action, a.Publish) else at), observation

    run._answer = late  # type: ignore[method-assign]
    play_together(world, run)
    assert run.count(a.Publish) == 4
    assert run.result.outcome is Outcome.ERROR


def test_a_function_that_is_busy_for_five_minutes_is_looked_at_and_published_again() -> None:
    """By then something else may have happened to it: what is there tells."""
    run = play(scripted(Publish=[failing(ErrorKind.CONFLICT, *BUSY)] * 70), inputs(code="build"), weather=STEADY)
    assert run.result.outcome is Outcome.SUCCEEDED
    times = moments(run, a.Publish)
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert max(pauses[:50]) <= 5.7
    waited = run.said(e.Waiting)
    assert waited[0] == Waiting(at=0.30000000000000004, key="checkout:live", what=FunctionUpdating(function="checkout"))
    assert len(waited) == 2
    looks = moments(run, a.LookVersion)
    assert 300.0 < looks[0] < 310.0


# --- a version that is not ready ---


def test_a_version_that_is_pending_is_looked_at_every_five_seconds_until_it_is_ready() -> None:
    run = play(at_once(latest_sha=OURS, activation_takes=20.0), inputs(code="build"), weather=STEADY)
    assert run.said(e.Waiting) == [Waiting(at=0.2, key="checkout:live", what=VersionPreparing(version="2"))]
    assert {action for _, action in run.asked(a.LookVersion)} == {
        a.LookVersion(key="checkout:live", function="checkout", version="2")
    }
    assert moments(run, a.LookVersion) == [2.2, 7.3, 12.4, 17.5, 22.6]
    assert run.result.outcome is Outcome.SUCCEEDED


def test_a_version_that_is_given_is_waited_for_as_well() -> None:
    world = at_once(versions={"1": "old", "2": "new"}, version_settings={"1": {}, "2": {}}, active_at={"2": 10.0})
    run = play(world, inputs(version="2"), weather=STEADY)
    assert (run.result.outcome, moments(run, a.LookVersion)) == (Outcome.SUCCEEDED, [2.1, 7.2, 12.3])
    assert kinds(run) == ["Create"]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, VersionGone(version="2")),
        (
            FunctionVersion(function="checkout", version="2", code_sha256=OURS, state="Inactive"),
            NOT_ACTIVE,
        ),
        (
            FunctionVersion(
                function="checkout", version="2", code_sha256=OURS, state="Failed", state_reason="no subnet."
            ),
            replace(NOT_ACTIVE, state="Failed", why="no subnet."),
        ),
    ],
)
def test_a_version_that_does_not_become_ready_is_not_deployed(found: FunctionVersion | None, said: Reason) -> None:
    world = Scripted(routing=AT_ONCE, latest_sha=OURS, activation_takes=20.0, script={"LookVersion": [found]})
    run = play(world, inputs(code="build"), weather=STEADY)
    assert end(run) == (Outcome.FAILED, (said,))
    assert world.deployments == []


def test_a_version_that_had_failed_when_it_is_published_again_is_not_deployed() -> None:
    """Lambda publishes the same code once: each re-run is answered with the version that failed before."""
    failed = FunctionVersion(
        function="checkout", version="2", code_sha256=OURS, state="Failed", state_reason="init failed."
    )
    world = Scripted(routing=AT_ONCE, latest_sha=OURS, script={"Publish": [failed]})
    run = play(world, inputs(code="build"), weather=STEADY)
    assert end(run) == (Outcome.FAILED, (replace(NOT_ACTIVE, state="Failed", why="init failed."),))
    assert world.deployments == []


@dataclass(kw_only=True)
class Sleeping(CodeWorld):
    """Version 2 is idle. Lambda refuses the first call to it, in its own time, and then prepares it."""

    refuses: AwsError
    wakes_after: float = 10.0
    called_at: float | None = None

    def version(self, number: str | None) -> FunctionVersion | None:
        found = super().version(number)
        if found is None or found.version != "2":
            return found
        since = -1.0 if self.called_at is None else self.now - self.called_at
        state = "Inactive" if since < self.wakes_after else "Pending" if since < self.wakes_after + 20 else "Active"
        return replace(found, state=state, state_reason_code="Idle", state_reason="The function is idle.")

    def perform(self, action: a.Action) -> a.Answer:
        if isinstance(action, a.Invoke):
            self.called_at = self.now
            raise self.refuses
        return super().perform(action)


def sleeping(refuses: AwsError, **more: Any) -> Sleeping:
    versions = {"1": "old", "2": "new"}
    settings: dict[str, dict[str, str]] = {"1": {}, "2": {}}
    return Sleeping(routing=AT_ONCE, versions=versions, version_settings=settings, refuses=refuses, **more)


PENDING = failing(ErrorKind.CONFLICT, "ResourceConflictException", "The function is in the following state: Pending")


def test_a_version_that_sleeps_is_woken_by_one_call_and_waited_for() -> None:
    run = play(sleeping(PENDING), inputs(version="2"), weather=STEADY)
    assert run.result.outcome is Outcome.SUCCEEDED
    assert [action for _, action in run.asked(a.Invoke)] == [
        a.Invoke(
            key="checkout:live", function="checkout", version="2", payload="{}", tenant="", timeout=0.0, wakes=True
        )
    ]
    assert kinds(run) == ["Create"]
    assert [event.what for event in run.events if isinstance(event, e.Waiting)] == [VersionWaking(version="2")]


def test_a_version_that_was_answered_after_all_is_deployed() -> None:
    """It was awake: the state that was read was old."""

    class Awake(Sleeping):
        def perform(self, action: a.Action) -> a.Answer:
            if isinstance(action, a.Invoke):
                self.called_at = self.now
                return Invocation(payload="{}", seconds=0.1)
            return super().perform(action)

    world = Awake(
        routing=AT_ONCE,
        versions={"1": "old", "2": "new"},
        version_settings={"1": {}, "2": {}},
        refuses=PENDING,
        wakes_after=0.0,
    )
    assert play(world, inputs(version="2"), weather=STEADY).result.outcome is Outcome.SUCCEEDED


def test_a_version_that_does_not_wake_up_is_not_deployed() -> None:
    run = play(sleeping(PENDING, wakes_after=1e6), inputs(version="2"), weather=STEADY)
    assert (run.result.outcome, run.count(a.Create), run.count(a.Invoke)) == (Outcome.FAILED, 0, 1)
    assert run.result.reason_code == "version-not-active"
    assert 60.0 < run.now < 70.0


def test_who_may_not_wake_it_up_is_told_what_to_call_and_which_permission_is_missing() -> None:
    denied = failing(ErrorKind.DENIED, "AccessDeniedException", "not authorized to perform: lambda:InvokeFunction")
    run = play(sleeping(denied, wakes_after=1e6), inputs(version="2"), weather=STEADY)
    sleeps = TargetInactive(
        function="checkout",
        version="2",
        state="Inactive",
        state_code="Idle",
        why="The function is idle.",
        region="eu-central-1",
    )
    assert (run.result.outcome, run.result.reasons) == (Outcome.REFUSED, (sleeps, denied.reason))


def test_a_refusal_that_comes_late_does_no_harm() -> None:
    turn = Turn(first(inputs(version="2"), context()), 1.0)
    not_woken(turn, failing(ErrorKind.DENIED))
    assert (turn.actions, turn.events) == ([], [])


def test_a_version_that_is_pending_for_26_minutes_is_given_up() -> None:
    """They count from its publishing, which something else had held up here."""
    world = at_once(latest_sha=OURS, activation_takes=1e6, busy_until=200.0)
    run = play(world, inputs(code="build"), weather=STEADY)
    assert end(run) == (Outcome.FAILED, (NOT_READY,))
    assert 1760.0 < run.now < 1770.0


def test_there_is_one_look_at_a_time_however_long_its_answer_takes() -> None:
    run = play(
        at_once(latest_sha=OURS, activation_takes=400.0), inputs(code="build"), weather=Weather(delays=(70.0, 70.0))
    )
    looks = moments(run, a.LookVersion)
    assert all(later - earlier >= 70.0 for earlier, later in pairwise(looks))
    assert len(looks) > 3


def test_what_failed_looks_do_is_forgotten_with_the_first_that_succeeds() -> None:
    """The pauses between them grow anew."""
    gone = failing(ErrorKind.UNREACHABLE)
    pending = FunctionVersion(function="checkout", version="2", code_sha256=OURS, state="Pending")
    script = {"LookVersion": [gone, gone, gone, pending, gone]}
    world = Scripted(routing=AT_ONCE, latest_sha=OURS, activation_takes=10.0, script=script)  # type: ignore[arg-type]
    run = play(world, inputs(code="build"), weather=STEADY)
    assert run.result.outcome is Outcome.SUCCEEDED
    pauses = [later - earlier for earlier, later in pairwise(moments(run, a.LookVersion))]
    assert pauses == pytest.approx([2.1, 4.1, 8.1, 5.1, 2.1], rel=0.11)
    busy = FunctionVersion(function="checkout", version="$LATEST", code_sha256="new", last_update_status="InProgress")
    settling = scripted(LookVersion=[gone, gone, gone, busy, gone])
    settling.busy_until = 1.0
    run = play(settling, inputs(code="build"), weather=STEADY)
    pauses = [later - earlier for earlier, later in pairwise(moments(run, a.LookVersion))]
    assert pauses == pytest.approx([2.1, 4.1, 8.1, 2.1, 2.1], rel=0.11)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (failing(ErrorKind.DENIED, "AccessDeniedException"), Outcome.ERROR),
        (refused("Not this account."), Outcome.REFUSED),
    ],
)
def test_a_version_that_may_not_be_looked_at_ends_the_run(error: Exception, outcome: Outcome) -> None:
    world = Scripted(routing=AT_ONCE, latest_sha=OURS, activation_takes=9.0, script={"LookVersion": [error]})
    run = play(world, inputs(code="build"), weather=STEADY)
    assert end(run) == (outcome, (error.reason,))  # type: ignore[attr-defined]
    assert run.count(a.LookVersion) == 1


def test_looks_that_fail_for_26_minutes_end_the_run_and_no_sooner() -> None:
    script = {"LookVersion": [failing(ErrorKind.THROTTLED)] * 99}
    world = Scripted(routing=AT_ONCE, latest_sha=OURS, activation_takes=9.0, script=script)  # type: ignore[arg-type]
    run = play(world, inputs(code="build"), weather=STEADY)
    assert end(run) == (Outcome.FAILED, (NOT_READY,))
    assert 1560.0 <= run.now < 1600.0


def test_looks_at_managed_instances_may_fail_for_as_long_as_those_may_take() -> None:
    weather = replace(STEADY, rates={"LookVersion": 1.0}, kinds=(ErrorKind.THROTTLED,), until=2000.0)
    run = play(Managed(latest_sha=OURS, activation_takes=9.0), inputs(code="build"), weather=weather)
    assert run.result.outcome is Outcome.SUCCEEDED
    assert moments(run, a.Create)[0] > 2000.0


def test_a_function_that_is_deleted_during_its_update_is_missed() -> None:
    run = play(Scripted(routing=AT_ONCE, update_takes=10.0, script={"LookVersion": [None]}), inputs(code="build"))
    assert end(run) == (Outcome.ERROR, (FunctionGone(function="checkout"),))


def test_a_function_that_is_deleted_while_its_update_is_waited_for_is_planned_anew() -> None:
    """Which finds it missing."""
    world = scripted(LookVersion=[None])
    world.busy_until = 1.15
    run = play(world, inputs(code="build"), weather=STEADY)
    assert (moments(run, a.Gather), moments(run, a.LookVersion)) == ([0.0, 1.2], [1.1])
    assert run.result.outcome is Outcome.SUCCEEDED, "it is there again"


# --- the first deployment, call by call ---


def first_one(**script: list[object]) -> Scripted:
    return Scripted(routing=AT_ONCE, latest_sha=OURS, alias_exists=False, script=script)


def create_it(world: Scripted, **more: Any) -> Run:
    return play(world, inputs(code="build", create_alias="true"), weather=STEADY, **more)


def test_the_first_alias_is_created_and_then_read() -> None:
    run = create_it(first_one())
    assert run.asked(a.CreateAlias) == [
        (pytest.approx(0.2), a.CreateAlias(key="checkout:live", function="checkout", alias="live", version="2"))
    ]
    assert run.asked(a.LookAlias) == [
        (pytest.approx(0.3), a.LookAlias(key="checkout:live", function="checkout", alias="live"))
    ]
    alias = Alias(function="checkout", name="live", version="2", revision_id="1")
    assert run.said(e.AliasRead) == [e.AliasRead(at=pytest.approx(0.4), key="checkout:live", alias=alias)]
    assert end(run) == (Outcome.SUCCEEDED, (FirstDeployment(alias="live", version="2"),))
    assert (run.result.deployed, run.result.live_version) == (True, "2")


def test_what_the_first_alias_serves_is_told_however_long_its_version_took() -> None:
    world = first_one()
    world.activation_takes = 200.0
    run = create_it(world)
    assert (run.result.outcome, run.result.live_version) == (Outcome.SUCCEEDED, "2")


@pytest.mark.parametrize("kind", [ErrorKind.UNREACHABLE, ErrorKind.CONFLICT])
def test_where_it_may_be_there_it_is_read_before_it_is_asked_for_again(kind: ErrorKind) -> None:
    run = create_it(first_one(CreateAlias=[failing(kind)]))
    assert moments(run, a.CreateAlias) == pytest.approx([0.2, 2.4], abs=0.2)
    assert moments(run, a.LookAlias)[0] == pytest.approx(1.3)
    assert end(run) == (Outcome.SUCCEEDED, (FirstDeployment(alias="live", version="2"),))


@pytest.mark.parametrize("kind", [ErrorKind.THROTTLED, ErrorKind.EXPIRED])
def test_a_creation_that_had_no_effect_is_repeated_for_five_minutes(kind: ErrorKind) -> None:
    twice = create_it(first_one(CreateAlias=[failing(kind)] * 2))
    assert moments(twice, a.CreateAlias) == pytest.approx([0.2, 1.3, 3.4], abs=0.4)
    assert (twice.count(a.LookAlias), twice.result.outcome) == (1, Outcome.SUCCEEDED)
    never = first_one(CreateAlias=[failing(kind)] * 99)
    never.activation_takes = 200.0
    run = create_it(never)
    assert end(run) == (Outcome.ERROR, (failing(kind).reason,))
    assert 500.0 <= run.now < 540.0


def test_a_creation_that_is_denied_ends_the_run() -> None:
    run = create_it(first_one(CreateAlias=[failing(ErrorKind.DENIED, "AccessDeniedException", "no")]))
    assert end(run) == (
        Outcome.ERROR,
        (AwsDenied(operation="lambda:Test", error="AccessDeniedException", message="no"),),
    )
    assert run.count(a.CreateAlias) == 1


def test_an_alias_that_somebody_else_created_meanwhile_is_not_taken_for_ours() -> None:
    theirs = Alias(function="checkout", name="live", version="7")
    run = create_it(first_one(LookAlias=[theirs]))
    assert end(run) == (Outcome.REFUSED, (AliasOfAnother(alias="live", version="7"),))
    assert (run.result.deployed, run.result.live_version) == (False, "7")


def test_an_alias_that_is_not_there_after_its_creation_is_created_again_a_few_times() -> None:
    once = create_it(first_one(LookAlias=[None]))
    assert (once.count(a.CreateAlias), once.count(a.LookAlias)) == (2, 2)
    assert once.result.outcome is Outcome.SUCCEEDED
    never = create_it(first_one(LookAlias=[None] * 99))
    assert end(never) == (Outcome.ERROR, (AliasNotFound(alias="live"),))
    assert (never.count(a.CreateAlias), never.count(a.LookAlias)) == (6, 6)


def test_what_aws_said_about_an_alias_that_never_came_is_told() -> None:
    failures = [failing(ErrorKind.UNREACHABLE, "Odd", "not today")] * 99
    never = create_it(first_one(CreateAlias=failures, LookAlias=[None] * 99))
    assert end(never) == (
        Outcome.ERROR,
        (AliasNotFound(alias="live"), AwsUnreachable(operation="lambda:Test", error="Odd", message="not today")),
    )


def test_looks_at_the_new_alias_that_fail_are_repeated_and_those_that_are_denied_are_not() -> None:
    failed = create_it(first_one(LookAlias=[failing(ErrorKind.THROTTLED)] * 3))
    assert failed.result.outcome is Outcome.SUCCEEDED
    assert failed.count(a.CreateAlias) == 1
    pauses = [later - earlier for earlier, later in pairwise(moments(failed, a.LookAlias))]
    assert pauses == pytest.approx([2.1, 4.1, 8.1], rel=0.11)
    never = first_one(LookAlias=[failing(ErrorKind.UNREACHABLE)] * 99)
    never.activation_takes = 200.0
    run = create_it(never)
    assert end(run) == (Outcome.ERROR, (AwsUnreachable(operation="lambda:Test", error="Fault"),))
    assert 1760.0 <= run.now < 1800.0
    denied = create_it(first_one(LookAlias=[failing(ErrorKind.DENIED, "AccessDeniedException")]))
    assert end(denied) == (Outcome.ERROR, (AwsDenied(operation="lambda:Test", error="AccessDeniedException"),))


def test_after_a_signal_an_alias_is_looked_for_and_not_created_again() -> None:
    """Its creation had been under way, and it was asked for once more after the signal."""
    terminal = context(actions=False)
    lost = create_it(first_one(CreateAlias=[failing(ErrorKind.UNREACHABLE)]), signals=[0.25], run=terminal)
    assert (moments(lost, a.CreateAlias), lost.count(a.LookAlias)) == ([0.2], 6)
    assert end(lost) == (Outcome.CANCELLED, (AliasNotFound(alias="live", cancelled=True),))
    late = create_it(first_one(LookAlias=[None, None]), signals=[0.35], run=terminal)
    assert moments(late, a.CreateAlias) == [0.2]
    assert moments(late, a.LookAlias) == pytest.approx([0.3, 1.4, 3.5], abs=0.3)
    assert end(late) == (Outcome.CANCELLED, (FirstDeployment(alias="live", version="2", late=True),))
    throttled = create_it(first_one(CreateAlias=[failing(ErrorKind.THROTTLED)]), signals=[0.25], run=terminal)
    assert end(throttled) == (Outcome.CANCELLED, (CancelledBefore(), failing(ErrorKind.THROTTLED).reason))
    assert throttled.count(a.CreateAlias) == 1


@pytest.mark.parametrize("again", ["the same", "a failure"])
@pytest.mark.parametrize("after", [0.5, 60.0])
def test_answers_that_come_a_second_time_change_nothing(after: float, again: str) -> None:
    """At once, and while the deployment is followed; of looks only what comes later, for they tell of their moment."""
    world = CodeWorld(update_takes=3.0, activation_takes=12.0, code=replace(PACKAGE, size=DIRECT_LIMIT + 1))
    run = Run(world, first(inputs(code="build"), context()), weather=STEADY)
    answer = run._answer
    kinds = (a.StoreCode, a.UpdateCode, a.Publish) + ((a.LookVersion, a.CreateAlias) if after > 1.0 else ())

    def twice(action: a.Action) -> tuple[float, a.Observation]:
        at, observation = answer(action)
        if isinstance(action, kinds):
            failed = a.Failed(action=action, error=failing(ErrorKind.REJECTED))
            run._expect(at + after, observation if again == "the same" else failed)
        return at, observation

    run._answer = twice  # type: ignore[method-assign]
    play_together(world, run)
    assert run.result.outcome is Outcome.SUCCEEDED
    assert (len(world.updates), sorted(world.versions), len(world.deployments)) == (1, ["1", "2"], 1)
    assert len(run.said(e.VersionPublished)) == 1


# --- whatever happens ---


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
    given_inputs = inputs(code="build", create_alias="true")
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
    one = Run(world, first(inputs(code="build"), context(100), "0badcafe"), weather=FAIR)
    two = Run(world, first(inputs(code="build"), context(101), "0badbeef"), weather=FAIR, seed=1)
    play_together(world, one, two)
    assert {one.result.outcome, two.result.outcome} <= {Outcome.SUCCEEDED, Outcome.UNCHANGED, Outcome.REFUSED}
    assert Outcome.SUCCEEDED in (one.result.outcome, two.result.outcome)
    assert sorted(world.versions) == ["1", "2"]
