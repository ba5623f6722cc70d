"""A release of thousands of functions in shards, by simulation: how long it takes, what it asks for, and what binds.

    python benchmarks/shards.py [--functions 5000] [--shard 100] [--cases 5x50,20x50] [--write]

Each shard is a job: the product's own state machine, rate limits, retries and worker pools, on a clock that jumps from
one event to the next. Around them is a model of the account that all jobs share: AWS's limits (`limits`, each with its
source), answers that take 50 to 150 ms, the calls that each action makes (`calls`), and CodeDeploy's own alias updates,
which draw on Lambda's limit too. Nothing sleeps, and the same seed gives the same figures. `--write` writes them into
docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import heapq
import random
import sys
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from ci_deploy.core.aws import Deployment, DeploymentStatus, Routing, RoutingType  # noqa: E402
from ci_deploy.core.errors import AwsError, CiDeployError, ErrorKind  # noqa: E402
from ci_deploy.core.guards.grammar import parse  # noqa: E402
from ci_deploy.core.guards.queries import Readings, batches  # noqa: E402
from ci_deploy.core.machine import actions as a  # noqa: E402
from ci_deploy.core.machine.release import Release, step  # noqa: E402
from ci_deploy.core.machine.rollout import Rollout  # noqa: E402
from ci_deploy.core.plan.proof import Proof  # noqa: E402
from ci_deploy.core.result import Result  # noqa: E402
from ci_deploy.core.run import Outcome  # noqa: E402
from ci_deploy.core.story import events as e  # noqa: E402
from ci_deploy.drive import WATCHERS, WORKERS  # noqa: E402
from ci_deploy.edge.aws import metrics  # noqa: E402
from ci_deploy.edge.aws.client import RATES  # noqa: E402
from ci_deploy.edge.aws.rate import Tokens  # noqa: E402
from ci_deploy.edge.aws.retry import PATIENCE, Tries  # noqa: E402
from ci_deploy.reporters import courier  # noqa: E402
from tests.support.machine.many import rollouts  # noqa: E402
from tests.support.machine.states import but  # noqa: E402
from tests.support.machine.world import AWS_EPOCH, Running, World  # noqa: E402

PAGE = ROOT / "docs" / "benchmarks.md"
CANARY = Routing(kind=RoutingType.CANARY, percentage=10, interval_minutes=10)
ANSWERS = (0.05, 0.15)  # seconds until an answer comes
STARTS = (20.0, 40.0)  # seconds until a runner has the job, has checked out and pulled the image
PLACES = 1300  # deployments that an account and region may have at once (CodeDeploy's quotas page)
ALIAS_TRIES = 3  # of CodeDeploy's own alias update, a second apart, before it fails as THROTTLED (facts.md A5) [U]

LAMBDA, FUNCTION, METRICS = "Lambda's control plane", "Lambda GetFunction", "CloudWatch GetMetricData"
READS, WRITES, ACTIVE = "CodeDeploy's reads", "CodeDeploy's writes", "CodeDeploy's concurrent deployments"


@dataclass(kw_only=True)
class Limit:
    """Requests a second that an account and region may make of something, and how many at once after a pause."""

    rate: float
    burst: float
    tokens: float = 0.0
    at: float = 0.0
    refused: int = 0
    first: float | None = None  # when it refused something for the first time

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def take(self, now: float) -> bool:
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            self.refuse(now)
            return False
        self.tokens -= 1
        return True

    def refuse(self, now: float) -> None:
        self.refused += 1
        self.first = now if self.first is None else self.first


def limits(codedeploy: float) -> dict[str, Limit]:
    """Of the account and region that all shards share. CodeDeploy's rates are not published (facts.md A11)."""
    return {
        LAMBDA: Limit(rate=15, burst=15),  # facts.md A11, Lambda's quotas: it cannot be raised
        FUNCTION: Limit(rate=100, burst=100),  # the same page
        READS: Limit(rate=codedeploy, burst=4 * codedeploy),
        WRITES: Limit(rate=codedeploy, burst=4 * codedeploy),
        METRICS: Limit(rate=50, burst=50),  # facts.md H
        ACTIVE: Limit(rate=0, burst=PLACES),
    }


