"""An AppSpec is a text, or a zip with one in it; what is neither says why."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_deploy.core.given.files.bundle import LARGEST, NAMES, text_of
from tests.support.golden import Told

TEXT = "version: 0.0 # ä\n"


def zipped(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_text_is_itself(mark: bytes) -> None:
    assert text_of(mark + TEXT.encode()) == TEXT


@pytest.mark.parametrize("name", [*NAMES, "AppSpec.yml", "./appspec.yml"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_bundle_has_it_at_its_top(name: str, mark: bytes) -> None:
    assert text_of(zipped(**{name: mark + TEXT.encode(), "scripts/appspec.yml": b"other", "LICENSE": b"x"})) == TEXT


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        zipped(**{"appspec.yml": b"\xff"}),
        zipped(**{"scripts/appspec.yml": b""}),
        zipped(**{"appspec.yml": b"", "appspec.json": b""}),
        zipped(**{"appspec.yml": b" " * (LARGEST + 1)}),
        zipped(**{"appspec.yml": b"x"})[:-5],
        b"PK\x03\x04",
    ],
    ids=["UTF-16", "no UTF-8 in a zip", "none at the top", "two", "too large", "cut off", "a beginning"],
)
def test_what_is_no_appspec_says_why(content: bytes, told: Told) -> None:
    with pytest.raises(ValueError, match=r"^(is|has) ") as caught:
        text_of(content)
    assert str(caught.value) == told


def test_the_largest_is_read() -> None:
    assert len(text_of(zipped(**{"appspec.yml": b" " * LARGEST}))) == LARGEST


@given(at=st.integers(0, 200), byte=st.integers(0, 255))
def test_a_damaged_bundle_is_no_bug(at: int, byte: int) -> None:
    content = bytearray(zipped(**{"appspec.yml": TEXT.encode()}))
    content[at % len(content)] = byte
    try:
        assert isinstance(text_of(bytes(content)), str)
    except ValueError as error:
        assert str(error).startswith(("is", "has"))
