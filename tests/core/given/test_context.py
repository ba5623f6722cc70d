"""Where a run comes from: variables and events of every kind."""

from __future__ import annotations

from typing import Any

import pytest

from ci_deploy.core.given.context import context
from ci_deploy.core.run import Context

REPOSITORY = {"full_name": "acme/shop", "private": True}


def pull(head: object = None, **more: Any) -> dict[str, Any]:
    return {
        "pull_request": {
            "number": 7,
            "head": {"sha": "feed", "repo": {"full_name": "acme/shop"} if head is None else head},
            "base": {"repo": {"full_name": "acme/shop"}},
        },
        "repository": REPOSITORY,
        **more,
    }


def test_on_a_terminal_there_is_no_github() -> None:
    found = context({}, {})
    assert found == Context()
    assert (found.commit, found.run_url) == ("", "")
    assert (found.server_url, found.api_url) == ("https://github.com", "https://api.github.com")


def test_a_push_names_commit_run_and_no_pull_request() -> None:
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_SHA": "c0ffee",
        "GITHUB_RUN_ID": "123",
        "GITHUB_RUN_ATTEMPT": "2",
        "GITHUB_SERVER_URL": "https://ghes.example/",
        "GITHUB_API_URL": "https://ghes.example/api/v3/ ",
        "GITHUB_ACTOR": "octocat",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_WORKFLOW": "Deploy",
    }
    found = context(environ, {"head_commit": {"id": "c0ffee"}, "repository": REPOSITORY})
    assert found == Context(
        actions=True,
        event_name="push",
        repository="acme/shop",
        sha="c0ffee",
        run_id=123,
        run_attempt=2,
        server_url="https://ghes.example",
        api_url="https://ghes.example/api/v3",
        actor="octocat",
        ref="refs/heads/main",
        workflow="Deploy",
    )
    assert found.commit == "c0ffee"
    assert found.run_url == "https://ghes.example/acme/shop/actions/runs/123"


@pytest.mark.parametrize("name", ["pull_request", "pull_request_target", "pull_request_review"])
def test_a_pull_request_is_its_head_and_not_the_merge_commit(name: str) -> None:
    found = context({"GITHUB_EVENT_NAME": name, "GITHUB_SHA": "merge"}, pull())
    assert (found.pull_request, found.commit, found.from_fork) == (7, "feed", False)
    assert (found.sha, found.head_sha, found.event_name) == ("merge", "feed", name)


@pytest.mark.parametrize("head", [{"full_name": "mallory/shop"}, {}, "gone", 0])
def test_another_repository_or_a_deleted_one_is_a_fork(head: object) -> None:
    assert context({"GITHUB_EVENT_NAME": "pull_request"}, pull(head)).from_fork


def test_a_head_repository_of_null_is_a_fork() -> None:
    event = pull()
    event["pull_request"]["head"]["repo"] = None
    assert context({"GITHUB_EVENT_NAME": "pull_request"}, event).from_fork


def test_repository_names_are_compared_without_case() -> None:
    assert not context({"GITHUB_EVENT_NAME": "pull_request"}, pull({"full_name": "Acme/Shop"})).from_fork


def test_a_comment_on_a_pull_request_may_be_about_a_forks_code() -> None:
    comment = {"issue": {"number": 9, "pull_request": {"url": "u"}}, "repository": REPOSITORY}
    found = context({"GITHUB_EVENT_NAME": "issue_comment"}, comment)
    assert (found.pull_request, found.from_fork) == (9, True)


def test_a_comment_on_an_issue_is_no_pull_request() -> None:
    found = context({"GITHUB_EVENT_NAME": "issue_comment"}, {"issue": {"number": 9}})
    assert (found.pull_request, found.from_fork) == (None, False)


