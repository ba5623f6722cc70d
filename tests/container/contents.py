"""What is in the image, read from its layers: files, each module's imports, each binary's libraries.

Knows nothing of how scripts/rootfs.py finds those. Runs the image for `module_imports` alone: only the image's own
version of Python can read its byte code.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

PYTHON = "/opt/ci-deploy/bin/python"

# Reads every module below the folders that it is given and prints what each imports: {path: [names]}.
READ_MODULES = """
import dis, json, marshal, sys
from pathlib import Path

def imported(code, package):
    found, loaded = set(), []
    for step in dis.get_instructions(code):
        if step.opname == "IMPORT_NAME":
            level, names = loaded[-2:]
            base = step.argval
            if level:
                parents = package.split(".")
                base = ".".join([*parents[:len(parents) - level + 1], *([base] if base else [])])
            found.add(base)
            found.update(f"{base}.{name}" for name in names or ())
        if "LOAD_CONST" in step.opname or "LOAD_SMALL_INT" in step.opname:
            loaded.append(step.argval)
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            found |= imported(constant, package)
    return found

result = {}
for folder in json.load(sys.stdin):
    for path in Path(folder).rglob("*.pyc"):
        parts = path.relative_to(folder).parts
        if parts[-2:-1] == ("__pycache__",):
            parts = (*parts[:-2], parts[-1].partition(".")[0])
        name = ".".join([*parts[:-1], parts[-1].removesuffix(".pyc")])
        package = name.rpartition(".")[0]
        data = path.read_bytes()
        assert data[4] & 0b11 == 0b01, f"{path} is not compiled by hash, unchecked"
        result[str(path)] = sorted(imported(marshal.loads(data[16:]), package))
json.dump(result, sys.stdout)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file, folder or link of the image."""

    info: tarfile.TarInfo
    data: bytes = b""

    @property
    def file(self) -> bool:
        return self.info.isreg()


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """`entries` by path without the leading slash; `compressed`: bytes of all layers as a registry has them."""

    entries: Mapping[str, Entry]
    compressed: int
    layers: tuple[str, ...]

    def resolve(self, path: str) -> str:
        """The same path without links."""
        done = PurePosixPath()
        for position, part in enumerate(parts := PurePosixPath(path).parts):
            here = str(done / part)
            entry = self.entries.get(here)
            if entry is not None and entry.info.issym():
                target = PurePosixPath(entry.info.linkname)
                joined = target.relative_to("/") if target.is_absolute() else PurePosixPath(done, target)
                return self.resolve(_normal(PurePosixPath(joined, *parts[position + 1 :])))
            done = PurePosixPath(here)
        return str(done)


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def read(image: str) -> Image:
    """The layers of an image that the local engine has."""
    saved = subprocess.run(["docker", "save", image], capture_output=True, check=True).stdout
    entries: dict[str, Entry] = {}
    compressed = 0
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:

        def member(name: str) -> bytes:
            found = archive.extractfile(name)
            assert found is not None
            return found.read()

        manifest = json.loads(member("manifest.json"))[0]
        layers = json.loads(member(manifest["Config"]))["rootfs"]["diff_ids"]
        for name in manifest["Layers"]:
            layer = member(name)
            layer = gzip.decompress(layer) if layer[:2] == b"\x1f\x8b" else layer
            compressed += len(gzip.compress(layer, 6))
            with tarfile.open(fileobj=io.BytesIO(layer)) as files:
                for info in files:
                    stream = files.extractfile(info) if info.isreg() else None
                    entries[info.name.strip("/")] = Entry(info=info, data=stream.read() if stream else b"")
    entries.pop("", None)
    entries.pop(".", None)
    return Image(entries=entries, compressed=compressed, layers=tuple(layers))


def module_imports(image: str, folders: list[str]) -> dict[str, list[str]]:
    """What each module's byte code imports, by path: a superset of what the source can import on this system."""
    command = ["docker", "run", "--rm", "-i", "--entrypoint", PYTHON, image, "-I", "-c", READ_MODULES]
    done = subprocess.run(command, input=json.dumps(folders), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return {path.lstrip("/"): names for path, names in found.items()}


def needed(data: bytes) -> tuple[str, ...]:
    """The libraries that an ELF file names, its loader last; none for other files.

    System V ABI, 64 bits, little-endian.
    """
    if data[:6] != b"\x7fELF\x02\x01":
        return ()
    segments, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
    loads, dynamic, interpreter = [], b"", ()
    for number in range(count):
        kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", data, segments + number * size)
        if kind == 1:
            loads.append((address, offset, length))
        elif kind == 2:
            dynamic = data[offset : offset + length]
        elif kind == 3:
            interpreter = (data[offset : offset + length].rstrip(b"\0").decode(),)
    tags = [struct.unpack_from("<QQ", dynamic, place) for place in range(0, len(dynamic), 16)]
    strings = next((value for tag, value in tags if tag == 5), 0)
    names = next(
        (offset + strings - address for address, offset, length in loads if 0 <= strings - address < length), 0
    )

    def text(place: int) -> str:
        return data[names + place : data.index(b"\0", names + place)].decode()

    return (*(text(value) for tag, value in tags if tag == 1), *interpreter)


def module_name(path: str, folder: str) -> str:
    """The dotted name of a module's file below a folder of sys.path."""
    parts = list(PurePosixPath(path).relative_to(folder).parts)
    if parts[-2:-1] == ["__pycache__"]:
        del parts[-2]
    parts[-1] = re.sub(r"\.(cpython-\d+(-[\w-]+)?\.)?(pyc|py|so)$|\.cpython-\d+\.pyc$", "", parts[-1])
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
