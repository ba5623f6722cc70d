"""Ending a deployment ourselves: what is asked for, when, and what is then said, to the word.

Every answer takes a tenth of a second here, and one that fails a second more; so a usual deployment begins at 0.301 s
and shifts its first traffic at 1.201 s, which is seen at 1.401 s.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from ci_deploy.core.aws import DeploymentStatus, Fact, FunctionVersion, Known, NotPermitted, StopAnswer
from ci_deploy.core.errors import ErrorKind
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine.rollout import Stage, Turn
from ci_deploy.core.machine.stages.stopping import keep_time
from ci_deploy.core.reasons.ending.deploying import CancelledBefore, FirstDeployment
from ci_deploy.core.reasons.ending.stopping import (
    AliasInterrupted,
    CancelledMeanwhile,
    CreationInterrupted,
    FateUnknown,
    HookHangs,
    HookSilent,
    LostContact,
    StopAsked,
    TimeLimitLeaves,
)
from ci_deploy.core.reasons.ending.verdict import HookTimeoutPassed, LeftRunning, RolledBackBy, TimeLimitPassed
from ci_deploy.core.reasons.phrases import not_over
from ci_deploy.core.reasons.reason import Reason
from ci_deploy.core.run import Command, Outcome, Rollback
from ci_deploy.core.story import events as e
from tests.support.machine.codeworld import CodeWorld
from tests.support.machine.many import start
from tests.support.machine.playing import STEADY, Run, Weather, first, play, play_together, post_step, told, until
from tests.support.machine.states import but
from tests.support.machine.world import AT_ONCE, CANARY, Running, World, context, inputs
from tests.support.reasons import aws, refused, where

ON_FAILURE = frozenset({"DEPLOYMENT_FAILURE"})
HOOKS = {"before_allow_traffic": "CodeDeployHook_a", "after_allow_traffic": "CodeDeployHook_b"}
FAULT = "test:Stop: Fault: weather"
NO_MORE_TIME = "the time of grace is over"
OVER = "it was over already"
BEGUN = [
    "d-DEPLOY000 begins, 1 -> 2",
    "Start Succeeded",
    "AllowTraffic InProgress",
    "d-DEPLOY000 InProgress",
    "traffic 1=90,2=10",
]
STOPPED = ["AllowTraffic Failed", "End Skipped", "d-DEPLOY000 Stopped MANUAL_STOP"]
ROLLED_BACK = [
    "d-ROLLBACK1 rolls d-DEPLOY000 back",
    "rollback: Start Succeeded",
    "rollback: traffic 1=100",
    "rollback: AllowTraffic Succeeded",
    "rollback: End InProgress",
    "d-ROLLBACK1 InProgress",
    "rollback: End Succeeded",
    "d-ROLLBACK1 Succeeded",
    "alias serves 1=100",
]


def storm(*kinds: ErrorKind, since: float = 0.0, until: float = 1e12, **rates: float) -> Weather:
    return replace(STEADY, rates=rates, kinds=kinds, since=since, until=until, lost_answers=0.0)


def stops(run: Run) -> list[tuple[float, a.Action]]:
    return [(round(at, 3), stop) for at, stop in run.asked(a.Stop)]


def stop(*, rollback: bool = True, urgent: bool = False) -> a.Stop:
    return a.Stop(key="checkout:live", deployment_id="d-DEPLOY000", rollback=rollback, urgent=urgent)


def story(run: Run) -> list[str]:
    """What was told, without the signs of life."""
    return [line for line in told(run) if not line.startswith("still")]


def end(run: Run) -> tuple[Outcome, Rollback, str, str, bool]:
    result = run.result
    return result.outcome, result.rollback, result.live_version, result.live_weights, result.settled


def words(run: Run) -> tuple[Reason, ...]:
    return run.result.reasons


def warnings(run: Run) -> list[tuple[float, Reason]]:
    found = [(event.at, event.finding) for event in run.said(e.Noticed)]  # type: ignore[attr-defined]
    return [(round(at, 3), finding.reason) for at, finding in found]


# --- the time limit ---


def test_at_the_time_limit_it_is_stopped_with_rollback() -> None:
    """Whatever the group says of stop requests: the stop says it."""
    run = play(World(rollback_events=ON_FAILURE), inputs(timeout="90s"), weather=STEADY)
    assert stops(run) == [(90.301, stop())]
    assert story(run) == [
        *BEGUN,
        "stop with rollback: limit-reached",
        "stop Succeeded",
        *STOPPED,
        *ROLLED_BACK,
        "timed-out, rollback succeeded",
    ]
    assert end(run) == (Outcome.TIMED_OUT, Rollback.SUCCEEDED, "1", "", True)
    assert words(run) == (
        TimeLimitPassed(deployment="d-DEPLOY000", stopped=True, minutes=1.5, shift=300.0),
        RolledBackBy(serves=(("1", 100.0),), rollback="d-ROLLBACK1"),
    )


def test_at_the_time_limit_it_is_stopped_without_rollback_if_so_wanted() -> None:
    run = play(World(rollback_events=ON_FAILURE), inputs(timeout="90s", on_timeout="stop"), weather=STEADY)
    assert stops(run) == [(90.301, stop(rollback=False))]
    assert story(run) == [
        *BEGUN,
        "stop: limit-reached",
        "stop Succeeded",
        *STOPPED,
        "alias serves 1=90,2=10",
        "timed-out, rollback none",
    ]
    assert end(run) == (Outcome.TIMED_OUT, Rollback.NONE, "1", "1=90,2=10", True)


def test_at_the_time_limit_it_is_left_alone_if_so_wanted() -> None:
    run = play(World(), inputs(timeout="90s", on_timeout="leave"), weather=STEADY)
    assert stops(run) == []
    assert warnings(run) == [(90.301, TimeLimitLeaves(minutes=1.5, deployment="d-DEPLOY000"))]
    assert end(run) == (Outcome.TIMED_OUT, Rollback.NONE, "1", "1=90,2=10", True)


def test_a_deployment_that_was_over_when_the_time_limit_stopped_it_has_succeeded() -> None:
    run = play(World(), inputs(timeout="302s"), weather=STEADY)
    assert story(run)[5:] == [
        "stop with rollback: limit-reached",
        f"stop refused: {OVER}",
        "traffic 2=100",
        "AllowTraffic Succeeded",
        "End Succeeded",
        "d-DEPLOY000 Succeeded",
        "alias serves 2=100",
        "succeeded, rollback none",
    ]
    assert end(run) == (Outcome.SUCCEEDED, Rollback.NONE, "2", "", True)


def lost_contact(run: Run, *, stopping: bool) -> LostContact:
    """With what was seen last, and what failed since."""
    contact, watch = run.rollout.contact, run.rollout.watch
    return LostContact(
        deployment="d-DEPLOY000",
        where=where(),
        stopping=stopping,
        seen=contact.seen_at - watch.began,
        share=watch.share,
        failures=contact.failures,
        error=contact.error,
    )


def test_without_contact_at_the_time_limit_it_is_left_alone() -> None:
    """Three looks in a row have failed by then."""
    world, weather = World(hook_seconds=(600.0, None)), storm(ErrorKind.UNREACHABLE, since=71.0, Look=1.0)
    run = play(world, inputs(timeout="90s", **HOOKS), weather=weather)
    assert (round(run.now, 3), run.rollout.contact.failures, stops(run)) == (90.301, 3, [])
    assert end(run) == (Outcome.LOST_CONTACT, Rollback.UNKNOWN, "", "", True)
    assert words(run) == (lost_contact(run, stopping=False),)
    assert (run.rollout.contact.error, run.rollout.watch.share) == ("test:Look: Fault: weather", 0.0)


def test_two_looks_that_failed_are_no_lost_contact_and_it_is_stopped_as_usual() -> None:
    world, weather = World(hook_seconds=(600.0, None)), storm(ErrorKind.UNREACHABLE, since=71.0, until=84.5, Look=1.0)
    run = play(world, inputs(timeout="84s", **HOOKS), weather=weather)
    assert len([at for at, _ in run.asked(a.Look) if 71.0 < at < 84.301]) == 2
    assert stops(run) == [(84.301, stop())]
    assert end(run) == (Outcome.TIMED_OUT, Rollback.SUCCEEDED, "1", "", True)


# --- what comes of a stop ---


@pytest.mark.parametrize(
    ("more", "outcome"),
    [({"timeout": "90s"}, Outcome.TIMED_OUT), ({"hook_timeout": "89s"}, Outcome.LOST_CONTACT)],
)
def test_without_contact_after_the_stop_nothing_is_claimed_of_it(more: dict[str, str], outcome: Outcome) -> None:
    world = World(hook_seconds=(3600.0, None), stop_takes=1e6)
    run = play(world, inputs(**more, **HOOKS), weather=storm(ErrorKind.UNREACHABLE, since=95.0, Look=1.0))
    assert run.now == pytest.approx(run.said(e.StopRequested)[0].at + 600.0)
    assert end(run) == (outcome, Rollback.UNKNOWN, "", "", False)
    assert words(run) == (lost_contact(run, stopping=True),)


def test_a_deployment_that_does_not_end_after_its_stop_is_not_called_lost_and_the_alias_is_read() -> None:
    """Ten minutes after the stop it is still seen to run."""
    run = play(World(hook_seconds=(3600.0, None), stop_takes=1e6), inputs(timeout="90s", **HOOKS), weather=STEADY)
    assert round(run.now, 3) == 690.401
    assert end(run) == (Outcome.TIMED_OUT, Rollback.UNKNOWN, "1", "", False)
    assert run.rollout.ending.refused == not_over(600.0)
    (left,) = words(run)
    assert isinstance(left, LeftRunning)
    assert left.refused == run.rollout.ending.refused


@pytest.mark.parametrize("denied_by", [ErrorKind.DENIED, ErrorKind.REJECTED])
def test_a_stop_that_is_refused_is_not_repeated_and_what_is_served_is_said(denied_by: ErrorKind) -> None:
    run = play(World(), inputs(timeout="90s"), weather=storm(denied_by, Stop=1.0))
    assert story(run)[5:] == [
        "stop with rollback: limit-reached",
        f"stop refused: {FAULT}",
        "alias serves 1=90,2=10",
        "timed-out, rollback unknown",
    ]
    assert stops(run) == [(90.301, stop())]
    assert end(run) == (Outcome.TIMED_OUT, Rollback.UNKNOWN, "1", "1=90,2=10", False)
    assert words(run) == (
        LeftRunning(deployment="d-DEPLOY000", where=where(), serves=(("1", 90.0), ("2", 10.0)), refused=FAULT),
    )


class Forbidding(World):
    """A stop fails for a reason that is not AWS's."""

    def stop(self, deployment_id: str, rollback: bool) -> StopAnswer:
        raise refused("Not now.")


