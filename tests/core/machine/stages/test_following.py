"""A deployment that exists, until it is over: what is looked at and when, what is told of it, and its rollback.

Every answer takes a tenth of a second here, and one that fails a second more; so a usual deployment begins at 0.301 s
and shifts its first traffic at 1.201 s, which is seen at 1.401 s.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from ci_deploy.core.aws import Deployment, DeploymentStatus, DeploymentTarget, EventStatus, Routing, RoutingType
from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.machine import actions as a
from ci_deploy.core.plan.planning import Existing
from ci_deploy.core.reasons.ending.verdict import (
    Cancelled,
    HookTimeoutPassed,
    NotAsPlanned,
    NotRolledBack,
    OffPlan,
    RollbackRunning,
)
from ci_deploy.core.run import Outcome, Rollback
from ci_deploy.core.story import events as e
from tests.support.machine.playing import STEADY, Run, Weather, first, play, play_together, post_step, told, until
from tests.support.machine.states import but
from tests.support.machine.world import ALL_EVENTS, AT_ONCE, CANARY, LINEAR, Running, World, context, inputs
from tests.support.reasons import put_back

SHIFTING = [
    "d-DEPLOY000 begins, 1 -> 2",
    "Start Succeeded",
    "AllowTraffic InProgress",
    "d-DEPLOY000 InProgress",
    "traffic 1=90,2=10",
]
HOOKS = {"before_allow_traffic": "CodeDeployHook_a", "after_allow_traffic": "CodeDeployHook_b"}
ON_FAILURE = frozenset({"DEPLOYMENT_FAILURE"})
ALARM_AT_60 = ["AllowTraffic Failed", "End Skipped", "d-DEPLOY000 Stopped ALARM_ACTIVE"]


def storm(kind: ErrorKind = ErrorKind.UNREACHABLE, since: float = 0.0, until: float = 1e12, **rates: float) -> Weather:
    return replace(STEADY, rates=rates, kinds=(kind,), since=since, until=until, lost_answers=0.0)


def looks(run: Run) -> list[tuple[float, bool]]:
    """When was looked, and whether with targets."""
    return [(round(at, 3), bool(look.with_targets)) for at, look in run.asked(a.Look)]  # type: ignore[attr-defined]


def shifts(run: Run) -> list[e.TrafficShifted]:
    return [event for event in run.said(e.TrafficShifted) if isinstance(event, e.TrafficShifted)]


def end(run: Run) -> tuple[Outcome, Rollback, str, str]:
    result = run.result
    return result.outcome, result.rollback, result.live_version, result.live_weights


def one_of(many: int, world: World, **more: str) -> Run:
    """A rollout of a release of many functions, alone in its world: it is looked at as one of so many."""
    rollout = but(first(inputs(**more), context()), siblings=frozenset(f"{n:08}" for n in range(many)))
    run = Run(world, rollout, weather=STEADY)
    play_together(world, run)
    return run


# --- what is told, and in which order ---


def test_a_deployment_is_told_in_the_order_in_which_it_happened() -> None:
    """Traffic is said to have shifted before its lifecycle event is said to be over."""
    run = play(World(hook_seconds=(3.0, 5.0)), inputs(**HOOKS), weather=STEADY)
    assert told(run) == [
        "d-DEPLOY000 begins, 1 -> 2",
        "Start Succeeded",
        "BeforeAllowTraffic InProgress",
        "d-DEPLOY000 InProgress",
        "BeforeAllowTraffic Succeeded",
        "AllowTraffic InProgress",
        "traffic 1=90,2=10",
        *["still AllowTraffic, 1=90,2=10"] * 4,
        "traffic 2=100",
        "AllowTraffic Succeeded",
        "AfterAllowTraffic InProgress",
        "AfterAllowTraffic Succeeded",
        "End InProgress",
        "End Succeeded",
        "d-DEPLOY000 Succeeded",
        "alias serves 2=100",
        "succeeded, rollback none",
    ]


def test_what_is_seen_in_one_look_is_told_in_its_order_too() -> None:
    """All at once is over before anybody can look: the shift still comes after the start, and before its own end."""
    assert told(play(World(routing=AT_ONCE), weather=STEADY)) == [
        "d-DEPLOY000 begins, 1 -> 2",
        "Start Succeeded",
        "traffic 2=100",
        "AllowTraffic Succeeded",
        "End Succeeded",
        "d-DEPLOY000 Succeeded",
        "alias serves 2=100",
        "succeeded, rollback none",
    ]


@dataclass(kw_only=True)
class Odd(World):
    """CodeDeploy leaves out, or says later, what it need not say: see the fields."""

    starts: bool = True
    create_times: bool = True
    names_current: bool = True
    unreadable_from: float = 1e12  # the targets
    rollback_names_current: bool = True  # or its target as both
    messages: list[tuple[float, str]] = field(default_factory=list)  # rollbackMessage, from so long after the end

    def snapshot(self, running: Running, with_targets: bool) -> Deployment:
        made = super().snapshot(running, with_targets)
        if self.now >= self.unreadable_from:
            made = replace(made, targets=None)
        if not self.create_times:
            made = replace(made, create_time=0.0)
        for after, text in self.messages:
            if running.ended is not None and running.by_hand and self.now >= running.ended + after:
                made = replace(made, rollback_message=text)
        return made

    def _target(self, running: Running) -> DeploymentTarget:
        made = super()._target(running)
        if not self.starts:
            made = replace(made, events=tuple(replace(event, start=None) for event in made.events))
        if not (running.by_hand or self.rollback_names_current):
            made = replace(made, current_version=made.target_version)
        return made if self.names_current else replace(made, current_version="")


def test_a_shift_is_announced_from_when_codedeploy_began_it() -> None:
    """AWS's own stamps say how long after the creation that was, however late it was seen."""
    run = play(World(), weather=replace(STEADY, delays=(3.0, 3.0)))
    started = run.said(e.DeploymentStarted)[0].at
    (ten, all_of_it) = shifts(run)
    assert ten == e.TrafficShifted(
        at=ten.at,
        key="checkout:live",
        deployment_id="d-DEPLOY000",
        shares={"1": 90.0, "2": 10.0},
        next_shift_at=pytest.approx(started + 1.0 + 300.0),
        ends_at=pytest.approx(started + 1.0 + 300.0),
    )
    assert (all_of_it.shares, all_of_it.next_shift_at) == ({"2": 100.0}, None)
    assert ten.at > started + 3.0, "seen later than it began"


