"""The table of reasons, read from their classes."""

from __future__ import annotations

import importlib
import pkgutil

from ci_deploy.core import reasons as room
from ci_deploy.core.reasons.reason import Reason


def reasons() -> list[type[Reason]]:
    """Every reason with a code of its own, by code. A class without one is there for others to build on."""
    for module in pkgutil.iter_modules(room.__path__):
        importlib.import_module(f"{room.__name__}.{module.name}")
    found: dict[str, type[Reason]] = {}
    left: list[type[Reason]] = [Reason]
    while left:
        for each in left.pop().__subclasses__():
            left.append(each)
            # With slots a dataclass is made anew; the class that it was made from lingers, and has none.
            if isinstance(vars(each).get("code"), str) and "__slots__" in vars(each):
                found[f"{each.code} {each.__qualname__}"] = each
    return [found[name] for name in sorted(found)]
