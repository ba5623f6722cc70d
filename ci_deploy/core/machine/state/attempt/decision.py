"""What was read, and what is to be done: the plan, from its decision to the end."""

from __future__ import annotations

from dataclasses import dataclass

from ....change import replace
from ....plan.planning import Existing, Facts, Plan, ToPublish


@dataclass(frozen=True, kw_only=True)
class Decision:
    facts: Facts | None = None
    plan: Plan | None = None
    held: bool = False  # this run has set or released the hold
    proposed: str = ""  # the version that a person at the terminal is asked about
    agreed: str = ""  # the version that this person wants to go back to
    why: str = ""  # in this person's words, if they gave any
    shown: Plan | None = None  # what that person was shown

    def gathered(self, facts: Facts) -> Decision:
        return replace(self, facts=facts)

    def decide(self, plan: Plan) -> Decision:
        return replace(self, plan=plan)

    def propose(self, version: str) -> Decision:
        return replace(self, proposed=version, shown=self.plan)

    def agree(self, why: str) -> Decision:
        return replace(self, agreed=self.proposed, why=why)

    def guard(self, target: ToPublish) -> Decision:
        """What is published is what was seen in `$LATEST`, and nothing that somebody put there since."""
        return replace(self, plan=replace(self._plan, target=target))

    def complete(self, target_version: str, current_version: str) -> Decision:
        """The versions of a deployment that had no target yet when it was planned with."""
        target = Existing(version=target_version)
        return replace(self, plan=replace(self._plan, target=target, current_version=current_version))

    def keep_alarms(self) -> Decision:
        """They may not be silenced."""
        return replace(self, plan=replace(self._plan, override_alarms=None))

    def hold_done(self) -> Decision:
        return replace(self, held=True)

    def anew(self) -> Decision:
        """What a new attempt begins with: facts are read again where they matter, and the hold is as it is."""
        return replace(self, plan=None)

    @property
    def _plan(self) -> Plan:
        assert self.plan is not None, "nothing is decided yet"
        return self.plan
