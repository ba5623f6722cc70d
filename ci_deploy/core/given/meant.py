"""What a mistyped name was meant to be: the one place that says "did you mean"."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from ..links import without_login


def close(name: str, known: Iterable[str]) -> str:
    """The known name that `name` resembles most, empty if it resembles none."""
    return next(iter(get_close_matches(name, list(known), 1)), "")


def question(name: str, known: Iterable[str]) -> str:
    """ "Did you mean …?", empty where `name` resembles nothing known."""
    found = close(name, known)
    return f"Did you mean `{found}`?" if found else ""


def remedy(name: str, known: Iterable[str]) -> str:
    """What a name resembles, else what there is."""
    every = list(known)
    return question(name, every) or f"Choose {'one of ' if len(every) > 1 else ''}{names(every)}."


def names(some: Iterable[str]) -> str:
    """Names for people: five of them, and how many more there are."""
    every = [f"`{shorten(name)}`" for name in some]
    more = f" and {len(every) - 5} more" if len(every) > 5 else ""
    return ", ".join(every[:5]) + more


def shorten(text: str) -> str:
    """What somebody gave, fit for a line of an error: 80 characters at most, and none that cannot be seen."""
    printable = "".join(character if character.isprintable() else "�" for character in without_login(text))
    return printable if len(printable) <= 80 else printable[:79] + "…"
