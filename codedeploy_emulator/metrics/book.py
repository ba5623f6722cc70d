"""What CloudWatch has: Lambda's metrics by minute, under the dimension sets of function, alias and version.

A minute becomes visible `metric-delay-seconds` after its end, at first in part (`metric-revision-seconds`). A call is
counted when it has ended, at the minute in which it began. Durations are drawn when somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import erf, log, sqrt
from random import Random
from typing import Any

from ..switches import Switches
from .draws import binomial
from .durations import Durations, Samples

MINUTE = 60
METRICS = ("Invocations", "Errors", "Throttles", "Duration")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The calls of one minute: how many, how many of them failed, how many more were throttled.

    `seed` draws their durations; `slow` of them take `extra` milliseconds longer. `samples` instead: durations that
    are known, of calls that ended at `ended` (epoch seconds).
    """

    minute: int
    calls: int = 0
    errors: int = 0
    throttles: int = 0
    durations: Durations = field(default_factory=Durations)
    slow: int = 0
    extra: float = 0.0
    seed: str = ""
    samples: Samples = ()
    ended: float = 0.0

    def seen(self, now: float, delay: float, revision: float) -> Batch | None:
        """What of it CloudWatch shows at `now`; None: nothing yet."""
        since = now - delay - max(self.minute + MINUTE, self.ended)
        if since < 0:
            return None
        if self.samples:
            return self
        ended = self._ended(since)
        if since >= revision and ended >= 1:
            return self
        random = Random(f"part {self.seed}")
        share = (random.uniform(0.5, 0.9) if since < revision else 1.0) * ended
        good = binomial(random, self.calls - self.errors, share)
        errors = binomial(random, self.errors, share)
        return Batch(
            minute=self.minute,
            calls=good + errors,
            errors=errors,
            throttles=self.throttles,
            durations=self.durations,
            slow=min(self.slow, good + errors),
            extra=self.extra,
            seed=self.seed,
        )

    def _ended(self, since: float) -> float:
        """The share of the calls that have ended: those that take longer than a minute end after their minute."""
        limit, middle, sigma = (MINUTE + since) * 1000, self.durations.p50, self.durations.sigma
        if sigma == 0:
            return 1.0 if middle <= limit else 0.0
        deviations = log(limit / middle) / sigma
        return 1.0 if deviations > 4 else 0.5 * (1 + erf(deviations / sqrt(2)))

    def of(self, metric: str) -> Samples:
        """The values that a metric has."""
        if metric == "Duration":
            return self.samples or _drawn(self.seed, self.durations, self.calls, self.slow, self.extra)
        number = {"Invocations": self.calls, "Errors": self.errors, "Throttles": self.throttles}[metric]
        return ((1.0, number),) if number else ()


@lru_cache(maxsize=50_000)
def _drawn(seed: str, durations: Durations, calls: int, slow: int, extra: float) -> Samples:
    return durations.draw(Random(f"durations {seed}"), calls, slow=slow, extra=extra)


Place = tuple[str, str]  # account and region
Key = tuple[Place, str, str, str]  # place, function, resource, executed version (or none)


@dataclass(slots=True)
class Book:
    """Everything recorded, by place, function, resource, version and minute."""

    switches: Switches
    _batches: dict[Key, dict[int, list[Batch]]] = field(default_factory=dict)

    def record(self, place: Place, function: str, resource: str, version: str, batch: Batch) -> None:
        """Keep a batch; `version` empty: without the dimension ExecutedVersion."""
        minutes = self._batches.setdefault((place, function, resource, version), {})
        minutes.setdefault(batch.minute, []).append(batch)

    def invoked(self, found: Any, via: tuple[str, bool], started: float, ended: float, failed: bool) -> None:
        """Keep one real invocation of a function object: the qualifier it came by, and whether that was a split alias.

        An alias without weights has no executed version, except where the switch says so; a version's own number and
        $LATEST never have.
        """
        qualifier, weighted = via
        function = str(found.function_name)
        through_alias = bool(qualifier) and not qualifier.isdecimal() and qualifier != "$LATEST"
        always = through_alias and self.switches.flag("executed-version-always")
        milliseconds = max(0.01, round((ended - started) * 1000, 2))
        batch = Batch(
            minute=int(started // MINUTE) * MINUTE,
            calls=1,
            errors=int(failed),
            samples=((milliseconds, 1),),
            ended=ended,
        )
        resource = f"{function}:{qualifier}" if qualifier else function
        place = str(found.account_id), str(found.region)
        self.record(place, function, resource, str(found.version) if weighted or always else "", batch)

    def clear(self) -> None:
        """Forget everything."""
        self._batches.clear()

    def samples(
        self, place: Place, metric: str, dimensions: Mapping[str, str], start: int, end: int, now: float
    ) -> Iterator[tuple[int, Samples]]:
        """(minute, values) of a metric with exactly these dimensions, from `start` to before `end`, seen at `now`."""
        delay = self.switches.number("metric-delay-seconds")
        revision = self.switches.number("metric-revision-seconds")
        if metric not in METRICS:
            return
        for minutes in self._with(place, dimensions):
            for minute in sorted(each for each in minutes if start <= each < end):
                for batch in minutes[minute]:
                    seen = batch.seen(now, delay, revision)
                    if seen is not None and (values := seen.of(metric)):
                        yield minute, values

    def _with(self, place: Place, dimensions: Mapping[str, str]) -> Iterable[dict[int, list[Batch]]]:
        names = set(dimensions)
        sets = ({"FunctionName"}, {"FunctionName", "Resource"}, {"FunctionName", "Resource", "ExecutedVersion"})
        if names not in sets:
            return ()
        return (
            minutes
            for (where, function, resource, version), minutes in self._batches.items()
            if where == place
            and function == dimensions["FunctionName"]
            and resource == dimensions.get("Resource", resource)
            and version == dimensions.get("ExecutedVersion", version)
        )
