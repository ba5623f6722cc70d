"""Calls to AWS that failed, by what that means for the caller. AWS's own words are facts, and decide nothing."""

from __future__ import annotations

import re
from typing import ClassVar

from ..lazy import dataclass
from . import hints
from .phrases import closed
from .reason import Reason

# IAM's own form: who is not authorized, and which kind of policy is missing or denies it.
_DENIED = re.compile(
    r"User: arn:[^ ]+:(?:assumed-role/(?P<role>[^/ ]+)/[^ ]+|user/(?P<user>[^ ]+)) is not authorized to perform: .*?"
    r"(?:because|with an) (?P<why>(?:no|explicit deny) .*)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsFailed(Reason):
    """`error` is AWS's code, or the exception's name when no answer came; `hint` is the edge's, by call and words."""

    operation: str
    resource: str = ""
    error: str
    message: str = ""
    hint: Reason | None = None

    @property
    def text(self) -> str:
        return self.in_aws_words

    @property
    def in_aws_words(self) -> str:
        on = f" on {self.resource}" if self.resource else ""
        said = f": {self.message}" if self.message else ""
        return f"{self.operation}{on}: {self.error}{said}"

    @property
    def remedy(self) -> str:
        return self.hint.remedy if self.hint else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsThrottled(AwsFailed):
    code: ClassVar = "aws-throttled"
    means: ClassVar = "AWS limits the rate of requests, and kept turning this one away."

    @classmethod
    def sample(cls) -> AwsThrottled:
        return cls(
            operation="codedeploy:CreateDeployment",
            error="ThrottlingException",
            message="Rate exceeded",
            hint=hints.TooManyRequests(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsExpired(AwsFailed):
    code: ClassVar = "aws-expired"
    means: ClassVar = "The credentials are no longer valid."

    @classmethod
    def sample(cls) -> AwsExpired:
        return cls(
            operation="sts:GetCallerIdentity",
            error="ExpiredToken",
            message="The security token included in the request is expired",
            hint=hints.CredentialsExpired(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsUnreachable(AwsFailed):
    code: ClassVar = "aws-unreachable"
    means: ClassVar = "AWS could not be reached, did not answer, or answered with a server error."

    @classmethod
    def sample(cls) -> AwsUnreachable:
        return cls(
            operation="lambda:GetFunction",
            resource="checkout",
            error="EndpointConnectionError",
            message='Could not connect to the endpoint URL: "https://lambda.eu-central-1.amazonaws.com/"',
            hint=hints.NoAnswer(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsDenied(AwsFailed):
    code: ClassVar = "aws-denied"
    means: ClassVar = "The role lacks a permission, or another policy denies the call."
    also: ClassVar = (
        {
            "message": "User: arn:aws:sts::123456789012:assumed-role/deployer/run is not authorized to perform: "
            "codedeploy:CreateDeployment on resource: checkout/live because no identity-based policy allows the "
            "codedeploy:CreateDeployment action"
        },
    )

    @property
    def text(self) -> str:
        """Who may not do what, where AWS says it in its usual form."""
        found = _DENIED.search(self.message)
        if found is None:
            return self.in_aws_words
        kind, name = ("Role", found["role"]) if found["role"] else ("User", found["user"])
        on = f" on `{self.resource}`" if self.resource else ""
        return f"{kind} `{name}` may not call {self.operation}{on}. AWS: {closed(found['why'].strip())}"

    @classmethod
    def sample(cls) -> AwsDenied:
        return cls(
            operation="codedeploy:CreateDeployment",
            resource="checkout/live",
            error="AccessDeniedException",
            message="User is not authorized to perform codedeploy:CreateDeployment",
            hint=hints.PermissionMissing.sample(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsNotFound(AwsFailed):
    code: ClassVar = "aws-not-found"
    means: ClassVar = "The resource does not exist in this account and region."

    @classmethod
    def sample(cls) -> AwsNotFound:
        return cls(
            operation="lambda:GetFunction",
            resource="checkout",
            error="ResourceNotFoundException",
            message="Function not found: checkout",
            hint=hints.NameWrong(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsConflict(AwsFailed):
    code: ClassVar = "aws-conflict"
    means: ClassVar = "Something else holds the resource, such as another update or deployment."

    @classmethod
    def sample(cls) -> AwsConflict:
        return cls(
            operation="lambda:UpdateFunctionCode",
            resource="checkout",
            error="ResourceConflictException",
            message="An update is in progress for resource: checkout",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsNoCredentials(AwsFailed):
    code: ClassVar = "aws-no-credentials"
    means: ClassVar = "There are no usable AWS credentials."

    @classmethod
    def sample(cls) -> AwsNoCredentials:
        return cls(
            operation="sts:GetCallerIdentity",
            error="NoCredentialsError",
            message="Unable to locate credentials",
            hint=hints.CredentialsMissing(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsRejected(AwsFailed):
    code: ClassVar = "aws-rejected"
    means: ClassVar = "AWS refuses the request for good; the same request again cannot help."

    @classmethod
    def sample(cls) -> AwsRejected:
        return cls(
            operation="lambda:PublishVersion",
            resource="checkout",
            error="CodeStorageExceededException",
            message="Code storage limit exceeded",
            hint=hints.StorageFull(),
        )
