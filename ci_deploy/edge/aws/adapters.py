"""All adapters behind one door to AWS, as the ports that commands ask for. Nothing is asked of AWS here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...core.given.inputs import Inputs
from ...ports import Identities, Ports
from ..packages.local import LocalPackages
from ..runner.workspace import files_for, scratch_for
from .client import Aws
from .cloudformation import CloudFormationStacks
from .codedeploy.calls import CodeDeployApi
from .codedeploy.setup import CodeDeploySetup
from .credentials.role import known_expiry
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


def adapters(aws: Aws, identities: Identities, inputs: Inputs, environ: Mapping[str, str], directory: Path) -> Ports:
    files = files_for(environ, directory)
    return Ports(
        clock=aws.clock,
        identities=identities,
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
        packages=LocalPackages(files, aws.clock, scratch=scratch_for(environ)),
        files=files,
        job_limit=JOB_LIMITS.get(environ.get("RUNNER_ENVIRONMENT", "").strip()),
        credentials_end=known_expiry(environ, refreshed=bool(inputs.role_to_assume)),
    )
