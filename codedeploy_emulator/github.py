"""The part of GitHub's REST API that a deployment tool uses (facts B5), for any repository and any number, unseeded.

Comments are written by `github-actions[bot]`, as with a job's own token; a token that begins with `ghp_` writes as a
person. Names of operations are GitHub's route templates.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from .clock import Clock
from .switches import Switches
from .wire import Request, Response, json_response

Json = dict[str, Any]
BODY_LIMIT = 65_536
DEPLOYMENT_STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")
BOT = {"login": "github-actions[bot]", "id": 41898282, "type": "Bot", "site_admin": False}
PERSON = {"login": "emulator-user", "id": 1000001, "type": "User", "site_admin": False}
APP = {"id": 15368, "slug": "github-actions", "name": "GitHub Actions"}


class GitHubError(Exception):
    """GitHub refuses: a status, a message, and the validation errors that go with a 422."""

    def __init__(self, status: int, message: str, errors: list[Json] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors


@dataclass(slots=True)
class Repository:
    """What one repository holds."""

    info: Json = field(default_factory=dict)
    pulls: dict[int, Json] = field(default_factory=dict)
    comments: dict[int, Json] = field(default_factory=dict)
    deployments: dict[int, Json] = field(default_factory=dict)
    statuses: dict[int, list[Json]] = field(default_factory=dict)


@dataclass(slots=True)
class GitHub:
    """The API's state. Its methods are called under the emulator's lock."""

    clock: Clock
    switches: Switches
    url: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    _next_id: int = 1

    def reset(self) -> None:
        """Forget everything."""
        self.repositories.clear()
        self._next_id = 1

    def repository(self, owner: str, repo: str) -> Repository:
        """A repository, made when first asked for."""
        full_name = f"{owner}/{repo}"
        if full_name not in self.repositories:
            info = {
                "id": _number(full_name),
                "name": repo,
                "full_name": full_name,
                "private": False,
                "visibility": "public",
                "default_branch": "main",
                "html_url": f"{self.url}/{full_name}",
                "url": f"{self.url}/api/v3/repos/{full_name}",
                "owner": {"login": owner, "type": "Organization"},
            }
            self.repositories[full_name] = Repository(info=info)
        return self.repositories[full_name]

    def add_pull(self, full_name: str, number: int, given: Json) -> Json:
        """A pull request; `given` may say head_sha, head_ref, base_ref, state, title, merge_commit_sha, fork."""
        owner, _, repo = full_name.partition("/")
        repository = self.repository(owner, repo)
        sha = given.get("head_sha") or hashlib.sha1(f"{full_name}#{number}".encode()).hexdigest()
        merged = given.get("merge_commit_sha") if given.get("merged") else None
        pull = {
            "id": _number(f"{full_name}#{number}"),
            "number": number,
            "state": given.get("state", "closed" if merged else "open"),
            "title": given.get("title", f"Pull request {number}"),
            "html_url": f"{self.url}/{full_name}/pull/{number}",
            "url": f"{self.url}/api/v3/repos/{full_name}/pulls/{number}",
            "user": dict(PERSON),
            "body": given.get("body"),
            "draft": False,
            "head": {
                "ref": given.get("head_ref", f"feature-{number}"),
                "sha": sha,
                "repo": {"full_name": given.get("fork", full_name), "fork": "fork" in given},
            },
            "base": {"ref": given.get("base_ref", "main"), "repo": {"full_name": full_name}},
            "merged": bool(merged),
            "merged_at": self._now() if merged else None,
            "merge_commit_sha": given.get("merge_commit_sha"),
        }
        repository.pulls[number] = pull
        return pull

    def add_comment(self, full_name: str, number: int, body: str, user: Json, app: Json | None) -> Json:
        """A comment on an issue or pull request."""
        owner, _, repo = full_name.partition("/")
        identity = self._id()
        comment = {
            "id": identity,
            "node_id": f"IC_{identity}",
            "url": f"{self.url}/api/v3/repos/{full_name}/issues/comments/{identity}",
            "html_url": f"{self.url}/{full_name}/pull/{number}#issuecomment-{identity}",
            "issue_url": f"{self.url}/api/v3/repos/{full_name}/issues/{number}",
            "user": dict(user),
            "created_at": self._now(),
            "updated_at": self._now(),
            "author_association": "NONE",
            "body": body,
            "performed_via_github_app": app,
            "issue": number,
        }
        self.repository(owner, repo).comments[identity] = comment
        return comment

    def route(self, request: Request) -> tuple[str, str]:
        """(the operation's name, the plain `METHOD /path`) of a request."""
        path = _plain_path(request.path)
        for method, template, pattern, _ in _ROUTES:
            if method == request.method and pattern.fullmatch(path):
                return f"{method} {template}", f"{method} {path}"
        return f"{request.method} {path}", f"{request.method} {path}"

    def answer(self, request: Request) -> Response:
        """Answer a request, in GitHub's form."""
        path = _plain_path(request.path)
        try:
            for method, _, pattern, handler in _ROUTES:
                match = pattern.fullmatch(path)
                if match and method == request.method:
                    if method != "GET":
                        self._check_token(request)
                    response = handler(self, request, match.groupdict())
                    break
            else:
                raise GitHubError(404, "Not Found")
        except GitHubError as error:
            body: Json = {"message": error.message, "status": str(error.status)}
            body["documentation_url"] = "https://docs.github.com/rest"
            if error.errors:
                body["errors"] = error.errors
            response = json_response(body, error.status)
        response.headers = [
            ("Content-Type", "application/json; charset=utf-8") if name == "Content-Type" else (name, value)
            for name, value in response.headers
        ]
        response.headers += [
            ("X-GitHub-Request-Id", f"EMUL:{self._id():X}"),
            ("X-GitHub-Media-Type", "github.v3; format=json"),
            ("X-RateLimit-Limit", "1000"),
            ("X-RateLimit-Remaining", "999"),
            ("X-RateLimit-Reset", str(int(self.clock.now()) + 3600)),
        ]
        return response

    def _check_token(self, request: Request) -> None:
        if not _token(request):
            raise GitHubError(401, "Requires authentication")
        if self.switches.text("github-token") == "read":
            raise GitHubError(403, "Resource not accessible by integration")

    def _id(self) -> int:
        self._next_id += 1
        return self._next_id

    def _now(self) -> str:
        return self.clock.datetime().strftime("%Y-%m-%dT%H:%M:%SZ")


def _number(text: str) -> int:
    return int(hashlib.sha1(text.encode()).hexdigest()[:8], 16)


def _plain_path(path: str) -> str:
    """The path without GHES's prefix."""
    return path.removeprefix("/api/v3") or "/"


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "token") else ""


