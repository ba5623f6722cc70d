"""Releases of several functions from a manifest, as a process: real threads, signals and the end of a process."""

from __future__ import annotations

import pytest

from codedeploy_emulator import Emulator
from codedeploy_emulator.client import Client
from tests.support import shop as shops
from tests.support.account import Account
from tests.support.action import SIGINT, Runner
from tests.support.shop import AT_ONCE, CANARY, NAMES, ends, manifest

from .test_jumping import wait_for


@pytest.fixture
def shop(account: Account) -> Account:
    return shops.opened(account)


def test_all_functions_are_deployed_side_by_side(runner: Runner, shop: Account) -> None:
    done = runner.run({**manifest(runner.folder), "deployment-config": CANARY}).check(
        0, outcome="succeeded", deployed="true"
    )
    assert ends(done) == dict.fromkeys(NAMES, "succeeded")
    assert [shop.serves(name) for name in NAMES] == [{"2": 100.0}] * 3
    assert len(shop.comments()) == 1
    assert all(name in shop.comments()[0] for name in NAMES)


@pytest.mark.usefixtures("paced")
def test_what_lambda_only_throttled_is_tried_once_more(runner: Runner, shop: Account, emulator: Emulator) -> None:
    """CodeDeploy's own alias updates lose against Lambda's limit; no traffic had moved."""
    emulator.scripts(CodeDeployHook_checkout_before="succeed")
    emulator.switches({"hook-seconds": 600})
    hook = "before-allow-traffic: CodeDeployHook_checkout_before"
    text = "defaults: {application: checkout-app, code: $LATEST}\n"
    text += f"functions: {{alpha: {{deployment-group: alpha-live, {hook}}}}}\n"
    step = runner.start({**manifest(runner.folder, text), "deployment-config": AT_ONCE})
    step.wait_for("BeforeAllowTraffic")
    emulator.switches({"limits": True, "lambda-rate": 0.001, "codedeploy-alias-tries": 1})
    step.wait_for("THROTTLED")
    emulator.switches({"limits": False, "hook-seconds": 1})
    done = step.wait().check(0, outcome="succeeded", live_version="2")
    statuses = {shop.deployment(each)["status"] for each in shop.deployments("alpha-live")}
    assert "Failed" in statuses
    assert done.outputs["deployment-id"] == shop.deployments("alpha-live")[0]


@pytest.mark.usefixtures("paced")
def test_a_cancelled_release_stops_every_deployment_and_the_post_step_confirms(runner: Runner, shop: Account) -> None:
    slow = "CodeDeployDefault.LambdaCanary10Percent30Minutes"
    given = {**manifest(runner.folder), "deployment-config": slow}
    step = runner.start(given)
    for name in NAMES:
        step.wait_for(f"{name + ':live':10} » Traffic")
    step.signal(SIGINT)
    done = step.wait()
    assert done.code == 130, done.log
    assert done.outcome == "cancelled"
    stops = [call for call in shop.emulator.calls if call["operation"] == "StopDeployment"]
    assert len(stops) == 3
    runner.finish(done, given)
    assert [shop.serves(name) for name in NAMES] == [{"1": 100.0}] * 3


def test_a_re_run_attaches_to_the_deployments_of_the_attempt_before(
    runner: Runner, shop: Account, emulator: Emulator
) -> None:
    given = {**manifest(runner.folder), "deployment-config": "CodeDeployDefault.LambdaCanary10Percent10Minutes"}
    with Client(emulator.url) as us:
        first = runner.start(given)
        for name in NAMES:
            wait_for(us, first, f"{name + ':live':10} » Traffic")
        first.kill()
        first.wait()
    done = runner.run(given, run=(100, 2)).check(0, outcome="succeeded", deployed="true")
    assert ends(done) == dict.fromkeys(NAMES, "succeeded")
    assert [len(shop.deployments(f"{name}-live")) for name in NAMES] == [1, 1, 1]
