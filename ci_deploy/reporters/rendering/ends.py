"""How a run ended, in a title and a sentence: what is said of the deployment and of the traffic is what is known.

An outcome says how the run ended and not what became of the deployment: that is the result's fate. A sentence is put
together from both, so no pair of them contradicts the reason below it. What nobody read is not spoken of.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ...core.aws import EventStatus
from ...core.plan.planning import ToPublish
from ...core.reasons.ending.watching import StaysInService
from ...core.reasons.phrases import capital
from ...core.result import Fate, Result
from ...core.run import Command, Outcome, Rollback
from ...core.story.timeline import FunctionStory


class Tone(StrEnum):
    """How it should feel: sets colour, icon and how loud it is."""

    GOOD = "good"
    NEUTRAL = "neutral"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Look:
    title: str
    icon: str  # for Markdown
    mark: str  # for the log: one column wide
    tone: Tone


_LOOKS = {
    Outcome.SUCCEEDED: Look("Deployed", "✅", "✓", Tone.GOOD),
    Outcome.UNCHANGED: Look("Nothing to deploy", "☑️", "✓", Tone.GOOD),
    Outcome.PLANNED: Look("Planned", "📋", "✓", Tone.NEUTRAL),
    Outcome.VALID: Look("Valid", "✅", "✓", Tone.GOOD),
    Outcome.REPORTED: Look("Status", "📋", "✓", Tone.NEUTRAL),
    Outcome.DETACHED: Look("Deployment started", "🚀", "→", Tone.NEUTRAL),
    Outcome.FAILED: Look("Deployment failed", "❌", "✗", Tone.BAD),
    Outcome.ROLLED_BACK: Look("Rolled back", "⏪", "↩", Tone.BAD),
    Outcome.ROLLBACK_FAILED: Look("Rollback failed", "🚨", "✗", Tone.BAD),
    Outcome.STOPPED: Look("Stopped", "🛑", "■", Tone.WARNING),
    Outcome.INVALID: Look("Invalid inputs", "❌", "✗", Tone.BAD),
    Outcome.REFUSED: Look("Refused", "⛔", "✗", Tone.BAD),
    Outcome.ERROR: Look("Could not deploy", "❌", "✗", Tone.BAD),
    Outcome.TIMED_OUT: Look("Timed out", "⌛", "✗", Tone.BAD),
    Outcome.LOST_CONTACT: Look("Lost contact", "📡", "?", Tone.BAD),
    Outcome.CANCELLED: Look("Cancelled", "🛑", "■", Tone.WARNING),
    Outcome.BUG: Look("Bug in ci-deploy", "🐞", "✗", Tone.BAD),
}
_TITLES = {
    Command.ROLLBACK: {
        Outcome.SUCCEEDED: "Rolled back",
        Outcome.UNCHANGED: "Already rolled back",
        Outcome.DETACHED: "Rollback started",
        Outcome.FAILED: "Rollback failed",
        Outcome.ROLLED_BACK: "Rollback undone",
        Outcome.STOPPED: "Rollback stopped",
        Outcome.ERROR: "Could not roll back",
    },
    Command.STOP: {
        Outcome.FAILED: "Could not stop",
        Outcome.ERROR: "Could not stop",
        Outcome.UNCHANGED: "Nothing to stop",
    },
    Command.STATUS: {Outcome.ERROR: "Could not read"},
    Command.PLAN: {Outcome.ERROR: "Could not plan", Outcome.REFUSED: "Would be refused"},
    Command.SETUP: {
        Outcome.ERROR: "Could not set up",
        Outcome.SUCCEEDED: "Set up",
        Outcome.REPORTED: "Would set up",
        Outcome.UNCHANGED: "Nothing to set up",
    },
    Command.PRUNE: {
        Outcome.ERROR: "Could not prune",
        Outcome.FAILED: "Partly pruned",
        Outcome.SUCCEEDED: "Pruned",
        Outcome.REPORTED: "Would prune",
        Outcome.UNCHANGED: "Nothing to prune",
    },
    Command.FINISH: {
        Outcome.REPORTED: "Nothing to clean up",
        Outcome.ERROR: "Could not finish",
        Outcome.REFUSED: "Could not finish",
    },
    Command.VALIDATE: {Outcome.ERROR: "Could not validate"},
    Command.WATCH: {Outcome.ERROR: "Could not watch", Outcome.UNCHANGED: "No deployment seen"},
}
# An error of AWS is known by what it means; "could not deploy" says nothing more.
_ERRORS = {
    "aws-no-credentials": "No AWS credentials",
    "aws-expired": "AWS credentials expired",
    "aws-denied": "Access denied",
    "aws-throttled": "Throttled by AWS",
    "aws-unreachable": "AWS unreachable",
}
_CHANGING = (Command.SETUP, Command.PRUNE)
# What a command that could not begin has not done.
_NOTHING = {Command.DEPLOY: "Nothing was deployed.", Command.STOP: "Nothing was stopped."}
_UNDONE = {Command.ROLLBACK: "Nothing was rolled back.", Command.PLAN: "Nothing was changed."}


def look(command: Command, result: Result) -> Look:
    """Title and icon of a result."""
    base = _LOOKS[result.outcome]
    title = _TITLES.get(command, {}).get(result.outcome, base.title)
    if result.outcome is Outcome.ERROR:
        title = _ERRORS.get(result.reason_code, title)
    if result.outcome is Outcome.SUCCEEDED and command is Command.ROLLBACK:
        return Look(title, "⏪", "↩", Tone.GOOD)
    if stays_bad(result):
        return Look(title, "⚠️", "!", Tone.WARNING)
    if command is Command.STOP and result.outcome is Outcome.STOPPED:
        return Look(title, base.icon, "✓", Tone.GOOD)
    if command is Command.STOP and result.outcome is Outcome.UNCHANGED and result.deployment_id:
        title = "Too late to stop"
    elif command is Command.DEPLOY and result.outcome is Outcome.STOPPED and _never(result):
        title = "Not deployed"
    return Look(title, base.icon, base.mark, base.tone)


def stays_bad(result: Result) -> bool:
    """Whether a version that was found bad is in service all the same, as `watch` may have to leave it."""
    return any(reason.code == StaysInService.code for reason in result.reasons)


def heading(command: Command, result: Result, subject: str, version: str) -> str:
    """The title of one function's end, `subject` and `version` (what is served) as the sink writes them."""
    title = look(command, result).title
    match command, result.outcome:
        case Command.ROLLBACK, Outcome.SUCCEEDED if version:
            return f"{title} {subject} to version {version}"
        case Command.STOP, Outcome.STOPPED:
            return f"{title} the deployment of {subject}"
        case Command.WATCH, Outcome.UNCHANGED:
            return f"No deployment of {subject} seen"
        case _, Outcome.UNCHANGED if version and command not in _CHANGING:
            return f"{title}: {subject} serves version {version}"
        case _, Outcome.SUCCEEDED if version:
            return f"{title} {subject} version {version}"
    return f"{title} {subject}"


