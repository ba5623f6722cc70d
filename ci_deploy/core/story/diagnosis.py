"""Why a deployment did not succeed: the reason, by CodeDeploy's code, with the evidence for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..aws import (
    Alarm,
    Deployment,
    EventStatus,
    Fact,
    Known,
    LifecycleEvent,
    LogLines,
    NotPermitted,
    RoutingType,
    Unavailable,
)
from ..plan.planning import Plan
from ..reasons.ending.codedeploy import StillRuns, ended_by
from ..reasons.phrases import duration, not_read
from ..reasons.reason import Reason
from ..result import Diagnosis


def failed_event(deployment: Deployment, plan: Plan) -> LifecycleEvent | None:
    """The lifecycle event that failed, else the one that was (or is) running."""
    target = deployment.target_of(plan.function, plan.alias)
    events = target.events if target else ()
    for status in (EventStatus.FAILED, EventStatus.IN_PROGRESS):
        for event in events:
            if event.status is status:
                return event
    return None


def hook_of(event: LifecycleEvent | None, plan: Plan) -> str:
    """The hook function behind a lifecycle event, by its name, empty if it has none."""
    return plan.hook_of(event.name).split(":")[-1] if event else ""


def diagnose(
    deployment: Deployment,
    plan: Plan,
    *,
    alarms: Fact[tuple[Alarm, ...]],
    logs: Fact[tuple[LogLines, ...]],
    errors: Fact[tuple[LogLines, ...]] = Known(()),
    service_role: str = "",
    region: str = "",
    why: Reason | None = None,
) -> Diagnosis:
    """Put what AWS says, the alarms that ring and what was logged into one explanation.

    `logs` are the hook's, `errors` the new version's own. `why`: we ended it, for this reason.
    """
    event = failed_event(deployment, plan)
    hook = hook_of(event, plan)
    code = deployment.error_code or ("HOOK_EXECUTION_FAILURE" if hook else "")
    firing = tuple(alarm for alarm in alarms.value if alarm.state == "ALARM") if isinstance(alarms, Known) else ()
    reason: Reason = StillRuns(hook=hook)
    if deployment.status.terminal:
        said = deployment.error_message or (event.diagnostics.message if event else "")
        reason = ended_by(
            code,
            {
                "function": plan.function,
                "alias": plan.alias,
                "group": plan.group,
                "role": service_role.split("/")[-1] or "of the deployment group",
                "hook": hook,
                "current": plan.current_version or "?",
                "target": plan.target_version or "?",
                "config": plan.config_name,
                "region": region or "REGION",
                "deployment": deployment.id,
                "status": deployment.status.value,
                "aws_code": deployment.error_code,
                "event": event.name if event is not None and event.status is EventStatus.FAILED else "",
                # What the alarms themselves say is more than CodeDeploy's list of their names.
                "said": "" if firing else said,
                "firing": tuple((alarm.name, _numbers(alarm) or alarm.reason) for alarm in firing),
                "when": _when(deployment, plan, firing),
                "ending": _ending(deployment, event) if hook else "",
                "seconds": _seconds(event),
            },
        )
    return Diagnosis(
        reason=reason if why is None else why,
        event=event,
        alarms=firing,
        logs=tuple(lines for each in (logs, errors) if isinstance(each, Known) for lines in each.value),
        unreadable=tuple(_unreadable({"alarms": alarms, "hook logs": logs, "errors of the new version": errors})),
    )


def _numbers(alarm: Alarm) -> str:
    if alarm.value is None or alarm.threshold is None:
        return ""
    return f"{alarm.metric or 'value'} {alarm.value:g}, threshold {alarm.threshold:g}"


def _when(deployment: Deployment, plan: Plan, firing: Sequence[Alarm]) -> str:
    """When in the shift the first alarm fired: `1m 35s into the 10% canary`. Both times are AWS's."""
    began = deployment.shifting_since(plan.function, plan.alias)
    fired = min((alarm.since for alarm in firing if alarm.since is not None), default=None)
    if began is None or fired is None:
        return ""
    if fired < began:
        return "before any traffic shifted"
    after = duration(fired - began)
    share = max((step.share for step in plan.steps if step.offset <= fired - began), default=0.0)
    if plan.routing.kind is RoutingType.CANARY and share < 100:
        return f"{after} into the {share:g}% canary"
    return f"{after} into the shift, with {share:g}% of traffic on version {plan.target_version or '?'}"


HOOK_LIMIT = 3600.0  # seconds; CodeDeploy's own (facts.md A9, G12)


def _ending(deployment: Deployment, event: LifecycleEvent | None) -> str:
    """How a hook came to no good end: the message does not say it (facts.md G11), its codes and times do."""
    if event is None or event.status is not EventStatus.FAILED:
        return ""
    if event.diagnostics.error_code == "ScriptTimedOut" or (_seconds(event) or 0.0) >= HOOK_LIMIT:
        return "silent"
    if event.diagnostics.error_code == "ScriptMissing":
        return "not-invoked"
    return "reported" if deployment.error_code == "HOOK_EXECUTION_FAILURE" else ""


def _seconds(event: LifecycleEvent | None) -> float | None:
    if event is None or event.end is None or event.start is None:
        return None
    return event.end - event.start


def _unreadable(facts: Mapping[str, Fact[tuple[Alarm, ...]] | Fact[tuple[LogLines, ...]]]) -> Iterator[str]:
    for what, fact in facts.items():
        if isinstance(fact, NotPermitted):
            yield not_read(what, f"needs {fact.action}")
        elif isinstance(fact, Unavailable) and fact.why:
            yield not_read(what, fact.why)
