"""`prune`: lists by default, deletes what nothing needs, and never the function."""

from __future__ import annotations

import json

import pytest

from codedeploy_emulator import Emulator
from tests.support.account import Account
from tests.support.action import CHECKOUT

from ..conftest import Played

PRUNE = {**CHECKOUT, "command": "prune", "keep": "2"}


def versions(account: Account) -> list[str]:
    found = account.lambda_.list_versions_by_function(FunctionName="checkout")["Versions"]
    return [version["Version"] for version in found if version["Version"] != "$LATEST"]


@pytest.fixture
def seven(account: Account) -> Account:
    """Versions 1 to 7; live serves 1, canary 3 with a weight on 4, version 2 has provisioned concurrency."""
    for number in range(2, 8):
        account.publish(f"# {number}")
    account.lambda_.create_alias(
        FunctionName="checkout",
        Name="canary",
        FunctionVersion="3",
        RoutingConfig={"AdditionalVersionWeights": {"4": 0.1}},
    )
    account.lambda_.put_provisioned_concurrency_config(
        FunctionName="checkout", Qualifier="2", ProvisionedConcurrentExecutions=1
    )
    return account


def test_it_lists_by_default_and_says_why_each_version_stays(runner: Played, seven: Account) -> None:
    before = seven.writes()
    done = runner.run(PRUNE).check(0, outcome="reported")
    kept = {row["version"]: row["kept-for"] for row in json.loads(done.outputs["result"])["prune"]}
    assert kept == {
        "7": ["one of the newest 2"],
        "6": ["one of the newest 2"],
        "5": [],
        "4": ["alias canary (weight)"],
        "3": ["alias canary"],
        "2": ["provisioned concurrency"],
        "1": ["alias live"],
    }
    assert seven.writes() == before
    assert "nothing needs it" in done.summary


def test_it_deletes_what_nothing_needs_and_then_there_is_nothing(runner: Played, seven: Account) -> None:
    runner.run({**PRUNE, "apply": "true"}).check(0, outcome="succeeded")
    assert versions(seven) == ["1", "2", "3", "4", "6", "7"]
    runner.run({**PRUNE, "apply": "true"}).check(0, outcome="unchanged")


def test_what_a_rollback_could_need_stays(runner: Played, account: Account) -> None:
    """live went from 1 to 2 to 3: both of the older ones are ways back."""
    for number in ("2", "3"):
        version = account.publish(f"# {number}")
        account.set_config("CodeDeployDefault.LambdaAllAtOnce")
        runner.run({**CHECKOUT, "version": version}, run=(100 + int(number), 1)).check(0, outcome="succeeded")
    account.publish("# 4")
    account.publish("# 5")
    runner.run({**PRUNE, "keep": "1", "apply": "true"}).check(0, outcome="succeeded")
    assert versions(account) == ["1", "2", "3", "5"]


def test_a_deletion_whose_answer_was_lost_is_looked_for(runner: Played, seven: Account, emulator: Emulator) -> None:
    emulator.faults(service="lambda", operation="DeleteFunction", fault="reset", when="after", times=1)
    runner.run({**PRUNE, "apply": "true"}).check(0, outcome="succeeded")
    assert versions(seven) == ["1", "2", "3", "4", "6", "7"]


def test_every_deletion_names_a_numbered_version(runner: Played, seven: Account) -> None:
    runner.run({**PRUNE, "apply": "true"})
    assert seven.lambda_.get_function(FunctionName="checkout")["Configuration"]["FunctionName"] == "checkout"
