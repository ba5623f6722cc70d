"""Signals, from the process's first moment: kept until somebody can act on them.

A runner that cancels a job may send its signal while Python still imports: without this it would print a traceback, or
as process 1 be ignored (facts.md B3). Imports next to nothing, because everything else comes after it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_held: list[int] = []


class Interrupted(BaseException):
    """A signal arrived: what is done is done, and nothing more is. `unanswered`: what AWS had yet to answer.

    No Exception, because it comes up in the midst of a call, where what fails is made an error of AWS's.
    """

    def __init__(self, unanswered: str = "") -> None:
        super().__init__(unanswered)
        self.unanswered = unanswered


def hold() -> None:
    """Keep every signal that asks us to end, until `deliver`."""
    _on_each(_held.append)


def deliver(handle: Callable[[int], None]) -> None:
    """Give `handle` each signal's number from here on, in the signal handler, those that were held first."""
    _on_each(handle)
    while _held:
        handle(_held.pop(0))


@contextmanager
def leaving() -> Iterator[None]:
    """While a person is waited for and nothing is under way: a signal, also one that was held, ends the process.

    As SystemExit with 128 + its number. On another thread nothing changes: the main thread hears the signals.
    """
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _numbers()}
    try:
        deliver(_leave)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int) -> None:
    raise SystemExit(128 + number)


def _on_each(handle: Callable[[int], None]) -> None:
    for number in _numbers():
        signal.signal(number, lambda caught, _frame: handle(caught))


def _numbers() -> list[int]:
    return [int(getattr(signal, name)) for name in NAMES if hasattr(signal, name)]  # Windows has no SIGHUP
