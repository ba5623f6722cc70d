"""CodeDeploy's reads and settings: kept as given, paged, filtered."""

from __future__ import annotations

import hashlib

import pytest

from codedeploy_emulator.codedeploy.api import applications as codedeploy_setup
from codedeploy_emulator.codedeploy.api import groups as codedeploy_groups
from codedeploy_emulator.codedeploy.model.store import Store
from tests.emulator.world import ALL_EVENTS, APP, AT_ONCE, CANARY, GROUP, LINEAR, World, appspec, content

SHA256 = hashlib.sha256(appspec("1", "2").encode()).hexdigest()


def _all(world: World, operation: str, member: str, **arguments: object) -> list:
    paginator = world.codedeploy.get_paginator(operation)
    return [item for page in paginator.paginate(**arguments) for item in page[member]]


@pytest.mark.parametrize(
    ("name", "routing"),
    [
        (AT_ONCE, {"type": "AllAtOnce"}),
        *[
            (
                f"CodeDeployDefault.LambdaCanary10Percent{minutes}Minutes",
                {"type": "TimeBasedCanary", "timeBasedCanary": {"canaryPercentage": 10, "canaryInterval": minutes}},
            )
            for minutes in (5, 10, 15, 30)
        ],
        *[
            (
                f"CodeDeployDefault.LambdaLinear10PercentEvery{minutes}Minute{'s' if minutes > 1 else ''}",
                {"type": "TimeBasedLinear", "timeBasedLinear": {"linearPercentage": 10, "linearInterval": minutes}},
            )
            for minutes in (1, 2, 3, 10)
        ],
    ],
)
def test_the_predefined_lambda_configs_are_awss(world: World, name: str, routing: dict) -> None:
    found = world.codedeploy.get_deployment_config(deploymentConfigName=name)["deploymentConfigInfo"]
    assert (found["computePlatform"], found["trafficRoutingConfig"]) == ("Lambda", routing)
    assert name in _all(world, "list_deployment_configs", "deploymentConfigsList")


def test_a_custom_config_deploys_as_it_says_and_goes_when_nothing_uses_it(shop: World) -> None:
    routing = {"type": "TimeBasedLinear", "timeBasedLinear": {"linearPercentage": 40, "linearInterval": 2}}
    create = shop.codedeploy.create_deployment_config
    create(deploymentConfigName="mine", computePlatform="Lambda", trafficRoutingConfig=routing)
    deployment = shop.deploy(deploymentConfigName="mine")
    seen = []
    for _ in range(3):
        shop.emulator.advance(110)
        seen.append(shop.target(deployment)["lambdaFunctionInfo"]["targetVersionWeight"])
    assert seen == [0.4, 0.8, 1.0]
    shop.codedeploy.delete_deployment_config(deploymentConfigName="mine")
    assert "mine" not in _all(shop, "list_deployment_configs", "deploymentConfigsList")


def test_a_group_keeps_all_its_settings(world: World) -> None:
    settings = {
        "alarmConfiguration": {"enabled": True, "ignorePollAlarmFailure": True, "alarms": [{"name": "errors"}]},
        "autoRollbackConfiguration": {"enabled": True, "events": ALL_EVENTS},
        "triggerConfigurations": [
            {
                "triggerName": "tell",
                "triggerTargetArn": "arn:aws:sns:us-east-1:123456789012:topic",
                "triggerEvents": ["DeploymentFailure"],
            }
        ],
        "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        "deploymentConfigName": LINEAR,
        "serviceRoleArn": "arn:aws:iam::123456789012:role/codedeploy",
    }
    world.codedeploy.create_application(applicationName=APP, computePlatform="Lambda")
    world.codedeploy.create_deployment_group(applicationName=APP, deploymentGroupName=GROUP, **settings)
    get = world.codedeploy.get_deployment_group
    found = get(applicationName=APP, deploymentGroupName=GROUP)["deploymentGroupInfo"]
    assert {key: found[key] for key in settings} == settings
    assert found["computePlatform"] == "Lambda"
    world.codedeploy.update_deployment_group(
        applicationName=APP,
        currentDeploymentGroupName=GROUP,
        newDeploymentGroupName="better",
        deploymentConfigName=CANARY,
        alarmConfiguration={"enabled": False, "alarms": []},
    )
    found = get(applicationName=APP, deploymentGroupName="better")["deploymentGroupInfo"]
    assert (found["deploymentConfigName"], found["alarmConfiguration"]["enabled"]) == (CANARY, False)
    assert found["triggerConfigurations"] == settings["triggerConfigurations"]
    batch = world.codedeploy.batch_get_deployment_groups(applicationName=APP, deploymentGroupNames=["better", GROUP])
    assert [group["deploymentGroupName"] for group in batch["deploymentGroupsInfo"]] == ["better"]
    assert GROUP in batch["errorMessage"]
    world.codedeploy.delete_deployment_group(applicationName=APP, deploymentGroupName="better")
    assert _all(world, "list_deployment_groups", "deploymentGroups", applicationName=APP) == []


