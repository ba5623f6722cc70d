"""When to look at a deployment again, and what is worth looking at: polling is planned, not constant.

The deployment config says when traffic shifts next, so that is when we look; short intervals where something is about
to happen, long in the quiet, all well under the rate that AWS throttles (facts.md A11). A look that cannot have news is
not made: not before the first lifecycle event, not in the rest that a division of the quiet leaves, and not between the
last shift and the end of what has no hook.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ... import marker as markers
from ... import schedule
from ...aws import Deployment, DeploymentStatus
from ..rollout import Rollout, jittered, never
from ..state.place import Stage

HEARTBEAT = 60.0
FIRST = 2.4  # from the creation to the first look: what is first to run has begun by then (facts.md G18)
QUIET = 15.0  # between looks while nothing is due (facts.md A11): an alarm may end a deployment at any time
UNWATCHED = HEARTBEAT  # the same where no alarm watches: only a person ends it then, and it is said once a minute
REST = 0.25  # of such a pause: a shorter one is worth no look of its own
SHIFTED = 0.7  # from a shift that is due to the look that sees it
ENDED = 1.6  # from the last one to the end, where no hook follows it: it takes 1.4 s (facts.md G18)
STATUS = 30.0  # how long a deployment's status is taken for still true while its target says that it runs
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
    if len(r.part.siblings) > 1 or r.ending.sent or r.cancelled:
        return ()
    if r.deployment is None and r.contact.looks == 0 and r.creation.marker is not None and not r.watch.attached:
        return (_as_created(r),)
    seen = next((one for one in (r.seen.deployment, r.seen.rollback) if one and one.id == deployment_id), None)
    if seen is None or seen.status is not DeploymentStatus.IN_PROGRESS:
        return ()
    return (seen,) if now - r.contact.status_at < STATUS else ()


def _as_created(r: Rollout) -> Deployment:
    """The deployment as it is once it runs, but for its times, which CodeDeploy says at the next look."""
    made = r.planned
    assert r.creation.marker is not None, "a deployment of ours without a marker"
    return Deployment(
        id=r.deployment_id,
        status=DeploymentStatus.IN_PROGRESS,
        application=made.application,
        group=made.group,
        config_name=made.config_name,
        description=markers.write(r.creation.marker),
    )


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


def first_look(r: Rollout, now: float) -> float:
    """When a deployment is first looked at: soon where it is not new, or one of several, which share the call."""
    return common(r, now + 1.0) if r.watch.attached or len(r.part.siblings) > 1 else now + FIRST


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
            return _until_shift(r, due, now)
        # After the last shift the end is near, however long ago the first one was.
        since = next((at for at in (due, ends_at(r)) if at is not None), r.watch.event_at)
        pause = min(5.0, max(1.0, (now - since) / 10))
    elif r.watch.event:
        pause = min(10.0, max(1.0, (now - r.watch.event_at) / 4))
    else:
        pause = 1.5 if now - r.place.said_at < 30 else 5.0
    return jittered(pause, r.marker_id, r.contact.looks)


def _until_shift(r: Rollout, due: float, now: float) -> float:
    """Seconds to the look that sees a shift, or to one of those that divide the quiet before it."""
    if len(r.part.siblings) > 1:  # the others share its looks, so it has no times of its own
        return min(due + SHIFTED - now, jittered(QUIET, r.marker_id, r.contact.looks))
    made = r.planned
    ends = due == ends_at(r) and not (made.found or made.hook_of("AfterAllowTraffic"))
    left = due + (ENDED if ends else SHIFTED) - now
    parts = math.ceil(left / (QUIET if made.found or made.alarm_names else UNWATCHED) - REST)
    return left if parts <= 1 else jittered(left / parts, r.marker_id, r.contact.looks)


def heartbeat_every(r: Rollout) -> float:
    """Seconds: a release says something twice a second at most, however many functions it has."""
    return max(HEARTBEAT, len(r.part.siblings) / 2)
