"""Finds the repository's file, `ci-deploy.yml`: at the root of the workspace, or of the repository on a terminal.

Contract: design.md 2, "The repository's file". Nested files are never found by themselves; `config` names them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ...core.errors import InvalidInput
from ...core.given import mistakes

NAMES = ("ci-deploy.yml", ".github/ci-deploy.yml")
# What people write instead, and what would silently not be read.
_OTHER_SPELLINGS = frozenset({
    "ci-deploy.yml", "ci-deploy.yaml", "ci_deploy.yml", "ci_deploy.yaml", "cideploy.yml", "cideploy.yaml",
    ".ci-deploy.yml", ".ci-deploy.yaml", "ci-deploy.json",
})  # fmt: skip


def root(environ: Mapping[str, str], directory: Path) -> Path:
    """The workspace; on a terminal the repository that `directory` is in, or `directory` itself."""
    workspace = environ.get("GITHUB_WORKSPACE", "").strip()
    if workspace:
        return Path(workspace)
    here = directory.resolve()
    return next((folder for folder in (here, *here.parents) if os.path.lexists(folder / ".git")), here)


def find(folder: Path) -> str:
    """The file's name below `folder`, empty if there is none. Raises InvalidInput for two, or another spelling."""
    there = [name for name in NAMES if _lists(folder / name)]
    others = [
        f"{part}{name}"
        for part in ("", ".github/")
        for name in _names(folder / part)
        if name.lower() in _OTHER_SPELLINGS and f"{part}{name}" not in NAMES
    ]
    if len(there) > 1:
        raise InvalidInput((mistakes.file_twice(there[0], there[1]),))
    if others:
        raise InvalidInput((mistakes.file_misspelled(others[0], NAMES[0], there=bool(there)),))
    return there[0] if there else ""


def empty(folder: Path) -> bool:
    """Whether nothing was checked out: a job without actions/checkout has an empty workspace."""
    return not _names(folder)


def _lists(path: Path) -> bool:
    # By the folder's own listing: macOS and Windows open `CI-Deploy.yml` under this name too.
    return path.name in _names(path.parent)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(each.name for each in folder.iterdir())
    except OSError:
        return []
