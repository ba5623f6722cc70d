"""Lambda where moto falls short: what a deployment tool relies on (facts A12, C, F)."""

from __future__ import annotations

import base64
import io
import json
import stat
import zipfile
from collections import Counter

import pytest
import requests
from botocore.exceptions import ClientError, WaiterError

from codedeploy_emulator.aws import moto_parts
from codedeploy_emulator.seed import zip_of
from tests.emulator.world import World


def _code(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    return error.value.response["Error"]["Code"], error.value.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def checkout(world: World) -> World:
    """A function with versions 1 and 2, its alias on 1."""
    return world.once("checkout", world.served)


def test_an_alias_gets_a_new_revision_id_on_each_update_and_a_stale_one_is_refused(checkout: World) -> None:
    functions = checkout.functions
    first = functions.get_alias(FunctionName="checkout", Name="live")["RevisionId"]
    second = functions.update_alias(FunctionName="checkout", Name="live", FunctionVersion="2", RevisionId=first)
    assert second["RevisionId"] != first
    with pytest.raises(functions.exceptions.PreconditionFailedException) as refused:
        functions.update_alias(FunctionName="checkout", Name="live", FunctionVersion="1", RevisionId=first)
    assert _code(refused) == ("PreconditionFailedException", 412)
    assert checkout.traffic() == {"2": 1.0}


def test_weights_are_set_kept_and_cleared(checkout: World) -> None:
    update = checkout.functions.update_alias
    update(FunctionName="checkout", Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}})
    assert checkout.traffic() == {"1": 0.75, "2": 0.25}
    update(FunctionName="checkout", Name="live", Description="kept")
    assert checkout.traffic() == {"1": 0.75, "2": 0.25}
    update(FunctionName="checkout", Name="live", RoutingConfig={"AdditionalVersionWeights": {}})
    assert "RoutingConfig" not in checkout.functions.get_alias(FunctionName="checkout", Name="live")


