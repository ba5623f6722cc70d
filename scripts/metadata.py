"""What is said twice is generated: in action.yml, README.md, and pages and the template under docs/.

    metadata.py            writes them
    metadata.py --check    fails, naming each file that is stale

The sources are the tables in the code (`given.inputs`, `run`, `reasons`, `plan.checks`, `story.diagnosis`,
`commands`). Text
outside the `BEGIN name` / `END name` markers is written by hand and left alone. What the table has and the code does
not act on yet (`PENDING`), and commands that are not there yet, are left out: nothing is documented before it exists.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

from ci_deploy.command_line import _HELP as HELP
from ci_deploy.command_line import INIT, INIT_HELP
from ci_deploy.commands import COMMANDS
from ci_deploy.core.given.files import manifest
from ci_deploy.core.given.inputs import InFile, Spec, table
from ci_deploy.core.given.kinds import BOOL
from ci_deploy.core.machine.state.place import Stage
from ci_deploy.core.machine.table import NEXT
from ci_deploy.core.plan.preflight import checks
from ci_deploy.core.reasons.ending.codedeploy import BY_ERROR, ended_by
from ci_deploy.core.reasons.reason import Reason
from ci_deploy.core.result import Severity
from ci_deploy.core.run import Command, Outcome, exit_code
from scripts import messages, policies

ROOT = Path(__file__).resolve().parent.parent

# Inputs that are parsed and not acted on yet. tests/project/test_metadata.py fails when one of them is.
PENDING: frozenset[str] = frozenset()

# What users can ask for; `finish` is the post step's alone.
ASKED = tuple(command for command in COMMANDS if command is not Command.FINISH)

OUTPUTS = {
    "outcome": "How the run ended: see docs/reference.md.",
    "deployment-id": "The deployment's id; written as soon as the deployment exists, before waiting.",
    "rollback-deployment-id": "The id of the deployment that rolled back, if there was one.",
    "previous-version": "The version that was live before.",
    "target-version": "The version to deploy.",
    "live-version": "What the alias serves at the end, read from the alias: its primary version if it is split.",
    "live-weights": "The traffic by version, such as `1=90,2=10`, if the alias is split at the end; else empty.",
    "deployed": "`true` only if the alias sends 100% of traffic to the target version, otherwise `false`.",
    "guard-verdict": "The worst verdict of the guards that count: `violated`, `inconclusive`, `held`, or empty.",
    "rollback": "Rollback result: `none`, `succeeded`, `failed` or `unknown`.",
    "console-url": "The deployment in the AWS console.",
    "appspec-sha256": "SHA-256 (hex) of the deployed AppSpec.",
    "appspec-location": "Where the AppSpec is: `s3://bucket/key?versionId=…`, or `inline`.",
    "duration-seconds": "How long the run took, in seconds.",
    "reason": "Why the run ended like this, in one line.",
    "reason-code": "The code of that reason, for conditions and alerts: see docs/messages.md.",
    "matrix": "The shards of the manifest as JSON for a GitHub matrix (`plan` with `shard-size`).",
    "result": "Everything above as one JSON object, with each function's own under `functions`.",
}

OUTCOMES = {
    Outcome.SUCCEEDED: "The alias sends 100% of traffic to the target version. `setup`, `prune`: done.",
    Outcome.UNCHANGED: "There was nothing to do: the alias serves the target, or nothing is missing or to prune.",
    Outcome.PLANNED: "`plan` found no problem: `deploy` would run.",
    Outcome.VALID: "`validate` found no mistake.",
    Outcome.REPORTED: "`status` has reported; `setup` and `prune` have shown what `apply: true` would do.",
    Outcome.DETACHED: "The deployment was created and continues (`wait: false`).",
    Outcome.FAILED: "The deployment failed, and no rollback was due. See `live-version`.",
    Outcome.ROLLED_BACK: "The deployment failed or was stopped. The previous version has 100% of traffic again.",
    Outcome.ROLLBACK_FAILED: "A rollback was due, but the previous version does not have 100% of traffic. Act now.",
    Outcome.STOPPED: "The deployment was stopped. For the command `stop` this is the goal.",
    Outcome.INVALID: "Inputs or AppSpec have mistakes, all of them listed. No AWS call was made.",
    Outcome.REFUSED: "Preflight refused, and nothing was changed: see docs/preflight.md.",
    Outcome.ERROR: "AWS refused a call or could not be reached.",
    Outcome.TIMED_OUT: "The time limit passed; `on-timeout` decides what happens then.",
    Outcome.LOST_CONTACT: "AWS became unreachable. The deployment continues; the log has its id and link.",
    Outcome.CANCELLED: "The run was interrupted (a cancelled job, a step's limit, Ctrl-C); `on-cancel` says what was "
    "done then.",
    Outcome.BUG: "A mistake in ci-deploy itself. The log has a report to paste.",
}
_OUTCOMES_OF = {
    Outcome.PLANNED: Command.PLAN,
    Outcome.VALID: Command.VALIDATE,
    Outcome.REPORTED: Command.STATUS,
}


def specs() -> list[Spec]:
    """The inputs that exist today: of a command that exists, and acted on."""
    return [spec for spec in table() if spec.name not in PENDING and _used_by(spec)]


def _used_by(spec: Spec) -> list[str]:
    return [command.value for command in spec.commands if command in ASKED]


def _hint(spec: Spec) -> str:
    if spec.name == "command":
        return "one of " + ", ".join(f"`{command.value}`" for command in ASKED)
    return spec.kind.hint


def _default(spec: Spec) -> str:
    if spec.name == "github-token":
        return "the job's token"
    # Of a policy's choices the first is the default (design: the commands set it).
    return f"`{spec.default or spec.kind.choices[0]}`" if spec.default or spec.kind.name == "policy" else ""


def _description(spec: Spec) -> list[str]:
    """The lines of an input's description in action.yml."""
    text = spec.text
    for command in Command:
        if command not in ASKED:
            text = _without(text, command.value)
    lines = [text, f"Form: {_hint(spec)}."]
    if _default(spec):
        lines.append(f"Default: {_default(spec)}.")
    used = _used_by(spec)
    if len(used) < len(ASKED):
        lines.append(f"Used by: {', '.join(f'`{name}`' for name in used)}.")
    # The runner takes an expression in a description for one that it should evaluate.
    return [re.sub(r"\$\{\{ *(.*?) *\}\}", r"\1", line) for line in lines]


