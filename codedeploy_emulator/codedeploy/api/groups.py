"""CodeDeploy's operations on deployment groups."""

from __future__ import annotations

from ...errors import ApiError
from ...runtime import Runtime
from ..model import configs
from ..model.store import Group, Place, without_content
from . import validation, views
from .applications import BATCH, Json, Params, application_of, config_for, group_of, page

GROUPS_PER_APPLICATION = 1000


def create_deployment_group(runtime: Runtime, place: Place, params: Params) -> Json:
    application_name = validation.application_name(params)
    name = validation.group_name(params)
    application = application_of(place, application_name)
    role = validation.role(params.get("serviceRoleArn"))
    if name in application.groups:
        raise ApiError("DeploymentGroupAlreadyExistsException", f"Deployment Group already exists: {name}")
    if len(application.groups) >= GROUPS_PER_APPLICATION:
        raise ApiError("DeploymentGroupLimitExceededException", "There are too many deployment groups.")
    platform = application.info["computePlatform"]
    info: Json = {
        "applicationName": application_name,
        "deploymentGroupId": runtime.store.new_uuid(),
        "deploymentGroupName": name,
        "deploymentConfigName": configs.DEFAULTS[platform],
        "ec2TagFilters": [],
        "onPremisesInstanceTagFilters": [],
        "autoScalingGroups": [],
        "serviceRoleArn": role,
        "triggerConfigurations": [],
        "computePlatform": platform,
    }
    info.update(_group_settings(runtime, place, platform, params))
    info.setdefault("deploymentStyle", validation.style(None) if platform == "Lambda" else {})
    tags = validation.tags(params.get("tags"))
    application.groups[name] = Group(info=info)
    place.tags[place.arn("deploymentgroup", f"{application_name}/{name}")] = tags
    return {"deploymentGroupId": info["deploymentGroupId"]}


def _group_settings(runtime: Runtime, place: Place, platform: str, params: Params) -> Json:
    """The settings that CreateDeploymentGroup and UpdateDeploymentGroup share, checked; only those that are given."""
    settings: Json = {}
    if params.get("deploymentConfigName") is not None:
        settings["deploymentConfigName"] = config_for(place, platform, params["deploymentConfigName"])
    settings["autoRollbackConfiguration"] = validation.auto_rollback(params.get("autoRollbackConfiguration"))
    limit = runtime.switches.number("alarms-per-group")
    settings["alarmConfiguration"] = validation.alarms(params.get("alarmConfiguration"), limit)
    settings["triggerConfigurations"] = validation.triggers(params.get("triggerConfigurations"))
    if platform == "Lambda":
        settings["deploymentStyle"] = (
            validation.style(params["deploymentStyle"]) if params.get("deploymentStyle") else None
        )
        for member, code in _NOT_FOR_LAMBDA.items():
            if params.get(member):
                raise ApiError(code, f"{member} cannot be set for the Lambda compute platform.")
    else:
        settings["deploymentStyle"] = params.get("deploymentStyle")
    strategy = params.get("outdatedInstancesStrategy")
    if strategy not in (None, "UPDATE", "IGNORE"):
        raise ApiError("InvalidInputException", "The outdated instances strategy is UPDATE or IGNORE.")
    settings["outdatedInstancesStrategy"] = strategy
    return {key: value for key, value in settings.items() if value is not None}


_NOT_FOR_LAMBDA = {
    "ec2TagFilters": "InvalidEC2TagException",
    "onPremisesInstanceTagFilters": "InvalidTagException",
    "autoScalingGroups": "InvalidAutoScalingGroupException",
    "loadBalancerInfo": "InvalidLoadBalancerInfoException",
    "ec2TagSet": "InvalidEC2TagCombinationException",
    "onPremisesTagSet": "InvalidOnPremisesTagCombinationException",
    "ecsServices": "InvalidECSServiceException",
    "blueGreenDeploymentConfiguration": "InvalidBlueGreenDeploymentConfigurationException",
}


def group_info(place: Place, group: Group) -> Json:
    """`deploymentGroupInfo`, with the last deployments."""
    info = dict(group.info)
    if info.get("targetRevision"):
        info["targetRevision"] = without_content(info["targetRevision"])
    if group.history:
        info["lastAttemptedDeployment"] = views.last_deployment(place.deployments[group.history[-1]])
    if group.successful:
        info["lastSuccessfulDeployment"] = views.last_deployment(place.deployments[group.successful])
    return info


def get_deployment_group(runtime: Runtime, place: Place, params: Params) -> Json:
    application_name, name = validation.application_name(params), validation.group_name(params)
    return {"deploymentGroupInfo": group_info(place, group_of(application_of(place, application_name), name))}


def batch_get_deployment_groups(runtime: Runtime, place: Place, params: Params) -> Json:
    application = application_of(place, validation.application_name(params))
    missing = ApiError("DeploymentGroupNameRequiredException", "The deployment group names were not specified.")
    names = validation.batch(params.get("deploymentGroupNames"), BATCH, missing, "BatchLimitExceededException")
    wanted = [validation.group_name({"deploymentGroupName": name}) for name in names]
    answer: Json = {
        "deploymentGroupsInfo": [
            group_info(place, application.groups[name]) for name in wanted if name in application.groups
        ]
    }
    unknown = [name for name in wanted if name not in application.groups]
    if unknown:
        answer["errorMessage"] = f"No Deployment Group found for name: {', '.join(unknown)}"
    return answer


def list_deployment_groups(runtime: Runtime, place: Place, params: Params) -> Json:
    name = validation.application_name(params)
    groups = sorted(application_of(place, name).groups)
    return {"applicationName": name, **page(runtime, "deploymentGroups", groups, params)}


def update_deployment_group(runtime: Runtime, place: Place, params: Params) -> Json:
    application_name = validation.application_name(params)
    name = validation.group_name(params, "currentDeploymentGroupName")
    application = application_of(place, application_name)
    group = group_of(application, name)
    changes = _group_settings(runtime, place, group.info["computePlatform"], params)
    if params.get("serviceRoleArn") is not None:
        changes["serviceRoleArn"] = validation.role(params["serviceRoleArn"])
    new = name
    if params.get("newDeploymentGroupName") is not None:
        new = validation.group_name(params, "newDeploymentGroupName")
        if new != name and new in application.groups:
            raise ApiError("DeploymentGroupAlreadyExistsException", f"Deployment Group already exists: {new}")
    group.info.update(changes)
    if new != name:
        application.groups[new] = application.groups.pop(name)
        group.info["deploymentGroupName"] = new
        for identity in group.history:
            place.deployments[identity].group = new
        old_arn = place.arn("deploymentgroup", f"{application_name}/{name}")
        place.tags[place.arn("deploymentgroup", f"{application_name}/{new}")] = place.tags.pop(old_arn, {})
    return {"hooksNotCleanedUp": []}


def delete_deployment_group(runtime: Runtime, place: Place, params: Params) -> Json:
    application_name, name = validation.application_name(params), validation.group_name(params)
    application = place.applications.get(application_name)
    if application is not None:
        application.groups.pop(name, None)
    return {"hooksNotCleanedUp": []}
