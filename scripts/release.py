"""What the release workflow does with text.

`check VERSION`, `notes VERSION`, `materials FOLDER` (an exported image with its SBOM), `pin docker://IMAGE@sha256:…`.

The version stands in ci_deploy/__init__.py alone; a release also needs its section in CHANGELOG.md.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class ReleaseError(Exception):
    """The release cannot be made; the text says why."""


def version(root: Path = ROOT) -> str:
    """The one version there is, read without importing the package (nothing is installed here)."""
    found = re.search(r'^__version__ = "([^"]+)"$', (root / "ci_deploy" / "__init__.py").read_text(), re.MULTILINE)
    if found is None:
        raise ReleaseError("ci_deploy/__init__.py has no __version__")
    return found[1]


def check(wanted: str, root: Path = ROOT) -> None:
    """Raise ReleaseError unless `wanted` is the package's version and has notes."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", wanted):
        raise ReleaseError(f"{wanted!r} is not a version such as 1.2.3")
    if wanted != version(root):
        raise ReleaseError(f"ci_deploy/__init__.py says {version(root)}, not {wanted}")
    notes(wanted, root)


def notes(wanted: str, root: Path = ROOT) -> str:
    """The section of CHANGELOG.md on a version, without its heading."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"^## \[{re.escape(wanted)}\][^\n]*\n(.*?)(?=^## \[|^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None or not found[1].strip():
        raise ReleaseError(f"CHANGELOG.md has no section [{wanted}] with something in it")
    return found[1].strip() + "\n"


def materials(image: Path) -> None:
    """Raise ReleaseError unless the SBOM beside an image's files names every package on record there, and Python."""
    named = {
        _normal(package["name"])
        for package in json.loads((image / "sbom.spdx.json").read_text(encoding="utf-8"))["packages"]
    }
    records = {path.name for path in image.glob("var/lib/dpkg/status.d/*") if path.suffix != ".md5sums"}
    for metadata in image.glob("opt/**/*.dist-info/METADATA"):
        found = re.search(r"(?m)^Name: (\S+)$", metadata.read_text(encoding="utf-8"))
        records.add(found[1] if found else metadata.parent.name)
    missing = {name for name in records if _normal(name) not in named}
    if not any(re.fullmatch(r"python(3\.\d+)?(-minimal)?", name) for name in named):
        missing.add("python")
    if missing or not records:
        raise ReleaseError(f"the SBOM does not name {', '.join(sorted(missing)) or 'anything'}")


def _normal(name: str) -> str:
    return re.sub(r"[-_]+", "-", name).lower()


def pin(image: str, root: Path = ROOT) -> None:
    """Have action.yml use a published image, by digest, instead of building one on every run."""
    if not re.fullmatch(r"docker://[a-z0-9][a-z0-9./_-]*@sha256:[0-9a-f]{64}", image):
        raise ReleaseError(f"{image!r} is not docker://IMAGE@sha256:…")
    path = root / "action.yml"
    text, count = re.subn(r"(?m)^  image: .*$", f"  image: {image}", path.read_text(encoding="utf-8"))
    if count != 1:
        raise ReleaseError("action.yml does not have one line `image:`")
    path.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check a release and its SBOM, print its notes, pin its image.")
    parser.add_argument("what", choices=("check", "notes", "materials", "pin"))
    parser.add_argument("value")
    options = parser.parse_args(arguments)
    try:
        if options.what == "check":
            check(options.value)
        elif options.what == "notes":
            sys.stdout.write(notes(options.value))
        elif options.what == "materials":
            materials(Path(options.value))
        else:
            pin(options.value)
    except ReleaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
