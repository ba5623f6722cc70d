"""The job summary: the story for the record, verdict first. Written once, at the end.

`render` is a pure function of the Story. GitHub throws a summary of more than 1 MiB away, all of it (facts.md B2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.run import Command, Outcome
from ..core.story.events import Concluded, Event, Started
from ..core.story.timeline import Story, tell
from .rendering import chart
from .rendering import sections as part
from .rendering.escape import code, details, fence
from .rendering.sections import Section

if TYPE_CHECKING:
    from ..ports import RunnerFiles

LIMIT = 1024 * 1024 - 4096  # bytes; what other steps of the same action might add is little
# Functions whose plan, AppSpec and lifecycle are shown. The table and the output `result` have all of them; to write
# hundreds takes as long as the last looks at a release.
SHOWN = 100


def render(story: Story) -> str:
    """The whole summary, under 1 MiB in bytes."""
    return part.fit(
        (
            Section("title", (f"## {part.headline(story)}",)),
            Section("endpoint", (part.not_aws(story),)),
            Section("verdict", (part.lead(story),)),
            Section("holds", (part.holds(story), "")),
            Section(
                "functions",
                part.shrinking(lambda n: part.functions_table(story, n), (1000, 200, 50, 10)),
                rank=1,
            ),
            Section("guards", part.shrinking(lambda n: _titled("Guards", part.guards(story, n)), (50, 5)), rank=2),
            Section("calls", (chart.calls(story), "")),
            Section("traffic", (chart.traffic(story), "")),
            Section(
                "diagnosis",
                part.shrinking(lambda n: _titled("Diagnosis", part.diagnoses(story, lines=n)), (200, 60, 20, 0)),
                rank=4,
            ),
            Section("tables", part.shrinking(lambda n: part.tables(story, n), (1000, 100, 20)), rank=3),
            Section("history", part.shrinking(lambda n: part.history(story, n), (50, 10, 0)), rank=3),
            Section(
                "findings", part.shrinking(lambda n: _titled("Findings", part.findings(story, limit=n)), (200, 20))
            ),
            Section(
                "lifecycle",
                part.shrinking(lambda n: _lifecycle(story, n), (SHOWN, 50, 5)),
                rank=5,
            ),
            Section("roll back", (part.roll_back_link(story), "")),
            Section("how to roll back", (part.roll_back(story), "")),
            Section("plan", part.shrinking(lambda n: _plan(story, n), (SHOWN, 50, 5)), rank=6),
            Section("AppSpec", part.shrinking(lambda n: _appspecs(story, n), (SHOWN, 20, 1)), rank=7),
            Section("inputs", (details("Inputs", part.inputs(story)), details("Inputs", part.inputs(story, 60)), "")),
            Section("provenance", (part.provenance(story),)),
        ),
        LIMIT,
    )


def _titled(title: str, text: str) -> str:
    return f"### {title}\n\n{text}" if text else ""


def _lifecycle(story: Story, limit: int) -> str:
    """Folded where all went well."""
    make = details if part.is_success(story) else _titled
    return make("Lifecycle", part.lifecycles(story, limit))


def _plan(story: Story, limit: int) -> str:
    """A refused deployment has none: the refusal is what there is to read."""
    refused = story.result is not None and story.result.outcome is Outcome.REFUSED
    return "" if refused and story.command is not Command.PLAN else details("Plan", part.plans(story, limit))


def _appspecs(story: Story, limit: int) -> str:
    chapters = part.worst_first([each for each in story.functions.values() if each.appspec], story, limit)
    parts = [
        f"{code(chapter.appspec_location, 1_200)}\n\n{fence(chapter.appspec, lines=200)}"
        for chapter in chapters[:limit]
    ]
    if len(chapters) > limit:
        parts.append(f"… and {len(chapters) - limit} more.")
    return details("AppSpec", "\n\n".join(parts))


class SummaryReporter:
    """Writes the summary when the run is over, however it ended."""

    name = "job summary"

    def __init__(self, files: RunnerFiles) -> None:
        self._files = files
        self._story = Story()
        self._begun = False
        self._written = False

    def report(self, event: Event) -> None:
        self._story = tell(self._story, event)
        if isinstance(event, Started):
            self._begun = True
        elif isinstance(event, Concluded):
            self._write()

    def close(self) -> None:
        if self._begun and not self._written:
            self._write()

    def _write(self) -> None:
        self._written = True
        self._files.summary(render(self._story))
