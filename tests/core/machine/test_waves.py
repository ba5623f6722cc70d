"""Releases of many functions: planned together, begun in waves, and what becomes of the others when one fails.

Every function has a small world of its own, and, where a test says so, a deployment group that it shares.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ci_deploy.core.aws import AlarmConfiguration, CreateRequest, FunctionVersion, InlineContent, Unavailable
from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.given.source import Local
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine.waves import AT_WORK, coordinate
from ci_deploy.core.plan.planning import Existing, Facts
from ci_deploy.core.reasons.commands import PutBack
from ci_deploy.core.reasons.ending.deploying import CancelledBefore, FirstDeployment
from ci_deploy.core.reasons.ending.release import AllOrNone, EarlierWaveFailed, NotBegun, Stays, Undone
from ci_deploy.core.reasons.ending.stopping import LimitReached, ReleaseFailed
from ci_deploy.core.reasons.ending.verdict import (
    AnotherFailed,
    LeftRunning,
    NotReversed,
    ReversalEnded,
    RollbackStrayed,
    RolledBackBy,
    Serves,
)
from ci_deploy.core.reasons.preflight.deciding import GroupBusyTooLong
from ci_deploy.core.run import Command, Outcome, Rollback
from ci_deploy.core.story import events as e
from tests.support.machine.codeworld import CodeWorld
from tests.support.machine.many import FATAL, Member, Played, fails, group, play, quick, rollouts, slow, start
from tests.support.machine.playing import STEADY, Weather, first
from tests.support.machine.states import but
from tests.support.machine.world import AT_ONCE, CANARY, LINEAR, Running, World, context
from tests.support.reasons import where

ALL, ONLY_FAILED, STOP_WAVE = "rollback-all", "rollback-failed", "stop-wave"
WRITES = (a.StoreCode, a.UpdateCode, a.Publish, a.Upload, a.Create, a.CreateAlias, a.RepairAlias, a.Tag, a.Stop)
BACK = (Undone(back=True), Serves(serves=(("1", 100.0),)))


# --- planned together ---


def test_nothing_is_written_before_the_slowest_function_is_planned() -> None:
    played = play(quick("a"), quick("b"), quick("c"), weather=Weather(delays=(0.1, 9.0)))
    planned = [event.at for event in played.run.said(e.Planned)]
    assert len(planned) == 3
    assert max(planned) - min(planned) > 1.0
    assert min(at for at, action in played.run.actions if isinstance(action, WRITES)) == max(planned)
    assert played.outcomes == {"a": "succeeded", "b": "succeeded", "c": "succeeded"}
    assert played.whole == (Outcome.SUCCEEDED, True)


class Missing(World):
    """The function is there, and its alias is not."""

    def facts(self, action: a.Gather) -> Facts:
        return replace(super().facts(action), alias=None)


def test_one_refusal_keeps_all_of_them_from_beginning() -> None:
    played = play(quick("a"), Missing(function="b"), quick("c"))
    reason = AllOrNone(other="b:live", refused=True)
    assert played.outcomes == {"a": "refused", "b": "refused", "c": "refused"}
    assert (played.reasons["a"], played.reasons["c"]) == ((reason,), (reason,))
    assert {type(action) for _, action in played.run.actions} == {a.Gather}
    assert played.whole == (Outcome.REFUSED, False)


class Held(World):
    def facts(self, action: a.Gather) -> Facts:
        made = super().facts(action)
        assert made.latest is not None
        return replace(made, latest=replace(made.latest, tags={"ci-deploy:hold:live": "by bob"}))


@pytest.mark.parametrize(
    ("first", "given", "does"),
    [
        (quick("a", alias_weights={"2": 30.0}), {"repair-alias": "always"}, a.RepairAlias),
        (Held(function="a", routing=AT_ONCE), {"hold": "release"}, a.Tag),
    ],
)
def test_no_alias_is_repaired_and_no_hold_released_while_another_function_may_be_refused(
    first: World, given: dict[str, str], does: type[a.Action]
) -> None:
    refused = play(copy.deepcopy(first), Missing(function="b"), **given)
    assert refused.outcomes == {"a": "refused", "b": "refused"}
    assert {type(action) for _, action in refused.run.actions} == {a.Gather}
    played = play(copy.deepcopy(first), quick("b"), **given)
    assert played.outcomes == {"a": "succeeded", "b": "succeeded"}
    assert len(played.asked(does, "a")) == 1
    assert played.asked(does, "a")[0] < played.asked(a.Create, "a")[0]


class Unreadable(World):
    def facts(self, action: a.Gather) -> Facts:
        raise AwsError(ErrorKind.DENIED, operation="lambda:GetAlias", code="AccessDeniedException", message="no")


def test_one_that_could_not_be_read_is_not_called_refused() -> None:
    played = play(quick("a"), Unreadable(function="b"))
    assert played.outcomes == {"a": "refused", "b": "error"}
    assert played.reasons["a"] == (AllOrNone(other="b:live", refused=False),)
    assert played.run.result.outcome is Outcome.ERROR
    assert played.run.count(a.Publish) == 0


def test_what_is_unchanged_is_left_alone_and_the_others_go_ahead() -> None:
    played = play(quick("a", latest_sha="old"), quick("b"))
    assert played.outcomes == {"a": "unchanged", "b": "succeeded"}
    assert played.whole == (Outcome.SUCCEEDED, True)
    nothing = play(quick("a", latest_sha="old"), quick("b", latest_sha="old"))
    assert nothing.outcomes == {"a": "unchanged", "b": "unchanged"}
    assert nothing.whole == (Outcome.UNCHANGED, False)


@pytest.mark.parametrize(("routing", "times"), [(LINEAR, 1), (CANARY, 2)])
def test_a_plan_that_is_older_than_five_minutes_is_made_anew_before_its_wave_begins(
    routing: object, times: int
) -> None:
    """Three minutes of the first wave leave it fresh."""
    played = play(World(function="a", routing=routing), quick("b"), waves={"b": 1})  # type: ignore[arg-type]
    assert len([action for _, action in played.run.asked(a.Gather) if action.key == "b:live"]) == times
    assert played.outcomes == {"a": "succeeded", "b": "succeeded"}


def test_how_old_a_plan_is_counts_from_when_it_was_made() -> None:
    played = start(World(function="a", routing=LINEAR), quick("b"), waves={"b": 1}).answer_late(a.Gather, 200.0).end()
    assert played.asked(a.Gather, "b") == [0.0]
    assert played.run.now > 380.0


def test_what_changed_while_a_function_waited_for_its_wave_is_deployed_as_it_is_then() -> None:
    late = quick("b")
    release = start(slow("a"), late, waves={"b": 1}).until(200.0)
    late.latest_sha = "newer"
    release.end()
    assert late.versions == {"1": "old", "2": "newer"}
    assert late.alias_version == "2"


def test_a_function_in_whose_group_something_runs_is_planned_anew_when_its_turn_comes() -> None:
    theirs = Running(id="d-THEIRS", created=0.0, current="1", target="7", routing=AT_ONCE, function="b")
    busy = quick("b", deployments=[theirs], versions={"1": "old", "7": "seven"})
    played = play(quick("a"), busy)
    assert played.outcomes == {"a": "succeeded", "b": "succeeded"}
    assert [event.deployment_id for event in played.run.said(e.Waiting)] == ["d-THEIRS"]
    assert busy.deployments[1].current == "7"
    assert busy.alias_version == "8"


# --- waves, side by side ---


def test_waves_go_one_after_the_other_and_side_by_side_inside() -> None:
    played = play(*(slow(name) for name in "abcd"), waves={"b": 1, "c": 1, "d": 2})
    (a_span,), (b_span,), (c_span,), (d_span,) = (played.spans(name) for name in "abcd")
    assert b_span[0] == c_span[0]
    assert a_span[1] <= b_span[0]
    assert max(b_span[1], c_span[1]) <= d_span[0]
    assert played.whole == (Outcome.SUCCEEDED, True)


def test_a_wave_in_which_nothing_is_to_be_done_holds_nobody_up() -> None:
    played = play(quick("a", latest_sha="old"), quick("b"), waves={"b": 5})
    assert played.outcomes == {"a": "unchanged", "b": "succeeded"}
    assert played.asked(a.Publish, "b") == [0.1]


def test_a_wave_waits_for_the_slowest_of_the_one_before() -> None:
    played = play(quick("a"), slow("b"), quick("c"), waves={"c": 1})
    assert played.spans("b")[0][1] <= played.spans("c")[0][0]


@pytest.mark.parametrize("bound", [1, 2, 3])
def test_max_parallel_bounds_what_is_deployed_at_the_same_time(bound: int) -> None:
    played = play(*(slow(f"f{number}") for number in range(6)), max_parallel=bound)
    spans = sorted(span for number in range(6) for span in played.spans(f"f{number}"))
    assert max(at_once(spans)) == bound
    assert played.whole == (Outcome.SUCCEEDED, True)


def at_once(spans: Sequence[tuple[float, float]]) -> list[int]:
    """How many run at each beginning."""
    return [sum(began <= start < ended for began, ended in spans) for start, _ in spans]


def test_without_max_parallel_all_run_at_the_same_time_but_only_eight_are_begun_at_once() -> None:
    played = play(*(slow(f"f{number}") for number in range(20)))
    spans = sorted(span for number in range(20) for span in played.spans(f"f{number}"))
    assert max(at_once(spans)) == 20
    begun = [round(at, 3) for at, _ in played.run.asked(a.Publish)]
    assert begun[:AT_WORK] == [0.1] * AT_WORK
    assert begun[AT_WORK] > 0.1
    assert played.whole == (Outcome.SUCCEEDED, True)


def test_never_more_than_eight_are_between_their_plan_and_their_deployment() -> None:
    played = play(*(slow(f"f{number}") for number in range(30)), weather=Weather(delays=(0.1, 3.0)))
    created = {event.key: event.at for event in played.run.said(e.DeploymentStarted)}
    spans = sorted((at, created[action.key]) for at, action in played.run.asked(a.Publish))
    assert max(at_once(spans)) == AT_WORK


def test_max_parallel_above_eight_does_not_lift_the_bound_on_what_is_begun_at_once() -> None:
    played = play(*(slow(f"f{number}") for number in range(12)), max_parallel=10)
    assert [round(at, 3) for at, _ in played.run.asked(a.Publish)].count(0.1) == AT_WORK
    spans = sorted(span for number in range(12) for span in played.spans(f"f{number}"))
    assert max(at_once(spans)) == 10


def test_functions_of_one_group_take_turns_whatever_the_policy_on_conflicts() -> None:
    members = group(*(Member(function=name, routing=AT_ONCE) for name in "abc"))
    played = play(*members, on_conflict="fail")
    spans = sorted(span for name in "abc" for span in played.spans(name))
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert played.outcomes == {"a": "succeeded", "b": "succeeded", "c": "succeeded"}


def test_a_release_that_does_not_wait_begins_every_wave() -> None:
    played = play(slow("a"), slow("b"), waves={"b": 1}, wait="false")
    assert played.outcomes == {"a": "detached", "b": "detached"}
    assert played.run.now < 5.0


# --- one fails ---


def three_waves() -> list[World]:
    """`bad` fails in the second of three waves, half a minute after it began."""
    bad = World(function="bad", routing=AT_ONCE, hook_seconds=(30.0, None), hook_good=(False, True))
    return [slow("mate"), quick("early"), bad, quick("done"), quick("late")]


IN_THREE = {"bad": 1, "mate": 1, "done": 1, "late": 2}


def test_rollback_all_takes_back_the_whole_release() -> None:
    played = play(*three_waves(), waves=IN_THREE)
    assert played.outcomes == {
        "early": "rolled-back",
        "bad": "rolled-back",
        "mate": "rolled-back",
        "done": "rolled-back",
        "late": "stopped",
    }
    assert played.served == dict.fromkeys(("early", "bad", "mate", "done", "late"), "1")
    assert {name: played.reasons[name] for name in ("early", "mate", "done", "late")} == {
        "early": BACK,
        "mate": (
            AnotherFailed(deployment="d-mate-DEPLOY000", stopped=True),
            RolledBackBy(rollback="d-mate-ROLLBACK1", serves=(("1", 100.0),)),
        ),
        "done": BACK,
        "late": (NotBegun(other="bad:live"),),
    }
    assert [event.why for event in played.run.said(e.StopRequested)] == [ReleaseFailed(other="bad:live")]
    ((_, stop),) = played.run.asked(a.Stop)
    assert stop == a.Stop(key="mate:live", deployment_id="d-mate-DEPLOY000", rollback=True)
    assert played.worlds[4].deployments == []
    assert played.whole == (Outcome.ROLLED_BACK, False)
    assert played.run.result.function == "bad", "whoever failed leads, not whoever was taken along"


def test_rollback_failed_takes_back_that_function_alone_and_goes_on() -> None:
    played = play(*three_waves(), waves=IN_THREE, policy=ONLY_FAILED)
    assert played.outcomes == {
        "early": "succeeded",
        "bad": "rolled-back",
        "mate": "succeeded",
        "done": "succeeded",
        "late": "succeeded",
    }
    assert played.served == {"early": "2", "bad": "1", "mate": "2", "done": "2", "late": "2"}
    assert played.run.count(a.Stop) == 0
    assert played.whole == (Outcome.ROLLED_BACK, False)


def test_stop_wave_ends_the_wave_and_begins_no_other() -> None:
    played = play(*three_waves(), waves=IN_THREE, policy=STOP_WAVE)
    assert played.outcomes == {
        "early": "succeeded",
        "bad": "rolled-back",
        "mate": "succeeded",
        "done": "succeeded",
        "late": "stopped",
    }
    assert played.reasons["late"] == (EarlierWaveFailed(other="bad:live"),)
    assert played.served == {"early": "2", "bad": "1", "mate": "2", "done": "2", "late": "1"}
    assert played.run.count(a.Stop) == 0
    assert played.whole == (Outcome.ROLLED_BACK, False)


@pytest.mark.parametrize("bound", [1, 2])
def test_stop_wave_goes_on_with_what_waits_for_its_turn_in_the_same_wave(bound: int) -> None:
    """The release came to a standstill here, without a word, until the job's own time limit."""
    worlds = [fails("a"), quick("b"), quick("c"), quick("d"), quick("e")]
    played = play(*worlds, waves={"d": 1, "e": 2}, policy=STOP_WAVE, max_parallel=bound)
    assert played.outcomes == {
        "a": "rolled-back",
        "b": "succeeded",
        "c": "succeeded",
        "d": "stopped",
        "e": "stopped",
    }


