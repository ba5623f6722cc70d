"""benchmarks/shards.py counts the calls that the program makes: each of them, as often."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.shards import FACTS, FIRST, calls
from ci_deploy.core.machine import actions as a
from codedeploy_emulator import Emulator
from tests.support import shop as shops
from tests.support.account import Account
from tests.support.shop import NAMES, manifest

from ..conftest import Played

# How many of these there are depends on the time, and on how many functions share one.
TIMED = {
    "codedeploy:BatchGetDeployments",
    "codedeploy:BatchGetDeploymentTargets",
    "codedeploy:BatchGetDeploymentGroups",
    "codedeploy:GetDeploymentGroup",
    "cloudwatch:GetMetricData",
}


@pytest.fixture
def shop(account: Account) -> Account:
    return shops.opened(account)


def test_the_simulation_makes_the_calls_of_a_run(runner: Played, shop: Account, emulator: Emulator) -> None:
    """But for the list of a group's deployments, of which these had none; a new version is Pending for a moment."""
    emulator.switches(lambda_pending_seconds=0.5)
    before = len(emulator.calls)
    runner.run(manifest(runner.folder)).check(0)
    made = Counter(
        f"{call['service']}:{call['operation']}" for call in emulator.calls[before:] if call["service"] != "github"
    )
    publish, create = (object.__new__(kind) for kind in (a.Publish, a.Create))
    last = a.LookAlias(key="", function="", alias="")
    of_each = (*FACTS, *calls(publish), *calls(create), *calls(last))
    known = Counter(":".join(one) for one in of_each for _ in NAMES) + Counter(":".join(one) for one in FIRST)
    untimed = {name: count for name, count in made.items() if name not in TIMED}
    assert untimed == {name: known[name] for name in untimed}
    unmade = {name for name in known if name not in made and name not in TIMED}
    assert unmade == {"codedeploy:ListDeployments", *(":".join(one) for one in FIRST if one[0] == "s3")}
