"""Checks of CodeDeploy's request parameters, each with the error that AWS's model names for it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import ApiError
from ..model.configs import NAME

Params = Mapping[str, Any]
DEPLOYMENT_ID = re.compile(r"d-[A-Z0-9]{9}")
ROLLBACK_EVENTS = ("DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST")
TRIGGER_EVENTS = tuple(
    [f"Deployment{event}" for event in ("Start", "Success", "Failure", "Stop", "Rollback", "Ready")]
    + [f"Instance{event}" for event in ("Start", "Success", "Failure", "Ready")]
)
DESCRIPTION_LIMIT = 256
TRIGGERS_PER_GROUP = 10


def application_name(params: Params, key: str = "applicationName") -> str:
    """A valid application name."""
    return _name(params.get(key), "ApplicationName", "application")


def group_name(params: Params, key: str = "deploymentGroupName") -> str:
    """A valid deployment group name."""
    return _name(params.get(key), "DeploymentGroupName", "deployment group")


def _name(value: object, member: str, label: str) -> str:
    if value is None or value == "":
        raise ApiError(f"{member}RequiredException", f"The {label} name was not specified.")
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ApiError(f"Invalid{member}Exception", f"The {label} name is not valid: {value}")
    return value


def deployment_id(params: Params) -> str:
    """A well-formed deployment id."""
    value = params.get("deploymentId")
    if value is None or value == "":
        raise ApiError("DeploymentIdRequiredException", "The deployment ID was not specified.")
    if not isinstance(value, str) or not DEPLOYMENT_ID.fullmatch(value):
        raise ApiError("InvalidDeploymentIdException", f"Specified DeploymentId is not in the valid format: {value}")
    return value


def description(params: Params) -> str | None:
    """A description of at most 256 characters."""
    value = params.get("description")
    if value is not None and len(value) > DESCRIPTION_LIMIT:
        raise ApiError("DescriptionTooLongException", f"The description is longer than {DESCRIPTION_LIMIT} characters.")
    return None if value is None else str(value)


def revision(params: Params, *, content_needed: bool, limit: float = 0, zips: bool = True) -> dict[str, Any]:
    """A revision location of the Lambda platform; its sha256 is filled in. `limit`: bytes of content, 0 for any."""
    given = params.get("revision")
    if not given:
        raise ApiError("RevisionRequiredException", "The revision was not specified.")
    return revision_location(given, content_needed=content_needed, limit=limit, zips=zips)


def revision_location(given: Any, *, content_needed: bool, limit: float = 0, zips: bool = True) -> dict[str, Any]:
    """Like `revision`, for one location."""

    def wrong(text: str) -> ApiError:
        return ApiError("InvalidRevisionException", text)

    kind = given.get("revisionType")
    if kind in ("AppSpecContent", "String"):
        member = "appSpecContent" if kind == "AppSpecContent" else "string"
        inner = dict(given.get(member) or {})
        content, digest = inner.get("content"), inner.get("sha256")
        if not content:
            if content_needed or not digest:
                raise wrong(f"A revision of type {kind} needs {member}.content.")
            return {"revisionType": kind, member: {"sha256": digest.lower()}}
        actual = hashlib.sha256(content.encode()).hexdigest()
        if limit and len(content.encode()) > limit:
            raise wrong(f"The AppSpec content is larger than {limit:g} bytes.")
        if digest and digest.lower() != actual:
            raise wrong("The sha256 given is not that of the content.")
        return {"revisionType": kind, member: {"content": content, "sha256": actual}}
    if kind == "S3":
        location = dict(given.get("s3Location") or {})
        if not location.get("bucket") or not location.get("key"):
            raise wrong("A revision of type S3 needs s3Location.bucket and s3Location.key.")
        if location.get("bundleType") not in ("YAML", "JSON", *(("zip",) if zips else ())):
            raise wrong("BundleType must be either YAML or JSON")
        return {"revisionType": kind, "s3Location": location}
    raise wrong(f"The revision type {kind} is not valid for the Lambda compute platform.")


def auto_rollback(given: Any) -> dict[str, Any] | None:
    """An autoRollbackConfiguration."""
    if given is None:
        return None
    events = given.get("events") or []
    if any(event not in ROLLBACK_EVENTS for event in events):
        raise ApiError("InvalidAutoRollbackConfigException", f"The rollback events are {', '.join(ROLLBACK_EVENTS)}.")
    if given.get("enabled") and not events:
        raise ApiError("InvalidAutoRollbackConfigException", "Automatic rollback is enabled but has no events.")
    return {"enabled": bool(given.get("enabled")), "events": list(events)}


def alarms(given: Any, limit: float) -> dict[str, Any] | None:
    """An alarmConfiguration of at most `limit` alarms."""
    if given is None:
        return None
    listed = given.get("alarms") or []
    if len(listed) > limit:
        raise ApiError("AlarmsLimitExceededException", f"There can be at most {limit:g} alarms.")
    if any(not alarm.get("name") for alarm in listed):
        raise ApiError("InvalidAlarmConfigException", "Every alarm needs a name.")
    if len({alarm["name"] for alarm in listed}) < len(listed):
        raise ApiError("InvalidAlarmConfigException", "An alarm is named twice.")
    if given.get("enabled") and not listed:
        raise ApiError("InvalidAlarmConfigException", "Alarms are enabled but none is named.")
    return {
        "enabled": bool(given.get("enabled")),
        "ignorePollAlarmFailure": bool(given.get("ignorePollAlarmFailure")),
        "alarms": [{"name": alarm["name"]} for alarm in listed],
    }


def triggers(given: Any) -> list[dict[str, Any]] | None:
    """A list of triggerConfigurations."""
    if given is None:
        return None
    if len(given) > TRIGGERS_PER_GROUP:
        raise ApiError("TriggerTargetsLimitExceededException", f"There can be at most {TRIGGERS_PER_GROUP} triggers.")
    for trigger in given:
        events = trigger.get("triggerEvents") or []
        arn = str(trigger.get("triggerTargetArn") or "")
        if not trigger.get("triggerName") or not events or not re.match(r"arn:[^:]+:sns:", arn):
            raise ApiError("InvalidTriggerConfigException", "A trigger needs a name, an SNS topic and events.")
        if any(event not in TRIGGER_EVENTS for event in events):
            raise ApiError("InvalidTriggerConfigException", f"The trigger events are {', '.join(TRIGGER_EVENTS)}.")
    return [dict(trigger) for trigger in given]


def style(given: Any) -> dict[str, str]:
    """A deploymentStyle; the Lambda platform knows one."""
    wanted = {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"}
    if given and {**wanted, **given} != wanted:
        raise ApiError(
            "InvalidDeploymentStyleException",
            "For the Lambda compute platform the deployment style is BLUE_GREEN with WITH_TRAFFIC_CONTROL.",
        )
    return wanted


def role(value: object) -> str:
    """A service role's ARN."""
    if value is None or value == "":
        raise ApiError("RoleRequiredException", "The role ID was not specified.")
    if not isinstance(value, str) or not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/.+", value):
        raise ApiError("InvalidRoleException", f"The service role ARN is not valid: {value}")
    return value


