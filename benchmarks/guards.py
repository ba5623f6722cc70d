"""Simulated deployments, judged by the guards: `python benchmarks/guards.py [--seed 18] [--jobs 2] [--write]`.

Every deployment is played minute by minute and judged as a run judges it: a look each minute, nothing younger than two
minutes, all minutes read again, the newest one in part and with each metric late by itself. Printed are

- **false alarms**: healthy versions, no better and no worse than the old one, that were stopped. Traffic, old error
  rate, kind of deployment, the moment within the minute, bursts and outages vary;
- **power**: bad versions that were stopped, each guard alone;
- **hours**: the same for one bad version, by what happened in the hour before;
- **sight**: the smallest error rate that each predefined configuration can see (computed, not simulated).

`--write` puts the tables into docs/guards.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from ci_deploy.core.aws import Routing, RoutingType  # noqa: E402 - a script finds its own project
from ci_deploy.core.guards import judging, power, texts  # noqa: E402
from ci_deploy.core.guards.grammar import Guard, parse  # noqa: E402
from ci_deploy.core.guards.judging import Verdict  # noqa: E402
from ci_deploy.core.guards.queries import COLD_MINUTES, MINUTE, Shift  # noqa: E402
from ci_deploy.core.guards.series import Count, Minute, Series, highest, together  # noqa: E402
from ci_deploy.core.schedule import shift_seconds, steps  # noqa: E402
from codedeploy_emulator.metrics.draws import binomial, poisson  # noqa: E402

SEED = 18
BAKE = 180.0  # what a counting guard implies
PAGE = ROOT / "docs" / "guards.md"


def canary(percent: int, minutes: int) -> Routing:
    return Routing(kind=RoutingType.CANARY, percentage=percent, interval_minutes=minutes)


def linear(percent: int, minutes: int) -> Routing:
    return Routing(kind=RoutingType.LINEAR, percentage=percent, interval_minutes=minutes)


PREDEFINED = {
    **{f"Canary10Percent{minutes}Minutes": canary(10, minutes) for minutes in (5, 10, 15, 30)},
    **{f"Linear10PercentEvery{minutes}Minute{'s' * (minutes > 1)}": linear(10, minutes) for minutes in (1, 2, 3, 10)},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One deployment's circumstances. Shares are 0 to 1; `outage` is (begin, end, share that fails), in minutes.

    `incident`: the same in the hour before, with a share that changes from minute to minute, as it does in incidents.
    `burst`: errors come in clusters of so many. `sticky`: a cluster hits one version, chosen by weight; else each of
    its calls is routed by weight. `cold`: the share of bad calls in the two minutes behind each increase.
    """

    routing: Routing
    per_minute: float
    old: float
    new: float
    bake: float = BAKE
    burst: int = 1
    sticky: bool = True
    outage: tuple[float, float, float] = (0, 0, 0)
    incident: tuple[float, float, float] = (0, 0, 0)
    cold: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What happened, by minute: from the first shift on, after the last one, and in the hour before."""

    minutes: tuple[Minute, ...]
    after: tuple[tuple[int, Count], ...]
    hour: tuple[Count, ...]
    shifts: tuple[Shift, ...]


def play(world: World, random: Random) -> Played:
    """Draw one deployment, whose first shift is at any second of minute 0."""
    began = random.uniform(0, MINUTE)
    shifts = tuple(Shift(at=began + step.offset, share=step.share) for step in steps(world.routing))
    last = shifts[-1].at
    split, after = [], []
    for at in range(int((last + world.bake) // MINUTE)):
        new, old = _minute(world, random, at, shifts)
        share = highest(shifts, at * MINUTE)
        if at * MINUTE >= last:
            after.append((at, new))
        elif share < 1:
            split.append(Minute(at=at, new=new, old=old, share=share))
    hour = tuple(_minute(_varied(world, random), random, at, ())[1] for at in range(-60, 0))
    return Played(minutes=tuple(split), after=tuple(after), hour=hour, shifts=shifts)


def _varied(world: World, random: Random) -> World:
    """The world in one minute of the hour before, where an incident is the outage."""
    begin, end, share = world.incident
    return replace(world, outage=(begin, end, share * random.uniform(0.5, 1))) if end > begin else world


def _minute(world: World, random: Random, at: int, shifts: Sequence[Shift]) -> tuple[Count, Count]:
    """The calls of (new, old) in one minute, drawn for each part of it in which nothing changes."""
    first, last = at * MINUTE, (at + 1) * MINUTE
    down, up = world.outage[0] * MINUTE, world.outage[1] * MINUTE
    edges = {down, up, *(shift.at for shift in shifts)}
    parts = pairwise([first, *sorted(edge for edge in edges if first < edge < last), last])
    return tuple(together(each) for each in zip(*(_part(world, random, *part, shifts) for part in parts), strict=True))


def _part(world: World, random: Random, begin: float, end: float, shifts: Sequence[Shift]) -> tuple[Count, Count]:
    weight = max((shift.share for shift in shifts if shift.at <= begin), default=0.0) / 100
    calls = poisson(random, world.per_minute * (end - begin) / MINUTE)
    new = binomial(random, calls, weight)
    numbers = new, calls - new
    failing = world.outage[2] if world.outage[0] * MINUTE <= begin < world.outage[1] * MINUTE else 0.0
    if world.burst > 1 and not failing:
        new_bad, old_bad = _bursts(world, random, calls, weight)
        bad = new_bad + binomial(random, numbers[0], world.new - world.old), old_bad
    else:
        cold = world.cold if any(0 <= begin - shift.at < COLD_MINUTES * MINUTE for shift in shifts) else 0.0
        shares = max(world.new, failing, cold), max(world.old, failing)
        bad = tuple(binomial(random, number, share) for number, share in zip(numbers, shares, strict=True))
    made = (Count(calls=number, bad=min(each, number)) for number, each in zip(numbers, bad, strict=True))
    return next(made), next(made)


def _bursts(world: World, random: Random, calls: int, weight: float) -> tuple[int, int]:
    new = old = 0
    for _ in range(poisson(random, calls * world.old / world.burst)):
        hit = world.burst * (random.random() < weight) if world.sticky else binomial(random, world.burst, weight)
        new, old = new + hit, old + world.burst - hit
    return new, old


def looks(world: World, played: Played, guard: Guard, random: Random) -> Iterator[Series]:
    """What each look reads. The newest minute comes in part."""
    skipped: set[int] = set()
    if guard.percentile:
        for shift in played.shifts:
            skipped |= set(range(int(shift.at // MINUTE), int(shift.at // MINUTE) + COLD_MINUTES + 1))
    for ready in range(1, int((played.shifts[-1].at + world.bake - 120) // MINUTE) + 1):
        split = [minute for minute in played.minutes if minute.at < ready and minute.at not in skipped]
        after = [count for at, count in played.after if at < ready and at not in skipped]
        if after:
            after[-1] = _arrived(after[-1], random)
        elif split:
            split[-1] = replace(split[-1], new=_arrived(split[-1].new, random), old=_arrived(split[-1].old, random))
        yield Series(
            split=tuple(split), after=tuple(after), hour=played.hour, threshold=800.0 if guard.percentile else None
        )


def _arrived(count: Count, random: Random) -> Count:
    """What there is of a minute's points: each metric by itself, so that the shares are wrong as well."""
    calls = binomial(random, count.calls, random.uniform(0.6, 1.0))
    bad = binomial(random, count.bad, random.uniform(0.6, 1.0))
    return Count(calls=max(calls, bad), bad=bad)


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a deployment ended, after how many judged minutes, and how many of these were whole."""

    verdict: Verdict
    minutes: int = 0
    whole: int = 0


def deploy(world: World, guard: Guard, random: Random, functions: int = 1) -> End:
    """Play one deployment and judge it at every look, until it is stopped or over."""
    at_level = judging.level(functions, 1, judging.planned_tests(shift_seconds(world.routing), world.bake))
    end = End(verdict=Verdict.INCONCLUSIVE)
    for series in looks(world, play(world, random), guard, random):
        # The minute of the first shift is judged, and is not whole.
        partial = sum(1 for minute in series.split if minute.at == 0)
        end = End(
            verdict=judging.judge(guard, series, at_level).verdict,
            minutes=series.minutes,
            whole=series.minutes - partial,
        )
        if end.verdict is Verdict.VIOLATED:
            break
    return end


# False alarms

TRAFFIC = (6.0, 60.0, 600.0)
OLD = (0.0, 0.001, 0.005, 0.01, 0.03, 0.1)  # with `errors < 1%`: below, at and far above the limit
ROUTINGS = (canary(10, 5), canary(10, 10), canary(10, 30), linear(10, 1), linear(10, 3))
CIRCUMSTANCES: dict[str, Callable[[World, Random], World]] = {
    "steady": lambda world, random: world,
    "bursts of 5, each on one version": lambda world, random: replace(world, burst=5),
    "bursts of 10, each on one version": lambda world, random: replace(world, burst=10),
    "bursts of 10, each call by weight": lambda world, random: replace(world, burst=10, sticky=False),
    "an outage of both versions": lambda world, random: replace(world, outage=_outage(world, random)),
    "an incident in the hour before": lambda world, random: replace(world, incident=_incident(random)),
    "bursts of 10 and an incident before": lambda world, random: replace(world, burst=10, incident=_incident(random)),
}
HOURS: dict[str, Callable[[World, Random], World]] = {
    "quiet": lambda world, random: world,
    "a bad version, rolled back": lambda world, random: replace(world, incident=_rolled_back(random)),
    "a dependency down": lambda world, random: replace(world, incident=_down(random)),
    "down for the whole hour": lambda world, random: replace(world, incident=(-60, -1, 0.3)),
    "bursts of 10, 1% of the calls": lambda world, random: replace(world, burst=10, old=0.01),
}
GUARDS = ("errors < 1%", "errors < 2x", "p99 < 800ms", "p95 < 1.5x")
MANY = 40


def _outage(world: World, random: Random) -> tuple[float, float, float]:
    """While traffic is split: later on nothing tells an outage from a version that fails."""
    length, end = random.uniform(0.5, 4), shift_seconds(world.routing) / MINUTE
    begin = random.uniform(-2, max(0.0, end - length))
    return begin, begin + length, random.choice((0.05, 0.3, 1.0))


def _incident(random: Random) -> tuple[float, float, float]:
    return random.choice((_rolled_back, _down))(random)


def _rolled_back(random: Random) -> tuple[float, float, float]:
    """A version before, with a tenth or all of the traffic."""
    length = random.uniform(3, 20)
    begin = random.uniform(-60, -length)
    return begin, begin + length, random.choice((0.1, 1.0)) * random.choice((0.2, 0.5, 1.0))


def _down(random: Random) -> tuple[float, float, float]:
    length = random.uniform(5, 40)
    begin = random.uniform(-60, -length)
    return begin, begin + length, random.choice((0.05, 0.3, 1.0))


def healthy(random: Random, circumstances: str, guard: Guard) -> World:
    """A version that is as good as the old one; where durations are judged, its first calls are slow."""
    share = random.choice(OLD)
    world = World(
        routing=random.choice(ROUTINGS),
        per_minute=random.choice(TRAFFIC),
        old=share,
        new=share,
        cold=0.5 if guard.percentile else 0.0,
    )
    return CIRCUMSTANCES[circumstances](world, random)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """A cell of the table: releases of so many healthy functions under one guard, and how many were stopped."""

    circumstances: str
    line: str
    seed: int
    releases: int
    functions: int = 1


def alarms(job: Alarms) -> int:
    random = Random(f"{job.seed} {job.circumstances} {job.line} {job.functions}")
    guard = parse(job.line).lines[0]
    return sum(
        any(
            # Every function of a stopped release counts once: the others need not be played.
            deploy(healthy(random, job.circumstances, guard), guard, random, job.functions).verdict is Verdict.VIOLATED
            for _ in range(job.functions)
        )
        for _ in range(job.releases)
    )


# Power


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A row of the table: a version that fails, under one guard: 60 calls a minute, 10% for 10 minutes."""

    line: str
    old: float
    new: float
    seed: int
    runs: int
    hour: str = "quiet"


