"""Whose bytes they are: the one way to objects in S3, for AppSpecs and packages alike. Nothing is overwritten.

Two laws. Every request names the account that the bucket must belong to. And an object that was there before is taken
for ours only if the SHA-256 of its bytes is that of ours: whoever may write to the bucket can put anything under a key
that is the hash of our content. What is not ours, or cannot be told, is left alone, and ours goes under a key that
nobody could know, so that no object keeps a rescue from being made.

Objects stream: memory does not grow with them. Sources: S3's conditional writes (If-None-Match) and checksums
(ChecksumSHA256 is of the whole object, except after multipart uploads, where it is a hash of hashes), its
ExpectedBucketOwner.
"""

from __future__ import annotations

import base64
import hashlib
import io
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import IO, Any

from ....core.aws import S3Location
from ....core.errors import AwsError, ErrorKind
from ....core.reasons import hints
from ..client import Aws, OtherRegion
from ..errors import CALL_ERRORS, iam_action, translate

BLOCK = 1024 * 1024
PARTS = 20  # requests that looking into a package may take
# A concurrent conditional write of the same key: the other one has not ended yet.
_AGAIN = frozenset({"ConditionalRequestConflict", "OperationAborted"})
_EXISTS = ("PreconditionFailed", "412")
_NO_CONDITIONS = ("NotImplemented", "501")
_MOVED = ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301", "307")

