"""Exact tests on counts: binomial tails, and sums of binomials with different shares. Plain `math`, no tables.

`convolved` answers: given how many bad calls each minute had, both versions together, how probable is it that the new
version has so many of them? Each minute keeps its own share, so an outage that hits both versions while traffic shifts
changes nothing. Above EXACT bad calls Chernoff's bound stands for the sum: never smaller than the true probability.

Sources: Clopper and Pearson 1934 (binomial tail), Przyborowski and Wilenski 1940 (two Poisson counts compared by
conditioning on their sum), Chernoff 1952.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import exp, lgamma, log, log1p

EXACT = 1000
FAR = 512.0  # where the bound is looked for: exp(-FAR) is nothing beside any share

Stratum = tuple[int, float]  # how many bad calls in this minute, and the new version's expected share of them


def binomial_tail(at_least: int, trials: int, share: float) -> float:
    """The probability of `at_least` or more successes in `trials`, each with probability `share` (0 to 1)."""
    if at_least <= 0:
        return 1.0
    if at_least > trials or share <= 0:
        return 0.0
    if share >= 1:
        return 1.0
    if at_least > trials * share:
        return min(1.0, _sum(at_least, trials, share, 1))
    return max(0.0, 1.0 - _sum(at_least - 1, trials, share, -1))


def _sum(start: int, trials: int, share: float, step: int) -> float:
    """The probabilities from `start` on, away from the mean, until they add nothing more."""
    total = 0.0
    odds = share / (1 - share)
    term = exp(_log_choose(trials, start) + start * log(share) + (trials - start) * log1p(-share))
    count = start
    while 0 <= count <= trials:
        total += term
        if term < total * 1e-17:
            break
        term *= odds * (trials - count) / (count + 1) if step > 0 else count / ((trials - count + 1) * odds)
        count += step
    return total


def _log_choose(of: int, chosen: int) -> float:
    return lgamma(of + 1) - lgamma(chosen + 1) - lgamma(of - chosen + 1)


def convolved(at_least: int, strata: Sequence[Stratum]) -> float:
    """The probability that the sum of Binomial(count, share) over the strata is `at_least` or more."""
    # What is certain shifts the sum: a share of 1 (all traffic on the new version) has no information.
    at_least -= sum(count for count, share in strata if share >= 1)
    open_strata = [(count, share) for count, share in strata if count > 0 and 0 < share < 1]
    total = sum(count for count, _ in open_strata)
    if at_least <= 0:
        return 1.0
    if at_least > total:
        return 0.0
    if total > EXACT:
        return _bound(at_least, open_strata, total)
    fewer, reached = [1.0], 0.0
    for count, share in open_strata:
        chances = _times(fewer, list(_chances(count, share)))
        # Counts from `at_least` on need one sum, not a chance each: of a thousand bad calls few are below it.
        fewer, reached = chances[:at_least], reached + sum(reversed(chances[at_least:]))
    return min(1.0, reached)


def _chances(trials: int, share: float) -> Iterator[float]:
    scale = trials * log1p(-share)
    odds = log(share) - log1p(-share)
    for count in range(trials + 1):
        yield exp(_log_choose(trials, count) + count * odds + scale)


def _times(left: Sequence[float], right: Sequence[float]) -> list[float]:
    product = [0.0] * (len(left) + len(right) - 1)
    for at, first in enumerate(left):
        for more, second in enumerate(right):
            product[at + more] += first * second
    return product


def _bound(at_least: int, strata: Sequence[Stratum], total: int) -> float:
    """Chernoff: the smallest exp(-t·at_least)·E[exp(t·sum)] over t >= 0, found by bisection on its derivative."""
    if at_least <= sum(count * share for count, share in strata):
        return 1.0
    low, high = 0.0, FAR

    def slope(t: float) -> float:
        return sum(count * share / (share + (1 - share) * exp(-t)) for count, share in strata) - at_least

    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    exponent = sum(count * log(1 - share + share * exp(low)) for count, share in strata) - low * at_least
    return exp(min(0.0, exponent))
