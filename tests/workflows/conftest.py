"""The accounts that the example workflows deploy to: one function `checkout`, and a shop of two with a manifest."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codedeploy_emulator import Emulator
from codedeploy_emulator.clock import JUMP
from tests.support.account import Account

ROOT = Path(__file__).parents[2]
SPEED = 300  # for who acts in a canary's middle: its five minutes take a second
OLD, NEW = ("def handler(event, context):\n    return {}\n", "def handler(event, context):\n    return {'new': True}\n")


def _function(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "runtime": "python3.13",
        "handler": "app.handler",
        "versions": [{"app.py": OLD}],
        "code": {"app.py": OLD},
        "aliases": {"live": 1},
    }


def _application(name: str) -> dict[str, Any]:
    config = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    rollback = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"]
    return {"name": name, "groups": [{"name": "live", "config": config, "auto-rollback": rollback}]}


SEED: dict[str, Any] = {
    "region": "eu-central-1",
    "buckets": [{"name": name, "versioning": True} for name in ("my-deployments", "shop-deployments")],
    "functions": [
        _function("checkout"),
        _function("cart"),
        {
            "name": "CodeDeployHook_checkout_before",
            "runtime": "python3.13",
            "handler": "app.handler",
            "timeout": 30,
            "code": {"app.py": OLD},
        },
    ],
    "applications": [_application("checkout"), _application("cart")],
}


@pytest.fixture(scope="package")
def _emulator() -> Iterator[Emulator]:
    with Emulator(speed=JUMP, seed=SEED) as emulator:
        yield emulator


@pytest.fixture
def emulator(_emulator: Emulator) -> Emulator:
    """The hook takes no process of its own."""
    _emulator.reset()
    _emulator.scripts(CodeDeployHook_checkout_before="succeed")
    return _emulator


@pytest.fixture
def account(emulator: Emulator) -> Account:
    return Account(emulator)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """What a checkout gives: the function's new code, and the `ci-deploy.yml` of docs/releases.md with its packages."""
    folder = tmp_path / "repository"
    for name in ("src", "functions/checkout", "functions/cart", "build", "deploy"):
        (folder / name).mkdir(parents=True)
    for name in ("src", "functions/checkout", "functions/cart"):
        (folder / name / "app.py").write_text(NEW)
    shutil.copy(ROOT / "docs" / "releases" / "ci-deploy.yml", folder / "ci-deploy.yml")
    for name in ("cart", "checkout"):
        shutil.make_archive(str(folder / "build" / name), "zip", folder / "src")
    return folder
