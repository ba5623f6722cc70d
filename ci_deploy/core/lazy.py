"""`dataclass` for the many classes of which a run uses few: made when first used, not when imported.

The standard library writes and compiles six functions for each class. For some three hundred classes of messages and
events that took as long as all of botocore's start-up. There are no slots: a class with slots is another class.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # so that names and types of fields are checked
else:
    import dataclasses

    _making = threading.RLock()

    def dataclass(*, slots: bool = False, **options: Any) -> Any:
        """The decorator; options as the standard library's, `slots` is left out."""

        def later(cls: type) -> type:
            cls.__dataclass_fields__ = _Fields(cls, options)
            cls.__new__ = _first
            return cls

        return later

    class _Fields:
        """Stands for the fields of a class that is not made yet: whoever reads them (`fields`, a subclass) makes it."""

        def __init__(self, cls: type, options: dict[str, Any]) -> None:
            self._cls, self._options = cls, options

        def __get__(self, instance: object, owner: type) -> dict[str, Any]:
            with _making:
                if self._cls.__dict__["__dataclass_fields__"] is self:
                    dataclasses.dataclass(**self._options)(self._cls)
                    self._cls.__new__ = _further
            return self._cls.__dict__["__dataclass_fields__"]

    def _first(cls: type, *args: Any, **facts: Any) -> Any:
        """`__new__` until the class is made. Several threads may be here at once; each leaves with a whole class."""
        with _making:
            cls.__dataclass_fields__  # noqa: B018 - reading makes
        return object.__new__(cls)

    def _further(cls: type, *args: Any, **facts: Any) -> Any:
        return object.__new__(cls)
