"""Why a deployment did not succeed, where CodeDeploy's own code does not say it, and what became of the traffic."""

from __future__ import annotations

import math
from typing import ClassVar

from ...lazy import dataclass
from ..commands import EXAMPLE, PutBack, Where
from ..phrases import Shares, closed, duration, served
from ..reason import Failure, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Reason):
    """We ended it, or meant to: it was `stopped`, or was over before."""

    deployment: str
    stopped: bool

    def after(self, cause: str) -> str:
        """The cause and what came of it, as one sentence."""
        if self.stopped:
            return f"{cause}, so ci-deploy stopped deployment {self.deployment}."
        return f"{cause}, and deployment {self.deployment} ended before ci-deploy could stop it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic(Reason):
    """`serves` is what the alias serves, read after the end; `put_back`: where it should."""

    urgent: ClassVar = True
    serves: Shares
    put_back: PutBack | None = None

    @property
    def remedy(self) -> str:
        return self.put_back.text if self.put_back else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled(Ended):
    code: ClassVar = "job-cancelled"
    means: ClassVar = "The run was interrupted while the deployment ran: a cancelled job, a step's time limit, Ctrl-C."
    also: ClassVar = ({"stopped": False},)

    @property
    def text(self) -> str:
        return self.after("The run was interrupted (a cancelled job, a step's time limit or Ctrl-C)")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimitPassed(Ended):
    code: ClassVar = "time-limit-passed"
    means: ClassVar = "The deployment did not end within the time limit."
    also: ClassVar = ({"shift": 10_800.0}, {"stopped": False})
    minutes: float
    shift: float  # seconds that the traffic shift takes alone

    @property
    def text(self) -> str:
        limit = f"The time limit of {self.minutes:g} minutes"
        if self.shift > self.minutes * 60:
            return self.after(f"{limit} is shorter than the traffic shift ({duration(self.shift)})")
        return self.after(f"{limit} passed")

    @property
    def remedy(self) -> str:
        enough = math.ceil(max(self.shift + 600, self.minutes * 90) / 300) * 5
        return f"Set `timeout: {enough}m`, or leave `timeout` out: its default covers the shift and every hook."


@dataclass(frozen=True, slots=True, kw_only=True)
class HookTimeoutPassed(Ended):
    code: ClassVar = "hook-timeout-passed"
    means: ClassVar = "A hook did not report within `hook-timeout`."
    also: ClassVar = ({"hook": ""},)
    hook: str

    @property
    def text(self) -> str:
        hook = f"Hook `{self.hook}`" if self.hook else "A hook"
        return self.after(f"{hook} did not report within `hook-timeout`")

    @property
    def remedy(self) -> str:
        log = f" (/aws/lambda/{self.hook})" if self.hook else ""
        return f"Check the hook's log{log}. Make it report to CodeDeploy, whether it succeeds or fails."


