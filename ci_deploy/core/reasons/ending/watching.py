"""What is told of deployments that another tool starts."""

from __future__ import annotations

from typing import ClassVar

from ...lazy import dataclass
from ...stacks import StackEvent
from ..phrases import stop_it_yourself
from ..reason import Failure, Reason

TOLD = 3  # of a stack's failed events: the first ones explain the others


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingAppeared(Reason):
    code: ClassVar = "nothing-appeared"
    means: ClassVar = "`watch` saw no deployment of what it was told to watch."
    also: ClassVar = ({"minutes": 0.0},)
    what: str
    minutes: float

    @property
    def text(self) -> str:
        within = f" within {self.minutes:.0f} minutes" if self.minutes >= 1 else ""
        return f"No deployment of {self.what} appeared{within}."

    @property
    def remedy(self) -> str:
        later = " A later start needs a longer `appear-within`." if self.minutes >= 1 else ""
        return (
            "If the tool had something to deploy, check that the function has a deployment preference (SAM: "
            f"`AutoPublishAlias` and `DeploymentPreference`). Check region, stack and names, too.{later}"
        )

    @classmethod
    def sample(cls) -> NothingAppeared:
        return cls(what="the stack `shop-prod`", minutes=30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfSight(Reason):
    code: ClassVar = "out-of-sight"
    means: ClassVar = "AWS could not be asked for new deployments for so long that `watch` ended."
    what: str
    minutes: float

    @property
    def text(self) -> str:
        return (
            f"AWS did not answer for {self.minutes:.0f} minutes. Deployments of {self.what} that began since were not "
            "seen."
        )

    @property
    def remedy(self) -> str:
        return "Check the credentials and the network, and what is served with `ci-deploy status`."

    @classmethod
    def sample(cls) -> OutOfSight:
        return cls(what="the stack `shop-prod`", minutes=15.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted(Reason):
    code: ClassVar = "watch-interrupted"
    means: ClassVar = "`watch` was interrupted before any deployment appeared."
    what: str

    @property
    def text(self) -> str:
        return f"Interrupted before a deployment of {self.what} appeared. Nothing was followed."

    @classmethod
    def sample(cls) -> Interrupted:
        return cls(what="the stack `shop-prod`")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRollsBack(Reason):
    code: ClassVar = "stack-rolls-back"
    means: ClassVar = "CloudFormation rolls its update back with another deployment, which is not judged."
    deployment: str
    key: str

    @property
    def text(self) -> str:
        return f"CloudFormation is rolling the stack back: deployment {self.deployment} of {self.key} belongs to that."

    @classmethod
    def sample(cls) -> StackRollsBack:
        return cls(deployment="d-R1S2T3U4V", key="checkout:live")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackTookBack(Reason):
    code: ClassVar = "stack-took-back"
    means: ClassVar = "The deployment had succeeded, and then CloudFormation rolled the whole stack back."
    stack: str
    version: str
    previous: str

    @property
    def text(self) -> str:
        return (
            f"Version {self.version} was deployed, but something else in stack `{self.stack}` failed: CloudFormation "
            f"went back to version {self.previous}."
        )

    @classmethod
    def sample(cls) -> StackTookBack:
        return cls(stack="shop-prod", version="42", previous="41")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced(Reason):
    code: ClassVar = "deployment-replaced"
    means: ClassVar = "Another deployment of the same alias followed, and counts instead."
    also: ClassVar = ({"seen": True, "status": "rolled-back"},)
    deployment: str
    key: str
    status: str
    seen: bool = False

    @property
    def text(self) -> str:
        if self.seen:
            return f"Deployment {self.deployment} of {self.key} ended as `{self.status}`. The next one counts."
        return (
            f"Deployment {self.deployment} of {self.key} had ended ({self.status}) and was followed by another one "
            "before this run saw it."
        )

    @classmethod
    def sample(cls) -> Replaced:
        return cls(deployment="d-A1B2C3D4E", key="checkout:live", status="Succeeded")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFailed(Reason):
    code: ClassVar = "stack-failed"
    means: ClassVar = "CloudFormation's own failed events, in its words."
    stack: str
    events: tuple[StackEvent, ...]

    @property
    def text(self) -> str:
        told = "; ".join(f"{each.resource} {each.status}: {each.said.rstrip('.')}" for each in self.events[:TOLD])
        more = f" And {len(self.events) - TOLD} more." if len(self.events) > TOLD else ""
        return f"CloudFormation says of stack `{self.stack}`: {told}.{more}"

    @classmethod
    def sample(cls) -> StackFailed:
        event = StackEvent(
            stack="shop-prod",
            resource="CheckoutAliaslive",
            kind="AWS::Lambda::Alias",
            status="UPDATE_FAILED",
            said="Rollback successful",
        )
        return cls(stack="shop-prod", events=(event,))

    @classmethod
    def samples(cls) -> tuple[StackFailed, ...]:
        first = cls.sample()
        return first, cls(stack=first.stack, events=first.events * (TOLD + 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanished(Reason):
    code: ClassVar = "deployment-vanished"
    means: ClassVar = "A deployment that `watch` had found can no longer be read."
    deployment: str
    key: str

    @property
    def text(self) -> str:
        return f"Deployment {self.deployment} of {self.key} was found, and can no longer be read."

    @classmethod
    def sample(cls) -> Vanished:
        return cls(deployment="d-A1B2C3D4E", key="checkout:live")


@dataclass(frozen=True, slots=True, kw_only=True)
class HookOverdue(Reason):
    code: ClassVar = "hook-overdue"
    means: ClassVar = "A hook has run longer than `hook-timeout`, and `watch` may not stop the deployment."
    also: ClassVar = ({"unasked": False},)
    what: str
    seconds: float
    unasked: bool  # `on-violation: rollback` would have stopped it

    @property
    def text(self) -> str:
        return f"{self.what} has not reported after {self.seconds:g} s (`hook-timeout`)."

    @property
    def remedy(self) -> str:
        return stop_it_yourself(unasked=self.unasked)

    @classmethod
    def sample(cls) -> HookOverdue:
        return cls(what="Hook CodeDeployHook_smoke", seconds=120.0, unasked=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateFails(Reason):
    code: ClassVar = "update-fails"
    means: ClassVar = "`watch` stops a deployment, so the tool that started it fails."
    also: ClassVar = ({"stack": ""},)
    stack: str

    @property
    def text(self) -> str:
        if self.stack:
            return f"The update of stack `{self.stack}` fails now, and CloudFormation rolls the whole stack back."
        return "The tool that started this deployment sees it fail now."

    @classmethod
    def sample(cls) -> UpdateFails:
        return cls(stack="shop-prod")


@dataclass(frozen=True, slots=True, kw_only=True)
class StaysInService(Reason):
    """`stack` is empty where none was named, as for Terraform; `unasked`: found bad while it could be stopped."""

    code: ClassVar = "stays-in-service"
    means: ClassVar = "The new version was found bad and stays in service: `watch` rolls back nothing that succeeded."
    also: ClassVar = ({"stack": "", "previous": ""}, {"stack": ""}, {"unasked": True})
    found: str
    version: str
    previous: str
    stack: str
    unasked: bool = False

    @property
    def text(self) -> str:
        return f"{self.found} Version {self.version} stays in service: `watch` rolls back nothing that succeeded."

    @property
    def remedy(self) -> str:
        after = " `on-violation: rollback` would have stopped the deployment." if self.unasked else ""
        if self.stack:
            return f"Go back with your tool: deploy the last good commit with it.{after}"
        back = f"set `target_version` back to {self.previous}" if self.previous else "set `target_version` back"
        return f"Go back with your tool: apply the last good commit, or {back}.{after}"

    @classmethod
    def sample(cls) -> StaysInService:
        return cls(
            found="Alarm `checkout-errors` fired while version 42 was baking.",
            version="42",
            previous="41",
            stack="shop-prod",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFailed(Failure):
    code: ClassVar = "search-failed"
    means: ClassVar = "The account's deployments, or the stack, could not be read for the moment."

    @property
    def text(self) -> str:
        return f"ci-deploy could not look for new deployments ({self.problem.rstrip('.')})."

    @classmethod
    def sample(cls) -> SearchFailed:
        return cls(problem="codedeploy:ListDeployments: ThrottlingException: Rate exceeded", advice="")
