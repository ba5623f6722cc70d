"""GetMetricData as CloudWatch gives it, and real invocations in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError

from tests.emulator.metrics.conftest import FIRST, Ask, callers, split
from tests.emulator.world import World


def query(identity: str = "m0", **more: Any) -> dict[str, Any]:
    dimensions = [{"Name": "FunctionName", "Value": "checkout"}, {"Name": "Resource", "Value": "checkout:live"}]
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Invocations", "Dimensions": dimensions}
    return {"Id": identity, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum", **more}}


def stamp(seconds: float) -> datetime:
    return datetime.fromtimestamp(FIRST + seconds, UTC)


def data(world: World, *queries: dict[str, Any], start: float = 0, end: float = 7200, **more: Any) -> dict[str, Any]:
    return dict(
        world.client("cloudwatch").get_metric_data(
            MetricDataQueries=list(queries), StartTime=stamp(start), EndTime=stamp(end), **more
        )
    )


@pytest.fixture
def busy(shop: World) -> World:
    """Ten minutes of traffic that is split in halves; version 2 fails a fifth."""
    shop.emulator.switches(metric_revision_seconds=0)
    split(shop, 0.5)
    shop.emulator.advance(FIRST - shop.emulator.now)
    shop.emulator.traffic(**callers(600, versions={"2": {"errors": 0.2}}))
    shop.emulator.advance(600)
    shop.emulator.traffic()
    shop.emulator.advance(120)
    return shop


def test_points_come_newest_first_unless_asked_otherwise(busy: World) -> None:
    (newest,) = data(busy, query())["MetricDataResults"]
    (oldest,) = data(busy, query(), ScanBy="TimestampAscending")["MetricDataResults"]
    assert newest["Timestamps"] == sorted(newest["Timestamps"], reverse=True)
    assert (newest["Timestamps"][::-1], newest["Values"][::-1]) == (oldest["Timestamps"], oldest["Values"])
    assert (newest["Id"], newest["Label"], newest["StatusCode"]) == ("m0", "Invocations", "Complete")
    assert len(newest["Values"]) == 10


@pytest.mark.parametrize(
    "metric",
    [
        {"MetricName": "invocations"},
        {"MetricName": "Invocation"},
        {"Dimensions": []},
        {"Dimensions": [{"Name": "FunctionName", "Value": "other"}]},
        {"Dimensions": [{"Name": "Resource", "Value": "checkout:live"}]},
        {"Dimensions": [{"Name": "FunctionName", "Value": "checkout"}, {"Name": "Resource", "Value": "checkout"}]},
        {"Dimensions": [{"Name": "FunctionName", "Value": "checkout"}, {"Name": "ExecutedVersion", "Value": "2"}]},
        {"Namespace": "AWS/lambda"},
    ],
)
def test_what_does_not_match_exactly_has_no_points(busy: World, metric: dict[str, Any]) -> None:
    asked = query()
    asked["MetricStat"]["Metric"].update(metric)
    (result,) = data(busy, asked)["MetricDataResults"]
    assert (result["Timestamps"], result["Values"]) == ([], [])


def test_the_order_of_dimensions_does_not_matter(busy: World) -> None:
    asked = query("m1")
    asked["MetricStat"]["Metric"]["Dimensions"].reverse()
    first, second = data(busy, query(), asked)["MetricDataResults"]
    assert len(first["Values"]) == 10
    assert first["Values"] == second["Values"]


def test_zero_is_no_point(busy: World, ask: Ask) -> None:
    assert ask("Errors", version="1") == {}
    assert sorted(ask("Errors", version="2")) == list(range(10))
    assert ask("Errors", version="2", minutes=(-30, 0)) == {}


def test_a_period_begins_at_the_start_and_the_end_is_outside(busy: World, ask: Ask) -> None:
    minutes = ask()
    assert ask(minutes=(2, 5)) == {minute: minutes[minute] for minute in (2, 3, 4)}
    assert ask(period=180, minutes=(1, 8)) == {
        1: sum(minutes[each] for each in (1, 2, 3)),
        4: sum(minutes[each] for each in (4, 5, 6)),
        7: minutes[7],
    }
    assert ask(period=3600, minutes=(0, 10)) == {0: sum(minutes[each] for each in range(10))}


def test_a_start_within_a_minute_is_rounded_down(busy: World) -> None:
    (result,) = data(busy, query(), start=59.5, end=61)["MetricDataResults"]
    assert sorted(each.timestamp() - FIRST for each in result["Timestamps"]) == [0, 60]


def test_pages_split_series_and_lose_nothing(busy: World) -> None:
    queries = [query(f"m{number}") for number in range(3)]
    whole = {each["Id"]: each["Values"] for each in data(busy, *queries)["MetricDataResults"]}
    found: dict[str, list[float]] = {}
    statuses, token = [], {}
    while True:
        page = data(busy, *queries, MaxDatapoints=7, **token)
        assert sum(len(each["Values"]) for each in page["MetricDataResults"]) <= 7
        for each in page["MetricDataResults"]:
            found.setdefault(each["Id"], []).extend(each["Values"])
            statuses.append(each["StatusCode"])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert found == whole
    assert {len(values) for values in whole.values()} == {10}
    assert set(statuses) == {"Complete", "PartialData"}


def test_results_that_are_not_wanted_are_left_out(busy: World) -> None:
    shown = data(busy, {**query("m0"), "ReturnData": False}, {**query("m1"), "Label": "mine"})["MetricDataResults"]
    assert [(each["Id"], each["Label"]) for each in shown] == [("m1", "mine")]


@pytest.mark.parametrize(
    ("queries", "window", "said"),
    [
        ([query(f"m{number}") for number in range(501)], (0, 60), "must not have a size greater than 500"),
        ([query(), query()], (0, 60), "not unique"),
        ([query("M0")], (0, 60), "expected pattern"),
        ([query(Period=90)], (0, 60), "multiple of 60"),
        ([query(Stat="TM(:90)")], (0, 60), "not supported"),
        ([query()], (60, 60), "must be less than"),
        ([query(), {"Id": "e1", "Expression": "m0 * 2"}], (0, 60), "does not mix"),
    ],
)
def test_what_cloudwatch_refuses(busy: World, queries: list[Any], window: tuple[int, int], said: str) -> None:
    with pytest.raises(ClientError, match=said) as raised:
        data(busy, *queries, start=window[0], end=window[1])
    assert raised.value.response["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize("token", ["x", "bm90aGluZw=="])
def test_a_token_that_nobody_gave(busy: World, token: str) -> None:
    with pytest.raises(ClientError, match="next token"):
        data(busy, query(), NextToken=token)


def test_other_namespaces_are_still_motos(busy: World) -> None:
    cloudwatch = busy.client("cloudwatch")
    now = datetime.fromtimestamp(busy.emulator.now, UTC)
    cloudwatch.put_metric_data(Namespace="mine", MetricData=[{"MetricName": "m", "Value": 3.0, "Timestamp": now}])
    metric = {"Namespace": "mine", "MetricName": "m"}
    stat = {"Id": "m0", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    (result,) = data(busy, stat, start=-600)["MetricDataResults"]
    assert result["Values"] == [3.0]


def signed(world: World, body: bytes, **headers: str) -> bytes:
    scope = "testing/20260101/us-east-1/monitoring/aws4_request"
    authorization = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    request = Request(f"{world.emulator.url}/", body, {"Authorization": authorization, **headers}, method="POST")
    with urlopen(request) as answer:
        return bytes(answer.read())


TARGET = {
    "X-Amz-Target": "GraniteServiceVersion20100801.GetMetricData",
    "Content-Type": "application/x-amz-json-1.0",
}


def test_all_three_protocols_say_the_same(busy: World) -> None:
    (expected,) = data(busy, query(), end=120)["MetricDataResults"]
    given = {"MetricDataQueries": [query()], "StartTime": FIRST, "EndTime": FIRST + 120}
    (answer,) = json.loads(signed(busy, json.dumps(given).encode(), **TARGET))["MetricDataResults"]
    assert answer["Values"] == expected["Values"]
    assert answer["Timestamps"] == [each.timestamp() for each in expected["Timestamps"]]
    stat = "MetricDataQueries.member.1.MetricStat"
    fields = {"Action": "GetMetricData", "Version": "2010-08-01", "MetricDataQueries.member.1.Id": "m0"}
    fields |= {f"{stat}.Metric.Namespace": "AWS/Lambda", f"{stat}.Metric.MetricName": "Invocations"}
    fields |= {f"{stat}.Period": "60", f"{stat}.Stat": "Sum"}
    for number, (name, value) in enumerate((("FunctionName", "checkout"), ("Resource", "checkout:live")), 1):
        fields[f"{stat}.Metric.Dimensions.member.{number}.Name"] = name
        fields[f"{stat}.Metric.Dimensions.member.{number}.Value"] = value
    fields |= {"StartTime": f"{stamp(0):%Y-%m-%dT%H:%M:%SZ}", "EndTime": f"{stamp(120):%Y-%m-%dT%H:%M:%SZ}"}
    xml = signed(busy, urlencode(fields).encode(), **{"Content-Type": "application/x-www-form-urlencoded"}).decode()
    assert all(f"<member>{value}</member>" in xml for value in expected["Values"])
    assert f"<member>{expected['Timestamps'][0]:%Y-%m-%dT%H:%M:%SZ}</member>" in xml


def test_a_missing_time_is_refused(busy: World) -> None:
    with pytest.raises(HTTPError, match="400"):
        signed(busy, json.dumps({"MetricDataQueries": [query()], "StartTime": FIRST}).encode(), **TARGET)


# Real invocations


def invoke(world: World, qualifier: str | None = "live") -> str:
    given = {"Qualifier": qualifier} if qualifier else {}
    return str(world.functions.invoke(FunctionName="checkout", **given).get("ExecutedVersion", ""))


def test_a_weighted_invoke_writes_the_three_dimension_sets(shop: World, ask: Ask) -> None:
    shop.emulator.advance(FIRST - shop.emulator.now)
    split(shop, 0.5)
    executed = [invoke(shop) for _ in range(20)]
    shop.emulator.scripts(checkout="fail")
    failed = [invoke(shop) for _ in range(10)]
    shop.emulator.advance(200)
    for version in ("1", "2"):
        assert ask(version=version) == {0: executed.count(version) + failed.count(version)}
        assert ask("Errors", version=version) == {0: failed.count(version)}
    for alias in ("live", None):
        assert ask(alias=alias) == {0: 30}
        assert ask("Errors", alias=alias) == {0: 10}
    assert ask("Duration", "SampleCount") == {0: 30}


@pytest.mark.parametrize("always", [False, True])
@pytest.mark.parametrize("qualifier", ["live", "1", "$LATEST", None])
def test_an_invoke_by_another_way_has_its_own_resource(
    shop: World, ask: Ask, qualifier: str | None, always: bool
) -> None:
    shop.emulator.switches(executed_version_always=always)
    shop.emulator.advance(FIRST - shop.emulator.now)
    invoke(shop, qualifier)
    shop.emulator.advance(200)
    assert ask(alias=None) == {0: 1}
    assert ask(alias="live") == ({0: 1} if qualifier == "live" else {})
    assert ask(alias="1") == ({0: 1} if qualifier == "1" else {})
    assert ask(version="1") == ({0: 1} if qualifier == "live" and always else {})


def test_a_reset_forgets_all_metrics(busy: World, ask: Ask) -> None:
    assert ask() != {}
    busy.emulator.reset()
    busy.served()
    busy.emulator.advance(900)
    assert ask() == {}