def limit_of(service: str, operation: str) -> str:
    """The limit that a call counts towards; empty for those that nothing here comes near."""
    if service == "lambda":
        return FUNCTION if operation == "GetFunction" else LAMBDA
    if service == "codedeploy":
        return READS if operation.startswith(("Get", "List", "BatchGet")) else WRITES
    return METRICS if operation == "GetMetricData" else ""


Call = tuple[str, str]  # service and operation
FIRST: tuple[Call, ...] = (
    ("sts", "GetCallerIdentity"),
    ("s3", "HeadBucket"),
    ("s3", "GetBucketEncryption"),
    ("s3", "GetBucketLifecycleConfiguration"),
)
FACTS: tuple[Call, ...] = (
    ("lambda", "GetFunction"),
    ("codedeploy", "GetDeploymentGroup"),
    ("codedeploy", "ListDeployments"),
    ("codedeploy", "BatchGetDeployments"),  # each function was deployed before
    ("lambda", "GetAlias"),
    ("lambda", "GetFunction"),
    ("lambda", "GetProvisionedConcurrencyConfig"),
    ("lambda", "GetPolicy"),
    ("lambda", "GetFunctionUrlConfig"),
    ("lambda", "ListEventSourceMappings"),
    ("cloudwatch", "GetMetricData"),
)


def calls(action: a.Action) -> Iterable[Call]:
    """The calls that an action makes of AWS; what a job reads once is `FIRST`."""
    match action:
        case a.Gather():
            return FACTS
        case a.Publish():
            return (("lambda", "PublishVersion"), ("lambda", "GetFunction"))  # a new version is Pending at first
        case a.LookVersion():
            return (("lambda", "GetFunction"),)
        case a.Upload():
            return (("s3", "PutObject"),)
        case a.Create():
            return (("codedeploy", "CreateDeployment"),)
        case a.Find():
            return (("codedeploy", "ListDeployments"), ("codedeploy", "BatchGetDeployments"))
        case a.Look():
            return (
                ("codedeploy", "BatchGetDeployments"),
                *(("codedeploy", "BatchGetDeploymentTargets") for _ in action.with_targets),
            )
        case a.LookAlias():
            return (("lambda", "GetAlias"),)
        case a.Measure():
            return (("cloudwatch", "GetMetricData") for _ in batches(action.questions))
        case a.Stop():
            return (("codedeploy", "StopDeployment"),)
        case a.RepairAlias():
            return (("codedeploy", "ListDeployments"), ("lambda", "UpdateAlias"), ("lambda", "GetAlias"))
        case a.Diagnose():
            return ()
    raise ValueError(f"the simulation knows no {type(action).__name__}")


def tries(action: a.Action, now: float) -> Tries | None:
    """How a call of this action is repeated; None: not below the state machine."""
    match action:
        case a.Gather() | a.LookVersion():
            return Tries(now, patience=PATIENCE)
        case a.Measure():
            return Tries(now, budget=metrics.BUDGET)
    return None


class Clock:
    """Simulated time, and what happens when."""

    def __init__(self) -> None:
        self.now = 0.0
        self._order = 0
        self._due: list[tuple[float, int, Callable[[], None]]] = []

    def at(self, moment: float, happen: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._due, (moment, self._order, happen))

    def run(self, until: float) -> None:
        """Until nothing more is due; what lasts longer than `until` is a mistake."""
        while self._due:
            self.now, _, happen = heapq.heappop(self._due)
            assert self.now < until, "no end"
            happen()


