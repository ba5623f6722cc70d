"""Signals, from the process's first moment: kept until somebody can act on them.

A runner that cancels a job may send its signal while Python still imports: without this it would print a traceback, or
as process 1 be ignored (facts.md B3). Imports nothing but `signal`, because everything else comes after it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_held: list[int] = []


def hold() -> None:
    """Keep every signal that asks us to end, until `deliver`."""
    _on_each(_held.append)


def deliver(handle: Callable[[int], None]) -> None:
    """Give `handle` each signal's number from here on, in the signal handler, those that were held first."""
    _on_each(handle)
    while _held:
        handle(_held.pop(0))


def _on_each(handle: Callable[[int], None]) -> None:
    for name in NAMES:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None:
            signal.signal(number, lambda caught, _frame: handle(caught))