def _without(text: str, command: str) -> str:
    """Drop a sentence that is only about a command that does not exist yet: "For `status`: …", "`stop`: …"."""
    sentences = re.split(r"(?<=[.])\s+", text)
    kept = [each for each in sentences if not re.match(rf"(For )?`{command}`(, `[a-z]+`)*: ", each)]
    return " ".join(kept) if kept else text


def _yaml(name: str, lines: list[str], default: str = "") -> list[str]:
    body = [f"  {name}:", "    description: |"]
    for line in lines:
        body += [f"      {part}" for part in textwrap.wrap(line, 110, break_long_words=False, break_on_hyphens=False)]
    return body + ([f"    default: {default}"] if default else [])


def action_inputs() -> str:
    lines = ["inputs:"]
    for spec in specs():
        default = "${{ github.token }}" if spec.name == "github-token" else ""
        lines += _yaml(spec.name, _description(spec), default)
    return "\n".join(lines)


def action_outputs() -> str:
    lines = ["outputs:"]
    for name, text in OUTPUTS.items():
        lines += _yaml(name, [text])
    return "\n".join(lines)


# Where the repository's file has it.
_FILE = {InFile.NO: "", InFile.RUN: "`run`", InFile.FUNCTION: "function"}


def readme_inputs() -> str:
    """A table for each group of inputs."""
    blocks: list[str] = []
    for group in dict.fromkeys(spec.group for spec in specs()):
        rows = [
            [
                f"`{spec.name}`",
                " ".join(_readme_text(spec)),
                _default(spec),
                ", ".join(_used_by(spec)) if len(_used_by(spec)) < len(ASKED) else "all",
                _FILE[spec.file],
            ]
            for spec in specs()
            if spec.group == group
        ]
        blocks.append(f"**{group}**\n\n" + _table(["Input", "Description", "Default", "Commands", "File"], rows))
    return "\n\n".join(blocks)


# The kinds whose form does not follow from what the input is.
_SAY_FORM = ("duration", "list", "rollback events", "code")


def _readme_text(spec: Spec) -> list[str]:
    lines = [_description(spec)[0]]
    hint = _hint(spec)
    if spec.kind is not BOOL and (spec.kind.choices or spec.kind.name in _SAY_FORM):
        lines.append(f"{hint[0].upper()}{hint[1:]}.")
    return lines


def readme_outputs() -> str:
    return _table(["Output", "Description"], [[f"`{name}`", text] for name, text in OUTPUTS.items()])


def readme_commands() -> str:
    rows = [[f"`{command.value}`", _sentence(HELP[command])] for command in ASKED]
    init = [f"[`{INIT}`](getting-started.md)", f"{_sentence(INIT_HELP)} On the command line only."]
    return _table(["Command", "Description"], [init, *rows])


def outcomes() -> str:
    rows = [
        [f"`{outcome.value}`", str(exit_code(Command.DEPLOY, outcome)), text]
        for outcome, text in OUTCOMES.items()
        if _OUTCOMES_OF.get(outcome, Command.DEPLOY) in COMMANDS
    ]
    return _table(["`outcome`", "Exit code", "What it means"], rows)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def preflight_table() -> str:
    """One section per check, with the findings that it can make, read from its source."""
    blocks: list[str] = []
    for check in checks.CHECKS:
        found = dict.fromkeys(_findings(check.run))
        rows = [
            [f"[`{reason.code}`](messages.md#{reason.code})", severity.value, reason.means]
            for severity, reason in found
        ]
        blocks.append(f"### {check.asks}\n\n" + _table(["Code", "Severity", "What it means"], rows))
    return "\n\n".join(blocks)


