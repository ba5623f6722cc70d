"""What GitHub says of a repository's subjects, for `init`: its ids, and a template of its own or its organization's.

A public repository tells its ids to everybody; the rest needs a login. Whatever is not told is left unknown, with why.
Source: GitHub's REST API, "Actions OIDC" (use_default true: GitHub's template; false with keys: these; false without:
the organization's, if it has one).
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from ...core.init.subjects import Known, Remote
from ..aws.errors import CALL_ERRORS
from ..network import FOR_GITHUB, trust
from .oidc import Fetch, http_get

TOKENS = ("GH_TOKEN", "GITHUB_TOKEN")  # in the order of GitHub's own command line
PATIENCE = 20.0  # seconds for one question to it

# A path below the API's root -> status (0: no answer) and body, or why there is none.
Ask = Callable[[str], tuple[int, bytes, str]]


class Subjects:
    """Implements ports.AsksSubjects: with a token of the environment's, else by GitHub's command line, else without."""

    def __init__(self, environ: Mapping[str, str], *, fetch: Fetch | None = None) -> None:
        self._environ = environ
        self._token = next((value for name in TOKENS if (value := environ.get(name, "").strip())), "")
        self._api = environ.get("GITHUB_API_URL", "").strip().rstrip("/")
        self._fetch = fetch or partial(http_get, verify=trust(environ, FOR_GITHUB).verify)

    def known(self, remote: Remote) -> Known:
        ways = [self._by_http(remote)]
        if not (self._token or self._api):
            ways.insert(0, self._by_gh(remote))
        for ask in ways:
            found = _known(ask, remote)
            if found.repository_id:
                break
        return found

    def _by_http(self, remote: Remote) -> Ask:
        headers = {"Accept": "application/vnd.github+json", "User-Agent": "ci-deploy"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"

        def ask(path: str) -> tuple[int, bytes, str]:
            try:
                status, body = self._fetch(f"{self._api or remote.api}/{path}", headers)
            except CALL_ERRORS as error:
                return 0, b"", type(error).__name__
            return status, body, f"HTTP {status}"

        return ask

    def _by_gh(self, remote: Remote) -> Ask:
        def ask(path: str) -> tuple[int, bytes, str]:
            try:
                done = subprocess.run(
                    ["gh", "api", "--hostname", remote.host, path],
                    env={**self._environ, "GH_PROMPT_DISABLED": "1"},
                    capture_output=True,
                    stdin=subprocess.DEVNULL,
                    timeout=PATIENCE,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired):
                return 0, b"", "no answer of gh"
            return (0 if done.returncode else 200), done.stdout, "a refusal of gh"

        return ask


def _known(ask: Ask, remote: Remote) -> Known:
    path = f"repos/{quote(remote.owner, safe='')}/{quote(remote.name, safe='')}"
    repository, why = _members(ask(path))
    if why:
        return Known(why=why)
    owner = repository.get("owner")
    return Known(
        owner_id=_text(owner.get("id")) if isinstance(owner, dict) else "",
        repository_id=_text(repository.get("id")),
        visibility=_text(repository.get("visibility")),
        template=_template(ask, path, f"orgs/{quote(remote.owner, safe='')}"),
    )


def _template(ask: Ask, repository: str, organization: str) -> tuple[str, ...] | None:
    """The repository's own claims, else its organization's where it asks for them; None: GitHub's, or not told."""
    said, _ = _members(ask(f"{repository}/{_CUSTOMIZATION}"))
    if said.get("use_default") is not False:
        return None
    return _keys(said) or _keys(_members(ask(f"{organization}/{_CUSTOMIZATION}"))[0])


_CUSTOMIZATION = "actions/oidc/customization/sub"


def _members(answer: tuple[int, bytes, str]) -> tuple[dict[str, Any], str]:
    """An answer's members, none where there is no such answer, and then why."""
    status, body, why = answer
    try:
        found = json.loads(body) if status == 200 else None
    except ValueError:
        return {}, "an answer that is no JSON"
    return (found, "") if isinstance(found, dict) else ({}, why)


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _keys(said: Mapping[str, Any]) -> tuple[str, ...] | None:
    keys = said.get("include_claim_keys")
    return tuple(map(str, keys)) if isinstance(keys, list) and keys else None
