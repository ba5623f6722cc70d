"""Changes the texts in events before a reporter sees them: one place for what no report, or none in public, may say.

Pure. Enumerations, numbers and what reporters show with care stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from ..core.aws import FunctionVersion, Identity
from ..core.given.inputs import table
from ..core.reasons.reason import Reason
from ..core.run import Command
from ..core.story.events import Event, Started
from .rendering.disclosure import in_public

if TYPE_CHECKING:
    from ..ports import Reporter

Change = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reworded(Reason):
    """A reason as this reporter's readers may see it: its code, and other words."""

    means: ClassVar = "The reason's own."
    code: str  # type: ignore[misc]
    urgent: bool  # type: ignore[misc]
    said: str
    advice: str

    @property
    def text(self) -> str:
        return self.said

    @property
    def remedy(self) -> str:
        return self.advice


# Compared with each other, or a part of what tells comments apart: their reporters know what of them is for everybody.
_WITH_CARE: Mapping[type, frozenset[str]] = {
    Identity: frozenset({"account", "arn"}),
    FunctionVersion: frozenset({"layers", "role", "configuration"}),
}


def reworded(value: Any, change: Change) -> Any:
    """The same value, each text in it changed; the very same object where nothing changes."""
    if type(value) is str:  # an enumeration's member is a str too, and means what it means
        return change(value)
    if isinstance(value, tuple | list):
        items = [reworded(item, change) for item in value]
        return value if _same(items, value) else type(value)(items)
    if isinstance(value, Mapping):
        pairs = {change(name) if type(name) is str else name: reworded(item, change) for name, item in value.items()}
        return value if _same(pairs, value) and _same(pairs.values(), value.values()) else pairs
    if isinstance(value, Reason):  # what people read of it are its words, not its facts
        said, advice = change(value.text), change(value.remedy)
        same = (said, advice) == (value.text, value.remedy)
        return value if same else Reworded(code=value.code, urgent=value.urgent, said=said, advice=advice)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {}
        for name in _names(type(value)):
            before = getattr(value, name)
            after = reworded(before, change)
            if after is not before and after != before:
                changed[name] = after
        return replace(value, **changed) if changed else value
    return value


def _same(new: Any, old: Any) -> bool:
    return all(one is other or one == other for one, other in zip(new, old, strict=True))


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.name not in _WITH_CARE.get(kind, ()))


_COMMANDS = frozenset(map(str, Command))
_NAMES = frozenset(spec.name for spec in table())
_SETTING = re.compile(r"`([a-z0-9-]+): ([^`]+)`")
# A single word may be a name of the user's own; it is an input's where the sentence says so.
_INPUT = re.compile(
    r"(?:(?<=[Ss]et )|(?<=[Cc]heck )|(?<=[Ll]eave )|(?<=input )|(?<=and )|(?<=or ))`([a-z0-9-]+)`"
    r"|`([a-z0-9]+-[a-z0-9-]+)`"
)


def as_flags(text: str) -> str:
    """Inputs as a terminal knows them: `` `hold: release` `` becomes `` `--hold release` ``."""

    def flag(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return f"`--{name}`" if name in _NAMES and name not in _COMMANDS else match[0]

    def setting(match: re.Match[str]) -> str:
        if match[1] not in _NAMES:
            return match[0]
        return f"`--{match[1]}`" if match[2] == "true" else f"`--{match[1]} {match[2]}`"

    return _INPUT.sub(flag, _SETTING.sub(setting, text))


class ForTerminal:
    """A reporter for somebody at a terminal, who sets flags and not inputs."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.name = reporter.name

    def report(self, event: Event) -> None:
        self._reporter.report(event if isinstance(event, Started) else reworded(event, as_flags))

    def close(self) -> None:
        self._reporter.close()


class ForEverybody:
    """A reporter whose text everybody may read where the repository is public, or not known to be private."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._public = False
        self.name = reporter.name

    def report(self, event: Event) -> None:
        if isinstance(event, Started):
            self._public = event.context.public
        self._reporter.report(reworded(event, in_public) if self._public else event)

    def close(self) -> None:
        self._reporter.close()
