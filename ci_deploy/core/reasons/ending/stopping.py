"""Time limits, hooks that hang and signals: why a run ended before its deployment did, and what is not known then."""

from __future__ import annotations

from typing import ClassVar

from ...lazy import dataclass
from ..commands import EXAMPLE, Where
from ..phrases import duration
from ..reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class LostContact(Reason):
    """`stopping`: a stop was asked for before. `seen`: seconds of the deployment until AWS last answered.

    `share`: percent of traffic on the new version then. `failures` in a row since, the last one with `error`.
    """

    code: ClassVar = "lost-contact"
    means: ClassVar = "AWS no longer answered; the deployment may still be running."
    also: ClassVar = ({"stopping": True},)
    deployment: str
    where: Where
    stopping: bool
    seen: float
    share: float
    failures: int
    error: str

    @property
    def text(self) -> str:
        stop = " It had requested a stop." if self.stopping else ""
        return (
            f"ci-deploy last saw deployment {self.deployment} after {duration(self.seen)}, with {self.share:g}% of "
            f"traffic on the new version.{stop} All {self.failures} requests since then failed "
            f"({self.error.rstrip('.')})."
        )

    @property
    def remedy(self) -> str:
        return f"See what is live, and follow the deployment: `{self.where.follow(self.deployment)}`."

    @classmethod
    def sample(cls) -> LostContact:
        return cls(
            deployment="d-A1B2C3D4E",
            where=EXAMPLE,
            stopping=False,
            seen=154.0,
            share=10.0,
            failures=37,
            error="codedeploy:BatchGetDeployments: ThrottlingException: Rate exceeded",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimitLeaves(Reason):
    code: ClassVar = "time-limit"
    means: ClassVar = "The time limit passed, and `on-timeout: leave` lets the deployment continue."
    minutes: float
    deployment: str

    @property
    def text(self) -> str:
        return (
            f"The time limit of {self.minutes:g} minutes has passed; deployment {self.deployment} continues "
            "(`on-timeout: leave`)."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSilent(Reason):
    """`limit`: seconds of the hook function's own timeout. `misnamed`: without the prefix that is needed."""

    code: ClassVar = "hook-silent"
    means: ClassVar = "A hook has run past its own timeout without reporting to CodeDeploy."
    also: ClassVar = ({"misnamed": True},)
    hook: str
    limit: float
    misnamed: bool

    @property
    def text(self) -> str:
        return (
            f"Hook `{self.hook}` has run past its own timeout of {self.limit:g} s and has not reported to CodeDeploy. "
            "It crashed, or may not call codedeploy:PutLifecycleEventHookExecutionStatus. "
            "CodeDeploy waits an hour for it."
        )

    @property
    def remedy(self) -> str:
        return f"Check the log group /aws/lambda/{self.hook}. `hook-timeout` ends such a deployment early." + (
            " Its name should begin with CodeDeployHook_." if self.misnamed else ""
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished(Reason):
    """`how` the time came to its end: a second signal, or no more grace."""

    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FateUnknown(Unfinished):
    """`deployment`: its ID, or what its description has."""

    code: ClassVar = "fate-unknown"
    means: ClassVar = "The post step could not find out what became of the deployment."
    deployment: str
    where: Where

    @property
    def text(self) -> str:
        return f"The outcome of deployment {self.deployment} is unknown ({self.how})."

    @property
    def remedy(self) -> str:
        return (
            "Check the deployment group, and stop the deployment if it runs. "
            f"`{self.where.status()}` shows what is served."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CreationInterrupted(Unfinished):
    code: ClassVar = "creation-interrupted"
    means: ClassVar = "The job was cancelled while CreateDeployment was being answered."
    marker: str

    @property
    def text(self) -> str:
        return f"Cancelled ({self.how}) while the deployment was being created. It may exist."

    @property
    def remedy(self) -> str:
        return f"Look in the group for a deployment whose description has id={self.marker}, and stop it."


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasInterrupted(Unfinished):
    code: ClassVar = "alias-interrupted"
    means: ClassVar = "The job was cancelled while a first deployment created the alias."
    alias: str
    where: Where

    @property
    def text(self) -> str:
        return f"Cancelled ({self.how}) while alias {self.alias} was being created. It may exist."

    @property
    def remedy(self) -> str:
        return f"`{self.where.status()}` shows what it serves, if it exists."


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledMeanwhile(Unfinished):
    """`status`: of a deployment that is over. `refused`: why a stop had no effect."""

    code: ClassVar = "cancelled-meanwhile"
    means: ClassVar = "The job was cancelled, and there was no time to see the deployment's end."
    also: ClassVar = (
        {"rollback": ""},
        {"rollback": "", "status": ""},
        {"rollback": "", "status": "", "left": False},
        {"rollback": "", "status": "", "left": False, "refused": ""},
        {"rollback": "", "status": "", "left": False, "refused": "", "sent": False},
    )
    deployment: str
    where: Where
    rollback: str = ""
    status: str = ""
    left: bool = False
    sent: bool = False
    refused: str = ""

    @property
    def text(self) -> str:
        return f"Cancelled ({self.how}); deployment {self.deployment} {self._doing}."

    @property
    def _doing(self) -> str:
        if self.rollback:
            return f"is rolled back by {self.rollback}; what the alias serves was not read after that"
        if self.status:
            return f"is {self.status}; what the alias serves was not read after that"
        if self.left:
            return "was left running (`on-cancel: leave`); what the alias serves was not read"
        if self.refused:
            return f"was told to stop, which failed ({self.refused})"
        return "was told to stop" if self.sent else "is not stopped yet"

    @property
    def remedy(self) -> str:
        return f"Re-attach with `{self.where.follow(self.deployment)}`."

    @classmethod
    def sample(cls) -> CancelledMeanwhile:
        return cls(
            how="a second signal",
            deployment="d-A1B2C3D4E",
            where=EXAMPLE,
            rollback="d-R1S2T3U4V",
            status="Failed",
            left=True,
            sent=True,
            refused="it was over already",
        )


# --- Why a deployment is stopped ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInterrupted(Reason):
    code: ClassVar = "run-interrupted"
    means: ClassVar = "The job was cancelled or ran out of time, so its deployment is stopped."

    @property
    def text(self) -> str:
        return "The run was interrupted."


@dataclass(frozen=True, slots=True, kw_only=True)
class MainStepEnded(Reason):
    code: ClassVar = "main-step-ended"
    means: ClassVar = "The main step was killed before its deployment ended, so the post step stops it."

    @property
    def text(self) -> str:
        return "The main step ended before this deployment did."


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitReached(Reason):
    code: ClassVar = "limit-reached"
    means: ClassVar = "The time limit has passed, so the deployment is stopped."
    minutes: float

    @property
    def text(self) -> str:
        return f"The time limit of {self.minutes:g} minutes has passed."


@dataclass(frozen=True, slots=True, kw_only=True)
class HookHangs(Reason):
    """`hook` is empty where another run made the deployment: then only its `event` is known."""

    code: ClassVar = "hook-hangs"
    means: ClassVar = "A hook has not reported within `hook-timeout`, so the deployment is stopped."
    also: ClassVar = ({"hook": ""},)
    hook: str
    event: str
    seconds: float

    @property
    def text(self) -> str:
        what = f"Hook {self.hook}" if self.hook else f"The hook of {self.event}"
        return f"{what} has not reported after {self.seconds:g} s (`hook-timeout`)."

    @classmethod
    def sample(cls) -> HookHangs:
        return cls(hook="CodeDeployHook_smoke", event="BeforeAllowTraffic", seconds=300.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StrayedFromPlan(Reason):
    code: ClassVar = "strayed-from-plan"
    means: ClassVar = "CodeDeploy shifts something else than this run asked for; `off-plan` says what."
    deployment: str

    @property
    def text(self) -> str:
        return f"Deployment {self.deployment} is not as planned."


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded(Reason):
    code: ClassVar = "superseded"
    means: ClassVar = "Another run's deployment is stopped, because `on-conflict` is `supersede`."
    of: str

    @property
    def text(self) -> str:
        return f"{self.of} supersedes it."


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAsked(Reason):
    """`said`: the reason that a person gave, if any."""

    code: ClassVar = "stop-asked"
    means: ClassVar = "The command `stop` or `rollback` stops the deployment."
    also: ClassVar = ({"command": "rollback"}, {"said": ""})
    command: str
    said: str

    @property
    def text(self) -> str:
        return f"{self.command.capitalize()}: {self.said}" if self.said else f"{self.command.capitalize()}, as asked."

    @classmethod
    def sample(cls) -> StopAsked:
        return cls(command="stop", said="orders are lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFailed(Reason):
    code: ClassVar = "release-failed"
    means: ClassVar = "Another function of the release failed, so this one is stopped or rolled back."
    other: str

    @property
    def text(self) -> str:
        return f"{self.other} failed, and the release is all or nothing."

    @classmethod
    def sample(cls) -> ReleaseFailed:
        return cls(other="search:live")
