"""A repository's working copy, for `init`: what Git says of it, and files that are written where nothing is.

Git is asked as a program, since only it knows how its settings are joined; without it, or outside of a repository,
nothing is known and flags say it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ...core.errors import InvalidInput, Problem
from ...core.reasons import init as words
from .workspace import WorkspaceFiles

PATIENCE = 10.0  # seconds for one question to Git


class WorkingCopy:
    """Implements ports.Checkout below `root`; no link leads out of it."""

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self._root = root
        self._files = WorkspaceFiles(root, confined=True)
        self._environ = environ

    def url(self) -> str:
        return self._git("remote", "get-url", "origin")

    def branch(self) -> str:
        """The server's default branch, else `main` or `master` where there is one, else the one here."""
        default = self._git("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
        if default:
            return default.removeprefix("origin/")
        for name in ("main", "master"):
            if self._git("for-each-ref", "--format=%(refname)", f"refs/heads/{name}", f"refs/remotes/origin/{name}"):
                return name
        return self._git("symbolic-ref", "--quiet", "--short", "HEAD")

    def names(self, folder: str) -> tuple[str, ...]:
        try:
            return tuple(sorted(each.name for each in (self._root / folder).iterdir()))
        except OSError:
            return ()

    def there(self, path: str) -> bool:
        return self._files.there(path)

    def read(self, path: str) -> str:
        try:
            return self._files.read_text(path)
        except OSError as error:
            raise self._problem(path, error) from None

    def write(self, path: str, text: str) -> None:
        try:
            file = self._files.resolve(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8", newline="\n") as stream:  # x: never over something that is there
                try:
                    stream.write(text)
                    stream.flush()
                except BaseException:  # half a file would count as there the next time
                    file.unlink()
                    raise
        except OSError as error:
            raise self._problem(path, error) from None

    def _git(self, *arguments: str) -> str:
        """One line of Git's, empty where it has none to give."""
        try:
            done = subprocess.run(
                ["git", "-C", str(self._root), *arguments],
                env={**self._environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=PATIENCE,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return os.fsdecode(done.stdout).strip() if done.returncode == 0 else ""

    @staticmethod
    def _problem(path: str, error: OSError) -> InvalidInput:
        return InvalidInput(
            (Problem(where=f"file `{path}`", what=words.unusable(error.strerror or type(error).__name__)),)
        )
