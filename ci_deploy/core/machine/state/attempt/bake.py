"""Keeping watch after all traffic has moved, when CodeDeploy no longer does."""

from __future__ import annotations

from dataclasses import dataclass

from ....change import replace
from ....reasons.reason import Reason
from ....run import Outcome


@dataclass(frozen=True, kw_only=True)
class Bake:
    """`over`: what is served then is read for the verdict."""

    over: bool = False
    began: float = 0.0
    alarms_at: float = 0.0  # when alarms are read next
    alias_at: float = 0.0  # and the alias
    unread: bool = False  # alarms may not be read
    cut: bool = False  # the time limit came first
    blamed: tuple[Reason, ...] = ()  # what the version is to be rolled back for
    outcome: Outcome = Outcome.ROLLED_BACK  # and what that is called once it is done

    def begin(self, now: float) -> Bake:
        return replace(self, began=now, alarms_at=now, alias_at=now + LOOK_EVERY)

    def looked_at_alarms(self, again: float) -> Bake:
        return replace(self, alarms_at=again)

    def looked_at_alias(self, again: float) -> Bake:
        return replace(self, alias_at=again)

    def no_alarms(self) -> Bake:
        return replace(self, unread=True)

    def blame(self, *why: Reason, outcome: Outcome = Outcome.ROLLED_BACK) -> Bake:
        return replace(self, blamed=why, outcome=outcome)

    def report(self, *why: Reason) -> Bake:
        """The version is bad, and stays."""
        return replace(self, over=True, blamed=why)

    def end(self) -> Bake:
        return replace(self, over=True)

    def cut_short(self) -> Bake:
        return replace(self, over=True, cut=True)


LOOK_EVERY = 30.0  # seconds between readings of alias and alarms
