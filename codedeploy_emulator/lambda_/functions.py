"""Lambda where moto falls short: functions and versions (facts A12, C, F).

moto stores the functions; added here: RevisionId, pending states, guards of PublishVersion and of updates, DryRun,
versions that are published only when something changed and whose numbers are never used twice, refusal to delete a
version that an alias serves, code from a pinned S3 version, provisioned concurrency, account settings, pages.
"""

from __future__ import annotations

import base64
import binascii
import copy
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from ..aws import moto_parts
from ..errors import ApiError
from ..runtime import Runtime
from ..server.wire import Response, json_response, path_parts
from .call import STALE, Handler, Json, Lambda, page


def created(call: Lambda) -> Response:
    body = call.body()
    publish = body.pop("Publish", False)
    code = body.get("Code")
    body["Code"] = _with_code(code if isinstance(code, dict) else {})
    answer = call.ask_moto(body)
    if answer.status >= 300:
        return answer
    found = call.named(str(body["FunctionName"]))
    found.code = dict(found.code)
    _keep_dead_letters(body, found)
    ready = _pending_until(call.runtime)
    moto_parts.mark(found, revision=call.runtime.store.new_uuid(), state_ready=ready, published=0)
    if publish:
        found = _publish(call, found, None)
    return json_response(configuration(call.runtime, found), 201)


def shown(call: Lambda) -> Response:
    """GetFunction and GetFunctionConfiguration."""
    found = call.function(call.qualifier)
    config = configuration(call.runtime, found)
    if call.qualifier:
        config["FunctionArn"] = call.arn(call.function_name, call.qualifier)
    if path_parts(call.request)[-1] == "configuration":
        return json_response(config)
    answer = _without_none({**found.get_code(), "Configuration": config})
    return json_response(answer)


def listed(call: Lambda) -> Response:
    """ListFunctions, FunctionVersion=ALL included."""
    found: list[Any] = []
    for name in moto_parts.function_names(call.account, call.region):
        found.append(call.named(name))
        if call.request.query.get("FunctionVersion") == "ALL":
            found += moto_parts.versions(call.account, call.region, name)
    return page(call.request, "Functions", [configuration(call.runtime, function) for function in found])


def versions_listed(call: Lambda) -> Response:
    latest = configuration(call.runtime, call.function())
    latest["FunctionArn"] += ":$LATEST"
    rest = [configuration(call.runtime, version) for version in call.versions()]
    return page(call.request, "Versions", [latest, *rest])


def published(call: Lambda) -> Response:
    body = call.body()
    found = call.function()
    _refuse_while_pending(call, found)
    expected = body.get("CodeSha256")
    if expected and expected != found.code_sha_256:
        raise ApiError(
            "InvalidParameterValueException",
            f"CodeSHA256 ({expected}) is different from current CodeSHA256 in $LATEST ({found.code_sha_256}). Please "
            "try again with the CodeSHA256 in $LATEST.",
        )
    _refuse_stale(body, found)
    return json_response(configuration(call.runtime, _publish(call, found, body.get("Description"))), 201)


def code_updated(call: Lambda) -> Response:
    body = call.body()
    found = call.function()
    _refuse_while_pending(call, found)
    _refuse_stale(body, found)
    publish, dry_run = body.pop("Publish", False), body.pop("DryRun", False)
    body.pop("RevisionId", None)
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
    if publish:
        found = _publish(call, found, None)
    return json_response(configuration(call.runtime, found))


def configuration_updated(call: Lambda) -> Response:
    body = call.body()
    found = call.function()
    _refuse_while_pending(call, found)
    _refuse_stale(body, found)
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
    _keep_dead_letters(body, found)
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
    found = call.function(qualifier)
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
    moto_parts.drop_version(call.account, call.region, call.function_name, found)
    return Response(status=204)


def account_settings(call: Lambda) -> Response:
    names = moto_parts.function_names(call.account, call.region)
    size = sum(len(moto_parts.code_of(call.named(name))) for name in names)
    limit = {
        "TotalCodeSize": 80530636800,
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
    config["RevisionId"] = moto_parts.marked(found, "revision") or ""
    dead_letters = moto_parts.marked(found, "dead_letters")
    if dead_letters:
        config["DeadLetterConfig"] = {"TargetArn": dead_letters}
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
    moto_parts.mark(latest, published=number)
    moto_parts.mark(
        version,
        fingerprint=fingerprint,
        revision=call.runtime.store.new_uuid(),
        state_ready=_pending_until(call.runtime),
        update_ready=0.0,
    )
    moto_parts.add_version(call.account, call.region, latest.function_name, version)
    return version


def _fingerprint(found: Any) -> str:
    """Code and configuration, without what changes by itself."""
    ignored = ("LastModified", "FunctionArn", "Version", "LastUpdateStatus", "State")
    config = {key: value for key, value in found.get_configuration().items() if key not in ignored}
    config["DeadLetterConfig"] = moto_parts.marked(found, "dead_letters")
    return json.dumps(config, sort_keys=True, default=str)


def _keep_dead_letters(body: Mapping[str, Any], found: Any) -> None:
    """moto forgets DeadLetterConfig, which the versions of a split alias must share; an empty ARN takes it away."""
    if body.get("DeadLetterConfig") is not None:
        moto_parts.mark(found, dead_letters=body["DeadLetterConfig"].get("TargetArn") or None)


def _touched(call: Lambda, found: Any) -> None:
    found.last_modified = call.runtime.clock.datetime().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
    ready = _pending_until(call.runtime)
    moto_parts.mark(found, revision=call.runtime.store.new_uuid(), update_ready=ready)


def _pending_until(runtime: Runtime) -> float:
    seconds = runtime.switches.number("lambda-pending-seconds")
    return runtime.clock.now() + seconds if seconds else 0.0


def _refuse_while_pending(call: Lambda, found: Any) -> None:
    now = call.runtime.clock.now()
    if moto_parts.marked(found, "state_ready", 0.0) > now:
        text = "The function is currently in the following state: Pending"
    elif moto_parts.marked(found, "update_ready", 0.0) > now:
        text = f"An update is in progress for resource: {found.function_arn}"
    else:
        return
    raise ApiError("ResourceConflictException", f"The operation cannot be performed at this time. {text}", 409)


def _refuse_stale(body: Mapping[str, Any], found: Any) -> None:
    revision = body.get("RevisionId")
    if revision and revision != moto_parts.marked(found, "revision"):
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
    "GetAccountSettings": account_settings,
}
