"""The way without a socket (tests/support/at_hand.py) brings what the socket brings."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any
from unittest import mock

import boto3
import pytest
import requests
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError
from botocore.httpsession import URLLib3Session
from requests.adapters import HTTPAdapter

from codedeploy_emulator import Emulator
from codedeploy_emulator.github.state import BOT
from tests.support import at_hand
from tests.support.account import Account

CODE = {"S3Bucket": "demo-deployments", "S3Key": "a b/ü+%2F.json"}
ASKED: dict[str, Callable[[Account], Any]] = {
    "JSON": lambda it: it.codedeploy.list_applications(),
    "an error in JSON": lambda it: it.codedeploy.get_deployment(deploymentId="d-000000000"),
    "REST": lambda it: it.lambda_.get_function(FunctionName="checkout", Qualifier="live"),
    "a name in the path": lambda it: it.lambda_.list_tags(Resource=_arn(it)),
    "an error in REST": lambda it: it.lambda_.get_alias(FunctionName="checkout", Name="nobody"),
    "a stream": lambda it: it.lambda_.invoke(FunctionName="checkout", Payload=b'{"a": 1}')["Payload"].read(),
    "query": lambda it: boto3.client("sts", endpoint_url=it.emulator.url).get_caller_identity(),
    "CBOR": lambda it: it.cloudwatch.describe_alarms(),
    "an object": lambda it: it.s3.get_object(Bucket="demo-deployments", Key=CODE["S3Key"])["Body"].read(),
    "a head": lambda it: it.s3.head_object(Bucket="demo-deployments", Key=CODE["S3Key"]),
    "no such head": lambda it: it.s3.head_object(Bucket="demo-deployments", Key="nothing"),
    "a bucket's region": lambda it: it.s3.head_bucket(Bucket="demo-deployments"),
    "a query string": lambda it: it.s3.list_objects_v2(Bucket="demo-deployments", Prefix="a b/ü+"),
}


def _arn(account: Account) -> str:
    return str(account.lambda_.get_function(FunctionName="checkout")["Configuration"]["FunctionArn"])


def _answer(ask: Callable[[Account], Any], account: Account) -> Any:
    try:
        found = ask(account)
    except ClientError as error:
        found = error.response
    return _plain(found)


def _plain(value: Any) -> Any:
    """Without what is another's in each answer, or the connection's own."""
    other = {"requestid", "hostid", "x-amzn-requestid", "x-amz-request-id", "x-amzn-trace-id", "server", "connection"}
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if key.lower() not in other}
    return value


@pytest.mark.parametrize("what", ASKED)
def test_an_answer_at_hand_is_the_one_from_the_socket(emulator: Emulator, account: Account, what: str) -> None:
    account.s3.put_object(Bucket="demo-deployments", Key=CODE["S3Key"], Body=b"{}", Metadata={"of": "us"})
    near = _answer(ASKED[what], account)
    with mock.patch.object(URLLib3Session, "send", at_hand._send):
        far = _answer(ASKED[what], account)
    assert near == far


GITHUB: dict[str, tuple[str, str, Any]] = {
    "a pull request": ("GET", "repos/your-org/checkout/pulls/7", None),
    "a list": ("GET", "repos/your-org/checkout/issues/7/comments?per_page=1&page=2", None),
    "what is not there": ("GET", "repos/your-org/checkout/issues/comments/99", None),
    "who is nobody": ("POST", "graphql", {"query": "{viewer{login}}"}),
    "an edit": ("PATCH", "repos/your-org/checkout/issues/comments/{comment}", {"body": "ü"}),
    "nothing to say": ("DELETE", "repos/your-org/checkout/issues/comments/{comment}", None),
}


@pytest.mark.parametrize("what", GITHUB)
def test_github_at_hand_answers_as_from_the_socket(emulator: Emulator, what: str) -> None:
    method, path, body = GITHUB[what]
    answers = []
    for way in (contextlib.nullcontext(), mock.patch.object(HTTPAdapter, "send", at_hand._send_plain)):
        emulator.reset()
        comment = emulator.github.add_comment("your-org/checkout", 7, "one", BOT)["id"]
        emulator.github.add_comment("your-org/checkout", 7, "two", BOT)
        with way, requests.Session() as session:
            address = f"{emulator.env['GITHUB_API_URL']}/{path.format(comment=comment)}"
            found = session.request(method, address, json=body, headers={"Authorization": "Bearer x"}, timeout=5)
        told = (found.status_code, found.reason, found.content, found.links, found.url, _plain(dict(found.headers)))
        answers.append((*told, {**emulator.calls[-1], "at": 0}))
    assert answers[0] == answers[1]


def test_calls_are_told_by_either_way(emulator: Emulator, account: Account) -> None:
    account.codedeploy.list_applications()
    with mock.patch.object(URLLib3Session, "send", at_hand._send):
        account.codedeploy.list_applications()
    near, far = ({**call, "at": 0} for call in emulator.calls)
    assert near == far


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_that_is_cut_is_told_as_the_socket_tells_it(
    emulator: Emulator, account: Account, when: str
) -> None:
    told = []
    for number, way in enumerate((contextlib.nullcontext(), mock.patch.object(URLLib3Session, "send", at_hand._send))):
        emulator.faults(fault="reset", operation="CreateApplication", when=when)
        with way, pytest.raises(BotoCoreError) as caught:
            account.codedeploy.create_application(applicationName=f"app-{number}", computePlatform="Lambda")
        emulator.faults()
        made = f"app-{number}" in account.codedeploy.list_applications()["applications"]
        told.append((type(caught.value), str(caught.value), repr(caught.value.kwargs["error"]), made))
    assert told[0] == told[1]
    assert told[0][0] is ConnectionClosedError
    assert told[0][-1] == (when == "after")


def test_so_is_github_s(emulator: Emulator) -> None:
    told = []
    for way in (contextlib.nullcontext(), mock.patch.object(HTTPAdapter, "send", at_hand._send_plain)):
        emulator.faults(fault="reset", service="github")
        with way, requests.Session() as session, pytest.raises(requests.RequestException) as caught:
            session.get(f"{emulator.env['GITHUB_API_URL']}/repos/your-org/checkout", timeout=5)
        told.append((type(caught.value), str(caught.value), str(caught.value.request and caught.value.request.url)))
    assert told[0] == told[1]
    assert told[0][0] is requests.ConnectionError


def test_an_answer_that_comes_late_is_the_socket_s(emulator: Emulator, account: Account) -> None:
    emulator.faults(fault="slow", seconds=0.01, operation="ListApplications")
    with mock.patch.object(at_hand, "_answered", side_effect=AssertionError):
        assert account.codedeploy.list_applications()["applications"] == ["checkout-app"]
