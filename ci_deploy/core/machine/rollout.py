"""One function's way from inputs to verdict: the state that `release.step` carries, and the turn that changes it.

The stages are in `preparing` (until the deployment exists), `following` (until it is over) and `verdict` (until the
truth is known). Each stage is level-triggered: looking at the state alone it decides what to ask for next, so an
answer that comes late, twice or never does no harm. Pure; times are seconds since the run began.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from .. import links
from ..aws import Alias, Deployment, Revision, shares_text
from ..errors import AwsError, CiDeployError, ErrorKind
from ..given.inputs import Inputs
from ..given.packaging import StoredPackage
from ..marker import Marker
from ..plan.planning import Facts, Plan
from ..result import Diagnosis, Finding, Result, Severity
from ..run import Command, Context, Outcome, Rollback
from ..story import events as e
from .actions import Action
from .state.place import Place, Stage

REVERSE_AGAIN_AFTER = 15.0  # seconds before a reversal that could not be created is tried again
FRESH = 60.0  # seconds after which a reading of the alias is not what it serves now


class Cause(StrEnum):
    """Why we end a deployment that CodeDeploy would have gone on with."""

    NONE = ""
    CANCELLED = "cancelled"
    TIMED_OUT = "timed-out"
    HOOK_TIMEOUT = "hook-timeout"
    ASKED = "asked"  # the commands stop and rollback
    NOT_AS_PLANNED = "not-as-planned"  # it shifts something else than the plan says
    RELEASE = "release"  # another function of the release failed, and all are rolled back


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """The state of one function.

    Without slots, so that `but` can be as fast as histories explored by the hundred thousand need it.
    """

    inputs: Inputs
    context: Context
    marker_id: str
    logical_name: str = ""  # of the resource in the user's own AppSpec
    subject: str = ""  # the deployment that the run is about, where one is named
    search: bool = False  # the post step knows only the marker: look for the deployment
    known_previous: str = ""  # what the main step had planned, for the post step
    known_target: str = ""
    place: Place = field(default_factory=Place)
    began: float = 0.0
    rounds: int = 0  # how often facts were gathered anew because of a conflict

    facts: Facts | None = None
    plan: Plan | None = None
    alias: Alias | None = None  # the latest reading
    alias_at: float = 0.0

    wave: int = 0
    cleared: bool = True  # it may write; False while the functions of a release are being planned
    stale: bool = False  # planned while another deployment ran: read again before beginning
    siblings: frozenset[str] = frozenset()  # the markers of the whole release
    undone: Result | None = None  # this reverses a deployment of the release that had succeeded with this result
    undone_until: float = 0.0  # until when a reversal that could not be created is tried again
    unmade: str = ""  # why the reversal could not be created

    held: bool = False  # this run has set or released the hold

    waiting_for: str = ""
    waiting_until: float | None = None
    waited: bool = False
    superseded: frozenset[str] = frozenset()

    stored: StoredPackage | None = None  # where the package was put
    settlings: int = 0
    disturbed: bool = False  # the update that is waited for began after our plan
    repeats: int = 0  # writes of code or version that had no effect, though nobody changed anything
    update_lost: bool = False  # whether UpdateFunctionCode had an effect is not known
    alias_created: bool = False  # it was asked for, and may be there

    appspec: str = ""
    appspec_sha256: str = ""
    revision: Revision | None = None
    marker: Marker | None = None
    creations: int = 0  # CreateDeployment calls made
    doubtful: bool = False  # one of them may have had an effect that we do not know of

    deployment_id: str = ""
    deployment: Deployment | None = None
    attached: bool = False
    started_at: float = 0.0
    deadline: float | None = None
    share: float = 0.0  # percent on the target version
    shift_began: float | None = None
    stage_event: str = ""  # the lifecycle event in progress
    stage_event_at: float = 0.0
    looks: int = 0
    targets_at: float = -1e9  # when targets were last looked at
    seen_at: float = 0.0  # last time that a look succeeded
    failures: int = 0  # looks that failed in a row
    hook_warned: str = ""

    once_more: bool = False  # the first deployment failed by throttling, before any traffic moved
    rollback_id: str = ""
    rollback: Deployment | None = None

    cause: Cause = Cause.NONE
    stop_sent: bool = False
    stop_asked_at: float = 0.0
    stop_accepted: bool = False
    stop_pending: bool = False  # CodeDeploy said Pending: ask again until it says Succeeded
    stop_rollback: bool = False
    stop_refused: str = ""
    cancelled_at: float | None = None
    cancel_until: float | None = None
    second: float = 1.0

    diagnosis: Diagnosis | None = None
    repairing: bool = False  # the alias is put on one version before anything else
    restored: bool = False
    strayed: bool = False  # the alias was read elsewhere than at the previous version, after the end
    restore_problem: str = ""
    result: Result | None = None

    def but(self, changes: dict[str, Any]) -> Rollout:
        """The same state with some fields changed: what `dataclasses.replace` does, many times faster."""
        made = object.__new__(Rollout)
        made.__dict__.update(self.__dict__)
        made.__dict__.update(changes)
        if len(made.__dict__) != len(self.__dict__):
            raise TypeError(f"a Rollout has no {', '.join(sorted(set(changes) - set(self.__dict__)))}")
        return made

    def afresh(self, seed: str) -> dict[str, Any]:
        """The fields of a rollout that begins anew for the same function, with a marker of its own."""
        marker_id = hashlib.sha256(seed.encode()).hexdigest()[:8]
        made = Rollout(
            inputs=self.inputs,
            context=self.context,
            marker_id=marker_id,
            logical_name=self.logical_name,
            siblings=self.siblings | {marker_id} if self.siblings else self.siblings,
            began=self.began,
            facts=self.facts,
            second=self.second,
            wave=self.wave,
            cancelled_at=self.cancelled_at,
            place=self.place.anew(),
        )
        return dict(made.__dict__)

    def put(self, record: Place) -> Rollout:
        return self.but({"place": record})

    @property
    def stage(self) -> Stage:
        return self.place.stage

    @property
    def command(self) -> Command:
        return Command(self.inputs.command)

    @property
    def function(self) -> str:
        return self.inputs.function or ""

    @property
    def key(self) -> str:
        return f"{self.function}:{self.inputs.alias}"

    @property
    def planned(self) -> Plan:
        """The plan, where there must be one: a deployment that is followed has one behind it."""
        assert self.plan is not None, f"{self.stage} without a plan"
        return self.plan

    @property
    def previous_version(self) -> str:
        """What the alias must serve again after a rollback."""
        return self.plan.current_version if self.plan else ""

    @property
    def target_version(self) -> str:
        return self.plan.target_version if self.plan else ""

    @property
    def quotes_logs(self) -> bool:
        """Whether raw hook logs may be quoted: only in repositories known to be private unless asked for."""
        return self.inputs.hook_logs == "on" or (self.inputs.hook_logs == "auto" and not self.context.public)

    @property
    def cancelled(self) -> bool:
        return self.cancelled_at is not None


@dataclass(slots=True)
class Turn:
    """One step under way: the state so far and what it asked for and said. Nothing outside sees it."""

    r: Rollout
    now: float
    actions: list[Action] = field(default_factory=list)
    events: list[e.Event] = field(default_factory=list)
    slack: float = 0.0  # how much earlier than planned something may be done, to do it together with others

    def set(self, **changes: Any) -> None:
        self.r = self.r.but(changes)

    def put(self, record: Place) -> None:
        """A record of the state as one of its own transitions has made it."""
        self.r = self.r.put(record)

    def to(self, stage: Stage, *, after: float = 0.0) -> None:
        """Enter a stage; it acts `after` seconds from now."""
        self.put(self.r.place.to(stage, self.now, after))

    def ask(self, action: Action) -> None:
        self.actions.append(action)
        self.put(self.r.place.asked(type(action).__name__))

    def asked(self, kind: type) -> bool:
        return kind.__name__ in self.r.place.busy

    def due(self, *, together: bool = False) -> bool:
        """Whether it is time for what the stage does next; `together`: or nearly, and others do the same now.

        Nearly is measured by how long the pause was: the close looks of one are no reason for more looks of all.
        """
        r = self.r
        slack = min(self.slack, (r.place.again_at - r.seen_at) / 5) if together else 0.0
        return self.now + slack >= r.place.again_at

    def say(self, event: e.Event) -> None:
        self.events.append(event)
        self.put(self.r.place.told(self.now))

    def warn(self, code: str, text: str, remedy: str = "") -> None:
        self.say(
            e.Noticed(
                at=self.now,
                key=self.r.key,
                finding=Finding(severity=Severity.WARNING, code=code, text=text, remedy=remedy),
            )
        )

    def url(self, deployment_id: str) -> str:
        identity = self.r.facts.identity if self.r.facts else None
        return links.deployment(identity.partition, identity.region, deployment_id) if identity else ""

    def retry(self, base: float = 1.0, most: float = 30.0) -> None:
        """Act again after a pause that doubles with each failure in a row, jittered."""
        pause = min(most, base * 2.0**self.r.place.tries)
        self.put(self.r.place.retry(self.now + jittered(pause, self.r.marker_id, self.r.place.tries)))

    def end(
        self,
        outcome: Outcome,
        *,
        reason: str = "",
        remedy: str = "",
        rollback: Rollback = Rollback.NONE,
        deployed: bool = False,
        settled: bool = True,
    ) -> None:
        """The verdict for this function; what the alias serves is told from its latest reading."""
        r = self.r
        alias = r.alias if self.now - r.alias_at < FRESH else None
        shares = alias.shares if alias else {}
        previous, target = r.previous_version, r.target_version
        if r.command is Command.ROLLBACK and r.cause is Cause.ASKED:
            # Rolled back by stopping what ran: where that came from is what this run was to reach.
            previous, target = target, previous
        result = Result(
            function=r.function,
            alias=r.inputs.alias,
            outcome=outcome,
            deployment_id=r.deployment_id,
            rollback_deployment_id=r.rollback_id,
            previous_version=previous,
            target_version=target,
            live_version=alias.version if alias else "",
            live_weights=shares_text(shares) if alias and alias.split else "",
            deployed=deployed,
            rollback=rollback,
            console_url=self.url(r.deployment_id),
            appspec_sha256=r.appspec_sha256,
            appspec_location=str(r.revision) if r.revision else "",
            duration_seconds=round(self.now - r.began, 1),
            reason=reason,
            remedy=remedy,
            settled=settled,
        )
        if r.undone is not None:
            result = _undone(r.undone, result)
        self.put(self.r.place.done())
        self.set(result=result)
        self.say(e.Finished(at=self.now, key=self.r.key, result=result))

    def fail(self, error: CiDeployError) -> None:
        """End because something could not be done at all, before a deployment exists.

        A reversal is tried again while that may help; after that what the alias serves is read, and set back.
        """
        if self.r.undone is not None and not self.r.cancelled:
            kind = kind_of(error)
            self.set(unmade=error.what)
            if kind is not None and kind.transient and self.now < self.r.undone_until:
                self.to(Stage.GATHERING, after=REVERSE_AGAIN_AFTER)
            else:
                self.to(Stage.VERIFYING)
        elif self.r.cancelled:
            self.end(Outcome.CANCELLED, reason=f"Cancelled: {error.what}")
        else:
            self.end(outcome_of(error), reason=error.what, remedy=error.remedy)


def _undone(done: Result, reversal: Result) -> Result:
    """A deployment that had succeeded and was reversed for the release's sake, as one result."""
    back = reversal.outcome is Outcome.SUCCEEDED
    what = "It had succeeded and was " + ("rolled back" if back else "to be rolled back") + ", all or nothing."
    outcome, rollback = Outcome.ROLLBACK_FAILED, Rollback.FAILED
    if back:
        outcome, rollback = Outcome.ROLLED_BACK, Rollback.SUCCEEDED
    elif reversal.outcome is Outcome.CANCELLED:  # what becomes of it the post step finds out
        outcome, rollback = Outcome.CANCELLED, Rollback.UNKNOWN
    elif reversal.rollback is Rollback.UNKNOWN or reversal.outcome in (Outcome.TIMED_OUT, Outcome.LOST_CONTACT):
        rollback = Rollback.UNKNOWN
    return replace(
        done,
        outcome=outcome,
        rollback=rollback,
        rollback_deployment_id=reversal.deployment_id,
        live_version=reversal.live_version,
        live_weights=reversal.live_weights,
        duration_seconds=reversal.duration_seconds,
        deployed=False,
        reason=f"{what} {reversal.reason}",
        remedy=reversal.remedy,
        settled=reversal.settled and outcome is not Outcome.CANCELLED,
    )


def outcome_of(error: CiDeployError) -> Outcome:
    from ..errors import InvalidInput, Refused

    if isinstance(error, InvalidInput):
        return Outcome.INVALID
    if isinstance(error, Refused):
        return Outcome.REFUSED
    return Outcome.ERROR


def kind_of(error: CiDeployError) -> ErrorKind | None:
    return error.kind if isinstance(error, AwsError) else None


def jittered(seconds: float, *seed: object) -> float:
    """`seconds` within 10 % up or down, the same for the same seed: many runs at once do not poll in step."""
    fraction = zlib.crc32(repr(seed).encode()) / 0xFFFFFFFF
    return seconds * (0.9 + 0.2 * fraction)
