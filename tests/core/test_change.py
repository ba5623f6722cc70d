"""What a transition makes: the same record with some fields changed, as `dataclasses.replace` would make it."""

from __future__ import annotations

import dataclasses

import pytest

from ci_deploy.core.change import replace
from ci_deploy.core.machine.state.attempt.wait import Wait
from ci_deploy.core.machine.state.place import Place, Stage


def test_a_change_is_what_dataclasses_would_make_of_it() -> None:
    place = Place(stage=Stage.WAITING, since=3.0, tries=2)
    assert replace(place, tries=0, again_at=7.0) == dataclasses.replace(place, tries=0, again_at=7.0)
    assert place == Place(stage=Stage.WAITING, since=3.0, tries=2)


def test_a_field_that_a_record_has_not_is_a_mistake() -> None:
    with pytest.raises(AttributeError, match=r"^a Wait has no othr, untli$"):
        replace(Wait(), othr="d-1", untli=3.0, until=2.0)  # type: ignore[call-arg]
