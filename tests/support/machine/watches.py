"""Runs of `watch` at random: a seed makes a small world, what other tools deploy in it, its weather and signals.

A failing seed is replayed by `python -m tests.support.machine.watches SEED`.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine.state.search import Search
from ci_deploy.core.plan.sought import Spot
from ci_deploy.core.run import Command, Outcome, exit_code
from ci_deploy.core.stacks import Stack, StackEvent
from ci_deploy.core.story import events as e

from .histories import make_signals, make_slow, make_weather, make_world
from .playing import FAIR, Run, play_together, post_step, summary
from .promise import lately, promise, words_agree
from .world import ALL_EVENTS, AT_ONCE, AWS_EPOCH, CANARY, LINEAR, Running, World, context, inputs

MAY = (a.Discover, a.Gather, a.Look, a.LookAlias, a.LookAlarms, a.Measure, a.Diagnose, a.Stop)
SEEN_WITHIN = 60.0  # seconds: two listings, and their answers
SHOP = Stack(name="shop", status="UPDATE_COMPLETE", groups=frozenset({"group"}), updated=1.0)


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What a seed makes. `strange` are deployments that must never be stopped."""

    seed: int
    world: World
    run: Run
    around: bool
    strange: frozenset[str]

    @property
    def end(self) -> str:
        return f"{self.run.result.outcome}/{self.run.result.rollback} of {len(self.run.concluded.results)}"


def make(seed: int) -> Watch:
    dice = random.Random(f"watch {seed}")
    world = make_world(dice)
    world.versions |= {"2": "two", "3": "three"}
    world.calls = dice.choice((0.0, 6.0, 600.0))
    world.failing = {dice.choice("123"): dice.choice((0.01, 0.3, 1.0))} if dice.random() < 0.5 else {}
    around = dice.random() < 0.4
    by_stack = dice.random() < 0.5
    # A stack means all of its group's functions, and the world has one alias.
    functions = ("checkout",) if by_stack else ("checkout",) * 4 + ("other",)
    made = [_tools(dice, world, functions, number) for number in range(dice.choice((0, 1, 1, 1, 2, 2, 3)))]
    world.deployments += made
    strange = {one.id for one in made if one.function != "checkout" or one.creator != "user"}
    strange |= {one.id for one in world.deployments if around and one.created < world.now}
    if by_stack:
        world.stacks = list(_stack(dice, world, made))
    search = Search.first(
        inputs(
            command="watch",
            stack="shop" if by_stack else "",
            appear_within=dice.choice(("2m", "10m", "30m")),
            on_violation=dice.choice(("", "report", "rollback", "rollback")),
            on_cancel=dice.choice(("", "", "leave", "stop", "rollback")),
            timeout=dice.choice(("", "", "90s")),
            hook_timeout=dice.choice(("", "2m")),
            guards=dice.choice(("", "off", "errors < 1%", "errors < 2x")),
            bake=dice.choice(("", "", "1m", "10m")),
        ),
        context(actions=dice.random() < 0.8),
        () if by_stack else (Spot(function="checkout", alias="live"),),
        around=around,
        age=0.0 if around else dice.choice((0.0, 0.0, 200.0)),
    )
    weather = replace(make_weather(dice), slow=make_slow(dice))
    run = Run(world, search=search, weather=weather, signals=make_signals(dice), seed=seed)
    if around:
        run._expect(world.now + dice.uniform(0, 900), a.CommandEnded(exit_code=dice.choice((0, 1))))
    return Watch(seed=seed, world=world, run=run, around=around, strange=frozenset(strange))


def _tools(dice: random.Random, world: World, functions: Sequence[str], number: int) -> Running:
    """A deployment that somebody else makes, before or during the run; some of them they stop."""
    current, target = dice.choice((("1", "2"), ("1", "2"), ("2", "3"), ("1", "3")))
    made = Running(
        id=f"d-TOOL{number}",
        created=world.now
        + dice.choice((-300.0, -20.0, dice.uniform(0, 100), dice.uniform(0, 100), dice.uniform(0, 900))),
        current=current,
        target=target,
        routing=dice.choice((CANARY, LINEAR, AT_ONCE)),
        function=dice.choice(functions),
        rollback_events=dice.choice((ALL_EVENTS, ALL_EVENTS, world.rollback_events)),
        hook_seconds=world.hook_seconds,
        hook_good=world.hook_good,
        dies_of=dice.choice(("",) * 6 + ("THROTTLED", "IAM_ROLE_MISSING")),
        creator=dice.choice(("user",) * 5 + ("CloudFormationRollback",)),
    )
    if dice.random() < 0.2:
        made.stops_at, made.rollback_asked = made.created + dice.uniform(1, 200), dice.random() < 0.5
    return made


