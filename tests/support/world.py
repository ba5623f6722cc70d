"""A small AWS made of plain Python: enough CodeDeploy and Lambda to play whole histories against the pure `step`.

It is written apart from the emulator on purpose: two independent readings of the same facts. Time is a number; nothing
sleeps. `play` runs a release in it, with faults, delays, signals and other people's doings drawn from a seeded
random, and returns what happened.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from ci_deploy.core import actions as a
from ci_deploy.core import marker
from ci_deploy.core.diagnosis import diagnose
from ci_deploy.core.errors import AwsError, ErrorKind, Refused
from ci_deploy.core.events import Concluded, Event
from ci_deploy.core.inputs import Inputs, parse
from ci_deploy.core.model import (
    CREATOR_ROLLBACK,
    AlarmConfiguration,
    Alias,
    Context,
    CreateRequest,
    Deployment,
    DeploymentConfig,
    DeploymentGroup,
    DeploymentStatus,
    DeploymentTarget,
    EventStatus,
    FunctionVersion,
    Identity,
    InlineContent,
    Known,
    LifecycleEvent,
    Routing,
    RoutingType,
    S3Location,
    StopAnswer,
)
from ci_deploy.core.planning import Facts
from ci_deploy.core.release import Release, step
from ci_deploy.core.rollout import Rollout
from ci_deploy.core.schedule import steps

IDENTITY = Identity(account="123456789012", arn="arn:aws:sts::123456789012:assumed-role/ci/x", region="eu-central-1")
CANARY = Routing(kind=RoutingType.CANARY, percentage=10, interval_minutes=5)
LINEAR = Routing(kind=RoutingType.LINEAR, percentage=25, interval_minutes=1)
AT_ONCE = Routing(kind=RoutingType.ALL_AT_ONCE)
AWS_EPOCH = 1_800_000_000.0


def inputs(**changes: str) -> Inputs:
    """The inputs of a usual deployment, with changes by field name."""
    given = {"function": "checkout", "application": "app", "deployment-group": "group"}
    given |= {name.replace("_", "-"): value for name, value in changes.items()}
    return parse({name: value for name, value in given.items() if value})


def context(run_id: int = 100, attempt: int = 1, *, actions: bool = True) -> Context:
    return Context(actions=actions, run_id=run_id, run_attempt=attempt, sha="abc123", actor="alice")


@dataclass(kw_only=True)
class Running:
    """A deployment of the simulated CodeDeploy."""

    id: str
    created: float
    description: str
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

    def marks(self) -> list[tuple[float, str]]:
        """What happens when, in order, if nothing interferes."""
        at = self.created + 1.0
        found = [(at, "start")]
        before, after = self.hook_seconds
        if before is not None:
            at += before
            found.append((at, "before-ok" if self.hook_good[0] else "before-failed"))
            if not self.hook_good[0]:
                return found
        base = at
        for each in steps(self.routing):
            at = base + each.offset
            found.append((at, f"share {each.share}"))
        if after is not None:
            at += after
            found.append((at, "after-ok" if self.hook_good[1] else "after-failed"))
            if not self.hook_good[1]:
                return found
        found.append((at + 1.0, "end"))
        return found


@dataclass(kw_only=True)
class World:
    """Alias, versions and deployments. `now` moves by `advance` only, event by event."""

    routing: Routing = CANARY
    rollback_events: frozenset[str] = frozenset(
        {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"}
    )
    hook_seconds: tuple[float | None, float | None] = (None, None)
    hook_good: tuple[bool, bool] = (True, True)
    rollback_delay: float = 3.0
    rollback_good: bool = True
    rollback_to: str | None = None  # the group's last successful revision, where it is not what the alias had
    alarm_at: float | None = None
    moved_by_hand: tuple[float, str] | None = None
    latest_sha: str = "new"
    alias_version: str = "1"
    alias_weights: dict[str, float] = field(default_factory=dict)
    now: float = 0.0
    versions: dict[str, str] = field(default_factory=lambda: {"1": "old"})
    deployments: list[Running] = field(default_factory=list)
    alias_revision: int = 0
    stops: list[tuple[float, str, bool]] = field(default_factory=list)

    # --- time ---

    def advance(self, to: float) -> None:
        while True:
            happening = self._next()
            if happening is None or happening[0] > to:
                break
            self.now = max(self.now, happening[0])
            happening[1]()
        self.now = max(self.now, to)

    def _next(self) -> tuple[float, Callable[[], None]] | None:
        found: list[tuple[float, Callable[[], None]]] = []
        for running in self.deployments:
            if not running.status.terminal:
                found += self._next_of(running)
            elif running.rollback_at is not None:
                found.append((running.rollback_at, lambda running=running: self._roll_back(running)))
        if self.moved_by_hand is not None:
            found.append((self.moved_by_hand[0], self._move_by_hand))
        return min(found, key=lambda item: item[0], default=None)

    def _next_of(self, running: Running) -> list[tuple[float, Callable[[], None]]]:
        done = getattr(running, "_done", 0)
        marks = running.marks()
        found: list[tuple[float, Callable[[], None]]] = []
        if done < len(marks):
            at, what = marks[done]
            found.append((at, lambda: self._mark(running, done, what)))
        if self.alarm_at is not None and running.creator == "user" and running.created <= self.alarm_at:
            found.append((self.alarm_at, lambda: self._finish(running, DeploymentStatus.STOPPED, "ALARM_ACTIVE")))
        return found

    def _mark(self, running: Running, index: int, what: str) -> None:
        running._done = index + 1  # type: ignore[attr-defined]
        running.status = DeploymentStatus.IN_PROGRESS
        if what == "start" and (self.alias_version != running.current or self.alias_weights):
            if running.creator == "user":
                self._finish(running, DeploymentStatus.FAILED, "INVALID_LAMBDA_CONFIGURATION")
                return
        if what.startswith("share"):
            self._shift(running, float(what.split()[1]))
        elif what.endswith("failed"):
            self._finish(running, DeploymentStatus.FAILED, "HOOK_EXECUTION_FAILURE")
        elif what == "end":
            good = running.creator == "user" or self.rollback_good
            if good:
                self._finish(running, DeploymentStatus.SUCCEEDED, "")
            else:
                self._finish(running, DeploymentStatus.FAILED, "INTERNAL_ERROR")

    def _shift(self, running: Running, share: float) -> None:
        running.share = share
        self.alias_revision += 1
        if share >= 100:
            self.alias_version, self.alias_weights = running.target, {}
        elif running.creator == "user":
            self.alias_version, self.alias_weights = running.current, {running.target: share}

    def _finish(self, running: Running, status: DeploymentStatus, code: str) -> None:
        running.status, running.error_code, running.ended = status, code, self.now
        if status is DeploymentStatus.SUCCEEDED or running.creator != "user":
            return
        event = {
            "ALARM_ACTIVE": "DEPLOYMENT_STOP_ON_ALARM",
            "MANUAL_STOP": "DEPLOYMENT_STOP_ON_REQUEST",
        }.get(code, "DEPLOYMENT_FAILURE")
        asked = getattr(running, "_asked_rollback", False)
        if event in running.rollback_events or asked:
            running.rollback_at = self.now + self.rollback_delay

    def _roll_back(self, running: Running) -> None:
        running.rollback_at = None
        back = self.rollback_to or running.current
        rollback = Running(
            id=f"d-ROLLBACK{len(self.deployments)}",
            created=self.now,
            description="",
            current=running.target,
            target=back,
            routing=AT_ONCE if self.rollback_good else replace(AT_ONCE),
            function=running.function,
            creator=CREATOR_ROLLBACK,
            rollback_of=running.id,
        )
        if not self.rollback_good:
            rollback.hook_seconds = (1.0, None)
            rollback.hook_good = (False, True)
        running.rollback_id = rollback.id
        self.deployments.append(rollback)

    def _move_by_hand(self) -> None:
        assert self.moved_by_hand is not None
        self.alias_version, self.alias_weights = self.moved_by_hand[1], {}
        self.alias_revision += 1
        self.moved_by_hand = None

    @property
    def active(self) -> list[Running]:
        return [running for running in self.deployments if not running.status.terminal]

    # --- what the actions do ---

    def perform(self, action: a.Action) -> a.Answer:
        match action:
            case a.Gather():
                return self.facts(action.inputs)
            case a.Publish():
                return self.publish()
            case a.LookVersion():
                return self.version(action.version)
            case a.Upload():
                return S3Location(bucket=action.bucket, key=action.path, version="v1", etag="e")
            case a.Create():
                return self.create(action.request)
            case a.Find():
                for running in reversed(self.deployments):
                    mark = marker.parse(running.description)
                    if mark is not None and mark.id == action.marker_id:
                        return self.snapshot(running)
                return None
            case a.Stop():
                return self.stop(action.deployment_id, action.rollback)
            case a.Look():
                return tuple(self.snapshot(running) for running in self.deployments if running.id in action.ids)
            case a.LookAlias():
                return self.alias()
            case a.RepairAlias():
                if self.active:
                    raise Refused(f"deployment {self.active[0].id} is running")
                self.alias_version, self.alias_weights = action.version, {}
                self.alias_revision += 1
                return self.alias()
            case a.Diagnose():
                return diagnose(action.deployment, action.plan, alarms=Known(()), logs=Known(()))

    def facts(self, given: Inputs) -> Facts:
        alias = self.alias()
        snapshots = tuple(self.snapshot(running) for running in reversed(self.deployments))
        return Facts(
            identity=IDENTITY,
            latest=FunctionVersion(function="checkout", version="$LATEST", code_sha256=self.latest_sha),
            alias=alias,
            current=self.version(alias.version),
            target=self.version(given.target_version) if given.target_version else None,
            group=DeploymentGroup(
                application="app",
                name="group",
                config_name="config",
                auto_rollback_enabled=bool(self.rollback_events),
                auto_rollback_events=tuple(sorted(self.rollback_events)),
                alarms=AlarmConfiguration(enabled=True, names=("errors",)),
            ),
            config=DeploymentConfig(name="config", routing=self.routing),
            active=tuple(snapshot for snapshot in snapshots if not snapshot.status.terminal),
            recent=snapshots,
            alarms=Known(()),
        )

    def alias(self) -> Alias:
        return Alias(
            function="checkout",
            name="live",
            version=self.alias_version,
            weights=dict(self.alias_weights),
            revision_id=str(self.alias_revision),
        )

    def version(self, number: str | None) -> FunctionVersion | None:
        if number not in self.versions:
            return None
        return FunctionVersion(function="checkout", version=number, code_sha256=self.versions[number])

    def publish(self) -> FunctionVersion:
        newest = max(self.versions, key=int)
        if self.versions[newest] != self.latest_sha:
            newest = str(int(newest) + 1)
            self.versions[newest] = self.latest_sha
        return FunctionVersion(function="checkout", version=newest, code_sha256=self.latest_sha)

    def create(self, request: CreateRequest) -> str:
        import json

        if self.active:
            raise AwsError(
                ErrorKind.CONFLICT,
                operation="codedeploy:CreateDeployment",
                code="DeploymentLimitExceededException",
                message=f"The Deployment Group 'group' already has an active Deployment '{self.active[0].id}'",
            )
        assert isinstance(request.revision, InlineContent)
        properties = next(iter(json.loads(request.revision.content)["Resources"][0].values()))["Properties"]
        events = self.rollback_events
        if request.auto_rollback is not None:
            events = frozenset(map(str, request.auto_rollback))
        running = Running(
            id=f"d-DEPLOY{len(self.deployments):03}",
            created=self.now,
            description=request.description,
            current=properties["CurrentVersion"],
            target=properties["TargetVersion"],
            routing=self.routing,
            rollback_events=events,
            hook_seconds=self.hook_seconds,
            hook_good=self.hook_good,
        )
        self.deployments.append(running)
        return running.id

    def stop(self, deployment_id: str, rollback: bool) -> StopAnswer:
        running = next(running for running in self.deployments if running.id == deployment_id)
        self.stops.append((self.now, deployment_id, rollback))
        if running.status.terminal:
            raise AwsError(
                ErrorKind.REJECTED,
                operation="codedeploy:StopDeployment",
                code="DeploymentAlreadyCompletedException",
                message="over",
            )
        running._asked_rollback = rollback  # type: ignore[attr-defined]
        self._finish(running, DeploymentStatus.STOPPED, "MANUAL_STOP")
        return StopAnswer(status="Succeeded")

    def snapshot(self, running: Running) -> Deployment:
        def stamp(at: float) -> float:
            return AWS_EPOCH + at

        events = []
        done = getattr(running, "_done", 0)
        names = {"start": "Start", "before-ok": "BeforeAllowTraffic", "after-ok": "AfterAllowTraffic", "end": "End"}
        for at, what in running.marks()[:done]:
            if what in names:
                events.append(
                    LifecycleEvent(name=names[what], status=EventStatus.SUCCEEDED, start=stamp(at), end=stamp(at))
                )
        if 0 < running.share < 100 and not running.status.terminal:
            first = next(at for at, what in running.marks() if what.startswith("share"))
            events.append(LifecycleEvent(name="AllowTraffic", status=EventStatus.IN_PROGRESS, start=stamp(first)))
        return Deployment(
            id=running.id,
            status=running.status,
            application="app",
            group="group",
            description=running.description,
            creator=running.creator,
            create_time=stamp(running.created),
            error_code=running.error_code,
            rollback_id=running.rollback_id,
            rollback_of=running.rollback_of,
            targets=(
                DeploymentTarget(
                    target_id="checkout:live",
                    function=running.function,
                    alias="live",
                    current_version=running.current,
                    target_version=running.target,
                    raw_weight=running.share / 100,
                    events=tuple(events),
                ),
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Weather:
    """How the network behaves: probabilities of each fault, by action's name ("" for all), and delays in seconds."""

    rates: dict[str, float] = field(default_factory=dict)
    kinds: tuple[ErrorKind, ...] = (ErrorKind.THROTTLED, ErrorKind.UNREACHABLE, ErrorKind.EXPIRED)
    lost_answers: float = 0.5  # of the unreachable ones, how many had their effect
    delays: tuple[float, float] = (0.05, 0.3)
    until: float = 1e12  # fair weather afterwards

    def fault(self, action: a.Action, now: float, dice: random.Random) -> ErrorKind | None:
        name = type(action).__name__
        rate = self.rates.get(name, self.rates.get("", 0.0))
        if now >= self.until or dice.random() >= rate:
            return None
        return dice.choice(self.kinds)


