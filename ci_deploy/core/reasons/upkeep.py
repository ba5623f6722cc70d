"""What the commands that keep house say: what `prune` keeps, and why."""

from __future__ import annotations

from typing import ClassVar

from ..lazy import dataclass
from ..links import page
from .phrases import Unread, closed, unread
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
        return f"Allow the role to read it ({page('iam/prune.json')}), and run again."


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
            return f"All {self.count} versions are needed."
        return f"None of the {self.count} versions may be deleted: what uses them could not be read."


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbacksUnread(Reason):
    """`deployments`: those that cannot be read; none where none of the `count` newest is of this function."""

    code: ClassVar = "rollbacks-unread"
    means: ClassVar = "Which versions a rollback may need could not be read, so `prune` deletes nothing."
    also: ClassVar = ({"deployments": ()},)
    deployments: tuple[str, ...]
    count: int

    @property
    def text(self) -> str:
        if self.deployments:
            why = f"the function or the versions of deployment {', '.join(self.deployments)} cannot be read"
        else:
            why = f"none of the group's {self.count} newest deployments is of this function"
        return f"It is unknown which versions a rollback needs: {why}. Nothing was deleted."

    @property
    def remedy(self) -> str:
        return f"Allow the role to read it ({page('iam/prune.json')}), and run again."


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryMissing(Reason):
    """`given`: whether an input names the group; else it has the function's name."""

    code: ClassVar = "history-missing"
    means: ClassVar = "The deployment group does not exist, so `prune` knows no versions that a rollback may need."
    also: ClassVar = ({"given": False},)
    application: str
    group: str
    given: bool

    @property
    def text(self) -> str:
        there = f"There is no deployment group `{self.application}/{self.group}`"
        if self.given:
            return f"{there}: which versions a rollback needs is unknown."
        return f"{there}: only `keep` protects versions that a rollback may need."

    @property
    def remedy(self) -> str:
        return (
            "Check `application` and `deployment-group`." if self.given else "Set `application` and `deployment-group`."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prunable(Reason):
    code: ClassVar = "prunable"
    means: ClassVar = "Versions that `prune` deletes when it runs with `apply: true`."
    versions: tuple[str, ...]
    count: int

    @property
    def text(self) -> str:
        return f"{len(self.versions)} of {self.count} versions could be deleted: {', '.join(self.versions)}."

    @property
    def remedy(self) -> str:
        return "`apply: true` deletes them."


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted(Reason):
    code: ClassVar = "deleted"
    means: ClassVar = "The versions that `prune` deleted."
    versions: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"Deleted: {', '.join(self.versions)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingDeleted(Reason):
    code: ClassVar = "nothing-deleted"
    means: ClassVar = "`prune` ended before it deleted a version, or all of them were in use."

    @property
    def text(self) -> str:
        return "Nothing was deleted."


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDeleted(Reason):
    code: ClassVar = "not-deleted"
    means: ClassVar = "Lambda refused to delete the version, for another reason than that something uses it."
    version: str
    problem: str

    @property
    def text(self) -> str:
        return f"Version {self.version} could not be deleted. {closed(self.problem)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadyGone(Reason):
    code: ClassVar = "already-gone"
    means: ClassVar = "Someone else deleted the version while `prune` ran."
    version: str

    @property
    def text(self) -> str:
        return f"Version {self.version} was gone already."


@dataclass(frozen=True, slots=True, kw_only=True)
class InUse(Reason):
    code: ClassVar = "in-use"
    means: ClassVar = "Lambda does not delete a version while something uses it. AWS's words say what."
    version: str
    said: str

    @property
    def text(self) -> str:
        return f"Version {self.version} was kept: {self.said}"

    @property
    def remedy(self) -> str:
        return "Run again when nothing uses it."

    @classmethod
    def sample(cls) -> InUse:
        return cls(version="42", said="Version 42 is used by alias blue.")


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreToPrune(Reason):
    code: ClassVar = "more-to-prune"
    means: ClassVar = "One run deletes a limited number of versions; there are more that nothing needs."
    count: int

    @property
    def text(self) -> str:
        return f"{self.count} more could be deleted."

    @property
    def remedy(self) -> str:
        return "Run `prune` again to delete them."


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledWriting(Reason):
    code: ClassVar = "cancelled-writing"
    means: ClassVar = "The job was cancelled while `setup` or `prune` was changing things."
    also: ClassVar = ({"unanswered": "version 42 deleted"},)
    unanswered: str = ""

    @property
    def text(self) -> str:
        if self.unanswered:
            return f"Cancelled before AWS had answered, so this may have happened: {self.unanswered}."
        return "Cancelled."

    @classmethod
    def sample(cls) -> CancelledWriting:
        return cls()
