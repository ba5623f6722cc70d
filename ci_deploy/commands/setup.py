"""`setup`: application, deployment config, deployment group and alias: what is missing is created, drift is shown.

Without `apply` nothing is written and the outcome is `reported`, or `unchanged` where nothing is missing. With it the
outcome is `succeeded`, or `unchanged`. A group that differs from the inputs is changed only with `update-group`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..core.aws import Identity
from ..core.errors import AwsError
from ..core.plan import setup
from ..core.plan.setup import Found, Item, SetupPlan, Status
from ..core.reasons import setup as reasons
from ..core.reasons import upkeep
from ..core.reasons.reason import Reason
from ..core.result import Result
from ..core.run import Outcome
from ..core.story import events as e
from ..core.story.events import Concluded
from ..perform.facts import identify, listed, or_none
from ..ports import Ports
from ..signals import Interrupted
from .call import Call, ended, for_each
from .writing import write

_DOES = {
    Status.THERE: "is there",
    Status.CREATE: "{} be created",
    Status.UPDATE: "{} be changed",
    Status.DRIFT: "differs, and stays so",
    Status.LATER: "does not exist yet",
}


def run(call: Call) -> Concluded:
    return for_each(call, _run)


def _run(call: Call) -> Result:
    inputs = call.inputs
    ports = call.ports()
    with call.reading():
        identity = identify(inputs, ports)
    call.report(e.Identified(at=call.now(), identity=identity))
    with call.reading():
        found = _read(call, ports, identity=identity)
    made = setup.plan(inputs, found)
    would = "will" if inputs.apply and not made.refusals else "would"
    call.report(
        e.Listed(
            at=call.now(),
            title="Setup",
            columns=("What", "Name", "", "Detail"),
            rows=tuple((item.what, item.name, _DOES[item.status].format(would), item.detail) for item in made.items),
        )
    )
    for finding in made.findings:
        call.report(e.Noticed(at=call.now(), finding=finding))
    report: dict[str, object] = {"setup": [_json(item) for item in made.items]}
    if made.refusals:
        return ended(call, Outcome.REFUSED, *(finding.reason for finding in made.refusals), report=report)
    if not made.pending:
        return ended(call, Outcome.UNCHANGED, reasons.NothingMissing(), report=report)
    if not inputs.apply:
        would_do = reasons.ToSetUp(created=_named(made, Status.CREATE), changed=_named(made, Status.UPDATE))
        return ended(call, Outcome.REPORTED, would_do, report=report)
    return _apply(call, ports, made, report)


def _apply(call: Call, ports: Ports, made: SetupPlan, report: dict[str, object]) -> Result:
    done: list[str] = []
    try:
        for item in made.pending:
            what = f"{item.what} {item.name} {'changed' if item.status is Status.UPDATE else 'created'}"
            attempt, happened = _write_of(call, ports, made, item)
            write(call, what, attempt, happened=happened)
            done.append(what)
    except Interrupted as interrupted:
        why = upkeep.CancelledWriting(unanswered=interrupted.unanswered)
        return _broken_off(call, Outcome.CANCELLED, why, report, done)
    except AwsError as error:
        return _broken_off(call, Outcome.ERROR, error.reason, report, done)
    all_done = reasons.SetUp(done=tuple(done), ended_early=False)
    return ended(call, Outcome.SUCCEEDED, all_done, report={**report, "done": done})


def _broken_off(call: Call, outcome: Outcome, why: Reason, report: Mapping[str, object], done: list[str]) -> Result:
    told: list[Reason] = [why]
    if done:
        told.append(reasons.SetUp(done=tuple(done), ended_early=True))
    elif not (isinstance(why, upkeep.CancelledWriting) and why.unanswered):
        told.append(reasons.NothingSetUp())
    return ended(call, outcome, *told, report={**report, "done": done})


def _named(made: SetupPlan, status: Status) -> tuple[str, ...]:
    return tuple(f"{item.what} `{item.name}`" for item in made.pending if item.status is status)


def _write_of(call: Call, ports: Ports, made: SetupPlan, item: Item) -> tuple[Callable[[], object], Callable[[], bool]]:
    """What carries an item out, and what tells whether it was."""
    inputs = call.inputs
    application, group = inputs.application or "", inputs.deployment_group or ""
    custom = made.custom
    if item.what == "application":
        return (
            lambda: ports.setup.create_application(application),
            lambda: ports.setup.application(application) is not None,
        )
    if item.what == "deployment config" and custom is not None:
        return (
            lambda: ports.setup.create_config(item.name, custom),
            lambda: or_none(lambda: ports.codedeploy.config(item.name)) is not None,
        )
    if item.what == "alias":
        function, version = inputs.function or "", item.detail.removeprefix("version ")
        return (
            lambda: ports.lambda_.create_alias(function, inputs.alias, version),
            lambda: ports.lambda_.alias(function, inputs.alias) is not None,
        )
    if item.status is Status.UPDATE:
        # The same settings once more are the same settings: an update whose answer was lost may simply be repeated.
        return lambda: ports.setup.update_group(application, group, made.settings), lambda: False
    return (
        lambda: ports.setup.create_group(application, group, made.settings),
        lambda: or_none(lambda: ports.codedeploy.group(application, group)) is not None,
    )


def _read(call: Call, ports: Ports, identity: Identity) -> Found:
    inputs = call.inputs
    function, application, group = inputs.function or "", inputs.application or "", inputs.deployment_group or ""
    platform = ports.setup.application(application)
    name = inputs.deployment_config or ""
    latest = ports.lambda_.version(function, "$LATEST") if function else None
    alias = ports.lambda_.alias(function, inputs.alias) if latest else None
    newest = ""
    if latest is not None and alias is None and inputs.create_alias:
        numbers = [int(version.version) for version in ports.versions.versions(function)]
        newest = str(max(numbers)) if numbers else ""
    return Found(
        identity=identity,
        application=platform,
        config=or_none(lambda: ports.codedeploy.config(name)) if name else None,
        group=or_none(lambda: ports.codedeploy.group(application, group)) if platform else None,
        function_exists=latest is not None or not function,
        alias=alias,
        newest_version=newest,
        application_named=call.entries[0].name != "" or "application" in call.entries[0].given,
        applications=listed(ports.setup.applications) if platform is None else (),
    )


def _json(item: Item) -> dict[str, object]:
    return {
        "what": item.what,
        "name": item.name,
        "status": str(item.status),
        "detail": item.detail,
        "differences": [{"setting": each.setting, "now": each.now, "wanted": each.wanted} for each in item.differences],
    }
