"""The nouns: what AWS tells us and what we tell people, as frozen records.

Field names are AWS's own words. Percentages are 0 to 100, durations and clock readings are seconds (float),
AWS's timestamps are epoch seconds (float) and are compared only with each other. Enumerations are open: a value
that AWS adds later becomes UNKNOWN and stays visible, it never crashes. Sources: botocore's CodeDeploy and Lambda
models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")


class Command(StrEnum):
    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    STOP = "stop"
    STATUS = "status"
    PLAN = "plan"
    SETUP = "setup"
    FINISH = "finish"
    PRUNE = "prune"
    VALIDATE = "validate"


class Outcome(StrEnum):
    """How a run ended. The exit code is a function of command and outcome (exit_code below)."""

    SUCCEEDED = "succeeded"
    UNCHANGED = "unchanged"
    PLANNED = "planned"
    VALID = "valid"
    REPORTED = "reported"
    DETACHED = "detached"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"
    ROLLBACK_FAILED = "rollback-failed"
    STOPPED = "stopped"
    INVALID = "invalid"
    REFUSED = "refused"
    ERROR = "error"
    TIMED_OUT = "timed-out"
    LOST_CONTACT = "lost-contact"
    CANCELLED = "cancelled"
    BUG = "bug"


_EXIT_CODES: Mapping[Outcome, int] = {
    Outcome.SUCCEEDED: 0,
    Outcome.UNCHANGED: 0,
    Outcome.PLANNED: 0,
    Outcome.VALID: 0,
    Outcome.REPORTED: 0,
    Outcome.DETACHED: 0,
    Outcome.FAILED: 1,
    Outcome.ROLLED_BACK: 1,
    Outcome.ROLLBACK_FAILED: 1,
    Outcome.STOPPED: 1,
    Outcome.INVALID: 2,
    Outcome.REFUSED: 3,
    Outcome.ERROR: 4,
    Outcome.TIMED_OUT: 5,
    Outcome.LOST_CONTACT: 6,
    Outcome.CANCELLED: 130,
    Outcome.BUG: 70,
}


def exit_code(command: Command, outcome: Outcome) -> int:
    """The process's exit code; `stopped` is what the command `stop` is for, so there it is 0."""
    if command is Command.STOP and outcome is Outcome.STOPPED:
        return 0
    return _EXIT_CODES[outcome]


class Rollback(StrEnum):
    """What became of the traffic after something went wrong (the output `rollback`)."""

    NONE = "none"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class _Open(StrEnum):
    """An enumeration that AWS may extend: unknown values become UNKNOWN."""

    @classmethod
    def _missing_(cls, value: object) -> _Open:
        return cls["UNKNOWN"]


class DeploymentStatus(_Open):
    CREATED = "Created"
    QUEUED = "Queued"
    IN_PROGRESS = "InProgress"
    BAKING = "Baking"
    READY = "Ready"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"
    UNKNOWN = "Unknown"

    @property
    def terminal(self) -> bool:
        """Whether the deployment is over. An unknown status is not: we keep looking."""
        return self in (DeploymentStatus.SUCCEEDED, DeploymentStatus.FAILED, DeploymentStatus.STOPPED)


class EventStatus(_Open):
    """Status of a lifecycle event (and of a deployment target)."""

    PENDING = "Pending"
    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SKIPPED = "Skipped"
    READY = "Ready"
    UNKNOWN = "Unknown"

    @property
    def terminal(self) -> bool:
        return self in (EventStatus.SUCCEEDED, EventStatus.FAILED, EventStatus.SKIPPED)


class RoutingType(_Open):
    CANARY = "TimeBasedCanary"
    LINEAR = "TimeBasedLinear"
    ALL_AT_ONCE = "AllAtOnce"
    UNKNOWN = "Unknown"


class RollbackEvent(StrEnum):
    """AWS's autoRollbackConfiguration events."""

    FAILURE = "DEPLOYMENT_FAILURE"
    ALARM = "DEPLOYMENT_STOP_ON_ALARM"
    STOP_REQUEST = "DEPLOYMENT_STOP_ON_REQUEST"


CREATOR_ROLLBACK = "codeDeployRollback"


# --- Facts that may be missing -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True)
class NotPermitted:
    """The role may not read it; `action` is the IAM action that would be needed."""

    action: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """It could not be read, for a reason other than permissions."""

    why: str


Fact: TypeAlias = Known[T] | NotPermitted | Unavailable


# --- What AWS tells us ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who we are and where: the account from STS, the partition from the caller's ARN."""

    account: str
    arn: str
    region: str
    partition: str = "aws"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A Lambda alias. `weights` are the additional versions' percentages; the primary has the remainder."""

    function: str
    name: str
    version: str
    weights: Mapping[str, float] = field(default_factory=dict)
    revision_id: str = ""
    arn: str = ""

    @property
    def shares(self) -> dict[str, float]:
        """Percentage of traffic by version, primary first; versions without traffic are left out."""
        additional = {version: weight for version, weight in self.weights.items() if weight > 0}
        primary = round(100.0 - sum(additional.values()), 6)
        return ({self.version: primary} if primary > 0 else {}) | additional

    @property
    def split(self) -> bool:
        return bool(self.weights)

    def serves_only(self, version: str) -> bool:
        """Whether all traffic goes to `version` (a routing entry of 0 % left behind counts as split)."""
        return not self.split and self.version == version


