"""Preflight on what a deployment is made of: every finding in full, for its words are what people act on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_deploy.core.model import (
    Alarm,
    AlarmConfiguration,
    Alias,
    Fact,
    Finding,
    FunctionVersion,
    Known,
    NotPermitted,
    Severity,
    Unavailable,
)
from ci_deploy.core.planning import Facts

from .test_surrounding_checks import FACTS, VERSION, checked

assert FACTS.latest is not None
assert FACTS.group is not None
LATEST, GROUP = FACTS.latest, FACTS.group
HOOK = "CodeDeployHook_check"
WATCHED = replace(FACTS, group=replace(GROUP, alarms=AlarmConfiguration(enabled=True, names=("errors", "latency"))))
RINGING = (Alarm(name="errors", state="ALARM", reason="Threshold crossed."), Alarm(name="latency", state="OK"))
SAME = replace(FACTS, latest=replace(LATEST, code_sha256="old"))
FIRST = replace(FACTS, alias=None, current=None)


def refusal(code: str, text: str, remedy: str = "") -> Finding:
    return Finding(severity=Severity.REFUSAL, code=code, text=text, remedy=remedy)


def warning(code: str, text: str, remedy: str = "") -> Finding:
    return Finding(severity=Severity.WARNING, code=code, text=text, remedy=remedy)


def note(code: str, text: str, remedy: str = "") -> Finding:
    return Finding(severity=Severity.NOTE, code=code, text=text, remedy=remedy)


def ringing(facts: Facts) -> Facts:
    return replace(facts, group=WATCHED.group, alarms=Known(RINGING))


# --- What nobody deploys, nothing can spoil ---


def test_an_alarm_that_rings_is_no_refusal_where_there_is_nothing_to_deploy() -> None:
    """A merge that changes no code, while the alarm rings, is green: there is no deployment that could be stopped."""
    made = checked(ringing(SAME))
    assert made.unchanged == "Version 1, which the alias serves, has the same code and settings as `$LATEST`."
    assert made.findings == ()


def test_the_first_deployment_is_not_refused_for_an_alarm_that_could_not_stop_it() -> None:
    """Before anything serves, an alarm that treats missing data as breaching rings; CodeDeploy is not asked."""
    (found,) = checked(ringing(FIRST), create_alias="true").findings
    assert found.code == "alias-first"


def test_rollback_that_is_off_is_not_warned_of_where_no_deployment_is_made() -> None:
    assert checked(SAME, auto_rollback="off").findings == ()
    (found,) = checked(FIRST, auto_rollback="off", create_alias="true").findings
    assert found.code == "alias-first"


# --- All problems at once ---


def test_every_problem_is_found_in_one_run_whatever_else_is_wrong() -> None:
    """One run, one correction: nothing waits behind another finding, and nothing is written."""
    facts = replace(
        FACTS,
        alias=Alias(function="checkout", name="live", version="$LATEST"),
        group=None,
        config=None,
        hooks={HOOK: Known(None), "other": Known(VERSION)},
        surroundings=None,
    )
    given = {
        "target_version": "9",
        "current_version": "3",
        "deployment_config": "mine",
        "before_allow_traffic": HOOK,
        "after_allow_traffic": "other",
        "auto_rollback": "off",
    }
    made = checked(facts, **given)
    assert [(finding.severity, finding.code) for finding in made.findings] == [
        (Severity.REFUSAL, "alias-latest"),
        (Severity.REFUSAL, "current-version"),
        (Severity.REFUSAL, "target-missing"),
        (Severity.REFUSAL, "group-missing"),
        (Severity.REFUSAL, "config-missing"),
        (Severity.REFUSAL, "hook-missing"),
        (Severity.WARNING, "hook-name"),
        (Severity.WARNING, "rollback-off"),
    ]


def test_an_alias_that_does_not_exist_does_not_serve_the_version_that_is_expected() -> None:
    """`create-alias` must not make an alias that the caller took for one that serves already."""
    (found, first) = checked(FIRST, create_alias="true", current_version="5").findings
    assert first.code == "alias-first"
    assert found == refusal(
        "current-version",
        "Alias `live` does not exist, so it does not serve version 5 as `current-version` says.",
        "Leave `current-version` out to create the alias, or check the inputs `function` and `alias`.",
    )


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        (NotPermitted("lambda:GetFunction"), "not permitted, needs lambda:GetFunction"),
        (Unavailable("the network is down"), "the network is down"),
    ],
)
def test_a_hook_that_could_not_be_read_is_said_with_the_reason(fact: Fact[FunctionVersion | None], why: str) -> None:
    made = checked(replace(FACTS, hooks={HOOK: fact}), before_allow_traffic=HOOK)
    assert made.findings == (note("hook-unread", f"Hook `{HOOK}` was not checked: {why}."),)
