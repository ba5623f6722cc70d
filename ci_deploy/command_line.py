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
    Command.WATCH: "follow deployments that another tool starts (SAM, CDK, Terraform, Serverless)",
}
# What one would type, most common first. Shown below the flags, and tried by a test.
_EXAMPLES: Mapping[Command, tuple[str, ...]] = {
    Command.DEPLOY: (
        "ci-deploy deploy --function checkout --code src",
        "ci-deploy deploy --function checkout --code build/app.zip --deployment-config 'canary 10% 5m'",
        "ci-deploy deploy --function checkout --version 42",
    ),
    Command.ROLLBACK: (
        "ci-deploy rollback --function checkout",
        "ci-deploy rollback --function checkout --version 41 --hold set --yes --reason 'wrong prices, ticket 4711'",
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
    Command.WATCH: (
        "ci-deploy watch --stack shop -- sam deploy --no-confirm-changeset",
        "ci-deploy watch --function checkout --appear-within 10m",
    ),
}
# Writes files, and is no command of the action.
INIT = "init"
INIT_HELP = "write ci-deploy.yml and the workflows of this repository, and say how to prepare the account"
_INIT_EXAMPLES = (
    "ci-deploy init",
    "ci-deploy init --function checkout --code src --aws-region eu-central-1 --account-id 123456789012",
    "ci-deploy init --function checkout --create-functions --environment production",
)
# By group: each flag and what it says; those of other commands say the same here.
_INIT_FLAGS: Mapping[str, Mapping[str, str]] = {
    "What is deployed, and where": {
        "function": "The Lambda function: its name or ARN. Repeat it for several, with as many --code.",
        "code": "Its code: a zip file or a folder, an S3 object, a container image in ECR, or $LATEST.",
        "create-functions": "The functions do not exist yet: the template makes them (Python, index.handler).",
        "alias": "The alias whose traffic is shifted. Default: live.",
        "application": "CodeDeploy's application. Default: the function's name.",
        "deployment-group": "Its deployment group. Default: the alias's name.",
        "aws-region": "The AWS region. Default: AWS_REGION.",
        "account-id": "The AWS account.",
        "deployment-config": "How traffic shifts, such as 'canary 10% 5m'. Default: the group's, canary 10% 5m.",
        "bucket": "The name of the S3 bucket to make. Default: a name of its own.",
        "name": "What the roles are called after (deploy-NAME, …). Default: the function's or the repository's name.",
        "target": "The environment of an existing ci-deploy.yml.",
    },
    "The repository": {
        "repository": "OWNER/NAME. Default: what Git's remote origin says.",
        "github-server": "The host of GitHub Enterprise Server. Default: what Git's remote origin says.",
        "branch": "The branch that is deployed. Default: the repository's.",
        "environment": "The GitHub environment of the deploy and rollback jobs.",
        "action": "The action that the workflows use. Default: your-org/ci-deploy@v1.",
    },
    "Whom the roles trust": {
        "subject": "The subject of the deploy and rollback jobs' tokens; repeat it for several. Default: every form "
        "that GitHub may give them.",
        "read-subject": "The same of the plan jobs, which run on pull requests.",
        "owner-id": "The ID of the repository's owner, for subjects with IDs. Default: asked of GitHub.",
        "repository-id": "The repository's ID.",
        "oidc-provider-arn": "The account's OIDC provider. Default: the one that the account has, else a new one.",
    },
}
# The flags that most people need, in this order; those that a command has stand first in its help.
_COMMON = (
    "function", "stack", "code", "version", "reason", "deployment-id", "deployment-config", "bucket", "only", "apply",
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
    around: tuple[str, ...] = ()  # the command after `--`


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
    init = subs.add_parser(
        INIT,
        help=INIT_HELP,
        description=f"{_sentence(INIT_HELP)} It overwrites nothing and needs no AWS credentials. On a terminal it asks"
        " for what no flag says.",
        usage=f"ci-deploy {INIT} [flags]",
        epilog="\n".join(["examples:", *(f"  {line}" for line in _INIT_EXAMPLES)]),
        formatter_class=formatter,
        allow_abbrev=False,
    )
    for title, flags in _INIT_FLAGS.items():
        group = init.add_argument_group(title)
        for name, text in flags.items():
            text = text.replace("%", "%%")
            if name == "create-functions":
                group.add_argument(f"--{name}", nargs="?", const="true", metavar="true|false", help=text)
            else:
                group.add_argument(f"--{name}", action="append", metavar=name.rpartition("-")[2].upper(), help=text)
    for command in commands:
        sub = subs.add_parser(
            command.value,
            help=_HELP[command],
            description=_sentence(_HELP[command]),
            usage=f"ci-deploy {command} [flags]" + (" [-- COMMAND …]" if command is Command.WATCH else ""),
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
    arguments, around = _around(arguments)
    first = arguments[0]
    if first.startswith("-") and first not in ("-h", "--help", "--version"):
        top.error(f"a command comes first: {', '.join(map(str, commands))}")
    if first and not first.startswith("-") and first not in (*commands, INIT):
        top.error(f"there is no command `{first}`{_meant(first, [INIT, *map(str, commands)])}")
    parsed, unknown = top.parse_known_args(arguments)
    named = vars(parsed)
    if unknown:
        # A word after an unknown flag is that flag's value.
        words = [
            word
            for before, word in zip(["", *unknown], unknown, strict=False)
            if word[:2] == "--" or before[:2] != "--"
        ]
        top.error("; ".join(_unknown(word, named["command"]) for word in words))
    json, yes = bool(named.pop("json", False)), bool(named.pop("yes", False))
    if around and named["command"] != Command.WATCH:
        top.error("only `watch` runs a command: `ci-deploy watch --stack shop -- sam deploy`")
    if around and json:
        top.error("`--json` writes to stdout, which belongs to the command after `--`")
    given = {
        name.replace("_", "-"): "\n".join(value) if isinstance(value, list) else value
        for name, value in named.items()
        if value is not None
    }
    return Arguments(given=given, json=json, yes=yes, around=around)


def _around(arguments: Sequence[str]) -> tuple[Sequence[str], tuple[str, ...]]:
    """Our own arguments, and the command after the first `--`."""
    if "--" not in arguments[1:]:
        return arguments, ()
    place = arguments.index("--", 1)
    return arguments[:place], tuple(arguments[place + 1 :])


def _unknown(word: str, command: str) -> str:
    flag = word.partition("=")[0]
    if not flag.startswith("--"):
        return f"`{word}` belongs to no flag"
    if command == INIT:
        own = [f"--{name}" for flags in _INIT_FLAGS.values() for name in flags]
        return f"`{command}` has no flag `{flag}`{_meant(flag, own)}"
    for spec in table():
        if flag == f"--{spec.name}":
            return f"`{command}` has no flag `{flag}`: it belongs to {', '.join(f'`{each}`' for each in spec.commands)}"
    own = [f"--{spec.name}" for spec in table() if command in spec.commands]
    return f"`{command}` has no flag `{flag}`{_meant(flag, own)}"


def _meant(word: str, known: Sequence[str]) -> str:
    close = meant.close(word, known)
    return f": did you mean `{close}`?" if close else ""