@pytest.mark.parametrize("policy", [ALL, ONLY_FAILED, STOP_WAVE])
def test_a_failure_in_the_first_wave(policy: str) -> None:
    played = play(fails("a"), quick("b"), quick("c"), waves={"b": 1, "c": 2}, policy=policy)
    others = {ALL: "stopped", STOP_WAVE: "stopped", ONLY_FAILED: "succeeded"}[policy]
    assert played.outcomes == {"a": "rolled-back", "b": others, "c": others}
    assert played.run.count(a.Create) == (3 if policy == ONLY_FAILED else 1)


def test_a_refusal_that_comes_when_its_turn_comes_is_a_failure_of_the_release() -> None:
    """The first wave took longer than five minutes, and meanwhile somebody deleted the alias."""

    class Deleted(World):
        def facts(self, action: a.Gather) -> Facts:
            made = super().facts(action)
            return replace(made, alias=None) if self.now > 60.0 else made

    played = play(slow("a"), Deleted(function="b"), quick("c"), waves={"b": 1, "c": 2})
    assert played.outcomes == {"a": "rolled-back", "b": "refused", "c": "stopped"}
    assert played.served["a"] == "1"


def test_a_creation_that_is_under_way_when_another_fails_is_stopped_as_soon_as_it_is_known() -> None:
    """That others had been told not to begin kept this one from being stopped, and it was deployed."""
    played = start(quick("c"), fails("a"), slow("b"), waves={"c": 1}).answer_late(a.Create, 30.0, "b").end()
    assert played.outcomes == {"c": "stopped", "a": "rolled-back", "b": "rolled-back"}
    assert played.served == {"a": "1", "b": "1", "c": "1"}
    told = [(type(event), event.at) for event in played.run.events if event.key == "b:live" and event.at > 30.0]
    assert told[:2] == [(e.DeploymentStarted, 30.301), (e.StopRequested, 30.301)]
    assert played.asked(a.Stop, "b") == [30.301]
    assert [event.why for event in played.run.said(e.StopRequested)] == [ReleaseFailed(other="a:live")]


