"""Every adapter over HTTP, against the emulator with its clock standing still: what we send and what is understood."""

from __future__ import annotations

import hashlib
import io
import json
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import codedeploy_emulator
from ci_deploy.core.aws import AlarmConfiguration, CreateRequest, Deployment, DeploymentStatus, InlineContent
from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.given.inputs import Inputs
from ci_deploy.core.marker import Marker
from ci_deploy.core.marker import write as marker_text
from ci_deploy.edge.aws import wiring
from ci_deploy.ports import Ports

from .fakes import FakeClock, session

ACCOUNT = "123456789012"


class Emulator:
    """A running emulator: its address, its clock and its list of calls."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.environ = dict(line.split("=", 1) for line in self._ask("/_emulator/env").splitlines())

    def _ask(self, path: str, body: object = None) -> str:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data=data), timeout=30) as answer:
            return str(answer.read().decode())

    def advance(self, seconds: float) -> None:
        self._ask("/_emulator/clock", {"advance": seconds})

    def reset(self) -> None:
        self._ask("/_emulator/reset", {})

    def operations(self) -> set[str]:
        return {f"{call['service']}:{call['operation']}" for call in json.loads(self._ask("/_emulator/calls"))}


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with codedeploy_emulator.Emulator(speed=0) as emulator:
        yield Emulator(emulator.url)


@pytest.fixture
def emulator(running: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    running.reset()
    for name, value in running.environ.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return running


def code(source: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", source)
    return buffer.getvalue()


@pytest.fixture
def ports(emulator: Emulator) -> Ports:
    """A function `checkout` with versions 1 and 2, its alias on 1, a bucket, and a canary deployment group."""

    def client(service: str) -> Any:
        return session().create_client(service)

    functions, codedeploy, buckets = client("lambda"), client("codedeploy"), client("s3")
    role = client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    functions.create_function(
        FunctionName="checkout", Runtime="python3.13", Role=role, Handler="app.handler", Code={"ZipFile": code("1")}
    )
    made = wiring.wire(Inputs(), emulator.environ, clock=FakeClock(), directory=Path(), mask=lambda _: None)
    assert made.lambda_.publish("checkout", code_sha256="", revision_id="", description="one").version == "1"
    functions.update_function_code(FunctionName="checkout", ZipFile=code("2"))
    made.lambda_.create_alias("checkout", "live", "1")
    buckets.create_bucket(Bucket="revisions")
    buckets.put_bucket_versioning(Bucket="revisions", VersioningConfiguration={"Status": "Enabled"})
    codedeploy.create_application(applicationName="shop", computePlatform="Lambda")
    codedeploy.create_deployment_group(
        applicationName="shop",
        deploymentGroupName="blue",
        serviceRoleArn=role,
        deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes",
        deploymentStyle={"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
    )
    return made


def appspec(current: str, target: str) -> str:
    properties = {"Name": "checkout", "Alias": "live", "CurrentVersion": current, "TargetVersion": target}
    return json.dumps(
        {"version": 0.0, "Resources": [{"checkout": {"Type": "AWS::Lambda::Function", "Properties": properties}}]}
    )


def published(ports: Ports) -> str:
    """A version made from `$LATEST`, guarded by what was read of it."""
    latest = ports.lambda_.version("checkout", "$LATEST")
    assert latest is not None
    made = ports.lambda_.publish(
        "checkout", code_sha256=latest.code_sha256, revision_id=latest.revision_id, description="two"
    )
    assert made.configuration == latest.configuration
    return made.version


def created(ports: Ports, text: str, **more: Any) -> str:
    revision = InlineContent(content=text, sha256=hashlib.sha256(text.encode()).hexdigest())
    return ports.codedeploy.create(
        CreateRequest(
            application="shop",
            group="blue",
            function="checkout",
            revision=revision,
            description=more.pop("description", "x"),
            **more,
        )
    )


def look(ports: Ports, wanted: str) -> Deployment:
    (found,) = ports.codedeploy.look((wanted,), frozenset({wanted}))
    return found


def shares(ports: Ports) -> dict[str, float]:
    alias = ports.lambda_.look_alias("checkout", "live")
    assert alias is not None
    return alias.shares


def test_a_canary_deployment_from_publishing_to_the_alias(emulator: Emulator, ports: Ports) -> None:
    assert ports.identities.identity().account == ACCOUNT
    assert ports.codedeploy.group("shop", "blue").compute_platform == "Lambda"
    config = ports.codedeploy.config("CodeDeployDefault.LambdaCanary10Percent5Minutes")
    assert (config.routing.percentage, config.routing.interval_minutes) == (10, 5)
    version = published(ports)
    content = appspec("1", version).encode()
    where = ports.revisions.put("revisions", "CodeDeploy/a.json", content, owner=ACCOUNT, tag=False)
    assert ports.revisions.put("revisions", "CodeDeploy/a.json", content, owner=ACCOUNT, tag=False) == where
    assert ports.revisions.get(where, owner=ACCOUNT) == content.decode()
    marker = marker_text(Marker(id="0a1b2c3d", key="0" * 16, run_id=1, attempt=1))
    request = CreateRequest(application="shop", group="blue", function="checkout", revision=where, description=marker)
    ours = ports.codedeploy.create(request)
    found = ports.codedeploy.find("shop", "blue", "0a1b2c3d")
    assert found is not None
    assert found.id == ours
    assert [one.id for one in ports.codedeploy.active("shop", "blue")] == [ours]
    emulator.advance(60)
    running = look(ports, ours)
    target = running.target_of("checkout", "live")
    assert target is not None
    assert (running.status, target.target_version) == (DeploymentStatus.IN_PROGRESS, version)
    assert shares(ports) == {"1": 90, version: 10}
    emulator.advance(600)
    assert look(ports, ours).status is DeploymentStatus.SUCCEEDED
    assert shares(ports) == {version: 100}
    assert ports.codedeploy.active("shop", "blue") == ()
    assert [one.revision for one in ports.codedeploy.recent("shop", "blue", 5)] == [where]


def test_a_stop_with_rollback_is_followed_to_the_rollback_deployment(emulator: Emulator, ports: Ports) -> None:
    first = created(ports, appspec("1", published(ports)), config_name="CodeDeployDefault.LambdaAllAtOnce")
    emulator.advance(120)
    assert look(ports, first).status is DeploymentStatus.SUCCEEDED
    second = created(ports, appspec("2", "1"), auto_rollback=(), override_alarms=AlarmConfiguration())
    emulator.advance(60)
    with pytest.raises(AwsError) as conflict:
        created(ports, appspec("2", "1"))
    assert conflict.value.kind is ErrorKind.CONFLICT
    assert second in conflict.value.message
    assert ports.codedeploy.stop(second, True, urgent=True).status in ("Pending", "Succeeded")
    emulator.advance(120)
    stopped = look(ports, second)
    assert (stopped.status, stopped.error_code) == (DeploymentStatus.STOPPED, "MANUAL_STOP")
    rollback = look(ports, stopped.rollback_id)
    assert (rollback.status, rollback.rollback_of) == (DeploymentStatus.SUCCEEDED, second)
    assert rollback.automatic_rollback
    assert shares(ports) == {"2": 100}
    with pytest.raises(AwsError, match="AlreadyCompleted"):
        ports.codedeploy.stop(second, True)
    assert isinstance(stopped.revision, InlineContent)


def test_an_alias_that_changed_meanwhile_is_not_overwritten(ports: Ports) -> None:
    version = published(ports)
    alias = ports.lambda_.alias("checkout", "live")
    assert alias is not None
    ports.lambda_.set_alias(alias, version)
    with pytest.raises(AwsError) as caught:
        ports.lambda_.set_alias(alias, "1")
    assert caught.value.kind is ErrorKind.CONFLICT
    assert shares(ports) == {version: 100}


def test_a_role_is_assumed_by_the_jobs_token(emulator: Emulator) -> None:
    role = session().create_client("iam").create_role(RoleName="oidc", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    masked: list[str] = []
    environ = {**emulator.environ, "GITHUB_REPOSITORY": "acme/shop", "GITHUB_RUN_ID": "12"}
    made = wiring.wire(Inputs(role_to_assume=role), environ, clock=FakeClock(), directory=Path(), mask=masked.append)
    assert made.identities.identity().arn.endswith("assumed-role/oidc/ci-deploy-acme-shop-12")
    assert len(masked) == 3


def test_alarms_and_missing_things_are_told(emulator: Emulator, ports: Ports) -> None:
    session().create_client("cloudwatch").put_metric_alarm(
        AlarmName="errors",
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Period=60,
        EvaluationPeriods=1,
        Statistic="Sum",
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    assert [alarm.name for alarm in ports.evidence.alarms(("gone", "errors"))] == ["errors"]
    assert ports.lambda_.version("checkout", "99") is None
    assert ports.lambda_.alias("nobody", "live") is None
    assert ports.codedeploy.look(("d-ZZZZZZZZZ",), frozenset()) == ()
    with pytest.raises(AwsError) as caught:
        ports.codedeploy.group("shop", "green")
    assert caught.value.kind is ErrorKind.NOT_FOUND
    assert ports.evidence.log_lines("checkout", 1.0, None, 5).lines == ()
    assert "codedeploy:GetDeploymentGroup" in emulator.operations()
