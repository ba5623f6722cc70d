"""Why a release of several functions ended as it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from .reason import Reason

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


def _some(keys: Sequence[str]) -> str:
    more = len(keys) - TOLD
    return ", ".join(keys[:TOLD]) + (f" and {more} more" if more > 0 else "")
