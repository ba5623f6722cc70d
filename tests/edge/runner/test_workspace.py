"""Files of the workspace."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ci_deploy.edge.runner.workspace import LARGEST, WorkspaceFiles, files_for, open_regular, scratch_for
from tests.support.golden import Told


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    root.mkdir()
    (tmp_path / "outside.yml").write_text("secret")
    return root


def test_text_is_read_without_its_byte_order_mark(workspace: Path) -> None:
    (workspace / "deep").mkdir()
    (workspace / "deep" / "m.yml").write_bytes(b"\xef\xbb\xbf\xc3\xa4: 1\n")
    assert WorkspaceFiles(workspace, confined=True).read_text("deep/../deep/m.yml") == "ä: 1\n"


@pytest.mark.parametrize("path", ["../outside.yml", "/etc/hostname", "link.yml", "folder/../../outside.yml"])
def test_nothing_outside_of_the_workspace_is_read_under_a_runner(workspace: Path, path: str) -> None:
    (workspace / "link.yml").symlink_to(workspace.parent / "outside.yml")
    with pytest.raises(PermissionError, match=re.escape(str(workspace))):
        WorkspaceFiles(workspace, confined=True).read_text(path)


RUNNER = "/home/runner/work/shop"  # RUNNER_WORKSPACE; the workspace is the folder in it


@pytest.mark.parametrize(
    "path",
    [
        f"{RUNNER}/shop/dist/checkout.zip",
        "/tmp/checkout.zip",
        "/github/runner_temp/checkout.zip",
        f"{RUNNER}-other/shop/dist.zip",
        "../dist.zip",
    ],
)
def test_in_a_container_it_is_said_which_folders_there_are(path: str, told: Told) -> None:
    """A container action sees the runner's folders under other names, and few of them."""
    environ = {"GITHUB_WORKSPACE": "/github/workspace", "RUNNER_WORKSPACE": RUNNER}
    with pytest.raises(PermissionError) as caught:
        files_for(environ, Path("/")).resolve(path)
    assert caught.value.strerror == told


def test_outside_of_a_container_the_workspace_is_named(workspace: Path, told: Told) -> None:
    with pytest.raises(PermissionError) as caught:
        WorkspaceFiles(workspace, confined=True).resolve("../outside.yml")
    assert (caught.value.strerror or "").replace(str(workspace), "WORKSPACE") == told


def test_the_runners_folder_for_temporary_files_is_the_one_it_names() -> None:
    assert scratch_for({"RUNNER_TEMP": "/github/runner_temp"}) == Path("/github/runner_temp")
    assert scratch_for({"RUNNER_TEMP": " "}) is None
    assert scratch_for({}) is None


def test_anything_of_a_name_is_there_also_a_link_that_leads_nowhere(workspace: Path) -> None:
    files = WorkspaceFiles(workspace, confined=True)
    (workspace / "link").symlink_to("gone")
    assert [files.there(name) for name in ("link", ".", "gone", "a\0b", "x" * 5000)] == [
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_was_replaced_since_it_was_looked_at_is_not_opened(workspace: Path, kind: str) -> None:
    place = workspace / "file"
    if kind == "link":
        place.symlink_to("/etc/hostname")
    else:
        os.mkfifo(place)
    with pytest.raises(OSError, match=r"links|regular"):
        open_regular(place)


def test_on_a_terminal_any_path_is_read(workspace: Path) -> None:
    assert WorkspaceFiles(workspace, confined=False).read_text("../outside.yml") == "secret"


def test_what_is_no_readable_text_file_says_why(workspace: Path) -> None:
    files = WorkspaceFiles(workspace, confined=True)
    (workspace / "large").write_bytes(b"x" * (LARGEST + 1))
    (workspace / "latin").write_bytes(b"\xe4")
    os.mkfifo(workspace / "pipe")
    for path, what in (
        ("none", "does not exist"),
        (".", "folder"),
        ("large", "larger"),
        ("pipe", "regular"),
        ("latin", "not UTF-8 text"),
    ):
        with pytest.raises(OSError, match=what):
            files.read_text(path)


@pytest.mark.parametrize("path", ["loop", "a\0b", "x" * 5000])
def test_a_path_that_cannot_be_one_is_an_os_error(workspace: Path, path: str) -> None:
    (workspace / "loop").symlink_to("loop")
    with pytest.raises(OSError, match=r"path|long|links"):
        WorkspaceFiles(workspace, confined=True).read_text(path)


def test_the_workspace_is_the_runners_or_the_folder_we_stand_in(workspace: Path) -> None:
    (workspace / "a").write_text("a")
    assert files_for({"GITHUB_WORKSPACE": str(workspace)}, Path("/")).read_text("a") == "a"
    assert files_for({}, workspace).read_text("a") == "a"
