"""Plays releases in the small world: faults, delays, signals and several workflows at once, drawn from a seeded random.

Every run has an inbox and a clock of its own; the world's time is everybody's. Nothing sleeps.
"""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from ci_deploy.core.aws import shares_text
from ci_deploy.core.errors import AwsError, CiDeployError, ErrorKind
from ci_deploy.core.given.inputs import Inputs
from ci_deploy.core.guards.queries import Readings
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine.release import Release, step
from ci_deploy.core.machine.rollout import Job, Rollout
from ci_deploy.core.machine.state.search import Search
from ci_deploy.core.machine.waves import ALL_OR_NOTHING, Policy
from ci_deploy.core.result import Result
from ci_deploy.core.run import Command, Context
from ci_deploy.core.story import events as e
from ci_deploy.core.story.events import Concluded, Creating, DeploymentStarted, Event, StopRequested

from .world import AWS_EPOCH, World, context, inputs

FINISH_WITHIN = 240.0


@dataclass(frozen=True, kw_only=True)
class Weather:
    """How the network behaves: probabilities of each fault, by action's name ("" for all), and delays in seconds."""

    rates: dict[str, float] = field(default_factory=dict)
    kinds: tuple[ErrorKind, ...] = (ErrorKind.THROTTLED, ErrorKind.UNREACHABLE, ErrorKind.EXPIRED)
    lost_answers: float = 0.5  # of the unreachable ones, how many had their effect
    delays: tuple[float, float] = (0.05, 0.3)
    slow: dict[str, float] = field(default_factory=dict)  # seconds that answers take besides, by action's name
    since: float = 0.0
    until: float = 1e12  # fair weather before and after

    def fault(self, action: a.Action, now: float, dice: random.Random) -> ErrorKind | None:
        name = type(action).__name__
        rate = self.rates.get(name, self.rates.get("", 0.0))
        if not self.since <= now < self.until or dice.random() >= rate:
            return None
        return dice.choice(self.kinds)


FAIR = Weather()
STEADY = Weather(delays=(0.1, 0.1))  # every answer takes the same time, so that moments can be told beforehand


class Worlds:
    """Several worlds as one, each with a function and a deployment group of its own."""

    def __init__(self, *worlds: World) -> None:
        self.by_function = {world.function: world for world in worlds}

    @property
    def now(self) -> float:
        return max(world.now for world in self.by_function.values())

    def advance(self, to: float) -> None:
        for world in self.by_function.values():
            world.advance(to)

    def perform(self, action: a.Action) -> a.Answer:
        if isinstance(action, a.Confirm):
            worlds = tuple(self.by_function.values())
            return worlds[0].why if all(world.confirms for world in worlds) else None
        if isinstance(action, a.Look):
            parts = [world.perform(action) for world in self.by_function.values()]
            return tuple(snapshot for part in parts if isinstance(part, tuple) for snapshot in part)
        if isinstance(action, a.Measure):
            answers = {
                question: found
                for function, world in self.by_function.items()
                if (asked := tuple(one for one in action.questions if one.function == function))
                for question, found in world.measure(asked).answers.items()
            }
            return Readings(answers=answers, at=AWS_EPOCH + self.now)
        return self.by_function[action.key.partition(":")[0]].perform(action)


