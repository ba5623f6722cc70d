"""What the product needs from outside, as Protocols in our own words.

`edge` implements them, tests fake them; `commands`, `perform` and `drive` know nothing else. Every call may raise
core.errors.AwsError and nothing else of AWS's. A call makes one attempt unless its docstring says that it repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from .core.events import Event
from .core.model import (
    Alarm,
    Alias,
    CreateRequest,
    Deployment,
    DeploymentConfig,
    DeploymentGroup,
    FunctionVersion,
    Identity,
    InlineContent,
    LogLines,
    S3Location,
    StopAnswer,
)


class Clock(Protocol):
    """Time for everything: monotonic seconds, as fast as CI_DEPLOY_CLOCK_SPEED says."""

    def now(self) -> float: ...

    def epoch(self) -> float:
        """Wall-clock seconds since 1970, for people only: never compared with AWS's timestamps."""
        ...

    def sleep(self, seconds: float) -> None: ...

    def real(self, seconds: float) -> float:
        """So many real seconds in this clock's seconds."""
        ...


class Identities(Protocol):
    def identity(self) -> Identity:
        """GetCallerIdentity and the region in use. Repeats on transient errors, within the reading deadline."""
        ...


class CodeDeploy(Protocol):
    """`read` calls (group … revision_content) repeat on transient errors; `look`, `create`, `stop` never do."""

    def group(self, application: str, name: str) -> DeploymentGroup: ...

    def config(self, name: str) -> DeploymentConfig: ...

    def active(self, application: str, group: str) -> tuple[Deployment, ...]:
        """Deployments that are not over (Created, Queued, InProgress, Baking, Ready), newest first, no targets."""
        ...

    def recent(self, application: str, group: str, limit: int) -> tuple[Deployment, ...]:
        """The group's newest deployments, newest first, without targets."""
        ...

    def with_targets(self, deployment: Deployment) -> Deployment:
        """The same deployment with its targets (() if it has none yet)."""
        ...

    def revision_content(self, application: str, revision: InlineContent) -> str:
        """The text of an inline AppSpec, by its sha256 (GetApplicationRevision)."""
        ...

    def look(self, ids: tuple[str, ...], with_targets: frozenset[str]) -> tuple[Deployment, ...]:
        """One look at deployments, 25 a call; targets for those named. Unknown ids are left out. One attempt."""
        ...

    def find(self, application: str, group: str, marker_id: str) -> Deployment | None:
        """The deployment whose description's marker has this id, among the group's newest. One attempt."""
        ...

    def create(self, request: CreateRequest) -> str:
        """CreateDeployment; the new id. One attempt, always."""
        ...

    def stop(self, deployment_id: str, rollback: bool, *, urgent: bool = False) -> StopAnswer:
        """StopDeployment. `urgent`: connect and read time-outs of at most 2 real seconds. One attempt."""
        ...


class Lambda(Protocol):
    """Reads repeat on transient errors, except `look_alias`; writes are one attempt."""

    def version(self, function: str, version: str) -> FunctionVersion | None:
        """GetFunction with a qualifier (a number or `$LATEST`); None when there is none."""
        ...

    def alias(self, function: str, name: str) -> Alias | None: ...

    def look_alias(self, function: str, name: str) -> Alias | None:
        """GetAlias, one attempt."""
        ...

    def publish(self, function: str, *, code_sha256: str, revision_id: str, description: str) -> FunctionVersion: ...

    def set_alias(self, alias: Alias, version: str) -> Alias:
        """UpdateAlias to 100 % on `version`, guarded by `alias.revision_id`; what AWS answers."""
        ...

    def create_alias(self, function: str, name: str, version: str) -> Alias: ...


class Revisions(Protocol):
    def put(self, bucket: str, key: str, content: bytes, *, account: str, tag: bool) -> S3Location:
        """Store an AppSpec once (If-None-Match: *); if it is there, find it. Repeats: the key is its content's hash."""
        ...

    def get(self, location: S3Location) -> str: ...


class Evidence(Protocol):
    """What explains a failure; reads repeat shortly."""

    def alarms(self, names: tuple[str, ...]) -> tuple[Alarm, ...]: ...

    def log_lines(self, function: str, since: float, until: float | None, limit: int) -> LogLines:
        """The last lines of the invocation that began in the window (epoch seconds, AWS's clock)."""
        ...


class Files(Protocol):
    def read_text(self, path: str) -> str:
        """A file of the workspace as UTF-8 text; raises OSError or UnicodeDecodeError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything, wired once by `app`."""

    clock: Clock
    identities: Identities
    codedeploy: CodeDeploy
    lambda_: Lambda
    revisions: Revisions
    evidence: Evidence
    files: Files


class Reporter(Protocol):
    """A consumer of events. It must not raise for want of anything outside; if it does, it is dropped with a warning."""

    name: str

    def report(self, event: Event) -> None: ...

    def close(self) -> None:
        """The run is over: flush (those that use the network: 3 s at most)."""
        ...


Write = Callable[[str], None]
Environment = Mapping[str, str]
