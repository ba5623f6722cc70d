"""Runs one Lambda function in a process of its own: `python -I -u child.py ROOT HANDLER RESULT_FILE`.

The event and the context come as JSON on standard input; what the function prints goes where prints go; what it
returns, or how it failed, is written to RESULT_FILE in the form in which Lambda returns it. This file is executed,
never imported, so it must not need the package.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any


class Context:
    """The parts of Lambda's context object that functions use."""

    def __init__(self, values: dict[str, str], deadline: float) -> None:
        self.__dict__.update(values)
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is killed."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def run(root: str, handler: str, given: dict[str, Any]) -> dict[str, Any]:
    """Load and call the handler: `{"payload": JSON text}`, or `{"error": Lambda's error object}`."""
    identity = given["context"]["aws_request_id"]
    # The function's own modules win, as in Lambda; the emulator's boto3 stands behind them.
    sys.path.insert(0, root)
    module_name, _, function_name = handler.rpartition(".")
    try:
        function = getattr(importlib.import_module(module_name.replace("/", ".")), function_name)
    except BaseException as error:  # noqa: BLE001 - whatever a module does when imported, Lambda reports it
        kind = "Runtime.ImportModuleError" if isinstance(error, ImportError) else "Runtime.HandlerNotFound"
        return {"error": failure(f"Unable to load '{handler}': {error}", kind, identity)}
    try:
        context = Context(given["context"], time.monotonic() + given["seconds"])
        return {"payload": json.dumps(function(given["event"], context))}
    except SystemExit as error:
        return {"error": failure(f"RequestId: {identity} Error: exit {error.code}", "Runtime.ExitError", identity)}
    except BaseException as error:  # noqa: BLE001 - the same for what a handler raises
        return {"error": failure(str(error), type(error).__name__, identity)}


def failure(message: str, kind: str, identity: str) -> dict[str, Any]:
    """An error as Lambda returns it; it is printed too, as Lambda's runtime does."""
    trace = traceback.format_exc().splitlines(keepends=True)
    sys.stdout.write(f"[ERROR] {kind}: {message}\n{''.join(trace)}")
    return {"errorMessage": message, "errorType": kind, "requestId": identity, "stackTrace": trace}


if __name__ == "__main__":
    outcome = run(sys.argv[1], sys.argv[2], json.load(sys.stdin))
    Path(sys.argv[3]).write_text(json.dumps(outcome), encoding="utf-8")