class Account:
    """What all shards share: AWS's limits, the calls that were made, and CodeDeploy's own work."""

    def __init__(self, clock: Clock, codedeploy: float) -> None:
        self.clock = clock
        self.limits = limits(codedeploy)
        self.calls: Counter[str] = Counter()
        self.active: set[str] = set()
        self.most_active = 0
        self.late = 0  # alias updates that CodeDeploy had to make again
        self.failed = 0  # deployments that failed for want of one

    def allows(self, service: str, operation: str) -> bool:
        name = limit_of(service, operation)
        self.calls[f"{service}:{operation}"] += 1
        return not name or self.limits[name].take(self.clock.now)

    def places(self) -> bool:
        """Whether one more deployment may run."""
        limit = self.limits[ACTIVE]
        if len(self.active) < limit.burst:
            return True
        limit.refuse(self.clock.now)
        return False

    def begins(self, world: World, running: Running) -> None:
        """CodeDeploy has a deployment: it shifts the alias's traffic, and ends."""
        self.active.add(running.id)
        self.most_active = max(self.most_active, len(self.active))
        self._next_shift(world, running, 0)

    def ends(self, deployment_id: str) -> None:
        self.active.discard(deployment_id)

    def _next_shift(self, world: World, running: Running, mark: int) -> None:
        """Wait for the next of a deployment's shifts, or for its end."""
        shift = next((n for n in range(mark, len(running.marks)) if running.marks[n][1].startswith("share")), None)
        if shift is None:
            self.clock.at(running.marks[-1][0], lambda: self.ends(running.id))
        else:
            self.clock.at(running.marks[shift][0], lambda: self._shift(world, running, shift, 1))

    def _shift(self, world: World, running: Running, mark: int, attempt: int) -> None:
        if running.status.terminal:
            return
        if self.limits[LAMBDA].take(self.clock.now):
            self._next_shift(world, running, mark + 1)
            return
        self.late += 1
        if attempt < ALIAS_TRIES:  # this shift and all that follows is a second later
            running.marks[mark:] = [(at + 1.0, what) for at, what in running.marks[mark:]]
            self.clock.at(self.clock.now + 1.0, lambda: self._shift(world, running, mark, attempt + 1))
            return
        self.failed += 1
        self.ends(running.id)
        del running.marks[mark:]
        world.advance(self.clock.now)
        world._finish(running, DeploymentStatus.FAILED, "THROTTLED")


def error(service: str, operation: str) -> AwsError:
    return AwsError(ErrorKind.THROTTLED, operation=f"{service}:{operation}", code="Throttling", message="Rate exceeded")


class Pool:
    """So many threads; who comes later waits."""

    def __init__(self, size: int) -> None:
        self.free = size
        self.waiting: deque[a.Action] = deque()


