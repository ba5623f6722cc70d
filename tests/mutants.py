"""Mutation testing: changes one thing at a time in a module's functions, and asks whether any test notices.

    python -m tests.mutants ci_deploy/core/hold.py [more.py …] [--line N | --every N | --again FILE] [--tests …]

Prints every mutant that survives with its place and its change, then killed/total for each module; the exit code is 1
when one survived. A mutant is tried with the tests that reach its line, quickest first, in a forked process in which
the functions of the module have the changed code: that takes seconds where importing everything anew takes hours. What
no function holds (constants, tables) is not mutated, and texts are not: golden files hold them.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import gc
import os
import pickle
import signal
import sys
import tempfile
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import coverage
import pytest
from _pytest.runner import runtestprotocol

COMPARED = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
COMPUTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult}
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One change of one module: `before` became `after` in this line."""

    path: Path
    line: int
    before: str
    after: str
    code: Callable[[], CodeType]

    @property
    def named(self) -> str:
        return f"{_short(self.path)}:{self.line}: {self.before}  ->  {self.after}"


def mutants(path: Path) -> Iterator[Mutant]:
    """Every mutant of a module's functions, in the order of its text."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.Lambda))
        for part in (function.body if isinstance(function.body, list) else [function.body])
        for node in ast.walk(part)
    }
    notes = {id(part) for note in _annotations(tree) for part in ast.walk(note)}
    for holder in ast.walk(tree):
        for name, value in ast.iter_fields(holder):
            for place, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(node, ast.AST) and id(node) in inside and id(node) not in notes:
                    for new in changed(node):
                        before, after = (" ".join(ast.unparse(each).split()) for each in (node, new))
                        made = _maker(tree, holder, name, place, new, path)
                        yield Mutant(path=path, line=_line(node, holder), before=before, after=after, code=made)


def _annotations(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            if (note := getattr(node, name, None)) is not None:
                yield note


def _line(node: ast.AST, holder: ast.AST) -> int:
    return getattr(node, "lineno", None) or getattr(holder, "lineno", None) or holder.pattern.lineno  # type: ignore[attr-defined]


def _maker(
    tree: ast.Module, holder: ast.AST, name: str, place: int | None, new: ast.AST, path: Path
) -> Callable[[], CodeType]:
    def code() -> CodeType:
        old = getattr(holder, name) if place is None else getattr(holder, name)[place]
        if place is None:
            setattr(holder, name, new)
        else:
            getattr(holder, name)[place] = new
        try:
            return compile(ast.fix_missing_locations(tree), str(path), "exec", dont_inherit=True)
        finally:
            if place is None:
                setattr(holder, name, old)
            else:
                getattr(holder, name)[place] = old

    return code


def changed(node: ast.AST) -> Iterator[ast.AST]:
    """What can stand for a piece of code, each with one change."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in COMPARED:
            for other in COMPARED[type(op)]:
                yield _with(node, ops=[other()])
            if isinstance(node.comparators[0], (ast.Tuple, ast.Set)):
                for each in _without(node.comparators[0], "elts"):
                    yield _with(node, comparators=[each])
        case ast.BoolOp():
            yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
            for index in range(len(node.values)):
                rest = node.values[:index] + node.values[index + 1 :]
                yield rest[0] if len(rest) == 1 else _with(node, values=rest)
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.BinOp() if type(node.op) in COMPUTED and not _text(node):
            yield _with(node, op=COMPUTED[type(node.op)]())
        case ast.Constant(value=bool()):
            yield ast.copy_location(ast.Constant(not node.value), node)
        case ast.Constant(value=int() | float()):
            yield ast.copy_location(ast.Constant(node.value + 1), node)
        case ast.Name(id=name) if name in NAMES:
            yield _with(node, id=NAMES[name])
        case ast.Call() if node.keywords:
            yield from _without(node, "keywords")
        case ast.If() | ast.While() | ast.IfExp():
            yield _with(node, test=ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test))
        case ast.comprehension() if node.ifs:
            yield from _without(node, "ifs")
        case ast.match_case():
            if node.guard is not None:
                yield _with(node, guard=None)
            yield _with(node, guard=ast.copy_location(ast.Constant(False), node.pattern))
        case ast.Return(value=ast.expr()) if not (isinstance(node.value, ast.Constant) and node.value.value is None):
            yield _with(node, value=ast.copy_location(ast.Constant(None), node))
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()) | ast.Raise() | ast.AugAssign():
            yield ast.copy_location(ast.Pass(), node)
        case ast.Continue():
            yield ast.copy_location(ast.Break(), node)
        case ast.Break():
            yield ast.copy_location(ast.Continue(), node)


