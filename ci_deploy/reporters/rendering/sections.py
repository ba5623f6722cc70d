"""The parts that comment and summary are put together from, and how they are made to fit.

Pure functions of the Story that return Markdown, empty where there is nothing to say. All that is not ours goes
through `escape`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Protocol
from urllib.parse import quote

from ...core import links
from ...core.aws import DeploymentStatus, Endpoint, EventStatus
from ...core.guards import texts
from ...core.guards.judging import Verdict
from ...core.plan.history import HistoryEntry
from ...core.reasons.commands import GET_THE_TOOL
from ...core.reasons.phrases import capital, closed
from ...core.reasons.reason import text_of
from ...core.result import Finding, Severity
from ...core.run import Command, Outcome
from ...core.story.timeline import FunctionStory, Leg, Story
from . import ends, guarded, verdict, words
from .disclosure import HIDDEN, discloses
from .ends import Tone
from .escape import code, details, fence, html_code, link, marked, plain, prose
from .planned import next_share, plan_rows

EVENT_ICONS = {
    EventStatus.SUCCEEDED: "✅",
    EventStatus.FAILED: "❌",
    EventStatus.SKIPPED: "➖",
    EventStatus.IN_PROGRESS: "🔄",
    EventStatus.PENDING: "⏳",
}
BACK = "↩&#xFE0E;"  # as a character, not as a picture
_SEVERITY_ICONS = {Severity.REFUSAL: "⛔", Severity.WARNING: "⚠️", Severity.NOTE: "💬"}


# --- Fitting ---------------------------------------------------------------------------------------------------


class Forms(Protocol):
    """The forms of a part, the longest first; a tuple of texts will do."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> str: ...


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document in ever shorter forms, the last of which may be empty. `rank`: the highest goes first."""

    name: str
    forms: Forms
    rank: int = 0


def fit(sections: Iterable[Section], limit: int) -> str:
    """The document, shorter than `limit` bytes in UTF-8 (so also characters); what was cut is said at its end."""
    chosen = [(section, 0) for section in sections if section.forms and section.forms[0]]
    while True:
        cut = [section.name for section, form in chosen if form]
        note = f"\n\n<sub>Shortened to fit: {', '.join(cut)}.</sub>" if cut else ""
        text = "\n\n".join(section.forms[form] for section, form in chosen if section.forms[form]) + note + "\n"
        if len(text.encode()) < limit:
            return text
        shorter = [n for n, (section, form) in enumerate(chosen) if form + 1 < len(section.forms)]
        if not shorter:
            # Nothing is left to shorten: every form is bounded, so only a mistake of ours leads here.
            return text.encode()[: limit - 1].decode(errors="ignore")
        worst = max(shorter, key=lambda n: chosen[n][0].rank)
        chosen[worst] = (chosen[worst][0], chosen[worst][1] + 1)


class _Shrinking:
    """Each form is made when it is needed: of most reports that is the first one alone."""

    def __init__(self, make: Callable[[int], str], counts: Sequence[int]) -> None:
        self._make = cache(make)
        self._counts = counts

    def __len__(self) -> int:
        return len(self._counts)

    def __getitem__(self, index: int) -> str:
        return self._make(self._counts[index])


def shrinking(make: Callable[[int], str], counts: Sequence[int]) -> Forms:
    """The forms of a part that can be made with fewer rows."""
    return _Shrinking(make, counts)


# --- Parts -------------------------------------------------------------------------------------------------------


def not_aws(story: Story) -> str:
    """The loud line that nothing of this is AWS's."""
    if not story.endpoints:
        return ""

    def said(one: Endpoint) -> str:
        setting = marked(one.setting) if "`" in one.setting else code(one.setting)
        return f"{words.requests(one)} to {code(one.url)} ({setting})"

    where = "; ".join(map(said, story.endpoints))
    return f"> [!WARNING]\n> **Not AWS.** {capital(where)}: this run says nothing about your AWS account."


