"""Synthetic callers of aliases: a minute at a time, split by the alias's weights of each moment, nothing invoked.

A minute is drawn when it is over, from the seed and from nothing that a client does: how often anybody looks changes
nothing. What is drawn goes into the book (metrics) and, for errors, into the version's log stream.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import floor
from random import Random
from typing import Any

from ..errors import SeedError
from ..switches import Switches
from .book import MINUTE, Batch, Book, Place
from .draws import binomial, poisson
from .durations import Durations

LOGGED = 5  # error entries that a version's log gets a minute, at most

Weights = Mapping[str, float]  # version -> share of the calls, 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How a version answers: shares of calls (0 to 1) that fail and that are throttled, and its durations."""

    errors: float = 0.0
    throttles: float = 0.0
    durations: Durations = field(default_factory=Durations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that hits all versions, `start` (epoch seconds) on: an outage with its share of failing calls until
    `end`, or a burst of so many failing calls at `start`, again `every` so many seconds (0: once)."""

    start: float
    end: float = 0.0
    outage: float = 0.0
    burst: int = 0
    every: float = 0.0

    def failing(self, at: float) -> float:
        """The share of calls that the outage makes fail."""
        return self.outage if self.start <= at < self.end else 0.0

    def bursts(self, begin: float, end: float) -> int:
        """How many failing calls come from `begin` to before `end`."""
        if not self.every:
            return self.burst if begin <= self.start < end else 0

        def before(moment: float) -> int:
            return max(0, -floor(-(moment - self.start) / self.every))

        return self.burst * (before(end) - before(begin))


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """The callers of one alias, `per_minute` in the mean."""

    function: str
    alias: str
    per_minute: float
    versions: Mapping[str, Behaviour]
    events: tuple[Happening, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Playing:
    """Callers at work: `drawn` is the end of what was drawn, `history` the alias's weights with their moments."""

    callers: Callers
    number: int
    drawn: float
    until: float | None = None
    history: list[tuple[float, Weights]] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)  # version -> how many slow first calls it still has


WeightsOf = Callable[[Place, str, str], Weights]  # of a function's alias; empty: there is none
Log = Callable[[Place, str, str, list[float]], None]  # errors of a function's version, at these moments


class Traffic:
    """Plays callers as time goes by, in the account and region `place`."""

    def __init__(self, book: Book, switches: Switches, weights: WeightsOf, log: Log) -> None:
        self._book = book
        self._switches = switches
        self._weights = weights
        self._log = log
        self._entries: list[Any] = []
        self._playing: list[_Playing] = []
        self._made = 0
        self.place: Place = ("", "")

    def json(self) -> list[Any]:
        """The present list, as it was given."""
        return self._entries

    def clear(self) -> None:
        """Nobody calls any more, and nothing of it is known."""
        self._entries, self._playing, self._made = [], [], 0

    def replace(self, entries: object, now: float, *, past: float = 0.0) -> None:
        """Replace the list of callers from `now` on. SeedError says what is wrong with it, and nothing is changed.

        `past`: they have been calling for so many seconds already, with the present weights.
        """
        if not isinstance(entries, list):
            raise SeedError("traffic is a list of callers; [] ends it")
        made = [_callers(entry, now) for entry in entries]
        self.play(now)
        for playing in self._playing:
            playing.until = now if playing.until is None else playing.until
        for callers in made:
            weights = self._weights(self.place, callers.function, callers.alias)
            self._playing.append(
                _Playing(
                    callers=callers,
                    number=self._made,
                    drawn=now - past,
                    history=[(now - past, weights)],
                    # Whoever is being called already is warm.
                    known=dict.fromkeys(weights, 0),
                )
            )
            self._made += 1
        self._entries = list(entries)
        self.play(now)

    def note(self, now: float) -> None:
        """The weights of an alias may have changed just now."""
        for playing in self._playing:
            weights = self._weights(self.place, playing.callers.function, playing.callers.alias)
            if weights != playing.history[-1][1]:
                playing.history.append((now, weights))

    def play(self, now: float) -> None:
        """Draw every minute that is over by `now`."""
        self.note(now)
        over = floor(now / MINUTE) * MINUTE
        for playing in self._playing:
            while playing.drawn < over and (playing.until is None or playing.drawn < playing.until):
                minute = floor(playing.drawn / MINUTE) * MINUTE
                self._draw(playing, minute)
                playing.drawn = float(minute + MINUTE)
            # Older weights are not asked for any more.
            while len(playing.history) > 1 and playing.history[1][0] <= playing.drawn:
                playing.history.pop(0)
        self._playing = [each for each in self._playing if each.until is None or each.drawn < each.until]

    def _draw(self, playing: _Playing, minute: int) -> None:
        callers = playing.callers
        random = Random(f"{self._switches.number('random-seed')} {playing.number} {minute}")
        drawn: dict[tuple[str, bool], list[int]] = {}
        failed: dict[str, list[float]] = {}
        for begin, end in _segments(playing, minute):
            weights = next(weights for at, weights in reversed(playing.history) if at <= begin)
            calls = poisson(random, callers.per_minute * (end - begin) / MINUTE)
            extra = sum(event.bursts(begin, end) for event in callers.events)
            outage = max((event.failing(begin) for event in callers.events), default=0.0)
            left = 1.0
            for version, share in weights.items():
                portion = min(1.0, share / left) if left > 0 else 0.0
                left -= share
                number, burst = binomial(random, calls, portion), binomial(random, extra, portion)
                calls, extra = calls - number, extra - burst
                behaviour = callers.versions.get(version, Behaviour())
                throttled = binomial(random, number, behaviour.throttles)
                errors = burst + binomial(random, number - throttled, max(behaviour.errors, outage))
                counts = drawn.setdefault((version, len(weights) > 1), [0, 0, 0])
                for index, value in enumerate((number - throttled + burst, errors, throttled)):
                    counts[index] += value
                room = LOGGED - len(failed.setdefault(version, []))
                failed[version] += sorted(random.uniform(begin, end) for _ in range(min(errors, room)))
        always = self._switches.flag("executed-version-always")
        resource = f"{callers.function}:{callers.alias}"
        for (version, weighted), (calls, errors, throttles) in drawn.items():
            if throttles:
                # No version was chosen for them.
                batch = Batch(minute=minute, throttles=throttles)
                self._book.record(self.place, callers.function, resource, "", batch)
            if calls:
                batch = Batch(
                    minute=minute,
                    calls=calls,
                    errors=errors,
                    durations=callers.versions.get(version, Behaviour()).durations,
                    slow=self._slow(playing, version, calls),
                    extra=self._switches.number("cold-milliseconds"),
                    seed=f"{self._switches.number('random-seed')} {playing.number} {minute} {version} {weighted}",
                )
                executed = version if weighted or always else ""
                self._book.record(self.place, callers.function, resource, executed, batch)
        for version, moments in failed.items():
            if moments:
                self._log(self.place, callers.function, version, moments)

    def _slow(self, playing: _Playing, version: str, calls: int) -> int:
        """How many of the calls are among the version's first ones."""
        left = playing.known.setdefault(version, int(self._switches.number("cold-calls")))
        slow = min(left, calls)
        playing.known[version] = left - slow
        return slow


