"""Random numbers of the distributions that traffic has, exact and fast for any size.

The standard library has no binomial before Python 3.12. Large ones are cut at the middle order statistic, which is Beta
distributed (Devroye 1986, chapter X.4.3), until the rest is small enough to be counted out.
"""

from __future__ import annotations

from math import exp, log, log1p
from random import Random

SMALL = 20.0


def binomial(random: Random, trials: int, share: float) -> int:
    """How many of `trials` succeed, each with probability `share` (0 to 1)."""
    successes = 0
    while trials > 0 and 0 < share < 1:
        if trials * min(share, 1 - share) < SMALL:
            if share > 0.5:
                return successes + trials - _counted(random, trials, 1 - share)
            return successes + _counted(random, trials, share)
        middle = (trials + 1) // 2
        point = random.betavariate(middle, trials + 1 - middle)
        if point <= share:
            successes += middle
            trials, share = trials - middle, (share - point) / (1 - point)
        else:
            trials, share = middle - 1, share / point
    return successes + (trials if share >= 1 else 0)


def _counted(random: Random, trials: int, share: float) -> int:
    """By the gaps between successes, which are geometric."""
    found, at, scale = 0, 0, log1p(-share)
    while True:
        at += int(log(1.0 - random.random()) / scale) + 1
        if at > trials:
            return found
        found += 1


def poisson(random: Random, mean: float) -> int:
    """How many events come when `mean` are expected."""
    found = 0
    while mean > SMALL:
        middle = int(mean * 7 / 8)
        point = random.gammavariate(middle, 1.0)
        if point > mean:
            return found + binomial(random, middle - 1, mean / point)
        found, mean = found + middle, mean - point
    least, product = exp(-mean), random.random()
    while product > least:
        found, product = found + 1, product * random.random()
    return found