def subject(story: Story) -> str:
    """What this is about: the one function, or how many; where none is known, the stack or the command."""
    chapters = list(story.functions.values())
    if len(chapters) > 1:
        return f"{len(chapters)} functions"
    if chapters:
        return code(chapters[0].key)
    if story.result is not None and story.result.function:
        return code(story.result.key)
    stack = story.inputs.get("stack")
    return f"the stack {code(stack)}" if stack else code(str(story.command))


def headline(story: Story) -> str:
    """The document's title, without its heading marks."""
    result = story.result
    if result is not None:
        version = prose(result.live_version) if len(story.functions) == 1 and not ends.is_split(result) else ""
        icon = ends.look(story.command, result).icon
        return f"{icon} {ends.heading(story.command, result, subject(story), version)}"
    chapters = list(story.functions.values())
    verb = {
        Command.ROLLBACK: "Rolling back",
        Command.STOP: "Stopping",
        Command.PLAN: "Planning",
        Command.STATUS: "Following",
        Command.WATCH: "Watching",
        Command.FINISH: "Finishing",
        Command.SETUP: "Setting up",
        Command.PRUNE: "Pruning",
    }.get(story.command, "Deploying")
    if story.cancelled or any(chapter.stopping for chapter in chapters):
        return f"🛑 Stopping {subject(story)}"
    if any(chapter.rollback for chapter in chapters):
        return f"⏪ Rolling back {subject(story)}"
    if any(chapter.deployment for chapter in chapters):
        return f"🚦 {verb} {subject(story)}"
    return f"⏳ {verb} {subject(story)}"


def is_success(story: Story) -> bool:
    """Whether all is well and the table says the rest: whoever is curious has the summary."""
    return story.result is not None and story.result.outcome is Outcome.SUCCEEDED and story.command in _SHIFTING


_SHIFTING = (Command.DEPLOY, Command.ROLLBACK)


def lead(story: Story) -> str:
    """The truth in one block: loud where it is bad, with the reason and what to do."""
    result = story.result
    if result is None:
        return _progress(story)
    look = ends.look(story.command, result)
    said = verdict.summary_sentence(story)
    parts = [f"**{prose(said)}**" if look.tone is not Tone.GOOD else prose(said)] if said else []
    if why := verdict.because(story):
        parts.append("\n".join(map(_point, why.split("\n"))))
    step = next_step(story)
    if step:
        parts.append(step)
    if look.tone is Tone.GOOD or look.tone is Tone.NEUTRAL:
        return "\n\n".join(parts)
    kind = "CAUTION" if look.tone is Tone.BAD else "WARNING"
    quoted = "\n\n".join(parts).split("\n")
    return "\n".join((f"> [!{kind}]", *(f"> {row}".rstrip() for row in quoted)))


def _point(text: str) -> str:
    """A line of a reason; one that is a point of a list stays one."""
    return f"- {marked(text[2:])}" if text.startswith("- ") else marked(text)


def holds(story: Story) -> str:
    """Which functions are on hold now, because of this run, and how to release them."""
    rows = [
        f"> [!IMPORTANT]\n> Deployments of {code(chapter.key)} are **on hold**: {prose(chapter.hold)}. "
        "Release them with `hold: release`."
        for chapter in story.functions.values()
        if chapter.hold
    ]
    released = [
        f"The hold on {code(chapter.key)} was released." for chapter in story.functions.values() if chapter.hold == ""
    ]
    return "\n\n".join((rows + released)[:20])


def next_step(story: Story) -> str:
    """What to do, where it is not how to roll back a success (that has a part of its own)."""
    result = story.result
    if result is None or ends.look(story.command, result).tone is Tone.GOOD:
        return ""
    told = verdict.next_steps(story)
    steps = [_step(text) for text in (*told, verdict.get_the_tool(told)) if text]
    if steps and (address := verdict.explained_at(story)):
        steps.append(link(code(result.reason_code), address))
    return "**What to do:** " + " · ".join(steps) if steps else ""


