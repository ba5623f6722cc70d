"""What invokes a version without an alias: configurations for asynchronous invocations, and function URLs.

moto knows both of a function as a whole; in AWS each belongs to a qualifier (botocore's Lambda model).
"""

from __future__ import annotations

from typing import Any

from ..aws import moto_parts
from ..errors import ApiError
from ..server.wire import Response, json_response
from .call import Handler, Json, Lambda, page

_EVENT_MEMBERS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")


def _kept(call: Lambda, kind: str) -> dict[str, Json]:
    """By qualifier, `` for none; of the function, which has to exist with the qualifier that is asked for."""
    call.function(call.qualifier)
    found = call.function()
    held: dict[str, Json] | None = moto_parts.marked(found, kind)
    if held is None:
        held = {}
        moto_parts.mark(found, **{kind: held})
    return held


def _one(call: Lambda, kind: str) -> Json:
    found = _kept(call, kind).get(call.qualifier or "")
    if found is None:
        text = f"The function {call.arn(call.function_name, call.qualifier)} doesn't have an EventInvokeConfig"
        raise ApiError(
            "ResourceNotFoundException",
            text if kind == "event_configs" else "The resource you requested does not exist.",
            404,
        )
    return found


def event_put(call: Lambda) -> Response:
    """PutFunctionEventInvokeConfig replaces, UpdateFunctionEventInvokeConfig adds to what there is."""
    kept, qualifier = _kept(call, "event_configs"), call.qualifier or ""
    before = kept.get(qualifier, {}) if call.request.method == "POST" else {}
    given = {name: value for name, value in call.body().items() if name in _EVENT_MEMBERS}
    arn = call.arn(call.function_name, qualifier or "$LATEST")
    kept[qualifier] = {**before, **given, "FunctionArn": arn, "LastModified": call.runtime.clock.now()}
    return json_response(kept[qualifier])


def event_shown(call: Lambda) -> Response:
    return json_response(_one(call, "event_configs"))


def event_listed(call: Lambda) -> Response:
    return page(call.request, "FunctionEventInvokeConfigs", list(_kept(call, "event_configs").values()))


def event_deleted(call: Lambda) -> Response:
    _one(call, "event_configs")
    del _kept(call, "event_configs")[call.qualifier or ""]
    return Response(status=204)


def url_created(call: Lambda) -> Response:
    kept, qualifier, body = _kept(call, "urls"), call.qualifier or "", call.body()
    if qualifier.isdecimal():
        raise ApiError("ValidationException", "A function URL belongs to an alias or to the function itself.")
    if qualifier in kept:
        raise ApiError("ResourceConflictException", "Failed to create function url config: it exists already.", 409)
    moment = call.runtime.clock.datetime().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
    host = call.runtime.store.new_uuid().replace("-", "")
    kept[qualifier] = {
        "FunctionUrl": f"https://{host}.lambda-url.{call.region}.on.aws/",
        "FunctionArn": call.arn(call.function_name, call.qualifier),
        "AuthType": body.get("AuthType", "AWS_IAM"),
        "CreationTime": moment,
        "LastModifiedTime": moment,
        "InvokeMode": body.get("InvokeMode", "BUFFERED"),
    }
    return json_response(kept[qualifier], 201)


def url_shown(call: Lambda) -> Response:
    return json_response(_one(call, "urls"))


def urls_listed(call: Lambda) -> Response:
    return page(call.request, "FunctionUrlConfigs", list(_kept(call, "urls").values()))


def url_deleted(call: Lambda) -> Response:
    _one(call, "urls")
    del _kept(call, "urls")[call.qualifier or ""]
    return Response(status=204)


def forget(found: Any, version: str) -> None:
    """A version is deleted, and what was configured for it with it."""
    (moto_parts.marked(found, "event_configs") or {}).pop(version, None)


OPERATIONS: dict[str, Handler] = {
    "PutFunctionEventInvokeConfig": event_put,
    "UpdateFunctionEventInvokeConfig": event_put,
    "GetFunctionEventInvokeConfig": event_shown,
    "ListFunctionEventInvokeConfigs": event_listed,
    "DeleteFunctionEventInvokeConfig": event_deleted,
    "CreateFunctionUrlConfig": url_created,
    "GetFunctionUrlConfig": url_shown,
    "ListFunctionUrlConfigs": urls_listed,
    "DeleteFunctionUrlConfig": url_deleted,
}
