"""The adapters that only `setup`, `prune` and the optional part of preflight use."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest
from botocore.response import StreamingBody
from hypothesis import given
from hypothesis import strategies as st

from ci_deploy.core.aws import RollbackEvent, Routing, RoutingType, S3Location
from ci_deploy.core.errors import AwsError
from ci_deploy.core.given.package.packaging import Package, StoredPackage
from ci_deploy.core.plan.setup import GroupSettings
from ci_deploy.core.plan.surroundings import LifecycleRule
from ci_deploy.edge.aws.client import Aws
from ci_deploy.edge.aws.codedeploy.setup import STYLE, TRIGGER_EVENTS, CodeDeploySetup
from ci_deploy.edge.aws.iam import IamPolicies
from ci_deploy.edge.aws.lambda_.versions import LambdaVersions
from ci_deploy.edge.aws.s3.buckets import S3Buckets
from ci_deploy.edge.aws.s3.packages import S3Packages
from ci_deploy.ports import Progress
from tests.edge.fakes import REGION, FakeClock, Server, StubbedAws, cut_short, hangs_up, sends, session

TOPIC = "arn:aws:sns:eu-central-1:123456789012:releases"


class Never:
    """An Aws that must not be asked anything."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"AWS was asked: {name}")


# --- What is deleted -----------------------------------------------------------------------------------------------


@given(version=st.text() | st.sampled_from(["", "$LATEST", "live", "0", "01", "1 ", " 1", "-1", "1:2", "١", "1\n"]))
def test_only_a_numbered_version_is_ever_deleted(version: str) -> None:
    """DeleteFunction without a qualifier deletes the function: nothing else than a plain number goes out."""
    if version.isascii() and version.isdigit() and not version.startswith("0") and len(version) <= 19:
        return
    with pytest.raises(ValueError, match="numbered version"):
        LambdaVersions(Never()).delete("checkout", version)  # type: ignore[arg-type]


def test_a_function_with_a_qualifier_in_its_name_is_not_deleted() -> None:
    with pytest.raises(ValueError, match="plain name"):
        LambdaVersions(Never()).delete("checkout:live", "1")  # type: ignore[arg-type]


def test_a_deletion_names_function_and_version_and_is_tried_once(aws: StubbedAws, clock: FakeClock) -> None:
    aws.expect("lambda", "delete_function", {}, FunctionName="checkout", Qualifier="7")
    LambdaVersions(aws).delete("checkout", "7")
    aws.refuse("lambda", "delete_function", "ServiceException", status=500)
    with pytest.raises(AwsError):
        LambdaVersions(aws).delete("checkout", "8")


def test_lists_are_read_to_their_end_and_qualifiers_found(aws: StubbedAws) -> None:
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:checkout"
    page = {"Versions": [{"Version": "$LATEST"}, {"Version": "1", "CodeSha256": "a"}], "NextMarker": "next"}
    aws.expect("lambda", "list_versions_by_function", page, FunctionName="checkout")
    last = {"Versions": [{"Version": "2", "CodeSha256": "b"}]}
    aws.expect("lambda", "list_versions_by_function", last, FunctionName="checkout", Marker="next")
    api = LambdaVersions(aws)
    assert [version.version for version in api.versions("checkout")] == ["1", "2"]
    sources = {"EventSourceMappings": [{"FunctionArn": f"{arn}:3"}, {"FunctionArn": arn}, {"FunctionArn": f"{arn}:x"}]}
    aws.expect("lambda", "list_event_source_mappings", sources, FunctionName="checkout:3")
    assert api.event_sources("checkout", "3") == ("3", "", "x")


def test_durable_executions_are_counted_as_far_as_wanted(aws: StubbedAws) -> None:
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:checkout:3"
    one = {
        "DurableExecutionArn": f"{arn}/durable-execution/a/b",
        "DurableExecutionName": "a",
        "FunctionArn": arn,
        "Status": "RUNNING",
        "StartTimestamp": 0,
    }
    asked = {"FunctionName": "checkout", "Qualifier": "3", "Statuses": ["RUNNING", "PAUSING", "PAUSED"]}
    page = {"DurableExecutions": [one, one], "NextMarker": "next"}
    operation = "list_durable_executions_by_function"
    api = LambdaVersions(aws)
    aws.expect("lambda", operation, page, **asked, MaxItems=1)
    assert api.executions("checkout", "3", 1) == 1
    aws.expect("lambda", operation, page, **asked, MaxItems=1000)
    aws.expect("lambda", operation, {"DurableExecutions": [one]}, **asked, MaxItems=1000, Marker="next")
    assert api.executions("checkout", "3", 1000) == 3
    aws.done()


