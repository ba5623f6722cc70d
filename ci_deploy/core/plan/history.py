"""A group's history, read for one function and alias: what was served when, and what to go back to.

A group may hold several functions, so every deployment here has its target read; "previous" and "last" are never the
group's. Times are AWS's. Automatic rollbacks are told by their creator, ours by the marker's kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from .. import marker as markers
from ..aws import Alias, Deployment, DeploymentStatus
from ..given.inputs import Inputs
from ..lazy import dataclass
from ..reasons.commands import Where
from ..reasons.preflight import deciding as why
from ..reasons.reason import Reason
from ..run import Command
from .whose import Ours, ours, whose


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One row of `status`: a past or running deployment of this function and alias."""

    deployment_id: str
    status: DeploymentStatus
    created: float  # epoch seconds, AWS's
    current_version: str
    target_version: str
    kind: str  # deploy, rollback, automatic rollback, other
    rollback_of: str = ""
    run_id: int = 0
    commit: str = ""
    reason: str = ""
    ended: float | None = None


def entries(deployments: Iterable[Deployment], function: str, alias: str) -> tuple[HistoryEntry, ...]:
    """This function's deployments, newest first; those whose versions are not known are not in it."""
    found = []
    for own in ours(deployments, function, alias):
        deployment, target = own.deployment, own.target
        if not target.target_version:
            continue
        marker = markers.parse(deployment.description)
        found.append(
            HistoryEntry(
                deployment_id=deployment.id,
                status=deployment.status,
                created=deployment.create_time,
                current_version=target.current_version,
                target_version=target.target_version,
                kind=_kind(deployment, marker),
                rollback_of=deployment.rollback_of,
                run_id=marker.run_id if marker else 0,
                commit=marker.sha if marker else "",
                reason=marker.reason if marker else "",
                ended=deployment.complete_time,
            )
        )
    return tuple(sorted(found, key=lambda entry: (entry.created, entry.deployment_id), reverse=True))


def _kind(deployment: Deployment, marker: markers.Marker | None) -> str:
    if deployment.automatic_rollback:
        return "automatic rollback"
    if marker is None:
        return "other"
    return marker.kind


ROLLBACKS = ("rollback", "automatic rollback")  # kinds of entries


def served(history: Sequence[HistoryEntry]) -> tuple[str, ...]:
    """The versions that were served, as a stack: a deployment puts one on top, a rollback takes off down to its target.

    So going back twice goes further back, and never to what was just rolled back.
    """
    stack: list[str] = []
    for entry in reversed(history):
        if entry.status is not DeploymentStatus.SUCCEEDED:
            continue
        if entry.kind in ROLLBACKS:
            if entry.target_version in stack:
                del stack[stack.index(entry.target_version) + 1 :]
            else:
                stack = [entry.target_version]
            continue
        if not stack or stack[-1] != entry.current_version:
            # Where the record has a gap (an alias moved manually) what was replaced is what was served.
            stack.append(entry.current_version)
        stack.append(entry.target_version)
    return tuple(stack)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Where a rollback goes, and why; or, with `version` empty, why it goes nowhere."""

    version: str
    reason: Reason


def way_back(history: Sequence[HistoryEntry], live: str, where: Where) -> Way:
    """The version that was served before the one that is served now."""
    stack = served(history)
    if not stack:
        return Way(version="", reason=why.NothingDeployed(where=where))
    if stack[-1] != live:
        choices = _choices(history, live)
        moved = why.MovedByHand(live=live, expected=stack[-1], versions=choices, where=where)
        return Way(version="", reason=moved)
    if len(stack) < 2:
        return Way(version="", reason=why.OldestServed(live=live, where=where))
    last = next(entry for entry in history if entry.status is DeploymentStatus.SUCCEEDED)
    way = why.WayBack(version=stack[-2], live=live, deployment=last.deployment_id, kind=last.kind)
    return Way(version=stack[-2], reason=known_stay(history, way))


def known_stay(history: Sequence[HistoryEntry], way: why.WayBack) -> why.WayBack:
    """With the commit that its version was deployed from, and the latest time as the live one, where they are known."""
    moves = [entry for entry in reversed(history) if entry.status is DeploymentStatus.SUCCEEDED]
    brought = [number for number, entry in enumerate(moves) if entry.target_version == way.version]
    # A rollback's commit is that of its own workflow, not of the version that it brought back.
    commits = [moves[number].commit for number in brought if moves[number].kind not in ROLLBACKS]
    ends = [entry.ended or entry.created for entry in moves]
    if brought:
        since, left = ends[brought[-1]], brought[-1] + 1
    else:  # the record begins with what replaced it
        replaced = [number for number, entry in enumerate(moves) if entry.current_version == way.version]
        since, left = 0.0, next(iter(replaced), len(moves))
    return replace(way, commit=next(reversed(commits), ""), since=since, until=next(iter(ends[left:]), 0.0))


def _choices(history: Sequence[HistoryEntry], live: str) -> tuple[str, ...]:
    return tuple(version for version in reversed(known_versions(history)) if version != live)[:CHOICES]


def known_versions(history: Sequence[HistoryEntry]) -> tuple[str, ...]:
    """Every version that this group has served or tried for this function and alias, oldest first."""
    return tuple(
        dict.fromkeys(
            version
            for entry in reversed(history)
            for version in (entry.current_version, entry.target_version)
            if version
        )
    )


SHOWN = 20  # entries that `status` shows
TOLD = 20  # deployments read to tell what the version to go back to is: two calls each, while an incident lasts
CHOICES = 5  # versions that are named where none can be chosen


def enough(inputs: Inputs, alias: Alias | None, history: Sequence[Deployment]) -> bool:
    """Whether a group's history has been read as deep as the command needs it."""
    own = entries(history, inputs.function or "", inputs.alias)
    if inputs.command == Command.STATUS:
        return len(own) >= SHOWN
    live = alias.version if alias is not None else ""
    if inputs.version:
        to = inputs.version if inputs.version in known_versions(own) else ""
    else:
        to = live if alias is not None and alias.split else way_back(own, live, _where(inputs)).version
    if not to:
        return not inputs.version and len(served(own)) > CHOICES
    deployed = any(entry.target_version == to and entry.kind not in ROLLBACKS for entry in own)
    return deployed or len(history) >= TOLD


def goal(inputs: Inputs, history: tuple[Deployment, ...], subject: Deployment | None, alias: Alias) -> str:
    """The version that a rollback will want, so that it can be read with the other facts."""
    if inputs.version:
        return inputs.version
    if subject is not None:
        found = whose(subject, inputs.function or "", inputs.alias)
        return found.target.target_version if isinstance(found, Ours) else ""
    if alias.split:
        return alias.version
    own = entries(history, inputs.function or "", inputs.alias)
    return way_back(own, alias.version, _where(inputs)).version


def _where(inputs: Inputs) -> Where:
    return Where(function=inputs.function or "", alias=inputs.alias)
