"""The log on a terminal, with a live part under it, drawn by rich (the optional extra `ci-deploy[cli]`).

Lines of the log scroll by above; the live part is drawn anew a few times a second and gone at the end. Without rich,
or where stdout is no terminal, RunnerLog writes plain lines.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TextIO

from ...core.defuse import harmless, harmless_lines

if TYPE_CHECKING:
    from rich.text import Text


REFRESH = 4  # a second
HEARD = 0.5  # seconds after which a signal is heard that came just before a wait began


class LiveTerminal:
    """Implements ports.LogSink on a terminal. `show` sets what the live part asks for its text."""

    annotations = False

    def __init__(self, stream: TextIO, *, colour: bool, hide: Callable[[str], str] = str) -> None:
        from rich.console import Console
        from rich.live import Live

        self.colour = colour
        self._hide = hide
        self._frame: Callable[[], str] = lambda: ""
        # No markup, no emoji codes, no highlighting: the text is shown as it is.
        self._console = Console(
            file=stream, force_terminal=True, no_color=not colour, markup=False, emoji=False, highlight=False
        )
        self._live = Live(
            get_renderable=self._draw,
            console=self._console,
            refresh_per_second=REFRESH,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def show(self, frame: Callable[[], str]) -> None:
        self._frame = frame

    def close(self) -> None:
        """Take the live part away; what is written later is written all the same."""
        self._live.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Without the live part, so that a person can type."""
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()

    def line(self, text: str) -> None:
        from rich.text import Text

        self._console.print(Text.from_ansi(harmless(self._hide(text), colour=self.colour)), soft_wrap=True)

    def group(self, title: str) -> None:
        self.line(f"== {harmless(title)}")

    def endgroup(self) -> None:
        """Nothing is folded on a terminal."""

    def add_mask(self, value: str) -> None:
        """Nothing is masked on a terminal, and writing the value would show it."""

    def notice(self, message: str, *, title: str = "") -> None:
        self._say("notice", message, title)

    def warning(self, message: str, *, title: str = "") -> None:
        self._say("warning", message, title)

    def error(self, message: str, *, title: str = "") -> None:
        self._say("error", message, title)

    def _draw(self) -> Text:
        from rich.text import Text

        return Text(self._frame(), style="cyan", no_wrap=True, overflow="ellipsis")

    def _say(self, kind: str, message: str, title: str) -> None:
        heading = f"{harmless(title, longest=200)}: " if title else ""
        for n, text in enumerate(harmless_lines(message)):
            self.line(f"{kind}: {heading}{text}" if n == 0 else f"  {text}")


def live_terminal(stream: TextIO, *, colour: bool, hide: Callable[[str], str] = str) -> LiveTerminal | None:
    """A live terminal if rich is installed and `stream` is a terminal that can move its cursor, else None."""
    if not stream.isatty():
        return None
    try:
        return LiveTerminal(stream, colour=colour, hide=hide)
    except ImportError:
        return None


def attended(answers: TextIO | None) -> bool:
    """Whether a person can answer."""
    return answers is not None and answers.isatty()


def ask(question: str, answers: TextIO | None, screen: TextIO | None) -> str:
    """One line from a person; empty where nobody could answer, or `answers` is no terminal."""
    if screen is None or answers is None or not attended(answers):
        return ""
    line = ""
    try:
        screen.write(question)
        screen.flush()
        line = _typed(answers)
    finally:
        if not line.endswith("\n"):  # a signal or Ctrl-D: what comes next begins a line of its own
            screen.write("\n")
            screen.flush()
    return line.strip()


def _typed(answers: TextIO) -> str:
    """The next line, read on a thread of its own.

    Python would not hear a signal that comes just before its main thread waits for the terminal.
    """
    lines: SimpleQueue[str | BaseException] = SimpleQueue()

    def read() -> None:
        try:
            lines.put(answers.readline())
        except BaseException as error:  # noqa: BLE001 - raised where it was asked for
            lines.put(error)

    threading.Thread(target=read, daemon=True, name="answer").start()
    while True:
        with contextlib.suppress(Empty):
            line = lines.get(timeout=HEARD)
            if isinstance(line, BaseException):
                raise line
            return line