def _step(text: str) -> str:
    """A step, with the command that ends it in code."""
    said, command = verdict.with_command(text)
    return f"{marked(said)} {code(command, 1_000)}" if command else marked(said)


def _progress(story: Story) -> str:
    """Where it stands, while it runs."""
    chapters = list(story.functions.values())
    if len(chapters) != 1:
        done = sum(chapter.result is not None for chapter in chapters)
        moving = [chapter for chapter in chapters if chapter.target_version and chapter.shares]
        if not moving:
            return ""
        share = sum(words.share_of(chapter.shares, chapter.target_version) for chapter in moving) / len(chapters)
        text = f"`{words.bar(share, 20)}` **{words.percent(share)}** of traffic is on the new versions"
        return f"{text}, {done} of {len(chapters)} functions done."
    chapter = chapters[0]
    if chapter.trouble:
        return (
            f"> [!WARNING]\n> **AWS is unreachable at the moment.** The deployment continues. {prose(chapter.trouble)}"
        )
    if chapter.waiting:
        return f"Waiting for {prose(chapter.waiting)}."
    if chapter.stopping:
        return f"**Stopping:** {prose(closed(chapter.stopping.text))} Waiting for AWS to confirm."
    if chapter.taking_back:
        before = prose(chapter.current_version)
        return f"> [!WARNING]\n> **Going back** to version {before}. {marked(text_of(chapter.taking_back))}"
    if chapter.rollback is not None and chapter.deployment is not None:
        leg = chapter.deployment
        why = prose(leg.error_message) or "The deployment did not succeed."
        return f"> [!WARNING]\n> **CodeDeploy is rolling back** to version {prose(chapter.current_version)}. {why}"
    if chapter.deployment is None or not chapter.target_version:
        return ""
    if len(chapter.shares) > 1 and chapter.target_version not in chapter.shares:
        return f"Traffic: {prose(words.split(chapter.shares))}"
    share = words.share_of(chapter.shares, chapter.target_version)
    text = f"`{words.bar(share, 20)}` **{words.percent(share)}** on version {prose(chapter.target_version)}"
    if chapter.baking is not None:
        until = chapter.baking.until
        return f"{text}, watched until {_when(story, until).removeprefix('at ')}" if until else f"{text}, watched on"
    following = next_share(chapter)
    if chapter.next_shift_at is not None and following is not None:
        text += f", next {words.percent(following)} {_when(story, chapter.next_shift_at)}"
        if chapter.ends_at is not None and following < 100:
            text += f", 100% {_when(story, chapter.ends_at)}"
    return text


def _when(story: Story, at: float) -> str:
    """`at 14:10 UTC` or, where the time of day is not known, `in 5m`. A clock time stays true without an edit."""
    time = words.time_of_day(story.epoch, at)
    return f"at {time}" if time else f"in {words.duration(max(0.0, at - story.now))}"


_BADNESS = {Tone.BAD: 0, Tone.WARNING: 1, Tone.NEUTRAL: 2, Tone.GOOD: 3}


def functions_table(story: Story, limit: int = 100) -> str:
    """Every function: how it ended, its traffic now, its versions, how long it took, its deployment.

    If there are more than `limit`, those that did not go well come first and the rest is counted.
    """
    chapters = list(story.functions.values())
    if not any(chapter.plan or chapter.deployment or chapter.result for chapter in chapters):
        return ""
    if all(chapter.status and not chapter.deployment for chapter in chapters):
        return ""  # the history has it all
    if story.tables:
        return ""  # `setup` and `prune` have tables of their own
    total = len(chapters)
    rows = [_function_row(story, chapter) for chapter in worst_first(chapters, story, limit)[:limit]]
    table = _table(("Function", "State", "Traffic", "Version", "Took", "Deployment"), rows)
    return table + (f"\n\n… and {total - limit} more functions." if total > limit else "")


