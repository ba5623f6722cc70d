"""Which versions `prune` may delete: those that nothing serves, invokes, names, or could need for a rollback. Pure.

In doubt a version is kept. `$LATEST` is not a version that could be deleted: deleting without a version's number would
delete the whole function (the edge asserts the number).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace

from ..aws import Alias, Deployment, DeploymentTarget, Fact, FunctionVersion, Known
from ..given.inputs import Inputs
from ..lazy import dataclass
from ..reasons.phrases import Unread
from ..reasons.upkeep import RollbacksUnread
from .history import entries, served
from .whose import is_of_function

AT_MOST = 100  # versions that one run deletes
SERVED_BEFORE = 10  # versions back in an alias's history that rollbacks may still want


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """What names versions, by version's number: the words for what uses them."""

    aliases: tuple[Alias, ...] = ()
    # Qualifiers (versions or aliases) with provisioned concurrency, an event source mapping, a configuration for
    # asynchronous invocations, a function URL.
    provisioned: Fact[tuple[str, ...]] = Known(())
    event_sources: Fact[tuple[str, ...]] = Known(())
    event_configs: Fact[tuple[str, ...]] = Known(())
    urls: Fact[tuple[str, ...]] = Known(())
    history: tuple[Deployment, ...] = ()  # of the deployment group, with owners, newest first
    history_cut: bool = False  # there are more, and the bound of reading was reached
    successful: Deployment | None = None  # the group's last successful one


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What one version has of its own, and is asked for one by one."""

    event_source: Fact[bool] = Known(value=False)
    policy: Fact[bool] = Known(value=False)
    scaling: Fact[bool] = Known(value=False)
    executions: Fact[bool] = Known(value=False)  # durable ones, running or paused


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A version, and why it stays; empty where nothing is known that needs it."""

    version: FunctionVersion
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunePlan:
    rows: tuple[Row, ...]  # newest first
    left: int = 0  # how many more could be deleted, by another run
    unread: RollbacksUnread | None = None  # what a rollback may need could not be read: nothing may be deleted
    unknown: Mapping[str, Unread] = field(default_factory=dict)  # what uses versions, and why it could not be read

    @property
    def doomed(self) -> tuple[FunctionVersion, ...]:
        """What is deleted, oldest first."""
        return tuple(row.version for row in reversed(self.rows) if not row.kept)

    @property
    def freed(self) -> int:
        """Bytes of code."""
        return sum(version.code_size for version in self.doomed)


def needs(inputs: Inputs, versions: Iterable[FunctionVersion], uses: Uses) -> dict[str, list[str]]:
    """Why versions are needed, by number (and what is named otherwise, such as `$LATEST`)."""
    found: dict[str, list[str]] = {}

    def need(version: str, why: str) -> None:
        if why not in found.setdefault(version, []):
            found[version].append(why)

    by_number = sorted((version for version in versions if version.version.isdigit()), key=lambda v: -int(v.version))
    for version in by_number[: inputs.keep]:
        need(version.version, f"one of the newest {inputs.keep}")
    primary = {alias.name: alias.version for alias in uses.aliases}
    for alias in uses.aliases:
        need(alias.version, f"alias {alias.name}")
        for weighted in alias.weights:
            need(weighted, f"alias {alias.name} (weight)")
    for what, fact in _named(uses).items():
        if isinstance(fact, Known):
            for qualifier in fact.value:
                need(primary.get(qualifier, qualifier), what)
        else:
            for version in by_number:
                need(version.version, _perhaps(what))
    for version in by_number:
        if version.replica_of:
            need(version.version, "Lambda@Edge, whose replica it is")
    function = inputs.function or ""
    names = dict.fromkeys([*primary, inputs.alias])
    for name in names:
        for number in served(entries(uses.history, function, name))[-SERVED_BEFORE:]:
            need(number, f"a rollback of {name}")
    for deployment in uses.history:
        if deployment.status.terminal:
            continue
        for target in _targets(deployment, function):
            need(target.current_version, f"deployment {deployment.id}")
            need(target.target_version, f"deployment {deployment.id}")
        if _unread(deployment, function):
            # For a moment after its creation it has none, and a rollback may be on its way to any version.
            for version in by_number:
                need(version.version, f"deployment {deployment.id}, whose versions are not known yet")
    if uses.successful is not None:
        for target in _targets(uses.successful, function):
            need(target.target_version, "the group's last successful revision")
    return found


