"""Files of the workspace that a user names in inputs: manifests and AppSpecs. Only reads.

Under a runner a path must stay inside the workspace, links followed: a pull request's symlink must not make us print
what else is on the runner. On a terminal the user's own files are the user's.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Mapping
from pathlib import Path

from ...core.given.nodes import SAVE_AS_UTF8

# A manifest of a thousand functions stays far below; what is larger is the wrong file.
LARGEST = 1024 * 1024


class WorkspaceFiles:
    """Implements ports.Files. `root` is where relative paths begin; `confined`: nothing outside of it is read."""

    def __init__(self, root: Path, *, confined: bool) -> None:
        self._root = root
        self._confined = confined

    def resolve(self, path: str) -> Path:
        """Where a path leads, links followed; OSError (with a sentence in it) if that is outside of the workspace."""
        try:
            file = (self._root / path).resolve()
        except (RuntimeError, ValueError) as error:  # a circle of links (before Python 3.13), a NUL character
            raise OSError(errno.EINVAL, "cannot be a file's path", path) from error
        if self._confined and not file.is_relative_to(self._root.resolve()):
            raise PermissionError(errno.EACCES, "is outside of the workspace", path)
        return file

    def read_text(self, path: str) -> str:
        """UTF-8 text, a byte order mark removed; OSError with a sentence in it."""
        file = self.resolve(path)
        try:
            mode = file.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            raise FileNotFoundError(errno.ENOENT, "does not exist (was the repository checked out?)", path) from None
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "is a folder, not a file", path)
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "is not a regular file", path)
        with file.open("rb") as stream:
            content = stream.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise OSError(errno.EFBIG, f"is larger than {LARGEST // 1024} KiB", path)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise OSError(errno.EILSEQ, f"is not UTF-8 text. {SAVE_AS_UTF8}", path) from None


def files_for(environ: Mapping[str, str], directory: Path) -> WorkspaceFiles:
    """The workspace's files; `directory` (where we were started) on a terminal."""
    workspace = environ.get("GITHUB_WORKSPACE", "").strip()
    return WorkspaceFiles(Path(workspace) if workspace else directory, confined=bool(workspace))
