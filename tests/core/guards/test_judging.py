"""Verdicts, and the rules that keep healthy versions from being stopped."""

from __future__ import annotations

from random import Random

import pytest

from ci_deploy.core.guards import power
from ci_deploy.core.guards.exact import binomial_tail, convolved
from ci_deploy.core.guards.judging import (
    LEVEL,
    Judgment,
    Phase,
    Verdict,
    Why,
    dispersion,
    habit,
    judge,
    level,
    overall,
    planned_tests,
)
from ci_deploy.core.guards.series import Count, Minute, Series, together

from .points import counts, guard, made, split

AT = level(1, 1, planned_tests(600, 180))
BAD = [(6, 1), (6, 2), (6, 1), (6, 1), (6, 2), (6, 1), (6, 1), (6, 2), (6, 1), (6, 1)]
FINE = [(6, 0)] * 10
OLD = [(54, 0)] * 10


def verdict(line: str, **series: object) -> tuple[Verdict, Why | None]:
    found = judge(guard(line), made(**series), AT)  # type: ignore[arg-type]
    return found.verdict, found.why


@pytest.mark.parametrize("line", ["errors < 1%", "errors < 2x", "observe: errors < 1%"])
def test_a_version_that_fails_one_call_in_five_is_stopped(line: str) -> None:
    found = judge(guard(line), made(new=BAD, old=OLD), AT)
    assert (found.verdict, found.why, found.phase) == (Verdict.VIOLATED, None, Phase.SPLIT)
    assert (found.new, found.old) == (Count(calls=60, bad=13), Count(calls=540))
    assert (found.minutes, found.level) == (10, AT)
    assert found.chance < AT


@pytest.mark.parametrize("line", ["errors < 1%", "errors < 2x"])
def test_a_version_without_errors_holds(line: str) -> None:
    found = judge(guard(line), made(new=FINE, old=OLD), AT)
    assert (found.verdict, found.why, found.chance) == (Verdict.HELD, None, 1.0)
    assert found.visible is not None
    assert found.visible <= 0.2


def test_two_minutes_in_which_everything_fails_are_enough_and_one_is_not() -> None:
    assert verdict("errors < 1%", new=[(6, 6), (6, 6)], old=OLD[:2])[0] is Verdict.VIOLATED
    assert verdict("errors < 2x", new=[(6, 6), (6, 6)], old=OLD[:2])[0] is Verdict.VIOLATED
    assert verdict("errors < 1%", new=[(600, 600)], old=[(5400, 0)]) == (Verdict.INCONCLUSIVE, Why.SUSPECT)


@pytest.mark.parametrize("line", ["errors < 1%", "errors < 2x"])
@pytest.mark.parametrize("size", [5, 6])
def test_one_burst_in_one_minute_stops_nothing(line: str, size: int) -> None:
    new = [(6, 0), (6, size), *FINE[2:]]
    assert verdict(line, new=new, old=OLD)[0] is not Verdict.VIOLATED


def test_bursts_of_the_hour_before_are_expected_again() -> None:
    bursts = [(60, 10 if number % 6 == 0 else 0) for number in range(60)]
    new = [(6, 5), (6, 5), (6, 0)]
    assert verdict("errors < 1%", new=new, old=OLD[:3])[0] is Verdict.VIOLATED
    assert verdict("errors < 1%", new=new, old=OLD[:3], hours=bursts)[0] is Verdict.INCONCLUSIVE


INCIDENTS = {
    "a bad version at 10%": lambda random, number: (60, random.randint(0, 6)),
    "a bad version at 100%": lambda random, number: (60, random.randint(6, 60)),
    "a dependency that was down": lambda random, number: (60, 60),
    "few callers left": lambda random, number: (random.randint(0, 6), random.randint(0, 6)),
    "many retries": lambda random, number: (600, random.randint(0, 600)),
}


