"""Numbers as people write them: durations, times of day, percentages, traffic, sizes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import groupby

from ...core.aws import Endpoint
from ...core.reasons.phrases import duration as duration  # sentences of the core have them, too

FULL, EMPTY = "█", "░"


def elapsed(seconds: float) -> str:
    """`0:05:12`: the log's first column."""
    whole = max(0, int(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def time_of_day(epoch: float, at: float) -> str:
    """`14:10 UTC`, or nothing when the wall clock is not known."""
    if not epoch:
        return ""
    minutes = int(epoch + at) // 60
    return f"{minutes // 60 % 24:02}:{minutes % 60:02} UTC"


def date(epoch: float | None) -> str:
    """`2026-11-23 14:10`, in UTC; empty when it is not known."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M") if epoch and 0 < epoch < 1e11 else ""


def alarm_state(state: str, since: float | None, epoch: float) -> str:
    """`ALARM since 10:42 UTC`, as far as it is known; with the date where that is not `epoch`'s."""
    when = date(since)
    return f"{state} since {when.removeprefix(date(epoch)[:11])} UTC" if when else state


# Lambda's own lines. Its report is worth reading where it says that the function has failed.
_PLATFORM = re.compile(r"INIT_START |(START|END) RequestId: |REPORT RequestId: (?!.*Status: (timeout|error))")


# What differs between two lines that say the same: the request, and when it was.
_OWN = re.compile(r"\s*(?:RequestId: )?\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\d{4}-\d\d-\d\dT[\d:.]+Z?\s*")


def logged(lines: Iterable[str]) -> list[str]:
    """What a function has logged itself, equal lines as one; Lambda's lines only where there is nothing else."""
    every = list(lines)
    own = [line for line in every if not _PLATFORM.match(line)] or every
    rows = [(said.rstrip(), list(rows)) for said, rows in groupby(own, key=_without_own)]
    return [f"{said} ({len(one)} times)" if len(one) > 1 and said else one[0] for said, one in rows]


def _without_own(line: str) -> str:
    """Nobody compares what stands far to the right: a line of a megabyte must not cost time."""
    return _OWN.sub("", line[:2_000]) + line[2_000:]


def percent(share: float) -> str:
    return f"{share:.3g}%"


def bar(share: float, width: int = 10) -> str:
    """A bar of `share` percent. Any traffic shows at least one block, anything below 100% at least one gap."""
    blocks = round(share / 100 * width)
    if 0 < share < 100:
        blocks = min(max(blocks, 1), width - 1)
    blocks = min(max(blocks, 0), width)
    return FULL * blocks + EMPTY * (width - blocks)


def share_of(shares: Mapping[str, float], version: str) -> float:
    return shares.get(version, 0.0) if version else 0.0


def traffic(shares: Mapping[str, float], target: str) -> str:
    """`█░░░░░░░░░ 10% → 42`: how much the target has; every version's share when it is none of those that share."""
    if target in shares or (target and len(shares) == 1):
        share = share_of(shares, target)
        return f"{bar(share)} {percent(share)} → {target}"
    return split(shares)


def split(shares: Mapping[str, float]) -> str:
    """`version 41: 90%, version 42: 10%`, or `version 41 (100%)` when one version has it all."""
    if len(shares) == 1:
        version, share = next(iter(shares.items()))
        return f"version {version} ({percent(share)})"
    return ", ".join(f"version {version}: {percent(share)}" for version, share in shares.items())


def size(count: int) -> str:
    if count < 1024:
        return f"{count} B"
    if count < 1024 * 1024:
        return f"{count / 1024:.0f} KiB"
    return f"{count / 1024 / 1024:.1f} MiB"


def short_sha(sha: str) -> str:
    return sha[:7]


def requests(endpoint: Endpoint) -> str:
    """`every request goes`, or whose: `requests to lambda and s3 go`."""
    return f"requests to {listed(endpoint.services, 10)} go" if endpoint.services else "every request goes"


def listed(names: tuple[str, ...], limit: int = 5) -> str:
    """`a, b and c`, or the first ones and how many more there are."""
    if len(names) > limit:
        return f"{', '.join(names[:limit])} and {len(names) - limit} more"
    if len(names) > 1:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    return "".join(names)
