"""`prune`: old versions that nothing serves, names or could need for a rollback. Lists them; deletes with `apply`.

Without `apply` the outcome is `reported`, or `unchanged` where there is nothing to delete. With it: `succeeded`, or
`failed` where a version could not be deleted for another reason than being in use.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ..core.aws import Deployment, FunctionVersion
from ..core.errors import AwsError, ErrorKind, Refused
from ..core.plan import pruning
from ..core.plan.pruning import PrunePlan, Row, Uses
from ..core.plan.whose import Place
from ..core.reasons.reason import Said
from ..core.result import Finding, Result, Severity
from ..core.run import Outcome
from ..core.story import events as e
from ..core.story.events import Concluded
from ..perform.facts import identify, or_none
from ..perform.owners import Owners
from ..ports import Ports
from .call import Call, ended, for_each
from .writing import Cancelled, write

HISTORY = 50  # deployments of the group that are read


def run(call: Call) -> Concluded:
    return for_each(call, _run)


def _run(call: Call) -> Result:
    inputs = call.inputs
    ports = call.ports()
    call.report(e.Identified(at=call.now(), identity=identify(inputs, ports)))
    function = inputs.function or ""
    if ports.lambda_.version(function, "$LATEST") is None:
        raise Refused(f"Function `{function}` does not exist.", "Check `function`, `aws-region` and the role.")
    versions = ports.versions.versions(function)
    made = _keeping_sources(call, ports, pruning.plan(inputs, versions, _uses(call, ports, function)))
    if call.cancelled(0.0):
        # What was not asked about any more may be needed: no list is better than a wrong one.
        return ended(call, Outcome.CANCELLED, reason="Cancelled while reading. Nothing was deleted.")
    _show(call, made)
    if made.unread:
        raise Refused(
            f"Which versions a rollback needs is not known: {made.unread}. Nothing was deleted.",
            "Allow the role to read it (docs/iam/prune.json), and run again.",
        )
    report: dict[str, object] = {"prune": [_json(row) for row in made.rows], "freed-bytes": made.freed}
    if not made.doomed:
        reason = f"All of the {len(made.rows)} versions are needed."
        return ended(call, Outcome.UNCHANGED, reason=reason, report=report)
    names = ", ".join(version.version for version in made.doomed)
    if not inputs.apply:
        reason = f"{len(made.doomed)} of {len(made.rows)} versions could be deleted: {names}."
        return ended(call, Outcome.REPORTED, reason=reason, remedy="`apply: true` deletes them.", report=report)
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
                looked = ports.codedeploy.look((group.last_successful_id,), frozenset({group.last_successful_id}))
                successful = next(iter(owners.judged(looked)), None)
    elif {"application", "deployment-group"} & call.entries[0].given:
        raise Refused(
            f"Deployment group `{application}/{name}` does not exist, so which versions a rollback needs is not known.",
            "Check `application` and `deployment-group`.",
        )
    else:
        text = (
            f"There is no deployment group `{application}/{name}`, so which versions its rollbacks could need is not "
        )
        text += "known: `keep` alone protects them."
        _notice(call, Severity.WARNING, "no-group", text, "Set `application` and `deployment-group`.")
    return Uses(
        aliases=aliases,
        provisioned=ports.versions.provisioned(function),
        event_sources=ports.versions.event_sources(function),
        history=history,
        history_cut=history_cut,
        successful=successful,
    )


def _keeping_sources(call: Call, ports: Ports, made: PrunePlan) -> PrunePlan:
    """Mappings are listed for the function; whether that has those of its versions is not documented, so ask."""
    named = {
        version.version
        for version in made.doomed
        if not call.cancelled(0.0) and ports.versions.event_sources(version.function, version.version)
    }
    rows = tuple(
        replace(row, kept=("an event source mapping",)) if row.version.version in named else row for row in made.rows
    )
    return replace(made, rows=rows)


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
    failures: list[str] = []

    def end(outcome: Outcome, first: str, remedy: str = "") -> Result:
        told = f"Deleted: {', '.join(deleted)}." if deleted else "Nothing was deleted."
        reason = " ".join(part for part in (first, told, *failures) if part)
        done = {**report, "freed-bytes": freed, "deleted": list(deleted)}
        return ended(call, outcome, reason=reason, remedy=remedy, report=done)

    for version in made.doomed:
        try:
            _delete(call, ports, version)
            deleted.append(version.version)
            freed += version.code_size
        except Cancelled:
            return end(Outcome.CANCELLED, "Cancelled.")
        except AwsError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                _notice(call, Severity.NOTE, "gone", f"Version {version.version} was gone already.")
            elif error.kind is ErrorKind.CONFLICT:
                text = f"Version {version.version} was kept: {error.message or error.code}"
                _notice(call, Severity.WARNING, "in-use", text, "Run again when nothing uses it any more.")
            elif error.kind is ErrorKind.REJECTED:
                failures.append(f"Version {version.version} could not be deleted: {error.what.rstrip('.')}.")
            else:
                return end(Outcome.ERROR, f"{error.what.rstrip('.')}.", error.remedy)
    left = f"{made.left} more could be deleted: run again." if made.left else ""
    return end(Outcome.FAILED if failures else Outcome.SUCCEEDED, "", left)


def _delete(call: Call, ports: Ports, version: FunctionVersion) -> None:
    write(
        call,
        f"version {version.version} deleted",
        lambda: ports.versions.delete(version.function, version.version),
        happened=lambda: ports.lambda_.version(version.function, version.version) is None,
    )


def _notice(call: Call, severity: Severity, code: str, text: str, remedy: str = "") -> None:
    call.report(
        e.Noticed(at=call.now(), finding=Finding(severity=severity, reason=Said(code=code, said=text, advice=remedy)))
    )


def _json(row: Row) -> dict[str, object]:
    return {
        "version": row.version.version,
        "code-size": row.version.code_size,
        "last-modified": row.version.last_modified,
        "kept-for": list(row.kept),
    }