def _named(uses: Uses) -> dict[str, Fact[tuple[str, ...]]]:
    return {
        "provisioned concurrency": uses.provisioned,
        _SOURCE: uses.event_sources,
        "an asynchronous invocation config": uses.event_configs,
        "a function URL": uses.urls,
    }


_SOURCE = "an event source mapping"


def _perhaps(what: str) -> str:
    """What may use a version: unknown is never deletable."""
    return f"{what}, perhaps"


def keeping(made: PrunePlan, own: Mapping[str, Own]) -> PrunePlan:
    """The plan with the doomed versions kept that have something of their own, or may have."""
    rows, unknown = [], dict(made.unknown)
    for row in made.rows:
        has = own.get(row.version.version)
        kept = list(row.kept)
        for what, fact in _own(has).items() if has else ():
            if not isinstance(fact, Known):
                unknown.setdefault(what, fact)
                kept.append(_perhaps(what))
            elif fact.value:
                kept.append(what)
        rows.append(replace(row, kept=tuple(kept)))
    return replace(made, rows=tuple(rows), unknown=unknown)


def _own(has: Own) -> dict[str, Fact[bool]]:
    return {
        _SOURCE: has.event_source,
        "a resource policy": has.policy,
        "a scaling config": has.scaling,
        "durable executions": has.executions,
    }


def enough(inputs: Inputs, aliases: Iterable[Alias], history: Sequence[Deployment]) -> bool:
    """Whether a group's history has been read as deep as rollbacks of every alias may go."""
    names = dict.fromkeys([*(alias.name for alias in aliases), inputs.alias])
    function = inputs.function or ""
    return all(len(served(entries(history, function, name))) >= SERVED_BEFORE for name in names)


def _targets(deployment: Deployment, function: str) -> list[DeploymentTarget]:
    """This function's, of whatever alias: a group may hold several functions."""
    return [target for target in deployment.targets or () if is_of_function(target, function)]


def _unread(deployment: Deployment, function: str) -> bool:
    """Whether it may be this function's, of versions that are not known."""
    if not any(target.function for target in deployment.targets or ()):
        return True
    return any(not target.target_version for target in _targets(deployment, function))


def _what_is_unread(inputs: Inputs, uses: Uses) -> RollbacksUnread | None:
    function = inputs.function or ""
    over = [one.id for one in uses.history if one.status.terminal and _unread(one, function)]
    shallow = uses.history_cut and len(served(entries(uses.history, function, inputs.alias))) < 2
    return RollbacksUnread(deployments=tuple(over[:3]), count=len(uses.history)) if over or shallow else None


def plan(inputs: Inputs, versions: tuple[FunctionVersion, ...], uses: Uses) -> PrunePlan:
    """Every version with what needs it; of those that nothing needs, the oldest go first."""
    needed = needs(inputs, versions, uses)
    numbered = sorted((version for version in versions if version.version.isdigit()), key=lambda v: int(v.version))
    unneeded = [version.version for version in numbered if version.version not in needed]
    later = set(unneeded[AT_MOST:])
    rows = []
    for version in reversed(numbered):
        why = list(needed.get(version.version, ()))
        if version.version in later:
            why = [f"{AT_MOST} at most are deleted by one run"]
        rows.append(Row(version=version, kept=tuple(why)))
    unknown = {what: fact for what, fact in _named(uses).items() if not isinstance(fact, Known)}
    return PrunePlan(rows=tuple(rows), left=len(later), unread=_what_is_unread(inputs, uses), unknown=unknown)
