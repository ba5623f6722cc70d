"""Histories at random: a seed makes a world, its weather, signals and a neighbour; `promise` is what must hold.

Used by the tests and by `make chaos`; a failing seed is replayed by `python -m tests.support.histories SEED`.
"""

from __future__ import annotations

import random
import sys
from collections import Counter

from ci_deploy.core.errors import ErrorKind
from ci_deploy.core.events import Concluded
from ci_deploy.core.model import Outcome, Rollback, exit_code

from .world import AT_ONCE, CANARY, LINEAR, FAIR, Played, Running, Weather, World, context, inputs, play

EVENTS = ("DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST")


def make(seed: int) -> tuple[World, dict[str, object]]:
    """A world and how to play in it."""
    dice = random.Random(seed)
    hook = lambda: dice.choice((None, 3.0, 20.0, 90.0, 3600.0))  # noqa: E731
    world = World(
        routing=dice.choice((CANARY, LINEAR, AT_ONCE)),
        hook_seconds=(hook(), hook()),
        hook_good=(dice.random() > 0.15, dice.random() > 0.15),
        rollback_events=frozenset(event for event in EVENTS if dice.random() > 0.25),
        rollback_delay=dice.choice((0.5, 3.0, 20.0, 45.0)),
        rollback_good=dice.random() > 0.15,
        rollback_to="7" if dice.random() < 0.1 else None,
        alarm_at=dice.uniform(2, 600) if dice.random() < 0.2 else None,
        moved_by_hand=(dice.uniform(0, 700), dice.choice(("1", "7"))) if dice.random() < 0.1 else None,
        versions={"1": "old", "7": "seven"},
        latest_sha=dice.choice(("new", "new", "new", "old")),
    )
    if dice.random() < 0.15:
        # A neighbour's deployment in the same group, of this or of another function.
        world.deployments.append(
            Running(
                id="d-NEIGHBOUR",
                created=0.0,
                description="",
                current="1",
                target="7",
                routing=CANARY,
                function=dice.choice(("checkout", "other")) if False else "checkout",
                rollback_events=world.rollback_events,
                hook_good=(dice.random() > 0.3, True),
                hook_seconds=(3.0, None),
            )
        )
        world.advance(dice.uniform(0, 400))
    if dice.random() < 0.05:
        world.alias_weights = {"7": 30.0}
    rate = dice.choice((0.0, 0.0, 0.05, 0.3, 0.8))
    weather = Weather(
        rates={"": rate, "Gather": 0.0, "Upload": 0.0},
        kinds=dice.choice(((ErrorKind.THROTTLED, ErrorKind.UNREACHABLE, ErrorKind.EXPIRED), (ErrorKind.UNREACHABLE,))),
        lost_answers=dice.random(),
        until=dice.choice((1e12, 60.0, 900.0)),
    )
    signals = []
    if dice.random() < 0.35:
        signals = [dice.choice((dice.uniform(0, 2), dice.uniform(0, 400)))]
        if dice.random() < 0.5:
            signals.append(signals[0] + dice.choice((0.1, 1.5, 7.5)))
    given = inputs(
        on_cancel=dice.choice(("", "rollback", "stop", "leave")),
        on_timeout=dice.choice(("", "rollback", "stop", "leave")),
        on_conflict=dice.choice(("", "wait", "fail", "supersede")),
        timeout=dice.choice(("", "", "10m", "90s")),
        restore_alias=dice.choice(("auto", "never")),
        auto_rollback=dice.choice(("", "", "off", "failure")),
        target_version=dice.choice(("", "", "7")),
        hook_timeout=dice.choice(("", "", "2m")),
        before_allow_traffic="CodeDeployHook_a" if world.hook_seconds[0] is not None else "",
        after_allow_traffic="CodeDeployHook_b" if world.hook_seconds[1] is not None else "",
    )
    run = context(actions=dice.random() < 0.8)
    return world, {"given": given, "run": run, "weather": weather, "signals": signals, "seed": seed}


def promise(played: Played) -> None:
    """design.md section 1: a green run means the truth, a red one says it."""
    world, result = played.world, played.result
    alias = world.alias()
    assert isinstance(played.events[-1], Concluded)
    assert sum(isinstance(event, Concluded) for event in played.events) == 1
    assert exit_code(played.release.command, result.outcome) == played.concluded.exit_code
    mine = [running for running in world.deployments if running.description.startswith("ci-deploy/1 id=0badcafe")]
    assert len(mine) <= 1, "created more than one deployment"
    assert result.deployed == (result.outcome is Outcome.SUCCEEDED)
    if result.outcome is Outcome.SUCCEEDED:
        assert mine[0].status == "Succeeded"
        assert result.live_version == result.target_version and not result.live_weights
    if result.outcome is Outcome.ROLLED_BACK:
        assert result.live_version == result.previous_version and not result.live_weights
        assert result.rollback is Rollback.SUCCEEDED
    if result.outcome is Outcome.UNCHANGED:
        assert not mine
    if alias.split and result.settled and mine and result.live_version:
        running = not mine[0].status.terminal and mine[0].id in result.reason
        assert result.live_weights or running, "a split alias was left unsaid"
        assert played.concluded.exit_code not in (0,) or result.outcome is Outcome.DETACHED
    if result.outcome is Outcome.CANCELLED and mine and not mine[0].status.terminal:
        left = played.release.rollouts[0].inputs.on_cancel == "leave"
        assert left or not result.settled, "cancelled, still running, and nobody will stop it"
    if result.outcome in (Outcome.REFUSED, Outcome.ERROR):
        assert not mine, "refused or failed to start, and yet a deployment was created"


def explore(seed: int) -> Played:
    world, how = make(seed)
    played = play(world, **how)  # type: ignore[arg-type]
    promise(played)
    return played


def recovers(seed: int) -> Outcome:
    """What was red can be repaired by running again, in fair weather, when whatever runs has ended."""
    played = explore(seed)
    world = played.world
    world.advance(world.now + 20_000)
    world.hook_good, world.alarm_at, world.moved_by_hand = (True, True), None, None
    again = play(world, inputs(repair="true"), run=context(run_id=101), weather=FAIR, marker_id="0badcaff", seed=seed)
    if world.alias().split:
        assert again.result.outcome is Outcome.REFUSED
    else:
        assert again.result.outcome in (Outcome.SUCCEEDED, Outcome.UNCHANGED), again.result
    return played.result.outcome


def main() -> None:
    """`SEED` replays one history with its events; `FIRST LAST` explores a range and counts the ends."""
    numbers = [int(text) for text in sys.argv[1:]]
    if len(numbers) == 1:
        world, how = make(numbers[0])
        played = play(world, **how)  # type: ignore[arg-type]
        for at, action in played.actions:
            print(f"{at:9.2f}  -> {type(action).__name__}")
        for event in played.events:
            print(f"{event.at:9.2f}  {event}"[:300])
        promise(played)
        return
    ends: Counter[str] = Counter()
    for seed in range(*numbers):
        try:
            played = explore(seed)
        except BaseException:
            print(f"seed {seed} fails; replay: python -m tests.support.histories {seed}")
            raise
        result = played.result
        ends[f"{result.outcome}/{result.rollback}/{'settled' if result.settled else 'open'}"] += 1
    for end, count in ends.most_common():
        print(f"{count:7}  {end}")


if __name__ == "__main__":
    main()
