"""What a command is given, and the few things that all of them do with it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from ..core.aws import S3Location
from ..core.errors import CiDeployError, InvalidInput
from ..core.given import mistakes
from ..core.given.files import appspec as appspecs
from ..core.given.files.bundle import text_of
from ..core.given.files.manifest import Entry
from ..core.given.files.smoke import Case
from ..core.given.files.smoke import read as read_smoke
from ..core.given.inputs import DEPLOYING, Inputs
from ..core.machine import conclusion
from ..core.machine.release import Release
from ..core.machine.rollout import Job, Rollout, outcome_of
from ..core.machine.waves import Policy
from ..core.plan.proof import NOTHING, Proof
from ..core.plan.surroundings import bucket_owner
from ..core.reasons.reason import Reason
from ..core.reasons.run import CancelledReading
from ..core.result import Result
from ..core.run import Command, Context, Outcome
from ..core.story.events import Concluded, Event
from ..perform.facts import identify
from ..ports import Files, Ports
from ..signals import Interrupted


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A command's whole world. `ports` is made when first asked for: `validate` needs no AWS at all."""

    inputs: Inputs
    entries: tuple[Entry, ...]  # the functions: of the manifest, or the one that the inputs name
    context: Context
    files: Files
    ports: Callable[[], Ports]
    drive: Callable[[Release], Concluded]
    report: Callable[[Event], None]
    confirm: bool  # a person is there to be asked before a rollback
    now: Callable[[], float]
    second: float  # one real second on the product's clock
    # In which a signal raises Interrupted: in the midst of a call on this thread; and also before and after reads.
    interruptible: Callable[[], AbstractContextManager[None]]
    reading: Callable[[], AbstractContextManager[None]]
    cancelled: Callable[[float], bool]  # whether a signal has arrived, or does within so many seconds
    start_command: Callable[[], bool]  # starts the command that `watch` is around; False where there is none
    age: float  # how long the job had run when this run began, 0 where there is no job
    behind: Callable[[], float]  # what a rehearsal's AWS counts beyond that
    state: Mapping[str, str]  # what an earlier step of this action left in GITHUB_STATE

    @property
    def command(self) -> Command:
        return Command(self.inputs.command)


def run(call: Call) -> Concluded:
    """Drive every function from its first state. What the command makes of the facts is in `core.deciding`."""
    rollouts = tuple(first_rollout(call, entry) for entry in call.entries)
    if len(rollouts) > 1 and call.command is Command.DEPLOY:
        siblings = frozenset(rollout.marker_id for rollout in rollouts)
        rollouts = tuple(rollout.among(siblings) for rollout in rollouts)
    policy = Policy(on_failure=call.inputs.release_policy, max_parallel=call.inputs.max_parallel or 0)
    return call.drive(Release(command=call.command, rollouts=rollouts, policy=policy))


def first_rollout(call: Call, entry: Entry) -> Rollout:
    """The first state of one function, its inputs completed by the user's own AppSpec if there is one."""
    inputs, logical_name = completed_inputs(call, entry)
    job = Job(
        inputs=inputs,
        context=call.context,
        logical_name=logical_name,
        subject=inputs.deployment_id or "",
        wave=entry.wave,
        confirm=call.confirm and call.command is Command.ROLLBACK,
        smoke=smoke_cases(call, entry),
        proof=proof(call, entry),
        written=entry.given,
        began=call.now(),
    )
    return Rollout.first(job, secrets.token_hex(4), second=call.second)


def proof(call: Call, entry: Entry) -> Proof:
    """What the new version must hold, for the commands that use it."""
    inputs = entry.inputs
    if call.command not in (*DEPLOYING, Command.ROLLBACK):
        return NOTHING
    return Proof(
        guards=inputs.guards,
        bake=inputs.bake,
        on_inconclusive=inputs.on_inconclusive,
        functions=len(call.entries),
    )


def completed_inputs(call: Call, entry: Entry) -> tuple[Inputs, str]:
    """The inputs and the AppSpec's logical name. Raises InvalidInput where AppSpec and inputs disagree."""
    source = entry.inputs.appspec
    if source is None:
        return entry.inputs, ""
    parsed = appspecs.parse(_text_of(call, source), where=f"AppSpec `{source}`")
    return appspecs.complete(entry.inputs, parsed, given=entry.given), parsed.logical_name


def smoke_cases(call: Call, entry: Entry) -> tuple[Case, ...]:
    """The cases of the input `smoke`, for the commands that use it. Raises InvalidInput with every mistake."""
    path = entry.inputs.smoke
    if path is None or call.command not in DEPLOYING:
        return ()
    try:
        text = call.files.read_text(path)
    except OSError as error:
        raise InvalidInput((mistakes.unreadable("input `smoke`", path, error),)) from None
    return read_smoke(text, where=f"smoke file `{path}`")


def _text_of(call: Call, source: str) -> str:
    if not source.startswith("s3://"):
        try:
            return text_of(call.files.read_bytes(source))
        except (OSError, ValueError) as error:
            raise InvalidInput((mistakes.unreadable("input `appspec`", source, error),)) from None
    if call.command is Command.VALIDATE:
        raise InvalidInput((mistakes.APPSPEC_NEEDS_AWS,))
    bucket, _, rest = source.removeprefix("s3://").partition("/")
    key, _, version = rest.partition("?versionId=")
    ports = call.ports()
    with call.reading():
        owner = bucket_owner(call.inputs, identify(call.inputs, ports))
        return ports.revisions.get(S3Location(bucket=bucket, key=key, version=version), owner=owner)


def ended(
    call: Call,
    outcome: Outcome,
    *reasons: Reason,
    report: Mapping[str, object] | None = None,
) -> Result:
    """What a command that deploys nothing says of its function at the end."""
    return Result(
        function=call.inputs.function or "",
        alias=call.inputs.alias,
        outcome=outcome,
        reasons=reasons,
        duration_seconds=round(call.now(), 1),
        report=report or {},
    )


def conclude(call: Call, *results: Result) -> Concluded:
    """The end of a run that has no deployment to speak of."""
    concluded = conclusion.conclude(call.command, results, call.now())
    call.report(concluded)
    return concluded


def for_each(call: Call, run_one: Callable[[Call], Result]) -> Concluded:
    """Run a command for one function after the other; what goes wrong with one is told, and does not stop the others.

    Errors that concern a single function end the run as they always do.
    """
    results: list[Result] = []
    for entry in call.entries:
        one = replace(call, inputs=entry.inputs, entries=(entry,))
        if len(call.entries) == 1:
            return conclude(call, run_one(one))
        try:
            results.append(run_one(one))
        except CiDeployError as error:
            results.append(ended(one, outcome_of(error), error.reason))
        except Interrupted:
            results.append(ended(one, Outcome.CANCELLED, CancelledReading()))
        if results[-1].outcome in (Outcome.CANCELLED, Outcome.ERROR):
            break  # the others would meet the same
    return conclude(call, *results)
