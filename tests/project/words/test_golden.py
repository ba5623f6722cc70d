"""The golden files of tests: a text that is expected by nobody, or is another one, is no equal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.golden import Told, expected, shown


def told(path: Path, name: str, *, update: bool = False) -> Told:
    return Told(path, name, update=update)


def test_what_was_written_is_expected_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "golden" / "test_x.txt"
    assert told(path, "test_a") != "One."
    assert told(path, "test_a", update=True) == "One."
    assert told(path, "test_a") == "One."
    assert told(path, "test_a") == ["One."]
    assert told(path, "test_a") != "Two."
    assert told(path, "test_b") != "One."


@pytest.mark.parametrize("said", ["", "a\n\nb", "> a", " a ", ["a", "", "b\nc"], ("test_a",)])
def test_any_text_comes_back_as_it_was(said: object, tmp_path: Path) -> None:
    path = tmp_path / "golden" / "test_x.txt"
    for name in ("test_b[x > y]", "test_a"):
        assert told(path, name, update=True) == said
    assert [told(path, name) == said for name in ("test_a", "test_b[x > y]")] == [True, True]


def test_a_text_that_several_tests_expect_stands_there_once(tmp_path: Path) -> None:
    path = tmp_path / "golden" / "test_x.txt"
    for name, text in (("test_c", "One."), ("test_a", "One."), ("test_b", "Two.")):
        assert told(path, name, update=True) == text
    assert path.read_text() == "> One.\ntest_a\ntest_c\n\n> Two.\ntest_b\n"


def test_each_comparison_of_a_test_has_a_text_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "golden" / "test_x.txt"
    first = told(path, "test_a", update=True)
    assert first == "One."
    assert first == "Two."
    assert expected(path) == {"test_a": "One.", "test_a (2)": "Two."}
    second = told(path, "test_a")
    assert second == "One."
    assert second != "One."


def test_a_long_case_is_called_by_its_beginning_and_end() -> None:
    assert shown("x" * 120) == "x" * 120
    assert shown("a" * 100 + "b" * 100 + "c" * 20) == f"{'a' * 100}...{'c' * 20}"
