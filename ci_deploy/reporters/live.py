"""What a terminal shows while a run goes on: one line a function, below the log. Text; edge/terminal.py shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..core.story.timeline import FunctionStory, Story, tell
from .rendering import verdict, words
from .rendering.escape import line
from .rendering.planned import next_share

if TYPE_CHECKING:
    from ..core.story.events import Event

ROWS = 12  # functions shown at once
BAR = 24


def frame(story: Story, now: float) -> str:
    """The live part at the time `now` (in the terms of `at`); empty when nothing is under way."""
    under_way = [chapter for chapter in story.functions.values() if chapter.result is None and chapter.plan]
    if story.result is not None or not under_way:
        return ""
    width = max(len(chapter.key) for chapter in under_way[:ROWS])
    rows = [_row(chapter, width, now) for chapter in under_way[:ROWS]]
    if len(under_way) > ROWS:
        rows.append(f"  … and {len(under_way) - ROWS} more")
    return "\n".join(rows)


def _row(chapter: FunctionStory, width: int, now: float) -> str:
    share = words.share_of(chapter.shares, chapter.target_version)
    parts = [f"{line(chapter.key, 200):{width}}", f"{words.bar(share, BAR)} {words.percent(share):>5}"]
    parts.append(line(verdict.progress(chapter), 60))
    if chapter.deployment is not None and not chapter.attached:
        parts.append(words.elapsed(now - chapter.deployment.started_at))
    following = next_share(chapter)
    if chapter.next_shift_at is not None and following is not None:
        parts.append(f"{words.percent(following)} in {words.duration(max(0.0, chapter.next_shift_at - now))}")
    if chapter.trouble:
        parts.append("no contact with AWS")
    return "  ".join(parts)


class LiveReporter:
    """Keeps the story for the terminal, which asks for a frame whenever it draws."""

    name = "live display"

    def __init__(self, show: Callable[[Callable[[], str]], None], now: Callable[[], float]) -> None:
        self._story = Story()
        self._now = now
        show(self._frame)

    def report(self, event: Event) -> None:
        self._story = tell(self._story, event)

    def close(self) -> None:
        """The terminal is closed by whoever made it."""

    def _frame(self) -> str:
        return frame(self._story, self._now())
