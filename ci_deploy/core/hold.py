"""The hold: a mark on the function that makes deployments refuse, set by a rollback until somebody releases it.

It is a tag of the function, one for each alias, because a tag outlives runs, is read with GetFunction anyway, and is
seen by whoever looks at the function. Lambda allows letters, digits, spaces and `_.:/=+-@` in a tag's value (256).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .run import Context

PREFIX = "ci-deploy:hold:"


def tag(alias: str) -> str:
    return PREFIX + alias


def value(context: Context, reason: str) -> str:
    """Who holds, by which run, and why."""
    who = f"by {context.actor} " if context.actor else ""
    run = f"run {context.run_id} " if context.run_id else ""
    return re.sub(r"[^\w .:/=+@-]", "_", f"{who}{run}- {reason}", flags=re.ASCII)[:256].strip()


def held(tags: Mapping[str, str], alias: str) -> str | None:
    """Who holds this alias and why, None if nobody does."""
    return tags.get(tag(alias))
