"""Preflight of smoke cases: what will be done is said, and what Lambda would refuse is refused before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_deploy.core.aws import FunctionVersion
from ci_deploy.core.given.files.smoke import Case
from ci_deploy.core.machine import actions as a
from ci_deploy.core.plan.planning import Plan, case_seconds, plan, with_smoke
from ci_deploy.core.plan.preflight.checks import preflight
from ci_deploy.core.reasons.ending.smoke import SmokeCases
from tests.support.machine.world import World, inputs

PLAIN, TENANT, DURABLE = (
    Case(name="plain", payload="{}"),
    Case(name="tenant", payload="{}", tenant="blue"),
    Case(name="durable", payload="{}", durable=True),
)


def planned(*cases: Case, **settings: str) -> Plan:
    given = inputs()
    facts = World().facts(a.Gather(key="checkout:live", inputs=given, run_id=1))
    made = with_smoke(given, plan(given, facts), cases)
    new = FunctionVersion(function="checkout", version="$LATEST", code_sha256="new", configuration=settings)
    return preflight(given, facts, replace(made, new=new))


def found(made: Plan) -> list[tuple[str, str]]:
    return [(str(one.severity), one.code) for one in made.findings if one.code.startswith("smoke")]


@pytest.mark.parametrize(
    ("cases", "settings", "codes"),
    [
        ((), {"DurableConfig": "{}"}, []),
        ((PLAIN,), {}, [("note", "smoke")]),
        ((DURABLE,), {"DurableConfig": "{}"}, [("note", "smoke")]),
        ((DURABLE, PLAIN), {"DurableConfig": "{}"}, [("refusal", "smoke-durable"), ("note", "smoke")]),
        ((TENANT,), {"TenancyConfig": "{}"}, [("note", "smoke")]),
        ((TENANT, PLAIN), {"TenancyConfig": "{}"}, [("refusal", "smoke-tenant-missing"), ("note", "smoke")]),
        ((TENANT, PLAIN), {}, [("refusal", "smoke-tenant-unused"), ("note", "smoke")]),
    ],
)
def test_cases_fit_the_function(
    cases: tuple[Case, ...], settings: dict[str, str], codes: list[tuple[str, str]]
) -> None:
    assert found(planned(*cases, **settings)) == codes


def test_the_note_names_the_cases_and_says_that_side_effects_are_real() -> None:
    (note,) = [one for one in planned(PLAIN, DURABLE).findings if one.code == "smoke"]
    assert note.reason == SmokeCases(cases="`plain`, `durable`")


def test_where_nothing_is_deployed_nothing_is_said() -> None:
    given = inputs(version="1")
    facts = World().facts(a.Gather(key="checkout:live", inputs=given, run_id=1))
    assert found(preflight(given, facts, with_smoke(given, plan(given, facts), (PLAIN,)))) == []


@pytest.mark.parametrize(
    ("within", "own", "seconds"), [(None, 0, 900.0), (None, 30, 30.0), (2.0, 30, 2.0), (60.0, 30, 30.0)]
)
def test_a_case_has_its_own_time_and_no_more_than_the_function(within: float | None, own: int, seconds: float) -> None:
    made = planned(PLAIN)
    new = FunctionVersion(function="checkout", version="2", code_sha256="new", timeout_s=own)
    made = replace(made, new=new)
    assert case_seconds(made, Case(name="a", payload="", within=within)) == seconds
