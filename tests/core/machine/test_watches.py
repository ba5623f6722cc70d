"""Runs of `watch` at random: what other tools deploy appears, fails, is stopped, is rolled back, or never appears."""

from __future__ import annotations

import pytest

from tests.support.machine.watches import hold, make


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_watch_creates_nothing_stops_only_what_it_may_and_says_what_is_served(first: int) -> None:
    for seed in range(first, first + 100):
        hold(make(seed))


@pytest.mark.full
@pytest.mark.parametrize("first", range(1000, 11_000, 500))
def test_watch_holds_it_ten_thousand_times(first: int) -> None:
    ends = {hold(make(seed)).end for seed in range(first, first + 500)}
    assert len(ends) > 10
