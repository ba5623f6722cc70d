"""The syntax trees of the product's files, for the laws that read them: a file is parsed once, however many do."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return walked(tree(path))


def walked(root: ast.AST) -> tuple[ast.AST, ...]:
    """All nodes as `ast.walk` has them, parents first, without those that have no parts (`Load`, `Add`)."""
    found = [root]
    for node in found:  # which grows meanwhile
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                found += [each for each in value if isinstance(each, ast.AST)]
            elif isinstance(value, ast.AST) and value._fields:
                found.append(value)
    return tuple(found)


def forget() -> None:
    tree.cache_clear()
    nodes.cache_clear()
