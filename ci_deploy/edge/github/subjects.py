"""What GitHub says of a repository's subjects, for `init`: its ids, and a template of its own or its organization's.

A public repository tells its ids to everybody; the rest needs a token. Whatever is not told is left unknown, with why.
Source: GitHub's REST API, "Actions OIDC" (use_default true: GitHub's template; false with keys: these; false without:
the organization's, if it has one).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from ...core.init.subjects import Known, Remote
from ..aws.errors import CALL_ERRORS
from ..network import FOR_GITHUB, trust
from .oidc import Fetch, http_get

TOKENS = ("GH_TOKEN", "GITHUB_TOKEN")  # in the order of GitHub's own command line


class Subjects:
    """Implements ports.AsksSubjects."""

    def __init__(self, environ: Mapping[str, str], *, fetch: Fetch | None = None) -> None:
        self._token = next((value for name in TOKENS if (value := environ.get(name, "").strip())), "")
        self._api = environ.get("GITHUB_API_URL", "").strip().rstrip("/")
        self._fetch = fetch or partial(http_get, verify=trust(environ, FOR_GITHUB).verify)

    def known(self, remote: Remote) -> Known:
        base = self._api or remote.api
        path = f"{base}/repos/{quote(remote.owner, safe='')}/{quote(remote.name, safe='')}"
        repository, why = self._get(path)
        owner = repository.get("owner")
        found = Known(
            owner_id=_text(owner.get("id")) if isinstance(owner, dict) else "",
            repository_id=_text(repository.get("id")),
            visibility=_text(repository.get("visibility")),
            why=why,
        )
        if not self._token:
            return found
        organization = f"{base}/orgs/{quote(remote.owner, safe='')}/actions/oidc/customization/sub"
        return Known(
            owner_id=found.owner_id,
            repository_id=found.repository_id,
            visibility=found.visibility,
            template=self._template(f"{path}/actions/oidc/customization/sub", organization),
            why=why,
        )

    def _template(self, repository: str, organization: str) -> tuple[str, ...] | None:
        said, _ = self._get(repository)
        if said.get("use_default") is not False:
            return None
        return _keys(said) or _keys(self._get(organization)[0])

    def _get(self, url: str) -> tuple[dict[str, Any], str]:
        """An answer's members, none where there is no such answer, and then why."""
        headers = {"Accept": "application/vnd.github+json", "User-Agent": "ci-deploy"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            status, body = self._fetch(url, headers)
            found = json.loads(body) if status == 200 else None
        except CALL_ERRORS as error:
            return {}, type(error).__name__
        except ValueError:
            return {}, "an answer that is no JSON"
        return (found, "") if isinstance(found, dict) else ({}, f"HTTP {status}")


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _keys(said: Mapping[str, Any]) -> tuple[str, ...] | None:
    keys = said.get("include_claim_keys")
    return tuple(map(str, keys)) if isinstance(keys, list) and keys else None