def test_a_stop_that_is_refused_on_our_side_is_not_repeated_either() -> None:
    run = play(Forbidding(), inputs(timeout="90s"), weather=STEADY)
    assert stops(run) == [(90.301, stop())]
    assert "stop refused: Not now." in story(run)
    assert end(run) == (Outcome.TIMED_OUT, Rollback.UNKNOWN, "1", "1=90,2=10", False)


def test_what_was_over_before_its_stop_is_looked_at_at_once() -> None:
    """A hook had just failed; the next look was planned for seven seconds later."""
    world = World(hook_seconds=(78.0, None), hook_good=(False, True))
    run = play(world, inputs(timeout="80s", **HOOKS), weather=STEADY)
    assert [round(event.at, 3) for event in run.said(e.StopAnswered)] == [80.401]
    assert [round(at, 3) for at, _ in run.asked(a.Look) if at > 79.0][:1] == [80.401]
    assert end(run) == (Outcome.TIMED_OUT, Rollback.SUCCEEDED, "1", "", True)


def test_a_stop_is_not_sent_again_while_its_answer_is_awaited() -> None:
    world = World(hook_seconds=(3600.0, None), stop_takes=60.0)
    run = play(world, inputs(timeout="90s", **HOOKS), weather=Weather(delays=(8.0, 8.0)))
    times = [at for at, _ in stops(run)]
    assert len(times) > 3
    assert all(later - earlier > 8.0 + 5.0 for earlier, later in pairwise(times))


