"""The heart: `step(release, observation, now) -> Step`. Pure; every command of the product is a first state of it.

A release is one or many rollouts (one for each function) that share one stream of observations. Here answers find
their rollouts, looks are put together, and the whole gets its verdict. What one rollout does is in its stages
(`dispatch`), what they do for each other in `waves`, how a run that watches finds them in `watching`. Times are seconds
since the run began.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TypeVar

from ..change import replace
from ..guards.queries import MOST as MEASURE_AT_MOST
from ..guards.queries import Question
from ..result import Result
from ..run import Command
from ..story.events import Event, Finished
from . import watching, waves
from .actions import (
    Action,
    Cancelled,
    CommandEnded,
    Confirm,
    Discover,
    Done,
    Failed,
    Look,
    Measure,
    Observation,
    Tick,
)
from .conclusion import conclude
from .dispatch import observe, proceed, wake
from .rollout import Rollout, Turn, never
from .stages import confirming
from .stages.looking import FEW, HEARTBEAT, LOOK_AT_MOST, ends_at
from .state.attempt.ending import Cause
from .state.search import Search
from .watching import Watched

Shared = TypeVar("Shared", bound=Action)


@dataclass(frozen=True, kw_only=True)
class Release:
    """`wakes` is when each rollout has something to do by itself, `numbers` where it stands, by its key; both are empty
    before the first step."""

    command: Command
    rollouts: tuple[Rollout, ...]
    policy: waves.Policy = waves.ALL_OR_NOTHING
    search: Search | None = None  # of a run that watches: rollouts join as deployments are found
    past: tuple[Result, ...] = ()  # of rollouts whose place another deployment of the same alias has taken
    wakes: tuple[float, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)
    concluded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    release: Release
    actions: tuple[Action, ...]
    events: tuple[Event, ...]
    look_again_at: float | None  # None: the release is over


def step(release: Release, observation: Observation, now: float) -> Step:
    """One observation, and what follows from it. Only the rollouts that it concerns are looked at."""
    if release.concluded:
        return Step(release=release, actions=(), events=(), look_again_at=None)
    watched = None
    if release.search is not None:
        watched = watching.observe(release.search, release.rollouts, observation, now)
        release = _joined(release, watched, now)
    if not release.numbers:
        release = replace(release, numbers={rollout.key: number for number, rollout in enumerate(release.rollouts)})
    wakes = list(release.wakes or (now,) * len(release.rollouts))
    turns: dict[int, Turn] = {}
    # Asked in large releases alone, and there for each of the functions that a look was at.
    last_shift = cache(partial(_last_shift, release.rollouts)) if len(release.rollouts) > FEW else never
    for number in _concerned(release, observation, now, wakes):
        turn = turns[number] = Turn(release.rollouts[number], now, last_shift=last_shift)
        turn.slack = _together_within(release) if isinstance(observation, Tick) else 0.0
        observe(turn, observation)
        proceed(turn)
    rollouts = list(release.rollouts)
    for number, turn in turns.items():
        rollouts[number] = turn.r
    if release.command is Command.DEPLOY and any(waves.moved(release.rollouts[n], t.r) for n, t in turns.items()):
        for number, turn in waves.coordinate(rollouts, release.policy, now).items():
            proceed(turn)
            _merge(turns, number, turn)
            rollouts[number] = turn.r
    if release.command is Command.ROLLBACK:
        for number, turn in confirming.together(rollouts, now).items():
            _merge(turns, number, turn)
            rollouts[number] = turn.r
    for number, turn in turns.items():
        wakes[number] = wake(turn.r, now)
    release = replace(release, rollouts=tuple(rollouts), wakes=tuple(wakes))
    actions = _together([action for turn in turns.values() for action in turn.actions])
    events = [event for turn in turns.values() for event in turn.events]
    if watched is not None:
        return _watched(release, watched, actions, events, now)
    results = [rollout.result for rollout in rollouts if rollout.result is not None]
    if len(results) == len(rollouts):
        release = replace(release, concluded=True)
        along = {r.key for r in rollouts if r.part.for_others or r.cause is Cause.RELEASE}
        events.append(conclude(release.command, results, now, along=along))
        return Step(release=release, actions=actions, events=tuple(events), look_again_at=None)
    return Step(release=release, actions=actions, events=tuple(events), look_again_at=min(wakes))


def _joined(release: Release, watched: Watched, now: float) -> Release:
    """The release with the rollouts that were found; one takes the place of one of the same alias that is over."""
    if not watched.begun:
        return release
    rollouts = {rollout.key: rollout for rollout in release.rollouts}
    wakes = dict(zip(rollouts, release.wakes, strict=False))
    past = list(release.past)
    for one in watched.begun:
        before = rollouts.get(one.key)
        if before is not None and before.result is not None and before.job.subject != one.job.subject:
            past.append(before.result)
        rollouts[one.key], wakes[one.key] = one.after(before) if before is not None else one, now
    return replace(
        release,
        rollouts=tuple(rollouts.values()),
        wakes=tuple(wakes.get(key, now) for key in rollouts),
        numbers={key: number for number, key in enumerate(rollouts)},
        past=tuple(past),
    )


def _watched(release: Release, before: Watched, actions: tuple[Action, ...], events: list[Event], now: float) -> Step:
    """The end of a step that watches: it is over when nothing is followed and nothing more is waited for."""
    made = watching.proceed(before.search, release.rollouts, now)
    events[:0] = before.events
    events += made.events
    release = replace(release, search=made.search)
    actions = (*actions, *made.actions)
    if not made.search.over:
        again = min(*release.wakes, watching.wake(made.search, now), now + HEARTBEAT)
        return Step(release=release, actions=actions, events=tuple(events), look_again_at=again)
    results = [rollout.result for rollout in release.rollouts if rollout.result is not None]
    alone = before.result or made.result
    if alone is not None:
        results.append(alone)
        if alone.function:  # a stack of which nothing was seen has none
            events.append(Finished(at=now, key=alone.key, result=alone))
    events.append(conclude(release.command, watching.explained(made.search, results), now, past=release.past))
    release = replace(release, concluded=True)
    return Step(release=release, actions=actions, events=tuple(events), look_again_at=None)


def _last_shift(rollouts: tuple[Rollout, ...]) -> float:
    """When the last shift of those that are followed is due."""
    return max((at for r in rollouts if (at := ends_at(r)) is not None), default=math.inf)


def _together_within(release: Release) -> float:
    """Looks that are due within so many seconds are made in one call: more where many can share it."""
    if len(release.rollouts) <= 1:
        return 0.0  # a sign of life is no reason to look before the moment that was planned
    return 3.0 if len(release.rollouts) <= FEW else 4.0


def _merge(turns: dict[int, Turn], number: int, turn: Turn) -> None:
    """A rollout that acted, and then acted again for the others' sake, did both."""
    before = turns.get(number)
    if before is not None:
        turn.actions[:0] = before.actions
        turn.events[:0] = before.events
    turns[number] = turn


