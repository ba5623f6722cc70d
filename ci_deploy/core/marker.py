"""The marker that every deployment of ours carries first in its description, and the only place that reads it back.

    ci-deploy/1 id=<8 hex> run=<run id>.<attempt> key=<hash> [step=<hash>] sha=<commit> [kind=rollback] [by=<actor>]
    [reason]

CreateDeployment has no idempotency token (facts.md A3), so the marker is how a deployment whose answer was lost is
found (`id`), how a re-run finds its own (`run` and `key`), how the post step finds what its own main step created where
the runner lost its state (`step`), and how older runs are told from newer ones (`run`).
"""

from __future__ import annotations

import hashlib
import re

from .lazy import dataclass

LIMIT = 256  # CreateDeployment's description (facts.md A3)

_MARKER = re.compile(
    r"ci-deploy/1 id=(?P<id>[0-9a-f]{8}) run=(?P<run>\d{1,19})\.(?P<attempt>\d{1,9}) key=(?P<key>[0-9a-f]{16})"
    r"(?: step=(?P<step>[0-9a-f]{8}))? sha=(?P<sha>[0-9a-f]{0,64})(?: kind=(?P<kind>[a-z]+))?"
    r"(?: by=(?P<by>\S{1,100}))?(?: (?P<reason>.*))?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """`run_id` 0: not from a workflow run. `kind`: `deploy` or `rollback`. `by` and `reason` are people's words."""

    id: str
    key: str
    run_id: int = 0
    attempt: int = 0
    step: str = ""  # the hash of GITHUB_JOB and GITHUB_ACTION; empty outside of a workflow
    sha: str = ""
    kind: str = "deploy"
    by: str = ""
    reason: str = ""


def key_of(*parts: str) -> str:
    """The hash of command, function, alias and target: the same work in a re-run has the same key."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def write(marker: Marker) -> str:
    """The description, at most 256 characters; the reason is what gets cut."""
    text = f"ci-deploy/1 id={marker.id} run={marker.run_id}.{marker.attempt} key={marker.key}"
    text += f"{f' step={marker.step}' if marker.step else ''} sha={marker.sha[:64]}"
    if marker.kind != "deploy":
        text += f" kind={marker.kind}"
    if marker.by:
        text += " by=" + re.sub(r"[^\w.\[\]@-]", "_", marker.by)[:39]
    reason = " ".join(marker.reason.split())
    if reason:
        text += f" {reason}"
    return text if len(text) <= LIMIT else text[: LIMIT - 1] + "…"


def parse(description: str) -> Marker | None:
    """The marker at the very beginning of a description, or None; a marker further in is somebody's text."""
    match = _MARKER.fullmatch(description)
    if match is None:
        return None
    return Marker(
        id=match["id"],
        key=match["key"],
        run_id=int(match["run"]),
        attempt=int(match["attempt"]),
        step=match["step"] or "",
        sha=match["sha"],
        kind=match["kind"] or "deploy",
        by=match["by"] or "",
        reason=match["reason"] or "",
    )
