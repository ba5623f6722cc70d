"""Files of the workspace that a user names in inputs: manifests and AppSpecs. Only reads.

Under a runner a path must stay inside the workspace, links followed: a pull request's symlink must not make us print
what else is on the runner. On a terminal the user's own files are the user's.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from ...core.given.files.nodes import SAVE_AS_UTF8

# A manifest of a thousand functions stays far below; what is larger is the wrong file.
LARGEST = 1024 * 1024
# What a container action sees of the runner (actions/runner, ContainerActionHandler.cs).
IN_A_CONTAINER = "/github/workspace"
_SEEN = "/github/runner_temp, /github/home, /github/workflow and /github/file_commands"


class WorkspaceFiles:
    """Implements ports.Files. `root` is where relative paths begin; `confined`: nothing outside of it is read.

    `outside`: how the workspace is called on the runner itself, where that is another name (RUNNER_WORKSPACE).
    """

    def __init__(self, root: Path, *, confined: bool, outside: str = "") -> None:
        self._root = root
        self._confined = confined
        self._outside = outside

    def resolve(self, path: str) -> Path:
        """Where a path leads, links followed; OSError (with a sentence in it) if that is outside of the workspace."""
        try:
            file = (self._root / path).resolve()
        except (RuntimeError, ValueError) as error:  # a circle of links (before Python 3.13), a NUL character
            raise OSError(errno.EINVAL, "cannot be a file's path", path) from error
        if self._confined and not file.is_relative_to(self._root.resolve()):
            raise PermissionError(errno.EACCES, f"is outside of the workspace{self._elsewhere(path)}", path)
        return file

    def there(self, path: str) -> bool:
        """Whether there is anything of this name: also a link that leads nowhere, or out."""
        return os.path.lexists(self._root / path)

    def _elsewhere(self, path: str) -> str:
        """What may be meant by a path that leads out, for people."""
        root = str(self._root)
        if root != IN_A_CONTAINER:
            return f" ({root})"
        begin = self._outside.rstrip("/") + "/"
        inside = path.removeprefix(begin).partition("/")[2] if self._outside and path.startswith(begin) else ""
        meant = f": write `{inside}`" if inside else ": put the file there, and write its path from there"
        return f", which is {root} in this container{meant}. Of the runner it sees only that, {_SEEN}"

    def read_text(self, path: str) -> str:
        """UTF-8 text, a byte order mark removed; OSError with a sentence in it."""
        try:
            return self.read_bytes(path).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise OSError(errno.EILSEQ, f"is not UTF-8 text. {SAVE_AS_UTF8}", path) from None

    def read_bytes(self, path: str) -> bytes:
        """A regular file of at most a mebibyte; OSError with a sentence in it."""
        file = self.resolve(path)
        try:
            mode = file.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            raise FileNotFoundError(errno.ENOENT, "does not exist (was the repository checked out?)", path) from None
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "is a folder, not a file", path)
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "is not a regular file", path)
        with open_regular(file) as stream:
            content = stream.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise OSError(errno.EFBIG, f"is larger than {LARGEST // 1024} KiB", path)
        return content


def open_regular(file: Path) -> BinaryIO:
    """Open a file that was found to be a regular one, unless it has been replaced by a link, a pipe or a device."""
    flags = (getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK"))
    stream = os.fdopen(os.open(file, sum(flags, os.O_RDONLY)), "rb")
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise OSError(errno.EINVAL, "is not a regular file", str(file))
    return stream


def files_for(environ: Mapping[str, str], directory: Path) -> WorkspaceFiles:
    """The workspace's files; `directory` (where we were started) on a terminal."""
    workspace = environ.get("GITHUB_WORKSPACE", "").strip()
    outside = environ.get("RUNNER_WORKSPACE", "").strip()
    return WorkspaceFiles(Path(workspace) if workspace else directory, confined=bool(workspace), outside=outside)


def scratch_for(environ: Mapping[str, str]) -> Path | None:
    """The folder for temporary files that the runner names: it is there where a container's own disk is read-only."""
    named = environ.get("RUNNER_TEMP", "").strip()
    return Path(named) if named else None