def _with(node: Any, **fields: Any) -> Any:
    made = copy.copy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def _without(node: Any, name: str) -> Iterator[Any]:
    values = getattr(node, name)
    for index in range(len(values)):
        yield _with(node, **{name: values[:index] + values[index + 1 :]})


def _text(node: ast.BinOp) -> bool:
    return any(
        isinstance(part, ast.JoinedStr | ast.Constant | ast.List | ast.Tuple) for part in (node.left, node.right)
    ) and (
        not any(
            isinstance(part, ast.Constant) and isinstance(part.value, int | float) for part in (node.left, node.right)
        )
    )


def install(functions: Sequence[FunctionType], old: CodeType, new: CodeType) -> int:
    """Give every function that has its code from `old` the code at the same place of `new`; says how many it gave."""
    codes: dict[CodeType, CodeType] = {}
    _pair(old, new, codes)
    given = 0
    for each in functions:
        found = codes.get(each.__code__)
        if found is not None and found != each.__code__:
            each.__code__ = found
            given += 1
    return given


def functions_of(paths: Collection[Path]) -> dict[Path, list[FunctionType]]:
    """The functions that were made from these files. Looked for once: a forked process would copy all it looks at."""
    gc.unfreeze()  # tests freeze what they import, and what is frozen is not listed
    found: dict[Path, list[FunctionType]] = {path: [] for path in paths}
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and (path := Path(each.__code__.co_filename)) in found:
            found[path].append(each)
    gc.freeze()
    return found


def _pair(old: CodeType, new: CodeType, codes: dict[CodeType, CodeType]) -> None:
    codes[old] = new
    ours, theirs = ([each for each in code.co_consts if isinstance(each, CodeType)] for code in (old, new))
    if len(ours) != len(theirs):
        theirs = [
            next((t for t in theirs if (t.co_name, t.co_firstlineno) == (o.co_name, o.co_firstlineno)), o) for o in ours
        ]
    for one, other in zip(ours, theirs, strict=True):
        _pair(one, other, codes)


class Mutation:
    """A pytest plugin: tests are collected once, then every mutant is tried with those that reach it."""

    def __init__(self, found: Sequence[Mutant], seconds: float, jobs: int) -> None:
        self.found, self.seconds, self.jobs = found, seconds, jobs
        self.killed: Counter[Path] = Counter()
        self.broken: Counter[Path] = Counter()  # not a program: nobody could write it
        self.survivors: list[Mutant] = []
        self._killers: defaultdict[Path, Counter[str]] = defaultdict(Counter)

    def pytest_configure(self) -> None:
        from hypothesis import Phase, settings

        # A failure is enough: nobody reads the smallest example of it.
        settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate])
        settings.load_profile("mutants")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        reached, took = self._reach(session)
        originals = {
            path: compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
            for path in {m.path for m in self.found}
        }
        functions = functions_of(originals)
        running: dict[int, tuple[Mutant, list[str], float]] = {}
        began: Path | None = None
        for mutant in [*self.found, None]:
            if mutant is not None and mutant.path != began:  # whoever ends a run of hours early has what was done
                began = mutant.path
                print(f"{time.strftime('%H:%M:%S')} {_short(began)}", flush=True)
            while running and (mutant is None or len(running) >= self.jobs):
                self._await(running)
            if mutant is None:
                break
            killers = self._killers[mutant.path]
            names = reached.get((str(mutant.path), mutant.line), set())
            chosen = sorted(names, key=lambda name: (-killers[name], took[name]))
            total, tests = 0.0, []
            for name in chosen:
                total += took[name]
                if tests and total > self.seconds:
                    break
                tests.append(name)
            child = os.fork()
            if child == 0:
                with contextlib.suppress(BaseException):
                    chosen_items = [items[name] for name in tests]
                    os._exit(_try(mutant, functions[mutant.path], originals[mutant.path], chosen_items))
                os._exit(BROKEN)
            running[child] = (mutant, tests, time.monotonic() + 10 + 20 * total)
        return True

    def _await(self, running: dict[int, tuple[Mutant, list[str], float]]) -> None:
        child, status = os.waitpid(-1, os.WNOHANG)
        if child == 0:
            for late in [each for each, (_, _, until) in running.items() if time.monotonic() > until]:
                os.kill(late, signal.SIGKILL)
            time.sleep(0.005)
            return
        mutant, tests, _ = running.pop(child)
        code = os.waitstatus_to_exitcode(status)
        if code == ALIVE:
            self.survivors.append(mutant)
            print(mutant.named, flush=True)
        elif code == BROKEN:
            self.broken[mutant.path] += 1
        elif code == UNTRIED:
            raise SystemExit(f"{_short(mutant.path)}:{mutant.line}: no function has this code, so no test can tell.")
        else:
            self.killed[mutant.path] += 1
            if 0 <= code < len(tests):
                self._killers[mutant.path][tests[code]] += 1

    def _reach(self, session: pytest.Session) -> tuple[dict[tuple[str, int], set[str]], dict[str, float]]:
        """Which tests reach which line, and the seconds each takes; learnt in a process of its own."""
        with tempfile.NamedTemporaryFile() as file:
            if (child := os.fork()) == 0:
                measured = coverage.Coverage(
                    data_file=None, config_file=False, include=sorted({str(m.path) for m in self.found})
                )
                took = {}
                measured.start()
                for item, following in zip(session.items, [*session.items[1:], None], strict=True):
                    measured.switch_context(item.nodeid)
                    began = time.process_time()  # which other work on the machine does not change
                    reports = runtestprotocol(item, nextitem=following, log=False)
                    took[item.nodeid] = time.process_time() - began
                    if any(report.failed for report in reports):
                        print(f"{item.nodeid} fails without any mutant", file=sys.stderr)
                        os._exit(1)
                measured.stop()
                data = measured.get_data()
                reached = defaultdict(set)
                for path in data.measured_files():
                    for line, names in data.contexts_by_lineno(path).items():
                        reached[path, line] = {name for name in names if name}
                Path(file.name).write_bytes(pickle.dumps((dict(reached), took)))
                os._exit(0)
            if os.waitpid(child, 0)[1] != 0:
                raise SystemExit("The tests have to pass first.")
            return pickle.loads(Path(file.name).read_bytes())  # type: ignore[no-any-return]


