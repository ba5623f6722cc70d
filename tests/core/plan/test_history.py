"""What was served, and what to go back to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_deploy.core.aws import CREATOR_ROLLBACK, Alias, Deployment, DeploymentStatus, DeploymentTarget
from ci_deploy.core.given.parsing import parse
from ci_deploy.core.marker import Marker, write
from ci_deploy.core.plan.history import (
    SHOWN,
    HistoryEntry,
    Way,
    enough,
    entries,
    goal,
    known_stay,
    known_versions,
    served,
    way_back,
)
from ci_deploy.core.reasons.commands import EXAMPLE
from ci_deploy.core.reasons.preflight.deciding import MovedByHand, NothingDeployed, OldestServed, WayBack
from ci_deploy.core.reasons.reason import Reason
from tests.support.golden import Told

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
            ended=number + 0.5,
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
        ([("deploy", "1", "2", BAD), ("deploy", "1", "3", OK)], ("1", "3")),
    ],
)
def test_the_stack_of_what_was_served(
    rows: list[tuple[str, str, str, DeploymentStatus]], stack: tuple[str, ...]
) -> None:
    assert served(history(*rows)) == stack


@pytest.mark.parametrize(
    ("rows", "live", "version", "why"),
    [
        (
            [("deploy", "1", "2", OK), ("deploy", "2", "3", OK)],
            "3",
            "2",
            WayBack(version="2", live="3", deployment="d-000000001", kind="deploy", since=0.5, until=1.5),
        ),
        (
            [("deploy", "1", "2", OK)],
            "2",
            "1",
            WayBack(version="1", live="2", deployment="d-000000000", kind="deploy", until=0.5),
        ),
        (
            [("deploy", "1", "2", OK), ("deploy", "2", "3", OK), ("automatic rollback", "3", "2", OK)],
            "2",
            "1",
            WayBack(version="1", live="2", deployment="d-000000002", kind="automatic rollback", until=0.5),
        ),
        (
            [("deploy", "1", "2", OK), ("deploy", "1", "2", BAD), ("deploy", "2", "3", BAD)],
            "2",
            "1",
            WayBack(version="1", live="2", deployment="d-000000000", kind="deploy", until=0.5),
        ),
    ],
)
def test_back_is_the_version_before_and_says_which_deployment_brought_what_is_served(
    rows: list[tuple[str, str, str, DeploymentStatus]], live: str, version: str, why: WayBack
) -> None:
    assert way_back(history(*rows), live, EXAMPLE) == Way(version=version, reason=why)


def test_the_way_back_says_which_commit_comes_back_and_when_it_was_live(told: Told) -> None:
    """A rollback brought version 2 back in between: it was live again then, and its commit is the deployment's."""
    rows = [("deploy", "1", "2", OK), ("deploy", "2", "3", OK), ("rollback", "3", "2", OK), ("deploy", "2", "4", OK)]
    made = [
        replace(entry, commit=f"{number:07}abc", created=86_400.0 * number, ended=86_400.0 * number + 600)
        for number, entry in zip((4, 3, 2, 1), history(*rows), strict=True)
    ]
    way = way_back(made, "4", EXAMPLE)
    assert isinstance(way.reason, WayBack)
    assert (way.reason.commit, way.reason.since, way.reason.until) == ("0000001abc", 259_800.0, 346_200.0)
    assert way.reason.text == told


@pytest.mark.parametrize(
    ("version", "since", "until"),
    [("1", 0.0, 0.5), ("3", 1.5, 2.5), ("2", 2.5, 0.0), ("9", 0.0, 0.0)],
    ids=["before the record", "in between", "not replaced", "never"],
)
def test_what_the_record_says_of_a_version_is_told_whatever_leads_to_it(
    version: str, since: float, until: float
) -> None:
    rows = history(("deploy", "1", "2", OK), ("deploy", "2", "3", OK), ("rollback", "3", "2", OK))
    asked = WayBack(version=version)
    assert known_stay(rows, asked) == replace(asked, since=since, until=until)


@pytest.mark.parametrize(
    ("rows", "live", "why"),
    [
        (
            [],
            "1",
            NothingDeployed(where=EXAMPLE),
        ),
        (
            [("deploy", "1", "2", OK), ("rollback", "2", "1", OK)],
            "1",
            OldestServed(live="1", where=EXAMPLE),
        ),
        (
            [("deploy", "1", "2", OK)],
            "7",
            MovedByHand(
                live="7",
                where=EXAMPLE,
                expected="2",
                versions=(
                    "2",
                    "1",
                ),
            ),
        ),
        (
            [("deploy", str(n), str(n + 1), OK) for n in range(1, 8)],
            "6",
            MovedByHand(
                live="6",
                where=EXAMPLE,
                expected="8",
                versions=(
                    "8",
                    "7",
                    "5",
                    "4",
                    "3",
                ),
            ),
        ),
        (
            [("other", "", "2", OK), ("rollback", "2", "7", BAD)],
            "7",
            MovedByHand(live="7", expected="2", versions=("2",), where=EXAMPLE),
        ),
    ],
)
def test_where_there_is_no_way_back_the_reason_is_given_and_what_to_do(
    rows: list[tuple[str, str, str, DeploymentStatus]], live: str, why: Reason
) -> None:
    """The newest five versions are named, and never the one that is served."""
    assert way_back(history(*rows), live, EXAMPLE) == Way(version="", reason=why)


