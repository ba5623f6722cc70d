"""CloudWatch's statistics of one period: `Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount`, `pNN`, `PR(a:b)`.

A percentile is by nearest rank. A percentile rank is the percentage of the values above its lower bound and up to its
upper one, that included.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from math import ceil, inf

from .durations import Samples

Statistic = Callable[[Samples], float]

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_PERCENTILE = re.compile(rf"p({_NUMBER})")
_RANK = re.compile(rf"PR\(({_NUMBER})?:({_NUMBER})?\)")


def _calls(samples: Samples) -> int:
    return sum(number for _, number in samples)


def _sum(samples: Samples) -> float:
    return sum(value * number for value, number in samples)


_PLAIN: dict[str, Statistic] = {
    "Sum": _sum,
    "Average": lambda samples: _sum(samples) / _calls(samples),
    "Minimum": lambda samples: samples[0][0],
    "Maximum": lambda samples: samples[-1][0],
    "SampleCount": lambda samples: float(_calls(samples)),
}


def statistic(name: str) -> Statistic | None:
    """The function of a statistic's name, to be used on samples that are not empty; None: there is no such one."""
    if name in _PLAIN:
        return _PLAIN[name]
    percentile = _PERCENTILE.fullmatch(name)
    if percentile and float(percentile[1]) <= 100:
        share = float(percentile[1]) / 100
        return lambda samples: _percentile(samples, share)
    rank = _RANK.fullmatch(name)
    if rank and (rank[1] or rank[2]):
        low = -inf if rank[1] is None else float(rank[1])
        high = inf if rank[2] is None else float(rank[2])
        if low < high:
            return lambda samples: 100 * _calls(_between(samples, low, high)) / _calls(samples)
    return None


def _percentile(samples: Samples, share: float) -> float:
    wanted = max(1, ceil(round(share * _calls(samples), 9)))
    return next(value for value, below in _cumulated(samples) if below >= wanted)


def _cumulated(samples: Samples) -> Iterator[tuple[float, int]]:
    below = 0
    for value, number in samples:
        below += number
        yield value, below


def _between(samples: Samples, low: float, high: float) -> Samples:
    return tuple((value, number) for value, number in samples if low < value <= high)


def merged(parts: list[Samples]) -> Samples:
    """Several samples as one."""
    if len(parts) == 1:
        return parts[0]
    counts: dict[float, int] = {}
    for part in parts:
        for value, number in part:
            counts[value] = counts.get(value, 0) + number
    return tuple(sorted(counts.items()))
