"""Releases at random: a seed makes functions that share groups, others' deployments with forged markers, and faults.

Others own some of what runs in the groups; some roles may not read targets; first aliases, code, holds and signals are
among it. Every release is held to what must be true of each of its functions. `python -m tests.support.releases SEED`
replays one.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from unittest import mock

from ci_deploy.core.aws import DeploymentStatus
from ci_deploy.core.errors import ErrorKind
from ci_deploy.core.given.inputs import Inputs
from ci_deploy.core.given.package.packaging import DIRECT_LIMIT
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine.rollout import Rollout, Turn
from ci_deploy.core.machine.state.attempt.attempt import Attempt
from ci_deploy.core.machine.state.place import Stage
from ci_deploy.core.marker import Marker, write
from ci_deploy.core.run import Outcome

from .machine.codeworld import PACKAGE, CodeWorld
from .machine.histories import make_slow, make_weather, prove
from .machine.many import FATAL, Member, Played, rollouts, start
from .machine.playing import Weather, summary
from .machine.promise import words_agree
from .machine.states import but
from .machine.world import ALL_EVENTS, AT_ONCE, CANARY, LINEAR, Running

LARGE = replace(PACKAGE, size=DIRECT_LIMIT + 1)
Edge = tuple[Stage, Stage]


@dataclass(kw_only=True)
class Function(CodeWorld, Member):
    """A function with code of its own, in a group that it may share."""


def make(seed: int) -> Played:
    """A release, ready to be played."""
    dice = random.Random(seed)
    command = dice.choice(("deploy",) * 9 + ("rollback",))
    functions = [_function(dice, f"f{number}") for number in range(dice.randint(1, 4))]
    groups = [dice.randrange(2) for _ in functions]
    for number in set(groups):
        members = [function for function, group in zip(functions, groups, strict=True) if group == number]
        for member in members:
            member.mates = [other for other in members if other is not member]
    given = {
        "on_conflict": dice.choice(("", "", "wait", "fail", "supersede", "supersede")),
        "on_cancel": dice.choice(("", "rollback", "stop", "leave")),
        "repair_alias": dice.choice(("", "", "always", "never")),
        "timeout": dice.choice(("", "", "", "90s")),
        "bucket": dice.choice(("artifacts", "")),
    }
    if command == "rollback":
        given |= {"reason": "because", "hold": dice.choice(("set", "")), "version": dice.choice(("7", ""))}
    else:
        given |= {"create_alias": "true"}
        given |= dice.choice(({"code": "build"}, {"code": "build"}, {"code": "$LATEST"}, {"version": "7"}))
    for function in functions:
        if given.get("code") == "$LATEST":
            function.code = None
        if command == "rollback":
            function.deployments.append(_past(function))
    waves = {function.function: dice.choice((0, 0, 1)) for function in functions}
    release = rollouts(functions, waves, command=command, **given)
    release = [but(one, inputs=_in_group(one, f"group-{number}")) for one, number in zip(release, groups, strict=True)]
    proving = random.Random(f"proof {seed}")
    release = [prove(proving, function, one) for function, one in zip(functions, release, strict=True)]
    for function in functions:
        if dice.random() < 0.25:
            function.deployments.append(_foreign(dice, function))
    return start(
        *functions,
        release=release,
        policy=dice.choice(("rollback-all", "rollback-all", "rollback-failed", "stop-wave")),
        max_parallel=dice.choice((0, 0, 1, 2)),
        weather=replace(_weather(dice), slow=make_slow(random.Random(f"slow {seed}"))),
        signals=[dice.uniform(0, 400)] if dice.random() < 0.25 else [],
        seed=seed,
    )


def _weather(dice: random.Random) -> Weather:
    """As in histories, but for refusals that last, and for reads and uploads that fail, too."""
    made = make_weather(dice)
    kinds = dice.choice((made.kinds, made.kinds, (ErrorKind.DENIED,), (ErrorKind.DENIED, ErrorKind.THROTTLED)))
    rate = made.rates[""]
    return replace(made, kinds=kinds, rates={"": rate, "Gather": dice.choice((0.0, rate / 4))})


def _in_group(rollout: Rollout, group: str) -> Inputs:
    return replace(rollout.inputs, deployment_group=group)


def _function(dice: random.Random, name: str) -> Function:
    def likely(chance: float) -> bool:
        return dice.random() < chance

    made = Function(
        function=name,
        routing=dice.choice((CANARY, LINEAR, AT_ONCE, AT_ONCE)),
        hook_seconds=(dice.choice((None, 20.0)), dice.choice((None, None, 45.0))),
        hook_good=(likely(0.8), likely(0.8)),
        rollback_events=ALL_EVENTS if likely(0.8) else frozenset(),
        rollback_delay=dice.choice((0.5, 3.0, 20.0, 80.0)),
        rollback_good=likely(0.9),
        dies_of=[dice.choice(("", "", "", FATAL, "THROTTLED"))],
        targets_readable=likely(0.85),
        stop_takes=dice.choice((0.0, 0.0, 30.0)),
        may_update_alias=likely(0.8),
        alias_exists=likely(0.9),
        update_takes=dice.choice((0.0, 0.0, 3.0, 400.0)),
        activation_takes=dice.choice((0.0, 0.0, 10.0)),
        versions={"1": "old", "7": "seven"},
        version_settings={"1": {"MemorySize": "128"}, "7": {"MemorySize": "128"}},
    )
    if likely(0.1):
        made.code = LARGE
    if likely(0.15):
        made.active_at[dice.choice("17")] = dice.uniform(0, 60)
    if made.alias_exists and likely(0.06):
        made.alias_weights = {"2": 10.0}
        made.versions["2"], made.version_settings["2"] = "split", {}
    if likely(0.15):
        made.others = [(dice.uniform(0, 5), dice.choice(("code", "settings")))]
    if likely(0.1):
        made.busy_until = dice.uniform(0, 10)
    return made


def _past(function: Function) -> Running:
    made = Running(
        id=f"d-{function.function}-PAST", created=-500.0, current="7", target="1", routing=AT_ONCE, ended=-490.0
    )
    made.function, made.status, made.done = function.function, DeploymentStatus.SUCCEEDED, len(made.marks)
    return made


def _foreign(dice: random.Random, function: Function) -> Running:
    """Somebody else's, running or over, with whatever marker anybody could have written."""
    marker = Marker(
        id="deadbeef",  # ours is drawn anew by every run, and nobody knows it
        key=dice.choice(("0" * 16, "1" * 16)),
        run_id=dice.choice((1, 100, 100, 200)),
        attempt=1,
        sha="abc123",
    )
    made = Running(
        id=f"d-{function.function}-FOREIGN",
        created=-5.0,
        current="1",
        target="7",
        routing=dice.choice((CANARY, AT_ONCE)),
        function=dice.choice(("other", "other", function.function)),
        description=dice.choice(("", "by hand", write(marker), write(marker))),
        rollback_events=ALL_EVENTS,
    )
    if dice.random() < 0.4:
        made.status = DeploymentStatus.SUCCEEDED
        made.done, made.ended = len(made.marks), -1.0
    return made


