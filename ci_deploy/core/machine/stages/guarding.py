"""Reads both versions' metrics while a deployment is followed or bakes, and judges the guards of its plan.

A look a minute, from the moment on that the first minute may be judged; each reads all minutes since the first shift
anew. It works on any deployment that is followed with a plan, whoever created it. What is read is in `state/measures`,
how it is judged in `core/guards`; what follows from a violated guard is decided here while CodeDeploy can still be
stopped, and in `baking` afterwards. Without metrics nothing fails: guards are inconclusive. Pure.
"""

from __future__ import annotations

from ...aws import NotPermitted
from ...errors import CiDeployError, ErrorKind
from ...guards import judging, queries, series, texts
from ...guards.judging import Judgment, Verdict
from ...guards.queries import Readings, Shift, Subject
from ...guards.series import Series
from ...reasons.ending import guards as why
from ...result import Severity
from ...story import events as e
from ..actions import Measure
from ..rollout import Rollout, Turn, kind_of
from ..state.attempt.ending import Cause
from ..state.place import Stage
from .looking import common
from .stopping import request_stop


def subject(r: Rollout) -> Subject:
    made = r.planned
    return Subject(function=made.function, alias=made.alias, old=made.current_version, new=made.target_version)


def began_at(r: Rollout) -> float | None:
    """When traffic began to shift, by AWS's time; None while that is not known."""
    deployment = r.deployment
    if deployment is None:
        return None
    began = deployment.shifting_since(r.function, r.inputs.alias)
    if began is not None:
        return began
    zero = epoch(r)
    if r.watch.shift_began is None or r.watch.attached or zero is None:
        return None
    return zero + r.watch.shift_began


def shifts(r: Rollout) -> tuple[Shift, ...]:
    """The shifts that have happened, by AWS's time: the plan's, as far as they were seen."""
    began = began_at(r)
    if began is None:
        return ()
    return tuple(
        Shift(at=began + step.offset, share=step.share)
        for step in r.planned.steps
        if step.share <= r.watch.share + 1e-6
    )


def epoch(r: Rollout) -> float | None:
    """AWS's time when the run's was 0: by its answers, or by the creation of a deployment of ours."""
    if r.measures.epoch is not None or r.deployment is None or r.watch.attached:
        return r.measures.epoch
    return r.deployment.create_time - r.watch.began if r.deployment.create_time else None


def due_at(r: Rollout) -> float | None:
    """When CloudWatch is asked next; None: not as things are."""
    if r.plan is None or r.plan.guards.off or r.measures.given_up or r.cancelled or r.ending.sent:
        return None
    if r.stage not in (Stage.FOLLOWING, Stage.BAKING):
        return None
    if r.measures.next_at is not None:
        return common(r, r.measures.next_at)
    happened, zero = shifts(r), epoch(r)
    if not happened:
        return None
    return 0.0 if zero is None else common(r, queries.next_ripe(happened[0].at + queries.LATE) - zero)


def measure(turn: Turn) -> None:
    """Ask what is due: first for the hour before the shift, until that is known, then for all minutes since."""
    r = turn.r
    at = due_at(r)
    if at is None or turn.now < at or turn.asked(Measure):
        return
    guards, happened, zero = r.planned.guards, shifts(r), epoch(r)
    asked = queries.hour(subject(r), guards, happened[0].at, r.measures.hour)
    if not asked and zero is not None:
        asked = queries.look(subject(r), guards, happened, r.measures.hour, zero + turn.now)
    if asked:
        turn.put(turn.r.measures.pause(turn.now))
        turn.ask(Measure(key=r.key, questions=asked))
    else:
        _pause(turn)


def _pause(turn: Turn) -> None:
    """Until one more minute may be judged."""
    zero = epoch(turn.r)
    at = turn.now + queries.MINUTE if zero is None else queries.next_ripe(zero + turn.now) - zero
    # A float of this size has no room for less than a millisecond.
    turn.put(turn.r.measures.pause(max(at, turn.now + 0.001)))


