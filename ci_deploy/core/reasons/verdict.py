"""Why a deployment did not succeed, where CodeDeploy's own code does not say it, and what became of the traffic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Reason):
    """We ended it, or meant to: it was `stopped`, or was over before."""

    deployment: str
    stopped: bool

    @property
    def how(self) -> str:
        return f"deployment {self.deployment} " + ("was stopped" if self.stopped else "ended")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic(Reason):
    """`serves` is what the alias serves in words, read after the end; `advice` is what to do about both."""

    serves: str
    advice: str = ""

    @property
    def remedy(self) -> str:
        return self.advice


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled(Ended):
    code: ClassVar = "job-cancelled"
    means: ClassVar = "The run was interrupted while the deployment ran: a cancelled job, a step's time limit, Ctrl-C."
    also: ClassVar = ({"stopped": False},)

    @property
    def text(self) -> str:
        return f"The run was interrupted and {self.how}."


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimitPassed(Ended):
    code: ClassVar = "time-limit-passed"
    means: ClassVar = "The deployment did not end within the time limit."
    minutes: float

    @property
    def text(self) -> str:
        return f"The time limit of {self.minutes:g} minutes passed and {self.how}."


@dataclass(frozen=True, slots=True, kw_only=True)
class HookTimeoutPassed(Ended):
    code: ClassVar = "hook-timeout-passed"
    means: ClassVar = "A hook did not report within `hook-timeout`."

    @property
    def text(self) -> str:
        return f"A hook did not report within `hook-timeout` and {self.how}."


@dataclass(frozen=True, slots=True, kw_only=True)
class AsAsked(Ended):
    code: ClassVar = "as-asked"
    means: ClassVar = "The command `stop` or `rollback` ended the deployment."

    @property
    def text(self) -> str:
        return f"As asked, {self.how}."


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAsPlanned(Ended):
    code: ClassVar = "not-as-planned"
    means: ClassVar = "The deployment shifted something else than was planned."

    @property
    def text(self) -> str:
        return f"It did not shift what was planned, and {self.how}."


@dataclass(frozen=True, slots=True, kw_only=True)
class AnotherFailed(Ended):
    code: ClassVar = "another-failed"
    means: ClassVar = "Another function of the release failed, and all are rolled back."

    @property
    def text(self) -> str:
        return f"Another function of the release failed and {self.how}."


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeDeployEnded(Reason):
    code: ClassVar = "codedeploy-ended"
    means: ClassVar = "CodeDeploy ended the deployment, and gives a code that is not known or none at all."
    also: ClassVar = ({"said": ""},)
    deployment: str
    status: str
    said: str

    @property
    def text(self) -> str:
        return (
            f"Deployment {self.deployment} is {self.status}: {(self.said or 'CodeDeploy gives no reason').rstrip('.')}."
        )


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
        return f"Hook {self.hook} failed." + (f" CodeDeploy says: {self.said.rstrip('.')}." if self.said else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Serves(Traffic):
    code: ClassVar = "succeeded"
    means: ClassVar = "The alias serves the version that was to be deployed."

    @property
    def text(self) -> str:
        return f"The alias serves {self.serves}."


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBackBy(Traffic):
    code: ClassVar = "rolled-back-by"
    means: ClassVar = "CodeDeploy's rollback deployment brought the previous version back."
    rollback: str

    @property
    def text(self) -> str:
        return f"Rolled back by {self.rollback}: the alias serves {self.serves}."


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasSetBack(Traffic):
    code: ClassVar = "alias-set-back"
    means: ClassVar = "The rollback did not bring the previous version back, so ci-deploy put the alias back itself."

    @property
    def text(self) -> str:
        return f"The alias was set back: the alias serves {self.serves}."


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackRunning(Traffic):
    code: ClassVar = "rollback-running"
    means: ClassVar = "The rollback deployment is still running."
    rollback: str

    @property
    def text(self) -> str:
        return f"Its rollback {self.rollback} is still running: the alias serves {self.serves} now."


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousUnknown(Traffic):
    code: ClassVar = "previous-unknown"
    means: ClassVar = "Which version served before is not known, so nothing can be said of a rollback."

    @property
    def text(self) -> str:
        return f"Which version served before is not known: the alias serves {self.serves}."


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
            who = f"Its rollback {self.rollback} did not bring back"
        else:
            said = f" (CodeDeploy says: {self.said})" if self.said else ""
            who = f"No rollback deployment appeared{said} to bring back"
        why = f" ({self.problem})" if self.problem else ""
        return f"{who} version {self.previous}{why}: the alias serves {self.serves}."


@dataclass(frozen=True, slots=True, kw_only=True)
class StillServes(Traffic):
    code: ClassVar = "still-serves"
    means: ClassVar = "The deployment was to reverse another, and the alias serves what it served."

    @property
    def text(self) -> str:
        return f"The alias still serves {self.serves}."


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingMoved(Traffic):
    code: ClassVar = "nothing-moved"
    means: ClassVar = "No traffic had moved, so nothing had to be rolled back."

    @property
    def text(self) -> str:
        return f"Nothing had to be rolled back: the alias serves {self.serves}."


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRollback(Traffic):
    code: ClassVar = "no-rollback"
    means: ClassVar = "No rollback was configured or asked for."

    @property
    def text(self) -> str:
        return f"No rollback was configured or asked for: the alias serves {self.serves}."
