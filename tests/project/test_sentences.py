"""Sentences for people stand in `core/reasons`, the reporters, the command line's help and the table of inputs.

A check's question, which docs/preflight.md is made of, stands at the check.

What is elsewhere still is counted by file. A number may fall and never rise, and no file joins the list.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PRODUCT = Path(__file__).resolve().parents[2] / "ci_deploy"
ROOMS = ("core/reasons/", "reporters/", "command_line.py", "core/given/inputs.py")

# Sentences that have no class yet, by file.
LEFT: dict[str, int] = {
    "app.py": 9,
    "commands/call.py": 4,
    "commands/finish.py": 7,
    "commands/plan.py": 5,
    "commands/prune.py": 15,
    "commands/setup.py": 3,
    "core/given/appspec.py": 19,
    "core/given/linking.py": 8,
    "core/given/manifest.py": 48,
    "core/given/meant.py": 1,
    "core/given/nodes.py": 18,
    "core/given/packaging.py": 8,
    "core/given/parsing.py": 17,
    "core/given/smoke.py": 29,
    "core/given/trust.py": 1,
    "core/guards/grammar.py": 29,
    "core/guards/texts.py": 16,
    "core/marker.py": 1,
    "core/plan/setup.py": 16,
    "edge/aws/chain.py": 2,
    "edge/aws/client.py": 2,
    "edge/aws/errors.py": 2,
    "edge/aws/lambda_/functions.py": 6,
    "edge/aws/remedies.py": 25,
    "edge/aws/s3/objects.py": 4,
    "edge/aws/s3/revisions.py": 1,
    "edge/aws/settings.py": 24,
    "edge/clock.py": 3,
    "edge/github/oidc.py": 6,
    "edge/network.py": 8,
    "edge/packages/archive.py": 4,
    "edge/packages/folder.py": 8,
    "edge/packages/local.py": 4,
    "edge/runner/files.py": 3,
    "edge/runner/repository.py": 5,
    "perform/facts.py": 4,
}


def sentences(source: str) -> Iterator[str]:
    """Texts of four words or more that end as a sentence does, without docstrings; values in them are `…`."""
    tree = ast.parse(source)
    skipped: set[int] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Module(body=[ast.Expr(value=text), *_]) | ast.ClassDef(body=[ast.Expr(value=text), *_]):
                skipped.add(id(text))
            case ast.FunctionDef(body=[ast.Expr(value=text), *_]) | ast.Assert(msg=ast.expr() as text):
                skipped.add(id(text))
            case ast.Call(func=ast.Name(id="check"), args=[_, ast.Constant() as text]):
                skipped.add(id(text))
            case ast.JoinedStr(values=parts):
                skipped |= {id(inner) for part in parts for inner in ast.walk(part)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        match node:
            case ast.Constant(value=str(text)):
                pass
            case ast.JoinedStr(values=parts):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
            case _:
                continue
        if len(text.split()) >= 4 and text.rstrip().endswith((".", "?", "!")):
            yield text


@cache
def counted() -> dict[str, int]:
    found = {}
    for path in sorted(PRODUCT.rglob("*.py")):
        name = path.relative_to(PRODUCT).as_posix()
        if not name.startswith(ROOMS) and (count := len(list(sentences(path.read_text(encoding="utf-8"))))):
            found[name] = count
    return found


def test_sentences_for_people_stand_in_their_rooms_alone() -> None:
    grown = {name: count for name, count in counted().items() if count > LEFT.get(name, 0)}
    assert grown == {}, "make it a class in core/reasons"


def test_the_list_of_what_is_left_has_no_file_without_any() -> None:
    assert set(LEFT) - set(counted()) == set()


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
        ('x = "Two words."', []),
        ('x = "no end of a sentence"', []),
    ],
)
def test_the_law_can_fail(source: str, found: list[str]) -> None:
    assert list(sentences(source)) == found
