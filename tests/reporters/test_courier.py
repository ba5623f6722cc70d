"""The courier: the latest state wins, the last one gets out, and nothing of it holds up or breaks a deployment."""

from __future__ import annotations

import threading
import time
from queue import SimpleQueue
from typing import Any

from sinks import Screen

from ci_deploy.ports import GitHubError
from ci_deploy.reporters.courier import Courier


class FastClock:
    """Real time, told as if it ran 60 times faster."""

    def now(self) -> float:
        return time.monotonic() * 60

    def behind(self) -> float:
        return 0.0

    def epoch(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / 60)

    def take(self, items: SimpleQueue[Any], seconds: float | None, *, quiet: bool) -> Any:
        return items.get(timeout=None if seconds is None else seconds / 60)

    def real(self, seconds: float) -> float:
        return seconds * 60


def courier(screen: Screen | None = None, *, gap: float = 0.0, retry: float = 0.0, flush: float = 3.0) -> Courier:
    return Courier(FastClock(), screen or Screen(), gap=gap, retry=retry, flush=flush)


def test_the_first_goes_out_and_the_last_wins() -> None:
    """While one delivery is on its way, those in between are replaced by the latest."""
    started, go_on = threading.Event(), threading.Event()
    delivered: list[int] = []

    def first() -> None:
        started.set()
        go_on.wait(10)
        delivered.append(0)

    made = courier()
    made.send("comment", first)
    assert started.wait(10)
    for n in range(1, 50):
        made.send("comment", lambda n=n: delivered.append(n))
    go_on.set()
    made.close()
    assert delivered == [0, 49]


def test_names_do_not_replace_each_other() -> None:
    """Comment and GitHub deployment each have their own latest state."""
    delivered: list[str] = []
    made = courier()
    made.send("comment", lambda: delivered.append("comment"))
    made.send("deployment", lambda: delivered.append("deployment"))
    made.close()
    assert sorted(delivered) == ["comment", "deployment"]


def test_the_gap_is_kept_and_the_end_does_not_wait_for_it() -> None:
    """Within the gap nothing more goes out; the end of the run delivers the latest at once."""
    delivered: list[int] = []
    first = threading.Event()
    made = courier(gap=3600)
    made.send("comment", first.set)
    assert first.wait(10)
    for n in range(3):
        made.send("comment", lambda n=n: delivered.append(n))
    assert delivered == []
    made.close()
    assert delivered == [2]


def test_a_failure_that_may_pass_is_tried_again_and_told_once() -> None:
    """The delivery is repeated until it works; the log says so once, and not from the courier's thread."""

    class Mine(Screen):
        def warning(self, message: str, *, title: str = "") -> None:
            assert threading.current_thread() is threading.main_thread()
            super().warning(message, title=title)

    screen = Mine()
    fails = [GitHubError(502, "Bad Gateway"), GitHubError(429, "slow down", retry_after=0.001)]
    done = threading.Event()

    def deliver() -> None:
        if fails:
            raise fails.pop(0)
        done.set()

    made = courier(screen)
    made.send("comment", deliver)
    assert done.wait(10)
    made.close()
    assert [title for title, _ in screen.of("warning")] == ["Reports"]
    assert "502: Bad Gateway" in screen.text


def test_a_newer_state_replaces_the_one_that_failed() -> None:
    """What failed is not delivered again when something newer is waiting."""
    delivered: list[str] = []
    made = courier(retry=3600)
    failed = threading.Event()

    def fail() -> None:
        failed.set()
        raise GitHubError(500, "x")

    made.send("comment", fail)
    assert failed.wait(10)
    made.send("comment", lambda: delivered.append("newer"))
    made.close()
    assert delivered == ["newer"]


def test_a_long_rate_limit_is_not_waited_for() -> None:
    """An hour's limit: said once, given up; the end of the run tries once more and does not wait."""
    attempts: list[int] = []
    failed = threading.Event()

    def deliver() -> None:
        attempts.append(1)
        failed.set()
        raise GitHubError(403, "API rate limit exceeded", retry_after=3600)

    screen = Screen()
    made = courier(screen)
    made.send("comment", deliver)
    assert failed.wait(10)
    made.close()
    assert len(attempts) == 1
    assert "rate limit" in screen.text


def test_the_end_waits_for_nobody() -> None:
    """A request that hangs is left alone after the flush time, and that is said."""
    screen = Screen()
    hang = threading.Event()
    made = courier(screen, flush=0.05)
    made.send("comment", lambda: hang.wait(30) and None)
    made.close()
    hang.set()
    assert "did not answer in time" in screen.text


def test_a_mistake_of_ours_does_not_stop_the_thread() -> None:
    """An exception of any kind costs a warning; other deliveries go on."""
    screen = Screen()
    delivered: list[str] = []

    def broken() -> None:
        raise KeyError("x")

    made = courier(screen)
    made.send("comment", broken)
    made.send("deployment", lambda: delivered.append("deployment"))
    made.close()
    assert delivered == ["deployment"]
    assert "KeyError" in screen.text


def test_nothing_sent_means_no_thread() -> None:
    """A run without network reports starts no thread, and closing it is nothing."""
    made = courier()
    made.close()
    made.send("comment", lambda: None)
    assert made._thread is None


def test_many_edits_slow_down() -> None:
    """After many deliveries the gap grows, to stay under GitHub's 500 an hour."""
    from ci_deploy.reporters import courier as module

    assert module.MANY + (3600 - module.MANY * module.GAP) / module.LATER_GAP < 500
