"""botocore's exceptions become core.errors, once, here: what failed, what kind of failure it is, what to do next.

It calls nothing. Sources: botocore 1.44.5's exceptions and retry lists, CodeDeploy's and Lambda's models (facts.md A3,
A7, A12, D), IAM's denial texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from ...core.errors import AwsError, CiDeployError, ErrorKind, InvalidInput
from ...core.given import mistakes
from ...core.links import without_login
from .remedies import NOT_AWS, with_hint

# What can come out of a botocore call. ResponseParserError is neither of the first two (an HTML answer), and urllib3's
# own come out of a body that is read late (S3).
CALL_ERRORS: tuple[type[Exception], ...] = (boto.BotoCoreError, boto.ClientError, ResponseParserError, HTTPError)

_THROTTLES = frozenset({
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "429",
})  # fmt: skip
_EXPIRED = frozenset({
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "RequestInTheFuture",
    "RequestTimeTooSkewed",
    "TokenRefreshRequired",
})  # fmt: skip
_DENIED = frozenset({
    "AccessDenied",
    "AccessDeniedException",
    "AllAccessDisabled",
    "AuthorizationError",
    "ExplicitDeny",
    "NotAuthorized",
    "UnauthorizedAccess",
    "UnauthorizedOperation",
})  # fmt: skip
_NO_CREDENTIALS = frozenset({
    "AuthFailure",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidIdentityToken",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
})  # fmt: skip
_CONFLICTS = frozenset({
    "ConditionalRequestConflict",
    "ConflictException",
    "DeploymentLimitExceededException",
    "OperationAborted",
    "PreconditionFailed",
    "PreconditionFailedException",
    "ResourceConflictException",
    "ResourceInUseException",
    "409",
    "412",
})  # fmt: skip
# 5xx of Lambda's that are about the request, or about what the function is given: they do not pass by themselves.
_FINAL = frozenset({
    "EC2AccessDeniedException",
    "ENILimitReachedException",
    "InvalidRuntimeException",
    "InvalidSecurityGroupIDException",
    "InvalidSubnetIDException",
    "InvalidZipFileException",
    "KMSAccessDeniedException",
    "KMSDisabledException",
    "KMSInvalidStateException",
    "KMSNotFoundException",
    "SubnetIPAddressLimitReachedException",
})  # fmt: skip
# 4xx that say "the service could not be reached in time", not "your request is wrong".
_UNREACHABLE = frozenset({"RequestTimeout", "RequestTimeoutException", "IDPCommunicationError", "408"})
_IDS = ("x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id", "x-amz-id-2", "x-amz-bucket-region")
_NOT_FOUND = re.compile(
    r"(NotFound|NotFoundException|DoesNotExist|DoesNotExistException|NoSuch\w+|ResourceNotFound|404)$"
)
_ACTIVE = re.compile(r"already (has an active Deployment|deploying deployment) '?d-", re.IGNORECASE)
_IAM_TEXT = re.compile(
    r"not authorized to perform:?\s+(?P<action>[a-z0-9-]+:[A-Za-z]+)(?:\s+on resource:?\s+(?P<on>\S+))?"
)

# IAM names some actions otherwise than the API names the operation.
_IAM_ACTIONS = {
    "s3:HeadObject": "s3:GetObject",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "lambda:Invoke": "lambda:InvokeFunction",
}


def iam_action(service: str, operation: str) -> str:
    """The action that IAM checks for an operation, as policies write it (`s3:GetObject` for HeadObject)."""
    name = f"{service}:{operation}"
    return _IAM_ACTIONS.get(name, name)


def translate(error: Exception, *, service: str, operation: str, resource: str = "") -> CiDeployError:
    """The AwsError for one of CALL_ERRORS; InvalidInput where the reason is a missing or wrong region or endpoint."""
    if isinstance(error, boto.ClientError):
        return _answered(error, service, operation, resource)
    name = type(error).__name__
    if isinstance(error, (boto.NoRegionError, boto.InvalidRegionError)):
        return InvalidInput((mistakes.no_region(str(error)),))
    kind = ErrorKind.UNREACHABLE
    if isinstance(error, boto.EndpointProviderError):
        kind = ErrorKind.REJECTED
    elif isinstance(
        error,
        (
            boto.NoCredentialsError,
            boto.PartialCredentialsError,
            boto.CredentialRetrievalError,
            boto.ProfileNotFound,
            boto.ConfigNotFound,
            boto.ConfigParseError,
            boto.TokenRetrievalError,
            boto.NoAuthTokenError,
            boto.SSOError,
            boto.LoginError,
            boto.MissingDependencyException,
            boto.InfiniteLoopConfigError,
            boto.InvalidConfigError,
        ),
    ):
        kind = ErrorKind.NO_CREDENTIALS
    elif isinstance(error, (boto.ValidationError, boto.ParamValidationError, boto.UnknownServiceError)):
        kind = ErrorKind.REJECTED
    return with_hint(
        AwsError(kind, operation=iam_action(service, operation), code=name, message=said(error), resource=resource)
    )


def unreadable(service: str, operation: str, resource: str, missing: str) -> AwsError:
    """The error for an answer that came with status 200 but without `missing`: a proxy's page, a truncated body."""
    return with_hint(
        AwsError(
            ErrorKind.UNREACHABLE,
            operation=iam_action(service, operation),
            code="UnreadableAnswer",
            message=f"the answer has no `{missing}`; something between here and AWS may have replaced it",
            resource=resource,
        )
    )