def _stack(dice: random.Random, world: World, made: list[Running]) -> Iterator[tuple[float, Stack | None]]:
    """At rest or not there at all, updated around the deployments, then at rest again; perhaps rolled back."""
    yield world.now - 1000.0, dice.choice((SHOP, None))
    if not made or dice.random() < 0.1:
        return
    began = max(world.now + 1.0, min(one.created for one in made) - 5.0)
    busy = replace(SHOP, status="UPDATE_IN_PROGRESS", updated=AWS_EPOCH + began)
    yield began, busy
    ends = began + dice.uniform(20, 900)
    if dice.random() < 0.4:
        at = AWS_EPOCH + ends
        failed = StackEvent(stack="shop", resource="Queue", status="CREATE_FAILED", said="no", at=at)
        busy = replace(busy, status="UPDATE_ROLLBACK_IN_PROGRESS", rolls_back_since=at, failed=(failed,))
        yield ends, busy
        ends += dice.uniform(5, 300)
    yield ends, replace(busy, status=busy.status.replace("IN_PROGRESS", "COMPLETE"))


def hold(watch: Watch) -> Watch:
    """Play it to its end, post step included, and hold it to the promise."""
    run = watch.run
    play_together(watch.world, run, then=lambda _: promised(watch))
    if run.release.rollouts and not watch.around:
        finishing = post_step(run, weather=FAIR, seed=watch.seed)
        if finishing is not None:
            promise(finishing, alone=False)
    return watch


def promised(watch: Watch) -> None:
    """It creates nothing, stops what it was told to stop alone, and says what is served; once, if nothing appeared."""
    run, result = watch.run, watch.run.result
    given = run.release.search.inputs if run.release.search else inputs()
    assert sum(isinstance(event, e.Concluded) for event in run.events) == 1
    assert run.concluded.exit_code == exit_code(Command.WATCH, result.outcome)
    assert result.reason, "a verdict without a reason"
    if len(run.concluded.results) == 1:
        words_agree(Command.WATCH, result)
    assert not [action for _, action in run.actions if not isinstance(action, MAY)], "watch has written"
    stopped = {action.deployment_id for _, action in run.asked(a.Stop) if isinstance(action, a.Stop)}
    cancelled = any(isinstance(event, e.CancelReceived) for event in run.events)
    asked = given.on_violation == "rollback" or (cancelled and given.on_cancel in ("stop", "rollback"))
    assert asked or not stopped, "stopped, and nobody had asked for it"
    assert not stopped & watch.strange, "stopped what is not meant"
    for each in run.concluded.results:
        assert each.deployed == (each.outcome is Outcome.SUCCEEDED)
        if each.deployed:
            assert each.live_version == each.target_version and not each.live_weights
        if each.outcome is Outcome.ROLLED_BACK:
            assert each.live_version == each.previous_version and not each.live_weights
    _as_read(run)
    _told(watch)


def _as_read(run: Run) -> None:
    """What is said of the alias was so a moment before it was said."""
    late = max(run.weather.slow.get(name, 0.0) for name in ("Gather", "LookAlias"))
    for event in run.events:
        if isinstance(event, e.Finished) and event.result.live_version:
            said = (event.result.live_version, event.result.live_weights)
            assert said in lately(run.world, run.start + event.at - 66.0 - late), f"{said} was not served"


def _told(watch: Watch) -> None:
    run = watch.run
    codes = [event.finding.code for event in run.events if isinstance(event, e.Noticed)]
    followed = {event.deployment_id for event in run.events if isinstance(event, e.DeploymentStarted)}
    nothing = codes.count("nothing-appeared") + codes.count("watch-interrupted")
    if run.result.outcome is Outcome.UNCHANGED:
        assert (nothing, run.concluded.exit_code, followed) == (1, 0, set())
    else:
        assert nothing == 0
    cancelled = any(isinstance(event, e.CancelReceived) for event in run.events)
    search = run.release.search
    unknown = search is None or (search.stack_name and search.stack is None)
    if cancelled or unknown or run.weather.rates[""] or run.weather.slow or not run.world.targets_readable:
        return
    said = " ".join(event.finding.text for event in run.events if isinstance(event, e.Noticed))
    for one in run.world.deployments:
        # What is over before it has a target says of no function that it is its.
        appeared = one.done and run.start + 1 < one.created < run.ended - SEEN_WITHIN
        if appeared and one.function == "checkout" and one.creator != "codeDeployRollback":
            assert one.id in followed or one.id in said, f"{one.id} was not told of"


def main() -> None:
    """`SEED` replays one run with its events; `FIRST LAST` plays a range."""
    numbers = [int(text) for text in sys.argv[1:]]
    if len(numbers) == 1:
        watch = make(numbers[0])
        print(watch.world)
        try:
            hold(watch)
        finally:
            print("\n".join(summary((watch.run,))))
        return
    for seed in range(*numbers):
        try:
            hold(make(seed))
        except Exception as error:
            raise AssertionError(f"seed {seed} fails: {type(error).__name__}: {error}") from error


if __name__ == "__main__":
    main()
