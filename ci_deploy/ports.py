"""What the product needs from outside, as Protocols in our own words.

`edge` implements them, tests fake them; `commands`, `perform` and `drive` know nothing else. Every call may raise
core.errors.AwsError and nothing else of AWS's. A call makes one attempt unless its docstring says that it repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Protocol, TypeVar

from .core.aws import (
    Alarm,
    Alias,
    CreateRequest,
    Deployment,
    DeploymentConfig,
    DeploymentGroup,
    FunctionVersion,
    Identity,
    InlineContent,
    Invocation,
    LogLines,
    Routing,
    S3Location,
    StopAnswer,
)
from .core.callers import EventSource, Permission, Url
from .core.given.package.packaging import Code, Package, StoredPackage
from .core.guards.queries import Question, Readings
from .core.plan.setup import GroupSettings
from .core.plan.surroundings import LifecycleRule
from .core.stacks import Stack
from .core.story.events import Event

if TYPE_CHECKING:  # of `init` alone, which no other run loads
    from .core.init.subjects import Known, Remote

# Told of what takes long: what it is, bytes done, bytes in all.
Progress = Callable[[str, int, int], None]


T = TypeVar("T")


class Clock(Protocol):
    """Time for everything: monotonic seconds, as fast as CI_DEPLOY_CLOCK_SPEED says."""

    def now(self) -> float: ...

    def epoch(self) -> float:
        """Wall-clock seconds since 1970, for people only: never compared with AWS's timestamps."""
        ...

    def behind(self) -> float:
        """How many seconds have passed for AWS in a rehearsal and not on this clock; 0 otherwise."""
        ...

    def sleep(self, seconds: float) -> None: ...

    def take(self, items: SimpleQueue[T], seconds: float | None, *, quiet: bool) -> T:
        """The next of the items; raises queue.Empty after so many seconds. `quiet`: none of ours is under way."""
        ...

    def real(self, seconds: float) -> float:
        """So many real seconds in this clock's seconds."""
        ...


class Identities(Protocol):
    def identity(self) -> Identity:
        """GetCallerIdentity and the region in use. Repeats on transient errors, within the reading deadline."""
        ...


class CodeDeploy(Protocol):
    """Reads (group … with_targets) repeat on transient errors; `look`, `find`, `create` and `stop` never do."""

    def group(self, application: str, name: str) -> DeploymentGroup: ...

    def config(self, name: str) -> DeploymentConfig: ...

    def active(self, application: str, group: str) -> tuple[Deployment, ...]:
        """Deployments that are not over (Created, Queued, InProgress, Baking, Ready), newest first, no targets."""
        ...

    def recent(self, application: str, group: str, limit: int) -> tuple[Deployment, ...]:
        """The group's newest deployments by creation time, newest first, without targets."""
        ...

    def appspec(self, application: str, revision: InlineContent) -> str:
        """The text of a revision that CreateDeployment carried (GetApplicationRevision)."""
        ...

    def deployment(self, deployment_id: str) -> Deployment | None:
        """One deployment with its targets, as `look` gives it; None where there is none."""
        ...

    def with_targets(self, deployment: Deployment, function: str = "") -> Deployment:
        """The same deployment with its targets (() if it has none yet). `function`: whose it says that it is."""
        ...

    def look(
        self, ids: tuple[str, ...], with_targets: frozenset[str], running: tuple[Deployment, ...] = ()
    ) -> tuple[Deployment, ...]:
        """One look at deployments, 25 a call; targets for those named. Unknown ids are left out. One attempt.

        Of those that were `running` a moment ago the targets alone are read, unless one of them is over.
        """
        ...

    def created_since(self, since: float | None) -> tuple[float, tuple[str, ...]]:
        """AWS's time, and the IDs of all the account's deployments created since then; None: of those active now."""
        ...

    def find(self, application: str, group: str, marker_id: str) -> Deployment | None:
        """The deployment whose description's marker has this id, among those of the last day. One attempt."""
        ...

    def create(self, request: CreateRequest) -> str:
        """CreateDeployment; the new id. One attempt, always."""
        ...

    def stop(self, deployment_id: str, rollback: bool, *, urgent: bool = False) -> StopAnswer:
        """StopDeployment. `urgent`: connect and read time-outs of at most 2 real seconds. One attempt."""
        ...


