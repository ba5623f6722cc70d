"""The emulator in this process (AWS's side by boto3-free helpers), the action in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codedeploy_emulator import Emulator
from codedeploy_emulator.clock import JUMP
from tests.support.account import Account
from tests.support.action import Runner

SEED = Path(__file__).parents[2] / "codedeploy_emulator" / "seeds" / "demo.yaml"

SPEED = 300  # for who acts in a canary's middle: its five minutes take a second


@pytest.fixture(scope="package")
def _emulator() -> Iterator[Emulator]:
    with Emulator(speed=JUMP, seed=SEED) as emulator:
        yield emulator


@pytest.fixture
def emulator(_emulator: Emulator) -> Emulator:
    _emulator.reset()
    return _emulator


@pytest.fixture
def paced(emulator: Emulator) -> None:
    """Time passes for who is no client of the emulator, too."""
    emulator.run_at(SPEED)


@pytest.fixture
def account(emulator: Emulator) -> Account:
    return Account(emulator)


@pytest.fixture
def runner(emulator: Emulator, tmp_path: Path) -> Runner:
    return Runner(env=emulator.env, folder=tmp_path)
