"""Builds the ports from inputs and the environment. Clients are made when first used.

botocore reads its own AWS_* variables and files; everything else comes from the mapping that is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.session import Session

from ...core.errors import InvalidInput
from .. import network
from .client import SERVICES, Aws, knowing, sibling, sts_creator
from .credentials import chain, settings
from .credentials.identity import StsIdentities
from .credentials.role import WebIdentity

if TYPE_CHECKING:
    from ...core.aws import Endpoint
    from ...core.given.inputs import Inputs
    from ...ports import Clock, Ports


def wire(
    inputs: Inputs,
    environ: Mapping[str, str],
    *,
    clock: Clock,
    directory: Path,
    mask: Callable[[str], None],
    learn: Callable[..., None] = lambda *_: None,
    tell: Callable[[tuple[Endpoint, ...]], None] = lambda _: None,
    ahead: Callable[[Callable[[], None]], None] = lambda _: None,
) -> Ports:
    """All ports. Raises InvalidInput: no region, unusable settings, `role-to-assume` without `id-token: write`.

    `mask` has the runner hide a secret that came up, `learn` ourselves; `tell` hears of addresses that are not AWS's.
    `ahead` may carry out the first call beside what follows.
    """
    aws = aws_for(inputs, environ, clock=clock, mask=mask, learn=learn, tell=tell)
    identities = StsIdentities(aws)
    ahead(identities.ask_ahead)
    from .adapters import adapters  # thirty modules, while AWS answers

    return adapters(aws, identities, inputs, environ, directory)


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
