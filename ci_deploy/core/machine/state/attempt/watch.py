"""The deployment that is followed, its rollback included, and how well it is heard of."""

from __future__ import annotations

from dataclasses import dataclass

from ....aws import Deployment
from ....change import replace
from ....result import Diagnosis


@dataclass(frozen=True, kw_only=True)
class Watch:
    deployment_id: str = ""
    attached: bool = False  # it existed before this attempt
    began: float = 0.0
    until: float | None = None  # the time limit of what runs now: deployment, stop or rollback
    share: float = 0.0  # percent on the target version
    shift_began: float | None = None
    guessed: bool = False  # it had begun to shift before we came: since when is not known
    event: str = ""  # the lifecycle event in progress
    event_at: float = 0.0
    warned: str = ""  # the lifecycle event whose hook was said to be silent
    rollback_id: str = ""
    diagnosis: Diagnosis | None = None

    def begin(self, deployment_id: str, now: float, until: float, *, attached: bool) -> Watch:
        return replace(self, deployment_id=deployment_id, began=now, until=until, attached=attached)

    def name(self, deployment_id: str) -> Watch:
        """It is spoken of, and not followed."""
        return replace(self, deployment_id=deployment_id)

    def enter(self, event: str, now: float) -> Watch:
        """Another lifecycle event is in progress, or none (`""`)."""
        return replace(self, event=event, event_at=now)

    def shifts_since(self, began: float, *, guessed: bool = False) -> Watch:
        return replace(self, shift_began=began, guessed=guessed)

    def shifted(self, share: float) -> Watch:
        """A shift that we see, after another one, says since when it shifts."""
        return replace(self, share=share, guessed=self.guessed and not self.share)

    def limit(self, until: float) -> Watch:
        return replace(self, until=until)

    def rollback_appeared(self, rollback_id: str, until: float) -> Watch:
        """What was planned to shift next no longer does."""
        return replace(self, rollback_id=rollback_id, shift_began=None, until=until)

    def explain(self, diagnosis: Diagnosis) -> Watch:
        return replace(self, diagnosis=diagnosis)

    def warn(self) -> Watch:
        return replace(self, warned=self.event)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The latest snapshots, with the targets that were last read."""

    deployment: Deployment | None = None
    rollback: Deployment | None = None

    def saw(self, snapshot: Deployment) -> Seen:
        return replace(self, deployment=snapshot)

    def saw_rollback(self, snapshot: Deployment) -> Seen:
        return replace(self, rollback=snapshot)


@dataclass(frozen=True, kw_only=True)
class Contact:
    looks: int = 0
    targets_at: float = -1e9  # when targets were last looked at
    status_at: float = -1e9  # when the deployment itself was
    seen_at: float = 0.0  # last time that a look succeeded
    failures: int = 0  # looks that failed in a row
    error: str = ""  # of the last of them

    def begin(self, now: float) -> Contact:
        """Who created it knows that it exists."""
        return replace(self, seen_at=now)

    def look(self, now: float, *, targets: bool, status: bool) -> Contact:
        return replace(
            self,
            looks=self.looks + 1,
            targets_at=now if targets else self.targets_at,
            status_at=now if status else self.status_at,
        )

    def heard(self, now: float) -> Contact:
        return replace(self, seen_at=now, failures=0, error="")

    def missed(self, error: str) -> Contact:
        return replace(self, failures=self.failures + 1, error=error)
