"""How Lambda's API and an AppSpec name a function: a name, a partial or a whole ARN, each perhaps with a qualifier.

The pattern is that of FunctionName in Lambda's model. An ARN says an account and a region, and they must be the right
ones: a function of another region is not reached from here, whatever its name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?(?:(?P<region>[a-z]{2,4}(?:-[a-z]+)+-[0-9]):)?(?:(?P<account>[0-9]{12}):)?(?:function:)?"
    r"(?P<name>[a-zA-Z0-9-_]+)(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionName:
    """A function as somebody named it; None is what the name does not say."""

    name: str
    region: str | None = None
    account: str | None = None
    qualifier: str | None = None


def parse(raw: str) -> FunctionName | None:
    """The parts of a function's name or ARN; None when it is neither."""
    found = _NAME.fullmatch(raw)
    return FunctionName(**found.groupdict()) if found else None
