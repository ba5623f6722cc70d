"""CodeDeploy's answers as records, and what CreateDeployment is sent. Pure.

Tolerant of members that are missing and of enum values that are new. Sources: botocore's CodeDeploy
model (facts.md A2, A4, A9, A10).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ....core.aws import (
    AlarmConfiguration,
    CreateRequest,
    Deployment,
    DeploymentConfig,
    DeploymentGroup,
    DeploymentStatus,
    DeploymentTarget,
    Diagnostics,
    EventStatus,
    InlineContent,
    LifecycleEvent,
    Revision,
    Routing,
    RoutingType,
    S3Location,
)

Json = Mapping[str, Any]


def _map(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return "" if value is None else str(value)


def epoch(value: object) -> float | None:
    """Epoch seconds; botocore has made a datetime of what was sent."""
    return value.timestamp() if isinstance(value, datetime) else None


def answered_at(answer: Json) -> float | None:
    """AWS's time (epoch seconds) by an answer's Date header; None without one: a proxy may take headers away."""
    said = _map(_map(answer.get("ResponseMetadata")).get("HTTPHeaders")).get("date")
    try:
        return parsedate_to_datetime(_text(said)).timestamp()
    except ValueError:
        return None


def deployment(info: Json) -> Deployment:
    error = _map(info.get("errorInformation"))
    rollback = _map(info.get("rollbackInfo"))
    return Deployment(
        id=_text(info.get("deploymentId")),
        status=DeploymentStatus(_text(info.get("status"))),
        compute_platform=_text(info.get("computePlatform")) or "Lambda",
        application=_text(info.get("applicationName")),
        group=_text(info.get("deploymentGroupName")),
        config_name=_text(info.get("deploymentConfigName")),
        description=_text(info.get("description")),
        creator=_text(info.get("creator")),
        create_time=epoch(info.get("createTime")) or 0.0,
        start_time=epoch(info.get("startTime")),
        complete_time=epoch(info.get("completeTime")),
        error_code=_text(error.get("code")),
        error_message=_text(error.get("message")),
        rollback_id=_text(rollback.get("rollbackDeploymentId")),
        rollback_of=_text(rollback.get("rollbackTriggeringDeploymentId")),
        rollback_message=_text(rollback.get("rollbackMessage")),
        auto_rollback_events=_rollback_events(_map(info.get("autoRollbackConfiguration"))),
        status_messages=tuple(_text(message) for message in info.get("deploymentStatusMessages") or ()),
        revision=revision(_map(info.get("revision"))),
    )


def _rollback_events(configuration: Json) -> tuple[str, ...]:
    events = configuration.get("events") or ()
    return tuple(_text(event) for event in events) if configuration.get("enabled") else ()


def revision(location: Json) -> Revision | None:
    """The revision as an address: AWS never returns an inline AppSpec's text here (facts.md A2)."""
    if s3 := _map(location.get("s3Location")):
        return S3Location(
            bucket=_text(s3.get("bucket")),
            key=_text(s3.get("key")),
            version=_text(s3.get("version")),
            etag=_text(s3.get("eTag")),
            bundle_type=_text(s3.get("bundleType")) or "JSON",
        )
    for member, kind in (("appSpecContent", "AppSpecContent"), ("string", "String")):
        if inline := _map(location.get(member)):
            content, sha256 = _text(inline.get("content")), _text(inline.get("sha256"))
            return InlineContent(content=content, sha256=sha256, revision_type=kind)
    return None


def target(sent: Json) -> DeploymentTarget | None:
    """A Lambda target; None for another compute platform's."""
    found = _map(sent.get("lambdaTarget"))
    if not found:
        return None
    function = _map(found.get("lambdaFunctionInfo"))
    weight = function.get("targetVersionWeight")
    return DeploymentTarget(
        target_id=_text(found.get("targetId")),
        target_arn=_text(found.get("targetArn")),
        function=_text(function.get("functionName")),
        alias=_text(function.get("functionAlias")),
        current_version=_text(function.get("currentVersion")),
        target_version=_text(function.get("targetVersion")),
        raw_weight=float(weight) if isinstance(weight, (int, float)) else 0.0,
        status=EventStatus(_text(found.get("status"))),
        events=tuple(_event(_map(event)) for event in found.get("lifecycleEvents") or ()),
    )


def unread_target(target_id: str) -> DeploymentTarget:
    """A target of which the role may read the id alone."""
    return DeploymentTarget(
        target_id=target_id, function="", alias="", current_version="", target_version="", status=EventStatus.UNKNOWN
    )


