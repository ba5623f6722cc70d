"""GetMetricData for the namespace AWS/Lambda, in CloudWatch's three protocols; anything else stays moto's.

Matched are exactly the namespace, the metric's name and the dimensions. A period begins at StartTime (rounded down to
the minute) and has a point only if something happened in it. A page has 100,800 points at most.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import botocore.session

from ..errors import ApiError
from ..server import cbor
from ..server.wire import Request, Response, json_response, query_response, request_id
from .book import MINUTE, Book, Place
from .durations import Samples
from .statistics import merged, statistic

NAMESPACE = "AWS/Lambda"
MOST_QUERIES = 500
MOST_POINTS = 100_800

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """One result: its points in the order that was asked for."""

    id: str
    label: str
    points: tuple[tuple[int, float], ...]


def answered(request: Request, protocol: str, place: Place, book: Book, now: float) -> Response | None:
    """The answer to GetMetricData; None when nothing in it is about Lambda's own metrics."""
    given = _decoded(request, protocol)
    queries = given.get("MetricDataQueries") or []
    ours = [query for query in queries if _metric(query).get("Namespace") == NAMESPACE]
    if not ours:
        return None
    if len(ours) < len(queries):
        raise ApiError(
            "ValidationError", f"The emulator does not mix {NAMESPACE} with other namespaces or expressions."
        )
    start, end = _window(given)
    if len(queries) > MOST_QUERIES:
        raise ApiError(
            "ValidationError", f"The collection MetricDataQueries must not have a size greater than {MOST_QUERIES}."
        )
    if len({query.get("Id") for query in queries}) < len(queries):
        raise ApiError("ValidationError", "The values for parameter id in MetricDataQueries are not unique.")
    newest_first = (given.get("ScanBy") or "TimestampDescending") == "TimestampDescending"
    results = [
        _series(query, place, book, start, end, now, newest_first)
        for query in queries
        if query.get("ReturnData", True) not in (False, "false")
    ]
    most = min(MOST_POINTS, int(given.get("MaxDatapoints") or MOST_POINTS))
    return _encoded(_page(results, most, given.get("NextToken")), protocol)


def _metric(query: Json) -> Json:
    return dict((query.get("MetricStat") or {}).get("Metric") or {})


