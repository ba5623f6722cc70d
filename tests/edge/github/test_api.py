"""GitHub's REST client: what is sent, what is read, how it fails. Against `responses`, the only fake of `requests`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import requests
import responses

from ci_deploy.edge.github.api import PAGES, RestGitHub
from ci_deploy.ports import GitHubError

API = "https://github.example/api/v3"
REPOSITORY = f"{API}/repos/octo-shop/checkout"
TOKEN = "ghs_not-a-real-token"


@pytest.fixture
def api() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def client(token: str = TOKEN) -> RestGitHub:
    return RestGitHub(api_url=f"{API}/", repository="octo-shop/checkout", token=token)


def a_comment(number: int, body: str = "x", login: str = "github-actions[bot]", kind: str = "Bot") -> dict[str, object]:
    return {"id": number, "body": body, "user": {"login": login, "type": kind}, "html_url": f"https://x/{number}"}


def test_every_request_says_who_and_which_version(api: responses.RequestsMock) -> None:
    """Token, API version and user agent are on every request."""
    api.get(f"{REPOSITORY}/issues/7/comments", json=[])
    list(client().comments(7))
    headers = api.calls[0].request.headers
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["X-GitHub-Api-Version"] == "2022-11-28"
    assert headers["Accept"] == "application/vnd.github+json"
    assert str(headers["User-Agent"]).startswith("ci-deploy/")
    assert "per_page=100" in str(api.calls[0].request.url)


def test_a_netrc_does_not_replace_the_token(
    api: responses.RequestsMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A .netrc in the job's home is not asked."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine github.example login mallory password fake\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    api.get(f"{REPOSITORY}/issues/7/comments", json=[])
    list(client().comments(7))
    assert api.calls[0].request.headers["Authorization"] == f"Bearer {TOKEN}"


def test_comments_come_page_by_page(api: responses.RequestsMock) -> None:
    """The next page is asked for when it is needed, by the address that GitHub gives."""
    following = f"{REPOSITORY}/issues/7/comments?per_page=100&page=2"
    api.get(
        f"{REPOSITORY}/issues/7/comments",
        json=[a_comment(1)],
        headers={"Link": f'<{following}>; rel="next", <{following}>; rel="last"'},
    )
    api.get(following, json=[a_comment(2, login="mona", kind="User")], match_querystring=None)
    found = client().comments(7)
    assert next(found).id == 1
    assert len(api.calls) == 1
    second = next(found)
    assert (second.id, second.author) == (2, "mona")
    assert list(found) == []


def test_the_token_goes_to_no_other_host(api: responses.RequestsMock) -> None:
    """A `next` that leads elsewhere is not followed."""
    api.get(
        f"{REPOSITORY}/issues/7/comments",
        json=[a_comment(1)],
        headers={"Link": '<https://evil.example/comments?page=2>; rel="next"'},
    )
    assert [comment.id for comment in client().comments(7)] == [1]


def test_a_comment_of_a_deleted_user(api: responses.RequestsMock) -> None:
    """`user` and `body` may be null."""
    api.get(f"{REPOSITORY}/issues/7/comments", json=[{"id": 1, "body": None, "user": None}])
    [comment] = client().comments(7)
    assert (comment.body, comment.author) == ("", "")


def test_create_and_edit(api: responses.RequestsMock) -> None:
    """POST to the issue, PATCH to the comment."""
    api.post(f"{REPOSITORY}/issues/7/comments", json=a_comment(5, "hello"), status=201)
    api.patch(f"{REPOSITORY}/issues/comments/5", json=a_comment(5, "bye"))
    assert client().create_comment(7, "hello").id == 5
    assert client().edit_comment(5, "bye").body == "bye"
    assert [json.loads(call.request.body or "") for call in api.calls] == [{"body": "hello"}, {"body": "bye"}]


def test_pull_requests_of_a_commit(api: responses.RequestsMock) -> None:
    """Merged, open and closed are told apart."""
    items = [
        {
            "number": 1,
            "state": "closed",
            "merged_at": "2026-11-01T00:00:00Z",
            "merge_commit_sha": "m",
            "head": {"sha": "h"},
        },
        {"number": 2, "state": "open", "merged_at": None, "merge_commit_sha": None, "head": {"sha": "h2"}},
        {"number": 3, "state": "closed", "merged_at": None, "head": None},
    ]
    api.get(f"{REPOSITORY}/commits/abc/pulls", json=items)
    first, second, third = client().pull_requests_of("abc")
    assert (first.merged, first.open, first.merge_sha, first.head_sha) == (True, False, "m", "h")
    assert (second.merged, second.open, second.merge_sha) == (False, True, "")
    assert (third.merged, third.open) == (False, False)


def test_a_deployment_merges_nothing_and_waits_for_nothing(api: responses.RequestsMock) -> None:
    """`auto_merge` false, no required contexts."""
    api.post(f"{REPOSITORY}/deployments", json={"id": 9}, status=201)
    api.post(f"{REPOSITORY}/deployments/9/statuses", json={"id": 1}, status=201)
    made = client().create_deployment(
        ref="abc", environment="prod", description="d", payload={"run": "1"}, production=True
    )
    client().deployment_status(
        made, state="success", description="d", environment="prod", log_url="https://l", environment_url="https://e"
    )
    body = json.loads(api.calls[0].request.body or "")
    assert (body["auto_merge"], body["required_contexts"], body["production_environment"]) == (False, [], True)
    status = json.loads(api.calls[1].request.body or "")
    assert status == {
        "state": "success",
        "description": "d",
        "environment": "prod",
        "log_url": "https://l",
        "environment_url": "https://e",
    }


def test_an_accepted_deployment_that_was_not_made(api: responses.RequestsMock) -> None:
    """202 with a message only: no id is an error like any other, not a crash."""
    api.post(f"{REPOSITORY}/deployments", json={"message": "Auto-merged"}, status=202)
    with pytest.raises(GitHubError, match="Auto-merged"):
        client().create_deployment(ref="a", environment="p", description="", payload={}, production=None)


GRAPHQL = f"{API.removesuffix('/v3')}/graphql"
VIEWER = {"data": {"viewer": {"login": "an-app[bot]"}}}


@pytest.mark.parametrize(
    ("api_url", "graphql"),
    [
        ("https://api.github.com", "https://api.github.com/graphql"),
        ("https://api.octo.ghe.com", "https://api.octo.ghe.com/graphql"),
        ("https://github.example/api/v3", "https://github.example/api/graphql"),
    ],
)
def test_an_apps_token_asks_graphql_who_it_is(api: responses.RequestsMock, api_url: str, graphql: str) -> None:
    """GITHUB_TOKEN, too, may not read /user."""
    api.post(graphql, json=VIEWER)
    assert RestGitHub(api_url=api_url, repository="octo-shop/checkout", token=TOKEN).login() == "an-app[bot]"
    assert json.loads(api.calls[0].request.body or "") == {"query": "query { viewer { login } }"}


@pytest.mark.parametrize(
    "answer",
    [
        {"json": {"message": "Not Found"}, "status": 404},
        {"json": {"message": "Resource not accessible by integration"}, "status": 403},
        {"json": {"errors": [{"message": "no"}], "data": None}},
        {"json": {"data": {"viewer": None}}},
        {"json": ["login"]},
    ],
)
def test_who_cannot_find_out_is_a_job(api: responses.RequestsMock, answer: dict[str, Any]) -> None:
    """A server without GraphQL: another app's comment is not taken for ours, whichever token this is."""
    api.post(GRAPHQL, **answer)
    assert client().login() == "github-actions[bot]"


