"""Parts of sentences that several reasons share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from ..aws import Alias, NotPermitted, Unavailable

Unread: TypeAlias = NotPermitted | Unavailable
Shares: TypeAlias = tuple[tuple[str, float], ...]  # percent by version, what was left behind at 0 included


def duration(seconds: float) -> str:
    """`45s`, `4m 30s`, `5m`, `1h 05m`."""
    whole = round(seconds)
    if whole < 1:
        return "under 1s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes:02}m" if minutes else f"{hours}h"
    if minutes:
        return f"{minutes}m {rest:02}s" if rest else f"{minutes}m"
    return f"{rest}s"


def capital(text: str) -> str:
    """The text as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def not_read(what: str, why: str) -> str:
    """That evidence is missing, and why."""
    return f"{what.capitalize()} not read ({why.rstrip('.')})."


def unread(fact: Unread) -> str:
    """Why something could not be read."""
    return f"not permitted, needs {fact.action}" if isinstance(fact, NotPermitted) else fact.why


def serves(alias: Alias | None) -> Shares:
    """What an alias serves; what was left behind at 0% is a part of a split, too. Empty where there is none."""
    return () if alias is None else tuple((alias.shares | dict(alias.weights)).items())


def role_name(arn: str) -> str:
    """The deployment group's service role, as people call it."""
    return arn.split("/")[-1] or "the service role"


def instead(groups: str, applications: str) -> str:
    """What to do about a deployment group that does not exist: what there is, where that may be listed."""
    setup = "Check `aws-region`, or run `setup` to create it."
    if groups:
        return f"The application has {groups}. {setup}"
    if applications:
        return f"Lambda applications in this account: {applications}. {setup}"
    return f"Check `application` and `deployment-group`. {setup}"


def confirmation(goals: Sequence[tuple[str, str]], *, asks_why: bool) -> str:
    """The question before a rollback, for each function (`function:alias`) with the version that it goes back to."""
    back = [f"{key} to version {version}" for key, version in goals]
    choice = "Answer y and why, or n:" if asks_why else "[y/N]"
    if len(back) == 1:
        return f"Roll back {back[0]}? {choice} "
    return "\n".join(["Roll back", *(f"  {each}" for each in back), f"All {len(back)} of them? {choice} "])


def choice(file: str, labels: Sequence[str], verb: str) -> str:
    """The question which functions of a file are meant by a command that takes something away."""
    listed = "\n".join(f"  {label}" for label in labels)
    return f"{file} has {len(labels)} functions:\n{listed}\n{verb.capitalize()} which? "


def served(shares: Shares) -> str:
    """`version 2 at 100%`, or both parts of a split."""
    return " and ".join(f"version {version} at {share:g}%" for version, share in shares) or "nothing"


def closed(words: str) -> str:
    """Someone else's words as a sentence."""
    return words if words.endswith((".", "!", "?")) else f"{words}."


# Of a job summary, which is Markdown.
SUMMARY_CUT = "\n\n> **Cut here:** GitHub shows at most 1 MiB of summary; {} more bytes are in the job log's outputs.\n"
SUMMARY_FULL = "The job summary is full (GitHub shows at most 1 MiB). The log has what this step reports."


def not_written(file: str, why: str) -> str:
    """Of a file that the runner reads."""
    return f"{file} could not be written ({why})."


def not_over(seconds: float) -> str:
    """Why a stop that AWS accepted counts as one that had no effect."""
    return f"it is not over {seconds / 60:g} minutes after the stop was requested"


def stop_it_yourself(*, unasked: bool) -> str:
    """What to do about a deployment that `watch` may not stop; `unasked`: it may, with `on-violation: rollback`."""
    return "`ci-deploy stop` ends the deployment" + ("; `on-violation: rollback` would have." if unasked else ".")


def counted(files: int) -> str:
    return "one file" if files == 1 else f"{files:,} files"
