"""What the product says in a test, kept in a file beside it: a changed sentence is a changed line there, and no test.

`assert problems(text) == told` compares with the section of this test in golden/<name of the test's file>.txt;
`pytest --update-golden` writes the section. Facts belong in assertions of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

INDENT = "  "


def sections(path: Path) -> dict[str, list[str]]:
    """The lines of each section of a file; its name begins its own line, and its lines are indented."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in path.read_text(encoding="utf-8").split("\n") if path.exists() else ():
        if line.startswith(INDENT):
            lines.append(line.removeprefix(INDENT))
        elif line:
            lines = found[line] = []
    return found


def shown(part: object) -> str:
    """What a case is called in its file: `ids` of a parametrized test."""
    text = str(part)
    return text if len(text) <= 120 else f"{text[:100]}...{text[-20:]}"


class Told:
    """What a test expects to be told; equal to a text or texts of the same lines. A test may compare several times."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, path: Path, name: str, *, update: bool) -> None:
        self._path, self._name, self._update = path, name, update
        self._expected: list[str] | None = None
        self._count = 0

    def __eq__(self, said: object) -> bool:
        texts: Iterable[str] = [said] if isinstance(said, str) else said  # type: ignore[assignment]
        lines = [line for text in texts for line in str(text).split("\n")]
        self._count += 1
        name = self._name if self._count == 1 else f"{self._name} ({self._count})"
        found = sections(self._path)
        if self._update:
            found[name] = lines
            text = "\n".join("\n".join([key, *(INDENT + line for line in found[key]), ""]) for key in sorted(found))
            self._path.parent.mkdir(exist_ok=True)
            self._path.write_text(text, encoding="utf-8")
        self._expected = found.get(name)
        return lines == self._expected

    def __repr__(self) -> str:
        return repr(self._expected)
