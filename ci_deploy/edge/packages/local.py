"""The packages of a run: each path is packaged once, and read as often as it is sent.

Memory does not grow with the package: files are copied in blocks, and the zip is never held. Nothing is sent here.
Temporary files have no name and go with the process, even if it is killed.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ...core.given.package.packaging import IGNORE_FILE, Package, bad
from ...ports import Clock, Progress
from ..runner.workspace import WorkspaceFiles
from .archive import read_zip
from .folder import zip_of
from .pace import paced


class LocalPackages:
    """Implements ports.Packages. What was planned is what is sent, whatever becomes of the folder.

    `scratch`: the folder for temporary files that the runner names (RUNNER_TEMP); the system's where it is of no use.
    """

    def __init__(self, files: WorkspaceFiles, clock: Clock, *, scratch: Path | None = None) -> None:
        self._files = files
        self._clock = clock
        self._scratch = scratch
        self._made: dict[str, Package] = {}
        self._streams: dict[str, IO[bytes]] = {}
        self._lock = threading.Lock()
        self._reading = threading.Lock()

    def package(self, path: str, tell: Progress) -> Package:
        with self._lock:
            if path not in self._made:
                telling = paced(self._clock, tell, f"packaging {path}")
                try:
                    self._made[path], self._streams[path] = self._make(path, telling)
                except (OSError, ValueError) as error:
                    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                    name = getattr(error, "filename", None)
                    of = f" ({name})" if name and str(name) != path else ""
                    raise bad(path, f"cannot be read: {why}{of}.") from error
            return self._made[path]

    def open(self, package: Package) -> IO[bytes]:
        return io.BufferedReader(_Reader(self._streams[package.path], package.size, self._reading))

    def close(self) -> None:
        """Let go of the temporary files; the process's end does the same."""
        for stream in self._streams.values():
            stream.close()

    def _make(self, path: str, tell: Callable[[int, int], None]) -> tuple[Package, IO[bytes]]:
        place = self._files.resolve(path)
        if not place.is_dir():
            return read_zip(path, place, tell)
        ignore_text = self._ignore_text(path)
        stream = self._temporary(path)
        try:
            return zip_of(path, place, ignore_text, stream, tell), stream
        except BaseException:
            with contextlib.suppress(OSError):  # a disk that is full says so again
                stream.close()
            raise

    def _ignore_text(self, path: str) -> str:
        """Read as every file that the workspace has: not through a link that leaves it, not from a device, bounded."""
        name = os.path.join(path, IGNORE_FILE)  # noqa: PTH118 - a Path would take the `..` out of a link's way
        try:
            return self._files.read_text(name) if self._files.there(name) else ""
        except OSError as error:
            raise bad(path, f"has an {IGNORE_FILE} that cannot be read: {error.strerror or error}.") from None

    def _temporary(self, path: str) -> IO[bytes]:
        tried = {}
        for folder in dict.fromkeys((self._scratch, *map(Path, _system_folders()))):
            if folder is None:
                continue
            try:
                return tempfile.TemporaryFile(dir=folder)  # closed with the run
            except OSError as error:
                tried[str(folder)] = error.strerror or str(error)
        why = "; ".join(f"{folder}: {reason}" for folder, reason in tried.items()) or "there is none"
        raise bad(
            path,
            f"cannot be packaged: no folder for temporary files can be written ({why}).",
            "Make one writable (for a container: `--tmpfs /tmp`), or set RUNNER_TEMP or TMPDIR to one.",
        )


def _system_folders() -> tuple[str, ...]:
    try:
        return (tempfile.gettempdir(),)
    except FileNotFoundError:
        return ()


class _Reader(io.RawIOBase):
    """One of several readers of the same open file, each with a position of its own. Seekable, for botocore."""

    def __init__(self, stream: IO[bytes], size: int, lock: threading.Lock) -> None:
        self._stream = stream
        self._size = size
        self._lock = lock
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with self._lock:
            self._stream.seek(self._at)
            data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at