@pytest.mark.parametrize(
    ("update", "code"),
    [
        ({"RoutingConfig": {"AdditionalVersionWeights": {"9": 0.1}}}, "ResourceNotFoundException"),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"2": 1.5}}}, "ValidationException"),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.1}}}, "InvalidParameterValueException"),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1, "1": 0.1}}}, "InvalidParameterValueException"),
        (
            {"FunctionVersion": "$LATEST", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}}},
            "InvalidParameterValueException",
        ),
        ({"FunctionVersion": "9"}, "ResourceNotFoundException"),
    ],
)
def test_weights_and_versions_of_an_alias_are_validated(checkout: World, update: dict, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        checkout.functions.update_alias(FunctionName="checkout", Name="live", **update)
    assert _code(refused)[0] == code
    assert checkout.traffic() == {"1": 1.0}


def test_a_second_alias_of_a_name_is_a_resource_conflict(checkout: World) -> None:
    with pytest.raises(checkout.functions.exceptions.ResourceConflictException) as refused:
        checkout.functions.create_alias(FunctionName="checkout", Name="live", FunctionVersion="2")
    assert _code(refused)[1] == 409


def test_publishing_is_a_no_op_when_nothing_changed(checkout: World) -> None:
    publish = checkout.functions.publish_version
    assert publish(FunctionName="checkout")["Version"] == "2"
    same = zip_of({"app.py": "def handler(event, context):\n    return 1\n"})
    checkout.functions.update_function_code(FunctionName="checkout", ZipFile=same)
    assert publish(FunctionName="checkout")["Version"] == "3"
    assert publish(FunctionName="checkout")["Version"] == "3"
    checkout.functions.update_function_configuration(FunctionName="checkout", Timeout=9)
    assert publish(FunctionName="checkout")["Version"] == "4"


def test_a_dead_letter_queue_is_kept_published_and_must_be_that_of_both_versions_of_an_alias(checkout: World) -> None:
    functions = checkout.functions
    queue = {"TargetArn": "arn:aws:sqs:us-east-1:123456789012:lost"}
    changed = functions.update_function_configuration(FunctionName="checkout", DeadLetterConfig=queue)
    assert changed["DeadLetterConfig"] == queue
    published = functions.publish_version(FunctionName="checkout")
    assert (published["Version"], published["DeadLetterConfig"]) == ("3", queue)
    with pytest.raises(ClientError, match="same dead-letter queue configuration") as refused:
        functions.update_alias(
            FunctionName="checkout", Name="live", RoutingConfig={"AdditionalVersionWeights": {"3": 0.1}}
        )
    assert _code(refused) == ("InvalidParameterValueException", 400)
    functions.update_function_configuration(FunctionName="checkout", DeadLetterConfig={"TargetArn": ""})
    assert "DeadLetterConfig" not in functions.get_function_configuration(FunctionName="checkout")
    assert functions.publish_version(FunctionName="checkout")["Version"] == "4"
    functions.update_alias(FunctionName="checkout", Name="live", RoutingConfig={"AdditionalVersionWeights": {"4": 0.1}})
    assert checkout.traffic() == {"1": 0.9, "4": 0.1}


def test_a_dead_letter_queue_may_be_there_from_the_start(world: World) -> None:
    queue = {"TargetArn": "arn:aws:sns:us-east-1:123456789012:lost"}
    world.function("sender", DeadLetterConfig=queue)
    assert world.functions.get_function_configuration(FunctionName="sender")["DeadLetterConfig"] == queue


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ({}, "Please provide a source for function code."),
        ({"S3Bucket": "code"}, "Please provide a source for function code."),
        ({"ZipFile": b"text"}, "Could not unzip uploaded file. Please check your file, then try to upload again."),
        (
            {"S3Bucket": "code", "S3Key": "text"},
            "Could not unzip uploaded file. Please check your file, then try to upload again.",
        ),
        (
            {"S3Bucket": "none", "S3Key": "a"},
            "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does "
            "not exist.",
        ),
    ],
)
def test_code_that_is_none_is_refused(checkout: World, code: dict, message: str) -> None:
    checkout.client("s3").create_bucket(Bucket="code")
    checkout.client("s3").put_object(Bucket="code", Key="text", Body=b"text")
    before = checkout.functions.get_function_configuration(FunctionName="checkout")["CodeSha256"]
    with pytest.raises(ClientError) as refused:
        checkout.functions.update_function_code(FunctionName="checkout", **code)
    assert _code(refused) == ("InvalidParameterValueException", 400)
    assert refused.value.response["Error"]["Message"] == message
    assert checkout.functions.get_function_configuration(FunctionName="checkout")["CodeSha256"] == before


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("PUT", "/code", b'{"ZipFile": "#"}', "InvalidRequestContentException"),
        ("PUT", "/code", b"{", "InvalidRequestContentException"),
        ("POST", "/aliases", b"[1]", "InvalidRequestContentException"),
        ("PUT", "/configuration", b'"text"', "InvalidRequestContentException"),
        ("GET", "/versions?Marker=LTU=", b"", "InvalidParameterValueException"),
        ("GET", "/versions?Marker=x", b"", "InvalidParameterValueException"),
        ("POST", "/aliases", b'{"Name": "7", "FunctionVersion": "1"}', "ValidationException"),
        ("POST", "/aliases", b'{"Name": "new"}', "ValidationException"),
        ("POST", "/aliases", b'{"Name": "new", "FunctionVersion": "live"}', "ValidationException"),
    ],
)
def test_a_request_that_lambda_cannot_read_is_refused_in_lambdas_words(
    checkout: World, method: str, path: str, body: bytes, code: str
) -> None:
    answer = requests.request(
        method,
        f"{checkout.emulator.url}/2015-03-31/functions/checkout{path}",
        data=body,
        headers={"Authorization": "AWS4-HMAC-SHA256 Credential=t/20260101/us-east-1/lambda/aws4_request, Signature=0"},
        timeout=5,
    )
    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == (400, code)
    assert answer.json()["Type"] == "User"
    assert answer.json()["Message"] == answer.json()["message"] != ""


def test_a_version_number_is_never_used_twice(checkout: World) -> None:
    checkout.functions.delete_function(FunctionName="checkout", Qualifier="2")
    assert checkout.publish("checkout", 7) == "3"
    versions = checkout.functions.list_versions_by_function(FunctionName="checkout")["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1", "3"]


def test_publishing_is_guarded_by_code_sha_and_revision(checkout: World) -> None:
    functions = checkout.functions
    with pytest.raises(functions.exceptions.InvalidParameterValueException, match="is different from current"):
        functions.publish_version(FunctionName="checkout", CodeSha256="other")
    with pytest.raises(functions.exceptions.PreconditionFailedException):
        functions.publish_version(FunctionName="checkout", RevisionId="other")
    latest = functions.get_function_configuration(FunctionName="checkout")
    published = functions.publish_version(
        FunctionName="checkout", CodeSha256=latest["CodeSha256"], RevisionId=latest["RevisionId"]
    )
    assert published["Version"] == "2"