def test_what_else_names_versions_is_found_by_qualifier(aws: StubbedAws) -> None:
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:checkout"
    configs = {"FunctionEventInvokeConfigs": [{"FunctionArn": f"{arn}:$LATEST"}, {"FunctionArn": f"{arn}:4"}]}
    aws.expect("lambda", "list_function_event_invoke_configs", configs, FunctionName="checkout")
    urls = {
        "FunctionUrlConfigs": [
            {
                "FunctionUrl": f"https://{'a' * 40}.lambda-url.eu-central-1.on.aws/",
                "FunctionArn": f"{arn}:live",
                "CreationTime": "2026",
                "LastModifiedTime": "2026",
                "AuthType": "NONE",
            }
        ]
    }
    aws.expect("lambda", "list_function_url_configs", urls, FunctionName="checkout")
    api = LambdaVersions(aws)
    assert (api.event_configs("checkout"), api.urls("checkout")) == (("$LATEST", "4"), ("live",))


def test_what_a_version_has_of_its_own_is_told_and_what_it_has_not(aws: StubbedAws) -> None:
    api, asked = LambdaVersions(aws), {"FunctionName": "checkout", "Qualifier": "3"}
    aws.expect("lambda", "get_policy", {"Policy": "{}"}, **asked)
    assert api.has_policy("checkout", "3")
    aws.refuse("lambda", "get_policy", "ResourceNotFoundException", status=404)
    assert not api.has_policy("checkout", "3")
    aws.refuse("lambda", "get_policy", "AccessDeniedException", status=403)
    with pytest.raises(AwsError, match="AccessDenied"):
        api.has_policy("checkout", "3")
    for _ in range(8):
        aws.expect("lambda", "get_policy", {}, **asked)
    with pytest.raises(AwsError, match="UnreadableAnswer"):  # "no policy" would have the version deleted
        api.has_policy("checkout", "3")
    aws.expect("lambda", "get_function_scaling_config", {"FunctionArn": "arn:f"}, **asked)
    assert not api.has_scaling("checkout", "3")
    config = {"RequestedFunctionScalingConfig": {"MinExecutionEnvironments": 3}}
    aws.expect("lambda", "get_function_scaling_config", config, **asked)
    assert api.has_scaling("checkout", "3")


# --- What is set up ------------------------------------------------------------------------------------------------


def test_a_group_is_created_with_what_is_given_and_nothing_else(aws: StubbedAws) -> None:
    aws.expect(
        "codedeploy",
        "create_deployment_group",
        {},
        applicationName="app",
        deploymentGroupName="group",
        deploymentStyle=STYLE,
        serviceRoleArn="role",
        autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_FAILURE"]},
        triggerConfigurations=[
            {
                "triggerName": "ci-deploy-releases",
                "triggerTargetArn": TOPIC,
                "triggerEvents": list(TRIGGER_EVENTS),
            }
        ],
    )
    settings = GroupSettings(service_role_arn="role", rollback_events=(RollbackEvent.FAILURE,), triggers=(TOPIC,))
    CodeDeploySetup(aws).create_group("app", "group", settings)


def test_a_trigger_that_is_there_keeps_its_name_and_events(aws: StubbedAws) -> None:
    there = {"triggerName": "mine", "triggerTargetArn": TOPIC, "triggerEvents": ["DeploymentFailure"]}
    aws.expect(
        "codedeploy",
        "get_deployment_group",
        {"deploymentGroupInfo": {"triggerConfigurations": [there]}},
        applicationName="app",
        deploymentGroupName="group",
    )
    aws.expect(
        "codedeploy",
        "update_deployment_group",
        {},
        applicationName="app",
        currentDeploymentGroupName="group",
        triggerConfigurations=[there],
    )
    CodeDeploySetup(aws).update_group("app", "group", GroupSettings(triggers=(TOPIC,)))