def _concerned(release: Release, observation: Observation, now: float, wakes: list[float]) -> Iterable[int]:
    """The numbers of the rollouts to look at: those that are due, or those that the answer is for."""
    match observation:
        case Tick():
            due = [number for number, at in enumerate(wakes) if at <= now]
            until = now + _together_within(release)
            soon = [number for number, at in enumerate(wakes) if now < at <= until] if due else []
            return due + soon
        case CommandEnded() | Done(action=Discover()) | Failed(action=Discover()):
            return ()
        case Cancelled():
            return range(len(wakes))
        case (
            Done(action=Look(shared_by=keys) | Measure(shared_by=keys) | Confirm(shared_by=keys))
            | Failed(action=Look(shared_by=keys) | Measure(shared_by=keys))
        ) if keys:
            return [release.numbers[key] for key in keys]
    return (release.numbers[observation.action.key],)


def _together(actions: list[Action]) -> tuple[Action, ...]:
    """What several rollouts ask at the same time, in as few calls as hold it."""
    actions = _as_one(actions, Confirm, _confirmed_together)
    actions = _as_one(actions, Measure, _measured_together)
    return tuple(_as_one(actions, Look, _looked_together))


def _as_one(
    actions: list[Action], kind: type[Shared], together: Callable[[list[Shared]], Iterable[Shared]]
) -> list[Action]:
    """The actions of a kind, if there are several, put together behind all others."""
    several: list[Shared] = [action for action in actions if isinstance(action, kind)]
    if len(several) < 2:
        return actions
    return [*(action for action in actions if not isinstance(action, kind)), *together(several)]


def _confirmed_together(questions: list[Confirm]) -> Iterable[Confirm]:
    """One question for all that would be rolled back."""
    goals = tuple(goal for question in questions for goal in question.goals)
    yield Confirm(key="", goals=goals, shared_by=tuple(question.key for question in questions))


def _looked_together(looks: list[Look]) -> Iterable[Look]:
    """A call for each 25 deployments."""
    ids = list(dict.fromkeys(deployment_id for look in looks for deployment_id in look.ids))
    wanted = frozenset[str]().union(*(look.with_targets for look in looks))
    for start in range(0, len(ids), LOOK_AT_MOST):
        part = tuple(ids[start : start + LOOK_AT_MOST])
        keys = tuple(look.key for look in looks if look.ids[0] in part)
        yield Look(key="", ids=part, with_targets=wanted & set(part), shared_by=keys)


def _measured_together(measures: list[Measure]) -> Iterable[Measure]:
    """As few calls as take no more than a call's metrics each; a call has one span of time."""
    keys: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    for one in sorted(measures, key=lambda each: (each.questions[0].start, each.questions[0].end)):
        if keys and len(questions) + len(one.questions) > MEASURE_AT_MOST:
            yield Measure(key="", questions=questions, shared_by=keys)
            keys, questions = (), ()
        keys, questions = (*keys, one.key), (*questions, *one.questions)
    yield Measure(key="", questions=questions, shared_by=keys)