def test_updates_are_guarded_by_revision_and_change_it(checkout: World) -> None:
    functions = checkout.functions
    before = functions.get_function_configuration(FunctionName="checkout")["RevisionId"]
    code = zip_of({"app.py": "def handler(event, context):\n    return 9\n"})
    after = functions.update_function_code(FunctionName="checkout", ZipFile=code, RevisionId=before)["RevisionId"]
    assert before != after
    for stale in (
        lambda: functions.update_function_code(FunctionName="checkout", ZipFile=code, RevisionId=before),
        lambda: functions.update_function_configuration(FunctionName="checkout", Timeout=5, RevisionId=before),
    ):
        with pytest.raises(functions.exceptions.PreconditionFailedException):
            stale()


def test_a_dry_run_changes_nothing(checkout: World) -> None:
    before = checkout.functions.get_function_configuration(FunctionName="checkout")
    code = zip_of({"app.py": "x = 1\n"})
    dry = checkout.functions.update_function_code(FunctionName="checkout", ZipFile=code, DryRun=True)
    after = checkout.functions.get_function_configuration(FunctionName="checkout")
    assert dry["CodeSha256"] != before["CodeSha256"]
    assert (after["CodeSha256"], after["RevisionId"]) == (before["CodeSha256"], before["RevisionId"])


def test_update_code_can_publish_at_once(checkout: World) -> None:
    code = zip_of({"app.py": "x = 1\n"})
    answer = checkout.functions.update_function_code(FunctionName="checkout", ZipFile=code, Publish=True)
    assert answer["Version"] == "3"


def test_a_published_version_keeps_its_code_and_configuration(checkout: World) -> None:
    get = checkout.functions.get_function_configuration
    before = get(FunctionName="checkout", Qualifier="1")
    checkout.publish("checkout", 50)
    checkout.functions.update_function_configuration(FunctionName="checkout", Timeout=77, Description="new")
    after = get(FunctionName="checkout", Qualifier="1")
    assert {**after, "ResponseMetadata": 0} == {**before, "ResponseMetadata": 0}


def test_a_published_version_keeps_its_image(world: World) -> None:
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/app"
    world.functions.create_function(
        FunctionName="image", PackageType="Image", Code={"ImageUri": f"{image}:1"}, Role=world.role()
    )
    assert world.functions.publish_version(FunctionName="image")["Version"] == "1"
    world.functions.update_function_code(FunctionName="image", ImageUri=f"{image}:2")
    assert world.functions.publish_version(FunctionName="image")["Version"] == "2"
    for version in ("1", "2"):
        code = world.functions.get_function(FunctionName="image", Qualifier=version)["Code"]
        assert code["ImageUri"] == f"{image}:{version}"


def test_code_in_s3_is_read_at_the_version_that_was_asked_for(checkout: World) -> None:
    s3 = checkout.client("s3")
    s3.create_bucket(Bucket="code")
    s3.put_bucket_versioning(Bucket="code", VersioningConfiguration={"Status": "Enabled"})
    old, new = (zip_of({"app.py": f"x = {number}\n"}) for number in range(2))
    first = s3.put_object(Bucket="code", Key="app.zip", Body=old)["VersionId"]
    s3.put_object(Bucket="code", Key="app.zip", Body=new)
    answer = checkout.functions.update_function_code(
        FunctionName="checkout", S3Bucket="code", S3Key="app.zip", S3ObjectVersion=first
    )
    assert answer["CodeSize"] == len(old)
    import hashlib

    assert answer["CodeSha256"] == base64.b64encode(hashlib.sha256(old).digest()).decode()
    with pytest.raises(checkout.functions.exceptions.InvalidParameterValueException, match="NoSuchKey"):
        checkout.functions.update_function_code(FunctionName="checkout", S3Bucket="code", S3Key="none")


def test_a_version_that_an_alias_serves_cannot_be_deleted(checkout: World) -> None:
    weights = {"AdditionalVersionWeights": {"2": 0.1}}
    checkout.functions.update_alias(FunctionName="checkout", Name="live", RoutingConfig=weights)
    for version in ("1", "2"):
        with pytest.raises(checkout.functions.exceptions.ResourceConflictException):
            checkout.functions.delete_function(FunctionName="checkout", Qualifier=version)
    checkout.functions.update_alias(FunctionName="checkout", Name="live", RoutingConfig={})
    checkout.functions.delete_function(FunctionName="checkout", Qualifier="2")


