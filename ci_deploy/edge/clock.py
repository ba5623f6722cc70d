"""The real clock, N times faster where a rehearsal asks for it.

The only file that reads the time or sleeps. Everything else takes the Clock port. `CI_DEPLOY_CLOCK_SPEED` is the one
variable by which the product knows that it rehearses; it is refused wherever AWS itself could be on the other end, for
a clock that runs away from AWS's would time out real deployments.
"""

from __future__ import annotations

import ipaddress
import math
import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from ..core.errors import InvalidInput
from ..core.given import mistakes

SPEED_VARIABLE = "CI_DEPLOY_CLOCK_SPEED"


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
            self.waited(seconds)

    def waited(self, seconds: float) -> None:
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


def speed_from(environ: Mapping[str, str]) -> float:
    """The speed that the environment asks for, 1 if it asks for none; raises InvalidInput where it is not allowed."""
    text = environ.get(SPEED_VARIABLE, "").strip()
    if not text:
        return 1.0
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not (math.isfinite(speed) and speed > 0):
        raise InvalidInput((mistakes.no_speed(SPEED_VARIABLE, text),))
    if not _is_local(environ.get("AWS_ENDPOINT_URL", "").strip()):
        raise InvalidInput((mistakes.rehearsals_only(SPEED_VARIABLE),))
    return speed


def _is_local(endpoint: str) -> bool:
    """Whether an endpoint cannot be AWS: loopback, or a name without a dot such as a service container's."""
    try:
        host = urlsplit(endpoint).hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # Letters first: `0x7f` or a bare number would be read as an address by some resolvers.
        return re.fullmatch(r"[A-Za-z]([A-Za-z0-9_-]{0,62})", host) is not None


def clock_for(environ: Mapping[str, str]) -> RealClock:
    """The clock; InvalidInput if the environment asks for a speed that is not allowed."""
    return RealClock(speed_from(environ))
