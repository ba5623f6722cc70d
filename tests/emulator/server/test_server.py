"""The HTTP server and its clock: connections, bodies, clients that go away, and time that goes by itself."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime

import pytest
import requests

from codedeploy_emulator import Emulator
from codedeploy_emulator.clock import Clock
from codedeploy_emulator.server.http import Server, _HttpServer
from codedeploy_emulator.server.wire import Request, Response
from tests.emulator.world import AT_ONCE, World

SCOPE = "Authorization: AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/codedeploy/aws4_request, Signature=0\r\n"
TARGET = "X-Amz-Target: CodeDeploy_20141006.ListApplications\r\n"


@contextmanager
def _connected(emulator: Emulator) -> Iterator[socket.socket]:
    port = int(emulator.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        yield connection


def _request(headers: str = "", body: str = "") -> bytes:
    return f"POST / HTTP/1.1\r\nHost: localhost\r\n{SCOPE}{TARGET}{headers}\r\n{body}".encode()


def _until(condition: Callable[[], bool]) -> None:
    """Wait for another thread; fails after ten seconds, which only a hang takes."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


def test_a_body_may_come_in_chunks(emulator: Emulator) -> None:
    answer = requests.post(f"{emulator.url}/_emulator/switches", data=iter([b'{"page-size"', b": 7}"]), timeout=5)
    assert (answer.status_code, answer.json()["page-size"]) == (200, 7)


def test_a_connection_is_kept_for_the_next_request(emulator: Emulator) -> None:
    with _connected(emulator) as connection:
        connection.sendall(_request("Content-Length: 2\r\n", "{}") * 2)
        received = b""
        while received.count(b'{"applications": []}') < 2:
            received += connection.recv(4096)
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 2


def test_answers_carry_the_emulated_time(emulator: Emulator) -> None:
    before = requests.get(f"{emulator.url}/_emulator/health", timeout=5).headers["Date"]
    emulator.advance(3600)
    after = requests.get(f"{emulator.url}/_emulator/health", timeout=5).headers["Date"]
    assert parsedate_to_datetime(after).timestamp() == int(emulator.now)
    assert (parsedate_to_datetime(after) - parsedate_to_datetime(before)).total_seconds() in (3600, 3601)


@pytest.mark.parametrize("length", ["-5", "two", "1.5"])
def test_a_length_that_is_no_number_is_a_bad_request_and_the_end_of_the_connection(
    emulator: Emulator, length: str
) -> None:
    with _connected(emulator) as connection:
        connection.sendall(_request(f"Content-Length: {length}\r\n"))
        with connection.makefile("rb") as answer:
            assert answer.readline().startswith(b"HTTP/1.1 400")
            assert answer.read().endswith(b"</html>\n")
    assert emulator.calls == []


def test_a_head_request_has_the_length_of_the_body_and_no_body(emulator: Emulator) -> None:
    url = f"{emulator.url}/_emulator/health"
    head, get = requests.head(url, timeout=5), requests.get(url, timeout=5)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Type", "Content-Length"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_goes_away_is_not_held_any_longer(emulator: Emulator, reset: bool) -> None:
    emulator.faults(fault="timeout")
    connections = emulator._server._server.connections
    others = set(connections)
    with _connected(emulator) as connection:
        connection.sendall(_request("Content-Length: 2\r\n", "{}"))
        _until(lambda: len(emulator.calls) == 1)
        if reset:
            # No lingering: closing is a reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    _until(lambda: set(connections) <= others)
    assert (emulator.calls[0]["status"], emulator.calls[0]["fault"]) == (None, "timeout")


def test_a_slow_answer_comes_even_when_the_next_request_is_already_there(emulator: Emulator) -> None:
    emulator.faults(fault="slow", seconds=0.3, times=1)
    with _connected(emulator) as connection:
        connection.sendall(_request("Content-Length: 2\r\n", "{}"))
        _until(lambda: len(emulator.calls) == 1)
        connection.sendall(_request("Content-Length: 2\r\n", "{}"))
        received = b""
        while received.count(b'{"applications": []}') < 2:
            received += connection.recv(4096)
    assert [call.get("fault") for call in emulator.calls] == ["slow", None]


def test_the_token_endpoint_is_throttled_in_its_own_words(emulator: Emulator) -> None:
    emulator.faults(service="oidc", fault="throttle")
    answer = requests.get(emulator.env["ACTIONS_ID_TOKEN_REQUEST_URL"], timeout=5)
    assert (answer.status_code, answer.json()) == (429, {"message": "Too many requests"})


@contextmanager
def _serving(answer: Callable[[Request], Response]) -> Iterator[tuple[_HttpServer, socket.socket]]:
    """A server of one answer, and a connection to it."""
    with (
        _HttpServer("127.0.0.1", 0, answer, time.time) as server,
        socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection,
    ):
        yield server, connection


@pytest.mark.parametrize(
    ("error", "printed"), [(RuntimeError("a bug in the server"), "a bug in the server"), (ConnectionResetError(), "")]
)
def test_a_client_that_went_away_is_no_news_and_a_bug_is(
    error: Exception, printed: str, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(request: Request) -> Response:
        raise error

    with _serving(broken) as (server, connection):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        server.handle_request()
        # The connection is closed without an answer, either way.
        assert connection.recv(100) == b""
    written = capfd.readouterr().err
    assert printed in written
    assert bool(written) == bool(printed)


def test_a_status_that_http_does_not_know_is_sent_as_it_is() -> None:
    with _serving(lambda request: Response(status=599)) as (server, connection):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        server.handle_request()
        with connection.makefile("rb") as answer:
            assert answer.readline().startswith(b"HTTP/1.1 599")


def test_the_loopback_address_of_ipv6_is_served_too(emulator: Emulator) -> None:
    try:
        server = Server(emulator, "::1", 0)
    except OSError:
        pytest.skip("this machine has no IPv6")
    server.start()
    try:
        answer = requests.get(f"http://[::1]:{server.port}/_emulator/health", timeout=5)
        assert answer.json() == {"status": "ready"}
    finally:
        server.close()


def test_a_server_that_never_started_can_be_closed(emulator: Emulator) -> None:
    server = Server(emulator, "127.0.0.1", 0)
    port = server.port
    server.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_clock_that_goes_by_itself_can_be_moved_on_and_never_back() -> None:
    clock = Clock(speed=60, start=1000.0)
    clock.move_to(5000.0)
    assert clock.now() >= 5000.0
    clock.move_to(2000.0)
    assert clock.now() >= 5000.0
    assert clock.real_seconds_until(1e9) <= (1e9 - 5000.0) / 60
    assert clock.real_seconds_until(1.0) == 0.0


def test_a_clock_cannot_go_backwards() -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        Clock(speed=-1)


def test_time_that_is_moved_by_hand_settles_what_is_due_in_its_order(world: World) -> None:
    world.served()
    world.group(config=AT_ONCE)
    world.emulator.switches(start_delay_seconds=10, event_seconds=10, undeclared_hook_seconds=10)
    deployment = world.deploy()
    assert world.emulator.advance(55) == world.emulator.now
    times = [
        event["startTime"].timestamp() for event in world.target(deployment)["lifecycleEvents"] if "startTime" in event
    ]
    created = world.info(deployment)["createTime"].timestamp()
    assert [round(moment - created, 3) for moment in times] == [20.0, 30.0, 40.0]