def test_states_can_be_pending_for_a_while(world: World) -> None:
    world.emulator.switches(lambda_pending_seconds=30)
    world.function("slow")
    get = world.functions.get_function_configuration
    assert get(FunctionName="slow")["State"] == "Pending"
    code = zip_of({"app.py": "x = 1\n"})
    for early in (
        lambda: world.functions.update_function_code(FunctionName="slow", ZipFile=code),
        lambda: world.functions.publish_version(FunctionName="slow"),
        lambda: world.functions.invoke(FunctionName="slow"),
    ):
        with pytest.raises(world.functions.exceptions.ResourceConflictException):
            early()
    world.emulator.advance(31)
    assert (get(FunctionName="slow")["State"], get(FunctionName="slow")["LastUpdateStatus"]) == ("Active", "Successful")
    world.functions.update_function_code(FunctionName="slow", ZipFile=code)
    assert get(FunctionName="slow")["LastUpdateStatus"] == "InProgress"
    with pytest.raises(world.functions.exceptions.ResourceConflictException):
        world.functions.publish_version(FunctionName="slow")
    world.emulator.advance(31)
    assert world.functions.publish_version(FunctionName="slow")["State"] == "Pending"
    world.emulator.advance(31)
    assert get(FunctionName="slow", Qualifier="1")["State"] == "Active"


def test_by_default_nothing_is_pending(world: World) -> None:
    world.function("quick")
    found = world.functions.get_function_configuration(FunctionName="quick")
    assert (found["State"], found["LastUpdateStatus"]) == ("Active", "Successful")


def test_lists_come_in_pages(world: World) -> None:
    world.served(versions=4)
    pages = world.functions.get_paginator("list_versions_by_function").paginate(
        FunctionName="checkout", PaginationConfig={"PageSize": 2}
    )
    found = [[version["Version"] for version in page["Versions"]] for page in pages]
    assert found == [["$LATEST", "1"], ["2", "3"], ["4"]]
    aliases = world.functions.list_aliases(FunctionName="checkout", FunctionVersion="1")["Aliases"]
    assert [alias["Name"] for alias in aliases] == ["live"]


@pytest.mark.parametrize("size", ["0", "x", "51"])
def test_a_page_size_that_lambda_does_not_have_is_one_that_it_has(checkout: World, size: str) -> None:
    scope = "AWS4-HMAC-SHA256 Credential=t/20260101/us-east-1/lambda/aws4_request, Signature=0"
    url = f"{checkout.emulator.url}/2015-03-31/functions/checkout/versions?MaxItems={size}"
    answer = requests.get(url, headers={"Authorization": scope}, timeout=5)
    found = [version["Version"] for version in answer.json()["Versions"]]
    assert found == (["$LATEST"] if size == "0" else ["$LATEST", "1", "2"])


def test_functions_may_be_named_by_arn_and_with_a_qualifier(checkout: World) -> None:
    arn = checkout.functions.get_function_configuration(FunctionName="checkout")["FunctionArn"]
    get = checkout.functions.get_function_configuration
    assert get(FunctionName=arn)["Version"] == "$LATEST"
    assert get(FunctionName=f"{arn}:2")["Version"] == "2"
    assert get(FunctionName="checkout:live")["Version"] == "1"
    assert get(FunctionName="checkout", Qualifier="live")["FunctionArn"] == f"{arn}:live"
    assert checkout.functions.get_alias(FunctionName=arn, Name="live")["FunctionVersion"] == "1"


def test_account_settings_and_provisioned_concurrency_answer(checkout: World) -> None:
    functions = checkout.functions
    settings = functions.get_account_settings()
    assert settings["AccountUsage"]["FunctionCount"] == 1
    assert settings["AccountLimit"]["TotalCodeSize"] == 300 * 1024**3
    with pytest.raises(functions.exceptions.ProvisionedConcurrencyConfigNotFoundException):
        functions.get_provisioned_concurrency_config(FunctionName="checkout", Qualifier="live")
    assert (
        functions.list_provisioned_concurrency_configs(FunctionName="checkout")["ProvisionedConcurrencyConfigs"] == []
    )
    put = functions.put_provisioned_concurrency_config
    put(FunctionName="checkout", Qualifier="live", ProvisionedConcurrentExecutions=3)
    found = functions.get_provisioned_concurrency_config(FunctionName="checkout", Qualifier="live")
    assert (found["Status"], found["RequestedProvisionedConcurrentExecutions"]) == ("READY", 3)
    functions.delete_provisioned_concurrency_config(FunctionName="checkout", Qualifier="live")
    functions.update_alias(FunctionName="checkout", Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}})
    with pytest.raises(functions.exceptions.InvalidParameterValueException, match="can not be used with Provisioned"):
        put(FunctionName="checkout", Qualifier="live", ProvisionedConcurrentExecutions=3)


# Invoking


def test_invoke_runs_the_python_code_of_the_version_that_was_asked_for(world: World) -> None:
    world.emulator.switches(hooks="run")
    world.served()
    for qualifier, expected in (("1", 0), ("live", 0), ("2", 1), ("$LATEST", 1)):
        answer = world.functions.invoke(FunctionName="checkout", Qualifier=qualifier)
        assert json.load(answer["Payload"]) == expected


