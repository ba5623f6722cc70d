"""Packages in S3: found and hashed, or uploaded once under the hash of their content."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import IO

from ....core.aws import S3Location
from ....core.errors import AwsError
from ....core.given.package.contents import Contents
from ....core.given.package.packaging import Package, StoredPackage
from ....ports import Progress
from ...packages.archive import NO_ZIP, listing
from ...packages.pace import paced
from ..client import Aws
from .objects import Content, Place, S3Objects, Telling

WINDOW = 256 * 1024  # bytes read at once while looking into a package


class S3Packages:
    """Implements ports.Objects."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._objects = S3Objects(aws)

    def describe(self, location: S3Location, *, owner: str, tell: Progress) -> StoredPackage:
        place = Place(bucket=location.bucket, key=location.key, owner=owner, version=location.version)
        telling = paced(self._aws.clock, tell, f"reading {location}")
        pinned, sha256, size = self._objects.find(place, "zip", telling)
        return StoredPackage(location=pinned, sha256=sha256, size=size, contents=self._contents(place, pinned, size))

    def _contents(self, place: Place, pinned: S3Location, size: int) -> Contents | None:
        """What is in the zip, by a few parts of it; None where that cannot be read, or would take too many."""
        parts = self._objects.parts(place, pinned, size)
        try:
            with zipfile.ZipFile(io.BufferedReader(parts, WINDOW)) as archive:
                _, contents = listing(archive)
        except (*NO_ZIP, OSError, AwsError):
            return None
        return None if parts.exhausted else contents

    def store(
        self, package: Package, content: Callable[[], IO[bytes]], bucket: str, key: str, *, owner: str, tell: Progress
    ) -> StoredPackage:
        def body() -> IO[bytes]:
            return _Told(content(), package.size, paced(self._aws.clock, tell, f"uploading {package.path}"))  # type: ignore[return-value]

        place = Place(bucket=bucket, key=key, owner=owner)
        wanted = Content(sha256=package.sha256, size=package.size, kind="application/zip", bundle_type="zip", open=body)
        telling = paced(self._aws.clock, tell, f"comparing {place}")
        stored = self._objects.store(place, wanted, telling)
        return StoredPackage(location=stored, sha256=package.sha256, size=package.size)


class _Told(io.RawIOBase):
    """A body that says how much of it was read; a signer's pass over it from the beginning counts again."""

    def __init__(self, content: IO[bytes], size: int, telling: Telling) -> None:
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
