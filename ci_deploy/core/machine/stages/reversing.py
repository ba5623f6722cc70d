"""Rolls back a deployment that has succeeded: deploys the previous version, all at once and without hooks.

For the release's sake, or because the version did not hold in its bake. A deployment that is over cannot be stopped.
"""

from __future__ import annotations

from dataclasses import replace

from ...aws import AlarmConfiguration, Routing, RoutingType
from ...guards.grammar import OFF
from ...plan.planning import Existing, Facts, Plan
from ...result import Result
from ...run import Outcome
from ..rollout import Rollout, Turn
from ..state.place import Stage
from .preparing import give_way
from .publishing import bound


def take_back(turn: Turn, done: Result, why: str, *, ends: Outcome | None = None, urgent: bool = False) -> None:
    """Begin the reversal of what ended as `done`. `ends` is Part's; `urgent`: nothing may come before the creation."""
    r = turn.r
    made = reverse(r, urgent=urgent)
    turn.begin_again(r.attempt.reversal(why, turn.now + made.timeout))
    turn.put(turn.r.part.take_back(done, ends))
    bound(turn, made)


def reverse(r: Rollout, *, urgent: bool = False) -> Plan:
    made = r.planned
    return replace(
        made,
        current_version=r.target_version,
        target=Existing(version=r.previous_version),
        config_name="CodeDeployDefault.LambdaAllAtOnce",
        routing=Routing(kind=RoutingType.ALL_AT_ONCE),
        before_hook="",
        after_hook="",
        bucket="" if urgent else made.bucket,
        auto_rollback=(),
        rollback_events=(),
        # One that rings by now, perhaps for what failed, would stop this too.
        override_alarms=AlarmConfiguration(enabled=False) if made.alarm_names else made.override_alarms,
        timeout=600.0,
        reverses=True,
        smoke=(),
        guards=OFF,
        bake=0.0,
        current=made.new,
        new=made.current,
        findings=(),
    )


def resume(turn: Turn, facts: Facts) -> None:
    """Another deployment of the group was in the way of a reversal, which is still what is to be done."""
    r = turn.r
    if r.stage is not Stage.GATHERING:
        return
    turn.put(turn.r.reading.read(facts.alias, turn.now))
    if facts.active:
        give_way(turn, r.planned, facts.active[0], "wait")
    else:
        bound(turn, r.planned)
