"""What CloudWatch is asked."""

from __future__ import annotations

from collections import Counter

import pytest

from ci_deploy.core.guards.grammar import OFF
from ci_deploy.core.guards.queries import (
    HOUR,
    LATE,
    MOST,
    NAMESPACE,
    Question,
    Shift,
    batches,
    day,
    hour,
    look,
    next_ripe,
    ripe_end,
    threshold,
)

from .points import BEGAN, CANARY, MOVED, SUBJECT, answer, guard, guards, hour_answers


def asked(questions: tuple[Question, ...]) -> set[tuple[str, str, str]]:
    assert len(set(questions)) == len(questions)
    return {(each.version, each.metric, each.statistic) for each in questions}


BASIC = {
    *((version, metric, "Sum") for version in ("41", "42") for metric in ("Invocations", "Errors")),
    *((version, "Duration", percentile) for version in ("41", "42") for percentile in ("p50", "p99")),
    ("", "Throttles", "Sum"),
}


def test_the_dimensions_of_a_version_and_of_the_alias() -> None:
    one, alias = (
        next(each for each in look(SUBJECT, guards("errors < 1%"), CANARY, {}, BEGAN + 180) if each.version == version)
        for version in ("42", "")
    )
    assert NAMESPACE == "AWS/Lambda"
    assert alias.dimensions == (("FunctionName", "checkout"), ("Resource", "checkout:live"))
    assert one.dimensions == (*alias.dimensions, ("ExecutedVersion", "42"))


@pytest.mark.parametrize("line", ["errors < 1%", "errors < 2x", "observe: errors < 2x"])
def test_a_look_for_errors(line: str) -> None:
    questions = look(SUBJECT, guards(line), CANARY, {}, BEGAN + 300)
    assert asked(questions) == BASIC
    assert {(each.start, each.end) for each in questions} == {(BEGAN, BEGAN + 180)}
    # Percentiles of minutes cannot be averaged: one period for the whole window.
    assert {each.period for each in questions if each.metric == "Duration"} == {180}
    assert {each.period for each in questions if each.metric != "Duration"} == {60}


def test_a_look_for_durations_asks_for_ranks() -> None:
    lines = guards("p99 < 800ms", "p95 < 0.5s", "errors < 1%")
    more = {(version, "Duration", what) for version in ("41", "42") for what in ("SampleCount", "PR(:800)", "PR(:500)")}
    assert asked(look(SUBJECT, lines, CANARY, {}, BEGAN + 180)) == BASIC | more


