"""An account to observe: plain boto3, resources that are made when first needed, and that are all deleted again.

Everything is called `ci-deploy-conformance…` (hooks `CodeDeployHook_ci-deploy-conformance…`), in one region.
"""

from __future__ import annotations

import contextlib
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

PREFIX = "ci-deploy-conformance"
HOOK = f"CodeDeployHook_{PREFIX}"
EVENTS = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"]
AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"
CANARY = f"{PREFIX}-canary"  # 10 %, the rest a minute later
ONE_PERCENT = f"{PREFIX}-one-percent"
MANAGED = "arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"

APP = """
def handler(event, context):
    return {0!r}
"""

HOOKED = """
import json
import boto3


def handler(event, context):
    print("EVENT " + json.dumps(event))
    boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status={0!r},
    )
"""


def zipped(text: str) -> bytes:
    """A zip with the text as app.py, always of the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py", (2026, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


@dataclass
class Account:
    """`endpoint` None: AWS itself. `wait` lets so many of the account's seconds go by."""

    endpoint: str | None = None
    region: str = "us-east-1"
    wait: Callable[[float], object] = time.sleep
    credentials: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        session = boto3.session.Session(region_name=self.region, **self.credentials)  # type: ignore[arg-type]
        options = Config(retries={"mode": "standard", "total_max_attempts": 8})

        def client(service: str) -> Any:
            return session.client(service, endpoint_url=self.endpoint, config=options)

        self.codedeploy, self.lambda_, self.iam = client("codedeploy"), client("lambda"), client("iam")
        self.cloudwatch, self.logs, self.sts = client("cloudwatch"), client("logs"), client("sts")
        self.observed: dict[Callable[[Account], Any], Any] = {}

    # Waiting

    def until(self, what: Callable[[], Any], seconds: float = 600.0) -> Any:
        """What `what` gives as soon as it gives something; AssertionError after so many of the account's seconds."""
        for _ in range(max(1, round(seconds))):
            if found := what():
                return found
            self.wait(1.0)
        raise AssertionError(f"nothing came within {seconds:g} seconds")

    def once(self, scene: Callable[[Account], Any]) -> Any:
        """What a scene showed; it is played once for all claims about it."""
        if scene not in self.observed:
            self.observed[scene] = scene(self)
        return self.observed[scene]

    # What is there

    @property
    def roles(self) -> tuple[str, str]:
        """The ARNs of CodeDeploy's service role and of the functions' role."""
        return self.once(_roles)

    @property
    def application(self) -> str:
        """The application, with its deployment configs."""
        return str(self.once(_application))

    def arn(self, name: str, qualifier: str = "") -> str:
        account = self.once(lambda_account)
        return f"arn:aws:lambda:{self.region}:{account}:function:{name}" + (f":{qualifier}" if qualifier else "")

    def function(self, name: str, text: str = "", **more: Any) -> str:
        """A function, active; returns its full name."""
        full = name if name.startswith(HOOK) else f"{PREFIX}-{name}"
        given = {
            "FunctionName": full,
            "Runtime": "python3.13",
            "Handler": "app.handler",
            "Role": self.roles[1],
            "Timeout": 30,
            "Code": {"ZipFile": zipped(text or APP.format(0))},
            **more,
        }

        def made() -> bool:
            try:
                self.lambda_.create_function(**given)
            except self.lambda_.exceptions.InvalidParameterValueException as error:
                if "assumed" not in str(error):  # a role that is new is not known everywhere yet
                    raise
                return False
            return True

        self.until(made, 60)
        self.lambda_.get_waiter("function_active_v2").wait(FunctionName=full)
        return full

    def update(self, name: str, number: int) -> Any:
        """New code for `$LATEST`, settled; the answer of UpdateFunctionCode."""
        answer = self.lambda_.update_function_code(FunctionName=name, ZipFile=zipped(APP.format(number)))
        self.lambda_.get_waiter("function_updated_v2").wait(FunctionName=name)
        return answer

    def publish(self, name: str, number: int) -> str:
        self.update(name, number)
        version = str(self.lambda_.publish_version(FunctionName=name)["Version"])
        self.lambda_.get_waiter("function_active_v2").wait(FunctionName=name, Qualifier=version)
        return version

    def served(self, name: str) -> str:
        """A function with versions 1 and 2, its alias `live` on 1, and a deployment group of the same name."""
        full = self.function(name)
        for number in (1, 2):
            self.publish(full, number)
        self.lambda_.create_alias(FunctionName=full, Name="live", FunctionVersion="1")
        self.codedeploy.create_deployment_group(
            applicationName=self.application,
            deploymentGroupName=full,
            serviceRoleArn=self.roles[0],
            deploymentConfigName=AT_ONCE,
            deploymentStyle={"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
            autoRollbackConfiguration={"enabled": True, "events": EVENTS},
        )
        return full

    def hook(self, name: str, status: str) -> str:
        """A hook function that prints its event and reports a status."""
        return self.function(f"{HOOK}-{name}", HOOKED.format(status))

    # Deploying

    def deploy(self, full: str, appspec: str | None = None, **more: Any) -> str:
        content = appspec if appspec is not None else spec(full)
        return str(
            self.codedeploy.create_deployment(
                applicationName=self.application,
                deploymentGroupName=full,
                revision={"revisionType": "AppSpecContent", "appSpecContent": {"content": content}},
                **more,
            )["deploymentId"]
        )

    def info(self, deployment: str) -> dict[str, Any]:
        return dict(self.codedeploy.get_deployment(deploymentId=deployment)["deploymentInfo"])

    def over(self, deployment: str) -> dict[str, Any]:
        """Its information once it has ended."""

        def ended() -> dict[str, Any] | None:
            info = self.info(deployment)
            return info if info["status"] in ("Succeeded", "Failed", "Stopped") else None

        return dict(self.until(ended))

    def rolled_back(self, deployment: str) -> dict[str, Any]:
        """The information of its rollback deployment, once that has ended."""
        identity = self.until(lambda: self.info(deployment).get("rollbackInfo", {}).get("rollbackDeploymentId"), 120)
        return self.over(identity)

    def target(self, deployment: str) -> dict[str, Any]:
        """Its lambdaTarget; empty before it has started."""
        try:
            ids = self.codedeploy.list_deployment_targets(deploymentId=deployment)["targetIds"]
        except self.codedeploy.exceptions.DeploymentNotStartedException:
            return {}
        if not ids:
            return {}
        found = self.codedeploy.get_deployment_target(deploymentId=deployment, targetId=ids[0])
        return dict(found["deploymentTarget"]["lambdaTarget"])

    def events(self, deployment: str) -> dict[str, str]:
        found = self.target(deployment).get("lifecycleEvents", [])
        return {event["lifecycleEventName"]: event["status"] for event in found}

    def shifting(self, deployment: str) -> dict[str, Any]:
        """Its target at the first look that shows some of the traffic shifted."""

        def looked() -> dict[str, Any] | None:
            target = self.target(deployment)
            return target if target.get("lambdaFunctionInfo", {}).get("targetVersionWeight") else None

        return dict(self.until(looked, 120))

    # Cleaning up

    def clean(self) -> list[str]:
        """Delete everything that has the suite's name; returns what was there."""
        gone: list[str] = []
        for text, delete in self._leftovers():
            with contextlib.suppress(ClientError):
                delete()
                gone.append(text)
        return gone

    def _leftovers(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        with contextlib.suppress(ClientError):
            groups = self.codedeploy.list_deployment_groups(applicationName=PREFIX)["deploymentGroups"]
            for group in groups:
                yield (
                    f"deployment group {group}",
                    lambda group=group: self.codedeploy.delete_deployment_group(
                        applicationName=PREFIX, deploymentGroupName=group
                    ),
                )
            yield f"application {PREFIX}", lambda: self.codedeploy.delete_application(applicationName=PREFIX)
        pages = self.codedeploy.get_paginator("list_deployment_configs").paginate()
        for config in (name for page in pages for name in page["deploymentConfigsList"] if name.startswith(PREFIX)):
            yield (
                f"deployment config {config}",
                lambda config=config: self.codedeploy.delete_deployment_config(deploymentConfigName=config),
            )
        for page in self.lambda_.get_paginator("list_functions").paginate():
            for function in page["Functions"]:
                name = function["FunctionName"]
                if name.startswith((PREFIX, HOOK)):
                    yield f"function {name}", lambda name=name: self.lambda_.delete_function(FunctionName=name)
        for start in (PREFIX, HOOK):
            found = self.logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{start}")["logGroups"]
            for group in found:
                name = group["logGroupName"]
                yield f"log group {name}", lambda name=name: self.logs.delete_log_group(logGroupName=name)
        alarms = self.cloudwatch.describe_alarms(AlarmNamePrefix=PREFIX)["MetricAlarms"]
        for alarm in alarms:
            name = alarm["AlarmName"]
            yield f"alarm {name}", lambda name=name: self.cloudwatch.delete_alarms(AlarmNames=[name])
        for role, policy in ((f"{PREFIX}-service", MANAGED), (f"{PREFIX}-function", BASIC)):
            yield f"role {role}", lambda role=role, policy=policy: self._drop_role(role, policy)

    def _drop_role(self, role: str, policy: str) -> None:
        with contextlib.suppress(ClientError):
            self.iam.detach_role_policy(RoleName=role, PolicyArn=policy)
        with contextlib.suppress(ClientError):
            self.iam.delete_role_policy(RoleName=role, PolicyName="report")
        self.iam.delete_role(RoleName=role)


@cache
def spec(function: str, current: str = "1", target: str = "2", before: str = "", after: str = "") -> str:
    """An AppSpec in JSON."""
    properties = {"Name": function, "Alias": "live", "CurrentVersion": current, "TargetVersion": target}
    document: dict[str, Any] = {
        "version": 0.0,
        "Resources": [{"function": {"Type": "AWS::Lambda::Function", "Properties": properties}}],
    }
    hooks = [{"BeforeAllowTraffic": before}] if before else []
    hooks += [{"AfterAllowTraffic": after}] if after else []
    return json.dumps(document | ({"Hooks": hooks} if hooks else {}))


def lambda_account(account: Account) -> str:
    return str(account.sts.get_caller_identity()["Account"])


def _roles(account: Account) -> tuple[str, str]:
    found = []
    for name, service, policy in (
        ("service", "codedeploy.amazonaws.com", MANAGED),
        ("function", "lambda.amazonaws.com", BASIC),
    ):
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        role = account.iam.create_role(
            RoleName=f"{PREFIX}-{name}",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]
        account.iam.attach_role_policy(RoleName=role["RoleName"], PolicyArn=policy)
        found.append(role["Arn"])
    report = {
        "Effect": "Allow",
        "Action": "codedeploy:PutLifecycleEventHookExecutionStatus",
        "Resource": f"arn:aws:codedeploy:{account.region}:*:deploymentgroup:{PREFIX}/*",
    }
    account.iam.put_role_policy(
        RoleName=f"{PREFIX}-function",
        PolicyName="report",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [report]}),
    )
    account.wait(15.0)  # until the roles are known everywhere
    return found[0], found[1]


def _application(account: Account) -> str:
    account.codedeploy.create_application(applicationName=PREFIX, computePlatform="Lambda")
    for name, percent in ((CANARY, 10), (ONE_PERCENT, 1)):
        account.codedeploy.create_deployment_config(
            deploymentConfigName=name,
            computePlatform="Lambda",
            trafficRoutingConfig={
                "type": "TimeBasedCanary",
                "timeBasedCanary": {"canaryPercentage": percent, "canaryInterval": 1},
            },
        )
    return PREFIX
