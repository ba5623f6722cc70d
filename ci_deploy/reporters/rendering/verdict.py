"""What a run's end means, in words: the headline, the sentence, the next step. Log, comment and summary share them.

Everything here is plain text, untrusted parts included; each sink escapes the whole of it.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from enum import StrEnum

from ...core.result import Result
from ...core.run import Command, Outcome, Rollback
from ...core.story.timeline import FunctionStory, Leg, Story
from . import words


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
    Outcome.DETACHED: Look("Started, not waited for", "🚀", "→", Tone.NEUTRAL),
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
    Outcome.BUG: Look("A bug in ci-deploy", "🐞", "✗", Tone.BAD),
}
_TITLES = {
    Command.ROLLBACK: {Outcome.FAILED: "Rollback failed", Outcome.ERROR: "Could not roll back"},
    Command.STOP: {Outcome.FAILED: "Could not stop", Outcome.ERROR: "Could not stop"},
    Command.STATUS: {Outcome.ERROR: "Could not read"},
    Command.PLAN: {Outcome.ERROR: "Could not plan"},
    Command.SETUP: {
        Outcome.ERROR: "Could not set up",
        Outcome.SUCCEEDED: "Set up",
        Outcome.REPORTED: "To be set up",
        Outcome.UNCHANGED: "Nothing to set up",
    },
    Command.PRUNE: {
        Outcome.ERROR: "Could not prune",
        Outcome.FAILED: "Pruned in part",
        Outcome.SUCCEEDED: "Pruned",
        Outcome.REPORTED: "To be pruned",
        Outcome.UNCHANGED: "Nothing to prune",
    },
    Command.FINISH: {Outcome.REPORTED: "Nothing was left to do"},
    Command.VALIDATE: {Outcome.ERROR: "Could not validate"},
}


_MOVING = (Command.DEPLOY, Command.ROLLBACK, Command.STOP, Command.STATUS, Command.FINISH)
_CHANGING = (Command.SETUP, Command.PRUNE)
_NOT_BEGUN = (Outcome.ERROR, Outcome.BUG, Outcome.REFUSED, Outcome.INVALID)


def look(command: Command, result: Result) -> Look:
    """Title and icon of a result."""
    base = _LOOKS[result.outcome]
    if command is Command.ROLLBACK and result.outcome is Outcome.SUCCEEDED:
        return Look("Rolled back by hand", "⏪", "↩", Tone.GOOD)
    if command is Command.STOP and result.outcome is Outcome.STOPPED:
        return Look(base.title, base.icon, "✓", Tone.GOOD)
    title = _TITLES.get(command, {}).get(result.outcome, base.title)
    return Look(title, base.icon, base.mark, base.tone)


def served(result: Result) -> str:
    """What the alias serves, as a sentence, from what was read after the verdict; empty when that was not possible."""
    name = result.key if result.alias else result.function
    if result.live_weights:
        parts = [part.partition("=") for part in result.live_weights.split(",")]
        sent = " and ".join(f"{share} % to version {version}" for version, _, share in parts)
        return f"Traffic is SPLIT: {name} sends {sent}."
    return f"{name} serves version {result.live_version}." if result.live_version else ""


def is_split(result: Result) -> bool:
    return bool(result.live_weights)


def sentence(command: Command, result: Result) -> str:
    """One sentence: the truth about the alias, in terms of what was wanted."""
    name = result.key if result.alias else result.function
    new = f"version {result.target_version}" if result.target_version else "the new version"
    old = f"version {result.previous_version}" if result.previous_version else "the version before"
    now = served(result)
    serves = now or f"What {name} serves could not be read."
    match result.outcome:
        case Outcome.INVALID | Outcome.REFUSED if command in _CHANGING:
            return "Nothing was changed."
        case Outcome.ERROR if command in _CHANGING and not result.report:
            return "Nothing was changed."  # it was still reading
        case _ if command in _CHANGING:
            return ""  # the reason says what was done
        case Outcome.REPORTED if command is Command.FINISH:
            return ""  # nothing was left to do, and so nothing was read
        case Outcome.INVALID | Outcome.REFUSED | Outcome.ERROR if command is Command.FINISH:
            return serves  # the main step may have deployed
        case Outcome.SUCCEEDED if not (result.deployment_id or result.previous_version):
            return f"First deployment: {name} was created on {new} and serves it, with all of its traffic."
        case Outcome.SUCCEEDED:
            before = f"; before, it was {old}" if result.previous_version else ""
            return f"{name} serves {new}, with all of its traffic{before}."
        case Outcome.UNCHANGED:
            return f"{now} Nothing was deployed." if now else "Nothing was deployed."
        case Outcome.PLANNED if result.target_version and result.target_version == result.previous_version:
            return f"{name} would stay on {old}. Nothing was changed."
        case Outcome.PLANNED if not result.function:
            return "Nothing was changed."
        case Outcome.PLANNED:
            wanted = new if result.target_version else "a new version"
            return f"{name} would go from {old} to {wanted}. Nothing was changed."
        case Outcome.VALID:
            return "The inputs, the manifest and the AppSpec are valid. AWS was not asked."
        case Outcome.REPORTED:
            return serves
        case Outcome.DETACHED:
            return f"Deployment {result.deployment_id} of {new} goes on without this job. {serves}"
        case Outcome.FAILED:
            return f"{_capital(new)} was not deployed. {serves}"
        case Outcome.ROLLED_BACK:
            return f"{_capital(new)} was taken back: {name} serves {old} again, with all of its traffic."
        case Outcome.ROLLBACK_FAILED:
            return f"{_capital(new)} failed and {name} was NOT brought back to {old}. {serves}"
        case Outcome.INVALID | Outcome.REFUSED:
            return f"Nothing was deployed. {serves}" if now else "Nothing was deployed."
        case Outcome.TIMED_OUT:
            return f"The time limit came before the end of the deployment. {_after(result)} {serves}"
        case Outcome.CANCELLED if not result.deployment_id:
            return "The job was cancelled before anything was deployed." + (f" {serves}" if now else "")
        case Outcome.CANCELLED:
            return f"The job was cancelled. {_after(result)} {serves}"
        case Outcome.STOPPED:
            return f"The deployment was stopped. {_after(result)} {serves}"
        case Outcome.LOST_CONTACT:
            return f"AWS could not be reached any more. Deployment {result.deployment_id} was left alone and may go on."
        case _:
            return serves if result.deployment_id or now else "Nothing was deployed."


def _after(result: Result) -> str:
    match result.rollback:
        case Rollback.SUCCEEDED:
            return "The deployment was rolled back."
        case Rollback.FAILED:
            return "The rollback FAILED."
        case Rollback.UNKNOWN:
            return "What became of the rollback is not known."
        case _:
            return "It was not rolled back."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def summary_sentence(story: Story) -> str:
    """The sentence for the whole run: the function's own if it is one, a count by outcome if they are many."""
    if story.result is None:
        return ""
    results = [chapter.result for chapter in story.functions.values() if chapter.result]
    if legs := [leg for _, leg in _unfollowed(story)]:
        ids = words.listed(tuple(leg.deployment_id for leg in legs))
        return f"What {ids} does was not followed to its end: traffic may be split, or shift without anybody looking."
    if len(results) <= 1:
        return sentence(story.command, results[0] if results else story.result)
    if all(result.outcome is Outcome.SUCCEEDED for result in results) and story.command is Command.DEPLOY:
        return f"All {len(results)} functions serve their new version, with all of its traffic."
    if all(result.outcome is Outcome.ROLLED_BACK for result in results):
        return f"All {len(results)} functions serve the version from before again, with all of its traffic."
    count: dict[str, int] = {}
    for result in results:
        title = look(story.command, result).title.lower()
        count[title] = count.get(title, 0) + 1
    if len(count) == 1:
        return f"All {len(results)} functions: {next(iter(count))}."
    return f"{len(results)} functions: " + ", ".join(f"{number} {title}" for title, number in count.items()) + "."


