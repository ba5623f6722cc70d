"""What traffic needs of the account: the weights of an alias, and a log stream for a version's errors."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from ..aws import moto_parts
from .book import Place
from .traffic import Weights


def weights(place: Place, function: str, alias: str) -> Weights:
    """The share of the calls that each version of an alias has now; empty where there is no such alias."""
    found = moto_parts.alias(*place, function, alias)
    if found is None:
        return {}
    more = moto_parts.alias_weights(found)
    return {str(found.function_version): 1.0 - sum(more.values()), **more}


def log_errors(place: Place, function: str, version: str, moments: list[float]) -> None:
    """Write an error of a version at each of these moments (epoch seconds), with Lambda's lines around it."""
    found = moto_parts.function(*place, function, version)
    if found is None:
        return
    random = Random(f"{function} {version} {moments[0]}")
    day = datetime.fromtimestamp(moments[0], UTC)
    stream = f"{day:%Y/%m/%d}/[{version}]{Random(f'{function} {version}').getrandbits(128):032x}"
    lines = []
    for moment in moments:
        at = round(moment * 1000)
        identity = f"{random.getrandbits(128):032x}"
        identity = "-".join((identity[:8], identity[8:12], identity[12:16], identity[16:20], identity[20:]))
        lines += [
            (at, f"START RequestId: {identity} Version: {version}\n"),
            (at, f"[ERROR] SyntheticError: a synthetic call of version {version} failed\tRequestId: {identity}\n"),
            (at, f"END RequestId: {identity}\n"),
        ]
    moto_parts.write_log(*place, found.logs_group_name, stream, lines)
