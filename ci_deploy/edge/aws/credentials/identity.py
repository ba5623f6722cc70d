"""Who we are: STS GetCallerIdentity and the region in use. Nothing else is asked of STS here."""

from __future__ import annotations

import threading

from ....core.aws import Identity
from ..client import Aws


class StsIdentities:
    """Implements ports.Identities."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._lock = threading.Lock()
        self._known: Identity | None = None

    def identity(self) -> Identity:
        """Asked once in a run: every function of a release is of the same account."""
        with self._lock:
            if self._known is None:
                answer = self._aws.read("sts", "GetCallerIdentity", expects="Account")
                self._known = parse_identity(answer, self._aws.region)
            return self._known


def parse_identity(answer: dict[str, object], region: str) -> Identity:
    """The partition (`aws`, `aws-cn`, `aws-us-gov`, …) is in the caller's ARN and nowhere else in the answer."""
    arn = str(answer.get("Arn", ""))
    parts = arn.split(":")
    partition = parts[1] if len(parts) > 1 and parts[1] else "aws"
    return Identity(account=str(answer["Account"]), arn=arn, region=region, partition=partition)
