"""Who waits: clients that say when they wait, and until when, so that time can jump to what comes next.

A client is known from its first word until its connection closes: a killed process is gone with it. It works, and
holds time to the real pace, until it says that it waits. Clients that say nothing are not waited for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class _Client:
    connection: object
    until: float | None = None  # None: it works


@dataclass(slots=True)
class Waiting:
    """The clients by name. Not for several threads at once: the emulator's lock guards it."""

    _clients: dict[str, _Client] = field(default_factory=dict)

    def begin(self, name: str, connection: object, until: float) -> None:
        """A client, known or new, waits until then."""
        self._clients[name] = _Client(connection=connection, until=until)

    def work(self, name: str) -> None:
        """A client works again; one that is not known has left meanwhile."""
        if name in self._clients:
            self._clients[name].until = None

    def waits(self, name: str) -> bool:
        """Whether a client is known and waits."""
        return name in self._clients and self._clients[name].until is not None

    def json(self) -> list[dict[str, Any]]:
        """All clients, and until when they wait (null: they work)."""
        return [{"client": name, "until": client.until} for name, client in self._clients.items()]

    def leave(self, connection: object) -> bool:
        """A connection is closed; whether a client has left with it."""
        gone = [name for name, client in self._clients.items() if client.connection is connection]
        for name in gone:
            del self._clients[name]
        return bool(gone)

    def first(self) -> float | None:
        """The first moment that a client waits for; None while one works, or none is known."""
        moments = [client.until for client in self._clients.values()]
        return None if not moments or None in moments else min(until for until in moments if until is not None)

    def wake(self, now: float) -> None:
        """Those whose moment has come work again."""
        for client in self._clients.values():
            if client.until is not None and client.until <= now:
                client.until = None
