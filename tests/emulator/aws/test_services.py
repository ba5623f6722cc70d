"""S3, STS, IAM and OIDC as a deployment tool uses them; names of operations; what is not modelled."""

from __future__ import annotations

import base64
import json

import pytest
import requests
from botocore.exceptions import ClientError

from codedeploy_emulator.codedeploy.api import front as codedeploy
from tests.emulator.world import APP, GROUP, World


@pytest.fixture
def bucket(world: World) -> World:
    """A versioned bucket `specs`."""
    s3 = world.client("s3")
    s3.create_bucket(Bucket="specs")
    s3.put_bucket_versioning(Bucket="specs", VersioningConfiguration={"Status": "Enabled"})
    return world


def test_an_object_is_written_once_when_it_must_not_exist(bucket: World) -> None:
    s3 = bucket.client("s3")
    first = s3.put_object(Bucket="specs", Key="CodeDeploy/a.json", Body=b"{}", IfNoneMatch="*")
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket="specs", Key="CodeDeploy/a.json", Body=b"{}", IfNoneMatch="*")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    versions = s3.list_object_versions(Bucket="specs")["Versions"]
    assert [version["VersionId"] for version in versions] == [first["VersionId"]]
    head = s3.head_object(Bucket="specs", Key="CodeDeploy/a.json")
    assert (head["ETag"], head["VersionId"], head["ContentLength"]) == (first["ETag"], first["VersionId"], 2)


def test_an_object_that_was_deleted_may_be_written_again(bucket: World) -> None:
    s3 = bucket.client("s3")
    s3.put_object(Bucket="specs", Key="a", Body=b"1", IfNoneMatch="*")
    s3.delete_object(Bucket="specs", Key="a")
    s3.put_object(Bucket="specs", Key="a", Body=b"2", IfNoneMatch="*")


def test_a_bucket_of_another_owner_than_expected_is_refused(bucket: World) -> None:
    s3 = bucket.client("s3")
    s3.put_object(
        Bucket="specs", Key="a", Body=b"", ExpectedBucketOwner="123456789012", Tagging="UseWithCodeDeploy=true"
    )
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket="specs", Key="b", Body=b"", ExpectedBucketOwner="111122223333")
    assert refused.value.response["Error"]["Code"] == "AccessDenied"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert s3.get_object_tagging(Bucket="specs", Key="a")["TagSet"] == [{"Key": "UseWithCodeDeploy", "Value": "true"}]


def test_a_presigned_url_is_aws_too(bucket: World) -> None:
    for version in ("s3v4", "s3"):
        s3 = bucket.client("s3", signature_version=version)
        s3.put_object(Bucket="specs", Key="a b", Body=b"text")
        url = s3.generate_presigned_url("get_object", Params={"Bucket": "specs", "Key": "a b"})
        assert requests.get(url, timeout=5).content == b"text"


def test_calls_have_awss_names_for_every_service(bucket: World) -> None:
    s3 = bucket.client("s3")
    s3.put_object(Bucket="specs", Key="a", Body=b"1")
    s3.copy_object(Bucket="specs", Key="b", CopySource="specs/a")
    s3.list_objects_v2(Bucket="specs")
    s3.list_buckets()
    s3.get_bucket_versioning(Bucket="specs")
    bucket.served()
    bucket.functions.update_alias(FunctionName="checkout", Name="live", FunctionVersion="2")
    bucket.client("sts").get_caller_identity()
    bucket.alarm("a")
    names = [(call["service"], call["operation"]) for call in bucket.emulator.calls]
    for expected in (
        ("s3", "CreateBucket"),
        ("s3", "PutBucketVersioning"),
        ("s3", "PutObject"),
        ("s3", "CopyObject"),
        ("s3", "ListObjectsV2"),
        ("s3", "ListBuckets"),
        ("s3", "GetBucketVersioning"),
        ("iam", "CreateRole"),
        ("lambda", "CreateFunction"),
        ("lambda", "UpdateFunctionCode"),
        ("lambda", "PublishVersion"),
        ("lambda", "CreateAlias"),
        ("lambda", "UpdateAlias"),
        ("sts", "GetCallerIdentity"),
        ("cloudwatch", "PutMetricAlarm"),
        ("cloudwatch", "SetAlarmState"),
    ):
        assert expected in names


def test_a_role_is_assumed_with_the_job_s_token(world: World) -> None:
    env = world.emulator.env
    url, secret = env["ACTIONS_ID_TOKEN_REQUEST_URL"], env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
    answer = requests.get(f"{url}&audience=sts.amazonaws.com", headers={"Authorization": f"Bearer {secret}"}, timeout=5)
    token = answer.json()["value"]
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (claims["aud"], claims["iss"]) == ("sts.amazonaws.com", "https://token.actions.githubusercontent.com")
    given = world.client("sts").assume_role_with_web_identity(
        RoleArn="arn:aws:iam::123456789012:role/deploy", RoleSessionName="session", WebIdentityToken=token
    )["Credentials"]
    assert given["SessionToken"]
    assert requests.get(url, headers={"Authorization": "Bearer other"}, timeout=5).status_code == 401


def test_a_chained_session_is_an_hour_at_most(world: World) -> None:
    import boto3

    role = {"RoleArn": "arn:aws:iam::123456789012:role/deploy", "RoleSessionName": "session"}
    first = world.client("sts").assume_role(**role, DurationSeconds=7200)["Credentials"]
    keys = (first["AccessKeyId"], first["SecretAccessKey"], first["SessionToken"], "us-east-1")
    chained = boto3.Session(*keys).client("sts", endpoint_url=world.emulator.url)
    with pytest.raises(ClientError, match="exceeds the 1 hour session limit"):
        chained.assume_role(**role, DurationSeconds=7200)
    chained.assume_role(**role, DurationSeconds=3600)
    world.emulator.switches(role_chaining_seconds=0)
    chained.assume_role(**role, DurationSeconds=7200)
    chained.close()


