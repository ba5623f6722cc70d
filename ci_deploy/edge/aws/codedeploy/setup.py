"""CodeDeploy's applications, groups and configs: what `setup` reads and creates. Reads repeat, writes are one attempt.

Apart from edge/codedeploy.py because the everyday role has none of these permissions. Sources: botocore's CodeDeploy
model (CreateDeploymentGroup, UpdateDeploymentGroup), facts.md A9, A10.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ....core.aws import Routing, RoutingType
from ....core.errors import AwsError, ErrorKind
from ....core.plan.setup import GroupSettings
from ..client import Aws

# What a topic is told, where this makes the trigger.
TRIGGER_EVENTS = ("DeploymentStart", "DeploymentSuccess", "DeploymentFailure", "DeploymentStop", "DeploymentRollback")
_BATCH = 100  # applications a call of BatchGetApplications (CodeDeploy quotas)
STYLE = {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"}  # Lambda has no other


class CodeDeploySetup:
    """Implements ports.Setup."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def application(self, name: str) -> str | None:
        try:
            answer = self._aws.read(
                "codedeploy", "GetApplication", f"application {name}", expects="application", applicationName=name
            )
        except AwsError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return None
            raise
        return str(answer["application"].get("computePlatform") or "Server")

    def applications(self) -> tuple[str, ...]:
        listed = list(self._pages("ListApplications", "applications", "the account's applications"))
        found: list[str] = []
        for start in range(0, len(listed), _BATCH):
            some = listed[start : start + _BATCH]
            answer = self._aws.read(
                "codedeploy",
                "BatchGetApplications",
                "the account's applications",
                expects="applicationsInfo",
                applicationNames=some,
            )
            found += [
                str(each.get("applicationName") or "")
                for each in answer["applicationsInfo"] or ()
                if each.get("computePlatform") == "Lambda"
            ]
        return tuple(sorted(found))

    def groups(self, application: str) -> tuple[str, ...]:
        on = f"application {application}"
        pages = self._pages("ListDeploymentGroups", "deploymentGroups", on, applicationName=application)
        return tuple(sorted(pages))

    def _pages(self, operation: str, member: str, on: str, **parameters: Any) -> Iterator[str]:
        token: str | None = None
        while True:
            page = self._aws.read("codedeploy", operation, on, expects=member, nextToken=token, **parameters)
            yield from map(str, page[member] or ())
            token = page.get("nextToken") or None
            if token is None:
                return

    def create_application(self, name: str) -> None:
        self._aws.call(
            "codedeploy", "CreateApplication", f"application {name}", applicationName=name, computePlatform="Lambda"
        )

    def create_config(self, name: str, routing: Routing) -> None:
        percentage, minutes = routing.percentage, routing.interval_minutes
        traffic: dict[str, Any] = {"type": str(routing.kind)}
        if routing.kind is RoutingType.CANARY:
            traffic["timeBasedCanary"] = {"canaryPercentage": percentage, "canaryInterval": minutes}
        else:
            traffic["timeBasedLinear"] = {"linearPercentage": percentage, "linearInterval": minutes}
        self._aws.call(
            "codedeploy",
            "CreateDeploymentConfig",
            f"deployment config {name}",
            deploymentConfigName=name,
            computePlatform="Lambda",
            trafficRoutingConfig=traffic,
        )

    def create_group(self, application: str, name: str, settings: GroupSettings) -> None:
        self._aws.call(
            "codedeploy",
            "CreateDeploymentGroup",
            f"deployment group {application}/{name}",
            applicationName=application,
            deploymentGroupName=name,
            deploymentStyle=STYLE,
            **_members(settings, ()),
        )

    def update_group(self, application: str, name: str, settings: GroupSettings) -> None:
        known: tuple[dict[str, Any], ...] = ()
        on = f"deployment group {application}/{name}"
        if settings.triggers is not None:
            # A trigger that is there keeps its name and events; the list is replaced as a whole.
            answer = self._aws.read(
                "codedeploy",
                "GetDeploymentGroup",
                on,
                expects="deploymentGroupInfo",
                applicationName=application,
                deploymentGroupName=name,
            )
            known = tuple(answer["deploymentGroupInfo"].get("triggerConfigurations") or ())
        self._aws.call(
            "codedeploy",
            "UpdateDeploymentGroup",
            on,
            applicationName=application,
            currentDeploymentGroupName=name,
            **_members(settings, known),
        )


def _members(settings: GroupSettings, known: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    events, alarms, topics = settings.rollback_events, settings.alarms, settings.triggers
    there = {trigger.get("triggerTargetArn"): trigger for trigger in known}
    return {
        "serviceRoleArn": settings.service_role_arn,
        "deploymentConfigName": settings.config_name,
        "autoRollbackConfiguration": None
        if events is None
        else {"enabled": bool(events), "events": [str(event) for event in events]},
        "alarmConfiguration": None
        if alarms is None
        else {"enabled": bool(alarms), "alarms": [{"name": alarm} for alarm in alarms]},
        "triggerConfigurations": None if topics is None else [there.get(topic) or _trigger(topic) for topic in topics],
    }


def _trigger(topic: str) -> dict[str, Any]:
    name = f"ci-deploy-{topic.rpartition(':')[2]}"[:100]
    return {"triggerName": name, "triggerTargetArn": topic, "triggerEvents": list(TRIGGER_EVENTS)}