def hold(played: Played) -> Played:
    """Play a release to its end, and hold it to what must be true of each of its functions."""
    played.end()
    run, worlds = played.run, played.worlds
    concluded = run.concluded
    assert [result.key for result in concluded.results] == [f"{world.function}:live" for world in worlds]
    for result, world in zip(concluded.results, worlds, strict=True):
        assert result.reason, "a verdict without a reason"
        words_agree(concluded.command, result)
        assert result.deployed == (result.outcome is Outcome.SUCCEEDED)
        if result.outcome in (Outcome.SUCCEEDED, Outcome.ROLLED_BACK):
            assert result.live_version and not result.live_weights
        if result.settled and result.live_version and not world.active:
            said, lived = result.live_version, world.alias_version
            assert said == lived or any(version == said for _, version, _ in world.served), (said, lived)
        if result.deployment_id and world.alias_weights and result.settled:
            told = (
                result.live_weights or any(one.id in result.reason for one in world.active) or not result.live_version
            )
            later = any(at > run.ended - 66.0 for at, _, _ in world.served)
            assert told or later, f"{result.key} was left split and unsaid"
    _ours_only(played)
    return played


def _ours_only(played: Played) -> None:
    """What was stopped was made by this run, or is of the very function that asked for it."""
    made = {world.function: world for world in played.worlds}
    for _, action in played.run.actions:
        if isinstance(action, a.Stop):
            world = made[action.key.partition(":")[0]]
            stopped = next(one for one in world.deployments if one.id == action.deployment_id)
            assert stopped.function == world.function, f"{stopped.id} of {stopped.function} was stopped"


@contextmanager
def edges() -> Iterator[set[Edge]]:
    """Which stages are entered from which, while this is open: recorded where a rollout changes its stage."""
    taken: set[Edge] = set()
    to, begin_again = Turn.to, Turn.begin_again

    def recorded(turn: Turn, stage: Stage, *, after: float = 0.0) -> None:
        taken.add((turn.r.stage, stage))
        to(turn, stage, after=after)

    def recorded_anew(turn: Turn, attempt: Attempt) -> None:
        taken.add((turn.r.stage, Stage.GATHERING))
        begin_again(turn, attempt)

    with mock.patch.object(Turn, "to", recorded), mock.patch.object(Turn, "begin_again", recorded_anew):
        yield taken


def explore(seeds: Iterable[int]) -> None:
    for seed in seeds:
        try:
            hold(make(seed))
        except Exception as error:
            what = f"seed {seed} fails: {type(error).__name__}: {error}"
            raise AssertionError(f"{what}\nreplay it: python -m tests.support.releases {seed}") from error


def main() -> None:
    """`SEED` replays one release with its events."""
    played = make(int(sys.argv[1]))
    try:
        hold(played)
    finally:
        print("\n".join(summary((played.run,))))


if __name__ == "__main__":
    main()
