"""What guards say."""

from __future__ import annotations

import pytest

from ci_deploy.core.guards import texts
from ci_deploy.core.guards.judging import Judgment, Phase, Verdict, Why, judge
from ci_deploy.core.guards.power import Foresight
from ci_deploy.core.guards.series import Count, Durations, Minute
from tests.support.golden import Told

from .points import SUBJECT, guard, made

NEW, OLD = Count(calls=52, bad=14), Count(calls=480, bad=3)


def judgment(line: str = "errors < 1%", **more: object) -> Judgment:
    given = {"guard": guard(line), "verdict": Verdict.INCONCLUSIVE, "new": NEW, "old": OLD, "minutes": 9, **more}
    return Judgment(**given)  # type: ignore[arg-type]


def told_of(found: Judgment) -> str:
    return f"{found.guard.text} {found.verdict} {found.why} {found.phase}"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0%"),
        (14 / 52, "27%"),
        (0.00625, "0.6%"),
        (0.006, "0.6%"),
        (0.0008, "0.08%"),
        (0.015, "1.5%"),
        (0.02, "2%"),
        (0.0999, "10%"),
        (0.1, "10%"),
        (1, "100%"),
        (0.000012, "0.001%"),
        (0.000001, "under 0.001%"),
    ],
)
def test_percentages(share: float, text: str) -> None:
    assert texts.percent(share) == text


@pytest.mark.parametrize(
    "found",
    [
        judgment(verdict=Verdict.VIOLATED),
        judgment("p99 < 800ms", verdict=Verdict.VIOLATED, threshold=800.0),
        judgment("p95 < 1.5x", verdict=Verdict.VIOLATED, threshold=1234.5, phase=Phase.AFTER),
        judgment(verdict=Verdict.HELD, new=Count(calls=1200), phase=Phase.AFTER),
        judgment(why=Why.UNREADABLE),
        judgment(why=Why.NO_MINUTE),
        judgment("p95 < 1.5x", why=Why.NO_HOUR),
        judgment(why=Why.NO_BASELINE, old=Count()),
        judgment(why=Why.NO_BASELINE, old=Count(), phase=Phase.AFTER),
        judgment(why=Why.BOTH_FAIL),
        judgment(why=Why.SUSPECT, new=Count(calls=52, bad=2)),
        judgment(why=Why.BURSTS, bursts=24.6, habitual=True),
        judgment("p99 < 800ms", why=Why.BURSTS, bursts=1.4, threshold=800.0, phase=Phase.AFTER),
    ],
    ids=told_of,
)
def test_a_verdict(found: Judgment, told: Told) -> None:
    assert texts.verdict(found, SUBJECT) == told


def test_too_few_calls_say_what_they_would_have_shown(told: Told) -> None:
    found = judgment(why=Why.FEW_CALLS, new=Count(calls=12), old=Count(calls=100))
    assert found.visible is not None
    said = texts.verdict(found, SUBJECT)
    assert f"{texts.percent(found.visible)} " in said
    assert said == told
    one = judgment("p99 < 1s", why=Why.FEW_CALLS, new=Count(calls=1), old=Count(calls=9), threshold=1000.0)
    assert texts.verdict(one, SUBJECT) == told


@pytest.mark.parametrize(
    ("line", "calls", "new", "old"),
    [("errors < 1%", 8, 2, 4), ("errors < 2x", 8, 4, 9), ("p95 < 1.5x", 16, 9, 27), ("errors < 2x", 8, 0, 9)],
)
def test_what_holds_past_the_limit_says_why(line: str, calls: int, new: int, old: int, told: Told) -> None:
    series = made(
        new=[(calls, int(number < new)) for number in range(10)],
        old=[(9 * calls, old // 9 if number else 0) for number in range(10)],
        threshold=300.0 if line.startswith("p") else None,
    )
    found = judge(guard(line), series, 0.001)
    assert found.verdict is Verdict.HELD
    assert texts.verdict(found, SUBJECT) == told


@pytest.mark.parametrize("line", ["errors < 1%", "p99 < 1s"])
def test_too_few_bursts_are_told_as_that(line: str, told: Told) -> None:
    found = judgment(line, why=Why.FEW_CALLS, new=Count(calls=90), old=Count(calls=900), bursts=8.2, threshold=None)
    assert found.visible is not None
    assert texts.verdict(found, SUBJECT) == told


@pytest.mark.parametrize("timeout", [900, 60, 0])
def test_no_calls_are_told_as_what_they_are(timeout: float, told: Told) -> None:
    assert texts.verdict(judgment(why=Why.NO_CALLS, new=Count()), SUBJECT, timeout) == told


@pytest.mark.parametrize(
    "foresight",
    [
        Foresight(minutes=11, new_calls=40, old_calls=360, after_calls=60, visible=0.12, moved=10),
        Foresight(minutes=10, new_calls=1, old_calls=9, after_calls=0, visible=None, moved=100),
        Foresight(minutes=0, new_calls=0, old_calls=0, after_calls=0, visible=None, moved=100),
    ],
    ids=lambda foresight: f"{foresight.minutes} minutes",
)
def test_what_a_plan_says(foresight: Foresight, told: Told) -> None:
    assert texts.foreseen(guard("errors < 1%"), foresight) == told


def test_a_duration_guard_foreseen(told: Told) -> None:
    foresight = Foresight(minutes=3, new_calls=40, old_calls=360, after_calls=0, visible=0.12, moved=10)
    assert texts.foreseen(guard("p99 < 1s"), foresight) == told


def test_both_versions_in_one_row(told: Told) -> None:
    new, old = Durations(p50=61.4, p99=212.4), Durations(p50=60, p99=198)
    assert texts.versions(NEW, OLD, SUBJECT, new, old) == told
    slow = Durations(p50=1500, p99=1500)
    assert texts.versions(Count(calls=1, bad=1), Count(), SUBJECT, slow, None) == told


@pytest.mark.parametrize(
    ("throttles", "end"), [(0, "54 calls, 0 errors"), (1200, "54 calls, 0 errors · 1,200 throttled")]
)
def test_a_judged_minute(throttles: int, end: str) -> None:
    judged = Minute(at=0, new=Count(calls=6, bad=1), old=Count(calls=54), share=0.1)
    assert texts.minute(judged, SUBJECT, throttles) == f"version 42: 6 calls, 1 error (17%) · version 41: {end}"
