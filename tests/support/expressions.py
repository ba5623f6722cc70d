"""GitHub's expressions, as far as the example workflows use them: contexts, literals, comparisons, a few functions.

Source: GitHub's documentation on evaluating expressions. Anything else is an error, so that no example passes unread.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:(==|!=|&&|\|\||[!()\[\],.])|('(?:[^']|'')*')|(-?[0-9]+(?:\.[0-9]+)?)|([A-Za-z_][\w-]*))")


def interpolate(value: Any, contexts: Mapping[str, Any]) -> Any:
    """Every `${{ … }}` in a value replaced; one that is all of a text keeps its type."""
    if isinstance(value, dict):
        return {key: interpolate(each, contexts) for key, each in value.items()}
    if isinstance(value, list):
        return [interpolate(each, contexts) for each in value]
    if not isinstance(value, str):
        return value
    alone = re.fullmatch(r"\$\{\{((?:(?!\}\}).)*)\}\}", value.strip(), re.DOTALL)
    if alone:
        return evaluate(alone[1], contexts)
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: text(evaluate(found[1], contexts)), value, flags=re.DOTALL)


def text(value: Any) -> str:
    """A value as GitHub writes it into a text."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case dict() | list():
            return json.dumps(value)
        case _:
            return str(value)


def condition(value: Any, contexts: Mapping[str, Any]) -> bool:
    """What stands under `if:`, with or without `${{ }}`."""
    source = str(value).strip().removeprefix("${{").removesuffix("}}")
    return bool(evaluate(source, contexts))


def evaluate(source: str, contexts: Mapping[str, Any]) -> Any:
    tokens = list(_tokens(source))
    reader = _Reader(tokens, contexts)
    found = reader.either()
    assert reader.at == len(tokens), f"not understood: {source!r}"
    return found


def _tokens(source: str) -> Iterator[tuple[str, str]]:
    at, end = 0, len(source.rstrip())
    while at < end:
        found = _TOKEN.match(source, at)
        assert found, f"not understood: {source!r}"
        kind = ("sign", "text", "number", "name")[(found.lastindex or 1) - 1]
        yield kind, found[found.lastindex or 1]
        at = found.end()


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]], contexts: Mapping[str, Any]) -> None:
        self.tokens, self.contexts, self.at = tokens, contexts, 0

    def next(self, *signs: str) -> str:
        """The next sign if it is one of these; empty if not."""
        if self.at < len(self.tokens) and self.tokens[self.at] in {("sign", sign) for sign in signs}:
            self.at += 1
            return self.tokens[self.at - 1][1]
        return ""

    def either(self) -> Any:
        found = self.both()
        while self.next("||"):
            other = self.both()
            found = found or other
        return found

    def both(self) -> Any:
        found = self.compared()
        while self.next("&&"):
            other = self.compared()
            found = found and other
        return found

    def compared(self) -> Any:
        found = self.single()
        while sign := self.next("==", "!="):
            found = (text(found) == text(self.single())) is (sign == "==")
        return found

    def single(self) -> Any:
        if self.next("!"):
            return not self.single()
        if self.next("("):
            found = self.either()
            assert self.next(")")
            return found
        kind, word = self.tokens[self.at]
        self.at += 1
        if kind == "text":
            return word[1:-1].replace("''", "'")
        if kind == "number":
            return float(word) if "." in word else int(word)
        assert kind == "name", word
        return self.called(word) if self.next("(") else self.member(word)

    def called(self, name: str) -> Any:
        arguments = []
        while not self.next(")"):
            arguments.append(self.either())
            self.next(",")
        match name, arguments:
            case "fromJSON", [given]:
                return json.loads(given)
            case "toJSON", [given]:
                return json.dumps(given)
            case "always", []:
                return True
            case "success", []:
                return self.contexts["job"]["status"] == "success"
            case "failure", []:
                return self.contexts["job"]["status"] == "failure"
        raise AssertionError(f"no such function here: {name}")

    def member(self, name: str) -> Any:
        literals = {"true": True, "false": False, "null": None}
        if name in literals:
            return literals[name]
        assert name in self.contexts, f"no such context: {name}"
        found: Any = self.contexts[name]
        while sign := self.next(".", "["):
            if sign == "[":
                key = self.either()
                assert self.next("]")
            else:
                key = self.tokens[self.at][1]
                self.at += 1
            found = found.get(key) if isinstance(found, dict) else None
        return found