def tags(given: Any, code: str = "InvalidTagsToAddException") -> dict[str, str]:
    """Tags as a mapping."""
    found: dict[str, str] = {}
    for tag in given or []:
        key = tag.get("Key")
        if not key or len(key) > 128 or len(tag.get("Value") or "") > 256 or key.lower().startswith("aws:"):
            raise ApiError(code, f"The tag {key!r} is not valid.")
        found[key] = tag.get("Value") or ""
    if len(found) > 50:
        raise ApiError(code, "There can be at most 50 tags.")
    return found


def batch(values: Any, limit: int, missing: ApiError, too_many: str) -> list[str]:
    """A list of 1 to `limit` items."""
    if not values:
        raise missing
    if len(values) > limit:
        raise ApiError(too_many, f"There can be at most {limit} items in a batch.")
    return list(values)


def page(items: Sequence[Any], token: str | None, size: float) -> tuple[list[Any], str | None]:
    """One page of a list, and the token of the next one."""
    start = 0
    if token is not None:
        try:
            start = json.loads(base64.urlsafe_b64decode(token.encode()))["from"]
        except (ValueError, KeyError, TypeError, binascii.Error):
            raise ApiError("InvalidNextTokenException", "The next token is not valid.") from None
        if not isinstance(start, int) or start <= 0:
            raise ApiError("InvalidNextTokenException", "The next token is not valid.")
    end = start + max(1, int(size))
    following = base64.urlsafe_b64encode(json.dumps({"from": end}).encode()).decode() if end < len(items) else None
    return list(items[start:end]), following
