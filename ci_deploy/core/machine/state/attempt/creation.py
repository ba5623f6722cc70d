"""What is created: a deployment, known by its marker, or a first alias. A lost answer creates nothing twice."""

from __future__ import annotations

from dataclasses import dataclass

from ....aws import Revision
from ....change import replace
from ....errors import CiDeployError
from ....marker import Marker
from ....reasons.reason import Reason


@dataclass(frozen=True, kw_only=True)
class Creation:
    marker: Marker | None = None
    appspec: str = ""
    sha256: str = ""  # of the AppSpec
    revision: Revision | None = None
    calls: int = 0  # CreateDeployment calls made
    doubtful: bool = False  # one of them may have had an effect that we do not know of
    alias_asked: bool = False  # the first alias was asked for, and may be there
    lost: CiDeployError | None = None  # why it is in doubt, where AWS said anything
    problem: Reason | None = None  # why a release's reversal could not be created

    def write(self, appspec: str, sha256: str, marker: Marker) -> Creation:
        return replace(self, appspec=appspec, sha256=sha256, marker=marker)

    def store(self, revision: Revision) -> Creation:
        return replace(self, revision=revision)

    def sent(self) -> Creation:
        return replace(self, calls=self.calls + 1)

    def in_doubt(self, why: CiDeployError | None = None) -> Creation:
        return replace(self, doubtful=True, lost=why or self.lost)

    def settled(self) -> Creation:
        """Whether there is a deployment is known."""
        return replace(self, doubtful=False, lost=None)

    def alias_sent(self, lost: CiDeployError | None = None) -> Creation:
        return replace(self, alias_asked=True, lost=lost)

    def alias_missing(self, *, final: bool) -> Creation:
        """It is not there: it is asked for again, unless nothing more is created."""
        return replace(self, alias_asked=final)

    def failed(self, problem: Reason) -> Creation:
        return replace(self, problem=problem)
