"""What a run's end means, in words: the sentence for all functions, why, the next step. All reports share them.

Everything here is plain text, untrusted parts included; each sink escapes the whole of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from ...core.plan.history import way_back
from ...core.reasons.commands import GET_THE_TOOL, Where
from ...core.reasons.ending.verdict import AnotherFailed
from ...core.reasons.reason import Reason, explained, text_of
from ...core.result import Fate, Result
from ...core.run import Command, Outcome
from ...core.story.timeline import FunctionStory, Leg, Story
from . import words
from .ends import Tone, is_split, look, sentence, stays_bad

_MOVING = (Command.DEPLOY, Command.ROLLBACK, Command.STOP, Command.STATUS, Command.FINISH, Command.WATCH)
_NOT_BEGUN = (Outcome.ERROR, Outcome.BUG, Outcome.REFUSED, Outcome.INVALID)


def summary_sentence(story: Story) -> str:
    """The sentence for the whole run: the function's own if it is one, a count by outcome if they are many."""
    if story.result is None:
        return ""
    results = [chapter.result for chapter in story.functions.values() if chapter.result]
    if legs := [leg for _, leg in _unfollowed(story)]:
        ids = words.listed(tuple(leg.deployment_id for leg in legs))
        return f"Deployment {ids} may still be running: ci-deploy no longer follows it. Traffic may be split."
    if len(results) <= 1:
        chapter = next((chapter for chapter in story.functions.values() if chapter.result), None)
        return sentence(story.command, results[0] if results else _of_the_run(story, story.result), chapter)
    if all(result.outcome is Outcome.SUCCEEDED for result in results) and story.command is Command.DEPLOY:
        return f"All {len(results)} functions now serve their new version (100% of traffic)."
    if all(result.outcome is Outcome.ROLLED_BACK for result in results):
        return f"All {len(results)} functions serve their previous version again (100% of traffic)."
    count: dict[str, int] = {}
    for result in results:
        title = look(story.command, result).title.lower()
        count[title] = count.get(title, 0) + 1
    if len(count) == 1:
        return f"All {len(results)} functions: {next(iter(count))}."
    return f"{len(results)} functions: " + ", ".join(f"{number} {title}" for title, number in count.items()) + "."


def _of_the_run(story: Story, result: Result) -> Result:
    """An end without the functions' own: a creation is in doubt only where its revision was ready."""
    began = any(chapter.appspec for chapter in story.functions.values())
    return result if began else replace(result, fate=Fate.NEVER_CREATED)


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
    succeeded = story.command in _MOVING and result is not None and result.outcome is Outcome.SUCCEEDED
    plain_success = succeeded and not (result is not None and stays_bad(result))
    found = text_of(_unsaid(result)) if result is not None and not plain_success else ""
    several = len(story.functions) > 1
    if several and found and (blamed := culprits(story)):
        found = " ".join(f"{chapter.key}: {chapter.diagnosis.summary}" for chapter in blamed[:3] if chapter.diagnosis)
        found += f" And {len(blamed) - 3} more." if len(blamed) > 3 else ""
        along = sum(_went_along(chapter) for chapter in story.functions.values())
        found += f" The other {along} were rolled back with it." if along > 1 else ""
    if given and given not in found:
        return f"{found} Reason given: {given}".strip()
    return found


def explained_at(story: Story) -> str:
    """The address of what the first reason means, after an end that is not good."""
    result = story.result
    if result is None or not result.reasons or look(story.command, result).tone in (Tone.GOOD, Tone.NEUTRAL):
        return ""
    return explained(result.reason_code)


# Reasons that say what the sentence before them has said.
_SAID = frozenset(
    {"rolled-back-by", "alias-set-back", "nothing-moved", "still-serves", "no-rollback", "rollback-running"}
)


def _unsaid(result: Result) -> tuple[Reason, ...]:
    served = {Outcome.SUCCEEDED.value} if stays_bad(result) else set()
    return tuple(reason for reason in result.reasons if reason.code not in _SAID | served)


def culprits(story: Story) -> list[FunctionStory]:
    """The functions that something is known to have gone wrong with; others were taken along.

    A hook that was only late when another function failed has not failed, whatever was suspected of it.
    """
    return [chapter for chapter in story.functions.values() if is_culprit(chapter)]


def _went_along(chapter: FunctionStory) -> bool:
    result = chapter.result
    return result is not None and result.outcome is Outcome.ROLLED_BACK and result.reason_code in _ALONG