def test_applications_are_created_renamed_tagged_and_deleted(world: World) -> None:
    codedeploy = world.codedeploy
    codedeploy.create_application(applicationName="a", computePlatform="Lambda", tags=[{"Key": "team", "Value": "x"}])
    codedeploy.update_application(applicationName="a", newApplicationName="b")
    assert codedeploy.get_application(applicationName="b")["application"]["computePlatform"] == "Lambda"
    arn = "arn:aws:codedeploy:us-east-1:123456789012:application:b"
    codedeploy.tag_resource(ResourceArn=arn, Tags=[{"Key": "cost", "Value": "1"}])
    codedeploy.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert codedeploy.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "cost", "Value": "1"}]
    assert len(codedeploy.batch_get_applications(applicationNames=["b"])["applicationsInfo"]) == 1
    codedeploy.delete_application(applicationName="b")
    assert _all(world, "list_applications", "applications") == []


def test_a_renamed_application_keeps_its_groups_deployments_and_tags(shop: World) -> None:
    codedeploy = shop.codedeploy
    arn = "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:{}/{}"
    codedeploy.tag_resource(ResourceArn=arn.format(APP, GROUP), Tags=[{"Key": "team", "Value": "x"}])
    deployment = shop.deploy(deploymentConfigName=AT_ONCE)
    shop.emulator.advance(1)
    codedeploy.update_application(applicationName=APP, newApplicationName="store")
    # One of the old name is another application, and its deployments stay where they are.
    shop.group()
    other = shop.deploy()
    codedeploy.update_application(applicationName="store", newApplicationName="shops")
    codedeploy.update_application(applicationName="shops", newApplicationName="store")
    assert shop.info(other)["applicationName"] == APP
    codedeploy.update_deployment_group(
        applicationName="store", currentDeploymentGroupName=GROUP, newDeploymentGroupName="main"
    )
    shop.emulator.advance(60)
    info = shop.info(deployment)
    assert (info["status"], info["applicationName"], info["deploymentGroupName"]) == ("Succeeded", "store", "main")
    tags = codedeploy.list_tags_for_resource(ResourceArn=arn.format("store", "main"))["Tags"]
    assert tags == [{"Key": "team", "Value": "x"}]
    group = codedeploy.get_deployment_group(applicationName="store", deploymentGroupName="main")["deploymentGroupInfo"]
    batch = codedeploy.batch_get_deployment_groups(applicationName="store", deploymentGroupNames=["main"])
    assert (batch["deploymentGroupsInfo"], "errorMessage" in batch) == ([group], False)
    assert (group["applicationName"], group["lastSuccessfulDeployment"]["deploymentId"]) == ("store", deployment)
    found = codedeploy.list_deployments(applicationName="store", deploymentGroupName="main")["deployments"]
    assert found == [deployment]


@pytest.mark.parametrize(
    ("platform", "config"),
    [("Server", "CodeDeployDefault.OneAtATime"), ("Lambda", AT_ONCE), ("ECS", "CodeDeployDefault.ECSAllAtOnce")],
)
def test_a_group_that_names_no_config_has_its_platforms_default(world: World, platform: str, config: str) -> None:
    role = "arn:aws:iam::123456789012:role/codedeploy"
    world.codedeploy.create_application(applicationName="a", computePlatform=platform)
    world.codedeploy.create_deployment_group(applicationName="a", deploymentGroupName="g", serviceRoleArn=role)
    found = world.codedeploy.get_deployment_group(applicationName="a", deploymentGroupName="g")["deploymentGroupInfo"]
    assert (found["deploymentConfigName"], found["computePlatform"]) == (config, platform)
    assert found["serviceRoleArn"] == role


