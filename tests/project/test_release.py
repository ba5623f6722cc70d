"""The release workflow's texts: the version, the notes, the pinned image."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

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


def test_the_list_of_materials_names_every_package_of_the_image(tmp_path: Path) -> None:
    """Debian's, Python's and the interpreter; a package on record that the list does not have stops the release."""
    records = tmp_path / "var/lib/dpkg/status.d"
    metadata = tmp_path / "opt/x/rpds_py-1.dist-info/METADATA"
    for folder in (records, metadata.parent):
        folder.mkdir(parents=True)
    (records / "libc6").write_text("Package: libc6\n")
    (records / "libc6.md5sums").write_text("")
    metadata.write_text("Metadata-Version: 2.4\nName: rpds_py\n")

    def names(*packages: str) -> None:
        listed = {"packages": [{"name": name} for name in packages]}
        (tmp_path / "sbom.spdx.json").write_text(json.dumps(listed))

    names("libc6", "rpds-py", "python", "more")
    release.materials(tmp_path)
    for left_out, *others in (
        ("libc6", "rpds-py", "python"),
        ("rpds-py", "libc6", "python"),
        ("python", "libc6", "rpds-py"),
    ):
        names(*others)
        with pytest.raises(release.ReleaseError, match=left_out.replace("-", "[-_]")):
            release.materials(tmp_path)


@cache
def release_jobs() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())["jobs"]
    return found


class Origin:
    """A repository at GitHub, and a clone of it on a runner, in which the release workflow's own scripts run."""

    def __init__(self, folder: Path) -> None:
        self.git_dir, self.clone = folder / "origin.git", folder / "clone"
        (folder / "bin").mkdir()
        (folder / "bin" / "gh").symlink_to(Path(__file__).with_name("gh.py"))
        for name in ("python", "python3"):
            (folder / "bin" / name).symlink_to(sys.executable)
        self.environ = {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(folder),
            "ORIGIN": str(self.git_dir),
            "GITHUB_REPOSITORY": "your-org/ci-deploy",
            **{f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }
        if not self.clone.exists():
            self._begin()
        self.sha = self.git("rev-parse", "HEAD")

    def copied(self, folder: Path) -> Origin:
        shutil.copytree(self.git_dir, folder / self.git_dir.name)
        shutil.copytree(self.clone, folder / self.clone.name)
        return Origin(folder)

    def _begin(self) -> None:
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

    def git(self, *arguments: str) -> str:
        command = ["git", *arguments]
        return subprocess.run(
            command, cwd=self.clone, env=self.environ, check=True, capture_output=True, text=True
        ).stdout.strip()

    def at_origin(self, *arguments: str) -> str:
        return self.git("--git-dir", str(self.git_dir), *arguments)

    def tagged(self, tag: str) -> str:
        return self.at_origin("rev-parse", f"refs/tags/{tag}")

    def publish(self, tag: str, image: str, *, attested: bool = True) -> None:
        with (self.git_dir / "releases").open("a") as releases, (self.git_dir / "attested").open("a") as images:
            releases.write(f"{tag}\n")
            images.write(f"{image.replace('docker:', 'oci:')}\n" if attested else "")

    def release(self, version: str, *, attested: bool = True) -> subprocess.CompletedProcess[str]:
        """Tag a version with an image of its own, publish it, and run the job that moves the major tag."""
        image = f"docker://ghcr.io/your-org/ci-deploy@sha256:{sha256(version.encode()).hexdigest()}"
        release.pin(image, self.clone)
        self.at_origin("--work-tree", ".", "add", "action.yml")
        self.at_origin("--work-tree", ".", "commit", "--quiet", "--message", version)
        self.at_origin("tag", f"v{version}")
        self.git("checkout", "--quiet", "action.yml")
        self.publish(f"v{version}", image, attested=attested)
        return self.job("major", TAG=f"v{version}")

    def job(self, name: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """The last step of a job of release.yml, as the runner runs it."""
        step = release_jobs()[name]["steps"][-1]
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

    origin.publish("v1.2.3", IMAGE)
    assert origin.job("major", TAG="v1.2.3").returncode == 0
    assert origin.tagged("v1") == origin.tagged("v1.2.3"), "what was drafted can be published"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """With one release."""
    origin = Origin(tmp_path_factory.mktemp("first"))
    done = origin.release("1.10.0")
    assert done.returncode == 0, done.stderr
    return origin


@pytest.fixture
def origin(first: Origin, tmp_path: Path) -> Origin:
    return first.copied(tmp_path)


def test_the_major_tag_is_made_and_then_moved(origin: Origin) -> None:
    assert origin.tagged("v1") == origin.tagged("v1.10.0")
    done = origin.release("1.11.0")
    assert done.returncode == 0, done.stderr
    assert origin.tagged("v1") == origin.tagged("v1.11.0") != origin.tagged("v1.10.0")


def test_the_major_tag_never_moves_to_an_older_version(origin: Origin) -> None:
    """A fix for an older line is published after a newer one: users of `v1` keep the newer one."""
    done = origin.release("1.9.9")
    assert done.returncode == 0
    assert "v1.10.0 is newer than v1.9.9" in done.stdout
    assert origin.tagged("v1") == origin.tagged("v1.10.0")


def test_each_major_has_a_tag_of_its_own(origin: Origin) -> None:
    origin.release("2.0.0")
    origin.release("1.11.0")
    assert (origin.tagged("v2"), origin.tagged("v1")) == (origin.tagged("v2.0.0"), origin.tagged("v1.11.0"))


def test_the_major_tag_does_not_move_to_what_the_workflow_did_not_build(origin: Origin) -> None:
    done = origin.release("1.10.1", attested=False)
    assert done.returncode != 0
    assert "no attestations found" in done.stderr
    assert origin.tagged("v1") == origin.tagged("v1.10.0")


def test_a_tag_that_is_no_version_moves_nothing(origin: Origin) -> None:
    for tag in ("v1", "v1.2", "v1.2.3-rc.1", "latest", "v1.2.3;x"):
        origin.job("major", TAG=tag)
        assert origin.tagged("v1") == origin.tagged("v1.10.0"), tag


def writing() -> list[str]:
    return [name for name, job in release_jobs().items() if "write" in job["permissions"].values()]


def scripts(name: str) -> str:
    return "\n".join(step.get("run", "") for step in release_jobs()[name]["steps"])


def test_jobs_that_may_write_install_no_development_environment() -> None:
    """A test tool that was taken over could change the image, or publish with the job's token."""
    assert {"build", "index", "pypi", "draft", "major"} == set(writing())
    for name in (*writing(), "package"):
        text = scripts(name)
        assert not re.search(r"\bmake\b|pytest|dev\.txt", text), name
        for line in text.splitlines():
            if " pip " in f" {line.replace('/', ' ')}":
                assert "--require-hashes" in line, line
                assert "requirements/release.txt" in line, line


def test_jobs_that_may_write_wait_for_a_person() -> None:
    """Their environments have reviewers, and allow the main branch and version tags alone."""
    assert {release_jobs()[name].get("environment") for name in writing()} == {"release", "pypi"}
    contributing = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "environments `release` and `pypi`" in contributing


def test_what_is_published_was_tested() -> None:
    jobs = release_jobs()

    def before(name: str) -> set[str]:
        needs = jobs[name].get("needs", [])
        direct = {needs} if isinstance(needs, str) else set(needs)
        return direct.union(*(before(each) for each in direct))

    assert {"build", "test"} <= before("index")
    assert {"wheel", "test"} <= before("pypi")
    assert {"pypi", "index"} <= before("draft")


DOCKER = """#!/bin/bash
echo "$@" >>"$LOG"
while [ $# -gt 0 ]; do
  [ "$1" != --metadata-file ] || echo '{"containerimage.digest": "sha256:feed"}' >"$2"
  case "$1" in type=local,dest=*) mkdir -p "${1#*dest=}"; echo '{}' >"${1#*dest=}/sbom.spdx.json" ;; esac
  shift
done
cat >/dev/null </dev/stdin
"""


def test_the_image_is_built_by_pinned_programs_and_pushed_without_a_name(tmp_path: Path) -> None:
    """The step, run with a `docker` that writes down what it is asked."""
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    (tmp_path / ".github").symlink_to(ROOT / ".github")
    (step,) = [step for step in release_jobs()["build"]["steps"] if step.get("id") == "build"]
    environ = dict.fromkeys(step["env"], "x") | {
        "ARCHITECTURE": "arm64", "IMAGE": "ghcr.io/your-org/ci-deploy", "GITHUB_ACTOR": "x", "GITHUB_SHA": "x",
        "GITHUB_SERVER_URL": "x", "GITHUB_REPOSITORY": "x", "GITHUB_OUTPUT": str(tmp_path / "output"),
        "LOG": str(tmp_path / "log"), "PATH": f"{tmp_path}:{ROOT / 'tests' / 'support' / 'tools'}:{os.environ['PATH']}",
    }  # fmt: skip
    subprocess.run(["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=environ, check=True, input=b"")
    login, create, push, contents = (tmp_path / "log").read_text().splitlines()
    assert login.startswith("login ghcr.io")
    assert re.search(r"--driver-opt image=moby/buildkit:\S+@sha256:[0-9a-f]{64}$", create)
    assert "push-by-digest=true" in push
    assert "--tag" not in push
    assert re.search(r"--sbom=generator=docker/buildkit-syft-scanner:\S+@sha256:[0-9a-f]{64} ", contents)
    assert (tmp_path / "output").read_text() == "arm64=sha256:feed\n"


def test_dependabot_moves_the_pinned_programs() -> None:
    document = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))
    (docker,) = [each for each in document["updates"] if each["package-ecosystem"] == "docker"]
    assert {"/", "/.github/builders"} == set(docker["directories"])


def test_one_base_image_everywhere() -> None:
    """The digest that Dependabot moves in the Dockerfile is the one that CI's emulator runs on."""
    digests = {
        match
        for name in ("Dockerfile", ".github/workflows/ci.yml")
        for match in re.findall(r"python:\S+@sha256:[0-9a-f]{64}", (ROOT / name).read_text(encoding="utf-8"))
    }
    assert len(digests) == 1


def test_an_action_has_one_pin_everywhere_by_commit_with_its_version_beside_it() -> None:
    """In the workflows, in the docs, and in what `init` writes: dependabot moves only the first."""
    files = [*ROOT.glob(".github/workflows/*.yml"), *ROOT.glob("docs/**/*.*ml"), *ROOT.glob("docs/**/*.md")]
    files += [ROOT / "README.md", ROOT / "ci_deploy" / "core" / "init" / "files.py"]
    pins: dict[str, set[str]] = {}
    for file in files:
        used = re.findall(r"(?:uses: |_CHECKOUT = \")([\w-]+/[\w./-]+)@(.*)", file.read_text(encoding="utf-8"))
        for action, pin in used:
            if not action.lower().startswith("your-org/"):
                pins.setdefault(action, set()).add(pin.strip().rstrip('"'))
    assert {"actions/checkout", "aws-actions/configure-aws-credentials"} <= set(pins)
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}
    assert [pin for found in pins.values() for pin in found if not re.fullmatch(r"[0-9a-f]{40} # v[\d.]+", pin)] == []
