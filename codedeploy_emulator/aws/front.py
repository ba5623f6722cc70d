"""AWS's side: every signed request goes to CodeDeploy, to CloudFormation, to a mended Lambda operation, or to moto."""

from __future__ import annotations

import io
import json
import sys
import traceback
from urllib.parse import parse_qs

from werkzeug.test import create_environ, run_wsgi_app

from ..cloudformation.named import NamedStacks
from ..cloudformation.resources import Send
from ..cloudformation.stacks import Stacks
from ..codedeploy.api import front as codedeploy
from ..codedeploy.api import tagging
from ..codedeploy.model.store import Place
from ..errors import ApiError
from ..lambda_ import aliases, callers, durable, functions, managed
from ..lambda_ import invoke as lambda_invoke
from ..lambda_.call import Handler, Lambda
from ..metrics import answers
from ..runtime import Runtime
from ..server.wire import QUERY_SERVICES, AwsCall, Request, Response, aws_call, error_response, path_parts, protocol_of
from . import iam as iam_simulation
from . import moto_parts

_LAMBDA: dict[str, Handler] = {
    **functions.OPERATIONS,
    **aliases.OPERATIONS,
    **callers.OPERATIONS,
    **managed.OPERATIONS,
    **durable.OPERATIONS,
}


class Aws:
    """Answers AWS requests; one lock for all, but never while a function runs."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.named = NamedStacks()
        self._moto = moto_parts.application()
        moto_parts.use_time(runtime.clock.datetime)
        moto_parts.tell_alarms_apart()
        self.stacks = Stacks(self._of_a_stack, lambda: f"{runtime.clock.datetime():%Y-%m-%dT%H:%M:%SZ}")

    def account_of(self, call: AwsCall) -> str:
        """The account of whoever signed the request."""
        return moto_parts.account_of(call.access_key)

    def answer(self, request: Request, call: AwsCall) -> Response:
        """The answer to a request, refusals included."""
        try:
            return self._answer(request, call)
        except ApiError as error:
            return error_response(error, protocol_of(call, request))
        except NotImplementedError:
            return self._not_modelled(request, call)
        except Exception:  # noqa: BLE001 - a bug here, or in moto, must not look like an outage that clients retry
            traceback.print_exc(file=sys.stderr)
            text = f"The emulator failed to answer {call.service}:{call.operation}; its own output says why."
            return error_response(ApiError("EmulatorError", text), protocol_of(call, request))

    def _answer(self, request: Request, call: AwsCall) -> Response:
        if not moto_parts.region_exists(call.region):
            raise _no_such_region(call)
        account = self.account_of(call)
        if call.service == "lambda" and call.operation == "Invoke":
            return lambda_invoke.invoked(self._lambda(request, call, account))
        with self.runtime.lock:
            refusal = self.runtime.limits.refusal(
                account, call.region, call.service, call.operation, self.runtime.clock.now()
            )
            if refusal is not None:
                raise refusal
            if call.service == "codedeploy":
                return codedeploy.handle(self.runtime, call, account, request)
            if call.service == "cloudformation":
                return self.named.answer(call, request) or self.stacks.answer(request, call, account)
            if call.service == "lambda" and call.operation in _LAMBDA:
                response = _LAMBDA[call.operation](self._lambda(request, call, account))
                self.runtime.traffic.note(self.runtime.clock.now())
                return response
            if call.service == "s3":
                self._check_owner(request)
            if call.operation == "SimulatePrincipalPolicy":
                return iam_simulation.simulated(request)
            if call.operation == "AttachRolePolicy":
                fields = parse_qs(request.body.decode())
                moto_parts.know_managed_policy(account, call.region, fields.get("PolicyArn", [""])[0])
            if call.operation == "AssumeRole":
                self._check_chain(request, call, account)
            response = self._mended(request, call, account) or self._ask_moto(request)
            if call.service == "cloudwatch" and not call.operation.startswith(("Describe", "Get", "List")):
                self.runtime.watch_alarms()
            if response.status in (404, 500, 501) and b"<!doctype html>" in response.body[:200].lower():
                return self._not_modelled(request, call)
            return response

    def _mended(self, request: Request, call: AwsCall, account: str) -> Response | None:
        """The answer where moto's would be wrong; None where it will do."""
        place = account, call.region
        if call.operation == "GetMetricData":
            return answers.answered(
                request, protocol_of(call, request), place, self.runtime.book, self.runtime.clock.now()
            )
        if call.service == "tagging" and call.operation == "GetResources":
            return self._with_codedeploy(request, self.runtime.place(account, call.region))
        if call.operation == "FilterLogEvents" and b"logStreamNamePrefix" in request.body:
            return answers.filtered(request, lambda group: moto_parts.log_streams(*place, group), self._ask_moto)
        return None

    def _with_codedeploy(self, request: Request, place: Place) -> Response:
        """GetResources: moto's answer, and before its first page what CodeDeploy has."""
        response, params = self._ask_moto(request), request.json() or {}
        if response.status == 200 and not params.get("PaginationToken"):
            body = json.loads(response.body)
            body["ResourceTagMappingList"] = [*tagging.tagged(place, params), *body["ResourceTagMappingList"]]
            response.body = json.dumps(body).encode()
        return response

    def _of_a_stack(self, call: AwsCall) -> Send:
        """Requests of whoever has the stack made."""

        def send(service: str, method: str, path: str, body: bytes, headers: dict[str, str]) -> Response:
            how = {"region": call.region, "access_key": call.access_key}
            return self.send(service, method, path, body, headers=headers, **how)

        return send

    def _lambda(self, request: Request, call: AwsCall, account: str) -> Lambda:
        return Lambda(runtime=self.runtime, account=account, region=call.region, request=request, moto=self._ask_moto)

    def _ask_moto(self, request: Request) -> Response:
        environ = {
            **request.environ,
            "wsgi.input": io.BytesIO(request.body),
            "CONTENT_LENGTH": str(len(request.body)),
        }
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        parts, status, headers = run_wsgi_app(self._moto, environ, buffered=True)
        return Response(
            status=int(status.split(" ", 1)[0]),
            headers=[pair for pair in headers if pair[0].lower() != "connection"],
            body=b"".join(parts),
        )

    def _check_owner(self, request: Request) -> None:
        expected = request.headers.get("x-amz-expected-bucket-owner")
        bucket = path_parts(request)[0]
        owner = moto_parts.bucket_owner(bucket)
        if expected and owner and expected != owner:
            raise ApiError("AccessDenied", "Access Denied", 403)

    def _check_chain(self, request: Request, call: AwsCall, account: str) -> None:
        longest = self.runtime.switches.number("role-chaining-seconds")
        if not longest or not moto_parts.is_session_key(account, call.region, call.access_key):
            return
        fields = parse_qs(request.body.decode())
        if float(fields.get("DurationSeconds", ["3600"])[0]) > longest:
            raise ApiError(
                "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
            )

    def _not_modelled(self, request: Request, call: AwsCall) -> Response:
        text = f"The emulator does not model {call.service}:{call.operation}."
        return error_response(ApiError("UnknownOperationException", text), protocol_of(call, request))

    def send(
        self,
        service: str,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        headers: dict[str, str] | None = None,
        region: str = "us-east-1",
        access_key: str = "testing",
    ) -> Response:
        """Make a request from inside (seeding, a stack's): as if it had come in, but unrecorded and never faulty."""
        given = {
            "Authorization": (
                f"AWS4-HMAC-SHA256 Credential={access_key}/20260101/{region}/{service}/aws4_request, "
                "SignedHeaders=host, Signature=0"
            ),
            **(headers or {}),
        }
        path, _, query = path.partition("?")
        environ = create_environ(path, "http://127.0.0.1/", query_string=query, method=method, headers=given, data=body)
        environ["RAW_URI"] = environ["REQUEST_URI"] = f"{path}?{query}" if query else path
        request = Request(
            method=method,
            path=path,
            query_string=query,
            headers={name.lower(): value for name, value in given.items()},
            body=body,
            environ=environ,
        )
        call = aws_call(request)
        assert call is not None
        return self.answer(request, call)


def _no_such_region(call: AwsCall) -> ApiError:
    """What AWS says to a signature for another region than its own.

    In AWS a client with a mistyped region finds no host; here the host is there, so the signature is what is wrong.
    """
    if call.service == "s3":
        text = f"The authorization header is malformed; the region '{call.region}' is wrong; expecting 'us-east-1'"
        return ApiError("AuthorizationHeaderMalformed", text)
    text = f"Credential should be scoped to a valid region, not '{call.region}'."
    if call.service in QUERY_SERVICES:
        return ApiError("SignatureDoesNotMatch", text, 403)
    return ApiError("InvalidSignatureException", text, 403 if call.service == "lambda" else 400)
