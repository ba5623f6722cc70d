"""Makes the file of ci_deploy/compiled.py: run once in the build stage, by the Python that the image has.

    python -Ps compiled.py SOURCES TARGET < names of modules

Imports the modules and starts a deployment as the environment says, against a server that refuses its first request.
What is compiled meanwhile is compiled once more for TARGET, always to the same bytes. Messages and events that later
parts of a run need are left to them: reading three times as much takes longer than a start saves by it.
"""

from __future__ import annotations

import marshal
import re
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path  # which compiles patterns

# The newest format in which an object's bytes do not depend on what else refers to it.
FORMAT = 2
COMPILER: Any = re._compiler  # type: ignore[attr-defined]


def listen() -> tuple[set[tuple[str | bytes, int]], set[str]]:
    """The patterns with their flags, and the texts of dataclasses, that are compiled from here on."""
    patterns: set[tuple[str | bytes, int]] = set()
    functions: set[str] = set()
    compile_pattern = COMPILER.compile

    def pattern(text: Any, flags: int = 0) -> Any:
        if isinstance(text, str | bytes):
            patterns.add((text, int(flags)))
        return compile_pattern(text, flags)

    COMPILER.compile = pattern
    import dataclasses  # which compiles patterns

    def execute(text: str, *spaces: Any) -> None:
        functions.add(text)
        exec(compile(text, "<string>", "exec", dont_inherit=True), *spaces)

    dataclasses.exec = execute  # type: ignore[attr-defined]
    return patterns, functions


def compiled_pattern(text: str | bytes, flags: int) -> bytes:
    """What `re` gives to its engine for a pattern."""
    engine, given = COMPILER._sre, []

    def listened(*arguments: Any) -> Any:
        given.extend(arguments)
        return engine.compile(*arguments)

    COMPILER._sre = SimpleNamespace(**{**vars(engine), "compile": listened})
    try:
        COMPILER.compile(text, flags)
    finally:
        COMPILER._sre = engine
    _, all_flags, code, groups, names, numbers = given
    packed = b"".join(int(each).to_bytes(engine.CODESIZE, sys.byteorder) for each in code)
    return marshal.dumps((int(all_flags), packed, groups, dict(names), numbers), FORMAT)


def compiled_function(text: str) -> bytes:
    return marshal.dumps(compile(text, "<string>", "exec", dont_inherit=True), FORMAT)


def write(patterns: set[tuple[str | bytes, int]], functions: set[str], target: Path) -> None:
    content = (
        sys.version,
        {each: compiled_pattern(*each) for each in sorted(patterns, key=repr)},
        {each: compiled_function(each) for each in sorted(functions)},
    )
    target.write_bytes(marshal.dumps(content, FORMAT))


def main() -> None:
    sources, target = sys.argv[1:]
    patterns, functions = listen()
    # Everything else is imported once both are listened to.
    import contextlib
    import importlib
    import os
    import warnings
    from pathlib import Path

    sys.path.append(sources)
    warnings.simplefilter("ignore")
    for name in sys.stdin.read().split():
        with contextlib.suppress(Exception):  # another system's
            importlib.import_module(name)
    from ci_deploy.app import run

    run([], dict(os.environ), Path("/"))
    write(patterns, functions, Path(target))


if __name__ == "__main__":
    main()
