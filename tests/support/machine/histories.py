"""Histories at random: a seed makes a world, its weather, signals, neighbours and two workflows; `promise` must hold.

Used by the tests and by `make chaos`; a failing seed is replayed by `python -m tests.support.machine.histories SEED`.
What must not change behavior is held to `digest`: the same hash before and after means the same actions, events, ends.
"""

from __future__ import annotations

import hashlib
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from multiprocessing import Pool

from ci_deploy.core.errors import ErrorKind
from ci_deploy.core.given.inputs import Inputs
from ci_deploy.core.guards.grammar import parse
from ci_deploy.core.machine.rollout import Rollout
from ci_deploy.core.plan.proof import Proof
from ci_deploy.core.run import Command, Outcome

from .playing import FAIR, Run, Weather, first, play, play_together, post_step, summary, until
from .promise import promise, settled_truth
from .states import but
from .world import ALL_EVENTS, AT_ONCE, CANARY, LINEAR, Running, World, context, inputs

FOLLOWED_BY_A_KILL = 0.1


@dataclass(frozen=True, kw_only=True)
class History:
    """What a seed makes: a world, the runs in it (one or two), and when the first is killed, if it is."""

    seed: int
    world: World
    runs: tuple[Run, ...]
    killed_at: float | None = None
    post: list[Run] = field(default_factory=list)

    @property
    def end(self) -> str:
        """The kind of end, for counting."""
        parts = []
        for run in self.runs:
            if not run.over:
                parts.append("killed")
                continue
            result = run.result
            parts.append(f"{run.release.command}:{result.outcome}/{result.rollback}/{'' if result.settled else 'open'}")
        parts += [f"post:{run.result.outcome}/{run.result.rollback}" for run in self.post]
        return " + ".join(parts)


def make_world(dice: random.Random) -> World:
    def hook() -> float | None:
        return dice.choice((None, None, 3.0, 20.0, 90.0, 3600.0))

    def likely(chance: float) -> bool:
        return dice.random() < chance

    world = World(
        routing=dice.choice((CANARY, LINEAR, AT_ONCE)),
        hook_seconds=(hook(), hook()),
        hook_good=(likely(0.85), likely(0.85)),
        rollback_events=frozenset(event for event in sorted(ALL_EVENTS) if likely(0.75)),
        rollback_delay=dice.choice((0.5, 3.0, 20.0, 45.0, 80.0)),
        rollback_good=likely(0.85),
        rollback_to=dice.choice(("current",) * 6 + ("last", "last", "nowhere", "7")),
        alarm_at=dice.uniform(2, 600) if likely(0.2) else None,
        moved_by_hand=(dice.uniform(0, 700), dice.choice(("1", "7"))) if likely(0.1) else None,
        stop_takes=dice.choice((0.0, 0.0, 2.0, 30.0)),
        targets_readable=likely(0.93),
        percent_scale=likely(0.5),
        shows_ends=likely(0.5),
        may_update_alias=likely(0.8),
        versions={"1": "old", "7": "seven"},
        latest_sha=dice.choice(("new", "new", "new", "old")),
    )
    if likely(0.3):  # a past, so that the group has a last successful revision
        world.deployments.append(_past(dice))
    if likely(0.15):
        world.deployments.append(_neighbour(dice, world))
        world.advance(dice.uniform(0, 400))
    if likely(0.05):
        world.alias_weights = {"7": 30.0}
    return world


def _past(dice: random.Random) -> Running:
    from ci_deploy.core.aws import DeploymentStatus

    made = Running(
        id="d-PAST",
        created=-5000.0,
        current="7",
        target="1",
        routing=AT_ONCE,
        function=dice.choice(("checkout", "checkout", "other")),
        status=DeploymentStatus.SUCCEEDED,
        ended=-4000.0,
    )
    made.done = len(made.marks)
    return made


def _neighbour(dice: random.Random, world: World) -> Running:
    """Somebody else's deployment in the same group, of this function or of another."""
    return Running(
        id="d-NEIGHBOUR",
        created=0.0,
        current="1",
        target="7",
        routing=CANARY,
        function=dice.choice(("checkout", "other")),
        rollback_events=world.rollback_events,
        hook_good=(dice.random() > 0.3, True),
        hook_seconds=(3.0, None),
    )


