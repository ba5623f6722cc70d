"""What an error of AWS's means, and what to do about it."""

from __future__ import annotations

import botocore.session
import pytest
from botocore import exceptions as boto

from ci_deploy.core.errors import AwsError, ErrorKind, InvalidInput
from ci_deploy.core.reasons import hints
from ci_deploy.core.reasons.hints import IAM_PAGE, Denier
from ci_deploy.edge.aws.errors import kind_of, translate, unreadable


def answered(
    code: str,
    message: str = "",
    status: int = 400,
    *,
    service: str = "codedeploy",
    operation: str = "CreateDeployment",
    resource: str = "deployment group app/blue",
    called: str = "",
) -> AwsError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = translate(
        boto.ClientError(response, called or operation), service=service, operation=operation, resource=resource
    )
    assert isinstance(error, AwsError)
    return error


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ThrottlingException", 400, ErrorKind.THROTTLED),
        ("Throttling", 400, ErrorKind.THROTTLED),
        ("TooManyRequestsException", 429, ErrorKind.THROTTLED),
        ("RequestLimitExceeded", 400, ErrorKind.THROTTLED),
        ("SlowDown", 503, ErrorKind.THROTTLED),
        ("Unknown", 429, ErrorKind.THROTTLED),
        ("ExpiredToken", 403, ErrorKind.EXPIRED),
        ("ExpiredTokenException", 400, ErrorKind.EXPIRED),
        ("RequestExpired", 400, ErrorKind.EXPIRED),
        ("RequestTimeTooSkewed", 403, ErrorKind.EXPIRED),
        ("ServiceException", 500, ErrorKind.UNREACHABLE),
        ("ServiceUnavailable", 503, ErrorKind.UNREACHABLE),
        ("RequestTimeout", 400, ErrorKind.UNREACHABLE),
        ("IDPCommunicationError", 400, ErrorKind.UNREACHABLE),
        ("AccessDenied", 403, ErrorKind.DENIED),
        ("AccessDeniedException", 400, ErrorKind.DENIED),
        ("UnauthorizedOperation", 403, ErrorKind.DENIED),
        ("403", 403, ErrorKind.DENIED),
        ("401", 401, ErrorKind.NO_CREDENTIALS),
        ("ResourceNotFoundException", 404, ErrorKind.NOT_FOUND),
        ("ApplicationDoesNotExistException", 400, ErrorKind.NOT_FOUND),
        ("NoSuchBucket", 404, ErrorKind.NOT_FOUND),
        ("NoSuchKey", 404, ErrorKind.NOT_FOUND),
        ("404", 404, ErrorKind.NOT_FOUND),
        ("DeploymentLimitExceededException", 400, ErrorKind.CONFLICT),
        ("ResourceConflictException", 409, ErrorKind.CONFLICT),
        ("PreconditionFailedException", 412, ErrorKind.CONFLICT),
        ("PreconditionFailed", 412, ErrorKind.CONFLICT),
        ("Whatever", 409, ErrorKind.CONFLICT),
        ("UnrecognizedClientException", 400, ErrorKind.NO_CREDENTIALS),
        ("InvalidClientTokenId", 403, ErrorKind.NO_CREDENTIALS),
        ("SignatureDoesNotMatch", 403, ErrorKind.NO_CREDENTIALS),
        ("InvalidRevisionException", 400, ErrorKind.REJECTED),
        ("LimitExceededException", 400, ErrorKind.REJECTED),
        ("DeploymentAlreadyCompletedException", 400, ErrorKind.REJECTED),
        ("BrandNewException", 400, ErrorKind.REJECTED),
    ],
)
def test_each_code_has_its_kind(code: str, status: int, kind: ErrorKind) -> None:
    assert kind_of(code, status, "") is kind


def test_a_signature_out_of_time_is_a_wrong_clock() -> None:
    error = answered("InvalidSignatureException", "Signature expired: 20261123T000000Z is now earlier than …", 403)
    assert error.kind is ErrorKind.EXPIRED
    assert "clock" in error.remedy


@pytest.mark.parametrize(
    "error",
    [
        boto.EndpointConnectionError(endpoint_url="https://x"),
        boto.ConnectTimeoutError(endpoint_url="https://x"),
        boto.ReadTimeoutError(endpoint_url="https://x"),
        boto.ConnectionClosedError(endpoint_url="https://x"),
        boto.ProxyConnectionError(proxy_url="https://x"),
        boto.SSLError(endpoint_url="https://x", error="certificate"),
        boto.ResponseStreamingError(error="broken"),
        boto.IncompleteReadError(actual_bytes=1, expected_bytes=2),
        boto.HTTPClientError(error="anything"),
    ],
)
def test_everything_without_an_answer_is_unreachable(error: Exception) -> None:
    translated = translate(error, service="lambda", operation="GetAlias", resource="alias f:live")
    assert isinstance(translated, AwsError)
    assert translated.kind is ErrorKind.UNREACHABLE
    assert translated.code == type(error).__name__
    assert translated.kind.transient