def after_an_incident(
    incident: str, begin: int, length: int, quiet: tuple[int, int] = (60, 0)
) -> list[tuple[int, int]]:
    """An hour with one incident in it."""
    random = Random(f"{incident} {begin} {length}")
    made = [INCIDENTS[incident](random, number) if begin <= number < begin + length else quiet for number in range(60)]
    return [(max(calls, bad), bad) for calls, bad in made]


@pytest.mark.parametrize("length", [1, 5, 12, 20, 30])
@pytest.mark.parametrize("incident", INCIDENTS)
def test_one_incident_of_up_to_half_an_hour_says_nothing_of_bursts(incident: str, length: int) -> None:
    """Wherever it is in the hour before, and however bad it was."""
    for begin in range(61 - length):
        assert habit(counts(after_an_incident(incident, begin, length))) == 1.0


@pytest.mark.parametrize("length", [5, 20, 30, 60])
@pytest.mark.parametrize("incident", INCIDENTS)
@pytest.mark.parametrize("line", ["errors < 1%", "errors < 2x"])
def test_no_incident_in_the_hour_before_blinds(line: str, incident: str, length: int) -> None:
    """One that filled the hour does not either: a burst is no larger than what the new version failed in a minute."""
    for begin in range(0, 61 - length, 7):
        hours = after_an_incident(incident, begin, length)
        assert verdict(line, new=BAD, old=OLD, hours=hours)[0] is Verdict.VIOLATED


@pytest.mark.parametrize("line", ["errors < 1%", "errors < 2x"])
@pytest.mark.parametrize("bursts", [5, 60, 3000])
def test_what_fails_minute_after_minute_beside_an_old_version_that_does_not_is_no_burst(line: str, bursts: int) -> None:
    """Five minutes at 10%, whatever bursts there were before: 19% beside less than 0.1%."""
    hours = [(6000, bursts if number % 3 == 0 else 0) for number in range(60)]
    new, old = [(60, 11), (60, 13), (60, 9), (60, 12), (60, 12)], [(540, 1), (540, 0), (540, 0), (540, 1), (540, 0)]
    assert habit(counts(hours)) > 3
    assert verdict(line, new=new, old=old, hours=hours)[0] is Verdict.VIOLATED


@pytest.mark.parametrize("line", ["errors < 1%", "errors < 2x"])
@pytest.mark.parametrize("hours", [[(600, 0)] * 60, [(600, 40 if number % 4 == 0 else 0) for number in range(60)]])
@pytest.mark.parametrize("size", [1, 6, 30, 60])
def test_one_bad_minute_among_good_ones_stops_nothing(line: str, hours: list, size: int) -> None:
    """Whatever else happens within the limit, whichever minute it is, and however large the burst."""
    for minutes in range(1, 13):
        for at in range(minutes):
            new = [(60, size if number == at else number % 2 * (number % 3 == 0)) for number in range(minutes)]
            old = [(540, 5)] * minutes
            assert verdict(line, new=new, old=old, hours=hours)[0] is not Verdict.VIOLATED


@pytest.mark.parametrize("size", [3, 10, 30])
def test_bursts_all_through_the_hour_are_a_habit(size: int) -> None:
    """One in ten minutes, in both halves: the half that is left out leaves enough to know their size."""
    hours = [(60, size if number % 10 == 5 else 0) for number in range(60)]
    assert habit(counts(hours)) == pytest.approx(size, rel=0.25)
    assert habit(()) == 1.0


def test_an_outage_of_both_versions_stops_nothing_while_traffic_shifts() -> None:
    """Linear: the outage is late, where the new version has most calls. Pooled, it would look ten times as bad."""
    minutes = []
    for number in range(1, 10):
        new, old = 60 * number, 60 * (10 - number)
        down = number >= 8
        minutes.append(
            Minute(
                at=number * 60,
                new=Count(calls=new, bad=new if down else 0),
                old=Count(calls=old, bad=old if down else 0),
                share=number / 10,
            )
        )
    series = Series(split=tuple(minutes), hour=counts([(600, 0)] * 60))
    pooled = together(each.new for each in minutes).share, together(each.old for each in minutes).share
    assert pooled[0] > 2 * pooled[1]
    assert judge(guard("errors < 2x"), series, AT).verdict is not Verdict.VIOLATED
    fixed = judge(guard("errors < 1%"), series, AT)
    assert (fixed.verdict, fixed.why) == (Verdict.INCONCLUSIVE, Why.BOTH_FAIL)


