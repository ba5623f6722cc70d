"""The image, file by file: an import, a loader or a license needs each one, and each is of a known package.

The claims are about the image's layers (contents.py), not about how scripts/rootfs.py made them.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import stat
import subprocess
import tomllib
from collections.abc import Iterable, Mapping

import pytest

from ci_deploy import __version__
from ci_deploy.edge.aws.client import SERVICES
from scripts import rootfs

from .conftest import ROOT
from .contents import PYTHON, Entry, Image, module_imports, module_name, needed, read

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("container")]

AGAIN = "ci-deploy:again"
LIMIT = 20_000_000  # bytes, all layers compressed

# What neither an import nor the loader asks for, and who does.
OTHERWISE = {
    r"opt/ci-deploy/(entrypoint|post-entrypoint)": "action.yml and ENTRYPOINT",
    r"opt/ci-deploy/(pyvenv\.cfg|bin/python)": "the interpreter, to find our packages",
    r"usr/(local/)?bin/python3\.\d+": "the entry points",
    r"usr/bin/busybox": "runners on Kubernetes",
    rf"usr/bin/({'|'.join(rootfs.APPLETS)})": "runners on Kubernetes",
    r"etc/(passwd|group|nsswitch\.conf)": "libc: users and host names",
    r"etc/ld\.so\.cache": "the loader",
    r"etc/ssl/certs/ca-certificates\.crt": "TLS",
    r"usr/lib/ssl/cert\.pem": "OpenSSL's own place for certificates",
    r"(etc|usr/lib)/os-release": "scanners",
    r"var/lib/dpkg/status\.d/[^/]+": "scanners",
    r"usr/share/doc/[^/]+/copyright": "licenses",
    r"usr/share/common-licenses/[^/]+": "licenses that copyright files point to",
    r"usr/local/lib/python3\.\d+/LICENSE\.txt": "the interpreter's license",
    r"(bin|lib|lib64)": "programs, libraries and the loader by their old paths",
}
# Below site-packages.
LOADED = {
    r"certifi/cacert\.pem": "certifi",
    r"botocore/data/(endpoints|partitions|_retry|sdk-default-configuration)\.json": "botocore",
    rf"botocore/data/({'|'.join(SERVICES)})/[\d-]+/(?!examples)[\w.-]+\.json(\.gz)?": "botocore",
    r"jsonschema_specifications/schemas/.+": "jsonschema",
    r"ci_deploy/.+\.json": "the product",
    r"ci_deploy/compiled\.cpython-\d+\.marshal": "the product, to compile less at each start",
    r"[^/]+\.dist-info/(METADATA|RECORD)": "scanners",
    r"[^/]+\.dist-info/(.+/)?(LICEN[CS]E|NOTICE|COPYING)[^/]*": "licenses",
}
EMPTY = {"tmp", "root"}
# Made by the build, or a record itself.
OF_NO_PACKAGE = (
    r"opt/ci-deploy/(entrypoint|post-entrypoint|pyvenv\.cfg)",
    r"etc/(passwd|group|nsswitch\.conf|ld\.so\.cache)",
    r"etc/ssl/certs/ca-certificates\.crt",  # certifi's, whose own file leads here
    r"var/lib/dpkg/.+",
    r"usr/share/(doc|common-licenses)/.+",
    r"usr/local/(bin|lib)/.+",  # the official images' own interpreter
)


@pytest.fixture(scope="module")
def contents(image: str) -> Image:
    return read(image)


@pytest.fixture(scope="module")
def packages(contents: Image) -> str:
    """site-packages."""
    return next(path for path in contents.entries if path.endswith("/site-packages"))


@pytest.fixture(scope="module")
def standard(contents: Image) -> str:
    """The standard library."""
    return next(path.removesuffix("/os.pyc") for path in contents.entries if path.endswith("/os.pyc"))


@pytest.fixture(scope="module")
def imported(image: str, packages: str, standard: str) -> dict[str, list[str]]:
    return module_imports(image, [f"/{standard}", f"/{packages}"])


def modules_by_name(contents: Iterable[str], packages: str, standard: str) -> dict[str, str]:
    found = {}
    for folder in (standard, f"{standard}/lib-dynload", packages):
        for path in contents:
            if path.startswith(f"{folder}/") and path.endswith((".pyc", ".so")) and ".libs/" not in path:
                found[module_name(path, folder)] = path
    return found


def unneeded(contents: Mapping[str, Entry], image: Image, imports: Mapping[str, list[str]], at: tuple[str, str]) -> set:
    """The files and links that nothing needs."""
    packages, standard = at
    by_name = modules_by_name(contents, packages, standard)
    roots = {*rootfs.DECLARED, *rootfs.INTERPRETER, "__main__"}
    roots |= {name for name in by_name if name.startswith(("ci_deploy.", "encodings."))}
    wanted, queue = set(), [*roots, "ci_deploy"]
    while queue:
        name = queue.pop()
        if name in wanted:
            continue
        wanted.add(name)
        queue.append(name.rpartition(".")[0] or name)
        queue += imports.get(by_name.get(name, ""), [])
        queue += rootfs.BY_NAME.get(name, ())
    kept = {path for name, path in by_name.items() if name in wanted}
    # The product has its source beside the byte code: for tracebacks, and because byte code in __pycache__ needs it.
    kept |= {re.sub(r"__pycache__/(\w+)\.cpython-\d+\.pyc$", r"\1.py", path) for path in kept}
    kept |= libraries(contents, image, kept)
    left = set()
    for path, entry in contents.items():
        if entry.info.isdir() or path in kept:
            continue
        patterns = OTHERWISE
        if path.startswith(f"{packages}/"):
            patterns, path = LOADED, path.removeprefix(f"{packages}/")
        if not any(re.fullmatch(pattern, path) for pattern in patterns):
            left.add(path)
    return left


def libraries(contents: Mapping[str, Entry], image: Image, modules: set[str]) -> set[str]:
    """Every library that the interpreter and the extension modules need, with the links that lead to it."""
    by_name = {path.rpartition("/")[2]: path for path in contents if re.search(r"\.so(\.\d+)*$", path)}
    interpreter = image.resolve("opt/ci-deploy/bin/python")
    found: set[str] = set()
    queue = [interpreter, *(path for path in modules if path.endswith(".so"))]
    while queue:
        for name in needed(contents[image.resolve(queue.pop())].data):
            path = image.resolve(name.lstrip("/")) if name.startswith("/") else by_name[name]
            if path not in found:
                found |= {path, image.resolve(path)}
                queue.append(path)
    return found


def test_every_file_is_needed(contents: Image, imported: dict[str, list[str]], packages: str, standard: str) -> None:
    """By an import, the loader, what a module loads, or the records; no folder is empty but those for users."""
    assert unneeded(contents.entries, contents, imported, (packages, standard)) == set()
    parents = {path.rpartition("/")[0] for path in contents.entries}
    folders = {path for path, entry in contents.entries.items() if entry.info.isdir()}
    assert folders - parents == EMPTY


@pytest.mark.parametrize(
    "path",
    [
        "{standard}/sqlite3/__init__.pyc",
        "{standard}/idlelib/run.pyc",
        "{standard}/this.pyc",
        "{standard}/os.py",
        "{standard}/lib-dynload/_sqlite3.cpython-313-x86_64-linux-gnu.so",
        "{packages}/pip/__init__.pyc",
        "{packages}/boto3/dynamodb/table.pyc",
        "{packages}/botocore/data/ec2/2016-11-15/service-2.json.gz",
        "{packages}/botocore/data/lambda/2015-03-31/examples-1.json",
        "{packages}/yaml/_yaml.pyx",
        "{packages}/requests-2.0.dist-info/WHEEL",
        "usr/lib/x86_64-linux-gnu/libsqlite3.so.0",
        "usr/bin/bash",
        "usr/bin/wget",
        "usr/bin/apt-get",
        "usr/share/doc/libc6/changelog.gz",
        "etc/apt/sources.list",
        "var/lib/dpkg/info/libc6.postinst",
    ],
)
def test_a_file_too_many_is_found(
    path: str, contents: Image, imported: dict[str, list[str]], packages: str, standard: str
) -> None:
    """The claim above can fail: each kind of left-over is seen."""
    path = path.format(standard=standard, packages=packages)
    more = {**contents.entries, path: next(entry for entry in contents.entries.values() if entry.file)}
    assert unneeded(more, contents, imported, (packages, standard)) == {path.removeprefix(f"{packages}/")}


def test_what_is_left_out_is_not_there(contents: Image, packages: str, standard: str) -> None:
    """No more than was decided is missing: each such decision has a reason, and is kept."""
    names = modules_by_name(contents.entries, packages, standard)
    for left_out, reason in rootfs.UNUSED.items():
        assert reason
        assert not [name for name in names if name == left_out or name.startswith(f"{left_out}.")]


def test_it_is_small(contents: Image) -> None:
    unpacked = sum(len(entry.data) for entry in contents.entries.values())
    print(f"{contents.compressed / 1e6:.1f} MB compressed, {unpacked / 1e6:.1f} MB unpacked")
    assert contents.compressed < LIMIT


def test_permissions(contents: Image) -> None:
    """Nothing runs as somebody else or can be written by anybody but in /tmp; all is root's, of one moment."""
    times = set()
    for path, entry in contents.entries.items():
        info = entry.info
        times.add(info.mtime)
        assert (info.uid, info.gid) == (0, 0), path
        if path == "tmp":
            assert stat.S_IMODE(info.mode) == 0o1777
        elif info.isdir():
            assert stat.S_IMODE(info.mode) == 0o755, path
        elif not info.issym():
            assert entry.file, path
            assert stat.S_IMODE(info.mode) in (0o644, 0o755), path
    assert len(times) == 1