def test_a_function_that_raises_is_an_unhandled_function_error(world: World) -> None:
    world.emulator.switches(hooks="run")
    world.function("bad", "def handler(event, context):\n    raise KeyError('price')\n")
    answer = world.functions.invoke(FunctionName="bad", Payload=b"{}", LogType="Tail")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    error = json.load(answer["Payload"])
    assert (error["errorType"], error["errorMessage"]) == ("KeyError", "'price'")
    assert b"[ERROR] KeyError" in base64.b64decode(answer["LogResult"])


@pytest.mark.parametrize(
    "code", ["import nothing_like_this\n", "x = 1\n", "raise SystemExit(3)\n", "import os; os._exit(7)\n"]
)
def test_code_that_cannot_be_loaded_is_an_unhandled_function_error(world: World, code: str) -> None:
    world.emulator.switches(hooks="run")
    world.function("bad", code)
    answer = world.functions.invoke(FunctionName="bad")
    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"])["errorType"].startswith("Runtime.")


def test_a_functions_environment_points_at_the_emulator(world: World) -> None:
    world.emulator.switches(hooks="run")
    code = "import os\ndef handler(event, context):\n    return dict(os.environ)\n"
    world.function("env", code, Environment={"Variables": {"STAGE": "test"}})
    found = json.load(world.functions.invoke(FunctionName="env")["Payload"])
    assert found["AWS_ENDPOINT_URL"] == world.emulator.url
    assert (found["STAGE"], found["AWS_REGION"], found["AWS_LAMBDA_FUNCTION_NAME"]) == ("test", "us-east-1", "env")
    assert "GITHUB_TOKEN" not in found


def test_invoking_an_alias_follows_its_weights(checkout: World) -> None:
    checkout.functions.update_alias(
        FunctionName="checkout", Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}}
    )
    seen = Counter(
        checkout.functions.invoke(FunctionName="checkout", Qualifier="live")["ExecutedVersion"] for _ in range(400)
    )
    assert set(seen) == {"1", "2"}
    assert 60 <= seen["2"] <= 140


def test_the_kinds_of_invocation_are_lambdas(checkout: World) -> None:
    invoke = checkout.functions.invoke
    assert invoke(FunctionName="checkout", InvocationType="DryRun")["StatusCode"] == 204
    assert invoke(FunctionName="checkout", InvocationType="Event")["StatusCode"] == 202
    with pytest.raises(ClientError) as refused:
        invoke(FunctionName="checkout", Payload=b"{broken")
    assert _code(refused)[0] == "InvalidRequestContentException"
    with pytest.raises(checkout.functions.exceptions.ResourceNotFoundException):
        invoke(FunctionName="checkout", Qualifier="9")


def test_a_function_that_is_not_python_plays_its_script(world: World) -> None:
    world.emulator.switches(hooks="run")
    world.function("node", Runtime="nodejs22.x")
    assert world.functions.invoke(FunctionName="node")["Payload"].read() == b"null"
    world.emulator.scripts(node={"outcome": "succeed", "payload": {"ok": True}})
    assert json.load(world.functions.invoke(FunctionName="node")["Payload"]) == {"ok": True}
    world.emulator.scripts(node="crash")
    assert world.functions.invoke(FunctionName="node")["FunctionError"] == "Unhandled"


def test_log_events_are_taken_at_emulated_time(world: World) -> None:
    world.emulator.advance(50_000)
    logs = world.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    at = round(world.emulator.now * 1000)
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": at, "message": "late"}])
    assert [event["message"] for event in logs.filter_log_events(logGroupName="g")["events"]] == ["late"]


# Settings, and what is refused


def test_a_created_alias_may_be_split_described_and_deleted(checkout: World) -> None:
    functions = checkout.functions
    weights = {"AdditionalVersionWeights": {"2": 0.5}}
    made = functions.create_alias(
        FunctionName="checkout", Name="beta", FunctionVersion="1", Description="try it", RoutingConfig=weights
    )
    assert (made["ResponseMetadata"]["HTTPStatusCode"], made["RoutingConfig"]) == (201, weights)
    assert made["AliasArn"] == "arn:aws:lambda:us-east-1:123456789012:function:checkout:beta"
    changed = functions.update_alias(FunctionName="checkout", Name="beta", Description="")
    assert (changed["Description"], changed["RoutingConfig"]) == ("", weights)
    names = [alias["Name"] for alias in functions.list_aliases(FunctionName="checkout")["Aliases"]]
    assert sorted(names) == ["beta", "live"]
    for _ in range(2):
        # Deleting an alias that is not there is no error.
        gone = functions.delete_alias(FunctionName="checkout", Name="beta")
        assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(functions.exceptions.ResourceNotFoundException, match=r"Cannot find alias arn: .*checkout:beta"):
        functions.get_alias(FunctionName="checkout", Name="beta")
    with pytest.raises(functions.exceptions.ResourceNotFoundException, match="Function not found"):
        functions.delete_alias(FunctionName="none", Name="live")


