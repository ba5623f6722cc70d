"""The lifecycle of one Lambda deployment, as a pure function of time.

A `Run` is data. `due(run)` says when something happens by itself; `step(run, at, sight)` makes it happen and returns
the new run with the effects that the shell has to carry out (move an alias, invoke a hook, create the rollback). What
comes from outside (a hook's answer, a stop, an alarm, an effect that failed) is a transition of its own. Nothing here
reads a clock, and no transition depends on how often anyone looks.

Order of events: BeforeAllowTraffic, AllowTraffic, AfterAllowTraffic (facts G1). Start and End, which the user guide
draws before and after them, are phases here that a target lists only when a switch says so.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import replace

from .run import (
    NEVER,
    CreateRollback,
    Effect,
    HookCall,
    InvokeHook,
    Refusal,
    Rules,
    Run,
    SetTraffic,
    Sight,
    Status,
)

BEFORE, AFTER = "BeforeAllowTraffic", "AfterAllowTraffic"
FAILURE, ON_ALARM, ON_REQUEST = "DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"


def execution_id(run_id: str, number: int) -> str:
    """The LifecycleEventHookExecutionId of a run's first or second hook: a long opaque base64 text (facts G15).

    It is a function of the deployment, not of chance: a run is the same run whenever it is looked at.
    """
    parts = [hashlib.sha512(f"{run_id} {number} {part}".encode()).digest() for part in range(3)]
    return base64.b64encode(b"".join(parts)).decode()


def created(run_id: str, at: float, rules: Rules, rollback_events: Sequence[str]) -> Run:
    """A deployment that was just accepted."""
    return Run(id=run_id, rules=rules, rollback_events=frozenset(rollback_events), next_at=at + rules.start_delay)


def due(run: Run) -> float:
    """When the next thing happens by itself; NEVER when nothing will."""
    if run.status.final:
        return run.rollback_at
    moments = [run.next_at, run.alarm_at, run.stop_at]
    if run.hook is not None:
        moments.append(min(run.hook.answered, run.hook.deadline))
    return min(moments)


def step(run: Run, at: float, sight: Sight) -> tuple[Run, tuple[Effect, ...]]:
    """Let what is due at `at` happen: exactly one thing, so that effects stay in order."""
    if run.status.final:
        return replace(run, rollback_at=NEVER), (CreateRollback(),)
    if run.alarm_at <= at:
        return _alarm_stop(run, at), ()
    if run.hook is not None and min(run.hook.answered, run.hook.deadline) <= at:
        return _hook_over(run, run.hook, at)
    if run.stop_at <= at:
        return _stop(run, at), ()
    if run.at_event < 0:
        return _start(run, at, sight), ()
    event = run.events[run.at_event].name
    if event == "AllowTraffic":
        return _allow_traffic(run, at)
    if event == "End":
        return _succeed(_done(run, at), at), ()
    return _enter(_done(run, at), at)


def _start(run: Run, at: float, sight: Sight) -> Run:
    run = replace(run, status=Status.IN_PROGRESS, started=at, next_at=at + run.rules.event_seconds)
    run = _begin(run, 0, at)
    refusal = sight.order if isinstance(sight.order, Refusal) else None
    run = replace(run, order=None if isinstance(sight.order, Refusal) else sight.order)
    if sight.alarms:
        # What it would have done is known all the same: it is rolled back, too (facts G9).
        return _alarm_stop(replace(run, alarms=sight.alarms), at)
    return failed(run, at, refusal.code, refusal.message) if refusal else run


def _begin(run: Run, index: int, at: float) -> Run:
    event = replace(run.events[index], status="InProgress", start=at)
    return replace(run, at_event=index, events=(*run.events[:index], event, *run.events[index + 1 :]))


def _done(
    run: Run,
    at: float,
    status: str = "Succeeded",
    *,
    error: str | None = None,
    message: str = "",
    script: str = "",
    log_tail: str = "",
) -> Run:
    index = run.at_event
    event = replace(
        run.events[index], status=status, end=at, error=error, message=message, script=script, log_tail=log_tail
    )
    return replace(run, events=(*run.events[:index], event, *run.events[index + 1 :]))


def _enter(run: Run, at: float) -> tuple[Run, tuple[Effect, ...]]:
    """Go to the next event; that of a hook which the AppSpec does not name is over in a moment (facts G3)."""
    order = run.order
    assert order is not None
    index = run.at_event + 1
    name = run.events[index].name
    if name in (BEFORE, AFTER):
        function = order.before if name == BEFORE else order.after
        if function is None and run.rules.undeclared_status == "Succeeded":
            return replace(_begin(run, index, at), next_at=at + run.rules.undeclared_seconds), ()
        if function is None:
            skipped = replace(run.events[index], status="Skipped")
            events = (*run.events[:index], skipped, *run.events[index + 1 :])
            return _enter(replace(run, at_event=index, events=events), at)
        call = HookCall(
            execution_id=execution_id(run.id, run.hooks_called + 1),
            event=name,
            function=function,
            deadline=at + run.rules.hook_timeout,
        )
        run = replace(_begin(run, index, at), hook=call, hooks_called=run.hooks_called + 1, next_at=NEVER)
        return run, (InvokeHook(event=name, function=function, execution_id=call.execution_id),)
    run = _begin(run, index, at)
    if name == "AllowTraffic":
        return replace(run, next_at=at + order.wait + order.shifts[0][0]), ()
    return replace(run, next_at=at + run.rules.event_seconds), ()


def _allow_traffic(run: Run, at: float) -> tuple[Run, tuple[Effect, ...]]:
    order = run.order
    assert order is not None
    if run.shift >= len(order.shifts):
        return _enter(_done(run, at), at)
    percent = order.shifts[run.shift][1]
    later = run.shift + 1
    if later < len(order.shifts):
        # Counted from the first shift as it was due, so that a late look delays nothing.
        next_at = at + order.shifts[later][0] - order.shifts[run.shift][0]
    else:
        next_at = at + run.rules.event_seconds
    effect = SetTraffic(
        function=order.function, alias=order.alias, current=order.current, target=order.target, percent=percent
    )
    return replace(run, weight=percent, shift=later, next_at=next_at, tries=0), (effect,)


def _hook_over(run: Run, hook: HookCall, at: float) -> tuple[Run, tuple[Effect, ...]]:
    run = replace(run, hook=None)
    if hook.answered <= at and hook.answer == "Succeeded":
        run = _done(run, at)
        if run.stop_at < NEVER:
            return _stop(run, at), ()
        return _enter(run, at)
    answered = hook.answered <= at
    if run.stop_at < NEVER and answered:
        return _stop(_done(run, at, "Failed", error="ScriptFailed", script=hook.function), at), ()
    reason = "reported Failed" if answered else f"did not answer within {run.rules.hook_timeout:g} seconds"
    code = "HOOK_EXECUTION_FAILURE" if answered else run.rules.hook_timeout_code
    run = _done(
        run,
        at,
        "Failed",
        error="ScriptFailed" if answered else "ScriptTimedOut",
        message=f"The hook {reason}.",
        script=hook.function,
        log_tail=hook.log_tail,
    )
    said = run.rules.hook_message if answered else run.rules.hook_timeout_message
    text = said.format(function=hook.function, event=hook.event)
    return failed(run, at, code, text), ()


def _alarm_stop(run: Run, at: float) -> Run:
    message = run.rules.alarm_message.format(alarms=" ".join(f"<{name}>" for name in run.alarms))
    return _over(run, at, run.rules.alarm_status, Refusal(code="ALARM_ACTIVE", message=message), ON_ALARM)


def _stop(run: Run, at: float) -> Run:
    error = Refusal(code="MANUAL_STOP", message=run.rules.manual_stop_message)
    return _over(run, at, Status.STOPPED, error, ON_REQUEST)


def failed(run: Run, at: float, code: str, message: str) -> Run:
    """The deployment failed: an effect could not be carried out, or a check said no."""
    return _over(run, at, Status.FAILED, Refusal(code=code, message=message), FAILURE)


def _succeed(run: Run, at: float) -> Run:
    return replace(run, status=Status.SUCCEEDED, completed=at, next_at=NEVER, alarm_at=NEVER, stop_at=NEVER)


def _over(run: Run, at: float, status: Status, error: Refusal, trigger: str) -> Run:
    events = []
    for event in run.events:
        if event.status == "InProgress":
            message = event.message or error.message
            events.append(replace(event, status="Failed", end=at, error=event.error or "UnknownError", message=message))
        elif event.status == "Pending":
            events.append(replace(event, status="Skipped"))
        else:
            events.append(event)
    wanted = trigger in run.rollback_events
    if trigger == ON_REQUEST and run.stop_rollback is not None:
        wanted = run.stop_rollback
    return replace(
        run,
        status=status,
        completed=at,
        error=error,
        events=tuple(events),
        hook=None,
        next_at=NEVER,
        alarm_at=NEVER,
        stop_at=NEVER,
        rollback_at=at + run.rules.rollback_delay if wanted else NEVER,
    )


def hook_answered(run: Run, at: float, execution_id: str, answer: str, log_tail: str = "") -> Run:
    """The hook called back (at once, or, for a scripted one, at a moment to come)."""
    if run.hook is None or run.hook.execution_id != execution_id or run.hook.answer is not None:
        return run
    return replace(run, hook=replace(run.hook, answer=answer, answered=at, log_tail=log_tail))


def hook_refused(run: Run, at: float, code: str, message: str, error: str) -> Run:
    """The hook could not even be invoked."""
    script = run.hook.function if run.hook else ""
    return failed(_done(run, at, "Failed", error=error, message=message, script=script), at, code, message)


def hook_said(run: Run, execution_id: str, log_tail: str) -> Run:
    """The hook's process ended without an answer: its last lines are kept for the diagnostics."""
    if run.hook is None or run.hook.execution_id != execution_id:
        return run
    return replace(run, hook=replace(run.hook, log_tail=log_tail))


