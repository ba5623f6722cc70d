"""AWS's request limits, behind a switch, in emulated time (facts A11)."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.emulator.world import AT_ONCE, World


def _refused_after(call: object, most: int = 300) -> int:
    for number in range(most):
        try:
            call()  # type: ignore[operator]
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("TooManyRequestsException", "ThrottlingException"):
                raise
            return number
    return most


def test_without_the_switch_nothing_is_throttled(shop: World) -> None:
    get = shop.functions.get_alias
    assert _refused_after(lambda: get(FunctionName="checkout", Name="live"), 60) == 60


def test_lambdas_control_plane_allows_15_requests_a_second_in_all(shop: World) -> None:
    shop.emulator.switches(limits=True)
    get = shop.functions
    calls = iter([lambda: get.get_alias(FunctionName="checkout", Name="live"), lambda: get.list_functions()] * 50)
    assert _refused_after(lambda: next(calls)()) == 15
    shop.emulator.advance(1)
    assert _refused_after(lambda: get.list_functions()) == 15


def test_get_function_has_a_limit_of_its_own(shop: World) -> None:
    shop.emulator.switches(limits=True)
    assert _refused_after(lambda: shop.functions.get_function(FunctionName="checkout")) == 100
    shop.functions.get_alias(FunctionName="checkout", Name="live")


def test_invoking_is_not_of_the_control_plane(shop: World) -> None:
    shop.emulator.switches(limits=True)
    assert _refused_after(lambda: shop.functions.invoke(FunctionName="checkout"), 40) == 40


def test_codedeploys_api_is_throttled_in_bursts(shop: World) -> None:
    shop.emulator.switches(limits=True)
    assert _refused_after(lambda: shop.codedeploy.list_applications()) == 20
    shop.emulator.advance(2)
    assert _refused_after(lambda: shop.codedeploy.list_applications()) == 10


def test_codedeploys_alias_updates_compete_for_lambdas_limit_and_lose_with_throttled(shop: World) -> None:
    shop.emulator.switches(limits=True, lambda_rate=0)
    deployment = shop.deploy(deploymentConfigName=AT_ONCE, autoRollbackConfiguration={"enabled": False})
    shop.emulator.advance(60)
    assert (shop.status(deployment), shop.error(deployment)) == ("Failed", "THROTTLED")
    assert "exceeded the request limit for AWSLambda" in shop.info(deployment)["errorInformation"]["message"]


def test_an_alias_update_that_loses_once_is_tried_again(shop: World) -> None:
    deployment = shop.deploy(deploymentConfigName=AT_ONCE)
    shop.emulator.switches(limits=True, lambda_rate=1)
    shop.emulator.advance(1.8)
    shop.functions.list_functions()
    shop.emulator.advance(60)
    assert shop.status(deployment) == "Succeeded"
    assert shop.traffic() == {"2": 1.0}


def test_the_limits_of_one_region_are_not_those_of_another(shop: World) -> None:
    import boto3

    shop.emulator.switches(limits=True)
    _refused_after(lambda: shop.functions.list_functions())
    abroad = boto3.client(
        "lambda",
        endpoint_url=shop.emulator.url,
        region_name="eu-west-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    assert abroad.list_functions()["Functions"] == []
    abroad.close()


def test_a_throttled_client_that_waits_gets_through(shop: World) -> None:
    shop.emulator.switches(limits=True)
    _refused_after(lambda: shop.functions.list_functions())
    with pytest.raises(ClientError):
        shop.functions.list_functions()
    shop.emulator.advance(0.1)
    shop.functions.list_functions()
