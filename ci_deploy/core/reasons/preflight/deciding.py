"""What a command makes of the facts: what another run, another deployment or the history means for this one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar, Self

from ...lazy import dataclass
from ..commands import Where
from ..reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryCut(Reason):
    code: ClassVar = "history-cut"
    means: ClassVar = "The deployment group has more deployments than are read."
    of: str
    count: int

    @property
    def text(self) -> str:
        return (
            f"Only the latest {self.count} deployments of the group were read. Older ones of {self.of} are not known."
        )

    @property
    def remedy(self) -> str:
        return "Set `version` to go back further. A deployment group for each function keeps histories short."


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingWritten(Reason):
    code: ClassVar = "nothing-written"
    means: ClassVar = "The command only reads."

    @property
    def text(self) -> str:
        return "Nothing was written."


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedAlready(Reason):
    """`where`: of a rollback, which has nowhere to go then."""

    code: ClassVar = "served-already"
    means: ClassVar = "The alias serves the version asked for."
    also: ClassVar = ({"where": None},)
    version: str
    where: Where | None = None

    @property
    def text(self) -> str:
        return f"The alias serves version {self.version} already."

    @property
    def remedy(self) -> str:
        return f"`{self.where.status()}` shows what was live when." if self.where else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SameContent(Reason):
    """`holds` has the new code: `$LATEST`, a package, an S3 object or an image."""

    code: ClassVar = "same-content"
    means: ClassVar = "The live version has the code and settings that would be deployed."
    version: str
    holds: str

    @property
    def text(self) -> str:
        return f"Version {self.version}, which the alias serves, has the same code and settings as {self.holds}."


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRunning(Reason):
    code: ClassVar = "running"
    means: ClassVar = "Another deployment is running in the group, seen by `plan`."
    also: ClassVar = ({"policy": "fail"}, {"policy": "supersede"})
    deployment: str
    policy: str

    @property
    def text(self) -> str:
        what = {"wait": "wait for it", "fail": "refuse", "supersede": "stop it with rollback first"}[self.policy]
        return (
            f"Deployment {self.deployment} is running in the group. `deploy` would {what} "
            f"(`on-conflict: {self.policy}`)."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OlderRun(Reason):
    """`deployment` is the newer run's; it has none where it rolled back by stopping what ran."""

    code: ClassVar = "older-run"
    means: ClassVar = "A newer run has deployed or rolled back this function; an older commit would overwrite it."
    also: ClassVar = ({"back": True}, {"deployment": "", "back": True})
    of: str
    run: int
    newer: int
    commit: str = ""
    deployment: str = ""
    back: bool = False

    @property
    def text(self) -> str:
        what = "rolled back" if self.back else "deployed"
        if not self.deployment:
            did = f"({self.newer}) has {what} {self.of} by stopping what ran"
        else:
            did = f"({self.newer}, commit {self.commit or 'unknown'}) has {what} {self.of} by {self.deployment}"
        return f"A newer run {did}. This is run {self.run}."

    @property
    def remedy(self) -> str:
        return "Run the newest workflow run again, or set `force: true` to deploy the older commit."


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBackAlready(Reason):
    code: ClassVar = "rolled-back-already"
    means: ClassVar = "An earlier attempt of this workflow run has rolled back."
    deployment: str

    @property
    def text(self) -> str:
        return f"This run has rolled back already, by {self.deployment}."


