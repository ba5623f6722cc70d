"""Another deployment of the group is in the way."""

from __future__ import annotations

from dataclasses import dataclass

from .change import replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    other: str = ""  # the deployment that is waited for
    until: float | None = None
    waited: bool = False
    superseded: frozenset[str] = frozenset()  # the deployments that this run has stopped to make way
    rounds: int = 0  # how often facts were gathered anew because of a conflict

    def give_way(self, other: str, until: float | None) -> Wait:
        return replace(self, other=other, until=until, waited=True, rounds=0)

    def supersede(self, deployment_id: str) -> Wait:
        return replace(self, superseded=self.superseded | {deployment_id})

    def spare(self, deployment_id: str) -> Wait:
        """The stop did not arrive."""
        return replace(self, superseded=self.superseded - {deployment_id})

    def again(self) -> Wait:
        return replace(self, rounds=self.rounds + 1)

    def over(self) -> Wait:
        """The group is ours."""
        return replace(self, other="", rounds=0)
