"""Reads which deployments there are that somebody else started, and how the stack is that may have.

It decides nothing: which of them are meant is core.plan.sought's.
"""

from __future__ import annotations

from ..core.aws import Deployment, InlineContent
from ..core.errors import AwsError, InvalidInput
from ..core.given.files import appspec
from ..core.given.files.appspec import AppSpec
from ..core.machine.actions import Discover, Discovered
from ..core.plan.sought import spot_of, with_revision
from ..ports import Ports


def discover(action: Discover, ports: Ports) -> Discovered:
    """Deployments first, then the stack: what it says is not older than they are."""
    at, ids = ports.codedeploy.created_since(action.since)
    new = tuple(one for one in dict.fromkeys((*action.unclear, *ids)) if one not in action.known)
    found = ports.codedeploy.look(new, frozenset(new)) if new else ()
    deployments = tuple(_named(one, ports) for one in found)
    stack = ports.stacks.stack(action.stack) if action.stack else None
    return Discovered(at=at, stack=stack, deployments=deployments)


def _named(deployment: Deployment, ports: Ports) -> Deployment:
    """With its function and alias, from the AppSpec where CodeDeploy leaves them out."""
    if spot_of(deployment) is not None or not deployment.targets:
        return deployment
    said = inline_appspec(deployment, ports)
    return with_revision(deployment, said) if said else deployment  # what cannot be read is nobody's


def inline_appspec(deployment: Deployment, ports: Ports) -> AppSpec | None:
    """The AppSpec of a deployment that carries it itself, as other tools' do; None where it cannot be read."""
    revision = deployment.revision
    if not isinstance(revision, InlineContent):
        return None
    try:
        return appspec.parse(ports.codedeploy.appspec(deployment.application, revision))
    except (AwsError, InvalidInput):
        return None
