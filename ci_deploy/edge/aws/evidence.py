"""What explains a failure: alarms, the last lines of a hook's own invocation, and the errors that a version logged.

Only reads, and only briefly: it is asked when things have gone wrong already. Sources: CloudWatch's and Logs' models;
Lambda's START/END/REPORT lines, and `platform.start` records where a function logs as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from ...core.aws import Alarm, LogLines
from ...core.errors import AwsError, ErrorKind
from .client import Aws
from .codedeploy.parse import epoch

BUDGET = 15.0
# Logs arrive some seconds after they are written, and two services' clocks differ a little.
TRIES = 3
PAUSE = 2.0
EARLIER = 2.0
LATER = 15.0
PAGES = 10
ALARM_TYPES = ("MetricAlarm", "CompositeAlarm", "LogAlarm")  # what is not asked for is left out
# What an error looks like in a log, as FilterLogEvents takes it and as it is looked for in the answer.
_ERRORS = ("ERROR", "Error", "Exception", "Traceback", "Task timed out", "Process exited", "errorMessage", "panic:")
_START = re.compile(r"START RequestId: ([0-9a-fA-F-]{8,64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """One event as FilterLogEvents sends it; `at` in epoch milliseconds."""

    stream: str
    at: int
    message: str


class CloudWatchEvidence:
    """Implements ports.Evidence."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._groups: dict[str, str] = {}
        self._alarm_types: tuple[str, ...] = ALARM_TYPES

    def alarms(self, names: tuple[str, ...]) -> tuple[Alarm, ...]:
        """The alarms that exist among `names`, in that order; 100 names a call."""
        found: dict[str, Alarm] = {}
        for start in range(0, len(names), 100):
            found |= {alarm.name: alarm for alarm in parse_alarms(self._described(names[start : start + 100]))}
        return tuple(found[name] for name in names if name in found)

    def _described(self, names: tuple[str, ...]) -> dict[str, Any]:
        def describe(kinds: tuple[str, ...]) -> dict[str, Any]:
            return self._aws.reading(
                lambda: self._aws.call(
                    "cloudwatch",
                    "DescribeAlarms",
                    AlarmNames=list(names),
                    AlarmTypes=list(kinds),
                    MaxRecords=100,
                ),
                budget=BUDGET,
            )

        kinds = self._alarm_types
        try:
            return describe(kinds)
        except AwsError as error:
            # A region that does not know log alarms yet refuses to be asked for them.
            if error.kind is not ErrorKind.REJECTED or kinds != ALARM_TYPES:
                raise
            older = tuple(kind for kind in ALARM_TYPES if kind != "LogAlarm")
            answer = describe(older)
            self._alarm_types = older
            return answer

    def log_lines(self, function: str, since: float, until: float | None, limit: int) -> LogLines:
        group = self._log_group(function)
        for attempt in range(TRIES):
            if attempt:
                self._aws.clock.sleep(PAUSE)
            events = self._aws.reading(lambda: self._events(group, since - EARLIER, until), budget=BUDGET)
            request, lines = invocation(events, since)
            if request:
                break
        return LogLines(function=function, group=group, lines=lines[-limit:] if limit > 0 else (), request_id=request)

    def error_lines(self, function: str, version: str, since: float, limit: int) -> LogLines:
        group = self._log_group(function)
        wanted = " ".join(f'?"{word}"' for word in _ERRORS)
        events: list[LogEvent] = []
        for day in _days(since, self._aws.clock.epoch()):
            streams = f"{day:%Y/%m/%d}/[{version}]"
            found = self._aws.reading(
                partial(self._events, group, since, None, streams=streams, wanted=wanted), budget=BUDGET
            )
            events += [event for event in found if event.stream.startswith(streams) and _is_error(event)]
        lines = _lines(sorted(events, key=lambda event: event.at))
        return LogLines(function=f"{function.split(':')[-1]}:{version}", group=group, lines=lines[-limit:])

    def _log_group(self, function: str) -> str:
        """LoggingConfig's group, or the default one when the function may not be read or does not say."""
        name = function.split(":")[-1]
        if function not in self._groups:
            default = f"/aws/lambda/{name}"
            try:
                answer = self._aws.reading(
                    lambda: self._aws.call("lambda", "GetFunction", f"function {name}", FunctionName=function),
                    budget=BUDGET,
                )
            except AwsError:
                return default
            logging = (answer.get("Configuration") or {}).get("LoggingConfig") or {}
            self._groups[function] = str(logging.get("LogGroup") or default)
        return self._groups[function]

    def _events(
        self, group: str, since: float, until: float | None, *, streams: str | None = None, wanted: str | None = None
    ) -> list[LogEvent]:
        """The events of a window; those of `streams` (how their names begin) that match `wanted`, a filter pattern."""
        found: list[LogEvent] = []
        token: str | None = None
        for _ in range(PAGES):
            try:
                page = self._aws.call(
                    "logs",
                    "FilterLogEvents",
                    f"log group {group}",
                    logGroupName=group,
                    logStreamNamePrefix=streams,
                    filterPattern=wanted,
                    startTime=max(0, int(since * 1000)),
                    endTime=None if until is None else int((until + LATER) * 1000),
                    nextToken=token,
                )
            except AwsError as error:
                if error.kind is ErrorKind.NOT_FOUND:  # nothing was ever logged
                    return []
                raise
            found += [
                LogEvent(
                    stream=str(event.get("logStreamName") or ""),
                    at=int(event.get("timestamp") or 0),
                    message=str(event.get("message") or ""),
                )
                for event in page.get("events") or ()
            ]
            token = page.get("nextToken") or None
            if token is None:
                break
        return found


