"""Checks an answer's raw JSON against botocore's output shape: nothing unknown, nothing of a wrong type or value."""

from __future__ import annotations

import json
import re
from typing import Any

# Values that AWS's API reference has, and botocore 1.44 has not yet (facts G16).
_NEWER = {"StopStatus": ("Forced",)}


def check(raw: bytes, shape: Any) -> None:
    """Fail when an answer is not what the model says."""
    if shape is None:
        assert raw in (b"", b"{}"), "an operation without output answered with something"
        return
    problems = list(_problems(json.loads(raw or b"{}"), shape, shape.name))
    assert not problems, problems


def _problems(value: Any, shape: Any, path: str) -> Any:
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            yield f"{path} is not an object"
            return
        for key, inner in value.items():
            if key not in shape.members:
                yield f"{path}.{key} is not in the model"
            else:
                yield from _problems(inner, shape.members[key], f"{path}.{key}")
    elif kind == "list":
        for index, inner in enumerate(value):
            yield from _problems(inner, shape.member, f"{path}[{index}]")
    elif kind == "map":
        for key, inner in value.items():
            yield from _problems(inner, shape.value, f"{path}[{key}]")
    elif kind == "string":
        yield from _text_problems(value, shape, path)
    else:
        allowed = {
            "boolean": bool,
            "integer": int,
            "long": int,
            "double": (int, float),
            "float": (int, float),
            "timestamp": (int, float),
        }[kind]
        if not isinstance(value, allowed) or (kind != "boolean" and isinstance(value, bool)):
            yield f"{path} is {value!r}, not a {kind}"


def _text_problems(value: Any, shape: Any, path: str) -> Any:
    if not isinstance(value, str):
        yield f"{path} is {value!r}, not a text"
        return
    if shape.enum and value not in (*shape.enum, *_NEWER.get(shape.name, ())):
        yield f"{path} is {value!r}, not one of {shape.enum}"
    if "max" in shape.metadata and len(value) > shape.metadata["max"]:
        yield f"{path} is too long"
    if "pattern" in shape.metadata and not re.fullmatch(shape.metadata["pattern"], value):
        yield f"{path} is {value!r}, which its pattern does not allow"
