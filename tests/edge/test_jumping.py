"""The clock of a rehearsal that jumps, against the emulator; hours are what must come by a jump."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue

import pytest

from ci_deploy.edge.jumping import JumpingClock
from ci_deploy.edge.rehearsal import clock_for
from codedeploy_emulator import Emulator
from codedeploy_emulator.client import Client

HOUR, REAL = 3600.0, 1800.0


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(speed="jump", start=1_790_000_000.0) as emulator:
        yield emulator


@pytest.fixture
def clock(emulator: Emulator) -> Iterator[JumpingClock]:
    clock = clock_for(emulator.env)
    assert isinstance(clock, JumpingClock)
    yield clock
    leave(clock)
    until(lambda: emulator.present_clients() == [])


def leave(clock: JumpingClock) -> None:
    """What a process does by its end."""
    assert clock._line is not None, "the emulator was there all the time"
    clock._line.close()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def waits(clock: JumpingClock, seconds: float | None, *items: str, quiet: bool = True) -> str | None:
    queue: SimpleQueue[str] = SimpleQueue()
    for item in items:
        queue.put(item)
    try:
        return clock.take(queue, seconds, quiet=quiet)
    except Empty:
        return None


def test_a_wait_for_time_alone_is_a_jump_of_both_clocks(emulator: Emulator, clock: JumpingClock) -> None:
    now, there = clock.now(), emulator.now
    for _ in range(3):
        assert waits(clock, HOUR) is None
    assert 0 <= clock.now() - now - 3 * HOUR < REAL
    assert 0 <= emulator.now - there - 3 * HOUR < REAL
    assert abs(clock.epoch() - emulator.now) < REAL
    assert (clock.real(1.0), clock.behind()) == (1.0, 0.0)


def test_its_time_of_day_is_the_emulators_from_the_start(emulator: Emulator, clock: JumpingClock) -> None:
    """Which other runs have taken on before."""
    assert waits(clock, 24 * HOUR) is None
    later = JumpingClock(emulator.url)
    assert abs(later.epoch() - emulator.now) < REAL
    assert later.now() < REAL
    leave(later)


def test_what_is_there_is_taken_at_once(emulator: Emulator, clock: JumpingClock) -> None:
    now = clock.now()
    assert waits(clock, HOUR, "x") == "x"
    assert waits(clock, None, "x") == "x"
    assert waits(clock, 0.0) is None
    assert clock.now() - now < REAL


def test_while_something_is_under_way_time_is_real(emulator: Emulator, clock: JumpingClock) -> None:
    now = clock.now()
    assert waits(clock, 0.05, quiet=False) is None
    queue: SimpleQueue[str] = SimpleQueue()
    threading.Timer(0.05, lambda: queue.put("answer")).start()
    assert clock.take(queue, HOUR, quiet=False) == "answer"
    assert clock.now() - now < REAL


def test_a_signal_ends_a_wait_where_it_is(emulator: Emulator, clock: JumpingClock) -> None:
    """And from then on the run works: nobody jumps on without it."""
    with Client(emulator.url) as us:
        now, queue = clock.now(), SimpleQueue[str]()

        def signal() -> None:
            until(lambda: any(each["until"] is not None for each in emulator.present_clients()))
            queue.put("signal")

        threading.Thread(target=signal).start()
        assert clock.take(queue, HOUR, quiet=True) == "signal"
        assert clock.now() - now < REAL
        assert [each["until"] for each in emulator.present_clients()] == [None, None]
        us.wait(0.0)


def test_without_an_emulator_time_is_real() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    clock = clock_for({"CI_DEPLOY_CLOCK_SPEED": "jump", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"})
    now = clock.now()
    assert isinstance(clock, JumpingClock)
    assert waits(clock, 0.01) is None
    assert 0.01 <= clock.now() - now < REAL
    assert abs(clock.epoch() - time.time()) < REAL


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", b"SSH-2.0\r\n"])
def test_what_is_no_emulator_that_jumps_leaves_time_real(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answers() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        threading.Thread(target=answers).start()
        clock = JumpingClock(f"http://127.0.0.1:{server.getsockname()[1]}")
    now = clock.now()
    assert waits(clock, 0.01) is None
    assert 0.01 <= clock.now() - now < REAL
