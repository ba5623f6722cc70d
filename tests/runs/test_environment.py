"""Whole runs in environments that something is wrong with: exit 2 or 4, what to do, and no secret in any place.

Every source of credentials, every address with a password, and every error path that quotes what it was given.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest import mock
from urllib.parse import quote

import pytest

from tests.support.account import Account
from tests.support.machine.stage import Step

from .conftest import Theatre

SECRET = "IQoJb3JpZ2luX2VjEXAMPLE/token+of=the*tests"
QUOTED = quote(SECRET, safe="")
NO_KEYS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
ROLE = "arn:aws:iam::123456789012:role/deploy"
FOLDER = "{folder}"  # of the files below


def run(theatre: Theatre, variables: Mapping[str, str], inputs: Mapping[str, str] | None = None) -> Step:
    """A step whose process has these variables; an empty one is not set, but for profiles."""
    step = theatre.step({"command": "plan", "bucket": "demo-deployments", **(inputs or {})}, environ=variables)
    step.environ = {
        name: value for name, value in step.environ.items() if value or name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
    }
    with mock.patch.dict(os.environ, {**step.environ, "HOME": str(theatre.folder)}, clear=True):
        theatre.play(step)
    return step


def forms(secret: str) -> Iterator[str]:
    """How a text may have it; half of it is too much already."""
    for text in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1], secret.encode().hex()):
        yield text[:20]
    for shift in range(3):
        yield base64.b64encode(b"\0" * shift + secret.encode()).decode()[4:24]


def places(step: Step) -> dict[str, str]:
    log = "\n".join(line for line in step.log().splitlines() if not line.startswith("::add-mask::"))
    return {
        "log": log,
        "summary": step.summary,
        "outputs": json.dumps(step.outputs),
        "state": json.dumps(step.state),
    }


def tells_nothing(step: Step) -> None:
    for place, text in places(step).items():
        for form in forms(SECRET):
            assert form not in text, f"{place} has {form}"


FILES: dict[str, str | bytes] = {
    "config": "[default]\naws_access_key_id = A\naws_secret_access_key = s\n"
    f"aws_session_token = {SECRET}\n  {SECRET}\n",
    "credentials": f"[default]\naws_access_key_id = AKIA\naws_secret_access_key {SECRET[:30]}\n",
    "utf16": "[default]\nregion = x\n".encode("utf-16"),
    "process": f"""[default]\ncredential_process = echo '{{"Version": 1, "SecretAccessKey": "{SECRET}", "x"'\n""",
    "noisy": f"[default]\ncredential_process = sh -c 'echo {SECRET} >&2; exit 1'\naws_session_token = {SECRET}\n",
    "retry": "[default]\nretry_mode = sometimes\n",
    "local": f"[default]\nendpoint_url = http://user:{SECRET}@[x\n",
    "token": f"{SECRET}\n",
}
# Variables, the exit code, and what the reason names.
WRONG: dict[str, tuple[dict[str, str], int, str]] = {
    "token, a line break": ({"AWS_SESSION_TOKEN": f"{SECRET}\nx"}, 2, "AWS_SESSION_TOKEN"),
    "token, a line break at its end": ({"AWS_SESSION_TOKEN": f"{SECRET}\n"}, 2, "AWS_SESSION_TOKEN"),
    "secret, a line break": ({"AWS_SECRET_ACCESS_KEY": f"{SECRET}\n"}, 2, "AWS_SECRET_ACCESS_KEY"),
    "key, a line break": ({"AWS_ACCESS_KEY_ID": f"{SECRET}\r\n"}, 2, "AWS_ACCESS_KEY_ID"),
    "token, not ASCII": ({"AWS_SESSION_TOKEN": f"{SECRET}é"}, 2, "AWS_SESSION_TOKEN"),
    "config file": ({**NO_KEYS, "AWS_CONFIG_FILE": f"{FOLDER}/config"}, 2, "AWS_CONFIG_FILE"),
    "credentials file": ({**NO_KEYS, "AWS_SHARED_CREDENTIALS_FILE": f"{FOLDER}/credentials"}, 2, "line 3"),
    "config file, UTF-16": ({"AWS_CONFIG_FILE": f"{FOLDER}/utf16"}, 2, "AWS_CONFIG_FILE"),
    "config file, a value": ({"AWS_CONFIG_FILE": f"{FOLDER}/retry"}, 2, "`retry_mode`"),
    "process": ({**NO_KEYS, "AWS_CONFIG_FILE": f"{FOLDER}/process"}, 4, "`credential_process`"),
    "process that fails": ({**NO_KEYS, "AWS_CONFIG_FILE": f"{FOLDER}/noisy"}, 4, "`credential_process`"),
    "token file": (
        {**NO_KEYS, "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/token", "AWS_ROLE_ARN": ROLE},
        4,
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ),
    "role of a token file": (
        {**NO_KEYS, "AWS_WEB_IDENTITY_TOKEN_FILE": f"{FOLDER}/token", "AWS_ROLE_ARN": "x"},
        4,
        "AWS_ROLE_ARN",
    ),
    "container": (
        {**NO_KEYS, "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://user:{SECRET}@127.0.0.1:9/x"},
        4,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ),
    "container's token": (
        {
            **NO_KEYS,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/x",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": f"{SECRET}\nx",
        },
        4,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    ),
    "container's token file": (
        {
            **NO_KEYS,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/x",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nowhere",
        },
        4,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ),
    "no credentials": ({**NO_KEYS}, 4, "NoCredentialsError"),
    "an end that is no time": ({"AWS_CREDENTIAL_EXPIRATION": "soon"}, 2, "AWS_CREDENTIAL_EXPIRATION"),
    "an end in the past": ({"AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z"}, 4, "AWS_ACCESS_KEY_ID"),
    "profile, empty": ({"AWS_PROFILE": ""}, 2, "AWS_PROFILE"),
    "profile, unknown": ({"AWS_PROFILE": "nobody"}, 2, "AWS_PROFILE"),
    "default profile, empty": ({"AWS_DEFAULT_PROFILE": ""}, 2, "AWS_DEFAULT_PROFILE"),
    "retry mode": ({"AWS_RETRY_MODE": "sometimes"}, 2, "AWS_RETRY_MODE"),
    "attempts": ({"AWS_MAX_ATTEMPTS": "many"}, 2, "AWS_MAX_ATTEMPTS"),
    "defaults": ({"AWS_DEFAULTS_MODE": "x"}, 2, "AWS_DEFAULTS_MODE"),
    "STS": ({"AWS_STS_REGIONAL_ENDPOINTS": "x"}, 2, "AWS_STS_REGIONAL_ENDPOINTS"),
    "FIPS": ({"AWS_USE_FIPS_ENDPOINT": "maybe"}, 2, "AWS_USE_FIPS_ENDPOINT"),
    "metadata": ({**NO_KEYS, "AWS_METADATA_SERVICE_TIMEOUT": "x"}, 2, "AWS_METADATA_SERVICE_TIMEOUT"),
    "bundle": ({"AWS_CA_BUNDLE": "/nowhere.pem"}, 2, "AWS_CA_BUNDLE"),
    "another bundle": ({"SSL_CERT_FILE": f"{FOLDER}/token"}, 2, "SSL_CERT_FILE"),
    "endpoint with a password": (
        {"AWS_ENDPOINT_URL": f"http://user:{QUOTED}@nowhere.invalid"},
        4,
        "http://***@nowhere.invalid",
    ),
    "endpoint that is none": ({"AWS_ENDPOINT_URL": f"http://user:{SECRET}@[x"}, 2, "AWS_ENDPOINT_URL"),
    "endpoint with a line break": ({"AWS_ENDPOINT_URL": f"http://{SECRET}\n@h"}, 2, "AWS_ENDPOINT_URL"),
    "endpoint of a service": ({"AWS_ENDPOINT_URL_LAMBDA": f"user:{SECRET}@h"}, 2, "AWS_ENDPOINT_URL_LAMBDA"),
    "endpoint in a file": (
        {"AWS_ENDPOINT_URL": "", "AWS_CONFIG_FILE": f"{FOLDER}/local"},
        2,
        "`endpoint_url` of profile",
    ),
    "proxy": (
        {"AWS_ENDPOINT_URL": "http://nowhere.invalid", "http_proxy": f"http://user:{QUOTED}@127.0.0.1:9"},
        4,
        "ProxyConnectionError",
    ),
    "proxy that is none": ({"HTTPS_PROXY": f"http://user:{SECRET}@[x"}, 2, "HTTPS_PROXY"),
    "proxy with a line break": ({"HTTPS_PROXY": f"http://user:{SECRET}\n@x:1"}, 2, "HTTPS_PROXY"),
    "SOCKS proxy": ({"HTTP_PROXY": f"socks5://user:{SECRET}@x:1"}, 2, "HTTP_PROXY"),
    "region": ({"AWS_REGION": "eu central 1"}, 2, "AWS_REGION"),
    "region with a line break": ({"AWS_REGION": "us-east-1\n::error::x"}, 2, "AWS_REGION"),
    "OIDC, a line break": (
        {"INPUT_ROLE-TO-ASSUME": ROLE, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": f"{SECRET}\nx"},
        2,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    ),
    "OIDC, not ASCII": (
        {"INPUT_ROLE-TO-ASSUME": ROLE, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": f"{SECRET}é"},
        2,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    ),
    "OIDC, no address": (
        {"INPUT_ROLE-TO-ASSUME": ROLE, "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://u:{SECRET}@[x?a=b"},
        2,
        "ACTIONS_ID_TOKEN_REQUEST_URL",
    ),
    "OIDC, nobody there": (
        {
            "INPUT_ROLE-TO-ASSUME": ROLE,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": SECRET,
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://u:{QUOTED}@127.0.0.1:9/x",
        },
        4,
        "OIDC token endpoint",
    ),
    "role with a line break": ({"INPUT_ROLE-TO-ASSUME": f"{ROLE}\n::error::x"}, 2, "`role-to-assume`"),
    "role with more": (
        {"INPUT_ROLE-TO-ASSUME": f"{ROLE}:{SECRET}", "AWS_SESSION_TOKEN": SECRET},
        2,
        "`role-to-assume`",
    ),
    "GitHub's token, a line break": ({"INPUT_GITHUB-TOKEN": f"{SECRET}\nx"}, 2, "`github-token`"),
    "GitHub's token, not ASCII": ({"INPUT_GITHUB-TOKEN": f"{SECRET}é"}, 2, "`github-token`"),
    "link with a password": ({"INPUT_ENVIRONMENT-URL": f"https://user:{QUOTED}@example.com"}, 2, "`environment-url`"),
    "link that is none": ({"INPUT_ENVIRONMENT-URL": f"https://user:{QUOTED}@example.com/a b"}, 2, "`environment-url`"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_the_environment_is_told_by_name(what: str, theatre: Theatre, account: Account) -> None:
    """Never a bug, never a value that may be secret, always what to do."""
    for name, content in FILES.items():
        data = content if isinstance(content, bytes) else content.encode()
        (theatre.folder / name).write_bytes(data)
    given, code, named = WRONG[what]
    step = run(theatre, {name: value.replace(FOLDER, str(theatre.folder)) for name, value in given.items()})
    assert step.code == code, step.log()
    assert named in step.outputs["reason"]
    assert "Bug report" not in step.log()
    assert code == 2 or "→ " in step.log()  # what to do; of inputs it stands beside the problem
    assert account.writes() == []
    tells_nothing(step)


# What everybody has, with secrets in each place at once; and what may go wrong with it.
FULL = {
    "AWS_SESSION_TOKEN": SECRET,
    "INPUT_GITHUB-TOKEN": f"ghs_{SECRET}",
    "GITHUB_TOKEN": SECRET,
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": SECRET,
    "ACTIONS_RUNTIME_TOKEN": SECRET,
    "HTTPS_PROXY": f"http://user:{quote(SECRET, safe='')}@127.0.0.1:9",
    "GITHUB_SERVER_URL": f"https://user:{quote(SECRET, safe='')}@github.example",
    "RUNNER_DEBUG": "1",
}
QUOTES = (
    f"x-amz-security-token:{SECRET}",
    repr(SECRET.encode()),
    quote(SECRET, safe=""),
    base64.b64encode(f"user:{SECRET}".encode()).decode(),
    json.dumps({"token": SECRET}),
    f"https://user:{SECRET}@host",
)
PATHS = ("an answer", "a bug", "a report", "nothing")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("text", QUOTES)
def test_whoever_quotes_a_secret_nobody_reads_it(
    path: str, text: str, theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer of AWS's, an exception of a library in the middle of everything, a report that breaks."""

    def quotes(*_: object, **__: object) -> None:
        raise RuntimeError(f"Invalid header value {text}\n::error::{text}")

    match path:
        case "an answer":
            from botocore.exceptions import ClientError

            def answers(*_: object, **__: object) -> None:
                raise ClientError({"Error": {"Code": "InvalidSignatureException", "Message": text}}, "GetAlias")

            monkeypatch.setattr("botocore.client.BaseClient._make_api_call", answers)
        case "a bug":
            monkeypatch.setattr("ci_deploy.edge.aws.codedeploy.calls.CodeDeployApi.group", quotes)
        case "a report":
            monkeypatch.setattr("ci_deploy.reporters.summary.render", quotes)
        case "nothing":
            (theatre.folder / "x").touch()
    step = run(theatre, FULL, {"reason": text} if path == "nothing" else {})
    assert step.code is not None
    tells_nothing(step)


