"""A small AWS made of plain Python: enough CodeDeploy and Lambda to play whole histories against the pure `step`.

It is written apart from the emulator on purpose: two independent readings of the same facts. Time is a number and moves
by `advance` only. Its fields are the switches of what nobody could confirm (facts.md E) and of what can go wrong;
`playing` runs releases in it.

Where its defaults are not what was recorded, they are the harder case, or tell tests more moments apart; random
histories draw both. Targets list Start and End (recorded: neither, facts.md G1) and no event of a hook that is not
declared (G3); a rollback appears after 3 s and takes as long as the events around it (G5, G6: half a second, 2 s); an
alarm is acted on as it rings (G10: 11 s later).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ci_deploy.core import marker
from ci_deploy.core.aws import (
    CREATOR_ROLLBACK,
    Alarm,
    AlarmConfiguration,
    Alias,
    CreateRequest,
    Deployment,
    DeploymentConfig,
    DeploymentGroup,
    DeploymentStatus,
    DeploymentTarget,
    EventStatus,
    Fact,
    FunctionVersion,
    Identity,
    InlineContent,
    Invocation,
    Known,
    LifecycleEvent,
    Routing,
    RoutingType,
    S3Location,
    StopAnswer,
)
from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.given.files.appspec import AppSpec
from ci_deploy.core.given.inputs import Inputs
from ci_deploy.core.given.parsing import parse
from ci_deploy.core.guards.queries import Question, Readings
from ci_deploy.core.machine import actions as a
from ci_deploy.core.plan.planning import UNREAD, Calls, Facts
from ci_deploy.core.run import Command, Context
from ci_deploy.core.schedule import steps
from ci_deploy.core.stacks import Stack
from ci_deploy.core.story.diagnosis import diagnose
from tests.support.reasons import refused

# The command to paste that looks at the function of these worlds.
STATUS = (
    "`ci-deploy status --function checkout --alias live --application app --deployment-group group "
    "--aws-region eu-central-1 --account-id 123456789012`"
)
IDENTITY = Identity(account="123456789012", arn="arn:aws:sts::123456789012:assumed-role/ci/x", region="eu-central-1")
CANARY = Routing(kind=RoutingType.CANARY, percentage=10, interval_minutes=5)
LINEAR = Routing(kind=RoutingType.LINEAR, percentage=25, interval_minutes=1)
AT_ONCE = Routing(kind=RoutingType.ALL_AT_ONCE)
AWS_EPOCH = 1_800_000_000.0
ALL_EVENTS = frozenset({"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"})


def inputs(**changes: str) -> Inputs:
    """The inputs of a usual deployment, with changes by field name."""
    given = {"function": "checkout", "application": "app", "deployment-group": "group"}
    given |= {name.replace("_", "-"): value for name, value in changes.items()}
    if changes.get("command", "deploy") in ("deploy", "plan") and not any(map(changes.get, ("version", "appspec"))):
        given.setdefault("code", "$LATEST")
    return parse({name: value for name, value in given.items() if value})


def context(run_id: int = 100, attempt: int = 1, *, actions: bool = True) -> Context:
    return Context(actions=actions, run_id=run_id, run_attempt=attempt, sha="abc123", actor="alice")


# The status of a deployment's target, by the deployment's own.
TARGETS = {
    DeploymentStatus.CREATED: EventStatus.PENDING,
    DeploymentStatus.QUEUED: EventStatus.PENDING,
    DeploymentStatus.IN_PROGRESS: EventStatus.IN_PROGRESS,
    DeploymentStatus.SUCCEEDED: EventStatus.SUCCEEDED,
    DeploymentStatus.FAILED: EventStatus.FAILED,
    DeploymentStatus.STOPPED: EventStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class Span:
    """A lifecycle event as it would go if nothing interfered."""

    name: str
    start: float
    end: float
    good: bool = True


@dataclass(kw_only=True)
class Running:
    """A deployment of the simulated CodeDeploy."""

    id: str
    created: float
    description: str = ""
    dies_of: str = ""  # the error code with which it fails as soon as it starts
    current: str
    target: str
    routing: Routing
    function: str = "checkout"
    rollback_events: frozenset[str] = frozenset()
    hook_seconds: tuple[float | None, float | None] = (None, None)  # before, after; None: no hook
    hook_good: tuple[bool, bool] = (True, True)
    creator: str = "user"
    status: DeploymentStatus = DeploymentStatus.CREATED
    error_code: str = ""
    share: float = 0.0
    ended: float | None = None
    rollback_id: str = ""
    rollback_of: str = ""
    rollback_at: float | None = None
    rollback_asked: bool = False
    stops_at: float | None = None  # a stop that was answered Pending
    done: int = 0  # of its marks
    marks: list[tuple[float, str]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Write down what happens when, in order, if nothing interferes."""
        at = self.created + 1.0
        self._span("Start", self.created + 0.5, at, "start")
        for name, seconds, good in zip(
            ("BeforeAllowTraffic", "AfterAllowTraffic"), self.hook_seconds, self.hook_good, strict=True
        ):
            if name == "AfterAllowTraffic":
                shifts = steps(self.routing)
                self.marks += [(at + shift.offset, f"share {shift.share}") for shift in shifts]
                self._span("AllowTraffic", at, at + shifts[-1].offset, "")
                at += shifts[-1].offset
            if seconds is not None:
                self._span(name, at, at + seconds, "" if good else "failed", good)
                at += seconds
                if not good:
                    return
        self._span("End", at, at + 1.0, "end")

    def _span(self, name: str, start: float, end: float, mark: str, good: bool = True) -> None:
        self.spans.append(Span(name, start, end, good))
        if mark:
            self.marks.append((end, mark))

    @property
    def by_hand(self) -> bool:
        """Not CodeDeploy's own rollback."""
        return self.creator == "user"

    @property
    def event(self) -> str:
        """The rollback event that its end is."""
        if self.error_code == "ALARM_ACTIVE":
            return "DEPLOYMENT_STOP_ON_ALARM"
        return "DEPLOYMENT_STOP_ON_REQUEST" if self.error_code == "MANUAL_STOP" else "DEPLOYMENT_FAILURE"


