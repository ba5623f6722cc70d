"""Reads what surrounds a deployment (core/surroundings.py): every reading is one that the run can do without."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..core.aws import (
    Alias,
    Deployment,
    DeploymentGroup,
    Fact,
    FunctionVersion,
    Identity,
    Known,
    NotPermitted,
    Unavailable,
)
from ..core.errors import AwsError, ErrorKind
from ..core.given.inputs import Inputs
from ..core.plan.surroundings import Bucket, Surroundings
from ..ports import Ports

T = TypeVar("T")

CALLBACK = "codedeploy:PutLifecycleEventHookExecutionStatus"


def fact(read: Callable[[], T]) -> Fact[T]:
    """A reading that the run can do without."""
    try:
        return Known(read())
    except AwsError as error:
        if error.kind is ErrorKind.DENIED:
            return NotPermitted(error.operation)
        return Unavailable(error.what.rstrip("."))  # it becomes part of a sentence


def survey(
    inputs: Inputs,
    identity: Identity,
    alias: Alias | None,
    group: DeploymentGroup | None,
    recent: tuple[Deployment, ...],
    hooks: dict[str, Fact[FunctionVersion | None]],
    ports: Ports,
) -> Surroundings:
    bucket = inputs.bucket or ""
    return Surroundings(
        provisioned=fact(lambda: ports.lambda_.provisioned(alias.function, alias.name)) if alias else Known(0),
        successful=_successful(group, recent, ports),
        bucket=_bucket(bucket, identity.account, ports) if bucket else None,
        callbacks=_callbacks(identity, group, hooks, ports),
    )


def _successful(group: DeploymentGroup | None, recent: tuple[Deployment, ...], ports: Ports) -> Fact[Deployment | None]:
    """The group's last successful deployment, where it is among those that were read anyway."""
    found = next((one for one in recent if group is not None and one.id == group.last_successful_id), None)
    if found is None or found.targets:
        return Known(found)
    return fact(lambda: ports.codedeploy.with_targets(found))


def _bucket(name: str, account: str, ports: Ports) -> Bucket:
    region = fact(lambda: ports.buckets.region(name, account))
    if isinstance(region, Known) and not region.value:
        return Bucket(region=region)
    return Bucket(
        region=region,
        key=fact(lambda: ports.buckets.key(name, account)),
        rules=fact(lambda: ports.buckets.rules(name, account)),
    )


def _callbacks(
    identity: Identity,
    group: DeploymentGroup | None,
    hooks: dict[str, Fact[FunctionVersion | None]],
    ports: Ports,
) -> dict[str, Fact[bool]]:
    """By hook: whether its role may report to CodeDeploy, without which a hook hangs for an hour."""
    found: dict[str, Fact[bool]] = {}
    for name, hook in hooks.items():
        role = hook.value.role if isinstance(hook, Known) and hook.value else ""
        if role and group is not None:
            where = f"{identity.region}:{identity.account}:deploymentgroup:{group.application}/{group.name}"
            found[name] = _allowed(ports, role, f"arn:{identity.partition}:codedeploy:{where}")
    return found


def _allowed(ports: Ports, role: str, resource: str) -> Fact[bool]:
    return fact(lambda: ports.policies.allows(role, CALLBACK, resource))
