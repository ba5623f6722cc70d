"""Finding the deployments that another tool starts, and when there is nothing more to wait for.

Whose they are `plan.sought` says; each that is meant becomes a rollout, which follows it like any other. Looking back
comes first: an all-at-once deployment lasts two seconds. What CloudFormation rolls back to is told of and neither
judged nor stopped. Pure, like all of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from dataclasses import field, replace

from ..aws import Deployment
from ..errors import CiDeployError
from ..lazy import dataclass
from ..plan.proof import Proof
from ..plan.sought import Spot, means, rolled_back_to, spot_of
from ..reasons.ending import watching as why
from ..reasons.reason import Reason
from ..result import Finding, Result, Severity
from ..run import Outcome
from ..stacks import StackEvent
from ..story import events as e
from .actions import Action, Cancelled, CommandEnded, Discover, Discovered, Done, Failed, Observation
from .rollout import Job, Rollout, jittered, kind_of, outcome_of, pause
from .state.place import Stage
from .state.search import LOOK_EVERY, Search
from .waves import GOOD

QUIET = 120.0  # seconds without a deployment after which no other one is waited for
CLEAN = 2  # listings that brought nothing, after the stack came to rest
LAST_LOOK = 3.0  # real seconds that a last listing of a stack may take after a signal: the runner kills after 7.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What follows from an observation. `begun`: new rollouts, of which one may take the place of one that is over."""

    search: Search
    begun: tuple[Rollout, ...] = ()
    actions: tuple[Action, ...] = ()
    events: tuple[e.Event, ...] = ()
    result: Result | None = None  # why there is no deployment to tell of


@dataclass(slots=True)
class _Turn:
    search: Search
    now: float
    begun: list[Rollout] = field(default_factory=list)
    events: list[e.Event] = field(default_factory=list)
    result: Result | None = None

    def say(self, severity: Severity, reason: Reason, key: str = "") -> None:
        self.events.append(e.Noticed(at=self.now, key=key, finding=Finding(severity=severity, reason=reason)))

    @property
    def made(self) -> Watched:
        return Watched(search=self.search, begun=tuple(self.begun), events=tuple(self.events), result=self.result)


def observe(search: Search, rollouts: Sequence[Rollout], observation: Observation, now: float) -> Watched:
    """What an observation says about deployments that may be meant."""
    turn = _Turn(search, now)
    match observation:
        case Done(action=Discover(), answer=Discovered() as found):
            _found(turn, rollouts, found)
        case Failed(action=Discover(), error=error):
            _missed(turn, error)
        case CommandEnded(exit_code=code):
            turn.search = search.ended(code, now)
        case Cancelled(signal=signal, second=second):
            turn.search = search.signal(now + LAST_LOOK * second)
            if not _active(rollouts):
                turn.events.append(e.CancelReceived(at=now, signal=signal, policy=search.inputs.on_cancel))
    return turn.made


def _active(rollouts: Sequence[Rollout]) -> bool:
    return any(rollout.stage is not Stage.DONE for rollout in rollouts)


def _found(turn: _Turn, rollouts: Sequence[Rollout], found: Discovered) -> None:
    first = turn.search.since is None
    before = turn.search.stack
    turn.search = turn.search.heard(found.at, found.stack, turn.now)
    failed = _failed(turn.search, told=before.failed if before is not None else ())
    if failed is not None:
        turn.say(Severity.WARNING, failed)
    read = {one.id: one for one in found.deployments}
    kept = tuple(one for one in turn.search.candidates if one.id not in read)
    turn.search = turn.search.keep((*kept, *read.values()))
    if turn.search.signalled:
        return  # nothing new is begun
    if not first or not turn.search.age:
        _sort_out(turn, rollouts)
    if found.stack is not None and not found.stack.busy:
        _put_right(turn, rollouts)


def _failed(search: Search, told: Collection[StackEvent] = ()) -> why.StackFailed | None:
    """What has failed in the stack since the run began, but for what was `told`; None where nothing has."""
    stack, since = search.stack, search.since or 0.0
    if stack is None:
        return None
    events = tuple(event for event in stack.failed if event.at >= since and event not in told)
    return why.StackFailed(stack=stack.name, events=events) if events else None


