"""HTTP as the emulator speaks it: requests and responses as plain values, AWS's operation names, AWS's error forms.

Which operation a request is: by `X-Amz-Target` (JSON), by `Action` (query), by the path of an RPC v2 CBOR call, or by a
reverse match over the http traits in botocore's model (Lambda, S3).
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote
from xml.sax.saxutils import escape

import botocore.session

from ..errors import ApiError
from . import cbor

SERVICE_OF_SIGNING_NAME = {"monitoring": "cloudwatch"}
QUERY_SERVICES = ("sts", "iam", "sns", "cloudformation", "ec2", "elasticloadbalancing", "autoscaling")

_NAMESPACES = {
    "cloudformation": "http://cloudformation.amazonaws.com/doc/2010-05-15/",
    "cloudwatch": "http://monitoring.amazonaws.com/doc/2010-08-01/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
}


@dataclass(slots=True, kw_only=True)
class Request:
    """One request, its body read."""

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    environ: dict[str, Any]

    @property
    def query(self) -> dict[str, str]:
        """Query parameters; of a repeated one the last value."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    def query_values(self, name: str) -> list[str]:
        """All values of a repeated query parameter."""
        return [value for key, value in parse_qsl(self.query_string, keep_blank_values=True) if key == name]

    def json(self) -> Any:
        """The body as JSON; None when it is empty. ValueError when it is not JSON."""
        return json.loads(self.body) if self.body.strip() else None


