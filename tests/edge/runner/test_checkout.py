"""A working copy: what Git says of it, and files that never go over others."""

from __future__ import annotations

import os
import resource
import subprocess
from pathlib import Path

import pytest

from ci_deploy.core.errors import InvalidInput
from ci_deploy.edge.runner.checkout import WorkingCopy

ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=x", "-c", "user.email=x@y"]
    subprocess.run(["git", *who, *arguments], cwd=folder, env=ENVIRON, check=True, capture_output=True)


@pytest.fixture
def copy(tmp_path: Path) -> WorkingCopy:
    git(tmp_path, "init", "--initial-branch=trunk")
    return WorkingCopy(tmp_path, ENVIRON)


def test_git_says_remote_and_branch(copy: WorkingCopy, tmp_path: Path) -> None:
    assert (copy.url(), copy.branch()) == ("", "trunk")
    git(tmp_path, "remote", "add", "origin", "git@github.com:my-org/my-repo.git")
    assert copy.url() == "git@github.com:my-org/my-repo.git"


def test_the_servers_default_branch_counts_before_the_one_here(copy: WorkingCopy, tmp_path: Path) -> None:
    git(tmp_path, "commit", "--allow-empty", "--message", "one")
    git(tmp_path, "branch", "main")
    git(tmp_path, "checkout", "-b", "feature")
    assert copy.branch() == "main"
    git(tmp_path, "update-ref", "refs/remotes/origin/trunk", "HEAD")
    git(tmp_path, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert copy.branch() == "trunk"


def test_no_repository_and_no_git_say_nothing(tmp_path: Path) -> None:
    assert WorkingCopy(tmp_path, {**ENVIRON, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}).url() == ""
    without = WorkingCopy(tmp_path, {"PATH": str(tmp_path)})
    assert (without.url(), without.branch()) == ("", "")


def test_files_are_written_where_nothing_is(copy: WorkingCopy, tmp_path: Path) -> None:
    copy.write(".github/workflows/deploy.yml", "name: Deploy\n")
    assert copy.names(".github/workflows") == ("deploy.yml",)
    assert copy.names("nowhere") == ()
    assert copy.there(".github/workflows/deploy.yml") and not copy.there("ci-deploy.yml")
    assert copy.read(".github/workflows/deploy.yml") == "name: Deploy\n"
    with pytest.raises(InvalidInput, match="File exists"):
        copy.write(".github/workflows/deploy.yml", "name: Other\n")
    assert (tmp_path / ".github" / "workflows" / "deploy.yml").read_text() == "name: Deploy\n"


def test_no_link_leads_out_of_the_repository(copy: WorkingCopy, tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path.parent)
    for use in (lambda: copy.write("out/x.yml", ""), lambda: copy.read("out/x.yml")):
        with pytest.raises(InvalidInput, match="outside of the workspace"):
            use()
    assert not (tmp_path.parent / "x.yml").exists()


def test_a_file_in_the_place_of_a_folder_is_told(copy: WorkingCopy, tmp_path: Path) -> None:
    (tmp_path / ".github").write_text("")
    with pytest.raises(InvalidInput, match="cannot be used"):
        copy.write(".github/workflows/deploy.yml", "")


def test_a_file_that_could_not_be_written_whole_is_not_there(copy: WorkingCopy) -> None:
    """A full disk: the next `init` would take half a file for the repository's own."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(InvalidInput, match="File too large"):
            copy.write("ci-deploy.yml", "x" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not copy.there("ci-deploy.yml")
