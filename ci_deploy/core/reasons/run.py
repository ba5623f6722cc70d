"""Why a run has no verdict of a deployment: what it was given, where it runs, or a mistake in ci-deploy."""

from __future__ import annotations

from typing import ClassVar

from ..lazy import dataclass
from ..links import ISSUES
from ..run import Stranger
from .reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidInputs(Reason):
    code: ClassVar = "invalid-inputs"
    means: ClassVar = "Inputs, the repository's file or the AppSpec have mistakes; all of them are listed."
    problems: tuple[str, ...]

    @property
    def text(self) -> str:
        """A problem a line, as a list where there are several."""
        lines = [f"{problem[:1].upper()}{problem[1:]}" for problem in self.problems]
        return lines[0] if len(lines) == 1 else "\n".join(f"- {each}" for each in lines)

    @classmethod
    def sample(cls) -> InvalidInputs:
        return cls(problems=("input `alias` is empty.", "input `timeout`: `soon` is no duration. Expected `90s`."))


@dataclass(frozen=True, slots=True, kw_only=True)
class InputUnused(Reason):
    code: ClassVar = "input-unused"
    means: ClassVar = "The command does nothing with this input."
    input_name: str
    command: str

    @property
    def text(self) -> str:
        return f"Input `{self.input_name}` is not used by the command `{self.command}`."

    @classmethod
    def sample(cls) -> InputUnused:
        return cls(input_name="bake", command="status")


@dataclass(frozen=True, slots=True, kw_only=True)
class UntrustedEvent(Reason):
    """`allowed`: by `allow-untrusted-event`."""

    code: ClassVar = "untrusted-event"
    means: ClassVar = "The event may run a stranger's code, or at a stranger's wish, with the repository's secrets."
    also: ClassVar = (
        {"stranger": Stranger.CODE},
        {"stranger": Stranger.TRIGGER},
        {"stranger": Stranger.UNKNOWN},
        {"allowed": True},
    )
    event: str
    stranger: Stranger
    allowed: bool

    @property
    def text(self) -> str:
        name = f"`{self.event}`"
        match self.stranger:
            case Stranger.PULL_REQUEST:
                told = f"{name} runs with your secrets, but for a pull request that anyone may have opened"
            case Stranger.CODE:
                told = f"{name} runs with your secrets, and the code may come from a fork"
            case Stranger.TRIGGER:
                told = f"{name} runs with your secrets, and someone without write access may have caused it"
            case _:
                told = f"{name} may run with your secrets, and ci-deploy does not know who can cause it"
        return f"{told}. `allow-untrusted-event` allows it." if self.allowed else f"{told}."

    @property
    def remedy(self) -> str:
        if self.allowed:
            return ""
        return (
            "Build and test in `pull_request` (no secrets there). Deploy from a trusted event: `push` to a protected "
            "branch, `workflow_dispatch`, or a job with a protected environment. `allow-untrusted-event: true` "
            "overrides this, if no code of the pull request is ever deployed or run."
        )

    @classmethod
    def sample(cls) -> UntrustedEvent:
        return cls(event="pull_request_target", stranger=Stranger.PULL_REQUEST, allowed=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherAccount(Reason):
    code: ClassVar = "other-account"
    means: ClassVar = "The credentials belong to another account than `account-id`, or the function's ARN, says."
    account: str
    caller_arn: str
    wanted: str

    @property
    def text(self) -> str:
        return f"These credentials are of account {self.account} (`{self.caller_arn}`), not of {self.wanted}."

    @property
    def remedy(self) -> str:
        return "Check the role that the workflow assumes, or the input `account-id` (or the ARN of the function)."

    @classmethod
    def sample(cls) -> OtherAccount:
        arn = "arn:aws:sts::123456789012:assumed-role/deployer/ci"
        return cls(account="123456789012", caller_arn=arn, wanted="210987654321")


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherRegion(Reason):
    code: ClassVar = "other-region"
    means: ClassVar = "The function's ARN is in another region than the run."
    region: str
    wanted: str

    @property
    def text(self) -> str:
        return f"The function is in {self.wanted}, and this run works in {self.region}."

    @property
    def remedy(self) -> str:
        return f"Set `aws-region: {self.wanted}`, or correct the function's ARN."

    @classmethod
    def sample(cls) -> OtherRegion:
        return cls(region="eu-central-1", wanted="us-east-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Divided(Reason):
    code: ClassVar = "divided"
    means: ClassVar = "`plan` with `shard-size` divided the functions, and made no AWS calls."
    count: int
    shards: int

    @property
    def text(self) -> str:
        return f"{self.count} functions in {self.shards} shards (no AWS calls)."

    @classmethod
    def sample(cls) -> Divided:
        return cls(count=14, shards=3)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledReading(Reason):
    code: ClassVar = "cancelled-reading"
    means: ClassVar = "The job was cancelled before anything was changed."

    @property
    def text(self) -> str:
        return "Cancelled while reading. Nothing was changed."


@dataclass(frozen=True, slots=True, kw_only=True)
class NoToken(Reason):
    code: ClassVar = "no-token"
    means: ClassVar = "A `run:` step has no token, so the pull request gets no comment."

    @property
    def text(self) -> str:
        return "There will be no pull request comment: this step has no `GITHUB_TOKEN`."

    @property
    def remedy(self) -> str:
        return 'Add `env: {GITHUB_TOKEN: "${{ github.token }}"}` to the step, or set `--comment off`.'


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandNotStarted(Reason):
    code: ClassVar = "command-not-started"
    means: ClassVar = "The command after `--` could not be started."
    said: str

    @property
    def text(self) -> str:
        return f"The command could not be started: {self.said}."

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
