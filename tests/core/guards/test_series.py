"""Points as minutes of two versions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_deploy.core.guards.queries import HOUR, LATE, Answers, Shift
from ci_deploy.core.guards.series import Count, Durations, Minute, Series, highest, series, shown, together

from .points import BEGAN, CANARY, MOVED, SUBJECT, guard, hour_answers, look_answers

QUIET = [(60, 0)] * 60


def read(
    line: str, shifts: tuple[Shift, ...], new: list, old: list, seconds: float, alias: list | None = None
) -> Series:
    hours = hour_answers(line, QUIET)
    answers = look_answers(line, shifts, {"42": new, "41": old, "": alias or []}, hours, BEGAN + seconds)
    return series(SUBJECT, guard(line), shifts, hours, answers)


def test_each_minute_has_both_versions_and_no_point_is_zero() -> None:
    found = read("errors < 1%", CANARY, [(6, 0), (0, 0), (5, 2)], [(54, 1), (50, 0), (0, 0)], 180 + LATE)
    assert [(each.new, each.old) for each in found.split] == [
        (Count(calls=6), Count(calls=54, bad=1)),
        (Count(), Count(calls=50)),
        (Count(calls=5, bad=2), Count()),
    ]
    assert [each.at for each in found.split] == [BEGAN, BEGAN + 60, BEGAN + 120]
    assert (found.after, found.threshold, found.readable, found.minutes) == ((), None, True, 3)
    assert found.hour == (Count(calls=60),) * 60


def test_before_the_first_ripe_minute_there_is_the_hour_alone() -> None:
    found = read("errors < 1%", CANARY, [(6, 6)], [(54, 0)], 100)
    assert (found.split, found.after, found.readable, found.minutes) == ((), (), True, 0)
    assert len(found.hour) == HOUR // 60


def test_errors_that_arrive_before_their_calls_are_calls() -> None:
    assert read("errors < 1%", CANARY, [(6, 0)], [(0, 0)], 180).split[0].new == Count(calls=6)
    hours = hour_answers("errors < 1%", QUIET)
    answers = look_answers("errors < 1%", CANARY, {"42": [(3, 1)], "41": [(9, 0)]}, hours, BEGAN + 180)
    late = {
        question: ({} if (question.version, question.metric) == ("42", "Invocations") else points)
        for question, points in answers.items()
    }
    assert series(SUBJECT, guard("errors < 1%"), CANARY, hours, late).split[0].new == Count(calls=1, bad=1)


def test_revised_points_replace_earlier_ones() -> None:
    first = read("errors < 1%", CANARY, [(3, 1)], [(20, 0)], 180)
    second = read("errors < 1%", CANARY, [(6, 1), (6, 0)], [(54, 0), (50, 0)], 240)
    assert (first.split[0].new, second.split[0].new) == (Count(calls=3, bad=1), Count(calls=6, bad=1))


def test_durations_are_calls_above_the_threshold() -> None:
    found = read("p99 < 800ms", CANARY, [(6, 0), (6, 0), (8, 3), (7, 7), (3, 0)], [(9, 1)] * 5, 300 + LATE)
    assert found.threshold == 800
    assert [(each.new.calls, each.new.bad) for each in found.split] == [(8, 3), (7, 7), (3, 0)]
    assert {(each.old.calls, each.old.bad) for each in found.split} == {(9, 1)}


def test_a_rank_without_a_point_is_nothing_bad() -> None:
    shifts = (Shift(at=BEGAN, share=10),)
    hours = hour_answers("p99 < 800ms", QUIET)
    answers = look_answers("p99 < 800ms", shifts, {"42": [(5, 1)] * 4, "41": [(9, 0)] * 4}, hours, BEGAN + 240 + LATE)
    bare = {question: ({} if question.statistic.startswith("PR") else points) for question, points in answers.items()}
    assert [each.new for each in series(SUBJECT, guard("p99 < 800ms"), shifts, hours, bare).split] == [
        Count(calls=5)
    ] * 2


@pytest.mark.parametrize(("offset", "first"), [(0, 2), (1, 3), (59, 3)])
def test_duration_guards_skip_two_whole_minutes_after_each_increase(offset: int, first: int) -> None:
    shifts = (Shift(at=BEGAN + offset, share=10), Shift(at=BEGAN + 300 + offset, share=20))
    minutes = [(10, 1)] * 10
    found = read("p99 < 800ms", shifts, minutes, minutes, 600 + LATE)
    second = range(5 + first, 10)
    assert [(each.at - BEGAN) // 60 for each in found.split] == [*range(first, 5), *second]
    assert [each.at for each in read("errors < 1%", shifts, minutes, minutes, 600 + LATE).split] == [
        BEGAN + 60 * number for number in range(10)
    ]


@pytest.mark.parametrize("offset", [0, 30])
def test_after_all_traffic_has_moved_whole_minutes_of_the_alias_count(offset: int) -> None:
    shifts = (Shift(at=BEGAN + offset, share=10), Shift(at=BEGAN + 300 + offset, share=100))
    alias = [(60, number) for number in range(10)]
    found = read("errors < 1%", shifts, [(6, 0)] * 10, [(54, 0)] * 10, 600 + LATE, alias)
    # The minute of the shift is neither: part of it is compared with nothing.
    assert [(each.at - BEGAN) // 60 for each in found.split] == [0, 1, 2, 3, 4]
    assert [each.bad for each in found.after] == list(range(6 if offset else 5, 10))
    cold = read("p99 < 800ms", shifts, [(6, 0)] * 10, [(54, 0)] * 10, 600 + LATE, alias)
    assert [each.bad for each in cold.after] == list(range(8 if offset else 7, 10))


def test_all_at_once_has_no_split_minute() -> None:
    found = read("errors < 1%", (Shift(at=BEGAN + 5, share=100),), [], [], 180 + LATE, [(60, 0)] * 3)
    assert (found.split, len(found.after)) == ((), 2)


@pytest.mark.parametrize(
    ("at", "share"),
    [(-60, 0.0), (0, 0.1), (60, 0.1), (600 - 60, 0.1), (600, 1.0), (1200, 1.0)],
)
def test_the_highest_share_of_a_minute(at: int, share: float) -> None:
    assert highest(MOVED, int(BEGAN) + at) == share


def test_the_exposure_of_a_minute_in_which_traffic_shifts() -> None:
    """90 calls of the old version: at 10% all the minute long the new one would have had 10."""
    minute = Minute(at=0, new=Count(calls=5), old=Count(calls=90), share=0.1)
    assert minute.exposure == pytest.approx(10)
    assert Minute(at=0, new=Count(calls=12), old=Count(calls=90), share=0.1).exposure == 12


@pytest.mark.parametrize("line", ["errors < 1%", "p99 < 800ms", "p95 < 1.5x"])
def test_what_was_not_answered_is_unreadable(line: str) -> None:
    hours = hour_answers(line, QUIET)
    minutes = {"42": [(6, 0)] * 12, "41": [(54, 0)] * 12, "": [(60, 0)] * 12}
    answers = look_answers(line, MOVED, minutes, hours, BEGAN + 720 + LATE)
    assert series(SUBJECT, guard(line), MOVED, hours, answers).readable
    assert not series(SUBJECT, guard(line), MOVED, None, answers).readable
    assert not series(SUBJECT, guard(line), MOVED, hours, None).readable
    assert not series(SUBJECT, guard(line), MOVED, {}, answers).readable
    for question in answers:
        if (
            question.metric != "Throttles"
            and question.period == 60
            and not (line.startswith("p") and question.metric in ("Invocations", "Errors"))
        ):
            without = {each: points for each, points in answers.items() if each != question}
            assert not series(SUBJECT, guard(line), MOVED, hours, without).readable, question


def test_an_hour_without_calls_says_no_threshold() -> None:
    hours = hour_answers("p95 < 1.5x", [])
    answers = look_answers("p95 < 1.5x", CANARY, {"42": [(6, 0)] * 5}, hours, BEGAN + 500)
    found = series(SUBJECT, guard("p95 < 1.5x"), CANARY, hours, answers)
    assert (found.readable, found.threshold, found.minutes) == (True, None, 0)


def test_counts() -> None:
    assert together([Count(calls=3, bad=1), Count(calls=5, bad=2)]) == Count(calls=8, bad=3)
    assert together([]) == Count()
    assert (Count(calls=8, bad=2).share, Count().share) == (0.25, 0.0)


def test_what_reports_show() -> None:
    """Errors of all minutes, even where durations are guarded; percentiles of the whole time; the alias's throttles."""
    line = "p99 < 800ms"
    hours = hour_answers(line, QUIET)
    minutes = {"42": [(6, 1)] * 12, "41": [(54, 0)] * 12, "": [(60, 2)] * 12}
    answers = look_answers(line, MOVED, minutes, hours, BEGAN + 720 + LATE)
    answers |= {each: {int(BEGAN): 7.0, int(BEGAN) + 60: 1.0} for each in answers if each.metric == "Throttles"}
    found = shown(SUBJECT, MOVED, answers)
    assert (found.new, found.old) == (Count(calls=60, bad=10), Count(calls=540))
    assert [(at - BEGAN) // 60 for at, _ in found.after] == [10, 11]
    assert {count for _, count in found.after} == {Count(calls=60, bad=2)}
    assert (found.new_durations, found.old_durations) == (Durations(p50=200, p99=200),) * 2
    assert found.throttles == 8


def test_where_nothing_was_answered_nothing_is_shown() -> None:
    found = shown(SUBJECT, CANARY, {})
    assert (found.minutes, found.after, found.new, found.new_durations, found.throttles) == ((), (), Count(), None, 0)
    answers = look_answers("errors < 1%", CANARY, {"42": [(6, 1)]}, {}, BEGAN + 180)
    without = {question: points for question, points in answers.items() if question.metric != "Invocations"}
    assert shown(SUBJECT, CANARY, without).new == Count(calls=1, bad=1)


def others(answers: Answers, **change: str) -> dict:
    """The same questions about another function or alias, answered otherwise, and two minutes later."""
    return {
        replace(each, end=each.end + 120, **change): dict.fromkeys(range(each.start, each.end, 60), 77.0)
        for each in answers
    }


@pytest.mark.parametrize("change", [{"function": "cart"}, {"alias": "beta"}])
@pytest.mark.parametrize("line", ["errors < 1%", "p95 < 1.5x"])
def test_a_release_answers_for_all_its_functions_and_each_sees_its_own(line: str, change: dict[str, str]) -> None:
    minutes = {"42": [(6, 1)] * 12, "41": [(54, 0)] * 12, "": [(60, 2)] * 12}
    hours = hour_answers(line, QUIET)
    answers = look_answers(line, MOVED, minutes, hours, BEGAN + 720 + LATE)
    mixed = {**answers, **others(answers, **change)}, {**others(answers, **change), **answers}
    more = {**hours, **others(hours, **change)}, {**others(hours, **change), **hours}
    alone = series(SUBJECT, guard(line), MOVED, hours, answers)
    for each, hour in zip(mixed, more, strict=True):
        assert series(SUBJECT, guard(line), MOVED, hour, each) == alone
        assert shown(SUBJECT, MOVED, each) == shown(SUBJECT, MOVED, answers)


def test_of_others_alone_nothing_is_ripe() -> None:
    hours = hour_answers("errors < 1%", QUIET)
    answers = look_answers("errors < 1%", CANARY, {"42": [(6, 1)]}, hours, BEGAN + 180)
    found = series(SUBJECT, guard("errors < 1%"), CANARY, hours, others(answers, function="cart"))
    assert (found.readable, found.minutes) == (True, 0)


def test_percentiles_are_told_apart() -> None:
    answers = dict(look_answers("errors < 1%", CANARY, {"42": [(6, 0)], "41": [(54, 0)]}, {}, BEGAN + 180))
    values = {("42", "p50"): 1.0, ("42", "p99"): 2.0, ("41", "p50"): 3.0, ("41", "p99"): 4.0}
    for question in answers:
        if value := values.get((question.version, question.statistic)):
            answers[question] = {question.start: value, question.start + 60: value / 2}
    found = shown(SUBJECT, CANARY, answers)
    assert (found.new_durations, found.old_durations) == (Durations(p50=1, p99=2), Durations(p50=3, p99=4))


@pytest.mark.parametrize("missing", ["p50", "p99"])
@pytest.mark.parametrize("empty", [False, True])
def test_durations_are_shown_with_both_percentiles_or_not_at_all(missing: str, *, empty: bool) -> None:
    answers = look_answers("errors < 1%", CANARY, {"42": [(6, 0)], "41": [(54, 0)]}, {}, BEGAN + 180)
    without = {question: points for question, points in answers.items() if question.statistic != missing}
    if empty:
        without |= {question: {} for question in answers if question.statistic == missing}
    found = shown(SUBJECT, CANARY, without)
    assert (found.new_durations, found.old_durations) == (None, None)
