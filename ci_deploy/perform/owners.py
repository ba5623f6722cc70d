"""Reads the clues that `core.plan.whose` asks for, each once, and how deep a group's history has to be read.

It decides nothing: what a clue means is whose's. A reading that is denied is a clue as well; one that fails for the
moment fails the gathering, because a deployment must not change owners with the weather.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from ..core import marker
from ..core.aws import (
    Deployment,
    DeploymentStatus,
    Fact,
    InlineContent,
    Known,
    NotPermitted,
    S3Location,
    Unavailable,
)
from ..core.errors import AwsError, ErrorKind, InvalidInput
from ..core.given.files import appspec
from ..core.given.files.appspec import AppSpec
from ..core.plan.whose import Clue, Clues, Need, Ours, Owner, Place, Unknown, group_is_ours, judge, settled
from ..ports import Ports

T = TypeVar("T")

READ_AT_MOST = 100  # deployments whose owner is asked for in one gathering: two calls each
LISTED_AT_MOST = 500  # of a group with several functions, for the history of one


class Owners:
    """Whose the deployments of one group are, seen from one function and alias.

    `bucket_owner`: the account whose buckets revisions are read from; empty: the one of the credentials.
    """

    def __init__(self, ports: Ports, application: str, place: Place, *, bucket_owner: str = "") -> None:
        self._ports = ports
        self._application = application
        self._place = place
        self._bucket_owner = bucket_owner
        self._judged: dict[str, Owner] = {}

    def judged(self, deployments: Iterable[Deployment]) -> tuple[Deployment, ...]:
        """The same deployments, with their function and alias wherever a clue names them."""
        found = [self._judge(deployment) for deployment in deployments]
        if any(isinstance(owner, Unknown) for owner in found) and group_is_ours(self._judged.values()):
            alone = replace(self._place, group_is_ours=True)
            found = [settled(owner.deployment, alone) if isinstance(owner, Unknown) else owner for owner in found]
        return tuple(owner.deployment for owner in found)

    def until_ours(self, recent: Sequence[Deployment], run_id: int) -> tuple[Deployment, ...]:
        """Those of newer runs judged, newest first, until one is this function's: that decides which run is older."""
        result = list(recent)
        for number, deployment in enumerate(recent):
            mark = marker.parse(deployment.description)
            ended_badly = deployment.status in (DeploymentStatus.FAILED, DeploymentStatus.STOPPED)
            if mark is None or ended_badly or not 0 < run_id <= mark.run_id:
                continue
            (result[number],) = self.judged((deployment,))
            # An earlier attempt of this very run may be what is served, and hides no newer run.
            if isinstance(self._judged[deployment.id], Ours) and run_id < mark.run_id:
                break
        return tuple(result)

    def history(
        self, group: str, recent: Sequence[Deployment], enough: Callable[[Sequence[Deployment]], bool]
    ) -> tuple[tuple[Deployment, ...], bool]:
        """The newest deployments judged, until there are enough of this function; and whether the bound was reached."""
        read: list[Deployment] = []
        listed = recent
        while not enough(read):
            if len(read) == READ_AT_MOST:
                return tuple(read), True
            if len(read) == len(listed):
                deeper = self._ports.codedeploy.recent(self._application, group, LISTED_AT_MOST)
                if len(deeper) <= len(listed):
                    return tuple(read), False
                listed = deeper
            read += self.judged((listed[len(read)],))
        return tuple(read), False

    def _judge(self, deployment: Deployment) -> Owner:
        known = self._judged.get(deployment.id)
        if known is not None:
            return known
        clues = Clues()
        while isinstance(found := judge(deployment, self._place, clues), Need):
            if found.clue is Clue.TARGETS:
                clues = replace(
                    clues, targets=_clue(lambda: self._ports.codedeploy.with_targets(deployment).targets or ())
                )
            else:
                clues = replace(clues, revision=self._revision(deployment))
        self._judged[deployment.id] = found
        return found

    def _revision(self, deployment: Deployment) -> Fact[AppSpec]:
        revision = deployment.revision
        try:
            match revision:
                case InlineContent():
                    text = _clue(lambda: self._ports.codedeploy.appspec(self._application, revision))
                case S3Location():
                    owner = self._bucket_owner or self._ports.identities.identity().account
                    text = _clue(lambda: self._ports.revisions.get(revision, owner=owner))
                case None:
                    return Unavailable("no revision")
            return Known(appspec.parse(text.value)) if isinstance(text, Known) else text
        except InvalidInput:
            return Unavailable("not an AppSpec for Lambda")


def _clue(read: Callable[[], T]) -> Fact[T]:
    try:
        return Known(read())
    except AwsError as error:
        if error.kind is ErrorKind.DENIED:
            return NotPermitted(error.operation)
        if error.kind.transient:
            raise
        return Unavailable(error.what.rstrip("."))