@pytest.mark.parametrize(
    ("kind", "member", "sent"),
    [
        (RoutingType.CANARY, "timeBasedCanary", {"canaryPercentage": 5, "canaryInterval": 7}),
        (RoutingType.LINEAR, "timeBasedLinear", {"linearPercentage": 5, "linearInterval": 7}),
    ],
)
def test_a_config_is_created_for_lambda(aws: StubbedAws, kind: RoutingType, member: str, sent: dict[str, int]) -> None:
    aws.expect(
        "codedeploy",
        "create_deployment_config",
        {},
        deploymentConfigName="mine",
        computePlatform="Lambda",
        trafficRoutingConfig={"type": str(kind), member: sent},
    )
    CodeDeploySetup(aws).create_config("mine", Routing(kind=kind, percentage=5, interval_minutes=7))


def test_an_application_that_is_not_there_is_none_and_a_denial_is_not(aws: StubbedAws) -> None:
    aws.refuse("codedeploy", "get_application", "ApplicationDoesNotExistException")
    assert CodeDeploySetup(aws).application("app") is None
    aws.refuse("codedeploy", "get_application", "AccessDeniedException")
    with pytest.raises(AwsError):
        CodeDeploySetup(aws).application("app")


# --- Packages in S3 ------------------------------------------------------------------------------------------------

CONTENT = b"zip" * 1000
SHA = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
PACKAGE = Package(path="build", sha256=SHA, size=len(CONTENT), unzipped=1, files=1)
PLACE = S3Location(bucket="bucket", key="k.zip", bundle_type="zip")


def no_progress(what: str, done: int, total: int) -> None:
    pass


def test_a_stored_objects_own_checksum_is_believed(aws: StubbedAws) -> None:
    aws.stub("s3").add_response(
        "head_object", {"ContentLength": 9, "ETag": '"e"', "VersionId": "v7", "ChecksumSHA256": SHA}
    )
    found = S3Packages(aws).describe(PLACE, owner="123456789012", tell=no_progress)
    assert (found.sha256, found.size, str(found.location)) == (SHA, 9, "s3://bucket/k.zip?versionId=v7")


@pytest.mark.parametrize("checksum", [None, "aGFzaCBvZiBoYXNoZXM=-3"])
def test_without_a_whole_checksum_the_object_is_read_and_hashed(aws: StubbedAws, checksum: str | None) -> None:
    head = {"ContentLength": len(CONTENT), "ETag": '"e"', **({"ChecksumSHA256": checksum} if checksum else {})}
    aws.stub("s3").add_response("head_object", head)
    body = StreamingBody(io.BytesIO(CONTENT), len(CONTENT))
    aws.expect(
        "s3",
        "get_object",
        {"Body": body},
        Bucket="bucket",
        Key="k.zip",
        IfMatch='"e"',
        ExpectedBucketOwner="123456789012",
    )
    assert S3Packages(aws).describe(PLACE, owner="123456789012", tell=no_progress).sha256 == SHA


def test_what_was_uploaded_before_is_found_and_not_sent_again(aws: StubbedAws) -> None:
    aws.refuse("s3", "put_object", "PreconditionFailed", status=412)
    aws.stub("s3").add_response(
        "head_object", {"ContentLength": len(CONTENT), "ChecksumSHA256": SHA, "VersionId": "v1"}
    )
    stored = S3Packages(aws).store(
        PACKAGE, lambda: io.BytesIO(CONTENT), "bucket", "k.zip", owner="123456789012", tell=no_progress
    )
    assert stored.location.version == "v1"


def store(aws: Aws, content: Callable[[], io.BytesIO], tell: Progress = no_progress) -> StoredPackage:
    return S3Packages(aws).store(PACKAGE, content, "bucket", "k.zip", owner="123456789012", tell=tell)


