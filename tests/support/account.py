"""What tests do to and ask of the emulated account, in a few words, over AWS's own API."""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache, cached_property
from typing import Any
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config

from codedeploy_emulator import Emulator

WRITES = (
    "Create",
    "Update",
    "Delete",
    "Put",
    "Publish",
    "Stop",
    "Register",
    "Tag",
    "Untag",
    "Add",
    "Remove",
    "Set",
)


@cache
def _client(service: str, url: str, region: str) -> Any:
    """Made once for an emulator, not for each test anew."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


class Account:
    """The account behind an emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    def _client(self, service: str) -> Any:
        return _client(service, self.emulator.env["AWS_ENDPOINT_URL"], self.emulator.env["AWS_REGION"])

    @cached_property
    def codedeploy(self) -> Any:
        return self._client("codedeploy")

    @cached_property
    def lambda_(self) -> Any:
        return self._client("lambda")

    @cached_property
    def s3(self) -> Any:
        return self._client("s3")

    @cached_property
    def cloudwatch(self) -> Any:
        return self._client("cloudwatch")

    # --- asking ---

    def serves(self, function: str = "checkout", alias: str = "live") -> dict[str, float]:
        """Percent of traffic by version, as GetAlias alone tells it."""
        found = self.lambda_.get_alias(FunctionName=function, Name=alias)
        weights = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        shares = {version: round(weight * 100, 6) for version, weight in weights.items()}
        primary = round(100 - sum(shares.values()), 6)
        return ({found["FunctionVersion"]: primary} if primary else {}) | shares

    def operations(self) -> list[str]:
        """Every call so far as `service:Operation`, oldest first."""
        return [f"{call['service']}:{call['operation']}" for call in self.emulator.calls]

    def writes(self) -> list[str]:
        """AWS calls that change something."""
        return [
            name
            for name in self.operations()
            if not name.startswith("github") and name.split(":")[1].startswith(WRITES)
        ]

    def deployment(self, deployment_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.codedeploy.get_deployment(deploymentId=deployment_id)["deploymentInfo"]
        return found

    def deployments(self, group: str = "checkout-live") -> list[str]:
        """The group's deployments, newest first."""
        found: list[str] = self.codedeploy.list_deployments(applicationName="checkout-app", deploymentGroupName=group)[
            "deployments"
        ]
        return sorted(found, key=lambda each: self.deployment(each)["createTime"], reverse=True)

    def appspec(self, location: str) -> dict[str, Any]:
        """The AppSpec at an `s3://bucket/key?versionId=…` address."""
        bucket, _, rest = location.removeprefix("s3://").partition("/")
        key, _, version = rest.partition("?versionId=")
        extra = {"VersionId": version} if version else {}
        body = self.s3.get_object(Bucket=bucket, Key=key, **extra)["Body"].read()
        return json.loads(body)

    def comments(self, number: int = 7, repository: str = "your-org/checkout") -> list[str]:
        address = f"{self.emulator.env['GITHUB_API_URL']}/repos/{repository}/issues/{number}/comments"
        with urlopen(Request(address, headers={"Authorization": "Bearer x"})) as answer:
            return [comment["body"] for comment in json.load(answer)]

    # --- doing ---

    def code(self, text: str, function: str = "checkout") -> None:
        """New code in $LATEST."""
        self.lambda_.update_function_code(FunctionName=function, ZipFile=zipped({"app.py": text}))

    def queue(self, name: str) -> str:
        """An SQS queue; its ARN."""
        sqs = self._client("sqs")
        address = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn: str = sqs.get_queue_attributes(QueueUrl=address, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return arn

    def publish(self, text: str, function: str = "checkout") -> str:
        """New code, published; the version's number."""
        self.code(text, function)
        version: str = self.lambda_.publish_version(FunctionName=function)["Version"]
        return version

    def set_config(self, name: str, group: str = "checkout-live") -> None:
        self.codedeploy.update_deployment_group(
            applicationName="checkout-app", currentDeploymentGroupName=group, deploymentConfigName=name
        )

    def ring(self, alarm: str = "checkout-errors", state: str = "ALARM") -> None:
        self.cloudwatch.set_alarm_state(AlarmName=alarm, StateValue=state, StateReason="5 errors in 1 minute")

    def deploy(self, current: str, target: str, config: str = "CodeDeployDefault.LambdaAllAtOnce", **extra: Any) -> str:
        """Somebody else's deployment; its AppSpec is `by_hand`, sent along unless `revision` says where it is."""
        content = {"revisionType": "AppSpecContent", "appSpecContent": {"content": by_hand(current, target)}}
        found: str = self.codedeploy.create_deployment(
            applicationName="checkout-app",
            deploymentGroupName="checkout-live",
            deploymentConfigName=config,
            **{"revision": content, **extra},
        )["deploymentId"]
        return found

    def served(self, text: str) -> str:
        """New code, published and deployed by somebody else, some time ago; the version's number."""
        (current,) = self.serves()
        version = self.publish(text)
        self.deploy(current, version)
        self.emulator.advance(60)
        assert self.serves() == {version: 100.0}
        return version


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


def by_hand(current: str, target: str) -> str:
    """An AppSpec of somebody else, in JSON."""
    properties = {"Name": "checkout", "Alias": "live", "CurrentVersion": current, "TargetVersion": target}
    resource = {"checkout": {"Type": "AWS::Lambda::Function", "Properties": properties}}
    return json.dumps({"version": 0.0, "Resources": [resource]})
