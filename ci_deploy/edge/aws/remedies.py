"""What to do about a failed call to AWS, by its kind. Pure; it only reads the error.

Sources: facts.md A13 (permissions), B4 (credentials' lifetimes).
"""

from __future__ import annotations

from ...core.errors import AwsError, ErrorKind

IAM_PAGE = "docs/iam/README.md"
# botocore's names for a connection that never came about; a mistyped region is an address that does not exist.
_NO_ANSWER = ("EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError")


def with_remedy(error: AwsError) -> AwsError:
    """The same error with its next step filled in, by its kind; adapters put a better one where they know it."""
    on = f" on {error.resource}" if error.resource else ""
    match error.kind:
        case ErrorKind.DENIED if error.operation == "sts:AssumeRoleWithWebIdentity":
            error.remedy = (
                "The role's trust policy does not accept this job's token: compare its audience and subject"
                f" conditions with the token's ({IAM_PAGE})."
            )
        case ErrorKind.DENIED:
            error.remedy = f"Add {error.operation}{on} to the role's policy ({IAM_PAGE})."
            if error.operation.startswith("s3:"):
                error.remedy += " The bucket's own policy, its owner (another account?) and its key may deny it too."
        case ErrorKind.EXPIRED if "Signature" in error.message or error.code.startswith("RequestTime"):
            error.remedy = "The runner's clock and AWS's differ by more than five minutes: set the runner's clock."
        case ErrorKind.EXPIRED:
            error.remedy = (
                "The credentials expired: give `role-to-assume` (refreshed as long as the job lives), or a longer"
                " role-duration-seconds to aws-actions/configure-aws-credentials."
            )
        case ErrorKind.NO_CREDENTIALS:
            error.remedy = (
                "Run aws-actions/configure-aws-credentials before this step, or set `role-to-assume` and give the job"
                " `permissions: id-token: write`. On a terminal: log in as for the AWS CLI"
                " (`aws sso login`, `AWS_PROFILE`)."
            )
        case ErrorKind.THROTTLED:
            error.remedy = "AWS limits the request rate of the whole account: run fewer jobs at once, or run again."
        case ErrorKind.UNREACHABLE if error.code in _NO_ANSWER:
            error.remedy = (
                "Nothing answers at that address: check `aws-region`, and the runner's network, name service and proxy;"
                " AWS's own state is at https://health.aws.amazon.com/."
            )
        case ErrorKind.UNREACHABLE:
            error.remedy = (
                "AWS could not be reached or had an internal error: run again; see https://health.aws.amazon.com/."
            )
        case ErrorKind.NOT_FOUND:
            error.remedy = "Check the name, the region and the account."
        case _:
            pass  # a conflict, a rejection: what to do depends on the call, and the adapters know it
    return error
