"""The smoke file: the cases that the new version must answer before it gets any traffic, and what an answer lacks.

    - name: health
      event: {path: /health}
      expect: {statusCode: 200, body: {status: ok, build: {matches: "^[0-9]+$"}}}
      within: 2s

A list is a list of cases; anything else is one event, and one case. YAML 1.2's core schema or JSON. Every mistake is
told with its line. `differs` says how an answer differs from what a case expects. Pure. Contract: design.md 8, smoke.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from ...errors import InvalidInput
from ...lazy import dataclass
from ..kinds import duration
from ..meant import shorten
from .nodes import Reader, is_null, shown

Json: TypeAlias = Any

MAX_CHARACTERS = 8 * 1024 * 1024
MAX_EVENT = 6 * 1024 * 1024  # bytes of a synchronous invocation's payload (Lambda's quotas)
MAX_CASES = 100
_KEYS = ("name", "event", "expect", "within", "tenant", "durable")
_FORM = "A case is `- name: health` with an `event`, and `expect`, `within`, `tenant` if you like."
_TENANT = re.compile(r"[a-zA-Z0-9._:/=+@ -]{1,256}", re.ASCII)  # botocore's Lambda model


@dataclass(frozen=True, slots=True)
class Matches:
    """Expected text by a regular expression, found anywhere in it."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Anything:
    """Every answer without an error will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One invocation of the new version. `within`: seconds, None for the function's own timeout."""

    name: str
    payload: str  # the event as JSON text
    expect: Json | Matches | Anything = Anything()
    within: float | None = None
    tenant: str = ""
    durable: bool = False  # a durable function may be invoked


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where an answer differs: `expected` comes from the file, `found` from the function (empty: not there)."""

    path: str
    expected: str
    found: str

    def told(self, *, openly: bool) -> str:
        """The difference in words; `openly` says what the function answered."""
        if not self.found:
            return f"`{self.path}` is missing"
        return (
            f"`{self.path}` is `{self.found}`, not {self.expected}"
            if openly
            else f"`{self.path}` is not {self.expected}"
        )


def read(text: str, *, where: str) -> tuple[Case, ...]:
    """The cases of a smoke file, in order; raises InvalidInput with every problem. `where` names the file."""
    reader = _Reader(where)
    cases = reader.read(text)
    if reader.problems:
        raise InvalidInput(reader.problems)
    return cases


# --- Reading -----------------------------------------------------------------------------------------------------


class _Reader(Reader):
    def read(self, text: str) -> tuple[Case, ...]:
        root = self.compose(
            text,
            limit=MAX_CHARACTERS,
            instead_of_anchors="Write the value itself.",
            needs="It needs a list of cases, or one event.",
        )
        if root.id != "sequence":
            return self._bare(root)
        if not root.value:
            self.wrong(root, "has no cases.", _FORM)
        if len(root.value) > MAX_CASES:
            self.wrong(root, f"has {len(root.value)} cases; {MAX_CASES} are possible.")
            return ()
        cases: dict[str, Case] = {}
        for node in root.value:
            case = self._case(node)
            if case is not None and case.name in cases:
                self.wrong(node, f"has two cases named `{shorten(case.name)}`.", "Name each case differently.")
            elif case is not None:
                cases[case.name] = case
        return tuple(cases.values())

    def _bare(self, root: Any) -> tuple[Case, ...]:
        keys = {key.value for key, _ in root.value if key.id == "scalar"} if root.id == "mapping" else set()
        if "event" in keys and keys <= set(_KEYS):
            # As an event it would be sent whole, and whatever came back would be fine.
            self.wrong(root, "has one case that is not in a list.", "Begin it with `- `: a smoke file lists its cases.")
        elif root.id == "scalar":
            self.wrong(root, f"has {shown(root)} where a list of cases, or one event, should be.", _FORM)
        return (Case(name="event", payload=self._payload(root)),)

    def _case(self, node: Any) -> Case | None:
        if node.id != "mapping":
            self.wrong(node, f"has {shown(node)} where a case should be.", _FORM)
            return None
        parts = self.mapping(node, "a case", _KEYS, remedy=_FORM)
        name = self._text(parts.get("name"), "name")
        if not name:
            self.wrong(parts.get("name", node), "has a case without a `name`.", _FORM)
        if "event" not in parts:
            self.wrong(node, "has a case without an `event`.", "`event: {}` sends an empty one.")
        return Case(
            name=name,
            payload=self._payload(parts["event"]) if "event" in parts else "",
            expect=self._expected(parts["expect"]) if "expect" in parts else Anything(),
            within=self._within(parts.get("within")),
            tenant=self._tenant(parts.get("tenant")),
            durable=self._durable(parts.get("durable")),
        )

    def _text(self, node: Any, name: str) -> str:
        if node is None or is_null(node):
            return ""
        if node.id == "scalar":
            text = " ".join(node.value.split())
            if len(text) <= 100 and text.isprintable():
                return text
        self.wrong(node, f"has {shown(node)} for `{name}`.", "Give one line of text, 100 characters at most.")
        return ""

    def _within(self, node: Any) -> float | None:
        text = self._text(node, "within")
        try:
            seconds = duration(text) if text else None
        except ValueError as error:
            self.wrong(node, f"has `{shorten(text)}` for `within`, which {error}.", "Write `2s` or `1m`.")
            return None
        if seconds is not None and seconds > 900:
            self.wrong(node, f"has `{text}` for `within`.", "No function runs longer than `15m`.")
        return seconds

    def _tenant(self, node: Any) -> str:
        text = self._text(node, "tenant")
        if text and not _TENANT.fullmatch(text):
            self.wrong(node, f"has `{shorten(text)}` for `tenant`, which is no tenant ID.")
        return text

    def _durable(self, node: Any) -> bool:
        text = self._text(node, "durable")
        if text not in ("", "true", "false"):
            self.wrong(node, f"has `{shorten(text)}` for `durable`.", "Write `true` or `false`.")
        return text == "true"

    def _payload(self, node: Any) -> str:
        text = json.dumps(self._value(node), separators=(",", ":"))  # in ASCII: half a character pair can be sent
        if len(text) > MAX_EVENT:
            self.wrong(node, "has an event of more than 6 MB.", "Lambda takes 6 MB in one invocation.")
        return text

    def _expected(self, node: Any) -> Json | Matches:
        """A value as JSON, each `{matches: REGEX}` in it as Matches."""
        return self._value(node, matchers=True)

    def _value(self, node: Any, *, matchers: bool = False) -> Json:
        if node.id == "scalar":
            return self._scalar(node)
        if node.id == "sequence":
            return [self._value(item, matchers=matchers) for item in node.value]
        members = self.mapping(node, "a mapping", None)
        if matchers and members.keys() == {"matches"}:
            return self._matches(members["matches"])
        return {name: self._value(value, matchers=matchers) for name, value in members.items()}

    def _matches(self, node: Any) -> Matches:
        if node.id != "scalar":
            self.wrong(node, f"has {shown(node)} for `matches`.", "Give a regular expression.")
            return Matches("")
        try:
            re.compile(node.value)
        except re.error as error:
            self.wrong(node, f"has a regular expression for `matches` that cannot be read: {error}.")
        return Matches(node.value)

    def _scalar(self, node: Any) -> Json:
        if node.style is not None:  # in quotes, or a block
            return node.value
        value = plain(node.value)
        if isinstance(value, float) and not math.isfinite(value):
            self.wrong(node, f"has `{shorten(node.value)}`, which is no number in JSON.", "Put it in quotes.")
            return None
        return value


# YAML 1.2.2, chapter 10.3.2: how the core schema reads plain scalars.
_NULL = re.compile(r"null|Null|NULL|~|")
_TRUE, _FALSE = re.compile(r"true|True|TRUE"), re.compile(r"false|False|FALSE")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,4000}")  # Python reads no longer ones
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN")


def plain(text: str) -> Json:
    """A plain scalar's value by YAML 1.2's core schema: `no` and `12:30` are text, `010` is ten."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return bool(_TRUE.fullmatch(text))
    if _DECIMAL.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text[2:], 8 if text[1] == "o" else 16)
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", ""))
    return float(text) if _FLOAT.fullmatch(text) else text


