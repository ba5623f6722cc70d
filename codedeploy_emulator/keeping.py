"""What a seed made, kept to be brought back: a reset need not ask for it again, request by request.

Everything is kept as one pickle, moto's part and ours, so that what two things share is shared again afterwards.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from typing import Any

from .aws import moto_parts
from .metrics.book import Batch
from .metrics.traffic import Callers

Part = tuple[object, tuple[str, ...]]  # an object, and those of its attributes that a seed fills


class Kept:
    """The state of these parts and of moto at one moment."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._same: list[Any] = []  # what is not copied: moto's own tables, the functions in them, what never changes
        buffer = io.BytesIO()
        _Keeper(buffer, self._same).dump(
            (moto_parts.held(), [{name: getattr(part, name) for name in names} for part, names in parts])
        )
        self._whole = buffer.getvalue()

    def bring_back(self) -> None:
        """Put a fresh copy of everything in the place of what is there."""
        moto_parts.reset()
        held, values = _Bringer(io.BytesIO(self._whole), self._same).load()
        moto_parts.hold(held)
        for (part, names), attributes in zip(self._parts, values, strict=True):
            for name in names:
                setattr(part, name, attributes[name])


class _Keeper(pickle.Pickler):
    def __init__(self, file: io.BytesIO, same: list[Any]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._same = same

    def persistent_id(self, value: Any) -> int | None:
        if not (isinstance(value, Batch | Callers) or moto_parts.is_fixture(value)):
            return None
        self._same.append(value)
        return len(self._same) - 1

    def reducer_override(self, value: Any) -> Any:
        return moto_parts.reduced(value)


class _Bringer(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, same: list[Any]) -> None:
        super().__init__(file)
        self._same = same

    def persistent_load(self, number: Any) -> Any:
        return self._same[number]
