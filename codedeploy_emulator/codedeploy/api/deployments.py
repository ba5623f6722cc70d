"""CodeDeploy's operations on deployments, their targets and their hooks."""

from __future__ import annotations

from typing import Any

from ...errors import ApiError
from ...runtime import Runtime
from ..model.engine import created, hook_answered, stop_requested
from ..model.engine import execution_id as hook_id
from ..model.run import Status
from ..model.store import Deployment, Place
from . import validation, views
from .applications import application_of, config_for, group_of
from .revisions import whole

Params = dict[str, Any]
Json = dict[str, Any]
STATUSES = ("Created", "Queued", "InProgress", "Baking", "Succeeded", "Failed", "Stopped", "Ready")
TARGET_STATUSES = ("Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Unknown", "Ready")
_CONFLICT = {
    "current": "The Deployment Group '{group}' already has an active Deployment '{id}'",
    "older": "Deployment Group '{group}' is already deploying deployment '{id}'",
}


def create_deployment(runtime: Runtime, place: Place, params: Params) -> Json:
    application_name = validation.application_name(params)
    application = application_of(place, application_name)
    if params.get("deploymentGroupName") is None:
        raise ApiError("DeploymentGroupNameRequiredException", "The deployment group name was not specified.")
    group = group_of(application, validation.group_name(params))
    if application.info["computePlatform"] != "Lambda":
        raise ApiError(
            "InvalidComputePlatformException", "The emulator deploys on the Lambda compute platform, and no other."
        )
    limit = runtime.switches.number("appspec-limit-bytes")
    revision = validation.revision(params, content_needed=False, limit=limit, zips=runtime.switches.flag("zip-bundles"))
    revision = whole(application, revision)
    config = params.get("deploymentConfigName")
    config = config_for(place, "Lambda", group.info["deploymentConfigName"] if config is None else config)
    description = validation.description(params)
    _refuse_what_lambda_has_not(params)
    rollback = validation.auto_rollback(params.get("autoRollbackConfiguration"))
    limit = runtime.switches.number("alarms-per-group")
    override = validation.alarms(params.get("overrideAlarmConfiguration"), limit)
    if group.active is not None:
        text = _CONFLICT[runtime.switches.text("conflict-message")]
        raise ApiError(
            "DeploymentLimitExceededException",
            text.format(group=group.info["deploymentGroupName"], id=group.active),
        )
    now = runtime.clock.now()
    application.use(revision, now)
    effective = rollback if rollback is not None else group.info.get("autoRollbackConfiguration") or {}
    events = effective.get("events", []) if effective.get("enabled") else []
    last = place.deployments.get(group.successful or "")
    identity = runtime.store.new_deployment_id()
    deployment = Deployment(
        id=identity,
        place=place,
        application=application_name,
        group=group.info["deploymentGroupName"],
        group_id=group.info["deploymentGroupId"],
        config=config,
        revision=revision,
        previous_revision=last.revision if last else None,
        created=now,
        description=description,
        auto_rollback=rollback,
        override_alarms=override,
        run=created(identity, now, runtime.rules(), events),
    )
    if params.get("deploymentMode"):
        deployment.extras["deploymentMode"] = params["deploymentMode"]
    place.deployments[identity] = deployment
    group.history.append(identity)
    group.active = identity
    runtime.schedule(deployment)
    return {"deploymentId": identity}


def _refuse_what_lambda_has_not(params: Params) -> None:
    if params.get("ignoreApplicationStopFailures"):
        raise ApiError(
            "InvalidIgnoreApplicationStopFailuresValueException",
            "For an AWS Lambda deployment, ignoreApplicationStopFailures must be false.",
        )
    if params.get("updateOutdatedInstancesOnly"):
        raise ApiError(
            "InvalidUpdateOutdatedInstancesOnlyValueException",
            "For an AWS Lambda deployment, updateOutdatedInstancesOnly must be false.",
        )
    if params.get("fileExistsBehavior") not in (None, "DISALLOW"):
        raise ApiError("InvalidFileExistsBehaviorException", "An AWS Lambda deployment has no files to overwrite.")
    if params.get("targetInstances"):
        raise ApiError("InvalidTargetInstancesException", "An AWS Lambda deployment has no instances.")
    if params.get("ec2DeploymentOptions"):
        raise ApiError(
            "InvalidAutoScalingGroupProcessToSuspendException", "An AWS Lambda deployment has no Auto Scaling groups."
        )
    if params.get("deploymentMode") not in (None, "STANDARD"):
        raise ApiError("InvalidInputException", "For an AWS Lambda deployment, deploymentMode must be STANDARD.")


