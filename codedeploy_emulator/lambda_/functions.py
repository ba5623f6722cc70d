"""Lambda where moto falls short: functions and versions (facts A12, C, F).

moto stores the functions; added here: RevisionId, pending states, guards of PublishVersion and of updates, DryRun,
versions that are published only when something changed, that nobody changes, and whose numbers are never used twice,
refusal to delete a version that an alias serves, code from a pinned S3 version, what moto forgets of a configuration,
resource policies, account settings, pages. What it answers was compared with LocalStack's snapshots of AWS (2025),
moto's own tests against AWS, and the measurements in floci's pull requests 2824 and 2825.
"""

from __future__ import annotations

import base64
import binascii
import copy
import io
import json
import uuid
import zipfile
from collections.abc import Mapping
from typing import Any

from ..aws import moto_parts
from ..errors import ApiError
from ..runtime import Runtime
from ..server.wire import Response, json_response, path_parts
from . import callers, managed
from .call import STALE, Handler, Json, Lambda, page


def created(call: Lambda) -> Response:
    body = call.body()
    publish = body.pop("Publish", False)
    code = body.get("Code")
    reference = _reference(code if isinstance(code, dict) else {})
    body["Code"] = _with_code(code if isinstance(code, dict) else {})
    answer = call.ask_moto(body)
    if answer.status >= 300:
        return answer
    found = call.named(str(body["FunctionName"]))
    found.code = dict(found.code)
    _keep_what_moto_forgets(body, found)
    ready = _pending_until(call.runtime)
    moto_parts.mark(
        found, revision=call.runtime.store.new_uuid(), state_ready=ready, published=0, code_reference=reference
    )
    if publish:
        found = _publish(call, found, None)
    # The version is the published one's; the ARN names the function alone.
    config = configuration(call.runtime, found) | {"FunctionArn": call.arn(str(body["FunctionName"]))}
    return json_response(config, 201)


def shown(call: Lambda) -> Response:
    """GetFunction and GetFunctionConfiguration."""
    found = call.function(call.qualifier)
    config = configuration(call.runtime, found)
    if call.qualifier:
        config["FunctionArn"] = call.arn(call.function_name, call.qualifier)
    if path_parts(call.request)[-1] == "configuration":
        return json_response(config)
    answer = _without_none({**found.get_code(), "Configuration": config})
    if reference := moto_parts.marked(found, "code_reference"):
        answer["Code"] = {"RepositoryType": "S3", **_referred(reference)}
    return json_response(answer)


def _referred(reference: Json) -> Json:
    """Code that Lambda reads from S3 and keeps no copy of; an error where its object is gone."""
    if moto_parts.s3_object(reference["S3Bucket"], reference["S3Key"], reference.get("S3ObjectVersion")) is None:
        text = f"The object {reference['S3Key']} in bucket {reference['S3Bucket']} does not exist."
        return {"Error": {"ErrorCode": "NoSuchKey", "Message": text}}
    return {"ResolvedS3Object": reference}


def listed(call: Lambda) -> Response:
    """ListFunctions, FunctionVersion=ALL included."""
    found: list[Json] = []
    for name in moto_parts.function_names(call.account, call.region):
        if call.request.query.get("FunctionVersion") == "ALL":
            found += _all_versions(call, name)
        else:
            found.append(_listed(call, call.named(name)))
    return page(call.request, "Functions", found)


def versions_listed(call: Lambda) -> Response:
    call.function()
    return page(call.request, "Versions", _all_versions(call, call.function_name))


def _all_versions(call: Lambda, name: str) -> list[Json]:
    latest = _listed(call, call.named(name)) | {"FunctionArn": call.arn(name, "$LATEST")}
    return [latest, *(_listed(call, version) for version in moto_parts.versions(call.account, call.region, name))]


