"""What the image has compiled is what Python would compile, and is taken by the text that it was made of."""

from __future__ import annotations

import dataclasses
import marshal
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from ci_deploy import compiled
from scripts import compiled as making

PATTERNS: list[tuple[str | bytes, int]] = [
    (r"(?P<name>[a-zäß]+)\s*=\s*(?P<value>\d+)", 0),
    (r"(?x) un(common|usual) # (?:comment", (re.IGNORECASE | re.MULTILINE).value),
    (rb"[^\x00-\x7f]|(a)(b)?", re.DOTALL.value),
    (r"^[\u0100-\uffff\U0001f300-\U0001faff]+?$", re.ASCII.value),
]


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is put into `re` and `dataclasses` is gone afterwards."""
    monkeypatch.setattr(making.COMPILER, "compile", making.COMPILER.compile)
    monkeypatch.setattr(dataclasses, "exec", exec, raising=False)


def file(folder: Path, version: str, patterns: dict[Any, bytes], functions: dict[str, bytes]) -> Path:
    path = folder / "compiled"
    path.write_bytes(marshal.dumps((version, patterns, functions)))
    return path


def record() -> type:
    """A class whose functions have a default, a factory, a keyword and an annotation in them."""

    @dataclasses.dataclass(frozen=True, order=True)
    class Record:
        first: int
        second: list[int] = dataclasses.field(default_factory=list)
        third: str = dataclasses.field(default="c", kw_only=True)

    return Record


@pytest.mark.parametrize(("text", "flags"), PATTERNS)
def test_a_pattern_is_the_one_that_python_compiles(text: str | bytes, flags: int, tmp_path: Path) -> None:
    usual = re.compile(text, flags)
    target = tmp_path / "compiled"
    making.write({(text, flags)}, set(), target)
    compiled.use(target)
    taken = making.COMPILER.compile(text, flags)
    assert (taken, taken.groupindex, taken.groups, taken.flags) == (usual, usual.groupindex, usual.groups, usual.flags)


def test_a_dataclass_is_the_one_that_python_makes(tmp_path: Path) -> None:
    _, functions = making.listen()
    usual = record()
    target = tmp_path / "compiled"
    making.write(set(), functions, target)
    compiled.use(target)
    made = record()
    for cls in (usual, made):
        assert repr(cls(1, third="x")).endswith("Record(first=1, second=[], third='x')")
        assert cls(1) < cls(2)
        assert hash(cls(1, ())) == hash((1, (), "c"))
        with pytest.raises(dataclasses.FrozenInstanceError):
            cls(1).first = 2
    assert made.__init__.__annotations__ == usual.__init__.__annotations__
    assert made.__init__.__code__ == usual.__init__.__code__


def test_an_entry_is_taken_by_its_whole_text_and_its_flags(tmp_path: Path) -> None:
    marked = making.compiled_pattern("other", 0)
    compiled.use(file(tmp_path, sys.version, {("one never compiled before", 0): marked}, {}))
    taken = making.COMPILER.compile
    assert taken("one never compiled before").fullmatch("other")
    assert taken("one never compiled before", re.IGNORECASE.value).fullmatch("ONE never compiled before")
    assert taken(b"one never compiled before").fullmatch(b"one never compiled before")
    assert re.Scanner([("a", None)]).scan("aa") == ([], "")  # type: ignore[attr-defined]


def test_functions_are_taken_by_their_whole_text(tmp_path: Path) -> None:
    _, functions = making.listen()
    record()
    marked = marshal.dumps(compile("raise LookupError('taken')", "<string>", "exec"))
    compiled.use(file(tmp_path, sys.version, {}, dict.fromkeys(functions, marked)))
    with pytest.raises(LookupError, match="taken"):
        record()

    @dataclasses.dataclass
    class Another:
        it: int

    assert Another(1) == Another(it=1)
    assert "it" in Another.__init__.__annotations__


def test_the_file_of_another_python_is_left_alone(tmp_path: Path) -> None:
    before = making.COMPILER.compile
    compiled.use(file(tmp_path, "3.99", {}, {}))
    assert making.COMPILER.compile is before
    assert dataclasses.exec is exec  # type: ignore[attr-defined]


def test_without_a_file_everything_is_compiled_as_usual(tmp_path: Path) -> None:
    """As installed by pip: the package has none."""
    before = making.COMPILER.compile
    compiled.use(tmp_path / "none")
    compiled.use()
    assert making.COMPILER.compile is before


def test_the_same_is_written_in_the_same_bytes(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    making.write(set(PATTERNS), {"x = 1", "y = 'a' + 'b'"}, one)
    making.write(set(PATTERNS), {"y = 'a' + 'b'", "x = 1"}, other)
    assert one.read_bytes() == other.read_bytes()
