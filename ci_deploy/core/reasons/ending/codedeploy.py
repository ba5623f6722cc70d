"""Why CodeDeploy ended a deployment, by its own error code (facts.md A4, A5). AWS's own words are a fact.

A class is found by `error`, CodeDeploy's code, and takes of all facts those that it names. Codes, not texts, decide:
AWS changes its texts, and some are not known (facts.md E).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar

from ...lazy import dataclass
from ..commands import read_log
from ..phrases import closed, duration
from ..reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedByCodeDeploy(Reason):
    """`event`: the lifecycle event that failed, empty if none did. `said`: AWS's own words, empty if it has none."""

    error: ClassVar[str]
    event: str = ""
    said: str = ""

    @property
    @abstractmethod
    def what(self) -> str:
        """What happened, as a sentence without its end."""

    @property
    def text(self) -> str:
        said = f" AWS: {closed(self.said)}" if self.said else ""
        return f"{self.what}.{said}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmActive(EndedByCodeDeploy):
    """`firing`: the alarms in ALARM, each with its value and threshold or CloudWatch's reason; `when` in the shift."""

    code: ClassVar = "codedeploy-alarm-active"
    error: ClassVar = "ALARM_ACTIVE"
    means: ClassVar = "A CloudWatch alarm went into ALARM, so CodeDeploy stopped the deployment."
    also: ClassVar = (
        {"firing": (), "said": "Activated alarms <checkout-errors>"},
        {"firing": (("checkout-errors", ""), ("checkout-p99", "")), "when": ""},
    )
    group: str
    function: str
    target: str
    region: str = ""
    firing: tuple[tuple[str, str], ...] = ()
    when: str = ""

    @property
    def what(self) -> str:
        if not self.firing:
            return f"A CloudWatch alarm of deployment group {self.group} fired. CodeDeploy stopped the deployment"
        when = f" {self.when}" if self.when else ""
        if len(self.firing) == 1:
            ((name, why),) = self.firing
            return f"Alarm `{name}` fired{when}" + (f" ({why})" if why else "") + ". CodeDeploy stopped the deployment"
        named = ", ".join(f"`{name}`" + (f" ({why})" if why else "") for name, why in self.firing)
        return f"Alarms {named} fired{when}. CodeDeploy stopped the deployment"

    @property
    def remedy(self) -> str:
        return (
            f"Find the cause in the log of version {self.target}: `{read_log(self.function, self.region)}`. "
            "To deploy a fix while the alarm is still firing, set `alarms: off`."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HookExecutionFailure(EndedByCodeDeploy):
    """`ending`: `reported` (Failed), `silent`, `not-invoked`, or empty where it is not known. `seconds`: it took."""

    code: ClassVar = "codedeploy-hook-execution-failure"
    error: ClassVar = "HOOK_EXECUTION_FAILURE"
    means: ClassVar = "A hook reported Failed, did not report in time, or could not be invoked."
    also: ClassVar = (
        {"ending": "silent", "seconds": 3600.0},
        {"ending": "not-invoked", "seconds": None, "said": "There is no such function."},
        {"ending": "", "seconds": None, "said": ""},
        {"ending": "", "seconds": None, "hook": "", "event": "", "said": ""},
    )
    hook: str
    region: str = ""
    ending: str = ""
    seconds: float | None = None

    @property
    def what(self) -> str:
        name = f"`{self.hook}`" + (f" ({self.event})" if self.event else "")
        took = f" {duration(self.seconds)}" if self.seconds is not None else ""
        match self.ending:
            case "reported":
                return f"Hook {name} reported `Failed`" + (f" after{took}" if took else "")
            case "silent":
                return f"Hook {name} did not report a result" + (f" within{took}" if took else "")
            case "not-invoked":
                return f"CodeDeploy could not invoke hook {name}"
        return f"Hook {name} failed" if self.hook else "A hook of the deployment failed"

    @property
    def text(self) -> str:
        """What CodeDeploy says adds nothing to what a hook has reported, or has not."""
        said = "" if self.ending in ("reported", "silent") else self.said
        return f"{self.what}." + (f" AWS: {closed(said)}" if said else "")

    @property
    def _read(self) -> str:
        """A hook logs when it begins, and CodeDeploy waits up to an hour for its result."""
        return read_log(self.hook, self.region, self.seconds or 0.0)

    @property
    def remedy(self) -> str:
        log = f"the hook's log: `{self._read}`" if self.hook else "the hook's log"
        match self.ending:
            case "reported":
                return f"Read why in {log}."
            case "not-invoked":
                return "Check that the hook exists, and that CodeDeploy's service role may invoke it."
            case "silent":
                return (
                    f"Find out where it stops in {log}. Every path through a hook must call "
                    "codedeploy:PutLifecycleEventHookExecutionStatus. Set `hook-timeout` to end a silent hook early."
                )
        return f"Check {log}. It must call codedeploy:PutLifecycleEventHookExecutionStatus with `Succeeded`."


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidConfiguration(EndedByCodeDeploy):
    code: ClassVar = "codedeploy-invalid-lambda-configuration"
    error: ClassVar = "INVALID_LAMBDA_CONFIGURATION"
    means: ClassVar = "The alias served another version, was split, or both versions are the same."
    function: str
    alias: str
    current: str
    target: str
    region: str

    @property
    def what(self) -> str:
        return (
            f"CodeDeploy could not shift alias {self.alias} of {self.function} from version {self.current} to "
            f"{self.target}. The alias served another version or was split, or both versions are the same"
        )

    @property
    def remedy(self) -> str:
        return (
            f"Check the alias (`aws lambda get-alias --function-name {self.function} --name {self.alias} "
            f"--region {self.region}`). Something else, such as Terraform, SAM or a person, moved it as the "
            "deployment began. Then deploy again."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidFunction(EndedByCodeDeploy):
    code: ClassVar = "codedeploy-invalid-lambda-function"
    error: ClassVar = "INVALID_LAMBDA_FUNCTION"
    means: ClassVar = "The function or one of its versions cannot be used."
    function: str
    current: str
    target: str
    region: str

    @property
    def what(self) -> str:
        return f"Function {self.function}, or its version {self.current} or {self.target}, cannot be used"

    @property
    def remedy(self) -> str:
        return (
            f"Check that both versions exist and are Active: `aws lambda get-function --function-name {self.function} "
            f"--qualifier {self.target} --region {self.region}`."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidRevision(EndedByCodeDeploy):
    code: ClassVar = "codedeploy-invalid-revision"
    error: ClassVar = "INVALID_REVISION"
    means: ClassVar = "CodeDeploy could not use the AppSpec."

    @property
    def what(self) -> str:
        return "CodeDeploy could not use the AppSpec"

    @property
    def remedy(self) -> str:
        return "Check the AppSpec in the job summary. Keep it where it was uploaded until the deployment is over."


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionMissing(EndedByCodeDeploy):
    code: ClassVar = "codedeploy-revision-missing"
    error: ClassVar = "REVISION_MISSING"
    means: ClassVar = "CodeDeploy did not find the AppSpec in S3."
    role: str

    @property
    def what(self) -> str:
        return "CodeDeploy did not find the AppSpec in S3"

    @property
    def remedy(self) -> str:
        return (
            f"Keep it while the deployment runs. Check the bucket's lifecycle rules, and that role {self.role} has "
            "s3:GetObject and s3:GetObjectVersion on it."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RolePermissions(EndedByCodeDeploy):
    code: ClassVar = "codedeploy-iam-role-permissions"
    error: ClassVar = "IAM_ROLE_PERMISSIONS"
    means: ClassVar = "CodeDeploy's service role lacks a permission that the deployment needs."
    also: ClassVar = ({"hook": ""},)
    role: str
    hook: str = ""  # that it could not invoke

    @property
    def what(self) -> str:
        if self.hook:
            return f"CodeDeploy could not invoke hook `{self.hook}`: its service role {self.role} lacks a permission"
        return f"CodeDeploy's service role {self.role} lacks a permission that the deployment needs"

    @property
    def remedy(self) -> str:
        return (
            "Most often a hook's name does not begin with `CodeDeployHook_`, and the managed policy "
            "AWSCodeDeployRoleForLambda allows no other. Rename the hook, or allow lambda:InvokeFunction on it to "
            f"{self.role}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleMissing(EndedByCodeDeploy):
    code: ClassVar = "codedeploy-iam-role-missing"
    error: ClassVar = "IAM_ROLE_MISSING"
    means: ClassVar = "The deployment group's service role is not set or was deleted."
    group: str

    @property
    def what(self) -> str:
        return f"Deployment group {self.group} has no service role, or it was deleted"

    @property
    def remedy(self) -> str:
        return "Create the role with the policy AWSCodeDeployRoleForLambda and set it on the group."


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled(EndedByCodeDeploy):
    code: ClassVar = "codedeploy-throttled"
    error: ClassVar = "THROTTLED"
    means: ClassVar = "Lambda throttled CodeDeploy's own requests."

    @property
    def what(self) -> str:
        return "Lambda throttled CodeDeploy's own requests (15 per second for the whole account and region)"

    @property
    def remedy(self) -> str:
        return "Deploy fewer functions at the same time (`max-parallel`), then run again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeout(EndedByCodeDeploy):
    code: ClassVar = "codedeploy-timeout"
    error: ClassVar = "TIMEOUT"
    means: ClassVar = "A step took longer than CodeDeploy allows."
    also: ClassVar = ({"hook": ""},)
    hook: str = ""  # that ran

    @property
    def what(self) -> str:
        if self.hook:
            return f"Hook `{self.hook}` did not report a result"
        return "A step took longer than CodeDeploy allows (an hour for a hook, 50 hours in all)"

    @property
    def remedy(self) -> str:
        return (
            "Check which lifecycle event was running. A hook that crashes without calling back hangs like this; "
            "`hook-timeout` ends it early."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualStop(EndedByCodeDeploy):
    code: ClassVar = "codedeploy-manual-stop"
    error: ClassVar = "MANUAL_STOP"
    means: ClassVar = "Someone stopped the deployment."

    @property
    def what(self) -> str:
        return "Someone stopped the deployment (console, API, or a `rollback` or `stop` of ci-deploy)"

    @property
    def remedy(self) -> str:
        return "CloudTrail's `StopDeployment` event shows who."


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationMissing(EndedByCodeDeploy):
    code: ClassVar = "codedeploy-application-missing"
    error: ClassVar = "APPLICATION_MISSING"
    means: ClassVar = "The CodeDeploy application was deleted."

    @property
    def what(self) -> str:
        return "The CodeDeploy application was deleted"

    @property
    def remedy(self) -> str:
        return "Create it again (`setup`)."


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMissing(EndedByCodeDeploy):
    code: ClassVar = "codedeploy-deployment-group-missing"
    error: ClassVar = "DEPLOYMENT_GROUP_MISSING"
    means: ClassVar = "The deployment group was deleted."
    group: str

    @property
    def what(self) -> str:
        return f"Deployment group {self.group} was deleted"

    @property
    def remedy(self) -> str:
        return "Create it again (`setup`)."


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceMissing(EndedByCodeDeploy):
    code: ClassVar = "codedeploy-codedeploy-resource-cannot-be-found"
    error: ClassVar = "CODEDEPLOY_RESOURCE_CANNOT_BE_FOUND"
    means: ClassVar = "Something that the deployment needs was deleted while it ran."
    config: str

    @property
    def what(self) -> str:
        return "Something that the deployment needs was deleted while it ran"

    @property
    def remedy(self) -> str:
        return f"Check application, deployment group, config {self.config}, function and alias."


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitExceeded(EndedByCodeDeploy):
    code: ClassVar = "codedeploy-resource-limit-exceeded"
    error: ClassVar = "RESOURCE_LIMIT_EXCEEDED"
    means: ClassVar = "A limit of the account was reached."

    @property
    def what(self) -> str:
        return "The account reached a limit"

    @property
    def remedy(self) -> str:
        return "Check the quotas of CodeDeploy and Lambda, then run again."


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFailure(EndedByCodeDeploy):
    code: ClassVar = "codedeploy-cloudformation-stack-failure"
    error: ClassVar = "CLOUDFORMATION_STACK_FAILURE"
    means: ClassVar = "The CloudFormation stack that the deployment belongs to failed."

    @property
    def what(self) -> str:
        return "The CloudFormation stack that the deployment belongs to failed"

    @property
    def remedy(self) -> str:
        return "Check the stack's events."


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalError(EndedByCodeDeploy):
    code: ClassVar = "codedeploy-internal-error"
    error: ClassVar = "INTERNAL_ERROR"
    means: ClassVar = "CodeDeploy had an internal error."

    @property
    def what(self) -> str:
        return "CodeDeploy had an internal error"

    @property
    def remedy(self) -> str:
        return "Run again. If it persists, contact AWS Support."


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeDeployEnded(EndedByCodeDeploy):
    """`aws_code`: CodeDeploy's code, empty where it gives none."""

    code: ClassVar = "codedeploy-ended"
    error: ClassVar = ""
    means: ClassVar = "CodeDeploy ended the deployment with a code that ci-deploy does not know, or with none."
    also: ClassVar = ({"aws_code": "", "said": "", "event": ""},)
    deployment: str
    status: str
    aws_code: str

    @property
    def what(self) -> str:
        ended = f"Deployment {self.deployment} is {self.status}"
        if self.aws_code:
            return f"{ended} ({self.aws_code})"
        return ended if self.said else f"{ended}, and CodeDeploy did not say why"

    @property
    def remedy(self) -> str:
        return "Check the deployment in the AWS console."


# --- while it still runs ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StillRuns(Reason):
    """A hook that is silent is looked into before the deployment is over."""

    code: ClassVar = "still-runs"
    means: ClassVar = "The deployment is running; a hook may not have reported yet."
    also: ClassVar = ({"hook": ""},)
    hook: str

    @property
    def text(self) -> str:
        if self.hook:
            return f"Hook `{self.hook}` has not reported to CodeDeploy yet."
        return "The deployment is still running."

    @property
    def remedy(self) -> str:
        return f"Check the hook's log (/aws/lambda/{self.hook})." if self.hook else ""


BY_ERROR: Mapping[str, type[EndedByCodeDeploy]] = {
    each.error: each
    for each in (
        AlarmActive,
        ApplicationMissing,
        CodeDeployEnded,
        GroupMissing,
        HookExecutionFailure,
        InternalError,
        InvalidConfiguration,
        InvalidFunction,
        InvalidRevision,
        LimitExceeded,
        ManualStop,
        ResourceMissing,
        RevisionMissing,
        RoleMissing,
        RolePermissions,
        StackFailure,
        Throttled,
        Timeout,
    )
}


def ended_by(error: str, facts: Mapping[str, Any]) -> EndedByCodeDeploy:
    """The reason for an error code, with those of `facts` that it names."""
    kind = BY_ERROR.get(error, CodeDeployEnded)
    return kind(**{each.name: facts[each.name] for each in fields(kind)})