def test_links_lead_somewhere(contents: Image) -> None:
    for path, entry in contents.entries.items():
        if entry.info.issym():
            assert contents.resolve(path) in contents.entries, path


def test_every_package_is_on_record(contents: Image, packages: str) -> None:
    """Scanners and the list of materials see each one: name, version, license, and the very files that are there."""
    entries = contents.entries
    recorded: dict[str, str] = {}
    debian = {
        path.rpartition("/")[2] for path in entries if re.fullmatch(r"var/lib/dpkg/status\.d/.*(?<!\.md5sums)", path)
    }
    assert {"libc6", "libssl3t64", "zlib1g", "busybox-static", "base-files"} <= debian
    for package in debian:
        stanza = entries[f"var/lib/dpkg/status.d/{package}"].data.decode()
        assert re.search(rf"(?m)\APackage: {re.escape(package)}\n(.|\n)*^Version: \S+$", stanza)
        assert entries[f"usr/share/doc/{package}/copyright"].data
        for line in entries[f"var/lib/dpkg/status.d/{package}.md5sums"].data.decode().splitlines():
            digest, _, name = line.partition("  ")
            assert hashlib.md5(entries[name].data).hexdigest() == digest, name
            recorded[name] = package
    for path in [path for path in entries if path.endswith(".dist-info/RECORD")]:
        folder = path.rpartition("/")[0]
        metadata = entries[f"{folder}/METADATA"].data.decode()
        assert re.search(r"(?m)^Name: \S+$", metadata)
        assert re.search(r"(?m)^Version: \S+$", metadata)
        assert [name for name in entries if re.match(rf"{re.escape(folder)}/(licenses/)?(?i:licen|notice)", name)], (
            folder
        )
        for line in entries[path].data.decode().splitlines():
            name, digest, _ = line.split(",")
            whole = f"{packages}/{name}"
            recorded[whole] = folder
            if digest:
                found = hashlib.sha256(entries[contents.resolve(whole)].data).digest()
                assert f"sha256={base64.urlsafe_b64encode(found).decode().rstrip('=')}" == digest, name
    for path, entry in entries.items():
        assert not entry.file or path in recorded or any(re.fullmatch(pattern, path) for pattern in OF_NO_PACKAGE), path


