"""Every end in words: outcome, fate of the deployment, rollback, what is served and who else deploys, by command.

The rules are about claims. A title and its sentences make some; none may be one that the facts do not bear out, and
none of them may contradict another one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product

import pytest

from ci_deploy.core.aws import Identity
from ci_deploy.core.result import Fate, Result
from ci_deploy.core.run import Command, Outcome, Rollback
from ci_deploy.core.story.timeline import FunctionStory, Story
from ci_deploy.reporters.rendering import ends, verdict

MOVING = (Command.DEPLOY, Command.ROLLBACK, Command.STOP, Command.STATUS, Command.FINISH)
ENDED = (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.ROLLED_BACK, Outcome.ROLLBACK_FAILED, Outcome.STOPPED)
READ_ONLY = (Outcome.PLANNED, Outcome.VALID, Outcome.REPORTED, Outcome.LOST_CONTACT)
SERVED = {"unread": ("", ""), "old": ("41", ""), "new": ("42", ""), "split": ("41", "41=90,42=10")}
IDENTITY = Identity(account="123456789012", arn="arn:aws:iam::123456789012:role/x", region="eu-central-1")
OWN, OTHERS, BACK = "d-OWN000000", "d-OTHER0000", "d-BACK00000"

# Claims, by the words that make them.
NEVER = r"before a deployment was created|before anything was stopped|Nothing was (deployed|stopped|rolled back)\."
DOUBT = r"It is unknown whether a deployment was created"
RUNS = rf"Deployment {OWN} (is still running|may still be running)|Its rollback {BACK} may still be running"
OVER = (
    r"has ended|(?<!Nothing )was rolled back\.|The rollback FAILED|It (was|is) not rolled back|Nothing had to be|"
    r"(?<!Nothing )(?<!anything )was stopped|was taken back"
)
UNKNOWN = r"It is unknown what \S+ serves now"


def possible(command: Command, outcome: Outcome, fate: Fate, served: str, rollback: Rollback) -> bool:
    """Whether the machine may come to such an end; what it never says need not be put into words."""
    live, weights = SERVED[served]
    if outcome in (Outcome.PLANNED, Outcome.VALID, Outcome.REPORTED, Outcome.INVALID):
        return fate is Fate.NEVER_CREATED and rollback is Rollback.NONE
    if outcome is Outcome.SUCCEEDED:
        return fate is Fate.ENDED and served == "new" and rollback is Rollback.NONE and command is not Command.STOP
    if outcome is Outcome.ROLLED_BACK:
        return fate is Fate.ENDED and served == "old" and rollback is Rollback.SUCCEEDED
    if outcome is Outcome.DETACHED:
        return fate is Fate.RUNNING and rollback is Rollback.NONE
    if outcome is Outcome.ROLLBACK_FAILED:
        wanted = "new" if command is Command.ROLLBACK else "old"
        known = {Fate.ENDED: (Rollback.FAILED, Rollback.UNKNOWN), Fate.RUNNING: (Rollback.UNKNOWN,)}
        return rollback in known.get(fate, ()) and served != wanted
    if outcome is Outcome.STOPPED and fate is Fate.RUNNING:
        return rollback is Rollback.UNKNOWN
    if outcome is Outcome.UNCHANGED:
        return fate in (Fate.NEVER_CREATED, Fate.ENDED) and rollback is Rollback.NONE and not weights and bool(live)
    if fate is Fate.NEVER_CREATED:
        return rollback is Rollback.NONE and outcome is not Outcome.TIMED_OUT
    if fate is Fate.IN_DOUBT:
        return rollback in (Rollback.NONE, Rollback.UNKNOWN) and outcome in (
            Outcome.CANCELLED,
            Outcome.LOST_CONTACT,
            Outcome.BUG,
            Outcome.ERROR,
        )
    if rollback is Rollback.SUCCEEDED:
        return fate is Fate.ENDED and served in ("old", "unread") and outcome is not Outcome.FAILED
    return not (fate is Fate.RUNNING and rollback is Rollback.FAILED)


def every() -> Iterator[tuple[Command, Result]]:
    for command, outcome, fate, served, rollback in product(MOVING, Outcome, Fate, SERVED, Rollback):
        if not possible(command, outcome, fate, served, rollback):
            continue
        live, weights = SERVED[served]
        own = OWN if fate in (Fate.RUNNING, Fate.ENDED) else ""
        made = Result(
            function="checkout",
            alias="live",
            outcome=outcome,
            deployment_id=own,
            rollback_deployment_id=BACK if own and rollback is not Rollback.NONE else "",
            previous_version="41",
            target_version="42",
            live_version=live,
            live_weights=weights,
            rollback=rollback,
            fate=fate,
        )
        yield command, made
        if fate is Fate.NEVER_CREATED:
            yield command, replace(made, running=OTHERS)


ENDS = list(every())


CLAIMS = {"never": NEVER, "doubt": DOUBT, "runs": RUNS, "over": OVER}


def wrong_claims(command: Command, made: Result) -> Iterator[str]:
    """Title and sentence claim of the deployment what is known, and nothing else."""
    said, title, fate = ends.sentence(command, made), title_of(command, made), made.fate
    claimed = {name for name, words in CLAIMS.items() if re.search(words, f"{title}. {said}")}
    if "never" in claimed and fate is not Fate.NEVER_CREATED and made.outcome is not Outcome.UNCHANGED:
        yield "as if nothing had been created"
    if "doubt" in claimed and fate is not Fate.IN_DOUBT:
        yield "doubts what is known"
    if "runs" in claimed and fate is not Fate.RUNNING:
        yield "runs, and does not"
    if "over" in claimed and fate is Fate.NEVER_CREATED:
        yield "the end of what never was"
    if {"over", "never"} <= claimed:
        yield "never created, and over"
    if {"runs", "over"} <= claimed and f"Its rollback {BACK} may" not in said:
        yield "over, and runs"
    if "doubt" not in claimed and fate is Fate.IN_DOUBT and command is not Command.FINISH:
        yield "a doubt is left unsaid"
    if "runs" not in claimed and fate is Fate.RUNNING and made.outcome not in (Outcome.DETACHED, Outcome.UNCHANGED):
        yield "left unsaid that it runs"


def wrong_traffic(command: Command, made: Result) -> Iterator[str]:
    """What is served is said where it was read, and nothing is made up."""
    said = ends.sentence(command, made)
    if "could not be read" in said:
        yield "whether anybody tried the reason says"
    split = "Traffic is SPLIT: checkout:live sends 90% to version 41 and 10% to version 42."
    serves = rf"serves version {made.live_version}\b|version {made.live_version} is served"
    if made.outcome in (Outcome.PLANNED, Outcome.VALID):
        pass
    elif made.live_weights:
        if split not in said:
            yield "a split is left unsaid"
        if (OTHERS in said) != bool(made.running):
            yield "who else deploys is left unsaid, or made up"
    elif made.live_version:
        if not re.search(serves, said):
            yield "what is served is left unsaid"
    elif re.search(r"SPLIT|serves version \d", said):
        yield "says what nobody has read"
    read = made.live_version or made.fate is Fate.NEVER_CREATED or made.outcome is Outcome.DETACHED
    if re.search(UNKNOWN, said) and read:
        yield "not known, though read, or nothing to be known"
    if "  " in said or said != said.strip():
        yield "a hole in the sentence"


def wrong_title(command: Command, made: Result) -> Iterator[str]:
    """A version in a title is the one that is served."""
    if re.findall(r"version (\d+)", title_of(command, made)) not in ([], [made.live_version]):
        yield "the wrong version"


def wrong_step(command: Command, made: Result) -> Iterator[str]:
    """Nobody is told to set an alias that a deployment is shifting: its id is given, and how to follow it."""
    chapter = FunctionStory(key=made.key, application="shop", group="checkout-live", result=made)
    story = Story(command=command, identity=IDENTITY, functions={made.key: chapter}, result=made)
    step = verdict.next_step(story, chapter, made)
    running = made.running or (made.deployment_id if made.fate is Fate.RUNNING else "")
    if running:
        if "update-alias" in step:
            yield "moves the alias under a deployment"
        if made.live_weights and running not in step and made.outcome not in READ_ONLY:
            yield "does not name the deployment"
    elif made.fate is Fate.IN_DOUBT:
        if "update-alias" in step:
            yield "moves the alias under a deployment that may be there"
    elif made.live_weights and made.outcome not in READ_ONLY:
        wanted = "42" if command is Command.ROLLBACK else "41"
        if f"--function-version {wanted} " not in step or not step.endswith("--region eu-central-1"):
            yield "no command, or a wrong one"


def title_of(command: Command, made: Result) -> str:
    return ends.heading(command, made, "SUBJECT", "" if made.live_weights else made.live_version)


@pytest.mark.parametrize("wrong", [wrong_claims, wrong_traffic, wrong_title, wrong_step])
def test_no_end_says_what_is_not_so(wrong: Callable[[Command, Result], Iterator[str]]) -> None:
    problems = [
        f"{what}: {command}, {made.outcome}, {made.fate}, rollback {made.rollback}, "
        f"{made.live_weights or made.live_version or 'unread'}: {ends.sentence(command, made)}"
        for command, made in ENDS
        for what in wrong(command, made)
    ]
    assert not problems, f"{len(problems)} of {len(ENDS)}: " + "\n".join(problems[:20])


def test_the_table_has_every_outcome_with_every_fate_that_it_may_have() -> None:
    pairs = {(made.outcome, made.fate) for _, made in ENDS}
    assert {outcome for outcome, _ in pairs} == set(Outcome)
    assert {fate for outcome, fate in pairs if outcome is Outcome.CANCELLED} == set(Fate)


@pytest.mark.parametrize(
    ("command", "made", "title"),
    [
        (Command.ROLLBACK, Result(function="f", alias="a", outcome=Outcome.SUCCEEDED), "Rolled back f:a to version 1"),
        (Command.STOP, Result(function="f", alias="a", outcome=Outcome.STOPPED), "Stopped the deployment of f:a"),
        (
            Command.STOP,
            Result(function="f", alias="a", outcome=Outcome.UNCHANGED),
            "Nothing to stop: f:a serves version 1",
        ),
        (
            Command.STOP,
            Result(function="f", alias="a", outcome=Outcome.UNCHANGED, deployment_id=OWN),
            "Too late to stop: f:a serves version 1",
        ),
        (Command.DEPLOY, Result(function="f", alias="a", outcome=Outcome.STOPPED), "Not deployed f:a"),
        (Command.DEPLOY, Result(function="f", alias="a", outcome=Outcome.SUCCEEDED), "Deployed f:a version 1"),
    ],
)
def test_a_title_says_what_was_done_to_what(command: Command, made: Result, title: str) -> None:
    assert ends.heading(command, made, "f:a", "1") == title
