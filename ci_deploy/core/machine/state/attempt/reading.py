"""The latest reading of the alias: what a verdict may say of it ages."""

from __future__ import annotations

from dataclasses import dataclass

from ....aws import Alias
from ....change import replace

FRESH = 60.0  # seconds after which a reading of the alias is not what it serves now


@dataclass(frozen=True, kw_only=True)
class Reading:
    alias: Alias | None = None  # not read, or there is none
    at: float = 0.0

    def read(self, alias: Alias | None, now: float) -> Reading:
        return replace(self, alias=alias, at=now)

    def forget(self) -> Reading:
        """What is known is of before: it must be read again before anything is said of it."""
        return replace(self, alias=None)

    def fresh(self, now: float) -> Alias | None:
        return self.alias if now - self.at < FRESH else None
