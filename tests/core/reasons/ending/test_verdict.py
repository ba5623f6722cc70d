"""What is said of a deployment that did not end in time."""

from __future__ import annotations

import pytest

from ci_deploy.core.reasons.ending.verdict import TimeLimitPassed


def passed(minutes: float, shift: float) -> TimeLimitPassed:
    return TimeLimitPassed(deployment="d-A1B2C3D4E", stopped=True, minutes=minutes, shift=shift)


def test_only_a_limit_below_the_traffic_shift_is_called_too_short_for_it() -> None:
    assert passed(5.0, 300.0).text == passed(5.0, 0.0).text
    assert passed(5.0, 300.1).text != passed(5.0, 0.0).text


@pytest.mark.parametrize(
    ("minutes", "shift", "enough"), [(2.0, 0.0, 10), (30.0, 0.0, 45), (30.1, 0.0, 50), (10.0, 119_400.0, 2000)]
)
def test_what_is_enough_is_half_as_much_again_or_ten_minutes_more_than_the_shift(
    minutes: float, shift: float, enough: int
) -> None:
    assert f"`timeout: {enough}m`" in passed(minutes, shift).remedy
