"""Zips as tools really make them are judged right, and no file is a bug.

`zips/` holds what the tools made: Info-ZIP 3.0 (`zip -r -y`, `-P`), Go's archive/zip (Create, SetMode, and the header
of build-lambda-zip), the JDK's jar, git archive. Windows tools are written down by their headers.
"""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ci_deploy.core.errors import InvalidInput
from ci_deploy.core.given.package.contents import Contents, Program
from ci_deploy.core.given.package.packaging import Package
from ci_deploy.edge.packages.archive import HEAD, read_zip

ZIPS = Path(__file__).parent / "zips"


def read(place: Path) -> Contents:
    package, stream = read_zip("x.zip", place, lambda done, total: None)
    stream.close()
    assert package.contents is not None
    return package.contents


def made(tmp_path: Path, make: Callable[[zipfile.ZipFile], object]) -> Contents:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        make(archive)
    return read(tmp_path / "x.zip")


SCRIPT = b"#!/bin/sh\n"


@pytest.mark.parametrize(
    ("name", "unreadable", "bootstrap"),
    [
        ("infozip", (), Program(mode=0o755, head=b"#!/bin/sh\necho\n")),
        ("infozip-private", ("app.py", "lib/"), Program(mode=0o744, head=b"#!/bin/sh\necho\n")),
        ("infozip-encrypted", ("app.py",), None),
        ("go-create", (), Program(mode=None, head=SCRIPT)),
        ("go-setmode", (), Program(mode=0o755, head=SCRIPT)),
        ("build-lambda-zip", (), Program(mode=0o777, head=SCRIPT)),
        ("jar", (), None),
        ("git-archive", (), Program(mode=0o755, head=b"#!/bin/sh\necho\n")),
    ],
)
def test_what_tools_write_down_is_what_is_known(
    name: str, unreadable: tuple[str, ...], bootstrap: Program | None
) -> None:
    contents = read(ZIPS / f"{name}.zip")
    assert (contents.unreadable.first, contents.bootstrap) == (unreadable, bootstrap)
    assert not contents.backslashes
    assert contents.encrypted.first == (("app.py",) if name == "infozip-encrypted" else ())


def test_links_of_a_zip_are_known() -> None:
    assert read(ZIPS / "infozip.zip").links == {"lib/link.py": "../app.py"}
    assert read(ZIPS / "git-archive.zip").links == {"link.py": "app.py"}
    assert read(ZIPS / "infozip.zip").has("lib/link.py")


def test_pythons_writestr_gives_files_that_lambda_cannot_read(tmp_path: Path) -> None:
    """By name and by ZipInfo alike; by `write` they keep the mode that they had."""
    (tmp_path / "real.py").write_text("x")
    (tmp_path / "real.py").chmod(0o644)

    def make(archive: zipfile.ZipFile) -> None:
        archive.writestr("by-name.py", "x")
        archive.writestr(zipfile.ZipInfo("by-info.py"), "x")
        archive.write(tmp_path / "real.py", "real.py")
        info = zipfile.ZipInfo("right.py")
        info.external_attr = 0o644 << 16
        archive.writestr(info, "x")

    assert made(tmp_path, make).unreadable.first == ("by-info.py", "by-name.py")


@pytest.mark.parametrize("system", [0, 6, 10, 11, 14])
def test_what_windows_tools_make_has_no_modes_and_is_not_said_to_be_unreadable(tmp_path: Path, system: int) -> None:
    """Explorer, .NET and 7-Zip write the attribute `archive` (0x20); old .NET separates folders by backslashes."""

    def make(archive: zipfile.ZipFile) -> None:
        for name in ("bootstrap", "lib\\app.py"):
            info = zipfile.ZipInfo(name)
            info.create_system = system
            info.external_attr = 0x20
            info.filename = name
            archive.writestr(info, SCRIPT)

    contents = made(tmp_path, make)
    assert contents.bootstrap == Program(mode=None, head=SCRIPT)
    assert not contents.unreadable
    assert contents.backslashes.first == ("lib\\app.py",)


def test_modes_that_7_zip_leaves_in_a_windows_entry_count_for_executing(tmp_path: Path) -> None:
    def make(archive: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo("bootstrap")
        info.create_system = 0
        info.external_attr = (stat.S_IFREG | 0o755) << 16 | 0x8020
        archive.writestr(info, SCRIPT)

    assert made(tmp_path, make).bootstrap == Program(mode=0o755, head=SCRIPT)


def test_a_bootstrap_that_is_a_link_is_the_program_that_it_leads_to(tmp_path: Path) -> None:
    def make(archive: zipfile.ZipFile) -> None:
        for name, mode, text in (
            ("bootstrap", stat.S_IFLNK | 0o777, "bin/main"),
            ("bin/main", stat.S_IFREG | 0o755, "#!/bin/sh\n" + "x" * 2 * HEAD),
        ):
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, text)

    contents = made(tmp_path, make)
    assert contents.bootstrap == Program(mode=0o755, head=(SCRIPT + b"x" * 2 * HEAD)[:HEAD])
    assert contents.has("bootstrap")


def test_a_program_whose_bytes_cannot_be_read_is_known_by_its_mode_alone(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        info = zipfile.ZipInfo("bootstrap")
        info.external_attr = 0o755 << 16
        archive.writestr(info, SCRIPT)
    content = bytearray((tmp_path / "x.zip").read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 10 : entry + 12] = (99).to_bytes(2, "little")  # AES, which zipfile cannot
    content[8:10] = (99).to_bytes(2, "little")
    (tmp_path / "x.zip").write_bytes(content)
    assert read(tmp_path / "x.zip").bootstrap == Program(mode=0o755, head=b"")


SMALL = ZIPS / "infozip.zip"


@settings(max_examples=150, deadline=None)
@given(where=st.integers(0, SMALL.stat().st_size - 1), what=st.binary(min_size=1, max_size=6))
def test_a_damaged_zip_is_a_zip_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, where: int, what: bytes
) -> None:
    content = bytearray(SMALL.read_bytes())
    content[where : where + len(what)] = what
    place = tmp_path_factory.getbasetemp() / "damaged.zip"
    place.write_bytes(content)
    try:
        package, stream = read_zip("x.zip", place, lambda done, total: None)
    except InvalidInput as error:
        assert "x.zip" in str(error)
    else:
        stream.close()
        assert isinstance(package, Package)


def test_a_zip_with_something_before_and_after_it_is_read(tmp_path: Path) -> None:
    """A self-extracting one, or one with a signature: Lambda takes them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", "x")
    (tmp_path / "x.zip").write_bytes(b"#!/bin/sh\n" + buffer.getvalue())
    assert read(tmp_path / "x.zip").has("app.py")