@dataclass(kw_only=True)
class World:
    """Alias, versions and deployments. `now` moves by `advance` only, event by event."""

    routing: Routing = CANARY
    rollback_events: frozenset[str] = ALL_EVENTS
    hook_seconds: tuple[float | None, float | None] = (None, None)
    hook_good: tuple[bool, bool] = (True, True)
    rollback_delay: float = 3.0
    rollback_good: bool = True
    rollback_takes: float = 0.0  # seconds before it shifts traffic
    rollback_routing: Routing = AT_ONCE
    rollback_swaps: bool = True  # whether it names the versions the other way round than the deployment did
    rollback_to: str = "current"  # or "last": the group's last successful revision; or "nowhere"; or a version
    alarm_at: float | None = None
    moved_by_hand: tuple[float, str] | None = None
    stop_takes: float = 0.0  # above 0 the stop is answered Pending
    targets_readable: bool = True
    targets_lag: bool = False  # whether a target says that it runs when its deployment is over
    percent_scale: bool = False  # targetVersionWeight: 0 to 100, or 0 to 1
    shows_ends: bool = True  # whether Start and End are among the lifecycle events
    may_update_alias: bool = True
    visible_after: float = 0.0  # seconds until a new deployment is found by its id
    dies_of: list[str] = field(default_factory=list)  # of the next deployments, each once: see Running
    hooks: dict[str, Fact[FunctionVersion | None]] = field(default_factory=dict)  # what is known of hook functions
    function: str = "checkout"
    name: str = ""  # in deployments' ids, where there are several worlds
    latest_sha: str = "new"
    alias_version: str = "1"
    alias_weights: dict[str, float] = field(default_factory=dict)
    now: float = 0.0
    versions: dict[str, str] = field(default_factory=lambda: {"1": "old"})
    deployments: list[Running] = field(default_factory=list)
    alias_revision: int = 0
    alias_description: str = ""
    served: list[tuple[float, str, dict[str, float]]] = field(default_factory=list)  # the alias's own history
    stops: list[tuple[float, str, bool]] = field(default_factory=list)
    uploads: dict[str, str] = field(default_factory=dict)  # AppSpecs by their keys
    answers: list[Invocation | AwsError] = field(default_factory=list)  # of the next invocations, then `{}`
    confirms: bool = True  # what the person at the terminal answers
    why: str = ""  # and the reason that comes with a yes
    calls: float = 0.0  # of the alias, a minute
    failing: dict[str, float] = field(default_factory=dict)  # the share of a version's calls that fail
    slow: dict[str, float] = field(default_factory=dict)  # the share that takes longer than any threshold
    unmeasured: list[AwsError | None] = field(default_factory=list)  # what the next readings of metrics meet
    ringing: tuple[float, float] | None = None  # when the alarm `errors` is in ALARM
    stacks: list[tuple[float, Stack | None]] = field(default_factory=list)  # the stack, from a moment on
    declares: AppSpec | None = None  # what the AppSpec of others' deployments says

    # --- time ---

    def advance(self, to: float) -> None:
        while True:
            happening = self._next()
            if happening is None or happening[0] > to:
                break
            self.now = max(self.now, happening[0])
            happening[1](*happening[2])
        self.now = max(self.now, to)

    def _next(self) -> tuple[float, Callable[..., None], tuple[Any, ...]] | None:
        found: list[tuple[float, Callable[..., None], tuple[Any, ...]]] = []
        for running in self.deployments:
            if running.status.terminal:
                if running.rollback_at is not None:
                    found.append((running.rollback_at, self._roll_back, (running,)))
                continue
            if running.done < len(running.marks):
                at, what = running.marks[running.done]
                found.append((at, self._mark, (running, what)))
            if running.stops_at is not None:
                found.append((running.stops_at, self._finish, (running, DeploymentStatus.STOPPED, "MANUAL_STOP")))
            if self.alarm_at is not None and running.by_hand and running.created <= self.alarm_at:
                found.append((self.alarm_at, self._finish, (running, DeploymentStatus.STOPPED, "ALARM_ACTIVE")))
        if self.moved_by_hand is not None:
            found.append((self.moved_by_hand[0], self._move_by_hand, ()))
        return min(found, key=lambda item: item[0], default=None)

    def _mark(self, running: Running, what: str) -> None:
        running.done += 1
        running.status = DeploymentStatus.IN_PROGRESS
        moved = running.function == self.function and (self.alias_version != running.current or self.alias_weights)
        if what == "start" and running.dies_of:
            self._finish(running, DeploymentStatus.FAILED, running.dies_of)
        elif what == "start" and moved and running.by_hand:
            self._finish(running, DeploymentStatus.FAILED, "INVALID_LAMBDA_CONFIGURATION")
        elif what.startswith("share"):
            self._shift(running, float(what.split()[1]))
        elif what == "failed":
            self._finish(running, DeploymentStatus.FAILED, "HOOK_EXECUTION_FAILURE")
        elif what == "end":
            self._finish(running, DeploymentStatus.SUCCEEDED, "")

    def _shift(self, running: Running, share: float) -> None:
        running.share = share
        if running.function == self.function:
            whole = share >= 100
            self.set_alias(*((running.target, {}) if whole else (running.current, {running.target: share})))

    def set_alias(self, version: str, weights: dict[str, float]) -> None:
        self.served.append((self.now, self.alias_version, self.alias_weights))
        self.alias_version, self.alias_weights = version, dict(weights)
        self.alias_revision += 1

    def _finish(self, running: Running, status: DeploymentStatus, code: str) -> None:
        running.status, running.error_code, running.ended = status, code, self.now
        if status is DeploymentStatus.SUCCEEDED or not running.by_hand or self.rollback_to == "nowhere":
            return
        if running.event in running.rollback_events or running.rollback_asked:
            running.rollback_at = self.now + self.rollback_delay

    def _roll_back(self, running: Running) -> None:
        running.rollback_at = None
        function, back = running.function, running.current
        if self.rollback_to == "last":
            good = [each for each in self.deployments if each.status is DeploymentStatus.SUCCEEDED]
            if not good:
                return  # a fresh group has no successful revision: no rollback
            function, back = good[-1].function, good[-1].target
        elif self.rollback_to != "current":
            back = self.rollback_to
        takes = self.rollback_takes or (None if self.rollback_good else 1.0)
        rollback = Running(
            id=f"d-{self.name}ROLLBACK{len(self.deployments)}",
            created=self.now,
            current=running.target,
            target=back,
            routing=self.rollback_routing,
            function=function,
            creator=CREATOR_ROLLBACK,
            rollback_of=running.id,
            hook_seconds=(takes, None),
            hook_good=(self.rollback_good, True),
        )
        running.rollback_id = rollback.id
        self.deployments.append(rollback)

    def _move_by_hand(self) -> None:
        assert self.moved_by_hand is not None
        self.set_alias(self.moved_by_hand[1], {})
        self.moved_by_hand = None

    @property
    def active(self) -> list[Running]:
        return [running for running in self.deployments if not running.status.terminal]

    def with_marker(self, marker_id: str) -> list[Running]:
        """The deployments that a run created."""
        return [one for one in self.deployments if one.description.startswith(f"ci-deploy/1 id={marker_id} ")]

    # --- what the actions do ---

    def perform(self, action: a.Action) -> a.Answer:
        match action:
            case a.Confirm():
                return self.why if self.confirms else None
            case a.Gather():
                return self.facts(action)
            case a.Publish():
                return self.publish()
            case a.LookVersion():
                return self.version(action.version)
            case a.Invoke():
                answer = self.answers.pop(0) if self.answers else Invocation(payload="{}", seconds=0.1)
                if isinstance(answer, AwsError):
                    raise answer
                return answer
            case a.Upload():
                self.uploads[action.path] = action.content
                return S3Location(bucket=action.bucket, key=action.path, version="v1", etag="e")
            case a.Create():
                return self.create(action.request)
            case a.Find():
                return self.find(action.marker_id)
            case a.Stop():
                return self.stop(action.deployment_id, action.rollback)
            case a.Look():
                before = {one.id: one for one in action.running}
                return tuple(
                    self.look(running, before.get(running.id), running.id in action.with_targets)
                    for running in self.deployments
                    if running.id in action.ids and self.now >= running.created + self.visible_after
                )
            case a.Discover():
                return self.discover(action)
            case a.Measure():
                return self.measure(action.questions)
            case a.LookAlarms():
                since, until = self.ringing or (1e12, 1e12)
                state = "ALARM" if since <= self.now < until else "OK"
                return tuple(Alarm(name=name, state=state, reason="5 errors") for name in action.names)
            case a.LookAlias():
                return self.alias()
            case a.RepairAlias():
                return self.repair(action)
            case a.Describe():
                self.alias_description = action.description
                self.alias_revision += 1
                return self.alias()
            case a.Diagnose():
                return diagnose(
                    action.deployment,
                    action.plan,
                    alarms=Known(()),
                    logs=Known(()),
                    region=action.region,
                    why=action.why,
                )
        return None

    def discover(self, action: a.Discover) -> a.Discovered:
        """One listing: what has been created since, or what is active; and the stack."""
        found = tuple(
            snapshot
            for running in self.deployments
            if running.created <= self.now and running.id not in action.known
            for snapshot in (self.snapshot(running, True),)
            if running.id in action.unclear
            or (not running.status.terminal if action.since is None else snapshot.create_time >= action.since)
        )
        stack = next((stack for at, stack in reversed(self.stacks) if at <= self.now), None)
        return a.Discovered(at=AWS_EPOCH + self.now, stack=stack, deployments=found)

    # --- metrics ---

    def measure(self, questions: tuple[Question, ...]) -> Readings:
        """Calls without chance: each version has its share of every minute's, to the nearest call."""
        error = self.unmeasured.pop(0) if self.unmeasured else None
        if error is not None:
            raise error
        return Readings(answers={each: self._points(each) for each in questions}, at=AWS_EPOCH + self.now)

    def _points(self, question: Question) -> dict[int, float]:
        points: dict[int, float] = {}
        for start in range(question.start, question.end, question.period):
            minutes = [self._minute(question.version, at) for at in range(start, start + question.period, 60)]
            calls, bad = sum(calls for calls, _, _ in minutes), sum(bad for _, bad, _ in minutes)
            slow = sum(slow for _, _, slow in minutes)
            value = {"Invocations": calls, "Errors": bad, "Throttles": 0}.get(question.metric)
            if value is None:
                share = 100.0 * (1 - slow / calls) if calls else 0.0
                known = {"SampleCount": float(calls), "p50": 100.0, "p95": 180.0, "p99": 200.0}
                value = known.get(question.statistic, share) if calls else 0.0
            if value:
                points[start] = float(value)
        return points

    def _minute(self, version: str, at: int) -> tuple[int, int, int]:
        """Calls, errors and slow calls of a version (empty: of all) in the minute that begins at `at`, AWS's time."""
        begin = at - AWS_EPOCH
        shifts = any(begin < until < begin + 60 for until, _, _ in self.served)
        moments = [begin + second for second in range(0, 60, 5)] if shifts else [begin]
        found = [0, 0, 0]
        for name in (version,) if version else tuple(self.versions):
            share = sum(self.share_at(name, moment) for moment in moments) / len(moments)
            calls = round(self.calls * share)
            found[0] += calls
            found[1] += round(calls * self.failing.get(name, 0.0))
            found[2] += round(calls * self.slow.get(name, 0.0))
        return found[0], found[1], found[2]

    def share_at(self, version: str, moment: float) -> float:
        """The share (0 to 1) of the alias's traffic that a version had then."""
        served = (self.alias_version, self.alias_weights)
        for until, main, weights in reversed(self.served):
            if moment < until:
                served = (main, weights)
        main, weights = served
        rest = sum(weights.values())
        return (100.0 - rest if version == main else weights.get(version, 0.0)) / 100

    # --- what is read before deciding ---

    def facts(self, action: a.Gather) -> Facts:
        alias, given = self.alias(), action.inputs
        snapshots = tuple(self.snapshot(running, True) for running in reversed(self.deployments))
        active = tuple(snapshot for snapshot in snapshots if not snapshot.status.terminal)
        if action.brief:
            return Facts(identity=IDENTITY, alias=alias, active=active)
        subject = next((one for one in snapshots if one.id == action.subject), None)
        if subject is None and action.marker_id:
            subject = self.find(action.marker_id)
        wanted = given.version
        if given.command == Command.ROLLBACK and not wanted:
            wanted = "1"
        return Facts(
            identity=IDENTITY,
            declared=self.declares,
            latest=FunctionVersion(function=self.function, version="$LATEST", code_sha256=self.latest_sha),
            alias=alias,
            current=self.version(alias.version),
            target=self.version(wanted) if wanted else None,
            group=DeploymentGroup(
                application="app",
                name="group",
                config_name="config",
                auto_rollback_enabled=bool(self.rollback_events),
                auto_rollback_events=tuple(sorted(self.rollback_events)),
                alarms=AlarmConfiguration(enabled=True, names=("errors",)),
            ),
            config=DeploymentConfig(name="config", routing=self.routing),
            active=active,
            recent=snapshots,
            history=snapshots,
            subject=subject,
            alarms=Known(()),
            hooks=self.hooks,
            calls=UNREAD
            if given.guards.off
            else Known(Calls(per_minute=self.calls, errors=0.0, at=AWS_EPOCH + self.now)),
        )

    def alias(self) -> Alias:
        return Alias(
            function=self.function,
            name="live",
            version=self.alias_version,
            weights=dict(self.alias_weights),
            revision_id=str(self.alias_revision),
            description=self.alias_description,
        )

    def version(self, number: str | None) -> FunctionVersion | None:
        if number not in self.versions:
            return None
        return FunctionVersion(function=self.function, version=number, code_sha256=self.versions[number])

    def publish(self) -> FunctionVersion:
        newest = max(self.versions, key=int)
        if self.versions[newest] != self.latest_sha:
            newest = str(int(newest) + 1)
            self.versions[newest] = self.latest_sha
        return FunctionVersion(function=self.function, version=newest, code_sha256=self.latest_sha)

    def create(self, request: CreateRequest) -> str:
        if self.active:
            raise _error(
                ErrorKind.CONFLICT,
                "codedeploy:CreateDeployment",
                "DeploymentLimitExceededException",
                f"The Deployment Group 'group' already has an active Deployment '{self.active[0].id}'",
            )
        inline = isinstance(request.revision, InlineContent)
        text = request.revision.content if inline else self.uploads[request.revision.key]
        properties = next(iter(json.loads(text)["Resources"][0].values()))["Properties"]
        sent = request.auto_rollback
        running = Running(
            id=f"d-{self.name}DEPLOY{len(self.deployments):03}",
            created=self.now,
            description=request.description,
            dies_of=self.dies_of.pop(0) if self.dies_of else "",
            function=self.function,
            current=properties["CurrentVersion"],
            target=properties["TargetVersion"],
            routing=AT_ONCE if request.config_name == "CodeDeployDefault.LambdaAllAtOnce" else self.routing,
            rollback_events=self.rollback_events if sent is None else frozenset(map(str, sent)),
            hook_seconds=self.hook_seconds,
            hook_good=self.hook_good,
        )
        self.deployments.append(running)
        return running.id

    def find(self, marker_id: str) -> Deployment | None:
        for running in reversed(self.deployments):
            mark = marker.parse(running.description)
            if mark is not None and mark.id == marker_id:
                return self.snapshot(running, True)
        return None

    def stop(self, deployment_id: str, rollback: bool) -> StopAnswer:
        running = next(running for running in self.deployments if running.id == deployment_id)
        self.stops.append((self.now, deployment_id, rollback))
        if running.status.terminal:
            raise _error(ErrorKind.REJECTED, "codedeploy:StopDeployment", "DeploymentAlreadyCompletedException", "over")
        running.rollback_asked = rollback
        if self.stop_takes:
            running.stops_at = running.stops_at or self.now + self.stop_takes
            return StopAnswer(status="Pending")
        self._finish(running, DeploymentStatus.STOPPED, "MANUAL_STOP")
        return StopAnswer(status="Succeeded")

    def repair(self, action: a.RepairAlias) -> Alias:
        if self.active:
            raise refused(f"deployment {self.active[0].id} is running")
        if not self.may_update_alias:
            raise _error(ErrorKind.DENIED, "lambda:UpdateAlias", "AccessDeniedException", "not authorized")
        if action.alias.revision_id != str(self.alias_revision):
            raise _error(ErrorKind.CONFLICT, "lambda:UpdateAlias", "PreconditionFailedException", "it has changed")
        self.set_alias(action.version, {})
        return self.alias()

    def look(self, running: Running, before: Deployment | None, with_targets: bool) -> Deployment:
        """Of one that ran a moment ago the targets alone are read, while they say that it runs: its status is older."""
        now = self.snapshot(running, with_targets)
        if before is None or {target.status for target in now.targets or ()} != {EventStatus.IN_PROGRESS}:
            return now
        return replace(before, targets=now.targets)

    def snapshot(self, running: Running, with_targets: bool) -> Deployment:
        targets: tuple[DeploymentTarget, ...] | None = None
        if with_targets and self.targets_readable:
            targets = (self._target(running),) if running.done else ()
        return Deployment(
            id=running.id,
            status=running.status,
            application="app",
            group="group",
            description=running.description,
            creator=running.creator,
            create_time=AWS_EPOCH + running.created,
            complete_time=None if running.ended is None else AWS_EPOCH + running.ended,
            error_code=running.error_code,
            rollback_id=running.rollback_id,
            rollback_of=running.rollback_of,
            auto_rollback_events=tuple(sorted(running.rollback_events)),
            targets=targets,
        )

    def _target(self, running: Running) -> DeploymentTarget:
        until = self.now if running.ended is None else running.ended
        events = []
        for span in running.spans:
            if not self.shows_ends and span.name in ("Start", "End"):
                continue
            if until >= span.end:
                status = EventStatus.SUCCEEDED if span.good else EventStatus.FAILED
            elif until >= span.start:
                status = EventStatus.IN_PROGRESS if running.ended is None else EventStatus.FAILED
            else:
                status = EventStatus.PENDING if running.ended is None else EventStatus.SKIPPED
            began = AWS_EPOCH + span.start if until >= span.start else None
            events.append(LifecycleEvent(name=span.name, status=status, start=began))
        old, new, share = running.current, running.target, running.share
        if not (running.by_hand or self.rollback_swaps):
            old, new, share = new, old, 100.0 - share
        return DeploymentTarget(
            target_id=f"{running.function}:live",
            function=running.function,
            alias="live",
            current_version=old,
            target_version=new,
            raw_weight=share / (1 if self.percent_scale else 100),
            status=EventStatus.IN_PROGRESS if self.targets_lag else TARGETS[running.status],
            events=tuple(events),
        )


def _error(kind: ErrorKind, operation: str, code: str, message: str) -> AwsError:
    return AwsError(kind, operation=operation, code=code, message=message)
