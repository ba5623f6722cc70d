"""The trace of a rollback that created nothing: it stopped what ran, and an older run must not deploy over it.

A rollback that creates a deployment is found by that deployment's marker. One that stopped another's has none, so it is
written behind the alias's description: that is read with the alias anyway, and whoever may set the alias back may write
it. Lambda allows 256 characters.
"""

from __future__ import annotations

import re

_TRACE = re.compile(r" ?\[ci-deploy: rolled back by run (\d{1,20})\]")
MOST = 256


def write(description: str, run_id: int) -> str | None:
    """The alias's description with this run's trace in place of an older one; None where there is no room for it."""
    made = f"{_TRACE.sub('', description)} [ci-deploy: rolled back by run {run_id}]".strip()
    return made if len(made) <= MOST else None


def read(description: str) -> int:
    """The run that has rolled back; 0 where none has."""
    found = _TRACE.search(description)
    return int(found[1]) if found else 0
