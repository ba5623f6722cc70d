"""The trace that a rollback leaves behind an alias's description."""

from __future__ import annotations

import pytest

from ci_deploy.core import trace


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "[ci-deploy: rolled back by run 201]"),
        ("Live traffic.", "Live traffic. [ci-deploy: rolled back by run 201]"),
        ("Live traffic. [ci-deploy: rolled back by run 7]", "Live traffic. [ci-deploy: rolled back by run 201]"),
        ("[ci-deploy: rolled back by run 7]", "[ci-deploy: rolled back by run 201]"),
    ],
)
def test_it_stands_behind_what_people_wrote_and_there_is_one(before: str, after: str) -> None:
    assert trace.write(before, 201) == after
    assert trace.read(after) == 201


def test_what_people_wrote_is_never_cut_for_it() -> None:
    assert trace.write("x" * 220, 201) == f"{'x' * 220} [ci-deploy: rolled back by run 201]"
    assert trace.write("x" * 221, 201) is None


@pytest.mark.parametrize("text", ["", "rolled back by run 7", "[ci-deploy: rolled back by run x]", "[ci-deploy]"])
def test_other_descriptions_are_no_trace(text: str) -> None:
    assert trace.read(text) == 0
