"""Reads what a command has to know, for one function: what it cannot do without, and what surrounds it.

A reading that a run can do without becomes a `Fact`; any other failure ends the gathering.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from ..core import marker
from ..core.aws import (
    Alias,
    Deployment,
    DeploymentConfig,
    DeploymentGroup,
    Fact,
    FunctionVersion,
    Identity,
    Known,
    NotPermitted,
    S3Location,
    Unavailable,
)
from ..core.callers import Callers
from ..core.errors import AwsError, ErrorKind, Refused
from ..core.given.inputs import Inputs
from ..core.given.package.packaging import Code, check_zipped
from ..core.given.shifts import predefined
from ..core.given.source import Image, Latest, Local
from ..core.guards.queries import day
from ..core.machine.actions import Gather
from ..core.plan.history import enough, goal
from ..core.plan.planning import UNREAD, Calls, Facts, Neighbours
from ..core.plan.surroundings import Bucket, Surroundings, bucket_owner
from ..core.plan.whose import Place, keys
from ..core.reasons import run as reasons
from ..core.reasons.preflight.versions import COUNTED
from ..core.run import Command
from ..ports import Ports, Progress
from .discovering import inline_appspec
from .owners import Owners

T = TypeVar("T")

HISTORY = 50  # deployments read of a group
NEWER = 5  # versions looked at that follow the one in service
CALLBACK = "codedeploy:PutLifecycleEventHookExecutionStatus"


def fact(read: Callable[[], T]) -> Fact[T]:
    """A reading that the run can do without."""
    try:
        return Known(read())
    except AwsError as error:
        if error.kind is ErrorKind.DENIED:
            return NotPermitted(error.operation)
        return Unavailable(error.what.rstrip("."))  # it becomes part of a sentence


def listed(read: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    """Names for an answer to a mistyped one; none where they cannot be read."""
    found = fact(read)
    return found.value if isinstance(found, Known) else ()


def identify(inputs: Inputs, ports: Ports) -> Identity:
    """Who we are, before any other call: another account or region than the inputs name is refused."""
    identity = ports.identities.identity()
    if inputs.account_id and identity.account != inputs.account_id:
        raise Refused(reasons.OtherAccount(account=identity.account, caller_arn=identity.arn, wanted=inputs.account_id))
    if inputs.aws_region and identity.region != inputs.aws_region:
        raise Refused(reasons.OtherRegion(region=identity.region, wanted=inputs.aws_region))
    return identity


def gather(action: Gather, ports: Ports, progress: Progress) -> Facts:
    """Read everything that the command needs, for one function. Only what is optional may be missing."""
    inputs, command = action.inputs, Command(action.inputs.command)
    identity = identify(inputs, ports)
    function, application, group_name = _names(inputs)
    if action.brief:
        return _what_is_there(inputs, identity, ports)
    subject = _subject(action, ports)
    if command in (Command.FINISH, Command.WATCH):
        return _facts_to_follow(inputs, identity, subject, ports)
    latest = ports.lambda_.version(function, "$LATEST")
    deploys = command in (Command.DEPLOY, Command.PLAN)
    # Before everything that is to be fresh: hashing a large package takes a while.
    code = _code(inputs, identity, ports, progress) if latest and deploys else None
    group = or_none(lambda: ports.codedeploy.group(application, group_name))
    # Before the alias: a deployment that ends in between is waited for, where the other way round it would leave a
    # split that nothing explains.
    recent = ports.codedeploy.recent(application, group_name, HISTORY) if _has_history(group, action, deploys) else ()
    alias = ports.lambda_.alias(function, inputs.alias) if latest else None
    current = _version(ports, function, alias.version if alias else "")
    place = Place(
        function=function,
        alias=inputs.alias,
        region=identity.region,
        account=identity.account,
        keys=keys(function, alias, inputs.alias, (latest, current)),
    )
    owners = Owners(ports, application, place, bucket_owner=inputs.bucket_owner or "")
    subject = owners.judged((subject,))[0] if subject else None
    active = owners.judged(tuple(deployment for deployment in recent if not deployment.status.terminal))
    history: tuple[Deployment, ...] = ()
    history_cut = False
    if group and command in (Command.ROLLBACK, Command.STATUS):
        history, history_cut = owners.history(group_name, recent, partial(enough, inputs, alias))
    elif command is not Command.STOP:
        recent = owners.until_ours(recent, action.run_id)
    # A deployment that exists is followed by its own config, whatever the inputs or the group say.
    about = subject or next(iter(active if command in (Command.ROLLBACK, Command.STOP, Command.STATUS) else ()), None)
    config_name = (about.config_name if about else "") or inputs.deployment_config
    config_name = config_name or (group.config_name if group else "")
    config = _config(config_name, ports)
    wanted = inputs.version or ""
    if command is Command.ROLLBACK and alias is not None:
        wanted = goal(inputs, history, subject, alias)
    of_group = group.alarms.names if group and group.alarms.enabled else ()
    names = of_group if inputs.alarms is None else inputs.alarms
    watched = bool(names) and command not in (Command.STOP, Command.STATUS)
    hooks = [hook for hook in (inputs.before_allow_traffic, inputs.after_allow_traffic) if hook]
    read = {hook: _hook(ports, hook) for hook in dict.fromkeys(hooks)}
    beside = latest is not None and (group is None or alias is None)
    return Facts(
        identity=identity,
        job_limit=ports.job_limit,
        credentials_left=ports.credentials_end - ports.clock.epoch() if ports.credentials_end is not None else None,
        latest=latest,
        alias=alias,
        current=current,
        target=_version(ports, function, wanted) if latest else None,
        newer=_newer(ports, function, current) if current and not wanted and _foresees(inputs, deploys) else (),
        group=group,
        config=config,
        active=active,
        recent=recent,
        history=history,
        neighbours=_neighbours(inputs, group, alias, ports) if beside else Neighbours(),
        history_cut=history_cut,
        subject=subject,
        alarms=fact(lambda: ports.evidence.alarms(names)) if watched else Known(()),
        hooks=read,
        surroundings=survey(inputs, identity, latest, alias, current, group, recent, place, read, ports)
        if deploys
        else None,
        code=code,
        calls=fact(lambda: _calls(inputs, ports)) if alias and deploys and not inputs.guards.off else UNREAD,
    )


def _names(inputs: Inputs) -> tuple[str, str, str]:
    """Function, application and deployment group."""
    return inputs.function or "", inputs.application or "", inputs.deployment_group or ""


def _has_history(group: DeploymentGroup | None, action: Gather, deploys: bool) -> bool:
    """Whether the group's deployments are worth a list: a new group says itself that it has had none."""
    return group is not None and (not deploys or action.refused or bool(group.last_attempted_id))


