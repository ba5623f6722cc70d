"""Two versions side by side: what reviewers ask before traffic moves. Pure; no value of an environment variable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from .model import FunctionVersion

# Settings that have a row of their own, or are told by name.
_SHOWN = frozenset({"Runtime", "MemorySize", "Timeout", "Layers", "Environment", "PackageType", "Role"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One row: what it is, before, after. For environment variables only names, with what happened to them."""

    name: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        return self.before != self.after


def compare(old: FunctionVersion, new: FunctionVersion) -> tuple[Compared, ...]:
    """Everything worth seeing, changed or not; environment variables and other settings only where they changed."""
    return tuple(_rows(old, new))


def _rows(old: FunctionVersion, new: FunctionVersion) -> Iterator[Compared]:
    for name, before, after in (
        ("code", old.code_sha256, new.code_sha256 or new.image_uri),
        ("code size", f"{old.code_size} bytes", f"{new.code_size} bytes" if new.code_size else "not known yet"),
        ("runtime", old.runtime or old.package_type, new.runtime or new.package_type),
        ("memory", f"{old.memory_mb} MB", f"{new.memory_mb} MB"),
        ("timeout", f"{old.timeout_s} s", f"{new.timeout_s} s"),
        ("layers", _layers(old), _layers(new)),
        ("description", old.description, new.description),
        ("role", old.role.rpartition("/")[2], new.role.rpartition("/")[2]),
    ):
        yield Compared(name=name, before=before, after=after)
    changed = _environment(old, new)
    if changed:
        yield Compared(name="environment variables", before="", after=", ".join(changed))
    others = [
        name
        for name in sorted(set(old.configuration) | set(new.configuration))
        if name not in _SHOWN and old.configuration.get(name) != new.configuration.get(name)
    ]
    if others:
        yield Compared(name="other settings", before="", after=f"{', '.join(others)} changed")


def _layers(version: FunctionVersion) -> str:
    """`base:3, metrics:12`: the ends of the layers' ARNs say which."""
    return ", ".join(":".join(arn.split(":")[-2:]) for arn in version.layers) or "none"


def _environment(old: FunctionVersion, new: FunctionVersion) -> list[str]:
    before, after = _variables(old), _variables(new)
    found = []
    for name in sorted({*old.environment_names, *new.environment_names}):
        if name not in new.environment_names:
            found.append(f"{name} removed")
        elif name not in old.environment_names:
            found.append(f"{name} added")
        elif before.get(name) != after.get(name):
            found.append(f"{name} changed")
    return found


def _variables(version: FunctionVersion) -> dict[str, object]:
    try:
        found = json.loads(version.configuration.get("Environment", "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
