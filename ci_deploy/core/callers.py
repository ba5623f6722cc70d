"""Who may invoke the function itself, and so gets new code without any shift: what was read, and how it is named.

The alias protects its own callers alone. Three places say who else there is: the resource policy, event source
mappings, and the function URL, each of the function without a qualifier. Callers by IAM alone are in none of them.
"""

from __future__ import annotations

from .aws import Fact, Known
from .lazy import dataclass

# A pattern (`lambda:*`, `lambda:Invoke*`) is read as AWS does.
_INVOKE = "lambda:invokefunction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """A statement of the resource policy. `principal`: a service, an account or `*`; `source`: an ARN, may be empty.

    `by_url`: it lets the function be invoked through its URL alone.
    """

    statement: str
    principal: str
    action: str = "lambda:InvokeFunction"
    source: str = ""
    by_url: bool = False

    @property
    def invokes(self) -> bool:
        said = self.action.lower()
        return _INVOKE.startswith(said[:-1]) if said.endswith("*") else said == _INVOKE


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """An event source mapping; `source` is the ARN it reads from (a self-managed Kafka has none)."""

    uuid: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """A function URL; `auth` is NONE or AWS_IAM."""

    address: str
    auth: str = "AWS_IAM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    permissions: Fact[tuple[Permission, ...]] = Known(())
    event_sources: Fact[tuple[EventSource, ...]] = Known(())
    url: Fact[Url | None] = Known(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody whom the resource policy lets invoke, and the statements that say so."""

    principal: str
    source: str
    statements: tuple[str, ...]


def named(permissions: tuple[Permission, ...]) -> tuple[Caller, ...]:
    """Who may invoke, each once. What lets a function URL be used is told with the URL."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for each in permissions:
        if each.invokes and not each.by_url:
            key = (each.principal, _whole(each.source))
            found[key] = (*found.get(key, ()), each.statement)
    return tuple(
        Caller(principal=principal, source=source, statements=tuple(dict.fromkeys(statements)))
        for (principal, source), statements in found.items()
    )


def _whole(source: str) -> str:
    """An API instead of one of its routes, for which there may be dozens of statements."""
    parts = source.split(":", 5)
    if len(parts) == 6 and parts[2] == "execute-api":
        parts[5] = parts[5].partition("/")[0] + "/*/*"
    return ":".join(parts)