def worst_first(chapters: list[FunctionStory], story: Story, limit: int) -> list[FunctionStory]:
    """The functions, those that did not go well before the others if there are more than `limit`."""
    return sorted(chapters, key=lambda each: _badness(story, each)) if len(chapters) > limit else chapters


def _badness(story: Story, chapter: FunctionStory) -> int:
    return _BADNESS[ends.look(story.command, chapter.result).tone] if chapter.result else 2


def _function_row(story: Story, chapter: FunctionStory) -> tuple[str, ...]:
    result = chapter.result
    identity = story.identity
    name = code(chapter.key)
    if identity is not None and not story.endpoints:
        name = link(name, links.alias(identity.partition, identity.region, chapter.function, chapter.alias))
    target = chapter.target_version or (result.target_version if result else "")
    before = (result.previous_version if result else "") or chapter.current_version
    if result is not None:
        look = ends.look(story.command, result)
        state = f"{look.icon} {look.title}"
        if len(story.functions) > 1 and verdict.is_culprit(chapter) and result.outcome is Outcome.ROLLED_BACK:
            state = "❌ **Failed**"  # of many that were rolled back, the one that was the cause
    else:
        state = prose(verdict.progress(chapter))
    seconds = _took(story, chapter)
    took = words.duration(seconds) if seconds else ""
    ids = [_leg_link(leg) for leg in (chapter.deployment, chapter.rollback) if leg is not None]
    if len(ids) == 2 and chapter.rollback and chapter.rollback.console_url:
        ids[1] = link("rollback", chapter.rollback.console_url)  # its id is in the lifecycle
    if not ids and result is not None and result.deployment_id:
        ids = [link(code(result.deployment_id), result.console_url)]
    new = prose(target) if target else ("_new_" if chapter.plan and not chapter.plan.unchanged else "")
    return (
        name,
        _whole(state),
        _traffic_seen(chapter, target, bar=len(story.functions) > 1),
        _versions(prose(before), new),
        _whole(took),
        f"&nbsp;{BACK}&nbsp;".join(ids),
    )


def _took(story: Story, chapter: FunctionStory) -> float | None:
    """The run's time for a function; of a deployment that began before we came the time that it took itself."""
    if chapter.attached and chapter.deployment is not None:
        return chapter.took(chapter.deployment)
    if chapter.result is not None:
        return chapter.result.duration_seconds
    return story.now - chapter.deployment.started_at if chapter.deployment else None


def _versions(before: str, new: str) -> str:
    """`41 → 42`, or the one that there is."""
    return _whole(" → ".join(dict.fromkeys(version for version in (before, new) if version)))


def _traffic_seen(chapter: FunctionStory, target: str, *, bar: bool) -> str:
    """Traffic that nobody could read is marked as last seen."""
    traffic = _traffic_now(chapter, target, bar=bar)
    unread = chapter.result is not None and ends.is_unknown(chapter.result)
    return f"last&nbsp;seen:&nbsp;{traffic}" if traffic and unread else traffic


def _traffic_now(chapter: FunctionStory, target: str, *, bar: bool) -> str:
    if not chapter.shares:
        return ""
    if len(chapter.shares) == 1:
        return _whole(f"100% on {prose(next(iter(chapter.shares)))}")
    if target not in chapter.shares:
        return _whole(prose(words.split(chapter.shares)))
    share = words.share_of(chapter.shares, target)
    # With one function the bar is large, above the table, while it runs.
    return (f"`{words.bar(share)}` " if bar else "") + _whole(f"{words.percent(share)} on {prose(target)}")


def _whole(text: str) -> str:
    """A cell that is not broken into lines."""
    return text.replace(" ", "&nbsp;")


def _leg_link(leg: Leg) -> str:
    return link(code(leg.deployment_id), leg.console_url)


