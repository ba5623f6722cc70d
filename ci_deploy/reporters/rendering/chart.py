"""The picture of the traffic over time, as a Mermaid chart that GitHub draws.

A bar chart of many narrow bars, because Mermaid's line chart knows no steps and its Gantt chart cannot be read in
GitHub's dark theme (both looked at). One chart whatever happened: for several functions it is the mean.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...core.guards.series import NOTHING, together
from ...core.run import Outcome
from ...core.story.timeline import FunctionStory, Story
from . import words
from .escape import mermaid
from .guarded import is_violated

BARS = 60
# Of calls: each bar has its name under it, because Mermaid makes those on a scale of numbers as wide as its ticks are
# apart, over one another.
NAMED_BARS = 20
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
            *_head(_colour(story)),
            "xychart-beta",
            f'    title "{title} (percent)"',
            f'    x-axis "{unit}" 0 --> {span / length:.4g}',
            '    y-axis "percent" 0 --> 100',
            f"    bar [{', '.join(f'{share:.3g}' for share in mean)}]",
            "```",
        )
    )


_ALL, _NEW, _NEW_BAD, _OLD_BAD = "#8c959f", "#2f81f7", "#cf222e", "#bf8700"


def calls(story: Story) -> str:
    """Calls and errors of both versions by minute, as bars one before the other; nothing where there were none.

    Of a release the function whose guards are violated; where none is, several functions are too many for a picture.
    """
    seen = [chapter for chapter in story.functions.values() if chapter.measured is not None]
    if len(seen) > 1:
        seen = [chapter for chapter in seen if is_violated(chapter)]
    event = seen[0].measured if seen else None
    if event is None:
        return ""
    minutes = [(minute.new, minute.old) for minute in event.shown.minutes]
    minutes += [(count, NOTHING) for _, count in event.shown.after]
    if len(minutes) < 2 or not any(new.calls or old.calls for new, old in minutes):
        return ""
    width = -(-len(minutes) // NAMED_BARS)  # minutes in a bar
    parts = [minutes[at : at + width] for at in range(0, len(minutes), width)]
    news = [together(new for new, _ in part) for part in parts]
    olds = [together(old for _, old in part) for part in parts]
    new, old = mermaid(event.subject.new), mermaid(event.subject.old)
    series = (
        [one.calls + other.calls for one, other in zip(news, olds, strict=True)],
        [one.calls for one in news],
        [one.bad for one in news],
    )
    ends = [min(len(minutes), at + width) for at in range(0, len(minutes), width)]
    rows = (
        *_head(f"{_ALL}, {_NEW}, {_NEW_BAD}, {_OLD_BAD}"),
        "xychart-beta",
        f'    title "Calls of versions {old} and {new}"',
        f'    x-axis "minutes" [{", ".join(map(str, ends))}]',
        f'    y-axis "calls" 0 --> {_top(max(series[0]))}',
        *(f"    bar [{', '.join(map(str, each))}]" for each in series),
        f"    line [{', '.join(str(one.bad) for one in olds)}]",
        "```",
        "",
        f"<sub>Gray: all calls. Blue: calls of version {new}. Red: its errors. Line: errors of version {old}.</sub>",
    )
    return "\n".join(rows)


def _top(most: int) -> int:
    """The end of a scale on which Mermaid draws 11 lines at most, for more stand on one another."""
    unit = 1
    while True:
        for top in (10, 16, 20, 35, 50, 80):
            if top * unit >= most:
                return top * unit
        unit *= 10


def _head(palette: str) -> tuple[str, ...]:
    return (
        "```mermaid",
        "---",
        "config:",
        "  themeVariables:",
        "    xyChart:",
        '      backgroundColor: "transparent"',
        f'      plotColorPalette: "{palette}"',
        "  xyChart:",
        "    width: 860",
        "    height: 240",
        "    yAxis:",
        "      labelFontSize: 11",
        "---",
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
