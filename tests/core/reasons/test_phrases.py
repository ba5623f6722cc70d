"""The questions that a person at the terminal is asked."""

import pytest

from ci_deploy.core.reasons.phrases import choice, confirmation, duration, not_over, not_written


@pytest.mark.parametrize(("seconds", "told"), [(0.4, "under 1s"), (1.0, "1s"), (61.0, "1m 01s"), (3600.0, "1h")])
def test_durations(seconds: float, told: str) -> None:
    assert duration(seconds) == told


def test_a_stop_without_effect_is_told_in_minutes() -> None:
    assert "5 minutes" in not_over(300.0)


def test_one_function_is_named_in_the_question() -> None:
    goals = [("checkout:live", "41")]
    assert confirmation(goals, asks_why=False) == "Roll back checkout:live to version 41? [y/N] "
    assert confirmation(goals, asks_why=True) == "Roll back checkout:live to version 41? Answer y and why, or n: "


def test_several_functions_are_listed_above_it() -> None:
    goals = [("checkout:live", "41"), ("search:live", "7")]
    lines = ["Roll back", "  checkout:live to version 41", "  search:live to version 7", "All 2 of them? [y/N] "]
    assert confirmation(goals, asks_why=False).splitlines() == lines


def test_the_functions_of_a_file_are_listed_to_choose_from() -> None:
    asked = choice("ci-deploy.yml", ["checkout", "search"], "stop")
    assert asked.splitlines() == ["ci-deploy.yml has 2 functions:", "  checkout", "  search", "Stop which? "]


def test_a_file_of_the_runner_that_cannot_be_written_is_named_with_why() -> None:
    told = not_written("GITHUB_OUTPUT", "No space left on device")
    assert told.startswith("GITHUB_OUTPUT ") and "(No space left on device)" in told
