"""GitHub's OIDC tokens: asking for one, and what it says. Nothing of AWS is asked here.

Sources: actions/toolkit's oidc-utils (facts.md B4): URL and bearer token are in the environment of a job that has
`id-token: write`, and only there.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from ...core.errors import AwsError, CiDeployError, ErrorKind, InvalidInput
from ...core.given import mistakes
from ...core.reasons.hints import TokenUnavailable
from ..aws.errors import CALL_ERRORS
from ..network import FOR_GITHUB, trust

URL_VARIABLE, TOKEN_VARIABLE = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"

Fetch = Callable[[str, Mapping[str, str]], tuple[int, bytes]]


def require_id_token(environ: Mapping[str, str]) -> None:
    """InvalidInput when the job may not ask for an OIDC token: known before anything is asked."""
    url, token = environ.get(URL_VARIABLE, "").strip(), environ.get(TOKEN_VARIABLE, "").strip()
    if url and token:
        if not _is_web_address(url):
            raise InvalidInput((mistakes.no_web_address(URL_VARIABLE),))
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise InvalidInput((mistakes.token_unsendable(TOKEN_VARIABLE),))
        return
    raise InvalidInput((mistakes.NO_TOKEN,))


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https") and bool(parts.hostname) and re.fullmatch(r"[\x21-\x7e]+", text) is not None
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
    """The token's payload, unverified: AWS verifies it; `sub`, `aud` and `iss` are shown when AWS refuses it."""
    try:
        payload = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def http_get(url: str, headers: Mapping[str, str], *, verify: str | bool = True) -> tuple[int, bytes]:
    """Status and body of a GET; raises botocore's HTTPClientError. `verify`: other certificates to trust."""
    request = AWSRequest(method="GET", url=url, headers=dict(headers)).prepare()
    session = URLLib3Session(verify=verify, timeout=(5, 10), proxies=get_environ_proxies(url))
    try:
        response = session.send(request)
        return int(response.status_code), bytes(response.content)
    finally:
        session.close()


def id_tokens(environ: Mapping[str, str], audience: str, *, fetch: Fetch | None = None) -> Callable[[], str]:
    """A function that asks for a new token each time: GitHub's live for minutes. InvalidInput without permission."""
    require_id_token(environ)
    trusted = trust(environ, FOR_GITHUB)
    get = fetch or partial(http_get, verify=trusted.verify)
    base = environ[URL_VARIABLE].strip()
    url = f"{base}{'&' if '?' in base else '?'}audience={quote(audience, safe='')}"
    headers = {
        "Authorization": f"Bearer {environ[TOKEN_VARIABLE].strip()}",
        "Accept": "application/json; api-version=2.0",
    }

    def ask() -> str:
        try:
            status, body = get(url, headers)
        except CALL_ERRORS as error:
            name = type(error).__name__
            if name == "SSLError":
                made = _token_error(ErrorKind.UNREACHABLE, name, "has a certificate that is not trusted here")
                made.hint = trusted.hint
                raise made from error
            raise _token_error(ErrorKind.UNREACHABLE, name, "did not answer") from error
        if status != 200:
            kind = ErrorKind.UNREACHABLE if status >= 500 or status in (408, 429) else ErrorKind.NO_CREDENTIALS
            raise _token_error(kind, f"HTTP{status}", f"answered {status}")
        try:
            token = json.loads(body)["value"]
        except (ValueError, KeyError, TypeError):
            token = None
        if not (isinstance(token, str) and token.strip()):
            raise _token_error(ErrorKind.UNREACHABLE, "UnreadableAnswer", "answered without a token")
        return token

    return ask


def job_environment(environ: Mapping[str, str], *, fetch: Fetch | None = None) -> str:
    """The `environment:` of this job, as its OIDC token claims it; empty when it has none or that cannot be found out.

    The token is asked for an audience that nothing trusts, read, and dropped.
    """
    try:
        return str(claims(id_tokens(environ, "ci-deploy", fetch=fetch)()).get("environment") or "")
    except CiDeployError:
        return ""


def _token_error(kind: ErrorKind, code: str, what: str) -> AwsError:
    error = AwsError(
        kind, operation="sts:AssumeRoleWithWebIdentity", code=code, message=f"GitHub's OIDC token endpoint {what}"
    )
    error.hint = TokenUnavailable()
    return error
