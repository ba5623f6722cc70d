"""The lock files hold what pyproject.toml asks for, with hashes, and agree with each other."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from scripts import locks

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("pyproject.toml", *locks.LOCKS, "requirements/awscli.in"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_locks_are_in_step() -> None:
    assert locks.problems() == []


def test_a_dependency_that_is_not_locked_is_found(copy: Path) -> None:
    project = copy / "pyproject.toml"
    project.write_text(project.read_text().replace('"boto3>=1.44.5,<2",', '"boto3>=1.44.5,<2", "left-pad",', 1))
    assert "requirements/runtime.txt: left-pad is not locked" in locks.problems(copy)


def test_a_version_that_is_no_longer_allowed_is_found(copy: Path) -> None:
    project = copy / "pyproject.toml"
    project.write_text(project.read_text().replace("requests>=2.32.4,<3", "requests>=99"))
    assert any(line.startswith("requirements/runtime.txt: requests") for line in locks.problems(copy))


def test_a_line_without_a_hash_is_found(copy: Path) -> None:
    with (copy / "requirements/runtime.txt").open("a") as stream:
        stream.write("left-pad==1.0\n")
    assert "requirements/runtime.txt: left-pad has no hash" in locks.problems(copy)


def test_locks_that_disagree_are_found(copy: Path) -> None:
    lock = copy / "requirements/dev.txt"
    lock.write_text(lock.read_text().replace("\nsix==", "\nsix==0.0.1+"))
    assert any("six" in line for line in locks.problems(copy))


@pytest.mark.parametrize("name", ["ci.yml", "release.yml"])
def test_a_lock_is_never_a_constraint(name: str) -> None:
    """pip wants a hash of everything then, of our own wheel too, and installs nothing."""
    text = (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")
    assert "requirements/" in text
    assert not re.search(r"(-c|--constraint)[ =]requirements/", text)


@pytest.mark.parametrize("folder", ["browser", "contract"])
def test_what_tests_take_from_npm_is_locked(folder: str) -> None:
    """Exact versions, a hash for each package, and no registry's address."""
    wanted = json.loads((ROOT / "tests" / folder / "package.json").read_text())["dependencies"]
    lock = json.loads((ROOT / "tests" / folder / "package-lock.json").read_text())["packages"]
    assert lock[""]["dependencies"] == wanted
    for name, version in wanted.items():
        assert re.fullmatch(r"[0-9]+(\.[0-9]+){2}", version)
        assert lock[f"node_modules/{name}"]["version"] == version
    packages = [package for name, package in lock.items() if name]
    assert all(package["integrity"].startswith("sha512-") for package in packages)
    assert not any("resolved" in package for package in packages)
