"""Lambda's adapter."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from ci_deploy.core.aws import Alias, S3Location
from ci_deploy.core.errors import AwsError
from ci_deploy.core.given.package.packaging import StoredPackage
from ci_deploy.core.reasons import states
from ci_deploy.edge.aws.lambda_.functions import LambdaApi, parse_alias, parse_version, settings
from tests.edge.fakes import FakeClock, StubbedAws

LATEST: dict[str, Any] = {
    "FunctionName": "checkout",
    "FunctionArn": "arn:aws:lambda:eu-central-1:123456789012:function:checkout:$LATEST",
    "Version": "$LATEST",
    "CodeSha256": "sha",
    "CodeSize": 100,
    "Runtime": "python3.13",
    "Handler": "app.handler",
    "Role": "arn:aws:iam::123456789012:role/r",
    "MemorySize": 256,
    "Timeout": 10,
    "Description": "mutable",
    "LastModified": "2026-11-24T12:00:00.000+0000",
    "RevisionId": "rev-latest",
    "State": "Active",
    "LastUpdateStatus": "Successful",
    "Environment": {"Variables": {"B": "2", "A": "1"}},
    "Layers": [{"Arn": "arn:layer:1", "CodeSize": 5}],
    "VpcConfig": {"SubnetIds": ["s-2", "s-1"], "SecurityGroupIds": ["g"], "VpcId": "vpc-1"},
    "DeadLetterConfig": {"TargetArn": "arn:queue"},
    "SnapStart": {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"},
    "RuntimeVersionConfig": {"RuntimeVersionArn": "arn:aws:lambda:eu-central-1::runtime:one"},
    "TracingConfig": {"Mode": "PassThrough"},
    "KMSKeyArn": "",
    "FileSystemConfigs": [],
    "ImageConfigResponse": {"Error": {"ErrorCode": "x"}},
}


@pytest.fixture
def api(aws: StubbedAws) -> LambdaApi:
    return LambdaApi(aws)


def published(**changes: Any) -> dict[str, Any]:
    """What Lambda says of a version that was made from LATEST a moment ago."""
    return {
        **LATEST,
        "Version": "7",
        "FunctionArn": LATEST["FunctionArn"].replace("$LATEST", "7"),
        "Description": "commit abc",
        "RevisionId": "rev-7",
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
        "MasterArn": "arn:master",
        "LastModified": "2026-11-24T13:00:00.000+0000",
        "ConfigSha256": "of-version-seven-0123456789",
        "Environment": {"Variables": {"A": "1", "B": "2"}},
        "VpcConfig": {"SubnetIds": ["s-1", "s-2"], "SecurityGroupIds": ["g"], "VpcId": "vpc-2"},
        "SnapStart": {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"},
        "RuntimeVersionConfig": {"RuntimeVersionArn": "arn:aws:lambda:eu-central-1::runtime:two"},
        "PackageType": "Zip",
        **changes,
    }


def test_latest_and_the_version_made_from_it_have_equal_settings() -> None:
    assert settings(LATEST) == settings(published())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Handler", "app.other"),
        ("MemorySize", 512),
        ("Environment", {"Variables": {"A": "1", "B": "3"}}),
        ("Layers", [{"Arn": "arn:layer:2", "CodeSize": 5}]),
        ("VpcConfig", {"SubnetIds": ["s-1"], "SecurityGroupIds": ["g"]}),
        ("SnapStart", {"ApplyOn": "None", "OptimizationStatus": "Off"}),
        ("EphemeralStorage", {"Size": 1024}),
        ("ASettingOfNextYear", {"On": True}),
        ("Architectures", ["arm64"]),
    ],
)
def test_a_changed_setting_is_seen_and_named(name: str, value: object) -> None:
    before, after = settings(LATEST), settings({**LATEST, name: value})
    assert {key for key in before | after if before.get(key) != after.get(key)} == {name}


def test_the_order_of_layers_matters() -> None:
    one, two = {"Arn": "arn:1"}, {"Arn": "arn:2"}
    assert settings({"Layers": [one, two]}) != settings({"Layers": [two, one]})


def test_empty_and_absent_are_the_same() -> None:
    empty = {
        "Environment": {"Variables": {}},
        "Layers": [],
        "VpcConfig": {"SubnetIds": [], "VpcId": ""},
        "KMSKeyArn": "",
    }
    assert settings(empty) == settings({}) == {"PackageType": '"Zip"'}


def test_a_version_is_read_by_get_function(aws: StubbedAws, api: LambdaApi) -> None:
    aws.expect(
        "lambda",
        "get_function",
        {"Configuration": published(), "Tags": {"team": "shop"}},
        FunctionName="checkout",
        Qualifier="7",
    )
    found = api.version("checkout", "7")
    assert found is not None
    assert (found.version, found.code_sha256, found.code_size, found.state) == ("7", "sha", 100, "Pending")
    assert (found.memory_mb, found.timeout_s, found.runtime) == (256, 10, "python3.13")
    assert found.environment_names == ("A", "B")
    assert found.layers == ("arn:layer:1",)
    assert found.dead_letter_arn == "arn:queue"
    assert found.tags == {"team": "shop"}


@pytest.mark.parametrize("method", ["version", "alias", "look_alias"])
def test_what_does_not_exist_is_none(aws: StubbedAws, api: LambdaApi, method: str) -> None:
    operation = "get_function" if method == "version" else "get_alias"
    aws.refuse("lambda", operation, "ResourceNotFoundException", status=404)
    assert getattr(api, method)("checkout", "live") is None


def test_a_404_that_is_not_lambdas_is_not_an_absence(aws: StubbedAws, api: LambdaApi) -> None:
    aws.refuse("lambda", "get_alias", "404", "<html>", status=404)
    with pytest.raises(AwsError):
        api.look_alias("checkout", "live")


def test_reads_repeat_and_looks_do_not(aws: StubbedAws, api: LambdaApi, clock: FakeClock) -> None:
    """A second request of the look would find no answer."""
    aws.refuse("lambda", "get_alias", "TooManyRequestsException", status=429)
    aws.expect("lambda", "get_alias", {"FunctionVersion": "1", "Name": "live"})
    assert api.alias("checkout", "live") == Alias(function="checkout", name="live", version="1")
    assert clock.slept
    aws.refuse("lambda", "get_alias", "TooManyRequestsException", status=429)
    with pytest.raises(AwsError):
        api.look_alias("checkout", "live")


def test_weights_are_percentages() -> None:
    alias = parse_alias(
        "checkout",
        {
            "Name": "live",
            "FunctionVersion": "1",
            "RevisionId": "r",
            "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.07}},
        },
    )
    assert alias.weights == {"2": 7}
    assert alias.shares == {"1": 93, "2": 7}


def test_publishing_is_guarded_and_tried_once(aws: StubbedAws, api: LambdaApi, clock: FakeClock) -> None:
    aws.expect(
        "lambda",
        "publish_version",
        published(),
        FunctionName="checkout",
        CodeSha256="sha",
        RevisionId="rev-latest",
        Description="commit abc",
    )
    made = api.publish("checkout", code_sha256="sha", revision_id="rev-latest", description="commit abc")
    assert made.version == "7"
    aws.refuse("lambda", "publish_version", "ServiceException", status=500)
    with pytest.raises(AwsError):
        api.publish("checkout", code_sha256="", revision_id="", description="x" * 300)
    assert clock.slept == []


def test_an_alias_is_set_whole_and_only_if_it_is_still_the_one_that_was_read(aws: StubbedAws, api: LambdaApi) -> None:
    aws.expect(
        "lambda",
        "update_alias",
        {"Name": "live", "FunctionVersion": "1", "RevisionId": "r2"},
        FunctionName="checkout",
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {}},
        RevisionId="r1",
    )
    alias = Alias(function="checkout", name="live", version="2", weights={"1": 10}, revision_id="r1")
    assert api.set_alias(alias, "1").serves_only("1")


@pytest.mark.parametrize(("answered", "good"), [("3", True), (None, True), ("4", False), ("$LATEST", False)])
def test_a_version_is_the_one_that_was_asked_for(
    aws: StubbedAws, api: LambdaApi, answered: str | None, good: bool
) -> None:
    configuration = {"Version": answered} if answered else {"FunctionName": "checkout"}
    answer = {"Configuration": configuration}
    aws.expect("lambda", "get_function", answer, FunctionName="checkout", Qualifier="3")
    if good:
        assert api.version("checkout", "3") is not None
        return
    with pytest.raises(AwsError, match="the answer has no `Version 3`"):
        api.version("checkout", "3")


def test_an_alias_is_described_and_serves_what_it_served(aws: StubbedAws, api: LambdaApi) -> None:
    aws.expect(
        "lambda",
        "update_alias",
        {"Name": "live", "FunctionVersion": "2", "Description": "new", "RevisionId": "r2"},
        FunctionName="checkout",
        Name="live",
        Description="new",
        RevisionId="r1",
    )
    alias = Alias(function="checkout", name="live", version="2", revision_id="r1", description="old")
    made = api.describe_alias(alias, "new")
    assert (made.description, made.version, made.revision_id) == ("new", "2", "r2")


def test_an_alias_is_created_on_a_version(aws: StubbedAws, api: LambdaApi) -> None:
    aws.expect(
        "lambda",
        "create_alias",
        {"Name": "live", "FunctionVersion": "1"},
        FunctionName="checkout",
        Name="live",
        FunctionVersion="1",
    )
    assert api.create_alias("checkout", "live", "1").serves_only("1")


def test_what_lambda_could_not_decrypt_is_unread_and_not_empty(aws: StubbedAws, api: LambdaApi) -> None:
    denied = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "Lambda was unable to decrypt it."}}
    sealed = {"Environment": denied, "ImageConfigResponse": {"Error": {}}, "KMSKeyArn": "arn:key"}
    found = parse_version({**LATEST, **sealed})
    assert (found.unread, found.environment_names) == ({"Environment": "AccessDeniedException"}, ())
    assert (found.kms_key, "Environment" in found.configuration) == ("arn:key", False)
    assert parse_version({"ImageConfigResponse": {"Error": {"Message": "?"}}}).unread == {
        "ImageConfigResponse": "unknown"
    }


def test_code_that_lambda_reads_from_s3_and_its_errors_are_told(aws: StubbedAws, api: LambdaApi) -> None:
    place = {"S3Bucket": "artifacts", "S3Key": "checkout.zip", "S3ObjectVersion": "v1"}
    found = parse_version(LATEST, code={"RepositoryType": "S3", "ResolvedS3Object": place})
    assert (found.code_by_reference, found.code_error) == (True, "")
    for error, said in (
        ({"ErrorCode": "NoSuchKey", "Message": "It does not exist."}, "NoSuchKey: It does not exist."),
        ({"ErrorCode": "NoSuchKey"}, "NoSuchKey"),
        ({"Unheard": "of"}, "unknown"),
    ):
        assert parse_version(LATEST, code={"Error": error}).code_error == said
    assert parse_version(LATEST).code_error == ""


def test_managed_instances_durable_functions_and_replicas_are_known_as_such() -> None:
    config = {"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": "arn:provider"}}
    news = {"CapacityProviderConfig": config, "DurableConfig": {"ExecutionTimeout": 60}, "MasterArn": "arn:main"}
    found, plain = parse_version({**LATEST, **news}), parse_version(LATEST)
    assert (found.capacity_provider, found.durable, found.replica_of) == ("arn:provider", True, "arn:main")
    assert (plain.capacity_provider, plain.durable, plain.replica_of) == ("", False, "")


@pytest.mark.parametrize(("by_reference", "mode"), [(True, {"S3ObjectStorageMode": "REFERENCE"}), (False, {})])
def test_an_update_keeps_the_way_in_which_code_is_stored(
    aws: StubbedAws, api: LambdaApi, by_reference: bool, mode: dict[str, str]
) -> None:
    """What is left out of UpdateFunctionCode is COPY again (botocore's Lambda model)."""
    where = {"S3Bucket": "artifacts", "S3Key": "a.zip", "S3ObjectVersion": "v1", **mode}
    aws.expect("lambda", "update_function_code", LATEST, FunctionName="checkout", RevisionId="r1", **where)
    stored = StoredPackage(location=S3Location(bucket="artifacts", key="a.zip", version="v1"), sha256="s", size=1)
    made = api.update_code("checkout", stored, None, revision_id="r1", by_reference=by_reference)
    assert made.code_sha256 == "sha"
    aws.done()


def test_state_reasons_with_a_remedy_are_lambdas() -> None:
    """By botocore's model; the new ones that say what is wrong with code or capacity each have one."""
    known = set(botocore.session.Session().get_service_model("lambda").shape_for("StateReasonCode").enum)  # type: ignore[attr-defined]
    assert {*states.OUTSIDE, *states.INSIDE} - known == set()
    new = {code for code in known if code.startswith("FunctionError.")}
    new |= {
        "VcpuLimitExceeded",
        "InsufficientCapacity",
        "CapacityProviderScalingLimitExceeded",
        "EC2RequestLimitExceeded",
        "IncompatibleAcceleratorInstanceTypes",
        "DependencyError",
    }
    assert len(new) == 14
    assert new - {*states.OUTSIDE, *states.INSIDE} == set()


def test_a_sparse_description_of_a_version_is_tolerated() -> None:
    assert parse_version({}).state == "Active"