def _segments(playing: _Playing, minute: int) -> list[tuple[float, float]]:
    """The parts of a minute in which neither the weights change nor an outage begins or ends."""
    begin = max(float(minute), playing.drawn)
    end = min(float(minute + MINUTE), minute + MINUTE if playing.until is None else playing.until)
    moments = [at for at, _ in playing.history]
    for event in playing.callers.events:
        moments += [event.start, event.end] if event.outage else []
    edges = [begin, *sorted({moment for moment in moments if begin < moment < end}), end]
    return list(pairwise(edges))


def _callers(entry: object, now: float) -> Callers:
    given = _mapping(entry, ("function", "alias", "per_minute", "versions", "events"), "an entry of traffic")
    function, alias = given.get("function"), given.get("alias")
    if not isinstance(function, str) or not function or not isinstance(alias, str) or not alias:
        raise SeedError("an entry of traffic needs a function and an alias")
    what = f"traffic of {function}:{alias}"
    versions = _mapping(given.get("versions") or {}, None, f"{what}: versions")
    events = given.get("events") or []
    if not isinstance(events, list):
        raise SeedError(f"{what}: events is a list")
    return Callers(
        function=function,
        alias=alias,
        per_minute=_number(given, "per_minute", what, 1e7, needed=True),
        versions={str(name): _behaviour(each, f"{what}, version {name}") for name, each in versions.items()},
        events=tuple(_event(each, f"{what}, an event", now) for each in events),
    )


def _behaviour(value: object, what: str) -> Behaviour:
    given = _mapping(value or {}, ("errors", "throttles", "duration"), what)
    spread = _mapping(given.get("duration") or {}, ("p50", "p99"), f"{what}: duration")
    median = _number(spread, "p50", what, 900_000, default=100.0) or 0.01
    top = _number(spread, "p99", what, 900_000, default=4 * median)
    if top < median:
        raise SeedError(f"{what}: p99 is below p50")
    return Behaviour(
        errors=_number(given, "errors", what, 1.0),
        throttles=_number(given, "throttles", what, 1.0),
        durations=Durations(p50=median, p99=top),
    )


def _event(value: object, what: str, now: float) -> Happening:
    given = _mapping(value, ("after", "for", "outage", "burst", "every"), what)
    if ("outage" in given) == ("burst" in given):
        raise SeedError(f"{what} has either outage (a share) or burst (a number of failing calls)")
    start = now + _number(given, "after", what, 1e9)
    if "outage" in given:
        length = _number(given, "for", what, 1e9, needed=True)
        return Happening(start=start, end=start + length, outage=_number(given, "outage", what, 1.0))
    every = _number(given, "every", what, 1e9)
    return Happening(start=start, burst=int(_number(given, "burst", what, 1e6)), every=every)


def _mapping(value: object, keys: tuple[str, ...] | None, what: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise SeedError(f"{what} must be a mapping")
    unknown = sorted(set(map(str, value)) - set(keys)) if keys is not None else []
    if keys is not None and unknown:
        raise SeedError(f"{what} has unknown keys: {', '.join(unknown)}; it may have {', '.join(keys)}")
    return value


def _number(
    given: Mapping[Any, Any], name: str, what: str, most: float, *, default: float = 0.0, needed: bool = False
) -> float:
    value = given.get(name, None if needed else default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise SeedError(f"{what}: {name} must be a number from 0 to {most:,.10g}")
    return float(value)