def lifecycle(chapter: FunctionStory) -> str:
    """The lifecycle events of the deployment, and of the rollback that followed it, with AWS's own durations."""
    rows = []
    for leg, mark in ((chapter.deployment, ""), (chapter.rollback, f"{BACK} ")):
        if leg is None:
            continue
        for event, seconds in leg.lifecycle:
            if event.status is EventStatus.SKIPPED and leg.status is DeploymentStatus.SUCCEEDED:
                continue  # a hook that there is not
            icon = EVENT_ICONS.get(event.status, "❔")
            took = _whole(words.duration(seconds)) if seconds is not None else ""
            # Of a success CodeDeploy's message is "Succeeded" again.
            told = event.status is EventStatus.FAILED and event.diagnostics.message != leg.error_message
            said = prose(event.diagnostics.message, 500) if told else ""
            rows.append((f"{mark}{code(event.name)}", f"{icon}&nbsp;{prose(str(event.status))}", took, said))
        if leg.status is not DeploymentStatus.CREATED:
            error = f"{leg.error_code}: {leg.error_message}" if leg.error_code else leg.error_message
            seconds = chapter.took(leg)
            took = _whole(words.duration(seconds)) if seconds is not None else ""
            name = f"{mark}**Deployment** {_leg_link(leg)}"
            rows.append((name, f"**{prose(str(leg.status))}**", took, prose(error, 500)))
    return _table(("Lifecycle event", "Status", "Took", ""), rows) if rows else ""


def _began(leg: Leg | None) -> bool:
    return leg is not None and (leg.status is not DeploymentStatus.CREATED or bool(leg.lifecycle))


def lifecycles(story: Story, limit: int = 20) -> str:
    """The lifecycle of each function, under its name if there are several."""
    chapters = [
        chapter for chapter in story.functions.values() if _began(chapter.deployment) or _began(chapter.rollback)
    ]
    if len(chapters) == 1:
        return lifecycle(chapters[0])
    chapters.sort(key=lambda chapter: not verdict.is_culprit(chapter))  # what went wrong comes first, and is open
    shown = "\n\n".join(
        details(html_code(chapter.key), lifecycle(chapter), open_=verdict.is_culprit(chapter))
        for chapter in chapters[:limit]
    )
    return shown + (f"\n\n… and {len(chapters) - limit} more functions." if len(chapters) > limit else "")


def diagnoses(story: Story, *, lines: int = 40, limit: int = 10) -> str:
    """Why it did not succeed, with the evidence: alarms, the hook's last lines, what could not be read."""
    found = verdict.culprits(story) if story.result else [each for each in story.functions.values() if each.diagnosis]
    parts = [_diagnosis(story, chapter, lines, named=len(story.functions) > 1) for chapter in found[:limit]]
    if len(found) > limit:
        parts.append(f"… and {len(found) - limit} more functions did not succeed: see the job log.")
    return "\n\n".join(parts)


def _diagnosis(story: Story, chapter: FunctionStory, lines: int, *, named: bool) -> str:
    diagnosis = chapter.diagnosis
    assert diagnosis is not None
    parts = []
    # Reason and remedy are in the lead already, if the result took them from here.
    if story.result is None or diagnosis.summary not in verdict.because(story):
        parts.append(f"**Why:** {marked(diagnosis.summary)}")
    if cause := verdict.about_the_cause(story, chapter):
        parts.append(f"**Then:** {marked(cause)}")
    if diagnosis.alarms:
        rows = [
            (
                code(alarm.name),
                prose(words.alarm_state(alarm.state, alarm.since, story.epoch)),
                prose(alarm.reason, 500),
            )
            for alarm in diagnosis.alarms[:20]
        ]
        parts.append(_table(("Alarm", "State", "Reason"), rows))
    if lines:
        parts += _evidence(story, chapter, lines)
    parts += [f"<sub>{marked(text)}</sub>" for text in diagnosis.unreadable]
    if named and parts:
        parts.insert(0, f"**{code(chapter.key)}**")
    return "\n\n".join(parts)


