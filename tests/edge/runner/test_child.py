"""The command around which `watch` is: signals before, during and after its life, its exit code, its output."""

from __future__ import annotations

import os
import queue
import signal
from collections.abc import Iterator

import pytest

from ci_deploy.edge.runner import child as children
from ci_deploy.edge.runner.child import Child

SLEEPS = ("sleep", "60")
ENDS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])


@pytest.fixture(autouse=True)
def _interrupts_count() -> Iterator[None]:
    """A shell's background job ignores them, and so would every command that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "_in_foreground", lambda: False)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The signals that are sent, and sent they are."""
    numbers: list[int] = []
    kill = os.kill

    def send(process: int, number: int) -> None:
        numbers.append(number)
        kill(process, number)

    monkeypatch.setattr(os, "kill", send)
    return numbers


def test_its_end_is_told_and_its_exit_code_kept() -> None:
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()
    child = Child(("sh", "-c", "exit 7"))
    assert not child.started
    child.start(ended.put)
    assert child.started
    assert ended.get(timeout=60) == 7
    assert child.wait() == 7


@ENDS
def test_a_signal_goes_to_a_running_command_as_an_interrupt_and_once(number: signal.Signals, sent: list[int]) -> None:
    child = Child(SLEEPS)
    child.start(lambda _: None)
    child.interrupt(number)
    child.interrupt(number)
    assert child.wait() == 128 + signal.SIGINT
    assert sent == [signal.SIGINT]


@ENDS
def test_one_that_comes_before_the_command_exists_is_passed_on_when_it_does(
    number: signal.Signals, sent: list[int]
) -> None:
    child = Child(SLEEPS)
    child.interrupt(number)
    child.interrupt(number)
    child.start(lambda _: None)
    assert child.wait() == 128 + signal.SIGINT
    assert sent == [signal.SIGINT]


def test_one_that_comes_too_late_goes_nowhere(sent: list[int]) -> None:
    """The process's number may be another's by then."""
    child = Child(("true",))
    child.start(lambda _: None)
    assert child.wait() == 0
    child.interrupt(signal.SIGTERM)
    assert sent == []


@pytest.mark.parametrize(("number", "passed"), [(signal.SIGINT, []), (signal.SIGTERM, [signal.SIGINT])])
def test_what_the_terminal_has_sent_to_both_is_not_passed_on(
    monkeypatch: pytest.MonkeyPatch, sent: list[int], number: signal.Signals, passed: list[int]
) -> None:
    monkeypatch.setattr(children, "_in_foreground", lambda: True)
    child = Child(SLEEPS)
    child.start(lambda _: None)
    child.interrupt(number)
    assert sent == passed
    assert child._process is not None
    child._process.kill()
    child.wait()


def test_a_command_that_a_signal_ended_has_a_shells_exit_code() -> None:
    child = Child(("sh", "-c", "kill -TERM $$"))
    child.start(lambda _: None)
    assert child.wait() == 128 + signal.SIGTERM


def test_a_command_that_is_not_there_was_never_started() -> None:
    child = Child(("no-such-tool",))
    with pytest.raises(FileNotFoundError):
        child.start(lambda _: None)
    assert not child.started
    assert child.wait() == 0


def test_its_output_is_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    """Bytes as they are, on the stream that it wrote them to, and no shell reads its words."""
    child = Child(("printf", "%s\\n", "$HOME * ::warning::x"))
    child.start(lambda _: None)
    child.wait()
    other = Child(("sh", "-c", "echo no >&2"))
    other.start(lambda _: None)
    other.wait()
    assert capfd.readouterr() == ("$HOME * ::warning::x\n", "no\n")
