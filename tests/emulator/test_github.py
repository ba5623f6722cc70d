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
