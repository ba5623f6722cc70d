"""Turns what was given as text into `Inputs`, or names everything that is wrong with it, all problems at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from ..errors import InvalidInput, Problem
from ..guards.grammar import BadGuards
from ..links import page, without_login
from ..run import Command
from . import meant
from .inputs import DEPLOYING, NEEDS_GUARDS, NEEDS_WAIT, Inputs, table
from .meant import shorten
from .shifts import ALL_AT_ONCE


def parse(
    given: Mapping[str, str], *, where: str = "input `{}`", several: bool = False, attended: bool = False
) -> Inputs:
    """Parse values by kebab-case name, or raise InvalidInput with every problem.

    Empty values count as not given. `where` is how a name is shown to the user. `several`: a file says what there is to
    say about each function, so a function need not be named here. `attended`: a person will be asked for a rollback's
    reason.
    """
    rows = {spec.name: spec for spec in table()}
    problems: list[Problem] = []
    failed: set[str] = set()
    values: dict[str, Any] = {}
    for name, text in given.items():
        spec = rows.get(name)
        if spec is None:
            remedy = meant.question(name, rows) or f"{page('reference.md')} lists all inputs."
            problems.append(Problem(where=where.format(name), what="is unknown.", remedy=remedy))
            continue
        stripped = text.strip()
        if not stripped:
            continue
        try:
            values[spec.field_name] = spec.kind.parse(stripped)
        except BadGuards as error:
            failed.add(spec.field_name)
            problems += [replace(each, where=f"{where.format(name)}, {each.where}") for each in error.problems]
        except ValueError as error:
            failed.add(spec.field_name)
            shown = "" if spec.secret else f"`{shorten(stripped)}` "
            problems.append(
                Problem(where=where.format(name), what=f"{shown}{error}.", remedy=f"Expected {spec.kind.hint}.")
            )
    inputs = Inputs(**values)
    problems += _contradictions(inputs, set(values), failed, where, several=several, attended=attended)
    if problems:
        raise InvalidInput(tuple(problems))
    return _with_command_defaults(inputs, set(values))


# Whoever gives one of these to a command that has no use for it means something else than what would happen.
_SAYS_WHAT = ("code", "version", "deployment_id", "hold")


def _contradictions(
    inputs: Inputs, given: set[str], failed: set[str], where: str, *, several: bool, attended: bool
) -> list[Problem]:
    """What is wrong with inputs that are each well-formed: things missing, or excluding each other."""
    found: list[Problem] = []

    def problem(name: str, what: str, remedy: str) -> None:
        if name not in failed:  # what is malformed is complained about already
            found.append(Problem(where=where.format(name.replace("_", "-")), what=what, remedy=remedy))

    if "command" not in failed:  # of a command that nobody knows nothing can be said
        _for_the_command(inputs, given, failed, problem, several=several, attended=attended)
    for name, there in of_arn(inputs.function).items():
        said = getattr(inputs, name)
        if said is not None and said != there:
            what = f"says `{there}` in its ARN, but `{name.replace('_', '-')}` is `{said}`."
            problem("function", what, "Correct one of them, or set the function's name alone.")
    if inputs.code is not None and inputs.version is not None:
        problem(
            "version", "and `code` are both set.", "Set `code` to deploy new code, or `version` for a published one."
        )
    if inputs.github_deployment and not inputs.github_token:
        problem("github_token", "is missing.", "`github-deployment` needs it, and `deployments: write`.")
    return found


def _for_the_command(
    inputs: Inputs,
    given: set[str],
    failed: set[str],
    problem: Callable[[str, str, str], None],
    *,
    several: bool,
    attended: bool,
) -> None:
    """What this command needs, and what it has no use for although it was meant."""
    command = Command(inputs.command)
    for row in fields(Inputs):
        # Most inputs of another command are harmless: one workflow for several commands passes them all.
        if row.name in given and row.name in _SAYS_WHAT and command not in row.metadata["commands"]:
            used = ", ".join(f"`{other}`" for other in row.metadata["commands"])
            problem(row.name, f"is not used by the command `{command}`.", f"It belongs to {used}.")
    said = given | failed
    own_appspec = "appspec" in said and command in DEPLOYING
    named = command is Command.SETUP or (command is Command.WATCH and inputs.stack is not None)
    if not several and not own_appspec and inputs.function is None and not named:
        stack = ", set `stack`" if command is Command.WATCH else ""
        fix = f"Set the function's name{stack}, or describe your functions in `ci-deploy.yml`."
        problem("function", "is missing.", fix)
    if not several and command is Command.SETUP and inputs.function is None and inputs.application is None:
        problem("application", "is missing.", "Set it, or set `function`: the application then has its name.")
    if not several and not own_appspec and command in (Command.DEPLOY, Command.PLAN) and not said & {"code", "version"}:
        problem("code", *WHAT_TO_DEPLOY)
    if command is Command.DEPLOY and not inputs.wait:
        for name in ("guards", "bake"):
            if name in given and (name == "bake" or inputs.guards.counting):
                problem(name, *NEEDS_WAIT)
    if inputs.on_inconclusive == "rollback" and command in DEPLOYING and not inputs.guards.counting:
        problem("on_inconclusive", *NEEDS_GUARDS)
    if command is Command.DEPLOY and inputs.hold == "set":
        problem("hold", "is `set`, which would refuse this very deployment.", "Set `hold: release`, or leave it out.")
    if command is Command.ROLLBACK:
        if not inputs.reason and not attended:
            problem("reason", "is missing.", "Say in a few words why: it becomes part of the deployment's history.")
        if inputs.version and inputs.deployment_id:
            problem(
                "version", "and `deployment-id` are both set.", "Set the version, or the deployment that released it."
            )


# An expression that turned out empty must not deploy whatever the function happens to hold.
WHAT_TO_DEPLOY = (
    "is missing: nothing says what to deploy.",
    "Set `code` (a folder, a zip, `s3://…`, an image, or `$LATEST`), or `version`.",
)


def _with_command_defaults(inputs: Inputs, given: set[str]) -> Inputs:
    """Defaults that depend on other inputs: a manual rollback is not undone by losing patience or the job."""
    policy = "leave" if inputs.command == Command.ROLLBACK else "rollback"
    changes: dict[str, Any] = {name: policy for name in ("on_timeout", "on_cancel") if name not in given}
    if inputs.command == Command.STATUS:
        # It only looks, whatever a workflow that shares its inputs between commands says.
        changes |= {"on_timeout": "leave", "on_cancel": "leave", "hook_timeout": None, "repair_alias": "never"}
    if inputs.command == Command.WATCH:
        # It creates nothing, and stops another tool's deployment only when told to.
        changes |= {"on_timeout": "rollback" if inputs.on_violation == "rollback" else "leave", "repair_alias": "never"}
        changes |= {"on_cancel": inputs.on_cancel if "on_cancel" in given else "leave", "wait": True}
    if inputs.command == Command.ROLLBACK:
        if "auto_rollback" not in given:
            changes["auto_rollback"] = ()
        if "deployment_config" not in given:
            changes["deployment_config"] = ALL_AT_ONCE
    if inputs.command == Command.STATUS and "wait" not in given:
        changes["wait"] = False
    if inputs.function:  # an ARN ends in the name
        changes |= {"function": inputs.function.split(":")[-1], **of_arn(inputs.function)}
    return placed(replace(inputs, **changes))


def placed(inputs: Inputs) -> Inputs:
    """Application and deployment group, where nobody named them: the function's and the alias's names."""
    return replace(
        inputs,
        application=inputs.application or inputs.function,
        deployment_group=inputs.deployment_group or inputs.alias,
    )


def of_arn(function: str | None) -> dict[str, str]:
    """Where a function is, as its ARN says: another one of the same name elsewhere is never meant."""
    parts = (function or "").split(":")
    return {"aws_region": parts[3], "account_id": parts[4]} if len(parts) == 7 else {}


def unused(given: Mapping[str, str], command: Command) -> tuple[str, ...]:
    """Names of the inputs that were given and that `command` does not use: worth a note, not an error."""
    return tuple(spec.name for spec in table() if given.get(spec.name, "").strip() and command not in spec.commands)


def given_text(given: Mapping[str, str]) -> dict[str, str]:
    """The inputs as the user gave them, for the reports: secrets and empty ones left out."""
    secret = {spec.name for spec in table() if spec.secret}
    return {name: without_login(text.strip()) for name, text in given.items() if text.strip() and name not in secret}
