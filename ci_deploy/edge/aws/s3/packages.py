"""Packages in S3: found and hashed, or uploaded once under the hash of their content. Nothing is overwritten.

Both ways stream: memory does not grow with the package. Sources: S3's checksums (a SHA-256 of the whole object is
known only if the uploader sent one, and not for multipart uploads) and conditional writes.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable, Mapping
from typing import IO, Any

from ....core.aws import S3Location
from ....core.errors import AwsError, ErrorKind
from ....core.given.packaging import Package, StoredPackage
from ....ports import Progress
from ...packages.pace import paced
from ..client import Aws
from ..errors import CALL_ERRORS, translate
from .revisions import AGAIN, EXISTS, NO_CONDITIONS, call_bucket, different_content

BLOCK = 1024 * 1024


class S3Packages:
    """Implements ports.Objects."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def describe(self, location: S3Location, *, account: str, tell: Progress) -> StoredPackage:
        head = self._aws.reading(lambda: self._head(location, account=""))
        version = str(head.get("VersionId") or location.version)
        pinned = S3Location(
            bucket=location.bucket,
            key=location.key,
            version="" if version == "null" else version,
            etag=str(head.get("ETag") or "").strip('"'),
            bundle_type="zip",
        )
        size = int(head.get("ContentLength") or 0)
        sha256 = str(head.get("ChecksumSHA256") or "")
        if not sha256 or "-" in sha256:  # a multipart upload's is a hash of hashes
            sha256 = self._aws.reading(lambda: self._hash(pinned, size, tell))
        return StoredPackage(location=pinned, sha256=sha256, size=size)

    def store(
        self, package: Package, content: Callable[[], IO[bytes]], bucket: str, key: str, *, account: str, tell: Progress
    ) -> StoredPackage:
        place = S3Location(bucket=bucket, key=key, bundle_type="zip")

        def attempt() -> StoredPackage:
            try:
                return _stored(place, package, self._put(package, content, place, account, tell, once=True))
            except AwsError as error:
                if error.code in EXISTS:
                    return self._existing(place, package, account)
                if error.code not in NO_CONDITIONS:
                    raise
            try:
                return self._existing(place, package, account)
            except AwsError as error:
                if error.kind is not ErrorKind.NOT_FOUND:
                    raise
            return _stored(place, package, self._put(package, content, place, account, tell, once=False))

        # Repeating is safe: the second attempt finds what the first one stored, if its answer was lost.
        return self._aws.reading(attempt, also=AGAIN)

    def _put(
        self,
        package: Package,
        content: Callable[[], IO[bytes]],
        place: S3Location,
        account: str,
        tell: Progress,
        *,
        once: bool,
    ) -> dict[str, Any]:
        body = _Told(content(), package.size, paced(self._aws.clock, tell, f"uploading {package.path}"))
        with body:
            return call_bucket(
                self._aws,
                "PutObject",
                place.bucket,
                str(place),
                Bucket=place.bucket,
                Key=place.key,
                Body=body,
                ContentLength=package.size,
                ContentType="application/zip",
                ChecksumSHA256=package.sha256,
                ExpectedBucketOwner=account or None,
                IfNoneMatch="*" if once else None,
            )

    def _existing(self, place: S3Location, package: Package, account: str) -> StoredPackage:
        head = self._head(place, account=account)
        checksum = str(head.get("ChecksumSHA256") or package.sha256)
        if head.get("ContentLength") != package.size or checksum != package.sha256:
            raise different_content(str(place))
        return _stored(place, package, head)

    def _head(self, location: S3Location, *, account: str) -> dict[str, Any]:
        return call_bucket(
            self._aws,
            "HeadObject",
            location.bucket,
            str(location),
            Bucket=location.bucket,
            Key=location.key,
            VersionId=location.version or None,
            ExpectedBucketOwner=account or None,
            ChecksumMode="ENABLED",
        )

    def _hash(self, location: S3Location, size: int, tell: Progress) -> str:
        answer = call_bucket(
            self._aws,
            "GetObject",
            location.bucket,
            str(location),
            Bucket=location.bucket,
            Key=location.key,
            VersionId=location.version or None,
            IfMatch=f'"{location.etag}"' if location.etag else None,
        )
        telling = paced(self._aws.clock, tell, f"reading {location}")
        body, sha, done = answer["Body"], hashlib.sha256(), 0
        try:
            while block := body.read(BLOCK):
                sha.update(block)
                done += len(block)
                telling(done, size)
        except CALL_ERRORS as error:
            raise translate(error, service="s3", operation="GetObject", resource=str(location)) from error
        finally:
            body.close()
        return base64.b64encode(sha.digest()).decode()


class _Told(io.RawIOBase):
    """A body that says how much of it was read; a signer's pass over it from the beginning counts again."""

    def __init__(self, content: IO[bytes], size: int, telling: Callable[[int, int], None]) -> None:
        self._content = content
        self._size = size
        self._telling = telling

    def __len__(self) -> int:
        return self._size

    def read(self, size: int | None = -1) -> bytes:
        data = self._content.read(-1 if size is None else size)
        self._telling(self._content.tell(), self._size)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._content.seek(offset, whence)

    def tell(self) -> int:
        return self._content.tell()

    def close(self) -> None:
        self._content.close()
        super().close()


def _stored(place: S3Location, package: Package, answer: Mapping[str, Any]) -> StoredPackage:
    version = str(answer.get("VersionId") or "")
    pinned = S3Location(
        bucket=place.bucket,
        key=place.key,
        version="" if version == "null" else version,
        etag=str(answer.get("ETag") or "").strip('"'),
        bundle_type="zip",
    )
    return StoredPackage(location=pinned, sha256=package.sha256, size=package.size)
