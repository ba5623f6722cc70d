"""Reads why a deployment failed: its failed event, the alarms, the log lines of its hook or of the new version."""

from __future__ import annotations

from ..core.aws import Alarm, Fact, Known, LogLines, Unavailable
from ..core.machine.actions import Diagnose
from ..core.result import Diagnosis
from ..core.story import diagnosis
from ..ports import Ports
from .facts import fact

LOG_LINES = 20
HIDDEN = "quoted only where the repository is known to be private (`hook-logs: on` shows them)"


def diagnose(action: Diagnose, ports: Ports) -> Diagnosis:
    plan, deployment = action.plan, action.deployment
    event = diagnosis.failed_event(deployment, plan)
    hook = diagnosis.hook_of(event, plan)
    alarms: Fact[tuple[Alarm, ...]] = Known(())
    if plan.alarm_names and deployment.status.terminal:
        alarms = fact(lambda: ports.evidence.alarms(plan.alarm_names))
    logs: Fact[tuple[LogLines, ...]] = Known(())
    errors: Fact[tuple[LogLines, ...]] = Known(())
    by_its_calls = action.why is not None or deployment.error_code == "ALARM_ACTIVE"
    if by_its_calls and plan.target_version:
        began = deployment.shifting_since(plan.function, plan.alias)
        since = deployment.start_time or deployment.create_time if began is None else began
        if action.logs:
            version = plan.target_version
            errors = fact(lambda: (ports.evidence.error_lines(plan.function, version, since, LOG_LINES),))
        else:
            errors = Unavailable(HIDDEN)
    if hook and event is not None and event.start is not None:
        start, end = event.start, event.end
        if action.logs:
            logs = fact(lambda: (ports.evidence.log_lines(hook, start, end, LOG_LINES),))
        else:
            logs = Unavailable(HIDDEN)
    return diagnosis.diagnose(
        deployment,
        plan,
        alarms=alarms,
        logs=logs,
        errors=errors,
        service_role=plan.service_role,
        region=action.region,
        why=action.why,
    )
