"""Certificates of a company: one variable serves everything that is asked, and an error says which one is in use."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ci_deploy.core.errors import AwsError
from ci_deploy.core.given.inputs import Inputs
from ci_deploy.edge import network
from ci_deploy.edge.aws.wiring import aws_for
from ci_deploy.edge.github.api import RestGitHub
from ci_deploy.edge.github.oidc import id_tokens
from ci_deploy.ports import GitHubError
from tests.edge.fakes import REGION, FakeClock
from tests.support.company import certify

XML = b"<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>"


class Handler(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        data = {"/user": b'{"login": "mona"}', "/token?audience=aud": b'{"value": "token"}'}.get(self.path, XML)
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = _answer  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a server that the company's authority has signed for, and the authority's certificate."""
    certificate, context = certify(tmp_path_factory.mktemp("company"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://localhost:{server.server_address[1]}", certificate
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of another authority: one, where the usual bundle has more than a hundred to read."""
    return certify(tmp_path_factory.mktemp("elsewhere"))[0]


def ask_aws(url: str) -> None:
    environ = {**os.environ, "AWS_ENDPOINT_URL": url}
    inputs = Inputs(function="f", aws_region=REGION)
    aws_for(inputs, environ, clock=FakeClock(), mask=lambda _: None).call("sts", "GetCallerIdentity")


def ask_github(url: str) -> None:
    trusted = network.trust(os.environ, network.FOR_GITHUB)
    assert RestGitHub(api_url=url, repository="o/r", token="not-a-real-token", trust=trusted).login() == "mona"


def ask_oidc(url: str) -> None:
    environ = {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}/token", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t", **os.environ}
    assert id_tokens(environ, "aud")() == "token"


SIDES = {"AWS": ask_aws, "GitHub": ask_github, "OIDC": ask_oidc}
VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.fixture(params=SIDES)
def ask(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    for variable in (*VARIABLES, "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)
    return SIDES[request.param]


def refusal(ask: Callable[[str], None], url: str) -> str:
    with pytest.raises((AwsError, GitHubError)) as caught:
        ask(url)
    return f"{caught.value} {getattr(caught.value, 'remedy', '')}"


@pytest.mark.parametrize("variable", VARIABLES)
def test_one_variable_is_enough_for_each(
    variable: str, ask: Callable[[str], None], company: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, certificate = company
    monkeypatch.setenv(variable, str(certificate))
    ask(url)


def test_without_any_the_error_names_all_of_them_and_the_page(
    ask: Callable[[str], None], company: tuple[str, Path]
) -> None:
    said = refusal(ask, company[0])
    assert all(variable in said for variable in VARIABLES)
    assert "docs/runners.md" in said


@pytest.mark.parametrize("variable", VARIABLES)
def test_with_one_that_does_not_have_it_the_error_names_that_one(
    variable: str,
    ask: Callable[[str], None],
    company: tuple[str, Path],
    elsewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, str(elsewhere))
    assert f"{variable} is in use" in refusal(ask, company[0])
