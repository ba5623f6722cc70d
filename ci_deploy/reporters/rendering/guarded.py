"""What guards saw, in words: a line a minute, a row for both versions, how each guard stands. Plain text."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.guards import texts
from ...core.guards.judging import Verdict
from ...core.guards.series import Count, together
from ...core.run import Outcome
from ...core.story import events as e
from ...core.story.timeline import FunctionStory

QUIET = "no calls"


def minutes(event: e.Measured) -> Iterator[tuple[float, str]]:
    """The minutes that are new in a look: when each began (epoch seconds), and both versions' calls in it."""
    shown, subject = event.shown, event.subject
    for minute in shown.minutes:
        if minute.at >= event.told_until:
            quiet = not (minute.new.calls or minute.old.calls)
            yield minute.at, QUIET if quiet else texts.minute(minute, subject)
    for at, count in shown.after:
        if at >= event.told_until:
            yield at, alone(subject.new, count) if count.calls else QUIET


def row(event: e.Measured) -> str:
    """All minutes so far as one row; what the new version did alone is told apart."""
    shown, subject = event.shown, event.subject
    parts = []
    if shown.minutes:
        parts.append(texts.versions(shown.new, shown.old, subject, shown.new_durations, shown.old_durations))
    if shown.after:
        after = together(count for _, count in shown.after)
        parts.append(f"with all traffic, {alone(subject.new, after)}")
    if shown.throttles:
        parts.append(f"{shown.throttles:,} throttled")
    return " · ".join(parts)


def alone(version: str, count: Count) -> str:
    """One version's calls and errors."""
    share = f" ({texts.percent(count.share)})" if count.bad else ""
    return f"version {version}: {count.calls:,} calls, {count.bad:,} errors{share}"


def is_violated(chapter: FunctionStory) -> bool:
    return any(found is Verdict.VIOLATED for found, _ in verdicts(chapter))


def verdicts(chapter: FunctionStory) -> Iterator[tuple[Verdict, str]]:
    """How each guard stands; those that are only observed say so.

    Of what ended otherwise than well only those that are violated: that another one held is no comfort, and no cause.
    """
    event, plan, result = chapter.measured, chapter.plan, chapter.result
    if event is None:
        return
    well = result is None or result.outcome in (Outcome.SUCCEEDED, Outcome.REPORTED)
    timeout = float(plan.new.timeout_s) if plan is not None and plan.new is not None else 0.0
    for judgment in event.judgments:
        if not (well or judgment.verdict is Verdict.VIOLATED):
            continue
        observed = "observed: " if judgment.guard.observe else ""
        yield judgment.verdict, observed + texts.verdict(judgment, event.subject, timeout)
