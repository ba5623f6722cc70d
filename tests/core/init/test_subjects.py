"""The subjects of tokens: every form that GitHub gives them, and where they cannot be known."""

from __future__ import annotations

import pytest

from ci_deploy.core.init.subjects import Job, Known, Remote, Unpredictable, remote, subjects

HERE = Remote(owner="my-org", name="my-repo")
IDS = Known(owner_id="12", repository_id="345", visibility="private")
PUSH = Job(context="ref:refs/heads/main", event="push", workflow="deploy.yml", title="Deploy", ref="refs/heads/main")
PRODUCTION = Job(
    context="environment:production", event="push", workflow="deploy.yml", title="Deploy", ref="refs/heads/main"
)
PULL = Job(context="pull_request", event="pull_request", workflow="plan.yml", title="Plan")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("git@github.com:my-org/my-repo.git", "github.com"),
        ("https://github.com/my-org/my-repo", "github.com"),
        ("https://user:secret@github.com/my-org/my-repo.git/", "github.com"),
        ("ssh://git@ssh.github.com:443/my-org/my-repo.git", "github.com"),
        ("ssh://git@ghes.example.com/my-org/my-repo.git", "ghes.example.com"),
        ("git@GHES.example.com:/my-org/my-repo.git", "ghes.example.com"),
        ("git@acme.ghe.com:my-org/my-repo.git", "acme.ghe.com"),
    ],
)
def test_a_remote_says_where_the_repository_is(url: str, host: str) -> None:
    assert remote(url) == Remote(owner="my-org", name="my-repo", host=host)


@pytest.mark.parametrize("url", ["", "/srv/git/my-repo.git", "https://example.com/my-repo", "../other", "x y/z/a"])
def test_other_remotes_say_nothing(url: str) -> None:
    assert remote(url) is None


@pytest.mark.parametrize(
    ("host", "issuer", "api"),
    [
        ("github.com", "token.actions.githubusercontent.com", "https://api.github.com"),
        ("acme.ghe.com", "token.actions.acme.ghe.com", "https://api.acme.ghe.com"),
        ("ghes.example.com", "ghes.example.com/_services/token", "https://ghes.example.com/api/v3"),
    ],
)
def test_a_host_has_its_issuer_and_its_api(host: str, issuer: str, api: str) -> None:
    there = Remote(owner="o", name="r", host=host)
    assert (there.issuer, there.api) == (issuer, api)


def test_both_default_forms_where_the_ids_are_known() -> None:
    assert subjects(HERE, IDS, [PUSH, PRODUCTION]) == (
        "repo:my-org/my-repo:ref:refs/heads/main",
        "repo:my-org@12/my-repo@345:ref:refs/heads/main",
        "repo:my-org/my-repo:environment:production",
        "repo:my-org@12/my-repo@345:environment:production",
    )
    for unknown in (Known(why="HTTP 404"), Known(repository_id="345"), Known(owner_id="12")):
        assert subjects(HERE, unknown, [PULL]) == ("repo:my-org/my-repo:pull_request",)


def test_an_enterprise_server_has_no_ids_in_its_subjects() -> None:
    ghes = Remote(owner="my-org", name="my-repo", host="ghes.example.com")
    assert subjects(ghes, IDS, [PUSH]) == ("repo:my-org/my-repo:ref:refs/heads/main",)


@pytest.mark.parametrize(
    ("template", "job", "expected"),
    [
        (("repo", "context"), PRODUCTION, "repo:my-org/my-repo:environment:production"),
        (
            ("repository_owner", "repository_id", "repository_owner_id", "repository_visibility"),
            PULL,
            "repository_owner:my-org:repository_id:345:repository_owner_id:12:repository_visibility:private",
        ),
        (
            ("repository", "event_name", "workflow"),
            PULL,
            "repository:my-org/my-repo:event_name:pull_request:workflow:Plan",
        ),
        (("ref", "environment"), PRODUCTION, "ref:refs/heads/main:environment:production"),
        (
            ("repo", "job_workflow_ref"),
            PUSH,
            "repo:my-org/my-repo:job_workflow_ref:my-org/my-repo/.github/workflows/deploy.yml@refs/heads/main",
        ),
    ],
)
def test_a_template_of_the_repositorys_own(template: tuple[str, ...], job: Job, expected: str) -> None:
    known = Known(owner_id="12", repository_id="345", visibility="private", template=template)
    assert expected in subjects(HERE, known, [job])


def test_a_colon_in_a_claim_is_escaped() -> None:
    job = Job(context="pull_request", event="push", workflow="x.yml", title="Deploy: all")
    assert subjects(HERE, Known(template=("workflow",)), [job]) == ("workflow:Deploy%3A all",)


@pytest.mark.parametrize(
    ("claim", "job"), [("actor", PUSH), ("environment", PUSH), ("ref", PULL), ("job_workflow_ref", PULL)]
)
def test_a_claim_that_only_the_job_knows_is_named(claim: str, job: Job) -> None:
    with pytest.raises(Unpredictable, match=claim):
        subjects(HERE, Known(template=("repo", claim)), [job])