@pytest.mark.parametrize("kind", [ErrorKind.THROTTLED, ErrorKind.UNREACHABLE, ErrorKind.EXPIRED])
@pytest.mark.parametrize(("policy", "rollback"), [("rollback", True), ("stop", False)])
def test_a_stop_that_does_not_arrive_is_sent_again_as_it_was(kind: ErrorKind, policy: str, rollback: bool) -> None:
    given = inputs(timeout="90s", on_timeout=policy)
    run = play(World(rollback_events=ON_FAILURE), given, weather=storm(kind, until=97.0, Stop=1.0))
    (_, sent), (again_at, again) = stops(run)
    assert (sent, again) == (stop(rollback=rollback), stop(rollback=rollback))
    assert 91.401 + 5.0 <= again_at < 91.401 + 5.0 + 15.0 * 1.1, "5 s after the failure, with the next look"
    assert [line for line in story(run) if line.startswith("stop ")][-1] == "stop Succeeded"
    assert run.result.rollback is (Rollback.SUCCEEDED if rollback else Rollback.NONE)


def test_a_stop_that_is_pending_is_asked_for_every_few_seconds_and_told_once() -> None:
    run = play(World(stop_takes=18.0), inputs(timeout="90s"), weather=STEADY)
    times = [at for at, _ in stops(run)]
    assert {action for _, action in stops(run)} == {stop()}
    assert all(5.0 < later - earlier < 8.0 for earlier, later in pairwise(times))
    assert len(times) == 4
    assert [line for line in story(run) if line.startswith("stop ")] == [
        "stop with rollback: limit-reached",
        "stop Pending",
        f"stop refused: {OVER}",
    ]
    assert end(run) == (Outcome.TIMED_OUT, Rollback.SUCCEEDED, "1", "", True)


class Changeable(World):
    """Its stop is Pending, then Succeeded, then Pending once more, with a message each time."""

    def stop(self, deployment_id: str, rollback: bool) -> StopAnswer:
        self.stops.append((self.now, deployment_id, rollback))
        number = len(self.stops)
        if number == 4:
            return super().stop(deployment_id, rollback)
        return StopAnswer(status="Succeeded" if number == 3 else "Pending", message=f"message {number}")


def test_a_pending_answer_is_told_with_codedeploys_message_and_again_when_it_changes() -> None:
    run = play(Changeable(hook_seconds=(300.0, None)), inputs(timeout="90s", **HOOKS), weather=STEADY)
    answers = [
        (event.deployment_id, event.status, event.message)  # type: ignore[attr-defined]
        for event in run.said(e.StopAnswered)
    ]
    assert answers == [
        ("d-DEPLOY000", "Pending", "message 1"),
        ("d-DEPLOY000", "Succeeded", "message 3"),
    ]
    assert len(stops(run)) == 3, "Succeeded is not asked for again"


