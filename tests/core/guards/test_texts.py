"""What guards say."""

from __future__ import annotations

import pytest

from ci_deploy.core.guards import texts
from ci_deploy.core.guards.judging import Judgment, Phase, Verdict, Why
from ci_deploy.core.guards.power import Foresight
from ci_deploy.core.guards.series import Count, Minute

from .points import SUBJECT, guard

NEW, OLD = Count(calls=52, bad=14), Count(calls=480, bad=3)


def judgment(line: str = "errors < 1%", **more: object) -> Judgment:
    given = {"guard": guard(line), "verdict": Verdict.INCONCLUSIVE, "new": NEW, "old": OLD, "minutes": 9, **more}
    return Judgment(**given)  # type: ignore[arg-type]


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
    ("found", "text"),
    [
        (
            judgment(verdict=Verdict.VIOLATED),
            "`errors < 1%` is violated: 14 of 52 calls of version 42 failed, 27%; version 41: 3 of 480, 0.6%.",
        ),
        (
            judgment("p99 < 800ms", verdict=Verdict.VIOLATED, threshold=800.0),
            "`p99 < 800ms` is violated: 14 of 52 calls of version 42 took longer than 800 ms, 27%; version 41: 3 of "
            "480, 0.6%.",
        ),
        (
            judgment("p95 < 1.5x", verdict=Verdict.VIOLATED, threshold=1234.5, phase=Phase.AFTER),
            "`p95 < 1.5x` is violated: 14 of 52 calls of version 42 took longer than 1,234.5 ms, 27%, after all "
            "traffic had moved; in the hour before the deployment: 3 of 480, 0.6%.",
        ),
        (
            judgment(verdict=Verdict.HELD, new=Count(calls=1200), phase=Phase.AFTER),
            "`errors < 1%` held: 0 of 1,200 calls of version 42 failed, 0%, after all traffic had moved; in the hour "
            "before the deployment: 3 of 480, 0.6%.",
        ),
        (judgment(why=Why.UNREADABLE), "`errors < 1%` is inconclusive: the metrics could not be read."),
        (
            judgment(why=Why.NO_MINUTE),
            "`errors < 1%` is inconclusive: no minute could be judged. CloudWatch's numbers need two "
            "minutes to arrive.",
        ),
        (
            judgment("p95 < 1.5x", why=Why.NO_HOUR),
            "`p95 < 1.5x` is inconclusive: version 41 had no calls in the hour before, so there is nothing to compare "
            "with.",
        ),
        (
            judgment(why=Why.NO_BASELINE, old=Count()),
            "`errors < 1%` is inconclusive: version 41 had no calls to compare with. 14 of 52 calls of version 42 "
            "failed, 27%; version 41: 0 of 0, 0%.",
        ),
        (
            judgment(why=Why.NO_BASELINE, old=Count(), phase=Phase.AFTER),
            "`errors < 1%` is inconclusive: the hour before had no calls to compare with. 14 of 52 calls of version 42 "
            "failed, 27%, after all traffic had moved; in the hour before the deployment: 0 of 0, 0%.",
        ),
        (
            judgment(why=Why.BOTH_FAIL),
            "`errors < 1%` is inconclusive: both versions are past the limit. 14 of 52 calls of version 42 failed, "
            "27%; version 41: 3 of 480, 0.6%.",
        ),
        (
            judgment(why=Why.SUSPECT, new=Count(calls=52, bad=2)),
            "`errors < 1%` is inconclusive: more than the limit, and too few calls to be sure. 2 of 52 calls of "
            "version 42 failed, 3.8%; version 41: 3 of 480, 0.6%.",
        ),
    ],
)
def test_a_verdict(found: Judgment, text: str) -> None:
    assert texts.verdict(found, SUBJECT) == text


def test_too_few_calls_say_what_they_would_have_shown() -> None:
    found = judgment(why=Why.FEW_CALLS, new=Count(calls=12), old=Count(calls=100))
    assert found.visible is not None
    seen = texts.percent(found.visible)
    assert texts.verdict(found, SUBJECT) == (
        f"`errors < 1%` is inconclusive: 12 calls of version 42 can show error rates above {seen} "
        "only; 20% is what a guard needs to hold. 0 of 12 calls of version 42 failed, 0%; version 41: 0 of 100, 0%."
    )
    one = judgment("p99 < 1s", why=Why.FEW_CALLS, new=Count(calls=1), old=Count(calls=9), threshold=1000.0)
    assert texts.verdict(one, SUBJECT) == (
        "`p99 < 1000ms` is inconclusive: 1 call of version 42 cannot show any shares of slow calls. 0 of 1 calls of "
        "version 42 took longer than 1,000 ms, 0%; version 41: 0 of 9, 0%."
    )


@pytest.mark.parametrize(
    ("timeout", "text"),
    [
        (900, "no call of version 42 has *finished* yet; the function may run 900 s."),
        (60, "No call reached version 42: this deployment was a timer, not a test."),
        (0, "No call reached version 42: this deployment was a timer, not a test."),
    ],
)
def test_no_calls_are_told_as_what_they_are(timeout: float, text: str) -> None:
    found = judgment(why=Why.NO_CALLS, new=Count())
    assert texts.verdict(found, SUBJECT, timeout) == f"`errors < 1%` is inconclusive: {text}"


@pytest.mark.parametrize(
    ("foresight", "text"),
    [
        (
            Foresight(minutes=11, new_calls=40, old_calls=360, after_calls=60, visible=0.12, moved=10),
            "`errors < 1%` will judge 11 minutes with about 40 calls while traffic is split, 60 after it has moved: it "
            "can see error rates above 12%. 10% of traffic has moved by the first judgment.",
        ),
        (
            Foresight(minutes=10, new_calls=1, old_calls=9, after_calls=0, visible=None, moved=100),
            "`errors < 1%` will judge 10 minutes with about 1 call while traffic is split: it can see nothing. All "
            "traffic has moved by the first judgment.",
        ),
        (
            Foresight(minutes=0, new_calls=0, old_calls=0, after_calls=0, visible=None, moved=100),
            "`errors < 1%` cannot be judged: all traffic moves at once. Set `bake: 10m` to watch it afterwards.",
        ),
    ],
)
def test_what_a_plan_says(foresight: Foresight, text: str) -> None:
    assert texts.foreseen(guard("errors < 1%"), foresight) == text


def test_a_duration_guard_foreseen() -> None:
    foresight = Foresight(minutes=3, new_calls=40, old_calls=360, after_calls=0, visible=0.12, moved=10)
    assert "it can see shares of slow calls above 12%" in texts.foreseen(guard("p99 < 1s"), foresight)


def test_both_versions_in_one_row() -> None:
    assert texts.versions(NEW, OLD, SUBJECT, 212.4, 198.0) == (
        "version 42: 52 calls, 14 errors (27%), p99 212 ms · version 41: 480 calls, 3 errors (0.6%), p99 198 ms"
    )
    assert texts.versions(Count(calls=1, bad=1), Count(), SUBJECT, 1500.0, None) == (
        "version 42: 1 call, 1 error (100%), p99 1,500 ms · version 41: 0 calls, 0 errors"
    )


@pytest.mark.parametrize(
    ("throttles", "end"), [(0, "54 calls, 0 errors"), (1200, "54 calls, 0 errors · 1,200 throttled")]
)
def test_a_judged_minute(throttles: int, end: str) -> None:
    judged = Minute(at=0, new=Count(calls=6, bad=1), old=Count(calls=54), share=0.1)
    assert texts.minute(judged, SUBJECT, throttles) == f"version 42: 6 calls, 1 error (17%) · version 41: {end}"
