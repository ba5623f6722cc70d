"""What CodeDeploy remembers: applications, groups, configs, revisions and deployments of each account and region."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...places import partition
from . import configs
from .run import Run

Json = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Deployment:
    """One deployment: what was asked for, and its run. Times in epoch seconds."""

    id: str
    place: Place
    application: str
    group: str
    group_id: str
    config: str
    revision: Json
    created: float
    run: Run
    creator: str = "user"
    description: str | None = None
    previous_revision: Json | None = None
    auto_rollback: Json | None = None
    override_alarms: Json | None = None
    extras: Json = field(default_factory=dict)
    content: str | None = None
    rollback_id: str | None = None
    rollback_of: str | None = None
    rollback_message: str | None = None


@dataclass(slots=True, kw_only=True)
class Revision:
    """A revision registered with an application, by hand or by its first deployment."""

    location: Json
    registered: float
    description: str | None = None
    first_used: float | None = None
    last_used: float | None = None


@dataclass(slots=True, kw_only=True)
class Group:
    """A deployment group: its settings as the API shows them, and its history (ids, oldest first)."""

    info: Json
    history: list[str] = field(default_factory=list)
    successful: str | None = None
    active: str | None = None


@dataclass(slots=True, kw_only=True)
class Application:
    """An application with its groups and revisions."""

    info: Json
    groups: dict[str, Group] = field(default_factory=dict)
    revisions: dict[str, Revision] = field(default_factory=dict)

    def use(self, location: Json, at: float) -> None:
        """A deployment uses a revision; its first one registers it."""
        held = self.revisions.setdefault(revision_key(location), Revision(location=location, registered=at))
        held.first_used = held.first_used or at
        held.last_used = at


@dataclass(slots=True, kw_only=True)
class Place:
    """Everything of one account and region."""

    account: str
    region: str
    applications: dict[str, Application] = field(default_factory=dict)
    configs: dict[str, Json] = field(default_factory=configs.predefined)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)

    def arn(self, kind: str, name: str) -> str:
        """`arn:…:codedeploy:REGION:ACCOUNT:application:NAME` and its like, in the region's own partition."""
        return f"arn:{partition(self.region)}:codedeploy:{self.region}:{self.account}:{kind}:{name}"

    def group_of(self, deployment: Deployment) -> Group | None:
        """The deployment's group, unless it was deleted; another one of its name is not it."""
        application = self.applications.get(deployment.application)
        group = application.groups.get(deployment.group) if application else None
        return group if group and group.info["deploymentGroupId"] == deployment.group_id else None


class Store:
    """All accounts and regions, and the source of ids."""

    def __init__(self, seed: int) -> None:
        self.places: dict[tuple[str, str], Place] = {}
        self._random = random.Random(f"ids {seed}")
        self._chances = random.Random(f"chances {seed}")
        self._ids: set[str] = set()

    def place(self, account: str, region: str) -> Place:
        """The store of one account and region, made when first asked for."""
        return self.places.setdefault((account, region), Place(account=account, region=region))

    def find(self, deployment_id: str) -> Deployment | None:
        """A deployment by its id, wherever it is: hooks may call back with another account's test credentials."""
        for place in self.places.values():
            if deployment_id in place.deployments:
                return place.deployments[deployment_id]
        return None

    def deployments(self) -> Iterator[Deployment]:
        """Every deployment."""
        for place in self.places.values():
            yield from place.deployments.values()

    def new_deployment_id(self) -> str:
        """`d-` and nine capitals or digits, as CodeDeploy's are."""
        while True:
            found = "d-" + "".join(self._random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=9))
            if found not in self._ids:
                self._ids.add(found)
                return found

    def chance(self) -> float:
        """A number from 0 to 1, for the weights of an alias."""
        return self._chances.random()

    def new_uuid(self) -> str:
        """A random UUID from the seed."""
        digits = f"{self._random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def revision_key(location: Mapping[str, Any]) -> str:
    """What makes two revisions the same: for content its sha256, for an object its place, version and ETag."""
    kind = location.get("revisionType")
    inner: Mapping[str, Any] = location.get(member_of(str(kind))) or {}
    if kind in ("AppSpecContent", "String"):
        digest = inner.get("sha256") or hashlib.sha256(str(inner.get("content", "")).encode()).hexdigest()
        return f"{kind} {digest}"
    plain = {name: str(value).strip('"') for name, value in inner.items()}
    return f"{kind} {json.dumps(plain, sort_keys=True)}"


def member_of(revision_type: str) -> str:
    """The member of RevisionLocation that belongs to a revisionType."""
    members = {"S3": "s3Location", "GitHub": "gitHubLocation", "String": "string", "AppSpecContent": "appSpecContent"}
    return members.get(revision_type, "s3Location")


def without_content(location: Json) -> Json:
    """The revision as GetDeployment shows it: the sha256, never the content (botocore's model says so)."""
    shown = dict(location)
    for member in ("appSpecContent", "string"):
        if member in shown:
            shown[member] = {key: value for key, value in shown[member].items() if key != "content"}
    return shown
