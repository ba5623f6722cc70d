"""The runner's side of us: the job log (stdout), workflow commands, and the files that it reads after the step.

The only file that writes to stdout. Nothing here may fail a deployment: a log that nobody reads any more, or a runner
file that cannot be written, is survived. Sources: facts.md B2, actions/runner (ActionCommand.cs,
FileCommandManager.cs).
"""

from __future__ import annotations

import json
import re
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ...core.defuse import harmless, harmless_lines
from ...core.reasons import phrases

SUMMARY_LIMIT = 1024 * 1024  # bytes; a larger file is not shown at all
ANNOTATIONS = 10  # of each kind that GitHub shows for a step; what comes after is a line of the log
MESSAGE_LIMIT = 4000  # characters; the runner cuts annotations at 4096
OUTPUT_LIMIT = 1024 * 1024  # characters; GitHub's limit for all outputs of a job
EVENT_LIMIT = 32 * 1024 * 1024


def escape_data(text: str) -> str:
    """A workflow command's data, as the runner unescapes it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """A workflow command's property value, as the runner unescapes it."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


def command(name: str, data: str = "", **properties: str) -> str:
    """`::name k=v,k2=v2::data`; properties that are empty are left out."""
    given = ",".join(f"{key}={escape_property(value)}" for key, value in properties.items() if value)
    return f"::{name}{' ' + given if given else ''}::{escape_data(data)}"


class Stdout:
    """Lines to a binary stream: one write and one flush each, from any thread, whatever the text and the reader."""

    def __init__(self, stream: BinaryIO | None = None, *, prefix: str = "") -> None:
        self._stream: BinaryIO = sys.stdout.buffer if stream is None else stream
        self._prefix = prefix
        self._lock = threading.Lock()
        self._broken = False

    def write(self, line: str) -> None:
        # backslashreplace: a lone surrogate from a file name must not raise in the middle of a deployment.
        data = (self._prefix + line).encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            if self._broken:
                return
            try:
                self._stream.write(data)
                self._stream.flush()
            except (OSError, ValueError):
                # Nobody reads any more (`| head`, a runner that went away): the deployment still needs its end.
                self._broken = True


class RunnerLog:
    """Implements ports.LogSink. Under Actions with workflow commands, elsewhere with plain lines.

    `hide` takes secrets out of what is written.
    """

    def __init__(self, stdout: Stdout, *, actions: bool, colour: bool, hide: Callable[[str], str] = str) -> None:
        self.colour = colour
        self.annotations = actions
        self._out = stdout
        self._hide = hide
        self._open = False
        self._annotated = {"notice": 0, "warning": 0, "error": 0}

    def line(self, text: str) -> None:
        self._out.write(harmless(self._hide(text), colour=self.colour))

    def group(self, title: str) -> None:
        if self._open:
            self.endgroup()  # groups do not nest
        self._open = True
        title = harmless(self._hide(title))
        self._out.write(command("group", title) if self.annotations else f"== {title}")

    def endgroup(self) -> None:
        if self._open and self.annotations:
            self._out.write(command("endgroup"))
        self._open = False

    def notice(self, message: str, *, title: str = "") -> None:
        self._annotate("notice", message, title)

    def warning(self, message: str, *, title: str = "") -> None:
        self._annotate("warning", message, title)

    def error(self, message: str, *, title: str = "") -> None:
        self._annotate("error", message, title)

    def add_mask(self, value: str) -> None:
        """Have the runner hide a secret from here on. On a terminal nothing is written: this would show it."""
        if self.annotations:
            for part in value.splitlines():
                if part.strip():
                    self._out.write(command("add-mask", part))

    def _annotate(self, kind: str, message: str, title: str) -> None:
        text = "\n".join(harmless_lines(self._hide(message)))
        heading = harmless(self._hide(title), longest=200)
        self._annotated[kind] += 1
        if self.annotations and self._annotated[kind] <= ANNOTATIONS:
            text = text if len(text) <= MESSAGE_LIMIT else text[: MESSAGE_LIMIT - 1] + "…"
            self._out.write(command(kind, text, title=heading))
            return
        for line in (f"{kind}: {heading + ': ' if heading else ''}{text}").splitlines():
            self._out.write(harmless(line))