@pytest.mark.parametrize(
    ("odd", "guards", "at"),
    [
        ({"starts": False}, "", 302.801),
        ({"create_times": False}, "off", 302.801),
        ({"create_times": False}, "", 301.301),
    ],
)
def test_where_codedeploy_gives_no_times_a_shift_is_announced_from_when_it_was_seen(
    odd: dict[str, bool], guards: str, at: float
) -> None:
    """Where CloudWatch has told AWS's time, that of the lifecycle event's own start is enough."""
    (ten, _) = shifts(play(Odd(**odd), inputs(guards=guards), weather=STEADY))
    assert (ten.at, ten.next_shift_at, ten.ends_at) == pytest.approx((2.801, at, at))


def test_when_traffic_began_to_shift_is_corrected_when_the_creation_time_is_known() -> None:
    """The first look reads the target alone; without metrics nothing else has told AWS's time by then."""
    run = play(World(), inputs(guards="off"), weather=STEADY)
    (ten, _) = shifts(run)
    assert (ten.at, ten.next_shift_at) == pytest.approx((2.801, 302.801))
    assert run.said(e.Heartbeat)[0].next_shift_at == pytest.approx(301.301)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("step", "percent_scale"), [(2, False), (2, True), (25, False), (40, False), (25, True), (40, True)]
)
def test_every_step_of_a_linear_shift_is_told_and_the_next_one_announced(step: int, percent_scale: bool) -> None:
    routing = Routing(kind=RoutingType.LINEAR, percentage=step, interval_minutes=1)
    found = shifts(play(World(routing=routing, percent_scale=percent_scale), weather=STEADY))
    parts = [*range(step, 100, step), 100]
    assert [event.shares for event in found] == [
        {version: part for version, part in (("1", 100.0 - part), ("2", float(part))) if part} for part in parts
    ]
    assert [event.next_shift_at for event in found[:-1]] == pytest.approx(
        [1.301 + 60.0 * number for number in range(1, len(parts))]
    )
    assert {round(event.ends_at or 0.0, 3) for event in found} == {1.301 + 60.0 * (len(parts) - 1)}
    assert found[-1].next_shift_at is None


PER_CENT = Routing(kind=RoutingType.LINEAR, percentage=1, interval_minutes=1)


@pytest.mark.parametrize(
    ("routing", "since", "seen"),
    [(LINEAR, 5.0, 25.0), (LINEAR, 81.0, 50.0), (PER_CENT, 5.0, 1.0), (PER_CENT, 81.0, 2.0)],
)
def test_of_a_deployment_that_ran_before_us_the_next_shift_is_told_when_one_was_seen(
    routing: Routing, since: float, seen: float
) -> None:
    """When the shift began was not seen, and AWS's clock is not ours: a moment would be made up."""
    world = World(routing=routing, deployments=[running(routing=routing)], percent_scale=False)
    world.advance(since)
    found = shifts(play(world, inputs(command="status", wait="true", deployment_id="d-RUNNING01"), weather=STEADY))
    assert (round(found[0].at, 3), found[0].shares) == (1.2, {"1": 100.0 - seen, "7": seen})
    assert (found[0].next_shift_at, found[0].ends_at) == (None, None)
    assert found[1].next_shift_at == pytest.approx(found[1].at + 60.0, abs=3.0)


def test_a_shift_that_begins_while_we_attend_is_announced_from_its_beginning_though_another_run_made_it() -> None:
    world = World(routing=LINEAR, deployments=[running(hook_seconds=(30.0, None))])
    world.advance(5.0)
    run = play(world, inputs(command="status", wait="true", deployment_id="d-RUNNING01"), weather=STEADY)
    (began, *_) = shifts(run)
    assert "BeforeAllowTraffic Succeeded" in told(run), "its AppSpec may declare any hook"
    assert (began.shares, began.next_shift_at) == ({"1": 75.0, "7": 25.0}, pytest.approx(began.at + 60.0, abs=1.0))


def running(**more: object) -> Running:
    given = {"created": 0.0, "routing": LINEAR} | more
    return Running(id="d-RUNNING01", current="1", target="7", **given)  # type: ignore[arg-type]


def test_what_a_deployment_does_is_learnt_as_soon_as_it_has_a_target() -> None:
    """Attached to by its id in its first second, before CodeDeploy says which versions it is about."""
    world = World(routing=LINEAR, deployments=[running(created=0.5)], versions={"1": "old", "7": "seven"})
    run = play(world, inputs(command="status", wait="true", deployment_id="d-RUNNING01"), weather=STEADY)
    (began,) = run.said(e.DeploymentStarted)
    assert began.target_version == ""  # type: ignore[attr-defined]
    result = run.result
    assert (result.previous_version, result.target_version, result.outcome) == ("1", "7", Outcome.SUCCEEDED)


