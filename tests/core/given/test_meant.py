"""What a mistyped name was meant to be, and how what somebody gave is shown."""

from __future__ import annotations

import pytest

from ci_deploy.core.given.meant import close, names, question, remedy, shorten
from tests.support.golden import Told, shown

KNOWN = ("checkout", "cart", "prices")


@pytest.mark.parametrize(
    ("name", "meant"), [("chekout", "checkout"), ("crat", "cart"), ("price", "prices"), ("search", ""), ("", "")]
)
def test_a_name_that_resembles_a_known_one_is_asked_about(name: str, meant: str) -> None:
    assert close(name, KNOWN) == meant
    assert question(name, iter(KNOWN)) == (f"Did you mean `{meant}`?" if meant else "")


@pytest.mark.parametrize(
    ("name", "known"),
    [("chekout", KNOWN), ("search", KNOWN), ("search", ("checkout",)), ("search", ("a", "b"))],
    ids=shown,
)
def test_what_resembles_nothing_is_answered_with_what_there_is(name: str, known: tuple[str, ...], told: Told) -> None:
    assert remedy(name, iter(known)) == told


@pytest.mark.parametrize(
    ("some", "told"),
    [
        ("a", "`a`"),
        ("abcde", "`a`, `b`, `c`, `d`, `e`"),
        ("abcdef", "`a`, `b`, `c`, `d`, `e` and 1 more"),
        ("abcdefghi", "`a`, `b`, `c`, `d`, `e` and 4 more"),
    ],
)
def test_five_names_are_told_and_how_many_more_there_are(some: str, told: str) -> None:
    assert names(iter(some)) == told


def test_names_are_fit_for_a_line_too() -> None:
    assert names(["a\nb", "x" * 81]) == f"`a�b`, `{'x' * 79}…`"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
        ("a\tb\x1b[0m", "a�b�[0m"),
        ("two\nlines\r", "two�lines�"),
        ("für €", "für €"),
        ("\u202eright to left", "�right to left"),
        ("https://user:secret@example.org/x", "https://***@example.org/x"),
        ("", ""),
    ],
)
def test_what_somebody_gave_is_shown_in_one_line_that_can_be_seen(text: str, line: str) -> None:
    assert shorten(text) == line
