"""Where a rollout is, when its stage acts next, and what it has asked for. Times are seconds since the run began."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ...change import replace


class Stage(StrEnum):
    GATHERING = "gathering"
    CONFIRMING = "confirming"  # a person at the terminal is asked whether this is what they want
    READY = "ready"  # planned, and waits for the other functions of the release, or for its wave
    WAITING = "waiting"  # for another deployment of the group
    HOLDING = "holding"  # the function's hold is being set or released
    SETTLING = "settling"  # `$LATEST` is in the middle of somebody's update
    STORING_CODE = "storing-code"  # a package that is too large for a request
    UPDATING = "updating"  # `$LATEST` gets the code
    UPDATED = "updated"  # until that update is over, or it is known whether there was one
    PUBLISHING = "publishing"
    ACTIVATING = "activating"  # the published version is not ready yet
    SMOKING = "smoking"  # the new version answers the smoke cases, one after the other
    CREATING_ALIAS = "creating-alias"  # the first deployment
    STORING = "storing"
    CREATING = "creating"
    FINDING = "finding"  # the answer to the creation was lost
    FOLLOWING = "following"
    ROLLBACK_DUE = "rollback-due"  # it failed; its rollback deployment should appear
    FOLLOWING_ROLLBACK = "following-rollback"
    VERIFYING = "verifying"
    BAKING = "baking"  # all traffic has moved, and the new version is still watched
    RESTORING = "restoring"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class Place:
    """`tries`: failures in a row of what this stage asks for."""

    stage: Stage = Stage.GATHERING
    since: float = 0.0
    again_at: float = 0.0  # when the stage acts next
    tries: int = 0
    said_at: float = 0.0  # when people last heard something

    def to(self, stage: Stage, now: float, after: float) -> Place:
        """Enter a stage, which acts `after` seconds from now."""
        return replace(self, stage=stage, since=now, again_at=now + after, tries=0)

    def done(self) -> Place:
        """The verdict is known; `since` stays with the stage that came to it."""
        return replace(self, stage=Stage.DONE)

    def anew(self) -> Place:
        """Where a new attempt begins."""
        return Place()

    def retry(self, at: float) -> Place:
        """What the stage asked for failed, or is not as it should be yet: it asks again then."""
        return replace(self, again_at=at, tries=self.tries + 1)

    def pause(self, until: float) -> Place:
        """What the stage asked for was answered: it asks again then."""
        return replace(self, again_at=until, tries=0)

    def act(self, at: float) -> Place:
        """Something else says when the stage acts next."""
        return replace(self, again_at=at)

    def told(self, now: float) -> Place:
        return replace(self, said_at=now)


@dataclass(frozen=True, kw_only=True)
class Flight:
    """The kinds of actions that are to be answered, in whichever stage they were asked for.

    `late`: of these, the ones whose answers no longer say anything, because what asked for them is over.
    """

    kinds: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()

    def asked(self, kind: str) -> Flight:
        return replace(self, kinds=self.kinds | {kind})

    def answered(self, kind: str) -> Flight:
        return Flight(kinds=self.kinds - {kind}, late=self.late - {kind})

    def abandon(self, kind: str = "") -> Flight:
        """The answer of this kind, or every answer that is still to come, is late."""
        return replace(self, late=self.late | (self.kinds & {kind} if kind else self.kinds))
