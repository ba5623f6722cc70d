"""Writes of the commands that are no release (`setup`, `prune`): one after the other, each by an explicit rule.

A write that was rejected before any effect is repeated; one whose answer was lost is looked for first; a signal stops
between two writes. Nothing here deploys.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..core.errors import AwsError, ErrorKind
from ..core.story import events as e
from ..signals import Interrupted
from .call import Call

T = TypeVar("T")

TRIES = 6
PAUSE = 1.0  # seconds, doubled with each try
# A role that was made a moment ago is not known everywhere in AWS yet.
SETTLING = frozenset({"InvalidRoleException"})


def write(call: Call, what: str, attempt: Callable[[], object], *, happened: Callable[[], bool], key: str = "") -> None:
    """Carry out one write and say so. `happened` reads whether it has had its effect. Raises AwsError, Interrupted."""
    doubtful = False
    pause = 0.0
    number = 0
    while True:
        # Waiting for the next try ends with the signal: the runner kills what is not over ten seconds later.
        if call.cancelled(pause):
            raise Interrupted
        try:
            _asked(call, what, attempt)
            break
        except AwsError as error:
            if error.kind in (ErrorKind.UNREACHABLE, ErrorKind.CONFLICT, ErrorKind.REJECTED, ErrorKind.NOT_FOUND):
                # Lost, or refused because the lost one had worked: reading tells.
                lost = error.kind is ErrorKind.UNREACHABLE
                if (lost or doubtful) and _asked(call, what, happened):
                    break
                doubtful = doubtful or lost
            again = error.kind.transient or error.code in SETTLING
            if not again or number + 1 == TRIES:
                raise
            pause = PAUSE * 2**number
            number += 1
    call.report(e.Written(at=call.now(), key=key, what=what))


def _asked(call: Call, what: str, ask: Callable[[], T]) -> T:
    """What AWS answers; a signal does not wait for it, and what was to happen may have happened then."""
    try:
        with call.interruptible():
            return ask()
    except Interrupted:
        raise Interrupted(what) from None
