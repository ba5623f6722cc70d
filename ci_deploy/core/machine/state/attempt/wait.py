"""Another deployment of the group is in the way."""

from __future__ import annotations

from dataclasses import dataclass

from ....change import replace


@dataclass(frozen=True, kw_only=True)
class Wait:
    other: str = ""  # the deployment that is waited for
    until: float | None = None
    waited: bool = False
    superseded: frozenset[str] = frozenset()  # the deployments that this run has stopped to make way
    split: int = 0  # looks that found an alias which somebody's failed deployment had left split
    targetless: int = 0  # looks that found a deployment which had no target yet
    refused: int = 0  # creations that CodeDeploy refused for a conflict

    def give_way(self, other: str, until: float | None) -> Wait:
        return replace(self, other=other, until=until, waited=True, split=0, targetless=0, refused=0)

    def supersede(self, deployment_id: str) -> Wait:
        return replace(self, superseded=self.superseded | {deployment_id})

    def spare(self, deployment_id: str) -> Wait:
        """The stop did not arrive."""
        return replace(self, superseded=self.superseded - {deployment_id})

    def found_split(self) -> Wait:
        return replace(self, split=self.split + 1)

    def found_targetless(self) -> Wait:
        return replace(self, targetless=self.targetless + 1)

    def was_refused(self) -> Wait:
        return replace(self, refused=self.refused + 1)

    def over(self) -> Wait:
        """The group is ours."""
        return replace(self, other="", split=0, targetless=0, refused=0)
