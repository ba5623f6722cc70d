"""YAML (and JSON, which is YAML too) as nodes that know their lines: what manifests and AppSpecs are read with.

Scalars stay the text that was written: `on` may be a name, and `010` is no number eight. What a parser would pass over
in silence, such as a key that is said twice, is a problem here. All problems are collected, each with its line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ...errors import InvalidInput, Problem
from ..meant import remedy as meant
from ..meant import shorten

DEPTH = 20
SAVE_AS_UTF8 = "Save the file as UTF-8 (`>` in Windows PowerShell writes UTF-16)."


def is_null(node: Any) -> bool:
    return bool(node.tag == "tag:yaml.org,2002:null")


def shown(node: Any) -> str:
    """What a node is, for people."""
    if node.id == "scalar":
        return "nothing" if is_null(node) else f"`{shorten(node.value)}`"
    return "a list" if node.id == "sequence" else "a mapping"


def _as_yaml(text: str) -> str:
    """JSON as YAML reads it, in the same lines: JSON may be indented with tabs, and escapes `/` (facts.md G21)."""
    text = text.removeprefix("\ufeff")
    if not text.lstrip(" \t\r\n").startswith(("{", "[")):
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text  # YAML in braces, or wrong in a way that is told with its line
    # A string of JSON has no raw tab in it, and a backslash only before what it escapes.
    plain = text.replace("\t", " ")
    return _JSON_ESCAPE.sub(lambda match: _character(match) or match[0], plain)


_JSON_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|.)")


def _character(match: re.Match[str]) -> str:
    """What YAML has no escape for: a slash, and a character in two halves; empty for all others."""
    if match[0] == "\\/":
        return "/"
    return str(json.loads(f'"{match[0]}"')) if len(match[0]) > 2 else ""


class Reader:
    """One reading of one text; `where` is how it is named to people."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._found: list[tuple[int, Problem]] = []

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong, in the order of the lines."""
        return tuple(problem for _, problem in sorted(self._found, key=lambda found: found[0]))

    def wrong(self, node: Any, what: str, remedy: str = "") -> None:
        """A problem of a node (or a token)."""
        self._wrong(node.start_mark.line + 1, what, remedy)

    def problem(self, where: str, what: str, remedy: str = "") -> None:
        """A problem that has no line."""
        self._found.append((0, Problem(where=where, what=what, remedy=remedy)))

    def _wrong(self, line: int, what: str, remedy: str = "") -> None:
        where = f"{self._where}, line {line}" if line else self._where
        self._found.append((line, Problem(where=where, what=what, remedy=remedy)))

    def compose(self, text: str, *, limit: int, instead_of_anchors: str, needs: str) -> Any:
        """The one document's node. Raises InvalidInput if there is none to read."""
        documents = list(self._documents(text, limit, instead_of_anchors))
        if not self._found and len(documents) != 1:
            self._wrong(0, f"has {len(documents)} documents." if documents else "is empty.", needs)
        if self._found:
            raise InvalidInput(self.problems)
        return documents[0]

    def _documents(self, text: str, limit: int, instead_of_anchors: str) -> Iterator[Any]:
        import yaml

        if len(text) > limit:
            return self._wrong(0, f"has {len(text)} characters; {limit} are possible.")
        if "\0" in text:
            return self._wrong(0, "is not UTF-8 text.", SAVE_AS_UTF8)
        text = _as_yaml(text)
        opening = (
            yaml.FlowMappingStartToken,
            yaml.FlowSequenceStartToken,
            yaml.BlockMappingStartToken,
            yaml.BlockSequenceStartToken,
        )
        closing = (yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken, yaml.BlockEndToken)
        depth = 0
        try:
            for token in yaml.scan(text):
                depth += isinstance(token, opening) - isinstance(token, closing)
                if depth > DEPTH:  # the scanner is quadratic in it, the composer recursive
                    return self.wrong(token, f"is nested more than {DEPTH} levels deep.")
                if isinstance(token, yaml.AliasToken | yaml.AnchorToken):  # a few lines could grow to gigabytes
                    return self.wrong(token, "uses YAML anchors or aliases (`&name`, `*name`).", instead_of_anchors)
                if isinstance(token, yaml.TagToken) and token.value[0] != "!!":
                    return self.wrong(
                        token,
                        f"uses the YAML tag `{shorten(''.join(filter(None, token.value)))}`; nothing resolves it.",
                        "Write the value itself; a CloudFormation function works in templates alone.",
                    )
                if isinstance(token, yaml.ScalarToken) and "${{" in token.value:
                    return self.wrong(
                        token,
                        "has a `${{ … }}` expression in it, which only GitHub's workflow files know.",
                        "Pass what changes from run to run as an input of the step.",
                    )
            yield from yaml.compose_all(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark: Any = error.problem_mark
            self._wrong(mark.line + 1, f"cannot be read: {error.problem}.")
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            self._wrong(line, "cannot be read: it has a character in it that YAML does not allow.")
        except (ValueError, OverflowError):  # chr, in the middle of the scanner
            self._wrong(0, "cannot be read: it has an escape in it (`\\U…`) that is no character.")

    def mapping(
        self, node: Any, what: str, allowed: Iterable[str] | None, *, remedy: str = "", any_case: bool = False
    ) -> dict[str, Any]:
        """The nodes by key; without what is doubled or not allowed, which is told. Nothing at all is empty.

        `any_case`: the keys are `allowed`'s, in whatever case they were written.
        """
        if node is None or is_null(node):
            return {}
        if node.id != "mapping":
            self.wrong(node, f"has {shown(node)} where {what} should be a mapping.", remedy)
            return {}
        known = {name.lower() if any_case else name: name for name in allowed or ()}
        found: dict[str, Any] = {}
        for key, value in node.value:
            if key.id != "scalar":
                self.wrong(key, f"has {shown(key)} as a key in {what}.", "A key is text.")
                continue
            name = known.get(key.value.lower() if any_case else key.value, key.value)
            if name in found:
                self.wrong(key, f"says `{shorten(name)}` twice in {what}.", "Keep one of them.")
            elif allowed is not None and name not in known.values():
                self.wrong(key, f"has the unknown key `{shorten(name)}` in {what}.", meant(name, known.values()))
            else:
                found[name] = value
        return found
