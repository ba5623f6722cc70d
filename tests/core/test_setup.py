"""What `setup` would do, as a pure function of inputs and what exists."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_deploy.core.inputs import Inputs, parse
from ci_deploy.core.model import (
    AlarmConfiguration,
    Alias,
    DeploymentConfig,
    DeploymentGroup,
    Identity,
    Routing,
    RoutingType,
)
from ci_deploy.core.setup import Found, GroupSettings, Status, config_name, plan, routing_of

IDENTITY = Identity(account="123456789012", arn="arn:aws:sts::123456789012:assumed-role/ci/x", region="eu-central-1")
ROLE = "arn:aws:iam::123456789012:role/codedeploy"
GROUP = DeploymentGroup(
    application="app",
    name="group",
    config_name="CodeDeployDefault.LambdaAllAtOnce",
    service_role_arn=ROLE,
    alarms=AlarmConfiguration(enabled=True, names=("b", "a")),
    auto_rollback_enabled=True,
    auto_rollback_events=("DEPLOYMENT_FAILURE",),
)
NOTHING = Found(identity=IDENTITY)
ALL = Found(identity=IDENTITY, application="Lambda", group=GROUP)


def inputs(**given: str) -> Inputs:
    usual = {"command": "setup", "application": "app", "deployment-group": "group"}
    return parse({**usual, **{name.replace("_", "-"): value for name, value in given.items()}})


def statuses(found: Found, **given: str) -> dict[str, Status]:
    return {item.what: item.status for item in plan(inputs(**given), found).items}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("canary 10% 5m", "CodeDeployDefault.LambdaCanary10Percent5Minutes"),
        ("canary 10% 7m", "ci-deploy.LambdaCanary10Percent7Minutes"),
        ("canary 25% 5m", "ci-deploy.LambdaCanary25Percent5Minutes"),
        ("linear 10% every 1m", "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"),
        ("linear 20% every 3m", "ci-deploy.LambdaLinear20PercentEvery3Minutes"),
    ],
)
def test_a_config_is_named_by_what_it_does_and_awss_own_are_not_made_again(text: str, name: str) -> None:
    assert config_name(inputs(custom_config=text)) == name


def test_a_traffic_shift_is_read() -> None:
    assert routing_of("canary 15% 30m") == Routing(kind=RoutingType.CANARY, percentage=15, interval_minutes=30)
    assert routing_of("linear 5% every 2m") == Routing(kind=RoutingType.LINEAR, percentage=5, interval_minutes=2)


def test_everything_is_created_where_there_is_nothing() -> None:
    made = plan(inputs(service_role_arn=ROLE, custom_config="canary 5% 3m"), NOTHING)
    assert [item.what for item in made.pending] == ["application", "deployment config", "deployment group"]
    assert made.settings.rollback_events is not None
    assert len(made.settings.rollback_events) == 3
    assert made.refusals == ()


def test_nothing_is_done_where_all_is_there_and_nothing_is_said_of_it() -> None:
    made = plan(inputs(), ALL)
    assert (made.pending, made.findings) == ((), ())


def test_only_what_the_inputs_speak_of_is_compared_and_sent() -> None:
    given = {"deployment_config": "CodeDeployDefault.LambdaCanary10Percent5Minutes", "alarms": "a,b"}
    config = DeploymentConfig(name="x", routing=Routing(kind=RoutingType.CANARY, percentage=10, interval_minutes=5))
    found = replace(ALL, config=config)
    made = plan(inputs(**given), found)
    (group,) = [item for item in made.items if item.what == "deployment group"]
    assert group.status is Status.DRIFT
    assert [difference.setting for difference in group.differences] == ["deployment config"]
    assert [finding.code for finding in made.findings] == ["group-differs"]
    changed = plan(inputs(**given, update_group="true"), found)
    assert [item.what for item in changed.pending] == ["deployment group"]
    assert changed.settings == GroupSettings(config_name="CodeDeployDefault.LambdaCanary10Percent5Minutes")


def test_switching_rollback_off_is_a_difference_and_the_default_is_none() -> None:
    assert statuses(ALL, auto_rollback="off")["deployment group"] is Status.DRIFT
    assert statuses(ALL, auto_rollback="default")["deployment group"] is Status.THERE
    assert statuses(ALL, auto_rollback="failure")["deployment group"] is Status.THERE


@pytest.mark.parametrize(
    ("found", "given", "code"),
    [
        (replace(ALL, application="Server"), {}, "application-platform"),
        (replace(ALL, group=replace(GROUP, compute_platform="ECS")), {}, "application-platform"),
        (NOTHING, {}, "service-role-missing"),
        (ALL, {"deployment_config": "mine"}, "config-missing"),
        (replace(ALL, function_exists=False), {"function": "f"}, "function-missing"),
        (
            replace(ALL, config=DeploymentConfig(name="x", routing=Routing(kind=RoutingType.ALL_AT_ONCE))),
            {"custom_config": "canary 5% 3m"},
            "config-other",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_remedy(found: Found, given: dict[str, str], code: str) -> None:
    refusals = plan(inputs(**given), found).refusals
    assert [finding.code for finding in refusals] == [code]
    assert refusals[0].remedy


def test_an_alias_is_created_on_the_newest_version_or_left_to_the_first_deployment() -> None:
    there = replace(ALL, alias=Alias(function="f", name="live", version="3"))
    assert statuses(there, function="f")["alias"] is Status.THERE
    assert statuses(ALL, function="f")["alias"] is Status.LATER
    assert statuses(ALL, function="f", create_alias="true")["alias"] is Status.LATER
    newest = replace(ALL, newest_version="9")
    assert statuses(newest, function="f", create_alias="true")["alias"] is Status.CREATE
    assert "alias" not in statuses(ALL)