def test_lists_come_in_pages_and_end(shop: World) -> None:
    shop.emulator.switches(page_size=2, deployments_order="newest-first")
    deployments = []
    for current, target in (("1", "2"), ("2", "1"), ("1", "2"), ("2", "1"), ("1", "2")):
        deployments.append(shop.deploy(current, target, deploymentConfigName=AT_ONCE))
        shop.emulator.advance(60)
    assert _all(shop, "list_deployments", "deployments") == deployments[::-1]
    shop.emulator.switches(deployments_order="oldest-first")
    assert _all(shop, "list_deployments", "deployments") == deployments
    shop.emulator.switches(deployments_order="any")
    assert sorted(_all(shop, "list_deployments", "deployments")) == sorted(deployments)
    assert len(_all(shop, "list_deployment_configs", "deploymentConfigsList")) == 17


def test_deployments_are_found_by_group_status_and_time(shop: World) -> None:
    shop.group("other")
    shop.served("basket")
    before = shop.emulator.now
    first = shop.deploy(deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    second = shop.deploy(function="basket", group="other")
    find = shop.codedeploy.list_deployments
    assert find(applicationName=APP, deploymentGroupName=GROUP)["deployments"] == [first]
    assert find(includeOnlyStatuses=["Created", "InProgress"])["deployments"] == [second]
    assert find(createTimeRange={"start": before, "end": before + 10})["deployments"] == [first]
    assert find(createTimeRange={"start": before + 10})["deployments"] == [second]
    assert find(externalId="stack")["deployments"] == []
    batch = shop.codedeploy.batch_get_deployments(deploymentIds=[first, second, "d-000000000"])["deploymentsInfo"]
    assert [info["deploymentId"] for info in batch] == [first, second]


def test_targets_can_be_listed_by_status(shop: World) -> None:
    deployment = shop.deploy()
    shop.emulator.advance(10)
    find = shop.codedeploy.list_deployment_targets
    assert find(deploymentId=deployment, targetFilters={"TargetStatus": ["InProgress"]})["targetIds"] == ["checkout"]
    assert find(deploymentId=deployment, targetFilters={"TargetStatus": ["Failed"]})["targetIds"] == []
    batch = shop.codedeploy.batch_get_deployment_targets(deploymentId=deployment, targetIds=["checkout"])
    assert batch["deploymentTargets"][0]["deploymentTargetType"] == "LambdaTarget"


def test_revisions_are_registered_found_and_filtered(shop: World) -> None:
    codedeploy = shop.codedeploy
    inline = content(appspec("1", "2"))
    stored = {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "CodeDeploy/a", "bundleType": "YAML"}}
    for revision in (inline, stored):
        codedeploy.register_application_revision(applicationName=APP, revision=revision, description="mine")
    assert codedeploy.get_application_revision(applicationName=APP, revision=inline)["revisionInfo"]["description"] == (
        "mine"
    )
    find = codedeploy.list_application_revisions
    assert find(applicationName=APP, s3Bucket="b", s3KeyPrefix="Code")["revisions"] == [stored]
    assert len(find(applicationName=APP, sortBy="registerTime", sortOrder="descending")["revisions"]) == 2
    shop.deploy(deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    used = find(applicationName=APP, deployed="include")["revisions"]
    assert [revision["revisionType"] for revision in used] == ["AppSpecContent"]
    assert find(applicationName=APP, deployed="exclude")["revisions"] == [stored]
    batch = codedeploy.batch_get_application_revisions(applicationName=APP, revisions=[inline, content("other")])
    assert batch["revisions"][0]["genericRevisionInfo"]["deploymentGroups"] == [GROUP]
    assert "not registered" in batch["errorMessage"]


def test_a_deployment_shows_its_description_and_its_times(shop: World) -> None:
    started = shop.emulator.now
    deployment = shop.deploy(description="ci-deploy/1 id=0123abcd", deploymentConfigName=AT_ONCE)
    shop.emulator.advance(60)
    info = shop.info(deployment)
    assert (info["description"], info["creator"], info["computePlatform"]) == (
        "ci-deploy/1 id=0123abcd",
        "user",
        "Lambda",
    )
    times = [info[name].timestamp() for name in ("createTime", "startTime", "completeTime")]
    assert times == sorted(times)
    assert times[0] == started


def test_other_accounts_and_regions_see_nothing_of_this_one(shop: World) -> None:
    token = shop.client("sts").assume_role(RoleArn="arn:aws:iam::111122223333:role/other", RoleSessionName="session")[
        "Credentials"
    ]
    import boto3

    session = boto3.Session(token["AccessKeyId"], token["SecretAccessKey"], token["SessionToken"], "us-east-1")
    other = session.client("codedeploy", endpoint_url=shop.emulator.url)
    assert other.list_applications()["applications"] == []
    other.close()
    abroad = boto3.client(
        "codedeploy",
        endpoint_url=shop.emulator.url,
        region_name="eu-west-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    assert abroad.list_applications()["applications"] == []
    abroad.close()


@pytest.mark.parametrize(
    ("switch", "value", "expected"),
    [
        ("target_id", "function", "checkout"),
        ("target_id", "function-and-alias", "checkout:live"),
        ("target_id", "arn", "arn:aws:lambda:us-east-1:123456789012:function:checkout"),
    ],
)
def test_the_form_of_target_ids_is_a_switch(shop: World, switch: str, value: str, expected: str) -> None:
    shop.emulator.switches({switch: value})
    deployment = shop.deploy()
    shop.emulator.advance(10)
    assert shop.target(deployment)["targetId"] == expected


def test_the_scale_of_weights_and_the_ends_of_the_lifecycle_are_switches(shop: World) -> None:
    shop.emulator.switches(weight_scale="percent", lifecycle_events="all")
    deployment = shop.deploy()
    shop.emulator.advance(10)
    assert shop.target(deployment)["lambdaFunctionInfo"]["targetVersionWeight"] == 10.0
    assert list(shop.events(deployment)) == ["Start", "BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic", "End"]


def test_a_limit_on_the_appspecs_size_is_a_switch(shop: World) -> None:
    shop.emulator.switches(appspec_limit_bytes=50)
    with pytest.raises(shop.codedeploy.exceptions.InvalidRevisionException, match="larger than 50 bytes"):
        shop.deploy()


def test_a_revision_registered_again_gets_the_new_description_and_keeps_the_old_without_one(shop: World) -> None:
    codedeploy, revision = shop.codedeploy, content(appspec("1", "2"))
    for description, expected in (("first", "first"), (None, "first"), ("second", "second")):
        more = {} if description is None else {"description": description}
        codedeploy.register_application_revision(applicationName=APP, revision=revision, **more)
        info = codedeploy.get_application_revision(applicationName=APP, revision=revision)["revisionInfo"]
        assert info["description"] == expected
        assert not {"firstUsedTime", "lastUsedTime"} & set(info)
    batch = codedeploy.batch_get_application_revisions(applicationName=APP, revisions=[revision])
    assert [one["revisionLocation"] for one in batch["revisions"]] == [
        {"revisionType": "AppSpecContent", "appSpecContent": {"content": appspec("1", "2"), "sha256": SHA256}}
    ]
    assert "errorMessage" not in batch


def test_an_update_that_names_nothing_changes_nothing(shop: World) -> None:
    codedeploy, group = shop.codedeploy, {"applicationName": APP, "deploymentGroupName": GROUP}
    before = codedeploy.get_deployment_group(**group)["deploymentGroupInfo"]
    codedeploy.update_application(applicationName=APP)
    codedeploy.update_deployment_group(applicationName=APP, currentDeploymentGroupName=GROUP)
    assert codedeploy.get_deployment_group(**group)["deploymentGroupInfo"] == before
    assert codedeploy.get_application(applicationName=APP)["application"]["applicationName"] == APP


def test_a_groups_role_and_strategy_can_be_changed(shop: World) -> None:
    role = "arn:aws:iam::123456789012:role/other"
    shop.codedeploy.update_deployment_group(
        applicationName=APP,
        currentDeploymentGroupName=GROUP,
        serviceRoleArn=role,
        outdatedInstancesStrategy="IGNORE",
    )
    found = shop.codedeploy.get_deployment_group(applicationName=APP, deploymentGroupName=GROUP)["deploymentGroupInfo"]
    assert (found["serviceRoleArn"], found["outdatedInstancesStrategy"]) == (role, "IGNORE")


def test_deleting_what_is_not_there_is_no_error(world: World) -> None:
    codedeploy = world.codedeploy
    answer = codedeploy.delete_deployment_group(applicationName="none", deploymentGroupName="none")
    assert answer["hooksNotCleanedUp"] == []
    for delete in (
        lambda: codedeploy.delete_application(applicationName="none"),
        lambda: codedeploy.delete_deployment_config(deploymentConfigName="none"),
    ):
        assert delete()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_applications_and_groups_are_limited_in_number(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codedeploy_setup, "APPLICATIONS_PER_ACCOUNT", 1)
    monkeypatch.setattr(codedeploy_groups, "GROUPS_PER_APPLICATION", 1)
    with pytest.raises(shop.codedeploy.exceptions.ApplicationLimitExceededException):
        shop.codedeploy.create_application(applicationName="more", computePlatform="Lambda")
    with pytest.raises(shop.codedeploy.exceptions.DeploymentGroupLimitExceededException):
        shop.group("more")
    assert _all(shop, "list_applications", "applications") == [APP]
    assert _all(shop, "list_deployment_groups", "deploymentGroups", applicationName=APP) == [GROUP]


def test_a_resource_has_fifty_tags_at_most(world: World) -> None:
    def tags(start: int, end: int) -> list[dict[str, str]]:
        return [{"Key": f"k{number}", "Value": "v"} for number in range(start, end)]

    codedeploy, arn = world.codedeploy, "arn:aws:codedeploy:us-east-1:123456789012:application:a"
    with pytest.raises(codedeploy.exceptions.InvalidTagsToAddException):
        codedeploy.create_application(applicationName="a", computePlatform="Lambda", tags=tags(0, 51))
    codedeploy.create_application(applicationName="a", computePlatform="Lambda", tags=tags(0, 50))
    codedeploy.tag_resource(ResourceArn=arn, Tags=tags(0, 10))
    with pytest.raises(codedeploy.exceptions.InvalidTagsToAddException):
        codedeploy.tag_resource(ResourceArn=arn, Tags=tags(50, 51))
    assert len(codedeploy.list_tags_for_resource(ResourceArn=arn)["Tags"]) == 50


def test_configs_of_other_platforms_are_kept_as_given_and_fit_no_lambda_group(shop: World) -> None:
    create, get = shop.codedeploy.create_deployment_config, shop.codedeploy.get_deployment_config
    create(deploymentConfigName="hosts", minimumHealthyHosts={"type": "HOST_COUNT", "value": 2})
    create(deploymentConfigName="ecs", computePlatform="ECS", trafficRoutingConfig={"type": "AllAtOnce"})
    hosts, ecs = (get(deploymentConfigName=name)["deploymentConfigInfo"] for name in ("hosts", "ecs"))
    assert (hosts["computePlatform"], hosts["minimumHealthyHosts"]) == ("Server", {"type": "HOST_COUNT", "value": 2})
    assert (ecs["computePlatform"], ecs["trafficRoutingConfig"]) == ("ECS", {"type": "AllAtOnce"})
    for name in ("hosts", "ecs"):
        with pytest.raises(shop.codedeploy.exceptions.InvalidDeploymentConfigNameException):
            shop.deploy(deploymentConfigName=name)


def test_ids_are_never_given_twice() -> None:
    first, second = Store(0), Store(0)
    taken = first.new_deployment_id()
    second._ids.add(taken)
    assert second.new_deployment_id() == first.new_deployment_id() != taken
