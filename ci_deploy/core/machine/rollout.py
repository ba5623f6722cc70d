"""One function's way from inputs to verdict: the state that `release.step` carries, and the turn that changes it.

The stages are in `preparing` (until the deployment exists), `following` (until it is over) and `verdict` (until the
truth is known). Each stage is level-triggered: looking at the state alone it decides what to ask for next, so an
answer that comes late, twice or never does no harm. Pure; times are seconds since the run began.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .. import links
from ..aws import Alias, Deployment, shares_text
from ..change import replace
from ..errors import AwsError, CiDeployError, ErrorKind
from ..given.files.smoke import Case
from ..given.inputs import Inputs
from ..guards import judging
from ..plan.planning import Facts, Plan
from ..plan.proof import NOTHING, Proof
from ..reasons.commands import Where
from ..reasons.ending.deploying import CancelledBefore
from ..reasons.ending.guards import TakenBack
from ..reasons.ending.release import Undone
from ..reasons.reason import Reason
from ..result import Fate, Finding, Result, Severity
from ..run import Command, Context, Outcome, Rollback
from ..story import events as e
from .actions import Action, Create, CreateAlias, LookAlias
from .state.attempt import attempt as attempts
from .state.attempt.attempt import Attempt, Purpose
from .state.attempt.bake import Bake
from .state.attempt.code import NewCode
from .state.attempt.creation import Creation
from .state.attempt.decision import Decision
from .state.attempt.ending import Cause, Ending
from .state.attempt.measures import Measures
from .state.attempt.reading import Reading
from .state.attempt.repair import Repair
from .state.attempt.smoke import Smoke
from .state.attempt.wait import Wait
from .state.attempt.watch import Contact, Seen, Watch
from .state.grace import Grace
from .state.part import Part
from .state.place import Flight, Place, Stage

REVERSE_AGAIN_AFTER = 15.0  # seconds before a reversal that could not be created is tried again

Record: TypeAlias = Place | Flight | Grace | Part | attempts.Record


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a rollout is to do, which never changes."""

    inputs: Inputs
    context: Context
    logical_name: str = ""  # of the resource in the user's own AppSpec
    subject: str = ""  # the deployment that the run is about, where one is named
    search: bool = False  # the post step knows only the marker: look for the deployment
    known_previous: str = ""  # what the main step had planned, for the post step
    known_target: str = ""
    smoke: tuple[Case, ...] = ()  # what the new version must answer before it gets traffic
    proof: Proof = NOTHING  # and what it must hold while it gets some
    written: frozenset[str] = frozenset()  # the inputs that were given, by their names
    wave: int = 0
    confirm: bool = False  # a person is there to be asked before anything is changed
    hands_off: bool = False  # it is followed, and never stopped
    taken_back_by: str = ""  # the stack whose update CloudFormation has rolled back since, this function with it
    began: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """The state of one function: records, each with its own transitions, and at last the result.

    Without slots, so that `put` is as fast as histories explored by the hundred thousand need it.
    """

    job: Job
    attempt: Attempt
    place: Place = field(default_factory=Place)
    flight: Flight = field(default_factory=Flight)
    grace: Grace = field(default_factory=Grace)
    part: Part = field(default_factory=Part)
    result: Result | None = None

    @classmethod
    def first(cls, job: Job, marker_id: str, *, second: float = 1.0, until: float | None = None) -> Rollout:
        """The first state. `second` and `until` (of the post step) are as in Grace."""
        return cls(job=job, attempt=Attempt.first(marker_id), grace=Grace.given(second, until))

    def put(self, record: Record) -> Rollout:
        """The same state with one record as its transition has made it."""
        if isinstance(record, (Place, Flight, Grace, Part)):
            changes: dict[str, Any] = {_OWN[type(record)]: record}
            return replace(self, **changes)
        return replace(self, attempt=self.attempt.put(record))

    def among(self, siblings: frozenset[str]) -> Rollout:
        """One function of a release, by the markers of them all."""
        return self.put(Part.among(siblings))

    def begin_again(self, attempt: Attempt) -> Rollout:
        """What is of the function outlives an attempt: the job, what is to be answered, a signal, its part."""
        part = self.part.join(attempt.marker_id)
        flight = self.flight.abandon()
        return replace(self, attempt=attempt, place=self.place.anew(), flight=flight, part=part, result=None)

    def after(self, before: Rollout) -> Rollout:
        """In the place of one that is over, whose answers may still be on their way."""
        return self.put(before.flight.abandon())

    def conclude(self, result: Result) -> Rollout:
        return replace(self, place=self.place.done(), result=result)

    def look_again(self, now: float, *, taken_back_by: str) -> Rollout:
        """What was told of the alias is out of date: it is read once more."""
        job = replace(self.job, taken_back_by=taken_back_by)
        return replace(self, job=job, place=self.place.anew().to(Stage.VERIFYING, now, 0.0), result=None)

    # --- its records, and what is asked of them everywhere ---

    @property
    def inputs(self) -> Inputs:
        return self.job.inputs

    @property
    def context(self) -> Context:
        return self.job.context

    @property
    def marker_id(self) -> str:
        return self.attempt.marker_id

    @property
    def reading(self) -> Reading:
        return self.attempt.reading

    @property
    def decision(self) -> Decision:
        return self.attempt.decision

    @property
    def wait(self) -> Wait:
        return self.attempt.wait

    @property
    def code(self) -> NewCode:
        return self.attempt.code

    @property
    def creation(self) -> Creation:
        return self.attempt.creation

    @property
    def watch(self) -> Watch:
        return self.attempt.watch

    @property
    def seen(self) -> Seen:
        return self.attempt.seen

    @property
    def contact(self) -> Contact:
        return self.attempt.contact

    @property
    def ending(self) -> Ending:
        return self.attempt.ending

    @property
    def repair(self) -> Repair:
        return self.attempt.repair

    @property
    def smoke(self) -> Smoke:
        return self.attempt.smoke

    @property
    def measures(self) -> Measures:
        return self.attempt.measures

    @property
    def bake(self) -> Bake:
        return self.attempt.bake

    @property
    def guard_verdict(self) -> str:
        """Of the guards that count; empty where none does, or nothing was followed."""
        if self.plan is None or not self.plan.guards.counting or not self.deployment_id:
            return ""
        return judging.overall(self.measures.judgments) or judging.Verdict.INCONCLUSIVE

    @property
    def facts(self) -> Facts | None:
        return self.attempt.decision.facts

    @property
    def plan(self) -> Plan | None:
        return self.attempt.decision.plan

    @property
    def alias(self) -> Alias | None:
        return self.attempt.reading.alias

    @property
    def deployment_id(self) -> str:
        return self.attempt.watch.deployment_id

    @property
    def deployment(self) -> Deployment | None:
        return self.attempt.seen.deployment

    @property
    def rollback_id(self) -> str:
        return self.attempt.watch.rollback_id

    @property
    def cause(self) -> Cause:
        return self.attempt.ending.cause

    @property
    def undone(self) -> Result | None:
        return self.part.undone

    @property
    def on_cancel(self) -> str:
        """A reversal is undone neither by losing the job nor by losing patience."""
        return "leave" if self._goes_on else self.inputs.on_cancel

    @property
    def on_timeout(self) -> str:
        return "leave" if self._goes_on else self.inputs.on_timeout

    @property
    def _goes_on(self) -> bool:
        return self.attempt.purpose is Purpose.REVERSAL or self.job.hands_off

    @property
    def may_stop(self) -> bool:
        """Whether what goes wrong is stopped: others' deployments only where that was asked for."""
        return self.command is not Command.WATCH or (self.inputs.on_violation == "rollback" and not self.job.hands_off)

    @property
    def unasked(self) -> bool:
        """Whether `on-violation: rollback` would have it stopped: not what ran before the command."""
        return self.command is Command.WATCH and self.inputs.on_violation != "rollback" and not self.job.hands_off

    @property
    def reason(self) -> str:
        """Why, in the words of whoever asked for it."""
        return self.attempt.why or self.inputs.reason or self.decision.why

    @property
    def stage(self) -> Stage:
        return self.place.stage

    @property
    def command(self) -> Command:
        return Command(self.inputs.command)

    @property
    def function(self) -> str:
        return self.inputs.function or ""

    @property
    def key(self) -> str:
        return f"{self.function}:{self.inputs.alias}"

    @property
    def where(self) -> Where:
        """Where commands to paste are for, as far as it is known by now; no account where everybody reads it."""
        identity = self.facts.identity if self.facts else None
        account = identity.account if identity else self.inputs.account_id
        return Where(
            function=self.function,
            alias=self.inputs.alias,
            application=(self.plan.application if self.plan else self.inputs.application) or "",
            group=(self.plan.group if self.plan else self.inputs.deployment_group) or "",
            region=(identity.region if identity else self.inputs.aws_region) or "",
            account="" if self.context.public else account or "",
        )

    @property
    def planned(self) -> Plan:
        """The plan, where there must be one: a deployment that is followed has one behind it."""
        assert self.plan is not None, f"{self.stage} without a plan"
        return self.plan

    @property
    def previous_version(self) -> str:
        """What the alias must serve again after a rollback."""
        return self.plan.current_version if self.plan else ""

    @property
    def target_version(self) -> str:
        return self.plan.target_version if self.plan else ""

    @property
    def quotes_logs(self) -> bool:
        """Whether raw hook logs may be quoted: only in repositories known to be private unless asked for."""
        return self.inputs.hook_logs == "on" or (self.inputs.hook_logs == "auto" and not self.context.public)

    @property
    def cancelled(self) -> bool:
        return self.grace.at is not None


