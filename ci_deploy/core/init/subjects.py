"""The subjects of the tokens that GitHub gives to a repository's jobs, in every form that it may have them.

Sources: GitHub's "OpenID Connect reference" (default subjects, environments, custom templates), facts.md B4: since
15 July 2026 repositories that are new, renamed or transferred have ids in their subjects (`repo:OWNER@ID/REPO@ID:…`),
others do not, and GitHub Enterprise Server never has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..lazy import dataclass

GITHUB = "github.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """Where a repository is: `github.com`, `SOMEBODY.ghe.com`, or the host of an Enterprise Server."""

    owner: str
    name: str
    host: str = GITHUB

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def hosted(self) -> bool:
        """Whether GitHub runs it: the form with ids is there alone."""
        return self.host == GITHUB or self.host.endswith(".ghe.com")

    @property
    def issuer(self) -> str:
        """Who issues its tokens, without `https://`."""
        if not self.hosted:
            return f"{self.host}/_services/token"
        return "token.actions.githubusercontent.com" if self.host == GITHUB else f"token.actions.{self.host}"

    @property
    def api(self) -> str:
        if not self.hosted:
            return f"https://{self.host}/api/v3"
        return f"https://api.{self.host}"


def remote(url: str) -> Remote | None:
    """The repository that a Git remote's URL leads to; None where it is not of that kind."""
    found = re.fullmatch(
        r"(?:[a-z+]+://(?:[^@/]*@)?(?P<host>[A-Za-z0-9.-]+)(?::\d+)?/|(?:[^@/:]*@)?(?P<scp>[A-Za-z0-9.-]+):/?)"
        r"(?P<owner>[A-Za-z0-9_.-]+)/(?P<name>[A-Za-z0-9_.-]+?)(?:\.git)?/?",
        url.strip(),
    )
    if not found:
        return None
    host = (found["host"] or found["scp"]).lower()
    # GitHub's own SSH over port 443.
    return Remote(owner=found["owner"], name=found["name"], host=GITHUB if host == f"ssh.{GITHUB}" else host)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What GitHub says of a repository. Ids are empty, and `template` None (GitHub's default), where it says nothing.

    `template`: the claims that the repository, or its organization, puts into the subject. `why`: what kept us from
    asking for ids.
    """

    owner_id: str = ""
    repository_id: str = ""
    visibility: str = ""
    template: tuple[str, ...] | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a job's token tells of it: `context` is the end of a default subject."""

    context: str  # `ref:refs/heads/main`, `environment:production`, `pull_request`
    event: str
    workflow: str  # its file's name
    title: str  # the workflow's `name:`
    ref: str = ""  # empty where it is another one every time


class Unpredictable(Exception):  # noqa: N818 - it names a claim
    """The template has a claim that is not known before the job runs."""


def subjects(remote: Remote, known: Known, jobs: Sequence[Job]) -> tuple[str, ...]:
    """The subjects of these jobs, in each form that is possible. Raises Unpredictable with the claim."""
    found = []
    for job in jobs:
        for repository in _repositories(remote, known):
            if known.template is None:
                found.append(f"{repository}:{job.context}")
            else:
                found.append(":".join(_claim(name, repository, remote, known, job) for name in known.template))
    return tuple(dict.fromkeys(found))


def _repositories(remote: Remote, known: Known) -> list[str]:
    forms = [f"repo:{remote}"]
    if remote.hosted and known.owner_id and known.repository_id:
        forms.append(f"repo:{remote.owner}@{known.owner_id}/{remote.name}@{known.repository_id}")
    return forms


def _claim(name: str, repository: str, remote: Remote, known: Known, job: Job) -> str:
    if name == "repo":
        return repository
    if name == "context":
        return job.context
    environment = job.context.removeprefix("environment:") if job.context.startswith("environment:") else ""
    values = {
        "repository": str(remote),
        "repository_id": known.repository_id,
        "repository_owner": remote.owner,
        "repository_owner_id": known.owner_id,
        "repository_visibility": known.visibility,
        "environment": environment,
        "event_name": job.event,
        "workflow": job.title,
        "ref": job.ref,
        "job_workflow_ref": job.ref and f"{remote}/.github/workflows/{job.workflow}@{job.ref}",
    }
    value = values.get(name, "")
    if not value:
        raise Unpredictable(name)
    return f"{name}:{value.replace(':', '%3A')}"
