"""The wheel, built and installed alone: both programs start from it, typed, with their data, and with nothing else."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from ci_deploy import __version__

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    assert len(list(folder.glob("*.tar.gz"))) == 1
    return found


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel; its dependencies are those of the environment that runs the tests."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=True)
    made = folder / "bin" / "python"
    subprocess.run([made, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    site = folder / "lib" / version / "site-packages"
    # The dependencies, without the checkout that is installed beside them (its .pth is read from a site folder only).
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return made


def run(python: Path, *arguments: str) -> str:
    done = subprocess.run([python, *arguments], capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_line_starts_from_the_wheel(python: Path) -> None:
    where = run(python, "-c", "import ci_deploy; print(ci_deploy.__file__)")
    assert str(python.parent.parent) in where
    assert run(python.parent / "ci-deploy", "--version").strip() == f"ci-deploy {__version__}"
    assert "--deployment-group" in run(python.parent / "ci-deploy", "deploy", "--help")


def test_the_emulator_starts_from_the_wheel(python: Path) -> None:
    assert "--speed" in run(python, "-m", "codedeploy_emulator", "serve", "--help")


def test_the_wheel_has_what_is_needed_and_no_more(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    data = {"ci_deploy/py.typed", "ci_deploy/foundation.yaml", "codedeploy_emulator/seeds/demo.yaml"}
    assert data <= set(names)
    schemas = [str(path.relative_to(ROOT)) for path in ROOT.glob("ci_deploy/**/*.json")]
    assert schemas
    assert set(schemas) <= set(names)
    tops = {name.split("/")[0] for name in names}
    assert tops == {"ci_deploy", "codedeploy_emulator", f"ci_deploy-{__version__}.dist-info"}
    assert not [name for name in names if "__pycache__" in name]


def test_init_writes_the_template_from_the_wheel(python: Path, tmp_path: Path) -> None:
    place = ["--aws-region", "eu-central-1", "--account-id", "123456789012", "--repository", "o/r", "--owner-id", "1"]
    flags = ["--function", "checkout", "--code", "src", "--repository-id", "2", *place]
    subprocess.run([python.parent / "ci-deploy", "init", *flags], cwd=tmp_path, check=True, capture_output=True)
    written = (tmp_path / ".github" / "ci-deploy-roles.yml").read_text(encoding="utf-8")
    assert written == (ROOT / "docs" / "cloudformation" / "foundation.yaml").read_text(encoding="utf-8")
