"""Processes of the program that begin where its imports are done: imports are most of what a short process costs.

A server, one for a process of tests, imports the program and forks at each request. The child has an environment, a
folder, files, arguments and signals of its own, as any process has. Tests of the start itself (a signal while it
imports, the entry points, the command line as people type it) start Python anew.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import termios
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from botocore.session import Session

import ci_deploy
from ci_deploy import signals
from ci_deploy.edge.aws.client import SERVICES, knowing
from tests.support.machine.models import read_once

LENGTH = 8  # bytes of a request's length
LATER = ("argparse", "encodings.idna", "jsonschema", "requests", "rich.live", "rich.text", "yaml")  # where first used


class Program:
    """A running process of the program; its methods are those of `subprocess.Popen`.

    `command` is what an entry point adds to the inputs (`finish`). Files: descriptors, or what has one. `leading`: it
    leads a session, as what a shell or the runner starts does; a terminal that is its stdin is then the session's.
    """

    def __init__(
        self,
        arguments: Sequence[str] = (),
        *,
        env: Mapping[str, str],
        cwd: Path,
        stdout: Any,
        stderr: Any = None,
        stdin: Any = None,
        command: str = "",
        leading: bool = False,
    ) -> None:
        body = json.dumps([list(arguments), command, dict(env), str(cwd), leading]).encode()
        self._status, theirs = socket.socketpair()
        with theirs, Path(os.devnull).open("rb") as nothing:
            files = (nothing if stdin is None else stdin, stdout, stdout if stderr is None else stderr, theirs)
            descriptors = [each if isinstance(each, int) else each.fileno() for each in files]
            socket.send_fds(_server(), [len(body).to_bytes(LENGTH, "big")], descriptors)
            _server().sendall(body)
        self._told = self._status.makefile("r")
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._status.settimeout(timeout)
            try:
                self.returncode = int(self._told.readline())
            except TimeoutError:
                raise subprocess.TimeoutExpired("ci-deploy", timeout or 0.0) from None
            self._told.close()
            self._status.close()
        return self.returncode

    def poll(self) -> int | None:
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._status, selectors.EVENT_READ)
                if selector.select(0):
                    self.wait()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    arguments: Sequence[str] = (), *, env: Mapping[str, str], cwd: Path, command: str = "", timeout: float = 120.0
) -> subprocess.CompletedProcess[str]:
    """The program to its end, as `subprocess.run` with `capture_output` gives it."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as error:
        program = Program(arguments, env=env, cwd=cwd, stdout=out, stderr=error, command=command)
        try:
            code = program.wait(timeout)
        finally:
            program.kill()
        for file in (out, error):
            file.seek(0)
        return subprocess.CompletedProcess(list(arguments), code, out.read(), error.read())


@cache
def _server() -> socket.socket:
    """The way to the server, which ends when this process does and, in its own session, hears no signals of ours."""
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-I", "-u", __file__]
        server = subprocess.Popen(command, env={"PATH": os.environ["PATH"]}, stdin=theirs, start_new_session=True)

    def end() -> None:
        ours.close()
        server.wait()

    atexit.register(end)
    return ours


# --- the server ---


def serve(control: socket.socket) -> None:
    """Fork for each request, and tell whoever made it the process's id, and when it ends its exit code."""
    children: dict[int, socket.socket] = {}
    woken, wake = socket.socketpair()
    for end in (woken, wake):
        end.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with selectors.DefaultSelector() as selector:
        for file in (control, woken):
            selector.register(file, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is woken:
                    woken.recv(4096)
                    _bury(children)
                    continue
                head, files, _, _ = socket.recv_fds(control, LENGTH, 4)
                if not head:
                    return
                body = control.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
                if (pid := os.fork()) == 0:
                    _become(*json.loads(body), files)
                children[pid] = socket.socket(fileno=files.pop())
                children[pid].sendall(f"{pid}\n".encode())
                for file in files:
                    os.close(file)


def _bury(children: dict[int, socket.socket]) -> None:
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            with children.pop(found[0]) as told, contextlib.suppress(OSError):
                told.sendall(f"{os.waitstatus_to_exitcode(found[1])}\n".encode())


def _become(
    arguments: list[str], command: str, environ: dict[str, str], folder: str, leading: bool, files: list[int]
) -> None:
    """The program's process; what the server has open is not its own."""
    from ci_deploy import __main__ as program

    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signals.hold()
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    if leading:
        os.setsid()
        if os.isatty(0):
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    try:
        program.main(arguments, command)
    finally:
        os._exit(70)


def main() -> None:
    """Import what a run imports, make what it makes at its first use, have what botocore reads for it, and serve."""
    read_once()
    for module in pkgutil.walk_packages(ci_deploy.__path__, "ci_deploy."):
        for each in vars(importlib.import_module(module.name)).values():
            getattr(each, "__dataclass_fields__", None)  # core/lazy.py
    for name in LATER:
        importlib.import_module(name)
    session = knowing(Session())
    for service in SERVICES:
        session.create_client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    gc.collect()
    gc.freeze()
    serve(socket.socket(fileno=os.dup(sys.stdin.fileno())))


if __name__ == "__main__":
    main()
