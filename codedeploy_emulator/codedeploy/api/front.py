"""CodeDeploy's front: which operation a request asks for, its parameters' types, the answer in JSON 1.1 or in CBOR.

Operations that the Lambda platform has not (on-premises instances, blue/green servers, GitHub tokens) answer with an
error of AWS's model, or with an empty list; never with a status that a client would retry.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from ...errors import ApiError
from ...runtime import Runtime
from ...server import cbor
from ...server.wire import AwsCall, Request, Response, protocol_of, request_id
from ..model.store import Place
from . import applications as setup
from . import deployments, groups, revisions

Json = dict[str, Any]
Operation = Callable[[Runtime, Place, Json], Json]


def _nothing(member: str) -> Operation:
    return lambda runtime, place, params: {member: []}


def _refuse(code: str, text: str) -> Operation:
    def refuse(runtime: Runtime, place: Place, params: Json) -> Json:
        raise ApiError(code, text)

    return refuse


def _required(member: str, code: str, then: Operation) -> Operation:
    def check(runtime: Runtime, place: Place, params: Json) -> Json:
        if not params.get(member):
            raise ApiError(code, f"{member} was not specified.")
        return then(runtime, place, params)

    return check


_NO_INSTANCE = _refuse("InstanceNotRegisteredException", "No on-premises instance is registered with the emulator.")
_NAMES_REQUIRED = "InstanceNameRequiredException"

OPERATIONS: dict[str, Operation] = {
    "CreateApplication": setup.create_application,
    "GetApplication": setup.get_application,
    "BatchGetApplications": setup.batch_get_applications,
    "ListApplications": setup.list_applications,
    "UpdateApplication": setup.update_application,
    "DeleteApplication": setup.delete_application,
    "CreateDeploymentGroup": groups.create_deployment_group,
    "GetDeploymentGroup": groups.get_deployment_group,
    "BatchGetDeploymentGroups": groups.batch_get_deployment_groups,
    "ListDeploymentGroups": groups.list_deployment_groups,
    "UpdateDeploymentGroup": groups.update_deployment_group,
    "DeleteDeploymentGroup": groups.delete_deployment_group,
    "CreateDeploymentConfig": setup.create_deployment_config,
    "GetDeploymentConfig": setup.get_deployment_config,
    "ListDeploymentConfigs": setup.list_deployment_configs,
    "DeleteDeploymentConfig": setup.delete_deployment_config,
    "ListTagsForResource": setup.list_tags_for_resource,
    "TagResource": setup.tag_resource,
    "UntagResource": setup.untag_resource,
    "RegisterApplicationRevision": revisions.register_application_revision,
    "GetApplicationRevision": revisions.get_application_revision,
    "BatchGetApplicationRevisions": revisions.batch_get_application_revisions,
    "ListApplicationRevisions": revisions.list_application_revisions,
    "CreateDeployment": deployments.create_deployment,
    "GetDeployment": deployments.get_deployment,
    "BatchGetDeployments": deployments.batch_get_deployments,
    "ListDeployments": deployments.list_deployments,
    "StopDeployment": deployments.stop_deployment,
    "ListDeploymentTargets": deployments.list_deployment_targets,
    "GetDeploymentTarget": deployments.get_deployment_target,
    "BatchGetDeploymentTargets": deployments.batch_get_deployment_targets,
    "PutLifecycleEventHookExecutionStatus": deployments.put_lifecycle_event_hook_execution_status,
    # What the Lambda platform has not.
    "BatchGetDeploymentInstances": deployments.of_servers_only,
    "GetDeploymentInstance": deployments.of_servers_only,
    "ListDeploymentInstances": deployments.of_servers_only,
    "ContinueDeployment": deployments.of_blue_green_servers_only,
    "SkipWaitTimeForInstanceTermination": deployments.of_blue_green_servers_only,
    "AddTagsToOnPremisesInstances": _required("instanceNames", _NAMES_REQUIRED, _NO_INSTANCE),
    "RemoveTagsFromOnPremisesInstances": _required("instanceNames", _NAMES_REQUIRED, _NO_INSTANCE),
    "BatchGetOnPremisesInstances": _required("instanceNames", _NAMES_REQUIRED, _nothing("instanceInfos")),
    "GetOnPremisesInstance": _required("instanceName", _NAMES_REQUIRED, _NO_INSTANCE),
    "ListOnPremisesInstances": _nothing("instanceNames"),
    "DeregisterOnPremisesInstance": _required("instanceName", _NAMES_REQUIRED, lambda runtime, place, params: {}),
    "RegisterOnPremisesInstance": _required(
        "instanceName",
        _NAMES_REQUIRED,
        _refuse("InvalidInstanceNameException", "The emulator has no on-premises instances."),
    ),
    "ListGitHubAccountTokenNames": _nothing("tokenNameList"),
    "DeleteGitHubAccountToken": _required(
        "tokenName",
        "GitHubAccountTokenNameRequiredException",
        _refuse("GitHubAccountTokenDoesNotExistException", "The emulator holds no GitHub tokens."),
    ),
    "DeleteResourcesByExternalId": lambda runtime, place, params: {},
}


def handle(runtime: Runtime, call: AwsCall, account: str, request: Request) -> Response:
    """Answer a CodeDeploy request; ApiError says what AWS would refuse."""
    in_cbor = protocol_of(call, request) == "cbor"
    operation = OPERATIONS.get(call.operation)
    if operation is None:
        raise ApiError("UnknownOperationException", f"CodeDeploy has no operation {call.operation}.")
    params = _params(call.operation, request, in_cbor=in_cbor)
    answer = operation(runtime, runtime.place(account, call.region), params)
    shape = _model().operation_model(call.operation).output_shape
    if in_cbor:
        headers = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
        body = cbor.encode(answer, shape)
    else:
        headers = [("Content-Type", "application/x-amz-json-1.1")]
        body = b"" if shape is None else json.dumps(answer).encode()
    return Response(headers=[*headers, ("x-amzn-RequestId", request_id())], body=body)


def _params(operation: str, request: Request, *, in_cbor: bool) -> Json:
    try:
        params = (cbor.decode(request.body) if request.body else {}) if in_cbor else request.json()
    except (ValueError, RecursionError) as error:
        raise ApiError("SerializationException", f"The request cannot be read: {error}") from None
    if params is None:
        params = {}
    if not isinstance(params, dict):
        raise ApiError("SerializationException", "The request is not an object.")
    # null is how some clients spell "not given".
    params = {key: _without_null(value) for key, value in params.items() if value is not None}
    report = ParamValidator().validate(params, _model().operation_model(operation).input_shape).generate_report()
    wrong = [line for line in report.splitlines() if line.startswith("Invalid type")]
    if wrong:
        raise ApiError("SerializationException", wrong[0])
    return params


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_null(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_null(inner) for inner in value]
    return value


@cache
def _model() -> Any:
    return botocore.session.get_session().get_service_model("codedeploy")
