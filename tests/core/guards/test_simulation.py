"""A slice of benchmarks/guards.py: whole deployments, played and judged. The full figures are in docs/guards.md."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks.guards import (
    CIRCUMSTANCES,
    GUARDS,
    HOURS,
    PAGE,
    Alarms,
    Bad,
    World,
    alarms,
    canary,
    caught,
    deploy,
    play,
    sight,
)
from ci_deploy.core.guards.grammar import parse
from ci_deploy.core.guards.judging import Verdict
from ci_deploy.core.guards.series import together


@pytest.mark.parametrize("line", GUARDS)
@pytest.mark.parametrize("circumstances", CIRCUMSTANCES)
def test_healthy_versions_are_not_stopped(circumstances: str, line: str) -> None:
    assert alarms(Alarms(circumstances=circumstances, line=line, seed=1, releases=8)) == 0


@pytest.mark.parametrize(("line", "old"), [("errors < 1%", 0.001), ("errors < 2x", 0.001)])
def test_a_version_that_fails_one_call_in_five_is_stopped(line: str, old: float) -> None:
    ends = caught(Bad(line=line, old=old, new=0.2, seed=1, runs=60))
    assert sum(end.verdict is Verdict.VIOLATED for end in ends) >= 55
    assert not any(end.verdict is Verdict.HELD for end in ends)


@pytest.mark.parametrize("line", GUARDS[:2])
@pytest.mark.parametrize("hour", HOURS)
def test_no_hour_before_hides_a_version_that_fails_one_call_in_five(hour: str, line: str) -> None:
    """In two of three cases at least, whatever the hour; mostly in far more."""
    ends = caught(Bad(line=line, old=0.001, new=0.2, seed=1, runs=30, hour=hour))
    assert sum(end.verdict is Verdict.VIOLATED for end in ends) >= 20
    assert not any(end.verdict is Verdict.HELD for end in ends)


@pytest.mark.parametrize("line", GUARDS[:2])
def test_a_version_that_fails_everything_is_stopped_at_once(line: str) -> None:
    ends = caught(Bad(line=line, old=0.001, new=1.0, seed=1, runs=40))
    assert all(end.verdict is Verdict.VIOLATED for end in ends)
    assert sum(end.whole <= 2 for end in ends) >= 38


def test_the_simulation_draws_what_it_says() -> None:
    """The weights, the errors and the hour of a canary, in the mean of many."""
    random = Random(1)
    world = World(routing=canary(10, 10), per_minute=600, old=0.01, new=0.2)
    played = [play(world, random) for _ in range(30)]
    # The first minute is partial.
    new = together(minute.new for each in played for minute in each.minutes[1:])
    old = together(minute.old for each in played for minute in each.minutes[1:])
    hour = together(minute for each in played for minute in each.hour)
    after = together(count for each in played for _, count in each.after)
    assert new.calls / (new.calls + old.calls) == pytest.approx(0.1, abs=0.003)
    assert (new.share, old.share, hour.share) == (
        pytest.approx(0.2, abs=0.01),
        pytest.approx(0.01, abs=0.001),
        pytest.approx(0.01, abs=0.001),
    )
    assert after.share == pytest.approx(0.2, abs=0.01)


def test_a_slow_start_stops_nothing_where_durations_are_judged() -> None:
    """Without the skipped minutes it would: half of the first calls are slow."""
    world = World(routing=canary(10, 10), per_minute=600, old=0.001, new=0.001, cold=0.5)
    assert deploy(world, parse("p99 < 800ms").lines[0], Random(2)).verdict is Verdict.HELD
    assert deploy(world, parse("errors < 1%").lines[0], Random(2)).verdict is Verdict.VIOLATED


@pytest.mark.parametrize(("name", "line"), [("sight-fixed", "errors < 1%"), ("sight-factor", "errors < 2x")])
def test_the_page_says_what_the_rules_can_see(name: str, line: str) -> None:
    """`python benchmarks/guards.py --write` writes it."""
    assert f"<!-- {name} -->\n{sight(line)}<!-- /{name} -->" in PAGE.read_text(encoding="utf-8")
