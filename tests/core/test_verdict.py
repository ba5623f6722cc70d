"""The truth after the end: what the alias serves, what that means, and what we set back ourselves.

Every answer takes a tenth of a second here, and one that fails a second more.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from ci_deploy.core import actions as a
from ci_deploy.core import events as e
from ci_deploy.core.model import Outcome, Rollback
from tests.support.playing import STEADY, Run, Weather, play
from tests.support.world import CANARY, Running, World, inputs

ON_FAILURE = frozenset({"DEPLOYMENT_FAILURE"})
HOOKS = {"before_allow_traffic": "CodeDeployHook_a", "after_allow_traffic": "CodeDeployHook_b"}


def go(world: World, *, weather: Weather = STEADY, signals: tuple[float, ...] = (), **given: str) -> Run:
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


def end(run: Run) -> tuple[Outcome, Rollback, str, str]:
    return run.result.outcome, run.result.rollback, run.result.reason, run.result.remedy


def warnings(run: Run) -> list[tuple[str, str, str]]:
    found = [event.finding for event in run.events if isinstance(event, e.Noticed)]
    return [(finding.code, finding.text, finding.remedy) for finding in found]


# --- throttled before any traffic moved ---


def test_status_does_not_say_that_it_tries_somebodys_deployment_once_more() -> None:
    run = go(begun(0.0, dies_of="THROTTLED"), command="status", wait="true", deployment_id="d-OTHER0000")
    assert (did(run), warnings(run)) == ("Gather Look Diagnose Look LookAlias", [])
    assert end(run) == (
        Outcome.FAILED,
        Rollback.NONE,
        "Lambda throttled CodeDeploy's own requests (15 a second for all of an account and region), in AllowTraffic. "
        "Nothing had to be rolled back: the alias serves version 1 at 100 %.",
        "Deploy fewer functions at the same time (`max-parallel`), then run again.",
    )