def test_an_address_where_nobody_answers_may_be_a_mistyped_region() -> None:
    never = boto.EndpointConnectionError(endpoint_url="https://lambda.eu-wset-1.amazonaws.com/")
    translated = translate(never, service="lambda", operation="GetAlias")
    assert "eu-wset-1" in translated.what and "Check `aws-region`" in translated.remedy
    broken = translate(boto.ConnectionClosedError(endpoint_url="x"), service="lambda", operation="GetAlias")
    assert "aws-region" not in broken.remedy


@pytest.mark.parametrize(
    "error",
    [
        boto.NoCredentialsError(),
        boto.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
        boto.ProfileNotFound(profile="x"),
        boto.CredentialRetrievalError(provider="x", error_msg="y"),
        boto.UnauthorizedSSOTokenError(),
    ],
)
def test_everything_about_credentials_is_no_credentials(error: Exception) -> None:
    translated = translate(error, service="sts", operation="GetCallerIdentity")
    assert isinstance(translated, AwsError)
    assert translated.kind is ErrorKind.NO_CREDENTIALS


@pytest.mark.parametrize(
    "error",
    [
        boto.EndpointProviderError(msg="Invalid Configuration: FIPS and custom endpoint are not supported"),
        boto.ParamValidationError(report="Invalid length for parameter functionName"),
        boto.ValidationError(value="x", param="y", type_name="z"),
        boto.UnknownServiceError(service_name="x", known_service_names=""),
    ],
)
def test_what_was_never_sent_because_it_is_wrong_is_not_repeated(error: Exception) -> None:
    translated = translate(error, service="lambda", operation="GetAlias")
    assert isinstance(translated, AwsError)
    assert translated.kind is ErrorKind.REJECTED
    assert translated.code == type(error).__name__


def test_no_region_is_bad_input() -> None:
    assert isinstance(translate(boto.NoRegionError(), service="sts", operation="GetCallerIdentity"), InvalidInput)


def test_a_denial_names_the_action_the_resource_and_the_page() -> None:
    error = answered("AccessDeniedException", "denied")
    assert error.operation == "codedeploy:CreateDeployment"
    assert (
        error.remedy
        == f"Add codedeploy:CreateDeployment on `deployment group app/blue` to the role's policy ({IAM_PAGE})."
    )


SAID = "User: arn:aws:sts::123456789012:assumed-role/ci/x is not authorized to perform: s3:PutObject on resource: "
SAID += '"arn:aws:s3:::bucket/k" '
POLICIES = {
    "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o-x/p-y": Denier.ORGANIZATION,
    "because no service control policy allows the s3:PutObject action": Denier.ORGANIZATION,
    "with an explicit deny in a resource control policy": Denier.RESOURCES,
    "with an explicit deny in a permissions boundary": Denier.BOUNDARY,
    "because no permissions boundary allows the s3:PutObject action": Denier.BOUNDARY,
    "with an explicit deny in a session policy": Denier.SESSION,
    "because no session policy allows the s3:PutObject action": Denier.SESSION,
    "with an explicit deny in a VPC endpoint policy": Denier.ENDPOINT,
    "because no VPC endpoint policy allows the s3:PutObject action": Denier.ENDPOINT,
    "with an explicit deny in a resource-based policy": Denier.RESOURCE,
    "because no resource-based policy allows the s3:PutObject action": Denier.RESOURCE,
    "with an explicit deny in an identity-based policy": Denier.ROLE,
    "with an explicit deny": Denier.NOT_SAID,
    "with an explicit deny in some policy that comes later": Denier.NOT_SAID,
}


@pytest.mark.parametrize("why", POLICIES)
def test_what_no_permission_of_the_role_can_change_is_not_answered_by_one(why: str) -> None:
    error = answered("AccessDenied", SAID + why, 403, service="s3", operation="PutObject", resource="s3://bucket/k")
    assert error.kind is ErrorKind.DENIED
    assert error.hint == hints.DeniedByPolicy(denier=POLICIES[why], storing=True)


@pytest.mark.parametrize("why", ["", "because no identity-based policy allows the s3:PutObject action"])
def test_a_permission_that_is_all_that_is_missing_is_named(why: str) -> None:
    error = answered("AccessDenied", SAID + why, 403, service="s3", operation="PutObject", resource="s3://bucket/k")
    assert error.hint == hints.PermissionMissing(action="s3:PutObject", resource=error.resource)


def test_a_key_that_may_not_be_used_names_the_keys_own_policy() -> None:
    said = "User: arn:aws:iam::1:role/x is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:k"
    error = answered("AccessDenied", f"{said} because no identity-based policy allows it", 403, service="s3")
    assert error.hint == hints.PermissionMissing(action="kms:GenerateDataKey", resource="arn:aws:kms:k")


# --- Errors of theirs that are for good -----------------------------------------------------------------------------