class Run:
    """A release under way in a world."""

    def __init__(
        self,
        world: World | Worlds,
        *rollouts: Rollout,
        search: Search | None = None,
        weather: Weather = FAIR,
        signals: Iterable[float] = (),
        seed: int = 0,
        policy: Policy = ALL_OR_NOTHING,
    ) -> None:
        """With a `search` it watches; without one it has a rollout at least."""
        self.world, self.weather = world, weather
        command = Command.WATCH if search is not None else rollouts[0].command
        self.release = Release(command=command, rollouts=rollouts, policy=policy, search=search)
        self.start = world.now
        self.now = 0.0  # kept apart from world.now so that sums of floats do not drift
        self.dice = random.Random(seed)
        self.events: list[Event] = []
        self.actions: list[tuple[float, a.Action]] = []
        self.wake: float | None = 0.0
        self.idle = 0
        self.order = 0
        self.inbox: list[tuple[float, int, a.Observation]] = []
        for at in signals:
            self._expect(self.start + at, a.Cancelled(signal="SIGINT", second=1.0))

    def _expect(self, at: float, observation: a.Observation) -> None:
        """It comes at that moment of the world's time."""
        self.order += 1
        heapq.heappush(self.inbox, (at, self.order, observation))

    @property
    def over(self) -> bool:
        return self.wake is None

    def next_at(self) -> float:
        """When this run has something to do, in the world's time."""
        assert self.wake is not None
        due = self.start + self.wake
        return min(due, self.inbox[0][0]) if self.inbox else due

    def go(self) -> None:
        """Take what is there, at the world's time, and step."""
        assert self.wake is not None
        self.now = max(self.now, self.world.now - self.start)
        observation: a.Observation = a.Tick()
        if self.inbox and self.inbox[0][0] <= self.world.now:
            observation = heapq.heappop(self.inbox)[2]
        else:
            self.now = max(self.now, self.wake)
        made = step(self.release, observation, self.now)
        self.release = made.release
        self.events += made.events
        self.idle = 0 if made.actions or made.events else self.idle + 1
        assert self.idle < 5_000, f"spinning in {[one.stage for one in self.release.rollouts]}"
        for action in made.actions:
            self.actions.append((self.now, action))
            self._expect(*self._answer(action))
        self.wake = made.look_again_at

    def _answer(self, action: a.Action) -> tuple[float, a.Observation]:
        """Carry the action out now (or not at all), and say when the answer arrives."""
        world, dice = self.world, self.dice
        arrives = world.now + dice.uniform(*self.weather.delays)
        arrives += self.weather.slow.get(type(action).__name__, 0.0)
        kind = self.weather.fault(action, world.now, dice)
        if kind is not None and not (kind is ErrorKind.UNREACHABLE and dice.random() < self.weather.lost_answers):
            return arrives + 1.0, _fault(action, kind)
        try:
            answer = world.perform(action)
        except CiDeployError as problem:
            return arrives, a.Failed(action=action, error=problem)
        if kind is not None:
            return arrives + 1.0, _fault(action, kind)
        return arrives, a.Done(action=action, answer=answer)

    # --- what came of it ---

    @property
    def concluded(self) -> Concluded:
        found = self.events[-1]
        assert isinstance(found, Concluded)
        return found

    @property
    def result(self) -> Result:
        return self.concluded.result

    @property
    def rollout(self) -> Rollout:
        return self.release.rollouts[0]

    @property
    def ended(self) -> float:
        """In the world's time."""
        return self.start + self.now

    def asked(self, kind: type[a.Action]) -> list[tuple[float, a.Action]]:
        return [(at, action) for at, action in self.actions if isinstance(action, kind)]

    def count(self, kind: type[a.Action]) -> int:
        return len(self.asked(kind))

    def said(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def state(self) -> dict[str, str]:
        """What the outputs reporter would have left for the post step."""
        found: dict[str, str] = {}
        for event in self.events:
            if isinstance(event, Creating):
                found |= {"marker-id": event.marker_id, "target-version": event.target_version}
                found |= {"previous-version": event.current_version}
            elif isinstance(event, DeploymentStarted):
                found |= {"deployment-id": event.deployment_id, "target-version": event.target_version}
                found |= {"previous-version": event.current_version}
            elif isinstance(event, StopRequested) and event.deployment_id == found.get("deployment-id"):
                found["stopping"] = "rollback" if event.rollback else "stop"
        return found


def _fault(action: a.Action, kind: ErrorKind) -> a.Failed:
    error = AwsError(kind, operation=f"test:{type(action).__name__}", code="Fault", message="weather")
    return a.Failed(action=action, error=error)


def first(given: Inputs, run: Context, marker_id: str = "0badcafe") -> Rollout:
    return Rollout.first(Job(inputs=given, context=run, subject=given.deployment_id or ""), marker_id)


def play_together(
    world: World, *runs: Run, then: Callable[[Run], None] = lambda run: None, limit: float = 400_000.0
) -> None:
    """Play runs to their ends, side by side; `then` is told of each end when it comes."""
    while going := [run for run in runs if not run.over]:
        run = min(going, key=Run.next_at)
        world.advance(max(run.next_at(), world.now))
        run.go()
        if run.over:
            then(run)
        assert run.now < limit, f"no end: {[one.stage for one in run.release.rollouts]}"


def play(
    world: World,
    given: Inputs | None = None,
    *,
    run: Context | None = None,
    weather: Weather = FAIR,
    signals: Iterable[float] = (),
    seed: int = 0,
    marker_id: str = "0badcafe",
) -> Run:
    """Run one release to its end in this world."""
    made = Run(
        world, first(given or inputs(), run or context(), marker_id), weather=weather, signals=signals, seed=seed
    )
    play_together(world, made)
    return made


def post_step(
    main: Run,
    *,
    weather: Weather = FAIR,
    seed: int = 0,
    killed: bool = False,
    begun: Callable[[Run], None] = lambda run: None,
) -> Run | None:
    """What the post step makes of it, from the state that the main step left; None where nothing is left to do."""
    state = main.state()
    if not state or (not killed and main.result.settled):
        return None
    given = replace(
        main.rollout.inputs,
        command=Command.FINISH.value,
        on_cancel=state.get("stopping") or main.rollout.inputs.on_cancel,
        wait=True,
    )
    job = Job(
        inputs=given,
        context=main.rollout.context,
        subject=state.get("deployment-id", ""),
        search="deployment-id" not in state,
        known_previous=state.get("previous-version", ""),
        known_target=state.get("target-version", ""),
    )
    rollout = Rollout.first(job, state.get("marker-id", ""), until=FINISH_WITHIN)
    made = Run(main.world, rollout, weather=weather, seed=seed)
    begun(made)
    play_together(main.world, made)
    return made


def until(world: World, run: Run, at: float, then: Callable[[Run], None] = lambda run: None) -> None:
    """Play a run up to a moment and no further: a kill."""
    while not run.over and run.next_at() <= at:
        world.advance(max(run.next_at(), world.now))
        run.go()
        if run.over:
            then(run)
    world.advance(at)


def told(run: Run) -> list[str]:
    """What people are told from the deployment's beginning on, one line an event, without the times."""
    return [line for event in run.events if (line := _line(event))]


def _line(event: Event) -> str:
    of = "rollback: " if getattr(event, "of_rollback", False) else ""
    match event:
        case e.DeploymentStarted():
            return f"{event.deployment_id} begins, {event.current_version} -> {event.target_version}"
        case e.LifecycleChanged():
            return f"{of}{event.event.name} {event.status}"
        case e.StatusChanged():
            return f"{event.deployment_id} {event.status} {event.error_code}".strip()
        case e.TrafficShifted():
            return f"{of}traffic {shares_text(event.shares)}"
        case e.Heartbeat():
            return f"still {event.what}, {shares_text(event.shares)}"
        case e.ContactTroubled():
            return f"no contact ({event.failures})"
        case e.ContactRestored():
            return f"contact again after {event.failures}"
        case e.CancelReceived():
            return f"{event.signal}, on-cancel {event.policy}"
        case e.StopRequested():
            return f"stop{' with rollback' if event.rollback else ''}: {event.why.code}"
        case e.StopAnswered():
            return f"stop {event.status}" + (f": {event.message}" if event.message else "")
        case e.RollbackStarted():
            return f"{event.deployment_id} rolls {event.rollback_of} back"
        case e.AliasRead():
            return f"alias serves {shares_text(event.alias.shares)}"
        case e.AliasRestored():
            return f"alias set to {shares_text(event.alias.shares)}: {event.why.code}"
        case e.Noticed():
            return f"{event.finding.severity} {event.finding.code}"
        case e.Diagnosed():
            return f"diagnosis {event.diagnosis.reason.code}"
        case e.Finished():
            return f"{event.result.outcome}, rollback {event.result.rollback}"
    return ""


def summary(runs: Iterable[Run]) -> Iterator[str]:
    """What runs did, for a person who replays a seed."""
    for number, run in enumerate(runs, 1):
        lines = [(at, f"-> {json.dumps(str(action))[:200]}") for at, action in run.actions]
        lines += [(event.at, str(event)[:400]) for event in run.events]
        for at, text in sorted(lines, key=lambda line: line[0]):
            yield f"{number}: {at:9.2f}  {text}"
