"""Signals from the process's first moment."""

from __future__ import annotations

import os
import signal
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
