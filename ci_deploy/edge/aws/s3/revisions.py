"""The AppSpec's place in S3: stored under the hash of its content, read back when it is the user's own.

Sources: facts.md A2 (what the managed service role may read).
"""

from __future__ import annotations

import base64
import hashlib
import io

from ....core.aws import S3Location
from ....core.errors import InvalidInput
from ....core.given import mistakes
from ....core.given.files.bundle import LARGEST, text_of
from ..client import Aws
from .objects import Content, Place, S3Objects


class S3Revisions:
    """Implements ports.Revisions."""

    def __init__(self, aws: Aws) -> None:
        self._objects = S3Objects(aws)

    def put(self, bucket: str, key: str, content: bytes, *, owner: str, tag: bool) -> S3Location:
        kind = "YAML" if key.lower().endswith((".yml", ".yaml")) else "JSON"
        wanted = Content(
            sha256=base64.b64encode(hashlib.sha256(content).digest()).decode(),
            size=len(content),
            kind=f"application/{kind.lower()}",
            bundle_type=kind,
            open=lambda: io.BytesIO(content),
            tagging="UseWithCodeDeploy=true" if tag else None,
        )
        return self._objects.store(Place(bucket=bucket, key=key, owner=owner), wanted, lambda *_: None)

    def get(self, location: S3Location, *, owner: str) -> str:
        place = Place(bucket=location.bucket, key=location.key, owner=owner, version=location.version)
        body = self._objects.read(place, LARGEST)
        if len(body) > LARGEST:
            raise _not_appspec(location, f"is larger than {LARGEST // 1024} KiB")
        try:
            return text_of(body)
        except ValueError as error:
            raise _not_appspec(location, str(error)) from None


def _not_appspec(location: S3Location, what: str) -> InvalidInput:
    return InvalidInput((mistakes.not_an_appspec(str(location), what),))