def _unfollowed(story: Story) -> list[tuple[FunctionStory, Leg]]:
    """What was created before a run ended as if it had not begun, by a bug for instance: it is not forgotten."""
    result = story.result
    if result is None or result.outcome not in _NOT_BEGUN or result.deployment_id:
        return []
    return [
        (chapter, chapter.deployment)
        for chapter in story.functions.values()
        if chapter.deployment and not (chapter.result and chapter.result.deployment_id)
    ]


def because(story: Story) -> str:
    """Why: the person's reason for a rollback or a stop, else what led to an end that is not a plain success."""
    given = story.inputs.get("reason", "") if story.command in (Command.ROLLBACK, Command.STOP) else ""
    result = story.result
    plain_success = story.command in _MOVING and result is not None and result.outcome is Outcome.SUCCEEDED
    found = result.reason if result is not None and not plain_success else ""
    several = len(story.functions) > 1
    if several and found and (blamed := culprits(story)):
        found = " ".join(f"{chapter.key}: {chapter.diagnosis.summary}" for chapter in blamed[:3] if chapter.diagnosis)
        found += f" And {len(blamed) - 3} more." if len(blamed) > 3 else ""
    elif result is not None and result.outcome is Outcome.ROLLED_BACK:
        # What came after the cause is what the sentence before says.
        causes = [chapter.diagnosis.summary for chapter in story.functions.values() if chapter.diagnosis]
        found = next((cause for cause in causes if cause and found.startswith(cause)), found)
    if given and given not in found:
        return f"{found} Reason given: {given}".strip()
    return found


def culprits(story: Story) -> list[FunctionStory]:
    """The functions that something is known to have gone wrong with; others may have been taken along."""
    return [chapter for chapter in story.functions.values() if chapter.diagnosis]


