"""Preflight on what a deployment is made of: every finding in full, for its words are what people act on."""

from __future__ import annotations

from dataclasses import replace

from ci_deploy.core.model import (
    Alarm,
    AlarmConfiguration,
    Finding,
    Known,
    Severity,
)
from ci_deploy.core.planning import Facts

from .test_surrounding_checks import FACTS, checked

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
