"""CodeDeploy: what ports.CodeDeploy says, by API calls. It decides nothing and follows nothing.

Reads repeat (edge/aws/retry.py); `look`, `find`, `create` and `stop` make one attempt: a create repeated blindly would
deploy twice, because there is no idempotency token. The order of ListDeployments is not documented, so what is newest
is told by creation times. Sources: facts.md A3, A4, A7, A10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from ....core.aws import (
    CreateRequest,
    Deployment,
    DeploymentConfig,
    DeploymentGroup,
    DeploymentTarget,
    EventStatus,
    InlineContent,
    StopAnswer,
)
from ....core.errors import AwsError, ErrorKind
from ....core.marker import parse as parse_marker
from ..client import Aws
from ..sharing import Once, Together
from . import parse

BATCH = 25
GROUPS = 25  # deployment groups in a call; AWS takes 100
DAY = 24 * 3600.0
SPANS = (1, 7, 30, 180)  # days back, for the newest of a group that has more deployments than a page
PAGES = 10  # of ListDeployments (100 ids each) that are read at most for one answer
ACTIVE = ("Created", "Queued", "InProgress", "Baking", "Ready")
# How often in a row a running deployment may be shown without its targets' news before that counts as a failed look.
PATIENCE = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Ids of deployments, whether those are all, and AWS's time when it began to answer."""

    ids: list[str]
    complete: bool
    at: float


