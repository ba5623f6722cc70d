"""Where the repository's file is looked for, and what is told of one that would silently not be read."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ci_deploy.core.errors import InvalidInput
from ci_deploy.edge.runner.repository import empty, find, root
from ci_deploy.edge.runner.workspace import WorkspaceFiles
from tests.support.golden import Told


def put(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")
    return folder


def refused(folder: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        find(folder)
    (problem,) = caught.value.problems
    return str(problem)


# The file


@pytest.mark.parametrize("name", ["ci-deploy.yml", ".github/ci-deploy.yml"])
def test_the_file_is_found_by_its_name_at_the_root_or_in_github(tmp_path: Path, name: str) -> None:
    put(tmp_path, name, "README.md", ".github/workflows/deploy.yml")
    assert find(tmp_path) == name
    assert WorkspaceFiles(tmp_path, confined=True).read_text(find(tmp_path)) == f"# {name}\n"


def test_both_are_one_too_many(tmp_path: Path, told: Told) -> None:
    """Which of them is meant cannot be known; each would be right half the time."""
    put(tmp_path, "ci-deploy.yml", ".github/ci-deploy.yml")
    assert refused(tmp_path) == told


@pytest.mark.parametrize("part", ["", ".github/"])
@pytest.mark.parametrize(
    "name",
    [
        "ci-deploy.yaml", "ci_deploy.yml", "ci_deploy.yaml", "cideploy.yml", "cideploy.yaml", ".ci-deploy.yml",
        ".ci-deploy.yaml", "ci-deploy.json", "CI-Deploy.yml", "ci-deploy.YML", "CI_DEPLOY.yaml",
    ],
)  # fmt: skip
def test_another_spelling_is_told_and_never_passed_over(tmp_path: Path, part: str, name: str, told: Told) -> None:
    put(tmp_path, part + name)
    found = refused(tmp_path)
    assert f"`{part}{name}`" in found
    assert found.replace(part + name, "NAME") == told


@pytest.mark.parametrize("other", ["ci-deploy.yaml", ".github/ci-deploy.yaml", ".github/CI-deploy.yml"])
@pytest.mark.parametrize("name", ["ci-deploy.yml", ".github/ci-deploy.yml"])
def test_another_spelling_beside_the_file_is_told_too(tmp_path: Path, name: str, other: str, told: Told) -> None:
    """Somebody edits the one that is not read, and wonders."""
    put(tmp_path, name, other)
    found = refused(tmp_path)
    assert f"`{other}`" in found
    assert found.replace(other, "OTHER") == told


@pytest.mark.parametrize(
    "name",
    [
        "deploy/ci-deploy.yml", "services/checkout/.github/ci-deploy.yml", "src/ci-deploy.yaml",
        ".github/workflows/ci-deploy.yml", "ci-deploy.yml.bak", "my-ci-deploy.yml", "ci-deploy.md", "deploy.yml",
        "ci-deploy/README.md",
    ],
)  # fmt: skip
def test_nested_files_and_other_names_are_nobodys(tmp_path: Path, name: str) -> None:
    assert find(put(tmp_path, name)) == ""


def test_where_there_is_no_folder_there_is_no_file(tmp_path: Path) -> None:
    assert find(tmp_path) == ""
    assert find(tmp_path / "gone") == ""


# Links


def test_a_link_that_leads_nowhere_is_not_passed_over(tmp_path: Path) -> None:
    """Reading it tells what is wrong; without it the run would have no file, in silence."""
    (tmp_path / "ci-deploy.yml").symlink_to(tmp_path / "gone.yml")
    assert find(tmp_path) == "ci-deploy.yml"
    with pytest.raises(FileNotFoundError, match="does not exist"):
        WorkspaceFiles(tmp_path, confined=True).read_text(find(tmp_path))


@pytest.mark.parametrize("name", ["ci-deploy.yml", ".github"])
def test_a_link_out_of_the_repository_is_found_and_not_followed(tmp_path: Path, name: str) -> None:
    outside = put(tmp_path / "outside", "ci-deploy.yml")
    repository = put(tmp_path / "repository", "README.md")
    (repository / name).symlink_to(outside if name == ".github" else outside / "ci-deploy.yml")
    found = find(repository)
    assert found == (".github/ci-deploy.yml" if name == ".github" else name)
    with pytest.raises(PermissionError, match=re.escape(str(repository))):
        WorkspaceFiles(repository, confined=True).read_text(found)


def test_a_link_within_the_repository_is_the_file(tmp_path: Path) -> None:
    put(tmp_path, "deploy/prod.yml")
    (tmp_path / "ci-deploy.yml").symlink_to(Path("deploy/prod.yml"))
    assert WorkspaceFiles(tmp_path, confined=True).read_text(find(tmp_path)) == "# deploy/prod.yml\n"


# The root


def test_under_a_runner_the_root_is_the_workspace(tmp_path: Path) -> None:
    """Wherever the step was started, and however many repositories are in it."""
    put(tmp_path, "checkout/.git/HEAD")
    environ = {"GITHUB_WORKSPACE": f" {tmp_path} "}
    assert root(environ, tmp_path / "checkout") == tmp_path


@pytest.mark.parametrize("environ", [{}, {"GITHUB_WORKSPACE": " "}])
@pytest.mark.parametrize("place", ["shop", "shop/src", "shop/src/deep/er"])
@pytest.mark.parametrize("git", ["HEAD", ""])
def test_on_a_terminal_the_root_is_that_of_the_git_repository(
    tmp_path: Path, environ: dict[str, str], place: str, git: str
) -> None:
    """`.git` is a folder, or a file in a worktree and in a submodule."""
    (tmp_path / "shop/src/deep/er").mkdir(parents=True)
    put(tmp_path, f"shop/.git/{git}" if git else "shop/.git", ".git/HEAD")
    assert root(environ, tmp_path / place) == tmp_path / "shop"


def test_outside_of_a_repository_the_root_is_where_the_run_was_started(tmp_path: Path) -> None:
    if any(os.path.lexists(folder / ".git") for folder in tmp_path.parents):
        pytest.skip("the temporary folder is in a git repository")
    assert root({}, tmp_path) == tmp_path


def test_a_link_to_a_folder_of_the_repository_is_in_the_repository(tmp_path: Path) -> None:
    (tmp_path / "shop/src").mkdir(parents=True)
    put(tmp_path, "shop/.git/HEAD")
    (tmp_path / "here").symlink_to(tmp_path / "shop/src")
    assert root({}, tmp_path / "here") == tmp_path / "shop"


# Nothing checked out


def test_a_workspace_without_anything_was_not_checked_out(tmp_path: Path) -> None:
    assert empty(tmp_path)
    assert empty(tmp_path / "gone")
    assert not empty(put(tmp_path, ".git/HEAD"))


def test_a_workspace_with_one_file_was_checked_out(tmp_path: Path) -> None:
    assert not empty(put(tmp_path, "README.md"))