def get_deployment(runtime: Runtime, place: Place, params: Params) -> Json:
    return {"deploymentInfo": views.deployment_info(_deployment(place, params))}


def batch_get_deployments(runtime: Runtime, place: Place, params: Params) -> Json:
    missing = ApiError("DeploymentIdRequiredException", "The deployment IDs were not specified.")
    wanted = validation.batch(params.get("deploymentIds"), 25, missing, "BatchLimitExceededException")
    identities = [validation.deployment_id({"deploymentId": identity}) for identity in wanted]
    found = [place.deployments[identity] for identity in identities if identity in place.deployments]
    return {"deploymentsInfo": [views.deployment_info(deployment) for deployment in found]}


def list_deployments(runtime: Runtime, place: Place, params: Params) -> Json:
    application, group = params.get("applicationName"), params.get("deploymentGroupName")
    if application is None and group is not None:
        raise ApiError("ApplicationNameRequiredException", "The application name was not specified.")
    if application is None:
        found = list(place.deployments.values())
    else:
        held = application_of(place, validation.application_name(params))
        if group is None:
            raise ApiError("DeploymentGroupNameRequiredException", "The deployment group name was not specified.")
        # A group's deployments go with it: another one of its name begins with none.
        found = [place.deployments[identity] for identity in group_of(held, validation.group_name(params)).history]
    statuses = params.get("includeOnlyStatuses") or []
    if any(status not in STATUSES for status in statuses):
        raise ApiError("InvalidDeploymentStatusException", f"The deployment statuses are {', '.join(STATUSES)}.")
    if statuses:
        found = [deployment for deployment in found if deployment.run.status.value in statuses]
    span = params.get("createTimeRange") or {}
    start, end = span.get("start"), span.get("end")
    if any(not isinstance(moment, int | float | None) for moment in (start, end)):
        raise ApiError("SerializationException", "A time is a number: seconds since 1970.")
    if start is not None and end is not None and start > end:
        raise ApiError("InvalidTimeRangeException", "The time range begins after its end.")
    if start is not None:
        found = [deployment for deployment in found if deployment.created >= start]
    if end is not None:
        found = [deployment for deployment in found if deployment.created <= end]
    if params.get("externalId") is not None:
        # Only CloudFormation gives deployments an external id.
        if not params["externalId"]:
            raise ApiError("InvalidExternalIdException", "The external ID is not valid.")
        found = []
    listed = _in_order([deployment.id for deployment in found], runtime.switches.text("deployments-order"))
    ids, token = validation.page(listed, params.get("nextToken"), runtime.switches.number("page-size"))
    return {"deployments": ids, **({"nextToken": token} if token else {})}


def _in_order(oldest_first: list[str], order: str) -> list[str]:
    """Nothing is documented of the order; ids are random, so that sorting by them says nothing and changes nothing."""
    if order == "any":
        return sorted(oldest_first)
    return oldest_first if order == "oldest-first" else oldest_first[::-1]


def stop_deployment(runtime: Runtime, place: Place, params: Params) -> Json:
    deployment = _deployment(place, params)
    run = deployment.run
    if run.status.final:
        if run.stop_was_pending and run.status is Status.STOPPED:
            return {"status": "Succeeded", "statusMessage": "No further lifecycle events will run."}
        raise ApiError("DeploymentAlreadyCompletedException", f"Deployment {deployment.id} is already completed.")
    if place.group_of(deployment) is None:
        raise ApiError(
            "DeploymentGroupDoesNotExistException", f"No Deployment Group found for name: {deployment.group}"
        )
    stopped, status = stop_requested(run, runtime.clock.now(), params.get("autoRollbackEnabled"))
    runtime.change(deployment, stopped)
    if status == "Pending":
        return {"status": status, "statusMessage": "The stop was requested; a lifecycle event may still run."}
    return {"status": status, "statusMessage": "No further lifecycle events will run."}


