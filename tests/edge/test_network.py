"""Certificates and proxies: one variable for all, and what cannot be used is told by its name."""

from __future__ import annotations

import os
from pathlib import Path

import certifi
import pytest

from ci_deploy.edge import network
from ci_deploy.edge.network import FOR_AWS, FOR_GITHUB, Trust, trust
from tests.support.golden import Told

PASSWORD = "hunter-22-hunter"


def problems(environ: dict[str, str]) -> list[str]:
    found = list(network.problems(environ))
    assert not any(PASSWORD in str(each) for each in found)
    return [f"{each.where}: {each.what}" for each in found]


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_one_variable_serves_aws_and_github_alike(variable: str) -> None:
    for order in (FOR_AWS, FOR_GITHUB):
        assert trust({variable: "/ca.pem"}, order) == Trust(path="/ca.pem", variable=variable)
    assert trust({variable: "/ca.pem"}, FOR_AWS).verify == "/ca.pem"
    assert variable in trust({variable: "/ca.pem"}, FOR_AWS).hint.remedy


def test_each_side_has_its_own_variable_first() -> None:
    both = {"AWS_CA_BUNDLE": "/aws.pem", "REQUESTS_CA_BUNDLE": "/requests.pem"}
    assert trust(both, FOR_AWS).path == "/aws.pem"
    assert trust(both, FOR_GITHUB).path == "/requests.pem"


@pytest.mark.parametrize("environ", [{}, {"AWS_CA_BUNDLE": ""}, {"SSL_CERT_FILE": "  "}])
def test_without_one_the_usual_certificates_are_trusted(environ: dict[str, str]) -> None:
    """An empty variable switches nothing off."""
    assert trust(environ, FOR_AWS) == Trust()
    assert trust(environ, FOR_AWS).verify is True
    assert "AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE or SSL_CERT_FILE" in trust(environ, FOR_AWS).hint.remedy
    assert problems(environ) == []


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
@pytest.mark.parametrize(
    ("content", "what"),
    [(None, "not exist"), (b"", "no certificate"), (b"not PEM", "no certificate"), (b"\0\xff", "")],
)
def test_a_bundle_that_is_none_is_told(variable: str, content: bytes | None, what: str, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    (problem,) = problems({variable: str(file)})
    assert problem.startswith(f"environment variable {variable}: names `{file}`, ") and what in problem


def test_a_bundle_and_a_folder_of_certificates_are_fine(tmp_path: Path) -> None:
    assert problems({"AWS_CA_BUNDLE": certifi.where(), "SSL_CERT_FILE": str(tmp_path)}) == []


def test_a_bundle_that_may_not_be_read_is_told(monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("ssl.SSLContext.load_verify_locations", denied)
    assert problems({"AWS_CA_BUNDLE": os.devnull}) == told


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"])
@pytest.mark.parametrize(
    "value",
    [
        f"http://user:{PASSWORD}\n@proxy:1",
        f"http://user:{PASSWORD}@[proxy",
        f"http://user:{PASSWORD}@proxy:port",
        f"socks5://user:{PASSWORD}@proxy:1",
        f"user:{PASSWORD}",
        "http://",
        " ",
        "http://a b",
    ],
)
def test_a_proxy_that_is_none_is_told_by_the_variable_alone(variable: str, value: str, told: Told) -> None:
    (problem,) = problems({variable: value})
    assert problem.startswith(f"environment variable {variable}: ") and PASSWORD not in problem
    assert problem.removeprefix(f"environment variable {variable}: ") == told


@pytest.mark.parametrize(
    "value", ["", "proxy", "proxy:3128", "http://proxy:3128", "https://user:p%40ss@proxy.example/"]
)
def test_a_proxy_as_people_write_it_is_fine(value: str) -> None:
    assert problems({"HTTPS_PROXY": value}) == []
