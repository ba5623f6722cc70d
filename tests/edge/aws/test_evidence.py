"""What explains a failure: alarms and a hook's own log lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import ANY

from ci_deploy.core.aws import Alarm
from ci_deploy.core.errors import AwsError
from ci_deploy.edge.aws.evidence import CloudWatchEvidence, LogEvent, invocation, parse_alarms
from tests.edge.fakes import FakeClock, StubbedAws

SINCE = 1_800_000_000.0
AT = int(SINCE * 1000)
A, B = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"


@pytest.fixture
def api(aws: StubbedAws) -> CloudWatchEvidence:
    return CloudWatchEvidence(aws)


def log(at: int, message: str, stream: str = "one") -> LogEvent:
    return LogEvent(stream=stream, at=AT + at, message=message + "\n")


def start(request: str) -> str:
    return f"START RequestId: {request} Version: 3"


def test_alarms_of_all_kinds_come_in_the_order_asked_for_and_missing_ones_not_at_all(
    aws: StubbedAws, api: CloudWatchEvidence
) -> None:
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    aws.expect(
        "cloudwatch",
        "describe_alarms",
        {
            "MetricAlarms": [
                {
                    "AlarmName": "errors",
                    "StateValue": "ALARM",
                    "StateReason": "2 > 1",
                    "StateTransitionedTimestamp": noon,
                }
            ],
            "CompositeAlarms": [{"AlarmName": "any", "StateValue": "OK", "StateUpdatedTimestamp": noon}],
            "LogAlarms": [{"AlarmName": "panics", "StateValue": "OK", "EvaluationState": "EVALUATION_ERROR"}],
        },
        AlarmNames=["any", "gone", "errors", "panics"],
        AlarmTypes=["MetricAlarm", "CompositeAlarm", "LogAlarm"],
        MaxRecords=100,
    )
    assert api.alarms(("any", "gone", "errors", "panics")) == (
        Alarm(name="any", state="OK", since=noon.timestamp(), kind="composite"),
        Alarm(name="errors", state="ALARM", reason="2 > 1", since=noon.timestamp()),
        Alarm(name="panics", state="OK", kind="log", evaluation="EVALUATION_ERROR"),
    )


def test_a_region_without_log_alarms_is_asked_for_the_others_from_then_on(
    aws: StubbedAws, api: CloudWatchEvidence
) -> None:
    aws.refuse("cloudwatch", "describe_alarms", "ValidationError", "Member must satisfy enum value set")
    answer = {"MetricAlarms": [{"AlarmName": "errors", "StateValue": "OK"}]}
    older = ["MetricAlarm", "CompositeAlarm"]
    for _ in range(2):
        aws.expect("cloudwatch", "describe_alarms", answer, AlarmNames=["errors"], AlarmTypes=older, MaxRecords=100)
        assert api.alarms(("errors",)) == (Alarm(name="errors", state="OK"),)


def test_a_refusal_of_something_else_leaves_log_alarms_asked_for(aws: StubbedAws, api: CloudWatchEvidence) -> None:
    for _ in range(2):
        aws.refuse("cloudwatch", "describe_alarms", "ValidationError", "The alarm's name is too long")
    with pytest.raises(AwsError):
        api.alarms(("errors",))
    every = ["MetricAlarm", "CompositeAlarm", "LogAlarm"]
    aws.expect("cloudwatch", "describe_alarms", {}, AlarmNames=["errors"], AlarmTypes=every, MaxRecords=100)
    assert api.alarms(("errors",)) == ()


@pytest.mark.parametrize(("code", "times"), [("ValidationError", 2), ("AccessDeniedException", 1)])
def test_alarms_that_may_not_be_described_are_an_error(
    aws: StubbedAws, api: CloudWatchEvidence, code: str, times: int
) -> None:
    for _ in range(times):
        aws.refuse("cloudwatch", "describe_alarms", code)
    with pytest.raises(AwsError, match=code):
        api.alarms(("errors",))
    aws.done()


def test_no_alarms_are_no_call(api: CloudWatchEvidence) -> None:
    assert api.alarms(()) == ()


def test_more_alarms_than_a_call_takes_are_asked_in_turns(aws: StubbedAws, api: CloudWatchEvidence) -> None:
    for _ in range(2):
        aws.expect("cloudwatch", "describe_alarms", {"MetricAlarms": []})
    assert api.alarms(tuple(f"alarm-{number}" for number in range(101))) == ()


def test_an_invocation_is_cut_out_by_its_start_within_its_own_stream() -> None:
    events = [
        log(-9000, start(B)),
        log(-8000, "before"),
        log(100, start(A)),
        log(150, "from another environment", "two"),
        log(200, "printed\nTraceback"),
        log(300, f"END RequestId: {A}"),
        log(310, f"REPORT RequestId: {A} Duration: 200 ms"),
        log(400, start(B)),
        log(500, "after"),
    ]
    request, lines = invocation(events, SINCE)
    assert request == A
    assert lines == (
        start(A),
        "printed",
        "Traceback",
        f"END RequestId: {A}",
        f"REPORT RequestId: {A} Duration: 200 ms",
    )


def test_a_retry_of_the_same_request_belongs_to_it() -> None:
    events = [log(0, start(A)), log(1, "first"), log(2, start(B)), log(3, "other"), log(4, start(A)), log(5, "second")]
    assert invocation(events, SINCE)[1] == (start(A), "first", start(A), "second")


def test_a_clock_that_is_a_little_behind_does_not_lose_the_invocation() -> None:
    assert invocation([log(-500, start(A)), log(-400, "x")], SINCE)[0] == A


def test_json_logs_start_with_a_platform_record() -> None:
    record = json.dumps({"time": "t", "type": "platform.start", "record": {"requestId": A, "version": "3"}})
    events = [log(0, record), log(1, '{"message":"x"}'), log(2, 'text with "platform.start" in it')]
    request, lines = invocation(events, SINCE)
    assert request == A
    assert len(lines) == 3


@pytest.mark.parametrize(
    "message",
    [
        "[" * 100_000 + '"platform.start"',
        '{"type":"platform.start"}',
        '["platform.start"]',
        '{"type":"platform.start","record":1}',
    ],
)
def test_odd_platform_records_are_text(message: str) -> None:
    assert invocation([log(0, message)], SINCE) == ("", (message,))


def test_without_a_start_all_lines_of_the_window_are_given() -> None:
    assert invocation([log(1, "b"), log(0, "a")], SINCE) == ("", ("a", "b"))
    assert invocation([], SINCE) == ("", ())


def expect_group(aws: StubbedAws, group: str = "") -> None:
    configuration = {"LoggingConfig": {"LogGroup": group}} if group else {}
    aws.expect("lambda", "get_function", {"Configuration": configuration}, FunctionName="hook")


def expect_events(aws: StubbedAws, *events: LogEvent, group: str = "/aws/lambda/hook", **more: Any) -> None:
    sent = [{"logStreamName": event.stream, "timestamp": event.at, "message": event.message} for event in events]
    answer: dict[str, Any] = {"events": sent}
    if "page" in more:
        answer["nextToken"] = more.pop("page")
    aws.expect("logs", "filter_log_events", answer, logGroupName=group, startTime=AT - 2000, **more)


def test_the_last_lines_of_the_hooks_invocation_are_read_over_all_pages(
    aws: StubbedAws, api: CloudWatchEvidence
) -> None:
    expect_group(aws)
    expect_events(aws, log(0, start(A)), log(1, "a"), page="more", endTime=AT + 25_000)
    expect_events(aws, log(2, "b"), endTime=AT + 25_000, nextToken="more")
    found = api.log_lines("hook", SINCE, SINCE + 10, 2)
    assert (found.lines, found.request_id, found.group) == (("a", "b"), A, "/aws/lambda/hook")


def test_the_log_group_is_the_one_that_the_function_names(aws: StubbedAws, api: CloudWatchEvidence) -> None:
    expect_group(aws, "/shared/logs")
    expect_events(aws, log(0, start(A)), group="/shared/logs")
    assert api.log_lines("hook", SINCE, None, 10).group == "/shared/logs"


def test_a_function_that_may_not_be_read_logs_where_functions_do(aws: StubbedAws, api: CloudWatchEvidence) -> None:
    aws.refuse("lambda", "get_function", "AccessDeniedException", status=403)
    expect_events(aws, log(0, start(A)))
    assert api.log_lines("hook", SINCE, None, 10).group == "/aws/lambda/hook"


def test_logs_that_are_late_are_asked_for_again_a_few_times(
    aws: StubbedAws, api: CloudWatchEvidence, clock: FakeClock
) -> None:
    expect_group(aws)
    expect_events(aws)
    expect_events(aws)
    expect_events(aws, log(0, start(A)))
    assert api.log_lines("hook", SINCE, None, 10).request_id == A
    expect_events(aws)
    expect_events(aws)
    expect_events(aws)
    assert api.log_lines("hook", SINCE, None, 10).lines == ()
    assert clock.slept == [2, 2, 2, 2]


def test_a_log_without_end_is_read_for_ten_pages(aws: StubbedAws, api: CloudWatchEvidence) -> None:
    """A busy function's log group: what was read is told, and the report does not wait for the rest."""
    aws.stub("lambda").add_response("get_function", {})
    begun = {"timestamp": AT, "logStreamName": "one", "message": start(A)}
    for page in range(10):
        line = {"timestamp": AT + page, "logStreamName": "one", "message": f"line {page}"}
        aws.stub("logs").add_response("filter_log_events", {"events": [begun, line], "nextToken": f"t{page}"})
    found = api.log_lines("hook", SINCE, SINCE + 5, 3)
    assert (found.request_id, found.lines[-1]) == (A, "line 9")


