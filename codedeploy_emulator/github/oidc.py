"""GitHub's OIDC token endpoint, as a job with `id-token: write` sees it (facts B4): a token that looks like a JWT.

Its signature is made with a key that everybody knows: it proves nothing, and no one but the emulator may accept it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from ..server.wire import Request, Response, json_response

PATH = "/_oidc/token"
OPERATION = f"GET {PATH}"
REQUEST_TOKEN = "emulator-id-token-request-token"
LIFETIME = 300


def answer(request: Request, now: float, claims: Mapping[str, str]) -> Response:
    """`{"value": JWT}` for the audience asked for, or 401 for a wrong bearer token."""
    if request.headers.get("authorization", "").lower() != f"bearer {REQUEST_TOKEN}".lower():
        return json_response({"message": "the bearer token is not ACTIONS_ID_TOKEN_REQUEST_TOKEN"}, 401)
    repository = claims.get("repository", "your-org/checkout")
    payload = {
        "iss": "https://token.actions.githubusercontent.com",
        "sub": f"repo:{repository}:ref:refs/heads/main",
        "repository": repository,
        "repository_owner": repository.split("/")[0],
        "ref": "refs/heads/main",
        **claims,
        "aud": request.query.get("audience", f"https://github.com/{repository.split('/')[0]}"),
        "iat": int(now),
        "nbf": int(now) - 5,
        "exp": int(now) + LIFETIME,
    }
    head = _part(json.dumps({"typ": "JWT", "alg": "HS256", "kid": "emulator"}).encode())
    body = _part(json.dumps(payload).encode())
    signature = _part(hmac.new(b"emulator", f"{head}.{body}".encode(), hashlib.sha256).digest())
    return json_response({"value": f"{head}.{body}.{signature}"})


def _part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
