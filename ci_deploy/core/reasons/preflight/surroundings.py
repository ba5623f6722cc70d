"""What preflight finds around a deployment: time, credentials, bucket, hooks' ways back, callers, owners."""

from __future__ import annotations

from typing import ClassVar

from ...callers import Caller, EventSource, Url
from ...lazy import dataclass
from ...links import page
from ..phrases import Unread, role_name, unread
from ..reason import Reason

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
            f"The time limit is {self.timeout / 3600:.3g} hours, but GitHub ends jobs on this runner after "
            f"{self.limit / 3600:g}. The job may end before the deployment does."
        )

    @property
    def remedy(self) -> str:
        return (
            "Use a faster deployment config, or a smaller `timeout`. Or set `wait: false` and follow the "
            "deployment from another job (`status` with `wait: true`)."
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
            f"The credentials expire in {max(0.0, self.left) / 60:.0f} minutes, but this deployment may take "
            f"{self.timeout / 60:.0f}. After that the job could no longer follow it."
        )

    @property
    def remedy(self) -> str:
        return (
            "Set `role-to-assume`: ci-deploy refreshes its credentials while the job runs. Or set a longer "
            "`role-duration-seconds` for aws-actions/configure-aws-credentials."
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
        limit = "Allow for that in `timeout`." if self.limited else "The default time limit allows for it."
        return (
            f"Alias `{self.alias}` has a provisioned concurrency of {self.provisioned}. CodeDeploy waits for it at "
            f"each shift, which takes minutes. {limit}"
        )

    @property
    def remedy(self) -> str:
        return "Do not change the alias's provisioned concurrency while traffic is split; Lambda refuses it."


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
            f"The group's last successful deployment {self.deployment} was of {self.other}:{self.other_alias}. An "
            f"automatic rollback may redeploy that and leave `{self.function}` unchanged."
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
            f"An automatic rollback may go to version {self.version}, not to the live version {self.live}. "
            f"Version {self.version} is from the group's last successful deployment, {self.deployment}."
        )

    @property
    def remedy(self) -> str:
        return "Someone moved the alias manually. `repair-alias: auto` (the default) sets it back to the live version."


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
            f"ci-deploy could not check that bucket `{self.bucket}` is in this region and belongs to account "
            f"{self.account}: {unread(self.fact)}."
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
        return f"Create it in {self.region}, correct `bucket`, or leave it out to send the AppSpec inline."


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
            f"Bucket `{self.bucket}` is in {self.there}. CodeDeploy and Lambda only read from their own region, "
            f"{self.region}."
        )

    @property
    def remedy(self) -> str:
        return f"Use a bucket in {self.region}, or leave out `bucket` to send the AppSpec inline."


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
            f"Bucket `{self.bucket}` encrypts with the KMS key `{self.key}`. CodeDeploy reads the revision as "
            f"{role_name(self.role)}, which needs kms:Decrypt."
        )

    @property
    def remedy(self) -> str:
        return (
            "Allow the service role kms:Decrypt on that key, in its policy and in the key's. Allow the caller "
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
            f"Lifecycle rule `{self.rule}` of bucket `{self.bucket}` deletes revisions {when}. A rollback to an older "
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
        return f"Hook `{self.hook}` is {self.state}: {(self.why or 'its first invocation may fail').rstrip('.')}."

    @property
    def remedy(self) -> str:
        return "Invoke it once before the deployment, or redeploy it."


@dataclass(frozen=True, slots=True, kw_only=True)
class HookNetwork(Reason):
    code: ClassVar = "hook-network"
    means: ClassVar = "The hook runs in a VPC and needs a way to CodeDeploy from there."
    hook: str
    region: str

    @property
    def text(self) -> str:
        return (
            f"Hook `{self.hook}` runs in a VPC. It only reaches CodeDeploy through a NAT gateway or a VPC "
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
            f"The role `{self.hook_role}` of hook `{self.hook}` may not call {CALLBACK}. The deployment would "
            "hang for an hour and fail."
        )

    @property
    def remedy(self) -> str:
        return f"Give that role the policy {page('iam/hook-role.json')}: {CALLBACK} on the deployment group."


@dataclass(frozen=True, slots=True, kw_only=True)
class HookCallbackUnread(Reason):
    code: ClassVar = "hook-callback-unread"
    means: ClassVar = "The hook's role could not be read."
    hook: str
    fact: Unread

    @property
    def text(self) -> str:
        return (
            f"ci-deploy could not check that the role of hook `{self.hook}` may call {CALLBACK}: {unread(self.fact)}."
        )


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
    means: ClassVar = "The function's resource policy allows invoking the function itself, not only the alias."
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
            f"The function URL `{self.url.address}` invokes `{self.function}` itself, not the alias `{self.alias}`. "
            f"{_UNPROTECTED}"
        )

    @property
    def remedy(self) -> str:
        end = f"--region {self.region}`"
        return (
            "Create a URL for the alias (a new address): `aws lambda create-function-url-config --function-name "
            f"{self.function} --qualifier {self.alias} --auth-type {self.url.auth} {end}. Delete this one once it is "
            f"unused: `aws lambda delete-function-url-config --function-name {self.function} {end}."
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
            "If it also owns the alias or the function's code, its next run may undo this deployment. Let it "
            "ignore them (`ignore_changes` in Terraform)."
        )
