"""What people read is written plainly: no phrase that reads as translated, one idea a sentence, and short sentences.

Held are the texts that are generated (every reason, error code, input, outcome and output, the help of the command
line) and the pages of the documentation. Numbers of long sentences that are left may only fall.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci_deploy.core.given.inputs import table
from scripts import metadata
from scripts.messages import reasons

ROOT = Path(__file__).resolve().parents[3]
PAGES = tuple(
    path
    for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")))
    if path.name not in ("architecture.md", "messages.md")  # for developers; made of the reasons, which are held below
)
IN_A_MESSAGE, ON_A_PAGE = 20, 25  # words of a sentence
# What is said instead: no longer, continues, manually, immediately, rolled back, firing or OK, 100% of traffic, …
BANNED = (
    r"\bany more\b(?! than)",
    r"\bgoes on\b",
    r"\bby hand\b",
    r"\btak(?:e|es|en) (?:it |them |\S+ )?back\b",
    r"\b(?:rings|ringing)\b",
    r"\ball of its traffic\b",
    r"\blived with\b",
    r"\bin one go\b",
    r"\bone a line\b|\ba line an event\b",
    r"\bcomes? to rest\b",
    r"\bgives no reason\b",
    r"\bLook at\b",
    r"\bAWS was not asked\b",
    r"\bSomebody\b",
    r"\d %",
    r"\bversion (?:that|which) served\b|\bserved before\b|\bversion from before\b",
    r"\b[Gg]ive `",
    r"\blost sight of\b",
)


def prose(markdown: str) -> str:
    """A page's sentences, without code, comments and addresses; an item of a list and a cell are paragraphs."""
    text = re.sub(r"<!-- BEGIN .*?<!-- END .*?-->", "\n\n", markdown, flags=re.DOTALL)  # made of what is held below
    text = re.sub(r"```.*?```|<!--.*?-->", "\n\n", text, flags=re.DOTALL)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    text = re.sub(r"`[^`]*`", "`x`", text)
    text = re.sub(r"^\s*(?:[-*] |\d+\. |#+ |> ?)", "\n\n", text, flags=re.MULTILINE)
    return text.replace("|", "\n\n")


def sentences(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text):
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z`\[*\"])", " ".join(paragraph.split())):
            if sentence:
                yield sentence


def banned(text: str) -> list[str]:
    return [phrase for phrase in BANNED if re.search(phrase, text)]


def length(sentence: str) -> int:
    """In words; a command, a name or an address is one."""
    return len(re.sub(r"`[^`]*`|\([^)]*\)|https?://\S+", "x", sentence).split())


def chained(sentence: str) -> bool:
    """Whether a sentence has two colons; those within code and names are none."""
    return len(re.findall(r":(?=\s)", re.sub(r"`[^`]*`|\([^)]*\)", "x", sentence))) > 1


def generated() -> Iterator[tuple[str, str]]:
    for reason in reasons():
        if reason.code.startswith("aws-"):
            continue  # AWS's own words
        yield f"{reason.code}, means", reason.means
        for made in reason.samples():
            yield f"{reason.code}, text", made.text
            yield f"{reason.code}, remedy", made.remedy
    for spec in table():
        yield f"input {spec.name}", spec.text
    for outcome, text in metadata.OUTCOMES.items():
        yield f"outcome {outcome}", text
    for output, text in metadata.OUTPUTS.items():
        yield f"output {output}", text


def long_ones(text: str, limit: int) -> list[str]:
    return [sentence for sentence in sentences(text) if length(sentence) > limit or chained(sentence)]


# Sentences that are longer, or have two colons, by page.
LEFT: dict[str, int] = {
    "docs/getting-started.md": 3,
    "docs/rollback.md": 2,
}
LEFT_GENERATED = 4  # lists, and AWS's own words


def test_no_generated_text_has_a_banned_phrase() -> None:
    found = {f"{name}: {text}": banned(text) for name, text in generated() if banned(text)}
    assert found == {}


def test_generated_sentences_are_short() -> None:
    found = [f"{name}: {one}" for name, text in generated() for one in long_ones(text, IN_A_MESSAGE)]
    assert len(found) <= LEFT_GENERATED, "\n".join(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_are_written_plainly(page: Path) -> None:
    text = prose(page.read_text(encoding="utf-8"))
    assert {phrase: re.findall(rf".{{0,40}}{phrase}.{{0,20}}", text) for phrase in banned(text)} == {}
    found = long_ones(text, ON_A_PAGE)
    assert len(found) <= LEFT.get(str(page.relative_to(ROOT)), 0), "\n".join(found)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Version 2 was taken back.", True),
        ("Look at the alarm.", True),
        ("It is at 100 % now.", True),
        ("Give `force: true` to deploy it.", True),
        ("Version 2 is out: 100% of traffic is on version 1.", False),
        ("Check the alarm `goes on`.", True),
    ],
)
def test_a_banned_phrase_is_found(text: str, wrong: bool) -> None:
    assert bool(banned(text)) == wrong


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("word " * 20 + "end.", 1),
        ("word " * 19 + "end.", 0),
        ("`a long command that counts as one` " + "word " * 18 + "end.", 0),
        ("Alarm a fired: 14: more.", 1),
        ("input `a: b`: c.", 0),
        ("One. Two. Three.", 0),
    ],
)
def test_a_long_sentence_and_a_chain_are_found(text: str, count: int) -> None:
    assert len(long_ones(text, 20)) == count
