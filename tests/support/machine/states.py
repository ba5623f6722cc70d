"""States that no history leads to quickly: a rollout with some fields changed, in whichever of its records they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import is_dataclass, replace
from typing import Any

from ci_deploy.core.machine.rollout import Rollout


def but(rollout: Rollout, **changes: Any) -> Rollout:
    """The same rollout with fields changed by their names; one of several records is told by `record__field`."""
    made = rollout
    for name, value in changes.items():
        found = [path for path in _paths(rollout) if "__".join(path).endswith(f"__{name}")]
        assert len(found) == 1, f"{name} is a field of {len(found)} records: {found}"
        made = _changed(made, found[0][1:], value)
    return made


def _paths(record: Any, *above: str) -> Iterator[tuple[str, ...]]:
    for name, inner in vars(record).items():
        path = (*(above or ("",)), name)
        yield path
        if type(inner).__module__.startswith("ci_deploy.core.machine") and is_dataclass(inner):
            yield from _paths(inner, *path)


def _changed(record: Any, path: tuple[str, ...], value: Any) -> Any:
    name, *rest = path
    return replace(record, **{name: _changed(getattr(record, name), tuple(rest), value) if rest else value})
