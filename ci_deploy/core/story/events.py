"""The stream that `release.step` emits and reporters consume: what happened, in the order it became known.

An event is a fact of the past and carries all that a reporter needs to say it. `at` is seconds since the run began
(the product's own clock), `key` is `function:alias`, empty where an event is about the whole run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from ..aws import Alias, DeploymentStatus, Endpoint, EventStatus, Identity, LifecycleEvent
from ..guards.judging import Judgment
from ..guards.queries import Shift, Subject
from ..guards.series import Shown
from ..lazy import dataclass
from ..plan.history import HistoryEntry
from ..plan.planning import Plan
from ..reasons.reason import Reason
from ..result import Diagnosis, Finding, Result
from ..run import Command, Context


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    at: float
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(_Event):
    """The run began: before anything was read. `inputs` are the inputs that were given, as text, secrets left out.

    `epoch`: the wall clock (seconds since 1970) when `at` was 0, for people only; 0 where it does not matter.
    """

    command: Command
    keys: tuple[str, ...]
    inputs: Mapping[str, str]
    context: Context
    file: str = ""  # the repository's file, or why there was none; empty: nothing to say
    epoch: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAws(_Event):
    """Requests go to addresses that are not AWS's: whatever set them, everybody who reads of this run must know."""

    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified(_Event):
    """AWS said who we are."""

    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed(_Event):
    """A preflight finding, or a warning that came up on the way."""

    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned(_Event):
    """What is going to happen (or, for `plan`, would): the plan with all of its findings.

    `stops`: the running deployment behind the plan, which a rollback stops; it goes back to `plan.current_version`.
    """

    plan: Plan
    alias: Alias | None
    stops: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(_Event):
    """We wait for something that is not ours: another deployment of the group, or a function's pending update."""

    what: Reason
    deployment_id: str = ""
    until: float | None = None  # at most, in the terms of `at`


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(_Event):
    """Something that takes long (packaging, an upload) has come so far: `done` of `total` bytes."""

    what: str
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeUploaded(_Event):
    """`$LATEST` holds the new code now."""

    code_sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPublished(_Event):
    """The version to deploy exists; publishing unchanged code returns the version that holds it already."""

    version: str
    code_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokePassed(_Event):
    """The new version has answered a smoke case as expected. `init_seconds`: of a cold start, beside `seconds`."""

    case: str
    number: int
    total: int
    seconds: float
    init_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionStored(_Event):
    """The AppSpec is where CodeDeploy will read it. `location` is an s3:// address or `inline`."""

    location: str
    sha256: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Creating(_Event):
    """CreateDeployment is about to be asked for: by `marker_id` the deployment is found if its answer never comes."""

    marker_id: str
    application: str
    group: str
    current_version: str
    target_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentStarted(_Event):
    """A deployment exists and is followed from here on.

    `attached`: it existed before (a re-run, `status` with `wait`, an answer that was lost).
    `reverses`: this is a manual or a release's own reverse deployment.
    """

    deployment_id: str
    console_url: str
    application: str
    group: str
    current_version: str
    target_version: str
    attached: bool = False
    reverses: bool = False
    until: float | None = None  # when our own time limit ends


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanged(_Event):
    """`seconds` is how long it took by AWS's own times, where it is over."""

    deployment_id: str
    status: DeploymentStatus
    seconds: float | None = None
    error_code: str = ""
    error_message: str = ""
    of_rollback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleChanged(_Event):
    """A lifecycle event has a new status. `seconds` is AWS's own duration where it is over."""

    deployment_id: str
    event: LifecycleEvent
    seconds: float | None = None
    of_rollback: bool = False

    @property
    def status(self) -> EventStatus:
        return self.event.status


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficShifted(_Event):
    """The share of traffic changed. `shares` is percent by version; `next_shift_at` in the terms of `at`."""

    deployment_id: str
    shares: Mapping[str, float]
    next_shift_at: float | None = None
    ends_at: float | None = None
    of_rollback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(_Event):
    """Nothing new for a while; this is what is being waited for."""

    what: str
    shares: Mapping[str, float]
    next_shift_at: float | None = None
    ends_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(_Event):
    """CloudWatch was read: all minutes since the first shift, and how the guards stand.

    AWS's times are epoch seconds: minutes from `told_until` on are new, `epoch` is AWS's time when `at` was 0.
    """

    subject: Subject
    shown: Shown
    judgments: tuple[Judgment, ...]
    shifts: tuple[Shift, ...]
    told_until: int
    epoch: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeBegan(_Event):
    """All traffic has moved; the new version is watched until `until` (None: as long as AWS's time says)."""

    until: float | None
    resumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TakingBack(_Event):
    """The version had all traffic; now another deployment rolls it back."""

    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactTroubled(_Event):
    """Reading the deployment failed; it continues, and so do we, until `until`."""

    error: str
    failures: int
    until: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRestored(_Event):
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelReceived(_Event):
    signal: str
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRequested(_Event):
    deployment_id: str
    rollback: bool
    why: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAnswered(_Event):
    """`status` is AWS's `Pending` or `Succeeded`, or `refused` with the reason in `message`."""

    deployment_id: str
    status: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackStarted(_Event):
    """CodeDeploy's own rollback deployment of `rollback_of` appeared."""

    deployment_id: str
    rollback_of: str
    console_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldChanged(_Event):
    """Deployments of this function are on hold from here on (`text` says why), or no more (`text` empty)."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosed(_Event):
    diagnosis: Diagnosis


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasRead(_Event):
    """What the alias serves, read after the verdict."""

    alias: Alias


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasRestored(_Event):
    """We set the alias ourselves, because no rollback deployment did."""

    alias: Alias
    why: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReported(_Event):
    """`status`: what is served, by which deployment, what is running, what was before."""

    alias: Alias
    history: tuple[HistoryEntry, ...]
    served_by: HistoryEntry | None = None
    running: HistoryEntry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(_Event):
    """A table that `setup` or `prune` made: what is there, and what is or would be done about it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written(_Event):
    """`setup` or `prune` has changed something, in words."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Divided(_Event):
    """The manifest in shards, as the JSON of a GitHub matrix."""

    matrix: str
    shards: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(_Event):
    """One function's end."""

    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluded(_Event):
    """The whole run's end: `result` sums up, `results` has every function."""

    command: Command
    result: Result
    results: tuple[Result, ...]
    exit_code: int


Event: TypeAlias = (
    Started
    | NotAws
    | Identified
    | Noticed
    | Planned
    | Waiting
    | Progress
    | CodeUploaded
    | VersionPublished
    | SmokePassed
    | RevisionStored
    | Creating
    | DeploymentStarted
    | StatusChanged
    | LifecycleChanged
    | TrafficShifted
    | Heartbeat
    | Measured
    | BakeBegan
    | TakingBack
    | ContactTroubled
    | ContactRestored
    | CancelReceived
    | StopRequested
    | StopAnswered
    | RollbackStarted
    | HoldChanged
    | Diagnosed
    | AliasRead
    | AliasRestored
    | StatusReported
    | Listed
    | Written
    | Divided
    | Finished
    | Concluded
)
