"""Which deployments a run that watches means: by function and alias, or by a stack's groups and aliases. Pure."""

from __future__ import annotations

from dataclasses import replace

from ..aws import Deployment, LambdaName
from ..given.files.appspec import AppSpec
from ..lazy import dataclass
from ..stacks import Stack
from .whose import by_appspec

BY_CLOUDFORMATION = "CloudFormationRollback"  # a creator (facts.md A4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A function and alias. `application` and `group` are empty where nobody named them."""

    function: str
    alias: str
    application: str = ""
    group: str = ""


def spot_of(deployment: Deployment) -> Spot | None:
    """Where a deployment shifts traffic; None where its target does not say, or is not there yet."""
    for target in deployment.targets or ():
        for text in (target.function, target.target_arn, target.target_id):
            named = LambdaName.parse(text)
            alias = target.alias or (named.qualifier if named else "")
            if named is not None and alias:
                return Spot(
                    function=named.name, alias=alias, application=deployment.application, group=deployment.group
                )
    return None


def with_revision(deployment: Deployment, said: AppSpec) -> Deployment:
    """The deployment with what its AppSpec says, where CodeDeploy leaves a target's data out (facts.md G19)."""
    if not deployment.targets or len(deployment.targets) != 1 or not (said.function and said.alias):
        return deployment
    return replace(deployment, targets=(by_appspec(deployment, deployment.targets[0], said),))


def means(spots: tuple[Spot, ...], stack: Stack | None, deployment: Deployment) -> Spot | None:
    """The function and alias of a deployment that is meant; None for all others, and for what cannot be told yet."""
    spot = spot_of(deployment)
    if spot is None:
        return None
    if any(_is_at(spot, wanted) for wanted in spots) or (stack is not None and _is_of(stack, spot)):
        return spot
    return None


def _is_at(spot: Spot, wanted: Spot) -> bool:
    here = (spot.function, spot.alias) == (wanted.function, wanted.alias)
    return here and wanted.application in ("", spot.application) and wanted.group in ("", spot.group)


def _is_of(stack: Stack, spot: Spot) -> bool:
    """By its group, whose application may be another stack's, or by its alias."""
    in_group = spot.group in stack.groups and (not stack.applications or spot.application in stack.applications)
    return in_group or (spot.function, spot.alias) in stack.aliases


def rolled_back_to(stack: Stack | None, deployment: Deployment) -> bool:
    """Whether CloudFormation made it to take an update back."""
    if deployment.creator == BY_CLOUDFORMATION:
        return True
    since = stack.rolls_back_since if stack else None
    return since is not None and deployment.create_time >= since
