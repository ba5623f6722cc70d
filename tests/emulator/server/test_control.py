"""Control, seeds and reset: how tests set the emulator up."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
import yaml

import codedeploy_emulator
from codedeploy_emulator import Emulator, SeedError
from codedeploy_emulator.switches import TABLE
from tests.emulator.world import APP, AT_ONCE, GROUP, World

DEMO = Path(codedeploy_emulator.__file__).parent / "seeds" / "demo.yaml"
README = Path(codedeploy_emulator.__file__).parent / "README.md"


def _post(emulator: Emulator, name: str, body: object) -> requests.Response:
    return requests.post(f"{emulator.url}/_emulator/{name}", json=body, timeout=20)


def _get(emulator: Emulator, name: str) -> requests.Response:
    return requests.get(f"{emulator.url}/_emulator/{name}", timeout=20)


def test_the_environment_holds_all_that_a_client_needs(emulator: Emulator) -> None:
    lines = _get(emulator, "env").text.splitlines()
    env = dict(line.split("=", 1) for line in lines)
    assert env == emulator.env
    assert env["AWS_ENDPOINT_URL"] == emulator.url == env["GITHUB_SERVER_URL"]
    assert env["GITHUB_API_URL"] == f"{emulator.url}/api/v3"
    assert "?" in env["ACTIONS_ID_TOKEN_REQUEST_URL"]
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "GITHUB_TOKEN"} <= set(
        env
    )
    assert "CI_DEPLOY_CLOCK_SPEED" not in env


def test_the_environment_names_the_host_that_was_asked_for(emulator: Emulator) -> None:
    url = f"{emulator.url}/_emulator/env"
    names = (("dev.localhost:4599", "http://dev.localhost:4599"), ("localhost:1", emulator.url))
    for host, expected in names:
        assert f"AWS_ENDPOINT_URL={expected}\n" in requests.get(url, headers={"Host": host}, timeout=5).text


def test_the_clock_moves_event_by_event_and_only_when_told(shop: World) -> None:
    deployment = shop.deploy(deploymentConfigName=AT_ONCE)
    before = _get(shop.emulator, "clock").json()
    assert (before["speed"], _get(shop.emulator, "clock").json()["now"]) == (0, before["now"])
    after = _post(shop.emulator, "clock", {"advance": 60}).json()
    assert after["now"] == before["now"] + 60
    assert shop.status(deployment) == "Succeeded"
    ended = shop.info(deployment)["completeTime"].timestamp()
    assert before["now"] < ended < after["now"]


@pytest.mark.parametrize("body", [{}, {"advance": "x"}, {"advance": -1}, {"advance": True}, [1], None])
def test_a_clock_that_makes_no_sense_is_refused(emulator: Emulator, body: object) -> None:
    assert _post(emulator, "clock", body).status_code == 400


def test_reset_brings_back_the_start(shop: World) -> None:
    start = shop.emulator.now
    first = shop.deploy()
    shop.emulator.advance(1000)
    shop.emulator.faults(fault="error500")
    shop.emulator.switches(rollback_delay_seconds=99, random_seed=5)
    shop.emulator.scripts(checkout="crash")
    assert _post(shop.emulator, "reset", None).status_code == 200
    assert (shop.emulator.now, shop.emulator.calls, shop.emulator.present_faults()) == (start, [], [])
    assert shop.codedeploy.list_applications()["applications"] == []
    assert shop.functions.list_functions()["Functions"] == []
    assert shop.emulator.switch_values()["rollback-delay-seconds"] == 0.5
    assert shop.emulator.switch_values()["hooks"] == "succeed"
    shop.served()
    shop.group()
    assert shop.deploy() == first


def test_a_reset_while_a_hook_runs_forgets_the_hook(shop: World) -> None:
    shop.emulator.switches(hooks="run")
    shop.function("CodeDeployHook_slow", "import time\ndef handler(event, context):\n    time.sleep(0.5)\n")
    shop.deploy(before="CodeDeployHook_slow")
    runtime = shop.emulator.runtime
    shop.emulator.clock.move_to(shop.emulator.now + 2)
    runtime.settle()
    shop.emulator.reset()
    shop.emulator.advance(10)
    assert shop.client("logs").describe_log_groups()["logGroups"] == []


def test_a_reset_ends_the_processes_of_functions_that_run(shop: World, tmp_path: Path) -> None:
    shop.emulator.switches(hooks="run")
    code = f"""