def served(result: Result) -> str:
    """What the alias serves, as a sentence, from what was read after the verdict; empty when that was not possible."""
    name = name_of(result)
    if result.live_weights:
        parts = [part.partition("=") for part in result.live_weights.split(",")]
        sent = " and ".join(f"{share}% to version {version}" for version, _, share in parts)
        return f"Traffic is SPLIT: {name} sends {sent}."
    return f"{name} serves version {result.live_version}." if result.live_version else ""


def name_of(result: Result) -> str:
    return result.key if result.alias else result.function


def is_unknown(result: Result) -> bool:
    """Whether a deployment may have moved traffic since what is served was read."""
    return not (result.live_version or result.live_weights or _never(result))


def is_split(result: Result) -> bool:
    return bool(result.live_weights)


def sentence(command: Command, result: Result, chapter: FunctionStory | None = None) -> str:
    """A few short sentences: what the alias serves, and what became of the deployment. `chapter`: what led there."""
    if command in _CHANGING:
        return _changed_nothing(result)
    if command is Command.FINISH and not result.deployment_id and result.outcome is not Outcome.BUG:
        return _joined(_interrupted(command, result) if result.outcome is Outcome.CANCELLED else "", _now(result))
    return _joined(*_told(command, result, chapter))


def _changed_nothing(result: Result) -> str:
    """`setup` and `prune`: the reason says what was done, so that only nothing is left to be said."""
    refused = result.outcome in (Outcome.INVALID, Outcome.REFUSED)
    reading = result.outcome is Outcome.ERROR and not result.report
    return "Nothing was changed." if refused or reading else ""


