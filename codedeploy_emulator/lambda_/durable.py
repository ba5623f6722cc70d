"""Durable executions: they begin by an asynchronous Invoke, stay on the version that began them, and end when stopped.

What the code does is not followed: an execution of `Event` runs until StopDurableExecution. Shapes: botocore's model.
"""

from __future__ import annotations

from typing import Any

from ..aws import moto_parts
from ..errors import ApiError
from ..runtime import Runtime
from ..server.wire import Response, json_response, path_parts
from .call import Handler, Json, Lambda, page

_AFTER = {"stop": "STOPPED", "pause": "PAUSED", "resume": "RUNNING"}


def is_durable(found: Any) -> bool:
    return bool(moto_parts.marked(found, "durable"))


def began(runtime: Runtime, latest: Any, found: Any, arn: str, name: str | None) -> None:
    """An execution that Invoke has begun on a version."""
    identity = runtime.store.new_uuid()
    executions = moto_parts.marked(latest, "executions") or []
    executions.append(
        {
            "DurableExecutionArn": f"{arn}:{found.version}/durable-execution/{name or identity}/{identity}",
            "DurableExecutionName": name or identity,
            "FunctionArn": f"{arn}:{found.version}",
            "Status": "RUNNING",
            "StartTimestamp": runtime.clock.now(),
        }
    )
    moto_parts.mark(latest, executions=executions)


def listed(call: Lambda) -> Response:
    version = call.function(call.qualifier)
    found: list[Json] = list(moto_parts.marked(call.function(), "executions") or [])
    if call.qualifier:
        arn = call.arn(call.function_name, str(version.version))
        found = [one for one in found if one["FunctionArn"] == arn]
    wanted = call.request.query_values("Statuses")
    if wanted:
        found = [one for one in found if one["Status"] in wanted]
    return page(call.request, "DurableExecutions", found, most=1000, usual=100)


def moved(call: Lambda) -> Response:
    """StopDurableExecution, PauseDurableExecution, ResumeDurableExecution."""
    *parts, what = path_parts(call.request)
    arn = "/".join(parts[2:])
    name = arn.split(":")[6] if arn.count(":") > 6 else ""
    found = moto_parts.function(call.account, call.region, name) if name else None
    for one in moto_parts.marked(found, "executions") or () if found is not None else ():
        if one["DurableExecutionArn"] == arn:
            one["Status"] = _AFTER[what]
            stopped = {"StopTimestamp": call.runtime.clock.now()} if what == "stop" else {}
            return json_response(stopped, 200 if what == "stop" else 202)
    raise ApiError("ResourceNotFoundException", f"Durable execution not found: {arn}", 404)


OPERATIONS: dict[str, Handler] = {
    "ListDurableExecutionsByFunction": listed,
    "StopDurableExecution": moved,
    "PauseDurableExecution": moved,
    "ResumeDurableExecution": moved,
}
