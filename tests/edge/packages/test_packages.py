"""Packages: the same content gives the same bytes, links stay inside, limits hold, memory does not grow."""

from __future__ import annotations

import base64
import errno
import hashlib
import io
import os
import random
import socket
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ci_deploy.core.errors import InvalidInput
from ci_deploy.core.given.package import packaging as rules
from ci_deploy.core.given.package.packaging import Package
from ci_deploy.edge.packages.local import LocalPackages
from ci_deploy.edge.runner.workspace import WorkspaceFiles
from tests.edge.fakes import FakeClock
from tests.support.golden import Told


@contextmanager
def packages(root: Path, clock: FakeClock | None = None) -> Iterator[LocalPackages]:
    with closing(LocalPackages(WorkspaceFiles(root, confined=True), clock or FakeClock())) as made:
        yield made


def packed(root: Path, path: str = "code") -> tuple[Package, bytes]:
    with packages(root) as made:
        package = made.package(path, lambda what, done, total: None)
        with made.open(package) as stream:
            return package, stream.read()


def names(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def problem(root: Path, path: str = "code") -> str:
    with packages(root) as made, pytest.raises(InvalidInput) as raised:
        made.package(path, lambda what, done, total: None)
    (found,) = raised.value.problems
    assert found.where == "input `code`"
    return str(found)


def write(folder: Path, files: dict[str, bytes], *, executable: tuple[str, ...] = ()) -> None:
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        if name in executable:
            place.chmod(place.stat().st_mode | 0o111)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    return folder


# --- The same content, the same bytes ------------------------------------------------------------------------------

FILE = st.text(st.characters(codec="utf-8", exclude_characters="/\x00", exclude_categories=("Cc", "Cs")), min_size=1)
NAMES = st.lists(
    st.text("abcäZ0._- ", min_size=1, max_size=6).filter(lambda name: name.strip(". ") == name), min_size=1, max_size=3
).map(lambda parts: "/".join(f"d{part}" for part in parts[:-1]) + ("/" if parts[1:] else "") + f"f{parts[-1]}")
TREES = st.dictionaries(NAMES, st.binary(max_size=300), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(tree=TREES, seed=st.integers(0, 2**32), umasks=st.tuples(*[st.sampled_from([0o000, 0o022, 0o077])] * 2))
def test_the_bytes_depend_on_content_and_executable_bits_alone(
    tree: dict[str, bytes], seed: int, umasks: tuple[int, int]
) -> None:
    """Whatever the order of creation, the time, the umask and the folder's own name and place."""
    dice = random.Random(seed)
    executable = tuple(name for name in tree if dice.random() < 0.3)
    results = []
    for umask in umasks:
        with tempfile.TemporaryDirectory() as root:
            before = os.umask(umask)
            try:
                shuffled = list(tree.items())
                dice.shuffle(shuffled)
                write(Path(root) / f"code{umask}", dict(shuffled), executable=executable)
                for place in Path(root).rglob("*"):
                    os.utime(place, (dice.randrange(2**31), dice.randrange(2**31)))
            finally:
                os.umask(before)
            results.append(packed(Path(root), f"code{umask}"))
    (one, first), (other, second) = results
    assert first == second
    assert (one.sha256, one.size, one.unzipped, one.files) == (other.sha256, other.size, other.unzipped, other.files)
    assert one.sha256 == base64.b64encode(hashlib.sha256(first).digest()).decode()
    assert one.size == len(first)
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {info.filename: archive.read(info) for info in archive.infolist()} == tree
        assert archive.namelist() == sorted(tree)
        for info in archive.infolist():
            assert stat.filemode(info.external_attr >> 16) == (
                "-rwxr-xr-x" if info.filename in executable else "-rw-r--r--"
            )


@settings(max_examples=30, deadline=None)
@given(tree=TREES, data=st.data())
def test_other_content_or_another_bit_gives_another_hash(tree: dict[str, bytes], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(tree)))
    with tempfile.TemporaryDirectory() as root:
        write(Path(root) / "code", tree)
        before = packed(Path(root))[0].sha256
        place = Path(root) / "code" / name
        if data.draw(st.booleans()):
            place.write_bytes(tree[name] + b"!")
        else:
            place.chmod(0o755)
        assert packed(Path(root))[0].sha256 != before


def test_a_path_is_packaged_once_in_a_run_and_read_as_often_as_wanted(code: Path) -> None:
    """What was planned is what is sent, even if the folder changes in between."""
    write(code, {"a": b"1" * 5000})
    with packages(code.parent) as made:
        first = made.package("code", lambda *_: None)
        write(code, {"a": b"2"})
        assert made.package("code", lambda *_: None) is first
        with made.open(first) as one, made.open(first) as two:
            head = one.read(10)
            assert two.read() == head + one.read()
            assert one.seek(0) == 0
            assert hashlib.sha256(one.read()).digest() == base64.b64decode(first.sha256)


# --- What goes in --------------------------------------------------------------------------------------------------


def test_lambdaignore_is_read_as_git_reads_gitignore(code: Path) -> None:
    write(
        code,
        {
            ".lambdaignore": b"*.md\n!LICENSE.md\ntests/\n/only-here\nbuild\n!build/kept.txt\n",
            "app.py": b"",
            "README.md": b"",
            "LICENSE.md": b"",
            "tests/test_app.py": b"",
            "pkg/tests/inner.py": b"",
            "only-here": b"",
            "pkg/only-here": b"",
            "build/kept.txt": b"",
            ".git/HEAD": b"",
            "pkg/__pycache__/app.pyc": b"",
            ".env": b"",
        },
    )
    assert names(packed(code.parent)[1]) == [".env", "LICENSE.md", "app.py", "pkg/only-here"]


def test_what_is_left_out_by_default_can_be_brought_back(code: Path) -> None:
    write(code, {".lambdaignore": b"!__pycache__/\n", "__pycache__/app.pyc": b"x", "app.py": b""})
    assert names(packed(code.parent)[1]) == ["__pycache__/app.pyc", "app.py"]


def linked(content: bytes) -> dict[str, str]:
    """The links of a zip, and what they say."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            info.filename: archive.read(info).decode()
            for info in archive.infolist()
            if stat.S_ISLNK(info.external_attr >> 16)
        }


def unzip(content: bytes, place: Path) -> None:
    """As Lambda does it: links are made."""
    links = linked(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(place, [name for name in archive.namelist() if name not in links])
    for name, says in links.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).symlink_to(says)


def test_links_that_stay_inside_are_links_in_the_zip(code: Path) -> None:
    """Lambda keeps them. As copies, packages do not find their siblings any more, and weigh twice."""
    write(code, {"lib/real.so": b"binary", "bin/run": b"#!"}, executable=("bin/run",))
    (code / "lib" / "link.so").symlink_to("real.so")
    (code / "also").symlink_to("lib", target_is_directory=True)
    (code / "around").symlink_to("./lib/../also/link.so")
    (code / "lib" / "up").symlink_to("..")
    package, content = packed(code.parent)
    assert names(content) == ["also", "around", "bin/run", "lib/link.so", "lib/real.so", "lib/up"]
    assert linked(content) == {
        "also": "lib",
        "around": "./lib/../also/link.so",
        "lib/link.so": "real.so",
        "lib/up": "..",
    }
    assert package.files == 6
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        info = archive.getinfo("also")
        assert (info.external_attr >> 16, info.create_system) == (stat.S_IFLNK | 0o777, 3)


def test_a_link_that_says_a_place_inside_by_another_way_is_written_anew(code: Path) -> None:
    """Absolutely, or by way of the folder above: on Lambda neither leads anywhere."""
    write(code, {"lib/real.so": b"", "bin/run": b""})
    (code / "run").symlink_to(code / "bin" / "run")
    (code / "lib" / "by-parent").symlink_to("../../code/bin/run")
    (code / "all").symlink_to(code)
    (code / "hidden").symlink_to("lib")
    (code / "through").symlink_to("hidden/real.so")
    (code / ".lambdaignore").write_text("/hidden\n")
    assert linked(packed(code.parent)[1]) == {
        "run": "bin/run",
        "lib/by-parent": "../bin/run",
        "all": ".",
        "through": "lib/real.so",
    }


def test_what_pnpm_installs_finds_its_siblings(code: Path) -> None:
    """Unzipped as Lambda does: `a` requires `b`, which stands beside it in pnpm's store and nowhere else."""
    store = "node_modules/.pnpm/a@1.0.0/node_modules"
    write(code, {f"{store}/a/index.js": b"module.exports = require('b')", "index.js": b""})
    write(code, {"node_modules/.pnpm/b@2.0.0/node_modules/b/index.js": b"module.exports = 'found'"})
    (code / store / "b").symlink_to("../../b@2.0.0/node_modules/b")
    (code / "node_modules" / "a").symlink_to(".pnpm/a@1.0.0/node_modules/a")
    content = packed(code.parent)[1]
    task = code.parent / "task"
    unzip(content, task)
    assert (task / "node_modules" / "a").resolve() == (task / store / "a").resolve()
    assert ((task / "node_modules" / "a").resolve().parent / "b" / "index.js").read_text() == "module.exports = 'found'"
    assert linked(content) == {
        f"{store}/b": "../../b@2.0.0/node_modules/b",
        "node_modules/a": ".pnpm/a@1.0.0/node_modules/a",
    }


@pytest.mark.parametrize(
    "target",
    [
        "/etc/hostname",
        "../outside",
        "../code-too/file",
        "nowhere",
        "loop",
        "/opt/nodejs/node_modules/sharp",
        os.fsdecode(b"caf\xe9"),
    ],
    ids=repr,
)
def test_links_that_lead_out_or_nowhere_are_refused(code: Path, target: str, told: Told) -> None:
    (code.parent / "outside").write_text("secret")
    (code.parent / "code-too").mkdir()
    (code.parent / "code-too" / "file").write_text("secret")
    write(code, {"app.py": b""})
    (code / "loop").symlink_to(target)
    assert problem(code.parent) == told
    (code / ".lambdaignore").write_text("loop/\n")
    assert names(packed(code.parent)[1]) == ["app.py"]


def test_a_link_to_a_layer_is_kept_on_purpose(code: Path) -> None:
    write(code, {"app.js": b"", ".lambdaignore": b"!/node_modules/sharp\n"})
    (code / "node_modules").mkdir()
    (code / "node_modules" / "sharp").symlink_to("/opt/nodejs/node_modules/sharp")
    package, content = packed(code.parent)
    assert linked(content) == {"node_modules/sharp": "/opt/nodejs/node_modules/sharp"}
    assert package.contents.layer_links.first == ("node_modules/sharp",)


@pytest.mark.parametrize("target", [".env", "secrets/key.pem", "secrets", "open/.env", "second"])
def test_a_link_brings_nothing_in_that_is_left_out(code: Path, target: str, told: Told) -> None:
    """Neither the file, nor its folder, nor by way of other links."""
    write(code, {".env": b"TOKEN=secret", "secrets/key.pem": b"secret", "open/app.py": b"", "open/.env": b"secret"})
    write(code, {".lambdaignore": b".env\nsecrets/\n/second\n"})
    (code / "second").symlink_to(".env")
    (code / "open" / "more").mkdir()
    (code / "open" / "more" / "config").symlink_to("../../" + target)
    assert problem(code.parent) == told
    (code / ".lambdaignore").write_text(".env\nsecrets/\n/second\nconfig\n")
    assert names(packed(code.parent)[1]) == ["open/app.py"]


def test_a_link_to_an_empty_folder_is_left_out_as_the_folder_is(code: Path) -> None:
    write(code, {"app.py": b""})
    (code / "empty").mkdir()
    (code / "link").symlink_to("empty")
    assert names(packed(code.parent)[1]) == ["app.py"]


@pytest.fixture
def deep(code: Path) -> Iterator[int]:
    """A folder in a folder in a folder, deeper than Python recurses; taken away again without recursing."""
    levels = 1500
    folders = [os.open(code, os.O_RDONLY)]
    for _ in range(levels):
        os.mkdir("d", dir_fd=folders[-1])
        folders.append(os.open("d", os.O_RDONLY, dir_fd=folders[-1]))
        os.close(folders.pop(-2))
    os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=folders[-1]))
    yield levels
    os.unlink("f", dir_fd=folders[-1])
    for _ in range(levels):
        folders.append(os.open("..", os.O_RDONLY, dir_fd=folders[-1]))
        os.rmdir("d", dir_fd=folders[-1])
        os.close(folders.pop(-2))
    os.close(folders.pop())