def test_versions_of_different_roles_cannot_share_an_alias(checkout: World) -> None:
    checkout.client("iam").create_role(RoleName="other", AssumeRolePolicyDocument="{}")
    role = "arn:aws:iam::123456789012:role/other"
    checkout.functions.update_function_configuration(FunctionName="checkout", Role=role)
    assert checkout.functions.publish_version(FunctionName="checkout")["Version"] == "3"
    with pytest.raises(ClientError, match="same execution role") as refused:
        checkout.functions.update_alias(
            FunctionName="checkout", Name="live", RoutingConfig={"AdditionalVersionWeights": {"3": 0.1}}
        )
    assert _code(refused) == ("InvalidParameterValueException", 400)


def test_provisioned_concurrency_forbids_weights_and_is_listed(checkout: World) -> None:
    functions = checkout.functions
    put = functions.put_provisioned_concurrency_config
    put(FunctionName="checkout", Qualifier="live", ProvisionedConcurrentExecutions=3)
    put(FunctionName="checkout", Qualifier="2", ProvisionedConcurrentExecutions=1)
    listed = functions.list_provisioned_concurrency_configs(FunctionName="checkout")["ProvisionedConcurrencyConfigs"]
    assert {
        one["FunctionArn"].rsplit(":", 1)[1]: one["AvailableProvisionedConcurrentExecutions"] for one in listed
    } == {
        "2": 1,
        "live": 3,
    }
    with pytest.raises(ClientError, match="Alias with weights can not be used with Provisioned Concurrency") as refused:
        functions.update_alias(
            FunctionName="checkout", Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}}
        )
    assert _code(refused) == ("InvalidParameterValueException", 400)
    functions.update_alias(FunctionName="checkout", Name="live", FunctionVersion="2")
    assert checkout.traffic() == {"2": 1.0}


@pytest.mark.parametrize(("qualifier", "number"), [("live", 0), ("$LATEST", 1)])
def test_provisioned_concurrency_needs_a_number_and_a_version_or_alias(
    checkout: World, qualifier: str, number: int
) -> None:
    with pytest.raises(ClientError) as refused:
        checkout.client("lambda", parameter_validation=False).put_provisioned_concurrency_config(
            FunctionName="checkout", Qualifier=qualifier, ProvisionedConcurrentExecutions=number
        )
    assert _code(refused) == ("InvalidParameterValueException", 400)


def test_a_function_may_be_published_as_it_is_created_and_all_versions_listed(checkout: World) -> None:
    functions = checkout.functions
    made = functions.create_function(
        FunctionName="born",
        Runtime="python3.13",
        Handler="app.handler",
        Role=checkout.role(),
        Code={"ZipFile": zip_of({"app.py": "x = 1\n"})},
        Publish=True,
    )
    assert (made["Version"], made["FunctionArn"].rsplit(":", 1)[1]) == ("1", "born")
    every = functions.list_functions(FunctionVersion="ALL")["Functions"]
    assert [(one["FunctionName"], one["Version"]) for one in every] == [
        ("checkout", "$LATEST"),
        ("checkout", "1"),
        ("checkout", "2"),
        ("born", "$LATEST"),
        ("born", "1"),
    ]
    assert [one["FunctionName"] for one in functions.list_functions()["Functions"]] == ["checkout", "born"]


def test_a_version_may_have_a_description_of_its_own(checkout: World) -> None:
    checkout.functions.update_function_configuration(FunctionName="checkout", Description="the function")
    made = checkout.functions.publish_version(FunctionName="checkout", Description="the version")
    latest = checkout.functions.get_function_configuration(FunctionName="checkout")
    assert (made["Description"], latest["Description"]) == ("the version", "the function")


def test_what_moto_forgets_of_a_configuration_is_kept(checkout: World) -> None:
    functions = checkout.functions
    settings = {
        "TracingConfig": {"Mode": "Active"},
        "EphemeralStorage": {"Size": 1024},
        "KMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1",
        "Environment": {"Variables": {"STAGE": "test"}},
    }
    changed = functions.update_function_configuration(FunctionName="checkout", **settings)
    assert {key: changed[key] for key in settings} == settings
    cleared = functions.update_function_configuration(FunctionName="checkout", KMSKeyArn="", Environment={})
    assert "KMSKeyArn" not in cleared
    assert cleared.get("Environment", {}).get("Variables", {}) == {}
    code = zip_of({"app.py": "x = 2\n"})
    answer = functions.update_function_code(FunctionName="checkout", ZipFile=code, Architectures=["arm64"])
    assert answer["Architectures"] == ["arm64"]


