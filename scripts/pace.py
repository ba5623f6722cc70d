"""Waiting for the emulator's time, as fast as its variables say that it goes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType

from codedeploy_emulator.client import Client
from codedeploy_emulator.clock import JUMP


class Pace:
    """Where time jumps, its user is one of those whom it waits for, from here to the end of `with`."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        speed = variables.get("CI_DEPLOY_CLOCK_SPEED", "1")
        self._client = Client(variables["AWS_ENDPOINT_URL"]) if speed == JUMP else None
        self._speed = 1.0 if self._client else float(speed)

    def wait(self, seconds: float) -> None:
        """So many seconds of the emulator's time."""
        if self._client:
            self._client.wait(seconds)
        else:
            time.sleep(seconds / self._speed)

    def leave(self) -> None:
        """Let time jump without us."""
        if self._client:
            self._client.close()

    def __enter__(self) -> Pace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
