"""One emulator a test module (a process holds one at a time), reset before each test; hooks succeed unless scripted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from codedeploy_emulator import Emulator
from tests.emulator.world import World
from tests.support.at_hand import at_hand


@pytest.fixture(scope="module")
def _world() -> Iterator[World]:
    with Emulator(speed=0, switches={"hooks": "succeed"}, start=1_790_000_000.0) as emulator, at_hand(emulator):
        world = World(emulator)
        yield world
        for client in world._clients.values():
            client.close()


@pytest.fixture
def world(_world: World) -> World:
    """An empty emulator with time standing still."""
    _world.emulator.reset()
    return _world


@pytest.fixture
def emulator(world: World) -> Emulator:
    """The same emulator, by itself."""
    return world.emulator


@pytest.fixture
def shop(world: World) -> World:
    """A function `checkout` with versions 1 (served by `live`) and 2, and a canary group with rollback."""
    return world.once("shop", world.served, world.group)
