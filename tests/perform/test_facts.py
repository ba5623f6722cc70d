"""Which readings a gathering makes, and in which order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from ci_deploy.core.aws import (
    Alias,
    Deployment,
    DeploymentConfig,
    DeploymentGroup,
    DeploymentStatus,
    DeploymentTarget,
    FunctionVersion,
    Identity,
    Routing,
    RoutingType,
)
from ci_deploy.core.given.inputs import Inputs
from ci_deploy.core.given.parsing import parse
from ci_deploy.core.machine.actions import Gather
from ci_deploy.core.marker import Marker, key_of, write
from ci_deploy.core.plan.planning import Facts
from ci_deploy.perform.facts import gather
from ci_deploy.ports import Ports

IDENTITY = Identity(account="123456789012", arn="arn:aws:iam::123456789012:role/ci", region="eu-central-1")
ALIAS = Alias(function="checkout", name="live", version="2")
TARGET = DeploymentTarget(target_id="t", function="other", alias="live", current_version="1", target_version="2")
RUNNING = Deployment(id="d-A1B2C3D4E", status=DeploymentStatus.IN_PROGRESS)


class Noted:
    """Ports that answer what they are given, or None, and note every call as `port.method`."""

    def __init__(self, **answers: Any) -> None:
        self.calls: list[str] = []
        self._answers = answers

    def __getattr__(self, port: str) -> Any:
        return _Port(port, self.calls, self._answers)


class _Port:
    def __init__(self, name: str, calls: list[str], answers: dict[str, Any]) -> None:
        self._name, self._calls, self._answers = name, calls, answers

    def __getattr__(self, method: str) -> Any:
        def call(*_: Any, **__: Any) -> Any:
            self._calls.append(f"{self._name}.{method}")
            return self._answers.get(method)

        return call


def inputs(**given: str) -> Inputs:
    usual = {"function": "checkout", "application": "app", "deployment-group": "group", "code": "build"}
    return parse(usual | given)


def gathered(ports: Noted, given: Inputs, **more: bool) -> Facts:
    action = Gather(key="checkout:live", inputs=given, run_id=1, **more)
    return gather(action, cast("Ports", ports), lambda *_: None)


def test_what_is_decided_is_read_about_briefly() -> None:
    with_target = Deployment(id=RUNNING.id, status=RUNNING.status, targets=(TARGET,))
    ports = Noted(identity=IDENTITY, active=(RUNNING,), with_targets=with_target, alias=ALIAS)
    facts = gathered(ports, inputs(), brief=True)
    assert facts == Facts(identity=IDENTITY, active=(with_target,), alias=ALIAS)
    # A deployment that ends in between is still waited for: the alias comes last.
    assert ports.calls == ["identities.identity", "codedeploy.active", "codedeploy.with_targets", "lambda_.alias"]


@pytest.mark.parametrize("command", ["deploy", "plan"])
def test_a_package_is_hashed_before_what_is_in_service_is_read(command: str) -> None:
    class Packing(Noted):
        def __getattr__(self, port: str) -> Any:
            if port == "packages":
                raise TimeoutError
            return super().__getattr__(port)

    ports = Packing(identity=IDENTITY, version=object(), alias=ALIAS)
    with pytest.raises(TimeoutError):
        gathered(ports, inputs(command=command))
    assert ports.calls == ["identities.identity", "lambda_.version"]


class Account(Noted):
    """A function with an alias, and a deployment group that nothing was ever deployed with."""

    job_limit = None
    credentials_end = None

    def __init__(self, config: str = "mine", attempted: str = "", recent: tuple[Deployment, ...] = ()) -> None:
        version = FunctionVersion(function="checkout", version="2", code_sha256="x")
        group = DeploymentGroup(application="app", name="group", config_name=config, last_attempted_id=attempted)
        group = replace(group, last_successful_id=attempted)
        answers = {"provisioned": 0, "permissions": (), "event_sources": (), "recent": recent}
        super().__init__(identity=IDENTITY, alias=ALIAS, group=group, version=version, **answers)


@pytest.mark.parametrize("key", ["ours", "theirs", ""])
def test_the_target_of_the_last_success_is_asked_for_by_our_functions_name_where_its_marker_is_ours(key: str) -> None:
    ours = key_of("deploy", "checkout", "live", "2")
    written = Marker(id="0badcafe", key={"ours": ours}.get(key, "0" * 16), run_id=0, attempt=1)
    last = Deployment(
        id=RUNNING.id, status=DeploymentStatus.SUCCEEDED, description=write(written) if key else "by hand"
    )
    asked = []

    class Past(Account):
        def __getattr__(self, port: str) -> Any:
            found = super().__getattr__(port)
            if port == "codedeploy":
                found.with_targets = lambda one, function: asked.append((one.id, function)) or one
            return found

    ports = Past(attempted=last.id, recent=(last,))
    gathered(ports, inputs(**FIRST_DEPLOYMENT))
    assert asked == [(last.id, "checkout" if key == "ours" else "")]


FIRST_DEPLOYMENT = {"code": "$LATEST", "guards": "off"}


@pytest.mark.parametrize(
    ("command", "attempted", "refused", "read"),
    [
        ("deploy", "", False, False),
        ("plan", "", False, False),
        ("deploy", "d-A1B2C3D4E", False, True),
        # The group says that there was none, and CodeDeploy that one is running.
        ("deploy", "", True, True),
        ("status", "", False, True),
    ],
)
def test_the_deployments_of_a_group_that_has_had_none_are_not_listed(
    command: str, attempted: str, refused: bool, read: bool
) -> None:
    ports = Account(attempted=attempted)
    given = FIRST_DEPLOYMENT if command != "status" else {"code": ""}
    gathered(ports, inputs(command=command, **given), refused=refused)
    assert ("codedeploy.recent" in ports.calls) is read


def test_a_config_of_awss_own_is_not_read() -> None:
    ports = Account(config="CodeDeployDefault.LambdaCanary10Percent5Minutes")
    facts = gathered(ports, inputs(**FIRST_DEPLOYMENT))
    shape = Routing(kind=RoutingType.CANARY, percentage=10, interval_minutes=5)
    assert facts.config == DeploymentConfig(name="CodeDeployDefault.LambdaCanary10Percent5Minutes", routing=shape)
    assert "codedeploy.config" not in ports.calls
    ports = Account()
    gathered(ports, inputs(**FIRST_DEPLOYMENT))
    assert "codedeploy.config" in ports.calls


@pytest.mark.parametrize(("command", "versions"), [("deploy", 2), ("plan", 7)])
def test_what_publishing_will_say_by_itself_only_a_plan_foresees(command: str, versions: int) -> None:
    """Lambda answers to the publishing of what `$LATEST` holds with the version that failed before, if there is one."""
    ports = Account()
    gathered(ports, inputs(command=command, **FIRST_DEPLOYMENT))
    assert ports.calls.count("lambda_.version") == versions
