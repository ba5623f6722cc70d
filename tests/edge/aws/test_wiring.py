"""All ports from inputs and an environment."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ci_deploy import ports
from ci_deploy.core.aws import Identity
from ci_deploy.core.errors import AwsError, InvalidInput
from ci_deploy.core.given.inputs import Inputs
from ci_deploy.edge.aws import wiring
from ci_deploy.edge.aws.credentials.identity import parse_identity
from ci_deploy.edge.github import oidc
from ci_deploy.edge.rehearsal import clock_for
from tests.edge.fakes import REGION, FakeClock, Server, sends

WHO = (
    b"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>%s</Arn><UserId>u</UserId>"
    b"<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)
ASSUMED = (
    b"<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
    b"<AccessKeyId>ASIAEXAMPLE00001</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
    b"<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>"
    b"</AssumeRoleWithWebIdentityResponse>"
)


def wire(
    environ: dict[str, str],
    clock: FakeClock,
    masked: list[str] | None = None,
    ahead: Callable[[Callable[[], None]], None] = lambda _: None,
    **given: Any,
) -> ports.Ports:
    mask = (masked if masked is not None else []).append
    return wiring.wire(Inputs(**given), os.environ | environ, clock=clock, directory=Path(), mask=mask, ahead=ahead)


def test_the_identity_has_account_region_and_partition(serve: Callable[..., Server], clock: FakeClock) -> None:
    serve(sends(WHO % b"arn:aws-cn:sts::123456789012:assumed-role/deploy/x", 200, "text/xml"))
    found = wire({"AWS_REGION": "cn-north-1"}, clock).identities.identity()
    assert (found.account, found.region, found.partition) == ("123456789012", "cn-north-1", "aws-cn")


def test_the_identity_may_be_asked_for_ahead_and_is_asked_for_once(
    serve: Callable[..., Server], clock: FakeClock
) -> None:
    server = serve(sends(WHO % b"arn:aws:iam::123456789012:user/x", 200, "text/xml"))
    made = wire({"AWS_REGION": REGION}, clock, ahead=lambda ask: ask())
    assert len(server.requests) == 1
    assert made.identities.identity().account == made.identities.identity().account == "123456789012"
    assert len(server.requests) == 1


def test_what_goes_wrong_ahead_is_told_to_the_first_who_asks(serve: Callable[..., Server], clock: FakeClock) -> None:
    denied = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
    server = serve(sends(denied, 403, "text/xml"), sends(WHO % b"arn:aws:iam::123456789012:user/x", 200, "text/xml"))
    made = wire({"AWS_REGION": REGION}, clock, ahead=lambda ask: ask())
    with pytest.raises(AwsError, match="AccessDenied"):
        made.identities.identity()
    assert len(server.requests) == 1
    assert made.identities.identity().account == "123456789012"


def test_an_identity_without_an_arn_is_of_the_usual_partition() -> None:
    assert parse_identity({"Account": "1"}, REGION) == Identity(account="1", arn="", region=REGION)


def test_a_role_is_assumed_unsigned_and_then_signs(
    serve: Callable[..., Server], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = Server(sends({"value": "a.b.c"}))
    server = serve(sends(ASSUMED, 200, "text/xml"), sends(WHO % b"arn:aws:iam::1:x", 200, "text/xml"))
    masked: list[str] = []
    environ = {oidc.URL_VARIABLE: f"{tokens.url}/t?x=1", oidc.TOKEN_VARIABLE: "runner-token"}
    try:
        made = wire(environ, clock, masked, aws_region=REGION, role_to_assume="arn:aws:iam::123456789012:role/deploy")
        assert server.requests == []
        made.identities.identity()
    finally:
        tokens.close()
    assume, who = server.requests
    assert "Authorization" not in assume["headers"]
    assert b"WebIdentityToken=a.b.c" in assume["body"]
    assert "ASIAEXAMPLE00001" in who["headers"]["Authorization"]
    assert masked == ["a.b.c", "s", "t"]


def test_a_role_without_the_permission_to_ask_for_a_token_is_bad_input(clock: FakeClock) -> None:
    with pytest.raises(InvalidInput, match="role-to-assume"):
        wire({}, clock, aws_region=REGION, role_to_assume="arn:aws:iam::123456789012:role/deploy")


def test_no_region_is_bad_input(clock: FakeClock) -> None:
    with pytest.raises(InvalidInput, match="aws-region"):
        wire({}, clock)


def test_the_clock_obeys_the_speed_guard() -> None:
    with pytest.raises(InvalidInput):
        clock_for({"CI_DEPLOY_CLOCK_SPEED": "60"})
    assert clock_for({"CI_DEPLOY_CLOCK_SPEED": "60", "AWS_ENDPOINT_URL": "http://emulator"}).real(1) == 60