def test_an_outage_behind_a_shift_in_the_minute_stops_nothing() -> None:
    """55% of the minutes' calls, but 90% of the errors, fall to the new version: it shifted in the middle of them."""
    rows = (Minute(at=0, new=Count(calls=330, bad=300), old=Count(calls=270, bad=34), share=0.9),) * 2
    fair = tuple(Minute(at=0, new=row.new, old=row.old, share=0.0) for row in rows)
    hour = counts([(600, 0)] * 60)
    assert judge(guard("errors < 2x"), Series(split=fair, hour=hour), AT).verdict is Verdict.VIOLATED
    assert judge(guard("errors < 2x"), Series(split=rows, hour=hour), AT).verdict is not Verdict.VIOLATED


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (BAD, [(54, 12)] * 10, (Verdict.INCONCLUSIVE, Why.BOTH_FAIL)),
        ([(6, 0), (6, 1), (6, 1), (6, 1), *FINE[4:]], OLD, (Verdict.INCONCLUSIVE, Why.SUSPECT)),
        ([(1, 0)] * 4, [(9, 0)] * 4, (Verdict.INCONCLUSIVE, Why.FEW_CALLS)),
        (FINE, [(0, 0)] * 10, (Verdict.INCONCLUSIVE, Why.NO_BASELINE)),
        ([(0, 0)] * 10, OLD, (Verdict.INCONCLUSIVE, Why.NO_CALLS)),
        ([], [], (Verdict.INCONCLUSIVE, Why.NO_MINUTE)),
    ],
)
def test_a_fixed_limit(new: list, old: list, expected: tuple[Verdict, Why]) -> None:
    assert verdict("errors < 1%", new=new, old=old) == expected


@pytest.mark.parametrize(
    ("line", "series", "why"),
    [
        ("errors < 1%", Series(readable=False), Why.UNREADABLE),
        ("p95 < 1.5x", Series(), Why.NO_HOUR),
        ("p95 < 1.5x", Series(readable=False), Why.UNREADABLE),
    ],
)
def test_what_cannot_be_judged(line: str, series: Series, why: Why) -> None:
    found = judge(guard(line), series, AT)
    assert (found.verdict, found.why) == (Verdict.INCONCLUSIVE, why)


def test_significance_alone_is_not_enough() -> None:
    """2.5 times the old share is past `2x`; 1.5 times is not, however many calls prove that it is more."""
    new, old = [(6000, 150)] * 10, [(54_000, 540)] * 10
    assert verdict("errors < 2x", new=new, old=old)[0] is Verdict.VIOLATED
    assert verdict("errors < 2x", new=[(6000, 90)] * 10, old=old) == (Verdict.HELD, None)


def test_the_chance_of_a_fixed_limit_is_the_binomial_tail() -> None:
    found = judge(guard("errors < 1%"), made(new=[(6, 1), (6, 1)], old=[(500, 0)] * 2), 1e-9)
    assert found.chance == pytest.approx(binomial_tail(2, 12, 0.01))


@pytest.mark.parametrize(("line", "new"), [("p99 < 800ms", 2), ("p95 < 1.5x", 3)])
def test_slow_versions_are_stopped(line: str, new: int) -> None:
    series = made(new=[(6, new)] * 10, old=[(54, 0)] * 10, threshold=800.0)
    found = judge(guard(line), series, AT)
    assert (found.verdict, found.threshold) == (Verdict.VIOLATED, 800.0)