def test_folders_may_be_as_deep_as_the_system_lets_them(code: Path, deep: int) -> None:
    assert names(packed(code.parent)[1]) == ["d/" * deep + "f"]


# --- The ignore file is read as every other file is ----------------------------------------------------------------


def test_the_ignore_file_is_not_read_through_a_link_that_leaves_the_workspace(tmp_path: Path, told: Told) -> None:
    workspace = tmp_path / "workspace"
    write(workspace / "code", {"app.py": b""})
    (tmp_path / "secret").write_text("app.py\n")
    (workspace / "code" / ".lambdaignore").symlink_to(tmp_path / "secret")
    assert problem(workspace).replace(str(tmp_path), "HERE") == told


def test_the_ignore_file_may_be_a_link_to_another_file_of_the_workspace(code: Path) -> None:
    """One for all folders of a monorepo."""
    write(code, {"app.py": b"", "a.md": b""})
    (code.parent / "shared").write_text("*.md\n")
    (code / ".lambdaignore").symlink_to("../shared")
    assert names(packed(code.parent)[1]) == ["app.py"]


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "nowhere", "large", "latin", "unreadable"])
def test_an_ignore_file_that_is_none_is_refused_and_not_passed_over(
    code: Path, kind: str, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    """Without its rules things would go in that must not; and a pipe is waited for by nobody."""
    write(code, {"app.py": b""})
    place = code / ".lambdaignore"
    match kind:
        case "pipe":
            os.mkfifo(place)
        case "folder":
            place.mkdir()
        case "device":
            place.symlink_to("/dev/zero")
        case "nowhere":
            place.symlink_to("gone")
        case "large":
            place.write_bytes(b"#" * (1024 * 1024 + 1))
        case "latin":
            place.write_bytes(b"\xe4")
        case "unreadable":
            place.write_text("app.py")
            if os.geteuid() == 0:  # who may read everything
                monkeypatch.setattr("ci_deploy.edge.runner.workspace.open_regular", denied)
            else:
                place.chmod(0)
    assert problem(code.parent).replace(str(code.parent), "WORKSPACE") == told


def denied(file: Path) -> None:
    raise PermissionError(errno.EACCES, "Permission denied", str(file))


def test_on_a_terminal_a_device_is_no_ignore_file_either(code: Path, told: Told) -> None:
    write(code, {"app.py": b""})
    (code / ".lambdaignore").symlink_to("/dev/zero")
    files = WorkspaceFiles(code.parent, confined=False)
    with closing(LocalPackages(files, FakeClock())) as made, pytest.raises(InvalidInput) as raised:
        made.package("code", lambda *_: None)
    assert str(raised.value) == told


def test_rules_that_can_match_nothing_are_remembered(code: Path) -> None:
    write(code, {"app.py": b"", ".lambdaignore": b"*.md\n[secret\n"})
    assert packed(code.parent)[0].useless_rules == ("line 2 (`[secret`)",)


# --- What is in the way --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["a named pipe", "a socket"])
def test_what_is_neither_file_nor_folder_is_named_and_never_opened(code: Path, kind: str, told: Told) -> None:
    write(code, {"app.py": b""})
    if kind == "a socket":
        with socket.socket(socket.AF_UNIX) as made:
            before = Path.cwd()
            os.chdir(code)  # a socket's path is short
            made.bind("odd")
            os.chdir(before)
    else:
        os.mkfifo(code / "odd")
    assert problem(code.parent) == told
    (code / ".lambdaignore").write_text("odd\n")
    assert names(packed(code.parent)[1]) == ["app.py"]


def test_a_package_that_is_neither_a_zip_nor_a_folder_is_refused(tmp_path: Path, told: Told) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    assert problem(tmp_path, "pipe.zip") == told


def test_a_package_that_was_not_built_is_said_to_be_missing(tmp_path: Path, told: Told) -> None:
    assert problem(tmp_path, "dist.zip") == told


def test_a_name_that_lambda_could_not_unpack_is_refused(code: Path, told: Told) -> None:
    (code / os.fsdecode(b"caf\xe9.py")).write_bytes(b"")
    assert problem(code.parent) == told
    write(code, {"app.py": b"", ".lambdaignore": b"caf*\n"})
    assert names(packed(code.parent)[1]) == ["app.py"]


class Meddling(FakeClock):
    """Somebody is at work in the folder while the package is made: the clock is looked at after each file."""

    def __init__(self, *changes: Callable[[], object]) -> None:
        super().__init__()
        self._changes = list(changes)

    def now(self) -> float:
        if self.asked and self._changes:
            self._changes.pop(0)()
        self.asked = True
        return super().now()

    asked = False


def meddled(code: Path, change: Callable[[], object]) -> str:
    """The problem with a folder of `a.py` and `b.py` where something changes between the two."""
    write(code, {"a.py": b"a", "b.py": b"b"})
    with packages(code.parent, Meddling(change)) as made, pytest.raises(InvalidInput) as raised:
        made.package("code", lambda what, done, total: None)
    return str(raised.value)


def test_a_file_that_vanishes_while_it_is_packaged_is_named(code: Path, told: Told) -> None:
    """And nothing of what was begun is left open."""
    assert meddled(code, (code / "b.py").unlink).replace(str(code), "CODE") == told


@pytest.mark.parametrize("content", [b"more", b""], ids=["longer", "shorter"])
def test_a_file_that_changes_while_it_is_packaged_is_named(code: Path, content: bytes, told: Told) -> None:
    """A log that a build still writes would make a package that nobody built, and more than was allowed."""
    assert meddled(code, lambda: (code / "b.py").write_bytes(content)) == told


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_a_file_that_is_replaced_while_it_is_packaged_is_not_followed_nor_waited_for(
    code: Path, kind: str, told: Told
) -> None:
    def replace() -> None:
        (code / "b.py").unlink()
        if kind == "link":
            (code / "b.py").symlink_to("/etc/hostname")
        else:
            os.mkfifo(code / "b.py")

    assert meddled(code, replace).replace(str(code), "CODE") == told


class Full(io.BytesIO):
    """A disk with so many bytes left."""

    def __init__(self, room: int, number: int = errno.ENOSPC) -> None:
        super().__init__()
        self._room = room
        self._number = number

    def write(self, data: Any) -> int:
        self._room -= len(data)
        if self._room < 0:
            raise OSError(self._number, os.strerror(self._number))
        return super().write(data)


@pytest.mark.parametrize("room", [0, 100, 5000])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT], ids=["disk", "quota"])
def test_a_full_disk_is_called_one(
    code: Path, monkeypatch: pytest.MonkeyPatch, room: int, number: int, told: Told
) -> None:
    write(code, {"a": random.Random(1).randbytes(3000), "b": random.Random(2).randbytes(3000)})
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: Full(room, number))
    assert problem(code.parent) == told