def test_a_dry_run_of_an_image_shows_the_function_as_it_is(world: World) -> None:
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/app"
    world.functions.create_function(
        FunctionName="image", PackageType="Image", Code={"ImageUri": f"{image}:1"}, Role=world.role()
    )
    before = world.functions.get_function_configuration(FunctionName="image")
    dry = world.functions.update_function_code(FunctionName="image", ImageUri=f"{image}:2", DryRun=True)
    assert (dry["RevisionId"], dry["CodeSha256"]) == (before["RevisionId"], before["CodeSha256"])
    assert world.functions.get_function(FunctionName="image")["Code"]["ImageUri"] == f"{image}:1"


def test_a_function_is_refused_when_it_is_there_or_has_no_role(checkout: World) -> None:
    with pytest.raises(checkout.functions.exceptions.ResourceConflictException) as refused:
        checkout.function("checkout")
    assert _code(refused)[1] == 409
    with pytest.raises(checkout.functions.exceptions.InvalidParameterValueException):
        checkout.function("new", Role="arn:aws:iam::123456789012:role/none")
    with pytest.raises(checkout.functions.exceptions.ResourceNotFoundException):
        checkout.functions.get_function(FunctionName="new")


@pytest.mark.parametrize("code", ["", ', "Code": {}', ', "Code": "app.zip"'])
def test_a_function_without_code_is_refused(world: World, code: str) -> None:
    body = (
        f'{{"FunctionName": "bare", "Role": "{world.role()}", "Runtime": "python3.13", "Handler": "app.handler"{code}}}'
    )
    scope = "AWS4-HMAC-SHA256 Credential=t/20260101/us-east-1/lambda/aws4_request, Signature=0"
    url = f"{world.emulator.url}/2015-03-31/functions"
    answer = requests.post(url, data=body, headers={"Authorization": scope}, timeout=5)
    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == (400, "InvalidParameterValueException")
    assert answer.json()["Message"] == "Please provide a source for function code."
    assert world.functions.list_functions()["Functions"] == []


def test_what_moto_refuses_in_an_update_is_handed_on_and_changes_nothing(checkout: World) -> None:
    functions = checkout.functions
    before = functions.get_function_configuration(FunctionName="checkout")["RevisionId"]
    too_many = {"Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:none:1"]}
    with pytest.raises(ClientError) as refused:
        functions.update_function_configuration(FunctionName="checkout", **too_many)
    assert _code(refused)[1] in (400, 404)
    assert functions.get_function_configuration(FunctionName="checkout")["RevisionId"] == before


@pytest.mark.parametrize(
    ("qualifier", "message"),
    [
        ("$LATEST", "$LATEST version cannot be deleted without deleting the function."),
        ("live", "Deletion of aliases is not currently supported here."),
    ],
)
def test_only_versions_are_deleted_one_by_one(checkout: World, qualifier: str, message: str) -> None:
    with pytest.raises(ClientError) as refused:
        checkout.functions.delete_function(FunctionName="checkout", Qualifier=qualifier)
    assert (_code(refused), refused.value.response["Error"]["Message"]) == (
        ("InvalidParameterValueException", 400),
        message,
    )
    assert checkout.traffic() == {"1": 1.0}


def test_a_deleted_function_is_gone_with_its_versions(checkout: World) -> None:
    answer = checkout.functions.delete_function(FunctionName="checkout")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    for operation in ("get_function", "list_versions_by_function", "list_aliases", "publish_version"):
        with pytest.raises(checkout.functions.exceptions.ResourceNotFoundException):
            getattr(checkout.functions, operation)(FunctionName="checkout")


# Running


def test_a_handler_knows_how_much_time_it_has(world: World) -> None:
    world.emulator.switches(hooks="run")
    world.function(
        "clock", "def handler(event, context):\n    return context.get_remaining_time_in_millis()\n", Timeout=30
    )
    assert 0 < json.load(world.functions.invoke(FunctionName="clock")["Payload"]) <= 30_000