def test_after_all_traffic_has_moved_the_hour_before_is_the_baseline() -> None:
    found = judge(guard("errors < 2x"), made(new=FINE, old=OLD, after=[(60, 12), (60, 11)]), AT)
    assert (found.verdict, found.phase) == (Verdict.VIOLATED, Phase.AFTER)
    assert (found.new, found.old, found.minutes) == (Count(calls=120, bad=23), Count(calls=3600), 2)
    assert verdict("errors < 1%", after=[(60, 12), (60, 11)])[0] is Verdict.VIOLATED
    assert verdict("errors < 1%", after=[(60, 12), (60, 11)], hours=[(60, 12)] * 60) == (
        Verdict.INCONCLUSIVE,
        Why.BOTH_FAIL,
    )
    assert verdict("errors < 1%", after=[(60, 12)], hours=[(0, 0)] * 60) == (Verdict.INCONCLUSIVE, Why.NO_BASELINE)


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ({"new": BAD, "old": OLD, "after": [(60, 0)] * 3}, (Verdict.VIOLATED, Phase.SPLIT, None)),
        ({"new": FINE, "old": OLD, "after": [(2, 0)]}, (Verdict.HELD, Phase.SPLIT, None)),
        ({"new": [(1, 0)], "old": [(9, 0)], "after": [(60, 0)] * 3}, (Verdict.HELD, Phase.AFTER, None)),
        ({"new": [(1, 0)], "old": [(9, 0)], "after": [(1, 0)]}, (Verdict.INCONCLUSIVE, Phase.SPLIT, Why.FEW_CALLS)),
        ({"new": [(0, 0)], "old": [(9, 0)], "after": [(1, 0)]}, (Verdict.INCONCLUSIVE, Phase.AFTER, Why.FEW_CALLS)),
        ({"new": [(0, 0)], "old": [(9, 0)]}, (Verdict.INCONCLUSIVE, Phase.SPLIT, Why.NO_CALLS)),
        ({"after": [(0, 0)]}, (Verdict.INCONCLUSIVE, Phase.AFTER, Why.NO_CALLS)),
    ],
)
def test_which_phase_speaks(series: dict, expected: tuple) -> None:
    found = judge(guard("errors < 1%"), made(**series), AT)
    assert (found.verdict, found.phase, found.why) == expected


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ([(6, 5), *[(6, 0)] * 9], 5.0),
        ([(60, 10), *[(60, 0)] * 59], 10.0),
        ([(6, 0)] * 10, 1.0),
        ([(6, 6)] * 10, 1.0),
        ([(6, 3)], 1.0),
        ([], 1.0),
        ([(6, 3), (0, 0)], 1.0),
        ([(6, 1), (6, 1), (6, 2), (6, 0)], 1.0),
        # Only what chance alone makes in less than one case of ten: 2.64 with two minutes, 1.94 with five.
        ([(6, 3), (6, 0)], 3.0),
        ([(6, 5), (6, 1)], 8 / 3),
        ([(10, 4), (10, 1)], 1.0),
        ([(6, 4), (6, 1), (6, 1), (6, 0), (6, 0)], 2.25),
        ([(6, 3), (6, 2), (6, 1), (6, 0), (6, 0)], 1.0),
        # Minutes with fewer calls have fewer bad ones.
        ([(600, 60), (60, 6), (6, 1)], 1.0),
    ],
)
def test_dispersion(minutes: list, expected: float) -> None:
    assert dispersion(counts(minutes)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("shift", "bake", "tests"),
    [(600, 180, 13), (300, 0, 5), (0, 180, 3), (0, 0, 1), (90, 61, 3), (5400, 600, 107), (0, 240, 5)],
)
def test_planned_tests(shift: float, bake: float, tests: int) -> None:
    assert planned_tests(shift, bake) == tests


@pytest.mark.parametrize(("given", "part"), [((1, 1, 13), 13), ((40, 2, 13), 1040), ((0, 0, 0), 1)])
def test_the_level_is_that_of_the_release(given: tuple[int, int, int], part: int) -> None:
    assert level(*given) == pytest.approx(LEVEL / part)