def _told(command: Command, result: Result, chapter: FunctionStory | None) -> tuple[str, ...]:
    name, now = name_of(result), served(result)
    new = f"version {result.target_version}" if result.target_version else "the new version"
    old = f"version {result.previous_version}" if result.previous_version else "the previous version"
    match result.outcome:
        case Outcome.SUCCEEDED if not (result.deployment_id or result.previous_version):
            return (f"First deployment: {name} was created on {new} (100% of traffic).",)
        case Outcome.SUCCEEDED:
            before = f"Previously: {result.previous_version}." if result.previous_version else ""
            return f"{name} now serves {new} (100% of traffic).", before
        case Outcome.UNCHANGED:
            return _now(result), _NOTHING.get(command, "Nothing was changed.")
        case Outcome.PLANNED if result.target_version and result.target_version == result.previous_version:
            return (f"Dry run: {name} would stay on {old}.",)
        case Outcome.PLANNED if not result.function:
            return ("Dry run: nothing was changed.",)
        case Outcome.PLANNED if not result.previous_version:
            return (f"Dry run: {name} would be created on {new}.",)
        case Outcome.PLANNED:
            wanted = new if result.target_version else "a new version"
            return (f"Dry run: {name} would move from {old} to {wanted}.",)
        case Outcome.VALID:
            return ()  # the reason says what was checked
        case Outcome.REPORTED:
            return (_now(result),)
        case Outcome.DETACHED:  # nobody has read what is served since it began
            return (f"Deployment {result.deployment_id} of {new} continues without this job.", now)
        case Outcome.FAILED:
            return _now(result), _failed(command, result, new)
        case Outcome.ROLLED_BACK | Outcome.TIMED_OUT | Outcome.CANCELLED if _is_back(result):
            if chapter is not None and _untouched(chapter):
                return (f"{name} still serves {old} (100% of traffic). {capital(new)} got no traffic.",)
            return (f"{name} serves {old} again (100% of traffic). {capital(new)} gets no traffic.",)
        case Outcome.ROLLBACK_FAILED:
            return _now(result), _not_brought_back(command, result, new, old)
        case Outcome.TIMED_OUT:
            return _now(result), _after(result)
        case Outcome.CANCELLED:
            return _now(result), _interrupted(command, result), _after(result)
        case Outcome.STOPPED if _never(result):
            return _NOTHING[Command.DEPLOY], _now(result)
        case Outcome.STOPPED:
            return _now(result), "The deployment was stopped.", _after(result)
        case Outcome.LOST_CONTACT if result.fate is Fate.ENDED:
            return f"Deployment {result.deployment_id} has ended.", _now(result)
        case Outcome.LOST_CONTACT:
            may = f"Deployment {result.deployment_id} may still be running." if result.deployment_id else ""
            return _now(result), may or _whereabouts(result)
        case _:
            return _not_begun(command, result, chapter)


def _is_back(result: Result) -> bool:
    """Whether a deployment was rolled back, and what it was to replace has all traffic."""
    back = result.outcome is Outcome.ROLLED_BACK or result.live_version == result.previous_version != ""
    return back and result.rollback is Rollback.SUCCEEDED and not is_split(result)


