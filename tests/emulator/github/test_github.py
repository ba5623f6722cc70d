"""GitHub's part: comments, pulls, deployments, for any repository (facts B5)."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from codedeploy_emulator import Emulator

TOKEN = {"Authorization": "Bearer ghs_x"}


class Api:
    """Requests to GitHub's part."""

    def __init__(self, emulator: Emulator) -> None:
        self.base = emulator.env["GITHUB_API_URL"]

    def __call__(self, method: str, path: str, body: object = None, token: str | None = "ghs_x") -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(method, f"{self.base}{path}", json=body, headers=headers, timeout=5)


@pytest.fixture
def api(emulator: Emulator) -> Api:
    return Api(emulator)


COMMENTS = "/repos/any-org/any-repo/issues/42/comments"


def test_a_comment_is_created_found_edited_and_deleted(api: Api) -> None:
    made = api("POST", COMMENTS, {"body": "first"})
    assert made.status_code == 201
    comment = made.json()
    assert comment["user"]["login"] == "github-actions[bot]"
    assert comment["performed_via_github_app"]["slug"] == "github-actions"
    one = f"/repos/any-org/any-repo/issues/comments/{comment['id']}"
    assert api("PATCH", one, {"body": "second"}).json()["body"] == "second"
    assert [found["body"] for found in api("GET", COMMENTS).json()] == ["second"]
    assert api("GET", one).json()["id"] == comment["id"]
    assert api("DELETE", one).status_code == 204
    assert api("PATCH", one, {"body": "third"}).status_code == 404
    assert api("GET", "/repos/any-org/any-repo/issues/43/comments").json() == []


@pytest.mark.parametrize(("token", "login"), [("ghs_x", "github-actions[bot]"), ("ghp_x", "emulator-user")])
def test_graphql_says_who_asks(api: Api, token: str, login: str) -> None:
    api.base = api.base.removesuffix("/v3")
    query = {"query": "query { viewer { login } }"}
    assert api("POST", "/graphql", query, token).json() == {"data": {"viewer": {"login": login}}}
    assert api("POST", "/graphql", query, None).status_code == 401
    assert "data" not in api("POST", "/graphql", {"query": "query { viewer { id } }"}, token).json()


def test_comments_come_in_pages_that_link_to_each_other(api: Api) -> None:
    for number in range(5):
        api("POST", COMMENTS, {"body": str(number)})
    first = api("GET", COMMENTS + "?per_page=2")
    assert [comment["body"] for comment in first.json()] == ["0", "1"]
    assert set(first.links) == {"next", "last"}
    second = requests.get(first.links["next"]["url"], headers=TOKEN, timeout=5)
    assert set(second.links) == {"prev", "first", "next", "last"}
    last = requests.get(first.links["last"]["url"], headers=TOKEN, timeout=5)
    assert [comment["body"] for comment in last.json()] == ["4"]
    assert "next" not in last.links


def test_a_persons_token_writes_as_a_person(api: Api) -> None:
    comment = api("POST", COMMENTS, {"body": "x"}, token="ghp_x").json()
    assert (comment["user"]["type"], comment["performed_via_github_app"]) == ("User", None)


@pytest.mark.parametrize("body", [{}, {"body": "  "}, {"body": "x" * 65_537}])
def test_a_body_that_is_empty_or_too_long_is_refused(api: Api, body: dict[str, Any]) -> None:
    answer = api("POST", COMMENTS, body)
    assert answer.status_code == 422
    assert ("Body is too long (maximum is 65536 characters)" in answer.text) == ("x" in body.get("body", ""))


def test_writing_needs_a_token_and_reading_does_not(api: Api, emulator: Emulator) -> None:
    assert api("POST", COMMENTS, {"body": "x"}, token=None).status_code == 401
    assert api("GET", COMMENTS, token=None).status_code == 200
    emulator.switches(github_token="read")
    refused = api("POST", COMMENTS, {"body": "x"})
    assert (refused.status_code, refused.json()["message"]) == (403, "Resource not accessible by integration")


