"""The truth after the end: what the alias serves, what that means, and what we set back ourselves.

Every answer takes a tenth of a second here, and one that fails a second more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise
from typing import Any

import pytest

from ci_deploy.core import trace
from ci_deploy.core.aws import Alias, Deployment, DeploymentStatus
from ci_deploy.core.errors import ErrorKind
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine.release import step
from ci_deploy.core.machine.rollout import jittered
from ci_deploy.core.reasons.ending.codedeploy import (
    AlarmActive,
    CodeDeployEnded,
    HookExecutionFailure,
    InternalError,
    ManualStop,
)
from ci_deploy.core.reasons.ending.codedeploy import Throttled as ByLambda
from ci_deploy.core.reasons.ending.verdict import (
    AliasGone,
    AliasSetBack,
    AsAsked,
    Cancelled,
    CancelledTooLate,
    DiagnosisIncomplete,
    HookFailed,
    HookTimeoutPassed,
    LeftRunning,
    MovedElsewhere,
    NoRollback,
    NothingMoved,
    NotRolledBack,
    NotSetBack,
    PreviousUnknown,
    RollbackRunning,
    RollbackStrayed,
    RolledBackBy,
    Serves,
    ServesUnread,
    SplitNotRepaired,
    StillServes,
    StoppedByRun,
    StopTooLate,
    TimeLimitPassed,
    TriedOnceMore,
)
from ci_deploy.core.reasons.phrases import Shares
from ci_deploy.core.reasons.reason import Reason
from ci_deploy.core.run import Outcome, Rollback
from ci_deploy.core.story import events as e
from tests.support.machine.many import start
from tests.support.machine.playing import STEADY, Run, Weather, first, play, play_together, post_step, told, until
from tests.support.machine.world import AT_ONCE, CANARY, Running, World, context, inputs
from tests.support.reasons import Said, aws, put_back, refused, where

ON_FAILURE = frozenset({"DEPLOYMENT_FAILURE"})
HOOKS: dict[str, Any] = {"before_allow_traffic": "CodeDeployHook_a", "after_allow_traffic": "CodeDeployHook_b"}


def go(world: World, *, weather: Weather = STEADY, signals: tuple[float, ...] = (), **given: Any) -> Run:
    return play(world, inputs(**given), weather=weather, signals=signals)


def begun(seconds: float = 5.0, **more: Any) -> World:
    """Somebody's deployment from version 1 to 7 has run for some time."""
    fields: dict[str, Any] = {"created": 0.0, "current": "1", "target": "7", "routing": CANARY}
    world = World(versions={"1": "old", "7": "seven"}, deployments=[Running(id="d-OTHER0000", **fields | more)])
    world.advance(seconds)
    return world


def did(run: Run) -> str:
    """What was asked for, in order; the same several times in a row is told once."""
    return " ".join(name for name, _ in groupby(type(action).__name__ for _, action in run.actions))


def at(run: Run, kind: type[a.Action]) -> list[float]:
    return [round(when, 3) for when, _ in run.asked(kind)]


def end(run: Run) -> tuple[Outcome, Rollback, tuple[Reason, ...]]:
    return run.result.outcome, run.result.rollback, run.result.reasons


def stops(run: Run) -> int:
    return run.count(a.Stop)


def warnings(run: Run) -> list[Reason]:
    found = [event.finding for event in run.events if isinstance(event, e.Noticed)]
    return [finding.reason for finding in found]


@dataclass(kw_only=True)
class Reading(World):
    """`readings`: what the alias's next readings say, (version, weights) or None where it is gone; then the truth."""

    readings: list[tuple[str, dict[str, float]] | None] = field(default_factory=list)

    def perform(self, action: a.Action) -> a.Answer:
        if not (isinstance(action, a.LookAlias) and self.readings):
            return super().perform(action)
        said = self.readings.pop(0)
        return said and replace(self.alias(), version=said[0], weights=said[1])


class Slow(Run):
    """Answers to some actions take longer: seconds, by the action's name."""

    def __init__(self, world: World, late: dict[str, float], *, signals: tuple[float, ...] = (), **given: str) -> None:
        super().__init__(world, first(inputs(**given), context()), weather=STEADY, signals=signals)
        self.late = late
        play_together(world, self)

    def _answer(self, action: a.Action) -> tuple[float, a.Observation]:
        arrives, observation = super()._answer(action)
        return arrives + self.late.get(type(action).__name__, 0.0), observation


def storm(*kinds: ErrorKind, until: float = 1e12, **rates: float) -> Weather:
    return replace(STEADY, rates=rates, kinds=kinds, until=until, lost_answers=0.0)


def aliases(run: Run) -> list[str]:
    """What was said of the alias."""
    return [line for line in told(run) if line.startswith("alias ")]


# --- the alias is read ---


def test_a_success_is_one_when_the_alias_serves_the_version_alone() -> None:
    run = go(World(routing=AT_ONCE))
    assert end(run) == (Outcome.SUCCEEDED, Rollback.NONE, (Serves(serves=(("2", 100.0),)),))
    assert (run.result.deployed, run.result.settled) == (True, True)
    assert aliases(run) == ["alias serves 2=100"]


def test_an_alias_that_says_otherwise_is_read_again_for_a_while_and_each_news_told_once() -> None:
    run = go(Reading(routing=AT_ONCE, readings=[("1", {"2": 50.0}), ("1", {"2": 50.0}), ("1", {"2": 60.0})]))
    assert at(run, a.LookAlias) == [2.801, 4.901, 7.001, 9.101]
    assert aliases(run) == ["alias serves 1=50,2=50", "alias serves 1=40,2=60", "alias serves 2=100"]
    assert run.result.deployed


