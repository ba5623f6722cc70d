"""A deployment that exists, until it is over: what is looked at and when, what is told of it, and its rollback."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_deploy.core import actions as a
from ci_deploy.core import events as e
from ci_deploy.core.model import Outcome
from tests.support.playing import STEADY, Run, first, play, play_together, told
from tests.support.world import AT_ONCE, World, context, inputs

SHIFTING = [
    "d-DEPLOY000 begins, 1 -> 2",
    "Start Succeeded",
    "AllowTraffic InProgress",
    "d-DEPLOY000 InProgress",
    "traffic 1=90,2=10",
]
HOOKS = {"before_allow_traffic": "CodeDeployHook_a", "after_allow_traffic": "CodeDeployHook_b"}


def one_of(many: int, world: World, **more: str) -> Run:
    """A rollout of a release of many functions, alone in its world: it is looked at as one of so many."""
    rollout = replace(first(inputs(**more), context()), siblings=frozenset(f"{n:08}" for n in range(many)))
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
        "End InProgress",
        "d-DEPLOY000 InProgress",
        "End Succeeded",
        "d-DEPLOY000 Succeeded",
        "alias serves 2=100",
        "succeeded, rollback none",
    ]


# --- the rollback ---


def test_while_a_rollback_takes_its_time_nothing_is_promised_of_the_deployment_that_it_undoes() -> None:
    run = play(World(alarm_at=60.0, rollback_takes=100.0), weather=STEADY)
    assert told(run) == [
        *SHIFTING,
        "still AllowTraffic, 1=90,2=10",
        "AllowTraffic Failed",
        "End Skipped",
        "d-DEPLOY000 Stopped ALARM_ACTIVE",
        "d-ROLLBACK1 rolls d-DEPLOY000 back",
        "diagnosis ALARM_ACTIVE",
        "rollback: Start Succeeded",
        "rollback: BeforeAllowTraffic InProgress",
        "d-ROLLBACK1 InProgress",
        "still BeforeAllowTraffic, 1=90,2=10",
        "rollback: BeforeAllowTraffic Succeeded",
        "rollback: traffic 1=100",
        "rollback: AllowTraffic Succeeded",
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
        "diagnosis INVALID_LAMBDA_CONFIGURATION",
        "alias serves 1=100",
        "failed, rollback none",
    ]
    looks = [look.with_targets for _, look in run.asked(a.Look) if isinstance(look, a.Look)]
    assert looks[:2] == [frozenset(), frozenset({"d-DEPLOY000"})]
    assert run.result.outcome is Outcome.FAILED
