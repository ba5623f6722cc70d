"""Faults: the weather on any call, in each service's own words, before or after the effect."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from codedeploy_emulator import SeedError
from tests.emulator.world import World

TOKEN = {"Authorization": "Bearer ghs_x"}


def _call(world: World, service: str) -> Any:
    calls = {
        "codedeploy": lambda: world.client("codedeploy").list_applications(),
        "lambda": lambda: world.client("lambda").list_functions(),
        "s3": lambda: world.client("s3").list_buckets(),
        "cloudwatch": lambda: world.client("cloudwatch").describe_alarms(),
        "logs": lambda: world.client("logs").describe_log_groups(),
        "sts": lambda: world.client("sts").get_caller_identity(),
        "iam": lambda: world.client("iam").list_roles(),
    }
    return calls[service]()


@pytest.mark.parametrize(
    ("service", "fault", "code", "status"),
    [
        ("codedeploy", "throttle", "ThrottlingException", 400),
        ("codedeploy", "error500", "InternalServerException", 500),
        ("codedeploy", "access-denied", "AccessDeniedException", 400),
        ("codedeploy", "expired-token", "ExpiredTokenException", 400),
        ("lambda", "throttle", "TooManyRequestsException", 429),
        ("lambda", "error500", "ServiceException", 500),
        ("lambda", "access-denied", "AccessDeniedException", 403),
        ("lambda", "expired-token", "ExpiredTokenException", 403),
        ("s3", "throttle", "SlowDown", 503),
        ("s3", "error500", "InternalError", 500),
        ("s3", "access-denied", "AccessDenied", 403),
        ("s3", "expired-token", "ExpiredToken", 400),
        ("cloudwatch", "throttle", "ThrottlingException", 400),
        ("logs", "access-denied", "AccessDeniedException", 400),
        ("sts", "expired-token", "ExpiredToken", 403),
        ("sts", "throttle", "Throttling", 400),
        ("iam", "access-denied", "AccessDenied", 403),
    ],
)
def test_each_service_fails_in_its_own_words(world: World, service: str, fault: str, code: str, status: int) -> None:
    world.emulator.faults(service=service, fault=fault, times=1)
    with pytest.raises(ClientError) as failed:
        _call(world, service)
    response = failed.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert (world.emulator.calls[-1]["service"], world.emulator.calls[-1]["status"]) == (service, status)
    _call(world, service)


def test_an_access_denial_names_the_action(world: World) -> None:
    world.emulator.faults(service="codedeploy", operation="ListApplications", fault="access-denied")
    with pytest.raises(ClientError, match="is not authorized to perform: codedeploy:ListApplications on resource"):
        _call(world, "codedeploy")


@pytest.mark.parametrize("service", ["codedeploy", "lambda", "s3", "sts"])
def test_a_reset_closes_the_connection_without_an_answer(world: World, service: str) -> None:
    world.emulator.faults(service=service, fault="reset", times=1)
    with pytest.raises(ConnectionClosedError):
        _call(world, service)
    assert world.emulator.calls[-1]["status"] is None
    _call(world, service)


def test_a_timeout_never_answers(world: World) -> None:
    world.emulator.faults(fault="timeout", times=1)
    with pytest.raises(ReadTimeoutError):
        world.client("codedeploy", read_timeout=0.2).list_applications()
    assert world.emulator.calls[-1]["status"] is None


def test_a_slow_answer_comes_in_the_end(world: World) -> None:
    world.emulator.faults(fault="slow", seconds=0.1)
    assert _call(world, "codedeploy")["applications"] == []


@pytest.mark.parametrize("fault", ["reset", "error500"])
def test_a_deployment_can_be_created_and_its_answer_lost(shop: World, fault: str) -> None:
    entry = {"service": "codedeploy", "operation": "CreateDeployment", "fault": fault, "when": "after", "times": 1}
    shop.emulator.faults([entry])
    with pytest.raises((ClientError, ConnectionClosedError)):
        shop.deploy(description="mine")
    (found,) = shop.codedeploy.list_deployments()["deployments"]
    assert shop.info(found)["description"] == "mine"


def test_before_the_effect_means_before(shop: World) -> None:
    shop.emulator.faults(service="codedeploy", operation="CreateDeployment", fault="reset")
    with pytest.raises(ConnectionClosedError):
        shop.deploy()
    assert shop.codedeploy.list_deployments()["deployments"] == []


def test_a_throttle_can_carry_a_retry_hint(world: World) -> None:
    world.emulator.faults([{"service": "lambda", "fault": "throttle", "retry-after": 7}])
    with pytest.raises(ClientError) as failed:
        _call(world, "lambda")
    headers = failed.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["retry-after"], headers["x-amz-retry-after"]) == ("7", "7000")


def test_times_are_counted_and_the_list_shows_what_is_left(world: World) -> None:
    world.emulator.faults(service="s3", fault="error500", times=2)
    for left in (1, 0):
        with pytest.raises(ClientError):
            _call(world, "s3")
        shown = requests.get(f"{world.emulator.url}/_emulator/faults", timeout=5).json()
        assert shown[0]["times"] == left
    _call(world, "s3")


def _pattern(world: World) -> list[bool]:
    world.emulator.faults(service="codedeploy", fault="throttle", probability=0.5)
    found = []
    for _ in range(30):
        try:
            _call(world, "codedeploy")
            found.append(True)
        except ClientError:
            found.append(False)
    return found


def test_probabilities_are_reproducible_from_the_seed(world: World) -> None:
    first = _pattern(world)
    assert set(first) == {True, False}
    assert _pattern(world) == first
    world.emulator.switches(random_seed=1)
    assert _pattern(world) != first


def test_a_new_list_replaces_the_old_and_an_empty_one_clears(world: World) -> None:
    url = f"{world.emulator.url}/_emulator/faults"
    requests.post(url, json=[{"fault": "error500"}], timeout=5)
    requests.post(url, json=[{"service": "s3", "fault": "error500"}], timeout=5)
    _call(world, "codedeploy")
    requests.post(url, json=[], timeout=5)
    _call(world, "s3")


def test_a_fault_without_a_service_meets_github_and_tokens_but_never_control(world: World) -> None:
    emulator = world.emulator
    emulator.faults(fault="error500")
    assert requests.get(f"{emulator.url}/api/v3/repos/a/b", headers=TOKEN, timeout=5).status_code == 500
    assert requests.get(emulator.env["ACTIONS_ID_TOKEN_REQUEST_URL"], timeout=5).status_code == 500
    for path in ("health", "env", "calls", "faults", "clock", "switches"):
        assert requests.get(f"{emulator.url}/_emulator/{path}", timeout=5).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        ({"fault": "access-denied"}, 403, "Resource not accessible by integration"),
        ({"fault": "expired-token"}, 401, "Bad credentials"),
        ({"fault": "throttle"}, 403, "API rate limit exceeded"),
        ({"fault": "throttle", "retry-after": 30}, 403, "secondary rate limit"),
        ({"fault": "error500"}, 500, "Server Error"),
    ],
)
def test_github_fails_in_githubs_words(world: World, fault: dict, status: int, text: str) -> None:
    operation = "POST /repos/{owner}/{repo}/issues/{issue_number}/comments"
    world.emulator.faults([{"service": "github", "operation": operation, **fault}])
    url = f"{world.emulator.url}/api/v3/repos/a/b/issues/1/comments"
    answer = requests.post(url, json={"body": "x"}, headers=TOKEN, timeout=5)
    assert answer.status_code == status
    assert text in answer.json()["message"]
    assert requests.get(url, headers=TOKEN, timeout=5).json() == []
    if "retry-after" in fault:
        assert answer.headers["Retry-After"] == "30"
    elif fault["fault"] == "throttle":
        assert answer.headers["X-RateLimit-Remaining"] == "0"


def test_a_github_operation_may_be_named_by_its_real_path_or_a_pattern(world: World) -> None:
    url = f"{world.emulator.url}/api/v3/repos/a/b/issues/1/comments"
    for operation in ("GET /repos/a/b/issues/1/comments", "GET /repos/*/comments"):
        world.emulator.faults(service="github", operation=operation, fault="error500", times=1)
        assert requests.get(url, timeout=5).status_code == 500


@pytest.mark.parametrize(
    "entry",
    [
        {"fault": "flood"},
        {"fault": "throttle", "times": -1},
        {"fault": "throttle", "probability": 2},
        {"fault": "throttle", "when": "never"},
        {"fault": "throttle", "colour": "red"},
        "throttle",
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_and_changes_nothing(world: World, entry: object) -> None:
    world.emulator.faults(service="s3", fault="error500")
    with pytest.raises(SeedError):
        world.emulator.faults([entry])
    answer = requests.post(f"{world.emulator.url}/_emulator/faults", json=[entry], timeout=5)
    assert (answer.status_code, "message" in answer.json()) == (400, True)
    with pytest.raises(ClientError):
        _call(world, "s3")