ALIVE, BROKEN, UNTRIED = 250, 251, 252


def _try(mutant: Mutant, functions: Sequence[FunctionType], original: CodeType, items: Sequence[pytest.Item]) -> int:
    """In the forked process: the number of the test that kills the mutant, or ALIVE."""
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        try:
            if not install(functions, original, mutant.code()):
                return UNTRIED
        except (SyntaxError, ValueError):
            return BROKEN
        for index, item in enumerate(items):
            following = items[index + 1] if index + 1 < len(items) else None
            if any(report.failed for report in runtestprotocol(item, nextitem=following, log=False)):
                return min(index, ALIVE - 1)
    return ALIVE


def _short(path: Path) -> str:
    return os.path.relpath(path)


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutation testing of modules' functions.")
    parser.add_argument("paths", nargs="+", type=lambda text: Path(text).resolve(), metavar="FILE")
    parser.add_argument("--tests", nargs="+", default=["tests/core"], metavar="PATH")
    parser.add_argument("--line", type=int, help="only the mutants of this line")
    parser.add_argument("--every", type=int, default=1, help="one mutant of so many, chosen by its place")
    parser.add_argument("--again", type=Path, help="only the mutants that this output of an earlier run names")
    parser.add_argument("--seconds", type=float, default=3.0, help="at most so much of the tests for each mutant")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    found = [each for path in options.paths for each in mutants(path) if options.line in (None, each.line)]
    if options.again is not None:
        before = set(options.again.read_text(encoding="utf-8").splitlines())
        found = [each for each in found if each.named in before]
    found = [each for each in found if zlib.crc32(each.named.encode()) % options.every == 0]
    plugin = Mutation(found, options.seconds, options.jobs)
    quiet = ["-o", "addopts=", "-p", "no:cacheprovider", "-p", "no:terminal", "--capture=no"]
    if pytest.main([*quiet, "-m", "not full", *options.tests], plugins=[plugin]) != pytest.ExitCode.OK:
        raise SystemExit("The tests could not be collected.")
    totals = Counter(each.path for each in found) - plugin.broken
    for path in options.paths:
        print(f"{_short(path)}: {plugin.killed[path]}/{totals[path]} killed")
    print(f"{plugin.killed.total()}/{totals.total()} killed, {len(plugin.survivors)} survived")
    return 1 if plugin.survivors else 0


if __name__ == "__main__":
    sys.exit(main())