class Unheard(World):
    """Its deployment is created, and the answer is lost."""

    def create(self, request: CreateRequest) -> str:
        raise AwsError(
            ErrorKind.UNREACHABLE, operation="codedeploy:CreateDeployment", code="", message=super().create(request)
        )


def test_a_creation_that_is_in_doubt_when_another_fails_is_looked_for_and_stopped() -> None:
    played = start(fails("a"), Unheard(function="b")).answer_late(a.Find, 30.0).end()
    assert played.outcomes == {"a": "rolled-back", "b": "rolled-back"}
    assert played.served == {"a": "1", "b": "1"}
    assert len(played.asked(a.Stop, "b")) == 1


def test_a_version_whose_publishing_is_in_doubt_when_another_fails_is_not_deployed_any_more() -> None:
    class Silent(World):
        def publish(self) -> FunctionVersion:
            raise AwsError(ErrorKind.UNREACHABLE, operation="lambda:PublishVersion", code="", message="")

    played = play(fails("a"), Silent(function="b"))
    assert played.outcomes == {"a": "rolled-back", "b": "stopped"}
    assert played.run.now < 30.0


def test_what_is_only_being_prepared_when_another_fails_is_never_created() -> None:
    """Its version is still pending."""
    preparing = CodeWorld(function="checkout", activation_takes=60.0)
    played = play(fails("a"), preparing, code="build")
    assert played.outcomes == {"a": "rolled-back", "checkout": "stopped"}
    assert played.reasons["checkout"] == (NotBegun(other="a:live"),)
    assert preparing.deployments == []