def test_the_version_that_is_replaced_is_the_deployments_own_whatever_the_alias_served_before_it_began() -> None:
    """Somebody moved the alias in between, which is why it fails."""
    world = World(deployments=[replace(running(created=0.5), current="5", marks=[], spans=[])])
    run = play(world, inputs(command="status", wait="true", deployment_id="d-RUNNING01"), weather=STEADY)
    assert (run.result.previous_version, run.result.target_version) == ("5", "7")


@pytest.mark.parametrize("at", [0.35, 30.0], ids=["in the first second", "while a hook runs"])
def test_what_was_known_of_a_deployment_stays_known(at: float) -> None:
    """A re-run attaches, and CodeDeploy never names the version that is replaced."""
    world = Odd(names_current=False, hook_seconds=(60.0, None))
    until(world, Run(world, first(inputs(**HOOKS), context()), weather=STEADY), 0.35)
    world.advance(at)
    again = play(world, inputs(**HOOKS), run=context(attempt=2), marker_id="0badcaf2", weather=STEADY)
    result = again.result
    assert (result.deployment_id, result.previous_version, result.target_version) == ("d-DEPLOY000", "1", "2")
    planned = play(World(routing=AT_ONCE), weather=STEADY).rollout.plan
    assert planned is not None
    assert planned.target == Existing(version="2", code_sha256="new")


def test_a_deployment_whose_old_version_codedeploy_does_not_name_is_as_planned() -> None:
    run = play(Odd(names_current=False, hook_seconds=(60.0, None)), inputs(**HOOKS), weather=STEADY)
    assert (run.result.outcome, run.result.previous_version, run.asked(a.Stop)) == (Outcome.SUCCEEDED, "1", [])


def test_a_version_that_codedeploy_does_not_name_is_not_in_what_is_told() -> None:
    world = Odd(routing=LINEAR, deployments=[running()], names_current=False)
    world.advance(2.0)
    run = play(world, inputs(command="status", wait="true", deployment_id="d-RUNNING01"), weather=STEADY)
    assert shifts(run)[0].shares == {"7": 25.0}
    assert [event.shares for event in run.said(e.Heartbeat)][:1] == [{"1": 75.0, "7": 25.0}]  # type: ignore[attr-defined]
    assert run.result.previous_version == "1"  # as the alias shows


def test_a_sign_of_life_comes_after_a_minute_without_news() -> None:
    """News are a lifecycle event, a shift, a status."""
    run = play(World(hook_seconds=(130.0, None)), inputs(**HOOKS), weather=STEADY)
    signs = [event for event in run.said(e.Heartbeat) if isinstance(event, e.Heartbeat)]
    assert signs[:3] == [
        e.Heartbeat(
            at=pytest.approx(62.801),
            key="checkout:live",
            what="BeforeAllowTraffic",
            shares={"1": 100.0},
        ),
        e.Heartbeat(
            at=pytest.approx(122.801),
            key="checkout:live",
            what="BeforeAllowTraffic",
            shares={"1": 100.0},
        ),
        e.Heartbeat(
            at=pytest.approx(shifts(run)[0].at + 60.0),
            key="checkout:live",
            what="AllowTraffic",
            shares={"1": 90.0, "2": 10.0},
            next_shift_at=pytest.approx(431.301),
            ends_at=pytest.approx(431.301),
        ),
    ]


def test_a_sign_of_life_names_the_smallest_share() -> None:
    routing = Routing(kind=RoutingType.CANARY, percentage=1, interval_minutes=5)
    run = play(World(routing=routing, percent_scale=False), weather=STEADY)
    assert run.said(e.Heartbeat)[0].shares == {"1": 99.0, "2": 1.0}  # type: ignore[attr-defined]


def test_where_the_lifecycle_cannot_be_read_a_sign_of_life_is_of_the_deployment_or_of_its_rollback() -> None:
    run = play(World(alarm_at=90.0, rollback_takes=100.0, targets_readable=False), weather=STEADY)
    assert told(run) == [
        "d-DEPLOY000 begins, 1 -> 2",
        "d-DEPLOY000 InProgress",
        "traffic 1=90,2=10",
        "still the deployment, 1=90,2=10",
        "d-DEPLOY000 Stopped ALARM_ACTIVE",
        "diagnosis codedeploy-alarm-active",
        "d-ROLLBACK1 rolls d-DEPLOY000 back",
        "d-ROLLBACK1 InProgress",
        "still the rollback, 1=90,2=10",
        "d-ROLLBACK1 Succeeded",
        "alias serves 1=100",
        "rolled-back, rollback succeeded",
    ]


def test_a_lifecycle_that_could_not_be_read_to_its_end_is_not_the_rollbacks() -> None:
    lines = told(play(Odd(alarm_at=62.0, rollback_takes=100.0, unreadable_from=50.0), weather=STEADY))
    assert [line for line in lines if line.startswith("still")] == [
        "still AllowTraffic, 1=90,2=10",
        "still the rollback, 1=90,2=10",
    ]


# --- looking ---


def test_in_the_quiet_between_two_shifts_the_target_is_looked_at_every_other_minute() -> None:
    found = [(at, whole) for at, whole in looks(play(World(), weather=STEADY)) if 3.0 < at < 300.0]
    whole = [at for at, with_target in found if with_target]
    assert len(found) > 15
    assert [120.0 <= later - earlier < 140.0 for earlier, later in pairwise([2.701, *whole])] == [True, True]


def test_a_look_names_the_deployment_and_its_target() -> None:
    run = play(World(), weather=STEADY)
    look = run.asked(a.Look)[1][1]
    assert look == a.Look(key="checkout:live", ids=("d-DEPLOY000",), with_targets=frozenset())
    assert run.rollout.contact.looks == run.count(a.Look)


