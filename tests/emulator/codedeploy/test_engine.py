"""The engine by itself: a pure function of time, tested without a clock."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codedeploy_emulator.codedeploy.model import configs
from codedeploy_emulator.codedeploy.model.engine import (
    alarm_changed,
    created,
    due,
    execution_id,
    failed,
    hook_answered,
    step,
    stop_requested,
    traffic_failed,
)
from codedeploy_emulator.codedeploy.model.run import (
    LIFECYCLE,
    NEVER,
    CreateRollback,
    InvokeHook,
    Order,
    Refusal,
    Rules,
    Run,
    SetTraffic,
    Sight,
    Status,
)

ROUTINGS = [
    config["trafficRoutingConfig"] for config in configs.predefined().values() if "trafficRoutingConfig" in config
]


def order(routing: dict | None = None, before: str | None = None, after: str | None = None) -> Order:
    return Order(
        function="f",
        alias="live",
        current="1",
        target="2",
        shifts=configs.shifts(routing or ROUTINGS[1]),
        before=before,
        after=after,
    )


@dataclass
class Player:
    """Plays a run: lets time pass, applies what comes from outside, and writes everything down."""

    run: Run
    sight: Sight
    answers: dict[str, tuple[float, str]] = field(default_factory=dict)
    log: list[tuple[float, object]] = field(default_factory=list)

    def until(self, now: float) -> None:
        while due(self.run) <= now:
            at = due(self.run)
            self.run, effects = step(self.run, at, self.sight)
            for effect in effects:
                self.log.append((at, effect))
                if isinstance(effect, InvokeHook) and effect.event in self.answers:
                    delay, answer = self.answers[effect.event]
                    self.run = hook_answered(self.run, at + delay, effect.execution_id, answer)
            self.log.append((at, self.run.status))

    @property
    def weights(self) -> list[float]:
        return [effect.percent for _, effect in self.log if isinstance(effect, SetTraffic)]


def play(routing: dict | None = None, rules: Rules | None = None, **more: str | None) -> Player:
    run = created("d-ABCDEFGHI", 0.0, rules or Rules(), ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"])
    return Player(run, Sight(order=order(routing, **more)))


def test_a_canary_shifts_ten_percent_then_waits_five_minutes_then_shifts_the_rest() -> None:
    player = play({"type": "TimeBasedCanary", "timeBasedCanary": {"canaryPercentage": 10, "canaryInterval": 5}})
    player.until(1e6)
    shifts = [(at, effect.percent) for at, effect in player.log if isinstance(effect, SetTraffic)]
    assert [percent for _, percent in shifts] == [10.0, 100.0]
    assert shifts[1][0] - shifts[0][0] == 300.0
    assert player.run.status is Status.SUCCEEDED


def test_a_linear_config_shifts_equal_steps_at_equal_times() -> None:
    player = play({"type": "TimeBasedLinear", "timeBasedLinear": {"linearPercentage": 10, "linearInterval": 1}})
    player.until(1e6)
    moments = [at for at, effect in player.log if isinstance(effect, SetTraffic)]
    assert player.weights == [10.0 * step for step in range(1, 11)]
    assert {round(later - earlier, 6) for earlier, later in itertools.pairwise(moments)} == {60.0}


def test_a_step_that_does_not_divide_100_ends_at_100() -> None:
    player = play({"type": "TimeBasedLinear", "timeBasedLinear": {"linearPercentage": 30, "linearInterval": 1}})
    player.until(1e6)
    assert player.weights == [30.0, 60.0, 90.0, 100.0]


def test_events_run_in_awss_order_and_the_hooks_that_are_not_named_succeed_or_are_skipped() -> None:
    player = play()
    player.until(1e6)
    assert [event.name for event in player.run.events] == list(LIFECYCLE)
    assert {event.status for event in player.run.events} == {"Succeeded"}
    player = play(rules=Rules(undeclared_status="Skipped"))
    player.until(1e6)
    assert [event.name for event in player.run.events] == list(LIFECYCLE)
    assert [event.status for event in player.run.events] == [
        "Succeeded",
        "Skipped",
        "Succeeded",
        "Skipped",
        "Succeeded",
    ]


def test_traffic_waits_for_the_hook_before_it() -> None:
    player = play(before="hook")
    player.until(1800.0)
    assert player.weights == []
    player.run = hook_answered(player.run, 1800.0, execution_id("d-ABCDEFGHI", 1), "Succeeded")
    player.until(1803.0)
    assert player.weights != []


def test_a_hook_that_reports_failed_fails_the_deployment_before_any_traffic() -> None:
    player = play(before="hook")
    player.answers["BeforeAllowTraffic"] = (5.0, "Failed")
    player.until(10.0)
    assert (player.run.status, player.run.error.code) == (Status.FAILED, "HOOK_EXECUTION_FAILURE")
    assert player.weights == []


def test_a_hook_that_never_answers_fails_after_an_hour_and_not_before() -> None:
    player = play(before="hook")
    invoked = 2.0
    player.until(invoked + 3599.0)
    assert player.run.status is Status.IN_PROGRESS
    player.until(invoked + 3600.0)
    assert player.run.status is Status.FAILED
    assert player.run.events[1].error == "ScriptTimedOut"


def test_an_answer_that_comes_after_the_hour_changes_nothing() -> None:
    player = play(before="hook")
    player.until(1e6)
    run = hook_answered(player.run, 1e6, execution_id("d-ABCDEFGHI", 1), "Succeeded")
    assert run is player.run


def test_a_refusal_fails_the_deployment_when_it_starts() -> None:
    player = play()
    player.sight = Sight(order=Refusal(code="INVALID_LAMBDA_CONFIGURATION", message="no"))
    player.until(1.0)
    assert (player.run.status, player.run.error.code) == (Status.FAILED, "INVALID_LAMBDA_CONFIGURATION")


def test_an_alarm_stops_a_running_deployment_and_rolls_back_when_configured() -> None:
    player = play()
    player.until(10.0)
    player.run = alarm_changed(player.run, 10.0, ["errors"])
    player.until(21.0)
    assert (player.run.status, player.run.error.code) == (Status.STOPPED, "ALARM_ACTIVE")
    player.until(30.0)
    assert any(isinstance(effect, CreateRollback) for _, effect in player.log)


def test_an_alarm_that_goes_back_in_time_stops_nothing() -> None:
    player = play()
    player.until(10.0)
    player.run = alarm_changed(alarm_changed(player.run, 10.0, ["errors"]), 10.5, [])
    player.until(1e6)
    assert player.run.status is Status.SUCCEEDED


@pytest.mark.parametrize(("rollback", "expected"), [(True, True), (False, False), (None, False)])
def test_a_stop_rolls_back_when_asked_to_or_when_the_configuration_says_so(
    rollback: bool | None, expected: bool
) -> None:
    player = play()
    player.until(10.0)
    player.run, answer = stop_requested(player.run, 10.0, rollback)
    player.until(60.0)
    assert (answer, player.run.status, player.run.error.code) == ("Succeeded", Status.STOPPED, "MANUAL_STOP")
    assert any(isinstance(effect, CreateRollback) for _, effect in player.log) == expected


def test_a_stop_while_a_hook_runs_is_pending_and_then_done() -> None:
    player = play(before="hook")
    player.until(10.0)
    player.run, answer = stop_requested(player.run, 10.0, False)
    assert (answer, player.run.status) == ("Pending", Status.IN_PROGRESS)
    player.run, answer = stop_requested(player.run, 11.0, False)
    assert answer == "Succeeded"
    player.until(12.0)
    assert player.run.status is Status.STOPPED


@pytest.mark.parametrize(("answer", "error"), [("Succeeded", None), ("Failed", "ScriptFailed")])
def test_a_stop_waits_for_the_hook_and_keeps_what_it_said(answer: str, error: str | None) -> None:
    """A hook that fails after the stop was asked for stops the deployment, it does not fail it."""
    player = play(before="hook")
    player.until(10.0)
    player.run, _ = stop_requested(player.run, 10.0, False)
    assert player.run.hook is not None
    player.run = hook_answered(player.run, 11.0, player.run.hook.execution_id, answer)
    player.until(11.0)
    assert (player.run.status, player.run.error.code) == (Status.STOPPED, "MANUAL_STOP")
    event = player.run.events[1]
    assert (event.name, event.status, event.error, event.end) == ("BeforeAllowTraffic", answer, error, 11.0)
    assert player.run.weight == 0.0


def test_a_throttled_alias_update_is_undone_and_tried_again() -> None:
    player = play()
    player.until(1.9)
    before = player.run
    after, effects = step(before, 2.0, Sight())
    while not effects:
        before = after
        after, effects = step(before, due(before), Sight())
    again = traffic_failed(before, 2.0, retry_after=1.0)
    assert (again.weight, again.shift, due(again), again.tries) == (before.weight, before.shift, 3.0, 1)


HOOK_ANSWERS = st.one_of(st.none(), st.tuples(st.floats(0, 4000), st.sampled_from(["Succeeded", "Failed"])))
OUTSIDE = st.lists(
    st.tuples(st.floats(0, 20000), st.sampled_from(["stop", "stop-roll", "alarm", "calm", "fail"])), max_size=4
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Player, list[tuple[float, str]]]:
    """Any run: any config, hooks that answer in any way or never, and anything from outside."""
    hooks = {name: draw(st.sampled_from([None, "hook"])) for name in ("before", "after")}
    player = play(draw(st.sampled_from(ROUTINGS)), **hooks)
    for event in ("BeforeAllowTraffic", "AfterAllowTraffic"):
        answer = draw(HOOK_ANSWERS)
        if answer:
            player.answers[event] = answer
    return player, sorted(draw(OUTSIDE))


def _outside(player: Player, at: float, what: str) -> None:
    if player.run.status.final:
        return
    if what.startswith("stop"):
        player.run, _ = stop_requested(player.run, at, what == "stop-roll")
    elif what == "alarm":
        player.run = alarm_changed(player.run, at, ["errors"])
    elif what == "calm":
        player.run = alarm_changed(player.run, at, [])
    elif player.run.started is not None:
        player.run = failed(player.run, at, "THROTTLED", "lost")


def _history(player: Player, outside: list[tuple[float, str]], looks: list[float]) -> list[tuple[float, object]]:
    moments = sorted([(at, 0, what) for at, what in outside] + [(at, 1, "") for at in looks])
    for at, _, what in moments:
        player.until(at)
        if what:
            _outside(player, at, what)
    player.until(200_000.0)
    return [entry for entry in player.log if not isinstance(entry[1], Status)]


@settings(max_examples=150, deadline=None)
@given(history=histories(), looks=st.lists(st.floats(0, 20000), max_size=40))
def test_the_timeline_is_the_same_however_often_anyone_looks(
    history: tuple[Player, list[tuple[float, str]]], looks: list[float]
) -> None:
    player, outside = history
    other = replace_player(player)
    assert _history(player, outside, []) == _history(other, outside, looks)
    assert player.run == other.run


def replace_player(player: Player) -> Player:
    return Player(replace(player.run), player.sight, dict(player.answers))


@settings(max_examples=150, deadline=None)
@given(history=histories())
def test_weights_never_fall_never_pass_100_and_stop_when_the_deployment_is_over(
    history: tuple[Player, list[tuple[float, str]]],
) -> None:
    player, outside = history
    effects = _history(player, outside, [])
    weights = [effect.percent for _, effect in effects if isinstance(effect, SetTraffic)]
    assert weights == sorted(set(weights))
    assert all(0 < weight <= 100 for weight in weights)
    assert all(at <= player.run.completed for at, effect in effects if isinstance(effect, SetTraffic))
    assert (player.run.status is Status.SUCCEEDED) <= (weights[-1:] == [100.0])


@settings(max_examples=150, deadline=None)
@given(history=histories())
def test_every_run_comes_to_exactly_one_end(history: tuple[Player, list[tuple[float, str]]]) -> None:
    player, outside = history
    _history(player, outside, [])
    ends = [status for _, status in player.log if isinstance(status, Status) and status.final]
    assert player.run.status.final
    assert set(ends) <= {player.run.status}
    assert due(player.run) == NEVER
    assert all(event.status in ("Succeeded", "Failed", "Skipped") for event in player.run.events)
    assert sum(isinstance(effect, CreateRollback) for _, effect in player.log) <= 1