def _window(given: Json) -> tuple[int, float]:
    start, end = _epoch(given.get("StartTime"), "StartTime"), _epoch(given.get("EndTime"), "EndTime")
    if start >= end:
        raise ApiError("ValidationError", "The parameter StartTime must be less than the parameter EndTime.")
    return int(start // MINUTE) * MINUTE, end


def _epoch(value: Any, name: str) -> float:
    if isinstance(value, int | float):
        return float(value)
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        raise ApiError("ValidationError", f"The parameter {name} is required, and must be a timestamp.") from None


def _series(query: Json, place: Place, book: Book, start: int, end: float, now: float, newest_first: bool) -> _Series:
    identity, stat, metric = str(query.get("Id")), query["MetricStat"], _metric(query)
    if not re.fullmatch(r"[a-z][a-zA-Z0-9_]*", identity):
        raise ApiError(
            "ValidationError", f"The value {identity} for parameter id is not matching the expected pattern."
        )
    period, name = int(stat.get("Period") or 0), str(stat.get("Stat"))
    if period <= 0 or period % MINUTE:
        raise ApiError("ValidationError", f"The value {period} for parameter period must be a multiple of 60.")
    calculate = statistic(name)
    if calculate is None:
        raise ApiError("ValidationError", f"The value {name} for parameter Stat is not supported.")
    dimensions = {str(each.get("Name")): str(each.get("Value")) for each in metric.get("Dimensions") or []}
    label = str(metric.get("MetricName"))
    periods: dict[int, list[Samples]] = {}
    for minute, samples in book.samples(place, label, dimensions, start, -int(-end // 1), now):
        if minute < end:
            periods.setdefault(start + (minute - start) // period * period, []).append(samples)
    ordered = sorted(periods, reverse=newest_first)
    return _Series(
        id=identity,
        label=str(query.get("Label") or label),
        points=tuple((at, calculate(merged(periods[at]))) for at in ordered),
    )


def _page(results: list[_Series], most: int, token: str | None) -> Json:
    """One page: series after series, points after points; a series goes on where the page before it ended."""
    first, skip = _place(token)
    answer: list[Json] = []
    room = most
    for number, series in enumerate(results[first:], first):
        points = series.points[skip:] if number == first else series.points
        shown = points[:room]
        whole = len(shown) == len(points)
        answer.append(
            {
                "Id": series.id,
                "Label": series.label,
                "Timestamps": [at for at, _ in shown],
                "Values": [value for _, value in shown],
                "StatusCode": "Complete" if whole else "PartialData",
            }
        )
        room -= len(shown)
        if not whole:
            at = len(series.points) - len(points) + len(shown)
            return {"MetricDataResults": answer, "NextToken": _token(number, at), "Messages": []}
    return {"MetricDataResults": answer, "Messages": []}


def _token(number: int, at: int) -> str:
    return base64.urlsafe_b64encode(f"{number}/{at}".encode()).decode()


def _place(token: str | None) -> tuple[int, int]:
    if not token:
        return 0, 0
    try:
        number, at = base64.urlsafe_b64decode(token).decode().split("/")
        return int(number), int(at)
    except (ValueError, binascii.Error):
        raise ApiError("InvalidNextToken", "The next token specified is invalid.") from None


# Protocols


def _decoded(request: Request, protocol: str) -> Json:
    if protocol == "cbor":
        decoded = cbor.decode(request.body)
    elif protocol == "json":
        decoded = request.json()
    else:
        fields = parse_qsl(request.body.decode() or request.query_string, keep_blank_values=True)
        decoded = _nested(dict(fields))
    return decoded if isinstance(decoded, dict) else {}


def _nested(fields: Mapping[str, str]) -> Any:
    """`A.member.1.B` as mappings and lists."""
    tree: dict[str, Any] = {}
    for name, value in fields.items():
        inner = tree
        *path, last = name.split(".")
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = value

    def listed(node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        if set(node) == {"member"}:
            return [listed(each) for _, each in sorted(node["member"].items(), key=lambda pair: int(pair[0]))]
        return {name: listed(each) for name, each in node.items()}

    return listed(tree)


def _encoded(answer: Json, protocol: str) -> Response:
    return _ENCODERS[protocol](answer)


def _cbor(answer: Json) -> Response:
    headers = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
    return Response(headers=[*headers, ("x-amzn-RequestId", request_id())], body=cbor.encode(answer, _shape()))


@cache
def _shape() -> Any:
    return botocore.session.get_session().get_service_model("cloudwatch").operation_model("GetMetricData").output_shape


def _json(answer: Json) -> Response:
    return json_response(
        answer, content_type="application/x-amz-json-1.0", headers=[("x-amzn-RequestId", request_id())]
    )


def _query(answer: Json) -> Response:
    results = [
        {**each, "Timestamps": [_stamp(at) for at in each["Timestamps"]]} for each in answer["MetricDataResults"]
    ]
    return query_response("cloudwatch", "GetMetricData", {**answer, "MetricDataResults": results})


def _stamp(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


_ENCODERS: Mapping[str, Callable[[Json], Response]] = {"cbor": _cbor, "json": _json, "query": _query}


def filtered(request: Request, streams: Callable[[str], list[str]], ask: Callable[[Request], Response]) -> Response:
    """FilterLogEvents with `logStreamNamePrefix`, which moto does not know; `streams` are those of a group."""
    given = request.json()
    prefix = str(given.pop("logStreamNamePrefix", ""))
    if given.get("logStreamNames"):
        raise ApiError("InvalidParameterException", "logStreamNames and logStreamNamePrefix exclude each other.")
    given["logStreamNames"] = [name for name in streams(str(given.get("logGroupName"))) if name.startswith(prefix)]
    if not given["logStreamNames"] and streams(str(given.get("logGroupName"))):
        return json_response({"events": [], "searchedLogStreams": []}, content_type="application/x-amz-json-1.1")
    return ask(
        Request(
            method=request.method,
            path=request.path,
            query_string=request.query_string,
            headers=request.headers,
            body=json.dumps(given).encode(),
            environ=request.environ,
        )
    )
