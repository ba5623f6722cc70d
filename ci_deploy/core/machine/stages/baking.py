"""Watches the new version after all traffic has moved, and rolls it back if it does not hold.

CodeDeploy is done by then: it no longer watches alarms, and nothing can be stopped. So the alarms are read here, guards
are judged on, and what is bad is reversed by a deployment of its own, if the alias still serves what we deployed and
nothing else is under way. `watch` creates nothing: it says what is bad, and how the other tool goes back. Pure.
"""

from __future__ import annotations

from ...aws import Alarm, Alias
from ...errors import CiDeployError, ErrorKind
from ...plan.planning import Facts
from ...plan.whose import Others, whose
from ...reasons.ending import guards as why
from ...reasons.ending.watching import StaysInService
from ...reasons.phrases import serves
from ...reasons.reason import Reason, text_of
from ...result import Result
from ...run import Command, Outcome, Rollback
from ...story import events as e
from ..actions import Diagnose, Gather, LookAlarms, LookAlias, Measure
from ..rollout import Rollout, Turn, kind_of
from ..state.attempt.attempt import Purpose
from ..state.attempt.bake import LOOK_EVERY
from ..state.attempt.ending import Cause
from ..state.place import Stage
from . import guarding
from .looking import heartbeat_every
from .reversing import take_back

GATHER_TRIES = 6  # before a bad version is left, because what is there cannot be read


def wanted(r: Rollout) -> bool:
    """Whether a successful deployment is still watched, or rolled back for a guard that was violated too late."""
    if r.bake.over or r.attempt.purpose is Purpose.REVERSAL:
        return False
    if r.command is Command.WATCH:
        return r.cause is Cause.NONE and r.planned.bake > 0 and guarding.violation(r) is None
    return r.command is Command.DEPLOY and (r.cause is Cause.GUARD or (r.cause is Cause.NONE and r.planned.bake > 0))


def stays(r: Rollout) -> StaysInService | None:
    """What was found bad of a version that `watch` has to leave where it is, and how to go back."""
    found = r.bake.blamed or tuple(each for each in (guarding.violation(r),) if each is not None)
    if r.command is not Command.WATCH or not found:
        return None
    return StaysInService(
        found=text_of(found),
        version=r.target_version,
        previous=r.previous_version,
        stack=r.inputs.stack or "",
        # Once it bakes nothing can be stopped.
        unasked=not r.bake.blamed and r.unasked,
    )


def begin(turn: Turn, *, resumed: bool = False) -> None:
    turn.put(turn.r.bake.begin(turn.now))
    turn.to(Stage.BAKING)
    turn.say(e.BakeBegan(at=turn.now, key=turn.r.key, until=None if resumed else ends_at(turn.r), resumed=resumed))


def ends_at(r: Rollout) -> float:
    """From the deployment's end on, by AWS's time where that is known."""
    zero, over = guarding.epoch(r), r.deployment.complete_time if r.deployment else None
    known = zero is not None and over is not None
    return (over - zero if known else r.bake.began) + r.planned.bake  # type: ignore[operator]


def next_at(r: Rollout) -> tuple[float, ...]:
    """When something is to be done in a bake, without its metrics."""
    alarms = (r.bake.alarms_at,) if _watches_alarms(r) else ()
    return (ends_at(r), r.bake.alias_at, *alarms)


def baking(turn: Turn) -> None:
    r = turn.r
    if r.bake.blamed:
        _ask_what_is_there(turn)
    elif r.cancelled:
        _cancelled(turn)
    elif r.watch.until is not None and turn.now >= r.watch.until:
        _limit_passed(turn)
    elif found := guarding.violation(r):
        _blame(turn, found)
    else:
        guarding.measure(turn)
        if turn.now >= ends_at(r) and not turn.asked(Measure):
            _end(turn)
        else:
            _look_around(turn)


def _look_around(turn: Turn) -> None:
    r = turn.r
    every = max(LOOK_EVERY, len(r.part.siblings) / 2)
    if _watches_alarms(r) and turn.now >= r.bake.alarms_at and not turn.asked(LookAlarms):
        turn.put(turn.r.bake.looked_at_alarms(turn.now + every))
        turn.ask(LookAlarms(key=r.key, names=r.planned.alarm_names))
    if turn.now >= r.bake.alias_at and not turn.asked(LookAlias):
        turn.put(turn.r.bake.looked_at_alias(turn.now + every))
        turn.ask(LookAlias(key=r.key, function=r.function, alias=r.inputs.alias))
    if turn.now - r.place.said_at >= heartbeat_every(r):
        turn.say(e.Heartbeat(at=turn.now, key=r.key, what="the bake", shares={r.target_version: 100.0}))


def _watches_alarms(r: Rollout) -> bool:
    return bool(r.planned.alarm_names) and not r.bake.unread


def saw_alias(turn: Turn, alias: Alias | None) -> None:
    """What has moved the alias is in charge now: the bake is over, and the verdict says what is served."""
    r = turn.r
    if not r.bake.blamed and (alias is None or not alias.serves_only(r.target_version)):
        turn.put(turn.r.bake.end())
        turn.to(Stage.VERIFYING)