def test_there_is_one_look_at_a_time_however_long_its_answer_takes() -> None:
    run = play(World(), weather=Weather(delays=(8.0, 8.0)))
    assert all(later - earlier >= 8.0 for earlier, later in pairwise([at for at, _ in run.asked(a.Look)]))


def test_a_deployment_that_is_not_visible_yet_is_looked_for_again() -> None:
    run = play(World(visible_after=10.0), weather=STEADY)
    assert [line for line in told(run) if not line.startswith("still")][:5] == SHIFTING
    assert min(shifts(run)[0].at, 20.0) < 13.0
    assert run.result.outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize("fails", [False, True])
def test_a_look_that_is_answered_after_the_end_does_no_harm_and_delays_nothing(fails: bool) -> None:
    """The time limit has passed, and it is left alone; what the alias serves is read again after a failure."""
    weather = storm(ErrorKind.THROTTLED, since=90.0, until=90.4, LookAlias=1.0)
    run = Run(World(), first(inputs(timeout="90s", on_timeout="leave"), context()), weather=weather)
    look = a.Look(key="checkout:live", ids=("d-DEPLOY000",), with_targets=frozenset())
    until(run.world, run, 91.0)
    rollout = run.rollout
    run.release = replace(run.release, rollouts=(but(rollout, kinds=rollout.flight.kinds | {"Look"}, failures=2),))
    error = AwsError(ErrorKind.THROTTLED, operation="test:Look", code="Fault", message="weather")
    answer = (run.world.snapshot(run.world.deployments[0], False),)
    run._expect(91.1, a.Failed(action=look, error=error) if fails else a.Done(action=look, answer=answer))
    play_together(run.world, run)
    restored = [e.ContactRestored(at=91.1, key="checkout:live", failures=2)]
    assert run.said(e.ContactRestored) == ([] if fails else restored)
    assert run.said(e.ContactTroubled) == []
    assert [round(at, 1) for at, _ in run.asked(a.LookAlias)][-1] < 93.0
    assert run.result.outcome is Outcome.TIMED_OUT


# --- no contact ---


def test_without_contact_it_is_looked_again_ever_more_slowly_and_said_ever_more_rarely() -> None:
    run = play(World(hook_seconds=(600.0, None)), inputs(**HOOKS), weather=storm(since=5.0, until=300.0, Look=1.0))
    times = [at for at, _ in run.asked(a.Look) if at > 5.0]
    pauses = [later - earlier - 1.1 for earlier, later in pairwise(times)][:13]
    usual = [2.0, 4.0, 8.0, 16.0, *[30.0] * 7]
    assert [0.9 <= pause / wanted <= 1.1 for pause, wanted in zip(pauses, usual, strict=False)] == [True] * 11
    troubles = [event for event in run.said(e.ContactTroubled) if isinstance(event, e.ContactTroubled)]
    assert [event.failures for event in troubles] == [1, 2, 4, 8]
    assert troubles[0] == e.ContactTroubled(
        at=pytest.approx(times[0] + 1.1),
        key="checkout:live",
        error="test:Look: Fault: weather",
        failures=1,
        until=pytest.approx(0.301 + 2 * 3600.0 + 300.0 + 600.0),
    )
    (again,) = run.said(e.ContactRestored)
    assert again.failures == len(times[: times.index(next(at for at in times if at > 300.0))])  # type: ignore[attr-defined]
    assert run.rollout.contact.failures == 0


def test_no_sign_of_life_is_given_while_there_is_none() -> None:
    run = play(World(), weather=storm(since=5.0, until=200.0, Look=1.0))
    restored = run.said(e.ContactRestored)[0].at
    assert [event.at for event in run.said(e.Heartbeat) if event.at < restored] == []


def test_after_a_signal_it_is_looked_again_soon_even_without_contact() -> None:
    """The time is the runner's: seconds count."""
    run = play(World(rollback_delay=0.5), weather=storm(since=29.0, until=33.5, Look=1.0), signals=[30.0])
    assert all(later - earlier < 2.3 for earlier, later in pairwise([at for at, _ in run.asked(a.Look) if at > 30.0]))
    assert end(run) == (Outcome.CANCELLED, Rollback.SUCCEEDED, "1", "")


# --- the end, and whether a rollback is waited for ---


def waits(run: Run) -> float:
    """Seconds from the moment that the end was seen to the reading of the alias."""
    over = next(event.at for event in run.said(e.StatusChanged) if event.status.terminal)  # type: ignore[attr-defined]
    return run.asked(a.LookAlias)[0][0] - over


def by_somebody(world: World, at: float) -> World:
    """The deployment is stopped by somebody else."""

    class Stopped(type(world)):  # type: ignore[misc]
        def _next(self) -> object:
            found = super()._next()
            if self.now < at and (found is None or found[0] > at) and self.active:
                return at, self._finish, (self.active[0], DeploymentStatus.STOPPED, "MANUAL_STOP")
            return found

    return Stopped(**{name: getattr(world, name) for name in world.__dataclass_fields__})


FAILING = {"hook_seconds": (3.0, None), "hook_good": (False, True)}
NOWHERE = {"rollback_to": "nowhere"}


