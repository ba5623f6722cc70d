"""Random histories over the API: what must hold whatever anyone does, and in whatever order."""

from __future__ import annotations

import random

import pytest
from botocore.exceptions import ClientError

from tests.emulator.world import APP, AT_ONCE, CANARY, GROUP, LINEAR, World

OUTCOMES = ("succeed", "fail", "crash", "silent")


def _act(world: World, chance: random.Random, functions: list[str]) -> None:
    """One thing that a person, a workflow or an alarm may do."""
    function = chance.choice(functions)
    versions = ["1", "2", "3"]
    what = chance.choice(["deploy", "deploy", "stop", "alarm", "calm", "alias", "split", "script", "delete", "time"])
    if what == "deploy":
        served = world.functions.get_alias(FunctionName=function, Name="live")["FunctionVersion"]
        world.deploy(
            served if chance.random() < 0.8 else chance.choice(versions),
            chance.choice(versions),
            function,
            before=chance.choice([None, "CodeDeployHook_a"]),
            after=chance.choice([None, "CodeDeployHook_a"]),
            deploymentConfigName=chance.choice([CANARY, LINEAR, AT_ONCE]),
        )
    elif what == "stop":
        active = world.codedeploy.list_deployments(includeOnlyStatuses=["Created", "InProgress"])["deployments"]
        if active:
            rollback = chance.choice([{}, {"autoRollbackEnabled": True}, {"autoRollbackEnabled": False}])
            world.codedeploy.stop_deployment(deploymentId=active[0], **rollback)
    elif what in ("alarm", "calm"):
        state = "ALARM" if what == "alarm" else "OK"
        world.client("cloudwatch").set_alarm_state(AlarmName="errors", StateValue=state, StateReason="chance")
    elif what == "alias":
        world.functions.update_alias(FunctionName=function, Name="live", FunctionVersion=chance.choice(versions))
    elif what == "split":
        weights = {chance.choice(versions): 0.3} if chance.random() < 0.5 else {}
        world.functions.update_alias(
            FunctionName=function, Name="live", RoutingConfig={"AdditionalVersionWeights": weights}
        )
    elif what == "script":
        world.emulator.scripts(CodeDeployHook_a=chance.choice(OUTCOMES))
    elif what == "delete":
        world.functions.delete_function(FunctionName=function, Qualifier=chance.choice(versions[2:]))
    world.emulator.advance(chance.choice([0, 1, 3, 30, 90, 400, 3700]))


def _check(world: World, ended: dict[str, dict]) -> None:
    ids = world.codedeploy.list_deployments()["deployments"]
    infos = []
    for start in range(0, len(ids), 25):
        infos += world.codedeploy.batch_get_deployments(deploymentIds=ids[start : start + 25])["deploymentsInfo"]
    active = [info["deploymentId"] for info in infos if info["status"] in ("Created", "InProgress")]
    assert len(active) <= 1
    for info in infos:
        identity = info["deploymentId"]
        if info["status"] in ("Succeeded", "Failed", "Stopped"):
            # What is over stays as it is; only its rollback still has a story to tell.
            kept = {key: value for key, value in info.items() if key != "rollbackInfo"}
            assert ended.setdefault(identity, kept) == kept
            assert ("errorInformation" in info) == (info["status"] != "Succeeded")
            assert info["completeTime"] >= info["createTime"]
        if info["creator"] == "codeDeployRollback":
            origin = world.info(info["rollbackInfo"]["rollbackTriggeringDeploymentId"])
            assert origin["rollbackInfo"]["rollbackDeploymentId"] == identity
            assert origin["status"] in ("Failed", "Stopped")
    for function in ("checkout", "basket"):
        traffic = world.traffic(function)
        assert len(traffic) <= 2
        assert sum(traffic.values()) == pytest.approx(1.0)
        assert all(0 <= share <= 1 for share in traffic.values())


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(more, marks=pytest.mark.full) for more in range(6, 50))])
def test_whatever_happens_the_rules_hold(world: World, seed: int) -> None:
    chance = random.Random(seed)
    for function in ("checkout", "basket"):
        world.served(function, versions=3)
    world.function("CodeDeployHook_a")
    world.alarm("errors")
    world.group(alarmConfiguration={"enabled": True, "alarms": [{"name": "errors"}]})
    ended: dict[str, dict] = {}
    for _ in range(25):
        try:
            _act(world, chance, ["checkout", "basket"])
        except ClientError as error:
            # A refusal is a fine answer to a wrong request at a wrong moment; the emulator's own failure is not.
            if error.response["Error"]["Code"] == "EmulatorError":
                raise
        _check(world, ended)
    assert not any(info.get("errorInformation", {}).get("code") == "INTERNAL_ERROR" for info in ended.values())
    assert all(call["status"] is not None and call["status"] < 500 for call in world.emulator.calls)
    group = world.codedeploy.get_deployment_group(applicationName=APP, deploymentGroupName=GROUP)
    assert group["deploymentGroupInfo"]["deploymentGroupName"] == GROUP
