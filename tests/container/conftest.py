"""The image, built once, and a runner that starts it as GitHub's does (facts on the runner: ContainerActionHandler).

Docker has to answer on PATH: a missing engine is a failure here, not a reason to skip.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scripts import demo

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "ci-deploy:test"
POST_ENTRYPOINT = "/opt/ci-deploy/post-entrypoint"
FILE_COMMANDS = {
    "GITHUB_OUTPUT": "set_output",
    "GITHUB_STATE": "save_state",
    "GITHUB_STEP_SUMMARY": "step_summary",
    "GITHUB_ENV": "set_env",
    "GITHUB_PATH": "add_path",
}


@pytest.fixture(scope="session")
def image() -> str:
    """The image, built here (with its own smoke tests) unless CI_DEPLOY_IMAGE names one that was built before."""
    built = os.environ.get("CI_DEPLOY_IMAGE")
    if built:
        return built
    # Of two processes that run tests each wants it; what makes the base image bears no company.
    with (Path(tempfile.gettempdir()) / "ci-deploy-image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        build = subprocess.run(["docker", "build", "--tag", IMAGE, str(ROOT)], capture_output=True, text=True)
    assert build.returncode == 0, build.stdout[-4000:] + build.stderr[-4000:]
    return IMAGE


@pytest.fixture(scope="session")
def network(image: str) -> tuple[str, ...]:
    """How a container reaches this machine's loopback, where the emulator listens. A stand-in may do so already."""
    host = ("--network", "host")
    command = ["docker", "run", "--rm", *host, image, "--version"]
    tried = subprocess.run(command, capture_output=True)
    return host if tried.returncode == 0 else ()


@dataclass
class Emulator:
    url: str
    variables: dict[str, str]

    def calls(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/_emulator/calls", timeout=10) as answer:
            found: list[dict[str, Any]] = json.loads(answer.read())
            return found

    def operations(self) -> list[str]:
        return [call["operation"] for call in self.calls()]

    def comment(self) -> str:
        return demo.comment(self.variables)

    def alias(self) -> dict[str, Any]:
        """The alias `live` as AWS's own client sees it."""
        import boto3

        client = boto3.client(
            "lambda",
            endpoint_url=self.url,
            region_name=self.variables["AWS_REGION"],
            aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
        )
        answer: dict[str, Any] = client.get_alias(FunctionName="checkout", Name="live")
        return answer


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with demo.emulator("20") as url:
        yield Emulator(url, demo.variables(url))


@dataclass
class Step:
    """One container of the action, with the files that the runner gave it."""

    process: subprocess.Popen[str]
    folder: Path
    name: str
    log: str = ""

    @property
    def outputs(self) -> dict[str, str]:
        return demo.outputs(self._file("GITHUB_OUTPUT"))

    @property
    def state(self) -> dict[str, str]:
        return demo.outputs(self._file("GITHUB_STATE"))

    @property
    def summary(self) -> str:
        return self._file("GITHUB_STEP_SUMMARY")

    def _file(self, name: str) -> str:
        return (self.folder / "file_commands" / FILE_COMMANDS[name]).read_text(encoding="utf-8")

    def wait(self, seconds: float = 120) -> int:
        """Its exit code; the log is complete then."""
        self.log, _ = self.process.communicate(timeout=seconds)
        return self.process.returncode

    def until_output(self, name: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not self.outputs.get(name):
            assert time.monotonic() < deadline, f"no output {name} after {seconds} s"
            assert self.process.poll() is None, self.wait()
            time.sleep(0.1)

    def cancel(self) -> int:
        """What the runner does: SIGINT, 7.5 s, SIGTERM, 2.5 s, and then it kills the client. The exit code."""
        for number, patience in ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5)):
            self.process.send_signal(number)
            try:
                self.process.wait(patience)
                return self.wait()
            except subprocess.TimeoutExpired:
                continue
        self.kill()
        return self.wait()

    def kill(self) -> None:
        """The container is gone without a word, as on a lost runner."""
        subprocess.run(["docker", "kill", self.name], capture_output=True, check=False)
        self.process.kill()


@dataclass
class Runner:
    """Starts containers as the runner does: variables, mounts, working directory; no shell, no user."""

    image: str
    network: tuple[str, ...]
    folder: Path
    pointers: Mapping[str, str]
    steps: list[Step] = field(default_factory=list)

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    def environment(self, inputs: Mapping[str, str], **more: str) -> dict[str, str]:
        """A container's variables; the files that they name are made in `folder`."""
        folder = self.folder
        commands = folder / "file_commands"
        commands.mkdir(exist_ok=True)
        names = {}
        for variable, name in FILE_COMMANDS.items():
            (commands / name).write_text("")
            names[variable] = f"/github/file_commands/{name}"
        environ = demo.environment(self.pointers, self._scratch())
        shutil.copy(environ["GITHUB_EVENT_PATH"], folder / "workflow" / "event.json")
        kept = {name: value for name, value in environ.items() if not name.startswith("INPUT_") and name != "PATH"}
        return {
            **kept,
            **names,
            "HOME": "/github/home",
            "GITHUB_WORKSPACE": "/github/workspace",
            "GITHUB_EVENT_PATH": "/github/workflow/event.json",
            "RUNNER_TEMP": "/github/runner_temp",
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            **{f"INPUT_{name.replace(' ', '_').upper()}": value for name, value in inputs.items()},
            **more,
        }

    def start(
        self, inputs: Mapping[str, str], *, entrypoint: str = "", options: Sequence[str] = (), **more: str
    ) -> Step:
        """A step's container. `options`: what a job or a strict host adds to `docker run`."""
        folder = self.folder
        name = f"ci-deploy-test-{uuid.uuid4().hex[:12]}"
        command = [
            "docker",
            "run",
            "--name",
            name,
            "--label",
            "ci-deploy-test",
            "--workdir",
            "/github/workspace",
            "--rm",
        ]
        for variable, value in self.environment(inputs, **more).items():
            command += ["-e", f"{variable}={value}"]
        command += [*self.network, *options]
        if entrypoint:
            command += ["--entrypoint", entrypoint]
        for mounted in ("runner_temp", "home", "workflow", "file_commands", "workspace"):
            command += ["-v", f"{folder / mounted}:/github/{mounted}"]
        process = subprocess.Popen(
            [*command, self.image],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        step = Step(process, folder, name)
        self.steps.append(step)
        return step

    def _scratch(self) -> Path:
        folder = self.folder / f"scratch-{uuid.uuid4().hex}"
        folder.mkdir()
        return folder


@pytest.fixture
def runner(image: str, network: tuple[str, ...], emulator: Emulator, tmp_path: Path) -> Iterator[Runner]:
    for name in ("runner_temp", "home", "workflow", "workspace"):
        (tmp_path / name).mkdir()
    made = Runner(image, network, tmp_path, emulator.variables)
    yield made
    for step in made.steps:
        if step.process.returncode is None:
            step.kill()
            step.wait()
