"""Progress is worth a line every few seconds, and none where all is done before the first."""

from __future__ import annotations

from collections.abc import Callable

from ...ports import Clock, Progress

EVERY = 5.0  # seconds


def paced(clock: Clock, tell: Progress, what: str) -> Callable[[int, int], None]:
    """Tells `tell` what is done of how much, but not with every block."""
    last = clock.now()

    def telling(done: int, total: int) -> None:
        nonlocal last
        if clock.now() - last >= EVERY:
            last = clock.now()
            tell(what, done, total)

    return telling