@pytest.mark.parametrize(
    ("reading", "serves", "weights"),
    [
        (("1", {}), (("1", 100.0),), ""),
        (("1", {"2": 10.0}), (("1", 90.0), ("2", 10.0)), "1=90,2=10"),
        (("2", {"1": 0.0}), (("2", 100.0), ("1", 0.0)), "2=100"),
    ],
)
def test_what_codedeploy_calls_a_success_is_none_if_the_alias_keeps_saying_otherwise(
    reading: tuple[str, dict[str, float]], serves: Shares, weights: str
) -> None:
    run = go(Reading(routing=AT_ONCE, readings=[reading] * 9))
    assert at(run, a.LookAlias) == [2.801, 4.901, 7.001, 9.101, 11.201]
    assert end(run) == (
        Outcome.FAILED,
        Rollback.NONE,
        (MovedElsewhere(deployment="d-DEPLOY000", serves=serves, version="2"),),
    )
    assert (run.result.deployed, run.result.live_weights) == (False, weights)


def test_after_a_signal_there_is_no_time_to_read_it_again() -> None:
    world = Reading(routing=AT_ONCE, readings=[("1", {"2": 50.0})] * 9)
    run = go(world, signals=(2.85,))
    assert (at(run, a.LookAlias), run.result.outcome, run.result.settled) == ([2.801], Outcome.CANCELLED, False)
    world.readings.clear()
    finishing = post_step(run, weather=STEADY)
    assert finishing is not None
    assert finishing.result.reasons == ((CancelledTooLate(deployment="d-DEPLOY000", serves=(("2", 100.0),)),))


def test_an_alias_that_is_gone_is_a_failure() -> None:
    run = go(Reading(routing=AT_ONCE, readings=[None]))
    assert end(run) == (Outcome.FAILED, Rollback.NONE, (AliasGone(alias="live", function="checkout"),))
    assert (run.result.live_version, run.result.deployed) == ("", False)


def test_a_reading_that_comes_when_none_is_asked_for_says_nothing() -> None:
    world = World()
    run = Run(world, first(inputs(), context()), weather=STEADY)
    until(world, run, 30.0)
    look = a.LookAlias(key="checkout:live", function="checkout", alias="live")
    repair = a.RepairAlias(key="checkout:live", alias=world.alias(), version="1", application="app", group="group")
    error = refused("no")
    for observation in (
        a.Done(action=look, answer=world.alias()),
        a.Failed(action=look, error=error),
        a.Done(action=repair, answer=world.alias()),
        a.Failed(action=repair, error=error),
    ):
        made = step(run.release, observation, run.now)
        assert (made.release.rollouts, made.actions, made.events) == (run.release.rollouts, (), ())


# --- the alias cannot be read ---


def test_a_reading_that_fails_for_the_moment_is_repeated_ever_more_slowly() -> None:
    run = go(World(routing=AT_ONCE), weather=storm(ErrorKind.UNREACHABLE, until=100.0, LookAlias=1.0))
    asked = at(run, a.LookAlias)
    pauses = [jittered(min(20.0, 2.0**n), "0badcafe", n) for n in range(len(asked) - 1)]
    assert [later - earlier - 1.1 for earlier, later in pairwise(asked)] == pytest.approx(pauses, abs=0.01)
    assert (run.result.outcome, len(asked)) == (Outcome.SUCCEEDED, 10)


@pytest.mark.parametrize(("kind", "ends"), [(ErrorKind.UNREACHABLE, 621.377), (ErrorKind.DENIED, 3.901)])
def test_what_is_not_read_in_ten_minutes_or_must_not_be_read_is_not_claimed(kind: ErrorKind, ends: float) -> None:
    run = go(World(routing=AT_ONCE), weather=storm(kind, LookAlias=1.0))
    assert end(run) == (
        Outcome.LOST_CONTACT,
        Rollback.UNKNOWN,
        (ServesUnread(deployment="d-DEPLOY000", where=where(), status="Succeeded"), aws(kind, "test:LookAlias")),
    )
    assert (run.result.live_version, run.result.deployed, run.result.settled) == ("", False, True)
    assert round(run.now, 3) == ends


def test_a_refusal_to_read_is_no_matter_of_patience() -> None:
    class Closed(World):
        def perform(self, action: a.Action) -> a.Answer:
            if isinstance(action, a.LookAlias):
                raise refused("The account is another one.")
            return super().perform(action)

    run = go(Closed(routing=AT_ONCE))
    assert (run.count(a.LookAlias), run.result.outcome) == (1, Outcome.LOST_CONTACT)


@pytest.mark.parametrize(
    ("given", "signals", "outcome", "status", "settled"),
    [
        ({"timeout": "90s"}, (), Outcome.TIMED_OUT, "Stopped", False),
        ({"timeout": "90s", "on_timeout": "leave"}, (), Outcome.TIMED_OUT, "InProgress", True),
        ({"on_cancel": "leave"}, (30.0,), Outcome.CANCELLED, "InProgress", False),
        ({"on_cancel": "leave"}, (0.35,), Outcome.CANCELLED, "unknown", False),
    ],
)
def test_without_a_reading_the_cause_leads_and_the_post_step_reads_it_except_where_it_was_left_at_the_time_limit(
    given: dict[str, Any], signals: tuple[float, ...], outcome: Outcome, status: str, settled: bool
) -> None:
    """The post step would stop by `on-cancel` what `on-timeout` has left."""
    run = go(World(), weather=storm(ErrorKind.DENIED, LookAlias=1.0), signals=signals, **given)
    assert (run.result.outcome, run.result.rollback, run.result.settled) == (outcome, Rollback.UNKNOWN, settled)
    assert run.result.reasons == (
        ServesUnread(deployment="d-DEPLOY000", where=where(), status=status),
        aws(ErrorKind.DENIED, "test:LookAlias"),
    )


def test_a_signal_that_comes_while_it_is_read_leads_too() -> None:
    run = go(World(routing=AT_ONCE), weather=storm(ErrorKind.DENIED, LookAlias=1.0), signals=(2.85,))
    assert (run.result.outcome, run.result.rollback, run.result.settled) == (
        Outcome.CANCELLED,
        Rollback.UNKNOWN,
        False,
    )


# --- the diagnosis comes first ---


