"""A folder becomes a zip: the same bytes on every machine, whatever its clock, umask and order of files.

Only what is in the folder is read: links are written as links and never followed, nothing but regular files is opened,
and a file gives as many bytes as it had when the folder was looked through. What goes in, how and in what order is
decided in core/given (packaging, ignoring, linking).
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ...core.given.package import packaging as rules
from ...core.given.package.contents import Contents, Entry, Program, follow
from ...core.given.package.ignoring import Rules
from ...core.given.package.linking import Link, kept
from ...core.given.package.packaging import Package, bad
from ..runner.workspace import open_regular
from .archive import BLOCK, HEAD, described

FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class _File:
    entry: Entry
    place: str


def zip_of(path: str, folder: Path, ignore_text: str, target: IO[bytes], tell: Callable[[int, int], None]) -> Package:
    """Write the zip of a folder, which the user calls `path`, to `target`."""
    ignoring = rules.rules(ignore_text, path)
    files, links = _look_through(path, os.path.realpath(folder), ignoring)
    linked = kept(path, links, files.keys(), ignoring)
    rules.check_unzipped(path, [file.entry for file in files.values()])
    entries = rules.in_order([*(file.entry for file in files.values()), *linked])
    starts = follow("bootstrap", {entry.name: entry.link for entry in linked})
    total, done, program = sum(entry.size for entry in entries), 0, None
    hashed = _Hashed(path, target)
    with zipfile.ZipFile(hashed, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in entries:
            if entry.link:
                archive.writestr(_info(entry), entry.link)
            else:
                head = _add(archive, path, files[entry.name])
                if entry.name == starts:
                    program = Program(mode=entry.mode, head=head)
            done += entry.size
            tell(done, total)
    hashed.flush()
    useless = tuple(f"line {rule.line} (`{rule.text}`)" for rule in ignoring.useless)
    return described(path, hashed, hashed.size, entries, Contents.of(entries, program), useless)


def _look_through(path: str, root: str, ignoring: Rules) -> tuple[dict[str, _File], dict[str, Link]]:
    """All that is not left out: files and links by their names in the zip."""
    files: dict[str, _File] = {}
    links: dict[str, Link] = {}
    folders = [("", root)]
    while folders:
        prefix, folder = folders.pop()
        for each in _listed(folder):
            name = prefix + each.name
            status = each.stat(follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                # It may lead to a folder, so that rules for folders are meant too.
                if not any(ignoring.says(name, folder=folder) for folder in (False, True)):
                    links[_text(path, name)] = _link(path, root, each.path, name)
            elif ignoring.says(name, folder=stat.S_ISDIR(status.st_mode)):
                continue
            elif stat.S_ISDIR(status.st_mode):
                folders.append((_text(path, name) + "/", each.path))
            elif stat.S_ISREG(status.st_mode):
                may = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
                files[name] = _File(Entry(name=_text(path, name), size=status.st_size, mode=may), each.path)
            else:
                raise bad(
                    path,
                    f"has something in it that is no file: {_text(path, name)} ({_kind(status.st_mode)}).",
                    f"Name it in {rules.IGNORE_FILE}.",
                )
    return files, links


def _listed(folder: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from entries


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _link(path: str, root: str, place: str, name: str) -> Link:
    says = _text(path, os.readlink(place), "a link whose target")  # noqa: PTH115 - a Path would tidy it
    try:
        real = os.path.realpath(place, strict=True)
    except OSError:
        return Link(name=name, says=says, real=None, broken=True)
    if real != root and not real.startswith(root.rstrip(os.sep) + os.sep):
        return Link(name=name, says=says, real=None)
    inside = os.path.relpath(real, root).replace(os.sep, "/")
    return Link(name=name, says=says, real="" if inside == "." else inside)


def _text(path: str, name: str, what: str = "a file whose name") -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise bad(path, f"has {what} is not UTF-8: {os.fsencode(name)!r}.", "Rename it.") from None
    return name


# --- Writing -------------------------------------------------------------------------------------------------------


class _Hashed(io.RawIOBase):
    """Writes through to a file and hashes what goes by; it cannot seek, which zipfile finds out by itself."""

    def __init__(self, path: str, stream: IO[bytes]) -> None:
        self._path = path
        self._stream = stream
        self.sha256 = hashlib.sha256()
        self.size = 0

    def digest(self) -> bytes:
        return self.sha256.digest()

    def write(self, data: Any) -> int:
        self.sha256.update(data)
        self.size += len(data)
        try:
            return self._stream.write(data)
        except OSError as error:
            raise _not_written(self._path, error, self.size) from error

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            raise _not_written(self._path, error, self.size) from error


def _not_written(path: str, error: OSError, size: int) -> Exception:
    if error.errno in FULL:
        return bad(
            path,
            f"cannot be packaged: the disk for temporary files is full ({error.strerror} at {rules.megabytes(size)}).",
            "Free some of it in an earlier step, or set RUNNER_TEMP (or TMPDIR) to a folder with room.",
        )
    return bad(path, f"cannot be packaged: the temporary file cannot be written: {error.strerror or error}.")


def _add(archive: zipfile.ZipFile, path: str, file: _File) -> bytes:
    """Add a file, exactly as long as it was; its first bytes."""
    head, left = b"", file.entry.size
    with open_regular(Path(file.place)) as source, archive.open(_info(file.entry), "w") as target:
        while left >= 0 and (block := source.read(min(BLOCK, left + 1))):
            head = head or block[:HEAD]
            left -= len(block)
            target.write(block if left >= 0 else block[:left])
    if left:
        raise bad(
            path,
            f"changed while it was being packaged: {file.entry.name} got {'longer' if left < 0 else 'shorter'}.",
            "Package it when the build has ended; name logs and the like in .lambdaignore.",
        )
    return head


def _info(entry: Entry) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(entry.name, rules.TIME_STAMP)
    info.create_system = 3  # Unix, whatever this is: modes mean something
    info.external_attr = rules.mode(entry) << 16
    info.compress_type = zipfile.ZIP_STORED if entry.link else zipfile.ZIP_DEFLATED
    info.file_size = entry.size
    return info
