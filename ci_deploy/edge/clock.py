"""The real clock, N times faster where a rehearsal asks for it (rehearsal.py).

The only file that reads the time or sleeps. Everything else takes the Clock port.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")
HEARD = 1.0  # real seconds after which a signal is heard that came just before a wait began


class RealClock:
    """Implements ports.Clock: monotonic, starting near 0, `speed` of its seconds in a real one from the first wait on.

    What a rehearsal makes faster is waiting. To start and to read takes as long as ever, and would otherwise be told as
    a quarter of a minute.
    """

    def __init__(
        self,
        speed: float = 1.0,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.speed = speed
        self._monotonic = monotonic
        self._sleep = sleep
        self._started = monotonic()
        self._faster = math.inf  # from this real second on
        self._epoch = wall()

    def now(self) -> float:
        real = self._real()
        return real + max(0.0, real - self._faster) * (self.speed - 1)

    def epoch(self) -> float:
        """Wall time at the start plus what has passed on this clock: a jump of the machine's clock is not seen."""
        return self._epoch + self.now()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._sleep(seconds / self.speed)
            self._waited(seconds)

    def take(self, items: SimpleQueue[T], seconds: float | None, *, quiet: bool) -> T:
        left = math.inf if seconds is None else seconds / self.speed
        while True:
            try:
                return items.get(timeout=min(left, HEARD))
            except Empty:
                left -= HEARD
                if left <= 0:
                    self._waited(seconds or 0.0)
                    raise

    def _waited(self, seconds: float) -> None:
        if seconds > 0:
            self._faster = min(self._faster, self._real() - seconds / self.speed)

    def behind(self) -> float:
        """How much less than the rehearsed AWS's time has passed on this clock: a start counts in full there."""
        return self._real() * self.speed - self.now()

    def real(self, seconds: float) -> float:
        """So many real seconds in this clock's seconds."""
        return seconds * self.speed

    def _real(self) -> float:
        return self._monotonic() - self._started