def _body(request: Request) -> Json:
    try:
        body = request.json() or {}
    except ValueError:
        raise GitHubError(400, "Problems parsing JSON") from None
    if not isinstance(body, dict):
        raise GitHubError(400, "Body should be a JSON object")
    return body


def _comment_text(request: Request, resource: str = "IssueComment") -> str:
    text = _body(request).get("body")
    if not isinstance(text, str) or not text.strip():
        raise GitHubError(422, "Validation Failed", [{"resource": resource, "code": "missing_field", "field": "body"}])
    if len(text) > BODY_LIMIT:
        message = f"Body is too long (maximum is {BODY_LIMIT} characters)"
        error = {"resource": resource, "code": "custom", "field": "body", "message": "body is too long"}
        raise GitHubError(422, message, [error])
    return text


def _page(github: GitHub, request: Request, items: list[Any]) -> Response:
    """One page, with GitHub's Link header."""
    query = request.query

    def number(name: str, default: int) -> int:
        value = query.get(name, "")
        return max(1, int(value)) if value.isdigit() else default

    size, page = min(100, number("per_page", 30)), number("page", 1)
    last = max(1, -(-len(items) // size))
    links = []
    targets = []
    if page > 1:
        targets += [("prev", min(page - 1, last)), ("first", 1)]
    if page < last:
        targets += [("next", page + 1), ("last", last)]
    for name, target in targets:
        parameters = urlencode({**query, "page": str(target)})
        links.append(f'<{github.url}{request.path}?{parameters}>; rel="{name}"')
    headers = [("Link", ", ".join(links))] if links else []
    return json_response(items[(page - 1) * size : page * size], headers=headers)


def _shown(comment: Json) -> Json:
    return {key: value for key, value in comment.items() if key != "issue"}


def _get_repo(github: GitHub, request: Request, at: dict[str, str]) -> Response:
    return json_response(github.repository(at["owner"], at["repo"]).info)


def _list_comments(github: GitHub, request: Request, at: dict[str, str]) -> Response:
    comments = github.repository(at["owner"], at["repo"]).comments.values()
    number = at.get("issue_number")
    found = [_shown(comment) for comment in comments if number is None or comment["issue"] == int(number)]
    since = request.query.get("since")
    return _page(github, request, [comment for comment in found if not since or comment["updated_at"] >= since])


def _create_comment(github: GitHub, request: Request, at: dict[str, str]) -> Response:
    text = _comment_text(request)
    person = _token(request).startswith(("ghp_", "github_pat_"))
    user, app = (PERSON, None) if person else (BOT, APP)
    comment = github.add_comment(f"{at['owner']}/{at['repo']}", int(at["issue_number"]), text, user, app)
    return json_response(_shown(comment), 201, headers=[("Location", comment["url"])])


def _comment(github: GitHub, at: dict[str, str]) -> Json:
    found = github.repository(at["owner"], at["repo"]).comments.get(int(at["comment_id"]))
    if found is None:
        raise GitHubError(404, "Not Found")
    return found


def _get_comment(github: GitHub, request: Request, at: dict[str, str]) -> Response:
    return json_response(_shown(_comment(github, at)))


def _edit_comment(github: GitHub, request: Request, at: dict[str, str]) -> Response:
    comment = _comment(github, at)
    comment["body"] = _comment_text(request)
    comment["updated_at"] = github._now()
    return json_response(_shown(comment))


def _delete_comment(github: GitHub, request: Request, at: dict[str, str]) -> Response:
    comment = _comment(github, at)
    del github.repository(at["owner"], at["repo"]).comments[comment["id"]]
    return Response(status=204)


def _get_issue(github: GitHub, request: Request, at: dict[str, str]) -> Response:
    repository = github.repository(at["owner"], at["repo"])
    number = int(at["issue_number"])
    full_name = repository.info["full_name"]
    issue: Json = {
        "number": number,
        "state": "open",
        "title": f"Issue {number}",
        "html_url": f"{github.url}/{full_name}/issues/{number}",
        "url": f"{github.url}/api/v3/repos/{full_name}/issues/{number}",
        "user": dict(PERSON),
        "comments": sum(comment["issue"] == number for comment in repository.comments.values()),
    }
    if number in repository.pulls:
        pull = repository.pulls[number]
        issue |= {"title": pull["title"], "state": pull["state"], "pull_request": {"url": pull["url"]}}
    return json_response(issue)


def _get_pull(github: GitHub, request: Request, at: dict[str, str]) -> Response:
    repository = github.repository(at["owner"], at["repo"])
    number = int(at["pull_number"])
    pull = repository.pulls.get(number) or github.add_pull(repository.info["full_name"], number, {})
    return json_response(pull)


def _list_pulls(github: GitHub, request: Request, at: dict[str, str]) -> Response:
    state = request.query.get("state", "open")
    head = request.query.get("head", "").partition(":")[2]
    pulls = github.repository(at["owner"], at["repo"]).pulls.values()
    found = [pull for pull in pulls if state in ("all", pull["state"]) and (not head or pull["head"]["ref"] == head)]
    return _page(github, request, found)


def _commit_pulls(github: GitHub, request: Request, at: dict[str, str]) -> Response:
    pulls = github.repository(at["owner"], at["repo"]).pulls.values()
    sha = at["commit_sha"]
    return _page(github, request, [pull for pull in pulls if sha in (pull["head"]["sha"], pull["merge_commit_sha"])])


def _create_deployment(github: GitHub, request: Request, at: dict[str, str]) -> Response:
    body = _body(request)
    if not body.get("ref"):
        error = {"resource": "Deployment", "code": "missing_field", "field": "ref"}
        raise GitHubError(422, "Validation Failed", [error])
    repository = github.repository(at["owner"], at["repo"])
    identity = github._id()
    environment = body.get("environment", "production")
    url = f"{repository.info['url']}/deployments/{identity}"
    deployment: Json = {
        "id": identity,
        "url": url,
        "statuses_url": f"{url}/statuses",
        "sha": hashlib.sha1(str(body["ref"]).encode()).hexdigest() if len(str(body["ref"])) != 40 else body["ref"],
        "ref": body["ref"],
        "task": body.get("task", "deploy"),
        "payload": body.get("payload", {}),
        "environment": environment,
        "original_environment": environment,
        "description": body.get("description"),
        "creator": dict(BOT),
        "created_at": github._now(),
        "updated_at": github._now(),
        "transient_environment": body.get("transient_environment", False),
        "production_environment": body.get("production_environment", environment == "production"),
        "auto_merge": body.get("auto_merge", True),
        "required_contexts": body.get("required_contexts"),
    }
    repository.deployments[identity] = deployment
    return json_response(deployment, 201)


def _list_deployments(github: GitHub, request: Request, at: dict[str, str]) -> Response:
    query = request.query
    found = [
        deployment
        for deployment in reversed(github.repository(at["owner"], at["repo"]).deployments.values())
        if all(query.get(key, deployment[key]) == deployment[key] for key in ("sha", "ref", "task", "environment"))
    ]
    return _page(github, request, found)


def _deployment(github: GitHub, at: dict[str, str]) -> Json:
    found = github.repository(at["owner"], at["repo"]).deployments.get(int(at["deployment_id"]))
    if found is None:
        raise GitHubError(404, "Not Found")
    return found


def _get_deployment(github: GitHub, request: Request, at: dict[str, str]) -> Response:
    return json_response(_deployment(github, at))


def _create_status(github: GitHub, request: Request, at: dict[str, str]) -> Response:
    deployment, body = _deployment(github, at), _body(request)
    repository = github.repository(at["owner"], at["repo"])
    state = body.get("state")
    if state not in DEPLOYMENT_STATES:
        error = {"resource": "DeploymentStatus", "code": "custom", "field": "state", "message": "state is not included"}
        raise GitHubError(422, "Validation Failed", [error])
    if len(body.get("description") or "") > 140:
        error = {"resource": "DeploymentStatus", "code": "custom", "field": "description", "message": "is too long"}
        raise GitHubError(422, "Validation Failed", [error])
    status: Json = {
        "id": github._id(),
        "state": state,
        "description": body.get("description", ""),
        "environment": body.get("environment", deployment["environment"]),
        "log_url": body.get("log_url", body.get("target_url", "")),
        "target_url": body.get("target_url", body.get("log_url", "")),
        "environment_url": body.get("environment_url", ""),
        "deployment_url": deployment["url"],
        "creator": dict(BOT),
        "created_at": github._now(),
        "updated_at": github._now(),
    }
    repository.statuses.setdefault(deployment["id"], []).append(status)
    if state == "success" and body.get("auto_inactive", True):
        _retire(repository, deployment, status)
    return json_response(status, 201)


def _retire(repository: Repository, deployment: Json, status: Json) -> None:
    """A success makes earlier non-transient, non-production successes of the environment inactive."""
    for other in repository.deployments.values():
        statuses = repository.statuses.get(other["id"], [])
        if (
            other["id"] != deployment["id"]
            and other["environment"] == deployment["environment"]
            and not other["transient_environment"]
            and not other["production_environment"]
            and statuses
            and statuses[-1]["state"] == "success"
        ):
            statuses.append({**status, "id": status["id"] + 1_000_000, "state": "inactive", "description": ""})


def _list_statuses(github: GitHub, request: Request, at: dict[str, str]) -> Response:
    deployment = _deployment(github, at)
    statuses = github.repository(at["owner"], at["repo"]).statuses.get(deployment["id"], [])
    return _page(github, request, list(reversed(statuses)))


def _get_user(github: GitHub, request: Request, at: dict[str, str]) -> Response:
    token = _token(request)
    if not token:
        raise GitHubError(401, "Requires authentication")
    if token.startswith(("ghp_", "github_pat_")):
        return json_response(dict(PERSON))
    raise GitHubError(403, "Resource not accessible by integration")


def _rate_limit(github: GitHub, request: Request, at: dict[str, str]) -> Response:
    core = {"limit": 1000, "used": 1, "remaining": 999, "reset": int(github.clock.now()) + 3600}
    return json_response({"resources": {"core": core}, "rate": core})


Handler = Callable[[GitHub, Request, dict[str, str]], Response]
_REPO = "/repos/{owner}/{repo}"


def _route(method: str, template: str, handler: Handler) -> tuple[str, str, re.Pattern[str], Handler]:
    def group(match: re.Match[str]) -> str:
        name = match.group(1)
        return f"(?P<{name}>[0-9]+)" if name.endswith(("_number", "_id")) else f"(?P<{name}>[^/]+)"

    return method, template, re.compile(re.sub(r"\{(\w+)\}", group, template) + "/?"), handler


_ROUTES = (
    _route("GET", _REPO, _get_repo),
    _route("GET", _REPO + "/issues/comments", _list_comments),
    _route("GET", _REPO + "/issues/comments/{comment_id}", _get_comment),
    _route("PATCH", _REPO + "/issues/comments/{comment_id}", _edit_comment),
    _route("DELETE", _REPO + "/issues/comments/{comment_id}", _delete_comment),
    _route("GET", _REPO + "/issues/{issue_number}", _get_issue),
    _route("GET", _REPO + "/issues/{issue_number}/comments", _list_comments),
    _route("POST", _REPO + "/issues/{issue_number}/comments", _create_comment),
    _route("GET", _REPO + "/pulls", _list_pulls),
    _route("GET", _REPO + "/pulls/{pull_number}", _get_pull),
    _route("GET", _REPO + "/commits/{commit_sha}/pulls", _commit_pulls),
    _route("POST", _REPO + "/deployments", _create_deployment),
    _route("GET", _REPO + "/deployments", _list_deployments),
    _route("GET", _REPO + "/deployments/{deployment_id}", _get_deployment),
    _route("POST", _REPO + "/deployments/{deployment_id}/statuses", _create_status),
    _route("GET", _REPO + "/deployments/{deployment_id}/statuses", _list_statuses),
    _route("GET", "/user", _get_user),
    _route("GET", "/rate_limit", _rate_limit),
)
