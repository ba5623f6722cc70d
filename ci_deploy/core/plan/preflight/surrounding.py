"""Preflight on what is optional to read: bucket, provisioned concurrency, the way of an automatic rollback, owners.

What may not be read costs one note that names the permission; no deployment is refused for want of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...aws import Known, NotPermitted, Unavailable
from ...callers import named
from ...given.inputs import Inputs
from ...reasons import questions
from ...reasons.preflight import surroundings as why
from ...reasons.preflight import versions
from ...result import Finding
from ..planning import Facts, Plan
from ..surroundings import bucket_owner
from .checking import Check, adder
from .checking import note as _note
from .checking import refusal as _refusal
from .checking import warning as _warning

CHECKS: list[Check] = []
check = adder(CHECKS)


@check("job-limit", "Does the time limit fit into the job's?")
def _job_limit(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    limit = facts.job_limit
    if limit is not None and plan.timeout > limit and inputs.wait and not plan.unchanged:
        yield _warning(why.JobLimit(timeout=plan.timeout, limit=limit))


@check("credentials-end", "Do the credentials last as long as the time limit?")
def _credentials_end(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    left = facts.credentials_left
    if left is not None and plan.timeout > left and inputs.wait and not plan.unchanged:
        yield _warning(why.CredentialsEnd(left=left, timeout=plan.timeout))


@check("provisioned", "Does the alias have provisioned concurrency, which makes every shift slower?")
def _provisioned(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if facts.surroundings is None or facts.alias is None:
        return
    provisioned = facts.surroundings.provisioned
    if not isinstance(provisioned, Known):
        yield _note(why.ProvisionedUnread(fact=provisioned))
    elif provisioned.value and not plan.unchanged:
        yield _warning(
            why.Provisioned(alias=plan.alias, provisioned=provisioned.value, limited=inputs.timeout is not None)
        )


@check("durable-executions", questions.DURABLE_EXECUTIONS)
def _durable(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    old = plan.current
    if facts.surroundings is None or old is None or not old.durable or plan.unchanged:
        return
    executions = facts.surroundings.executions
    if isinstance(executions, Known):
        yield _note(versions.DurableExecutions(version=old.version, count=executions.value))
    else:
        yield _note(versions.DurableUnread(version=old.version, fact=executions))


@check("rollback-target", "Where would an automatic rollback go?")
def _rollback_target(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if facts.surroundings is None or not plan.rollback_events or plan.unchanged or plan.creates_alias:
        return
    successful = facts.surroundings.successful
    if not isinstance(successful, Known):
        yield _note(why.RollbackUnread(fact=successful))
        return
    last = successful.value
    if last is None:
        return
    target = last.target_of(plan.function, plan.alias)
    if target is None and last.targets:
        other = last.targets[0]
        yield _warning(
            why.RollbackTargetFunction(
                function=plan.function, deployment=last.id, other=other.function.split(":")[-1], other_alias=other.alias
            )
        )
    elif target is not None and target.target_version != plan.current_version and plan.current_version:
        yield _warning(why.RollbackTarget(version=target.target_version, deployment=last.id, live=plan.current_version))


@check("bucket", "Is the bucket here, readable for CodeDeploy, and does it keep the revision?")
def _bucket(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    bucket = facts.surroundings.bucket if facts.surroundings else None
    if bucket is None:
        return
    name, here = plan.bucket, facts.identity.region
    if not isinstance(bucket.region, Known):
        yield _note(why.BucketUnread(bucket=name, account=bucket_owner(inputs, facts.identity), fact=bucket.region))
    elif not bucket.region.value:
        yield _refusal(why.BucketMissing(bucket=name, region=here))
        return
    elif bucket.region.value != here:
        yield _refusal(why.BucketRegion(bucket=name, there=bucket.region.value, region=here))
        return
    if not isinstance(bucket.key, Known):
        yield _note(why.BucketKeyUnread(bucket=name, fact=bucket.key))
    elif bucket.key.value:
        yield _warning(why.BucketKey(bucket=name, key=bucket.key.value, role=plan.service_role))
    if not isinstance(bucket.rules, Known):
        yield _note(why.BucketRulesUnread(bucket=name, fact=bucket.rules))
        return
    key = f"{plan.prefix}/"
    for rule in bucket.rules.value:
        if key.startswith(rule.prefix) or rule.prefix.startswith(key):
            yield _warning(why.BucketLifecycle(rule=rule.name, bucket=name, days=rule.days, key=key))


@check("hook-callback", "May the hooks report their result to CodeDeploy?")
def _callbacks(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    for hook in dict.fromkeys((plan.before_hook, plan.after_hook)):
        name, fact = hook.split(":")[-1], facts.hooks.get(hook)
        found = fact.value if isinstance(fact, Known) else None
        if found is None:
            continue
        if found.state not in ("Active", "Pending", "ActiveNonInvocable"):  # the last: `$LATEST` on managed instances
            yield _warning(why.HookInactive(hook=name, state=found.state, why=found.state_reason))
        if found.vpc:
            yield _note(why.HookNetwork(hook=name, region=facts.identity.region))
        callback = facts.surroundings.callbacks.get(hook) if facts.surroundings else None
        if isinstance(callback, Known) and not callback.value:
            yield _warning(why.HookCallback(hook=name, hook_role=found.role.split("/")[-1]))
        elif callback is not None and not isinstance(callback, Known):
            yield _note(why.HookCallbackUnread(hook=name, fact=callback))


@check("callers", "Who may invoke the function itself, and would get new code without any shift?")
def _callers(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if facts.surroundings is None:
        return
    callers, function, alias = facts.surroundings.callers, plan.function, plan.alias
    region = facts.identity.region
    if isinstance(callers.permissions, Known):
        for caller in named(callers.permissions.value):
            yield _warning(why.CallerPolicy(function=function, alias=alias, region=region, caller=caller))
    if isinstance(callers.event_sources, Known) and callers.event_sources.value:
        yield _warning(
            why.CallerEventSource(
                function=function, alias=alias, region=region, event_sources=callers.event_sources.value
            )
        )
    if isinstance(callers.url, Known) and callers.url.value is not None:
        yield _warning(why.CallerUrl(function=function, alias=alias, region=region, url=callers.url.value))
    unread = tuple(
        fact
        for fact in (callers.permissions, callers.event_sources, callers.url)
        if isinstance(fact, (NotPermitted, Unavailable))
    )
    if unread:
        yield _note(why.CallersUnread(function=function, unread=unread))


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
        yield _note(
            why.OwnerCloudFormation(function=plan.function, stack=stack, sam=tags.get("lambda:createdBy") == "SAM")
        )
        return
    for name, value in sorted(tags.items()):
        said = value.lower() if name.lower().rpartition(":")[2] in _OWNERS else name.lower()
        tool = next((_TOOLS[word] for word in _TOOLS if word in said), "")
        if tool:
            yield _note(why.OwnerTool(function=plan.function, tag=name, value=value, tool=tool))
            return
