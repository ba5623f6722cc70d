"""What the documentation says to type, exists: links, inputs, workflows, and the template's policies."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci_deploy import command_line
from ci_deploy.commands import COMMANDS
from ci_deploy.core.given.files import manifest
from ci_deploy.core.run import Command

ROOT = Path(__file__).resolve().parents[3]
SHOWN = set(ROOT.glob("docs/images/*.md"))  # texts of pictures, which are no pages
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob(".github/*.md"), *ROOT.glob("docs/**/*.md")} - SHOWN)
# Absolute links to this repository; PyPI shows the README, and has none of its files.
OWN = re.compile(
    r"https://(?:github\.com/your-org/ci-deploy/(?:blob|tree)|raw\.githubusercontent\.com/your-org/ci-deploy)/main/"
)
WORKFLOWS = sorted([*ROOT.glob("docs/workflows/*.yml"), *ROOT.glob(".github/workflows/*.yml")])
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    """Files and folders exist, and so do the headings that are pointed at."""
    broken = []
    for target in links(page):
        own = OWN.match(target)
        if re.match(r"[a-z]+:", target) and not own:
            continue
        file, _, anchor = (target[own.end() :] if own else target).partition("#")
        path = ((ROOT if own else page.parent) / file).resolve() if file else page
        headings = _anchors(path) if anchor and path.suffix == ".md" else {anchor}
        if not path.exists() or anchor not in headings:
            broken.append(target)
    assert broken == []


def links(page: Path) -> list[str]:
    """Where a page points: inline links and pictures, and the definitions of links by reference."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^\[[^\]]+\]: (\S+)$", text, re.MULTILINE)


def test_the_readme_works_away_from_the_repository() -> None:
    """PyPI shows it: its links are absolute, or lead to a heading of its own."""
    assert [target for target in links(ROOT / "README.md") if not re.match(r"https://|#", target)] == []


def test_the_readme_is_read_in_thirty_seconds() -> None:
    """What it is, a workflow, one picture, and then what a newcomer asks, in this order."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text) <= 7_000
    parts = ["**Canary deployments", "```yaml", "<picture>", "## What happens when", "## Try it in 60 seconds"]
    parts += ["## How it compares", "## Roll back now", "## More"]
    assert re.findall("|".join(map(re.escape, parts)), text) == parts


def test_the_index_of_the_documentation_is_complete() -> None:
    """Every page under docs/ is one link away from docs/README.md."""
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / target).resolve() for target in links(index)}
    assert set(ROOT.glob("docs/**/*.md")) - SHOWN - linked == {index}


def _anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE) if path.exists() else []
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def steps(document: Any) -> Iterator[dict[str, Any]]:
    """Every step of a workflow that uses this action."""
    for job in document.get("jobs", {}).values():
        for step in job.get("steps", []):
            if str(step.get("uses", "")).startswith(("your-org/ci-deploy@", "./")):
                yield step


def snippets() -> Iterator[tuple[str, Any]]:
    for path in WORKFLOWS:
        yield name(path), yaml.safe_load(path.read_text(encoding="utf-8"))
    for page in PAGES:
        for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)):
            document = yaml.safe_load(block)
            if isinstance(document, list):
                document = {"jobs": {"snippet": {"steps": document}}}
            if isinstance(document, dict) and "jobs" in document:
                yield f"{name(page)}#{number}", document


def test_steps_use_inputs_and_commands_that_exist() -> None:
    every = [(where, step.get("with", {})) for where, document in snippets() for step in steps(document)]
    assert len(every) > 20
    for where, given in every:
        assert set(given) <= set(ACTION["inputs"]), where
        assert f"`{given.get('command', 'deploy')}`" in ACTION["inputs"]["command"]["description"], where


@pytest.mark.parametrize("path", [path for path in WORKFLOWS if "docs" in path.parts], ids=name)
def test_example_workflows_are_careful(path: Path) -> None:
    """No permission by default, a reason for each that is given to a job, and no step of work under `always()`."""
    text = path.read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    assert document["permissions"] == {}
    for job in document["jobs"].values():
        for step in job["steps"]:
            assert "always()" not in str(step.get("if", "")) or "cancel" in step
    assert "cancel-in-progress: true" not in text
    for job in document["jobs"].values():
        assert "timeout-minutes" in job
        assert job["permissions"]
    for line in re.findall(r"^ +[a-z-]+: write.*$", text, re.MULTILINE):
        assert "#" in line, line
    used = {step.get("with", {}).get("command", "deploy") for step in steps(document)}
    if "deploy" in used:
        assert "cancel-in-progress: false" in text


def test_the_table_of_example_workflows_is_complete() -> None:
    text = (ROOT / "docs" / "workflows" / "README.md").read_text(encoding="utf-8")
    assert not [path.name for path in ROOT.glob("docs/workflows/*.yml") if f"]({path.name})" not in text]


def test_nothing_names_the_machine_that_it_was_written_on() -> None:
    pattern = re.compile(r"(/home/(?!\.)|/root/|/Users/)")
    assert not [name(page) for page in PAGES if pattern.search(page.read_text(encoding="utf-8"))]


def test_the_example_manifest_is_read_and_is_the_one_on_the_page() -> None:
    text = (ROOT / "docs" / "releases" / "ci-deploy.yml").read_text(encoding="utf-8")
    assert text in (ROOT / "docs" / "releases.md").read_text(encoding="utf-8")
    entries = manifest.read(text, {"command": "deploy"}, where="ci-deploy.yml").entries
    assert [(entry.inputs.function, entry.wave) for entry in entries] == [("cart", 0), ("checkout", 1)]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_command_lines_on_pages_are_understood(page: Path) -> None:
    """Flags that a page shows exist (an ellipsis stands for more of them)."""
    blocks = re.findall(r"```[a-z]*\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    for line in "\n".join(blocks).replace("\\\n", " ").splitlines():
        if line.startswith("ci-deploy ") and "…" not in line:
            command_line.parse(shlex.split(line)[1:], tuple(set(COMMANDS) - {Command.FINISH}))
