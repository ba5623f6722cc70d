"""The data of the engine: a run, its order, its lifecycle events, and the effects that its steps ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

NEVER = float("inf")
LIFECYCLE = ("Start", "BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic", "End")


class Status(StrEnum):
    """DeploymentStatus, as far as the Lambda platform uses it."""

    CREATED = "Created"
    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"

    @property
    def final(self) -> bool:
        return self in (Status.SUCCEEDED, Status.FAILED, Status.STOPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One lifecycle event of the target; times in epoch seconds."""

    name: str
    status: str = "Pending"
    start: float | None = None
    end: float | None = None
    error: str | None = None
    message: str = ""
    script: str = ""
    log_tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done, found out when the deployment starts. Shifts: (seconds, percent), the last one 100."""

    function: str
    alias: str
    current: str
    target: str
    shifts: tuple[tuple[float, float], ...]
    before: str | None = None
    after: str | None = None
    wait: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a deployment fails as soon as it starts."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookCall:
    """A hook that was invoked; `answer` is Succeeded or Failed once it called back, at `answered`."""

    execution_id: str
    event: str
    function: str
    deadline: float
    answer: str | None = None
    answered: float = NEVER
    log_tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The timing and wording of a run, taken from the switches when it was created."""

    start_delay: float = 1.0
    event_seconds: float = 0.5
    undeclared_status: str = "Succeeded"
    undeclared_seconds: float = 0.4
    hook_timeout: float = 3600.0
    hook_timeout_code: str = "HOOK_EXECUTION_FAILURE"
    stop_pending: float = 2.0
    stop_answer: str = "auto"
    alarm_reaction: float = 11.0
    alarm_status: Status = Status.STOPPED
    rollback_delay: float = 0.5
    manual_stop_message: str = "The deployment was stopped on request."
    alarm_message: str = "Alarms are active: {alarms}"
    hook_message: str = "One or more of the validation functions failed."
    hook_timeout_message: str = "No status callback came."


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One deployment's life so far. `next_at` is when the present phase goes on by itself."""

    id: str
    rules: Rules
    rollback_events: frozenset[str] = frozenset()
    status: Status = Status.CREATED
    next_at: float = NEVER
    started: float | None = None
    completed: float | None = None
    order: Order | None = None
    events: tuple[Event, ...] = field(default_factory=lambda: tuple(Event(name=name) for name in LIFECYCLE))
    at_event: int = -1
    weight: float = 0.0
    shift: int = 0
    hook: HookCall | None = None
    hooks_called: int = 0
    error: Refusal | None = None
    alarm_at: float = NEVER
    alarms: tuple[str, ...] = ()
    stop_at: float = NEVER
    stop_rollback: bool | None = None
    stop_was_pending: bool = False
    rollback_at: float = NEVER
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What the shell saw for this step: the order (only asked for at the start) and the alarms in ALARM."""

    order: Order | Refusal | None = None
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTraffic:
    """Put `percent` of the alias's traffic on the target, the rest on the current version."""

    function: str
    alias: str
    current: str
    target: str
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeHook:
    """Invoke the hook's function with the deployment's id and this execution id."""

    event: str
    function: str
    execution_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRollback:
    """Create the rollback deployment of this one."""


Effect = SetTraffic | InvokeHook | CreateRollback
