"""`.lambdaignore` is read as Git reads `.gitignore`, and no rule can take long or end the run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ci_deploy.core.given.package.ignoring import LONGEST_RULE, MOST_RULES, Rules, TooMuch, parse
from tests.support.golden import Told


def left_out(rules: Rules, name: str) -> bool:
    """Whether a file does not go in: by itself, or because a folder above it does not."""
    parts = name.split("/")
    above = ("/".join(parts[:number]) for number in range(1, len(parts)))
    return any(rules.says(folder, folder=True) for folder in above) or bool(rules.says(name, folder=False))


@pytest.mark.parametrize(
    ("text", "out", "kept"),
    [
        ("*.log", ["a.log", "x/y/b.log", ".log"], ["a.log2", "log"]),
        ("/build", ["build", "build/x"], ["lib/build"]),
        ("docs/*.md", ["docs/a.md"], ["docs/x/a.md", "x/docs/a.md", "a.md"]),
        ("tests/", ["tests/a", "lib/tests/a"], ["tests"]),
        ("**/cache/**", ["cache/a", "x/y/cache/b/c"], ["cache", "x/cache"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z"], ["z", "a/zz", "b/a/z"]),
        ("a/**/b/**/c*d", ["a/b/cd", "a/x/b/y/z/cxd"], ["a/b/c/d", "a/cd"]),
        ("**", ["a", "a/b"], []),
        ("/**/x", ["x", "a/x"], ["a/xx"]),
        ("f?o", ["foo", "x/fäo"], ["fo", "fooo", "f/o"]),
        ("[a-c]x", ["ax", "d/bx"], ["dx", "-x"]),
        ("[!a-c]x", ["dx"], ["ax", "x"]),
        ("[^a]", ["b"], ["a", "ab"]),
        ("[]-]", ["]", "-"], ["[", "a"]),
        ("[[:digit:]_]*", ["1a", "_"], ["a1"]),
        ("[a[:]", ["a", "[", ":"], ["b"]),
        ("a[/]b", [], ["a/b"]),
        ("a[!x]b", ["ayb"], ["a/b", "axb"]),
        ("[c-a]", ["c"], ["a", "b"]),  # a range the wrong way round has its first member alone
        ("a+(b|c).d^$", ["a+(b|c).d^$"], ["ab.d"]),
        ("# no rule\n\n   \n", [], ["# no rule", "a"]),
        ("\\#a\n\\!b\nc\\ ", ["#a", "!b", "c "], ["c"]),
        ("a  ", ["a"], ["a  "]),
        ("*.txt\n!keep.txt", ["a.txt"], ["keep.txt", "x/keep.txt"]),
        ("x\n!x/keep", ["x/keep"], []),  # Git does not look into a folder that is left out
        ("!a\na", ["a"], []),
        ("a\r\nb\r\n", ["a", "b"], ["c"]),
        ("a\\*b\\?", ["a*b?"], ["axb?"]),
        ("***/x", ["x", "a/x"], ["a/xx"]),
        ("a/*/b", ["a/x/b"], ["a/b", "a/x/y/b"]),
        ("a[\\]b]c", ["a]c", "abc"], ["a\\c"]),
        ("a***b", ["ab", "axxb"], ["a/b"]),
        ("!\n/\n!/\n//", [], ["a", "!"]),
    ],
)
def test_rules_mean_what_they_mean_to_git(text: str, out: list[str], kept: list[str]) -> None:
    rules = parse(text)
    assert [name for name in (*out, *kept) if left_out(rules, name)] == out


PIECES = st.sampled_from(
    ["a", "b", "c", ".", "-", "]", "*", "?", "/", "!", "[a-c]", "[!a]", "[]b]", "[[:alpha:]]", "\\a", "#", " ", "/**/"]
)
PATTERNS = (
    st.lists(PIECES, min_size=1, max_size=6)
    .map("".join)
    # Here Git is at odds with its own manual: it takes `**` for folders after plain characters (`a**/b`).
    .filter(lambda text: "**" not in text.replace("/**/", "") and "//" not in text)
)
NAMES = st.lists(
    st.text("abc-].", min_size=1, max_size=3).filter(lambda name: name.strip(".") != ""), min_size=1, max_size=4
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    return folder


@settings(max_examples=60, deadline=None)
@given(
    patterns=st.lists(PATTERNS, min_size=1, max_size=4),
    names=st.lists(NAMES.map("/".join), min_size=1, max_size=40, unique=True),
)
def test_git_itself_agrees(repository: Path, patterns: list[str], names: list[str]) -> None:
    (repository / ".gitignore").write_text("\n".join(patterns) + "\n")
    said = subprocess.run(
        ["git", "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", "--stdin", "-z"],
        cwd=repository,
        input="\0".join(names),
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode in (0, 1), said.stderr
    rules = parse("\n".join(patterns))
    assert {name for name in names if left_out(rules, name)} == {name for name in said.stdout.split("\0") if name}


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("*a" * 40 + "b", "a" * 250),
        ("*" * 500 + "a" + "*" * 500 + "b", "a" * 250),
        ("*?" * 100 + "b", "a" * 250),
        ("**/a/" * 40 + "b", "a/" * 1000 + "a"),
        ("a/**/" * 60 + "*b*c", "a/" * 1000 + "a"),
        ("[a-z]*" * 80 + "!", "a" * 250),
        ("/" + "*a*/" * 100 + "b", ("a" * 30 + "/") * 100 + "a"),
    ],
)
def test_a_rule_that_a_backtracking_matcher_needs_years_for_is_as_cheap_as_any(rule: str, name: str) -> None:
    """Nothing here measures time: with such a matcher this does not end."""
    assert parse(rule).says(name, folder=False) is None


@pytest.mark.parametrize("text", ["[abc", "a\\", "[[:nothing:]]", "[!", "x/[a-", "[\\", "![", "[[:alpha:"])
def test_a_rule_that_can_match_nothing_is_told_apart_and_matches_nothing(text: str) -> None:
    """Git says nothing of it; what it was to leave out would go in unnoticed."""
    rules = parse(f"# first\n{text}\n*.log")
    assert [(rule.line, rule.text) for rule in rules.useless] == [(2, text)]
    assert not left_out(rules, "a")
    assert left_out(rules, "a.log")


@settings(max_examples=300, deadline=None)
@given(
    text=st.text(st.sampled_from("ab*?[]!^-/\\#: .\n\r\x00ä\u2028\ud800") | st.characters(), max_size=60),
    name=st.text(max_size=20),
)
def test_no_text_is_a_bug(text: str, name: str) -> None:
    rules = parse(text)
    for folder in (False, True):
        assert rules.says(name, folder=folder) in (True, False, None)


def test_only_the_end_of_a_line_ends_a_rule() -> None:
    """A form feed or a line separator is a character like others, as it is to Git."""
    rules = parse("a\x0cb\nc\u2028d")
    assert [rule.text for rule in rules.rules] == ["a\x0cb", "c\u2028d"]


def test_what_nobody_writes_by_hand_is_refused(told: Told) -> None:
    assert len(parse("a\n" * MOST_RULES).rules) == MOST_RULES
    with pytest.raises(TooMuch) as many:
        parse("a\n" * (MOST_RULES + 1), first=("b",))
    assert parse("a" * LONGEST_RULE).rules
    with pytest.raises(TooMuch) as long:
        parse("b\n" + "a" * (LONGEST_RULE + 1))
    assert (str(many.value), str(long.value)) == told


def test_the_rules_of_the_house_come_first() -> None:
    rules = parse("!x", first=("x", "y/"))
    assert (rules.says("x", folder=False), rules.says("y", folder=True), rules.says("y", folder=False)) == (
        False,
        True,
        None,
    )