def test_what_succeeds_while_another_fails_is_taken_back_too() -> None:
    """It is over and is being verified at that moment: it cannot be stopped any more."""
    for seconds in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0):
        bad = World(function="bad", routing=AT_ONCE, hook_seconds=(seconds, None), hook_good=(False, True))
        played = play(bad, quick("b"), quick("c"), waves={"c": 1})
        assert played.outcomes == {"bad": "rolled-back", "b": "rolled-back", "c": "stopped"}, seconds
        assert played.served == {"bad": "1", "b": "1", "c": "1"}


def test_a_stop_that_comes_too_late_ends_in_a_reversal() -> None:
    """The deployment was over when the other one failed; that had not been seen yet."""

    class Unseen(World):
        def perform(self, action: a.Action) -> a.Answer:
            return () if isinstance(action, a.Look) and 301.0 < self.now < 330.0 else super().perform(action)

    bad = World(function="bad", routing=AT_ONCE, hook_seconds=(300.0, None), hook_good=(False, True))
    played = play(bad, Unseen(function="b"))
    assert [event.message for event in played.run.said(e.StopAnswered)] == ["it was over already"]
    assert played.outcomes == {"bad": "rolled-back", "b": "rolled-back"}
    assert (played.served, played.reasons["b"]) == ({"bad": "1", "b": "1"}, BACK)


def test_a_deployment_that_is_stopped_already_is_not_stopped_a_second_time() -> None:
    """Its time limit had passed; the answer to the stop was Pending."""
    bad = World(function="bad", routing=AT_ONCE, hook_seconds=(92.0, None), hook_good=(False, True))
    mate = slow("mate", stop_takes=30.0)
    release = rollouts([bad, mate])
    release[1] = but(release[1], inputs=replace(release[1].inputs, timeout=90.0))
    played = play(bad, mate, release=release)
    assert played.outcomes == {"bad": "rolled-back", "mate": "timed-out"}
    assert [event.why for event in played.run.said(e.StopRequested)] == [LimitReached(minutes=1.5)]


# --- reversals ---


def reversal_of(played: Played, function: str) -> CreateRequest:
    _, reversal = played.requests(function)
    return reversal


def test_a_reversal_goes_back_at_once_without_hooks_and_cannot_be_rolled_back_itself() -> None:
    hooks = {"before_allow_traffic": "CodeDeployHook_a", "after_allow_traffic": "CodeDeployHook_b"}
    played = play(quick("a"), slow("b", alarm_at=100.0), **hooks)
    assert played.outcomes == {"a": "rolled-back", "b": "rolled-back"}
    made = reversal_of(played, "a")
    assert isinstance(made.revision, InlineContent)
    assert "Hooks" not in made.revision.content
    assert (made.config_name, made.auto_rollback) == ("CodeDeployDefault.LambdaAllAtOnce", ())
    assert made.description == (
        "ci-deploy/1 id=622f097c run=100.1 key=b6110d09d5d072f1 sha=abc123 kind=rollback by=alice "
        + ReleaseFailed(other="b:live").text
    )
    forth, back = (one for one in played.worlds[0].deployments if one.by_hand)
    assert (back.current, back.target) == (forth.target, forth.current) == ("2", "1")
    begun = [event for event in played.run.said(e.DeploymentStarted) if event.key == "a:live"]
    assert [(event.reverses, event.attached) for event in begun] == [(False, False), (True, False)]
    result = played.run.concluded.results[0]
    assert (result.deployment_id, result.rollback_deployment_id) == ("d-a-DEPLOY000", "d-a-DEPLOY001")
    assert (result.previous_version, result.target_version, result.live_version) == ("1", "2", "1")
    assert (result.rollback, result.deployed) == (Rollback.SUCCEEDED, False)


def test_the_plan_of_a_reversal_is_the_way_back_of_what_was_done() -> None:
    """What CodeDeploy does by itself, and what was compared and found before, does not hold on the way back."""
    hooks = {"CodeDeployHook_a": Unavailable("no")}
    worlds = [World(function="a", routing=LINEAR, hooks=hooks), fails("b")]
    played = play(*worlds, waves={"b": 1}, before_allow_traffic="CodeDeployHook_a", bucket="", timeout="20m")
    (forth,) = (event.plan for event in played.run.said(e.Planned) if event.key == "a:live")
    assert forth.findings != ()
    new = FunctionVersion(function="a", version="2", code_sha256="new")
    back = replace(
        forth,
        current_version="2",
        target=Existing(version="1"),
        config_name="CodeDeployDefault.LambdaAllAtOnce",
        routing=AT_ONCE,
        before_hook="",
        auto_rollback=(),
        rollback_events=(),
        override_alarms=AlarmConfiguration(enabled=False),
        timeout=600.0,
        reverses=True,
        current=new,
        new=forth.current,
        findings=(),
    )
    assert played.run.release.rollouts[0].plan == back


def test_alarms_do_not_stop_a_reversal() -> None:
    """The one that rang for the function that failed may watch the others as well."""
    played = play(quick("a"), slow("b", alarm_at=100.0))
    forth, back = played.requests("a")
    assert forth.override_alarms is None
    assert back.override_alarms == AlarmConfiguration(enabled=False)


def test_where_alarms_were_ignored_they_are_ignored_on_the_way_back_and_where_none_are_there_none_are_named() -> None:
    ignored = play(quick("a"), fails("b"), waves={"b": 1}, alarms="off")
    assert [made.override_alarms for made in ignored.requests("a")] == [AlarmConfiguration(enabled=False)] * 2

    class Quiet(World):
        def facts(self, action: a.Gather) -> Facts:
            made = super().facts(action)
            assert made.group is not None
            return replace(made, group=replace(made.group, alarms=AlarmConfiguration()))

    quiet = play(Quiet(function="a", routing=AT_ONCE), fails("b"), waves={"b": 1})
    assert [made.override_alarms for made in quiet.requests("a")] == [None, None]


