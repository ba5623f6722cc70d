"""The real program in this process, on the emulator's time: runs that take turns, and what happens to them meanwhile.

Every run has a thread of its own, but only one ever runs: the one whose turn it is goes on until it waits (for an
observation, or in `sleep`); then time moves to whatever is due next. So a seed gives the same history every time.
"""

from __future__ import annotations

import contextlib
import heapq
import io
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from ci_deploy import app
from ci_deploy.core.machine.actions import Action, Cancelled, Create, Failed, Observation, Stop, Tick
from ci_deploy.drive import Bug, Inbox
from ci_deploy.edge.runner.files import Stdout
from ci_deploy.ports import Clock
from codedeploy_emulator import Emulator
from tests.support.action import pairs, unwrapped
from tests.support.at_hand import at_hand, github_at_hand
from tests.support.golden import Told

NEVER = 1e12
WEATHER = object()  # what a happening answers that has changed the faults


def _baton() -> threading.Lock:
    """What one thread lets go of and the other waits for; a plain lock, for it changes hands thousands of times."""
    baton = threading.Lock()
    baton.acquire()
    return baton


class Killed(BaseException):
    """The runner has killed this step."""


@dataclass(kw_only=True)
class Happening:
    """What somebody else does at some moment."""

    at: float
    what: str
    do: Callable[[], object]


class Stage:
    """Gives the floor to one run at a time, and moves the emulator's clock when all of them wait."""

    def __init__(self, emulator: Emulator, happenings: list[Happening]) -> None:
        self.emulator = emulator
        self.log: list[str] = []
        self._happenings = sorted(happenings, key=lambda happening: happening.at)
        self._start = emulator.now
        self.back = _baton()

    @property
    def now(self) -> float:
        return self.emulator.now - self._start

    def play(self, *steps: Step, then: Callable[[Step], None] = lambda step: None) -> None:
        """Run steps side by side to their ends; `then` is told of each end when it comes."""
        for step in steps:
            step.begin(self)
        going = list(steps)
        while going:
            step = min(going, key=lambda one: one.due)
            at = step.due
            if self._happenings and self._happenings[0].at <= at:
                self._happen()
                continue
            assert at < NEVER, "a step waits for nothing"
            self._move_to(at)
            step.go()
            if step.over:
                going.remove(step)
                then(step)

    def _move_to(self, at: float) -> None:
        if at > self.now:
            # A float of this size has steps of a quarter of a microsecond: no less, or time would stand still.
            self.emulator.advance(max(1e-6, at - self.now))

    def _happen(self) -> None:
        happening = self._happenings.pop(0)
        self._move_to(happening.at)
        self.log.append(f"{self.now:9.2f}  {happening.what}")
        # The weather is for those who are tested, not for the one who makes it.
        faults = self.emulator.present_faults()
        self.emulator.faults([])
        if happening.do() is not WEATHER:
            self.emulator.faults(faults)

    def calm(self) -> None:
        """Nothing more happens."""
        self._happenings.clear()


