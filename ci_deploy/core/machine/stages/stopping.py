"""Ending a deployment ourselves: by a stop, at the time limit, because a hook hangs, or because the job is cancelled.

A stop is asked for once and its answer told apart; after a signal it goes out at once and un-retried, and what the
time of grace does not allow is left to the post step. A manual rollback and `status` leave running what runs.
"""

from __future__ import annotations

from ...aws import Known, StopAnswer
from ...errors import AwsError, CiDeployError
from ...given.files.appspec import HOOKS
from ...plan.preflight.checks import HOOK_PREFIX
from ...reasons.ending import stopping as why
from ...reasons.ending.deploying import CancelledBefore
from ...reasons.ending.watching import HookOverdue, UpdateFails
from ...reasons.phrases import not_over
from ...reasons.reason import Reason
from ...result import Severity
from ...run import Command, Outcome, Rollback
from ...story import events as e
from ..actions import Cancelled, Create, CreateAlias, Diagnose, Stop
from ..rollout import Turn, kind_of
from ..state.attempt.ending import Cause
from ..state.place import Stage

STOP_TAKES = 600.0  # a stop, its rollback included, before we say that we do not know
STOP_AGAIN_AFTER = 5.0
LOST_AFTER = 3  # looks failed in a row at the time limit: that is no contact
GRACE = 6.0  # real seconds from the first signal to our own end; the runner sends SIGTERM after 7.5 (facts.md B3)
ANSWER_GRACE = 3.0  # real seconds that CreateDeployment's answer is awaited after a signal
ON_TERMINAL = 600.0  # the same grace where nobody kills us: a person at a terminal, who can press Ctrl-C again


def request_stop(turn: Turn, cause: Cause, because: Reason, *, rollback: bool, urgent: bool = False) -> None:
    r = turn.r
    turn.put(turn.r.ending.request(cause, rollback=rollback))
    turn.put(turn.r.watch.limit(turn.now + STOP_TAKES))
    turn.say(
        e.StopRequested(at=turn.now, key=turn.r.key, deployment_id=r.deployment_id, rollback=rollback, why=because)
    )
    if r.command is Command.WATCH:
        turn.warn(UpdateFails(stack=r.inputs.stack or ""), Severity.NOTE)
    turn.ask(Stop(key=r.key, deployment_id=r.deployment_id, rollback=rollback, urgent=urgent))


def stop_answered(turn: Turn, action: Stop, answer: StopAnswer) -> None:
    r = turn.r
    pending = answer.status == "Pending"
    if not (pending and r.ending.pending):  # said once, not with every repetition
        turn.say(
            e.StopAnswered(
                at=turn.now,
                key=turn.r.key,
                deployment_id=action.deployment_id,
                status=answer.status,
                message=answer.message,
            )
        )
    if action.deployment_id == r.deployment_id:
        turn.put(turn.r.place.act(turn.now))
        turn.put(turn.r.ending.answered(turn.now, pending=pending))


def stop_failed(turn: Turn, action: Stop, error: CiDeployError) -> None:
    """Too late is no error; a transient failure is repeated, unless the runner is about to kill us."""
    r = turn.r
    kind = kind_of(error)
    code = error.code if isinstance(error, AwsError) else ""
    if kind is not None and kind.transient and not (r.cancelled and r.context.actions):
        turn.put(turn.r.ending.missed(turn.now))
        return
    message = "it was over already" if code == "DeploymentAlreadyCompletedException" else error.what
    turn.put(turn.r.place.act(turn.now))
    turn.put(turn.r.ending.refuse(message))
    turn.say(
        e.StopAnswered(
            at=turn.now, key=turn.r.key, deployment_id=action.deployment_id, status="refused", message=message
        )
    )
    if code != "DeploymentAlreadyCompletedException" and not r.cancelled and r.stage is Stage.FOLLOWING:
        turn.to(Stage.VERIFYING)  # it continues without us; say what is served now


def keep_time(turn: Turn) -> None:
    """The time limit, and hooks that hang."""
    r = turn.r
    assert r.watch.until is not None
    if turn.now < r.watch.until:
        _watch_hook(turn)
    elif r.contact.failures >= LOST_AFTER:
        turn.end(
            {Cause.TIMED_OUT: Outcome.TIMED_OUT, Cause.CANCELLED: Outcome.CANCELLED}.get(r.cause, Outcome.LOST_CONTACT),
            why.LostContact(
                deployment=r.deployment_id,
                where=r.where,
                stopping=r.ending.sent,
                seen=max(0.0, r.contact.seen_at - r.watch.began),
                share=r.watch.share,
                failures=r.contact.failures,
                error=r.contact.error,
            ),
            rollback=Rollback.UNKNOWN,
            settled=not r.ending.sent,
        )
    elif r.ending.sent:
        # It is seen, and does not end: what it has left the alias at can be said.
        turn.put(turn.r.ending.refuse(not_over(STOP_TAKES)))
        turn.to(Stage.VERIFYING)
    else:
        _limit_passed(turn)


def _limit_passed(turn: Turn) -> None:
    r = turn.r
    policy = r.on_timeout
    if policy == "leave":
        turn.put(turn.r.ending.leave(Cause.TIMED_OUT))
        turn.warn(why.TimeLimitLeaves(minutes=r.planned.timeout / 60, deployment=r.deployment_id))
        turn.to(Stage.VERIFYING)
        return
    limit = why.LimitReached(minutes=r.planned.timeout / 60)
    request_stop(turn, Cause.TIMED_OUT, limit, rollback=policy == "rollback")