@pytest.mark.parametrize("command", ["plan", "status"])
def test_what_a_run_needs_is_in_no_place(command: str, theatre: Theatre) -> None:
    step = run(theatre, FULL, {"command": command})
    assert step.code == 0, step.log()
    tells_nothing(step)


def test_a_state_that_is_nested_without_end_is_no_bug(theatre: Theatre) -> None:
    """Written by whoever else writes to that file."""
    deep = "[" * 100_000 + "]" * 100_000
    step = theatre.run(command="finish", state={"deployment-0": deep})
    assert (step.code, step.outputs["outcome"]) == (2, "invalid")
    event = theatre.folder / "deep.json"
    event.write_text('{"a":' * 100_000 + "1" + "}" * 100_000)
    assert theatre.run({"command": "plan"}, environ={"GITHUB_EVENT_PATH": str(event)}).code == 0


@pytest.mark.parametrize(
    "text",
    [
        'functions: {a: {function: "\\U00110000"}}',
        'functions: {a: {function: "\\UFFFFFFFF"}}',
        'functions: {a: {function: "\\ud800"}}',
        'functions: {a: {function: "\\uD83D\\uDE00"}}',
        'functions: {a: {function: "\\xZZ"}}',
        'functions: {a: {function: "\\q"}}',
        "functions: {a: {function: 'x\x00'}}",
        "functions: " + "[" * 5000,
        "functions: " + "{a: " * 5000,
        "functions: *nobody",
        "functions: &a [*a]",
        "functions: !!python/object:os.system x",
        "functions: !!binary ////",
        "functions: !!timestamp 9999-99-99",
        "functions: {? [a] : b}",
        "functions: {<<: x}",
        "functions: 1" + "0" * 5000,
        "%YAML 9.9\n---\nfunctions: {}",
        "--- a\n--- b\n",
        "\t- x",
    ],
)
def test_a_manifest_that_says_impossible_things_is_bad_input(text: str, theatre: Theatre) -> None:
    (theatre.folder / "manifest.yml").write_text(text, encoding="utf-8")
    step = theatre.run(
        {"command": "validate", "function": "", "config": "manifest.yml"},
        environ={"GITHUB_WORKSPACE": str(theatre.folder)},
    )
    assert step.code == 2, step.log()
    assert "manifest.yml" in step.outputs["reason"] or "function" in step.outputs["reason"]
    assert Path(theatre.folder).exists()