def shares_text(shares: Mapping[str, float]) -> str:
    """The form of the output `live-weights`: `1=90,2=10`."""
    return ",".join(f"{version}={share:g}" for version, share in shares.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionVersion:
    """One version of a function (or `$LATEST`), as GetFunction describes it.

    `configuration` holds the settings that a published version freezes, each as canonical JSON text by its AWS name
    (Runtime, Handler, Environment, Layers, …; not Description, State or anything volatile), so that two versions can
    be compared and their difference named. Values of environment variables are in it: never print it whole.
    """

    function: str
    version: str
    code_sha256: str
    arn: str = ""
    revision_id: str = ""
    code_size: int = 0
    state: str = "Active"
    state_reason: str = ""
    state_reason_code: str = ""
    last_update_status: str = "Successful"
    last_update_reason: str = ""
    package_type: str = "Zip"
    image_uri: str = ""  # of an image function: as it was given, by tag or digest
    runtime: str = ""
    memory_mb: int = 0
    timeout_s: int = 0
    role: str = ""
    dead_letter_arn: str = ""
    layers: tuple[str, ...] = ()
    environment_names: tuple[str, ...] = ()
    description: str = ""
    last_modified: str = ""
    vpc: bool = False
    configuration: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        """An update or the creation is in progress: nothing can be published or changed until it is over."""
        return self.state == "Pending" or self.last_update_status == "InProgress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """How a deployment config shifts traffic: percentage of the first (canary) or of each (linear) step."""

    kind: RoutingType
    percentage: int = 100
    interval_minutes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentConfig:
    name: str
    routing: Routing
    compute_platform: str = "Lambda"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmConfiguration:
    enabled: bool = False
    names: tuple[str, ...] = ()
    ignore_poll_failure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentGroup:
    application: str
    name: str
    compute_platform: str = "Lambda"
    config_name: str = "CodeDeployDefault.LambdaAllAtOnce"
    service_role_arn: str = ""
    alarms: AlarmConfiguration = AlarmConfiguration()
    auto_rollback_enabled: bool = False
    auto_rollback_events: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    deployment_style: str = ""
    last_attempted_id: str = ""
    last_successful_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """What CodeDeploy says of a failed lifecycle event."""

    error_code: str = ""
    script_name: str = ""
    message: str = ""
    log_tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleEvent:
    name: str
    status: EventStatus
    start: float | None = None
    end: float | None = None
    diagnostics: Diagnostics = Diagnostics()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentTarget:
    """A Lambda target. `raw_weight` is targetVersionWeight as sent (0-1 or 0-100: facts.md A4 [U])."""

    target_id: str
    function: str
    alias: str
    current_version: str
    target_version: str
    raw_weight: float = 0.0
    status: EventStatus = EventStatus.PENDING
    events: tuple[LifecycleEvent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Location:
    bucket: str
    key: str
    version: str = ""
    etag: str = ""
    bundle_type: str = "JSON"

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}" + (f"?versionId={self.version}" if self.version else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineContent:
    """An AppSpec carried inside CreateDeployment; `content` is empty when read back (AWS never returns it)."""

    content: str
    sha256: str

    def __str__(self) -> str:
        return "inline"


Revision: TypeAlias = S3Location | InlineContent


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A snapshot of a deployment. `targets` is None when they were not asked for or do not exist yet."""

    id: str
    status: DeploymentStatus
    application: str = ""
    group: str = ""
    config_name: str = ""
    description: str = ""
    creator: str = ""
    create_time: float = 0.0
    start_time: float | None = None
    complete_time: float | None = None
    error_code: str = ""
    error_message: str = ""
    rollback_id: str = ""
    rollback_of: str = ""
    rollback_message: str = ""
    auto_rollback_events: tuple[str, ...] = ()  # that hold for it; empty: no automatic rollback
    status_messages: tuple[str, ...] = ()
    revision: Revision | None = None
    targets: tuple[DeploymentTarget, ...] | None = None

    @property
    def automatic_rollback(self) -> bool:
        return self.creator == CREATOR_ROLLBACK or bool(self.rollback_of)

    def target_of(self, function: str, alias: str) -> DeploymentTarget | None:
        """This deployment's target for a function and alias; functions may be named by ARN."""
        for target in self.targets or ():
            if target.function.split(":")[-1] == function and target.alias in ("", alias):
                return target
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    name: str
    state: str
    reason: str = ""
    since: float | None = None
    composite: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLines:
    """The last lines a function wrote, cut to the invocation that is asked about where that can be told."""

    function: str
    group: str
    lines: tuple[str, ...]
    request_id: str = ""


# --- What we ask AWS ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRequest:
    """Everything CreateDeployment is given. None means "do not send it: the group's own setting holds"."""

    application: str
    group: str
    revision: Revision
    description: str
    config_name: str | None = None
    auto_rollback: tuple[RollbackEvent, ...] | None = None  # () switches it off
    override_alarms: AlarmConfiguration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAnswer:
    """StopDeployment's answer: `Pending` or `Succeeded`, and AWS's message."""

    status: str
    message: str = ""


# --- Where we run and what we say --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where this run comes from: GitHub's variables and event, or a terminal (all empty)."""

    actions: bool = False  # under a runner (inputs from the environment)
    repository: str = ""
    sha: str = ""
    head_sha: str = ""  # the pull request's own head; GITHUB_SHA is a merge commit there
    ref: str = ""
    run_id: int = 0
    run_attempt: int = 0
    actor: str = ""
    workflow: str = ""
    event_name: str = ""
    server_url: str = "https://github.com"
    api_url: str = "https://api.github.com"
    pull_request: int | None = None
    public: bool = False
    from_fork: bool = False
    endpoint: str = ""  # a non-AWS endpoint in use (AWS_ENDPOINT_URL), else empty

    @property
    def commit(self) -> str:
        return self.head_sha or self.sha

    @property
    def run_url(self) -> str:
        if not (self.repository and self.run_id):
            return ""
        return f"{self.server_url}/{self.repository}/actions/runs/{self.run_id}"


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
