"""Why a run has no verdict of a deployment: what it was given is no good, or ci-deploy itself is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .reason import Reason

ISSUES = "https://github.com/your-org/ci-deploy/issues"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidInputs(Reason):
    code: ClassVar = "invalid-inputs"
    means: ClassVar = "Inputs, the repository's file or the AppSpec have mistakes; all of them are listed."
    problems: tuple[str, ...]

    @property
    def text(self) -> str:
        if len(self.problems) == 1:
            return self.problems[0]
        numbered = (f"({number}) {problem}" for number, problem in enumerate(self.problems, 1))
        return f"{len(self.problems)} problems: {' '.join(numbered)}"

    @classmethod
    def sample(cls) -> InvalidInputs:
        return cls(problems=("input `alias`: is empty.", "input `timeout`: `soon` is no duration. Expected `90s`."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Valid(Reason):
    code: ClassVar = "valid"
    means: ClassVar = "`validate` found no mistake. It makes no AWS calls."
    checked: tuple[str, ...]

    @property
    def text(self) -> str:
        return (
            f"Valid: {', '.join(self.checked)}. Not checked: whether the function, its alias, the application and the "
            "deployment group exist in AWS."
        )

    @property
    def remedy(self) -> str:
        return "`plan` checks those, and writes nothing."

    @classmethod
    def sample(cls) -> Valid:
        return cls(checked=("inputs", "AppSpec"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug(Reason):
    code: ClassVar = "bug"
    means: ClassVar = "A mistake in ci-deploy itself. A deployment that exists by then continues."
    error: str

    @property
    def text(self) -> str:
        return self.error

    @property
    def remedy(self) -> str:
        return f"This is a bug in ci-deploy. Please report it, with the bug report in the log: {ISSUES}"

    @classmethod
    def sample(cls) -> Bug:
        return cls(error="KeyError: 'deploymentInfo'")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotConfirmed(Reason):
    code: ClassVar = "not-confirmed"
    means: ClassVar = "The person at the terminal did not confirm the rollback. Nothing was changed."

    @property
    def text(self) -> str:
        return "You did not confirm the rollback. Nothing was changed."

    @property
    def remedy(self) -> str:
        return "Run the command again and answer `y`, or pass `--yes`."

    @classmethod
    def sample(cls) -> NotConfirmed:
        return cls()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandNotStarted(Reason):
    code: ClassVar = "command-not-started"
    means: ClassVar = "The command after `--` cannot be started."
    said: str

    @property
    def text(self) -> str:
        return f"The command cannot be started: {self.said}."

    @classmethod
    def sample(cls) -> CommandNotStarted:
        return cls(said="No such file or directory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed(Reason):
    code: ClassVar = "killed"
    means: ClassVar = "The step was killed before it could write its result. The post step takes over the deployment."

    @property
    def text(self) -> str:
        return "The step was killed before its end."

    @property
    def remedy(self) -> str:
        return "Check the post step's log for the deployment, and `ci-deploy status` for the live version."
