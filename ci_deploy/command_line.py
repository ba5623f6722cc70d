"""The command line, made from the same table of inputs as action.yml: `ci-deploy deploy --function checkout …`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import __version__
from .core.given import meant
from .core.given.inputs import table
from .core.given.kinds import BOOL
from .core.run import Command

if TYPE_CHECKING:
    import argparse  # which the action does not need

_HELP: Mapping[Command, str] = {
    Command.DEPLOY: "deploy a version and follow it to the end",
    Command.ROLLBACK: "go back to a version that served before",
    Command.STOP: "stop the running deployment",
    Command.STATUS: "what is served, what is running, and the history",
    Command.PLAN: "what deploy would do, with every problem found; writes nothing",
    Command.SETUP: "create what is missing (application, deployment group, config, alias)",
    Command.PRUNE: "delete old versions that nothing needs",
    Command.VALIDATE: "check inputs, manifest and AppSpec, without AWS",
}


def offered(commands: Iterable[Command]) -> tuple[Command, ...]:
    """The commands that a person can give: all but the action's post step."""
    return tuple(command for command in commands if command is not Command.FINISH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The inputs by kebab-case name as text, as the environment would have them, and what only a terminal needs."""

    given: Mapping[str, str]
    json: bool


def parser(commands: Sequence[Command]) -> argparse.ArgumentParser:
    """One subcommand a command; each knows the flags of its own inputs."""
    import argparse

    top = argparse.ArgumentParser(
        prog="ci-deploy",
        description="Deploy AWS Lambda functions through CodeDeploy.",
        epilog="Credentials and region are found as the AWS CLI finds them.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"ci-deploy {__version__}")
    subs = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in commands:
        sub = subs.add_parser(command.value, help=_HELP[command], description=_HELP[command], allow_abbrev=False)
        sub.add_argument("--json", action="store_true", help="print the result as JSON at the end")
        groups: dict[str, argparse._ArgumentGroup] = {}
        for spec in table():
            if spec.name == "command" or command not in spec.commands:
                continue
            group = groups.setdefault(spec.group, sub.add_argument_group(spec.group))
            default = f" Default: {spec.default}." if spec.default else ""
            text = (spec.text + default).replace("`", "").replace("%", "%%")
            if spec.kind is BOOL:
                group.add_argument(f"--{spec.name}", nargs="?", const="true", metavar="true|false", help=text)
            else:
                group.add_argument(f"--{spec.name}", action="append", metavar=spec.kind.name.upper(), help=text)
    return top


def parse(arguments: Sequence[str], commands: Sequence[Command]) -> Arguments:
    """Flags as text; a flag that is given twice is a list. Exits with 2 and a hint where a word is not known."""
    top = parser(commands)
    first = arguments[0] if arguments else ""
    if first and not first.startswith("-") and first not in commands:
        top.error(f"there is no command `{first}`{_meant(first, [str(command) for command in commands])}")
    parsed, unknown = top.parse_known_args(arguments)
    named = vars(parsed)
    if unknown:
        # A word after an unknown flag is that flag's value.
        words = [
            word
            for before, word in zip(["", *unknown], unknown, strict=False)
            if word[:2] == "--" or before[:2] != "--"
        ]
        top.error("; ".join(_unknown(word, Command(named["command"])) for word in words))
    json = bool(named.pop("json"))
    given = {
        name.replace("_", "-"): "\n".join(value) if isinstance(value, list) else value
        for name, value in named.items()
        if value is not None
    }
    return Arguments(given=given, json=json)


def _unknown(word: str, command: Command) -> str:
    flag = word.partition("=")[0]
    if not flag.startswith("--"):
        return f"`{word}` belongs to no flag"
    for spec in table():
        if flag == f"--{spec.name}":
            return f"`{command}` has no flag `{flag}`: it belongs to {', '.join(f'`{each}`' for each in spec.commands)}"
    own = [f"--{spec.name}" for spec in table() if command in spec.commands]
    return f"`{command}` has no flag `{flag}`{_meant(flag, own)}"


def _meant(word: str, known: Sequence[str]) -> str:
    close = meant.close(word, known)
    return f": did you mean `{close}`?" if close else ""