@pytest.mark.parametrize("token", [TOKEN, "not-a-real-token"])
def test_who_is_asking_is_no_guess_while_github_is_away(api: responses.RequestsMock, token: str) -> None:
    """Otherwise a bad minute would leave a second comment."""
    (api.get if token != TOKEN else api.post)(f"{API}/user" if token != TOKEN else GRAPHQL, json={}, status=502)
    with pytest.raises(GitHubError) as caught:
        client(token).login()
    assert caught.value.transient
    assert len(api.calls) == 2


def test_a_user_asks_who_they_are(api: responses.RequestsMock) -> None:
    """A personal token's comments are the user's."""
    api.get(f"{API}/user", json={"login": "mona"})
    assert client("not-a-real-token").login() == "mona"


def test_who_may_not_ask_rest_asks_graphql(api: responses.RequestsMock) -> None:
    """403 on /user means an app's token, of whatever form."""
    api.get(f"{API}/user", json={"message": "Resource not accessible by integration"}, status=403)
    api.post(GRAPHQL, json=VIEWER)
    assert client("not-a-real-token").login() == "an-app[bot]"


@pytest.mark.parametrize("status", [401, 403, 404, 410, 422])
def test_a_refusal_is_one_kind_of_error(api: responses.RequestsMock, status: int) -> None:
    """Status and GitHub's message, and no other exception."""
    api.post(f"{REPOSITORY}/issues/7/comments", json={"message": "Not like this"}, status=status)
    with pytest.raises(GitHubError) as caught:
        client().create_comment(7, "x")
    assert (caught.value.status, caught.value.message, caught.value.transient) == (status, "Not like this", False)


