"""A token bucket: how fast we may ask AWS, however many threads ask.

Lambda's control plane allows 15 requests a second for the whole account and region, and CodeDeploy's own UpdateAlias
calls compete for them (facts.md A11), so we stay well below. It delays, it never refuses; what is urgent does not
come here.
"""

from __future__ import annotations

import threading

from ...ports import Clock


class Bucket:
    """`rate` tokens a second, `burst` saved up at most. Thread-safe; first come, first served."""

    def __init__(self, clock: Clock, *, rate: float, burst: float) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = clock.now()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Return when one more request may be sent."""
        with self._lock:
            now = self._clock.now()
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - 1
            self._at = now
            # Taking into debt reserves this caller's turn, so the sleep needs no lock and nobody overtakes.
            wait = -self._tokens / self._rate
        if wait > 0:
            self._clock.sleep(wait)
