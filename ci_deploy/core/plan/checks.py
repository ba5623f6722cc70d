"""Preflight: a table of pure checks over what was read. Each says what it found, how bad that is and what to do.

`CHECKS` is the table; docs/preflight.md is generated from it. A refusal keeps anything from being written, a warning
is shown and lived with. Add a check by adding a function with the decorator; nothing else needs to know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..aws import Known, LambdaName, NotPermitted, RoutingType, Unavailable
from ..given import shifts
from ..given.inputs import Inputs
from ..given.meant import names
from ..given.packaging import same_sha256
from ..given.source import Image
from ..hold import held
from ..result import Finding, Severity
from . import package_checks, surrounding_checks
from .checking import Check, adder
from .checking import note as _note
from .checking import refusal as _refusal
from .checking import role_name as _role_name
from .checking import warning as _warning
from .planning import Facts, Neighbours, Plan, ToPublish

# State reasons that say the container image is what is wrong.
IMAGE_GONE = ("ImageDeleted", "ImageAccessDenied", "InvalidImage")
HOOK_PREFIX = "CodeDeployHook_"
ALL_AT_ONCE = "Deploy this one with `deployment-config: all-at-once`."

CHECKS: list[Check] = []
check = adder(CHECKS)


def preflight(inputs: Inputs, facts: Facts, plan: Plan) -> Plan:
    """The plan with all findings in it, refusals first, each severity in the table's order."""
    found = [finding for entry in CHECKS for finding in entry.run(inputs, facts, plan)]
    order = list(Severity)
    return replace(plan, findings=tuple(sorted(found, key=lambda finding: order.index(finding.severity))))


