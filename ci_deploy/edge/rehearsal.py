"""Which clock a run has: the real one, unless it rehearses.

`CI_DEPLOY_CLOCK_SPEED` is the one variable by which the product knows that it rehearses; it is refused wherever AWS
itself could be on the other end, for a clock that runs away from AWS's would time out real deployments.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from ..core.errors import InvalidInput
from ..core.given import mistakes
from .clock import RealClock

SPEED_VARIABLE = "CI_DEPLOY_CLOCK_SPEED"
JUMP: Literal["jump"] = "jump"


def clock_for(environ: Mapping[str, str]) -> RealClock:
    """The clock; InvalidInput if the environment asks for a speed that is not allowed."""
    speed = speed_from(environ)
    if speed == JUMP:
        from .jumping import JumpingClock

        return JumpingClock(environ["AWS_ENDPOINT_URL"].strip())
    return RealClock(speed)


def speed_from(environ: Mapping[str, str]) -> float | Literal["jump"]:
    """The speed that the environment asks for, 1 if it asks for none; raises InvalidInput where it is not allowed."""
    text = environ.get(SPEED_VARIABLE, "").strip()
    if not text:
        return 1.0
    speed: float | Literal["jump"]
    try:
        speed = JUMP if text == JUMP else float(text)
    except ValueError:
        speed = math.nan
    if speed != JUMP and not (math.isfinite(speed) and speed > 0):
        raise InvalidInput((mistakes.no_speed(SPEED_VARIABLE, text),))
    if not _is_local(environ.get("AWS_ENDPOINT_URL", "").strip()):
        raise InvalidInput((mistakes.rehearsals_only(SPEED_VARIABLE),))
    return speed


def _is_local(endpoint: str) -> bool:
    """Whether an endpoint cannot be AWS: loopback, or a name without a dot such as a service container's."""
    try:
        host = urlsplit(endpoint).hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # Letters first: `0x7f` or a bare number would be read as an address by some resolvers.
        return re.fullmatch(r"[A-Za-z]([A-Za-z0-9_-]{0,62})", host) is not None
