"""action.yml, README and the generated docs say what the code says, and nothing that does not exist."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ci_deploy import __version__
from ci_deploy.commands import COMMANDS
from ci_deploy.core.given.inputs import Inputs, table
from ci_deploy.core.plan.planning import Facts, Plan
from ci_deploy.core.plan.preflight import checks
from ci_deploy.core.plan.preflight.checking import warning as _warning
from ci_deploy.core.reasons.preflight import deployment as preflight
from ci_deploy.core.reasons.reason import Reason
from ci_deploy.core.result import Finding, Result
from ci_deploy.core.run import Command, Outcome
from ci_deploy.reporters.outputs import outputs
from scripts import messages, metadata

ROOT = Path(__file__).resolve().parents[2]

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", [*metadata.PARTS, *metadata.WHOLE])
def test_generated_files_are_up_to_date(name: str) -> None:
    """Whoever changes a table runs `make metadata`."""
    assert (ROOT / name).read_text(encoding="utf-8") == metadata.rendered(name)


@pytest.mark.parametrize("name", metadata.PARTS)
def test_a_stale_file_is_noticed(name: str, tmp_path: Path) -> None:
    """The check can fail: one word changed in a generated part is found."""
    for other in (*metadata.PARTS, *metadata.WHOLE):
        (tmp_path / other).parent.mkdir(exist_ok=True)
        (tmp_path / other).write_text((ROOT / other).read_text(encoding="utf-8"), encoding="utf-8")
    text = (tmp_path / name).read_text(encoding="utf-8")
    begin = re.search(r"BEGIN [a-z ]+( -->)?\n\s*", text)
    assert begin is not None
    (tmp_path / name).write_text(text[: begin.end()] + "changed " + text[begin.end() :], encoding="utf-8")
    assert metadata.stale(tmp_path) == [name]


def test_every_input_of_the_action_is_in_the_table_and_the_other_way_round() -> None:
    existing = {
        spec.name
        for spec in table()
        if spec.name not in metadata.PENDING and any(command in COMMANDS for command in spec.commands)
    }
    assert set(ACTION["inputs"]) == existing


def test_inputs_that_are_not_given_arrive_empty() -> None:
    """A default in action.yml would count as given, and hide the defaults that depend on the command."""
    defaults = {name: spec["default"] for name, spec in ACTION["inputs"].items() if "default" in spec}
    assert defaults == {"github-token": "${{ github.token }}"}


def test_no_input_is_required_by_the_runner() -> None:
    """The runner does not enforce it, and what is needed depends on the command."""
    assert not any("required" in spec for spec in ACTION["inputs"].values())


def test_no_description_has_an_expression_in_it() -> None:
    """The runner would try to evaluate it when it loads the action."""
    described = [*ACTION["inputs"].values(), *ACTION["outputs"].values(), ACTION]
    assert not [spec["description"] for spec in described if "${{" in spec["description"]]


def test_the_outputs_are_those_that_the_code_writes() -> None:
    result = Result(function="checkout", alias="live", outcome=Outcome.SUCCEEDED)
    # `matrix` is written by `plan` alone, and only if it is asked for.
    assert set(ACTION["outputs"]) == set(outputs(result, (result,))) | {"matrix"}


def test_every_outcome_is_explained() -> None:
    assert set(metadata.OUTCOMES) == set(Outcome)


def test_what_is_pending_is_in_the_table_and_not_used() -> None:
    """An input that the code begins to act on has to be documented: take it off PENDING, run `make metadata`."""
    assert {spec.name for spec in table()} >= metadata.PENDING
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "ci_deploy").rglob("*.py")
        if path.name not in ("inputs.py", "appspec.py")  # these know which inputs exclude each other
    )
    used = {
        name
        for name in metadata.PENDING
        if re.search(rf"""\binputs\.({name.replace("-", "_")}\b|get\("{name}")""", code)
    }
    assert used == set()


def test_the_post_step_runs_after_failure_and_cancel_alone() -> None:
    """A step time-out or a kill counts as a failure for GitHub (facts on the runner)."""
    runs = ACTION["runs"]
    assert (runs["using"], runs["post-if"]) == ("docker", "always()")
    assert runs["image"] == "Dockerfile" or re.fullmatch(r"docker://\S+@sha256:[0-9a-f]{64}", runs["image"])
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f'ENTRYPOINT ["{runs["entrypoint"]}"]' in dockerfile
    assert runs["entrypoint"] == "/opt/ci-deploy/entrypoint"
    assert runs["post-entrypoint"] == "/opt/ci-deploy/post-entrypoint"


def test_the_command_line_has_the_same_commands() -> None:
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    text = text.partition("BEGIN commands")[2].partition("END commands")[0]
    for command in Command:
        documented = f"| `{command.value}` |" in text
        assert documented == (command in COMMANDS and command is not Command.FINISH), command


def test_there_is_one_version() -> None:
    """The package's version heads the changelog once it is released; until then that says Unreleased."""
    heads = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert heads[0] == "Unreleased"
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    assert heads[1:2] in ([], [__version__])


def headed(text: str) -> dict[str, str]:
    """What stands under each heading of the lowest rank."""
    return dict(re.findall(r"^### (.*)\n\n((?:(?!^#).*\n?)*)", text, re.MULTILINE))


def test_every_reason_with_a_code_stands_in_the_messages_once() -> None:
    heads = re.findall(r"^### (.*)$", (ROOT / "docs" / "messages.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(heads) == sorted(reason.code for reason in messages.reasons())


def test_every_check_has_a_finding_in_its_table() -> None:
    tables = headed((ROOT / "docs" / "preflight.md").read_text(encoding="utf-8"))
    assert {check.asks for check in checks.CHECKS} <= set(tables)
    assert [check.asks for check in checks.CHECKS if "](messages.md#" not in tables[check.asks]] == []


def test_every_finding_that_a_module_of_checks_makes_is_in_a_table() -> None:
    """By the modules' text alone: whatever a name of theirs and a class of it are joined to."""
    text = (ROOT / "docs" / "preflight.md").read_text(encoding="utf-8")
    told = set(re.findall(r"\]\(messages\.md#([a-z0-9-]+)\)", text))
    made = set()
    for module in {sys.modules[check.run.__module__] for check in checks.CHECKS}:
        assert module.__file__
        for room, name in re.findall(r"\b(\w+)\.([A-Z]\w+)\(", Path(module.__file__).read_text(encoding="utf-8")):
            found = getattr(getattr(module, room, None), name, None)
            if isinstance(found, type) and issubclass(found, Reason):
                made.add(found.code)
    assert len(made) > 50
    assert told == made


def test_a_finding_that_cannot_be_seen_in_the_source_is_no_empty_table() -> None:
    def run(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
        reason = preflight.RollbackOff()
        yield _warning(reason)

    with pytest.raises(ValueError, match="which reason"):
        metadata._findings(run)