@pytest.mark.parametrize(("takes", "read_at"), [(0.0, 18.589), (20.0, 22.901), (300.0, 48.589)])
def test_why_it_failed_belongs_into_the_verdict_and_is_awaited_for_half_a_minute(takes: float, read_at: float) -> None:
    run = Slow(World(dies_of=["INTERNAL_ERROR"]), {"Diagnose": takes}, auto_rollback="off")
    assert at(run, a.LookAlias) == [pytest.approx(read_at, abs=2.0)]
    unknown = CodeDeployEnded(deployment="d-DEPLOY000", status="Failed", aws_code="INTERNAL_ERROR")
    why = unknown if takes > 30 else InternalError(event="AllowTraffic")
    assert run.result.reasons == (why, NothingMoved(serves=(("1", 100.0),)))


def test_after_a_signal_no_diagnosis_is_awaited() -> None:
    run = Slow(World(dies_of=["INTERNAL_ERROR"]), {"Diagnose": 300.0}, signals=(20.0,), auto_rollback="off")
    assert (at(run, a.LookAlias), run.result.outcome) == ([20.0], Outcome.CANCELLED)


# --- throttled before any traffic moved ---


def test_what_lambda_throttled_before_any_traffic_moved_is_tried_once_more_after_a_pause() -> None:
    run = go(World(dies_of=["THROTTLED"]))
    assert (warnings(run), run.result.outcome, run.result.deployed) == (
        [TriedOnceMore(deployment="d-DEPLOY000")],
        Outcome.SUCCEEDED,
        True,
    )
    first_, again = at(run, a.Gather)
    (verdict,) = (event.at for event in run.events if isinstance(event, e.Noticed))
    assert (first_, again) == (0.0, round(verdict + jittered(20.0, "0badcafe"), 3))
    assert len({event.marker_id for event in run.events if isinstance(event, e.Creating)}) == 2


def test_a_manual_rollback_is_tried_once_more_too() -> None:
    world = World(alias_version="2", versions={"1": "old", "2": "new"}, dies_of=["THROTTLED"])
    run = go(world, command="rollback", reason="bad", version="1", force="true")
    assert (warnings(run), run.result.outcome, world.alias_version) == (
        [TriedOnceMore(deployment="d-DEPLOY000")],
        Outcome.SUCCEEDED,
        "1",
    )


def test_it_is_tried_once_more_and_no_further() -> None:
    run = go(World(dies_of=["THROTTLED", "THROTTLED"]))
    assert (warnings(run), run.count(a.Create)) == ([TriedOnceMore(deployment="d-DEPLOY000")], 2)
    assert end(run) == (
        Outcome.ROLLED_BACK,
        Rollback.SUCCEEDED,
        (ByLambda(event="AllowTraffic"), RolledBackBy(serves=(("1", 100.0),), rollback="d-ROLLBACK3")),
    )


class Throttled(World):
    """Lambda throttles when the alarm would ring, or just when a stop is asked for."""

    def _finish(self, running: Running, status: DeploymentStatus, code: str) -> None:
        super()._finish(running, status, "THROTTLED" if code in ("ALARM_ACTIVE", "MANUAL_STOP") else code)


@pytest.mark.parametrize(("readable", "when"), [(True, "AllowTraffic"), (False, "")])
def test_where_traffic_has_moved_or_it_cannot_be_told_it_is_not_tried_again_though_it_was_brought_back(
    readable: bool, when: str
) -> None:
    run = go(Throttled(alarm_at=60.0, targets_readable=readable))
    assert (warnings(run), run.count(a.Create)) == ([], 1)
    assert end(run) == (
        Outcome.ROLLED_BACK,
        Rollback.SUCCEEDED,
        (ByLambda(event=when), ROLLED_BACK),
    )


def test_where_the_alias_has_been_moved_meanwhile_it_is_not_tried_again() -> None:
    world = World(dies_of=["THROTTLED"], moved_by_hand=(5.0, "7"), versions={"1": "old", "7": "seven"})
    run = go(world, auto_rollback="off")
    assert (warnings(run), run.count(a.Create), run.result.outcome) == ([], 1, Outcome.FAILED)


def test_another_error_is_not_tried_again() -> None:
    run = go(World(dies_of=["INTERNAL_ERROR"]))
    assert (warnings(run), run.count(a.Create), run.result.outcome) == ([], 1, Outcome.ROLLED_BACK)


def test_after_a_signal_nothing_is_tried_again() -> None:
    run = go(World(dies_of=["THROTTLED"]), signals=(6.6,))
    assert (warnings(run), run.count(a.Create), run.result.outcome) == ([], 1, Outcome.CANCELLED)


def test_after_the_time_limit_nothing_is_tried_again() -> None:
    run = go(Throttled(hook_seconds=(3600.0, None)), timeout="90s", **HOOKS)
    assert (warnings(run), run.count(a.Create), run.result.outcome) == ([], 1, Outcome.TIMED_OUT)


def test_status_does_not_say_that_it_tries_somebodys_deployment_once_more() -> None:
    run = go(begun(0.0, dies_of="THROTTLED"), command="status", wait="true", deployment_id="d-OTHER0000")
    assert (did(run), warnings(run)) == ("Gather Look Diagnose Look LookAlias", [])
    assert end(run) == (
        Outcome.FAILED,
        Rollback.NONE,
        (ByLambda(event="AllowTraffic"), NothingMoved(serves=(("1", 100.0),))),
    )


# --- what was left, and what was too late ---


@pytest.mark.parametrize(
    ("given", "signals", "outcome"),
    [
        ({"timeout": "90s", "on_timeout": "leave"}, (), Outcome.TIMED_OUT),
        ({"on_cancel": "leave"}, (30.0,), Outcome.CANCELLED),
        ({"on_cancel": "leave"}, (1.25,), Outcome.CANCELLED),
    ],
)
def test_what_is_left_running_is_said_with_what_serves_meanwhile(
    given: dict[str, Any], signals: tuple[float, ...], outcome: Outcome
) -> None:
    run = go(World(), signals=signals, **given)
    assert end(run) == (
        outcome,
        Rollback.NONE,
        (LeftRunning(deployment="d-DEPLOY000", where=where(), serves=(("1", 90.0), ("2", 10.0))),),
    )
    assert (run.result.settled, run.result.live_weights) == (True, "1=90,2=10")


