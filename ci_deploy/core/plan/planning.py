"""What a run is going to do, as data: `plan(inputs, facts) -> Plan`, completed by `bind(plan, version)`.

Pure. `plan` (the command) prints the very object that `deploy` executes. The facts are what was read, nothing else;
what could not be read is in them as NotPermitted or Unavailable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import TypeAlias

from ..aws import (
    Alarm,
    AlarmConfiguration,
    Alias,
    Deployment,
    DeploymentConfig,
    DeploymentGroup,
    Fact,
    FunctionVersion,
    Identity,
    Known,
    RollbackEvent,
    Routing,
    RoutingType,
    Unavailable,
)
from ..given.files.appspec import HOOKS, AppSpec
from ..given.files.smoke import Case
from ..given.inputs import Inputs
from ..given.package.packaging import Code, same_sha256, sha256_of
from ..given.source import Image
from ..guards.grammar import OFF, Guards
from ..guards.judging import LEVEL
from ..lazy import dataclass
from ..marker import key_of, parse
from ..reasons.preflight.deciding import SameContent, ServedAlready
from ..reasons.reason import Reason
from ..reasons.states import OUTSIDE
from ..result import Finding, Severity
from ..schedule import Step, default_timeout, shift_seconds, steps
from .comparing import Compared, compare, differences, fingerprint
from .surroundings import Surroundings

PROVISIONING = 30 * 60.0
UNREAD = Unavailable("not read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Names that exist beside one that does not: Lambda applications of the account, an application's deployment
    groups, a function's aliases. Empty where nothing is missing, or they may not be listed."""

    applications: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The alias's traffic of the last day: calls per minute, and the share of them (0 to 1) that failed.

    `at`: AWS's time when that was answered (epoch seconds), which makes no other plan.
    """

    per_minute: float
    errors: float
    at: float = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that was read for one function before deciding; a snapshot, taken again after every wait."""

    identity: Identity
    latest: FunctionVersion | None = None  # $LATEST; None: the function does not exist
    alias: Alias | None = None
    current: FunctionVersion | None = None  # the version the alias serves
    target: FunctionVersion | None = None  # the version asked for, if a number was given
    newer: tuple[FunctionVersion, ...] = ()  # the versions right after the one that the alias serves, a few
    group: DeploymentGroup | None = None
    config: DeploymentConfig | None = None
    active: tuple[Deployment, ...] = ()  # not terminal, of this group
    recent: tuple[Deployment, ...] = ()  # of this group, newest first
    history: tuple[Deployment, ...] = ()  # the newest of them with their owners, where a command needs them
    neighbours: Neighbours = Neighbours()  # what there is where something that was named is not
    history_cut: bool = False  # there are more, and the bound of reading was reached
    subject: Deployment | None = None  # the deployment that the run is about, with its targets
    declared: AppSpec | None = None  # what its own AppSpec says, of another tool's deployment
    alarms: Fact[tuple[Alarm, ...]] = Unavailable("not read")
    hooks: Mapping[str, Fact[FunctionVersion | None]] = field(default_factory=dict)
    appspec_text: str | None = None  # the user's own AppSpec
    surroundings: Surroundings | None = None  # what is optional to read
    calls: Fact[Calls] = UNREAD
    code: Code | None = None  # what the input `code` leads to; None for `$LATEST`
    job_limit: float | None = None  # seconds that a job may live on this runner, where that is known
    credentials_left: float | None = None  # seconds that the credentials still have, where their end is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """A published version is deployed as it is."""

    version: str
    code_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToPublish:
    """A version is published first, from `source`: `latest`, or the package, object or image given.

    `code` is that code, None for what `$LATEST` holds; `updates`: `$LATEST` does not hold it yet and gets it first.
    `code_sha256` and `revision_id` guard the publishing: what was looked at is what is published, or nothing.
    """

    source: str
    code_sha256: str
    revision_id: str
    fingerprint: str  # of code and configuration: the same content gives the same marker key
    code: Code | None = None
    updates: bool = False


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
    smoke: tuple[Case, ...] = ()  # what the new version must answer before the deployment is created
    guards: Guards = OFF
    level: float = LEVEL  # of one test of one guard
    bake: float = 0.0  # seconds that the new version is watched after all traffic has moved
    on_inconclusive: str = "pass"
    calls: Fact[Calls] = UNREAD
    reverses: bool = False
    creates_alias: bool = False  # the first deployment: there is no alias yet, and it is created on the version
    found: bool = False  # of a deployment that exists: what its AppSpec declares is not known
    unchanged: Reason | None = None
    current: FunctionVersion | None = None
    new: FunctionVersion | None = None  # the version (or $LATEST as it stands) that will be deployed
    hooks: Mapping[str, Fact[FunctionVersion | None]] = field(default_factory=dict)
    service_role: str = ""  # the group's; for the diagnosis
    findings: tuple[Finding, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.function}:{self.alias}"

    def hook_of(self, event: str) -> str:
        """The hook function of a lifecycle event, as it was given; empty if there is none."""
        return {"BeforeAllowTraffic": self.before_hook, "AfterAllowTraffic": self.after_hook}.get(event, "")

    @property
    def hook_events(self) -> frozenset[str]:
        """The lifecycle events that have a hook."""
        return frozenset(event for event in HOOKS if self.hook_of(event))

    @property
    def target_version(self) -> str:
        """The version to deploy, empty while it is not published."""
        return self.target.version if isinstance(self.target, Existing) else ""

    @property
    def compared(self) -> tuple[Compared, ...]:
        """The version that serves and the one to come, side by side; nothing where one of them is not known."""
        if self.current is None or self.new is None:
            return ()
        return compare(self.current, self.new)

    @property
    def steps(self) -> tuple[Step, ...]:
        return steps(self.routing)

    @property
    def shift_seconds(self) -> float:
        return shift_seconds(self.routing)

    @property
    def refusals(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.REFUSAL)


