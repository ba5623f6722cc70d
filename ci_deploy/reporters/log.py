"""The job log: one line an event, aligned; the verdict and the next step last.

Folded are the things one looks up (inputs, the plan's details, the AppSpec, hook logs); what happened, every shift
and the verdict are never inside a group, because GitHub shows groups closed. Colours and annotations are the sink's
choice. No line begins with untrusted text. A long text is wrapped here, under its own column: GitHub would begin its
rest at the left edge, where only time stamps stand.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from .. import __version__
from ..core.aws import DeploymentStatus, EventStatus, LifecycleEvent
from ..core.defuse import without_commands
from ..core.guards import texts
from ..core.guards.judging import Verdict
from ..core.reasons.ending.codedeploy import StillRuns
from ..core.reasons.phrases import capital
from ..core.reasons.reason import explained, text_of
from ..core.result import Diagnosis, Finding, Severity
from ..core.run import Command
from ..core.story import events as e
from ..core.story.timeline import Story, tell
from .rendering import ends, guarded, verdict, words
from .rendering.disclosure import HIDDEN, discloses
from .rendering.ends import Tone
from .rendering.escape import line, plain
from .rendering.planned import next_share, plan_rows, shift_text

if TYPE_CHECKING:
    from ..core.plan.history import HistoryEntry
    from ..ports import LogSink

ANNOTATIONS = 10  # of each kind that GitHub shows for a step (facts.md B2)
MESSAGE = 4096  # characters of an annotation that GitHub keeps
LOG_LINES = 60
LABEL = 20
WIDTH = 120  # columns that a browser shows without wrapping; an address or a command is never broken
SOON, LONG, SELDOM = 15.0, 600.0, 290.0  # seconds: signs of life are silent before a shift, and seldom after a while
DIGEST = 12  # characters of a hash or key that people compare

_BOLD, _DIM, _RED, _GREEN, _YELLOW, _BLUE, _CYAN = "1", "2", "31", "32", "33", "34", "36"
_VERDICTS = {Verdict.HELD: ("✓", _GREEN), Verdict.INCONCLUSIVE: ("?", _YELLOW), Verdict.VIOLATED: ("✗", _RED)}
_TONES = {Tone.GOOD: _GREEN, Tone.NEUTRAL: _CYAN, Tone.WARNING: _YELLOW, Tone.BAD: _RED}


class LogReporter:
    """Writes each event to the log as it comes."""

    name = "job log"

    def __init__(self, sink: LogSink) -> None:
        self._sink = sink
        self._story = Story()
        self._annotated = {"warning": 0, "error": 0}
        self._name_width = 0
        self._said: dict[str, float] = {}  # by function: when its last line was written
        self._begun: dict[str, e.LifecycleChanged] = {}  # by function: said only if something comes before its end
        self._troubles: dict[str, str] = {}  # by function: the error that was said last
        self._quiet: set[str] = set()  # functions of whose latest minute was said that it had no calls
        self._tails: set[str] = set()  # what was shown of a hook's output

    def report(self, event: e.Event) -> None:
        before = self._story
        self._story = tell(before, event)
        self._say_begun(event)
        match event:
            case e.Started():
                self._start(event)
            case e.NotAws():
                where = "; ".join(f"{words.requests(one)} to {one.url} ({one.setting})" for one in event.endpoints)
                text = f"{capital(where)}, not to your AWS account."
                if not self._annotate("warning", "Not AWS", text):
                    self._sink.line(self._paint(line(f"!! NOT AWS. {text}"), _BOLD, _YELLOW))
            case e.Identified():
                if before.identity == event.identity:
                    return  # of a release, each function says it
                who = event.identity.arn.rpartition(":")[2]
                where = event.identity.region
                if not self._story.context.public:
                    where = f"account {event.identity.account}, {where}, as {who}"
                self._say(event, "·", "AWS", where)
            case e.Noticed():
                self._finding(event.finding, event)
            case e.Planned():
                self._plan(event)
            case e.Waiting():
                limit = f" (at most {words.duration(event.until - event.at)})" if event.until is not None else ""
                self._say(event, "…", "Waiting", f"for {event.what.text}{limit}", _YELLOW)
            case e.Progress():
                text = f"{event.what}: {words.size(event.done)} of {words.size(event.total)}"
                self._say(event, "…", "Progress", text, _DIM)
            case e.CodeUploaded():
                self._say(event, "✓", "Code", f"{words.size(event.size)} uploaded · sha256 {_start(event.code_sha256)}")
            case e.VersionPublished():
                self._say(event, "✓", "Version", f"{event.version} · sha256 {_start(event.code_sha256)}")
            case e.SmokePassed():
                start = f", and {event.init_seconds:.3g} s to start" if event.init_seconds else ""
                text = f"{event.case} passed in {event.seconds:.3g} s{start} ({event.number} of {event.total})"
                self._say(event, "✓", "Smoke", text, _GREEN)
            case e.RevisionStored():
                self._say(event, "✓", "AppSpec", _short_location(event.location))
                self._group(f"AppSpec of {event.key}", event.content.splitlines())
            case e.DeploymentStarted():
                self._deployment(event)
            case e.StatusChanged():
                self._status(event)
            case e.LifecycleChanged():
                self._lifecycle(event)
            case e.TrafficShifted():
                self._traffic(event)
            case e.Heartbeat():
                self._heartbeat(event)
            case e.Measured():
                self._minutes(event)
            case e.BakeBegan():
                left = "" if event.until is None else f" for {words.duration(event.until - event.at)}"
                self._say(event, "»", "Bake", f"{'continues' if event.resumed else 'begins'}{left}", _CYAN)
            case e.TakingBack():
                self._say(event, "■", "Roll back", text_of(event.reasons), _YELLOW)
            case e.ContactTroubled():
                until = f", trying for {words.duration(event.until - event.at)} more" if event.until is not None else ""
                times = f"{event.failures} failures in a row" if event.failures > 1 else "one failure"
                new = event.error if self._troubles.get(event.key) != event.error else ""
                self._troubles[event.key] = event.error
                self._say(event, "!", "No contact", self._join(f"{times}{until}", new), _YELLOW)
            case e.ContactRestored():
                self._troubles.pop(event.key, None)
                self._say(event, "✓", "Contact", f"restored after {event.failures} failures")
            case e.CancelReceived():
                # Commands that deploy nothing have no `on-cancel`.
                then = f"`on-cancel: {event.policy}`" if event.policy else "ci-deploy writes nothing more"
                self._say(event, "■", "CANCELLED", self._join(event.signal, then), _YELLOW)
            case e.StopRequested():
                how = "with rollback" if event.rollback else "without rollback"
                self._say(event, "■", "Stop", self._join(f"{event.deployment_id}, {how}", event.why.text), _YELLOW)
            case e.StopAnswered() if event.status != "refused":
                pass  # what comes of it is said next
            case e.StopAnswered():
                self._say(event, "!", "Stop", f"refused: {event.message}", _YELLOW)
            case e.RollbackStarted():
                text = f"{event.deployment_id} started, rolling back {event.rollback_of}"
                self._say(event, "↩", "ROLLBACK", text, _YELLOW, bold=True)
            case e.HoldChanged():
                text = f"deployments of {event.key} are on hold: {event.text}" if event.text else "released"
                self._say(event, "■", "HOLD", text, _YELLOW, bold=True)
            case e.Diagnosed():
                self._diagnosis(event)
            case e.AliasRead() if len(event.alias.shares) == 1 or len(self._story.functions) > 1:
                pass  # the end, which comes next, says it
            case e.AliasRead():
                self._say(event, "·", "Alias", f"{event.alias.name} serves {words.split(event.alias.shares)}")
            case e.AliasRestored():
                text = self._join(f"{event.alias.name} → {words.split(event.alias.shares)}", event.why.text)
                self._say(event, "↩", "ALIAS RESTORED", text, _YELLOW, bold=True)
            case e.StatusReported():
                self._status_report(event)
            case e.Listed():
                self._table(event)
            case e.Written():
                self._say(event, "✓", "Done", event.what, _GREEN)
            case e.Finished():
                chapter = self._story.functions[event.key]
                judged = list(guarded.verdicts(chapter))
                for verdict_, text in judged:
                    mark, colour = _VERDICTS[verdict_]
                    self._say(event, mark, "Guard", text, colour)
                if judged:
                    self._more(texts.NOT_SEEN)
                if len(self._story.functions) > 1:
                    look = ends.look(self._story.command, event.result)
                    text = ends.sentence(self._story.command, event.result, chapter)
                    self._say(event, look.mark, look.title, text, _TONES[look.tone])
            case e.Concluded():
                self._conclude(event)

    def close(self) -> None:
        """Nothing is held back."""

    # --- the parts ---------------------------------------------------------------------------------------------

    def _start(self, event: e.Started) -> None:
        self._name_width = max((len(key) for key in event.keys), default=0) if len(event.keys) > 1 else 0
        context = event.context
        what = words.listed(event.keys) or event.inputs.get("stack") or "…"
        self._sink.line(self._paint(f"ci-deploy {__version__}  {event.command}  {line(what)}", _BOLD))
        if context.repository:
            commit = f"@{words.short_sha(context.commit)}" if context.commit else ""
            by = f" by {context.actor}" if context.actor else ""
            self._sink.line(self._paint(line(f"for {context.repository}{commit} {context.ref}{by}"), _DIM))
        if event.file:
            self._sink.line(self._paint(line(f"config: {event.file}"), _DIM))
        width = max((len(name) for name in event.inputs), default=0)
        self._group("Inputs", [f"{name:{width}}  {line(value, 300)}" for name, value in event.inputs.items()])

    def _plan(self, event: e.Planned) -> None:
        plan = event.plan
        openly = discloses(self._story.context, self._story.inputs)
        rows = list(plan_rows(plan, openly=openly))
        width = max(len(name) for name, _ in rows)
        text = [f"{name:{width}}  {line(value, 400)}" for name, value in rows]
        before = plan.current_version or ("none" if plan.creates_alias else "?")
        short = f"{before} → {plan.target_version or 'new version'}, {shift_text(plan)}"
        if event.stops:
            short = f"back to {plan.current_version or '?'}, by stopping {event.stops} with rollback"
        elif plan.unchanged:
            short = f"nothing to deploy · {plan.unchanged.text}"
        refused = any(finding.severity is Severity.REFUSAL for finding in plan.findings)
        # Without function, application or group there is nothing that a deployment would do.
        nowhere = any(finding.code in ("function-missing", "group-missing") for finding in plan.findings)
        if not nowhere:
            self._say(event, "·" if refused else "✓", "Plan", short, bold=True)
        if self._story.command is Command.PLAN and not nowhere:
            for row in text:
                self._sink.line(f"    {row}")
        elif not (refused or plan.unchanged or event.stops):
            self._group(f"Plan of {plan.key}", text)
        for finding in plan.findings:
            self._finding(finding, event)

    def _deployment(self, event: e.DeploymentStarted) -> None:
        chapter = self._story.functions[event.key]
        versions = f"{event.current_version} → {event.target_version}"
        if chapter.deployment is not None and chapter.is_rollback(event.deployment_id):
            text = f"{event.deployment_id} started, {versions}, rolling back {chapter.deployment.deployment_id}"
            self._say(event, "↩", "ROLLBACK", text, _YELLOW, bold=True)
            return
        how = "already running, attached to it" if event.attached else "created"
        if self._story.command is Command.WATCH:
            how = "found"  # it may be over
        what = f"{event.deployment_id} {how}, {versions}"
        if event.until is not None:
            what += f", time limit {words.duration(event.until - event.at)}"
        self._say(event, "✓", "Deployment", what, _CYAN, bold=True)
        if event.console_url:
            self._more(event.console_url)

    def _goes_back(self, event: e.StatusChanged | e.LifecycleChanged | e.TrafficShifted) -> bool:
        chapter = self._story.functions.get(event.key)
        return event.of_rollback or (chapter is not None and chapter.is_rollback(event.deployment_id))

    def _status(self, event: e.StatusChanged) -> None:
        if event.status in (DeploymentStatus.CREATED, DeploymentStatus.IN_PROGRESS):
            return  # what it does, its lifecycle says
        failed = event.status in (DeploymentStatus.FAILED, DeploymentStatus.STOPPED)
        mark, colour = ("✗", _RED) if failed else ("·", _DIM)
        if event.status is DeploymentStatus.SUCCEEDED:
            mark, colour = "✓", _GREEN
        label = "Rollback" if self._goes_back(event) else "Deployment"
        self._say(event, mark, label, self._join(f"{event.deployment_id} {event.status}", event.error_code), colour)
        chapter = self._story.functions[event.key]
        if event.error_message and not (chapter.stopping and event.error_code == "MANUAL_STOP"):  # by our own request
            self._more(f"AWS: {event.error_message}")

    def _minutes(self, event: e.Measured) -> None:
        """The calls of each minute; of a row of minutes without calls the first one stands for all."""
        for at, text in guarded.minutes(event):
            quiet = text == guarded.QUIET
            if not (quiet and event.key in self._quiet):
                self._say(event, "·", "Calls", f"{words.time_of_day(at, 0.0)}  {text}", _DIM)
            (self._quiet.add if quiet else self._quiet.discard)(event.key)

    def _lifecycle(self, event: e.LifecycleChanged) -> None:
        step: LifecycleEvent = event.event
        back = self._goes_back(event)
        label = ("↩ " if back else "") + step.name
        took = f" in {words.duration(event.seconds)}" if event.seconds is not None else ""
        match step.status:
            case EventStatus.FAILED if step.name == "AllowTraffic" and not step.diagnostics.script_name:
                pass  # of which AWS says what it says of the deployment, in the next line
            case EventStatus.SUCCEEDED if back or step.name in ("Start", "End"):
                pass  # of a rollback its traffic and its end are what matters
            case EventStatus.SUCCEEDED:
                self._say(event, "✓", label, f"succeeded{took}", _GREEN)
            case EventStatus.FAILED:
                said = step.diagnostics
                text = self._join(f"FAILED{took.replace(' in ', ' after ')}", said.script_name, said.error_code)
                self._say(event, "✗", label, text, _RED)
                if said.message:
                    self._more(f"AWS: {said.message}")
                if said.log_tail:
                    rows = words.logged(said.log_tail.splitlines())
                    self._tails.add("\n".join(rows))
                    self._logs(f"Output of {line(said.script_name or step.name, 100)}", rows)
            case EventStatus.SKIPPED:
                pass  # a hook that there is not, or what comes after a failure
            case EventStatus.IN_PROGRESS:
                pass  # said by `_say_begun`, if at all
            case _:
                self._say(event, "·", label, f"{step.status}{took}".lower(), _DIM)

    def _say_begun(self, event: e.Event) -> None:
        """That a step has begun is news only where something comes between it and its end."""
        begins = isinstance(event, e.LifecycleChanged) and event.status is EventStatus.IN_PROGRESS
        begun = self._begun.pop(event.key, None)
        if begun is not None:
            over = isinstance(event, e.LifecycleChanged) and event.event.name == begun.event.name
            if not (over or begins or isinstance(event, e.TrafficShifted | e.Heartbeat)):
                self._say(begun, "·", begun.event.name, "started", _DIM)
        if isinstance(event, e.LifecycleChanged) and begins and not self._goes_back(event):
            self._begun[event.key] = event

    def _is_quiet(self, event: e.Heartbeat) -> bool:
        """Whether a sign of life says nothing: a shift is seconds away, or it has been long and was said lately."""
        if event.next_shift_at is not None and event.next_shift_at - event.at < SOON:
            return True
        chapter = self._story.functions.get(event.key)
        began = chapter.deployment.started_at if chapter and chapter.deployment else event.at
        return event.at - began > LONG and event.at - self._said.get(event.key, -SELDOM) < SELDOM

    def _heartbeat(self, event: e.Heartbeat) -> None:
        if self._is_quiet(event):
            return
        shares = words.traffic(event.shares, self._target(event.key)) if event.shares else ""
        label = {"AllowTraffic": "Traffic", "": "Still"}.get(event.what, event.what)
        what = ""
        if " " in label:  # a lifecycle event is a name, anything else is a description
            label, what = "Still", event.what
        outlook = self._outlook(event)
        if label not in ("Traffic", "Still"):
            shares, outlook = "still running", ""
        self._say(event, "·", label, self._join(shares or "running", what, outlook), _DIM)

    def _traffic(self, event: e.TrafficShifted) -> None:
        back = self._goes_back(event)
        label = "Traffic back" if back else "Traffic"
        chapter = self._story.functions[event.key]
        wanted = chapter.current_version if back else chapter.target_version
        text = words.traffic(event.shares, wanted)
        colour = _YELLOW if back else _CYAN
        self._say(event, "↩" if back else "»", label, self._join(text, self._outlook(event)), colour)

    def _diagnosis(self, event: e.Diagnosed) -> None:
        found = event.diagnosis
        if found.reason.code != StillRuns.code:  # of a hook that is silent the warning before it has said it
            self._say(event, "✗", "Why", found.summary, _RED, bold=True)
        for alarm in found.alarms:
            state = words.alarm_state(alarm.state, alarm.since, self._story.epoch)
            self._more(self._join(f"alarm {alarm.name}: {state}", f"AWS: {alarm.reason}" if alarm.reason else ""))
        for text in found.unreadable:
            self._more(text)
        if found.remedy and len(self._story.functions) > 1:
            self._say(event, "→", "What to do", found.remedy, bold=True)
        self._evidence(found)

    def _evidence(self, found: Diagnosis) -> None:
        for log in found.logs:
            rows = words.logged(log.lines)
            if "\n".join(rows) not in self._tails:
                self._logs(f"Last log lines of {line(log.function, 140)} ({line(log.group, 200)})", rows)

    def _logs(self, title: str, rows: list[str]) -> None:
        if not discloses(self._story.context, self._story.inputs):
            rows = [HIDDEN]
        cut = len(rows) - LOG_LINES
        note = [f"… ({cut} earlier lines are not shown)"] if cut > 0 else []
        self._group(title, [*note, *rows[-LOG_LINES:]])

    def _finding(self, finding: Finding, event: e.Event) -> None:
        where = f"{event.key}: " if event.key else ""
        text = self._join(finding.text, finding.remedy)
        match finding.severity:
            case Severity.WARNING:
                told = f"{text}\n{_docs(explained(finding.code))}"
                if not self._annotate("warning", f"{where}{finding.code}", told):
                    self._say(event, "!", "Warning", text, _YELLOW)
            case Severity.REFUSAL:
                self._say(event, "✗", "Refused", text, _RED)
            case _:
                self._say(event, "·", "Note", text, _DIM)

    def _status_report(self, event: e.StatusReported) -> None:
        self._say(event, "·", "Serves", words.split(event.alias.shares), bold=True)
        if event.served_by is not None:
            self._say(event, "·", "by", _entry(event.served_by))
        if event.running is not None:
            self._say(event, "»", "Running", _entry(event.running), _CYAN, bold=True)
        if event.history:
            self._say(event, "·", "History", f"{len(event.history)} deployments, newest first (UTC)")
        for entry in event.history:
            self._say(event, " ", words.date(entry.created), _entry(entry))

    def _table(self, event: e.Listed) -> None:
        rows = [tuple(line(cell, 200) for cell in row) for row in (event.columns, *event.rows)]
        widths = [max(len(row[n]) for row in rows) for n in range(len(event.columns))]
        self._say(event, "·", event.title, f"{len(event.rows)}", bold=True)
        for row in rows:
            text = "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
            self._sink.line(f"    {text}".rstrip())

    def _conclude(self, event: e.Concluded) -> None:
        story, result = self._story, event.result
        look = ends.look(story.command, result)
        said = verdict.summary_sentence(story)
        steps = verdict.next_steps(story)
        docs = _docs(verdict.explained_at(story))
        if event.exit_code != 0:
            message = "\n".join(part for part in (said, verdict.because(story), *steps, docs) if part)
            self._annotate("error", f"{look.title}: {self._who(event)}", message)
        colour = _TONES[look.tone]
        rule = "─" * 88
        self._sink.line(self._paint(rule, colour))
        took = f"  ({words.duration(result.duration_seconds or event.at)})"
        self._sink.line(self._paint(f"{look.mark} {look.title.upper()}", _BOLD, colour) + self._paint(took, _DIM))
        for text in (said, verdict.because(story)):
            for row in _rows(text):
                self._sink.line(f"  {row}")
        chapters = list(story.functions.values())
        if len(chapters) == 1 and (cause := verdict.about_the_cause(story, chapters[0])):
            steps = [*steps, f"Then: {cause}"]
        for text in steps:
            for n, row in enumerate(_rows(text)):
                self._sink.line(self._paint(("→ " if n == 0 else "  ") + row, _BOLD))
        if docs:
            self._sink.line(f"  {self._paint(line(docs), _DIM)}")
        if self._sink.annotations and (tool := verdict.get_the_tool(steps)):  # who reads it on a terminal has it
            self._sink.line(self._paint(line(f"  {tool}"), _DIM))

    def _who(self, event: e.Concluded) -> str:
        blamed = [chapter.key for chapter in verdict.culprits(self._story)]
        keys = tuple(dict.fromkeys([*blamed, *self._story.functions])) or (
            (event.result.key,) if event.result.function else ()
        )
        return words.listed(keys, 3) or str(event.command)

    # --- the line ----------------------------------------------------------------------------------------------

    def _say(self, event: e.Event, mark: str, label: str, text: str, colour: str = "", *, bold: bool = False) -> None:
        self._said[event.key] = event.at
        time = self._paint(f"[ {words.elapsed(event.at)}]", _DIM)
        name = ""
        if self._name_width:
            name = self._paint(f"{line(event.key, 200):{self._name_width}} ", _BLUE)
        style = [_BOLD] if bold else []
        head = self._paint(f"{mark} {line(label, 60):{LABEL}}", *([colour] if colour else []), *style)
        first, *rest = _wrapped(line(text), self._indent) or [""]
        look = [*([colour] if colour in (_RED, _YELLOW, _DIM) else []), *style]
        self._sink.line(f"{time} {name}{head} {self._paint(first, *look)}".rstrip())
        for row in rest:
            self._sink.line(" " * self._indent + self._paint(row, *look))

    def _more(self, text: str) -> None:
        """What belongs to the line before it, under its text."""
        for row in _wrapped(line(text), self._indent):
            self._sink.line(" " * self._indent + self._paint(row, _DIM))

    @property
    def _indent(self) -> int:
        """The column in which the texts of events begin."""
        return len("[ 0:00:00] ✓ ") + LABEL + 1 + (self._name_width + 1 if self._name_width else 0)

    def _group(self, title: str, rows: list[str]) -> None:
        if not rows:
            return
        self._sink.group(line(title, 300))
        for row in rows:
            self._sink.line(f"  {_row(row)}")
        self._sink.endgroup()

    def _annotate(self, kind: str, title: str, message: str) -> bool:
        """An annotation, if there is still room for one that GitHub would show; whether it was made."""
        if not self._sink.annotations or self._annotated[kind] >= ANNOTATIONS:
            return False
        self._annotated[kind] += 1
        send = self._sink.error if kind == "error" else self._sink.warning
        send(plain(message, MESSAGE - 64), title=line(title, 200))
        return True

    def _paint(self, text: str, *styles: str) -> str:
        if not (self._sink.colour and styles and text.strip()):
            return text
        return f"\x1b[{';'.join(styles)}m{text}\x1b[0m"

    def _target(self, key: str) -> str:
        chapter = self._story.functions.get(key)
        return chapter.target_version if chapter else ""

    def _outlook(self, event: e.TrafficShifted | e.Heartbeat) -> str:
        """When traffic shifts next, to how much, and when it is all done."""
        chapter = self._story.functions.get(event.key)
        parts = []
        if event.next_shift_at is not None:
            share = next_share(chapter) if chapter else None
            what = f"{words.percent(share)} " if share is not None else "next shift "
            parts.append(f"{what}in {words.duration(max(0.0, event.next_shift_at - event.at))}")
        if event.ends_at is not None and event.ends_at != event.next_shift_at and event.ends_at > event.at + 1:
            parts.append(f"100% in {words.duration(max(0.0, event.ends_at - event.at))}")
        return ", ".join(parts)

    @staticmethod
    def _join(*parts: str) -> str:
        return " · ".join(part for part in parts if part)


def _row(text: str) -> str:
    """A line of a block: as `line`, but its spaces stay."""
    return without_commands(plain(text, 1_000).expandtabs(4).replace("\n", " "))


def _rows(text: str) -> list[str]:
    """The lines of a text, wrapped; a command that ends one has a line of its own, to be copied whole."""
    rows = []
    for row in plain(text, 4_000).split("\n"):
        said, command = verdict.with_command(row)
        point = "- " if said.startswith("- ") else ""
        for number, each in enumerate(_wrapped(line(said), 2 + len(point))):
            rows.append(" " * len(point) * bool(number) + each)
        rows += [line(command)] if command else []
    return rows


def _wrapped(text: str, indent: int) -> list[str]:
    """The lines of a text. What stands between backticks stays on one line: half a command may be pasted, and run."""
    whole = re.sub(r"`[^`]+`", lambda span: span[0].replace(" ", _KEPT), text)
    rows = textwrap.wrap(whole, max(60, WIDTH - indent), break_long_words=False, break_on_hyphens=False)
    return [row.replace(_KEPT, " ") for row in rows]


_KEPT = "\ue000"  # stands for a space that must not become the end of a line; `line` lets none of these through


def _docs(address: str) -> str:
    return f"Docs: {address}" if address else ""


def _start(digest: str) -> str:
    return digest if len(digest) <= DIGEST else f"{digest[:DIGEST]}…"


def _short_location(location: str) -> str:
    """An S3 address whose long key is shortened in the middle, and whose version is left out: outputs have it whole."""
    return re.sub(r"([0-9a-f]{8})[0-9a-f]{48,}", r"\1…", location.partition("?versionId=")[0])


def _entry(entry: HistoryEntry) -> str:
    run = f", run {entry.run_id}" if entry.run_id else ""
    commit = f", commit {words.short_sha(entry.commit)}" if entry.commit else ""
    reason = f", {entry.reason}" if entry.reason else ""
    versions = f"{entry.current_version} → {entry.target_version}"
    undone = f" of {entry.rollback_of}" if entry.rollback_of else ""
    return f"{entry.deployment_id} {entry.status}, {entry.kind}{undone}, {versions}{run}{commit}{reason}"
