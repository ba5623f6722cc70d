"""The record of every API call: what `GET /_emulator/calls` shows."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class Call:
    """One call. `at` is emulated time in epoch seconds; `status` stays None when no answer was sent; `agent` is what
    the client calls itself."""

    service: str
    operation: str
    at: float
    method: str
    path: str
    agent: str = ""
    status: int | None = None
    fault: str | None = None

    def json(self) -> dict[str, Any]:
        """The call as the endpoint shows it."""
        shown: dict[str, Any] = {
            "service": self.service,
            "operation": self.operation,
            "at": round(self.at, 3),
            "status": self.status,
            "method": self.method,
            "path": self.path,
            "agent": self.agent,
        }
        if self.fault:
            shown["fault"] = self.fault
        return shown


@dataclass(slots=True)
class Calls:
    """All calls, oldest first."""

    _calls: list[Call] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, call: Call) -> Call:
        """Record a call that has just come in."""
        with self._lock:
            self._calls.append(call)
        return call

    def json(self) -> list[dict[str, Any]]:
        """Every call so far."""
        with self._lock:
            return [call.json() for call in self._calls]

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._calls = []