@pytest.mark.parametrize(
    ("world", "given", "outcome", "target"),
    [
        (World, {"timeout": "90s"}, Outcome.TIMED_OUT, "2"),
        (begun, {"command": "stop"}, Outcome.FAILED, "7"),
        (begun, {"command": "rollback", "reason": "bad"}, Outcome.FAILED, "7"),
    ],
)
def test_what_could_not_be_stopped_is_said_to_go_on_and_why(
    world: Callable[[], World], given: dict[str, Any], outcome: Outcome, target: str
) -> None:
    run = go(world(), weather=storm(ErrorKind.DENIED, Stop=1.0), **given)
    number = "d-OTHER0000" if target == "7" else "d-DEPLOY000"
    assert end(run) == (
        outcome,
        Rollback.UNKNOWN,
        (
            LeftRunning(
                deployment=number,
                where=where(),
                serves=(("1", 90.0), (target, 10.0)),
                refused="test:Stop: Fault: weather",
            ),
        ),
    )
    assert not run.result.settled


def late_stop(command: str, **given: Any) -> Run:
    """Each answer takes so long that what is to be stopped has succeeded when the stop arrives."""
    return go(
        begun(1.5, routing=AT_ONCE, hook_seconds=(None, 0.5)),
        weather=replace(STEADY, delays=(2.0, 2.0)),
        command=command,
        **given,
    )


def test_a_stop_that_comes_too_late_changes_nothing() -> None:
    run = late_stop("stop")
    assert end(run) == (
        Outcome.UNCHANGED,
        Rollback.NONE,
        (StopTooLate(deployment="d-OTHER0000", serves=(("7", 100.0),), again=False),),
    )


def test_a_rollback_whose_stop_comes_too_late_says_that_it_takes_another() -> None:
    run = late_stop("rollback", reason="bad")
    assert end(run) == (
        Outcome.FAILED,
        Rollback.NONE,
        (StopTooLate(deployment="d-OTHER0000", serves=(("7", 100.0),), again=True),),
    )
    assert not run.result.deployed


@pytest.mark.parametrize("signal", [2.25, 2.5])
def test_a_signal_that_comes_too_late_is_said_with_what_serves(signal: float) -> None:
    """Before the end was seen, and after it."""
    run = go(World(routing=AT_ONCE), signals=(signal,))
    assert end(run) == (
        Outcome.CANCELLED,
        Rollback.NONE,
        (CancelledTooLate(deployment="d-DEPLOY000", serves=(("2", 100.0),)),),
    )
    assert (run.result.deployed, run.result.settled) == (False, True)


# --- after a failure ---


def failing(**more: Any) -> World:
    """An alarm rings after a minute, with a tenth of the traffic shifted."""
    return World(alarm_at=60.0, versions={"1": "old", "7": "seven"}, latest_sha="seven", alias_version="1", **more)


BACK, SPLIT_7 = (("1", 100.0),), (("1", 90.0), ("7", 10.0))
SET_BACK = AliasSetBack(serves=BACK)
ROLLED_BACK = RolledBackBy(serves=BACK, rollback="d-ROLLBACK1")
STILL_RUNS = RollbackRunning(serves=SPLIT_7, put_back=put_back(), rollback="d-ROLLBACK1")


def not_back(rollback: str = "", problem: str = "") -> NotRolledBack:
    return NotRolledBack(serves=SPLIT_7, put_back=put_back(), previous="1", rollback=rollback, said="", problem=problem)


MAY_NOT = "lambda:UpdateAlias: AccessDeniedException"


def alarm_active(target: str) -> AlarmActive:
    return AlarmActive(event="AllowTraffic", group="group", function="checkout", target=target, region="eu-central-1")


@pytest.mark.parametrize(
    ("world", "given", "outcome", "rollback", "then"),
    [
        (failing(), {}, Outcome.ROLLED_BACK, Rollback.SUCCEEDED, ROLLED_BACK),
        (failing(rollback_to="nowhere"), {}, Outcome.ROLLED_BACK, Rollback.SUCCEEDED, SET_BACK),
        (failing(rollback_good=False), {}, Outcome.ROLLED_BACK, Rollback.SUCCEEDED, SET_BACK),
        (
            failing(rollback_to="nowhere"),
            {"repair_alias": "never"},
            Outcome.ROLLBACK_FAILED,
            Rollback.FAILED,
            not_back(),
        ),
        (
            failing(rollback_good=False),
            {"repair_alias": "never"},
            Outcome.ROLLBACK_FAILED,
            Rollback.FAILED,
            not_back("d-ROLLBACK1"),
        ),
        (
            failing(rollback_to="nowhere", may_update_alias=False),
            {},
            Outcome.ROLLBACK_FAILED,
            Rollback.FAILED,
            not_back(problem=MAY_NOT),
        ),
        (
            failing(rollback_takes=5000.0),
            {"timeout": "10m"},
            Outcome.ROLLBACK_FAILED,
            Rollback.UNKNOWN,
            STILL_RUNS,
        ),
        (
            failing(),
            {"auto_rollback": "off"},
            Outcome.FAILED,
            Rollback.NONE,
            NoRollback(serves=SPLIT_7, put_back=put_back()),
        ),
    ],
)
def test_after_a_failure_it_is_said_why_what_became_of_the_traffic_and_what_to_do(
    world: World, given: dict[str, Any], outcome: Outcome, rollback: Rollback, then: Reason
) -> None:
    run = go(replace(world), **given)
    assert end(run) == (outcome, rollback, (alarm_active("7"), then))
    assert (run.result.deployed, run.result.settled) == (False, True)
    assert rollback is not Rollback.UNKNOWN or run.count(a.RepairAlias) == 0


