"""Automatic rollback as AWS describes it: a new deployment of the group's last successful revision (facts A7, F).

That revision may be another version than the alias had, or another function's; it is played as it is.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ...switches import Switches
from . import appspec
from .engine import created
from .run import Rules
from .store import Deployment, Group, Store

ALL_AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"


def create(deployment: Deployment, at: float, *, store: Store, rules: Rules, switches: Switches) -> Deployment | None:
    """Create the rollback of a deployment that failed or was stopped, or leave the reason why there is none.

    `at` is in epoch seconds. The rollback is in its place's store; it is the caller's to let it go on.
    """
    group = deployment.place.group_of(deployment)
    if group is None:
        deployment.rollback_message = f"Deployment {deployment.id} can't be rolled back: its group was deleted."
        return None
    if group.active is not None:
        deployment.rollback_message = (
            f"Deployment {deployment.id} can't be rolled back: deployment {group.active} is active in its group."
        )
        return None
    revision = _revision(deployment, group, switches)
    if revision is None:
        deployment.rollback_message = (
            f"Deployment {deployment.id} can't be rolled back: there is no earlier successful deployment."
        )
        return None
    config = ALL_AT_ONCE
    if switches.text("rollback-config") == "group":
        config = str(group.info.get("deploymentConfigName", ALL_AT_ONCE))
    identity = store.new_deployment_id()
    made = Deployment(
        id=identity,
        place=deployment.place,
        application=deployment.application,
        group=deployment.group,
        group_id=deployment.group_id,
        config=config,
        revision=revision,
        previous_revision=deployment.revision,
        created=at,
        creator="codeDeployRollback",
        run=created(identity, at, rules, ()),
        rollback_of=deployment.id,
        rollback_message=f"Deployment {identity} is triggered to roll back deployment {deployment.id}.",
    )
    deployment.place.applications[deployment.application].use(revision, at)
    deployment.place.deployments[identity] = made
    deployment.rollback_id = identity
    deployment.rollback_message = (
        f"Deployment {deployment.id} terminated. Automatic rollback is triggered with a DeploymentId {identity}."
    )
    group.history.append(identity)
    group.active = identity
    return made


def report(deployment: Deployment, switches: Switches) -> None:
    """A deployment came to its end.

    AWS changes no message then (facts G7); a switch lets a rollback's origin say how it went, as the model says.
    """
    if deployment.rollback_of is None or switches.text("rollback-message") != "progress":
        return
    origin = deployment.place.deployments[deployment.rollback_of]
    verb = "was rolled back" if deployment.run.status.value == "Succeeded" else "failed to roll back"
    origin.rollback_message = f"Deployment {origin.id} {verb} by deployment {deployment.id}."


def _revision(deployment: Deployment, group: Group, switches: Switches) -> dict[str, Any] | None:
    last = deployment.place.deployments.get(group.successful or "")
    if last is None:
        if switches.text("rollback-without-history") == "none" or deployment.run.order is None:
            return None
        return _swapped(deployment)
    if switches.text("rollback-appspec") == "swapped" and last.content:
        # The versions as a person would write them: from what failed, to what was good.
        spec = appspec.parse(last.content)
        order = deployment.run.order
        if order is not None and spec.function.endswith(order.function) and spec.target != order.target:
            return _written(spec.function, spec.alias, order.target, spec.target, spec.before, spec.after)
    return dict(last.revision)


def _swapped(deployment: Deployment) -> dict[str, Any]:
    order = deployment.run.order
    assert order is not None
    return _written(order.function, order.alias, order.target, order.current, order.before, order.after)


def _written(
    function: str, alias: str, current: str, target: str, before: str | None, after: str | None
) -> dict[str, Any]:
    hooks = [{"BeforeAllowTraffic": before}] if before else []
    hooks += [{"AfterAllowTraffic": after}] if after else []
    properties = {"Name": function, "Alias": alias, "CurrentVersion": current, "TargetVersion": target}
    document: dict[str, Any] = {
        "version": 0.0,
        "Resources": [{"function": {"Type": "AWS::Lambda::Function", "Properties": properties}}],
    }
    if hooks:
        document["Hooks"] = hooks
    content = json.dumps(document)
    digest = hashlib.sha256(content.encode()).hexdigest()
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": content, "sha256": digest}}