def _untouched(chapter: FunctionStory) -> bool:
    """Whether CodeDeploy itself says that no traffic has moved."""
    lifecycle = chapter.deployment.lifecycle if chapter.deployment else ()
    return any(event.name == "AllowTraffic" and event.status is EventStatus.SKIPPED for event, _ in lifecycle)


def _not_begun(command: Command, result: Result, chapter: FunctionStory | None) -> tuple[str, ...]:
    """Refused, invalid, an error, a bug: mostly before anything was created."""
    if not _never(result):
        return _whereabouts(result), _now(result)
    nothing = _NOTHING.get(command) or _UNDONE.get(command, "")
    if result.outcome is Outcome.INVALID and command is Command.DEPLOY:
        return nothing, _now(result) or "Traffic is unchanged."
    plan = chapter.plan if chapter else None
    published = result.target_version if plan is not None and isinstance(plan.target, ToPublish) else ""
    return nothing, _now(result), f"Version {published} was published and gets no traffic." if published else ""


def _failed(command: Command, result: Result, new: str) -> str:
    name = name_of(result)
    if result.fate is Fate.RUNNING:
        return _whereabouts(result)
    if result.live_version == result.target_version != "" and not is_split(result):
        return f"The deployment of {new} failed all the same."
    if command is Command.ROLLBACK:
        return f"{name} was not rolled back to {new}."
    return f"{capital(new)} was not deployed."


def _not_brought_back(command: Command, result: Result, new: str, old: str) -> str:
    if command is Command.ROLLBACK:  # its target is where it was to go
        new, old = old, new
    if result.rollback is Rollback.UNKNOWN:
        return _joined(f"{capital(new)} was to be rolled back.", _after(result))
    return f"The rollback from {new} to {old} FAILED."


def _interrupted(command: Command, result: Result) -> str:
    """A cancelled job, a step's time limit and Ctrl-C are the same signal: which of them it was nobody says."""
    if not _never(result):
        return ""  # the title says it
    match command:
        case Command.DEPLOY | Command.ROLLBACK:
            return "The run was interrupted before a deployment was created."
        case Command.STOP:
            return "The run was interrupted before anything was stopped."
        case _:
            return "The run was interrupted."


def _after(result: Result) -> str:
    """What became of a deployment that we ended, or left."""
    match result.rollback:
        case _ if _never(result) or (result.fate is Fate.ENDED and not result.deployment_id):
            return ""
        case _ if result.fate is Fate.IN_DOUBT:
            return _whereabouts(result)
        case Rollback.SUCCEEDED:
            return "The deployment was rolled back."
        case Rollback.FAILED:
            return "The rollback FAILED."
        case Rollback.UNKNOWN if result.fate is Fate.RUNNING and result.rollback_deployment_id:
            return f"Its rollback {result.rollback_deployment_id} may still be running."
        case _ if result.fate is Fate.RUNNING:
            return _whereabouts(result)
        case Rollback.UNKNOWN if result.live_version:
            return "The rollback has not finished yet."
        case Rollback.UNKNOWN:
            return "It is unknown whether it was rolled back."
        case _ if not is_split(result) and result.live_version == result.previous_version != "":
            return "No rollback was needed."
        case _:
            return "It was not rolled back."


def _whereabouts(result: Result) -> str:
    """Where the deployment is that nobody follows now."""
    match result.fate:
        case Fate.RUNNING if result.deployment_id and result.rollback is Rollback.NONE:
            return f"Deployment {result.deployment_id} is still running."
        case Fate.RUNNING if result.deployment_id:
            return f"Deployment {result.deployment_id} may still be running."
        case Fate.IN_DOUBT:
            return "It is unknown whether a deployment was created."
    return ""


def _now(result: Result) -> str:
    """What is served, and who else is at work; where something may have moved it and nobody could say, that."""
    if is_split(result) and result.running:
        return f"{served(result)} Deployment {result.running} is running in its group."
    return served(result) or (f"It is unknown what {name_of(result)} serves now." if is_unknown(result) else "")


def _never(result: Result) -> bool:
    return result.fate is Fate.NEVER_CREATED


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)