def is_culprit(chapter: FunctionStory) -> bool:
    along = chapter.result is not None and chapter.result.reason_code in _ALONG
    return chapter.diagnosis is not None and not along


_ALONG = (AnotherFailed.code, "undone", "stays")


def next_step(story: Story, chapter: FunctionStory | None, result: Result) -> str:
    """What to do now: the remedy that came with the result, or what always holds for such an outcome.

    While a deployment runs the alias is its own: nobody is told to set it.
    """
    split = _set_alias(story, result) if is_split(result) else ""
    if result.remedy:
        begun = result.outcome not in (Outcome.ERROR, Outcome.REFUSED) or "update-alias" in result.remedy
        return result.remedy if begun or not split else f"{result.remedy} {split}"
    match result.outcome:
        case Outcome.LOST_CONTACT | Outcome.DETACHED:
            return "Follow it: " + attach_command(story, chapter, result)
        case Outcome.REPORTED if chapter is not None and chapter.status is not None and chapter.status.history:
            where = _where(story, chapter, result)
            way = way_back(chapter.status.history, result.live_version, where)
            if way.version or is_split(result):
                return "To roll back: " + where.rollback()
            return f"{way.reason.text} {way.reason.remedy}"
        case Outcome.REPORTED | Outcome.PLANNED:
            return ""
        case _ if is_split(result) and (running := _running(result)):
            found = replace(result, deployment_id=running)
            return f"Leave the alias to deployment {running}. Follow it: " + attach_command(story, chapter, found)
        case _ if split:
            return split
        case Outcome.ROLLED_BACK:
            return "Fix the cause, then deploy again."
        case Outcome.CANCELLED if story.command is Command.DEPLOY:
            return "Run the job again to deploy."
        case Outcome.SUCCEEDED if story.command is Command.DEPLOY and result.previous_version:
            return "To roll back: " + rollback_command(story, chapter, result)
    return ""


def _running(result: Result) -> str:
    """The deployment whose the alias is at the moment."""
    return result.running or (result.deployment_id if result.fate is Fate.RUNNING else "")


def _set_alias(story: Story, result: Result) -> str:
    if _running(result) or result.fate is Fate.IN_DOUBT:
        return ""
    if result.outcome in (Outcome.ROLLED_BACK, Outcome.FAILED, Outcome.ROLLBACK_FAILED):
        return "Set the alias back: " + back_command(story, result)
    return "Until you set the alias back, later deployments fail: " + back_command(story, result)


def with_command(step: str) -> tuple[str, str]:
    """A step and the command that ends it, where one does."""
    match = re.fullmatch(r"(.*?:) ((?:ci-deploy|aws|pip) .*)", step, re.DOTALL)
    return (match[1], match[2]) if match else (step, "")


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
            "Follow it: "
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
        if story.command is not Command.DEPLOY:
            return []
        if story.context.actions:
            return ["To roll back, use the command of each function in the job summary."]
        back = [(chapter, chapter.result) for chapter in chapters if chapter.result and chapter.result.previous_version]
        told = ["To roll back: " + rollback_command(story, chapter, result) for chapter, result in back[:limit]]
        return [*told, *([f"The same for each of the {len(back) - limit} others."] if len(back) > limit else [])]
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
    return _where(story, chapter, result).rollback(result.previous_version)


def attach_command(story: Story, chapter: FunctionStory | None, result: Result) -> str:
    """The exact command that follows a deployment that is running."""
    return _where(story, chapter, result).follow(result.deployment_id)


def back_command(story: Story, result: Result) -> str:
    """The AWS CLI's command that gives all traffic to one version: the previous one, or a rollback's target."""
    version = result.target_version if story.command is Command.ROLLBACK else result.previous_version
    return _where(story, None, result).set_alias(version or result.live_version)


def _where(story: Story, chapter: FunctionStory | None, result: Result) -> Where:
    """Function, group, region and account: another function of that name is never meant. No account in public."""
    identity = story.identity
    return Where(
        function=result.function,
        alias=result.alias,
        application=chapter.application if chapter else "",
        group=chapter.group if chapter else "",
        region=identity.region if identity else "",
        account=identity.account if identity and not story.context.public else "",
    )


def get_the_tool(texts: Iterable[str]) -> str:
    """How to get ci-deploy, where one of the texts has a command of it."""
    return f"Get ci-deploy with: {GET_THE_TOOL}" if any(_OURS.search(text) for text in texts) else ""


_OURS = re.compile(r"\bci-deploy (status|stop|rollback)\b")


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