def make_inputs(dice: random.Random, world: World) -> Inputs:
    shared = {
        "timeout": dice.choice(("", "", "10m", "90s")),
        "repair_alias": dice.choice(("", "auto", "never", "always")),
        "hook_timeout": dice.choice(("", "", "2m")),
    }
    command = dice.choice(("deploy",) * 12 + ("rollback", "stop", "status", "plan"))
    if command == "rollback":
        return inputs(command=command, reason="because", version=dice.choice(("", "1", "7")), **shared)
    if command == "stop":
        return inputs(command=command, rollback=dice.choice(("", "false")), **shared)
    if command == "status":
        return inputs(command=command, wait="true", **shared)
    return inputs(
        command=command,
        on_cancel=dice.choice(("", "rollback", "stop", "leave")),
        on_timeout=dice.choice(("", "rollback", "stop", "leave")),
        on_conflict=dice.choice(("", "wait", "fail", "supersede")),
        auto_rollback=dice.choice(("", "", "off", "failure")),
        version=dice.choice(("", "", "7")),
        wait=dice.choice(("", "", "", "false")),
        before_allow_traffic="CodeDeployHook_a" if world.hook_seconds[0] is not None else "",
        after_allow_traffic="CodeDeployHook_b" if world.hook_seconds[1] is not None else "",
        **shared,
    )


def make_weather(dice: random.Random) -> Weather:
    rate = dice.choice((0.0, 0.0, 0.05, 0.3, 0.8, 1.0))
    since = dice.choice((0.0, 0.0, 5.0, 30.0, 300.0)) if rate < 1 else dice.choice((5.0, 30.0, 300.0))
    return Weather(
        # Reads before the decision are repeated below the state machine.
        rates={"": rate, "Gather": 0.0, "Upload": 0.0},
        kinds=dice.choice(((ErrorKind.THROTTLED, ErrorKind.UNREACHABLE, ErrorKind.EXPIRED), (ErrorKind.UNREACHABLE,))),
        lost_answers=dice.random(),
        since=since,
        until=since + dice.choice((1e12, 60.0, 900.0)),
        delays=dice.choice(((0.05, 0.3), (0.05, 0.3), (0.5, 6.0))),
    )


def make_slow(dice: random.Random) -> dict[str, float]:
    """In every fourth history one kind of reading takes so long that its answer meets another stage, or attempt."""
    if dice.random() > 0.25:
        return {}
    return {
        dice.choice(("Measure", "LookAlarms", "LookAlias", "Look", "Diagnose", "Gather", "Find")): dice.choice(
            (5.0, 20.0, 50.0)
        )
    }


def make_signals(dice: random.Random) -> list[float]:
    if dice.random() > 0.35:
        return []
    at = dice.choice((dice.uniform(0, 2), dice.uniform(0, 400)))
    return [at, at + dice.choice((0.1, 1.5, 7.5))] if dice.random() < 0.5 else [at]


def prove(dice: random.Random, world: World, rollout: Rollout) -> Rollout:
    """Guards and a bake, in every third history, and traffic in the world that they judge."""
    if dice.random() > 0.35:
        return rollout
    world.calls = dice.choice((0.0, 6.0, 60.0, 600.0))
    world.failing = {dice.choice("1278"): dice.choice((0.01, 0.3, 1.0))} if dice.random() < 0.6 else {}
    start = dice.uniform(0, 700)
    world.ringing = (start, start + dice.choice((60.0, 1e9))) if dice.random() < 0.2 else None
    proof = Proof(
        guards=parse(dice.choice(("off", "", "errors < 1%", "errors < 2x", "errors < 1%\np99 < 800ms"))),
        bake=dice.choice((None, None, 60.0, 300.0, 900.0)),
        on_inconclusive=dice.choice(("pass", "pass", "rollback")),
    )
    written = frozenset(name for name in ("on-cancel", "on-timeout") if dice.random() < 0.4)
    return but(rollout, job__proof=proof, written=written)


