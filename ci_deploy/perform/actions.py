"""What each action does, in terms of the ports: the one place between the pure state machine and the world.

`perform(action, ports)` runs on a worker thread and answers with exactly one observation, whatever happens. It
decides nothing: which action comes next is `core.release.step`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..core import marker
from ..core.aws import Alarm, Alias, Deployment, Fact, FunctionVersion, Identity, Known, LogLines, Unavailable
from ..core.errors import AwsError, CiDeployError, ErrorKind, Refused
from ..core.given.inputs import Inputs
from ..core.given.packaging import Code, Image, Package, check_zipped, location
from ..core.machine.actions import (
    Action,
    Answer,
    Create,
    CreateAlias,
    Diagnose,
    Done,
    Failed,
    Find,
    Gather,
    Look,
    LookAlias,
    LookVersion,
    Observation,
    Progressed,
    Publish,
    RepairAlias,
    Stop,
    StoreCode,
    Tag,
    UpdateCode,
    Upload,
)
from ..core.plan.history import entries, way_back
from ..core.plan.planning import Existing, Facts
from ..core.result import Diagnosis
from ..core.run import Command
from ..core.story import diagnosis
from ..ports import Ports, Progress
from .survey import fact as _fact
from .survey import survey

T = TypeVar("T")

HISTORY = 50  # deployments read of a group
SHOWN = 20  # of those, how many `status` shows
NEWER_RUNS = 5  # of those by newer runs, how many are read with their targets
LOG_LINES = 20


def perform(action: Action, ports: Ports, tell: Callable[[Observation], None] = lambda _: None) -> Observation:
    """Carry out an action; `tell` is told how far it has come, before its answer.

    Errors of the tree become Failed; anything else is a bug and ends the run, loudly.
    """

    def progress(what: str, done: int, total: int) -> None:
        tell(Progressed(action=action, what=what, done=done, total=total))

    try:
        return Done(action=action, answer=_do(action, ports, progress))
    except CiDeployError as error:
        return Failed(action=action, error=error)


def _do(action: Action, ports: Ports, progress: Progress) -> Answer:
    match action:
        case Gather():
            return gather(action, ports, progress)
        case StoreCode():
            package = action.package
            return ports.objects.store(
                package,
                lambda: ports.packages.open(package),
                action.bucket,
                action.path,
                account=action.account,
                tell=progress,
            )
        case UpdateCode():
            content = ports.packages.open(action.code) if isinstance(action.code, Package) else None
            return ports.lambda_.update_code(action.function, action.code, content, revision_id=action.revision_id)
        case Publish():
            target = action.plan.target
            assert not isinstance(target, Existing)
            return ports.lambda_.publish(
                action.plan.function,
                code_sha256=target.code_sha256,
                revision_id=target.revision_id,
                description=action.description,
            )
        case LookVersion():
            return ports.lambda_.version(action.function, action.version)
        case Upload():
            return ports.revisions.put(
                action.bucket, action.path, action.content.encode(), account=action.account, tag=action.tag
            )
        case Create():
            return ports.codedeploy.create(action.request)
        case Find():
            return ports.codedeploy.find(action.application, action.group, action.marker_id)
        case Stop():
            return ports.codedeploy.stop(action.deployment_id, action.rollback, urgent=action.urgent)
        case Look():
            return ports.codedeploy.look(action.ids, action.with_targets)
        case LookAlias():
            return ports.lambda_.look_alias(action.function, action.alias)
        case CreateAlias():
            return ports.lambda_.create_alias(action.function, action.alias, action.version)
        case RepairAlias():
            return _repair(action, ports)
        case Tag():
            ports.lambda_.tag(action.function_arn, action.name, action.value)
            return None
    return _diagnose(action, ports)


def identify(account_id: str | None, ports: Ports) -> Identity:
    """Who we are, before any other call: another account than the one given is refused."""
    identity = ports.identities.identity()
    if account_id and identity.account != account_id:
        raise Refused(
            f"These credentials are of account {identity.account} ({identity.arn}), not of {account_id}.",
            "Check the role that the workflow assumes, or the input `account-id` (or the ARN in `function`).",
        )
    return identity


def gather(action: Gather, ports: Ports, progress: Progress) -> Facts:
    """Read everything that the command needs, for one function. Only what is optional may be missing."""
    inputs, command = action.inputs, Command(action.inputs.command)
    identity = identify(inputs.account_id, ports)
    function, application, group_name = inputs.function or "", inputs.application or "", inputs.deployment_group or ""
    subject = _subject(action, ports)
    if command is Command.FINISH:
        return _facts_to_finish(inputs, identity, subject, ports)
    latest = ports.lambda_.version(function, "$LATEST")
    alias = ports.lambda_.alias(function, inputs.alias) if latest else None
    group = _or_none(lambda: ports.codedeploy.group(application, group_name))
    recent = ports.codedeploy.recent(application, group_name, HISTORY) if group else ()
    active = tuple(deployment for deployment in recent if not deployment.status.terminal)
    history: tuple[Deployment, ...] = ()
    if command in (Command.ROLLBACK, Command.STOP, Command.STATUS):
        active = tuple(ports.codedeploy.with_targets(deployment) for deployment in active)
        depth = {Command.ROLLBACK: HISTORY, Command.STATUS: SHOWN}.get(command, 0)
        history = tuple(ports.codedeploy.with_targets(deployment) for deployment in recent[:depth])
    else:
        active = tuple(_with_readable_targets(ports, deployment) for deployment in active)
        recent = _with_targets_of_newer(ports, recent, action.run_id)
    # A deployment that exists is followed by its own config, whatever the inputs or the group say.
    about = subject or next(iter(active if history or command is Command.STOP else ()), None)
    config_name = (about.config_name if about else "") or inputs.deployment_config
    config_name = config_name or (group.config_name if group else "")
    config = _or_none(lambda: ports.codedeploy.config(config_name)) if config_name else None
    wanted = inputs.target_version or ""
    if command is Command.ROLLBACK and alias is not None:
        wanted = _goal(inputs, history, subject, alias)
    names = inputs.alarms or (group.alarms.names if group and group.alarms.enabled else ())
    watched = bool(names) and not inputs.ignore_alarms and command not in (Command.STOP, Command.STATUS)
    hooks = [hook for hook in (inputs.before_allow_traffic, inputs.after_allow_traffic) if hook]
    read = {hook: _hook(ports, hook) for hook in hooks}
    deploys = command in (Command.DEPLOY, Command.PLAN)
    return Facts(
        identity=identity,
        job_limit=ports.job_limit,
        credentials_left=ports.credentials_end - ports.clock.epoch() if ports.credentials_end is not None else None,
        latest=latest,
        alias=alias,
        current=_version(ports, function, alias.version if alias else ""),
        target=_version(ports, function, wanted) if latest else None,
        group=group,
        config=config,
        active=active,
        recent=recent,
        history=history,
        subject=subject,
        alarms=_fact(lambda: ports.evidence.alarms(names)) if watched else Known(()),
        hooks=read,
        surroundings=survey(inputs, identity, alias, group, recent, read, ports) if deploys else None,
        code=_code(inputs, identity, ports, progress) if latest and deploys else None,
    )


def _code(inputs: Inputs, identity: Identity, ports: Ports, progress: Progress) -> Code | None:
    """The code that the inputs name, hashed, and refused where it is too large: before anything is sent."""
    if inputs.package:
        package = ports.packages.package(inputs.package, progress)
        check_zipped(package, inputs.bucket or "")
        return package
    if inputs.package_s3:
        return ports.objects.describe(location(inputs.package_s3), account=identity.account, tell=progress)
    return Image(uri=inputs.image_uri) if inputs.image_uri else None


def _facts_to_finish(inputs: Inputs, identity: Identity, subject: Deployment | None, ports: Ports) -> Facts:
    """The post step has little time: what it needs to stop, to follow and to verify, and no more."""
    function, application, group_name = inputs.function or "", inputs.application or "", inputs.deployment_group or ""
    config_name = subject.config_name if subject else ""
    return Facts(
        identity=identity,
        alias=ports.lambda_.alias(function, inputs.alias),
        group=_or_none(lambda: ports.codedeploy.group(application, group_name)),
        config=_or_none(lambda: ports.codedeploy.config(config_name)) if config_name else None,
        subject=subject,
    )


def _subject(action: Gather, ports: Ports) -> Deployment | None:
    """The deployment that the run is about, with its targets, if one is named."""
    inputs = action.inputs
    if action.subject:
        found = ports.codedeploy.look((action.subject,), frozenset({action.subject}))
        return found[0] if found else None
    if action.marker_id:
        by_marker = ports.codedeploy.find(inputs.application or "", inputs.deployment_group or "", action.marker_id)
        return ports.codedeploy.with_targets(by_marker) if by_marker else None
    return None


def _goal(inputs: Inputs, history: tuple[Deployment, ...], subject: Deployment | None, alias: Alias) -> str:
    """The version that a rollback will want, so that it can be read with the other facts."""
    if inputs.to_version:
        return inputs.to_version
    if subject is not None:
        target = subject.target_of(inputs.function or "", inputs.alias)
        return target.target_version if target else ""
    if alias.split:
        return alias.version
    return way_back(entries(history, inputs.function or "", inputs.alias), alias.version).version


def _hook(ports: Ports, hook: str) -> Fact[FunctionVersion | None]:
    return _fact(lambda: ports.lambda_.version(hook, "$LATEST"))


def _version(ports: Ports, function: str, version: str) -> FunctionVersion | None:
    return ports.lambda_.version(function, version) if version else None


def _with_readable_targets(ports: Ports, deployment: Deployment) -> Deployment:
    try:
        return ports.codedeploy.with_targets(deployment)
    except AwsError as error:
        if error.kind is ErrorKind.DENIED:
            return deployment
        raise


def _with_targets_of_newer(ports: Ports, recent: tuple[Deployment, ...], run_id: int) -> tuple[Deployment, ...]:
    """A group may hold several functions: whose a deployment is, its target says. Few are asked for it."""
    asked = 0
    result = []
    for deployment in recent:
        mark = marker.parse(deployment.description)
        if mark is not None and 0 < run_id < mark.run_id and asked < NEWER_RUNS:
            asked += 1
            deployment = ports.codedeploy.with_targets(deployment)
        result.append(deployment)
    return tuple(result)


def _or_none(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except AwsError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return None
        raise


def _repair(action: RepairAlias, ports: Ports) -> Alias:
    """Set the alias, but never under a running deployment, and never over a change that we have not seen."""
    running = ports.codedeploy.active(action.application, action.group)
    if running:
        raise Refused(f"deployment {running[0].id} is running in the group, and an alias is not moved under it")
    ports.lambda_.set_alias(action.alias, action.version)
    changed = ports.lambda_.look_alias(action.alias.function, action.alias.name)
    if changed is None:
        raise Refused("the alias does not exist any more")
    return changed


def _diagnose(action: Diagnose, ports: Ports) -> Diagnosis:
    plan, deployment = action.plan, action.deployment
    event = diagnosis.failed_event(deployment, plan)
    hook = diagnosis.hook_of(event, plan)
    alarms: Fact[tuple[Alarm, ...]] = Known(())
    if plan.alarm_names and deployment.status.terminal:
        alarms = _fact(lambda: ports.evidence.alarms(plan.alarm_names))
    logs: Fact[tuple[LogLines, ...]] = Known(())
    if hook and event is not None and event.start is not None:
        start, end = event.start, event.end
        if action.logs:
            logs = _fact(lambda: (ports.evidence.log_lines(hook, start, end, LOG_LINES),))
        else:
            logs = Unavailable("not quoted in a public repository (`hook-logs: on` shows them)")
    return diagnosis.diagnose(deployment, plan, alarms=alarms, logs=logs, service_role=plan.service_role)