def test_any_pull_request_is_there_and_is_found_by_its_head(api: Api) -> None:
    pull = api("GET", "/repos/any-org/any-repo/pulls/9").json()
    assert (pull["number"], pull["state"]) == (9, "open")
    found = api("GET", f"/repos/any-org/any-repo/commits/{pull['head']['sha']}/pulls").json()
    assert [one["number"] for one in found] == [9]
    assert api("GET", f"/repos/any-org/any-repo/commits/{'0' * 40}/pulls").json() == []
    assert api("GET", "/repos/any-org/any-repo/issues/9").json()["pull_request"]


def test_a_deployment_has_statuses_and_a_success_retires_the_one_before(api: Api) -> None:
    base = "/repos/any-org/any-repo/deployments"
    made = [
        api("POST", base, {"ref": "main", "environment": "staging", "auto_merge": False, "required_contexts": []})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in made] == [201, 201]
    first, second = (answer.json()["id"] for answer in made)
    for identity in (first, second):
        assert api("POST", f"{base}/{identity}/statuses", {"state": "success"}).status_code == 201
    assert api("GET", f"{base}/{first}/statuses").json()[0]["state"] == "inactive"
    assert api("GET", f"{base}/{second}/statuses").json()[0]["state"] == "success"
    assert [found["id"] for found in api("GET", base + "?environment=staging").json()] == [second, first]
    assert api("POST", f"{base}/{first}/statuses", {"state": "done"}).status_code == 422
    long = {"state": "success", "description": "x" * 141}
    assert api("POST", f"{base}/{first}/statuses", long).status_code == 422


def test_what_github_has_but_the_emulator_has_not_is_404_in_githubs_form(api: Api) -> None:
    answer = api("GET", "/repos/any-org/any-repo/actions/runs")
    assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")


def test_calls_are_named_by_route_templates(api: Api, emulator: Emulator) -> None:
    api("POST", COMMENTS, {"body": "x"})
    call = emulator.calls[-1]
    assert (call["service"], call["operation"], call["status"]) == (
        "github",
        "POST /repos/{owner}/{repo}/issues/{issue_number}/comments",
        201,
    )


def test_a_jobs_token_is_no_person(api: Api) -> None:
    assert api("GET", "/user").status_code == 403
    assert api("GET", "/user", token="ghp_x").json()["type"] == "User"
    assert api("GET", "/repos/any-org/any-repo").json()["full_name"] == "any-org/any-repo"


@pytest.mark.parametrize(("raw", "message"), [("{", "Problems parsing JSON"), ("[1]", "Body should be a JSON object")])
def test_a_body_that_is_no_json_object_is_a_bad_request(emulator: Emulator, raw: str, message: str) -> None:
    url = f"{emulator.env['GITHUB_API_URL']}{COMMENTS}"
    answer = requests.post(url, data=raw, headers=TOKEN, timeout=5)
    assert (answer.status_code, answer.json()["message"], answer.json()["status"]) == (400, message, "400")
    assert answer.json()["documentation_url"]


def test_comments_of_all_issues_are_listed_since_a_moment(api: Api, emulator: Emulator) -> None:
    api("POST", COMMENTS, {"body": "old"})
    emulator.advance(60)
    new = api("POST", COMMENTS.replace("42", "43"), {"body": "new"}).json()
    every = api("GET", "/repos/any-org/any-repo/issues/comments").json()
    assert [comment["body"] for comment in every] == ["old", "new"]
    since = api("GET", f"/repos/any-org/any-repo/issues/comments?since={new['updated_at']}").json()
    assert [comment["body"] for comment in since] == ["new"]
    strange = api("GET", f"{COMMENTS}?per_page=none&page=0").json()
    assert [comment["body"] for comment in strange] == ["old"]


