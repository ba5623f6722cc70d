"""Where a version's code comes from, as the input `code` says it.

Sources: Lambda's UpdateFunctionCode (ZipFile, S3Bucket/S3Key/S3ObjectVersion, ImageUri); ECR's registry hosts by
partition, with FIPS and dual-stack endpoints (Amazon ECR User Guide, "Registry endpoints").
"""

from __future__ import annotations

import re
from typing import TypeAlias

from ..aws import S3Location
from ..lazy import dataclass

LATEST_NAME = "$LATEST"
_REPOSITORY = r"[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*"  # as ECR's RepositoryName
_REFERENCE = r"(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
_ECR = re.compile(
    r"(?P<account>\d{12})\.(?:"
    r"dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov"
    r"|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)"
    r"|dkr-ecr(?:-fips)?\.(?P<dual>[a-z0-9-]+)\.on\.(?:aws|amazonwebservices\.com\.cn|amazonwebservices\.eu)"
    rf")/{_REPOSITORY}{_REFERENCE}",
    re.ASCII,
)
_S3 = re.compile(
    r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<key>[^?#\x00-\x1f]{1,1024})"
    r"(?:\?versionId=(?P<version>[A-Za-z0-9._-]{1,1024}))?"
)
# Hosts of registries that people paste, and that Lambda does not take images from.
_OTHER_REGISTRY = re.compile(
    r"(?:public\.ecr\.aws|(?:[\w-]+\.)?docker\.io|ghcr\.io|quay\.io|registry\.[\w.-]+|(?:[\w-]+\.)?gcr\.io"
    r"|[\w-]+\.pkg\.dev|[\w-]+\.azurecr\.io|mcr\.microsoft\.com|localhost:\d+)/",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """A zip file or a folder, by its path in the workspace."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A container image in ECR. `digest` (64 hex digits) where the address has one; a tag may move."""

    uri: str

    @property
    def digest(self) -> str:
        return self.uri.partition("@sha256:")[2]

    @property
    def region(self) -> str:
        """The region of its repository, as the host says it."""
        found = _ECR.fullmatch(self.uri)
        return (found["region"] or found["dual"] or "") if found else ""

    def __str__(self) -> str:
        return self.uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """What the function's `$LATEST` holds, uploaded by somebody else."""

    def __str__(self) -> str:
        return LATEST_NAME


Source: TypeAlias = Local | S3Location | Image | Latest


def source(text: str) -> Source:
    """The source that `text` names. Raises ValueError with what is wrong, as the end of a sentence."""
    if text.upper() == LATEST_NAME:
        return Latest()
    if text[:5].lower() == "s3://":
        return s3_location(text)
    if re.match(r"[^/]*\bdkr[.-]ecr(?:-fips)?\.", text, re.IGNORECASE):
        if not _ECR.fullmatch(text):
            raise ValueError("is not an image in ECR")
        return Image(uri=text)
    if text.startswith("arn:"):
        raise ValueError("is an ARN, which names no code")
    if _OTHER_REGISTRY.match(text):
        raise ValueError("is an image outside ECR, where Lambda cannot read it")
    if re.match(r"[a-z][a-z0-9+.-]*://", text, re.IGNORECASE):
        raise ValueError("is an address that Lambda cannot read code from")
    if "\x00" in text:
        raise ValueError("has a NUL character in it")
    return Local(path=text)


def s3_location(text: str) -> S3Location:
    """`s3://bucket/key`, with or without `?versionId=`. Raises ValueError."""
    found = _S3.fullmatch(text)
    if not found:
        raise ValueError("is not an S3 address")
    return S3Location(bucket=found["bucket"], key=found["key"], version=found["version"] or "", bundle_type="zip")