def test_without_the_permission_to_silence_alarms_the_way_back_is_taken_all_the_same() -> None:
    class Strict(World):
        def create(self, request: CreateRequest) -> str:
            if request.override_alarms is not None:
                operation = "codedeploy:CreateDeployment"
                raise AwsError(ErrorKind.DENIED, operation=operation, code="AccessDeniedException", message="no")
            return super().create(request)

    played = play(Strict(function="a", routing=AT_ONCE), fails("b"), waves={"b": 1})
    assert played.outcomes == {"a": "rolled-back", "b": "rolled-back"}
    assert [event.finding.code for event in played.run.said(e.Noticed)] == ["alarms-not-overridden"]


def test_a_reversal_has_ten_minutes_whatever_the_time_limit_was_and_is_left_running_after_them() -> None:
    """Neither a time limit nor `on-timeout` of the deployment that it takes back is meant for it."""

    class Stuck(World):
        def create(self, request: CreateRequest) -> str:
            self.hook_seconds = (1e5 if self.deployments else None, None)
            return super().create(request)

    stuck = Stuck(function="a", routing=AT_ONCE)
    played = play(stuck, fails("b"), waves={"b": 1}, timeout="90s", on_timeout="stop")
    reversed_at = [event.at for event in played.run.said(e.DeploymentStarted) if event.reverses]
    assert played.run.now - reversed_at[0] == pytest.approx(600.0, abs=1.0)
    assert played.run.count(a.Stop) == 0
    assert played.outcomes == {"a": "rollback-failed", "b": "rolled-back"}
    undone, left = played.reasons["a"]
    assert isinstance(left, LeftRunning)
    assert (undone, left.deployment) == (Undone(back=False), "d-a-DEPLOY001")
    assert left.serves == (("2", 100.0),)


class Pending(Member):
    """Its version is not ready for an hour."""

    def publish(self) -> FunctionVersion:
        return replace(super().publish(), state="Pending")

    def version(self, number: str | None) -> FunctionVersion | None:
        found = super().version(number)
        return found and replace(found, state="Pending" if found.version == "2" else "Active")


def test_reversals_in_one_group_take_turns() -> None:
    """The second one found the group busy, looked what there was to deploy, and left the new version serving."""
    members = group(*(Member(function=f"m{number}", routing=AT_ONCE) for number in range(6)))
    played = play(*members, slow("bad", alarm_at=100.0))
    assert played.outcomes == {member.function: "rolled-back" for member in [*members, played.worlds[-1]]}
    assert played.served == {world.function: "1" for world in played.worlds}
    assert {played.reasons[member.function] for member in members} == {BACK}
    requests = [request.description for member in members for request in played.requests(member.function)]
    back = [text for text in requests if "kind=rollback" in text]
    assert len(back) == 6, "one of them was asked for while the group was busy"
    assert {text.partition("by=alice ")[2] for text in back} == {ReleaseFailed(other="bad:live").text}
    spans = sorted(span for member in members for span in played.spans(member.function))
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_reversals_in_groups_of_their_own_go_side_by_side() -> None:
    played = play(quick("a"), quick("b"), quick("c"), fails("d"), waves={"d": 1})
    begun = [event.at for event in played.run.said(e.DeploymentStarted) if event.reverses]
    assert len(begun) == 3
    assert min(begun) == max(begun)


def test_what_was_stopped_or_ended_in_a_group_lets_its_reversals_begin() -> None:
    """One member is over, one runs, and one waits for it: that one is never created."""
    done, runs, waits = group(Member(function="a", routing=AT_ONCE), Member(function="b"), Member(function="c"))
    played = play(done, runs, waits, slow("bad", alarm_at=100.0))
    assert played.outcomes == {"a": "rolled-back", "b": "rolled-back", "c": "stopped", "bad": "rolled-back"}
    assert played.served == {"a": "1", "b": "1", "c": "1", "bad": "1"}
    assert played.spans("c") == []


def test_a_reversal_begins_though_nothing_else_moves_any_more() -> None:
    """Whatever was in its group was told to end in the same moment."""
    done, pending = Member(function="a", routing=AT_ONCE), Pending(function="b")
    played = play(*group(done, pending), slow("bad", alarm_at=100.0))
    assert played.outcomes == {"a": "rolled-back", "b": "stopped", "bad": "rolled-back"}
    assert played.served == {"a": "1", "b": "1", "bad": "1"}


def crowded(ends: float) -> Played:
    """At 50 s, when `a` has succeeded and `b` has not failed yet, somebody begins to deploy in the group of `a`."""
    mine, other = Member(function="a", routing=AT_ONCE), Member(function="other")
    group(mine, other)
    theirs = Running(id="d-THEIRS", created=50.0, current="1", target="7", routing=AT_ONCE, function="other")
    theirs.marks = [(ends, "end")]
    played = start(mine, slow("b", alarm_at=100.0), slow("c", rollback_delay=30.0)).until(50.0)
    other.deployments.append(theirs)
    played.run.world.by_function["other"] = other  # type: ignore[union-attr]
    return played


def test_a_reversal_waits_for_somebody_elses_deployment_in_its_group() -> None:
    played = crowded(ends=400.0).end()
    assert played.outcomes == {"a": "rolled-back", "b": "rolled-back", "c": "rolled-back"}
    assert [(event.key, event.deployment_id) for event in played.run.said(e.Waiting)] == [("a:live", "d-THEIRS")]
    assert played.spans("a")[1][0] > 400.0


def test_a_reversal_that_waited_is_begun_once_though_it_is_told_twice_that_it_may() -> None:
    played = crowded(ends=400.0)
    answer = played.run._answer

    def twice(action: a.Action) -> tuple[float, a.Observation]:
        at, observation = answer(action)
        if isinstance(action, a.Gather):
            played.run._expect(at + 0.2, observation)
        return at, observation

    played.run._answer = twice  # type: ignore[method-assign]
    assert played.end().outcomes == {"a": "rolled-back", "b": "rolled-back", "c": "rolled-back"}
    assert len(played.spans("a")) == 2


