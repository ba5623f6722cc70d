"""Releases of several functions from a manifest: waves, policies, shards, and what is told of each."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from codedeploy_emulator import Emulator
from tests.support import shop as shops
from tests.support.account import Account
from tests.support.shop import AT_ONCE, NAMES, ends, manifest

from ..conftest import Played


@pytest.fixture
def shop(account: Account) -> Account:
    return shops.opened(account)


def test_the_next_run_has_nothing_to_do(runner: Played, shop: Account) -> None:
    given = manifest(runner.folder)
    runner.run(given).check(0)
    before = len(shop.writes())
    done = runner.run(given, run=(101, 1)).check(0, outcome="unchanged")
    assert ends(done) == dict.fromkeys(NAMES, "unchanged")
    assert len(shop.writes()) == before


def test_one_refusal_keeps_all_from_beginning(runner: Played, shop: Account) -> None:
    """Nothing is written before every function is planned and none is refused."""
    shop.lambda_.delete_alias(FunctionName="beta", Name="live")
    before = len(shop.writes())
    done = runner.run(manifest(runner.folder)).check(3, outcome="refused", deployed="false")
    assert ends(done) == dict.fromkeys(NAMES, "refused")
    assert len(shop.writes()) == before
    assert "`beta` has no alias `live`" in done.log


def test_all_or_nothing_undoes_what_had_succeeded(runner: Played, shop: Account, emulator: Emulator) -> None:
    """One fails late: what runs is stopped with rollback, what has succeeded is reversed, each read on its alias."""
    emulator.scripts(CodeDeployHook_checkout_after="fail")
    text = (
        "defaults: {application: checkout-app, code: $LATEST}\n"
        "functions:\n"
        "  alpha: {deployment-group: alpha-live, deployment-config: CodeDeployDefault.LambdaAllAtOnce}\n"
        "  beta:\n"
        "    deployment-group: beta-live\n"
        "    after-allow-traffic: CodeDeployHook_checkout_after\n"
        "  gamma: {deployment-group: gamma-live, deployment-config: CodeDeployDefault.LambdaCanary10Percent30Minutes}\n"
    )
    done = runner.run(manifest(runner.folder, text)).check(1, deployed="false")
    assert done.outcome in ("rolled-back", "rollback-failed")
    assert [shop.serves(name) for name in NAMES] == [{"1": 100.0}] * 3, done.log
    assert set(ends(done).values()) == {"rolled-back"}
    assert "CodeDeployHook_checkout_after" in done.outputs["reason"]  # the cause leads, not who was taken along
    results = {each["function"]: each for each in json.loads(done.outputs["result"])["functions"]}
    assert all(each["live-version"] == "1" for each in results.values())
    assert results["alpha"]["rollback-deployment-id"].startswith("d-")


def test_only_the_failed_one_goes_back_if_the_policy_says_so(runner: Played, shop: Account, emulator: Emulator) -> None:
    emulator.scripts(CodeDeployHook_checkout_before="fail")
    text = (
        "defaults: {application: checkout-app, code: $LATEST}\n"
        "functions:\n"
        "  alpha: {deployment-group: alpha-live}\n"
        "  beta: {deployment-group: beta-live, before-allow-traffic: CodeDeployHook_checkout_before}\n"
    )
    given = {**manifest(runner.folder, text), "release-policy": "rollback-failed"}
    done = runner.run(given).check(1, deployed="false")
    assert ends(done)["alpha"] == "succeeded"
    assert ends(done)["beta"] in ("failed", "rolled-back")
    assert shop.serves("alpha") == {"2": 100.0}
    assert shop.serves("beta") == {"1": 100.0}


def test_waves_go_one_after_the_other(runner: Played, shop: Account) -> None:
    waves = "waves:\n  - [gamma]\n  - [alpha, beta]\n"
    runner.run(manifest(runner.folder, waves=waves)).check(0, outcome="succeeded")
    times = {}
    for name in NAMES:
        (deployment,) = shop.codedeploy.list_deployments(
            applicationName="checkout-app", deploymentGroupName=f"{name}-live"
        )["deployments"]
        times[name] = shop.deployment(deployment)
    assert times["gamma"]["completeTime"] <= min(times["alpha"]["createTime"], times["beta"]["createTime"])


def test_a_failed_wave_stops_the_next(runner: Played, shop: Account, emulator: Emulator) -> None:
    emulator.scripts(CodeDeployHook_checkout_before="fail")
    text = (
        "defaults: {application: checkout-app, code: $LATEST}\n"
        "functions:\n"
        "  alpha: {deployment-group: alpha-live, before-allow-traffic: CodeDeployHook_checkout_before}\n"
        "  beta: {deployment-group: beta-live}\n"
        "waves: [[alpha], [beta]]\n"
    )
    given = {**manifest(runner.folder, text), "release-policy": "stop-wave"}
    done = runner.run(given).check(1, deployed="false")
    assert ends(done)["beta"] == "stopped"
    assert shop.serves("beta") == {"1": 100.0}
    assert shop.deployments("beta-live") == []


def test_max_parallel_bounds_what_runs_at_once(runner: Played, shop: Account) -> None:
    given = {**manifest(runner.folder), "max-parallel": "1", "deployment-config": AT_ONCE}
    runner.run(given).check(0, outcome="succeeded")
    spans = []
    for name in NAMES:
        info = shop.deployment(shop.deployments(f"{name}-live")[0])
        spans.append((info["createTime"], info["completeTime"]))
    spans.sort()
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_functions_of_one_group_take_turns(runner: Played, shop: Account) -> None:
    """A group runs one deployment at a time: the release's own are no conflict, whatever the policy."""
    text = (
        "defaults: {application: checkout-app, code: $LATEST, deployment-group: alpha-live}\n"
        "functions: {alpha: {}, beta: {}, gamma: {}}\n"
    )
    given = {**manifest(runner.folder, text), "on-conflict": "fail", "deployment-config": AT_ONCE}
    done = runner.run(given).check(0, outcome="succeeded", deployed="true")
    assert ends(done) == dict.fromkeys(NAMES, "succeeded")