def _evidence(story: Story, chapter: FunctionStory, lines: int) -> list[str]:
    diagnosis = chapter.diagnosis
    assert diagnosis is not None
    tail = diagnosis.event.diagnostics.log_tail if diagnosis.event else ""
    logs = [(log.function, _logged(log.lines)) for log in diagnosis.logs if log.lines]
    if tail and not logs:
        script = diagnosis.event.diagnostics.script_name if diagnosis.event else ""
        logs = [(script or (diagnosis.event.name if diagnosis.event else ""), tail)]
    if not logs:
        return []
    if not discloses(story.context, story.inputs):
        return [f"<sub>{marked(HIDDEN)}</sub>"]
    return [
        details(f"Last log lines of {html_code(name)}", fence(text, lines=lines, keep="tail"), open_=len(logs) == 1)
        for name, text in logs[:5]
    ]


@lru_cache(maxsize=32)
def _logged(lines: tuple[str, ...]) -> str:
    """The same for each form of a section, and each time that a report is written."""
    return "\n".join(words.logged(lines))


_VERDICT_ICONS = {Verdict.HELD: "✅", Verdict.INCONCLUSIVE: "❔", Verdict.VIOLATED: "⛔"}


def guards(story: Story, limit: int = 20) -> str:
    """Both versions' calls and errors, and how the guards stand; those that are violated first."""
    seen = [chapter for chapter in story.functions.values() if chapter.measured is not None]
    seen.sort(key=lambda chapter: not guarded.is_violated(chapter))
    parts = []
    for chapter in seen[:limit]:
        assert chapter.measured is not None
        name = f"{code(chapter.key)} " if len(story.functions) > 1 else ""
        row = f"**Calls** {name}{prose(guarded.row(chapter.measured) or 'none yet')}"
        judged = [f"- {_VERDICT_ICONS[found]} {marked(text)}" for found, text in guarded.verdicts(chapter)]
        parts.append("\n".join((row, "", *judged)).rstrip())
    if len(seen) > limit:
        parts.append(f"… and {len(seen) - limit} more functions.")
    if any(True for chapter in seen for _ in guarded.verdicts(chapter)):
        parts.append(f"<sub>{texts.NOT_SEEN}</sub>")
    return "\n\n".join(parts)


_PASSING = ("hook-silent", "hook-overdue")  # findings about what a deployment does at the moment


def findings(story: Story, *, notes: bool = True, limit: int = 50) -> str:
    """Preflight's findings and warnings that came up, with their remedies."""
    found = []
    for where, finding in _all_findings(story):
        if finding.severity is Severity.NOTE and not notes:
            continue
        if story.result is not None and (finding.text in story.result.reason or finding.code in _PASSING):
            continue  # the lead says it, or what came of it
        found.append((where, finding))
    rows = []
    for where, finding in found[:limit]:
        remedy = f" {marked(finding.remedy)}" if finding.remedy else ""
        name = f"{code(where)}: " if where and len(story.functions) > 1 else ""
        rows.append(f"- {_SEVERITY_ICONS[finding.severity]} {name}{marked(finding.text)}{remedy}")
    more = f"\n- … and {len(found) - limit} more" if len(found) > limit else ""
    return "\n".join(rows) + more


def _all_findings(story: Story) -> Iterable[tuple[str, Finding]]:
    for finding in story.findings:
        yield "", finding
    for chapter in story.functions.values():
        for finding in chapter.findings:
            yield chapter.key, finding