def test_before_any_traffic_has_moved_nothing_had_to_be_rolled_back() -> None:
    run = go(World(hook_seconds=(3.0, None), hook_good=(False, True)), auto_rollback="off", **HOOKS)
    assert end(run) == (
        Outcome.FAILED,
        Rollback.NONE,
        (
            HookExecutionFailure(
                event="BeforeAllowTraffic", hook="CodeDeployHook_a", ending="reported", region="eu-central-1"
            ),
            NothingMoved(serves=(("1", 100.0),)),
        ),
    )


def test_a_manual_rollback_that_fails_says_what_still_serves() -> None:
    world = World(alias_version="2", versions={"1": "old", "2": "new"}, dies_of=["INTERNAL_ERROR"])
    run = go(world, command="rollback", reason="bad", version="1", force="true", auto_rollback="off")
    assert end(run) == (
        Outcome.FAILED,
        Rollback.NONE,
        (InternalError(event="End"), StillServes(serves=(("2", 100.0),))),
    )


def test_a_manual_rollback_that_stops_half_way_says_the_split() -> None:
    world = World(alias_version="2", versions={"1": "old", "2": "new"}, alarm_at=60.0)
    given = {"version": "1", "force": "true", "auto_rollback": "off", "deployment_config": "config"}
    run = go(world, command="rollback", reason="bad", **given)  # type: ignore[arg-type]
    assert run.result.reasons == (
        (
            alarm_active("1"),
            NoRollback(serves=(("2", 90.0), ("1", 10.0)), put_back=put_back("2")),
        )
    )


class Hidden(World):
    """The rollback deployment is announced and cannot be seen."""

    def perform(self, action: a.Action) -> a.Answer:
        if isinstance(action, a.Look) and action.ids[0].startswith("d-ROLLBACK"):
            return ()
        return super().perform(action)


def test_a_rollback_that_is_never_seen_is_not_known_to_be_over() -> None:
    run = go(Hidden(alarm_at=60.0, rollback_takes=5000.0), timeout="10m")
    assert end(run) == (
        Outcome.ROLLBACK_FAILED,
        Rollback.UNKNOWN,
        (
            alarm_active("2"),
            RollbackRunning(serves=(("1", 90.0), ("2", 10.0)), put_back=put_back(), rollback="d-ROLLBACK1"),
        ),
    )


@dataclass(kw_only=True)
class Silent(World):
    """Nothing can be diagnosed; `said`: what CodeDeploy says of the deployment and of its rollback."""

    said: dict[str, str] = field(default_factory=dict)

    def snapshot(self, running: Running, with_targets: bool) -> Deployment:
        return replace(super().snapshot(running, with_targets), **self.said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"error_message": "Rings."}, {"aws_code": "ALARM_ACTIVE", "said": "Rings."}),
        ({}, {"aws_code": "ALARM_ACTIVE"}),
        ({"error_code": ""}, {"aws_code": ""}),
    ],
)
def test_without_a_diagnosis_codedeploys_own_words_are_the_reason(said: dict[str, str], why: dict[str, str]) -> None:
    world = Silent(alarm_at=60.0, said=said)
    run = go(world, weather=storm(ErrorKind.DENIED, Diagnose=1.0))
    assert warnings(run) == [DiagnosisIncomplete(problem="test:Diagnose: Fault: weather")]
    assert end(run) == (
        Outcome.ROLLED_BACK,
        Rollback.SUCCEEDED,
        (CodeDeployEnded(deployment="d-DEPLOY000", status="Stopped", **why), ROLLED_BACK),
    )


@pytest.mark.parametrize(("message", "says"), [("One failed.", "One failed."), ("", "HOOK_EXECUTION_FAILURE")])
def test_without_a_diagnosis_the_hook_that_failed_is_named_all_the_same(message: str, says: str) -> None:
    """CodeDeploy's message does not name it (facts.md G11); the lifecycle event does."""
    world = Silent(hook_seconds=(3.0, None), hook_good=(False, True), said={"error_message": message})
    run = go(world, weather=storm(ErrorKind.DENIED, Diagnose=1.0), before_allow_traffic="CodeDeployHook_a")
    assert run.result.reasons == (HookFailed(hook="CodeDeployHook_a", said=says), ROLLED_BACK)
    assert run.result.reason_code == "hook-failed"


def test_what_codedeploy_says_of_a_rollback_that_it_does_not_make_is_passed_on() -> None:
    world = Silent(alarm_at=60.0, rollback_to="nowhere", said={"rollback_message": "no previous revision"})
    passed_on = replace(not_back(), serves=(("1", 90.0), ("2", 10.0)), said="no previous revision")
    assert go(world, repair_alias="never").result.reasons == (alarm_active("2"), passed_on)


# --- after a stop ---


@pytest.mark.parametrize(
    ("command", "changes", "outcome", "rollback", "then"),
    [
        ("stop", {}, Outcome.STOPPED, Rollback.SUCCEEDED, ROLLED_BACK),
        ("rollback", {}, Outcome.SUCCEEDED, Rollback.SUCCEEDED, ROLLED_BACK),
        ("stop", {"rollback_to": "nowhere"}, Outcome.STOPPED, Rollback.SUCCEEDED, SET_BACK),
        (
            "stop",
            {"rollback_to": "nowhere", "may_update_alias": False},
            Outcome.ROLLBACK_FAILED,
            Rollback.FAILED,
            not_back(problem=MAY_NOT),
        ),
        (
            "rollback",
            {"rollback_to": "nowhere", "may_update_alias": False},
            Outcome.ROLLBACK_FAILED,
            Rollback.FAILED,
            not_back(problem=MAY_NOT),
        ),
        ("stop", {"rollback_takes": 50_000.0}, Outcome.ROLLBACK_FAILED, Rollback.UNKNOWN, STILL_RUNS),
    ],
)
def test_after_a_stop_it_is_said_what_became_of_the_traffic(
    command: str, changes: dict[str, Any], outcome: Outcome, rollback: Rollback, then: Reason
) -> None:
    world = begun()
    for name, value in changes.items():
        setattr(world, name, value)
    run = go(world, command=command, reason="bad")
    assert end(run) == (outcome, rollback, (AsAsked(deployment="d-OTHER0000", stopped=True), then))
    assert run.result.deployed is (command == "rollback" and rollback is Rollback.SUCCEEDED)


