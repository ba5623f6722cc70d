"""A slice of benchmarks/shards.py: releases in shards, played. The full figures are in docs/benchmarks.md."""

from __future__ import annotations

import pytest

from benchmarks.shards import (
    ACTIVE,
    ALIAS_TRIES,
    CASES,
    FUNCTION,
    LAMBDA,
    PAGE,
    READS,
    WRITES,
    Account,
    Clock,
    Limit,
    busiest,
    by_kind,
    calls,
    limit_of,
    row,
    simulate,
    table,
)
from ci_deploy.core.aws import DeploymentStatus
from ci_deploy.core.machine import actions as a
from ci_deploy.core.run import Outcome
from tests.support.machine.world import AT_ONCE, Running, World


def test_a_small_release_is_deployed_and_the_same_seed_gives_the_same_figures() -> None:
    found, again = (simulate(12, shard=4, runners=2) for _ in range(2))
    assert found.outcomes == {Outcome.SUCCEEDED: 12}
    assert found.account.calls["codedeploy:CreateDeployment"] == 12
    assert found.account.most_active <= 8
    assert (row(found), by_kind([found])) == (row(again), by_kind([again]))
    assert 2 * 600 < found.seconds < 3 * 600  # three shards, two at once


def test_shards_that_share_a_limit_slow_down_and_none_is_refused() -> None:
    """Each would ask Lambda for ten requests a second, of which the account has fifteen."""
    found = simulate(60, shard=10, runners=6)
    assert found.account.limits[LAMBDA].refused > 0
    assert set(found.outcomes) <= {Outcome.SUCCEEDED, Outcome.ROLLED_BACK, Outcome.STOPPED}
    assert found.account.calls.total() < 40 * 60


def test_who_comes_when_the_account_has_all_its_deployments_waits_for_a_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmarks.shards.PLACES", 5)
    found = simulate(8, shard=8, runners=1)
    assert found.outcomes == {Outcome.SUCCEEDED: 8}
    assert found.account.most_active == 5
    assert "concurrent deployments" in row(found)[-1]


@pytest.mark.parametrize(("rate", "status"), [(0.0, DeploymentStatus.FAILED), (15.0, DeploymentStatus.CREATED)])
def test_codedeploy_gives_up_an_alias_update_after_some_tries(rate: float, status: DeploymentStatus) -> None:
    clock = Clock()
    account = Account(clock, 50.0)
    account.limits[LAMBDA] = Limit(rate=rate, burst=rate)
    world = World()
    running = Running(id="d-1", created=0.0, current="1", target="2", routing=AT_ONCE)
    world.deployments.append(running)
    account.begins(world, running)
    clock.run(until=100.0)
    assert (running.status, account.late) == (status, ALIAS_TRIES if status is DeploymentStatus.FAILED else 0)
    assert account.active == set()


def test_a_limit_gives_what_was_saved_and_then_its_rate() -> None:
    limit = Limit(rate=2, burst=3)
    assert [limit.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert (limit.refused, limit.first) == (1, 10.0)
    assert [limit.take(11.0) for _ in range(3)] == [True, True, False]
    assert (limit.refused, limit.first) == (2, 10.0)


def test_each_call_counts_towards_its_limit() -> None:
    asked = (("lambda", "GetAlias"), ("lambda", "GetFunction"), ("codedeploy", "ListDeployments"), ("s3", "PutObject"))
    assert [limit_of(*one) for one in asked] == [LAMBDA, FUNCTION, READS, ""]
    assert limit_of("codedeploy", "CreateDeployment") == WRITES
    assert ACTIVE not in {limit_of(*one) for one in asked}


def test_an_action_of_which_the_calls_are_not_known_is_no_free_one() -> None:
    with pytest.raises(ValueError, match="CreateAlias"):
        list(calls(a.CreateAlias(key="f:live", function="f", alias="live", version="1")))


def test_the_busiest_minute_is_found_wherever_it_begins() -> None:
    assert busiest([0.0, 59.0, 61.0, 62.0, 118.0, 119.0], 60.0) == 4
    assert busiest([], 60.0) == 0


def test_a_table_is_markdown() -> None:
    assert table([("a", "b"), ("1", "2")]) == "| a | b |\n|---|---|\n| 1 | 2 |"


def test_the_page_has_a_row_for_each_case() -> None:
    """`python benchmarks/shards.py --write` writes them."""
    page = PAGE.read_text(encoding="utf-8")
    for case in CASES.split(","):
        jobs, _, rate = case.partition("x")
        assert page.count(f"\n| {jobs} | {rate}/s | ") == 1