def plans(story: Story, limit: int = 20) -> str:
    """The plan of each function, as a table."""
    parts = []
    openly = discloses(story.context, story.inputs)
    chapters = worst_first([each for each in story.functions.values() if each.plan is not None], story, limit)
    for chapter in chapters[:limit]:
        assert chapter.plan is not None
        old, new = chapter.plan.current, chapter.plan.new
        beside = old is not None and new is not None and not chapter.plan.unchanged
        told = plan_rows(chapter.plan, openly=openly, changes=not beside)
        rows = [(prose(name), prose(value, 400)) for name, value in told]
        title = f"**{code(chapter.key)}**\n\n" if len(chapters) > 1 else ""
        settings = _table(("Plan", ""), rows)
        if beside and old is not None and new is not None:
            marks = []
            for row in chapter.plan.compared:
                if not row.changed or row.name == "description":  # in which publishing writes the commit
                    continue
                shown = row.told(openly=openly)
                if row.name == "code":  # hashes: enough of them to see that they differ
                    shown = (_start_of(shown[0]), _start_of(shown[1]))
                marks.append((row.name, prose(shown[0], 200), prose(shown[1], 400)))
            version = new.version if new.version.isdigit() else "new"
            changes = _table(("Changes", f"{prose(old.version)} (live)", prose(version)), marks)
            settings = f"{changes}\n\n{settings}" if marks else settings
        parts.append(title + settings)
    if len(chapters) > limit:
        parts.append(f"… and {len(chapters) - limit} more functions.")
    return "\n\n".join(parts)


def _start_of(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:16]}…"


def roll_back(story: Story) -> str:
    """How to roll this deployment back, folded: the exact command of each function."""
    chapters = _reversible(story)
    commands = [verdict.rollback_command(story, chapter, chapter.result) for chapter in chapters[:20] if chapter.result]
    if not commands:
        return ""
    text = fence("\n".join((f"# {GET_THE_TOOL}", *commands)), lines=21, width=1_000).replace("text\n", "sh\n", 1)
    return details(f"{_roll_back_what(chapters)} from the command line", text)


def roll_back_link(story: Story) -> str:
    """The link to the workflow that rolls back, where there is one."""
    workflow = story.inputs.get("rollback-workflow", "")
    chapters = _reversible(story)
    if not (workflow and story.context.repository and chapters):
        return ""
    page = f"{story.context.server_url}/{story.context.repository}/actions/workflows/{quote(plain(workflow, 200))}"
    return f"{BACK} {link(f'<b>{_roll_back_what(chapters)}</b>', page)}"


def _roll_back_what(chapters: Sequence[FunctionStory]) -> str:
    one = chapters[0].result if len(chapters) == 1 else None
    return f"Roll back to version {prose(one.previous_version)}" if one else "Roll back"


def _reversible(story: Story) -> list[FunctionStory]:
    """The functions that have a version to go back to."""
    if story.command not in _SHIFTING or story.result is None:
        return []
    return [
        chapter
        for chapter in story.functions.values()
        if chapter.result
        and chapter.result.outcome in (Outcome.SUCCEEDED, Outcome.DETACHED)
        and chapter.result.previous_version
    ]


def history(story: Story, limit: int = 25) -> str:
    """`status`: the past deployments of each function."""
    parts = []
    for chapter in story.functions.values():
        if chapter.status is None:
            continue
        rows = []
        served, running = chapter.status.served_by, chapter.status.running
        for entry in chapter.status.history[:limit]:
            mark = "🔄" if running is not None and entry.deployment_id == running.deployment_id else ""
            mark += "🟢" if served is not None and entry.deployment_id == served.deployment_id else ""
            rows.append(_history_row(story, entry, mark))
        columns = ("", "Deployment", "When (UTC)", "What", "Status", "Versions", "From", "Reason")
        if len(story.functions) > 1:
            parts.append(f"**{code(chapter.key)}** serves {prose(words.split(chapter.status.alias.shares))}.")
        if rows:
            parts.append(_table(columns, rows))
            if len(chapter.status.history) > limit:
                parts.append(f"… and {len(chapter.status.history) - limit} older ones.")
    return "\n\n".join(parts)


