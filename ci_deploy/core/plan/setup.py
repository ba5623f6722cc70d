"""What `setup` creates and changes: the inputs against what exists, as a list of items. Pure.

What exists is changed only where `update-group` says so, and only the deployment group; a deployment config cannot be
changed at all. Inputs that are not given are neither compared nor changed. Sources: facts.md A9, A10; CodeDeploy's
CreateDeploymentGroup and UpdateDeploymentGroup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ..aws import Alias, DeploymentConfig, DeploymentGroup, Identity, RollbackEvent, Routing, RoutingType
from ..given.inputs import Inputs
from ..result import Finding, Severity

# AWS's own deployment configs, by what they do (facts.md A9): none is made that exists already.
_CANARIES = (5, 10, 15, 30)
_LINEARS = (1, 2, 3, 10)


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


def routing_of(text: str) -> Routing:
    """`canary 10% 5m` or `linear 20% every 3m`, as the input's own check let it through."""
    percentage, minutes = map(int, re.findall(r"\d+", text))
    kind = RoutingType.CANARY if text.startswith("canary") else RoutingType.LINEAR
    return Routing(kind=kind, percentage=percentage, interval_minutes=minutes)


def config_name(inputs: Inputs) -> str:
    """The deployment config that the group is to have, empty where the inputs leave that open.

    A custom one is named by what it does, as AWS names its own: the same input always leads to the same name.
    """
    if inputs.custom_config is None:
        return inputs.deployment_config or ""
    routing = routing_of(inputs.custom_config)
    minutes, share = routing.interval_minutes, f"{routing.percentage}Percent"
    unit = "Minute" if minutes == 1 else "Minutes"
    if routing.kind is RoutingType.CANARY:
        name, own = f"LambdaCanary{share}{minutes}{unit}", minutes in _CANARIES
    else:
        name, own = f"LambdaLinear{share}Every{minutes}{unit}", minutes in _LINEARS
    return ("CodeDeployDefault." if own and routing.percentage == 10 else "ci-deploy.") + name


def plan(inputs: Inputs, found: Found) -> SetupPlan:
    """What is to be done, and why not if it cannot be."""
    settings, differences = _group(inputs, found)
    custom = routing_of(inputs.custom_config) if inputs.custom_config else None
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


def _config(inputs: Inputs, found: Found) -> Iterator[Item]:
    name = config_name(inputs)
    if found.config is not None or inputs.custom_config:
        status = Status.CREATE if found.config is None else Status.THERE
        yield Item(what="deployment config", name=name, status=status, detail=inputs.custom_config or "")


def _wanted(inputs: Inputs) -> GroupSettings:
    """What the inputs say of the group; None where they say nothing."""
    return GroupSettings(
        config_name=config_name(inputs) or None,
        service_role_arn=inputs.service_role_arn,
        rollback_events=inputs.auto_rollback if isinstance(inputs.auto_rollback, tuple) else None,
        alarms=inputs.alarms or None,
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
    def refusal(code: str, text: str, remedy: str) -> Finding:
        return Finding(severity=Severity.REFUSAL, code=code, text=text, remedy=remedy)

    group = f"Deployment group `{inputs.application}/{inputs.deployment_group}`"
    platforms = {
        f"Application `{inputs.application}`": found.application,
        group: found.group and found.group.compute_platform,
    }
    for what, platform in platforms.items():
        if platform not in (None, "Lambda"):
            yield refusal(
                "application-platform",
                f"{what} is for the {platform} platform, not for Lambda.",
                "A platform cannot be changed: give another `application`.",
            )
            break
    name = config_name(inputs)
    if found.config is not None and found.config.compute_platform != "Lambda":
        yield refusal(
            "config-platform",
            f"Deployment config `{name}` is for the {found.config.compute_platform} platform, not for Lambda.",
            "Give another one; AWS's own begin with `CodeDeployDefault.Lambda`.",
        )
    elif custom is not None and found.config is not None and found.config.routing != custom:
        yield refusal(
            "config-other",
            f"Deployment config `{name}` exists and does something else than `{inputs.custom_config}`.",
            "A deployment config cannot be changed. Delete it if nothing uses it, or give another `custom-config`.",
        )
    elif inputs.deployment_config and found.config is None:
        yield refusal(
            "config-missing",
            f"Deployment config `{name}` does not exist.",
            "Give `custom-config` to have one made, or one of AWS's own (`CodeDeployDefault.Lambda…`).",
        )
    if found.group is None and not inputs.service_role_arn:
        yield refusal(
            "service-role-missing",
            "A deployment group that is created needs a service role.",
            "Give `service-role-arn`: a role that codedeploy.amazonaws.com may assume, with the managed policy "
            "AWSCodeDeployRoleForLambda (docs/iam/README.md).",
        )
    if not found.function_exists:
        yield refusal(
            "function-missing",
            f"Function `{inputs.function}` does not exist in account {found.identity.account}, region "
            f"{found.identity.region}.",
            "Create the function first, or leave `function` out: the group does not need it.",
        )
    for item in items:
        if item.status is Status.DRIFT:
            yield Finding(
                severity=Severity.WARNING,
                code="group-differs",
                text=f"Deployment group `{item.name}` differs from the inputs: {item.detail}.",
                remedy="`update-group: true` changes it; or correct the inputs.",
            )
