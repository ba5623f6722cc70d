"""How CodeDeploy's API shows deployments and targets: plain JSON values, timestamps in epoch seconds."""

from __future__ import annotations

from typing import Any

from ...lambda_ import names as lambda_names
from ...places import partition
from ...switches import Switches
from ..model import appspec
from ..model.run import LIFECYCLE, Event, Run, Status
from ..model.store import Deployment, without_content

STYLE = {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"}
_TARGET_STATUS = {
    Status.CREATED: "Pending",
    Status.IN_PROGRESS: "InProgress",
    Status.SUCCEEDED: "Succeeded",
    Status.FAILED: "Failed",
    # TargetStatus has no "Stopped": what was not finished has failed.
    Status.STOPPED: "Failed",
}


def rollback_configuration(deployment: Deployment) -> dict[str, Any]:
    """The autoRollbackConfiguration in force: the deployment's own, else its group's."""
    if deployment.auto_rollback is not None:
        return deployment.auto_rollback
    group = deployment.place.group_of(deployment)
    return (group.info.get("autoRollbackConfiguration") if group else None) or {"enabled": False, "events": []}


def deployment_info(deployment: Deployment) -> dict[str, Any]:
    """`deploymentInfo` of GetDeployment. The AppSpec's content is never in it."""
    run = deployment.run
    counted = _TARGET_STATUS[run.status]
    info: dict[str, Any] = {
        "applicationName": deployment.application,
        "deploymentGroupName": deployment.group,
        "deploymentConfigName": deployment.config,
        "deploymentId": deployment.id,
        "revision": without_content(deployment.revision),
        "status": run.status.value,
        "createTime": round(deployment.created, 3),
        "deploymentOverview": {
            name: int(name == counted) for name in ("Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Ready")
        },
        "creator": deployment.creator,
        "ignoreApplicationStopFailures": False,
        "updateOutdatedInstancesOnly": False,
        "instanceTerminationWaitTimeStarted": False,
        "autoRollbackConfiguration": rollback_configuration(deployment),
        "rollbackInfo": _rollback_info(deployment),
        "deploymentStyle": dict(STYLE),
        "fileExistsBehavior": "DISALLOW",
        "deploymentStatusMessages": [],
        "computePlatform": "Lambda",
    }
    if deployment.previous_revision is not None:
        info["previousRevision"] = without_content(deployment.previous_revision)
    if deployment.description is not None:
        info["description"] = deployment.description
    if deployment.override_alarms is not None:
        info["overrideAlarmConfiguration"] = deployment.override_alarms
    if run.started is not None:
        info["startTime"] = round(run.started, 3)
    if run.completed is not None:
        info["completeTime"] = round(run.completed, 3)
    if run.error is not None:
        info["errorInformation"] = {"code": run.error.code, "message": run.error.message}
    return {**info, **deployment.extras}


def _rollback_info(deployment: Deployment) -> dict[str, str]:
    values = {
        "rollbackDeploymentId": deployment.rollback_id,
        "rollbackTriggeringDeploymentId": deployment.rollback_of,
        "rollbackMessage": deployment.rollback_message,
    }
    return {key: value for key, value in values.items() if value is not None}


def last_deployment(deployment: Deployment) -> dict[str, Any]:
    """`LastDeploymentInfo` of a group."""
    info: dict[str, Any] = {
        "deploymentId": deployment.id,
        "status": deployment.run.status.value,
        "createTime": round(deployment.created, 3),
    }
    if deployment.run.completed is not None:
        info["endTime"] = round(deployment.run.completed, 3)
    return info


def target_id(deployment: Deployment, switches: Switches) -> str | None:
    """The id of the deployment's one target; None when its AppSpec names no function."""
    named = _names(deployment)
    if named is None:
        return None
    function, alias, _, _ = named
    kind = switches.text("target-id")
    if kind == "function-and-alias":
        return f"{function}:{alias}"
    return _arn(deployment, function) if kind == "arn" else function


def target(deployment: Deployment, switches: Switches) -> dict[str, Any]:
    """`deploymentTarget` with the lambdaTarget."""
    run = deployment.run
    named = _names(deployment)
    assert named is not None
    function, alias, current, wanted = named
    scale = 1.0 if switches.text("weight-scale") == "percent" else 0.01
    events = [
        _event(event)
        for event in run.events
        if event.name not in ("Start", "End") or switches.text("lifecycle-events") == "all"
    ]
    info = {
        "functionName": function,
        "functionAlias": alias,
        "currentVersion": current,
        "targetVersion": wanted,
        "targetVersionWeight": round(run.weight * scale, 6),
    }
    return {
        "deploymentTargetType": "LambdaTarget",
        "lambdaTarget": {
            "deploymentId": deployment.id,
            "targetId": target_id(deployment, switches),
            "targetArn": _arn(deployment, function),
            "status": _TARGET_STATUS[run.status],
            "lastUpdatedAt": round(_last_change(run, deployment.created), 3),
            "lifecycleEvents": events,
            **_function_info(run, switches.text("function-info"), info),
        },
    }


def _function_info(run: Run, when: str, info: dict[str, Any]) -> dict[str, Any]:
    """The member `lambdaFunctionInfo`; it may be empty while the first hook runs, or missing (facts G19)."""
    if when == "never":
        return {}
    early = run.events[LIFECYCLE.index("AllowTraffic")].start is None and not run.status.final
    return {"lambdaFunctionInfo": {} if early and when == "after-the-first-hook" else info}


def _names(deployment: Deployment) -> tuple[str, str, str, str] | None:
    order = deployment.run.order
    if order is not None:
        return order.function, order.alias, order.current, order.target
    try:
        spec = appspec.parse(deployment.content or "")
    except appspec.AppSpecError:
        return None
    return spec.function, spec.alias, spec.current, spec.target


def _arn(deployment: Deployment, function: str) -> str:
    if function.startswith("arn:"):
        return function
    place, named = deployment.place, lambda_names.parse(function)
    name = named.name if named else function
    return f"arn:{partition(place.region)}:lambda:{place.region}:{place.account}:function:{name}"


def _last_change(run: Run, created: float) -> float:
    moments = [moment for event in run.events for moment in (event.start, event.end) if moment is not None]
    return max([created, *moments])


def _event(event: Event) -> dict[str, Any]:
    shown: dict[str, Any] = {"lifecycleEventName": event.name, "status": event.status}
    if event.start is not None:
        shown["startTime"] = round(event.start, 3)
    if event.end is not None:
        shown["endTime"] = round(event.end, 3)
    if event.error or event.status == "Succeeded":
        shown["diagnostics"] = {
            "errorCode": event.error or "Success",
            "scriptName": event.script,
            "message": event.message or "Succeeded",
            "logTail": event.log_tail,
        }
    return shown
