"""What a run that watches knows of deployments that others start: where it looks, what it found, when it is over."""

from __future__ import annotations

from dataclasses import dataclass

from ...aws import Deployment
from ...change import replace
from ...given.inputs import Inputs
from ...plan.sought import Spot, spot_of
from ...run import Context
from ...stacks import Stack

LOOK_EVERY = 15.0  # one listing of the account's deployments
LOST_AFTER = 900.0  # seconds in which every listing failed


@dataclass(frozen=True, kw_only=True)
class Search:
    """`inputs` are those of every deployment that is found, but for where it is; `age`: for how many seconds before
    this run deployments are meant already, since the job began; `around`: a command runs, which starts them.

    `since` is AWS's time, all others are seconds since the run began.
    """

    inputs: Inputs
    context: Context
    stack_name: str = ""
    spots: tuple[Spot, ...] = ()
    within: float = 1800.0
    age: float = 0.0
    around: bool = False
    since: float | None = None
    stack: Stack | None = None
    was_busy: bool = False  # the stack was seen while it was updated
    candidates: tuple[Deployment, ...] = ()  # whose they are is not known, or whose turn has not come
    taken: frozenset[str] = frozenset()  # followed, told of, or not meant
    asking: bool = False
    again_at: float = 0.0
    failures: int = 0
    heard_at: float = 0.0
    clean: int = 0  # listings in a row that brought nothing, while the stack was at rest
    quiet_since: float = 0.0
    exit_code: int | None = None  # of the command, once it has ended
    signalled: bool = False
    hurried: float | None = None  # until when one more listing, after a signal, is waited for
    taken_back: frozenset[str] = frozenset()  # functions and aliases that CloudFormation has rolled back
    over: bool = False

    @classmethod
    def first(
        cls,
        inputs: Inputs,
        context: Context,
        spots: tuple[Spot, ...] = (),
        *,
        around: bool = False,
        age: float = 0.0,
    ) -> Search:
        """`inputs` name the stack, or else `spots` what is meant."""
        return cls(
            inputs=inputs,
            context=context,
            stack_name=inputs.stack or "",
            spots=spots,
            within=inputs.appear_within,
            age=age,
            around=around,
        )

    @property
    def epoch(self) -> float | None:
        """AWS's time when the run's was 0."""
        return None if self.since is None else self.since + self.age

    @property
    def functions(self) -> int:
        """How many share the chance of a false alarm, as far as it is known."""
        return max(1, len(self.spots), len(self.stack.groups) if self.stack else 0)

    @property
    def known(self) -> frozenset[str]:
        """The deployments that need not be read again to tell whose they are."""
        return self.taken | {one.id for one in self.candidates if spot_of(one) is not None}

    @property
    def unclear(self) -> tuple[str, ...]:
        """Those of which it cannot be told yet."""
        return tuple(one.id for one in self.candidates if spot_of(one) is None)

    @property
    def left_alone(self) -> bool:
        """Whether the command that starts deployments has ended, or there is none."""
        return not self.around or self.exit_code is not None

    @property
    def lost_at(self) -> float | None:
        """When AWS will have been silent for so long that nothing more is waited for."""
        return self.heard_at + LOST_AFTER if self.failures and self.since is not None else None

    def ask(self) -> Search:
        return replace(self, asking=True)

    def heard(self, at: float, stack: Stack | None, now: float) -> Search:
        """An answer. The first one says which time it is for AWS, and is followed by a listing since then."""
        first = self.since is None
        busy = stack is not None and stack.busy
        return replace(
            self,
            since=at - self.age - now if self.since is None else self.since,
            stack=stack,
            was_busy=self.was_busy or busy,
            asking=False,
            failures=0,
            heard_at=now,
            hurried=None,
            again_at=now if first else now + LOOK_EVERY,
            clean=0 if first or busy else self.clean + 1,
        )

    def missed(self, again_at: float) -> Search:
        return replace(self, asking=False, failures=self.failures + 1, hurried=None, again_at=again_at, clean=0)

    def keep(self, candidates: tuple[Deployment, ...]) -> Search:
        return replace(self, candidates=candidates)

    def take(self, deployment_id: str) -> Search:
        """It is followed, told of, or not meant: there is nothing left to find out."""
        left = tuple(one for one in self.candidates if one.id != deployment_id)
        return replace(self, candidates=left, taken=self.taken | {deployment_id})

    def disturbed(self, now: float) -> Search:
        """Something is active."""
        return replace(self, quiet_since=now, clean=0)

    def ended(self, exit_code: int, now: float) -> Search:
        """The command has ended: one more listing, at once."""
        return replace(self, exit_code=exit_code, again_at=now, clean=0)

    def signal(self, until: float) -> Search:
        """A second one waits for nothing more."""
        return replace(self, signalled=True, hurried=None if self.signalled else until)

    def hurry(self, now: float) -> Search:
        """Ask once more, at once, before the end."""
        return replace(self, again_at=now)

    def take_back(self, key: str) -> Search:
        return replace(self, taken_back=self.taken_back | {key})

    def put_right(self) -> Search:
        """What CloudFormation has rolled back is looked at again."""
        return replace(self, taken_back=frozenset())

    def finish(self) -> Search:
        return replace(self, over=True)