class Shard:
    """A job that deploys some functions: the state machine, driven as `drive` does it."""

    def __init__(self, account: Account, worlds: Sequence[World], seed: int, over: Callable[[], None]) -> None:
        self.account, self.clock, self.over = account, account.clock, over
        self.dice = random.Random(seed)
        self.worlds = {world.function: world for world in worlds}
        self.release = Release(command=(made := _first(worlds))[0].command, rollouts=made)
        self.buckets = {
            name: Tokens(rate=rate, burst=burst, now=self.clock.now) for name, (rate, burst) in RATES.items()
        }
        self.usual, self.watch = Pool(WORKERS), Pool(WATCHERS)
        self.began, self.now, self.turn, self.read = self.clock.now, 0.0, 0, False
        self.ended: float | None = None
        self.edits: list[float] = []
        self._next_edit = 0.0
        self.results: tuple[Result, ...] = ()
        self.observe(a.Tick())

    def observe(self, observation: a.Observation) -> None:
        if self.ended is not None:
            return
        self.now = max(self.now, self.clock.now - self.began)
        made = step(self.release, observation, self.now)
        self.release = made.release
        for action in made.actions:
            pool = self.watch if isinstance(action, a.Look) else self.usual
            pool.waiting.append(action)
            self._hand_out(pool)
        for event in made.events:
            self._report(event)
        self.turn += 1
        if made.look_again_at is None:
            self.ended = self.clock.now
            self.over()
        else:
            turn, at = self.turn, made.look_again_at
            self.clock.at(max(self.clock.now, self.began + at), lambda: self._tick(turn, at))

    def _tick(self, turn: int, at: float) -> None:
        if turn == self.turn:  # nothing has come before
            self.now = max(self.now, at)  # which a sum of floats may miss
            self.observe(a.Tick())

    def _hand_out(self, pool: Pool) -> None:
        while pool.free and pool.waiting:
            pool.free -= 1
            self._resume(self._carry_out(pool.waiting.popleft(), pool))

    def _resume(self, work: Iterator[float]) -> None:
        seconds = next(work, None)
        if seconds is not None:
            self.clock.at(self.clock.now + seconds, lambda: self._resume(work))

    def _carry_out(self, action: a.Action, pool: Pool) -> Generator[float, None, None]:
        """A worker's thread; it yields the seconds for which it waits."""
        answer: a.Observation
        try:
            if isinstance(action, a.Gather) and not self.read:
                self.read = True
                for each in FIRST:
                    yield from self._call(action, *each)
            for each in calls(action):
                yield from self._call(action, *each)
            answer = a.Done(action=action, answer=self._perform(action))
        except CiDeployError as problem:
            answer = a.Failed(action=action, error=problem)
        pool.free += 1
        self._hand_out(pool)
        self.observe(answer)

    def _call(self, action: a.Action, service: str, operation: str) -> Generator[float, None, None]:
        """One call with its waits, repeated as the product does."""
        bucket = self.buckets.get(f"{service}:{operation}") or self.buckets.get(service)
        again = tries(action, self.clock.now)
        while True:
            if bucket is not None:
                yield bucket.reserve(self.clock.now)
            yield self.dice.uniform(*ANSWERS)
            if self.account.allows(service, operation):
                return
            if bucket is not None:
                bucket.throttled(self.clock.now)
            refused = error(service, operation)
            pause = again.pause(refused, self.clock.now, self.dice.random()) if again is not None else None
            if pause is None:
                raise refused
            yield pause

    def _perform(self, action: a.Action) -> a.Answer:
        """What AWS answers: each function has a small world of its own."""
        if isinstance(action, a.Look):
            found: list[Deployment] = []
            for one in action.ids:
                world = self._now(self.worlds[one.split("-")[1]])
                found += [world.snapshot(each, one in action.with_targets) for each in _of(world, one)]
            return tuple(found)
        if isinstance(action, a.Measure):
            # Nobody calls these functions.
            return Readings(answers={each: {} for each in action.questions}, at=AWS_EPOCH + self.clock.now)
        world = self._now(self.worlds[action.key.partition(":")[0]])
        if isinstance(action, a.Stop):
            self.account.ends(action.deployment_id)
        if not isinstance(action, a.Create):
            return world.perform(action)
        if not self.account.places():
            said = "The account has as many active deployments as it may have."
            code = "DeploymentLimitExceededException"
            raise AwsError(ErrorKind.CONFLICT, operation="codedeploy:CreateDeployment", code=code, message=said)
        created = world.create(action.request)
        self.account.begins(world, _of(world, created)[0])
        return created

    def _now(self, world: World) -> World:
        world.advance(self.clock.now)
        return world

    def _report(self, event: e.Event) -> None:
        """Count the edits of the pull request comment, at the courier's pace."""
        if isinstance(event, e.Concluded):
            self.results = event.results
        waits = bool(self.edits) and self.edits[-1] > self.clock.now
        if waits or isinstance(event, e.Heartbeat | e.Started | e.Identified):
            return  # told with the edit that waits, or nothing that it says
        at = max(self.clock.now, self._next_edit)
        gap = courier.GAP if len(self.edits) < courier.MANY else courier.LATER_GAP
        self.edits.append(at)
        self._next_edit = at + gap


def _of(world: World, deployment_id: str) -> list[Running]:
    return [each for each in world.deployments if each.id == deployment_id]


def _first(worlds: Sequence[World]) -> tuple[Rollout, ...]:
    """The first states of a shard's functions, as `deploy` makes them, with the guards that are shown by default."""
    return tuple(but(one, job__proof=Proof(guards=parse(""))) for one in rollouts(worlds, bucket="artifacts"))


@dataclass(kw_only=True)
class Simulated:
    """What came of a release. Moments are seconds since its first job was queued."""

    functions: int
    runners: int
    codedeploy: float
    seconds: float
    account: Account
    outcomes: Counter[Outcome]
    edits: tuple[int, int]  # of pull request comments, in the busiest minute and in the busiest hour

    @property
    def throttled(self) -> int:
        """Calls of ours that were refused."""
        return sum(limit.refused for limit in self.account.limits.values()) - self.account.late

    @property
    def binds(self) -> str:
        """The limit that refused something first, and how much of that there was."""
        found = [(limit.first, name, limit) for name, limit in self.account.limits.items() if limit.first is not None]
        return "; ".join(f"{name}, {limit.refused:,} times" for _, name, limit in sorted(found, key=itemgetter(0)))


def busiest(times: Sequence[float], span: float) -> int:
    """The most of these moments, in order, that lie within so many seconds."""
    most, start = 0, 0
    for end, at in enumerate(times):
        while times[start] <= at - span:
            start += 1
        most = max(most, end - start + 1)
    return most