def _foresees(inputs: Inputs, deploys: bool) -> bool:
    """Whether versions that exist already say more than the publishing will.

    What `$LATEST` holds is published as it is, and Lambda answers with the version that failed before, if there is one.
    """
    return deploys and (not isinstance(inputs.code, Latest) or Command(inputs.command) is Command.PLAN)


def _calls(inputs: Inputs, ports: Ports) -> Calls:
    """The alias's traffic of the last day."""
    asked = day(inputs.function or "", inputs.alias, ports.clock.epoch())
    read = ports.metrics.read(asked)
    calls, errors = (sum(read.answers.get(question, {}).values()) for question in asked)
    return Calls(per_minute=calls / (24 * 60), errors=min(1.0, errors / calls) if calls else 0.0, at=read.at)


def _code(inputs: Inputs, identity: Identity, ports: Ports, progress: Progress) -> Code | None:
    """The code that the inputs name, hashed, and refused where it is too large: before anything is sent."""
    match inputs.code:
        case Local(path=path):
            package = ports.packages.package(path, progress)
            check_zipped(package, inputs.bucket.name if inputs.bucket else "")
            return package
        case S3Location() as stored:
            return ports.objects.describe(stored, owner=bucket_owner(inputs, identity), tell=progress)
        case Image() as image:
            return image
    return None


def _facts_to_follow(inputs: Inputs, identity: Identity, subject: Deployment | None, ports: Ports) -> Facts:
    """Of a deployment that exists: what is needed to stop, to follow and to verify, and no more."""
    function, application, group_name = _names(inputs)
    config_name = subject.config_name if subject else ""
    return Facts(
        identity=identity,
        alias=ports.lambda_.alias(function, inputs.alias),
        group=or_none(lambda: ports.codedeploy.group(application, group_name)),
        config=_config(config_name, ports),
        subject=subject,
        declared=inline_appspec(subject, ports) if subject and Command(inputs.command) is Command.WATCH else None,
    )


def _what_is_there(inputs: Inputs, identity: Identity, ports: Ports) -> Facts:
    """What runs in the group, and then what the alias serves. Nothing that takes long: a bad version is in service."""
    function, application, group_name = _names(inputs)
    place = Place(function=function, alias=inputs.alias, region=identity.region, account=identity.account)
    owners = Owners(ports, application, place, bucket_owner=inputs.bucket_owner or "")
    active = owners.judged(ports.codedeploy.active(application, group_name))
    return Facts(identity=identity, active=active, alias=ports.lambda_.alias(function, inputs.alias))


def _subject(action: Gather, ports: Ports) -> Deployment | None:
    """The deployment that the run is about, with its targets, if one is named."""
    inputs = action.inputs
    if action.subject:
        return ports.codedeploy.deployment(action.subject)
    if action.marker_id:
        by_marker = ports.codedeploy.find(inputs.application or "", inputs.deployment_group or "", action.marker_id)
        return ports.codedeploy.with_targets(by_marker) if by_marker else None
    return None


