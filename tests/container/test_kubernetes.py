"""What runners on Kubernetes do with the image: the calls of actions/runner-container-hooks 0.8.1 and later.

A container action is a pod there that waits in `tail`. Files are sent into it as a tar archive, their list is compared,
and a script moves them to where the action looks for them and starts it. Nothing but our image is in that pod, so each
program of this file has to be in it. The lists of programs, volumes and paths are the hooks' (packages/k8s/src).
"""

from __future__ import annotations

import io
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from .conftest import ROOT, Emulator, Runner

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("container")]

INPUTS = {
    "code": "$LATEST",
    "function": "checkout",
    "application": "checkout-app",
    "deployment-group": "checkout-live",
    "deployment-config": "CodeDeployDefault.LambdaAllAtOnce",
}
# The runner's folders below its work folder, and where an action looks for them.
MOVES = {
    "/__w/_temp/_github_home": "/github/home",
    "/__w/_temp/_github_workflow": "/github/workflow",
    "/__w/_temp/_runner_file_commands": "/github/file_commands",
    "/__w/checkout/checkout/": "/github/workspace",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A running container that nothing is started in yet."""

    name: str

    def execute(self, *command: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["docker", "exec", "-i", self.name, *command], input=given, capture_output=True)


@pytest.fixture
def pod(image: str, network: tuple[str, ...], tmp_path: Path) -> Iterator[Pod]:
    """The pod of a container action: three empty volumes, its own entry point replaced."""
    pod = Pod(name=f"ci-deploy-test-{uuid.uuid4().hex[:12]}")
    command = ["docker", "run", "--detach", "--rm", "--name", pod.name, "--workdir", "/__w", *network]
    for volume, path in (("externals", "/__e"), ("work", "/__w"), ("github", "/github")):
        (tmp_path / volume).mkdir()
        (tmp_path / volume).chmod(0o777)
        command += ["-v", f"{tmp_path / volume}:{path}"]
    subprocess.run([*command, "--entrypoint", "tail", image, "-f", "/dev/null"], check=True, capture_output=True)
    yield pod
    subprocess.run(["docker", "kill", pod.name], capture_output=True, check=False)


def archive(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.uid, info.gid = len(data), 0o444, 1001, 1001
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def script(environ: dict[str, str], entrypoint: str) -> bytes:
    """Removes itself, moves the runner's folders, and becomes the action."""

    def quoted(text: str) -> str:
        for special in '\\"$`':
            text = text.replace(special, f"\\{special}")
        return f'"{text}"'

    moves = " && \\\n".join(f"mv {source} {target}" for source, target in MOVES.items())
    variables = " ".join(quoted(f"{name}={value}") for name, value in environ.items())
    lines = (
        "#!/bin/sh -l",
        'rm "$0"',
        f"{moves} && \\",
        "cd /github/workspace && \\",
        f"exec env {variables} {entrypoint}",
    )
    return "".join(f"{line}\n" for line in lines).encode()


def test_the_action_deploys_in_its_pod(runner: Runner, pod: Pod, emulator: Emulator) -> None:
    entrypoint = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["runs"]["entrypoint"]
    awkward = 'a "quoted" $HOME `word`\\ of\ntwo lines'
    environ = runner.environment(
        INPUTS, GITHUB_WORKFLOW=awkward, INPUT_ENTRYPOINT=entrypoint, INPUT_ARGS="", **{"with space": "kept"}
    )
    files = {
        "_temp/_github_home/.keep": b"",
        "_temp/_github_workflow/event.json": (runner.folder / "workflow" / "event.json").read_bytes(),
        **{f"_temp/_runner_file_commands/{path.name}": b"" for path in (runner.folder / "file_commands").iterdir()},
        "checkout/checkout/a file with spaces": b"x" * 1000,
        f"_temp/{uuid.uuid4()}.sh": script(environ, entrypoint),
    }
    (started,) = [f"/__w/{name}" for name in files if name.endswith(".sh")]

    unpack = (
        "tar xf - --no-same-owner -C /__w 2>/dev/null; "
        r"find /__w -type f -exec chmod u+rw {} \; 2>/dev/null; find /__w -type d -exec chmod u+rwx {} \; 2>/dev/null"
    )
    unpacked = pod.execute("sh", "-c", unpack, given=archive(files))
    assert (unpacked.returncode, unpacked.stdout, unpacked.stderr) == (0, b"", b"")

    list_all = r"cd /__w && find . -type f -not -path '*/_runner_hook_responses*' -exec stat -c '%s %n' {} +"
    listed = pod.execute("sh", "-c", list_all)
    assert sorted(listed.stdout.decode().splitlines()) == sorted(
        f"{len(data)} ./{name}" for name, data in files.items()
    )

    done = pod.execute("sh", "-e", started)

    log = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, log
    assert emulator.alias()["FunctionVersion"] == "2"
    assert pod.execute("stat", started).returncode == 1
    outputs = pod.execute("tail", "-n", "+1", "/github/file_commands/set_output").stdout.decode()
    assert "succeeded" in outputs
    packed = pod.execute("tar", "cf", "-", "-C", "/", "__w")
    assert packed.returncode == 0, packed.stderr
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as tar:
        assert tar.getnames()[0] == "__w"
