"""The live log on a terminal: lines stay, the live part goes, hostile text moves no cursor."""

from __future__ import annotations

import io
import re
import sys
import threading

import pytest

from ci_deploy.edge.runner.terminal import LiveTerminal, ask, live_terminal


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_scroll_above_a_live_part_that_goes_in_the_end() -> None:
    """The log's lines are written once and stay; the live part is drawn, and erased at the end."""
    stream = Tty()
    terminal = LiveTerminal(stream, colour=True)
    terminal.show(lambda: "checkout:live ██░░ 10%")
    terminal.line("\x1b[32m[ 0:00:01] ✓ Plan\x1b[0m")
    terminal.group("Inputs")
    terminal.endgroup()
    terminal.close()
    terminal.line("after")
    written = stream.getvalue()
    assert written.count("[ 0:00:01] ✓ Plan") == 1
    assert "== Inputs" in written
    assert "checkout:live ██░░ 10%" in written
    assert "\x1b[2K" in written  # erased
    assert written.endswith("after\n")


def test_what_is_shown_is_text() -> None:
    """Markup, emoji codes and escape sequences of others are shown or dropped, never obeyed."""
    stream = Tty()
    terminal = LiveTerminal(stream, colour=False)
    terminal.line("[bold]x[/bold] :tada: \x1b]0;title\x07\x1b[2J\x1b[31mred")
    terminal.error("line one\nline \x1b[2J two", title="T")
    terminal.close()
    written = stream.getvalue()
    assert "[bold]x[/bold] :tada: red" in written
    assert "error: T: line one" in written
    assert "\x1b]0" not in written
    assert "\x1b[2J" not in written
    assert not re.search(r"\x1b\[3\dm", written)


def test_long_lines_are_not_cut() -> None:
    """An address can be copied: the terminal wraps it, not we."""
    stream = Tty()
    terminal = LiveTerminal(stream, colour=False)
    terminal.line("x" * 500)
    terminal.close()
    assert "x" * 500 in stream.getvalue()


def test_each_kind_of_message_has_its_name_and_its_title_once() -> None:
    stream = Tty()
    terminal = LiveTerminal(stream, colour=False)
    terminal.notice("one\ntwo", title="No comment")
    terminal.warning("late")
    terminal.add_mask("a secret")
    terminal.close()
    written = stream.getvalue()
    assert "notice: No comment: one\n" in written
    assert "\x1b[2K  two\n" in written, "a line of its own, without the title"
    assert "warning: late\n" in written
    assert "secret" not in written


def test_no_terminal_no_live_log() -> None:
    """Into a pipe the log is plain."""
    assert live_terminal(io.StringIO(), colour=False) is None


def test_without_the_extra_no_live_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """rich is not installed: plain lines, no error."""
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert live_terminal(Tty(), colour=False) is None


class Typed(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_question_is_asked_where_somebody_can_answer() -> None:
    screen = io.StringIO()
    assert ask("Why? ", Typed(" prices \nmore"), screen) == "prices"
    assert screen.getvalue() == "Why? "


class Slow(Typed):
    def readline(self, size: int | None = -1, /) -> str:
        assert threading.current_thread() is not threading.main_thread()
        return super().readline()


def test_the_main_thread_is_free_for_signals_while_a_person_types() -> None:
    assert ask("Why? ", Slow("prices\n"), io.StringIO()) == "prices"


@pytest.mark.parametrize(
    ("answers", "screen"), [(None, io.StringIO()), (Typed("x"), None), (io.StringIO("x"), io.StringIO())]
)
def test_nobody_is_asked_where_nobody_could_answer(answers: io.StringIO | None, screen: io.StringIO | None) -> None:
    assert ask("Why? ", answers, screen) == ""
    assert screen is None or screen.getvalue() == ""


class Interrupted(Typed):
    def readline(self, size: int | None = -1, /) -> str:
        raise SystemExit(130)


def test_what_comes_after_a_question_without_an_answer_begins_a_line_of_its_own() -> None:
    screen = io.StringIO()
    assert ask("Why? ", Typed(""), screen) == ""  # Ctrl-D
    assert screen.getvalue() == "Why? \n"
    with pytest.raises(SystemExit):
        ask("Why? ", Interrupted(), screen)
    assert screen.getvalue() == "Why? \nWhy? \n"
