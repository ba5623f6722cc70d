"""Whole runs of the real program against the emulator, everything going wrong: the promise holds each time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .play import Chaos, chaos


@pytest.fixture(scope="module")
def world() -> Iterator[Chaos]:
    with chaos() as world:
        yield world


@pytest.mark.parametrize("seed", range(8))
def test_the_promise_holds(world: Chaos, seed: int, tmp_path: Path) -> None:
    """Exit code, outputs and alias agree; one deployment at most; no split unsaid; running again repairs."""
    world.play(seed, tmp_path)


def test_a_seed_gives_the_same_history_every_time(world: Chaos) -> None:
    """So that a failing seed can be replayed: the same calls at the same moments, to the same end."""
    told = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            told.append((world.play(3, Path(folder)), world.said))
    assert told[0] == told[1]


@pytest.mark.full
@pytest.mark.parametrize("first", range(1000, 1300, 25))
def test_the_promise_holds_three_hundred_times(world: Chaos, first: int) -> None:
    for seed in range(first, first + 25):
        with tempfile.TemporaryDirectory() as folder:
            world.play(seed, Path(folder))