def plan(inputs: Inputs, facts: Facts) -> Plan:
    """What `deploy` is going to do. Never raises for what the facts say.

    Where something essential is missing (no function, no alias) the plan has empty fields, and `checks.preflight`
    adds the refusal; it is then shown and not executed.
    """
    current_version = facts.alias.version if facts.alias else ""
    target, new, unchanged = _target(inputs, facts)
    return _plan(
        inputs,
        facts,
        current_version=current_version,
        target=target,
        new=new,
        unchanged=unchanged,
        before_hook=inputs.before_allow_traffic or "",
        after_hook=inputs.after_allow_traffic or "",
    )


def _target(inputs: Inputs, facts: Facts) -> tuple[Target, FunctionVersion | None, Reason | None]:
    if inputs.version:
        served = facts.alias is not None and facts.alias.serves_only(inputs.version)
        unchanged = ServedAlready(version=inputs.version) if served else None
        sha = facts.target.code_sha256 if facts.target else ""
        return Existing(version=inputs.version, code_sha256=sha), facts.target, unchanged
    latest, code = facts.latest, facts.code
    if latest is None:
        return ToPublish(source="latest", code_sha256="", revision_id="", fingerprint=""), None, None
    new = latest if code is None else _with_code(latest, code)
    by_tag = isinstance(code, Image) and not code.digest
    target = ToPublish(
        source="latest" if code is None else str(code),
        code_sha256=new.code_sha256,
        revision_id=latest.revision_id,
        fingerprint=fingerprint(replace(new, code_sha256=str(code)) if by_tag else new),
        code=code,
        updates=code is not None
        and (not same_sha256(latest.code_sha256, new.code_sha256) or _failed_by_chance(facts, new)),
    )
    whole = facts.alias is not None and not facts.alias.split
    if whole and facts.current is not None and not differences(facts.current, new):
        what = "`$LATEST`" if code is None else f"`{code}`"
        version = facts.current.version
        same = SameContent(version=version, holds=what)
        return Existing(version=version, code_sha256=facts.current.code_sha256), facts.current, same
    return target, new, None