def _listed(call: Lambda, found: Any) -> Json:
    """A configuration as lists have it: without any state."""
    shown = configuration(call.runtime, found)
    return {key: value for key, value in shown.items() if not key.startswith(("State", "LastUpdateStatus"))}


def published(call: Lambda) -> Response:
    body = call.body()
    _refuse_qualifier(call)
    found = call.function()
    _refuse_while_pending(call, found)
    expected = body.get("CodeSha256")
    if expected and expected != found.code_sha_256:
        raise ApiError(
            "InvalidParameterValueException",
            f"CodeSHA256 ({expected}) is different from current CodeSHA256 in $LATEST ({found.code_sha_256}). Please "
            "try again with the CodeSHA256 in $LATEST.",
        )
    _refuse_stale(call.runtime, body, found)
    return json_response(configuration(call.runtime, _publish(call, found, body.get("Description"))), 201)


def code_updated(call: Lambda) -> Response:
    body = call.body()
    _refuse_qualifier(call)
    found = call.function()
    _refuse_while_pending(call, found)
    _refuse_stale(call.runtime, body, found)
    publish, dry_run = body.pop("Publish", False), body.pop("DryRun", False)
    body.pop("RevisionId", None)
    reference = _reference(body)
    body = _with_code(body)
    if dry_run:
        config = configuration(call.runtime, found)
        if body.get("ZipFile"):
            code = base64.b64decode(body["ZipFile"])
            config["CodeSha256"], config["CodeSize"] = moto_parts.sha256_of(code), len(code)
        return json_response(config)
    architectures = body.pop("Architectures", None)
    # What moto could refuse in it was looked at above.
    call.ask_moto(body)
    if architectures:
        found.architectures = architectures
    found.code = dict(found.code)
    _touched(call, found)
    # The next version is a new one, though the code may be the same. Who does not ask for a reference gets a copy.
    moto_parts.mark(found, updates=moto_parts.marked(found, "updates", 0) + 1, code_reference=reference)
    if publish:
        found = _publish(call, found, None)
    return json_response(configuration(call.runtime, found))


def configuration_updated(call: Lambda) -> Response:
    body = call.body()
    _refuse_qualifier(call)
    found = call.function()
    _refuse_while_pending(call, found)
    _refuse_stale(call.runtime, body, found)
    body.pop("RevisionId", None)
    if "Environment" in body:
        body["Environment"] = {"Variables": dict((body["Environment"] or {}).get("Variables") or {})}
    answer = call.ask_moto(body)
    if answer.status >= 300:
        return answer
    if body.get("TracingConfig"):
        found.tracing_config = body["TracingConfig"]
    if body.get("EphemeralStorage"):
        found.ephemeral_storage = body["EphemeralStorage"]["Size"]
    if body.get("ImageConfig") is not None:
        found.image_config = moto_parts.image_config(body["ImageConfig"])
    _keep_what_moto_forgets(body, found)
    if "KMSKeyArn" in body:
        found.kms_key_arn = body["KMSKeyArn"] or None
    _touched(call, found)
    return json_response(configuration(call.runtime, found))


def deleted(call: Lambda) -> Response:
    qualifier = call.qualifier
    if qualifier is None:
        return call.ask_moto()
    if qualifier == "$LATEST":
        raise ApiError(
            "InvalidParameterValueException", "$LATEST version cannot be deleted without deleting the function."
        )
    call.function()
    for alias in moto_parts.aliases(call.account, call.region, call.function_name):
        if qualifier == alias.name:
            raise ApiError("InvalidParameterValueException", "Deletion of aliases is not currently supported here.")
        if qualifier == str(alias.function_version) or qualifier in moto_parts.alias_weights(alias):
            raise ApiError(
                "ResourceConflictException",
                f"Version {qualifier} of function {call.function_name} is served by the alias {alias.name}: delete or "
                "move the alias first.",
                409,
            )
    found = moto_parts.function(call.account, call.region, call.function_name, qualifier)
    if f"{call.function_name}:{qualifier}" in call.runtime.switches.text("replicated-versions").split():
        raise ApiError(
            "InvalidParameterValueException",
            f"Lambda was unable to delete {call.arn(call.function_name, qualifier)} because it is a replicated "
            "function. Please see our documentation for Deleting Lambda@Edge Functions and Replicas.",
        )
    if found is not None:
        callers.forget(call.function(), qualifier)
        moto_parts.drop_version(call.account, call.region, call.function_name, found)
    # A version that is not there is gone already.
    return Response(status=204)


