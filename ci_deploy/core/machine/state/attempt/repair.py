"""Setting the alias right ourselves, where no deployment does."""

from __future__ import annotations

from dataclasses import dataclass

from ....change import replace


@dataclass(frozen=True, kw_only=True)
class Repair:
    begun: bool = False  # a split that was found is put on one version before anything else
    strayed: bool = False  # the alias was read elsewhere than at the previous version, after the end
    restored: bool = False
    problem: str = ""  # why it could not be set back
    traced: bool = False  # a trace of the rollback was left, or cannot be
    returns: int = 0  # how often something else came first

    def begin(self) -> Repair:
        return replace(self, begun=True)

    def postpone(self) -> Repair:
        """Something runs in the group, or has moved the alias: what is there is looked at again first."""
        return replace(self, begun=False, returns=self.returns + 1)

    def stray(self) -> Repair:
        return replace(self, strayed=True)

    def restore(self) -> Repair:
        return replace(self, restored=True)

    def trace(self) -> Repair:
        return replace(self, traced=True)

    def fail(self, problem: str) -> Repair:
        return replace(self, problem=problem)
