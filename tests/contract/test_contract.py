"""What we ask of GitHub, and what the emulator answers in its place, are as GitHub describes them.

Recorded on the emulator's wire, from whole runs of the action and from every operation that the emulator has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import responses

from ci_deploy.edge.github.api import RestGitHub
from ci_deploy.ports import GitHubError
from codedeploy_emulator import Emulator
from codedeploy_emulator.github.routes import ROUTES
from codedeploy_emulator.server.http import Server
from codedeploy_emulator.server.wire import Request, Response
from tests.contract.description import Description, Exchange, load
from tests.support.action import CHECKOUT, REPOSITORY, SIGINT, Finished, Runner, event

pytestmark = pytest.mark.full

SEED = Path(__file__).parents[2] / "codedeploy_emulator" / "seeds" / "demo.yaml"
SHA = "0123456789abcdef0123456789abcdef01234567"
PERSON = "ghp_not-a-real-token"
REPO = f"/repos/{REPOSITORY}"
MERGED = {"number": 12, "merged": True, "merge_commit_sha": SHA}


@pytest.fixture(scope="module")
def github() -> Description:
    return load()


class Wire:
    """Every exchange with the emulator's GitHub part."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def record(self, request: Request, response: Response) -> None:
        exchange = Exchange(
            method=request.method,
            path=request.path.removeprefix("/api/v3"),
            query=request.query,
            body=request.json(),
            status=response.status,
            answer=json.loads(response.body) if response.body else None,
            headers=request.headers,
        )
        self.exchanges.append(exchange)

    def seen(self) -> set[str]:
        """Operations and statuses: `POST /repos/{owner}/{repo}/deployments 201`."""
        found = set()
        for exchange in self.exchanges:
            for method, template, pattern, _ in ROUTES:
                if method == exchange.method and pattern.fullmatch(exchange.path):
                    found.add(f"{method} {template} {exchange.status}")
                    break
        return found


@pytest.fixture(scope="module")
def _world() -> Iterator[tuple[Emulator, Wire]]:
    wire = Wire()
    respond = Server.respond

    def recorded(self: Server, request: Request) -> Response:
        response = respond(self, request)
        if request.path.startswith("/api/v3/") and not response.dropped:
            wire.record(request, response)
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Server, "respond", recorded)
        with Emulator(speed=300, seed=SEED) as emulator:
            yield emulator, wire


@pytest.fixture
def emulator(_world: tuple[Emulator, Wire]) -> Emulator:
    emulator, wire = _world
    emulator.reset()
    wire.exchanges.clear()
    return emulator


@pytest.fixture
def wire(emulator: Emulator, _world: tuple[Emulator, Wire]) -> Wire:
    return _world[1]


@pytest.fixture
def runner(emulator: Emulator, tmp_path: Path) -> Runner:
    return Runner(env=emulator.env, folder=tmp_path)


def held(github: Description, wire: Wire, *operations: str) -> None:
    """Assert that these were among what was exchanged, and that all of it is as described."""
    assert {operation.replace("REPO", "/repos/{owner}/{repo}") for operation in operations} <= wire.seen()
    problems = [problem for exchange in wire.exchanges for problem in github.problems(exchange)]
    assert problems == [], "\n".join(problems)


def chatter(emulator: Emulator, number: int, count: int) -> None:
    """Comments of other people."""
    address = f"{emulator.env['GITHUB_API_URL']}{REPO}/issues/{number}/comments"
    for n in range(count):
        headers = {"Authorization": f"Bearer {PERSON}"}
        requests.post(address, json={"body": f"nice {n}"}, headers=headers, timeout=10).raise_for_status()


# --- whole runs ------------------------------------------------------------------------------------------------------

DEPLOY = {**CHECKOUT, "github-deployment": "staging", "environment-url": "https://shop.example"}


def test_a_pull_requests_run(github: Description, wire: Wire, emulator: Emulator, runner: Runner) -> None:
    """The comment is looked for over two pages, created, edited; a GitHub deployment goes through its states."""
    chatter(emulator, 7, 101)
    runner.run(DEPLOY).check(0, outcome="succeeded")
    comments = "REPO/issues/{issue_number}/comments"
    held(
        github,
        wire,
        f"GET {comments} 200",
        f"POST {comments} 201",
        "PATCH REPO/issues/comments/{comment_id} 200",
        "POST REPO/deployments 201",
        "POST REPO/deployments/{deployment_id}/statuses 201",
    )
    pages = [exchange.query["page"] for exchange in wire.exchanges if "page" in exchange.query]
    assert pages == ["2"]


def test_a_pushs_run(github: Description, wire: Wire, emulator: Emulator, runner: Runner) -> None:
    """The merged pull request of the commit is looked up, by a person's token that may ask who it is."""
    emulator.github.add_pull(REPOSITORY, 12, MERGED)
    push = {"event_name": "push", "payload": event(None), "environ": {"GITHUB_REF": "refs/heads/main"}}
    runner.run({**CHECKOUT, "github-token": PERSON}, **push).check(0, outcome="succeeded")
    held(
        github,
        wire,
        "GET REPO/commits/{commit_sha}/pulls 200",
        "GET /user 200",
        "POST REPO/issues/{issue_number}/comments 201",
    )
    assert any(exchange.path == f"{REPO}/issues/12/comments" for exchange in wire.exchanges)


