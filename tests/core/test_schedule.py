"""Traffic shifts as arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_deploy.core.aws import Routing, RoutingType
from ci_deploy.core.schedule import default_timeout, next_shift, percent, shift_seconds, steepest, steps

CANARY = Routing(kind=RoutingType.CANARY, percentage=10, interval_minutes=5)
LINEAR = Routing(kind=RoutingType.LINEAR, percentage=10, interval_minutes=1)
AT_ONCE = Routing(kind=RoutingType.ALL_AT_ONCE)

routings = st.builds(
    Routing,
    kind=st.sampled_from(RoutingType),
    percentage=st.integers(1, 99),
    interval_minutes=st.integers(1, 2880),
)


@pytest.mark.parametrize(
    ("routing", "planned"),
    [
        (CANARY, [(0.0, 10.0), (300.0, 100.0)]),
        (AT_ONCE, [(0.0, 100.0)]),
        (
            Routing(kind=RoutingType.LINEAR, percentage=30, interval_minutes=2),
            [(0.0, 30.0), (120.0, 60.0), (240.0, 90.0), (360.0, 100.0)],
        ),
        (Routing(kind=RoutingType.UNKNOWN, percentage=10, interval_minutes=5), [(0.0, 100.0)]),
        (Routing(kind=RoutingType.ALL_AT_ONCE, percentage=10, interval_minutes=5), [(0.0, 100.0)]),
        (Routing(kind=RoutingType.LINEAR, percentage=0, interval_minutes=5), [(0.0, 100.0)]),
        (Routing(kind=RoutingType.LINEAR, percentage=50, interval_minutes=1), [(0.0, 50.0), (60.0, 100.0)]),
    ],
)
def test_the_planned_shifts(routing: Routing, planned: list[tuple[float, float]]) -> None:
    assert [(step.offset, step.share) for step in steps(routing)] == planned


def test_one_percent_at_a_time_takes_a_hundred_shifts() -> None:
    planned = steps(Routing(kind=RoutingType.LINEAR, percentage=1, interval_minutes=1))
    assert [(step.offset, step.share) for step in planned] == [(60.0 * n, n + 1.0) for n in range(100)]


def test_awss_linear_config_takes_nine_intervals() -> None:
    assert shift_seconds(LINEAR) == 540.0


@given(routings)
def test_shares_rise_and_end_at_one_hundred(routing: Routing) -> None:
    shares = [step.share for step in steps(routing)]
    assert shares == sorted(set(shares))
    assert shares[-1] == 100.0


@pytest.mark.parametrize(
    ("raw", "means"),
    [
        (0, 0.0),
        (0.01, 1.0),
        (0.07, 7.0),
        (0.1, 10.0),
        (0.123456789, 12.345679),
        (0.5, 50.0),
        (0.99, 99.0),
        (1, 100.0),
        (1.0, 100.0),
        (1.5, 1.5),
        (2, 2.0),
        (10, 10.0),
        (100, 100.0),
        (250, 100.0),
    ],
)
def test_a_weight_on_either_scale_is_a_percentage(raw: float, means: float) -> None:
    assert percent(raw) == means


def test_the_next_shift_is_the_first_that_is_larger() -> None:
    assert next_shift(CANARY, 0.0) == 0.0
    assert next_shift(CANARY, 10.0) == 300.0
    assert next_shift(CANARY, 100.0) is None
    assert next_shift(LINEAR, 30.0) == 180.0


def test_a_share_that_is_a_step_but_for_rounding_is_not_due_again() -> None:
    assert next_shift(CANARY, 9.9999999) == 300.0
    assert next_shift(CANARY, 99.9999999) is None
    assert next_shift(CANARY, 9.9) == 0.0


def test_the_time_limit_covers_the_shift_an_hour_a_hook_and_slack() -> None:
    assert default_timeout(CANARY, 2) == 300 + 2 * 3600 + 600


@pytest.mark.parametrize(
    ("kind", "percentage", "minutes", "rise"),
    [
        (RoutingType.ALL_AT_ONCE, 100, 0, (0.0, 100.0)),
        (RoutingType.CANARY, 10, 5, (10.0, 100.0)),
        (RoutingType.CANARY, 49, 5, (49.0, 100.0)),
        (RoutingType.CANARY, 50, 5, None),  # to its double, and no more
        (RoutingType.CANARY, 51, 5, (0.0, 51.0)),
        (RoutingType.LINEAR, 10, 1, (10.0, 60.0)),
        (RoutingType.LINEAR, 10, 4, (10.0, 30.0)),
        (RoutingType.LINEAR, 10, 5, None),
        (RoutingType.LINEAR, 10, 10, None),
        (RoutingType.LINEAR, 34, 2, (34.0, 100.0)),
    ],
)
def test_the_steepest_rise_is_one_that_more_than_doubles_the_traffic_within_five_minutes(
    kind: RoutingType, percentage: int, minutes: int, rise: tuple[float, float] | None
) -> None:
    planned = steps(Routing(kind=kind, percentage=percentage, interval_minutes=minutes))
    assert steepest(planned) == rise
