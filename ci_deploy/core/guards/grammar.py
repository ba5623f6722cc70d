"""How guards are written: one per line, a measure, `<` and a limit.

    errors < 1%        share of failed calls
    errors < 2x        at most twice the old version's share of failed calls
    p99 < 800ms        99% of the calls take less than 800 ms
    p95 < 1.5x         the same, against 1.5 times the old version's p95
    observe: …         shown and judged, never stops anything

Pure. All mistakes of a text are reported at once, each with what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from ..errors import Problem
from ..lazy import dataclass

MOST = 10  # every guard that counts takes its part of the level, so a long list sees less


class Unit(StrEnum):
    """What a limit is measured in."""

    PERCENT = "%"
    MILLISECONDS = "ms"
    TIMES = "x"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """One line: `percentile` is empty for errors, else as written (`99.9`); `value` is in `unit`."""

    percentile: str = ""
    value: float
    unit: Unit
    observe: bool = False

    @property
    def allowed(self) -> float | None:
        """The share of calls (0 to 1) that may fail, or take longer than the threshold; None: the old version says."""
        if self.percentile:
            return round(1 - float(self.percentile) / 100, 9)
        return round(self.value / 100, 9) if self.unit is Unit.PERCENT else None

    @property
    def limit(self) -> str:
        """The line without `observe:`, in its canonical form."""
        measure = f"p{self.percentile}" if self.percentile else "errors"
        return f"{measure} < {self.value:.10g}{self.unit}"

    @property
    def text(self) -> str:
        """The line in its canonical form."""
        return f"observe: {self.limit}" if self.observe else self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """What was asked for: `off` reads no metrics at all."""

    lines: tuple[Guard, ...] = ()
    off: bool = False

    @property
    def counting(self) -> tuple[Guard, ...]:
        """Those that stop a deployment."""
        return tuple(guard for guard in self.lines if not guard.observe)


DEFAULT = Guards(lines=(Guard(value=2.0, unit=Unit.TIMES, observe=True),))
OFF = Guards(off=True)


class BadGuards(ValueError):  # noqa: N818 - named for what the user reads
    """Guards that cannot be used; carries all problems."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


_FORM = re.compile(
    r"(?P<observe>observe *: *)?(?P<measure>[a-z][a-z0-9._-]*) *(?P<operator>[<>=]+) *"
    r"(?P<number>[0-9]+(?:\.[0-9]+)?) *(?P<unit>[a-z%]*)",
    re.ASCII | re.IGNORECASE,
)
_PERCENTILE = re.compile(r"p([0-9]{2}(?:\.[0-9]{1,2})?)", re.ASCII)
_EXAMPLES = "Write `errors < 1%`, `errors < 2x`, `p99 < 800ms` or `p95 < 1.5x`, one per line."
_LIKE_ERRORS = ("error", "failures", "failure", "failed", "error-rate", "errorrate", "faults", "5xx")
_LIKE_DURATION = ("duration", "latency", "time", "max", "avg", "average", "mean", "median")


