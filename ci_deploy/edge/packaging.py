"""Packages on this machine: a folder becomes a zip in a temporary file, a zip is read; both are hashed on the way.

Memory does not grow with the package: files are copied in blocks, and the zip is never held. Nothing is sent here.
The rules (what is left out, order, modes, limits) are core/packaging.py's. zipfile writes to something that cannot
seek, so that the hash is that of the bytes in their final order.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import stat
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..core.given import packaging as rules
from ..core.given.packaging import Entry, Package, bad
from ..ports import Clock, Progress
from .runner.workspace import WorkspaceFiles

BLOCK = 1024 * 1024
TELL_EVERY = 5.0  # seconds


class LocalPackages:
    """Implements ports.Packages. A path is packaged once in a run: what was planned is what is sent."""

    def __init__(self, files: WorkspaceFiles, clock: Clock) -> None:
        self._files = files
        self._clock = clock
        self._made: dict[str, Package] = {}
        self._streams: dict[str, IO[bytes]] = {}
        self._lock = threading.Lock()
        self._reading = threading.Lock()

    def package(self, path: str, tell: Progress) -> Package:
        with self._lock:
            if path not in self._made:
                telling = self._pace(tell, f"packaging {path}")
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
        return _zip_of(path, place, tell) if place.is_dir() else _read_zip(path, place, tell)

    def _pace(self, tell: Progress, what: str) -> Callable[[int, int], None]:
        """Progress is worth a line every few seconds, and none where all is done before the first."""
        last = self._clock.now()

        def telling(done: int, total: int) -> None:
            nonlocal last
            if self._clock.now() - last >= TELL_EVERY:
                last = self._clock.now()
                tell(what, done, total)

        return telling


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


# --- A zip that is there already ---------------------------------------------------------------------------------


def _read_zip(path: str, place: Path, tell: Callable[[int, int], None]) -> tuple[Package, IO[bytes]]:
    if not place.exists():
        raise bad(path, "does not exist.", "Was it built, and is the path right?")
    if not place.is_file():
        raise bad(path, "is neither a zip file nor a folder.")
    stream = place.open("rb")
    try:
        return _hash_zip(path, stream, tell), stream
    except BaseException:
        stream.close()
        raise


def _hash_zip(path: str, stream: IO[bytes], tell: Callable[[int, int], None]) -> Package:
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = [Entry(info.filename, info.file_size, False) for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise bad(path, f"is not a zip file ({error}).", "Give a zip, or the folder itself.") from None
    rules.check_unzipped(path, entries)
    size, sha, done = stream.seek(0, os.SEEK_END), hashlib.sha256(), 0
    stream.seek(0)
    while block := stream.read(BLOCK):
        sha.update(block)
        done += len(block)
        tell(done, size)
    return _package(path, sha, done, entries)


# --- A folder ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _File:
    entry: Entry
    place: str


class _Hashed(io.RawIOBase):
    """Writes through to a file and hashes what goes by; it cannot seek, which zipfile finds out by itself."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()
        self.size = 0

    def write(self, data: Any) -> int:
        self.sha256.update(data)
        self.size += len(data)
        return self._stream.write(data)


def _zip_of(path: str, folder: Path, tell: Callable[[int, int], None]) -> tuple[Package, IO[bytes]]:
    try:
        ignore_text = (folder / rules.IGNORE_FILE).read_text("utf-8-sig")
    except FileNotFoundError:
        ignore_text = ""
    root = os.path.realpath(folder)
    found = {file.entry.name: file for file in _walk(path, root, root, "", rules.rules(ignore_text), (root,))}
    entries = rules.in_order(file.entry for file in found.values())
    rules.check_unzipped(path, entries)
    total, done = sum(entry.size for entry in entries), 0
    stream = tempfile.TemporaryFile()  # noqa: SIM115 - read again for the upload; gone with the process, even if killed
    try:
        target = _Hashed(stream)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for entry in entries:
                with Path(found[entry.name].place).open("rb") as source:
                    _add(archive, entry, source)
                done += entry.size
                tell(done, total)
    except BaseException:
        stream.close()
        raise
    return _package(path, target.sha256, target.size, entries), stream


def _add(archive: zipfile.ZipFile, entry: Entry, source: IO[bytes]) -> None:
    info = zipfile.ZipInfo(entry.name, rules.TIME_STAMP)
    info.create_system = 3  # Unix, whatever this is: modes mean something
    info.external_attr = rules.mode(entry) << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    info.file_size = entry.size
    with archive.open(info, "w") as target:
        while block := source.read(BLOCK):
            target.write(block)


def _package(path: str, sha: Any, size: int, entries: list[Entry]) -> Package:
    return Package(
        path=path,
        sha256=base64.b64encode(sha.digest()).decode(),
        size=size,
        unzipped=sum(entry.size for entry in entries),
        files=len(entries),
    )


def _walk(
    path: str, root: str, folder: str, prefix: str, ignored: Callable[[str], bool], above: tuple[str, ...]
) -> Iterator[_File]:
    """The files below `folder`, which is called `prefix` in the zip. `above`: the real folders on the way here."""
    with os.scandir(folder) as entries:
        for each in entries:
            name = prefix + _text(path, each.name)
            place = each.path
            if each.is_symlink():
                if ignored(name) or ignored(name + "/"):
                    continue
                place = _inside(path, root, each.path, name)
            status = Path(place).stat()
            if stat.S_ISDIR(status.st_mode):
                if ignored(name + "/"):
                    continue
                if place in above:
                    raise bad(path, f"has a link that leads back to a folder above it: {name}.", "Remove the link.")
                yield from _walk(path, root, place, name + "/", ignored, (*above, place))
            elif ignored(name):
                continue
            elif stat.S_ISREG(status.st_mode):
                yield _File(Entry(name, status.st_size, bool(status.st_mode & stat.S_IXUSR)), place)
            else:
                raise bad(path, f"has something in it that is no file: {name}.", f"Name it in {rules.IGNORE_FILE}.")


def _inside(path: str, root: str, link: str, name: str) -> str:
    """What a link points to, if that is inside of the folder: the zip holds its content."""
    try:
        place = os.path.realpath(link, strict=True)
    except OSError:
        target = Path(link).readlink()
        raise bad(path, f"has a link that leads nowhere: {name} -> {target}.", "Remove it, or ignore it.") from None
    if place != root and not place.startswith(root + os.sep):
        raise bad(
            path,
            f"has a link that leaves it: {name} -> {Path(link).readlink()}.",
            f"Copy what it points to into the folder, or name it in {rules.IGNORE_FILE}.",
        )
    return place


def _text(path: str, name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise bad(path, f"has a file whose name is not UTF-8: {os.fsencode(name)!r}.", "Rename it.") from None
    return name