def kind_of(code: str, status: int, message: str) -> ErrorKind:
    """What an error answer means, by AWS's code first, then by the HTTP status."""
    if code in _THROTTLES:
        return ErrorKind.THROTTLED
    if code in _EXPIRED or "Signature expired" in message or "Signature not yet current" in message:
        return ErrorKind.EXPIRED
    if code in _DENIED:
        return ErrorKind.DENIED
    if code in _NO_CREDENTIALS:
        return ErrorKind.NO_CREDENTIALS
    if code in _CONFLICTS:
        return ErrorKind.CONFLICT
    if code in _FINAL:
        return ErrorKind.REJECTED
    if code in _UNREACHABLE or status >= 500:
        return ErrorKind.UNREACHABLE
    if _NOT_FOUND.search(code):
        return ErrorKind.NOT_FOUND
    by_status = {
        401: ErrorKind.NO_CREDENTIALS,
        403: ErrorKind.DENIED,
        404: ErrorKind.NOT_FOUND,
        429: ErrorKind.THROTTLED,
    }
    return by_status.get(status, ErrorKind.CONFLICT if status in (409, 412) else ErrorKind.REJECTED)


def _answered(error: boto.ClientError, service: str, operation: str, resource: str) -> AwsError:
    response: dict[str, Any] = error.response
    detail = response.get("Error", {})
    metadata = response.get("ResponseMetadata", {})
    code = str(detail.get("Code") or "Unknown")
    message = _short(detail.get("Message") or "")
    status = int(metadata.get("HTTPStatusCode") or 0)
    action = iam_action(service, operation)
    if of_somebody_else(metadata):
        return not_aws(service, operation, resource, metadata, str(detail.get("Message")))
    # Signing a request may refresh credentials first; what failed then is that call and not ours.
    if error.operation_name not in (operation, None) and error.operation_name.startswith(("Assume", "GetRole")):
        action = f"sts:{error.operation_name}"
    kind = kind_of(code, status, message)
    if operation == "CreateDeployment" and kind is ErrorKind.REJECTED and _ACTIVE.search(message):
        kind = ErrorKind.CONFLICT  # by whatever code it comes one day (facts.md A3: the text has changed before)
    if kind is ErrorKind.DENIED and (exact := _IAM_TEXT.search(message)):
        action = iam_action(*exact["action"].split(":", 1))
        resource = (exact["on"] or resource).rstrip(".,;")
    translated = AwsError(kind, operation=action, code=code, message=message, resource=resource)
    translated.retry_after = _retry_after(response, metadata.get("HTTPHeaders", {}))
    return with_hint(translated)


def of_somebody_else(metadata: Mapping[str, Any]) -> bool:
    """Whether an answer (its ResponseMetadata) is a web page, or leads to one: AWS's have a request id in any case."""
    headers = {str(name).lower(): str(value) for name, value in (metadata.get("HTTPHeaders") or {}).items()}
    page = headers.get("content-type", "").lower().startswith("text/html")
    elsewhere = metadata.get("HTTPStatusCode") in (302, 303, 307, 308)
    known = metadata.get("RequestId") or any(name in headers for name in _IDS)
    return (page or elsewhere) and not known


def not_aws(service: str, operation: str, resource: str, metadata: Mapping[str, Any], page: str = "") -> AwsError:
    """The error for an answer that somebody on the way gave. Whether AWS ever saw the request is not known."""
    status = metadata.get("HTTPStatusCode")
    return with_hint(
        AwsError(
            ErrorKind.UNREACHABLE,
            operation=iam_action(service, operation),
            code=NOT_AWS,
            message=f"HTTP {status}, and the answer is a web page and not AWS's{_title(page)}",
            resource=resource,
        )
    )


def _title(page: str) -> str:
    found = re.search(r"<title[^>]*>\s*([^<]+?)\s*</title>", page, re.IGNORECASE)
    return f" (`{_short(found[1])[:80]}`)" if found else ""


def _retry_after(response: dict[str, Any], headers: dict[str, str]) -> float:
    """Seconds that AWS asks to wait: Lambda's retryAfterSeconds, else the Retry-After header (seconds, not dates)."""
    text = str(response.get("retryAfterSeconds") or headers.get("retry-after") or "")
    return float(text) if re.fullmatch(r"\d{1,6}(\.\d+)?", text) else 0.0


def said(error: Exception) -> str:
    """What an exception says, without what it may quote of the request: headers carry the credentials."""
    if type(error) is boto.HTTPClientError:
        cause = getattr(error, "kwargs", {}).get("error")
        # ValueError is what http.client and urllib3 raise for a header or an address, with that in it.
        told = "" if isinstance(cause, ValueError) else f": {cause}"
        return _short(f"the request could not be sent ({type(cause).__name__}{told})")
    if isinstance(error, OSError) and error.strerror:
        return _short(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
    return _short(error)


def _short(text: object) -> str:
    """One line, at most 600 characters: an HTML page as a message helps nobody."""
    # What follows in AWS's words is the request that should have been signed, the session token in it.
    line, _, _ = " ".join(str(text).split()).partition(" The Canonical String for this request should have been")
    line = without_login(line)
    return line if len(line) <= 600 else line[:599] + "…"
