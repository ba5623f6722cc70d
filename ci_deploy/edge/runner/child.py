"""The command that `watch` is started around: a process with our own stdin, stdout and stderr, in our process group.

No shell: the words are the program and its arguments. Linux and macOS.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path


class Child:
    """The process, from before it exists. Its exit code is 128+n for a command that signal n ended."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._process: subprocess.Popen[bytes] | None = None
        self._interrupted = False
        self._early = False  # interrupted before the process existed

    def start(self, ended: Callable[[int], None]) -> None:
        """Start it; `ended` is told its exit code, on a thread of its own. OSError where it cannot be started."""
        self._process = subprocess.Popen(self._words)
        if self._early:  # no terminal has told it
            self._interrupt(self._process)
        threading.Thread(target=lambda: ended(self.wait()), daemon=True, name="command").start()

    @property
    def started(self) -> bool:
        return self._process is not None

    def interrupt(self, number: int) -> None:
        """Pass a signal on, once, as SIGINT, unless the terminal has sent it to both. Safe in a signal handler.

        One that comes before the process exists is passed on as soon as it does. At a terminal `kill -INT` looks like
        Ctrl-C, so what may have come from there does not count: `kill` is passed on after it.
        """
        terminal = self._process is not None and number == signal.SIGINT and _in_foreground()
        if self._interrupted or terminal:
            return
        self._interrupted = True
        if self._process is None:
            self._early = True
        else:
            self._interrupt(self._process)

    @staticmethod
    def _interrupt(process: subprocess.Popen[bytes]) -> None:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGINT)

    def wait(self) -> int:
        """Its exit code, when it has ended; 0 where it was never started."""
        if self._process is None:
            return 0
        code = self._process.wait()
        return 128 - code if code < 0 else code


def _in_foreground() -> bool:
    """Whether a terminal sends Ctrl-C to our process group, and so to the command too."""
    try:
        with Path("/dev/tty").open("rb", buffering=0) as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False
