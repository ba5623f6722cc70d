"""The release workflow's texts: the version, the notes, the pinned image."""

from __future__ import annotations

import re
import shutil
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


def test_one_base_image_everywhere() -> None:
    """The digest that Dependabot moves in the Dockerfile is the one that CI's emulator runs on."""
    digests = {
        match
        for name in ("Dockerfile", ".github/workflows/ci.yml")
        for match in re.findall(r"python:\S+@sha256:[0-9a-f]{64}", (ROOT / name).read_text(encoding="utf-8"))
    }
    assert len(digests) == 1
