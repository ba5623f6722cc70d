"""How a record's transition makes the next one: what `dataclasses.replace` does, in a third of the time.

Random histories are played by the hundred thousand, and changing records is much of what they do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import replace as replace  # so that names and types of fields are checked
else:
    _set = object.__setattr__

    def replace(record: Any, /, **changes: Any) -> Any:
        """The same record with some fields changed; AttributeError for a field that it has not."""
        made = object.__new__(type(record))
        for name in record.__slots__:
            _set(made, name, changes[name] if name in changes else getattr(record, name))
        if unknown := changes.keys() - made.__dataclass_fields__:
            raise AttributeError(f"a {type(record).__name__} has no {', '.join(sorted(unknown))}")
        return made
