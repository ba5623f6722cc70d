"""What `setup` finds, and what it does about it."""

from __future__ import annotations

from typing import ClassVar

from ..lazy import dataclass
from ..links import page
from .reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherPlatform(Reason):
    """`what`: application or deployment group."""

    code: ClassVar = "other-platform"
    means: ClassVar = "The application or the deployment group is for servers or ECS, not for Lambda."
    what: str
    name: str
    platform: str

    @property
    def text(self) -> str:
        return f"{self.what.capitalize()} `{self.name}` is for the {self.platform} platform, not for Lambda."

    @property
    def remedy(self) -> str:
        return "A platform cannot be changed: set another `application`."

    @classmethod
    def sample(cls) -> OtherPlatform:
        return cls(what="application", name="shop", platform="Server")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationUnnamed(Reason):
    """`others`: applications for Lambda that there are, as words."""

    code: ClassVar = "application-unnamed"
    means: ClassVar = "`setup` creates no application under a name that no input says."
    also: ClassVar = ({"others": ""},)
    application: str
    others: str

    @property
    def text(self) -> str:
        return f"Application `{self.application}` does not exist. The name is the function's: no input sets it."

    @property
    def remedy(self) -> str:
        return f"Set `application` to create it{f', or to one that exists: {self.others}' if self.others else ''}."


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRoleMissing(Reason):
    code: ClassVar = "service-role-missing"
    means: ClassVar = "CodeDeploy needs a role of its own in a new deployment group."

    @property
    def text(self) -> str:
        return "A new deployment group needs a service role."

    @property
    def remedy(self) -> str:
        return (
            "Set `service-role-arn` to a role that codedeploy.amazonaws.com may assume, with the managed policy "
            f"AWSCodeDeployRoleForLambda ({page('iam/README.md')})."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDiffers(Reason):
    """`differences`: setting, value now, value wanted."""

    code: ClassVar = "group-differs"
    means: ClassVar = "The deployment group has other settings than the inputs; `setup` leaves them alone."
    group: str
    differences: tuple[tuple[str, str, str], ...]

    @property
    def text(self) -> str:
        told = "; ".join(f"{setting} {now} → {wanted}" for setting, now, wanted in self.differences)
        return f"Deployment group `{self.group}` differs from the inputs: {told}."

    @property
    def remedy(self) -> str:
        return "Set `update-group: true` to change it, or correct the inputs."

    @classmethod
    def sample(cls) -> GroupDiffers:
        return cls(group="shop/checkout", differences=(("alarms", "none", "checkout-errors"),))


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingMissing(Reason):
    code: ClassVar = "nothing-missing"
    means: ClassVar = "Everything that a deployment needs exists."

    @property
    def text(self) -> str:
        return "Nothing is missing."


@dataclass(frozen=True, slots=True, kw_only=True)
class ToSetUp(Reason):
    code: ClassVar = "to-set-up"
    means: ClassVar = "What `setup` creates or changes when it runs with `apply: true`."
    also: ClassVar = ({"changed": ("deployment group `shop/checkout`",)}, {"created": (), "changed": ("x `y`",)})
    created: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def text(self) -> str:
        create = f"Would create: {', '.join(self.created)}." if self.created else ""
        change = f"Would change: {', '.join(self.changed)}." if self.changed else ""
        return f"{create} {change}".strip()

    @property
    def remedy(self) -> str:
        return "Run again with `apply: true`."

    @classmethod
    def sample(cls) -> ToSetUp:
        return cls(created=("application `shop`", "alias `checkout:live`"), changed=())


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp(Reason):
    """`ended_early`: something went wrong after these."""

    code: ClassVar = "set-up"
    means: ClassVar = "What `setup` has created and changed."
    also: ClassVar = ({"ended_early": True},)
    done: tuple[str, ...]
    ended_early: bool

    @property
    def text(self) -> str:
        return f"{'Done before: ' if self.ended_early else ''}{'; '.join(self.done)}."

    @classmethod
    def sample(cls) -> SetUp:
        return cls(done=("application shop created", "alias checkout:live created"), ended_early=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingSetUp(Reason):
    code: ClassVar = "nothing-set-up"
    means: ClassVar = "`setup` ended before it changed anything."

    @property
    def text(self) -> str:
        return "Nothing was changed."
