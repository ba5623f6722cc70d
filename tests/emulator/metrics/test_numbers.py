"""Draws, durations and statistics, by themselves."""

from __future__ import annotations

from math import sqrt
from random import Random
from statistics import fmean, pvariance

import pytest

from codedeploy_emulator.metrics.draws import binomial, poisson
from codedeploy_emulator.metrics.durations import MANY, Durations
from codedeploy_emulator.metrics.statistics import merged, statistic


@pytest.mark.parametrize(("trials", "share"), [(5, 0.3), (60, 0.01), (60, 0.99), (1000, 0.2), (100_000, 0.7)])
def test_a_binomial_has_its_mean_and_variance(trials: int, share: float) -> None:
    random = Random(1)
    drawn = [binomial(random, trials, share) for _ in range(4000)]
    assert all(0 <= number <= trials for number in drawn)
    deviation = sqrt(trials * share * (1 - share))
    assert fmean(drawn) == pytest.approx(trials * share, abs=4 * deviation / sqrt(4000))
    assert pvariance(drawn) == pytest.approx(deviation**2, rel=0.12)


def test_a_small_binomial_has_its_probabilities() -> None:
    random = Random(2)
    drawn = [binomial(random, 3, 0.5) for _ in range(8000)]
    assert [drawn.count(number) / 8000 for number in range(4)] == pytest.approx([1 / 8, 3 / 8, 3 / 8, 1 / 8], abs=0.02)


@pytest.mark.parametrize(
    ("trials", "share", "all_of_it"), [(0, 0.5, 0), (9, 0.0, 0), (9, -1.0, 0), (9, 1.0, 9), (9, 2.0, 9)]
)
def test_a_binomial_at_the_ends(trials: int, share: float, all_of_it: int) -> None:
    assert binomial(Random(3), trials, share) == all_of_it


@pytest.mark.parametrize("mean", [0.0, 0.2, 6.0, 60.0, 6000.0])
def test_a_poisson_has_its_mean_and_variance(mean: float) -> None:
    random = Random(4)
    drawn = [poisson(random, mean) for _ in range(4000)]
    assert fmean(drawn) == pytest.approx(mean, abs=4 * sqrt(mean / 4000))
    assert pvariance(drawn) == pytest.approx(mean, rel=0.15)


@pytest.mark.parametrize("calls", [1, MANY - 1, MANY, 100_000])
def test_durations_are_as_many_as_calls(calls: int) -> None:
    samples = Durations(p50=100, p99=400).draw(Random(5), calls, slow=7, extra=5000)
    assert sum(number for _, number in samples) == calls
    assert [value for value, _ in samples] == sorted(value for value, _ in samples)
    assert sum(number for value, number in samples if value > 5000) == min(7, calls)


def test_durations_have_their_percentiles() -> None:
    samples = Durations(p50=100, p99=400).draw(Random(6), 200_000)
    for name, expected in (("p50", 100), ("p99", 400)):
        calculate = statistic(name)
        assert calculate is not None
        assert calculate(samples) == pytest.approx(expected, rel=0.07)


def test_durations_without_spread() -> None:
    assert Durations(p50=50, p99=50).draw(Random(7), 500) == ((50.0, 500),)


SAMPLES = ((10.0, 5), (20.0, 3), (40.0, 2))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Sum", 190.0),
        ("Average", 19.0),
        ("Minimum", 10.0),
        ("Maximum", 40.0),
        ("SampleCount", 10.0),
        ("p0", 10.0),
        ("p50", 10.0),
        ("p50.1", 20.0),
        ("p80", 20.0),
        ("p99", 40.0),
        ("p100", 40.0),
        # The lower bound is outside, the upper one inside.
        ("PR(:10)", 50.0),
        ("PR(:9.99)", 0.0),
        ("PR(10:)", 50.0),
        ("PR(10:20)", 30.0),
        ("PR(20:40)", 20.0),
        ("PR(0:40)", 100.0),
        ("PR(40:)", 0.0),
    ],
)
def test_a_statistic(name: str, value: float) -> None:
    calculate = statistic(name)
    assert calculate is not None
    assert calculate(SAMPLES) == pytest.approx(value)


@pytest.mark.parametrize("name", ["sum", "p", "p101", "PR(:)", "PR(20:10)", "PR(10)", "TM(:90)", "", "IQM"])
def test_what_is_no_statistic(name: str) -> None:
    assert statistic(name) is None


def test_samples_are_merged_by_value() -> None:
    assert merged([SAMPLES, ((5.0, 1), (20.0, 4))]) == ((5.0, 1), (10.0, 5), (20.0, 7), (40.0, 2))
    assert merged([SAMPLES]) is SAMPLES
