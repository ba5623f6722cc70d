"""Where a run comes from: GitHub's variables and the event, as a `Context`. Pure; nothing in it may raise.

Sources: GitHub's default variables, webhook payloads (facts.md B5). The event is what somebody outside may have
caused, so every member is checked for its type before it is used.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from ..run import Context
from .trust import from_fork, stranger


def context(environ: Mapping[str, str], event: Mapping[str, Any]) -> Context:
    """The context of this run; on a terminal all of GitHub's part is empty."""
    name = environ.get("GITHUB_EVENT_NAME", "").strip()
    repository = environ.get("GITHUB_REPOSITORY", "").strip()
    return Context(
        actions=_on_runner(environ),
        repository=repository,
        sha=environ.get("GITHUB_SHA", "").strip(),
        head_sha=_head_sha(name, event),
        ref=environ.get("GITHUB_REF", "").strip(),
        run_id=_number(environ.get("GITHUB_RUN_ID")),
        run_attempt=_number(environ.get("GITHUB_RUN_ATTEMPT")),
        step=_step(environ),
        actor=environ.get("GITHUB_ACTOR", "").strip(),
        workflow=environ.get("GITHUB_WORKFLOW", "").strip(),
        event_name=name,
        server_url=environ.get("GITHUB_SERVER_URL", "").strip().rstrip("/") or "https://github.com",
        api_url=environ.get("GITHUB_API_URL", "").strip().rstrip("/") or "https://api.github.com",
        pull_request=_pull_request(name, event),
        public=_public(environ, event),
        from_fork=from_fork(name, event, repository),
        stranger=stranger(name, event, repository),
    )


def _step(environ: Mapping[str, str]) -> str:
    """The job's and the step's names as one hash: they are the same for a step and its post step."""
    names = [environ.get(name, "").strip() for name in ("GITHUB_JOB", "GITHUB_ACTION")]
    return hashlib.sha256("\x1f".join(names).encode()).hexdigest()[:8] if all(names) else ""


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    """A positive number, 0 for anything else."""
    text = str(value).strip()
    return int(text) if re.fullmatch(r"[0-9]{1,19}", text) else 0


def _pull_request(name: str, event: Mapping[str, Any]) -> int | None:
    """The pull request that the event itself is about; pushes, merge groups and workflow runs name none."""
    if name.startswith("pull_request"):
        return _number(_map(event.get("pull_request")).get("number")) or _number(event.get("number")) or None
    if name == "issue_comment":
        issue = _map(event.get("issue"))
        # Comments on issues come as the same event; only a pull request's has this member.
        return (_number(issue.get("number")) or None) if issue.get("pull_request") else None
    return None


def _head_sha(name: str, event: Mapping[str, Any]) -> str:
    """GITHUB_SHA is a merge commit (pull_request) or the default branch (pull_request_target, workflow_run)."""
    if name.startswith("pull_request"):
        return _text(_map(_map(event.get("pull_request")).get("head")).get("sha"))
    if name == "workflow_run":
        return _text(_map(event.get("workflow_run")).get("head_sha"))
    if name == "merge_group":
        return _text(_map(event.get("merge_group")).get("head_sha"))
    return ""


def _public(environ: Mapping[str, str], event: Mapping[str, Any]) -> bool:
    """Whether anybody can read the log: under a runner, unless the event says otherwise (`internal` is not public)."""
    repository = _map(event.get("repository"))
    visibility = _text(repository.get("visibility"))
    if visibility:
        return visibility not in ("private", "internal")
    if isinstance(repository.get("private"), bool):
        return not repository["private"]
    return _on_runner(environ)


def _on_runner(environ: Mapping[str, str]) -> bool:
    return environ.get("GITHUB_ACTIONS", "").strip().lower() == "true"
