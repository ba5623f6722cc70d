"""Whose bytes they are: an object that was there before is ours by its content alone; every request names its owner."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import re
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY
from moto import mock_aws

from ci_deploy.core.aws import S3Location
from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.given.package.contents import Program
from ci_deploy.core.given.package.packaging import Package, StoredPackage
from ci_deploy.edge.aws.client import Aws
from ci_deploy.edge.aws.s3.buckets import S3Buckets
from ci_deploy.edge.aws.s3.objects import PARTS
from ci_deploy.edge.aws.s3.packages import WINDOW, S3Packages
from ci_deploy.edge.aws.s3.revisions import S3Revisions
from tests.edge.fakes import REGION, FakeClock, Server, StubbedAws, sends, session

OWNER = "123456789012"
CONTENT = b'{"version":0.0}'
OTHERS = b'{"version":6.6}'
SHA256 = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()


@dataclass(frozen=True)
class Kind:
    """What is stored: an AppSpec or a package, and under which key."""

    key: str
    store: Callable[[Aws], S3Location]


def _package(aws: Aws) -> S3Location:
    package = Package(path="build", sha256=SHA256, size=len(CONTENT), unzipped=1, files=1)
    api = S3Packages(aws)
    return api.store(
        package, lambda: io.BytesIO(CONTENT), "bucket", "code/x.zip", owner=OWNER, tell=lambda *_: None
    ).location


KINDS = {
    "appspec": Kind(
        "CodeDeploy/x.json",
        lambda aws: S3Revisions(aws).put("bucket", "CodeDeploy/x.json", CONTENT, owner=OWNER, tag=False),
    ),
    "package": Kind("code/x.zip", _package),
}
# Both ways in which a store says that something is there already.
REFUSALS = {"conditional": ("PreconditionFailed", 412), "unconditional": ("NotImplemented", 501)}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


def refuses(aws: StubbedAws, how: str) -> None:
    code, status = REFUSALS[how]
    aws.refuse("s3", "put_object", code, status=status)


def heads(aws: StubbedAws, **answer: Any) -> None:
    aws.stub("s3").add_response("head_object", {"ContentLength": len(CONTENT), "ETag": '"e"', **answer})


def gets(aws: StubbedAws, kind: Kind, body: bytes, version: str = "") -> None:
    """No version is asked for, which would need a permission more: the answer says which one it is."""
    answer: dict[str, Any] = {"Body": StreamingBody(io.BytesIO(body), len(body))}
    aws.expect(
        "s3",
        "get_object",
        {**answer, "VersionId": version} if version else answer,
        Bucket="bucket",
        Key=kind.key,
        ExpectedBucketOwner=OWNER,
        IfMatch='"e"',
    )


# S3's answers about an object whose SHA-256 it does not know for the whole of it.
UNKNOWN: dict[str, dict[str, Any]] = {
    "no checksum": {},
    "another kind of checksum": {"ChecksumCRC64NVME": "AAAAAAAAAAA="},
    "a hash of hashes": {"ChecksumSHA256": f"{SHA256}-2", "ChecksumType": "COMPOSITE"},
    "said to be composite": {"ChecksumSHA256": SHA256, "ChecksumType": "COMPOSITE"},
}


@pytest.mark.parametrize("how", REFUSALS)
@pytest.mark.parametrize("type_", [{}, {"ChecksumType": "FULL_OBJECT"}])
def test_an_object_of_our_sha256_is_ours(aws: StubbedAws, kind: Kind, how: str, type_: dict[str, str]) -> None:
    refuses(aws, how)
    heads(aws, ChecksumSHA256=SHA256, VersionId="v1", **type_)
    assert kind.store(aws) == S3Location(
        bucket="bucket", key=kind.key, version="v1", etag="e", bundle_type="zip" if "zip" in kind.key else "JSON"
    )


@pytest.mark.parametrize("how", REFUSALS)
@pytest.mark.parametrize("answer", UNKNOWN.values(), ids=UNKNOWN)
def test_an_object_whose_hash_s3_does_not_know_is_read(
    aws: StubbedAws, kind: Kind, how: str, answer: dict[str, Any]
) -> None:
    """At the very version, or the very ETag, that is deployed then."""
    refuses(aws, how)
    heads(aws, VersionId="v1", **answer)
    gets(aws, kind, CONTENT, "v1")
    assert kind.store(aws).key == kind.key
    aws.done()


def others(aws: StubbedAws, kind: Kind, what: str) -> None:
    """Something under our key that is not ours, or of which that cannot be told."""
    match what:
        case "another length":
            heads(aws, ContentLength=1)
        case "another checksum":
            heads(aws, ChecksumSHA256=base64.b64encode(hashlib.sha256(OTHERS).digest()).decode())
        case "denied":
            aws.refuse("s3", "head_object", "403", "Forbidden", status=403)
        case "other bytes of the same length":
            heads(aws)
            gets(aws, kind, OTHERS)
        case "our bytes, cut short":
            heads(aws)
            gets(aws, kind, CONTENT[:-1])
        case "another version of the same ETag":
            heads(aws, VersionId="v1")
            gets(aws, kind, CONTENT, "v2")
        case "archived":
            heads(aws)
            aws.refuse("s3", "get_object", "InvalidObjectState", status=403)
        case "its key may not be used":
            heads(aws)
            aws.refuse("s3", "get_object", "AccessDenied", "not authorized to perform: kms:Decrypt", status=403)
        case "changed meanwhile":
            heads(aws)
            aws.refuse("s3", "get_object", "PreconditionFailed", status=412)
        case _:
            heads(aws, **UNKNOWN[what])
            gets(aws, kind, OTHERS)


@pytest.mark.parametrize("how", REFUSALS)
@pytest.mark.parametrize(
    "what",
    [
        "another length",
        "another checksum",
        "denied",
        "other bytes of the same length",
        "our bytes, cut short",
        "another version of the same ETag",
        "archived",
        "its key may not be used",
        "changed meanwhile",
        *UNKNOWN,
    ],
)
def test_what_is_not_ours_is_left_alone_and_keeps_nobody_from_storing(
    aws: StubbedAws, kind: Kind, how: str, what: str
) -> None:
    refuses(aws, how)
    others(aws, kind, what)
    aws.stub("s3").add_response("put_object", {"ETag": '"mine"'})
    found = kind.store(aws)
    folder, _, name = kind.key.rpartition("/")
    stem, suffix = name.split(".")
    assert re.fullmatch(rf"{folder}/{stem}-[0-9a-f]{{16}}\.{suffix}", found.key)
    assert found.etag == "mine"
    aws.done()


def test_the_other_key_cannot_be_known_before(kind: Kind) -> None:
    keys = set()
    for _ in range(5):
        aws = StubbedAws()
        refuses(aws, "conditional")
        heads(aws, ContentLength=1)
        aws.stub("s3").add_response("put_object", {"ETag": '"mine"'})
        keys.add(kind.store(aws).key)
    assert len(keys) == 5


def test_beside_it_a_store_without_conditions_is_written_too(aws: StubbedAws, kind: Kind) -> None:
    refuses(aws, "unconditional")
    heads(aws, ContentLength=1)
    refuses(aws, "unconditional")
    aws.stub("s3").add_response("put_object", {"ETag": '"mine"'})
    assert kind.store(aws).key != kind.key


@pytest.mark.parametrize("how", REFUSALS)
def test_an_object_that_is_gone_again_is_stored(aws: StubbedAws, kind: Kind, how: str) -> None:
    refuses(aws, how)
    aws.refuse("s3", "head_object", "404", status=404)
    aws.stub("s3").add_response("put_object", {"ETag": '"e"', "VersionId": "null"})
    found = kind.store(aws)
    assert (found.key, found.version) == (kind.key, "")


def test_a_service_that_is_busy_is_no_reason_to_store_elsewhere(aws: StubbedAws, kind: Kind) -> None:
    refuses(aws, "conditional")
    aws.refuse("s3", "head_object", "503", status=503)
    refuses(aws, "conditional")
    heads(aws, ChecksumSHA256=SHA256)
    assert kind.store(aws).key == kind.key


def test_beside_it_what_may_not_be_written_is_an_error(aws: StubbedAws, kind: Kind) -> None:
    refuses(aws, "conditional")
    heads(aws, ContentLength=1)
    aws.refuse("s3", "put_object", "AccessDenied", "Access Denied", status=403)
    with pytest.raises(AwsError) as caught:
        kind.store(aws)
    assert caught.value.kind is ErrorKind.DENIED


def test_a_real_object_of_the_same_length_is_not_deployed(clock: FakeClock, kind: Kind) -> None:
    """Whoever may write to the bucket knew our key: it is the hash of what everybody can read in the repository."""
    with mock_aws():
        client = session().create_client("s3", region_name=REGION)
        client.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
        client.put_object(Bucket="bucket", Key=kind.key, Body=OTHERS)
        found = kind.store(Aws(session(), clock, region=REGION))
        assert client.get_object(Bucket="bucket", Key=found.key)["Body"].read() == CONTENT
        assert client.get_object(Bucket="bucket", Key=kind.key)["Body"].read() == OTHERS


# --- What is in a package that is in S3 already --------------------------------------------------------------------


def described(clock: FakeClock, content: bytes) -> tuple[StoredPackage, list[str]]:
    """The package as it is found in a bucket, and the operations that it took."""
    asked: list[str] = []
    with mock_aws():
        client = session().create_client("s3", region_name=REGION)
        client.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
        client.put_object(Bucket="bucket", Key="code.zip", Body=content)
        aws = Aws(session(), clock, region=REGION)
        aws.client("s3").meta.events.register("before-call.s3", lambda model, **_: asked.append(model.name))
        place = S3Location(bucket="bucket", key="code.zip", bundle_type="zip")
        return S3Packages(aws).describe(place, owner=OWNER, tell=lambda *_: None), asked


def zipped(links: int = 0, padding: int = 0) -> bytes:
    """A package with an executable `bootstrap` at its end, behind so many bytes, and as many between its links."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.bin", bytes(padding), zipfile.ZIP_STORED)
        for number in range(links):
            link = zipfile.ZipInfo(f"node_modules/m{number}")
            link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, "../data.bin")
            archive.writestr(f"pad{number}", bytes(padding // links), zipfile.ZIP_STORED)
        program = zipfile.ZipInfo("bootstrap")
        program.create_system, program.external_attr = 3, (stat.S_IFREG | 0o755) << 16
        archive.writestr(program, "#!/bin/sh\n")
    return content.getvalue()


@pytest.mark.parametrize("padding", [0, 3_000_000])
def test_a_package_in_s3_is_looked_into_by_a_few_parts_of_it(clock: FakeClock, padding: int) -> None:
    found, asked = described(clock, zipped(padding=padding))
    assert found.contents is not None
    assert found.contents.has("data.bin") and not found.contents.has("app.py")
    assert found.contents.bootstrap == Program(mode=0o755, head=b"#!/bin/sh\n")
    assert asked[:2] == ["HeadObject", "GetObject"]  # and the hash
    assert len(asked) <= 2 + 5


def test_links_are_followed_there_too(clock: FakeClock) -> None:
    found, _ = described(clock, zipped(links=3))
    assert found.contents is not None
    assert found.contents.has("node_modules/m2")


def test_what_would_take_too_many_parts_is_not_judged(clock: FakeClock) -> None:
    """Half of the links unread would make a package look broken that works."""
    found, asked = described(clock, zipped(links=PARTS, padding=PARTS * (WINDOW + 1)))
    assert found.contents is None
    assert len(asked) <= 2 + PARTS


def test_a_store_that_gives_no_parts_is_not_taken_at_its_word(serve: Callable[..., Server], clock: FakeClock) -> None:
    """The whole object in the place of a part of it would be read as that part."""
    content = zipped()
    server = serve(sends(content, 200, "application/zip", ETag='"e"'))
    place = S3Location(bucket="bucket", key="code.zip", bundle_type="zip")
    aws = Aws(session(), clock, region=REGION, path_style=True)
    found = S3Packages(aws).describe(place, owner=OWNER, tell=lambda *_: None)
    assert (found.contents, found.size) == (None, len(content))
    assert len(server.requests) == 3


@pytest.mark.parametrize("content", [b"", b"no zip", zipped()[:-30]])
def test_what_is_no_zip_is_not_judged(clock: FakeClock, content: bytes) -> None:
    found, _ = described(clock, content)
    assert (found.contents, found.size) == (None, len(content))


# --- Encryption that a policy demands ------------------------------------------------------------------------------


def encrypts(aws: StubbedAws, **default: str) -> None:
    rules = [{"ApplyServerSideEncryptionByDefault": default}] if default else []
    aws.expect(
        "s3",
        "get_bucket_encryption",
        {"ServerSideEncryptionConfiguration": {"Rules": rules}},
        Bucket="bucket",
        ExpectedBucketOwner=OWNER,
    )


@pytest.mark.parametrize(
    ("default", "sent"),
    [
        ({"SSEAlgorithm": "AES256"}, {"ServerSideEncryption": "AES256"}),
        ({"SSEAlgorithm": "aws:kms"}, {"ServerSideEncryption": "aws:kms"}),
        (
            {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:aws:kms:k"},
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "arn:aws:kms:k"},
        ),
    ],
)
def test_a_denied_upload_names_the_buckets_own_encryption(
    aws: StubbedAws, kind: Kind, default: dict[str, str], sent: dict[str, str]
) -> None:
    """Policies that were written before buckets had a default demand the headers of it."""
    aws.refuse("s3", "put_object", "AccessDenied", status=403)
    encrypts(aws, **default)
    rest = dict.fromkeys(("Body", "ContentLength", "ContentType", "ChecksumSHA256", "IfNoneMatch"), ANY)
    aws.expect(
        "s3", "put_object", {"ETag": '"e"'}, Bucket="bucket", Key=kind.key, ExpectedBucketOwner=OWNER, **rest, **sent
    )
    assert kind.store(aws).etag == "e"
    aws.done()


def test_a_denied_upload_without_a_default_that_can_be_read_is_denied(aws: StubbedAws, kind: Kind) -> None:
    for known in (True, False):
        aws.refuse("s3", "put_object", "AccessDenied", "with an explicit deny in a service control policy", status=403)
        if known:
            encrypts(aws)
        else:
            aws.refuse("s3", "get_bucket_encryption", "AccessDenied", status=403)
        with pytest.raises(AwsError) as caught:
            kind.store(aws)
        assert (caught.value.kind, caught.value.operation) == (ErrorKind.DENIED, "s3:PutObject")
        assert "(SCP)" in caught.value.remedy
    aws.done()


# --- Whose bucket it is --------------------------------------------------------------------------------------------

HERE = S3Location(bucket="bucket", key="k", version="v1", etag="e", bundle_type="JSON")
CALLS: dict[str, Callable[[Aws], object]] = {
    "store an AppSpec": KINDS["appspec"].store,
    "store a package": KINDS["package"].store,
    "read an AppSpec": lambda aws: S3Revisions(aws).get(HERE, owner=OWNER),
    "find a package": lambda aws: S3Packages(aws).describe(HERE, owner=OWNER, tell=lambda *_: None),
    "region": lambda aws: S3Buckets(aws).region("bucket", OWNER),
    "key": lambda aws: S3Buckets(aws).key("bucket", OWNER),
    "rules": lambda aws: S3Buckets(aws).rules("bucket", OWNER),
}


@pytest.mark.parametrize("what", CALLS)
def test_every_request_names_the_account_that_the_bucket_must_belong_to(
    what: str, serve: Callable[..., Server], clock: FakeClock
) -> None:
    """Uploads meet an object of others first, so that every request of theirs is made."""
    exists = sends(b"<Error><Code>PreconditionFailed</Code></Error>", 412, "application/xml")
    there = sends(OTHERS, 200, "text/plain", ETag='"e"')
    server = serve(*([exists] if "store" in what else []), there)
    with contextlib.suppress(AwsError):  # this server answers as S3 does to some of them only
        CALLS[what](Aws(session(), clock, region=REGION, path_style=True))
    assert len(server.requests) >= (4 if "store" in what else 1)
    for request in server.requests:
        assert request["headers"].get("x-amz-expected-bucket-owner") == OWNER


@pytest.mark.parametrize("what", [name for name in CALLS if name not in ("region", "key", "rules")])
def test_a_denied_object_says_whose_bucket_was_expected(
    what: str, serve: Callable[..., Server], clock: FakeClock
) -> None:
    serve(sends(b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", 403, "application/xml"))
    with pytest.raises(AwsError) as caught:
        CALLS[what](Aws(session(), clock, region=REGION, path_style=True))
    assert caught.value.kind is ErrorKind.DENIED
    assert f"not account {OWNER}'s (`bucket-owner`)" in caught.value.remedy
