"""The clock, its speed's guard, and the token bucket."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue

import pytest

from ci_deploy.core.errors import InvalidInput
from ci_deploy.edge.aws.rate import Bucket
from ci_deploy.edge.clock import RealClock
from ci_deploy.edge.rehearsal import speed_from

from .fakes import FakeClock


def test_a_fast_clock_divides_waits_and_multiplies_time_from_the_first_on() -> None:
    """Before it nothing is faster: to start and to read takes as long in a rehearsal as ever."""
    machine, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        machine[0] += seconds

    clock = RealClock(60, monotonic=lambda: machine[0], wall=lambda: 1000.0, sleep=sleep)
    machine[0] += 2
    clock.sleep(0)
    clock.sleep(-1)
    assert clock.now() == 2
    clock.sleep(30)
    assert clock.now() == 32
    machine[0] += 1
    assert clock.now() == 92
    assert clock.epoch() == 1092
    assert clock.real(2) == 120
    assert slept == [0.5]


def holding(*items: str) -> SimpleQueue[str]:
    queue: SimpleQueue[str] = SimpleQueue()
    for item in items:
        queue.put(item)
    return queue


def wait(clock: RealClock, seconds: float) -> None:
    with pytest.raises(Empty):
        clock.take(holding(), seconds, quiet=True)


def test_what_was_waited_for_otherwise_counts_from_its_beginning() -> None:
    machine = [0.0]
    clock = RealClock(60, monotonic=lambda: machine[0])
    machine[0] += 3
    assert clock.take(holding("x"), 60, quiet=True) == "x"
    wait(clock, 0)
    assert clock.now() == 3
    wait(clock, 0.6)
    assert clock.now() == pytest.approx(2.99 + 0.6)


def test_it_knows_by_how_much_it_is_behind_the_time_that_a_rehearsal_has_throughout() -> None:
    machine = [0.0]
    fast, usual = (RealClock(speed, monotonic=lambda: machine[0]) for speed in (60, 1))
    machine[0] += 3
    wait(fast, 0.6)
    machine[0] += 1
    assert (fast.behind(), usual.behind()) == (pytest.approx(2.99 * 60 - 2.99), 0.0)


class Asked(SimpleQueue[str]):
    """Nothing comes; the seconds for which it was waited each time, of which none pass."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def get(self, block: bool = True, timeout: float | None = None) -> str:
        assert timeout is not None
        self.seconds.append(timeout)
        raise Empty


def test_a_long_wait_is_one_of_short_ones_between_which_a_signal_is_heard() -> None:
    clock, asked = RealClock(20), Asked()
    with pytest.raises(Empty):
        clock.take(asked, 50, quiet=False)
    assert asked.seconds == [1.0, 1.0, 0.5]


def test_a_jump_of_the_wall_clock_is_not_seen() -> None:
    wall = [1000.0]
    clock = RealClock(monotonic=lambda: 5.0, wall=lambda: wall[0])
    wall[0] = 9e9
    assert clock.epoch() == 1000


@pytest.mark.parametrize(
    "endpoint",
    ["http://127.0.0.1:4599", "http://127.8.9.1", "http://[::1]:1", "http://localhost", "http://emulator:4599"],
)
def test_the_speed_is_taken_where_the_endpoint_cannot_be_aws(endpoint: str) -> None:
    assert speed_from({"CI_DEPLOY_CLOCK_SPEED": "60", "AWS_ENDPOINT_URL": endpoint}) == 60


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "https://codedeploy.eu-central-1.amazonaws.com",
        "http://10.0.0.1",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1@evil.example",
        "http://0x7f",
        "http://2130706433",
        "http://[::1",
        "127.0.0.1:4599",
        "http://",
    ],
)
def test_the_speed_is_refused_elsewhere(endpoint: str) -> None:
    with pytest.raises(InvalidInput, match="CI_DEPLOY_CLOCK_SPEED"):
        speed_from({"CI_DEPLOY_CLOCK_SPEED": "60", "AWS_ENDPOINT_URL": endpoint})


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "fast", "1e999"])
def test_a_speed_that_is_no_finite_number_above_zero_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="finite"):
        speed_from({"CI_DEPLOY_CLOCK_SPEED": text, "AWS_ENDPOINT_URL": "http://localhost"})


def test_no_speed_is_real_time() -> None:
    assert speed_from({}) == 1
    assert speed_from({"CI_DEPLOY_CLOCK_SPEED": " "}) == 1


def test_a_bucket_lets_the_burst_through_and_then_keeps_the_rate() -> None:
    clock = FakeClock()
    bucket = Bucket(clock, rate=10, burst=3)
    for _ in range(13):
        bucket.take()
    assert clock.slept == pytest.approx([0.1] * 10)


def test_a_quiet_bucket_saves_no_more_than_the_burst() -> None:
    clock = FakeClock()
    bucket = Bucket(clock, rate=10, burst=2)
    clock.at = 1000.0
    for _ in range(3):
        bucket.take()
    assert len(clock.slept) == 1


def test_threads_share_the_rate() -> None:
    class Frozen(FakeClock):
        def sleep(self, seconds: float) -> None:
            self.slept.append(seconds)  # time stands still: every taker sees the same now

    clock = Frozen()
    bucket = Bucket(clock, rate=10, burst=1)
    threads = [threading.Thread(target=bucket.take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(clock.slept) == pytest.approx([0.1 * turn for turn in range(1, 8)])
