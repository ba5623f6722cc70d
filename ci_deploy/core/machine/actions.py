"""What the state machine asks for (actions) and what it is told (observations).

An action is a request to the world that `perform` carries out on a worker thread; every action is answered by exactly
one observation with the same `key`, if only by `Failed`. Besides answers there are four observations that nobody asked
for: `Tick` (time has passed), `Progressed` (of an action that takes long), `Cancelled` (a signal) and `CommandEnded`.
"""

from __future__ import annotations

from typing import TypeAlias

from ..aws import Alarm, Alias, CreateRequest, Deployment, FunctionVersion, Invocation, Revision, StopAnswer
from ..errors import CiDeployError
from ..given.inputs import Inputs
from ..given.package.packaging import Code, Package, StoredPackage
from ..guards.queries import Question, Readings
from ..lazy import dataclass
from ..plan.planning import Facts, Plan
from ..reasons.reason import Reason
from ..result import Diagnosis
from ..stacks import Stack

# --- Actions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Action:
    key: str  # of the rollout that asks, "" where several do


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm(_Action):
    """Ask the person at the terminal whether each function (`function:alias`) shall go to this version.

    `shared_by` are the keys of the rollouts that ask, where several do.
    """

    goals: tuple[tuple[str, str], ...]
    shared_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather(_Action):
    """Read all facts that the command needs.

    `run_id` is ours: deployments by newer runs are read with their targets. `subject` is the deployment that the run
    is about, by its id or, where only that is known, by `marker_id`. `brief`: the plan is made, and only what the alias
    serves and what runs in the group are read again. `refused`: CreateDeployment was, because something runs in the
    group, whatever the group itself says.
    """

    inputs: Inputs
    run_id: int
    subject: str = ""
    marker_id: str = ""
    brief: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCode(_Action):
    """Put a package that is too large for a request into S3; `path` is the object's key, under the content's hash."""

    package: Package
    bucket: str
    path: str
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateCode(_Action):
    """UpdateFunctionCode, if `$LATEST` still is at `revision_id`. `by_reference`: Lambda is to keep no copy of it."""

    function: str
    code: Code
    revision_id: str
    by_reference: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish(_Action):
    plan: Plan
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookVersion(_Action):
    """Is the published version, or `$LATEST` after an update, ready?"""

    function: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoke(_Action):
    """Invoke the new version, once; it may take as long as its `timeout` (seconds) and its start.

    `wakes`: Lambda will refuse the call, for the version sleeps, and wake it up.
    """

    function: str
    version: str
    payload: str
    tenant: str
    timeout: float
    wakes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload(_Action):
    bucket: str
    path: str  # the object's key
    content: str
    owner: str
    tag: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(_Action):
    request: CreateRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Find(_Action):
    """Was it created? The answer to Create was lost."""

    application: str
    group: str
    marker_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(_Action):
    deployment_id: str
    rollback: bool
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Look(_Action):
    """Look at deployments, together; `with_targets` are those whose lifecycle and traffic matter now.

    `running` are snapshots a few seconds old: where their targets still run, nothing else of them is read.
    `shared_by` are the keys of the rollouts that ask, where several do.
    """

    ids: tuple[str, ...]
    with_targets: frozenset[str]
    running: tuple[Deployment, ...] = ()
    shared_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure(_Action):
    """Read metrics of both versions, of several functions together.

    `shared_by` are the keys of the rollouts that ask, where several do.
    """

    questions: tuple[Question, ...]
    shared_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAlarms(_Action):
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAlias(_Action):
    function: str
    alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAlias(_Action):
    """The first deployment: an alias that serves `version` alone."""

    function: str
    alias: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairAlias(_Action):
    """Set the alias to 100% on `version`, if nothing is active in the group and it still is as `alias` says."""

    alias: Alias
    version: str
    application: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Describe(_Action):
    """Give the alias a description, if it still is as `alias` says; what it serves stays as it is."""

    alias: Alias
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag(_Action):
    """Set a tag of the function; `value` None takes it off."""

    function_arn: str
    name: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnose(_Action):
    """Collect what explains why `deployment` did not succeed; `why` says it where it was us who ended it."""

    deployment: Deployment
    plan: Plan
    logs: bool
    region: str = ""
    why: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discover(_Action):
    """Which deployments has the account, and how is the stack? The run's own question, of no rollout.

    `since`: AWS's time, None: those that are active now. `known` need not be read again, `unclear` are read again
    whatever their age.
    """

    stack: str
    since: float | None
    known: frozenset[str]
    unclear: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """`at`: AWS's time of the answer. `deployments` are those that were not known, with targets."""

    at: float
    stack: Stack | None
    deployments: tuple[Deployment, ...]


Action: TypeAlias = (
    Confirm
    | Gather
    | StoreCode
    | UpdateCode
    | Publish
    | LookVersion
    | Invoke
    | Upload
    | Create
    | Find
    | Stop
    | Look
    | Measure
    | LookAlarms
    | LookAlias
    | CreateAlias
    | RepairAlias
    | Describe
    | Tag
    | Diagnose
    | Discover
)

# --- Observations ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """A signal arrived. `second` is the length of one real second on the product's clock."""

    signal: str
    second: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandEnded:
    """The command that `watch` was started around has ended."""

    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """An action that takes long has come so far: `done` of `total` bytes. Its answer is still to come."""

    action: Action
    what: str
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The action did not do what it should; an AwsError says by its kind whether it may have had an effect."""

    action: Action
    error: CiDeployError


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The action was carried out; `answer` is what came of it (see Answer)."""

    action: Action
    answer: Answer


Answer: TypeAlias = (
    bool  # Confirm
    | Facts  # Gather
    | StoredPackage  # StoreCode
    | FunctionVersion  # UpdateCode ($LATEST), Publish, LookVersion
    | Invocation  # Invoke
    | Revision  # Upload
    | str  # Create: the deployment's id
    | Deployment  # Find, when it exists
    | StopAnswer  # Stop
    | tuple[Deployment, ...]  # Look
    | Readings  # Measure
    | tuple[Alarm, ...]  # LookAlarms
    | Alias  # LookAlias, RepairAlias, Describe, CreateAlias
    | Diagnosis  # Diagnose
    | Discovered  # Discover
    | None  # Tag; Find, LookAlias, LookVersion: there is none
)

Observation: TypeAlias = Tick | Cancelled | CommandEnded | Progressed | Failed | Done