def test_the_answer_to_the_stop_of_another_deployment_is_told_as_that_and_changes_nothing_of_ours() -> None:
    other = Running(id="d-RUNNING01", created=0.0, current="1", target="7", routing=CANARY)
    world = World(deployments=[other], versions={"1": "old", "7": "seven"})
    run = play(world, inputs(on_conflict="supersede"), weather=STEADY)
    assert run.said(e.StopAnswered) == [
        e.StopAnswered(
            at=run.said(e.StopAnswered)[0].at, key="checkout:live", deployment_id="d-RUNNING01", status="Succeeded"
        )
    ]
    assert (run.rollout.ending.sent, run.rollout.ending.heard, run.rollout.ending.asked_at) == (False, False, 0.0)
    assert run.result.outcome is Outcome.SUCCEEDED


# --- hooks that hang ---


def hangs(which: str) -> World:
    return World(hook_seconds=(3000.0, 1.0) if which == "a" else (1.0, 3000.0), hook_good=(True, True))


@pytest.mark.parametrize(
    ("which", "began"), [("a", 1.401), ("b", 302.651)], ids=["BeforeAllowTraffic", "AfterAllowTraffic"]
)
def test_a_hook_that_hangs_is_ended_by_hook_timeout_with_rollback(which: str, began: float) -> None:
    """Whatever `on-timeout` says."""
    run = play(hangs(which), inputs(hook_timeout="2m", on_timeout="leave", **HOOKS), weather=STEADY)
    ((at, sent),) = stops(run)
    began_at = next(
        event.at
        for event in run.said(e.LifecycleChanged)
        if (event.event.name, event.status) == (f"{'Before' if which == 'a' else 'After'}AllowTraffic", "InProgress")
    )
    assert (at, sent) == (round(began_at + 120.0, 3), stop())
    phase = f"{'Before' if which == 'a' else 'After'}AllowTraffic"
    late = HookHangs(hook=f"CodeDeployHook_{which}", event=phase, seconds=120.0)
    assert [stopped.why for stopped in run.said(e.StopRequested)] == [late]  # type: ignore[attr-defined]
    assert end(run) == (Outcome.ROLLED_BACK, Rollback.SUCCEEDED, "1", "", True)
    assert words(run)[0] == HookTimeoutPassed(deployment="d-DEPLOY000", stopped=True, hook=f"CodeDeployHook_{which}")


@pytest.mark.parametrize("event", ["BeforeAllowTraffic", "AfterAllowTraffic"])
def test_the_hook_of_a_deployment_that_another_run_made_is_ended_though_nobody_knows_its_function(event: str) -> None:
    """Its AppSpec may declare any hook; that of traffic is none."""
    run = play(World(), inputs(hook_timeout="2m"), weather=STEADY)
    attached = but(run.rollout, stage=Stage.FOLLOWING, watch__attached=True, watch__until=9000.0, event_at=100.0)
    for name, now, why in (
        (event, 219.9, []),
        (event, 220.0, [HookHangs(hook="", event=event, seconds=120.0)]),
        ("AllowTraffic", 5000.0, []),
    ):
        turn = Turn(but(attached, watch__event=name), now)
        keep_time(turn)
        assert [one.why for one in turn.events if isinstance(one, e.StopRequested)] == why
        assert len(turn.events) == len(why), "a hook of which nothing is known has no limit of its own to warn of"


def of_seconds(seconds: int) -> Fact[FunctionVersion | None]:
    return Known(FunctionVersion(function="h", version="$LATEST", code_sha256="s", timeout_s=seconds))


ARN = "arn:aws:lambda:eu-central-1:123456789012:function:checks"


@pytest.mark.parametrize(
    ("hook", "fact", "own", "name", "misnamed"),
    [
        ("CodeDeployHook_a", of_seconds(30), 30, "CodeDeployHook_a", False),
        ("CodeDeployHook_a", NotPermitted("lambda:GetFunction"), 900, "CodeDeployHook_a", False),
        ("CodeDeployHook_a", None, 900, "CodeDeployHook_a", False),
        (ARN, of_seconds(30), 30, "checks", True),
    ],
    ids=["its own limit", "not readable", "not read", "another name"],
)
def test_a_hook_that_has_outrun_its_own_limit_is_told_once_with_what_can_be_done(
    hook: str, fact: Fact[FunctionVersion | None] | None, own: int, name: str, misnamed: bool
) -> None:
    """A minute after the limit that Lambda would have ended it at; 15 minutes where that is not known."""
    world = hangs("a")
    world.hooks = {hook: fact} if fact else {}
    run = play(world, inputs(before_allow_traffic=hook), weather=STEADY)
    assert [found for found in warnings(run) if found[1].code == "hook-silent"] == [
        (pytest.approx(1.401 + own + 60.0, abs=10.0), HookSilent(hook=name, limit=own, misnamed=misnamed))
    ]
    assert stops(run) == []
    assert end(run)[0] is Outcome.SUCCEEDED


