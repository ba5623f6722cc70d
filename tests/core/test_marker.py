"""The marker in a deployment's description."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_deploy.core.marker import LIMIT, Marker, key_of, parse, write

FULL = Marker(
    id="0badcafe",
    key="0123456789abcdef",
    run_id=123456,
    attempt=2,
    step="5eed5eed",
    sha="a" * 40,
    kind="rollback",
    by="alice",
    reason="prices are wrong",
)


def test_the_step_is_named_before_the_commit() -> None:
    assert " key=0123456789abcdef step=5eed5eed sha=" in write(FULL)


def test_what_is_written_is_read_back() -> None:
    assert parse(write(FULL)) == FULL


def test_the_form_is_the_documented_one() -> None:
    plain = Marker(id="0badcafe", key="0123456789abcdef", run_id=7, attempt=1, sha="abc")
    assert write(plain) == "ci-deploy/1 id=0badcafe run=7.1 key=0123456789abcdef sha=abc"


@pytest.mark.parametrize(
    ("more", "written"),
    [
        ({}, ""),
        ({"kind": "rollback"}, " kind=rollback"),
        ({"by": "octo cat/ü[bot]@x.y-z_"}, " by=octo_cat_ü[bot]@x.y-z_"),
        ({"by": "x" * 50}, " by=" + "x" * 39),
        ({"reason": " prices \n are\twrong "}, " prices are wrong"),
        ({"kind": "rollback", "by": "alice", "reason": "why"}, " kind=rollback by=alice why"),
    ],
)
def test_what_is_not_there_is_left_out_and_read_back_as_nothing(more: dict[str, str], written: str) -> None:
    marker = Marker(id="0badcafe", key="0123456789abcdef", **more)
    text = "ci-deploy/1 id=0badcafe run=0.0 key=0123456789abcdef sha=" + written
    assert write(marker) == text
    read = parse(text)
    assert read == replace(
        marker,
        by=written.partition("by=")[2].partition(" ")[0],
        reason=" ".join(marker.reason.split()),
    )


def test_the_reason_is_cut_to_what_is_left() -> None:
    room = LIMIT - len(write(replace(FULL, reason="")) + " ")
    assert write(replace(FULL, reason="x" * room)).endswith(" " + "x" * room)
    cut = write(replace(FULL, reason="x" * (room + 1)))
    assert cut.endswith(" " + "x" * (room - 1) + "…")
    assert len(cut) == LIMIT


def test_a_sha_is_cut_to_what_is_read_back() -> None:
    assert parse(write(replace(FULL, sha="f" * 65))) == replace(FULL, sha="f" * 64)


@given(st.text(max_size=600), st.text(max_size=80))
def test_no_reason_and_no_actor_breaks_it_or_makes_it_too_long(reason: str, by: str) -> None:
    text = write(Marker(id="0badcafe", key="0123456789abcdef", sha="f" * 40, kind="rollback", by=by, reason=reason))
    assert len(text) <= LIMIT
    read = parse(text)
    assert read is not None
    assert (read.id, read.kind, read.run_id) == ("0badcafe", "rollback", 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a person's words",
        " ci-deploy/1 id=0badcafe run=1.1 key=0123456789abcdef sha=",
        "redeploy of ci-deploy/1 id=0badcafe run=1.1 key=0123456789abcdef sha=",
        "ci-deploy/2 id=0badcafe run=1.1 key=0123456789abcdef sha=",
        "ci-deploy/1 id=0badcaf run=1.1 key=0123456789abcdef sha=",
    ],
)
def test_only_a_marker_at_the_very_beginning_counts(text: str) -> None:
    assert parse(text) is None


def test_a_reason_cannot_pass_for_a_kind() -> None:
    """A deployment has no reason; a rollback's kind stands before its reason."""
    text = write(Marker(id="0badcafe", key="0123456789abcdef", kind="rollback", reason="kind=deploy by=mallory"))
    read = parse(text)
    assert read is not None
    assert read.kind == "rollback"


def test_the_key_tells_the_parts_apart() -> None:
    assert key_of("deploy", "a", "b", "c") != key_of("deploy", "ab", "", "c")
    assert key_of("deploy", "a", "b", "c") == "e2db26d7ac913b10"
