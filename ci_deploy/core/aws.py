"""The nouns that AWS tells us: identities, aliases, versions, deployments, alarms, as frozen records.

Field names are AWS's own words. Percentages are 0 to 100, durations and clock readings are seconds (float),
AWS's timestamps are epoch seconds (float) and are compared only with each other. Enumerations are open: a value
that AWS adds later becomes UNKNOWN and stays visible, it never crashes. Sources: botocore's CodeDeploy and Lambda
models.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from functools import lru_cache
from typing import Generic, TypeAlias, TypeVar

from .lazy import dataclass

T = TypeVar("T")


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
class Endpoint:
    """An address that requests are sent to, and what set it. `services` by botocore's names; empty: all of them."""

    url: str
    setting: str
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A Lambda alias. `weights` are the additional versions' percentages; the primary has the remainder."""

    function: str
    name: str
    version: str
    weights: Mapping[str, float] = field(default_factory=dict)
    revision_id: str = ""
    arn: str = ""
    description: str = ""

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
        """Whether all traffic goes to `version` (a routing entry of 0% left behind counts as split)."""
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
    unread: Mapping[str, str] = field(default_factory=dict)  # settings that Lambda could not decrypt, with its code
    code_error: str = ""  # Lambda can no longer read the code, and why
    code_by_reference: bool = False  # the code is an object in S3 that Lambda keeps no copy of
    kms_key: str = ""  # of the environment
    capacity_provider: str = ""  # of managed instances, its ARN
    durable: bool = False  # executions may pause, and resume with this version's code
    replica_of: str = ""  # Lambda@Edge: the main function, whose copy this is
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


_LAMBDA_NAME = re.compile(
    r"(?:arn:[a-z-]+:lambda:(?P<region>[a-z0-9-]+):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[A-Za-z0-9_-]+)(?::(?P<qualifier>[A-Za-z0-9_$.-]+))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaName:
    """A function as AWS names it; `qualifier` is an alias or a version. What the text leaves out is empty."""

    name: str
    qualifier: str = ""
    region: str = ""
    account: str = ""

    @classmethod
    @lru_cache(maxsize=1024)
    def parse(cls, text: str) -> LambdaName | None:
        """A name, a partial or a whole ARN, with or without qualifier; None for anything else."""
        match = _LAMBDA_NAME.fullmatch(text)
        return cls(**{part: found or "" for part, found in match.groupdict().items()}) if match else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentTarget:
    """A Lambda target. `raw_weight` is targetVersionWeight as sent (0-1 or 0-100: facts.md A4 [U]).

    `function` and `alias` are empty where CodeDeploy left them out; `target_id` is the function's name by the
    documentation, and was never recorded.
    """

    target_id: str
    target_arn: str = ""
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
    revision_type: str = "AppSpecContent"  # or `String`, its older form, which CloudFormation still uses (facts.md G17)

    def __str__(self) -> str:
        return "inline"


Revision: TypeAlias = S3Location | InlineContent


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A snapshot of a deployment. `targets` is None when they were not asked for or do not exist yet."""

    id: str
    compute_platform: str = "Lambda"
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
        """This deployment's target for a function and alias, where it says so (see `plan.whose` for all the rest)."""
        for target in self.targets or ():
            named = LambdaName.parse(target.function)
            if named is None or named.name != function:
                continue
            if (target.alias or named.qualifier) in ("", alias):
                return target
        return None

    def shifting_since(self, function: str, alias: str) -> float | None:
        """When traffic began to shift, by AWS's time; None where no lifecycle event says so."""
        target = self.target_of(function, alias)
        starts = (event.start for event in target.events if event.name == "AllowTraffic") if target else ()
        return next((start for start in starts if start is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    name: str
    state: str
    reason: str = ""
    since: float | None = None
    kind: str = "metric"  # or composite, or log
    evaluation: str = ""  # CloudWatch's EvaluationState: what keeps a metric or log alarm from being evaluated
    metric: str = ""
    value: float | None = None  # the latest that CloudWatch compared with the threshold
    threshold: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLines:
    """The last lines a function wrote, cut to the invocation that is asked about where that can be told."""

    function: str
    group: str
    lines: tuple[str, ...]
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """How a function answered. `error`: Lambda's FunctionError, empty for none. `log`: the last 4 KB of its log.

    `seconds` is the duration that the log's REPORT tells, without `init_seconds` (of a cold start, 0 for a warm one);
    without a REPORT it is the time until the answer came, everything included, and `reported` is False.
    """

    payload: str
    error: str = ""
    log: str = ""
    seconds: float
    init_seconds: float = 0.0
    reported: bool = True


# --- What we ask AWS ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRequest:
    """Everything CreateDeployment is given. None means "do not send it: the group's own setting holds".

    `function` is not sent: the revision names it, and its target is looked for by that name.
    """

    application: str
    group: str
    function: str
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
