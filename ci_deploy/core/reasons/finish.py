"""What the post step finds of the main step."""

from __future__ import annotations

from typing import ClassVar

from ..lazy import dataclass
from .reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class MainStepFinished(Reason):
    code: ClassVar = "main-step-finished"
    means: ClassVar = "The main step came to its end, so the post step does nothing."

    @property
    def text(self) -> str:
        return "Nothing to clean up: the main step finished."


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingBegun(Reason):
    code: ClassVar = "nothing-begun"
    means: ClassVar = "The main step had not begun a deployment."

    @property
    def text(self) -> str:
        return "Nothing to clean up: no deployment had begun."


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingLeft(Reason):
    code: ClassVar = "nothing-left"
    means: ClassVar = "The runner lost the main step's state, and no deployment of this run and step exists."

    @property
    def text(self) -> str:
        return "The main step left no deployment to finish."


@dataclass(frozen=True, slots=True, kw_only=True)
class MainStepUnknown(Reason):
    code: ClassVar = "main-step-unknown"
    means: ClassVar = "The runner lost the main step's state, and AWS could not be read either."

    @property
    def text(self) -> str:
        return "The main step left no state, and AWS could not be read."


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOver(Reason):
    code: ClassVar = "all-over"
    means: ClassVar = "The deployments that the main step began have ended."
    also: ClassVar = ({"deployments": ("d-A1B2C3D4E", "d-R1S2T3U4V")},)
    deployments: tuple[str, ...]

    @property
    def text(self) -> str:
        has = "has" if len(self.deployments) == 1 else "have"
        return f"Nothing to finish: {', '.join(self.deployments)} {has} ended."


@dataclass(frozen=True, slots=True, kw_only=True)
class Continues(Reason):
    code: ClassVar = "continues"
    means: ClassVar = "The deployment is meant to continue after the job (`wait`, `on-cancel` or `on-timeout`)."
    also: ClassVar = ({"deployments": ("d-A1B2C3D4E", "d-R1S2T3U4V")},)
    deployments: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"{', '.join(self.deployments)} continue{'s' if len(self.deployments) == 1 else ''}, as the inputs ask."


@dataclass(frozen=True, slots=True, kw_only=True)
class StateUnreadable(Reason):
    code: ClassVar = "state-unreadable"
    means: ClassVar = "The state that the main step left cannot be read, or only in part."
    count: int
    of_all: int

    @property
    def text(self) -> str:
        return f"The state that the main step left is unreadable for {self.count} of {self.of_all} functions."

    @property
    def remedy(self) -> str:
        return "See what their aliases serve, and whether their deployments still run, with `ci-deploy status`."
