"""What is said of a stack's failed events."""

from __future__ import annotations

from dataclasses import replace

from ci_deploy.core.reasons.ending.watching import TOLD, StackFailed


def test_events_that_are_not_told_are_counted() -> None:
    (event,) = StackFailed.sample().events
    events = tuple(replace(event, resource=f"Alias{number}") for number in range(TOLD + 2))
    told = [StackFailed(stack="shop", events=events[: TOLD + more]).text for more in range(3)]
    assert [text.rpartition(".")[0].endswith("more") for text in told] == [False, True, True]
    assert "2 more" in told[2]
