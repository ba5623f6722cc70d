"""What a preflight check is, and how its findings are made. The checks themselves are in the modules that use this."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from ...given.inputs import Inputs
from ...lazy import dataclass
from ...reasons.reason import Reason
from ...result import Finding, Severity
from ..planning import Facts, Plan

Checking: TypeAlias = Callable[[Inputs, Facts, Plan], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """`code` names the check, `asks` is its question for the docs; `run` yields findings with codes of their own."""

    code: str
    asks: str
    run: Checking


def adder(checks: list[Check]) -> Callable[[str, str], Callable[[Checking], Checking]]:
    """The decorator that puts a check at the end of a table."""

    def check(code: str, asks: str) -> Callable[[Checking], Checking]:
        def add(run: Checking) -> Checking:
            checks.append(Check(code, asks, run))
            return run

        return add

    return check


def refusal(reason: Reason) -> Finding:
    return Finding(severity=Severity.REFUSAL, reason=reason)


def warning(reason: Reason) -> Finding:
    return Finding(severity=Severity.WARNING, reason=reason)


def note(reason: Reason) -> Finding:
    return Finding(severity=Severity.NOTE, reason=reason)