def test_plan_shows_every_function_and_writes_nothing(runner: Played, shop: Account) -> None:
    before = len(shop.writes())
    done = runner.run({**manifest(runner.folder), "command": "plan"}).check(0, outcome="planned")
    assert ends(done) == dict.fromkeys(NAMES, "planned")
    assert len(shop.writes()) == before


def test_problems_of_the_manifest_have_their_lines(runner: Played, account: Account) -> None:
    text = "defaults:\n  aplication: shop\nfunctions:\n  alpha: {deployment-group: a b}\n  alpha: {}\nwaves: [[x]]\n"
    done = runner.run(manifest(runner.folder, text)).check(2, outcome="invalid")
    for line, words in ((2, "aplication"), (4, "deployment-group"), (5, "alpha"), (6, "x")):
        assert f"line {line}" in done.log
        assert f"`{words}`" in done.log
    assert account.operations() == []


def test_a_matrix_divides_the_manifest_and_only_selects_a_shard(runner: Played, shop: Account) -> None:
    given = manifest(runner.folder)
    before = len(shop.operations())
    done = runner.run({**given, "command": "plan", "shard-size": "2"}).check(0, outcome="planned")
    assert len([call for call in shop.operations()[before:] if not call.startswith("github")]) == 0
    shards = json.loads(done.outputs["matrix"])["include"]
    assert [shard["only"] for shard in shards] == ["alpha,beta", "gamma"]
    part = runner.run({**given, "only": shards[1]["only"]}).check(0, outcome="succeeded")
    assert ends(part) == {"gamma": "succeeded"}
    assert shop.serves("alpha") == {"1": 100.0}
    whole = runner.run({**given, "command": "status"}).check(0, outcome="reported")
    serves = json.loads(whole.outputs["result"])["status"]
    assert {key: status["version"] for key, status in serves.items()} == {
        "alpha:live": "1",
        "beta:live": "1",
        "gamma:live": "2",
    }
