"""Whose a deployment is: decided here and nowhere else, from clues that are read one after the other. Pure.

A deployment group may hold several functions, anybody may write anything into a description, and a role or the
service may keep a target from us. So ownership has three answers, and only `Ours` may be stopped, superseded, attached
to or followed. The clues, in order: the target, its id or ARN, the revision's AppSpec, the marker's key, and a group
that has only ever held one function. A marker alone says nothing about a deployment whose target can be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeAlias

from .. import marker as markers
from ..aws import (
    Alias,
    Deployment,
    DeploymentTarget,
    Fact,
    FunctionVersion,
    Known,
    LambdaName,
    NotPermitted,
    Unavailable,
)
from ..change import replace
from ..given.files.appspec import AppSpec
from ..lazy import dataclass
from .comparing import fingerprint


class Clue(StrEnum):
    """What is to be read next."""

    TARGETS = "targets"
    REVISION = "revision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What "ours" means: a function and alias in an account and region (empty: not compared).

    `keys` are those of markers that this function's own work can have; `group_is_ours`: every other deployment of the
    group whose function is known is of this place, and there is one.
    """

    function: str
    alias: str
    region: str = ""
    account: str = ""
    keys: frozenset[str] = frozenset()
    group_is_ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """What was read about one deployment; None: not read yet."""

    targets: Fact[tuple[DeploymentTarget, ...]] | None = None
    revision: Fact[AppSpec] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """Its target is of the place. The target's versions are empty where no clue names them."""

    deployment: Deployment
    target: DeploymentTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """It is of another function or alias."""

    deployment: Deployment
    function: str
    alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """No clue says whose it is. `starting`: it has no target yet, which lasts a second or two."""

    deployment: Deployment
    why: str
    starting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    clue: Clue


Owner: TypeAlias = Ours | Others | Unknown


def judge(deployment: Deployment, place: Place, clues: Clues) -> Owner | Need:
    """Whose the deployment is, or the clue that has to be read before that can be said.

    The deployment in the answer carries a target that names its function and alias, wherever a clue does.
    """
    if clues.targets is None and not deployment.targets:
        return Need(clue=Clue.TARGETS)
    targets = deployment.targets or (clues.targets.value if isinstance(clues.targets, Known) else ())
    named = tuple(_named(target) for target in targets)
    for target in named:
        if _is_of(target, place):
            return Ours(deployment=replace(deployment, targets=named), target=target)
    for target in named:
        if target.function and (target.alias or _bare(target.function) != place.function):
            return _others(replace(deployment, targets=named), target)
    if clues.revision is None and deployment.revision is not None:
        return Need(clue=Clue.REVISION)
    if isinstance(clues.revision, Known) and clues.revision.value.function:
        return _by_revision(deployment, named, clues.revision.value, place)
    marker = markers.parse(deployment.description)
    if (marker is not None and marker.key in place.keys) or place.group_is_ours:
        return _ours(deployment, named, place)
    starting = isinstance(clues.targets, Known) and not targets and not deployment.status.terminal
    if isinstance(clues.targets, Known):
        deployment = replace(deployment, targets=named)
    return Unknown(deployment=deployment, why=_why(clues), starting=starting)


def settled(deployment: Deployment, place: Place) -> Owner:
    """The same from what the deployment carries: for one that was judged when it was read."""
    unread = Unavailable("read before")
    clues = Clues(targets=unread if deployment.targets is None else Known(deployment.targets), revision=unread)
    found = judge(deployment, place, clues)
    assert not isinstance(found, Need), "every clue is given"
    return found


def whose(deployment: Deployment, function: str, alias: str) -> Owner:
    return settled(deployment, Place(function=function, alias=alias))


def ours(deployments: Iterable[Deployment], function: str, alias: str) -> tuple[Ours, ...]:
    """Those of a function and alias, in the same order."""
    judged = (whose(deployment, function, alias) for deployment in deployments)
    return tuple(found for found in judged if isinstance(found, Ours))


def group_is_ours(judged: Iterable[Owner]) -> bool:
    """Whether the group has only ever held one function, as far as is known of its deployments."""
    found = tuple(judged)
    return any(isinstance(one, Ours) for one in found) and not any(isinstance(one, Others) for one in found)


