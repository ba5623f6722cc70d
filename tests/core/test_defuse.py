"""Foreign text in the log: no command, no moved cursor, and still readable."""

from __future__ import annotations

import re

import pytest

from ci_deploy.core.defuse import harmless, harmless_lines
from tests.support.hostile import HOSTILE, obeyed


@pytest.mark.parametrize("colour", [True, False])
def test_no_text_becomes_a_command(colour: bool) -> None:
    for text in HOSTILE:
        line = harmless(text, colour=colour)
        assert not obeyed(line), text
        assert not obeyed(re.sub(r"\x1b\[[0-9;]*m", "", line)), text


def test_hostile_text_stays_readable() -> None:
    assert harmless("::error::x") == ": :error::x"
    assert harmless("a ##[error]x") == "a # #[error]x"
    assert harmless("ratio a::b, list[0] ✓ über ⚠️") == "ratio a::b, list[0] ✓ über ⚠️"


def test_nothing_moves_the_cursor_or_turns_the_text_around() -> None:
    assert harmless("a\x1b[2J\x1b[Hb\x07c\x08d\u202ee\x1b]8;;http://x\x07f\x1b]8;;\x07") == "ab cdef"
    assert harmless("tab\there\r\nthere\u2028end") == "tab here  there end"


def test_colours_are_kept_only_where_they_are_wanted() -> None:
    text = "\x1b[1;32mgreen\x1b[0m\x1b[5A"
    assert harmless(text) == "green"
    assert harmless(text, colour=True) == "\x1b[1;32mgreen\x1b[0m"


def test_long_lines_are_cut_and_their_colour_ends() -> None:
    assert harmless("x" * 50, longest=10) == "x" * 9 + "…"
    assert harmless("x" * 10, longest=10) == "x" * 10
    assert harmless_lines("x" * 50 + "\ny", longest=10) == ["x" * 9 + "…", "y"]
    cut = harmless("\x1b[31m" + "x" * 50 + "\x1b[0m", colour=True, longest=20)
    assert cut == "\x1b[31m" + "x" * 14 + "…\x1b[0m"
    assert harmless("x" * 8 + "\x1b[31mred", colour=True, longest=11) == "x" * 8 + "…\x1b[0m"


def test_lone_surrogates_can_be_written() -> None:
    assert harmless("a\ud800b").encode() == "a�b".encode()


def test_lines_are_split_wherever_a_viewer_would_split_them() -> None:
    assert harmless_lines("a\r\n::error::b\x85c\n\n") == ["a", ": :error::b", "c"]


@pytest.mark.parametrize(
    ("character", "shown"),
    [("\ue000", "\ue000"), ("\u0378", "\u0378"), ("\u200b", ""), ("\u00a0", " "), ("\x07", " "), ("\x7f", "")],
)
def test_what_has_no_look_is_dropped_and_the_rest_stays(character: str, shown: str) -> None:
    """Icons of private fonts and characters newer than this Python stay; what only hides goes."""
    assert harmless(f"a{character}b") == f"a{shown}b"