_OWN: Mapping[type[Record], str] = {Place: "place", Flight: "flight", Grace: "grace", Part: "part"}


def never() -> float:
    """When something happens that is not planned."""
    return math.inf


@dataclass(slots=True)
class Turn:
    """One step under way: the state so far and what it asked for and said. Nothing outside sees it."""

    r: Rollout
    now: float
    actions: list[Action] = field(default_factory=list)
    events: list[e.Event] = field(default_factory=list)
    slack: float = 0.0  # how much earlier than planned something may be done, to do it together with others
    last_shift: Callable[[], float] = never  # when the last one of the whole release is due

    def put(self, record: Record) -> None:
        """A record of the state as one of its own transitions has made it."""
        self.r = self.r.put(record)

    def begin_again(self, attempt: Attempt) -> None:
        self.r = self.r.begin_again(attempt)

    def conclude(self, result: Result) -> None:
        self.r = self.r.conclude(result)
        self.say(e.Finished(at=self.now, key=self.r.key, result=result))

    def to(self, stage: Stage, *, after: float = 0.0) -> None:
        """Enter a stage; it acts `after` seconds from now."""
        self.put(self.r.place.to(stage, self.now, after))
        if stage is Stage.VERIFYING:  # what was read before the end is no verdict
            self.put(self.r.flight.abandon(LookAlias.__name__))

    def ask(self, action: Action) -> None:
        self.actions.append(action)
        self.put(self.r.flight.asked(type(action).__name__))

    def asked(self, kind: type) -> bool:
        return kind.__name__ in self.r.flight.kinds

    def due(self, *, together: bool = False) -> bool:
        """Whether it is time for what the stage does next; `together`: or nearly, and others do the same now.

        Nearly is measured by how long the pause was: the close looks of one are no reason for more looks of all.
        """
        r = self.r
        slack = min(self.slack, (r.place.again_at - r.contact.seen_at) / 5) if together else 0.0
        return self.now + slack >= r.place.again_at

    def say(self, event: e.Event) -> None:
        self.events.append(event)
        self.told()

    def told(self) -> None:
        """People hear something now."""
        if self.r.place.said_at != self.now:
            self.put(self.r.place.told(self.now))

    def warn(self, reason: Reason, severity: Severity = Severity.WARNING) -> None:
        self.say(e.Noticed(at=self.now, key=self.r.key, finding=Finding(severity=severity, reason=reason)))

    def url(self, deployment_id: str) -> str:
        identity = self.r.facts.identity if self.r.facts else None
        return links.deployment(identity.partition, identity.region, deployment_id) if identity else ""

    def retry(self, base: float = 1.0, most: float = 30.0) -> None:
        """Act again after a pause that doubles with each failure in a row, jittered."""
        tries = self.r.place.tries
        self.put(self.r.place.retry(self.now + jittered(pause(tries, base, most), self.r.marker_id, tries)))

    def end(
        self,
        outcome: Outcome,
        *reasons: Reason,
        rollback: Rollback = Rollback.NONE,
        deployed: bool = False,
        settled: bool = True,
    ) -> None:
        """The verdict for this function."""
        result = self.result(
            outcome,
            *reasons,
            rollback=rollback,
            deployed=deployed,
            settled=settled,
        )
        if self.r.undone is not None:
            result = _undone(self.r.undone, result, self.r.part.ends)
        self.conclude(result)

    def result(
        self,
        outcome: Outcome,
        *reasons: Reason,
        rollback: Rollback = Rollback.NONE,
        deployed: bool = False,
        settled: bool = True,
    ) -> Result:
        """What this attempt has come to; what the alias serves is told from its latest reading."""
        r = self.r
        alias = r.reading.fresh(self.now)
        shares = alias.shares if alias else {}
        previous, target = r.previous_version, r.target_version
        if r.command is Command.ROLLBACK and r.cause is Cause.ASKED:
            # Rolled back by stopping what ran: where that came from is what this run was to reach.
            previous, target = target, previous
        return Result(
            function=r.function,
            alias=r.inputs.alias,
            outcome=outcome,
            deployment_id=r.deployment_id,
            rollback_deployment_id=r.rollback_id,
            previous_version=previous,
            target_version=target,
            live_version=alias.version if alias else "",
            live_weights=shares_text(shares) if alias and alias.split else "",
            deployed=deployed,
            rollback=rollback,
            console_url=self.url(r.deployment_id),
            appspec_sha256=r.creation.sha256,
            appspec_location=str(r.creation.revision) if r.creation.revision else "",
            duration_seconds=round(self.now - r.job.began, 1),
            reasons=reasons,
            guard_verdict=r.guard_verdict,
            fate=self._fate(),
            running=self._running(),
            settled=settled,
        )

    @property
    def may_exist(self) -> bool:
        """Whether a deployment, or the first one's alias, was asked for: what became of it is known soon."""
        creation = self.r.creation
        return creation.doubtful or creation.alias_asked or self.asked(Create) or self.asked(CreateAlias)

    def _fate(self) -> Fate:
        r = self.r
        if r.deployment_id:
            last = r.seen.rollback if r.rollback_id else r.seen.deployment
            return Fate.ENDED if last is not None and last.status.terminal else Fate.RUNNING
        if r.creation.alias_asked and r.alias is not None:  # the first one, which was read after it
            return Fate.ENDED if r.alias.serves_only(r.target_version) else Fate.NEVER_CREATED
        return Fate.IN_DOUBT if self.may_exist else Fate.NEVER_CREATED

    def _running(self) -> str:
        """What runs in the group instead of ours, if that is known: facts tell it that nobody has waited since."""
        r = self.r
        if r.deployment_id:
            return ""
        if r.stage is Stage.WAITING:
            return r.wait.other
        if r.facts is None or (r.wait.other and r.reading.at != self.now):
            return ""
        return next((one.id for one in r.facts.active), "")

    def fail(self, error: CiDeployError) -> None:
        """End because something could not be done at all, before a deployment exists.

        A reversal is tried again while that may help; after that what the alias serves is read, and set back.
        """
        if self.r.undone is not None and not self.r.cancelled:
            kind = kind_of(error)
            self.put(self.r.creation.failed(error.reason))
            if kind is not None and kind.transient and self.now < self.r.attempt.until:
                self.to(Stage.GATHERING, after=REVERSE_AGAIN_AFTER)
            else:
                self.to(Stage.VERIFYING)
        elif self.r.cancelled:
            self.end(Outcome.CANCELLED, CancelledBefore(), error.reason)
        else:
            self.end(outcome_of(error), error.reason)