def test_a_reversal_does_not_wait_for_ever() -> None:
    played = crowded(ends=1e6).end()
    assert played.outcomes == {"a": "rollback-failed", "b": "rolled-back", "c": "rolled-back"}
    assert GroupBusyTooLong(deployment="d-THEIRS", group="group") in played.reasons["a"]
    assert played.run.concluded.results[0].live_version == "2"


@pytest.mark.parametrize("why", ["THROTTLED", FATAL])
def test_after_a_reversal_that_fails_the_alias_is_set_back(why: str) -> None:
    """It was told as a rollback that failed, while the bad version went on serving everything."""
    played = play(quick("a", dies_of=["", why]), quick("b"), fails("c"), waves={"c": 1})
    assert played.outcomes == {"a": "rolled-back", "b": "rolled-back", "c": "rolled-back"}
    assert played.served["a"] == "1"
    assert len(played.requests("a")) == 2


@pytest.mark.parametrize("why", ["THROTTLED", FATAL])
def test_a_reversal_that_fails_where_the_alias_may_not_be_set_back_names_the_version_to_go_back_to(why: str) -> None:
    played = play(quick("a", dies_of=["", why], may_update_alias=False), fails("b"), waves={"b": 1})
    assert played.outcomes == {"a": "rollback-failed", "b": "rolled-back"}
    result = played.run.concluded.results[0]
    assert (result.live_version, result.rollback, result.deployed) == ("2", Rollback.FAILED, False)
    assert result.remedy.startswith(PutBack(where=where("a"), version="1").text)
    assert played.whole == (Outcome.ROLLBACK_FAILED, False)


def test_a_reversal_that_fails_without_a_diagnosis_is_told_by_its_status() -> None:
    weather = replace(STEADY, rates={"Diagnose": 1.0}, kinds=(ErrorKind.DENIED,), lost_answers=0.0)
    worlds = (quick("a", dies_of=["", FATAL], may_update_alias=False), fails("b"))
    played = play(*worlds, waves={"b": 1}, weather=weather)
    result = played.run.concluded.results[0]
    assert ReversalEnded(deployment=result.rollback_deployment_id, status="Failed") in result.reasons


def storm(kind: ErrorKind, *, until: float = 1e9, **rates: float) -> Weather:
    """From the moment on at which the first function has succeeded."""
    return replace(STEADY, rates=rates, kinds=(kind,), since=30.0, until=until, lost_answers=0.0)


@pytest.mark.parametrize("kind", [ErrorKind.DENIED, ErrorKind.REJECTED])
def test_a_reversal_that_cannot_be_created_ends_with_the_alias_set_back(kind: ErrorKind) -> None:
    """It ended with an alias that nobody had read, no command back, and a state that said `finished`."""
    played = play(quick("a"), slow("b", alarm_at=100.0), weather=storm(kind, Create=1.0))
    assert played.outcomes == {"a": "rolled-back", "b": "rolled-back"}
    assert played.served["a"] == "1"
    assert [event.why for event in played.run.said(e.AliasRestored) if event.key == "a:live"] == [  # type: ignore[attr-defined]
        RollbackStrayed(rolled_back=False, reversal=True)
    ]


def test_a_reversal_that_may_neither_be_created_nor_set_back_says_why_and_what_to_do() -> None:
    played = play(
        quick("a", may_update_alias=False), slow("b", alarm_at=100.0), weather=storm(ErrorKind.DENIED, Create=1.0)
    )
    result = played.run.concluded.results[0]
    assert (result.outcome, result.live_version) == (Outcome.ROLLBACK_FAILED, "2")
    left = result.reasons[-1]
    assert isinstance(left, NotReversed)
    assert left.serves == (("2", 100.0),)
    assert left.problem.startswith("lambda:UpdateAlias: AccessDeniedException")
    assert result.remedy.startswith(PutBack(where=where("a"), version="1").text)


def test_after_a_signal_a_reversal_that_failed_is_left_to_the_post_step() -> None:
    """The signal comes two seconds before the alias would be set back."""

    def failing(*signals: float) -> Played:
        return play(quick("a", dies_of=["", FATAL]), slow("b", alarm_at=100.0), signals=signals)

    (set_back,) = failing().asked(a.RepairAlias, "a")
    played = failing(set_back - 2.0)
    result = played.run.concluded.results[0]
    assert played.asked(a.RepairAlias, "a") == []
    assert (result.outcome, result.rollback, result.settled) == (Outcome.CANCELLED, Rollback.UNKNOWN, False)


@pytest.mark.parametrize("action", ["Create", "Gather", "Upload"])
def test_a_reversal_is_tried_again_while_aws_cannot_be_reached(action: str) -> None:
    weather = storm(ErrorKind.THROTTLED, until=450.0, **{action: 1.0})
    played = play(quick("a"), slow("b", alarm_at=100.0), weather=weather, bucket="shop")
    assert played.asked(a.RepairAlias, "a") == []
    assert played.outcomes == {"a": "rolled-back", "b": "rolled-back"}
    assert played.served["a"] == "1"


def test_a_reversal_whose_alias_cannot_be_read_says_so_with_the_command() -> None:
    weather = storm(ErrorKind.DENIED, Create=1.0, LookAlias=1.0)
    played = play(quick("a"), slow("b", alarm_at=100.0), weather=weather)
    result = played.run.concluded.results[0]
    assert (result.outcome, result.rollback) == (Outcome.ROLLBACK_FAILED, Rollback.UNKNOWN)
    assert [reason.code for reason in result.reasons] == ["undone", "aws-denied", "alias-unread", "aws-denied"]
    assert result.remedy.startswith(PutBack(where=where("a"), version="1").text)


def test_a_reversal_that_somebody_made_is_no_failure() -> None:
    world = quick("a", moved_by_hand=(103.0, "1"))
    played = play(world, slow("b", alarm_at=100.0), weather=storm(ErrorKind.DENIED, Create=1.0))
    assert played.outcomes == {"a": "rolled-back", "b": "rolled-back"}
    assert played.run.said(e.AliasRestored) == []


