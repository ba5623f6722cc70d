"""A client's part of `--speed jump`, for tests and scripts that act in a rehearsal: they hold time while they work."""

from __future__ import annotations

import http.client
import json
import uuid
from types import TracebackType
from urllib.parse import urlsplit


class Client:
    """Known to the emulator from here to `close`. While it does not `wait`, time does not jump.

    Not for several threads at once. It needs nothing but the standard library.
    """

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._name = uuid.uuid4().hex
        self._line = http.client.HTTPConnection(address.hostname or "", address.port)
        self.now = self._told(0.0)

    def wait(self, seconds: float) -> float:
        """Let so many emulated seconds pass, as fast as all other clients let them; returns the time reached."""
        self.now = self._told(seconds)
        return self.now

    def close(self) -> None:
        """Hold time no longer."""
        self._line.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _told(self, seconds: float) -> float:
        body = json.dumps({"client": self._name, "seconds": seconds})
        self._line.request("POST", "/_emulator/wait", body, {"Content-Type": "application/json"})
        answer = json.load(self._line.getresponse())
        if "now" not in answer:
            self.close()
            raise RuntimeError(answer["message"])
        return float(answer["now"])