@pytest.mark.parametrize(
    ("world", "events", "expected"),
    [
        (World(**FAILING, **NOWHERE), "failure", True),  # type: ignore[arg-type]
        (World(**FAILING, **NOWHERE), "alarm,stop-request", False),  # type: ignore[arg-type]
        (World(alarm_at=60.0, rollback_to="nowhere"), "alarm", True),
        (World(alarm_at=60.0, rollback_to="nowhere"), "failure,stop-request", False),
        (by_somebody(World(rollback_to="nowhere"), 60.0), "stop-request", True),
        (by_somebody(World(rollback_to="nowhere"), 60.0), "failure,alarm", False),
        (World(alarm_at=60.0, rollback_to="nowhere"), "off", False),
    ],
    ids=["failed", "failed, not for", "alarm", "alarm, not for", "stopped", "stopped, not for", "off"],
)
def test_a_rollback_is_waited_for_a_minute_where_it_is_due_and_a_quarter_of_one_where_not(
    world: World, events: str, expected: bool
) -> None:
    """Each kind of end has its own switch. What does not come is mended where it was due, and only there."""
    run = play(replace(world), inputs(auto_rollback=events, **HOOKS), weather=STEADY)
    if expected:
        assert 60.0 <= waits(run) < 63.5
    else:
        assert 15.0 <= waits(run) < 18.5
    shifted = world.hook_good == (True, True)
    assert run.count(a.RepairAlias) == (1 if expected and shifted else 0)
    assert run.result.live_weights == ("1=90,2=10" if shifted and not expected else "")


@pytest.mark.parametrize(("policy", "expected"), [("rollback", True), ("stop", False)])
def test_after_our_own_stop_it_says_whether_a_rollback_is_due_whatever_the_group_says(
    policy: str, expected: bool
) -> None:
    events = ON_FAILURE if expected else ALL_EVENTS
    world = World(rollback_events=events, rollback_to="nowhere")
    run = play(world, inputs(timeout="90s", on_timeout=policy), weather=STEADY)
    assert (60.0 if expected else 15.0) <= waits(run) < (63.5 if expected else 18.5)


@pytest.mark.parametrize("stop_takes", [12.0, 0.0])
def test_a_stop_whose_answer_said_that_it_was_over_had_been_ours(stop_takes: float) -> None:
    """Sent again because its first answer was Pending, or lost: it was we who stopped it, with rollback."""
    world = World(rollback_events=ON_FAILURE, stop_takes=stop_takes, rollback_to="nowhere")
    weather = STEADY if stop_takes else replace(storm(until=95.0, Stop=1.0), lost_answers=1.0)
    slow = (
        replace(weather, rates={**weather.rates, "Look": 1.0}, since=85.0, until=102.0) if not stop_takes else weather
    )
    run = play(world, inputs(timeout="90s"), weather=slow)
    assert run.rollout.ending.refused == "it was over already"
    assert 60.0 <= waits(run) < 63.5
    assert run.count(a.RepairAlias) == 1


def test_what_failed_by_itself_before_our_stop_arrived_is_rolled_back_as_a_failure_is() -> None:
    """`on-timeout: stop` has nothing to do with it any more."""
    world = World(hook_seconds=(78.0, None), hook_good=(False, True), rollback_delay=40.0)
    run = play(world, inputs(timeout="80s", on_timeout="stop", **HOOKS), weather=STEADY)
    assert run.result.rollback_deployment_id == "d-ROLLBACK1"
    assert end(run) == (Outcome.TIMED_OUT, Rollback.SUCCEEDED, "1", "")


@pytest.mark.parametrize(
    ("policy", "events", "rollback"),
    [
        ("rollback", "off", Rollback.SUCCEEDED),
        ("stop", "failure", Rollback.SUCCEEDED),
        ("stop", "alarm,stop-request", Rollback.NONE),
    ],
)
def test_what_fails_by_itself_while_our_stop_is_pending_is_rolled_back_if_either_says_so(
    policy: str, events: str, rollback: Rollback
) -> None:
    """A rollback that takes its time: it is waited for; where nothing asks for one that is said."""
    world = World(hook_seconds=(None, 40.0), hook_good=(True, False), stop_takes=1e6, rollback_delay=40.0)
    given = inputs(timeout="310s", on_timeout=policy, auto_rollback=events, **HOOKS)
    run = play(world, given, weather=STEADY)
    assert run.said(e.StopAnswered)[0].status == "Pending"  # type: ignore[attr-defined]
    assert "d-DEPLOY000 Failed HOOK_EXECUTION_FAILURE" in told(run)
    expected = rollback is Rollback.SUCCEEDED
    assert end(run) == (Outcome.TIMED_OUT, rollback, "1" if expected else "2", "")
    assert run.result.rollback_deployment_id == ("d-ROLLBACK1" if expected else "")


def test_what_had_failed_before_our_stop_with_rollback_arrived_is_not_waited_for_on_its_account() -> None:
    world = World(hook_seconds=(78.0, None), hook_good=(False, True))
    run = play(world, inputs(timeout="80s", auto_rollback="off", **HOOKS), weather=STEADY)
    assert 15.0 <= waits(run) < 18.5
    assert end(run) == (Outcome.TIMED_OUT, Rollback.NONE, "1", "")


def test_the_post_step_sets_nothing_back_that_ended_by_itself_and_was_not_to_be_rolled_back() -> None:
    world = World(alarm_at=30.0)
    main = Run(world, first(inputs(auto_rollback="off"), context()), weather=STEADY)
    until(world, main, 31.0)
    finishing = post_step(main, killed=True, weather=STEADY)
    assert finishing is not None
    assert finishing.count(a.RepairAlias) == finishing.count(a.Stop) == 0
    assert end(finishing) == (Outcome.CANCELLED, Rollback.NONE, "1", "1=90,2=10")
    assert finishing.result.reasons[0] == Cancelled(deployment="d-DEPLOY000", stopped=False)


