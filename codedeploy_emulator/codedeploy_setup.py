"""CodeDeploy's operations on applications, deployment groups, deployment configs and tags."""

from __future__ import annotations

from typing import Any

from . import configs, validation, views
from .errors import ApiError
from .runtime import Runtime
from .store import Application, Group, Place, without_content

Params = dict[str, Any]
Json = dict[str, Any]
PLATFORMS = ("Server", "Lambda", "ECS")
APPLICATIONS_PER_ACCOUNT = 1000
GROUPS_PER_APPLICATION = 1000
BATCH = 100


def application_of(place: Place, name: str) -> Application:
    """An application, or AWS's error."""
    found = place.applications.get(name)
    if found is None:
        raise ApiError("ApplicationDoesNotExistException", f"No application found for name: {name}")
    return found


def group_of(application: Application, name: str) -> Group:
    """A deployment group, or AWS's error."""
    found = application.groups.get(name)
    if found is None:
        raise ApiError("DeploymentGroupDoesNotExistException", f"No Deployment Group found for name: {name}")
    return found


def create_application(runtime: Runtime, place: Place, params: Params) -> Json:
    name = validation.application_name(params)
    platform = params.get("computePlatform", "Server")
    if platform not in PLATFORMS:
        raise ApiError("InvalidComputePlatformException", f"The compute platform {platform} is not valid.")
    tags = validation.tags(params.get("tags"))
    if name in place.applications:
        raise ApiError("ApplicationAlreadyExistsException", f"Application already exists: {name}")
    if len(place.applications) >= APPLICATIONS_PER_ACCOUNT:
        raise ApiError("ApplicationLimitExceededException", "There are too many applications.")
    info = {
        "applicationId": runtime.store.new_uuid(),
        "applicationName": name,
        "createTime": round(runtime.clock.now(), 3),
        "linkedToGitHub": False,
        "computePlatform": platform,
    }
    place.applications[name] = Application(info=info)
    place.tags[place.arn("application", name)] = tags
    return {"applicationId": info["applicationId"]}


def get_application(runtime: Runtime, place: Place, params: Params) -> Json:
    return {"application": application_of(place, validation.application_name(params)).info}


def batch_get_applications(runtime: Runtime, place: Place, params: Params) -> Json:
    missing = ApiError("ApplicationNameRequiredException", "The application names were not specified.")
    names = validation.batch(params.get("applicationNames"), BATCH, missing, "BatchLimitExceededException")
    wanted = [validation.application_name({"applicationName": name}) for name in names]
    return {"applicationsInfo": [application_of(place, name).info for name in wanted]}


def list_applications(runtime: Runtime, place: Place, params: Params) -> Json:
    return _page(runtime, "applications", sorted(place.applications), params)


def update_application(runtime: Runtime, place: Place, params: Params) -> Json:
    name = validation.application_name(params)
    application = application_of(place, name)
    if params.get("newApplicationName") is None:
        return {}
    new = validation.application_name(params, "newApplicationName")
    if new in place.applications:
        raise ApiError("ApplicationAlreadyExistsException", f"Application already exists: {new}")
    place.applications[new] = place.applications.pop(name)
    application.info["applicationName"] = new
    for group in application.groups.values():
        group.info["applicationName"] = new
    for deployment in place.deployments.values():
        if deployment.application == name:
            deployment.application = new
    place.tags[place.arn("application", new)] = place.tags.pop(place.arn("application", name), {})
    return {}


def delete_application(runtime: Runtime, place: Place, params: Params) -> Json:
    # Deleting what is not there is no error in AWS's model.
    place.applications.pop(validation.application_name(params), None)
    return {}


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
        "deploymentConfigName": "CodeDeployDefault.LambdaAllAtOnce"
        if platform == "Lambda"
        else "CodeDeployDefault.OneAtATime",
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
    if params.get("outdatedInstancesStrategy"):
        settings["outdatedInstancesStrategy"] = params["outdatedInstancesStrategy"]
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