def _event(sent: Json) -> LifecycleEvent:
    diagnostics = _map(sent.get("diagnostics"))
    return LifecycleEvent(
        name=_text(sent.get("lifecycleEventName")),
        status=EventStatus(_text(sent.get("status"))),
        start=epoch(sent.get("startTime")),
        end=epoch(sent.get("endTime")),
        diagnostics=Diagnostics(
            error_code=_text(diagnostics.get("errorCode")),
            script_name=_text(diagnostics.get("scriptName")),
            message=_text(diagnostics.get("message")),
            log_tail=_text(diagnostics.get("logTail")),
        ),
    )


def alarm_configuration(sent: Json) -> AlarmConfiguration:
    return AlarmConfiguration(
        enabled=bool(sent.get("enabled")),
        names=tuple(_text(alarm.get("name")) for alarm in sent.get("alarms") or () if alarm.get("name")),
        ignore_poll_failure=bool(sent.get("ignorePollAlarmFailure")),
    )


def group(info: Json) -> DeploymentGroup:
    rollback = _map(info.get("autoRollbackConfiguration"))
    style = _map(info.get("deploymentStyle"))
    return DeploymentGroup(
        application=_text(info.get("applicationName")),
        name=_text(info.get("deploymentGroupName")),
        compute_platform=_text(info.get("computePlatform")) or "Lambda",
        config_name=_text(info.get("deploymentConfigName")) or "CodeDeployDefault.LambdaAllAtOnce",
        service_role_arn=_text(info.get("serviceRoleArn")),
        alarms=alarm_configuration(_map(info.get("alarmConfiguration"))),
        auto_rollback_enabled=bool(rollback.get("enabled")),
        auto_rollback_events=tuple(_text(event) for event in rollback.get("events") or ()),
        triggers=tuple(_text(trigger.get("triggerTargetArn")) for trigger in info.get("triggerConfigurations") or ()),
        deployment_style="/".join(
            _text(style[part]) for part in ("deploymentType", "deploymentOption") if style.get(part)
        ),
        last_attempted_id=_text(_map(info.get("lastAttemptedDeployment")).get("deploymentId")),
        last_successful_id=_text(_map(info.get("lastSuccessfulDeployment")).get("deploymentId")),
    )


def config(info: Json) -> DeploymentConfig:
    """A config of another platform has no traffic routing: its kind is UNKNOWN, and a check refuses it by platform."""
    routing = _map(info.get("trafficRoutingConfig"))
    kind = RoutingType(_text(routing.get("type")) or "Unknown")
    canary, linear = _map(routing.get("timeBasedCanary")), _map(routing.get("timeBasedLinear"))
    percentage, minutes = 100, 0
    if kind is RoutingType.CANARY:
        percentage, minutes = int(canary.get("canaryPercentage") or 0), int(canary.get("canaryInterval") or 0)
    elif kind is RoutingType.LINEAR:
        percentage, minutes = int(linear.get("linearPercentage") or 0), int(linear.get("linearInterval") or 0)
    return DeploymentConfig(
        name=_text(info.get("deploymentConfigName")),
        routing=Routing(kind=kind, percentage=percentage or 100, interval_minutes=minutes),
        compute_platform=_text(info.get("computePlatform")) or "Server",
    )


def revision_location(given: Revision) -> dict[str, Any]:
    """What CreateDeployment is sent for a revision."""
    if isinstance(given, InlineContent):
        return {
            "revisionType": "AppSpecContent",
            "appSpecContent": {"content": given.content, "sha256": given.sha256},
        }
    s3 = {"bucket": given.bucket, "key": given.key, "bundleType": given.bundle_type}
    # Left out, they mean "the newest" and "do not compare".
    if given.version:
        s3["version"] = given.version
    if given.etag:
        s3["eTag"] = given.etag
    return {"revisionType": "S3", "s3Location": s3}


def creation(request: CreateRequest) -> dict[str, Any]:
    """CreateDeployment's parameters; None for what is not sent, so that the group's own setting holds."""
    rollback, alarms = request.auto_rollback, request.override_alarms
    parameters: dict[str, Any] = {
        "applicationName": request.application,
        "deploymentGroupName": request.group,
        "deploymentConfigName": request.config_name,
        "description": request.description,
        "revision": revision_location(request.revision),
        "autoRollbackConfiguration": None,
        "overrideAlarmConfiguration": None,
    }
    if rollback is not None:
        parameters["autoRollbackConfiguration"] = (
            {"enabled": True, "events": [event.value for event in rollback]} if rollback else {"enabled": False}
        )
    if alarms is not None:
        parameters["overrideAlarmConfiguration"] = {
            "enabled": alarms.enabled,
            "ignorePollAlarmFailure": alarms.ignore_poll_failure,
            "alarms": [{"name": name} for name in alarms.names],
        }
    return parameters
