"""What a preflight check is, and how its findings are made. The checks themselves are in the modules that use this."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ..given.inputs import Inputs
from ..result import Finding, Severity
from .planning import Facts, Plan

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


def refusal(code: str, text: str, remedy: str) -> Finding:
    return Finding(severity=Severity.REFUSAL, code=code, text=text, remedy=remedy)


def warning(code: str, text: str, remedy: str = "") -> Finding:
    return Finding(severity=Severity.WARNING, code=code, text=text, remedy=remedy)


def note(code: str, text: str, remedy: str = "") -> Finding:
    return Finding(severity=Severity.NOTE, code=code, text=text, remedy=remedy)


def role_name(plan: Plan) -> str:
    """The deployment group's service role, as people call it."""
    return plan.service_role.split("/")[-1] or "the service role"
