"""GitHub's REST API: the few requests that the reports need. The only file that knows `requests`.

One attempt a request, apart from reads, which are asked once more after a connection failure or a 5xx; everything
else is the courier's affair, which knows whether a newer state is waiting. Limits and headers: facts.md B5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ... import __version__
from ...ports import Comment, GitHubError, PullRequest
from ..network import Trust

if TYPE_CHECKING:
    import requests

CONNECT, READ = 3.05, 10.0  # seconds
JOBS_OWN = "github-actions[bot]"  # whose comments GITHUB_TOKEN writes
PAGES = 50  # of 100 comments: a pull request with more is not searched to its end


class RestGitHub:
    """One repository (`owner/name`) by one token. Implements ports.GitHub."""

    def __init__(
        self,
        *,
        api_url: str,
        repository: str,
        token: str,
        trust: Trust | None = None,
        session: requests.Session | None = None,
    ) -> None:
        self._base = api_url.rstrip("/")
        owner, _, name = repository.partition("/")
        self._repository = f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"
        self._token = token
        self._trust = trust or Trust()
        self._made_session = session

    def login(self) -> str:
        """Whose comments this token writes: `octocat`, `an-app[bot]`.

        A person's token asks REST. An app's (`ghs_…`, GITHUB_TOKEN's kind) is refused there (403) and asks GraphQL,
        which answers both. Where neither does, it is taken for a job's own token.
        """
        asks = (self._user, self._viewer) if not self._token.startswith("ghs_") else (self._viewer,)
        for ask in asks:
            try:
                found = ask()
            except GitHubError as error:
                if error.transient:
                    raise
                continue
            if found:
                return found
        return JOBS_OWN

    def _user(self) -> str:
        return str(self._json("GET", "/user").get("login") or "")

    def _viewer(self) -> str:
        root = self._base.removesuffix("/v3")  # https://HOST/api/v3 on GHES, https://api.github.com elsewhere
        response = self._send("POST", f"{root}/graphql", {"query": "query { viewer { login } }"}, attempts=2)
        answer = _decode(response)
        for name in ("data", "viewer", "login"):
            answer = answer.get(name) if isinstance(answer, dict) else None
        return str(answer or "")

    def comments(self, number: int) -> Iterator[Comment]:
        for item in self._pages(f"{self._repository}/issues/{number}/comments?per_page=100"):
            yield _comment(item)

    def create_comment(self, number: int, body: str) -> Comment:
        return _comment(self._json("POST", f"{self._repository}/issues/{number}/comments", {"body": body}))

    def edit_comment(self, comment_id: int, body: str) -> Comment:
        return _comment(self._json("PATCH", f"{self._repository}/issues/comments/{comment_id}", {"body": body}))

    def pull_requests_of(self, sha: str) -> tuple[PullRequest, ...]:
        items = self._pages(f"{self._repository}/commits/{quote(sha, safe='')}/pulls?per_page=100")
        return tuple(_pull_request(item) for item in items)

    def create_deployment(
        self, *, ref: str, environment: str, description: str, payload: Mapping[str, str], production: bool | None
    ) -> int:
        body: dict[str, Any] = {
            "ref": ref,
            "environment": environment,
            "description": description,
            "payload": dict(payload),
            "auto_merge": False,  # GitHub's default merges the default branch into the ref
            "required_contexts": [],  # and waits for checks, of which this job is one
        }
        if production is not None:
            body["production_environment"] = production
        return _number(self._json("POST", f"{self._repository}/deployments", body), "id")

    def deployment_status(
        self,
        deployment_id: int,
        *,
        state: str,
        description: str,
        environment: str,
        log_url: str,
        environment_url: str,
    ) -> None:
        body = {"state": state, "description": description, "environment": environment, "log_url": log_url}
        if environment_url:
            body["environment_url"] = environment_url
        self._json("POST", f"{self._repository}/deployments/{deployment_id}/statuses", body)

    # --- requests ------------------------------------------------------------------------------------------------

    def _pages(self, path: str) -> Iterator[Mapping[str, Any]]:
        address: str | None = self._base + path
        for _ in range(PAGES):
            if address is None:
                return
            response = self._send("GET", address)
            items = _decode(response)
            if not isinstance(items, list):
                raise GitHubError(response.status_code, "the answer is not a list")
            yield from (item for item in items if isinstance(item, dict))
            address = self._ours(response.links.get("next", {}).get("url"))

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        response = self._send(method, self._base + path, body)
        decoded = _decode(response)
        if not isinstance(decoded, dict):
            raise GitHubError(response.status_code, "the answer is not an object")
        return decoded

    def _ours(self, address: str | None) -> str | None:
        """The next page's address, if it leads to the same host: the token is sent nowhere else."""
        if address is None:
            return None
        here, there = urlsplit(self._base), urlsplit(address)
        return address if (here.scheme, here.netloc) == (there.scheme, there.netloc) else None

    def _send(
        self, method: str, address: str, body: Mapping[str, Any] | None = None, attempts: int = 0
    ) -> requests.Response:
        import requests

        attempts = attempts or (2 if method == "GET" else 1)
        while True:
            attempts -= 1
            try:
                response = self._session().request(
                    method,
                    address,
                    json=body,
                    timeout=(CONNECT, READ),
                    allow_redirects=method == "GET",
                    verify=self._trust.verify,
                )
            except requests.exceptions.SSLError as error:
                raise GitHubError(0, f"its certificate is not trusted here. {self._trust.hint.remedy}") from error
            except requests.RequestException as error:
                if attempts:
                    continue
                raise GitHubError(0, f"no answer ({type(error).__name__})") from error
            if response.status_code >= 500 and attempts:
                continue
            if response.status_code >= 300:
                raise _error(response)
            return response

    def _session(self) -> requests.Session:
        if self._made_session is None:
            import requests

            self._made_session = requests.Session()
        self._made_session.headers.update(
            {
                "Accept": "application/vnd.github+json",
                "User-Agent": f"ci-deploy/{__version__}",
                "X-GitHub-Api-Version": "2022-11-28",
            }
        )
        # Not a header of the session: requests lets a .netrc in the job's home replace that, but not this.
        self._made_session.auth = self._authorize
        return self._made_session

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _decode(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise GitHubError(response.status_code, "the answer is not JSON") from error


def _error(response: requests.Response) -> GitHubError:
    message = _message(response)
    return GitHubError(
        response.status_code,
        message[:500] or response.reason or "an error",
        retry_after=_retry_after(response, limited=response.status_code == 429 or "rate limit" in message.lower()),
    )


def _message(response: requests.Response) -> str:
    """GitHub's message with what it names: a 422 says `Validation Failed`, and in `errors` what has failed."""
    try:
        body = response.json()
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    errors = body.get("errors")
    parts = [str(body.get("message") or "")]
    for error in errors if isinstance(errors, list) else ():
        named = (error.get("message") or error.get("code")) if isinstance(error, dict) else error
        parts.append(str(named or ""))
    return ": ".join(part for part in parts if part)


def _retry_after(response: requests.Response, *, limited: bool) -> float | None:
    """How long GitHub asks to wait: `retry-after`, else until the reset if nothing remains, else a minute.

    A limit comes as 403 too, sometimes without any header: then only its text tells it from a missing permission.
    """
    if response.status_code not in (403, 429):
        return None
    headers = response.headers
    if (after := headers.get("retry-after", "")).isdecimal():
        return float(after)
    if headers.get("x-ratelimit-remaining") == "0" and (reset := headers.get("x-ratelimit-reset", "")).isdecimal():
        # Both in GitHub's own time: the machine's clock may be off.
        try:
            now = parsedate_to_datetime(headers.get("date", "")).timestamp()
        except ValueError:
            return 60.0
        return max(1.0, float(reset) - now)
    return 60.0 if limited else None


def _number(item: Mapping[str, Any], name: str) -> int:
    value = item.get(name)
    if not isinstance(value, int):
        # A deployment that was accepted but not made is such an answer: 202, with a message alone.
        raise GitHubError(200, str(item.get("message") or f"the answer has no {name}")[:500])
    return value


def _comment(item: Mapping[str, Any]) -> Comment:
    user = item.get("user") or {}
    return Comment(
        id=_number(item, "id"),
        body=str(item.get("body") or ""),
        author=str(user.get("login") or ""),
        url=str(item.get("html_url") or ""),
    )


def _pull_request(item: Mapping[str, Any]) -> PullRequest:
    return PullRequest(
        number=_number(item, "number"),
        merged=bool(item.get("merged_at")),
        open=item.get("state") == "open",
        head_sha=str((item.get("head") or {}).get("sha") or ""),
        merge_sha=str(item.get("merge_commit_sha") or ""),
    )
