"""The CloudFormation template of docs/cloudformation, as `init` writes it: the wheel carries a copy."""

from __future__ import annotations

from pathlib import Path

NAME = "foundation.yaml"
_PACKAGE = Path(__file__).resolve().parents[2]


def template() -> str:
    """Its text; the source's own in a checkout. FileNotFoundError in the action's image, which has none."""
    shipped = _PACKAGE / NAME
    source = _PACKAGE.parent / "docs" / "cloudformation" / NAME
    return (shipped if shipped.is_file() else source).read_text(encoding="utf-8")
