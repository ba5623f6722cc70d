"""A small vocabulary for tests: clients, and the things that a deployment needs, all made through the AWS API."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from codedeploy_emulator import Emulator
from codedeploy_emulator.keeping import Kept
from codedeploy_emulator.seed import zip_of
from tests.emulator.model_check import check

ALL_EVENTS = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"]
APP, GROUP = "shop", "live"
CANARY = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"
LINEAR = "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"
_SESSION = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name="us-east-1")


@dataclass
class World:
    """Clients of one emulator, and verbs."""

    emulator: Emulator
    _clients: dict[str, Any] = field(default_factory=dict)
    _kept: dict[str, Kept] = field(default_factory=dict)

    def once(self, name: str, *makes: Callable[[], None]) -> World:
        """What these make in an empty emulator, brought back where it was made before: a dozen calls take longer."""
        if name in self._kept:
            self._kept[name].bring_back()
            return self
        for make in makes:
            make()
        self._kept[name] = self.emulator.keep()
        return self

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client without retries; CodeDeploy's answers are checked against the model."""
        key = f"{service} {sorted(config.items())}"
        if key not in self._clients:
            settings = Config(
                **{"retries": {"total_max_attempts": 1}, "connect_timeout": 5, "read_timeout": 20, **config}
            )
            client = _SESSION.client(service, endpoint_url=self.emulator.url, config=settings)
            if service == "codedeploy":
                client.meta.events.register("after-call.codedeploy.*", _check)
            self._clients[key] = client
        return self._clients[key]

    @property
    def codedeploy(self) -> Any:
        return self.client("codedeploy")

    @property
    def functions(self) -> Any:
        return self.client("lambda")

    def role(self) -> str:
        """An execution role."""
        iam = self.client("iam")
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName="lambda-role", AssumeRolePolicyDocument='{"Version":"2012-10-17","Statement":[]}')
        return "arn:aws:iam::123456789012:role/lambda-role"

    def function(self, name: str, code: str = "def handler(event, context):\n    return event\n", **more: Any) -> None:
        """A Python function; $LATEST only."""
        given = {"Runtime": "python3.13", "Handler": "app.handler", "Role": self.role(), **more}
        self.functions.create_function(FunctionName=name, Code={"ZipFile": zip_of({"app.py": code})}, **given)

    def publish(self, name: str, number: int) -> str:
        """Change a function's code and publish it."""
        code = f"def handler(event, context):\n    return {number}\n"
        self.functions.update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": code}))
        return str(self.functions.publish_version(FunctionName=name)["Version"])

    def served(self, name: str = "checkout", versions: int = 2, alias: str = "live") -> None:
        """A function with versions, its alias on version 1."""
        self.function(name)
        for number in range(versions):
            self.publish(name, number)
        self.functions.create_alias(FunctionName=name, Name=alias, FunctionVersion="1")

    def group(self, name: str = GROUP, config: str = CANARY, **more: Any) -> None:
        """The application, once, and a deployment group with automatic rollback on everything."""
        with contextlib.suppress(self.codedeploy.exceptions.ApplicationAlreadyExistsException):
            self.codedeploy.create_application(applicationName=APP, computePlatform="Lambda")
        given = {
            "serviceRoleArn": "arn:aws:iam::123456789012:role/codedeploy",
            "deploymentConfigName": config,
            "autoRollbackConfiguration": {"enabled": True, "events": ALL_EVENTS},
            **more,
        }
        self.codedeploy.create_deployment_group(applicationName=APP, deploymentGroupName=name, **given)

    def alarm(self, name: str, state: str = "OK") -> None:
        """An alarm in a state."""
        cloudwatch = self.client("cloudwatch")
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")

    def deploy(
        self,
        current: str = "1",
        target: str = "2",
        function: str = "checkout",
        *,
        alias: str = "live",
        before: str | None = None,
        after: str | None = None,
        group: str = GROUP,
        **more: Any,
    ) -> str:
        """Create a deployment from an inline AppSpec; returns its id."""
        revision = content(appspec(current, target, function, alias=alias, before=before, after=after))
        given = {"applicationName": APP, "deploymentGroupName": group, "revision": revision, **more}
        return str(self.codedeploy.create_deployment(**given)["deploymentId"])

    def info(self, deployment: str) -> dict[str, Any]:
        """deploymentInfo."""
        return dict(self.codedeploy.get_deployment(deploymentId=deployment)["deploymentInfo"])

    def status(self, deployment: str) -> str:
        """The deployment's status."""
        return str(self.info(deployment)["status"])

    def error(self, deployment: str) -> str:
        """The deployment's error code."""
        return str(self.info(deployment)["errorInformation"]["code"])

    def target(self, deployment: str) -> dict[str, Any]:
        """The deployment's lambdaTarget."""
        identity = self.codedeploy.list_deployment_targets(deploymentId=deployment)["targetIds"][0]
        found = self.codedeploy.get_deployment_target(deploymentId=deployment, targetId=identity)
        return dict(found["deploymentTarget"]["lambdaTarget"])

    def events(self, deployment: str) -> dict[str, str]:
        """Lifecycle event names and statuses, in order."""
        return {event["lifecycleEventName"]: event["status"] for event in self.target(deployment)["lifecycleEvents"]}

    def traffic(self, function: str = "checkout", alias: str = "live") -> dict[str, float]:
        """What share of the traffic each version has; they sum to 1."""
        found = self.functions.get_alias(FunctionName=function, Name=alias)
        weights = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights", {})
        return {found["FunctionVersion"]: round(1 - sum(weights.values()), 6), **weights}

    def rollback_of(self, deployment: str) -> str:
        """The id of a deployment's rollback deployment."""
        return str(self.info(deployment)["rollbackInfo"]["rollbackDeploymentId"])


def _check(http_response: Any, model: Any, **_: Any) -> None:
    if http_response.status_code == 200:
        check(http_response.content, model.output_shape)


def appspec(
    current: str,
    target: str,
    function: str = "checkout",
    *,
    alias: str = "live",
    before: str | None = None,
    after: str | None = None,
) -> str:
    """An AppSpec in JSON."""
    properties = {"Name": function, "Alias": alias, "CurrentVersion": current, "TargetVersion": target}
    document: dict[str, Any] = {
        "version": 0.0,
        "Resources": [{"function": {"Type": "AWS::Lambda::Function", "Properties": properties}}],
    }
    hooks = [{"BeforeAllowTraffic": before}] if before else []
    hooks += [{"AfterAllowTraffic": after}] if after else []
    if hooks:
        document["Hooks"] = hooks
    return json.dumps(document)


def content(text: str) -> dict[str, Any]:
    """A revision with this AppSpec."""
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": text}}