def judgment(line: str, verdict: Verdict) -> Judgment:
    return Judgment(guard=guard(line), verdict=verdict)


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [
        ([], None),
        ([("observe: errors < 1%", Verdict.VIOLATED)], None),
        ([("errors < 1%", Verdict.HELD), ("observe: errors < 2x", Verdict.VIOLATED)], Verdict.HELD),
        ([("errors < 1%", Verdict.HELD), ("errors < 2x", Verdict.INCONCLUSIVE)], Verdict.INCONCLUSIVE),
        ([("errors < 1%", Verdict.INCONCLUSIVE), ("errors < 2x", Verdict.VIOLATED)], Verdict.VIOLATED),
    ],
)
def test_the_overall_verdict_is_the_worst_that_counts(verdicts: list, worst: Verdict | None) -> None:
    assert overall([judgment(line, verdict) for line, verdict in verdicts]) is worst


def test_minutes_without_any_call_change_nothing() -> None:
    rows = split([*BAD, (0, 0), (3, 1)], [*OLD, (0, 0), (0, 0)])
    found = judge(guard("errors < 2x"), Series(split=rows, hour=counts([(60, 0)] * 60)), AT)
    assert found.verdict is Verdict.VIOLATED


def test_the_chance_of_a_factor_is_the_convolution_over_minutes_with_their_weights() -> None:
    """Two minutes of different weights; the second one's shift makes 50 calls of the new version 100."""
    rows = (
        Minute(at=0, new=Count(calls=10, bad=2), old=Count(calls=90, bad=1), share=0.1),
        Minute(at=60, new=Count(calls=50, bad=3), old=Count(calls=100, bad=1), share=0.5),
    )
    found = judge(guard("errors < 2x"), Series(split=rows, hour=counts([(100, 0)] * 60)), 1e-9)
    assert found.chance == pytest.approx(convolved(5, [(3, 20 / 110), (4, 200 / 300)]))
    assert (found.bursts, found.verdict) == (1.0, Verdict.INCONCLUSIVE)


@pytest.mark.parametrize("line", ["errors < 1%", "errors < 2x"])
def test_counts_are_divided_by_the_dispersion(line: str) -> None:
    """Three bursts of five in three minutes of ten: 15 bad calls count like 15 / 3.89."""
    new = [(20, 5), (20, 0), (20, 0), (20, 5), (20, 0), (20, 0), (20, 0), (20, 5), (20, 0), (20, 0)]
    found = judge(guard(line), made(new=new, old=[(180, 0)] * 10), 1e-12)
    assert found.bursts == pytest.approx(35 / 9)
    if line == "errors < 1%":
        assert found.chance == pytest.approx(binomial_tail(3, 156, 0.01))
    else:
        assert found.chance == pytest.approx(convolved(3, [(3, 40 / 220)]))
    seen = power.visible(guard(line), 200 / found.bursts, 1800 / found.bursts, 0, 1e-12)
    assert found.visible == seen != power.visible(guard(line), 200, 1800, 0, 1e-12)


def test_a_violation_tells_the_larger_of_both_chances() -> None:
    found = judge(guard("errors < 1%"), made(new=BAD, old=OLD), AT)
    assert found.chance == pytest.approx(max(binomial_tail(13, 60, 0.01), convolved(13, [(13, 0.1)])))


@pytest.mark.parametrize(
    ("line", "new", "old"),
    [
        ("errors < 1%", [(600, 6)] * 10, [(5400, 0)] * 10),
        ("errors < 2x", [(600, 12)] * 10, [(5400, 54)] * 10),
        ("errors < 2x", [(600, 3)] * 10, [(5400, 54)] * 10),
    ],
)
def test_what_is_not_past_the_limit_is_not_tested(line: str, new: list, old: list) -> None:
    """At the limit is within it."""
    found = judge(guard(line), made(new=new, old=old), AT)
    assert (found.verdict, found.chance) == (Verdict.HELD, 1.0)