def test_a_stop_without_rollback_says_the_split_that_it_leaves() -> None:
    run = go(begun(), command="stop", rollback="false")
    assert end(run) == (
        Outcome.STOPPED,
        Rollback.NONE,
        (
            AsAsked(deployment="d-OTHER0000", stopped=True),
            NoRollback(serves=(("1", 90.0), ("7", 10.0)), put_back=put_back()),
        ),
    )


def test_a_deployment_that_somebody_else_stops_is_stopped_not_failed() -> None:
    class Stopped(World):
        def _finish(self, running: Running, status: DeploymentStatus, code: str) -> None:
            super()._finish(running, status, "MANUAL_STOP" if code == "ALARM_ACTIVE" else code)

    run = go(Stopped(alarm_at=60.0), auto_rollback="off")
    assert end(run) == (
        Outcome.STOPPED,
        Rollback.NONE,
        (ManualStop(event="AllowTraffic"), NoRollback(serves=(("1", 90.0), ("2", 10.0)), put_back=put_back())),
    )


@dataclass(kw_only=True)
class StoppedByRollback(World):
    """At 60 s somebody's rollback stops the deployment; its run is written behind the description from `traced` on."""

    alarm_at: float | None = 60.0
    traced: float = 1e9

    def _finish(self, running: Running, status: DeploymentStatus, code: str) -> None:
        super()._finish(running, status, "MANUAL_STOP" if code == "ALARM_ACTIVE" else code)

    def alias(self) -> Alias:
        found = super().alias()
        if self.now < self.traced:
            return found
        return replace(found, description=trace.write(found.description, 77) or "")


REQUESTED = ManualStop(event="AllowTraffic")
RUN_77 = StoppedByRun(run=77, url="")


def test_the_rollback_that_stopped_it_is_named_when_its_trace_comes() -> None:
    run = go(StoppedByRollback(traced=68.0))
    assert (run.result.outcome, run.result.reasons) == (Outcome.ROLLED_BACK, (RUN_77, ROLLED_BACK))
    readings = at(run, a.LookAlias)
    assert readings[-1] >= 68.0 > readings[-2]
    found = [event.diagnosis for event in run.events if isinstance(event, e.Diagnosed)]
    assert [each.reason for each in found] == [REQUESTED, RUN_77]


def test_without_a_trace_it_is_waited_for_ten_seconds_and_nobody_is_named() -> None:
    run = go(StoppedByRollback())
    assert (run.result.outcome, run.result.reasons) == (Outcome.ROLLED_BACK, (REQUESTED, ROLLED_BACK))
    readings = at(run, a.LookAlias)
    assert [round(after - before, 1) for before, after in pairwise(readings)] == [2.1] * 5


@pytest.mark.parametrize("signal", [(), (77.0,)])
def test_the_trace_of_an_earlier_rollback_is_none_of_this_one(signal: tuple[float, ...]) -> None:
    """It was there when the facts were read; and a cancelled run has no time to read again."""
    run = go(StoppedByRollback(alias_description=trace.write("", 5) or ""), signals=signal)
    assert run.result.reasons[-1] == ROLLED_BACK
    assert "run 5" not in run.result.reason


def test_a_deployment_that_was_over_before_it_was_followed_is_waited_for_no_longer() -> None:
    theirs = Running(
        id="d-OTHER0000",
        created=0.0,
        current="1",
        target="7",
        routing=CANARY,
        rollback_events=frozenset({"DEPLOYMENT_STOP_ON_REQUEST"}),
    )
    over = StoppedByRollback(versions={"1": "old", "7": "seven"}, deployments=[theirs])
    over.advance(100.0)
    run = go(over, command="status", deployment_id="d-OTHER0000", wait="true")
    assert run.result.reasons[0] == REQUESTED
    assert run.count(a.LookAlias) == 1


def test_what_we_stopped_ourselves_waits_for_nobodys_trace() -> None:
    run = go(World(), timeout="90s")
    assert run.count(a.LookAlias) == 1


@pytest.mark.parametrize(
    ("world", "given", "why"),
    [
        (
            World(),
            {"timeout": "90s"},
            TimeLimitPassed(deployment="d-DEPLOY000", stopped=True, minutes=1.5, shift=300.0),
        ),
        (
            World(hook_seconds=(3600.0, None)),
            {"hook_timeout": "2m", **HOOKS},
            HookTimeoutPassed(deployment="d-DEPLOY000", stopped=True, hook="CodeDeployHook_a"),
        ),
    ],
)
def test_why_it_was_stopped_leads(world: World, given: dict[str, Any], why: Reason) -> None:
    run = go(replace(world), **given)
    assert run.result.reasons == (why, ROLLED_BACK)


def test_a_signal_that_meets_the_alarms_stop_does_not_claim_it() -> None:
    run = go(World(alarm_at=60.0), signals=(60.5,))
    assert run.result.reasons == (
        (
            Cancelled(deployment="d-DEPLOY000", stopped=False),
            RolledBackBy(serves=(("1", 100.0),), rollback="d-ROLLBACK1"),
        )
    )
    assert run.result.settled


