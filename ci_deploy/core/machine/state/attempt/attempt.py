"""One attempt at a deployment: what begins anew when a rollout tries once more, or rolls back what it had deployed.

What outlives an attempt (the job, its place, a signal, its part in the release) is the rollout's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from ....change import replace
from .bake import Bake
from .code import NewCode
from .creation import Creation
from .decision import Decision
from .ending import Ending
from .measures import Measures
from .reading import Reading
from .repair import Repair
from .smoke import Smoke
from .wait import Wait
from .watch import Contact, Seen, Watch


class Purpose(StrEnum):
    GIVEN = "given"  # what the command says
    ONCE_MORE = "once more"  # the same, because CodeDeploy itself was throttled before any traffic moved
    REVERSAL = "undone"  # what had succeeded is rolled back to the previous version


Record: TypeAlias = (
    Reading | Decision | Wait | NewCode | Creation | Watch | Seen | Contact | Ending | Repair | Smoke | Measures | Bake
)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """Its fields are records."""

    marker_id: str
    purpose: Purpose = Purpose.GIVEN
    why: str = ""  # of a reversal
    until: float = 0.0  # a reversal that cannot be created is tried again until then
    reading: Reading = field(default_factory=Reading)
    decision: Decision = field(default_factory=Decision)
    wait: Wait = field(default_factory=Wait)
    code: NewCode = field(default_factory=NewCode)
    creation: Creation = field(default_factory=Creation)
    watch: Watch = field(default_factory=Watch)
    seen: Seen = field(default_factory=Seen)
    contact: Contact = field(default_factory=Contact)
    ending: Ending = field(default_factory=Ending)
    repair: Repair = field(default_factory=Repair)
    smoke: Smoke = field(default_factory=Smoke)
    measures: Measures = field(default_factory=Measures)
    bake: Bake = field(default_factory=Bake)

    @classmethod
    def first(cls, marker_id: str) -> Attempt:
        return cls(marker_id=marker_id)

    def put(self, record: Record) -> Attempt:
        changes: dict[str, Any] = {_FIELDS[type(record)]: record}
        return replace(self, **changes)

    @property
    def repeated(self) -> bool:
        return self.purpose is not Purpose.GIVEN

    def once_more(self) -> Attempt:
        return self._another(Purpose.ONCE_MORE)

    def reversal(self, why: str, until: float) -> Attempt:
        return replace(self._another(Purpose.REVERSAL), why=why, until=until)

    def _another(self, purpose: Purpose) -> Attempt:
        """Its marker is another one, and the same for whoever plays it again."""
        marker_id = hashlib.sha256(f"{self.marker_id} {purpose}".encode()).hexdigest()[:8]
        return Attempt(marker_id=marker_id, purpose=purpose, decision=self.decision.anew(), smoke=self.smoke)


_FIELDS: Mapping[type[Record], str] = {
    Reading: "reading",
    Decision: "decision",
    Wait: "wait",
    NewCode: "code",
    Creation: "creation",
    Watch: "watch",
    Seen: "seen",
    Contact: "contact",
    Ending: "ending",
    Repair: "repair",
    Smoke: "smoke",
    Measures: "measures",
    Bake: "bake",
}