def test_the_runners_folder_for_temporary_files_is_used(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container whose own disk is read-only has no other (`--read-only`)."""
    asked = []
    real = tempfile.TemporaryFile

    def temporary(**given: Any) -> Any:
        asked.append(given["dir"])
        return real(**given)

    monkeypatch.setattr("tempfile.TemporaryFile", temporary)
    write(code, {"a": b""})
    runner_temp = code.parent / "temp"
    runner_temp.mkdir()
    for scratch, expected in ((runner_temp, [runner_temp]), (code.parent / "gone", [code.parent / "gone", None])):
        asked.clear()
        files = WorkspaceFiles(code.parent, confined=True)
        with closing(LocalPackages(files, FakeClock(), scratch=scratch)) as made:
            made.package("code", lambda *_: None)
        assert asked == [each or Path(tempfile.gettempdir()) for each in expected]
    assert list(runner_temp.iterdir()) == []


def test_without_any_folder_for_temporary_files_it_is_said_which_were_tried(
    code: Path, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    def refuse(**given: Any) -> Any:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    write(code, {"a": b""})
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.setattr("tempfile.tempdir", "/tmp")
    files = WorkspaceFiles(code.parent, confined=True)
    with (
        closing(LocalPackages(files, FakeClock(), scratch=Path("/github/runner_temp"))) as made,
        pytest.raises(InvalidInput) as raised,
    ):
        made.package("code", lambda *_: None)
    assert str(raised.value) == told


def test_a_package_outside_of_the_workspace_is_refused(tmp_path: Path, told: Told) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (workspace / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    for path in ("../elsewhere", str(tmp_path / "elsewhere"), "linked"):
        assert problem(workspace, path).replace(str(tmp_path), "HERE") == told


# --- Zips that are there -------------------------------------------------------------------------------------------


def test_a_zip_is_sent_as_it_is(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "my.zip", "w") as archive:
        archive.writestr("a.py", "x" * 1000)
        archive.mkdir("folder") if hasattr(archive, "mkdir") else None
    package, content = packed(tmp_path, "my.zip")
    assert content == (tmp_path / "my.zip").read_bytes()
    assert (package.files, package.unzipped) == (1, 1000)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 but no more", b"text"], ids=repr)
def test_what_is_no_zip_is_said_to_be_none(tmp_path: Path, content: bytes, told: Told) -> None:
    (tmp_path / "my.zip").write_bytes(content)
    assert problem(tmp_path, "my.zip") == told


# --- Limits --------------------------------------------------------------------------------------------------------


def test_more_than_lambda_unpacks_is_refused_with_the_largest_files_named(code: Path) -> None:
    """Before anything is compressed: sizes are enough."""
    write(code, {"small": b"1"})
    for name in ("model.bin", "data.bin"):
        with (code / name).open("wb") as file:
            file.truncate(rules.UNZIPPED_LIMIT // 2)
    said = problem(code.parent)
    assert "250.0 MB unzipped" in said
    assert "model.bin (125.0 MB)" in said


def test_more_than_a_request_takes_needs_a_bucket() -> None:
    package = Package(path="big", sha256="", size=rules.DIRECT_LIMIT + 1, unzipped=1, files=1)
    with pytest.raises(InvalidInput, match="Set `bucket`"):
        rules.check_zipped(package, "")
    rules.check_zipped(package, "bucket")


def test_progress_is_told_on_long_ones_only(code: Path) -> None:
    write(code, {f"f{number}": b"x" for number in range(20)})
    clock, told = FakeClock(), []

    def tell(what: str, done: int, total: int) -> None:
        told.append((what, done, total))

    with packages(code.parent, clock) as made:
        made.package("code", tell)
    assert told == []
    clock.now = lambda: clock.sleep(1.0) or clock.at  # type: ignore[method-assign, func-returns-value]
    with packages(code.parent, clock) as made:
        made.package("code", tell)
    assert told
    assert all(what == "packaging code" and 0 < done <= total == 20 for what, done, total in told)
