"""Events that run with the repository's secrets although somebody without write access may have caused them.

One law (`stranger`): an event counts as trusted only if it says that somebody with write access caused the run and
wrote the code that it is about. What an event does not say, and an event that is not known here, counts as a
stranger's. A command that writes would deploy a stranger's code, or at a stranger's wish, with the deploy role.

`pull_request` is trusted for what it lacks: a fork's run gets no secrets and no OIDC token. A reusable workflow's run
has its caller's event, and is judged by that. Sources: GitHub's documentation on events that trigger workflows,
webhook payloads, and the author associations of its GraphQL schema (CommentAuthorAssociation); facts.md B5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..reasons.run import UntrustedEvent
from ..run import Command, Context, Stranger

WRITING = (Command.DEPLOY, Command.ROLLBACK, Command.STOP, Command.SETUP, Command.PRUNE, Command.WATCH)

# Caused by somebody who may write, or at least triage: about code that is in the repository already.
_BY_WRITERS = frozenset(
    {
        "branch_protection_rule", "create", "delete", "deployment", "deployment_status", "image_version", "label",
        "member", "merge_group", "milestone", "page_build", "project", "project_card", "project_column", "public",
        "pull_request", "push", "registry_package", "release", "repository_dispatch", "schedule", "workflow_dispatch",
    }
)  # fmt: skip
# Anybody who can see the repository causes these: a fork, a star, an edit of a public wiki.
_BY_ANYBODY = frozenset({"fork", "gollum", "watch"})
# Anybody may cause these too; the member of the event that says who wrote it, with the association.
_BY_AUTHORS = {
    "discussion": "discussion",
    "discussion_comment": "comment",
    "issue_comment": "comment",
    "issues": "issue",
    "pull_request_review": "review",
    "pull_request_review_comment": "comment",
}
# Who belongs here. A CONTRIBUTOR has merely had one commit merged.
_ASSOCIATIONS = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
# Runs of these have no secrets when they are about a fork's code.
_WITHOUT_SECRETS = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})


# Runs with secrets about code that strangers may have written: no file of the workspace is read unasked.
_DISCOVERS_NOTHING = frozenset({"pull_request_target", "workflow_run", "issue_comment"})


def discovers(context: Context) -> bool:
    """Whether the repository's file may be found by itself in this run."""
    return context.event_name not in _DISCOVERS_NOTHING


def stranger(name: str, event: Mapping[str, Any], repository: str) -> Stranger:
    """The part of a stranger in the run that `event`, of this name, has caused in `repository`."""
    if not name or name in _BY_WRITERS:
        return Stranger.NONE
    if name == "pull_request_target":
        return Stranger.PULL_REQUEST
    if name in _BY_ANYBODY:
        return Stranger.TRIGGER
    fork = from_fork(name, event, repository)
    if name in _WITHOUT_SECRETS and fork:
        return Stranger.NONE
    if fork:
        return Stranger.CODE
    if name in _BY_AUTHORS:
        author = _map(event.get(_BY_AUTHORS[name]))
        return Stranger.NONE if _text(author.get("author_association")) in _ASSOCIATIONS else Stranger.TRIGGER
    if name == "workflow_run":
        # The run tells its own event's name and nothing more of it: no author, no association, no earlier run.
        cause = _text(_map(event.get("workflow_run")).get("event"))
        return Stranger.NONE if cause in _BY_WRITERS else Stranger.TRIGGER
    if name in ("check_run", "check_suite", "status"):
        return Stranger.NONE if _on_own_branch(name, event) else Stranger.CODE
    return Stranger.UNKNOWN


def from_fork(name: str, event: Mapping[str, Any], repository: str) -> bool:
    """Whether the code of this event comes from another repository (a deleted fork is one), or may do so."""
    if name.startswith("pull_request"):
        pull = _map(event.get("pull_request"))
        if "head" not in pull:
            return False
        head = _map(_map(pull.get("head")).get("repo"))
        base = _map(_map(pull.get("base")).get("repo"))
        return not _same(head, base, repository)
    if name == "issue_comment":
        # The event does not say whose branch it is: what cannot be told apart is treated as the dangerous one.
        issue = event.get("issue")
        return not isinstance(issue, Mapping) or bool(issue.get("pull_request"))
    if name == "workflow_run":
        run = _map(event.get("workflow_run"))
        return not _same(_map(run.get("head_repository")), _map(event.get("repository")), repository)
    return False


def distrust(command: Command, context: Context, *, allowed: bool = False) -> UntrustedEvent | None:
    """Why this event is not trusted with this command; None if it is. `allowed`: the inputs let it pass."""
    if command not in WRITING or context.stranger is Stranger.NONE:
        return None
    return UntrustedEvent(event=context.event_name, stranger=context.stranger, allowed=allowed)


def _on_own_branch(name: str, event: Mapping[str, Any]) -> bool:
    """Whether a commit that another system checked is on a branch of this repository; a fork's commit is on none."""
    if name == "status":
        return bool(event.get("branches"))
    suite = event.get("check_suite") if name == "check_suite" else _map(event.get("check_run")).get("check_suite")
    return bool(_map(suite).get("head_branch"))


def _same(head: Mapping[str, Any], base: Mapping[str, Any], repository: str) -> bool:
    ours = _text(base.get("full_name")) or repository
    return bool(ours) and _text(head.get("full_name")).lower() == ours.lower()


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
