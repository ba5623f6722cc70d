"""The live part's text: what is under way, counting down between events."""

from __future__ import annotations

from collections.abc import Callable

from storyteller import Release, scenarios

from ci_deploy.reporters.live import LiveReporter, frame


def test_it_counts_down_between_events() -> None:
    """The time to the next shift is told as of now, not as of the last event."""
    release = Release().running()
    assert frame(release.story, release.at + 60).endswith("AllowTraffic  0:01:14  100% in 4m")


def test_one_line_a_function_and_not_too_many() -> None:
    """Aligned; of a large release the first ones and how many more there are."""
    release = Release(*(f"f{n}:live" for n in range(30))).running()
    rows = frame(release.story, release.at).splitlines()
    assert len(rows) == 13
    assert rows[-1] == "  … and 18 more"
    assert len({row.index("░") for row in rows[:12]}) == 1


def test_nothing_under_way_is_nothing() -> None:
    """Before the plan and after the end there is no live part."""
    assert frame(Release().story, 1.0) == ""
    assert all(frame(release.story, release.at) == "" for release in scenarios().values() if release.story.result)


def test_the_reporter_shows_its_frame() -> None:
    """The terminal asks; the reporter answers with the story so far."""
    shown: list[Callable[[], str]] = []
    release = Release().running().loses_contact()
    reporter = LiveReporter(shown.append, lambda: release.at)
    assert shown[0]() == ""
    for event in release.events:
        reporter.report(event)
    reporter.close()
    assert "no contact with AWS" in shown[0]()
