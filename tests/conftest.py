"""What holds for all tests: no deadline, and `make coverage` measures the processes that they start, too."""

from __future__ import annotations

import gc
import os
import subprocess
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.golden import Told
from tests.support.machine.models import read_once

MEASURING = "COVERAGE_PROCESS_CONFIG"

# A machine that is busy elsewhere, or measures coverage, is no failure.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

read_once()

# However bare the environment is that a test gives its process.
if MEASURING in os.environ:
    begin = subprocess.Popen.__init__

    def measured(self: subprocess.Popen[Any], *arguments: Any, **options: Any) -> None:
        if options.get("env") is not None:
            options["env"] = {**options["env"], MEASURING: os.environ[MEASURING]}
        begin(self, *arguments, **options)

    subprocess.Popen.__init__ = measured  # type: ignore[method-assign]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew instead of comparing")


@pytest.fixture
def told(request: pytest.FixtureRequest) -> Told:
    """What this test expects to be told, in the golden file of its own file."""
    path = request.path.parent / "golden" / f"{request.path.stem}.txt"
    return Told(path, request.node.name, update=request.config.getoption("--update-golden"))


def pytest_collection_finish() -> None:
    """Thousands of collected tests live to the end: the garbage collector need not look at them again and again.

    Nor at botocore's clients and moto's tables as often as it does by default: a seventh of what whole runs cost.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