def test_a_function_that_never_logged_has_no_lines(aws: StubbedAws, api: CloudWatchEvidence) -> None:
    expect_group(aws)
    for _ in range(3):
        aws.refuse("logs", "filter_log_events", "ResourceNotFoundException")
    assert api.log_lines("hook", SINCE, None, 10).lines == ()


def test_logs_that_may_not_be_read_name_the_permission(aws: StubbedAws, api: CloudWatchEvidence) -> None:
    expect_group(aws)
    aws.refuse("logs", "filter_log_events", "AccessDeniedException")
    with pytest.raises(AwsError) as caught:
        api.log_lines("hook", SINCE, None, 10)
    assert caught.value.operation == "logs:FilterLogEvents"


def test_a_versions_own_errors_are_its_streams_lines_that_look_like_errors(
    aws: StubbedAws, api: CloudWatchEvidence
) -> None:
    aws.expect("lambda", "get_function", {"Configuration": {}}, FunctionName="checkout")
    pattern = (
        '?"ERROR" ?"Error" ?"Exception" ?"Traceback" ?"Task timed out" ?"Process exited" ?"errorMessage" ?"panic:"'
    )
    before = datetime(2023, 11, 14, 20, tzinfo=UTC).timestamp()

    def event(stream: str, at: int, message: str) -> dict[str, Any]:
        return {"logStreamName": stream, "timestamp": int(before * 1000) + at, "message": message}

    page = [
        event("2023/11/14/[42]bbb", 2000, "[ERROR] KeyError: 'total'\n  File app.py\n"),
        event("2023/11/14/[42]aaa", 1000, "Task timed out after 3.00 seconds\n"),
        event("2023/11/14/[42]aaa", 1500, "all is well\n"),
        event("2023/11/14/[421]c", 1500, "[ERROR] of another version\n"),
    ]
    aws.expect(
        "logs",
        "filter_log_events",
        {"events": page},
        logGroupName="/aws/lambda/checkout",
        logStreamNamePrefix="2023/11/14/[42]",
        filterPattern=pattern,
        startTime=int(before * 1000),
    )
    found = api.error_lines("checkout", "42", before, 2)
    assert (found.function, found.group) == ("checkout:42", "/aws/lambda/checkout")
    assert found.lines == ("[ERROR] KeyError: 'total'", "  File app.py")


