"""Why a release of several functions ended as it did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...lazy import dataclass
from ..reason import Reason

TOLD = 3  # of different reasons, and of the functions of one


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseCancelled(Reason):
    """They share most of their reasons; of three different ones each is told, with the functions that it is of."""

    code: ClassVar = "release-cancelled"
    means: ClassVar = "The run was interrupted; the functions of the release came to different ends."
    functions: int
    ends: tuple[tuple[int, str], ...]  # how many came to which outcome, the cancelled first
    reasons: tuple[tuple[tuple[str, ...], str], ...]  # the functions that were cancelled, by what is said of them
    advice: str = ""

    @property
    def text(self) -> str:
        ends = ", ".join(f"{count} {outcome}" for count, outcome in self.ends)
        told = (f"{_some(keys)}: {reason}" for keys, reason in self.reasons[:TOLD])
        return " ".join((f"Of {self.functions} functions: {ends}.", *told))

    @property
    def remedy(self) -> str:
        return self.advice

    @classmethod
    def sample(cls) -> ReleaseCancelled:
        cancelled = (tuple(f"{name}:live" for name in "abcd"), "Cancelled (SIGINT) before a deployment was created.")
        return cls(functions=5, ends=((4, "cancelled"), (1, "succeeded")), reasons=(cancelled,))


@dataclass(frozen=True, slots=True, kw_only=True)
class OfEach(Reason):
    """What a command that keeps house says of several functions; its code is that of the one that leads the verdict."""

    means: ClassVar = "That of the reason with this code."
    code: str  # type: ignore[misc]
    told: tuple[tuple[tuple[str, ...], str], ...]  # the functions, by what is said of them
    advice: str = ""

    @property
    def text(self) -> str:
        return "\n".join(f"- {_some(keys)}: {said}" for keys, said in self.told)

    @property
    def remedy(self) -> str:
        return self.advice


def _some(keys: Sequence[str]) -> str:
    more = len(keys) - TOLD
    return ", ".join(keys[:TOLD]) + (f" and {more} more" if more > 0 else "")


# --- one function of a release, for another's sake -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOrNone(Reason):
    """`refused`: the other one was; else it could not be planned."""

    code: ClassVar = "all-or-none"
    means: ClassVar = "Another function of the release cannot be deployed, so none is."
    also: ClassVar = ({"refused": False},)
    other: str
    refused: bool

    @property
    def text(self) -> str:
        why = "was refused" if self.refused else "could not be planned"
        return f"Nothing was deployed: {self.other} {why}, and a release begins with all or with none."

    @classmethod
    def sample(cls) -> AllOrNone:
        return cls(other="search:live", refused=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierWaveFailed(Reason):
    code: ClassVar = "earlier-wave-failed"
    means: ClassVar = "A function of an earlier wave failed, and `release-policy` is `stop-wave`."
    other: str

    @property
    def text(self) -> str:
        return f"Not deployed: {self.other} failed in an earlier wave (`release-policy: stop-wave`)."

    @classmethod
    def sample(cls) -> EarlierWaveFailed:
        return cls(other="search:live")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBegun(Reason):
    code: ClassVar = "not-begun"
    means: ClassVar = "Another function of the release failed before this one began."
    other: str

    @property
    def text(self) -> str:
        return f"Not deployed: {self.other} failed, and the release is all or nothing."

    @classmethod
    def sample(cls) -> NotBegun:
        return cls(other="search:live")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stays(Reason):
    code: ClassVar = "stays"
    means: ClassVar = "Another function failed, but a first deployment has no previous version to go back to."
    other: str

    @property
    def text(self) -> str:
        return f"It stays live although {self.other} failed: there is no previous version."

    @classmethod
    def sample(cls) -> Stays:
        return cls(other="search:live")


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone(Reason):
    """`back`: it was rolled back; else it was to be."""

    code: ClassVar = "undone"
    means: ClassVar = "The function had succeeded and was rolled back for another function of the release."
    also: ClassVar = ({"back": True},)
    back: bool

    @property
    def text(self) -> str:
        return f"It had succeeded and was {'rolled back' if self.back else 'to be rolled back'}, all or nothing."
