"""Builds the ports from inputs and the environment. Nothing is asked of AWS here; clients are made when first used.

botocore reads its own AWS_* variables and files; everything else comes from the mapping that is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from botocore.session import Session

from ...core.aws import Endpoint
from ...core.errors import InvalidInput
from ...core.given.inputs import Inputs
from ...ports import Clock, Ports
from .. import network
from ..packages.local import LocalPackages
from ..runner.workspace import files_for, scratch_for
from .client import SERVICES, Aws, knowing, sibling, sts_creator
from .cloudformation import CloudFormationStacks
from .codedeploy.calls import CodeDeployApi
from .codedeploy.setup import CodeDeploySetup
from .credentials import chain, settings
from .credentials.identity import StsIdentities
from .credentials.role import WebIdentity, known_expiry
from .evidence import CloudWatchEvidence
from .iam import IamPolicies
from .lambda_.callers import LambdaCallers
from .lambda_.functions import LambdaApi
from .lambda_.versions import LambdaVersions
from .metrics import CloudWatchMetrics
from .s3.buckets import S3Buckets
from .s3.packages import S3Packages
from .s3.revisions import S3Revisions

# Seconds after which GitHub ends a job, by where it runs (facts.md B4).
JOB_LIMITS = {"github-hosted": 6 * 3600.0, "self-hosted": 5 * 24 * 3600.0}


def wire(
    inputs: Inputs,
    environ: Mapping[str, str],
    *,
    clock: Clock,
    directory: Path,
    mask: Callable[[str], None],
    learn: Callable[..., None] = lambda *_: None,
    tell: Callable[[tuple[Endpoint, ...]], None] = lambda _: None,
) -> Ports:
    """All ports. Raises InvalidInput: no region, unusable settings, `role-to-assume` without `id-token: write`.

    `mask` has the runner hide a secret that came up, `learn` ourselves; `tell` hears of addresses that are not AWS's.
    """
    aws = aws_for(inputs, environ, clock=clock, mask=mask, learn=learn, tell=tell)
    files = files_for(environ, directory)
    return Ports(
        clock=clock,
        identities=StsIdentities(aws),
        codedeploy=CodeDeployApi(aws),
        lambda_=LambdaApi(aws),
        setup=CodeDeploySetup(aws),
        versions=LambdaVersions(aws),
        callers=LambdaCallers(aws),
        revisions=S3Revisions(aws),
        evidence=CloudWatchEvidence(aws),
        metrics=CloudWatchMetrics(aws),
        stacks=CloudFormationStacks(aws),
        objects=S3Packages(aws),
        buckets=S3Buckets(aws),
        policies=IamPolicies(aws),
        packages=LocalPackages(files, clock, scratch=scratch_for(environ)),
        files=files,
        job_limit=JOB_LIMITS.get(environ.get("RUNNER_ENVIRONMENT", "").strip()),
        credentials_end=known_expiry(environ, refreshed=bool(inputs.role_to_assume)),
    )


def aws_for(
    inputs: Inputs,
    environ: Mapping[str, str],
    *,
    clock: Clock,
    mask: Callable[[str], None],
    learn: Callable[..., None] = lambda *_: None,
    tell: Callable[[tuple[Endpoint, ...]], None] = lambda _: None,
) -> Aws:
    """The door to AWS; `tell` hears of the addresses in use that are not AWS's."""
    trusted = network.trust(environ, network.FOR_AWS)
    session = knowing(Session(), trusted)
    if problems := (*network.problems(environ), *settings.problems(environ, session)):
        raise InvalidInput(problems)
    learn(*settings.secrets(session))
    region = settings.region(inputs.aws_region, environ, session)
    found = settings.endpoints(environ, session, SERVICES)
    endpoints = {service: each.url for each in found for service in each.services}
    if foreign := settings.not_aws(found, session, region, SERVICES):
        tell(foreign)
    if not inputs.role_to_assume:
        chain.install(session)
        return Aws(
            session,
            clock,
            region=region,
            path_style="s3" in endpoints,  # http://bucket.127.0.0.1 does not resolve
            endpoints=endpoints,
            trust=trusted,
            learn=learn,
        )
    # Sessions of their own: a refresh may happen while clients are being made, and one session makes one at a time.
    create = sts_creator(sibling(session, trusted), clock, region, endpoints)
    identity = WebIdentity(inputs.role_to_assume, environ, clock, mask=mask, create_client=create)
    urgent = sibling(session, trusted)
    identity.install(session)
    identity.install_urgent(urgent)
    return Aws(
        session,
        clock,
        region=region,
        path_style="s3" in endpoints,
        endpoints=endpoints,
        trust=trusted,
        urgent_session=urgent,
        on_expired=identity.rejected,
        learn=learn,
    )
