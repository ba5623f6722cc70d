"""Another deployment of the group is running, an older run comes late, a run is run again."""

from __future__ import annotations

import pytest

from codedeploy_emulator import Emulator
from tests.support.account import Account

from ..conftest import CODE, Theatre

CANARY = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
AT_ONCE = {"deployment-config": "CodeDeployDefault.LambdaAllAtOnce"}


def other(account: Account) -> str:
    """Somebody else's canary, of a version of its own."""
    version = account.publish(CODE.format("theirs"))
    made = account.deploy("1", version, CANARY)
    account.code(CODE.format("ours"))
    return made


def test_wait_follows_the_other_to_its_end_and_deploys_then(theatre: Theatre, account: Account) -> None:
    theirs = other(account)
    done = theatre.run(AT_ONCE).check(0, outcome="succeeded", previous_version="2", live_version="3")
    assert theirs in done.log()
    assert account.deployment(theirs)["status"] == "Succeeded"


def test_wait_is_bounded(theatre: Theatre, account: Account) -> None:
    theirs = other(account)
    done = theatre.run({**AT_ONCE, "timeout": "2m"}).check(3, outcome="refused", deployed="false")
    assert theirs in done.outputs["reason"]
    assert len(account.deployments()) == 1


def test_fail_refuses_at_once(theatre: Theatre, account: Account) -> None:
    theirs = other(account)
    done = theatre.run({**AT_ONCE, "on-conflict": "fail"}).check(3, outcome="refused")
    assert theirs in done.outputs["reason"]
    assert account.deployment(theirs)["status"] != "Stopped"


def test_supersede_stops_it_with_rollback_and_deploys_then(theatre: Theatre, account: Account) -> None:
    theirs = other(account)
    theatre.run({**AT_ONCE, "on-conflict": "supersede"}).check(
        0, outcome="succeeded", previous_version="1", live_version="3"
    )
    assert account.deployment(theirs)["status"] == "Stopped"


def test_a_rollback_in_progress_is_never_superseded(theatre: Theatre, account: Account, emulator: Emulator) -> None:
    emulator.switches(rollback_config="group", rollback_delay_seconds=1)
    theirs = other(account)
    emulator.advance(20)
    account.codedeploy.stop_deployment(deploymentId=theirs, autoRollbackEnabled=True)
    emulator.advance(10)
    rollback = account.deployment(theirs)["rollbackInfo"]["rollbackDeploymentId"]
    done = theatre.run({**AT_ONCE, "on-conflict": "supersede"})
    assert account.deployment(rollback)["status"] == "Succeeded"
    done.check(0, outcome="succeeded", live_version="3")


@pytest.mark.parametrize("text", ["current", "older"])
def test_a_conflict_that_comes_between_is_told_whatever_its_text(
    theatre: Theatre, account: Account, emulator: Emulator, text: str
) -> None:
    """The other deployment begins after our reading and before our creation."""
    emulator.switches(conflict_message=text)
    version = account.publish(CODE.format("theirs"))
    account.code(CODE.format("ours"))
    theatre.at(0.02, lambda: account.deploy("1", version, CANARY))
    theatre.run(AT_ONCE, slowest=3.0).check(0, outcome="succeeded", live_version="3")


def test_an_older_run_never_overwrites_a_newer_one_unless_forced(theatre: Theatre, account: Account) -> None:
    theatre.run(AT_ONCE, run=(200, 1)).check(0)
    account.code(CODE.format("older"))
    done = theatre.run(AT_ONCE, run=(150, 1)).check(3, outcome="refused", deployed="false", live_version="2")
    assert "200" in done.outputs["reason"] and "force" in done.log()
    theatre.run({**AT_ONCE, "force": "true"}, run=(150, 1)).check(0, outcome="succeeded", live_version="3")


def test_a_re_run_attaches_to_its_own_deployment(theatre: Theatre, account: Account) -> None:
    """Killed without a post step; the second attempt follows what the first began."""
    main = theatre.step({"deployment-config": CANARY}, run=(100, 1), killed_at=60)
    theatre.play(main)
    again = theatre.run({"deployment-config": CANARY}, run=(100, 2))
    again.check(0, outcome="succeeded", deployed="true", previous_version="1", target_version="2", live_version="2")
    assert again.outputs["deployment-id"] == main.outputs["deployment-id"]
    assert len(account.deployments()) == 1


def test_a_re_run_of_what_is_served_is_unchanged_and_of_what_failed_is_new(
    theatre: Theatre, account: Account, emulator: Emulator
) -> None:
    theatre.run(AT_ONCE, run=(100, 1)).check(0)
    theatre.run(AT_ONCE, run=(100, 2)).check(0, outcome="unchanged", live_version="2")
    account.code(CODE.format("three"))
    hooks = {**AT_ONCE, "before-allow-traffic": "CodeDeployHook_checkout_before"}
    emulator.scripts({"CodeDeployHook_checkout_before": "fail"})
    failed = theatre.run(hooks, run=(101, 1)).check(1, outcome="rolled-back", live_version="2")
    emulator.scripts({"CodeDeployHook_checkout_before": "succeed"})
    again = theatre.run(hooks, run=(101, 2)).check(0, outcome="succeeded", live_version="3")
    assert again.outputs["deployment-id"] != failed.outputs["deployment-id"]


def test_two_runs_at_once_deploy_one_after_the_other(theatre: Theatre, account: Account) -> None:
    first = theatre.step(AT_ONCE, run=(100, 1))
    second = theatre.step({**AT_ONCE, "version": account.publish(CODE.format("b"))}, run=(101, 1))
    theatre.play(first, second)
    assert {first.code, second.code} <= {0, 3}
    assert account.serves() in ({"2": 100.0}, {"3": 100.0})