def parse(text: str) -> Guards:
    """Read the lines; an empty text is the default, `off` alone asks nothing. BadGuards has every problem."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        return DEFAULT
    if [line.lower() for _, line in lines] == ["off"]:
        return OFF
    guards: list[Guard] = []
    problems: list[Problem] = []
    for number, line in lines:
        try:
            guard = _guard(line)
            if any(guard.limit == each.limit for each in guards):
                raise _Wrong(f"`{guard.limit}` is there twice.", "Remove one of the lines.")
            guards.append(guard)
        except _Wrong as wrong:
            problems.append(Problem(where=f"line {number}", what=wrong.what, remedy=wrong.remedy))
    if len(lines) > MOST:
        problems.append(
            Problem(
                where="guards",
                what=f"has {len(lines)} lines; {MOST} are the most.",
                remedy="Keep those that would make you roll back.",
            )
        )
    if problems:
        raise BadGuards(tuple(problems))
    return Guards(lines=tuple(guards))


class _Wrong(Exception):  # noqa: N818
    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what, self.remedy = what, remedy


def _guard(line: str) -> Guard:
    if line.lower() == "off":
        raise _Wrong("`off` stands beside other guards.", "Use `off` alone, or remove it.")
    found = _FORM.fullmatch(line)
    if found is None:
        raise next(_malformed(line))
    measure, number, unit = found["measure"].lower(), float(found["number"]), found["unit"].lower()
    observe = found["observe"] is not None
    before = "observe: " if observe else ""
    percentile = _percentile(measure, found["number"] + found["unit"], before)
    if found["operator"] != "<":
        raise _Wrong(f"`{line}` has `{found['operator']}` where only `<` works.", _write(before, measure, number, unit))
    if unit == "s" and percentile:
        number, unit = number * 1000, Unit.MILLISECONDS.value
    units = (Unit.MILLISECONDS, Unit.TIMES) if percentile else (Unit.PERCENT, Unit.TIMES)
    if unit not in units:
        raise _unit(line, before, measure, found["number"], unit, percentile)
    guard = Guard(percentile=percentile, value=number, unit=Unit(unit), observe=observe)
    if guard.unit is Unit.PERCENT and not 0 < number < 100:
        raise _Wrong(f"`{line}` has no limit between 0% and 100%.", f"Write for example `{before}errors < 0.1%`.")
    if guard.unit is Unit.TIMES and number < 1:
        raise _Wrong(
            f"`{line}` would stop a version as good as the old one.",
            f"Write a factor of at least 1, for example `{before}{measure} < 1.5x`.",
        )
    if guard.unit is Unit.MILLISECONDS and not 1 <= number <= 900_000:
        raise _Wrong(
            f"`{line}` has no limit between 1 ms and 15 minutes, Lambda's longest.",
            f"Write for example `{before}{measure} < 800ms`.",
        )
    return guard


def _percentile(measure: str, value: str, before: str) -> str:
    """The percentile of a measure, empty for errors."""
    if measure == "errors":
        return ""
    found = _PERCENTILE.fullmatch(measure)
    if found and float(found[1]) >= 50:
        return found[1]
    if found or re.fullmatch(r"p[0-9.]+", measure):
        raise _Wrong(f"`{measure}` is no percentile from p50 to p99.99.", f"Write for example `{before}p99 < {value}`.")
    if measure in _LIKE_ERRORS:
        raise _Wrong(f"There is no measure `{measure}`.", f"Write `{before}errors < {value}`.")
    if measure in _LIKE_DURATION:
        raise _Wrong(f"There is no measure `{measure}`.", f"Write a percentile: `{before}p99 < {value}`.")
    if measure == "throttles":
        raise _Wrong(
            "Throttles belong to the alias, not to one version, so no guard can judge them.",
            "Remove the line: they are shown anyway. An alarm can watch them.",
        )
    raise _Wrong(f"There is no measure `{measure}`.", _EXAMPLES)


def _unit(line: str, before: str, measure: str, number: str, unit: str, percentile: str) -> _Wrong:
    have = f"the unit `{unit}`" if unit else "no unit"
    if percentile:
        wanted = (f"{before}{measure} < {number}ms", f"{before}{measure} < 1.5x")
    else:
        # `errors < 0.01` means 1% to whoever writes it.
        share = float(number) * 100 if not unit and 0 < float(number) < 1 else float(number)
        wanted = (f"{before}errors < {share:.10g}%", f"{before}errors < 2x")
    return _Wrong(f"`{line}` has {have}.", f"Write `{wanted[0]}`, or `{wanted[1]}` to compare with the old version.")


def _write(before: str, measure: str, number: float, unit: str) -> str:
    return f"Write `{before}{measure} < {number:.10g}{unit}`."


def _malformed(line: str) -> Iterator[_Wrong]:
    """What is wrong with a line that has not even the form of a guard; the first one is said."""
    bare = re.fullmatch(r"(observe) +([^:]+)", line, re.IGNORECASE)
    if bare:
        yield _Wrong(f"`{line}` has no colon after `observe`.", f"Write `observe: {bare[2]}`.")
    if "," in line or ";" in line:
        yield _Wrong(f"`{line}` has several guards in one line.", "Write one per line.")
    yield _Wrong(f"`{line}` is not a guard.", _EXAMPLES)