# --- where a rollback goes -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack(Reason):
    """Where a rollback goes: to the version before the live one, unless `deployment` or a person says otherwise.

    `commit` it was deployed from; `since` and `until` it was live, in epoch seconds; empty and 0 where not known, or
    where nothing is known to have replaced it. `replacing`: `deployment` is running, and is what goes back.
    """

    code: ClassVar = "way-back"
    means: ClassVar = "The version that a rollback goes to, and why that one."
    also: ClassVar = (
        {"commit": ""},
        {"since": 0.0},
        {"since": 0.0, "until": 0.0},
        {"kind": "", "live": ""},
        {"kind": "", "live": "", "deployment": "", "since": 0.0, "until": 0.0},
        {"split": True, "until": 0.0},
        {"replacing": True, "until": 0.0},
    )
    version: str
    deployment: str = ""
    kind: str = ""  # of the deployment that brought the live version
    live: str = ""
    split: bool = False
    replacing: bool = False
    commit: str = ""
    since: float = 0.0
    until: float = 0.0

    @property
    def text(self) -> str:
        if not self._stay:
            return f"Going back to {self._why}."
        what = f"Version {self.version}" + (f" (commit {self.commit[:7]})" if self.commit else "")
        return f"Going back to {self._why}. {what} {self._stay}."

    @property
    def _stay(self) -> str:
        if self.since and self.until:
            return f"was live from {_minute(self.since)} to {_minute(self.until)} UTC"
        if self.since:
            return f"went live on {_minute(self.since)} UTC"
        return f"was live until {_minute(self.until)} UTC" if self.until else ""

    @property
    def _why(self) -> str:
        if self.replacing:
            return f"version {self.version}, which {self.deployment} is replacing"
        if self.split:
            return f"version {self.version}, the alias's primary version"
        if self.live:
            return f"version {self.version}, the one before version {self.live} ({self.deployment}, {self.kind})"
        return f"version {self.version}, " + (
            f"which {self.deployment} had deployed" if self.deployment else "as asked"
        )


def _minute(epoch: float) -> str:
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingDeployed(Reason):
    code: ClassVar = "nothing-to-go-back-to"
    means: ClassVar = "No deployment of the function and alias has succeeded in this deployment group."
    where: Where

    @property
    def text(self) -> str:
        return "No deployment of this function and alias has succeeded in this group: there is nothing to go back to."

    @property
    def remedy(self) -> str:
        return f"Set `version` and `force: true`. `{self.where.list_versions()}` lists the versions."


@dataclass(frozen=True, slots=True, kw_only=True)
class OldestServed(Reason):
    code: ClassVar = "oldest-served"
    means: ClassVar = "The live version is the oldest that the deployment group has served."
    live: str
    where: Where

    @property
    def text(self) -> str:
        return f"Nothing to roll back to: version {self.live} is the oldest that this group has served."

    @property
    def remedy(self) -> str:
        return f"Set `version` and `force: true`. `{self.where.list_versions()}` lists the versions."


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedByHand(Reason):
    """`versions`: some that were deployed before."""

    code: ClassVar = "moved-by-hand"
    means: ClassVar = "The alias serves another version than the last successful deployment left."
    live: str
    expected: str
    versions: tuple[str, ...]
    where: Where

    @property
    def text(self) -> str:
        return (
            f"The alias serves version {self.live}, but the last successful deployment left version {self.expected}. "
            "Someone moved the alias manually, so the version to go back to is not clear."
        )

    @property
    def remedy(self) -> str:
        versions = ", ".join(self.versions)
        return f"Choose a version that was deployed ({versions}): `{self.where.rollback(self.expected)}`."


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverDeployed(Reason):
    code: ClassVar = "never-deployed"
    means: ClassVar = "The deployment group has never deployed the version to go back to."
    version: str
    of: str

    @property
    def text(self) -> str:
        return f"This group has never deployed version {self.version} to {self.of}."

    @property
    def remedy(self) -> str:
        return "Check the number. `force: true` deploys it anyway."


# --- whose a deployment is -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NotOurs(Reason):
    code: ClassVar = "not-ours"
    means: ClassVar = "The deployment named is not one of this function and alias in this deployment group."
    deployment: str
    of: str
    where: Where

    @property
    def text(self) -> str:
        return f"Deployment {self.deployment} is not one of {self.of} in this group."

    @property
    def remedy(self) -> str:
        return f"`{self.where.status()}` lists this group's deployments."


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerUnknown(Reason):
    """It may be ours: whoever asks for help can name it."""

    code: ClassVar = "owner-unknown"
    means: ClassVar = "A running deployment cannot be read well enough to tell whose it is."
    deployment: str
    of: str
    where: Where
    why: str

    @property
    def text(self) -> str:
        return (
            f"Deployment {self.deployment} is running in the group. Whether it is one of {self.of} cannot be read "
            f"({self.why})."
        )

    @property
    def remedy(self) -> str:
        return f"If it is, stop it by its ID: `{self.where.stop(self.deployment)}`."


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingRuns(Reason):
    code: ClassVar = "nothing-runs"
    means: ClassVar = "No deployment is running that could be stopped."
    of: str

    @property
    def text(self) -> str:
        return f"Nothing to stop: no deployment of {self.of} is running."


