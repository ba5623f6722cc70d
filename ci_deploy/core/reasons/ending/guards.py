"""What guards and the bake come to: in preflight, on the way, and where they end a deployment.

`said` is a verdict with both versions' numbers, as `core/guards/texts` words it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Self

from ...aws import NotPermitted, Unavailable
from ...lazy import dataclass
from ..phrases import Shares, served, stop_it_yourself, unread
from ..reason import Reason

VIOLATED = "`errors < 1%` is violated: 14 of 52 calls of version 42 failed, 27%; version 41: 3 of 480, 0.6%."
PAST = "`errors < 1%` is violated: 14 of 52 calls of version 42 failed, 27%."
BURSTS = (
    "`errors < 1%` is inconclusive: more than the limit, but perhaps by chance. Failed calls come in bursts of about "
    "25 (in the hour before the deployment), and so few of them prove nothing."
)
BOTH = "`errors < 1%` is inconclusive: both versions are past the limit."
INCONCLUSIVE = "`errors < 1%` is inconclusive: No call reached version 42. This deployment was a timer, not a test."


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardViolated(Reason):
    """`runs_on`: `watch` may not stop the deployment; `unasked`: as `on-violation: rollback` is not set."""

    code: ClassVar = "guard-violated"
    means: ClassVar = (
        "The new version is past the limit of a guard, so it was rolled back. `watch` only reports it, unless "
        "`on-violation: rollback` is set."
    )
    also: ClassVar = (
        {"said": PAST, "runs_on": True, "unasked": True},
        {"said": PAST, "runs_on": True},
    )
    said: str
    version: str
    runs_on: bool = False
    unasked: bool = False

    @property
    def text(self) -> str:
        return self.said

    @property
    def remedy(self) -> str:
        if self.runs_on:
            return stop_it_yourself(unasked=self.unasked)
        return f"Find out what fails in version {self.version}, and deploy a fix."

    @classmethod
    def sample(cls) -> Self:
        return cls(said=VIOLATED, version="42")


class Lack(StrEnum):
    """What guards had too little of to prove anything."""

    METRICS = "metrics"
    BURSTS = "bursts"
    DIFFERENCE = "difference"  # between the new version and the old one
    CALLS = "calls"


_MISSING = {
    Lack.METRICS: "Allow `cloudwatch:GetMetricData`.",
    Lack.BURSTS: (
        "Check the new version's errors in the report. A longer canary or `bake` meets more bursts; after an incident, "
        "an hour's wait leaves it out of the comparison."
    ),
    Lack.DIFFERENCE: "Check what both versions depend on. If these are normal numbers, set a higher limit.",
    Lack.CALLS: "Give the new version more calls: a longer canary, a longer `bake`, or callers of your own.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardsInconclusive(Reason):
    """`rolls_back`: by `on-inconclusive`; `lack`: what was missing for a proof."""

    code: ClassVar = "guards-inconclusive"
    means: ClassVar = "The guards could prove nothing, for or against the new version."
    also: ClassVar = (
        {"rolls_back": True},
        {"lack": Lack.METRICS},
        {"said": BURSTS, "lack": Lack.BURSTS},
        {"said": BOTH, "lack": Lack.DIFFERENCE},
    )
    said: str
    rolls_back: bool
    lack: Lack = Lack.CALLS

    @property
    def text(self) -> str:
        return f"{self.said} It is rolled back (`on-inconclusive: rollback`)." if self.rolls_back else self.said

    @property
    def remedy(self) -> str:
        return _MISSING[self.lack]

    @classmethod
    def sample(cls) -> Self:
        return cls(said=INCONCLUSIVE, rolls_back=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmInBake(Reason):
    code: ClassVar = "bake-alarm"
    means: ClassVar = "An alarm of the deployment fired during the bake, so the new version was rolled back."
    alarm: str
    version: str
    why: str

    @property
    def text(self) -> str:
        why = f" ({self.why.rstrip('.')})" if self.why else ""
        return f"Alarm `{self.alarm}` fired while version {self.version} was baking{why}."

    @property
    def remedy(self) -> str:
        return f"Check what the alarm measures for version {self.version}, and deploy a fix."


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeCancelled(Reason):
    code: ClassVar = "bake-cancelled"
    means: ClassVar = "The job was cancelled during the bake, and `on-cancel: rollback` is set."

    @property
    def text(self) -> str:
        return "The job was cancelled during the bake."


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeTimedOut(Reason):
    code: ClassVar = "bake-timed-out"
    means: ClassVar = "The time limit passed before the bake was over."
    minutes: float

    @property
    def text(self) -> str:
        return f"The time limit of {self.minutes:g} minutes passed before the bake was over."

    @property
    def remedy(self) -> str:
        return "Set a longer `timeout`, or a shorter `bake`."


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeOvertaken(Reason):
    code: ClassVar = "bake-overtaken"
    means: ClassVar = "Another deployment or a change of the alias ended the bake."
    also: ClassVar = ({"other": ""},)
    version: str
    other: str  # the other deployment, where it is known
    serves: Shares

    @property
    def text(self) -> str:
        what = f"Deployment {self.other} began" if self.other else "Something else moved the alias"
        return (
            f"{what} while version {self.version} was baking, which ended the bake. The alias serves "
            f"{served(self.serves)}."
        )

    @property
    def remedy(self) -> str:
        return "Keep deployments of one function apart with a `concurrency` group."

    @classmethod
    def sample(cls) -> Self:
        return cls(version="42", other="d-A1B2C3D4E", serves=(("43", 100.0),))


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmsUnread(Reason):
    code: ClassVar = "bake-alarms-unread"
    means: ClassVar = "Alarms cannot be read during the bake."
    what: str

    @property
    def text(self) -> str:
        return f"The alarms are not watched during the bake: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsUnread(Reason):
    code: ClassVar = "guards-unread"
    means: ClassVar = "CloudWatch's metrics cannot be read, so guards see nothing."
    also: ClassVar = ({"fact": Unavailable("cloudwatch:GetMetricData: timed out")},)
    fact: NotPermitted | Unavailable

    @property
    def text(self) -> str:
        return f"Guards will be inconclusive: the metrics cannot be read ({unread(self.fact)})."

    @property
    def remedy(self) -> str:
        return "Allow `cloudwatch:GetMetricData`." if isinstance(self.fact, NotPermitted) else ""

    @classmethod
    def sample(cls) -> Self:
        return cls(fact=NotPermitted("cloudwatch:GetMetricData"))


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsNeeded(Reason):
    code: ClassVar = "guards-need-metrics"
    means: ClassVar = (
        "`on-inconclusive` is `rollback`, and the metrics may not be read: every deployment would roll back."
    )
    fact: NotPermitted

    @property
    def text(self) -> str:
        return f"`on-inconclusive: rollback` would always roll back: the metrics cannot be read ({unread(self.fact)})."

    @property
    def remedy(self) -> str:
        return "Allow `cloudwatch:GetMetricData`, or set `on-inconclusive: pass`."

    @classmethod
    def sample(cls) -> Self:
        return cls(fact=NotPermitted("cloudwatch:GetMetricData"))


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingToJudge(Reason):
    code: ClassVar = "guards-all-at-once"
    means: ClassVar = "All traffic moves at once, and no bake is long enough to judge the new version."

    @property
    def text(self) -> str:
        return "Guards cannot judge anything: all traffic moves at once, and metrics arrive two minutes later."

    @property
    def remedy(self) -> str:
        return "Set `bake: 10m` to watch the new version afterwards, or use a canary."


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeTooLong(Reason):
    code: ClassVar = "bake-cut"
    means: ClassVar = "The time limit is shorter than traffic shift and bake together."
    timeout: float
    limit: float

    @property
    def text(self) -> str:
        return (
            f"The time limit of {self.timeout / 60:g} minutes is shorter than traffic shift and bake together "
            f"({self.limit / 60:g} minutes)."
        )

    @property
    def remedy(self) -> str:
        return "Set a longer `timeout`, or leave it out."


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack(Reason):
    """`back`: the previous version serves again."""

    code: ClassVar = "taken-back"
    means: ClassVar = "The deployment had succeeded when its version was found bad, and was reversed by another one."
    also: ClassVar = ({"back": False},)
    back: bool

    @property
    def text(self) -> str:
        return "It had succeeded and was " + ("rolled back." if self.back else "to be rolled back.")

    @classmethod
    def sample(cls) -> Self:
        return cls(back=True)
