"""A signal at any moment: nothing is created after it, one stop goes out, and the post step finishes what is left."""

from __future__ import annotations

import pytest

from ci_deploy.core.machine.actions import Create, Stop
from tests.support.account import Account
from tests.support.machine.stage import Step

from .conftest import Theatre

LINEAR = {"deployment-config": "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"}


def stops(step: Step) -> list[tuple[float, Stop]]:
    return [(at, action) for at, action in step.asked if isinstance(action, Stop)]


def test_before_creation_nothing_is_created(theatre: Theatre, account: Account) -> None:
    theatre.run(LINEAR, signals=(0.01,)).check(130, outcome="cancelled", deployed="false", rollback="none")
    assert account.deployments() == []


def test_while_it_runs_it_is_stopped_with_rollback_at_once(theatre: Theatre, account: Account) -> None:
    """One StopDeployment, in the moment of the signal, and the version before serves again."""
    theatre.history()
    theatre.emulator.switches(rollback_delay_seconds=0)
    done = theatre.run(LINEAR, signals=(100,), run=(101, 1)).check(130, outcome="cancelled", deployed="false")
    ((at, stop),) = stops(done)
    assert (at, stop.rollback, stop.urgent) == (done.signalled_at, True, True)
    post = theatre.post(done)
    assert post.outputs["live-version"] in ("2", "")
    theatre.emulator.advance(300)
    assert account.serves() == {"2": 100.0}


@pytest.mark.parametrize("policy", ["stop", "leave"])
def test_other_policies_do_as_they_say(theatre: Theatre, account: Account, policy: str) -> None:
    done = theatre.run({**LINEAR, "on-cancel": policy}, signals=(100,)).check(130, outcome="cancelled")
    asked = [stop.rollback for _, stop in stops(done)]
    assert asked == ([] if policy == "leave" else [False])
    status = account.deployment(done.outputs["deployment-id"])["status"]
    assert status == ("InProgress" if policy == "leave" else "Stopped")
    if done.state.get("finished") != "true":
        done = theatre.post(done)
    assert done.outputs["live-weights"], "the split is said"


def test_a_second_signal_ends_it_and_the_post_step_confirms(theatre: Theatre, account: Account) -> None:
    theatre.history()
    done = theatre.run(LINEAR, signals=(100, 100.01), run=(101, 1)).check(130, outcome="cancelled", rollback="unknown")
    assert done.state.get("finished") != "true"
    theatre.post(done).check(130, outcome="cancelled", rollback="succeeded", live_version="2", live_weights="")
    assert account.serves() == {"2": 100.0}


@pytest.mark.parametrize("when", [0.05, 1.0, 5.0, 90.0, 400.0])
def test_killed_at_any_moment_the_post_step_puts_it_right(theatre: Theatre, account: Account, when: float) -> None:
    """A step timeout or a kill leaves no word: the state has the ids, or the marker to look for."""
    theatre.history()
    main = theatre.step(LINEAR, run=(101, 1), killed_at=when)
    theatre.play(main)
    theatre.post(main)
    theatre.emulator.advance(10)
    assert account.serves() == {"2": 100.0}
    theatre.run(LINEAR, run=(102, 1)).check(0, outcome="succeeded", live_version="3")


def test_killed_between_request_and_answer_the_marker_finds_it(theatre: Theatre, account: Account) -> None:
    theatre.history()
    main = theatre.step(LINEAR, run=(101, 1), kill_while_creating=True)
    main.dice.seed(1)  # killed after the request had its effect
    theatre.play(main)
    assert main.killed and main.outputs["deployment-id"] == ""
    assert len(account.deployments()) == 2
    post = theatre.post(main)
    assert not [action for _, action in post.asked if isinstance(action, Create)]
    post.check(130, outcome="cancelled", live_version="2")
    assert account.serves() == {"2": 100.0}


def test_a_lost_answer_and_a_signal_find_the_deployment_and_stop_it(theatre: Theatre, account: Account) -> None:
    theatre.history()
    theatre.emulator.faults(
        [{"service": "codedeploy", "operation": "CreateDeployment", "fault": "reset", "when": "after"}]
    )
    done = theatre.run(LINEAR, run=(101, 1), signals=(0.9,), slowest=0.1)
    if done.outputs["deployment-id"]:
        assert stops(done)
    theatre.emulator.faults([])
    theatre.post(done)
    theatre.emulator.advance(60)
    assert account.serves() == {"2": 100.0}


def test_a_stop_that_gets_no_answer_is_not_repeated_but_finished_by_the_post_step(theatre: Theatre) -> None:
    theatre.history()
    theatre.weather(90, {"service": "codedeploy", "operation": "StopDeployment", "fault": "reset"})
    done = theatre.run(LINEAR, run=(101, 1), signals=(100,)).check(130, outcome="cancelled", rollback="unknown")
    assert len(stops(done)) == 1
    theatre.emulator.faults([])
    theatre.post(done).check(130, outcome="cancelled", rollback="succeeded", live_version="2", live_weights="")


def test_status_that_is_cancelled_stops_nothing(theatre: Theatre, account: Account) -> None:
    detached = theatre.run({**LINEAR, "wait": "false"}).check(0, outcome="detached")
    follow = {"command": "status", "deployment-id": detached.outputs["deployment-id"], "wait": "true"}
    done = theatre.run(follow, signals=(60,)).check(130, outcome="cancelled")
    assert stops(done) == []
    assert account.deployment(detached.outputs["deployment-id"])["status"] == "InProgress"
