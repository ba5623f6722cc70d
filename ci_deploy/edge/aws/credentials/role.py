"""`role-to-assume`: credentials by GitHub's OIDC token, assumed in this process and refreshed as long as the job lives.

The rest of botocore's credential sources is not consulted then: whoever names a role means that role. botocore's own
web identity fetcher and refreshing credentials do the work; ours are the token, the errors and the masking. Sources:
facts.md B4 (token endpoint, audiences, subjects), botocore 1.44.5's credentials module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.credentials import (
    AssumeRoleWithWebIdentityCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    Credentials,
    DeferredRefreshableCredentials,
    ReadOnlyCredentials,
)
from botocore.session import Session

from ....core.errors import AwsError, CiDeployError, ErrorKind
from ....core.reasons.hints import TokenRefused
from ...github.oidc import Fetch, audience_for, claims, id_tokens, session_name
from ..errors import CALL_ERRORS, translate, unreadable
from ..retry import reading

if TYPE_CHECKING:
    from ....ports import Clock

METHOD = "assume-role-with-web-identity"
# What a role allows unless it was changed, and what we ask for.
LIFETIME = 3600
# Credentials with less than this left are not used without a try to refresh them.
MARGIN = 60
BUDGET = 15.0

Mask = Callable[[str], None]


def known_expiry(environ: Mapping[str, str], *, refreshed: bool) -> float | None:
    """When the credentials end (epoch seconds, AWS's clock), None when they are refreshed or do not say.

    AWS_CREDENTIAL_EXPIRATION is what `aws configure export-credentials` and others put beside the keys.
    """
    text = environ.get("AWS_CREDENTIAL_EXPIRATION", "").strip()
    if refreshed or not (text and environ.get("AWS_ACCESS_KEY_ID", "").strip()):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


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
        fetch: Fetch | None = None,
    ) -> None:
        self._role = role
        self._clock = clock
        self._mask = mask
        self._tokens = id_tokens(environ, audience_for(role), fetch=fetch)
        self._claims: Mapping[str, Any] = {}
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
        except (ValueError, TypeError, LookupError, AttributeError) as error:  # an answer without credentials
            self._cache.clear()
            raise unreadable("sts", "AssumeRoleWithWebIdentity", self._role, "Credentials") from error
        return found

    def _explained(self, error: CiDeployError) -> CiDeployError:
        if not isinstance(error, AwsError):
            return error
        if error.code == "InvalidIdentityToken" and self._metadata is not None:
            # It was accepted before: GitHub's keys could not be read just now.
            error.kind = ErrorKind.EXPIRED
        unknown = error.code == "InvalidIdentityToken" and error.kind is not ErrorKind.DENIED
        if unknown or error.kind is ErrorKind.DENIED:
            subject, audience, issuer = (str(self._claims.get(name) or "") for name in ("sub", "aud", "iss"))
            error.hint = TokenRefused(claims=(subject, audience, issuer), issuer_unknown=unknown)
        return error

    def _token(self) -> str:
        token = self._tokens()
        self._mask(token)
        self._claims = claims(token)
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
