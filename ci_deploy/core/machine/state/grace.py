"""A signal, and the time that is left after it; the post step has such a time from its beginning."""

from __future__ import annotations

from dataclasses import dataclass

from ...change import replace


@dataclass(frozen=True, kw_only=True)
class Grace:
    """`second` is the length of one real second on the product's clock: the runner's patience is real."""

    at: float | None = None  # of the first signal
    until: float | None = None
    second: float = 1.0

    @classmethod
    def given(cls, second: float, until: float | None) -> Grace:
        return cls(second=second, until=until)

    def signalled(self, now: float, *, second: float, until: float) -> Grace:
        return replace(self, at=now, second=second, until=until)