def make(seed: int) -> History:
    """A world and its runs, ready to be played."""
    dice, proving, slowing = random.Random(seed), random.Random(f"proof {seed}"), random.Random(f"slow {seed}")
    world = make_world(dice)
    world.targets_lag = random.Random(f"lag {seed}").random() < 0.2
    runs = []
    for number in range(2 if dice.random() < 0.2 else 1):
        marker_id, run_id = ("0badcafe", 100) if number == 0 else ("0badcaf2", dice.choice((100, 99, 101)))
        run = context(run_id, 1 + number, actions=dice.random() < 0.8)
        runs.append(
            Run(
                world,
                prove(proving, world, first(make_inputs(dice, world), run, marker_id)),
                weather=replace(make_weather(dice), slow=make_slow(slowing)),
                signals=make_signals(dice),
                seed=seed + number,
            )
        )
    killed_at = dice.choice((dice.uniform(0, 3), dice.uniform(0, 500))) if dice.random() < FOLLOWED_BY_A_KILL else None
    return History(seed=seed, world=world, runs=tuple(runs), killed_at=killed_at)


def explore(history: History) -> None:
    """Play a history to its end, post steps included, and hold it to the promise."""
    world, runs = history.world, history.runs
    going = list(runs)
    alone = len(runs) == 1

    def then(run: Run) -> None:
        promise(run, alone=alone)

    if history.killed_at is not None:
        until(world, runs[0], world.now + history.killed_at, then)
        going.remove(runs[0])
    play_together(world, *going, then=then)
    for run in runs:
        if run.release.command in (Command.PLAN, Command.STATUS):
            continue
        finishing = post_step(run, weather=FAIR, seed=history.seed, killed=not run.over, begun=history.post.append)
        if finishing is not None:
            promise(finishing, alone=alone)
        settled_truth(run, finishing, alone=alone)


def recovers(history: History) -> None:
    """What was red can be repaired by running again, in fair weather, when whatever runs has ended."""
    world = history.world
    world.advance(world.now + 20_000)
    world.hook_seconds, world.alarm_at, world.moved_by_hand = (None, None), None, None
    again = play(world, inputs(repair_alias="always"), run=context(run_id=201), marker_id="0badcaff")
    assert world.may_update_alias or not world.alias_weights or again.result.outcome is Outcome.REFUSED
    if world.may_update_alias:
        assert again.result.outcome in (Outcome.SUCCEEDED, Outcome.UNCHANGED), again.result
        assert not world.alias_weights
        assert world.versions[world.alias_version] == world.latest_sha


def hold(history: History) -> History:
    """Everything that must hold of a history."""
    explore(history)
    recovers(history)
    return history


def _count(numbers: tuple[int, int]) -> Counter[str]:
    ends: Counter[str] = Counter()
    for seed in range(*numbers):
        try:
            ends[hold(make(seed)).end] += 1
        except Exception as error:
            what = f"seed {seed} fails: {type(error).__name__}: {error}"
            raise AssertionError(f"{what}\nreplay it: python -m tests.support.machine.histories {seed}") from error
    return ends


def explore_many(start: int, end: int, *, workers: int = 2) -> Counter[str]:
    """Explore a range of seeds, in several processes."""
    size = max(1, min(500, (end - start) // workers or 1))
    parts = [(at, min(end, at + size)) for at in range(start, end, size)]
    total: Counter[str] = Counter()
    with Pool(workers) as pool:
        for ends in pool.imap_unordered(_count, parts):
            total += ends
    return total


def digest(seeds: Iterable[int]) -> str:
    """A hash of everything that the runs of these histories asked for, said and came to, with its times."""
    made = hashlib.sha256()
    for seed in seeds:
        history = hold(make(seed))
        for run in (*history.runs, *history.post):
            made.update(repr((run.actions, run.events)).encode())
        made.update(history.end.encode())
    return made.hexdigest()


def main() -> None:
    """`SEED` replays one history with its events; `FIRST LAST` explores a range and counts the ends; `digest FIRST
    LAST` tells their hash, and how many were played in a second of this process."""
    if sys.argv[1] == "digest":
        seeds = range(*(int(text) for text in sys.argv[2:]))
        began = time.process_time()
        made = digest(seeds)
        print(f"{made} of {len(seeds)} histories, {len(seeds) / (time.process_time() - began):.1f} a second")
        return
    numbers = [int(text) for text in sys.argv[1:]]
    if len(numbers) == 1:
        history = make(numbers[0])
        print(history.world)
        try:
            hold(history)
        finally:
            print("\n".join(summary((*history.runs, *history.post))))
        return
    ends = explore_many(*numbers)
    for end, count in ends.most_common():
        print(f"{count:7}  {end}")
    print(f"{sum(ends.values())} histories, {len(ends)} distinct ends")


if __name__ == "__main__":
    main()
