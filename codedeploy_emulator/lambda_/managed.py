"""Functions on managed instances (capacity providers): their states, and the scaling config of a version (facts H).

A published version is Active when its instances have started; `$LATEST` is `ActiveNonInvocable` for good; a version
that is scaled to nothing is Deactivated, and comes back by its scaling config alone.
"""

from __future__ import annotations

from typing import Any

from ..aws import moto_parts
from ..errors import ApiError
from ..runtime import Runtime
from ..server.wire import Response, json_response
from .call import Handler, Json, Lambda

# What a name without a qualifier invokes there: the version that was published last.
PUBLISHED = "$LATEST.PUBLISHED"


def is_managed(found: Any) -> bool:
    return bool(moto_parts.marked(found, "capacity_provider"))


def state(found: Any) -> Json:
    """The state of a function or version on managed instances that is not pending."""
    if str(found.version) == "$LATEST":
        return {"State": "ActiveNonInvocable"}
    if _maximum(moto_parts.marked(found, "scaling")) == 0:
        return {"State": "Deactivated", "StateReason": "The function version has been deactivated."}
    return {"State": "Active"}


def activation(runtime: Runtime, found: Any) -> float:
    """Seconds until the instances of a version have started; none where it has no instances."""
    return runtime.switches.number("managed-activation-seconds") if is_managed(found) else 0.0


def refuse_invoke(found: Any) -> None:
    """Neither `$LATEST` nor what has no instances can be invoked."""
    if is_managed(found) and (now := state(found)["State"]) != "Active":
        text = f"The function is currently in the following state: {now}"
        raise ApiError("ResourceConflictException", f"The operation cannot be performed at this time. {text}", 409)


def scaling_put(call: Lambda) -> Response:
    found = _version(call)
    config = call.body().get("FunctionScalingConfig") or {}
    was = state(found)["State"]
    moto_parts.mark(found, scaling=config or None)
    if was == "Deactivated" and state(found)["State"] == "Active":
        moto_parts.mark(found, state_ready=call.runtime.clock.now() + activation(call.runtime, found))
    return json_response({"FunctionState": state(found)["State"]}, 202)


def scaling_shown(call: Lambda) -> Response:
    found = _version(call)
    config = moto_parts.marked(found, "scaling")
    answer = {"FunctionArn": call.arn(call.function_name, call.qualifier)}
    if config:
        answer |= {"AppliedFunctionScalingConfig": config, "RequestedFunctionScalingConfig": config}
    return json_response(answer)


def _version(call: Lambda) -> Any:
    found = call.function(call.qualifier)
    if not is_managed(found) or str(found.version) == "$LATEST":
        raise ApiError(
            "InvalidParameterValueException", "A scaling config belongs to a published version on managed instances."
        )
    return found


def _maximum(config: Json | None) -> object:
    return (config or {}).get("MaxExecutionEnvironments")


OPERATIONS: dict[str, Handler] = {
    "PutFunctionScalingConfig": scaling_put,
    "GetFunctionScalingConfig": scaling_shown,
}
