"""Two versions side by side: what reviewers ask before traffic moves. Pure; no value of an environment variable."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator

from ..aws import FunctionVersion
from ..lazy import dataclass

# Settings that have a row of their own, or are told by name.
_SHOWN = frozenset({"Code", "Runtime", "MemorySize", "Timeout", "Layers", "Environment", "PackageType", "Role"})


def fingerprint(version: FunctionVersion) -> str:
    """A hash of what a published version freezes: code and configuration, as far as they are known."""
    parts = [version.code_sha256, *(f"{name}={value}" for name, value in sorted(version.configuration.items()))]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def differences(old: FunctionVersion, new: FunctionVersion) -> tuple[str, ...]:
    """Names of what may differ between two versions: `Code` and configuration settings by AWS's names.

    What Lambda could not decrypt is unknown, so it is never the same.
    """
    code = ("Code",) if old.code_sha256 != new.code_sha256 else ()
    names = sorted({*old.configuration, *new.configuration, *old.unread, *new.unread})
    unread = {*old.unread, *new.unread}
    return code + tuple(
        name for name in names if name in unread or old.configuration.get(name) != new.configuration.get(name)
    )


def changes(before: FunctionVersion, now: FunctionVersion) -> tuple[str, ...]:
    """Names of what has changed, for all that is known: an unknown setting is no sign of anybody's hand."""
    unread = {*before.unread, *now.unread}
    return tuple(name for name in differences(before, now) if name not in unread)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One row: what it is, before, after. For environment variables only names, with what happened to them.

    `discreet` is before and after for everybody's eyes, where those differ: no names.
    """

    name: str
    before: str
    after: str
    discreet: tuple[str, str] | None = None

    @property
    def changed(self) -> bool:
        return self.before != self.after

    def told(self, *, openly: bool) -> tuple[str, str]:
        """Before and after, without names unless `openly`."""
        return (self.before, self.after) if openly or self.discreet is None else self.discreet


def compare(old: FunctionVersion, new: FunctionVersion) -> tuple[Compared, ...]:
    """Everything worth seeing, changed or not; environment variables and other settings only where they changed."""
    return tuple(_rows(old, new))


def _rows(old: FunctionVersion, new: FunctionVersion) -> Iterator[Compared]:
    yield _row("code", old.code_sha256, new.code_sha256 or new.image_uri)
    yield _row(
        "code size", f"{old.code_size:,} bytes", f"{new.code_size:,} bytes" if new.code_size else "not known yet"
    )
    yield _row("runtime", old.runtime or old.package_type, new.runtime or new.package_type)
    yield _row("memory", f"{old.memory_mb} MB", f"{new.memory_mb} MB")
    yield _row("timeout", f"{old.timeout_s} s", f"{new.timeout_s} s")
    yield _layers(old, new)
    yield _row("description", old.description, new.description)
    yield _role(old, new)
    changed = _environment(old, new)
    if "Environment" in (*old.unread, *new.unread):
        yield Compared(name="environment variables", before="", after="not known: Lambda could not decrypt them")
    elif changed:
        count = Counter(what.rpartition(" ")[2] for what in changed)
        discreet = ("", ", ".join(f"{number} {what}" for what, number in count.items()))
        yield Compared(name="environment variables", before="", after=", ".join(changed), discreet=discreet)
    others = [name for name in changes(old, new) if name not in _SHOWN]
    if others:
        yield Compared(name="other settings", before="", after=f"{', '.join(others)} changed")


def _row(name: str, before: str, after: str) -> Compared:
    return Compared(name=name, before=before, after=after)


def _role(old: FunctionVersion, new: FunctionVersion) -> Compared:
    """The execution roles' names; discreetly, whether it is another one."""
    before, after = old.role.rpartition("/")[2], new.role.rpartition("/")[2]
    return Compared(
        name="role", before=before, after=after, discreet=("", "changed" if before != after else "the same")
    )


def _layers(old: FunctionVersion, new: FunctionVersion) -> Compared:
    """`base:3, metrics:12`: the ends of the layers' ARNs say which; discreetly, how many there are."""
    before, after = (", ".join(":".join(arn.split(":")[-2:]) for arn in each.layers) or "none" for each in (old, new))
    less, more = (str(len(each.layers) or "none") for each in (old, new))
    return Compared(
        name="layers", before=before, after=after, discreet=(less, f"{more}, changed" if before != after else more)
    )


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
