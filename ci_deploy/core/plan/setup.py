"""What `setup` creates and changes: the inputs against what exists, as a list of items. Pure.

What exists is changed only where `update-group` says so, and only the deployment group; a deployment config cannot be
changed at all. Inputs that are not given are neither compared nor changed. Sources: facts.md A9, A10; CodeDeploy's
CreateDeploymentGroup and UpdateDeploymentGroup.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from ..aws import Alias, DeploymentConfig, DeploymentGroup, Identity, RollbackEvent, Routing
from ..given import shifts
from ..given.inputs import Inputs
from ..given.meant import names
from ..lazy import dataclass
from ..reasons import setup as reasons
from ..reasons.preflight import deployment as preflight
from ..reasons.reason import Reason
from ..result import Finding, Severity


class Status(StrEnum):
    THERE = "there"
    CREATE = "create"
    UPDATE = "update"
    DRIFT = "differs"  # and stays so, without `update-group`
    LATER = "later"  # nothing to make it of yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A setting of the group, as it is and as the inputs want it."""

    setting: str
    now: str
    wanted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that a deployment needs: what is to be done about it."""

    what: str  # application, deployment config, deployment group, alias
    name: str
    status: Status
    detail: str = ""
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSettings:
    """What a group is given; None is not sent, so that what is there stays."""

    config_name: str | None = None
    service_role_arn: str | None = None
    rollback_events: tuple[RollbackEvent, ...] | None = None  # () switches it off
    alarms: tuple[str, ...] | None = None
    triggers: tuple[str, ...] | None = None  # SNS topics


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was read. `application` is its compute platform."""

    identity: Identity
    application: str | None = None
    config: DeploymentConfig | None = None  # the one that the group is to have, where the inputs name one
    group: DeploymentGroup | None = None
    function_exists: bool = True
    alias: Alias | None = None
    newest_version: str = ""
    application_named: bool = True  # by an input or the repository's file; False: it is the function's name
    applications: tuple[str, ...] = ()  # for Lambda, in this account, where the application does not exist


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupPlan:
    items: tuple[Item, ...]
    settings: GroupSettings  # for the group's creation, or its update
    custom: Routing | None
    findings: tuple[Finding, ...] = ()

    @property
    def refusals(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.REFUSAL)

    @property
    def pending(self) -> tuple[Item, ...]:
        """What `apply` does, in the order in which it is possible."""
        return tuple(item for item in self.items if item.status in (Status.CREATE, Status.UPDATE))


def plan(inputs: Inputs, found: Found) -> SetupPlan:
    """What is to be done, and why not if it cannot be."""
    settings, differences = _group(inputs, found)
    custom = _custom(inputs)
    items = (
        _application(inputs, found),
        *_config(inputs, found),
        _group_item(inputs, found, settings, differences),
        *_alias(inputs, found),
    )
    findings = tuple(_findings(inputs, found, items, custom))
    return SetupPlan(items=items, settings=settings, custom=custom, findings=findings)


def _application(inputs: Inputs, found: Found) -> Item:
    status = Status.CREATE if found.application is None else Status.THERE
    return Item(what="application", name=inputs.application or "", status=status, detail="compute platform Lambda")


def _custom(inputs: Inputs) -> Routing | None:
    """The shape of a deployment config that is ours to make, as its name says it."""
    name = inputs.deployment_config or ""
    return shifts.routing_of(name) if name.startswith(shifts.OWN) else None


def _config(inputs: Inputs, found: Found) -> Iterator[Item]:
    name, custom = inputs.deployment_config or "", _custom(inputs)
    if found.config is not None or custom:
        status = Status.CREATE if found.config is None else Status.THERE
        detail = shifts.words_of(custom) if custom else ""
        yield Item(what="deployment config", name=name, status=status, detail=detail)


def _wanted(inputs: Inputs) -> GroupSettings:
    """What the inputs say of the group; None where they say nothing."""
    return GroupSettings(
        config_name=inputs.deployment_config,
        service_role_arn=inputs.service_role_arn,
        rollback_events=inputs.auto_rollback if isinstance(inputs.auto_rollback, tuple) else None,
        alarms=inputs.alarms,
        triggers=inputs.triggers or None,
    )