FOR_GOOD = {
    "KMSAccessDeniedException": hints.KeyUnusable,
    "KMSDisabledException": hints.KeyUnusable,
    "KMSInvalidStateException": hints.KeyUnusable,
    "KMSNotFoundException": hints.KeyUnusable,
    "EC2AccessDeniedException": hints.VpcTrouble,
    "ENILimitReachedException": hints.VpcTrouble,
    "InvalidSecurityGroupIDException": hints.VpcTrouble,
    "InvalidSubnetIDException": hints.VpcTrouble,
    "SubnetIPAddressLimitReachedException": hints.VpcTrouble,
    "InvalidZipFileException": hints.ZipBroken,
    "InvalidRuntimeException": hints.RuntimeGone,
}
PASSING = {"EC2ThrottledException", "EC2UnexpectedException", "ENINotReadyException", "ResourceNotReadyException"}
PASSING |= {"ServiceException", "InternalServiceFault", "PolicyEvaluationException", "ServiceFailureException"}


@pytest.mark.parametrize("code", FOR_GOOD)
def test_a_5xx_that_does_not_pass_is_not_repeated_and_has_its_remedy(code: str) -> None:
    error = answered(code, "as AWS says it", 502, service="lambda", operation="UpdateFunctionCode")
    assert (error.kind, error.message) == (ErrorKind.REJECTED, "as AWS says it")
    assert error.hint == FOR_GOOD[code]()


def test_every_5xx_of_the_services_is_judged() -> None:
    """Those that AWS's models know: one that a new botocore brings has to be put on one of the two sides."""
    session = botocore.session.Session()
    found = {
        shape.name
        for service in ("cloudwatch", "codedeploy", "iam", "lambda", "logs", "s3", "sts")
        for shape in session.get_service_model(service).error_shapes
        if shape.metadata.get("error", {}).get("httpStatusCode", 400) >= 500
    }
    assert found == set(FOR_GOOD) | PASSING


@pytest.mark.parametrize(
    "message",
    [
        "Lambda was unable to decrypt the environment variables because KMS access was denied. KMS Exception: X",
        "The role does not have permission kms:Decrypt on the key",
    ],
)
def test_a_rejection_that_speaks_of_a_key_has_the_keys_remedy(message: str) -> None:
    assert "KMS key" in answered("InvalidParameterValueException", message, service="lambda").remedy


def test_a_denial_names_the_more_exact_action_that_aws_gives() -> None:
    error = answered(
        "AccessDeniedException",
        "User: arn:aws:sts::123456789012:assumed-role/ci/x is not authorized to perform: codedeploy:GetDeploymentConfig"
        " on resource: arn:aws:codedeploy:eu-central-1:123456789012:deploymentconfig:Slow because no identity-based"
        " policy allows the codedeploy:GetDeploymentConfig action",
    )
    assert error.operation == "codedeploy:GetDeploymentConfig"
    assert error.resource == "arn:aws:codedeploy:eu-central-1:123456789012:deploymentconfig:Slow"
    assert "codedeploy:GetDeploymentConfig on `arn:aws:codedeploy" in error.remedy


@pytest.mark.parametrize(
    ("service", "operation", "action"),
    [
        ("s3", "HeadObject", "s3:GetObject"),
        ("lambda", "Invoke", "lambda:InvokeFunction"),
        ("s3", "PutObject", "s3:PutObject"),
    ],
)
def test_actions_are_named_as_iam_names_them(service: str, operation: str, action: str) -> None:
    assert answered("403", "Forbidden", 403, service=service, operation=operation).operation == action


def test_a_failed_refresh_is_named_as_itself_and_not_as_the_call_it_stood_in_the_way_of() -> None:
    error = answered(
        "AccessDenied",
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        403,
        called="AssumeRoleWithWebIdentity",
    )
    assert error.operation == "sts:AssumeRoleWithWebIdentity"
    assert "trust policy" in error.remedy


def test_expired_credentials_point_to_the_refreshed_kind() -> None:
    assert "role-to-assume" in answered("ExpiredTokenException").remedy


def test_an_error_page_does_not_flood_the_message() -> None:
    error = answered("502", "<html>\n" + "x" * 100_000, 502)
    assert len(error.message) <= 600
    assert "\n" not in str(error)


def test_an_answer_without_its_content_has_an_unknown_effect() -> None:
    assert unreadable("codedeploy", "CreateDeployment", "", "deploymentId").kind is ErrorKind.UNREACHABLE


@pytest.mark.parametrize("response", [{}, {"Error": {}}, {"Error": {"Code": None, "Message": None}}])
def test_an_error_without_any_detail_is_still_an_error(response: dict[str, object]) -> None:
    error = translate(boto.ClientError(response, "GetAlias"), service="lambda", operation="GetAlias")
    assert isinstance(error, AwsError)
    assert error.code == "Unknown"


@pytest.mark.parametrize(
    "text",
    [
        "The Deployment Group 'x' already has an active Deployment 'd-ABCDEFGHI'",
        "Deployment group x is already deploying deployment 'd-ABCDEFGHI'",
    ],
)
def test_a_conflict_is_known_by_its_text_where_its_code_is_not(text: str) -> None:
    """AWS changed the text once; should it change the code, both texts still tell."""
    assert answered("SomethingNewException", text).kind is ErrorKind.CONFLICT
