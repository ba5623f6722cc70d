"""botocore's chain of credential providers, each of whose failures is told by its name and not as a bug.

A provider reads files, runs programs and asks services, and lets whatever happens there through: a missing token file
is a FileNotFoundError from the depths of a signature. Credentials that no request can carry are found here too, before
an HTTP library quotes them. Nothing is asked of AWS here but what the providers ask. Source: botocore 1.44.5.
"""

from __future__ import annotations

import re

from botocore.credentials import CredentialResolver, Credentials, ReadOnlyCredentials
from botocore.session import Session

from ....core.errors import AwsError, CiDeployError, ErrorKind, InvalidInput
from ....core.given import mistakes
from ....core.reasons.hints import CredentialsSource
from ..errors import CALL_ERRORS, said, translate
from ..remedies import with_hint

# botocore's name of a provider -> what it reads, for people.
_SOURCES = {
    "assume-role": "the `role_arn` of the profile",
    "assume-role-with-web-identity": "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN (or the profile's"
    " `web_identity_token_file` and `role_arn`)",
    "boto-config": "the file that BOTO_CONFIG names",
    "config-file": "the profile in the config file (AWS_CONFIG_FILE)",
    "container-role": "AWS_CONTAINER_CREDENTIALS_FULL_URI or AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, with"
    " AWS_CONTAINER_AUTHORIZATION_TOKEN or AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "custom-process": "the `credential_process` of the profile",
    "ec2-credentials-file": "the file that AWS_CREDENTIAL_FILE names",
    "env": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
    "iam-role": "the instance metadata service",
    "login": "the `login_session` of the profile",
    "shared-credentials-file": "the credentials file (AWS_SHARED_CREDENTIALS_FILE)",
    "sso": "the SSO settings of the profile",
}
_PARTS = (
    ("access_key", "AWS_ACCESS_KEY_ID", "aws_access_key_id"),
    ("secret_key", "AWS_SECRET_ACCESS_KEY", "aws_secret_access_key"),
    ("token", "AWS_SESSION_TOKEN", "aws_session_token"),
)


class Failed(Exception):  # noqa: N818 - on its way to an AwsError
    """A provider could not give credentials. `cause` is what it raised."""

    def __init__(self, method: str, cause: Exception) -> None:
        super().__init__(method)
        self.method = method
        self.cause = cause


class Chain(CredentialResolver):  # type: ignore[misc]
    """The providers in botocore's order; what one of them raises names it."""

    def load_credentials(self) -> Credentials | None:
        for provider in self.providers:
            try:
                found = provider.load()
            except Exception as error:
                raise Failed(str(provider.METHOD or ""), error) from error
            if found is not None:
                return found
        return None


def install(session: Session) -> None:
    """Have the session find its credentials by a Chain."""
    providers = session.get_component("credential_provider").providers
    session.register_component("credential_provider", Chain(providers))


def frozen(session: Session) -> ReadOnlyCredentials | None:
    """What the next request will be signed with, refreshed if it is due; None when there are no credentials.

    Raises Failed, and InvalidInput or AwsError for credentials that no request can carry.
    """
    found = session.get_credentials()
    if found is None:
        return None
    try:
        current: ReadOnlyCredentials = found.get_frozen_credentials()
    except CiDeployError:
        raise
    except Exception as error:
        raise Failed(found.method, error) from error
    for part, variable, key in _PARTS:
        # Base64 and the like; a line break (a secret that was stored with one) would be quoted by who refuses it.
        value = getattr(current, part)
        if value and not re.fullmatch(r"[\x21-\x7e]+", value):
            raise _unsendable(found.method, variable, key)
    return current


def explained(failed: Failed, operation: str) -> CiDeployError:
    """The error for a call (IAM's name of it) that had no credentials because of this."""
    error, source = failed.cause, _SOURCES.get(failed.method, failed.method)
    if isinstance(error, CiDeployError):
        return error
    if isinstance(error, Failed):  # a profile's source profile
        return explained(error, operation)
    service, _, name = operation.partition(":")
    if isinstance(error, CALL_ERRORS):
        translated = translate(error, service=service, operation=name)
        if not isinstance(translated, AwsError):
            return translated
        kind, code, message = translated.kind, translated.code, translated.message
        # What AWS answers to `AssumeRole` is told as AWS's answer.
        if translated.operation != operation:
            return translated
    else:
        kind, code, message = ErrorKind.NO_CREDENTIALS, type(error).__name__, said(error)
        if isinstance(error, RuntimeError) and "expired" in message:
            kind = ErrorKind.EXPIRED
        if isinstance(error, EOFError):
            message = "an MFA code is asked for, and nobody is here to type one"
    made = with_hint(AwsError(kind, operation=operation, code=code, message=f"{message} (from {source})"))
    if not (kind.transient or kind is ErrorKind.DENIED):
        made.hint = CredentialsSource(source=source, rest=made.hint)
    return made


def _unsendable(method: str, variable: str, key: str) -> CiDeployError:
    where = f"environment variable {variable}" if method == "env" else f"`{key}` from {_SOURCES.get(method, method)}"
    return InvalidInput((mistakes.credential_unsendable(where),))
