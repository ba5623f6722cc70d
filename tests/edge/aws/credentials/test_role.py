"""`role-to-assume`: the token, the role, the refresh, and everything that AWS or GitHub may answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ConnectTimeoutError, InvalidRegionError
from botocore.stub import Stubber

from ci_deploy.core.errors import AwsError, CiDeployError, ErrorKind, InvalidInput
from ci_deploy.edge.aws.client import Aws
from ci_deploy.edge.aws.credentials.role import LIFETIME, WebIdentity, known_expiry
from ci_deploy.edge.github import oidc
from tests.edge.fakes import REGION, FakeClock, Server, hangs_up, sends, session

ROLE = "arn:aws:iam::123456789012:role/deploy"
SUBJECT = "repo:acme/shop:ref:refs/heads/main"
ENVIRON = {
    oidc.URL_VARIABLE: "https://token.example/idtoken?api-version=2.0",
    oidc.TOKEN_VARIABLE: "runner-token",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_RUN_ID": "123",
}


def jwt(**claims: object) -> str:
    """A token that nobody signed."""
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{part}.c2ln"


TOKEN = jwt(sub=SUBJECT, aud="sts.amazonaws.com", iss="https://ghes.example.com/_services/token")


class World:
    """GitHub's token endpoint and STS, in memory: what they answer next, and what they were asked."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.masked: list[str] = []
        self.urls: list[str] = []
        self.headers: Mapping[str, str] = {}
        self.token: list[tuple[int, bytes] | Exception] = [(200, json.dumps({"value": TOKEN}).encode())]
        self.client = session().create_client("sts", region_name=REGION)
        self.sts = Stubber(self.client)
        self.sts.activate()
        self.identity = WebIdentity(
            ROLE,
            ENVIRON,
            clock,
            mask=self.masked.append,
            create_client=lambda _service, **_: self.client,
            fetch=self.fetch,
        )

    def fetch(self, url: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self.urls.append(url)
        self.headers = headers
        answer = self.token.pop(0) if len(self.token) > 1 else self.token[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def grants(self, number: int, lifetime: int = LIFETIME) -> None:
        self.sts.add_response(
            "assume_role_with_web_identity",
            {
                "Credentials": {
                    "AccessKeyId": f"ASIAEXAMPLE{number:05}",
                    "SecretAccessKey": f"secret-{number}",
                    "SessionToken": f"session-{number}",
                    "Expiration": datetime.now(UTC) + timedelta(seconds=lifetime),
                },
                "AssumedRoleUser": {"AssumedRoleId": "x:y", "Arn": "arn:aws:sts::123456789012:assumed-role/deploy/s"},
            },
            {
                "RoleArn": ROLE,
                "RoleSessionName": "ci-deploy-acme-shop-123",
                "DurationSeconds": LIFETIME,
                "WebIdentityToken": TOKEN,
            },
        )

    def refuses(self, code: str, message: str = "", status: int = 400) -> None:
        self.sts.add_client_error("assume_role_with_web_identity", code, message, status)

    def key(self) -> str:
        return str(self.identity.credentials.get_frozen_credentials().secret_key)

    def error(self) -> AwsError:
        with pytest.raises(CiDeployError) as caught:
            self.key()
        assert isinstance(caught.value, AwsError)
        return caught.value


@pytest.fixture
def world(clock: FakeClock) -> World:
    return World(clock)


def test_the_role_is_assumed_with_a_fresh_token_and_everything_secret_is_masked(world: World) -> None:
    world.grants(1)
    assert world.key() == "secret-1"
    assert world.urls == ["https://token.example/idtoken?api-version=2.0&audience=sts.amazonaws.com"]
    assert world.headers["Authorization"] == "Bearer runner-token"
    assert world.masked == [TOKEN, "secret-1", "session-1"]


def test_credentials_are_kept_while_they_are_good(world: World) -> None:
    world.grants(1)
    assert [world.key(), world.key()] == ["secret-1"] * 2
    assert len(world.urls) == 1


def test_credentials_near_their_end_are_refreshed_with_a_new_token(world: World) -> None:
    world.grants(1, lifetime=60)
    world.grants(2)
    assert world.key() == "secret-1"
    assert world.key() == "secret-2"
    assert len(world.urls) == 2


def test_credentials_that_aws_calls_expired_are_replaced_though_they_should_be_good(
    world: World, clock: FakeClock
) -> None:
    world.grants(1)
    world.grants(2)
    world.key()
    clock.at += 120
    world.identity.rejected()
    assert world.key() == "secret-2"
    world.identity.rejected()  # these are new: asking again would only hammer STS
    assert world.key() == "secret-2"


def test_a_refresh_that_fails_for_the_moment_leaves_credentials_that_are_still_good(world: World) -> None:
    world.grants(1, lifetime=300)  # botocore wants new ones ten minutes before the end
    world.key()
    world.token[:] = [(503, b"")]
    assert world.key() == "secret-1"


def test_a_refusal_while_refreshing_is_not_hidden(world: World) -> None:
    world.grants(1, lifetime=300)
    world.key()
    world.refuses("AccessDenied", status=403)
    assert world.error().kind is ErrorKind.DENIED


def test_a_hiccup_of_token_endpoint_or_sts_is_survived(world: World, clock: FakeClock) -> None:
    world.token.insert(0, (502, b"<html>"))
    world.refuses("InternalFailure", status=500)
    world.grants(1)
    assert world.key() == "secret-1"
    assert len(clock.slept) == 2


def test_an_answer_without_credentials_is_asked_for_again(world: World, clock: FakeClock) -> None:
    """A proxy's, or one that was cut: it says nothing of the credentials that the job may have."""
    world.sts.add_response("assume_role_with_web_identity", {})
    world.grants(1)
    assert world.key() == "secret-1"
    assert len(clock.slept) == 1
    for _ in range(4):
        world.sts.add_response("assume_role_with_web_identity", {})
    world.identity._cache.clear()
    world.identity.credentials.rejected = True
    world.identity._metadata = None
    error = world.error()
    assert (error.kind, error.code) == (ErrorKind.UNREACHABLE, "UnreadableAnswer")


def test_a_trust_policy_that_refuses_is_explained_with_the_tokens_subject(world: World) -> None:
    world.refuses("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
    error = world.error()
    assert error.operation == "sts:AssumeRoleWithWebIdentity"
    assert error.resource == ROLE
    claimed = f"sub `{SUBJECT}`, aud `sts.amazonaws.com` and iss `https://ghes.example.com/_services/token`"
    for part in (claimed, "`ghes.example.com/_services/token:sub`", "docs/iam/README.md"):
        assert part in error.remedy


def test_a_token_that_cannot_be_read_is_refused_with_what_is_known(world: World) -> None:
    world.token[:] = [(200, b'{"value": "opaque"}')]
    world.refuses("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
    assert "sub `unknown`" in world.error().remedy


def test_a_region_that_is_none_is_bad_input_also_where_the_role_is_assumed(clock: FakeClock) -> None:
    """Not AWS's refusal: nothing could be asked."""

    def no_client(_service: str, **_: object) -> object:
        raise InvalidRegionError(region_name="eu central 1")

    tokens = (200, json.dumps({"value": TOKEN}).encode())
    identity = WebIdentity(ROLE, ENVIRON, clock, mask=lambda _: None, create_client=no_client, fetch=lambda *_: tokens)
    with pytest.raises(InvalidInput, match=r"Input `aws-region`.*eu central 1"):
        identity.credentials.get_frozen_credentials()


def test_an_account_without_the_oidc_provider_is_explained(world: World) -> None:
    world.refuses("InvalidIdentityToken", "No OpenIDConnect provider found in your account")
    error = world.error()
    assert error.kind is ErrorKind.NO_CREDENTIALS
    assert "OIDC provider for ghes.example.com/_services/token" in error.remedy


def test_a_token_that_was_accepted_before_and_is_not_now_may_be_later(world: World) -> None:
    world.grants(1, lifetime=60)
    world.key()
    world.clock.at += LIFETIME
    for _ in range(3):
        world.refuses("InvalidIdentityToken", "Couldn't retrieve verification key")
    assert world.error().kind is ErrorKind.EXPIRED


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((403, b"{}"), ErrorKind.NO_CREDENTIALS),
        ((500, b""), ErrorKind.UNREACHABLE),
        ((429, b""), ErrorKind.UNREACHABLE),
        ((200, b"<html>"), ErrorKind.UNREACHABLE),
        ((200, b"{}"), ErrorKind.UNREACHABLE),
        ((200, b'{"value": ""}'), ErrorKind.UNREACHABLE),
        ((200, b'["value"]'), ErrorKind.UNREACHABLE),
    ],
)
def test_a_token_endpoint_that_gives_no_token_is_told_apart(
    world: World, answer: tuple[int, bytes], kind: ErrorKind
) -> None:
    world.token[:] = [answer]
    error = world.error()
    assert error.kind is kind
    assert error.operation == "sts:AssumeRoleWithWebIdentity"
    assert "id-token: write" in error.remedy


@pytest.mark.parametrize("missing", [oidc.URL_VARIABLE, oidc.TOKEN_VARIABLE])
def test_a_job_without_the_permission_is_told_before_anything_is_asked(missing: str) -> None:
    with pytest.raises(InvalidInput, match="id-token: write"):
        oidc.require_id_token({**ENVIRON, missing: ""})


def test_no_error_shows_a_secret(world: World) -> None:
    world.refuses("AccessDenied", "no", 403)
    error = world.error()
    for secret in (TOKEN, "runner-token"):
        assert secret not in f"{error} {error.remedy}"


def test_what_must_go_out_now_signs_with_what_is_at_hand(world: World) -> None:
    world.grants(1, lifetime=300)  # botocore would refresh first
    world.key()
    urgent = session()
    world.identity.install_urgent(urgent)
    credentials = urgent.get_credentials()
    assert credentials.get_frozen_credentials().secret_key == "secret-1"
    assert len(world.urls) == 1


def test_at_hand_means_asking_when_nothing_good_is_left(world: World, clock: FakeClock) -> None:
    world.grants(1)
    assert world.identity.at_hand().secret_key == "secret-1"
    world.grants(2)
    clock.at += LIFETIME
    world.identity.rejected()
    assert world.identity.at_hand().secret_key == "secret-2"


def test_a_named_role_is_the_only_source_of_credentials(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASOMEBODYELSE")
    made = session()
    world.identity.install(made)
    world.grants(1)
    assert made.get_credentials().get_frozen_credentials().access_key == "ASIAEXAMPLE00001"


def test_calls_are_signed_with_the_role_and_an_expiry_is_told_to_it(
    world: World, serve: Callable[..., Server], clock: FakeClock
) -> None:
    expired = sends({"__type": "ExpiredTokenException", "message": "expired"}, 400)
    server = serve(expired, sends({"status": "Succeeded"}), sends({"status": "Succeeded"}))
    normal, urgent = session(), session()
    world.identity.install(normal)
    world.identity.install_urgent(urgent)
    aws = Aws(normal, clock, region=REGION, urgent_session=urgent, on_expired=world.identity.rejected)
    world.grants(1)
    world.grants(2)
    world.key()
    clock.at += 120
    stop = {"deploymentId": "d-A1B2C3D4E"}
    with pytest.raises(AwsError):
        aws.call("codedeploy", "StopDeployment", **stop)
    aws.call("codedeploy", "StopDeployment", **stop)
    aws.call("codedeploy", "StopDeployment", urgent=True, **stop)
    signed = [request["headers"]["Authorization"] for request in server.requests]
    assert ["ASIAEXAMPLE00001" in signed[0], *("ASIAEXAMPLE00002" in one for one in signed[1:])] == [True] * 3


def test_the_audience_is_the_partitions() -> None:
    assert oidc.audience_for("arn:aws-cn:iam::123456789012:role/x") == "sts.amazonaws.com.cn"
    assert oidc.audience_for("arn:aws-us-gov:iam::123456789012:role/x") == "sts.amazonaws.com"


@pytest.mark.parametrize(
    ("repository", "run", "expected"),
    [
        ("acme/shop", "123", "ci-deploy-acme-shop-123"),
        ("", "", "ci-deploy"),
        ("ä/b c", "1\n2", "ci-deploy---b-c-12"),
        ("o/" + "r" * 100, "9" * 19, "ci-deploy-o-" + "r" * 32 + "-" + "9" * 19),
    ],
)
def test_the_session_is_named_after_repository_and_run(repository: str, run: str, expected: str) -> None:
    name = oidc.session_name(repository, run)
    assert name == expected
    assert 2 <= len(name) <= 64


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.!!.c", "a.W10.c", "a." + "é" + ".c"])
def test_a_token_that_cannot_be_read_has_no_claims(token: str) -> None:
    assert oidc.claims(token) == {}


@pytest.mark.parametrize(
    ("answer", "environment"),
    [
        ((200, json.dumps({"value": jwt(sub="s", environment="production")}).encode()), "production"),
        ((200, json.dumps({"value": TOKEN}).encode()), ""),
        ((200, b'{"value": "not a token"}'), ""),
        ((403, b""), ""),
        (ConnectTimeoutError(endpoint_url="https://token.example"), ""),
    ],
)
def test_a_jobs_environment_is_told_by_its_token(
    world: World, answer: tuple[int, bytes] | Exception, environment: str
) -> None:
    """For an audience of its own, so that the token is good for nothing else; what cannot be told is none."""
    world.token = [answer]
    assert oidc.job_environment(ENVIRON, fetch=world.fetch) == environment
    assert world.urls[-1].endswith("audience=ci-deploy")


def test_a_job_that_may_not_ask_has_no_environment_that_we_know() -> None:
    assert oidc.job_environment({}) == ""


def test_a_url_without_a_query_gets_one(clock: FakeClock) -> None:
    asked: list[str] = []

    def fetch(url: str, _: Mapping[str, str]) -> tuple[int, bytes]:
        asked.append(url)
        return 200, b'{"value": "t"}'

    oidc.id_tokens({**ENVIRON, oidc.URL_VARIABLE: "https://token.example/x"}, "a b", fetch=fetch)()
    assert asked == ["https://token.example/x?audience=a%20b"]


def test_the_token_is_asked_for_by_http() -> None:
    server = Server(sends({"value": "t"}), hangs_up)
    try:
        ask = oidc.id_tokens({**ENVIRON, oidc.URL_VARIABLE: f"{server.url}/idtoken?x=1"}, "sts.amazonaws.com")
        assert ask() == "t"
        with pytest.raises(AwsError) as caught:
            ask()
    finally:
        server.close()
    assert caught.value.kind is ErrorKind.UNREACHABLE
    assert server.requests[0]["path"] == "/idtoken?x=1&audience=sts.amazonaws.com"
    assert server.requests[0]["headers"]["Authorization"] == "Bearer runner-token"


@pytest.mark.parametrize(
    ("environ", "refreshed", "expected"),
    [
        ({"AWS_CREDENTIAL_EXPIRATION": "2026-11-24T12:00:00Z"}, False, 1795521600.0),
        ({"AWS_CREDENTIAL_EXPIRATION": "2026-11-24T13:00:00+01:00"}, False, 1795521600.0),
        ({"AWS_CREDENTIAL_EXPIRATION": "2026-11-24T12:00:00"}, False, 1795521600.0),
        ({"AWS_CREDENTIAL_EXPIRATION": "soon"}, False, None),
        ({"AWS_CREDENTIAL_EXPIRATION": "2026-11-24T12:00:00Z"}, True, None),
        ({"AWS_CREDENTIAL_EXPIRATION": "2026-11-24T12:00:00Z", "AWS_ACCESS_KEY_ID": ""}, False, None),
        ({}, False, None),
    ],
)
def test_the_end_of_fixed_credentials_is_known_where_it_is_said(
    environ: dict[str, str], refreshed: bool, expected: float | None
) -> None:
    assert known_expiry({"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", **environ}, refreshed=refreshed) == expected