def _history_row(story: Story, entry: HistoryEntry, mark: str) -> tuple[str, ...]:
    context, identity = story.context, story.identity
    name = code(entry.deployment_id)
    if identity is not None and not story.endpoints:
        name = link(name, links.deployment(identity.partition, identity.region, plain(entry.deployment_id, 80)))
    run = f"run {entry.run_id}" if entry.run_id else ""
    if url := context.url_of(entry.run_id):
        run = link("run", url)
    commit = code(words.short_sha(entry.commit)) if entry.commit else ""
    if commit and context.repository:
        base = f"{context.server_url}/{context.repository}"
        commit = link(commit, f"{base}/commit/{quote(plain(entry.commit, 80))}")
    return (
        mark,
        name,
        _whole(words.date(entry.created).replace("-", "&#8209;")),
        prose(entry.kind) + (f" of {code(entry.rollback_of)}" if entry.rollback_of else ""),
        prose(str(entry.status)),
        f"{prose(entry.current_version)} → {prose(entry.target_version)}",
        " ".join(part for part in (commit, run) if part),
        prose(entry.reason, 200),
    )


def tables(story: Story, limit: int = 100) -> str:
    """What `setup` and `prune` list, and below it what they have changed."""
    if not limit:
        return ""
    parts = []
    for listed in story.tables:
        rows = [tuple(prose(cell, 300) for cell in row) for row in listed.rows[:limit]]
        more = f"\n\n… and {len(listed.rows) - limit} more." if len(listed.rows) > limit else ""
        parts.append(_table(listed.columns, rows) + more if rows else "")
    if story.result is None or story.result.outcome is not Outcome.SUCCEEDED:  # whose reason says it
        parts.append("\n".join(f"- {prose(what)}" for what in story.written[:limit]))
    return "\n\n".join(part for part in parts if part)


def inputs(story: Story, width: int = 300) -> str:
    """The inputs that were given, secrets left out by whoever told us."""
    rows = [(code(name), code(value, width)) for name, value in sorted(story.inputs.items())]
    return _table(("Input", "Value"), rows) if rows else ""


def provenance(story: Story) -> str:
    """Which run, commit and account this was: the document's last line."""
    context, identity = story.context, story.identity
    parts = []
    if context.run_url:
        attempt = f" attempt {context.run_attempt}" if context.run_attempt > 1 else ""
        parts.append(link(f"run {context.run_id}{attempt}", context.run_url))
    if context.commit and context.repository:
        parts.append(_commit_link(story))
    if context.actor:
        parts.append(f"by {code(context.actor)}")
    if identity is not None:
        where = f"in {code(identity.region)}"
        # An account's number is no secret, but nobody wants it in public.
        parts.append(where if context.public else f"{where} of account {code(identity.account)}")
    time = words.time_of_day(story.epoch, story.now)
    if time:
        parts.append(f"as of {time}" if story.result is None else f"ended {time}")
    return f"<sub>{' · '.join(parts)}</sub>" if parts else ""


_COMMIT = re.compile(r"\b(?:sha|commit)[=: ]([0-9a-f]{7,64})\b")


def _commit_link(story: Story) -> str:
    """The commit, with what changed since the one that was served before, where that one's version names it."""
    context = story.context
    base = f"{context.server_url}/{context.repository}"
    text = link(f"commit {code(words.short_sha(context.commit))}", f"{base}/commit/{context.commit}")
    olds = {
        match.group(1)
        for chapter in story.functions.values()
        if chapter.plan and chapter.plan.current and (match := _COMMIT.search(chapter.plan.current.description))
    }
    if len(olds) == 1 and (old := olds.pop()) != context.commit:
        text += f" ({link('changes', f'{base}/compare/{old}...{context.commit}')})"
    return text


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; columns that are empty in every row are left out."""
    used = [n for n in range(len(head)) if any(row[n] for row in rows)]
    lines = ["| " + " | ".join(head[n] for n in used) + " |", "|" + " --- |" * len(used)]
    lines += ["| " + " | ".join(row[n] for n in used) + " |" for row in rows]
    return "\n".join(lines)
