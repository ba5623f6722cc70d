"""The events that reporters consume, and the actions that are carried out: facts and requests, as data."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from types import ModuleType
from typing import get_args

import pytest

from ci_deploy.core.aws import EventStatus, LifecycleEvent
from ci_deploy.core.machine import actions
from ci_deploy.core.story import events
from ci_deploy.core.story.events import Event, LifecycleChanged, Written


def kinds(module: ModuleType, base: type) -> set[type]:
    """The classes of a module that are made from a base."""
    found = {each for each in vars(module).values() if isinstance(each, type) and issubclass(each, base)}
    return found - {base}


def test_every_event_is_one_that_reporters_are_told_to_expect() -> None:
    assert set(get_args(Event)) == kinds(events, events._Event)


def test_every_action_is_one_that_has_to_be_carried_out() -> None:
    assert set(get_args(actions.Action)) == kinds(actions, actions._Action)


def test_an_event_is_a_fact_of_the_past_that_nobody_changes() -> None:
    """It is given to one reporter after the other, and to threads of their own."""
    event = Written(at=1.5, what="made")
    with pytest.raises(FrozenInstanceError):
        event.what = "something else"  # type: ignore[misc]


def test_an_event_that_names_no_function_is_about_the_whole_run() -> None:
    assert Written(at=1.5, what="made").key == ""
    assert all({"at", "key"} <= {field.name for field in fields(kind)} for kind in get_args(Event))


@pytest.mark.parametrize("status", list(EventStatus))
def test_a_lifecycle_change_has_the_status_of_its_event(status: EventStatus) -> None:
    event = LifecycleEvent(name="AllowTraffic", status=status)
    assert LifecycleChanged(at=0.0, deployment_id="d-1", event=event).status is status