def test_a_chance_that_equals_the_level_proves_nothing() -> None:
    series = Series(split=split([(6, 1), (6, 1)], [(5000, 0)] * 2, 0.0))
    chance = binomial_tail(2, 12, 0.01)
    assert judge(guard("errors < 1%"), series, chance).why is Why.SUSPECT
    assert judge(guard("errors < 1%"), series, chance * 1.001).verdict is Verdict.VIOLATED
    few = Series(split=split([(6, 1), (6, 1)], [(18, 0)] * 2, 0.0))
    worse = convolved(2, [(1, 6 / 24), (1, 6 / 24)])
    assert judge(guard("errors < 1%"), few, worse).why is Why.SUSPECT
    assert judge(guard("errors < 1%"), few, worse * 1.001).verdict is Verdict.VIOLATED


@pytest.mark.parametrize("line", ["errors < 1%", "errors < 2x"])
@pytest.mark.parametrize(
    ("hours", "new", "habitual"),
    [
        ([(600, 40 if number % 3 == 0 else 0) for number in range(60)], [(60, 12), (60, 9), *[(60, 0)] * 4], True),
        ([(600, 0)] * 60, [(20, 8), *[(20, 0)] * 4], False),
    ],
)
def test_what_bursts_explain_is_told_as_that(line: str, hours: list, new: list, *, habitual: bool) -> None:
    """Too bad to hold, and certain only if bad calls came singly."""
    found = judge(guard(line), made(new=new, old=[(540, 0)] * len(new), hours=hours), AT)
    assert (found.verdict, found.why, found.habitual) == (Verdict.INCONCLUSIVE, Why.BURSTS, habitual)
    assert found.bursts >= 8


def test_a_minute_without_bad_calls_holds_no_burst() -> None:
    """Its calls count whole, and of those with bad ones the part that the bursts leave: 12 bad calls are two of 270."""
    hours = [(600, 600 if number % 3 == 0 else 0) for number in range(60)]
    found = judge(
        guard("errors < 1%"), made(new=[(60, 6), (60, 6), *[(60, 0)] * 4], old=[(540, 0)] * 6, hours=hours), AT
    )
    assert found.chance == pytest.approx(binomial_tail(2, 260, 0.01))


def test_both_fail_only_where_the_old_version_is_past_the_limit() -> None:
    new = [(600, 12)] * 5
    assert verdict("errors < 1%", new=new, old=[(600, 12)] * 5) == (Verdict.INCONCLUSIVE, Why.BOTH_FAIL)
    assert verdict("errors < 1%", new=new, old=[(600, 6)] * 5) == (Verdict.INCONCLUSIVE, Why.SUSPECT)


def test_both_fail_only_where_the_new_version_is_proved_to_be_past_the_limit() -> None:
    few = [(6, 1), (6, 0)]
    assert verdict("errors < 1%", new=few, old=[(54, 12)] * 2) == (Verdict.INCONCLUSIVE, Why.FEW_CALLS)


def test_past_a_fixed_limit_any_difference_counts_that_is_certain() -> None:
    """6% against 4%: not twice as bad, and certainly worse."""
    assert verdict("errors < 1%", new=[(6000, 360)] * 5, old=[(6000, 240)] * 5)[0] is Verdict.VIOLATED
    better = judge(guard("errors < 1%"), made(new=[(6000, 240)] * 5, old=[(6000, 360)] * 5), AT)
    assert (better.why, better.chance) == (Why.BOTH_FAIL, 1.0)


def test_two_minutes_with_calls_are_needed() -> None:
    old = [(54, 0)] * 3
    assert verdict("errors < 1%", new=[(6, 6), (0, 0), (0, 0)], old=old) == (Verdict.INCONCLUSIVE, Why.SUSPECT)
    assert verdict("errors < 1%", new=[(6, 6), (0, 0), (6, 6)], old=old)[0] is Verdict.VIOLATED


def test_where_nothing_is_judged_the_first_phase_says_so() -> None:
    found = judge(guard("errors < 1%"), Series(), AT)
    assert (found.phase, found.why, found.chance) == (Phase.SPLIT, Why.NO_MINUTE, 1.0)
