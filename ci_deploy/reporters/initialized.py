"""What `init` tells: the files, and what is left to do. Pure: lines of text from what was decided.

The commands stand alone on their lines, not indented, so that they can be pasted; `tests/project` pastes them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator, Sequence

from ..core.init import account, files
from ..core.init.account import Trusted
from ..core.init.choices import Choices, wildcard
from ..core.init.subjects import Known
from ..core.links import PAGES

_WHAT = {
    files.MANIFEST: "the functions, and how they are deployed",
    files.TEMPLATE: "the roles and the bucket, as a CloudFormation template",
    "deploy": "deploys every push",
    "plan": "tells each pull request what deploying it would do",
    "rollback": "the button that goes back",
}
EXISTS = "Does {} exist already? [Y/n] "
QUESTIONS = {
    "function": "Lambda function (name or ARN): ",
    "code": "Its code (a folder, a zip file, an image in ECR, or $LATEST): ",
    "aws-region": "AWS region: ",
    "account-id": "AWS account ID: ",
    "repository": "Repository on GitHub (OWNER/NAME): ",
}


def listed(written: Collection[str], kept: Sequence[str], paths: dict[str, str]) -> Iterator[str]:
    """One line for each file."""
    kinds = {path: kind for kind, path in paths.items()}
    every = [*written, *kept]
    width = max(map(len, every), default=0)
    for path in every:
        what = _WHAT.get(path) or _WHAT.get(kinds.get(path, ""), "the function's code")
        yield f"{'wrote' if path in written else 'kept '}  {path:<{width}}  {what}".rstrip()


def next_steps(
    choices: Choices, trust: Trusted, known: Known, committed: Sequence[str], again: str, up: str
) -> Iterator[str]:
    """What is left to do, with every command ready to be pasted; `again` is the one that runs `init` once more.

    `up`: the way to the repository's root, empty where one stands there.
    """
    yield ""
    if up:
        yield "The commands are for the repository's root:"
        yield ""
        yield f"cd {up}"
        yield ""
    yield f"1. Make the roles and the bucket, once, with administrator credentials for account {choices.account}:"
    yield ""
    yield account.command(choices, trust)
    yield ""
    yield from _notes(choices, trust, known, again)
    yield from _unused_bucket(choices)
    if not (choices.creates_groups or wildcard(choices.functions)):
        yield from _paragraph(
            "The stack leaves application and deployment groups alone. Where they do not exist yet, `ci-deploy setup"
            " --apply --service-role-arn ARN` makes them. The stack's outputs have one ARN for each function."
        )
    if more := account.setup(choices):
        yield "   Then the deployment groups, which are too many for the stack:"
        yield ""
        yield more
        yield ""
    yield f"2. Commit and push to {choices.branch}. The push deploys:"
    yield ""
    yield (
        f"git add {' '.join(committed)} && git commit --message 'Deploy with ci-deploy'"
        f" && git push --set-upstream origin {choices.branch}"
    )
    yield ""
    yield from _callers(choices)


def _notes(choices: Choices, trust: Trusted, known: Known, again: str) -> Iterator[str]:
    """What the reader has to know about whom the roles trust."""
    if trust.unknown:
        yield from _paragraph(
            "The subjects of this repository's tokens have claims that are not known before a job runs"
            f" ({', '.join(trust.unknown)}). Run `ci-deploy init` again with --subject and --read-subject."
        )
    elif choices.remote.hosted and not (known.repository_id or choices.subjects):
        yield from _paragraph(
            "Was the repository created, renamed or transferred after 15 July 2026? Then its tokens' subject has IDs in"
            f" it, and the command above lacks them: GitHub did not tell them ({known.why}). Print it again with a"
            " token (or with --owner-id and --repository-id):"
        )
        yield f'GH_TOKEN="$(gh auth token)" {again}'
        yield ""


def _unused_bucket(choices: Choices) -> Iterator[str]:
    if not choices.bucket_told:
        yield from _paragraph(
            f"Your file names no bucket. Add `bucket: {choices.bucket}` to its `defaults` to use this one."
        )


def _paragraph(text: str) -> Iterator[str]:
    yield textwrap.fill(text, 100, initial_indent="   ", subsequent_indent="   ")
    yield ""


def _callers(choices: Choices) -> Iterator[str]:
    first = choices.functions[0].name
    yield f"3. Have callers invoke the alias, `{first}:{choices.alias}`, and not the function itself:"
    yield f"   {PAGES}getting-started.md#point-callers-at-the-alias"
