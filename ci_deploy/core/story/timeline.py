"""From snapshots to events, and from events to the story that documents are rendered from.

`changes` is the difference of two snapshots of a deployment, total and pure: whatever AWS sends, twice the same
snapshot gives nothing, and every difference that people care about gives an event. `tell` folds one event into the
`Story`; comment, summary and the demo's page are functions of a Story alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from ..aws import Alias, Deployment, DeploymentStatus, Endpoint, EventStatus, Identity, LifecycleEvent
from ..given.files.appspec import HOOKS
from ..lazy import dataclass
from ..plan.planning import Plan
from ..reasons.reason import Reason
from ..result import Diagnosis, Finding, Result
from ..run import Command, Context
from . import events as e


def changes(
    before: Deployment | None,
    now: Deployment,
    *,
    function: str,
    alias: str,
    at: float,
    key: str,
    declared: frozenset[str],
    declared_by_us: bool = True,
    of_rollback: bool = False,
) -> Iterator[e.Event]:
    """What is new in `now`, in the order in which it happened: lifecycle first, then the deployment's status.

    `declared` are the lifecycle events with a hook; `declared_by_us`: the AppSpec is ours, so that there are no others.
    Traffic is not in here: a share means something only with the deployment config's steps and the alias, which
    `rollout` has.
    """
    old_target = before.target_of(function, alias) if before else None
    new_target = now.target_of(function, alias)
    if new_target is not None:
        known = {event.name: event for event in (old_target.events if old_target else ())}
        for event in new_target.events:
            previous = known.get(event.name)
            if event.status is EventStatus.PENDING or (previous is not None and previous.status is event.status):
                continue
            seconds = event.end - event.start if event.end is not None and event.start is not None else None
            if event.name not in declared and _without_hook(event, seconds, declared_by_us):
                continue
            yield e.LifecycleChanged(
                at=at,
                key=key,
                deployment_id=now.id,
                event=event,
                seconds=max(0.0, seconds) if seconds is not None else None,
                of_rollback=of_rollback,
            )
    if before is None or before.status is not now.status:
        yield e.StatusChanged(
            at=at,
            key=key,
            deployment_id=now.id,
            status=now.status,
            seconds=_took(now),
            error_code=now.error_code,
            error_message=now.error_message,
            of_rollback=of_rollback,
        )


def _took(deployment: Deployment) -> float | None:
    if deployment.complete_time is None or not (deployment.status.terminal and deployment.create_time):
        return None
    return max(0.0, deployment.complete_time - deployment.create_time)


A_MOMENT = 1.0  # seconds; the event of a hook that nobody declared takes 0.4 (facts.md G3), one that runs is slower


def _without_hook(event: LifecycleEvent, seconds: float | None, certain: bool) -> bool:
    """Whether an event is that of a hook which there is not: AWS lists it as Succeeded all the same (facts.md G3)."""
    if event.name not in HOOKS or event.status is EventStatus.FAILED:
        return False
    if certain or event.status is EventStatus.IN_PROGRESS:
        return True  # whether one runs its end tells, and signs of life name it until then
    return event.status is EventStatus.SUCCEEDED and seconds is not None and seconds < A_MOMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One deployment in a function's story: the deployment itself, or the rollback that followed it.

    `started_at` is when this run came to it; how long it took is CodeDeploy's to say.
    """

    deployment_id: str
    console_url: str = ""
    status: DeploymentStatus = DeploymentStatus.CREATED
    error_code: str = ""
    error_message: str = ""
    started_at: float = 0.0
    ended_at: float | None = None
    seconds: float | None = None  # by AWS's own times
    lifecycle: tuple[tuple[LifecycleEvent, float | None], ...] = ()  # with seconds, latest status of each, in order


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionStory:
    """Everything that is known of one function so far."""

    key: str
    application: str = ""
    group: str = ""
    plan: Plan | None = None
    alias_before: Alias | None = None
    target_version: str = ""
    appspec: str = ""
    appspec_location: str = ""
    deployment: Leg | None = None
    rollback: Leg | None = None
    reverses: bool = False
    attached: bool = False
    shares: Mapping[str, float] = field(default_factory=dict)
    shifts: tuple[tuple[float, Mapping[str, float]], ...] = ()  # (at, percent by version), oldest first
    next_shift_at: float | None = None
    ends_at: float | None = None
    waiting: str = ""
    trouble: str = ""  # contact with AWS is lost for the moment
    stopping: Reason | None = None  # why a stop was requested, until its rollback has begun
    measured: e.Measured | None = None  # the latest look at both versions' metrics
    baking: e.BakeBegan | None = None  # all traffic has moved, and the version is watched on
    taking_back: tuple[Reason, ...] = ()  # why what had succeeded is reversed
    findings: tuple[Finding, ...] = ()
    diagnosis: Diagnosis | None = None
    restored: Reason | None = None
    hold: str | None = None  # why deployments are on hold from here on, empty if released; None: not touched
    status: e.StatusReported | None = None
    result: Result | None = None

    def took(self, leg: Leg) -> float | None:
        """Seconds from the beginning of a deployment to its end; of one that began before we came only AWS knows."""
        if leg.seconds is not None:
            return leg.seconds
        return None if self.attached or leg.ended_at is None else leg.ended_at - leg.started_at

    @property
    def function(self) -> str:
        return self.key.partition(":")[0]

    @property
    def alias(self) -> str:
        return self.key.partition(":")[2]

    def is_rollback(self, deployment_id: str) -> bool:
        """Whether this is the deployment that takes the function back."""
        return self.rollback is not None and self.rollback.deployment_id == deployment_id

    @property
    def current_version(self) -> str:
        if self.plan is not None:
            return self.plan.current_version
        return self.alias_before.version if self.alias_before else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The whole run so far."""

    command: Command = Command.DEPLOY
    context: Context = Context()
    epoch: float = 0.0  # the wall clock when `at` was 0, for people only; 0: not known
    endpoints: tuple[Endpoint, ...] = ()  # in use, and not AWS's
    identity: Identity | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, FunctionStory] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()  # about the run as a whole
    tables: tuple[e.Listed, ...] = ()  # of `setup` and `prune`
    written: tuple[str, ...] = ()  # what those have changed
    cancelled: str = ""  # the signal
    now: float = 0.0  # `at` of the latest event
    result: Result | None = None
    exit_code: int | None = None


def tell(story: Story, event: e.Event) -> Story:
    """The story with one more event in it."""
    now = max(story.now, event.at)
    match event:
        case e.Started():
            return replace(
                story,
                now=now,
                command=event.command,
                context=event.context,
                epoch=event.epoch,
                inputs=event.inputs,
                functions={key: FunctionStory(key=key) for key in event.keys},
            )
        case e.NotAws():
            return replace(story, now=now, endpoints=event.endpoints)
        case e.Identified():
            return replace(story, now=now, identity=event.identity)
        case e.CancelReceived():
            return replace(story, now=now, cancelled=event.signal)
        case e.Concluded():
            # Inputs that cannot be used leave a run without a beginning: what was meant is known all the same.
            return replace(story, now=now, command=event.command, result=event.result, exit_code=event.exit_code)
        case e.Listed():
            return replace(story, now=now, tables=(*story.tables, event))
        case e.Written():
            return replace(story, now=now, written=(*story.written, event.what))
        case e.Noticed() if not event.key:
            return replace(story, now=now, findings=(*story.findings, event.finding))
    if not event.key:
        return replace(story, now=now)
    chapter = _tell_function(story.functions.get(event.key, FunctionStory(key=event.key)), event)
    return replace(story, now=now, functions={**story.functions, event.key: chapter})


def _tell_function(chapter: FunctionStory, event: e.Event) -> FunctionStory:
    match event:
        case e.Noticed():
            return replace(chapter, findings=(*chapter.findings, event.finding))
        case e.Planned():
            shares = event.alias.shares if event.alias else {}
            return replace(
                chapter,
                plan=event.plan,
                application=event.plan.application,
                group=event.plan.group,
                alias_before=event.alias,
                target_version=event.plan.target_version,
                shares=shares,
                shifts=((event.at, shares),) if shares else (),
                findings=(*event.plan.findings, *_noticed(chapter, event.plan)),
                waiting="",
            )
        case e.Waiting():
            return replace(chapter, waiting=event.what.text)
        case e.VersionPublished():
            return replace(chapter, target_version=event.version, waiting="")
        case e.RevisionStored() if chapter.deployment is None:
            return replace(chapter, appspec=event.content, appspec_location=event.location)
        case e.DeploymentStarted():
            leg = Leg(deployment_id=event.deployment_id, console_url=event.console_url, started_at=event.at)
            if event.reverses and chapter.deployment is not None and not chapter.reverses:
                # A release rolls back what had succeeded: to its deployment that is what a rollback is.
                return replace(chapter, rollback=leg, next_shift_at=None, result=None)
            return replace(
                chapter,
                application=event.application,
                group=event.group,
                deployment=leg,
                rollback=None,
                reverses=event.reverses,
                attached=event.attached,
                target_version=event.target_version or chapter.target_version,
                waiting="",
                diagnosis=None,
                measured=None,
                baking=None,
            )
        case e.RollbackStarted():
            leg = Leg(deployment_id=event.deployment_id, console_url=event.console_url, started_at=event.at)
            return replace(chapter, rollback=leg, next_shift_at=None, stopping=None)  # the stop is done
        case e.StatusChanged() | e.LifecycleChanged():
            if event.of_rollback or chapter.is_rollback(event.deployment_id):
                return replace(chapter, rollback=_tell_leg(chapter.rollback, event))
            diagnosis = None if _refuted(chapter.diagnosis, event) else chapter.diagnosis
            return replace(chapter, deployment=_tell_leg(chapter.deployment, event), diagnosis=diagnosis)
        case e.TrafficShifted():
            return replace(
                chapter,
                shares=event.shares,
                shifts=(*chapter.shifts, (event.at, event.shares)),
                next_shift_at=event.next_shift_at,
                ends_at=event.ends_at,
            )
        case e.Heartbeat():
            return replace(chapter, next_shift_at=event.next_shift_at, ends_at=event.ends_at)
        case e.Measured():
            return replace(chapter, measured=event)
        case e.BakeBegan():
            return replace(chapter, baking=event, next_shift_at=None)
        case e.TakingBack():
            return replace(chapter, taking_back=event.reasons)
        case e.ContactTroubled():
            return replace(chapter, trouble=event.error)
        case e.ContactRestored():
            return replace(chapter, trouble="")
        case e.StopRequested() if chapter.deployment is not None:
            ours = chapter.deployment.deployment_id == event.deployment_id
            return replace(chapter, stopping=event.why, next_shift_at=None) if ours else chapter
        case e.Diagnosed():
            return replace(chapter, diagnosis=event.diagnosis)
        case e.AliasRead():
            return _with_alias(chapter, event.alias, event.at)
        case e.AliasRestored():
            return replace(_with_alias(chapter, event.alias, event.at), restored=event.why)
        case e.HoldChanged():
            return replace(chapter, hold=event.text)
        case e.StatusReported():
            return replace(_with_alias(chapter, event.alias, event.at), status=event)
        case e.Finished():
            return replace(chapter, result=event.result, trouble="", waiting="", next_shift_at=None)
    return chapter


def _noticed(chapter: FunctionStory, plan: Plan) -> tuple[Finding, ...]:
    """What came up on the way and not in a plan: planning anew does not take it back."""
    planned = chapter.plan.findings if chapter.plan else ()
    return tuple(finding for finding in chapter.findings if finding not in (*planned, *plan.findings))


def _with_alias(chapter: FunctionStory, alias: Alias, at: float) -> FunctionStory:
    if alias.shares == chapter.shares:
        return chapter
    return replace(chapter, shares=alias.shares, shifts=(*chapter.shifts, (at, alias.shares)))


def _tell_leg(leg: Leg | None, event: e.StatusChanged | e.LifecycleChanged) -> Leg:
    leg = leg or Leg(deployment_id=event.deployment_id, started_at=event.at)
    if isinstance(event, e.StatusChanged):
        done = event.status is DeploymentStatus.SUCCEEDED
        return replace(
            leg,
            status=event.status,
            error_code=event.error_code,
            error_message=event.error_message,
            ended_at=event.at if event.status.terminal else None,
            seconds=event.seconds,
            lifecycle=_without_running(leg) if done else leg.lifecycle,
        )
    rows = [(known, seconds) for known, seconds in leg.lifecycle if known.name != event.event.name]
    names = [known.name for known, _ in leg.lifecycle]
    place = names.index(event.event.name) if event.event.name in names else len(rows)
    rows.insert(place, (event.event, event.seconds))
    return replace(leg, lifecycle=tuple(rows))


def _refuted(diagnosis: Diagnosis | None, event: e.StatusChanged | e.LifecycleChanged) -> bool:
    """Whether what was suspected of a deployment that ran has gone well after all: a hook that was only slow."""
    if isinstance(event, e.StatusChanged):
        return event.status is DeploymentStatus.SUCCEEDED
    suspected = diagnosis.event.name if diagnosis and diagnosis.event else ""
    return event.status is EventStatus.SUCCEEDED and event.event.name == suspected


def _without_running(leg: Leg) -> tuple[tuple[LifecycleEvent, float | None], ...]:
    """In a large release not every end is looked at with its lifecycle; nothing is in progress then."""
    return tuple(row for row in leg.lifecycle if row[0].status is not EventStatus.IN_PROGRESS)
