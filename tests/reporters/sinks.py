"""What the runner and GitHub offer, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ci_deploy.ports import Comment, GitHubError, PullRequest


class Screen:
    """A LogSink that keeps what was written, as the job log would show it."""

    def __init__(self, *, colour: bool = False, annotations: bool = True) -> None:
        self.colour = colour
        self.annotations = annotations
        self.lines: list[str] = []
        self.calls: list[tuple[str, str, str]] = []

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    def of(self, kind: str) -> list[tuple[str, str]]:
        return [(title, message) for each, title, message in self.calls if each == kind]

    def line(self, text: str) -> None:
        assert "\n" not in text
        self.lines.append(text)

    def group(self, title: str) -> None:
        assert "\n" not in title
        self.lines.append(f"▶ {title}")

    def endgroup(self) -> None:
        self.lines.append("◀")

    def notice(self, message: str, *, title: str = "") -> None:
        self._annotate("notice", title, message)

    def warning(self, message: str, *, title: str = "") -> None:
        self._annotate("warning", title, message)

    def error(self, message: str, *, title: str = "") -> None:
        self._annotate("error", title, message)

    def _annotate(self, kind: str, title: str, message: str) -> None:
        self.calls.append((kind, title, message))
        self.lines.append(f"{kind.upper()} [{title}] " + message.replace("\n", "⏎"))


class Papers:
    """RunnerFiles in memory; of a name written twice, the last value counts, as for the runner."""

    def __init__(self) -> None:
        self.written: dict[str, str] = {}
        self.states: dict[str, str] = {}
        self.summaries: list[str] = []
        self.log: list[tuple[str, str, str]] = []

    def outputs(self, values: Mapping[str, str]) -> None:
        self.written.update(values)
        self.log += [("output", name, value) for name, value in values.items()]

    def state(self, name: str, value: str) -> None:
        self.states[name] = value
        self.log.append(("state", name, value))

    def summary(self, markdown: str) -> None:
        self.summaries.append(markdown)


class Hub:
    """GitHub with pull requests and deployments; `fails` are the errors of the next requests, in order."""

    def __init__(self, *, author: str = "github-actions[bot]") -> None:
        self._author = author
        self.requests: list[str] = []
        self.threads: dict[int, list[Comment]] = {}
        self.commits: dict[str, tuple[PullRequest, ...]] = {}
        self.deployments: list[dict[str, object]] = []
        self.statuses: list[dict[str, object]] = []
        self.fails: list[GitHubError | None] = []
        self._ids = iter(range(1, 10_000))

    def _request(self, what: str) -> None:
        self.requests.append(what)
        if self.fails and (error := self.fails.pop(0)) is not None:
            raise error

    def say(self, number: int, body: str, author: str) -> Comment:
        comment = Comment(id=next(self._ids), body=body, author=author)
        self.threads.setdefault(number, []).append(comment)
        return comment

    def delete(self, comment_id: int) -> None:
        for number, thread in self.threads.items():
            self.threads[number] = [comment for comment in thread if comment.id != comment_id]

    def ours(self, number: int) -> list[str]:
        return [comment.body for comment in self.threads.get(number, []) if comment.author == self._author]

    def login(self) -> str:
        self._request("login")
        return self._author

    def comments(self, number: int) -> Iterator[Comment]:
        self._request("comments")
        yield from self.threads.get(number, [])

    def create_comment(self, number: int, body: str) -> Comment:
        self._request("create_comment")
        return self.say(number, body, self._author)

    def edit_comment(self, comment_id: int, body: str) -> Comment:
        self._request("edit_comment")
        for thread in self.threads.values():
            for n, comment in enumerate(thread):
                if comment.id == comment_id:
                    thread[n] = Comment(id=comment.id, body=body, author=comment.author)
                    return thread[n]
        raise GitHubError(404, "Not Found")

    def pull_requests_of(self, sha: str) -> tuple[PullRequest, ...]:
        self._request("pull_requests_of")
        return self.commits.get(sha, ())

    def create_deployment(
        self, *, ref: str, environment: str, description: str, payload: Mapping[str, str], production: bool | None
    ) -> int:
        self._request("create_deployment")
        self.deployments.append({"ref": ref, "environment": environment, "description": description})
        return next(self._ids)

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
        self._request("deployment_status")
        self.statuses.append(
            {"id": deployment_id, "state": state, "description": description, "log": log_url, "url": environment_url}
        )
