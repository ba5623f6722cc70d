"""What the commands that keep house say: what `prune` keeps, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .phrases import Unread, unread
from .reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class UsesUnread(Reason):
    code: ClassVar = "uses-unread"
    means: ClassVar = "What uses versions could not be read, so `prune` keeps every version that it may concern."
    uses: str
    fact: Unread

    @property
    def text(self) -> str:
        return (
            f"Which versions have {self.uses} was not checked: {unread(self.fact)}. `prune` keeps each version that "
            "may have it."
        )

    @property
    def remedy(self) -> str:
        return "Allow the role to read it (docs/iam/prune.json), and run again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicated(Reason):
    code: ClassVar = "replicated"
    means: ClassVar = "Lambda@Edge has replicas of the version, so Lambda does not delete it."
    version: str

    @property
    def text(self) -> str:
        return f"Version {self.version} was kept: Lambda@Edge still has replicas of it."

    @property
    def remedy(self) -> str:
        return "Remove it from its CloudFront distributions. Lambda deletes the replicas hours later."


@dataclass(frozen=True, slots=True, kw_only=True)
class AllNeeded(Reason):
    code: ClassVar = "all-needed"
    means: ClassVar = "There is no version that `prune` may delete."
    also: ClassVar = ({"known": False},)
    count: int
    known: bool  # whether all that uses them could be read

    @property
    def text(self) -> str:
        if self.known:
            return f"All of the {self.count} versions are needed."
        return f"None of the {self.count} versions may be deleted: what uses them could not be read."
