"""Which hint fits a failed call to AWS, by its kind and by what its words say. Pure; it only reads the error.

Sources: facts.md A13 (permissions), B4 (credentials' lifetimes); IAM's guide on access denied messages (which kind of
policy denied), Lambda's API reference (errors of KMS, EC2 and packages).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...core.errors import AwsError, ErrorKind
from ...core.reasons import hints
from ...core.reasons.hints import Denier

# botocore's names for a connection that never came about; a mistyped region is an address that does not exist.
_NO_ANSWER = ("EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError")
NOT_AWS = "AnswerNotFromAWS"

# What denied it: "with an explicit deny in a service control policy: arn:…", "because no session policy allows …".
_POLICY = re.compile(
    r"(?:explicit deny in|because no) (?:an? )?(?P<policy>[a-z][a-z -]*?(?:policy|boundary))\b", re.IGNORECASE
)
_EXPLICIT = re.compile(r"explicit deny|explicitly denied", re.IGNORECASE)

# AWS's words about what it could not use for us; its codes, or what its messages quote.
_ABOUT: tuple[tuple[re.Pattern[str], hints.Hint], ...] = (
    (re.compile(r"\bKMS|kms:"), hints.KeyUnusable()),
    (
        re.compile(r"^(EC2AccessDenied|ENILimitReached|InvalidSecurityGroupID|InvalidSubnetID|SubnetIPAddressLimit)"),
        hints.VpcTrouble(),
    ),
    (re.compile(r"^InvalidZipFile"), hints.ZipBroken()),
    (re.compile(r"^InvalidRuntime"), hints.RuntimeGone()),
)
_BY_KIND: Mapping[ErrorKind, hints.Hint] = {
    ErrorKind.EXPIRED: hints.CredentialsExpired(),
    ErrorKind.NO_CREDENTIALS: hints.CredentialsMissing(),
    ErrorKind.THROTTLED: hints.TooManyRequests(),
    ErrorKind.UNREACHABLE: hints.AwsTroubled(),
    ErrorKind.NOT_FOUND: hints.NameWrong(),
}


def with_hint(error: AwsError) -> AwsError:
    """The same error with its next step filled in, by its kind; adapters put a better one where they know it.

    None for a conflict: what to do depends on the call, and the adapters know it.
    """
    match error.kind:
        case _ if error.code in (NOT_AWS, "UnreadableAnswer", "ResponseParserError"):
            error.hint = hints.NotFromAws()
        case ErrorKind.DENIED if error.operation == "sts:AssumeRoleWithWebIdentity":
            error.hint = hints.TrustPolicy()
        case ErrorKind.DENIED:
            denier = _denier(error.message)
            error.hint = (
                hints.PermissionMissing(action=error.operation, resource=error.resource)
                if denier is None
                else hints.DeniedByPolicy(denier=denier, storing=error.operation == "s3:PutObject")
            )
        case ErrorKind.EXPIRED if "Signature" in error.message or error.code.startswith("RequestTime"):
            error.hint = hints.ClockWrong()
        case ErrorKind.UNREACHABLE if error.code in _NO_ANSWER:
            error.hint = hints.NoAnswer()
        case ErrorKind.REJECTED:
            error.hint = next(
                (hint for about, hint in _ABOUT if about.search(error.code) or about.search(error.message)), None
            )
        case _:
            error.hint = _BY_KIND.get(error.kind)
    return error


def _denier(message: str) -> Denier | None:
    """Which kind of policy AWS says denied it outright, or has to allow it as well.

    None where a permission of the role is all that is missing.
    """
    found = _POLICY.search(message)
    explicit = _EXPLICIT.search(message) is not None
    policy = found["policy"].lower() if found else ""
    if policy in tuple(Denier) and policy and (explicit or policy != Denier.ROLE):
        return Denier(policy)
    return Denier.NOT_SAID if explicit else None
