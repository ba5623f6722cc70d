"""Who we are: STS GetCallerIdentity and the region in use. Nothing else is asked of STS here."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ....core.aws import Identity

if TYPE_CHECKING:
    from ..client import Aws


class StsIdentities:
    """Implements ports.Identities."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._lock = threading.Lock()
        self._known: Identity | None = None
        self._failed: Exception | None = None

    def identity(self) -> Identity:
        """Asked once in a run: every function of a release is of the same account."""
        # Time and again: a signal that comes just before a wait does not end it.
        while not self._lock.acquire(timeout=0.2):
            pass
        try:
            if self._failed is not None:
                failed, self._failed = self._failed, None
                raise failed
            if self._known is None:
                self._known = self._ask()
            return self._known
        finally:
            self._lock.release()

    def ask_ahead(self) -> None:
        """Ask now. What came of it, be it an error, is for the first who wants to know."""
        with self._lock:
            try:
                self._known = self._known or self._ask()
            except Exception as error:  # noqa: BLE001 - told where it is raised again
                self._failed = error

    def _ask(self) -> Identity:
        answer = self._aws.read("sts", "GetCallerIdentity", expects="Account")
        return parse_identity(answer, self._aws.region)


def parse_identity(answer: dict[str, object], region: str) -> Identity:
    """The partition (`aws`, `aws-cn`, `aws-us-gov`, …) is in the caller's ARN and nowhere else in the answer."""
    arn = str(answer.get("Arn", ""))
    parts = arn.split(":")
    partition = parts[1] if len(parts) > 1 and parts[1] else "aws"
    return Identity(account=str(answer["Account"]), arn=arn, region=region, partition=partition)