def _undone(done: Result, reversal: Result, ends: Outcome | None) -> Result:
    """A deployment that had succeeded and was reversed, as one result.

    `ends` is what that is called where it is for its own sake, and `done` says why; None: for the release's.
    """
    back = reversal.outcome is Outcome.SUCCEEDED
    said: tuple[Reason, ...] = (Undone(back=back),) if ends is None else (*done.reasons, TakenBack(back=back))
    outcome, rollback = Outcome.ROLLBACK_FAILED, Rollback.FAILED
    if back:
        outcome, rollback = ends or Outcome.ROLLED_BACK, Rollback.SUCCEEDED
    elif reversal.outcome is Outcome.CANCELLED:  # what becomes of it the post step finds out
        outcome, rollback = Outcome.CANCELLED, Rollback.UNKNOWN
    elif reversal.rollback is Rollback.UNKNOWN or reversal.outcome in (Outcome.TIMED_OUT, Outcome.LOST_CONTACT):
        rollback = Rollback.UNKNOWN
    return replace(
        done,
        outcome=outcome,
        rollback=rollback,
        rollback_deployment_id=reversal.deployment_id,
        live_version=reversal.live_version,
        live_weights=reversal.live_weights,
        duration_seconds=reversal.duration_seconds,
        deployed=False,
        reasons=(*said, *reversal.reasons),
        fate=reversal.fate,
        settled=reversal.settled and (back or outcome is not Outcome.CANCELLED),
    )


def outcome_of(error: CiDeployError) -> Outcome:
    from ..errors import InvalidInput, Refused

    if isinstance(error, InvalidInput):
        return Outcome.INVALID
    if isinstance(error, Refused):
        return Outcome.REFUSED
    return Outcome.ERROR


def kind_of(error: CiDeployError) -> ErrorKind | None:
    return error.kind if isinstance(error, AwsError) else None


def pause(failures: int, base: float = 1.0, most: float = 30.0) -> float:
    """Seconds, doubled with each failure in a row up to `most`; after a thousand 2.0 to that power is no float."""
    return min(most, base * 2.0 ** min(failures, 10))


def jittered(seconds: float, *seed: object) -> float:
    """`seconds` within 10% up or down, the same for the same seed: many runs at once do not poll in step."""
    fraction = zlib.crc32(repr(seed).encode()) / 0xFFFFFFFF
    return seconds * (0.9 + 0.2 * fraction)
