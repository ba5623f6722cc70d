"""The lock files: `locks.py` writes them with uv, `locks.py --check` says whether they are in step with pyproject.toml.

The check needs no network: every requirement of pyproject.toml must be locked at a version that it allows, every line
must carry hashes, and all files must agree on what they share. A lock is only ever installed with `--require-hashes`.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
COMPILE = ("uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header")
# File -> how it is compiled. The image's set comes first: the others hold it fixed.
LOCKS: dict[str, tuple[str, ...]] = {
    "requirements/runtime.txt": ("pyproject.toml", "--python-version", "3.11"),
    "requirements/dev.txt": (
        "pyproject.toml", "--python-version", "3.11", "--extra", "emulator", "--extra", "cli", "--group", "dev",
        "-c", "requirements/runtime.txt",
    ),
    "requirements/emulator.txt": (
        "pyproject.toml", "--python-version", "3.11", "--extra", "emulator", "-c", "requirements/runtime.txt",
    ),
    "requirements/demo.txt": (
        "pyproject.toml", "--python-version", "3.11", "--extra", "emulator", "--group", "demo",
        "-c", "requirements/dev.txt",
    ),
    # The group alone, without the project's own dependencies.
    "requirements/release.txt": ("--group", "release", "--python-version", "3.11", "-c", "requirements/dev.txt"),
    "requirements/awscli.txt": ("requirements/awscli.in", "--python-version", "3.11"),
}  # fmt: skip


def wanted(name: str, root: Path = ROOT) -> tuple[str, ...]:
    """The requirements that a lock file has to satisfy, as pyproject.toml (or its .in file) says them."""
    source = LOCKS[name][0]
    if source.endswith(".in"):
        lines = (root / source).read_text(encoding="utf-8").splitlines()
        return tuple(line for line in lines if line and not line.startswith("#"))
    document = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    arguments = LOCKS[name]
    found = list(document["project"]["dependencies"]) if source == "pyproject.toml" else []
    for flag, value in itertools.pairwise(arguments):
        if flag == "--extra":
            found += document["project"]["optional-dependencies"][value]
        if flag == "--group":
            found += _group(document["dependency-groups"], value)
    return tuple(found)


def _group(groups: dict[str, list[str | dict[str, str]]], name: str) -> Iterator[str]:
    for entry in groups[name]:
        if isinstance(entry, str):
            yield entry
        else:
            yield from _group(groups, entry["include-group"])


def locked(text: str) -> tuple[dict[str, set[str]], list[str]]:
    """The versions by package, and the packages without a hash. One package may have a version for each marker."""
    versions: dict[str, set[str]] = {}
    bare: list[str] = []
    for entry in text.replace("\\\n", " ").splitlines():
        line = entry.split("#")[0].strip()
        if not line:
            continue
        name, _, rest = line.partition("==")
        name = _normal(name.split("[")[0])
        versions.setdefault(name, set()).add(rest.split()[0])
        if "--hash=sha256:" not in line:
            bare.append(name)
    return versions, bare


def _normal(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(".", "-")


def problems(root: Path = ROOT) -> list[str]:
    """Everything that is out of step, in words; empty when all is well."""
    found: list[str] = []
    shared: dict[str, tuple[str, set[str]]] = {}
    for name in LOCKS:
        versions, bare = locked((root / name).read_text(encoding="utf-8"))
        found += [f"{name}: {package} has no hash" for package in bare]
        for text in wanted(name, root):
            requirement = Requirement(text)
            have = versions.get(_normal(requirement.name))
            if not have:
                found.append(f"{name}: {requirement.name} is not locked")
            elif not all(requirement.specifier.contains(version) for version in have):
                found.append(f"{name}: {requirement.name} {', '.join(sorted(have))} is not {requirement.specifier}")
        if name == "requirements/awscli.txt":
            continue  # an environment of its own
        for package, have in versions.items():
            first, seen = shared.setdefault(package, (name, have))
            if seen != have:
                found.append(f"{name}: {package} {sorted(have)}, but {sorted(seen)} in {first}")
    return found


def compile_all(upgrade: bool) -> None:
    """Write every lock file. What is locked already stays, unless `upgrade`."""
    uv = Path(sys.executable).parent / "uv"
    for name, arguments in LOCKS.items():
        extra = ["--upgrade"] if upgrade else []
        command = [str(uv), *COMPILE[1:], *arguments, *extra, "--output-file", name]
        print("+ " + " ".join(["uv", *command[1:]]))
        subprocess.run(command, cwd=ROOT, check=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="only say what is out of step")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that pyproject.toml allows")
    options = parser.parse_args(arguments)
    if not options.check:
        compile_all(options.upgrade)
    found = problems()
    for line in found:
        print(line, file=sys.stderr)
    if found:
        print("The lock files are out of step: run `make lock`.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