def next_step(story: Story, chapter: FunctionStory | None, result: Result) -> str:
    """What to do now: the remedy that came with the result, or what always holds for such an outcome."""
    if result.remedy:
        return result.remedy
    match result.outcome:
        case Outcome.LOST_CONTACT | Outcome.DETACHED:
            return "Follow it with: " + attach_command(story, chapter, result)
        case Outcome.ROLLED_BACK | Outcome.FAILED | Outcome.ROLLBACK_FAILED if is_split(result):
            return "Set the alias back: " + back_command(story, result)
        case Outcome.CANCELLED | Outcome.STOPPED | Outcome.TIMED_OUT if is_split(result):
            return "Traffic stays split, and later deployments fail, until the alias is set: " + back_command(
                story, result
            )
        case Outcome.ROLLED_BACK:
            return "Fix the cause and deploy again; users are on the version from before."
        case Outcome.SUCCEEDED if story.command is Command.DEPLOY and result.previous_version:
            return "Roll back with: " + rollback_command(story, chapter, result)
    return ""


def about_the_cause(story: Story, chapter: FunctionStory) -> str:
    """The diagnosis' remedy, where the next step is another one (traffic comes first)."""
    remedy = chapter.diagnosis.remedy if chapter.diagnosis else ""
    return "" if any(remedy in step for step in next_steps(story)) else remedy


def next_steps(story: Story, limit: int = 5) -> list[str]:
    """The next step; of several functions, each that needs one has its own, its name before it."""
    if story.result is None:
        return []
    if left := _unfollowed(story):
        told = [
            "Follow it with: "
            + attach_command(
                story,
                chapter,
                replace(story.result, function=chapter.function, alias=chapter.alias, deployment_id=leg.deployment_id),
            )
            for chapter, leg in left[:limit]
        ]
        return [*told, *([story.result.remedy] if story.result.remedy else [])]
    chapters = [chapter for chapter in story.functions.values() if chapter.result]
    if len(chapters) <= 1:
        chapter = chapters[0] if chapters else None
        step = next_step(story, chapter, chapter.result if chapter and chapter.result else story.result)
        return [step] if step else []
    if all(chapter.result and look(story.command, chapter.result).tone is Tone.GOOD for chapter in chapters):
        return ["How to roll back each function is in the job summary."] if story.command is Command.DEPLOY else []
    steps: dict[str, list[str]] = {}
    blamed = culprits(story)
    for chapter in [*blamed, *(chapter for chapter in chapters if chapter not in blamed)]:
        if blamed and chapter not in blamed and chapter.result and _taken_along(chapter.result):
            continue
        if chapter.result and (step := next_step(story, chapter, chapter.result)):
            steps.setdefault(step, []).append(chapter.key)
    told = [
        step if len(keys) == len(chapters) else f"{words.listed(tuple(keys), 3)}: {step}"
        for step, keys in steps.items()
    ]
    return told[:limit] + ([f"… and {len(told) - limit} more in the job summary."] if len(told) > limit else [])


def _taken_along(result: Result) -> bool:
    """Whether there is nothing to do for this one but what is to be done for who caused it."""
    ended = result.outcome in (Outcome.ROLLED_BACK, Outcome.STOPPED, Outcome.REFUSED)
    return ended and not result.remedy and not is_split(result)


def rollback_command(story: Story, chapter: FunctionStory | None, result: Result) -> str:
    """The exact command that brings the previous version back, for a POSIX shell; on a terminal it asks why."""
    return shlex.join(["ci-deploy", "rollback", *_where(story, chapter, result), "--version", result.previous_version])


def attach_command(story: Story, chapter: FunctionStory | None, result: Result) -> str:
    """The exact command that follows a deployment that is running."""
    which = ["--deployment-id", result.deployment_id] if result.deployment_id else []
    return shlex.join(["ci-deploy", "status", *_where(story, chapter, result), *which, "--wait", "true"])


def back_command(story: Story, result: Result) -> str:
    """The AWS CLI's command that gives all traffic to the previous version."""
    version = result.previous_version or result.live_version
    command = ["aws", "lambda", "update-alias", "--function-name", result.function, "--name", result.alias]
    command += ["--function-version", version, "--routing-config", "AdditionalVersionWeights={}"]
    return shlex.join([*command, *(["--region", story.identity.region] if story.identity else [])])


def _where(story: Story, chapter: FunctionStory | None, result: Result) -> list[str]:
    """Function, group, region and account: another function of that name is never meant. No account in public."""
    where = ["--function", result.function, "--alias", result.alias]
    if chapter is not None and chapter.application:
        where += ["--application", chapter.application, "--deployment-group", chapter.group]
    if story.identity is not None:
        where += ["--aws-region", story.identity.region]
        where += [] if story.context.public else ["--account-id", story.identity.account]
    return where


def progress(chapter: FunctionStory) -> str:
    """What one function's release is doing now, in a few words, while it has no result."""
    if chapter.stopping:
        return "stopping"
    if chapter.rollback is not None:
        return "rolling back"
    leg = chapter.deployment
    if leg is None:
        return "waiting" if chapter.waiting else ("planned" if chapter.plan else "reading")
    running = [event.name for event, _ in leg.lifecycle if not event.status.terminal]
    return running[-1] if running else "in progress"
