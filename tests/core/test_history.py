"""What was served, and what to go back to."""

from __future__ import annotations

import pytest

from ci_deploy.core.events import HistoryEntry
from ci_deploy.core.history import entries, known_versions, served, way_back
from ci_deploy.core.marker import Marker, write
from ci_deploy.core.model import CREATOR_ROLLBACK, Deployment, DeploymentStatus, DeploymentTarget

OK, BAD = DeploymentStatus.SUCCEEDED, DeploymentStatus.FAILED


def history(*rows: tuple[str, str, str, DeploymentStatus]) -> tuple[HistoryEntry, ...]:
    """Rows (kind, from, to, status), oldest first, as entries newest first."""
    made = [
        HistoryEntry(
            deployment_id=f"d-{number:09}",
            status=status,
            created=float(number),
            current_version=old,
            target_version=new,
            kind=kind,
        )
        for number, (kind, old, new, status) in enumerate(rows)
    ]
    return tuple(reversed(made))


@pytest.mark.parametrize(
    ("rows", "stack"),
    [
        ([], ()),
        ([("deploy", "1", "2", OK)], ("1", "2")),
        ([("deploy", "1", "2", OK), ("deploy", "2", "3", OK)], ("1", "2", "3")),
        ([("deploy", "1", "2", OK), ("deploy", "2", "3", BAD)], ("1", "2")),
        ([("deploy", "1", "2", OK), ("deploy", "2", "3", BAD), ("automatic rollback", "2", "2", OK)], ("1", "2")),
        ([("deploy", "1", "2", OK), ("deploy", "2", "3", OK), ("rollback", "3", "2", OK)], ("1", "2")),
        (
            [
                ("deploy", "1", "2", OK),
                ("deploy", "2", "3", OK),
                ("rollback", "3", "2", OK),
                ("rollback", "2", "1", OK),
            ],
            ("1",),
        ),
        ([("other", "4", "7", OK), ("deploy", "9", "10", OK)], ("4", "7", "9", "10")),
        ([("deploy", "1", "2", OK), ("rollback", "2", "8", OK)], ("8",)),
    ],
)
def test_the_stack_of_what_was_served(
    rows: list[tuple[str, str, str, DeploymentStatus]], stack: tuple[str, ...]
) -> None:
    assert served(history(*rows)) == stack


def test_back_is_the_version_before_and_says_why() -> None:
    way = way_back(history(("deploy", "1", "2", OK), ("deploy", "2", "3", OK)), "3")
    assert way.version == "2"
    assert "d-000000001" in way.why


@pytest.mark.parametrize(
    ("rows", "live", "says"),
    [
        ([], "1", "nothing to go back to"),
        ([("deploy", "1", "2", OK)], "7", "by hand"),
        ([("deploy", "1", "2", OK), ("rollback", "2", "1", OK)], "1", "no further"),
    ],
)
def test_where_there_is_no_way_back_the_reason_is_given(
    rows: list[tuple[str, str, str, DeploymentStatus]], live: str, says: str
) -> None:
    way = way_back(history(*rows), live)
    assert way.version == ""
    assert says in way.why
    assert "`to-version`" in way.remedy


def deployment(number: int, function: str, description: str = "", creator: str = "user") -> Deployment:
    target = DeploymentTarget(
        target_id=function, function=function, alias="live", current_version="1", target_version="2"
    )
    return Deployment(
        id=f"d-{number}",
        status=OK,
        create_time=float(number),
        description=description,
        creator=creator,
        targets=(target,),
    )


def test_a_groups_history_is_read_for_one_function() -> None:
    """Sorted by creation, whatever the order of the list; functions may be named by ARN."""
    marked = write(Marker(id="0badcafe", key="0123456789abcdef", run_id=5, sha="abc", kind="rollback", reason="why"))
    mixed = [
        deployment(1, "arn:aws:lambda:eu-central-1:123456789012:function:checkout"),
        deployment(3, "checkout", marked),
        deployment(2, "other"),
        deployment(4, "checkout", creator=CREATOR_ROLLBACK),
        Deployment(id="d-5", status=DeploymentStatus.CREATED),
    ]
    found = entries(mixed, "checkout", "live")
    assert [(entry.deployment_id, entry.kind, entry.run_id) for entry in found] == [
        ("d-4", "automatic rollback", 0),
        ("d-3", "rollback", 5),
        ("d-1", "other", 0),
    ]


def test_known_versions_are_all_that_the_group_has_served_or_tried() -> None:
    rows = history(("deploy", "1", "2", OK), ("deploy", "2", "3", BAD))
    assert known_versions(rows) == ("1", "2", "3")
