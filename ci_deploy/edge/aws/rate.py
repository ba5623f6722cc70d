"""A token bucket: how fast we may ask AWS, however many threads ask.

Lambda's control plane allows 15 requests a second for the whole account and region, and CodeDeploy's own UpdateAlias
calls compete for them (facts.md A11), so we stay well below. Where other runs ask, too, that is still too fast: AWS
throttles, and each of them slows down until all of them fit. It delays, it never refuses; what is urgent does not come
here.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...ports import Clock

ECHO = 1.0  # seconds in which what AWS throttles was sent at the same rate: it is slowed down once for all of it
LEAST = 0.02  # of the full rate
RECOVERY = 600.0  # seconds from nothing to the full rate: the more often AWS throttles us, the more often CodeDeploy
SILENCE = 2.0  # seconds for which we ask nothing then: CodeDeploy tries its own alias updates again, and not for long


class Tokens:
    """`rate` tokens a second, `burst` saved up at most. The time is given to it, in seconds; it never waits itself."""

    def __init__(self, *, rate: float, burst: float, now: float) -> None:
        self._full = self.rate = rate
        self._burst = self._tokens = burst
        self._at = self._slowed_at = now

    def reserve(self, now: float) -> float:
        """Take a token, and return the seconds until it is there. Debts are turns: nobody overtakes."""
        passed = now - self._at
        self._at = now
        self._tokens = min(self._burst, self._tokens + passed * self.rate) - 1
        self.rate = min(self._full, self.rate + passed * self._full / RECOVERY)
        return max(0.0, -self._tokens / self.rate)

    def throttled(self, now: float) -> None:
        """AWS says that this was too fast: silence, then half the rate, which comes back little by little."""
        if self.rate == self._full or now - self._slowed_at >= ECHO:
            self._slowed_at = now
            self.rate = max(LEAST * self._full, self.rate / 2)
        self._tokens = min(self._tokens, -SILENCE * self.rate)


class Bucket:
    """Tokens on our clock. Thread-safe; first come, first served."""

    def __init__(self, clock: Clock, *, rate: float, burst: float) -> None:
        self._clock = clock
        self._tokens = Tokens(rate=rate, burst=burst, now=clock.now())
        self._lock = threading.Lock()

    def take(self) -> None:
        """Return when one more request may be sent."""
        with self._lock:
            wait = self._tokens.reserve(self._clock.now())
        # It is reserved: the sleep needs no lock.
        if wait > 0:
            self._clock.sleep(wait)

    def throttled(self) -> None:
        """AWS has refused one of the requests."""
        with self._lock:
            self._tokens.throttled(self._clock.now())