def _days(since: float, until: float) -> Iterator[date]:
    """The days (UTC) that log streams of a window are named after."""
    first, last = (datetime.fromtimestamp(at, UTC).date() for at in (since, until))
    return (first + timedelta(days=number) for number in range(max(0, (last - first).days) + 1))


def _is_error(event: LogEvent) -> bool:
    return any(word in event.message for word in _ERRORS)


def parse_alarms(answer: dict[str, Any]) -> list[Alarm]:
    return [
        _alarm(sent, kind)
        for member, kind in (("MetricAlarms", "metric"), ("CompositeAlarms", "composite"), ("LogAlarms", "log"))
        for sent in answer.get(member) or ()
    ]


def _alarm(sent: dict[str, Any], kind: str) -> Alarm:
    value, threshold = _compared(str(sent.get("StateReasonData") or ""))
    return Alarm(
        name=str(sent.get("AlarmName") or ""),
        state=str(sent.get("StateValue") or ""),
        reason=str(sent.get("StateReason") or ""),
        since=epoch(sent.get("StateTransitionedTimestamp")) or epoch(sent.get("StateUpdatedTimestamp")),
        kind=kind,
        evaluation=str(sent.get("EvaluationState") or ""),
        metric=str(sent.get("MetricName") or ""),
        value=value,
        threshold=threshold,
    )


def _compared(data: str) -> tuple[float | None, float | None]:
    """The latest value and the threshold of `StateReasonData`, which is JSON; what is not there is None."""
    try:
        found = json.loads(data)
    except ValueError:
        return None, None
    if not isinstance(found, dict):
        return None, None
    points = found.get("recentDatapoints")
    return _number(points[-1] if isinstance(points, list) and points else None), _number(found.get("threshold"))


def _number(found: object) -> float | None:
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def invocation(events: Sequence[LogEvent], since: float) -> tuple[str, tuple[str, ...]]:
    """Request id and lines of the first invocation that began at `since` (epoch seconds) or later.

    An execution environment runs one invocation at a time and writes one stream, so what stands between a START and
    the next one in the same stream belongs to it, printed text without any id included. Without a START all lines
    of the window are given, and no id.
    """
    ordered = sorted(events, key=lambda event: event.at)
    starts = [(event, request) for event in ordered if (request := _started(event.message))]
    if not starts:
        return "", _lines(ordered)
    threshold = since * 1000
    # Just before the window (clocks differ) counts only if nothing began inside it.
    first, request = next(((event, found) for event, found in starts if event.at >= threshold), starts[-1])
    mine: list[LogEvent] = []
    inside = False
    for event in ordered:
        if event.stream != first.stream:
            continue
        started = _started(event.message)
        if started:
            inside = started == request
        if inside:
            mine.append(event)
    return request, _lines(mine)


def _started(message: str) -> str:
    """The request id of a START line, in either log format; empty for any other line."""
    if match := _START.match(message):
        return match[1]
    if '"platform.start"' in message:
        try:
            record = json.loads(message)
            return str(record["record"]["requestId"]) if record["type"] == "platform.start" else ""
        except (ValueError, KeyError, TypeError, RecursionError):  # a function may log anything
            return ""
    return ""


def _lines(events: Iterable[LogEvent]) -> tuple[str, ...]:
    return tuple(line for event in events for line in event.message.rstrip("\r\n").splitlines())