def _watch_hook(turn: Turn) -> None:
    """A hook that crashed, or may not call back, hangs for an hour in CodeDeploy (facts.md A8)."""
    r, made = turn.r, turn.r.planned
    if r.watch.event not in HOOKS or r.ending.sent:
        return
    hook = made.hook_of(r.watch.event)
    ran, name = turn.now - r.watch.event_at, hook.split(":")[-1]
    if r.inputs.hook_timeout is not None and ran >= r.inputs.hook_timeout:
        # Of a deployment that another run made, the hook may not be known; that it hangs is seen all the same.
        if not r.may_stop:
            what = f"Hook {name}" if name else f"The hook of {r.watch.event}"
            _warn_of_hook(turn, what, r.inputs.hook_timeout)
            return
        hangs = why.HookHangs(hook=name, event=r.watch.event, seconds=r.inputs.hook_timeout)
        request_stop(turn, Cause.HOOK_TIMEOUT, hangs, rollback=True)
        return
    if not hook:
        return
    fact = made.hooks.get(hook)
    own = fact.value.timeout_s if isinstance(fact, Known) and fact.value else 900
    if ran >= own + 60 and r.watch.warned != r.watch.event:
        turn.put(turn.r.watch.warn())
        turn.warn(why.HookSilent(hook=name, limit=own, misnamed=not name.startswith(HOOK_PREFIX)))
        assert r.deployment is not None
        if r.quotes_logs:
            turn.ask(Diagnose(key=r.key, deployment=r.deployment, plan=made, logs=True, region=r.where.region))


def _warn_of_hook(turn: Turn, what: str, limit: float) -> None:
    if turn.r.watch.warned != turn.r.watch.event:
        turn.put(turn.r.watch.warn())
        turn.warn(HookOverdue(what=what, seconds=limit, unasked=turn.r.unasked))


# --- Cancelling --------------------------------------------------------------------------------------------------


def cancelled(turn: Turn, observation: Cancelled) -> None:
    """A signal. Before creation nothing is created; after it, one stop goes out, at once and un-retried."""
    r = turn.r
    if r.cancelled:
        end_cancelled(turn, "a second signal")
        return
    grace = GRACE * observation.second if r.context.actions else ON_TERMINAL
    turn.put(turn.r.grace.signalled(turn.now, second=observation.second, until=turn.now + grace))
    turn.say(e.CancelReceived(at=turn.now, key=turn.r.key, signal=observation.signal, policy=r.on_cancel))
    in_flight = turn.asked(Create) or r.creation.doubtful
    if r.stage in (Stage.CREATING, Stage.FINDING) and in_flight:
        return  # its answer comes first
    if turn.asked(CreateAlias) or r.creation.alias_asked:
        return  # it may serve already: that is read first
    if not r.deployment_id:
        turn.end(Outcome.CANCELLED, CancelledBefore(signal=observation.signal))
    elif r.stage is Stage.FOLLOWING:
        stop_for_cancel(turn)


def await_creation(turn: Turn) -> None:
    """After a signal CreateDeployment's answer is awaited for 3 s; then its marker is looked for."""
    r = turn.r
    assert r.grace.at is not None
    if turn.now >= r.grace.at + ANSWER_GRACE * r.grace.second:
        turn.put(turn.r.creation.in_doubt())
        turn.to(Stage.FINDING)


def stop_for_cancel(turn: Turn) -> None:
    r = turn.r
    policy = r.on_cancel
    if policy == "leave" or r.ending.sent:
        turn.put(turn.r.ending.leave(Cause.CANCELLED))
        if policy == "leave" and r.part.ends is not Outcome.CANCELLED:  # which is seen through as long as we live
            turn.to(Stage.VERIFYING)
        return
    request_stop(turn, Cause.CANCELLED, why.RunInterrupted(), rollback=policy == "rollback", urgent=True)


def end_cancelled(turn: Turn, how: str) -> None:
    """Our time is up: say what is known, and leave the rest to the post step."""
    r = turn.r
    if r.command is Command.FINISH and not r.deployment_id:
        what = r.job.subject or f"with id={r.marker_id}"
        turn.end(
            Outcome.CANCELLED,
            why.FateUnknown(how=how, deployment=what, where=r.where),
            rollback=Rollback.UNKNOWN,
            settled=False,
        )
        return
    if r.creation.doubtful or turn.asked(Create):
        turn.end(
            Outcome.CANCELLED,
            why.CreationInterrupted(how=how, marker=r.marker_id),
            rollback=Rollback.UNKNOWN,
            settled=False,
        )
        return
    if not r.deployment_id:
        turn.end(Outcome.CANCELLED, why.AliasInterrupted(how=how, alias=r.inputs.alias, where=r.where))
        return
    over = r.deployment is not None and r.deployment.status.terminal
    left = r.on_cancel == "leave" and not (over or r.ending.sent)
    # An earlier reading must not stand above a reason that says nothing was read since.
    turn.put(turn.r.reading.forget())
    turn.end(
        Outcome.CANCELLED,
        why.CancelledMeanwhile(
            how=how,
            deployment=r.deployment_id,
            where=r.where,
            rollback=r.rollback_id,
            status=r.deployment.status.value if r.deployment is not None and over else "",
            left=left,
            sent=r.ending.sent,
            refused=r.ending.refused,
        ),
        rollback=Rollback.UNKNOWN,
        settled=left,
    )


def stop_again(turn: Turn) -> None:
    """A stop that is Pending, or did not arrive, is asked for again until it is done or the deployment is over."""
    r = turn.r
    if not r.ending.pending or turn.asked(Stop) or turn.now < r.ending.asked_at + STOP_AGAIN_AFTER:
        return
    if not (r.cancelled and r.context.actions):
        turn.ask(Stop(key=r.key, deployment_id=r.deployment_id, rollback=r.ending.rollback))