_MAKERS = {"_refusal": Severity.REFUSAL, "_warning": Severity.WARNING, "_note": Severity.NOTE}


def _findings(run: Callable[..., object]) -> list[tuple[Severity, type[Reason]]]:
    """What a check can find, as its source makes it: `_refusal(why.FunctionMissing(…))`, whatever room `why` is.

    Raises ValueError where a finding is made in another way: it would be missing in the docs.
    """
    module = sys.modules[run.__module__]
    found = []
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(run)))):
        match node:
            case ast.Call(
                func=ast.Name(id=maker), args=[ast.Call(func=ast.Attribute(value=ast.Name(id=room), attr=name))]
            ) if maker in _MAKERS:
                found.append((node.lineno, _MAKERS[maker], getattr(getattr(module, room), name)))
            case ast.Call(func=ast.Name(id=maker)) if maker in _MAKERS:
                raise ValueError(f"{run.__name__}, line {node.lineno}: cannot see which reason this is")
    return [entry[1:] for entry in sorted(found, key=lambda entry: entry[0])]


def preflight_severities() -> dict[str, str]:
    """How bad a finding of preflight is, by its code."""
    return {reason.code: severity.value for check in checks.CHECKS for severity, reason in _findings(check.run)}


class _Capitals(dict[str, object]):
    """Names of facts as their own examples; those that are no words are empty."""

    def __missing__(self, name: str) -> object:
        return {"firing": (), "seconds": None}.get(name, "")


def error_codes() -> str:
    """One section an error code of CodeDeploy, from the very words that a failed run prints."""
    names = ("function", "alias", "group", "role", "hook", "current", "target", "config", "region")
    words = {name: name.upper() for name in names}
    made = {error: ended_by(error, _Capitals(words)) for error in BY_ERROR if error}
    blocks = [f"### {error}\n\n{reason.text}\n\n{reason.remedy}" for error, reason in sorted(made.items())]
    return "\n\n".join(blocks)


def stages() -> str:
    """The table of stages as a Mermaid diagram; a stage's name without its hyphens is its identifier there."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> gathering"]
    for stage, row in NEXT.items():
        lines += [f"    {_identifier(stage)} --> {_identifier(following)}" for following in Stage if following in row]
    return "\n".join([*lines, "```"])


def _identifier(stage: Stage) -> str:
    return stage.replace("-", "_")


def _policy(role: str) -> str:
    return policies.template(policies.statements(role), 14)


# File -> marker -> what stands there.
PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "action.yml": {"inputs": action_inputs, "outputs": action_outputs},
    "docs/reference.md": {
        "commands": readme_commands,
        "inputs": readme_inputs,
        "outputs": readme_outputs,
        "outcomes": outcomes,
    },
    "docs/architecture.md": {"stages": stages},
    "docs/preflight.md": {"checks": preflight_table},
    "docs/troubleshooting.md": {"outcomes": outcomes, "error codes": error_codes},
    "docs/cloudformation/foundation.yaml": {
        "service role": lambda: policies.template(policies.service_role(), 18),
        **{f"{role} policy": partial(_policy, role) for role in policies.roles()},
    },
}


def manifest_schema() -> str:
    return json.dumps(manifest.schema(), indent=2, ensure_ascii=False)


# Files that are generated as a whole.
WHOLE = {
    "docs/ci-deploy.schema.json": manifest_schema,
    "docs/messages.md": lambda: messages.page(preflight_severities()),
}


def rendered(name: str, root: Path = ROOT) -> str:
    """A file with its generated parts replaced. Raises ValueError where a marker is missing."""
    if name in WHOLE:
        return _made(WHOLE[name]) + "\n"
    text = (root / name).read_text(encoding="utf-8")
    for marker, part in PARTS[name].items():
        begin, end = (
            ("# {} {}", "<!-- {} {} -->")[name.endswith(".md")].format(word, marker) for word in ("BEGIN", "END")
        )
        before, found, rest = text.partition(begin + "\n")
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"{name} has no markers `{begin}` and `{end}`")
        gap = "\n" if name.endswith(".md") else ""
        indent = " " * (len(before) - len(before.rstrip(" ")))
        text = f"{before}{found}{gap}{_made(part)}\n{gap}{indent}{closed}{after}"
    return text


@cache
def _made(part: Callable[[], str]) -> str:
    """The code does not change meanwhile."""
    return part()


def stale(root: Path = ROOT) -> list[str]:
    """The files that differ from what the code says."""
    return [name for name in (*PARTS, *WHOLE) if rendered(name, root) != _present(root / name)]


def _present(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write what is generated from the code, or check it.")
    parser.add_argument("--check", action="store_true", help="only say what is stale")
    options = parser.parse_args(arguments)
    names = stale()
    for name in names:
        if options.check:
            print(f"{name} is stale: run `make metadata`", file=sys.stderr)
        else:
            (ROOT / name).write_text(rendered(name), encoding="utf-8")
            print(f"wrote {name}")
    return 1 if names and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
