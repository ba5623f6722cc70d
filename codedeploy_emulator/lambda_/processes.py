"""Invoking Lambda functions: a fresh process that runs their Python code, or an outcome played from a script.

What a function prints goes to its log group with Lambda's START, END and REPORT lines, stamped with emulated time. A
process runs in real time, so its timeout counts in real seconds, 10 at least.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..aws import moto_parts
from ..clock import Clock
from ..errors import SeedError
from ..server.wire import request_id
from ..switches import Switches

OUTCOMES = ("run", "succeed", "fail", "crash", "silent")
LEAST_TIMEOUT = 10.0
_RUNNER = Path(__file__).with_name("child.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """An outcome to play instead of running code; `seconds` is emulated, `log` is what the function "prints"."""

    outcome: str
    seconds: float | None = None
    log: tuple[str, ...] = ()
    payload: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an invocation ended: its payload, or an error of Lambda's form (FunctionError: Unhandled)."""

    request_id: str
    payload: bytes
    failed: bool
    lines: tuple[str, ...]
    log_stream: str

    @property
    def tail(self) -> str:
        """The last 4 KB of the log, as LogResult and the lifecycle diagnostics show them."""
        return "\n".join(self.lines).encode()[-4096:].decode("utf-8", "ignore")


@dataclass(slots=True, kw_only=True)
class Functions:
    """Runs functions; keeps the scripts and the unpacked code."""

    clock: Clock
    switches: Switches
    environment: dict[str, str] = field(default_factory=dict)
    scripts: dict[str, Script] = field(default_factory=dict)
    _folder: str = ""
    _unpacking: threading.Lock = field(default_factory=threading.Lock)
    # More processes at once than this only make each other time out.
    _slots: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(8))
    _streams: dict[str, str] = field(default_factory=dict)
    _running: set[subprocess.Popen[bytes]] = field(default_factory=set)

    def script(self, scripts: Mapping[str, object]) -> None:
        """Set outcomes by function name (`run` takes a script away again). SeedError says what is wrong."""
        for name, value in scripts.items():
            script = _script(name, value)
            if script.outcome == "run":
                self.scripts.pop(name, None)
            else:
                self.scripts[name] = script

    def script_for(self, found: Any) -> Script | None:
        """The script of a function object; None when its code is to be run."""
        script = self.scripts.get(found.function_name)
        if script is not None:
            return script
        default = self.switches.text("hooks")
        if default != "run":
            return Script(outcome=default)
        if not str(found.run_time or "").startswith("python"):
            return Script(outcome="succeed")
        return None

    def play(self, found: Any, script: Script) -> Outcome:
        """The outcome of a scripted invocation; takes no time."""
        lines = list(script.log)
        if script.outcome in ("fail", "crash"):
            error = {"errorMessage": f"scripted outcome: {script.outcome}", "errorType": "ScriptedError"}
            if script.outcome == "crash":
                lines.append("[ERROR] ScriptedError: scripted outcome: crash")
            return self._outcome(found, json.dumps(error).encode(), True, lines)
        return self._outcome(found, json.dumps(script.payload).encode(), False, lines)

    def run(self, found: Any, event: bytes) -> Outcome:
        """Run the function's code in a fresh process and wait for it. Call it without the emulator's lock."""
        identity, stream = request_id(), self._stream(found)
        try:
            root = self._unpack(moto_parts.code_of(found))
        except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError) as error:
            failure = {"errorMessage": f"the code cannot be unpacked: {error}", "errorType": "Runtime.InvalidCode"}
            return self._outcome(
                found, json.dumps(failure).encode(), True, [f"[ERROR] {failure['errorMessage']}"], identity, stream
            )
        seconds = max(LEAST_TIMEOUT, float(found.timeout))
        with self._slots, tempfile.TemporaryDirectory(prefix="emulator-call-") as scratch:
            result_file = Path(scratch) / "result.json"
            given = {
                "event": json.loads(event or b"null"),
                "seconds": seconds,
                "context": _context(found, identity, stream),
            }
            process = subprocess.Popen(
                [sys.executable, "-I", "-u", str(_RUNNER), root, str(found.handler), str(result_file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=root,
                env=self._environment(found, root, scratch, stream),
                start_new_session=True,
            )
            timed_out = False
            self._running.add(process)
            try:
                printed, _ = process.communicate(json.dumps(given).encode(), timeout=seconds)
            except subprocess.TimeoutExpired:
                timed_out = True
                _kill(process)
                printed, _ = process.communicate()
            finally:
                self._running.discard(process)
            result = json.loads(result_file.read_text()) if result_file.exists() and not timed_out else {}
        lines = printed.decode("utf-8", "replace").splitlines()
        if timed_out:
            text = f"{identity} Task timed out after {float(found.timeout):.2f} seconds"
            result = {"error": {"errorType": "Sandbox.Timedout", "errorMessage": f"RequestId: {text}"}}
            lines.append(text)
        elif not result:
            text = f"RequestId: {identity} Error: Runtime exited with error: exit status {process.returncode}"
            result = {"error": {"errorType": "Runtime.ExitError", "errorMessage": text}}
            lines.append(text)
        failed = "error" in result
        payload = json.dumps(result["error"]) if failed else result["payload"]
        return self._outcome(found, payload.encode(), failed, lines, identity, stream)

    def write_log(self, found: Any, outcome: Outcome, started: float, ended: float) -> None:
        """Put an invocation's lines into the function's log group. Call it with the emulator's lock."""
        first, last = round(started * 1000), round(ended * 1000)
        report = (
            f"REPORT RequestId: {outcome.request_id}\tDuration: {last - first:.2f} ms\t"
            f"Billed Duration: {max(1, last - first)} ms\tMemory Size: {found.memory_size} MB\tMax Memory Used: 64 MB\t"
        )
        lines = [(first, f"START RequestId: {outcome.request_id} Version: {found.version}\n")]
        lines += [(last, line + "\n") for line in outcome.lines]
        lines += [(last, f"END RequestId: {outcome.request_id}\n"), (last, report + "\n")]
        moto_parts.write_log(found.account_id, found.region, found.logs_group_name, outcome.log_stream, lines)

    def reset(self) -> None:
        """Forget scripts and log streams, end what runs; unpacked code stays, it is found by its digest."""
        self._end_all()
        self.scripts.clear()
        self._streams.clear()

    def close(self) -> None:
        """End what runs and remove the unpacked code."""
        self._end_all()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""

    def _end_all(self) -> None:
        # What belongs to a world that is gone must not call back into the next one, whose ids are the same again.
        for process in list(self._running):
            _kill(process)

    def _outcome(
        self, found: Any, payload: bytes, failed: bool, lines: list[str], identity: str = "", stream: str = ""
    ) -> Outcome:
        return Outcome(
            request_id=identity or request_id(),
            payload=payload,
            failed=failed,
            lines=tuple(lines),
            log_stream=stream or self._stream(found),
        )

    def _stream(self, found: Any) -> str:
        # One execution environment a function version, as when Lambda reuses a warm one.
        key = f"{found.function_arn} {found.version}"
        if key not in self._streams:
            day = self.clock.datetime().strftime("%Y/%m/%d")
            self._streams[key] = f"{day}/[{found.version}]{request_id().replace('-', '')}"
        return self._streams[key]

    def _unpack(self, code: bytes) -> str:
        with self._unpacking:
            if not self._folder:
                self._folder = tempfile.mkdtemp(prefix="codedeploy-emulator-")
            root = Path(self._folder) / moto_parts.sha256_of(code).replace("/", "_").replace("=", "")
            if not root.exists():
                # Under its name only when it is whole: a torn zip must fail every time, not leave half of itself.
                part = root.with_suffix(".part")
                with zipfile.ZipFile(io.BytesIO(code)) as archive:
                    archive.extractall(part)
                    _make_links(archive, part)
                part.rename(root)
            return str(root)

    def _environment(self, found: Any, root: str, scratch: str, stream: str) -> dict[str, str]:
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": scratch,
            "LANG": "C.UTF-8",
            "TZ": ":UTC",
            "_HANDLER": str(found.handler),
            "LAMBDA_TASK_ROOT": root,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{found.run_time}",
            "AWS_LAMBDA_FUNCTION_NAME": found.function_name,
            "AWS_LAMBDA_FUNCTION_VERSION": str(found.version),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(found.memory_size),
            "AWS_LAMBDA_LOG_GROUP_NAME": found.logs_group_name,
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            **self.environment,
            "AWS_REGION": found.region,
            "AWS_DEFAULT_REGION": found.region,
        }
        environment.update({str(key): str(value) for key, value in (found.environment_vars or {}).items()})
        return environment


def _kill(process: subprocess.Popen[bytes]) -> None:
    # The process is the leader of its own group, so that what it started goes with it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _context(found: Any, identity: str, stream: str) -> dict[str, str]:
    return {
        "function_name": found.function_name,
        "function_version": str(found.version),
        "invoked_function_arn": found.function_arn,
        "memory_limit_in_mb": str(found.memory_size),
        "aws_request_id": identity,
        "log_group_name": found.logs_group_name,
        "log_stream_name": stream,
    }


def _script(name: str, value: object) -> Script:
    if isinstance(value, str):
        value = {"outcome": value}
    if not isinstance(value, Mapping) or value.get("outcome") not in OUTCOMES:
        raise SeedError(f"the script of function '{name}' must have an outcome: {', '.join(OUTCOMES)}")
    unknown = set(value) - {"outcome", "seconds", "log", "payload"}
    if unknown:
        raise SeedError(f"the script of function '{name}' has unknown keys: {', '.join(sorted(map(str, unknown)))}")
    log = value.get("log", ())
    seconds = value.get("seconds")
    if isinstance(log, str):
        log = log.splitlines()
    if seconds is not None and (not isinstance(seconds, int | float) or seconds < 0):
        raise SeedError(f"the script of function '{name}': seconds must be a number that is not negative")
    return Script(
        outcome=str(value["outcome"]),
        seconds=None if seconds is None else float(seconds),
        log=tuple(str(line) for line in log),
        payload=value.get("payload"),
    )


def _make_links(archive: zipfile.ZipFile, folder: Path) -> None:
    """Symbolic links are links in Lambda too; zipfile unpacks them as files that hold what they point to."""
    for info in archive.infolist():
        place = folder / info.filename
        # Only what was unpacked under its own name, and not by way of another link.
        inside = place.parent.resolve() == folder.resolve() / Path(info.filename).parent
        if stat.S_ISLNK(info.external_attr >> 16) and inside and place.is_file() and not place.is_symlink():
            place.unlink()
            place.symlink_to(os.fsdecode(archive.read(info)))
