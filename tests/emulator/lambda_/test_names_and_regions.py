"""Names as AWS reads them: of regions and partitions, and of functions (a name, a partial or a whole ARN)."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
import requests
from botocore.exceptions import ClientError

from codedeploy_emulator.lambda_.names import FunctionName, parse
from codedeploy_emulator.places import partition
from tests.emulator.world import AT_ONCE, World

ARN = "arn:aws:lambda:us-east-1:123456789012:function:checkout"
ABROAD = ARN.replace("us-east-1", "eu-west-1")
FOREIGN = ARN.replace("123456789012", "111122223333")


def _refused(call: Any, **arguments: Any) -> tuple[int, str, str]:
    """The HTTP status, code and message of a refusal."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    response = refused.value.response
    error = response["Error"]
    return response["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]


INVALID = "InvalidSignatureException"


@pytest.mark.parametrize(
    ("service", "method", "path", "headers", "status", "code"),
    [
        ("codedeploy", "POST", "/", {"X-Amz-Target": "CodeDeploy_20141006.ListApplications"}, 400, INVALID),
        ("logs", "POST", "/", {"X-Amz-Target": "Logs_20140328.DescribeLogGroups"}, 400, INVALID),
        ("lambda", "GET", "/2015-03-31/functions", {}, 403, INVALID),
        ("sts", "POST", "/?Action=GetCallerIdentity&Version=2011-06-15", {}, 403, "SignatureDoesNotMatch"),
        ("s3", "GET", "/", {}, 400, "AuthorizationHeaderMalformed"),
    ],
)
def test_a_region_that_does_not_exist_is_a_signature_for_a_wrong_place(
    world: World, service: str, method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    scope = f"AWS4-HMAC-SHA256 Credential=testing/20260101/eu-wset-1/{service}/aws4_request, Signature=0"
    url = f"{world.emulator.url}{path}"
    answer = requests.request(method, url, headers={"Authorization": scope, **headers}, timeout=5)
    text = (
        "The authorization header is malformed; the region 'eu-wset-1' is wrong; expecting 'us-east-1'"
        if service == "s3"
        else "Credential should be scoped to a valid region, not 'eu-wset-1'."
    )
    assert answer.status_code == status
    assert code in answer.headers.get("x-amzn-ErrorType", answer.text)
    assert text in answer.text


def test_every_region_that_botocore_knows_is_in_botocores_partition() -> None:
    session = botocore.session.get_session()
    regions = {
        name: partition_name
        for partition_name in session.get_available_partitions()
        for name in session.get_available_regions("lambda", partition_name)
    }
    assert {region: partition(region) for region in regions} == regions
    assert {"aws", "aws-cn", "aws-us-gov"} <= set(regions.values())


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        ("checkout", {}),
        ("checkout:live", {"qualifier": "live"}),
        ("checkout:$LATEST", {"qualifier": "$LATEST"}),
        ("function:checkout", {}),
        ("123456789012:checkout", {"account": "123456789012"}),
        ("123456789012:function:checkout:2", {"account": "123456789012", "qualifier": "2"}),
        (ABROAD, {"account": "123456789012", "region": "eu-west-1"}),
        (
            "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:checkout:live",
            {"account": "123456789012", "region": "us-gov-west-1", "qualifier": "live"},
        ),
    ],
)
def test_a_function_may_be_named_in_every_form_of_lambdas_model(raw: str, parts: dict[str, str]) -> None:
    assert parse(raw) == FunctionName(name="checkout", **parts)


@pytest.mark.parametrize("raw", ["", "a b", "arn:aws:sns:us-east-1:123456789012:topic", "checkout:", f"{ARN}:1:2"])
def test_what_is_no_function_name_names_none(raw: str) -> None:
    assert parse(raw) is None


@pytest.mark.parametrize(
    ("arguments", "status", "code", "message"),
    [
        (
            {"FunctionName": ABROAD},
            404,
            "ResourceNotFoundException",
            "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
        ),
        (
            {"FunctionName": FOREIGN},
            403,
            "AccessDeniedException",
            "User: arn:aws:sts::123456789012:assumed-role/ci/session is not authorized to reach "
            f"{FOREIGN} because no resource-based policy of account 111122223333 allows it",
        ),
        (
            {"FunctionName": f"{ARN}:1", "Qualifier": "2"},
            400,
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        ),
    ],
)
def test_a_function_that_cannot_be_meant_is_refused(
    world: World, arguments: dict[str, str], status: int, code: str, message: str
) -> None:
    world.served()
    for operation in ("get_function", "get_function_configuration", "invoke"):
        assert _refused(getattr(world.functions, operation), **arguments) == (status, code, message)


def test_a_function_name_that_is_none_is_a_validation_error(world: World) -> None:
    status, code, message = _refused(world.functions.get_function, FunctionName="a b")
    assert (status, code) == (400, "ValidationException")
    assert message.startswith("1 validation error detected: Value 'a b' at 'functionName' failed to satisfy constraint")


def test_a_qualifier_may_be_said_twice_when_it_is_the_same(world: World) -> None:
    world.served()
    found = world.functions.get_function_configuration(FunctionName="123456789012:function:checkout:2", Qualifier="2")
    assert (found["Version"], found["FunctionArn"]) == ("2", f"{ARN}:2")


@pytest.mark.parametrize("name", [ARN, "123456789012:function:checkout"])
def test_an_appspec_may_name_its_function_by_arn(shop: World, name: str) -> None:
    deployment = shop.deploy(function=name, deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    assert (shop.status(deployment), shop.traffic()) == ("Succeeded", {"2": 1.0})
    assert shop.target(deployment)["targetArn"] == ARN


@pytest.mark.parametrize("name", [ABROAD, FOREIGN])
def test_a_function_of_another_region_or_account_cannot_be_deployed(shop: World, name: str) -> None:
    deployment = shop.deploy(function=name, deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    assert (shop.status(deployment), shop.error(deployment)) == ("Failed", "INVALID_LAMBDA_FUNCTION")
    assert shop.target(deployment)["targetArn"] == name
    assert shop.traffic() == {"1": 1.0}


def test_a_hook_of_another_region_does_not_exist(shop: World) -> None:
    shop.function("CodeDeployHook_smoke")
    hook = ARN.replace("checkout", "CodeDeployHook_smoke")
    good = shop.deploy(before=f"{hook}:$LATEST", deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    bad = shop.deploy("2", "1", before=hook.replace("us-east-1", "eu-west-1"), deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    assert shop.status(good) == "Succeeded"
    assert (shop.status(bad), shop.error(bad)) == ("Failed", "HOOK_EXECUTION_FAILURE")
    hook_event = shop.target(bad)["lifecycleEvents"][0]
    assert hook_event["diagnostics"]["errorCode"] == "ScriptMissing"