def test_an_issue_counts_its_comments_and_is_no_pull_request_until_there_is_one(api: Api) -> None:
    api("POST", COMMENTS, {"body": "x"})
    issue = api("GET", "/repos/any-org/any-repo/issues/42").json()
    assert (issue["number"], issue["state"], issue["title"], issue["comments"]) == (42, "open", "Issue 42", 1)
    assert "pull_request" not in issue


def test_pull_requests_are_listed_by_state_and_head(api: Api) -> None:
    pulls = [api("GET", f"/repos/any-org/any-repo/pulls/{number}").json() for number in (1, 2)]
    head = pulls[1]["head"]["ref"]
    assert [one["number"] for one in api("GET", "/repos/any-org/any-repo/pulls").json()] == [1, 2]
    assert [one["number"] for one in api("GET", "/repos/any-org/any-repo/pulls?state=all").json()] == [1, 2]
    assert api("GET", "/repos/any-org/any-repo/pulls?state=closed").json() == []
    found = api("GET", f"/repos/any-org/any-repo/pulls?head=any-org:{head}").json()
    assert [one["number"] for one in found] == [pull["number"] for pull in pulls if pull["head"]["ref"] == head]
    assert api("GET", "/repos/any-org/any-repo/pulls?head=any-org:none").json() == []


DEPLOYMENTS = "/repos/any-org/any-repo/deployments"


def test_a_deployment_needs_a_ref_and_has_githubs_defaults(api: Api) -> None:
    refused = api("POST", DEPLOYMENTS, {})
    error = {"resource": "Deployment", "code": "missing_field", "field": "ref"}
    assert (refused.status_code, refused.json()["errors"]) == (422, [error])
    sha = "0" * 40
    made = api("POST", DEPLOYMENTS, {"ref": sha}).json()
    assert (made["sha"], made["task"], made["environment"], made["production_environment"]) == (
        sha,
        "deploy",
        "production",
        True,
    )
    assert api("GET", f"{DEPLOYMENTS}/{made['id']}").json() == made
    assert api("GET", f"{DEPLOYMENTS}?sha={sha}&task=deploy").json() == [made]
    assert api("GET", f"{DEPLOYMENTS}?ref=main").json() == []


@pytest.mark.parametrize("path", ["/9", "/9/statuses"])
def test_a_deployment_that_does_not_exist_is_not_found(api: Api, path: str) -> None:
    answer = api("GET", f"{DEPLOYMENTS}{path}")
    assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")
    assert api("POST", f"{DEPLOYMENTS}/9/statuses", {"state": "success"}).status_code == 404


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"environment": "staging"}, {"auto_inactive": False}, "success"),
        ({"environment": "staging", "transient_environment": True}, {}, "success"),
        ({"environment": "production"}, {}, "success"),
        ({"environment": "staging"}, {}, "inactive"),
    ],
)
def test_a_success_retires_only_what_github_says(
    api: Api, first: dict[str, Any], second: dict[str, Any], expected: str
) -> None:
    old, new = (
        api("POST", DEPLOYMENTS, {"ref": "main", **first}).json()["id"],
        api("POST", DEPLOYMENTS, {"ref": "main", "environment": first["environment"]}).json()["id"],
    )
    api("POST", f"{DEPLOYMENTS}/{old}/statuses", {"state": "success"})
    api("POST", f"{DEPLOYMENTS}/{new}/statuses", {"state": "success", **second})
    assert api("GET", f"{DEPLOYMENTS}/{old}/statuses").json()[0]["state"] == expected


def test_who_asks_and_how_often_they_may(api: Api) -> None:
    nobody = api("GET", "/user", token=None)
    assert (nobody.status_code, nobody.json()["message"]) == (401, "Requires authentication")
    assert api("GET", "/user", token="github_pat_x").json()["type"] == "User"
    limit = api("GET", "/rate_limit")
    assert limit.json()["rate"]["limit"] == int(limit.headers["X-RateLimit-Limit"]) == 1000
