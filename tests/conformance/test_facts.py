"""Each fact that was settled has its source, and a claim or a test that holds it; none is cited that is not there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.conformance.__main__ import CLAIMS
from tests.conformance.facts import FACTS, Fact

ROOT = Path(__file__).resolve().parents[2]


@cache
def functions_in(path: str) -> frozenset[str]:
    return frozenset(re.findall(r"^def (\w+)\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE))


def missing(fact: Fact) -> list[str]:
    """What a fact names and does not exist; or that nothing holds it, and nobody says why."""
    claims = {claim.name for claim in CLAIMS}
    found = [name for name in fact.claims if name not in claims]
    for name in fact.tests:
        path, _, test = name.partition("::")
        if not (ROOT / path).is_file() or test not in functions_in(path):
            found.append(name)
    held = bool(fact.claims or fact.tests)
    return found if held != bool(fact.unused) and fact.source else [*found, "nothing holds it, or it has no source"]


@pytest.mark.parametrize("number", FACTS)
def test_a_fact_is_held_by_claims_and_tests_that_exist(number: str) -> None:
    assert missing(FACTS[number]) == []


@pytest.mark.parametrize(
    "fact",
    [
        Fact(says="", source="recorded", claims=("no-such-claim",)),
        Fact(says="", source="recorded", tests=("tests/conformance/test_facts.py::test_no_such",)),
        Fact(says="", source="recorded", tests=("tests/no_such.py::test_a_fact_is_held",)),
        Fact(says="", source="recorded"),
        Fact(says="", source="", claims=("weight",)),
        Fact(says="", source="recorded", claims=("weight",), unused="both"),
    ],
)
def test_the_law_can_fail(fact: Fact) -> None:
    assert missing(fact) != []


def test_every_fact_that_is_cited_is_in_the_list() -> None:
    """`facts.md G7` in a docstring, or `(G7)` in a claim."""
    cited = set()
    for folder in ("ci_deploy", "codedeploy_emulator", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            cited |= {
                found for group in re.findall(r"facts\.md ((?:[GH]\d+(?:, )?)+)", text) for found in group.split(", ")
            }
    cited |= {found for claim in CLAIMS for found in re.findall(r"\b(G\d+)\b", claim.says)}
    assert len(cited) > 10
    assert cited - set(FACTS) == set()


def test_no_page_says_that_nothing_else_emulates_codedeploy() -> None:
    """floci does (G23)."""
    pages = [ROOT / "README.md", ROOT / "codedeploy_emulator" / "README.md", *(ROOT / "docs").rglob("*.md")]
    boast = re.compile(r"\b(no|nothing) (other )?public\b.*(emulat|shift)", re.IGNORECASE)
    assert [page.name for page in pages if boast.search(page.read_text(encoding="utf-8"))] == []
