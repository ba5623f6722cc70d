"""Lambda's Invoke: it runs the function's Python code (or plays its script), following the alias's weights."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

from ..aws import moto_parts
from ..errors import ApiError
from ..runtime import Runtime
from ..server.wire import Response, request_id
from . import durable, managed
from .call import Lambda
from .functions import refuse_invoke_while_pending
from .processes import Outcome


def invoked(call: Lambda) -> Response:
    """Answer an Invoke. Takes the lock for what it reads and writes, never while the function runs."""
    runtime, headers = call.runtime, call.request.headers
    kind = headers.get("x-amz-invocation-type", "RequestResponse")
    with runtime.lock:
        found, via = _chosen(call)
        refuse_invoke_while_pending(runtime, found)
        managed.refuse_invoke(found)
    event = call.request.body.strip() or b"{}"
    try:
        json.loads(event)
    except ValueError as error:
        raise ApiError("InvalidRequestContentException", f"Could not parse request body into json: {error}") from None
    common = [("x-amzn-RequestId", request_id()), ("X-Amz-Executed-Version", str(found.version))]
    if kind == "DryRun":
        return Response(status=204, headers=common)
    if kind == "Event":
        if durable.is_durable(found):
            with runtime.lock:
                name = headers.get("x-amz-durable-execution-name")
                durable.began(runtime, call.function(), found, call.arn(call.function_name), name)
        threading.Thread(target=_run, args=(runtime, found, via, event), name="emulator-invoke", daemon=True).start()
        return Response(status=202, headers=common)
    if kind != "RequestResponse":
        raise ApiError("InvalidParameterValueException", f"The invocation type {kind} is not valid.")
    outcome = _run(runtime, found, via, event)
    common[0] = ("x-amzn-RequestId", outcome.request_id)
    common.append(("Content-Type", "application/json"))
    if outcome.failed:
        common.append(("X-Amz-Function-Error", "Unhandled"))
    if headers.get("x-amz-log-type") == "Tail":
        common.append(("X-Amz-Log-Result", base64.b64encode(outcome.tail.encode()).decode()))
    return Response(headers=common, body=outcome.payload)


def _run(runtime: Runtime, found: Any, via: tuple[str, bool], event: bytes) -> Outcome:
    with runtime.lock:
        started, generation = runtime.clock.now(), runtime.generation
        script = runtime.functions.script_for(found)
    outcome = runtime.functions.play(found, script) if script else runtime.functions.run(found, event)
    with runtime.lock:
        # After a reset this invocation belongs to a world that is gone.
        if generation == runtime.generation:
            ended = runtime.clock.now()
            runtime.functions.write_log(found, outcome, started, ended)
            runtime.book.invoked(found, via, started, ended, outcome.failed)
    return outcome


def _chosen(call: Lambda) -> tuple[Any, tuple[str, bool]]:
    """The version that this invocation goes to; the qualifier that it came by, and whether that splits its calls."""
    qualifier = call.qualifier
    if qualifier:
        alias = moto_parts.alias(call.account, call.region, call.function_name, qualifier)
        if alias is not None:
            point = call.runtime.store.chance()
            weights = moto_parts.alias_weights(alias)
            for version, weight in weights.items():
                if point < weight:
                    return call.function(version), (qualifier, True)
            return call.function(str(alias.function_version)), (qualifier, bool(weights))
    published = call.versions()[-1:] if managed.is_managed(call.function()) else []
    if published and qualifier in (None, "", managed.PUBLISHED):
        found = published[0]
    else:
        found = call.function(qualifier)
    return found, (qualifier or "", False)
