"""The picture of the traffic over time, as a Mermaid chart that GitHub draws.

A bar chart of many narrow bars, because Mermaid's line chart knows no steps and its Gantt chart cannot be read in
GitHub's dark theme (both looked at). One chart whatever happened: for several functions it is the mean.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...core.run import Outcome
from ...core.story.timeline import FunctionStory, Story
from . import words
from .escape import mermaid

BARS = 60
_GOOD, _WARNING, _BAD = "#2da44e", "#bf8700", "#cf222e"


def traffic(story: Story) -> str:
    """A fenced Mermaid block, or nothing when no traffic moved (or it all moved in one moment)."""
    chapters = [
        chapter
        for chapter in story.functions.values()
        # Of what began before we came, nobody has seen the beginning.
        if chapter.target_version and len(chapter.shifts) > 1 and not chapter.attached
    ]
    if not chapters:
        return ""
    start = min(chapter.shifts[1][0] for chapter in chapters)  # the first is what the alias served before
    span = story.now - start
    if span < 1:
        return ""
    series = [_series(chapter, start, span) for chapter in chapters]
    mean = [sum(column) / len(series) for column in zip(*series, strict=True)]
    if not any(mean):
        return ""
    unit, length = ("seconds", 1.0) if span < 180 else ("minutes", 60.0) if span < 3 * 3600 else ("hours", 3600.0)
    if len(chapters) == 1:
        title = f"Traffic on version {mermaid(chapters[0].target_version)}"
    else:
        title = f"Traffic on the new versions of {len(chapters)} functions, mean"
    return "\n".join(
        (
            "```mermaid",
            "---",
            "config:",
            "  themeVariables:",
            "    xyChart:",
            '      backgroundColor: "transparent"',
            f'      plotColorPalette: "{_colour(story)}"',
            "  xyChart:",
            "    width: 860",
            "    height: 240",
            "---",
            "xychart-beta",
            f'    title "{title} (percent)"',
            f'    x-axis "{unit}" 0 --> {span / length:.4g}',
            '    y-axis "percent" 0 --> 100',
            f"    bar [{', '.join(f'{share:.3g}' for share in mean)}]",
            "```",
        )
    )


def _series(chapter: FunctionStory, start: float, span: float) -> Sequence[float]:
    """The target's share in each of BARS slices of time: the most it had in it, so that no short peak is lost."""
    changes = [(at - start, words.share_of(shares, chapter.target_version)) for at, shares in chapter.shifts]
    values = []
    for n in range(BARS):
        begin, end = n * span / BARS, (n + 1) * span / BARS
        before = [share for at, share in changes if at <= begin]
        within = [share for at, share in changes if begin < at < end]
        values.append(max([*before[-1:], *within], default=0.0))
    return values


def _colour(story: Story) -> str:
    if story.result is None:
        return _WARNING
    return _GOOD if story.result.outcome in (Outcome.SUCCEEDED, Outcome.UNCHANGED) else _BAD