def test_secondary_limit_says_how_long(api: responses.RequestsMock) -> None:
    """`retry-after` in seconds."""
    api.post(f"{REPOSITORY}/issues/7/comments", json={}, status=403, headers={"Retry-After": "17"})
    with pytest.raises(GitHubError) as caught:
        client().create_comment(7, "x")
    assert caught.value.retry_after == 17.0
    assert caught.value.transient


def test_primary_limit_lasts_until_its_reset(api: responses.RequestsMock) -> None:
    """Reckoned by GitHub's own clock, not the machine's."""
    headers = {
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "1700000090",
        "Date": formatdate(1700000000, usegmt=True),
    }
    api.post(f"{REPOSITORY}/issues/7/comments", json={}, status=403, headers=headers)
    with pytest.raises(GitHubError) as caught:
        client().create_comment(7, "x")
    assert caught.value.retry_after == 90.0


@pytest.mark.parametrize("headers", [{}, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "soon"}])
def test_a_limit_without_details_is_a_minute(api: responses.RequestsMock, headers: dict[str, str]) -> None:
    """429 without usable headers: at least 60 s, as GitHub asks."""
    api.post(f"{REPOSITORY}/issues/7/comments", json={}, status=429, headers=headers)
    with pytest.raises(GitHubError) as caught:
        client().create_comment(7, "x")
    assert caught.value.retry_after == 60.0


@pytest.mark.parametrize(
    ("message", "headers"),
    [
        ("You have exceeded a secondary rate limit. Please wait a few minutes before you try again.", {}),
        ("API rate limit exceeded for installation ID 7.", {"X-RateLimit-Remaining": "0"}),
        (
            "API rate limit exceeded for installation ID 7.",
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000090", "Date": "soon"},
        ),
    ],
)
def test_a_limit_that_comes_as_403_is_not_taken_for_a_missing_permission(
    api: responses.RequestsMock, message: str, headers: dict[str, str]
) -> None:
    """GitHub uses 403 for both, and does not always say how long."""
    api.post(f"{REPOSITORY}/issues/7/comments", json={"message": message}, status=403, headers=headers)
    with pytest.raises(GitHubError) as caught:
        client().create_comment(7, "x")
    assert (caught.value.retry_after, caught.value.transient) == (60.0, True)


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ([{"code": "unprocessable", "message": "Body is too long"}], "Validation Failed: Body is too long"),
        ([{"resource": "Deployment", "code": "missing_field"}, "ref"], "Validation Failed: missing_field: ref"),
        ([None, {}], "Validation Failed"),
        ("text", "Validation Failed"),
        (None, "Validation Failed"),
    ],
)
def test_a_422_says_what_was_not_valid(api: responses.RequestsMock, errors: object, told: str) -> None:
    body = {"message": "Validation Failed", "errors": errors}
    api.post(f"{REPOSITORY}/issues/7/comments", json=body, status=422)
    with pytest.raises(GitHubError) as caught:
        client().create_comment(7, "x")
    assert str(caught.value) == f"422: {told}"


@pytest.mark.parametrize("body", ["<html>", "[]", '{"message": null}'])
def test_a_refusal_without_a_message_has_the_statuss_words(api: responses.RequestsMock, body: str) -> None:
    api.post(f"{REPOSITORY}/issues/7/comments", body=body, status=403)
    with pytest.raises(GitHubError, match=r"^403: Forbidden$"):
        client().create_comment(7, "x")


