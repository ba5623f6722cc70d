"""The table of stages: which stage a rollout may enter from which.

Every stage may end in DONE, with the verdict. The table explains and is held by tests (statically, and by what random
histories do); the machine itself never asks it, for that would be a crash in the middle of a canary.
"""

from __future__ import annotations

from collections.abc import Mapping

from .state.place import Stage

_S = Stage

# From the decision, and from its turn in the release: what is missing is made, in this order.
_BEGIN = (
    *(_S.SETTLING, _S.STORING_CODE, _S.UPDATING, _S.PUBLISHING),
    *(_S.ACTIVATING, _S.SMOKING, _S.CREATING_ALIAS, _S.STORING),
)
# A reversal that cannot be made is tried again, and then the truth is read.
_REVERSAL = (_S.GATHERING, _S.VERIFYING)

NEXT: Mapping[Stage, frozenset[Stage]] = {
    stage: frozenset(heads)
    for stage, heads in {
        _S.GATHERING: (
            *(_S.CONFIRMING, _S.READY, _S.WAITING, _S.HOLDING, _S.RESTORING, _S.FOLLOWING, _S.BAKING),
            *_BEGIN,
            *_REVERSAL,
        ),
        _S.CONFIRMING: (_S.GATHERING,),
        _S.READY: (_S.GATHERING, *_BEGIN),
        _S.WAITING: (*_REVERSAL,),
        _S.HOLDING: (_S.GATHERING,),
        _S.SETTLING: (_S.GATHERING,),
        _S.STORING_CODE: (_S.UPDATING,),
        _S.UPDATING: (_S.UPDATED, _S.SETTLING),
        _S.UPDATED: (_S.PUBLISHING, _S.UPDATING),
        _S.PUBLISHING: (_S.UPDATED, _S.ACTIVATING, _S.SMOKING, _S.CREATING_ALIAS, _S.STORING),
        _S.ACTIVATING: (_S.SMOKING, _S.CREATING_ALIAS, _S.STORING, _S.VERIFYING),
        _S.SMOKING: (_S.CREATING_ALIAS, _S.STORING),
        _S.CREATING_ALIAS: (),
        _S.STORING: (_S.CREATING,),
        _S.CREATING: (_S.FOLLOWING, _S.FINDING, *_REVERSAL),
        _S.FINDING: (_S.FOLLOWING, _S.CREATING),
        _S.FOLLOWING: (_S.ROLLBACK_DUE, _S.VERIFYING),
        _S.ROLLBACK_DUE: (_S.FOLLOWING_ROLLBACK, _S.VERIFYING),
        _S.FOLLOWING_ROLLBACK: (_S.VERIFYING,),
        _S.VERIFYING: (_S.RESTORING, _S.GATHERING, _S.BAKING),
        _S.BAKING: (_S.VERIFYING, _S.GATHERING),
        _S.RESTORING: (_S.VERIFYING, _S.ROLLBACK_DUE, _S.GATHERING),
        _S.DONE: (_S.GATHERING,),
    }.items()
}
