"""Ending a deployment ourselves: what is asked for, when, and what is then said, to the word.

Every answer takes a tenth of a second here, and one that fails a second more; so a usual deployment begins at 0.301 s
and shifts its first traffic at 1.201 s, which is seen at 1.401 s.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_deploy.core import actions as a
from ci_deploy.core import events as e
from ci_deploy.core.errors import ErrorKind
from ci_deploy.core.model import (
    Outcome,
    Rollback,
)
from tests.support.codeworld import CodeWorld
from tests.support.playing import STEADY, Run, Weather, play, told
from tests.support.world import AT_ONCE, inputs

ON_FAILURE = frozenset({"DEPLOYMENT_FAILURE"})
HOOKS = {"before_allow_traffic": "CodeDeployHook_a", "after_allow_traffic": "CodeDeployHook_b"}
REATTACH = (
    "Re-attach with `ci-deploy status --function checkout --alias live --application app --deployment-group group "
    "--deployment-id d-DEPLOY000 --wait true`."
)
FAULT = "test:Stop: Fault: weather"
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


def words(run: Run) -> tuple[str, str]:
    return run.result.reason, run.result.remedy


def warnings(run: Run) -> list[tuple[float, str, str, str]]:
    found = [(event.at, event.finding) for event in run.said(e.Noticed)]  # type: ignore[attr-defined]
    return [(round(at, 3), finding.code, finding.text, finding.remedy) for at, finding in found]


# --- a signal during the first deployment ---


def first_deployment(*signals: float, delay: float = 2.0) -> tuple[CodeWorld, Run]:
    world = CodeWorld(routing=AT_ONCE, alias_exists=False, latest_sha="b3VycyBvdXJzIG91cnMgb3VycyBvdXJzIG91cnMgISE=")
    given = inputs(package="build", create_alias="true")
    return world, play(world, given, weather=Weather(delays=(delay, delay)), signals=signals)


@pytest.mark.parametrize("at", [5.0, 7.0])
def test_an_alias_that_was_being_created_at_the_signal_is_read_and_said(at: float) -> None:
    """It serves from its creation on: "nothing was created" would not be true."""
    world, run = first_deployment(at)
    assert (world.alias_exists, world.alias_version) == (True, "2")
    assert run.now == 8.0
    assert end(run) == (Outcome.CANCELLED, Rollback.NONE, "2", "", True)
    assert words(run) == (
        "Cancelled too late. First deployment: alias `live` was created on version 2 and serves it. There was nothing "
        "to shift traffic from, so CodeDeploy was not asked.",
        "",
    )


def test_an_alias_whose_creation_is_not_answered_in_time_may_exist() -> None:
    _, run = first_deployment(17.0, delay=8.0)
    assert run.now == 23.0
    assert end(run) == (Outcome.CANCELLED, Rollback.NONE, "", "", True)
    assert words(run) == (
        "Cancelled (the time of grace is over) while alias live was being created; whether it exists is not known.",
        "`ci-deploy status` says what it serves, if it exists.",
    )


def test_a_signal_before_the_alias_was_asked_for_creates_none() -> None:
    world, run = first_deployment(3.0)
    assert not world.alias_exists
    assert words(run) == ("Cancelled (SIGINT) before a deployment was created.", "")


@pytest.mark.parametrize(
    ("at", "until", "reason"),
    [
        (1.7, 1.7, "Cancelled (SIGINT) before a deployment was created."),
        (3.0, 3.456, "Cancelled: test:CreateAlias: Fault: weather"),
    ],
    ids=["between two attempts", "during an attempt"],
)
def test_a_creation_of_the_alias_that_is_throttled_is_not_repeated_after_a_signal(
    at: float, until: float, reason: str
) -> None:
    world = CodeWorld(routing=AT_ONCE, alias_exists=False)
    given = inputs(package="build", create_alias="true")
    run = play(world, given, weather=storm(ErrorKind.THROTTLED, CreateAlias=1.0), signals=[at])
    assert (round(run.now, 3), world.alias_exists) == (until, False)
    assert end(run) == (Outcome.CANCELLED, Rollback.NONE, "", "", True)
    assert words(run) == (reason, "")
