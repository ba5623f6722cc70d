"""Releases of many functions in small worlds: each function has one of its own, and a group of its own or shared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ci_deploy.core.aws import CreateRequest
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine.rollout import Rollout
from ci_deploy.core.machine.waves import Policy
from ci_deploy.core.plan.planning import Facts
from ci_deploy.core.reasons.reason import Reason
from ci_deploy.core.run import Outcome

from .playing import STEADY, Run, Weather, Worlds, first, play_together, until
from .states import but
from .world import AT_ONCE, CANARY, Running, World, context, inputs

FATAL = "INVALID_LAMBDA_FUNCTION"


def fails(function: str, **more: object) -> World:
    """A function whose deployment fails within a second, and is rolled back by CodeDeploy."""
    return World(function=function, dies_of=[FATAL], **more)  # type: ignore[arg-type]


def quick(function: str, **more: object) -> World:
    return World(function=function, routing=AT_ONCE, **more)  # type: ignore[arg-type]


def slow(function: str, **more: object) -> World:
    """Five minutes from its first traffic to its last."""
    return World(function=function, routing=CANARY, **more)  # type: ignore[arg-type]


@dataclass(kw_only=True)
class Member(World):
    """A function that shares its deployment group with others."""

    mates: Sequence[World] = ()

    @property
    def active(self) -> list[Running]:
        return [one for world in (self, *self.mates) for one in world.deployments if not one.status.terminal]

    def facts(self, action: a.Gather) -> Facts:
        made = super().facts(action)
        theirs = tuple(world.snapshot(one, True) for world in self.mates for one in world.deployments)
        active = tuple(one for one in theirs if not one.status.terminal)
        return replace(made, active=made.active + active, recent=made.recent + theirs)


def group(*members: Member) -> list[Member]:
    for member in members:
        member.name = f"{member.function}-"
        member.mates = [other for other in members if other is not member]
    return list(members)


def rollouts(worlds: Iterable[World], waves: Mapping[str, int] | None = None, **given: str) -> list[Rollout]:
    """The first states, as the command makes them; `given` are inputs of all, `waves` where not 0."""
    made = []
    for number, world in enumerate(worlds):
        shared = isinstance(world, Member)
        own = {"function": world.function, "deployment_group": "group" if shared else f"{world.function}-live"}
        rollout = first(inputs(**own, **given), context(), f"{number:08x}")
        made.append(but(rollout, wave=(waves or {}).get(world.function, 0)))
    if given.get("command", "deploy") != "deploy":
        return made
    siblings = frozenset(rollout.marker_id for rollout in made)
    return [rollout.among(siblings) for rollout in made]


@dataclass(kw_only=True)
class Played:
    """A release under way, or at its end, and the worlds that it plays in."""

    run: Run
    worlds: list[World]

    def until(self, at: float) -> Played:
        until(self.run.world, self.run, at)  # type: ignore[arg-type]
        return self

    def end(self) -> Played:
        play_together(self.run.world, self.run, limit=20_000.0)  # type: ignore[arg-type]
        return self

    def answer_late(self, kind: type[a.Action], seconds: float, function: str = "") -> Played:
        """Answers to such actions (of one function, where it is named) come later; what they do is done in time."""
        answer = self.run._answer

        def late(action: a.Action) -> tuple[float, a.Observation]:
            at, observation = answer(action)
            mine = not function or action.key == f"{function}:live"
            return (at + seconds if isinstance(action, kind) and mine else at), observation

        self.run._answer = late  # type: ignore[method-assign]
        return self

    @property
    def outcomes(self) -> dict[str, str]:
        return {result.function: str(result.outcome) for result in self.run.concluded.results}

    @property
    def reasons(self) -> dict[str, tuple[Reason, ...]]:
        return {result.function: result.reasons for result in self.run.concluded.results}

    @property
    def served(self) -> dict[str, str]:
        return {world.function: world.alias_version for world in self.worlds if not world.alias_weights}

    @property
    def whole(self) -> tuple[Outcome, bool]:
        return self.run.result.outcome, self.run.result.deployed

    def spans(self, function: str) -> list[tuple[float, float]]:
        """When each of a function's deployments by us ran."""
        world = next(world for world in self.worlds if world.function == function)
        return [(one.created, one.ended or 1e9) for one in world.deployments if one.by_hand]

    def asked(self, kind: type[a.Action], function: str) -> list[float]:
        return [round(at, 3) for at, action in self.run.asked(kind) if action.key == f"{function}:live"]

    def requests(self, function: str) -> list[CreateRequest]:
        asked = [action for _, action in self.run.asked(a.Create) if action.key == f"{function}:live"]
        return [action.request for action in asked if isinstance(action, a.Create)]


def start(
    *worlds: World,
    waves: Mapping[str, int] | None = None,
    policy: str = "rollback-all",
    max_parallel: int = 0,
    weather: Weather = STEADY,
    signals: Iterable[float] = (),
    seed: int = 0,
    release: Iterable[Rollout] | None = None,
    **given: str,
) -> Played:
    for world in worlds:
        world.name = f"{world.function}-"
    run = Run(
        Worlds(*worlds),  # type: ignore[arg-type]
        *(release or rollouts(worlds, waves, **given)),
        policy=Policy(on_failure=policy, max_parallel=max_parallel),
        weather=weather,
        signals=signals,
        seed=seed,
    )
    return Played(run=run, worlds=list(worlds))


def play(*worlds: World, **how: Any) -> Played:
    """Play a release of all these functions to its end."""
    return start(*worlds, **how).end()
