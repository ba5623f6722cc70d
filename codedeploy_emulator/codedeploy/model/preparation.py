"""What CodeDeploy finds out when a deployment starts: its AppSpec, and whether alias and versions fit it.

All of this fails asynchronously, as in AWS: CreateDeployment has long answered (facts A1, A5).
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

from ...aws import moto_parts
from ...switches import Switches
from . import appspec, configs
from .run import Order, Refusal
from .store import Deployment

INVALID = (
    "The deployment failed because the AppSpec file that specifies the AWS Lambda deployment configuration is missing "
    "or has an invalid configuration."
)
# aws-cli's issue 6267, facts G13.
NOT_WELL_FORMED = " The input AppSpec file is a not well-formed yaml. The template cannot be parsed."
IN_BUNDLE = ("appspec.yml", "appspec.yaml", "appspec.json")
NOT_CURRENT = " The Lambda function alias version does not match the current version in AppSpec file."


def order_of(deployment: Deployment, switches: Switches) -> Order | Refusal:
    """The order that the deployment's AppSpec gives, or why it fails at once."""
    place = deployment.place
    if deployment.application not in place.applications:
        return Refusal(code="APPLICATION_MISSING", message="The application was deleted.")
    group = place.group_of(deployment)
    if group is None:
        return Refusal(code="DEPLOYMENT_GROUP_MISSING", message="The deployment group was deleted.")
    role = group.info.get("serviceRoleArn", "")
    if switches.flag("check-service-role") and not moto_parts.role_exists(role):
        return Refusal(code="IAM_ROLE_MISSING", message=f"IAM Role is missing for deployment group: {deployment.group}")
    if deployment.rollback_of and switches.text("rollback-fails"):
        return Refusal(code=switches.text("rollback-fails"), message="The rollback failed.")
    content = content_of(deployment.revision)
    if isinstance(content, Refusal):
        return content
    deployment.content = content
    try:
        spec = appspec.parse(content)
    except appspec.NotWellFormedError:
        return _invalid(NOT_WELL_FORMED)
    except appspec.AppSpecError as error:
        return Refusal(code="INVALID_LAMBDA_CONFIGURATION", message=f"{INVALID} The AppSpec: {error}.")
    config = place.configs.get(deployment.config)
    if config is None:
        return Refusal(code="CODEDEPLOY_RESOURCE_CANNOT_BE_FOUND", message="The deployment config was deleted.")
    found = moto_parts.function(place.account, place.region, spec.function)
    if found is None:
        return _no_function(f"The Lambda function {spec.function} does not exist.")
    name = str(found.function_name)
    alias = moto_parts.alias(place.account, place.region, name, spec.alias)
    if alias is None:
        return _invalid(f" The Lambda function {spec.function} has no alias {spec.alias}.")
    versions = {str(version.version) for version in moto_parts.versions(place.account, place.region, name)}
    for version in (spec.target,) if deployment.rollback_of else (spec.current, spec.target):
        if version not in versions:
            return _no_function(f"The Lambda function {spec.function} has no version {version}.")
    shifts = configs.shifts(config["trafficRoutingConfig"])
    if deployment.rollback_of:
        return _rollback_order(name, spec, alias, shifts, switches)
    refusal = _misfit(spec, alias, config["trafficRoutingConfig"]["type"], switches)
    if refusal:
        return refusal
    wait = 0.0
    if getattr(alias, "emulator_provisioned", None):
        wait = switches.number("provisioned-concurrency-seconds")
    return Order(
        function=name,
        alias=spec.alias,
        current=spec.current,
        target=spec.target,
        shifts=shifts,
        before=spec.before,
        after=spec.after,
        wait=wait,
    )


def content_of(revision: dict[str, Any]) -> str | Refusal:
    """The AppSpec's text: from the revision itself, or from S3."""
    for member in ("appSpecContent", "string"):
        if revision.get(member):
            return str(revision[member].get("content") or "")
    location = revision.get("s3Location") or {}
    found = moto_parts.s3_object(location.get("bucket", ""), location.get("key", ""), location.get("version"))
    if found is None:
        return Refusal(
            code="REVISION_MISSING",
            message=f"The revision s3://{location.get('bucket')}/{location.get('key')} does not exist.",
        )
    if location.get("eTag") and location["eTag"].strip('"') != str(found.etag).strip('"'):
        return Refusal(code="INVALID_REVISION", message="The ETag of the revision is not that of the object in S3.")
    body = bytes(found.value)
    if location.get("bundleType") == "zip":
        return _unpacked(body)
    return body.decode("utf-8", "replace")


def _unpacked(bundle: bytes) -> str | Refusal:
    """The AppSpec at the top of a zip (facts G14)."""
    try:
        with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
            name = next((name for name in archive.namelist() if name in IN_BUNDLE), None)
            if name is not None:
                return archive.read(name).decode("utf-8", "replace")
    except zipfile.BadZipFile:
        return Refusal(code="INVALID_REVISION", message="The revision is no zip file.")
    return Refusal(code="INVALID_REVISION", message=f"The revision has none of {', '.join(IN_BUNDLE)}.")


def _misfit(spec: appspec.AppSpec, alias: Any, routing: str, switches: Switches) -> Refusal | None:
    serves, weights = str(alias.function_version), moto_parts.alias_weights(alias)
    if serves == "$LATEST":
        if switches.text("alias-at-latest") == "reject":
            return _invalid(" The alias points to $LATEST.")
    elif serves != spec.current:
        return _invalid(NOT_CURRENT)
    if weights and switches.text("split-alias-with-matching-primary") == "reject":
        return _invalid(" The alias already routes traffic to two versions.")
    if spec.current == spec.target and routing != "AllAtOnce":
        return _invalid("")
    return None


def _rollback_order(name: str, spec: appspec.AppSpec, alias: Any, shifts: configs.Shifts, switches: Switches) -> Order:
    """Back to the revision's target from whatever the alias has now; its CurrentVersion is of another day."""
    serves, weights = str(alias.function_version), moto_parts.alias_weights(alias)
    others = [version for version in (serves, *weights) if version != spec.target]
    # What the target has already is not taken away again on the way to 100.
    has = 100.0 * (weights.get(spec.target, 0.0) if serves != spec.target else 1 - sum(weights.values()))
    kept = tuple(shift for shift in shifts if shift[1] >= has)
    with_hooks = switches.flag("rollback-runs-hooks")
    return Order(
        function=name,
        alias=spec.alias,
        current=others[0] if others else spec.target,
        target=spec.target,
        shifts=tuple((at - kept[0][0], percent) for at, percent in kept),
        before=spec.before if with_hooks else None,
        after=spec.after if with_hooks else None,
    )


def _invalid(detail: str) -> Refusal:
    return Refusal(code="INVALID_LAMBDA_CONFIGURATION", message=INVALID + detail)


def _no_function(detail: str) -> Refusal:
    return Refusal(code="INVALID_LAMBDA_FUNCTION", message=detail)