FAIR = Weather()


@dataclass(kw_only=True)
class Played:
    """What came of a run."""

    release: Release
    events: list[Event]
    concluded: Concluded
    world: World
    ended: float
    actions: list[tuple[float, a.Action]]

    @property
    def result(self):  # type: ignore[no-untyped-def]
        return self.concluded.result

    def count(self, kind: type) -> int:
        return sum(isinstance(action, kind) for _, action in self.actions)

    def said(self, kind: type) -> list:  # type: ignore[type-arg]
        return [event for event in self.events if isinstance(event, kind)]


def play(
    world: World,
    given: Inputs | None = None,
    *,
    run: Context | None = None,
    weather: Weather = FAIR,
    signals: Iterable[float] = (),
    seed: int = 0,
    marker_id: str = "0badcafe",
    limit: float = 400_000.0,
) -> Played:
    """Run a release to its end in this world. Raises if it has no end within `limit` seconds."""
    dice = random.Random(seed)
    start = world.now
    given = given or inputs()
    release = Release(
        command=given.command,  # type: ignore[arg-type]
        rollouts=(Rollout(inputs=given, context=run or context(), marker_id=marker_id),),
    )
    release = replace(release, command=release.rollouts[0].command)
    inbox: list[tuple[float, int, a.Observation]] = []
    order = 0
    for at in signals:
        heapq.heappush(inbox, (start + at, order, a.Cancelled(signal="SIGINT", second=1.0)))
        order += 1
    events: list[Event] = []
    asked: list[tuple[float, a.Action]] = []
    observation: a.Observation = a.Tick()
    idle = 0
    now = 0.0  # seconds since the run began, kept apart from world.now so that sums of floats do not drift
    while True:
        made = step(release, observation, now)
        release = made.release
        events += made.events
        idle = 0 if made.actions or made.events else idle + 1
        assert idle < 5_000, f"spinning in {release.rollouts[0].stage}"
        for action in made.actions:
            asked.append((now, action))
            order += 1
            arrives, answer = _answer(world, action, weather, dice)
            heapq.heappush(inbox, (arrives, order, answer))
        if made.look_again_at is None:
            concluded = events[-1]
            assert isinstance(concluded, Concluded)
            return Played(
                release=release,
                events=events,
                concluded=concluded,
                world=world,
                ended=now,
                actions=asked,
            )
        wake = start + made.look_again_at
        if inbox and inbox[0][0] <= wake:
            at, _, observation = heapq.heappop(inbox)
            world.advance(max(at, world.now))
            now = max(now, world.now - start)
        else:
            world.advance(max(wake, world.now))
            now = max(now, made.look_again_at)
            observation = a.Tick()
        assert now < limit, f"no end: {release.rollouts[0].stage}"


def _answer(world: World, action: a.Action, weather: Weather, dice: random.Random) -> tuple[float, a.Observation]:
    """Carry the action out now (or not at all), and say when the answer arrives."""
    arrives = world.now + dice.uniform(*weather.delays)
    kind = weather.fault(action, world.now, dice)
    operation = f"test:{type(action).__name__}"
    error = AwsError(kind or ErrorKind.REJECTED, operation=operation, code="Fault", message="weather")
    if kind is not None and not (kind is ErrorKind.UNREACHABLE and dice.random() < weather.lost_answers):
        return arrives + 1.0, a.Failed(action=action, error=error)
    try:
        answer = world.perform(action)
    except (AwsError, Refused) as problem:
        return arrives, a.Failed(action=action, error=problem)
    if kind is not None:
        return arrives + 1.0, a.Failed(action=action, error=error)
    return arrives, a.Done(action=action, answer=answer)
