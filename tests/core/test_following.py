"""A deployment that exists, until it is over: what is looked at and when, what is told of it, and its rollback."""

from __future__ import annotations

from dataclasses import replace

from ci_deploy.core import actions as a
from ci_deploy.core.model import Outcome
from tests.support.playing import STEADY, Run, first, play_together, told
from tests.support.world import World, context, inputs

SHIFTING = [
    "d-DEPLOY000 begins, 1 -> 2",
    "Start Succeeded",
    "AllowTraffic InProgress",
    "d-DEPLOY000 InProgress",
    "traffic 1=90,2=10",
]


def one_of(many: int, world: World, **more: str) -> Run:
    """A rollout of a release of many functions, alone in its world: it is looked at as one of so many."""
    rollout = replace(first(inputs(**more), context()), siblings=frozenset(f"{n:08}" for n in range(many)))
    run = Run(world, rollout, weather=STEADY)
    play_together(world, run)
    return run


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
