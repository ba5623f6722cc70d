"""`role-to-assume`: credentials by GitHub's OIDC token, assumed in this process and refreshed as long as the job lives.

The rest of botocore's credential sources is not consulted then: whoever names a role means that role. botocore's own
web identity fetcher and refreshing credentials do the work; ours are the token, the errors and the masking. Sources:
facts.md B4 (token endpoint, audiences, subjects), botocore 1.44.5's credentials module.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from botocore.awsrequest import AWSRequest
from botocore.credentials import (
    AssumeRoleWithWebIdentityCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    Credentials,
    DeferredRefreshableCredentials,
    ReadOnlyCredentials,
)
from botocore.httpsession import URLLib3Session
from botocore.session import Session
from botocore.utils import get_environ_proxies

from ..core.errors import AwsError, CiDeployError, ErrorKind, InvalidInput, Problem
from ..ports import Clock
from .aws_errors import CALL_ERRORS, translate
from .retry import reading

URL_VARIABLE, TOKEN_VARIABLE = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
METHOD = "assume-role-with-web-identity"
OPERATION = "sts:AssumeRoleWithWebIdentity"
# What a role allows unless it was changed, and what we ask for.
LIFETIME = 3600
# Credentials with less than this left are not used without a try to refresh them.
MARGIN = 60
BUDGET = 15.0

Mask = Callable[[str], None]
Fetch = Callable[[str, Mapping[str, str]], tuple[int, bytes]]


def require_id_token(environ: Mapping[str, str]) -> None:
    """InvalidInput when the job may not ask for an OIDC token: known before anything is asked."""
    if environ.get(URL_VARIABLE, "").strip() and environ.get(TOKEN_VARIABLE, "").strip():
        return
    raise InvalidInput(
        (
            Problem(
                where="input `role-to-assume`",
                what="needs an OIDC token, and this job may not ask for one.",
                remedy="Give the job `permissions: id-token: write` (and `contents: read`); a pull request from a fork"
                " never gets it. Outside of GitHub Actions leave `role-to-assume` out.",
            ),
        )
    )


def audience_for(role: str) -> str:
    return "sts.amazonaws.com.cn" if role.startswith("arn:aws-cn:") else "sts.amazonaws.com"


def session_name(repository: str, run_id: str) -> str:
    """What CloudTrail shows: repository and run, in the characters and the length that STS allows (64)."""
    run = re.sub(r"\D", "", run_id)[:19]
    tail = f"-{run}" if run else ""
    name = "ci-deploy" + (f"-{repository}" if repository else "")
    return re.sub(r"[^\w+=,.@-]", "-", name, flags=re.ASCII)[: 64 - len(tail)] + tail


def claims(token: str) -> dict[str, Any]:
    """The token's payload, unverified: AWS verifies it, we only show `sub` and `aud` when AWS refuses it."""
    try:
        payload = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def http_get(url: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """Status and body of a GET; raises botocore's HTTPClientError."""
    request = AWSRequest(method="GET", url=url, headers=dict(headers)).prepare()
    session = URLLib3Session(timeout=(5, 10), proxies=get_environ_proxies(url))
    try:
        response = session.send(request)
        return int(response.status_code), bytes(response.content)
    finally:
        session.close()


class WebIdentity:
    """The role's credentials: `install` makes a session sign with them, `install_urgent` with what is at hand.

    `create_client`: as botocore's fetcher wants it, `(service, config=…)`. `mask` gets every secret before use.
    """

    def __init__(
        self,
        role: str,
        environ: Mapping[str, str],
        clock: Clock,
        *,
        mask: Mask,
        create_client: Callable[..., Any],
        fetch: Fetch = http_get,
    ) -> None:
        require_id_token(environ)
        self._role = role
        self._clock = clock
        self._mask = mask
        self._fetch = fetch
        self._audience = audience_for(role)
        base = environ[URL_VARIABLE].strip()
        self._url = f"{base}{'&' if '?' in base else '?'}audience={quote(self._audience, safe='')}"
        self._bearer = environ[TOKEN_VARIABLE].strip()
        self._subject = ""
        self._metadata: dict[str, Any] | None = None
        self._fetched_at = 0.0
        # Ours, so that it can be emptied when AWS says that what is in it has expired.
        self._cache: dict[str, Any] = {}
        self._fetcher = AssumeRoleWithWebIdentityCredentialFetcher(
            create_client,
            self._token,
            role,
            extra_args={
                "RoleSessionName": session_name(
                    environ.get("GITHUB_REPOSITORY", "").strip(), environ.get("GITHUB_RUN_ID", "").strip()
                ),
                "DurationSeconds": LIFETIME,
            },
            cache=self._cache,
        )
        self.credentials = _Refreshing(self._refresh)

    def install(self, session: Session) -> None:
        session.register_component("credential_provider", CredentialResolver([_Provider(self.credentials)]))

    def install_urgent(self, session: Session) -> None:
        """For a stop that must go out now: credentials still good for a minute are not refreshed first."""
        urgent = _AtHand(self.at_hand)
        session.register_component("credential_provider", CredentialResolver([_Provider(urgent)]))

    def at_hand(self) -> ReadOnlyCredentials:
        """Credentials without a request where that is possible."""
        if self._metadata is not None and self._left() > MARGIN and not self.credentials.rejected:
            found = self._metadata
            return ReadOnlyCredentials(
                found["access_key"], found["secret_key"], found["token"], found.get("account_id")
            )
        frozen: ReadOnlyCredentials = self.credentials.get_frozen_credentials()
        return frozen

    def rejected(self) -> None:
        """AWS called the credentials expired: get new ones at the next call, unless these are new."""
        if self._metadata is not None and self._clock.now() - self._fetched_at > MARGIN:
            self._cache.clear()
            self.credentials.rejected = True

    def _left(self) -> float:
        """Seconds that the credentials still have, by our own clock (AWS's expiry is in AWS's time)."""
        return self._fetched_at + LIFETIME - self._clock.now()

    def _refresh(self) -> dict[str, Any]:
        try:
            found = reading(self._clock, self._assume, budget=BUDGET, attempts=4)
        except AwsError as error:
            # botocore insists on new ones ten minutes before the end; the old ones do until then.
            if error.kind.transient and self._metadata is not None and self._left() > MARGIN:
                return self._metadata
            raise
        self._mask(found["secret_key"])
        self._mask(found["token"])
        self._metadata = found
        self._fetched_at = self._clock.now()
        self.credentials.rejected = False
        return found

    def _assume(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._fetcher.fetch_credentials()
        except CALL_ERRORS as error:
            raise self._explained(
                translate(error, service="sts", operation="AssumeRoleWithWebIdentity", resource=self._role)
            ) from error
        return found

    def _explained(self, error: CiDeployError) -> CiDeployError:
        if not isinstance(error, AwsError):
            return error
        if error.code == "InvalidIdentityToken" and self._metadata is not None:
            # It was accepted before: GitHub's keys could not be read just now.
            error.kind = ErrorKind.EXPIRED
        shown = f"This job's token has the subject `{self._subject}` and the audience `{self._audience}`."
        if error.kind is ErrorKind.DENIED:
            error.remedy = (
                f"{shown} The role's trust policy must accept both: the audience by"
                " `token.actions.githubusercontent.com:aud`, the subject by `…:sub`, which is `repo:OWNER/REPO:ref:…`,"
                " `…:environment:NAME` in a job with an environment, or, for repositories created, renamed or"
                " transferred since July 2026, `repo:OWNER@ID/REPO@ID:…` (docs/iam.md)."
            )
        elif error.code == "InvalidIdentityToken":
            error.remedy = (
                f"{shown} The account needs an IAM OIDC provider for token.actions.githubusercontent.com with that"
                " audience (docs/iam.md)."
            )
        return error

    def _token(self) -> str:
        """A new token, masked. GitHub's tokens live for minutes, so each refresh asks for its own."""
        headers = {"Authorization": f"Bearer {self._bearer}", "Accept": "application/json; api-version=2.0"}
        try:
            status, body = self._fetch(self._url, headers)
        except CALL_ERRORS as error:
            raise _token_error(ErrorKind.UNREACHABLE, type(error).__name__, "did not answer") from error
        if status != 200:
            kind = ErrorKind.UNREACHABLE if status >= 500 or status in (408, 429) else ErrorKind.NO_CREDENTIALS
            raise _token_error(kind, f"HTTP{status}", f"answered {status}")
        try:
            token = json.loads(body)["value"]
        except (ValueError, KeyError, TypeError):
            token = None
        if not (isinstance(token, str) and token.strip()):
            raise _token_error(ErrorKind.UNREACHABLE, "UnreadableAnswer", "answered without a token")
        self._mask(token)
        self._subject = str(claims(token).get("sub") or "unknown")[:300]
        return token


class _Refreshing(DeferredRefreshableCredentials):  # type: ignore[misc]
    """botocore's refreshing credentials, which can be told that AWS no longer takes them."""

    def __init__(self, refresh: Callable[[], dict[str, Any]]) -> None:
        super().__init__(refresh, METHOD)
        self.rejected = False

    def refresh_needed(self, refresh_in: int | None = None) -> bool:
        return self.rejected or bool(super().refresh_needed(refresh_in))


class _AtHand(Credentials):  # type: ignore[misc]
    """Credentials that are looked up when a request is signed."""

    def __init__(self, current: Callable[[], ReadOnlyCredentials]) -> None:
        super().__init__("", "", method=METHOD)
        self._current = current

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return self._current()


class _Provider(CredentialProvider):  # type: ignore[misc]
    METHOD = METHOD
    CANONICAL_NAME = None

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> Credentials:
        return self._credentials


def _token_error(kind: ErrorKind, code: str, what: str) -> AwsError:
    error = AwsError(kind, operation=OPERATION, code=code, message=f"GitHub's OIDC token endpoint {what}")
    error.remedy = "Give the job `permissions: id-token: write`, or run it again: https://www.githubstatus.com/."
    return error