class Lambda(Protocol):
    """Reads repeat on transient errors, except `look_alias`; writes are one attempt."""

    def version(self, function: str, version: str) -> FunctionVersion | None:
        """GetFunction with a qualifier (a number or `$LATEST`); None when there is none."""
        ...

    def alias(self, function: str, name: str) -> Alias | None: ...

    def provisioned(self, function: str, alias: str) -> int:
        """How much concurrency the alias has provisioned; 0 for none."""
        ...

    def look_alias(self, function: str, name: str) -> Alias | None:
        """GetAlias, one attempt."""
        ...

    def invoke(self, function: str, version: str, payload: str, *, tenant: str, timeout: float) -> Invocation:
        """Invoke with a Qualifier and the log's tail; answered within `timeout` (real seconds) and a start.

        One attempt. An error of the function is an Invocation with `error`, not an AwsError.
        """
        ...

    def update_code(
        self, function: str, code: Code, content: IO[bytes] | None, *, revision_id: str, by_reference: bool
    ) -> FunctionVersion:
        """UpdateFunctionCode; `$LATEST` as it is then. `content` is the zip, where `code` is a Package.

        `by_reference`: Lambda reads code in S3 from there, and keeps no copy.
        """
        ...

    def publish(self, function: str, *, code_sha256: str, revision_id: str, description: str) -> FunctionVersion: ...

    def set_alias(self, alias: Alias, version: str) -> Alias:
        """UpdateAlias to 100% on `version`, guarded by `alias.revision_id`; what AWS answers."""
        ...

    def describe_alias(self, alias: Alias, description: str) -> Alias:
        """UpdateAlias with a description alone: what is served stays as it is; guarded by `alias.revision_id`."""
        ...

    def tag(self, function_arn: str, name: str, value: str | None) -> None:
        """TagResource, or UntagResource where `value` is None."""
        ...

    def create_alias(self, function: str, name: str, version: str) -> Alias: ...


class Setup(Protocol):
    """CodeDeploy's applications, configs and groups. Reads repeat; writes are one attempt."""

    def application(self, name: str) -> str | None:
        """The application's compute platform (`Lambda`, `Server`, `ECS`); None when there is none."""
        ...

    def applications(self) -> tuple[str, ...]:
        """The account's applications for Lambda, in this region."""
        ...

    def groups(self, application: str) -> tuple[str, ...]:
        """The application's deployment groups; AwsError (NOT_FOUND) where there is no such application."""
        ...

    def create_application(self, name: str) -> None: ...

    def create_config(self, name: str, routing: Routing) -> None: ...

    def create_group(self, application: str, name: str, settings: GroupSettings) -> None: ...

    def update_group(self, application: str, name: str, settings: GroupSettings) -> None: ...


class Versions(Protocol):
    """A function's versions and what names them. Reads repeat; a deletion is one attempt."""

    def versions(self, function: str) -> tuple[FunctionVersion, ...]:
        """All published versions, without tags."""
        ...

    def aliases(self, function: str) -> tuple[Alias, ...]: ...

    def provisioned(self, function: str) -> tuple[str, ...]:
        """The qualifiers (versions or aliases) that have provisioned concurrency."""
        ...

    def event_sources(self, function: str, qualifier: str = "") -> tuple[str, ...]:
        """The qualifiers that event source mappings name (empty: none), of the function or of one qualifier."""
        ...

    def executions(self, function: str, version: str, most: int) -> int:
        """How many durable executions are running or paused on a version, counted up to `most`."""
        ...

    def event_configs(self, function: str) -> tuple[str, ...]:
        """The qualifiers (empty: none) that have a configuration for asynchronous invocations."""
        ...

    def urls(self, function: str) -> tuple[str, ...]:
        """The qualifiers (empty: none) that have a function URL."""
        ...

    def has_policy(self, function: str, version: str) -> bool:
        """Whether a version has a resource policy of its own: somebody else may invoke it."""
        ...

    def has_scaling(self, function: str, version: str) -> bool:
        """Whether somebody set a scaling config for a version on managed instances."""
        ...

    def delete(self, function: str, version: str) -> None:
        """DeleteFunction of one numbered version; ValueError for anything else."""
        ...


