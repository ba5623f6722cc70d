"""Guards as people write them."""

from __future__ import annotations

import pytest

from ci_deploy.core.guards.grammar import DEFAULT, MOST, OFF, BadGuards, Guard, Unit, parse
from tests.support.golden import Told


def errors(value: float, unit: Unit = Unit.PERCENT, observe: bool = False) -> Guard:
    return Guard(value=value, unit=unit, observe=observe)


def duration(percentile: str, value: float, unit: Unit = Unit.MILLISECONDS, observe: bool = False) -> Guard:
    return Guard(percentile=percentile, value=value, unit=unit, observe=observe)


@pytest.mark.parametrize(
    ("line", "guard"),
    [
        ("errors < 1%", errors(1)),
        ("errors<0.05 %", errors(0.05)),
        ("ERRORS < 2X", errors(2, Unit.TIMES)),
        ("errors < 1x", errors(1, Unit.TIMES)),
        ("errors < 1000000x", errors(1_000_000, Unit.TIMES)),
        ("p99 < 800ms", duration("99", 800)),
        ("p99 < 1ms", duration("99", 1)),
        ("p99 < 900s", duration("99", 900_000)),
        ("p99.9 < 1.5s", duration("99.9", 1500)),
        ("p50 < 12.5 ms", duration("50", 12.5)),
        ("p95 < 1.5x", duration("95", 1.5, Unit.TIMES)),
        ("observe: errors < 2x", errors(2, Unit.TIMES, observe=True)),
        ("  Observe :p99 < 2s  ", duration("99", 2000, observe=True)),
    ],
)
def test_a_line(line: str, guard: Guard) -> None:
    assert parse(line).lines == (guard,)
    assert parse(guard.text).lines == (guard,)


@pytest.mark.parametrize(
    ("line", "allowed"),
    [("errors < 1%", 0.01), ("errors < 2x", None), ("p99 < 800ms", 0.01), ("p99.9 < 1.5x", 0.001), ("p50 < 1s", 0.5)],
)
def test_the_share_of_calls_that_a_guard_allows(line: str, allowed: float | None) -> None:
    assert parse(line).lines[0].allowed == allowed


@pytest.mark.parametrize("text", ["", " \n\t\n"])
def test_without_lines_errors_are_observed(text: str) -> None:
    guards = parse(text)
    assert guards is DEFAULT
    assert [guard.text for guard in guards.lines] == ["observe: errors < 2x"]
    assert guards.counting == ()


@pytest.mark.parametrize("text", ["off", " OFF\n"])
def test_off_asks_nothing(text: str) -> None:
    assert parse(text) is OFF
    assert (OFF.off, OFF.lines, OFF.counting) == (True, (), ())


def test_several_lines_and_those_that_count() -> None:
    guards = parse("errors < 1%\n\nobserve: p99 < 1s\n errors < 2x\n")
    assert [guard.text for guard in guards.lines] == ["errors < 1%", "observe: p99 < 1000ms", "errors < 2x"]
    assert [guard.text for guard in guards.counting] == ["errors < 1%", "errors < 2x"]


@pytest.mark.parametrize(
    "line",
    [
        "error < 1%",
        "failures < 2x",
        "observe: 5xx < 1%",
        "errors <= 1%",
        "errors > 1%",
        "observe: p99 <= 800ms",
        "errors < 1",
        "errors < 0.01",
        "errors < 5ms",
        "errors < 0.5s",
        "errors < 0%",
        "errors < 100%",
        "errors < 0.5x",
        "p99 < 800",
        "p99 < 5%",
        "p95 < 0.9x",
        "p99 < 0ms",
        "p99 < 0.9ms",
        "p99 < 901s",
        "p49 < 10ms",
        "p100 < 10ms",
        "p9 < 10ms",
        "latency < 800ms",
        "observe: duration < 800ms",
        "throttles < 1%",
        "memory < 1%",
        "observe errors < 1%",
        "errors < 1%, p99 < 1s",
        "no more errors please",
        "errors < ١%",
        "errors < 1%%",
    ],
)
def test_a_mistake_says_what_to_write(line: str, told: Told) -> None:
    with pytest.raises(BadGuards) as raised:
        parse(line)
    (problem,) = raised.value.problems
    assert problem.where == "line 1"
    assert str(problem) == told


def test_all_mistakes_are_reported_at_once(told: Told) -> None:
    with pytest.raises(BadGuards) as raised:
        parse("errors < 1\nerrors < 2%\noff\n\nobserve: errors<2.0%\np99 < 1\n")
    assert [problem.where for problem in raised.value.problems] == ["line 1", "line 3", "line 5", "line 6"]
    assert map(str, raised.value.problems) == told


def test_the_number_of_lines_has_a_limit(told: Told) -> None:
    lines = [f"errors < {number}%" for number in range(1, MOST + 2)]
    assert len(parse("\n".join(lines[:-1])).lines) == MOST
    with pytest.raises(BadGuards) as raised:
        parse("\n".join(lines))
    assert str(raised.value) == told
