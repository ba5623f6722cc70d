"""What each start would compile anew: regular expressions, and the functions that dataclasses write for themselves.

The image has them compiled, in a file that scripts/compiled.py makes with the image's own Python. An entry is found by
the whole text that would be compiled, so it cannot be another's. What the file does not have is compiled as usual, and
without the file (`pip install`) or with another Python everything is.
"""

from __future__ import annotations

import marshal
import sys
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name(f"compiled.{sys.implementation.cache_tag}.marshal")


def use(file: Path = FILE) -> None:
    """Have `re` and `dataclasses` take what is in the file. Comes before whatever compiles something."""
    try:
        version, patterns, functions = marshal.loads(file.read_bytes())
    except FileNotFoundError:
        return
    if version != sys.version:
        return
    from re import _compiler  # type: ignore[attr-defined]

    compile_pattern, engine = _compiler.compile, _compiler._sre

    def pattern(text: Any, flags: int = 0) -> Any:
        found = patterns.get((text, flags))
        if found is None:
            return compile_pattern(text, flags)
        all_flags, code, groups, names, numbers = marshal.loads(found)
        return engine.compile(text, all_flags, memoryview(code).cast("I").tolist(), groups, names, numbers)

    _compiler.compile = pattern
    import dataclasses  # which compiles patterns

    def execute(text: str, *spaces: Any) -> None:
        found = functions.get(text)
        # `dont_inherit`: not with the __future__ of this module.
        exec(compile(text, "<string>", "exec", dont_inherit=True) if found is None else marshal.loads(found), *spaces)

    dataclasses.exec = execute  # type: ignore[attr-defined]