def config_for(place: Place, platform: str, given: object) -> str:
    """A deployment config that exists and fits the platform."""
    name = configs.checked_name(given)
    config = place.configs.get(name)
    if config is None:
        raise ApiError("DeploymentConfigDoesNotExistException", f"No deployment configuration found for name: {name}")
    if config["computePlatform"] != platform:
        raise ApiError(
            "InvalidDeploymentConfigNameException",
            f"The deployment configuration {name} is not for the compute platform {platform}.",
        )
    return name


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
    return {"applicationName": name, **_page(runtime, "deploymentGroups", groups, params)}


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


def create_deployment_config(runtime: Runtime, place: Place, params: Params) -> Json:
    config = configs.custom(params)
    name = config["deploymentConfigName"]
    if name in place.configs:
        raise ApiError("DeploymentConfigAlreadyExistsException", f"Deployment configuration already exists: {name}")
    if sum(not held.startswith("CodeDeployDefault.") for held in place.configs) >= configs.CONFIGS_PER_ACCOUNT:
        raise ApiError("DeploymentConfigLimitExceededException", "There are too many deployment configurations.")
    config["deploymentConfigId"] = runtime.store.new_uuid()
    config["createTime"] = round(runtime.clock.now(), 3)
    place.configs[name] = config
    return {"deploymentConfigId": config["deploymentConfigId"]}


def get_deployment_config(runtime: Runtime, place: Place, params: Params) -> Json:
    name = configs.checked_name(params.get("deploymentConfigName"))
    if name not in place.configs:
        raise ApiError("DeploymentConfigDoesNotExistException", f"No deployment configuration found for name: {name}")
    return {"deploymentConfigInfo": place.configs[name]}


def list_deployment_configs(runtime: Runtime, place: Place, params: Params) -> Json:
    return _page(runtime, "deploymentConfigsList", sorted(place.configs), params)


def delete_deployment_config(runtime: Runtime, place: Place, params: Params) -> Json:
    name = configs.checked_name(params.get("deploymentConfigName"))
    if name.startswith("CodeDeployDefault."):
        raise ApiError("InvalidOperationException", "A predefined deployment configuration cannot be deleted.")
    used = any(
        group.info["deploymentConfigName"] == name
        for application in place.applications.values()
        for group in application.groups.values()
    )
    if used:
        raise ApiError("DeploymentConfigInUseException", f"The deployment configuration {name} is in use.")
    place.configs.pop(name, None)
    return {}


def list_tags_for_resource(runtime: Runtime, place: Place, params: Params) -> Json:
    tags = place.tags.get(_resource(place, params), {})
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def tag_resource(runtime: Runtime, place: Place, params: Params) -> Json:
    arn = _resource(place, params)
    if not params.get("Tags"):
        raise ApiError("TagRequiredException", "No tag was specified.")
    added = validation.tags(params["Tags"])
    held = {**place.tags.get(arn, {}), **added}
    if len(held) > 50:
        raise ApiError("InvalidTagsToAddException", "There can be at most 50 tags.")
    place.tags[arn] = held
    return {}


def untag_resource(runtime: Runtime, place: Place, params: Params) -> Json:
    arn = _resource(place, params)
    if not params.get("TagKeys"):
        raise ApiError("TagRequiredException", "No tag key was specified.")
    for key in params["TagKeys"]:
        place.tags.get(arn, {}).pop(key, None)
    return {}


def _resource(place: Place, params: Params) -> str:
    arn = params.get("ResourceArn")
    if not arn:
        raise ApiError("ResourceArnRequiredException", "The ARN of a resource is required, but was not found.")
    parts = str(arn).split(":", 6)
    if len(parts) != 7 or parts[0] != "arn" or parts[2] != "codedeploy":
        raise ApiError("InvalidArnException", f"The ARN is not in a valid format: {arn}")
    if parts[5] == "application":
        application_of(place, parts[6])
    elif parts[5] == "deploymentgroup":
        application, _, group = parts[6].partition("/")
        group_of(application_of(place, application), group)
    else:
        raise ApiError("ArnNotSupportedException", f"Resources of this kind cannot be tagged: {arn}")
    return str(arn)


def _page(runtime: Runtime, member: str, items: list[str], params: Params) -> Json:
    found, token = validation.page(items, params.get("nextToken"), runtime.switches.number("page-size"))
    return {member: found, "nextToken": token} if token else {member: found}
