"""What CloudWatch has said of both versions, and what was made of it. AWS's times are epoch seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ....change import replace
from ....guards.judging import Judgment
from ....guards.queries import Answers, Question


@dataclass(frozen=True, kw_only=True)
class Measures:
    """`epoch`: AWS's time when the run's was 0. `hour` are the answers about the hour before the first shift."""

    epoch: float | None = None
    next_at: float | None = None  # when CloudWatch is asked next, once it was asked
    hour: Mapping[Question, Mapping[int, float]] = field(default_factory=dict)
    judgments: tuple[Judgment, ...] = ()
    judged_until: int = 0  # AWS's time: the end of the last minute that was told
    misses: int = 0
    given_up: bool = False  # it may not be read

    def read(self, epoch: float) -> Measures:
        """CloudWatch has answered; what it is asked next is asked at once."""
        return replace(self, epoch=epoch, misses=0)

    def baseline(self, answers: Answers) -> Measures:
        return replace(self, hour={**self.hour, **answers})

    def look(self, judgments: tuple[Judgment, ...], until: int) -> Measures:
        return replace(self, judgments=judgments, judged_until=until)

    def pause(self, until: float) -> Measures:
        return replace(self, next_at=until)

    def missed(self, until: float) -> Measures:
        return replace(self, next_at=until, misses=self.misses + 1)

    def give_up(self) -> Measures:
        return replace(self, given_up=True)
