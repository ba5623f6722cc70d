"""The product's questions, asked of the emulator: a canary with traffic, looked at as a run looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ci_deploy.core.guards import judging, queries
from ci_deploy.core.guards.grammar import Guards, parse
from ci_deploy.core.guards.judging import Phase, Verdict, Why
from ci_deploy.core.guards.queries import Answers, Question, Shift, Subject
from ci_deploy.core.guards.series import series, shown
from tests.emulator.metrics.conftest import callers
from tests.emulator.world import AT_ONCE, CANARY, World

SUBJECT = Subject(function="checkout", alias="live", old="1", new="2")
SECONDS = 300  # of the canary


def answers(world: World, questions: tuple[Question, ...]) -> dict[Question, dict[int, float]]:
    """What CloudWatch says, in as few calls as the product makes."""
    found: dict[Question, dict[int, float]] = {}
    for batch in queries.batches(questions):
        asked: list[dict[str, Any]] = [
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": queries.NAMESPACE,
                        "MetricName": each.metric,
                        "Dimensions": [{"Name": name, "Value": value} for name, value in each.dimensions],
                    },
                    "Period": each.period,
                    "Stat": each.statistic,
                },
            }
            for number, each in enumerate(batch)
        ]
        window = [datetime.fromtimestamp(moment, UTC) for moment in (batch[0].start, batch[0].end)]
        results = world.client("cloudwatch").get_metric_data(
            MetricDataQueries=asked, StartTime=window[0], EndTime=window[1]
        )["MetricDataResults"]
        for question, result in zip(batch, results, strict=True):
            stamps = (int(stamp.timestamp()) for stamp in result["Timestamps"])
            found[question] = dict(zip(stamps, result["Values"], strict=True))
    return found


class Run:
    """A deployment of version 2, its guards, and the looks at it."""

    def __init__(self, world: World, lines: str, config: str = CANARY, bake: float = 180) -> None:
        self.world, self.guards, self.bake = world, parse(lines), bake
        self.seconds = SECONDS if config == CANARY else 0
        tests = judging.planned_tests(self.seconds, bake)
        self.level = judging.level(1, len(self.guards.counting), tests)
        world.deploy(deploymentConfigName=config)
        self.began = self.moved = 0.0
        while not self.began:
            world.emulator.advance(1)
            if world.traffic().get("2"):
                self.began = world.emulator.now

    def looks(self) -> Iterator[tuple[tuple[Shift, ...], Answers, Answers]]:
        hour: dict[Question, dict[int, float]] = {}
        end = self.began + self.seconds + self.bake
        while (now := queries.next_ripe(self.world.emulator.now)) <= end:
            self.world.emulator.advance(now - self.world.emulator.now)
            while wanted := queries.hour(SUBJECT, self.guards, self.began, hour):
                hour |= answers(self.world, wanted)
            shifts = [Shift(at=self.began, share=100.0 if not self.seconds else 10.0)]
            if self.seconds and now > self.began + self.seconds:
                shifts.append(Shift(at=self.began + self.seconds, share=100.0))
            asked = queries.look(SUBJECT, self.guards, shifts, hour, now)
            yield tuple(shifts), hour, answers(self.world, asked)

    def judgments(self) -> Iterator[tuple[judging.Judgment, ...]]:
        for shifts, hour, found in self.looks():
            yield tuple(
                judging.judge(guard, series(SUBJECT, guard, shifts, hour, found), self.level)
                for guard in self.guards.lines
            )


def ended(run: Run) -> tuple[judging.Judgment, ...]:
    """The judgments at the end, or at the first violation."""
    last: tuple[judging.Judgment, ...] = ()
    for last in run.judgments():
        if judging.overall(last) is Verdict.VIOLATED:
            break
    return last


@pytest.fixture
def busy(shop: World) -> World:
    """An hour of 600 calls a minute on version 1, which fails one call in a thousand."""
    traffic(shop)
    shop.emulator.advance(3700)
    return shop


def traffic(world: World, **new: Any) -> None:
    versions = {"1": {"errors": 0.001}, "2": {"errors": 0.001, **new}}
    world.emulator.traffic(**callers(600, versions=versions))


@pytest.mark.parametrize("line", ["errors < 1%", "errors < 2x", "errors < 1%\nerrors < 2x\np95 < 1.5x"])
def test_a_version_that_fails_one_call_in_five_is_seen(busy: World, line: str) -> None:
    traffic(busy, errors=0.2)
    last = ended(Run(busy, line))
    assert judging.overall(last) is Verdict.VIOLATED
    assert last[0].new.share == pytest.approx(0.2, abs=0.1)
    assert last[0].old.share < 0.01
    assert last[0].phase is Phase.SPLIT


@pytest.mark.parametrize("line", ["p99 < 800ms", "p95 < 1.5x"])
def test_a_slow_version_is_seen(busy: World, line: str) -> None:
    traffic(busy, duration={"p50": 500, "p99": 2000})
    (last,) = ended(Run(busy, line))
    assert last.verdict is Verdict.VIOLATED
    assert last.threshold is not None


def test_a_healthy_version_holds(busy: World) -> None:
    last = ended(Run(busy, "errors < 1%\nerrors < 2x\np95 < 1.5x\np99 < 800ms", bake=600))
    assert [each.verdict for each in last] == [Verdict.HELD] * 4


def test_a_version_that_goes_bad_after_the_canary_is_seen_in_the_bake(busy: World) -> None:
    run = Run(busy, "errors < 1%", bake=600)
    busy.emulator.advance(SECONDS)
    traffic(busy, errors=0.2)
    (last,) = ended(run)
    assert (last.verdict, last.phase) == (Verdict.VIOLATED, Phase.AFTER)
    assert last.old.calls == pytest.approx(36_000, rel=0.05)


@pytest.mark.parametrize(("bake", "verdict"), [(600, Verdict.VIOLATED), (180, Verdict.INCONCLUSIVE)])
def test_all_at_once_is_seen_in_a_bake_that_is_long_enough(busy: World, bake: float, verdict: Verdict) -> None:
    traffic(busy, errors=0.2)
    (last,) = ended(Run(busy, "errors < 2x", AT_ONCE, bake))
    assert last.verdict is verdict


def test_an_outage_of_both_versions_stops_nothing(busy: World) -> None:
    busy.emulator.traffic(**callers(600, events=[{"after": 90, "for": 120, "outage": 0.5}]))
    last = ended(Run(busy, "errors < 1%\nerrors < 2x"))
    assert judging.overall(last) is not Verdict.VIOLATED
    assert last[0].new.bad > 5


def test_without_callers_nothing_is_proved(shop: World) -> None:
    last = ended(Run(shop, "errors < 1%\np99 < 1s\np95 < 2x"))
    assert [each.why for each in last] == [Why.NO_CALLS, Why.NO_CALLS, Why.NO_HOUR]


@pytest.mark.parametrize("always", [False, True])
def test_what_reports_show_is_what_happened(busy: World, always: bool) -> None:
    busy.emulator.switches(executed_version_always=always, metric_revision_seconds=0)
    traffic(busy, errors=0.2, throttles=0.5, duration={"p50": 300, "p99": 900})
    run = Run(busy, "", bake=600)
    assert run.guards.counting == ()
    *_, (shifts, _, found) = run.looks()
    seen = shown(SUBJECT, shifts, found)
    assert seen.new.share == pytest.approx(0.2, abs=0.08)
    assert seen.old.share < 0.01
    assert seen.old_durations is not None
    assert seen.old_durations.p50 == pytest.approx(100, rel=0.3)
    assert seen.old_durations.p99 == pytest.approx(400, rel=0.3)
    assert seen.new_durations is not None
    assert seen.new_durations.p50 > 1.5 * seen.old_durations.p50
    assert seen.new_durations.p99 > 1.5 * seen.old_durations.p99
    assert seen.throttles > 50
    assert [count.calls for _, count in seen.after] == pytest.approx([300] * len(seen.after), rel=0.3)


def test_off_and_a_look_before_its_time_ask_nothing(busy: World) -> None:
    now = busy.emulator.now
    assert queries.look(SUBJECT, Guards(off=True), (Shift(at=now - 900, share=10),), {}, now) == ()
    assert answers(busy, ()) == {}
