"""What the product says in tests, kept in files beside them: a changed sentence is a changed line there, and no test.

`assert problems(text) == told` compares with golden/<name of the test's file>.txt, which has each text once, above
the tests that it is expected by; `pytest --update-golden` writes it. Facts belong in assertions of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

TEXT = ">"


def expected(path: Path) -> dict[str, str]:
    """The text that each test of a file expects, by its name; the name of a second comparison ends in ` (2)`."""
    found: dict[str, str] = {}
    for block in path.read_text(encoding="utf-8").split("\n\n") if path.exists() else ():
        lines = block.strip("\n").split("\n")
        text = "\n".join(line[2:] for line in lines if line.startswith(TEXT))
        found |= {line: text for line in lines if not line.startswith(TEXT)}
    return found


def write(path: Path, found: dict[str, str]) -> None:
    names: dict[str, list[str]] = {}
    for name in sorted(found):
        names.setdefault(found[name], []).append(name)
    blocks = ("\n".join([*map(quoted, text.split("\n")), *tests]) for text, tests in names.items())
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def quoted(line: str) -> str:
    return f"{TEXT} {line}" if line else TEXT


def shown(part: object) -> str:
    """What a case is called in the file: `ids` of a parametrized test."""
    text = str(part)
    return text if len(text) <= 120 else f"{text[:100]}...{text[-20:]}"


class Told:
    """What a test expects to be told, equal to a text or to texts of the same lines; it may compare several times."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, path: Path, name: str, *, update: bool) -> None:
        self._path, self._name, self._update = path, name, update
        self._expected: str | None = None
        self._count = 0

    def __eq__(self, said: object) -> bool:
        texts: Iterable[object] = [said] if isinstance(said, str) else said  # type: ignore[assignment]
        text = "\n".join(map(str, texts))
        self._count += 1
        name = self._name if self._count == 1 else f"{self._name} ({self._count})"
        found = expected(self._path)
        if self._update and found.get(name) != text:
            found[name] = text
            write(self._path, found)
        self._expected = found.get(name)
        return text == self._expected

    def __repr__(self) -> str:
        return repr((self._expected or "").split("\n"))
