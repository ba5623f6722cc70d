"""The verdict on the whole: the worst of its functions leads, and every function is in it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from ..reasons.ending.release import OfEach, ReleaseCancelled
from ..reasons.reason import remedy_of
from ..result import Result
from ..run import Command, Outcome, Rollback, exit_code
from ..story.events import Concluded

# The worst of a release leads its summary; the order is how loudly a person should be told.
_WORST_FIRST = (
    Outcome.ROLLBACK_FAILED,
    Outcome.LOST_CONTACT,
    Outcome.CANCELLED,
    Outcome.TIMED_OUT,
    Outcome.FAILED,
    Outcome.ROLLED_BACK,
    Outcome.STOPPED,
    Outcome.ERROR,
    Outcome.INVALID,
    Outcome.REFUSED,
    Outcome.DETACHED,
    Outcome.SUCCEEDED,
    Outcome.PLANNED,
    Outcome.REPORTED,
)


def conclude(
    command: Command,
    results: Sequence[Result],
    now: float,
    *,
    along: Collection[str] = frozenset(),
    past: Sequence[Result] = (),
) -> Concluded:
    """The run's end. `along` are the keys of those that were only taken along: of equals they do not lead. `past` are
    told and do not count: another deployment of the same alias has followed each.

    A success leads only where all have succeeded or were unchanged, so a release is `deployed` when every function
    serves its target, changed or not.
    """
    worst = min(results, key=lambda result: (*_loudness(result), result.key in along))
    if len(results) > 1:
        if worst.outcome is Outcome.CANCELLED:
            worst = replace(worst, reasons=(_of_all(results, worst.remedy),))
        elif command in (Command.SETUP, Command.PRUNE):
            worst = replace(worst, reasons=(_of_each(results, worst),))
        worst = replace(worst, settled=all(result.settled for result in results), duration_seconds=round(now, 1))
    return Concluded(
        at=now,
        command=command,
        result=worst,
        results=(*past, *results),
        exit_code=exit_code(command, worst.outcome),
    )


def _of_all(results: Sequence[Result], advice: str) -> ReleaseCancelled:
    """A signal is meant for all: how many came to what end, and the reasons of those that were cancelled."""
    order = sorted({result.outcome for result in results}, key=lambda one: one is not Outcome.CANCELLED)
    cancelled = [result for result in results if result.outcome is Outcome.CANCELLED]
    return ReleaseCancelled(
        functions=len(results),
        ends=tuple((sum(result.outcome is one for result in results), one.value) for one in order),
        reasons=_by_reason(cancelled),
        advice=advice,
    )


def _of_each(results: Sequence[Result], worst: Result) -> OfEach:
    """Each function was dealt with by itself, and what was done for one says nothing of another."""
    advice = remedy_of(reason for result in results for reason in result.reasons)
    return OfEach(code=worst.reason_code, told=_by_reason(results), advice=advice)


def _by_reason(results: Iterable[Result]) -> tuple[tuple[tuple[str, ...], str], ...]:
    of: dict[str, list[str]] = {}
    for result in results:
        of.setdefault(result.reason, []).append(result.key)
    return tuple((tuple(keys), reason) for reason, keys in of.items())


def _loudness(result: Result) -> tuple[int, bool]:
    place = _WORST_FIRST.index(result.outcome) if result.outcome in _WORST_FIRST else len(_WORST_FIRST)
    return place, result.rollback is not Rollback.FAILED
