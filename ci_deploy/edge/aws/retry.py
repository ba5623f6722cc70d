"""The one retry policy for reads: full-jitter exponential backoff on our clock.

botocore's own retries are off. Writes do not come here, except those that ports.py says repeat (they are idempotent
by construction). It knows nothing of AWS but core.errors.AwsError. Source of the shape: facts.md D (botocore's
standard mode) and A11 (throttling by bursts).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ...core.errors import AwsError, ErrorKind

if TYPE_CHECKING:
    from ...ports import Clock

T = TypeVar("T")

BUDGET = 60.0
# Seconds for which we keep asking while AWS throttles: that passes, and where many runs share the account's limits it
# says only that they are many. Our own rate limits are slower by then, and their waits are in it.
PATIENCE = 600.0
ATTEMPTS = 8
# Even when one slow answer has eaten the budget, a single hiccup must not be the end of a read.
AT_LEAST = 3
EXPIRED_ATTEMPTS = 3
CAP = 10.0
_BASE = {ErrorKind.THROTTLED: 1.0}
_OTHER_BASE = 0.4


class Tries:
    """The attempts of one read, which began at `now`. The time is given to it, in seconds; it never waits itself."""

    def __init__(
        self,
        now: float,
        *,
        budget: float = BUDGET,
        attempts: int = ATTEMPTS,
        patience: float | None = None,
        also: frozenset[str] = frozenset(),
    ) -> None:
        self._until = now + budget
        self._throttled_until = None if patience is None else now + patience
        self._attempts = attempts
        self._also = also
        self._made = self._expired = self._counted = 0

    def pause(self, error: AwsError, now: float, chance: float) -> float | None:
        """Seconds until the next attempt after this error, None: there is none. `chance`: 0 to 1, at random."""
        patient = error.kind is ErrorKind.THROTTLED and self._throttled_until is not None
        self._expired += error.kind is ErrorKind.EXPIRED
        self._made += 1
        self._counted += not patient
        last = self._counted >= self._attempts or self._expired >= EXPIRED_ATTEMPTS
        if last or not (error.kind.transient or error.code in self._also):
            return None
        exponent = min(self._made - 1, 10)
        wait = min(CAP, _BASE.get(error.kind, _OTHER_BASE) * 2**exponent) * chance
        wait = max(wait, min(error.retry_after, CAP))
        until = self._throttled_until if patient and self._throttled_until is not None else self._until
        return None if self._made >= AT_LEAST and now + wait > until else wait


def reading(
    clock: Clock,
    call: Callable[[], T],
    *,
    budget: float = BUDGET,
    attempts: int = ATTEMPTS,
    patience: float | None = None,
    also: frozenset[str] = frozenset(),
    uniform: Callable[[], float] = random.random,
) -> T:
    """What `call` returns, repeated on transient errors; raises its last AwsError.

    `budget` is in the clock's seconds: no further attempt begins once it is spent, except that three are always made.
    `patience` is the same for throttling, which counts as no attempt then; None: as for any other error.
    Expired credentials are tried three times (a refresh may be under way), whatever else happens. `also` are error
    codes that are worth repeating for this call though they are not transient in general.
    """
    tries = Tries(clock.now(), budget=budget, attempts=attempts, patience=patience, also=also)
    while True:
        try:
            return call()
        except AwsError as error:
            pause = tries.pause(error, clock.now(), uniform())
            if pause is None:
                raise
            clock.sleep(pause)
