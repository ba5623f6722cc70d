"""The CloudFormation template of docs/cloudformation, as `init` writes it: the wheel carries a copy."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import ci_deploy

NAME = "foundation.yaml"


def template() -> str:
    """Its text; the source's own in a checkout. FileNotFoundError in the action's image, which has none."""
    shipped = resources.files(ci_deploy) / NAME
    if shipped.is_file():
        return shipped.read_text(encoding="utf-8")
    source = Path(ci_deploy.__file__).resolve().parent.parent / "docs" / "cloudformation" / NAME
    return source.read_text(encoding="utf-8")