@pytest.mark.parametrize(("policy", "expected"), [("rollback", True), ("stop", False)])
def test_the_post_step_waits_for_the_rollback_that_the_main_steps_stop_asked_for(policy: str, expected: bool) -> None:
    world = World(rollback_events=ON_FAILURE, rollback_delay=40.0)
    main = play(world, inputs(on_cancel=policy), weather=STEADY, signals=[30.0])
    finishing = post_step(main, weather=STEADY)
    assert finishing is not None
    assert finishing.count(a.Stop) == 0
    assert end(finishing) == (
        Outcome.CANCELLED,
        Rollback.SUCCEEDED if expected else Rollback.NONE,
        "1",
        "" if expected else "1=90,2=10",
    )
    assert finishing.result.rollback_deployment_id == ("d-ROLLBACK1" if expected else "")


def test_a_rollback_that_came_though_none_was_asked_for_is_followed_and_its_work_is_held_to() -> None:
    """The group rolls back what is stopped; the stop did not ask for it. It went elsewhere: that is mended."""
    world = World(rollback_to="7", versions={"1": "old", "7": "seven"})
    run = play(world, inputs(timeout="90s", on_timeout="stop"), weather=STEADY)
    assert run.count(a.RepairAlias) == 1
    assert end(run) == (Outcome.TIMED_OUT, Rollback.SUCCEEDED, "1", "")


def test_without_contact_a_rollback_is_waited_for_longer_than_a_minute() -> None:
    """That it does not appear says nothing while nothing can be seen."""
    weather = storm(since=61.5, until=250.0, Look=1.0)
    run = play(World(alarm_at=50.0, rollback_delay=20.0), weather=weather)
    assert run.result.rollback_deployment_id == "d-ROLLBACK1"
    assert end(run) == (Outcome.ROLLED_BACK, Rollback.SUCCEEDED, "1", "")
    assert run.count(a.RepairAlias) == 0


def test_a_look_that_failed_just_before_the_minute_was_over_is_repeated_before_giving_up() -> None:
    seen = 61.531
    weather = storm(since=seen + 57.0, until=seen + 60.0, Look=1.0)
    run = play(World(alarm_at=60.0, rollback_delay=seen + 57.5 - 60.0), weather=weather)
    assert end(run) == (Outcome.ROLLED_BACK, Rollback.SUCCEEDED, "1", "")
    assert run.said(e.RollbackStarted)[0].at > seen + 60.0
    assert run.count(a.RepairAlias) == 0


def test_a_look_that_is_under_way_when_the_minute_is_over_is_waited_for() -> None:
    run = play(World(alarm_at=60.0, rollback_delay=76.0), weather=Weather(delays=(8.0, 8.0)))
    over = next(event.at for event in run.said(e.StatusChanged) if event.status.terminal)  # type: ignore[attr-defined]
    assert 60.0 < run.said(e.RollbackStarted)[0].at - over < 68.0
    assert run.count(a.RepairAlias) == 0


def test_without_contact_for_ten_minutes_the_alias_is_read_all_the_same() -> None:
    run = play(World(alarm_at=50.0, rollback_to="nowhere"), weather=storm(since=61.5, Look=1.0))
    assert 600.0 <= waits(run) < 640.0
    assert run.result.live_version == "1"


# --- the rollback ---


def test_a_rollback_is_told_when_it_appears() -> None:
    """CodeDeploy's own message says the same again (facts.md G7)."""
    run = play(Odd(alarm_at=60.0, messages=[(0.0, "a new deployment is under way")]), weather=STEADY)
    (began,) = run.said(e.RollbackStarted)
    assert began == e.RollbackStarted(
        at=began.at,
        key="checkout:live",
        deployment_id="d-ROLLBACK1",
        rollback_of="d-DEPLOY000",
        console_url="https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/d-ROLLBACK1?"
        "region=eu-central-1",
    )


def test_why_codedeploy_makes_no_rollback_is_said_even_if_it_says_so_later() -> None:
    world = Odd(alarm_at=60.0, rollback_to="nowhere", messages=[(20.0, "there is no successful revision")])
    run = play(world, inputs(repair_alias="never"), weather=STEADY)
    (_, traffic) = run.result.reasons
    assert isinstance(traffic, NotRolledBack)
    assert traffic.said == "there is no successful revision"
    assert end(run) == (Outcome.ROLLBACK_FAILED, Rollback.FAILED, "1", "1=90,2=10")


@pytest.mark.parametrize("swaps", [True, False])
@pytest.mark.parametrize("percent_scale", [True, False])
def test_a_rollback_may_name_the_versions_either_way_round(swaps: bool, percent_scale: bool) -> None:
    world = World(alarm_at=60.0, rollback_takes=30.0, rollback_swaps=swaps, percent_scale=percent_scale)
    run = play(world, weather=STEADY)
    assert [(event.of_rollback, event.shares, event.next_shift_at, event.ends_at) for event in shifts(run)][1:] == [
        (True, {"1": 100.0}, None, None)
    ]
    assert run.rollout.watch.share == 0.0


def test_a_rollback_may_name_one_version_only() -> None:
    found = shifts(play(Odd(alarm_at=60.0, rollback_names_current=False), weather=STEADY))
    assert [event.shares for event in found if event.of_rollback] == [{"1": 100.0}]


def test_a_rollback_that_shifts_step_by_step_is_told_so_and_announces_nothing() -> None:
    """Whether it replays the group's config is not known; when its steps are due is not, either."""
    world = World(hook_seconds=(None, 200.0), hook_good=(True, False), rollback_routing=CANARY)
    run = play(world, inputs(**HOOKS), weather=STEADY)
    assert [(event.shares, event.next_shift_at, event.ends_at) for event in shifts(run) if event.of_rollback] == [
        ({"2": 90.0, "1": 10.0}, None, None),
        ({"1": 100.0}, None, None),
    ]
    began = run.said(e.RollbackStarted)[0].at
    signs = [event for event in run.said(e.Heartbeat) if isinstance(event, e.Heartbeat) and event.at > began]
    assert [(sign.what, sign.shares, sign.next_shift_at, sign.ends_at) for sign in signs] == [
        ("AllowTraffic", {"1": 10.0, "2": 90.0}, None, None)
    ] * 5