# --- the first deployment of one ---


def test_a_first_deployment_stays_for_there_is_nothing_to_go_back_to() -> None:
    """A deployment to version "" was tried, and somebody else was said to have made the alias."""
    new = CodeWorld(function="checkout", alias_exists=False)
    played = play(new, fails("b"), slow("c"), waves={"b": 1, "c": 1}, code="build", create_alias="true")
    assert played.outcomes == {"checkout": "succeeded", "b": "rolled-back", "c": "rolled-back"}
    assert played.reasons["checkout"] == (FirstDeployment(alias="live", version="2"), Stays(other="b:live"))
    ends = [event.result for event in played.run.said(e.Finished) if event.key == "checkout:live"]
    assert len(ends) == 2
    assert ends[1] == played.run.concluded.results[0]
    assert new.deployments == []
    assert played.whole == (Outcome.ROLLED_BACK, False)


@pytest.mark.parametrize("kind", [a.CreateAlias, a.LookAlias])
def test_an_alias_that_is_being_created_when_another_fails_is_read_before_anything_is_said(
    kind: type[a.Action],
) -> None:
    """The run said `not deployed`, and the alias appeared a moment later."""
    new = CodeWorld(function="checkout", alias_exists=False)
    release = start(fails("b"), new, code="build", create_alias="true")
    played = release.answer_late(kind, 30.0, "checkout").end()
    assert played.outcomes == {"b": "rolled-back", "checkout": "succeeded"}
    assert played.reasons["checkout"][-1] == Stays(other="b:live")


def test_a_first_deployment_that_stays_keeps_no_other_of_its_group_from_being_taken_back() -> None:
    new, old = CodeWorld(function="checkout", alias_exists=False), quick("a")
    release = [
        but(rollout, inputs=replace(rollout.inputs, deployment_group="group"))
        for rollout in rollouts([new, old], create_alias="true")
    ]
    release[0] = but(release[0], inputs=replace(release[0].inputs, code=Local(path="build")))
    bad = slow("bad", alarm_at=100.0)
    played = play(new, old, bad, release=[*release, but(rollouts([bad])[0], marker_id="00000bad")])
    assert played.outcomes == {"checkout": "succeeded", "a": "rolled-back", "bad": "rolled-back"}


def test_when_all_is_said_nobody_has_anything_more_to_do() -> None:
    for policy in (ALL, ONLY_FAILED, STOP_WAVE):
        release = play(*three_waves(), waves=IN_THREE, policy=policy).run.release
        assert coordinate(release.rollouts, release.policy, 1e6) == {}


# --- signals ---


def test_a_signal_between_waves_begins_nothing_more_and_takes_nothing_back() -> None:
    """A reversal would begin when the job has seconds to live; the post step would then stop it half-way."""
    played = play(quick("a"), slow("b"), quick("c"), waves={"b": 1, "c": 2}, signals=[100.0])
    assert played.outcomes == {"a": "succeeded", "b": "cancelled", "c": "cancelled"}
    assert played.served == {"a": "2", "b": "1", "c": "1"}
    assert played.run.count(a.Create) == 2
    assert played.reasons["c"] == (CancelledBefore(signal="SIGINT"),)
    assert played.whole == (Outcome.CANCELLED, False)


def test_a_signal_in_the_last_wave_creates_nothing_to_take_back_the_first() -> None:
    played = play(quick("a"), slow("b"), waves={"b": 1}, signals=[100.0])
    assert played.outcomes == {"a": "succeeded", "b": "cancelled"}
    assert [request.description.split()[1] for request in played.requests("a")] == ["id=00000000"]
    assert played.served == {"a": "2", "b": "1"}


@pytest.mark.parametrize("at", [0.0, 0.05, 0.1, 0.15])
def test_a_signal_while_all_are_planned_ends_all_of_them(at: float) -> None:
    played = play(quick("a"), quick("b"), quick("c"), waves={"c": 1}, signals=[at])
    assert played.outcomes == {"a": "cancelled", "b": "cancelled", "c": "cancelled"}
    assert played.run.count(a.Create) == 0


def test_a_signal_stops_every_deployment_at_once() -> None:
    played = play(*(slow(name) for name in "abc"), signals=[100.0])
    assert [(round(at, 3), stop.key) for at, stop in played.run.asked(a.Stop)] == [
        (100.0, "a:live"),
        (100.0, "b:live"),
        (100.0, "c:live"),
    ]
    assert played.outcomes == {"a": "cancelled", "b": "cancelled", "c": "cancelled"}
    assert played.served == {"a": "1", "b": "1", "c": "1"}


def test_a_signal_during_a_reversal_leaves_it_running() -> None:
    class Slowly(World):
        def create(self, request: CreateRequest) -> str:
            self.hook_seconds = (60.0 if self.deployments else None, None)
            return super().create(request)

    played = play(Slowly(function="a", routing=AT_ONCE), fails("b"), waves={"b": 1}, signals=[20.0])
    assert next(event.at for event in played.run.said(e.DeploymentStarted) if event.reverses) < 20.0
    assert played.run.count(a.Stop) == 0
    result = played.run.concluded.results[0]  # nobody knows yet what becomes of it: the post step finds out
    assert (result.outcome, result.rollback, result.settled) == (Outcome.CANCELLED, Rollback.UNKNOWN, False)
    assert played.reasons["a"][-1].code == "left-running"
    played.worlds[0].advance(200.0)
    assert played.served["a"] == "1"


# --- other commands ---


def test_of_other_commands_one_function_that_fails_ends_nothing_of_the_others() -> None:
    """A function without an alias ended the others as `stopped`: not deployed, all or nothing."""
    for command, outcome in (("status", "reported"), ("plan", "planned"), ("stop", "unchanged")):
        played = play(Missing(function="a"), quick("b"), quick("c"), command=command)
        assert (played.outcomes["b"], played.outcomes["c"]) == (outcome, outcome), command