class Slow(io.BytesIO):
    """Content that takes its time: three seconds a block."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(CONTENT)
        self._clock = clock

    def read(self, size: int | None = -1) -> bytes:
        self._clock.sleep(3)
        return super().read(1000)


def test_an_upload_streams_says_how_far_it_is_and_begins_anew_when_aws_is_busy(
    serve: Callable[..., Server], clock: FakeClock
) -> None:
    """The second attempt sends the whole package, and every opened content is closed."""
    busy = b"<Error><Code>SlowDown</Code></Error>"
    server = serve(sends(busy, 503, "application/xml"), sends(b"", 200, ETag='"e"', x_amz_version_id="v1"))
    opened: list[Slow] = []
    told: list[tuple[str, int, int]] = []

    def content() -> Slow:
        opened.append(Slow(clock))
        return opened[-1]

    aws = Aws(session(), clock, region=REGION, path_style=True)
    stored = store(aws, content, lambda what, done, total: told.append((what, done, total)))
    assert (str(stored.location), stored.sha256) == ("s3://bucket/k.zip?versionId=v1", SHA)
    for request in server.requests:
        assert CONTENT in request["body"], "all of it, from the beginning"
        assert request["headers"]["If-None-Match"] == "*"
        assert request["headers"]["x-amz-expected-bucket-owner"] == "123456789012"
    assert len(opened) == len(server.requests) == 2
    assert all(content.closed for content in opened)
    assert ("uploading build", 2000, 3000) in told
    assert len(told) < len(clock.slept), "not every block is worth a line"


def test_an_upload_whose_answer_was_lost_is_found_by_the_second_attempt(
    serve: Callable[..., Server], clock: FakeClock
) -> None:
    exists = sends(b"<Error><Code>PreconditionFailed</Code></Error>", 412, "application/xml")
    there = sends(b"x" * len(CONTENT), 200, "application/zip", ETag='"e"', x_amz_checksum_sha256=SHA)
    server = serve(hangs_up, exists, there)
    stored = store(Aws(session(), clock, region=REGION, path_style=True), lambda: io.BytesIO(CONTENT))
    assert stored.location.etag == "e"
    assert len(server.requests) == 3


def test_an_upload_that_may_not_be_is_not_tried_again(aws: StubbedAws) -> None:
    aws.refuse("s3", "put_object", "AccessDenied", "Access Denied", status=403)
    with pytest.raises(AwsError) as raised:
        store(aws, lambda: io.BytesIO(CONTENT))
    assert raised.value.remedy.startswith("Add s3:PutObject on `s3://bucket/k.zip` to the role's policy")


def test_a_package_that_breaks_off_while_it_is_hashed_is_read_again(
    serve: Callable[..., Server], clock: FakeClock
) -> None:
    """Half of a package has a hash as well: it must not be taken for the whole one's."""
    head = sends(CONTENT, 200, "application/zip", ETag='"e"')
    server = serve(head, cut_short, sends(CONTENT, 200, "application/zip", ETag='"e"'))
    found = S3Packages(Aws(session(), clock, region=REGION, path_style=True)).describe(
        PLACE, owner="123456789012", tell=no_progress
    )
    assert (found.sha256, found.size) == (SHA, len(CONTENT))
    assert [request["headers"].get("If-Match") for request in server.requests[:3]] == [None, '"e"', '"e"']


def test_hashing_a_large_package_says_how_far_it_is(aws: StubbedAws, clock: FakeClock) -> None:
    told: list[tuple[str, int, int]] = []
    aws.stub("s3").add_response("head_object", {"ContentLength": len(CONTENT), "ETag": '"e"'})
    aws.stub("s3").add_response("get_object", {"Body": StreamingBody(Slow(clock), len(CONTENT))})
    found = S3Packages(aws).describe(
        PLACE, owner="123456789012", tell=lambda what, done, total: told.append((what, done, total))
    )
    assert found.sha256 == SHA
    assert told == [("reading s3://bucket/k.zip", 2000, 3000)]


# --- What a bucket is like -----------------------------------------------------------------------------------------


def test_rules_that_delete_current_objects_of_ours_are_told(aws: StubbedAws) -> None:
    days = {"Days": 30}
    rules = [
        {"ID": "all", "Status": "Enabled", "Filter": {}, "Expiration": days},
        {"ID": "off", "Status": "Disabled", "Filter": {"Prefix": "CodeDeploy/"}, "Expiration": days},
        {
            "ID": "old",
            "Status": "Enabled",
            "Filter": {"Prefix": "a/"},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        },
        {"ID": "tag", "Status": "Enabled", "Filter": {"Tag": {"Key": "k", "Value": "v"}}, "Expiration": days},
        {
            "ID": "ours",
            "Status": "Enabled",
            "Filter": {"And": {"Prefix": "p/", "Tags": [{"Key": "UseWithCodeDeploy", "Value": "true"}]}},
            "Expiration": days,
        },
    ]
    aws.stub("s3").add_response("get_bucket_lifecycle_configuration", {"Rules": rules})
    assert S3Buckets(aws).rules("bucket", "") == (
        LifecycleRule(name="all", days=30),
        LifecycleRule(name="ours", prefix="p/", days=30),
    )
    aws.refuse("s3", "get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration", status=404)
    assert S3Buckets(aws).rules("bucket", "") == ()


