"""CloudFormation's nouns: a stack with what is nested in it, as far as somebody who watches it needs them."""

from __future__ import annotations

from .lazy import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StackEvent:
    """An event of a resource, in CloudFormation's own words. `at`: AWS's time, epoch seconds."""

    stack: str
    resource: str  # its logical ID
    kind: str = ""  # AWS::Lambda::Alias
    status: str = ""
    said: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A stack, and the resources of its nested stacks too.

    `updated`: when its latest update (or its creation) began. `rolls_back_since`: when that update began to be rolled
    back, None if it was not. Times are AWS's, in epoch seconds. `failed`: what failed in it, oldest first.
    """

    name: str
    status: str
    updated: float = 0.0
    rolls_back_since: float | None = None
    applications: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    aliases: frozenset[tuple[str, str]] = frozenset()  # function, alias
    failed: tuple[StackEvent, ...] = ()

    @property
    def busy(self) -> bool:
        return self.status.endswith("_IN_PROGRESS")
