"""Secrets in whatever form a text has them; and everything else stays as it is."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_deploy.core.links import without_login
from ci_deploy.edge.runner.secrets import Secrets

TOKEN = 'IQoJb3JpZ2lu/X2VjEM+3//"quoted"=<and>&more==' + "abcdefghij" * 20
PASSWORD = "p@ss/w:rd 'of' mine"


def hidden(text: str, *secrets: str) -> str:
    made = Secrets()
    made.learn(*secrets)
    return made.hide(text)


FORMS = {
    "as it is": str,
    "a header that was refused": lambda text: repr(text.encode())[2:-1],
    "repr": repr,
    "JSON": json.dumps,
    "HTML": html.escape,
    "address": lambda text: quote(text, safe=""),
    "path": quote,
    "query": quote_plus,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64": lambda text: base64.b64encode(f"user:{text}:x".encode()).decode(),
    "in base64, for addresses": lambda text: base64.urlsafe_b64encode(f"ab{text}".encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "on one line": lambda text: " ".join(text.split()),
    "cut": lambda text: text[: max(12, len(text) // 2)] + "…",
}


@pytest.mark.parametrize(
    "secret", [TOKEN, f"{TOKEN}\nand more", f"{TOKEN}\n", PASSWORD, "ghs_16C7e42F292c6912E7710c838347Ae178B4a"]
)
def test_no_form_of_a_secret_is_left(secret: str) -> None:
    for name, form in FORMS.items():
        text = f"before {form(secret)} after"
        shown = hidden(text, secret)
        assert "***" in shown and shown.startswith("before ") and shown.endswith(" after"), name
        for start in range(0, len(text) - 12, 4):
            part = text[start : start + 12]
            if part in form(secret):
                assert part not in shown, (name, part)


def test_each_line_of_a_secret_is_one() -> None:
    assert hidden("here: second-line!", "first-line!\nsecond-line!") == "here: ***"


def test_json_stays_json() -> None:
    text = json.dumps({"reason": f"token {TOKEN[:40]}", "next": "x"})
    assert json.loads(hidden(text, TOKEN)) == {"reason": "token ***", "next": "x"}


@pytest.mark.parametrize("short", ["", "live", "testing", "1234567"])
def test_what_is_too_short_is_a_part_of_words(short: str) -> None:
    assert hidden("live testing of 1234567", short) == "live testing of 1234567"


@pytest.mark.parametrize(
    "name",
    [
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "ACTIONS_RUNTIME_TOKEN",
        "AWS_ACCESS_KEY_ID",
        "AWS_BEARER_TOKEN_BEDROCK",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SECURITY_TOKEN",
        "AWS_SESSION_TOKEN",
        "GH_TOKEN",
        "GITHUB_TOKEN",
        "INPUT_GITHUB-TOKEN",
    ],
)
def test_the_secrets_of_the_environment_are_known(name: str) -> None:
    assert Secrets({name: TOKEN}).hide(f"x {TOKEN}") == "x ***"


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "AWS_ENDPOINT_URL_S3", "GITHUB_API_URL", "ANY"])
@pytest.mark.parametrize("password", ["hunter22", "p%40ss%2Fword", "with/slash-and?more", "line\nbreak-in-it"])
def test_a_password_in_an_address_is_known_by_itself(name: str, password: str) -> None:
    secrets = Secrets({name: f"http://user:{password}@proxy.example:3128/path"})
    basic = base64.b64encode(f"user:{password}".encode()).decode()
    assert password not in secrets.hide(f"cannot reach user:{password}@proxy with {password}")
    assert basic[:10] not in secrets.hide(f"Proxy-Authorization: Basic {basic}")


def test_addresses_lose_what_is_before_their_at() -> None:
    """Also those that nobody knew of."""
    assert (
        Secrets().hide("at https://user:pw@host:1/x@y and http://a@b") == "at https://***@host:1/x@y and http://***@b"
    )
    assert without_login("https://github.com/actions/checkout@v4") == "https://github.com/actions/checkout@v4"


@given(st.text(), st.text(min_size=8))
def test_what_has_no_secret_in_it_is_kept(text: str, secret: str) -> None:
    shown = hidden(text, secret)
    assert secret not in shown or len(secret) < 8
    if "***" not in shown:
        assert shown == text
