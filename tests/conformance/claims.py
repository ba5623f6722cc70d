"""A claim: what is said of AWS, where it comes from, how it is observed, and which answers it accepts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .account import Account


@dataclass(frozen=True, slots=True)
class Like:
    """An answer whose wording may have more around it: a regular expression that is found in it."""

    pattern: str

    def accepts(self, seen: object) -> bool:
        return isinstance(seen, str) and re.search(self.pattern, seen) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """`accepts` holds the answers that conform. Several of them: nobody could confirm which one AWS gives."""

    name: str
    says: str
    source: str
    observe: Callable[[Account], object]
    accepts: tuple[object, ...]

    @property
    def confirmed(self) -> bool:
        return len(self.accepts) == 1

    def holds(self, seen: object) -> bool:
        return any(one.accepts(seen) if isinstance(one, Like) else one == seen for one in self.accepts)
