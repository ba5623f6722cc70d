"""Sentences for people stand in their rooms, each of which has its reason here.

A check's question, which docs/preflight.md is made of, stands at the check. What is elsewhere still is counted by file,
with why. A number may fall and never rise, and no file joins the list.

A test asserts facts, or compares with a golden file: its own literals repeat few of the product's sentences.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support import sources
from tests.support.golden import expected

PRODUCT = Path(__file__).resolve().parents[3] / "ci_deploy"
TESTS = PRODUCT.parent / "tests"
ROOMS = {
    "core/reasons/": "every message: a class with its code",
    "reporters/": "the words around them",
    "command_line.py": "the help",
    "core/given/": "the table of inputs; a mistake in what people give stands at the rule that it breaks",
    "core/guards/grammar.py": "the same, of what people write as guards",
    "core/guards/texts.py": "judgments in numbers, which stand on a floor above the reasons",
}
# Mistakes in what this machine has: each stands at its rule, as those of `core/given` do.
LEFT: dict[str, int] = {
    "edge/aws/credentials/settings.py": 24,  # a table of botocore's settings, each with what it takes
    "edge/network.py": 6,  # certificates and proxies
    "edge/packages/archive.py": 4,  # a zip, a folder, a file, as they are packaged
    "edge/packages/folder.py": 8,
    "edge/packages/local.py": 4,
}


VALUE = "…"  # stands for a value in a text


def literals(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The texts of a module without docstrings and what assertions say when they fail; values in them are `…`."""
    skipped: set[int] = set()
    for node in nodes:  # parents first: what is skipped is known before it comes
        if isinstance(node, ast.Name | ast.Attribute):
            continue
        match node:
            case ast.Module(body=[ast.Expr(value=text), *_]) | ast.ClassDef(body=[ast.Expr(value=text), *_]):
                skipped.add(id(text))
            case ast.FunctionDef(body=[ast.Expr(value=text), *_]) | ast.Assert(msg=ast.expr() as text):
                skipped.add(id(text))
            case ast.Call(func=ast.Name(id="check"), args=[_, ast.Constant() as text]):
                skipped.add(id(text))
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re")), args=[pattern, *_]):
                skipped |= {id(inner) for inner in ast.walk(pattern)}
            case ast.JoinedStr(values=parts):
                skipped |= {id(inner) for part in parts for inner in ast.walk(part)}
        if id(node) in skipped:
            continue
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr(values=parts):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in parts)


def of(source: str) -> Iterator[str]:
    return literals(sources.walked(ast.parse(source)))


@cache
def product() -> dict[str, tuple[str, ...]]:
    """The texts of each of its modules."""
    return {
        path.relative_to(PRODUCT).as_posix(): tuple(literals(sources.nodes(path)))
        for path in sorted(PRODUCT.rglob("*.py"))
    }


def sentences(texts: Iterable[str]) -> Iterator[str]:
    """Texts of four words or more that end as a sentence does."""
    for text in texts:
        if len(text.split()) >= 4 and text.rstrip().endswith((".", "?", "!")):
            yield text


@cache
def counted() -> dict[str, int]:
    found = {}
    for name, texts in product().items():
        if not name.startswith(tuple(ROOMS)) and (count := len(list(sentences(texts)))):
            found[name] = count
    return found


def test_sentences_for_people_stand_in_their_rooms_alone() -> None:
    grown = {name: count for name, count in counted().items() if count > LEFT.get(name, 0)}
    assert grown == {}, "make it a class in core/reasons"


def test_the_list_of_what_is_left_is_exact_and_no_room_is_empty() -> None:
    assert counted() == LEFT
    assert [room for room in ROOMS if not list(PRODUCT.glob(f"{room}**" if room.endswith("/") else room))] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('x = "The alias is split."', ["The alias is split."]),
        ('x = f"Alias {a} is split {b}."', ["Alias … is split …."]),
        ('"""What this is about."""', []),
        ('def f():\n    """What this is about."""', []),
        ('class A:\n    """What this is about."""', []),
        ('assert x, "this is never seen."', []),
        ('@check("alias", "Does the alias exist?")\ndef f():\n    yield', []),
        ('x = re.compile("not authorized to perform it.")', []),
        ('x = "Two words."', []),
        ('x = "no end of a sentence"', []),
    ],
)
def test_the_law_can_fail(source: str, found: list[str]) -> None:
    assert list(sentences(of(source))) == found


# --- what tests repeat ---

REPEATED = 252

# AWS's words, and those of the emulator, which is another program.
ELSEWHERE = ("emulator/", "conformance/")

Words = tuple[str, ...]


def phrases(text: str) -> Iterator[Words]:
    """Every four words in a row, without marks; at most one is a value. Code has no four words in a row."""
    words = [VALUE if VALUE in word else word.strip("`'\".,:;()").lower() for word in text.split()]
    words = [word if re.fullmatch(rf"{VALUE}|[\w@'’/.$-]+", word) else "" for word in words]
    for four in zip(words, words[1:], words[2:], words[3:], strict=False):
        if four.count(VALUE) <= 1 and all(four):
            yield four


@cache
def said() -> frozenset[Words]:
    return frozenset(four for texts in product().values() for text in texts for four in phrases(text))


def repeated(source: str, said: frozenset[Words]) -> Iterator[str]:
    """The texts of a test that have four words in a row from a text of the product: any word stands for its value."""
    for text in of(source):
        for four in phrases(text):
            alike = [four, *((*four[:at], VALUE, *four[at + 1 :]) for at in range(4) if VALUE not in four)]
            if not said.isdisjoint(alike):
                yield text
                break


def repeated_by_file() -> Counter[str]:
    found: Counter[str] = Counter()
    for path in sorted(TESTS.rglob("*.py")):
        name = path.relative_to(TESTS).as_posix()
        if not name.startswith(ELSEWHERE):
            found[name] = len(list(repeated(path.read_text(encoding="utf-8"), said())))
    return +found


def test_tests_repeat_few_sentences_of_the_product() -> None:
    found = repeated_by_file()
    assert found.total() <= REPEATED, f"assert reasons as values, or compare with `told`: {found.most_common(10)}"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('assert told == "Alias `live` is split, alas."', 1),
        ('assert "`live` is split, alas" in log', 1),
        ('CASES = [("a", f"Alias {alias} is split")]', 1),
        ('assert told == [f"Alias {alias} is split", "the alias `blue` is split"]', 2),
        ('assert "is split, alas" in log', 0),
        ('assert "another alias is gone" in log', 0),
        ('assert x, "alias live is split"', 0),
        ('def test():\n    """Alias live is split."""', 0),
        ('CODE = "alias(live) = {is: split}"', 0),
    ],
)
def test_what_a_test_repeats_is_found(source: str, found: int) -> None:
    said = frozenset(four for text in of('x = f"Alias `{x}` is split, alas."') for four in phrases(text))
    assert len(list(repeated(source, said))) == found


def test_every_name_in_a_golden_file_is_a_test() -> None:
    for path in TESTS.rglob("golden/test_*.txt"):
        source = (path.parents[1] / f"{path.stem}.py").read_text(encoding="utf-8")
        tests = {name.partition("[")[0].partition(" ")[0] for name in expected(path)}
        assert {name for name in tests if f"def {name}(" not in source} == set(), path.name


if __name__ == "__main__":
    for name, count in repeated_by_file().most_common():
        print(f"{count:4} {name}")
    print(f"{repeated_by_file().total():4} in all")