class CodeDeployApi:
    """Implements ports.CodeDeploy."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        # Target ids never change, so later looks skip ListDeploymentTargets. Written by several threads, whole values.
        self._target_ids: dict[str, tuple[str, ...]] = {}
        # By deployment: the function that it is about where that is known, whose name may be its target's id.
        self._functions: dict[str, str] = {}
        self._named_otherwise = False
        self._target_failures: dict[str, int] = {}
        # Deployment configs cannot be changed, and a release asks for the same few.
        self._configs = Once(self._read_config)
        # Whoever waits for the rate limit collects the wishes of others meanwhile.
        wait = partial(aws.wait, "codedeploy", "")
        self._groups = Together(self._read_groups, most=GROUPS, wait=wait)
        self._groups_singly = False
        self._recent = Together(self._list_recent, most=1, wait=wait)
        self._infos = Together(self._found, most=BATCH, wait=wait)
        self._active_statuses: tuple[str, ...] = ACTIVE

    def _call(self, operation: str, resource: str = "", /, **parameters: Any) -> dict[str, Any]:
        return self._aws.call("codedeploy", operation, resource, **parameters)

    def group(self, application: str, name: str) -> DeploymentGroup:
        key = (application, name)
        return self._aws.reading(lambda: self._groups.get([key]).get(key) or self._read_group(application, name))

    def _read_groups(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], DeploymentGroup]:
        """Groups of the first key's application in one call; those that are not answered are read singly."""
        application = keys[0][0]
        names = [name for of, name in keys if of == application]
        if len(names) == 1 or self._groups_singly:
            return {keys[0]: self._read_group(*keys[0], waited=True)} if len(keys) == 1 else {}
        try:
            answer = self._call(
                "BatchGetDeploymentGroups",
                f"deployment groups of application {application}",
                expects="deploymentGroupsInfo",
                waited=True,
                applicationName=application,
                deploymentGroupNames=names,
            )
        except AwsError as error:
            # A role may have GetDeploymentGroup alone, and one name that does not exist may fail them all.
            if error.kind.transient:
                raise
            self._groups_singly = error.kind is ErrorKind.DENIED
            return {}
        found = map(parse.group, answer["deploymentGroupsInfo"] or ())
        return {(application, group.name): group for group in found}

    def _read_group(self, application: str, name: str, *, waited: bool = False) -> DeploymentGroup:
        answer = self._call(
            "GetDeploymentGroup",
            f"deployment group {application}/{name}",
            expects="deploymentGroupInfo",
            waited=waited,
            applicationName=application,
            deploymentGroupName=name,
        )
        return parse.group(answer["deploymentGroupInfo"])

    def config(self, name: str) -> DeploymentConfig:
        return self._configs.get(name)

    def _read_config(self, name: str) -> DeploymentConfig:
        answer = self._aws.reading(
            lambda: self._call(
                "GetDeploymentConfig",
                f"deployment config {name}",
                expects="deploymentConfigInfo",
                deploymentConfigName=name,
            )
        )
        return parse.config(answer["deploymentConfigInfo"])

    def active(self, application: str, group: str) -> tuple[Deployment, ...]:
        def attempt(statuses: Sequence[str]) -> tuple[Deployment, ...]:
            ids = self._listed(application, group, statuses=statuses).ids
            return _newest_first(found for found in self._get(ids) if not found.status.terminal)

        return self._with_active(attempt)

    def _with_active(self, attempt: Callable[[Sequence[str]], T]) -> T:
        """What is read by the statuses of deployments that are not over."""
        statuses = self._active_statuses
        try:
            return self._aws.reading(lambda: attempt(statuses))
        except AwsError as error:
            # Baking is in the model's enum; whether the service accepts it as a filter is not known.
            if error.code != "InvalidDeploymentStatusException" or statuses != ACTIVE:
                raise
            self._active_statuses = fewer = tuple(status for status in ACTIVE if status != "Baking")
            return self._aws.reading(lambda: attempt(fewer))

    def recent(self, application: str, group: str, limit: int) -> tuple[Deployment, ...]:
        key = (application, group, limit)

        def attempt() -> tuple[Deployment, ...]:
            ids = self._recent.get([key])[key]
            return _newest_first(self._infos.get(ids).values())[:limit]

        return self._aws.reading(attempt)

    def _list_recent(self, keys: Sequence[tuple[str, str, int]]) -> dict[tuple[str, str, int], list[str]]:
        ((application, group, limit),) = keys
        return {keys[0]: self._newest(application, group, limit)}

    def _newest(self, application: str, group: str, enough: int) -> list[str]:
        """Ids among which the group's newest are, so many at least.

        A group with more than a page of deployments is asked by time, because the order is not documented.
        """
        newest = self._listed(application, group, most=1, waited=True)
        if newest.complete:
            return newest.ids
        for days in SPANS:
            since = self._aws.clock.epoch() - days * DAY
            found = self._listed(application, group, since=since, most=PAGES, waited=True).ids
            if len(found) >= enough:
                return found
        return self._listed(application, group, most=PAGES, waited=True).ids

    def _found(self, ids: Sequence[str]) -> dict[str, Deployment]:
        return {found.id: found for found in self._get(ids, waited=True)}

    def deployment(self, deployment_id: str) -> Deployment | None:
        found = self._aws.reading(lambda: self.look((deployment_id,), frozenset({deployment_id})))
        return found[0] if found else None

    def with_targets(self, deployment: Deployment, function: str = "") -> Deployment:
        if function:
            self._functions[deployment.id] = function
        return replace(deployment, targets=self._aws.reading(lambda: self._targets(deployment.id)))

    def look(
        self, ids: tuple[str, ...], with_targets: frozenset[str], running: tuple[Deployment, ...] = ()
    ) -> tuple[Deployment, ...]:
        read = {
            one.id: self._look_at_targets(replace(one, targets=None))
            for one in running
            if one.id in self._target_ids or one.id in self._functions
        }
        found = {one.id: one for one in read.values() if _runs(one)}
        for one in self._get([wanted for wanted in ids if wanted not in found]):
            if one.id in read:
                found[one.id] = replace(one, targets=read[one.id].targets)
            else:
                found[one.id] = self._look_at_targets(one) if one.id in with_targets else one
        return tuple(found[wanted] for wanted in ids if wanted in found)

    def find(self, application: str, group: str, marker_id: str) -> Deployment | None:
        ids = self._newest(application, group, 1)
        for start in range(0, len(ids), BATCH):
            for found in self._get(ids[start : start + BATCH]):
                marker = parse_marker(found.description)
                if marker is not None and marker.id == marker_id:
                    return found
        return None

    def created_since(self, since: float | None) -> tuple[float, tuple[str, ...]]:
        if since is None:
            found = self._with_active(lambda statuses: self._listed(statuses=statuses))
        else:
            found = self._aws.reading(lambda: self._listed(since=since))
        return found.at, tuple(found.ids)

    def appspec(self, application: str, revision: InlineContent) -> str:
        member = "string" if revision.revision_type == "String" else "appSpecContent"
        answer = self._aws.reading(
            lambda: self._call(
                "GetApplicationRevision",
                f"application {application}",
                expects="revision",
                applicationName=application,
                revision={"revisionType": revision.revision_type, member: {"sha256": revision.sha256}},
            )
        )
        read = parse.revision(answer["revision"] or {})
        return read.content if isinstance(read, InlineContent) else ""

    def create(self, request: CreateRequest) -> str:
        answer = self._call(
            "CreateDeployment",
            f"deployment group {request.application}/{request.group}",
            expects="deploymentId",
            **parse.creation(request),
        )
        made = str(answer["deploymentId"])
        self._functions[made] = request.function
        return made

    def stop(self, deployment_id: str, rollback: bool, *, urgent: bool = False) -> StopAnswer:
        answer = self._call(
            "StopDeployment",
            f"deployment {deployment_id}",
            urgent=urgent,
            deploymentId=deployment_id,
            autoRollbackEnabled=rollback,
        )
        return StopAnswer(status=str(answer.get("status") or "Pending"), message=str(answer.get("statusMessage") or ""))

    # --- one attempt each --------------------------------------------------------------------------------------

    def _listed(
        self,
        application: str | None = None,
        group: str | None = None,
        *,
        statuses: Sequence[str] | None = None,
        since: float | None = None,
        most: int | None = None,
        waited: bool = False,
    ) -> Listed:
        """The deployments of a group, or of the account, on so many pages at most. `waited`: for the first page."""
        ids: list[str] = []
        at: float | None = None
        token: str | None = None
        pages = 0
        while True:
            page = self._call(
                "ListDeployments",
                f"deployment group {application}/{group}" if application else "all deployments of the account",
                expects="deployments",
                waited=waited and token is None,
                applicationName=application,
                deploymentGroupName=group,
                includeOnlyStatuses=list(statuses) if statuses else None,
                createTimeRange={"start": since} if since is not None else None,
                nextToken=token,
            )
            pages += 1
            ids += page["deployments"] or ()
            at = parse.answered_at(page) if at is None else at
            token = page.get("nextToken") or None
            if token is None or pages == most:
                return Listed(ids=ids, complete=token is None, at=self._aws.clock.epoch() if at is None else at)

    def _get(self, ids: Sequence[str], *, waited: bool = False) -> list[Deployment]:
        """Deployments in the order of `ids`, 25 a call; those that do not exist are left out."""
        found: dict[str, Deployment] = {}
        for start in range(0, len(ids), BATCH):
            batch = list(ids[start : start + BATCH])
            try:
                answer = self._call(
                    "BatchGetDeployments",
                    ", ".join(batch[:3]),
                    expects="deploymentsInfo",
                    waited=waited and start == 0,
                    deploymentIds=batch,
                )
                infos = answer["deploymentsInfo"] or ()
            except AwsError as error:
                # One unknown id fails the whole batch, and a role may have GetDeployment alone.
                if error.code != "DeploymentDoesNotExistException" and error.kind is not ErrorKind.DENIED:
                    raise
                infos = self._get_singly(batch, error)
            found |= {one.id: one for one in map(parse.deployment, infos)}
        return [found[wanted] for wanted in ids if wanted in found]

    def _get_singly(self, ids: Iterable[str], batch_error: AwsError) -> list[Any]:
        infos = []
        for wanted in ids:
            try:
                answer = self._call(
                    "GetDeployment", f"deployment {wanted}", expects="deploymentInfo", deploymentId=wanted
                )
            except AwsError as error:
                if error.code == "DeploymentDoesNotExistException":
                    continue
                # Naming the better of the two permissions: one batch call serves many deployments.
                raise (batch_error if error.kind is ErrorKind.DENIED else error) from None
            infos.append(answer["deploymentInfo"])
        return infos

    def _targets(self, deployment_id: str) -> tuple[DeploymentTarget, ...]:
        """() while the deployment has not started: AWS has no targets for it then, and says so by an error."""
        on = f"deployment {deployment_id}"
        try:
            ids = self._target_ids.get(deployment_id)
            if ids is None:
                if named := self._targets_by_name(deployment_id):
                    return named
                listed = self._call("ListDeploymentTargets", on, expects="targetIds", deploymentId=deployment_id)
                ids = tuple(listed["targetIds"] or ())[:BATCH]
                if not ids:
                    return ()
                self._target_ids[deployment_id] = ids
            return self._read_targets(deployment_id, ids)
        except AwsError as error:
            if error.code == "DeploymentNotStartedException":
                return ()
            raise

    def _targets_by_name(self, deployment_id: str) -> tuple[DeploymentTarget, ...]:
        """Those of a deployment of a known function, by the id that CodeDeploy documents: the function's name.

        No recording shows such an id (facts.md A4). () where AWS knows the target by another one: then no name is tried
        again.
        """
        function = self._functions.get(deployment_id, "")
        if not function or self._named_otherwise:
            return ()
        try:
            found = _targets_in(self._batch_of_targets(deployment_id, (function,)))
        except AwsError as error:
            if error.kind.transient or error.code == "DeploymentNotStartedException":
                raise
            found = ()
        if found:
            self._target_ids[deployment_id] = (function,)
        else:
            self._named_otherwise = True
        return found

    def _batch_of_targets(self, deployment_id: str, ids: tuple[str, ...]) -> Any:
        return self._call(
            "BatchGetDeploymentTargets",
            f"deployment {deployment_id}",
            expects="deploymentTargets",
            deploymentId=deployment_id,
            targetIds=list(ids),
        )["deploymentTargets"]

    def _read_targets(self, deployment_id: str, ids: tuple[str, ...]) -> tuple[DeploymentTarget, ...]:
        """All in one call, or one by one where the role has GetDeploymentTarget alone, or at least their ids."""
        on = f"deployment {deployment_id}"
        try:
            sent = self._batch_of_targets(deployment_id, ids)
        except AwsError as error:
            if error.kind is not ErrorKind.DENIED:
                raise
            try:
                sent = [
                    self._call(
                        "GetDeploymentTarget",
                        on,
                        expects="deploymentTarget",
                        deploymentId=deployment_id,
                        targetId=target_id,
                    )["deploymentTarget"]
                    for target_id in ids
                ]
            except AwsError as error:
                if error.kind is not ErrorKind.DENIED:
                    raise
                return tuple(parse.unread_target(target_id) for target_id in ids)
        return _targets_in(sent)

    def _look_at_targets(self, deployment: Deployment) -> Deployment:
        """With targets if they can be had. The status alone is still news: without them, `targets` stays None.

        A transient failure of the targets fails the look a few times, because the next look may well have all; a
        lasting one must not hide how the deployment ends.
        """
        try:
            targets = self._targets(deployment.id)
        except AwsError as error:
            failures = self._target_failures.get(deployment.id, 0) + 1
            self._target_failures[deployment.id] = failures
            if error.kind.transient and failures < PATIENCE:
                raise
            return deployment
        self._target_failures.pop(deployment.id, None)
        return replace(deployment, targets=targets)


def _targets_in(sent: Any) -> tuple[DeploymentTarget, ...]:
    return tuple(target for each in sent or () if (target := parse.target(each)))


def _runs(deployment: Deployment) -> bool:
    """Whether it has targets, and all of them say that they are in progress."""
    return {target.status for target in deployment.targets or ()} == {EventStatus.IN_PROGRESS}


def _newest_first(deployments: Iterable[Deployment]) -> tuple[Deployment, ...]:
    return tuple(sorted(deployments, key=lambda deployment: deployment.create_time, reverse=True))
