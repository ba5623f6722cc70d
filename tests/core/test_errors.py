"""What keeps a run from starting, or from finding out the truth: what is said, and what may be tried again."""

from __future__ import annotations

import pytest

from ci_deploy.core.errors import AwsError, ErrorKind, InvalidInput, Problem
from ci_deploy.core.reasons.run import InvalidInputs
from tests.support.reasons import refused, saying


def test_an_error_is_what_happened_and_what_to_do_next() -> None:
    error = refused("An older run.", "Run the newest one again.")
    assert (str(error), error.what, error.remedy) == ("An older run.", "An older run.", "Run the newest one again.")
    assert error.reason == saying("refused", "An older run.", "Run the newest one again.")


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (
            Problem(where="timeout", what="`x` is no duration.", remedy="Write `10m`."),
            "`x` is no duration. Write `10m`.",
        ),
        (Problem(where="timeout", what="`x` is no duration."), "`x` is no duration."),
    ],
)
def test_a_problem_names_its_input_first_and_the_fix_last(problem: Problem, text: str) -> None:
    assert str(problem) == f"timeout: {text}"


def test_all_problems_of_the_inputs_are_in_one_error() -> None:
    problems = (Problem(where="alias", what="is empty."), Problem(where="timeout", what="is negative."))
    error = InvalidInput(problems)
    assert error.problems == problems
    assert error.reason == InvalidInputs(problems=tuple(map(str, problems)))


@pytest.mark.parametrize(
    ("resource", "message", "text"),
    [
        ("", "Rate exceeded", "codedeploy:StopDeployment: ThrottlingException: Rate exceeded"),
        ("", "", "codedeploy:StopDeployment: ThrottlingException"),
        ("group live", "Slow down", "codedeploy:StopDeployment on group live: ThrottlingException: Slow down"),
        ("group live", "", "codedeploy:StopDeployment on group live: ThrottlingException"),
    ],
)
def test_an_error_of_aws_says_which_call_on_what_and_why(resource: str, message: str, text: str) -> None:
    error = AwsError(
        ErrorKind.THROTTLED,
        operation="codedeploy:StopDeployment",
        code="ThrottlingException",
        message=message,
        resource=resource,
    )
    assert (error.what, error.remedy, error.retry_after) == (text, "", 0.0)
    assert (error.kind, error.operation, error.code) == (
        ErrorKind.THROTTLED,
        "codedeploy:StopDeployment",
        "ThrottlingException",
    )
    assert (error.message, error.resource) == (message, resource)


def test_the_same_call_may_succeed_later_only_if_nobody_has_to_change_anything_for_it() -> None:
    assert [kind for kind in ErrorKind if kind.transient] == ["throttled", "expired", "unreachable"]
