"""From code to a deployment that exists: what kept a version, an alias or a deployment from being made."""

from __future__ import annotations

from typing import ClassVar

from ...lazy import dataclass
from ..commands import Where
from ..reason import Failure, Reason

# --- waiting: the texts continue "Waiting for" ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionUpdating(Reason):
    code: ClassVar = "function-updating"
    means: ClassVar = "Lambda is still working on the function's last update; ci-deploy waits for its end."
    function: str

    @property
    def text(self) -> str:
        return f"Lambda to finish updating {self.function}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPreparing(Reason):
    code: ClassVar = "version-preparing"
    means: ClassVar = "Lambda is still preparing the new version; ci-deploy waits until it is active."
    version: str

    @property
    def text(self) -> str:
        return f"Lambda to prepare version {self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionWaking(Reason):
    code: ClassVar = "version-waking"
    means: ClassVar = "The version has been idle for long; a call to it makes Lambda prepare it anew."
    version: str

    @property
    def text(self) -> str:
        return f"Lambda to wake up version {self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPending(Reason):
    """`instances`: Lambda starts managed instances for it, which takes a quarter of an hour and more."""

    code: ClassVar = "version-pending"
    means: ClassVar = "Lambda has been preparing the new version for some time; ci-deploy keeps waiting."
    also: ClassVar = ({"instances": True},)
    version: str
    minutes: float
    instances: bool = False

    @property
    def text(self) -> str:
        what = "its managed instances start" if self.instances else "Lambda prepares it"
        return f"version {self.version}, pending for {self.minutes:.0f} minutes: {what}"

    @classmethod
    def sample(cls) -> VersionPending:
        return cls(version="42", minutes=2.0)