def _sort_out(turn: _Turn, rollouts: Sequence[Rollout]) -> None:
    """Begin to follow what is meant; the others are put aside, or wait until more is known of them."""
    for one in sorted(turn.search.candidates, key=lambda one: one.create_time):
        search = turn.search
        spot = means(search.spots, search.stack, one)
        if one.compute_platform != "Lambda" or one.automatic_rollback:
            turn.search = search.take(one.id)
        elif spot is None:
            if one.status.terminal and spot_of(one) is None:
                turn.search = search.take(one.id)  # nothing says whose it is, and nothing will
        elif rolled_back_to(search.stack, one):
            turn.search = search.disturbed(turn.now).take(one.id).take_back(_key(spot))
            turn.say(Severity.NOTE, why.StackRollsBack(deployment=one.id, key=_key(spot)))
        elif one.status.terminal and _followed_by(search, one, spot):
            turn.search = search.disturbed(turn.now).take(one.id)
            turn.say(Severity.NOTE, why.Replaced(deployment=one.id, key=_key(spot), status=one.status.value))
        elif not _busy(rollouts, turn.begun, spot):
            turn.search = search.disturbed(turn.now).take(one.id)
            _tell_replaced(turn, rollouts, spot)
            turn.begun.append(_rollout(search, one, spot, turn.now))


def _tell_replaced(turn: _Turn, rollouts: Sequence[Rollout], spot: Spot) -> None:
    """What went wrong before counts no longer once another deployment of the alias follows, and is not forgotten."""
    for rollout in rollouts:
        result = rollout.result
        if rollout.key == _key(spot) and result is not None and result.outcome not in GOOD:
            ended = why.Replaced(
                deployment=result.deployment_id, key=result.key, status=result.outcome.value, seen=True
            )
            turn.say(Severity.WARNING, ended)


def _put_right(turn: _Turn, rollouts: Sequence[Rollout]) -> None:
    """What was told as deployed, and CloudFormation has rolled back since: the alias is read once more."""
    search = turn.search
    for rollout in rollouts:
        spot = Spot(function=rollout.function, alias=rollout.inputs.alias)
        stale = rollout.result is not None and rollout.result.outcome is Outcome.SUCCEEDED
        if stale and rollout.key in search.taken_back and not _busy((), turn.begun, spot):
            turn.begun.append(rollout.look_again(turn.now, taken_back_by=search.stack_name))
    turn.search = search.put_right()


def _key(spot: Spot) -> str:
    return f"{spot.function}:{spot.alias}"


def _followed_by(search: Search, one: Deployment, spot: Spot) -> bool:
    """Whether a later deployment of the same alias is known: what the alias serves says nothing of this one."""
    return any(
        other.create_time > one.create_time
        and not other.automatic_rollback
        and not rolled_back_to(search.stack, other)
        and means(search.spots, search.stack, other) == spot
        for other in search.candidates
    )


def _busy(rollouts: Sequence[Rollout], begun: Sequence[Rollout], spot: Spot) -> bool:
    return any(one.key == _key(spot) and one.stage is not Stage.DONE for one in (*rollouts, *begun))


def _rollout(search: Search, deployment: Deployment, spot: Spot, now: float) -> Rollout:
    inputs = replace(
        search.inputs,
        function=spot.function,
        alias=spot.alias,
        application=deployment.application,
        deployment_group=deployment.group,
    )
    before = search.since is not None and deployment.create_time < search.since
    job = Job(
        inputs=inputs,
        context=search.context,
        subject=deployment.id,
        hands_off=search.around and before,
        proof=Proof(guards=inputs.guards, bake=inputs.bake, functions=search.functions),
        began=now,
    )
    # Only what is jittered depends on it: no deployment of ours carries this marker.
    first = Rollout.first(job, f"{zlib.crc32(deployment.id.encode()):08x}")
    return first if search.epoch is None else first.put(first.measures.read(search.epoch))


def _missed(turn: _Turn, error: CiDeployError) -> None:
    """Nobody is followed less well for it; only where nothing was ever heard of AWS, the run ends."""
    search, kind = turn.search, kind_of(error)
    if search.since is None and (kind is None or not kind.transient):
        turn.result = _result(search, outcome_of(error), error.reason, turn.now)
        turn.search = search.finish()
        return
    wait = max(LOOK_EVERY, pause(search.failures, most=60.0))
    turn.search = search.missed(turn.now + jittered(wait, search.stack_name, search.failures))
    failures = turn.search.failures
    if failures & (failures - 1) == 0:  # 1st, 2nd, 4th, …
        turn.say(Severity.WARNING, why.SearchFailed(problem=error.what, advice=error.remedy))