def test_a_cancelled_run_and_its_post_step(github: Description, wire: Wire, runner: Runner) -> None:
    """What the post step adds is as described too."""
    step = runner.start(DEPLOY)
    step.wait_for("Traffic")
    step.signal(SIGINT)
    done: Finished = step.wait()
    runner.finish(done, DEPLOY)
    held(github, wire, "POST REPO/deployments/{deployment_id}/statuses 201")


def test_a_run_that_may_only_read(github: Description, wire: Wire, emulator: Emulator, runner: Runner) -> None:
    """403 to each write, in GitHub's form, and the deployment is none the worse for it."""
    emulator.switches(github_token="read")
    runner.run(DEPLOY).check(0, outcome="succeeded")
    held(github, wire, "POST REPO/issues/{issue_number}/comments 403", "POST REPO/deployments 403")


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"fault": "throttle"}, 403),
        ({"fault": "throttle", "retry-after": 1}, 403),
        ({"fault": "error500"}, 500),
        ({"fault": "expired-token"}, 401),
        ({"fault": "access-denied"}, 403),
    ],
)
def test_a_run_with_trouble(
    github: Description, wire: Wire, emulator: Emulator, runner: Runner, fault: dict[str, Any], status: int
) -> None:
    """The emulator's faults are GitHub's error answers."""
    emulator.faults([{**fault, "service": "github", "times": 3}])
    runner.run(DEPLOY).check(0, outcome="succeeded")
    assert status in {exchange.status for exchange in wire.exchanges}
    held(github, wire)


# --- the rest of the client and of the emulator ----------------------------------------------------------------------


def test_refusals(github: Description, wire: Wire, emulator: Emulator) -> None:
    """404 for a comment that is gone, 422 for one that is too long, for no ref and for a state that is none."""
    client = RestGitHub(api_url=emulator.env["GITHUB_API_URL"], repository=REPOSITORY, token=PERSON)
    body = "x" * 70_000
    for status, ask in (
        (404, lambda: client.edit_comment(99, "x")),
        (422, lambda: client.create_comment(7, body)),
        (422, lambda: client.create_comment(7, " ")),
        (422, lambda: _deploy(client, ref="")),
        (422, lambda: _status(client, _deploy(client, ref="main"), "success", "x" * 141)),
        (404, lambda: _status(client, 99, "success", "x")),
    ):
        with pytest.raises(GitHubError) as caught:
            ask()
        assert caught.value.status == status
    held(
        github,
        wire,
        "PATCH REPO/issues/comments/{comment_id} 404",
        "POST REPO/issues/{issue_number}/comments 422",
        "POST REPO/deployments 422",
        "POST REPO/deployments/{deployment_id}/statuses 422",
        "POST REPO/deployments/{deployment_id}/statuses 404",
    )


def _deploy(client: RestGitHub, *, ref: str) -> int:
    return client.create_deployment(ref=ref, environment="staging", description="", payload={}, production=False)


def _status(client: RestGitHub, deployment: int, state: str, description: str) -> None:
    client.deployment_status(
        deployment, state=state, description=description, environment="staging", log_url="", environment_url=""
    )


def test_everything_that_the_emulator_answers(github: Description, wire: Wire, emulator: Emulator) -> None:
    """Each of its operations, with and without content, for a job's token and for a person's."""
    emulator.github.add_pull(REPOSITORY, 12, {**MERGED, "fork": "somebody/checkout"})
    session, base = requests.Session(), emulator.env["GITHUB_API_URL"]

    def ask(method: str, path: str, body: dict[str, Any] | None = None, token: str = PERSON) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = session.request(method, base + path, json=body, headers=headers, timeout=10)
        return answer.json() if answer.content else None

    for token in (PERSON, "ghs_not-a-real-token", ""):
        for path in ("/user", "/rate_limit", REPO, f"{REPO}/commits/{SHA}/pulls"):
            ask("GET", path, token=token)
    for state in ("open", "closed", "all"):
        ask("GET", f"{REPO}/pulls?state={state}")
    for number in (12, 13):
        ask("GET", f"{REPO}/pulls/{number}")
        ask("GET", f"{REPO}/issues/{number}")
    comment = ask("POST", f"{REPO}/issues/12/comments", {"body": "x"}, "ghs_not-a-real-token")["id"]
    ask("GET", f"{REPO}/issues/comments?per_page=1")
    ask("GET", f"{REPO}/issues/12/comments")
    one = f"{REPO}/issues/comments/{comment}"
    for method, body in (("GET", None), ("PATCH", {"body": "y"}), ("DELETE", None), ("GET", None)):
        ask(method, one, body)
    ids = [ask("POST", f"{REPO}/deployments", {"ref": ref, "environment": "staging"})["id"] for ref in ("main", SHA)]
    for identity in ids:
        ask("POST", f"{REPO}/deployments/{identity}/statuses", {"state": "success"})
    for identity in ids:
        ask("GET", f"{REPO}/deployments/{identity}")
        statuses = ask("GET", f"{REPO}/deployments/{identity}/statuses")
        assert all(status["deployment_url"].endswith(f"/{identity}") for status in statuses)
    ask("GET", f"{REPO}/deployments?environment=staging&per_page=1")
    held(github, wire)
    assert {operation.rpartition(" ")[0] for operation in wire.seen()} == {
        f"{method} {template}" for method, template, _, _ in ROUTES
    }