@check("function-missing", "Does the function exist?")
def _function(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if facts.latest is None:
        where = f"in account {facts.identity.account}, region {facts.identity.region}"
        yield _refusal(
            "function-missing",
            f"Function `{plan.function}` does not exist {where}.",
            "Check the input `function`, and that `aws-region` and the role are those of this function.",
        )


@check("function-busy", "Has the function's last update come to a good end?")
def _function_update(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    latest = facts.latest
    updates = isinstance(plan.target, ToPublish) and plan.target.updates  # what mends it
    if latest is not None and not (inputs.version or updates) and latest.last_update_status == "Failed":
        yield _refusal(
            "function-busy",
            f"The last update of `{plan.function}` failed: "
            f"{(latest.last_update_reason or 'Lambda gives no reason').rstrip('.')}.",
            "Update the function's code or configuration again; a version cannot be published from a failed update.",
        )


@check("alias", "Does the alias exist, on a published version, unsplit?")
def _alias(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    alias = facts.alias
    if facts.latest is None:
        return
    if plan.creates_alias:
        where = f"version {plan.target_version}" if plan.target_version else "the new version"
        yield _note(
            "alias-first",
            f"Alias `{plan.alias}` does not exist: it is created on {where}, with all traffic at once "
            "(`create-alias`). There is nothing to shift from, so CodeDeploy is not asked.",
        )
    elif alias is None:
        yield _refusal(
            "alias-missing",
            f"Function `{plan.function}` has no alias `{plan.alias}`.",
            (f"It has {names(facts.neighbours.aliases)}. " if facts.neighbours.aliases else "")
            + f"Create it on the version that serves now: `aws lambda create-alias --function-name {plan.function} "
            f"--name {plan.alias} --function-version VERSION`; or give `create-alias: true`, which creates it on the "
            "version that is deployed.",
        )
    elif alias.version == "$LATEST":
        yield _refusal(
            "alias-latest",
            f"Alias `{plan.alias}` points to `$LATEST`, and CodeDeploy shifts traffic between published versions only.",
            f"Publish a version and point the alias to it: `aws lambda update-alias --function-name {plan.function} "
            f"--name {plan.alias} --function-version VERSION`.",
        )
    elif alias.split and not facts.active:
        shares = ", ".join(
            f"{share:g} % on version {version}" for version, share in (alias.shares | dict(alias.weights)).items()
        )
        yield _refusal(
            "alias-split",
            f"Alias `{plan.alias}` is split ({shares}) and no deployment is running: an earlier one was stopped "
            "without rollback. CodeDeploy fails every deployment until the alias serves one version.",
            f"{repair_command(plan.function, plan.alias, alias.version)}, or set `repair-alias: always`.",
        )


def repair_command(function: str, alias: str, version: str) -> str:
    """The command that puts all traffic of an alias on one version."""
    return (
        f"`aws lambda update-alias --function-name {function} --name {alias} --function-version {version} "
        "--routing-config AdditionalVersionWeights={}`"
    )


@check("held", "Did a rollback put deployments on hold?")
def _held(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    text = held(facts.latest.tags, plan.alias) if facts.latest else None
    if text is not None and inputs.hold != "release" and not plan.reverses:
        yield _refusal(
            "held",
            f"Deployments of {plan.function}:{plan.alias} are on hold: {text}.",
            "When the cause is mended, deploy with `hold: release`.",
        )


@check("current-version", "Does the alias serve the version that you expect?")
def _current(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    expected, alias = inputs.current_version, facts.alias
    if not expected or plan.unchanged:
        return  # unchanged: a re-run of what succeeded, the alias has moved on, to just where it should be
    if plan.creates_alias:
        yield _refusal(
            "current-version",
            f"Alias `{plan.alias}` does not exist, so it does not serve version {expected} as `current-version` says.",
            "Leave `current-version` out to create the alias, or check the inputs `function` and `alias`.",
        )
    elif alias is not None and alias.version != expected:
        yield _refusal(
            "current-version",
            f"Alias `{plan.alias}` serves version {alias.version}, not {expected} as `current-version` says.",
            "Leave `current-version` out to deploy over whatever is served, or find out who moved the alias.",
        )


@check("target", "Does the target version exist, ready to be invoked?")
def _target(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if facts.latest is None or not plan.target_version:
        return
    version = plan.target_version
    if plan.new is None:
        yield _refusal(
            "target-missing",
            f"Function `{plan.function}` has no version {version}.",
            f"`aws lambda list-versions-by-function --function-name {plan.function}` lists those it has: give one of "
            f"them as `version`.",
        )
    elif plan.new.state_reason_code in IMAGE_GONE:
        yield _refusal(
            "target-image",
            f"The image of version {version} of `{plan.function}` cannot be used any more: "
            f"{(plan.new.state_reason or plan.new.state_reason_code).rstrip('.')}.",
            "Push the image again under the same digest, or give Lambda access to it; then invoke the version once. "
            "Or deploy another version.",
        )
    elif plan.new.state in ("Failed", "Inactive", "Deactivated", "Deactivating", "Deleting"):
        why = f" ({plan.new.state_reason.rstrip('.')})" if plan.new.state_reason else ""
        yield _refusal(
            "target-inactive",
            f"Version {version} of `{plan.function}` is {plan.new.state}{why}: it cannot be invoked.",
            "Invoke an inactive version once to wake it up; publish a new version instead of a failed one.",
        )


@check("code-sha256", "Is the code the one that was built?")
def _code(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    expected = inputs.expect_code_sha256
    # The hash of an image that is named by a tag is known, and compared, once `$LATEST` has it.
    code_sha256 = plan.new.code_sha256 if plan.new else ""
    if expected and code_sha256 and not same_sha256(expected, code_sha256):
        here = f"`{facts.code}`" if facts.code else f"`$LATEST` of `{plan.function}`"
        what = f"Version {plan.target_version} of `{plan.function}`" if plan.target_version else here
        yield _refusal(
            "code-sha256",
            f"{what} has CodeSha256 {code_sha256}, not {expected}.",
            "Something else was built or uploaded in between. Give the expected code, or correct `expect-code-sha256`.",
        )


@check("package-type", "Does the function take this kind of code?")
def _package_type(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if facts.latest is None or facts.code is None:
        return
    given = "Image" if isinstance(facts.code, Image) else "Zip"
    if facts.latest.package_type != given:
        yield _refusal(
            "package-type",
            f"Function `{plan.function}` has the package type {facts.latest.package_type}, and `{facts.code}` is "
            f"{'a container image' if given == 'Image' else 'a zip'}. A function's package type cannot be changed.",
            "Give the other kind of code, or make a new function.",
        )


@check("image-region", "Is the image in the function's region?")
def _image_region(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if not isinstance(facts.code, Image) or facts.code.region in ("", facts.identity.region):
        return
    yield _refusal(
        "image-region",
        f"`{facts.code}` is in {facts.code.region}; Lambda takes images from its own region, {facts.identity.region}.",
        f"Push it to a repository in {facts.identity.region}, or have ECR replicate it there.",
    )


@check("group", "Is the deployment group there, for Lambda, with a role?")
def _group(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    group = facts.group
    if group is None:
        yield _refusal(
            "group-missing",
            f"Application `{plan.application}` with deployment group `{plan.group}` does not exist in account "
            f"{facts.identity.account}, region {facts.identity.region}.",
            instead(facts.neighbours),
        )
    elif group.compute_platform != "Lambda":
        yield _refusal(
            "group-platform",
            f"Application `{plan.application}` is for the {group.compute_platform} platform, not for Lambda.",
            "Use an application that was created with `--compute-platform Lambda`.",
        )


def instead(there: Neighbours) -> str:
    """What to do about a deployment group that does not exist: what there is, where that may be listed."""
    setup = "Check `aws-region`, or run `setup` to create it."
    if there.groups:
        return f"The application has {names(there.groups)}. {setup}"
    if there.applications:
        return f"Lambda applications in this account: {names(there.applications)}. {setup}"
    return f"Check `application` and `deployment-group`. {setup}"


@check("config", "Does the deployment config exist, for Lambda?")
def _config(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if not plan.config_name:
        return  # the group's own, and there is no group
    promised = shifts.routing_of(plan.config_name) if plan.config_name.startswith(shifts.OWN) else None
    if facts.config is None:
        yield _refusal(
            "config-missing",
            f"Deployment config `{plan.config_name}` does not exist.",
            "Run `setup` with the same `deployment-config` to create it."
            if promised is not None
            else "Check `deployment-config`; AWS's own begin with `CodeDeployDefault.Lambda`.",
        )
    elif facts.config.compute_platform != "Lambda":
        yield _refusal(
            "config-platform",
            f"Deployment config `{plan.config_name}` is for the {facts.config.compute_platform} platform.",
            "Use one for Lambda: AWS's own begin with `CodeDeployDefault.Lambda`.",
        )
    elif promised is not None and facts.config.routing != promised:
        yield _refusal(
            "config-other",
            f"Deployment config `{plan.config_name}` exists, but its shape is {shifts.words_of(facts.config.routing)}.",
            "A deployment config cannot be changed. Delete it if nothing uses it, or set another `deployment-config`.",
        )
    elif facts.config.routing.kind is RoutingType.UNKNOWN:
        yield _warning(
            "config-unknown",
            f"Deployment config `{plan.config_name}` shifts traffic in an unknown way: no times are shown.",
        )


@check("hooks", "Are the hooks there, and may CodeDeploy invoke them?")
def _hooks(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    given = {plan.before_hook: "before-allow-traffic", plan.after_hook: "after-allow-traffic"}
    for hook, input_name in given.items():
        if not hook:
            continue
        named = LambdaName.parse(hook)
        name = named.name if named else hook
        identity = facts.identity
        if named and named.region not in ("", identity.region):
            yield _refusal(
                "hook-elsewhere",
                f"Hook function `{name}` is in {named.region}, and this deployment is in {identity.region}. CodeDeploy "
                "invokes hooks of its own region.",
                f"Deploy the hook in {identity.region}, and set `{input_name}` to it (or correct your own AppSpec).",
            )
            continue
        fact = facts.hooks.get(hook)
        if isinstance(fact, Known) and fact.value is None:
            yield _refusal(
                "hook-missing",
                f"Hook function `{name}` does not exist.",
                f"Deploy it, or correct `{input_name}` (or the hook in your own AppSpec).",
            )
            continue
        if isinstance(fact, NotPermitted):
            yield _note("hook-unread", f"Hook `{name}` was not checked: not permitted, needs {fact.action}.")
        elif isinstance(fact, Unavailable):
            yield _note("hook-unread", f"Hook `{name}` was not checked: {fact.why}.")
        if not name.startswith(HOOK_PREFIX):
            yield _warning(
                "hook-name",
                f"Hook `{name}` is not named `{HOOK_PREFIX}…`: CodeDeploy's managed service role may not invoke it, "
                "and the deployment would fail with IAM_ROLE_PERMISSIONS.",
                f"Rename it, or allow lambda:InvokeFunction on it to {_role_name(plan)}.",
            )


@check("alarms", "Is any alarm that watches this deployment ringing already?")
def _alarms(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if plan.unchanged or plan.creates_alias:
        return  # no deployment that an alarm could stop
    if not plan.alarm_names:
        if inputs.alarms == ():
            yield _warning("alarms-ignored", "Alarms are switched off for this deployment (`alarms: off`).")
        return
    if isinstance(facts.alarms, NotPermitted):
        yield _note("alarms-unread", f"Alarms were not checked: not permitted, needs {facts.alarms.action}.")
        return
    if isinstance(facts.alarms, Unavailable):
        yield _note("alarms-unread", f"Alarms were not checked: {facts.alarms.why}.")
        return
    states = {alarm.name: alarm for alarm in facts.alarms.value}
    whose = "the deployment group" if not inputs.alarms else "the input `alarms`"
    for name in plan.alarm_names:
        alarm = states.get(name)
        if alarm is None:
            yield _warning(
                "alarm-missing",
                f"Alarm `{name}` of {whose} does not exist: it protects nothing.",
                f"Create it, or take it off {whose}."
                + (" Several alarms are written one per line: a comma is part of a name." if "," in name else ""),
            )
        elif alarm.state == "ALARM":
            yield _refusal(
                "alarm-ringing",
                f"Alarm `{name}` is in ALARM: CodeDeploy would stop the deployment at once. {alarm.reason}".rstrip(),
                "Wait until it is quiet, or deploy the fix with `alarms: off`.",
            )


@check("rollback", "Is anything rolled back automatically?")
def _rollback(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if not (plan.rollback_events or plan.reverses or plan.unchanged or plan.creates_alias):
        yield _warning(
            "rollback-off",
            "Automatic rollback is off: a failed deployment leaves traffic where it was at that moment.",
            "Leave `auto-rollback` out to have all three events on.",
        )


@check("versions-differ", "Can an alias serve both versions at once?")
def _pair(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    old, new = plan.current, plan.new
    if old is None or new is None:
        return
    # Lambda refuses to weight an alias over such a pair (facts.md A12).
    if plan.routing.kind is RoutingType.ALL_AT_ONCE:
        return
    between = f"differs between version {old.version}"
    if old.role != new.role:
        yield _refusal(
            "role-differs",
            f"The execution role {between} (`{old.role}`) and the new one (`{new.role}`): Lambda does not split an "
            "alias over them.",
            ALL_AT_ONCE,
        )
    if old.dead_letter_arn != new.dead_letter_arn:
        yield _refusal(
            "dead-letter-differs",
            f"The dead-letter target {between} (`{old.dead_letter_arn or 'none'}`) and the new one "
            f"(`{new.dead_letter_arn or 'none'}`): Lambda does not split an alias over them.",
            ALL_AT_ONCE,
        )


CHECKS += package_checks.CHECKS
# What is optional to read comes last.
CHECKS += surrounding_checks.CHECKS
