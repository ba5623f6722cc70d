"""The door to AWS: one attempt, time-outs, the urgent client, and errors as they come over the wire."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from ci_deploy.core.errors import AwsError, ErrorKind, InvalidInput
from ci_deploy.edge.aws import client as edge
from ci_deploy.edge.aws.client import Aws, config
from ci_deploy.edge.aws.rate import SILENCE
from tests.edge.fakes import REGION, FakeClock, Server, StubbedAws, cut_short, hangs_up, sends, session

OK = {"deploymentInfo": {"deploymentId": "d-A1B2C3D4E", "status": "InProgress"}}


def get_deployment(aws: Aws) -> dict[str, object]:
    return aws.call(
        "codedeploy", "GetDeployment", "deployment d-1", expects="deploymentInfo", deploymentId="d-A1B2C3D4E"
    )


def failure(aws: Aws) -> AwsError:
    with pytest.raises(AwsError) as caught:
        get_deployment(aws)
    return caught.value


@pytest.fixture
def real(clock: FakeClock) -> Callable[[], Aws]:
    return lambda: Aws(session(), clock, region=REGION)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (sends(b"<html>502 Bad Gateway</html>", 502, "text/html"), ErrorKind.UNREACHABLE),
        (sends(b"", 503), ErrorKind.UNREACHABLE),
        (sends({"__type": "InternalFailure", "message": "oops"}, 500), ErrorKind.UNREACHABLE),
        (sends(b"<html>please log in to the hotel</html>", 200, "text/html"), ErrorKind.UNREACHABLE),
        (sends(b"\xff\xfe not json", 200), ErrorKind.UNREACHABLE),
        (sends({}, 200), ErrorKind.UNREACHABLE),
        (sends(b"[]", 200), ErrorKind.UNREACHABLE),
        (sends(b"null", 200), ErrorKind.UNREACHABLE),
        (sends({"deploymentInfo": ["x"]}, 200), ErrorKind.UNREACHABLE),
        (sends(b"[]", 400), ErrorKind.UNREACHABLE),
        (hangs_up, ErrorKind.UNREACHABLE),
        (cut_short, ErrorKind.UNREACHABLE),
        (sends({"__type": "ThrottlingException", "message": "Rate exceeded"}, 400), ErrorKind.THROTTLED),
        (sends(b"", 429), ErrorKind.THROTTLED),
        (sends({"__type": "ExpiredTokenException", "message": "expired"}, 400), ErrorKind.EXPIRED),
        (sends({"__type": "AccessDeniedException", "message": "no"}, 400), ErrorKind.DENIED),
        (sends({"__type": "DeploymentDoesNotExistException", "message": "no"}, 400), ErrorKind.NOT_FOUND),
    ],
)
def test_weather_on_the_wire_has_a_kind_and_makes_one_request(
    answer: object, kind: ErrorKind, serve: Callable[..., Server], real: Callable[[], Aws]
) -> None:
    server = serve(answer)
    error = failure(real())
    assert error.kind is kind
    assert error.operation == "codedeploy:GetDeployment"
    assert error.remedy
    assert len(server.requests) == 1


def test_a_region_that_no_address_can_have_is_bad_input(clock: FakeClock) -> None:
    with pytest.raises(InvalidInput, match="Input `aws-region`"):
        get_deployment(Aws(session(), clock, region="eu central 1"))


def test_nobody_listening_is_unreachable(monkeypatch: pytest.MonkeyPatch, real: Callable[[], Aws]) -> None:
    server = Server(hangs_up)
    server.close()
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    assert failure(real()).kind is ErrorKind.UNREACHABLE


def test_a_name_that_does_not_resolve_is_unreachable(monkeypatch: pytest.MonkeyPatch, real: Callable[[], Aws]) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://nowhere.invalid")
    assert failure(real()).kind is ErrorKind.UNREACHABLE


def test_reads_survive_the_weather(serve: Callable[..., Server], real: Callable[[], Aws]) -> None:
    server = serve(hangs_up, sends(b"<html/>", 502, "text/html"), sends(OK))
    aws = real()
    found = aws.reading(lambda: get_deployment(aws))
    assert found["deploymentInfo"]["status"] == "InProgress"  # type: ignore[index]
    assert len(server.requests) == 3


def test_requests_say_who_we_are(serve: Callable[..., Server], real: Callable[[], Aws]) -> None:
    server = serve(sends(OK))
    get_deployment(real())
    assert "ci-deploy/" in server.requests[0]["headers"]["User-Agent"]


def test_a_retry_after_header_is_kept(serve: Callable[..., Server], real: Callable[[], Aws]) -> None:
    serve(sends({"__type": "ThrottlingException"}, 400, Retry_After="7"))
    assert failure(real()).retry_after == 7


@pytest.mark.parametrize("header", ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "nan", "1e9"])
def test_a_retry_after_that_is_no_number_of_seconds_is_ignored(
    header: str, serve: Callable[..., Server], real: Callable[[], Aws]
) -> None:
    serve(sends({"__type": "ThrottlingException"}, 400, Retry_After=header))
    assert failure(real()).retry_after == 0


def test_missing_credentials_say_how_to_get_some(monkeypatch: pytest.MonkeyPatch, real: Callable[[], Aws]) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    error = failure(real())
    assert error.kind is ErrorKind.NO_CREDENTIALS
    assert "aws-actions/configure-aws-credentials" in error.remedy
    assert "id-token: write" in error.remedy


def test_half_of_the_credentials_is_none(monkeypatch: pytest.MonkeyPatch, real: Callable[[], Aws]) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert failure(real()).kind is ErrorKind.NO_CREDENTIALS


def test_an_unknown_profile_is_no_credentials(monkeypatch: pytest.MonkeyPatch, real: Callable[[], Aws]) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert failure(real()).kind is ErrorKind.NO_CREDENTIALS


def test_botocore_itself_never_repeats_and_never_waits_long() -> None:
    normal, urgent = config(FakeClock()), config(FakeClock(), urgent=True)
    assert normal.retries == {"mode": "standard", "total_max_attempts": 1}
    assert (normal.connect_timeout, normal.read_timeout) == (5, 20)
    assert (urgent.connect_timeout, urgent.read_timeout) == (2, 2)
    assert normal.tcp_keepalive
    assert normal.max_pool_connections >= 16


def test_a_rehearsals_time_outs_are_short_but_not_absurd() -> None:
    assert config(FakeClock(speed=60)).read_timeout == edge.READ_SECONDS_LEAST
    assert config(FakeClock(speed=2)).read_timeout == 10
    assert config(FakeClock(speed=0.5)).read_timeout == 20


def test_the_urgent_client_is_there_before_it_is_needed(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    aws = Aws(session(), clock, region=REGION)
    aws.client("codedeploy")
    monkeypatch.setattr(Aws, "_create", lambda *_, **__: pytest.fail("made too late"))
    with aws._lock:  # somebody else is making a client meanwhile
        assert aws.client("codedeploy", urgent=True).meta.config.read_timeout == 2


def test_urgent_calls_do_not_wait_for_the_rate_limit(aws: StubbedAws, clock: FakeClock) -> None:
    for _ in range(20):
        aws.stub("codedeploy", urgent=True).add_response("stop_deployment", {"status": "Pending"})
        aws.call("codedeploy", "StopDeployment", urgent=True, deploymentId="d-A1B2C3D4E")
    assert clock.slept == []


def test_lambdas_control_plane_is_asked_ten_times_a_second_and_get_function_apart(
    aws: StubbedAws, clock: FakeClock
) -> None:
    for _ in range(12):
        aws.expect("lambda", "get_alias", {"FunctionVersion": "1"})
        aws.call("lambda", "GetAlias", FunctionName="f", Name="live")
    assert sum(clock.slept) == pytest.approx(0.2)
    for _ in range(12):
        aws.expect("lambda", "get_function", {})
        aws.call("lambda", "GetFunction", FunctionName="f")
    assert sum(clock.slept) == pytest.approx(0.2)


def test_what_aws_throttles_is_asked_more_slowly_and_nothing_else_is(aws: StubbedAws, clock: FakeClock) -> None:
    aws.refuse("lambda", "get_alias", "TooManyRequestsException", status=429)
    with pytest.raises(AwsError):
        aws.call("lambda", "GetAlias", FunctionName="f", Name="live")
    aws.expect("lambda", "get_function", {})
    aws.call("lambda", "GetFunction", FunctionName="f")
    assert clock.slept == []
    aws.expect("lambda", "get_alias", {"FunctionVersion": "1"})
    aws.call("lambda", "GetAlias", FunctionName="f", Name="live")
    assert clock.slept == [pytest.approx(SILENCE + 1 / 5)]


def test_a_read_is_patient_with_throttling(aws: StubbedAws) -> None:
    for _ in range(30):
        aws.refuse("lambda", "get_alias", "TooManyRequestsException", status=429)
    aws.expect("lambda", "get_alias", {"FunctionVersion": "1"})
    assert aws.read("lambda", "GetAlias", FunctionName="f", Name="live")["FunctionVersion"] == "1"


def test_a_read_whose_time_is_limited_is_not(aws: StubbedAws, clock: FakeClock) -> None:
    for _ in range(3):
        aws.refuse("lambda", "get_alias", "TooManyRequestsException", status=429)
    with pytest.raises(AwsError):
        aws.reading(lambda: aws.call("lambda", "GetAlias", FunctionName="f", Name="live"), budget=5.0)


def test_parameters_that_are_none_are_not_sent(aws: StubbedAws) -> None:
    aws.expect("lambda", "get_alias", {"FunctionVersion": "1"}, FunctionName="f", Name="live")
    aws.call("lambda", "GetAlias", FunctionName="f", Name="live", Nothing=None)


@pytest.mark.parametrize(
    ("answers", "ahead"),
    [
        ((), 0.0),
        # Ours is 90.5 s behind, and a Date header is cut to whole seconds: the answer just after a second tells most.
        (((0.4, 90.0),), 89.6),
        (((0.4, 90.0), (0.55, 91.0)), 90.45),
        (((0.4, 90.0), (0.55, 91.0), (1.4, 91.0)), 90.45),
        # A slow answer tells less, and one without the header nothing.
        (((0.55, 91.0), (3.0, 92.0), (4.0, None)), 90.45),
        # A clock was moved.
        (((0.55, 91.0), (10.0, 50.0)), 40.0),
    ],
)
def test_awss_time_is_told_by_the_answer_that_says_the_latest(
    aws: StubbedAws, clock: FakeClock, answers: tuple[tuple[float, float | None], ...], ahead: float
) -> None:
    started = clock.epoch()
    for at, date in answers:
        clock.at = at
        headers = {} if date is None else {"date": formatdate(started + date, usegmt=True)}
        aws.expect("codedeploy", "get_deployment", {**OK, "ResponseMetadata": {"HTTPHeaders": headers}})
        get_deployment(aws)
    assert aws.time() - clock.epoch() == pytest.approx(ahead)


def test_expired_credentials_are_reported_to_who_can_refresh_them(
    serve: Callable[..., Server], clock: FakeClock
) -> None:
    serve(sends({"__type": "ExpiredTokenException", "message": "expired"}, 400))
    told: list[int] = []
    failure(Aws(session(), clock, region=REGION, on_expired=lambda: told.append(1)))
    assert told == [1]


# --- Answers that are not AWS's ------------------------------------------------------------------------------------

PAGE = b"<html><head><title>Please  log in</title></head></html>"
ASKED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "put": ("s3", "PutObject", {"Bucket": "bucket", "Key": "k", "Body": b"x"}),
    "head": ("s3", "HeadObject", {"Bucket": "bucket", "Key": "k"}),
    "get": ("s3", "GetObject", {"Bucket": "bucket", "Key": "k"}),
    "bucket": ("s3", "HeadBucket", {"Bucket": "bucket"}),
    "function": ("lambda", "GetFunction", {"FunctionName": "f"}),
    "group": ("codedeploy", "GetDeploymentGroup", {"applicationName": "a", "deploymentGroupName": "g"}),
    "identity": ("sts", "GetCallerIdentity", {}),
    "alarms": ("cloudwatch", "DescribeAlarms", {}),
}


# botocore leaves the pool's connections to the garbage collector, which tells of them whenever it comes by.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("status", [200, 302, 307, 308, 403, 404, 407, 429, 502, 503])
@pytest.mark.parametrize("what", ASKED)
def test_a_page_on_the_way_is_no_answer_of_aws(
    what: str, status: int, serve: Callable[..., Server], clock: FakeClock
) -> None:
    """Neither a success (S3 takes any 200 for one) nor a missing permission; and botocore follows it nowhere."""
    where = {"Location": "https://login.example/"} if 300 <= status < 400 else {}
    server = serve(sends(PAGE, status, "text/html; charset=utf-8", **where))
    service, operation, parameters = ASKED[what]
    with pytest.raises(AwsError) as caught:
        Aws(session(), clock, region=REGION, path_style=True).call(service, operation, "it", **parameters)
    assert caught.value.kind is ErrorKind.UNREACHABLE
    assert "docs/runners.md" in caught.value.remedy
    assert "role's policy" not in caught.value.remedy
    assert len(server.requests) == 1


def test_a_pages_title_is_told(serve: Callable[..., Server], clock: FakeClock) -> None:
    serve(sends(PAGE, 403, "text/html"))
    with pytest.raises(AwsError, match=r"HTTP 403, and the answer is a web page and not AWS's \(`Please log in`\)"):
        Aws(session(), clock, region=REGION).call("lambda", "GetFunction", "it", FunctionName="f")


def test_a_web_page_in_a_bucket_is_an_object_like_any(serve: Callable[..., Server], clock: FakeClock) -> None:
    serve(sends(PAGE, 200, "text/html", ETag='"e"', x_amz_request_id="1"))
    answer = Aws(session(), clock, region=REGION, path_style=True).call("s3", "GetObject", Bucket="bucket", Key="k")
    assert answer["Body"].read() == PAGE