def alarm_changed(run: Run, at: float, alarms: Sequence[str]) -> Run:
    """These of the deployment's alarms are in ALARM now (none: all is well again)."""
    if run.status.final or run.status == Status.CREATED:
        return run
    if not alarms:
        return replace(run, alarm_at=NEVER, alarms=())
    return replace(run, alarms=tuple(alarms), alarm_at=min(run.alarm_at, at + run.rules.alarm_reaction))


def stop_requested(run: Run, at: float, rollback: bool | None) -> tuple[Run, str]:
    """StopDeployment on a run that is not over: the new run, and Pending or Succeeded."""
    rolling = rollback if rollback is not None else run.stop_rollback
    if run.stop_at < NEVER:
        return replace(run, stop_rollback=rolling), "Succeeded"
    answer = run.rules.stop_answer
    if answer == "auto":
        answer = "Pending" if run.hook is not None else "Succeeded"
    run = replace(run, stop_rollback=rolling)
    if answer == "Pending":
        return replace(run, stop_at=at + run.rules.stop_pending, stop_was_pending=True), answer
    return _stop(run, at), answer


def traffic_failed(before: Run, at: float, *, retry_after: float) -> Run:
    """The alias update of the last step was throttled: undo the shift, try again later."""
    return replace(before, next_at=at + retry_after, tries=before.tries + 1)