@pytest.mark.parametrize(
    ("world", "given", "signal", "rollback", "settled"),
    [
        (World(dies_of=["INTERNAL_ERROR"]), {"auto_rollback": "off"}, 13.4, Rollback.NONE, True),
        (World(dies_of=["INTERNAL_ERROR"], rollback_to="nowhere"), {}, 60.0, Rollback.NONE, True),
        (World(alarm_at=60.0), {"auto_rollback": "off"}, 73.2, Rollback.NONE, True),
        (World(alarm_at=60.0, rollback_to="nowhere"), {}, 121.45, Rollback.UNKNOWN, False),
        (World(alarm_at=60.0, rollback_good=False, rollback_takes=15.0), {}, 76.0, Rollback.UNKNOWN, False),
    ],
)
def test_a_signal_after_the_end_leaves_to_the_post_step_what_is_still_to_be_set_back(
    world: World, given: dict[str, Any], signal: float, rollback: Rollback, settled: bool
) -> None:
    run = go(replace(world), signals=(signal,), **given)
    assert (run.result.outcome, run.result.rollback, run.result.settled) == (Outcome.CANCELLED, rollback, settled)
    assert run.count(a.LookAlias) == 1
    assert stops(run) == 0


def test_at_a_terminal_no_post_step_comes_and_what_may_not_be_set_back_is_said_to_have_failed() -> None:
    world = World(alarm_at=60.0, rollback_to="nowhere")
    given = inputs(repair_alias="never")
    run = play(world, given, run=context(actions=False), weather=STEADY, signals=(121.45,))
    assert (run.result.outcome, run.result.rollback, run.result.settled) == (Outcome.CANCELLED, Rollback.FAILED, True)


def test_of_a_deployment_that_was_followed_without_its_target_the_version_before_is_not_made_up() -> None:
    world = begun()
    world.targets_readable = False
    world.alias_weights = {}
    run = go(world, command="stop", deployment_id="d-OTHER0000")
    assert end(run) == (
        Outcome.ROLLBACK_FAILED,
        Rollback.FAILED,
        (
            AsAsked(deployment="d-OTHER0000", stopped=True),
            PreviousUnknown(serves=(("1", 100.0),), put_back=put_back("VERSION")),
        ),
    )
    assert run.count(a.RepairAlias) == 0


# --- setting the alias back ---


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"rollback_to": "nowhere"}, RollbackStrayed(rolled_back=False, reversal=False)),
        ({"rollback_to": "7"}, RollbackStrayed(rolled_back=True, reversal=False)),
    ],
)
def test_the_alias_is_set_back_and_read_again(changes: dict[str, Any], why: RollbackStrayed) -> None:
    world = World(alarm_at=60.0, versions={"1": "old", "7": "seven"}, **changes)
    run = go(world)
    read, again = at(run, a.LookAlias)
    ((set_at, repair),) = run.asked(a.RepairAlias)
    assert isinstance(repair, a.RepairAlias)
    assert (repair.version, repair.application, repair.group) == ("1", "app", "group")
    assert (round(set_at, 3), again) == (round(read + 0.1, 3), round(read + 0.2, 3))
    assert aliases(run)[1:] == ["alias set to 1=100: rollback-strayed", "alias serves 1=100"]
    assert [event.why for event in run.said(e.AliasRestored)] == [why]  # type: ignore[attr-defined]
    assert world.alias_version == "1"


def test_it_is_set_back_once() -> None:
    """Whatever is read after that, and however long it takes."""
    split: list[tuple[str, dict[str, float]] | None] = [("1", {"2": 10.0})] * 9
    run = go(Reading(alarm_at=60.0, rollback_to="nowhere", readings=split))
    assert (run.count(a.RepairAlias), run.result.outcome) == (1, Outcome.ROLLBACK_FAILED)
    slow = Slow(World(alarm_at=60.0, rollback_to="nowhere"), {"RepairAlias": 2000.0})
    assert (slow.count(a.RepairAlias), slow.result.outcome) == (1, Outcome.ROLLED_BACK)


def test_without_permission_it_is_tried_once_and_what_serves_told_once() -> None:
    run = go(World(alarm_at=60.0, rollback_to="nowhere", may_update_alias=False))
    assert (run.count(a.RepairAlias), aliases(run)) == (1, ["alias serves 1=90,2=10"])


def test_setting_it_back_is_tried_again_for_a_while() -> None:
    run = go(World(alarm_at=60.0, rollback_to="nowhere"), weather=storm(ErrorKind.THROTTLED, RepairAlias=1.0))
    asked = at(run, a.RepairAlias)
    pauses = [jittered(min(30.0, 2.0**n), "0badcafe", n) for n in range(8)]
    assert [later - earlier - 1.1 for earlier, later in pairwise(asked)] == pytest.approx(pauses, abs=0.01)
    assert warnings(run) == [NotSetBack(problem="test:RepairAlias: Fault: weather", advice="")]
    assert (run.result.outcome, run.result.live_weights) == (Outcome.ROLLBACK_FAILED, "1=90,2=10")


def test_after_a_moment_of_bad_weather_it_is_set_back() -> None:
    run = go(
        World(alarm_at=60.0, rollback_to="nowhere"), weather=storm(ErrorKind.THROTTLED, until=140.0, RepairAlias=1.0)
    )
    assert (warnings(run), run.result.outcome) == ([], Outcome.ROLLED_BACK)


class Occupied(World):
    """Something else always runs in the group when the alias is to be set back."""

    def repair(self, action: a.RepairAlias) -> Alias:
        raise refused("Deployment d-THEIRS is running in the group.", "Wait for its end.")


def test_a_rollback_that_may_be_late_is_waited_for_three_times_a_minute() -> None:
    run = go(Occupied(alarm_at=60.0, rollback_to="nowhere"))
    asked = at(run, a.RepairAlias)
    assert len(asked) == 4
    assert all(later - earlier > 60.0 for earlier, later in pairwise(asked))
    assert warnings(run) == [
        NotSetBack(problem="Deployment d-THEIRS is running in the group.", advice="Wait for its end.")
    ]


def test_when_its_rollback_is_over_no_other_is_waited_for() -> None:
    run = go(Occupied(alarm_at=60.0, rollback_good=False))
    assert (run.count(a.RepairAlias), len(warnings(run)), run.result.outcome) == (1, 1, Outcome.ROLLBACK_FAILED)