def test_what_is_known_of_a_hook_that_does_not_exist_is_no_limit() -> None:
    """`status` follows whatever runs: nothing is refused for the sake of a hook."""
    world = World(deployments=[hanging()], hooks={"CodeDeployHook_a": Known(None)})
    world.advance(1.0)
    given = inputs(command="status", wait="true", deployment_id="d-DEPLOY000", before_allow_traffic="CodeDeployHook_a")
    run = play(world, given, weather=STEADY)
    assert [found for _, found in warnings(run)] == [HookSilent(hook="CodeDeployHook_a", limit=900, misnamed=False)]


def hanging() -> Running:
    return Running(id="d-DEPLOY000", created=0.0, current="1", target="2", routing=CANARY, hook_seconds=(3000.0, None))


def test_each_hook_is_warned_of_by_itself() -> None:
    world = World(hook_seconds=(1000.0, 1000.0))
    found = [reason for _, reason in warnings(play(world, inputs(**HOOKS), weather=STEADY))]
    assert found == [HookSilent(hook=f"CodeDeployHook_{one}", limit=900, misnamed=False) for one in "ab"]


@pytest.mark.parametrize(
    ("public", "wanted", "asked"),
    [(False, "auto", True), (True, "auto", False), (True, "on", True), (False, "off", False)],
)
def test_the_log_of_a_silent_hook_is_quoted_where_that_is_allowed(public: bool, wanted: str, asked: bool) -> None:
    run = play(hangs("a"), inputs(hook_logs=wanted, **HOOKS), run=replace(context(), public=public), weather=STEADY)
    found = [(round(at), action.deployment.status, action.logs) for at, action in run.asked(a.Diagnose)]  # type: ignore[attr-defined]
    assert found == ([(963, DeploymentStatus.IN_PROGRESS, True)] if asked else [])


def test_a_hook_that_is_being_stopped_is_not_warned_of_any_more() -> None:
    world = World(hook_seconds=(3600.0, None), stop_takes=300.0)
    run = play(world, inputs(hook_timeout="890s", **HOOKS), weather=STEADY)
    assert warnings(run) == []
    assert len({at for at, _ in stops(run)}) > 10
    assert len(run.said(e.StopRequested)) == 1


# --- a signal ---


def test_a_signal_stops_with_rollback_in_the_same_step_and_its_end_is_told() -> None:
    run = play(World(rollback_events=ON_FAILURE, rollback_delay=0.5), weather=STEADY, signals=[30.0])
    assert stops(run) == [(30.0, stop(urgent=True))]
    assert story(run) == [
        *BEGUN,
        "SIGINT, on-cancel rollback",
        "stop with rollback: run-interrupted",
        "stop Succeeded",
        *STOPPED,
        *ROLLED_BACK[:1],
        "d-ROLLBACK1 Created",
        *ROLLED_BACK[1:],
        "cancelled, rollback succeeded",
    ]
    assert end(run) == (Outcome.CANCELLED, Rollback.SUCCEEDED, "1", "", True)


def test_a_signal_may_stop_without_rollback() -> None:
    run = play(World(rollback_events=ON_FAILURE), inputs(on_cancel="stop"), weather=STEADY, signals=[30.0])
    assert stops(run) == [(30.0, stop(rollback=False, urgent=True))]
    assert "stop: run-interrupted" in story(run)


def test_a_signal_may_leave_it_running_and_says_what_is_served() -> None:
    run = play(World(), inputs(on_cancel="leave"), weather=STEADY, signals=[30.0])
    assert (stops(run), run.now) == ([], pytest.approx(30.1))
    assert end(run) == (Outcome.CANCELLED, Rollback.NONE, "1", "1=90,2=10", True)


@pytest.mark.parametrize("second", [1.0, 0.1])
def test_the_time_of_grace_is_the_runners_whatever_the_clock(second: float) -> None:
    """Six real seconds; on a rehearsal's clock a real second is another length."""
    run = Run(World(stop_takes=60.0), first(inputs(), context()), weather=STEADY)
    run._expect(30.0, a.Cancelled(signal="SIGTERM", second=second))
    play_together(run.world, run)
    assert run.now == pytest.approx(30.0 + 6.0 * second)
    assert end(run) == (Outcome.CANCELLED, Rollback.UNKNOWN, "", "", False)


NO_ALIAS = storm(ErrorKind.UNREACHABLE, since=25.0, LookAlias=1.0)
NO_STOP = storm(ErrorKind.THROTTLED, Stop=1.0)