def followed(deployment: Deployment, of: DeploymentTarget) -> Deployment:
    """A look at a deployment that is ours by its id; what CodeDeploy leaves out of its one target is filled in.

    The function's data may be missing while the first hook runs, or always (facts.md G19).
    """
    if not deployment.targets or len(deployment.targets) != 1:
        return deployment
    target = _named(deployment.targets[0])
    if not target.function:
        target = replace(target, function=of.function, alias=of.alias)
    if not target.target_version:
        target = replace(target, current_version=of.current_version, target_version=of.target_version)
    return replace(deployment, targets=(target,))


def keys(function: str, alias: Alias | None, name: str, versions: Iterable[FunctionVersion | None]) -> frozenset[str]:
    """The keys of markers that this function's own deployments can have: by version, and by what was published."""
    numbers = set[str]() if alias is None else {alias.version, *alias.weights}
    newest = max((int(number) for number in numbers if number.isdigit()), default=0)
    what = {str(number) for number in range(1, newest + 1)} | numbers
    what |= {fingerprint(version) for version in versions if version is not None}
    return frozenset(markers.key_of(command, function, name, one) for command in ("deploy", "rollback") for one in what)


_BARE = DeploymentTarget(target_id="", function="", alias="", current_version="", target_version="")


def is_of_function(target: DeploymentTarget, function: str) -> bool:
    """Whether a target is of a function, of whatever alias."""
    return _bare(target.function) == function


def _bare(function: str) -> str:
    named = LambdaName.parse(function)
    return named.name if named else function


def _named(target: DeploymentTarget) -> DeploymentTarget:
    """The target with its function and alias, from its ARN or id where its function's data are missing.

    An id without an alias may be anything: its form is not documented (facts.md A4).
    """
    for text in (target.function, target.target_arn, target.target_id):
        found = LambdaName.parse(text)
        if found is not None and (text == target.function or found.qualifier):
            function = target.function or (text.removesuffix(f":{found.qualifier}") if found.qualifier else text)
            return replace(target, function=function, alias=target.alias or found.qualifier)
    return target


def _is_of(target: DeploymentTarget, place: Place) -> bool:
    found = LambdaName.parse(target.function) if target.function else None
    if found is None or found.name != place.function:
        return False
    elsewhere = (found.region and place.region and found.region != place.region) or (
        found.account and place.account and found.account != place.account
    )
    return not elsewhere and target.alias == place.alias


def _others(deployment: Deployment, target: DeploymentTarget) -> Others:
    return Others(deployment=deployment, function=_bare(target.function), alias=target.alias)


def by_appspec(deployment: Deployment, seen: DeploymentTarget, said: AppSpec) -> DeploymentTarget:
    """A target with what the AppSpec says, where CodeDeploy leaves its data out (facts.md G19).

    An automatic rollback has the revision of what it goes back to; its versions are not those of the AppSpec.
    """
    versions = not deployment.automatic_rollback
    return replace(
        seen,
        function=said.function,
        alias=said.alias,
        current_version=seen.current_version or (said.current_version if versions else ""),
        target_version=seen.target_version or (said.target_version if versions else ""),
    )


def _by_revision(deployment: Deployment, seen: tuple[DeploymentTarget, ...], said: AppSpec, place: Place) -> Owner:
    target = _named(by_appspec(deployment, seen[0] if len(seen) == 1 else _BARE, said))
    found = replace(deployment, targets=(target,))
    return Ours(deployment=found, target=target) if _is_of(target, place) else _others(found, target)


def _ours(deployment: Deployment, seen: tuple[DeploymentTarget, ...], place: Place) -> Ours:
    base = seen[0] if len(seen) == 1 else _BARE
    target = replace(base, function=place.function, alias=place.alias)
    return Ours(deployment=replace(deployment, targets=(target,)), target=target)


def _why(clues: Clues) -> str:
    for clue in (clues.targets, clues.revision):
        if isinstance(clue, NotPermitted) and clue.action:
            return f"not permitted: {clue.action}"
    return "CodeDeploy names no function for it"
