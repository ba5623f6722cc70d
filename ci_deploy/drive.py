"""The only loop of the product: take from the inbox, step, hand out actions, report events.

Actions run on daemon threads and put their observations into the inbox; a signal handler puts `Cancelled` there
(SimpleQueue.put is re-entrant by contract); the main thread takes from it until `look_again_at`. Nothing is
interrupted half-way, and a slow read delays nothing.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Protocol

from .core.errors import CiDeployError
from .core.machine.actions import Action, Cancelled, Failed, Look, Observation, Progressed, Stop, Tick
from .core.machine.release import Release, step
from .core.reasons import run as reasons
from .core.story.events import Event
from .ports import Clock

WORKERS = 12
WATCHERS = 6  # looks wait for their rate, and must not hold up what publishes and creates
URGENT = 16  # stops that go out side by side when a release is cancelled


class Inbox(Protocol):
    def put(self, observation: Observation) -> None: ...

    def expect(self) -> None:
        """One more action is under way: its observation is to come. The thread that takes says so."""
        ...

    def take(self, seconds: float | None) -> Observation:
        """The next observation, or Tick after so many seconds (of the product's clock)."""
        ...


class QueueInbox:
    """The inbox of a real run, whose waits are as long as the clock has them."""

    def __init__(self, clock: Clock) -> None:
        self._queue: queue.SimpleQueue[Observation] = queue.SimpleQueue()
        self._clock = clock
        self._expected = 0

    def put(self, observation: Observation) -> None:
        self._queue.put(observation)

    def expect(self) -> None:
        self._expected += 1

    def take(self, seconds: float | None) -> Observation:
        wait = None if seconds is None else max(0.0, seconds)
        try:
            observation = self._clock.take(self._queue, wait, quiet=not self._expected)
        except queue.Empty:
            return Tick()
        if not isinstance(observation, Cancelled | Progressed):
            self._expected -= 1
        return observation


class Pool:
    """A bounded pool of daemon threads, begun one by one as there is work."""

    def __init__(self, run: Callable[[Action], None], size: int, name: str) -> None:
        self._run = run
        self._work: queue.SimpleQueue[Action] = queue.SimpleQueue()
        self._size, self._name = size, name
        self._started = 0

    def submit(self, action: Action) -> None:
        if self._started < self._size:
            self._started += 1
            threading.Thread(target=self._loop, daemon=True, name=f"{self._name}-{self._started}").start()
        self._work.put(action)

    def _loop(self) -> None:
        while True:
            self._run(self._work.get())


class Workers:
    """Carries actions out. What is urgent has threads of its own, and waits for no slow read."""

    def __init__(self, perform: Callable[[Action], Observation], inbox: Inbox, size: int = WORKERS) -> None:
        self._perform = perform
        self._inbox = inbox
        self._usual = Pool(self._run, size, "worker")
        self._watch = Pool(self._run, WATCHERS, "watcher")
        self._urgent = Pool(self._run, URGENT, "urgent")

    def submit(self, action: Action) -> None:
        self._inbox.expect()
        if isinstance(action, Stop) and action.urgent:
            self._urgent.submit(action)
        elif isinstance(action, Look):
            self._watch.submit(action)
        else:
            self._usual.submit(action)

    def _run(self, action: Action) -> None:
        try:
            observation = self._perform(action)
        except Exception as error:  # noqa: BLE001 - a bug must end the run loudly, not leave it waiting for ever
            observation = Failed(action=action, error=Bug(error))
        self._inbox.put(observation)


class Bug(CiDeployError):  # noqa: N818
    """An exception that nobody expected, on its way from a worker thread to the process boundary."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(reasons.Bug(error=f"{type(cause).__name__}: {cause}"))
        self.__cause__ = cause


def drive(
    release: Release,
    *,
    inbox: Inbox,
    submit: Callable[[Action], None],
    now: Callable[[], float],
    report: Callable[[Event], None],
) -> Release:
    """Run a release to its conclusion. `now` is seconds since the run began."""
    observation: Observation = Tick()
    while True:
        if isinstance(observation, Failed) and isinstance(observation.error, Bug):
            raise observation.error
        made = step(release, observation, now())
        release = made.release
        # Actions go out before people are told of them: a stop does not wait for a reporter.
        for action in made.actions:
            submit(action)
        for event in made.events:
            report(event)
        if made.look_again_at is None:
            return release
        observation = inbox.take(made.look_again_at - now())