def permission_added(call: Lambda) -> Response:
    found, statement = call.function(call.qualifier), call.body().get("StatementId")
    resource = call.arn(call.function_name, call.qualifier)
    if any(one["Sid"] == statement and one["Resource"] == resource for one in moto_parts.statements(found)):
        raise ApiError(
            "ResourceConflictException",
            f"The statement id ({statement}) provided already exists. Please provide a new statement id, or remove the "
            "existing statement.",
            409,
        )
    answer = call.ask_moto()
    if answer.status >= 300:
        return answer
    added = moto_parts.statements(found)[-1]
    added["Resource"] = resource  # moto qualifies a version's twice
    return json_response({"Statement": json.dumps(added)}, 201)


def policy_shown(call: Lambda) -> Response:
    if not moto_parts.statements(call.function(call.qualifier)):
        raise ApiError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    return call.ask_moto()


def account_settings(call: Lambda) -> Response:
    names = moto_parts.function_names(call.account, call.region)
    size = sum(len(moto_parts.code_of(call.named(name))) for name in names)
    limit = {
        "TotalCodeSize": 322122547200,
        "CodeSizeUnzipped": 262144000,
        "CodeSizeZipped": 52428800,
        "ConcurrentExecutions": 1000,
        "UnreservedConcurrentExecutions": 1000,
    }
    return json_response({"AccountLimit": limit, "AccountUsage": {"TotalCodeSize": size, "FunctionCount": len(names)}})


def configuration(runtime: Runtime, found: Any) -> Json:
    """A function's configuration as Lambda shows it, pending states included."""
    config = _without_none(found.get_configuration())
    now = runtime.clock.now()
    config["RevisionId"] = _revision(runtime, found)
    dead_letters = moto_parts.marked(found, "dead_letters")
    if dead_letters:
        config["DeadLetterConfig"] = {"TargetArn": dead_letters}
    for mark, name in _FORGOTTEN.items():
        if kept := moto_parts.marked(found, mark):
            config[name] = kept
    if managed.is_managed(found):
        config |= managed.state(found)
    if failed := moto_parts.marked(found, "failed"):
        config |= {"State": "Failed", "StateReasonCode": failed, "StateReason": f"It failed by {failed}."}
    if config.get("KMSKeyArn") and runtime.switches.flag("kms-denied"):
        config |= {name: {"Error": _KMS_DENIED} for name in ("Environment", "ImageConfigResponse") if config.get(name)}
    if str(found.version) != "$LATEST":
        config["Version"] = str(found.version)
    if moto_parts.marked(found, "state_ready", 0.0) > now:
        config |= {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}
        config.pop("LastUpdateStatus", None)
    elif moto_parts.marked(found, "update_ready", 0.0) > now:
        config["LastUpdateStatus"] = "InProgress"
        config["LastUpdateStatusReason"] = "The function is being updated."
        config["LastUpdateStatusReasonCode"] = "Creating"
    return config


_FORGOTTEN = {
    "file_systems": "FileSystemConfigs",
    "capacity_provider": "CapacityProviderConfig",
    "durable": "DurableConfig",
}
_KMS_DENIED = {
    "ErrorCode": "AccessDeniedException",
    "Message": "Lambda was unable to decrypt your environment variables because the KMS access was denied. Please "
    "check your KMS permissions.",
}


