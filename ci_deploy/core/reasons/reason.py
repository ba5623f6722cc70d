"""What a reason is: a code that scripts may rely on, the facts of this case, and the words made of them.

A class is the one place of its message. The classes are the table that docs/messages.md is made of, so each has an
example of itself: `sample`. Facts are no part of any output: they would become a contract, and say more than the
disclosure rules allow. Pure.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Self

# A fact's name has one example.
EXAMPLES: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason(ABC):
    """`code` is kebab-case and stable; `means` is one sentence for the docs."""

    code: ClassVar[str]
    means: ClassVar[str]

    @property
    @abstractmethod
    def text(self) -> str:
        """What is so, in whole sentences; empty where there is nothing to say."""

    @property
    def remedy(self) -> str:
        """What to do about it; empty where nothing is to be done."""
        return ""

    @classmethod
    def sample(cls) -> Self:
        """An example, for the docs and the tests: facts by their names, unless the class says better."""
        return cls(**{fact.name: EXAMPLES[fact.name] for fact in fields(cls)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Reason):
    """Words that have no class of their own yet, under a code that is given."""

    means: ClassVar = "The text says it."
    code: str  # type: ignore[misc]
    said: str
    advice: str = ""

    @property
    def text(self) -> str:
        return self.said

    @property
    def remedy(self) -> str:
        return self.advice


def text_of(reasons: Iterable[Reason]) -> str:
    """All reasons as one text."""
    return " ".join(reason.text for reason in reasons if reason.text)


def remedy_of(reasons: Iterable[Reason]) -> str:
    """What to do about all of them, each remedy once."""
    return " ".join(dict.fromkeys(reason.remedy for reason in reasons if reason.remedy))
