"""The clock of a rehearsal whose emulator jumps to the next due moment while every client waits.

The run tells the emulator when it waits for time alone, and until when; it holds time to the real pace while it works,
while an answer of AWS or a command around which it watches is awaited, and while it waits for a rate limit. An emulator
that does not answer, or does not jump, leaves it with real time.
"""

from __future__ import annotations

import http.client
import json
import os
import select
from queue import SimpleQueue
from urllib.parse import urlsplit

from .clock import RealClock, T

PATH = "/_emulator/wait"
HEARD = 0.02  # real seconds after which a signal is heard
PATIENCE = 5.0  # real seconds for an answer that waits for nothing


class JumpingClock(RealClock):
    """Real time, and what the emulator has jumped while this run waited."""

    def __init__(self, endpoint: str) -> None:
        super().__init__()
        url = urlsplit(endpoint)
        self._address = (url.hostname or "", url.port or 80)
        self._name = os.urandom(16).hex()
        self._jumped = 0.0
        # The emulator knows a client by its connection: it must last as long as the run.
        self._line: http.client.HTTPConnection | None = self._connection()
        joined = self._told(0.0)
        if joined is not None:
            self._epoch = joined - self.now()

    def now(self) -> float:
        return super().now() + self._jumped

    def behind(self) -> float:
        return 0.0

    def take(self, items: SimpleQueue[T], seconds: float | None, *, quiet: bool) -> T:
        if not quiet or not seconds:
            return super().take(items, seconds, quiet=quiet)
        until = self.now() + seconds
        while items.empty() and self._line is not None and (left := until - self.now()) > 0:
            reached = self._told(left, items)
            if reached is not None:
                self._jumped += max(0.0, reached - self.epoch())
        return super().take(items, max(0.0, until - self.now()), quiet=quiet)

    def _told(self, seconds: float, items: SimpleQueue[T] | None = None) -> float | None:
        """Wait at the emulator, until there are items if there may be; its time, or None where it has none to give."""
        line = self._line
        if line is None:
            return None
        try:
            self._ask(line, seconds)
            while items is not None and not select.select([line.sock], [], [], HEARD)[0]:
                if not items.empty():
                    self._wake()
                    break
            return _time_in(line.getresponse())
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
            line.close()
            self._line = None
            return None

    def _wake(self) -> None:
        other = self._connection()
        try:
            self._ask(other)
            _time_in(other.getresponse())
        finally:
            other.close()

    def _ask(self, line: http.client.HTTPConnection, seconds: float | None = None) -> None:
        body = {"client": self._name} if seconds is None else {"client": self._name, "seconds": seconds}
        line.request("POST", PATH, json.dumps(body), {"Content-Type": "application/json"})

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(*self._address, timeout=PATIENCE)


def _time_in(answer: http.client.HTTPResponse) -> float:
    return float(json.load(answer)["now"])