def list_deployment_targets(runtime: Runtime, place: Place, params: Params) -> Json:
    deployment = _started(_deployment(place, params))
    wanted: list[str] | None = None
    for name, values in (params.get("targetFilters") or {}).items():
        if name not in ("TargetStatus", "ServerInstanceLabel"):
            raise ApiError("InvalidTargetFilterNameException", f"There is no target filter {name}.")
        if name == "ServerInstanceLabel":
            raise ApiError("InvalidDeploymentInstanceTypeException", "Lambda functions have no instance label.")
        if any(value not in TARGET_STATUSES for value in values):
            raise ApiError("InvalidInstanceStatusException", f"The target statuses are {', '.join(TARGET_STATUSES)}.")
        wanted = values
    identity = views.target_id(deployment, runtime.switches)
    ids = [identity] if identity is not None else []
    if ids and wanted is not None:
        status = views.target(deployment, runtime.switches)["lambdaTarget"]["status"]
        ids = ids if status in wanted else []
    found, token = validation.page(ids, params.get("nextToken"), runtime.switches.number("page-size"))
    return {"targetIds": found, **({"nextToken": token} if token else {})}


def get_deployment_target(runtime: Runtime, place: Place, params: Params) -> Json:
    deployment = _deployment(place, params)
    if not params.get("targetId"):
        raise ApiError("DeploymentTargetIdRequiredException", "The deployment target ID was not specified.")
    return {"deploymentTarget": _target(runtime, _started(deployment), params["targetId"])}


def batch_get_deployment_targets(runtime: Runtime, place: Place, params: Params) -> Json:
    deployment = _deployment(place, params)
    missing = ApiError("DeploymentTargetIdRequiredException", "The deployment target IDs were not specified.")
    wanted = validation.batch(params.get("targetIds"), 25, missing, "DeploymentTargetListSizeExceededException")
    _started(deployment)
    return {"deploymentTargets": [_target(runtime, deployment, identity) for identity in wanted]}


def put_lifecycle_event_hook_execution_status(runtime: Runtime, place: Place, params: Params) -> Json:
    identity = validation.deployment_id(params)
    execution_id, status = params.get("lifecycleEventHookExecutionId"), params.get("status")
    # A hook's test credentials may be those of another account than its deployment's.
    deployment = place.deployments.get(identity) or runtime.deployment(identity)
    if status not in ("Succeeded", "Failed"):
        raise ApiError(
            "InvalidLifecycleEventHookExecutionStatusException",
            "The status of a lifecycle event hook must be Succeeded or Failed.",
        )
    run = deployment.run
    if run.hook is None or run.hook.execution_id != execution_id or run.hook.answer is not None:
        known = {hook_id(run.id, number) for number in range(1, run.hooks_called + 1)}
        if execution_id in known:
            raise ApiError("LifecycleEventAlreadyCompletedException", "The lifecycle event was already completed.")
        raise ApiError(
            "InvalidLifecycleEventHookExecutionIdException",
            f"The lifecycle event hook execution ID is not valid: {execution_id}",
        )
    runtime.change(deployment, hook_answered(run, runtime.clock.now(), str(execution_id), status))
    return {"lifecycleEventHookExecutionId": execution_id}


def of_servers_only(runtime: Runtime, place: Place, params: Params) -> Json:
    """Instances of a deployment: there are none on the Lambda platform."""
    deployment = _deployment(place, params)
    raise ApiError(
        "InvalidComputePlatformException", f"Deployment {deployment.id} has the Lambda compute platform: no instances."
    )


def of_blue_green_servers_only(runtime: Runtime, place: Place, params: Params) -> Json:
    """ContinueDeployment and its like: for EC2 and ECS."""
    deployment = _deployment(place, params)
    raise ApiError(
        "UnsupportedActionForDeploymentTypeException",
        f"Deployment {deployment.id} has the Lambda compute platform, which has no such action.",
    )


def _deployment(place: Place, params: Params) -> Deployment:
    identity = validation.deployment_id(params)
    found = place.deployments.get(identity)
    if found is None:
        raise ApiError("DeploymentDoesNotExistException", f"The deployment {identity} could not be found")
    return found


def _started(deployment: Deployment) -> Deployment:
    if deployment.run.started is None:
        raise ApiError("DeploymentNotStartedException", f"The deployment {deployment.id} has not started.")
    return deployment


def _target(runtime: Runtime, deployment: Deployment, identity: object) -> Json:
    if not isinstance(identity, str) or len(identity) > 1024:
        raise ApiError("InvalidDeploymentTargetIdException", f"The deployment target ID is not valid: {identity}")
    if identity != views.target_id(deployment, runtime.switches):
        raise ApiError(
            "DeploymentTargetDoesNotExistException", f"The deployment {deployment.id} has no target {identity}."
        )
    return views.target(deployment, runtime.switches)
