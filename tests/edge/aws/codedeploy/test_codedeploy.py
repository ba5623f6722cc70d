"""CodeDeploy's adapter: what is sent, what is made of the answers, and which calls repeat."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ci_deploy.core.aws import (
    AlarmConfiguration,
    CreateRequest,
    Deployment,
    DeploymentStatus,
    EventStatus,
    InlineContent,
    RollbackEvent,
    RoutingType,
    S3Location,
)
from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.marker import Marker
from ci_deploy.core.marker import write as marker_text
from ci_deploy.edge.aws.codedeploy import parse
from ci_deploy.edge.aws.codedeploy.calls import CodeDeployApi
from tests.edge.fakes import FakeClock, StubbedAws

ONE, TWO = "d-AAAAAAAA1", "d-AAAAAAAA2"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def api(aws: StubbedAws) -> CodeDeployApi:
    return CodeDeployApi(aws)


def info(wanted: str = ONE, status: str = "InProgress", minute: int = 0, **more: Any) -> dict[str, Any]:
    return {"deploymentId": wanted, "status": status, "createTime": NOON.replace(minute=minute), **more}


def batch(aws: StubbedAws, *infos: dict[str, Any], ids: tuple[str, ...] = (ONE,)) -> None:
    aws.expect("codedeploy", "batch_get_deployments", {"deploymentsInfo": list(infos)}, deploymentIds=list(ids))


def target(status: str = "InProgress") -> dict[str, Any]:
    return {
        "deploymentTargetType": "LambdaTarget",
        "lambdaTarget": {
            "targetId": "checkout:live",
            "status": status,
            "lifecycleEvents": [
                {
                    "lifecycleEventName": "BeforeAllowTraffic",
                    "status": "Failed",
                    "startTime": NOON,
                    "endTime": NOON.replace(second=5),
                    "diagnostics": {"errorCode": "ScriptFailed", "scriptName": "hook", "message": "no", "logTail": "x"},
                },
                {"lifecycleEventName": "SomethingNew", "status": "Pondering"},
            ],
            "lambdaFunctionInfo": {
                "functionName": "checkout",
                "functionAlias": "live",
                "currentVersion": "1",
                "targetVersion": "2",
                "targetVersionWeight": 10.0,
            },
        },
    }


def expect_targets(aws: StubbedAws, *, listed: bool = True) -> None:
    if listed:
        aws.expect("codedeploy", "list_deployment_targets", {"targetIds": ["checkout:live"]}, deploymentId=ONE)
    aws.expect(
        "codedeploy",
        "batch_get_deployment_targets",
        {"deploymentTargets": [target()]},
        deploymentId=ONE,
        targetIds=["checkout:live"],
    )


def test_a_deployment_is_read_with_all_that_explains_it(aws: StubbedAws, api: CodeDeployApi) -> None:
    sent = info(
        status="Stopped",
        applicationName="app",
        deploymentGroupName="blue",
        deploymentConfigName="Slow",
        description="words",
        creator="codeDeployRollback",
        startTime=NOON,
        completeTime=NOON,
        errorInformation={"code": "ALARM_ACTIVE", "message": "an alarm"},
        rollbackInfo={
            "rollbackDeploymentId": TWO,
            "rollbackTriggeringDeploymentId": "d-AAAAAAAA0",
            "rollbackMessage": "rolled",
        },
        autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_FAILURE"]},
        deploymentStatusMessages=["hm"],
        revision={"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "ab"}},
    )
    batch(aws, sent)
    (found,) = api.look((ONE,), frozenset())
    assert found == Deployment(
        id=ONE,
        status=DeploymentStatus.STOPPED,
        application="app",
        group="blue",
        config_name="Slow",
        description="words",
        creator="codeDeployRollback",
        create_time=NOON.timestamp(),
        start_time=NOON.timestamp(),
        complete_time=NOON.timestamp(),
        error_code="ALARM_ACTIVE",
        error_message="an alarm",
        rollback_id=TWO,
        rollback_of="d-AAAAAAAA0",
        rollback_message="rolled",
        auto_rollback_events=("DEPLOYMENT_FAILURE",),
        status_messages=("hm",),
        revision=InlineContent(content="", sha256="ab"),
    )


def test_values_that_aws_adds_later_are_unknown_and_not_a_crash(aws: StubbedAws, api: CodeDeployApi) -> None:
    batch(aws, info(status="Simmering"))
    (found,) = api.look((ONE,), frozenset())
    assert found.status is DeploymentStatus.UNKNOWN
    assert not found.status.terminal


def test_an_empty_description_of_a_deployment_is_tolerated() -> None:
    assert parse.deployment({}).status is DeploymentStatus.UNKNOWN
    assert parse.target({}) is None
    assert parse.target({"instanceTarget": {}}) is None
    assert parse.target({"lambdaTarget": {"targetId": "x"}}) is not None
    assert parse.group({}).compute_platform == "Lambda"
    assert parse.config({}).routing.kind is RoutingType.UNKNOWN


def test_targets_carry_events_weights_and_diagnostics(aws: StubbedAws, api: CodeDeployApi) -> None:
    batch(aws, info())
    expect_targets(aws)
    (found,) = api.look((ONE,), frozenset({ONE}))
    assert found.targets is not None
    (one,) = found.targets
    assert (one.function, one.alias, one.current_version, one.target_version) == ("checkout", "live", "1", "2")
    assert one.raw_weight == 10
    first, second = one.events
    assert (first.name, first.status, first.end) == ("BeforeAllowTraffic", EventStatus.FAILED, NOON.timestamp() + 5)
    assert first.diagnostics.log_tail == "x"
    assert (second.name, second.status) == ("SomethingNew", EventStatus.UNKNOWN)


def test_target_ids_are_listed_once_for_a_deployment(aws: StubbedAws, api: CodeDeployApi) -> None:
    batch(aws, info())
    expect_targets(aws)
    batch(aws, info())
    expect_targets(aws, listed=False)
    api.look((ONE,), frozenset({ONE}))
    api.look((ONE,), frozenset({ONE}))


def expect_running_targets(aws: StubbedAws, status: str | None) -> None:
    sent = target()
    del sent["lambdaTarget"]["status"]
    sent["lambdaTarget"] |= {"status": status} if status else {}
    aws.expect(
        "codedeploy",
        "batch_get_deployment_targets",
        {"deploymentTargets": [sent]},
        deploymentId=ONE,
        targetIds=["checkout:live"],
    )


def test_of_one_that_ran_a_moment_ago_and_still_runs_the_targets_alone_are_read(
    aws: StubbedAws, api: CodeDeployApi
) -> None:
    batch(aws, info(status="InProgress"))
    expect_targets(aws)
    seen = api.look((ONE,), frozenset({ONE}))
    expect_running_targets(aws, "InProgress")
    (again,) = api.look((ONE,), frozenset({ONE}), seen)
    assert (again.status, again.create_time) == (DeploymentStatus.IN_PROGRESS, seen[0].create_time)
    assert again.targets is not None
    assert again.targets[0].status is EventStatus.IN_PROGRESS


@pytest.mark.parametrize("status", ["Succeeded", "Failed", "Skipped", "Unknown", "Simmering", "Pending", None])
def test_a_target_that_does_not_say_that_it_runs_has_the_deployment_read_too(
    aws: StubbedAws, api: CodeDeployApi, status: str | None
) -> None:
    batch(aws, info(status="InProgress"))
    expect_targets(aws)
    seen = api.look((ONE,), frozenset({ONE}))
    expect_running_targets(aws, status)
    batch(aws, info(status="Stopped"))
    (over,) = api.look((ONE,), frozenset({ONE}), seen)
    assert over.status is DeploymentStatus.STOPPED
    assert over.targets is not None
    assert over.targets[0].status is EventStatus(status or "")


@pytest.mark.parametrize("code", ["AccessDeniedException", "DeploymentNotStartedException"])
def test_targets_that_cannot_be_read_any_longer_leave_the_status_readable(
    aws: StubbedAws, api: CodeDeployApi, code: str
) -> None:
    batch(aws, info(status="InProgress"))
    expect_targets(aws)
    seen = api.look((ONE,), frozenset({ONE}))
    aws.refuse("codedeploy", "batch_get_deployment_targets", code)
    if code == "AccessDeniedException":
        aws.refuse("codedeploy", "get_deployment_target", code)
    batch(aws, info(status="Stopped"))
    (over,) = api.look((ONE,), frozenset({ONE}), seen)
    assert over.status is DeploymentStatus.STOPPED


def test_a_deployment_that_has_not_started_has_no_targets_yet(aws: StubbedAws, api: CodeDeployApi) -> None:
    batch(aws, info(status="Created"))
    aws.refuse("codedeploy", "list_deployment_targets", "DeploymentNotStartedException")
    assert api.look((ONE,), frozenset({ONE}))[0].targets == ()


def test_targets_that_may_not_be_read_leave_the_status_readable(aws: StubbedAws, api: CodeDeployApi) -> None:
    batch(aws, info(status="Succeeded"))
    aws.refuse("codedeploy", "list_deployment_targets", "AccessDeniedException")
    (found,) = api.look((ONE,), frozenset({ONE}))
    assert (found.status, found.targets) == (DeploymentStatus.SUCCEEDED, None)


def test_targets_that_fail_for_the_moment_fail_the_look_but_not_for_ever(aws: StubbedAws, api: CodeDeployApi) -> None:
    for _ in range(3):
        batch(aws, info(status="Succeeded"))
        aws.refuse("codedeploy", "list_deployment_targets", "ThrottlingException")
    for _ in range(2):
        with pytest.raises(AwsError):
            api.look((ONE,), frozenset({ONE}))
    (found,) = api.look((ONE,), frozenset({ONE}))
    assert (found.status, found.targets) == (DeploymentStatus.SUCCEEDED, None)


def test_a_look_makes_one_attempt(aws: StubbedAws, api: CodeDeployApi, clock: FakeClock) -> None:
    aws.refuse("codedeploy", "batch_get_deployments", "ThrottlingException")
    with pytest.raises(AwsError):
        api.look((ONE,), frozenset())
    assert clock.slept == []


def test_a_look_asks_for_25_deployments_a_call(aws: StubbedAws, api: CodeDeployApi) -> None:
    ids = tuple(f"d-AAAAAAA{number:02}" for number in range(27))
    batch(aws, *(info(one) for one in reversed(ids[:25])), ids=ids[:25])
    batch(aws, *(info(one) for one in ids[25:]), ids=ids[25:])
    assert tuple(found.id for found in api.look(ids, frozenset())) == ids


def test_nothing_is_asked_about_no_deployments(api: CodeDeployApi) -> None:
    assert api.look((), frozenset()) == ()


def test_an_unknown_id_does_not_hide_the_others(aws: StubbedAws, api: CodeDeployApi) -> None:
    aws.refuse("codedeploy", "batch_get_deployments", "DeploymentDoesNotExistException")
    aws.refuse("codedeploy", "get_deployment", "DeploymentDoesNotExistException")
    aws.expect("codedeploy", "get_deployment", {"deploymentInfo": info(TWO)}, deploymentId=TWO)
    assert [found.id for found in api.look((ONE, TWO), frozenset())] == [TWO]


def test_get_deployment_alone_is_enough_of_a_permission(aws: StubbedAws, api: CodeDeployApi) -> None:
    aws.refuse("codedeploy", "batch_get_deployments", "AccessDeniedException")
    aws.expect("codedeploy", "get_deployment", {"deploymentInfo": info()}, deploymentId=ONE)
    assert [found.id for found in api.look((ONE,), frozenset())] == [ONE]


def test_without_either_permission_the_batch_one_is_asked_for(aws: StubbedAws, api: CodeDeployApi) -> None:
    aws.refuse("codedeploy", "batch_get_deployments", "AccessDeniedException")
    aws.refuse("codedeploy", "get_deployment", "AccessDeniedException")
    with pytest.raises(AwsError) as caught:
        api.look((ONE,), frozenset())
    assert caught.value.operation == "codedeploy:BatchGetDeployments"


def test_active_deployments_come_newest_first_over_all_pages(aws: StubbedAws, api: CodeDeployApi) -> None:
    statuses = ["Created", "Queued", "InProgress", "Baking", "Ready"]
    asked = {"applicationName": "app", "deploymentGroupName": "blue", "includeOnlyStatuses": statuses}
    aws.expect("codedeploy", "list_deployments", {"deployments": [ONE], "nextToken": "more"}, **asked)
    aws.expect("codedeploy", "list_deployments", {"deployments": [TWO]}, nextToken="more", **asked)
    batch(aws, info(ONE, minute=1), info(TWO, minute=2), ids=(ONE, TWO))
    assert [found.id for found in api.active("app", "blue")] == [TWO, ONE]


def test_a_deployment_that_ended_between_list_and_get_is_not_active(aws: StubbedAws, api: CodeDeployApi) -> None:
    aws.expect("codedeploy", "list_deployments", {"deployments": [ONE]})
    batch(aws, info(status="Succeeded"))
    assert api.active("app", "blue") == ()


def test_a_service_that_does_not_know_baking_is_asked_without_it_from_then_on(
    aws: StubbedAws, api: CodeDeployApi
) -> None:
    asked = {"applicationName": "app", "deploymentGroupName": "blue"}
    aws.refuse("codedeploy", "list_deployments", "InvalidDeploymentStatusException")
    for _ in range(2):
        aws.expect(
            "codedeploy",
            "list_deployments",
            {"deployments": []},
            includeOnlyStatuses=["Created", "Queued", "InProgress", "Ready"],
            **asked,
        )
        assert api.active("app", "blue") == ()


def test_the_accounts_active_deployments_are_asked_for_without_it_too(aws: StubbedAws, api: CodeDeployApi) -> None:
    statuses = ["Created", "Queued", "InProgress", "Baking", "Ready"]
    aws.refuse(
        "codedeploy",
        "list_deployments",
        "InvalidDeploymentStatusException",
        expected_params={"includeOnlyStatuses": statuses},
    )
    fewer = [status for status in statuses if status != "Baking"]
    aws.expect("codedeploy", "list_deployments", {"deployments": [ONE]}, includeOnlyStatuses=fewer)
    assert api.created_since(None)[1] == (ONE,)


def test_two_that_are_refused_at_the_same_time_both_ask_again(
    aws: StubbedAws, api: CodeDeployApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[tuple[Deployment, ...]] = []

    def call(*_: Any, includeOnlyStatuses: list[str], **__: Any) -> dict[str, Any]:
        if "Baking" not in includeOnlyStatuses:
            return {"deployments": []}
        if not others:
            others.append(())
            others.append(api.active("app", "green"))
        raise AwsError(ErrorKind.REJECTED, operation="", code="InvalidDeploymentStatusException", message="")

    monkeypatch.setattr(aws, "call", call)
    assert api.active("app", "blue") == ()
    assert others == [(), ()]


def dated(date: str, *ids: str, token: str = "") -> dict[str, Any]:
    headers = {"date": date} if date else {}
    page: dict[str, Any] = {"deployments": list(ids), "ResponseMetadata": {"HTTPHeaders": headers}}
    return page | ({"nextToken": token} if token else {})


@pytest.mark.parametrize(
    ("date", "at"),
    [("Tue, 24 Nov 2026 12:00:00 GMT", NOON.timestamp()), ("", None), ("yesterday", None)],
    ids=["AWS's time", "no header", "no date"],
)
def test_what_was_created_since_comes_from_all_pages_with_the_time_of_the_first(
    aws: StubbedAws, api: CodeDeployApi, date: str, at: float | None
) -> None:
    aws.expect("codedeploy", "list_deployments", dated(date, ONE, token="t"), createTimeRange={"start": 7.0})
    later = dated("Tue, 24 Nov 2026 12:00:09 GMT" if at else "", TWO)
    aws.expect("codedeploy", "list_deployments", later, createTimeRange={"start": 7.0}, nextToken="t")
    assert api.created_since(7.0) == (aws.clock.epoch() if at is None else at, (ONE, TWO))


def test_another_refusal_of_the_list_is_raised_as_it_is(aws: StubbedAws, api: CodeDeployApi) -> None:
    aws.refuse("codedeploy", "list_deployments", "DeploymentGroupDoesNotExistException")
    with pytest.raises(AwsError) as caught:
        api.active("app", "blue")
    assert caught.value.kind is ErrorKind.NOT_FOUND


def group_info(name: str) -> dict[str, Any]:
    return {"applicationName": "app", "deploymentGroupName": name, "serviceRoleArn": f"role of {name}"}


def groups_at_once(aws: StubbedAws, api: CodeDeployApi, *names: str) -> list[str]:
    """The groups' roles, asked for at the same time: whoever waits for the rate limit collects the others' wishes."""

    together = False

    def wait(*_: str) -> None:
        nonlocal together
        while not together and len(api._groups._wishes) < len(names):
            pass
        together = True

    api._groups._wait = wait
    with ThreadPoolExecutor(len(names)) as pool:
        return list(pool.map(lambda name: api.group("app", name).service_role_arn, names))


def test_groups_that_are_wanted_at_once_are_one_call(aws: StubbedAws, api: CodeDeployApi) -> None:
    found = {"deploymentGroupsInfo": [group_info("green"), group_info("blue")]}
    aws.stub("codedeploy").add_response("batch_get_deployment_groups", found)
    assert groups_at_once(aws, api, "blue", "green") == ["role of blue", "role of green"]


def test_get_deployment_group_alone_is_enough_of_a_permission(aws: StubbedAws, api: CodeDeployApi) -> None:
    """The batch is asked for once; from then on each group by itself."""
    aws.refuse("codedeploy", "batch_get_deployment_groups", "AccessDeniedException")
    for _ in range(2):
        aws.stub("codedeploy").add_response("get_deployment_group", {"deploymentGroupInfo": group_info("same")})
    assert groups_at_once(aws, api, "blue", "green") == ["role of same"] * 2
    for _ in range(2):
        aws.stub("codedeploy").add_response("get_deployment_group", {"deploymentGroupInfo": group_info("again")})
    assert groups_at_once(aws, api, "blue", "green") == ["role of again"] * 2


def test_a_batch_of_groups_that_fails_for_the_moment_fails_nobody(
    aws: StubbedAws, api: CodeDeployApi, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def call(_service: str, operation: str, _resource: str, **given: Any) -> dict[str, Any]:
        asked.append(operation)
        if len(asked) == 1:
            raise AwsError(ErrorKind.THROTTLED, operation=f"codedeploy:{operation}", code="Throttling", message="")
        if operation == "GetDeploymentGroup":
            return {"deploymentGroupInfo": group_info(given["deploymentGroupName"])}
        return {"deploymentGroupsInfo": [group_info(name) for name in given["deploymentGroupNames"]]}

    monkeypatch.setattr(aws, "call", call)
    assert groups_at_once(aws, api, "blue", "green") == ["role of blue", "role of green"]
    assert asked[0] == "BatchGetDeploymentGroups"
    assert clock.slept


def listed(aws: StubbedAws, ids: list[str], *, since_days: float | None = None, more: bool = False) -> None:
    parameters: dict[str, Any] = {"applicationName": "app", "deploymentGroupName": "blue"}
    if since_days is not None:
        parameters["createTimeRange"] = {"start": aws.clock.epoch() - since_days * 24 * 3600}
    answer = {"deployments": ids} | ({"nextToken": "more"} if more else {})
    aws.expect("codedeploy", "list_deployments", answer, **parameters)


def test_the_newest_are_told_by_their_times_whatever_order_they_are_listed_in(
    aws: StubbedAws, api: CodeDeployApi
) -> None:
    listed(aws, [ONE, TWO])
    batch(aws, info(ONE, minute=1), info(TWO, minute=2), ids=(ONE, TWO))
    assert [found.id for found in api.recent("app", "blue", 1)] == [TWO]


def test_a_group_with_more_than_a_page_is_asked_by_time(aws: StubbedAws, api: CodeDeployApi) -> None:
    """The first page may hold its oldest deployments: the shortest span with enough of them has the newest."""
    listed(aws, [ONE], more=True)
    listed(aws, [], since_days=1)
    listed(aws, [TWO], since_days=7)
    batch(aws, info(TWO), ids=(TWO,))
    assert [found.id for found in api.recent("app", "blue", 1)] == [TWO]


def test_a_quiet_group_with_more_than_a_page_is_read_whole(aws: StubbedAws, api: CodeDeployApi) -> None:
    listed(aws, [ONE], more=True)
    for days in (1, 7, 30, 180):
        listed(aws, [], since_days=days)
    listed(aws, [ONE], more=True)
    aws.stub("codedeploy").add_response("list_deployments", {"deployments": [TWO]})
    batch(aws, info(ONE, minute=2), info(TWO, minute=1), ids=(ONE, TWO))
    assert [found.id for found in api.recent("app", "blue", 5)] == [ONE, TWO]


@pytest.mark.parametrize(("revision_type", "member"), [("AppSpecContent", "appSpecContent"), ("String", "string")])
def test_the_text_of_a_revision_is_read_by_its_hash(
    aws: StubbedAws, api: CodeDeployApi, revision_type: str, member: str
) -> None:
    aws.expect(
        "codedeploy",
        "get_application_revision",
        {"revision": {"revisionType": revision_type, member: {"content": "version: 0.0", "sha256": "ab"}}},
        applicationName="app",
        revision={"revisionType": revision_type, member: {"sha256": "ab"}},
    )
    read = api.appspec("app", InlineContent(content="", sha256="ab", revision_type=revision_type))
    assert read == "version: 0.0"


def test_targets_are_read_singly_where_the_role_may_not_read_them_together(aws: StubbedAws, api: CodeDeployApi) -> None:
    aws.expect("codedeploy", "list_deployment_targets", {"targetIds": ["checkout:live"]}, deploymentId=ONE)
    aws.refuse("codedeploy", "batch_get_deployment_targets", "AccessDeniedException")
    single = {"deploymentTarget": target()}
    aws.expect("codedeploy", "get_deployment_target", single, deploymentId=ONE, targetId="checkout:live")
    (found,) = api.with_targets(Deployment(id=ONE, status=DeploymentStatus.IN_PROGRESS)).targets or ()
    assert (found.function, found.alias) == ("checkout", "live")


def test_of_targets_that_may_not_be_read_at_least_the_ids_are_known(aws: StubbedAws, api: CodeDeployApi) -> None:
    aws.expect("codedeploy", "list_deployment_targets", {"targetIds": ["checkout:live"]}, deploymentId=ONE)
    aws.refuse("codedeploy", "batch_get_deployment_targets", "AccessDeniedException")
    aws.refuse("codedeploy", "get_deployment_target", "AccessDeniedException")
    (found,) = api.with_targets(Deployment(id=ONE, status=DeploymentStatus.IN_PROGRESS)).targets or ()
    assert (found.target_id, found.function, found.status) == ("checkout:live", "", EventStatus.UNKNOWN)


def test_reads_repeat(aws: StubbedAws, api: CodeDeployApi, clock: FakeClock) -> None:
    aws.refuse("codedeploy", "get_deployment_group", "ThrottlingException")
    aws.expect(
        "codedeploy",
        "get_deployment_group",
        {
            "deploymentGroupInfo": {
                "applicationName": "app",
                "deploymentGroupName": "blue",
                "computePlatform": "Lambda",
                "deploymentConfigName": "CodeDeployDefault.LambdaCanary10Percent5Minutes",
                "serviceRoleArn": "arn:aws:iam::123456789012:role/deploy",
                "alarmConfiguration": {"enabled": True, "alarms": [{"name": "errors"}]},
                "autoRollbackConfiguration": {"enabled": True, "events": ["DEPLOYMENT_FAILURE"]},
                "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
                "triggerConfigurations": [{"triggerTargetArn": "arn:aws:sns:eu-central-1:123456789012:t"}],
                "lastAttemptedDeployment": {"deploymentId": TWO},
                "lastSuccessfulDeployment": {"deploymentId": ONE},
            }
        },
        applicationName="app",
        deploymentGroupName="blue",
    )
    group = api.group("app", "blue")
    assert group.alarms == AlarmConfiguration(enabled=True, names=("errors",))
    assert group.auto_rollback_events == ("DEPLOYMENT_FAILURE",)
    assert group.deployment_style == "BLUE_GREEN/WITH_TRAFFIC_CONTROL"
    assert group.triggers == ("arn:aws:sns:eu-central-1:123456789012:t",)
    assert (group.last_attempted_id, group.last_successful_id) == (TWO, ONE)
    assert clock.slept


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        ({"type": "AllAtOnce"}, (RoutingType.ALL_AT_ONCE, 100, 0)),
        (
            {"type": "TimeBasedCanary", "timeBasedCanary": {"canaryPercentage": 10, "canaryInterval": 5}},
            (RoutingType.CANARY, 10, 5),
        ),
        (
            {"type": "TimeBasedLinear", "timeBasedLinear": {"linearPercentage": 20, "linearInterval": 3}},
            (RoutingType.LINEAR, 20, 3),
        ),
        ({"type": "TimeBasedFlexible"}, (RoutingType.UNKNOWN, 100, 0)),
    ],
)
def test_a_config_says_how_traffic_shifts(
    aws: StubbedAws, api: CodeDeployApi, routing: dict[str, Any], expected: tuple[RoutingType, int, int]
) -> None:
    sent = {"deploymentConfigName": "C", "computePlatform": "Lambda", "trafficRoutingConfig": routing}
    aws.expect("codedeploy", "get_deployment_config", {"deploymentConfigInfo": sent}, deploymentConfigName="C")
    found = api.config("C")
    assert (found.routing.kind, found.routing.percentage, found.routing.interval_minutes) == expected


def test_the_marker_finds_a_deployment_whose_answer_was_lost(aws: StubbedAws, api: CodeDeployApi) -> None:
    ours = marker_text(Marker(id="0a1b2c3d", key="0123456789abcdef", run_id=7, attempt=1, sha="abc"))
    other = marker_text(
        Marker(id="ffffffff", key="0123456789abcdef", run_id=6, attempt=1, reason="see ci-deploy/1 id=0a1b2c3d")
    )
    aws.expect(
        "codedeploy",
        "list_deployments",
        {"deployments": [TWO, ONE]},
        applicationName="app",
        deploymentGroupName="blue",
    )
    batch(aws, info(TWO, description=other), info(ONE, description=ours), ids=(TWO, ONE))
    found = api.find("app", "blue", "0a1b2c3d")
    assert found is not None
    assert found.id == ONE


def test_where_no_deployment_has_the_marker_there_is_none(aws: StubbedAws, api: CodeDeployApi) -> None:
    aws.stub("codedeploy").add_response("list_deployments", {"deployments": [ONE]})
    batch(aws, info(description="ci-deploy/1 id=ffffffff"))
    assert api.find("app", "blue", "0a1b2c3d") is None


def test_finding_makes_one_attempt(aws: StubbedAws, api: CodeDeployApi, clock: FakeClock) -> None:
    aws.refuse("codedeploy", "list_deployments", "ThrottlingException")
    with pytest.raises(AwsError):
        api.find("app", "blue", "0a1b2c3d")
    assert clock.slept == []


REQUEST = CreateRequest(
    application="app",
    group="blue",
    function="checkout",
    revision=InlineContent(content="{}", sha256="ab"),
    description="ci-deploy/1 …",
)


def test_creation_sends_only_what_was_decided(aws: StubbedAws, api: CodeDeployApi) -> None:
    aws.expect(
        "codedeploy",
        "create_deployment",
        {"deploymentId": ONE},
        applicationName="app",
        deploymentGroupName="blue",
        description="ci-deploy/1 …",
        revision={"revisionType": "AppSpecContent", "appSpecContent": {"content": "{}", "sha256": "ab"}},
    )
    assert api.create(REQUEST) == ONE


def test_creation_pins_the_revision_and_overrides_rollback_and_alarms(aws: StubbedAws, api: CodeDeployApi) -> None:
    aws.expect(
        "codedeploy",
        "create_deployment",
        {"deploymentId": ONE},
        applicationName="app",
        deploymentGroupName="blue",
        deploymentConfigName="Slow",
        description="d",
        revision={
            "revisionType": "S3",
            "s3Location": {"bucket": "bkt", "key": "k", "bundleType": "JSON", "version": "v", "eTag": "e"},
        },
        autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_FAILURE"]},
        overrideAlarmConfiguration={"enabled": False, "ignorePollAlarmFailure": False, "alarms": []},
    )
    request = CreateRequest(
        application="app",
        group="blue",
        function="checkout",
        revision=S3Location(bucket="bkt", key="k", version="v", etag="e"),
        description="d",
        config_name="Slow",
        auto_rollback=(RollbackEvent.FAILURE,),
        override_alarms=AlarmConfiguration(),
    )
    assert api.create(request) == ONE


def test_no_rollback_events_switch_the_rollback_off() -> None:
    request = replace(REQUEST, auto_rollback=())
    assert parse.creation(request)["autoRollbackConfiguration"] == {"enabled": False}


def test_a_revision_without_version_and_etag_names_neither() -> None:
    sent = parse.revision_location(S3Location(bucket="bkt", key="k.yml", bundle_type="YAML"))
    assert sent["s3Location"] == {"bucket": "bkt", "key": "k.yml", "bundleType": "YAML"}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ThrottlingException", ErrorKind.THROTTLED),
        ("ExpiredTokenException", ErrorKind.EXPIRED),
        ("DeploymentLimitExceededException", ErrorKind.CONFLICT),
    ],
)
def test_creation_is_never_repeated(
    aws: StubbedAws, api: CodeDeployApi, clock: FakeClock, code: str, kind: ErrorKind
) -> None:
    aws.refuse("codedeploy", "create_deployment", code, "already has an active Deployment 'd-AAAAAAAA9'")
    with pytest.raises(AwsError) as caught:
        api.create(REQUEST)
    assert caught.value.kind is kind
    assert "d-AAAAAAAA9" in caught.value.message
    assert clock.slept == []


# --- the target of a deployment that we created ---


def create(aws: StubbedAws, api: CodeDeployApi, wanted: str = ONE) -> Deployment:
    """The deployment as it is known when it has just been created."""
    aws.expect("codedeploy", "create_deployment", {"deploymentId": wanted})
    return Deployment(id=api.create(REQUEST), status=DeploymentStatus.IN_PROGRESS)


def expect_target_by(aws: StubbedAws, target_id: str, *found: dict[str, Any], of: str = ONE) -> None:
    aws.expect(
        "codedeploy",
        "batch_get_deployment_targets",
        {"deploymentTargets": list(found)},
        deploymentId=of,
        targetIds=[target_id],
    )


def test_the_target_of_a_deployment_of_ours_is_read_by_its_functions_name_and_not_listed(
    aws: StubbedAws, api: CodeDeployApi
) -> None:
    made = create(aws, api)
    expect_target_by(aws, "checkout", target())
    expect_target_by(aws, "checkout", target())
    (first,) = api.look((ONE,), frozenset({ONE}), (made,))
    (again,) = api.look((ONE,), frozenset({ONE}), (first,))
    assert [target.function for target in again.targets or ()] == ["checkout"]


def test_the_target_of_a_deployment_that_says_whose_it_is_is_read_by_that_name_too(
    aws: StubbedAws, api: CodeDeployApi
) -> None:
    expect_target_by(aws, "checkout", target())
    found = api.with_targets(Deployment(id=ONE, status=DeploymentStatus.SUCCEEDED), "checkout")
    assert [target.function for target in found.targets or ()] == ["checkout"]


@pytest.mark.parametrize(
    "code", ["DeploymentTargetDoesNotExistException", "InvalidDeploymentTargetIdException", "AccessDeniedException", ""]
)
def test_where_targets_have_other_ids_they_are_listed_and_no_other_name_is_tried(
    aws: StubbedAws, api: CodeDeployApi, code: str
) -> None:
    """Refused or without an answer: the second deployment of a release asks for the list at once."""
    one, two = create(aws, api), create(aws, api, TWO)
    if code:
        aws.refuse("codedeploy", "batch_get_deployment_targets", code)
    else:
        expect_target_by(aws, "checkout")
    expect_targets(aws)
    aws.expect("codedeploy", "list_deployment_targets", {"targetIds": ["checkout:live"]}, deploymentId=TWO)
    expect_target_by(aws, "checkout:live", target(), of=TWO)
    for made in (one, two):
        (found,) = api.look((made.id,), frozenset({made.id}), (made,))
        assert found.targets is not None
        assert [target.function for target in found.targets] == ["checkout"]


@pytest.mark.parametrize("code", ["DeploymentNotStartedException", "ThrottlingException"])
def test_a_target_that_does_not_answer_yet_is_asked_for_by_the_same_name_again(
    aws: StubbedAws, api: CodeDeployApi, code: str
) -> None:
    made = create(aws, api)
    aws.refuse("codedeploy", "batch_get_deployment_targets", code)
    if code == "DeploymentNotStartedException":
        batch(aws, info(status="Created"))
        (found,) = api.look((ONE,), frozenset({ONE}), (made,))
        assert (found.status, found.targets) == (DeploymentStatus.CREATED, ())
    else:
        with pytest.raises(AwsError):
            api.look((ONE,), frozenset({ONE}), (made,))
    expect_target_by(aws, "checkout", target())
    (found,) = api.look((ONE,), frozenset({ONE}), (made,))
    assert found.targets


def test_stop_answers_what_aws_says(aws: StubbedAws, api: CodeDeployApi) -> None:
    aws.stub("codedeploy", urgent=True).add_response(
        "stop_deployment",
        {"status": "Pending", "statusMessage": "soon"},
        {"deploymentId": ONE, "autoRollbackEnabled": True},
    )
    answer = api.stop(ONE, True, urgent=True)
    assert (answer.status, answer.message) == ("Pending", "soon")
    aws.expect("codedeploy", "stop_deployment", {"status": "Succeeded"}, deploymentId=ONE, autoRollbackEnabled=False)
    assert api.stop(ONE, False).status == "Succeeded"


def test_a_stop_that_comes_too_late_says_so(aws: StubbedAws, api: CodeDeployApi) -> None:
    aws.refuse("codedeploy", "stop_deployment", "DeploymentAlreadyCompletedException")
    with pytest.raises(AwsError) as caught:
        api.stop(ONE, True)
    assert caught.value.code == "DeploymentAlreadyCompletedException"


def test_an_s3_revision_is_read_as_an_address() -> None:
    sent = {"s3Location": {"bucket": "bkt", "key": "k", "bundleType": "YAML", "version": "v", "eTag": "e"}}
    assert parse.revision(sent) == S3Location(bucket="bkt", key="k", version="v", etag="e", bundle_type="YAML")
    assert parse.revision({"revisionType": "GitHub", "gitHubLocation": {"repository": "o/r"}}) is None


def test_with_targets_repeats(aws: StubbedAws, api: CodeDeployApi, clock: FakeClock) -> None:
    aws.refuse("codedeploy", "list_deployment_targets", "ThrottlingException")
    expect_targets(aws)
    found = api.with_targets(Deployment(id=ONE, status=DeploymentStatus.IN_PROGRESS))
    assert found.target_of("checkout", "live") is not None
    assert clock.slept
