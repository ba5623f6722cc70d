"""The one retry policy for reads: full-jitter exponential backoff on our clock.

botocore's own retries are off. Writes do not come here, except those that ports.py says repeat (they are idempotent
by construction). It knows nothing of AWS but core.errors.AwsError. Source of the shape: facts.md D (botocore's
standard mode) and A11 (throttling by bursts).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from ...core.errors import AwsError, ErrorKind
from ...ports import Clock

T = TypeVar("T")

BUDGET = 60.0
ATTEMPTS = 8
# Even when one slow answer has eaten the budget, a single hiccup must not be the end of a read.
AT_LEAST = 3
EXPIRED_ATTEMPTS = 3
CAP = 10.0
_BASE = {ErrorKind.THROTTLED: 1.0}
_OTHER_BASE = 0.4


def reading(
    clock: Clock,
    call: Callable[[], T],
    *,
    budget: float = BUDGET,
    attempts: int = ATTEMPTS,
    also: frozenset[str] = frozenset(),
    uniform: Callable[[], float] = random.random,
) -> T:
    """What `call` returns, repeated on transient errors; raises its last AwsError.

    `budget` is in the clock's seconds: no further attempt begins once it is spent, except that three are always made.
    Expired credentials are tried three times (a refresh may be under way), whatever else happens. `also` are error
    codes that are worth repeating for this call though they are not transient in general.
    """
    deadline = clock.now() + budget
    expired = 0
    attempt = 0
    while True:
        try:
            return call()
        except AwsError as error:
            expired += error.kind is ErrorKind.EXPIRED
            last = attempt + 1 >= attempts or expired >= EXPIRED_ATTEMPTS
            if last or not (error.kind.transient or error.code in also):
                raise
            pause = min(CAP, _BASE.get(error.kind, _OTHER_BASE) * 2**attempt) * uniform()
            pause = max(pause, min(error.retry_after, CAP))
            if attempt + 1 >= AT_LEAST and clock.now() + pause > deadline:
                raise
            clock.sleep(pause)
            attempt += 1
