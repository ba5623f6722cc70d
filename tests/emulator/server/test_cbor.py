"""CodeDeploy's second wire protocol, spoken with botocore's own serializer and parser, as other SDKs speak it."""

from __future__ import annotations

import struct
from typing import Any

import botocore.parsers
import botocore.serialize
import botocore.session
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from codedeploy_emulator.server import cbor
from tests.emulator.world import APP, AT_ONCE, GROUP, World, appspec, content

MODEL = botocore.session.get_session().get_service_model("codedeploy")
AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/codedeploy/aws4_request, Signature=0"


def _call(world: World, operation: str, **params: Any) -> dict[str, Any]:
    model = MODEL.operation_model(operation)
    serializer = botocore.serialize.create_serializer("smithy-rpc-v2-cbor", include_validation=False)
    request = serializer.serialize_to_request(params, model)
    answer = requests.post(
        f"{world.emulator.url}{request['url_path']}",
        data=request["body"],
        headers={**request["headers"], "Authorization": AUTHORIZATION},
        timeout=10,
    )
    assert answer.headers["smithy-protocol"] == "rpc-v2-cbor"
    given = {"status_code": answer.status_code, "headers": answer.headers, "body": answer.content}
    return dict(botocore.parsers.create_parser("smithy-rpc-v2-cbor").parse(given, model.output_shape))


def test_a_deployment_is_made_and_followed_in_cbor(shop: World) -> None:
    made = _call(
        shop,
        "CreateDeployment",
        applicationName=APP,
        deploymentGroupName=GROUP,
        deploymentConfigName=AT_ONCE,
        revision=content(appspec("1", "2")),
    )
    shop.emulator.advance(60)
    info = _call(shop, "GetDeployment", deploymentId=made["deploymentId"])["deploymentInfo"]
    assert info == shop.info(made["deploymentId"])
    target = _call(shop, "GetDeploymentTarget", deploymentId=made["deploymentId"], targetId="checkout")
    assert target["deploymentTarget"]["lambdaTarget"] == shop.target(made["deploymentId"])
    span = {"start": info["createTime"], "end": info["completeTime"]}
    assert _call(shop, "ListDeployments", createTimeRange=span)["deployments"] == [made["deploymentId"]]
    assert shop.emulator.calls[-1]["operation"] == "ListDeployments"


def test_an_error_is_the_same_in_cbor(world: World) -> None:
    answer = _call(world, "GetDeployment", deploymentId="d-000000000")
    assert answer["Error"]["Code"] == "DeploymentDoesNotExistException"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize("body", [b"\xa1\x80\x01", b"\xff", b"\x80", b"\x81" * 100_000])
def test_a_body_that_is_no_cbor_map_is_a_serialization_error(world: World, body: bytes) -> None:
    answer = requests.post(
        f"{world.emulator.url}/service/CodeDeploy_20141006/operation/GetDeployment",
        data=body,
        headers={"Authorization": AUTHORIZATION, "smithy-protocol": "rpc-v2-cbor"},
        timeout=10,
    )
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/cbor")
    assert cbor.decode(answer.content)["__type"] == "SerializationException"


def test_a_throttle_is_the_same_in_cbor(world: World) -> None:
    world.emulator.faults(service="codedeploy", fault="throttle")
    assert _call(world, "ListApplications")["Error"]["Code"] == "ThrottlingException"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xa1",
        b"\xa1\x61",
        b"\x1c",
        b"\x19\x01",
        b"\xff\x00",
        b"\xa0\xa0",
        b"\xbf\x61a\xff",
        b"\xf9\x00",
        b"\xa1\x80\x01",
        b"\x7f\x41a\xff",
    ],
)
def test_bytes_that_are_no_cbor_are_an_error(raw: bytes) -> None:
    with pytest.raises((cbor.CborError, UnicodeDecodeError)):
        cbor.decode(raw)


def test_indefinite_lengths_half_floats_and_tags_are_read() -> None:
    assert cbor.decode(b"\xbf\x61a\x9f\x01\x20\xff\x61b\x7f\x61x\x61y\xff\xff") == {"a": [1, -1], "b": "xy"}
    assert cbor.decode(b"\xc1\xf9\x3c\x00") == 1.0
    assert cbor.decode(b"\xfa" + struct.pack(">f", 0.5)) == 0.5
    assert cbor.decode(b"\x5f\x41a\x41b\xff") == b"ab"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert cbor.decode(cbor.encode(value)) == value
