"""What preflight finds: in function and alias, versions, deployment group, config, hooks and alarms."""

from __future__ import annotations

from typing import ClassVar

from ...lazy import dataclass
from ..commands import Where
from ..phrases import Unread, instead, role_name, unread
from ..reason import Reason

ALL_AT_ONCE = "Deploy this one with `deployment-config: all-at-once`."


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionMissing(Reason):
    code: ClassVar = "function-missing"
    means: ClassVar = "The function does not exist in this account and region."
    also: ClassVar = ({"needed": False},)
    function: str
    account: str
    region: str
    needed: bool = True  # `setup` can do without

    @property
    def text(self) -> str:
        return f"Function `{self.function}` does not exist in account {self.account}, region {self.region}."

    @property
    def remedy(self) -> str:
        if self.needed:
            return "Check `function`, `aws-region`, and that the role belongs to this account."
        return "Create the function first, or leave out `function`: the group does not need it."


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionBusy(Reason):
    code: ClassVar = "function-busy"
    means: ClassVar = "The function's last update failed, and Lambda publishes no version from it."
    also: ClassVar = ({"why": ""},)
    function: str
    why: str

    @property
    def text(self) -> str:
        return f"The last update of `{self.function}` failed: {(self.why or 'Lambda did not say why').rstrip('.')}."

    @property
    def remedy(self) -> str:
        return "Update the function's code or configuration again. Lambda publishes no version from a failed update."


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasFirst(Reason):
    code: ClassVar = "alias-first"
    means: ClassVar = "The alias does not exist yet and is created without CodeDeploy."
    also: ClassVar = ({"version": ""}, {"others": ""})
    alias: str
    version: str
    others: str

    @property
    def text(self) -> str:
        where = f"version {self.version}" if self.version else "the new version"
        return (
            f"Alias `{self.alias}` does not exist yet and will be created on {where} (`create-alias`). "
            "First deployments skip CodeDeploy: there is no old version to shift from."
        )

    @property
    def remedy(self) -> str:
        return f"If you mean another alias, set `alias`. The function has {self.others}." if self.others else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasMissing(Reason):
    code: ClassVar = "alias-missing"
    means: ClassVar = "The function has no such alias."
    also: ClassVar = ({"others": ""},)
    function: str
    alias: str
    others: str
    region: str

    @property
    def text(self) -> str:
        return f"Function `{self.function}` has no alias `{self.alias}`."

    @property
    def remedy(self) -> str:
        there = f"It has {self.others}. " if self.others else ""
        create = Where(function=self.function, alias=self.alias, region=self.region).create_alias("VERSION")
        return (
            f"{there}Create it on the live version: `{create}`. Or set `create-alias: true` to create it on the new "
            "version."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasLatest(Reason):
    code: ClassVar = "alias-latest"
    means: ClassVar = "The alias points to `$LATEST`, from which CodeDeploy cannot shift."
    function: str
    alias: str
    region: str

    @property
    def text(self) -> str:
        return f"Alias `{self.alias}` points to `$LATEST`. CodeDeploy only shifts traffic between published versions."

    @property
    def remedy(self) -> str:
        where = Where(function=self.function, alias=self.alias, region=self.region)
        return f"Publish a version and point the alias to it: `{where.set_alias('VERSION')}`."


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasSplit(Reason):
    code: ClassVar = "alias-split"
    means: ClassVar = (
        "The alias is split although no deployment is running: an earlier one was stopped without rollback."
    )
    also: ClassVar = ({"repaired": True},)
    function: str
    alias: str
    shares: tuple[tuple[str, float], ...]  # percent by version, the alias's own first
    region: str
    repaired: bool = False  # `deploy` would mend it first

    @property
    def text(self) -> str:
        shares = ", ".join(f"{share:g}% on version {version}" for version, share in self.shares)
        return (
            f"Alias `{self.alias}` is split ({shares}) and no deployment is running. An earlier one was stopped "
            "without rollback. CodeDeploy fails every deployment until the alias serves one version."
        )

    @property
    def remedy(self) -> str:
        if self.repaired:
            return "`deploy` would first put all traffic on the first of them (`repair-alias: always`)."
        where = Where(function=self.function, alias=self.alias, region=self.region)
        return f"`{where.set_alias(self.shares[0][0])}`, or set `repair-alias: always`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Reason):
    code: ClassVar = "held"
    means: ClassVar = "A rollback put deployments of this alias on hold."
    function: str
    alias: str
    hold: str

    @property
    def text(self) -> str:
        return f"Deployments of {self.function}:{self.alias} are on hold: {self.hold}."

    @property
    def remedy(self) -> str:
        return "Once the cause is fixed, deploy with `hold: release`."


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentVersion(Reason):
    code: ClassVar = "current-version"
    means: ClassVar = "The alias does not serve the version that `current-version` expects."
    also: ClassVar = ({"live": ""},)
    alias: str
    live: str  # empty: there is no alias
    expected: str

    @property
    def text(self) -> str:
        if self.live:
            return f"Alias `{self.alias}` serves version {self.live}, not {self.expected} as `current-version` says."
        none = f"Alias `{self.alias}` does not exist"
        return f"{none}, so it does not serve version {self.expected} as `current-version` says."

    @property
    def remedy(self) -> str:
        if self.live:
            return "Leave out `current-version` to deploy over any version, or find out who moved the alias."
        return "Leave out `current-version` to create the alias, or check `function` and `alias`."


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetMissing(Reason):
    code: ClassVar = "target-missing"
    means: ClassVar = "The function has no such version."
    function: str
    version: str
    region: str

    @property
    def text(self) -> str:
        return f"Function `{self.function}` has no version {self.version}."

    @property
    def remedy(self) -> str:
        listing = Where(function=self.function, alias="", region=self.region).list_versions()
        return f"Set `version` to one that `{listing}` lists."


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetImage(Reason):
    code: ClassVar = "target-image"
    means: ClassVar = "The version's container image is gone, or Lambda may not read it."
    function: str
    version: str
    why: str

    @property
    def text(self) -> str:
        return f"The image of version {self.version} of `{self.function}` is no longer usable: {self.why.rstrip('.')}."

    @property
    def remedy(self) -> str:
        return (
            "Push the image again under the same digest, or allow Lambda to read it. Then invoke the version "
            "once. Or deploy another version."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSha256(Reason):
    code: ClassVar = "code-sha256"
    means: ClassVar = "The code is not the one that `expect-code-sha256` names."
    also: ClassVar = (
        {"version": ""},
        {"version": "", "package": ""},
    )
    function: str
    version: str  # that is deployed, where it is known
    package: str  # the code that is given, if any
    found: str
    expected: str

    @property
    def text(self) -> str:
        here = f"`{self.package}`" if self.package else f"`$LATEST` of `{self.function}`"
        what = f"Version {self.version} of `{self.function}`" if self.version else here
        return f"{what} has CodeSha256 `{self.found}`, not `{self.expected}`."

    @property
    def remedy(self) -> str:
        return "Other code was built or uploaded in between. Deploy the expected code, or correct `expect-code-sha256`."


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageType(Reason):
    code: ClassVar = "package-type"
    means: ClassVar = "A zip is given for an image function, or an image for a zip function."
    also: ClassVar = ({"image": False, "has": "Image"},)
    function: str
    has: str  # the function's package type
    package: str
    image: bool  # whether that is a container image

    @property
    def text(self) -> str:
        kind = "a container image" if self.image else "a zip"
        return (
            f"Function `{self.function}` has the package type {self.has}, and `{self.package}` is "
            f"{kind}. A function's package type cannot be changed."
        )

    @property
    def remedy(self) -> str:
        return "Deploy the other kind of code, or create a new function."


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRegion(Reason):
    code: ClassVar = "image-region"
    means: ClassVar = "The image is in another region, from which Lambda does not take it."
    package: str
    there: str
    region: str

    @property
    def text(self) -> str:
        return f"`{self.package}` is in {self.there}. Lambda only reads images from its own region, {self.region}."

    @property
    def remedy(self) -> str:
        return f"Push it to a repository in {self.region}, or have ECR replicate it there."


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMissing(Reason):
    code: ClassVar = "group-missing"
    means: ClassVar = "The application or its deployment group does not exist here."
    also: ClassVar = (
        {"groups": ""},
        {"groups": "", "applications": ""},
    )
    application: str
    group: str
    account: str
    region: str
    groups: str  # of the application
    applications: str  # of the account

    @property
    def text(self) -> str:
        return (
            f"Application `{self.application}` with deployment group `{self.group}` does not exist in account "
            f"{self.account}, region {self.region}."
        )

    @property
    def remedy(self) -> str:
        return instead(self.groups, self.applications)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPlatform(Reason):
    code: ClassVar = "group-platform"
    means: ClassVar = "The application is for servers or ECS, not for Lambda."
    application: str
    platform: str

    @property
    def text(self) -> str:
        return f"Application `{self.application}` is for the {self.platform} platform, not for Lambda."

    @property
    def remedy(self) -> str:
        return "Use an application that was created with `--compute-platform Lambda`."


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigMissing(Reason):
    code: ClassVar = "config-missing"
    means: ClassVar = "The deployment config does not exist."
    also: ClassVar = ({"ours": False}, {"ours": False, "in_setup": True})
    config: str
    ours: bool  # `setup` makes it
    in_setup: bool = False

    @property
    def text(self) -> str:
        return f"Deployment config `{self.config}` does not exist."

    @property
    def remedy(self) -> str:
        if self.ours:
            return "Run `setup` with the same `deployment-config` to create it."
        if self.in_setup:
            own = "`CodeDeployDefault.Lambda…`"
            return f"Set a shape to have one created (`canary 20% 5m`), or one of AWS's own ({own})."
        return "Check `deployment-config`. AWS's own begin with `CodeDeployDefault.Lambda`."


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigPlatform(Reason):
    code: ClassVar = "config-platform"
    means: ClassVar = "The deployment config is not for Lambda."
    config: str
    platform: str

    @property
    def text(self) -> str:
        return f"Deployment config `{self.config}` is for the {self.platform} platform."

    @property
    def remedy(self) -> str:
        return "Use one for Lambda. AWS's own begin with `CodeDeployDefault.Lambda`."


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigOther(Reason):
    code: ClassVar = "config-other"
    means: ClassVar = "A deployment config of that name exists, and shifts traffic in another way."
    config: str
    shape: str

    @property
    def text(self) -> str:
        return f"Deployment config `{self.config}` exists, but shifts traffic differently ({self.shape})."

    @property
    def remedy(self) -> str:
        return (
            "A deployment config cannot be changed. Delete it if nothing uses it, or set another `deployment-config`."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigUnknown(Reason):
    code: ClassVar = "config-unknown"
    means: ClassVar = "The deployment config shifts traffic in a way unknown to ci-deploy."
    config: str

    @property
    def text(self) -> str:
        return f"ci-deploy does not know how deployment config `{self.config}` shifts traffic, so it shows no times."


@dataclass(frozen=True, slots=True, kw_only=True)
class HookElsewhere(Reason):
    code: ClassVar = "hook-elsewhere"
    means: ClassVar = "The hook is in another region. CodeDeploy only invokes hooks in its own."
    hook: str
    there: str
    region: str
    input_name: str

    @property
    def text(self) -> str:
        return (
            f"Hook function `{self.hook}` is in {self.there}, this deployment in {self.region}. CodeDeploy "
            "only invokes hooks in its own region."
        )

    @property
    def remedy(self) -> str:
        return f"Deploy the hook in {self.region}, and set `{self.input_name}` to it (or correct your own AppSpec)."


@dataclass(frozen=True, slots=True, kw_only=True)
class HookMissing(Reason):
    code: ClassVar = "hook-missing"
    means: ClassVar = "The hook function does not exist."
    hook: str
    input_name: str

    @property
    def text(self) -> str:
        return f"Hook function `{self.hook}` does not exist."

    @property
    def remedy(self) -> str:
        return f"Deploy it, or correct `{self.input_name}` (or the hook in your own AppSpec)."


@dataclass(frozen=True, slots=True, kw_only=True)
class HookUnread(Reason):
    code: ClassVar = "hook-unread"
    means: ClassVar = "The hook could not be read, so it was not checked."
    hook: str
    fact: Unread

    @property
    def text(self) -> str:
        return f"Hook `{self.hook}` was not checked: {unread(self.fact)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class HookName(Reason):
    code: ClassVar = "hook-name"
    means: ClassVar = "CodeDeploy's managed service role may not invoke a hook of another name."
    also: ClassVar = ({"role": ""},)
    hook: str
    role: str  # the service role's ARN

    @property
    def text(self) -> str:
        return (
            f"Hook `{self.hook}` is not named `CodeDeployHook_…`, so CodeDeploy's managed service role may not "
            "invoke it. The deployment would fail with IAM_ROLE_PERMISSIONS."
        )

    @property
    def remedy(self) -> str:
        return f"Rename it, or allow lambda:InvokeFunction on it to {role_name(self.role)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmsIgnored(Reason):
    code: ClassVar = "alarms-ignored"
    means: ClassVar = "Alarms are off for this deployment."

    @property
    def text(self) -> str:
        return "Alarms are off for this deployment (`alarms: off`)."


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmsUnread(Reason):
    code: ClassVar = "alarms-unread"
    means: ClassVar = "The alarms could not be read, so they were not checked."
    fact: Unread

    @property
    def text(self) -> str:
        return f"Alarms were not checked: {unread(self.fact)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmMissing(Reason):
    code: ClassVar = "alarm-missing"
    means: ClassVar = "A configured alarm does not exist, so it cannot stop a bad deployment."
    also: ClassVar = (
        {"given": False},
        {"alarm": "a, b"},
    )
    alarm: str
    given: bool  # by the input `alarms`, not by the deployment group

    @property
    def text(self) -> str:
        return f"Alarm `{self.alarm}` of {self._whose} does not exist, so it cannot stop a bad deployment."

    @property
    def remedy(self) -> str:
        comma = " Several alarms are written one per line: a comma is part of a name." if "," in self.alarm else ""
        return f"Create it, or take it off {self._whose}.{comma}"

    @property
    def _whose(self) -> str:
        return "the input `alarms`" if self.given else "the deployment group"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRinging(Reason):
    code: ClassVar = "alarm-ringing"
    means: ClassVar = "An alarm of the deployment is firing, so CodeDeploy would stop it."
    also: ClassVar = ({"why": ""},)
    alarm: str
    why: str

    @property
    def text(self) -> str:
        return f"Alarm `{self.alarm}` is firing: CodeDeploy would stop the deployment immediately. {self.why}".rstrip()

    @property
    def remedy(self) -> str:
        return "Wait until it is OK, or deploy the fix with `alarms: off`."


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmBlind(Reason):
    code: ClassVar = "alarm-blind"
    means: ClassVar = "An alarm of the deployment is not evaluated at the moment, so it may not stop a bad version."
    also: ClassVar = (
        {"state": "EVALUATION_ERROR", "kind": "log", "why": "Log group not found."},
        {"state": "EVALUATION_FAILURE", "why": ""},
        {"state": "PARTIAL_DATA", "why": ""},
    )
    alarm: str
    kind: str
    state: str
    why: str

    @classmethod
    def sample(cls) -> AlarmBlind:
        return cls(alarm="checkout-errors", kind="metric", state="INSUFFICIENT_DATA", why="")

    @property
    def text(self) -> str:
        what = {"log": "Log alarm", "composite": "Composite alarm"}.get(self.kind, "Alarm")
        why = f" ({self.why.rstrip('.')})" if self.why else ""
        return f"{what} `{self.alarm}` is in {self.state}{why}, so it may miss a bad version."

    @property
    def remedy(self) -> str:
        return {
            "EVALUATION_ERROR": "Correct the alarm: its state reason names the problem.",
            "EVALUATION_FAILURE": "CloudWatch has a problem. Wait until it is over, or watch the deployment yourself.",
            "PARTIAL_DATA": "Its query reads more metrics than CloudWatch allows. Narrow it.",
        }.get(self.state, "Where no traffic is good news, set its missing data to `notBreaching`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackOff(Reason):
    code: ClassVar = "rollback-off"
    means: ClassVar = "Automatic rollback is off."

    @property
    def text(self) -> str:
        return "Automatic rollback is off, so a failed deployment leaves traffic split."

    @property
    def remedy(self) -> str:
        return "Leave out `auto-rollback` to turn on all three events."


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleDiffers(Reason):
    code: ClassVar = "role-differs"
    means: ClassVar = "The versions have different execution roles, so Lambda cannot split an alias between them."
    live: str
    old: str
    new: str

    @property
    def text(self) -> str:
        return (
            f"The execution role differs between version {self.live} (`{self.old}`) and the new one "
            f"(`{self.new}`). Lambda cannot split an alias between them."
        )

    @property
    def remedy(self) -> str:
        return ALL_AT_ONCE


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterDiffers(Reason):
    code: ClassVar = "dead-letter-differs"
    means: ClassVar = "The versions have different dead-letter targets, so Lambda cannot split an alias between them."
    also: ClassVar = (
        {"old": ""},
        {"new": ""},
    )
    live: str
    old: str
    new: str

    @property
    def text(self) -> str:
        return (
            f"The dead-letter target differs between version {self.live} (`{self.old or 'none'}`) and the new one "
            f"(`{self.new or 'none'}`). Lambda cannot split an alias between them."
        )

    @property
    def remedy(self) -> str:
        return ALL_AT_ONCE
