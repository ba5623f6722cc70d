"""Builds the ports from inputs and the environment. Nothing is asked of AWS here; clients are made when first used.

botocore reads its own AWS_* variables and files; everything else comes from the mapping that is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from botocore.session import Session

from ...core.given.inputs import Inputs
from ...ports import Clock, Ports
from ..packages.local import LocalPackages
from ..runner.workspace import files_for, scratch_for
from .client import Aws, knowing, region_from, sibling, sts_creator
from .codedeploy.calls import CodeDeployApi
from .codedeploy.setup import CodeDeploySetup
from .credentials import WebIdentity, known_expiry
from .evidence import CloudWatchEvidence
from .iam import IamPolicies
from .identity import StsIdentities
from .lambda_.functions import LambdaApi
from .lambda_.versions import LambdaVersions
from .s3.buckets import S3Buckets
from .s3.packages import S3Packages
from .s3.revisions import S3Revisions

# Seconds after which GitHub ends a job, by where it runs (facts.md B4).
JOB_LIMITS = {"github-hosted": 6 * 3600.0, "self-hosted": 5 * 24 * 3600.0}
_CUSTOM_ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")


def wire(
    inputs: Inputs,
    environ: Mapping[str, str],
    *,
    clock: Clock,
    directory: Path,
    mask: Callable[[str], None],
) -> Ports:
    """All ports. Raises InvalidInput: no region, a bad endpoint, `role-to-assume` without `id-token: write`."""
    aws = aws_for(inputs, environ, clock=clock, mask=mask)
    files = files_for(environ, directory)
    return Ports(
        clock=clock,
        identities=StsIdentities(aws),
        codedeploy=CodeDeployApi(aws),
        lambda_=LambdaApi(aws),
        setup=CodeDeploySetup(aws),
        versions=LambdaVersions(aws),
        revisions=S3Revisions(aws),
        evidence=CloudWatchEvidence(aws),
        objects=S3Packages(aws),
        buckets=S3Buckets(aws),
        policies=IamPolicies(aws),
        packages=LocalPackages(files, clock, scratch=scratch_for(environ)),
        files=files,
        job_limit=JOB_LIMITS.get(environ.get("RUNNER_ENVIRONMENT", "").strip()),
        credentials_end=known_expiry(environ, refreshed=bool(inputs.role_to_assume)),
    )


def aws_for(inputs: Inputs, environ: Mapping[str, str], *, clock: Clock, mask: Callable[[str], None]) -> Aws:
    session = knowing(Session())
    region = region_from(inputs.aws_region, environ, session)
    path_style = any(environ.get(variable, "").strip() for variable in _CUSTOM_ENDPOINTS)
    if not inputs.role_to_assume:
        return Aws(session, clock, region=region, path_style=path_style)
    # Sessions of their own: a refresh may happen while clients are being made, and one session makes one at a time.
    identity = WebIdentity(
        inputs.role_to_assume, environ, clock, mask=mask, create_client=sts_creator(sibling(session), clock, region)
    )
    urgent = sibling(session)
    identity.install(session)
    identity.install_urgent(urgent)
    return Aws(
        session, clock, region=region, path_style=path_style, urgent_session=urgent, on_expired=identity.rejected
    )
