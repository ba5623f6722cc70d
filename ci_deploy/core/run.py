"""The nouns of a run: its command, where it runs, how it may end, and the exit code of each end."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from .lazy import dataclass


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
    WATCH = "watch"


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


class Stranger(StrEnum):
    """The part that somebody without write access may have in a run with secrets (`given.trust` judges it)."""

    NONE = ""
    PULL_REQUEST = "pull-request"
    CODE = "code"
    TRIGGER = "trigger"
    UNKNOWN = "unknown"


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
    step: str = ""  # this step of this job, as the marker names it
    actor: str = ""
    workflow: str = ""
    event_name: str = ""
    server_url: str = "https://github.com"
    api_url: str = "https://api.github.com"
    pull_request: int | None = None
    public: bool = False
    from_fork: bool = False
    stranger: Stranger = Stranger.NONE

    @property
    def commit(self) -> str:
        return self.head_sha or self.sha

    @property
    def run_url(self) -> str:
        return self.url_of(self.run_id)

    def url_of(self, run_id: int) -> str:
        """A workflow run of this repository; empty where there is none."""
        if not (self.repository and run_id):
            return ""
        return f"{self.server_url}/{self.repository}/actions/runs/{run_id}"
