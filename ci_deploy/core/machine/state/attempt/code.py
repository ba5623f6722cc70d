"""`$LATEST` on its way to the code that is to be published."""

from __future__ import annotations

from dataclasses import dataclass

from ....change import replace
from ....errors import CiDeployError
from ....given.package.packaging import StoredPackage


@dataclass(frozen=True, kw_only=True)
class NewCode:
    stored: StoredPackage | None = None  # where the package was put
    settlings: int = 0  # how often `$LATEST` was found in the middle of somebody's update
    disturbed: bool = False  # the update that is waited for began after our plan
    repeats: int = 0  # writes of code or version that had no effect, though nobody changed anything
    woken: float | None = None  # when the version, which slept, was invoked
    lost: CiDeployError | None = None  # why it is not known whether UpdateFunctionCode had an effect

    def store(self, stored: StoredPackage) -> NewCode:
        return replace(self, stored=stored)

    def settle(self) -> NewCode:
        return replace(self, settlings=self.settlings + 1, disturbed=True)

    def settled(self) -> NewCode:
        return replace(self, disturbed=False)

    def lose(self, why: CiDeployError) -> NewCode:
        return replace(self, lost=why)

    def found(self) -> NewCode:
        """`$LATEST` has the code."""
        return replace(self, lost=None)

    def wake(self, now: float) -> NewCode:
        return replace(self, woken=now)

    def repeat(self) -> NewCode:
        """A write had no effect: it is made again, or what is there is looked at again."""
        return replace(self, repeats=self.repeats + 1)
