"""Every error that CodeDeploy's model names is produced, or listed here with the reason why it cannot occur."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
import requests
from botocore.exceptions import ClientError

from codedeploy_emulator.codedeploy.api.validation import ROLLBACK_EVENTS
from codedeploy_emulator.codedeploy.model.engine import execution_id
from tests.emulator.world import APP, AT_ONCE, CANARY, GROUP, World, appspec, content

Json = dict[str, Any]
D = "d-ABCDEFGHI"
LONG = "x" * 101
ALARMS = {"enabled": True, "alarms": [{"name": f"alarm{number}"} for number in range(11)]}
GOOD = content(appspec("1", "2"))
CREATE = {"applicationName": APP, "deploymentGroupName": GROUP, "revision": GOOD}
ROLE = "arn:aws:iam::123456789012:role/codedeploy"
NEW_GROUP = {"applicationName": APP, "deploymentGroupName": "other", "serviceRoleArn": ROLE}
UPDATE = {"applicationName": APP, "currentDeploymentGroupName": GROUP}
TRIGGER = {
    "triggerName": "t",
    "triggerTargetArn": "arn:aws:sns:us-east-1:123456789012:t",
    "triggerEvents": ["DeploymentStart"],
}
CONFIG = {"deploymentConfigName": "mine", "computePlatform": "Lambda", "trafficRoutingConfig": {"type": "AllAtOnce"}}
ARN = f"arn:aws:codedeploy:us-east-1:123456789012:application:{APP}"
NO_APP_ARN = "arn:aws:codedeploy:us-east-1:123456789012:application:none"
NO_GROUP_ARN = f"arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:{APP}/none"
BAD_ROLLBACK = {"autoRollbackConfiguration": {"enabled": True, "events": ["WHENEVER"]}}
TAG = [{"Key": "a", "Value": "b"}]


def canary(percent: int, minutes: int) -> Json:
    routing = {"canaryPercentage": percent, "canaryInterval": minutes}
    return {**CONFIG, "trafficRoutingConfig": {"type": "TimeBasedCanary", "timeBasedCanary": routing}}


def linear(percent: int, minutes: int) -> Json:
    routing = {"linearPercentage": percent, "linearInterval": minutes}
    return {**CONFIG, "trafficRoutingConfig": {"type": "TimeBasedLinear", "timeBasedLinear": routing}}


def of_application(operation: str, **more: Any) -> list[tuple[str, Json, str]]:
    """The errors that every operation on an application has."""
    return [
        (operation, {**more}, "ApplicationNameRequired"),
        (operation, {"applicationName": "a b", **more}, "InvalidApplicationName"),
        (operation, {"applicationName": "none", **more}, "ApplicationDoesNotExist"),
    ]


def of_deployment(operation: str, **more: Any) -> list[tuple[str, Json, str]]:
    """The errors that every operation on a deployment has."""
    return [
        (operation, {**more}, "DeploymentIdRequired"),
        (operation, {"deploymentId": "d-1", **more}, "InvalidDeploymentId"),
        (operation, {"deploymentId": "d-000000000", **more}, "DeploymentDoesNotExist"),
    ]


# D stands for a deployment that runs, "d-OVER" for one that is over, "d-NEW" for one that has not started.
CASES: list[tuple[str, Json, str]] = [
    *of_application("CreateDeployment", deploymentGroupName=GROUP, revision=GOOD),
    ("CreateDeployment", {**CREATE, "deploymentGroupName": None}, "DeploymentGroupNameRequired"),
    ("CreateDeployment", {**CREATE, "deploymentGroupName": LONG}, "InvalidDeploymentGroupName"),
    ("CreateDeployment", {**CREATE, "deploymentGroupName": "none"}, "DeploymentGroupDoesNotExist"),
    ("CreateDeployment", {**CREATE, "revision": None}, "RevisionRequired"),
    ("CreateDeployment", {**CREATE, "revision": {"revisionType": "GitHub"}}, "InvalidRevision"),
    (
        "CreateDeployment",
        {**CREATE, "revision": {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "k", "bundleType": "tar"}}},
        "InvalidRevision",
    ),
    (
        "CreateDeployment",
        {**CREATE, "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": "a", "sha256": "0"}}},
        "InvalidRevision",
    ),
    (
        "CreateDeployment",
        {**CREATE, "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "0" * 64}}},
        "RevisionDoesNotExist",
    ),
    ("CreateDeployment", {**CREATE, "revision": {"revisionType": "S3"}}, "InvalidRevision"),
    ("CreateDeployment", {**CREATE, "deploymentConfigName": "a b"}, "InvalidDeploymentConfigName"),
    (
        "CreateDeployment",
        {**CREATE, "deploymentConfigName": "CodeDeployDefault.OneAtATime"},
        "InvalidDeploymentConfigName",
    ),
    ("CreateDeployment", {**CREATE, "deploymentConfigName": ""}, "InvalidDeploymentConfigName"),
    (
        "CreateDeployment",
        {**CREATE, "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce"},
        "InvalidDeploymentConfigName",
    ),
    ("CreateDeployment", {**CREATE, "deploymentConfigName": "none"}, "DeploymentConfigDoesNotExist"),
    ("CreateDeployment", {**CREATE, "description": "x" * 257}, "DescriptionTooLong"),
    ("CreateDeployment", CREATE, "DeploymentLimitExceeded"),
    ("CreateDeployment", {**CREATE, "targetInstances": {"autoScalingGroups": ["a"]}}, "InvalidTargetInstances"),
    (
        "CreateDeployment",
        {**CREATE, "overrideAlarmConfiguration": {"enabled": True, "alarms": []}},
        "InvalidAlarmConfig",
    ),
    ("CreateDeployment", {**CREATE, "overrideAlarmConfiguration": ALARMS}, "AlarmsLimitExceeded"),
    ("CreateDeployment", {**CREATE, **BAD_ROLLBACK}, "InvalidAutoRollbackConfig"),
    (
        "CreateDeployment",
        {**CREATE, "autoRollbackConfiguration": {"enabled": True, "events": []}},
        "InvalidAutoRollbackConfig",
    ),
    ("CreateDeployment", {**CREATE, "fileExistsBehavior": "OVERWRITE"}, "InvalidFileExistsBehavior"),
    (
        "CreateDeployment",
        {**CREATE, "applicationName": "servers", "deploymentGroupName": "ec2"},
        "InvalidComputePlatform",
    ),
    ("CreateDeployment", {**CREATE, "updateOutdatedInstancesOnly": True}, "InvalidUpdateOutdatedInstancesOnlyValue"),
    (
        "CreateDeployment",
        {**CREATE, "ignoreApplicationStopFailures": True},
        "InvalidIgnoreApplicationStopFailuresValue",
    ),
    (
        "CreateDeployment",
        {**CREATE, "ec2DeploymentOptions": {"autoScalingGroupProcessesToSuspend": ["x"]}},
        "InvalidAutoScalingGroupProcessToSuspend",
    ),
    ("CreateDeployment", {**CREATE, "deploymentMode": "RESTART"}, "InvalidInput"),
    ("CreateApplication", {}, "ApplicationNameRequired"),
    ("CreateApplication", {"applicationName": LONG}, "InvalidApplicationName"),
    ("CreateApplication", {"applicationName": APP}, "ApplicationAlreadyExists"),
    ("CreateApplication", {"applicationName": "x", "computePlatform": "Cloud"}, "InvalidComputePlatform"),
    ("CreateApplication", {"applicationName": "x", "tags": [{"Key": "aws:x", "Value": ""}]}, "InvalidTagsToAdd"),
    *of_application("GetApplication"),
    ("BatchGetApplications", {"applicationNames": []}, "ApplicationNameRequired"),
    ("BatchGetApplications", {"applicationNames": ["a b"]}, "InvalidApplicationName"),
    ("BatchGetApplications", {"applicationNames": ["none"]}, "ApplicationDoesNotExist"),
    ("BatchGetApplications", {"applicationNames": ["a"] * 101}, "BatchLimitExceeded"),
    *[
        ("ListApplications", {"nextToken": token}, "InvalidNextToken")
        # What base64 is not, JSON is not, has no place in it, or one before the beginning.
        for token in ("x", "eA==", "W10=", "e30=", "eyJmcm9tIjogMH0=", "eyJmcm9tIjogIjEifQ==")
    ],
    *of_application("UpdateApplication", newApplicationName="new"),
    ("UpdateApplication", {"applicationName": APP, "newApplicationName": "servers"}, "ApplicationAlreadyExists"),
    ("DeleteApplication", {}, "ApplicationNameRequired"),
    ("DeleteApplication", {"applicationName": "a b"}, "InvalidApplicationName"),
    *of_application("CreateDeploymentGroup", deploymentGroupName="other", serviceRoleArn=ROLE),
    ("CreateDeploymentGroup", {**NEW_GROUP, "deploymentGroupName": None}, "DeploymentGroupNameRequired"),
    ("CreateDeploymentGroup", {**NEW_GROUP, "deploymentGroupName": "a b"}, "InvalidDeploymentGroupName"),
    ("CreateDeploymentGroup", {**NEW_GROUP, "deploymentGroupName": GROUP}, "DeploymentGroupAlreadyExists"),
    ("CreateDeploymentGroup", {**NEW_GROUP, "serviceRoleArn": None}, "RoleRequired"),
    ("CreateDeploymentGroup", {**NEW_GROUP, "serviceRoleArn": "me"}, "InvalidRole"),
    (
        "GetApplicationRevision",
        {"applicationName": APP, "revision": GOOD | {"revisionType": "Paper"}},
        "InvalidRevision",
    ),
    ("CreateDeploymentGroup", {**NEW_GROUP, "tags": [{"Key": ""}]}, "InvalidTagsToAdd"),
    *[
        (operation, {**base, **wrong}, code)
        for operation, base in (("CreateDeploymentGroup", NEW_GROUP), ("UpdateDeploymentGroup", UPDATE))
        for wrong, code in (
            ({"ec2TagFilters": [{"Key": "a"}]}, "InvalidEC2Tag"),
            ({"onPremisesInstanceTagFilters": [{"Key": "a"}]}, "InvalidTag"),
            ({"autoScalingGroups": ["a"]}, "InvalidAutoScalingGroup"),
            ({"deploymentConfigName": "a b"}, "InvalidDeploymentConfigName"),
            ({"deploymentConfigName": ""}, "InvalidDeploymentConfigName"),
            ({"deploymentConfigName": "none"}, "DeploymentConfigDoesNotExist"),
            ({"outdatedInstancesStrategy": "LATER"}, "InvalidInput"),
            ({"triggerConfigurations": [{"triggerName": "t"}]}, "InvalidTriggerConfig"),
            ({"triggerConfigurations": [{**TRIGGER, "triggerEvents": ["Never"]}]}, "InvalidTriggerConfig"),
            ({"triggerConfigurations": [TRIGGER] * 11}, "TriggerTargetsLimitExceeded"),
            ({"alarmConfiguration": {"enabled": True}}, "InvalidAlarmConfig"),
            ({"alarmConfiguration": {"enabled": True, "alarms": [{}]}}, "InvalidAlarmConfig"),
            ({"alarmConfiguration": {"enabled": True, "alarms": [{"name": "a"}, {"name": "a"}]}}, "InvalidAlarmConfig"),
            ({"alarmConfiguration": ALARMS}, "AlarmsLimitExceeded"),
            (BAD_ROLLBACK, "InvalidAutoRollbackConfig"),
            ({"loadBalancerInfo": {"elbInfoList": [{"name": "a"}]}}, "InvalidLoadBalancerInfo"),
            ({"deploymentStyle": {"deploymentType": "IN_PLACE"}}, "InvalidDeploymentStyle"),
            (
                {"blueGreenDeploymentConfiguration": {"deploymentReadyOption": {"waitTimeInMinutes": 1}}},
                "InvalidBlueGreenDeploymentConfiguration",
            ),
            ({"ec2TagSet": {"ec2TagSetList": [[]]}}, "InvalidEC2TagCombination"),
            ({"onPremisesTagSet": {"onPremisesTagSetList": [[]]}}, "InvalidOnPremisesTagCombination"),
            ({"ecsServices": [{"serviceName": "a"}]}, "InvalidECSService"),
        )
    ],
    *of_application("UpdateDeploymentGroup", currentDeploymentGroupName=GROUP),
    ("UpdateDeploymentGroup", {"applicationName": APP}, "DeploymentGroupNameRequired"),
    ("UpdateDeploymentGroup", {**UPDATE, "currentDeploymentGroupName": "a b"}, "InvalidDeploymentGroupName"),
    ("UpdateDeploymentGroup", {**UPDATE, "currentDeploymentGroupName": "none"}, "DeploymentGroupDoesNotExist"),
    ("UpdateDeploymentGroup", {**UPDATE, "newDeploymentGroupName": "second"}, "DeploymentGroupAlreadyExists"),
    ("UpdateDeploymentGroup", {**UPDATE, "serviceRoleArn": "me"}, "InvalidRole"),
    *of_application("GetDeploymentGroup", deploymentGroupName=GROUP),
    ("GetDeploymentGroup", {"applicationName": APP}, "DeploymentGroupNameRequired"),
    ("GetDeploymentGroup", {"applicationName": APP, "deploymentGroupName": "a b"}, "InvalidDeploymentGroupName"),
    ("GetDeploymentGroup", {"applicationName": APP, "deploymentGroupName": "none"}, "DeploymentGroupDoesNotExist"),
    *of_application("BatchGetDeploymentGroups", deploymentGroupNames=[GROUP]),
    ("BatchGetDeploymentGroups", {"applicationName": APP, "deploymentGroupNames": []}, "DeploymentGroupNameRequired"),
    (
        "BatchGetDeploymentGroups",
        {"applicationName": APP, "deploymentGroupNames": ["a b"]},
        "InvalidDeploymentGroupName",
    ),
    ("BatchGetDeploymentGroups", {"applicationName": APP, "deploymentGroupNames": ["a"] * 101}, "BatchLimitExceeded"),
    *of_application("ListDeploymentGroups"),
    ("ListDeploymentGroups", {"applicationName": APP, "nextToken": "x"}, "InvalidNextToken"),
    ("DeleteDeploymentGroup", {"deploymentGroupName": GROUP}, "ApplicationNameRequired"),
    ("DeleteDeploymentGroup", {"applicationName": "a b", "deploymentGroupName": GROUP}, "InvalidApplicationName"),
    ("DeleteDeploymentGroup", {"applicationName": APP}, "DeploymentGroupNameRequired"),
    ("DeleteDeploymentGroup", {"applicationName": APP, "deploymentGroupName": "a b"}, "InvalidDeploymentGroupName"),
    ("CreateDeploymentConfig", {}, "DeploymentConfigNameRequired"),
    ("CreateDeploymentConfig", {**CONFIG, "deploymentConfigName": "a b"}, "InvalidDeploymentConfigName"),
    (
        "CreateDeploymentConfig",
        {**CONFIG, "deploymentConfigName": "CodeDeployDefault.x"},
        "InvalidDeploymentConfigName",
    ),
    ("CreateDeploymentConfig", {**CONFIG, "deploymentConfigName": "used"}, "DeploymentConfigAlreadyExists"),
    ("CreateDeploymentConfig", {"deploymentConfigName": "x", "computePlatform": "Cloud"}, "InvalidComputePlatform"),
    ("CreateDeploymentConfig", {"deploymentConfigName": "x"}, "InvalidMinimumHealthyHostValue"),
    (
        "CreateDeploymentConfig",
        {"deploymentConfigName": "x", "computePlatform": "Lambda"},
        "InvalidTrafficRoutingConfiguration",
    ),
    *[
        ("CreateDeploymentConfig", {**CONFIG, "trafficRoutingConfig": routing}, "InvalidTrafficRoutingConfiguration")
        for routing in (
            {"type": "Sometimes"},
            {"type": "AllAtOnce", "timeBasedCanary": {"canaryPercentage": 10, "canaryInterval": 5}},
            {"type": "TimeBasedCanary"},
            {"type": "TimeBasedCanary", "timeBasedCanary": {"canaryPercentage": 10}},
            {"type": "TimeBasedCanary", "timeBasedLinear": {"linearPercentage": 10, "linearInterval": 5}},
            {"type": "TimeBasedLinear"},
            {"type": "TimeBasedLinear", "timeBasedLinear": {"linearInterval": 5}},
            {"type": "TimeBasedLinear", "timeBasedCanary": {"canaryPercentage": 10, "canaryInterval": 5}},
        )
    ],
    (
        "CreateDeploymentConfig",
        {**CONFIG, "minimumHealthyHosts": {"type": "HOST_COUNT", "value": 1}},
        "InvalidMinimumHealthyHostValue",
    ),
    (
        "CreateDeploymentConfig",
        {"deploymentConfigName": "x", "minimumHealthyHosts": {"type": "SOME", "value": 1}},
        "InvalidMinimumHealthyHostValue",
    ),
    ("CreateDeploymentConfig", canary(0, 5), "InvalidTrafficRoutingConfiguration"),
    ("CreateDeploymentConfig", canary(100, 5), "InvalidTrafficRoutingConfiguration"),
    ("CreateDeploymentConfig", canary(10, 0), "InvalidTrafficRoutingConfiguration"),
    ("CreateDeploymentConfig", canary(10, 2881), "InvalidTrafficRoutingConfiguration"),
    ("CreateDeploymentConfig", linear(1, 30), "InvalidTrafficRoutingConfiguration"),
    (
        "CreateDeploymentConfig",
        {**CONFIG, "zonalConfig": {"monitorDurationInSeconds": 1}},
        "InvalidZonalDeploymentConfiguration",
    ),
    ("GetDeploymentConfig", {}, "DeploymentConfigNameRequired"),
    ("GetDeploymentConfig", {"deploymentConfigName": "a b"}, "InvalidDeploymentConfigName"),
    ("GetDeploymentConfig", {"deploymentConfigName": "none"}, "DeploymentConfigDoesNotExist"),
    ("ListDeploymentConfigs", {"nextToken": "x"}, "InvalidNextToken"),
    ("DeleteDeploymentConfig", {}, "DeploymentConfigNameRequired"),
    ("DeleteDeploymentConfig", {"deploymentConfigName": "a b"}, "InvalidDeploymentConfigName"),
    ("DeleteDeploymentConfig", {"deploymentConfigName": AT_ONCE}, "InvalidOperation"),
    ("DeleteDeploymentConfig", {"deploymentConfigName": "used"}, "DeploymentConfigInUse"),
    *of_application("RegisterApplicationRevision", revision=GOOD),
    ("RegisterApplicationRevision", {"applicationName": APP}, "RevisionRequired"),
    (
        "RegisterApplicationRevision",
        {"applicationName": APP, "revision": {"revisionType": "String"}},
        "InvalidRevision",
    ),
    (
        "RegisterApplicationRevision",
        {"applicationName": APP, "revision": GOOD, "description": "x" * 257},
        "DescriptionTooLong",
    ),
    *of_application("GetApplicationRevision", revision=GOOD),
    ("GetApplicationRevision", {"applicationName": APP}, "RevisionRequired"),
    ("GetApplicationRevision", {"applicationName": APP, "revision": content("x")}, "RevisionDoesNotExist"),
    *of_application("BatchGetApplicationRevisions", revisions=[GOOD]),
    ("BatchGetApplicationRevisions", {"applicationName": APP}, "RevisionRequired"),
    ("BatchGetApplicationRevisions", {"applicationName": APP, "revisions": [{"revisionType": "x"}]}, "InvalidRevision"),
    ("BatchGetApplicationRevisions", {"applicationName": APP, "revisions": [GOOD] * 26}, "BatchLimitExceeded"),
    *of_application("ListApplicationRevisions"),
    ("ListApplicationRevisions", {"applicationName": APP, "sortBy": "size"}, "InvalidSortBy"),
    ("ListApplicationRevisions", {"applicationName": APP, "sortOrder": "up"}, "InvalidSortOrder"),
    ("ListApplicationRevisions", {"applicationName": APP, "s3Bucket": ""}, "InvalidBucketNameFilter"),
    (
        "ListApplicationRevisions",
        {"applicationName": APP, "s3Bucket": "b", "s3KeyPrefix": "/"},
        "InvalidKeyPrefixFilter",
    ),
    ("ListApplicationRevisions", {"applicationName": APP, "s3KeyPrefix": "a"}, "BucketNameFilterRequired"),
    ("ListApplicationRevisions", {"applicationName": APP, "deployed": "maybe"}, "InvalidDeployedStateFilter"),
    ("ListApplicationRevisions", {"applicationName": APP, "nextToken": "x"}, "InvalidNextToken"),
    *of_deployment("GetDeployment"),
    ("BatchGetDeployments", {"deploymentIds": []}, "DeploymentIdRequired"),
    ("BatchGetDeployments", {"deploymentIds": ["x"]}, "InvalidDeploymentId"),
    ("BatchGetDeployments", {"deploymentIds": [D] * 26}, "BatchLimitExceeded"),
    ("ListDeployments", {"deploymentGroupName": GROUP}, "ApplicationNameRequired"),
    ("ListDeployments", {"applicationName": "a b", "deploymentGroupName": GROUP}, "InvalidApplicationName"),
    ("ListDeployments", {"applicationName": "none", "deploymentGroupName": GROUP}, "ApplicationDoesNotExist"),
    ("ListDeployments", {"applicationName": APP}, "DeploymentGroupNameRequired"),
    ("ListDeployments", {"applicationName": APP, "deploymentGroupName": "a b"}, "InvalidDeploymentGroupName"),
    ("ListDeployments", {"applicationName": APP, "deploymentGroupName": "none"}, "DeploymentGroupDoesNotExist"),
    ("ListDeployments", {"createTimeRange": {"start": 2, "end": 1}}, "InvalidTimeRange"),
    ("ListDeployments", {"includeOnlyStatuses": ["Done"]}, "InvalidDeploymentStatus"),
    ("ListDeployments", {"nextToken": "x"}, "InvalidNextToken"),
    ("ListDeployments", {"externalId": ""}, "InvalidExternalId"),
    *of_deployment("StopDeployment"),
    ("StopDeployment", {"deploymentId": "d-OVER"}, "DeploymentAlreadyCompleted"),
    ("StopDeployment", {"deploymentId": "d-ORPHAN"}, "DeploymentGroupDoesNotExist"),
    *of_deployment("ListDeploymentTargets"),
    ("ListDeploymentTargets", {"deploymentId": "d-NEW"}, "DeploymentNotStarted"),
    ("ListDeploymentTargets", {"deploymentId": D, "nextToken": "x"}, "InvalidNextToken"),
    ("ListDeploymentTargets", {"deploymentId": D, "targetFilters": {"Colour": ["red"]}}, "InvalidTargetFilterName"),
    ("ListDeploymentTargets", {"deploymentId": D, "targetFilters": {"TargetStatus": ["x"]}}, "InvalidInstanceStatus"),
    (
        "ListDeploymentTargets",
        {"deploymentId": D, "targetFilters": {"ServerInstanceLabel": ["Blue"]}},
        "InvalidDeploymentInstanceType",
    ),
    *of_deployment("GetDeploymentTarget", targetId="checkout"),
    ("GetDeploymentTarget", {"deploymentId": "d-NEW", "targetId": "checkout"}, "DeploymentNotStarted"),
    ("GetDeploymentTarget", {"deploymentId": D}, "DeploymentTargetIdRequired"),
    ("GetDeploymentTarget", {"deploymentId": D, "targetId": "x" * 1025}, "InvalidDeploymentTargetId"),
    ("GetDeploymentTarget", {"deploymentId": D, "targetId": "other"}, "DeploymentTargetDoesNotExist"),
    *of_deployment("BatchGetDeploymentTargets", targetIds=["checkout"]),
    ("BatchGetDeploymentTargets", {"deploymentId": "d-NEW", "targetIds": ["checkout"]}, "DeploymentNotStarted"),
    ("BatchGetDeploymentTargets", {"deploymentId": D}, "DeploymentTargetIdRequired"),
    ("BatchGetDeploymentTargets", {"deploymentId": D, "targetIds": ["x" * 1025]}, "InvalidDeploymentTargetId"),
    ("BatchGetDeploymentTargets", {"deploymentId": D, "targetIds": ["other"]}, "DeploymentTargetDoesNotExist"),
    ("BatchGetDeploymentTargets", {"deploymentId": D, "targetIds": ["a"] * 26}, "DeploymentTargetListSizeExceeded"),
    *of_deployment("PutLifecycleEventHookExecutionStatus", status="Succeeded"),
    (
        "PutLifecycleEventHookExecutionStatus",
        {"deploymentId": D, "status": "Maybe"},
        "InvalidLifecycleEventHookExecutionStatus",
    ),
    (
        "PutLifecycleEventHookExecutionStatus",
        {"deploymentId": D, "lifecycleEventHookExecutionId": "x", "status": "Failed"},
        "InvalidLifecycleEventHookExecutionId",
    ),
    (
        "PutLifecycleEventHookExecutionStatus",
        {"deploymentId": "d-OVER", "lifecycleEventHookExecutionId": "HOOK-OVER", "status": "Failed"},
        "LifecycleEventAlreadyCompleted",
    ),
    ("ListTagsForResource", {}, "ResourceArnRequired"),
    ("ListTagsForResource", {"ResourceArn": "x"}, "InvalidArn"),
    ("ListTagsForResource", {"ResourceArn": ARN.replace(f"application:{APP}", "instance:x")}, "ArnNotSupported"),
    *[
        (operation, {**wrong, **more}, code)
        for operation, more in (("TagResource", {"Tags": TAG}), ("UntagResource", {"TagKeys": ["a"]}))
        for wrong, code in (
            ({}, "ResourceArnRequired"),
            ({"ResourceArn": "x"}, "InvalidArn"),
            ({"ResourceArn": NO_APP_ARN}, "ApplicationDoesNotExist"),
            ({"ResourceArn": NO_GROUP_ARN}, "DeploymentGroupDoesNotExist"),
            ({"ResourceArn": ARN.replace("us-east-1", "eu-west-1")}, "ApplicationDoesNotExist"),
            ({"ResourceArn": ARN.replace("123456789012", "111122223333")}, "ApplicationDoesNotExist"),
            ({"ResourceArn": ARN.replace(f"application:{APP}", "instance:x")}, "ArnNotSupported"),
        )
    ],
    ("TagResource", {"ResourceArn": ARN}, "TagRequired"),
    ("TagResource", {"ResourceArn": ARN, "Tags": [{"Key": "aws:x"}]}, "InvalidTagsToAdd"),
    ("UntagResource", {"ResourceArn": ARN}, "TagRequired"),
    *of_deployment("ContinueDeployment"),
    ("ContinueDeployment", {"deploymentId": D}, "UnsupportedActionForDeploymentType"),
    *of_deployment("SkipWaitTimeForInstanceTermination"),
    ("SkipWaitTimeForInstanceTermination", {"deploymentId": D}, "UnsupportedActionForDeploymentType"),
    *of_deployment("ListDeploymentInstances"),
    ("ListDeploymentInstances", {"deploymentId": D}, "InvalidComputePlatform"),
    *of_deployment("GetDeploymentInstance"),
    ("GetDeploymentInstance", {"deploymentId": D, "instanceId": "i"}, "InvalidComputePlatform"),
    *of_deployment("BatchGetDeploymentInstances"),
    ("BatchGetDeploymentInstances", {"deploymentId": D, "instanceIds": ["i"]}, "InvalidComputePlatform"),
    ("RegisterOnPremisesInstance", {}, "InstanceNameRequired"),
    ("RegisterOnPremisesInstance", {"instanceName": "i"}, "InvalidInstanceName"),
    ("GetOnPremisesInstance", {"instanceName": "i"}, "InstanceNotRegistered"),
    ("GetOnPremisesInstance", {}, "InstanceNameRequired"),
    ("BatchGetOnPremisesInstances", {}, "InstanceNameRequired"),
    ("DeregisterOnPremisesInstance", {}, "InstanceNameRequired"),
    ("AddTagsToOnPremisesInstances", {"instanceNames": ["i"], "tags": TAG}, "InstanceNotRegistered"),
    ("AddTagsToOnPremisesInstances", {}, "InstanceNameRequired"),
    ("RemoveTagsFromOnPremisesInstances", {"instanceNames": ["i"], "tags": TAG}, "InstanceNotRegistered"),
    ("RemoveTagsFromOnPremisesInstances", {}, "InstanceNameRequired"),
    ("DeleteGitHubAccountToken", {}, "GitHubAccountTokenNameRequired"),
    ("DeleteGitHubAccountToken", {"tokenName": "x"}, "GitHubAccountTokenDoesNotExist"),
]

# Of operations that the Lambda platform has, the errors that only other platforms have, or that limits make costly.
CANNOT_OCCUR = {
    "Throttling": "tested with the limits",
    "ApplicationLimitExceeded": "a thousand applications",
    "DeploymentGroupLimitExceeded": "a thousand groups",
    "DeploymentConfigLimitExceeded": "tested apart: 200 configs",
    "LifecycleHookLimitExceeded": "Auto Scaling",
    "TagSetListLimitExceeded": "EC2",
    "InvalidTargetGroupPair": "ECS",
    "ECSServiceMappingLimitExceeded": "ECS",
    "InvalidTrafficRoutingConfiguration": "a config that exists is valid",
    "InvalidAutoScalingGroupProcessToSuspend": "Auto Scaling",
    "InvalidAutoScalingGroup": "Auto Scaling",
    "InvalidLoadBalancerInfo": "no such parameter",
    "InvalidGitHubAccountToken": "GitHub revisions",
    "InvalidECSService": "ECS",
    "InvalidInput": "no rule behind it in ListDeployments",
    "InvalidRole": "no role is given",
    "InvalidTag": "no tag filter is given",
    "DeploymentConfigDoesNotExist": "a group's config cannot be deleted while it is used",
    "InvalidComputePlatform": "every config has a valid one",
    "UnsupportedActionForDeploymentType": "every deployment is of the Lambda platform",
    "InstanceDoesNotExist": "instances",
    "InvalidInstanceName": "instances",
    "InvalidInstanceType": "instances",
    "ApplicationDoesNotExist": "a deployment's application, deleted: the deployment stays readable",
    "DeploymentGroupDoesNotExist": "a deployment's group, deleted: the deployment stays readable",
    "InvalidTagsToAdd": "tag keys that are taken away need no check",
}
NOT_OF_LAMBDA = (
    "OnPremises",
    "GitHub",
    "DeploymentInstance",
    "ContinueDeployment",
    "SkipWaitTime",
    "DeleteResourcesByExternalId",
)


@pytest.fixture(scope="module")
def arranged(_world: World) -> tuple[World, dict[str, str]]:
    """One world for all refusals: they change nothing."""
    world = _world
    world.emulator.reset()
    world.served()
    world.function("CodeDeployHook_a")
    codedeploy = world.codedeploy
    codedeploy.create_deployment_config(
        deploymentConfigName="used",
        computePlatform="Lambda",
        trafficRoutingConfig={"type": "AllAtOnce"},
    )
    world.group()
    for name in ("second", "orphans", "fresh"):
        world.group(name, config="used")
    codedeploy.create_application(applicationName="servers")
    codedeploy.create_deployment_group(applicationName="servers", deploymentGroupName="ec2", serviceRoleArn=ROLE)
    over = world.deploy(before="CodeDeployHook_a", group="second", deploymentConfigName=AT_ONCE)
    world.emulator.advance(60)
    world.functions.update_alias(FunctionName="checkout", Name="live", FunctionVersion="1")
    world.served("basket")
    orphan = world.deploy(function="basket", group="orphans", deploymentConfigName=CANARY)
    running = world.deploy()
    world.emulator.advance(5)
    codedeploy.delete_deployment_group(applicationName=APP, deploymentGroupName="orphans")
    new = world.deploy(group="fresh")
    assert world.status(running) == world.status(orphan) == "InProgress"
    return world, {"HOOK-OVER": execution_id(over, 1), D: running, "d-OVER": over, "d-NEW": new, "d-ORPHAN": orphan}


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, names) for inner in value]
    if isinstance(value, str):
        for name, real in names.items():
            value = value.replace(name, real)
    return value


def _post(world: World, operation: str, params: object, raw: bytes | None = None) -> requests.Response:
    """A request as another client than boto3 would send it: unchecked parameters."""
    headers = {
        "X-Amz-Target": f"CodeDeploy_20141006.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/codedeploy/aws4_request, Signature=0",
    }
    return requests.post(world.emulator.url, json=None if raw else params, data=raw, headers=headers, timeout=10)


@pytest.mark.parametrize("operation", sorted({case[0] for case in CASES}))
def test_each_wrong_request_gets_awss_error(arranged: tuple[World, dict[str, str]], operation: str) -> None:
    world, names = arranged
    for params, code in (case[1:] for case in CASES if case[0] == operation):
        answer = _post(world, operation, _filled(params, names))
        assert (answer.status_code, answer.json()["__type"]) == (400, f"{code}Exception"), params
        assert answer.headers["X-Amzn-ErrorType"] == f"{code}Exception"
        assert answer.headers["x-amzn-RequestId"]
        assert answer.json()["message"], params


def test_every_error_of_the_model_is_produced_or_explained() -> None:
    model = botocore.session.get_session().get_service_model("codedeploy")
    produced = {(operation, code) for operation, _, code in CASES}
    missing = {
        f"{operation} {shape.name}"
        for operation in model.operation_names
        if not any(part in operation for part in NOT_OF_LAMBDA)
        for shape in model.operation_model(operation).error_shapes
        if (operation, shape.name.removesuffix("Exception")) not in produced
        and shape.name.removesuffix("Exception") not in CANNOT_OCCUR
    }
    assert missing == set()


def test_every_error_produced_is_one_that_the_model_names_for_its_operation() -> None:
    model = botocore.session.get_session().get_service_model("codedeploy")
    # AWS's validation goes beyond its model here and there; these are the emulator's own choices.
    for operation, _, code in CASES:
        named = {shape.name for shape in model.operation_model(operation).error_shapes}
        assert f"{code}Exception" in named, (operation, code)


@pytest.mark.parametrize("name", botocore.session.get_session().get_service_model("codedeploy").operation_names)
def test_no_operation_of_the_model_ever_answers_500(arranged: tuple[World, dict[str, str]], name: str) -> None:
    world, _ = arranged
    assert _post(world, name, {"deploymentConfigName": "a b"}).status_code in (200, 400)


def test_an_operation_that_does_not_exist_is_an_error_and_no_outage(world: World) -> None:
    answer = _post(world, "MakeCoffee", {})
    assert (answer.status_code, answer.json()["__type"]) == (400, "UnknownOperationException")


def test_a_request_without_a_body_asks_for_nothing_in_particular(world: World) -> None:
    answer = _post(world, "ListApplications", None, b" ")
    assert (answer.status_code, answer.json()) == (200, {"applications": []})


@pytest.mark.parametrize("raw", [b"not json", b"[1]", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_a_serialization_error(world: World, raw: bytes) -> None:
    assert _post(world, "GetDeployment", None, raw).json()["__type"] == "SerializationException"


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("GetDeployment", {"deploymentId": 5}),
        ("CreateDeployment", {**CREATE, "revision": "s3://bucket/key"}),
        # An SDK's own time types are numbers on the wire.
        ("ListDeployments", {"createTimeRange": {"start": "2026-01-01T00:00:00Z"}}),
    ],
)
def test_a_parameter_of_a_wrong_type_is_a_serialization_error(world: World, operation: str, params: Json) -> None:
    answer = _post(world, operation, params)
    assert (answer.status_code, answer.json()["__type"]) == (400, "SerializationException")
    assert answer.json()["message"]


def test_custom_configs_are_limited_in_number(world: World) -> None:
    create: Callable[..., Any] = world.codedeploy.create_deployment_config
    for number in range(200):
        create(deploymentConfigName=f"c{number}", computePlatform="Lambda", trafficRoutingConfig={"type": "AllAtOnce"})
    with pytest.raises(world.codedeploy.exceptions.DeploymentConfigLimitExceededException):
        create(deploymentConfigName="more", computePlatform="Lambda", trafficRoutingConfig={"type": "AllAtOnce"})


def test_boto3_sends_json_1_1_and_not_cbor(world: World) -> None:
    """If this fails, boto3 has changed CodeDeploy's wire protocol: the emulator must learn the new one."""
    with pytest.raises(ClientError):
        world.codedeploy.get_deployment(deploymentId="d-000000000")
    assert world.emulator.calls[-1]["path"] == "/"


def test_rollback_events_are_the_three_of_the_model() -> None:
    model = botocore.session.get_session().get_service_model("codedeploy")
    assert set(ROLLBACK_EVENTS) == set(model.shape_for("AutoRollbackEvent").enum)
