"""`dataclass` as the standard library has it, but cheap to define: a run imports more than a hundred of them.

The standard one writes and compiles `__eq__`, `__hash__` and `__repr__` for each class, which is a third of what a
class costs (and all classes together cost a tenth of a deployment's CPU). Here all classes share them.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(**options: bool) -> Any:
        """Options are the standard library's; classes are compared, hashed and shown by all of their fields."""

        def decorate(cls: type) -> type:
            made = dataclasses.dataclass(**options, eq=False, repr=False)(cls)
            names = [field.name for field in dataclasses.fields(made)]
            made._values = attrgetter(*names) if names else _nothing
            made.__eq__, made.__repr__ = _equal, _show
            made.__hash__ = _hash if options.get("frozen") else None
            return made

        return decorate


def _nothing(record: Any) -> tuple[()]:
    return ()


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    values = self.__class__._values
    return values(self) == values(other)


def _hash(self: Any) -> int:
    return hash((self.__class__, self.__class__._values(self)))


def _show(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self))
    return f"{self.__class__.__qualname__}({', '.join(shown)})"
