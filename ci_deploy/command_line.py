"""The command line, made from the same table of inputs as action.yml: `ci-deploy deploy --function checkout …`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import __version__
from .core.given import meant
from .core.given.inputs import Spec, table
from .core.given.kinds import BOOL
from .core.run import Command

if TYPE_CHECKING:
    import argparse  # which the action does not need

_HELP: Mapping[Command, str] = {
    Command.DEPLOY: "deploy a version and follow it to the end",
    Command.ROLLBACK: "go back to the previous version, or to one you name",
    Command.STOP: "stop the running deployment",
    Command.STATUS: "show what is live, what is running, and the history",
    Command.PLAN: "dry run of deploy: everything it would do, and every problem found",
    Command.SETUP: "create what is missing (application, deployment group, config, alias)",
    Command.PRUNE: "delete old versions that nothing needs",
    Command.VALIDATE: "check inputs, ci-deploy.yml and AppSpec without AWS",
}
# What one would type, most common first. Shown below the flags, and tried by a test.
_EXAMPLES: Mapping[Command, tuple[str, ...]] = {
    Command.DEPLOY: (
        "ci-deploy deploy --function checkout --code src",
        "ci-deploy deploy --function checkout --code build/app.zip --deployment-config 'canary 10% 5m'",
        "ci-deploy deploy --function checkout --version 42",
    ),
    Command.ROLLBACK: (
        "ci-deploy rollback --function checkout --reason 'prices are wrong'",
        "ci-deploy rollback --function checkout --version 41 --reason 'prices are wrong' --hold set",
    ),
    Command.STOP: (
        "ci-deploy stop --function checkout",
        "ci-deploy stop --function checkout --rollback false",
    ),
    Command.STATUS: (
        "ci-deploy status --function checkout",
        "ci-deploy status --function checkout --deployment-id d-A1B2C3D4E --wait",
    ),
    Command.PLAN: ("ci-deploy plan --function checkout --code src",),
    Command.SETUP: (
        "ci-deploy setup --function checkout --application checkout --deployment-config 'canary 10% 5m' "
        "--service-role-arn arn:aws:iam::123456789012:role/codedeploy",
        "ci-deploy setup --apply",
    ),
    Command.PRUNE: (
        "ci-deploy prune --function checkout",
        "ci-deploy prune --function checkout --keep 5 --apply",
    ),
    Command.VALIDATE: ("ci-deploy validate",),
}
# The flags that most people need, in this order; those that a command has stand first in its help.
_COMMON = (
    "function", "code", "version", "reason", "deployment-id", "deployment-config", "bucket", "only", "apply",
    "aws-region",
)  # fmt: skip


def offered(commands: Iterable[Command]) -> tuple[Command, ...]:
    """The commands that a person can give: all but the action's post step."""
    return tuple(command for command in commands if command is not Command.FINISH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The inputs by kebab-case name as text, as the environment would have them, and what only a terminal needs."""

    given: Mapping[str, str]
    json: bool
    yes: bool = False


def parser(commands: Sequence[Command]) -> argparse.ArgumentParser:
    """One subcommand a command; each knows the flags of its own inputs."""
    import argparse

    def formatter(prog: str) -> argparse.HelpFormatter:
        return argparse.RawDescriptionHelpFormatter(prog, max_help_position=30)

    top = argparse.ArgumentParser(
        prog="ci-deploy",
        description="Canary deployments for AWS Lambda with CodeDeploy.",
        epilog="`ci-deploy COMMAND --help` lists a command's flags.\n"
        "Credentials and region are found as the AWS CLI finds them.",
        formatter_class=formatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"ci-deploy {__version__}")
    subs = top.add_subparsers(dest="command", metavar="COMMAND")
    for command in commands:
        sub = subs.add_parser(
            command.value,
            help=_HELP[command],
            description=_sentence(_HELP[command]),
            usage=f"ci-deploy {command} [flags]",
            epilog="\n".join(["examples:", *(f"  {line}" for line in _EXAMPLES[command])]),
            formatter_class=formatter,
            allow_abbrev=False,
        )
        used = {spec.name: spec for spec in table() if spec.name != "command" and command in spec.commands}
        common = [used.pop(name) for name in _COMMON if name in used]
        _add(sub.add_argument_group("Common flags"), common)
        for title in dict.fromkeys(spec.group for spec in used.values()):
            _add(sub.add_argument_group(title), [spec for spec in used.values() if spec.group == title])
        if command is Command.ROLLBACK:
            sub.add_argument("--yes", action="store_true", help="Do not ask for confirmation.")
        sub.add_argument(
            "--json", action="store_true", help="Print the result as JSON at the end; the log goes to stderr."
        )
    return top


def _add(group: argparse._ArgumentGroup, specs: Sequence[Spec]) -> None:
    for spec in specs:
        text = spec.text.replace("`", "").replace("%", "%%")
        if spec.default and spec.kind is not BOOL:
            text += f" Default: {spec.default}."
        metavar = "|".join(spec.kind.choices) or spec.kind.name.upper().replace(" ", "-")
        if spec.kind is BOOL:
            group.add_argument(f"--{spec.name}", nargs="?", const="true", metavar=metavar, help=text)
        else:
            group.add_argument(f"--{spec.name}", action="append", metavar=metavar, help=text)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def parse(arguments: Sequence[str], commands: Sequence[Command]) -> Arguments:
    """Flags as text; a flag that is given twice is a list. Exits with 2 and a hint where a word is not known."""
    top = parser(commands)
    if not arguments:
        top.print_help()
        raise SystemExit(0)
    first = arguments[0]
    if first.startswith("-") and first not in ("-h", "--help", "--version"):
        top.error(f"a command comes first: {', '.join(map(str, commands))}")
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
    json, yes = bool(named.pop("json")), bool(named.pop("yes", False))
    given = {
        name.replace("_", "-"): "\n".join(value) if isinstance(value, list) else value
        for name, value in named.items()
        if value is not None
    }
    return Arguments(given=given, json=json, yes=yes)


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