def proceed(search: Search, rollouts: Sequence[Rollout], now: float) -> Watched:
    """What is to be asked next, or that it is over."""
    turn = _Turn(search, now)
    if _active(rollouts):
        turn.search = turn.search.disturbed(now)
    elif search.over or (search.signalled and not _looks_again(turn, rollouts)) or _nothing_left(search, rollouts, now):
        _end(turn, rollouts)
        return turn.made
    if turn.search.asking or now < turn.search.again_at:
        return turn.made
    action = Discover(
        key="",
        stack=turn.search.stack_name,
        since=turn.search.since,
        known=turn.search.known,
        unclear=turn.search.unclear,
    )
    turn.search = turn.search.ask()
    return replace(turn.made, actions=(action,))


def _looks_again(turn: _Turn, rollouts: Sequence[Rollout]) -> bool:
    """After a signal a stack is asked once more why the update failed, where something of it was seen."""
    search = turn.search
    if search.hurried is None or turn.now >= search.hurried or not (search.stack_name and rollouts):
        return False
    if not search.asking:
        turn.search = search.hurry(turn.now)
    return True


def _nothing_left(search: Search, rollouts: Sequence[Rollout], now: float) -> bool:
    if search.asking or not search.left_alone:
        return False
    if search.since is None:
        return now >= search.within
    if _lost(search, now):
        return True
    if any(means(search.spots, search.stack, one) for one in search.candidates):
        return False
    if search.stack_name:
        done = _has_begun(search, rollouts) and search.clean >= CLEAN
    else:
        waited = bool(rollouts) or search.around
        done = waited and search.clean >= CLEAN and now >= search.quiet_since + QUIET
    looked = search.clean > 0 or search.failures > 0
    idle = looked and not rollouts and not search.around and not search.was_busy
    return done or (idle and now >= search.within)


def _lost(search: Search, now: float) -> bool:
    return search.lost_at is not None and now >= search.lost_at


def _has_begun(search: Search, rollouts: Sequence[Rollout]) -> bool:
    """Whether the update that is meant was seen, or is over already."""
    since = search.since or 0.0
    updated = search.stack is not None and search.stack.updated >= since
    return search.was_busy or search.around or bool(rollouts) or updated


def _end(turn: _Turn, rollouts: Sequence[Rollout]) -> None:
    search = turn.search
    if not rollouts:
        outcome, reason = _without_any(search, turn.now)
        turn.say(Severity.WARNING, reason)
        turn.result = _result(search, outcome, reason, turn.now)
    elif _lost(search, turn.now):
        turn.say(Severity.WARNING, _out_of_sight(search, turn.now))
    turn.search = search.finish()


def _without_any(search: Search, now: float) -> tuple[Outcome, Reason]:
    if search.signalled:
        return Outcome.UNCHANGED, why.Interrupted(what=_what(search))
    if _lost(search, now):
        return Outcome.LOST_CONTACT, _out_of_sight(search, now)
    return Outcome.UNCHANGED, why.NothingAppeared(what=_what(search), minutes=now / 60)


def _out_of_sight(search: Search, now: float) -> why.OutOfSight:
    return why.OutOfSight(what=_what(search), minutes=(now - search.heard_at) / 60)


def _what(search: Search) -> str:
    if search.stack_name:
        return f"the stack `{search.stack_name}`"
    return ", ".join(f"`{_key(spot)}`" for spot in search.spots)


def _result(search: Search, outcome: Outcome, reason: Reason, now: float) -> Result:
    alone = search.spots[0] if len(search.spots) == 1 else None
    return Result(
        function=alone.function if alone else "",
        alias=alone.alias if alone else search.inputs.alias,
        outcome=outcome,
        reasons=(reason,),
        duration_seconds=round(now, 1),
    )


def explained(search: Search, results: Sequence[Result]) -> tuple[Result, ...]:
    """The results, where one is bad with what failed in the stack beside it."""
    failed = _failed(search)
    if failed is None:
        return tuple(results)
    return tuple(one if one.outcome in GOOD else replace(one, reasons=(*one.reasons, failed)) for one in results)


def wake(search: Search, now: float) -> float:
    """When there is something to do by itself."""
    times = [search.again_at, search.quiet_since + QUIET, search.within, search.hurried or 0.0, search.lost_at or 0.0]
    return min((at for at in times if at > now), default=now + LOOK_EVERY)
