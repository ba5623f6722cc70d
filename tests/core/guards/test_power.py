"""What so many calls can show."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ci_deploy.core.aws import Routing, RoutingType
from ci_deploy.core.guards.exact import binomial_tail
from ci_deploy.core.guards.judging import Verdict, judge, level, planned_tests
from ci_deploy.core.guards.power import POWER, bad_share, critical, foresee, sees, visible
from ci_deploy.core.schedule import steps

from .points import guard, made

AT = level(1, 1, planned_tests(600, 180))


@pytest.mark.parametrize("line", ["errors < 1%", "errors < 2x", "errors < 10%", "p99 < 800ms"])
@pytest.mark.parametrize("old_bad", [0, 2, 20])
def test_the_critical_count_is_where_the_judgment_turns(line: str, old_bad: int) -> None:
    """Judged are minutes that are all alike, so that nothing is a burst."""
    least = critical(guard(line), 60, 540, old_bad, AT)
    assert least is not None
    for bad, stopped in ((least, True), (least - 1, False)):
        new = [(6, bad // 10 + (number < bad % 10)) for number in range(10)]
        old = [(54, old_bad // 10 + (number < old_bad % 10)) for number in range(10)]
        found = judge(guard(line), made(new=new, old=old, threshold=800.0 if line.startswith("p") else None), AT)
        assert (found.verdict is Verdict.VIOLATED) is stopped


@pytest.mark.parametrize(
    ("line", "calls", "old_calls", "old_bad"),
    [("errors < 1%", 0, 100, 0), ("errors < 1%", 1, 9, 0), ("errors < 1%", 60, 0, 0), ("errors < 2x", 60, 100, 50)],
)
def test_some_numbers_can_show_nothing(line: str, calls: int, old_calls: int, old_bad: int) -> None:
    assert critical(guard(line), calls, old_calls, old_bad, AT) is None
    assert visible(guard(line), calls, old_calls, old_bad, AT) is None
    assert not sees(guard(line), calls, old_calls, old_bad, AT, 1.0)


def test_at_a_level_that_is_high_enough_one_call_proves_it() -> None:
    assert critical(guard("errors < 1%"), 1, 99, 0, 0.05) == 1


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(0, 50), st.sampled_from(["errors < 1%", "errors < 2x"]))
def test_what_is_visible_is_seen_with_the_promised_power(calls: int, old_calls: int, old_bad: int, line: str) -> None:
    share = visible(guard(line), calls, old_calls, min(old_bad, old_calls), AT)
    if share is None:
        assert not sees(guard(line), calls, old_calls, min(old_bad, old_calls), AT, 0.999)
    else:
        least = critical(guard(line), calls, old_calls, min(old_bad, old_calls), AT)
        assert least is not None
        assert binomial_tail(least, calls, share) >= POWER
        assert binomial_tail(least, calls, max(0.0, share - 0.001)) < POWER
        assert sees(guard(line), calls, old_calls, min(old_bad, old_calls), AT, share)


def test_more_calls_show_smaller_shares() -> None:
    shares = [visible(guard("errors < 1%"), calls, 9 * calls, 0, AT) for calls in (10, 60, 600, 6000)]
    assert None not in shares
    assert shares == sorted(shares, reverse=True)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("line", "old_share", "bad"),
    [
        ("errors < 1%", 0.0, 0.2),
        ("errors < 2x", 0.001, 0.2),
        ("errors < 2x", 0.1, 0.4),
        ("errors < 30%", 0.0, 0.6),
        ("errors < 2x", 0.8, 1.0),
        ("p95 < 1.5x", 0.0, 0.2),
        ("p50 < 100ms", 0.0, 0.75),
    ],
)
def test_held_means_that_a_clearly_bad_version_would_have_been_seen(line: str, old_share: float, bad: float) -> None:
    assert bad_share(guard(line), old_share) == pytest.approx(bad)


def routing(kind: RoutingType, percentage: int = 0, minutes: int = 0) -> Routing:
    return Routing(kind=kind, percentage=percentage, interval_minutes=minutes)


def test_a_canary_foreseen() -> None:
    planned = steps(routing(RoutingType.CANARY, 10, 10))
    found = foresee(guard("errors < 1%"), planned, 180, 60, 0.001, AT)
    assert (found.minutes, found.new_calls, found.old_calls, found.after_calls) == (10, 60, 540, 0)
    assert (found.moved, found.visible) == (10, visible(guard("errors < 1%"), 60, 540, 1, AT))


def test_a_linear_deployment_foreseen() -> None:
    planned = steps(routing(RoutingType.LINEAR, 10, 1))
    found = foresee(guard("errors < 1%"), planned, 180, 60, 0.0, AT)
    assert (found.new_calls, found.old_calls) == (270, 270)
    # The second minute's data are in after four: by then half of the traffic has moved.
    assert found.moved == 50


@pytest.mark.parametrize(
    ("bake", "minutes", "after"), [(0, 0, 0), (180, 0, 0), (239, 0, 0), (240, 2, 120), (600, 8, 480)]
)
def test_all_at_once_is_judged_in_the_bake_alone(bake: float, minutes: int, after: float) -> None:
    found = foresee(guard("errors < 1%"), steps(routing(RoutingType.ALL_AT_ONCE)), bake, 60, 0.0, AT)
    assert (found.minutes, found.new_calls, found.after_calls, found.moved) == (minutes, 0, after, 100)
    assert (found.visible is None) is (minutes == 0)


@pytest.mark.parametrize(
    ("kind", "minutes", "bake", "judged", "calls"),
    [
        (RoutingType.CANARY, 10, 180, 7, 42),
        (RoutingType.CANARY, 5, 180, 2, 12),
        (RoutingType.CANARY, 4, 180, 0, 0),
        (RoutingType.CANARY, 4, 360, 2, 0),
        (RoutingType.LINEAR, 3, 180, 0, 0),
        (RoutingType.LINEAR, 4, 180, 9, 270),
    ],
)
def test_duration_guards_meet_fewer_minutes(
    kind: RoutingType, minutes: int, bake: float, judged: int, calls: float
) -> None:
    """The minute of each increase and the two behind it are skipped; one minute alone proves nothing."""
    found = foresee(guard("p99 < 1s"), steps(routing(kind, 10, minutes)), bake, 60, 0.0, AT)
    assert (found.minutes, found.new_calls) == (judged, pytest.approx(calls))
    assert (found.visible is None) is (judged == 0)
