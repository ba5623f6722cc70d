"""A zip that is there already: what is in it, and its hash. Nothing of it is unpacked.

Sources: the zip format (APPNOTE 4.4.2: who made an entry; 4.4.15: its external attributes, whose upper half are Unix's
permissions where a Unix tool wrote them).
"""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Protocol

from ...core.given.package import packaging as rules
from ...core.given.package.contents import Contents, Entry, Program, follow
from ...core.given.package.packaging import Package, bad
from ..runner.workspace import open_regular

BLOCK = 1024 * 1024
HEAD = 256  # bytes of a program that tell what it is
LONGEST_LINK = 4096
# What zipfile raises for a file that is no zip, or a hostile one.
NO_ZIP = (
    zipfile.BadZipFile,
    NotImplementedError,
    EOFError,
    LookupError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)
_UNIX = (3, 19)  # made by Unix, or macOS: the upper half of the attributes are a mode, even where it is 0
_ENCRYPTED = 0x1


class Hash(Protocol):
    def digest(self) -> bytes: ...


def read_zip(path: str, place: Path, tell: Callable[[int, int], None]) -> tuple[Package, IO[bytes]]:
    """A zip that the user made, and its stream: it is sent as it is."""
    try:
        mode = place.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise bad(path, "does not exist.", "Was it built, and is the path right?") from None
    if not stat.S_ISREG(mode):
        raise bad(path, "is neither a zip file nor a folder.")
    stream = open_regular(place)
    try:
        return _hash_zip(path, stream, tell), stream
    except BaseException:
        stream.close()
        raise


def _hash_zip(path: str, stream: IO[bytes], tell: Callable[[int, int], None]) -> Package:
    try:
        with zipfile.ZipFile(stream) as archive:
            entries, contents = listing(archive)
    except (*NO_ZIP, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # which is a place before the file's beginning
            raise
        raise bad(path, f"is not a zip file ({error}).", "Give a zip, or the folder itself.") from None
    rules.check_unzipped(path, entries)
    size, sha, done = stream.seek(0, os.SEEK_END), hashlib.sha256(), 0
    stream.seek(0)
    while block := stream.read(BLOCK):
        sha.update(block)
        done += len(block)
        tell(done, size)
    return described(path, sha, done, entries, contents)


def described(
    path: str, sha: Hash, size: int, entries: Sequence[Entry], contents: Contents, useless_rules: tuple[str, ...] = ()
) -> Package:
    return Package(
        path=path,
        sha256=base64.b64encode(sha.digest()).decode(),
        size=size,
        unzipped=sum(entry.size for entry in entries),
        files=len(entries),
        contents=contents,
        useless_rules=useless_rules,
    )


def listing(archive: zipfile.ZipFile) -> tuple[list[Entry], Contents]:
    """The files of a zip, links among them, and what there is to know about them all."""
    entries = [_entry(archive, info) for info in archive.infolist()]
    starts = follow("bootstrap", {entry.name: entry.link for entry in entries if entry.link})
    program = next((info for info in archive.infolist() if info.filename.removeprefix("./") == starts), None)
    bootstrap = Program(mode=_mode(program), head=_first(archive, program, HEAD)) if program else None
    return [entry for entry in entries if not entry.name.endswith("/")], Contents.of(entries, bootstrap)


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    link = ""
    if info.create_system in _UNIX and stat.S_ISLNK(info.external_attr >> 16):
        link = _first(archive, info, LONGEST_LINK).decode("utf-8", "replace")
    return Entry(
        name=info.filename,
        size=info.file_size,
        mode=_mode(info),
        link=link,
        encrypted=bool(info.flag_bits & _ENCRYPTED),
    )


def _mode(info: zipfile.ZipInfo) -> int | None:
    """Permission bits; None where the tool that made the entry had none to write down. Not to be trusted to deny
    reading where no Unix tool wrote them."""
    mode = info.external_attr >> 16
    if info.create_system in _UNIX:
        return stat.S_IMODE(mode)
    return stat.S_IMODE(mode) | 0o444 if mode else None


def _first(archive: zipfile.ZipFile, info: zipfile.ZipInfo, length: int) -> bytes:
    """The first bytes of an entry; none where they cannot be read (encrypted, or compressed in some other way)."""
    try:
        with archive.open(info) as stream:
            return stream.read(length)
    except (*NO_ZIP, OSError):
        return b""
