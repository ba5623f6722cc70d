"""Lambda: versions, aliases, publishing. Reads repeat, writes are one attempt; nothing is ever deleted here.

Reads a function by GetFunction and not GetFunctionConfiguration: it has a rate limit of its own, far above the control
plane's (facts.md A11). Source of the shapes: botocore's Lambda model (facts.md A12).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from ....core.aws import Alias, FunctionVersion, Invocation
from ....core.errors import AwsError, ErrorKind
from ....core.given.package.packaging import Code, StoredPackage
from ....core.given.source import Image
from ....core.reasons import hints
from ..client import Aws
from ..errors import unreadable
from . import invoking

# What describes a version without being one of its settings, or changes by itself after publishing. Everything else
# that Lambda answers, now or in future, counts as a setting: a change that is not seen would not be deployed.
_NOT_SETTINGS = frozenset({
    "CodeSha256",
    "CodeSize",
    "ConfigSha256",
    "Description",
    "FunctionArn",
    "FunctionName",
    "LastModified",
    "LastUpdateStatus",
    "LastUpdateStatusReason",
    "LastUpdateStatusReasonCode",
    "MasterArn",
    "RevisionId",
    "RuntimeVersionConfig",
    "SigningJobArn",
    "SigningProfileVersionArn",
    "State",
    "StateReason",
    "StateReasonCode",
    "Version",
    "ResponseMetadata",
})  # fmt: skip

# What Lambda refuses code for, and what helps.
_HINTS: Mapping[str, hints.Hint] = {
    "CodeStorageExceededException": hints.StorageFull(),
    "CodeVerificationFailedException": hints.SignatureNeeded(),
    "InvalidCodeSignatureException": hints.SignatureWrong(),
    "CodeSigningConfigNotFoundException": hints.SigningConfigGone(),
    "FunctionVersionsPerCapacityProviderLimitExceededException": hints.VersionsFull(),
    "RequestTooLargeException": hints.PackageLarge(),
}

Json = Mapping[str, Any]


class LambdaApi:
    """Implements ports.Lambda."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def version(self, function: str, version: str) -> FunctionVersion | None:
        try:
            answer = self._aws.read(
                "lambda",
                "GetFunction",
                f"function {function}:{version}",
                expects="Configuration",
                FunctionName=function,
                Qualifier=version,
            )
        except AwsError as error:
            if error.code == "ResourceNotFoundException":
                return None
            raise
        made = parse_version(answer["Configuration"], tags=answer.get("Tags"), code=answer.get("Code"))
        if made.version not in ("", version):  # it would be planned with as if it were the one that was asked for
            raise unreadable("lambda", "GetFunction", f"function {function}:{version}", f"Version {version}")
        return made

    def provisioned(self, function: str, alias: str) -> int:
        try:
            answer = self._aws.read(
                "lambda",
                "GetProvisionedConcurrencyConfig",
                f"alias {function}:{alias}",
                FunctionName=function,
                Qualifier=alias,
            )
        except AwsError as error:
            if error.kind is ErrorKind.NOT_FOUND or error.code == "ProvisionedConcurrencyConfigNotFoundException":
                return 0
            raise
        return int(answer.get("RequestedProvisionedConcurrentExecutions") or 0)

    def alias(self, function: str, name: str) -> Alias | None:
        return self._aws.reading(lambda: self.look_alias(function, name))

    def look_alias(self, function: str, name: str) -> Alias | None:
        try:
            answer = self._aws.call(
                "lambda",
                "GetAlias",
                f"alias {function}:{name}",
                expects="FunctionVersion",
                FunctionName=function,
                Name=name,
            )
        except AwsError as error:
            if error.code == "ResourceNotFoundException":
                return None
            raise
        return parse_alias(function, answer)

    def update_code(
        self, function: str, code: Code, content: IO[bytes] | None, *, revision_id: str, by_reference: bool
    ) -> FunctionVersion:
        where: dict[str, Any]
        if isinstance(code, StoredPackage):
            at = code.location
            where = {
                "S3Bucket": at.bucket,
                "S3Key": at.key,
                "S3ObjectVersion": at.version or None,
                # Left out, it would be COPY again.
                "S3ObjectStorageMode": "REFERENCE" if by_reference else None,
            }
        elif isinstance(code, Image):
            where = {"ImageUri": code.uri}
        else:
            assert content is not None
            with content:
                where = {"ZipFile": content.read()}  # 50 MB at most: what is larger goes by S3
        answer = self._write(
            "UpdateFunctionCode",
            f"function {function}",
            expects="CodeSha256",
            FunctionName=function,
            RevisionId=revision_id or None,
            **where,
        )
        if isinstance(code, Image):
            # The answer does not have the image's address; what was just set is it.
            return parse_version(answer, code={"ImageUri": code.uri})
        return parse_version(answer)

    def _write(self, operation: str, resource: str, **parameters: Any) -> dict[str, Any]:
        try:
            return self._aws.call("lambda", operation, resource, **parameters)
        except AwsError as error:
            error.hint = _HINTS.get(error.code, error.hint)
            raise

    def invoke(self, function: str, version: str, payload: str, *, tenant: str, timeout: float) -> Invocation:
        return invoking.invoke(self._aws, function, version, payload, tenant=tenant, timeout=timeout)

    def publish(self, function: str, *, code_sha256: str, revision_id: str, description: str) -> FunctionVersion:
        answer = self._write(
            "PublishVersion",
            f"function {function}",
            expects="Version",
            FunctionName=function,
            # AWS refuses to publish if `$LATEST` is no longer what was looked at.
            CodeSha256=code_sha256 or None,
            RevisionId=revision_id or None,
            Description=description[:256],
        )
        return parse_version(answer)

    def set_alias(self, alias: Alias, version: str) -> Alias:
        answer = self._aws.call(
            "lambda",
            "UpdateAlias",
            f"alias {alias.function}:{alias.name}",
            expects="FunctionVersion",
            FunctionName=alias.function,
            Name=alias.name,
            FunctionVersion=version,
            # An empty map takes the weights away; leaving it out would keep them (facts.md A12).
            RoutingConfig={"AdditionalVersionWeights": {}},
            RevisionId=alias.revision_id or None,
        )
        return parse_alias(alias.function, answer)

    def describe_alias(self, alias: Alias, description: str) -> Alias:
        answer = self._aws.call(
            "lambda",
            "UpdateAlias",
            f"alias {alias.function}:{alias.name}",
            expects="FunctionVersion",
            FunctionName=alias.function,
            Name=alias.name,
            Description=description,
            RevisionId=alias.revision_id or None,
        )
        return parse_alias(alias.function, answer)

    def tag(self, function_arn: str, name: str, value: str | None) -> None:
        resource = f"function {function_arn.split(':')[-1]}"
        if value is None:
            self._aws.call("lambda", "UntagResource", resource, Resource=function_arn, TagKeys=[name])
        else:
            self._aws.call("lambda", "TagResource", resource, Resource=function_arn, Tags={name: value})

    def create_alias(self, function: str, name: str, version: str) -> Alias:
        answer = self._aws.call(
            "lambda",
            "CreateAlias",
            f"alias {function}:{name}",
            expects="FunctionVersion",
            FunctionName=function,
            Name=name,
            FunctionVersion=version,
        )
        return parse_alias(function, answer)


