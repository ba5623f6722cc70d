"""The release workflow's texts: the version, the notes, the pinned image."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ci_deploy import __version__
from scripts import release

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "docker://ghcr.io/your-org/ci-deploy@sha256:" + "0123456789abcdef" * 4
CHANGELOG = """# Changelog

## [Unreleased]

## [1.2.3] - 2026-12-01

### Added

- Something good.

## [1.2.2] - 2026-11-30

- Older.

[1.2.3]: https://example.com
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    (tmp_path / "ci_deploy").mkdir()
    (tmp_path / "ci_deploy" / "__init__.py").write_text('"""x"""\n\n__version__ = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    shutil.copy(ROOT / "action.yml", tmp_path / "action.yml")
    return tmp_path


def test_the_version_is_read_without_importing_anything() -> None:
    assert release.version() == __version__


def test_a_version_with_its_notes_passes(copy: Path) -> None:
    release.check("1.2.3", copy)
    assert release.notes("1.2.3", copy) == "### Added\n\n- Something good.\n"


@pytest.mark.parametrize("wrong", ["1.2", "v1.2.3", "1.2.4", "1.2.2", "1.2.3; true", ""])
def test_any_other_version_is_refused(copy: Path, wrong: str) -> None:
    with pytest.raises(release.ReleaseError):
        release.check(wrong, copy)


def test_a_version_without_notes_is_refused(copy: Path) -> None:
    (copy / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n- Not released.\n")
    with pytest.raises(release.ReleaseError, match="no section"):
        release.check("1.2.3", copy)


def test_the_image_is_pinned_and_nothing_else_changes(copy: Path) -> None:
    before = yaml.safe_load((copy / "action.yml").read_text(encoding="utf-8"))
    release.pin(IMAGE, copy)
    after = yaml.safe_load((copy / "action.yml").read_text(encoding="utf-8"))
    assert after["runs"].pop("image") == IMAGE
    assert before["runs"].pop("image") == "Dockerfile"
    assert after == before


@pytest.mark.parametrize("wrong", ["docker://x:latest", "Dockerfile", IMAGE[:-1], IMAGE + "\n  x: y"])
def test_an_image_without_a_whole_digest_is_refused(copy: Path, wrong: str) -> None:
    with pytest.raises(release.ReleaseError):
        release.pin(wrong, copy)


class Origin:
    """A repository at GitHub, and a clone of it on a runner, in which the release workflow's own scripts run."""

    def __init__(self, folder: Path) -> None:
        self.git_dir, self.clone = folder / "origin.git", folder / "clone"
        (folder / "bin").mkdir()
        (folder / "bin" / "gh").symlink_to(Path(__file__).with_name("gh.py"))
        (folder / "bin" / "python").symlink_to(sys.executable)
        self.environ = {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(folder),
            "ORIGIN": str(self.git_dir),
            "GITHUB_REPOSITORY": "your-org/ci-deploy",
            **{f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }
        self.clone.mkdir()
        for name in ("action.yml", "scripts/release.py"):
            (self.clone / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, self.clone / name)
        (self.clone / "ci_deploy").mkdir()
        (self.clone / "ci_deploy" / "__init__.py").write_text('__version__ = "1.2.3"\n')
        (self.clone / "CHANGELOG.md").write_text(CHANGELOG)
        self.git("init", "--quiet", "--initial-branch=main", ".")
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "everything")
        self.git("clone", "--quiet", "--bare", ".", str(self.git_dir))
        self.sha = self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        command = ["git", *arguments]
        return subprocess.run(
            command, cwd=self.clone, env=self.environ, check=True, capture_output=True, text=True
        ).stdout.strip()

    def at_origin(self, *arguments: str) -> str:
        return self.git("--git-dir", str(self.git_dir), *arguments)

    def job(self, name: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """The last step of a job of release.yml, as the runner runs it."""
        workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))
        step = workflow["jobs"][name]["steps"][-1]
        assert set(step["env"]) == {*variables, "GH_TOKEN"}
        environ = {**self.environ, **variables, "GITHUB_SHA": self.sha, "GH_TOKEN": "x"}
        return subprocess.run(
            ["bash", "-e", "-c", step["run"]], cwd=self.clone, env=environ, capture_output=True, text=True
        )


def test_the_tag_is_the_tested_commit_with_the_image_by_its_digest(tmp_path: Path) -> None:
    origin = Origin(tmp_path)
    done = origin.job("draft", VERSION="1.2.3", IMAGE=IMAGE.removeprefix("docker://"))
    assert done.returncode == 0, done.stderr
    tagged = yaml.safe_load(origin.at_origin("show", "v1.2.3:action.yml"))
    assert tagged["runs"]["image"] == IMAGE
    assert origin.at_origin("diff", "--name-only", origin.sha, "v1.2.3") == "action.yml"
    assert origin.at_origin("rev-parse", "v1.2.3^") == origin.sha
    assert origin.at_origin("rev-parse", "main") == origin.sha, "main keeps building its own"
    assert (origin.git_dir / "draft").read_text() == "1.2.3\n### Added\n\n- Something good.\n"
    again = origin.job("draft", VERSION="1.2.3", IMAGE=IMAGE.removeprefix("docker://"))
    assert again.returncode != 0 and "already exists" in again.stderr, "a version is released once"


def test_the_major_tag_is_made_and_then_moved(tmp_path: Path) -> None:
    origin = Origin(tmp_path)
    for version in ("1.2.3", "1.3.0"):
        origin.at_origin(
            "tag", f"v{version}", origin.at_origin("commit-tree", "-p", "main", "-m", version, "main^{tree}")
        )
        assert origin.job("major", TAG=f"v{version}").returncode == 0
        assert origin.at_origin("rev-parse", "v1") == origin.at_origin("rev-parse", f"v{version}")


def test_one_base_image_everywhere() -> None:
    """The digest that Dependabot moves in the Dockerfile is the one that CI's emulator runs on."""
    digests = {
        match
        for name in ("Dockerfile", ".github/workflows/ci.yml")
        for match in re.findall(r"python:\S+@sha256:[0-9a-f]{64}", (ROOT / name).read_text(encoding="utf-8"))
    }
    assert len(digests) == 1