class Callers(Protocol):
    """Who may invoke the function itself. Reads repeat.

    `published`: the function runs on managed instances, where the unqualified ARN means `$LATEST.PUBLISHED`.
    """

    def permissions(self, function: str, *, published: bool) -> tuple[Permission, ...]:
        """What the resource policy of the function (not of a version or an alias) allows."""
        ...

    def event_sources(self, function: str, *, published: bool) -> tuple[EventSource, ...]:
        """The mappings that invoke it, those that are disabled left out."""
        ...

    def url(self, function: str) -> Url | None:
        """The function's own URL, not an alias's."""
        ...


class Revisions(Protocol):
    """`owner`: the account that the bucket must belong to."""

    def put(self, bucket: str, key: str, content: bytes, *, owner: str, tag: bool) -> S3Location:
        """Store an AppSpec under its content's hash, or find it there; beside it if something else is. Repeats."""
        ...

    def get(self, location: S3Location, *, owner: str) -> str: ...


class Objects(Protocol):
    """Packages in S3. Everything repeats on transient errors: reads, and writes under the hash of their content.

    `owner`: the account that the bucket must belong to.
    """

    def describe(self, location: S3Location, *, owner: str, tell: Progress) -> StoredPackage:
        """What is there, pinned to its object version where there is one; hashed here if S3 does not know its hash."""
        ...

    def store(
        self, package: Package, content: Callable[[], IO[bytes]], bucket: str, key: str, *, owner: str, tell: Progress
    ) -> StoredPackage:
        """Upload, or find it there; beside it if something else is. `content` opens the zip for each attempt."""
        ...


class Buckets(Protocol):
    """What a bucket is like; reads repeat. `owner`: the account that it must belong to, or the read is denied."""

    def region(self, bucket: str, owner: str) -> str:
        """Empty where there is no such bucket."""
        ...

    def key(self, bucket: str, owner: str) -> str:
        """The customer's KMS key that encrypts new objects; empty for S3's or AWS's own."""
        ...

    def rules(self, bucket: str, owner: str) -> tuple[LifecycleRule, ...]:
        """The enabled lifecycle rules that delete current objects."""
        ...


class Policies(Protocol):
    def allows(self, role_arn: str, action: str, resource: str) -> bool:
        """Whether a role's policies allow an action on a resource, as IAM's simulator sees it. Repeats."""
        ...


class Packages(Protocol):
    """Packages on this machine."""

    def package(self, path: str, tell: Progress) -> Package:
        """The zip at `path`, or made of the folder there; once in a run. InvalidInput says what is wrong with it."""
        ...

    def open(self, package: Package) -> IO[bytes]:
        """The zip's bytes, from the beginning. Seekable."""
        ...


class Stacks(Protocol):
    def stack(self, name: str) -> Stack | None:
        """The stack with all that is nested in it; None where there is none (yet). Repeats."""
        ...


class Evidence(Protocol):
    """What explains a failure; reads repeat shortly."""

    def alarms(self, names: tuple[str, ...]) -> tuple[Alarm, ...]: ...

    def log_lines(self, function: str, since: float, until: float | None, limit: int) -> LogLines:
        """The last lines of the invocation that began in the window (epoch seconds, AWS's clock)."""
        ...

    def error_lines(self, function: str, version: str, since: float, limit: int) -> LogLines:
        """The last lines that one version has logged since then (epoch seconds) and that look like errors."""
        ...


class Metrics(Protocol):
    def read(self, questions: tuple[Question, ...]) -> Readings:
        """What CloudWatch has of them, in as many calls as it takes. Repeats shortly.

        A question that was answered in part only is left out, so that nothing is judged by half of its points.
        """
        ...


class Files(Protocol):
    def read_bytes(self, path: str) -> bytes:
        """A file of the workspace; raises OSError with a sentence in it."""
        ...

    def read_text(self, path: str) -> str:
        """A file of the workspace as UTF-8 text; raises OSError with a sentence in it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything, wired once by `app`."""

    clock: Clock
    identities: Identities
    codedeploy: CodeDeploy
    lambda_: Lambda
    setup: Setup
    versions: Versions
    callers: Callers
    revisions: Revisions
    objects: Objects
    buckets: Buckets
    policies: Policies
    packages: Packages
    evidence: Evidence
    metrics: Metrics
    stacks: Stacks
    files: Files
    # Asks the person at the terminal: the reason that came with a yes, which may be empty; None: no.
    confirm: Callable[[Sequence[tuple[str, str]]], str | None] = lambda goals: None
    job_limit: float | None = None  # seconds that the runner gives a job, where that is known
    credentials_end: float | None = None  # epoch seconds, where the credentials say when they end


