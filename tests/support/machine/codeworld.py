"""The small AWS with a `$LATEST` that has code, settings and a RevisionId, and that others change too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ci_deploy.core.aws import Alias, FunctionVersion, S3Location
from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.given.package.packaging import Code, Package, StoredPackage, sha256_of
from ci_deploy.core.given.source import Image
from ci_deploy.core.machine import actions as a
from ci_deploy.core.plan.planning import Facts

from .world import World

OURS = "b3VycyBvdXJzIG91cnMgb3VycyBvdXJzIG91cnMgISE="
PACKAGE = Package(path="build", sha256=OURS, size=1000, unzipped=3000, files=3)


@dataclass(kw_only=True)
class CodeWorld(World):
    """`others`: what somebody else does to the function, when: `code` or `settings`."""

    code: Code | None = PACKAGE
    settings: dict[str, str] = field(default_factory=lambda: {"MemorySize": "128"})
    version_settings: dict[str, dict[str, str]] = field(default_factory=lambda: {"1": {"MemorySize": "128"}})
    revision: int = 1
    busy_until: float = -1.0
    update_takes: float = 0.0
    activation_takes: float = 0.0
    update_fails: bool = False
    failed: bool = False
    image_uri: str = ""
    alias_exists: bool = True
    others: list[tuple[float, str]] = field(default_factory=list)
    active_at: dict[str, float] = field(default_factory=dict)
    updates: list[tuple[float, str, str]] = field(default_factory=list)  # effective ones: when, whose, revision sent
    publishings: list[tuple[float, str]] = field(default_factory=list)

    def _next(self) -> tuple[float, Callable[..., None], tuple[Any, ...]] | None:
        found = super()._next()
        if self.others and (found is None or self.others[0][0] < found[0]):
            return self.others[0][0], self._by_others, ()
        return found

    def _by_others(self) -> None:
        _, kind = self.others.pop(0)
        if kind == "code":
            self.latest_sha = f"theirs-{self.revision}"
            self.updates.append((self.now, "theirs", ""))
        else:
            self.settings = {**self.settings, "MemorySize": str(256 + self.revision)}
        self._touch()

    def _touch(self) -> None:
        self.revision += 1
        self.busy_until = self.now + self.update_takes

    @property
    def busy(self) -> bool:
        return self.now < self.busy_until

    def latest(self) -> FunctionVersion:
        status = "InProgress" if self.busy else "Failed" if self.failed else "Successful"
        return FunctionVersion(
            function=self.function,
            version="$LATEST",
            code_sha256=self.latest_sha,
            revision_id=f"r{self.revision}{'-busy' if self.busy else ''}",
            configuration=self.settings,
            last_update_status=status,
            image_uri=self.image_uri,
            package_type="Image" if isinstance(self.code, Image) else "Zip",
        )

    def version(self, number: str | None) -> FunctionVersion | None:
        found = super().version(number)
        if found is None:
            return None
        pending = self.now < self.active_at.get(found.version, 0.0)
        settings = self.version_settings[found.version]
        return replace(found, configuration=settings, state="Pending" if pending else "Active")

    def facts(self, action: a.Gather) -> Facts:
        made = super().facts(action)
        alias = made.alias if self.alias_exists else None
        return replace(
            made,
            latest=self.latest(),
            alias=alias,
            current=made.current if alias else None,
            code=self.code,
        )

    def perform(self, action: a.Action) -> a.Answer:
        match action:
            case a.StoreCode():
                place = S3Location(bucket=action.bucket, key=action.path, version="v1", bundle_type="zip")
                return StoredPackage(location=place, sha256=action.package.sha256, size=action.package.size)
            case a.UpdateCode():
                return self.update(action)
            case a.LookVersion(version="$LATEST"):
                return self.latest()
            case a.Publish():
                return self.publish_guarded(action)
            case a.CreateAlias():
                return self.create_alias(action)
            case a.LookAlias() if not self.alias_exists:
                return None
        return super().perform(action)

    def update(self, action: a.UpdateCode) -> FunctionVersion:
        self._refuse_busy()
        if action.revision_id != self.latest().revision_id:
            raise self._error(ErrorKind.CONFLICT, "PreconditionFailedException")
        self.latest_sha = sha256_of(action.code) or OURS
        self.image_uri = action.code.uri if isinstance(action.code, Image) else ""
        self.failed = self.update_fails
        self._touch()
        self.updates.append((self.now, "ours", action.revision_id))
        return self.latest()

    def publish_guarded(self, action: a.Publish) -> FunctionVersion:
        self._refuse_busy()
        target = action.plan.target
        if target.code_sha256 != self.latest_sha:  # type: ignore[union-attr]
            raise self._error(ErrorKind.REJECTED, "InvalidParameterValueException", "CodeSHA256 is different")
        if target.revision_id != self.latest().revision_id:  # type: ignore[union-attr]
            raise self._error(ErrorKind.CONFLICT, "PreconditionFailedException")
        newest = max(self.versions, key=int)
        if (self.versions[newest], self.version_settings[newest]) != (self.latest_sha, self.settings):
            newest = str(int(newest) + 1)
            self.versions[newest] = self.latest_sha
            self.version_settings[newest] = self.settings
            self.active_at[newest] = self.now + self.activation_takes
        self.publishings.append((self.now, newest))
        found = self.version(newest)
        assert found is not None
        return found

    def create_alias(self, action: a.CreateAlias) -> Alias:
        if self.alias_exists:
            raise self._error(ErrorKind.CONFLICT, "ResourceConflictException")
        self.alias_exists = True
        self.set_alias(action.version, {})
        return self.alias()

    def _refuse_busy(self) -> None:
        if self.busy:
            raise self._error(ErrorKind.CONFLICT, "ResourceConflictException", "An update is in progress")

    def _error(self, kind: ErrorKind, code: str, message: str = "") -> AwsError:
        return AwsError(kind, operation="lambda:Test", code=code, message=message)
