"""GetMetricData: what is sent, pages and windows put together, and answers that are not whole."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.guards.queries import MOST, Question
from ci_deploy.edge.aws.metrics import CloudWatchMetrics
from tests.edge.fakes import FakeClock, StubbedAws

START = 1_800_000_000
NOON = "Tue, 24 Nov 2026 12:00:00 GMT"


def question(version: str = "42", *, end: int = START + 180, statistic: str = "Sum") -> Question:
    return Question(
        function="checkout",
        alias="live",
        version=version,
        metric="Errors",
        statistic=statistic,
        start=START,
        end=end,
    )


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def result(number: int, points: dict[int, float], status: str = "Complete") -> dict[str, Any]:
    stamps = [moment(START + at) for at in points]
    return {"Id": f"m{number}", "StatusCode": status, "Timestamps": stamps, "Values": list(points.values())}


def answer(*results: dict[str, Any], token: str | None = None, date: str = NOON) -> dict[str, Any]:
    made: dict[str, Any] = {"MetricDataResults": list(results)}
    if date:
        made["ResponseMetadata"] = {"HTTPStatusCode": 200, "HTTPHeaders": {"date": date, "x-amzn-requestid": "r"}}
    return made | ({"NextToken": token} if token else {})


def sent(*questions: Question, token: str | None = None) -> dict[str, Any]:
    queries = []
    for number, each in enumerate(questions):
        dimensions = [{"Name": "FunctionName", "Value": "checkout"}, {"Name": "Resource", "Value": "checkout:live"}]
        if each.version:
            dimensions.append({"Name": "ExecutedVersion", "Value": each.version})
        metric = {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": dimensions}
        stat = {"Metric": metric, "Period": 60, "Stat": each.statistic}
        queries.append({"Id": f"m{number}", "MetricStat": stat, "ReturnData": True})
    made = {
        "MetricDataQueries": queries,
        "StartTime": moment(START),
        "EndTime": moment(questions[0].end),
        "ScanBy": "TimestampAscending",
    }
    return made | ({"NextToken": token} if token else {})


def test_the_points_of_all_pages_come_under_their_questions_with_aws_own_time(aws: StubbedAws) -> None:
    new, alias = question(), question("")
    first = answer(result(0, {0: 3.0}), result(1, {}, "PartialData"), token="more")
    aws.expect("cloudwatch", "get_metric_data", first, **sent(new, alias))
    second = answer(result(0, {60: 1.0}), result(1, {120: 5.0}), result(7, {0: 9.0}))
    aws.expect("cloudwatch", "get_metric_data", second, **sent(new, alias, token="more"))
    found = CloudWatchMetrics(aws).read((new, alias))
    assert found.answers == {new: {START: 3.0, START + 60: 1.0}, alias: {START + 120: 5.0}}
    assert found.at == datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()


def test_windows_are_calls_of_their_own_and_so_are_more_than_500_metrics(aws: StubbedAws) -> None:
    later = question(end=START + 240)
    many = [question(str(number)) for number in range(MOST + 1)]
    aws.expect("cloudwatch", "get_metric_data", answer(result(0, {0: 1.0})), **sent(later))
    aws.expect("cloudwatch", "get_metric_data", answer(*(result(n, {}) for n in range(MOST))), **sent(*many[:MOST]))
    aws.expect("cloudwatch", "get_metric_data", answer(result(0, {60: 2.0})), **sent(many[MOST]))
    found = CloudWatchMetrics(aws).read((later, *many)).answers
    assert len(found) == MOST + 2
    assert found[later] == {START: 1.0}
    assert found[many[MOST]] == {START + 60: 2.0}


@pytest.mark.parametrize("status", ["PartialData", "InternalError"])
def test_what_was_answered_in_part_is_left_out(aws: StubbedAws, status: str) -> None:
    new, old = question(), question("41")
    parts = answer(result(0, {0: 3.0}, status), result(1, {0: 1.0}), date="")
    aws.expect("cloudwatch", "get_metric_data", parts, **sent(new, old))
    found = CloudWatchMetrics(aws).read((new, old))
    assert found.answers == {old: {START: 1.0}}
    assert found.at == aws.clock.epoch(), "without a header it is our own time"


def test_pages_without_end_answer_nothing(aws: StubbedAws) -> None:
    new = question()
    aws.expect("cloudwatch", "get_metric_data", answer(result(0, {0: 3.0}), token="t"), **sent(new))
    for _ in range(49):
        aws.expect("cloudwatch", "get_metric_data", answer(token="t"), **sent(new, token="t"))
    assert CloudWatchMetrics(aws).read((new,)).answers == {}


def test_forbidden_metrics_are_a_denial_and_name_the_permission(aws: StubbedAws) -> None:
    aws.expect("cloudwatch", "get_metric_data", answer(result(0, {}, "Forbidden")), **sent(question()))
    with pytest.raises(AwsError) as denied:
        CloudWatchMetrics(aws).read((question(),))
    assert (denied.value.kind, denied.value.operation) == (ErrorKind.DENIED, "cloudwatch:GetMetricData")
    assert "cloudwatch:GetMetricData" in denied.value.remedy


def test_throttling_is_waited_out_for_a_while() -> None:
    aws = StubbedAws(FakeClock())
    aws.stub("cloudwatch").add_client_error("get_metric_data", "Throttling", "Rate exceeded", 400)
    aws.expect("cloudwatch", "get_metric_data", answer(result(0, {})), **sent(question()))
    assert CloudWatchMetrics(aws).read((question(),)).answers == {question(): {}}
