"""The one retry policy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.edge.aws.retry import ATTEMPTS, CAP, reading
from tests.edge.fakes import FakeClock


def error(kind: ErrorKind, code: str = "Code", retry_after: float = 0.0) -> AwsError:
    made = AwsError(kind, operation="codedeploy:GetDeployment", code=code, message="")
    made.retry_after = retry_after
    return made


def script(*outcomes: AwsError | str) -> tuple[Callable[[], str], list[int]]:
    """A call that has these outcomes in turn (the last one for ever), and the count of calls."""
    calls: list[int] = []

    def call() -> str:
        outcome = outcomes[min(len(calls), len(outcomes) - 1)]
        calls.append(1)
        if isinstance(outcome, AwsError):
            raise outcome
        return outcome

    return call, calls


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if kind.transient])
def test_transient_errors_are_survived(kind: ErrorKind, clock: FakeClock) -> None:
    call, calls = script(error(kind), error(kind), "answer")
    assert reading(clock, call) == "answer"
    assert len(calls) == 3


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if not kind.transient])
def test_other_errors_are_raised_at_once(kind: ErrorKind, clock: FakeClock) -> None:
    call, calls = script(error(kind))
    with pytest.raises(AwsError):
        reading(clock, call)
    assert len(calls) == 1
    assert clock.slept == []


def test_expired_credentials_are_tried_three_times_in_all(clock: FakeClock) -> None:
    call, calls = script(error(ErrorKind.EXPIRED), error(ErrorKind.UNREACHABLE), error(ErrorKind.EXPIRED))
    with pytest.raises(AwsError):
        reading(clock, call)
    assert len(calls) == 4


def test_attempts_end(clock: FakeClock) -> None:
    call, calls = script(error(ErrorKind.UNREACHABLE))
    with pytest.raises(AwsError):
        reading(clock, call, budget=1e9)
    assert len(calls) == ATTEMPTS


def test_no_attempt_begins_after_the_budget_but_three_are_always_made(clock: FakeClock) -> None:
    def slow() -> str:
        clock.at += 100
        calls.append(1)
        raise error(ErrorKind.UNREACHABLE)

    calls: list[int] = []
    with pytest.raises(AwsError):
        reading(clock, slow, budget=60)
    assert len(calls) == 3


def test_pauses_grow_with_full_jitter_up_to_the_cap(clock: FakeClock) -> None:
    call, _ = script(error(ErrorKind.THROTTLED))
    with pytest.raises(AwsError):
        reading(clock, call, budget=1e9, uniform=lambda: 1.0)
    assert clock.slept == [1, 2, 4, 8, CAP, CAP, CAP]
    clock.slept.clear()
    with pytest.raises(AwsError):
        reading(clock, call, budget=1e9, uniform=lambda: 0.0)
    assert clock.slept == [0] * 7


def test_throttling_is_no_attempt_where_there_is_patience_for_it(clock: FakeClock) -> None:
    """Where many runs share the account's limits it says only that they are many."""
    call, calls = script(*[error(ErrorKind.THROTTLED)] * 30, "answer")
    assert reading(clock, call, patience=600.0, uniform=lambda: 1.0) == "answer"
    assert len(calls) == 31


def test_patience_ends_and_is_for_throttling_alone(clock: FakeClock) -> None:
    call, calls = script(error(ErrorKind.THROTTLED))
    with pytest.raises(AwsError):
        reading(clock, call, patience=100.0, uniform=lambda: 1.0)
    assert 90.0 < sum(clock.slept) <= 100.0
    made = len(calls)
    call, calls = script(error(ErrorKind.UNREACHABLE))
    with pytest.raises(AwsError):
        reading(clock, call, budget=1e9, patience=1e9)
    assert (made, len(calls)) == (13, ATTEMPTS)


def test_a_hint_from_aws_is_honoured_within_reason(clock: FakeClock) -> None:
    call, _ = script(error(ErrorKind.THROTTLED, retry_after=3), error(ErrorKind.THROTTLED, retry_after=9999), "answer")
    reading(clock, call, uniform=lambda: 0.0)
    assert clock.slept == [3, CAP]


def test_a_code_may_be_worth_repeating_for_one_call_only(clock: FakeClock) -> None:
    conflict = error(ErrorKind.CONFLICT, "ConditionalRequestConflict")
    call, _ = script(conflict, "answer")
    assert reading(clock, call, also=frozenset({"ConditionalRequestConflict"})) == "answer"