class RunnerFilesOnDisk:
    """Implements ports.RunnerFiles: each is appended to in one write; one that the runner did not name is skipped.

    `warn` is told once for each file that cannot be written.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        warn: Callable[[str], None] = lambda _: None,
        delimiter: Callable[[], str] = lambda: f"ghadelimiter_{uuid.uuid4()}",
    ) -> None:
        self._paths = {
            name: Path(environ[name])
            for name in ("GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")
            if environ.get(name, "").strip()
        }
        self._warn = warn
        self._delimiter = delimiter
        self._lock = threading.Lock()
        self._failed: set[str] = set()

    def outputs(self, values: Mapping[str, str]) -> None:
        # One harmless line each: a later step of somebody's workflow prints it into the log that the runner reads.
        # One write for all: a value that is torn in the middle by a kill would fail the step.
        pairs = b"".join(self._pair(name, harmless(value, longest=OUTPUT_LIMIT)) for name, value in values.items())
        self._append("GITHUB_OUTPUT", lambda _: pairs)

    def state(self, name: str, value: str) -> None:
        self._append("GITHUB_STATE", lambda _: self._pair(name, value))

    def summary(self, markdown: str) -> None:
        fits = True

        def text(size: int) -> bytes:
            nonlocal fits
            data = _fitting(markdown, SUMMARY_LIMIT - size)
            fits = bool(data)
            return data

        self._append("GITHUB_STEP_SUMMARY", text)
        if not fits:
            self._warn(phrases.SUMMARY_FULL)

    def _pair(self, name: str, value: str) -> bytes:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name):
            raise ValueError(f"not an output's name: {name!r}")
        delimiter = self._delimiter()
        # The value ends at the first line that is the delimiter: it must not be in the text, by chance or by intent.
        while delimiter in value or delimiter in name:
            delimiter = self._delimiter()
        return _encode(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")

    def _append(self, name: str, text: Callable[[int], bytes]) -> None:
        path = self._paths.get(name)
        if path is None:
            return
        with self._lock:
            try:
                with path.open("ab", buffering=0) as stream:
                    stream.write(text(stream.tell()))
            except OSError as error:
                if name in self._failed:
                    return
                self._failed.add(name)
                problem = phrases.not_written(name, error.strerror or str(error))
            else:
                return
        self._warn(problem)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _fitting(markdown: str, room: int) -> bytes:
    """The text as bytes, cut at a line's end with a note where it is larger than `room`."""
    data = _encode(markdown if markdown.endswith("\n") else markdown + "\n")
    if len(data) <= room:
        return data
    keep = room - len(phrases.SUMMARY_CUT) - 20
    if keep <= 0:
        return b""
    kept = data[:keep]
    kept = kept[: kept.rfind(b"\n") + 1] or kept.decode("utf-8", "ignore").encode()
    return kept + _encode(phrases.SUMMARY_CUT.format(len(data) - len(kept)))


def read_event(environ: Mapping[str, str]) -> dict[str, Any]:
    """The event that started the workflow (GITHUB_EVENT_PATH); {} where there is none or it cannot be read."""
    name = environ.get("GITHUB_EVENT_PATH", "").strip()
    if not name:
        return {}
    try:
        with Path(name).open("rb") as stream:
            event = json.loads(stream.read(EVENT_LIMIT).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def job_began(environ: Mapping[str, str]) -> float | None:
    """When the job's first step began, by the machine's clock; None outside of a job, or where it cannot be told.

    The runner empties its folder for temporary files before a job, makes `_github_workflow` in it for the first step,
    and only overwrites the event there for the others (actions/runner, ExecutionContext.WriteWebhookPayload). In a
    container it is /github/workflow.
    """
    name = environ.get("GITHUB_EVENT_PATH", "").strip()
    folder = Path(name).parent
    if not name or (folder.name != "_github_workflow" and folder != Path("/github/workflow")):
        return None
    try:
        return folder.stat().st_mtime
    except OSError:
        return None


def wants_colour(environ: Mapping[str, str], *, terminal: bool) -> bool:
    """ANSI colours: the job log renders them though it is no terminal; NO_COLOR (no-color.org) always wins."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return environ.get("GITHUB_ACTIONS") == "true" or (terminal and environ.get("TERM") != "dumb")