def test_after_all_traffic_has_moved_the_alias_is_asked_as_well() -> None:
    lines = guards("errors < 1%", "p99 < 800ms")
    before = look(SUBJECT, lines, MOVED, {}, BEGAN + 600 + LATE)
    after = look(SUBJECT, lines, MOVED, {}, BEGAN + 660 + LATE)
    new = asked(after) - asked(before)
    assert new == {
        ("", "Invocations", "Sum"),
        ("", "Errors", "Sum"),
        ("", "Duration", "SampleCount"),
        ("", "Duration", "PR(:800)"),
    }
    assert len({(each.start, each.end) for each in after}) == 1


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(0, None), (60 + LATE - 1, None), (60 + LATE, 1), (119 + LATE, 1), (120 + LATE, 2)]
)
def test_nothing_younger_than_two_minutes_is_asked(seconds: float, minutes: int | None) -> None:
    questions = look(SUBJECT, guards("errors < 1%"), CANARY, {}, BEGAN + seconds)
    assert {(each.end - each.start) // 60 for each in questions} == ({minutes} if minutes else set())


def test_the_first_minute_is_that_of_the_first_shift() -> None:
    questions = look(SUBJECT, guards("errors < 1%"), (Shift(at=BEGAN + 59, share=10),), {}, BEGAN + 185)
    assert {(each.start, each.end) for each in questions} == {(BEGAN, BEGAN + 60)}


@pytest.mark.parametrize("seconds", [0, 1, 59.5, 60, 61])
def test_the_next_ripe_minute(seconds: float) -> None:
    now = BEGAN + seconds
    then = next_ripe(now)
    assert now < then <= now + 60
    assert ripe_end(then) == ripe_end(now) + 60
    assert ripe_end(then - 0.001) == ripe_end(now)


def test_off_asks_nothing() -> None:
    assert look(SUBJECT, OFF, CANARY, {}, BEGAN + 1000) == ()
    assert hour(SUBJECT, OFF, BEGAN, {}) == ()


@pytest.mark.parametrize(
    ("line", "statistics"),
    [
        ("errors < 2x", set()),
        ("p99 < 800ms", {"SampleCount", "PR(:800)"}),
        ("p95 < 1.5x", {"SampleCount", "p95", "PR(:300)"}),
        ("p99.9 < 1.25x", {"SampleCount", "p99.9", "PR(:250)"}),
    ],
)
def test_the_hour_before_is_asked_until_nothing_is_left(line: str, statistics: set[str]) -> None:
    answers = hour_answers(line, [(60, 0)] * 60)
    assert asked(tuple(answers)) == {
        ("", "Invocations", "Sum"),
        ("", "Errors", "Sum"),
        *(("", "Duration", each) for each in statistics),
    }
    assert {(each.start, each.end) for each in answers} == {(BEGAN - HOUR, BEGAN)}
    assert {each.period for each in answers if each.statistic.startswith("p")} <= {HOUR}
    assert {each.period for each in answers if not each.statistic.startswith("p")} == {60}


def test_the_hour_ends_with_the_last_whole_minute_before_the_shift() -> None:
    questions = hour(SUBJECT, guards("errors < 1%"), BEGAN + 59, {})
    assert {(each.start, each.end) for each in questions} == {(BEGAN - HOUR, BEGAN)}


def test_thresholds() -> None:
    known = hour_answers("p95 < 1.5x", [(60, 0)] * 60)
    assert threshold(SUBJECT, guard("errors < 1%"), BEGAN, {}) is None
    assert threshold(SUBJECT, guard("p99 < 1.5s"), BEGAN, {}) == 1500
    assert threshold(SUBJECT, guard("p95 < 1.5x"), BEGAN, {}) is None
    assert threshold(SUBJECT, guard("p95 < 1.5x"), BEGAN, known) == 300
    (question,) = [each for each in known if each.statistic == "p95"]
    assert threshold(SUBJECT, guard("p95 < 1.5x"), BEGAN, {question: {}}) is None
    quiet = hour_answers("p95 < 1.5x", [])
    assert threshold(SUBJECT, guard("p95 < 1.5x"), BEGAN, quiet) is None


def test_of_two_periods_the_larger_percentile_counts() -> None:
    (question,) = [each for each in hour(SUBJECT, guards("p95 < 2x"), BEGAN, {}) if each.statistic == "p95"]
    known = {question: {question.start: 100.0, question.start + 1800: 140.0}}
    assert threshold(SUBJECT, guard("p95 < 2x"), BEGAN, known) == 280


def test_batches_have_one_window_and_five_hundred_metrics_at_most() -> None:
    def question(number: int, start: int) -> Question:
        given = {"alias": "live", "metric": "Errors", "statistic": "Sum", "start": start, "end": start + 60}
        return Question(function=f"f{number}", **given)

    questions = [question(number, start) for number in range(MOST + 1) for start in (0, 60)]
    made = batches(questions)
    assert sorted(len(batch) for batch in made) == [1, 1, MOST, MOST]
    assert all(len({each.start for each in batch}) == 1 for batch in made)
    assert Counter(each for batch in made for each in batch) == Counter(questions)
    assert batches(()) == ()


def test_two_guards_with_one_threshold_ask_once() -> None:
    lines = guards("p99 < 300ms", "p95 < 1.5x")
    known = answer(hour(SUBJECT, lines, BEGAN, {}), {"": [(60, 0)] * 60})
    known |= answer(hour(SUBJECT, lines, BEGAN, known), {"": [(60, 0)] * 60})
    statistics = Counter(each.statistic for each in look(SUBJECT, lines, CANARY, known, BEGAN + 180))
    assert statistics["PR(:300)"] == 2


@pytest.mark.parametrize("seconds", [0, 17.5, 59.9])
def test_the_minute_of_the_first_shift_is_ripe_two_minutes_after_its_end(seconds: float) -> None:
    at = next_ripe(BEGAN + seconds + LATE)
    assert at == BEGAN + 180
    assert ripe_end(at) == BEGAN + 60
    assert ripe_end(at - 0.1) == BEGAN


def test_a_day_is_twenty_four_whole_hours_of_the_alias() -> None:
    now = 100 * HOUR + 1234.5
    calls, errors = day("checkout", "live", now)
    assert (calls.metric, errors.metric, calls.version, calls.period) == ("Invocations", "Errors", "", HOUR)
    assert (calls.start, calls.end) == (76 * HOUR, 100 * HOUR)