@pytest.mark.parametrize("days", [("14",), ("13", "14"), ("11", "12", "13", "14")], ids=len)
def test_errors_are_in_the_streams_of_every_day_since(
    aws: StubbedAws, api: CloudWatchEvidence, days: tuple[str, ...]
) -> None:
    """The clock of the tests stands at 22:13 on 14 November 2023."""
    aws.expect("lambda", "get_function", {"Configuration": {}}, FunctionName="checkout")
    since = datetime(2023, 11, int(days[0]), 22, 30 if len(days) > 1 else 0, tzinfo=UTC).timestamp()
    for day in days:
        name = f"2023/11/{day}/[42]"
        page = [{"logStreamName": f"{name}a", "timestamp": int(since * 1000) + int(day), "message": f"Error {day}"}]
        aws.expect(
            "logs",
            "filter_log_events",
            {"events": page},
            logGroupName="/aws/lambda/checkout",
            logStreamNamePrefix=name,
            filterPattern=ANY,
            startTime=int(since * 1000),
        )
    assert api.error_lines("checkout", "42", since, 20).lines == tuple(f"Error {day}" for day in days)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ('{"recentDatapoints": [3.0, 14.0], "threshold": 5.0}', (14.0, 5.0)),
        ('{"recentDatapoints": [], "threshold": 5}', (None, 5.0)),
        ('{"recentDatapoints": "many", "threshold": true}', (None, None)),
        ("[1]", (None, None)),
        ("{no JSON", (None, None)),
        ("", (None, None)),
    ],
)
def test_an_alarms_value_and_threshold_are_those_of_its_last_state(
    data: str, found: tuple[float | None, float | None]
) -> None:
    sent = {"AlarmName": "errors", "StateValue": "ALARM", "MetricName": "Errors", "StateReasonData": data}
    (alarm,) = parse_alarms({"MetricAlarms": [sent]})
    assert (alarm.metric, alarm.value, alarm.threshold) == ("Errors", *found)
