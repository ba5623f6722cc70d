"""Who may ask: loopback names only on a loopback address, and no web page through its reader's browser."""

from __future__ import annotations

import http.client
import json

import pytest

from codedeploy_emulator import Emulator
from codedeploy_emulator.server.visitors import turned_away

PORT = ":4599"
PATHS = ("/_emulator/health", "/_emulator/reset", "/repos/o/r/issues/1/comments", "/2015-03-31/functions/", "/")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:4599", "127.8.8.8:1", "localhost", "LOCALHOST:4599", "localhost.", "[::1]:4599", "[::1]",
     "bucket.localhost:4599"],
)  # fmt: skip
def test_loopback_names_are_answered(host: str) -> None:
    assert turned_away({"host": host}, "127.0.0.1") == ""


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:4599", "127.0.0.1.evil.example", "localhost.evil.example", "evil-localhost",
     "0.0.0.0:4599", "10.0.0.7", "[fe80::1]:4599", "2130706433", "127.1", "metadata", "127.0.0.1@evil.example"],
)  # fmt: skip
def test_other_names_are_not_whatever_they_resolve_to(host: str) -> None:
    """By DNS rebinding a page reaches us under a name of its own."""
    assert "is no loopback name" in turned_away({"host": host}, "127.0.0.1")


def test_a_host_that_was_asked_for_is_answered_and_on_other_addresses_every_name_is() -> None:
    assert turned_away({"host": "emulator:4599"}, "0.0.0.0") == ""
    assert turned_away({"host": "emulator:4599"}, "emulator") == ""


@pytest.mark.parametrize("listens_on", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://127.0.0.1:3000"},
        {"origin": "http://localhost:4599"},
    ],
)
def test_what_a_browser_sends_for_another_site_is_not_answered(headers: dict[str, str], listens_on: str) -> None:
    assert "a browser sent this" in turned_away({"host": "127.0.0.1:4599", **headers}, listens_on)


@pytest.mark.parametrize(
    "headers", [{}, {"sec-fetch-site": "none"}, {"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:4599"}]
)
def test_people_who_open_it_themselves_and_programs_are_answered(headers: dict[str, str]) -> None:
    assert turned_away({"host": "127.0.0.1:4599", **headers}, "127.0.0.1") == ""


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_part_of_the_emulator_answers_them_or_notes_the_call(emulator: Emulator, path: str, method: str) -> None:
    before = len(emulator.calls)
    port = int(emulator.url.rpartition(":")[2])
    for headers in ({"Host": f"evil.example:{port}"}, {"Origin": "https://evil.example"}):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request(method, path, body=b"{}" if method == "POST" else None, headers=headers)
        answer = connection.getresponse()
        assert answer.status == 403
        assert json.loads(answer.read())["message"].startswith("Not answered: ")
        connection.close()
    assert len(emulator.calls) == before