# --- code ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverSettles(Reason):
    code: ClassVar = "function-never-settles"
    means: ClassVar = "Something else keeps updating the function."
    function: str

    @property
    def text(self) -> str:
        return f"Something else keeps updating {self.function}; gave up waiting for it to settle."

    @property
    def remedy(self) -> str:
        return "Find out who updates it (CloudTrail: UpdateFunctionCode, UpdateFunctionConfiguration), then run again."


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedMeanwhile(Reason):
    """`changed`: what, as the end of a sentence."""

    code: ClassVar = "changed-meanwhile"
    means: ClassVar = "Someone else changed the function while this run was deploying it."
    function: str
    changed: str

    @property
    def text(self) -> str:
        return f"Someone else changed {self.function} during this run: {self.changed}. No version was published."

    @property
    def remedy(self) -> str:
        return "Run again to plan with what is there now. Let one workflow at a time deploy (`concurrency`)."

    @classmethod
    def sample(cls) -> ChangedMeanwhile:
        return cls(function="checkout", changed="its settings were changed (Timeout)")


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateTooLong(Reason):
    code: ClassVar = "update-too-long"
    means: ClassVar = "Lambda did not finish the update of the function's code in time."
    function: str
    minutes: float

    @property
    def text(self) -> str:
        return (
            f"The update of {self.function}'s code is still in progress after {self.minutes:g} minutes. "
            "No version was published."
        )

    @property
    def remedy(self) -> str:
        return "Run again: the plan then starts from the function's new state."

    @classmethod
    def sample(cls) -> UpdateTooLong:
        return cls(function="checkout", minutes=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateFailed(Reason):
    """`said`: Lambda's reason, in its own words."""

    code: ClassVar = "update-failed"
    means: ClassVar = "Lambda could not give the function its new code."
    also: ClassVar = ({"said": ""},)
    function: str
    said: str

    @property
    def text(self) -> str:
        said = (self.said or "Lambda did not say why").rstrip(".")
        return f"The update of {self.function}'s code failed: {said}. No version was published."

    @classmethod
    def sample(cls) -> UpdateFailed:
        return cls(function="checkout", said="The image could not be accessed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateWithoutEffect(Reason):
    code: ClassVar = "update-without-effect"
    means: ClassVar = "UpdateFunctionCode failed several times, and the code did not change."
    times: int

    @property
    def text(self) -> str:
        return f"UpdateFunctionCode failed {self.times} times, and the code did not change."

    @property
    def remedy(self) -> str:
        return "Run it again."

    @classmethod
    def sample(cls) -> UpdateWithoutEffect:
        return cls(times=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCode(Reason):
    code: ClassVar = "other-code"
    means: ClassVar = "`$LATEST` does not have the code that `expect-code-sha256` names."
    function: str
    found: str
    expected: str

    @property
    def text(self) -> str:
        return (
            f"`$LATEST` of `{self.function}` now has CodeSha256 `{self.found}`, not `{self.expected}`. "
            "No version was published."
        )

    @property
    def remedy(self) -> str:
        return "Give the image by its digest, or correct `expect-code-sha256`."

    @classmethod
    def sample(cls) -> OtherCode:
        return cls(function="checkout", found="qvTGHdzF6KLavt4PO0gs2a6pQ00=", expected="47DEQpj8HBSa-_TImW-5JCeuQeRk=")


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionGone(Reason):
    code: ClassVar = "function-gone"
    means: ClassVar = "Someone deleted the function during the run."
    function: str

    @property
    def text(self) -> str:
        return f"Function {self.function} no longer exists."


@dataclass(frozen=True, slots=True, kw_only=True)
class SameCode(Reason):
    """Known only after the update: a tag that leads to the image which is served."""

    code: ClassVar = "same-code"
    means: ClassVar = "The image's tag leads to the code of the live version."
    version: str

    @property
    def text(self) -> str:
        return f"Version {self.version}, which the alias serves, has the same code."


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignObject(Reason):
    """`wanted` and `location`: addresses in S3."""

    code: ClassVar = "foreign-object"
    means: ClassVar = "An S3 object is not what its name says, or may not be read; it was left alone."
    wanted: str
    location: str

    @property
    def text(self) -> str:
        return (
            f"`{self.wanted}` holds other bytes than its name says, or may not be read. "
            f"It was not used; ours are in `{self.location}`."
        )

    @property
    def remedy(self) -> str:
        return "Find out who may write to the bucket, and delete that object."

    @classmethod
    def sample(cls) -> ForeignObject:
        return cls(wanted="s3://artifacts/CodeDeploy/a.json", location="s3://artifacts/CodeDeploy/a-1.json")


# --- version ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingNew(Reason):
    code: ClassVar = "nothing-new"
    means: ClassVar = "Lambda published no new version: the live one has the same content."
    version: str

    @property
    def text(self) -> str:
        return f"Lambda published nothing new: the alias serves version {self.version} already."


# --- the first deployment --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstDeployment(Reason):
    """`late`: the job was cancelled, and this had happened already."""

    code: ClassVar = "first-deployment"
    means: ClassVar = "The alias was created; a first deployment has no old version to shift traffic from."
    also: ClassVar = ({"late": True},)
    alias: str
    version: str
    late: bool = False

    @property
    def text(self) -> str:
        return (
            f"{'Cancelled too late. ' if self.late else ''}First deployment: alias `{self.alias}` was created on "
            f"version {self.version} and serves it. There was no old version to shift from, so CodeDeploy was not used."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasNotFound(Reason):
    """`cancelled`: nothing is created after a signal."""

    code: ClassVar = "alias-not-found"
    means: ClassVar = "The alias was to be created, and cannot be found."
    also: ClassVar = ({"cancelled": True},)
    alias: str
    cancelled: bool = False

    @property
    def text(self) -> str:
        if self.cancelled:
            return f"Cancelled while alias {self.alias} was being created; it cannot be found."
        return f"Alias {self.alias} was to be created and cannot be found."

    @classmethod
    def sample(cls) -> AliasNotFound:
        return cls(alias="live")


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasOfAnother(Reason):
    code: ClassVar = "alias-created-elsewhere"
    means: ClassVar = "Someone else created the alias during the run, on another version."
    alias: str
    version: str

    @property
    def text(self) -> str:
        return f"Someone else created alias {self.alias} during this run, on version {self.version}."

    @property
    def remedy(self) -> str:
        return "Run again to shift traffic from that version."


# --- creation --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldNotSet(Failure):
    code: ClassVar = "hold-failed"
    means: ClassVar = "The hold could not be set; the rollback continues without it."

    @property
    def text(self) -> str:
        return f"The hold could not be set ({self.brief}). The next deployment may bring the bad version back."


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSpecNotStored(Failure):
    code: ClassVar = "appspec-not-stored"
    means: ClassVar = "A rollback's AppSpec could not be stored in S3, so it was sent with the request."

    @property
    def text(self) -> str:
        return (
            f"This rollback's AppSpec could not be stored ({self.brief}). ci-deploy sends it with the request instead."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmsStayOn(Failure):
    code: ClassVar = "alarms-not-overridden"
    means: ClassVar = "Alarms could not be switched off for a rollback."

    @property
    def text(self) -> str:
        return f"Alarms stay on for this rollback ({self.brief}). An alarm that is firing may stop it."


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledBefore(Reason):
    """`signal`: its name, empty where the end came with an error of AWS, which is the next reason."""

    code: ClassVar = "cancelled-before-creation"
    means: ClassVar = "The job was cancelled before a deployment was created."
    also: ClassVar = ({"signal": ""},)
    signal: str = ""

    @property
    def text(self) -> str:
        return f"Cancelled{f' ({self.signal})' if self.signal else ''} before a deployment was created."

    @classmethod
    def sample(cls) -> CancelledBefore:
        return cls(signal="SIGINT")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCreated(Reason):
    code: ClassVar = "creation-lost"
    means: ClassVar = "AWS did not answer CreateDeployment, and the deployment group has no deployment of this run."

    @property
    def text(self) -> str:
        return "AWS did not answer CreateDeployment, and no deployment of ours is in the group."

    @property
    def remedy(self) -> str:
        return "Run it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class CreationInDoubt(Reason):
    code: ClassVar = "creation-in-doubt"
    means: ClassVar = "AWS did not answer CreateDeployment, and whether a deployment was created cannot be found out."
    application: str
    group: str
    marker: str

    @property
    def text(self) -> str:
        return "AWS did not answer CreateDeployment, so it is unknown whether a deployment was created."

    @property
    def remedy(self) -> str:
        return (
            f"Look in group {self.application}/{self.group} for a deployment whose description has id={self.marker}. "
            "Running again is safe."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NotWaitedFor(Reason):
    code: ClassVar = "not-waited-for"
    means: ClassVar = "The deployment was started, and `wait` is `false`."
    deployment: str
    where: Where

    @property
    def text(self) -> str:
        return f"Deployment {self.deployment} continues by itself; `wait` is `false`."

    @property
    def remedy(self) -> str:
        return f"Follow it with `{self.where.follow(self.deployment)}`."