def test_what_moto_does_not_model_is_an_error_and_no_outage(world: World) -> None:
    world.function("f")
    with pytest.raises(ClientError) as refused:
        world.functions.get_function_recursion_config(FunctionName="f")
    response = refused.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (
        "UnknownOperationException",
        400,
    )


def test_the_service_role_can_be_made_to_matter(shop: World) -> None:
    shop.emulator.switches(check_service_role=True)
    deployment = shop.deploy()
    shop.emulator.advance(60)
    assert shop.error(deployment) == "IAM_ROLE_MISSING"


PUT_STATUS = "codedeploy:PutLifecycleEventHookExecutionStatus"


def _decisions(world: World, role: str, *actions: str) -> dict[str, str]:
    answer = world.client("iam").simulate_principal_policy(PolicySourceArn=role, ActionNames=list(actions))
    return {found["EvalActionName"]: found["EvalDecision"] for found in answer["EvaluationResults"]}


def _policy(world: World, *statements: dict[str, object], single: bool = False) -> None:
    document = {"Version": "2012-10-17", "Statement": statements[0] if single else list(statements)}
    world.client("iam").put_role_policy(RoleName="lambda-role", PolicyName="own", PolicyDocument=json.dumps(document))


def test_the_policy_simulator_allows_what_a_role_without_policies_does(world: World) -> None:
    allowed = {PUT_STATUS: "allowed", "s3:GetObject": "allowed"}
    assert _decisions(world, world.role(), PUT_STATUS, "s3:GetObject") == allowed
    assert _decisions(world, "arn:aws:iam::123456789012:role/none", PUT_STATUS) == {PUT_STATUS: "allowed"}
    assert _decisions(world, "a role of no kind at all", PUT_STATUS) == {PUT_STATUS: "allowed"}


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("action", [PUT_STATUS, "codedeploy:Put*", ["logs:*", "CodeDeploy:putlifecycle*"], "*"])
def test_the_policy_simulator_allows_what_an_allow_statement_names(world: World, action: object, single: bool) -> None:
    role = world.role()
    _policy(world, {"Effect": "Allow", "Action": action, "Resource": "*"}, single=single)
    assert _decisions(world, role, PUT_STATUS) == {PUT_STATUS: "allowed"}


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Allow", "Action": "codedeploy:Get*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": "*"},
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
    ],
)
def test_the_policy_simulator_denies_what_no_allow_statement_names(world: World, statement: dict[str, object]) -> None:
    role = world.role()
    _policy(world, statement)
    assert _decisions(world, role, PUT_STATUS, "codedeploy:GetX&Y")[PUT_STATUS] == "implicitDeny"


def test_the_policy_simulator_reads_attached_policies_of_awss_own(world: World) -> None:
    role, iam = world.role(), world.client("iam")
    policy = "arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"
    for _ in range(2):
        iam.attach_role_policy(RoleName="lambda-role", PolicyArn=policy)
    assert _decisions(world, role, "lambda:UpdateAlias", PUT_STATUS) == {
        "lambda:UpdateAlias": "allowed",
        PUT_STATUS: "implicitDeny",
    }
    with pytest.raises(ClientError) as refused:
        iam.attach_role_policy(RoleName="lambda-role", PolicyArn="arn:aws:iam::aws:policy/NoSuchPolicy")
    assert refused.value.response["Error"]["Code"] == "NoSuchEntity"


@pytest.mark.parametrize(
    ("service", "path", "operation"),
    [("lambda", "/2015-03-31/nothing", "GET /2015-03-31/nothing"), ("abacus", "/count", "GET /count")],
)
def test_a_request_of_no_known_operation_is_named_by_its_path_and_no_outage(
    world: World, service: str, path: str, operation: str
) -> None:
    scope = f"AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/{service}/aws4_request, Signature=0"
    answer = requests.get(f"{world.emulator.url}{path}", headers={"Authorization": scope}, timeout=5)
    call = world.emulator.calls[-1]
    assert (call["service"], call["operation"], call["status"]) == (service, operation, answer.status_code)
    assert answer.status_code < 500


@pytest.mark.parametrize(
    ("error", "code", "printed"),
    [
        (NotImplementedError("not in moto"), "UnknownOperationException", ""),
        (RuntimeError("a bug"), "EmulatorError", "RuntimeError: a bug"),
    ],
)
def test_an_error_inside_is_no_outage_that_clients_retry(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    error: Exception,
    code: str,
    printed: str,
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setitem(codedeploy.OPERATIONS, "ListApplications", broken)
    with pytest.raises(ClientError) as refused:
        world.codedeploy.list_applications()
    response = refused.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, 400)
    assert "codedeploy:ListApplications" in response["Error"]["Message"]
    written = capfd.readouterr().err
    assert written.endswith(f"{printed}\n") if printed else written == ""


@pytest.mark.parametrize("version", ["00000000-0000-0000-0000-000000000000", "latest"])
def test_a_revision_of_a_version_that_does_not_exist_is_missing(bucket: World, version: str) -> None:
    bucket.served()
    bucket.group()
    bucket.client("s3").put_object(Bucket="specs", Key="a", Body=b"{}")
    location = {"bucket": "specs", "key": "a", "bundleType": "JSON", "version": version}
    deployment = bucket.codedeploy.create_deployment(
        applicationName=APP, deploymentGroupName=GROUP, revision={"revisionType": "S3", "s3Location": location}
    )["deploymentId"]
    bucket.emulator.advance(5)
    assert (bucket.status(deployment), bucket.error(deployment)) == ("Failed", "REVISION_MISSING")
