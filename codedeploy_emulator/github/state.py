"""What GitHub's part holds: repositories, their pull requests, comments and deployments, made when first asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..clock import Clock
from ..switches import Switches
from . import shapes
from .shapes import BOT, PERSON, Json

__all__ = ["BOT", "PERSON", "GitHubState", "Json", "Repository"]


@dataclass(slots=True)
class Repository:
    """What one repository holds."""

    info: Json = field(default_factory=dict)
    pulls: dict[int, Json] = field(default_factory=dict)
    comments: dict[int, Json] = field(default_factory=dict)
    deployments: dict[int, Json] = field(default_factory=dict)
    statuses: dict[int, list[Json]] = field(default_factory=dict)


@dataclass(slots=True)
class GitHubState:
    """All repositories. Its methods are called under the emulator's lock."""

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
            self.repositories[full_name] = Repository(info=shapes.repository(self.url, full_name))
        return self.repositories[full_name]

    def add_pull(self, full_name: str, number: int, given: Json) -> Json:
        """A pull request; `given` may say head_sha, head_ref, base_ref, state, title, merge_commit_sha, fork."""
        owner, _, repo = full_name.partition("/")
        repository = self.repository(owner, repo)
        pull = shapes.pull(self.url, repository.info, number, given, self.moment())
        repository.pulls[number] = pull
        return pull

    def add_comment(self, full_name: str, number: int, body: str, user: Json, *, by_app: bool = False) -> Json:
        """A comment on an issue or pull request; `by_app`: written by a job's own token."""
        owner, _, repo = full_name.partition("/")
        identity = self.new_id()
        comment = {
            "id": identity,
            "node_id": f"IC_{identity}",
            "url": f"{self.url}/api/v3/repos/{full_name}/issues/comments/{identity}",
            "html_url": f"{self.url}/{full_name}/pull/{number}#issuecomment-{identity}",
            "issue_url": f"{self.url}/api/v3/repos/{full_name}/issues/{number}",
            "user": shapes.user(self.url, user),
            "created_at": self.moment(),
            "updated_at": self.moment(),
            "author_association": "NONE",
            "body": body,
            "performed_via_github_app": shapes.app(self.url) if by_app else None,
            "issue": number,
        }
        self.repository(owner, repo).comments[identity] = comment
        return comment

    def new_id(self) -> int:
        """An id that no other thing has."""
        self._next_id += 1
        return self._next_id

    def moment(self) -> str:
        """The emulated time as GitHub writes it."""
        return self.clock.datetime().strftime("%Y-%m-%dT%H:%M:%SZ")
