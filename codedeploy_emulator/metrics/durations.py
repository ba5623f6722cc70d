"""How long calls take: log-normal durations given by their median and their 99th percentile, drawn in bulk.

Many calls fall into narrow classes (a tenth of a standard deviation each), so a minute of any traffic costs the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, exp, log, sqrt
from random import Random

from .draws import binomial

Samples = tuple[tuple[float, int], ...]  # (value, how many calls had it), ascending

MANY = 100  # calls from which on classes are drawn, not calls
_Z99 = 2.3263478740408408
_EDGES = tuple(number / 10 for number in range(-39, 45))


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """Milliseconds: half of the calls take less than `p50`, 99 of 100 less than `p99`."""

    p50: float = 100.0
    p99: float = 400.0

    @property
    def sigma(self) -> float:
        """The standard deviation of the logarithm."""
        return log(self.p99 / self.p50) / _Z99

    def at(self, deviations: float) -> float:
        """The duration so many standard deviations above the median."""
        return self.p50 * exp(self.sigma * deviations)

    def draw(self, random: Random, calls: int, *, slow: int = 0, extra: float = 0.0) -> Samples:
        """The durations of `calls`; `slow` of them take `extra` milliseconds longer."""
        counts: dict[float, int] = {}
        for number in range(slow):
            _count(counts, self.at(random.gauss(0, 1)) + extra, 1)
            if number + 1 >= calls:
                break
        rest = calls - min(slow, calls)
        if rest < MANY:
            for _ in range(rest):
                _count(counts, self.at(random.gauss(0, 1)), 1)
        else:
            left, below = rest, 0.0
            for edge in _EDGES:
                share = 0.5 * (1 + erf(edge / sqrt(2)))
                number = binomial(random, left, min(1.0, (share - below) / (1 - below)))
                _count(counts, self.at(edge - 0.05), number)
                left, below = left - number, share
            _count(counts, self.at(_EDGES[-1]), left)
        return tuple(sorted(counts.items()))


def _count(counts: dict[float, int], value: float, calls: int) -> None:
    if calls:
        # Lambda reports hundredths of a millisecond.
        value = max(0.01, round(value, 2))
        counts[value] = counts.get(value, 0) + calls