@dataclass(frozen=True, slots=True, kw_only=True)
class AsAsked(Ended):
    code: ClassVar = "as-asked"
    means: ClassVar = "The command `stop` or `rollback` ended the deployment."
    also: ClassVar = ({"stopped": False},)

    @property
    def text(self) -> str:
        if self.stopped:
            return f"ci-deploy stopped deployment {self.deployment} as requested."
        return f"Deployment {self.deployment} ended before ci-deploy could stop it."


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAsPlanned(Ended):
    code: ClassVar = "not-as-planned"
    means: ClassVar = "The deployment did not shift traffic as planned."

    @property
    def text(self) -> str:
        return self.after("CodeDeploy did not shift traffic as planned")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnotherFailed(Ended):
    code: ClassVar = "another-failed"
    means: ClassVar = "Another function of the release failed, and all are rolled back."

    @property
    def text(self) -> str:
        return self.after("Another function of the release failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedByRun(Reason):
    code: ClassVar = "stopped-by-run"
    means: ClassVar = "A rollback in a later workflow run stopped the deployment."
    also: ClassVar = ({"url": ""},)
    run: int
    url: str  # of the run; empty outside GitHub

    @classmethod
    def sample(cls) -> StoppedByRun:
        return cls(run=987654, url="https://github.com/octo/shop/actions/runs/987654")

    @property
    def text(self) -> str:
        return f"Workflow run {self.run} (`ci-deploy rollback`) stopped the deployment."

    @property
    def remedy(self) -> str:
        return f"See why: {self.url}" if self.url else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookFailed(Reason):
    """CodeDeploy's message does not name the hook (facts.md G11); the lifecycle does."""

    code: ClassVar = "hook-failed"
    means: ClassVar = "A hook did not report success, and nothing more could be read in time."
    also: ClassVar = ({"said": ""},)
    hook: str
    said: str

    @property
    def text(self) -> str:
        return f"Hook `{self.hook}` failed." + (f" AWS: {closed(self.said)}" if self.said else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Serves(Traffic):
    code: ClassVar = "succeeded"
    means: ClassVar = "The alias serves the version that was to be deployed."

    @property
    def text(self) -> str:
        return f"The alias serves {served(self.serves)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBackBy(Traffic):
    code: ClassVar = "rolled-back-by"
    means: ClassVar = "CodeDeploy's rollback deployment brought the previous version back."
    rollback: str

    @property
    def text(self) -> str:
        return f"Rolled back by {self.rollback}: the alias serves {served(self.serves)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasSetBack(Traffic):
    code: ClassVar = "alias-set-back"
    means: ClassVar = "The rollback did not bring the previous version back, so ci-deploy put the alias back itself."

    @property
    def text(self) -> str:
        return f"The alias was set back: the alias serves {served(self.serves)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackRunning(Traffic):
    code: ClassVar = "rollback-running"
    means: ClassVar = "The rollback deployment is still running."
    rollback: str

    @property
    def text(self) -> str:
        return f"Rollback {self.rollback} is still running."

    @property
    def remedy(self) -> str:
        return f"If the rollback fails: {self.put_back.text}" if self.put_back else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousUnknown(Traffic):
    code: ClassVar = "previous-unknown"
    means: ClassVar = "The previous version is unknown, so ci-deploy cannot judge a rollback."

    @property
    def text(self) -> str:
        return "The previous version is unknown, so ci-deploy cannot judge the rollback."


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRolledBack(Traffic):
    code: ClassVar = "not-rolled-back"
    means: ClassVar = "A rollback was due and did not bring the previous version back."
    also: ClassVar = (
        {"rollback": "", "problem": ""},
        {"rollback": "", "said": ""},
    )
    previous: str
    rollback: str  # empty: none appeared
    said: str  # by CodeDeploy of the rollback
    problem: str  # why the alias could not be set back

    @property
    def text(self) -> str:
        if self.rollback:
            what = f"Rollback {self.rollback} did not bring version {self.previous} back."
        else:
            what = f"No rollback deployment appeared to bring version {self.previous} back."
            what += f" AWS: {closed(self.said)}" if self.said else ""
        return what + (f" ci-deploy could not set the alias back itself ({self.problem})." if self.problem else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class StillServes(Traffic):
    code: ClassVar = "still-serves"
    means: ClassVar = "The deployment was to reverse another, and the alias serves what it served."

    @property
    def text(self) -> str:
        return f"The alias still serves {served(self.serves)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingMoved(Traffic):
    code: ClassVar = "nothing-moved"
    means: ClassVar = "No traffic had moved, so nothing had to be rolled back."

    @property
    def text(self) -> str:
        return f"Nothing had to be rolled back: the alias serves {served(self.serves)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRollback(Traffic):
    code: ClassVar = "no-rollback"
    means: ClassVar = "No rollback was configured or asked for."

    @property
    def text(self) -> str:
        return "No rollback was configured or requested."


# --- where it did not come to a failure of the deployment ------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasGone(Reason):
    code: ClassVar = "alias-gone"
    means: ClassVar = "Someone deleted the alias while the deployment ran."
    alias: str
    function: str

    @property
    def text(self) -> str:
        return f"Alias {self.alias} of {self.function} no longer exists."

    @property
    def remedy(self) -> str:
        return "Create it again on the version that should serve."


@dataclass(frozen=True, slots=True, kw_only=True)
class ServesUnread(Reason):
    """`deployment`, if one was created; `put_back`: where a release's reversal was to bring the alias."""

    code: ClassVar = "alias-unread"
    means: ClassVar = "The deployment is over or lost, and the alias could not be read."
    also: ClassVar = ({"deployment": "", "status": ""},)
    deployment: str
    where: Where
    status: str = ""
    put_back: PutBack | None = None

    @property
    def text(self) -> str:
        if not self.deployment:
            return "ci-deploy could not read the alias."
        return f"Deployment {self.deployment} is {self.status}, but ci-deploy could not read the alias after it."

    @property
    def remedy(self) -> str:
        if self.deployment:
            return f"See what is live: `{self.where.follow(self.deployment)}`."
        return self.put_back.text if self.put_back else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalEnded(Reason):
    code: ClassVar = "reversal-ended"
    means: ClassVar = "The deployment that was to roll a function of a release back did not succeed."
    deployment: str
    status: str

    @property
    def text(self) -> str:
        return f"Deployment {self.deployment} is {self.status}."


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReversed(Traffic):
    """`problem`: why the alias could not be set back either."""

    code: ClassVar = "not-reversed"
    means: ClassVar = "A function of a release could not be rolled back to its previous version."
    also: ClassVar = ({"problem": ""},)
    problem: str

    @property
    def text(self) -> str:
        if self.problem:
            return f"ci-deploy could not set the alias back itself ({self.problem.rstrip('.')})."
        return "The release did not bring the previous version back."


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftRunning(Reason):
    """By policy, or because it could not be stopped (`refused`)."""

    code: ClassVar = "left-running"
    means: ClassVar = "The run ended while the deployment continues."
    also: ClassVar = ({"refused": "it was over already"},)
    deployment: str
    where: Where
    serves: Shares
    refused: str = ""

    @property
    def text(self) -> str:
        if self.refused:
            return f"ci-deploy could not stop deployment {self.deployment} ({self.refused.rstrip('.')})."
        return f"ci-deploy left deployment {self.deployment} running."

    @property
    def remedy(self) -> str:
        return f"Re-attach with `{self.where.follow(self.deployment)}`."

    @classmethod
    def sample(cls) -> LeftRunning:
        return cls(
            deployment="d-A1B2C3D4E",
            where=EXAMPLE,
            serves=(("41", 90.0), ("42", 10.0)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedElsewhere(Reason):
    code: ClassVar = "moved-elsewhere"
    means: ClassVar = "CodeDeploy reports success, but the alias serves something else."
    deployment: str
    serves: Shares
    version: str

    @property
    def text(self) -> str:
        return (
            f"CodeDeploy reports deployment {self.deployment} as Succeeded, but something else moved the alias away "
            f"from version {self.version}."
        )

    @property
    def remedy(self) -> str:
        return "Find out who changed the alias (`UpdateAlias` in CloudTrail), then deploy again."


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledTooLate(Reason):
    code: ClassVar = "cancelled-too-late"
    means: ClassVar = "The job was cancelled after the deployment had succeeded."
    deployment: str
    serves: Shares

    @property
    def text(self) -> str:
        return f"The run was cancelled after deployment {self.deployment} had succeeded."

    @property
    def remedy(self) -> str:
        return "Run the command `rollback` if this version should not be live."


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTooLate(Reason):
    """`again`: a rollback was asked for."""

    code: ClassVar = "stop-too-late"
    means: ClassVar = "The deployment had succeeded before it could be stopped."
    also: ClassVar = ({"again": False},)
    deployment: str
    serves: Shares
    again: bool

    @property
    def text(self) -> str:
        return f"Deployment {self.deployment} had succeeded before it could be stopped."

    @property
    def remedy(self) -> str:
        return "Run the rollback again: it now deploys the previous version." if self.again else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OffPlan(Reason):
    """`shifts` and `planned`: `function:alias` and both versions."""

    code: ClassVar = "off-plan"
    means: ClassVar = "CodeDeploy shifts something other than this run asked for, so ci-deploy stops the deployment."
    deployment: str
    shifts: tuple[str, str, str]
    planned: tuple[str, str, str]

    @property
    def text(self) -> str:
        found, old, new = self.shifts
        wanted, before, after = self.planned
        return (
            f"Deployment {self.deployment} shifts {found} from version {old} to version {new}. "
            f"This run planned {wanted} from version {before} to version {after}."
        )

    @property
    def remedy(self) -> str:
        return "Find out who can write the revision. Its AppSpec is not the one from this run."

    @classmethod
    def sample(cls) -> OffPlan:
        return cls(deployment="d-A1B2C3D4E", shifts=("search:live", "7", "8"), planned=("checkout:live", "41", "42"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedOnceMore(Reason):
    code: ClassVar = "throttled"
    means: ClassVar = "Lambda throttled CodeDeploy before any traffic moved, so ci-deploy creates the deployment again."
    deployment: str

    @property
    def text(self) -> str:
        return (
            f"Lambda throttled CodeDeploy's own requests, and {self.deployment} failed before any traffic moved. "
            "ci-deploy tries once more."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisIncomplete(Reason):
    code: ClassVar = "diagnosis"
    means: ClassVar = "What happened in a failed deployment could not be read completely."
    problem: str

    @property
    def text(self) -> str:
        return f"The diagnosis is incomplete ({self.problem.rstrip('.')})."


# --- setting the alias right -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NoTrace(Failure):
    code: ClassVar = "no-trace"
    means: ClassVar = "A rollback could not note itself in the alias's description, so an older run may deploy over it."

    @property
    def text(self) -> str:
        return f"This rollback could not leave the mark that keeps older runs from deploying over it ({self.brief})."

    @property
    def remedy(self) -> str:
        return f"{self.advice} The hold (`hold: set`) keeps all runs away.".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRoom(Reason):
    code: ClassVar = "no-room"
    means: ClassVar = "The alias's description is too long to hold the note of a rollback."

    @property
    def text(self) -> str:
        return "The alias's description has no room for it."

    @property
    def remedy(self) -> str:
        return "Shorten the description."


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitNotRepaired(Reason):
    code: ClassVar = "split-not-repaired"
    means: ClassVar = "A split that an earlier deployment had left could not be repaired."

    @property
    def text(self) -> str:
        return "The split alias could not be repaired."


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRepaired(Reason):
    code: ClassVar = "split-repaired"
    means: ClassVar = "The split of an earlier deployment was repaired (`repair-alias`)."

    @property
    def text(self) -> str:
        return "An earlier deployment was stopped without rollback."


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackStrayed(Reason):
    """`rolled_back`: CodeDeploy did so; `reversal`: a deployment of ours was to restore the version."""

    code: ClassVar = "rollback-strayed"
    means: ClassVar = "The alias did not go back to the previous version by itself, so ci-deploy set it."
    also: ClassVar = ({"rolled_back": False}, {"reversal": True})
    rolled_back: bool
    reversal: bool

    @property
    def text(self) -> str:
        if self.reversal:
            return "The reversal did not restore the previous version."
        return "Its rollback left something else." if self.rolled_back else "No rollback deployment appeared."

    @classmethod
    def sample(cls) -> RollbackStrayed:
        return cls(rolled_back=True, reversal=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasInUse(Reason):
    code: ClassVar = "alias-in-use"
    means: ClassVar = "A deployment of the group is running, and ci-deploy changes no alias during one."
    deployment: str

    @property
    def text(self) -> str:
        return f"Deployment {self.deployment} is running in the group, so the alias was not changed."


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasNotSet(Reason):
    code: ClassVar = "alias-not-set"
    means: ClassVar = "Lambda accepted UpdateAlias, and the alias serves something else."
    serves: Shares

    @property
    def text(self) -> str:
        return f"UpdateAlias was accepted, but the alias serves {served(self.serves)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSetBack(Failure):
    code: ClassVar = "restore-failed"
    means: ClassVar = "The rollback left something else, and ci-deploy could not set the alias back itself."

    @property
    def text(self) -> str:
        return f"ci-deploy could not set the alias back ({self.brief})."