@pytest.mark.parametrize("name", ["issue_comment", "workflow_run"])
@pytest.mark.parametrize("event", [{}, {"issue": None, "workflow_run": None}, {"workflow_run": {}, "issue": []}])
def test_what_an_event_does_not_say_is_taken_for_the_dangerous(name: str, event: dict[str, Any]) -> None:
    """Whose code it is about, of an event that runs with secrets and cannot be read."""
    found = context({"GITHUB_EVENT_NAME": name, "GITHUB_REPOSITORY": "acme/shop"}, event)
    assert (found.from_fork, found.pull_request, found.head_sha) == (True, None, "")


def test_a_comment_whose_pull_request_has_no_number_has_none() -> None:
    found = context({"GITHUB_EVENT_NAME": "issue_comment"}, {"issue": {"number": "x", "pull_request": {"url": "u"}}})
    assert (found.pull_request, found.from_fork) == (None, True)


def test_a_pull_request_is_also_known_by_the_events_own_number() -> None:
    found = context({"GITHUB_EVENT_NAME": "pull_request"}, {"number": 8})
    assert (found.pull_request, found.from_fork) == (8, False)


@pytest.mark.parametrize(("repository", "fork"), [("acme/shop", False), ("other/shop", True), ("", True)])
def test_the_runs_own_repository_stands_in_for_a_base_without_a_name(repository: str, fork: bool) -> None:
    event = pull()
    event["pull_request"]["base"] = {}
    environ = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REPOSITORY": repository}
    assert context(environ, event).from_fork is fork


def test_two_repositories_without_a_name_are_not_the_same() -> None:
    event = {"pull_request": {"head": {"repo": {}}, "base": {"repo": {}}}}
    assert context({"GITHUB_EVENT_NAME": "pull_request"}, event).from_fork is True


@pytest.mark.parametrize(("head", "fork"), [("acme/shop", False), ("mallory/shop", True)])
def test_a_workflow_run_tells_whose_code_it_is(head: str, fork: bool) -> None:
    event = {
        "workflow_run": {"head_sha": "feed", "head_repository": {"full_name": head}},
        "repository": REPOSITORY,
    }
    found = context({"GITHUB_EVENT_NAME": "workflow_run", "GITHUB_SHA": "main"}, event)
    assert (found.commit, found.from_fork, found.pull_request) == ("feed", fork, None)


def test_a_merge_group_has_a_head_and_no_pull_request() -> None:
    found = context({"GITHUB_EVENT_NAME": "merge_group"}, {"merge_group": {"head_sha": "feed"}})
    assert (found.commit, found.pull_request) == ("feed", None)


@pytest.mark.parametrize(
    ("repository", "public"),
    [
        ({"private": False}, True),
        ({"private": True}, False),
        ({"private": False, "visibility": "internal"}, False),
        ({"private": True, "visibility": "private"}, False),
        ({"visibility": "public"}, True),
        ({"private": True, "visibility": "public"}, True),
        ({"visibility": "new"}, True),
        ({"private": None}, True),
        ({"private": "true"}, True),
        ({}, True),
        ("odd", True),
        (None, True),
    ],
)
def test_under_a_runner_only_what_says_so_is_private(repository: object, public: bool) -> None:
    """A schedule's event, for one, has no repository in it."""
    assert context({"GITHUB_ACTIONS": "true"}, {"repository": repository}).public is public


def test_a_terminal_is_not_public() -> None:
    assert not context({}, {}).public


@pytest.mark.parametrize("text", ["", "abc", "-1", "1.5", "9" * 30, "１２"])
def test_numbers_that_are_none_are_zero(text: str) -> None:
    assert context({"GITHUB_RUN_ID": text}, {}).run_id == 0


@pytest.mark.parametrize(
    "event",
    [{"pull_request": None}, {"pull_request": []}, {"pull_request": {"number": "x", "head": 3}}, {"number": True}, {}],
)
def test_an_odd_event_is_no_crash(event: dict[str, Any]) -> None:
    assert context({"GITHUB_EVENT_NAME": "pull_request"}, event).pull_request is None
