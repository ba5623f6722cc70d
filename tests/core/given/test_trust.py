"""Which events are trusted with commands that write: a table of every event, and of what its payload may say."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from ci_deploy.core.given.context import context
from ci_deploy.core.given.trust import discovers, distrust, stranger
from ci_deploy.core.reasons.run import UntrustedEvent
from ci_deploy.core.run import Command, Context, Stranger

OURS, FORK = {"full_name": "acme/shop"}, {"full_name": "mallory/shop"}
WRITING = (Command.DEPLOY, Command.ROLLBACK, Command.STOP, Command.SETUP, Command.PRUNE, Command.WATCH)
# What GitHub calls the tie between a person and a repository, and whether it makes the person somebody of ours.
ASSOCIATIONS = [
    ("OWNER", True),
    ("MEMBER", True),
    ("COLLABORATOR", True),
    ("CONTRIBUTOR", False),
    ("FIRST_TIMER", False),
    ("FIRST_TIME_CONTRIBUTOR", False),
    ("MANNEQUIN", False),
    ("NONE", False),
    ("owner", False),
    ("", False),
    (None, False),
    (["OWNER"], False),
]


def run(event: object = "push", head: object = OURS) -> dict[str, Any]:
    return {"workflow_run": {"event": event, "head_repository": head}, "repository": OURS}


def pull(head: object = OURS, **more: Any) -> dict[str, Any]:
    return {"pull_request": {"head": {"repo": head}, "base": {"repo": OURS}}, **more}


def judged(name: str, event: dict[str, Any]) -> Stranger:
    return stranger(name, event, "acme/shop")


@pytest.mark.parametrize(
    "name",
    [
        "", "branch_protection_rule", "create", "delete", "deployment", "deployment_status", "image_version", "label",
        "merge_group", "milestone", "page_build", "public", "push", "registry_package", "release",
        "repository_dispatch", "schedule", "workflow_dispatch",
    ],
)  # fmt: skip
def test_what_only_writers_can_cause_is_trusted(name: str) -> None:
    assert judged(name, {}) is Stranger.NONE


@pytest.mark.parametrize("name", ["fork", "gollum", "watch"])
def test_a_fork_a_star_and_a_wiki_page_are_anybodys(name: str) -> None:
    assert judged(name, {"sender": {"login": "mallory"}, "repository": OURS}) is Stranger.TRIGGER


@pytest.mark.parametrize("event", [{}, pull(), pull(FORK), pull(pull_request_review={"author_association": "OWNER"})])
def test_a_pull_request_target_is_never_trusted(event: dict[str, Any]) -> None:
    assert judged("pull_request_target", event) is Stranger.PULL_REQUEST


@pytest.mark.parametrize("event", [{}, pull(), pull(FORK), pull(None)])
def test_a_pull_request_is_trusted_for_what_it_lacks(event: dict[str, Any]) -> None:
    """No secrets and no OIDC token reach a fork's run; others come from a branch that a writer pushed."""
    assert judged("pull_request", event) is Stranger.NONE


@pytest.mark.parametrize(
    ("name", "member", "around"),
    [
        ("issue_comment", "comment", {"issue": {"number": 1, "author_association": "OWNER"}}),
        ("issues", "issue", {"sender": {"login": "octocat"}}),
        ("discussion", "discussion", {}),
        ("discussion_comment", "comment", {"discussion": {"author_association": "OWNER"}}),
        ("pull_request_review", "review", pull()),
        ("pull_request_review_comment", "comment", pull()),
    ],
)
def test_words_are_trusted_by_their_authors_association(name: str, member: str, around: dict[str, Any]) -> None:
    """Of the comment, and not of the issue or discussion that it stands under."""
    for association, ours in ASSOCIATIONS:
        event = {**around, member: {"author_association": association}}
        assert judged(name, event) is (Stranger.NONE if ours else Stranger.TRIGGER), association


@pytest.mark.parametrize("name", ["discussion", "discussion_comment", "issues"])
@pytest.mark.parametrize("event", [{}, {"comment": None, "issue": [], "discussion": "OWNER"}])
def test_words_without_an_author_are_anybodys(name: str, event: dict[str, Any]) -> None:
    assert judged(name, event) is Stranger.TRIGGER


@pytest.mark.parametrize("association", ["OWNER", "NONE"])
def test_a_comment_on_a_pull_request_may_be_about_a_forks_code_whoever_wrote_it(association: str) -> None:
    event = {"issue": {"number": 1, "pull_request": {"url": "u"}}, "comment": {"author_association": association}}
    assert judged("issue_comment", event) is Stranger.CODE


