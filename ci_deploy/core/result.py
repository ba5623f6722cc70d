"""What a run says: findings of its checks, the diagnosis of a failure, and the result for each function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from .aws import Alarm, LifecycleEvent, LogLines
from .lazy import dataclass
from .reasons.reason import Reason, remedy_of, text_of
from .run import Outcome, Rollback


class Fate(StrEnum):
    """What is known of the deployment that a run was about."""

    NEVER_CREATED = "never-created"
    IN_DOUBT = "in-doubt"  # it was asked for, and may exist
    RUNNING = "running"  # it, or its rollback, went on when the run ended, as far as is known
    ENDED = "ended"


class Severity(StrEnum):
    REFUSAL = "refusal"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One result of a preflight check, or something worth knowing on the way: a reason, and how bad it is."""

    severity: Severity
    reason: Reason

    @property
    def code(self) -> str:
        return self.reason.code

    @property
    def text(self) -> str:
        return self.reason.text

    @property
    def remedy(self) -> str:
        return self.reason.remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Why a deployment did not succeed, with its evidence.

    `unreadable` says what could not be read and why ("not permitted: needs logs:FilterLogEvents").
    """

    reason: Reason
    event: LifecycleEvent | None = None
    alarms: tuple[Alarm, ...] = ()
    logs: tuple[LogLines, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        return self.reason.text

    @property
    def remedy(self) -> str:
        return self.reason.remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run says of one function at its end. The step outputs are these fields in kebab-case.

    `reasons` say why it ended like this, the first of them first of all: its code is the output `reason-code`.
    """

    function: str
    alias: str
    outcome: Outcome
    deployment_id: str = ""
    rollback_deployment_id: str = ""
    previous_version: str = ""
    target_version: str = ""
    live_version: str = ""
    live_weights: str = ""
    deployed: bool = False
    rollback: Rollback = Rollback.NONE
    console_url: str = ""
    appspec_sha256: str = ""
    appspec_location: str = ""
    duration_seconds: float = 0.0
    guard_verdict: str = ""
    reasons: tuple[Reason, ...] = ()
    fate: Fate = Fate.NEVER_CREATED
    running: str = ""  # another deployment of the group that was running when the run ended
    # Whether nothing is left to do for the post step: what is said above was read after the last change.
    settled: bool = True
    # What a command reports beyond this, ready for JSON (`setup`, `prune`).
    report: Mapping[str, object] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.function}:{self.alias}"

    @property
    def reason(self) -> str:
        return text_of(self.reasons)

    @property
    def reason_code(self) -> str:
        """Of the first reason; a run that has none is known by its outcome."""
        return self.reasons[0].code if self.reasons else self.outcome.value

    @property
    def remedy(self) -> str:
        return remedy_of(self.reasons)
