"""`prune`: old versions that nothing serves, names or could need for a rollback. Lists them; deletes with `apply`.

Without `apply` the outcome is `reported`, or `unchanged` where there is nothing to delete. With it: `succeeded`, or
`failed` where a version could not be deleted for another reason than being in use.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..core.aws import Deployment, Fact, FunctionVersion, Known, NotPermitted
from ..core.errors import AwsError, ErrorKind, Refused
from ..core.plan import pruning
from ..core.plan.pruning import Own, PrunePlan, Row, Uses
from ..core.plan.whose import Place
from ..core.reasons import upkeep
from ..core.reasons.preflight.deployment import FunctionMissing
from ..core.reasons.reason import Reason
from ..core.result import Finding, Result, Severity
from ..core.run import Outcome
from ..core.story import events as e
from ..core.story.events import Concluded
from ..perform.facts import fact, identify, or_none
from ..perform.owners import Owners
from ..ports import Ports
from ..signals import Interrupted
from .call import Call, ended, for_each
from .writing import write

HISTORY = 50  # deployments of the group that are read


def run(call: Call) -> Concluded:
    return for_each(call, _run)


def _run(call: Call) -> Result:
    inputs = call.inputs
    ports = call.ports()
    with call.reading():
        identity = identify(inputs, ports)
    call.report(e.Identified(at=call.now(), identity=identity))
    function = inputs.function or ""
    with call.reading():  # no list is better than one of which half was not asked
        latest = ports.lambda_.version(function, "$LATEST")
        if latest is None:
            raise Refused(FunctionMissing(function=function, account=identity.account, region=identity.region))
        versions = ports.versions.versions(function)
        made = pruning.plan(inputs, versions, _uses(call, ports, function))
        made = pruning.keeping(made, _own(call, ports, latest, made))
    _show(call, made)
    for what, unread in made.unknown.items():
        _tell(call, Severity.WARNING, upkeep.UsesUnread(uses=what, fact=unread))
    if made.unread:
        raise Refused(made.unread)
    report: dict[str, object] = {"prune": [_json(row) for row in made.rows], "freed-bytes": made.freed}
    if not made.doomed:
        needed = upkeep.AllNeeded(count=len(made.rows), known=not made.unknown)
        return ended(call, Outcome.UNCHANGED, needed, report=report)
    if not inputs.apply:
        doomed = tuple(version.version for version in made.doomed)
        could = upkeep.Prunable(versions=doomed, count=len(made.rows))
        return ended(call, Outcome.REPORTED, could, report=report)
    return _apply(call, ports, made, report)


def _uses(call: Call, ports: Ports, function: str) -> Uses:
    inputs = call.inputs
    aliases = ports.versions.aliases(function)
    history: tuple[Deployment, ...] = ()
    history_cut = False
    successful = None
    application, name = inputs.application or "", inputs.deployment_group or ""
    group = or_none(lambda: ports.codedeploy.group(application, name))
    if group is not None:
        recent = ports.codedeploy.recent(application, name, HISTORY)
        owners = Owners(ports, application, Place(function=function, alias=inputs.alias))
        history, history_cut = owners.history(name, recent, partial(pruning.enough, inputs, aliases))
        if group.last_successful_id:
            successful = next((one for one in history if one.id == group.last_successful_id), None)
            if successful is None:
                looked = ports.codedeploy.deployment(group.last_successful_id)
                successful = owners.judged((looked,))[0] if looked else None
    else:
        given = bool({"application", "deployment-group"} & call.entries[0].given)
        missing = upkeep.HistoryMissing(application=application, group=name, given=given)
        if given:
            raise Refused(missing)
        _tell(call, Severity.WARNING, missing)
    return Uses(
        aliases=aliases,
        provisioned=fact(lambda: ports.versions.provisioned(function)),
        event_sources=fact(lambda: ports.versions.event_sources(function)),
        event_configs=fact(lambda: ports.versions.event_configs(function)),
        urls=fact(lambda: ports.versions.urls(function)),
        history=history,
        history_cut=history_cut,
        successful=successful,
    )


def _own(call: Call, ports: Ports, latest: FunctionVersion, made: PrunePlan) -> dict[str, Own]:
    """What each doomed version has of its own. What may not be read of one is not asked for of the others.

    Event sources are listed for the function; whether that has those of its versions is not documented, so ask.
    """
    denied: dict[str, NotPermitted] = {}

    def ask(what: str, read: Callable[[], object]) -> Fact[bool]:
        found: Fact[bool] = denied[what] if what in denied else fact(lambda: bool(read()))
        if isinstance(found, NotPermitted):
            denied[what] = found
        return found

    def of(version: FunctionVersion) -> Own:
        function, number, nothing = version.function, version.version, Known(value=False)
        managed = bool(version.capacity_provider or latest.capacity_provider)
        durable = version.durable or latest.durable
        return Own(
            event_source=ask("source", lambda: ports.versions.event_sources(function, number)),
            policy=ask("policy", lambda: ports.versions.has_policy(function, number)),
            scaling=ask("scaling", lambda: ports.versions.has_scaling(function, number)) if managed else nothing,
            executions=ask("executions", lambda: ports.versions.executions(function, number, 1))
            if durable
            else nothing,
        )

    return {version.version: of(version) for version in made.doomed}


def _show(call: Call, made: PrunePlan) -> None:
    rows = tuple(
        (
            row.version.version,
            row.version.last_modified[:10],
            f"{row.version.code_size / 1024 / 1024:.1f} MB",
            row.version.description,
            ", ".join(row.kept) or "nothing needs it: to be deleted",
        )
        for row in made.rows
    )
    columns = ("Version", "Published", "Code", "Description", "Kept for")
    call.report(e.Listed(at=call.now(), title="Versions", columns=columns, rows=rows))


def _apply(call: Call, ports: Ports, made: PrunePlan, report: dict[str, object]) -> Result:
    deleted: list[str] = []
    freed = 0
    failures: list[Reason] = []

    def end(outcome: Outcome, *first: Reason, last: tuple[Reason, ...] = ()) -> Result:
        unanswered = any(isinstance(why, upkeep.CancelledWriting) and why.unanswered for why in first)
        told: tuple[Reason, ...] = () if unanswered else (upkeep.NothingDeleted(),)
        if deleted:
            told = (upkeep.Deleted(versions=tuple(deleted)),)
        done = {**report, "freed-bytes": freed, "deleted": list(deleted)}
        return ended(call, outcome, *first, *told, *failures, *last, report=done)

    for version in made.doomed:
        try:
            _delete(call, ports, version)
            deleted.append(version.version)
            freed += version.code_size
        except Interrupted as interrupted:
            return end(Outcome.CANCELLED, upkeep.CancelledWriting(unanswered=interrupted.unanswered))
        except AwsError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                _tell(call, Severity.NOTE, upkeep.AlreadyGone(version=version.version))
            elif error.kind is ErrorKind.CONFLICT:
                _tell(call, Severity.WARNING, upkeep.InUse(version=version.version, said=error.message or error.code))
            elif error.kind is ErrorKind.REJECTED and "replicated function" in error.message.lower():
                _tell(call, Severity.NOTE, upkeep.Replicated(version=version.version))
            elif error.kind is ErrorKind.REJECTED:
                failures.append(upkeep.NotDeleted(version=version.version, problem=error.what))
            else:
                return end(Outcome.ERROR, error.reason)
    left = (upkeep.MoreToPrune(count=made.left),) if made.left else ()
    return end(Outcome.FAILED if failures else Outcome.SUCCEEDED, last=left)


def _delete(call: Call, ports: Ports, version: FunctionVersion) -> None:
    write(
        call,
        f"version {version.version} deleted",
        lambda: ports.versions.delete(version.function, version.version),
        happened=lambda: ports.lambda_.version(version.function, version.version) is None,
    )


def _tell(call: Call, severity: Severity, reason: Reason) -> None:
    call.report(e.Noticed(at=call.now(), finding=Finding(severity=severity, reason=reason)))


def _json(row: Row) -> dict[str, object]:
    return {
        "version": row.version.version,
        "code-size": row.version.code_size,
        "last-modified": row.version.last_modified,
        "kept-for": list(row.kept),
    }