def saw_alarms(turn: Turn, alarms: tuple[Alarm, ...]) -> None:
    r = turn.r
    if r.stage is not Stage.BAKING or r.bake.blamed:
        return  # it came too late
    firing = next((alarm for alarm in alarms if alarm.state == "ALARM"), None)
    if firing is not None:
        _blame(turn, why.AlarmInBake(alarm=firing.name, version=r.target_version, why=firing.reason))


def alarms_unread(turn: Turn, error: CiDeployError) -> None:
    """What is not permitted stays so; anything else is tried again."""
    if kind_of(error) is ErrorKind.DENIED:
        turn.put(turn.r.bake.no_alarms())
        turn.warn(why.AlarmsUnread(what=error.what))


def _end(turn: Turn) -> None:
    r = turn.r
    unproved = guarding.inconclusive(r, rolls_back=True)
    if unproved is not None and r.planned.on_inconclusive == "rollback":
        _blame(turn, unproved)
        return
    turn.put(turn.r.bake.end())
    turn.to(Stage.VERIFYING)


def _limit_passed(turn: Turn) -> None:
    """The version is left in service, unless somebody wrote that it is not to be."""
    r = turn.r
    if "on-timeout" in r.job.written and r.on_timeout == "rollback":
        _blame(turn, why.BakeTimedOut(minutes=r.planned.timeout / 60), outcome=Outcome.TIMED_OUT)
    else:
        turn.put(turn.r.bake.cut_short())
        turn.to(Stage.VERIFYING)


def _cancelled(turn: Turn) -> None:
    """As for the time limit; the reversal goes out in this step, because the runner is about to kill us."""
    r = turn.r
    if "on-cancel" in r.job.written and r.on_cancel == "rollback":
        reason = why.BakeCancelled()
        turn.say(e.TakingBack(at=turn.now, key=r.key, reasons=(reason,)))
        done = turn.result(Outcome.SUCCEEDED, reason)
        take_back(turn, done, reason.text, ends=Outcome.CANCELLED, urgent=True)
    else:
        turn.put(turn.r.ending.leave(Cause.CANCELLED))
        turn.put(turn.r.bake.end())
        turn.to(Stage.VERIFYING)


# --- Rolling it back ---------------------------------------------------------------------------------------------


def _blame(turn: Turn, *reasons: Reason, outcome: Outcome = Outcome.ROLLED_BACK) -> None:
    """The version goes; what is there is read first, and what explains it besides."""
    r = turn.r
    if r.command is Command.WATCH:
        turn.put(turn.r.bake.report(*reasons))
        turn.warn(reasons[0])
        turn.to(Stage.VERIFYING)
        return
    turn.put(turn.r.bake.blame(*reasons, outcome=outcome))
    turn.put(turn.r.place.pause(turn.now))
    turn.say(e.TakingBack(at=turn.now, key=r.key, reasons=reasons))
    if outcome is Outcome.ROLLED_BACK and r.deployment is not None:
        where, logs = r.where.region, r.quotes_logs
        turn.ask(Diagnose(key=r.key, deployment=r.deployment, plan=r.planned, logs=logs, region=where, why=reasons[0]))
    _ask_what_is_there(turn)


def _ask_what_is_there(turn: Turn) -> None:
    r = turn.r
    if r.cancelled:
        _cancelled(turn)
    elif not turn.asked(Gather) and turn.due():
        turn.ask(Gather(key=r.key, inputs=r.inputs, run_id=r.context.run_id, brief=True))


def gathered(turn: Turn, facts: Facts) -> None:
    """Only a version that still has all traffic is rolled back, and never under somebody else's deployment."""
    r = turn.r
    if not r.bake.blamed:
        return
    turn.put(turn.r.reading.read(facts.alias, turn.now))
    others = [one for one in facts.active if not isinstance(whose(one, r.function, r.inputs.alias), Others)]
    if facts.alias is None or others or not facts.alias.serves_only(r.target_version):
        served = serves(facts.alias)
        other = others[0].id if others else ""
        overtaken = why.BakeOvertaken(version=r.target_version, other=other, serves=served)
        turn.end(Outcome.FAILED, *r.bake.blamed, overtaken)
        return
    done = turn.result(Outcome.SUCCEEDED, *r.bake.blamed)
    take_back(turn, done, text_of(r.bake.blamed), ends=r.bake.outcome)


def not_gathered(turn: Turn, error: CiDeployError) -> None:
    r = turn.r
    if not r.bake.blamed:
        return
    if r.place.tries < GATHER_TRIES:
        turn.retry(base=2.0)
    else:
        turn.end(Outcome.ROLLBACK_FAILED, *r.bake.blamed, error.reason, rollback=Rollback.FAILED)


def so_far(turn: Turn) -> Result | None:
    """What a function that bakes has come to, for a release that rolls all back; None where it does not bake."""
    if turn.r.stage is not Stage.BAKING or turn.r.bake.blamed:
        return None
    return turn.result(Outcome.SUCCEEDED, deployed=True)