def parse_alias(function: str, answer: Json) -> Alias:
    """Lambda's weights are shares of 1; ours are percentages."""
    routing = answer.get("RoutingConfig") or {}
    weights = routing.get("AdditionalVersionWeights") or {}
    return Alias(
        function=function,
        name=str(answer.get("Name") or ""),
        version=str(answer["FunctionVersion"]),
        weights={str(version): round(float(weight) * 100, 6) for version, weight in weights.items()},
        revision_id=str(answer.get("RevisionId") or ""),
        arn=str(answer.get("AliasArn") or ""),
        description=str(answer.get("Description") or ""),
    )


def parse_version(sent: Json, tags: object = None, code: object = None) -> FunctionVersion:
    environment = (sent.get("Environment") or {}).get("Variables") or {}
    return FunctionVersion(
        function=str(sent.get("FunctionName") or ""),
        version=str(sent.get("Version") or ""),
        code_sha256=str(sent.get("CodeSha256") or ""),
        arn=str(sent.get("FunctionArn") or ""),
        revision_id=str(sent.get("RevisionId") or ""),
        code_size=int(sent.get("CodeSize") or 0),
        state=str(sent.get("State") or "Active"),
        state_reason=str(sent.get("StateReason") or ""),
        state_reason_code=str(sent.get("StateReasonCode") or ""),
        last_update_status=str(sent.get("LastUpdateStatus") or "Successful"),
        last_update_reason=str(sent.get("LastUpdateStatusReason") or ""),
        package_type=str(sent.get("PackageType") or "Zip"),
        image_uri=str(code.get("ImageUri") or "") if isinstance(code, Mapping) else "",
        runtime=str(sent.get("Runtime") or ""),
        memory_mb=int(sent.get("MemorySize") or 0),
        timeout_s=int(sent.get("Timeout") or 0),
        role=str(sent.get("Role") or ""),
        dead_letter_arn=str((sent.get("DeadLetterConfig") or {}).get("TargetArn") or ""),
        layers=_layers(sent),
        environment_names=tuple(sorted(map(str, environment))),
        unread=_unread(sent),
        code_error=_said(code.get("Error")) if isinstance(code, Mapping) else "",
        code_by_reference=isinstance(code, Mapping) and bool(code.get("ResolvedS3Object")),
        kms_key=str(sent.get("KMSKeyArn") or ""),
        capacity_provider=str(
            ((sent.get("CapacityProviderConfig") or {}).get("LambdaManagedInstancesCapacityProviderConfig") or {}).get(
                "CapacityProviderArn"
            )
            or ""
        ),
        durable=bool(sent.get("DurableConfig")),
        replica_of=str(sent.get("MasterArn") or ""),
        description=str(sent.get("Description") or ""),
        last_modified=str(sent.get("LastModified") or ""),
        vpc=bool((sent.get("VpcConfig") or {}).get("SubnetIds")),
        configuration=settings(sent),
        tags={str(key): str(value) for key, value in tags.items()} if isinstance(tags, Mapping) else {},
    )