class Reporter(Protocol):
    """A consumer of events. One that raises is dropped with a warning, and the run goes on."""

    name: str

    def report(self, event: Event) -> None: ...

    def close(self) -> None:
        """The run is over: flush (those that use the network: 3 s at most)."""
        ...


class LogSink(Protocol):
    """Where the job log goes. It defuses what it is given: no text, however hostile, becomes a workflow command.

    `colour`: ANSI colours are wanted (forced under Actions, NO_COLOR and a missing terminal switch them off).
    `annotations`: notices, warnings and errors become annotations (under Actions); elsewhere they are plain lines.
    """

    colour: bool
    annotations: bool

    def line(self, text: str) -> None:
        """One line; `text` may carry ANSI colours and has no line break."""
        ...

    def group(self, title: str) -> None:
        """What follows is folded under `title` (a heading, on a terminal)."""
        ...

    def endgroup(self) -> None: ...

    def notice(self, message: str, *, title: str = "") -> None: ...

    def warning(self, message: str, *, title: str = "") -> None: ...

    def error(self, message: str, *, title: str = "") -> None: ...


class RunnerFiles(Protocol):
    """GITHUB_OUTPUT, GITHUB_STATE and GITHUB_STEP_SUMMARY; one that the runner did not name is not written."""

    def outputs(self, values: Mapping[str, str]) -> None:
        """Step outputs, all in one write."""
        ...

    def state(self, name: str, value: str) -> None:
        """Read back by the post step as STATE_<name>. May be called from another thread: one write a call."""
        ...

    def summary(self, markdown: str) -> None:
        """Append to the job summary."""
        ...


class GitHubError(Exception):
    """A request to GitHub's REST API that failed. `status` is 0 when no answer came.

    `retry_after`: GitHub asked to wait so many real seconds (a rate limit, primary or secondary), None otherwise.
    """

    def __init__(self, status: int, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{status}: {message}" if status else message)
        self.status = status
        self.message = message
        self.retry_after = retry_after

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later."""
        return self.retry_after is not None or self.status == 0 or self.status >= 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """An issue comment. `author`: a login; GITHUB_TOKEN's comments are `github-actions[bot]`'s."""

    id: int
    body: str
    author: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    number: int
    merged: bool
    open: bool
    head_sha: str = ""
    merge_sha: str = ""


class GitHub(Protocol):
    """GitHub's REST API for one repository (`owner/name`). Every call may raise GitHubError and nothing else."""

    def login(self) -> str:
        """Whose comments this token writes, as `Comment.author` has it; never empty."""
        ...

    def comments(self, number: int) -> Iterator[Comment]:
        """All comments of an issue or pull request, oldest first, page by page as they are asked for."""
        ...

    def create_comment(self, number: int, body: str) -> Comment: ...

    def edit_comment(self, comment_id: int, body: str) -> Comment: ...

    def pull_requests_of(self, sha: str) -> tuple[PullRequest, ...]: ...

    def create_deployment(
        self, *, ref: str, environment: str, description: str, payload: Mapping[str, str], production: bool | None
    ) -> int:
        """Never merges anything and waits for no checks (`auto_merge` false, `required_contexts` empty)."""
        ...

    def deployment_status(
        self,
        deployment_id: int,
        *,
        state: str,
        description: str,
        environment: str,
        log_url: str,
        environment_url: str,
    ) -> None: ...


Write = Callable[[str], None]
Environment = Mapping[str, str]


class Checkout(Protocol):
    """A repository's working copy, by paths from its root. Raises InvalidInput where a file cannot be used."""

    def url(self) -> str:
        """Of the remote `origin`; empty where there is none."""
        ...

    def branch(self) -> str:
        """The branch that is deployed; empty where Git knows none."""
        ...

    def names(self, folder: str) -> tuple[str, ...]: ...

    def there(self, path: str) -> bool: ...

    def read(self, path: str) -> str: ...

    def write(self, path: str, text: str) -> None:
        """A new file, its folders too; never over one that is there."""
        ...


class AsksSubjects(Protocol):
    def known(self, remote: Remote) -> Known:
        """What GitHub says of the subjects of a repository's tokens. Never raises: what it does not say is unknown."""
        ...