def test_a_rollback_that_comes_while_the_alias_is_to_be_set_back_is_followed() -> None:
    run = go(World(alarm_at=60.0, rollback_delay=61.6, rollback_takes=20.0))
    assert (run.result.rollback_deployment_id, warnings(run)) == ("d-ROLLBACK1", [])
    assert end(run)[:2] == (Outcome.ROLLED_BACK, Rollback.SUCCEEDED)
    assert run.result.reasons[-1] == ROLLED_BACK


def test_what_somebody_else_mends_meanwhile_is_rolled_back_all_the_same() -> None:
    world = World(alarm_at=60.0, rollback_to="nowhere", may_update_alias=False, moved_by_hand=(121.7, "1"))
    run = go(world)
    assert end(run)[:2] == (Outcome.ROLLED_BACK, Rollback.SUCCEEDED)
    assert run.result.reasons[-1] == SET_BACK


@pytest.mark.parametrize(("actions", "repairs", "settled"), [(True, 0, False), (False, 1, True)])
def test_after_a_signal_the_alias_is_set_back_by_the_post_step_or_at_a_terminal_by_ourselves(
    actions: bool, repairs: int, settled: bool
) -> None:
    """The rollback does not appear; the signal comes just before that is certain."""
    world = World(alarm_at=60.0, rollback_to="nowhere")
    run = play(world, inputs(), run=context(actions=actions), weather=STEADY, signals=(121.45,))
    assert (run.count(a.RepairAlias), run.result.outcome, run.result.settled) == (repairs, Outcome.CANCELLED, settled)
    finishing = post_step(run, weather=STEADY)
    assert (finishing is None) is settled
    assert world.alias_weights == {}


# --- repairing it first ---


def test_a_repair_before_a_deployment_that_may_not_be_made_is_a_refusal() -> None:
    world = Occupied(alias_weights={"2": 10.0})
    run = go(world, repair_alias="always")
    assert [round(later - earlier, 3) for earlier, later in pairwise(at(run, a.RepairAlias))] == [2.2] * 3
    assert end(run) == (
        Outcome.REFUSED,
        Rollback.NONE,
        (
            SplitNotRepaired(),
            Said(code="refused", said="Deployment d-THEIRS is running in the group.", advice="Wait for its end."),
        ),
    )


@dataclass(kw_only=True)
class Met(World):
    """A deployment of another function of the group begins just before the alias is set."""

    def perform(self, action: a.Action) -> a.Answer:
        if isinstance(action, a.RepairAlias) and not self.deployments:
            other = Running(id="d-OTHER0000", created=self.now, current="1", target="7", routing=CANARY)
            other.function = "other"
            self.deployments.append(other)
        return super().perform(action)


def test_a_repair_that_meets_a_deployment_waits_for_its_turn() -> None:
    run = go(Met(alias_weights={"2": 10.0}), repair_alias="always")
    assert did(run).startswith("Gather RepairAlias Gather Look Gather RepairAlias Gather Publish")
    assert [event.deployment_id for event in run.said(e.Waiting) if isinstance(event, e.Waiting)] == ["d-OTHER0000"]
    assert run.result.outcome is Outcome.SUCCEEDED


def test_a_repair_that_finds_the_alias_moved_looks_at_it_again() -> None:
    run = go(World(alias_weights={"2": 10.0}, moved_by_hand=(0.15, "1")), repair_alias="always")
    assert did(run).startswith("Gather RepairAlias Gather Publish")
    assert run.result.outcome is Outcome.SUCCEEDED


def test_a_repair_before_a_deployment_is_tried_again_for_a_while() -> None:
    world = World(alias_weights={"2": 10.0})
    run = go(world, weather=storm(ErrorKind.THROTTLED, until=5.0, RepairAlias=1.0), repair_alias="always")
    assert run.count(a.RepairAlias) == 3
    assert aliases(run)[0] == "alias set to 1=100: split-repaired"
    assert run.result.outcome is Outcome.SUCCEEDED


def test_a_deployment_after_a_repair_is_set_back_to_the_version_before_it() -> None:
    world = World(alias_weights={"2": 10.0}, alarm_at=60.0, rollback_to="nowhere")
    run = go(world, repair_alias="always")
    assert [repair.version for _, repair in run.asked(a.RepairAlias) if isinstance(repair, a.RepairAlias)] == ["1", "1"]
    assert end(run)[:2] == (Outcome.ROLLED_BACK, Rollback.SUCCEEDED)


def test_a_rollback_that_a_repair_suffices_for_says_what_serves_now_long_after_it_was_asked_for() -> None:
    world = World(alias_version="2", alias_weights={"3": 10.0}, versions={"2": "two", "3": "three"})
    run = go(
        world,
        weather=storm(ErrorKind.THROTTLED, until=70.0, RepairAlias=1.0),
        command="rollback",
        reason="bad",
        version="2",
        force="true",
    )
    assert end(run) == (Outcome.SUCCEEDED, Rollback.NONE, (Serves(serves=(("2", 100.0),)),))
    assert (run.result.target_version, run.result.live_version, run.result.deployed) == ("2", "2", True)
    assert (did(run), run.result.live_weights) == ("Gather RepairAlias", "")


def test_a_reading_from_before_the_end_is_no_verdict() -> None:
    """Where no target can be read the alias is looked at meanwhile; an answer that comes too late says nothing now."""
    played = start(World(alarm_at=60.0, targets_readable=False, rollback_delay=20.0)).answer_late(a.LookAlias, 30.0)
    played.end()
    run = played.run
    assert (run.result.outcome, run.result.live_version) == (Outcome.ROLLED_BACK, "1")
    asked, ended = at(run, a.LookAlias), next(event.at for event in run.said(e.RollbackStarted))
    early = [when for when in asked if when < 60.6 < when + 30.0 < ended]
    assert early
    assert [event.at for event in run.said(e.AliasRead)] == [pytest.approx(asked[-1] + 30.1, abs=0.001)]
