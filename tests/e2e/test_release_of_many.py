"""Releases of several functions from a manifest, as a process against the emulator."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from codedeploy_emulator import Emulator
from tests.support.account import Account, zipped
from tests.support.action import SIGINT, Finished, Runner

NAMES = ("alpha", "beta", "gamma")
CANARY = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"


def code(number: int) -> str:
    return f"# {number}\ndef handler(event, context):\n    return {number}\n"


@pytest.fixture
def shop(account: Account) -> Account:
    """Three functions at version 1 with new code in $LATEST, each with a group of its own."""
    role = account.lambda_.get_function(FunctionName="checkout")["Configuration"]["Role"]
    group = account.codedeploy.get_deployment_group(
        applicationName="checkout-app", deploymentGroupName="checkout-live"
    )["deploymentGroupInfo"]
    for name in NAMES:
        account.lambda_.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="app.handler",
            Role=role,
            Code={"ZipFile": zipped({"app.py": code(1)})},
            Publish=True,
        )
        account.lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
        account.code(code(2), name)
        account.codedeploy.create_deployment_group(
            applicationName="checkout-app",
            deploymentGroupName=f"{name}-live",
            deploymentConfigName=AT_ONCE,
            serviceRoleArn=group["serviceRoleArn"],
            autoRollbackConfiguration=group["autoRollbackConfiguration"],
            deploymentStyle=group["deploymentStyle"],
        )
    return account


def manifest(folder: Path, text: str = "", waves: str = "") -> dict[str, str]:
    """Write the manifest and give the inputs that name it."""
    functions = "".join(f"  {name}: {{deployment-group: {name}-live}}\n" for name in NAMES)
    body = text or f"defaults: {{application: checkout-app, code: $LATEST}}\nfunctions:\n{functions}{waves}"
    (folder / "functions.yml").write_text(body, encoding="utf-8")
    return {"config": "functions.yml"}


def ends(done: Finished) -> dict[str, str]:
    return {each["function"]: each["outcome"] for each in json.loads(done.outputs["result"])["functions"]}


def test_all_functions_are_deployed_side_by_side(runner: Runner, shop: Account) -> None:
    done = runner.run({**manifest(runner.folder), "deployment-config": CANARY}).check(
        0, outcome="succeeded", deployed="true"
    )
    assert ends(done) == dict.fromkeys(NAMES, "succeeded")
    assert [shop.serves(name) for name in NAMES] == [{"2": 100.0}] * 3
    assert len(shop.comments()) == 1
    assert all(name in shop.comments()[0] for name in NAMES)


def test_the_next_run_has_nothing_to_do(runner: Runner, shop: Account) -> None:
    given = manifest(runner.folder)
    runner.run(given).check(0)
    before = len(shop.writes())
    done = runner.run(given, run=(101, 1)).check(0, outcome="unchanged")
    assert ends(done) == dict.fromkeys(NAMES, "unchanged")
    assert len(shop.writes()) == before


def test_one_refusal_keeps_all_from_beginning(runner: Runner, shop: Account) -> None:
    """Nothing is written before every function is planned and none is refused."""
    shop.lambda_.delete_alias(FunctionName="beta", Name="live")
    before = len(shop.writes())
    done = runner.run(manifest(runner.folder)).check(3, outcome="refused", deployed="false")
    assert ends(done) == dict.fromkeys(NAMES, "refused")
    assert len(shop.writes()) == before
    assert "`beta` has no alias `live`" in done.log


def test_all_or_nothing_undoes_what_had_succeeded(runner: Runner, shop: Account, emulator: Emulator) -> None:
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


def test_only_the_failed_one_goes_back_if_the_policy_says_so(runner: Runner, shop: Account, emulator: Emulator) -> None:
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


def test_waves_go_one_after_the_other(runner: Runner, shop: Account) -> None:
    waves = "waves:\n  - [gamma]\n  - [alpha, beta]\n"
    runner.run(manifest(runner.folder, waves=waves)).check(0, outcome="succeeded")
    times = {}
    for name in NAMES:
        (deployment,) = shop.codedeploy.list_deployments(
            applicationName="checkout-app", deploymentGroupName=f"{name}-live"
        )["deployments"]
        times[name] = shop.deployment(deployment)
    assert times["gamma"]["completeTime"] <= min(times["alpha"]["createTime"], times["beta"]["createTime"])


def test_a_failed_wave_stops_the_next(runner: Runner, shop: Account, emulator: Emulator) -> None:
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


def test_max_parallel_bounds_what_runs_at_once(runner: Runner, shop: Account) -> None:
    given = {**manifest(runner.folder), "max-parallel": "1", "deployment-config": AT_ONCE}
    runner.run(given).check(0, outcome="succeeded")
    spans = []
    for name in NAMES:
        info = shop.deployment(shop.deployments(f"{name}-live")[0])
        spans.append((info["createTime"], info["completeTime"]))
    spans.sort()
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_functions_of_one_group_take_turns(runner: Runner, shop: Account) -> None:
    """A group runs one deployment at a time: the release's own are no conflict, whatever the policy."""
    text = (
        "defaults: {application: checkout-app, code: $LATEST, deployment-group: alpha-live}\n"
        "functions: {alpha: {}, beta: {}, gamma: {}}\n"
    )
    given = {**manifest(runner.folder, text), "on-conflict": "fail", "deployment-config": AT_ONCE}
    done = runner.run(given).check(0, outcome="succeeded", deployed="true")
    assert ends(done) == dict.fromkeys(NAMES, "succeeded")


def test_plan_shows_every_function_and_writes_nothing(runner: Runner, shop: Account) -> None:
    before = len(shop.writes())
    done = runner.run({**manifest(runner.folder), "command": "plan"}).check(0, outcome="planned")
    assert ends(done) == dict.fromkeys(NAMES, "planned")
    assert len(shop.writes()) == before


def test_problems_of_the_manifest_have_their_lines(runner: Runner, account: Account) -> None:
    text = "defaults:\n  aplication: shop\nfunctions:\n  alpha: {deployment-group: a b}\n  alpha: {}\nwaves: [[x]]\n"
    done = runner.run(manifest(runner.folder, text)).check(2, outcome="invalid")
    for line, words in ((2, "aplication"), (4, "deployment-group"), (5, "alpha"), (6, "x")):
        assert f"line {line}" in done.log
        assert f"`{words}`" in done.log
    assert account.operations() == []


def test_a_matrix_divides_the_manifest_and_only_selects_a_shard(runner: Runner, shop: Account) -> None:
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


def test_a_re_run_attaches_to_the_deployments_of_the_attempt_before(runner: Runner, shop: Account) -> None:
    slow = "CodeDeployDefault.LambdaCanary10Percent15Minutes"
    given = {**manifest(runner.folder), "deployment-config": slow}
    first = runner.start(given)
    for name in NAMES:
        first.wait_for(f"{name + ':live':10} » Traffic")
    first.kill()
    first.wait()
    done = runner.run(given, run=(100, 2)).check(0, outcome="succeeded", deployed="true")
    assert ends(done) == dict.fromkeys(NAMES, "succeeded")
    assert [len(shop.deployments(f"{name}-live")) for name in NAMES] == [1, 1, 1]
