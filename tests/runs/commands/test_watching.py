"""What a run that watches says where nothing appears."""

from __future__ import annotations

import json

import pytest

from tests.runs.conftest import Theatre
from tests.support.golden import Told, shown


@pytest.mark.parametrize(
    ("meant", "functions"), [({"function": "checkout"}, 1), ({"function": "", "stack": "shop"}, 0)], ids=shown
)
def test_where_nothing_appears_the_summary_names_what_was_meant(
    theatre: Theatre, meant: dict[str, str], functions: int, told: Told
) -> None:
    step = theatre.run({"command": "watch", "application": "", "deployment-group": "", **meant})
    step.check(0, outcome="unchanged", reason_code="nothing-appeared")
    assert step.summary.partition("\n")[0] == told
    assert step.summary.count("| `checkout:live` |") == functions, step.summary
    assert "`:live`" not in step.summary
    assert json.loads(step.outputs["result"])["outcome"] == "unchanged"
