"""The part of GitHub's REST API that a deployment tool uses (facts B5), for any repository and any number, unseeded.

Comments are written by `github-actions[bot]`, as with a job's own token; a token that begins with `ghp_` writes as a
person. Of GraphQL there is one query, who asks. Names of operations are GitHub's route templates.
"""

from __future__ import annotations

from ..server.wire import Request, Response, json_response
from .routes import ROUTES, GitHubError, token_of, viewer
from .state import GitHubState, Json

GRAPHQL = ("POST", "/graphql")


class GitHub(GitHubState):
    """Answers requests to GitHub's part."""

    __slots__ = ()

    def route(self, request: Request) -> tuple[str, str]:
        """(the operation's name, the plain `METHOD /path`) of a request."""
        path = _plain_path(request.path)
        if (request.method, path) == GRAPHQL:
            return "POST /graphql", "POST /graphql"
        for method, template, pattern, _ in ROUTES:
            if method == request.method and pattern.fullmatch(path):
                return f"{method} {template}", f"{method} {path}"
        return f"{request.method} {path}", f"{request.method} {path}"

    def answer(self, request: Request) -> Response:
        """Answer a request, in GitHub's form."""
        path = _plain_path(request.path)
        try:
            response = viewer(request) if (request.method, path) == GRAPHQL else self._rest(request, path)
        except GitHubError as error:
            body: Json = {"message": error.message, "documentation_url": "https://docs.github.com/rest"}
            if error.errors:
                body["errors"] = error.errors
            else:
                body["status"] = str(error.status)
            response = json_response(body, error.status)
        response.headers = [
            ("Content-Type", "application/json; charset=utf-8") if name == "Content-Type" else (name, value)
            for name, value in response.headers
        ]
        response.headers += [
            ("X-GitHub-Request-Id", f"EMUL:{self.new_id():X}"),
            ("X-GitHub-Media-Type", "github.v3; format=json"),
            ("X-RateLimit-Limit", "1000"),
            ("X-RateLimit-Remaining", "999"),
            ("X-RateLimit-Reset", str(int(self.clock.now()) + 3600)),
        ]
        return response

    def _rest(self, request: Request, path: str) -> Response:
        for method, _, pattern, handler in ROUTES:
            match = pattern.fullmatch(path)
            if match and method == request.method:
                if method != "GET":
                    self._check_token(request)
                return handler(self, request, match.groupdict())
        raise GitHubError(404, "Not Found")

    def _check_token(self, request: Request) -> None:
        if not token_of(request):
            raise GitHubError(401, "Requires authentication")
        if self.switches.text("github-token") == "read":
            raise GitHubError(403, "Resource not accessible by integration")


def _plain_path(path: str) -> str:
    """The path without GHES's prefix: `/api/v3` of REST, `/api` of GraphQL."""
    return path.removeprefix("/api").removeprefix("/v3") or "/"
