"""How fast we ask, and that runs which share an account's limit find their parts of it."""

from __future__ import annotations

import pytest

from ci_deploy.edge.aws.rate import LEAST, RECOVERY, SILENCE, Bucket, Tokens
from tests.edge.fakes import FakeClock


def test_what_was_saved_goes_at_once_and_the_rest_at_the_rate() -> None:
    tokens = Tokens(rate=2, burst=3, now=0.0)
    assert [tokens.reserve(0.0) for _ in range(5)] == [0.0, 0.0, 0.0, 0.5, 1.0]
    assert tokens.reserve(100.0) == 0.0


def test_a_refusal_is_followed_by_silence_and_half_the_rate() -> None:
    tokens = Tokens(rate=10, burst=10, now=0.0)
    tokens.throttled(0.0)
    assert tokens.rate == 5.0
    assert tokens.reserve(0.0) == pytest.approx(SILENCE + 1 / 5)


def test_what_was_sent_at_the_same_rate_slows_it_down_once() -> None:
    tokens = Tokens(rate=10, burst=10, now=0.0)
    for at in (0.0, 0.1, 0.9):
        tokens.throttled(at)
    assert tokens.rate == 5.0
    tokens.throttled(1.0)
    assert tokens.rate == 2.5


def test_the_rate_never_gets_to_nothing_and_comes_back_little_by_little() -> None:
    tokens = Tokens(rate=10, burst=10, now=0.0)
    for second in range(20):
        tokens.throttled(float(second))
    assert tokens.rate == pytest.approx(10 * LEAST)
    tokens.reserve(19.0 + RECOVERY / 2)
    assert tokens.rate == pytest.approx(5.0 + 10 * LEAST, abs=0.4)
    tokens.reserve(19.0 + 2 * RECOVERY)
    assert tokens.rate == 10.0


def test_runs_that_share_a_limit_come_to_fit_into_it() -> None:
    """Twenty at ten a second, where the account has fifteen."""
    runs = [Tokens(rate=10, burst=10, now=0.0) for _ in range(20)]
    due = [0.0] * len(runs)
    left, at, sent, refused = 15.0, 0.0, [0] * 600, [0] * 600
    for tick in range(6000):
        now = tick / 10
        left, at = min(15.0, left + (now - at) * 15), now
        for number, tokens in enumerate(runs):
            if due[number] > now:
                continue
            sent[int(now)] += 1
            if left >= 1:
                left -= 1
            else:
                refused[int(now)] += 1
                tokens.throttled(now)
            due[number] = now + tokens.reserve(now)
    assert sum(sent[60:]) - sum(refused[60:]) > 0.9 * 15 * 540
    assert sum(refused[60:]) < sum(sent[60:]) / 8


def test_a_bucket_waits_on_the_clock(clock: FakeClock) -> None:
    bucket = Bucket(clock, rate=1, burst=1)
    bucket.take()
    bucket.throttled()
    bucket.take()
    assert clock.slept == [pytest.approx((SILENCE * 0.5 + 1) / 0.5)]
