"""Ending a deployment ourselves: why, and what CodeDeploy said to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ....change import replace


class Cause(StrEnum):
    """Why we end a deployment that CodeDeploy would have gone on with."""

    NONE = ""
    CANCELLED = "cancelled"
    TIMED_OUT = "timed-out"
    HOOK_TIMEOUT = "hook-timeout"
    ASKED = "asked"  # the commands stop and rollback
    NOT_AS_PLANNED = "not-as-planned"  # it shifts something else than the plan says
    GUARD = "guard"  # a guard is violated
    RELEASE = "release"  # another function of the release failed, and all are rolled back


class Stop(StrEnum):
    """How far a stop has come."""

    NOT_SENT = "not-sent"
    SENT = "sent"
    PENDING = "pending"  # CodeDeploy said so, or it did not arrive: it is asked for again
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Ending:
    cause: Cause = Cause.NONE
    rollback: bool = False  # whether the stop was asked for with rollback
    stop: Stop = Stop.NOT_SENT
    heard: bool = False  # CodeDeploy has taken the stop, be it pending
    asked_at: float = 0.0  # when it was last answered, or failed
    refused: str = ""  # why it had no effect

    def request(self, cause: Cause, *, rollback: bool) -> Ending:
        return replace(self, cause=cause, stop=Stop.SENT, rollback=rollback)

    def answered(self, now: float, *, pending: bool) -> Ending:
        return replace(self, stop=Stop.PENDING if pending else Stop.ACCEPTED, heard=True, asked_at=now)

    def missed(self, now: float) -> Ending:
        """The stop may not have arrived."""
        return replace(self, stop=Stop.PENDING, asked_at=now)

    def refuse(self, why: str) -> Ending:
        return replace(self, stop=Stop.REFUSED, refused=why)

    def leave(self, cause: Cause) -> Ending:
        """It continues, or is over by itself; what was asked for before stays as it is."""
        return replace(self, cause=cause)

    def inherit(self, cause: Cause, *, rollback: bool) -> Ending:
        """An earlier step has stopped it, or had the policy to."""
        return replace(self, cause=cause, rollback=rollback)

    @property
    def sent(self) -> bool:
        return self.stop is not Stop.NOT_SENT

    @property
    def pending(self) -> bool:
        return self.stop is Stop.PENDING
