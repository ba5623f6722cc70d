"""Guards and bake of a plan, what they will be able to see, and what preflight says of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ci_deploy.core.aws import Fact, Known, NotPermitted, Routing, Unavailable
from ci_deploy.core.guards.grammar import OFF, parse
from ci_deploy.core.guards.judging import LEVEL
from ci_deploy.core.plan.planning import Calls, Existing, Facts, Plan
from ci_deploy.core.plan.preflight.checks import preflight
from ci_deploy.core.plan.proof import NOTHING, Proof, foresee, with_proof
from ci_deploy.core.reasons.ending.guards import BakeTooLong, MetricsNeeded, MetricsUnread, NothingToJudge
from ci_deploy.core.result import Severity
from tests.support.machine.world import AT_ONCE, CANARY, IDENTITY, inputs

DENIED = NotPermitted("cloudwatch:GetMetricData")
DAY: Fact[Calls] = Known(Calls(per_minute=60.0, errors=0.001, at=0.0))


def plan(routing: Routing = CANARY, **more: Any) -> Plan:
    return Plan(
        function="checkout",
        alias="live",
        application="app",
        group="group",
        current_version="1",
        target=Existing(version="2"),
        config_name="config",
        routing=routing,
        **more,
    )


def proved(lines: str = "errors < 1%", routing: Routing = CANARY, **more: Any) -> Plan:
    return with_proof(inputs(), plan(routing), Proof(guards=parse(lines), **more))


def test_counting_guards_imply_three_minutes_of_bake_which_count_into_the_time_limit() -> None:
    made = proved()
    assert (made.bake, made.timeout) == (180.0, 780.0)
    assert proved(bake=60.0).bake == 180.0
    assert proved(bake=600.0).bake == 600.0
    assert proved("observe: errors < 1%").bake == 0.0
    assert proved("off", bake=60.0).bake == 60.0
    assert proved(routing=AT_ONCE).bake == 0.0
    assert with_proof(inputs(timeout="5m"), plan(), Proof(bake=600.0)).timeout == 300.0


def test_the_level_is_shared_by_functions_guards_and_looks() -> None:
    one = proved()
    assert one.level == LEVEL / 8  # five minutes of canary, three of bake
    assert proved(functions=40).level == pytest.approx(one.level / 40)
    assert proved("errors < 1%\nerrors < 2x").level == pytest.approx(one.level / 2)
    assert proved("observe: errors < 1%").level == LEVEL / 5


def test_what_goes_back_is_only_watched_and_a_first_alias_is_not() -> None:
    back = with_proof(inputs(), plan(reverses=True), Proof(guards=parse("errors < 1%"), bake=600.0))
    assert ([guard.observe for guard in back.guards.lines], back.bake) == ([True], 0.0)
    first = with_proof(inputs(), plan(creates_alias=True), Proof(guards=parse("errors < 1%"), bake=600.0))
    assert (first.guards, first.bake) == (OFF, 0.0)
    assert with_proof(inputs(), plan(), NOTHING).guards == OFF


def test_what_guards_will_see_is_foreseen_from_the_last_day() -> None:
    made = replace(proved("errors < 1%\np99 < 800ms\nerrors < 2x"), calls=DAY)
    errors, slow, factor = (foresee(made, guard) for guard in made.guards.lines)
    assert errors is not None and slow is not None and factor is not None
    assert (errors.minutes, errors.new_calls, errors.moved) == (5, 30.0, 10.0)
    assert errors.visible is not None and 0.1 < errors.visible < 0.5
    assert slow.minutes < errors.minutes, "a cold start is not judged"
    assert factor.old_calls == 270.0
    assert foresee(replace(made, calls=DENIED), made.guards.lines[0]) is None


def test_a_limit_for_errors_is_foreseen_beside_the_errors_of_the_last_day() -> None:
    made = proved()
    days = (Known(Calls(per_minute=60.0, errors=share, at=0.0)) for share in (0.0, 0.3))
    seen = (foresee(replace(made, calls=day), made.guards.lines[0]) for day in days)
    calm, bad = (each.visible for each in seen if each is not None)
    assert calm is not None and bad is not None
    assert calm < bad


def findings(made: Plan, calls: Fact[Calls] = DAY) -> list[tuple[Severity, type]]:
    facts = Facts(identity=IDENTITY, calls=calls)
    found = preflight(inputs(), facts, replace(made, calls=calls)).findings
    ours = (BakeTooLong, MetricsNeeded, MetricsUnread, NothingToJudge)
    return [(finding.severity, type(finding.reason)) for finding in found if isinstance(finding.reason, ours)]


def test_nothing_is_said_of_guards_that_can_judge() -> None:
    assert findings(proved()) == []
    assert findings(proved(routing=AT_ONCE, bake=600.0)) == []
    assert findings(proved("observe: errors < 2x"), DENIED) == []


def test_metrics_that_may_not_be_read_are_a_note_or_with_rollback_a_refusal() -> None:
    assert findings(proved(), DENIED) == [(Severity.NOTE, MetricsUnread)]
    assert findings(proved(), Unavailable("throttled")) == [(Severity.NOTE, MetricsUnread)]
    assert findings(proved(on_inconclusive="rollback"), DENIED) == [(Severity.REFUSAL, MetricsNeeded)]
    assert findings(proved(on_inconclusive="rollback"), Unavailable("throttled")) == [(Severity.NOTE, MetricsUnread)]
    assert findings(replace(proved(), unchanged="Nothing new."), DENIED) == []


def test_all_at_once_without_a_long_bake_is_a_warning() -> None:
    assert findings(proved(routing=AT_ONCE)) == [(Severity.WARNING, NothingToJudge)]
    assert findings(proved(routing=AT_ONCE, bake=120.0)) == [(Severity.WARNING, NothingToJudge)]


def test_a_time_limit_that_cuts_the_bake_is_a_warning() -> None:
    made = with_proof(inputs(timeout="8m"), plan(), Proof(guards=parse("errors < 1%"), bake=600.0))
    assert findings(made) == [(Severity.WARNING, BakeTooLong)]
    assert findings(replace(made, unchanged="Nothing new.")) == []
