"""What to do about a failed call to AWS, by its kind, and by what its words say. Pure; it only reads the error.

Sources: facts.md A13 (permissions), B4 (credentials' lifetimes); IAM's guide on access denied messages (which kind of
policy denied), Lambda's API reference (errors of KMS, EC2 and packages).
"""

from __future__ import annotations

import re

from ...core.errors import AwsError, ErrorKind

IAM_PAGE = "docs/iam/README.md"
RUNNERS_PAGE = "docs/runners.md"
# botocore's names for a connection that never came about; a mistyped region is an address that does not exist.
_NO_ANSWER = ("EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError")
NOT_AWS = "AnswerNotFromAWS"

# What denied it: "with an explicit deny in a service control policy: arn:…", "because no session policy allows …".
_POLICY = re.compile(
    r"(?:explicit deny in|because no) (?:an? )?(?P<policy>[a-z][a-z -]*?(?:policy|boundary))\b", re.IGNORECASE
)
_EXPLICIT = re.compile(r"explicit deny|explicitly denied", re.IGNORECASE)
_WHO_SETS = {
    "service control policy": "Your organization denies it (SCP), whatever the role allows: ask whoever manages it.",
    "resource control policy": "Your organization denies it (RCP), whatever the role allows: ask whoever manages it.",
    "permissions boundary": "The role's permissions boundary does not allow it: widen the boundary.",
    "session policy": "The policy that the session was assumed with does not allow it: widen it where the role is "
    "assumed (`inline-session-policy`, `managed-session-policies`).",
    "vpc endpoint policy": "The policy of the VPC endpoint that the runner goes through does not allow it: widen that.",
    "resource-based policy": "The policy of the resource itself does not allow it: change that one.",
    "identity-based policy": "A policy of the role denies it outright, and no other can allow it: change that one.",
}

# AWS's words about what it could not use for us; its codes, or what its messages quote.
_ABOUT = (
    (
        re.compile(r"\bKMS|kms:"),
        "Lambda needs the KMS key of the function (of its environment variables, or of its package): see that the key "
        "is enabled and in this region, and that its policy and the function's role allow kms:Decrypt.",
    ),
    (
        re.compile(r"^(EC2AccessDenied|ENILimitReached|InvalidSecurityGroupID|InvalidSubnetID|SubnetIPAddressLimit)"),
        "It is about the function's VPC: check its subnets and security groups, and that its role has "
        "AWSLambdaVPCAccessExecutionRole.",
    ),
    (re.compile(r"^InvalidZipFile"), "Lambda cannot unpack the package: build it anew, and test it with `unzip -t`."),
    (re.compile(r"^InvalidRuntime"), "The function's runtime is not supported: choose another one for the function."),
)


def with_remedy(error: AwsError) -> AwsError:
    """The same error with its next step filled in, by its kind; adapters put a better one where they know it."""
    on = f" on {error.resource}" if error.resource else ""
    match error.kind:
        case _ if error.code in (NOT_AWS, "UnreadableAnswer", "ResponseParserError"):
            error.remedy = (
                "If a proxy, a firewall or a login page between the runner and AWS answered: let the runner reach "
                f"AWS's addresses, or set HTTPS_PROXY or NO_PROXY ({RUNNERS_PAGE})."
            )
        case ErrorKind.DENIED if error.operation == "sts:AssumeRoleWithWebIdentity":
            error.remedy = (
                "The role's trust policy does not accept this job's token: compare its audience and subject"
                f" conditions with the token's ({IAM_PAGE})."
            )
        case ErrorKind.DENIED if who := _who_denied(error.message):
            error.remedy = who
            if error.operation == "s3:PutObject":
                error.remedy += " Such policies often ask for encryption headers: those of the bucket's default are "
                error.remedy += "sent if the role may s3:GetEncryptionConfiguration."
        case ErrorKind.DENIED:
            error.remedy = f"Add {error.operation}{on} to the role's policy ({IAM_PAGE})."
            if error.operation.startswith("s3:"):
                error.remedy += " The bucket's own policy, its owner (another account?) and its key may deny it too."
            elif error.operation.startswith("kms:"):
                error.remedy += " The key's own policy must allow it too."
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
                "Nothing answers at that address: check `aws-region`, and the runner's network, name service and proxy"
                f" ({RUNNERS_PAGE}); AWS's own state is at https://health.aws.amazon.com/."
            )
        case ErrorKind.UNREACHABLE:
            error.remedy = (
                "AWS could not be reached or had an internal error: run again; see https://health.aws.amazon.com/."
            )
        case ErrorKind.NOT_FOUND:
            error.remedy = "Check the name, the region and the account."
        case ErrorKind.REJECTED:
            error.remedy = next(
                (remedy for about, remedy in _ABOUT if about.search(error.code) or about.search(error.message)), ""
            )
        case _:
            pass  # a conflict: what to do depends on the call, and the adapters know it
    return error


def _who_denied(message: str) -> str:
    """What to do where AWS says that a policy denied it outright, or which kind of policy has to allow it as well.

    Empty where a permission of the role is all that is missing.
    """
    found = _POLICY.search(message)
    policy = found["policy"].lower() if found else ""
    explicit = _EXPLICIT.search(message) is not None
    if policy == "identity-based policy" and not explicit:
        return ""
    if policy in _WHO_SETS:
        return _WHO_SETS[policy]
    if explicit:
        return "A policy denies it outright, and none of the role's can allow it: look for a statement with Deny."
    return ""
