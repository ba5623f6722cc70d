"""A plan in words: what would serve, how traffic shifts, what watches it. Plain text; each sink escapes it."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.aws import FunctionVersion, NotPermitted
from ...core.guards import texts
from ...core.guards.grammar import Guard
from ...core.plan.planning import Existing, Plan
from ...core.plan.proof import foresee
from ...core.story.timeline import FunctionStory
from . import words


def next_share(chapter: FunctionStory) -> float | None:
    """The share of traffic that the deployment config's next step gives to the target."""
    if chapter.plan is None:
        return None
    share = words.share_of(chapter.shares, chapter.target_version)
    return next((step.share for step in chapter.plan.steps if step.share > share + 1e-6), None)


def shift_text(plan: Plan) -> str:
    """`10%, then 100% after 5m`, in the deployment config's own steps."""
    steps = plan.steps
    if len(steps) == 1 or plan.creates_alias:
        return "100% at once"
    if len(steps) == 2:
        first, second = steps
        rest = f"{words.percent(second.share)} after {words.duration(second.offset)}"
        return f"{words.percent(first.share)}, then {rest}"
    each = words.duration(steps[1].offset - steps[0].offset)
    return f"{words.percent(steps[0].share)} every {each}, 100% after {words.duration(plan.shift_seconds)}"


_EVENTS = {
    "DEPLOYMENT_FAILURE": "failure",
    "DEPLOYMENT_STOP_ON_ALARM": "alarm",
    "DEPLOYMENT_STOP_ON_REQUEST": "stop request",
}


def plan_rows(plan: Plan, *, openly: bool, changes: bool = True) -> Iterator[tuple[str, str]]:
    """Everything that a plan says, as name and value; `openly`: names of variables and layers too.

    `changes`: what differs between the two versions is said here, and not beside it.
    """
    yield "live version", f"{plan.current_version}{_about(plan.current)}" if plan.current_version else "none"
    if isinstance(plan.target, Existing):
        yield "back to version" if plan.reverses else "new version", f"{plan.target.version}{_about(plan.new)}"
        if plan.reverses and plan.new and plan.new.last_modified:
            yield "published", _origin(plan.new, openly=openly)
    else:
        source = "$LATEST" if plan.target.source == "latest" else plan.target.source
        yield "new version", f"to be published from {source}{_about(plan.new)}"
    if plan.unchanged:
        yield "nothing to deploy", plan.unchanged.text
        return
    for row in plan.compared:
        if changes and row.changed and row.name not in ("code", "code size", "description"):
            before, after = row.told(openly=openly)
            yield row.name, f"{before} → {after}" if before else after
    if plan.creates_alias:
        yield "alias", "created on the new version, with all traffic; CodeDeploy takes no part"
    else:
        yield from _shift_rows(plan)
    if plan.smoke:
        names = ", ".join(case.name for case in plan.smoke)
        yield "smoke cases", f"{names} (each invokes the new version; side effects are real)"
    if not plan.creates_alias:
        yield from _watch_rows(plan)
    if not plan.found:
        yield "time limit", words.duration(plan.timeout)


def _shift_rows(plan: Plan) -> Iterator[tuple[str, str]]:
    yield "deployment group", f"{plan.application} / {plan.group}"
    # Without a name there is no deployment group whose config it could be; preflight says so.
    yield "deployment config", f"{plan.config_name}: {shift_text(plan)}" if plan.config_name else "not known"
    if len(plan.steps) > 1:
        hooks = " plus hook time" if plan.before_hook or plan.after_hook else ""
        yield "expected duration", f"{words.duration(plan.shift_seconds)}{hooks}"


def _watch_rows(plan: Plan) -> Iterator[tuple[str, str]]:
    for name, hook in (("before traffic", plan.before_hook), ("after traffic", plan.after_hook)):
        if hook:
            yield name, hook
    yield "AppSpec", f"s3://{plan.bucket}/{plan.prefix}/…" if plan.bucket else "inline"
    events = ", ".join(_EVENTS.get(event, event) for event in plan.rollback_events)
    yield "automatic rollback", f"on {events}" if events else "OFF"
    if plan.override_alarms is not None and not plan.override_alarms.enabled:
        yield "alarms", "OFF for this deployment"
    else:
        yield "alarms", ", ".join(plan.alarm_names) or "none"
    if plan.bake:
        yield "bake", f"{words.duration(plan.bake)} after all traffic has moved"
    for guard in plan.guards.lines:
        if not plan.unchanged and (len(plan.steps) > 1 or plan.bake or not guard.observe):
            yield "observes" if guard.observe else "guard", _foreseen(plan, guard)


def _origin(version: FunctionVersion, *, openly: bool) -> str:
    """When it was published, and what was noted then: for versions of ours, commit and run."""
    at = f"{version.last_modified[:10]} {version.last_modified[11:16]} UTC"
    return f"{at} ({version.description})" if openly and " " in version.description else at


def _foreseen(plan: Plan, guard: Guard) -> str:
    """The guard, and what it will be able to see at the traffic of the last day."""
    if isinstance(plan.calls, NotPermitted):
        return f"`{guard.limit}`, but the metrics may not be read: needs {plan.calls.action}"
    foresight = foresee(plan, guard)
    return texts.foreseen(guard, foresight) if foresight is not None else f"`{guard.limit}`"


def _about(version: FunctionVersion | None) -> str:
    if version is None:
        return ""
    kind = version.runtime or version.package_type
    parts = [kind, f"{version.memory_mb} MB" if version.memory_mb else "", words.size(version.code_size)]
    return f" ({', '.join(part for part in parts if part)})"
