"""Lambda's recorded answers where moto's differ: a test a difference.

Sources: LocalStack's snapshots of AWS (2025), moto's tests that ran against AWS, and the measurements in the pull
requests 2824 and 2825 of floci-io/floci.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from codedeploy_emulator.seed import zip_of
from tests.emulator.world import APP, World

NAME = "checkout"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:checkout"
STATES = {"State", "StateReason", "StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason"}


@pytest.fixture
def checkout(world: World) -> World:
    """A function with versions 1 and 2, its alias on 1."""
    return world.once("checkout", world.served)


def _refused(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int, str]:
    answer = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


def _code(text: str = "x = 1\n") -> bytes:
    return zip_of({"app.py": text})


def _revision(world: World, **more: str) -> str:
    return str(world.functions.get_function_configuration(FunctionName=NAME, **more)["RevisionId"])


@pytest.mark.parametrize("qualifier", ["1", "live"])
@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("update_function_code", {"ZipFile": _code("changed = True\n")}),
        ("update_function_configuration", {"Timeout": 99}),
        ("publish_version", {}),
    ],
)
def test_a_published_version_never_changes(
    checkout: World, operation: str, given: dict[str, Any], qualifier: str
) -> None:
    before = checkout.functions.get_function_configuration(FunctionName=NAME, Qualifier=qualifier)
    with pytest.raises(ClientError, match="Aliases and versions do not support this operation") as error:
        getattr(checkout.functions, operation)(FunctionName=f"{NAME}:{qualifier}", **given)
    assert _refused(error)[:2] == ("InvalidParameterValueException", 400)
    after = checkout.functions.get_function_configuration(FunctionName=NAME, Qualifier=qualifier)
    assert {**before, "ResponseMetadata": None} == {**after, "ResponseMetadata": None}


def test_publishing_moves_the_revision_id_of_latest(checkout: World) -> None:
    checkout.functions.update_function_configuration(FunctionName=NAME, Timeout=9)
    before = _revision(checkout)
    version = checkout.functions.publish_version(FunctionName=NAME, RevisionId=before)
    assert _revision(checkout) not in (before, version["RevisionId"])
    with pytest.raises(checkout.functions.exceptions.PreconditionFailedException):
        checkout.functions.update_function_configuration(FunctionName=NAME, Timeout=10, RevisionId=before)


def test_publishing_nothing_new_moves_no_revision_id(checkout: World) -> None:
    before = _revision(checkout)
    checkout.functions.publish_version(FunctionName=NAME)
    assert _revision(checkout) == before


def test_the_end_of_an_update_moves_the_revision_id(checkout: World) -> None:
    checkout.emulator.switches(lambda_pending_seconds=20)
    first = checkout.functions.update_function_configuration(FunctionName=NAME, Timeout=9)["RevisionId"]
    assert _revision(checkout) == first
    checkout.emulator.advance(30)
    second = _revision(checkout)
    assert second != first
    with pytest.raises(checkout.functions.exceptions.PreconditionFailedException):
        checkout.functions.publish_version(FunctionName=NAME, RevisionId=first)
    assert checkout.functions.publish_version(FunctionName=NAME, RevisionId=second)["Version"] == "3"


def test_the_end_of_pending_moves_the_revision_id(checkout: World) -> None:
    checkout.emulator.switches(lambda_pending_seconds=20)
    checkout.functions.create_function(
        FunctionName="born", Runtime="python3.13", Handler="a.b", Role=checkout.role(), Code={"ZipFile": _code()}
    )
    seen = []
    for seconds in (0, 10, 30, 10):
        checkout.emulator.advance(seconds)
        seen.append(checkout.functions.get_function(FunctionName="born")["Configuration"]["RevisionId"])
    assert seen[0] == seen[1] != seen[2] == seen[3]


@pytest.mark.parametrize("publish", [False, True])
def test_the_same_code_again_makes_a_new_version(checkout: World, publish: bool) -> None:
    checkout.functions.update_function_code(FunctionName=NAME, ZipFile=_code())
    first = checkout.functions.publish_version(FunctionName=NAME)
    again = checkout.functions.update_function_code(FunctionName=NAME, ZipFile=_code(), Publish=publish)
    if not publish:
        again = checkout.functions.publish_version(FunctionName=NAME)
    assert (int(again["Version"]) - int(first["Version"]), again["CodeSha256"]) == (1, first["CodeSha256"])


def test_a_function_that_is_published_as_it_is_created_answers_its_bare_arn(checkout: World) -> None:
    made = checkout.functions.create_function(
        FunctionName="born",
        Runtime="python3.13",
        Handler="a.b",
        Role=checkout.role(),
        Code={"ZipFile": _code()},
        Publish=True,
    )
    assert (made["Version"], made["FunctionArn"]) == ("1", ARN.replace(NAME, "born"))


def test_a_list_of_all_versions_qualifies_latest_and_another_does_not(checkout: World) -> None:
    every = [one["FunctionArn"] for one in checkout.functions.list_functions(FunctionVersion="ALL")["Functions"]]
    assert every == [f"{ARN}:$LATEST", f"{ARN}:1", f"{ARN}:2"]
    assert [one["FunctionArn"] for one in checkout.functions.list_functions()["Functions"]] == [ARN]


def test_lists_have_no_states_and_a_function_has(checkout: World) -> None:
    listed = checkout.functions.list_versions_by_function(FunctionName=NAME)["Versions"]
    listed += checkout.functions.list_functions()["Functions"]
    assert len(listed) == 4
    for one in listed:
        assert not STATES & set(one)
    assert checkout.functions.get_function(FunctionName=NAME, Qualifier="1")["Configuration"]["State"] == "Active"


def test_deleting_a_version_that_is_not_there_is_no_error(checkout: World) -> None:
    for qualifier in ("2", "2", "99"):
        gone = checkout.functions.delete_function(FunctionName=NAME, Qualifier=qualifier)
        assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(checkout.functions.exceptions.ResourceNotFoundException):
        checkout.functions.delete_function(FunctionName="none", Qualifier="1")


def test_an_alias_that_is_not_there_is_missed_in_two_ways(checkout: World) -> None:
    for operation, text in (("update_alias", "Alias not found: {}"), ("get_alias", "Cannot find alias arn: {}")):
        with pytest.raises(ClientError) as error:
            getattr(checkout.functions, operation)(FunctionName=NAME, Name="beta")
        assert _refused(error) == ("ResourceNotFoundException", 404, text.format(f"{ARN}:beta"))


VALUE = (
    "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value "
    "greater than or equal to 0.0, Member must not be null]"
)
KEY = (
    "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length "
    "greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+, Member must not be null]"
)
WRONG = (
    "1 validation error detected: Value '{{{}}}' at 'routingConfig.additionalVersionWeights' failed to satisfy "
    "constraint: {}"
)


@pytest.mark.parametrize(
    ("weights", "code", "message"),
    [
        (
            {"1": 0.1, "2": 0.1},
            "InvalidParameterValueException",
            "Number of items in AdditionalVersionWeights cannot be greater than 1",
        ),
        (
            {"1": 0.1},
            "InvalidParameterValueException",
            "Invalid function version 1. Function version 1 is already included in routing configuration.",
        ),
        ({"2": 1.5}, "ValidationException", WRONG.format("2=1.5", VALUE)),
        ({"two": 0.5}, "ValidationException", WRONG.format("two=0.5", KEY)),
    ],
)
def test_weights_are_refused_in_lambdas_words(
    checkout: World, weights: dict[str, float], code: str, message: str
) -> None:
    routing = {"AdditionalVersionWeights": weights}
    for call in (
        lambda: checkout.functions.update_alias(FunctionName=NAME, Name="live", RoutingConfig=routing),
        lambda: checkout.functions.create_alias(
            FunctionName=NAME, Name="beta", FunctionVersion="1", RoutingConfig=routing
        ),
    ):
        with pytest.raises(ClientError) as error:
            call()
        assert _refused(error) == (code, 400, message)
    assert checkout.traffic() == {"1": 1.0}


def test_an_images_configuration_can_be_changed(checkout: World) -> None:
    checkout.functions.create_function(
        FunctionName="image",
        PackageType="Image",
        Role=checkout.role(),
        Code={"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:1"},
    )
    given = {"Command": ["app.other"], "EntryPoint": ["/run"], "WorkingDirectory": "/srv"}
    changed = checkout.functions.update_function_configuration(FunctionName="image", ImageConfig=given)
    assert changed["ImageConfigResponse"]["ImageConfig"] == given
    version = checkout.functions.publish_version(FunctionName="image")
    assert version["ImageConfigResponse"]["ImageConfig"] == given


def test_file_systems_are_kept_and_published(checkout: World) -> None:
    access = {"Arn": "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-1", "LocalMountPath": "/mnt/a"}
    checkout.functions.update_function_configuration(FunctionName=NAME, FileSystemConfigs=[access])
    version = checkout.functions.publish_version(FunctionName=NAME)
    assert (version["Version"], version["FileSystemConfigs"]) == ("3", [access])
    cleared = checkout.functions.update_function_configuration(FunctionName=NAME, FileSystemConfigs=[])
    assert "FileSystemConfigs" not in cleared
    found = checkout.functions.get_function_configuration(FunctionName=NAME, Qualifier="3")
    assert found["FileSystemConfigs"] == [access]


def _permit(world: World, qualifier: str | None = None, statement: str = "gateway") -> None:
    world.functions.add_permission(
        FunctionName=NAME,
        StatementId=statement,
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        **({"Qualifier": qualifier} if qualifier else {}),
    )


def test_a_statement_is_added_to_a_policy_once(checkout: World) -> None:
    _permit(checkout)
    with pytest.raises(ClientError) as error:
        _permit(checkout)
    assert _refused(error) == (
        "ResourceConflictException",
        409,
        "The statement id (gateway) provided already exists. Please provide a new statement id, or remove the existing "
        "statement.",
    )
    _permit(checkout, statement="other")
    for qualifier in ("2", "live"):  # each has a policy of its own
        _permit(checkout, qualifier)
        with pytest.raises(checkout.functions.exceptions.ResourceConflictException):
            _permit(checkout, qualifier)
    policy = json.loads(checkout.functions.get_policy(FunctionName=NAME, Qualifier="2")["Policy"])
    assert [one["Resource"] for one in policy["Statement"]] == [f"{ARN}:2"]


def test_without_a_statement_there_is_no_policy(checkout: World) -> None:
    def shown(**more: str) -> object:
        return checkout.functions.get_policy(FunctionName=NAME, **more)["Policy"]

    with pytest.raises(ClientError) as error:
        shown()
    assert _refused(error) == ("ResourceNotFoundException", 404, "The resource you requested does not exist.")
    _permit(checkout)
    assert "gateway" in str(shown())
    with pytest.raises(checkout.functions.exceptions.ResourceNotFoundException):
        shown(Qualifier="2")
    checkout.functions.remove_permission(FunctionName=NAME, StatementId="gateway")
    with pytest.raises(checkout.functions.exceptions.ResourceNotFoundException):
        shown()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, 1),
        ({"ResourceTypeFilters": ["codedeploy"]}, 1),
        ({"ResourceTypeFilters": ["codedeploy:application"]}, 1),
        ({"ResourceTypeFilters": ["codedeploy:deploymentgroup"]}, 0),
        ({"ResourceTypeFilters": ["s3"]}, 0),
        ({"TagFilters": [{"Key": "team"}]}, 1),
        ({"TagFilters": [{"Key": "team", "Values": ["shop"]}]}, 1),
        ({"TagFilters": [{"Key": "team", "Values": ["other"]}]}, 0),
        ({"TagFilters": [{"Key": "cost"}]}, 0),
        ({"ResourceARNList": ["arn:aws:codedeploy:us-east-1:123456789012:application:tagged"]}, 1),
        ({"ResourceARNList": ["arn:aws:codedeploy:us-east-1:123456789012:application:other"]}, 0),
    ],
)
def test_the_tagging_api_lists_codedeploys_resources(shop: World, asked: dict[str, Any], found: int) -> None:
    tags = [{"Key": "team", "Value": "shop"}]
    shop.codedeploy.create_application(applicationName="tagged", computePlatform="Lambda", tags=tags)
    listed = shop.client("resourcegroupstaggingapi").get_resources(**asked)["ResourceTagMappingList"]
    assert f"application:{APP}" not in str(listed), "it has no tags"
    assert (
        listed
        == [{"ResourceARN": "arn:aws:codedeploy:us-east-1:123456789012:application:tagged", "Tags": tags}] * found
    )
