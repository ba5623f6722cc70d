"""A refused OIDC token: its claims are shown, long ones cut."""

from __future__ import annotations

import pytest

from ci_deploy.core.reasons.hints import (
    BucketForeign,
    CredentialsMissing,
    CredentialsSource,
    PermissionMissing,
    TokenRefused,
)


@pytest.mark.parametrize("issuer_unknown", [True, False])
def test_the_claims_are_shown_and_the_issuers_host_is_in_the_remedy(*, issuer_unknown: bool) -> None:
    claims = ("repo:o@1/r@2:environment:production", "sts.amazonaws.com", "https://ghes.example/x")
    told = TokenRefused(claims=claims, issuer_unknown=issuer_unknown).remedy
    assert all(f"`{claim}`" in told for claim in claims)
    assert " ghes.example/x " in told or "`ghes.example/x:sub`" in told


def test_a_token_that_cannot_be_read_is_taken_for_githubs() -> None:
    told = TokenRefused(claims=("x" * 1000, "", ""), issuer_unknown=False).remedy
    assert "x" * 300 in told and "x" * 301 not in told
    assert "iss `unknown`" in told
    assert "token.actions.githubusercontent.com:sub" in told


def test_what_applies_besides_is_said_with_it() -> None:
    missing = PermissionMissing(action="s3:PutObject", resource="s3://bucket/key")
    assert BucketForeign(owner="1", before=missing).remedy.startswith(f"{missing.remedy} ")
    assert CredentialsSource(source="x", rest=CredentialsMissing()).remedy.endswith(CredentialsMissing().remedy)