def test_a_failure_while_asking_who_it_is_may_pass(api: responses.RequestsMock) -> None:
    """Taken for an app, the token's own comment would not be found, and made a second time."""
    api.get(f"{API}/user", status=502)
    with pytest.raises(GitHubError) as caught:
        client("not-a-real-token").login()
    assert caught.value.transient


def test_a_pull_request_without_end_is_not_read_for_ever(api: responses.RequestsMock) -> None:
    address = f"{REPOSITORY}/issues/7/comments"
    api.get(address, json=[a_comment(1)], headers={"Link": f'<{address}?page=2>; rel="next"'})
    assert len(list(client().comments(7))) == PAGES == len(api.calls)


@pytest.mark.parametrize("environment_url", ["", "https://shop.example"])
def test_a_status_links_the_run_and_where_it_serves(api: responses.RequestsMock, environment_url: str) -> None:
    api.post(f"{REPOSITORY}/deployments/5/statuses", json={"id": 1}, status=201)
    client().deployment_status(
        5, state="success", description="d", environment="prod", log_url="https://run", environment_url=environment_url
    )
    sent = {"state": "success", "description": "d", "environment": "prod", "log_url": "https://run"}
    wanted = sent | ({"environment_url": environment_url} if environment_url else {})
    assert json.loads(str(api.calls[0].request.body, "utf-8")) == wanted


def test_a_read_is_asked_twice_and_a_write_once(api: responses.RequestsMock) -> None:
    """A lost read costs nothing to repeat; a lost write might have worked."""
    api.get(f"{REPOSITORY}/issues/7/comments", status=502)
    api.get(f"{REPOSITORY}/issues/7/comments", json=[a_comment(1)])
    api.post(f"{REPOSITORY}/issues/7/comments", status=502, body="<html>")
    assert len(list(client().comments(7))) == 1
    with pytest.raises(GitHubError) as caught:
        client().create_comment(7, "x")
    assert caught.value.transient
    assert len(api.calls) == 3


def test_a_read_whose_connection_broke_is_asked_again(api: responses.RequestsMock) -> None:
    api.get(f"{REPOSITORY}/commits/abc/pulls", body=requests.ConnectionError("reset"))
    api.get(f"{REPOSITORY}/commits/abc/pulls", json=[])
    assert client().pull_requests_of("abc") == ()
    assert len(api.calls) == 2


def test_a_list_that_is_none_is_an_error_and_not_an_empty_one(api: responses.RequestsMock) -> None:
    """Otherwise our own comment would seem to be missing, and be made a second time."""
    api.get(f"{REPOSITORY}/issues/7/comments", json={"message": "maintenance"})
    with pytest.raises(GitHubError, match="200: the answer is not a list"):
        list(client().comments(7))


def test_no_answer_is_an_error_of_ours(api: responses.RequestsMock) -> None:
    """Resets, time-outs, DNS: GitHubError with status 0, and no token in its text."""
    api.post(f"{REPOSITORY}/issues/7/comments", body=requests.ConnectionError(f"reset while sending {TOKEN}"))
    with pytest.raises(GitHubError) as caught:
        client().create_comment(7, "x")
    assert caught.value.status == 0
    assert caught.value.transient
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("body", ["not json", "[]", '"text"', "null"])
def test_an_answer_of_another_shape(api: responses.RequestsMock, body: str) -> None:
    """A proxy's page is an error, not a crash."""
    api.post(f"{REPOSITORY}/issues/7/comments", body=body, status=201)
    with pytest.raises(GitHubError):
        client().create_comment(7, "x")


def test_a_redirect_is_not_followed_by_a_write(api: responses.RequestsMock) -> None:
    """A renamed repository: requests would turn the POST into a GET."""
    api.post(
        f"{REPOSITORY}/issues/7/comments", status=301, headers={"Location": f"{API}/repositories/1/issues/7/comments"}
    )
    with pytest.raises(GitHubError) as caught:
        client().create_comment(7, "x")
    assert caught.value.status == 301