Telling = Callable[[int, int], None]  # bytes done, bytes in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A key, and the account that its bucket must belong to. `version`: the object's, where one is meant."""

    bucket: str
    key: str
    owner: str
    version: str = ""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def unguessed(self) -> Place:
        """A place beside this one that nobody can have written to before."""
        path = PurePosixPath(self.key)
        return replace(self, key=str(path.with_name(f"{path.stem}-{secrets.token_hex(8)}{path.suffix}")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is to be stored: SHA-256 in base64, size in bytes, and how to read it from the beginning."""

    sha256: str
    size: int
    kind: str
    bundle_type: str
    open: Callable[[], IO[bytes]]
    tagging: str | None = None


class S3Objects:
    """What `store`, `find` and `read` do is repeated on transient errors, within the reading budget."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def store(self, place: Place, content: Content, telling: Telling) -> S3Location:
        """Where the content is now: at `place`, or beside it if something else is there."""
        try:
            # Repeating is safe: the second attempt finds what the first one stored, if its answer was lost.
            return self._aws.reading(lambda: self._store(place, content, telling), also=_AGAIN)
        except _NotOurs:
            return self._aws.reading(lambda: self._beside(place.unguessed(), content))

    def find(self, place: Place, bundle_type: str, telling: Telling) -> tuple[S3Location, str, int]:
        """The object, pinned to what is there now; its SHA-256 (base64), computed here if need be; its size."""
        head = self._aws.reading(lambda: self._head(place))
        pinned = _location(place, bundle_type, head)
        size = int(head.get("ContentLength") or 0)
        sha256 = (
            _whole_sha256(head)
            or self._aws.reading(lambda: self._hash(place, pinned, pinned.version, size, telling))[0]
        )
        return pinned, sha256, size

    def parts(self, place: Place, pinned: S3Location, size: int) -> Parts:
        """The object to read here and there, at what `pinned` says of it."""

        def part(first: int, last: int) -> bytes:
            return self._aws.reading(lambda: self._part(place, pinned, first, last))

        return Parts(part, size)

    def read(self, place: Place, limit: int) -> bytes:
        """The object's bytes, but at most one more than `limit`."""
        return self._aws.reading(lambda: self._read(place, limit))

    # --- one attempt each ---------------------------------------------------------------------------------------------

    def _store(self, place: Place, content: Content, telling: Telling) -> S3Location:
        try:
            return self._put(place, content, once=True)
        except AwsError as error:
            if error.code not in (*_EXISTS, *_NO_CONDITIONS):
                raise
            conditional = error.code in _EXISTS
        if (found := self._ours(place, content, telling)) is not None:
            return found
        # It is gone again; or this store does not know conditional writes, and a race writes the same bytes.
        return self._put(place, content, once=conditional)

    def _beside(self, place: Place, content: Content) -> S3Location:
        try:
            return self._put(place, content, once=True)
        except AwsError as error:
            if error.code not in _NO_CONDITIONS:
                raise
        return self._put(place, content, once=False)

    def _put(self, place: Place, content: Content, *, once: bool) -> S3Location:
        try:
            return self._send(place, content, once=once)
        except AwsError as error:
            # Policies may demand that a request names the encryption which the bucket has anyway.
            if error.kind is not ErrorKind.DENIED or not (encryption := self._encryption(place)):
                raise
        return self._send(place, content, once=once, **encryption)

    def _encryption(self, place: Place) -> dict[str, str]:
        """The bucket's default encryption, as an upload asks for it; empty where it may not be read."""
        try:
            answer = self._call("GetBucketEncryption", place, key=False)
        except AwsError:
            return {}
        for rule in (answer.get("ServerSideEncryptionConfiguration") or {}).get("Rules") or ():
            default = rule.get("ApplyServerSideEncryptionByDefault") or {}
            names = {"ServerSideEncryption": default.get("SSEAlgorithm"), "SSEKMSKeyId": default.get("KMSMasterKeyID")}
            return {name: str(value) for name, value in names.items() if value}
        return {}

    def _send(self, place: Place, content: Content, *, once: bool, **encryption: Any) -> S3Location:
        with content.open() as body:
            answer = self._call(
                "PutObject",
                place,
                Body=body,
                ContentLength=content.size,
                ContentType=content.kind,
                ChecksumSHA256=content.sha256,
                IfNoneMatch="*" if once else None,
                Tagging=content.tagging,
                **encryption,
            )
        return _location(place, content.bundle_type, answer)

    def _ours(self, place: Place, content: Content, telling: Telling) -> S3Location | None:
        """The object that is there, if its bytes are ours; None for no object; _NotOurs: others', or not to be read."""
        try:
            head = self._head(place)
            pinned = _location(place, content.bundle_type, head)
            if head.get("ContentLength") != content.size:
                raise _NotOurs
            # Without the version's id, which would need another permission; the answer has it, and it must be the same.
            read = (_whole_sha256(head), pinned.version)
            if not read[0]:
                read = self._hash(place, pinned, "", content.size, telling)
            if read != (content.sha256, pinned.version):
                raise _NotOurs
        except AwsError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return None
            if error.kind in (ErrorKind.DENIED, ErrorKind.REJECTED, ErrorKind.CONFLICT):
                raise _NotOurs from error
            raise
        return pinned

    def _head(self, place: Place) -> dict[str, Any]:
        return self._call("HeadObject", place, VersionId=place.version or None, ChecksumMode="ENABLED")

    def _hash(self, place: Place, pinned: S3Location, version: str, size: int, telling: Telling) -> tuple[str, str]:
        """SHA-256 (base64) of the object's bytes, and its version; with the ETag of `pinned`, or not at all."""
        answer = self._call(
            "GetObject",
            place,
            VersionId=version or None,
            IfMatch=f'"{pinned.etag}"' if pinned.etag else None,
        )
        body, sha, done = answer["Body"], hashlib.sha256(), 0
        try:
            while block := body.read(BLOCK):
                sha.update(block)
                done += len(block)
                telling(done, size)
        except CALL_ERRORS as error:
            raise translate(error, service="s3", operation="GetObject", resource=str(place)) from error
        finally:
            body.close()
        read = _location(place, pinned.bundle_type, answer)
        return base64.b64encode(sha.digest()).decode(), read.version

    def _part(self, place: Place, pinned: S3Location, first: int, last: int) -> bytes:
        answer = self._call(
            "GetObject",
            place,
            VersionId=pinned.version or None,
            IfMatch=f'"{pinned.etag}"' if pinned.etag else None,
            Range=f"bytes={first}-{last}",
        )
        body = answer["Body"]
        try:
            if not answer.get("ContentRange"):
                raise OSError("this store gives no parts of an object")
            return bytes(body.read())
        except CALL_ERRORS as error:
            raise translate(error, service="s3", operation="GetObject", resource=str(place)) from error
        finally:
            body.close()

    def _read(self, place: Place, limit: int) -> bytes:
        body = self._call("GetObject", place, VersionId=place.version or None)["Body"]
        try:
            # One byte more than allowed tells "too large" without reading it all. botocore notices a body that breaks
            # off only when it is read to its end.
            content = bytes(body.read(limit + 1))
            return content if len(content) > limit else content + bytes(body.read())
        except CALL_ERRORS as error:
            raise translate(error, service="s3", operation="GetObject", resource=str(place)) from error
        finally:
            body.close()

    def _call(self, operation: str, place: Place, /, *, key: bool = True, **parameters: Any) -> dict[str, Any]:
        """One attempt of an operation on an object (without `key`: on its bucket), its errors explained."""
        bucket, ours = place.bucket, self._aws.region
        try:
            return self._aws.call(
                "s3",
                operation,
                str(place),
                Bucket=bucket,
                Key=place.key if key else None,
                ExpectedBucketOwner=place.owner,
                **parameters,
            )
        except OtherRegion as error:
            raise _elsewhere(operation, place, error.region, ours) from None
        except AwsError as error:
            if error.code in _MOVED:
                raise _elsewhere(operation, place, "", ours) from error
            if error.code == "NoSuchBucket" or (error.kind is ErrorKind.NOT_FOUND and operation == "PutObject"):
                error.hint = hints.BucketNone(bucket=bucket, region=ours)
            elif error.kind is ErrorKind.DENIED:
                error.hint = hints.BucketForeign(owner=place.owner, before=error.hint)
            raise


class Parts(io.RawIOBase):
    """An object as a file that can be read anywhere, a part a request; OSError once that would be too many.

    `exhausted` says that it was: a reader may have taken the error for the end of something.
    """

    def __init__(self, part: Callable[[int, int], bytes], size: int) -> None:
        self._part = part
        self._size = size
        self._at = 0
        self._left = PARTS
        self.exhausted = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        length = min(len(buffer), self._size - self._at)
        if length <= 0:
            return 0
        if not self._left:
            self.exhausted = True
            raise OSError("too many parts of the object would have to be read")
        self._left -= 1
        data = self._part(self._at, self._at + length - 1)[:length]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at


class _NotOurs(Exception):  # noqa: N818 - an answer to "is it ours?", never seen outside
    """There is an object, and its bytes are others, or may not be read."""


def _whole_sha256(head: Mapping[str, Any]) -> str:
    """The SHA-256 of the whole object in base64, if S3 knows it; empty if it does not."""
    found = str(head.get("ChecksumSHA256") or "")
    return "" if "-" in found or head.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT" else found


def _location(place: Place, bundle_type: str, answer: Mapping[str, Any]) -> S3Location:
    version = str(answer.get("VersionId") or place.version)
    return S3Location(
        bucket=place.bucket,
        key=place.key,
        # A bucket without versioning says nothing, or `null`.
        version="" if version == "null" else version,
        # The header's quotes are HTTP's; CodeDeploy's eTag is written without them.
        etag=str(answer.get("ETag") or "").strip('"'),
        bundle_type=bundle_type,
    )


def _elsewhere(operation: str, place: Place, region: str, ours: str) -> AwsError:
    where = f"in {region}" if region else "in another region"
    error = AwsError(
        ErrorKind.REJECTED,
        operation=iam_action("s3", operation),
        code="BucketInOtherRegion",
        message=f"the bucket {place.bucket} is {where}, the deployment in {ours}",
        resource=str(place),
    )
    error.hint = hints.BucketElsewhere(region=ours, storing=operation == "PutObject")
    return error
