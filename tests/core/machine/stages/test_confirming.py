"""A rollback from a terminal asks its person once, shows first what it would do, and writes nothing before that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from ci_deploy.core.given.parsing import parse
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine.rollout import Turn
from ci_deploy.core.machine.stages.confirming import answered, together
from ci_deploy.core.machine.state.place import Stage
from ci_deploy.core.marker import parse as parse_marker
from ci_deploy.core.reasons.run import NotConfirmed
from ci_deploy.core.run import Outcome
from ci_deploy.core.story import events as e
from tests.support.machine import many
from tests.support.machine.playing import STEADY, Run, first, play_together
from tests.support.machine.states import but
from tests.support.machine.world import AT_ONCE, CANARY, Running, World, context, inputs

from .test_deciding import Account, over, running, served_three

WRITES = (a.Stop, a.Create, a.Tag, a.RepairAlias, a.Upload, a.Describe)


def ask(world: World, *, signals: tuple[float, ...] = (), **given: str) -> Run:
    rollout = first(inputs(command="rollback", reason="bad", **given), context(actions=False))
    run = Run(world, but(rollout, job__confirm=True), weather=STEADY, signals=signals)
    play_together(world, run)
    return run


def order(run: Run) -> list[str]:
    """What was asked for, and when the plan was shown, in order."""
    told = [(event.at, 1, "shown") for event in run.events if isinstance(event, e.Planned)]
    asked = [(at, 2, type(action).__name__) for at, action in run.actions]
    return [name for _, _, name in sorted(told + asked)]


def goals(run: Run) -> list[tuple[tuple[str, str], ...]]:
    return [action.goals for _, action in run.asked(a.Confirm) if isinstance(action, a.Confirm)]


def test_the_plan_is_shown_then_the_question_put_then_the_facts_read_again() -> None:
    run = ask(served_three())
    assert order(run)[:4] == ["Gather", "shown", "Confirm", "Gather"]
    assert order(run).count("shown") == 1, "what was shown already is not shown again"
    assert goals(run) == [(("checkout:live", "2"),)]
    assert (run.result.outcome, run.result.live_version) == (Outcome.SUCCEEDED, "2")


@pytest.mark.parametrize(
    ("world", "given"),
    [
        (served_three(confirms=False), {}),
        (served_three(confirms=False), {"hold": "set"}),
        (served_three(running(), alias_version="1", confirms=False), {}),
        (served_three(running(), alias_version="1", confirms=False), {"version": "2"}),
        (served_three(alias_weights={"2": 10.0}, confirms=False), {}),
        (served_three(tags={"ci-deploy-hold:live": "because"}, confirms=False), {"hold": "release"}),
    ],
    ids=["nothing runs", "with a hold", "a canary runs", "to elsewhere", "split", "held"],
)
def test_who_says_no_has_changed_nothing(world: World, given: dict[str, str]) -> None:
    run = ask(world, **given)
    assert len(goals(run)) == 1
    assert [kind.__name__ for kind in WRITES if run.count(kind)] == []
    assert (run.result.outcome, run.result.reasons) == (Outcome.CANCELLED, (NotConfirmed(),))


@pytest.mark.parametrize(
    ("world", "given", "write"),
    [
        (served_three(), {"hold": "set"}, a.Tag),
        (served_three(running(), alias_version="1"), {}, a.Stop),
        (served_three(running(), alias_version="1"), {"version": "2"}, a.Stop),
        (served_three(alias_weights={"2": 10.0}), {}, a.RepairAlias),
    ],
    ids=["with a hold", "a canary runs", "to elsewhere", "split"],
)
def test_who_says_yes_gets_what_was_shown_and_is_asked_once(
    world: World, given: dict[str, str], write: type[a.Action]
) -> None:
    run = ask(world, **given)
    assert len(goals(run)) == 1
    assert run.count(write) >= 1
    assert run.asked(write)[0][0] > run.asked(a.Confirm)[0][0]
    assert run.result.outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    ("given", "why", "told"),
    [({}, "prices", "prices"), ({}, "", ""), ({"reason": "bad"}, "", "bad")],
    ids=["with the answer", "none", "beforehand"],
)
def test_a_yes_may_bring_the_reason_along(given: dict[str, str], why: str, told: str) -> None:
    """It goes wherever one that was given beforehand goes; a person who gives none is obeyed all the same."""
    asked = {"command": "rollback", "function": "checkout", "application": "app", "deployment-group": "group"}
    rollout = first(parse(asked | given, attended=True), context(actions=False))
    world = served_three(why=why)
    run = Run(world, but(rollout, job__confirm=True), weather=STEADY)
    play_together(world, run)
    ((_, create),) = run.asked(a.Create)
    assert isinstance(create, a.Create)
    marker = parse_marker(create.request.description)
    assert marker is not None
    assert marker.reason == told


def test_a_rollback_that_is_under_way_already_is_followed_without_a_question() -> None:
    world = served_three(running(target="1", current="3", creator="codeDeployRollback", rollback_of="d-X"))
    run = ask(world)
    assert goals(run) == []
    assert run.count(a.Stop) == 0


def test_what_is_refused_is_refused_without_a_question() -> None:
    run = ask(served_three(), version="9")
    assert goals(run) == []
    assert run.result.outcome is Outcome.REFUSED


@dataclass(kw_only=True)
class Slow(Account):
    """While the person thinks, somebody else rolls back."""

    thought: int = 0

    def perform(self, action: a.Action) -> Any:
        if isinstance(action, a.Confirm) and not self.thought:
            self.thought += 1
            self.alias_version = "2"
            self.deployments.append(over("d-DDDDDDDDD", "3", "2", at=-1.0, description="ci-deploy/1 kind=other"))
        return super().perform(action)


def test_what_leads_elsewhere_after_the_answer_is_asked_about_again() -> None:
    world = served_three()
    slow = Slow(versions=world.versions, alias_version="3", deployments=world.deployments)
    run = ask(slow)
    assert goals(run) == [(("checkout:live", "2"),), (("checkout:live", "3"),)]
    assert order(run).count("shown") == 2


def test_a_signal_ends_the_question() -> None:
    """It is put at 5 s, and would be answered at 10."""
    world = served_three()
    run = Run(
        world,
        but(first(inputs(command="rollback", reason="bad"), context(actions=False)), job__confirm=True),
        weather=replace(STEADY, delays=(5.0, 5.0)),
        signals=(7.0,),
    )
    play_together(world, run)
    assert run.result.outcome is Outcome.CANCELLED
    assert [kind.__name__ for kind in WRITES if run.count(kind)] == []


@pytest.mark.parametrize("yes", [True, False])
def test_all_functions_of_a_run_are_one_question(yes: bool) -> None:
    """Which is put when it is known of each where it would go; one that is refused is no part of it."""
    worlds = [
        World(function=name, routing=AT_ONCE, versions={"1": "one", "2": "two"}, alias_version="2", confirms=yes)
        for name in ("a", "b", "c")
    ]
    for world in worlds[:2]:
        past = Running(id="d-PAST", function=world.function, created=-9.0, current="1", target="2", routing=CANARY)
        world.deployments.append(past)
        world.advance(0.0)
        world.deployments[0] = over("d-PAST", "1", "2", function=world.function)
    asking = [but(one, job__confirm=True) for one in many.rollouts(worlds, command="rollback", reason="bad")]
    played = many.start(*worlds, release=asking).end()
    questions = played.run.asked(a.Confirm)
    assert [action.goals for _, action in questions if isinstance(action, a.Confirm)] == [
        (("a:live", "1"), ("b:live", "1"))
    ]
    ended = "succeeded" if yes else "cancelled"
    assert played.outcomes == {"a": ended, "b": ended, "c": "refused"}


def test_who_is_asked_again_about_one_function_does_not_wait_for_the_others() -> None:
    made = but(first(inputs(command="rollback", reason="bad"), context(actions=False)), job__confirm=True, agreed="1")
    again, going = but(made, stage=Stage.CONFIRMING, proposed="3"), but(made, stage=Stage.FOLLOWING)
    asked = together((again, going), 10.0)
    assert {number: turn.actions for number, turn in asked.items()} == {
        0: [a.Confirm(key="checkout:live", goals=(("checkout:live", "3"),))]
    }


def test_an_answer_that_comes_late_does_no_harm() -> None:
    elsewhere = but(first(inputs(command="rollback", reason="bad"), context(actions=False)), job__confirm=True)
    turn = Turn(elsewhere, 1.0)
    answered(turn, True)
    assert (turn.r, turn.actions, turn.events) == (elsewhere, [], [])
