"""What each action does, in terms of the ports: the one place between the pure state machine and the world.

`perform(action, ports)` runs on a worker thread and answers with exactly one observation, whatever happens. It
decides nothing: which action comes next is `core.release.step`'s.
"""

from __future__ import annotations

from collections.abc import Callable

from ..core.aws import Alias
from ..core.errors import CiDeployError, Refused
from ..core.given.package.packaging import Package
from ..core.machine.actions import (
    Action,
    Answer,
    Confirm,
    Create,
    CreateAlias,
    Describe,
    Discover,
    Done,
    Failed,
    Find,
    Gather,
    Invoke,
    Look,
    LookAlarms,
    LookAlias,
    LookVersion,
    Measure,
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
from ..core.plan.planning import Existing
from ..core.plan.whose import Others, Place, whose
from ..core.reasons.ending import verdict as why
from ..core.reasons.phrases import serves
from ..ports import Ports, Progress
from .discovering import discover
from .evidence import diagnose
from .facts import gather
from .owners import Owners


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
        case Confirm():
            return ports.confirm(action.goals)
        case Gather():
            return gather(action, ports, progress)
        case StoreCode():
            package = action.package
            return ports.objects.store(
                package,
                lambda: ports.packages.open(package),
                action.bucket,
                action.path,
                owner=action.owner,
                tell=progress,
            )
        case UpdateCode():
            content = ports.packages.open(action.code) if isinstance(action.code, Package) else None
            return ports.lambda_.update_code(
                action.function,
                action.code,
                content,
                revision_id=action.revision_id,
                by_reference=action.by_reference,
            )
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
        case Invoke():
            return ports.lambda_.invoke(
                action.function, action.version, action.payload, tenant=action.tenant, timeout=action.timeout
            )
        case Upload():
            return ports.revisions.put(
                action.bucket, action.path, action.content.encode(), owner=action.owner, tag=action.tag
            )
        case Create():
            return ports.codedeploy.create(action.request)
        case Find():
            return ports.codedeploy.find(action.application, action.group, action.marker_id)
        case Stop():
            return ports.codedeploy.stop(action.deployment_id, action.rollback, urgent=action.urgent)
        case Look():
            return ports.codedeploy.look(action.ids, action.with_targets, action.running)
        case Measure():
            return ports.metrics.read(action.questions)
        case LookAlarms():
            return ports.evidence.alarms(action.names)
        case LookAlias():
            return ports.lambda_.look_alias(action.function, action.alias)
        case CreateAlias():
            return ports.lambda_.create_alias(action.function, action.alias, action.version)
        case RepairAlias():
            return _repair(action, ports)
        case Describe():
            return ports.lambda_.describe_alias(action.alias, action.description)
        case Tag():
            ports.lambda_.tag(action.function_arn, action.name, action.value)
            return None
        case Discover():
            return discover(action, ports)
    return diagnose(action, ports)


def _repair(action: RepairAlias, ports: Ports) -> Alias:
    """Set the alias, but never under a running deployment, and never over a change that we have not seen."""
    place = Place(function=action.alias.function, alias=action.alias.name)
    running = Owners(ports, action.application, place).judged(ports.codedeploy.active(action.application, action.group))
    for one in running:
        if not isinstance(whose(one, place.function, place.alias), Others):
            raise Refused(why.AliasInUse(deployment=one.id))
    answered = ports.lambda_.set_alias(action.alias, action.version)
    if not answered.serves_only(action.version):
        raise Refused(why.AliasNotSet(serves=serves(answered)))
    changed = ports.lambda_.look_alias(action.alias.function, action.alias.name)
    if changed is None:
        raise Refused(why.AliasGone(alias=action.alias.name, function=action.alias.function))
    return changed
