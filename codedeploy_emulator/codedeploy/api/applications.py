"""CodeDeploy's operations on applications, deployment configs and tags."""

from __future__ import annotations

from typing import Any

from ...errors import ApiError
from ...runtime import Runtime
from ..model import configs
from ..model.store import Application, Group, Place
from . import validation

Params = dict[str, Any]
Json = dict[str, Any]
PLATFORMS = ("Server", "Lambda", "ECS")
APPLICATIONS_PER_ACCOUNT = 1000
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
    return page(runtime, "applications", sorted(place.applications), params)


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
    for group_name in application.groups:
        # A group's ARN holds the application's name.
        tags = place.tags.pop(place.arn("deploymentgroup", f"{name}/{group_name}"), {})
        place.tags[place.arn("deploymentgroup", f"{new}/{group_name}")] = tags
    return {}


def delete_application(runtime: Runtime, place: Place, params: Params) -> Json:
    # Deleting what is not there is no error in AWS's model.
    place.applications.pop(validation.application_name(params), None)
    return {}


def config_for(place: Place, platform: str, given: object) -> str:
    """A deployment config that exists and fits the platform."""
    # Where a config may be left out, an empty name is no missing one.
    name = configs.checked_name(given or " ")
    config = place.configs.get(name)
    if config is None:
        raise ApiError("DeploymentConfigDoesNotExistException", f"No deployment configuration found for name: {name}")
    if config["computePlatform"] != platform:
        raise ApiError(
            "InvalidDeploymentConfigNameException",
            f"The deployment configuration {name} is not for the compute platform {platform}.",
        )
    return name


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
    return page(runtime, "deploymentConfigsList", sorted(place.configs), params)


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
    # "does not exist with the user or AWS account": so another account's or region's does not exist here either.
    held = place if parts[3:5] == [place.region, place.account] else Place(account=parts[4], region=parts[3])
    if parts[5] == "application":
        application_of(held, parts[6])
    elif parts[5] == "deploymentgroup":
        application, _, group = parts[6].partition("/")
        group_of(application_of(held, application), group)
    else:
        raise ApiError("ArnNotSupportedException", f"Resources of this kind cannot be tagged: {arn}")
    return str(arn)


def page(runtime: Runtime, member: str, items: list[str], params: Params) -> Json:
    """One page of a list of names."""
    found, token = validation.page(items, params.get("nextToken"), runtime.switches.number("page-size"))
    return {member: found, "nextToken": token} if token else {member: found}