@dataclass(kw_only=True)
class Step:
    """One step of a workflow: the program, from inputs to exit code. It is the program's clock and inbox as well."""

    name: str
    environ: Mapping[str, str]
    folder: Path
    dice: Random
    workspace: Path | None = None  # if not its own folder
    starts: float = 0.0
    signals: tuple[float, ...] = ()  # seconds after the start
    killed_at: float | None = None
    kill_while_creating: bool = False
    slowest: float = 0.5  # how long an answer takes at most
    command: str = ""
    run_id: int = 0
    inputs: Mapping[str, str] = field(default_factory=dict)
    code: int | None = None
    killed: bool = False
    due: float = 0.0
    over: bool = False
    out: io.BytesIO = field(default_factory=io.BytesIO)
    asked: list[tuple[float, Action]] = field(default_factory=list)
    signalled_at: float | None = None
    error: BaseException | None = None

    def begin(self, stage: Stage) -> None:
        self.stage = stage
        self._arrivals: list[tuple[float, int, Observation]] = []
        self._order = 0
        self._floor = _baton()
        self.due = max(self.starts, stage.now)
        self._born = self.due
        for at in self.signals:
            self._expect(self.due + at, Cancelled(signal="SIGINT", second=1.0))
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def _expect(self, at: float, observation: Observation) -> None:
        self._order += 1
        heapq.heappush(self._arrivals, (at, self._order, observation))

    # --- the stage's side ---

    def go(self) -> None:
        """Have the floor until it waits again, or is over."""
        self._floor.release()
        self.stage.back.acquire()
        if self.error is not None:
            raise self.error

    # --- the program's side ---

    def _run(self) -> None:
        self._floor.acquire()
        try:
            self.code = app.run(
                [], self.environ, self.workspace or self.folder, command=self.command, machine=_Hand(self)
            )
        except Killed:
            self.killed = True
        except BaseException as error:  # noqa: BLE001 - shown where the stage plays
            self.error = error
        self.over = True
        self.stage.back.release()

    def wait(self, until: float) -> None:
        """Give the floor away until then."""
        if self.killed_at is not None:
            until = min(until, max(self.stage.now, self._born + self.killed_at))
        self.due = until
        self.stage.back.release()
        self._floor.acquire()
        if self.killed_at is not None and self.stage.now >= self._born + self.killed_at:
            raise Killed

    def take(self, seconds: float | None) -> Observation:
        until = NEVER if seconds is None else self.stage.now + max(0.0, seconds)
        while True:
            if self._arrivals and self._arrivals[0][0] <= self.stage.now:
                observation = heapq.heappop(self._arrivals)[2]
                if isinstance(observation, Cancelled) and self.signalled_at is None:
                    self.signalled_at = self.stage.now
                return observation
            if until <= self.stage.now:
                return Tick()
            self.wait(min(until, self._arrivals[0][0]) if self._arrivals else until)

    def submit(self, perform: Callable[[Action], Observation], action: Action) -> None:
        """Carried out at once; when the answer arrives is another matter."""
        self.asked.append((self.stage.now, action))
        self.stage.log.append(f"{self.stage.now:9.2f}  {self.name}: {type(action).__name__}")
        if self.kill_while_creating and isinstance(action, Create) and self.dice.random() < 0.5:
            raise Killed
        try:
            observation = perform(action)
        except Exception as error:  # noqa: BLE001 - as the real workers do
            observation = Failed(action=action, error=Bug(error))
        if self.kill_while_creating and isinstance(action, Create):
            raise Killed
        urgent = isinstance(action, Stop) and action.urgent
        takes = self.dice.uniform(0.02, 0.3 if urgent else self.slowest)
        self._expect(self.stage.now + takes, observation)

    # --- what it left ---

    def log(self) -> str:
        return unwrapped(self.out.getvalue().decode("utf-8", "replace"))

    def _file(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def outputs(self) -> dict[str, str]:
        return pairs(self._file("output"))

    @property
    def state(self) -> dict[str, str]:
        return pairs(self._file("state"))

    @property
    def summary(self) -> str:
        return self._file("summary")

    def check(self, code: int, **outputs: str | Told) -> Step:
        """Assert exit code and outputs (underscores for hyphens), showing the log where they differ."""
        wanted = {name.replace("_", "-"): value for name, value in outputs.items()}
        seen = {name: self.outputs.get(name) for name in wanted}
        assert (code, wanted) == (self.code, seen), self.log()
        return self


class _Hand(app.Machine):
    """The machine of a step on a stage."""

    def __init__(self, step: Step) -> None:
        self._step = step

    def clock(self, environ: Mapping[str, str]) -> Clock:
        return _HandClock(self._step)

    def inbox(self, clock: Clock, signalled: Callable[[int], None] = lambda _: None) -> Inbox:
        return _Inbox(self._step)

    def submit(self, perform: Callable[[Action], Observation], inbox: Inbox) -> Callable[[Action], None]:
        return lambda action: self._step.submit(perform, action)

    def ahead(self, ask: Callable[[], None]) -> None:
        """Everything has its turn here."""

    def stdout(self) -> Stdout:
        return Stdout(self._step.out)


class _Inbox:
    def __init__(self, step: Step) -> None:
        self._step = step

    def put(self, observation: Observation) -> None:
        self._step._expect(self._step.stage.now, observation)

    def expect(self) -> None:
        """All that is under way is known here."""

    def take(self, seconds: float | None) -> Observation:
        return self._step.take(seconds)


class _HandClock:
    def __init__(self, step: Step) -> None:
        self._step = step

    def now(self) -> float:
        return self._step.stage.now

    def behind(self) -> float:
        return 0.0

    def epoch(self) -> float:
        return self._step.stage.emulator.now

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._step.wait(self._step.stage.now + seconds)

    def take(self, items: object, seconds: float | None, *, quiet: bool) -> Any:
        raise AssertionError("a step takes from its own inbox")

    def real(self, seconds: float) -> float:
        return seconds


@contextlib.contextmanager
def emulated(seed: Any, **how: Any) -> Iterator[Emulator]:
    """An emulator whose clock is in our hand, with this process's AWS variables pointing at it.

    It starts at the same moment after each reset, so that what the seed makes is brought back and not made again.
    """
    with Emulator(**{"speed": 0, "seed": seed, "start": time.time(), **how}) as emulator:
        aws = {name: value for name, value in emulator.env.items() if name.startswith("AWS_")}
        ours = mock.patch.dict("os.environ", {**aws, "AWS_EC2_METADATA_DISABLED": "true"})
        with ours, at_hand(emulator), github_at_hand(emulator):
            yield emulator


def environment(env: Mapping[str, str], folder: Path, inputs: Mapping[str, str], **more: Any) -> dict[str, str]:
    """What the runner would give a step of a private repository."""
    event = folder / "event.json"
    event.write_text(json.dumps({"repository": {"full_name": "your-org/checkout", "private": True}}), encoding="utf-8")
    files = {"GITHUB_OUTPUT": "output", "GITHUB_STATE": "state", "GITHUB_STEP_SUMMARY": "summary"}
    return {
        **{name: value for name, value in env.items() if name != "GITHUB_TOKEN"},
        **{name: str(folder / file) for name, file in files.items()},
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(folder),
        "GITHUB_REPOSITORY": "your-org/checkout",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
        "GITHUB_ACTOR": "alice",
        **{f"INPUT_{name.upper()}": value for name, value in inputs.items() if value},
        **{name: str(value) for name, value in more.items()},
    }