def caught(job: Bad) -> list[End]:
    random = Random(f"{job.seed} {job.line} {job.old} {job.new}")
    world = World(routing=canary(10, 10), per_minute=60, old=job.old, new=job.new)
    guard = parse(job.line).lines[0]
    return [deploy(HOURS[job.hour](world, random), guard, random) for _ in range(job.runs)]


BAD = (
    ("errors < 1%", 0.0, 0.2),
    ("errors < 1%", 0.001, 0.2),
    ("errors < 1%", 0.005, 0.2),
    ("errors < 2x", 0.0, 0.2),
    ("errors < 2x", 0.001, 0.2),
    ("errors < 1%", 0.001, 0.1),
    ("errors < 2x", 0.001, 0.1),
    ("errors < 1%", 0.001, 1.0),
    ("errors < 2x", 0.001, 1.0),
)


# Tables


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines) + "\n"


def false_alarms(seed: int, releases: int, many: int, pool: ProcessPoolExecutor) -> str:
    cells = [
        Alarms(circumstances=name, line=line, seed=seed, releases=releases) for name in CIRCUMSTANCES for line in GUARDS
    ]
    of_many = [
        Alarms(circumstances=name, line=line, seed=seed, releases=many, functions=MANY)
        for name in ("steady", "bursts of 5, each on one version", "an outage of both versions")
        for line in GUARDS[:2]
    ]
    found = dict(zip([*cells, *of_many], pool.map(alarms, [*cells, *of_many]), strict=True))

    def told(jobs: Sequence[Alarms]) -> str:
        return f"{sum(found[job] for job in jobs):,} of {sum(job.releases for job in jobs):,}"

    rows = [[name, *(told([job]) for job in cells if job.circumstances == name)] for name in CIRCUMSTANCES]
    rows += [["together", *(told([job for job in cells if job.line == line]) for line in GUARDS)]]
    rows += [
        [
            f"releases of {MANY} functions",
            *(told([job for job in of_many if job.line == line]) for line in GUARDS[:2]),
            "",
            "",
        ]
    ]
    return table(["healthy versions", *(f"`{line}`" for line in GUARDS)], rows)


