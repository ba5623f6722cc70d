"""How traffic shifts, in words and as the name of a deployment config: each leads to the other.

AWS offers eleven configs for Lambda (facts.md A9); `setup` makes the others, under a name that says their shape, so the
same words always mean the same config and its shape can be compared with what the account has.
"""

from __future__ import annotations

import re

from ..aws import Routing, RoutingType

OWN = "ci-deploy-"  # how the configs begin that `setup` makes
ALL_AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"
MAX_MINUTES = 2880  # from the first shift to the last (facts.md A9)
_CANARIES, _LINEARS = (5, 10, 15, 30), (1, 2, 3, 10)  # minutes of AWS's own, 10% each

_WORDS = re.compile(
    r"(?P<kind>canary|linear)\s+(?P<share>\d{1,2})\s*%\s+(?P<every>every\s+)?(?P<minutes>\d{1,4})m", re.ASCII
)
_NAME = re.compile(
    r"ci-deploy-(?P<kind>canary|linear)-(?P<share>\d{1,2})-(?P<minutes>\d{1,4})"
    r"|CodeDeployDefault\.Lambda(?:Canary(?P<canary>\d+)Percent(?P<after>\d+)Minutes?"
    r"|Linear(?P<linear>\d+)PercentEvery(?P<every>\d+)Minutes?)",
    re.ASCII,
)


def config_name(text: str) -> str:
    """The deployment config that words or a name mean. Raises ValueError where words make no shift that AWS allows."""
    words = text.lower().strip()
    if words in ("all-at-once", "all at once"):
        return ALL_AT_ONCE
    if not re.match(r"(canary|linear)\s", words):
        return text
    found = _WORDS.fullmatch(words)
    if not found or (found["kind"] == "linear") != bool(found["every"]):
        raise ValueError("is not a traffic shift")
    return name_of(_routing(found["kind"], found["share"], found["minutes"]))


def name_of(routing: Routing) -> str:
    """AWS's own config of this shape, or the one that `setup` makes."""
    minutes, share = routing.interval_minutes, routing.percentage
    canary = routing.kind is RoutingType.CANARY
    if share == 10 and minutes in (_CANARIES if canary else _LINEARS):
        unit = "Minute" if minutes == 1 else "Minutes"
        return "CodeDeployDefault.Lambda" + (
            f"Canary10Percent{minutes}{unit}" if canary else f"Linear10PercentEvery{minutes}{unit}"
        )
    return f"{OWN}{'canary' if canary else 'linear'}-{share}-{minutes}"


def routing_of(name: str) -> Routing | None:
    """The shape that a config's name promises: AWS's own, and those that `setup` makes. None: any shape."""
    if name == ALL_AT_ONCE:
        return Routing(kind=RoutingType.ALL_AT_ONCE)
    found = _NAME.fullmatch(name)
    if not found:
        return None
    kind = found["kind"] or ("canary" if found["canary"] else "linear")
    share = found["share"] or found["canary"] or found["linear"]
    try:
        return _routing(kind, share, found["minutes"] or found["after"] or found["every"])
    except ValueError:
        return None


def predefined(name: str) -> Routing | None:
    """The shape of one of AWS's own configs, which nobody can change (facts.md A9). None: it has to be read.

    Should AWS ever change one, it is followed as it shifts; only what is announced of it would be wrong.
    """
    routing = None if name.startswith(OWN) else routing_of(name)
    return routing if routing is not None and name in (ALL_AT_ONCE, name_of(routing)) else None


def words_of(routing: Routing) -> str:
    """The shape as the input says it."""
    if routing.kind is RoutingType.ALL_AT_ONCE:
        return "all-at-once"
    if routing.kind is RoutingType.LINEAR:
        return f"linear {routing.percentage}% every {routing.interval_minutes}m"
    return f"canary {routing.percentage}% {routing.interval_minutes}m"


def _routing(kind: str, share: str, minutes: str) -> Routing:
    percentage, interval = int(share), int(minutes)
    if not (percentage and interval):
        raise ValueError("is not a traffic shift")
    total = interval * (1 if kind == "canary" else -(-100 // percentage) - 1)
    if total > MAX_MINUTES:
        raise ValueError(f"takes {total} minutes from first to last shift; CodeDeploy allows {MAX_MINUTES}")
    return Routing(
        kind=RoutingType.CANARY if kind == "canary" else RoutingType.LINEAR,
        percentage=percentage,
        interval_minutes=interval,
    )
