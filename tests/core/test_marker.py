"""The marker in a deployment's description."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_deploy.core.marker import LIMIT, Marker, key_of, parse, write

FULL = Marker(
    id="0badcafe",
    key="0123456789abcdef",
    run_id=123456,
    attempt=2,
    sha="a" * 40,
    kind="rollback",
    by="alice",
    reason="prices are wrong",
)


def test_what_is_written_is_read_back() -> None:
    assert parse(write(FULL)) == FULL


def test_the_form_is_the_documented_one() -> None:
    plain = Marker(id="0badcafe", key="0123456789abcdef", run_id=7, attempt=1, sha="abc")
    assert write(plain) == "ci-deploy/1 id=0badcafe run=7.1 key=0123456789abcdef sha=abc"


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