SEEN = ["stopped", "within two whole minutes", "said to hold"]


def seen(ends: Sequence[End]) -> list[str]:
    stopped = [end for end in ends if end.verdict is Verdict.VIOLATED]
    held = [end for end in ends if end.verdict is Verdict.HELD]
    numbers = len(stopped), sum(end.whole <= 2 for end in stopped), len(held)
    return [f"{number / len(ends):.1%}" for number in numbers]


def powers(seed: int, runs: int, pool: ProcessPoolExecutor) -> str:
    jobs = [Bad(line=line, old=old, new=new, seed=seed, runs=runs) for line, old, new in BAD]
    rows = [
        [f"`{job.line}`", f"{job.old:.1%}", f"{job.new:.0%}", *seen(ends)]
        for job, ends in zip(jobs, pool.map(caught, jobs), strict=True)
    ]
    return table(["guard", "old version fails", "new version fails", *SEEN], rows)


def hours(seed: int, runs: int, pool: ProcessPoolExecutor) -> str:
    """What the hour before does to the sight of a version that fails one call in five."""
    jobs = [
        Bad(line=line, old=0.001, new=0.2, seed=seed, runs=runs, hour=hour) for hour in HOURS for line in GUARDS[:2]
    ]
    rows = [[job.hour, f"`{job.line}`", *seen(ends)] for job, ends in zip(jobs, pool.map(caught, jobs), strict=True)]
    return table(["hour before", "guard", *SEEN], rows)