def test_every_request_asks_for_a_version_that_github_has(wire: Wire, emulator: Emulator) -> None:
    """The version that is asked for is one that GitHub answers in, and JSON is asked for."""
    client = RestGitHub(api_url=emulator.env["GITHUB_API_URL"], repository=REPOSITORY, token=PERSON)
    list(client.comments(7))
    client.create_comment(7, "x")
    assert {exchange.headers["x-github-api-version"] for exchange in wire.exchanges} == {"2022-11-28"}
    assert {exchange.headers["accept"] for exchange in wire.exchanges} == {"application/vnd.github+json"}
    assert wire.exchanges[-1].headers["content-type"] == "application/json"


# --- GitHub's own answers --------------------------------------------------------------------------------------------


def test_the_client_reads_githubs_own_examples(github: Description) -> None:
    """What GitHub gives as examples of its answers is understood."""
    base = "https://api.github.com/repos/your-org/checkout"
    repo = "/repos/{owner}/{repo}"
    client = RestGitHub(api_url="https://api.github.com", repository="your-org/checkout", token=PERSON)
    with responses.RequestsMock() as api:

        def answers(method: str, path: str, template: str, status: int = 200) -> None:
            [example, *_] = github.examples(method, template, status)
            api.add(method, path, json=example, status=status)

        comments = "/issues/{issue_number}/comments"
        answers("GET", f"{base}/issues/7/comments", repo + comments)
        answers("POST", f"{base}/issues/7/comments", repo + comments, 201)
        answers("PATCH", f"{base}/issues/comments/1", repo + "/issues/comments/{comment_id}")
        answers("GET", f"{base}/commits/{SHA}/pulls", repo + "/commits/{commit_sha}/pulls")
        answers("POST", f"{base}/deployments", repo + "/deployments", 201)
        answers("POST", f"{base}/deployments/1/statuses", repo + "/deployments/{deployment_id}/statuses", 201)
        answers("GET", "https://api.github.com/user", "/user")
        [found] = client.comments(7)
        assert (found.author, found.body) == ("octocat", "Me too")
        assert client.create_comment(7, "x").id == client.edit_comment(1, "x").id == 1
        [pull] = client.pull_requests_of(SHA)
        assert pull.number == 1347
        assert re.fullmatch("[0-9a-f]{40}", pull.head_sha)
        assert re.fullmatch("[0-9a-f]{40}", pull.merge_sha)
        assert _deploy(client, ref="main") == 1
        _status(client, 1, "success", "")
        assert client.login() == "octocat"


# --- the description itself ------------------------------------------------------------------------------------------


def test_what_is_wrong_is_found(github: Description, wire: Wire, emulator: Emulator, runner: Runner) -> None:
    """A description that finds nothing protects nothing: each kind of mistake is told."""
    runner.run({**CHECKOUT, "github-deployment": "staging"}).check(0)
    listed = next(exchange for exchange in wire.exchanges if exchange.method == "GET")
    made = next(each for each in wire.exchanges if each.path.endswith("/deployments"))
    status = next(each for each in wire.exchanges if each.path.endswith("/statuses"))
    assert github.problems(made) == []
    for broken, word in (
        (replace(made, path="/repos/your-org/checkout/deploy"), "no such operation"),
        (replace(made, body={}), "'ref' is a required property"),
        (replace(made, body={**made.body, "auto_merge": "no"}), "auto_merge"),
        (replace(made, body={**made.body, "reff": 1}), "'reff' is a member"),
        (replace(made, body=None), "the body is missing"),
        (replace(made, answer={**made.answer, "id": "1"}), "answer at $.id"),
        (replace(made, answer={**made.answer, "created_at": "yesterday"}), "answer at $.created_at"),
        (replace(made, answer={**made.answer, "url": "/here"}), "answer at $.url"),
        (replace(made, answer={**made.answer, "more": 1}), "'more' is a member"),
        (replace(made, answer={"id": 1}), "'sha' is a required property"),
        (replace(made, status=418), "no such status"),
        (replace(status, body={**status.body, "state": "done"}), "'done' is not one of"),
        (replace(listed, query={"per_page": "many"}), "query parameter per_page"),
        (replace(listed, query={"sort": "up"}), "no query parameter 'sort'"),
        (replace(listed, body={"x": 1}), "no body here"),
        (replace(listed, path=f"{REPO}/issues/x/comments"), "path parameter issue_number"),
    ):
        assert any(word in problem for problem in github.problems(broken)), word