def test_a_handler_that_exits_is_a_runtime_exit_error(world: World) -> None:
    world.emulator.switches(hooks="run")
    world.function("quits", "def handler(event, context):\n    raise SystemExit(4)\n")
    answer = world.functions.invoke(FunctionName="quits")
    error = json.load(answer["Payload"])
    assert (answer["FunctionError"], error["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert error["errorMessage"].endswith("Error: exit 4")


def test_a_process_that_ends_without_an_answer_is_a_runtime_exit_error(world: World) -> None:
    world.emulator.switches(hooks="run")
    world.function("dies", "import os\ndef handler(event, context):\n    os._exit(7)\n")
    answer = world.functions.invoke(FunctionName="dies", LogType="Tail")
    error = json.load(answer["Payload"])
    assert (answer["FunctionError"], error["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert error["errorMessage"].endswith("Error: Runtime exited with error: exit status 7")
    assert b"exit status 7" in base64.b64decode(answer["LogResult"])


def test_a_function_that_takes_too_long_is_killed_and_timed_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Seconds are the least that Lambda counts in, and more than a test may take.
    monkeypatch.setattr("codedeploy_emulator.lambda_.processes.LEAST_TIMEOUT", 0.0)
    world.emulator.switches(hooks="run")
    world.function("slow", "import time\ndef handler(event, context):\n    time.sleep(60)\n")
    found = moto_parts.function("123456789012", "us-east-1", "slow")
    assert found is not None
    found.timeout = 0.2
    answer = world.functions.invoke(FunctionName="slow", LogType="Tail")
    error = json.load(answer["Payload"])
    assert (answer["FunctionError"], error["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    assert error["errorMessage"].endswith("Task timed out after 0.20 seconds")
    assert b"Task timed out" in base64.b64decode(answer["LogResult"])


def test_code_that_looks_like_a_zip_and_is_none_is_an_invalid_code_error(world: World) -> None:
    world.emulator.switches(hooks="run")
    whole = zip_of({"app.py": "def handler(event, context):\n    return 1\n"})
    world.functions.create_function(
        FunctionName="torn",
        Runtime="python3.13",
        Handler="app.handler",
        Role=world.role(),
        Code={"ZipFile": b"torn" + whole[4:]},
    )
    for _ in range(2):
        answer = world.functions.invoke(FunctionName="torn", LogType="Tail")
        error = json.load(answer["Payload"])
        assert (answer["FunctionError"], error["errorType"]) == ("Unhandled", "Runtime.InvalidCode")
        assert error["errorMessage"].startswith("the code cannot be unpacked")
        assert b"[ERROR] the code cannot be unpacked" in base64.b64decode(answer["LogResult"])


def test_links_of_a_zip_are_links_to_the_code(world: World) -> None:
    """And none is made outside of the function's folder, whatever the zip says."""
    world.emulator.switches(hooks="run")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("real/part.py", "VALUE = 'found'")
        archive.writestr(
            "app.py", "import part, os\ndef handler(e, c):\n    return [part.VALUE, os.path.islink('part.py')]\n"
        )
        for name, says in (("part.py", "real/part.py"), ("../../evil", "/etc"), ("up", "..")):
            link = zipfile.ZipInfo(name)
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, says)
    world.functions.create_function(
        FunctionName="linked",
        Runtime="python3.13",
        Handler="app.handler",
        Role=world.role(),
        Code={"ZipFile": buffer.getvalue()},
    )
    answer = world.functions.invoke(FunctionName="linked")
    assert json.load(answer["Payload"]) == ["found", True]


def test_an_invocation_type_that_lambda_has_not_is_refused(checkout: World) -> None:
    with pytest.raises(ClientError) as refused:
        checkout.functions.invoke(FunctionName="checkout", InvocationType="Someday")
    assert _code(refused) == ("InvalidParameterValueException", 400)


# Waiting


@pytest.mark.parametrize("waiter", ["function_active_v2", "function_updated_v2", "published_version_active"])
def test_botocores_waiters_wait_while_something_is_pending_and_no_longer(world: World, waiter: str) -> None:
    world.emulator.switches(lambda_pending_seconds=30)
    world.function("slow")
    more = {"FunctionName": "slow", "WaiterConfig": {"Delay": 0, "MaxAttempts": 1}}
    if waiter != "function_active_v2":
        world.emulator.advance(31)
        world.functions.update_function_code(FunctionName="slow", ZipFile=zip_of({"app.py": "x = 1\n"}))
    if waiter == "published_version_active":
        world.emulator.advance(31)
        more["Qualifier"] = world.functions.publish_version(FunctionName="slow")["Version"]
    with pytest.raises(WaiterError, match="Max attempts exceeded"):
        world.functions.get_waiter(waiter).wait(**more)
    world.emulator.advance(31)
    world.functions.get_waiter(waiter).wait(**more)
    found = world.functions.get_function_configuration(
        FunctionName="slow", **({"Qualifier": more["Qualifier"]} if "Qualifier" in more else {})
    )
    assert (found["State"], found["LastUpdateStatus"]) == ("Active", "Successful")