def simulate(functions: int, *, shard: int, runners: int, codedeploy: float = 50.0, seed: int = 1) -> Simulated:
    """Play a release of so many functions, in shards of so many, on so many runners at once."""
    clock, dice = Clock(), random.Random(seed)
    account = Account(clock, codedeploy)
    names = [f"fn{number:05}" for number in range(functions)]
    waiting = deque(names[at : at + shard] for at in range(0, functions, shard))
    shards: list[Shard] = []

    def begin() -> None:
        """A runner takes the next job, and another one when that is over."""
        if waiting:
            part = waiting.popleft()
            clock.at(clock.now + dice.uniform(*STARTS), lambda: start(part))

    def start(part: Sequence[str]) -> None:
        worlds = [World(function=name, name=f"{name}-", routing=CANARY, now=clock.now) for name in part]
        shards.append(Shard(account, worlds, seed * 1000 + len(shards), begin))

    for _ in range(runners):
        begin()
    clock.run(until=100 * 3600.0)
    edits = sorted(at for each in shards for at in each.edits)
    return Simulated(
        functions=functions,
        runners=runners,
        codedeploy=codedeploy,
        seconds=max(each.ended or 0.0 for each in shards),
        account=account,
        outcomes=Counter(result.outcome for each in shards for result in each.results),
        edits=(busiest(edits, 60.0), busiest(edits, 3600.0)),
    )


def figures(functions: int, shard: int, runners: int, codedeploy: float, seed: int) -> Simulated:
    """As `simulate`, for another process: without what cannot be sent."""
    found = simulate(functions, shard=shard, runners=runners, codedeploy=codedeploy, seed=seed)
    found.account.clock = Clock()
    return found


# --- The page ----------------------------------------------------------------------------------------------------


def table(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def minutes(seconds: float) -> str:
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours}h {rest:02}m" if hours else f"{rest}m"


HEAD = (
    "jobs at once",
    "CodeDeploy's API",
    "time",
    "deployed",
    "calls",
    "for a function",
    "throttled",
    "alias updates given up",
    "deployments at once",
    "comment edits in a minute",
    "refused, first of all",
)


def row(found: Simulated) -> tuple[str, ...]:
    total = found.account.calls.total()
    return (
        str(found.runners),
        f"{found.codedeploy:g}/s",
        minutes(found.seconds),
        f"{found.outcomes[Outcome.SUCCEEDED]:,}",
        f"{total:,}",
        f"{total / found.functions:.1f}",
        f"{found.throttled:,}",
        str(found.account.failed),
        f"{found.account.most_active:,}",
        str(found.edits[0]),
        found.binds or "nothing",
    )


def by_kind(several: Sequence[Simulated]) -> list[tuple[str, ...]]:
    """Calls for a function, by operation."""
    names = sorted({name for found in several for name in found.account.calls})
    head = ("calls for a function", *(f"{found.runners} jobs, {found.codedeploy:g}/s" for found in several))
    return [
        head,
        *((name, *(f"{found.account.calls[name] / found.functions:.2f}" for found in several)) for name in names),
    ]


def write(text: str) -> None:
    """Put the tables between their marks in the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + text + END + rest.partition(END)[2], encoding="utf-8")


BEGIN, END = "<!-- shards -->\n", "<!-- /shards -->"
CASES = "3x50,5x50,20x50,50x50"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--functions", type=int, default=5000)
    parser.add_argument("--shard", type=int, default=100, help="functions of a shard")
    parser.add_argument(
        "--cases", default=CASES, help="jobs at once x requests a second that CodeDeploy's API takes, comma-separated"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md")
    given = parser.parse_args()
    cases = [tuple(map(int, case.split("x"))) for case in given.cases.split(",")]
    with ProcessPoolExecutor(given.jobs) as pool:
        asked = [
            pool.submit(figures, given.functions, given.shard, runners, float(rate), given.seed)
            for runners, rate in cases
        ]
        several = []
        for each in asked:
            several.append(each.result())
            print(row(several[-1]), flush=True)
    text = f"{table([HEAD, *map(row, several)])}\n\n{table(by_kind(several))}\n"
    print(text)
    if given.write:
        write(text)


if __name__ == "__main__":
    main()
