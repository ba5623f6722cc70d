"""What `.lambdaignore` leaves out: the language of `.gitignore`, as Git itself reads it.

Pure, and linear: the file comes from the workspace, so a hostile rule must not cost more than a harmless one. Every
wildcard commits to the first place that fits (an atomic group), which a glob never has to take back; a backtracking
translation needs hours for `*a*a*a*a*b`, and a running regular expression keeps Python from answering a signal.
Source: gitignore(5), and git check-ignore, which the tests compare this with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...lazy import dataclass

MOST_RULES = 1000
LONGEST_RULE = 4096  # characters, as long as a path can be

_NO_SLASH = "[^/]"
_END = "(?=/|\\Z)"  # of a path's component
_ANY_FOLDERS = "(?:[^/]++/)*?"
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": " \\t-\\r",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line. `pattern` is None where nothing can match (a bracket without an end, a class that does not exist)."""

    line: int
    text: str
    brings_back: bool  # it began with `!`
    folders_only: bool  # it ended in `/`
    last_name_only: bool  # it has no other `/`: the last component is compared, wherever that is
    pattern: re.Pattern[str] | None

    def matches(self, name: str, last: str, *, folder: bool) -> bool:
        if self.pattern is None or (self.folders_only and not folder):
            return False
        return self.pattern.fullmatch(last if self.last_name_only else name) is not None


class TooMuch(ValueError):  # noqa: N818 - a finding about the file
    """More rules, or a longer one, than a hand-written file has; the text says which, for people."""


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules, in the order of the file: the last one that matches decides."""

    rules: tuple[Rule, ...] = ()

    def says(self, name: str, *, folder: bool) -> bool | None:
        """True: left out; False: brought back by a rule with `!`; None: no rule matches. `name` has no `/` at its end.

        What is in a folder that is left out cannot be brought back, as in Git: do not ask about it.
        """
        last = name.rpartition("/")[2]
        for rule in reversed(self.rules):
            if rule.matches(name, last, folder=folder):
                return not rule.brings_back
        return None

    @property
    def useless(self) -> tuple[Rule, ...]:
        """The rules that can match nothing: mistakes, each of which leaves something in."""
        return tuple(rule for rule in self.rules if rule.pattern is None)


def parse(text: str, *, first: Sequence[str] = ()) -> Rules:
    """The rules of a file's text, after those of `first` (line 0). Raises TooMuch; no text is a bug."""
    lines = [(0, line) for line in first] + list(enumerate(text.split("\n"), 1))
    rules = tuple(rule for number, line in lines if (rule := _rule(number, line.removesuffix("\r"))))
    if len(rules) - len(first) > MOST_RULES:
        raise TooMuch(f"has {len(rules) - len(first):,} rules, and {MOST_RULES:,} is the most")
    return Rules(rules)


def _rule(number: int, line: str) -> Rule | None:
    text = _without_trailing_blanks(line)
    if len(text) > LONGEST_RULE:
        raise TooMuch(f"has {len(text):,} characters in line {number}, and {LONGEST_RULE:,} is the most")
    if not text or text.startswith("#"):
        return None
    brings_back = text.startswith("!")
    pattern = text[1:] if brings_back else text
    folders_only = pattern.endswith("/")
    pattern = pattern.removesuffix("/")
    if not pattern:
        return None
    last_name_only = "/" not in pattern
    pattern = pattern.removeprefix("/")
    try:
        tokens = list(_tokens(pattern))
        expression = _component(tokens) if last_name_only else _path(tokens)
    except _Nothing:
        compiled = None
    else:
        compiled = re.compile(expression, re.DOTALL)
    return Rule(
        line=number,
        text=text,
        brings_back=brings_back,
        folders_only=folders_only,
        last_name_only=last_name_only,
        pattern=compiled,
    )