def deployment(number: int, function: str, description: str = "", creator: str = "user") -> Deployment:
    target = DeploymentTarget(
        target_id=function, function=function, alias="live", current_version="1", target_version="2"
    )
    return Deployment(
        id=f"d-{number}",
        status=OK,
        create_time=float(number),
        complete_time=number + 300.0,
        description=description,
        creator=creator,
        rollback_of="d-3" if creator == CREATOR_ROLLBACK else "",
        targets=(target,),
    )


def row(number: int, kind: str, **more: object) -> HistoryEntry:
    return HistoryEntry(
        deployment_id=f"d-{number}",
        status=OK,
        created=float(number),
        current_version="1",
        target_version="2",
        kind=kind,
        ended=number + 300.0,
        **more,  # type: ignore[arg-type]
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
    assert entries(mixed, "checkout", "live") == (
        row(4, "automatic rollback", rollback_of="d-3"),
        row(3, "rollback", run_id=5, commit="abc", reason="why"),
        row(1, "other"),
    )
    assert entries(mixed, "checkout", "canary") == ()


def test_what_began_in_the_same_second_has_one_order() -> None:
    twins = [replace(deployment(1, "checkout"), id=f"d-{name}") for name in ("B", "C", "A")]
    assert [entry.deployment_id for entry in entries(twins, "checkout", "live")] == ["d-C", "d-B", "d-A"]


def test_known_versions_are_all_that_the_group_has_served_or_tried() -> None:
    rows = history(("deploy", "1", "2", OK), ("deploy", "2", "3", BAD))
    assert known_versions(rows) == ("1", "2", "3")


def test_a_version_that_is_not_known_is_no_version() -> None:
    """CodeDeploy lists a deployment that has not begun without the version that it replaces."""
    assert known_versions(history(("other", "", "2", OK))) == ("2",)


def made(number: int, old: str, new: str, function: str = "checkout") -> Deployment:
    target = DeploymentTarget(target_id="t", function=function, alias="live", current_version=old, target_version=new)
    return Deployment(id=f"d-{number:09}", status=OK, create_time=float(number), targets=(target,))


def test_a_rollback_reads_on_to_the_deployment_that_brought_what_it_goes_back_to() -> None:
    """Which says its commit, and since when it was live; not for ever, as somebody may have made the alias on it."""
    rollback = parse(
        {"command": "rollback", "function": "checkout", "application": "a", "deployment-group": "g"} | {"reason": "r"}
    )
    live = Alias(function="checkout", name="live", version="3")
    other = [made(number, "7", "8", "billing") for number in range(20, 30)]
    assert not enough(rollback, live, other)
    assert not enough(rollback, None, other)
    assert not enough(rollback, live, [*other, made(4, "1", "2")])
    assert not enough(rollback, live, [*other[1:], made(5, "2", "3")])
    assert enough(rollback, live, [*other[1:], made(5, "2", "3"), made(4, "1", "2")])
    assert enough(rollback, live, [*other, *other[:9], made(5, "2", "3")])
    back = [made(7, "4", "2"), made(6, "2", "4")]
    back[0] = replace(back[0], creator=CREATOR_ROLLBACK)
    assert not enough(rollback, Alias(function="checkout", name="live", version="2", weights={"5": 10.0}), back)
    assert enough(rollback, Alias(function="checkout", name="live", version="4", weights={"5": 10.0}), back)
    moved = [made(number, str(number), str(number + 1)) for number in range(10, 16)]
    assert enough(rollback, live, moved)
    assert not enough(rollback, live, moved[:3])
    named = replace(rollback, version="1")
    assert not enough(named, live, [made(5, "2", "3")])
    assert not enough(named, live, [made(5, "2", "3"), made(4, "1", "2")])
    assert enough(named, live, [made(5, "2", "3"), made(4, "1", "2"), made(3, "9", "1")])


def test_status_needs_as_many_rows_as_it_shows() -> None:
    status = parse({"command": "status", "function": "checkout", "application": "a", "deployment-group": "g"})
    rows = [made(number, "1", "2") for number in range(SHOWN)]
    assert enough(status, None, rows)
    assert not enough(status, None, rows[1:])


def deployed(number: int, old: str, new: str, function: str = "checkout") -> Deployment:
    target = DeploymentTarget(
        target_id=f"{function}:live", function=function, alias="live", current_version=old, target_version=new
    )
    return Deployment(id=f"d-{number:09}", status=OK, create_time=float(number), targets=(target,))


@pytest.mark.parametrize(
    ("more", "subject", "weights", "wanted"),
    [
        ({"version": "1"}, None, {}, "1"),
        ({}, deployed(1, "1", "2"), {}, "2"),  # what the deployment that is named had released
        ({}, deployed(1, "1", "2", function="cart"), {}, ""),
        ({}, None, {"4": 10.0}, "3"),  # a split alias goes back to its primary version
        ({}, None, {}, "2"),
    ],
)
def test_the_version_that_a_rollback_will_want_is_known_before_it_is_read(
    more: dict[str, str], subject: Deployment | None, weights: dict[str, float], wanted: str
) -> None:
    inputs = parse({"command": "rollback", "function": "checkout", "reason": "x", **more})
    history = (deployed(2, "2", "3"), deployed(1, "1", "2"))
    alias = Alias(function="checkout", name="live", version="3", weights=weights, revision_id="r")
    assert goal(inputs, history, subject, alias) == wanted
