"""Guards and bakes in whole runs: the emulator's customers call, its CloudWatch is read, its alarms fire."""

from __future__ import annotations

import pytest

from ci_deploy.core.aws import NotPermitted
from ci_deploy.core.reasons.ending.guards import MetricsUnread
from codedeploy_emulator import Emulator
from tests.support.account import Account

from ..conftest import Theatre

GUARDS = "errors < 1%\nerrors < 2x"
AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"


def callers(emulator: Emulator, *, bad: float = 0.0, per_minute: int = 600) -> None:
    """Customers of `live`: of the next version's calls, so many fail."""
    versions = {"1": {"errors": 0.001}, "2": {"errors": bad}}
    emulator.traffic([{"function": "checkout", "alias": "live", "per_minute": per_minute, "versions": versions}])


@pytest.fixture(autouse=True)
def _an_hour_has_passed(emulator: Emulator) -> None:
    """So that there is something to compare with."""
    callers(emulator)
    emulator.advance(4000)


def test_a_version_that_fails_one_call_in_five_is_stopped_at_ten_percent(
    theatre: Theatre, emulator: Emulator, account: Account
) -> None:
    callers(emulator, bad=0.2)
    main = theatre.run({"guards": GUARDS})
    main.check(
        1,
        outcome="rolled-back",
        rollback="succeeded",
        live_version="1",
        guard_verdict="violated",
        reason_code="guard-violated",
    )
    assert account.serves() == {"1": 100.0}
    log = main.log()
    assert "`errors < 1%`" in main.outputs["reason"] and "version 2" in main.outputs["reason"]
    assert "Calls " in log
    assert "[ERROR]" in log, "the new version's own errors are quoted"
    assert "xychart-beta" in main.summary
    assert "version 2" in main.summary.partition("xychart-beta")[2]
    assert theatre.calls("StopDeployment") == 1
    shares = [line for line in log.splitlines() if "» Traffic" in line]
    assert len(shares) == 1, "it never got more than a canary's share"


def test_a_good_version_passes_its_guards_and_the_bake_that_they_imply(theatre: Theatre, emulator: Emulator) -> None:
    main = theatre.run({"guards": "errors < 5%"})
    main.check(0, outcome="succeeded", live_version="2", guard_verdict="held")
    assert "Bake" in main.log()
    assert "`errors < 5%` held" in main.log()


def test_without_guards_both_versions_are_shown_and_nothing_is_stopped(theatre: Theatre, emulator: Emulator) -> None:
    callers(emulator, bad=0.5)
    main = theatre.run({"guards": ""})
    main.check(0, outcome="succeeded", live_version="2", guard_verdict="")
    assert "observed: `errors < 2x` is violated" in main.log()
    assert theatre.calls("GetMetricData") >= 3


def test_off_asks_cloudwatch_nothing(theatre: Theatre) -> None:
    theatre.run({"guards": "off"}).check(0, outcome="succeeded")
    assert theatre.calls("GetMetricData") == 0


def test_metrics_that_may_not_be_read_are_inconclusive_and_cost_nothing_else(
    theatre: Theatre, emulator: Emulator, account: Account
) -> None:
    denied = {"service": "cloudwatch", "operation": "GetMetricData", "fault": "access-denied"}
    emulator.faults([denied])
    main = theatre.run({"guards": GUARDS}).check(0, outcome="succeeded", guard_verdict="inconclusive")
    assert MetricsUnread(fact=NotPermitted("cloudwatch:GetMetricData")).text in main.log()
    emulator.faults([])
    account.code("# another\ndef handler(event, context):\n    return 1\n")
    emulator.faults([denied])
    refused = theatre.run({"guards": GUARDS, "on-inconclusive": "rollback"}, run=(101, 1))
    refused.check(3, outcome="refused")
    assert "on-inconclusive" in refused.outputs["reason"]
    emulator.faults([])


def test_throttled_metrics_are_read_a_little_later(theatre: Theatre, emulator: Emulator) -> None:
    callers(emulator, bad=0.2)
    emulator.faults([{"service": "cloudwatch", "operation": "GetMetricData", "fault": "throttle", "probability": 0.3}])
    theatre.run({"guards": GUARDS}).check(1, outcome="rolled-back", guard_verdict="violated")


def test_a_canary_without_traffic_is_told_as_what_it_is(theatre: Theatre, emulator: Emulator) -> None:
    emulator.traffic([])
    main = theatre.run({"guards": GUARDS}).check(0, outcome="succeeded", guard_verdict="inconclusive")
    for paper in (main.log(), main.summary):
        assert "This deployment was a timer, not a test" in paper


def test_a_plan_says_what_the_guards_will_see(theatre: Theatre, emulator: Emulator) -> None:
    main = theatre.run({"guards": GUARDS, "command": "plan"}).check(0, outcome="planned")
    assert "`errors < 1%` will judge 5 minutes with about" in main.log()
    assert "it can see error rates above" in main.log()


# --- The bake ----------------------------------------------------------------------------------------------------


def test_a_bad_version_that_got_everything_is_taken_back_in_the_bake(
    theatre: Theatre, emulator: Emulator, account: Account
) -> None:
    callers(emulator, bad=0.2)
    main = theatre.run({"guards": "errors < 1%", "bake": "20m", "deployment-config": AT_ONCE})
    main.check(1, outcome="rolled-back", rollback="succeeded", live_version="1", guard_verdict="violated")
    assert theatre.calls("CreateDeployment") == 2
    assert main.outputs["rollback-deployment-id"] not in ("", main.outputs["deployment-id"])
    assert account.serves() == {"1": 100.0}


def test_an_alarm_that_fires_in_the_bake_takes_the_version_back(
    theatre: Theatre, emulator: Emulator, account: Account
) -> None:
    theatre.at(120, lambda: account.ring())
    main = theatre.run({"guards": "off", "bake": "10m", "deployment-config": AT_ONCE})
    main.check(1, outcome="rolled-back", rollback="succeeded", live_version="1", reason_code="bake-alarm")


@pytest.mark.parametrize(("written", "live"), [({}, "2"), ({"on-cancel": "rollback"}, "1")])
def test_a_cancel_in_the_bake_leaves_the_version_unless_it_was_written_otherwise(
    theatre: Theatre, account: Account, written: dict[str, str], live: str
) -> None:
    main = theatre.run({"guards": "off", "bake": "10m", "deployment-config": AT_ONCE, **written}, signals=(120.0,))
    main.check(130, outcome="cancelled")
    post = theatre.post(main)
    assert post.code in (0, 130)
    assert account.serves() == {live: 100.0}
    assert theatre.calls("CreateDeployment") == (1 if live == "2" else 2)


def test_a_second_attempt_bakes_on_and_judges_what_the_first_did_not(theatre: Theatre, emulator: Emulator) -> None:
    callers(emulator, bad=0.2)
    inputs = {"guards": "errors < 1%", "bake": "30m", "deployment-config": AT_ONCE}
    killed = theatre.step(inputs, killed_at=100.0)
    theatre.play(killed)
    assert killed.killed
    again = theatre.run(inputs, run=(100, 2))
    again.check(1, outcome="rolled-back", live_version="1", guard_verdict="violated")
    assert "Bake                 continues" in again.log()


def test_who_deploys_meanwhile_ends_the_bake(theatre: Theatre, account: Account) -> None:
    theatre.at(200, lambda: account.deploy("2", "1"))
    main = theatre.run({"guards": "off", "bake": "30m", "deployment-config": AT_ONCE})
    main.check(1, outcome="failed", live_version="1", reason_code="bake-overtaken")
