"""S3's adapter: an AppSpec is stored once, found again, and never silently elsewhere."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY
from moto import mock_aws

from ci_deploy.core.aws import S3Location
from ci_deploy.core.errors import AwsError, ErrorKind, InvalidInput
from ci_deploy.core.given.files.bundle import LARGEST
from ci_deploy.edge.aws.client import Aws, OtherRegion
from ci_deploy.edge.aws.s3.revisions import S3Revisions
from tests.edge.fakes import REGION, FakeClock, Server, StubbedAws, hangs_up, sends, session

CONTENT = b'{"version":0.0}'
SHA256 = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
ACCOUNT = "123456789012"
KEY = "CodeDeploy/abc.json"
PUT = {
    "Bucket": "bucket",
    "Key": KEY,
    "Body": ANY,
    "ContentLength": len(CONTENT),
    "ContentType": "application/json",
    "ChecksumSHA256": SHA256,
    "ExpectedBucketOwner": ACCOUNT,
    "IfNoneMatch": "*",
}
HEAD = {"Bucket": "bucket", "Key": KEY, "ExpectedBucketOwner": ACCOUNT, "ChecksumMode": "ENABLED"}
STORED = {"VersionId": "v1", "ETag": '"etag"'}
HERE = S3Location(bucket="bucket", key=KEY, version="v1", etag="etag", bundle_type="JSON")


@pytest.fixture
def api(aws: StubbedAws) -> S3Revisions:
    return S3Revisions(aws)


def put(api: S3Revisions, *, tag: bool = False) -> S3Location:
    return api.put("bucket", KEY, CONTENT, owner=ACCOUNT, tag=tag)


@pytest.fixture
def moto_s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with mock_aws():
        client = session().create_client("s3", region_name=REGION)
        client.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
        yield client


def test_it_is_stored_under_a_condition_with_a_checksum_for_the_right_owner(aws: StubbedAws, api: S3Revisions) -> None:
    aws.expect("s3", "put_object", STORED, **PUT)
    assert put(api) == HERE


def test_another_prefix_gets_the_tag_that_lets_codedeploy_read_it(aws: StubbedAws, api: S3Revisions) -> None:
    aws.expect("s3", "put_object", STORED, **PUT, Tagging="UseWithCodeDeploy=true")
    put(api, tag=True)


def test_a_re_run_finds_the_object_and_adds_no_version(moto_s3: Any, clock: FakeClock) -> None:
    moto_s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    api = S3Revisions(Aws(session(), clock, region=REGION))
    first, second = put(api, tag=True), put(api, tag=True)
    assert first == second
    assert first.version
    assert len(moto_s3.list_object_versions(Bucket="bucket")["Versions"]) == 1
    assert api.get(first, owner=ACCOUNT) == CONTENT.decode()


def test_a_bucket_without_versions_gives_none(moto_s3: Any, clock: FakeClock) -> None:
    location = put(S3Revisions(Aws(session(), clock, region=REGION)))
    assert location.version == ""
    assert location.etag == hashlib.md5(CONTENT).hexdigest()


@pytest.mark.parametrize("version", ["null", ""])
def test_the_null_version_is_no_version(aws: StubbedAws, api: S3Revisions, version: str) -> None:
    aws.expect("s3", "put_object", {"VersionId": version, "ETag": '"e"'})
    assert put(api).version == ""


def test_a_lost_answer_is_found_by_the_second_attempt(aws: StubbedAws, api: S3Revisions) -> None:
    aws.refuse("s3", "put_object", "InternalError", status=500)
    aws.refuse("s3", "put_object", "PreconditionFailed", status=412)
    aws.expect("s3", "head_object", {**STORED, "ContentLength": len(CONTENT), "ChecksumSHA256": SHA256}, **HEAD)
    assert put(api) == HERE


def test_a_concurrent_write_of_the_same_key_is_waited_for(aws: StubbedAws, api: S3Revisions) -> None:
    aws.refuse("s3", "put_object", "ConditionalRequestConflict", status=409)
    aws.expect("s3", "put_object", STORED, **PUT)
    assert put(api) == HERE


def test_a_missing_bucket_is_named(moto_s3: Any, clock: FakeClock) -> None:
    with pytest.raises(AwsError) as caught:
        S3Revisions(Aws(session(), clock, region=REGION)).put("other", KEY, CONTENT, owner=ACCOUNT, tag=False)
    assert caught.value.kind is ErrorKind.NOT_FOUND
    assert "other" in caught.value.remedy
    assert REGION in caught.value.remedy


def test_a_forbidden_bucket_says_what_may_deny_it(aws: StubbedAws, api: S3Revisions) -> None:
    aws.refuse("s3", "put_object", "AccessDenied", "Access Denied", status=403)
    with pytest.raises(AwsError) as caught:
        put(api)
    assert caught.value.kind is ErrorKind.DENIED
    assert "s3:PutObject" in caught.value.remedy
    assert "owner" in caught.value.remedy


def test_a_bucket_of_another_region_is_not_followed_but_named(serve: Callable[..., Server], clock: FakeClock) -> None:
    moved = sends(
        b"<Error><Code>PermanentRedirect</Code><Bucket>bucket</Bucket></Error>",
        301,
        "application/xml",
        x_amz_bucket_region="us-west-2",
    )
    serve(moved)
    with pytest.raises(AwsError) as caught:
        put(S3Revisions(Aws(session(), clock, region=REGION, path_style=True)))
    assert caught.value.code == "BucketInOtherRegion"
    assert REGION in caught.value.remedy


@pytest.mark.parametrize(
    ("code", "status"),
    [("PermanentRedirect", 301), ("AuthorizationHeaderMalformed", 400), ("IllegalLocationConstraintException", 400)],
)
def test_a_store_that_does_not_say_where_the_bucket_is_says_at_least_not_here(
    aws: StubbedAws, api: S3Revisions, code: str, status: int
) -> None:
    aws.refuse("s3", "put_object", code, status=status)
    with pytest.raises(AwsError) as caught:
        put(api)
    assert caught.value.message == f"the bucket bucket is in another region, the deployment in {REGION}"
    assert caught.value.remedy.endswith(f"use a bucket in {REGION}. Without `bucket` the AppSpec is sent inline.")


class Signed:
    """A request as botocore's before-send event shows it."""

    def __init__(self, region: str) -> None:
        scope = f"AKIAEXAMPLE/20261124/{region}/s3/aws4_request"
        self.headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host".encode()}