def test_a_rollback_of_many_takes_back_what_it_can() -> None:
    """One that has no way back stopped the rollbacks of the others, and undid those that had succeeded."""
    bad = [quick(name, versions={"1": "old", "2": "new"}, alias_version="2") for name in "bc"]
    release = rollouts([Missing(function="a"), *bad], command="rollback", reason="bad", version="1", force="true")
    played = play(Missing(function="a"), *bad, release=release)
    assert played.outcomes == {"a": "refused", "b": "succeeded", "c": "succeeded"}
    assert played.served == {"a": "1", "b": "1", "c": "1"}


def test_the_post_step_goes_on_looking_for_a_deployment_while_others_are_at_their_end() -> None:
    """The end of the first one ended the search for another, which went on with its traffic split."""
    main = start(quick("a"), slow("b")).until(2.0)
    _, world = main.worlds
    (lost,) = world.deployments
    finishing = []
    for rollout in main.run.release.rollouts:
        given = replace(rollout.inputs, command=Command.FINISH.value)
        known = rollout.deployment_id if rollout.function == "a" else ""
        finishing.append(
            but(
                first(given, context(), rollout.marker_id),
                subject=known,
                search=not known,
                known_previous="1",
                known_target="2",
                grace__until=240.0,
            )
        )
    world.deployments = []  # for twenty seconds CodeDeploy does not list it
    played = start(*main.worlds, release=finishing).until(22.0)
    world.deployments = [lost]
    played.end()
    assert played.outcomes == {"a": "cancelled", "b": "cancelled"}
    assert lost.status.terminal
    assert played.served["b"] == "1"


# --- whatever happens ---

KINDS = {
    "quick": lambda name: quick(name),
    "slow": lambda name: slow(name),
    "linear": lambda name: World(function=name, routing=LINEAR),
    "same": lambda name: quick(name, latest_sha="old"),
    "dies": lambda name: fails(name),
    "hook": lambda name: World(function=name, routing=AT_ONCE, hook_seconds=(45.0, None), hook_good=(False, True)),
    "late": lambda name: World(function=name, hook_seconds=(None, 20.0), hook_good=(True, False)),
}
BAD = ("dies", "hook", "late")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    functions=st.lists(
        st.tuples(st.sampled_from(["quick"] * 5 + ["slow"] * 3 + [*KINDS]), st.integers(0, 3)), min_size=2, max_size=12
    ),
    policy=st.sampled_from([ALL, ONLY_FAILED, STOP_WAVE]),
    max_parallel=st.sampled_from([0, 0, 1, 2, 5]),
    lost=st.sampled_from([0.0, 0.0, 0.3]),
    seed=st.integers(0, 2**32),
    signal=st.none() | st.none() | st.floats(0, 700),
)
def test_whatever_fails_whenever_the_policy_holds_and_the_verdict_is_true(
    functions: list[tuple[str, int]], policy: str, max_parallel: int, lost: float, seed: int, signal: float | None
) -> None:
    kinds = {f"f{number}": kind for number, (kind, _) in enumerate(functions)}
    waves = {f"f{number}": wave for number, (_, wave) in enumerate(functions)}
    played = play(
        *(KINDS[kind](name) for name, kind in kinds.items()),
        waves=waves,
        policy=policy,
        max_parallel=max_parallel,
        seed=seed,
        weather=Weather(rates={"Create": lost, "Publish": lost, "Stop": lost, "Look": lost}),
        signals=[] if signal is None else [signal],
    )
    cancelled = signal is not None and bool(played.run.said(e.CancelReceived))
    _holds_for_every_function(played)
    _waves_are_kept(played, waves, max_parallel)
    if cancelled:
        assert not [at for at, _ in played.run.asked(a.Create) if signal is not None and at > signal]
        return
    failed = {waves[name] for name, kind in kinds.items() if kind in BAD and played.outcomes[name] != "stopped"}
    for name, kind in kinds.items():
        outcome, served = played.outcomes[name], played.served[name]
        if kind == "same":
            assert (outcome, served) == ("unchanged", "1")
        elif not failed or policy == ONLY_FAILED:
            assert (outcome, served) == (("rolled-back", "1") if kind in BAD else ("succeeded", "2"))
        elif policy == ALL:
            assert (outcome in ("rolled-back", "stopped"), served) == (True, "1")
        elif waves[name] <= min(failed):
            assert (outcome, served) == (("rolled-back", "1") if kind in BAD else ("succeeded", "2"))
        else:
            assert (outcome, served, played.spans(name)) == ("stopped", "1", [])
    assert bool(failed) == any(kind in BAD for kind in kinds.values())


def _holds_for_every_function(played: Played) -> None:
    """Each has one end, and it says what its alias serves; green means that all of them serve what they should."""
    concluded = played.run.concluded
    assert [result.key for result in concluded.results] == [f"{world.function}:live" for world in played.worlds]
    for result, world in zip(concluded.results, played.worlds, strict=True):
        if result.settled and result.live_version and not world.active:
            assert (result.live_version, bool(result.live_weights)) == (world.alias_version, bool(world.alias_weights))
        assert result.deployed == (result.outcome is Outcome.SUCCEEDED)
        assert len([one for one in world.deployments if one.by_hand]) <= 2
    good = [result.outcome in (Outcome.SUCCEEDED, Outcome.UNCHANGED) for result in concluded.results]
    assert (concluded.exit_code == 0) == all(good)
    assert concluded.result.deployed == (all(good) and any(result.deployed for result in concluded.results))


def _waves_are_kept(played: Played, waves: dict[str, int], max_parallel: int) -> None:
    planned = {event.key: event.at for event in reversed(played.run.said(e.Planned))}
    written = [at for at, action in played.run.actions if isinstance(action, WRITES)]
    forth = {name: played.spans(name)[:1] for name in waves}
    if written:
        assert len(planned) == len(waves)
        assert min(written) >= max(planned.values())
    for name, spans in forth.items():
        for other, others in forth.items():
            if spans and others and waves[name] < waves[other]:
                assert spans[0][1] <= others[0][0], "a wave began before the one before was over"
    if max_parallel:
        assert max(at_once(sorted(span for spans in forth.values() for span in spans)), default=0) <= max_parallel
