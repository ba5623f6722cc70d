"""The one background thread for reports that use the network. It never holds up the deployment.

The latest state wins: a delivery that waits is replaced by a newer one of the same name. The first goes out at once,
then at most one every few seconds (GitHub's secondary limits: facts.md B5), the last at once when the run is over,
within three seconds. A rate limit is waited for if it is short; otherwise that is said once.
Time here is real time, also when the product's clock runs faster.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from ..ports import Clock, GitHubError, LogSink
from .rendering.escape import line

GAP = 3.0  # seconds between deliveries of one name
LATER_GAP = 10.0  # once there were many: 500 an hour is GitHub's limit for what creates content
MANY = 20
LONGEST_WAIT = 120.0  # a longer rate limit than this is not waited for
RETRY = 5.0  # after a failure that may pass
FLUSH = 3.0

Delivery = Callable[[], None]


@dataclass(slots=True)
class _Box:
    """One name's deliveries: the one that waits, and when the next may go out (in the clock's seconds)."""

    waiting: Delivery | None = None
    not_before: float = 0.0
    done: int = 0


class Courier:
    """`send` returns at once; what deliveries have to say reaches the log from the caller's thread (`tell`)."""

    def __init__(
        self, clock: Clock, log: LogSink, *, gap: float = GAP, retry: float = RETRY, flush: float = FLUSH
    ) -> None:
        self._clock = clock
        self._log = log
        self._gap, self._retry, self._flush = gap, retry, flush
        self._boxes: dict[str, _Box] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._idle = threading.Event()
        self._said: queue.SimpleQueue[tuple[str, str, bool]] = queue.SimpleQueue()
        self._warned: set[str] = set()
        self._thread: threading.Thread | None = None

    def send(self, name: str, delivery: Delivery) -> None:
        """Deliver this as soon as it is due, unless a newer one of the same name comes first."""
        with self._changed:
            if self._closing:
                return
            self._boxes.setdefault(name, _Box()).waiting = delivery
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
            self._thread.start()
        self.tell()

    def notice(self, text: str, *, title: str) -> None:
        """Said by a delivery; reaches the log with the next `send`, `tell` or `close`."""
        self._said.put((line(text, 1_000), title, False))

    def tell(self) -> None:
        """Write what deliveries had to say to the log."""
        with contextlib.suppress(queue.Empty):
            while True:
                text, title, loud = self._said.get_nowait()
                (self._log.warning if loud else self._log.notice)(text, title=title)

    def close(self) -> None:
        """Deliver what waits, now; give up after a few seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None and not self._idle.wait(self._flush):
            self._said.put(("GitHub did not answer in time: the last state may be missing there.", "Reports", True))
        self.tell()

    def _run(self) -> None:
        try:
            while (found := self._next()) is not None:
                name, box, delivery = found
                self._deliver(name, box, delivery)
        finally:
            self._idle.set()

    def _next(self) -> tuple[str, _Box, Delivery] | None:
        """The next delivery that is due; None when the run is over and nothing waits."""
        with self._changed:
            while True:
                now = self._clock.now()
                waiting = [box for box in self._boxes.values() if box.waiting is not None]
                if not waiting and self._closing:
                    return None
                if (due := self._due(now)) is not None:
                    return due
                first = min((box.not_before for box in waiting), default=None)
                second = self._clock.real(1.0)  # of real time, in the clock's seconds
                self._changed.wait(None if first is None else max(0.01, (first - now) / second))

    def _due(self, now: float) -> tuple[str, _Box, Delivery] | None:
        """A delivery that may go out at this time; it no longer waits then."""
        for name, box in self._boxes.items():
            if box.waiting is not None and (self._closing or box.not_before <= now):
                delivery, box.waiting = box.waiting, None
                return name, box, delivery
        return None

    def _deliver(self, name: str, box: _Box, delivery: Delivery) -> None:
        pause = self._gap if box.done < MANY else max(self._gap, LATER_GAP)
        box.done += 1
        try:
            delivery()
        except GitHubError as error:
            pause = max(pause, error.retry_after or self._retry)
            self._warn(name, f"The {name} is late: GitHub said {_sentence(error)}")
            with self._changed:
                # Again later, unless a newer state is waiting, the run is over or the wait would be long.
                if box.waiting is None and not self._closing and pause <= LONGEST_WAIT:
                    box.waiting = delivery
        except Exception as error:  # noqa: BLE001 - a broken report must not break the others
            self._warn(name, f"The {name} could not be written: {type(error).__name__}: {error}")
        with self._changed:
            box.not_before = self._clock.now() + self._clock.real(pause)

    def _warn(self, name: str, text: str) -> None:
        if name not in self._warned:
            self._warned.add(name)
            self._said.put((line(text, 1_000), "Reports", True))


def _sentence(error: GitHubError) -> str:
    return str(error).rstrip(".") + "."
