"""Why a deployment did not succeed, in words that name the resource, with what to do about it.

`REMEDIES` is the table by CodeDeploy's ErrorCode (facts.md A4, A5); docs/troubleshooting.md is generated from it.
Keyed on codes, not on texts: AWS changes its texts, and some are not known (facts.md E).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..aws import Alarm, Deployment, EventStatus, Fact, Known, LifecycleEvent, LogLines, NotPermitted, Unavailable
from ..plan.planning import Plan
from ..reasons.reason import Reason
from ..result import Diagnosis


@dataclass(frozen=True, slots=True)
class Remedy:
    """`means` and `remedy` may name {function}, {alias}, {group}, {role}, {hook}, {current}, {target}, {config} and
    {region}."""

    means: str
    remedy: str


REMEDIES: Mapping[str, Remedy] = {
    "ALARM_ACTIVE": Remedy(
        "A CloudWatch alarm of deployment group {group} went into ALARM, so CodeDeploy stopped the deployment",
        "Look at what the alarm measures for version {target} of {function}. To deploy a fix while it rings, use "
        "`alarms: off`.",
    ),
    "HOOK_EXECUTION_FAILURE": Remedy(
        "Hook {hook} said that the version is not good, or could not be run",
        "Read the hook's log (/aws/lambda/{hook}). It must call codedeploy:PutLifecycleEventHookExecutionStatus with "
        "`Succeeded` for the deployment to go on.",
    ),
    "INVALID_LAMBDA_CONFIGURATION": Remedy(
        "CodeDeploy could not shift alias {alias} of {function} from version {current} to {target}: the alias served "
        "another version, was split already, or both versions are the same",
        "Look at the alias (`aws lambda get-alias --function-name {function} --name {alias} --region {region}`); "
        "something else, such as Terraform, SAM or a person, moved it while the deployment began. Then deploy again.",
    ),
    "INVALID_LAMBDA_FUNCTION": Remedy(
        "Function {function} or one of its versions {current} and {target} is not usable",
        "Check that both versions exist and are Active: `aws lambda get-function --function-name {function} "
        "--qualifier {target} --region {region}`.",
    ),
    "INVALID_REVISION": Remedy(
        "CodeDeploy could not use the AppSpec",
        "Look at the AppSpec in the job summary; keep it where it was uploaded until the deployment is over.",
    ),
    "REVISION_MISSING": Remedy(
        "CodeDeploy did not find the AppSpec in S3",
        "Do not delete it while the deployment runs; check lifecycle rules of the bucket, and that role {role} may "
        "s3:GetObject and s3:GetObjectVersion on it.",
    ),
    "IAM_ROLE_PERMISSIONS": Remedy(
        "CodeDeploy's service role {role} may not do what the deployment needs",
        "Most often a hook is not named `CodeDeployHook_…`, which is all that the managed policy "
        "AWSCodeDeployRoleForLambda lets CodeDeploy invoke. Rename it, or allow lambda:InvokeFunction on it to {role}.",
    ),
    "IAM_ROLE_MISSING": Remedy(
        "Deployment group {group} has no service role, or it was deleted",
        "Create the role with the policy AWSCodeDeployRoleForLambda and set it on the group.",
    ),
    "THROTTLED": Remedy(
        "Lambda throttled CodeDeploy's own requests (15 a second for all of an account and region)",
        "Deploy fewer functions at the same time (`max-parallel`), then run again.",
    ),
    "TIMEOUT": Remedy(
        "A step took longer than CodeDeploy allows (an hour for a hook, 50 hours in all)",
        "Look at which lifecycle event was running. A hook that crashes without calling back hangs like this; "
        "`hook-timeout` ends it early.",
    ),
    "MANUAL_STOP": Remedy(
        "The deployment was stopped by a request",
        "Somebody used StopDeployment or the console; CloudTrail says who.",
    ),
    "APPLICATION_MISSING": Remedy("The CodeDeploy application was deleted", "Create it again (`setup`)."),
    "DEPLOYMENT_GROUP_MISSING": Remedy("Deployment group {group} was deleted", "Create it again (`setup`)."),
    "CODEDEPLOY_RESOURCE_CANNOT_BE_FOUND": Remedy(
        "Something that the deployment needs was deleted while it ran",
        "Check application, deployment group, config {config}, function and alias.",
    ),
    "RESOURCE_LIMIT_EXCEEDED": Remedy(
        "A limit of the account was reached", "Look at the quotas of CodeDeploy and Lambda; then run again."
    ),
    "CLOUDFORMATION_STACK_FAILURE": Remedy(
        "A CloudFormation stack that the deployment belongs to failed", "Look at the stack's events."
    ),
    "INTERNAL_ERROR": Remedy("CodeDeploy had an internal error", "Run again; if it stays, ask AWS Support."),
}

_UNKNOWN = Remedy("CodeDeploy ended the deployment", "Look at the deployment in the AWS console.")


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
    code = deployment.error_code or ("HOOK_EXECUTION_FAILURE" if hook else "UNKNOWN")
    remedy = REMEDIES.get(code, _UNKNOWN)
    words = {
        "function": plan.function,
        "alias": plan.alias,
        "group": plan.group,
        "role": service_role.split("/")[-1] or "of the deployment group",
        "hook": hook or "of the deployment",
        "current": plan.current_version or "?",
        "target": plan.target_version or "?",
        "config": plan.config_name,
        "region": region or "REGION",
    }
    ringing = tuple(alarm for alarm in alarms.value if alarm.state == "ALARM") if isinstance(alarms, Known) else ()
    return Diagnosis(
        code=code if why is None else why.code.upper().replace("-", "_"),
        summary=_summary(deployment, event, hook, ringing, remedy.means.format_map(words)) if why is None else why.text,
        remedy=remedy.remedy.format_map(words) if why is None else why.remedy,
        event=event,
        alarms=ringing,
        logs=tuple(lines for each in (logs, errors) if isinstance(each, Known) for lines in each.value),
        unreadable=tuple(_unreadable({"alarms": alarms, "hook logs": logs, "errors of the new version": errors})),
    )


def _summary(
    deployment: Deployment, event: LifecycleEvent | None, hook: str, ringing: tuple[Alarm, ...], means: str
) -> str:
    if not deployment.status.terminal:
        return f"Hook {hook} has not reported to CodeDeploy yet." if hook else "The deployment is still running."
    text = means
    if ringing:
        text += ": " + ", ".join(alarm.name + (f" ({alarm.reason})" if alarm.reason else "") for alarm in ringing)
    if event is not None and event.status is EventStatus.FAILED:
        text += f", in {event.name}"
    said = deployment.error_message or (event.diagnostics.message if event else "")
    # AWS's own words as well, unless they would only repeat a name.
    return f"{text}. CodeDeploy says: {said}" if said else f"{text}."


def _unreadable(facts: Mapping[str, Fact[tuple[Alarm, ...]] | Fact[tuple[LogLines, ...]]]) -> Iterator[str]:
    for what, fact in facts.items():
        if isinstance(fact, NotPermitted):
            yield f"{what}: not permitted: needs {fact.action}"
        elif isinstance(fact, Unavailable) and fact.why:
            yield f"{what}: {fact.why}"
