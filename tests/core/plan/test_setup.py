"""What `setup` would do, as a pure function of inputs and what exists."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_deploy.core.aws import (
    AlarmConfiguration,
    Alias,
    DeploymentConfig,
    DeploymentGroup,
    Identity,
    RollbackEvent,
    Routing,
    RoutingType,
)
from ci_deploy.core.given.inputs import Inputs
from ci_deploy.core.given.parsing import parse
from ci_deploy.core.plan.setup import Difference, Found, GroupSettings, Item, Status, plan
from ci_deploy.core.reasons import setup as reasons
from ci_deploy.core.reasons.preflight import deployment as preflight
from ci_deploy.core.reasons.reason import Reason
from ci_deploy.core.result import Finding, Severity

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


def test_everything_is_created_where_there_is_nothing_in_the_order_in_which_it_is_possible() -> None:
    made = plan(
        inputs(
            service_role_arn=ROLE,
            deployment_config="canary 5% 3m",
            alarms="b\na",
            triggers="arn:aws:sns:eu-central-1:123456789012:t",
            function="f",
            create_alias="true",
        ),
        replace(NOTHING, newest_version="9"),
    )
    name = "ci-deploy-canary-5-3"
    assert made.items == (
        Item(what="application", name="app", status=Status.CREATE, detail="compute platform Lambda"),
        Item(what="deployment config", name=name, status=Status.CREATE, detail="canary 5% 3m"),
        Item(
            what="deployment group",
            name="app/group",
            status=Status.CREATE,
            detail=f"{name}; auto-rollback on DEPLOYMENT_FAILURE, DEPLOYMENT_STOP_ON_ALARM, "
            "DEPLOYMENT_STOP_ON_REQUEST; alarms b, a; triggers arn:aws:sns:eu-central-1:123456789012:t",
        ),
        Item(what="alias", name="f:live", status=Status.CREATE, detail="version 9"),
    )
    assert made.pending == made.items
    assert made.settings == GroupSettings(
        config_name=name,
        service_role_arn=ROLE,
        rollback_events=tuple(RollbackEvent),
        alarms=("b", "a"),
        triggers=("arn:aws:sns:eu-central-1:123456789012:t",),
    )
    assert made.custom == Routing(kind=RoutingType.CANARY, percentage=5, interval_minutes=3)
    assert made.findings == ()


def test_a_group_is_created_with_as_little_as_is_said() -> None:
    made = plan(inputs(service_role_arn=ROLE, auto_rollback="off"), NOTHING)
    assert [(item.what, item.detail) for item in made.items] == [
        ("application", "compute platform Lambda"),
        ("deployment group", "AWS's default deployment config; auto-rollback on none"),
    ]
    assert made.settings == GroupSettings(service_role_arn=ROLE, rollback_events=())
    assert made.custom is None


def test_a_config_that_is_there_already_is_not_made_again() -> None:
    found = replace(
        ALL,
        config=DeploymentConfig(name="x", routing=Routing(kind=RoutingType.CANARY, percentage=5, interval_minutes=3)),
    )
    made = plan(inputs(deployment_config="canary 5% 3m"), found)
    name = "ci-deploy-canary-5-3"
    assert made.items[1] == Item(what="deployment config", name=name, status=Status.THERE, detail="canary 5% 3m")
    assert made.refusals == ()


def test_a_config_that_is_named_is_shown_where_it_exists_and_refused_where_it_does_not() -> None:
    own = "CodeDeployDefault.LambdaAllAtOnce"
    made = plan(inputs(deployment_config=own), replace(ALL, config=config()))
    assert made.items[1] == Item(what="deployment config", name=own, status=Status.THERE)
    assert made.findings == ()
    missing = plan(inputs(deployment_config=own), ALL)
    assert [item.what for item in missing.items] == ["application", "deployment group"]
    assert [finding.code for finding in missing.refusals] == ["config-missing"]


def test_nothing_is_done_where_all_is_there_and_nothing_is_said_of_it() -> None:
    made = plan(inputs(), ALL)
    assert (made.pending, made.findings) == ((), ())


def test_only_what_the_inputs_speak_of_is_compared_and_sent() -> None:
    given = {"deployment_config": "CodeDeployDefault.LambdaCanary10Percent5Minutes", "alarms": "a\nb"}
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


@pytest.mark.parametrize(
    ("given", "difference", "settings"),
    [
        (
            {"deployment_config": "canary 5% 3m"},
            Difference(
                setting="deployment config",
                now="CodeDeployDefault.LambdaAllAtOnce",
                wanted="ci-deploy-canary-5-3",
            ),
            GroupSettings(config_name="ci-deploy-canary-5-3"),
        ),
        (
            {"service_role_arn": ROLE + "-new"},
            Difference(setting="service role", now=ROLE, wanted=ROLE + "-new"),
            GroupSettings(service_role_arn=ROLE + "-new"),
        ),
        (
            {"auto_rollback": "off"},
            Difference(setting="auto-rollback", now="DEPLOYMENT_FAILURE", wanted="none"),
            GroupSettings(rollback_events=()),
        ),
        (
            {"auto_rollback": "stop-request,failure"},
            Difference(
                setting="auto-rollback",
                now="DEPLOYMENT_FAILURE",
                wanted="DEPLOYMENT_FAILURE, DEPLOYMENT_STOP_ON_REQUEST",
            ),
            GroupSettings(rollback_events=(RollbackEvent.STOP_REQUEST, RollbackEvent.FAILURE)),
        ),
        (
            {"alarms": "c\na"},
            Difference(setting="alarms", now="a, b", wanted="a, c"),
            GroupSettings(alarms=("c", "a")),
        ),
        (
            {"triggers": "arn:aws:sns:eu-central-1:123456789012:t"},
            Difference(setting="triggers", now="none", wanted="arn:aws:sns:eu-central-1:123456789012:t"),
            GroupSettings(triggers=("arn:aws:sns:eu-central-1:123456789012:t",)),
        ),
    ],
)
def test_a_difference_is_shown_and_changed_only_where_that_is_asked_for(
    given: dict[str, str], difference: Difference, settings: GroupSettings
) -> None:
    detail = f"{difference.setting}: {difference.now} → {difference.wanted}"
    made = plan(inputs(**given), ALL)
    group = made.items[-1]
    assert group == Item(
        what="deployment group", name="app/group", status=Status.DRIFT, detail=detail, differences=(difference,)
    )
    assert group not in made.pending
    assert made.refusals == ()
    assert made.findings == (
        Finding(
            severity=Severity.WARNING,
            reason=reasons.GroupDiffers(
                group="app/group", differences=((difference.setting, difference.now, difference.wanted),)
            ),
        ),
    )
    changed = plan(inputs(**given, update_group="true"), ALL)
    assert changed.pending[-1:] == (replace(group, status=Status.UPDATE),)
    assert (changed.settings, changed.findings) == (settings, ())


def test_several_differences_are_one_line() -> None:
    (group,) = [item for item in plan(inputs(alarms="c", auto_rollback="off"), ALL).items if item.differences]
    assert group.detail == "auto-rollback: DEPLOYMENT_FAILURE → none; alarms: a, b → c"


@pytest.mark.parametrize(
    "given",
    [
        {"auto_rollback": "default"},
        {"auto_rollback": "failure"},
        {"alarms": "a\nb"},
        {"alarms": "b\na"},
        {"service_role_arn": ROLE},
        {"triggers": ""},
    ],
)
def test_what_the_group_has_or_the_inputs_leave_open_is_no_difference(given: dict[str, str]) -> None:
    made = plan(inputs(**given, update_group="true"), ALL)
    assert made.items[-1] == Item(what="deployment group", name="app/group", status=Status.THERE)
    assert made.settings == GroupSettings()


def test_what_is_switched_off_in_the_group_counts_as_none() -> None:
    off = replace(GROUP, auto_rollback_enabled=False, alarms=AlarmConfiguration(enabled=False, names=("a",)))
    made = plan(inputs(auto_rollback="failure", alarms="a"), replace(ALL, group=off))
    assert [(each.setting, each.now) for each in made.items[-1].differences] == [
        ("auto-rollback", "none"),
        ("alarms", "none"),
    ]


def config(platform: str = "Lambda") -> DeploymentConfig:
    return DeploymentConfig(name="x", routing=Routing(kind=RoutingType.ALL_AT_ONCE), compute_platform=platform)


@pytest.mark.parametrize(
    ("found", "given", "refused"),
    [
        (
            replace(ALL, application="Server", group=replace(GROUP, compute_platform="Server")),
            {},
            reasons.OtherPlatform(what="application", name="app", platform="Server"),
        ),
        (
            replace(ALL, group=replace(GROUP, compute_platform="ECS")),
            {},
            reasons.OtherPlatform(what="deployment group", name="app/group", platform="ECS"),
        ),
        (
            replace(NOTHING, application_named=False),
            {"service_role_arn": ROLE},
            reasons.ApplicationUnnamed(application="app", others=""),
        ),
        (
            replace(NOTHING, application_named=False, applications=("shop", "store")),
            {"service_role_arn": ROLE},
            reasons.ApplicationUnnamed(application="app", others="`shop`, `store`"),
        ),
        (NOTHING, {}, reasons.ServiceRoleMissing()),
        (ALL, {"deployment_config": "mine"}, preflight.ConfigMissing(config="mine", ours=False, in_setup=True)),
        (
            replace(ALL, config=config("Server")),
            {"deployment_config": "canary 5% 3m"},
            preflight.ConfigPlatform(config="ci-deploy-canary-5-3", platform="Server"),
        ),
        (
            replace(ALL, config=config()),
            {"deployment_config": "canary 5% 3m"},
            preflight.ConfigOther(config="ci-deploy-canary-5-3", shape="all-at-once"),
        ),
        (
            replace(ALL, function_exists=False),
            {"function": "f"},
            preflight.FunctionMissing(function="f", account="123456789012", region="eu-central-1", needed=False),
        ),
    ],
)
def test_what_cannot_be_done_is_refused(found: Found, given: dict[str, str], refused: Reason) -> None:
    """And that is the only refusal."""
    assert plan(inputs(**given), found).refusals == (Finding(severity=Severity.REFUSAL, reason=refused),)


def test_everything_that_keeps_setup_from_beginning_is_said_at_once() -> None:
    found = replace(NOTHING, application="Server", function_exists=False)
    refusals = plan(inputs(function="f", deployment_config="mine"), found).refusals
    assert [finding.code for finding in refusals] == [
        "other-platform",
        "config-missing",
        "service-role-missing",
        "function-missing",
    ]


def test_an_alias_is_created_on_the_newest_version_or_left_to_the_first_deployment() -> None:
    def alias(found: Found, **given: str) -> list[Item]:
        return [item for item in plan(inputs(**given), found).items if item.what == "alias"]

    later = Item(
        what="alias",
        name="f:live",
        status=Status.LATER,
        detail="with `create-alias: true` the first `deploy` creates it on the version that it publishes",
    )
    there = replace(ALL, alias=Alias(function="f", name="live", version="3"), newest_version="9")
    newest = replace(ALL, newest_version="9")
    assert alias(there, function="f", create_alias="true") == [
        Item(what="alias", name="f:live", status=Status.THERE, detail="version 3")
    ]
    assert alias(newest, function="f", create_alias="true") == [
        Item(what="alias", name="f:live", status=Status.CREATE, detail="version 9")
    ]
    assert alias(newest, function="f") == [later]
    assert alias(ALL, function="f", create_alias="true") == [later]
    assert alias(ALL) == []
    assert alias(replace(ALL, function_exists=False), function="f") == []
