"""Two versions side by side, and no value of an environment variable."""

from __future__ import annotations

import json
from dataclasses import replace

from ci_deploy.core.comparing import compare
from ci_deploy.core.model import FunctionVersion

OLD = FunctionVersion(
    function="f",
    version="1",
    code_sha256="old",
    code_size=100,
    runtime="python3.12",
    memory_mb=128,
    timeout_s=3,
    layers=("arn:aws:lambda:eu-central-1:123456789012:layer:base:3",),
    environment_names=("A", "B", "SECRET"),
    configuration={
        "Environment": json.dumps({"A": "1", "B": "2", "SECRET": "hush"}),
        "Handler": '"app.old"',
        "Runtime": '"python3.12"',
    },
)


def test_what_is_the_same_is_shown_and_not_marked() -> None:
    rows = compare(OLD, OLD)
    assert not [row.name for row in rows if row.changed]
    assert ("layers", "base:3") in [(row.name, row.after) for row in rows]


def test_changes_are_named_and_values_stay_out() -> None:
    new = replace(
        OLD,
        code_sha256="new",
        runtime="python3.13",
        environment_names=("B", "C", "SECRET"),
        configuration={
            "Environment": json.dumps({"B": "2", "C": "9", "SECRET": "louder"}),
            "Handler": '"app.new"',
            "Runtime": '"python3.13"',
        },
    )
    changed = {row.name: row.after for row in compare(OLD, new) if row.changed}
    assert changed == {
        "code": "new",
        "runtime": "python3.13",
        "environment variables": "A removed, C added, SECRET changed",
        "other settings": "Handler changed",
    }
    assert "hush" not in str(compare(OLD, new))
    assert "louder" not in str(compare(OLD, new))