def measured(turn: Turn, action: Measure, readings: Readings) -> None:
    """CloudWatch has answered. What it left out is asked again a minute later: nothing is judged by a part."""
    r, who = turn.r, subject(turn.r)
    mine = [each for each in action.questions if (each.function, each.alias) == (who.function, who.alias)]
    answers = {question: readings.answers[question] for question in mine if question in readings.answers}
    turn.put(turn.r.measures.read(readings.at - turn.now))
    if r.stage not in (Stage.FOLLOWING, Stage.BAKING) or r.ending.sent:
        return  # it came too late
    if len(answers) < len(mine):
        _missed(turn)
        return
    happened = shifts(turn.r)
    if queries.hour(who, r.planned.guards, happened[0].at, r.measures.hour):
        turn.put(turn.r.measures.baseline(answers))
        return
    _judge(turn, answers, happened)
    _pause(turn)


def _judge(turn: Turn, answers: queries.Answers, happened: tuple[Shift, ...]) -> None:
    r, made = turn.r, turn.r.planned
    who = subject(r)
    judged = tuple(
        judging.judge(guard, series.series(who, guard, happened, r.measures.hour, answers), made.level)
        for guard in made.guards.lines
    )
    shown = series.shown(who, happened, answers)
    until = max(question.end for question in answers)
    turn.say(
        e.Measured(
            at=turn.now,
            key=r.key,
            subject=who,
            shown=shown,
            judgments=judged,
            shifts=happened,
            told_until=r.measures.judged_until,
            epoch=turn.r.measures.epoch or 0.0,
        )
    )
    before = violation(turn.r)
    turn.put(turn.r.measures.look(judged, until))
    found = violation(turn.r)
    if found is None or turn.r.stage is not Stage.FOLLOWING:
        return
    if turn.r.may_stop:
        request_stop(turn, Cause.GUARD, found, rollback=True)
    elif before is None:
        left = why.GuardViolated(said=found.said, version=found.version, runs_on=True, unasked=turn.r.unasked)
        turn.warn(left)


def failed(turn: Turn, error: CiDeployError) -> None:
    """The metrics could not be read: for want of a permission for good, else once more a minute later."""
    r = turn.r
    if kind_of(error) is not ErrorKind.DENIED:
        _missed(turn)
        return
    turn.put(turn.r.measures.give_up())
    if r.planned.guards.counting:
        reason = why.MetricsUnread(fact=NotPermitted("cloudwatch:GetMetricData"))
        if reason not in [each.reason for each in r.planned.findings]:
            turn.warn(reason, Severity.NOTE)


def _missed(turn: Turn) -> None:
    turn.put(turn.r.measures.missed(turn.now + queries.MINUTE))


def judgments(r: Rollout) -> tuple[Judgment, ...]:
    """How the guards stand; inconclusive ones where nothing could be judged."""
    made = r.planned
    if r.measures.judgments or made.guards.off:
        return r.measures.judgments
    unread = r.measures.given_up or r.measures.misses > 0
    # A threshold, whatever it is: without one it would be the old version's calls that are missing.
    nothing = Series(threshold=1.0, readable=not unread)
    return tuple(judging.judge(guard, nothing, made.level) for guard in made.guards.lines)


def violation(r: Rollout) -> why.GuardViolated | None:
    """The first guard that counts and is violated, with both versions' numbers."""
    for each in r.measures.judgments:
        if each.verdict is Verdict.VIOLATED and not each.guard.observe:
            return why.GuardViolated(said=texts.verdict(each, subject(r)), version=r.target_version)
    return None


def inconclusive(r: Rollout, *, rolls_back: bool = False) -> why.GuardsInconclusive | None:
    """What the guards that count could not prove, where that is the whole of it."""
    if judging.overall(judgments(r)) is not Verdict.INCONCLUSIVE:
        return None
    timeout = float(r.planned.new.timeout_s) if r.planned.new is not None else 0.0
    counting = [each for each in judgments(r) if not each.guard.observe]
    said = [texts.verdict(each, subject(r), timeout) for each in counting if each.verdict is Verdict.INCONCLUSIVE]
    whys = {each.why for each in counting}
    lack = next((lack for each, lack in _LACKS.items() if each in whys), why.Lack.CALLS)
    return why.GuardsInconclusive(said=" ".join(said), rolls_back=rolls_back, lack=lack)


_LACKS = {
    judging.Why.UNREADABLE: why.Lack.METRICS,
    judging.Why.BURSTS: why.Lack.BURSTS,
    judging.Why.BOTH_FAIL: why.Lack.DIFFERENCE,
}
