"""Synthetic callers: what they leave in CloudWatch and in the log, minute by minute."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from codedeploy_emulator import Emulator
from codedeploy_emulator.errors import SeedError
from codedeploy_emulator.metrics.draws import poisson
from tests.emulator.metrics.conftest import FIRST, START, Ask, callers, split
from tests.emulator.world import CANARY, LINEAR, World

WHOLE = {"metric_revision_seconds": 0}
COUNTED = (("Invocations",), ("Errors",), ("Duration", "SampleCount"))


def test_calls_are_split_by_the_weights_of_the_moment(shop: World, ask: Ask) -> None:
    shop.emulator.switches(WHOLE)
    shop.emulator.traffic(**callers(6000))
    shop.deploy(deploymentConfigName=CANARY)
    shop.emulator.advance(1200)
    new, old, alias = ask(version="2"), ask(version="1"), ask()
    # The canary begins within the minute before FIRST, and ends five minutes later.
    for minute in range(4):
        assert new[minute] == pytest.approx(600, rel=0.2)
        assert old[minute] == pytest.approx(5400, rel=0.05)
        assert alias[minute] == new[minute] + old[minute]
    # All of it is on version 2 then: an alias without weights has no executed version.
    assert max(new) <= 5
    assert max(old) <= 5
    assert all(alias[minute] == pytest.approx(6000, rel=0.06) for minute in range(6, 15))


def test_a_linear_shift_moves_the_share_step_by_step(shop: World, ask: Ask) -> None:
    shop.emulator.switches(WHOLE)
    shop.emulator.traffic(**callers(6000))
    shop.deploy(deploymentConfigName=LINEAR)
    shop.emulator.advance(900)
    new, alias = ask(version="2"), ask()
    shares = [new[minute] / alias[minute] for minute in range(8)]
    assert shares == sorted(shares)
    assert shares[0] < 0.25
    assert shares[7] > 0.75


@pytest.mark.parametrize("always", [False, True])
def test_the_executed_version_of_an_alias_without_weights_is_a_switch(shop: World, ask: Ask, always: bool) -> None:
    shop.emulator.switches(executed_version_always=always)
    shop.emulator.traffic(**callers())
    shop.emulator.advance(600)
    assert bool(ask(version="1")) is always
    assert ask() != {}
    assert ask(alias=None) == ask()


def test_a_minute_is_visible_two_minutes_after_its_end(shop: World, ask: Ask) -> None:
    shop.emulator.traffic(**callers())
    for seconds, visible in ((179, False), (181, True)):
        shop.emulator.advance(FIRST + seconds - shop.emulator.now)
        assert (0 in ask()) is visible


@pytest.mark.parametrize("delay", [0, 30, 300])
def test_the_delay_is_a_switch(shop: World, ask: Ask, delay: int) -> None:
    shop.emulator.switches(metric_delay_seconds=delay)
    shop.emulator.traffic(**callers())
    shop.emulator.advance(FIRST + 60 + delay - 1 - shop.emulator.now)
    assert 0 not in ask()
    shop.emulator.advance(2)
    assert 0 in ask()


def test_a_minute_comes_in_part_first_and_is_revised(shop: World, ask: Ask) -> None:
    def counted() -> list[float]:
        return [ask(*what)[0] for what in COUNTED]

    shop.emulator.traffic(**callers(6000, versions={"1": {"errors": 0.1}}))
    shop.emulator.advance(FIRST + 181 - shop.emulator.now)
    first = counted()
    assert counted() == first
    shop.emulator.advance(60)
    second = counted()
    assert all(0.4 * later < early < 0.95 * later for early, later in zip(first, second, strict=True))
    shop.emulator.advance(600)
    assert counted() == second
    assert second[0] == second[2]


def test_calls_that_run_long_are_counted_when_they_have_ended(shop: World, ask: Ask) -> None:
    shop.emulator.switches(WHOLE)
    shop.emulator.traffic(**callers(versions={"1": {"duration": {"p50": 300_000, "p99": 300_000}}}))
    shop.emulator.advance(FIRST + 300 - shop.emulator.now)
    assert ask() == {}
    shop.emulator.advance(200)
    assert 0 in ask()


def test_of_calls_of_many_lengths_the_short_ones_are_counted_first(shop: World, ask: Ask) -> None:
    shop.emulator.switches(WHOLE)
    shop.emulator.traffic(**callers(6000, versions={"1": {"duration": {"p50": 100_000, "p99": 400_000}}}))
    shop.emulator.advance(FIRST + 181 - shop.emulator.now)
    first = ask()[0]
    shop.emulator.advance(900)
    assert 0 < first < 0.5 * ask()[0]


def test_errors_throttles_and_durations_of_each_version(shop: World, ask: Ask) -> None:
    shop.emulator.switches(WHOLE, cold_calls=0)
    split(shop, 0.5)
    slow = {"errors": 0.2, "throttles": 0.1, "duration": {"p50": 300, "p99": 900}}
    shop.emulator.traffic(**callers(6000, versions={"1": {"duration": {"p50": 50, "p99": 60}}, "2": slow}))
    shop.emulator.advance(600)
    assert ask("Errors", version="1") == {}
    assert ask("Errors", version="2")[0] / ask(version="2")[0] == pytest.approx(0.2, abs=0.03)
    # Throttled calls ran nowhere: they are the alias's, and no invocations.
    assert ask("Throttles", version="2") == {}
    assert ask("Throttles")[0] == pytest.approx(300, rel=0.3)
    assert ask(version="2")[0] == pytest.approx(2700, rel=0.1)
    assert ask("Duration", "p50", "1")[0] == pytest.approx(50, rel=0.05)
    assert ask("Duration", "p99", "2")[0] == pytest.approx(900, rel=0.2)
    assert ask("Duration", "PR(:300)", "2")[0] == pytest.approx(50, abs=5)
    assert ask("Duration", "SampleCount", "2") == ask(version="2")


def test_the_first_calls_of_a_new_version_are_slow(shop: World, ask: Ask) -> None:
    shop.emulator.switches(WHOLE, cold_calls=5, cold_milliseconds=10_000)
    shop.emulator.traffic(**callers(600))
    split(shop, 0.1)
    shop.emulator.advance(900)

    def slow(version: str) -> float:
        calls, shares = ask("Duration", "SampleCount", version), ask("Duration", "PR(10000:)", version)
        return sum(calls[minute] * share / 100 for minute, share in shares.items())

    # Version 1 was being called already.
    assert (slow("1"), slow("2")) == (0, pytest.approx(5))


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"after": 120, "for": 120, "outage": 1.0}, lambda calls: calls),
        ({"after": 130, "burst": 10}, lambda calls: 10),
        ({"after": 0, "every": 30, "burst": 3}, lambda calls: 6),
    ],
)
def test_events_hit_all_versions(
    shop: World, ask: Ask, event: dict[str, Any], expected: Callable[[float], float]
) -> None:
    shop.emulator.switches(WHOLE)
    split(shop, 0.5)
    shop.emulator.advance(FIRST - shop.emulator.now)
    shop.emulator.traffic(**callers(events=[event]))
    shop.emulator.advance(900)
    errors, calls = ask("Errors"), ask()
    assert errors[2] == expected(calls[2])
    parts = [ask("Errors", version=version).get(2, 0) for version in ("1", "2")]
    assert sum(parts) == errors[2]
    assert (0 in errors) is ("every" in event)


def test_replacing_the_list_ends_the_callers_before(shop: World, ask: Ask) -> None:
    shop.emulator.switches(WHOLE)
    shop.emulator.traffic(**callers(6000))
    shop.emulator.advance(FIRST + 90 - shop.emulator.now)
    shop.emulator.traffic()
    shop.emulator.advance(600)
    points = ask()
    assert max(points) == 1
    assert points[1] == pytest.approx(3000, rel=0.1)
    assert points[0] == pytest.approx(6000, rel=0.06)


def test_the_same_seed_draws_the_same_whoever_looks_how_often(shop: World, ask: Ask) -> None:
    def played(steps: int, seed: int) -> list[dict[int, float]]:
        shop.emulator.reset()
        shop.served()
        shop.group()
        shop.emulator.switches(random_seed=seed)
        shop.emulator.traffic(**callers(6000, versions={"2": {"errors": 0.2}}))
        shop.deploy(deploymentConfigName=CANARY)
        for _ in range(steps):
            shop.emulator.advance(1200 / steps)
            ask()
        return [ask(), ask(version="2"), ask("Errors", version="2"), ask("Duration", "p99", "2")]

    once = played(1, 0)
    assert played(40, 0) == once
    assert played(1, 1) != once


def test_errors_are_in_the_log_stream_of_their_version(shop: World) -> None:
    split(shop, 0.5)
    shop.emulator.traffic(**callers(60, versions={"2": {"errors": 0.5}}))
    shop.emulator.advance(600)
    logs = shop.client("logs")
    group = "/aws/lambda/checkout"
    names = [stream["logStreamName"] for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]]
    (name,) = names
    day = name.split("[")[0]
    assert name.startswith(f"{day}[2]")
    found = logs.filter_log_events(logGroupName=group, logStreamNamePrefix=f"{day}[2]", filterPattern="ERROR")["events"]
    assert all("version 2 failed" in event["message"] and event["logStreamName"] == name for event in found)
    assert 5 < len(found) <= 50
    assert all(START <= event["timestamp"] / 1000 <= START + 600 for event in found)
    assert logs.filter_log_events(logGroupName=group, logStreamNamePrefix=f"{day}[1]")["events"] == []


def test_a_prefix_and_names_exclude_each_other_and_the_group_must_exist(shop: World) -> None:
    logs = shop.client("logs")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.filter_log_events(logGroupName="/aws/lambda/nobody", logStreamNamePrefix="2026")
    shop.emulator.traffic(**callers(60, versions={"1": {"errors": 1.0}}))
    shop.emulator.advance(200)
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.filter_log_events(logGroupName="/aws/lambda/checkout", logStreamNames=["x"], logStreamNamePrefix="2026")


def test_callers_of_what_does_not_exist_leave_nothing(shop: World, ask: Ask) -> None:
    shop.emulator.traffic([{"function": "nobody", "alias": "live", "per_minute": 60}, callers(60, alias="gone")])
    shop.emulator.advance(600)
    assert ask(alias=None) == {}


def test_the_cost_of_an_hour_depends_on_minutes_and_not_on_calls(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def counted(*given: Any) -> int:
        drawn.append(given)
        return poisson(*given)

    monkeypatch.setattr("codedeploy_emulator.metrics.traffic.poisson", counted)
    shop.emulator.traffic(**callers(6000, versions={"1": {"errors": 0.01}}))
    shop.emulator.advance(3600)
    assert 59 <= len(drawn) <= 61


def test_the_endpoint_replaces_the_list_and_shows_it(shop: World) -> None:
    url = f"{shop.emulator.url}/_emulator/traffic"

    def send(body: Any) -> Any:
        with urlopen(Request(url, json.dumps(body).encode(), method="POST")) as answer:
            return json.load(answer)

    def shown() -> Any:
        with urlopen(url) as answer:
            return json.load(answer)

    entry = callers(60, versions={"2": {"errors": 0.2, "duration": {"p50": 10, "p99": 20}}})
    assert send([entry]) == [entry]
    assert shown() == [entry]
    shop.emulator.reset()
    assert shown() == []


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([1], "must be a mapping"),
        ([{"function": "f"}], "needs a function and an alias"),
        ([{"function": "f", "alias": "a"}], "f:a: per_minute must be a number"),
        ([callers(-1)], "per_minute must be a number"),
        ([callers(1, versions=[1])], "versions must be a mapping"),
        ([callers(1, versions={"1": {"error": 1}})], "unknown keys: error; it may have errors, throttles, duration"),
        ([callers(1, versions={"1": {"errors": 2}})], "errors must be a number from 0 to 1"),
        ([callers(1, versions={"1": {"errors": True}})], "errors must be a number"),
        ([callers(1, versions={"1": {"duration": {"p50": 9, "p99": 8}}})], "p99 is below p50"),
        ([callers(1, events={"burst": 1})], "events is a list"),
        ([callers(1, events=[{"after": 1}])], "either outage"),
        ([callers(1, events=[{"outage": 1, "burst": 1}])], "either outage"),
        ([callers(1, events=[{"outage": 1}])], "for must be a number"),
        ([callers(1, until=3)], "unknown keys: until"),
    ],
)
def test_what_is_wrong_with_a_list_is_said_and_changes_nothing(emulator: Emulator, entries: Any, said: str) -> None:
    emulator.traffic(**callers(7))
    with pytest.raises(SeedError, match=said):
        emulator.traffic(entries)
    assert emulator.present_traffic() == [callers(7)]


def test_the_endpoint_takes_an_array(shop: World) -> None:
    with pytest.raises(HTTPError, match="400"):
        urlopen(Request(f"{shop.emulator.url}/_emulator/traffic", b"{}", method="POST"))
    with pytest.raises(SeedError, match="a list of callers"):
        shop.emulator.runtime.traffic.replace({}, 0)


def test_the_callers_of_a_seed_have_been_calling_for_an_hour(
    shop: World, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Versions may be written as numbers, as YAML reads them."""
    entry = callers(600, versions={1: {"errors": 1.0}})
    code = "def handler(event, context):\n    return event\n"
    function = {"name": "checkout", "versions": [code], "aliases": {"live": 1}}
    monkeypatch.setitem(shop.emulator._seed, "traffic", [entry])
    monkeypatch.setitem(shop.emulator._seed, "functions", [function])
    shop.emulator.reset()
    assert shop.emulator.present_traffic() == [entry]
    points = ask(minutes=(-70, 10))
    # The start is within the minute before FIRST, and two minutes have not arrived.
    assert sorted(points) == list(range(-61, -3))
    assert sum(points.values()) == pytest.approx(57.5 * 600, rel=0.03)
    shop.emulator.advance(600)
    assert ask("Errors") == ask() != {}
