"""CodeDeploy for AWS Lambda, emulated: a local server that clients of AWS and GitHub can be pointed at.

`python -m codedeploy_emulator serve` runs it as a process; `Emulator` runs it inside another program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import SeedError

if TYPE_CHECKING:
    from .emulator import Emulator

__all__ = ["Emulator", "SeedError"]


def __getattr__(name: str) -> Any:
    """moto is imported by those who start an emulator: a client of one needs none of it."""
    if name != "Emulator":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .emulator import Emulator

    return Emulator