def _failed_by_chance(facts: Facts, new: FunctionVersion) -> bool:
    """Whether the same code and settings did not become active, and not by their own fault.

    Lambda would answer a further publishing with that very version; for code that is sent again it makes a new one.
    """
    failed = (version for version in facts.newer if version.state == "Failed")
    return any(version.state_reason_code in OUTSIDE and not differences(new, version) for version in failed)


def _with_code(latest: FunctionVersion, code: Code) -> FunctionVersion:
    """`$LATEST` as it will be once it has the code: its settings stay."""
    if same_sha256(latest.code_sha256, sha256_of(code)):
        return latest
    if isinstance(code, Image):
        return replace(latest, code_sha256=sha256_of(code), code_size=0, image_uri=code.uri, code_error="")
    return replace(latest, code_sha256=sha256_of(code), code_size=code.size, code_error="")


def _plan(
    inputs: Inputs,
    facts: Facts,
    *,
    current_version: str,
    target: Target,
    new: FunctionVersion | None,
    unchanged: Reason | None = None,
    before_hook: str = "",
    after_hook: str = "",
    reverses: bool = False,
) -> Plan:
    group = facts.group
    config_name = inputs.deployment_config or (group.config_name if group else "")
    routing = facts.config.routing if facts.config else Routing(kind=RoutingType.UNKNOWN)
    sent, events = _auto_rollback(inputs, group)
    override = None
    if inputs.alarms is not None:
        override = AlarmConfiguration(enabled=bool(inputs.alarms), names=inputs.alarms)
    watching = override or (group.alarms if group else AlarmConfiguration())
    hooks = [hook for hook in (before_hook, after_hook) if hook]
    return Plan(
        function=inputs.function or "",
        alias=inputs.alias,
        application=inputs.application or "",
        group=inputs.deployment_group or "",
        current_version=current_version,
        target=target,
        config_name=config_name,
        routing=routing,
        before_hook=before_hook,
        after_hook=after_hook,
        bucket=inputs.bucket.name if inputs.bucket else "",
        prefix=inputs.bucket.prefix if inputs.bucket else "",
        auto_rollback=sent,
        rollback_events=events,
        override_alarms=override,
        alarm_names=watching.names if watching.enabled else (),
        timeout=inputs.timeout or default_timeout(routing, len(hooks)) + _provisioning(facts),
        reverses=reverses,
        creates_alias=facts.alias is None and facts.latest is not None and inputs.create_alias and not reverses,
        unchanged=unchanged,
        current=facts.current,
        new=new,
        hooks=facts.hooks,
        service_role=group.service_role_arn if group else "",
        calls=facts.calls,
    )


def _provisioning(facts: Facts) -> float:
    """Seconds more for an alias whose provisioned concurrency CodeDeploy waits for (facts.md A12)."""
    provisioned = facts.surroundings.provisioned if facts.surroundings else None
    return PROVISIONING if isinstance(provisioned, Known) and provisioned.value else 0.0


def _auto_rollback(
    inputs: Inputs, group: DeploymentGroup | None
) -> tuple[tuple[RollbackEvent, ...] | None, tuple[str, ...]]:
    """What is sent, and what holds in effect."""
    if isinstance(inputs.auto_rollback, tuple):
        return inputs.auto_rollback, tuple(map(str, inputs.auto_rollback))
    if group is not None and group.auto_rollback_enabled and group.auto_rollback_events:
        return None, group.auto_rollback_events
    return tuple(RollbackEvent), tuple(map(str, RollbackEvent))


