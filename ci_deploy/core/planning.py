"""What a run is going to do, as data: `plan(inputs, facts) -> Plan`, completed by `bind(plan, version)`.

Pure. `plan` (the command) prints the very object that `deploy` executes. The facts are what was read, nothing else;
what could not be read is in them as NotPermitted or Unavailable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from .model import (
    Alarm,
    AlarmConfiguration,
    Alias,
    Deployment,
    DeploymentConfig,
    DeploymentGroup,
    Fact,
    Finding,
    FunctionVersion,
    Identity,
    RollbackEvent,
    Routing,
    Severity,
    Unavailable,
)
from .schedule import Step, shift_seconds, steps

NOT_READ: Fact[object] = Unavailable("not read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that was read for one function before deciding; a snapshot, taken again after every wait."""

    identity: Identity
    latest: FunctionVersion | None = None  # $LATEST; None: the function does not exist
    alias: Alias | None = None
    current: FunctionVersion | None = None  # the version the alias serves
    target: FunctionVersion | None = None  # the version asked for, if a number was given
    group: DeploymentGroup | None = None
    config: DeploymentConfig | None = None
    active: tuple[Deployment, ...] = ()  # not terminal, of this group
    recent: tuple[Deployment, ...] = ()  # of this group, newest first
    alarms: Fact[tuple[Alarm, ...]] = Unavailable("not read")
    hooks: Mapping[str, Fact[FunctionVersion | None]] = field(default_factory=dict)
    appspec_text: str | None = None  # the user's own AppSpec
    package_sha256: str = ""  # base64, of the package to be deployed
    package_size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """A published version is deployed as it is."""

    version: str
    code_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToPublish:
    """A version is published first, from `source`: `latest`, or the package, object or image given.

    `code_sha256` and `revision_id` guard the publishing: what was looked at is what is published, or nothing.
    """

    source: str
    code_sha256: str
    revision_id: str
    fingerprint: str  # of code and configuration: the same content gives the same marker key


Target: TypeAlias = Existing | ToPublish


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One function's deployment, complete but for a version number that may not exist yet.

    `unchanged` says that there is nothing to deploy, and why; nothing is written then.
    """

    function: str
    alias: str
    application: str
    group: str
    current_version: str
    target: Target
    config_name: str
    routing: Routing
    before_hook: str = ""
    after_hook: str = ""
    bucket: str = ""
    prefix: str = ""
    auto_rollback: tuple[RollbackEvent, ...] | None = None  # what is sent; None: the group's setting holds
    rollback_events: tuple[str, ...] = ()  # what holds in effect
    override_alarms: AlarmConfiguration | None = None
    alarm_names: tuple[str, ...] = ()  # that watch this deployment, in effect
    timeout: float = 600.0
    appspec_logical_name: str = ""
    reverses: bool = False
    unchanged: str = ""
    current: FunctionVersion | None = None
    new: FunctionVersion | None = None  # the version (or $LATEST as it stands) that will be deployed
    hooks: Mapping[str, Fact[FunctionVersion | None]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.function}:{self.alias}"

    @property
    def target_version(self) -> str:
        """The version to deploy, empty while it is not published."""
        return self.target.version if isinstance(self.target, Existing) else ""

    @property
    def steps(self) -> tuple[Step, ...]:
        return steps(self.routing)

    @property
    def shift_seconds(self) -> float:
        return shift_seconds(self.routing)

    @property
    def refusals(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.REFUSAL)
