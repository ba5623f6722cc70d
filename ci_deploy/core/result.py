"""What a run says: findings of its checks, the diagnosis of a failure, and the result for each function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .aws import Alarm, LifecycleEvent, LogLines
from .run import Outcome, Rollback


class Severity(StrEnum):
    REFUSAL = "refusal"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One result of a preflight check: what was found and what to do about it. `code` is stable, for docs."""

    severity: Severity
    code: str
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Why a deployment did not succeed, in words, with its evidence.

    `unreadable` says what could not be read and why ("not permitted: needs logs:FilterLogEvents").
    """

    code: str
    summary: str
    remedy: str
    event: LifecycleEvent | None = None
    alarms: tuple[Alarm, ...] = ()
    logs: tuple[LogLines, ...] = ()
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run says of one function at its end. The step outputs are these fields in kebab-case."""

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
    reason: str = ""
    remedy: str = ""
    # Whether nothing is left to do for the post step: what is said above was read after the last change.
    settled: bool = True
    # What a command reports beyond this, ready for JSON (`setup`, `prune`).
    report: Mapping[str, object] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.function}:{self.alias}"
