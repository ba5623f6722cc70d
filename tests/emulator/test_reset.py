"""A reset restores exactly the seeded state and leaves nothing of later changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from codedeploy_emulator import Emulator
from codedeploy_emulator.aws import moto_parts
from codedeploy_emulator.aws.front import Aws
from tests.support.account import Account
from tests.support.at_hand import at_hand
from tests.support.holding import state_of

START = 1_790_000_000.0
DEMO = Path(moto_parts.__file__).parents[1] / "seeds" / "demo.yaml"
EVERYTHING: dict[str, Any] = {
    "region": "eu-central-1",
    "switches": {"limits": True, "hooks": "succeed", "random-seed": 7},
    "faults": [{"fault": "throttle", "operation": "ListGitHubAccountTokenNames", "times": 3}],
    "scripts": {"before": {"outcome": "fail", "seconds": 5}},
    "buckets": [{"name": "packages", "objects": {"a b/c.json": "{}"}}],
    "roles": ["deployer"],
    "functions": [
        {
            "name": "checkout",
            "environment": {"MODE": "test"},
            "versions": ["# 1", "# 2"],
            "code": "# 3",
            "aliases": {"live": {"version": 1, "weights": {2: 0.1}}, "old": 1},
        },
        {"name": "before"},
    ],
    "configs": [{"name": "Slow", "canary": [10, 30]}],
    "alarms": [{"name": "errors", "state": "ALARM"}, {"name": "lines", "kind": "log"}],
    "applications": [{"name": "checkout-app", "groups": [{"name": "checkout-live", "alarms": ["errors"]}]}],
    "repositories": [
        {
            "name": "your-org/checkout",
            "pull-requests": [{"number": 7}],
            "comments": [{"issue": 7, "body": "Looks good."}],
        }
    ],
    "traffic": [{"function": "checkout", "alias": "live", "per_minute": 600, "versions": {"1": {"errors": 0.1}}}],
    "stacks": [{"name": "shop", "resources": [{"logical": "Checkout", "physical": "checkout", "type": "X"}]}],
}


def _wear(emulator: Emulator) -> None:
    """Change something of every kind, and make new things, in another region and account too."""
    account = Account(emulator)
    account.publish("# 4")
    account.lambda_.update_alias(FunctionName="checkout", Name="live", FunctionVersion="2", RoutingConfig={})
    account.lambda_.delete_function(FunctionName="before")
    account.s3.put_object(Bucket="packages", Key="a b/c.json", Body=b"other")
    account.s3.create_bucket(Bucket="more", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    account.ring("errors", "OK")
    account.codedeploy.create_application(applicationName="other", computePlatform="Lambda")
    account.deploy("2", "3")
    account._client("iam").delete_role(RoleName="deployer")
    group = {"X-Amz-Target": "Logs_20140328.CreateLogGroup", "Content-Type": "application/x-amz-json-1.1"}
    emulator.aws.send("logs", "POST", "/", b'{"logGroupName": "other"}', headers=group, region="us-east-1")
    emulator.github.add_comment("your-org/checkout", 7, "No.", {"login": "alice", "id": 2, "type": "User"})
    emulator.github.repository("your-org", "other")
    emulator.advance(600)
    emulator.scripts(before="succeed", checkout="crash")
    emulator.switches(limits=False, metric_delay_seconds=1)
    emulator.stacks([])
    emulator.traffic()
    emulator.faults(fault="throttle", service="sqs", times=1)


def test_a_reset_brings_back_what_the_seed_made() -> None:
    switches = {"random-seed": 8}  # which the seed says otherwise, to no effect
    with Emulator(speed=0, seed=EVERYTHING, start=START, switches=switches) as emulator, at_hand(emulator):
        before = state_of(emulator)
        for _ in range(2):
            Account(emulator).queue("waiting")
            _wear(emulator)
            worn = state_of(emulator)
            emulator.reset()
            after = state_of(emulator)
            assert [name for name in before if after[name] != before[name]] == []
            # Or nothing would have been compared.
            assert [name for name in before if worn[name] == before[name]] == []


def test_what_a_client_made_is_kept_as_well() -> None:
    with Emulator(speed=0, seed=EVERYTHING, start=START) as emulator, at_hand(emulator):
        Account(emulator).lambda_.invoke(FunctionName="before")
        _wear(emulator)
        kept, made = emulator.keep(), state_of(emulator)
        emulator.reset()
        kept.bring_back()
        emulator.clock.move_to(START + 600)
        brought = state_of(emulator)
        assert [name for name in made if brought[name] != made[name]] == ["calls"]


def test_a_reset_asks_for_nothing_again() -> None:
    with Emulator(speed=0, seed=DEMO, start=START) as emulator:
        before = state_of(emulator)
        with mock.patch.object(Aws, "send", side_effect=AssertionError):
            emulator.reset()
        assert state_of(emulator) == before


def test_a_seed_that_was_changed_meanwhile_is_made_anew() -> None:
    seed = {"functions": [{"name": "first"}]}
    with Emulator(speed=0, seed=seed, start=START) as emulator:
        emulator.reset()
        seed["functions"].append({"name": "second"})
        emulator.reset()
        assert moto_parts.function_names(moto_parts.ACCOUNT, "us-east-1") == ["first", "second"]


def test_without_a_start_everything_is_made_anew_at_the_time_of_the_reset() -> None:
    with Emulator(speed=0, seed=DEMO) as emulator:
        first, later = _stamps(emulator), emulator.now + 5000
        with mock.patch("codedeploy_emulator.clock.time.time", return_value=later):
            emulator.reset()
        assert emulator.now == pytest.approx(later, abs=0.001)
        assert all(after > before for before, after in zip(first, _stamps(emulator), strict=True))


def _stamps(emulator: Emulator) -> list[str]:
    function = moto_parts.function(moto_parts.ACCOUNT, "us-east-1", "checkout")
    assert function is not None
    return [function.last_modified, emulator.github.repositories["your-org/checkout"].pulls[7]["created_at"]]
