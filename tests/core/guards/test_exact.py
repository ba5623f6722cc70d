"""The exact tests, against brute force and published values."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import comb, exp, log, prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ci_deploy.core.guards.exact import EXACT, binomial_tail, convolved

shares = st.integers(1, 99).map(lambda number: number / 100)


def tail(at_least: int, trials: int, share: float) -> float:
    """By the definition, in exact fractions."""
    p = Fraction(share).limit_denominator(10**6)
    return float(sum(comb(trials, n) * p**n * (1 - p) ** (trials - n) for n in range(max(0, at_least), trials + 1)))


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), shares)
def test_the_binomial_tail_is_the_sum_of_its_terms(at_least: int, trials: int, share: float) -> None:
    assert binomial_tail(at_least, trials, share) == pytest.approx(tail(at_least, trials, share), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(
    ("at_least", "trials", "share", "expected"),
    [
        # Fisher's lady tasting tea as a binomial; a coin; tables of the cumulative binomial distribution (n = 20).
        (10, 10, 0.5, 1 / 1024),
        (5, 20, 0.1, 0.0432),
        (3, 20, 0.05, 0.0755),
        (11, 20, 0.4, 0.1275),
        (1, 100, 0.01, 0.6340),
        (0, 5, 0.3, 1.0),
        (6, 5, 0.3, 0.0),
        (3, 5, 0.0, 0.0),
        (3, 5, 1.0, 1.0),
        (0, 0, 0.5, 1.0),
    ],
)
def test_published_values_of_the_binomial_tail(at_least: int, trials: int, share: float, expected: float) -> None:
    assert binomial_tail(at_least, trials, share) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(("at_least", "sign"), [(500_500, 0.159), (499_500, 0.841), (502_000, 3.2e-5)])
def test_large_numbers_agree_with_the_normal_distribution(at_least: int, sign: float) -> None:
    assert binomial_tail(at_least, 1_000_000, 0.5) == pytest.approx(sign, rel=0.02)


def brute_force(at_least: int, strata: list[tuple[int, float]]) -> float:
    """Over every way in which the bad calls can fall."""
    coins = [share for count, share in strata for _ in range(count)]
    return sum(
        prod(share if hit else 1 - share for hit, share in zip(hits, coins, strict=True))
        for hits in product((0, 1), repeat=len(coins))
        if sum(hits) >= at_least
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1)), max_size=4),
    st.integers(-1, 13),
)
def test_the_convolved_tail_is_the_sum_over_all_outcomes(strata: list[tuple[int, float]], at_least: int) -> None:
    assert convolved(at_least, strata) == pytest.approx(brute_force(at_least, strata), rel=1e-9, abs=1e-12)


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), shares)
def test_strata_of_one_share_are_one_binomial(first: int, second: int, share: float) -> None:
    expected = tail(20, first + second, share)
    assert convolved(20, [(first, share), (second, share)]) == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_two_counts_compared_by_conditioning_on_their_sum() -> None:
    """Przyborowski and Wilenski's dodder seeds: 1 in one sample and 5 in the other of the same size (p = 0.109)."""
    assert convolved(5, [(6, 0.5)]) == pytest.approx(7 / 64)


@pytest.mark.parametrize("extra", [0, 50, 150, 400])
def test_above_the_limit_of_exactness_a_bound_stands_which_is_never_smaller(extra: int) -> None:
    half = EXACT // 2 + 1
    strata = [(half, 0.2), (half, 0.4)]
    at_least = int(half * 0.6) + extra
    bound = convolved(at_least, strata)
    true = convolved_exactly(at_least, strata)
    assert true <= bound <= 1
    if extra >= 50:
        # Close enough to decide by: within a factor of a hundred.
        assert bound < true * 100


def convolved_exactly(at_least: int, strata: list[tuple[int, float]]) -> float:
    (first, p), (second, q) = strata
    return sum(
        comb(first, n) * p**n * (1 - p) ** (first - n) * binomial_tail(at_least - n, second, q)
        for n in range(first + 1)
    )


@pytest.mark.parametrize(("at_least", "share"), [(600, 0.5), (900, 0.5), (1990, 0.5), (40, 0.01)])
def test_the_bound_of_one_share_is_the_smallest_of_its_kind(at_least: int, share: float) -> None:
    """Chernoff's, in the closed form that it has for one binomial: by its distance from the share."""
    calls = 2 * EXACT if at_least > EXACT else EXACT + 1
    seen = at_least / calls
    distance = seen * log(seen / share) + (1 - seen) * log((1 - seen) / (1 - share))
    assert convolved(at_least, [(calls, share)]) == pytest.approx(exp(-calls * distance), rel=1e-6)


def test_no_chance_is_more_than_certain() -> None:
    """However its terms are rounded."""
    assert max(convolved(1, [(calls, share / 1000)]) for calls in range(2, 9) for share in range(900, 1000)) <= 1.0


def test_the_bound_at_the_ends() -> None:
    strata = [(EXACT, 0.5), (EXACT, 0.5)]
    assert convolved(EXACT // 2, strata) == 1.0
    assert 0 <= convolved(2 * EXACT, strata) < 1e-300
    assert convolved(2 * EXACT + 1, strata) == 0.0
