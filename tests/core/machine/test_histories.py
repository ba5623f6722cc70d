"""The pure state machine at random: thousands of histories in a small world, each held to the promise."""

from __future__ import annotations

import pytest

from tests.support.machine.histories import explore_many, hold, make


@pytest.mark.parametrize("first", range(0, 300, 100))
def test_the_promise_holds_in_every_history(first: int) -> None:
    """Neighbours, two workflows, kills, signals, faults: and what was red is repaired by running again."""
    for seed in range(first, first + 100):
        hold(make(seed))


@pytest.mark.full
def test_the_promise_holds_in_twenty_thousand_histories() -> None:
    ends = explore_many(100_000, 120_000)
    assert len(ends) > 300
