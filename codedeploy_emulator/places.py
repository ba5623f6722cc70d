"""Where things are in AWS: partitions of regions."""

from __future__ import annotations

_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "eusc-": "aws-eusc",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
}


def partition(region: str) -> str:
    """The partition a region belongs to. botocore knows too, but takes half a second to say it the first time."""
    return next((name for prefix, name in _PARTITIONS.items() if region.startswith(prefix)), "aws")
