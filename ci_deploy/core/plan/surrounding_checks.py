"""Preflight on what is optional to read: bucket, provisioned concurrency, the way of an automatic rollback, owners.

What may not be read costs one note that names the permission; no deployment is refused for want of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..aws import Known, NotPermitted, Unavailable
from ..given.inputs import Inputs
from ..result import Finding
from .checking import Check, adder
from .checking import note as _note
from .checking import refusal as _refusal
from .checking import role_name as _role_name
from .checking import warning as _warning
from .planning import Facts, Plan
from .surroundings import bucket_owner

CHECKS: list[Check] = []
check = adder(CHECKS)


@check("job-limit", "Does the time limit fit into the job's?")
def _job_limit(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    limit = facts.job_limit
    if limit is not None and plan.timeout > limit and inputs.wait and not plan.unchanged:
        yield _warning(
            "job-limit",
            f"The time limit is {plan.timeout / 3600:.3g} hours, and GitHub ends a job on this runner after "
            f"{limit / 3600:g}: the job may be ended before the deployment is.",
            "Use `wait: false` and follow it from another job (`status` with `wait: true`), or a faster deployment "
            "config; a smaller `timeout` ends it in time.",
        )


@check("credentials-end", "Do the credentials last as long as the time limit?")
def _credentials_end(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    left = facts.credentials_left
    if left is not None and plan.timeout > left and inputs.wait and not plan.unchanged:
        yield _warning(
            "credentials-end",
            f"The credentials end in {max(0.0, left) / 60:.0f} minutes, and the time limit is "
            f"{plan.timeout / 60:.0f}: without new ones the deployment would be lost sight of.",
            "Give `role-to-assume`: its credentials are refreshed as long as the job lives. Or ask "
            "aws-actions/configure-aws-credentials for a longer `role-duration-seconds`.",
        )


@check("provisioned", "Does the alias have provisioned concurrency, which makes every shift slower?")
def _provisioned(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if facts.surroundings is None or facts.alias is None:
        return
    provisioned = facts.surroundings.provisioned
    if not isinstance(provisioned, Known):
        yield _unread("provisioned-unread", "Provisioned concurrency of the alias was", provisioned)
    elif provisioned.value and not plan.unchanged:
        limit = "The time limit is longer for it." if inputs.timeout is None else "`timeout` has to allow for that."
        yield _warning(
            "provisioned",
            f"Alias `{plan.alias}` has {provisioned.value} provisioned concurrency: CodeDeploy waits for it at each "
            f"shift, which takes minutes. {limit}",
            "While traffic is split nobody can change the provisioned concurrency of the alias.",
        )


@check("rollback-target", "Where would an automatic rollback go?")
def _rollback_target(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if facts.surroundings is None or not plan.rollback_events or plan.unchanged or plan.creates_alias:
        return
    successful = facts.surroundings.successful
    if not isinstance(successful, Known):
        yield _unread("rollback-unread", "Where an automatic rollback would go was", successful)
        return
    last = successful.value
    if last is None:
        return
    target = last.target_of(plan.function, plan.alias)
    if target is None and last.targets:
        other = last.targets[0]
        yield _warning(
            "rollback-target-function",
            f"The group's last successful deployment {last.id} was of {other.function.split(':')[-1]}:{other.alias}: "
            f"an automatic rollback may deploy that again, and leave `{plan.function}` as it is.",
            "Use a deployment group for each function. `repair-alias: auto` (the default) sets the alias back.",
        )
    elif target is not None and target.target_version != plan.current_version and plan.current_version:
        yield _warning(
            "rollback-target",
            f"An automatic rollback may go to version {target.target_version}, which the group's last successful "
            f"deployment {last.id} left, and not to version {plan.current_version}, which the alias serves now.",
            "Somebody moved the alias by hand. `repair-alias: auto` (the default) sets it back to what it serves now.",
        )


@check("bucket", "Is the bucket here, readable for CodeDeploy, and does it keep the revision?")
def _bucket(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    bucket = facts.surroundings.bucket if facts.surroundings else None
    if bucket is None:
        return
    name, here = plan.bucket, facts.identity.region
    if not isinstance(bucket.region, Known):
        yield _unread(
            "bucket-unread",
            f"Bucket `{name}` (its region, and that it is account {bucket_owner(inputs, facts.identity)}'s) was",
            bucket.region,
        )
    elif not bucket.region.value:
        yield _refusal(
            "bucket-missing",
            f"Bucket `{name}` does not exist.",
            f"Create it in {here}, correct `bucket`, or leave it out: the AppSpec is then sent inline.",
        )
        return
    elif bucket.region.value != here:
        yield _refusal(
            "bucket-region",
            f"Bucket `{name}` is in {bucket.region.value}; CodeDeploy and Lambda read from their own region, {here}.",
            f"Use a bucket in {here}, or leave `bucket` out: the AppSpec is then sent inline.",
        )
        return
    if not isinstance(bucket.key, Known):
        yield _unread("bucket-key-unread", f"The encryption of bucket `{name}` was", bucket.key)
    elif bucket.key.value:
        yield _warning(
            "bucket-key",
            f"Bucket `{name}` encrypts with the KMS key {bucket.key.value}: CodeDeploy reads the revision as "
            f"{_role_name(plan)}, which must be allowed to decrypt with it.",
            "Allow kms:Decrypt on that key to the service role, in its policy and in the key's; the caller needs "
            "kms:GenerateDataKey.",
        )
    if not isinstance(bucket.rules, Known):
        yield _unread("bucket-rules-unread", f"The lifecycle rules of bucket `{name}` were", bucket.rules)
        return
    key = f"{plan.prefix}/"
    for rule in bucket.rules.value:
        if key.startswith(rule.prefix) or rule.prefix.startswith(key):
            when = f"after {rule.days} day{'s' if rule.days > 1 else ''}" if rule.days else "at a date"
            yield _warning(
                "bucket-lifecycle",
                f"Lifecycle rule `{rule.name}` of bucket `{name}` deletes revisions {when}: a rollback to an older "
                "deployment then fails with REVISION_MISSING.",
                f"Leave `{key}` out of that rule.",
            )


@check("hook-callback", "May the hooks report their result to CodeDeploy?")
def _callbacks(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    action = "codedeploy:PutLifecycleEventHookExecutionStatus"
    for hook in dict.fromkeys((plan.before_hook, plan.after_hook)):
        name, fact = hook.split(":")[-1], facts.hooks.get(hook)
        found = fact.value if isinstance(fact, Known) else None
        if found is None:
            continue
        if found.state not in ("Active", "Pending"):
            state_reason = (found.state_reason or "it cannot be invoked at once").rstrip(".")
            yield _warning(
                "hook-inactive",
                f"Hook `{name}` is {found.state}: {state_reason}.",
                "Invoke it once before the deployment, or deploy it again.",
            )
        if found.vpc:
            yield _note(
                "hook-network",
                f"Hook `{name}` runs in a VPC: it reaches CodeDeploy only through a NAT gateway or a VPC endpoint "
                f"(com.amazonaws.{facts.identity.region}.codedeploy). A hook that cannot report hangs for an hour.",
            )
        callback = facts.surroundings.callbacks.get(hook) if facts.surroundings else None
        if isinstance(callback, Known) and not callback.value:
            yield _warning(
                "hook-callback",
                f"The role `{found.role.split('/')[-1]}` of hook `{name}` may not call {action}: the deployment would "
                "hang for an hour and fail.",
                f"Allow {action} to that role, on the deployment group (docs/iam/hook-role.json).",
            )
        elif callback is not None and not isinstance(callback, Known):
            yield _unread("hook-callback-unread", f"Whether the role of hook `{name}` may call {action} was", callback)


# Tags that tools set by themselves, and what they say. Others' words for an owner are looked for in their values.
_TOOLS = {
    "terraform": "Terraform",
    "opentofu": "OpenTofu",
    "pulumi": "Pulumi",
    "serverless": "Serverless",
    "cdk": "CDK",
    "sst": "SST",
    "crossplane": "Crossplane",
}
_OWNERS = ("managed-by", "managedby", "managed_by", "provisioner", "iac", "createdby", "created-by", "tool")


@check("owner", "Does another tool own the alias?")
def _owner(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    tags = facts.latest.tags if facts.latest else {}
    stack = tags.get("aws:cloudformation:stack-name")
    if stack:
        by = " (made by SAM)" if tags.get("lambda:createdBy") == "SAM" else ""
        yield _note(
            "owner-cloudformation",
            f"Function `{plan.function}` belongs to the CloudFormation stack `{stack}`{by}.",
            "If the stack also owns the alias, its next update may point it back.",
        )
        return
    for name, value in sorted(tags.items()):
        said = value.lower() if name.lower().rpartition(":")[2] in _OWNERS else name.lower()
        tool = next((_TOOLS[word] for word in _TOOLS if word in said), "")
        if tool:
            yield _note(
                "owner-tool",
                f"The tag `{name}` (`{value}`) of function `{plan.function}` says that {tool} owns it.",
                "If it also owns the alias or the function's code, its next run may undo this deployment: let it "
                "ignore them (Terraform: `ignore_changes`).",
            )
            return


def _unread(code: str, what: str, fact: NotPermitted | Unavailable) -> Finding:
    """The one line for what could not be read."""
    why = f"not permitted, needs {fact.action}" if isinstance(fact, NotPermitted) else fact.why
    return _note(code, f"{what} not checked: {why}.")