# --- Comparing ---------------------------------------------------------------------------------------------------


def differs(case: Case, answer: str) -> tuple[Difference, ...]:
    """How an answer (its payload as text) differs from what the case expects; nothing where it does not.

    A subset: every key that is expected must be there and match; lists have the same length and match element by
    element; text in a key `body` that is JSON is compared as what it says. Numbers are equal by value.
    """
    if isinstance(case.expect, Anything):
        return ()
    try:
        found = json.loads(answer) if answer else None
    except (ValueError, RecursionError):
        return (Difference(path="answer", expected="JSON", found=shorten(answer)),)
    return tuple(_compare(case.expect, found, "answer"))


def _compare(expected: Json | Matches, found: Json, path: str) -> Iterator[Difference]:
    if isinstance(expected, Matches):
        if not isinstance(found, str) or not re.search(expected.pattern, found):
            yield Difference(path=path, expected=f"text that matches `{shorten(expected.pattern)}`", found=_text(found))
    elif isinstance(expected, Mapping) and isinstance(found, Mapping):
        for name, value in expected.items():
            below = name if path == "answer" else f"{path}.{name}"
            if name not in found:
                yield Difference(path=below, expected=_wanted(value), found="")
            elif name == "body":
                yield from _compare(*_bodies(value, found[name]), below)
            else:
                yield from _compare(value, found[name], below)
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield Difference(path=path, expected=f"a list of {len(expected)}", found=f"a list of {len(found)}")
        for number, (one, other) in enumerate(zip(expected, found, strict=False)):
            yield from _compare(one, other, f"{path}[{number}]")
    elif _boolean(expected) != _boolean(found) or expected != found:
        yield Difference(path=path, expected=_wanted(expected), found=_text(found))


def _boolean(value: Json) -> bool:
    """True is 1 in Python, and is not in JSON."""
    return isinstance(value, bool)


def _bodies(expected: Json | Matches, found: Json) -> tuple[Json | Matches, Json]:
    """Both as what their JSON says, where the answer's body is JSON text; `matches` is about the text itself."""
    if not isinstance(found, str) or isinstance(expected, Matches):
        return expected, found
    try:
        meant = json.loads(expected) if isinstance(expected, str) else expected
        return meant, json.loads(found)
    except (ValueError, RecursionError):
        return expected, found


def _wanted(value: Json | Matches) -> str:
    if isinstance(value, Matches):
        return f"text that matches `{shorten(value.pattern)}`"
    return f"`{_text(value)}`"


def _text(value: Json) -> str:
    return shorten(json.dumps(value, ensure_ascii=False, default=lambda matcher: {"matches": matcher.pattern}))