def test_a_request_signed_for_another_region_is_stopped() -> None:
    aws = StubbedAws()
    with pytest.raises(OtherRegion) as caught:
        aws._refuse_other_region(Signed("us-west-2"))
    assert caught.value.region == "us-west-2"
    aws._refuse_other_region(Signed(REGION))


def test_a_custom_endpoint_is_addressed_by_path(serve: Callable[..., Server], clock: FakeClock) -> None:
    server = serve(hangs_up, sends(b"", 200, ETag='"e"'))
    put(S3Revisions(Aws(session(), clock, region=REGION, path_style=True)))
    assert [request["path"] for request in server.requests] == [f"/bucket/{KEY}"] * 2
    assert server.requests[1]["headers"]["If-None-Match"] == "*"
    assert server.requests[1]["body"] == CONTENT


def reads(aws: StubbedAws, body: bytes) -> None:
    aws.expect(
        "s3",
        "get_object",
        {"Body": StreamingBody(io.BytesIO(body), len(body))},
        Bucket="bucket",
        Key=KEY,
        VersionId="v1",
        ExpectedBucketOwner=ACCOUNT,
    )


def test_a_users_appspec_is_read_at_its_version(aws: StubbedAws, api: S3Revisions) -> None:
    reads(aws, "\ufeffversion: 0.0 # ä".encode())
    assert api.get(HERE, owner=ACCOUNT) == "version: 0.0 # ä"


def test_a_users_appspec_may_be_a_bundle(aws: StubbedAws, api: S3Revisions) -> None:
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("appspec.yml", "version: 0.0")
    reads(aws, bundle.getvalue())
    assert api.get(HERE, owner=ACCOUNT) == "version: 0.0"


@pytest.mark.parametrize("body", [b"\xff\xfe", b"x" * (LARGEST + 1)])
def test_what_cannot_be_an_appspec_is_bad_input(aws: StubbedAws, api: S3Revisions, body: bytes) -> None:
    reads(aws, body)
    with pytest.raises(InvalidInput, match="appspec"):
        api.get(HERE, owner=ACCOUNT)


def test_a_body_that_breaks_off_is_read_again(serve: Callable[..., Server], clock: FakeClock) -> None:
    def breaks_off(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"version")
        handler.close_connection = True

    serve(breaks_off, sends(b"version: 0.0", 200, "text/plain"))
    assert S3Revisions(Aws(session(), clock, region=REGION, path_style=True)).get(HERE, owner=ACCOUNT) == "version: 0.0"
