"""`plan`: all of deploy's reads and checks, and the very plan that deploy would execute; writes nothing.

With `matrix` it only divides the manifest into shards for a GitHub matrix, and asks AWS nothing.
"""

from __future__ import annotations

import json

from ..core.errors import InvalidInput, Problem
from ..core.given.manifest import matrix
from ..core.run import Outcome
from ..core.story.events import Concluded, Divided
from .call import Call, conclude
from .call import run as run_all


def run(call: Call) -> Concluded:
    return _divide(call) if call.inputs.matrix else run_all(call)


def _divide(call: Call) -> Concluded:
    if call.inputs.functions is None:
        problem = Problem(where="input `matrix`", what="needs a manifest.", remedy="Name it with `functions`.")
        raise InvalidInput((problem,))
    if any(entry.wave for entry in call.entries):
        what = "cannot divide a manifest with `waves`: shards do not wait for each other."
        remedy = "Make a manifest of each wave, and let one job follow the other."
        raise InvalidInput((Problem(where="input `matrix`", what=what, remedy=remedy),))
    made = matrix(call.entries, call.inputs.shard_size)
    shards = len(made["include"])
    call.report(Divided(at=call.now(), matrix=json.dumps(made, separators=(",", ":")), shards=shards))
    reason = f"{len(call.entries)} functions in {shards} shards. AWS was not asked anything."
    return conclude(call, Outcome.PLANNED, reason=reason)
