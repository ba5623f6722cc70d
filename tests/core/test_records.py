"""Our dataclasses do what the standard library's do."""

from __future__ import annotations

import dataclasses

import pytest

from ci_deploy.core.events import Heartbeat
from ci_deploy.core.model import Alias, Known
from ci_deploy.core.records import dataclass
from ci_deploy.core.rollout import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    x: int
    y: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Point):
    name: str = ""


def test_records_are_compared_and_hashed_by_all_fields_and_their_class() -> None:
    assert Point(x=1) == Point(x=1, y=0)
    assert Point(x=1) != Point(x=2)
    assert Point(x=1) != Place(x=1)
    assert Place(x=1, name="a") != Place(x=1, name="b")
    assert len({Point(x=1), Point(x=1), Place(x=1)}) == 2
    assert Known(1) == Known(1)


def test_records_are_frozen_shown_and_replaced() -> None:
    place = Place(x=1, name="here")
    assert repr(place) == "Place(x=1, y=0, name='here')"
    assert dataclasses.replace(place, y=2) == Place(x=1, y=2, name="here")
    with pytest.raises(dataclasses.FrozenInstanceError):
        place.x = 2  # type: ignore[misc]
    assert not hasattr(place, "__dict__")


def test_what_may_change_has_no_hash() -> None:
    assert Turn.__hash__ is None
    assert Alias.__hash__ is not None
    assert Heartbeat.__match_args__ == ()
