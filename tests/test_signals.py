"""Signals from the process's first moment."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from ci_deploy import signals


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = {name: signal.getsignal(getattr(signal, name)) for name in signals.NAMES}
    yield
    for name, handler in before.items():
        signal.signal(getattr(signal, name), handler)


def test_what_comes_before_anybody_can_act_is_kept_in_order_and_given_once() -> None:
    signals.hold()
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    seen: list[int] = []
    signals.deliver(seen.append)
    assert seen == [signal.SIGTERM, signal.SIGINT]
    os.kill(os.getpid(), signal.SIGHUP)
    signals.deliver(seen.append)
    assert seen == [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


@pytest.mark.parametrize("name", signals.NAMES)
def test_while_a_person_is_waited_for_a_signal_ends_the_process(name: str) -> None:
    signals.hold()
    number = getattr(signal, name)
    held = signal.getsignal(number)
    with pytest.raises(SystemExit) as left, signals.leaving():
        os.kill(os.getpid(), number)
    assert left.value.code == 128 + number
    assert signal.getsignal(number) is held


def test_one_that_was_held_ends_it_before_the_question() -> None:
    signals.hold()
    os.kill(os.getpid(), signal.SIGTERM)
    asked = False
    with pytest.raises(SystemExit) as left, signals.leaving():
        asked = True
    assert left.value.code == 128 + signal.SIGTERM
    assert not asked


def test_on_another_thread_the_main_thread_hears_them() -> None:
    seen: list[int] = []
    signals.deliver(seen.append)

    def ask() -> None:
        with signals.leaving():
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert seen == [signal.SIGINT]