@pytest.mark.parametrize(
    ("default", "key"),
    [
        ({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:key"}, "arn:key"),
        ({"SSEAlgorithm": "aws:kms:dsse", "KMSMasterKeyID": "arn:key"}, "arn:key"),
        ({"SSEAlgorithm": "aws:kms"}, ""),
        ({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:aws:kms:eu-central-1:123456789012:alias/aws/s3"}, ""),
        ({"SSEAlgorithm": "AES256"}, ""),
    ],
)
def test_only_a_customers_own_key_needs_a_permission(aws: StubbedAws, default: dict[str, str], key: str) -> None:
    sent = {"ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}}
    aws.stub("s3").add_response("get_bucket_encryption", sent)
    assert S3Buckets(aws).key("bucket", "") == key


def test_a_bucket_elsewhere_has_its_region_and_nothing_else_is_read_of_it(
    serve: Callable[..., Server], clock: FakeClock
) -> None:
    """CodeDeploy reads only from its own region: where the bucket is, is all that matters then."""
    moved = b"<Error><Code>PermanentRedirect</Code><Bucket>bucket</Bucket></Error>"
    serve(sends(moved, 301, "application/xml", x_amz_bucket_region="us-west-2"))
    buckets = S3Buckets(Aws(session(), clock, region=REGION, path_style=True))
    assert buckets.region("bucket", "123456789012") == "us-west-2"
    assert buckets.key("bucket", "123456789012") == ""
    assert buckets.rules("bucket", "123456789012") == ()


def test_a_bucket_that_is_not_there_has_no_region_and_one_of_others_is_denied(aws: StubbedAws) -> None:
    aws.refuse("s3", "head_bucket", "404", status=404)
    assert S3Buckets(aws).region("bucket", "") == ""
    aws.refuse("s3", "head_bucket", "403", "Forbidden", status=403)
    with pytest.raises(AwsError) as raised:
        S3Buckets(aws).region("bucket", "123456789012")
    assert raised.value.operation == "s3:ListBucket"


def test_a_bucket_without_a_default_encryption_needs_no_key(aws: StubbedAws) -> None:
    aws.stub("s3").add_response("get_bucket_encryption", {"ServerSideEncryptionConfiguration": {"Rules": []}})
    assert S3Buckets(aws).key("bucket", "") == ""


def test_a_denied_reading_names_the_permission_as_iam_does(aws: StubbedAws) -> None:
    aws.refuse("s3", "get_bucket_encryption", "AccessDenied", status=403)
    with pytest.raises(AwsError) as raised:
        S3Buckets(aws).key("bucket", "")
    assert raised.value.operation == "s3:GetEncryptionConfiguration"


@pytest.mark.parametrize(("decision", "allowed"), [("allowed", True), ("implicitDeny", False), ("explicitDeny", False)])
def test_the_simulators_decision_is_taken_as_it_is(aws: StubbedAws, decision: str, allowed: bool) -> None:
    result = {"EvalActionName": "a:B", "EvalResourceName": "*", "EvalDecision": decision}
    aws.stub("iam").add_response("simulate_principal_policy", {"EvaluationResults": [result]})
    role = "arn:aws:iam::123456789012:role/hook-role"
    assert IamPolicies(aws).allows(role, "a:B", "*") is allowed


def test_a_simulator_that_says_nothing_has_allowed_nothing(aws: StubbedAws) -> None:
    aws.stub("iam").add_response("simulate_principal_policy", {"EvaluationResults": []})
    with pytest.raises(AwsError, match="UnreadableAnswer"):
        IamPolicies(aws).allows("arn:aws:iam::123456789012:role/hook-role", "a:B", "*")
