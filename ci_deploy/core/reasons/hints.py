"""What to do about a call to AWS that failed: the edge says which hint fits the kind of failure and AWS's words."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from ..lazy import dataclass
from ..links import AWS_STATUS, GITHUB_STATUS, page
from .reason import Reason

IAM_PAGE = page("iam/README.md")
RUNNERS_PAGE = page("runners.md")
LONGEST = 300  # of a claim, in a line of an error


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint(Reason):
    """It adds a remedy to what AWS said, and nothing to read before it."""

    @property
    def text(self) -> str:
        return ""


# --- Who denied it -----------------------------------------------------------------------------------------------


class Denier(StrEnum):
    """AWS's own names of what can deny a call; `NOT_SAID` where a deny is explicit, and its place is not told."""

    ORGANIZATION = "service control policy"
    RESOURCES = "resource control policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    ENDPOINT = "vpc endpoint policy"
    RESOURCE = "resource-based policy"
    ROLE = "identity-based policy"
    NOT_SAID = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionMissing(Hint):
    code: ClassVar = "permission-missing"
    means: ClassVar = "The role's policy does not allow the call."
    also: ClassVar = (
        {"action": "s3:PutObject", "resource": "s3://artifacts/k.zip"},
        {"action": "kms:Decrypt", "resource": ""},
    )
    action: str
    resource: str

    @property
    def remedy(self) -> str:
        on = f" on `{self.resource}`" if self.resource else ""
        more = ""
        if self.action.startswith("s3:"):
            more = " The bucket's own policy, its owner (another account?) and its key may deny it too."
        elif self.action.startswith("kms:"):
            more = " The key's own policy must allow it too."
        return f"Add {self.action}{on} to the role's policy ({IAM_PAGE}).{more}"

    @classmethod
    def sample(cls) -> PermissionMissing:
        return cls(action="codedeploy:CreateDeployment", resource="checkout/live")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeniedByPolicy(Hint):
    """`storing`: something was to be stored in S3."""

    code: ClassVar = "denied-by-policy"
    means: ClassVar = "A policy denies the call, whatever the role's own policy allows."
    also: ClassVar = (*({"denier": each} for each in list(Denier)[1:]), {"storing": True})
    denier: Denier
    storing: bool

    @property
    def remedy(self) -> str:
        match self.denier:
            case Denier.ORGANIZATION:
                who = "Your organization denies it (SCP), whatever the role allows. Ask whoever manages it."
            case Denier.RESOURCES:
                who = "Your organization denies it (RCP), whatever the role allows. Ask whoever manages it."
            case Denier.BOUNDARY:
                who = "The role's permissions boundary does not allow it. Widen the boundary."
            case Denier.SESSION:
                who = (
                    "The session's own policy does not allow it. Widen it where the role is assumed "
                    "(`inline-session-policy`, `managed-session-policies`)."
                )
            case Denier.ENDPOINT:
                who = "The policy of the runner's VPC endpoint does not allow it. Widen that policy."
            case Denier.RESOURCE:
                who = "The policy of the resource itself does not allow it. Change that one."
            case Denier.ROLE:
                who = "A policy of the role denies it outright, and no other can allow it. Change that one."
            case _:
                who = "A policy denies it outright, and no other can allow it. Look for a statement with Deny."
        if not self.storing:
            return who
        return (
            f"{who} Such policies often ask for encryption headers. ci-deploy sends those of the bucket's default if "
            "the role may s3:GetEncryptionConfiguration."
        )

    @classmethod
    def sample(cls) -> DeniedByPolicy:
        return cls(denier=Denier.ORGANIZATION, storing=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketForeign(Hint):
    """`before`: what else may have denied it."""

    code: ClassVar = "bucket-foreign"
    means: ClassVar = "S3 denies calls with another expected owner than the bucket's."
    owner: str
    before: Reason | None

    @property
    def remedy(self) -> str:
        before = f"{self.before.remedy} " if self.before else ""
        return f"{before}It is denied also if the bucket is not account {self.owner}'s (`bucket-owner`)."

    @classmethod
    def sample(cls) -> BucketForeign:
        return cls(owner="123456789012", before=None)


# --- Credentials -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustPolicy(Hint):
    code: ClassVar = "trust-policy"
    means: ClassVar = "The role's trust policy does not accept the job's OIDC token."

    @property
    def remedy(self) -> str:
        return (
            "The role's trust policy does not accept this job's token. Compare its audience and subject conditions "
            f"with the token's ({IAM_PAGE})."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsExpired(Hint):
    code: ClassVar = "credentials-expired"
    means: ClassVar = "The credentials lived shorter than the run."

    @property
    def remedy(self) -> str:
        return (
            "The credentials expired. Set `role-to-assume` (refreshed as long as the job lives), or a longer "
            "`role-duration-seconds` of aws-actions/configure-aws-credentials."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockWrong(Hint):
    code: ClassVar = "clock-wrong"
    means: ClassVar = "AWS accepts no request whose time is off by more than five minutes."

    @property
    def remedy(self) -> str:
        return "The runner's clock and AWS's differ by more than five minutes. Set the runner's clock."


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsMissing(Hint):
    code: ClassVar = "credentials-missing"
    means: ClassVar = "No step before has provided AWS credentials."

    @property
    def remedy(self) -> str:
        return (
            "Run aws-actions/configure-aws-credentials before this step. Or set `role-to-assume`, and give the job "
            "`permissions: id-token: write`. On a terminal: log in as for the AWS CLI (`aws sso login`, `AWS_PROFILE`)."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsSource(Hint):
    """`source`: a variable, a profile's setting; `rest`: what applies to all sources."""

    code: ClassVar = "credentials-source"
    means: ClassVar = "Credentials are configured, and the place where they are looked for has none."
    source: str
    rest: Reason | None

    @property
    def remedy(self) -> str:
        rest = f" {self.rest.remedy}" if self.rest else ""
        return f"The credentials are looked for in {self.source}. Correct that, or unset it.{rest}"

    @classmethod
    def sample(cls) -> CredentialsSource:
        return cls(source="`credential_process` of the profile", rest=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRefused(Hint):
    """`claims`: sub, aud and iss of the job's token; `issuer_unknown`: the account has no provider for it."""

    code: ClassVar = "token-refused"
    means: ClassVar = "AWS does not accept this job's OIDC token; its claims are shown."
    also: ClassVar = ({"issuer_unknown": True},)
    claims: tuple[str, str, str]
    issuer_unknown: bool

    @property
    def remedy(self) -> str:
        subject, audience, issuer = (claim[:LONGEST] for claim in self.claims)
        host = (issuer or "token.actions.githubusercontent.com").removeprefix("https://")
        token = (
            f"This job's token has sub `{subject or 'unknown'}`, aud `{audience or 'unknown'}` and "
            f"iss `{issuer or 'unknown'}`."
        )
        if self.issuer_unknown:
            return f"{token} The account needs an IAM OIDC provider for {host} with that audience ({IAM_PAGE})."
        return (
            f"{token} Check that the role exists and that its trust policy accepts exactly these, as `{host}:sub` and "
            f"`{host}:aud`. A job with `environment:` has the environment in its subject, not the branch. `ci-deploy "
            f"init` prints the command that makes roles for this repository's subjects ({IAM_PAGE})."
        )

    @classmethod
    def sample(cls) -> TokenRefused:
        subject, issuer = "repo:octo/shop:environment:production", "https://token.actions.githubusercontent.com"
        return cls(claims=(subject, "sts.amazonaws.com", issuer), issuer_unknown=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUnavailable(Hint):
    code: ClassVar = "token-unavailable"
    means: ClassVar = "GitHub gave the job no OIDC token."

    @property
    def remedy(self) -> str:
        return f"Give the job `permissions: id-token: write`, or run it again: {GITHUB_STATUS}."


# --- The way to AWS ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFromAws(Hint):
    code: ClassVar = "not-from-aws"
    means: ClassVar = "The answer did not come from AWS, or something on the way replaced it."

    @property
    def remedy(self) -> str:
        return (
            "A proxy, a firewall or a login page between the runner and AWS may have answered. Let the runner reach "
            f"AWS's addresses, or set HTTPS_PROXY or NO_PROXY ({RUNNERS_PAGE})."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer(Hint):
    code: ClassVar = "no-answer"
    means: ClassVar = "No connection came about: a mistyped region is an address that does not exist."

    @property
    def remedy(self) -> str:
        return (
            "Nothing answers at that address. Check `aws-region`, and the runner's network, name service and proxy "
            f"({RUNNERS_PAGE}). AWS's own status page: {AWS_STATUS}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsTroubled(Hint):
    code: ClassVar = "aws-troubled"
    means: ClassVar = "AWS did not answer, or with an internal error."

    @property
    def remedy(self) -> str:
        return f"AWS could not be reached or had an internal error. Run again, or see {AWS_STATUS}."


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateUntrusted(Hint):
    """`variable` names the file of certificates in use; empty: those that come with ci-deploy."""

    code: ClassVar = "certificate-untrusted"
    means: ClassVar = "The certificate of the other side is signed by an authority that is not trusted here."
    also: ClassVar = ({"variable": "AWS_CA_BUNDLE"},)
    variable: str

    @property
    def remedy(self) -> str:
        if not self.variable:
            return (
                "If your company's proxy opens connections, set AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE or SSL_CERT_FILE "
                f"to a file with its certificate ({RUNNERS_PAGE})."
            )
        return f"{self.variable} is in use. Add the certificate of the authority that signed this one to its file."

    @classmethod
    def sample(cls) -> CertificateUntrusted:
        return cls(variable="")


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyRequests(Hint):
    code: ClassVar = "too-many-requests"
    means: ClassVar = "The account's request rate is used up."

    @property
    def remedy(self) -> str:
        return "AWS limits the request rate of the whole account. Run fewer jobs in parallel, or run again."


# --- What the call is about --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NameWrong(Hint):
    code: ClassVar = "name-wrong"
    means: ClassVar = "There is nothing of that name in this account and region."

    @property
    def remedy(self) -> str:
        return "Check the name, the region and the account."


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketNone(Hint):
    code: ClassVar = "bucket-none"
    means: ClassVar = "The bucket to store something in does not exist."
    bucket: str
    region: str

    @property
    def remedy(self) -> str:
        return f"The bucket {self.bucket} does not exist. Create it in {self.region}, or correct its name."


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketElsewhere(Hint):
    """`storing`: the AppSpec can be sent without a bucket."""

    code: ClassVar = "bucket-elsewhere"
    means: ClassVar = "The bucket is in another region than the deployment."
    also: ClassVar = ({"storing": True},)
    region: str
    storing: bool

    @property
    def remedy(self) -> str:
        inline = " Without `bucket` the AppSpec is sent inline." if self.storing else ""
        return f"CodeDeploy and Lambda read from their own region: use a bucket in {self.region}.{inline}"

    @classmethod
    def sample(cls) -> BucketElsewhere:
        return cls(region="eu-central-1", storing=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUnusable(Hint):
    code: ClassVar = "key-unusable"
    means: ClassVar = "Lambda cannot use the KMS key of the function's environment or of its package."

    @property
    def remedy(self) -> str:
        return (
            "Lambda needs the KMS key of the function (of its environment variables, or of its package). Check that "
            "the key is enabled and in this region, and that its policy and the function's role allow kms:Decrypt."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VpcTrouble(Hint):
    code: ClassVar = "vpc-trouble"
    means: ClassVar = "Lambda cannot connect the function to its VPC."

    @property
    def remedy(self) -> str:
        return (
            "Check the subnets and security groups of the function's VPC, and that its role has "
            "AWSLambdaVPCAccessExecutionRole."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipBroken(Hint):
    code: ClassVar = "zip-broken"
    means: ClassVar = "Lambda cannot unpack the package."

    @property
    def remedy(self) -> str:
        return "Lambda cannot unpack the package. Build it again, and test it with `unzip -t`."


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeGone(Hint):
    code: ClassVar = "runtime-gone"
    means: ClassVar = "Lambda does not support the function's runtime."

    @property
    def remedy(self) -> str:
        return "The function's runtime is not supported. Choose another one for the function."


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageFull(Hint):
    code: ClassVar = "storage-full"
    means: ClassVar = "All versions of all functions together use the account's storage for code."

    @property
    def remedy(self) -> str:
        return (
            "The account's storage for code (300 GB by default) is full. Delete old versions with `ci-deploy prune`, "
            "or ask for a higher quota."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureNeeded(Hint):
    code: ClassVar = "signature-needed"
    means: ClassVar = "The function only takes signed code."

    @property
    def remedy(self) -> str:
        return (
            "The function's code signing config enforces signatures. Sign the package with AWS Signer and one of its "
            "signing profiles, and deploy the signed object (`code: s3://…`)."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureWrong(Hint):
    code: ClassVar = "signature-wrong"
    means: ClassVar = "The package was changed after signing, or its signature was revoked or has expired."

    @property
    def remedy(self) -> str:
        return (
            "The package's signature does not match its content, was revoked or has expired. Sign the package again, "
            "and deploy the signed object (`code: s3://…`)."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningConfigGone(Hint):
    code: ClassVar = "signing-config-gone"
    means: ClassVar = "The function names a code signing config that was deleted."

    @property
    def remedy(self) -> str:
        return "The function's code signing config no longer exists. Set another one, or remove it from the function."


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionsFull(Hint):
    code: ClassVar = "versions-full"
    means: ClassVar = "A capacity provider allows a limited number of versions."

    @property
    def remedy(self) -> str:
        return (
            "The function has as many versions as its capacity provider allows. Delete old ones with `ci-deploy prune`."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageLarge(Hint):
    code: ClassVar = "package-large"
    means: ClassVar = "The package is too large for a request to Lambda."

    @property
    def remedy(self) -> str:
        return "Set `bucket`: larger packages go through S3."