def _neighbours(inputs: Inputs, group: DeploymentGroup | None, alias: Alias | None, ports: Ports) -> Neighbours:
    """What may have been meant by a name that does not exist; nothing where it may not be listed."""
    function, application = inputs.function or "", inputs.application or ""
    groups = listed(lambda: ports.setup.groups(application)) if group is None else ()
    return Neighbours(
        groups=groups,
        applications=listed(ports.setup.applications) if group is None and not groups else (),
        aliases=listed(lambda: tuple(each.name for each in ports.versions.aliases(function))) if alias is None else (),
    )


def _config(name: str, ports: Ports) -> DeploymentConfig | None:
    """AWS's own are known; None where it does not exist, or none is named."""
    routing = predefined(name)
    if routing is not None:
        return DeploymentConfig(name=name, routing=routing)
    return or_none(lambda: ports.codedeploy.config(name)) if name else None


def _hook(ports: Ports, hook: str) -> Fact[FunctionVersion | None]:
    return fact(lambda: ports.lambda_.version(hook, "$LATEST"))


def _version(ports: Ports, function: str, version: str) -> FunctionVersion | None:
    return ports.lambda_.version(function, version) if version else None


def _newer(ports: Ports, function: str, current: FunctionVersion) -> tuple[FunctionVersion, ...]:
    """The versions that follow the one in service, until one is missing: what earlier runs published and left."""
    found: list[FunctionVersion] = []
    if current.version.isdecimal():
        for number in range(int(current.version) + 1, int(current.version) + 1 + NEWER):
            version = ports.lambda_.version(function, str(number))
            if version is None:
                break
            found.append(version)
    return tuple(found)


def or_none(read: Callable[[], T]) -> T | None:
    """What is read, None where AWS says that it does not exist."""
    try:
        return read()
    except AwsError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return None
        raise


# --- What surrounds a deployment ---------------------------------------------------------------------------------


def survey(
    inputs: Inputs,
    identity: Identity,
    latest: FunctionVersion | None,
    alias: Alias | None,
    current: FunctionVersion | None,
    group: DeploymentGroup | None,
    recent: tuple[Deployment, ...],
    place: Place,
    hooks: dict[str, Fact[FunctionVersion | None]],
    ports: Ports,
) -> Surroundings:
    bucket = inputs.bucket.name if inputs.bucket else ""
    return Surroundings(
        provisioned=fact(lambda: ports.lambda_.provisioned(alias.function, alias.name)) if alias else Known(0),
        successful=_successful(group, recent, place, ports),
        executions=_executions(current, ports),
        bucket=_bucket(bucket, bucket_owner(inputs, identity), ports) if bucket else None,
        callbacks=_callbacks(identity, group, hooks, ports),
        callers=_callers(latest, ports) if latest else Callers(),
    )


def _callers(latest: FunctionVersion, ports: Ports) -> Callers:
    function, published = latest.function, bool(latest.capacity_provider)
    return Callers(
        permissions=fact(lambda: ports.callers.permissions(function, published=published)),
        event_sources=fact(lambda: ports.callers.event_sources(function, published=published)),
        url=fact(lambda: ports.callers.url(function)),
    )


def _successful(
    group: DeploymentGroup | None, recent: tuple[Deployment, ...], place: Place, ports: Ports
) -> Fact[Deployment | None]:
    """The group's last successful deployment, where it is among those that were read anyway."""
    found = next((one for one in recent if group is not None and one.id == group.last_successful_id), None)
    if found is None or found.targets:
        return Known(found)
    mark = marker.parse(found.description)
    function = place.function if mark is not None and mark.key in place.keys else ""
    return fact(lambda: ports.codedeploy.with_targets(found, function))


def _executions(current: FunctionVersion | None, ports: Ports) -> Fact[int]:
    if current is None or not current.durable:
        return Known(0)
    return fact(lambda: ports.versions.executions(current.function, current.version, COUNTED))


def _bucket(name: str, owner: str, ports: Ports) -> Bucket:
    region = fact(lambda: ports.buckets.region(name, owner))
    if isinstance(region, Known) and not region.value:
        return Bucket(region=region)
    return Bucket(
        region=region,
        key=fact(lambda: ports.buckets.key(name, owner)),
        rules=fact(lambda: ports.buckets.rules(name, owner)),
    )


def _callbacks(
    identity: Identity,
    group: DeploymentGroup | None,
    hooks: dict[str, Fact[FunctionVersion | None]],
    ports: Ports,
) -> dict[str, Fact[bool]]:
    """By hook: whether its role may report to CodeDeploy, without which a hook hangs for an hour."""
    found: dict[str, Fact[bool]] = {}
    for name, hook in hooks.items():
        role = hook.value.role if isinstance(hook, Known) and hook.value else ""
        if role and group is not None:
            where = f"{identity.region}:{identity.account}:deploymentgroup:{group.application}/{group.name}"
            found[name] = _allowed(ports, role, f"arn:{identity.partition}:codedeploy:{where}")
    return found


def _allowed(ports: Ports, role: str, resource: str) -> Fact[bool]:
    return fact(lambda: ports.policies.allows(role, CALLBACK, resource))
