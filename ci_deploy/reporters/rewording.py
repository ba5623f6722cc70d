"""Changes the texts in events before a reporter sees them: one place for what no report, or none in public, may say.

Pure. Enumerations, numbers and what reporters show with care stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any

from ..core.aws import FunctionVersion, Identity
from ..core.story.events import Event, Started
from ..ports import Reporter
from .rendering.disclosure import in_public

Change = Callable[[str], str]
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