@pytest.mark.parametrize(
    ("world", "given", "at", "weather", "doing", "settled"),
    [
        (World(stop_takes=60.0), {}, 30.0, STEADY, {"sent": True}, False),
        (World(), {}, 30.0, NO_STOP, {"sent": True, "refused": FAULT}, False),
        (
            World(rollback_events=ON_FAILURE),
            {"on_cancel": "stop"},
            30.0,
            NO_ALIAS,
            {"status": "Stopped", "sent": True},
            False,
        ),
        (
            World(rollback_takes=60.0, rollback_delay=0.5),
            {},
            30.0,
            STEADY,
            {"status": "Stopped", "sent": True, "rollback": "d-ROLLBACK1"},
            False,
        ),
        (
            World(),
            {"on_cancel": "leave"},
            30.0,
            NO_ALIAS,
            {"left": True},
            True,
        ),
        (World(), {"on_cancel": "leave"}, 303.05, NO_ALIAS, {"status": "Succeeded"}, False),
        (
            World(stop_takes=60.0),
            {"on_cancel": "leave", "timeout": "90s"},
            90.5,
            NO_ALIAS,
            {"sent": True},
            False,
        ),
        (World(), {"on_timeout": "leave", "timeout": "90s"}, 90.5, NO_ALIAS, {}, False),
    ],
    ids=["pending", "refused", "stopped", "rolled back", "left", "succeeded", "stopped, then left", "not stopped"],
)
def test_when_the_time_of_grace_is_over_it_says_how_far_it_came(
    world: World, given: dict[str, str], at: float, weather: Weather, doing: dict[str, Any], settled: bool
) -> None:
    """What the post step has to look after is not settled."""
    run = play(replace(world), inputs(**given), weather=weather, signals=[at])
    assert run.now == pytest.approx(at + 6.0)
    assert end(run) == (Outcome.CANCELLED, Rollback.UNKNOWN, "", "", settled)
    assert words(run) == (CancelledMeanwhile(how=NO_MORE_TIME, deployment="d-DEPLOY000", where=where(), **doing),)


def test_what_was_read_before_is_not_said_when_nothing_could_be_read_since() -> None:
    """Someone moves the alias right after the success, and every later reading fails."""
    world = World(routing=AT_ONCE, moved_by_hand=(2.5, "1"))
    run = play(world, weather=storm(ErrorKind.UNREACHABLE, since=3.0, LookAlias=1.0), signals=[3.5])
    assert [line for line in story(run) if line.startswith("alias ")] == ["alias serves 1=100"]
    assert end(run) == (Outcome.CANCELLED, Rollback.UNKNOWN, "", "", False)
    assert words(run) == (
        CancelledMeanwhile(how=NO_MORE_TIME, deployment="d-DEPLOY000", where=where(), status="Succeeded"),
    )


def test_a_second_signal_ends_it_at_once_and_says_so() -> None:
    run = play(World(stop_takes=60.0), weather=STEADY, signals=[30.0, 31.0])
    assert run.now == 31.0
    assert run.result.reasons == (
        CancelledMeanwhile(how="a second signal", deployment="d-DEPLOY000", where=where(), sent=True),
    )
    assert len(run.said(e.CancelReceived)) == len(stops(run)) == 1


def test_a_signal_at_a_terminal_waits_for_the_end_however_the_time_limit_stands() -> None:
    """A person at a terminal can press Ctrl-C again; until then a stop that is Pending is asked for again."""
    given = inputs(timeout="40s")
    run = play(World(stop_takes=30.0), given, run=context(actions=False), weather=STEADY, signals=[30.0])
    assert [action.urgent for _, action in stops(run)] == [True, *[False] * 5]  # type: ignore[attr-defined]
    assert end(run) == (Outcome.CANCELLED, Rollback.SUCCEEDED, "1", "", True)


def test_a_stop_that_fails_at_a_terminal_is_sent_again() -> None:
    weather = storm(ErrorKind.THROTTLED, until=33.0, Stop=1.0)
    run = play(World(), run=context(actions=False), weather=weather, signals=[30.0])
    assert [action for _, action in stops(run)] == [stop(urgent=True), stop()]
    assert end(run) == (Outcome.CANCELLED, Rollback.SUCCEEDED, "1", "", True)


def test_the_time_limits_stop_keeps_its_ten_minutes_after_a_signal_at_a_terminal() -> None:
    world, given = World(hook_seconds=(3600.0, None), stop_takes=1e6), inputs(timeout="90s", **HOOKS)
    run = play(world, given, run=context(actions=False), weather=STEADY, signals=[100.0])
    assert round(run.now, 3) == 690.401
    assert end(run) == (Outcome.CANCELLED, Rollback.UNKNOWN, "1", "", False)


def test_at_a_terminal_patience_ends_after_ten_minutes() -> None:
    world = World(hook_seconds=(3600.0, None), stop_takes=1e6)
    run = play(world, inputs(**HOOKS), run=context(actions=False), weather=STEADY, signals=[30.0])
    assert run.now == pytest.approx(630.0)
    assert words(run)[0] == CancelledMeanwhile(how=NO_MORE_TIME, deployment="d-DEPLOY000", where=where(), sent=True)


def test_a_pending_stop_is_not_repeated_under_a_runner() -> None:
    assert len(stops(play(World(stop_takes=60.0), weather=STEADY, signals=[30.0]))) == 1


def test_a_signal_after_the_time_limits_stop_sends_no_second_one() -> None:
    run = play(World(stop_takes=2.0), inputs(timeout="90s"), weather=STEADY, signals=[90.5])
    assert stops(run) == [(90.301, stop())]
    assert run.result.outcome is Outcome.CANCELLED


def test_a_signal_after_the_time_limits_stop_may_leave_the_rest_to_itself() -> None:
    given = inputs(timeout="90s", on_cancel="leave")
    run = play(World(stop_takes=60.0), given, weather=STEADY, signals=[90.5])
    assert (len(stops(run)), run.now) == (1, pytest.approx(90.6))
    assert end(run) == (Outcome.CANCELLED, Rollback.UNKNOWN, "1", "1=90,2=10", False)


