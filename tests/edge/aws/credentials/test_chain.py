"""Credentials that cannot be had or sent: every source, told by its name, and never as a bug."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.utils import ContainerMetadataFetcher

from ci_deploy.core.errors import AwsError, CiDeployError, ErrorKind, InvalidInput
from ci_deploy.edge.aws.client import Aws
from ci_deploy.edge.aws.credentials import chain
from tests.edge.fakes import REGION, FakeClock, Server, sends, session

SECRET = "IQoJb3JpZ2luX2VjEXAMPLEtokenIQoJb3JpZ2lu"
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
ROLE = "arn:aws:iam::123456789012:role/deploy"
UNSENDABLE = [
    f"{SECRET}\n",
    f"{SECRET}\nsecond",
    f"\r{SECRET}",
    f"{SECRET} ",
    f"{SECRET}\u2028",
    f"{SECRET}é",
    f"{SECRET}\udcff",
    f"{SECRET}\x1b[31m",
]
PROCESS = "`credential_process` of the profile"


@pytest.fixture
def ask(clock: FakeClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., CiDeployError]:
    """The error of a call with these variables, and these lines in the default profile of the config file."""

    def error(*, profile: str = "", credentials: str = "", keys: bool = False, **variables: str) -> CiDeployError:
        for name in KEYS if not keys else ():
            monkeypatch.delenv(name, raising=False)
        for name, text in (("AWS_CONFIG_FILE", profile), ("AWS_SHARED_CREDENTIALS_FILE", credentials)):
            file = tmp_path / name
            file.write_text(f"[default]\n{text}\n", encoding="utf-8")
            monkeypatch.setenv(name, str(file))
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        made = session()
        chain.install(made)
        learned: list[str] = []
        aws = Aws(made, clock, region=REGION, learn=lambda *values: learned.extend(values))
        with pytest.raises(CiDeployError) as caught:
            aws.call("sts", "GetCallerIdentity")
        for text in (str(caught.value), caught.value.remedy):
            assert SECRET[:12] not in text
        return caught.value

    return error


def process(tmp_path: Path, output: str | bytes) -> str:
    file = tmp_path / "output"
    file.write_bytes(output if isinstance(output, bytes) else output.encode())
    return f"credential_process = cat {file}"


def answer(**more: object) -> str:
    return json.dumps({"Version": 1, "AccessKeyId": "AKIAEXAMPLE", "SecretAccessKey": "s", **more})


@pytest.mark.parametrize("value", UNSENDABLE)
@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_a_variable_that_no_request_can_carry_is_named_alone(
    variable: str, value: str, ask: Callable[..., CiDeployError]
) -> None:
    """An HTTP library would quote it whole."""
    error = ask(keys=True, **{variable: value})
    assert isinstance(error, InvalidInput)
    assert error.problems[0].where == f"environment variable {variable}"


@pytest.mark.parametrize("file", ["credentials", "profile"])
@pytest.mark.parametrize("value", [f"{SECRET}\n  {SECRET}", f"{SECRET}é", f"{SECRET} x"])
def test_a_file_is_named_with_its_key(file: str, value: str, ask: Callable[..., CiDeployError]) -> None:
    text = f"aws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = s\naws_session_token = {value}"
    error = ask(**{file: text})
    assert isinstance(error, InvalidInput)
    where = {"credentials": "AWS_SHARED_CREDENTIALS_FILE", "profile": "AWS_CONFIG_FILE"}[file]
    assert "`aws_session_token` from " in str(error) and where in str(error)


@pytest.mark.parametrize("value", [f"{SECRET}\n", f"{SECRET}é"])
def test_a_process_and_a_container_are_named(value: str, ask: Callable[..., CiDeployError], tmp_path: Path) -> None:
    error = ask(profile=process(tmp_path, answer(SessionToken=value)))
    assert "`aws_session_token` from " in str(error) and PROCESS in str(error)
    body = {"AccessKeyId": "AKIA", "SecretAccessKey": "s", "Token": value, "Expiration": "2099-01-01T00:00:00Z"}
    server = Server(sends(body, content_type="application/json"))
    try:
        error = ask(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{server.url}/get")
    finally:
        server.close()
    assert "`aws_session_token` from AWS_CONTAINER_CREDENTIALS_FULL_URI" in str(error)


PROCESSES = {
    "nothing": "",
    "no JSON": "hello",
    "a list": "[]",
    "null": "null",
    "another version": answer(Version=2),
    "no keys": '{"Version": 1}',
    "an end that is no time": answer(Expiration="soon"),
    "an end in the past": answer(Expiration="2020-01-01T00:00:00Z"),
    "no UTF-8": b"\xff\xfe",
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("output", PROCESSES)
def test_whatever_a_process_answers(output: str, ask: Callable[..., CiDeployError], tmp_path: Path) -> None:
    error = ask(profile=process(tmp_path, PROCESSES[output]))
    assert isinstance(error, AwsError)
    assert error.kind in (ErrorKind.NO_CREDENTIALS, ErrorKind.EXPIRED)
    assert PROCESS in str(error)


@pytest.mark.parametrize("program", ["/nowhere/program", "false", "sh -c 'echo no >&2; exit 3'", "echo 'x", "/", "''"])
def test_a_process_that_does_not_run(program: str, ask: Callable[..., CiDeployError]) -> None:
    error = ask(profile=f"credential_process = {program}")
    assert isinstance(error, AwsError) and error.kind is ErrorKind.NO_CREDENTIALS
    assert PROCESS in error.remedy


def test_a_token_file_that_is_not_there_names_its_variables(ask: Callable[..., CiDeployError], tmp_path: Path) -> None:
    for path in ("/nowhere/token", str(tmp_path)):
        error = ask(AWS_WEB_IDENTITY_TOKEN_FILE=path, AWS_ROLE_ARN=ROLE)
        assert isinstance(error, AwsError) and error.kind is ErrorKind.NO_CREDENTIALS
        assert f"{path}: " in str(error)
        assert "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN" in error.remedy


@pytest.mark.parametrize(("content", "role"), [(b"", ROLE), (b"\xff\xfe", ROLE), (b"x", "x"), (b"x", ""), (b"", "")])
def test_a_token_file_that_is_none(
    content: bytes, role: str, ask: Callable[..., CiDeployError], tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    error = ask(AWS_WEB_IDENTITY_TOKEN_FILE=str(file), AWS_ROLE_ARN=role)
    assert isinstance(error, AwsError)
    assert "AWS_WEB_IDENTITY_TOKEN_FILE" in str(error)


CONTAINERS = {
    "another host": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/x"},
    "no address": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://[x"},
    "a password": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://user:{SECRET}@127.0.0.1:9/x"},
    "nobody there": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/x"},
    "half an address": {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "::"},
    "no token file": {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nowhere"},
    "a line break": {"AWS_CONTAINER_AUTHORIZATION_TOKEN": f"{SECRET}\nx"},
    "no UTF-8": {"AWS_CONTAINER_AUTHORIZATION_TOKEN": f"{SECRET}\udcff"},
}


@pytest.mark.parametrize("what", CONTAINERS)
def test_a_container_without_credentials_names_its_variables(
    what: str, ask: Callable[..., CiDeployError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)  # before it asks again
    given = CONTAINERS[what]
    if not any(name.endswith("URI") for name in given):
        given = given | {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/x"}
    error = ask(**given)
    assert isinstance(error, AwsError)
    assert "AWS_CONTAINER_CREDENTIALS_FULL_URI" in str(error)


PROFILES = {
    "no source": f"role_arn = {ROLE}",
    "a source that is not there": f"role_arn = {ROLE}\nsource_profile = gone",
    "itself": f"role_arn = {ROLE}\nsource_profile = default",
    "an unknown source": f"role_arn = {ROLE}\ncredential_source = Nowhere",
    "two sources": f"role_arn = {ROLE}\nsource_profile = x\ncredential_source = Environment",
    "a token file": f"role_arn = {ROLE}\nweb_identity_token_file = /nowhere",
    "half of a key": "aws_access_key_id = AKIAEXAMPLE",
    "SSO that nobody logged in to": "sso_start_url = https://x.awsapps.com/start\nsso_region = us-east-1\n"
    "sso_account_id = 123456789012\nsso_role_name = r",
    "an SSO session that is not there": "sso_session = gone\nsso_account_id = 123456789012\nsso_role_name = r",
    "a login": "login_session = arn:aws:iam::123456789012:user/x",
    "MFA": f"role_arn = {ROLE}\nsource_profile = b\nmfa_serial = x\n[profile b]\naws_access_key_id = a\n"
    "aws_secret_access_key = b",
}


@pytest.mark.parametrize("what", PROFILES)
@pytest.mark.filterwarnings("ignore:Can not control echo")
def test_a_profile_that_leads_nowhere(
    what: str, ask: Callable[..., CiDeployError], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    error = ask(profile=PROFILES[what])
    assert isinstance(error, AwsError)
    assert error.kind in (ErrorKind.NO_CREDENTIALS, ErrorKind.REJECTED)
    assert "profile" in str(error)


def test_credentials_that_ended_are_expired_and_no_bug(ask: Callable[..., CiDeployError]) -> None:
    error = ask(keys=True, AWS_CREDENTIAL_EXPIRATION="2020-01-01T00:00:00Z")
    assert isinstance(error, AwsError) and error.kind is ErrorKind.EXPIRED


def test_what_signs_is_learned_before_it_signs(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", SECRET)
    server = Server(sends({"__type": "AccessDeniedException"}, 400))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    learned: list[str] = []
    aws = Aws(session(), clock, region=REGION, learn=lambda *values: learned.extend(values))
    try:
        for _ in range(2):
            with pytest.raises(AwsError):
                aws.call("codedeploy", "GetDeployment", deploymentId="d-A1B2C3D4E")
    finally:
        server.close()
    assert learned == ["AKIAEXAMPLE", "not-a-secret", SECRET]


def test_the_request_that_should_have_been_signed_is_not_quoted(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS's answer to a wrong signature has the session token in it."""
    message = (
        "The request signature we calculated does not match the signature you provided.\n\n"
        f"The Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:{SECRET}\n'"
    )
    server = Server(sends({"__type": "InvalidSignatureException", "message": message}, 400))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    try:
        with pytest.raises(AwsError) as caught:
            Aws(session(), clock, region=REGION).call("codedeploy", "GetDeployment", deploymentId="d-A1B2C3D4E")
    finally:
        server.close()
    assert SECRET not in str(caught.value)
    assert "does not match the signature you provided" in str(caught.value)
