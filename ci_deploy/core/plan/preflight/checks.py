"""Preflight: a table of pure checks over what was read. Each says what it found, how bad that is and what to do.

`CHECKS` is the table; docs/preflight.md is generated from it. A refusal keeps anything from being written, a warning
is shown and lived with. Add a check by adding a function with the decorator; nothing else needs to know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...aws import Known, LambdaName, NotPermitted, RoutingType, Unavailable
from ...given import shifts
from ...given.inputs import Inputs
from ...given.meant import names
from ...given.package.packaging import Package, same_sha256
from ...given.source import Image
from ...hold import held
from ...reasons import questions
from ...reasons.preflight import deployment as why
from ...reasons.preflight import versions
from ...result import Finding, Severity
from ...schedule import steepest
from ..planning import Facts, Plan, ToPublish
from . import guards as guard_checks
from . import package as package_checks
from . import smoke as smoke_checks
from . import surrounding as surrounding_checks
from .checking import Check, adder
from .checking import note as _note
from .checking import refusal as _refusal
from .checking import warning as _warning

# State reasons that say the container image is what is wrong.
IMAGE_GONE = ("ImageDeleted", "ImageAccessDenied", "InvalidImage")
HOOK_PREFIX = "CodeDeployHook_"
_ENCRYPTED = {"Environment": "the environment variables", "ImageConfigResponse": "the image's settings"}

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
        yield _refusal(
            why.FunctionMissing(function=plan.function, account=facts.identity.account, region=facts.identity.region)
        )


@check("function-busy", "Has the function's last update come to a good end?")
def _function_update(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    latest = facts.latest
    updates = isinstance(plan.target, ToPublish) and plan.target.updates  # what mends it
    if latest is not None and not (inputs.version or updates) and latest.last_update_status == "Failed":
        yield _refusal(why.FunctionBusy(function=plan.function, why=latest.last_update_reason))


@check("alias", "Does the alias exist, on a published version, unsplit?")
def _alias(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    alias, region = facts.alias, facts.identity.region
    if facts.latest is None:
        return
    others = names(facts.neighbours.aliases)
    if plan.creates_alias:
        yield _note(why.AliasFirst(alias=plan.alias, version=plan.target_version, others=others))
    elif alias is None:
        yield _refusal(why.AliasMissing(function=plan.function, alias=plan.alias, others=others, region=region))
    elif alias.version == "$LATEST":
        yield _refusal(why.AliasLatest(function=plan.function, alias=plan.alias, region=region))
    elif alias.split and not facts.active:
        shares = tuple((alias.shares | dict(alias.weights)).items())
        yield _refusal(why.AliasSplit(function=plan.function, alias=plan.alias, shares=shares, region=region))


@check("held", "Did a rollback put deployments on hold?")
def _held(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    text = held(facts.latest.tags, plan.alias) if facts.latest else None
    if text is not None and inputs.hold != "release" and not plan.reverses:
        yield _refusal(why.Held(function=plan.function, alias=plan.alias, hold=text))


@check("current-version", "Does the alias serve the version that you expect?")
def _current(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    expected, alias = inputs.current_version, facts.alias
    if not expected or plan.unchanged:
        return  # unchanged: a re-run of what succeeded, the alias has moved on, to just where it should be
    if plan.creates_alias:
        yield _refusal(why.CurrentVersion(alias=plan.alias, live="", expected=expected))
    elif alias is not None and alias.version != expected:
        yield _refusal(why.CurrentVersion(alias=plan.alias, live=alias.version, expected=expected))


@check("target", "Does the target version exist, ready to be invoked?")
def _target(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if facts.latest is None or not plan.target_version:
        return
    version = plan.target_version
    if plan.new is None:
        yield _refusal(why.TargetMissing(function=plan.function, version=version, region=facts.identity.region))
    elif plan.new.state_reason_code in IMAGE_GONE:
        yield _refusal(
            why.TargetImage(
                function=plan.function, version=version, why=plan.new.state_reason or plan.new.state_reason_code
            )
        )
    elif plan.new.state == "Inactive":
        yield _warning(versions.TargetSleeps(function=plan.function, version=version, why=plan.new.state_reason))
    elif plan.new.state not in ("Active", "Pending"):
        yield _refusal(
            versions.TargetInactive(
                function=plan.function,
                version=version,
                state=plan.new.state,
                state_code=plan.new.state_reason_code,
                why=plan.new.state_reason,
                region=facts.identity.region,
            )
        )


@check("target-code", questions.CODE_READABLE)
def _target_code(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if plan.new is not None and plan.new.code_error and not plan.unchanged:
        yield _refusal(
            versions.TargetCode(function=plan.function, version=plan.target_version, why=plan.new.code_error)
        )


@check("code-by-reference", questions.CODE_BY_REFERENCE)
def _by_reference(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    updates = isinstance(plan.target, ToPublish) and plan.target.updates
    direct = isinstance(facts.code, Package) and not plan.bucket
    if updates and direct and facts.latest is not None and facts.latest.code_by_reference:
        yield _refusal(versions.CodeByReference(function=plan.function))


@check("settings-unread", questions.SETTINGS_COMPARED)
def _settings(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if not isinstance(plan.target, ToPublish):
        return
    seen = [version for version in (facts.latest, facts.current) if version is not None]
    for name, what in _ENCRYPTED.items():
        unread = next((version for version in seen if name in version.unread), None)
        if unread is not None:
            yield _note(
                versions.SettingsUnread(
                    function=plan.function, setting=what, state_code=unread.unread[name], key=unread.kms_key
                )
            )


@check("code-sha256", "Is the code the one that was built?")
def _code(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    expected = inputs.expect_code_sha256
    # The hash of an image that is named by a tag is known, and compared, once `$LATEST` has it.
    code_sha256 = plan.new.code_sha256 if plan.new else ""
    if expected and code_sha256 and not same_sha256(expected, code_sha256):
        yield _refusal(
            why.CodeSha256(
                function=plan.function,
                version=plan.target_version,
                package=str(facts.code or ""),
                found=code_sha256,
                expected=expected,
            )
        )


@check("package-type", "Does the function take this kind of code?")
def _package_type(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if facts.latest is None or facts.code is None:
        return
    given = "Image" if isinstance(facts.code, Image) else "Zip"
    if facts.latest.package_type != given:
        yield _refusal(
            why.PackageType(
                function=plan.function, has=facts.latest.package_type, package=str(facts.code), image=given == "Image"
            )
        )


@check("image-region", "Is the image in the function's region?")
def _image_region(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if not isinstance(facts.code, Image) or facts.code.region in ("", facts.identity.region):
        return
    yield _refusal(why.ImageRegion(package=str(facts.code), there=facts.code.region, region=facts.identity.region))


@check("group", "Is the deployment group there, for Lambda, with a role?")
def _group(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    group = facts.group
    if group is None:
        yield _refusal(
            why.GroupMissing(
                application=plan.application,
                group=plan.group,
                account=facts.identity.account,
                region=facts.identity.region,
                groups=names(facts.neighbours.groups),
                applications=names(facts.neighbours.applications),
            )
        )
    elif group.compute_platform != "Lambda":
        yield _refusal(why.GroupPlatform(application=plan.application, platform=group.compute_platform))


@check("config", "Does the deployment config exist, for Lambda?")
def _config(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if not plan.config_name:
        return  # the group's own, and there is no group
    promised = shifts.routing_of(plan.config_name) if plan.config_name.startswith(shifts.OWN) else None
    if facts.config is None:
        yield _refusal(why.ConfigMissing(config=plan.config_name, ours=promised is not None))
    elif facts.config.compute_platform != "Lambda":
        yield _refusal(why.ConfigPlatform(config=plan.config_name, platform=facts.config.compute_platform))
    elif promised is not None and facts.config.routing != promised:
        yield _refusal(why.ConfigOther(config=plan.config_name, shape=shifts.words_of(facts.config.routing)))
    elif facts.config.routing.kind is RoutingType.UNKNOWN:
        yield _warning(why.ConfigUnknown(config=plan.config_name))


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
                why.HookElsewhere(hook=name, there=named.region, region=identity.region, input_name=input_name)
            )
            continue
        fact = facts.hooks.get(hook)
        if isinstance(fact, Known) and fact.value is None:
            yield _refusal(why.HookMissing(hook=name, input_name=input_name))
            continue
        if isinstance(fact, NotPermitted | Unavailable):
            yield _note(why.HookUnread(hook=name, fact=fact))
        if not name.startswith(HOOK_PREFIX):
            yield _warning(why.HookName(hook=name, role=plan.service_role))


@check("alarms", "Is any alarm that watches this deployment already firing?")
def _alarms(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if plan.unchanged or plan.creates_alias:
        return  # no deployment that an alarm could stop
    if not plan.alarm_names:
        if inputs.alarms == ():
            yield _warning(why.AlarmsIgnored())
        return
    if not isinstance(facts.alarms, Known):
        yield _note(why.AlarmsUnread(fact=facts.alarms))
        return
    states = {alarm.name: alarm for alarm in facts.alarms.value}
    for name in plan.alarm_names:
        alarm = states.get(name)
        if alarm is None:
            yield _warning(why.AlarmMissing(alarm=name, given=bool(inputs.alarms)))
        elif alarm.state == "ALARM":
            yield _refusal(why.AlarmRinging(alarm=name, why=alarm.reason))
        elif alarm.evaluation or alarm.state == "INSUFFICIENT_DATA":
            blind = alarm.evaluation or alarm.state
            yield _warning(why.AlarmBlind(alarm=name, kind=alarm.kind, state=blind, why=alarm.reason))


@check("rollback", "Is anything rolled back automatically?")
def _rollback(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if not (plan.rollback_events or plan.reverses or plan.unchanged or plan.creates_alias):
        yield _warning(why.RollbackOff())


@check("versions-differ", "Can an alias serve both versions at once?")
def _pair(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    old, new = plan.current, plan.new
    if old is None or new is None:
        return
    # Lambda refuses to weight an alias over such a pair (facts.md A12).
    if plan.routing.kind is RoutingType.ALL_AT_ONCE:
        return
    if old.role != new.role:
        yield _refusal(why.RoleDiffers(live=old.version, old=old.role, new=new.role))
    if old.dead_letter_arn != new.dead_letter_arn:
        yield _refusal(why.DeadLetterDiffers(live=old.version, old=old.dead_letter_arn, new=new.dead_letter_arn))


@check("traffic-doubles", questions.TRAFFIC_DOUBLES)
def _surge(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    managed = plan.new is not None and bool(plan.new.capacity_provider)
    surge = steepest(plan.steps) if managed and not (plan.unchanged or plan.creates_alias) else None
    if surge is not None:
        share, step = surge
        yield _warning(versions.TrafficDoubles(version=plan.target_version, share=share, step=step))


CHECKS += package_checks.CHECKS
CHECKS += smoke_checks.CHECKS
CHECKS += guard_checks.CHECKS
# What is optional to read comes last.
CHECKS += surrounding_checks.CHECKS
