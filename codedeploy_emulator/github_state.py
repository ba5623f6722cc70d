"""What GitHub's part holds: repositories, their pull requests, comments and deployments, made when first asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from .clock import Clock
from .switches import Switches

Json = dict[str, Any]
BOT = {"login": "github-actions[bot]", "id": 41898282, "type": "Bot", "site_admin": False}
PERSON = {"login": "emulator-user", "id": 1000001, "type": "User", "site_admin": False}
APP = {"id": 15368, "slug": "github-actions", "name": "GitHub Actions"}


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
            "merged_at": self.moment() if merged else None,
            "merge_commit_sha": given.get("merge_commit_sha"),
        }
        repository.pulls[number] = pull
        return pull

    def add_comment(self, full_name: str, number: int, body: str, user: Json, app: Json | None) -> Json:
        """A comment on an issue or pull request."""
        owner, _, repo = full_name.partition("/")
        identity = self.new_id()
        comment = {
            "id": identity,
            "node_id": f"IC_{identity}",
            "url": f"{self.url}/api/v3/repos/{full_name}/issues/comments/{identity}",
            "html_url": f"{self.url}/{full_name}/pull/{number}#issuecomment-{identity}",
            "issue_url": f"{self.url}/api/v3/repos/{full_name}/issues/{number}",
            "user": dict(user),
            "created_at": self.moment(),
            "updated_at": self.moment(),
            "author_association": "NONE",
            "body": body,
            "performed_via_github_app": app,
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


def _number(text: str) -> int:
    return int(hashlib.sha1(text.encode()).hexdigest()[:8], 16)
