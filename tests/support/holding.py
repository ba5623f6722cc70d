"""All that an emulator holds, moto's part and its own, as values that can be compared."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from types import FunctionType
from typing import Any
from weakref import WeakValueDictionary

from codedeploy_emulator import Emulator
from codedeploy_emulator.aws import moto_parts


def state_of(emulator: Emulator) -> dict[str, Any]:
    """By its parts."""
    runtime = emulator.runtime
    parts = {
        "moto": moto_parts.held(),
        "deployments": runtime.store,
        "limits": runtime.limits._buckets,
        "scripts": (runtime.functions.scripts, runtime.functions._streams),
        "callers": (runtime.traffic._entries, runtime.traffic._playing, runtime.traffic._made, runtime.traffic.place),
        "book": runtime.book._batches,
        "GitHub": (emulator.github.repositories, emulator.github._next_id, emulator.github.url),
        "stacks": (emulator.aws.named, emulator.aws.stacks._stacks),
        "faults": (emulator.present_faults(), emulator._faults._random, emulator._faults.seed),
        "switches": emulator.switch_values(),
        "calls": emulator.calls,
        "time": emulator.now,
    }
    return {name: _shown(part, {}) for name, part in parts.items()}


def _shown(value: Any, seen: dict[int, int]) -> Any:
    """All reachable state as plain values; an object met again is shown as a reference to the first time."""
    if value is None or isinstance(value, bool | int | float | str | bytes | type | FunctionType):
        return value
    if id(value) in seen:
        return f"the {seen[id(value)]}th"
    seen[id(value)] = len(seen)
    if isinstance(value, tempfile.SpooledTemporaryFile):
        value.seek(0)
        return value.read()
    if isinstance(value, Mapping | WeakValueDictionary):
        return type(value).__name__, {str(key): _shown(each, seen) for key, each in value.items()}, _own(value, seen)
    if isinstance(value, list | tuple):
        return [_shown(each, seen) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if hasattr(value, "getstate"):
        return value.getstate()
    return type(value).__name__, _own(value, seen)


def _own(value: Any, seen: dict[int, int]) -> dict[str, Any]:
    names = [*getattr(value, "__dict__", ()), *getattr(type(value), "__slots__", ())]
    return {
        name: _shown(getattr(value, name), seen)
        for name in names
        if not name.startswith("__") and name not in ("data", "_remove", "_pending_removals", "_iterating")
    }
