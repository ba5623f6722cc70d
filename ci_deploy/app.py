"""The process boundary: reads the world once, wires it, runs one command, and turns every end into an exit code.

    environment or flags -> inputs -> reporters, ports -> command -> drive -> Concluded -> exit code

The only module that knows both `edge` and the rest. Every way out says what happened in all reports and outputs.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__, command_line, signals
from .commands import COMMANDS
from .core.errors import CiDeployError, InvalidInput, Problem, Refused
from .core.given import mistakes, parsing
from .core.given.context import context as context_of
from .core.given.files import manifest
from .core.given.inputs import Inputs
from .core.given.trust import discovers, distrust
from .core.reasons import phrases
from .core.reasons import run as reasons
from .core.result import Fate, Finding, Result, Severity
from .core.run import Command, Context, Outcome, exit_code
from .core.story.events import CancelReceived, Concluded, Event, NotAws, Noticed, Started
from .edge import network
from .edge.rehearsal import clock_for
from .edge.runner import repository
from .edge.runner.files import RunnerFilesOnDisk, RunnerLog, Stdout, job_began, read_event, wants_colour
from .edge.runner.secrets import Secrets
from .edge.runner.terminal import LiveTerminal, ask, attended, live_terminal
from .edge.runner.workspace import WorkspaceFiles, files_for
from .reporters.fanout import FanOut
from .reporters.live import LiveReporter
from .reporters.log import LogReporter
from .reporters.outputs import FUNCTIONS, OutputsReporter
from .reporters.rendering.disclosure import in_public
from .reporters.rewording import ForEverybody, ForTerminal
from .reporters.summary import SummaryReporter
from .signals import Interrupted

if TYPE_CHECKING:
    from .core.machine.actions import Action, Observation
    from .core.machine.release import Release
    from .core.reasons.reason import Reason
    from .drive import Inbox, QueueInbox
    from .edge.runner.child import Child
    from .ports import Clock, Ports, Reporter

# How a container is started is no input of ours; runners on Kubernetes pass it among the inputs.
STARTS_CONTAINER = frozenset({"args", "entrypoint"})
PREFIX = "ci-deploy | "  # of our lines, where they stand between another command's
FAILED = 1
ASKS_LATE = (Command.VALIDATE, Command.FINISH)  # if AWS is asked anything at all
_VERBS = {Command.ROLLBACK: "roll back", Command.STOP: "stop", Command.PRUNE: "prune"}


class Machine:
    """What a run stands on: real time, real signals, threads, standard output. Tests of whole runs bring another."""

    def clock(self, environ: Mapping[str, str]) -> Clock:
        return clock_for(environ)

    def inbox(self, clock: Clock, signalled: Callable[[int], None] = lambda _: None) -> Inbox:
        """Where answers and signals arrive; `signalled` is told of each signal at once, in the handler."""
        from .drive import QueueInbox

        inbox = QueueInbox(clock)
        _on_signals(inbox, clock.real(1.0), signalled)
        return inbox

    def submit(self, perform: Callable[[Action], Observation], inbox: Inbox) -> Callable[[Action], None]:
        """What carries actions out; their observations go into the inbox."""
        from .drive import Workers

        return Workers(perform, inbox).submit

    def ahead(self, ask: Callable[[], None]) -> None:
        """Carry out the first call to AWS, beside the imports of what comes after it."""
        threading.Thread(target=ask, daemon=True, name="ahead").start()

    def stdout(self) -> Stdout:
        return Stdout()

    def stderr(self, prefix: str = "") -> Stdout:
        """Where the log goes when stdout is for the JSON alone, or for another command."""
        return Stdout(sys.stderr.buffer, prefix=prefix)

    def ask(self, question: str) -> str:
        """What a person at the terminal answers; empty where there is none. On the main thread a signal ends it all."""
        with signals.leaving():
            return ask(question, sys.stdin, sys.stderr)

    def attended(self) -> bool:
        """Whether a person is there to be asked."""
        return attended(sys.stdin)

    def terminal(self, *, colour: bool, hide: Callable[[str], str]) -> LiveTerminal | None:
        """A live display, for a person who looks on and has installed `ci-deploy[cli]`."""
        return live_terminal(sys.stdout, colour=colour, hide=hide)


def run(
    arguments: Sequence[str],
    environ: Mapping[str, str],
    directory: Path,
    *,
    command: str = "",
    machine: Machine | None = None,
) -> int:
    """Run the action (inputs in the environment) or the command line. Returns the exit code; never raises.

    `command` overrides the input of that name: the post step's entry point says `finish`.
    """
    machine = machine or Machine()
    if not logging.getLogger().handlers:
        # Python would write libraries' warnings to stderr, past everything that makes the log harmless.
        logging.getLogger().addHandler(logging.NullHandler())
    given = inputs_from(environ)
    actions = bool(given or command) or (not arguments and environ.get("GITHUB_ACTIONS") == "true")
    as_json = yes = False
    around: tuple[str, ...] = ()
    where = "input `{}`"
    if not actions:
        parsed = command_line.parse(arguments, command_line.offered(COMMANDS))
        given, as_json, yes, where = dict(parsed.given), parsed.json, parsed.yes, "flag `--{}`"
        if given["command"] == command_line.INIT:
            with signals.leaving():
                return _initialize(given, environ, directory, machine)
        around = parsed.around
        if around and environ.get("GITHUB_ACTIONS") == "true" and environ.get("GITHUB_TOKEN", "").strip():
            given.setdefault("github-token", environ["GITHUB_TOKEN"])  # a `run:` step has no inputs
    context = context_of(environ, read_event(environ))
    context = replace(context, actions=actions)
    # The job log renders colours though it is no terminal.
    colour = wants_colour(environ, terminal=actions or _terminal())
    secrets = Secrets(environ)
    aside = as_json or bool(around)
    log = (None if actions or aside else machine.terminal(colour=colour, hide=secrets.hide)) or RunnerLog(
        machine.stderr(PREFIX if around else "") if aside else machine.stdout(),
        actions=actions,
        colour=colour,
        hide=secrets.hide,
    )
    child = None
    if around:
        from .edge.runner.child import Child

        child = Child(around)
    made = _Run(
        given,
        environ,
        directory,
        context,
        log,
        machine,
        secrets,
        where=where,
        as_json=as_json,
        command=command,
        attended=not actions and machine.attended(),
        yes=yes,
        child=child,
    )
    code = made.run()
    # Our own trouble does not fail a command that went well; what became of its deployment does.
    return code if child is None or not child.started else child.wait() or (code if code == FAILED else 0)


def inputs_from(environ: Mapping[str, str]) -> dict[str, str]:
    """INPUT_DEPLOYMENT-GROUP and the like, by kebab-case name, empty ones left out.

    The runner upper-cases names and keeps hyphens (facts.md B1). Misspelt inputs arrive like the others, so they are
    taken along to be complained about.
    """
    given = {
        name.removeprefix("INPUT_").lower(): value
        for name, value in environ.items()
        if name.startswith("INPUT_") and value.strip()
    }
    return {name: value for name, value in given.items() if name not in STARTS_CONTAINER}


def _initialize(given: Mapping[str, str], environ: Mapping[str, str], directory: Path, machine: Machine) -> int:
    """`init` is no run: nothing is reported, its lines are its output."""
    from .commands import init
    from .core.reasons import init as init_words
    from .edge.github.subjects import Subjects
    from .edge.runner.checkout import WorkingCopy
    from .edge.runner.template import template

    try:
        stacks = template()
    except FileNotFoundError:
        machine.stderr().write(f"{Problem(where='`init`', what=init_words.NOT_HERE, remedy=init_words.INSTALL)}")
        return exit_code(Command.VALIDATE, Outcome.INVALID)
    root = repository.root({}, directory)
    try:
        init.run(
            given,
            folder=os.path.relpath(directory, root),
            defaults={"aws-region": environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION", "")},
            file=repository.find(root),
            template=stacks,
            checkout=WorkingCopy(root, environ),
            github=Subjects(environ),
            ask=machine.ask,
            write=machine.stdout().write,
        )
    except InvalidInput as error:
        for problem in error.problems:
            machine.stderr().write(f"{problem}")
        return exit_code(Command.VALIDATE, Outcome.INVALID)
    return 0


def _terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


class _Run:
    """One run, from inputs to exit code."""

    def __init__(
        self,
        given: Mapping[str, str],
        environ: Mapping[str, str],
        directory: Path,
        context: Context,
        log: RunnerLog | LiveTerminal,
        machine: Machine,
        secrets: Secrets,
        *,
        where: str,
        as_json: bool,
        command: str,
        attended: bool,
        yes: bool,
        child: Child | None = None,
    ) -> None:
        self._given = given
        self._environ = environ
        self._directory = directory
        self._context = context
        self._log = log
        self._machine = machine
        self._secrets = secrets
        self._where = where
        self._json = as_json
        self._command = command
        self._attended = attended  # a person is there to be asked
        self._confirms = attended and not yes
        self._child = child
        self._concluded: Concluded | None = None
        self._inputs = Inputs(command=_intended(given))
        self._file: str | None = None  # the repository's file, empty if there is none
        self._start = 0.0
        self._signalled = False
        self._interruptible = False  # the main thread waits for an answer, which a signal ends
        self._asking = False  # a question is open on the screen
        self._close: Callable[[], None] = lambda: None

    def run(self) -> int:
        files = RunnerFilesOnDisk(self._environ, warn=lambda text: self._log.warning(text))
        print_json = self._machine.stdout().write if self._json else None
        on_screen = LogReporter(self._log)
        reporters: list[Reporter] = [
            ForEverybody(on_screen if self._context.actions else ForTerminal(on_screen)),
            OutputsReporter(files, print_json),
            ForEverybody(SummaryReporter(files)),
        ]
        if isinstance(self._log, LiveTerminal):
            reporters.append(ForEverybody(LiveReporter(self._log.show, self._safe_now)))
        self._report = FanOut(reporters, self._log, self._secrets.hide)
        try:
            self._clock = self._machine.clock(self._environ)
            self._start = self._clock.now()
            self._files = files_for(self._environ, self._directory)
            self._entries = self._read_inputs()
            self._report = self._reporters(files, reporters)
            self._begin()
            self._guard()
            return self._execute().exit_code
        except Interrupted as error:
            return self._fail(error)
        except CiDeployError as error:
            from .drive import Bug

            return self._fail(error.__cause__ if isinstance(error, Bug) and error.__cause__ else error)
        except Exception as error:  # noqa: BLE001 - the boundary: a bug is told as one
            return self._fail(error)
        finally:
            self._report.close()
            self._close()
            if isinstance(self._log, LiveTerminal):
                self._log.close()

    def _mask(self, secret: str) -> None:
        """Have the runner hide it, and hide it ourselves, where a part or another form of it comes up."""
        self._secrets.learn(secret)
        self._log.add_mask(secret)

    def _reporters(self, files: RunnerFilesOnDisk, reporters: list[Reporter]) -> FanOut:
        """All reporters that these inputs ask for. Those that need GitHub share one background thread."""
        inputs, context = self._inputs, self._context
        if inputs.github_token and context.repository:
            self._mask(inputs.github_token)
            from .edge.github.api import RestGitHub
            from .reporters.comment import STATE as COMMENT
            from .reporters.comment import CommentReporter
            from .reporters.courier import Courier

            courier = Courier(self._clock, self._log)
            self._close = courier.close
            github = RestGitHub(
                api_url=context.api_url,
                repository=context.repository,
                token=inputs.github_token,
                trust=network.trust(self._environ, network.FOR_GITHUB),
            )
            if inputs.comment != "off":
                comment = CommentReporter(
                    github,
                    courier,
                    self._log,
                    inputs.comment,
                    files=files,
                    mark=self._environ.get(f"STATE_{COMMENT}", "").strip() if self._command else "",
                )
                reporters.append(ForEverybody(comment))
            if inputs.github_deployment:
                from .edge.github.oidc import job_environment
                from .reporters.github_deployment import STATE as GITHUB_DEPLOYMENT
                from .reporters.github_deployment import GitHubDeploymentReporter

                deployment = GitHubDeploymentReporter(
                    github,
                    courier,
                    files,
                    environment=inputs.github_deployment,
                    environment_url=inputs.environment_url or "",
                    deployment_id=_number(self._environ.get(f"STATE_{GITHUB_DEPLOYMENT}")),
                    job_environment=lambda: job_environment(self._environ),
                )
                reporters.append(ForEverybody(deployment))
        return FanOut(reporters, self._log, self._secrets.hide)

    def _read_inputs(self) -> tuple[manifest.Entry, ...]:
        """The functions of this run: those of the repository's file that are meant, or the one that the inputs name."""
        given, command = self._given, _intended(self._given)
        if self._command:
            return self._read_for_post_step()
        file = self._read_file()
        if file is None:
            for name in ("target", "only"):
                if given.get(name, "").strip():
                    raise InvalidInput((mistakes.no_file(self._where.format(name)),))
            self._inputs = parsing.parse(given, where=self._where, attended=self._confirms)
            return (manifest.Entry(inputs=self._inputs, wave=0, given=frozenset(given)),)
        self._given = given = dict(file.run)
        if not file.entries:
            return self._alone(file, Command(command))
        self._inputs = self._parse_run(given)
        only = self._inputs.only
        if len(file.labels) > 1 and not (given.get("function") or only):
            only = self._demand_choice(file, Command(command))
        entries = manifest.select(file.entries, only, where=self._where.format("only"))
        region = next((entry.inputs.aws_region for entry in entries if entry.inputs.aws_region), None)
        self._inputs = entries[0].inputs if len(entries) == 1 else replace(self._inputs, aws_region=region)
        return entries

    def _read_for_post_step(self) -> tuple[manifest.Entry, ...]:
        """The post step knows its functions from the state; from inputs and file only where that is lost."""
        given: Mapping[str, str] = self._given
        entries: tuple[manifest.Entry, ...] = ()
        with contextlib.suppress(InvalidInput):
            file = self._read_file()
            given = file.run if file else given
            self._inputs = self._parse_run(given)
            if file:
                entries = manifest.select(file.entries, self._inputs.only, where=self._where.format("only"))
            else:
                alone = parsing.parse(given, where=self._where)
                entries = (manifest.Entry(inputs=alone, wave=0, given=frozenset(given)),)
        self._inputs = replace(self._parse_run(given), command=self._command)
        return entries

    def _parse_run(self, given: Mapping[str, str]) -> Inputs:
        """The inputs of a run whose functions the file describes; there a label need not be a function's name."""
        return parsing.parse({**given, "function": ""}, where=self._where, several=True, attended=self._confirms)

    def _alone(self, file: manifest.Manifest, command: Command) -> tuple[manifest.Entry, ...]:
        """A function that the file does not have: it may be looked at, and not written to."""
        if command not in (Command.STATUS, Command.VALIDATE):
            function = file.run.get("function", "")
            where = self._where.format("function")
            raise InvalidInput((mistakes.not_in_file(where, function, self._file or "", file.labels),))
        self._inputs = parsing.parse(file.run, where=self._where)
        return (manifest.Entry(inputs=self._inputs, wave=0, given=frozenset(file.run)),)

    def _demand_choice(self, file: manifest.Manifest, command: Command) -> tuple[str, ...]:
        """What takes traffic or versions away is never meant for all functions by leaving something out.

        On a terminal they are listed, and the person says which; the answer is as the input `only`.
        """
        if command not in (Command.ROLLBACK, Command.STOP, Command.PRUNE):
            return ()
        question = phrases.choice(self._file or "", file.labels, _VERBS[command])
        answer = self._ask(question) if self._attended else ""
        if not answer:
            where = self._where.format("function")
            raise InvalidInput((mistakes.no_choice(where, self._file or "", file.labels, _VERBS[command]),))
        return tuple(answer.replace(",", " ").split())

    def _read_file(self) -> manifest.Manifest | None:
        """The repository's file, or the one that `config` names; None where none is read."""
        chosen = self._given.get("config", "").strip()
        root = repository.root(self._environ, self._directory)
        watches_stack = _intended(self._given) == Command.WATCH and self._given.get("stack", "").strip()
        if watches_stack and not chosen:
            return None  # the stack says what is meant
        if chosen.lower() == "none" or not (chosen or discovers(self._context)):
            return None
        self._file = chosen or repository.find(root)
        if not self._file:
            return None
        # What is found by itself is read from the repository alone: no link leads it out.
        files = self._files if chosen else WorkspaceFiles(root, confined=True)
        try:
            text = files.read_text(self._file)
        except OSError as error:
            where = self._where.format("config") if chosen else f"file `{self._file}`"
            raise InvalidInput((mistakes.unreadable(where, self._file, error),)) from None
        below = os.path.relpath(root, self._directory)
        pull_request = self._context.event_name.startswith("pull_request")
        return manifest.read(
            text,
            self._given,
            where=self._file,
            folder="" if below == "." or self._environ.get("GITHUB_WORKSPACE") else below,
            ignoring=manifest.FROM_INPUTS_IN_PULL_REQUESTS if pull_request else (),
            attended=self._confirms,
        )

    def _begin(self) -> None:
        inputs = self._inputs
        keys = self._keys_of_main_step() or tuple(
            f"{entry.inputs.function}:{entry.inputs.alias}" for entry in self._entries if entry.inputs.function
        )
        self._report.report(
            Started(
                at=self._now(),
                command=Command(inputs.command),
                keys=keys,
                inputs=parsing.given_text(self._given),
                context=self._context,
                file=self._told_file(),
                epoch=self._clock.epoch(),
            )
        )
        in_run_step = self._child is not None and self._environ.get("GITHUB_ACTIONS") == "true"
        if in_run_step and not inputs.github_token and inputs.comment != "off":
            self._notice(Severity.NOTE, reasons.NoToken())
        if self._command:
            return  # the post step has the main step's inputs, and was not asked
        for name in parsing.unused(self._given, Command(inputs.command)):
            self._notice(Severity.NOTE, reasons.InputUnused(input_name=name, command=inputs.command))

    def _keys_of_main_step(self) -> tuple[str, ...]:
        """All functions of the run, as the main step left them: some may have come to no deployment."""
        if not self._command:
            return ()
        try:
            keys = json.loads(self._environ.get(f"STATE_{FUNCTIONS}", "[]"))
        except ValueError:
            return ()
        return tuple(map(str, keys)) if isinstance(keys, list) else ()

    def _told_file(self) -> str:
        """What the log's first lines say of the repository's file."""
        if self._file:
            return self._file
        workspace = self._environ.get("GITHUB_WORKSPACE", "").strip()
        nothing = self._file == "" and workspace and repository.empty(Path(workspace))
        return "none (nothing was checked out)" if nothing else ""

    def _guard(self) -> None:
        allowed = bool(self._inputs.allow_untrusted_event)
        why = distrust(Command(self._inputs.command), self._context, allowed=allowed)
        if why and not allowed:
            raise Refused(why)
        if why:
            self._notice(Severity.WARNING, why)

    def _execute(self) -> Concluded:
        ports: list[Ports] = []

        def make_ports() -> Ports:
            if not ports:
                from .edge.aws.wiring import wire

                wired = wire(
                    self._inputs,
                    self._environ,
                    clock=self._clock,
                    directory=self._directory,
                    mask=self._mask,
                    learn=self._secrets.learn,
                    tell=lambda found: self._report.report(NotAws(at=self._now(), endpoints=found)),
                    ahead=self._machine.ahead,
                )
                ports.append(replace(wired, confirm=self._confirm))
            return ports[0]

        if Command(self._inputs.command) not in ASKS_LATE and self._inputs.shard_size is None:
            make_ports()
        # The half of the program that the first call to AWS does not need, imported while it is under way.
        from .commands.call import Call
        from .drive import drive
        from .perform.actions import perform

        inbox = self._machine.inbox(self._clock, self._on_signal)

        def drive_release(release: Release) -> Concluded:
            wired = make_ports()
            submit = self._machine.submit(lambda action: perform(action, wired, inbox.put), inbox)
            drive(release, inbox=inbox, submit=submit, now=self._now, report=self._told)
            assert self._concluded is not None
            return self._concluded

        call = Call(
            inputs=self._inputs,
            entries=self._entries,
            context=self._context,
            files=self._files,
            ports=make_ports,
            drive=drive_release,
            report=self._told,
            confirm=self._confirms,
            now=self._now,
            second=self._clock.real(1.0),
            start_command=lambda: self._start_command(inbox),
            age=self._age(),
            behind=self._clock.behind,
            interruptible=lambda: self._calling(inbox),
            reading=lambda: self._reading(inbox),
            cancelled=lambda seconds: self._cancelled(inbox, seconds),
            state={
                name.removeprefix("STATE_"): value for name, value in self._environ.items() if name.startswith("STATE_")
            },
        )
        return COMMANDS[Command(self._inputs.command)](call)

    def _age(self) -> float:
        """How long the job has run before this step, on our clock."""
        began = job_began(self._environ)
        return 0.0 if began is None else self._clock.real(max(0.0, self._clock.epoch() - self._now() - began))

    def _start_command(self, inbox: Inbox) -> bool:
        if self._child is None:
            return False
        try:
            from .core.machine.actions import CommandEnded

            self._child.start(lambda code: inbox.put(CommandEnded(exit_code=code)))
        except OSError as error:
            raise Refused(reasons.CommandNotStarted(said=error.strerror or str(error))) from None
        inbox.expect()
        return True

    def _on_signal(self, number: int) -> None:
        """In the handler, once the signal is in the inbox."""
        if self._child is not None:
            self._child.interrupt(number)
        if self._interruptible:
            self._interruptible = False
            raise Interrupted

    @contextlib.contextmanager
    def _calling(self, inbox: Inbox) -> Iterator[None]:
        """A call on this thread: it may take minutes, and a runner kills us ten seconds after its signal."""
        self._interruptible = True
        try:
            yield
        except Interrupted:
            self._cancelled(inbox, 0.0)  # which tells of it
            raise
        finally:
            self._interruptible = False

    @contextlib.contextmanager
    def _reading(self, inbox: Inbox) -> Iterator[None]:
        """What half of would be worse than nothing: also a signal before or after it counts."""
        with self._calling(inbox):
            if self._cancelled(inbox, 0.0):
                raise Interrupted
            yield
        if self._cancelled(inbox, 0.0):
            raise Interrupted

    def _cancelled(self, inbox: Inbox, seconds: float) -> bool:
        """Whether a signal has arrived, for the commands that are no release: nothing else comes into their inbox."""
        from .core.machine.actions import Cancelled

        signalled = inbox.take(0.0 if self._signalled else seconds)
        if isinstance(signalled, Cancelled):
            self._signalled = True
            self._report.report(CancelReceived(at=self._now(), signal=signalled.signal, policy=""))
        return self._signalled

    def _confirm(self, goals: Sequence[tuple[str, str]]) -> str | None:
        """The one question: a yes may bring its reason along."""
        asks_why = not self._given.get("reason", "").strip()
        yes, _, why = self._ask(phrases.confirmation(goals, asks_why=asks_why)).partition(" ")
        return why.strip() if yes.lower().rstrip(",:") in ("y", "yes") else None

    def _ask(self, question: str) -> str:
        """What the person at the terminal answers; nothing is drawn there meanwhile."""
        with self._log.paused() if isinstance(self._log, LiveTerminal) else contextlib.nullcontext():
            self._asking = True
            try:
                return self._machine.ask(question)
            finally:
                self._asking = False

    def _told(self, event: Event) -> None:
        if self._asking:  # a signal came before the answer: the log begins a line of its own
            self._asking = False
            self._machine.stderr().write("")
        if isinstance(event, Concluded):
            self._concluded = event
        self._report.report(event)

    def _now(self) -> float:
        return self._clock.now() - self._start

    def _notice(self, severity: Severity, reason: Reason) -> None:
        self._report.report(Noticed(at=self._safe_now(), finding=Finding(severity=severity, reason=reason)))

    def _safe_now(self) -> float:
        return self._now() if hasattr(self, "_clock") else 0.0

    def _fail(self, error: BaseException) -> int:
        """An end without a verdict of a release: bad inputs, a refusal, AWS, or a bug."""
        reason: Reason
        if isinstance(error, Interrupted):
            outcome, reason = Outcome.CANCELLED, reasons.CancelledReading()
        elif isinstance(error, CiDeployError):
            from .core.machine.rollout import outcome_of

            outcome, reason = outcome_of(error), error.reason
            if isinstance(error, InvalidInput):
                problems = [replace(each, where=self._as_given(each.where)) for each in error.problems]
                reason = InvalidInput(tuple(problems)).reason
        else:
            outcome = Outcome.BUG
            reason = reasons.Bug(error=f"{type(error).__name__}: {error}")
            self._bug_report(error)
        result = Result(
            function=self._inputs.function or self._given.get("function", ""),
            alias=self._inputs.alias,
            outcome=outcome,
            reasons=(reason,),
            fate=Fate.IN_DOUBT if outcome is Outcome.BUG else Fate.NEVER_CREATED,
            duration_seconds=round(self._safe_now(), 1),
            settled=outcome is not Outcome.BUG,
        )
        command = Command(self._inputs.command)
        code = exit_code(command, outcome)
        self._report.report(
            Concluded(at=self._safe_now(), command=command, result=result, results=(result,), exit_code=code)
        )
        return code

    def _as_given(self, where: str) -> str:
        """An input by the name that the user gave it by: on the command line it is a flag."""
        named = re.fullmatch(r"input `([a-z0-9-]+)`", where)
        return self._where.format(named[1]) if named else where

    def _bug_report(self, error: BaseException) -> None:
        self._log.group(f"Bug report: ci-deploy {__version__}")
        for line in "".join(traceback.format_exception(error)).splitlines():
            self._log.line(in_public(line) if self._context.public else line)
        self._log.endgroup()


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _intended(given: Mapping[str, str]) -> str:
    """The command that was meant, as well as can be told before the inputs are known to be good."""
    text = given.get("command", "").strip().lower()
    return text if text in command_line.offered(COMMANDS) else Command.DEPLOY.value


def _on_signals(inbox: QueueInbox, second: float, signalled: Callable[[int], None]) -> None:
    """A signal becomes an observation. As PID 1, SIGTERM would otherwise be ignored (facts.md B3)."""
    from .core.machine.actions import Cancelled

    def handle(number: int) -> None:
        inbox.put(Cancelled(signal=signal.Signals(number).name, second=second))
        signalled(number)

    signals.deliver(handle)
