"""Invoke: what is sent, what comes back, and what the log's REPORT tells of time and start."""

from __future__ import annotations

import base64
import io

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from ci_deploy.core.aws import Invocation
from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.edge.aws.lambda_.functions import LambdaApi
from ci_deploy.edge.aws.lambda_.invoking import report
from ci_deploy.edge.clock import RealClock
from tests.edge.fakes import StubbedAws

REPORT = "REPORT RequestId: 1\tDuration: 102.25 ms\tBilled Duration: 1103 ms\tInit Duration: 1000.50 ms\t"
SENT = {
    "FunctionName": "checkout",
    "Qualifier": "7",
    "InvocationType": "RequestResponse",
    "LogType": "Tail",
    "Payload": b'{"a":1}',
}


def stubbed(aws: StubbedAws) -> Stubber:
    """Of the client that waits as long as the function may run, and for its start."""
    stub = Stubber(aws.client("lambda", patience=90.0))
    stub.activate()
    return stub


def body(content: bytes, length: int | None = None) -> StreamingBody:
    return StreamingBody(io.BytesIO(content), len(content) if length is None else length)


def invoke(aws: StubbedAws, tenant: str = "") -> Invocation:
    return LambdaApi(aws).invoke("checkout", "7", '{"a":1}', tenant=tenant, timeout=30.0)


def log(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_the_version_is_invoked_and_its_log_comes_with_the_answer(aws: StubbedAws) -> None:
    text = f"hello ä\n{REPORT}\n"
    stub = stubbed(aws)
    stub.add_response("invoke", {"StatusCode": 200, "Payload": body('{"ö": 1}'.encode()), "LogResult": log(text)}, SENT)
    assert invoke(aws) == Invocation(payload='{"ö": 1}', log=text, seconds=0.10225, init_seconds=1.0005)
    stub.assert_no_pending_responses()


@pytest.mark.parametrize("faster", [False, True])
def test_a_call_takes_real_seconds_however_fast_a_rehearsal_is(faster: bool) -> None:
    """A rehearsal's clock is as slow as life until something is waited for."""
    passed = [0.0]
    clock = RealClock(60.0, monotonic=lambda: passed[0], sleep=lambda _: None)
    if faster:
        clock.sleep(1.0)
    aws = StubbedAws(clock)
    content = io.BytesIO(b"{}")

    def read(*_: object) -> bytes:
        passed[0] += 1.5
        return b"{}"

    content.read = read  # type: ignore[method-assign]
    stub = stubbed(aws)
    stub.add_response("invoke", {"StatusCode": 200, "Payload": StreamingBody(content, 2)}, SENT)
    assert invoke(aws).seconds == pytest.approx(1.5)


def test_the_client_waits_longer_than_the_function_and_its_start(aws: StubbedAws) -> None:
    assert aws.client("lambda", patience=960.0).meta.config.read_timeout == 960.0
    assert aws.client("lambda", patience=90.0).meta.config.read_timeout == 90.0
    assert aws.client("lambda").meta.config.read_timeout == 20.0


def test_a_tenant_is_named_and_an_error_of_the_function_is_an_answer(aws: StubbedAws) -> None:
    stub = stubbed(aws)
    answer = {"StatusCode": 200, "Payload": body(b"{}"), "FunctionError": "Unhandled", "LogResult": log(REPORT)}
    stub.add_response("invoke", answer, {**SENT, "TenantId": "blue"})
    assert invoke(aws, tenant="blue").error == "Unhandled"


@pytest.mark.parametrize("tail", ["a", "====", "UkVQT1JUIF"])
def test_a_log_that_cannot_be_read_takes_nothing_from_the_answer(aws: StubbedAws, tail: str) -> None:
    stubbed(aws).add_response("invoke", {"StatusCode": 200, "Payload": body(b"{}"), "LogResult": tail}, SENT)
    found = invoke(aws)
    assert (found.payload, found.error, found.reported) == ("{}", "", False)


def test_without_a_report_the_time_until_the_answer_counts(aws: StubbedAws) -> None:
    stub = stubbed(aws)
    stub.add_response("invoke", {"StatusCode": 200, "Payload": body(b"")}, SENT)
    assert invoke(aws) == Invocation(payload="", seconds=0.0, reported=False)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("TooManyRequestsException", 429, ErrorKind.THROTTLED),
        ("AccessDeniedException", 403, ErrorKind.DENIED),
        ("ServiceException", 500, ErrorKind.UNREACHABLE),
        ("RequestTooLargeException", 413, ErrorKind.REJECTED),
    ],
)
def test_what_lambda_does_not_run_is_an_error_after_one_attempt(
    aws: StubbedAws, code: str, status: int, kind: ErrorKind
) -> None:
    stub = stubbed(aws)
    stub.add_client_error("invoke", service_error_code=code, http_status_code=status)
    with pytest.raises(AwsError) as caught:
        invoke(aws)
    assert (caught.value.kind, caught.value.code, caught.value.operation) == (kind, code, "lambda:InvokeFunction")
    stub.assert_no_pending_responses()


def test_an_answer_that_breaks_off_is_lost(aws: StubbedAws) -> None:
    stub = stubbed(aws)
    stub.add_response("invoke", {"StatusCode": 200, "Payload": body(b"{", length=100)}, SENT)
    with pytest.raises(AwsError) as caught:
        invoke(aws)
    assert caught.value.kind is ErrorKind.UNREACHABLE


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", None),
        ("REPORT", None),
        ("REPORT RequestId: 1\tBilled Duration: 5 ms", None),
        (REPORT, (0.10225, 1.0005)),
        (f"REPORT RequestId: 0\tDuration: 1.00 ms\n{REPORT}\nmore", (0.10225, 1.0005)),
        ("REPORT RequestId: 1\tDuration: 1.5 ms\tBilled Duration: 2 ms\tMax Memory Used: 40 MB\t", (0.0015, 0.0)),
        ("REPORT RequestId: 1\tDuration: 10 ms\tRestore Duration: 500 ms\tBilled Restore Duration: 5 ms", (0.01, 0.5)),
        ('{"type": "platform.report", "record": {"metrics": {"durationMs": 5, "initDurationMs": 100}}}', (0.005, 0.1)),
        (
            '{"type": "platform.report", "record": {"metrics": {"durationMs": 5, "restoreDurationMs": 5}}}',
            (0.005, 0.005),
        ),
        ('{"type": "platform.report", "record": {"metrics": []}}', None),
        ('{"type": "platform.report"}', None),
        ('{"type": "mine", "record": "platform.report"}', None),
        ('{"platform.report', None),
    ],
)
def test_what_a_report_tells(text: str, found: tuple[float, float] | None) -> None:
    assert report(text) == found
