"""GitHub's operations (facts B5): repository, comments, pull requests, deployments and their statuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from ..server.wire import Request, Response, json_response
from . import shapes
from .state import BOT, PERSON, GitHubState, Json, Repository

BODY_LIMIT = 65_536
DEPLOYMENT_STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")


class GitHubError(Exception):
    """GitHub refuses: a status, a message, and the validation errors that go with a 422."""

    def __init__(self, status: int, message: str, errors: list[Json] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors


def token_of(request: Request) -> str:
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


def _page(github: GitHubState, request: Request, items: list[Any]) -> Response:
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


def _get_repo(github: GitHubState, request: Request, at: dict[str, str]) -> Response:
    return json_response(shapes.whole_repository(github.repository(at["owner"], at["repo"]).info))


def _list_comments(github: GitHubState, request: Request, at: dict[str, str]) -> Response:
    comments = github.repository(at["owner"], at["repo"]).comments.values()
    number = at.get("issue_number")
    found = [_shown(comment) for comment in comments if number is None or comment["issue"] == int(number)]
    since = request.query.get("since")
    return _page(github, request, [comment for comment in found if not since or comment["updated_at"] >= since])


def _create_comment(github: GitHubState, request: Request, at: dict[str, str]) -> Response:
    text = _comment_text(request)
    person = token_of(request).startswith(("ghp_", "github_pat_"))
    user = PERSON if person else BOT
    name, number = f"{at['owner']}/{at['repo']}", int(at["issue_number"])
    comment = github.add_comment(name, number, text, user, by_app=not person)
    return json_response(_shown(comment), 201, headers=[("Location", comment["url"])])


def _comment(github: GitHubState, at: dict[str, str]) -> Json:
    found = github.repository(at["owner"], at["repo"]).comments.get(int(at["comment_id"]))
    if found is None:
        raise GitHubError(404, "Not Found")
    return found


def _get_comment(github: GitHubState, request: Request, at: dict[str, str]) -> Response:
    return json_response(_shown(_comment(github, at)))


def _edit_comment(github: GitHubState, request: Request, at: dict[str, str]) -> Response:
    comment = _comment(github, at)
    comment["body"] = _comment_text(request)
    comment["updated_at"] = github.moment()
    return json_response(_shown(comment))


def _delete_comment(github: GitHubState, request: Request, at: dict[str, str]) -> Response:
    comment = _comment(github, at)
    del github.repository(at["owner"], at["repo"]).comments[comment["id"]]
    return Response(status=204)


def _get_issue(github: GitHubState, request: Request, at: dict[str, str]) -> Response:
    repository = github.repository(at["owner"], at["repo"])
    number = int(at["issue_number"])
    full_name = repository.info["full_name"]
    pull = repository.pulls.get(number)
    issue = shapes.issue(
        github.url,
        full_name,
        number,
        title=pull["title"] if pull else f"Issue {number}",
        state=pull["state"] if pull else "open",
        comments=_count(repository, number),
        moment=github.moment(),
    )
    if pull:
        issue["pull_request"] = {name: pull[name] for name in ("url", "html_url", "diff_url", "patch_url")}
    return json_response(issue)


def _get_pull(github: GitHubState, request: Request, at: dict[str, str]) -> Response:
    repository = github.repository(at["owner"], at["repo"])
    number = int(at["pull_number"])
    pull = repository.pulls.get(number) or github.add_pull(repository.info["full_name"], number, {})
    return json_response(shapes.whole_pull(pull, _count(repository, number)))


def _count(repository: Repository, number: int) -> int:
    return sum(comment["issue"] == number for comment in repository.comments.values())


def _list_pulls(github: GitHubState, request: Request, at: dict[str, str]) -> Response:
    state = request.query.get("state", "open")
    head = request.query.get("head", "").partition(":")[2]
    pulls = github.repository(at["owner"], at["repo"]).pulls.values()
    found = [pull for pull in pulls if state in ("all", pull["state"]) and (not head or pull["head"]["ref"] == head)]
    return _page(github, request, found)


def _commit_pulls(github: GitHubState, request: Request, at: dict[str, str]) -> Response:
    pulls = github.repository(at["owner"], at["repo"]).pulls.values()
    sha = at["commit_sha"]
    return _page(github, request, [pull for pull in pulls if sha in (pull["head"]["sha"], pull["merge_commit_sha"])])


def _create_deployment(github: GitHubState, request: Request, at: dict[str, str]) -> Response:
    body = _body(request)
    if not body.get("ref"):
        error = {"resource": "Deployment", "code": "missing_field", "field": "ref"}
        raise GitHubError(422, "Validation Failed", [error])
    repository = github.repository(at["owner"], at["repo"])
    identity = github.new_id()
    environment = body.get("environment", "production")
    url = f"{repository.info['url']}/deployments/{identity}"
    deployment: Json = {
        "id": identity,
        "node_id": f"DE_{identity}",
        "url": url,
        "statuses_url": f"{url}/statuses",
        "repository_url": repository.info["url"],
        "sha": body["ref"] if len(str(body["ref"])) == 40 else shapes.number_sha(str(body["ref"])),
        "ref": body["ref"],
        "task": body.get("task", "deploy"),
        "payload": body.get("payload", {}),
        "environment": environment,
        "original_environment": environment,
        "description": body.get("description"),
        "creator": shapes.user(github.url, BOT),
        "created_at": github.moment(),
        "updated_at": github.moment(),
        "transient_environment": body.get("transient_environment", False),
        "production_environment": body.get("production_environment", environment == "production"),
        "performed_via_github_app": shapes.app(github.url),
    }
    repository.deployments[identity] = deployment
    return json_response(deployment, 201)


def _list_deployments(github: GitHubState, request: Request, at: dict[str, str]) -> Response:
    query = request.query
    found = [
        deployment
        for deployment in reversed(github.repository(at["owner"], at["repo"]).deployments.values())
        if all(query.get(key, deployment[key]) == deployment[key] for key in ("sha", "ref", "task", "environment"))
    ]
    return _page(github, request, found)


def _deployment(github: GitHubState, at: dict[str, str]) -> Json:
    found = github.repository(at["owner"], at["repo"]).deployments.get(int(at["deployment_id"]))
    if found is None:
        raise GitHubError(404, "Not Found")
    return found


def _get_deployment(github: GitHubState, request: Request, at: dict[str, str]) -> Response:
    return json_response(_deployment(github, at))


def _create_status(github: GitHubState, request: Request, at: dict[str, str]) -> Response:
    deployment, body = _deployment(github, at), _body(request)
    repository = github.repository(at["owner"], at["repo"])
    state = body.get("state")
    if state not in DEPLOYMENT_STATES:
        error = {"resource": "DeploymentStatus", "code": "custom", "field": "state", "message": "state is not included"}
        raise GitHubError(422, "Validation Failed", [error])
    if len(body.get("description") or "") > 140:
        error = {"resource": "DeploymentStatus", "code": "custom", "field": "description", "message": "is too long"}
        raise GitHubError(422, "Validation Failed", [error])
    identity = github.new_id()
    status: Json = {
        "id": identity,
        "node_id": f"DES_{identity}",
        "url": f"{deployment['statuses_url']}/{identity}",
        "state": state,
        "description": body.get("description", ""),
        "environment": body.get("environment", deployment["environment"]),
        "log_url": body.get("log_url", body.get("target_url", "")),
        "target_url": body.get("target_url", body.get("log_url", "")),
        "environment_url": body.get("environment_url", ""),
        "deployment_url": deployment["url"],
        "repository_url": repository.info["url"],
        "creator": shapes.user(github.url, BOT),
        "created_at": github.moment(),
        "updated_at": github.moment(),
        "performed_via_github_app": shapes.app(github.url),
    }
    repository.statuses.setdefault(deployment["id"], []).append(status)
    if state == "success" and body.get("auto_inactive", True):
        _retire(github, repository, deployment, status)
    return json_response(status, 201)


def _retire(github: GitHubState, repository: Repository, deployment: Json, status: Json) -> None:
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
            identity = github.new_id()
            inactive = {
                "id": identity,
                "node_id": f"DES_{identity}",
                "url": f"{other['statuses_url']}/{identity}",
                "deployment_url": other["url"],
                "state": "inactive",
                "description": "",
            }
            statuses.append({**status, **inactive})


def _list_statuses(github: GitHubState, request: Request, at: dict[str, str]) -> Response:
    deployment = _deployment(github, at)
    statuses = github.repository(at["owner"], at["repo"]).statuses.get(deployment["id"], [])
    return _page(github, request, list(reversed(statuses)))


def _get_user(github: GitHubState, request: Request, at: dict[str, str]) -> Response:
    token = token_of(request)
    if not token:
        raise GitHubError(401, "Requires authentication")
    if token.startswith(("ghp_", "github_pat_")):
        return json_response(shapes.private_user(github.url, PERSON))
    raise GitHubError(403, "Resource not accessible by integration")


def viewer(request: Request) -> Response:
    """GraphQL's answer to who asks; unlike REST's it is for apps' tokens too."""
    token = token_of(request)
    if not token:
        raise GitHubError(401, "This endpoint requires you to be authenticated.")
    if "".join(str(_body(request).get("query")).split()) != "query{viewer{login}}":
        return json_response({"errors": [{"message": "The emulator knows one query: query { viewer { login } }"}]})
    user = PERSON if token.startswith(("ghp_", "github_pat_")) else BOT
    return json_response({"data": {"viewer": {"login": user["login"]}}})


def _rate_limit(github: GitHubState, request: Request, at: dict[str, str]) -> Response:
    core = {"limit": 1000, "used": 1, "remaining": 999, "reset": int(github.clock.now()) + 3600}
    return json_response({"resources": {"core": core, "search": core}, "rate": core})


Handler = Callable[[GitHubState, Request, dict[str, str]], Response]
_REPO = "/repos/{owner}/{repo}"


def _route(method: str, template: str, handler: Handler) -> tuple[str, str, re.Pattern[str], Handler]:
    def group(match: re.Match[str]) -> str:
        name = match.group(1)
        return f"(?P<{name}>[0-9]+)" if name.endswith(("_number", "_id")) else f"(?P<{name}>[^/]+)"

    return method, template, re.compile(re.sub(r"\{(\w+)\}", group, template) + "/?"), handler


ROUTES = (
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