def _revision(runtime: Runtime, found: Any) -> str:
    """The RevisionId: another one with each change, and at the end of Pending and of InProgress."""
    base = str(moto_parts.marked(found, "revision") or "")
    over = [
        name
        for name in ("state_ready", "update_ready")
        if 0.0 < moto_parts.marked(found, name, 0.0) <= runtime.clock.now()
    ]
    return str(uuid.uuid5(uuid.UUID(base), " ".join(over))) if over and base else base


def refuse_invoke_while_pending(runtime: Runtime, found: Any) -> None:
    """A function whose state is Pending cannot be invoked."""
    if moto_parts.marked(found, "state_ready", 0.0) > runtime.clock.now():
        raise ApiError(
            "ResourceConflictException",
            "The operation cannot be performed at this time. The function is currently in the following state: Pending",
            409,
        )


def _publish(call: Lambda, latest: Any, description: str | None) -> Any:
    """Publish $LATEST, or return the last version when nothing has changed since."""
    versions = moto_parts.versions(call.account, call.region, latest.function_name)
    fingerprint = _fingerprint(latest)
    if versions and moto_parts.marked(versions[-1], "fingerprint") == fingerprint:
        return versions[-1]
    number = moto_parts.marked(latest, "published", 0) + 1
    version = copy.copy(latest)
    # moto changes this mapping in place when $LATEST gets new code.
    version.code = dict(latest.code)
    version.set_version(number)
    if description:
        version.description = description
    moto_parts.mark(latest, published=number, revision=call.runtime.store.new_uuid())
    moto_parts.mark(
        version,
        fingerprint=fingerprint,
        revision=call.runtime.store.new_uuid(),
        state_ready=_pending_until(call.runtime, managed.activation(call.runtime, version)),
        update_ready=0.0,
        scaling=None,
        failed=call.runtime.switches.text("versions-fail"),
    )
    moto_parts.add_version(call.account, call.region, latest.function_name, version)
    return version


def _fingerprint(found: Any) -> str:
    """Code and configuration, without what changes by itself."""
    ignored = ("LastModified", "FunctionArn", "Version", "LastUpdateStatus", "State")
    config = {key: value for key, value in found.get_configuration().items() if key not in ignored}
    config["marks"] = [moto_parts.marked(found, name) for name in ("dead_letters", "updates", *_FORGOTTEN)]
    return json.dumps(config, sort_keys=True, default=str)


def _keep_what_moto_forgets(body: Mapping[str, Any], found: Any) -> None:
    """File systems, and DeadLetterConfig, which a split alias's versions must share; an empty ARN takes it away."""
    if body.get("DeadLetterConfig") is not None:
        moto_parts.mark(found, dead_letters=body["DeadLetterConfig"].get("TargetArn") or None)
    for mark, name in _FORGOTTEN.items():
        if body.get(name) is not None:
            moto_parts.mark(found, **{mark: body[name]})


def _touched(call: Lambda, found: Any) -> None:
    found.last_modified = call.runtime.clock.datetime().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
    ready = _pending_until(call.runtime)
    moto_parts.mark(found, revision=call.runtime.store.new_uuid(), update_ready=ready)


def _pending_until(runtime: Runtime, instances: float = 0.0) -> float:
    seconds = max(runtime.switches.number("lambda-pending-seconds"), instances)
    return runtime.clock.now() + seconds if seconds else 0.0


def _refuse_qualifier(call: Lambda) -> None:
    """A published version never changes, and an alias has nothing to change here."""
    if call.qualifier not in (None, "$LATEST"):
        raise ApiError(
            "InvalidParameterValueException",
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
            "Please specify either a function name or an unqualified function ARN.",
        )


