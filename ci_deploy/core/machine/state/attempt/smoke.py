"""The smoke cases that the new version has answered."""

from __future__ import annotations

from dataclasses import dataclass

from ....change import replace


@dataclass(frozen=True, kw_only=True)
class Smoke:
    """`until` is when the run's time limit ends; what the cases took counts into it."""

    done: int = 0  # cases that have passed
    began: float | None = None
    took: float = 0.0
    passed: str = ""  # the version that has passed all of them: whatever comes after, it is not invoked again

    def begin(self, now: float) -> Smoke:
        return replace(self, done=0, began=now)

    def answered(self) -> Smoke:
        return replace(self, done=self.done + 1)

    def passes(self, version: str, now: float) -> Smoke:
        took = now - (self.began or 0.0)
        return replace(self, passed=version, began=None, took=self.took + took)
