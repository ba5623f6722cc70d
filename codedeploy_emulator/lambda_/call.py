"""One Lambda request as the mended operations take it: its function, its body, and moto to ask."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..aws import moto_parts
from ..errors import ApiError
from ..places import partition
from ..runtime import Runtime
from ..server.wire import Request, Response, json_response, path_parts, request_id
from . import names as lambda_names
from .names import FunctionName

Json = dict[str, Any]
PAGE = 50
STALE = (
    "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the "
    "latest Revision Id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lambda:
    """One Lambda request: where it goes, and moto to ask. `moto` takes the request (perhaps with another body)."""

    runtime: Runtime
    account: str
    region: str
    request: Request
    moto: Callable[[Request], Response]

    @property
    def function_name(self) -> str:
        """The plain name of the function in the path."""
        return self._named().name

    @property
    def qualifier(self) -> str | None:
        """The qualifier, from the query or from the name; both may say it when they say the same."""
        asked, named = self.request.query.get("Qualifier"), self._named().qualifier
        if asked and named and asked != named:
            raise ApiError(
                "InvalidParameterValueException",
                "The derived qualifier from the function name does not match the specified qualifier.",
            )
        return asked or named

    def _named(self) -> FunctionName:
        """The function in the path, which must be one of this account and region."""
        raw = path_parts(self.request)[2]
        named = lambda_names.parse(raw)
        if named is None:
            raise ApiError(
                "ValidationException",
                f"1 validation error detected: Value '{raw}' at 'functionName' failed to satisfy constraint: Member "
                "must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?"
                "([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)"
                "(:(\\$LATEST|[a-zA-Z0-9-_]+))?",
            )
        if named.region not in (None, self.region):
            text = f"Functions from '{named.region}' are not reachable in this region ('{self.region}')"
            raise ApiError("ResourceNotFoundException", text, 404)
        if named.account not in (None, self.account):
            # IAM is not enforced here, but without a policy on the function nobody reaches another account's.
            raise ApiError(
                "AccessDeniedException",
                f"User: arn:{partition(self.region)}:sts::{self.account}:assumed-role/ci/session is not authorized to "
                f"reach {raw} because no resource-based policy of account {named.account} allows it",
                403,
            )
        return named

    def body(self) -> Json:
        """The body, an object."""
        try:
            body = self.request.json() or {}
        except ValueError:
            raise ApiError("InvalidRequestContentException", "Could not parse request body into json") from None
        if not isinstance(body, dict):
            raise ApiError("InvalidRequestContentException", "The request body is not an object")
        return body

    def function(self, qualifier: str | None = None) -> Any:
        """moto's function object, or ResourceNotFoundException."""
        return self.named(self.function_name, qualifier)

    def named(self, name: str, qualifier: str | None = None) -> Any:
        """The function object of a name and qualifier, or ResourceNotFoundException."""
        found = moto_parts.function(self.account, self.region, name, qualifier)
        if found is None:
            raise ApiError("ResourceNotFoundException", f"Function not found: {self.arn(name, qualifier)}", 404)
        return found

    def arn(self, name: str, qualifier: str | None = None) -> str:
        """A function's ARN."""
        base = f"arn:{partition(self.region)}:lambda:{self.region}:{self.account}:function:{name}"
        return f"{base}:{qualifier}" if qualifier else base

    def versions(self) -> list[Any]:
        """The function's published versions."""
        return moto_parts.versions(self.account, self.region, self.function_name)

    def ask_moto(self, body: Json | None = None) -> Response:
        """moto's answer, or its error; a new body replaces the request's."""
        request = self.request
        if body is not None:
            request = Request(
                method=request.method,
                path=request.path,
                query_string=request.query_string,
                headers=request.headers,
                body=json.dumps(body).encode(),
                environ=request.environ,
            )
        return self.moto(request)


def page(request: Request, member: str, items: list[Any], *, most: int = PAGE, usual: int = PAGE) -> Response:
    """One page of a Lambda list: Marker and MaxItems, `most` at most."""
    query = request.query
    size = min(most, int(query["MaxItems"])) if query.get("MaxItems", "").isdecimal() else usual
    marker = query.get("Marker", "")
    try:
        start = int(base64.urlsafe_b64decode(marker)) if marker else 0
    except (ValueError, binascii.Error):
        start = -1
    if start < 0:
        raise ApiError("InvalidParameterValueException", "The marker is not valid.")
    answer: Json = {member: items[start : start + max(1, size)]}
    if start + size < len(items):
        answer["NextMarker"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
    return json_response(answer, headers=[("x-amzn-RequestId", request_id())])


Handler = Callable[[Lambda], Response]