def test_a_rollback_to_another_version_is_told_as_that() -> None:
    world = World(alarm_at=60.0, rollback_to="7", versions={"1": "old", "7": "seven"})
    assert [event.shares for event in shifts(play(world, weather=STEADY)) if event.of_rollback] == [{"7": 100.0}]


def test_a_rollback_that_is_not_visible_yet_is_what_is_waited_for() -> None:
    world = World(hook_seconds=(600.0, None), alarm_at=200.0, visible_after=70.0)
    lines = told(play(world, inputs(**HOOKS), weather=STEADY))
    assert lines[lines.index("d-ROLLBACK1 rolls d-DEPLOY000 back") :][:3] == [
        "d-ROLLBACK1 rolls d-DEPLOY000 back",
        "diagnosis codedeploy-alarm-active",
        "still the rollback, 1=100",
    ]


def test_a_rollback_that_is_not_visible_yet_is_looked_for_again() -> None:
    run = play(World(alarm_at=60.0, visible_after=20.0), weather=STEADY)
    assert end(run) == (Outcome.ROLLED_BACK, Rollback.SUCCEEDED, "1", "")
    assert "d-ROLLBACK1 Succeeded" in told(run)


@pytest.mark.parametrize(
    ("timeout", "takes", "followed"),
    [("90s", 550.0, True), ("90s", 650.0, False), ("", 850.0, True), ("", 950.0, False)],
)
def test_a_rollback_is_followed_as_long_as_the_time_limit_and_ten_minutes_at_least(
    timeout: str, takes: float, followed: bool
) -> None:
    """From its appearance on; then what the alias serves is said, and that it is still running."""
    run = play(World(alarm_at=60.0, rollback_takes=takes), inputs(timeout=timeout), weather=STEADY)
    if followed:
        assert end(run) == (Outcome.ROLLED_BACK, Rollback.SUCCEEDED, "1", "")
        return
    assert run.now == pytest.approx(run.said(e.RollbackStarted)[0].at + (600.0 if timeout else 900.0) + 0.1)
    assert end(run) == (Outcome.ROLLBACK_FAILED, Rollback.UNKNOWN, "1", "1=90,2=10")
    assert run.result.reasons[-1] == RollbackRunning(
        rollback="d-ROLLBACK1", serves=(("1", 90.0), ("2", 10.0)), put_back=put_back()
    )
    assert run.count(a.RepairAlias) == 0


# --- why it failed ---


def diagnosed(run: Run) -> list[a.Diagnose]:
    return [action for _, action in run.asked(a.Diagnose) if isinstance(action, a.Diagnose)]


@pytest.mark.parametrize(("public", "logs"), [(False, True), (True, False)])
def test_why_it_failed_is_asked_once_with_what_was_seen_last(public: bool, logs: bool) -> None:
    world = World(**FAILING)  # type: ignore[arg-type]
    run = play(world, inputs(**HOOKS), run=replace(context(), public=public), weather=STEADY)
    (asked,) = diagnosed(run)
    assert (asked.key, asked.logs, asked.plan) == ("checkout:live", logs, run.rollout.plan)
    assert (asked.deployment.id, asked.deployment.error_code) == ("d-DEPLOY000", "HOOK_EXECUTION_FAILURE")
    (target,) = asked.deployment.targets or ()
    assert [event.status for event in target.events if event.name == "BeforeAllowTraffic"] == [EventStatus.FAILED]


def test_a_hook_that_we_stopped_waiting_for_is_what_is_asked_about_not_our_stop() -> None:
    """Nobody has to look for who used StopDeployment."""
    run = play(World(hook_seconds=(3600.0, None)), inputs(hook_timeout="2m", **HOOKS), weather=STEADY)
    assert [asked.deployment.error_code for asked in diagnosed(run)] == [""]
    assert run.result.reasons[0] == HookTimeoutPassed(deployment="d-DEPLOY000", stopped=True, hook="CodeDeployHook_a")
    assert "/aws/lambda/CodeDeployHook_a" in run.result.remedy
    assert end(run) == (Outcome.ROLLED_BACK, Rollback.SUCCEEDED, "1", "")


@pytest.mark.parametrize(("given", "signals"), [({"timeout": "90s"}, []), ({}, [60.0])])
def test_what_we_ended_ourselves_for_another_reason_needs_no_explanation(
    given: dict[str, str], signals: list[float]
) -> None:
    assert diagnosed(play(World(), inputs(**given), weather=STEADY, signals=signals)) == []


def test_a_success_is_not_explained() -> None:
    run = play(World(routing=AT_ONCE), weather=STEADY)
    assert (diagnosed(run), run.result.outcome) == ([], Outcome.SUCCEEDED)


def test_while_a_rollback_takes_its_time_nothing_is_promised_of_the_deployment_that_it_undoes() -> None:
    run = play(World(alarm_at=62.0, rollback_takes=100.0), weather=STEADY)
    assert told(run) == [
        *SHIFTING,
        "still AllowTraffic, 1=90,2=10",
        "AllowTraffic Failed",
        "End Skipped",
        "d-DEPLOY000 Stopped ALARM_ACTIVE",
        "d-ROLLBACK1 rolls d-DEPLOY000 back",
        "diagnosis codedeploy-alarm-active",
        "rollback: Start Succeeded",
        "d-ROLLBACK1 InProgress",
        "still BeforeAllowTraffic, 1=90,2=10",
        "rollback: BeforeAllowTraffic Succeeded",
        "rollback: traffic 1=100",
        "rollback: AllowTraffic Succeeded",
        "rollback: End InProgress",
        "rollback: End Succeeded",
        "d-ROLLBACK1 Succeeded",
        "alias serves 1=100",
        "rolled-back, rollback succeeded",
    ]
    before, during = run.said(e.Heartbeat)
    assert (before.next_shift_at, before.ends_at) == pytest.approx((301.301, 301.301))
    assert (during.next_shift_at, during.ends_at) == (None, None)