def _unread(sent: Json) -> dict[str, str]:
    """The settings that Lambda could not decrypt for whoever asks, each with the code of its error."""
    errors = {name: (sent.get(name) or {}).get("Error") for name in ("Environment", "ImageConfigResponse")}
    return {name: str(error.get("ErrorCode") or "unknown") for name, error in errors.items() if error}


def _said(error: Json | None) -> str:
    """An error inside an answer, in AWS's words; empty for none."""
    if not error:
        return ""
    code, message = str(error.get("ErrorCode") or ""), str(error.get("Message") or "")
    return ": ".join(part for part in (code, message) if part) or "unknown"


def _layers(sent: Json) -> tuple[str, ...]:
    return tuple(str(layer.get("Arn") or "") for layer in sent.get("Layers") or ())


def settings(sent: Json) -> dict[str, str]:
    """The settings that a published version freezes, canonical: `$LATEST` and a version made from it compare equal."""
    found = {name: value for name, value in sent.items() if name not in _NOT_SETTINGS}
    found["Layers"] = list(_layers(sent))  # sizes and signing jobs belong to the layer, its ARN names it wholly
    # Without their errors: those are in `unread`.
    found["Environment"] = (sent.get("Environment") or {}).get("Variables")
    found["ImageConfigResponse"] = (sent.get("ImageConfigResponse") or {}).get("ImageConfig")
    # Whether the snapshot is ready differs between `$LATEST` (never) and a version; what was asked for does not.
    apply_on = (sent.get("SnapStart") or {}).get("ApplyOn")
    found["SnapStart"] = None if apply_on == "None" else apply_on
    network = sent.get("VpcConfig") or {}
    found["VpcConfig"] = network.get("SubnetIds") and {
        name: sorted(value) if isinstance(value, list) else value for name, value in network.items() if name != "VpcId"
    }
    found["PackageType"] = sent.get("PackageType") or "Zip"
    return {
        name: json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
        for name, value in sorted(found.items())
        if value not in (None, "", [], {}, ())
    }
