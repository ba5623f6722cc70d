"""Reads that are shared: one call for all who wait, once for what does not change."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from ci_deploy.edge.aws.sharing import Once, Together


def test_who_waits_for_the_rate_limit_collects_the_wishes_of_others() -> None:
    calls: list[list[int]] = []
    may = threading.Event()

    def ask(keys: Sequence[int]) -> dict[int, str]:
        calls.append(list(keys))
        return {key: str(key) for key in keys}

    together = Together(ask, most=25, wait=lambda: assert_soon(may))
    with ThreadPoolExecutor(30) as pool:
        asked = [pool.submit(together.get, [number % 20]) for number in range(30)]
        while len(together._wishes) < 30:
            pass
        may.set()
        found = [future.result() for future in asked]
    assert found == [{number % 20: str(number % 20)} for number in range(30)]
    assert sorted(key for keys in calls for key in keys) == list(range(20))
    assert len(calls) == 1


def assert_soon(event: threading.Event) -> None:
    assert event.wait(20)


def test_more_keys_than_a_call_takes_go_in_several_and_what_is_not_found_is_left_out() -> None:
    calls: list[int] = []

    def ask(keys: Sequence[int]) -> dict[int, int]:
        calls.append(len(keys))
        return {key: key for key in keys if key != 7}

    assert Together(ask, most=4).get(list(range(10))) == {key: key for key in range(10) if key != 7}
    assert calls == [4, 4, 2]
    assert Together(ask, most=4).get([]) == {}


def test_an_error_is_everybodys_who_went_with_the_call_and_the_next_call_is_a_new_one() -> None:
    errors = [ValueError("no")]

    def ask(keys: Sequence[str]) -> dict[str, str]:
        if errors:
            raise errors.pop()
        return {key: key for key in keys}

    together = Together(ask, most=4)
    with pytest.raises(ValueError, match="no"):
        together.get(["a"])
    assert together.get(["a"]) == {"a": "a"}


def test_what_does_not_change_is_read_once_and_an_error_is_not_kept() -> None:
    reads: list[str] = []

    def read(key: str) -> str:
        reads.append(key)
        if len(reads) == 1:
            raise ValueError("no")
        return key.upper()

    once = Once(read)
    with pytest.raises(ValueError, match="no"):
        once.get("a")
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(once.get, ["a"] * 8)) == ["A"] * 8
    assert reads == ["a", "a"]
