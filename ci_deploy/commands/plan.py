"""`plan`: all of deploy's reads and checks, and the very plan that deploy would execute; writes nothing.

With `shard-size` it only divides the file's functions into shards for a GitHub matrix, and asks AWS nothing.
"""

from __future__ import annotations

import json

from ..core.errors import InvalidInput
from ..core.given import mistakes
from ..core.given.files.manifest import matrix
from ..core.reasons import run as reasons
from ..core.run import Outcome
from ..core.story.events import Concluded, Divided
from .call import Call, conclude, ended
from .call import run as run_all


def run(call: Call) -> Concluded:
    return run_all(call) if call.inputs.shard_size is None else _divide(call, call.inputs.shard_size)


def _divide(call: Call, size: int) -> Concluded:
    if not all(entry.name for entry in call.entries):
        raise InvalidInput((mistakes.NOTHING_TO_DIVIDE,))
    if any(entry.wave for entry in call.entries):
        raise InvalidInput((mistakes.WAVES_NOT_DIVIDED,))
    made = matrix(call.entries, size)
    shards = len(made["include"])
    call.report(Divided(at=call.now(), matrix=json.dumps(made, separators=(",", ":")), shards=shards))
    return conclude(call, ended(call, Outcome.PLANNED, reasons.Divided(count=len(call.entries), shards=shards)))
