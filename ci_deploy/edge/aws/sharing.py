"""Reads that several functions of a release want at the same time are made once, or in one call for all.

It knows nothing of AWS: what is asked, and how many keys one call takes, is the caller's. Nothing waits for others to
come: who comes while a call is under way goes with the next one (the group commit of databases), so one function
alone is never delayed, and the more the rate limit holds back, the more goes into a call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Wish(Generic[K, V]):
    __slots__ = ("answers", "error", "key")

    def __init__(self, key: K) -> None:
        self.key = key
        self.answers: Mapping[K, V] | None = None
        self.error: BaseException | None = None


class Together(Generic[K, V]):
    """`ask(keys)` gives what was found, by key, for `most` keys at a time; one call is under way at a time.

    `wait` returns when a call may go out: who comes until then goes with it.
    """

    def __init__(
        self, ask: Callable[[Sequence[K]], Mapping[K, V]], *, most: int, wait: Callable[[], None] = lambda: None
    ) -> None:
        self._ask = ask
        self._wait = wait
        self._most = most
        self._wishes: list[_Wish[K, V]] = []
        self._lock = threading.Lock()
        self._turn = threading.Lock()

    def get(self, keys: Sequence[K]) -> dict[K, V]:
        """What was found of these keys; raises what `ask` raised, to everybody who went with that call."""
        wishes = [_Wish[K, V](key) for key in keys]
        with self._lock:
            self._wishes += wishes
        while not all(wish.answers is not None or wish.error for wish in wishes):
            with self._turn:
                if not all(wish.answers is not None or wish.error for wish in wishes):
                    self._ask_for_some()
        error = next((wish.error for wish in wishes if wish.error), None)
        if error is not None:
            raise error
        return {wish.key: wish.answers[wish.key] for wish in wishes if wish.answers and wish.key in wish.answers}

    def _ask_for_some(self) -> None:
        self._wait()
        with self._lock:
            keys = list(dict.fromkeys(wish.key for wish in self._wishes))[: self._most]
            chosen = set(keys)
            batch = [wish for wish in self._wishes if wish.key in chosen]
            self._wishes = [wish for wish in self._wishes if wish.key not in chosen]
        try:
            answers = self._ask(keys)
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            for wish in batch:
                wish.error = error
        else:
            for wish in batch:
                wish.answers = answers


class Once(Generic[K, V]):
    """What does not change during a run is read once, however many ask for it at the same time; errors are not kept."""

    def __init__(self, read: Callable[[K], V]) -> None:
        self._read = read
        self._known: dict[K, V] = {}
        self._locks: dict[K, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: K) -> V:
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._known:
                self._known[key] = self._read(key)
            return self._known[key]
