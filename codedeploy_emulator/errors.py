"""What an API of the emulator answers when it refuses: an AWS error code, a message and an HTTP status.

One exception for all services; the wire form (JSON, REST-JSON, XML, query) is made by `wire.py`.
"""

from __future__ import annotations


class ApiError(Exception):
    """A request was refused with an error that a client can read."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class SeedError(Exception):
    """The seed (or a switch, fault or script in it) says something that the emulator does not understand."""
