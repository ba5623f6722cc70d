"""Guards, bake and what they need, as inputs."""

from __future__ import annotations

import pytest

from ci_deploy.core.errors import InvalidInput
from ci_deploy.core.given.inputs import Inputs
from ci_deploy.core.given.parsing import parse
from ci_deploy.core.guards.grammar import DEFAULT, OFF
from tests.support.golden import Told


def given(**more: str) -> Inputs:
    values = {name.replace("_", "-"): value for name, value in more.items()}
    return parse({"function": "checkout", "code": "$LATEST", **values})


def problems(**more: str) -> list[str]:
    with pytest.raises(InvalidInput) as invalid:
        given(**more)
    return [f"{problem.where}: {problem.what}" for problem in invalid.value.problems]


def test_without_guards_errors_are_observed() -> None:
    assert given().guards == DEFAULT
    assert given(guards="off").guards == OFF
    assert given(bake="10m").bake == 600.0
    assert given().on_inconclusive == "pass"


def test_lines_are_guards() -> None:
    assert [guard.text for guard in given(guards="errors < 1%\nobserve: p99 < 800ms").guards.lines] == [
        "errors < 1%",
        "observe: p99 < 800ms",
    ]


def test_every_line_that_is_wrong_is_a_problem_of_its_own(told: Told) -> None:
    assert problems(guards="errors < 0.01\nlatency < 2x") == told


@pytest.mark.parametrize("more", [{"guards": "errors < 1%"}, {"bake": "5m"}])
def test_what_is_watched_needs_a_job_that_waits(more: dict[str, str], told: Told) -> None:
    (name,) = more
    (problem,) = problems(wait="false", **more)
    assert problem.startswith(f"input `{name}`: ")
    assert problem == told
    assert given(wait="false", guards="observe: errors < 1%").wait is False


def test_a_rollback_for_want_of_proof_needs_a_guard_that_counts(told: Told) -> None:
    assert problems(on_inconclusive="rollback") == told
    assert given(on_inconclusive="rollback", guards="errors < 1%").on_inconclusive == "rollback"
