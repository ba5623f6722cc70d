"""Runs the action the way the runner does: a process of its own, inputs and runner files by environment."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .program import Program

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def unwrapped(log: str) -> str:
    """A log without its colours, and each text in one line."""
    # The rest of an event's text is under its own column, that of the verdict is indented.
    text = ANSI.sub("", log)
    events, rule, verdict = text.rpartition("─" * 88 + "\n")
    return re.sub(r"\n {34,}(?=\S)", " ", events) + rule + re.sub(r"\n +", " ", verdict)


CHECKOUT = {
    "function": "checkout",
    "application": "checkout-app",
    "deployment-group": "checkout-live",
}
HOOKS = {
    "before-allow-traffic": "CodeDeployHook_checkout_before",
    "after-allow-traffic": "CodeDeployHook_checkout_after",
}
REPOSITORY = "your-org/checkout"
HEAD = "3f1c0ffee0ddba11cafe0123456789abcdef0007"


def with_code(given: Mapping[str, str]) -> Mapping[str, str]:
    """The inputs of a test that does not care what is deployed: what `$LATEST` holds."""
    says = ("code", "version", "appspec", "config", "only")
    deploys = given.get("command", "deploy") in ("deploy", "plan")
    return given if not deploys or any(name in given for name in says) else {**given, "code": "$LATEST"}


def pairs(text: str) -> dict[str, str]:
    """A runner file's names and values, in both of its forms; the last one of a name wins, as the runner has it."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        if "=" in line.partition("<<")[0]:
            name, _, rest = line.partition("=")
            found[name] = rest
            continue
        name, _, delimiter = line.partition("<<")
        value = []
        for inner in lines:
            if inner == delimiter:
                break
            value.append(inner)
        found[name] = "\n".join(value)
    return found


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What a step left: its exit code, its log without colours, and the runner's files."""

    code: int
    log: str
    outputs: dict[str, str]
    state: dict[str, str]
    summary: str

    @property
    def outcome(self) -> str:
        return self.outputs.get("outcome", "")

    def check(self, code: int, **outputs: str) -> Finished:
        """Assert exit code and outputs (underscores for hyphens), showing the log where they differ."""
        wanted = {name.replace("_", "-"): value for name, value in outputs.items()}
        seen = {name: self.outputs.get(name) for name in wanted}
        assert (code, wanted) == (self.code, seen), self.log
        return self


@dataclass(kw_only=True)
class Step:
    """A running step."""

    process: subprocess.Popen[bytes] | Program
    folder: Path
    started: float = field(default_factory=time.monotonic)

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        self.process.kill()

    def wait(self, timeout: float = 90.0) -> Finished:
        self.process.wait(timeout)
        read = lambda name: (self.folder / name).read_text(encoding="utf-8") if (self.folder / name).exists() else ""  # noqa: E731
        return Finished(
            code=self.process.returncode,
            log=unwrapped(read("log")),
            outputs=pairs(read("output")),
            state=pairs(read("state")),
            summary=read("summary"),
        )

    def log(self) -> str:
        return unwrapped((self.folder / "log").read_text(encoding="utf-8"))

    def wait_for(self, text: str, timeout: float = 60.0) -> None:
        """Wait until the log has this text; a step that ended without it is a failure that shows its log."""
        deadline = time.monotonic() + timeout
        while text not in self.log():
            assert self.process.poll() is None, f"ended without {text!r}:\n{self.log()}"
            assert time.monotonic() < deadline, f"no {text!r} in:\n{self.log()}"
            time.sleep(0.02)


def event(pull_request: int | None = 7, *, private: bool = True) -> dict[str, Any]:
    repository = {"full_name": REPOSITORY, "private": private}
    if pull_request is None:
        return {"repository": repository}
    ours = {"full_name": REPOSITORY}
    return {
        "repository": repository,
        "pull_request": {"number": pull_request, "head": {"sha": HEAD, "repo": ours}, "base": {"repo": ours}},
    }


@dataclass(kw_only=True)
class Steps:
    """Steps of one job, in one workspace, each with runner files of its own."""

    env: Mapping[str, str]
    folder: Path
    count: int = 0

    def variables(
        self,
        inputs: Mapping[str, str],
        *,
        run: tuple[int, int] = (100, 1),
        event_name: str = "pull_request",
        payload: Mapping[str, Any] | None = None,
        state: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> tuple[Path, dict[str, str]]:
        """The next step's own folder, and what the runner sets for it."""
        self.count += 1
        folder = self.folder / f"step-{self.count}"
        folder.mkdir()
        (folder / "_github_workflow").mkdir()  # for the first step; its time is the job's beginning
        written = json.dumps(event() if payload is None else payload)
        (folder / "_github_workflow" / "event.json").write_text(written, encoding="utf-8")
        names = {
            "GITHUB_OUTPUT": "output",
            "GITHUB_STATE": "state",
            "GITHUB_STEP_SUMMARY": "summary",
            "GITHUB_EVENT_PATH": "_github_workflow/event.json",
        }
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            **self.env,
            **{name: str(folder / file) for name, file in names.items()},
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.folder),
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
            "GITHUB_RUN_ID": str(run[0]),
            "GITHUB_RUN_ATTEMPT": str(run[1]),
            "GITHUB_ACTOR": "alice",
            "GITHUB_EVENT_NAME": event_name,
            "INPUT_GITHUB-TOKEN": self.env["GITHUB_TOKEN"],
            **{f"INPUT_{name.upper()}": value for name, value in with_code(inputs).items()},
            **{f"STATE_{name}": value for name, value in (state or {}).items()},
            **(environ or {}),
        }
        variables.pop("GITHUB_TOKEN", None)
        return folder, variables


@dataclass(kw_only=True)
class Runner(Steps):
    """Starts steps as processes."""

    def start(self, inputs: Mapping[str, str], *, command: str = "", **how: Any) -> Step:
        """Begin a step; `how` as for `variables`."""
        folder, variables = self.variables(inputs, **how)
        with (folder / "log").open("wb") as log:
            process = Program(env=variables, cwd=self.folder, stdout=log, command=command)
        return Step(process=process, folder=folder)

    def start_anew(self, inputs: Mapping[str, str], **how: Any) -> Step:
        """Begin a step with Python's own start, its imports included; `how` as for `variables`."""
        folder, variables = self.variables(inputs, **how)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-I", "-u", "-m", "ci_deploy"],
                env=variables,
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        return Step(process=process, folder=folder)

    def run(self, inputs: Mapping[str, str], **how: Any) -> Finished:
        return self.start(inputs, **how).wait()

    def finish(self, step: Finished, inputs: Mapping[str, str], **how: Any) -> Finished:
        """The post step: a new process, with the state that the main step left."""
        return self.run(inputs, state=step.state, command="finish", **how)


SIGINT, SIGTERM, SIGKILL = signal.SIGINT, signal.SIGTERM, signal.SIGKILL
