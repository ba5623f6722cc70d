"""What preflight finds around a deployment: time, credentials, bucket, hooks' ways back, callers, owners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..callers import Caller, EventSource, Url
from .phrases import Unread, role_name, unread
from .reason import Reason

CALLBACK = "codedeploy:PutLifecycleEventHookExecutionStatus"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimit(Reason):
    code: ClassVar = "job-limit"
    means: ClassVar = "GitHub ends the job before the time limit of the deployment."
    timeout: float
    limit: float  # of the job; both in seconds

    @property
    def text(self) -> str:
        return (
            f"The time limit is {self.timeout / 3600:.3g} hours, and GitHub ends a job on this runner after "
            f"{self.limit / 3600:g}: the job may be ended before the deployment is."
        )

    @property
    def remedy(self) -> str:
        return (
            "Use `wait: false` and follow it from another job (`status` with `wait: true`), or a faster "
            "deployment config; a smaller `timeout` ends it in time."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsEnd(Reason):
    code: ClassVar = "credentials-end"
    means: ClassVar = "The credentials expire before the time limit."
    left: float
    timeout: float  # both in seconds

    @property
    def text(self) -> str:
        return (
            f"The credentials end in {max(0.0, self.left) / 60:.0f} minutes, and the time limit is "
            f"{self.timeout / 60:.0f}: without new ones the deployment would be lost sight of."
        )

    @property
    def remedy(self) -> str:
        return (
            "Give `role-to-assume`: its credentials are refreshed as long as the job lives. Or ask "
            "aws-actions/configure-aws-credentials for a longer `role-duration-seconds`."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedUnread(Reason):
    code: ClassVar = "provisioned-unread"
    means: ClassVar = "The alias's provisioned concurrency could not be read."
    fact: Unread

    @property
    def text(self) -> str:
        return f"Provisioned concurrency of the alias was not checked: {unread(self.fact)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned(Reason):
    code: ClassVar = "provisioned"
    means: ClassVar = "The alias has provisioned concurrency, which makes every shift slower."
    also: ClassVar = ({"limited": False},)
    alias: str
    provisioned: int
    limited: bool  # by the input `timeout`

    @property
    def text(self) -> str:
        limit = "`timeout` has to allow for that." if self.limited else "The time limit is longer for it."
        return (
            f"Alias `{self.alias}` has {self.provisioned} provisioned concurrency: CodeDeploy waits for it at each "
            f"shift, which takes minutes. {limit}"
        )

    @property
    def remedy(self) -> str:
        return "While traffic is split nobody can change the provisioned concurrency of the alias."


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackUnread(Reason):
    code: ClassVar = "rollback-unread"
    means: ClassVar = "The group's last successful deployment could not be read, where a rollback would go."
    fact: Unread

    @property
    def text(self) -> str:
        return f"Where an automatic rollback would go was not checked: {unread(self.fact)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackTargetFunction(Reason):
    code: ClassVar = "rollback-target-function"
    means: ClassVar = "The group's last successful deployment was of another function."
    function: str
    deployment: str
    other: str
    other_alias: str

    @property
    def text(self) -> str:
        return (
            f"The group's last successful deployment {self.deployment} was of {self.other}:{self.other_alias}: an "
            f"automatic rollback may deploy that again, and leave `{self.function}` as it is."
        )

    @property
    def remedy(self) -> str:
        return "Use a deployment group for each function. `repair-alias: auto` (the default) sets the alias back."


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackTarget(Reason):
    code: ClassVar = "rollback-target"
    means: ClassVar = "An automatic rollback may go to another version than the live one."
    version: str
    deployment: str
    live: str

    @property
    def text(self) -> str:
        return (
            f"An automatic rollback may go to version {self.version}, which the group's last successful "
            f"deployment {self.deployment} left, and not to version {self.live}, which the alias serves now."
        )

    @property
    def remedy(self) -> str:
        return (
            "Somebody moved the alias by hand. `repair-alias: auto` (the default) sets it back to what it serves now."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketUnread(Reason):
    code: ClassVar = "bucket-unread"
    means: ClassVar = "The bucket's region and owner could not be read."
    bucket: str
    account: str
    fact: Unread

    @property
    def text(self) -> str:
        return (
            f"Bucket `{self.bucket}` (its region, and that it is account {self.account}'s) was not checked: "
            f"{unread(self.fact)}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketMissing(Reason):
    code: ClassVar = "bucket-missing"
    means: ClassVar = "The bucket does not exist."
    bucket: str
    region: str

    @property
    def text(self) -> str:
        return f"Bucket `{self.bucket}` does not exist."

    @property
    def remedy(self) -> str:
        return f"Create it in {self.region}, correct `bucket`, or leave it out: the AppSpec is then sent inline."


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketRegion(Reason):
    code: ClassVar = "bucket-region"
    means: ClassVar = "The bucket is in another region, from which CodeDeploy does not read."
    bucket: str
    there: str
    region: str

    @property
    def text(self) -> str:
        return (
            f"Bucket `{self.bucket}` is in {self.there}; CodeDeploy and Lambda read from their own region, "
            f"{self.region}."
        )

    @property
    def remedy(self) -> str:
        return f"Use a bucket in {self.region}, or leave `bucket` out: the AppSpec is then sent inline."


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketKeyUnread(Reason):
    code: ClassVar = "bucket-key-unread"
    means: ClassVar = "The bucket's encryption could not be read."
    bucket: str
    fact: Unread

    @property
    def text(self) -> str:
        return f"The encryption of bucket `{self.bucket}` was not checked: {unread(self.fact)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketKey(Reason):
    code: ClassVar = "bucket-key"
    means: ClassVar = "The bucket encrypts with a KMS key that the service role must be allowed to use."
    bucket: str
    key: str
    role: str  # the service role's ARN

    @property
    def text(self) -> str:
        return (
            f"Bucket `{self.bucket}` encrypts with the KMS key {self.key}: CodeDeploy reads the revision as "
            f"{role_name(self.role)}, which must be allowed to decrypt with it."
        )

    @property
    def remedy(self) -> str:
        return (
            "Allow kms:Decrypt on that key to the service role, in its policy and in the key's; the caller needs "
            "kms:GenerateDataKey."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketRulesUnread(Reason):
    code: ClassVar = "bucket-rules-unread"
    means: ClassVar = "The bucket's lifecycle rules could not be read."
    bucket: str
    fact: Unread

    @property
    def text(self) -> str:
        return f"The lifecycle rules of bucket `{self.bucket}` were not checked: {unread(self.fact)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketLifecycle(Reason):
    code: ClassVar = "bucket-lifecycle"
    means: ClassVar = "A lifecycle rule deletes revisions that a rollback may need."
    also: ClassVar = (
        {"days": 1},
        {"days": 0},
    )
    rule: str
    bucket: str
    days: int  # 0: at a date
    key: str

    @property
    def text(self) -> str:
        when = f"after {self.days} day{'s' if self.days > 1 else ''}" if self.days else "at a date"
        return (
            f"Lifecycle rule `{self.rule}` of bucket `{self.bucket}` deletes revisions {when}: a rollback to an older "
            "deployment then fails with REVISION_MISSING."
        )

    @property
    def remedy(self) -> str:
        return f"Leave `{self.key}` out of that rule."


@dataclass(frozen=True, slots=True, kw_only=True)
class HookInactive(Reason):
    code: ClassVar = "hook-inactive"
    means: ClassVar = "The hook function is not active, so its first invocation may fail."
    also: ClassVar = ({"why": ""},)
    hook: str
    state: str
    why: str

    @property
    def text(self) -> str:
        return f"Hook `{self.hook}` is {self.state}: {(self.why or 'it cannot be invoked at once').rstrip('.')}."

    @property
    def remedy(self) -> str:
        return "Invoke it once before the deployment, or deploy it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class HookNetwork(Reason):
    code: ClassVar = "hook-network"
    means: ClassVar = "The hook runs in a VPC and needs a way to CodeDeploy from there."
    hook: str
    region: str

    @property
    def text(self) -> str:
        return (
            f"Hook `{self.hook}` runs in a VPC: it reaches CodeDeploy only through a NAT gateway or a VPC "
            f"endpoint (com.amazonaws.{self.region}.codedeploy). A hook that cannot report hangs for an hour."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HookCallback(Reason):
    code: ClassVar = "hook-callback"
    means: ClassVar = "The hook's role may not report the result to CodeDeploy."
    hook: str
    hook_role: str

    @property
    def text(self) -> str:
        return (
            f"The role `{self.hook_role}` of hook `{self.hook}` may not call {CALLBACK}: the deployment would "
            "hang for an hour and fail."
        )

    @property
    def remedy(self) -> str:
        return f"Allow {CALLBACK} to that role, on the deployment group (docs/iam/hook-role.json)."


@dataclass(frozen=True, slots=True, kw_only=True)
class HookCallbackUnread(Reason):
    code: ClassVar = "hook-callback-unread"
    means: ClassVar = "The hook's role could not be read."
    hook: str
    fact: Unread

    @property
    def text(self) -> str:
        return f"Whether the role of hook `{self.hook}` may call {CALLBACK} was not checked: {unread(self.fact)}."


# What moves a caller of each service to the alias, after it is allowed to invoke that.
_MOVES = {
    "apigateway.amazonaws.com": "set the integration to the alias's ARN (`aws apigatewayv2 update-integration "
    "--integration-uri ARN --region {region}`, or `aws apigateway update-integration` and `create-deployment` for a "
    "REST API)",
    "sns.amazonaws.com": "subscribe the alias (`aws sns subscribe --protocol lambda --notification-endpoint ARN "
    "--topic-arn {source} --region {region}`), then unsubscribe the function",
    "s3.amazonaws.com": "put the alias's ARN into the bucket's notification configuration "
    "(`aws s3api put-bucket-notification-configuration`, which replaces all of it)",
    "events.amazonaws.com": "put the alias's ARN into the rule's target (`aws events put-targets`)",
}
_UNPROTECTED = "These calls get new code as soon as it is uploaded, and no rollback reaches them."


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerPolicy(Reason):
    code: ClassVar = "caller-policy"
    means: ClassVar = "The function's resource policy lets somebody invoke the function and not only the alias."
    also: ClassVar = tuple(
        {"caller": Caller(principal=principal, source=source, statements=("one", "two"))}
        for principal, source in (
            ("sns.amazonaws.com", "arn:aws:sns:eu-central-1:123456789012:orders"),
            ("s3.amazonaws.com", "arn:aws:s3:::uploads"),
            ("events.amazonaws.com", "arn:aws:events:eu-central-1:123456789012:rule/nightly"),
            ("210987654321", ""),
        )
    )
    function: str
    alias: str
    region: str
    caller: Caller

    @property
    def text(self) -> str:
        source = f" (`{self.caller.source}`)" if self.caller.source else ""
        return (
            f"{self.caller.principal}{source} may invoke `{self.function}` itself, not only the alias "
            f"`{self.alias}`. {_UNPROTECTED}"
        )

    @property
    def remedy(self) -> str:
        caller = self.caller
        source = f" --source-arn '{caller.source}'" if caller.source else ""
        move = _MOVES.get(caller.principal, "make it call the alias's ARN")
        move = move.format(source=caller.source or "TOPIC", region=self.region)
        removed = ", ".join(
            f"`aws lambda remove-permission --function-name {self.function} --statement-id '{each}' "
            f"--region {self.region}`"
            for each in caller.statements
        )
        return (
            f"Allow the alias: `aws lambda add-permission --function-name {self.function} --qualifier {self.alias} "
            f"--statement-id '{caller.statements[0]}' --action lambda:InvokeFunction --principal "
            f"'{caller.principal}'{source} --region {self.region}`. Then {move}. Last: {removed}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerEventSource(Reason):
    code: ClassVar = "caller-event-source"
    means: ClassVar = "An event source mapping invokes the function and not the alias."
    function: str
    alias: str
    region: str
    event_sources: tuple[EventSource, ...]

    @property
    def text(self) -> str:
        names = ", ".join(f"`{each.source or each.uuid}`" for each in self.event_sources)
        return (
            f"An event source invokes `{self.function}` itself, not the alias `{self.alias}`: {names}. {_UNPROTECTED}"
        )

    @property
    def remedy(self) -> str:
        return " ".join(
            f"`aws lambda update-event-source-mapping --uuid {each.uuid} --function-name {self.function}:{self.alias} "
            f"--region {self.region}`."
            for each in self.event_sources
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerUrl(Reason):
    code: ClassVar = "caller-url"
    means: ClassVar = "The function has a URL of its own, which does not go through the alias."
    function: str
    alias: str
    region: str
    url: Url

    @property
    def text(self) -> str:
        return (
            f"The function URL {self.url.address} invokes `{self.function}` itself, not the alias `{self.alias}`. "
            f"{_UNPROTECTED}"
        )

    @property
    def remedy(self) -> str:
        end = f"--region {self.region}`"
        return (
            f"Give the alias a URL, which has another address: `aws lambda create-function-url-config --function-name "
            f"{self.function} --qualifier {self.alias} --auth-type {self.url.auth} {end}, and delete this one when "
            f"nobody uses it: `aws lambda delete-function-url-config --function-name {self.function} {end}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CallersUnread(Reason):
    code: ClassVar = "callers-unread"
    means: ClassVar = "Who may invoke the function itself could not be read, or not all of it."
    function: str
    unread: tuple[Unread, ...]

    @property
    def text(self) -> str:
        why = "; ".join(dict.fromkeys(map(unread, self.unread)))
        return f"Who may invoke `{self.function}` itself was not checked: {why}."


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerCloudFormation(Reason):
    code: ClassVar = "owner-cloudformation"
    means: ClassVar = "The function belongs to a CloudFormation stack, which may own the alias too."
    also: ClassVar = ({"sam": False},)
    function: str
    stack: str
    sam: bool  # made by SAM

    @property
    def text(self) -> str:
        by = " (made by SAM)" if self.sam else ""
        return f"Function `{self.function}` belongs to the CloudFormation stack `{self.stack}`{by}."

    @property
    def remedy(self) -> str:
        return "If the stack also owns the alias, its next update may point it back."


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerTool(Reason):
    code: ClassVar = "owner-tool"
    means: ClassVar = "A tag says that another tool owns the function, and perhaps the alias."
    function: str
    tag: str
    value: str
    tool: str

    @property
    def text(self) -> str:
        return f"The tag `{self.tag}` (`{self.value}`) of function `{self.function}` says that {self.tool} owns it."

    @property
    def remedy(self) -> str:
        return (
            "If it also owns the alias or the function's code, its next run may undo this deployment: let it "
            "ignore them (Terraform: `ignore_changes`)."
        )
