"""What a bucket is like: its region, its key, its lifecycle rules. Only reads that the product can do without.

Sources: S3's HeadBucket (the region is in the answer and in the redirect), GetBucketEncryption,
GetBucketLifecycleConfiguration. A bucket of another account answers AccessDenied because of ExpectedBucketOwner.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import AwsError, ErrorKind
from ....core.plan.surroundings import LifecycleRule
from ..client import Aws, OtherRegion
from ..sharing import Once

TAG = ("UseWithCodeDeploy", "true")  # what our objects may carry
_NONE = ("ServerSideEncryptionConfigurationNotFoundError", "NoSuchLifecycleConfiguration")


class S3Buckets:
    """Implements ports.Buckets. Each bucket is read once in a run: the functions of a release share one."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._regions = Once[tuple[str, str], str](lambda of: self._region(*of))
        self._keys = Once[tuple[str, str], str](lambda of: self._key(*of))
        self._rules = Once[tuple[str, str], tuple[LifecycleRule, ...]](lambda of: self._lifecycle(*of))

    def region(self, bucket: str, owner: str) -> str:
        return self._regions.get((bucket, owner))

    def key(self, bucket: str, owner: str) -> str:
        return self._keys.get((bucket, owner))

    def rules(self, bucket: str, owner: str) -> tuple[LifecycleRule, ...]:
        return self._rules.get((bucket, owner))

    def _region(self, bucket: str, owner: str) -> str:
        try:
            answer = self._aws.read("s3", "HeadBucket", f"bucket {bucket}", Bucket=bucket, ExpectedBucketOwner=owner)
        except OtherRegion as error:
            return error.region
        except AwsError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return ""
            raise
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        return str(answer.get("BucketRegion") or headers.get("x-amz-bucket-region") or self._aws.region)

    def _key(self, bucket: str, owner: str) -> str:
        answer = self._get("GetBucketEncryption", bucket, owner)
        rules = (answer.get("ServerSideEncryptionConfiguration") or {}).get("Rules") or ()
        for rule in rules:
            default = rule.get("ApplyServerSideEncryptionByDefault") or {}
            # Without a key of its own it is AWS's, with which everybody in the account may decrypt.
            if str(default.get("SSEAlgorithm") or "").startswith("aws:kms"):
                key = str(default.get("KMSMasterKeyID") or "")
                return "" if key.endswith("alias/aws/s3") else key
        return ""

    def _lifecycle(self, bucket: str, owner: str) -> tuple[LifecycleRule, ...]:
        answer = self._get("GetBucketLifecycleConfiguration", bucket, owner)
        return tuple(found for sent in answer.get("Rules") or () if (found := _rule(sent)))

    def _get(self, operation: str, bucket: str, owner: str) -> dict[str, Any]:
        try:
            return self._aws.read("s3", operation, f"bucket {bucket}", Bucket=bucket, ExpectedBucketOwner=owner)
        except OtherRegion:
            return {}
        except AwsError as error:
            if error.code in _NONE:
                return {}
            raise


def _rule(sent: Mapping[str, Any]) -> LifecycleRule | None:
    """A rule that may delete a current object of ours; None for all others."""
    expiration = sent.get("Expiration") or {}
    if sent.get("Status") != "Enabled" or not (expiration.get("Days") or expiration.get("Date")):
        return None
    chosen = sent.get("Filter") or {}
    both = chosen.get("And") or {}
    tags = [*(both.get("Tags") or ()), *([chosen["Tag"]] if chosen.get("Tag") else ())]
    if any((tag.get("Key"), tag.get("Value")) != TAG for tag in tags):
        return None
    prefix = chosen.get("Prefix") or both.get("Prefix") or sent.get("Prefix") or ""
    return LifecycleRule(name=str(sent.get("ID") or "unnamed"), prefix=prefix, days=int(expiration.get("Days") or 0))
