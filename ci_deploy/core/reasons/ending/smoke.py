"""What smoke cases come to: in preflight, and where the new version does not answer as it should."""

from __future__ import annotations

from typing import ClassVar, Self

from ...lazy import dataclass
from ..reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeCases(Reason):
    code: ClassVar = "smoke"
    means: ClassVar = "The new version is invoked with the smoke cases before any traffic shifts."
    cases: str

    @property
    def text(self) -> str:
        return f"The new version is invoked before any traffic shifts: {self.cases}. Side effects are real."

    @classmethod
    def sample(cls) -> Self:
        return cls(cases="`health`, `order`")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeDurable(Reason):
    code: ClassVar = "smoke-durable"
    means: ClassVar = "The function is a durable one, and a smoke case does not allow that."
    function: str
    cases: str

    @property
    def text(self) -> str:
        return (
            f"`{self.function}` is a durable function, and smoke case {self.cases} does not allow that. A durable "
            "execution may continue after the case."
        )

    @property
    def remedy(self) -> str:
        return "Set `durable: true` in the case if such an execution may be left behind, or leave the case out."

    @classmethod
    def sample(cls) -> Self:
        return cls(function="checkout", cases="`health`")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeTenantMissing(Reason):
    code: ClassVar = "smoke-tenant-missing"
    means: ClassVar = "The function isolates its tenants, and a smoke case names none."
    function: str
    cases: str

    @property
    def text(self) -> str:
        return f"`{self.function}` isolates its tenants, and smoke case {self.cases} names none."

    @property
    def remedy(self) -> str:
        return "Set `tenant` in the case."

    @classmethod
    def sample(cls) -> Self:
        return cls(function="checkout", cases="`health`")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeTenantUnused(Reason):
    code: ClassVar = "smoke-tenant-unused"
    means: ClassVar = "A smoke case names a tenant, but the function does not isolate tenants."
    function: str
    cases: str

    @property
    def text(self) -> str:
        return f"Smoke case {self.cases} names a tenant, but `{self.function}` does not isolate tenants."

    @property
    def remedy(self) -> str:
        return "Leave `tenant` out."

    @classmethod
    def sample(cls) -> Self:
        return cls(function="checkout", cases="`health`")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeFailed(Reason):
    """`wrong`: what is wrong with the answer, as the end of a sentence."""

    code: ClassVar = "smoke-failed"
    means: ClassVar = "The new version did not answer a smoke case as it should; it got no traffic."
    case: str
    wrong: str
    version: str

    @property
    def text(self) -> str:
        return (
            f"Smoke case `{self.case}` {self.wrong}. Version {self.version} got no traffic, and no deployment was "
            "created."
        )

    @property
    def remedy(self) -> str:
        return "Fix the version, then deploy again."

    @classmethod
    def sample(cls) -> Self:
        return cls(case="health", wrong="got an unexpected answer: `statusCode` is not `200`", version="42")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeTimedOut(Reason):
    code: ClassVar = "smoke-timed-out"
    means: ClassVar = "The time limit passed while the new version answered smoke cases; it got no traffic."
    minutes: float
    version: str

    @property
    def text(self) -> str:
        return (
            f"The time limit of {self.minutes:g} minutes has passed while version {self.version} answered smoke "
            "cases. Nothing was deployed."
        )

    @property
    def remedy(self) -> str:
        return "Check how long the cases take, or set a longer `timeout`."

    @classmethod
    def sample(cls) -> Self:
        return cls(minutes=15.0, version="42")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeNotRun(Reason):
    code: ClassVar = "smoke-not-run"
    means: ClassVar = "A smoke case could not be invoked; nothing was deployed."
    case: str

    @property
    def text(self) -> str:
        return f"Smoke case `{self.case}` could not be run, and nothing was deployed."

    @classmethod
    def sample(cls) -> Self:
        return cls(case="health")
