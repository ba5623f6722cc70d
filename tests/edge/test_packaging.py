"""Packages: the same content gives the same bytes, links stay inside, limits hold, memory does not grow."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import random
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ci_deploy.core.errors import InvalidInput
from ci_deploy.core.given import packaging as rules
from ci_deploy.core.given.packaging import Package
from ci_deploy.edge.packaging import LocalPackages
from ci_deploy.edge.runner.workspace import WorkspaceFiles

from .fakes import FakeClock


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
    assert found.where == "input `package`"
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


def test_links_inside_are_kept_as_what_they_point_to(code: Path) -> None:
    write(code, {"lib/real.so": b"binary", "bin/run": b"#!"}, executable=("bin/run",))
    (code / "lib" / "link.so").symlink_to("real.so")
    (code / "run").symlink_to(code / "bin" / "run")
    (code / "also").symlink_to("lib", target_is_directory=True)
    content = packed(code.parent)[1]
    assert names(content) == ["also/link.so", "also/real.so", "bin/run", "lib/link.so", "lib/real.so", "run"]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("also/link.so") == b"binary"
        assert archive.getinfo("run").external_attr >> 16 == stat.S_IFREG | 0o755


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("/etc/hostname", "a link that leaves it"),
        ("../outside", "a link that leaves it"),
        ("../code-too/file", "a link that leaves it"),
        ("nowhere", "leads nowhere"),
        (".", "leads back"),
        ("loop", "leads nowhere"),
    ],
)
def test_links_that_leave_the_folder_or_never_end_are_refused(code: Path, target: str, says: str) -> None:
    (code.parent / "outside").write_text("secret")
    (code.parent / "code-too").mkdir()
    (code.parent / "code-too" / "file").write_text("secret")
    write(code, {"app.py": b""})
    (code / "loop").symlink_to(target)
    assert says in problem(code.parent)
    (code / ".lambdaignore").write_text("loop\n")
    assert names(packed(code.parent)[1]) == ["app.py"]


def test_what_is_neither_file_nor_folder_is_refused(code: Path) -> None:
    os.mkfifo(code / "pipe")
    assert "no file" in problem(code.parent)


def test_a_package_that_is_neither_a_zip_nor_a_folder_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    assert problem(tmp_path, "pipe.zip") == "input `package`: `pipe.zip` is neither a zip file nor a folder."


def test_a_package_that_was_not_built_is_said_to_be_missing(tmp_path: Path) -> None:
    assert problem(tmp_path, "dist.zip").endswith("`dist.zip` does not exist. Was it built, and is the path right?")


def test_a_name_that_lambda_could_not_unpack_is_refused(code: Path) -> None:
    (code / os.fsdecode(b"caf\xe9.py")).write_bytes(b"")
    assert problem(code.parent).endswith("has a file whose name is not UTF-8: b'caf\\xe9.py'. Rename it.")


class Meddling(FakeClock):
    """Somebody cleans up while the package is made: the clock is looked at after each file."""

    def __init__(self, *gone: Path) -> None:
        super().__init__()
        self._gone = list(gone)

    def now(self) -> float:
        if self.asked and self._gone:
            self._gone.pop().unlink()
        self.asked = True
        return super().now()

    asked = False


def test_a_file_that_vanishes_while_it_is_packaged_is_named(code: Path) -> None:
    """And nothing of what was begun is left open."""
    write(code, {"a.py": b"a", "b.py": b"b"})
    with packages(code.parent, Meddling(code / "b.py")) as made, pytest.raises(InvalidInput) as raised:
        made.package("code", lambda what, done, total: None)
    assert str(raised.value) == (
        f"input `package`: `code` cannot be read: No such file or directory ({code / 'b.py'})."
    )


def test_a_package_outside_of_the_workspace_is_refused(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (workspace / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    for path in ("../elsewhere", str(tmp_path / "elsewhere"), "linked"):
        assert "outside of the workspace" in problem(workspace, path)


# --- Zips that are there -------------------------------------------------------------------------------------------


def test_a_zip_is_sent_as_it_is(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "my.zip", "w") as archive:
        archive.writestr("a.py", "x" * 1000)
        archive.mkdir("folder") if hasattr(archive, "mkdir") else None
    package, content = packed(tmp_path, "my.zip")
    assert content == (tmp_path / "my.zip").read_bytes()
    assert (package.files, package.unzipped) == (1, 1000)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 but no more", b"text"])
def test_what_is_no_zip_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "my.zip").write_bytes(content)
    assert "not a zip file" in problem(tmp_path, "my.zip")


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
    with pytest.raises(InvalidInput, match="Give `bucket`"):
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
