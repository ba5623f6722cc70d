"""docs/security.md claims only what a test holds: each claim names one, and each that is named exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.support import sources

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`((?:\w+/)+\w+\.py)::(\w+)`")


def rows(heading: str) -> list[str]:
    """The rows of the table under a heading, without its head."""
    section = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| ")][2:]


CLAIMS = [*rows("Threats and defenses"), *rows("Which events are trusted")]


@cache
def functions(file: str) -> frozenset[str]:
    path = ROOT / "tests" / file
    if not path.is_file():
        return frozenset()
    return frozenset(re.findall(r"^def (\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE))


def test_the_page_is_read() -> None:
    assert len(CLAIMS) > 25


@pytest.mark.parametrize("claim", CLAIMS, ids=[claim.split("|")[1].strip()[:50] for claim in CLAIMS])
def test_a_claim_names_a_test_that_exists(claim: str) -> None:
    named = NAMED.findall(claim)
    assert named, "no test holds it"
    assert not [f"{file}::{test}" for file, test in named if test not in functions(file)]


# --- Claims that the source itself holds -----------------------------------------------------------------------------

PRODUCT = sorted((ROOT / "ci_deploy").rglob("*.py"))
SHELLS = {"system", "popen", "getoutput", "getstatusoutput", "eval", "exec"}


def test_nothing_calls_a_shell() -> None:
    """Neither a shell, nor text that is run as a program; what starts another program gives it a list."""
    found = []
    for path in PRODUCT:
        for node in sources.nodes(path):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            of, _, last = name.rpartition(".")
            shell = any(keyword.arg == "shell" for keyword in node.keywords)
            if (path.name, name) == ("compiled.py", "exec"):
                continue  # what dataclasses would have compiled from the same text, and no other
            if shell or (of in ("", "os", "subprocess") and last in SHELLS):
                found.append(f"{path.name}:{node.lineno} {name}")
    assert len(PRODUCT) > 100
    assert found == []


def test_the_post_step_can_run_one_command() -> None:
    text = (ROOT / "post-entrypoint").read_text(encoding="utf-8")
    code = ast.parse(text)
    words = {node.value for node in ast.walk(code) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert "finish" in words
    assert not words & {"deploy", "rollback", "stop", "setup", "prune", "plan", "status", "validate"}
    assert "argv" not in text.replace("sys.argv[0]", "")