@pytest.mark.parametrize("name", ["pull_request_review", "pull_request_review_comment"])
def test_a_review_of_a_fork_has_no_secrets(name: str) -> None:
    event = pull(FORK, review={"author_association": "NONE"}, comment={"author_association": "NONE"})
    assert judged(name, event) is Stranger.NONE


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        ("push", Stranger.NONE),
        ("schedule", Stranger.NONE),
        ("workflow_dispatch", Stranger.NONE),
        ("repository_dispatch", Stranger.NONE),
        ("release", Stranger.NONE),
        ("merge_group", Stranger.NONE),
        ("pull_request", Stranger.NONE),
        ("pull_request_target", Stranger.TRIGGER),
        ("pull_request_review", Stranger.TRIGGER),
        ("pull_request_review_comment", Stranger.TRIGGER),
        ("issue_comment", Stranger.TRIGGER),
        ("issues", Stranger.TRIGGER),
        ("discussion", Stranger.TRIGGER),
        ("discussion_comment", Stranger.TRIGGER),
        ("fork", Stranger.TRIGGER),
        ("watch", Stranger.TRIGGER),
        ("gollum", Stranger.TRIGGER),
        ("check_suite", Stranger.TRIGGER),
        ("status", Stranger.TRIGGER),
        ("workflow_run", Stranger.TRIGGER),  # what began the chain is not told
        ("dynamic", Stranger.TRIGGER),
        ("", Stranger.TRIGGER),
        (None, Stranger.TRIGGER),
        (["push"], Stranger.TRIGGER),
    ],
)
def test_a_workflow_run_is_judged_by_what_caused_the_first_run(cause: object, expected: Stranger) -> None:
    assert judged("workflow_run", run(cause)) is expected


@pytest.mark.parametrize("head", [FORK, None, {}, "acme/shop"])
def test_a_workflow_run_about_a_forks_code_is_not_trusted(head: object) -> None:
    """As after `pull_request`, the usual pair: an unprivileged run, and one with secrets that takes its artifacts."""
    assert judged("workflow_run", run("pull_request", head)) is Stranger.CODE


@pytest.mark.parametrize(
    ("name", "event", "expected"),
    [
        ("check_suite", {"check_suite": {"head_branch": "main"}}, Stranger.NONE),
        ("check_suite", {"check_suite": {"head_branch": None}}, Stranger.CODE),
        ("check_run", {"check_run": {"check_suite": {"head_branch": "main"}}}, Stranger.NONE),
        ("check_run", {"check_run": {"check_suite": {"head_branch": None}}}, Stranger.CODE),
        ("check_run", {"check_suite": {"head_branch": "main"}}, Stranger.CODE),
        ("status", {"branches": [{"name": "main"}]}, Stranger.NONE),
        ("status", {"branches": []}, Stranger.CODE),
        ("check_suite", {}, Stranger.CODE),
        ("check_run", {}, Stranger.CODE),
        ("status", {}, Stranger.CODE),
    ],
)
def test_another_systems_word_on_a_commit_counts_for_commits_on_our_branches(
    name: str, event: dict[str, Any], expected: Stranger
) -> None:
    """A pull request from a fork makes that system check a commit that is on no branch of ours."""
    assert judged(name, event) is expected


@pytest.mark.parametrize("name", ["workflow_call", "dynamic", "something_new", "PUSH"])
def test_an_event_that_is_not_known_is_not_trusted(name: str) -> None:
    """`workflow_call` is no event: the caller's name and payload are what a called workflow gets."""
    assert judged(name, {"repository": OURS}) is Stranger.UNKNOWN


def test_the_context_of_a_run_has_the_judgement() -> None:
    environ = {"GITHUB_EVENT_NAME": "issue_comment", "GITHUB_REPOSITORY": "acme/shop"}
    assert context(environ, {"issue": {}, "comment": {"author_association": "NONE"}}).stranger is Stranger.TRIGGER
    assert context(environ, {"issue": {}, "comment": {"author_association": "OWNER"}}).stranger is Stranger.NONE


@pytest.mark.parametrize("command", Command)
def test_only_commands_that_write_distrust_strangers(command: Command) -> None:
    for part, allowed in product(Stranger, (True, False)):
        found = distrust(command, Context(event_name="x", stranger=part), allowed=allowed)
        trusted = command not in WRITING or part is Stranger.NONE
        expected = None if trusted else UntrustedEvent(event="x", stranger=part, allowed=allowed)
        assert found == expected, (part, allowed)


@pytest.mark.parametrize("part", Stranger)
@pytest.mark.parametrize("name", ["pull_request_target", "workflow_run", "issue_comment"])
def test_no_file_is_found_by_itself_where_secrets_meet_code_of_strangers(name: str, part: Stranger) -> None:
    """Whoever caused it: the file decides what is deployed, and a fork may have brought it into the workspace."""
    assert not discovers(Context(event_name=name, stranger=part))


@pytest.mark.parametrize(
    "name",
    ["", "push", "pull_request", "pull_request_review", "workflow_dispatch", "schedule", "release", "merge_group",
     "deployment", "repository_dispatch"],
)  # fmt: skip
def test_the_repositorys_file_is_found_in_every_other_run_and_on_a_terminal(name: str) -> None:
    assert discovers(Context(event_name=name))
