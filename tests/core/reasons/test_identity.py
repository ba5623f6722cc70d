"""What people are told of a token that AWS did not accept."""

from __future__ import annotations

from ci_deploy.core.reasons import identity

CLAIMS = {"sub": "repo:o@1/r@2:environment:production", "aud": "sts.amazonaws.com", "iss": "https://ghes.example/x"}


def test_subject_audience_and_issuer_are_shown() -> None:
    claimed = "sub `repo:o@1/r@2:environment:production`, aud `sts.amazonaws.com` and iss `https://ghes.example/x`"
    for told in (identity.untrusted(CLAIMS), identity.unknown_issuer(CLAIMS)):
        assert claimed in told
        assert "ghes.example/x" in told.replace(claimed, "")


def test_a_token_that_cannot_be_read_is_taken_for_githubs() -> None:
    told = identity.untrusted({"sub": "x" * 1000})
    assert "x" * 300 in told and "x" * 301 not in told
    assert "iss `unknown`" in told
    assert "token.actions.githubusercontent.com:sub" in told
