"""Dataclasses that are made when first used: what they are then, and that nobody can tell from outside."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ci_deploy.core.lazy import dataclass

ROOT = Path(__file__).parents[2]


def made() -> tuple[type[Any], type[Any]]:
    """A class and one that builds on it, both new and not used yet."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Base:
        code: ClassVar = "base"
        alias: str = "live"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Derived(Base):
        code: ClassVar = "derived"
        function: str
        shares: tuple[int, ...] = ()
        notes: list[str] = field(default_factory=list)

    return Base, Derived


def names(kind: type[Any]) -> list[str]:
    return [each.name for each in fields(kind)]


def test_an_instance_is_that_of_a_dataclass() -> None:
    _, derived = made()
    one = derived(function="checkout")
    assert (one.alias, one.function, one.shares, one.notes, one.code) == ("live", "checkout", (), [], "derived")
    assert one == derived(function="checkout")
    assert one != derived(function="cart")
    assert replace(one, alias="blue").alias == "blue"
    assert "function='checkout'" in repr(one)
    with pytest.raises(FrozenInstanceError):
        one.alias = "blue"
    with pytest.raises(TypeError, match="unexpected keyword argument 'color'"):
        derived(function="checkout", color="red")
    with pytest.raises(TypeError, match="function"):
        derived()


def test_instances_that_hold_nothing_mutable_can_be_hashed() -> None:
    base, _ = made()
    assert len({base(), base(), base(alias="blue")}) == 2


@pytest.mark.parametrize("first", [0, 1])
def test_fields_are_known_before_the_first_instance_whichever_class_is_asked_first(first: int) -> None:
    kinds = made()
    assert is_dataclass(kinds[first])
    assert (names(kinds[0]), names(kinds[1])) == (["alias"], ["alias", "function", "shares", "notes"])


def test_a_class_that_adds_nothing_builds_on_one_that_is_not_made() -> None:
    base, _ = made()
    plain = type("Plain", (base,), {})
    assert plain(alias="blue").alias == "blue"
    assert plain(alias="blue") != base(alias="blue")


def test_a_class_is_made_once_however_often_it_is_asked_for() -> None:
    base, _ = made()
    waiting = vars(base)["__dataclass_fields__"]
    one = base()
    found = vars(base)["__dataclass_fields__"]
    assert waiting.__get__(None, base) is found  # as another thread would, that had to wait
    assert (one, base(alias="blue").alias) == (base(), "blue")


def test_several_threads_may_use_a_class_first() -> None:
    for _ in range(50):
        _, derived = made()
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda number, kind=derived: kind(function=str(number)).function, range(8)))  # type: ignore[misc]
        assert found == [str(number) for number in range(8)]


def test_starting_makes_few_of_them() -> None:
    """Nearly all classes of messages are left as they are until a message is needed."""
    program = (
        "import dataclasses, ci_deploy.app, ci_deploy.core.reasons.ending.verdict as room\n"
        "kinds = [each for each in vars(room).values() if getattr(each, '__module__', '') == room.__name__]\n"
        "kinds = [each for each in kinds if isinstance(each, type)]\n"
        "made = [each for each in kinds if isinstance(vars(each).get('__dataclass_fields__'), dict)]\n"
        "print(len(kinds), len(made))"
    )
    told = subprocess.run([sys.executable, "-I", "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    kinds, used = map(int, told.stdout.split())
    assert (kinds > 20, used < kinds / 4) == (True, True)


def test_every_message_and_event_is_such_a_class() -> None:
    """One that is made at once would be found by nobody, and start-up would grow with each."""
    from ci_deploy.core.story import events
    from scripts.messages import reasons

    eager = [
        each.__qualname__
        for each in (*reasons(), *(kind for kind in vars(events).values() if isinstance(kind, type)))
        if dataclasses.is_dataclass(each) and "__slots__" in vars(each)
    ]
    assert eager == []
