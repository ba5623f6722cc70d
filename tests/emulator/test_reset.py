"""A reset brings back what the seed made, and not something like it; nothing that came afterwards is left."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import FunctionType
from typing import Any
from unittest import mock
from weakref import WeakValueDictionary

import pytest

from codedeploy_emulator import Emulator
from codedeploy_emulator.aws import moto_parts
from codedeploy_emulator.aws.front import Aws
from tests.support.account import Account
from tests.support.at_hand import at_hand

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


def _shown(value: Any, seen: dict[int, int]) -> Any:
    """Everything that can be reached, in plain values; what is met again is told as the very thing met before."""
    if value is None or isinstance(value, bool | int | float | str | bytes | type | FunctionType):
        return value
    if id(value) in seen:
        return f"the {seen[id(value)]}th"
    seen[id(value)] = len(seen)
    if isinstance(value, tempfile.SpooledTemporaryFile):
        value.seek(0)
        return value.read()
    if isinstance(value, Mapping | WeakValueDictionary):
        return type(value).__name__, {str(key): _shown(each, seen) for key, each in value.items()}, _own(value, seen)
    if isinstance(value, list | tuple):
        return [_shown(each, seen) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if hasattr(value, "getstate"):
        return value.getstate()
    return type(value).__name__, _own(value, seen)


def _own(value: Any, seen: dict[int, int]) -> dict[str, Any]:
    names = [*getattr(value, "__dict__", ()), *getattr(type(value), "__slots__", ())]
    return {
        name: _shown(getattr(value, name), seen)
        for name in names
        if not name.startswith("__") and name not in ("data", "_remove", "_pending_removals", "_iterating")
    }


def _state(emulator: Emulator) -> dict[str, Any]:
    runtime = emulator.runtime
    parts = {
        "moto": moto_parts.held(),
        "deployments": runtime.store,
        "limits": runtime.limits._buckets,
        "scripts": runtime.functions.scripts,
        "callers": (runtime.traffic._entries, runtime.traffic._playing, runtime.traffic._made, runtime.traffic.place),
        "book": runtime.book._batches,
        "GitHub": (emulator.github.repositories, emulator.github._next_id, emulator.github.url),
        "stacks": (emulator.aws.named, emulator.aws.stacks._stacks),
        "faults": (emulator.present_faults(), emulator._faults._random, emulator._faults.seed),
        "switches": emulator.switch_values(),
        "calls": emulator.calls,
        "time": emulator.now,
    }
    return {name: _shown(part, {}) for name, part in parts.items()}


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
    account.queue("waiting")
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
        before = _state(emulator)
        for _ in range(2):
            _wear(emulator)
            worn = _state(emulator)
            emulator.reset()
            after = _state(emulator)
            assert [name for name in before if after[name] != before[name]] == []
            # Or nothing would have been compared.
            assert [name for name in before if worn[name] == before[name]] == []


def test_a_reset_asks_for_nothing_again() -> None:
    with Emulator(speed=0, seed=DEMO, start=START) as emulator:
        before = _state(emulator)
        with mock.patch.object(Aws, "send", side_effect=AssertionError):
            emulator.reset()
        assert _state(emulator) == before


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
