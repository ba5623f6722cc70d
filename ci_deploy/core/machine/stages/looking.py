"""When to look at a deployment again, and what is worth looking at: polling is planned, not constant.

The deployment config says when traffic shifts next, so that is when we look; short intervals where something is about
to happen, long in the quiet, all well under the rate that AWS throttles (facts.md A11).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ... import schedule
from ...aws import Deployment, DeploymentStatus
from ..rollout import Rollout, jittered, never
from ..state.place import Stage

HEARTBEAT = 60.0
QUIET = 15.0  # between looks while nothing is due (facts.md A11)
BEAT = 3.0  # seconds from one common moment of looking to the next, in a large release
LAST_BEAT = 1.0  # the same where the whole release is about to end
FEW = 10  # functions of a release that are each followed as closely as one
# Deployments in a BatchGetDeployments (facts.md A4). A success in a release that takes more than one is not looked at
# once more for its lifecycle: that is a call for each, and people wait for the last of them.
LOOK_AT_MOST = 25
LOOKS_A_SECOND = 2.0  # that a whole release may make; AWS throttles somewhere above (facts.md A11)
TARGETS_A_SECOND = 1.25  # the same for looks with a target, which are a call for each function


def next_shift_at(r: Rollout) -> float | None:
    if r.watch.shift_began is None or r.ending.sent:
        return None
    offset = schedule.next_shift(r.planned.routing, r.watch.share)
    return None if offset is None else r.watch.shift_began + offset


def ends_at(r: Rollout) -> float | None:
    """When the last shift is due; hooks after it take what they take."""
    if r.watch.shift_began is None or r.ending.sent:
        return None
    return r.watch.shift_began + r.planned.shift_seconds


def told(r: Rollout, when: Callable[[Rollout], float | None]) -> float | None:
    """A moment as people are told it: not where it counts from a beginning that nobody saw."""
    return None if r.watch.guessed else when(r)


def targets_matter(r: Rollout, now: float) -> bool:
    """Whether lifecycle or traffic can have changed: always, except in the quiet between two shifts.

    A target is a call of its own, so in a large release only shifts and ends are worth it.
    """
    due = next_shift_at(r)
    if len(r.part.siblings) > FEW and r.stage is Stage.FOLLOWING:
        if r.deployment is None or r.deployment.status in (DeploymentStatus.CREATED, DeploymentStatus.QUEUED):
            return False  # it has no target yet
        every = max(QUIET, len(r.part.siblings) / TARGETS_A_SECOND)
        if r.watch.shift_began is None:
            # What is not known yet is found out once in that time, each at another moment.
            began = r.watch.began + every * (jittered(5.0, r.marker_id, "targets") - 4.5)
            return now >= began and now - r.contact.targets_at >= every
        # The last shift is the end, which is looked at with its lifecycle anyway.
        shifts = due is not None and now >= due and due != ends_at(r)
        return now - r.contact.targets_at >= (every if shifts else max(5 * HEARTBEAT, every))
    quiet = r.watch.event == "AllowTraffic" and due is not None and now < due
    return not quiet or now - r.contact.targets_at >= 2 * HEARTBEAT


def surely_running(r: Rollout, deployment_id: str, now: float) -> tuple[Deployment, ...]:
    """The deployment, where it ran a moment ago and nobody has asked for its end: then its target is enough to read.

    Only where one is followed alone: the deployments of a release share one call.
    """
    seen = next((one for one in (r.seen.deployment, r.seen.rollback) if one and one.id == deployment_id), None)
    if seen is None or seen.status is not DeploymentStatus.IN_PROGRESS or r.ending.sent or r.cancelled:
        return ()
    return (seen,) if len(r.part.siblings) <= 1 and now - r.contact.status_at < QUIET else ()


def next_look(r: Rollout, now: float, last: Callable[[], float] = never) -> float:
    """When to look again. The functions of a large release look at the same moments, so that one call serves 25.

    `last` tells when the last shift of the whole release is due: from a beat before it on people wait for the end.
    """
    at = now + _pause(r, now)
    if len(r.part.siblings) <= FEW or r.cancelled:
        return at
    beat = max(BEAT, len(r.part.siblings) / LOOK_AT_MOST / LOOKS_A_SECOND)
    if at - now < 0.8 * QUIET:
        beat = LAST_BEAT if at >= last() - beat else beat
        return math.ceil(at / beat) * beat
    # Where nothing is due all of them wait for the same moment, wherever the jitter would have put each.
    quiet = max(beat, QUIET // beat * beat)
    return (now // quiet + 1) * quiet


def common(r: Rollout, at: float) -> float:
    """The moment for what is due at `at`. A large release has common ones, so that one call serves many functions."""
    return at if len(r.part.siblings) <= FEW else math.ceil(at / BEAT) * BEAT


def _pause(r: Rollout, now: float) -> float:
    """Seconds until the next look: short where something is about to happen, long in the quiet (facts.md A11)."""
    if r.cancelled:
        pause = 0.7 * r.grace.second
    elif r.stage is Stage.ROLLBACK_DUE:
        pause = 3.0
    elif r.ending.sent:
        pause = 2.0
    elif r.watch.event == "AllowTraffic" and r.stage is Stage.FOLLOWING:
        due = next_shift_at(r)
        if due is not None and now < due:
            return min(due + 0.7 - now, jittered(QUIET, r.marker_id, r.contact.looks))
        # After the last shift the end is near, however long ago the first one was.
        since = next((at for at in (due, ends_at(r)) if at is not None), r.watch.event_at)
        pause = min(5.0, max(1.0, (now - since) / 10))
    elif r.watch.event:
        pause = min(10.0, max(1.0, (now - r.watch.event_at) / 4))
    else:
        pause = 1.5 if now - r.place.said_at < 30 else 5.0
    return jittered(pause, r.marker_id, r.contact.looks)


def heartbeat_every(r: Rollout) -> float:
    """Seconds: a release says something twice a second at most, however many functions it has."""
    return max(HEARTBEAT, len(r.part.siblings) / 2)
