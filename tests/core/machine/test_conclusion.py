"""The verdict on the whole of a release: which function leads, and what is true of all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_deploy.core.machine.conclusion import conclude
from ci_deploy.core.reasons.ending.release import OfEach
from ci_deploy.core.reasons.run import Bug
from ci_deploy.core.reasons.setup import NothingMissing, ToSetUp
from ci_deploy.core.result import Result
from ci_deploy.core.run import Command, Outcome, Rollback
from ci_deploy.core.story.events import Concluded


def result(function: str, outcome: Outcome, reason: str = "", **more: object) -> Result:
    made = Result(function=function, alias="live", outcome=outcome, duration_seconds=12.5)
    more |= {"reasons": (Bug(error=reason),)} if reason else {}
    return replace(made, **more)  # type: ignore[arg-type]


def lead(*results: Result, along: frozenset[str] = frozenset()) -> Result:
    return conclude(Command.DEPLOY, results, 99.0, along=along).result


def test_of_one_function_the_result_is_the_runs_as_it_is() -> None:
    one = result("a", Outcome.SUCCEEDED, deployed=True)
    assert conclude(Command.DEPLOY, [one], 33.333) == Concluded(
        at=33.333, command=Command.DEPLOY, result=one, results=(one,), exit_code=0
    )


def test_of_several_the_worst_leads_with_the_whole_runs_duration_and_every_function_is_in_it() -> None:
    good, bad = result("a", Outcome.SUCCEEDED, deployed=True), result("b", Outcome.FAILED, reason="Why.")
    assert conclude(Command.DEPLOY, [good, bad], 33.333) == Concluded(
        at=33.333,
        command=Command.DEPLOY,
        result=replace(bad, duration_seconds=33.3),
        results=(good, bad),
        exit_code=1,
    )


LOUDEST_FIRST = [
    "rollback-failed",
    "lost-contact",
    "cancelled",
    "timed-out",
    "failed",
    "rolled-back",
    "stopped",
    "error",
    "invalid",
    "refused",
    "detached",
    "succeeded",
    "unchanged",
]


@pytest.mark.parametrize("number", range(len(LOUDEST_FIRST) - 1))
def test_the_louder_of_two_ends_leads_wherever_it_stands(number: int) -> None:
    louder, other = (result(name, Outcome(name)) for name in LOUDEST_FIRST[number : number + 2])
    assert lead(louder, other).function == lead(other, louder).function == louder.function


def test_of_two_equal_ends_the_one_whose_rollback_failed_leads() -> None:
    calm = result("a", Outcome.CANCELLED, rollback=Rollback.UNKNOWN)
    failed = result("b", Outcome.CANCELLED, rollback=Rollback.FAILED)
    assert lead(calm, failed).function == lead(failed, calm).function == "b"


def test_of_equals_one_that_was_only_taken_along_does_not_lead() -> None:
    taken, cause = result("a", Outcome.ROLLED_BACK), result("b", Outcome.ROLLED_BACK)
    assert lead(taken, cause, along=frozenset({"a:live"})).function == "b"
    assert lead(taken, cause).function == "a"


def test_one_that_was_taken_along_and_ended_worse_leads_all_the_same() -> None:
    taken, cause = result("a", Outcome.ROLLBACK_FAILED), result("b", Outcome.ROLLED_BACK)
    assert lead(taken, cause, along=frozenset({"a:live"})).function == "a"


@pytest.mark.parametrize(
    ("outcomes", "deployed"),
    [
        ("succeeded succeeded", True),
        ("succeeded unchanged", True),
        ("unchanged succeeded", True),
        ("unchanged unchanged", False),
        ("succeeded detached", False),
        ("succeeded failed", False),
    ],
)
def test_a_release_is_deployed_when_every_function_serves_its_target_changed_or_not(
    outcomes: str, deployed: bool
) -> None:
    results = [result(name, Outcome(name), deployed=name == "succeeded") for name in outcomes.split()]
    assert lead(*results).deployed is deployed


@pytest.mark.parametrize("settled", [(True, True), (True, False), (False, True)])
def test_a_release_is_settled_when_all_of_it_is(settled: tuple[bool, bool]) -> None:
    results = [result(str(each), Outcome.CANCELLED, settled=each) for each in settled]
    assert lead(*results).settled is (settled == (True, True))


def test_what_stop_is_for_is_a_success_of_that_command_alone() -> None:
    stopped = result("a", Outcome.STOPPED)
    assert conclude(Command.STOP, [stopped], 1.0).exit_code == 0
    assert conclude(Command.DEPLOY, [stopped], 1.0).exit_code == 1


def test_the_reason_of_a_cancelled_release_speaks_of_all_of_it() -> None:
    """It spoke of the first function alone."""
    good = result("a", Outcome.SUCCEEDED, deployed=True, reason="The alias serves version 2.")
    stopped = [result(name, Outcome.CANCELLED, reason=f"{name} was stopped.") for name in "bc"]
    early = [result(name, Outcome.CANCELLED, reason="Before anything.") for name in "defgh"]
    more = [result(name, Outcome.CANCELLED, reason="More.") for name in "ij"]
    assert lead(good, *stopped, *early, *more).reason == (
        "Of 10 functions: 9 cancelled, 1 succeeded. b:live: b was stopped. c:live: c was stopped. "
        "d:live, e:live, f:live and 2 more: Before anything."
    )
    assert lead(stopped[0]).reason == "b was stopped."
    missing = ToSetUp(created=("alias `b:live`",), changed=())
    assert lead(good, replace(stopped[0], reasons=(missing,))).remedy == missing.remedy != ""
    assert lead(good, result("b", Outcome.FAILED, reason="Why.")).reason == "Why."


@pytest.mark.parametrize("command", [Command.SETUP, Command.PRUNE])
def test_of_commands_that_keep_house_each_function_is_told(command: Command) -> None:
    """What was done for one says nothing of another; what is alike is said once, and the leader's code is the run's."""
    there, missing = NothingMissing(), ToSetUp(created=("alias `b:live`",), changed=())
    results = [
        replace(result("a", Outcome.UNCHANGED), reasons=(there,)),
        replace(result("b", Outcome.REPORTED), reasons=(missing,)),
        replace(result("c", Outcome.UNCHANGED), reasons=(there,)),
    ]
    led = conclude(command, results, 99.0).result
    told = ((("a:live", "c:live"), there.text), (("b:live",), missing.text))
    assert led.reasons == (OfEach(code="to-set-up", told=told, advice=missing.remedy),)
    assert (led.outcome, led.reason_code, led.remedy) == (Outcome.REPORTED, "to-set-up", missing.remedy)
    assert led.reason == f"- a:live, c:live: {there.text}\n- b:live: {missing.text}"


@pytest.mark.parametrize("outcome", [Outcome.PLANNED, Outcome.REPORTED])
def test_what_would_be_done_leads_before_what_would_not(outcome: Outcome) -> None:
    assert lead(result("a", Outcome.UNCHANGED), result("b", outcome)).outcome is outcome