def sight(line: str) -> str:
    guard, rows = parse(line).lines[0], []
    for name, routing in PREDEFINED.items():
        at_level = judging.level(1, 1, judging.planned_tests(shift_seconds(routing), BAKE))
        foreseen = [power.foresee(guard, steps(routing), BAKE, calls, 0.001, at_level) for calls in (6, 60, 600, 6000)]
        shares = [texts.percent(each.visible) if each.visible is not None else "nothing" for each in foreseen]
        rows.append([f"`{name}`", *shares, f"{foreseen[0].moved:g}%"])
    head = ["configuration", "6 calls a minute", "60", "600", "6,000", "moved by the first verdict"]
    return table(head, rows)


def write(name: str, text: str) -> None:
    """Put a table between its marks in the page."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    PAGE.write_text(before + begin + text + end + rest.partition(end)[2], encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--releases", type=int, default=1000, help="for each cell of the false alarms")
    parser.add_argument(
        "--many", type=int, default=40, help=f"releases of {MANY} functions, three times for each guard"
    )
    parser.add_argument("--runs", type=int, default=1000, help="for each row of the power")
    parser.add_argument("--write", action="store_true", help="into docs/guards.md")
    given = parser.parse_args()
    with ProcessPoolExecutor(given.jobs) as pool:
        tables: dict[str, Callable[[], str]] = {
            "sight-fixed": lambda: sight("errors < 1%"),
            "sight-factor": lambda: sight("errors < 2x"),
            "power": lambda: powers(given.seed, given.runs, pool),
            "hours": lambda: hours(given.seed, given.runs, pool),
            "false-alarms": lambda: false_alarms(given.seed, given.releases, given.many, pool),
        }
        for name, make in tables.items():
            text = make()
            print(f"{name}\n{text}", flush=True)
            if given.write:
                write(name, text)


if __name__ == "__main__":
    main()
