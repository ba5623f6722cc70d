"""Lambda where moto falls short: aliases, their weights and RevisionId, provisioned concurrency (facts A12)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..aws import moto_parts
from ..errors import ApiError
from ..server.wire import Response, json_response, path_parts
from .call import STALE, Handler, Json, Lambda, page

_ALIAS = re.compile(r"(?!^[0-9]+$)[a-zA-Z0-9-_]{1,128}")
_WITH_WEIGHTS = "Alias with weights can not be used with Provisioned Concurrency"


def alias_json(alias: Any) -> Json:
    """An alias as Lambda shows it: RoutingConfig only while traffic is split."""
    shown: Json = {
        "AliasArn": alias.arn,
        "Name": alias.name,
        "FunctionVersion": str(alias.function_version),
        "Description": alias.description or "",
        "RevisionId": alias.revision_id,
    }
    weights = moto_parts.alias_weights(alias)
    if weights:
        shown["RoutingConfig"] = {"AdditionalVersionWeights": weights}
    return shown


def created(call: Lambda) -> Response:
    body = call.body()
    call.function()
    name, version = body.get("Name"), body.get("FunctionVersion")
    if not isinstance(name, str) or not _ALIAS.fullmatch(name):
        raise ApiError(
            "ValidationException",
            f"1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must satisfy "
            "regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)",
        )
    version = _version(call, version)
    weights = _weights(call, version, body.get("RoutingConfig"))
    if moto_parts.alias(call.account, call.region, call.function_name, name) is not None:
        raise ApiError("ResourceConflictException", f"Alias already exists: {call.arn(call.function_name, name)}", 409)
    description = str(body.get("Description") or "")
    alias = moto_parts.make_alias(call.account, call.region, call.function_name, name, version, description)
    moto_parts.set_alias(alias, version, weights, call.runtime.store.new_uuid())
    return json_response(alias_json(alias), 201)


def shown(call: Lambda) -> Response:
    return json_response(alias_json(_alias(call)))


def listed(call: Lambda) -> Response:
    call.function()
    found = moto_parts.aliases(call.account, call.region, call.function_name)
    version = call.request.query.get("FunctionVersion")
    if version:
        found = [alias for alias in found if str(alias.function_version) == version]
    return page(call.request, "Aliases", [alias_json(alias) for alias in found])


def updated(call: Lambda) -> Response:
    body = call.body()
    alias = _alias(call, "Alias not found: {arn}")
    if body.get("RevisionId") and body["RevisionId"] != alias.revision_id:
        raise ApiError("PreconditionFailedException", STALE, 412)
    version, weights = str(alias.function_version), moto_parts.alias_weights(alias)
    if body.get("FunctionVersion") is not None:
        version = _version(call, body["FunctionVersion"])
    routing = {"AdditionalVersionWeights": weights}
    if "RoutingConfig" in body and body["RoutingConfig"] is not None:
        routing = body["RoutingConfig"]
    weights = _weights(call, version, routing)
    if weights and moto_parts.marked(alias, "provisioned"):
        raise ApiError("InvalidParameterValueException", _WITH_WEIGHTS)
    if body.get("Description") is not None:
        alias.description = body["Description"]
    moto_parts.set_alias(alias, version, weights, call.runtime.store.new_uuid())
    return json_response(alias_json(alias))


def deleted(call: Lambda) -> Response:
    call.function()
    moto_parts.drop_alias(call.account, call.region, call.function_name, path_parts(call.request)[4])
    return Response(status=204)


def _alias(call: Lambda, missing: str = "Cannot find alias arn: {arn}") -> Any:
    call.function()
    name = path_parts(call.request)[4]
    found = moto_parts.alias(call.account, call.region, call.function_name, name)
    if found is None:
        text = missing.format(arn=call.arn(call.function_name, name))
        raise ApiError("ResourceNotFoundException", text, 404)
    return found


def _version(call: Lambda, given: object) -> str:
    version = str(given or "")
    if version != "$LATEST" and not version.isdigit():
        raise ApiError("ValidationException", f"The value '{version}' of functionVersion is not a version.")
    call.function(version)
    return version


def _weights(call: Lambda, primary: str, routing: object) -> dict[str, float]:
    """The additional weights, checked: one published version beside a published primary, weight from 0 to 1."""
    weights = (routing.get("AdditionalVersionWeights") or {}) if isinstance(routing, Mapping) else {}
    if not weights:
        return {}

    def wrong(text: str) -> ApiError:
        return ApiError("InvalidParameterValueException", text)

    if len(weights) > 1:
        raise wrong("Number of items in AdditionalVersionWeights cannot be greater than 1")
    if primary == "$LATEST" or "$LATEST" in weights:
        raise wrong("$LATEST is not supported for an alias pointing to more than 1 version")
    (version, weight) = next(iter(weights.items()))
    if not re.fullmatch("[0-9]+", version):
        raise _invalid(
            version,
            weight,
            "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have "
            "length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+, Member must "
            "not be null]",
        )
    if version == primary:
        raise wrong(
            f"Invalid function version {version}. Function version {version} is already included in routing "
            "configuration."
        )
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0.0 <= weight <= 1.0:
        raise _invalid(
            version,
            weight,
            "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have "
            "value greater than or equal to 0.0, Member must not be null]",
        )
    first, second = call.function(primary), call.function(_version(call, version))
    if first.role != second.role:
        raise wrong("The two versions of an alias must have the same execution role.")
    if moto_parts.marked(first, "dead_letters") != moto_parts.marked(second, "dead_letters"):
        raise wrong("The two versions of an alias must have the same dead-letter queue configuration, or none.")
    return {version: float(weight)}


def _invalid(version: str, weight: object, constraint: str) -> ApiError:
    return ApiError(
        "ValidationException",
        f"1 validation error detected: Value '{{{version}={weight}}}' at 'routingConfig.additionalVersionWeights' "
        f"failed to satisfy constraint: {constraint}",
    )


def concurrency_put(call: Lambda) -> Response:
    qualifier = _qualifier(call)
    wanted = call.body().get("ProvisionedConcurrentExecutions")
    if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 1:
        raise ApiError("InvalidParameterValueException", "ProvisionedConcurrentExecutions must be 1 at least.")
    target = _concurrency_target(call, qualifier)
    alias = moto_parts.alias(call.account, call.region, call.function_name, qualifier)
    if alias is not None and moto_parts.alias_weights(alias):
        raise ApiError("InvalidParameterValueException", _WITH_WEIGHTS)
    moment = call.runtime.clock.datetime().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
    config = {
        "RequestedProvisionedConcurrentExecutions": wanted,
        "AvailableProvisionedConcurrentExecutions": wanted,
        "AllocatedProvisionedConcurrentExecutions": wanted,
        "Status": "READY",
        "LastModified": moment,
    }
    moto_parts.mark(target, provisioned=config)
    return json_response(config, 202)


def concurrency_shown(call: Lambda) -> Response:
    config = moto_parts.marked(_concurrency_target(call, _qualifier(call)), "provisioned")
    if not config:
        raise ApiError(
            "ProvisionedConcurrencyConfigNotFoundException",
            "No Provisioned Concurrency Config found for this function",
            404,
        )
    return json_response(config)


def concurrency_listed(call: Lambda) -> Response:
    call.function()
    found = []
    for target in (*call.versions(), *moto_parts.aliases(call.account, call.region, call.function_name)):
        config = moto_parts.marked(target, "provisioned")
        if config:
            found.append({"FunctionArn": getattr(target, "function_arn", None) or target.arn, **config})
    return page(call.request, "ProvisionedConcurrencyConfigs", found)


def concurrency_deleted(call: Lambda) -> Response:
    moto_parts.mark(_concurrency_target(call, _qualifier(call)), provisioned=None)
    return Response(status=204)


def _qualifier(call: Lambda) -> str:
    qualifier = call.qualifier
    if not qualifier or qualifier == "$LATEST":
        raise ApiError("InvalidParameterValueException", "A version or an alias is needed as qualifier.")
    return qualifier


def _concurrency_target(call: Lambda, qualifier: str) -> Any:
    version = call.function(qualifier)
    return moto_parts.alias(call.account, call.region, call.function_name, qualifier) or version


OPERATIONS: dict[str, Handler] = {
    "CreateAlias": created,
    "GetAlias": shown,
    "ListAliases": listed,
    "UpdateAlias": updated,
    "DeleteAlias": deleted,
    "PutProvisionedConcurrencyConfig": concurrency_put,
    "GetProvisionedConcurrencyConfig": concurrency_shown,
    "ListProvisionedConcurrencyConfigs": concurrency_listed,
    "DeleteProvisionedConcurrencyConfig": concurrency_deleted,
}