def test_cancelled_before_the_creation_nothing_is_created_and_nothing_is_left_to_do() -> None:
    world = World()
    run = play(world, weather=STEADY, signals=[0.15])
    assert words(run) == (CancelledBefore(signal="SIGINT"),)
    assert end(run) == (Outcome.CANCELLED, Rollback.NONE, "1", "", True)
    assert world.deployments == []


def test_cancelled_while_a_throttled_creation_is_not_in_flight_nothing_is_created() -> None:
    world = World()
    run = play(world, weather=storm(ErrorKind.THROTTLED, until=10.0, Create=1.0), signals=[5.0])
    assert (run.now, world.deployments) == (5.0, [])
    assert words(run) == (CancelledBefore(signal="SIGINT"),)


@pytest.mark.parametrize("second", [1.0, 0.5])
def test_an_answer_to_the_creation_is_awaited_for_three_seconds_then_looked_for(second: float) -> None:
    run = Run(World(), first(inputs(), context()), weather=Weather(delays=(5.0, 5.0)))
    run._expect(11.0, a.Cancelled(signal="SIGTERM", second=second))
    play_together(run.world, run)
    assert [round(at, 3) for at, _ in run.asked(a.Find)][:1] == [11.0 + 3.0 * second]


def test_a_creation_whose_fate_is_not_known_is_named_by_its_marker() -> None:
    weather = storm(ErrorKind.UNREACHABLE, Create=1.0, Find=1.0)
    run = play(World(), weather=weather, signals=[5.0])
    assert run.now == pytest.approx(11.0)
    assert end(run) == (Outcome.CANCELLED, Rollback.UNKNOWN, "1", "", False)
    assert words(run) == (CreationInterrupted(how=NO_MORE_TIME, marker="0badcafe"),)


def test_a_creation_that_failed_after_it_was_looked_for_is_still_in_doubt() -> None:
    weather = replace(storm(ErrorKind.UNREACHABLE, Create=1.0, Find=1.0), delays=(5.0, 5.0))
    run = play(World(), weather=weather, signals=[11.0])
    assert run.now == pytest.approx(17.0)
    assert not run.rollout.flight.kinds & {"Create"}
    assert run.result.reason_code == "creation-interrupted"
    assert not run.result.settled


def test_cancelled_while_a_publishing_is_in_doubt_it_ends_at_once_and_creates_nothing() -> None:
    world = World()
    run = play(world, weather=storm(ErrorKind.UNREACHABLE, until=20.0, Publish=1.0), signals=[5.0])
    assert (run.now, world.deployments) == (5.0, [])
    assert words(run) == (CancelledBefore(signal="SIGINT"),)


def test_a_second_signal_while_the_creation_is_in_flight_says_that_it_may_exist() -> None:
    run = play(World(), weather=Weather(delays=(2.0, 2.0)), signals=[5.0, 5.5])
    assert run.now == 5.5
    assert words(run)[0] == (CreationInterrupted(how="a second signal", marker="0badcafe"))
    assert not run.result.settled


@pytest.mark.parametrize(("policy", "sent"), [("rollback", 1), ("leave", 0)])
def test_a_creation_that_a_signal_met_in_flight_is_treated_as_any_other(policy: str, sent: int) -> None:
    world = World()
    run = play(world, inputs(on_cancel=policy), weather=Weather(delays=(2.0, 2.0)), signals=[5.0])
    assert [one.id for one in world.deployments if one.by_hand] == ["d-DEPLOY000"]
    assert stops(run) == [(6.001, stop(urgent=True))] * sent
    assert run.result.outcome is Outcome.CANCELLED


# --- a signal during the first deployment ---


def first_deployment(*signals: float, delay: float = 2.0) -> tuple[CodeWorld, Run]:
    world = CodeWorld(routing=AT_ONCE, alias_exists=False, latest_sha="b3VycyBvdXJzIG91cnMgb3VycyBvdXJzIG91cnMgISE=")
    given = inputs(code="build", create_alias="true")
    return world, play(world, given, weather=Weather(delays=(delay, delay)), signals=signals)


@pytest.mark.parametrize("at", [5.0, 7.0])
def test_an_alias_that_was_being_created_at_the_signal_is_read_and_said(at: float) -> None:
    """It serves from its creation on: "nothing was created" would not be true."""
    world, run = first_deployment(at)
    assert (world.alias_exists, world.alias_version) == (True, "2")
    assert run.now == 8.0
    assert end(run) == (Outcome.CANCELLED, Rollback.NONE, "2", "", True)
    assert words(run) == (FirstDeployment(alias="live", version="2", late=True),)


def test_an_alias_whose_creation_is_not_answered_in_time_may_exist() -> None:
    _, run = first_deployment(17.0, delay=8.0)
    assert run.now == 23.0
    assert end(run) == (Outcome.CANCELLED, Rollback.NONE, "", "", True)
    assert words(run) == (AliasInterrupted(how=NO_MORE_TIME, alias="live", where=where()),)


