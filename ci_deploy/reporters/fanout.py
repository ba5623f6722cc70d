"""Gives each event to each reporter. One that raises is warned about once and dropped; the deployment goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .rendering.escape import line
from .rewording import Change, reworded

if TYPE_CHECKING:
    from ..core.story.events import Event
    from ..ports import LogSink, Reporter


class FanOut:
    """A reporter of reporters: first come, first served, so the log comes first. `hide` takes secrets out of texts."""

    name = "reports"

    def __init__(self, reporters: Iterable[Reporter], log: LogSink, hide: Change = str) -> None:
        self._reporters = list(reporters)
        self._log = log
        self._hide = hide

    def report(self, event: Event) -> None:
        event = reworded(event, self._hide)
        for reporter in tuple(self._reporters):
            try:
                reporter.report(event)
            except Exception as error:  # noqa: BLE001 - a broken report must not break a deployment
                self._drop(reporter, error)

    def close(self) -> None:
        for reporter in tuple(self._reporters):
            try:
                reporter.close()
            except Exception as error:  # noqa: BLE001
                self._drop(reporter, error)

    def _drop(self, reporter: Reporter, error: Exception) -> None:
        self._reporters.remove(reporter)
        text = f"The {reporter.name} is no longer written: {type(error).__name__}: {error}"
        # If even the log is broken there is nowhere left to say it.
        with contextlib.suppress(Exception):
            self._log.warning(line(text, 1_000), title="A report failed")