import os, pathlib, time
def handler(event, context):
    pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(os.getpid()))
    time.sleep(60)
"""
    shop.function("slow", code, Timeout=90)
    shop.functions.invoke(FunctionName="slow", InvocationType="Event")
    until = time.monotonic() + 20
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < until, "the function did not start"
        time.sleep(0.02)
    identity = int((tmp_path / "pid").read_text())
    shop.emulator.reset()
    while Path(f"/proc/{identity}").exists():
        assert time.monotonic() < until, "the function runs on"
        time.sleep(0.02)
    assert shop.client("logs").describe_log_groups()["logGroups"] == []


def test_switches_are_shown_set_and_checked(emulator: Emulator) -> None:
    shown = {entry["name"]: entry for entry in _get(emulator, "switches").json()}
    assert set(shown) == {switch.name for switch in TABLE}
    assert all(entry["says"] for entry in shown.values())
    assert _post(emulator, "switches", {"rollback-delay-seconds": 7}).json()["rollback-delay-seconds"] == 7
    for wrong in (
        {"no-such": 1},
        {"rollback-delay-seconds": "soon"},
        {"rollback-delay-seconds": -1},
        {"limits": 1},
        {"hooks": "dance"},
        [1],
    ):
        answer = _post(emulator, "switches", wrong)
        assert (answer.status_code, bool(answer.json()["message"])) == (400, True)
    assert emulator.switch_values()["rollback-delay-seconds"] == 7


def test_the_readme_names_every_switch_with_its_default() -> None:
    text = README.read_text(encoding="utf-8")
    for switch in TABLE:
        default = str(switch.default).lower() if isinstance(switch.default, bool) else str(switch.default)
        line = next((line for line in text.splitlines() if line.startswith(f"| `{switch.name}` |")), "")
        assert line, f"the README has no row for the switch {switch.name}"
        assert len(default) > 20 or f"| `{default or '(empty)'}` |" in line, (line, default)


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("faults", {"fault": "throttle"}, "faults are a JSON array; [] clears them"),
        ("switches", [], "switches are a JSON object of names and values"),
        ("scripts", "all", "scripts are a JSON object of function names and outcomes"),
        ("clock", [1], 'the clock takes {"advance": seconds}, a number that is not negative'),
        ("scripts", {"f": {"outcome": "fail", "seconds": -1}}, "seconds must be a number that is not negative"),
        ("scripts", {"f": {"outcome": "fail", "colour": "red"}}, "the script of function 'f' has unknown keys: colour"),
    ],
)
def test_control_says_what_it_takes(emulator: Emulator, name: str, body: object, message: str) -> None:
    answer = _post(emulator, name, body)
    assert answer.status_code == 400
    assert message in answer.json()["message"]


def test_a_control_request_that_is_no_json_is_refused(emulator: Emulator) -> None:
    answer = requests.post(f"{emulator.url}/_emulator/faults", data=b"[", timeout=5)
    assert (answer.status_code, answer.json()) == (400, {"message": "the body is not JSON"})


def test_a_script_is_set_and_taken_away_again(world: World) -> None:
    world.function("f")
    _post(world.emulator, "scripts", {"f": {"outcome": "crash", "log": "first\nsecond"}})
    crashed = world.functions.invoke(FunctionName="f", LogType="Tail")
    assert crashed["FunctionError"] == "Unhandled"
    assert base64.b64decode(crashed["LogResult"]).decode().splitlines()[:2] == ["first", "second"]
    assert _post(world.emulator, "scripts", {"f": "run"}).json() == {"message": "set"}
    assert "FunctionError" not in world.functions.invoke(FunctionName="f")


def test_scripts_are_checked(emulator: Emulator) -> None:
    for wrong in ({"f": "dance"}, {"f": {"outcome": "fail", "colour": 1}}, {"f": {"seconds": 1}}, [1]):
        assert _post(emulator, "scripts", wrong).status_code == 400
    assert _post(emulator, "scripts", {"f": {"outcome": "fail", "seconds": 2, "log": "a\nb"}}).status_code == 200


def test_an_unknown_control_endpoint_says_which_there_are(emulator: Emulator) -> None:
    answer = _get(emulator, "nothing")
    assert (answer.status_code, "GET /_emulator/health" in answer.json()["endpoints"]) == (404, True)


def test_a_process_holds_one_emulator(emulator: Emulator) -> None:
    with pytest.raises(RuntimeError, match="holds an emulator already"):
        Emulator()


# Seeds


@pytest.fixture(scope="module")
def _demo() -> dict:
    return dict(yaml.safe_load(DEMO.read_text(encoding="utf-8")))


@pytest.fixture
def seeded(world: World, _demo: dict) -> World:
    """The demo's seed, in this module's emulator."""
    world.emulator._seed = _demo
    world.emulator.reset()
    yield world
    world.emulator._seed = {}


def test_the_demos_seed_is_ready_for_a_canary(seeded: World) -> None:
    assert seeded.traffic() == {"1": 1.0}
    assert seeded.functions.publish_version(FunctionName="checkout")["Version"] == "2"
    group = seeded.codedeploy.get_deployment_group(applicationName="checkout-app", deploymentGroupName="checkout-live")[
        "deploymentGroupInfo"
    ]
    assert group["deploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    assert group["alarmConfiguration"]["alarms"] == [{"name": "checkout-errors"}]
    assert len(group["autoRollbackConfiguration"]["events"]) == 3
    alarm = seeded.client("cloudwatch").describe_alarms()["MetricAlarms"][0]
    assert (alarm["AlarmName"], alarm["StateValue"]) == ("checkout-errors", "OK")
    versioning = seeded.client("s3").get_bucket_versioning(Bucket="demo-deployments")
    assert versioning["Status"] == "Enabled"
    repo = f"{seeded.emulator.url}/api/v3/repos/your-org/checkout"
    pull = requests.get(f"{repo}/pulls/7", timeout=5).json()
    found = requests.get(f"{repo}/commits/{pull['head']['sha']}/pulls", timeout=5).json()
    assert [one["number"] for one in found] == [7]


def test_a_seed_leaves_no_calls_behind(seeded: World) -> None:
    assert seeded.emulator.calls == []


def test_a_seed_sets_switches_scripts_faults_configs_and_split_aliases(world: World) -> None:
    world.emulator._seed = {
        "switches": {"weight-scale": "fraction"},
        "scripts": {"f": "crash"},
        "faults": [{"service": "s3", "fault": "throttle"}],
        "configs": [{"name": "c", "canary": [20, 3]}, {"name": "l", "linear": [25, 2]}, {"name": "a"}],
        "functions": [
            {"name": "f", "versions": ["x = 1", "x = 2"], "aliases": {"live": {"version": 1, "weights": {2: 0.5}}}}
        ],
        "applications": [{"name": APP, "groups": [{"name": GROUP, "config": "c"}]}],
        "repositories": [{"name": "o/r", "private": True, "comments": [{"issue": 1, "body": "hi", "author": "eve"}]}],
        "roles": ["extra"],
        "buckets": [{"name": "b-1", "objects": {"k": "v"}}, "b-2"],
    }
    try:
        world.emulator.reset()
        assert world.traffic("f") == {"1": 0.5, "2": 0.5}
        assert world.emulator.switch_values()["weight-scale"] == "fraction"
        assert world.emulator.present_faults()[0]["service"] == "s3"
        comments = requests.get(f"{world.emulator.url}/api/v3/repos/o/r/issues/1/comments", timeout=5).json()
        assert (comments[0]["user"]["login"], comments[0]["body"]) == ("eve", "hi")
        assert requests.get(f"{world.emulator.url}/api/v3/repos/o/r", timeout=5).json()["private"] is True
    finally:
        world.emulator._seed = {}


def test_a_seed_may_be_of_another_region_and_partition(world: World) -> None:
    world.emulator._seed = {
        "region": "cn-north-1",
        "functions": [
            {
                "name": "f",
                "versions": ["x = 1"],
                "code": "x = 2",
                "environment": {"A": 1, "B": True, "C": "x"},
                "aliases": {"live": 1},
            }
        ],
        "applications": [{"name": APP, "groups": [{"name": GROUP, "config": AT_ONCE}]}],
        "buckets": [{"name": "plain", "versioning": False}],
    }
    try:
        world.emulator.reset()
        assert world.emulator.env["AWS_REGION"] == "cn-north-1"
        functions, codedeploy, s3 = (_abroad(world, service) for service in ("lambda", "codedeploy", "s3"))
        found = functions.get_function_configuration(FunctionName="f", Qualifier="live")
        assert found["FunctionArn"] == "arn:aws-cn:lambda:cn-north-1:123456789012:function:f:live"
        assert found["Role"] == "arn:aws-cn:iam::123456789012:role/lambda-role"
        assert found["Environment"] == {"Variables": {"A": "1", "B": "true", "C": "x"}}
        latest = functions.get_function_configuration(FunctionName="f")
        assert latest["CodeSha256"] != found["CodeSha256"]
        group = codedeploy.get_deployment_group(applicationName=APP, deploymentGroupName=GROUP)["deploymentGroupInfo"]
        assert group["serviceRoleArn"] == "arn:aws-cn:iam::123456789012:role/codedeploy-role"
        assert s3.get_bucket_location(Bucket="plain")["LocationConstraint"] == "cn-north-1"
        assert "Status" not in s3.get_bucket_versioning(Bucket="plain")
    finally:
        world.emulator._seed = {}


def _abroad(world: World, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=world.emulator.url,
        region_name="cn-north-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def test_the_code_of_a_seeded_function_may_be_several_files(world: World) -> None:
    files = {"app.py": "import other\ndef handler(event, context):\n    return other.X\n", "other.py": "X = 5\n"}
    world.emulator._seed = {"switches": {"hooks": "run"}, "functions": [{"name": "f", "versions": [files]}]}
    try:
        # Switches of the emulator itself come last, so that a test has what it asked for.
        world.emulator.reset()
        assert world.emulator.switch_values()["hooks"] == "succeed"
        world.emulator.switches(hooks="run")
        assert json.load(world.functions.invoke(FunctionName="f", Qualifier="1")["Payload"]) == 5
    finally:
        world.emulator._seed = {}


@pytest.mark.parametrize(
    ("seed", "text"),
    [
        ({"colour": "red"}, "the seed has unknown keys: colour"),
        ({"functions": [{"runtime": "x"}]}, "every entry of 'functions' needs a name"),
        ({"functions": [4]}, "every entry of 'functions' needs a name"),
        ({"functions": [{"name": "f", "versions": [5]}]}, "the code of function 'f' is a text"),
        ({"functions": [{"name": "f", "code": {}, "versions": [{}]}]}, "the code of function 'f' is a text"),
        ({"applications": [{"name": "a", "groups": ["g"]}]}, "a group of application a must be a mapping"),
        (
            {"region": "nowhere", "buckets": ["b-1"]},
            r"(?s)the seed was refused by s3: PUT /b-1: .*the region 'nowhere' is wrong",
        ),
        ({"repositories": [{"name": "no-slash"}]}, "repository 'no-slash' must be written owner/name"),
    ],
)
def test_a_seed_that_makes_no_sense_says_what_is_wrong(world: World, seed: dict, text: str) -> None:
    from codedeploy_emulator.seed import load

    with pytest.raises(SeedError, match=text):
        world.emulator._seeder.apply(load(seed))


def test_a_seed_file_that_holds_a_list_is_refused(tmp_path: Path) -> None:
    from codedeploy_emulator.seed import load

    listed = tmp_path / "list.yaml"
    listed.write_text("- a\n", encoding="utf-8")
    with pytest.raises(SeedError, match="the seed must be a mapping"):
        load(listed)


@pytest.mark.parametrize(
    "seed",
    [
        {"colour": "red"},
        {"functions": [{"runtime": "x"}]},
        {"functions": [{"name": "f", "colour": "red"}]},
        {"functions": [{"name": "f", "aliases": {"live": 4}}]},
        {"applications": [{"name": "a", "groups": [{"name": "g", "config": "none"}]}]},
        {"switches": {"none": 1}},
        {"faults": [{"fault": "flood"}]},
        {"repositories": [{"name": "no-slash"}]},
    ],
)
def test_a_seed_that_makes_no_sense_says_where(world: World, seed: dict) -> None:
    from codedeploy_emulator.seed import load

    with pytest.raises(SeedError):
        world.emulator._seeder.apply(load(seed))


def test_a_seed_file_that_is_not_there_or_not_yaml_says_so(tmp_path: Path) -> None:
    from codedeploy_emulator.seed import load

    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [", encoding="utf-8")
    for path in (tmp_path / "none.yaml", broken):
        with pytest.raises(SeedError):
            load(path)
