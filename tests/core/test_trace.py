"""The trace that a rollback leaves behind an alias's description."""

from __future__ import annotations

import pytest

from ci_deploy.core import trace

MARK = "[ci-deploy: rolled back by run {}]"
SEVEN, NOW = MARK.format(7), MARK.format(201)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", NOW),
        ("Live traffic.", f"Live traffic. {NOW}"),
        (f"Live traffic. {SEVEN}", f"Live traffic. {NOW}"),
        (SEVEN, NOW),
    ],
)
def test_it_stands_behind_what_people_wrote_and_there_is_one(before: str, after: str) -> None:
    assert trace.write(before, 201) == after
    assert trace.read(after) == 201


def test_what_people_wrote_is_never_cut_for_it() -> None:
    assert trace.write("x" * 220, 201) == f"{'x' * 220} {NOW}"
    assert trace.write("x" * 221, 201) is None


@pytest.mark.parametrize("text", ["", SEVEN.strip("[]"), MARK.format("x"), "[ci-deploy]"])
def test_other_descriptions_are_no_trace(text: str) -> None:
    assert trace.read(text) == 0