# --- releases of many functions ---


def test_one_of_many_that_dies_at_once_is_looked_at_once_more_and_its_end_told() -> None:
    """Before it starts it has no target that would be worth a call; that it is over changes this."""
    run = one_of(12, World(dies_of=["INVALID_LAMBDA_CONFIGURATION"]), auto_rollback="off")
    assert told(run) == [
        "d-DEPLOY000 begins, 1 -> 2",
        "Start Succeeded",
        "AllowTraffic Failed",
        "End Skipped",
        "d-DEPLOY000 Failed INVALID_LAMBDA_CONFIGURATION",
        "diagnosis codedeploy-invalid-lambda-configuration",
        "alias serves 1=100",
        "failed, rollback none",
    ]
    looks = [look.with_targets for _, look in run.asked(a.Look) if isinstance(look, a.Look)]
    assert looks[:2] == [frozenset(), frozenset({"d-DEPLOY000"})]
    assert run.result.outcome is Outcome.FAILED


@pytest.mark.parametrize(("many", "again"), [(25, True), (26, False)])
def test_more_successes_than_a_call_takes_are_not_looked_at_once_more_for_their_lifecycles(
    many: int, again: bool
) -> None:
    run = one_of(many, World(routing=CANARY))
    assert ("End Succeeded" in told(run)) == again
    assert looks(run)[-1][1] == again
    assert end(run) == (Outcome.SUCCEEDED, Rollback.NONE, "2", "")


def test_a_failure_is_looked_at_once_more_however_many_there_are() -> None:
    run = one_of(101, World(alarm_at=60.0))
    assert [line for line in told(run) if line in ALARM_AT_60] == ALARM_AT_60
    assert run.result.outcome is Outcome.ROLLED_BACK


# --- What is shifted is compared with the plan ---


@dataclass(kw_only=True)
class Tampered(World):
    """The AppSpec that CodeDeploy reads is not the one that was uploaded."""

    says: dict[str, object] = field(default_factory=dict)

    def _target(self, running: Running) -> DeploymentTarget:
        return replace(super()._target(running), **self.says)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("says", "what"),
    [
        ({"target_version": "9"}, ("checkout:live", "1", "9")),
        ({"current_version": "9"}, ("checkout:live", "9", "2")),
        ({"function": "billing"}, ("billing:live", "1", "2")),
        ({"alias": "test"}, ("checkout:test", "1", "2")),
        ({"target_id": "billing:live", "function": "", "alias": ""}, ("billing:live", "1", "2")),
    ],
)
def test_what_shifts_something_else_than_planned_is_stopped_at_the_first_look(
    says: dict[str, str], what: tuple[str, str, str]
) -> None:
    run = play(Tampered(says=says), inputs(), weather=STEADY)
    ((at, _, rollback),) = run.world.stops
    assert (at < 10.0, rollback) == (True, True)
    assert run.result.outcome in (Outcome.ROLLED_BACK, Outcome.FAILED, Outcome.STOPPED, Outcome.ROLLBACK_FAILED)
    assert not run.result.deployed
    (warned,) = [event.finding for event in run.said(e.Noticed) if event.finding.code == "off-plan"]  # type: ignore[attr-defined]
    assert warned.reason == OffPlan(deployment="d-DEPLOY000", shifts=what, planned=("checkout:live", "1", "2"))
    assert run.result.reasons[0] == NotAsPlanned(deployment="d-DEPLOY000", stopped=True)


@pytest.mark.parametrize(
    "says",
    [
        {"function": "", "alias": "", "current_version": "", "target_version": ""},
        {"function": "arn:aws:lambda:eu-central-1:123456789012:function:checkout:live", "alias": ""},
        {"function": "checkout:live"},
    ],
)
def test_what_codedeploy_leaves_out_or_spells_otherwise_is_no_difference(says: dict[str, str]) -> None:
    run = play(Tampered(says=says), inputs(), weather=STEADY)
    assert run.result.outcome is Outcome.SUCCEEDED
    assert shifts(run)[0].shares == {"1": 90.0, "2": 10.0}


def test_where_no_target_can_be_read_the_alias_tells_the_traffic() -> None:
    run = play(World(targets_readable=False), inputs(), weather=STEADY)
    assert run.result.outcome is Outcome.SUCCEEDED
    assert [event.shares for event in shifts(run)] == [{"1": 90.0, "2": 10.0}, {"2": 100.0}]


def test_an_alias_that_shows_no_share_of_the_version_tells_nothing() -> None:
    """Before the first shift, and after somebody has moved it back."""
    world = World(targets_readable=False, hook_seconds=(20.0, None), moved_by_hand=(100.0, "1"))
    run = play(world, inputs(**HOOKS), weather=STEADY)
    assert [event.shares for event in shifts(run)] == [{"1": 90.0, "2": 10.0}]


def test_where_a_target_says_nothing_of_its_status_the_alias_tells_the_traffic_and_what_comes_next() -> None:
    run = play(Tampered(says={"status": EventStatus.UNKNOWN, "raw_weight": 0.0}), inputs(), weather=STEADY)
    told = [(event.shares, event.next_shift_at, event.ends_at) for event in shifts(run)]
    ends = pytest.approx(301.301)
    assert told == [({"1": 90.0, "2": 10.0}, ends, ends)]