def _refuse_while_pending(call: Lambda, found: Any) -> None:
    now = call.runtime.clock.now()
    if moto_parts.marked(found, "state_ready", 0.0) > now:
        text = "The function is currently in the following state: Pending"
    elif moto_parts.marked(found, "update_ready", 0.0) > now:
        text = f"An update is in progress for resource: {found.function_arn}"
    else:
        return
    raise ApiError("ResourceConflictException", f"The operation cannot be performed at this time. {text}", 409)


def _refuse_stale(runtime: Runtime, body: Mapping[str, Any], found: Any) -> None:
    revision = body.get("RevisionId")
    if revision and revision != _revision(runtime, found):
        raise ApiError("PreconditionFailedException", STALE, 412)


def _with_code(given: Json) -> Json:
    """The code as moto takes it; code in S3 is read here, because moto disregards S3ObjectVersion."""
    if given.get("ZipFile"):
        try:
            code = base64.b64decode(given["ZipFile"], validate=True)
        except binascii.Error as error:
            text = f"Could not parse request body into json: Failed to decode VALUE_STRING as base64: {error}"
            raise ApiError("InvalidRequestContentException", text) from None
        _check_zip(code)
        return given
    if not given.get("S3Bucket") or not given.get("S3Key"):
        if not given.get("ImageUri"):
            raise ApiError("InvalidParameterValueException", "Please provide a source for function code.")
        return given
    found = moto_parts.s3_object(given["S3Bucket"], given["S3Key"], given.get("S3ObjectVersion"))
    if found is None:
        owner = moto_parts.bucket_owner(given["S3Bucket"])
        reason = "NoSuchKey" if owner else "NoSuchBucket"
        raise ApiError(
            "InvalidParameterValueException",
            f"Error occurred while GetObject. S3 Error Code: {reason}. S3 Error Message: The specified "
            f"{'key' if owner else 'bucket'} does not exist.",
        )
    rest = {key: value for key, value in given.items() if key not in ("S3Bucket", "S3Key", "S3ObjectVersion")}
    stored = bytes(found.value)
    _check_zip(stored)
    return {**rest, "ZipFile": base64.b64encode(stored).decode()}


def _reference(given: Json) -> Json | None:
    """The object that Lambda reads code from, where it is to keep no copy (S3ObjectStorageMode)."""
    mode = given.pop("S3ObjectStorageMode", "COPY")
    if mode not in ("COPY", "REFERENCE"):
        raise ApiError("InvalidParameterValueException", f"The value '{mode}' of s3ObjectStorageMode is not valid.")
    if mode == "COPY":
        return None
    if not given.get("S3Bucket") or not given.get("S3Key"):
        raise ApiError("InvalidParameterValueException", "S3ObjectStorageMode REFERENCE needs an object in S3.")
    found = moto_parts.s3_object(given["S3Bucket"], given["S3Key"], given.get("S3ObjectVersion"))
    version = given.get("S3ObjectVersion") or getattr(found, "version_id", None)
    place = {"S3Bucket": given["S3Bucket"], "S3Key": given["S3Key"]}
    return {**place, "S3ObjectVersion": str(version)} if version and version != "null" else place


def _check_zip(code: bytes) -> None:
    if not zipfile.is_zipfile(io.BytesIO(code)):
        raise ApiError(
            "InvalidParameterValueException",
            "Could not unzip uploaded file. Please check your file, then try to upload again.",
        )


def _without_none(config: Mapping[str, Any]) -> Json:
    return {key: value for key, value in config.items() if value is not None}


OPERATIONS: dict[str, Handler] = {
    "CreateFunction": created,
    "GetFunction": shown,
    "GetFunctionConfiguration": shown,
    "ListFunctions": listed,
    "ListVersionsByFunction": versions_listed,
    "PublishVersion": published,
    "UpdateFunctionCode": code_updated,
    "UpdateFunctionConfiguration": configuration_updated,
    "DeleteFunction": deleted,
    "AddPermission": permission_added,
    "GetPolicy": policy_shown,
    "GetAccountSettings": account_settings,
}