def test_a_signal_before_the_alias_was_asked_for_creates_none() -> None:
    world, run = first_deployment(3.0)
    assert not world.alias_exists
    assert words(run) == (CancelledBefore(signal="SIGINT"),)


@pytest.mark.parametrize(
    ("at", "until", "reasons"),
    [
        (1.7, 1.7, (CancelledBefore(signal="SIGINT"),)),
        (3.0, 3.456, (CancelledBefore(), aws(ErrorKind.THROTTLED, "test:CreateAlias"))),
    ],
    ids=["between two attempts", "during an attempt"],
)
def test_a_creation_of_the_alias_that_is_throttled_is_not_repeated_after_a_signal(
    at: float, until: float, reasons: tuple[Reason, ...]
) -> None:
    world = CodeWorld(routing=AT_ONCE, alias_exists=False)
    given = inputs(code="build", create_alias="true")
    run = play(world, given, weather=storm(ErrorKind.THROTTLED, CreateAlias=1.0), signals=[at])
    assert (round(run.now, 3), world.alias_exists) == (until, False)
    assert end(run) == (Outcome.CANCELLED, Rollback.NONE, "", "", True)
    assert words(run) == reasons


# --- the post step ---


def killed(at: float, world: World | None = None) -> Run:
    run = Run(world or World(), first(inputs(), context()), weather=STEADY)
    until(run.world, run, at)
    return run


@pytest.mark.parametrize(
    ("at", "which"), [(30.0, "d-DEPLOY000"), (0.25, "with id=0badcafe")], ids=["known by its id", "by its marker"]
)
def test_the_post_step_says_what_it_could_not_find_out(at: float, which: str) -> None:
    main = killed(at)
    finishing = post_step(main, killed=True, weather=storm(ErrorKind.UNREACHABLE, Gather=1.0))
    assert finishing is not None
    assert finishing.now == pytest.approx(240.0)
    assert end(finishing) == (Outcome.CANCELLED, Rollback.UNKNOWN, "", "", False)
    assert words(finishing) == (
        FateUnknown(how=NO_MORE_TIME, deployment=which, where=replace(where(), region="", account="")),
    )


def test_the_post_step_stops_what_the_main_step_left_running() -> None:
    finishing = post_step(killed(30.0), killed=True, weather=STEADY)
    assert finishing is not None
    assert [action for _, action in stops(finishing)] == [stop()]
    assert "stop with rollback: main-step-ended" in story(finishing)
    assert end(finishing) == (Outcome.CANCELLED, Rollback.SUCCEEDED, "1", "", True)


def test_the_post_step_asks_for_a_pending_stop_again() -> None:
    finishing = post_step(killed(30.0, World(stop_takes=20.0)), killed=True, weather=STEADY)
    assert finishing is not None
    assert len(stops(finishing)) > 2
    assert end(finishing) == (Outcome.CANCELLED, Rollback.SUCCEEDED, "1", "", True)


def test_the_post_step_says_how_far_it_came_when_its_time_is_over() -> None:
    finishing = post_step(killed(30.0, World(stop_takes=1e6)), killed=True, weather=STEADY)
    assert finishing is not None
    assert finishing.now == pytest.approx(240.0)
    assert end(finishing) == (Outcome.CANCELLED, Rollback.UNKNOWN, "", "", False)
    assert words(finishing) == (
        CancelledMeanwhile(how=NO_MORE_TIME, deployment="d-DEPLOY000", where=where(), sent=True),
    )


# --- commands ---


@pytest.mark.parametrize(
    ("given", "why", "rollback"),
    [
        ({"command": "stop", "reason": "too slow"}, StopAsked(command="stop", said="too slow"), True),
        ({"command": "stop", "rollback": "false"}, StopAsked(command="stop", said=""), False),
        ({"command": "rollback", "reason": "wrong prices"}, StopAsked(command="rollback", said="wrong prices"), True),
    ],
)
def test_stop_and_rollback_stop_what_runs(given: dict[str, str], why: StopAsked, rollback: bool) -> None:
    running = Running(id="d-DEPLOY000", created=0.0, current="1", target="2", routing=CANARY)
    run = play(World(deployments=[running], versions={"1": "a", "2": "b"}), inputs(**given), weather=STEADY)
    assert [action for _, action in stops(run)] == [stop(rollback=rollback)]
    assert [event.why for event in run.said(e.StopRequested)] == [why]  # type: ignore[attr-defined]
    assert run.release.command is Command(given["command"])


def test_a_refusal_of_a_stop_that_comes_when_it_is_rolled_back_already_does_not_end_the_following() -> None:
    """It took the rollout from the rollback to a reading of the alias in the middle of it."""
    world = World(alarm_at=91.0, rollback_takes=60.0)
    denied = replace(STEADY, rates={"Stop": 1.0}, kinds=(ErrorKind.DENIED,))
    played = start(world, timeout="90s", weather=denied).answer_late(a.Stop, 30.0).end()
    result = played.run.result
    assert (result.outcome, result.rollback, result.live_version) == (Outcome.TIMED_OUT, Rollback.SUCCEEDED, "1")
