"""What a job's OIDC token says, told where AWS does not accept it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CLAIMS = ("sub", "aud", "iss")
_LONGEST = 300  # of a claim, in a line of an error


def claimed(claims: Mapping[str, Any]) -> str:
    """The three claims that a trust policy compares, as the token has them."""
    shown = [f"{name} `{str(claims.get(name) or 'unknown')[:_LONGEST]}`" for name in _CLAIMS]
    return f"This job's token has {shown[0]}, {shown[1]} and {shown[2]}."


def untrusted(claims: Mapping[str, Any]) -> str:
    """What to do where the role's trust policy does not accept the token."""
    issuer = _issuer(claims)
    return (
        f"{claimed(claims)} Check that the role exists and that its trust policy accepts exactly these, as"
        f" `{issuer}:sub` and `{issuer}:aud`. A job with `environment:` has the environment in its subject, not the"
        " branch. `ci-deploy init` prints the command that makes roles for this repository's subjects"
        " (docs/iam/README.md)."
    )


def unknown_issuer(claims: Mapping[str, Any]) -> str:
    """What to do where the account has no provider for whoever issued the token."""
    wanted = f"The account needs an IAM OIDC provider for {_issuer(claims)} with that audience (docs/iam/README.md)."
    return f"{claimed(claims)} {wanted}"


def _issuer(claims: Mapping[str, Any]) -> str:
    return str(claims.get("iss") or "token.actions.githubusercontent.com").removeprefix("https://")[:_LONGEST]
