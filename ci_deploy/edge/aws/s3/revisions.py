"""The AppSpec's place in S3: stored once under the hash of its content, read back when it is the user's own.

Never overwrites and never deletes. Sources: S3's conditional writes (If-None-Match), facts.md A2 (what the managed
service role may read).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ....core.aws import S3Location
from ....core.errors import AwsError, ErrorKind, InvalidInput, Problem
from ..client import Aws, OtherRegion
from ..errors import CALL_ERRORS, iam_action, translate

# An AppSpec is a few hundred bytes; what is far larger is not one.
LARGEST = 256 * 1024
# A concurrent conditional write of the same key: the other one has not ended yet.
AGAIN = frozenset({"ConditionalRequestConflict", "OperationAborted"})
EXISTS = ("PreconditionFailed", "412")
NO_CONDITIONS = ("NotImplemented", "501")
_MOVED = ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301", "307")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    """What is stored where: everything that a put and the check of an earlier put need."""

    bucket: str
    key: str
    content: bytes
    account: str
    tag: bool

    @property
    def sha256(self) -> str:
        return base64.b64encode(hashlib.sha256(self.content).digest()).decode()

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class S3Revisions:
    """Implements ports.Revisions."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def put(self, bucket: str, key: str, content: bytes, *, account: str, tag: bool) -> S3Location:
        wanted = _Object(bucket=bucket, key=key, content=content, account=account, tag=tag)
        # Repeating is safe: the second attempt finds what the first one stored, if its answer was lost.
        return self._aws.reading(lambda: self._put(wanted), also=AGAIN)

    def get(self, location: S3Location) -> str:
        body = self._aws.reading(lambda: self._get(location))
        if len(body) > LARGEST:
            raise _not_appspec(location, f"is larger than {LARGEST // 1024} KiB")
        try:
            return body.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise _not_appspec(location, "is not UTF-8 text") from None

    def _put(self, wanted: _Object) -> S3Location:
        try:
            return _location(wanted, self._send(wanted, once=True))
        except AwsError as error:
            if error.code in EXISTS:
                return self._existing(wanted)
            if error.code not in NO_CONDITIONS:
                raise
        # A store that does not know conditional writes: the key is the content's hash, so a race writes the same bytes.
        try:
            return self._existing(wanted)
        except AwsError as error:
            if error.kind is not ErrorKind.NOT_FOUND:
                raise
        return _location(wanted, self._send(wanted, once=False))

    def _send(self, wanted: _Object, *, once: bool) -> dict[str, Any]:
        return self._call(
            "PutObject",
            wanted.bucket,
            str(wanted),
            Bucket=wanted.bucket,
            Key=wanted.key,
            Body=wanted.content,
            ContentType="application/yaml" if _bundle_type(wanted.key) == "YAML" else "application/json",
            ChecksumSHA256=wanted.sha256,
            ExpectedBucketOwner=wanted.account or None,
            IfNoneMatch="*" if once else None,
            Tagging="UseWithCodeDeploy=true" if wanted.tag else None,
        )

    def _existing(self, wanted: _Object) -> S3Location:
        head = self._call(
            "HeadObject",
            wanted.bucket,
            str(wanted),
            Bucket=wanted.bucket,
            Key=wanted.key,
            ExpectedBucketOwner=wanted.account or None,
            ChecksumMode="ENABLED",
        )
        checksum = str(head.get("ChecksumSHA256") or wanted.sha256)
        if head.get("ContentLength") != len(wanted.content) or checksum != wanted.sha256:
            raise different_content(str(wanted))
        return _location(wanted, head)

    def _get(self, location: S3Location) -> bytes:
        answer = self._call(
            "GetObject",
            location.bucket,
            str(location),
            Bucket=location.bucket,
            Key=location.key,
            VersionId=location.version or None,
        )
        body = answer["Body"]
        try:
            # One byte more than allowed tells "too large" without reading it all. botocore notices a body that breaks
            # off only when it is read to its end.
            content = bytes(body.read(LARGEST + 1))
            return content if len(content) > LARGEST else content + bytes(body.read())
        except CALL_ERRORS as error:
            raise translate(error, service="s3", operation="GetObject", resource=str(location)) from error
        finally:
            body.close()

    def _call(self, operation: str, bucket: str, resource: str, /, **parameters: Any) -> dict[str, Any]:
        return call_bucket(self._aws, operation, bucket, resource, **parameters)


def call_bucket(aws: Aws, operation: str, bucket: str, resource: str, /, **parameters: Any) -> dict[str, Any]:
    """One attempt of an operation on a bucket, its errors explained by what can be wrong with a bucket."""
    try:
        return aws.call("s3", operation, resource, **parameters)
    except OtherRegion as error:
        raise _elsewhere(operation, bucket, resource, error.region, aws.region) from None
    except AwsError as error:
        if error.code in _MOVED:
            raise _elsewhere(operation, bucket, resource, "", aws.region) from error
        if error.code == "NoSuchBucket" or (error.kind is ErrorKind.NOT_FOUND and operation == "PutObject"):
            error.remedy = f"The bucket {bucket} does not exist: create it in {aws.region}, or correct `bucket`."
        raise


def different_content(resource: str) -> AwsError:
    """The error for an object under our content's hash that has other content."""
    error = AwsError(
        ErrorKind.REJECTED,
        operation=iam_action("s3", "PutObject"),
        code="DifferentContent",
        message="an object with other content is there already, though its key is the hash of ours",
        resource=resource,
    )
    error.remedy = "Somebody overwrote it: delete that object, and see who may write to the bucket."
    return error


def _elsewhere(operation: str, bucket: str, resource: str, region: str, ours: str) -> AwsError:
    where = f"in {region}" if region else "in another region"
    error = AwsError(
        ErrorKind.REJECTED,
        operation=iam_action("s3", operation),
        code="BucketInOtherRegion",
        message=f"the bucket {bucket} is {where}, the deployment in {ours}",
        resource=resource,
    )
    error.remedy = f"CodeDeploy reads revisions from its own region: use a bucket in {ours}, or none (inline AppSpec)."
    return error


def _bundle_type(key: str) -> str:
    return "YAML" if key.lower().endswith((".yml", ".yaml")) else "JSON"


def _location(wanted: _Object, answer: Mapping[str, Any]) -> S3Location:
    version = str(answer.get("VersionId") or "")
    return S3Location(
        bucket=wanted.bucket,
        key=wanted.key,
        # A bucket without versioning says nothing, or `null`.
        version="" if version == "null" else version,
        # The header's quotes are HTTP's; CodeDeploy's eTag is written without them.
        etag=str(answer.get("ETag") or "").strip('"'),
        bundle_type=_bundle_type(wanted.key),
    )


def _not_appspec(location: S3Location, what: str) -> InvalidInput:
    return InvalidInput(
        (Problem(where="input `appspec`", what=f"{location} {what}.", remedy="Name the object that is the AppSpec."),)
    )