@dataclass(slots=True, kw_only=True)
class Response:
    """One response. `dropped` means: close the connection without an answer."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    dropped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsCall:
    """An AWS request: botocore's service name, AWS's operation name, and who signed it for which region."""

    service: str
    operation: str
    region: str
    access_key: str


_SCOPE = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request")


def aws_call(request: Request) -> AwsCall | None:
    """What AWS operation this is; None for a request that is not signed for AWS (AssumeRoleWithWebIdentity is not)."""
    authorization = request.headers.get("authorization", "")
    scope = None
    if authorization.startswith("AWS4-HMAC"):
        scope = _SCOPE.search(authorization)
    elif "X-Amz-Credential" in request.query_string:
        scope = _SCOPE.search("Credential=" + request.query.get("X-Amz-Credential", ""))
    elif authorization.startswith("AWS ") or "AWSAccessKeyId=" in request.query_string:
        # The signature of the last decade: still what S3's presigned URLs have in the oldest regions.
        return AwsCall(service="s3", operation=_rest_operation("s3", request), region="us-east-1", access_key="")
    if scope is None:
        action = _action(request)
        if action in ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"):
            return AwsCall(service="sts", operation=action, region="us-east-1", access_key="")
        return None
    access_key, region, signing_name = scope.groups()
    service = SERVICE_OF_SIGNING_NAME.get(signing_name.lower(), signing_name.lower())
    return AwsCall(service=service, operation=_operation(service, request), region=region, access_key=access_key)


def _action(request: Request) -> str:
    if "Action=" in request.query_string:
        return request.query.get("Action", "")
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return parse_qs(request.body.decode("utf-8", "replace")).get("Action", [""])[0]
    return ""


def _operation(service: str, request: Request) -> str:
    target = request.headers.get("x-amz-target")
    if target:
        return target.rsplit(".", 1)[-1]
    rpc = re.fullmatch(r"/service/[^/]+/operation/(\w+)", request.path)
    if rpc:
        return rpc.group(1)
    return _action(request) or _rest_operation(service, request)


@cache
def _rest_table(service: str) -> list[tuple[str, re.Pattern[str], frozenset[tuple[str, str]], frozenset[str], str]]:
    """(method, path, query conditions, headers that must be there, operation), the most particular first."""
    try:
        model = botocore.session.get_session().get_service_model(service)
    except botocore.exceptions.UnknownServiceError:
        return []
    rows = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        if operation.deprecated:
            continue  # it shares its URI with what replaced it
        path, _, query = operation.http.get("requestUri", "/").partition("?")
        pattern = re.sub(r"\\\{\w+\\\+\\\}", "(.+)", re.escape(path))
        # The server decodes paths, and an ARN may have slashes.
        pattern = re.sub(r"\\\{\w+Arn\\\}", "(.+)", pattern)
        pattern = re.sub(r"\\\{\w+\\\}", "([^/]+)", pattern)
        conditions = {(key, value) for key, value in parse_qsl(query, keep_blank_values=True)}
        headers = set()
        shape = operation.input_shape
        for member in shape.required_members if shape else ():
            where = shape.members[member].serialization
            if where.get("location") == "querystring":
                conditions.add((where["name"], ""))
            elif where.get("location") == "header":
                headers.add(where["name"].lower())
        rows.append(
            (
                operation.http.get("method", "POST"),
                re.compile(pattern.rstrip("/") + "/?"),
                frozenset(conditions),
                frozenset(headers),
                name,
            )
        )
    # ListBuckets and ListDirectoryBuckets share a URI; the plain name is the one that people mean.
    return sorted(rows, key=lambda row: (-len(row[2]) - len(row[3]), row[1].pattern.count("(.+)"), len(row[4])))


def _rest_operation(service: str, request: Request) -> str:
    query = request.query
    for method, path, conditions, headers, name in _rest_table(service):
        if (
            method == request.method
            and path.fullmatch(request.path)
            and all(key in query and value in ("", query[key]) for key, value in conditions)
            and all(header in request.headers for header in headers)
        ):
            return name
    return f"{request.method} {request.path}"


def path_parts(request: Request) -> list[str]:
    """The segments of the path, percent-decoded."""
    return [unquote(part) for part in request.path.strip("/").split("/")]


def json_response(
    body: object, status: int = 200, content_type: str = "application/json", headers: Iterable[tuple[str, str]] = ()
) -> Response:
    """A JSON answer."""
    return Response(
        status=status, headers=[("Content-Type", content_type), *headers], body=json.dumps(body).encode("utf-8")
    )


def query_response(service: str, operation: str, result: object) -> Response:
    """The answer to an operation of the query protocol; `result` is made of mappings, lists and texts."""
    text = (
        f'<{operation}Response xmlns="{_NAMESPACES[service]}"><{operation}Result>{_xml(result)}</{operation}Result>'
        f"<ResponseMetadata><RequestId>{request_id()}</RequestId></ResponseMetadata></{operation}Response>"
    )
    return Response(headers=[("Content-Type", "text/xml")], body=text.encode())


def _xml(value: object) -> str:
    match value:
        case Mapping():
            return "".join(f"<{name}>{_xml(each)}</{name}>" for name, each in value.items())
        case list():
            return "".join(f"<member>{_xml(each)}</member>" for each in value)
        case _:
            return escape(str(value))


def request_id() -> str:
    """A fresh request id."""
    return str(uuid.uuid4())


def protocol_of(call: AwsCall, request: Request) -> str:
    """json, cbor, rest-json, rest-xml or query: the form in which this client expects an error."""
    if request.path.startswith("/service/") and "/operation/" in request.path:
        return "cbor"
    if "x-amz-target" in request.headers:
        return "json"
    if call.service == "s3":
        return "rest-xml"
    if call.service in QUERY_SERVICES or _action(request):
        return "query"
    return "rest-json"


def error_response(error: ApiError, protocol: str, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """An error in a protocol's own form."""
    identity = request_id()
    extra = list(headers)
    fault = "Server" if error.status >= 500 else "Client"
    if protocol == "json":
        return Response(
            status=error.status,
            headers=[
                ("Content-Type", "application/x-amz-json-1.1"),
                ("X-Amzn-ErrorType", error.code),
                ("x-amzn-RequestId", identity),
                *extra,
            ],
            body=json.dumps({"__type": error.code, "message": error.message}).encode(),
        )
    if protocol == "rest-json":
        return Response(
            status=error.status,
            headers=[
                ("Content-Type", "application/json"),
                ("x-amzn-ErrorType", error.code),
                ("x-amzn-RequestId", identity),
                *extra,
            ],
            body=json.dumps(
                {
                    "Type": "Server" if error.status >= 500 else "User",
                    "Message": error.message,
                    "message": error.message,
                }
            ).encode(),
        )
    if protocol == "cbor":
        return Response(
            status=error.status,
            headers=[("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor"), *extra],
            body=cbor.encode({"__type": error.code, "message": error.message}),
        )
    if protocol == "rest-xml":
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
            f"<RequestId>{identity}</RequestId><HostId>emulator</HostId></Error>"
        )
        content = "application/xml"
    else:
        text = (
            f"<ErrorResponse><Error><Type>{fault}</Type><Code>{escape(error.code)}</Code>"
            f"<Message>{escape(error.message)}</Message></Error><RequestId>{identity}</RequestId></ErrorResponse>"
        )
        content = "text/xml"
    return Response(
        status=error.status,
        headers=[("Content-Type", content), ("x-amz-request-id", identity), ("x-amzn-RequestId", identity), *extra],
        body=text.encode(),
    )