def reverse(inputs: Inputs, facts: Facts, version: str) -> Plan:
    """A manual rollback: from what the alias serves to `version`, hooks only if asked for.

    Alarms are switched off for it only where one rings or cannot be read (that needs codedeploy:UpdateDeploymentGroup).
    """
    served = facts.alias is not None and facts.alias.serves_only(version)
    made = _plan(
        inputs,
        facts,
        current_version=facts.alias.version if facts.alias else "",
        target=Existing(version=version, code_sha256=facts.target.code_sha256 if facts.target else ""),
        new=facts.target,
        unchanged=ServedAlready(version=version) if served else None,
        before_hook=(inputs.before_allow_traffic or "") if inputs.run_hooks else "",
        after_hook=(inputs.after_allow_traffic or "") if inputs.run_hooks else "",
        reverses=True,
    )
    quiet = isinstance(facts.alarms, Known) and all(alarm.state != "ALARM" for alarm in facts.alarms.value)
    if quiet or not made.alarm_names:
        return made
    return replace(made, override_alarms=AlarmConfiguration(enabled=False))


def existing(inputs: Inputs, facts: Facts, deployment: Deployment, *, previous: str = "", target: str = "") -> Plan:
    """The plan behind a deployment that exists: for following it, whoever created it.

    `previous` and `target` are what an earlier step of ours knew. What neither it nor the target says the alias may
    show: before a deployment starts it is what will be replaced, and while it is split it is between the two versions.
    An automatic rollback may go to neither, so that its target is waited for.
    """
    seen = deployment.target_of(inputs.function or "", inputs.alias)
    alias = facts.alias
    guessed = not (deployment.status.terminal or deployment.automatic_rollback)
    if alias is not None and alias.split == (deployment.targets != ()) and guessed:
        previous = previous or alias.version
        target = target or next(iter(alias.weights), "")
    marker = parse(deployment.description)
    made = _plan(
        inputs,
        facts,
        current_version=(seen.current_version if seen else "") or previous,
        target=Existing(version=(seen.target_version if seen else "") or target),
        new=None,
        before_hook=inputs.before_allow_traffic or "",
        after_hook=inputs.after_allow_traffic or "",
        reverses=marker is not None and marker.kind == "rollback",
    )
    return replace(
        made,
        config_name=deployment.config_name or made.config_name,
        rollback_events=deployment.auto_rollback_events,
        found=True,
        # Its AppSpec may declare hooks, ours or not.
        timeout=inputs.timeout or default_timeout(made.routing, len(HOOKS)),
    )


def with_smoke(inputs: Inputs, plan: Plan, cases: tuple[Case, ...]) -> Plan:
    """The plan with its smoke cases; where no `timeout` was given, they have the time that they may take.

    What goes back to another version is not tested: there the cases would only keep a bad version in service.
    """
    if plan.reverses or not cases:
        return plan
    timeout = inputs.timeout or plan.timeout + sum(case_seconds(plan, case) for case in cases)
    return replace(plan, smoke=cases, timeout=timeout)


def case_seconds(plan: Plan, case: Case) -> float:
    """The longest that a case may take without failing: `within`, else the function's own timeout (15 min at most)."""
    own = float(plan.new.timeout_s if plan.new is not None and plan.new.timeout_s else 900)
    return min(case.within or own, own)


def bind(plan: Plan, version: FunctionVersion) -> Plan:
    """The plan, completed by the version that was published for it."""
    return replace(plan, target=Existing(version=version.version, code_sha256=version.code_sha256), new=version)


def appspec_of(plan: Plan) -> AppSpec:
    """The AppSpec of a plan that is bound to a version."""
    return AppSpec(
        function=plan.function,
        alias=plan.alias,
        current_version=plan.current_version,
        target_version=plan.target_version,
        before_hook=plan.before_hook,
        after_hook=plan.after_hook,
        logical_name=plan.appspec_logical_name or plan.function,
    )


def marker_key(command: str, plan: Plan) -> str:
    """What the same work has in common over re-runs: command, function, alias and what is deployed."""
    what = plan.target.version if isinstance(plan.target, Existing) else plan.target.fingerprint
    return key_of(command, plan.function, plan.alias, what)
