"""What a repository has around its code: hooks for commits, owners of files, addresses on the package's page."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts import locks
from tests.project.words.test_docs import OWN

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def repositories() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))[
        "repos"
    ]
    return found


def hooks() -> dict[str, dict[str, Any]]:
    return {hook["id"]: hook for repository in repositories() for hook in repository["hooks"]}


def test_every_hook_is_pinned() -> None:
    """A hook is a program of the locked environment, or comes from a repository by its commit; never by a tag."""
    locked, _ = locks.locked((ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8"))
    for repository in repositories():
        if repository["repo"] != "local":
            assert re.fullmatch(r"[0-9a-f]{40}", repository["rev"])
            continue
        for hook in repository["hooks"]:
            program = Path(hook["entry"].split()[0])
            assert program.parent == Path(".venv/bin")
            assert program.name == "python" or program.name in locked, hook["id"]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with the configuration of this one, and the programs of the environment that runs the tests."""
    for name in (".pre-commit-config.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(BIN)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    return tmp_path


# Hook -> a file with its name, what it lets pass, and what it stops.
CASES = {
    "format": ("format.py", "x = 1\n", "x=1\n"),
    "lint": ("lint.py", "x = 1\n", "import os\n"),
    "workflows": (
        ".github/workflows/x.yml",
        "on: push\njobs: {x: {runs-on: x, steps: [{run: x}]}}\n",
        "on: push\n",
    ),
    "templates": (
        "docs/cloudformation/x.yaml",
        "Resources: {A: {Type: AWS::SNS::Topic}}\n",
        "Resources: {A: {Type: AWS::SNS::X}}\n",
    ),
}


@pytest.mark.parametrize(
    "tried",
    [("format", "lint", "workflows"), pytest.param(("templates",), marks=pytest.mark.full)],
    ids=lambda tried: tried[0],
)
def test_hooks_let_the_good_pass_and_stop_the_bad(tried: tuple[str, ...], clone: Path) -> None:
    """In one run for all, as for a commit; it reads and checks the whole configuration, too."""
    named = {hook["name"]: name for name, hook in hooks().items()}
    others = {**os.environ, "SKIP": ",".join(set(hooks()) - set(tried))}
    for which, code, ends in ((1, 0, "Passed"), (2, 1, "Failed")):
        for hook in tried:
            path = clone / CASES[hook][0]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(CASES[hook][which])
        files = [CASES[hook][0] for hook in tried]
        subprocess.run(["git", "add", *files], cwd=clone, check=True)
        done = subprocess.run(
            [BIN / "pre-commit", "run", "--color=never", "--files", *files],
            cwd=clone, env=others, capture_output=True, text=True,
        )  # fmt: skip
        said = dict(re.findall(r"(?m)^(.+?)\.{3,}(?:\(.*\))?(\w+)$", done.stdout))
        told = {named[name]: end for name, end in said.items() if end != "Skipped"}
        assert (done.returncode, told) == (code, dict.fromkeys(tried, ends)), done.stdout


def test_subjects_of_commits_are_short(clone: Path) -> None:
    """The longest good one passes as a commit's does; the hook's own program stops what is longer."""

    def message(length: int) -> None:
        (clone / "message").write_text("x" * length + "\n\n" + "y" * 100)

    message(72)
    command = [BIN / "pre-commit", "run", "subject", "--hook-stage", "commit-msg", "--commit-msg-filename", "message"]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True)
    assert done.returncode == 0 and "Passed" in done.stdout, done.stdout
    message(73)
    program = [*shlex.split(hooks()["subject"]["entry"]), "message"]
    assert subprocess.run(program, cwd=clone).returncode == 1


def test_files_that_hooks_wait_for_exist() -> None:
    """A pattern that matches no file of this repository would be a hook that never runs."""
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name, hook in hooks().items():
        if "files" in hook:
            assert [file for file in files if re.search(hook["files"], file)], name


def test_owners_are_named_for_paths_that_exist() -> None:
    lines = (ROOT / ".github" / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    owned = [line.split() for line in lines if line and not line.startswith("#")]
    assert owned[0][0] == "*", "every file has an owner"
    for path, *owners in owned:
        assert path == "*" or (ROOT / path.strip("/")).exists(), path
        assert owners
        assert all(owner.startswith("@") for owner in owners)


def test_community_files_are_where_github_looks() -> None:
    folder = ROOT / ".github"
    for name in ("CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "CODEOWNERS", "pull_request_template.md"):
        assert (folder / name).is_file(), name
        assert not (ROOT / name).exists(), name


def test_addresses_on_the_package_page_lead_somewhere() -> None:
    assert {"Homepage", "Documentation", "Changelog", "Issues"} <= set(PROJECT["urls"])
    for address in PROJECT["urls"].values():
        assert address.startswith("https://github.com/your-org/ci-deploy")
        if own := OWN.match(address):
            assert (ROOT / address[own.end() :]).is_file(), address