def _group(inputs: Inputs, found: Found) -> tuple[GroupSettings, tuple[Difference, ...]]:
    wanted, group = _wanted(inputs), found.group
    if group is None:
        events = wanted.rollback_events
        return GroupSettings(
            config_name=wanted.config_name,
            service_role_arn=wanted.service_role_arn,
            rollback_events=tuple(RollbackEvent) if events is None else events,
            alarms=wanted.alarms,
            triggers=wanted.triggers,
        ), ()
    events_now = tuple(sorted(group.auto_rollback_events)) if group.auto_rollback_enabled else ()
    alarms_now = tuple(sorted(group.alarms.names)) if group.alarms.enabled else ()
    rows = (
        ("deployment config", group.config_name, wanted.config_name),
        ("service role", group.service_role_arn, wanted.service_role_arn),
        ("auto-rollback", _words(events_now), _sorted_words(wanted.rollback_events)),
        ("alarms", _words(alarms_now), _sorted_words(wanted.alarms)),
        ("triggers", _words(tuple(sorted(group.triggers))), _sorted_words(wanted.triggers)),
    )
    differences = tuple(
        Difference(setting=name, now=now, wanted=want) for name, now, want in rows if want is not None and want != now
    )
    changed = {difference.setting for difference in differences}
    return GroupSettings(
        config_name=wanted.config_name if "deployment config" in changed else None,
        service_role_arn=wanted.service_role_arn if "service role" in changed else None,
        rollback_events=wanted.rollback_events if "auto-rollback" in changed else None,
        alarms=wanted.alarms if "alarms" in changed else None,
        triggers=wanted.triggers if "triggers" in changed else None,
    ), differences


def _words(values: tuple[str, ...]) -> str:
    return ", ".join(map(str, values)) or "none"


def _sorted_words(values: tuple[str, ...] | None) -> str | None:
    return None if values is None else _words(tuple(sorted(map(str, values))))


def _group_item(inputs: Inputs, found: Found, settings: GroupSettings, differences: tuple[Difference, ...]) -> Item:
    if found.group is None:
        status = Status.CREATE
        parts = [
            settings.config_name or "AWS's default deployment config",
            f"auto-rollback on {_words(settings.rollback_events or ())}",
            f"alarms {_words(settings.alarms)}" if settings.alarms else "",
            f"triggers {_words(settings.triggers)}" if settings.triggers else "",
        ]
        detail = "; ".join(part for part in parts if part)
    else:
        status = Status.THERE
        if differences:
            status = Status.UPDATE if inputs.update_group else Status.DRIFT
        detail = "; ".join(f"{each.setting}: {each.now} → {each.wanted}" for each in differences)
    name = f"{inputs.application}/{inputs.deployment_group}"
    return Item(what="deployment group", name=name, status=status, detail=detail, differences=differences)


def _alias(inputs: Inputs, found: Found) -> Iterator[Item]:
    if not inputs.function or not found.function_exists:
        return
    name = f"{inputs.function}:{inputs.alias}"
    if found.alias is not None:
        yield Item(what="alias", name=name, status=Status.THERE, detail=f"version {found.alias.version}")
    elif found.newest_version and inputs.create_alias:
        yield Item(what="alias", name=name, status=Status.CREATE, detail=f"version {found.newest_version}")
    else:
        detail = "with `create-alias: true` the first `deploy` creates it on the version that it publishes"
        yield Item(what="alias", name=name, status=Status.LATER, detail=detail)


def _findings(inputs: Inputs, found: Found, items: tuple[Item, ...], custom: Routing | None) -> Iterator[Finding]:
    for refused in _refusals(inputs, found, custom):
        yield Finding(severity=Severity.REFUSAL, reason=refused)
    for item in items:
        if item.status is Status.DRIFT:
            differences = tuple((each.setting, each.now, each.wanted) for each in item.differences)
            drift = reasons.GroupDiffers(group=item.name, differences=differences)
            yield Finding(severity=Severity.WARNING, reason=drift)


def _refusals(inputs: Inputs, found: Found, custom: Routing | None) -> Iterator[Reason]:
    application = inputs.application or ""
    platforms = (
        ("application", application, found.application),
        (
            "deployment group",
            f"{application}/{inputs.deployment_group}",
            found.group.compute_platform if found.group else None,
        ),
    )
    for what, called, platform in platforms:
        if platform is not None and platform != "Lambda":
            yield reasons.OtherPlatform(what=what, name=called, platform=platform)
            break
    if found.application is None and not found.application_named:
        yield reasons.ApplicationUnnamed(application=application, others=names(found.applications))
    name = inputs.deployment_config or ""
    if found.config is not None and found.config.compute_platform != "Lambda":
        yield preflight.ConfigPlatform(config=name, platform=found.config.compute_platform)
    elif custom is not None and found.config is not None and found.config.routing != custom:
        yield preflight.ConfigOther(config=name, shape=shifts.words_of(found.config.routing))
    elif name and found.config is None and custom is None:
        yield preflight.ConfigMissing(config=name, ours=False, in_setup=True)
    if found.group is None and not inputs.service_role_arn:
        yield reasons.ServiceRoleMissing()
    if not found.function_exists:
        place = found.identity
        yield preflight.FunctionMissing(
            function=inputs.function or "", account=place.account, region=place.region, needed=False
        )
