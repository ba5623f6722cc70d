"""`setup` cancelled, and `setup` where AWS refuses: what was done before is said, and nothing is done twice.

The usual ways are in test_setting_up.py.
"""

from __future__ import annotations

import json

import pytest

from tests.support.account import Account
from tests.support.golden import Told

from ..conftest import Theatre

NEW = {
    "command": "setup",
    "application": "shop",
    "deployment-group": "shop-live",
    "service-role-arn": "arn:aws:iam::123456789012:role/codedeploy",
    "deployment-config": "linear 20% every 3m",
}
APPLY = {**NEW, "apply": "true"}


def fault(kind: str, operation: str, **more: object) -> dict[str, object]:
    return {"service": "codedeploy", "operation": operation, "fault": kind, **more}


@pytest.mark.parametrize("given", [NEW, APPLY])
def test_a_signal_while_reading_is_no_report(
    theatre: Theatre, account: Account, given: dict[str, str], told: Told
) -> None:
    theatre.run(given, signals=(0.0,)).check(130, outcome="cancelled", reason=told)
    assert account.writes() == []


def test_a_signal_between_two_writes_says_what_was_done(theatre: Theatre, account: Account, told: Told) -> None:
    theatre.weather(0, fault("throttle", "CreateDeploymentConfig"))
    done = theatre.run(APPLY, signals=(2.5,)).check(130, outcome="cancelled", duration_seconds="2.5")
    assert done.outputs["reason"] == told
    assert json.loads(done.outputs["result"])["done"] == ["application shop created"]
    assert "■ CANCELLED            SIGINT" in done.log()


def test_what_cannot_be_read_is_not_taken_for_missing(theatre: Theatre, account: Account) -> None:
    theatre.weather(0, fault("access-denied", "GetDeploymentConfig"))
    done = theatre.run(APPLY).check(4, outcome="error")
    (remedy,) = (each["remedy"] for each in json.loads(done.outputs["result"])["reasons"] if each["remedy"])
    assert "codedeploy:GetDeploymentConfig on `*`" in remedy and f"→ {remedy}" in done.log()
    assert "Nothing was changed." in done.log()
    assert account.writes() == []


def test_throttled_writes_are_given_up_after_a_while(theatre: Theatre, account: Account) -> None:
    """Six tries with pauses of 1 to 16 s, at half the rate since the first of them."""
    theatre.weather(0, fault("throttle", "CreateApplication"))
    done = theatre.run(APPLY).check(4, outcome="error")
    assert theatre.calls("CreateApplication") == 6
    assert 31 <= float(done.outputs["duration-seconds"]) < 36
    assert "Nothing was changed." in done.outputs["reason"]


def test_an_update_whose_answer_was_lost_is_made_again(theatre: Theatre, account: Account) -> None:
    """The same settings once more are the same settings."""
    update = {"command": "setup", "deployment-config": "CodeDeployDefault.LambdaAllAtOnce", "update-group": "true"}
    theatre.weather(0, fault("reset", "UpdateDeploymentGroup", when="after", times=1))
    theatre.run({**update, "apply": "true"}).check(
        0, outcome="succeeded", reason="deployment group checkout-app/checkout-live changed."
    )
    assert theatre.calls("UpdateDeploymentGroup") == 2


def test_a_refusal_is_in_setups_own_terms(theatre: Theatre, account: Account) -> None:
    account.codedeploy.create_application(applicationName="shop", computePlatform="Server")
    done = theatre.run(APPLY).check(3, outcome="refused")
    assert "Nothing was changed." in done.log()
    assert "deployed" not in done.log() + done.summary
