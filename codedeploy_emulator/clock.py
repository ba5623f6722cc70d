"""The emulator's time, in epoch seconds. Nothing else in the package asks the machine for the time of the model.

Speed N > 0: N emulated seconds pass in one real second. Speed 0: time stands still until it is moved. Speed "jump":
real time, which jumps to the next due moment whenever every client that says so waits (waiting.py).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

JUMP = "jump"


class Clock:
    """Emulated time; starts at the machine's present time, or at `start` (epoch seconds)."""

    def __init__(self, speed: float | str = 1.0, start: float | None = None) -> None:
        self._first = speed
        self._start = start
        self.reset()

    @property
    def fixed(self) -> bool:
        """True when it starts at the same moment each time."""
        return self._start is not None

    @property
    def manual(self) -> bool:
        """True when time moves only on request."""
        return self.speed == 0

    def reset(self) -> None:
        """Start again from the beginning, at the first speed."""
        self._set(self._first)
        # Whole milliseconds: what is printed and what is compared are then the same number.
        self._at = round(time.time() if self._start is None else self._start, 3)
        self._since = time.monotonic()

    def run_at(self, speed: float | str) -> None:
        """Go on at another speed; a clock that stands still does not begin to go, nor the other way round."""
        if self.manual or speed == 0:
            raise ValueError("a clock that stands still is another one from the start")
        self._at, self._since = self.now(), time.monotonic()
        self._set(speed)

    def _set(self, speed: float | str) -> None:
        if speed != JUMP and not float(speed) >= 0:
            raise ValueError("the speed of the clock cannot be negative")
        self.jumps = speed == JUMP
        self.speed = 1.0 if self.jumps else float(speed)

    def now(self) -> float:
        """The emulated time in epoch seconds."""
        if self.manual:
            return self._at
        return self._at + (time.monotonic() - self._since) * self.speed

    def move_to(self, at: float) -> None:
        """Set the time to `at`, never backwards."""
        if self.manual:
            self._at = max(self._at, at)
        else:
            self._at += max(0.0, at - self.now())

    def real_seconds_until(self, at: float) -> float:
        """How long the machine has to wait for the emulated time `at`; for a clock that goes by itself."""
        return max(0.0, (at - self.now()) / self.speed)

    def datetime(self) -> datetime:
        """The emulated time, as an aware datetime in UTC."""
        return datetime.fromtimestamp(self.now(), UTC)