@dataclass(frozen=True, slots=True, kw_only=True)
class OverAlready(Reason):
    code: ClassVar = "over-already"
    means: ClassVar = "The deployment to stop is over."
    deployment: str
    status: str

    @property
    def text(self) -> str:
        return f"Deployment {self.deployment} is over already: {self.status}."


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingCreated(Reason):
    code: ClassVar = "nothing-created"
    means: ClassVar = "The main step ended before it created a deployment, as far as the post step can find out."

    @property
    def text(self) -> str:
        return "The main step ended before a deployment was created; none was found."


@dataclass(frozen=True, slots=True, kw_only=True)
class OthersLeftAlone(Reason):
    code: ClassVar = "others-left-alone"
    means: ClassVar = "The post step found a deployment of another function, and left it alone."
    deployment: str
    of: str

    @property
    def text(self) -> str:
        return f"Deployment {self.deployment} is not one of {self.of}: it was left alone."


# --- another deployment of the group is in the way -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupied(Reason):
    """`other` is whose it is, `function:alias`; empty: ours, or not known."""

    deployment: str
    group: str
    other: str = ""
    rollback: bool = False

    @property
    def what(self) -> str:
        return f"Deployment {self.deployment} is running in group `{self.group}`{self.whose}"

    @property
    def whose(self) -> str:
        of = f" for {self.other}" if self.other else ""
        return of + (" (a rollback)" if self.rollback else "")

    @classmethod
    def sample(cls) -> Self:
        return cls(deployment="d-A1B2C3D4E", group="checkout")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupBusy(Occupied):
    code: ClassVar = "group-busy"
    means: ClassVar = "Another deployment is running in the group, and `on-conflict` is `fail`."

    @property
    def text(self) -> str:
        return f"{self.what}, and `on-conflict` is `fail`."

    @property
    def remedy(self) -> str:
        return "Run again when it is over, or set `on-conflict: wait`."

    @classmethod
    def sample(cls) -> GroupBusy:
        return cls(deployment="d-A1B2C3D4E", group="checkout", other="search:live", rollback=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupBusyTooLong(Occupied):
    code: ClassVar = "group-busy-too-long"
    means: ClassVar = "Another deployment kept running in the group for all of the time to wait."

    @property
    def text(self) -> str:
        return f"{self.what}, and is still running after the time to wait for it."

    @property
    def remedy(self) -> str:
        return "Check that deployment. A longer `timeout` waits longer."


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingForGroup(Occupied):
    """The text continues "Waiting for"."""

    code: ClassVar = "waiting-for-group"
    means: ClassVar = "Another deployment is running in the group; ci-deploy waits for its end."

    @property
    def text(self) -> str:
        return f"deployment {self.deployment} in group `{self.group}`{self.whose}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingForAccount(Reason):
    """The text continues "Waiting for"."""

    code: ClassVar = "waiting-for-account"
    means: ClassVar = (
        "CodeDeploy refuses another deployment although none is running in the group; ci-deploy waits until the "
        "account has fewer."
    )
    group: str

    @property
    def text(self) -> str:
        return (
            f"fewer deployments in the account: CodeDeploy refuses one in group `{self.group}`, where none is running"
        )

    @property
    def remedy(self) -> str:
        return "Ask for a larger quota `Concurrent deployments per account` of CodeDeploy in Service Quotas."

    @classmethod
    def sample(cls) -> Self:
        return cls(group="checkout")