def _without_trailing_blanks(line: str) -> str:
    """Blanks at the end do not count, unless a backslash stands before one."""
    kept = line.rstrip(" ")
    backslashes = len(kept) - len(kept.rstrip("\\"))
    return kept + " " if backslashes % 2 and len(kept) < len(line) else kept


# --- A pattern becomes a regular expression ------------------------------------------------------------------------


class _Nothing(Exception):  # noqa: N818 - a finding about a pattern
    """The pattern can match nothing."""


def _tokens(pattern: str) -> Iterator[str]:
    """`/`, `*`, and a regular expression for each single character."""
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "\\":
            if at == len(pattern):
                raise _Nothing
            yield re.escape(pattern[at])
            at += 1
        elif character == "[":
            members, at = _set(pattern, at)
            yield members
        elif character == "?":
            yield _NO_SLASH
        else:
            yield character if character in "*/" else re.escape(character)


def _set(pattern: str, at: int) -> tuple[str, int]:
    """The set that begins after a `[`, as a regular expression, and where the pattern goes on."""
    negated = pattern[at : at + 1] in ("!", "^")
    at += negated
    members: list[str] = []
    before = ""  # what a `-` would begin its range with
    first = True
    while first or pattern[at : at + 1] != "]":
        first = False
        if pattern[at : at + 2] == "[:" and (found := _class(pattern, at + 2)) is not None:
            name, at = found
            if name not in _CLASSES:
                raise _Nothing
            members.append(_CLASSES[name])
            before = ""
        elif before and pattern[at : at + 1] == "-" and pattern[at + 1 : at + 2] not in ("", "]"):
            last, at = _member(pattern, at + 1)
            if before <= last:
                members.append(f"{re.escape(before)}-{re.escape(last)}")
            before = ""
        else:
            before, at = _member(pattern, at)
            members.append(re.escape(before))
    inside = "".join(members)
    if negated:
        return f"[^/{inside}]", at + 1
    return f"(?!/)[{inside}]", at + 1


def _member(pattern: str, at: int) -> tuple[str, int]:
    if pattern[at : at + 1] == "\\":
        at += 1
    if at >= len(pattern):
        raise _Nothing
    return pattern[at], at + 1


def _class(pattern: str, at: int) -> tuple[str, int] | None:
    """The name of a class such as `[:digit:]`; None where it is no class, but a `[` and a `:` among others."""
    end = pattern.find("]", at)
    if end == -1:
        raise _Nothing
    return (pattern[at : end - 1], end + 1) if end > at and pattern[end - 1] == ":" else None


def _component(tokens: Sequence[str]) -> str:
    """What one component of a path has to be: between two stars the first place that fits is as good as any other."""
    parts: list[str] = [""]
    for token in tokens:
        if token == "*":
            parts.append("")
        else:
            parts[-1] += token
    first, *rest = parts
    if not rest:
        return first
    middle = "".join(f"(?>{_NO_SLASH}*?{part})" for part in rest[:-1] if part)
    return f"(?>{first}{middle}{_NO_SLASH}*{rest[-1]}{_END})"


def _path(tokens: Sequence[str]) -> str:
    """What a path has to be: `**` alone between slashes stands for any folders, none included."""
    components: list[list[str]] = [[]]
    for token in tokens:
        if token == "/":
            components.append([])
        else:
            components[-1].append(token)
    chunks: list[list[str]] = [[]]  # of components, what stands between two `**`
    for component in components:
        if _any_folders(component):
            chunks.append([])
        else:
            chunks[-1].append(_component(component))
    first, *rest = chunks
    if not rest:
        return "/".join(first)
    begin = "".join(f"{component}/" for component in first)
    between = "".join(f"(?>{_ANY_FOLDERS}{'/'.join(chunk)}/)" for chunk in rest[:-1] if chunk)
    return begin + between + (_ANY_FOLDERS + "/".join(rest[-1]) if rest[-1] else ".+")


def _any_folders(component: Sequence[str]) -> bool:
    return len(component) > 1 and set(component) == {"*"}
