"""A rollout's part in its release."""

from __future__ import annotations

from dataclasses import dataclass

from ...change import replace
from ...result import Result
from ...run import Outcome


@dataclass(frozen=True, kw_only=True)
class Part:
    """A rollout that is alone has nobody to wait for: it is cleared from the beginning."""

    siblings: frozenset[str] = frozenset()  # the markers of the whole release
    cleared: bool = True  # it may write; False while the functions of a release are being planned
    stale: bool = False  # planned while another deployment ran: read again before beginning
    undone: Result | None = None  # a deployment that had succeeded with this result is rolled back
    ends: Outcome | None = None  # it is rolled back for its own sake, and what that is called; None: for the others'

    @classmethod
    def among(cls, siblings: frozenset[str]) -> Part:
        """One of several, none of which may write before all are planned."""
        return cls(siblings=siblings, cleared=False)

    def postpone(self) -> Part:
        return replace(self, stale=True)

    def clear(self) -> Part:
        return replace(self, cleared=True)

    def join(self, marker_id: str) -> Part:
        """A new attempt has a marker of its own."""
        return replace(self, siblings=self.siblings | {marker_id}) if self.siblings else self

    def take_back(self, done: Result, ends: Outcome | None = None) -> Part:
        return replace(self, undone=done, ends=ends)

    @property
    def for_others(self) -> bool:
        """It is rolled back because another function of the release failed."""
        return self.undone is not None and self.ends is None
