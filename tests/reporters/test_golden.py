"""What people read, state by state, as files to look at (`pytest tests/reporters --update-golden` writes them)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sinks import Screen
from storyteller import Release, scenarios

from ci_deploy.reporters import comment, summary
from ci_deploy.reporters.log import LogReporter

Golden = Callable[[str, str], None]
SCENARIOS = scenarios()
LOGGED = (
    "succeeded",
    "succeeded-emulated",
    "succeeded-four",
    "failed-hook",
    "failed-hook-public",
    "rolled-back",
    "guard",
    "baking",
    "baking-resumed",
    "taking-back",
    "no-traffic",
    "rollback-failed",
    "cancelled",
    "lost-contact",
    "plan",
    "refused",
    "manual-rollback",
    "release-mixed",
    "release-twelve",
    "setup",
    "prune",
    "status",
    "error",
)


def logged(release: Release, screen: Screen) -> str:
    reporter = LogReporter(screen)
    for event in release.events:
        reporter.report(event)
    reporter.close()
    return screen.text


@pytest.mark.parametrize("name", SCENARIOS)
def test_comment(name: str, golden: Golden) -> None:
    """The comment of this state reads as it was looked at."""
    golden(f"comment/{name}.md", comment.render(SCENARIOS[name].story))


@pytest.mark.parametrize("name", [name for name, release in SCENARIOS.items() if release.story.result])
def test_summary(name: str, golden: Golden) -> None:
    """The summary of this end reads as it was looked at."""
    golden(f"summary/{name}.md", summary.render(SCENARIOS[name].story))


@pytest.mark.parametrize("name", LOGGED)
def test_log(name: str, golden: Golden) -> None:
    """The job log of this run reads as it was looked at."""
    golden(f"log/{name}.txt", logged(SCENARIOS[name], Screen()))


def test_log_in_colour(golden: Golden) -> None:
    """With colours, the same log has them."""
    golden("log/rolled-back.ansi", logged(SCENARIOS["rolled-back"], Screen(colour=True)))


def test_colours_are_the_only_difference() -> None:
    """A log without its colours is the log that was written without colours."""
    import re

    coloured = logged(SCENARIOS["rolled-back"], Screen(colour=True))
    assert logged(SCENARIOS["rolled-back"], Screen()) == re.sub(r"\x1b\[[0-9;]*m", "", coloured)