def test_the_locked_packages_are_there(contents: Image) -> None:
    """Those of requirements/runtime.txt and ours, in those versions, and no other."""
    locked = re.findall(r"(?m)^([\w.-]+)==([\w.]+)(?: ; (.*?))? \\$", (ROOT / "requirements/runtime.txt").read_text())
    wanted = {(name, version) for name, version, marker in locked if "< '3.13'" not in marker}
    found = set()
    for path, entry in contents.entries.items():
        if path.endswith(".dist-info/METADATA"):
            name, version = (re.search(rf"(?m)^{key}: (\S+)$", entry.data.decode()) for key in ("Name", "Version"))
            assert name
            assert version
            found.add((re.sub(r"[-_.]+", "-", name[1]).lower(), version[1]))
    assert found == wanted | {("ci-deploy", __version__)}


def test_two_builds_have_the_same_bytes(contents: Image) -> None:
    """Anybody can check what is published by building it: the moment in it is all that the build has to know."""
    epoch = max(entry.info.mtime for entry in contents.entries.values())
    command = ["docker", "build", "--no-cache", "--build-arg", f"SOURCE_DATE_EPOCH={epoch}", "--tag", AGAIN, str(ROOT)]
    build = subprocess.run(command, capture_output=True, text=True)
    assert build.returncode == 0, build.stdout[-4000:] + build.stderr[-4000:]
    again = read(AGAIN)
    assert again.entries.keys() == contents.entries.keys()
    different = [path for path, entry in contents.entries.items() if not same(entry, again.entries[path])]
    assert different == []
    if not os.environ.get("CI_DEPLOY_IMAGE"):  # the same engine made both
        assert again.layers == contents.layers


def same(one: Entry, other: Entry) -> bool:
    ours, theirs = one.info, other.info
    kept = ("type", "mode", "uid", "gid", "mtime", "linkname")
    return one.data == other.data and all(getattr(ours, name) == getattr(theirs, name) for name in kept)


def test_the_declared_dependencies_can_be_imported(image: str) -> None:
    """Those of pyproject.toml, by the names that are imported."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = [name.removeprefix("py") for text in declared for name in re.findall(r"^[\w-]+", text)]
    program = f"import {', '.join(names)}"
    subprocess.run(["docker", "run", "--rm", "--entrypoint", PYTHON, image, "-I", "-c", program], check=True)
