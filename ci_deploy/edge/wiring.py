"""Builds the ports from inputs and the environment. Nothing is asked of AWS here; clients are made when first used.

botocore reads its own AWS_* variables and files; everything else comes from the mapping that is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from botocore.session import Session

from ..core.inputs import Inputs
from ..ports import Clock, Ports
from .aws import Aws, region_from, sibling, sts_creator
from .clock import RealClock, speed_from
from .codedeploy import CodeDeployApi
from .credentials import WebIdentity
from .evidence import CloudWatchEvidence
from .files import WorkspaceFiles
from .identity import StsIdentities
from .lambda_ import LambdaApi
from .packaging import LocalPackages
from .s3 import S3Revisions
from .s3_packages import S3Packages

_CUSTOM_ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")


def clock_for(environ: Mapping[str, str]) -> RealClock:
    """The clock; InvalidInput if the environment asks for a speed that is not allowed."""
    return RealClock(speed_from(environ))


def files_for(environ: Mapping[str, str], directory: Path) -> WorkspaceFiles:
    """The workspace's files; `directory` (where we were started) on a terminal."""
    workspace = environ.get("GITHUB_WORKSPACE", "").strip()
    return WorkspaceFiles(Path(workspace) if workspace else directory, confined=bool(workspace))


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
        revisions=S3Revisions(aws),
        evidence=CloudWatchEvidence(aws),
        objects=S3Packages(aws),
        packages=LocalPackages(files, clock),
        files=files,
    )


def aws_for(inputs: Inputs, environ: Mapping[str, str], *, clock: Clock, mask: Callable[[str], None]) -> Aws:
    session = Session()
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
