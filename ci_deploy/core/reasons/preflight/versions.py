"""What is found in the versions themselves: states, code, settings and executions that outlive a deployment."""

from __future__ import annotations

from typing import ClassVar

from ...lazy import dataclass
from ...links import page
from ..phrases import Unread, unread
from ..reason import Reason
from ..states import out_of

COUNTED = 1000  # durable executions, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfService(Reason):
    """A version's state by Lambda, with its StateReasonCode and, in `why`, its StateReason."""

    function: str
    version: str
    state: str
    state_code: str
    why: str
    region: str

    @property
    def remedy(self) -> str:
        return out_of(self.state, self.state_code, function=self.function, version=self.version, region=self.region)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetInactive(OutOfService):
    code: ClassVar = "target-inactive"
    means: ClassVar = "The version cannot be invoked in its state."
    also: ClassVar = (
        {"why": ""},
        {"state": "Deactivated", "why": ""},
        {"state": "ActiveNonInvocable", "why": ""},
        {"state": "Deleting", "why": ""},
        {"state": "Failed", "state_code": "FunctionError.InitTimeout", "why": "Initialization timed out."},
    )

    @property
    def text(self) -> str:
        why = f" ({self.why.rstrip('.')})" if self.why else ""
        return f"Version {self.version} of `{self.function}` is {self.state}{why}: it cannot be invoked."


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSleeps(Reason):
    code: ClassVar = "target-sleeps"
    means: ClassVar = "The version has been idle, and Lambda has to prepare it again before it can serve."
    also: ClassVar = ({"why": ""},)
    function: str
    version: str
    why: str

    @property
    def text(self) -> str:
        why = f" ({self.why.rstrip('.')})" if self.why else ""
        return (
            f"Version {self.version} of `{self.function}` is Inactive{why}. ci-deploy wakes it with one "
            "invocation (Lambda refuses it and runs nothing), then waits until it is Active."
        )

    @property
    def remedy(self) -> str:
        return f"This needs lambda:InvokeFunction on the function's versions ({page('iam/feature-smoke.json')})."


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionNotActive(OutOfService):
    code: ClassVar = "version-not-active"
    means: ClassVar = "The new version did not become active, so it was not deployed."
    also: ClassVar = ({"state": "Failed", "state_code": "InsufficientCapacity", "why": ""},)

    @property
    def text(self) -> str:
        why = f": {self.why.rstrip('.')}" if self.why else ""
        return f"Version {self.version} became {self.state}{why}. Nothing was deployed."


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionNotReady(Reason):
    code: ClassVar = "version-not-ready"
    means: ClassVar = "The new version was still pending when the time for it had passed."
    version: str
    minutes: float

    @property
    def text(self) -> str:
        return f"Version {self.version} is still pending after {self.minutes:g} minutes. Nothing was deployed."

    @property
    def remedy(self) -> str:
        return "Check the version in the Lambda console. When it is Active, deploy it with `version`."


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionGone(Reason):
    code: ClassVar = "version-gone"
    means: ClassVar = "The new version was deleted before it could be deployed."
    version: str

    @property
    def text(self) -> str:
        return f"Version {self.version} no longer exists. Nothing was deployed."


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetCode(Reason):
    code: ClassVar = "target-code"
    means: ClassVar = "Lambda can no longer read the version's code."
    also: ClassVar = ({"version": ""},)
    function: str
    version: str  # empty: `$LATEST`, which is to be published
    why: str

    @classmethod
    def sample(cls) -> TargetCode:
        return cls(function="checkout", version="42", why="NoSuchKey: The object does not exist.")

    @property
    def text(self) -> str:
        what = f"version {self.version}" if self.version else "`$LATEST`"
        return f"Lambda cannot read the code of {what} of `{self.function}` ({self.why.rstrip('.')})."

    @property
    def remedy(self) -> str:
        return "Restore its object in S3 and Lambda's access to it, or deploy other code."


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeByReference(Reason):
    code: ClassVar = "code-by-reference"
    means: ClassVar = "Lambda reads the function's code from S3, and a direct upload would make it a copy."
    function: str

    @property
    def text(self) -> str:
        return (
            f"Lambda reads the code of `{self.function}` from S3 and keeps no copy (S3ObjectStorageMode REFERENCE). "
            "A direct upload would change that."
        )

    @property
    def remedy(self) -> str:
        return "Set `bucket`, so that the package is stored in S3, or set `code` to an existing object (`s3://…`)."


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsUnread(Reason):
    code: ClassVar = "settings-unread"
    means: ClassVar = "Lambda could not decrypt the settings of a version, so they cannot be compared."
    also: ClassVar = ({"state_code": "KMSDisabledException", "key": ""},)
    function: str
    setting: str
    state_code: str
    key: str  # KMS

    @classmethod
    def sample(cls) -> SettingsUnread:
        return cls(
            function="checkout",
            setting="the environment variables",
            state_code="AccessDeniedException",
            key="arn:aws:kms:eu-central-1:123456789012:key/1a2b3c4d",
        )

    @property
    def text(self) -> str:
        return (
            f"Lambda could not decrypt {self.setting} of `{self.function}` ({self.state_code}). They cannot be "
            "compared, so ci-deploy publishes a version and lets Lambda decide."
        )

    @property
    def remedy(self) -> str:
        key = f"`{self.key}`" if self.key else "the function's KMS key"
        if "AccessDenied" in self.state_code:
            policy = page("iam/feature-environment.json")
            return f"To compare them, allow kms:Decrypt on {key} to this role ({policy})."
        return f"Check that {key} exists and is enabled."


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficDoubles(Reason):
    code: ClassVar = "traffic-doubles"
    means: ClassVar = "A step raises the traffic of a version on managed instances faster than Lambda adds instances."
    also: ClassVar = ({"share": 0.0},)
    version: str  # empty: not published yet
    share: float  # percent, before the step
    step: float  # percent, after it

    @property
    def text(self) -> str:
        which = f"version {self.version}" if self.version else "the new version"
        step = f"from {self.share:g}% to {self.step:g}%" if self.share else f"to {self.step:g}% at once"
        return (
            f"This deployment raises the traffic of {which} {step}. It runs on managed instances, and traffic that "
            "more than doubles within five minutes may be throttled. A rollback shifts all at once, too."
        )

    @property
    def remedy(self) -> str:
        return (
            "Use small steps, such as `deployment-config: linear 10% every 10m`, or raise MinExecutionEnvironments "
            "first (`aws lambda put-function-scaling-config`)."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DurableExecutions(Reason):
    code: ClassVar = "durable-executions"
    means: ClassVar = "Durable executions that have begun stay on the version that began them."
    also: ClassVar = ({"count": 0}, {"count": 1}, {"count": COUNTED})
    version: str
    count: int

    @property
    def text(self) -> str:
        if self.count:
            has = "execution is" if self.count == 1 else "executions are"
            stay = "It stays on it to its end" if self.count == 1 else "They stay on it to their end"
            many = f"{self.count:,} or more" if self.count >= COUNTED else f"{self.count:,}"
            return (
                f"{many} durable {has} running or paused on version {self.version}. {stay}: this deployment "
                "shifts new executions only."
            )
        return (
            f"Durable executions that begin on version {self.version} stay on it to their end: this deployment shifts "
            "new executions only."
        )

    @property
    def remedy(self) -> str:
        return f"Keep version {self.version} until they have ended. `prune` keeps it."


@dataclass(frozen=True, slots=True, kw_only=True)
class DurableUnread(Reason):
    code: ClassVar = "durable-unread"
    means: ClassVar = "The durable executions of the live version could not be read."
    version: str
    fact: Unread

    @property
    def text(self) -> str:
        return (
            f"Durable executions stay on the version that began them. How many are on version {self.version} was not "
            f"checked: {unread(self.fact)}."
        )
